//! The binary: arguments, hooks, exit status. The runtime is built by the command that needs one.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Parser as _;
use midwatch::cli::{self, Cli, Exit, Output, Session};
use midwatch::config::Environment;
use midwatch::time::Clock;

fn main() -> ExitCode {
    // First of all, and before anything is opened: `--version` and mistakes end here.
    let Cli { globals, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // With nobody left to read it, there is nobody to tell.
            let error = cli::args::with_tip(error);
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
            .into();
        }
    };
    // A panic report beats none; without it the standard one is used.
    let _ = color_eyre::install();
    let mut session = Session {
        globals,
        env: Environment::of_process(),
        clock: Clock::start(),
        out: Output::standard(),
        acted_on: BTreeSet::new(),
    };
    cli::run(command, &mut session).into()
}
