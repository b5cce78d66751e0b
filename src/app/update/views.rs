//! Saved views: kept by name, taken up again, dropped; and the scopes one was in.

use std::collections::BTreeMap;

use super::{frozen, logs, say, scope};
use crate::app::kept::{Keep, MOST_VIEWS, SavedView, ViewsKept, name_of};
use crate::app::scope::{Scope, Stepped};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::trace::summary::Outcome;
use crate::text::SafeText;
use crate::time::Now;

/// Keeps what is looked at under a name; one of that name is replaced.
pub(super) fn save(model: &mut Model, name: &str, now: Now) -> Vec<Effect> {
    let name = match name_of(name) {
        Ok(name) => name,
        Err(why) => return say(model, Level::Warn, why, now),
    };
    if model.kept.views.len() >= MOST_VIEWS && !model.kept.views.contains_key(&name) {
        let why = format!("{MOST_VIEWS} views are kept already; `view drop NAME` makes room");
        return say(model, Level::Warn, why, now);
    }
    let view = Some(Box::new(SavedView::of(model)));
    vec![Effect::Keep(Keep::View { name, view })]
}

/// Forgets a view.
pub(super) fn forget(model: &mut Model, name: &str, now: Now) -> Vec<Effect> {
    let name = name.trim().to_owned();
    if !model.kept.views.contains_key(&name) {
        let why = format!("there is no view {}", SafeText::line(&name));
        return say(model, Level::Info, why, now);
    }
    vec![Effect::Keep(Keep::View { name, view: None })]
}

/// The file of views was written, or could not be.
pub(super) fn kept(model: &mut Model, result: Result<ViewsKept, String>, now: Now) -> Vec<Effect> {
    match result {
        Ok(ViewsKept { views, said }) => {
            let before = std::mem::replace(&mut model.kept.views, views);
            model.kept.trouble = None;
            let words = match said {
                Some(said) => return say(model, Level::Warn, said, now),
                None => changed(&before, &model.kept.views),
            };
            say(model, Level::Info, words, now)
        }
        Err(why) => say(model, Level::Error, why, now),
    }
}

/// What became of the views, in words.
fn changed(before: &BTreeMap<String, SavedView>, after: &BTreeMap<String, SavedView>) -> String {
    let new = after.iter().find(|(name, view)| before.get(*name) != Some(*view));
    let gone = before.keys().find(|name| !after.contains_key(*name));
    match (new, gone) {
        (Some((name, _)), _) => {
            let name = SafeText::line(name);
            format!("view {name} is kept; `view {name}` takes it up")
        }
        (None, Some(name)) => format!("view {} is dropped", SafeText::line(name)),
        (None, None) => "the view is kept as it was".to_owned(),
    }
}

/// Takes a view up: layout, scope and filters become its own.
pub(super) fn take_up(model: &mut Model, name: &str, now: Now) -> Vec<Effect> {
    if let Some(why) = frozen(model) {
        return say(model, Level::Info, why, now);
    }
    let Some(view) = model.kept.views.get(name).cloned() else {
        let why = format!("there is no view {}", SafeText::line(name));
        return say(model, Level::Info, why, now);
    };
    model.details.clear();
    model.layout = view.layout(&model.layout.absent);
    model.focus = Some(view.focus.0)
        .filter(|pane| model.layout.shows(*pane))
        .or_else(|| model.layout.visible().next())
        .unwrap_or(model.focus);
    model.slo.filter.clone_from(&view.slo_filter);
    model.incidents.filter.clone_from(&view.incident_filter);
    model.incidents.arrange();
    model.alerts.filter.clone_from(&view.alerts.filter);
    model.alerts.states = view.states();
    model.alerts.grouping = view.grouping();
    let traces = &mut model.traces;
    traces.query.clone_from(&view.traces.query);
    traces.filter.clone_from(&view.traces.filter);
    traces.outcome = if view.traces.failed {
        Outcome::Failed
    } else {
        Outcome::Any
    };
    // Of which time is the scope's to say.
    traces.arrange();
    let mut effects = vec![Effect::SaveLayout(model.layout.clone())];
    effects.extend(logs::take_up_view(model, &view));
    effects.extend(turn_to(model, view.scope.unwrap_or_default(), now));
    model
        .toasts
        .say(Level::Info, format!("view {}", SafeText::line(name)), now.tick);
    effects
}

/// Turns every pane to a scope; the step can be undone.
pub(super) fn turn_to(model: &mut Model, scope: Scope, now: Now) -> Vec<Effect> {
    match model.scope.push(scope) {
        Stepped::Moved | Stepped::Nowhere => scope::rescope(model, now),
    }
}

/// The scope that one has come to, where it is another than the last one that was kept. One that nothing is known to be
/// of is none to come back to.
pub(super) fn visited(model: &mut Model) -> Option<Effect> {
    let scope = model
        .scope
        .current()
        .filter(|scope| !scope.is_everything())
        .filter(|scope| !model.scope.is_unfounded(scope))?
        .clone();
    let is_new = !model.has_lines_alone() && model.kept.visit(&scope);
    is_new.then(|| Effect::Keep(Keep::Scope(Box::new(scope))))
}
