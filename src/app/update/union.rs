//! The page of every context: watched while it is open, and the way from a row of it to where the row is at home.

use std::sync::Arc;

use super::{details, incidents, modals, panes, say};
use crate::action::Action;
use crate::app::focus::{Detail, Page, PaneId};
use crate::app::logs::Watched;
use crate::app::toast::Level;
use crate::app::union::{ContextReport, Thing};
use crate::app::{Effect, Model};
use crate::text::SafeText;
use crate::time::Now;

const PAGE: Detail = Detail::Page(Page::Contexts);

/// Opens the page.
pub(super) fn open(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.settings.contexts.len() < 2 {
        let _ = say(
            model,
            Level::Info,
            "this is the only context that is configured; [contexts.NAME] adds another",
            now,
        );
    }
    details::show(model, PAGE);
    own(model);
    Vec::new()
}

/// Why nothing is done from the page of every context: what is under the cursor may be another context's, and an act would
/// hit this one's.
pub(super) fn refusal(model: &Model) -> Option<String> {
    (model.detail() == Some(&PAGE)).then(|| {
        let context = SafeText::line(&model.settings.context);
        format!(
            "nothing is done from here: acts are {context}'s own; {} goes to a row's context, {} back",
            model.keymap.first_or_name(Action::Open),
            model.keymap.first_or_name(Action::Back)
        )
    })
}

/// The other contexts were heard of.
pub(super) fn heard(model: &mut Model, reports: &[Arc<ContextReport>]) {
    let own = model.own_report();
    let order = model.settings.contexts.clone();
    model.union.take(reports, own, &order);
}

/// What the open context shows has changed.
pub(super) fn own(model: &mut Model) {
    if model.details.iter().any(|view| view.detail == PAGE) {
        heard(model, &[]);
    }
}

/// The others are watched while the page is open, however it was opened or left.
pub(super) fn settle_watched(model: &mut Model) -> Option<Effect> {
    let is_open = model.details.iter().any(|view| view.detail == PAGE);
    let watched = if is_open { Watched::Yes } else { Watched::No };
    if watched == model.union.watched {
        return None;
    }
    model.union.watched = watched;
    Some(Effect::WatchContexts(watched))
}

/// Goes to the context of the row under the cursor, at what the row is about.
pub(super) fn go(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(key) = model.union.keys.get(model.union.list.index).cloned() else {
        return say(model, Level::Info, "nothing to go to", now);
    };
    if *key.context == *model.settings.context {
        if let Some(thing) = key.thing {
            return arrive_at(model, &thing).unwrap_or_else(|| gone(model, &thing, now));
        }
        model.details.clear();
        return Vec::new();
    }
    model.union.bound = key.thing.map(|thing| (key.context.to_string(), thing));
    modals::switch_context(model, key.context.to_string())
}

/// Where one was on the way to something of this context and its feeds tell of it, that is opened.
pub(super) fn arrive(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some((context, thing)) = model.union.bound.clone() else {
        return Vec::new();
    };
    if context != model.settings.context {
        return Vec::new();
    }
    let is_heard = match &thing {
        Thing::Slo(_) => model.slo.feed.value().is_some_and(|board| !board.slos.is_empty()),
        Thing::Alert(_) => model.alerts.board.is_some(),
        Thing::Incident(_) => model
            .incidents
            .feed
            .value()
            .is_some_and(|board| board.waiting.is_empty()),
    };
    if let Some(effects) = arrive_at(model, &thing) {
        model.union.bound = None;
        return effects;
    }
    if is_heard {
        model.union.bound = None;
        return gone(model, &thing, now);
    }
    Vec::new()
}

fn gone(model: &mut Model, thing: &Thing, now: Now) -> Vec<Effect> {
    let what = match thing {
        Thing::Slo(name) => format!("the SLO {}", SafeText::line(name)),
        Thing::Alert(_) => "the alert".to_owned(),
        Thing::Incident(id) => format!("the incident {}", SafeText::line(&id.0)),
    };
    say(
        model,
        Level::Info,
        format!("{what} is not listed here any more"),
        now,
    )
}

/// Opens it; nothing where it is not listed.
fn arrive_at(model: &mut Model, thing: &Thing) -> Option<Vec<Effect>> {
    match thing {
        Thing::Slo(name) => {
            model.slo.report(name)?;
            model.details.clear();
            panes::turn_to(model, PaneId::Slo);
            let row = model.slo.rows.iter().position(|row| row == name);
            if let Some(row) = row {
                model.slo.list.select(&model.slo.rows, row);
            }
            details::show(model, Detail::Slo(name.clone()));
            Some(Vec::new())
        }
        Thing::Alert(fingerprint) => {
            model.alerts.alert(*fingerprint)?;
            model.details.clear();
            panes::turn_to(model, PaneId::Alerts);
            Some(details::show_alert(model, *fingerprint))
        }
        Thing::Incident(id) => {
            model.incidents.incident(id)?;
            model.details.clear();
            panes::turn_to(model, PaneId::Incident);
            incidents::open(model, id.clone());
            Some(Vec::new())
        }
    }
}
