//! `midwatch unack`: hands alerts back; only our own acknowledgements.

use super::args::UnackArgs;
use super::gather::{Danger, Deadline, Rules, Scene, finish, occurrences};
use super::sending::{Sending, outcome, refused};
use super::{Outcome, Session};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActReport, ActState};
use crate::domain::alert::plan::{counted, hand_back_plan};
use crate::outbox::{Entry, plan};

/// Runs the command.
pub async fn run(session: &mut Session, args: &UnackArgs) -> Outcome {
    let scene = Scene::for_act(session, &args.act, Danger::Free)?;
    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let selected = occurrences(&args.ids, &board)?;
    let planned = hand_back_plan(&selected, &board, &scene.config.identity);
    let entries = Sending::open(&scene)?
        .carry(plan::hand_back(&planned, &board), &deadline)
        .await?;
    let entries: Vec<&Entry> = entries.iter().collect();
    let mut outcomes = Vec::new();
    for occurrence in &selected {
        let target = occurrence.fingerprint.to_string();
        let why = planned.refused.iter().find(|(refused, _)| refused == occurrence);
        outcomes.push(match why {
            Some((_, why)) => refused(target, why.clone()),
            None => outcome(target, &entries, args.act.wait),
        });
    }
    if !planned.also.is_empty() {
        let shared = format!(
            "; {} shared it and will alert again too",
            counted(planned.also.len(), "more alert")
        );
        for outcome in outcomes
            .iter_mut()
            .filter(|outcome| outcome.state == ActState::Confirmed)
        {
            outcome.message.push_str(&shared);
        }
    }
    let report = ActReport {
        outcomes,
        warnings: Vec::new(),
        errors: board.errors,
    };
    finish(session, &scene, &report)
}
