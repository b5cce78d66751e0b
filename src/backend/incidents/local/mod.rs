//! Incidents of our own, kept in the journal of this host.
//!
//! [`Local`] is the keeper as panes and commands know it; [`house`] is what the configuration says of its
//! context, and the transactions that change an incident. Every act is one transaction that is kept by its key,
//! so that it is either there or not: nothing here is ever unclear.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::{
    Directory, IncidentAlert, IncidentOrder, Incidents, LookBack, Over, Question, Receipt, Seen, Unsent,
    Whose,
};
use crate::backend::http::Wires;
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::config::{Config, Context};
use crate::domain::incident::local::{self, Declaration, LocalIncident, Refusal};
use crate::domain::incident::{
    ActingAs, Incident, IncidentAct, IncidentId, Ladder, Level, Listing, Named, Offer, Person, Severity, Verb,
};
use crate::domain::oncall::Roster;
use crate::domain::timeline::{Event, EventKind, Timeline};
use crate::journal::incidents::LeftOut;
use crate::journal::{Journal, JournalError, JournalResult, Tx, incidents};
use crate::notify::Courier;
use crate::time::Clock;

pub mod house;

#[cfg(test)]
mod tests;

pub use house::{House, Look, ONLY_WHILE_OPEN, Sharing};

/// The longest that a transaction waits for other processes' and its commit takes.
const TOTAL: Duration = Duration::from_secs(10);

/// The keeper of local incidents of one context.
#[derive(Clone)]
pub struct Local {
    name: Arc<str>,
    journal: Journal,
    house: Arc<House>,
    clock: Clock,
}

impl Local {
    /// For one context, acting as the identity of the configuration.
    pub fn new(journal: Journal, config: &Config, context: &Context, clock: Clock) -> Self {
        Self {
            name: local::SOURCE.into(),
            journal,
            house: Arc::new(House::new(config, context)),
            clock,
        }
    }

    /// What the configuration says of it.
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// What is limited about it, for the header and the list: `local to you`, `escalates only while a console
    /// is open`.
    pub fn remarks(&self) -> Vec<String> {
        self.house.remarks()
    }

    /// Who sends its notifications. A console's warden does; a command sends them itself after its act.
    pub fn courier(&self, wires: Arc<Wires>) -> Courier {
        Courier::new(
            self.journal.clone(),
            Arc::clone(&self.house.context),
            &self.house.notify,
            wires,
            self.clock,
        )
    }

    /// Opens an incident and wakes the first level of its policy.
    pub async fn declare(&self, asked: Declaration) -> JournalResult<LocalIncident> {
        let (house, at) = (Arc::clone(&self.house), self.clock.stamp());
        self.journal.write(move |tx| house.declare(tx, &asked, &at)).await
    }

