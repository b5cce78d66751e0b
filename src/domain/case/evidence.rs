//! What a case is made of: what each backend said around the beginning, or why it did not.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::rate::Seen;
use super::related::Relation;
use super::{Began, Part};
use crate::domain::alert::Alert;
use crate::domain::incident::Incident;
use crate::domain::log::Level;
use crate::domain::oncall::Duty;
use crate::domain::oneself::Us;
use crate::domain::service_map::ServiceMap;
use crate::domain::slo::SloReport;
use crate::domain::trace::TraceId;

/// Something that was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Known<T> {
    /// The answer is on its way.
    Looking,
    /// The answer.
    Known(T),
    /// There was none: why, in words.
    Failed(String),
    /// There is nobody to ask: why, in words.
    Absent(String),
}

impl<T> Known<T> {
    /// The answer, where there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Looking | Self::Failed(_) | Self::Absent(_) => None,
        }
    }
}

/// What a case is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// An alert.
    Alert,
    /// An SLO, by name.
    Slo(String),
    /// An incident.
    Incident,
    /// A service.
    Service,
}

/// Everything that is known around a trouble.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// When this is looked at.
    pub now: DateTime<Utc>,
    /// What the case is of.
    pub of: Of,
    /// The service of it by our own name, where it names one. Remote.
    pub service: Option<Arc<str>>,
    /// What the others call it: alerts and traces are told here by their own names.
    pub names: Arc<ServiceMap>,
    /// When it began.
    pub began: Began,
    /// The alert that it is of; of an incident or SLO the first of its alerts. Nothing where none fires.
    pub alert: Known<Option<Arc<Alert>>>,
    /// Alerts that may be of the same trouble.
    pub related: Known<Vec<(Arc<Alert>, Relation)>>,
    /// Alerts of other services that fire: the trouble may have come from there.
    pub elsewhere: Vec<Arc<Alert>>,
    /// The SLOs of its service.
    pub slos: Known<Vec<Arc<SloReport>>>,
    /// What was rolled out from an hour before on, of whatever service.
    pub deploys: Known<Deploys>,
    /// What its lines say.
    pub logs: Known<Lines>,
    /// What its traces say.
    pub traces: Known<Traces>,
    /// Incidents that it belongs to, open ones first.
    pub incidents: Known<Vec<Arc<Incident>>>,
    /// Who is on call now.
    pub on_call: Known<Vec<Duty>>,
    /// Names of whoever reads this, who is told of as `you`; none where it is written for others.
    pub us: Us,
    /// What else is to be said of a part: that it is old, or not whole.
    pub remarks: Vec<(Part, String)>,
}

impl Evidence {
    /// How long before the beginning a deploy may be its cause.
    pub const BEFORE: TimeDelta = TimeDelta::hours(1);
}

/// Deploy marks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deploys {
    /// Oldest first.
    pub list: Vec<Deploy>,
    /// What is missing, in words.
    pub partial: Option<String>,
}

/// Something that was rolled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// When.
    pub at: DateTime<Utc>,
    /// The services that it names; none where it may be anybody's. Remote.
    pub services: Vec<Arc<str>>,
    /// The version that it names. Remote.
    pub version: Option<Arc<str>>,
    /// Its text. Remote.
    pub text: Arc<str>,
}

impl Deploy {
    /// Whether it names this service of ours, as anybody calls it: deploy marks are written by whatever rolls out.
    pub fn names(&self, service: &str, names: &ServiceMap) -> bool {
        self.services.iter().any(|named| names.means(named, service))
    }

    /// What people call it: `deploy checkout 2.3.1`. Remote.
    pub fn title(&self) -> String {
        match (self.services.as_slice(), &self.version) {
            ([service], Some(version)) => format!("deploy {service} {version}"),
            _ => format!("deploy mark \"{}\"", self.text),
        }
    }
}

/// Lines that were read before and since the beginning.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// What they have in common.
    pub patterns: Vec<PatternSeen>,
    /// Lines read of the time before.
    pub before: u64,
    /// Lines read since.
    pub since: u64,
    /// Whether only a part of the lines was read: there were too many.
    pub is_sample: bool,
    /// What is missing, in words. Remote.
    pub remarks: Vec<String>,
}

/// A pattern, before and since.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternSeen {
    /// Of which service. Remote.
    pub service: Option<Arc<str>>,
    /// Of which level.
    pub level: Level,
    /// What its lines have in common. Remote.
    pub template: Arc<str>,
    /// Its lines in the time before, in as much of it as was read.
    pub before: Seen,
    /// Its lines since.
    pub since: Seen,
    /// The first of those since.
    pub first: DateTime<Utc>,
    /// The newest.
    pub last: DateTime<Utc>,
}

/// Traces that were searched for, before and since the beginning.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Traces {
    /// Failed ones in the time before.
    pub before: Seen,
    /// Failed ones since.
    pub since: Seen,
    /// Whether those since are only the newest of them: no more were asked for.
    pub is_cut: bool,
    /// How slow they are, where enough came to tell.
    pub slower: Option<Slower>,
    /// Those that were read, or could not be.
    pub read: Vec<TraceSeen>,
    /// What is missing, in words. Remote.
    pub remarks: Vec<String>,
}

/// The slowest twentieth of all traces, before and since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slower {
    /// From this duration on in the time before.
    pub before: Duration,
    /// From this one on since.
    pub since: Duration,
}

impl Slower {
    /// So many times as slow is slower.
    const TIMES: u32 = 2;

    /// Whether that is more than unrest.
    pub fn is_slower(self) -> bool {
        self.since >= self.before * Self::TIMES && self.since > self.before
    }
}

/// Why a trace was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It failed and took longest.
    Worst,
    /// It is the newest that failed.
    Newest,
    /// It took longest of all.
    Slowest,
}

impl Why {
    /// The word on screen and in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Newest => "newest",
            Self::Slowest => "slowest",
        }
    }

    /// Whether it was chosen for its failure.
    pub fn is_failed(self) -> bool {
        match self {
            Self::Worst | Self::Newest => true,
            Self::Slowest => false,
        }
    }
}

/// A trace of the time since.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSeen {
    /// Which.
    pub id: TraceId,
    /// Why it was read.
    pub why: Why,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// What it comes to, or why that is not known.
    pub explained: Result<Explained, String>,
}

/// What a trace comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explained {
    /// In one line. Remote.
    pub line: String,
    /// Where its failures began.
    pub origins: Vec<SpanSeen>,
    /// The operation with most of its critical path, where one has much of it.
    pub bottleneck: Option<SpanSeen>,
    /// How long its critical path is.
    pub whole: Duration,
}

/// An operation in a trace. Remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanSeen {
    /// Whose, as the trace backend calls it.
    pub service: Arc<str>,
    /// Which.
    pub operation: Arc<str>,
    /// What kind of failure; empty where none is meant.
    pub what: String,
    /// Its own time on the critical path.
    pub took: Duration,
}
