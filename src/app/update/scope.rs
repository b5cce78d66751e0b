//! What the panes are turned to: by the thing under the cursor, by time, and back again.
//!
//! [`here`] reads a scope from whatever is under the cursor; [`rescope`] turns every pane that is not pinned. A range that
//! goes on up to now leaves the logs at their newest line, or on the line that somebody went to; one that is over shows the
//! lines around its middle.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::panes::{arrange_slos, arrangement};
use super::spot::{self, Place, Spot, When};
use super::{incidents, logs, say, traces, waterfall};
use crate::app::focus::{Detail, PaneId};
use crate::app::list::{Direction, Placed};
use crate::app::modal::{Modal, Prompt, PromptKind, PromptTarget};
use crate::app::scope::{Pinned, Scope, Stepped, TimeRange};
use crate::app::toast::Level;
use crate::app::traces::when;
use crate::app::{Effect, Model};
use crate::domain::alert::{Alert, Fingerprint};
use crate::domain::environment;
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::log::Nanos;
use crate::domain::service_map::Caller;
use crate::domain::trace::{Row, TraceId};
use crate::logstore::LineId;
use crate::time::Now;

/// What led to something that began is looked at from this long before it.
const LEAD: TimeDelta = TimeDelta::minutes(15);
/// Around a moment that is past, this much on either side.
const AROUND: TimeDelta = TimeDelta::minutes(5);
/// What began within this is still of the present.
const PRESENT: TimeDelta = TimeDelta::hours(6);
/// The time that is gone back from where no range is set: what the panes show of themselves.
const SHOWN: TimeDelta = TimeDelta::hours(1);

/// Turns every pane to the thing under the cursor.
pub(super) fn narrow(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(mut scope) = here(model, now).filter(|scope| !scope.is_everything()) else {
        let why = match model.detail() {
            Some(Detail::ServiceGraph) => {
                "the graph has no cursor to scope by: pivot to the traces of a service, and scope from there"
            }
            Some(_) | None => "nothing under the cursor names a service",
        };
        return say(model, Level::Info, why, now);
    };
    // What tells no time of its own is looked at in the time that holds.
    scope.range = scope.range.or(model.scope.range());
    let theirs = || incident_of(model, scope.service.as_deref()?);
    scope.incident = scope.incident.clone().or_else(theirs);
    match model.scope.push(scope) {
        Stepped::Moved => {
            logs::stay(model);
            rescope(model, now)
        }
        Stepped::Nowhere => say(model, Level::Info, "already the scope", now),
    }
}

/// Undoes the last step: a pivot, with the place that it was made from, or a scope.
pub(super) fn back(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(whence) = model
        .trail
        .pop_if(|whence| whence.after.is_turned_as(&model.scope))
    {
        whence.restore(model);
        return rescope(model, now);
    }
    match model.scope.pop() {
        Stepped::Moved => {
            logs::stay(model);
            rescope(model, now)
        }
        Stepped::Nowhere => say(model, Level::Info, "no scope to undo", now),
    }
}

/// Turns a pane by hand: one that was pinned follows again, and that is said.
pub(super) fn release(model: &mut Model, pane: PaneId, now: Now) {
    if model.scope.is_pinned(pane) {
        model.scope.release(pane);
        let words = format!(
            "pane {} is pinned no more: it was turned to something else",
            pane.number()
        );
        model.toasts.say(Level::Info, words, now.tick);
    }
}

/// The service of what is under the cursor.
pub(super) fn service_here(model: &Model, now: Now) -> Option<String> {
    here(model, now)?.service.filter(|service| !service.is_empty())
}

/// What is under the cursor, as a scope.
pub(super) fn here(model: &Model, now: Now) -> Option<Scope> {
    match model.detail() {
        Some(Detail::Slo(name)) => of_slo(model, name),
        Some(Detail::Alert(fingerprint) | Detail::Runbook(fingerprint)) => of_alert(model, *fingerprint),
        Some(Detail::Incident(id)) => of_event(model, id, now),
        Some(Detail::LogLine(id)) => of_line(model, *id, now),
        Some(Detail::Trace(id) | Detail::TraceFacts(id)) => of_trace(model, *id, None, now),
        Some(Detail::Span(id, row)) => of_trace(model, *id, Some(*row), now),
        Some(Detail::Case(_) | Detail::Patterns | Detail::Silences) => match spot::here(model)? {
            Spot::Alert(fingerprint) => of_alert(model, fingerprint),
            Spot::Slo(name) => of_slo(model, &name),
            Spot::Incident(id) => Some(of_incident(model, model.incidents.incident(&id)?, now)),
            Spot::Place(place) => Some(of_place(place, now)),
        },
        Some(Detail::Comparison(_, _)) => {
            let (id, row) = traces::pair_here(model)?;
            of_trace(model, id, Some(row), now)
        }
        Some(Detail::Outbox | Detail::Page(_) | Detail::ServiceGraph) => None,
        None => match model.focus {
            PaneId::Logs => of_line(model, model.logs.cursor?, now),
            PaneId::Traces => of_listed(model, now),
            PaneId::Slo => of_slo(model, &model.slo.selected()?.slo.name),
            PaneId::Alerts => of_alert(model, model.alerts.selected()?.occurrence.fingerprint),
            PaneId::Incident => Some(of_incident(model, model.incidents.selected()?, now)),
        },
    }
}

