//! Incidents made up for tests.

use crate::domain::incident::*;
use crate::domain::timeline::sample::{at, utc};

pub(crate) fn person(name: &str) -> Person {
    Person {
        id: name.to_lowercase().into(),
        name: name.into(),
        email: None,
        phone: None,
    }
}

pub(crate) fn named(name: &str) -> Named {
    Named {
        id: name.into(),
        name: name.into(),
    }
}

/// Began at [`utc`], taken by Mara 90 s later.
pub(crate) fn incident(id: &str, status: Status) -> Incident {
    let taken = status != Status::Triggered;
    Incident {
        id: id.into(),
        number: Some(4711),
        source: "incidents".into(),
        title: "checkout errors".into(),
        severity: Some("SEV2".into()),
        status,
        urgency: Some(Urgency::High),
        service: Some(named("checkout")),
        assignees: vec![person("Mara")],
        assigned_via: AssignedVia::Policy,
        acknowledgements: if taken {
            vec![(person("Mara"), at(90))]
        } else {
            Vec::new()
        },
        policy: Some(named("Platform")),
        level: Level::Known(1),
        created_at: utc(),
        acknowledged_at: taken.then(|| at(90)),
        resolved_at: (status == Status::Resolved).then(|| at(4_800)),
        changed_at: at(90),
        url: None,
        alert_count: 3,
        alert_keys: Vec::new(),
        due: Vec::new(),
        roles: Vec::new(),
        responders: Vec::new(),
        merged_into: None,
    }
}

/// Triggered, high urgency, on its policy's first level.
pub(crate) fn triggered(id: &str) -> Incident {
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
