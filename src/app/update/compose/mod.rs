//! Writing: notes, status updates, marks, declarations. What is typed is kept whatever happens: as a draft while it
//! is written, and until the act that it becomes is on the disk.
//!
//! This file opens composers; `keys` types, `drafts` keeps what is typed, `sending` hands it over and brings it
//! back where it could not be saved.

mod drafts;
mod keys;
mod sending;

use std::sync::Arc;

use super::alerts::{describe, targets};
use super::incident_acts::refusal;
use super::{dialog, say, scope};
use crate::action::Action;
use crate::app::compose::{About, Body, Compose, Kept, Purpose, area_of};
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents::label;
use crate::app::list::Placed;
use crate::app::modal::{Choice, Menu, MenuItem, Modal};
use crate::app::panes::selected_silence;
use crate::app::toast::Level;
use crate::app::{Effect, Model, reference};
use crate::backend::incidents::Seen;
use crate::domain::alert::SeverityRank;
use crate::domain::incident::Incident;
use crate::logstore::LineId;
use crate::text::SafeText;
use crate::time::Now;

pub(super) use drafts::{drafts_read, edited, put_away, rest};
pub(super) use keys::{key, paste, typed};
pub(super) use sending::{declared, drop_text, failed, give_back, journaled, save_text};

/// The incident that keys are about: the open one, the one under the cursor of its pane, that of the alert under
/// the cursor, that of the scope, the followed one.
pub(super) fn current(model: &Model) -> Option<&Arc<Incident>> {
    match meant(model) {
        Meant::Plainly(meant) => meant,
        Meant::Unsaid => beside(model),
    }
}

/// The incident that somebody who looks something up works on: one that they turned to, or that is theirs. What merely
/// stands first in its pane is not their doing.
pub(super) fn worked_on(model: &Model) -> Option<&Arc<Incident>> {
    let us = model.us();
    let is_ours = |incident: &Incident| {
        let taken = incident.acknowledgements.iter().map(|(person, _)| person);
        taken
            .chain(&incident.assignees)
            .any(|person| us.are_person(person))
    };
    let by_hand = model.incidents.list.placed == Placed::ByHand;
    match meant(model) {
        Meant::Plainly(meant) => meant,
        Meant::Unsaid => beside(model).filter(|incident| by_hand || is_ours(incident)),
    }
}

/// Which incident somebody means.
enum Meant<'m> {
    /// This one, or, plainly too, none.
    Plainly(Option<&'m Arc<Incident>>),
    /// Nothing tells.
    Unsaid,
}

fn meant(model: &Model) -> Meant<'_> {
    let open = model.details.iter().rev().find_map(|view| view.detail.incident());
    if let Some(id) = open {
        return Meant::Plainly(model.incidents.incident(id));
    }
    // Whatever row of a case is under the cursor, and whatever was opened from it: it is about the case's own.
    let case = model.details.iter().rev().find_map(|view| match &view.detail {
        Detail::Case(of) => Some(of),
        _ => None,
    });
    if let Some(of) = case {
        // One that has none is nobody else's.
        return Meant::Plainly(super::case::incidents(model, of).into_iter().next());
    }
    let alert = match (model.detail(), model.focus) {
        (Some(detail), _) => detail.alert(),
        (None, PaneId::Alerts) => model.alerts.selected().map(|alert| alert.occurrence.fingerprint),
        (None, PaneId::Slo | PaneId::Logs | PaneId::Traces | PaneId::Incident) => None,
    };
    if let Some([(linked, by)]) = alert.map(|alert| model.meant_by(alert)).as_deref()
        && by.is_sure()
    {
        return Meant::Plainly(Some(linked));
    }
    // What is looked at was turned to for its sake.
    if model.focus != PaneId::Incident
        && let Some(incident) = scope::incident(model)
    {
        return Meant::Plainly(Some(incident));
    }
    Meant::Unsaid
}

