//! What can be written on the command line.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::backend::traces::read_id;
use crate::config::SLOWEST;
use crate::domain::log::Level;
use crate::domain::trace_id::TraceId;
use crate::time::parse_duration;

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

/// `demo`
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Which story is told: `leak`, `calm`, which stands still, or one of those that `drill --list` tells
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// The same seed makes the same world
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Serve only: one line of JSON says where
    #[arg(long)]
    pub headless: bool,
    /// Begin so far into the story
    #[arg(long, hide = true, value_name = "DURATION", value_parser = parse_duration)]
    pub into: Option<Duration>,
}

/// `doctor`
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Open the console without a terminal, read-only, and say what it costs at rest
    #[arg(long)]
    pub cost: bool,
    /// How long it is watched
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration, default_value = "30s", requires = "cost")]
    pub during: Duration,
}

/// `drill`
#[derive(Debug, Clone, Args)]
pub struct DrillArgs {
    /// Which kind of incident; without it one is drawn, and not told before the end
    #[arg(value_name = "SCENARIO")]
    pub scenario: Option<String>,
    /// The same seed makes the same incident
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Say which kinds there are, and end
    #[arg(long)]
    pub list: bool,
    /// Begin so far into the story
    #[arg(long, hide = true, value_name = "DURATION", value_parser = parse_duration)]
    pub into: Option<Duration>,
    /// Keep the score in a file as well
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
}

/// `replay`
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How fast it is shown; what is shown stays the same
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Print the screens as text instead, each that differs from the one before
    #[arg(long)]
    pub dump: bool,
    /// Print the screen that stands at each multiple of this
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub every: Option<Duration>,
    /// Print the screen that stands so long after the console opened
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "every")]
    pub at: Option<Duration>,
    /// Draw at this size, in columns and rows, rather than at the recorded one
    #[arg(long, value_name = "COLSxROWS", value_parser = cells)]
    pub size: Option<(u16, u16)>,
    /// Of a damaged recording, play what stands before the damage
    #[arg(long)]
    pub partial: bool,
}

/// Reads a pace.
fn speed(text: &str) -> Result<f64, String> {
    let speed = text.trim_end_matches(['x', '×']).parse::<f64>().ok();
    speed
        .filter(|speed| speed.is_finite() && *speed > 0.0)
        .ok_or_else(|| "write a number above 0, as in 2 or 0.5".to_owned())
}

/// Reads a size in cells.
fn cells(text: &str) -> Result<(u16, u16), String> {
    let sides = text.split_once('x');
    let read = sides.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    read.filter(|(width, height)| (1..=1_000).contains(width) && (1..=1_000).contains(height))
        .ok_or_else(|| "write columns and rows, as in 80x24".to_owned())
}

/// `case`
#[derive(Debug, Clone, Args)]
pub struct CaseArgs {
    /// An alert's fingerprint or the beginning of one, an SLO's name, an incident's id or #number
    #[arg(value_name = "ID")]
    pub id: String,
}

/// What makes `slo` end with status 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SloFailOn {
    /// A page rule fires.
    Page,
    /// A ticket or page rule fires.
    Ticket,
}

/// `slo`
#[derive(Debug, Clone, Args)]
pub struct SloArgs {
    /// End with status 10 when such a rule fires
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<SloFailOn>,
}

/// What makes `alerts` end with status 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AlertsFailOn {
    /// An alert is active and not acknowledged.
    Firing,
}

/// Which alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum AlertStateChoice {
    /// Active or acknowledged.
    #[default]
    Active,
    /// Silenced or inhibited; acknowledged ones left out.
    Suppressed,
    /// All.
    All,
}

/// `alerts`
#[derive(Debug, Clone, Args)]
pub struct AlertsArgs {
    /// The console's filter; commas outside quotes separate too
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// Which alerts
    #[arg(long, value_enum, value_name = "STATE", default_value_t)]
    pub state: AlertStateChoice,
    /// End with status 10 when it holds
    #[arg(long, value_enum, value_name = "WHAT")]
    pub fail_on: Option<AlertsFailOn>,
}

