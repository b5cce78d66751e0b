//! Alerts, their groups, silences and acknowledgement, as Alertmanager means them.
//!
//! Labels and annotations are kept raw, because matching needs them so; a view makes them
//! [`SafeText`](crate::text::SafeText). Start at [`Alert`], then `desk`, which turns what the
//! sources said into the [`AlertBoard`] that is shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::backend::BackendFailure;

pub mod json;
pub mod matcher;
pub mod plan;

/// Labels or annotations, sorted by name. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(Arc<BTreeMap<Arc<str>, Arc<str>>>);

impl Labels {
    /// The value of a label; a missing label is the empty string, as the server has it.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The value of a label that is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<Arc<str>>, V: Into<Arc<str>>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        Self(Arc::new(
            iter.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
        ))
    }
}

/// Alertmanager's 64-bit hash of the label set: equal across peers and clusters, and across re-fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// One firing of an alert: a re-fire has the same fingerprint and another start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Occurrence {
    /// Which alert.
    pub fingerprint: Fingerprint,
    /// Since when.
    pub starts_at: DateTime<Utc>,
}

/// State as Alertmanager says; `Resolved` and `Gone` only where a console saw it go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertState {
    /// Firing and heard.
    Active,
    /// Silenced, inhibited or muted.
    Suppressed,
    /// Not yet looked at by the server.
    Unprocessed,
    /// Gone, and a healthy Prometheus says its rule was evaluated and does not fire.
    Resolved,
    /// Vanished; nobody says why.
    Gone,
}

impl AlertState {
    /// The word in JSON and on screen (`Gone` is the console's own).
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suppressed => "suppressed",
            Self::Unprocessed => "unprocessed",
            Self::Resolved => "resolved",
            Self::Gone => "gone",
        }
    }
}

/// How one source lists an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceAlert {
    /// Identity and time.
    pub occurrence: Occurrence,
    /// Last update at the source.
    pub updated_at: DateTime<Utc>,
    /// In the future while it fires: the resolve timeout.
    pub ends_at: DateTime<Utc>,
    /// As the source says.
    pub state: AlertState,
    /// Ids of silences.
    pub silenced_by: Vec<Arc<str>>,
    /// Fingerprints of inhibiting alerts.
    pub inhibited_by: Vec<Arc<str>>,
    /// Names of time intervals.
    pub muted_by: Vec<Arc<str>>,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// Link to the rule's graph.
    pub generator_url: Arc<str>,
    /// Receivers that get it.
    pub receivers: Vec<Arc<str>>,
}

/// One of Alertmanager's own groups, by label set and receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceGroup {
    /// The labels it is grouped by.
    pub key: Labels,
    /// Who gets it.
    pub receiver: Arc<str>,
    /// Members.
    pub members: Vec<Fingerprint>,
}

/// Everything one Alertmanager said in one poll.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertSnapshot {
    /// Its configured name.
    pub source: Arc<str>,
    /// Members of one cluster are written to once.
    pub cluster: Arc<str>,
    /// By fingerprint, each once.
    pub alerts: Vec<Arc<SourceAlert>>,
    /// The server's own groups.
    pub groups: Vec<SourceGroup>,
    /// Its silences, expired ones included while it keeps them.
    pub silences: Vec<Arc<Silence>>,
}

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A label matcher. Regexes are anchored at both ends, as the server anchors them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Matcher {
    /// The label.
    pub name: Arc<str>,
    /// How.
    pub op: MatchOp,
    /// The value or the pattern.
    pub value: Arc<str>,
}

/// Where a silence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SilenceState {
    /// In force.
    Active,
    /// Will be.
    Pending,
    /// Was.
    Expired,
}

impl SilenceState {
    /// The word in JSON and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// A silence as its source lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// The server's id.
    pub id: Arc<str>,
    /// Where it stands.
    pub state: SilenceState,
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// Who made it.
    pub created_by: Arc<str>,
    /// Why.
    pub comment: Arc<str>,
    /// From.
    pub starts_at: DateTime<Utc>,
    /// To.
    pub ends_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// An acknowledgement, read from a silence in karma's and kthxbye's convention (comment prefix `ACK!`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Who.
    pub by: Arc<str>,
    /// Since when.
    pub at: DateTime<Utc>,
    /// Lapses, unless extended.
    pub until: DateTime<Utc>,
    /// The silence at each source that carries it: (source, silence id).
    pub silences: Vec<(Arc<str>, Arc<str>)>,
    /// The note after the prefix.
    pub note: Arc<str>,
}

/// Where acknowledgement stands for one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AckState {
    /// Nobody has it.
    None,
    /// Somebody has this occurrence.
    Held(Ack),
    /// A re-fire or a newcomer that an older acknowledgement happens to hide: not acknowledged.
    HiddenBy(Ack),
}

