//! Arguments of what only looks.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};

use crate::backend::traces::read_id;
use crate::domain::log::Level;
use crate::domain::trace_id::TraceId;
use crate::time::parse_duration;

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
