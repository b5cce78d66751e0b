//! What acts do to a local incident, and why some are refused.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{Cause, Change, LocalIncident, Reason, Setting, Told, Wake, names};
use crate::domain::alert::ack::Marker;
use crate::domain::incident::{
    AssignedVia, Incident, IncidentAct, LONGEST_SNOOZE, Person, Responder, Severity, Status, Verb,
};
use crate::domain::oncall::OnCall;
use crate::domain::timeline::EventKind;
use crate::time::Stamp;

/// Why an act is not done, with what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// Why this cannot be done at all to an incident as it stands; nothing where it can.
pub fn refusal(incident: &Incident, verb: Verb, on_call: &OnCall) -> Option<Refusal> {
    let refuse = |words: String| Some(Refusal(words));
    if incident.status == Status::Resolved {
        return match verb {
            // What was learnt afterwards belongs to its story.
            Verb::Note | Verb::StatusUpdate | Verb::Priority => None,
            Verb::Resolve => refuse("it is resolved already".to_owned()),
            Verb::Acknowledge
            | Verb::Escalate
            | Verb::Reassign
            | Verb::Page
            | Verb::Snooze
            | Verb::Merge
            | Verb::Advance
            | Verb::Assign => refuse("it is resolved; declare a new one where it is back".to_owned()),
        };
    }
    match verb {
        Verb::Escalate => {
            let Some(policy) = &incident.policy else {
                return refuse(
                    "it has no escalation policy; reassign it to one, or page somebody".to_owned(),
                );
            };
            match on_call.policy(&policy.name) {
                None => refuse(format!(
                    "its policy {} is not configured any more; reassign it to another",
                    policy.name
                )),
                Some(policy) if policy.top() < 2 => refuse(format!(
                    "its policy {} has one level; page somebody instead",
                    policy.name
                )),
                Some(_) => None,
            }
        }
        Verb::Snooze if incident.status != Status::Triggered => refuse(format!(
            "it is {}: nobody is woken by itself any more",
            incident.status.word()
        )),
        Verb::Snooze if incident.due.is_empty() => {
            refuse("nothing happens by itself that could be put off".to_owned())
        }
        Verb::Page | Verb::Reassign if on_call.people.is_empty() => {
            refuse("the configuration names no people; add [[contexts.X.people]]".to_owned())
        }
        Verb::Acknowledge
        | Verb::Resolve
        | Verb::Reassign
        | Verb::Page
        | Verb::Snooze
        | Verb::Merge
        | Verb::Priority
        | Verb::StatusUpdate
        | Verb::Note
        | Verb::Advance
        | Verb::Assign => None,
    }
}

/// Who acts: a person of the configuration by id, name or address, else somebody with that name alone.
pub fn actor(word: &str, on_call: &OnCall) -> Person {
    on_call.person(word).cloned().unwrap_or_else(|| Person {
        id: word.into(),
        name: word.into(),
        email: None,
        phone: None,
    })
}

impl LocalIncident {
    /// Does an act, other than a merge (see [`LocalIncident::absorb`]). What is refused changes nothing.
    pub fn apply(
        &mut self,
        act: &IncidentAct,
        (by, marker): (&str, &Marker),
        setting: Setting<'_>,
    ) -> Result<Change, Refusal> {
        let Setting { on_call, at } = setting;
        if let Some(refusal) = refusal(&self.incident(on_call), act.verb(), on_call) {
            return Err(refusal);
        }
        let mut change = Change::default();
        match act {
            IncidentAct::Acknowledge => self.acknowledge(by, setting, &mut change),
            IncidentAct::Resolve { resolution } => self.resolve(by, resolution, at, &mut change),
            IncidentAct::Escalate { to } => self.escalate(*to, by, setting, &mut change)?,
            IncidentAct::ReassignTo { people } => self.reassign(people, by, at, &mut change)?,
            IncidentAct::ReassignPolicy { policy } => {
                self.change_policy(&policy.id, by, setting, &mut change)?;
            }
            IncidentAct::Page { people, message } => self.page(people, message, by, &mut change)?,
            IncidentAct::Snooze { length } => {
                let seconds = length.as_secs();
                if !(1..=LONGEST_SNOOZE.as_secs()).contains(&seconds) {
                    return Err(Refusal("a snooze lasts from a second to a week".to_owned()));
                }
                let until = at.utc + TimeDelta::seconds(i64::try_from(seconds).unwrap_or(1));
                self.rests_until = Some(until);
                let text = format!("snoozed until {}Z", until.format("%Y-%m-%dT%H:%M:%S"));
                change.told.push(Told::by(by, EventKind::Other, text));
            }
            IncidentAct::Merge { .. } => {
                return Err(Refusal("a merge needs the other incidents at hand".to_owned()));
            }
            IncidentAct::Priority { priority } => {
                let Some(severity) = Severity::by_word(&priority.id) else {
                    return Err(Refusal(format!(
                        "there is no severity {}; it is SEV1, SEV2, SEV3 or SEV4",
                        priority.id
                    )));
                };
                let text = format!("severity {} → {severity}", self.severity);
                self.severity = severity;
                change.told.push(Told::by(by, EventKind::Other, text));
            }
            IncidentAct::StatusUpdate { text } => {
                change.told.push(Told::by(by, EventKind::StatusUpdate, text));
                change.wakes.push(Wake {
                    reason: Reason::Update,
                    people: self.involved(),
                    message: text.as_str().into(),
                });
            }
            IncidentAct::Note { text } => change.told.push(Told::by(by, EventKind::Note, text)),
            IncidentAct::Advance { to } => self.advance(*to, by, setting, &mut change),
            IncidentAct::Assign { role, person } => {
                self.roles.retain(|(held, _)| held != role);
                self.roles.push((*role, person.clone()));
                self.roles.sort_by_key(|(role, _)| *role);
                self.joined(person);
                let text = format!("{} is {}", person.name, role.word());
                change.told.push(Told::by(by, EventKind::Assigned, text));
            }
        }
        for told in &mut change.told {
            told.refs.insert("marker".into(), marker.digits().into());
        }
        Ok(change)
    }

