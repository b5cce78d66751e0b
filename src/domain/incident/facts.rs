//! What is counted of an incident: its key moments, and the times between them.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Incident, IncidentId, Status};
use crate::domain::timeline::{Event, EventKind, Timeline, is_void};

/// The key moments of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Which.
    pub incident: IncidentId,
    /// `SEV2`; PagerDuty's priority.
    pub severity: Option<Arc<str>>,
    /// What it is about.
    pub service: Option<Arc<str>>,
    /// Begin.
    pub created_at: DateTime<Utc>,
    /// First acknowledged.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// First escalated.
    pub escalated_at: Option<DateTime<Utc>>,
    /// First mitigated: it went to monitoring, or every alert was over.
    pub mitigated_at: Option<DateTime<Utc>>,
    /// Over.
    pub resolved_at: Option<DateTime<Utc>>,
}

impl Facts {
    /// What the incident alone tells.
    pub fn of(incident: &Incident) -> Self {
        Self {
            incident: incident.id.clone(),
            severity: incident.severity.clone(),
            service: incident.service.as_ref().map(|service| Arc::clone(&service.name)),
            created_at: incident.created_at,
            acknowledged_at: incident
                .acknowledged_at
                .or_else(|| incident.acknowledgements.first().map(|(_, at)| *at)),
            escalated_at: None,
            mitigated_at: None,
            resolved_at: incident.resolved_at,
        }
    }

    /// What the incident and its story tell.
    pub fn with_story(incident: &Incident, timeline: &Timeline) -> Self {
        let first = |wanted: &dyn Fn(&Event) -> bool| {
            let mut events = timeline.events.iter();
            events
                .find(|event| event.at >= incident.created_at && !is_void(event) && wanted(event))
                .map(|event| event.at)
        };
        let of_kind = |kind: EventKind| first(&|event| event.kind == kind);
        let earlier = |one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let alone = Self::of(incident);
        let monitoring = Status::Monitoring.word();
        Self {
            acknowledged_at: earlier(alone.acknowledged_at, of_kind(EventKind::Acknowledged)),
            escalated_at: of_kind(EventKind::Escalated),
            mitigated_at: first(&|event| event.refs.get("status").is_some_and(|to| **to == *monitoring)),
            resolved_at: alone.resolved_at.or_else(|| {
                let over = !incident.status.is_open();
                over.then(|| of_kind(EventKind::Resolved)).flatten()
            }),
            ..alone
        }
    }

    /// Time to acknowledge.
    pub fn to_acknowledge(&self) -> Option<Duration> {
        self.until(self.acknowledged_at)
    }

    /// Time to escalate.
    pub fn to_escalate(&self) -> Option<Duration> {
        self.until(self.escalated_at)
    }

    /// Time to mitigate; where nobody said when, none.
    pub fn to_mitigate(&self) -> Option<Duration> {
        self.until(self.mitigated_at)
    }

    /// Time to resolve.
    pub fn to_resolve(&self) -> Option<Duration> {
        self.until(self.resolved_at)
    }

    fn until(&self, moment: Option<DateTime<Utc>>) -> Option<Duration> {
        // a clock that was behind makes no negative time
        moment.map(|moment| (moment - self.created_at).to_std().unwrap_or_default())
    }
}