/// A service by the name that the console has for it.
fn ours(model: &Model, caller: Caller, service: &str) -> Option<String> {
    let service = model.settings.services.ours(caller, service);
    (!service.is_empty()).then(|| service.to_owned())
}

fn of_slo(model: &Model, name: &str) -> Option<Scope> {
    let report = model.slo.report(name)?;
    Some(Scope {
        service: ours(model, Caller::Slos, &report.slo.service),
        range: report.burning_since().map(since),
        ..Scope::default()
    })
}

/// The incident of a service: of those that its alerts surely belong to, the first that is listed as open, which is the
/// loudest.
fn incident_of(model: &Model, service: &str) -> Option<IncidentId> {
    let board = model.incidents.feed.value()?;
    let services = &model.settings.services;
    let is_theirs = |incident: &&std::sync::Arc<Incident>| {
        let alerts = model.alerts_of(&incident.id);
        let mut sure = alerts.iter().filter(|(_, by)| by.is_sure());
        incident.status.is_open()
            && sure.any(|(alert, _)| services.is_of(Caller::Alerts, &alert.service, service))
    };
    board
        .incidents
        .iter()
        .find(is_theirs)
        .map(|incident| incident.id.clone())
}

/// The open incident that the scope is about.
pub(super) fn incident(model: &Model) -> Option<&std::sync::Arc<Incident>> {
    let scope = model.scope.current()?;
    if let Some(id) = &scope.incident {
        let known = model.incidents.incident(id);
        return known.filter(|incident| incident.status.is_open());
    }
    // A scope that names none is about the one that its service's alerts belong to: they may be known to since it was
    // turned to. Else about the one that its service has, where that is one.
    let ours = scope.service.as_deref()?;
    if let Some(id) = incident_of(model, ours) {
        return model.incidents.incident(&id);
    }
    let services = &model.settings.services;
    let board = model.incidents.feed.value()?;
    let mut of_it = board.incidents.iter().filter(|incident| {
        let theirs = incident.service.as_ref();
        incident.status.is_open()
            && theirs.is_some_and(|theirs| services.is_of(Caller::Incidents, &theirs.name, ours))
    });
    of_it.next().filter(|_| of_it.next().is_none())
}

/// An alert as a scope.
pub(super) fn of_one(model: &Model, alert: &Alert) -> Scope {
    let incident = match model.meant_by(alert.occurrence.fingerprint).as_slice() {
        [(incident, by)] if by.is_sure() => Some(incident.id.clone()),
        _ => None,
    };
    Scope {
        service: ours(model, Caller::Alerts, &alert.service),
        labels: environment::of(|name| alert.labels.get(name)),
        range: Some(since(alert.occurrence.starts_at)),
        trace: None,
        incident,
    }
}

fn of_alert(model: &Model, fingerprint: Fingerprint) -> Option<Scope> {
    let alert = model.alerts.alert(fingerprint)?;
    Some(of_one(model, alert))
}

fn of_line(model: &Model, id: LineId, now: Now) -> Option<Scope> {
    let view = model.logs.drawn()?;
    let entry = view.snapshot.entry(id)?;
    let labels = &entry.stream.labels;
    let label = |wanted: &str| {
        let mut labels = labels.iter();
        labels.find_map(|(name, value)| (**name == *wanted).then_some(&**value))
    };
    Some(Scope {
        service: ours(model, Caller::Logs, entry.service.unwrap_or_default()),
        labels: environment::of(label),
        range: entry.time().map(|at| about(at.utc(), now)),
        ..Scope::default()
    })
}

fn of_place(place: Place, now: Now) -> Scope {
    let range = |at| match place.when {
        When::At => about(at, now),
        When::Since => since(at),
    };
    Scope {
        range: place.at.map(range),
        service: place.service,
        labels: place.labels,
        trace: place.trace,
        incident: place.incident,
    }
}

