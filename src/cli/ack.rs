//! `midwatch ack`: takes alerts, for as long as one lease lasts.

use super::args::AckArgs;
use super::gather::{Danger, Deadline, Rules, Scene, finish, occurrences};
use super::{Outcome, Session};
use crate::backend::alerts::acts;
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActReport, ActState};
use crate::domain::alert::plan::ack_plan;
use crate::time::prometheus_duration;

/// Runs the command.
pub async fn run(session: &mut Session, args: &AckArgs) -> Outcome {
    let scene = Scene::for_act(session, &args.act, Danger::Free)?;
    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let selected = occurrences(&args.ids, &board)?;
    let plan = ack_plan(&selected, &board);
    let clusters = scene.clusters(&board);
    let lease = scene.config.ack_lease;
    let order = scene.order(args.comment.as_deref().unwrap_or_default(), lease);
    let targets: Vec<String> = selected.iter().map(|o| o.fingerprint.to_string()).collect();
    let acting = async { acts::acknowledge(&plan, &clusters, &order).await.outcomes };
    let outcomes = deadline.act(&targets, acting).await;

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
