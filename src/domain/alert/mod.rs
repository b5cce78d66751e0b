//! Alerts, their groups, silences and acknowledgement, as Alertmanager means them.
//!
//! Labels and annotations are kept raw, because matching needs them so; a view makes them
//! [`SafeText`](crate::text::SafeText). Start at [`Alert`], then [`desk`], which turns what the
//! sources said into the [`AlertBoard`] that is shown. [`matcher`] and [`filter`] are the two little
//! languages; [`ack`] is the convention of acknowledgement, [`plan`] what an act will hit, [`lease`] how
//! long an acknowledgement is kept; [`json`] and [`table`] are what scripts and terminals read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Now;

pub mod ack;
mod board;
pub mod cluster;
pub mod desk;
pub mod filter;
pub mod json;
mod labels;
pub mod lease;
pub mod matcher;
pub mod plan;
pub mod table;

pub use board::{
    AlertBoard, AlertCounts, AlertGroup, BoardSilence, BoardSource, Grouping, IsAck, Outside, PipelineFault,
    PipelineHealth, SeverityRank, Standing, StateChoice,
};
pub use labels::Labels;

/// Alertmanager's 64-bit hash of the label set: equal across peers and clusters, and across re-fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(D::Error::custom)
    }
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Members of one cluster are written to once: the configured name, else the source's own.
    pub cluster: Arc<str>,
    /// Names of its gossip's members, its own included, as its status gives them; empty where it is alone
    /// or did not say. Two sources with a member in common are one cluster.
    pub peers: Vec<Arc<str>>,
    /// By fingerprint, each once.
    pub alerts: Vec<Arc<SourceAlert>>,
    /// The server's own groups.
    pub groups: Vec<SourceGroup>,
    /// Its silences, expired ones included while it keeps them.
    pub silences: Vec<Arc<Silence>>,
}

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// An acknowledgement that does not reach every cluster that lists its alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartAck {
    /// What there is of it.
    pub ack: Ack,
    /// The clusters that carry it.
    pub at: Vec<Arc<str>>,
    /// The clusters that list the alert and do not carry it.
    pub missing: Vec<Arc<str>>,
}

/// Where acknowledgement stands for one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AckState {
    /// Nobody has it.
    None,
    /// Somebody has this occurrence, wherever it is listed.
    Held(Ack),
    /// Somebody has this occurrence at some clusters, and at others nobody has: it is not acknowledged there.
    Partly(PartAck),
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

impl Alert {
    /// The label that tells it from its siblings, raw: the first of the usual ones that is not among those above it.
    pub fn telling_label(&self, above: &Labels) -> Option<&str> {
        const USUAL: [&str; 7] = ["instance", "pod", "node", "host", "cluster", "route", "handler"];
        USUAL
            .iter()
            .filter(|name| above.get(name).is_none())
            .find_map(|name| self.labels.get(name))
            .filter(|value| !value.is_empty())
    }

    /// How long it has been firing, or had been when it went.
    pub fn age(&self, now: Now) -> Duration {
        let until = self.ended_at.unwrap_or(now.utc);
        (until - self.occurrence.starts_at).to_std().unwrap_or_default()
    }

    /// What it asks of the engineer.
    pub fn standing(&self) -> Standing {
        match self.state {
            AlertState::Gone | AlertState::Resolved => return Standing::Over,
            AlertState::Active | AlertState::Unprocessed | AlertState::Suppressed => {}
        }
        match &self.ack {
            AckState::Held(_) => Standing::Acknowledged,
            AckState::HiddenBy(ack) => {
                let by_acks_alone = self.inhibited_by.is_empty()
                    && self.muted_by.is_empty()
                    && self
                        .silenced_by
                        .iter()
                        .all(|id| ack.silences.iter().any(|(_, a)| a == id));
                if by_acks_alone || self.state != AlertState::Suppressed {
                    Standing::Unacknowledged
                } else {
                    Standing::Suppressed
                }
            }
            AckState::None if self.state == AlertState::Suppressed => Standing::Suppressed,
            AckState::None | AckState::Partly(_) => Standing::Unacknowledged,
        }
    }

    /// Rank of its severity.
    pub fn rank(&self) -> SeverityRank {
        self.severity
            .as_deref()
            .map_or(SeverityRank::Other, SeverityRank::of)
    }

    /// The one-line summary: annotation `summary`, else `message`, else `description`; raw.
    pub fn summary(&self) -> Option<&str> {
        ["summary", "message", "description"]
            .iter()
            .find_map(|name| self.annotations.get(name))
    }

    /// The runbook's link: annotation `runbook_url`, else `runbook`; raw.
    pub fn runbook(&self) -> Option<&str> {
        ["runbook_url", "runbook"]
            .iter()
            .find_map(|name| self.annotations.get(name))
    }
}
