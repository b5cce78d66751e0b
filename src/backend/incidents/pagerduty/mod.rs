//! PagerDuty over REST v2.
//!
//! `ask` asks (headers, errors, pages); `read` reads incidents, alerts and logs; `me` knows who we are, `people` who is
//! on call and who could be; `act` sends, one request an act; `look_back` finds out what became of one,
//! `look_before` what became of the incident before one goes out.
//! `wire`, `level`, `log` and `errors` are pure. What is remembered here is never more than a help: who we are,
//! who was on call a minute ago, what an account's plan lacks. Start at [`PagerDuty`].
//!
//! PagerDuty wants one request at a time of a token: the endpoint's `max_concurrency` is 1 unless configured,
//! and what the engineer waits for goes before what is polled.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::BoxFuture;

use self::errors::Refusal;
use self::look_back::Sent;
use self::me::Me;
use self::wire::{OnCall, PolicyWire};
use super::{
    Directory, IncidentAlert, IncidentOrder, Incidents, Listing, LookBack, Question, Receipt, Seen, Unsent,
};
use crate::backend::BackendResult;
use crate::backend::http::Asker;
use crate::config::{Endpoint, SignalConfig};
use crate::domain::incident::{ActingAs, Incident, IncidentId, Ladder, Level, Offer, Verb};
use crate::domain::oncall::Roster;
use crate::domain::timeline::{Event, Timeline};
use crate::time::{Clock, Tick};

mod act;
mod ask;
mod errors;
mod level;
mod log;
mod look_back;
mod look_before;
mod me;
mod offers;
mod people;
mod read;
mod wire;

#[cfg(test)]
mod tests;

pub use ask::ACCEPT;
pub use errors::REGION;
pub use me::abilities_missing;

/// Polls slow down to this where the allowance runs low.
const SLOW: Duration = Duration::from_secs(30);
/// More is not remembered of any one thing: forgetting costs a question.
const REMEMBERED: usize = 4_096;

/// What the configuration says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its configured name: `incidents`.
    pub name: Arc<str>,
    /// The address of the user in whose name acts are done; needed with an account's key.
    pub from: Option<String>,
    /// The time limit of one request.
    pub timeout: Duration,
}

impl Settings {
    /// As `[contexts.X.incidents]` has them.
    pub fn of(config: &SignalConfig, endpoint: &Endpoint) -> Self {
        Self {
            name: endpoint.name.as_str().into(),
            from: config.settings.get("from").cloned(),
            timeout: endpoint.timeout,
        }
    }
}

/// A client of one account.
pub struct PagerDuty {
    name: Arc<str>,
    from: Option<String>,
    timeout: Duration,
    asker: Arc<dyn Asker>,
    clock: Clock,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    me: Option<(Tick, Me)>,
    /// Who is on call now, by policy.
    on_call: HashMap<Arc<str>, (Tick, Vec<OnCall>)>,
    roster: Option<(Tick, DateTime<Utc>, DateTime<Utc>, Roster)>,
    policies: HashMap<Arc<str>, (Tick, PolicyWire)>,
    phones: HashMap<Arc<str>, (Tick, Option<Arc<str>>)>,
    /// Levels that took the log to tell, with the change that they hold for.
    levels: HashMap<IncidentId, (DateTime<Utc>, Level)>,
    /// How many levels its policy has.
    heights: HashMap<IncidentId, u32>,
    /// Keys of the alerts of an incident, as last read.
    alert_keys: HashMap<IncidentId, Vec<Arc<str>>>,
    /// PagerDuty says of these that they cannot be merged.
    unmergeable: HashSet<IncidentId>,
    /// What the account's plan turned out to lack.
    lacking: HashSet<Verb>,
}

