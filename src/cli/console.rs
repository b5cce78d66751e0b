//! `midwatch`: the console.

use super::{CliError, Outcome, Session};

/// Opens the console on the configured context.
pub fn run(session: &mut Session) -> Outcome {
    session.context()?;
    Err(CliError::Unexpected(color_eyre::eyre::eyre!(
        "console: not wired yet"
    )))
}
