//! The outbox: every act is journaled before anything is sent, sent once, and followed until it is known.
//!
//! [`Payload`] is what an act needs to be sent by any process of its identity, today or after a restart;
//! [`Entry`] is where it stands. `decide` is the pure rule of what to do next with one; `courier` sends.
//! Nothing is repeated without a read-back, and what stays unclear is asked, never guessed. `twin` is the rule by
//! which of two escalations at once the second asks.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::backend::annotations::AnnotationDraft;
use crate::backend::incidents::Seen;
use crate::domain::alert::ack::Marker;
use crate::domain::alert::{Fingerprint, Matcher, Occurrence};
use crate::domain::incident::{IncidentAct, IncidentId};
use crate::domain::timeline::Delivery;
use crate::notify::{UnderWay, Unreached};

pub mod courier;
pub mod decide;
pub mod plan;
pub mod post;
pub mod record;
pub mod spread;
pub mod story;
pub mod twin;

pub use courier::{Courier, CourierHandle};
pub use record::Timings;

/// What an entry does that keeps an acknowledgement alive.
pub(crate) const RENEW: &str = "renew";

/// Number of an entry in its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub i64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a silence is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To acknowledge these; kept alive while a console of its maker is open.
    Acknowledge {
        /// Which firings.
        covers: Vec<Occurrence>,
    },
    /// To hide what matches.
    Silence,
}

/// Why a silence is to last longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extension {
    /// The engineer asked for it.
    #[default]
    Asked,
    /// It acknowledges, and somebody is there to answer for it.
    Renewal,
}

/// Everything that is needed to send an act. Kept as JSON: variants and fields are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// Make a silence in one cluster; its marker ends the comment.
    Silence {
        /// The gossip cluster, as the board names it.
        cluster: Arc<str>,
        /// Its members, by their configured names, the preferred one first.
        #[serde(default)]
        members: Vec<Arc<str>>,
        /// All must match.
        matchers: Vec<Matcher>,
        /// From.
        starts_at: DateTime<Utc>,
        /// To.
        ends_at: DateTime<Utc>,
        /// The whole comment, marker included.
        comment: String,
        /// What for.
        purpose: Purpose,
    },
    /// Let a silence last until then.
    ExtendSilence {
        /// Where it lives.
        cluster: Arc<str>,
        /// That cluster's members, by their configured names, the one that lists it first.
        #[serde(default)]
        members: Vec<Arc<str>>,
        /// Which.
        id: Arc<str>,
        /// Its new end.
        until: DateTime<Utc>,
        /// Why.
        #[serde(default)]
        why: Extension,
    },
    /// End a silence now.
    ExpireSilence {
        /// Where it lives.
        cluster: Arc<str>,
        /// That cluster's members, by their configured names, the one that lists it first.
        #[serde(default)]
        members: Vec<Arc<str>>,
        /// Which.
        id: Arc<str>,
        /// The alerts whose acknowledgement it gives up; empty where it is a plain silence.
        hands_back: Vec<Fingerprint>,
    },
    /// Do something to an incident.
    Incident {
        /// Which.
        incident: IncidentId,
        /// What.
        act: IncidentAct,
        /// How it stood when this was asked for.
        seen: Seen,
        /// What people call it: `#4711 checkout errors`, for lists and banners.
        label: Arc<str>,
    },
    /// Mark a moment.
    Annotation(AnnotationDraft),
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Journaled, not under way.
    Pending,
    /// Under way, or it was when its process ended: read back before anything else.
    Sending,
    /// Not clear: the engineer decides.
    NeedsDecision,
    /// Its backend has it.
    Confirmed,
    /// Refused for good.
    Failed,
    /// Taken back, dropped, or too late.
    Cancelled,
}

impl State {
    /// All.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Sending,
        Self::NeedsDecision,
        Self::Confirmed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As documents write it.
    pub fn word(self) -> &'static str {
        Delivery::from(self).word()
    }

    /// By its word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether something is still to come of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Sending | Self::NeedsDecision)
    }
}

impl From<State> for Delivery {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Sending => Self::Sending,
            State::NeedsDecision => Self::NeedsDecision,
            State::Confirmed => Self::Confirmed,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

/// What somebody typed that an act says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typed<'a> {
    /// What it was written as, in the word that drafts are kept under: `note`, `status_update`, `mark`.
    pub kind: &'static str,
    /// The incident that it is about.
    pub incident: Option<&'a IncidentId>,
    /// As typed.
    pub text: &'a str,
}

/// An act to be journaled.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What.
    pub payload: Payload,
    /// By which it is found again; ends the comment of a silence already.
    pub marker: Marker,
    /// Nothing is sent before it is over; zero where it goes out at once.
    pub grace: Duration,
    /// Whether what it is about was seen.
    pub sight: Sight,
}

impl Draft {
    /// One with a fresh marker, for acts whose text does not carry it yet.
    pub fn new(payload: Payload, grace: Duration) -> Self {
        Self {
            payload,
            marker: crate::backend::alerts::write::fresh_marker(),
            grace,
            sight: Sight::Seen,
        }
    }

    /// One on an incident that could not be looked up.
    pub fn unseen(payload: Payload) -> Self {
        Self {
            sight: Sight::Unseen,
            ..Self::new(payload, Duration::ZERO)
        }
    }
}

/// Whether what an act is about was seen when it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// It was.
    #[default]
    Seen,
    /// Its keeper did not answer, and its id was taken for what it is: it is looked at before it is changed.
    Unseen,
}

