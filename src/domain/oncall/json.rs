//! What scripts read of who is on call: the document of `oncall --json`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Duty, Roster};
use crate::domain::document::{Remarks, document, time};

/// The document of `oncall --json`: every duty of the span that was asked, by policy, level and begin.
pub fn oncall_document(context: &str, roster: &Roster, remarks: &Remarks, now: DateTime<Utc>) -> String {
    let rows: Vec<Value> = roster
        .duties
        .iter()
        .map(|duty| duty_json(roster, duty, now))
        .collect();
    document(context, now, json!({ "oncall": rows }), remarks)
}

fn duty_json(roster: &Roster, duty: &Duty, now: DateTime<Utc>) -> Value {
    json!({
        "policy": duty.policy.name,
        "policy_id": duty.policy.id,
        "level": duty.level,
        "person": duty.person.name,
        "person_id": duty.person.id,
        "email": duty.person.email,
        "phone": duty.person.phone,
        "schedule": duty.schedule.as_ref().map(|schedule| &schedule.name),
        "start": duty.start.map(time),
        "end": duty.end.map(time),
        "now": duty.holds(now),
        "as_of": roster.as_of.get(&duty.policy.id).copied().map(time),
    })
}
