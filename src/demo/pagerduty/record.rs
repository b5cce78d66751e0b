//! What is written down of an incident: where it stands, who did what, alerts, notes, the log.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use crate::demo::world::flow::mix;

use super::catalogue::{Service, User};

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nobody has it.
    Triggered,
    /// Somebody has.
    Acknowledged,
    /// Over.
    Resolved,
}

impl Status {
    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// How loudly it pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// At once, and it escalates.
    High,
    /// Quietly, and it stays where it is.
    Low,
}

impl Urgency {
    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

/// How it came to its assignees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By its policy.
    Policy,
    /// By hand: it escalates no more.
    Direct,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// A person.
    User(&'static User),
    /// The service: its monitoring, or a timer.
    Service(&'static Service),
}

/// By what way something happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// `api`, `auto`, `timeout`, `note`, …
    pub kind: &'static str,
    /// Fields beside the type.
    pub fields: Json,
}

impl Channel {
    /// One that says nothing more.
    pub fn plain(kind: &'static str) -> Self {
        Self {
            kind,
            fields: json!({}),
        }
    }
}

/// When, by whom and by what way something happened.
#[derive(Debug, Clone)]
pub struct Cause {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Agent,
    /// By what way.
    pub channel: Channel,
}

impl Cause {
    /// By a way that says nothing more.
    pub fn new(at: DateTime<Utc>, by: Agent, channel: &'static str) -> Self {
        Self {
            at,
            by,
            channel: Channel::plain(channel),
        }
    }
}

/// A log entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Id.
    pub id: String,
    /// `trigger`, `acknowledge`, …: the type without `_log_entry`.
    pub kind: &'static str,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub agent: Agent,
    /// By what way.
    pub channel: Channel,
    /// In words.
    pub summary: String,
    /// Who was assigned.
    pub assignees: Vec<&'static User>,
    /// Fields of this kind alone.
    pub fields: Json,
}

/// An alert within an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Id.
    pub id: String,
    /// The key by which its monitoring knows it.
    pub key: String,
    /// In words.
    pub summary: String,
    /// `critical`, …
    pub severity: String,
    /// Begin.
    pub created: DateTime<Utc>,
    /// End.
    pub resolved: Option<DateTime<Utc>>,
    /// What the event carried as custom details.
    pub details: Json,
}

/// A note.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Id.
    pub id: String,
    /// Who.
    pub user: &'static User,
    /// What.
    pub content: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Last change.
    pub updated: DateTime<Utc>,
}

/// Somebody asked to help.
#[derive(Debug, Clone, PartialEq)]
pub struct Responder {
    /// Who.
    pub user: &'static User,
    /// By whom.
    pub requester: &'static User,
    /// With which words.
    pub message: String,
    /// When.
    pub at: DateTime<Utc>,
    /// `pending`, `joined`, `declined`.
    pub state: &'static str,
}

/// An id: a letter and capitals and digits from a hash.
pub fn id(letter: char, seed: u64, salt: &str, length: usize) -> String {
    const DIGITS: [char; 32] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K',
        'L', 'M', 'N', 'P', 'Q', 'R', 'T', 'U', 'V', 'X', 'Y', 'Z',
    ];
    let mut out = String::from(letter);
    let mut hash = mix(seed, salt);
    while out.len() < length {
        for place in 0..12 {
            if out.len() < length {
                let digit = (hash >> (5 * place)) as usize & 31;
                out.extend(DIGITS.get(digit));
            }
        }
        hash = mix(hash, "more");
    }
    out
}
