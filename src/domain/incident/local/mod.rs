//! An incident that the journal of this host keeps, and what may become of it.
//!
//! [`LocalIncident`] is the record; [`LocalIncident::apply`] is the one way it changes by hand, and
//! [`LocalIncident::wake`] the one way people are woken. Both return a [`Change`]: what is told in its story
//! and who is to be notified. Nothing here knows where it is kept, or how somebody is reached.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::severity::Severity;
use super::{AssignedVia, Due, DueWhat, Incident, IncidentId, Level, Named, Person, Responder, Role, Status};
use crate::domain::alert::Occurrence;
use crate::domain::oncall::{OnCall, Policy};
use crate::domain::timeline::{Delivery, EventKind};
use crate::time::Stamp;

mod change;
#[cfg(test)]
mod tests;

pub use change::{Refusal, actor, refusal};

/// Its configured name, in lists and as the source of its events.
pub const SOURCE: &str = "local";

/// One firing of an alert that belongs to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedAlert {
    /// Which firing.
    pub occurrence: Occurrence,
    /// `alertname`; remote text, not yet safe.
    pub name: Arc<str>,
    /// Its severity label.
    pub severity: Option<Arc<str>>,
}

/// A level that was due while nobody could wake it: asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The level that should have been woken.
    pub level: u32,
    /// When.
    pub due: DateTime<Utc>,
}

impl Missed {
    /// `missed level 2 at 03:10Z`
    pub fn words(&self) -> String {
        format!("missed level {} at {}Z", self.level, self.due.format("%H:%M"))
    }
}

/// An incident of ours. Kept as JSON: fields are only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalIncident {
    /// From 1; its id is `local-NUMBER`.
    pub number: u64,
    /// May hold remote text, not yet safe.
    pub title: Arc<str>,
    /// How bad.
    pub severity: Severity,
    /// Where it stands.
    pub status: Status,
    /// The service it is about.
    pub service: Option<Arc<str>>,
    /// Its escalation policy, by name.
    pub policy: Option<Arc<str>>,
    /// The `[[declare]]` rule that opened it, by its matchers.
    pub rule: Option<Arc<str>>,
    /// How far up it has gone; 0 where nobody was woken.
    pub level: u32,
    /// When that level was woken, or its delay began anew.
    pub woken: Stamp,
    /// Nobody is woken by itself before then.
    pub rests_until: Option<DateTime<Utc>>,
    /// A level that was due while no console was open.
    pub missed: Option<Missed>,
    /// Who has it, or is being woken.
    pub assignees: Vec<Person>,
    /// How it came to them.
    pub assigned_via: AssignedVia,
    /// Who acknowledged, and when, newest last.
    pub acknowledgements: Vec<(Person, DateTime<Utc>)>,
    /// Who is what.
    pub roles: Vec<(Role, Person)>,
    /// Who was asked to help.
    pub responders: Vec<Responder>,
    /// Who declared it.
    pub declared_by: Arc<str>,
    /// Begin.
    pub created_at: DateTime<Utc>,
    /// First acknowledged.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Last change of status or assignment.
    pub changed_at: DateTime<Utc>,
    /// Its alerts, oldest link first.
    pub alerts: Vec<LinkedAlert>,
    /// Where it was merged away.
    pub merged_into: Option<u64>,
}

/// What is asked for when an incident is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// What people will call it.
    pub title: Arc<str>,
    /// How bad.
    pub severity: Severity,
    /// The service it is about.
    pub service: Option<Arc<str>>,
    /// Its policy by name; the service's where none.
    pub policy: Option<Arc<str>>,
    /// The alerts it is about.
    pub alerts: Vec<LinkedAlert>,
    /// Who declares: the identity, or the rule's words.
    pub by: Arc<str>,
    /// The `[[declare]]` rule, by its matchers, where one declares.
    pub rule: Option<Arc<str>>,
}

/// Something for an incident's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What kind.
    pub kind: EventKind,
    /// Who; nobody in particular where none.
    pub actor: Option<Arc<str>>,
    /// In words.
    pub text: String,
    /// What it points at, as [`crate::domain::timeline::Event::refs`].
    pub refs: BTreeMap<Arc<str>, Arc<str>>,
    /// Needs a decision where it asks something, failed where it tells of what did not go out.
    pub delivery: Delivery,
}

