//! What is opened over the panes: the row under the cursor, and from its page the next.

use super::{alerts, case, incidents, logs, pivot, runbook, say, silences, traces, union, waterfall};
use crate::action::Action;
use crate::app::focus::{Detail, Page, PaneId};
use crate::app::toast::Level;
use crate::app::{DetailView, Effect, Model, OutboxRow};
use crate::domain::alert::Fingerprint;
use crate::outbox::Payload;
use crate::time::Now;

pub(super) fn open_selected(model: &mut Model, now: Now) -> Vec<Effect> {
    match model.detail() {
        Some(Detail::Silences) => return silences::open_matching(model, now),
        Some(Detail::LogLine(_) | Detail::Span(_, _)) => return pivot::pivot(model, now),
        Some(Detail::Slo(name)) => {
            let name = name.clone();
            return pivot::to_alerts(model, &name, now);
        }
        Some(Detail::Alert(_)) => return runbook::open(model, now),
        Some(Detail::Incident(_)) => return incidents::unfold_event(model, now),
        Some(Detail::Outbox) => return outbox_open(model, now),
        Some(Detail::Case(_)) => return case::open_row(model, now),
        Some(Detail::Runbook(_)) => return runbook::act(model, Action::RunCommand, now),
        Some(Detail::Patterns) => return logs::show_pattern(model, now),
        Some(Detail::Trace(id)) => {
            let id = *id;
            return waterfall::open_span(model, id, now);
        }
        Some(Detail::Comparison(_, _)) => return traces::open_pair(model, now),
        Some(Detail::TraceFacts(id)) => {
            let id = *id;
            waterfall::to_explaining(model, id);
            return Vec::new();
        }
        Some(Detail::Page(Page::Contexts)) => return union::go(model, now),
        Some(Detail::Page(Page::WriteUp(_) | Page::OnCall | Page::Query) | Detail::ServiceGraph) => {
            return Vec::new();
        }
        None => {}
    }
    match model.focus {
        PaneId::Slo => model.slo.list.hold(),
        PaneId::Alerts => model.alerts.list.hold(),
        PaneId::Logs => model.logs.stand(),
        PaneId::Traces => model.traces.list.hold(),
        PaneId::Incident => model.incidents.list.hold(),
    }
    match model.focus {
        PaneId::Slo => match model.slo.selected().map(|report| report.slo.name.clone()) {
            Some(name) => {
                show(model, Detail::Slo(name));
                Vec::new()
            }
            None => say(model, Level::Info, "nothing to open", now),
        },
        // Where all is read anew, the cursor's line is not there yet.
        PaneId::Logs => match model.logs.cursor.filter(|_| !model.logs.is_empty()) {
            Some(id) => {
                show(model, Detail::LogLine(id));
                Vec::new()
            }
            None => say(model, Level::Info, "nothing to open", now),
        },
        PaneId::Traces => traces::open_selected(model, now),
        PaneId::Incident => match model.incidents.selected().map(|incident| incident.id.clone()) {
            Some(id) => {
                incidents::open(model, id);
                Vec::new()
            }
            None => say(model, Level::Info, "nothing to open", now),
        },
        PaneId::Alerts => {
            if let Some((group, None)) = model.alerts.at(model.alerts.list.index) {
                let key = group.key.clone();
                if !model.alerts.unfolded.contains(&key) {
                    return alerts::unfold(model, now);
                }
            }
            match model.alerts.selected().map(|alert| alert.occurrence.fingerprint) {
                Some(fingerprint) => show_alert(model, fingerprint),
                None => say(model, Level::Info, "nothing to open", now),
            }
        }
    }
}

/// Opens an alert and asks when it fired before.
pub(super) fn show_alert(model: &mut Model, fingerprint: Fingerprint) -> Vec<Effect> {
    let Some(labels) = model.alerts.alert(fingerprint).map(|alert| alert.labels.clone()) else {
        return Vec::new();
    };
    show(model, Detail::Alert(fingerprint));
    model.alerts.history = None;
    vec![Effect::FetchAlertHistory { fingerprint, labels }]
}

/// From an entry of the outbox to the incident that it is about.
fn outbox_open(model: &mut Model, now: Now) -> Vec<Effect> {
    let about = match model.outbox_list.selected {
        Some(OutboxRow::Entry(id)) => model.outbox.entry(id).and_then(|entry| match &entry.payload {
            Payload::Incident { incident, .. } => Some(incident.clone()),
            Payload::Silence { .. }
            | Payload::ExtendSilence { .. }
            | Payload::ExpireSilence { .. }
            | Payload::Annotation(_) => None,
        }),
        Some(OutboxRow::Unreached(first)) => model.outbox.unreached(first).map(|page| page.incident.clone()),
        Some(OutboxRow::Unsaved(_)) | None => None,
    };
    match about.filter(|id| model.incidents.incident(id).is_some()) {
        Some(id) => {
            incidents::open(model, id);
            Vec::new()
        }
        None => say(model, Level::Info, "it is about no incident that is listed", now),
    }
}

/// Opens a detail over the panes; one that is open already is not opened twice.
pub(super) fn show(model: &mut Model, detail: Detail) {
    // What is done from these pages hits the row under the cursor.
    if detail == Detail::Silences {
        model.silences.list.pin();
    } else if detail == Detail::Outbox {
        model.outbox_list.pin();
    }
    if model.detail() != Some(&detail) {
        model.details.push(DetailView { detail, scroll: 0 });
    }
}