    fn acknowledge(&mut self, by: &str, setting: Setting<'_>, change: &mut Change) {
        let Setting { on_call, at } = setting;
        let person = actor(by, on_call);
        let has_it = self.status != Status::Triggered
            && self
                .acknowledgements
                .last()
                .is_some_and(|(last, _)| *last == person);
        if has_it {
            change.remark = Some("was acknowledged by you already".to_owned());
            return;
        }
        if self.status == Status::Triggered {
            self.status = Status::Acknowledged;
        }
        self.joined(&person);
        self.assignees = vec![person.clone()];
        self.acknowledgements.push((person, at.utc));
        self.acknowledged_at.get_or_insert(at.utc);
        self.settle_wakes(at);
        change
            .told
            .push(Told::by(by, EventKind::Acknowledged, "acknowledged"));
    }

    fn resolve(&mut self, by: &str, resolution: &str, at: &Stamp, change: &mut Change) {
        let involved = self.involved();
        self.status = Status::Resolved;
        self.resolved_at = Some(at.utc);
        self.settle_wakes(at);
        let text = if resolution.is_empty() {
            "resolved".to_owned()
        } else {
            format!("resolved: {resolution}")
        };
        change.told.push(Told::by(by, EventKind::Resolved, text));
        change.wakes.push(Wake {
            reason: Reason::Over,
            people: involved,
            message: resolution.into(),
        });
    }

    fn escalate(
        &mut self,
        to: u32,
        by: &str,
        setting: Setting<'_>,
        change: &mut Change,
    ) -> Result<(), Refusal> {
        let Setting { on_call, at } = setting;
        let policy = self.policy.as_deref().and_then(|name| on_call.policy(name));
        let Some((policy, level)) = policy.and_then(|policy| Some((policy, policy.level(to)?))) else {
            return Err(Refusal(format!("its policy has no level {to}")));
        };
        if on_call.woken(level, at.utc).is_empty() {
            return Err(Refusal(format!(
                "nobody is on call on level {to} of {}; pick another level, or page somebody",
                policy.name
            )));
        }
        self.wake(to, Cause::By(by), setting, change);
        Ok(())
    }

    fn reassign(
        &mut self,
        people: &[Person],
        by: &str,
        at: &Stamp,
        change: &mut Change,
    ) -> Result<(), Refusal> {
        if people.is_empty() {
            return Err(Refusal("say to whom".to_owned()));
        }
        self.assignees = people.to_vec();
        self.assigned_via = AssignedVia::Direct;
        // They have not taken it yet, however far the work is.
        self.status = Status::Triggered;
        self.settle_wakes(at);
        let text = format!(
            "given to {}; it does not escalate by itself any more",
            names(people)
        );
        change.told.push(Told::by(by, EventKind::Assigned, text));
        change.wakes.push(Wake {
            reason: Reason::Assigned,
            people: people.to_vec(),
            message: Arc::default(),
        });
        Ok(())
    }

