//! A keeper that tells what a test has it tell, and counts what it is asked.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use crate::backend::incidents::{
    Directory, IncidentAlert, IncidentOrder, Incidents, LookBack, Question, Receipt, Seen,
};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::domain::incident::{
    ActingAs, Incident, IncidentId, Ladder, Level, Listing, Named, Offer, Rung, Verb,
};
use crate::domain::oncall::{Duty, Roster};
use crate::domain::timeline::{Event, Timeline};

/// The keeper.
pub(super) struct Told {
    name: Arc<str>,
    pub incidents: Mutex<Vec<Incident>>,
    pub story: Mutex<Vec<Event>>,
    /// Seconds that it wants to be left alone for.
    pub scarce: AtomicU64,
    pub stories: AtomicUsize,
    pub ladders: AtomicUsize,
    /// Who is on call; nothing where it cannot be asked.
    pub roster: Mutex<Option<Vec<Duty>>>,
}

impl Told {
    pub fn called(name: &str) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

impl Default for Told {
    fn default() -> Self {
        Self {
            name: "incidents".into(),
            incidents: Mutex::default(),
            story: Mutex::default(),
            scarce: AtomicU64::new(0),
            stories: AtomicUsize::new(0),
            ladders: AtomicUsize::new(0),
            roster: Mutex::default(),
        }
    }
}

fn now<T: Send + 'static>(value: T) -> BoxFuture<'static, BackendResult<T>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Incidents for Told {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn total_timeout(&self) -> Duration {
        Duration::ZERO
    }

    fn no_sooner_than(&self) -> Duration {
        Duration::from_secs(self.scarce.load(Ordering::Relaxed))
    }

    fn acting_as(&self) -> BoxFuture<'_, BackendResult<ActingAs>> {
        unreachable!("nobody asks")
    }

    fn list(&self, _: Question) -> BoxFuture<'_, BackendResult<Listing>> {
        unreachable!("nobody asks")
    }

    fn incident(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Option<Incident>>> {
        let incidents = self.incidents.lock().unwrap();
        now(incidents.iter().find(|incident| incident.id == id).cloned())
    }

    fn alerts(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Vec<IncidentAlert>>> {
        now(Vec::new())
    }

    fn story(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Timeline>> {
        self.stories.fetch_add(1, Ordering::Relaxed);
        now(Timeline {
            events: self.story.lock().unwrap().clone(),
            partial: Vec::new(),
        })
    }

    fn story_since(&self, _: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Vec<(IncidentId, Event)>>> {
        unreachable!("nobody asks")
    }

    fn on_call(&self, _: DateTime<Utc>, _: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Roster>> {
        let told = self.roster.lock().unwrap().clone();
        let answer = told.map(|duties| Roster {
            duties,
            ..Roster::default()
        });
        let down = || BackendError {
            kind: ErrorKind::Unreachable,
            backend: Arc::clone(&self.name),
            tried: "GET /oncalls".to_owned(),
            detail: "connection refused".to_owned(),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::NotSent,
        };
        Box::pin(std::future::ready(answer.ok_or_else(down)))
    }

    /// Every policy wakes the next level after five minutes.
    fn ladder(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Ladder>> {
        self.ladders.fetch_add(1, Ordering::Relaxed);
        now(Ladder {
            policy: Named {
                id: "P".into(),
                name: "primary".into(),
            },
            rungs: vec![Rung {
                level: 1,
                delay_minutes: Some(5),
                people: Vec::new(),
            }],
            current: Level::Known(1),
            missed: None,
        })
    }

    fn directory(&self) -> BoxFuture<'_, BackendResult<Directory>> {
        unreachable!("nobody asks")
    }

    fn offers(&self, _: &Incident, _: Verb) -> Offer {
        Offer::Yes
    }

    fn send(&self, _: IncidentOrder) -> BoxFuture<'_, BackendResult<Receipt>> {
        unreachable!("nobody asks")
    }

    fn look_back(
        &self,
        _: IncidentOrder,
        _: DateTime<Utc>,
        _: Seen,
    ) -> BoxFuture<'_, BackendResult<LookBack>> {
        unreachable!("nobody asks")
    }
}