/// `runbook`
#[derive(Debug, Clone, Args)]
pub struct RunbookArgs {
    /// An alert's id or name, or a Markdown file (`./pool.md`)
    #[arg(value_name = "ALERT|FILE")]
    pub what: String,
}

/// `playbook`
#[derive(Debug, Clone, Args)]
pub struct PlaybookArgs {
    /// A playbook's name; without one all are listed
    #[arg(value_name = "NAME", requires = "alert")]
    pub name: Option<String>,
    /// The id or name of an alert that its steps are filled from
    #[arg(value_name = "ALERT")]
    pub alert: Option<String>,
    /// Print the steps and run none: there is nothing else, a console asks and runs
    #[arg(long)]
    pub dry_run: bool,
}

/// `launch-apart`
#[derive(Debug, Clone, Args)]
pub struct LaunchArgs {
    /// The program's file
    pub program: OsString,
    /// What it is handed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// A level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelChoice {
    /// All that tell one.
    Trace,
    /// Debug.
    Debug,
    /// Info.
    Info,
    /// Warning.
    #[value(alias = "warning")]
    Warn,
    /// Error.
    Error,
    /// Fatal, critical, panic.
    #[value(alias = "critical")]
    Fatal,
}

impl From<LevelChoice> for Level {
    fn from(choice: LevelChoice) -> Self {
        match choice {
            LevelChoice::Trace => Self::Trace,
            LevelChoice::Debug => Self::Debug,
            LevelChoice::Info => Self::Info,
            LevelChoice::Warn => Self::Warn,
            LevelChoice::Error => Self::Error,
            LevelChoice::Fatal => Self::Fatal,
        }
    }
}

/// `logs`
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// A query in the source's own language, as one word; or files and patterns of files in quotes; or `-` for
    /// standard input. Files or input alone open in the console where there is a terminal
    #[arg(value_name = "QUERY|FILE|-")]
    pub what: Vec<String>,
    /// Only of this service
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// From how long ago; 15m where a server is asked, all of a file
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub since: Option<Duration>,
    /// The latest so many at most; 1000, or 50000 to find patterns in
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub limit: Option<usize>,
    /// Then every line as it comes
    #[arg(short, long)]
    pub follow: bool,
    /// Only what this regular expression finds
    #[arg(long, value_name = "RE")]
    pub grep: Option<String>,
    /// Only of this level at least; lines that tell none are left out, and counted
    #[arg(long, value_enum, ignore_case = true, value_name = "LEVEL")]
    pub level: Option<LevelChoice>,
    /// Only of this trace
    #[arg(long, value_name = "ID")]
    pub trace: Option<TraceId>,
    /// What the lines have in common, instead of the lines
    #[arg(long, conflicts_with = "follow")]
    pub patterns: bool,
}

/// `traces`
#[derive(Debug, Clone, Args)]
pub struct TracesArgs {
    /// Conditions like `op="POST /pay" dur>500ms http.status_code=500 err`, or TraceQL in braces
    #[arg(value_name = "QUERY")]
    pub query: Option<String>,
    /// Only with a span of this service
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Only with a span of this operation
    #[arg(long, value_name = "OPERATION")]
    pub operation: Option<String>,
    /// Only with a span that took so long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub min_duration: Option<Duration>,
    /// Only with a failed span
    #[arg(long)]
    pub errors: bool,
    /// From how long ago
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1h")]
    pub since: Duration,
    /// The newest so many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    pub limit: u16,
}

/// How a trace is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// A waterfall.
    Text,
    /// The document, as with `--json`.
    Json,
    /// OTLP as JSON, which other tools read.
    Otlp,
}

/// `trace`
#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// Its id: hex, with or without leading zeros, or base64
    #[arg(value_name = "ID", value_parser = trace_id)]
    pub id: TraceId,
    /// How it is told; text, or json with --json
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<TraceFormat>,
    /// Only the spans of the critical path
    #[arg(long)]
    pub critical_path: bool,
}

fn trace_id(text: &str) -> Result<TraceId, String> {
    read_id(text)
        .ok_or_else(|| "a trace id is 1 to 32 hex digits, not all zero, or base64 of 16 bytes".to_owned())
}

