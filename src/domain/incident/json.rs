//! What scripts read of incidents: the document of `incidents --json`.
//!
//! Field names and meanings are a contract: additions only. Start at [`incidents_document`].

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{AssignedVia, Incident};
use crate::domain::document::{Remarks, document, names, time};

/// The document of `incidents --json`.
pub fn incidents_document(
    context: &str,
    incidents: &[Incident],
    remarks: &Remarks,
    now: DateTime<Utc>,
) -> String {
    let rows: Vec<Value> = incidents.iter().map(incident_json).collect();
    document(context, now, json!({ "incidents": rows }), remarks)
}

/// One of its rows.
pub fn incident_json(incident: &Incident) -> Value {
    let named = |named: &super::Named| json!(named.name);
    json!({
        "id": incident.id,
        "number": incident.number,
        "source": incident.source,
        "title": incident.title,
        "severity": incident.severity,
        "status": incident.status.word(),
        "urgency": incident.urgency.map(super::Urgency::word),
        "service": incident.service.as_ref().map(named),
        "assignees": names(&incident.assignees),
        "assigned_via": match incident.assigned_via {
            AssignedVia::Policy => "policy",
            AssignedVia::Direct => "direct",
        },
        "policy": incident.policy.as_ref().map(named),
        "escalation_level": incident.level.known(),
        "escalation_level_candidates": incident.level.candidates(),
        "created_at": time(incident.created_at),
        "acknowledged_at": incident.acknowledged_at.map(time),
        "acknowledged_by": names(incident.acknowledgements.iter().map(|(person, _)| person)),
        "resolved_at": incident.resolved_at.map(time),
        "merged_into": incident.merged_into,
        "roles": incident.roles.iter().map(|(role, person)| json!({"role": role, "person": person.name})).collect::<Vec<_>>(),
        "responders": incident
            .responders
            .iter()
            .map(|responder| json!({"person": responder.person.name, "state": responder.state}))
            .collect::<Vec<_>>(),
        "url": incident.url,
        "alert_count": incident.alert_count,
    })
}