    fn change_policy(
        &mut self,
        name: &str,
        by: &str,
        setting: Setting<'_>,
        change: &mut Change,
    ) -> Result<(), Refusal> {
        let Setting { on_call, at } = setting;
        let Some(policy) = on_call.policy(name) else {
            return Err(Refusal(format!("there is no policy {name} in the configuration")));
        };
        let before = std::mem::replace(&mut self.level, 0);
        let Some(first) = self.next_level(policy, on_call, at.utc) else {
            self.level = before;
            return Err(Refusal(format!(
                "nobody is on call on any level of {name}; pick another policy"
            )));
        };
        self.policy = Some(Arc::clone(&policy.name));
        let before = change.told.len();
        self.wake(first, Cause::By(by), setting, change);
        // One act: it was given away, and whom that woke belongs to it.
        change.told.truncate(before);
        let woken = names(&self.assignees);
        let text = format!("given to the policy {name}: level {first} woken: {woken}");
        change.told.push(Told::by(by, EventKind::Assigned, text));
        Ok(())
    }

    fn page(
        &mut self,
        people: &[Person],
        message: &str,
        by: &str,
        change: &mut Change,
    ) -> Result<(), Refusal> {
        if people.is_empty() {
            return Err(Refusal("say whom".to_owned()));
        }
        for person in people {
            if !self.responders.iter().any(|each| each.person == *person) {
                self.responders.push(Responder {
                    person: person.clone(),
                    state: "pending".into(),
                });
            }
        }
        let text = match message {
            "" => format!("asked {} to help", names(people)),
            message => format!("asked {} to help: {message}", names(people)),
        };
        change.told.push(Told::by(by, EventKind::Assigned, text));
        change.wakes.push(Wake {
            reason: Reason::Asked,
            people: people.to_vec(),
            message: message.into(),
        });
        Ok(())
    }

    fn advance(&mut self, to: Status, by: &str, setting: Setting<'_>, change: &mut Change) {
        let at = setting.at;
        if to == self.status {
            change.remark = Some(format!("was {} already", to.word()));
            return;
        }
        match to {
            Status::Resolved => self.resolve(by, "", at, change),
            Status::Acknowledged if self.status == Status::Triggered => {
                self.acknowledge(by, setting, change);
            }
            // Handed back: the delay of its level begins anew.
            Status::Triggered => {
                self.status = to;
                self.woken = *at;
                self.changed_at = at.utc;
                let text = "handed back: nobody has it";
                change.told.push(Told::by(by, EventKind::Unacknowledged, text));
            }
            Status::Acknowledged | Status::Investigating | Status::Identified | Status::Monitoring => {
                let text = format!("{} → {}", self.status.word(), to.word());
                // Whoever works on it has it.
                if self.status == Status::Triggered {
                    self.acknowledge(by, setting, change);
                }
                self.status = to;
                self.changed_at = at.utc;
                let told = Told::by(by, EventKind::Other, text);
                // By this the moment of mitigation is found, however it is worded.
                change.told.push(told.pointing("status", to.word()));
            }
        }
    }

    /// Takes another incident into this one; that one ends.
    pub fn absorb(&mut self, other: &mut Self, by: &str, at: &Stamp) -> (Change, Change) {
        let mut here = Change::default();
        let text = format!("took in {}: {}", other.id(), other.title);
        here.told.push(Told::by(by, EventKind::Other, text));
        here.told.extend(self.link(&other.alerts, by));
        for responder in &other.responders {
            if !self.responders.iter().any(|each| each.person == responder.person) {
                self.responders.push(responder.clone());
            }
        }
        self.changed_at = at.utc;
        let mut there = Change::default();
        other.merged_into = Some(self.number);
        other.status = Status::Resolved;
        other.resolved_at = Some(at.utc);
        other.settle_wakes(at);
        let text = format!("merged into {}", self.id());
        there.told.push(Told::by(by, EventKind::Resolved, text));
        (here, there)
    }

    /// Nothing waits any more for somebody to take it.
    fn settle_wakes(&mut self, at: &Stamp) {
        self.missed = None;
        self.rests_until = None;
        self.changed_at = at.utc;
    }

    fn joined(&mut self, person: &Person) {
        for responder in &mut self.responders {
            if responder.person == *person {
                responder.state = "joined".into();
            }
        }
    }

    /// Who has it, and who helps.
    fn involved(&self) -> Vec<Person> {
        let mut people = self.assignees.clone();
        let others = self
            .responders
            .iter()
            .map(|responder| &responder.person)
            .chain(self.roles.iter().map(|(_, person)| person));
        for person in others {
            if !people.contains(person) {
                people.push(person.clone());
            }
        }
        people
    }
}
