//! What PagerDuty sends (REST v2), read leniently, and what becomes of it.
//!
//! Unknown fields are passed over, `null` and missing lists are empty, ids and numbers may be either, what does
//! not read as a time is not there. A reference (`*_reference`: id, summary) and the whole object that
//! `include[]` puts in its place are one struct, [`Ref`]. Nothing outside this folder sees these types.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::backend::incidents::{IncidentAlert, Over};
use crate::domain::incident::{
    AssignedVia, Due, DueWhat, Incident, IncidentId, Level, Named, Person, Responder, Status, Urgency,
};

/// A value of any shape: its default where it does not read.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(T::deserialize(Value::deserialize(from)?).unwrap_or_default())
}

/// The elements of a list that read; none where it is no list.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Array(elements) => elements
            .into_iter()
            .filter_map(|element| T::deserialize(element).ok())
            .collect(),
        _ => Vec::new(),
    })
}

/// Text, also where a number was sent.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<str>>, D::Error> {
    Ok(text_of(&Value::deserialize(from)?))
}

pub(super) fn text_of(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(Value::deserialize(from)?.as_str().and_then(time_of))
}

fn time_of(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|at| at.with_timezone(&Utc))
}

fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok())))
}

/// A document's list by its key, element by element; `None` where the document is no object with that key.
pub(super) fn elements(body: &[u8], key: &str) -> Option<(Vec<Value>, Page)> {
    let mut document: Value = serde_json::from_slice(body).ok()?;
    let elements = match document.get_mut(key)?.take() {
        Value::Array(elements) => elements,
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return None,
    };
    let page = Page {
        limit: document.get("limit").and_then(Value::as_u64),
        more: document.get("more").and_then(Value::as_bool).unwrap_or(false),
    };
    Some((elements, page))
}

/// The object that a document wraps: `{"incident": {…}}`.
pub(super) fn wrapped<T: DeserializeOwned>(body: &[u8], key: &str) -> Option<T> {
    let mut document: Value = serde_json::from_slice(body).ok()?;
    T::deserialize(document.get_mut(key)?.take()).ok()
}

/// How a page stands among others (classic pagination).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// As the server understood it.
    pub(super) limit: Option<u64>,
    /// Whether another follows.
    pub(super) more: bool,
}

/// A reference, or the whole object where `include[]` asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ref {
    #[serde(deserialize_with = "text")]
    pub(super) id: Option<Arc<str>>,
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    summary: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    name: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    pub(super) email: Option<Arc<str>>,
    #[serde(deserialize_with = "list")]
    contact_methods: Vec<Contact>,
    #[serde(deserialize_with = "list")]
    pub(super) teams: Vec<Ref>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct Contact {
    #[serde(rename = "type", deserialize_with = "text")]
    kind: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    address: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    country_code: Option<Arc<str>>,
}

impl Ref {
    /// What people call it.
    pub(super) fn label(&self) -> Option<Arc<str>> {
        [&self.name, &self.summary, &self.id]
            .into_iter()
            .flatten()
            .find(|text| !text.trim().is_empty())
            .cloned()
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind
            .as_deref()
            .is_some_and(|ours| ours.strip_suffix("_reference").unwrap_or(ours) == kind)
    }

    pub(super) fn named(&self) -> Option<Named> {
        Some(Named {
            id: self.id.clone()?,
            name: self.label()?,
        })
    }

