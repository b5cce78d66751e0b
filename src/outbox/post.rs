//! Where entries go: one request each, and looks for what became of it.
//!
//! [`Post`] is what the courier sends through; tests script it. [`Poster`] is the real one, over the backends of
//! a context. It repeats nothing and decides nothing: it says what it heard.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::{Entry, Payload, Sight};
use crate::backend::alerts::{Alerts, SilenceDraft, write};
use crate::backend::incidents::{IncidentOrder, Incidents, LookBack, Receipt, Unsent};
use crate::backend::{BackendError, BackendResult, Backends, Delivery, ErrorKind};
use crate::domain::incident::IncidentId;

/// What a backend has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// What it calls it: (source, id).
    pub remote_ids: Vec<(Arc<str>, Arc<str>)>,
    /// In words; remote text, not yet safe.
    pub words: String,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    Done(Delivered),
    /// It is not, and what it is about is as it was.
    Absent,
    /// Somebody has changed what it is about, in words.
    Changed(String),
    /// It cannot be told, in words.
    Unclear(String),
    /// Nobody who could be asked has it, and not everybody could be asked, in words.
    Unasked(String),
    /// What it is about is gone, in words.
    Vanished(String),
}

/// Sends entries.
pub trait Post: Send + Sync + 'static {
    /// The longest that a request for it may be under way; it is cut off then.
    fn total_timeout(&self, payload: &Payload) -> Duration;

    /// Sends it, once.
    fn send(&self, entry: Arc<Entry>) -> BoxFuture<'_, BackendResult<Delivered>>;

    /// Looks whether it is there. `since` is when the first request for it was written, or when it was asked
    /// for where none was, on the clock as it goes now.
    fn look_back(&self, entry: Arc<Entry>, since: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Found>>;

    /// Looks, before it is sent for the first time, whether what it is about is as its maker saw it.
    fn look_before(&self, entry: Arc<Entry>, asked: Asked) -> BoxFuture<'_, BackendResult<Found>> {
        self.look_back(entry, asked.at)
    }
}

/// An entry that was never sent, on the clock as it goes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// Escalations of its incident until then were in sight in the outbox.
    pub known: Option<DateTime<Utc>>,
    /// Whether whoever asked for it saw what it is about.
    pub sight: Sight,
}

/// The longest that a silence's write and its read-back may take, all members of a cluster tried.
const SILENCE_TOTAL: Duration = Duration::from_secs(20);

/// The real one.
#[derive(Clone)]
pub struct Poster {
    backends: Arc<Backends>,
}

impl Poster {
    /// Over the backends of one context.
    pub fn new(backends: Arc<Backends>) -> Self {
        Self { backends }
    }

    fn keeper(&self, incident: &IncidentId) -> BackendResult<&Arc<dyn Incidents>> {
        let (keeper, what) = if incident.is_local() {
            (&self.backends.local_incidents, "local incidents")
        } else {
            (&self.backends.incidents, "incidents")
        };
        keeper.as_ref().ok_or_else(|| {
            missing(
                what,
                "nobody keeps them in this context; configure it again, or drop the act",
            )
        })
    }

    /// The members that a silence may be written to: those that were known when it was asked for, or those of the
    /// cluster's own name.
    fn members(&self, cluster: &str, members: &[Arc<str>]) -> BackendResult<Vec<Arc<dyn Alerts>>> {
        let mut found: Vec<Arc<dyn Alerts>> = Vec::new();
        let named = |name: &str| {
            let all = self.backends.writable.iter();
            all.into_iter().find(|source| **source.name() == *name).cloned()
        };
        for name in members.iter().map(|name| &**name).chain([cluster]) {
            if let Some(member) = named(name)
                && !found.iter().any(|known| known.name() == member.name())
            {
                found.push(member);
            }
        }
        if found.is_empty() {
            return Err(missing(
                "alertmanagers",
                &format!("cluster {cluster} has no member that may be written to"),
            ));
        }
        Ok(found)
    }

    async fn deliver(&self, entry: &Entry) -> BackendResult<Delivered> {
        match &entry.payload {
            Payload::Silence {
                cluster,
                members,
                matchers,
                starts_at,
                ends_at,
                comment,
                ..
            } => {
                let draft = SilenceDraft {
                    id: None,
                    matchers: matchers.clone(),
                    starts_at: *starts_at,
                    ends_at: *ends_at,
                    created_by: entry.actor.to_string(),
                    comment: comment.clone(),
                };
                let done = match &entry.payload.asks_when_late() {
                    true => format!("acknowledged until {}", ends_at.format("%H:%MZ")),
                    false => format!("silenced until {}", ends_at.format("%Y-%m-%d %H:%MZ")),
                };
                let written = write::make(&self.members(cluster, members)?, draft, &entry.marker).await?;
                Ok(told(written, &done))
            }
            Payload::ExtendSilence {
                cluster,
                members,
                id,
                until,
                ..
            } => {
                let written = write::extend(&self.members(cluster, members)?, id, *until).await?;
                Ok(told(written, &extended(*until)))
            }
            Payload::ExpireSilence {
                cluster,
                members,
                id,
                hands_back,
            } => {
                let written = write::expire(&self.members(cluster, members)?, id).await?;
                Ok(told(written, expired(hands_back.is_empty())))
            }
            Payload::Incident { incident, .. } => {
                let keeper = self.keeper(incident)?;
                let order = order(entry).ok_or_else(|| missing("incidents", "no act on an incident"))?;
                let receipt = keeper.send(order).await?;
                Ok(received(keeper.name(), receipt))
            }
            Payload::Annotation(draft) => {
                let annotations = self.annotations()?;
                let id = annotations.create(draft.clone(), entry.marker.clone()).await?;
                Ok(Delivered {
                    remote_ids: vec![(Arc::clone(annotations.name()), id)],
                    words: String::new(),
                })
            }
        }
    }

