//! Sending acts: one request an act, never repeated here.
//!
//! Nothing but who we are is looked up before the request, and that within one time limit: the outbox checks
//! right before that it may send, and that must still hold when the request goes out.

use std::sync::Arc;

use serde_json::{Value, json};

use super::errors::Refusal;
use super::wire::{IncidentWire, Ref};
use super::{PagerDuty, wire};
use crate::backend::http::{Answer, Call, Method};
use crate::backend::incidents::{IncidentOrder, Receipt};
use crate::backend::{BackendError, BackendResult};
use crate::domain::incident::{IncidentAct, IncidentId, LONGEST_SNOOZE, Person, Status};

impl PagerDuty {
    pub(super) async fn send_once(&self, order: IncidentOrder) -> BackendResult<Receipt> {
        let mut call = self.request(&order).await?;
        if !matches!(order.act, IncidentAct::Page { .. }) {
            // responder requests name who asks in their body instead
            call = call.header("from", self.sender().await?);
        }
        match self.ask(call).await {
            Ok(answer) => Ok(self.receipt(&order.act, &answer)),
            Err(refusal) if refusal.says_already() => self.already(&order, refusal).await,
            Err(refusal) => {
                if refusal.is_beyond_plan() {
                    self.memory().lacking.insert(order.act.verb());
                }
                Err(Self::explained(&order.act, refusal))
            }
        }
    }

    /// The one request of an act.
    async fn request(&self, order: &IncidentOrder) -> BackendResult<Call> {
        let change = |fields: Value| {
            let mut incident = json!({"type": "incident_reference"});
            if let (Some(incident), Value::Object(fields)) = (incident.as_object_mut(), fields) {
                incident.extend(fields);
            }
            self.write(Method::Put, &order.incident, "", &json!({ "incident": incident }))
        };
        let post = |below: &str, body: Value| self.write(Method::Post, &order.incident, below, &body);
        match &order.act {
            IncidentAct::Acknowledge => change(json!({"status": "acknowledged"})),
            IncidentAct::Resolve { resolution } if resolution.trim().is_empty() => {
                change(json!({"status": "resolved"}))
            }
            IncidentAct::Resolve { resolution } => {
                change(json!({"status": "resolved", "resolution": resolution}))
            }
            IncidentAct::Escalate { to } => {
                self.check_level(&order.incident, *to)?;
                // The level alone: with the policy beside it PagerDuty begins again at level 1.
                change(json!({ "escalation_level": to }))
            }
            IncidentAct::ReassignTo { people } => {
                let people = self.some_people("reassign", people)?;
                let assignments: Vec<Value> = people
                    .iter()
                    .map(|person| json!({"assignee": {"id": person.id, "type": "user_reference"}}))
                    .collect();
                change(json!({ "assignments": assignments }))
            }
            IncidentAct::ReassignPolicy { policy } => {
                change(json!({"escalation_policy": {"id": policy.id, "type": "escalation_policy_reference"}}))
            }
            IncidentAct::Page { people, message } => {
                let people = self.some_people("page", people)?;
                let me = self.me_before_a_write().await?;
                let targets: Vec<Value> = people
                    .iter()
                    .map(|person| {
                        json!({"responder_request_target": {"id": person.id, "type": "user_reference"}})
                    })
                    .collect();
                post(
                    "responder_requests",
                    json!({
                        "requester_id": me.acting.person.id,
                        "message": message,
                        "responder_request_targets": targets,
                    }),
                )
            }
            IncidentAct::Snooze { length } => post(
                "snooze",
                json!({"duration": (*length).min(LONGEST_SNOOZE).as_secs().max(1)}),
            ),
            IncidentAct::Merge { from } => {
                if from.is_empty() || from.contains(&order.incident) {
                    return Err(self.not_sent(
                        "merge",
                        "an incident is not merged into itself, and not without others",
                        "choose others than the one that stays open",
                    ));
                }
                let sources: Vec<Value> = from
                    .iter()
                    .map(|id| json!({"id": id, "type": "incident_reference"}))
                    .collect();
                self.write(
                    Method::Put,
                    &order.incident,
                    "merge",
                    &json!({ "source_incidents": sources }),
                )
            }
            IncidentAct::Priority { priority } => {
                change(json!({"priority": {"id": priority.id, "type": "priority_reference"}}))
            }
            IncidentAct::StatusUpdate { text } => {
                post("status_updates", json!({"message": order.marker.mark(text)}))
            }
            IncidentAct::Note { text } => {
                post("notes", json!({"note": {"content": order.marker.mark(text)}}))
            }
            IncidentAct::Advance { .. } | IncidentAct::Assign { .. } => Err(self.not_sent(
                order.act.verb().word(),
                "PagerDuty knows no such state",
                "write a status update or a note",
            )),
        }
    }

    fn write(&self, method: Method, id: &IncidentId, below: &str, body: &Value) -> BackendResult<Call> {
        let path = super::place(id, below)
            .ok_or_else(|| self.not_sent(method.word(), format!("there is no incident `{id}`"), ""))?;
        Ok(Call::write(method, path, body.to_string()))
    }

