//! `midwatch ack`.

use super::args::AckArgs;
use super::{CliError, Outcome, Session};

/// Runs the command.
#[expect(clippy::unused_async, reason = "asks backends once it is wired")]
pub async fn run(_session: &mut Session, _args: &AckArgs) -> Outcome {
    Err(CliError::Unexpected(color_eyre::eyre::eyre!(
        "ack: not wired yet"
    )))
}
