//! `midwatch silences`: every silence with what it hides.

use super::args::SilencesArgs;
use super::gather::{Rules, Scene, say_errors};
use super::{CliError, Exit, Outcome, Session};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{SilenceChoice, silences_document};
use crate::domain::alert::table::silences_text;

/// Runs the command.
pub async fn run(session: &mut Session, args: &SilencesArgs) -> Outcome {
    let choice = choice(args)?;
    let scene = Scene::with_alertmanagers(session)?;
    session
        .out
        .progress(&format!("asking the Alertmanagers of {}…", scene.context.name))?;
    let board = scene.board(&Arrangement::default(), Rules::Leave).await;
    let now = scene.now();
    if session.globals.json {
        let document = silences_document(&scene.context.name, &board, choice, now);
        session.out.text(&document)?;
        session.out.text("\n")?;
    } else {
        session.out.text(&silences_text(&board, choice, now))?;
        say_errors(session, &board.errors)?;
    }
    session.out.flush()?;
    Ok(if board.errors.is_empty() {
        Exit::Done
    } else {
        Exit::Backend
    })
}

fn choice(args: &SilencesArgs) -> Result<SilenceChoice, CliError> {
    match (args.expiring, args.unused, args.expired) {
        (None, false, false) => Ok(SilenceChoice::Standing),
        (Some(window), false, false) => Ok(SilenceChoice::Expiring(window)),
        (None, true, false) => Ok(SilenceChoice::Unused),
        (None, false, true) => Ok(SilenceChoice::All),
        (Some(_), _, _) | (None, true, true) => Err(CliError::Usage(
            "--expiring, --unused and --expired each choose other silences; give one of them".to_owned(),
        )),
    }
}
