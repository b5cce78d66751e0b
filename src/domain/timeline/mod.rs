//! One ordered story of an incident, from every source that knows a part of it.
//!
//! [`mod@merge`] makes the story; [`reading`] is how it is read: groups of kinds, times, follow-ups; [`record`] is
//! what this console saw, as events of the journal. Start at [`Event`].

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub mod json;
pub mod merge;
pub mod reading;
pub mod record;
#[cfg(test)]
pub(crate) mod sample;
pub mod scope;
pub mod silences;
pub mod table;

pub use merge::{Changed, Origin, Part, Story, merge};
pub use reading::{Group, Stamp, todos};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An alert began to fire.
    AlertFired,
    /// An alert stopped.
    AlertResolved,
    /// An alert is seen no more, and nobody said that it resolved.
    AlertGone,
    /// A burn rule began to fire.
    BurnStarted,
    /// A burn rule stopped.
    BurnStopped,
    /// The incident opened.
    Triggered,
    /// Somebody took it.
    Acknowledged,
    /// An acknowledgement ended.
    Unacknowledged,
    /// It was given to somebody.
    Assigned,
    /// The next level was woken.
    Escalated,
    /// A note.
    Note,
    /// A status update.
    StatusUpdate,
    /// A mark of the annotations backend that is tagged as a deploy.
    Deploy,
    /// What the engineer did in the console.
    Command,
    /// A silence made, changed or ended.
    Silence,
    /// It is over.
    Resolved,
    /// Anything else its keeper tells; a moment that somebody marked.
    Other,
}

impl EventKind {
    /// All.
    pub const ALL: [Self; 17] = [
        Self::AlertFired,
        Self::AlertResolved,
        Self::AlertGone,
        Self::BurnStarted,
        Self::BurnStopped,
        Self::Triggered,
        Self::Acknowledged,
        Self::Unacknowledged,
        Self::Assigned,
        Self::Escalated,
        Self::Note,
        Self::StatusUpdate,
        Self::Deploy,
        Self::Command,
        Self::Silence,
        Self::Resolved,
        Self::Other,
    ];

    /// As documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlertFired => "alert_fired",
            Self::AlertResolved => "alert_resolved",
            Self::AlertGone => "alert_gone",
            Self::BurnStarted => "burn_started",
            Self::BurnStopped => "burn_stopped",
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Unacknowledged => "unacknowledged",
            Self::Assigned => "assigned",
            Self::Escalated => "escalated",
            Self::Note => "note",
            Self::StatusUpdate => "status_update",
            Self::Deploy => "deploy",
            Self::Command => "command",
            Self::Silence => "silence",
            Self::Resolved => "resolved",
            Self::Other => "other",
        }
    }

    /// By its word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How far one of our own entries has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Goes nowhere else.
    Local,
    /// Journaled, not yet sent.
    Pending,
    /// On its way.
    Sending,
    /// Not clear: the engineer is asked.
    NeedsDecision,
    /// Its keeper has it.
    Confirmed,
    /// Refused for good.
    Failed,
    /// Taken back before it went out.
    Cancelled,
}

impl Delivery {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Local,
        Self::Pending,
        Self::Sending,
        Self::NeedsDecision,
        Self::Confirmed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::NeedsDecision => "needs_decision",
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Stable as long as the event is: the journal's `j12`, a log entry's id, `outbox-7`, `ann-1125`.
    pub id: Arc<str>,
    /// When.
    pub at: DateTime<Utc>,
    /// What kind.
    pub kind: EventKind,
    /// Who; nothing where nobody in particular.
    pub actor: Option<Arc<str>>,
    /// Where it was learnt: `pagerduty`, `grafana`, `alerts`, `slo`, `console`, `journal`.
    pub source: Arc<str>,
    /// In words; remote text, not yet safe; may have several lines.
    pub text: Arc<str>,
    /// What it points at: `alert`, `silence`, `slo`, `log_entry`, `note`, `query`, `value`, `trace`, `marker`, `url`.
    pub refs: BTreeMap<Arc<str>, Arc<str>>,
    /// How far it has come, for our own.
    pub delivery: Delivery,
    /// A key moment.
    pub starred: Starred,
}

/// Whether somebody marked an event as a key moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starred {
    /// Somebody did.
    Yes,
    /// Nobody has.
    #[default]
    No,
}

/// A follow-up that somebody wrote down, with its place in the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// The event it stands in.
    pub event: Arc<str>,
    /// Who wrote it.
    pub actor: Option<Arc<str>>,
    /// When.
    pub at: DateTime<Utc>,
    /// What is to be done, `TODO` taken off.
    pub text: String,
}

/// The story of one incident, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// What happened.
    pub events: Vec<Event>,
    /// What is missing from it, in words: a source that did not answer, a log that was cut.
    pub partial: Vec<String>,
}

/// Whether an event of ours never came about: refused, or taken back.
pub fn is_void(event: &Event) -> bool {
    matches!(event.delivery, Delivery::Failed | Delivery::Cancelled)
}

impl Event {
    /// Whether it is a mark of the annotations backend, made or to be made: a deploy, or any moment.
    pub fn is_mark(&self) -> bool {
        let marked = |name: &str| self.refs.contains_key(name);
        self.kind == EventKind::Deploy || marked("annotation") || marked("tags")
    }
}

impl EventKind {
    /// Whether a person does it, rather than a machine.
    pub fn is_by_people(self) -> bool {
        match self {
            Self::Acknowledged
            | Self::Assigned
            | Self::Escalated
            | Self::Note
            | Self::StatusUpdate
            | Self::Command
            | Self::Silence
            | Self::Resolved => true,
            Self::AlertFired
            | Self::AlertResolved
            | Self::AlertGone
            | Self::BurnStarted
            | Self::BurnStopped
            | Self::Triggered
            | Self::Unacknowledged
            | Self::Deploy
            | Self::Other => false,
        }
    }
}
