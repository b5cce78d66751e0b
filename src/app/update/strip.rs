//! The strip's own questions: asked while it is open, of what the panes are turned to, and of its whole axis.

use chrono::TimeDelta;

use crate::app::strip::{SHOWN, StripAsk};
use crate::app::{Effect, Model, Strip};
use crate::domain::service_map::Caller;
use crate::domain::trace::summary::Outcome;
use crate::domain::{log, trace};
use crate::time::{Now, Tick};
use crate::view::layout::{self, Cover};

/// Asks for what the strip shows, where it is in sight and something is due.
pub(super) fn settle(model: &mut Model, now: Now) -> Option<Effect> {
    if !is_seen(model, now) {
        return None;
    }
    let ask = question(model, now);
    let range = model.scope.range();
    let nobody = ask.lines.is_none() && ask.traces.is_none();
    if nobody || !model.strip_facts.is_due(&ask, range, now.tick) {
        return None;
    }
    model.strips += 1;
    model.strip_facts.ask(ask.clone(), range, now.tick);
    Some(Effect::CountStrip(ask))
}

/// When the strip asks again.
pub(crate) fn due(model: &Model, now: Now) -> Option<Tick> {
    is_seen(model, now).then(|| model.strip_facts.due())?
}

/// A frozen screen asks for nothing.
fn is_seen(model: &Model, now: Now) -> bool {
    model.strip == Strip::Shown
        && model.paused.is_none()
        && !layout::of(model, Cover::Panes, now).strip.is_empty()
}

fn question(model: &Model, now: Now) -> StripAsk {
    let (from, to) = match model.scope.range() {
        Some(range) => (range.from, range.end(now.utc)),
        None => (now.utc - SHOWN, now.utc),
    };
    let settings = &model.settings;
    StripAsk {
        seq: model.strips,
        from,
        // Of no time at all nothing can be counted.
        to: to.max(from + TimeDelta::minutes(1)),
        lines: settings.logs.is_some().then(|| lines_wanted(model)),
        traces: settings.traces.is_some().then(|| trace::Wanted {
            outcome: Outcome::Failed,
            ..traces_wanted(model)
        }),
    }
}

/// The lines of what the panes are turned to, whatever the log pane is narrowed to beside; a trace is of whatever service
/// and environment.
pub(crate) fn lines_wanted(model: &Model) -> log::Wanted {
    let scope = model.scope.current();
    if let Some(trace) = scope.and_then(|scope| scope.trace) {
        return log::Wanted {
            trace: Some(trace),
            ..log::Wanted::default()
        };
    }
    let service = scope.and_then(|scope| scope.service.as_deref());
    let services = &model.settings.services;
    log::Wanted {
        service: service.map(|service| services.theirs(Caller::Logs, service).into()),
        environment: scope.map(|scope| scope.labels.clone()).unwrap_or_default(),
        ..log::Wanted::default()
    }
}

/// The traces of what the panes are turned to, likewise.
pub(crate) fn traces_wanted(model: &Model) -> trace::Wanted {
    let services = &model.settings.services;
    let service = model.scope.service();
    trace::Wanted {
        service: service.map(|service| services.theirs(Caller::Traces, service).into()),
        ..trace::Wanted::default()
    }
}