impl Told {
    /// Something somebody did.
    pub fn by(actor: &str, kind: EventKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            actor: Some(actor.into()),
            text: text.into(),
            refs: BTreeMap::new(),
            delivery: Delivery::Local,
        }
    }

    /// The same with one thing more that it points at.
    #[must_use]
    pub fn pointing(mut self, name: &str, value: &str) -> Self {
        self.refs.insert(name.into(), value.into());
        self
    }

    /// The same with its delivery state.
    #[must_use]
    pub fn delivered(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }
}

/// Why people are told of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Their level was woken.
    Level(u32),
    /// It was given to them.
    Assigned,
    /// They are asked to help.
    Asked,
    /// A status update.
    Update,
    /// It is over.
    Over,
}

impl Reason {
    /// Whether somebody is woken by it.
    pub fn is_a_page(self) -> bool {
        match self {
            Self::Level(_) | Self::Assigned | Self::Asked => true,
            Self::Update | Self::Over => false,
        }
    }
}

/// Who is to be notified, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// Why.
    pub reason: Reason,
    /// Whom; for updates those who have it and help.
    pub people: Vec<Person>,
    /// What they are told besides; may be empty.
    pub message: Arc<str>,
}

/// What a change of an incident brings with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// For its story, in order.
    pub told: Vec<Told>,
    /// For the notifications.
    pub wakes: Vec<Wake>,
    /// Something worth saying to who asked for it.
    pub remark: Option<String>,
}

/// Why a level is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// It was declared.
    Declared,
    /// The level before did not acknowledge in time.
    Delay,
    /// Somebody asked for it.
    By(&'a str),
}

/// What a change is made with: who can be woken, and the moment.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// People, schedules and policies.
    pub on_call: &'a OnCall,
    /// This moment.
    pub at: &'a Stamp,
}

/// What is said where a policy wakes nobody.
const NOBODY_ON_CALL: &str = "nobody was woken: nobody is on call on any level of its policy";

impl LocalIncident {
    /// Its id: `local-7`.
    pub fn id(&self) -> IncidentId {
        IncidentId(format!("{}{}", IncidentId::LOCAL, self.number).into())
    }

    /// The number behind an id, where it is a local one.
    pub fn number_of(id: &IncidentId) -> Option<u64> {
        id.0.strip_prefix(IncidentId::LOCAL)?.parse().ok()
    }

