//! `midwatch demo`.

use super::args::DemoArgs;
use super::{CliError, Outcome, Session};

/// Runs the command.
pub fn run(_session: &mut Session, _args: &DemoArgs) -> Outcome {
    Err(CliError::Unexpected(color_eyre::eyre::eyre!(
        "demo: not wired yet"
    )))
}