fn of_trace(model: &Model, id: TraceId, row: Option<Row>, now: Now) -> Option<Scope> {
    let (service, start) = waterfall::span_here(model, id, row)?;
    Some(Scope {
        service: ours(model, Caller::Traces, &service),
        range: Some(about(start.utc(), now)),
        trace: Some(id),
        ..Scope::default()
    })
}

fn of_listed(model: &Model, now: Now) -> Option<Scope> {
    let service = traces::service_of(model)?;
    let trace = model.traces.selected();
    Some(Scope {
        service: ours(model, Caller::Traces, &service),
        range: trace.map(|trace| about(trace.start.utc(), now)),
        trace: trace.map(|trace| trace.id),
        ..Scope::default()
    })
}

fn of_incident(model: &Model, incident: &Incident, now: Now) -> Scope {
    let range = match incident.resolved_at {
        Some(over) if over + AROUND < now.utc => {
            TimeRange::between(earlier(incident.created_at, LEAD), over + AROUND)
        }
        Some(_) | None => since(incident.created_at),
    };
    let service = incidents::service(incident);
    Scope {
        service: service.and_then(|service| ours(model, Caller::Incidents, &service)),
        range: Some(range),
        incident: Some(incident.id.clone()),
        ..Scope::default()
    }
}

/// The event under the cursor of an open timeline: the incident's service, at the time of the event.
fn of_event(model: &Model, id: &IncidentId, now: Now) -> Option<Scope> {
    let incident = model.incidents.known(id)?;
    let whole = of_incident(model, incident, now);
    // An event that nobody went to is only where the cursor came to stand.
    let chosen =
        model.incidents.followed.as_ref() == Some(id) && model.incidents.event_list.placed == Placed::ByHand;
    let Some(event) = model.incidents.event().filter(|_| chosen) else {
        return Some(whole);
    };
    let told = |name: &str| event.refs.get(name).map(ToString::to_string);
    let trace = told("trace").and_then(|trace| trace.parse().ok());
    Some(Scope {
        service: told("service").or(whole.service),
        range: Some(about(event.at, now)),
        trace,
        ..whole
    })
}

fn earlier(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_sub_signed(by).unwrap_or(at)
}

/// From what led to something on.
fn since(began: DateTime<Utc>) -> TimeRange {
    TimeRange::since(earlier(began, LEAD))
}

/// Around a moment; up to the present where it is hardly past.
fn about(at: DateTime<Utc>, now: Now) -> TimeRange {
    let range = TimeRange::around(at, AROUND);
    if range.end(now.utc) < now.utc {
        range
    } else {
        TimeRange::since(range.from)
    }
}

/// The time in which what belongs to a moment is looked for: the one that holds, where the moment lies in it; else from
/// what led to it on, or around it where it is long past.
pub(super) fn range_of(model: &Model, at: Option<Nanos>, now: Now) -> Option<TimeRange> {
    let held = model.scope.range();
    let Some(at) = at.map(Nanos::utc) else {
        return held;
    };
    let recent = now.utc - at < PRESENT;
    Some(held.filter(|range| range.holds(at)).unwrap_or_else(|| {
        if recent {
            since(at)
        } else {
            TimeRange::around(at, LEAD)
        }
    }))
}

/// The scope of a service that is pivoted to: in the same environment, in the time of what it was gone on from.
pub(super) fn of_service(model: &Model, service: &str, range: Option<TimeRange>) -> Scope {
    let held = model.scope.current();
    let same = held.filter(|held| held.service.as_deref() == Some(service));
    let incident = same.and_then(|held| held.incident.clone());
    Scope {
        labels: held.map(|held| held.labels.clone()).unwrap_or_default(),
        incident: incident.or_else(|| incident_of(model, service)),
        range,
        ..Scope::of_service(service)
    }
}

/// Works out the rows of the incident pane again, for what it is turned to.
pub(super) fn arrange_incidents(model: &mut Model) {
    let outside = match (model.scope.of(PaneId::Incident), model.incidents.feed.value()) {
        (Some(scope), Some(board)) => {
            let all = board.incidents.iter();
            all.filter(|incident| !concerns(model, scope, incident))
                .map(|incident| incident.id.clone())
                .collect()
        }
        (Some(_) | None, _) => BTreeSet::new(),
    };
    let meant = model.scope.of(PaneId::Incident);
    let meant = meant.and_then(|scope| scope.incident.clone());
    model.incidents.narrow(outside, meant.as_ref());
}