    fn some_people<'a>(&self, tried: &str, people: &'a [Person]) -> BackendResult<&'a [Person]> {
        if people.is_empty() {
            return Err(self.not_sent(tried, "nobody is named", "name somebody"));
        }
        Ok(people)
    }

    /// Levels count from 1 and end with the policy, where that was seen: PagerDuty takes 0 for 1, and pages.
    fn check_level(&self, id: &IncidentId, to: u32) -> BackendResult<()> {
        let last = self.memory().heights.get(id).copied();
        if to == 0 || last.is_some_and(|last| to > last) {
            let last = last.map_or_else(String::new, |last| format!("; its last level is {last}"));
            return Err(self.not_sent(
                "escalate",
                format!("there is no level {to}{last}"),
                "choose a level of its policy, reassign it, or page somebody",
            ));
        }
        Ok(())
    }

    /// What a success says. Anything of 2xx is one, however little of it reads.
    fn receipt(&self, act: &IncidentAct, answer: &Answer) -> Receipt {
        let incident = wire::wrapped::<Value>(&answer.body, "incident")
            .and_then(|value| IncidentWire::read(&value))
            .and_then(|wire| self.told(&wire, None));
        let made = match act {
            IncidentAct::Note { .. } => "note",
            IncidentAct::StatusUpdate { .. } => "status_update",
            IncidentAct::Acknowledge
            | IncidentAct::Resolve { .. }
            | IncidentAct::Escalate { .. }
            | IncidentAct::ReassignTo { .. }
            | IncidentAct::ReassignPolicy { .. }
            | IncidentAct::Page { .. }
            | IncidentAct::Snooze { .. }
            | IncidentAct::Merge { .. }
            | IncidentAct::Priority { .. }
            | IncidentAct::Advance { .. }
            | IncidentAct::Assign { .. } => "incident",
        };
        Receipt {
            remote_id: wire::wrapped::<Ref>(&answer.body, made).and_then(|made| made.id),
            incident,
            remark: None,
        }
    }

    /// PagerDuty refuses because it is so already: looked at, and a success where it is.
    async fn already(&self, order: &IncidentOrder, refusal: Refusal) -> BackendResult<Receipt> {
        let Ok(Some(wire)) = self.fetch(&order.incident).await else {
            // A look that fails leaves it at PagerDuty's word.
            return match (&order.act, refusal.code) {
                (IncidentAct::Acknowledge, Some(1002)) | (IncidentAct::Resolve { .. }, Some(1001)) => {
                    Ok(Receipt {
                        remark: Some("was so already, says PagerDuty".to_owned()),
                        ..Receipt::default()
                    })
                }
                (_, _) => Err(Self::explained(&order.act, refusal)),
            };
        };
        let by = wire
            .last_status_change_by
            .label()
            .map_or_else(String::new, |who| format!(" by {who}"));
        let remark = match (&order.act, wire.known_status()) {
            (IncidentAct::Acknowledge, Some(Status::Acknowledged)) => {
                let who = names(
                    wire.acknowledgements
                        .iter()
                        .filter_map(|ack| ack.assignee.label()),
                );
                format!("was acknowledged already by {who}")
            }
            (IncidentAct::Resolve { .. }, Some(Status::Resolved)) => format!("was resolved already{by}"),
            (IncidentAct::Merge { from }, _)
                if self.all_merged(from, &order.incident).await == Some(true) =>
            {
                "was merged already".to_owned()
            }
            (_, Some(Status::Resolved)) => {
                let mut error = Self::explained(&order.act, refusal);
                error.mend = format!("it was resolved meanwhile{by}");
                return Err(error);
            }
            (_, _) => return Err(Self::explained(&order.act, refusal)),
        };
        let incident = self.told(&wire, None);
        Ok(Receipt {
            remote_id: wire.id.clone(),
            incident,
            remark: Some(remark),
        })
    }

    /// Whether all of these were merged into it, or some were not; `None` where none was.
    pub(super) async fn all_merged(&self, from: &[IncidentId], into: &IncidentId) -> Option<bool> {
        let mut merged = 0;
        for id in from {
            if let Ok(Some(wire)) = self.fetch(id).await
                && wire.merged_into().as_ref() == Some(into)
            {
                merged += 1;
            }
        }
        (merged > 0).then_some(merged == from.len())
    }

    /// A refusal with what it means for this act, where PagerDuty's own words leave that open.
    fn explained(act: &IncidentAct, refusal: Refusal) -> BackendError {
        let mut error = refusal.error;
        if error.status == Some(400) && refusal.code == Some(2001) && error.mend.is_empty() {
            let mend = match act {
                IncidentAct::Escalate { to } => {
                    format!("level {to} may be past the last one, or its urgency low: look at its levels")
                }
                IncidentAct::Snooze { .. } => "acknowledge it first, then snooze".to_owned(),
                IncidentAct::Acknowledge
                | IncidentAct::Resolve { .. }
                | IncidentAct::ReassignTo { .. }
                | IncidentAct::ReassignPolicy { .. }
                | IncidentAct::Page { .. }
                | IncidentAct::Merge { .. }
                | IncidentAct::Priority { .. }
                | IncidentAct::StatusUpdate { .. }
                | IncidentAct::Note { .. }
                | IncidentAct::Advance { .. }
                | IncidentAct::Assign { .. } => "look at the incident again, then decide".to_owned(),
            };
            error.mend = mend;
        }
        error
    }
}

/// `Mara`, `Mara and Sam`; `somebody` where nobody is named.
pub(super) fn names(people: impl Iterator<Item = Arc<str>>) -> String {
    let names: Vec<Arc<str>> = people.collect();
    if names.is_empty() {
        "somebody".to_owned()
    } else {
        names.join(" and ")
    }
}
