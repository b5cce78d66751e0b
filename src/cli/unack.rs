//! `midwatch unack`: hands alerts back; only our own acknowledgements.

use super::args::UnackArgs;
use super::deliver::together;
use super::gather::{Danger, Deadline, Rules, Scene, finish, occurrences};
use super::{Outcome, Session};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActOutcome, ActReport, ActState};
use crate::domain::alert::plan::hand_back_plan;
use crate::outbox::plan;

/// Runs the command.
pub async fn run(session: &mut Session, args: &UnackArgs) -> Outcome {
    let scene = Scene::for_act(session, &args.act, Danger::Free)?;
    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let selected = occurrences(&args.ids, &board)?;
    let planned = hand_back_plan(&selected, &board, &scene.config.identity);
    let entries = scene.deliver(&deadline, plan::hand_back(&planned, &board)).await?;
    let mut outcomes: Vec<ActOutcome> = planned
        .alerts
        .iter()
        .filter_map(|fingerprint| together(fingerprint.to_string(), &entries))
        .collect();
    outcomes.extend(planned.refused.iter().map(|(alert, why)| ActOutcome {
        target: alert.fingerprint.to_string(),
        state: ActState::Failed,
        outbox_id: None,
        remote_ids: Vec::new(),
        message: why.clone(),
    }));
    let report = ActReport {
        outcomes,
        warnings: Vec::new(),
        errors: board.errors,
    };
    finish(session, &scene, &report)
}
