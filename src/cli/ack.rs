//! `midwatch ack`: takes alerts, for as long as one lease lasts.

use std::time::Duration;

use super::args::AckArgs;
use super::gather::{Danger, Deadline, Rules, Scene, finish, occurrences};
use super::sending::{Sending, outcome, refused};
use super::{Outcome, Session};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActReport, ActState};
use crate::domain::alert::plan::ack_plan;
use crate::domain::alert::{Fingerprint, Occurrence};
use crate::outbox::{Entry, Payload, Purpose, plan};
use crate::time::prometheus_duration;

/// Runs the command.
pub async fn run(session: &mut Session, args: &AckArgs) -> Outcome {
    let scene = Scene::for_act(session, &args.act, Danger::Free)?;
    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let selected = occurrences(&args.ids, &board)?;
    let planned = ack_plan(&selected, &board);
    let lease = scene.config.ack_lease;
    let order = plan::Order {
        identity: scene.config.identity.as_str().into(),
        text: args.comment.clone().unwrap_or_default(),
        at: scene.now().utc,
        length: lease,
        grace: Duration::ZERO,
    };
    let entries = Sending::open(&scene)?
        .carry(plan::acknowledge(&planned, &board, &order), &deadline)
        .await?;
    let left_out = |occurrence: &Occurrence| planned.left_out.iter().find(|(left, _)| left == occurrence);
    let outcomes: Vec<_> = selected
        .iter()
        .map(|occurrence| {
            let target = occurrence.fingerprint.to_string();
            match left_out(occurrence) {
                Some((_, why)) => refused(target, why.words()),
                None => outcome(target, &covering(&entries, occurrence.fingerprint), args.act.wait),
            }
        })
        .collect();

    let mut warnings = Vec::new();
    if outcomes.iter().any(|outcome| outcome.state != ActState::Failed) {
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

fn covering(entries: &[Entry], fingerprint: Fingerprint) -> Vec<&Entry> {
    let covers = |entry: &&Entry| match &entry.payload {
        Payload::Silence {
            purpose: Purpose::Acknowledge { covers },
            ..
        } => covers
            .iter()
            .any(|occurrence| occurrence.fingerprint == fingerprint),
        Payload::Silence { .. }
        | Payload::ExtendSilence { .. }
        | Payload::ExpireSilence { .. }
        | Payload::Incident { .. }
        | Payload::Annotation(_) => false,
    };
    entries.iter().filter(covers).collect()
}
