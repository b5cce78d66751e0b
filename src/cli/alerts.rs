//! `midwatch alerts`: the queue as all Alertmanagers have it, and whether it can be believed.

use super::args::{AlertStateChoice, AlertsArgs, AlertsFailOn};
use super::gather::{Rules, Scene, say_errors};
use super::{CliError, Exit, Outcome, Session};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::filter::Filter;
use crate::domain::alert::json::alerts_document;
use crate::domain::alert::table::alerts_text;
use crate::domain::alert::{AlertBoard, Standing, StateChoice};
use crate::time::Now;

/// Runs the command.
pub async fn run(session: &mut Session, args: &AlertsArgs) -> Outcome {
    let text = args.filter.clone().unwrap_or_default();
    let filter = Filter::parse(&text).map_err(|error| CliError::Usage(format!("--filter: {error}")))?;
    let scene = Scene::with_alertmanagers(session)?;
    session
        .out
        .progress(&format!("asking the Alertmanagers of {}…", scene.context.name))?;
    let question = Arrangement {
        states: match args.state {
            AlertStateChoice::Active => StateChoice::Active,
            AlertStateChoice::Suppressed => StateChoice::Suppressed,
            AlertStateChoice::All => StateChoice::All,
        },
        filter: text,
        ..Arrangement::default()
    };
    let board = scene.board(&question, Rules::Ask).await;
    let now = scene.now();
    if session.globals.json {
        session
            .out
            .text(&alerts_document(&scene.context.name, &board, now))?;
        session.out.text("\n")?;
    } else {
        session.out.text(&alerts_text(&board, now))?;
        say_errors(session, &board.errors)?;
    }
    if let Some(words) = nothing_through(&board, &filter, &question.filter, now) {
        session.out.diagnose(&format!("warning: {words}"))?;
    }
    session.out.flush()?;
    if !board.errors.is_empty() {
        return Ok(Exit::Backend);
    }
    let fails = match args.fail_on {
        None => false,
        Some(AlertsFailOn::Firing) => any_fires(&board, &filter, now),
    };
    Ok(if fails { Exit::FailOn } else { Exit::Done })
}

/// That a filter lets none of the alerts through, and which word of it is to blame: what lists nothing and ends well
/// for a typing error would pass for quiet.
fn nothing_through(board: &AlertBoard, filter: &Filter, typed: &str, now: Now) -> Option<String> {
    let alerts = board.by_fingerprint.values();
    if board.by_fingerprint.is_empty() || alerts.clone().any(|alert| filter.is_match(alert, now)) {
        return None;
    }
    let why = filter
        .missed(&alerts)
        .map_or_else(String::new, |missed| format!(" {}", missed.words()));
    Some(format!("None of the alerts matches `{typed}`.{why}"))
}

/// Whether an alert that passes the filter is active and nobody's, whichever states are listed.
fn any_fires(board: &AlertBoard, filter: &Filter, now: Now) -> bool {
    board.by_fingerprint.values().any(|alert| {
        alert.standing() == Standing::Unacknowledged
            && !board.watchdog.contains(&alert.occurrence.fingerprint)
            && filter.is_match(alert, now)
    })
}
