//! The panes: which has the keys, which are shown and how large, how their rows are arranged, what is frozen.

use super::{feeds, incidents, say};
use crate::app::focus::PaneId;
use crate::app::list::Direction;
use crate::app::logs::Times;
use crate::app::toast::Level;
use crate::app::{Effect, Model, Paused, Zone};
use crate::domain::alert::Grouping;
use crate::domain::alert::desk::Arrangement;
use crate::domain::service_map::Caller;
use crate::time::Now;

pub(super) fn save_layout(model: &Model) -> Vec<Effect> {
    vec![Effect::SaveLayout(model.layout.clone())]
}

/// Goes to the pane that somebody names.
pub(super) fn focus(model: &mut Model, pane: PaneId) -> Vec<Effect> {
    let effects = pass_to(model, pane);
    if pane == PaneId::Incident {
        // Whoever names it turns to the incident that it shows; who passes by does not.
        model.incidents.list.hold();
    }
    effects
}

fn pass_to(model: &mut Model, pane: PaneId) -> Vec<Effect> {
    model.details.clear();
    give_keys(model, pane);
    if model.layout.hidden.remove(&pane) {
        save_layout(model)
    } else {
        Vec::new()
    }
}

/// Gives a pane the keys. Whoever goes there means the row that is under its cursor: what
/// arrives meanwhile is not acted on in its place.
pub(super) fn give_keys(model: &mut Model, pane: PaneId) {
    model.focus = pane;
    match pane {
        PaneId::Slo => model.slo.list.pin(),
        PaneId::Alerts => model.alerts.list.pin(),
        // A log line is meant by whoever moves to it; until then the newest is kept in sight.
        PaneId::Logs => {}
        PaneId::Traces => model.traces.list.pin(),
        PaneId::Incident => model.incidents.list.pin(),
    }
}

/// Focuses the next pane that is not hidden, or the one before, round the end.
pub(super) fn focus_beside(model: &mut Model, towards: Direction, now: Now) -> Vec<Effect> {
    let visible: Vec<PaneId> = model.layout.visible().collect();
    let after = visible.iter().position(|pane| *pane > model.focus);
    let before = visible.iter().rposition(|pane| *pane < model.focus);
    let beside = match towards {
        Direction::Down => after.map_or_else(|| visible.first(), |at| visible.get(at)),
        Direction::Up => before.map_or_else(|| visible.last(), |at| visible.get(at)),
    };
    match beside {
        Some(pane) if *pane != model.focus => pass_to(model, *pane),
        Some(_) | None => say(
            model,
            Level::Info,
            "the other panes are hidden; their numbers bring them back",
            now,
        ),
    }
}

/// Gives a pane the keys, hidden or not: keys never go where nothing shows.
pub(super) fn turn_to(model: &mut Model, pane: PaneId) {
    model.layout.hidden.remove(&pane);
    give_keys(model, pane);
}

pub(super) fn hide(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(other) = model.layout.visible().find(|pane| *pane != model.focus) else {
        return say(model, Level::Info, "the last pane stays", now);
    };
    let hidden = model.focus;
    model.layout.hidden.insert(hidden);
    give_keys(model, other);
    model.toasts.say(
        Level::Info,
        format!("{} hidden; {} brings it back", hidden.title(), hidden.number()),
        now.tick,
    );
    save_layout(model)
}

pub(super) fn resize(model: &mut Model, by: i16, now: Now) -> Vec<Effect> {
    let (share, by) = match model.focus {
        PaneId::Slo => (&mut model.layout.slo_share, by),
        PaneId::Alerts => (&mut model.layout.slo_share, -by),
        PaneId::Logs | PaneId::Traces => (&mut model.layout.incident_share, -by),
        PaneId::Incident => (&mut model.layout.incident_share, by),
    };
    let before = *share;
    *share = share.saturating_add_signed(by).clamp(20, 80);
    if *share == before {
        return say(model, Level::Info, "no further", now);
    }
    save_layout(model)
}

/// Times in UTC, in local time; of log lines as well since the line under the cursor.
pub(super) fn times(model: &mut Model) -> Vec<Effect> {
    let lines = model.focus == PaneId::Logs && model.details.is_empty();
    (model.zone, model.logs.times) = match (model.zone, model.logs.times) {
        (Zone::Utc, Times::Clock) => (Zone::Local, Times::Clock),
        (Zone::Local, Times::Clock) if lines => (Zone::Utc, Times::Relative),
        (Zone::Local, times @ (Times::Clock | Times::Relative)) => (Zone::Utc, times),
        (Zone::Utc, Times::Relative) if lines => (Zone::Utc, Times::Clock),
        (Zone::Utc, Times::Relative) => (Zone::Local, Times::Relative),
    };
    Vec::new()
}

/// How the desk is to arrange the board now.
pub(super) fn arrangement(model: &Model) -> Arrangement {
    Arrangement {
        grouping: model.alerts.grouping.clone(),
        states: model.alerts.states,
        filter: model.alerts.filter.clone(),
        scope: model.selector_of(PaneId::Alerts, Caller::Alerts),
    }
}

pub(super) fn next_grouping(grouping: &Grouping) -> Grouping {
    match grouping {
        Grouping::Server => Grouping::Labels(vec!["alertname".into()]),
        Grouping::Labels(labels) if labels.first().is_some_and(|l| &**l == "alertname") => {
            Grouping::Labels(vec!["service".into()])
        }
        Grouping::Labels(_) => Grouping::Flat,
        Grouping::Flat => Grouping::Server,
    }
}

/// Works out the rows of the SLO pane again.
pub(super) fn arrange_slos(model: &mut Model) {
    let selector = model.selector_of(PaneId::Slo, Caller::Slos);
    model.slo.arrange(&selector);
}

/// Freezes what is drawn, or lets it go again.
pub(super) fn pause(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.paused.take().is_some() {
        model.slo.frozen = None;
        arrange_slos(model);
        feeds::show_present(model, now);
        let effects = incidents::thaw(model, now);
        model.logs.frozen = None;
        model.logs.settle();
        model.traces.frozen = None;
        model.traces.arrange();
        return effects;
    }
    model.logs.frozen.clone_from(&model.logs.view);
    model.slo.frozen = model.slo.feed.shared();
    model.traces.frozen = model.traces.drawn().cloned().map(std::sync::Arc::new);
    model.alerts.frozen.clone_from(&model.alerts.board);
    model.paused = Some(Paused {
        since: now.tick,
        new_pages: 0,
    });
    Vec::new()
}
