//! `midwatch slo`.

use super::args::SloArgs;
use super::{CliError, Outcome, Session};

/// Runs the command.
#[expect(clippy::unused_async, reason = "asks backends once it is wired")]
pub async fn run(_session: &mut Session, _args: &SloArgs) -> Outcome {
    Err(CliError::Unexpected(color_eyre::eyre::eyre!(
        "slo: not wired yet"
    )))
}
