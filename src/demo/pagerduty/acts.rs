//! What changes something: requests read and checked whole before anything is done, as the service does it.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use super::account::{Account, on_call};
use super::catalogue::{User, policy, service_by_id, user};
use super::change::{Change, apply, assignees, changes, check, referred, text};
use super::http::actor;
use super::incident::Incident;
use super::record::{Agent, Status, Urgency};
use super::refusal::{Refusal, answer};
use super::wire::{self, Included};
use super::{Key, PagerDuty};
use crate::domain::incident::PAGERDUTY_TEXT;

/// Incidents in one request at most.
const BATCH: usize = 250;
/// Seconds that an incident may be put aside at most.
const SNOOZE: i64 = 604_800;
/// Alerts in an incident at most.
const ALERTS: usize = 1_000;

/// A request that changes something.
pub struct Order<'a> {
    /// How.
    pub method: &'a Method,
    /// Where.
    pub path: &'a [&'a str],
    /// Whose key.
    pub key: Key,
    /// What `From` says.
    pub from: Option<&'a str>,
    /// What.
    pub body: &'a Json,
}

type Answered = Result<Response, Refusal>;

/// Carries a request out.
pub fn carry_out(server: &PagerDuty, order: &Order<'_>) -> Answered {
    let Order {
        method,
        path,
        key,
        from,
        body,
    } = *order;
    let who = || actor(key, from);
    let (mut account, now) = server.account();
    let account = &mut *account;
    match (method.as_str(), path) {
        ("PUT", ["incidents"]) => put_many(account, body, who()?, now),
        ("PUT", ["incidents", id]) => put_one(account, id, body, who()?, now),
        ("POST", ["incidents"]) => create(account, body, who()?, now),
        ("POST", ["incidents", id, "notes"]) => note(account, id, body, who()?, now),
        ("PUT", ["incidents", id, "notes", note]) => change_note(account, (id, note), body, who()?, now),
        ("DELETE", ["incidents", id, "notes", note]) => delete_note(account, id, note),
        ("POST", ["incidents", id, "snooze"]) => snooze(account, id, body, who()?, now),
        ("PUT", ["incidents", id, "merge"]) => merge(account, id, body, who()?, now),
        ("POST", ["incidents", id, "status_updates"]) => status_update(account, id, body, who()?, now),
        ("POST", ["incidents", id, "responder_requests"]) => responders(account, id, body, now),
        ("PUT", ["incidents", id, "alerts"]) => alerts(account, id, body, who()?, now),
        _ => Err(Refusal::not_found()),
    }
}

fn incident_of<'a>(account: &'a mut Account, id: &str) -> Result<&'a mut Incident, Refusal> {
    let index = account.find(id).ok_or_else(Refusal::not_found)?;
    account.incidents.get_mut(index).ok_or_else(Refusal::not_found)
}

fn shown(incident: &Incident) -> Json {
    wire::incident_json(incident, &Included::default())
}

fn put_one(account: &mut Account, id: &str, body: &Json, who: &'static User, now: DateTime<Utc>) -> Answered {
    let anchor = account.anchor();
    let incident = incident_of(account, id)?;
    let item = body
        .get("incident")
        .ok_or_else(|| Refusal::input("Incident cannot be empty"))?;
    let changes = changes(item)?;
    for change in &changes {
        check(incident, change, who)?;
    }
    for change in changes {
        apply(incident, change, who, now, anchor);
    }
    Ok(answer(StatusCode::OK, &json!({"incident": shown(incident)})))
}