    pub(super) fn person(&self) -> Option<Person> {
        let phone = self
            .contact_methods
            .iter()
            .filter(|contact| {
                contact
                    .kind
                    .as_deref()
                    .is_some_and(|kind| kind.starts_with("phone"))
            })
            .find_map(|contact| {
                let address = contact.address.as_deref()?;
                Some(match contact.country_code.as_deref() {
                    Some(code) if !address.starts_with('+') => format!("+{code} {address}").into(),
                    Some(_) | None => Arc::from(address),
                })
            });
        Some(Person {
            id: self.id.clone()?,
            name: self.label()?,
            email: self.email.clone(),
            phone,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Assignment {
    #[serde(deserialize_with = "time")]
    pub(super) at: Option<DateTime<Utc>>,
    #[serde(alias = "acknowledger", deserialize_with = "lenient")]
    pub(super) assignee: Ref,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct Pending {
    #[serde(rename = "type", deserialize_with = "text")]
    kind: Option<Arc<str>>,
    #[serde(deserialize_with = "time")]
    at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct Counts {
    #[serde(deserialize_with = "whole")]
    all: Option<u64>,
}

/// Somebody asked to help (`incidents_responders`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct AskedToHelp {
    #[serde(deserialize_with = "text")]
    state: Option<Arc<str>>,
    #[serde(deserialize_with = "lenient")]
    pub(super) user: Ref,
    #[serde(deserialize_with = "time")]
    pub(super) requested_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct Reason {
    #[serde(rename = "type", deserialize_with = "text")]
    kind: Option<Arc<str>>,
    #[serde(deserialize_with = "lenient")]
    incident: Ref,
}

/// `GET /incidents/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct IncidentWire {
    #[serde(deserialize_with = "text")]
    pub(super) id: Option<Arc<str>>,
    #[serde(deserialize_with = "whole")]
    incident_number: Option<u64>,
    #[serde(deserialize_with = "text")]
    title: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    summary: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    status: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    urgency: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    incident_key: Option<Arc<str>>,
    #[serde(deserialize_with = "time")]
    created_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "time")]
    resolved_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "time")]
    pub(super) last_status_change_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lenient")]
    pub(super) last_status_change_by: Ref,
    #[serde(deserialize_with = "lenient")]
    service: Ref,
    #[serde(deserialize_with = "lenient")]
    pub(super) escalation_policy: Ref,
    #[serde(deserialize_with = "text")]
    assigned_via: Option<Arc<str>>,
    #[serde(deserialize_with = "list")]
    pub(super) assignments: Vec<Assignment>,
    #[serde(deserialize_with = "list")]
    pub(super) acknowledgements: Vec<Assignment>,
    #[serde(deserialize_with = "list")]
    pending_actions: Vec<Pending>,
    #[serde(deserialize_with = "lenient")]
    pub(super) priority: Ref,
    #[serde(deserialize_with = "lenient")]
    alert_counts: Counts,
    #[serde(deserialize_with = "lenient")]
    pub(super) is_mergeable: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(super) incidents_responders: Vec<AskedToHelp>,
    #[serde(deserialize_with = "lenient")]
    resolve_reason: Reason,
    #[serde(deserialize_with = "text")]
    html_url: Option<Arc<str>>,
}

impl IncidentWire {
    /// Reads one; `None` without what nothing can be done without: an id, a status that is known, a begin.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let mut object = value.as_object()?.clone();
        // Both spellings are seen, alone and together.
        if let Some(other) = object.remove("incident_responders") {
            let ours = object.entry("incidents_responders").or_insert(Value::Null);
            if ours.as_array().is_none_or(Vec::is_empty) {
                *ours = other;
            }
        }
        let wire = Self::deserialize(Value::Object(object)).ok()?;
        (wire.id.is_some() && wire.known_status().is_some() && wire.created_at.is_some()).then_some(wire)
    }

    pub(super) fn known_status(&self) -> Option<Status> {
        match self.status.as_deref()? {
            "triggered" => Some(Status::Triggered),
            "acknowledged" => Some(Status::Acknowledged),
            "resolved" => Some(Status::Resolved),
            _ => None,
        }
    }

    pub(super) fn via(&self) -> AssignedVia {
        match self.assigned_via.as_deref() {
            Some("direct_assignment") => AssignedVia::Direct,
            Some(_) | None => AssignedVia::Policy,
        }
    }

    /// Last change of status or assignment; `updated_at` also moves with notes.
    pub(super) fn changed_at(&self) -> Option<DateTime<Utc>> {
        self.assignments
            .iter()
            .chain(&self.acknowledgements)
            .filter_map(|each| each.at)
            .chain(self.last_status_change_at)
            .chain(self.resolved_at)
            .chain(self.created_at)
            .max()
    }

    pub(super) fn merged_into(&self) -> Option<IncidentId> {
        let merged = self
            .resolve_reason
            .kind
            .as_deref()
            .is_some_and(|kind| kind.starts_with("merge"));
        self.resolve_reason
            .incident
            .id
            .clone()
            .filter(|_| merged)
            .map(IncidentId)
    }