    /// Why nobody has been woken for it, in words; nothing where somebody was.
    pub fn nobody_woken(&self) -> Option<&'static str> {
        match (&self.policy, self.level) {
            (None, _) => Some("nobody was woken: no escalation policy is for it"),
            (Some(_), 0) => Some(NOBODY_ON_CALL),
            (Some(_), _) => None,
        }
    }

    /// Opens one and wakes level 1 of its policy.
    pub fn declare(number: u64, asked: &Declaration, on_call: &OnCall, at: &Stamp) -> (Self, Change) {
        let policy = match &asked.policy {
            Some(name) => on_call.policy(name),
            None => on_call.policy_for(asked.service.as_deref()),
        };
        let mut incident = Self {
            number,
            title: Arc::clone(&asked.title),
            severity: asked.severity,
            status: Status::Triggered,
            service: asked.service.clone(),
            policy: policy.map(|policy| Arc::clone(&policy.name)),
            rule: asked.rule.clone(),
            level: 0,
            woken: *at,
            rests_until: None,
            missed: None,
            assignees: Vec::new(),
            assigned_via: AssignedVia::Policy,
            acknowledgements: Vec::new(),
            roles: Vec::new(),
            responders: Vec::new(),
            declared_by: Arc::clone(&asked.by),
            created_at: at.utc,
            acknowledged_at: None,
            resolved_at: None,
            changed_at: at.utc,
            alerts: Vec::new(),
            merged_into: None,
        };
        let mut change = Change::default();
        let text = format!("declared {}: {}", asked.severity, asked.title);
        change.told.push(Told::by(&asked.by, EventKind::Triggered, text));
        change.told.extend(incident.link(&asked.alerts, &asked.by));
        if let Some(first) = policy.and_then(|policy| incident.next_level(policy, on_call, at.utc)) {
            incident.wake(first, Cause::Declared, Setting { on_call, at }, &mut change);
        } else if policy.is_some() {
            change
                .told
                .push(Told::by(SOURCE, EventKind::Other, NOBODY_ON_CALL));
        }
        (incident, change)
    }

    /// Adds alerts that it does not have yet, and tells of them.
    pub fn link(&mut self, alerts: &[LinkedAlert], by: &str) -> Option<Told> {
        let mut added: Vec<&LinkedAlert> = Vec::new();
        for alert in alerts {
            if !self.alerts.iter().any(|each| each.occurrence == alert.occurrence) {
                self.alerts.push(alert.clone());
                added.push(alert);
            }
        }
        let first = added.first()?;
        let names: Vec<&str> = added.iter().take(5).map(|alert| &*alert.name).collect();
        let more = match added.len().saturating_sub(names.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let mut told = Told::by(by, EventKind::Other, format!("linked {}{more}", names.join(", ")));
        told.refs
            .insert("alert".into(), first.occurrence.fingerprint.to_string().into());
        Some(told)
    }

    /// The lowest level above the present one with somebody on it.
    pub fn next_level(&self, policy: &Policy, on_call: &OnCall, at: DateTime<Utc>) -> Option<u32> {
        (self.level + 1..=policy.top()).find(|level| {
            policy
                .level(*level)
                .is_some_and(|level| !on_call.woken(level, at).is_empty())
        })
    }

    /// Wakes a level of its policy: it is assigned to them, and its delay begins.
    pub fn wake(&mut self, level: u32, cause: Cause<'_>, setting: Setting<'_>, change: &mut Change) {
        let Setting { on_call, at } = setting;
        let policy = self.policy.as_deref().and_then(|name| on_call.policy(name));
        let people = policy
            .and_then(|policy| policy.level(level))
            .map(|level| on_call.woken(level, at.utc))
            .unwrap_or_default();
        self.level = level;
        self.woken = *at;
        self.missed = None;
        self.rests_until = None;
        self.assigned_via = AssignedVia::Policy;
        self.assignees.clone_from(&people);
        self.changed_at = at.utc;
        // Whoever had it asked for others, however far the work is: until one of them takes it, its delay runs.
        self.status = Status::Triggered;
        let names = names(&people);
        let policy = self.policy.as_deref().unwrap_or_default();
        change.told.push(match cause {
            Cause::Declared => {
                let text = format!("level {level} of {policy} woken: {names}");
                Told::by(SOURCE, EventKind::Assigned, text)
            }
            Cause::Delay => {
                let text = format!("not acknowledged in time: level {level} of {policy} woken: {names}");
                Told::by(SOURCE, EventKind::Escalated, text)
            }
            Cause::By(who) => {
                let text = format!("escalated to level {level} of {policy}: {names}");
                Told::by(who, EventKind::Escalated, text)
            }
        });
        change.wakes.push(Wake {
            reason: Reason::Level(level),
            people,
            message: Arc::default(),
        });
    }

    /// Why a page that was asked for then wakes nobody to any purpose any more, in words: its incident is over,
    /// somebody took it since, or others were woken since. Nothing while it is needed; news is always told.
    pub fn needs_no_page(&self, reason: Reason, asked_at: DateTime<Utc>) -> Option<String> {
        if !reason.is_a_page() {
            return None;
        }
        if let Some(into) = self.merged_into {
            return Some(format!("merged into {}{into}", IncidentId::LOCAL));
        }
        if !self.status.is_open() {
            return Some("resolved".to_owned());
        }
        let taken = || {
            let (who, at) = self.acknowledgements.last()?;
            (self.status != Status::Triggered && *at >= asked_at)
                .then(|| format!("acknowledged by {}", who.name))
        };
        let is_missed = |level| self.missed.as_ref().is_some_and(|missed| missed.level == level);
        match reason {
            // Help is asked for by who has it.
            Reason::Asked | Reason::Update | Reason::Over => None,
            Reason::Level(level) => taken().or_else(|| match self.assigned_via {
                AssignedVia::Direct => Some(format!("given to {} since", names(&self.assignees))),
                AssignedVia::Policy if level != self.level && !is_missed(level) => {
                    Some(format!("level {} was woken since", self.level))
                }
                AssignedVia::Policy => None,
            }),
            Reason::Assigned => taken().or_else(|| match self.assigned_via {
                AssignedVia::Policy => Some(format!("level {} was woken since", self.level)),
                AssignedVia::Direct => None,
            }),
        }
    }

    /// A level was due while no console was open: the engineer is asked.
    pub fn miss(&mut self, missed: Missed, change: &mut Change) {
        let text = format!(
            "{}: no console was open to wake it; escalate to wake it now, acknowledge, or leave it",
            missed.words()
        );
        change
            .told
            .push(Told::by(SOURCE, EventKind::Escalated, text).delivered(Delivery::NeedsDecision));
        self.missed = Some(missed);
    }

    /// The missed level is left asleep: the delay of the present one begins anew.
    pub fn leave(&mut self, by: &str, at: &Stamp, change: &mut Change) {
        if let Some(missed) = self.missed.take() {
            self.woken = *at;
            let text = format!("left level {} asleep", missed.level);
            change.told.push(Told::by(by, EventKind::Other, text));
        }
    }

    /// The level that will be woken by itself next, and when; nothing where somebody has it, or none is left.
    pub fn next_wake(&self, on_call: &OnCall) -> Option<(u32, DateTime<Utc>)> {
        if self.status != Status::Triggered
            || self.assigned_via != AssignedVia::Policy
            || self.missed.is_some()
        {
            return None;
        }
        let policy = on_call.policy(self.policy.as_deref()?)?;
        let delay = policy.level(self.level)?.delay?;
        let due = self
            .woken
            .utc
            .checked_add_signed(TimeDelta::from_std(delay).ok()?)?;
        let due = self.rests_until.map_or(due, |rests| due.max(rests));
        Some((self.next_level(policy, on_call, due)?, due))
    }

    /// How long until a level is woken by itself, by the clock that never jumps; nothing where none will be.
    pub fn wakes_in(&self, on_call: &OnCall, now: &Stamp) -> Option<Duration> {
        let (_, due) = self.next_wake(on_call)?;
        let policy = on_call.policy(self.policy.as_deref()?)?;
        let delay = policy.level(self.level)?.delay?;
        let left = delay.saturating_sub(now.since(&self.woken));
        let rests = match self.rests_until {
            Some(_) => (due - now.utc).to_std().unwrap_or_default(),
            None => Duration::ZERO,
        };
        Some(left.max(rests))
    }

    /// As lists and acts know it.
    pub fn incident(&self, on_call: &OnCall) -> Incident {
        let due = self.next_wake(on_call).map(|(_, at)| Due {
            what: DueWhat::Escalate,
            at,
        });
        let named = |name: &Arc<str>| Named {
            id: Arc::clone(name),
            name: Arc::clone(name),
        };
        Incident {
            id: self.id(),
            number: None,
            source: SOURCE.into(),
            title: Arc::clone(&self.title),
            severity: Some(self.severity.word().into()),
            status: self.status,
            urgency: None,
            service: self.service.as_ref().map(named),
            assignees: self.assignees.clone(),
            assigned_via: self.assigned_via,
            acknowledgements: self.acknowledgements.clone(),
            policy: self.policy.as_ref().map(named),
            level: match self.level {
                0 => Level::Unknown,
                level => Level::Known(level),
            },
            created_at: self.created_at,
            acknowledged_at: self.acknowledged_at,
            resolved_at: self.resolved_at,
            changed_at: self.changed_at,
            url: None,
            alert_count: u32::try_from(self.alerts.len()).unwrap_or(u32::MAX),
            alert_keys: self
                .alerts
                .iter()
                .map(|alert| alert.occurrence.fingerprint.to_string().into())
                .collect(),
            due: due.into_iter().collect(),
            roles: self.roles.clone(),
            responders: self.responders.clone(),
            merged_into: self
                .merged_into
                .map(|number| IncidentId(format!("{}{number}", IncidentId::LOCAL).into())),
        }
    }
}

/// `jun, mara`; `nobody` where there is none.
pub fn names(people: &[Person]) -> String {
    if people.is_empty() {
        return "nobody".to_owned();
    }
    let names: Vec<&str> = people.iter().map(|person| &*person.name).collect();
    names.join(", ")
}
