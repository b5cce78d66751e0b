//! The command line: clap types, one file a subcommand, text and JSON from the same domain values.
//!
//! [`args`] is what can be written, [`output`] how a command speaks and ends, [`Session`] what every command
//! is handed. Arguments are parsed before a runtime exists; [`run`] builds the one that the command needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::closing::Reached;
use crate::config::{self, Config, ConfigError, Context, Environment, Flags, Loaded};
use crate::domain::incident::IncidentId;
use crate::runtime::runbooks::run::launch;
use crate::shelf::Shelf;
use crate::time::Clock;

pub mod ack;
pub mod alerts;
pub mod args;
pub mod audit;
pub mod case;
pub mod closing;
pub mod completions;
pub mod config_command;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod drill;
pub mod figures;
mod file_checks;
pub mod gather;
pub mod handoff;
pub mod incident;
pub mod incidents;
pub mod init;
pub mod keepers;
pub mod keys;
mod linked;
mod local_checks;
pub mod log;
pub mod logs;
pub mod man;
pub mod oncall;
mod opening;
pub mod outbox;
pub mod output;
mod places;
pub mod plain;
pub mod playbook;
pub mod postmortem;
pub mod probe;
mod record_checks;
pub mod replay;
pub mod runbook;
mod runbook_checks;
pub mod sending;
pub mod silence;
pub mod silences;
pub mod slo;
pub mod starter;
pub mod themes;
pub mod timeline;
pub mod told;
pub mod trace;
pub mod traces;
pub mod unack;
pub mod unsilence;
pub mod write_up;

#[cfg(test)]
mod tests;

pub use args::{Cli, Command, Globals};
pub use output::{CliError, Exit, Outcome, Output};

/// What a command is handed.
pub struct Session {
    /// Global flags.
    pub globals: Globals,
    /// The process's environment.
    pub env: Environment,
    /// The clocks.
    pub clock: Clock,
    /// Standard output and standard error.
    pub out: Output,
    /// Incidents that the command has acted on: whether those are reached whom that wakes, it waits for.
    pub acted_on: BTreeSet<IncidentId>,
}

impl Session {
    /// Finds, reads and decodes the configuration; its warnings go to standard error with `-v`.
    pub fn config(&mut self) -> Result<Config, CliError> {
        let Loaded { config, warnings } = config::load(&self.flags(), &self.env)?;
        if self.globals.verbose > 0 {
            for warning in warnings {
                self.out.diagnose(&format!("warning: {warning}"))?;
            }
        }
        Ok(config)
    }

    /// The configuration and the context that is meant.
    pub fn context(&mut self) -> Result<(Config, Context), CliError> {
        let config = self.config()?;
        let context = config.context(self.globals.context.as_deref())?.clone();
        Ok((config, context))
    }

