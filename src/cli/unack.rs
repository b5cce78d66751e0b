//! `midwatch unack`: hands alerts back; only our own acknowledgements.

use super::args::UnackArgs;
use super::gather::{Danger, Deadline, Rules, Scene, finish, occurrences};
use super::{Outcome, Session};
use crate::backend::alerts::acts;
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::ActReport;
use crate::domain::alert::plan::hand_back_plan;

/// Runs the command.
pub async fn run(session: &mut Session, args: &UnackArgs) -> Outcome {
    let scene = Scene::for_act(session, &args.act, Danger::Free)?;
    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let selected = occurrences(&args.ids, &board)?;
    let plan = hand_back_plan(&selected, &board, &scene.config.identity);
    let clusters = scene.clusters(&board);
    let targets: Vec<String> = selected.iter().map(|o| o.fingerprint.to_string()).collect();
    let outcomes = deadline.act(&targets, acts::hand_back(&plan, &clusters)).await;
    let report = ActReport {
        outcomes,
        warnings: Vec::new(),
        errors: board.errors,
    };
    finish(session, &scene, &report)
}
