//! `midwatch ack`: takes alerts, for as long as one lease lasts, and incidents.

use std::time::Duration;

use super::args::AckArgs;
use super::gather::{
    Danger, Deadline, Rules, Scene, alert_in_words, alerts_of, ambiguous, finish, is_hex, no_alert,
};
use super::incident::is_kept;
use super::incident::lookup::Target;
use super::keepers::Keepers;
use super::sending::{Sending, outcome, refused};
use super::{CliError, Outcome, Session};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActReport, ActState};
use crate::domain::alert::plan::ack_plan;
use crate::domain::alert::{AlertBoard, Fingerprint, Occurrence};
use crate::domain::incident::{IncidentAct, IncidentId, Offer, Verb};
use crate::outbox::{Entry, Payload, plan};
use crate::time::prometheus_duration;

/// What one id means.
pub(super) enum Meant {
    /// An alert.
    Alert(Occurrence),
    /// An incident.
    Incident(Target),
}

/// Runs the command.
pub async fn run(session: &mut Session, args: &AckArgs) -> Outcome {
    let scene = Scene::for_any_act(session, &args.act, Danger::Free)?;
    let keepers = Keepers::open(&scene);
    let deadline = Deadline::start(args.act.wait);
    let board = if args.ids.iter().any(|id| is_hex(id)) {
        deadline
            .ask(scene.board(&Arrangement::default(), Rules::Leave))
            .await?
    } else {
        // No Alertmanager has a say in incidents.
        AlertBoard::default()
    };
    let mut alerts: Vec<Occurrence> = Vec::new();
    let mut incidents: Vec<Target> = Vec::new();
    for id in &args.ids {
        let asking = meant(id, &board, &keepers, deadline.half());
        match deadline.ask(asking).await?? {
            Meant::Alert(alert) if !alerts.contains(&alert) => alerts.push(alert),
            Meant::Incident(incident) if !incidents.iter().any(|known| known.id() == incident.id()) => {
                incidents.push(incident);
            }
            Meant::Alert(_) | Meant::Incident(_) => {}
        }
    }

    if !alerts.is_empty() {
        // What incidents need is their keeper's alone.
        scene.can_write_to_alertmanagers()?;
    }
    let planned = ack_plan(&alerts, &board);
    let lease = scene.config.ack_lease;
    let order = plan::Order {
        identity: scene.config.identity.as_str().into(),
        text: args.comment.clone().unwrap_or_default(),
        at: scene.now().utc,
        length: lease,
        grace: Duration::ZERO,
    };
    let mut drafts = plan::acknowledge(&planned, &board, &order);
    let mut outcomes = Vec::new();
    for target in &incidents {
        let offer = match target {
            Target::Seen(incident) => keepers.of_incident(incident)?.offers(incident, Verb::Acknowledge),
            Target::Unseen { .. } => Offer::Yes,
        };
        match offer {
            Offer::Yes => drafts.push(target.draft(IncidentAct::Acknowledge, scene.now().utc)),
            Offer::No(why) => outcomes.push(refused(target.label(), why.to_string())),
        }
    }
    let entries = if drafts.is_empty() {
        Vec::new()
    } else {
        Sending::open(&scene)?.carry(drafts, &deadline).await?
    };
    let left_out = |occurrence: &Occurrence| planned.left_out.iter().find(|(left, _)| left == occurrence);
    outcomes.extend(alerts.iter().map(|occurrence| {
        let target = occurrence.fingerprint.to_string();
        match left_out(occurrence) {
            Some((_, why)) => refused(target, why.words()),
            None => outcome(
                target,
                &about_alert(&entries, occurrence.fingerprint),
                args.act.wait,
            ),
        }
    }));
    let mut warnings = Vec::new();
    for target in &incidents {
        let about: Vec<&Entry> = entries
            .iter()
            .filter(|entry| is_about(entry, target.id()))
            .collect();
        if !about.is_empty() {
            outcomes.push(outcome(target.label(), &about, args.act.wait));
        }
        warnings.extend(target.warning().filter(|_| is_kept(&about)));
    }
    if !alerts.is_empty() && outcomes.iter().any(|outcome| outcome.state != ActState::Failed) {
        let length = prometheus_duration(lease);
        warnings.push(format!(
            "an acknowledgement made here ends by itself after {length}: only a console that is open renews its own"
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
///
/// A keeper of incidents is waited for no longer than `patience`.
pub(super) async fn meant(
    id: &str,
    board: &AlertBoard,
    keepers: &Keepers,
    patience: Duration,
) -> Result<Meant, CliError> {
    let alerts = alerts_of(id, board);
    // A whole fingerprint is nothing else.
    if let ([alert], 16) = (alerts.as_slice(), id.len()) {
        return Ok(Meant::Alert(alert.occurrence));
    }
    let incidents = keepers.matching(id, patience).await;
    match (alerts.as_slice(), incidents.found.as_slice()) {
        ([alert], []) => Ok(Meant::Alert(alert.occurrence)),
        ([], [incident]) => Ok(Meant::Incident(incident.clone())),
        ([], []) if incidents.failures.is_empty() => Err(no_alert(id, board)),
        ([], []) => Err(incidents.refusal("an alert or an incident", id)),
        (alerts, incidents) => {
            let alerts = alerts.iter().map(|alert| alert_in_words(alert));
            let incidents = incidents.iter().map(Target::label);
            Err(ambiguous(id, alerts.chain(incidents)))
        }
    }
}

pub(super) fn is_about(entry: &Entry, incident: &IncidentId) -> bool {
    match &entry.payload {
        Payload::Incident { incident: id, .. } => id == incident,
        Payload::Silence { .. }
        | Payload::ExtendSilence { .. }
        | Payload::ExpireSilence { .. }
        | Payload::Annotation(_) => false,
    }
}

/// The entries that acknowledge an alert, or hand it back.
pub(super) fn about_alert(entries: &[Entry], fingerprint: Fingerprint) -> Vec<&Entry> {
    let entries = entries.iter();
    entries
        .filter(|entry| entry.payload.is_about_alert(fingerprint))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::BackendFailure;
    use crate::cli::Exit;
    use crate::domain::alert::desk::sample;

    async fn wrong(id: &str, board: &AlertBoard) -> CliError {
        match meant(id, board, &Keepers::default(), Duration::ZERO).await {
            Ok(_) => panic!("{id} means something"),
            Err(error) => error,
        }
    }

    #[tokio::test]
    async fn a_prefix_is_taken_where_it_is_one_alerts_alone() {
        let alert = |fingerprint| {
            let mut alert = sample::alert(&[("alertname", "HighErrorRate")]);
            alert.occurrence.fingerprint = Fingerprint(fingerprint);
            (alert.occurrence.fingerprint, Arc::new(alert))
        };
        let (first, second) = (0xabcd_ef01_0000_0000, 0xabcd_ef02_0000_0000);
        let board = AlertBoard {
            by_fingerprint: Arc::new([alert(first), alert(second)].into()),
            ..AlertBoard::default()
        };
        for id in ["ABCDEF02", "abcdef0200000000"] {
            let Ok(Meant::Alert(meant)) = meant(id, &board, &Keepers::default(), Duration::ZERO).await else {
                panic!("one alert");
            };
            assert_eq!(meant.fingerprint.0, second);
        }
        let error = wrong("abcdef", &board).await;
        assert_eq!(error.exit(), Exit::Usage);
        let said = error.to_string();
        let candidates = ["abcdef0100000000 HighErrorRate", "abcdef0200000000 HighErrorRate"];
        assert!(
            candidates.iter().all(|candidate| said.contains(candidate)),
            "{said}"
        );
    }

    #[tokio::test]
    async fn what_is_no_fingerprint_is_told_from_one_that_is_not_there() {
        let mut board = AlertBoard::default();
        let words = async |id: &str, board: &AlertBoard| {
            let error = wrong(id, board).await;
            (error.exit(), error.to_string())
        };
        for id in ["#42", "Q1ABCDEFGHIJKL", "local-1", "0123456789abcdef0", ""] {
            let (exit, said) = words(id, &board).await;
            assert!(
                exit == Exit::Usage && said.contains("no incident that is known"),
                "{said}"
            );
        }
        assert!(words("abc", &board).await.1.contains("too short"));
        let (exit, said) = words("ABCDEF", &board).await;
        assert!(exit == Exit::Usage && said.contains("not found"), "{said}");
        board.errors.push(BackendFailure {
            backend: "alertmanager eu-0".to_owned(),
            message: "refused".to_owned(),
        });
        let (exit, said) = words("abcdef", &board).await;
        assert!(exit == Exit::Backend && said.contains("eu-0: refused"), "{said}");
    }
}
