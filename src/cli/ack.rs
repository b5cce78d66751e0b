//! `midwatch ack`: takes alerts, for as long as one lease lasts, and incidents.

use std::sync::Arc;
use std::time::Duration;

use super::args::AckArgs;
use super::deliver::together;
use super::gather::{Danger, Deadline, Rules, Scene, ambiguous, finish, not_found, occurrences_of, says_which};
use super::incident::{Keepers, lookup};
use super::{CliError, Outcome, Session};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActOutcome, ActReport, ActState};
use crate::domain::alert::plan::{AckPlan, ack_plan};
use crate::domain::alert::{AlertBoard, Occurrence};
use crate::domain::incident::{Incident, IncidentAct, Offer, Verb};
use crate::outbox::{Draft, Entry, Payload, Purpose, plan};
use crate::time::prometheus_duration;

/// What one id means.
enum Meant {
    Alert(Occurrence),
    Incident(Arc<Incident>),
}

/// Runs the command.
pub async fn run(session: &mut Session, args: &AckArgs) -> Outcome {
    let scene = Scene::for_any_act(session, &args.act, Danger::Free)?;
    let keepers = Keepers::of(&scene);
    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let mut alerts: Vec<Occurrence> = Vec::new();
    let mut incidents: Vec<Arc<Incident>> = Vec::new();
    for id in &args.ids {
        match deadline.ask(meant(id, &board, &keepers)).await?? {
            Meant::Alert(alert) if !alerts.contains(&alert) => alerts.push(alert),
            Meant::Incident(incident) if !incidents.iter().any(|known| known.id == incident.id) => {
                incidents.push(incident);
            }
            Meant::Alert(_) | Meant::Incident(_) => {}
        }
    }
    if !alerts.is_empty() {
        scene.can_write_to_alertmanagers()?;
    }

    let mut outcomes = Vec::new();
    let lease = scene.config.ack_lease;
    let order = scene.order(args.comment.as_deref().unwrap_or_default(), lease);
    let planned = ack_plan(&alerts, &board);
    let mut drafts = plan::acknowledge(&planned, &board, &order);
    for incident in &incidents {
        match keepers.of_incident(incident)?.offers(incident, Verb::Acknowledge) {
            Offer::Yes => drafts.push(Draft::new(
                lookup::payload(incident, IncidentAct::Acknowledge),
                Duration::ZERO,
            )),
            Offer::No(why) => outcomes.push(ActOutcome {
                target: lookup::label(incident),
                state: ActState::Failed,
                outbox_id: None,
                remote_ids: Vec::new(),
                message: why.to_string(),
            }),
        }
    }
    let entries = scene.deliver(&deadline, drafts).await?;
    outcomes.extend(of_alerts(&planned, &entries));
    outcomes.extend(incidents.iter().filter_map(|incident| {
        let about = |entry: &&Entry| matches!(&entry.payload, Payload::Incident { incident: id, .. } if *id == incident.id);
        together(lookup::label(incident), entries.iter().filter(about))
    }));

    let mut warnings = Vec::new();
    if !alerts.is_empty() && outcomes.iter().any(|outcome| outcome.state != ActState::Failed) {
        let length = prometheus_duration(lease);
        warnings.push(format!(
            "an acknowledgement of an alert made here ends by itself after {length}: only a console that is open \
             renews its own"
        ));
    }
    let report = ActReport {
        outcomes,
        warnings,
        errors: board.errors,
    };
    finish(session, &scene, &report)
}

/// The alert or the incident that an id means; several, or none, is the error.
async fn meant(id: &str, board: &AlertBoard, keepers: &Keepers) -> Result<Meant, CliError> {
    let alerts = occurrences_of(id, board);
    // A whole fingerprint is nothing else.
    if let ([alert], 16) = (alerts.as_slice(), id.len()) {
        return Ok(Meant::Alert(alert.occurrence));
    }
    let incidents = keepers.matching(id).await;
    match (alerts.as_slice(), incidents.found.as_slice()) {
        ([alert], []) => Ok(Meant::Alert(alert.occurrence)),
        ([], [incident]) => Ok(Meant::Incident(Arc::clone(incident))),
        ([], []) if !incidents.failures.is_empty() => Err(CliError::Backend(format!(
            "{id} not found: nothing was done; {}",
            incidents.failures.join("; ")
        ))),
        ([], []) => {
            says_which(id, keepers.configured())?;
            Err(not_found("alert", id, board))
        }
        (alerts, incidents) => {
            let alerts = alerts.iter().map(|alert| {
                format!("{} {} {}", alert.occurrence.fingerprint, alert.name, alert.service)
            });
            let incidents = incidents.iter().map(|incident| lookup::label(incident));
            Err(ambiguous(id, alerts.chain(incidents)))
        }
    }
}

/// One outcome an alert: what its silences came to, or why it was left out.
fn of_alerts(planned: &AckPlan, entries: &[Entry]) -> Vec<ActOutcome> {
    let mut taken: Vec<Occurrence> = planned.silences.iter().flat_map(|s| s.covers.clone()).collect();
    taken.sort_unstable();
    taken.dedup();
    let taken = taken.into_iter().filter_map(|alert| {
        let covering = entries.iter().filter(|entry| {
            matches!(&entry.payload, Payload::Silence { purpose: Purpose::Acknowledge { covers }, .. }
                if covers.contains(&alert))
        });
        together(alert.fingerprint.to_string(), covering)
    });
    let left_out = planned.left_out.iter().map(|(alert, why)| ActOutcome {
        target: alert.fingerprint.to_string(),
        state: ActState::Failed,
        outbox_id: None,
        remote_ids: Vec::new(),
        message: why.words(),
    });
    taken.chain(left_out).collect()
}