/// The one that the incident pane shows.
fn beside(model: &Model) -> Option<&Arc<Incident>> {
    let followed = model.incidents.followed.as_ref();
    let followed = followed.and_then(|id| model.incidents.incident(id));
    let selected = model.incidents.selected();
    match model.focus {
        PaneId::Incident => selected.or(followed),
        // The one that was followed is over. Whatever stands in its row is not what somebody elsewhere has in mind.
        PaneId::Slo | PaneId::Alerts | PaneId::Logs | PaneId::Traces
            if model.incidents.list.placed == Placed::Bereft =>
        {
            None
        }
        PaneId::Slo | PaneId::Alerts | PaneId::Logs | PaneId::Traces => followed.or(selected),
    }
}

fn about(incident: &Incident) -> About {
    About {
        id: incident.id.clone(),
        label: label(incident).into(),
        seen: Seen {
            status: incident.status,
            changed_at: incident.changed_at,
            escalation: None,
        },
    }
}

/// No composer opens: why, and what is typed now all the same is run as no key.
fn refused(model: &mut Model, level: Level, why: impl Into<String>, now: Now) -> Vec<Effect> {
    model.unwritten = Some(now.tick);
    say(model, level, why, now)
}

/// A note on the current incident.
pub(super) fn note(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return refused(model, Level::Warn, why, now);
    }
    match current(model).map(|incident| about(incident)) {
        Some(about) => {
            let compose = Compose::new(Purpose::Note(about));
            open(model, compose, now)
        }
        None => without_incident(model, now),
    }
}

/// Nothing to note on: what can be done instead.
fn without_incident(model: &mut Model, now: Now) -> Vec<Effect> {
    let item = |key, label: String, action| MenuItem {
        key,
        label,
        choice: Choice::Run(action),
    };
    let mut items = vec![item('i', "declare a local incident".to_owned(), Action::Declare)];
    if let Some(backend) = &model.settings.annotations {
        let backend = SafeText::line(backend);
        items.push(item(
            'm',
            format!("mark this moment at {backend}"),
            Action::MarkMoment,
        ));
    }
    let known = model
        .incidents
        .feed
        .value()
        .is_some_and(|board| board.waiting.is_empty());
    let pane = PaneId::Incident.number();
    let open = model.details.iter().rev().find_map(|view| view.detail.incident());
    let (title, why) = if let Some(over) = open.and_then(|id| model.incidents.over(id, &model.us())) {
        (
            "The incident you followed is over",
            format!("the incident that is open is over: {over}"),
        )
    } else if model.incidents.list.placed == Placed::Bereft {
        (
            "The incident you followed is over",
            format!("the incident you followed is listed no more; {pane} chooses another to note on"),
        )
    } else if known {
        (
            "No incident to note on",
            "no incident is open or under the cursor, so there is none to note on".to_owned(),
        )
    } else {
        (
            "No incident is known yet",
            "no incident is known yet: which are open has not been told; try again when they are listed"
                .to_owned(),
        )
    };
    model.toasts.say(Level::Info, why, now.tick);
    model.unwritten = Some(now.tick);
    model.modal = Some(Modal::Menu(Menu {
        title,
        items,
        cursor: 0,
    }));
    Vec::new()
}

/// A status update of the current incident.
pub(super) fn status_update(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return refused(model, Level::Warn, why, now);
    }
    match current(model).map(|incident| about(incident)) {
        Some(about) => {
            let compose = Compose::new(Purpose::StatusUpdate(about));
            open(model, compose, now)
        }
        None => refused(
            model,
            Level::Info,
            "no incident is open or under the cursor to tell of",
            now,
        ),
    }
}

/// A mark of this moment at the annotations backend.
pub(super) fn mark_moment(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return refused(model, Level::Warn, why, now);
    }
    let Some(backend) = model.settings.annotations.clone() else {
        let context = &model.settings.context;
        let why = format!("no annotations backend is configured; add [contexts.{context}.annotations]");
        return refused(model, Level::Info, why, now);
    };
    let compose = Compose::new(Purpose::Mark { at: now.utc, backend });
    open(model, compose, now)
}

