//! A scripted PagerDuty: answers by method and path, and a record of what was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::*;
use crate::backend::http::{Allowance, Answer, Body, Call, Method};
use crate::backend::{BackendError, Delivery, ErrorKind};
use crate::domain::alert::ack::Marker;
use crate::domain::incident::{IncidentAct, Named, Person};

mod acts;
mod looks;
mod reads;
mod twice;

const ID: &str = "Q1AB2CD3EF4GH5";

#[derive(Clone)]
enum Told {
    Status(u16, Vec<u8>),
    Fails(BackendError),
}

/// Answers by method and path: each in turn, the last for ever.
#[derive(Default)]
struct Stand {
    script: Mutex<Vec<(Method, String, Vec<Told>)>>,
    asked: Mutex<Vec<Call>>,
    allowance: Option<Allowance>,
    skew: Option<TimeDelta>,
}

impl Asker for Stand {
    fn allowance(&self) -> Option<Allowance> {
        self.allowance
    }

    fn skew(&self) -> Option<TimeDelta> {
        self.skew
    }

    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        let mut script = self.script.lock().unwrap();
        let found = script
            .iter_mut()
            .find(|(method, path, _)| *method == call.method && *path == call.path);
        let told = match found {
            Some((_, _, answers)) if answers.len() > 1 => answers.remove(0),
            Some((_, _, answers)) => answers[0].clone(),
            None => Told::Status(404, br#"{"error":{"message":"Not Found","code":2100}}"#.to_vec()),
        };
        self.asked.lock().unwrap().push(call);
        Box::pin(async move {
            match told {
                Told::Status(status, body) => Ok(Answer {
                    status,
                    body,
                    date: None,
                    content_type: "application/json".into(),
                    retry_after: None,
                }),
                Told::Fails(error) => Err(error),
            }
        })
    }
}

impl Stand {
    fn with(self, method: Method, path: &str, status: u16, body: &Value) -> Self {
        self.told(method, path, Told::Status(status, body.to_string().into_bytes()))
    }

    fn gets(self, path: &str, body: &Value) -> Self {
        self.with(Method::Get, path, 200, body)
    }

    fn told(self, method: Method, path: &str, told: Told) -> Self {
        {
            let mut script = self.script.lock().unwrap();
            match script.iter_mut().find(|(m, p, _)| *m == method && p == path) {
                Some((_, _, answers)) => answers.push(told),
                None => script.push((method, path.to_owned(), vec![told])),
            }
        }
        self
    }

    fn open(self, from: Option<&str>) -> (PagerDuty, Arc<Self>) {
        let stand = Arc::new(self);
        let settings = Settings {
            name: "incidents".into(),
            from: from.map(str::to_owned),
            timeout: Duration::from_secs(5),
        };
        let asker = Arc::clone(&stand) as Arc<dyn Asker>;
        (
            PagerDuty::new(settings, asker, Clock::with_tokio(at("03:00:00"))),
            stand,
        )
    }

    fn asked(&self) -> Vec<Call> {
        self.asked.lock().unwrap().clone()
    }

    fn writes(&self) -> Vec<Call> {
        self.asked()
            .into_iter()
            .filter(|call| call.method != Method::Get)
            .collect()
    }
}

/// A time of the night of the story.
fn at(time: &str) -> DateTime<Utc> {
    format!("2026-11-20T{time}Z").parse().expect("a time")
}

fn user(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "user_reference", "summary": name})
}

fn me() -> Value {
    json!({"user": {"id": "PUSR001", "type": "user", "name": "Jun", "email": "jun@example.com",
        "teams": [{"id": "PTEAM01", "type": "team_reference", "summary": "Platform"}],
        "contact_methods": [{"type": "email_contact_method", "address": "jun@example.com"},
                            {"type": "phone_contact_method", "country_code": 1, "address": "5550100"}]}})
}

