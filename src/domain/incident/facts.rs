//! What is counted of an incident: its key moments, and the times between them.

use std::collections::HashSet;
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

    /// What the incident and its story tell: its log, and what was seen of its alerts.
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
            mitigated_at: earlier(
                first(&|event| event.refs.get("status").is_some_and(|to| **to == *monitoring)),
                quiet(incident, timeline),
            ),
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

/// Since when none of its alerts fires, of those whose begin and end were seen. Not known where one fires at its
/// end, or where the last of them went unseen. Its alerts are those that it names; where none of these was seen,
/// all that the story tells of.
fn quiet(incident: &Incident, timeline: &Timeline) -> Option<DateTime<Utc>> {
    let end = incident.resolved_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
    let of = |event: &'_ Event| event.refs.get("alert").cloned();
    let is_named = |alert: &Arc<str>| incident.alert_keys.contains(alert);
    let any_named = timeline
        .events
        .iter()
        .filter_map(of)
        .any(|alert| is_named(&alert));
    let mut firing: HashSet<Arc<str>> = HashSet::new();
    let mut quiet = None;
    for event in timeline.events.iter().filter(|event| event.at <= end) {
        let Some(alert) = of(event).filter(|alert| !any_named || is_named(alert)) else {
            continue;
        };
        match event.kind {
            EventKind::AlertFired => {
                firing.insert(alert);
                quiet = None;
            }
            EventKind::AlertResolved | EventKind::AlertGone if firing.remove(&alert) => {
                let is_the_last = firing.is_empty() && event.kind == EventKind::AlertResolved;
                quiet = is_the_last.then_some(event.at);
            }
            EventKind::AlertResolved
            | EventKind::AlertGone
            | EventKind::BurnStarted
            | EventKind::BurnStopped
            | EventKind::Triggered
            | EventKind::Acknowledged
            | EventKind::Unacknowledged
            | EventKind::Assigned
            | EventKind::Escalated
            | EventKind::Note
            | EventKind::StatusUpdate
            | EventKind::Deploy
            | EventKind::Command
            | EventKind::Silence
            | EventKind::Resolved
            | EventKind::Other => {}
        }
    }
    quiet.filter(|at| *at >= incident.created_at)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::domain::timeline::sample::{at, story, told, with};

    fn alert(seconds: i64, kind: EventKind, name: &str) -> Event {
        with(told(name, seconds, kind, "", name), &[("alert", name)])
    }

    fn over() -> Incident {
        Incident {
            created_at: at(0),
            resolved_at: Some(at(900)),
            acknowledged_at: None,
            acknowledgements: Vec::new(),
            ..sample::incident("Q1", Status::Resolved)
        }
    }

    #[test]
    fn a_log_tells_what_the_list_of_ended_incidents_does_not() {
        let events = vec![
            told("R1", 0, EventKind::Triggered, "", "x"),
            told("R2", 300, EventKind::Escalated, "", "level 2"),
            told("R3", 360, EventKind::Acknowledged, "Sam", "taken"),
            told("R4", 420, EventKind::Acknowledged, "Jun", "taken"),
            told("R5", 900, EventKind::Resolved, "Sam", "over"),
        ];
        let facts = Facts::with_story(&over(), &story(events));
        let seconds = |span: Option<Duration>| span.map(|span| span.as_secs());
        assert_eq!(
            [
                seconds(facts.to_acknowledge()),
                seconds(facts.to_escalate()),
                seconds(facts.to_mitigate()),
                seconds(facts.to_resolve()),
            ],
            [Some(360), Some(300), None, Some(900)]
        );
    }

    #[test]
    fn it_was_mitigated_when_its_last_alert_ended_for_good() {
        use EventKind::{AlertFired as Fired, AlertGone as Gone, AlertResolved as Ended};
        let mitigated = |events: Vec<Event>| {
            Facts::with_story(&over(), &story(events))
                .to_mitigate()
                .map(|span| span.as_secs())
        };
        let first = || {
            vec![
                alert(-60, Fired, "a"),
                alert(30, Fired, "b"),
                alert(200, Ended, "a"),
            ]
        };
        assert_eq!(mitigated(first()), None, "one fires");
        let both = [first(), vec![alert(400, Ended, "b")]].concat();
        assert_eq!(mitigated(both.clone()), Some(400));
        let again = [both.clone(), vec![alert(500, Fired, "a")]].concat();
        assert_eq!(mitigated(again.clone()), None, "it came back");
        assert_eq!(
            mitigated([again, vec![alert(700, Ended, "a")]].concat()),
            Some(700)
        );
        assert_eq!(
            mitigated([first(), vec![alert(400, Gone, "b")]].concat()),
            None,
            "nobody saw when"
        );
        assert_eq!(
            mitigated([first(), vec![alert(950, Ended, "b")]].concat()),
            None,
            "it fired at the end"
        );
        assert_eq!(
            mitigated(vec![alert(300, Ended, "c")]),
            None,
            "its begin was not seen"
        );
    }
}
