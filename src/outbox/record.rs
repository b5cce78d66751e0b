//! What the outbox keeps of an entry beside what it shows: the moments it measures from, and who is on it.
//!
//! [`Record`] is an entry with its [`Facts`]; [`Hold`] is a process's lease on one; [`Timings`] holds every
//! duration that the outbox goes by.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, Purpose, Sight, State};
use crate::domain::alert::ack::Marker;
use crate::domain::alert::lease::Lease;
use crate::domain::alert::matcher;
use crate::domain::incident::Verb;
use crate::time::{BootId, Stamp};

/// Every duration that the outbox goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// How long a process that took an entry may let its request wait. Its lease lasts until a request that is
    /// begun then is over: so long, and the request's own total.
    pub hold: Duration,
    /// From a lost answer to the first read-back.
    pub first_look: Duration,
    /// Two read-backs that missed what carries a marker lie at least so far apart before it is sent again.
    pub look_gap: Duration,
    /// The same for what is never repeated, before the engineer is asked.
    pub ask_gap: Duration,
    /// An act this young is sent without looking how its incident stands; an escalation never is.
    pub fresh: Duration,
    /// Two escalations this near to each other, whose makers did not know of each other, may be the same page.
    pub same_page: Duration,
    /// Older ones that wake or silence people ask first.
    pub late: Duration,
    /// The first wait after trouble; doubles from there.
    pub backoff: Duration,
    /// The longest.
    pub backoff_max: Duration,
    /// How often the outbox is looked at where the journal told of no change. It tells of other processes' too.
    pub poll: Duration,
    /// Settled entries are shown so long.
    pub shown: Duration,
    /// How far back acknowledgements are sought that may still be alive.
    pub adopted: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            hold: Duration::from_secs(15),
            first_look: Duration::from_secs(1),
            look_gap: Duration::from_secs(30),
            ask_gap: Duration::from_secs(10),
            fresh: Duration::from_secs(30),
            same_page: Duration::from_secs(60),
            late: Duration::from_secs(600),
            backoff: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            poll: Duration::from_secs(30),
            shown: Duration::from_secs(3_600),
            adopted: Duration::from_secs(24 * 3_600),
        }
    }
}

/// The longest that anything waits by the journal's word. A moment further ahead was reckoned on a clock that
/// has been set back since.
pub const LONGEST_WAIT: Duration = Duration::from_secs(2 * 86_400);

/// No lease is longer: what reaches further ahead is of another boot, on a machine that does not name its boots.
const LONGEST_HOLD: Duration = Duration::from_secs(600);

/// What the engineer has said to an entry already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Nothing.
    #[default]
    None,
    /// That it is still wanted though late.
    Late,
    /// That it is to be sent whatever was unclear.
    Send,
}

/// What is known of an entry beside what it shows. Kept as JSON: fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it was asked for.
    pub created: Stamp,
    /// Nothing is done with it before then.
    #[serde(default)]
    pub not_before: Option<Stamp>,
    /// When the first request was written that may have arrived.
    #[serde(default)]
    pub requested: Option<Stamp>,
    /// The first read-back that missed it since.
    #[serde(default)]
    pub missed: Option<Stamp>,
    /// The first read-back since that could not ask everybody who may have it.
    #[serde(default)]
    pub unasked: Option<Stamp>,
    /// The read-back that allowed the next request.
    #[serde(default)]
    pub checked: Option<Stamp>,
    /// What the engineer has said to it.
    #[serde(default)]
    pub consent: Consent,
    /// Tries in a row that came to nothing.
    #[serde(default)]
    pub troubles: u32,
    /// Whether what it is about was seen when it was asked for.
    #[serde(default)]
    pub sight: Sight,
}

/// An entry with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// As it is shown.
    pub entry: Entry,
    /// What it is judged by.
    pub facts: Facts,
    /// The process on it.
    pub hold: Option<Hold>,
}

/// A process, to tell it from every other one: pids come round again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Drawn by chance when it started.
    pub token: u64,
}

/// A lease on an entry: nobody else touches it meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Whose.
    pub holder: Holder,
    /// Until then, on the boot-time clock of this boot.
    pub boot: BootId,
    /// Milliseconds of that clock.
    pub until_ms: u64,
}

impl Hold {
    /// One from now on.
    pub fn from(holder: Holder, now: &Stamp, length: Duration) -> Self {
        Self {
            holder,
            boot: now.boot,
            until_ms: now.later(length).boot_ms,
        }
    }

    /// How much longer it holds. One of another boot does not: its process is gone.
    pub fn left(&self, now: &Stamp) -> Duration {
        if self.boot != now.boot {
            return Duration::ZERO;
        }
        let left = Duration::from_millis(self.until_ms.saturating_sub(now.boot_ms));
        if left > LONGEST_HOLD { Duration::ZERO } else { left }
    }
}

