//! Acts that change state at a backend: asked for, in grace, under way; and the acknowledgements held here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::backend::annotations::AnnotationDraft;
use crate::backend::incidents::Seen;
use crate::domain::alert::lease::Lease;
use crate::domain::alert::{Fingerprint, Matcher, Occurrence};
use crate::domain::incident::{IncidentAct, IncidentId};
use crate::outbox::EntryId;
use crate::time::Tick;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Take these alerts.
    Acknowledge {
        /// Which firings of which alerts.
        alerts: Vec<Occurrence>,
        /// A word why; may be empty.
        note: String,
    },
    /// Give up our acknowledgements of these.
    HandBack {
        /// Which.
        alerts: Vec<Fingerprint>,
    },
    /// Make a silence.
    Silence(SilenceRequest),
    /// Let a silence last until then.
    Extend {
        /// The cluster it lives in.
        cluster: Arc<str>,
        /// Which.
        id: Arc<str>,
        /// Its new end.
        until: DateTime<Utc>,
    },
    /// End a silence now.
    Expire {
        /// The cluster it lives in.
        cluster: Arc<str>,
        /// Which.
        id: Arc<str>,
    },
    /// Let acknowledgements held here last longer.
    Renew(Vec<Renewal>),
    /// Do something to an incident.
    Incident {
        /// Which.
        incident: IncidentId,
        /// What.
        act: IncidentAct,
        /// How it stood when this was asked for.
        seen: Seen,
        /// What people call it: `#4711 checkout errors`, safe text.
        label: Arc<str>,
    },
    /// Mark a moment at the annotations backend.
    Annotate(AnnotationDraft),
    /// Declare a local incident.
    Declare(Declaration),
}

/// A local incident to be declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// What people will call it; never empty.
    pub title: String,
    /// `SEV2`.
    pub severity: String,
    /// The service it is about.
    pub service: Option<String>,
    /// The alerts it is about.
    pub alerts: Vec<Fingerprint>,
}

impl Act {
    /// Whether it waits a few seconds in the outbox, where it can be undone.
    pub fn has_grace(&self) -> bool {
        match self {
            Self::Incident { act, .. } => {
                matches!(act, IncidentAct::Note { .. } | IncidentAct::StatusUpdate { .. })
            }
            Self::Silence(_) | Self::Annotate(_) => true,
            Self::Acknowledge { .. }
            | Self::HandBack { .. }
            | Self::Extend { .. }
            | Self::Expire { .. }
            | Self::Renew(_)
            | Self::Declare(_) => false,
        }
    }

    /// Whether it names this alert as what it is for.
    pub fn names(&self, fingerprint: Fingerprint) -> bool {
        match self {
            Self::Acknowledge { alerts, .. } => alerts.iter().any(|o| o.fingerprint == fingerprint),
            Self::HandBack { alerts } => alerts.contains(&fingerprint),
            Self::Silence(_)
            | Self::Extend { .. }
            | Self::Expire { .. }
            | Self::Renew(_)
            | Self::Incident { .. }
            | Self::Annotate(_)
            | Self::Declare(_) => false,
        }
    }

    /// Whether it ends this acknowledgement: then nobody extends it any more.
    pub fn ends(&self, lease: &Lease) -> bool {
        match self {
            Self::HandBack { alerts } => lease.covers.iter().any(|o| alerts.contains(&o.fingerprint)),
            Self::Expire { cluster, id } => lease.cluster == *cluster && lease.id == *id,
            Self::Acknowledge { .. }
            | Self::Silence(_)
            | Self::Extend { .. }
            | Self::Renew(_)
            | Self::Incident { .. }
            | Self::Annotate(_)
            | Self::Declare(_) => false,
        }
    }
}

/// One acknowledgement to be renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// As it is held.
    pub lease: Lease,
    /// Its new end.
    pub until: DateTime<Utc>,
}