/// All or nothing: one item that cannot be done fails them all.
fn put_many(account: &mut Account, body: &Json, who: &'static User, now: DateTime<Utc>) -> Answered {
    let items = body
        .get("incidents")
        .and_then(Json::as_array)
        .ok_or_else(|| Refusal::input("Incidents must be a list"))?;
    if items.len() > BATCH {
        return Err(Refusal::too_many());
    }
    let anchor = account.anchor();
    let mut planned = Vec::new();
    for item in items {
        let id = referred(item).ok_or_else(|| Refusal::input("Incident id is missing"))?;
        let index = account.find(id).ok_or_else(Refusal::not_found)?;
        let changes = changes(item)?;
        if let Some(incident) = account.incidents.get(index) {
            for change in &changes {
                check(incident, change, who).map_err(Refusal::of_batch)?;
            }
        }
        planned.push((index, changes));
    }
    let mut out = Vec::new();
    for (index, changes) in planned {
        if let Some(incident) = account.incidents.get_mut(index) {
            for change in changes {
                // An item that comes twice is done once.
                if check(incident, &change, who).is_ok() {
                    apply(incident, change, who, now, anchor);
                }
            }
            out.push(shown(incident));
        }
    }
    Ok(answer(StatusCode::OK, &json!({"incidents": out})))
}

fn create(account: &mut Account, body: &Json, who: &'static User, now: DateTime<Utc>) -> Answered {
    let item = body
        .get("incident")
        .ok_or_else(|| Refusal::input("Incident cannot be empty"))?;
    let title = text(item, "title").filter(|title| !title.trim().is_empty());
    let title = title.ok_or_else(|| Refusal::input("Title cannot be empty"))?;
    let service = item.get("service").and_then(referred).and_then(service_by_id);
    let service = service.ok_or_else(|| Refusal::input("Service not found"))?;
    let key = text(item, "incident_key").map(str::to_owned);
    let open = |incident: &Incident| !incident.is_resolved() && incident.service == service;
    if key.is_some() && account.incidents.iter().any(|i| open(i) && i.key == key) {
        return Err(Refusal::input(
            "Open incident with matching dedup key already exists on this service",
        ));
    }
    let wanted = changes(&json!({
        "priority": item.get("priority").cloned().unwrap_or(Json::Null),
        "urgency": item.get("urgency").and_then(Json::as_str).unwrap_or("high"),
    }))?;
    let people = item.get("assignments").map(assignees).transpose()?;
    let policy = match item.get("escalation_policy") {
        Some(wanted) => Some(
            referred(wanted)
                .and_then(policy)
                .ok_or_else(|| Refusal::coded(1014, "Escalation Policy Not Found"))?,
        ),
        None => None,
    };
    let urgency = wanted
        .iter()
        .find_map(|change| match change {
            Change::Urgency(urgency) => Some(*urgency),
            _ => None,
        })
        .unwrap_or(Urgency::High);
    let details = item
        .get("body")
        .and_then(|body| text(body, "details"))
        .map(str::to_owned);
    let index = account.open(
        (service, policy),
        (title.to_owned(), urgency),
        (now, Agent::User(who)),
        (key, details),
    );
    let incident = account.incidents.get_mut(index).ok_or_else(Refusal::not_found)?;
    for change in wanted {
        if let Change::Priority(Some(priority)) = change {
            incident.set_priority(Some(priority), who, now);
        }
    }
    if let Some(people) = people {
        incident.reassign(&people, who, now);
        if people.contains(&who) {
            incident.acknowledge(who, now, "api");
        }
    }
    Ok(answer(StatusCode::CREATED, &json!({"incident": shown(incident)})))
}

fn content(body: &Json) -> Result<&str, Refusal> {
    words("Content", body.get("note").and_then(|note| text(note, "content")))
}

/// What somebody says: something, and no more than the service takes.
fn words<'a>(what: &str, said: Option<&'a str>) -> Result<&'a str, Refusal> {
    let said = said.filter(|words| !words.trim().is_empty());
    let said = said.ok_or_else(|| Refusal::input(format!("{what} cannot be empty")))?;
    if said.chars().count() > PAGERDUTY_TEXT {
        return Err(Refusal::input(format!(
            "{what} is too long (maximum is {PAGERDUTY_TEXT} characters)"
        )));
    }
    Ok(said)
}