    /// As the console knows it, its level not yet told.
    pub(super) fn incident(&self, source: &Arc<str>) -> Option<Incident> {
        let created_at = self.created_at?;
        let mut acknowledgements: Vec<(Person, DateTime<Utc>)> = self
            .acknowledgements
            .iter()
            .filter_map(|each| Some((each.assignee.person()?, each.at.unwrap_or(created_at))))
            .collect();
        acknowledgements.sort_by_key(|(_, at)| *at);
        let mut due: Vec<Due> = self
            .pending_actions
            .iter()
            .filter_map(|pending| {
                let what = match pending.kind.as_deref()? {
                    "escalate" => DueWhat::Escalate,
                    "unacknowledge" => DueWhat::Unacknowledge,
                    "resolve" => DueWhat::Resolve,
                    "urgency_change" => DueWhat::UrgencyChange,
                    _ => return None,
                };
                Some(Due {
                    what,
                    at: pending.at?,
                })
            })
            .collect();
        due.sort_by_key(|due| due.at);
        Some(Incident {
            id: IncidentId(self.id.clone()?),
            number: self.incident_number,
            source: Arc::clone(source),
            title: self
                .title
                .clone()
                .or_else(|| self.summary.clone())
                .unwrap_or_default(),
            severity: self.priority.label(),
            status: self.known_status()?,
            urgency: match self.urgency.as_deref() {
                Some("high") => Some(Urgency::High),
                Some("low") => Some(Urgency::Low),
                Some(_) | None => None,
            },
            service: self.service.named(),
            assignees: self
                .assignments
                .iter()
                .filter_map(|each| each.assignee.person())
                .collect(),
            assigned_via: self.via(),
            acknowledged_at: acknowledgements.first().map(|(_, at)| *at),
            acknowledgements,
            policy: self.escalation_policy.named(),
            level: Level::Unknown,
            created_at,
            resolved_at: match self.known_status()? {
                Status::Resolved => self.resolved_at.or(self.last_status_change_at),
                Status::Triggered
                | Status::Acknowledged
                | Status::Investigating
                | Status::Identified
                | Status::Monitoring => None,
            },
            changed_at: self.changed_at().unwrap_or(created_at),
            url: web(self.html_url.as_ref()),
            alert_count: self
                .alert_counts
                .all
                .map_or(0, |all| u32::try_from(all).unwrap_or(u32::MAX)),
            alert_keys: self.incident_key.iter().cloned().collect(),
            due,
            roles: Vec::new(),
            responders: self
                .incidents_responders
                .iter()
                .filter_map(|asked| {
                    Some(Responder {
                        person: asked.user.person()?,
                        state: asked.state.clone().unwrap_or_else(|| "pending".into()),
                    })
                })
                .collect(),
            merged_into: self.merged_into(),
        })
    }
}

/// A page that may be opened: http or https only.
pub(super) fn web(url: Option<&Arc<str>>) -> Option<Arc<str>> {
    url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))
        .cloned()
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct AlertWire {
    #[serde(deserialize_with = "text")]
    id: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    alert_key: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    summary: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    severity: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    status: Option<Arc<str>>,
    #[serde(deserialize_with = "time")]
    created_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lenient")]
    body: Value,
}

/// The most details of an alert's body that are kept, and how deep they are looked for.
const DETAILS: usize = 200;
const DEPTH: usize = 4;

/// An alert of an incident, its body flattened to pairs (`labels.alertname` → `alertname` too).
pub(super) fn alert(value: Value) -> Option<IncidentAlert> {
    let wire = AlertWire::deserialize(value).ok()?;
    let mut details = Vec::new();
    // `details` is free JSON; `cef_details.details` is where some integrations put `custom_details`.
    for place in ["/details", "/cef_details/details"] {
        if let Some(found) = wire.body.pointer(place) {
            flatten(found, "", DEPTH, &mut details);
        }
    }
    Some(IncidentAlert {
        id: wire.id?,
        key: wire.alert_key.filter(|key| !key.is_empty()),
        title: wire.summary.unwrap_or_default(),
        severity: wire.severity,
        created_at: wire.created_at?,
        resolved: match wire.status.as_deref() {
            Some("resolved") => Over::Yes,
            Some(_) | None => Over::No,
        },
        details,
    })
}

