//! What must not wait in silence: an escalation that is not delivered, and who to phone instead.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Model;
use super::acts::{Act, Stage};
use super::incidents::short;
use crate::domain::incident::{IncidentAct, IncidentId, Person};
use crate::domain::oncall::Duty;
use crate::notify::Whom;
use crate::outbox::{Entry, EntryId, OutboxView, State};
use crate::time::{Now, Tick};

/// An escalation is given this long to arrive before it is called undelivered.
const PATIENCE: Duration = Duration::from_secs(5);

/// An escalation that nobody has heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered<'a> {
    /// What the incident is called.
    pub label: Cow<'a, str>,
    /// The level that is not woken; nothing where somebody was to be told by name.
    pub to: Option<u32>,
    /// For how long.
    pub age: Duration,
    /// What stands in its way.
    pub why: Hindrance,
    /// The same in the keeper's words, where it said something; not yet safe.
    pub said: Option<&'a str>,
    /// Who is to be phoned instead.
    pub phone: Vec<Phone<'a>>,
}

/// Somebody to be phoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phone<'a> {
    /// Who.
    pub person: &'a Person,
    /// The policy by which they are on call, where that of the incident is not known; not yet safe.
    pub policy: Option<&'a str>,
    /// When they were known to be on call, where that was not just now.
    pub as_of: Option<DateTime<Utc>>,
}

/// What stands in the way of an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// It is on its way to the disk for longer than that should take.
    Saving,
    /// It could not be put on the disk.
    NotSaved,
    /// It was refused: nobody is woken, and nothing is tried again.
    Refused,
    /// It is not clear whether it arrived: the engineer is asked.
    Asks,
    /// It was done, and none of the people that it was to wake could be told.
    NobodyReached,
    /// A page reached some of those it was for, and the others by no way.
    NotAllReached,
    /// It does not get through.
    NotDelivered,
}

/// Escalations of the outbox as far as they matter for longer than they stand in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Escalations {
    /// When each was first seen here, and its age then: from there on ages go by the clock that nobody sets.
    met: BTreeMap<EntryId, (Tick, Duration)>,
    /// Those that were refused and are neither dismissed nor escalated anew, oldest first.
    refused: Vec<Refused>,
    dismissed: BTreeSet<EntryId>,
}

/// An escalation that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    id: EntryId,
    incident: IncidentId,
    label: Arc<str>,
    to: u32,
    why: Arc<str>,
    met: (Tick, Duration),
}

impl Escalations {
    /// Takes in the outbox as it stands. `identity` is whose refusals matter here.
    pub fn look(&mut self, view: &OutboxView, identity: &str, now: Now) {
        let all = || {
            view.entries
                .iter()
                .filter_map(|entry| Some((entry, entry.payload.escalation()?)))
        };
        for (entry, (incident, label, to)) in all() {
            let age = (now.utc - entry.created_at).to_std().unwrap_or_default();
            let met = *self.met.entry(entry.id).or_insert((now.tick, age));
            let is_known = self.refused.iter().any(|refused| refused.id == entry.id);
            if entry.state == State::Failed
                && *entry.actor == *identity
                && !is_known
                && !self.dismissed.contains(&entry.id)
            {
                self.refused.push(Refused {
                    id: entry.id,
                    incident: incident.clone(),
                    label: Arc::clone(label),
                    to,
                    why: Arc::clone(&entry.outcome),
                    met,
                });
            }
        }
        self.refused.retain(|refused| {
            let anew = |(entry, (incident, ..)): (&Entry, (&IncidentId, _, _))| {
                entry.id > refused.id && *incident == refused.incident
            };
            !all().any(anew)
        });
        // What left the outbox is neither open nor new.
        self.met.retain(|id, _| view.entry(*id).is_some());
    }

    fn age(&self, id: EntryId, now: Now) -> Duration {
        let met = self.met.get(&id);
        met.map_or(Duration::ZERO, |(at, age)| *age + now.tick.since(*at))
    }

    /// The refused one that has been in sight for longest, for a question: its number and what it was.
    pub fn refused(&self) -> Option<(EntryId, String)> {
        let first = self.refused.first()?;
        Some((first.id, format!("{} to level {}", first.label, first.to)))
    }

    /// The engineer knows of it; whether it was in sight.
    pub fn dismiss(&mut self, id: EntryId) -> bool {
        let before = self.refused.len();
        self.refused.retain(|refused| refused.id != id);
        self.dismissed.insert(id);
        self.refused.len() < before
    }
}

