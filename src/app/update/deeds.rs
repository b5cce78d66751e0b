//! What the engineer did in the console that is worth telling afterwards: evidence looked up, found and taken
//! along. One line each; moving and scrolling are nobody's business. Acts are told by the outbox.

use std::time::Duration;

use super::compose::worked_on;
use crate::app::effect::Deed;
use crate::app::modal::{PromptKind, PromptTarget};
use crate::app::{Effect, Model};
use crate::domain::alert::Alert;
use crate::domain::incident::IncidentId;
use crate::domain::slo::SloReport;
use crate::time::Now;

/// The same once more within this says nothing new.
const ANEW: Duration = Duration::from_secs(300);

/// The incident that is open over the panes.
fn open(model: &Model) -> Option<IncidentId> {
    model
        .details
        .iter()
        .rev()
        .find_map(|view| view.detail.incident().cloned())
}

/// Done with an alert: told of the open incident, else of the one that the alert surely belongs to, else of
/// whichever takes its service.
pub(super) fn of_alert(model: &Model, alert: &Alert, text: String) -> Deed {
    let fingerprint = alert.occurrence.fingerprint;
    let linked = || match model.meant_by(fingerprint).as_slice() {
        [(incident, by)] if by.is_sure() => Some(incident.id.clone()),
        _ => None,
    };
    let mut refs = vec![("alert", fingerprint.to_string())];
    if !alert.service.is_empty() {
        refs.push(("service", alert.service.to_string()));
    }
    Deed {
        incident: open(model).or_else(linked),
        text,
        refs,
    }
}

/// Done with an SLO: told of the open incident, else of whichever takes its service.
pub(super) fn of_slo(model: &Model, report: &SloReport, text: String) -> Deed {
    let slo = &report.slo;
    let mut refs = vec![("slo", slo.name.clone())];
    if !slo.service.is_empty() {
        refs.push(("service", slo.service.clone()));
    }
    Deed {
        incident: open(model),
        text,
        refs,
    }
}

/// A search or a filter that was made up of words and entered.
pub(super) fn of_prompt(model: &Model, kind: PromptKind, target: PromptTarget, words: &str) -> Deed {
    let list = match target {
        PromptTarget::Pane(pane) => pane.title().to_lowercase(),
        PromptTarget::Silences => "silences".to_owned(),
        PromptTarget::Timeline => "timeline".to_owned(),
        PromptTarget::Trace => "trace".to_owned(),
        PromptTarget::Scope => "panes".to_owned(),
    };
    let text = match kind {
        PromptKind::Search => format!("searched the {list} for `{words}`"),
        PromptKind::Filter => format!("filtered the {list} by `{words}`"),
        PromptKind::Query => format!("asked for {list} with `{words}`"),
        PromptKind::Time => format!("went to `{words}` in the {list}"),
        PromptKind::TraceId => format!("opened trace `{words}`"),
        PromptKind::Columns => format!("read `{words}` in the {list}"),
    };
    let about = worked_on(model).filter(|incident| incident.status.is_open());
    Deed {
        incident: about.map(|incident| incident.id.clone()),
        text,
        refs: vec![("query", words.to_owned())],
    }
}

/// A PromQL query that was typed.
pub(super) fn of_query(model: &Model, query: &str) -> Deed {
    let about = worked_on(model).filter(|incident| incident.status.is_open());
    Deed {
        incident: about.map(|incident| incident.id.clone()),
        text: format!("asked the metrics `{query}`"),
        refs: vec![("query", query.to_owned())],
    }
}

/// Has it told, unless it just was, or there is no journal to tell it.
pub(super) fn record(model: &mut Model, deed: Deed, now: Now) -> Option<Effect> {
    if model.settings.no_journal.is_some() {
        return None;
    }
    model.deeds.retain(|(_, at)| now.tick.since(*at) < ANEW);
    if model.deeds.iter().any(|(told, _)| *told == deed) {
        return None;
    }
    model.deeds.push((deed.clone(), now.tick));
    Some(Effect::Record(deed))
}
