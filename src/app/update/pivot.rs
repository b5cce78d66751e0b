//! From one thing to what belongs to it: an alert to its incidents and SLOs, an SLO to the alerts of its service
//! and their incidents, an incident and the events of its timeline to alerts, SLOs and traces; from each to the logs and
//! traces of its service, in its time. A menu where there are several. Where one went from is kept: `app::trail`.

use std::fmt::Write as _;

use super::spot::{self, Place, Spot};
use super::{deeds, details, frozen, incident_acts, incidents, logs, panes, say, waterfall};
use crate::app::effect::Deed;
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents::label;
use crate::app::list::Placed;
use crate::app::logs::first_time;
use crate::app::modal::{Choice, Goal, Menu, MenuItem, Modal};
use crate::app::panes::AlertRow;
use crate::app::reference;
use crate::app::toast::Level;
use crate::app::traces::waterfall::Aim;
use crate::app::trail::{self, Whence};
use crate::app::{Effect, Model};
use crate::domain::alert::{Alert, AlertState, Fingerprint};
use crate::domain::incident::link::Link;
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::log::Nanos;
use crate::domain::service_map::Caller;
use crate::domain::slo::{Sli, SloReport};
use crate::domain::trace::{Row, SpanId, TraceId};
use crate::logstore::LineId;
use crate::text::SafeText;
use crate::time::Now;

/// What is under the cursor.
enum Here {
    Slo(String),
    Alert(Fingerprint),
    Line(LineId),
    Incident(IncidentId),
    /// The event under the cursor of its timeline.
    Event(IncidentId),
    Trace(TraceId, Option<Row>),
    Listed(TraceId),
    /// A row of a page that is none of these.
    Place(Place),
    /// The graph of services.
    Graph,
}

/// Somewhere to go, with its line in the menu.
pub(super) type Way = (Goal, String);

/// Goes to what belongs to the thing under the cursor, or asks to which of them.
pub(super) fn pivot(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(here) = here(model) else {
        return say(model, Level::Info, "nothing here belongs to anything else", now);
    };
    let (ways, none, deed) = match &here {
        Here::Slo(name) => from_slo(model, name),
        Here::Alert(fingerprint) => from_alert(model, *fingerprint),
        Here::Line(id) => from_line(model, *id),
        Here::Incident(id) => from_incident(model, id),
        Here::Event(id) => from_event(model, id),
        Here::Trace(id, row) => waterfall::ways(model, *id, *row),
        Here::Listed(id) => super::traces::ways(model, *id),
        Here::Place(place) => from_place(model, place),
        Here::Graph => from_graph(model),
    };
    match ways.as_slice() {
        [] => say(model, Level::Info, none, now),
        [(only, _)] => {
            let goal = only.clone();
            go(model, &goal, deed, now)
        }
        _ => {
            // As many as there are keys for: the nearest come first.
            let items = ways
                .into_iter()
                .zip('1'..='9')
                .map(|((goal, label), key)| MenuItem {
                    key,
                    label,
                    choice: Choice::Go {
                        goal,
                        deed: deed.clone(),
                    },
                });
            model.modal = Some(Modal::Menu(Menu {
                title: "Go to",
                items: items.collect(),
                cursor: 0,
            }));
            Vec::new()
        }
    }
}

/// From an SLO to the alerts of its service, whatever else belongs to it: what `enter` means there.
pub(super) fn to_alerts(model: &mut Model, name: &str, now: Now) -> Vec<Effect> {
    let (ways, none, deed) = from_slo(model, name);
    match ways.into_iter().next() {
        Some((goal, _)) => go(model, &goal, deed, now),
        None => say(model, Level::Info, none, now),
    }
}