    /// Leaves a missed level asleep (see [`local::Missed`]); to wake it, escalate to it. Which level it was; nothing
    /// where none was missed.
    pub async fn leave(&self, id: &IncidentId) -> JournalResult<Option<u32>> {
        let Some(number) = LocalIncident::number_of(id) else {
            return Ok(None);
        };
        let (house, at) = (Arc::clone(&self.house), self.clock.stamp());
        self.journal.write(move |tx| house.leave(tx, number, &at)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Tx<'_>, &House) -> JournalResult<T> + Send + 'static,
    ) -> BackendResult<T> {
        let house = Arc::clone(&self.house);
        let read = self.journal.read(move |tx| job(tx, &house)).await;
        read.map_err(|error| self.failed("a read of the journal", &error))
    }

    async fn record(&self, id: &IncidentId) -> BackendResult<Option<LocalIncident>> {
        let Some(number) = LocalIncident::number_of(id) else {
            return Ok(None);
        };
        self.read(move |tx, house| incidents::find(tx, &house.context, number))
            .await
    }

    async fn known(&self, id: &IncidentId) -> BackendResult<LocalIncident> {
        let record = self.record(id).await?;
        record.ok_or_else(|| self.refused(id, format!("there is no {id} in {}", self.house.context)))
    }

    fn failed(&self, tried: &str, error: &JournalError) -> BackendError {
        BackendError {
            kind: ErrorKind::Unreachable,
            backend: Arc::clone(&self.name),
            tried: tried.to_owned(),
            detail: error.to_string(),
            mend: String::new(),
            status: None,
            retry_after: None,
            // A transaction that failed left nothing; only where its thread vanished is that not known.
            delivery: match error {
                JournalError::Closed => Delivery::Unknown,
                _ => Delivery::NotSent,
            },
        }
    }

    fn refused(&self, id: &IncidentId, why: impl Into<String>) -> BackendError {
        BackendError {
            kind: ErrorKind::Rejected,
            backend: Arc::clone(&self.name),
            tried: id.to_string(),
            detail: why.into(),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    fn receipt(&self, incident: &LocalIncident, remark: Option<String>) -> Receipt {
        Receipt {
            remote_id: Some(incident.id().0),
            incident: Some(incident.incident(&self.house.on_call)),
            remark,
        }
    }
}

impl Incidents for Local {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn total_timeout(&self) -> Duration {
        TOTAL
    }

    fn acting_as(&self) -> BoxFuture<'_, BackendResult<ActingAs>> {
        Box::pin(async move {
            Ok(ActingAs {
                person: self.house.us(),
                conflict: None,
            })
        })
    }

    fn list(&self, question: Question) -> BoxFuture<'_, BackendResult<Listing>> {
        Box::pin(async move {
            let (records, left_out) = self
                .read(move |tx, house| incidents::list(tx, &house.context, question.ended_since))
                .await?;
            let us = self.house.us();
            let ours = |incident: &Incident| match question.whose {
                // Whoever shares the journal is one team.
                Whose::All | Whose::Team => true,
                Whose::Mine => incident.assignees.iter().any(|person| person.id == us.id),
            };
            Ok(Listing {
                incidents: records
                    .iter()
                    .map(|record| record.incident(&self.house.on_call))
                    .filter(ours)
                    .collect(),
                partial: partial(left_out, "older incidents are left out"),
            })
        })
    }

    fn incident(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Option<Incident>>> {
        Box::pin(async move {
            let record = self.record(&id).await?;
            Ok(record.map(|record| record.incident(&self.house.on_call)))
        })
    }

    fn alerts(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Vec<IncidentAlert>>> {
        Box::pin(async move {
            let record = self.known(&id).await?;
            let alerts = record.alerts.iter().map(|alert| {
                let key: Arc<str> = alert.occurrence.fingerprint.to_string().into();
                IncidentAlert {
                    id: Arc::clone(&key),
                    key: Some(key),
                    title: Arc::clone(&alert.name),
                    severity: alert.severity.clone(),
                    created_at: alert.occurrence.starts_at,
                    // The board knows better while it lists it; an incident that is over keeps none alive.
                    resolved: if record.status.is_open() {
                        Over::No
                    } else {
                        Over::Yes
                    },
                    details: Vec::new(),
                }
            });
            Ok(alerts.collect())
        })
    }

    fn story(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Timeline>> {
        Box::pin(async move {
            let number = self.known(&id).await?.number;
            let (events, left_out) = self.read(move |tx, _| incidents::story(tx, number)).await?;
            Ok(Timeline {
                events,
                partial: partial(left_out, "its older events are left out")
                    .into_iter()
                    .collect(),
            })
        })
    }

    fn story_since(&self, since: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Vec<(IncidentId, Event)>>> {
        Box::pin(self.read(move |tx, house| incidents::story_since(tx, &house.context, since)))
    }

    fn on_call(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Roster>> {
        Box::pin(async move { Ok(self.house.on_call.roster(from, to)) })
    }

    fn ladder(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Ladder>> {
        Box::pin(async move {
            let record = self.known(&id).await?;
            let Some(name) = &record.policy else {
                return Err(self.refused(&id, "it has no escalation policy; reassign it to one"));
            };
            let Some(policy) = self.house.on_call.policy(name) else {
                let why = format!("its policy {name} is not configured any more; reassign it to another");
                return Err(self.refused(&id, why));
            };
            let current = match record.level {
                0 => Level::Unknown,
                level => Level::Known(level),
            };
            let ladder = self.house.on_call.ladder(policy, self.clock.now().utc, current);
            Ok(Ladder {
                missed: record.missed.clone(),
                ..ladder
            })
        })
    }

    fn directory(&self) -> BoxFuture<'_, BackendResult<Directory>> {
        Box::pin(async move {
            let (on_call, now) = (&self.house.on_call, self.clock.now().utc);
            let mut people: Vec<Person> = on_call.people.clone();
            people.sort_by(|a, b| a.name.cmp(&b.name));
            let mut policies: Vec<(Named, Vec<Person>)> = on_call
                .policies
                .iter()
                .map(|policy| {
                    let first = policy.level(1).map(|level| on_call.woken(level, now));
                    (policy.named(), first.unwrap_or_default())
                })
                .collect();
            policies.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
            Ok(Directory {
                people,
                policies,
                priorities: Severity::ALL
                    .map(|severity| Named {
                        id: severity.word().into(),
                        name: severity.word().into(),
                    })
                    .to_vec(),
                partial: Vec::new(),
            })
        })
    }

    fn offers(&self, incident: &Incident, verb: Verb) -> Offer {
        match local::refusal(incident, verb, &self.house.on_call) {
            None => Offer::Yes,
            Some(Refusal(why)) => Offer::No(why.into()),
        }
    }

    fn send(&self, order: IncidentOrder) -> BoxFuture<'_, BackendResult<Receipt>> {
        Box::pin(async move {
            let id = order.incident.clone();
            let Some(number) = LocalIncident::number_of(&id) else {
                return Err(self.refused(&id, "it is no local incident"));
            };
            let (house, at) = (Arc::clone(&self.house), self.clock.stamp());
            let done = self
                .journal
                .write(move |tx| house.act(tx, number, &order, &at))
                .await
                .map_err(|error| self.failed("a change of the journal", &error))?;
            match done {
                Ok((incident, remark)) => Ok(self.receipt(&incident, remark)),
                Err(Refusal(why)) => Err(self.refused(&id, why)),
            }
        })
    }

    fn look_back(
        &self,
        order: IncidentOrder,
        _since: DateTime<Utc>,
        seen: Seen,
    ) -> BoxFuture<'_, BackendResult<LookBack>> {
        Box::pin(async move {
            let Some(number) = LocalIncident::number_of(&order.incident) else {
                return Ok(LookBack::Vanished);
            };
            let key = Arc::clone(&order.key);
            let (record, done) = self
                .read(move |tx, house| {
                    Ok((
                        incidents::find(tx, &house.context, number)?,
                        incidents::done(tx, &key)?,
                    ))
                })
                .await?;
            let Some(record) = record else {
                return Ok(LookBack::Vanished);
            };
            if let Some(done) = done {
                return Ok(LookBack::Done(self.receipt(&record, done.remark)));
            }
            Ok(match changed(&record, &order.act, &seen) {
                Some(words) => LookBack::Changed(words),
                None => LookBack::Absent,
            })
        })
    }

    fn look_before(&self, order: IncidentOrder, unsent: Unsent) -> BoxFuture<'_, BackendResult<LookBack>> {
        if !matches!(order.act, IncidentAct::Escalate { .. }) {
            return self.look_back(order, unsent.asked, unsent.seen);
        }
        Box::pin(async move {
            let id = order.incident.clone();
            let Some(record) = self.record(&id).await? else {
                return Ok(LookBack::Vanished);
            };
            let seen = &unsent.seen;
            if record.changed_at == seen.changed_at {
                return Ok(LookBack::Absent);
            }
            if record.changed_at < seen.changed_at {
                // The clock was set back: what came after what cannot be told.
                let words = changed(&record, &order.act, seen);
                return Ok(words.map_or(LookBack::Absent, LookBack::Changed));
            }
            let from = seen.changed_at;
            let told = self
                .read(move |tx, house| incidents::story_since(tx, &house.context, from))
                .await?;
            let mut events = told.iter().rev().filter(|(of, _)| *of == id);
            let news = events.find_map(|(_, event)| news(event, &order.actor, &unsent));
            Ok(news.map_or(LookBack::Absent, LookBack::Changed))
        })
    }
}

/// What an event tells that whoever asked for an escalation did not know: any other escalation, and what others did
/// with the incident; not what they did themselves.
fn news(event: &Event, asker: &str, unsent: &Unsent) -> Option<String> {
    if event.at <= unsent.seen.changed_at {
        return None;
    }
    let ours = event.actor.as_deref() == Some(asker);
    let is_news = match event.kind {
        EventKind::Escalated => Some(event.at) > unsent.known,
        EventKind::Assigned => !ours && Some(event.at) > unsent.known,
        EventKind::Acknowledged | EventKind::Unacknowledged => !ours,
        EventKind::Resolved => true,
        EventKind::AlertFired
        | EventKind::AlertResolved
        | EventKind::AlertGone
        | EventKind::BurnStarted
        | EventKind::BurnStopped
        | EventKind::Triggered
        | EventKind::Note
        | EventKind::StatusUpdate
        | EventKind::Deploy
        | EventKind::Command
        | EventKind::Silence
        | EventKind::Other => false,
    };
    is_news.then(|| {
        let who = event.actor.as_deref().filter(|who| *who != local::SOURCE);
        let by = who.map_or_else(String::new, |who| format!(" by {who}"));
        format!("{}{by} at {} UTC", event.text, event.at.format("%H:%M:%S"))
    })
}

/// What somebody else did since an act was asked for; words are added whatever happened.
fn changed(record: &LocalIncident, act: &IncidentAct, seen: &Seen) -> Option<String> {
    match act.verb() {
        Verb::Note | Verb::StatusUpdate => return None,
        Verb::Acknowledge
        | Verb::Resolve
        | Verb::Escalate
        | Verb::Reassign
        | Verb::Page
        | Verb::Snooze
        | Verb::Merge
        | Verb::Priority
        | Verb::Advance
        | Verb::Assign => {}
    }
    if record.status != seen.status {
        let by = record
            .acknowledgements
            .last()
            .map(|(person, at)| format!(" (acknowledged by {} at {}Z)", person.name, at.format("%H:%M")));
        return Some(format!(
            "it is {} now and was {}{}",
            record.status.word(),
            seen.status.word(),
            by.unwrap_or_default()
        ));
    }
    (record.changed_at != seen.changed_at).then(|| {
        format!(
            "it changed at {}Z: {} has it, level {}",
            record.changed_at.format("%H:%M"),
            local::names(&record.assignees),
            record.level
        )
    })
}

fn partial(left_out: LeftOut, words: &str) -> Option<String> {
    match left_out {
        LeftOut::None => None,
        LeftOut::Some => Some(words.to_owned()),
    }
}