/// An act in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// The context it is for.
    pub context: Arc<str>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Who asked: only a process of this identity sends it.
    pub actor: Arc<str>,
    /// By which it is found again at the backend.
    pub marker: Marker,
    /// What.
    pub payload: Payload,
    /// Where it stands.
    pub state: State,
    /// How often it was sent.
    pub attempts: u32,
    /// What went wrong last, or what is to be decided; safe text.
    pub last_error: Option<Arc<str>>,
    /// Not before then: grace, backoff, the next read-back.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// What came of it, in words; empty while nothing did.
    pub outcome: Arc<str>,
    /// What the backends call it: (source, id).
    pub remote_ids: Vec<(Arc<str>, Arc<str>)>,
}

/// What the engineer says to an entry that waits, or asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Try again now what waits. It answers no question: one that asks by then goes on asking.
    Hurry,
    /// Try again now; one that asks is looked up again first.
    Retry,
    /// Send it, whatever was unclear.
    Send,
    /// Do not send it.
    Drop,
}

/// The outbox as the console shows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OutboxView {
    /// Open ones, oldest first, then those settled within the last hour.
    pub entries: Vec<Entry>,
    /// Confirmed acknowledgements of ours of the last day, oldest first: those whose silence is still in force are
    /// kept alive by whoever sits here.
    pub acknowledgements: Vec<Entry>,
    /// Those that were open already when this process first looked: acts of an earlier one, which nobody here waits
    /// for.
    pub inherited: BTreeSet<EntryId>,
    /// Pages of local incidents that reached nobody, the oldest first.
    pub unreached: Vec<Unreached>,
    /// Pages of local incidents that are on their way, the oldest first.
    pub under_way: Vec<UnderWay>,
    /// The newest entry of the journal when it was read: one up to there that is not listed was settled before the
    /// listed ones.
    pub through: Option<EntryId>,
    /// Why the journal could not be read last, or what was found could not be written; nothing while it can.
    pub trouble: Option<Arc<str>>,
}

impl OutboxView {
    /// Those that something is still to come of.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.state.is_open())
    }

    /// A page that reached nobody, by the first of its notifications.
    pub fn unreached(&self, first: i64) -> Option<&Unreached> {
        self.unreached
            .iter()
            .find(|page| page.ids.first() == Some(&first))
    }

    /// An entry by number.
    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }
}

impl Payload {
    /// The words of it that were written for their own sake.
    pub fn typed(&self) -> Option<Typed<'_>> {
        let (kind, incident, text) = match self {
            Self::Incident {
                incident,
                act: IncidentAct::Note { text },
                ..
            } => ("note", Some(incident), text),
            Self::Incident {
                incident,
                act: IncidentAct::StatusUpdate { text },
                ..
            } => ("status_update", Some(incident), text),
            Self::Annotation(mark) => ("mark", None, &mark.text),
            Self::Incident { .. }
            | Self::Silence { .. }
            | Self::ExtendSilence { .. }
            | Self::ExpireSilence { .. } => return None,
        };
        Some(Typed { kind, incident, text })
    }

    /// Whether it acknowledges this alert, or hands it back.
    pub fn is_about_alert(&self, fingerprint: Fingerprint) -> bool {
        match self {
            Self::Silence {
                purpose: Purpose::Acknowledge { covers },
                ..
            } => covers.iter().any(|covered| covered.fingerprint == fingerprint),
            Self::ExpireSilence { hands_back, .. } => hands_back.contains(&fingerprint),
            Self::Silence { .. }
            | Self::ExtendSilence { .. }
            | Self::Incident { .. }
            | Self::Annotation(_) => false,
        }
    }

    /// The incident, its name and the level, where it escalates.
    pub fn escalation(&self) -> Option<(&IncidentId, &Arc<str>, u32)> {
        match self {
            Self::Incident {
                incident,
                act: IncidentAct::Escalate { to },
                label,
                ..
            } => Some((incident, label, *to)),
            Self::Incident { .. }
            | Self::Silence { .. }
            | Self::ExtendSilence { .. }
            | Self::ExpireSilence { .. }
            | Self::Annotation(_) => None,
        }
    }

    /// The newest escalation that was in sight of whoever asked for this act.
    pub fn escalation_in_sight(&self) -> Option<EntryId> {
        match self {
            Self::Incident { seen, .. } => seen.escalation,
            Self::Silence { .. }
            | Self::ExtendSilence { .. }
            | Self::ExpireSilence { .. }
            | Self::Annotation(_) => None,
        }
    }

    /// Whether it keeps alive what was done before: while that goes well it is no news.
    pub fn is_renewal(&self) -> bool {
        matches!(
            self,
            Self::ExtendSilence {
                why: Extension::Renewal,
                ..
            }
        )
    }

    /// As documents write what it does: `acknowledge`, `silence`, `escalate`, `annotation`, …
    pub fn action(&self) -> &'static str {
        match self {
            Self::Silence { purpose, .. } => match purpose {
                Purpose::Acknowledge { .. } => "acknowledge",
                Purpose::Silence => "silence",
            },
            Self::ExtendSilence { why, .. } => match why {
                Extension::Asked => "extend_silence",
                Extension::Renewal => RENEW,
            },
            Self::ExpireSilence { hands_back, .. } => {
                if hands_back.is_empty() {
                    "expire_silence"
                } else {
                    "hand_back"
                }
            }
            Self::Incident { act, .. } => act.verb().word(),
            Self::Annotation(_) => "annotation",
        }
    }
}
