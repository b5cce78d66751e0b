//! Incidents: PagerDuty, or the journal of this host. Panes and commands do not know which.
//!
//! [`Incidents`] is the signal's trait. Nothing here repeats an act: what becomes of one whose answer was lost
//! is the outbox's to find out, through [`Incidents::look_back`].

pub mod pagerduty;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::BackendResult;
use crate::domain::alert::ack::Marker;
use crate::domain::incident::link::IncidentClues;
use crate::domain::incident::{
    ActingAs, Incident, IncidentAct, IncidentId, Ladder, Listing, Named, Offer, Person, Verb,
};
use crate::domain::oncall::Roster;
use crate::domain::timeline::{Event, Timeline};
use crate::outbox::{EntryId, Sight};

pub mod local;

/// Whose incidents are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Whose {
    /// Everybody's that the credentials show.
    #[default]
    All,
    /// Of the teams that we are in.
    Team,
    /// Assigned to us.
    Mine,
}

impl Whose {
    /// As the configuration and the command line write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Team => "team",
            Self::Mine => "mine",
        }
    }

    /// By its word.
    pub fn by_word(word: &str) -> Option<Self> {
        [Self::All, Self::Team, Self::Mine]
            .into_iter()
            .find(|whose| whose.word() == word)
    }
}

/// Which incidents are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// Whose.
    pub whose: Whose,
    /// Those that ended since then as well; open ones only where none.
    pub ended_since: Option<DateTime<Utc>>,
}

/// An alert as the keeper of an incident tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentAlert {
    /// The keeper's id.
    pub id: Arc<str>,
    /// The key by which it is linked to alerts elsewhere: PagerDuty's `alert_key`, a fingerprint.
    pub key: Option<Arc<str>>,
    /// Remote text, not yet safe.
    pub title: Arc<str>,
    /// `critical`, …
    pub severity: Option<Arc<str>>,
    /// Begin.
    pub created_at: DateTime<Utc>,
    /// Whether it is over.
    pub resolved: Over,
    /// Labels found in its body (PagerDuty's `custom_details`), by which it is linked as well.
    pub details: Vec<(Arc<str>, Arc<str>)>,
}

/// Whether something is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It is.
    Yes,
    /// Not yet.
    No,
}

/// What can be picked from when reassigning, paging, setting a priority.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// People, by name.
    pub people: Vec<Person>,
    /// Escalation policies, by name, each with who would be woken on its level 1.
    pub policies: Vec<(Named, Vec<Person>)>,
    /// Priorities or severities, highest first.
    pub priorities: Vec<Named>,
    /// What could not be had, in words.
    pub partial: Vec<String>,
}

/// An act as it is handed over to be sent: one request, at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentOrder {
    /// On what.
    pub incident: IncidentId,
    /// What.
    pub act: IncidentAct,
    /// Ends the text of notes and status updates, so that they are found again.
    pub marker: Marker,
    /// The identity that made it.
    pub actor: Arc<str>,
    /// Stable over restarts and processes: the journal keeps a local act once a key.
    pub key: Arc<str>,
}

/// What the keeper answered to an act.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// What it calls what was made: a note's id, the incident's.
    pub remote_id: Option<Arc<str>>,
    /// The incident as the answer shows it, where it does.
    pub incident: Option<Incident>,
    /// Something worth saying: `was acknowledged already`.
    pub remark: Option<String>,
}

/// What a read-back found of an act whose answer was lost, or that waited long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made a look and dropped at once; a box would be in the way of every match"
)]
pub enum LookBack {
    /// It is there.
    Done(Receipt),
    /// It is not there, and the incident is as it was: it may be sent (again), if the rules for its kind allow.
    Absent,
    /// Somebody else changed the incident meanwhile, in words: the engineer is asked.
    Changed(String),
    /// Cannot be told from what the keeper shows, in words: the engineer is asked.
    Unclear(String),
    /// The incident is gone.
    Vanished,
}

/// The id of the event that stands first in an answer to [`Incidents::story_since`] which does not reach back to the
/// time that was asked for: everything since its own time is there.
pub const LOG_CUT: &str = "log-cut";

/// An incident with the keys of its alerts, so that what was seen of them is known for its own. Where its keeper
/// does not tell them, it stays as it is.
pub async fn with_alert_keys(keeper: &dyn Incidents, incident: &Incident) -> Incident {
    let mut incident = incident.clone();
    let alerts = keeper.alerts(incident.id.clone()).await.unwrap_or_default();
    let keys = alerts.into_iter().flat_map(|alert| {
        let written = alert
            .details
            .into_iter()
            .find(|(name, _)| &**name == "fingerprint");
        alert.key.into_iter().chain(written.map(|(_, value)| value))
    });
    for key in keys {
        if !incident.alert_keys.contains(&key) {
            incident.alert_keys.push(key);
        }
    }
    incident
}