fn flatten(value: &Value, name: &str, depth: usize, into: &mut Vec<(Arc<str>, Arc<str>)>) {
    if into.len() >= DETAILS || depth == 0 {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(value, key, depth - 1, into);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                flatten(element, name, depth - 1, into);
            }
        }
        Value::String(text) => {
            let name = if name.is_empty() { "details" } else { name };
            let pair = (Arc::from(name), Arc::from(text.as_str()));
            if !into.contains(&pair) {
                into.push(pair);
            }
        }
        Value::Number(number) if !name.is_empty() => into.push((name.into(), number.to_string().into())),
        Value::Bool(flag) if !name.is_empty() => into.push((name.into(), flag.to_string().into())),
        Value::Null | Value::Number(_) | Value::Bool(_) => {}
    }
}

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct LogEntry {
    #[serde(deserialize_with = "text")]
    pub(super) id: Option<Arc<str>>,
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    pub(super) summary: Option<Arc<str>>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lenient")]
    pub(super) agent: Ref,
    #[serde(deserialize_with = "lenient")]
    pub(super) channel: Channel,
    #[serde(deserialize_with = "lenient")]
    pub(super) incident: Ref,
    #[serde(deserialize_with = "list")]
    pub(super) assignees: Vec<Ref>,
    #[serde(deserialize_with = "text")]
    pub(super) html_url: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    pub(super) message: Option<Arc<str>>,
}

/// By what way something came into the log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channel {
    #[serde(deserialize_with = "text")]
    pub(super) id: Option<Arc<str>>,
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    pub(super) summary: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    pub(super) content: Option<Arc<str>>,
    #[serde(deserialize_with = "text")]
    pub(super) message: Option<Arc<str>>,
}

impl LogEntry {
    /// Its type without `_log_entry`: `trigger`, `escalate`, ….
    pub(super) fn step(&self) -> &str {
        let kind = self.kind.as_deref().unwrap_or_default();
        let kind = kind.strip_suffix("_reference").unwrap_or(kind);
        kind.strip_suffix("_log_entry").unwrap_or(kind)
    }
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Note {
    #[serde(deserialize_with = "text")]
    pub(super) id: Option<Arc<str>>,
    #[serde(deserialize_with = "lenient")]
    pub(super) user: Ref,
    #[serde(deserialize_with = "text")]
    pub(super) content: Option<Arc<str>>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<DateTime<Utc>>,
}

/// One person's duty (`GET /oncalls`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct OnCall {
    #[serde(deserialize_with = "lenient")]
    pub(super) user: Ref,
    #[serde(deserialize_with = "lenient")]
    pub(super) schedule: Ref,
    #[serde(deserialize_with = "lenient")]
    pub(super) escalation_policy: Ref,
    #[serde(deserialize_with = "whole")]
    pub(super) escalation_level: Option<u64>,
    #[serde(deserialize_with = "time")]
    pub(super) start: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "time")]
    pub(super) end: Option<DateTime<Utc>>,
}

/// An escalation policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct PolicyWire {
    #[serde(flatten)]
    pub(super) itself: Ref,
    #[serde(deserialize_with = "list")]
    pub(super) escalation_rules: Vec<Rule>,
}

/// One level of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    #[serde(deserialize_with = "whole")]
    pub(super) escalation_delay_in_minutes: Option<u64>,
    #[serde(deserialize_with = "list")]
    pub(super) targets: Vec<Ref>,
}

/// What an error says of itself: `{"error":{"message","code","errors"}}`, `{"error":"…"}`, a bare string, or
/// nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Refused {
    pub(super) code: Option<u32>,
    /// All of its words, one line a message.
    pub(super) words: String,
}

pub(super) fn refused(body: &[u8]) -> Refused {
    let Ok(document) = serde_json::from_slice::<Value>(body) else {
        return Refused {
            code: None,
            words: String::from_utf8_lossy(body.get(..body.len().min(2_048)).unwrap_or_default())
                .into_owned(),
        };
    };
    let error = document.get("error").unwrap_or(&document);
    let code = error.get("code").and_then(|code| {
        let number = code.as_u64().and_then(|code| u32::try_from(code).ok());
        number.or_else(|| code.as_str().and_then(|code| code.parse().ok()))
    });
    let mut words: Vec<String> = Vec::new();
    words.extend(error.as_str().map(str::to_owned));
    words.extend(error.get("message").and_then(Value::as_str).map(str::to_owned));
    match error.get("errors") {
        Some(Value::Array(errors)) => {
            words.extend(
                errors
                    .iter()
                    .filter_map(|each| text_of(each).map(|text| text.to_string())),
            );
        }
        Some(Value::String(one)) => words.push(one.clone()),
        Some(_) | None => {}
    }
    Refused {
        code,
        words: words.join(": "),
    }
}