/// Whether an incident is of what a scope is about, or may be: by its alerts, where it surely has some, else by what it
/// says of itself. One that tells nothing may be of anything.
pub(crate) fn concerns(model: &Model, scope: &Scope, incident: &Incident) -> bool {
    if scope.incident.as_ref() == Some(&incident.id) {
        return true;
    }
    let services = &model.settings.services;
    let selector = scope.selector(Caller::Alerts, services);
    let alerts = model.alerts_of(&incident.id);
    let sure = || {
        alerts
            .iter()
            .filter(|(_, by)| by.is_sure())
            .map(|(alert, _)| alert)
    };
    // One that is linked to such an alert by more than a guess or by one may be of it.
    if alerts.iter().any(|(alert, _)| selector.selects(alert)) {
        return true;
    }
    let is_its_own = match (&scope.service, &incident.service) {
        (Some(ours), Some(theirs)) => services.is_of(Caller::Incidents, &theirs.name, ours),
        (Some(_), None) => sure().next().is_none(),
        (None, _) => true,
    };
    is_its_own && (sure().next().is_none() || sure().any(|alert| !selector.is_elsewhere(alert)))
}

/// Turns every pane that is not pinned to what holds now.
pub(super) fn rescope(model: &mut Model, now: Now) -> Vec<Effect> {
    arrange_slos(model);
    arrange_incidents(model);
    logs::follow_scope(model);
    traces::follow_scope(model, now);
    let mut effects = vec![Effect::Arrange(arrangement(model))];
    effects.extend(logs::ask(model));
    effects
}

/// Half a range back or forth; forth to the present, and no further.
pub(super) fn shift(model: &mut Model, towards: Direction, now: Now) -> Vec<Effect> {
    let held = model.scope.range();
    let base = held.unwrap_or_else(|| TimeRange::since(earlier(now.utc, SHOWN)));
    let stepped = match (towards, base.to) {
        (Direction::Down, None) => return say(model, Level::Info, "this is the present", now),
        (Direction::Up | Direction::Down, _) => match base.shifted(towards, now.utc) {
            Some(range) => model.scope.turn_to(Some(range)),
            None => model.scope.to_present(),
        },
    };
    match stepped {
        Stepped::Moved => rescope(model, now),
        Stepped::Nowhere => say(model, Level::Info, "no further", now),
    }
}

/// Asks for the time that the panes are to be turned to.
pub(super) fn ask_time(model: &mut Model) -> Vec<Effect> {
    model.modal = Some(Modal::Prompt(Prompt {
        kind: PromptKind::Time,
        target: PromptTarget::Scope,
        input: tui_textarea::TextArea::default(),
        before: String::new(),
        hits: None,
    }));
    Vec::new()
}

/// The range that was typed; nothing for the present.
pub(super) fn read_time(text: &str, model: &Model, now: Now) -> Result<Option<TimeRange>, String> {
    let text = text.trim();
    if text.is_empty() || text == "now" {
        return Ok(None);
    }
    if let Some(from) = text.strip_prefix("since ") {
        let from = when::moment(from.trim(), model.zone, now.utc);
        return from
            .map(|from| Some(TimeRange::since(from)))
            .ok_or_else(|| "since when? try since 03:00".to_owned());
    }
    let range = when::read(text, model.traces.back, model.zone, now.utc)?;
    let back = TimeDelta::from_std(range.back).unwrap_or(SHOWN);
    Ok(Some(match range.until {
        Some(until) => TimeRange::between(earlier(until, back), until),
        None => TimeRange::since(earlier(now.utc, back)),
    }))
}

/// Turns the panes to the time that was typed.
pub(super) fn set_time(model: &mut Model, text: &str, now: Now) -> Vec<Effect> {
    match read_time(text, model, now) {
        Ok(range) => match model.scope.turn_to(range) {
            Stepped::Moved => rescope(model, now),
            Stepped::Nowhere => Vec::new(),
        },
        Err(why) => say(model, Level::Warn, why, now),
    }
}

/// Keeps the pane that has the keys to what it shows, or lets it follow the scope again.
pub(super) fn pin(model: &mut Model, now: Now) -> Vec<Effect> {
    let pane = model.focus;
    let title = pane.title();
    match model.scope.pin(pane) {
        Pinned::Yes => say(
            model,
            Level::Info,
            format!("{title} pinned: the scope passes it by"),
            now,
        ),
        Pinned::No => {
            model
                .toasts
                .say(Level::Info, format!("{title} follows the scope again"), now.tick);
            rescope(model, now)
        }
    }
}