/// Whether an incident's keeper is asked for its alerts: a local one lists their fingerprints itself.
pub fn is_asked_for_alerts(incident: &Incident) -> bool {
    incident.status.is_open() && !incident.id.is_local() && incident.alert_count > 0
}

/// By what an incident is linked to alerts elsewhere, with what its keeper told of its own.
pub fn clues<'a>(incident: &'a Incident, told: &'a [IncidentAlert]) -> IncidentClues<'a> {
    let own = incident.alert_keys.iter().map(|key| &**key);
    let keys = own.chain(told.iter().filter_map(|alert| alert.key.as_deref()));
    IncidentClues {
        id: &incident.id,
        keys: keys.collect(),
        bodies: told.iter().map(|alert| alert.details.as_slice()).collect(),
        service: incident.service.as_ref().filter(|_| incident.status.is_open()),
    }
}

/// The keeper of incidents of one context.
pub trait Incidents: Send + Sync {
    /// Its configured name, as errors and health say it: `incidents`, `local`.
    fn name(&self) -> &Arc<str>;

    /// The longest that a request of it may be under way, from first byte to last: who takes over another
    /// process's act waits this long.
    fn total_timeout(&self) -> Duration;

    /// How long polls should wait at least: more than nothing where its allowance runs low.
    fn no_sooner_than(&self) -> Duration {
        Duration::ZERO
    }

    /// Who it takes us for.
    fn acting_as(&self) -> BoxFuture<'_, BackendResult<ActingAs>>;

    /// Open incidents, and recent ones where asked. Bounded.
    fn list(&self, question: Question) -> BoxFuture<'_, BackendResult<Listing>>;

    /// One incident, by id or number, its level inferred; `None` where there is none.
    fn incident(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Option<Incident>>>;

    /// The incident that a word surely means, by the shape of its ids alone: for acts that are asked for while it
    /// does not answer. Nothing where a word may mean several, or where it always answers.
    fn recognises(&self, _word: &str) -> Option<IncidentId> {
        None
    }

    /// Its alerts. Bounded.
    fn alerts(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Vec<IncidentAlert>>>;

    /// What its keeper tells of it: log entries, notes, status updates. Oldest first, bounded.
    fn story(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Timeline>>;

    /// What its keeper tells of all incidents since then, for the hand-over.
    fn story_since(&self, since: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Vec<(IncidentId, Event)>>>;

    /// Who is on call from `from` to `to`. Cached for at least a minute.
    fn on_call(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Roster>>;

    /// The policy of an incident with the people on it.
    fn ladder(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Ladder>>;

    /// What can be picked from.
    fn directory(&self) -> BoxFuture<'_, BackendResult<Directory>>;

    /// Whether it can do that to this incident as it stands.
    fn offers(&self, incident: &Incident, verb: Verb) -> Offer;

    /// Sends an act, once. [`crate::backend::Delivery`] in the error says whether it may have arrived.
    fn send(&self, order: IncidentOrder) -> BoxFuture<'_, BackendResult<Receipt>>;

    /// Looks whether an act, asked for at `since` by us, is there. `seen` is the incident as it stood when it
    /// was asked for.
    fn look_back(
        &self,
        order: IncidentOrder,
        since: DateTime<Utc>,
        seen: Seen,
    ) -> BoxFuture<'_, BackendResult<LookBack>>;

    /// Looks, before an act is sent for the first time, whether the incident is as its maker saw it.
    fn look_before(&self, order: IncidentOrder, unsent: Unsent) -> BoxFuture<'_, BackendResult<LookBack>> {
        self.look_back(order, unsent.asked, unsent.seen)
    }
}

/// How an incident stood when an act on it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seen {
    /// Its status.
    pub status: crate::domain::incident::Status,
    /// Its last change.
    pub changed_at: DateTime<Utc>,
    /// The newest escalation of it in the outbox that was in sight: what came after that is news to whoever asked.
    #[serde(default)]
    pub escalation: Option<EntryId>,
}

/// An act that was never sent, as its maker knew the incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// When it was asked for, on the clock as it goes now.
    pub asked: DateTime<Utc>,
    /// How the incident stood then.
    pub seen: Seen,
    /// Escalations until then are known to whoever asked, though `seen` may not show them yet.
    pub known: Option<DateTime<Utc>>,
    /// Whether they saw it at all: where not, `seen` says nothing, and the incident itself is to be looked at.
    pub sight: Sight,
}
