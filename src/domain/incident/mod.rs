//! Incidents as the console knows them, whoever keeps them: PagerDuty, or the journal of this host.
//!
//! [`Incident`] is what a list shows and an act needs; [`act`] is what can be done to one; [`ladder`] is the
//! escalation policy with the people on it; [`nudge`] what it waits for; [`facts`] what is counted of it;
//! [`link`] joins incidents and alerts. Start at [`Incident`].

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub mod act;
pub mod facts;
pub mod json;
pub mod ladder;
pub mod link;
pub mod local;
pub mod nudge;
pub mod offer;
#[cfg(test)]
pub(crate) mod sample;
pub mod severity;
pub mod table;
pub mod watch;

pub use act::{IncidentAct, LONGEST_SNOOZE, LONGEST_TEXT, Offer, PAGERDUTY_TEXT, REFERENCE, Verb};
pub use facts::Facts;
pub use ladder::{Delays, Ladder, Level, Rung};
pub use severity::{ResponseTimes, Severities, Severity};

/// What its keeper calls an incident: `Q1AB2CD3EF4GH5`, `local-7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Arc<str>);

impl IncidentId {
    /// What ids of local incidents open with.
    pub const LOCAL: &'static str = "local-";

    /// Whether the journal of this host keeps it.
    pub fn is_local(&self) -> bool {
        self.0.starts_with(Self::LOCAL)
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for IncidentId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

/// Where an incident stands. PagerDuty knows the first two and the last; local incidents know all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has it.
    Triggered,
    /// Somebody has it.
    Acknowledged,
    /// The cause is looked for.
    Investigating,
    /// The cause is known.
    Identified,
    /// Mended, and watched.
    Monitoring,
    /// Over.
    Resolved,
}

impl Status {
    /// All, in the order of an incident's life.
    pub const ALL: [Self; 6] = [
        Self::Triggered,
        Self::Acknowledged,
        Self::Investigating,
        Self::Identified,
        Self::Monitoring,
        Self::Resolved,
    ];

    /// As documents and screens write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }

    /// By its word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether it is not over.
    pub fn is_open(self) -> bool {
        self != Self::Resolved
    }
}

/// How loudly PagerDuty pages. Low cannot be escalated, only reassigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Pages at once.
    High,
    /// Does not.
    Low,
}

impl Urgency {
    /// As documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

/// A thing its keeper names: a service, a policy, a priority, a team.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Named {
    /// The keeper's id.
    pub id: Arc<str>,
    /// What people call it; remote text, not yet safe.
    pub name: Arc<str>,
}

/// Somebody who can be woken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The keeper's id; for people of the configuration their name.
    pub id: Arc<str>,
    /// What people call them; remote text, not yet safe.
    pub name: Arc<str>,
    /// Where known.
    #[serde(default)]
    pub email: Option<Arc<str>>,
    /// Where known: who to phone when an escalation cannot be delivered.
    #[serde(default)]
    pub phone: Option<Arc<str>>,
}

/// How an incident came to its assignees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignedVia {
    /// By its escalation policy: it goes on up by itself.
    Policy,
    /// By hand: it will not escalate by itself, and that is shown.
    Direct,
}

/// Something that will happen by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// What.
    pub what: DueWhat,
    /// When.
    pub at: DateTime<Utc>,
}

/// What will happen by itself (PagerDuty's `pending_actions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueWhat {
    /// To the next level.
    Escalate,
    /// The acknowledgement or the snooze ends.
    Unacknowledge,
    /// It resolves itself.
    Resolve,
    /// Its urgency changes.
    UrgencyChange,
}

/// What somebody is in an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides.
    Commander,
    /// Mends.
    TechnicalLead,
    /// Tells those who wait.
    Communications,
    /// Writes it down.
    Scribe,
    /// Speaks with customers or other teams.
    Liaison,
}

impl Role {
    /// All, the commander first.
    pub const ALL: [Self; 5] = [
        Self::Commander,
        Self::TechnicalLead,
        Self::Communications,
        Self::Scribe,
        Self::Liaison,
    ];

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::TechnicalLead => "technical lead",
            Self::Communications => "communications",
            Self::Scribe => "scribe",
            Self::Liaison => "liaison",
        }
    }
}

/// Somebody asked to help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responder {
    /// Who.
    pub person: Person,
    /// `pending`, `joined`, `declined`; remote text.
    pub state: Arc<str>,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its keeper's id.
    pub id: IncidentId,
    /// The short number people say, where it has one.
    pub number: Option<u64>,
    /// Its keeper's configured name: `incidents` for the configured backend, `local`.
    pub source: Arc<str>,
    /// Remote text, not yet safe.
    pub title: Arc<str>,
    /// `SEV2`; PagerDuty's priority; nothing where none is set.
    pub severity: Option<Arc<str>>,
    /// Where it stands.
    pub status: Status,
    /// PagerDuty's.
    pub urgency: Option<Urgency>,
    /// The service it is about.
    pub service: Option<Named>,
    /// Who has it, or is being woken.
    pub assignees: Vec<Person>,
    /// How it came to them.
    pub assigned_via: AssignedVia,
    /// Who acknowledged, and when, newest last.
    pub acknowledgements: Vec<(Person, DateTime<Utc>)>,
    /// Its escalation policy.
    pub policy: Option<Named>,
    /// How far up it has gone; where the keeper does not tell, what can be inferred.
    pub level: Level,
    /// Begin.
    pub created_at: DateTime<Utc>,
    /// First acknowledged, where known.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Last change of status or assignment: an act on what has changed since asks again.
    pub changed_at: DateTime<Utc>,
    /// Its page, http or https only.
    pub url: Option<Arc<str>>,
    /// Alerts in it, as its keeper counts them.
    pub alert_count: u32,
    /// Keys by which alerts are linked to it: PagerDuty's `incident_key` and the `alert_key`s seen so far;
    /// fingerprints for local ones.
    pub alert_keys: Vec<Arc<str>>,
    /// What will happen by itself, soonest first.
    pub due: Vec<Due>,
    /// Who is what in it (local incidents).
    pub roles: Vec<(Role, Person)>,
    /// Who was asked to help.
    pub responders: Vec<Responder>,
    /// Where it was merged away.
    pub merged_into: Option<IncidentId>,
}

/// Who the keeper takes us for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingAs {
    /// The person.
    pub person: Person,
    /// Said where it is not who the configuration says: shown in the header, failed by `doctor`.
    pub conflict: Option<String>,
}

/// The incidents of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Open ones first, then the newest.
    pub incidents: Vec<Incident>,
    /// What is missing from the answer, in words: pages that were cut, an account past its limits.
    pub partial: Option<String>,
}
