//! `midwatch demo`: the console on a simulated production, or that production alone.

use super::args::DemoArgs;
use super::{CliError, Exit, Outcome, Session, console, plain};
use crate::demo::child::spawn_child;
use crate::demo::clock::DemoClock;
use crate::demo::world::Scenario;
use crate::demo::{DemoOptions, run_headless};
use crate::time::before;

/// The world that everybody sees who asks for no other.
const SEED: u64 = 1;

/// Runs the command.
pub fn run(session: &mut Session, args: &DemoArgs) -> Outcome {
    if session.globals.config.is_some() {
        let why = "--config: the demo brings its own configuration; leave the flag out";
        return Err(CliError::Usage(why.to_owned()));
    }
    let scenario: Scenario = match &args.scenario {
        Some(name) => name
            .parse()
            .map_err(|error| CliError::Usage(format!("--scenario: {error}")))?,
        None => Scenario::default(),
    };
    let seed = args.seed.unwrap_or(SEED);
    if args.headless {
        let clock = DemoClock::Live(session.clock);
        run_headless(
            DemoOptions {
                scenario,
                seed,
                clock,
                anchor: args.into.map(|into| before(clock.now(), into)),
            },
            session.out.writer(),
        )?;
        return Ok(Exit::Done);
    }
    let program = std::env::current_exe()?;
    let child = spawn_child(&program, scenario, seed, args.into)?;
    session.globals.config = Some(child.announcement().config.clone());
    if session.globals.plain {
        plain::run(session)
    } else {
        console::in_demo(session)
    }
}
