//! What can be done to an incident. Kept in the journal as JSON, so variants are only ever added.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{IncidentId, Named, Person, Role, Status};

/// Characters that PagerDuty takes in a note or a status update. Its description of the API
/// (`POST /incidents/{id}/notes`, `…/status_updates`) names no limit; its pages take so many.
pub const PAGERDUTY_TEXT: usize = 25_000;

/// Characters that a note, a status update or a mark may have, wherever it is written: what PagerDuty takes, with
/// room for the marker by which it is found again.
pub const LONGEST_TEXT: usize = PAGERDUTY_TEXT - 100;

/// What a line of a note that refers to evidence opens with.
pub const REFERENCE: &str = "ref: ";

/// The longest snooze: a week, as PagerDuty takes it (contract of `POST /incidents/{id}/snooze`).
pub const LONGEST_SNOOZE: Duration = Duration::from_secs(604_800);

/// One act on one incident, with all it needs to be sent later by another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentAct {
    /// Take it.
    Acknowledge,
    /// It is over.
    Resolve {
        /// How, for the log; may be empty.
        resolution: String,
    },
    /// Wake a level, by number alone: naming the policy too would start it again at level 1.
    Escalate {
        /// From 1.
        to: u32,
    },
    /// Give it to people: from then on it does not escalate by itself.
    ReassignTo {
        /// To whom.
        people: Vec<Person>,
    },
    /// Give it to a policy: starts at its level 1.
    ReassignPolicy {
        /// Which.
        policy: Named,
    },
    /// Ask somebody to help; wakes them.
    Page {
        /// Whom.
        people: Vec<Person>,
        /// Why.
        message: String,
    },
    /// Let it rest.
    Snooze {
        /// Whole seconds, 1 to 604 800.
        length: Duration,
    },
    /// Take these into it; they end. Cannot be undone.
    Merge {
        /// Which.
        from: Vec<IncidentId>,
    },
    /// Set its priority (PagerDuty) or severity (local).
    Priority {
        /// Which; its id is the severity's word for local ones.
        priority: Named,
    },
    /// Tell those who wait.
    StatusUpdate {
        /// What.
        text: String,
    },
    /// Write it down.
    Note {
        /// What.
        text: String,
    },
    /// Move along its life (local incidents).
    Advance {
        /// To here.
        to: Status,
    },
    /// Make somebody something (local incidents).
    Assign {
        /// What.
        role: Role,
        /// Whom.
        person: Person,
    },
}

/// The kind of an act, without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// [`IncidentAct::Acknowledge`]
    Acknowledge,
    /// [`IncidentAct::Resolve`]
    Resolve,
    /// [`IncidentAct::Escalate`]
    Escalate,
    /// [`IncidentAct::ReassignTo`], [`IncidentAct::ReassignPolicy`]
    Reassign,
    /// [`IncidentAct::Page`]
    Page,
    /// [`IncidentAct::Snooze`]
    Snooze,
    /// [`IncidentAct::Merge`]
    Merge,
    /// [`IncidentAct::Priority`]
    Priority,
    /// [`IncidentAct::StatusUpdate`]
    StatusUpdate,
    /// [`IncidentAct::Note`]
    Note,
    /// [`IncidentAct::Advance`]
    Advance,
    /// [`IncidentAct::Assign`]
    Assign,
}

impl Verb {
    /// As documents, the outbox and the audit log write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::Escalate => "escalate",
            Self::Reassign => "reassign",
            Self::Page => "page",
            Self::Snooze => "snooze",
            Self::Merge => "merge",
            Self::Priority => "priority",
            Self::StatusUpdate => "status_update",
            Self::Note => "note",
            Self::Advance => "advance",
            Self::Assign => "assign",
        }
    }

    /// The word of a row on which it is under way: `ack…`.
    pub fn pending_word(self) -> &'static str {
        match self {
            Self::Acknowledge => "ack…",
            Self::Resolve => "resolve…",
            Self::Escalate => "escalate…",
            Self::Reassign => "reassign…",
            Self::Page => "page…",
            Self::Snooze => "snooze…",
            Self::Merge => "merge…",
            Self::Priority => "priority…",
            Self::StatusUpdate => "update…",
            Self::Note => "note…",
            Self::Advance => "advance…",
            Self::Assign => "role…",
        }
    }

    /// Whether a `danger` context asks for its name first.
    pub fn is_dangerous(self) -> bool {
        match self {
            Self::Resolve | Self::Escalate | Self::Reassign | Self::Page | Self::Merge => true,
            Self::Acknowledge
            | Self::Snooze
            | Self::Priority
            | Self::StatusUpdate
            | Self::Note
            | Self::Advance
            | Self::Assign => false,
        }
    }
}

impl IncidentAct {
    /// Its kind.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Acknowledge => Verb::Acknowledge,
            Self::Resolve { .. } => Verb::Resolve,
            Self::Escalate { .. } => Verb::Escalate,
            Self::ReassignTo { .. } | Self::ReassignPolicy { .. } => Verb::Reassign,
            Self::Page { .. } => Verb::Page,
            Self::Snooze { .. } => Verb::Snooze,
            Self::Merge { .. } => Verb::Merge,
            Self::Priority { .. } => Verb::Priority,
            Self::StatusUpdate { .. } => Verb::StatusUpdate,
            Self::Note { .. } => Verb::Note,
            Self::Advance { .. } => Verb::Advance,
            Self::Assign { .. } => Verb::Assign,
        }
    }
}

/// Whether a keeper can do something at all to an incident as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// It can.
    Yes,
    /// It cannot, and why: said instead of doing nothing.
    No(Arc<str>),
}