/// One alert, merged over its sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Identity and time (the earliest start of the sources).
    pub occurrence: Occurrence,
    /// Source names that list it.
    pub sources: Vec<Arc<str>>,
    /// Active if any source says so.
    pub state: AlertState,
    /// `alertname`.
    pub name: Arc<str>,
    /// The `severity` label's raw value, where there is one.
    pub severity: Option<Arc<str>>,
    /// From the labels by the context's service labels; empty where none.
    pub service: Arc<str>,
    /// Silences that hide it: ids, over all sources.
    pub silenced_by: Vec<Arc<str>>,
    /// Alerts that inhibit it: fingerprints in hex, as the server gives them.
    pub inhibited_by: Vec<Arc<str>>,
    /// Time intervals that mute it.
    pub muted_by: Vec<Arc<str>>,
    /// Whether somebody has it.
    pub ack: AckState,
    /// Last update, the newest of the sources.
    pub updated_at: DateTime<Utc>,
    /// Only for what a console saw go.
    pub ended_at: Option<DateTime<Utc>>,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// Link to the rule's graph.
    pub generator_url: Arc<str>,
    /// Receivers.
    pub receivers: Vec<Arc<str>>,
    /// How often it came and went of late.
    pub flaps: Flaps,
}

/// Times an alert (re-)fired within the last hour, as this console saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Flaps(pub u16);

impl Flaps {
    /// Marked on screen from here on.
    pub const MARK: u16 = 3;
}

/// Rank of a severity label: what matters first. Unknown words rank between warning and info.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeverityRank {
    /// critical, page, error, emergency, fatal, high, sev1, p1, …
    Critical,
    /// warning, ticket, medium, …
    Warning,
    /// A word that is not known, or no label.
    Other,
    /// info, none, low, debug.
    Info,
}

impl SeverityRank {
    /// stub
    pub fn of(word: &str) -> Self {
        match word {
            "critical" | "page" => Self::Critical,
            "warning" | "ticket" => Self::Warning,
            "info" | "none" => Self::Info,
            _ => Self::Other,
        }
    }
}

/// A group on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertGroup {
    /// The labels it is grouped by.
    pub key: Labels,
    /// The severest member's raw severity.
    pub severity: Option<Arc<str>>,
    /// Its rank.
    pub rank: SeverityRank,
    /// Members that pass the filter, most urgent first.
    pub alerts: Vec<Arc<Alert>>,
}

/// How the board is grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// Alertmanager's own groups.
    Server,
    /// By these labels.
    Labels(Vec<Arc<str>>),
    /// One alert a group.
    Flat,
}

/// Which states the board shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateChoice {
    /// Active or acknowledged.
    Active,
    /// Suppressed, acknowledged ones left out.
    Suppressed,
    /// All, recently gone and resolved ones included.
    All,
}

/// Counts over the whole board, filter aside; an alert in several groups counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertCounts {
    /// Active and nobody has it.
    pub active: usize,
    /// Somebody has it.
    pub acknowledged: usize,
    /// Silenced, inhibited or muted.
    pub suppressed: usize,
    /// Shown after the filter.
    pub shown: usize,
}

/// Why an empty (or any) queue can be believed, or not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PipelineHealth {
    /// What is wrong, worst first; empty means the pipeline is believed.
    pub faults: Vec<PipelineFault>,
    /// Age of the oldest good answer that the verdict rests on.
    pub age: Option<Duration>,
    /// What could not be checked, in words (no metrics backend, no watchdog configured, …).
    pub unknown: Vec<String>,
}

/// Something between a rule and this console that is broken.
#[derive(Debug, Clone, PartialEq)]
pub enum PipelineFault {
    /// The dead man's switch is absent: nothing may be getting through.
    WatchdogAbsent {
        /// For how long this console has missed it.
        missing: Duration,
        /// The matcher that was looked for.
        matcher: String,
    },
    /// A source cannot be asked.
    SourceDown {
        /// Which.
        source: Arc<str>,
        /// Why.
        cause: String,
        /// Since when.
        since: Duration,
    },
    /// Prometheus fires it, and no Alertmanager has it after two minutes.
    NotDelivered {
        /// Alert name and how many.
        name: Arc<str>,
        /// How many label sets.
        count: usize,
        /// The longest.
        firing_for: Duration,
    },
    /// Rules that Prometheus failed to evaluate.
    RulesFailing {
        /// How many.
        count: usize,
        /// The first, with its error.
        example: String,
    },
}

/// What the alert pane shows: merged, filtered, grouped, ranked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertBoard {
    /// Most urgent first.
    pub groups: Vec<Arc<AlertGroup>>,
    /// Every alert by fingerprint, filtered out or not: what an act is checked against.
    pub by_fingerprint: Arc<BTreeMap<Fingerprint, Arc<Alert>>>,
    /// Every silence with how many alerts it matches now.
    pub silences: Vec<Arc<BoardSilence>>,
    /// Counts.
    pub counts: AlertCounts,
    /// Can it be believed.
    pub pipeline: PipelineHealth,
    /// Fingerprints that became active and unacknowledged since the last board.
    pub newly_firing: Vec<Fingerprint>,
    /// Backend failures, as `errors` in JSON.
    pub errors: Vec<BackendFailure>,
    /// What is wrong with the filter, where it could not be read; nothing is hidden then.
    pub filter_error: Option<String>,
}

/// A silence on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardSilence {
    /// Where it lives.
    pub source: Arc<str>,
    /// That source's cluster.
    pub cluster: Arc<str>,
    /// The silence.
    pub silence: Arc<Silence>,
    /// Alerts it matches now.
    pub matches: usize,
    /// Whether it is an acknowledgement.
    pub ack: IsAck,
}

/// Whether a silence is an acknowledgement by its comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsAck {
    /// It opens with `ACK!`.
    Yes,
    /// A plain silence.
    No,
}
