//! What must not wait in silence: an escalation that is not delivered, and who to phone instead.

use std::time::Duration;

use super::Model;
use super::acts::{Act, Stage};
use super::incidents::called;
use crate::domain::incident::{IncidentAct, IncidentId, Person};
use crate::outbox::{Payload, State};
use crate::time::Now;

/// An escalation is given this long to arrive before it is called undelivered.
const PATIENCE: Duration = Duration::from_secs(5);

/// An escalation that nobody has heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered<'a> {
    /// What the incident is called.
    pub label: &'a str,
    /// The level that is not woken.
    pub to: u32,
    /// For how long.
    pub age: Duration,
    /// What stands in its way.
    pub why: Hindrance,
    /// Who stands on that level, from the last roster.
    pub phone: Vec<&'a Person>,
}

/// What stands in the way of an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// It could not be put on the disk.
    NotSaved,
    /// It is not clear whether it arrived: the engineer is asked.
    Asks,
    /// It does not get through.
    NotDelivered,
}

/// The oldest undelivered escalation, and how many there are.
pub fn undelivered(model: &Model, now: Now) -> Option<(Undelivered<'_>, usize)> {
    let unsaved = model
        .acts
        .pending
        .iter()
        .filter_map(|pending| match (&pending.act, pending.stage) {
            (
                Act::Incident {
                    incident,
                    act: IncidentAct::Escalate { to },
                    label,
                    ..
                },
                Stage::Unsaved { since },
            ) => Some((
                incident,
                &**label,
                *to,
                now.tick.since(since),
                Hindrance::NotSaved,
            )),
            (_, _) => None,
        });
    let queued = model.outbox.open().filter_map(|entry| {
        let Payload::Incident {
            incident,
            act: IncidentAct::Escalate { to },
            label,
            ..
        } = &entry.payload
        else {
            return None;
        };
        let age = (now.utc - entry.created_at).to_std().unwrap_or_default();
        let why = if entry.state == State::NeedsDecision {
            Hindrance::Asks
        } else {
            Hindrance::NotDelivered
        };
        (why == Hindrance::Asks || age >= PATIENCE).then_some((incident, &**label, *to, age, why))
    });
    let all: Vec<_> = unsaved.chain(queued).collect();
    let (incident, label, to, age, why) = all.iter().max_by_key(|(_, _, _, age, _)| *age).copied()?;
    let undelivered = Undelivered {
        label,
        to,
        age,
        why,
        phone: on_level(model, incident, to, now),
    };
    Some((undelivered, all.len()))
}

/// Who stands on a level of an incident's policy, as the last roster has it.
fn on_level<'a>(model: &'a Model, incident: &IncidentId, level: u32, now: Now) -> Vec<&'a Person> {
    let Some(roster) = model.incidents.roster.value() else {
        return Vec::new();
    };
    let incident = model.incidents.incident(incident);
    let policy = incident.and_then(|incident| incident.policy.as_ref());
    roster
        .at(now.utc)
        .filter(|duty| duty.level == level && policy.is_none_or(|policy| policy.id == duty.policy.id))
        .map(|duty| &duty.person)
        .collect()
}

/// Who is on call now and who is next: of the followed incident's policy, else of the first.
pub fn on_call(model: &Model, now: Now) -> Option<(String, Option<String>)> {
    let roster = model.incidents.roster.value()?;
    let followed = model.incidents.followed.as_ref();
    let policy = followed
        .and_then(|id| model.incidents.incident(id))
        .and_then(|incident| incident.policy.as_ref());
    let first = || roster.at(now.utc).filter(|duty| duty.level == 1);
    let duty = first()
        .find(|duty| policy.is_some_and(|policy| policy.id == duty.policy.id))
        .or_else(|| first().next())?;
    let next = roster
        .duties
        .iter()
        .filter(|other| other.policy.id == duty.policy.id && other.level == 1)
        .filter(|other| other.person.id != duty.person.id)
        .filter_map(|other| Some((other.start.filter(|start| *start > now.utc)?, other)))
        .min_by_key(|(start, _)| *start)
        .map(|(_, other)| called(&other.person));
    Some((called(&duty.person), next))
}