impl Record {
    /// Whether it can still be taken back without a word: nothing was done with it yet.
    pub fn in_grace(&self, now: &Stamp) -> bool {
        self.entry.state == State::Pending
            && self.entry.attempts == 0
            && self.facts.troubles == 0
            && self
                .facts
                .not_before
                .is_some_and(|at| !now.until(&at, LONGEST_WAIT).is_zero())
    }

    /// Whether a later one of its lane waits for it. One that asks has left the queue: what came after it must
    /// not wait for an answer that may never come. What wakes or stops waking people waits neither for a grace
    /// time nor for words that are stuck: nothing that it does depends on them. Nor does the end of an
    /// acknowledgement wait for a renewal that is stuck and never left: that one will find it ended.
    pub fn holds_up(&self, later: &Self, now: &Stamp) -> bool {
        let payload = &self.entry.payload;
        let never_left = self.entry.state == State::Pending && self.facts.requested.is_none();
        let depends_nothing = payload.is_words() || (payload.is_renewal() && never_left);
        let waits = self.in_grace(now) || (self.is_stuck() && depends_nothing);
        matches!(self.entry.state, State::Pending | State::Sending)
            && !(waits && later.entry.payload.is_urgent())
    }

    /// Whether it went wrong when it was tried last.
    fn is_stuck(&self) -> bool {
        self.facts.troubles > 0
    }
}

/// Who takes an entry in. One that hangs holds up none of another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The Alertmanagers of a gossip cluster.
    Cluster(Arc<str>),
    /// The keeper of incidents that the context names.
    Incidents,
    /// The journal itself: local incidents.
    Journal,
    /// The keeper of marks.
    Annotations,
}

/// What may be done about a request whose answer was lost, once a read-back missed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It says the same thing again: as soon as a read-back shows that it is still wanted.
    AfterLook,
    /// It carries a marker: once two read-backs, far enough apart, missed it.
    AfterTwoLooks,
    /// Never by itself: the engineer is asked.
    Never,
}

impl Payload {
    /// Entries of one lane (and one author) are sent in the order they were asked for, but for what
    /// [`Record::holds_up`] lets pass; lanes never wait for one another. One an incident; one a silence; annotations carry their own time and need no order.
    pub fn lane(&self, marker: &Marker) -> String {
        match self {
            Self::Silence {
                cluster, matchers, ..
            } => {
                format!("silence {cluster} {}", matcher::display_list(matchers))
            }
            Self::ExtendSilence { cluster, id, .. } | Self::ExpireSilence { cluster, id, .. } => {
                format!("silence {cluster} {id}")
            }
            Self::Incident { incident, .. } => format!("incident {incident}"),
            Self::Annotation(_) => format!("annotation {}", marker.digits()),
        }
    }

    /// What a lost answer allows (contract: retry matrix of the design's client rules).
    pub fn repeat(&self) -> Repeat {
        match self {
            Self::Silence { .. } | Self::Annotation(_) => Repeat::AfterTwoLooks,
            Self::ExtendSilence { .. } | Self::ExpireSilence { .. } => Repeat::AfterLook,
            Self::Incident { act, .. } => match act.verb() {
                Verb::Note => Repeat::AfterTwoLooks,
                Verb::Acknowledge | Verb::Resolve | Verb::Priority | Verb::Advance | Verb::Assign => {
                    Repeat::AfterLook
                }
                Verb::Escalate
                | Verb::Reassign
                | Verb::Page
                | Verb::Snooze
                | Verb::Merge
                | Verb::StatusUpdate => Repeat::Never,
            },
        }
    }

    /// Whether it asks where it comes too late, or where its incident has changed; what is written down or hides
    /// by its own end is delivered all the same.
    pub fn asks_when_late(&self) -> bool {
        match self {
            Self::Silence { purpose, .. } => matches!(purpose, Purpose::Acknowledge { .. }),
            Self::ExtendSilence { .. } | Self::ExpireSilence { .. } | Self::Annotation(_) => false,
            Self::Incident { act, .. } => act.verb() != Verb::Note,
        }
    }

    /// Whether it only says something: no act depends on its having been said before.
    pub(super) fn is_words(&self) -> bool {
        match self {
            Self::Incident { act, .. } => matches!(act.verb(), Verb::Note | Verb::StatusUpdate),
            Self::Annotation(_) => true,
            Self::Silence { .. } | Self::ExtendSilence { .. } | Self::ExpireSilence { .. } => false,
        }
    }