/// `incidents`
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that stands alone")]
pub struct IncidentsArgs {
    /// Only those assigned to me
    #[arg(long, conflicts_with_all = ["team", "all"])]
    pub mine: bool,
    /// Only those of my teams
    #[arg(long, conflicts_with = "all")]
    pub team: bool,
    /// Everybody's, which is the default
    #[arg(long)]
    pub all: bool,
    /// Those that ended within, too
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub since: Option<Duration>,
    /// Counts and mean times instead, of the last 30 days where --since says nothing else
    #[arg(long)]
    pub stats: bool,
}

/// `timeline`
#[derive(Debug, Clone, Args)]
pub struct TimelineArgs {
    /// Id, `#number`, or a unique prefix of at least 6; everything that happened where none
    #[arg(value_name = "INCIDENT")]
    pub incident: Option<String>,
    /// From how long ago, where no incident is given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "12h",
          conflicts_with = "incident")]
    pub since: Duration,
}

/// `postmortem`
#[derive(Debug, Clone, Args)]
pub struct PostmortemArgs {
    /// Id, `#number`, or a unique prefix of at least 6
    #[arg(value_name = "INCIDENT")]
    pub incident: String,
}

/// `handoff`
#[derive(Debug, Clone, Args)]
pub struct HandoffArgs {
    /// How long the shift was
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "12h")]
    pub since: Duration,
}

/// `silences`
#[derive(Debug, Clone, Args)]
pub struct SilencesArgs {
    /// Only those that end within
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub expiring: Option<Duration>,
    /// Only those that match nothing
    #[arg(long)]
    pub unused: bool,
    /// Expired ones too
    #[arg(long)]
    pub expired: bool,
}

/// What every act takes.
#[derive(Debug, Clone, Args)]
pub struct ActArgs {
    /// How long to wait for confirmation
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_duration, default_value = "10s")]
    pub wait: Duration,
    /// In a dangerous context: its name
    #[arg(long, global = true, value_name = "CONTEXT")]
    pub confirm: Option<String>,
}

