//! A game day: what was wrong, what the trainee did about it, and how well.
//!
//! [`Truth`] is what the simulated production knows of its own incident; a [`Run`] is one trainee's hour with it, from
//! the journal and from the console's log of what was opened; [`mod@score`] holds the one against the other, [`report`]
//! writes it down. Pure: times are handed in, and no demo is known here. Start at [`Run::score`].

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

mod naming;
pub mod report;
pub mod score;
mod taken;
#[cfg(test)]
mod tests;

pub use score::{Moment, Part, Score};

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A release that cannot work.
    BadDeploy,
    /// Somebody outside does not answer in time.
    DependencyTimeout,
    /// The cache is cold, and everybody asks the database at once.
    CacheStampede,
    /// A certificate is over.
    CertificateExpiry,
    /// Another service takes what is shared.
    NoisyNeighbour,
    /// A disk is full.
    DiskFull,
    /// All that runs in one place is gone.
    RegionLoss,
}

impl Cause {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 7] = [
        Self::BadDeploy,
        Self::DependencyTimeout,
        Self::CacheStampede,
        Self::CertificateExpiry,
        Self::NoisyNeighbour,
        Self::DiskFull,
        Self::RegionLoss,
    ];

    /// The word on the command line and in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::BadDeploy => "bad-deploy",
            Self::DependencyTimeout => "dependency-timeout",
            Self::CacheStampede => "cache-stampede",
            Self::CertificateExpiry => "certificate-expiry",
            Self::NoisyNeighbour => "noisy-neighbour",
            Self::DiskFull => "disk-full",
            Self::RegionLoss => "region-loss",
        }
    }

    /// By its word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }

    /// In a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::BadDeploy => "a release that cannot work",
            Self::DependencyTimeout => "somebody outside does not answer in time",
            Self::CacheStampede => "the cache is cold, and everybody asks the database at once",
            Self::CertificateExpiry => "a certificate is over",
            Self::NoisyNeighbour => "another service takes what is shared",
            Self::DiskFull => "a disk is full",
            Self::RegionLoss => "all that runs in one place is gone",
        }
    }
}

/// Where the cause is plainest to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// A rollout, on the burn chart and in the timeline.
    Deploy,
    /// A line of a log.
    Log,
    /// A span of a trace.
    Trace,
    /// An alert of another kind than those that page.
    Alert,
}

impl Signal {
    /// In a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Deploy => "a rollout, on the burn chart and in the timeline",
            Self::Log => "a line of the log",
            Self::Trace => "a span of a failed trace",
            Self::Alert => "an alert that pages nobody",
        }
    }
}

/// Whether it is too much for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Help {
    /// One person can mend it.
    NotNeeded,
    /// Waking others at once is right.
    Wanted,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Of which kind.
    pub cause: Cause,
    /// Who or what is to blame: a service, or the place that is lost.
    pub culprit: String,
    /// The service in whose spans requests begin to fail: the culprit itself, or who suffers from it.
    pub felt: String,
    /// Whose views show it: the culprit, where it is felt, the node whose disk is full.
    pub shown_by: Vec<String>,
    /// Every service whose requests fail.
    pub struck: Vec<String>,
    /// Where it is plainest to see.
    pub signal: Signal,
    /// What is written there.
    pub sign: String,
    /// In a sentence, for the end.
    pub told: String,
    /// Whether it is too much for one person.
    pub help: Help,
    /// When requests began to fail.
    pub onset: DateTime<Utc>,
    /// When they ceased to.
    pub mended: DateTime<Utc>,
    /// When the first alert for it fired that pages; nothing where none did.
    pub paged: Option<DateTime<Utc>>,
    /// The first page of each service that it paged for.
    #[serde(default)]
    pub pages: Vec<Page>,
}

/// Somebody was paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// When.
    pub at: DateTime<Utc>,
    /// For which service.
    pub service: String,
}

/// What a trainee opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: DateTime<Utc>,
    /// What of.
    pub view: View,
    /// Of which service, where it is about one.
    pub service: Option<String>,
    /// What it showed, in words; for the timeline.
    pub words: String,
    /// Whether it is a trace of the incident; found out afterwards.
    pub struck: Struck,
}

/// What kind of view was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// A pane with lists, turned to all services or to one.
    Pane,
    /// An SLO's details.
    Slo,
    /// An alert's details.
    Alert,
    /// The log, turned to a service.
    Logs,
    /// A log line's details.
    LogLine,
    /// The traces, turned to a service.
    Traces,
    /// A trace, whole or in part.
    Trace,
    /// The case of a service.
    Case,
    /// An incident's timeline.
    Incident,
    /// Anything else.
    Other,
}

/// Whether a trace is one of those that the incident broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Struck {
    /// It is.
    Yes,
    /// It is not, or it is no trace.
    #[default]
    No,
}

/// Something that a trainee did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: DeedKind,
}

/// What kind of thing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeedKind {
    /// An alert or an incident was acknowledged.
    Acknowledged {
        /// For which service, where that is known.
        service: Option<String>,
    },
    /// A silence was made.
    Silenced {
        /// Its matchers, as text.
        matchers: String,
        /// Services of the incident whose firing alerts it hides.
        hides: Vec<String>,
    },
    /// Somebody was woken: an escalation, a page, another policy.
    Escalated {
        /// In words.
        words: String,
    },
    /// A note.
    Noted {
        /// What people call the incident that it is on; nothing where that is a local one.
        on: Option<String>,
        /// What it says.
        text: String,
    },
    /// A status update.
    Updated {
        /// What people call the incident that it is on; nothing where that is a local one.
        on: Option<String>,
        /// What it says.
        text: String,
    },
    /// Other incidents were merged into one.
    Merged {
        /// Of which service that one is.
        service: String,
        /// In words.
        words: String,
    },
    /// Anything else.
    Other {
        /// In words.
        words: String,
    },
}

/// What the trainee says it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When it was said.
    pub at: DateTime<Utc>,
    /// The cause; nothing where they do not know.
    pub cause: Option<Cause>,
    /// The culprit; nothing where they do not know.
    pub culprit: Option<String>,
}

/// One trainee's time with an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What was wrong.
    pub truth: Truth,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When the console was closed.
    pub ended: DateTime<Utc>,
    /// Every service there is: who names them all in a note has named none.
    pub services: Vec<String>,
    /// After how long without a status update one is due: the nudge's own time.
    pub update_due: TimeDelta,
    /// What was opened, oldest first.
    pub looks: Vec<Look>,
    /// What was done, oldest first.
    pub deeds: Vec<Deed>,
    /// What was said in the end; nothing where nobody was asked.
    pub answer: Option<Answer>,
}

/// What a text names of the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Both,
    Culprit,
    Nothing,
}