/// A silence to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceRequest {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// How long.
    pub duration: Duration,
    /// Why.
    pub comment: String,
    /// Only in these clusters; in all where empty.
    pub clusters: Vec<Arc<str>>,
}

/// Number of an act within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActId(pub u64);

/// Where an act stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Handed to the runtime, and waits in the outbox: can still be undone.
    Grace {
        /// Goes out then, if it is on the disk; its time begins when it is.
        until: Tick,
    },
    /// Handed to the runtime.
    Sent {
        /// When.
        since: Tick,
    },
    /// Asked back: the journal has not said yet whether that was in time.
    TakingBack {
        /// Since when.
        since: Tick,
        /// What for.
        why: Undoing,
    },
    /// Could not be put on the disk, so nothing was sent: stays in sight until it is tried again or dropped.
    Unsaved {
        /// Since when.
        since: Tick,
    },
    /// Confirmed by the backend; shown until a board agrees, so that a poll that was under way does not undo it on screen.
    Confirmed {
        /// When.
        at: Tick,
    },
}

/// Why an act is asked back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undoing {
    /// The engineer wants it.
    Asked,
    /// By now it would hide so many alerts, some of which nobody was shown.
    WouldHide(usize),
}

/// An act that is not over.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingAct {
    /// Its number.
    pub id: ActId,
    /// When it was asked for.
    pub asked: Tick,
    /// What.
    pub act: Act,
    /// Where it stands.
    pub stage: Stage,
    /// The alerts that it was seen to hit when it was asked for.
    pub hits: BTreeSet<Fingerprint>,
    /// The matchers that the form of a silence offered first.
    pub about: Vec<String>,
    /// Its entries in the outbox, once it is on the disk.
    pub entries: Option<Vec<EntryId>>,
    /// Why it could not be put on the disk, where it could not; safe text.
    pub trouble: Option<Arc<str>>,
}

impl PendingAct {
    /// Whether it concerns this alert.
    pub fn touches(&self, fingerprint: Fingerprint) -> bool {
        self.act.names(fingerprint)
    }

    /// Whether it is a silence that was seen to hide this alert.
    pub fn hides(&self, fingerprint: Fingerprint) -> bool {
        matches!(self.act, Act::Silence(_)) && self.hits.contains(&fingerprint)
    }

    /// Whether it concerns this incident.
    pub fn concerns(&self, id: &IncidentId) -> bool {
        match &self.act {
            Act::Incident { incident, act, .. } => {
                incident == id || matches!(act, IncidentAct::Merge { from } if from.contains(id))
            }
            Act::Acknowledge { .. }
            | Act::HandBack { .. }
            | Act::Silence(_)
            | Act::Extend { .. }
            | Act::Expire { .. }
            | Act::Renew(_)
            | Act::Annotate(_)
            | Act::Declare(_) => false,
        }
    }

    /// Whether the journal is to have it before anything is sent, and does not say so yet.
    pub fn is_saving(&self) -> bool {
        // An extension is sent as it is: it repeats what the journal has.
        let journaled = !matches!(self.act, Act::Renew(_));
        let handed_over = matches!(
            self.stage,
            Stage::Grace { .. } | Stage::Sent { .. } | Stage::TakingBack { .. }
        );
        journaled && self.entries.is_none() && handed_over
    }

    /// For how long it has been on its way to the disk, where that takes so long that it is worth a word.
    pub fn saving_slowly(&self, now: Tick) -> Option<Duration> {
        let age = now.since(self.asked);
        (self.is_saving() && age >= Self::SAVED_WITHIN).then_some(age)
    }

    /// A disk that does well has an act long before this.
    const SAVED_WITHIN: Duration = Duration::from_secs(1);