fn note(account: &mut Account, id: &str, body: &Json, who: &'static User, now: DateTime<Utc>) -> Answered {
    let incident = incident_of(account, id)?;
    let note = incident.note(who, now, content(body)?);
    Ok(answer(StatusCode::OK, &json!({"note": wire::note_json(&note)})))
}

fn change_note(
    account: &mut Account,
    (id, note): (&str, &str),
    body: &Json,
    who: &'static User,
    now: DateTime<Utc>,
) -> Answered {
    let incident = incident_of(account, id)?;
    let words = content(body)?;
    let note = incident.notes.iter_mut().find(|n| n.id == note && n.user == who);
    let note = note.ok_or_else(Refusal::not_found)?;
    words.clone_into(&mut note.content);
    note.updated = now;
    Ok(answer(StatusCode::OK, &json!({"note": wire::note_json(note)})))
}

fn delete_note(account: &mut Account, id: &str, note: &str) -> Answered {
    let incident = incident_of(account, id)?;
    let index = incident.notes.iter().position(|n| n.id == note);
    incident.notes.remove(index.ok_or_else(Refusal::not_found)?);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn snooze(account: &mut Account, id: &str, body: &Json, who: &'static User, now: DateTime<Utc>) -> Answered {
    let incident = incident_of(account, id)?;
    let duration = body.get("duration").and_then(Json::as_i64);
    let duration = duration
        .filter(|seconds| (1..=SNOOZE).contains(seconds))
        .ok_or_else(|| Refusal::coded(1013, "Snooze Duration Invalid"))?;
    match incident.status {
        Status::Resolved => return Err(Refusal::coded(1001, "Incident Already Resolved")),
        Status::Triggered => return Err(Refusal::coded(1012, "Incident Not Acknowledged")),
        Status::Acknowledged => {}
    }
    incident.snooze(who, now, now + TimeDelta::seconds(duration));
    Ok(answer(StatusCode::CREATED, &json!({"incident": shown(incident)})))
}

fn merge(account: &mut Account, id: &str, body: &Json, who: &'static User, now: DateTime<Utc>) -> Answered {
    let target = account.find(id).ok_or_else(Refusal::not_found)?;
    let listed = body
        .get("source_incidents")
        .and_then(Json::as_array)
        .filter(|listed| !listed.is_empty())
        .ok_or_else(|| Refusal::input("Source incidents cannot be empty"))?;
    let mut sources = Vec::new();
    for source in listed {
        let index = referred(source).and_then(|id| account.find(id));
        let index = index.ok_or_else(Refusal::not_found)?;
        if index == target {
            return Err(Refusal::input("An incident cannot be merged into itself"));
        }
        if !sources.contains(&index) {
            sources.push(index);
        }
    }
    let all = || sources.iter().chain(std::iter::once(&target));
    let of = |index: &usize| account.incidents.get(*index);
    if of(&target).is_some_and(Incident::is_resolved) {
        return Err(Refusal::coded(1001, "Incident Already Resolved"));
    }
    if sources.iter().filter_map(of).any(Incident::is_resolved) {
        return Err(Refusal::coded(1019, "Incident Already Merged"));
    }
    if all()
        .filter_map(of)
        .map(|incident| incident.alerts.len())
        .sum::<usize>()
        > ALERTS
    {
        return Err(Refusal::input("The merged incident would have too many alerts"));
    }
    let reference = of(&target).map(wire::incident_ref).unwrap_or_default();
    for source in sources {
        let Some(incident) = account.incidents.get_mut(source) else {
            continue;
        };
        let number = incident.number;
        let alerts = incident.merged_into(&reference, who, now);
        if let Some(target) = account.incidents.get_mut(target) {
            target.take_in(number, alerts, who, now);
        }
    }
    let incident = incident_of(account, id)?;
    Ok(answer(StatusCode::OK, &json!({"incident": shown(incident)})))
}

fn status_update(
    account: &mut Account,
    id: &str,
    body: &Json,
    who: &'static User,
    now: DateTime<Utc>,
) -> Answered {
    let incident = incident_of(account, id)?;
    let message = words("Message", text(body, "message"))?;
    let made = incident.status_update(who, now, message);
    Ok(answer(
        StatusCode::OK,
        &json!({"status_update": {
            "id": made,
            "message": message,
            "created_at": wire::stamp(now),
            "sender": wire::user_ref(who),
        }}),
    ))
}

/// Needs no `From`: the requester stands in the body.
fn responders(account: &mut Account, id: &str, body: &Json, now: DateTime<Utc>) -> Answered {
    let anchor = account.anchor();
    let incident = incident_of(account, id)?;
    let requester = text(body, "requester_id").and_then(user);
    let requester = requester.ok_or_else(|| Refusal::coded(1008, "Requester User Not Found"))?;
    let message = text(body, "message").unwrap_or_default();
    let listed = body
        .get("responder_request_targets")
        .and_then(Json::as_array)
        .filter(|listed| !listed.is_empty())
        .ok_or_else(|| Refusal::input("Responder request targets cannot be empty"))?;
    if incident.is_resolved() {
        return Err(Refusal::coded(1001, "Incident Already Resolved"));
    }
    let mut people = Vec::new();
    let mut targets = Vec::new();
    for one in listed {
        let target = one.get("responder_request_target").unwrap_or(one);
        let id = referred(target).unwrap_or_default();
        match text(target, "type") {
            Some("user_reference" | "user") => {
                let found = user(id).ok_or_else(|| Refusal::coded(1007, "Assignee Not Found"))?;
                people.push(found);
                targets.push(wire::user_ref(found));
            }
            Some("escalation_policy_reference" | "escalation_policy") => {
                let found = policy(id).ok_or_else(|| Refusal::coded(1014, "Escalation Policy Not Found"))?;
                people.extend(on_call(anchor)(found, 1, now));
                targets.push(wire::policy_ref(found));
            }
            _ => return Err(Refusal::input("Responder request target type is invalid")),
        }
    }
    people.dedup();
    incident.ask_for_help(&people, requester, now, message);
    Ok(answer(
        StatusCode::OK,
        &json!({"responder_request": wire::responder_request(incident, requester, message, &targets)}),
    ))
}

fn alerts(account: &mut Account, id: &str, body: &Json, who: &'static User, now: DateTime<Utc>) -> Answered {
    let incident = incident_of(account, id)?;
    let items = body
        .get("alerts")
        .and_then(Json::as_array)
        .ok_or_else(|| Refusal::input("Alerts must be a list"))?;
    if items.len() > BATCH {
        return Err(Refusal::too_many());
    }
    let known = |item: &Json| {
        incident
            .alerts
            .iter()
            .any(|a| Some(a.id.as_str()) == referred(item))
    };
    if !items.iter().all(known) {
        return Err(Refusal::not_found());
    }
    if !items.iter().all(|item| text(item, "status") == Some("resolved")) {
        return Err(Refusal::input("Alerts can only be resolved"));
    }
    for alert in &mut incident.alerts {
        if items.iter().any(|item| referred(item) == Some(alert.id.as_str())) {
            alert.resolved.get_or_insert(now);
        }
    }
    incident.updated = now;
    if !incident.is_resolved() && incident.alerts.iter().all(|alert| alert.resolved.is_some()) {
        incident.resolve(Agent::User(who), now, None);
    }
    let shown: Vec<Json> = incident
        .alerts
        .iter()
        .filter(|alert| items.iter().any(|item| referred(item) == Some(alert.id.as_str())))
        .map(|alert| wire::alert_json(alert, incident))
        .collect();
    Ok(answer(StatusCode::OK, &json!({"alerts": shown})))
}
