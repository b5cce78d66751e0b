//! What can be written on the command line.

mod acting;
mod console;
mod reading;

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::acting::{
    AckArgs, ActArgs, AnnotateArgs, DeclareArgs, EscalateArgs, MergeArgs, OutboxArgs, OutboxCommand,
    OutboxRow, PageArgs, PriorityArgs, ReassignArgs, ResolveArgs, SilenceArgs, SnoozeArgs, UnackArgs,
    UnsilenceArgs, UpdateArgs,
};
pub use self::console::{
    CompletionsArgs, ConfigArgs, ConfigCommand, DemoArgs, DoctorArgs, DrillArgs, InitArgs, LaunchArgs,
    ManArgs, ReplayArgs,
};
pub use self::reading::{
    AlertStateChoice, AlertsArgs, AlertsFailOn, AuditArgs, AuditCommand, CaseArgs, HandoffArgs,
    IncidentsArgs, LevelChoice, LogsArgs, PlaybookArgs, PostmortemArgs, RunbookArgs, SilencesArgs, SloArgs,
    SloFailOn, TimelineArgs, TraceArgs, TraceFormat, TracesArgs,
};
use crate::config::SLOWEST;

/// A terminal operations console: what burns, what fires, and what to do about it.
#[derive(Debug, Parser)]
#[command(
    name = "midwatch",
    version,
    about = "A terminal operations console for on-call engineers",
    after_help = "Without a command the console opens. Exit status: 0 done, 1 unexpected failure, 2 usage, \
                  3 configuration, 4 a backend could not be reached or refused, 5 not yet confirmed, \
                  6 refused by read-only, 10 --fail-on holds.",
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do; the console where none.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A mistake with a tip, where a word that is none of the commands is something of the console.
pub fn with_tip(mut error: clap::Error) -> clap::Error {
    let tip = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => tip(word),
        _ => None,
    };
    if let Some(tip) = tip {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

fn tip(word: &str) -> Option<&'static str> {
    match word {
        "tour" => Some("the tour is in the console: `midwatch demo`, then `:tour`"),
        "context" | "contexts" => Some(
            "`--context NAME` opens one, `midwatch config show` lists them, and X in the console shows all at once",
        ),
        "theme" => Some(
            "`midwatch themes` lists them; `--theme NAME`, or `:theme NAME` in the console, draws with one",
        ),
        "keymap" | "keymaps" | "help" => {
            Some("`midwatch keys` lists the keys, `midwatch --help` the commands")
        }
        _ => None,
    }
}