fn here(model: &Model) -> Option<Here> {
    match model.detail() {
        Some(Detail::Slo(name)) => Some(Here::Slo(name.clone())),
        Some(Detail::Alert(fingerprint) | Detail::Runbook(fingerprint)) => Some(Here::Alert(*fingerprint)),
        Some(Detail::Incident(id)) => {
            let pane = &model.incidents;
            let chosen = pane.event_list.placed == Placed::ByHand && pane.event().is_some();
            let followed = pane.followed.as_ref() == Some(id);
            Some(if chosen && followed {
                Here::Event(id.clone())
            } else {
                Here::Incident(id.clone())
            })
        }
        Some(Detail::LogLine(id)) => Some(Here::Line(*id)),
        Some(Detail::Trace(id) | Detail::TraceFacts(id)) => {
            Some(Here::Trace(*id, waterfall::cursor(model, *id)))
        }
        Some(Detail::Span(id, row)) => Some(Here::Trace(*id, Some(*row))),
        Some(Detail::Case(_) | Detail::Patterns | Detail::Silences) => {
            spot::here(model).map(|spot| match spot {
                Spot::Alert(fingerprint) => Here::Alert(fingerprint),
                Spot::Slo(name) => Here::Slo(name),
                Spot::Incident(id) => Here::Incident(id),
                Spot::Place(place) => Here::Place(place),
            })
        }
        Some(Detail::Comparison(_, _)) => {
            super::traces::pair_here(model).map(|(id, row)| Here::Trace(id, Some(row)))
        }
        Some(Detail::ServiceGraph) => Some(Here::Graph),
        Some(Detail::Outbox | Detail::Page(_)) => None,
        None => match model.focus {
            PaneId::Slo => model.slo.selected().map(|r| Here::Slo(r.slo.name.clone())),
            PaneId::Alerts => model
                .alerts
                .selected()
                .map(|a| Here::Alert(a.occurrence.fingerprint)),
            PaneId::Logs => model.logs.cursor.map(Here::Line),
            PaneId::Traces => model.traces.selected().map(|trace| Here::Listed(trace.id)),
            PaneId::Incident => model.incidents.selected().map(|i| Here::Incident(i.id.clone())),
        },
    }
}

/// Where it can go, what is said where that is nowhere, and what is told of it.
pub(super) type Ways = (Vec<Way>, String, Option<Deed>);

const NAMELESS: &str = "nothing under the cursor names a service";

fn from_slo(model: &Model, name: &str) -> Ways {
    let Some(report) = model.slo.report(name) else {
        return (Vec::new(), "the SLO is listed no more".to_owned(), None);
    };
    let services = &model.settings.services;
    let service = services.ours(Caller::Slos, &report.slo.service);
    let mut ways = Vec::new();
    let mut linked: Vec<(&Incident, Link)> = Vec::new();
    for alert in alerts_of(model, service) {
        let fingerprint = alert.occurrence.fingerprint;
        if ways.is_empty() {
            ways.push((
                Goal::Alert(fingerprint),
                format!("alerts of {}", SafeText::line(service)),
            ));
        }
        for (incident, by) in model.meant_by(fingerprint) {
            if !linked.iter().any(|(known, _)| known.id == incident.id) {
                linked.push((incident, by));
            }
        }
    }
    ways.extend(
        linked
            .into_iter()
            .map(|(incident, by)| to_incident(model, incident, by)),
    );
    let began = began(model, service, Some(report));
    ways.extend(to_logs(model, service, began));
    ways.extend(to_exemplars(model, report));
    ways.extend(to_traces(model, service, began));
    let none = if service.is_empty() {
        NAMELESS.to_owned()
    } else {
        let tried = tried(model, service, &[Caller::Alerts]);
        format!("no alert {tried}")
    };
    let deed = deeds::of_slo(model, report, format!("went on from SLO {name}"));
    (ways, none, Some(deed))
}

fn from_alert(model: &Model, fingerprint: Fingerprint) -> Ways {
    let Some(alert) = model.alerts.alert(fingerprint) else {
        return (Vec::new(), "the alert is listed no more".to_owned(), None);
    };
    let linked = model.incidents_of(fingerprint).into_iter();
    let mut ways: Vec<Way> = linked
        .map(|(incident, by)| to_incident(model, incident, by))
        .collect();
    let service = model.settings.services.ours(Caller::Alerts, &alert.service);
    ways.extend(slos_of(model, service).map(to_slo));
    let fired = Some(Nanos::of(alert.occurrence.starts_at));
    ways.extend(to_logs(model, service, fired));
    ways.extend(to_traces(model, service, fired));
    let none = if service.is_empty() {
        NAMELESS.to_owned()
    } else {
        let tried = tried(model, service, &[Caller::Slos]);
        format!("no incident, and no SLO {tried}")
    };
    let deed = deeds::of_alert(model, alert, format!("went on from alert {}", alert.name));
    (ways, none, Some(deed))
}