/// The oldest undelivered escalation, and how many there are.
pub fn undelivered(model: &Model, now: Now) -> Option<(Undelivered<'_>, usize)> {
    type Found<'a> = (&'a IncidentId, Undelivered<'a>);
    let found = |incident, label, to, age, (why, said)| -> Found<'_> {
        let phone = Vec::new();
        let undelivered = Undelivered {
            label: Cow::Borrowed(label),
            to: Some(to),
            age,
            why,
            said,
            phone,
        };
        (incident, undelivered)
    };
    let here = model.acts.pending.iter().filter_map(|pending| {
        let Act::Incident {
            incident,
            act: IncidentAct::Escalate { to },
            label,
            ..
        } = &pending.act
        else {
            return None;
        };
        let (age, why) = match pending.stage {
            Stage::Unsaved { since } => (now.tick.since(since), Hindrance::NotSaved),
            Stage::Sent { .. } => (pending.saving_slowly(now.tick)?, Hindrance::Saving),
            Stage::Grace { .. } | Stage::TakingBack { .. } | Stage::Confirmed { .. } => return None,
        };
        Some(found(
            incident,
            &**label,
            *to,
            age,
            (why, pending.trouble.as_deref()),
        ))
    });
    let queued = model.outbox.open().filter_map(|entry| {
        let (incident, label, to) = entry.payload.escalation()?;
        let age = model.escalations.age(entry.id, now);
        let why = if entry.state == State::NeedsDecision {
            Hindrance::Asks
        } else {
            Hindrance::NotDelivered
        };
        let due = why == Hindrance::Asks || age >= PATIENCE;
        let asked = entry.last_error.as_deref().filter(|_| why == Hindrance::Asks);
        due.then(|| found(incident, &**label, to, age, (why, asked)))
    });
    let refused = model.escalations.refused.iter().filter_map(|refused| {
        let over = model.incidents.incident(&refused.incident);
        if over.is_some_and(|incident| !incident.status.is_open()) {
            return None;
        }
        let (at, age) = refused.met;
        let age = age + now.tick.since(at);
        let why = (Hindrance::Refused, Some(&*refused.why));
        Some(found(&refused.incident, &*refused.label, refused.to, age, why))
    });
    let unreached = model.outbox.unreached.iter().map(|page| -> Found<'_> {
        let phone = page.people.iter().map(|person| Phone {
            person,
            policy: None,
            as_of: None,
        });
        let undelivered = Undelivered {
            label: Cow::Borrowed(&page.incident.0),
            to: page.level(),
            age: (now.utc - page.at).to_std().unwrap_or_default(),
            why: match page.whom {
                Whom::Everybody => Hindrance::NobodyReached,
                Whom::Part => Hindrance::NotAllReached,
            },
            said: Some(&page.why),
            phone: phone.collect(),
        };
        (&page.incident, undelivered)
    });
    let all: Vec<Found<'_>> = here.chain(queued).chain(refused).chain(unreached).collect();
    let count = all.len();
    // Of which nobody knows comes before of which not everybody does.
    let gravity = |found: &Undelivered<'_>| (found.why != Hindrance::NotAllReached, found.age);
    let (incident, mut oldest) = all.into_iter().max_by_key(|(_, found)| gravity(found))?;
    // What was kept unseen is called by its id; people call it by its number.
    if let Some(listed) = model
        .incidents
        .incident(incident)
        .filter(|_| *oldest.label == *incident.0)
    {
        oldest.label = Cow::Owned(short(listed));
    }
    if let (Some(level), true) = (oldest.to, oldest.phone.is_empty()) {
        oldest.phone = on_level(model, incident, level, now);
    }
    Some((oldest, count))
}

/// Who stands on a level of an incident's policy, as it was told last. Where the policy is not known, who stands on
/// that level of any, by name of the policy.
fn on_level<'a>(model: &'a Model, incident: &IncidentId, level: u32, now: Now) -> Vec<Phone<'a>> {
    let feed = &model.incidents.roster;
    let Some(roster) = feed.value() else {
        return Vec::new();
    };
    let aged = feed.age(now.tick).filter(|_| feed.is_stale(now.tick));
    let aged = aged.and_then(|age| now.utc.checked_sub_signed(TimeDelta::from_std(age).ok()?));
    let incident = model.incidents.incident(incident);
    let policy = incident.and_then(|incident| incident.policy.as_ref());
    let here = |duty: &&Duty| match policy {
        Some(policy) => policy.id == duty.policy.id,
        None => true,
    };
    let on_duty = roster.at(now.utc).filter(|duty| duty.level == level).filter(here);
    on_duty
        .map(|duty| Phone {
            person: &duty.person,
            policy: policy.is_none().then_some(&*duty.policy.name),
            as_of: roster.as_of.get(&duty.policy.id).copied().or(aged),
        })
        .collect()
}

/// Who is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnCall<'a> {
    /// Now.
    pub now: &'a Person,
    /// Next.
    pub next: Option<&'a Person>,
    /// Of which policy, where there are several; not yet safe.
    pub policy: Option<&'a str>,
}

/// Who is on call now and who is next: of the policy that wakes whoever acts here, so that it stands as long as their
/// duty does; else of the followed incident's, else of the first.
pub fn on_call(model: &Model, now: Now) -> Option<OnCall<'_>> {
    let roster = model.incidents.roster.value()?;
    let followed = model.incidents.followed.as_ref();
    let policy = followed
        .filter(|id| !model.incidents.outside.contains(id))
        .and_then(|id| model.incidents.incident(id))
        .and_then(|incident| incident.policy.as_ref());
    let first = || roster.at(now.utc).filter(|duty| duty.level == 1);
    let duty = first()
        .find(|duty| model.is_paged_with(&duty.person))
        .or_else(|| first().find(|duty| policy.is_some_and(|policy| policy.id == duty.policy.id)))
        .or_else(|| first().next())?;
    let next = roster
        .duties
        .iter()
        .filter(|other| other.policy.id == duty.policy.id && other.level == 1)
        .filter(|other| other.person.id != duty.person.id)
        .filter_map(|other| Some((other.start.filter(|start| *start > now.utc)?, other)))
        .min_by_key(|(start, _)| *start)
        .map(|(_, other)| &other.person);
    let is_one_of_several = roster
        .duties
        .iter()
        .any(|other| other.policy.id != duty.policy.id);
    Some(OnCall {
        now: &duty.person,
        next,
        policy: is_one_of_several.then_some(&*duty.policy.name),
    })
}
