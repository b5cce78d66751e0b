//! What of a whole shift's events belongs to the story of one incident.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Event, Timeline};
use crate::domain::alert::Fingerprint;
use crate::domain::incident::Incident;

/// What led to an incident began before it did.
const BEFORE: TimeDelta = TimeDelta::hours(1);
/// Its alerts end after it does.
const AFTER: TimeDelta = TimeDelta::minutes(15);

/// The span, the service and the alerts of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// From.
    pub from: DateTime<Utc>,
    /// To.
    pub to: DateTime<Utc>,
    service: Option<Arc<str>>,
    alerts: Vec<Arc<str>>,
}

impl Scope {
    /// That of an incident as of now.
    pub fn of(incident: &Incident, now: DateTime<Utc>) -> Self {
        let add = |at: DateTime<Utc>, by: TimeDelta| at.checked_add_signed(by).unwrap_or(at);
        Self {
            from: add(incident.created_at, -BEFORE),
            to: incident.resolved_at.map_or(now, |end| add(end, AFTER)),
            service: incident.service.as_ref().map(|service| Arc::clone(&service.name)),
            alerts: incident.alert_keys.clone(),
        }
    }

    /// With these alerts as well: those of the board that are linked to it.
    #[must_use]
    pub fn with_alerts(mut self, alerts: impl IntoIterator<Item = Fingerprint>) -> Self {
        self.alerts
            .extend(alerts.into_iter().map(|alert| alert.to_string().into()));
        self
    }

    /// Whether an event that names no incident belongs to this one.
    ///
    /// One about its alerts or its service does; one about another service does not. A mark that says nothing
    /// of a service may be anybody's and is kept. An incident without a service, as local ones may be, is about its
    /// alerts alone: what else fired in its span is not its story.
    pub fn takes(&self, event: &Event) -> bool {
        if event.at < self.from || event.at > self.to {
            return false;
        }
        let of = |name: &str| event.refs.get(name);
        if of("alert").is_some_and(|alert| self.alerts.contains(alert)) {
            return true;
        }
        match (of("service"), &self.service) {
            (Some(service), Some(own)) => service.eq_ignore_ascii_case(own),
            (Some(_), None) => false,
            (None, Some(_) | None) => event.is_mark(),
        }
    }

    /// Those of a timeline that belong to it.
    pub fn within(&self, timeline: Timeline) -> Timeline {
        Timeline {
            events: timeline
                .events
                .into_iter()
                .filter(|event| self.takes(event))
                .collect(),
            partial: timeline.partial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::Status;
    use crate::domain::incident::sample::incident;
    use crate::domain::timeline::EventKind;
    use crate::domain::timeline::sample::{at, told, with};

    #[test]
    fn a_story_takes_what_is_about_its_alerts_and_its_service() {
        let mut of = incident("Q1", Status::Resolved);
        of.alert_keys = vec!["00f1".into()];
        let scope = Scope::of(&of, at(90_000));
        let fired =
            |seconds, refs: &[(&str, &str)]| with(told("j", seconds, EventKind::AlertFired, "", "x"), refs);
        for (event, taken) in [
            (fired(0, &[("service", "Checkout")]), true),
            (fired(0, &[("service", "search")]), false),
            (fired(0, &[("service", "search"), ("alert", "00f1")]), true),
            (fired(0, &[]), false),
            (fired(-3_599, &[("service", "checkout")]), true),
            (fired(-3_601, &[("service", "checkout")]), false),
            (fired(4_800 + 900, &[("service", "checkout")]), true),
            (fired(4_800 + 901, &[("service", "checkout")]), false),
            (told("a", 0, EventKind::Deploy, "", "2.3.1"), true),
            (
                with(
                    told("a", 0, EventKind::Deploy, "", "2.3.1"),
                    &[("service", "search")],
                ),
                false,
            ),
        ] {
            assert_eq!(scope.takes(&event), taken, "{event:?}");
        }
        let linked = Scope::of(&of, at(90_000)).with_alerts([Fingerprint(0xf2)]);
        let of_search = fired(0, &[("service", "search"), ("alert", "00000000000000f2")]);
        assert!(linked.takes(&of_search) && !scope.takes(&of_search));
    }

    #[test]
    fn an_incident_without_a_service_is_about_its_alerts_alone() {
        let mut of = incident("local-1", Status::Triggered);
        (of.service, of.alert_keys) = (None, vec!["00f1".into()]);
        let scope = Scope::of(&of, at(600));
        let event = |kind, refs: &[(&str, &str)]| with(told("j", 0, kind, "", "x"), refs);
        for (event, taken) in [
            (
                event(EventKind::AlertFired, &[("service", "search"), ("alert", "00f1")]),
                true,
            ),
            (event(EventKind::AlertFired, &[("service", "search")]), false),
            (event(EventKind::BurnStarted, &[("service", "checkout")]), false),
            (event(EventKind::AlertFired, &[]), false),
            (event(EventKind::Deploy, &[]), true),
            (event(EventKind::Other, &[("annotation", "7")]), true),
            (event(EventKind::Other, &[]), false),
            (event(EventKind::Deploy, &[("service", "search")]), false),
        ] {
            assert_eq!(scope.takes(&event), taken, "{event:?}");
        }
    }
}