fn from_incident(model: &Model, id: &IncidentId) -> Ways {
    let Some(incident) = model.incidents.incident(id) else {
        return (Vec::new(), incident_acts::gone(model, id), None);
    };
    let map = &model.settings.services;
    let theirs = incidents::service(incident);
    let theirs = theirs.map(|service| map.ours(Caller::Incidents, &service).to_owned());
    let mut services: Vec<&str> = theirs.as_deref().into_iter().collect();
    let mut ways: Vec<Way> = Vec::new();
    for (alert, by) in model.alerts_of(id) {
        let service = map.ours(Caller::Alerts, &alert.service);
        if !services.contains(&service) {
            services.push(service);
        }
        ways.push(to_alert(alert, by.words()));
    }
    if ways.is_empty() {
        let service = theirs.as_deref().unwrap_or_default();
        let same = alerts_of(model, service).next();
        ways.extend(same.map(|alert| to_alert(alert, "of the same service")));
    }
    let slos: Vec<Way> = services
        .iter()
        .flat_map(|service| slos_of(model, service))
        .map(to_slo)
        .collect();
    // However many alerts there are, its SLOs stay within reach of a key.
    ways.truncate(7_usize.saturating_sub(slos.len()).max(5));
    ways.extend(slos);
    ways.extend(services.iter().take(1).flat_map(|service| {
        let began = began(model, service, None).or(Some(Nanos::of(incident.created_at)));
        to_logs(model, service, began)
            .into_iter()
            .chain(to_traces(model, service, began))
    }));
    let none = match &theirs {
        Some(service) => {
            let tried = tried(model, service, &[Caller::Alerts, Caller::Slos]);
            format!("no alert and no SLO {tried}")
        }
        None => NAMELESS.to_owned(),
    };
    let deed = Deed {
        incident: Some(id.clone()),
        text: "went on to what belongs to it".to_owned(),
        refs: Vec::new(),
    };
    (ways, none, Some(deed))
}

/// From an event of a timeline to what it names, to the logs and traces of its time, and on to what belongs to the
/// incident.
fn from_event(model: &Model, id: &IncidentId) -> Ways {
    let (rest, none, _) = from_incident(model, id);
    let Some(event) = model.incidents.event() else {
        return (rest, none, None);
    };
    let at = Nanos::of(event.at);
    let told = |name: &str| event.refs.get(name).map(AsRef::as_ref);
    let mut ways: Vec<Way> = Vec::new();
    let trace = told("trace").and_then(|trace| trace.parse::<TraceId>().ok());
    ways.extend(trace.filter(|_| model.settings.traces.is_some()).map(|trace| {
        let goal = Goal::Moment {
            trace,
            span: None,
            at,
        };
        (goal, format!("trace {trace}"))
    }));
    let alert = told("alert").and_then(|alert| alert.parse::<Fingerprint>().ok());
    let alert = alert.and_then(|alert| model.alerts.alert(alert));
    ways.extend(alert.map(|alert| to_alert(alert, "of this event")));
    let slo = told("slo").and_then(|slo| model.slo.report(slo));
    ways.extend(slo.map(|slo| to_slo(slo)));
    let incident = model.incidents.incident(id);
    let services = &model.settings.services;
    let theirs = incident.and_then(|incident| incidents::service(incident));
    let service = told("service")
        .or_else(|| alert.map(|alert| services.ours(Caller::Alerts, &alert.service)))
        .or_else(|| {
            theirs
                .as_deref()
                .map(|theirs| services.ours(Caller::Incidents, theirs))
        });
    if let Some(service) = service {
        ways.extend(to_logs(model, service, Some(at)));
        ways.extend(to_traces(model, service, Some(at)));
    }
    let same = |goal: &Goal, other: &Goal| match (goal, other) {
        (Goal::Logs(..), Goal::Logs(..)) | (Goal::Traces(..), Goal::Traces(..)) => true,
        (goal, other) => goal == other,
    };
    for way in rest {
        if !ways.iter().any(|(goal, _)| same(goal, &way.0)) {
            ways.push(way);
        }
    }
    let deed = Deed {
        incident: Some(id.clone()),
        text: format!(
            "went on from the {} of its timeline",
            event.kind.word().replace('_', " ")
        ),
        refs: Vec::new(),
    };
    (ways, none, Some(deed))
}