/// Flags that stand before or after any command.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that stands alone")]
pub struct Globals {
    /// Configuration file
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Context to open
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// One JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Refuse every act
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Theme name or path
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Keymap name or path
    #[arg(long, global = true, value_name = "NAME")]
    pub keymap: Option<String>,
    /// When to colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorChoice,
    /// Draw with ASCII only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Spare a slow link: so many bytes a second at most, nothing that moves by itself, more patience with keys (800 for
    /// a line of 9600 baud)
    #[arg(
        long,
        global = true,
        value_name = "BYTES_PER_S",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2000",
        value_parser = bytes_a_second
    )]
    pub slow: Option<NonZeroU32>,
    /// The console as lines: events as they happen, commands as they are typed; for screen readers and pipes
    #[arg(long, global = true)]
    pub plain: bool,
    /// Write a log there
    #[arg(long, global = true, value_name = "PATH")]
    pub log_file: Option<PathBuf>,
    /// Keep what the console sees in a new file, to be played again by `midwatch replay`
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Say more on standard error; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What `--slow=` takes.
fn bytes_a_second(text: &str) -> Result<NonZeroU32, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate: &NonZeroU32| rate.get() >= SLOWEST);
    rate.ok_or_else(|| {
        format!("a whole number of bytes a second, {SLOWEST} at least: 800 for a line of 9600 baud")
    })
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that shows colours, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also into a pipe.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the console on a simulated production
    Demo(DemoArgs),
    /// Be on call in a simulated production that breaks, and see how well that went
    Drill(DrillArgs),
    /// SLOs: burn, budget, rules
    Slo(SloArgs),
    /// Alerts, grouped and ranked
    Alerts(AlertsArgs),
    /// Logs: of the configured source, of a file, or of standard input
    Logs(LogsArgs),
    /// Traces: of a service, slow ones, failed ones
    Traces(TracesArgs),
    /// One trace: a waterfall, the critical path, what went wrong
    Trace(TraceArgs),
    /// A case: what is known around an alert, SLO or incident, and what that points at
    Case(CaseArgs),
    /// The runbook of an alert, or a Markdown file: its steps, its commands filled in; runs nothing
    Runbook(RunbookArgs),
    /// The playbooks of the configuration, or each step of one as it would run for an alert; runs nothing
    Playbook(PlaybookArgs),
    /// Silences
    Silences(SilencesArgs),
    /// Incidents, open ones first
    Incidents(IncidentsArgs),
    /// What happened: of one incident, or of the last hours
    Timeline(TimelineArgs),
    /// Who is on call, now and next
    Oncall,
    /// The draft of a post-mortem, as Markdown
    Postmortem(PostmortemArgs),
    /// The hand-over of a shift, as Markdown
    Handoff(HandoffArgs),
    /// Acknowledge alerts or incidents
    Ack(AckArgs),
    /// Hand acknowledged alerts back, and incidents where that can be done
    Unack(UnackArgs),
    /// Silence what matches
    Silence(SilenceArgs),
    /// Expire silences
    Unsilence(UnsilenceArgs),
    /// The audit log: who did what
    Audit(AuditArgs),
    /// Acts that are not confirmed yet
    Outbox(OutboxArgs),
    /// Resolve an incident
    Resolve(ResolveArgs),
    /// Wake a level of an incident's escalation policy
    Escalate(EscalateArgs),
    /// Give an incident to somebody, or to another policy
    Reassign(ReassignArgs),
    /// Ask somebody to help with an incident; wakes them
    Page(PageArgs),
    /// Let an incident rest
    Snooze(SnoozeArgs),
    /// Merge incidents into one; cannot be undone
    Merge(MergeArgs),
    /// Set an incident's priority or severity
    Priority(PriorityArgs),
    /// Write a note on an incident
    Annotate(AnnotateArgs),
    /// Write a status update on an incident
    Update(UpdateArgs),
    /// Declare a local incident
    Declare(DeclareArgs),
    /// Becomes a program in a session of its own: how the console starts what a runbook offers
    #[command(name = "launch-apart", hide = true)]
    Launch(LaunchArgs),
    /// Ask every backend how it is, or say what the console costs
    Doctor(DoctorArgs),
    /// Play a recording of the console again
    Replay(ReplayArgs),
    /// Find out what URLs are and write a configuration
    Init(InitArgs),
    /// Check or show the configuration
    Config(ConfigArgs),
    /// Every action with its keys
    Keys,
    /// The themes
    Themes,
    /// Completions for a shell
    Completions(CompletionsArgs),
    /// The manual page
    Man(ManArgs),
}

impl Command {
    /// Whether it may change something, so that people are notified and lines of the audit log made.
    pub fn is_act(&self) -> bool {
        match self {
            Self::Ack(_)
            | Self::Unack(_)
            | Self::Silence(_)
            | Self::Unsilence(_)
            | Self::Outbox(_)
            | Self::Resolve(_)
            | Self::Escalate(_)
            | Self::Reassign(_)
            | Self::Page(_)
            | Self::Snooze(_)
            | Self::Merge(_)
            | Self::Priority(_)
            | Self::Annotate(_)
            | Self::Update(_)
            | Self::Declare(_) => true,
            Self::Demo(_)
            | Self::Replay(_)
            | Self::Drill(_)
            | Self::Slo(_)
            | Self::Alerts(_)
            | Self::Runbook(_)
            | Self::Playbook(_)
            | Self::Launch(_)
            | Self::Silences(_)
            | Self::Logs(_)
            | Self::Traces(_)
            | Self::Trace(_)
            | Self::Case(_)
            | Self::Incidents(_)
            | Self::Timeline(_)
            | Self::Oncall
            | Self::Postmortem(_)
            | Self::Handoff(_)
            | Self::Audit(_)
            | Self::Doctor(_)
            | Self::Init(_)
            | Self::Config(_)
            | Self::Keys
            | Self::Themes
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}