impl PagerDuty {
    /// One on a client of its own.
    pub fn new(settings: Settings, asker: Arc<dyn Asker>, clock: Clock) -> Self {
        let Settings { name, from, timeout } = settings;
        Self {
            name,
            from,
            timeout,
            asker,
            clock,
            memory: Mutex::default(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // a panic elsewhere does not spoil what was heard
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place below the base that holds an id. PagerDuty's ids and numbers are letters and digits; anything else
/// could lead elsewhere, and is no id.
fn place(id: &IncidentId, below: &str) -> Option<String> {
    let valid = !id.0.is_empty() && id.0.len() <= 64 && id.0.bytes().all(|b| b.is_ascii_alphanumeric());
    valid.then(|| {
        if below.is_empty() {
            format!("incidents/{id}")
        } else {
            format!("incidents/{id}/{below}")
        }
    })
}

/// A whole id: `Q` and 13 letters and digits, or of older accounts `P` and 6 (the contract's examples are
/// `Q1AB2CD3EF4GH5` and `PT4KHLK`). No beginning of one looks like the other.
fn whole_id(word: &str) -> Option<IncidentId> {
    let id = word.to_ascii_uppercase();
    let long = match id.as_bytes().first() {
        Some(b'Q') => 14,
        Some(b'P') => 7,
        Some(_) | None => return None,
    };
    let fits = id.len() == long && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| IncidentId(id.into()))
}

/// As PagerDuty takes times: UTC, to the second, `Z`.
fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Remembers, and forgets all the others where there are too many.
fn remember<K: std::hash::Hash + Eq, V>(all: &mut HashMap<K, V>, key: K, value: V) {
    if all.len() >= REMEMBERED {
        all.clear();
    }
    all.insert(key, value);
}

impl Incidents for PagerDuty {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn total_timeout(&self) -> Duration {
        // One poll ahead of it, who we are where that is not known yet, and the request itself.
        self.timeout * 3
    }

    fn no_sooner_than(&self) -> Duration {
        match self.asker.allowance() {
            Some(allowance) if allowance.is_low() => SLOW,
            Some(_) | None => Duration::ZERO,
        }
    }

    fn acting_as(&self) -> BoxFuture<'_, BackendResult<ActingAs>> {
        Box::pin(async { Ok(self.me().await?.acting) })
    }

    fn list(&self, question: Question) -> BoxFuture<'_, BackendResult<Listing>> {
        Box::pin(async move { self.read_list(question).await.map_err(Refusal::into) })
    }

    fn incident(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Option<Incident>>> {
        Box::pin(async move { self.read_incident(&id).await.map_err(Refusal::into) })
    }

    fn recognises(&self, word: &str) -> Option<IncidentId> {
        whole_id(word)
    }

    fn alerts(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Vec<IncidentAlert>>> {
        Box::pin(async move { self.read_alerts(&id).await.map_err(Refusal::into) })
    }

    fn story(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Timeline>> {
        Box::pin(async move { self.read_story(&id).await.map_err(Refusal::into) })
    }

    fn story_since(&self, since: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Vec<(IncidentId, Event)>>> {
        Box::pin(async move { self.read_story_since(since).await.map_err(Refusal::into) })
    }

    fn on_call(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Roster>> {
        Box::pin(async move { self.read_on_call(from, to).await.map_err(Refusal::into) })
    }

    fn ladder(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Ladder>> {
        Box::pin(async move { self.read_ladder(&id).await.map_err(Refusal::into) })
    }

    fn directory(&self) -> BoxFuture<'_, BackendResult<Directory>> {
        Box::pin(async move { self.read_directory().await.map_err(Refusal::into) })
    }

    fn offers(&self, incident: &Incident, verb: Verb) -> Offer {
        self.offer(incident, verb)
    }

    fn send(&self, order: IncidentOrder) -> BoxFuture<'_, BackendResult<Receipt>> {
        Box::pin(self.send_once(order))
    }

    fn look_back(
        &self,
        order: IncidentOrder,
        since: DateTime<Utc>,
        seen: Seen,
    ) -> BoxFuture<'_, BackendResult<LookBack>> {
        Box::pin(async move {
            let found = self.find(&order, (since, Sent::Maybe), &seen).await;
            found.map_err(Refusal::into)
        })
    }

    fn look_before(&self, order: IncidentOrder, unsent: Unsent) -> BoxFuture<'_, BackendResult<LookBack>> {
        Box::pin(async move { self.find_before(&order, &unsent).await.map_err(Refusal::into) })
    }
}
