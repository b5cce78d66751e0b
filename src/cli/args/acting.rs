//! Arguments of what acts.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::time::parse_duration;

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
