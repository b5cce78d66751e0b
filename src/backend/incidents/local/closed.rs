//! The keeper of local incidents while their journal is not open: nothing was kept yet, or it cannot be read.
//!
//! Who is on call is the configuration's and is told all the same. What only the journal knows is nothing where there
//! is no journal yet, and an error where there is one: an empty answer would be taken for a quiet night.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, ready};

use super::super::{Directory, IncidentAlert, IncidentOrder, Incidents, LookBack, Question, Receipt, Seen};
use super::{House, TOTAL, directory};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::config::{Config, Context};
use crate::domain::incident::local;
use crate::domain::incident::{ActingAs, Incident, IncidentId, Ladder, Listing, Offer, Verb};
use crate::domain::oncall::Roster;
use crate::domain::timeline::{Event, Timeline};
use crate::time::Clock;

/// Answers from the configuration alone.
pub struct Closed {
    name: Arc<str>,
    house: House,
    /// Why the journal cannot be read; nothing where there is none yet.
    why: Option<String>,
    clock: Clock,
}

impl Closed {
    /// Of a context whose journal nobody made yet.
    pub fn empty(config: &Config, context: &Context, clock: Clock) -> Self {
        Self {
            name: local::SOURCE.into(),
            house: House::new(config, context),
            why: None,
            clock,
        }
    }

    /// Of a context whose journal is there and cannot be read.
    pub fn unreadable(config: &Config, context: &Context, clock: Clock, why: &str) -> Self {
        Self {
            why: Some(why.to_owned()),
            ..Self::empty(config, context, clock)
        }
    }

    fn answer<T: Send + 'static>(&self, nothing: T) -> BoxFuture<'_, BackendResult<T>> {
        let answer = match &self.why {
            None => Ok(nothing),
            Some(why) => Err(self.failed(why)),
        };
        Box::pin(ready(answer))
    }

    fn failed(&self, why: &str) -> BackendError {
        BackendError {
            kind: ErrorKind::Unreachable,
            backend: Arc::clone(&self.name),
            tried: "local incidents are not known".to_owned(),
            detail: why.to_owned(),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::NotSent,
        }
    }

    fn missing<T: Send + 'static>(&self, id: &IncidentId) -> BoxFuture<'_, BackendResult<T>> {
        let none = format!("there is no {id} in {}", self.house.context);
        Box::pin(ready(Err(self.failed(self.why.as_deref().unwrap_or(&none)))))
    }
}

impl Incidents for Closed {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn total_timeout(&self) -> Duration {
        TOTAL
    }

    fn acting_as(&self) -> BoxFuture<'_, BackendResult<ActingAs>> {
        Box::pin(ready(Ok(ActingAs {
            person: self.house.us(),
            conflict: None,
        })))
    }

    fn list(&self, _: Question) -> BoxFuture<'_, BackendResult<Listing>> {
        self.answer(Listing {
            incidents: Vec::new(),
            partial: None,
        })
    }

    fn incident(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Option<Incident>>> {
        self.answer(None)
    }

    fn alerts(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Vec<IncidentAlert>>> {
        self.missing(&id)
    }

    fn story(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Timeline>> {
        self.missing(&id)
    }

    fn story_since(&self, _: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Vec<(IncidentId, Event)>>> {
        self.answer(Vec::new())
    }

    fn on_call(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Roster>> {
        Box::pin(ready(Ok(self.house.on_call.roster(from, to))))
    }

    fn ladder(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Ladder>> {
        self.missing(&id)
    }

    fn directory(&self) -> BoxFuture<'_, BackendResult<Directory>> {
        let now = self.clock.now().utc;
        Box::pin(ready(Ok(directory(&self.house.on_call, now))))
    }

    fn offers(&self, _: &Incident, _: Verb) -> Offer {
        Offer::No("its journal is not open".into())
    }

    fn send(&self, order: IncidentOrder) -> BoxFuture<'_, BackendResult<Receipt>> {
        self.missing(&order.incident)
    }

    fn look_back(
        &self,
        order: IncidentOrder,
        _: DateTime<Utc>,
        _: Seen,
    ) -> BoxFuture<'_, BackendResult<LookBack>> {
        self.missing(&order.incident)
    }
}