/// `ack`
#[derive(Debug, Clone, Args)]
pub struct AckArgs {
    /// Fingerprints, incident ids, `#numbers`, or unique prefixes of at least 6
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// What to say with it
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `unack`
#[derive(Debug, Clone, Args)]
pub struct UnackArgs {
    /// Fingerprints, incidents' ids or #numbers, or unique prefixes of at least 6
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `silence`
#[derive(Debug, Clone, Args)]
pub struct SilenceArgs {
    /// Matchers: alertname=X, service=~"a|b", severity!=page
    #[arg(required = true, value_name = "MATCHER")]
    pub matchers: Vec<String>,
    /// For how long
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Duration,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub comment: String,
    /// Only at these Alertmanagers
    #[arg(long = "source", value_name = "NAME")]
    pub sources: Vec<String>,
    /// The number of alerts it hides, where that is refused otherwise
    #[arg(long, value_name = "N")]
    pub confirm_count: Option<usize>,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `unsilence`
#[derive(Debug, Clone, Args)]
pub struct UnsilenceArgs {
    /// Ids of silences, or unique prefixes of at least 6
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// Only at these Alertmanagers
    #[arg(long = "source", value_name = "NAME")]
    pub sources: Vec<String>,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `outbox`
#[derive(Debug, Clone, Args)]
pub struct OutboxArgs {
    /// What to do with it; list it where none.
    #[command(subcommand)]
    pub command: Option<OutboxCommand>,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `outbox list|retry|drop|send`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum OutboxCommand {
    /// Acts that something is still to come of
    List,
    /// Try what is pending again now, and wait for it
    Retry,
    /// Do not send one; of a page that reached nobody: you see to it
    Drop {
        /// Its number; `page-N` of a page that reached nobody
        id: OutboxRow,
    },
    /// Send one that asks; looked for first where it may have arrived
    Send {
        /// Its number
        id: i64,
    },
}

/// A row of the outbox, as `outbox` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxRow {
    /// An act, by its number.
    Entry(i64),
    /// A page that reached nobody, by one of its notifications.
    Page(i64),
}

impl FromStr for OutboxRow {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let number = |digits: &str| digits.parse::<i64>().ok();
        let row = match word.strip_prefix("page-") {
            Some(digits) => number(digits).map(Self::Page),
            None => number(word).map(Self::Entry),
        };
        row.ok_or_else(|| "it is a number, or page-N; `midwatch outbox` lists them".to_owned())
    }
}

/// `resolve`
#[derive(Debug, Clone, Args)]
pub struct ResolveArgs {
    /// Its id, `#number`, or a unique prefix of at least 6
    pub incident: String,
    /// How it was resolved
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub resolution: String,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `escalate`
#[derive(Debug, Clone, Args)]
pub struct EscalateArgs {
    /// Its id, `#number`, or a unique prefix of at least 6
    pub incident: String,
    /// The level to wake, from 1; the next where the present one is certain
    #[arg(long, value_name = "LEVEL")]
    pub to: Option<u32>,
    /// Wake nobody: leave asleep the level of a local incident that came due while no console was open
    #[arg(long, conflicts_with = "to")]
    pub leave: bool,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `reassign`
#[derive(Debug, Clone, Args)]
pub struct ReassignArgs {
    /// Its id, `#number`, or a unique prefix of at least 6
    pub incident: String,
    /// A person's or a policy's id, name or email
    #[arg(long, value_name = "USER|POLICY")]
    pub to: String,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `page`
#[derive(Debug, Clone, Args)]
pub struct PageArgs {
    /// Its id, `#number`, or a unique prefix of at least 6
    pub incident: String,
    /// A person's id, name or email; may be repeated
    #[arg(long, required = true, value_name = "USER")]
    pub user: Vec<String>,
    /// Why they are asked
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub message: String,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `snooze`
#[derive(Debug, Clone, Args)]
pub struct SnoozeArgs {
    /// Its id, `#number`, or a unique prefix of at least 6
    pub incident: String,
    /// For how long, 1s to 7d
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub length: Duration,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `merge`
#[derive(Debug, Clone, Args)]
pub struct MergeArgs {
    /// The one that stays
    pub into: String,
    /// Those that end
    #[arg(required = true, value_name = "FROM")]
    pub from: Vec<String>,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `priority`
#[derive(Debug, Clone, Args)]
pub struct PriorityArgs {
    /// Its id, `#number`, or a unique prefix of at least 6
    pub incident: String,
    /// The priority's or severity's id or name
    pub priority: String,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `annotate`
#[derive(Debug, Clone, Args)]
pub struct AnnotateArgs {
    /// Its id, `#number`, or a unique prefix of at least 6
    pub incident: String,
    /// The note; `-` reads standard input
    pub text: String,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `update`
#[derive(Debug, Clone, Args)]
pub struct UpdateArgs {
    /// Its id, `#number`, or a unique prefix of at least 6
    pub incident: String,
    /// The update; `-` reads standard input
    pub text: String,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `declare`
#[derive(Debug, Clone, Args)]
pub struct DeclareArgs {
    /// What people will call it
    #[arg(long, value_name = "TEXT")]
    pub title: String,
    /// SEV1, SEV2, …
    #[arg(long, value_name = "SEV")]
    pub severity: String,
    /// The service it is about
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// What every act takes.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `audit`
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// Only what was done since
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub since: Option<Duration>,
    /// At most so many, the latest
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// What to do with it; lists it where nothing is said.
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
}

/// `audit verify`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum AuditCommand {
    /// Look whether it is as it was written
    Verify,
}

/// `init`
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Base URLs of backends, or amtool's configuration file; `-` prints instead of writing. Without any, the
    /// environment and the well-known ports of this host are looked at
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
    /// Name of the context
    #[arg(long, value_name = "NAME", default_value = "prod")]
    pub name: String,
}

/// `config`
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// `config check|show|path`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Every mistake at once; no network
    Check,
    /// The effective configuration, secrets as references
    Show,
    /// Which file is used
    Path,
}

/// `completions`
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// For which shell
    pub shell: Shell,
}

/// `man`
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Write a page for each command into this directory, as packages want them, instead of printing one with all
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