    async fn look(&self, entry: &Entry, since: DateTime<Utc>) -> BackendResult<Found> {
        match &entry.payload {
            Payload::Silence { cluster, members, .. } => {
                // Whoever is in the cluster now may have heard of it, and who has left may not.
                write::find(&self.backends.alertmanagers, cluster, members, &entry.marker).await
            }
            Payload::ExtendSilence {
                cluster,
                members,
                id,
                until,
                ..
            } => write::find_extended(&self.members(cluster, members)?, id, *until).await,
            Payload::ExpireSilence {
                cluster,
                members,
                id,
                hands_back,
            } => {
                let done = expired(hands_back.is_empty());
                write::find_expired(&self.members(cluster, members)?, id, done).await
            }
            Payload::Incident { incident, seen, .. } => {
                let keeper = self.keeper(incident)?;
                let order = order(entry).ok_or_else(|| missing("incidents", "no act on an incident"))?;
                let found = keeper.look_back(order, since, seen.clone()).await?;
                Ok(heard(keeper.name(), found))
            }
            Payload::Annotation(draft) => {
                let annotations = self.annotations()?;
                let found = annotations.find(draft.at, entry.marker.clone()).await?;
                Ok(found.map_or(Found::Absent, |id| {
                    Found::Done(Delivered {
                        remote_ids: vec![(Arc::clone(annotations.name()), id)],
                        words: String::new(),
                    })
                }))
            }
        }
    }

    async fn look_ahead(&self, entry: &Entry, asked: Asked) -> BackendResult<Found> {
        let Payload::Incident { incident, seen, .. } = &entry.payload else {
            return self.look(entry, asked.at).await;
        };
        let keeper = self.keeper(incident)?;
        let order = order(entry).ok_or_else(|| missing("incidents", "no act on an incident"))?;
        let unsent = Unsent {
            asked: asked.at,
            seen: seen.clone(),
            known: asked.known,
            sight: asked.sight,
        };
        Ok(heard(keeper.name(), keeper.look_before(order, unsent).await?))
    }

    fn annotations(&self) -> BackendResult<&Arc<dyn crate::backend::annotations::Annotations>> {
        let configured = self.backends.annotations.as_ref();
        configured.ok_or_else(|| missing("annotations", "none are configured in this context"))
    }
}

fn order(entry: &Entry) -> Option<IncidentOrder> {
    let Payload::Incident { incident, act, .. } = &entry.payload else {
        return None;
    };
    Some(IncidentOrder {
        incident: incident.clone(),
        act: act.clone(),
        marker: entry.marker.clone(),
        actor: Arc::clone(&entry.actor),
        key: entry.marker.digits().into(),
    })
}

fn heard(keeper: &Arc<str>, found: LookBack) -> Found {
    match found {
        LookBack::Done(receipt) => Found::Done(received(keeper, receipt)),
        LookBack::Absent => Found::Absent,
        LookBack::Changed(why) => Found::Changed(why),
        LookBack::Unclear(why) => Found::Unclear(why),
        LookBack::Vanished => Found::Vanished("the incident is gone".to_owned()),
    }
}

fn received(keeper: &Arc<str>, receipt: Receipt) -> Delivered {
    Delivered {
        remote_ids: receipt
            .remote_id
            .map(|id| (Arc::clone(keeper), id))
            .into_iter()
            .collect(),
        words: receipt.remark.unwrap_or_default(),
    }
}

fn told(mut written: Delivered, done: &str) -> Delivered {
    written.words = if written.words.is_empty() {
        done.to_owned()
    } else {
        format!("{done}; {}", written.words)
    };
    written
}

fn extended(until: DateTime<Utc>) -> String {
    format!("extended until {}", until.format("%Y-%m-%d %H:%MZ"))
}

fn expired(plain: bool) -> &'static str {
    if plain { "expired" } else { "handed back" }
}

/// Nothing to send it to: it waits.
fn missing(backend: &str, detail: &str) -> BackendError {
    BackendError {
        kind: ErrorKind::Unreachable,
        backend: backend.into(),
        tried: "sending".to_owned(),
        detail: detail.to_owned(),
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery: Delivery::NotSent,
    }
}

impl Post for Poster {
    fn total_timeout(&self, payload: &Payload) -> Duration {
        let known = match payload {
            Payload::Silence { .. } | Payload::ExtendSilence { .. } | Payload::ExpireSilence { .. } => None,
            Payload::Incident { incident, .. } => {
                self.keeper(incident).ok().map(|keeper| keeper.total_timeout())
            }
            Payload::Annotation(_) => self
                .annotations()
                .ok()
                .map(|annotations| annotations.total_timeout()),
        };
        known.unwrap_or(SILENCE_TOTAL)
    }

    fn send(&self, entry: Arc<Entry>) -> BoxFuture<'_, BackendResult<Delivered>> {
        Box::pin(async move { self.deliver(&entry).await })
    }

    fn look_back(&self, entry: Arc<Entry>, since: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Found>> {
        Box::pin(async move { self.look(&entry, since).await })
    }

    fn look_before(&self, entry: Arc<Entry>, asked: Asked) -> BoxFuture<'_, BackendResult<Found>> {
        Box::pin(async move { self.look_ahead(&entry, asked).await })
    }
}
