//! `midwatch alerts`.

use super::args::AlertsArgs;
use super::{CliError, Outcome, Session};

/// Runs the command.
#[expect(clippy::unused_async, reason = "asks backends once it is wired")]
pub async fn run(_session: &mut Session, _args: &AlertsArgs) -> Outcome {
    Err(CliError::Unexpected(color_eyre::eyre::eyre!(
        "alerts: not wired yet"
    )))
}
