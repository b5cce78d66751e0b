//! Objects as REST API v2 writes them: references by default, whole where `include[]` asks.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value as Json, json};

use super::catalogue::{
    POLICIES, Policy, Priority, SERVICES, Schedule, Service, Target, Team, User, schedule, team, user,
};
use super::incident::Incident;
use super::record::{Agent, Alert, Entry, Note, Responder, Status, Via};

/// Where the API's own links point.
const SELF: &str = "https://api.pagerduty.com";
/// Where the pages are.
const HTML: &str = "https://shop.pagerduty.com";

/// A time: whole seconds, UTC.
pub fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What a request wants whole.
#[derive(Debug, Clone, Default)]
pub struct Included(pub Vec<String>);

impl Included {
    fn has(&self, what: &str) -> bool {
        self.0.iter().any(|name| name == what)
    }
}

fn reference(kind: &str, path: &str, id: &str, summary: &str) -> Json {
    json!({
        "id": id,
        "type": format!("{kind}_reference"),
        "summary": summary,
        "self": format!("{SELF}/{path}/{id}"),
        "html_url": format!("{HTML}/{path}/{id}"),
    })
}

/// A user as others refer to them.
pub fn user_ref(user: &User) -> Json {
    reference("user", "users", user.id, user.name)
}

/// A service as others refer to it.
pub fn service_ref(service: &Service) -> Json {
    reference("service", "services", service.id, service.name)
}

/// A policy as others refer to it.
pub fn policy_ref(policy: &Policy) -> Json {
    reference("escalation_policy", "escalation_policies", policy.id, policy.name)
}

/// A schedule as others refer to it.
pub fn schedule_ref(schedule: &Schedule) -> Json {
    reference("schedule", "schedules", schedule.id, schedule.name)
}

fn team_ref(team: &Team) -> Json {
    reference("team", "teams", team.id, team.name)
}

/// An incident as others refer to it.
pub fn incident_ref(incident: &Incident) -> Json {
    reference("incident", "incidents", &incident.id, &summary(incident))
}

fn summary(incident: &Incident) -> String {
    format!("[#{}] {}", incident.number, incident.title)
}

/// The contact methods of a user.
pub fn contact_methods(user: &User) -> Json {
    let method = |kind: &str, label: &str, address: &str| {
        let mut out = json!({
            "id": format!("{}{}", user.id, &kind[..1].to_uppercase()),
            "type": format!("{kind}_contact_method"),
            "summary": label,
            "self": format!("{SELF}/users/{}/contact_methods/{}", user.id, user.id),
            "html_url": null,
            "label": label,
            "address": address,
        });
        if kind == "phone" {
            out["country_code"] = json!(1);
            out["blacklisted"] = json!(false);
        }
        out
    };
    json!([
        method("email", "Default", user.email),
        method("phone", "Mobile", user.phone)
    ])
}

/// A user, whole.
pub fn user_json(user: &User, included: &Included) -> Json {
    let teams: Vec<Json> = user
        .teams
        .iter()
        .filter_map(|id| team(id))
        .map(team_ref)
        .collect();
    let methods = if included.has("contact_methods") {
        contact_methods(user)
    } else {
        let listed = contact_methods(user);
        listed
            .as_array()
            .into_iter()
            .flatten()
            .map(|method| {
                json!({
                    "id": method["id"],
                    "type": format!("{}_reference", method["type"].as_str().unwrap_or_default()),
                    "summary": method["summary"],
                    "self": method["self"],
                    "html_url": null,
                })
            })
            .collect()
    };
    json!({
        "id": user.id,
        "type": "user",
        "summary": user.name,
        "self": format!("{SELF}/users/{}", user.id),
        "html_url": format!("{HTML}/users/{}", user.id),
        "name": user.name,
        "email": user.email,
        "time_zone": "Etc/UTC",
        "color": "purple",
        "role": "user",
        "job_title": null,
        "description": null,
        "invitation_sent": false,
        "avatar_url": format!("{HTML}/avatars/{}", user.id),
        "teams": teams,
        "contact_methods": methods,
        "notification_rules": [],
    })
}

/// A team, whole.
pub fn team_json(team: &Team) -> Json {
    json!({
        "id": team.id,
        "type": "team",
        "summary": team.name,
        "self": format!("{SELF}/teams/{}", team.id),
        "html_url": format!("{HTML}/teams/{}", team.id),
        "name": team.name,
        "description": null,
        "parent": null,
    })
}

/// A service, whole.
pub fn service_json(service: &Service) -> Json {
    json!({
        "id": service.id,
        "type": "service",
        "summary": service.name,
        "self": format!("{SELF}/services/{}", service.id),
        "html_url": format!("{HTML}/service-directory/{}", service.id),
        "name": service.name,
        "description": format!("The shop's {}.", service.name),
        "status": "active",
        "auto_resolve_timeout": null,
        "acknowledgement_timeout": super::incident::ACK_TIMEOUT.num_seconds(),
        "alert_creation": "create_alerts_and_incidents",
        "escalation_policy": policy_ref(service.policy()),
        "incident_urgency_rule": {"type": "constant", "urgency": "severity_based"},
        "teams": team(service.team).map(team_ref).into_iter().collect::<Vec<_>>(),
        "integrations": [],
    })
}

