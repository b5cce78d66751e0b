//! A row of a page as a place to go on from: of a case, of the patterns, of the silences. The row under the cursor is
//! meant, not what the page as a whole is of; where a row names nothing, it is that.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::case;
use crate::app::Model;
use crate::app::case::CaseOf;
use crate::app::focus::Detail;
use crate::app::panes::selected_silence;
use crate::domain::alert::{Alert, BoardSilence, Fingerprint, MatchOp};
use crate::domain::case::{Known, Target};
use crate::domain::environment;
use crate::domain::incident::IncidentId;
use crate::domain::pattern::{Pattern, Standing};
use crate::domain::service_map::Caller;
use crate::domain::trace_id::TraceId;

/// What the row under the cursor names.
pub(super) enum Spot {
    /// An alert.
    Alert(Fingerprint),
    /// An SLO.
    Slo(String),
    /// An incident.
    Incident(IncidentId),
    /// Somewhere else: a service, at a time.
    Place(Place),
}

/// A service, at a time, and what else is known of it.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// By the name that the console has for it.
    pub service: Option<String>,
    /// The environment.
    pub labels: BTreeMap<String, String>,
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// What began then, or was then.
    pub when: When,
    /// The trace that it is.
    pub trace: Option<TraceId>,
    /// The incident of the case that it is in.
    pub incident: Option<IncidentId>,
    /// Alerts that it hides.
    pub hides: Vec<Arc<Alert>>,
    /// What the row is, for the record.
    pub what: &'static str,
}

/// How a time is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum When {
    /// It was then, and is over.
    #[default]
    At,
    /// It began then: what led to it matters, and what came of it.
    Since,
}

/// What the row under the cursor of the open page names; nothing where the page has no such rows.
pub(super) fn here(model: &Model) -> Option<Spot> {
    match model.detail()? {
        Detail::Case(of) => Some(of_case(model, of)),
        Detail::Patterns => Some(Spot::Place(of_pattern(model, model.logs.pattern()?))),
        Detail::Silences => {
            let board = model.alerts.board.as_deref()?;
            let silence = selected_silence(&model.silences, board)?;
            Some(Spot::Place(of_silence(model, silence)))
        }
        Detail::Slo(_)
        | Detail::Alert(_)
        | Detail::LogLine(_)
        | Detail::Trace(_)
        | Detail::Span(_, _)
        | Detail::TraceFacts(_)
        | Detail::Comparison(_, _)
        | Detail::ServiceGraph
        | Detail::Incident(_)
        | Detail::Outbox
        | Detail::Runbook(_)
        | Detail::Page(_) => None,
    }
}

fn of_case(model: &Model, of: &CaseOf) -> Spot {
    let open = model.case.as_ref().filter(|open| open.of == *of);
    let ours = |service: &str| {
        let service = model.settings.services.ours(Caller::Alerts, service);
        (!service.is_empty()).then(|| service.to_owned())
    };
    let own = open.and_then(|open| ours(open.ask.service.as_deref()?));
    let place = |service: Option<String>, at, what| {
        let incidents = case::incidents(model, of).into_iter();
        let incident = incidents.take(1).find(|_| service == own);
        Place {
            incident: incident.map(|incident| incident.id.clone()),
            service,
            at,
            what,
            ..Place::default()
        }
    };
    match case::target(model).filter(|_| open.is_some()) {
        Some(Target::Alert(fingerprint) | Target::Runbook(fingerprint)) => Spot::Alert(fingerprint),
        Some(Target::Slo(name)) => Spot::Slo(name),
        Some(Target::Incident(id)) => Spot::Incident(id),
        Some(Target::Trace(id)) => {
            let seen = match open.map(|open| &open.traces) {
                Some(Known::Known(traces)) => traces.read.iter().find(|trace| trace.id == id),
                Some(Known::Looking | Known::Absent(_) | Known::Failed(_)) | None => None,
            };
            Spot::Place(Place {
                trace: Some(id),
                ..place(own.clone(), seen.map(|seen| seen.at), "a trace of a case")
            })
        }
        Some(Target::Traces(service)) => Spot::Place(place(ours(&service), None, "the traces of a case")),
        Some(Target::Pattern(pattern)) => {
            let service = pattern.service.as_deref();
            let named = service.map(|service| model.settings.services.ours(Caller::Logs, service).to_owned());
            Spot::Place(Place {
                when: When::Since,
                ..place(named.or(own.clone()), Some(pattern.at), "a pattern of a case")
            })
        }
        Some(Target::Logs(service, at)) => Spot::Place(place(ours(&service), Some(at), "a deploy of a case")),
        // Such a row names nothing: it is what the case is of.
        Some(Target::OnCall) | None => match of {
            CaseOf::Alert(fingerprint) => Spot::Alert(*fingerprint),
            CaseOf::Slo(name) => Spot::Slo(name.clone()),
            CaseOf::Incident(id) => Spot::Incident(id.clone()),
            CaseOf::Service(service) => Spot::Place(place(ours(service), None, "a case")),
        },
    }
}

/// A pattern that is new is of when it began; any other is of its last line.
fn of_pattern(model: &Model, pattern: &Pattern) -> Place {
    let services = &model.settings.services;
    let service = pattern.service.as_deref();
    let (at, when) = match pattern.standing {
        Standing::New => (pattern.first, When::Since),
        Standing::Spiking | Standing::Vanished | Standing::Steady => (pattern.last, When::At),
    };
    Place {
        service: service.map(|service| services.ours(Caller::Logs, service).to_owned()),
        at: Some(at.utc()),
        when,
        what: "a pattern",
        ..Place::default()
    }
}

/// A silence is of what its matchers name; where they name no service, of the one that all it hides are of. When it was
/// set says nothing of when the trouble was.
fn of_silence(model: &Model, row: &BoardSilence) -> Place {
    let silence = &row.silence;
    let equals = |name: &str| {
        let mut matchers = silence.matchers.iter();
        let matcher = matchers.find(|matcher| &*matcher.name == name && matcher.op == MatchOp::Equal);
        matcher.map(|matcher| &*matcher.value)
    };
    let board = model.alerts.shown();
    let all = board.into_iter().flat_map(|board| board.by_fingerprint.values());
    let mut hides: Vec<Arc<Alert>> = all
        .filter(|alert| alert.silenced_by.contains(&silence.id))
        .cloned()
        .collect();
    hides.sort_by_key(|alert| (alert.rank(), alert.occurrence.starts_at));
    let services = &model.settings.services;
    let named = services.labels.iter().find_map(|label| equals(label));
    let of_all = || {
        let first = &hides.first()?.service;
        let same = hides.iter().all(|alert| alert.service == *first);
        same.then_some(&**first)
    };
    let service = named.or_else(of_all).filter(|service| !service.is_empty());
    Place {
        service: service.map(|service| services.ours(Caller::Alerts, service).to_owned()),
        labels: environment::of(equals),
        what: "a silence",
        hides,
        ..Place::default()
    }
}
