//! `midwatch completions`.

use clap::CommandFactory as _;

use super::args::CompletionsArgs;
use super::{Cli, Exit, Outcome, Session};

/// Prints a completion script.
pub fn run(session: &mut Session, args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "midwatch", &mut script);
    session.out.text(&String::from_utf8_lossy(&script))?;
    session.out.flush()?;
    Ok(Exit::Done)
}
