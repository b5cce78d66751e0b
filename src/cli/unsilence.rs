//! `midwatch unsilence`: ends silences, wherever they live.

use std::sync::Arc;

use super::args::UnsilenceArgs;
use super::gather::{Danger, Deadline, Rules, Scene, ambiguous, finish, long_enough, not_found};
use super::sending::{Sending, outcome, refused};
use super::silence::check_sources;
use super::{CliError, Outcome, Session};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActOutcome, ActReport};
use crate::domain::alert::{AlertBoard, BoardSilence, SilenceState, ack, matcher};
use crate::outbox::plan;

/// Runs the command.
pub async fn run(session: &mut Session, args: &UnsilenceArgs) -> Outcome {
    let scene = Scene::for_act(session, &args.act, Danger::Free)?;
    check_sources(&scene, &args.sources)?;
    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let rows = rows(args, &board)?;
    let (open, closed): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| scene.writes_to(&board, &row.cluster));
    let drafts = open
        .iter()
        .map(|row| plan::expire(&board, &row.cluster, &row.silence.id));
    let entries = Sending::open(&scene)?.carry(drafts.collect(), &deadline).await?;
    let told = open.iter().zip(&entries);
    let mut outcomes: Vec<ActOutcome> = told
        .map(|(row, entry)| outcome(row.silence.id.to_string(), &[entry], args.act.wait))
        .collect();
    outcomes.extend(closed.iter().map(|row| {
        let why = format!("cluster {} has no member that may be written to", row.cluster);
        refused(row.silence.id.to_string(), why)
    }));
    let report = ActReport {
        outcomes,
        warnings: Vec::new(),
        errors: board.errors,
    };
    finish(session, &scene, &report)
}

/// The silences that are meant, each once.
fn rows<'a>(args: &UnsilenceArgs, board: &'a AlertBoard) -> Result<Vec<&'a Arc<BoardSilence>>, CliError> {
    let within = |row: &BoardSilence| {
        let mut sources = args.sources.iter();
        args.sources.is_empty() || sources.any(|name| board.cluster_of(name) == Some(&row.cluster))
    };
    let mut found: Vec<&Arc<BoardSilence>> = Vec::new();
    for id in &args.ids {
        let row = row(id, board, &within)?;
        if !found.iter().any(|other| Arc::ptr_eq(other, row)) {
            found.push(row);
        }
    }
    Ok(found)
}

/// One that stands, by its id or a prefix; one that has expired by its whole id alone.
fn row<'a>(
    id: &str,
    board: &'a AlertBoard,
    within: &dyn Fn(&BoardSilence) -> bool,
) -> Result<&'a Arc<BoardSilence>, CliError> {
    long_enough(id)?;
    let rows = || board.silences.iter().filter(|row| within(row));
    let exact: Vec<&Arc<BoardSilence>> = rows().filter(|row| *row.silence.id == *id).collect();
    let matching = if exact.is_empty() {
        rows()
            .filter(|row| row.silence.state != SilenceState::Expired && row.silence.id.starts_with(id))
            .collect()
    } else {
        exact
    };
    match matching.as_slice() {
        [one] => Ok(one),
        [] => Err(not_found("silence", id, board)),
        several => Err(ambiguous(id, several.iter().map(|row| in_words(row)))),
    }
}

fn in_words(row: &BoardSilence) -> String {
    format!(
        "{} at {}: {} ({})",
        row.silence.id,
        row.cluster,
        matcher::display_list(&row.silence.matchers),
        ack::without_marker(&row.silence.comment)
    )
}
