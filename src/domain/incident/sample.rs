//! Incidents made up for tests.

use super::{AssignedVia, Incident, IncidentId, Level, Person, Status, Urgency};

/// Jun, Mara, Sam.
pub(crate) fn person(name: &str) -> Person {
    Person {
        id: format!("P{}", name.to_uppercase()).into(),
        name: name.into(),
        email: Some(format!("{}@example.com", name.to_lowercase()).into()),
        phone: None,
    }
}

/// Triggered, high urgency, on its policy's first level.
pub(crate) fn incident(id: &str) -> Incident {
    let at = "2026-11-20T03:02:00Z".parse().expect("a time");
    Incident {
        id: IncidentId::from(id),
        number: None,
        source: "incidents".into(),
        title: "checkout errors".into(),
        severity: None,
        status: Status::Triggered,
        urgency: Some(Urgency::High),
        service: None,
        assignees: Vec::new(),
        assigned_via: AssignedVia::Policy,
        acknowledgements: Vec::new(),
        policy: None,
        level: Level::Known(1),
        created_at: at,
        acknowledged_at: None,
        resolved_at: None,
        changed_at: at,
        url: None,
        alert_count: 0,
        alert_keys: Vec::new(),
        due: Vec::new(),
        roles: Vec::new(),
        responders: Vec::new(),
        merged_into: None,
    }
}