fn from_line(model: &Model, id: LineId) -> Ways {
    let entry = model
        .logs
        .drawn()
        .and_then(|view| Some((&view.snapshot, view.snapshot.entry(id)?)));
    let Some((snapshot, entry)) = entry else {
        return (Vec::new(), "the line was let go".to_owned(), None);
    };
    // a line that tells no time came with those around it
    let at = entry.time().or_else(|| first_time(snapshot)).unwrap_or(entry.at);
    let mut ways = Vec::new();
    if let Some(trace) = entry.trace {
        ways.push(if model.settings.traces.is_some() {
            let span = entry
                .span()
                .as_deref()
                .and_then(|id| SpanId::from_hex(id.as_bytes()));
            let what = if span.is_some() {
                "its span in trace"
            } else {
                "trace"
            };
            (Goal::Moment { trace, span, at }, format!("{what} {trace}"))
        } else {
            (Goal::Trace(trace), format!("trace {trace}, copied"))
        });
        let goal = Goal::TraceLogs(trace, at);
        ways.push((goal, "every line of this trace".to_owned()));
    }
    let service = entry.service.unwrap_or_default();
    let service = model.settings.services.ours(Caller::Logs, service);
    let same = alerts_of(model, service).next();
    ways.extend(same.map(|alert| to_alert(alert, "of the same service")));
    ways.extend(slos_of(model, service).map(to_slo));
    ways.extend(to_logs(model, service, entry.time()));
    ways.extend(to_traces(model, service, entry.time()));
    let none = if service.is_empty() {
        NAMELESS.to_owned()
    } else {
        let tried = tried(model, service, &[Caller::Alerts, Caller::Slos, Caller::Traces]);
        format!("no alert, SLO or trace {tried}")
    };
    let deed = Deed {
        incident: None,
        text: "went on from a log line".to_owned(),
        refs: vec![("log", reference::log_line(&entry, &model.logs.wanted(None, None)))],
    };
    (ways, none, Some(deed))
}

/// From a row of a case, of the patterns or of the silences: to the trace that it is, to what it hides, and to what else
/// is of its service, in its time.
fn from_place(model: &Model, place: &Place) -> Ways {
    let mut ways: Vec<Way> = Vec::new();
    let at = place.at.map(Nanos::of);
    if let Some(trace) = place.trace {
        let copied = if model.settings.traces.is_some() {
            ""
        } else {
            ", copied"
        };
        ways.push((Goal::Trace(trace), format!("trace {trace}{copied}")));
        if let (Some(at), true) = (at, model.settings.logs.is_some()) {
            ways.push((Goal::TraceLogs(trace, at), "every line of this trace".to_owned()));
        }
    }
    let hidden = place.hides.iter().take(5);
    ways.extend(hidden.map(|alert| to_alert(alert, "hidden by it")));
    let service = place.service.as_deref().unwrap_or_default();
    ways.extend(to_logs(model, service, at));
    ways.extend(to_traces(model, service, at));
    let same = alerts_of(model, service).next();
    let same = same.filter(|_| place.hides.is_empty());
    ways.extend(same.map(|alert| to_alert(alert, "of the same service")));
    ways.extend(slos_of(model, service).map(to_slo));
    let none = if service.is_empty() {
        NAMELESS.to_owned()
    } else {
        let tried = tried(model, service, &Caller::ALL);
        format!("no alert, SLO, log or trace {tried}")
    };
    let refs = place.trace.map(|trace| ("trace", trace.to_string()));
    let deed = Deed {
        incident: place.incident.clone(),
        text: format!("went on from {}", place.what),
        refs: refs.into_iter().collect(),
    };
    (ways, none, Some(deed))
}

/// From the graph to the traces of each of its services.
fn from_graph(model: &Model) -> Ways {
    let services = super::traces::services_of_graph(model);
    let ours = |service: &str| model.settings.services.ours(Caller::Traces, service).to_owned();
    let ways = services.iter().filter_map(|service| {
        let service = ours(service);
        let goal = Goal::Traces(service.as_str().into(), None);
        (!service.is_empty()).then(|| (goal, format!("traces of {}", SafeText::line(&service))))
    });
    let deed = Deed {
        incident: None,
        text: "went on from the service graph".to_owned(),
        refs: Vec::new(),
    };
    (ways.collect(), "no service is counted yet".to_owned(), Some(deed))
}

/// To the lines of a service around a moment, where there is a log backend and they are not what is shown already.
pub(super) fn to_logs(model: &Model, service: &str, at: Option<Nanos>) -> Option<Way> {
    let shown = model.scope.service_of(PaneId::Logs) == Some(service) && model.focus == PaneId::Logs;
    let there = model.settings.logs.is_some() && !service.is_empty() && !shown;
    there.then(|| {
        let mut said = format!("logs of {}", SafeText::line(service));
        if let Some(at) = at {
            let _ = write!(said, " around {}", logs::time_of_day(at, model.zone));
        }
        (Goal::Logs(service.into(), at), said)
    })
}