/// The contract's incident, triggered and assigned to Sam.
fn incident() -> Value {
    json!({"id": ID, "type": "incident", "summary": "[#812] api error rate above 5%", "incident_number": 812,
        "title": "api error rate above 5%", "status": "triggered", "urgency": "high", "incident_key": null,
        "created_at": "2026-11-20T02:04:10Z", "updated_at": "2026-11-20T02:06:00Z", "resolved_at": null,
        "service": {"id": "PSVC001", "type": "service_reference", "summary": "api", "html_url": "https://x"},
        "escalation_policy": {"id": "PEP0001", "type": "escalation_policy_reference", "summary": "Platform"},
        "assigned_via": "escalation_policy",
        "assignments": [{"at": "2026-11-20T02:04:10Z", "assignee": user("PUSR002", "Sam")}],
        "acknowledgements": [], "pending_actions": [{"type": "escalate", "at": "2026-11-20T02:34:10Z"}],
        "last_status_change_at": "2026-11-20T02:04:10Z",
        "last_status_change_by": {"id": "PSVC001", "type": "service_reference", "summary": "api"},
        "priority": null, "teams": [], "alert_counts": {"all": 3, "triggered": 3, "resolved": 0},
        "is_mergeable": true, "responder_requests": [], "incidents_responders": [],
        "html_url": "https://acme.pagerduty.com/incidents/Q1AB2CD3EF4GH5"})
}

/// The same with some fields changed.
fn changed(fields: &Value) -> Value {
    let mut incident = incident();
    let fields = fields.as_object().expect("fields").clone();
    incident.as_object_mut().expect("an object").extend(fields);
    incident
}

fn acknowledged_by(id: &str, name: &str, time: &str) -> Value {
    let at = format!("2026-11-20T{time}Z");
    changed(&json!({"status": "acknowledged", "last_status_change_at": at,
        "last_status_change_by": user(id, name),
        "acknowledgements": [{"at": at, "acknowledger": user(id, name)}]}))
}

fn duty(level: u32, id: &str, name: &str) -> Value {
    json!({"user": user(id, name), "schedule": null, "start": null, "end": null, "escalation_level": level,
        "escalation_policy": {"id": "PEP0001", "type": "escalation_policy_reference", "summary": "Platform"}})
}

fn duties() -> Value {
    json!({"oncalls": [duty(1, "PUSR002", "Sam"), duty(2, "PUSR003", "Mara")], "more": false, "limit": 100})
}

fn policy(levels: usize) -> Value {
    let rule = json!({"id": "R", "escalation_delay_in_minutes": 5, "targets": []});
    json!({"escalation_policy": {"id": "PEP0001", "type": "escalation_policy", "name": "Platform",
        "escalation_rules": vec![rule; levels]}})
}

/// A server that knows us, one incident, its policy and who is on call.
fn account(of: &Value) -> Stand {
    Stand::default()
        .gets("users/me", &me())
        .gets(&format!("incidents/{ID}"), &json!({"incident": of}))
        .gets("oncalls", &duties())
        .gets("escalation_policies/PEP0001", &policy(2))
}

fn entry(id: &str, kind: &str, time: &str, agent: &Value) -> Value {
    json!({"id": id, "type": format!("{kind}_log_entry"), "summary": format!("{kind}!"), "agent": agent,
        "created_at": format!("2026-11-20T{time}Z"), "channel": {"type": "api"}, "html_url": "https://x/1",
        "incident": {"id": ID, "type": "incident_reference"}})
}

fn log(entries: &[Value]) -> Value {
    json!({"log_entries": entries, "limit": 100, "offset": 0, "more": false})
}

fn order(act: IncidentAct) -> IncidentOrder {
    IncidentOrder {
        incident: ID.into(),
        act,
        marker: Marker::from_bits(7),
        actor: "jun".into(),
        key: "k".into(),
    }
}

fn person(id: &str, name: &str) -> Person {
    Person {
        id: id.into(),
        name: name.into(),
        email: None,
        phone: None,
    }
}

fn named(id: &str) -> Named {
    Named {
        id: id.into(),
        name: id.into(),
    }
}

fn broken(delivery: Delivery) -> BackendError {
    BackendError {
        kind: ErrorKind::Unreachable,
        backend: "incidents".into(),
        tried: "PUT".into(),
        detail: "the connection broke".into(),
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery,
    }
}

fn param<'a>(call: &'a Call, name: &str) -> Vec<&'a str> {
    call.query
        .iter()
        .filter(|(n, _)| n == name)
        .map(|(_, v)| v.as_str())
        .collect()
}

fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.headers
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v.as_str())
}

fn sent(call: &Call) -> Value {
    match &call.body {
        Body::Json(text) => serde_json::from_str(text).expect("JSON"),
        Body::Empty | Body::Form(_) => Value::Null,
    }
}