/// A policy, whole.
pub fn policy_json(policy: &Policy, included: &Included) -> Json {
    let target = |target: &Target| match target {
        Target::User(id) => user(id).map(|user| {
            if included.has("targets") {
                user_json(user, &Included::default())
            } else {
                user_ref(user)
            }
        }),
        Target::Schedule(id) => schedule(id).map(|found| {
            if included.has("targets") {
                schedule_json(found)
            } else {
                schedule_ref(found)
            }
        }),
    };
    let rules: Vec<Json> = policy
        .levels
        .iter()
        .map(|level| {
            json!({
                "id": level.id,
                "escalation_delay_in_minutes": level.delay,
                "targets": level.targets.iter().filter_map(target).collect::<Vec<_>>(),
                "escalation_rule_assignment_strategy": {"type": "assign_to_everyone"},
            })
        })
        .collect();
    let services: Vec<Json> = SERVICES
        .iter()
        .filter(|service| service.policy == policy.id)
        .map(service_ref)
        .collect();
    json!({
        "id": policy.id,
        "type": "escalation_policy",
        "summary": policy.name,
        "self": format!("{SELF}/escalation_policies/{}", policy.id),
        "html_url": format!("{HTML}/escalation_policies/{}", policy.id),
        "name": policy.name,
        "description": null,
        "num_loops": policy.loops,
        "on_call_handoff_notifications": "if_has_services",
        "escalation_rules": rules,
        "services": services,
        "teams": team(policy.team).map(team_ref).into_iter().collect::<Vec<_>>(),
    })
}

/// A schedule without its calendar.
pub fn schedule_json(schedule: &Schedule) -> Json {
    let users: Vec<Json> = schedule
        .rotation
        .iter()
        .filter_map(|id| user(id))
        .map(user_ref)
        .collect();
    let policies: Vec<Json> = POLICIES
        .iter()
        .filter(|policy| {
            policy
                .levels
                .iter()
                .any(|level| level.targets.contains(&Target::Schedule(schedule.id)))
        })
        .map(policy_ref)
        .collect();
    json!({
        "id": schedule.id,
        "type": "schedule",
        "summary": schedule.name,
        "self": format!("{SELF}/schedules/{}", schedule.id),
        "html_url": format!("{HTML}/schedules/{}", schedule.id),
        "name": schedule.name,
        "description": null,
        "time_zone": "Etc/UTC",
        "users": users,
        "escalation_policies": policies,
    })
}

/// A priority, whole.
pub fn priority(priority: &Priority) -> Json {
    json!({
        "id": priority.id,
        "type": "priority",
        "summary": priority.name,
        "self": format!("{SELF}/priorities/{}", priority.id),
        "html_url": null,
        "name": priority.name,
        "description": priority.description,
        "color": priority.color,
        "order": priority.order,
    })
}

fn agent(agent: Agent) -> Json {
    match agent {
        Agent::User(user) => user_ref(user),
        Agent::Service(service) => service_ref(service),
    }
}

fn person(user: &User, included: &Included, name: &str) -> Json {
    if included.has(name) || included.has("users") {
        user_json(user, &Included::default())
    } else {
        user_ref(user)
    }
}

fn responder(responder: &Responder, incident: &Incident) -> Json {
    json!({
        "state": responder.state,
        "user": user_ref(responder.user),
        "incident": incident_ref(incident),
        "updated_at": stamp(responder.at),
        "message": responder.message,
        "requester": user_ref(responder.requester),
        "requested_at": stamp(responder.at),
    })
}

/// A request for help, as the answer to making one shows it.
pub fn responder_request(incident: &Incident, requester: &User, message: &str, targets: &[Json]) -> Json {
    json!({
        "incident": incident_ref(incident),
        "requester": user_ref(requester),
        "requested_at": stamp(incident.updated),
        "message": message,
        "responder_request_targets": targets
            .iter()
            .map(|target| json!({"responder_request_target": target}))
            .collect::<Vec<_>>(),
    })
}

