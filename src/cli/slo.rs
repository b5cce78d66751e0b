//! `midwatch slo`: every window of every SLO asked once.

use super::args::{SloArgs, SloFailOn};
use super::gather::Scene;
use super::{Exit, Outcome, Session};
use crate::backend::metrics::engine::{Discover, Engine, Settings};
use crate::domain::slo::json::report_json;
use crate::domain::slo::table::report_text;
use crate::domain::slo::{SloBoard, SloState};

/// Runs the command.
pub async fn run(session: &mut Session, args: &SloArgs) -> Outcome {
    let scene = Scene::open(session)?;
    let (Some(metrics), Some(config)) = (&scene.backends.metrics, &scene.context.metrics) else {
        return Err(scene.lacks("metrics", "add [contexts.NAME.metrics] with a url"));
    };
    let count = scene.context.slos.len();
    session
        .out
        .progress(&format!("asking metrics for {count} SLOs…"))?;
    let settings = Settings {
        poll: config.poll,
        discover: Discover::Yes,
    };
    let now = scene.now();
    let mut board = Engine::new(scene.context.slos.clone(), settings)
        .run_all(metrics.as_ref(), now)
        .await;
    board.warnings.extend(scene.context.slo_warnings.iter().cloned());
    if session.globals.json {
        let document = report_json(&scene.context.name, now.utc, &board);
        session.out.json(&document)?;
    } else {
        session.out.text(&report_text(&board))?;
    }
    session.out.flush()?;
    Ok(exit(&board, args.fail_on))
}

/// What could not be asked goes before what was found: a board with holes proves nothing.
fn exit(board: &SloBoard, fail_on: Option<SloFailOn>) -> Exit {
    if !board.errors.is_empty() {
        return Exit::Backend;
    }
    let fires = board.slos.iter().any(|report| match fail_on {
        None => false,
        Some(SloFailOn::Page) => report.state == SloState::Page,
        Some(SloFailOn::Ticket) => matches!(report.state, SloState::Page | SloState::Ticket),
    });
    if fires { Exit::FailOn } else { Exit::Done }
}