/// When the trouble of a service began: the burn of its SLO, else the first of its alerts that fire.
fn began(model: &Model, service: &str, report: Option<&SloReport>) -> Option<Nanos> {
    let burning = report.into_iter().chain(slos_of(model, service));
    let burns = burning.filter_map(SloReport::burning_since).min();
    let fires = alerts_of(model, service)
        .filter(|alert| alert.state == AlertState::Active)
        .map(|alert| alert.occurrence.starts_at)
        .min();
    burns.or(fires).map(Nanos::of)
}

/// To the traces of a service, where there is a trace backend and they are not what is shown already.
pub(super) fn to_traces(model: &Model, service: &str, at: Option<Nanos>) -> Option<Way> {
    let shown = model.scope.service_of(PaneId::Traces) == Some(service) && model.focus == PaneId::Traces;
    let there = model.settings.traces.is_some() && !service.is_empty() && !shown;
    there.then(|| {
        let mut said = format!("traces of {}", SafeText::line(service));
        if let Some(at) = at {
            let _ = write!(said, " around {}", logs::time_of_day(at, model.zone));
        }
        (Goal::Traces(service.into(), at), said)
    })
}

/// To the slow requests of a latency SLO, where there is somebody to ask for exemplars and for traces.
fn to_exemplars(model: &Model, report: &SloReport) -> Option<Way> {
    let slow = matches!(report.slo.sli, Sli::Latency { .. });
    let there = slow && model.settings.traces.is_some() && model.settings.has_metrics;
    there.then(|| {
        let goal = Goal::Exemplars(report.slo.name.clone());
        (goal, "slow traces, by its exemplars".to_owned())
    })
}

/// Whether an SLO is under the cursor.
pub(super) fn is_on_slo(model: &Model, name: &str) -> bool {
    matches!(here(model), Some(Here::Slo(here)) if here == name)
}

pub(super) fn listed_alerts(model: &Model) -> impl Iterator<Item = &Alert> {
    let rows = 0..model.alerts.rows.len();
    rows.filter_map(|row| {
        let (group, alert) = model.alerts.at(row)?;
        Some(&**alert.or_else(|| group.alerts.first())?)
    })
}

/// Listed alerts of a service of ours.
pub(super) fn alerts_of<'a>(model: &'a Model, service: &'a str) -> impl Iterator<Item = &'a Alert> {
    let services = &model.settings.services;
    listed_alerts(model).filter(move |alert| services.is_of(Caller::Alerts, &alert.service, service))
}

/// Of which service nothing was found, by which labels and names it was looked for: what to mend first, for a
/// narrow screen has room for little more.
fn tried(model: &Model, service: &str, callers: &[Caller]) -> String {
    let services = &model.settings.services;
    let names = SafeText::line(&services.tried(service, callers)).into_string();
    let labels = SafeText::line(&services.labels.join(", ")).into_string();
    if labels.is_empty() {
        return format!("of {names}");
    }
    format!("by {labels}: {names}")
}

/// Listed SLOs of a service of ours.
pub(super) fn slos_of<'a>(model: &'a Model, service: &'a str) -> impl Iterator<Item = &'a SloReport> {
    let services = &model.settings.services;
    let rows = model.slo.rows.iter().filter_map(|name| model.slo.report(name));
    rows.filter(move |report| services.is_of(Caller::Slos, &report.slo.service, service))
        .map(|report| &**report)
}

fn to_incident(model: &Model, incident: &Incident, by: Link) -> Way {
    let goal = Goal::Incident(incident.id.clone());
    (
        goal,
        format!("incident {}", incidents::linked_words(model, incident, by)),
    )
}

pub(super) fn to_alert(alert: &Alert, by: &str) -> Way {
    let goal = Goal::Alert(alert.occurrence.fingerprint);
    let state = alert.state.word();
    (
        goal,
        format!("alert {} · {state} · {by}", super::alerts::describe(alert)),
    )
}

pub(super) fn to_slo(report: &SloReport) -> Way {
    let goal = Goal::Slo(report.slo.name.clone());
    let name = SafeText::line(&report.slo.name);
    (goal, format!("SLO {name} · {}", report.state.word()))
}