    /// The word a touched row shows: `saving…` until it is on the disk, then `ack…`.
    pub fn word(&self) -> &'static str {
        if matches!(self.stage, Stage::TakingBack { .. }) {
            "undo…"
        } else if self.is_saving() {
            "saving…"
        } else {
            self.doing()
        }
    }

    /// What is being done: `ack…`.
    pub fn doing(&self) -> &'static str {
        match &self.act {
            Act::Acknowledge { .. } => "ack…",
            Act::HandBack { .. } => "hand back…",
            Act::Silence(_) => "silence…",
            Act::Extend { .. } | Act::Renew(_) => "extend…",
            Act::Expire { .. } => "expire…",
            Act::Incident { act, .. } => act.verb().pending_word(),
            Act::Annotate(_) => "mark…",
            Act::Declare(_) => "declare…",
        }
    }
}

/// An acknowledgement made by this console, kept alive while somebody is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAck {
    /// Its silence, what it is for, and the end set last.
    pub lease: Lease,
    /// The bell was rung for its coming end.
    pub belled: Belled,
}

/// Whether the bell was rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belled {
    /// It was.
    Yes,
    /// Not yet.
    No,
}

/// All acts that are not over, oldest first, and the acknowledgements held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Acts {
    next: u64,
    /// Not over.
    pub pending: Vec<PendingAct>,
    /// Held by this console.
    pub held: Vec<HeldAck>,
    /// Acknowledgements of the journal that were taken up already, here or by being made here.
    pub adopted: BTreeSet<EntryId>,
    /// When the held ones are looked at next.
    pub next_check: Option<Tick>,
}

impl Acts {
    /// The most that may be pending at once: a stuck backend must not grow the queue without bound.
    pub const MAX_PENDING: usize = 256;

    /// Takes an act in; its number.
    pub fn add(&mut self, act: Act, stage: Stage, now: Tick) -> ActId {
        self.next += 1;
        let id = ActId(self.next);
        self.pending.push(PendingAct {
            id,
            asked: now,
            act,
            stage,
            hits: BTreeSet::new(),
            about: Vec::new(),
            entries: None,
            trouble: None,
        });
        id
    }

    /// The pending act that touches an alert.
    pub fn touching(&self, fingerprint: Fingerprint) -> Option<&PendingAct> {
        self.pending.iter().rev().find(|act| act.touches(fingerprint))
    }

    /// The pending act that an alert's row tells of: one that is for it, else a silence that hides it.
    pub fn on_alert(&self, fingerprint: Fingerprint) -> Option<&PendingAct> {
        let hiding = || self.pending.iter().rev().find(|act| act.hides(fingerprint));
        self.touching(fingerprint).or_else(hiding)
    }

    /// The pending acts that concern an incident, the newest first.
    pub fn all_on_incident(&self, id: &IncidentId) -> impl Iterator<Item = &PendingAct> {
        self.pending.iter().rev().filter(move |act| act.concerns(id))
    }

    /// The newest act that can still be undone.
    pub fn in_grace(&self) -> Option<&PendingAct> {
        let mut newest = self.pending.iter().rev();
        newest.find(|act| matches!(act.stage, Stage::Grace { .. }))
    }

    /// Acts that are neither confirmed nor on the disk: these end with this console.
    pub fn unsent(&self) -> usize {
        self.pending
            .iter()
            .filter(|act| !matches!(act.stage, Stage::Confirmed { .. }) && act.entries.is_none())
            .count()
    }

    /// When something here changes by itself.
    pub fn deadline(&self) -> Option<Tick> {
        let grace = self.pending.iter().filter_map(|act| match act.stage {
            Stage::Grace { until } => act.entries.is_some().then_some(until),
            Stage::Confirmed { at } => Some(at + Self::AGREE_WITHIN),
            Stage::Sent { .. } | Stage::TakingBack { .. } | Stage::Unsaved { .. } => None,
        });
        grace.chain(self.next_check).min()
    }

    /// How long a confirmed act outlives a board that does not show it yet.
    pub const AGREE_WITHIN: Duration = Duration::from_secs(20);
}