/// An incident, whole.
pub fn incident_json(incident: &Incident, included: &Included) -> Json {
    let assignments: Vec<Json> = incident
        .assignees
        .iter()
        .map(|(user, at)| json!({"at": stamp(*at), "assignee": person(user, included, "assignees")}))
        .collect();
    let acknowledgements: Vec<Json> = incident
        .acks
        .iter()
        .map(|(user, at)| json!({"at": stamp(*at), "acknowledger": person(user, included, "acknowledgers")}))
        .collect();
    let unack = incident.unack_at.map(|at| ("unacknowledge", at));
    let next = incident.next_page().map(|at| ("escalate", at));
    let pending: Vec<Json> = unack
        .into_iter()
        .chain(next)
        .map(|(kind, at)| json!({"type": kind, "at": stamp(at)}))
        .collect();
    let over = incident.alerts.iter().filter(|a| a.resolved.is_some()).count();
    let responders: Vec<Json> = incident
        .responders
        .iter()
        .map(|one| responder(one, incident))
        .collect();
    let teams: Vec<Json> = incident
        .team()
        .map(|team| {
            if included.has("teams") {
                team_json(team)
            } else {
                team_ref(team)
            }
        })
        .into_iter()
        .collect();
    let mut out = json!({
        "id": incident.id,
        "type": "incident",
        "summary": summary(incident),
        "self": format!("{SELF}/incidents/{}", incident.id),
        "html_url": format!("{HTML}/incidents/{}", incident.id),
        "incident_number": incident.number,
        "title": incident.title,
        "description": incident.title,
        "status": incident.status.word(),
        "urgency": incident.urgency.word(),
        "incident_key": incident.key,
        "created_at": stamp(incident.created),
        "updated_at": stamp(incident.updated),
        "resolved_at": incident.resolved.map(stamp),
        "service": if included.has("services") { service_json(incident.service) } else { service_ref(incident.service) },
        "escalation_policy": if included.has("escalation_policies") {
            policy_json(incident.policy, &Included::default())
        } else {
            policy_ref(incident.policy)
        },
        "assigned_via": match incident.via {
            Via::Policy => "escalation_policy",
            Via::Direct => "direct_assignment",
        },
        "assignments": assignments,
        "acknowledgements": acknowledgements,
        "pending_actions": pending,
        "last_status_change_at": stamp(incident.changed),
        "last_status_change_by": agent(incident.changed_by),
        "priority": incident.priority.map(priority),
        "teams": teams,
        "impacted_services": [service_ref(incident.service)],
        "alert_grouping": null,
        "alert_counts": {
            "all": incident.alerts.len(),
            "triggered": incident.alerts.len() - over,
            "resolved": over,
        },
        "is_mergeable": incident.status != Status::Resolved,
        "incident_type": {"name": "incident_default"},
        "responder_requests": [],
        "incidents_responders": responders,
        "conference_bridge": incident.bridge,
        "basic_alert_grouping": null,
        "subscriber_requests": [],
        "first_trigger_log_entry": incident.log.first().map(|entry| {
            if included.has("first_trigger_log_entries") {
                entry_json(entry, incident)
            } else {
                reference("trigger_log_entry", "log_entries", &entry.id, &entry.summary)
            }
        }),
    });
    if let Some(details) = &incident.details {
        out["body"] = json!({"type": "incident_body", "details": details});
    }
    out
}

/// A log entry.
pub fn entry_json(entry: &Entry, incident: &Incident) -> Json {
    let mut channel = json!({"type": entry.channel.kind});
    merge(&mut channel, &entry.channel.fields);
    let mut out = json!({
        "id": entry.id,
        "type": format!("{}_log_entry", entry.kind),
        "summary": entry.summary,
        "self": format!("{SELF}/log_entries/{}", entry.id),
        "html_url": format!("{HTML}/incidents/{}/log_entries/{}", incident.id, entry.id),
        "created_at": stamp(entry.at),
        "agent": agent(entry.agent),
        "channel": channel,
        "service": service_ref(incident.service),
        "incident": incident_ref(incident),
        "teams": incident.team().map(team_ref).into_iter().collect::<Vec<_>>(),
        "contexts": [],
        "event_details": {},
    });
    if matches!(entry.kind, "assign" | "escalate") {
        out["assignees"] = entry.assignees.iter().map(|user| user_ref(user)).collect();
    }
    merge(&mut out, &entry.fields);
    out
}

fn merge(into: &mut Json, fields: &Json) {
    if let (Some(into), Some(fields)) = (into.as_object_mut(), fields.as_object()) {
        into.extend(fields.clone());
    }
}

/// A note.
pub fn note_json(note: &Note) -> Json {
    json!({
        "id": note.id,
        "user": user_ref(note.user),
        "channel": {"summary": "The PagerDuty website or APIs"},
        "content": note.content,
        "created_at": stamp(note.at),
        "updated_at": stamp(note.updated),
    })
}

/// An alert of an incident.
pub fn alert_json(alert: &Alert, incident: &Incident) -> Json {
    json!({
        "id": alert.id,
        "type": "alert",
        "summary": alert.summary,
        "self": format!("{SELF}/incidents/{}/alerts/{}", incident.id, alert.id),
        "html_url": format!("{HTML}/alerts/{}", alert.id),
        "created_at": stamp(alert.created),
        "updated_at": stamp(alert.resolved.unwrap_or(alert.created)),
        "resolved_at": alert.resolved.map(stamp),
        "status": if alert.resolved.is_some() { "resolved" } else { "triggered" },
        "alert_key": alert.key,
        "severity": alert.severity,
        "suppressed": false,
        "alert_grouping": null,
        "service": service_ref(incident.service),
        "incident": incident_ref(incident),
        "first_trigger_log_entry": null,
        "integration": {
            "id": "PINTEG1",
            "type": "generic_events_api_inbound_integration_reference",
            "summary": "alert relay",
        },
        "body": {
            "type": "alert_body",
            "contexts": [],
            "details": alert.details,
        },
    })
}