    /// Which theme and keymap are meant; the shipped ones where there is no configuration.
    pub fn dress(&mut self) -> Result<Dress, CliError> {
        match self.config() {
            Ok(config) => Ok(Dress {
                theme: config.theme,
                keymap: config.keymap,
                config_dir: config.config_dir,
            }),
            Err(CliError::Config(ConfigError::NotFound { .. })) => {
                let given =
                    |flag: &Option<String>, shipped: &str| flag.clone().unwrap_or_else(|| shipped.to_owned());
                Ok(Dress {
                    theme: given(&self.globals.theme, crate::theme::AUTO),
                    keymap: given(&self.globals.keymap, "default"),
                    config_dir: None,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// What the global flags say about the configuration.
    pub fn flags(&self) -> Flags {
        Flags {
            config: self.globals.config.clone(),
            context: self.globals.context.clone(),
            theme: self.globals.theme.clone().map(from_here),
            keymap: self.globals.keymap.clone().map(from_here),
            read_only: self.globals.read_only,
        }
    }
}

/// A file that is named on the command line lies where one stands, not beside the configuration.
fn from_here(name: String) -> String {
    if !Shelf::is_path(&name) {
        return name;
    }
    let here = std::env::current_dir().map(|here| here.join(&name));
    here.map_or(name, |path| path.display().to_string())
}

/// What the console wears and answers to.
pub struct Dress {
    /// Theme name or path.
    pub theme: String,
    /// Keymap name or path.
    pub keymap: String,
    /// Where relative paths start, and own themes and keymaps lie.
    pub config_dir: Option<PathBuf>,
}

/// Runs a command line to its exit status. What went wrong is said on standard error.
pub fn run(command: Option<Command>, session: &mut Session) -> Exit {
    let ended = match log::start(&session.globals) {
        Ok(log) => {
            let is_act = command.as_ref().is_some_and(Command::is_act);
            let began = session.clock.stamp();
            let mut ended = dispatch(command, session);
            // Whatever came of it: what it left in the journal goes out, also where it was refused half way.
            if is_act {
                let mut after = None;
                let _ = block_on(async {
                    after = Some(closing::after_act(session, &began).await);
                    Ok(Exit::Done)
                });
                if let (Ok(exit), Some(after)) = (&mut ended, after) {
                    *exit = match after.damage {
                        Some(damage) => {
                            let _ = session.out.diagnose(&format!(
                                "error: {damage}; this was found after it was used: look whether what was done stands"
                            ));
                            Exit::Failure
                        }
                        None => with_pages(*exit, after.reached),
                    };
                }
            }
            drop(log);
            ended
        }
        Err(error) => Err(error),
    };
    match ended {
        Ok(exit) => exit,
        Err(error) => {
            if let Some(words) = error.words() {
                // With standard error gone there is nobody left to tell.
                let _ = session.out.diagnose(&words);
            }
            error.exit()
        }
    }
}

/// How a command ended whose act is done, when it is known whether those were reached whom it woke: the worst counts.
fn with_pages(exit: Exit, reached: Reached) -> Exit {
    match (exit, reached) {
        (Exit::Done | Exit::Unconfirmed, Reached::Nobody) => Exit::Backend,
        (Exit::Done, Reached::NotYet) => Exit::Unconfirmed,
        (
            Exit::Done
            | Exit::Failure
            | Exit::Usage
            | Exit::Configuration
            | Exit::Backend
            | Exit::Unconfirmed
            | Exit::ReadOnly
            | Exit::FailOn,
            _,
        ) => exit,
    }
}

fn dispatch(command: Option<Command>, session: &mut Session) -> Outcome {
    let opens_a_console = match &command {
        None | Some(Command::Demo(_)) => true,
        Some(Command::Drill(args)) => !args.list,
        Some(_) => false,
    };
    if let (Some(path), false) = (&session.globals.record, opens_a_console) {
        return Err(replay::no_console(path));
    }
    if session.globals.plain {
        if session.globals.record.is_some() {
            return Err(CliError::Usage(
                "--record keeps what a console shows, and --plain shows nothing: keep its lines".to_owned(),
            ));
        }
        match &command {
            None | Some(Command::Demo(_)) => {}
            Some(_) => {
                return Err(CliError::Usage(
                    "--plain is the console as lines, and of the demo; other commands print lines anyway"
                        .to_owned(),
                ));
            }
        }
    }
    let Some(command) = command else {
        return if session.globals.plain {
            plain::run(session)
        } else {
            console::run(session)
        };
    };
    match command {
        Command::Completions(args) => completions::run(session, &args),
        Command::Man(args) => man::run(session, &args),
        Command::Config(args) => config_command::run(session, &args),
        Command::Keys => keys::run(session),
        Command::Themes => themes::run(session),
        Command::Demo(args) => demo::run(session, &args),
        Command::Replay(args) => replay::run(session, &args),
        Command::Drill(args) => drill::run(session, &args),
        Command::Init(args) => block_on(init::run(session, &args)),
        Command::Audit(args) => audit::run(session, &args),
        Command::Launch(args) => {
            let error = launch(&args.program, &args.arguments);
            let program = Path::new(&args.program).display();
            Err(CliError::Unexpected(color_eyre::eyre::eyre!(
                "{program}: {error}"
            )))
        }
        Command::Doctor(args) if args.cost => doctor::cost::run(session, args.during),
        Command::Doctor(_) => block_on(doctor::run(session)),
        Command::Slo(args) => block_on(slo::run(session, &args)),
        Command::Alerts(args) => block_on(alerts::run(session, &args)),
        Command::Runbook(args) => block_on(runbook::run(session, &args)),
        Command::Playbook(args) => block_on(playbook::run(session, &args)),
        Command::Incidents(args) => block_on(incidents::run(session, &args)),
        Command::Timeline(args) => block_on(timeline::run(session, &args)),
        Command::Oncall => block_on(oncall::run(session)),
        Command::Postmortem(args) => block_on(postmortem::run(session, &args)),
        Command::Handoff(args) => block_on(handoff::run(session, &args)),
        Command::Logs(args) => logs::run(session, &args),
        Command::Traces(args) => block_on(traces::run(session, &args)),
        Command::Trace(args) => block_on(trace::run(session, &args)),
        Command::Case(args) => block_on(case::run(session, &args)),
        Command::Silences(args) => block_on(silences::run(session, &args)),
        Command::Resolve(args) => block_on(incident::acts::resolve(session, &args)),
        Command::Escalate(args) => block_on(incident::acts::escalate(session, &args)),
        Command::Reassign(args) => block_on(incident::acts::reassign(session, &args)),
        Command::Page(args) => block_on(incident::acts::page(session, &args)),
        Command::Snooze(args) => block_on(incident::acts::snooze(session, &args)),
        Command::Merge(args) => block_on(incident::acts::merge(session, &args)),
        Command::Priority(args) => block_on(incident::acts::priority(session, &args)),
        Command::Annotate(args) => block_on(incident::acts::annotate(session, &args)),
        Command::Update(args) => block_on(incident::acts::update(session, &args)),
        Command::Declare(args) => block_on(incident::declare::run(session, &args)),
        Command::Ack(args) => block_on(ack::run(session, &args)),
        Command::Unack(args) => block_on(unack::run(session, &args)),
        Command::Silence(args) => block_on(silence::run(session, &args)),
        Command::Unsilence(args) => block_on(unsilence::run(session, &args)),
        Command::Outbox(args) => block_on(outbox::run(session, &args)),
    }
}

/// One thread is enough for a command that asks and prints.
fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Unexpected(error.into()))?
        .block_on(work)
}

/// `midwatch` without a configuration: says so and offers a way on.
pub fn no_configuration(error: &ConfigError) -> String {
    format!(
        "{error}\n\n  midwatch demo       look around in a simulated production\n  midwatch init URL   write a configuration \
         for your own Prometheus and Alertmanager"
    )
}