/// A local incident, from the alert under the cursor or from nothing.
pub(super) fn declare(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return refused(model, Level::Warn, why, now);
    }
    let mut compose = Compose::new(Purpose::Declaration);
    let alerts = match (model.detail(), model.focus) {
        (Some(Detail::Alert(_)), _) | (None, PaneId::Alerts) => targets(model, now).now,
        (Some(_), _) | (None, PaneId::Slo | PaneId::Logs | PaneId::Traces | PaneId::Incident) => Vec::new(),
    };
    if let Body::Form(form) = &mut compose.body {
        if let Some(first) = alerts.first() {
            form.title = area_of(vec![describe(first)]);
            form.service = area_of(vec![SafeText::line(&first.service).into_string()]);
            let worst = alerts
                .iter()
                .filter_map(|alert| alert.severity.as_deref())
                .map(SeverityRank::of)
                .min();
            form.severity = if worst == Some(SeverityRank::Critical) {
                1
            } else {
                2
            };
        } else if let Some(service) = scope::service_here(model, now) {
            form.service = area_of(vec![SafeText::line(&service).into_string()]);
        }
        form.alerts = alerts.iter().map(|alert| alert.occurrence.fingerprint).collect();
    }
    open(model, compose, now)
}

/// What is under the cursor of what has the keys, as evidence.
fn evidence(model: &Model, now: Now) -> Option<String> {
    match model.detail() {
        Some(Detail::Slo(name)) => model
            .slo
            .report(name)
            .map(|report| reference::slo(report, now.utc)),
        Some(Detail::Alert(fingerprint) | Detail::Runbook(fingerprint)) => model
            .alerts
            .alert(*fingerprint)
            .map(|alert| reference::alert(alert)),
        Some(Detail::Silences) => {
            let board = model.alerts.board.as_deref()?;
            selected_silence(&model.silences, board).map(|row| reference::silence(row))
        }
        Some(Detail::Incident(_)) => model.incidents.event().map(reference::event),
        Some(Detail::LogLine(id)) => log_line(model, *id),
        Some(Detail::Trace(id) | Detail::TraceFacts(id)) => super::waterfall::evidence(model, *id, None),
        Some(Detail::Span(id, row)) => super::waterfall::evidence(model, *id, Some(*row)),
        Some(
            Detail::Outbox
            | Detail::Patterns
            | Detail::Comparison(_, _)
            | Detail::ServiceGraph
            | Detail::Page(_),
        ) => None,
        Some(Detail::Case(_)) => super::case::evidence_here(model, now),
        None => match model.focus {
            PaneId::Traces => super::traces::evidence(model),
            PaneId::Logs => log_line(model, model.logs.cursor?),
            PaneId::Slo => model.slo.selected().map(|report| reference::slo(report, now.utc)),
            PaneId::Alerts => model.alerts.selected().map(|alert| reference::alert(alert)),
            PaneId::Incident => None,
        },
    }
}

/// A log line as evidence.
fn log_line(model: &Model, id: LineId) -> Option<String> {
    let view = model.logs.drawn()?;
    let entry = view.snapshot.entry(id)?;
    Some(reference::log_line(&entry, &view.ask.wanted))
}

/// Whether what is under the cursor was put there by a hand: a timeline that was just opened is at its end, and a
/// note written there is about the incident, not about the last word of it.
fn is_chosen(model: &Model) -> bool {
    let events = &model.incidents.event_list;
    let last = events.selected.as_ref() == model.incidents.events.last();
    !(last && matches!(model.detail(), Some(Detail::Incident(_))))
}

/// Opens a composer: a draft of the same comes back, else it refers to what is under the cursor.
fn open(model: &mut Model, mut compose: Compose, now: Now) -> Vec<Effect> {
    let offered = evidence(model, now);
    let draft = drafts::take(model, &compose.purpose);
    if let Body::Prose(prose) = &mut compose.body {
        let chosen = draft.is_none() && is_chosen(model);
        if let (Some(offered), true, Purpose::Note(_)) = (&offered, chosen, &compose.purpose) {
            prose.refs.push(offered.clone());
        }
        prose.offered = offered;
    }
    if let Some(draft) = draft {
        compose.fill(&draft.text);
        compose.kept = Kept::Yes;
        let clear = dialog::names(&model.keymap, &[Action::DialogClear]);
        let words = format!("your draft; {clear} clears it");
        model.toasts.say(Level::Info, words, now.tick);
    }
    model.modal = Some(Modal::Compose(Box::new(compose)));
    Vec::new()
}
