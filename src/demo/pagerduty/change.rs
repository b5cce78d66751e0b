//! Changes of an incident as `PUT` and `POST` ask for them: read, checked, then done.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::account::on_call;
use super::catalogue::{PRIORITIES, Policy, Priority, Service, User, policy, service_by_id, user};
use super::incident::Incident;
use super::record::{Agent, Status, Urgency};
use super::refusal::Refusal;

/// A change that an incident is asked to go through.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Another title.
    Title(String),
    /// Louder or quieter.
    Urgency(Urgency),
    /// A priority, or none.
    Priority(Option<&'static Priority>),
    /// Where people meet.
    Bridge(Json),
    /// For another service.
    Service(&'static Service),
    /// To people, by hand.
    Assign(Vec<&'static User>),
    /// To a policy, at its first level.
    Policy(&'static Policy),
    /// To a level, from 1.
    Level(usize),
    /// Taken.
    Acknowledge,
    /// Over, with these words.
    Resolve(Option<String>),
    /// Triggered again.
    Reopen,
}

/// A field that is text.
pub fn text<'a>(body: &'a Json, field: &str) -> Option<&'a str> {
    body.get(field)?.as_str()
}

/// The id that a reference names.
pub fn referred(body: &Json) -> Option<&str> {
    text(body, "id")
}

/// The changes in an item. A policy wins over a level; people are not mixed with either.
pub fn changes(item: &Json) -> Result<Vec<Change>, Refusal> {
    let mut found = Vec::new();
    if let Some(title) = text(item, "title") {
        if title.trim().is_empty() {
            return Err(Refusal::input("Title cannot be empty"));
        }
        found.push(Change::Title(title.to_owned()));
    }
    if let Some(word) = text(item, "urgency") {
        found.push(Change::Urgency(urgency(word)?));
    }
    if let Some(wanted) = item.get("priority") {
        found.push(Change::Priority(priority(wanted)?));
    }
    if let Some(bridge) = item.get("conference_bridge") {
        found.push(Change::Bridge(bridge.clone()));
    }
    if let Some(wanted) = item.get("service") {
        let service = referred(wanted).and_then(service_by_id);
        found.push(Change::Service(
            service.ok_or_else(|| Refusal::input("Service not found"))?,
        ));
    }
    let (people, wanted, level) = (
        item.get("assignments"),
        item.get("escalation_policy"),
        item.get("escalation_level"),
    );
    match (people, wanted, level) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            return Err(Refusal::input(
                "Assignments cannot be given together with an escalation policy or level",
            ));
        }
        (Some(people), None, None) => found.push(Change::Assign(assignees(people)?)),
        (None, Some(wanted), _) => {
            let policy = referred(wanted).and_then(policy);
            found.push(Change::Policy(
                policy.ok_or_else(|| Refusal::coded(1014, "Escalation Policy Not Found"))?,
            ));
        }
        (None, None, Some(level)) => {
            let level = level.as_u64().and_then(|level| usize::try_from(level).ok());
            let level = level.ok_or_else(|| Refusal::input("Escalation level must be a number"))?;
            // Levels count from 1; 0 is taken for the first as well.
            found.push(Change::Level(level.max(1)));
        }
        (None, None, None) => {}
    }
    match text(item, "status") {
        None => {}
        Some("acknowledged") => found.push(Change::Acknowledge),
        Some("resolved") => found.push(Change::Resolve(text(item, "resolution").map(str::to_owned))),
        Some("triggered") => found.push(Change::Reopen),
        Some(_) => {
            return Err(Refusal::input(
                "Status must be a list of triggered, acknowledged, or resolved.",
            ));
        }
    }
    Ok(found)
}

fn urgency(word: &str) -> Result<Urgency, Refusal> {
    match word {
        "high" => Ok(Urgency::High),
        "low" => Ok(Urgency::Low),
        _ => Err(Refusal::input("Urgency must be high or low")),
    }
}

fn priority(wanted: &Json) -> Result<Option<&'static Priority>, Refusal> {
    if wanted.is_null() {
        return Ok(None);
    }
    let unknown = || Refusal::coded(1020, "Invalid Priority");
    let found = PRIORITIES.iter().find(|priority| match wanted.as_str() {
        Some(name) => priority.name == name,
        None => Some(priority.id) == referred(wanted),
    });
    found.map(Some).ok_or_else(unknown)
}

/// The people of a list of assignments.
pub fn assignees(listed: &Json) -> Result<Vec<&'static User>, Refusal> {
    let missing = || Refusal::coded(1007, "Assignee Not Found");
    let people: Vec<&'static User> = listed
        .as_array()
        .ok_or_else(|| Refusal::input("Assignments must be a list"))?
        .iter()
        .map(|one| {
            let id = one.get("assignee").and_then(referred);
            id.and_then(user).ok_or_else(missing)
        })
        .collect::<Result<_, _>>()?;
    if people.is_empty() {
        return Err(Refusal::input("Assignments cannot be empty"));
    }
    Ok(people)
}

/// Whether an incident can go through a change.
pub fn check(incident: &Incident, change: &Change, who: &'static User) -> Result<(), Refusal> {
    let resolved = || Refusal::coded(1001, "Incident Already Resolved");
    match change {
        Change::Title(_) | Change::Priority(_) | Change::Bridge(_) => Ok(()),
        _ if incident.is_resolved() => Err(resolved()),
        Change::Acknowledge => {
            if incident.acks.iter().any(|(user, _)| *user == who) {
                Err(Refusal::coded(1002, "Incident Already Acknowledged"))
            } else {
                Ok(())
            }
        }
        Change::Level(level) => {
            if incident.urgency == Urgency::Low {
                Err(Refusal::coded(1006, "Incident Cannot Be Escalated"))
            } else if *level > incident.policy.levels.len() {
                Err(Refusal::input(
                    "Escalation level is greater than the number of levels",
                ))
            } else {
                Ok(())
            }
        }
        // Opening again is not everywhere to be had; here it is not.
        Change::Reopen => {
            if incident.status == Status::Triggered {
                Ok(())
            } else {
                Err(Refusal::coded(1003, "Invalid Status Provided"))
            }
        }
        Change::Urgency(_)
        | Change::Service(_)
        | Change::Assign(_)
        | Change::Policy(_)
        | Change::Resolve(_) => Ok(()),
    }
}

/// Does it.
pub fn apply(
    incident: &mut Incident,
    change: Change,
    who: &'static User,
    now: DateTime<Utc>,
    anchor: DateTime<Utc>,
) {
    let on_call = on_call(anchor);
    match change {
        Change::Title(title) => incident.set_title(&title, who, now),
        Change::Urgency(urgency) => incident.set_urgency(urgency, who, now),
        Change::Priority(priority) => incident.set_priority(priority, who, now),
        Change::Bridge(bridge) => {
            incident.bridge = Some(bridge).filter(|bridge| !bridge.is_null());
            incident.updated = now;
        }
        Change::Service(service) => {
            incident.service = service;
            incident.updated = now;
        }
        Change::Assign(people) => incident.reassign(&people, who, now),
        Change::Policy(policy) => incident.start_policy(policy, who, now, &on_call),
        Change::Level(level) => incident.escalate(level, who, now, &on_call),
        Change::Acknowledge => incident.acknowledge(who, now, "api"),
        Change::Resolve(words) => incident.resolve(Agent::User(who), now, words.as_deref()),
        Change::Reopen => {}
    }
}
