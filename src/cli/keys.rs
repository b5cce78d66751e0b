//! `midwatch keys`.

use super::{CliError, Outcome, Session};

/// Runs the command.
pub fn run(_session: &mut Session) -> Outcome {
    Err(CliError::Unexpected(color_eyre::eyre::eyre!(
        "keys: not wired yet"
    )))
}
