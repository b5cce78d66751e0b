//! `midwatch unsilence`.

use super::args::UnsilenceArgs;
use super::{CliError, Outcome, Session};

/// Runs the command.
#[expect(clippy::unused_async, reason = "asks backends once it is wired")]
pub async fn run(_session: &mut Session, _args: &UnsilenceArgs) -> Outcome {
    Err(CliError::Unexpected(color_eyre::eyre::eyre!(
        "unsilence: not wired yet"
    )))
}
