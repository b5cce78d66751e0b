//! `midwatch keys`: every action with its keys, in the keymap that is used.

use super::{CliError, Exit, Outcome, Session};
use crate::keymap;

/// Runs the command. A configuration is not needed: without one it is the keymap asked for, or the default.
pub fn run(session: &mut Session) -> Outcome {
    let dress = session.dress()?;
    let keymap = keymap::load(&dress.keymap, dress.config_dir.as_deref()).map_err(CliError::Files)?;
    if session.globals.json {
        session.out.json(&keymap::document(&keymap))?;
    } else {
        session.out.text(&keymap::text(&keymap))?;
    }
    session.out.flush()?;
    Ok(Exit::Done)
}