/// Goes there, and has it told.
pub(super) fn go(model: &mut Model, goal: &Goal, deed: Option<Deed>, now: Now) -> Vec<Effect> {
    let whence = Whence::here(model);
    let (mut effects, arrived) = match goal {
        Goal::Incident(id) => {
            let name = model.incidents.incident(id).map(|incident| label(incident));
            if name.is_some() {
                incidents::open(model, id.clone());
            }
            (Vec::new(), name.map(|name| format!("incident {name}")))
        }
        Goal::Alert(fingerprint) => {
            let name = model.alerts.alert(*fingerprint).map(|alert| alert.name.clone());
            let effects = match &name {
                Some(_) => to_row(model, *fingerprint),
                None => Vec::new(),
            };
            (effects, name.map(|name| format!("alert {name}")))
        }
        Goal::Logs(..) | Goal::TraceLogs(..) | Goal::SpanLogs(..) if let Some(why) = frozen(model) => {
            return say(model, Level::Info, why, now);
        }
        Goal::Logs(service, at) => {
            let effects = logs::turn_to_service(model, service, *at, now);
            (effects, Some(format!("the logs of {service}")))
        }
        Goal::Traces(service, at) => {
            let effects = super::traces::turn_to_service(model, service, *at, now);
            (effects, Some(format!("the traces of {service}")))
        }
        // What comes of it is told when it has come.
        Goal::Exemplars(name) => match super::traces::exemplars::ask(model, name, now) {
            Some(effects) => return effects,
            None => (Vec::new(), None),
        },
        Goal::TraceLogs(trace, at) => {
            let effects = logs::turn_to_trace(model, *trace, *at);
            (effects, Some(format!("the logs of trace {trace}")))
        }
        Goal::SpanLogs(trace, span, at) => {
            let effects = logs::turn_to_span(model, (*trace, *span), *at);
            (effects, Some(format!("the logs of span {span}")))
        }
        Goal::Trace(trace) if model.settings.traces.is_some() => {
            let effects = super::traces::open(model, *trace, now);
            (effects, Some(format!("trace {trace}")))
        }
        Goal::Moment { trace, span, at } => {
            let effects = super::traces::open(model, *trace, now);
            if let Some(open) = model.traces.opened_mut(*trace) {
                open.aim_at(Aim { span: *span, at: *at });
            }
            (effects, Some(format!("trace {trace}")))
        }
        Goal::Trace(trace) => {
            let effects = vec![Effect::Copy {
                what: "trace id",
                text: trace.to_string(),
            }];
            (effects, Some(format!("trace {trace}")))
        }
        Goal::Slo(name) => {
            let row = model.slo.rows.iter().position(|listed| listed == name);
            if let Some(row) = row {
                model.details.clear();
                panes::turn_to(model, PaneId::Slo);
                model.slo.list.select(&model.slo.rows, row);
            }
            (Vec::new(), row.map(|_| format!("SLO {name}")))
        }
    };
    let Some(arrived) = arrived else {
        return say(model, Level::Info, "it is listed no more", now);
    };
    if model.trail.len() == trail::LONGEST {
        model.trail.remove(0);
    }
    model.trail.push(Whence {
        after: model.scope.clone(),
        ..whence
    });
    if let Some(mut deed) = deed {
        deed.text = format!("{} to {arrived}", deed.text);
        effects.extend(deeds::record(model, deed, now));
    }
    effects
}

/// Puts the cursor on an alert, unfolding its group; one that the list hides is opened.
fn to_row(model: &mut Model, fingerprint: Fingerprint) -> Vec<Effect> {
    let holds = |alert: &Alert| alert.occurrence.fingerprint == fingerprint;
    let group = model.alerts.shown().and_then(|board| {
        let mut groups = board.groups.iter();
        let group = groups.find(|group| group.alerts.iter().any(|alert| holds(alert)))?;
        (group.alerts.len() > 1).then(|| group.key.clone())
    });
    if let Some(key) = group {
        model.alerts.unfolded.insert(key);
        model.alerts.arrange();
    }
    let mut rows = model.alerts.rows.iter();
    let row = rows
        .position(|row| matches!(row, AlertRow::Alert { fingerprint: listed, .. } if *listed == fingerprint));
    let Some(row) = row else {
        return details::show_alert(model, fingerprint);
    };
    model.details.clear();
    panes::turn_to(model, PaneId::Alerts);
    model.alerts.list.select(&model.alerts.rows, row);
    Vec::new()
}