    /// By whom it is taken in.
    pub fn destination(&self) -> Destination {
        match self {
            Self::Silence { cluster, .. }
            | Self::ExtendSilence { cluster, .. }
            | Self::ExpireSilence { cluster, .. } => Destination::Cluster(Arc::clone(cluster)),
            Self::Incident { incident, .. } if incident.is_local() => Destination::Journal,
            Self::Incident { .. } => Destination::Incidents,
            Self::Annotation(_) => Destination::Annotations,
        }
    }

    /// Whether it wakes people or stops waking them: it never waits for a grace time.
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::Silence { purpose, .. } => matches!(purpose, Purpose::Acknowledge { .. }),
            Self::ExtendSilence { .. } | Self::Annotation(_) => false,
            Self::ExpireSilence { .. } => true,
            Self::Incident { act, .. } => match act.verb() {
                Verb::Acknowledge | Verb::Resolve | Verb::Escalate | Verb::Reassign | Verb::Page => true,
                Verb::Snooze
                | Verb::Merge
                | Verb::Priority
                | Verb::StatusUpdate
                | Verb::Note
                | Verb::Advance
                | Verb::Assign => false,
            },
        }
    }

    /// On what, in words: for lists and the audit log.
    pub fn target(&self) -> String {
        match self {
            Self::Silence {
                cluster,
                matchers,
                purpose,
                ..
            } => match purpose {
                Purpose::Acknowledge { covers } => {
                    let alerts: Vec<String> = covers.iter().map(|o| o.fingerprint.to_string()).collect();
                    format!("{} at {cluster}", alerts.join(" "))
                }
                Purpose::Silence => format!("{} at {cluster}", matcher::display_list(matchers)),
            },
            Self::ExtendSilence { cluster, id, .. } | Self::ExpireSilence { cluster, id, .. } => {
                format!("{id} at {cluster}")
            }
            Self::Incident { incident, label, .. } => {
                if label.is_empty() {
                    incident.to_string()
                } else {
                    label.to_string()
                }
            }
            Self::Annotation(draft) => draft.text.clone(),
        }
    }

    /// Why, as the engineer put it: for the audit log.
    pub fn why(&self) -> String {
        use crate::domain::incident::IncidentAct as Act;
        match self {
            Self::Silence { comment, .. } => crate::domain::alert::ack::without_marker(comment).to_owned(),
            Self::ExtendSilence { .. } | Self::ExpireSilence { .. } => String::new(),
            Self::Incident { act, .. } => match act {
                Act::Resolve { resolution } => resolution.clone(),
                Act::Page { message, .. } => message.clone(),
                Act::StatusUpdate { text } | Act::Note { text } => text.clone(),
                Act::Escalate { to } => format!("to level {to}"),
                Act::Acknowledge
                | Act::ReassignTo { .. }
                | Act::ReassignPolicy { .. }
                | Act::Snooze { .. }
                | Act::Merge { .. }
                | Act::Priority { .. }
                | Act::Advance { .. }
                | Act::Assign { .. } => String::new(),
            },
            Self::Annotation(draft) => draft.text.clone(),
        }
    }
}

impl Entry {
    /// The acknowledgement that a confirmed entry made, for whoever keeps it alive.
    pub fn lease(&self) -> Option<Lease> {
        let Payload::Silence {
            cluster,
            starts_at,
            ends_at,
            purpose: Purpose::Acknowledge { covers },
            ..
        } = &self.payload
        else {
            return None;
        };
        let (_, id) = self.remote_ids.first()?;
        (self.state == State::Confirmed).then(|| Lease {
            cluster: Arc::clone(cluster),
            id: Arc::clone(id),
            covers: covers.clone(),
            started_at: *starts_at,
            set_until: *ends_at,
        })
    }
}

impl Entry {
    /// The acknowledgement that a confirmed renewal kept alive, as it is held from here on: the server may have made
    /// it anew under another id.
    pub fn renewed(&self, lease: Lease) -> Option<Lease> {
        let Payload::ExtendSilence { until, .. } = &self.payload else {
            return None;
        };
        let id = self.remote_ids.first().map(|(_, id)| Arc::clone(id));
        (self.state == State::Confirmed).then(|| Lease {
            id: id.unwrap_or_else(|| Arc::clone(&lease.id)),
            set_until: *until,
            ..lease
        })
    }
}

impl Payload {
    /// Lets an acknowledgement that waited last as long as it was to last, from now on; anything else keeps its
    /// times.
    pub(super) fn restart(&mut self, now: &Stamp) {
        if let Self::Silence {
            starts_at,
            ends_at,
            purpose: Purpose::Acknowledge { .. },
            ..
        } = self
        {
            let length = *ends_at - *starts_at;
            if now.utc - *starts_at > TimeDelta::seconds(30) || *starts_at > now.utc {
                *starts_at = now.utc;
                *ends_at = now.utc + length;
            }
        }
    }
}
