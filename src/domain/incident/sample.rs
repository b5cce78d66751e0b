//! An incident for the tests of this folder.

use chrono::DateTime;

use super::{AssignedVia, Incident, IncidentId, Level, Named, Person, Status, Urgency};

/// Triggered at the epoch, with Mara, high urgency, on a policy.
pub(crate) fn incident() -> Incident {
    Incident {
        id: IncidentId::from("Q1"),
        number: Some(4711),
        source: "incidents".into(),
        title: "checkout errors".into(),
        severity: Some("SEV2".into()),
        status: Status::Triggered,
        urgency: Some(Urgency::High),
        service: None,
        assignees: vec![Person {
            id: "PMARA".into(),
            name: "Mara".into(),
            email: None,
            phone: None,
        }],
        assigned_via: AssignedVia::Policy,
        acknowledgements: Vec::new(),
        policy: Some(Named {
            id: "P1".into(),
            name: "Primary".into(),
        }),
        level: Level::Known(1),
        created_at: DateTime::UNIX_EPOCH,
        acknowledged_at: None,
        resolved_at: None,
        changed_at: DateTime::UNIX_EPOCH,
        url: None,
        alert_count: 0,
        alert_keys: Vec::new(),
        due: Vec::new(),
        roles: Vec::new(),
        responders: Vec::new(),
        merged_into: None,
    }
}
