//! `midwatch declare`: a local incident, kept in the journal of this host.

use crate::cli::args::DeclareArgs;
use crate::cli::{CliError, Outcome, Session};

/// Runs the command.
pub async fn run(_session: &mut Session, _args: &DeclareArgs) -> Outcome {
    Err(CliError::Usage("not yet".to_owned()))
}
