//! Which of the things that happened belong to one incident's story.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Event, EventKind, Timeline};
use crate::domain::incident::Incident;

/// What led up to an incident is told from so long before it.
pub const LEAD: TimeDelta = TimeDelta::minutes(60);

/// What an incident is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Names of its service.
    services: Vec<Arc<str>>,
    /// Fingerprints and keys of its alerts.
    keys: Vec<Arc<str>>,
    /// Told from here.
    pub from: DateTime<Utc>,
    /// To here: a while after its end, now where it is open.
    pub to: DateTime<Utc>,
}

impl Subject {
    /// Of an incident; `names` are what its service is called elsewhere.
    pub fn of(incident: &Incident, names: &[Arc<str>], now: DateTime<Utc>) -> Self {
        let service = incident.service.as_ref().map(|service| Arc::clone(&service.name));
        Self {
            services: service.into_iter().chain(names.iter().cloned()).collect(),
            keys: incident.alert_keys.clone(),
            from: incident.created_at - LEAD,
            to: incident.resolved_at.map_or(now, |end| end + LEAD).min(now + LEAD),
        }
    }

    /// Whether a thing that happened on the shift belongs to it: an alert of its own, or its service's. A deploy
    /// that names no service may have touched any.
    pub fn has(&self, event: &Event) -> bool {
        if event.at < self.from || event.at > self.to {
            return false;
        }
        let alert = event.refs.get("alert");
        if alert.is_some_and(|alert| self.keys.iter().any(|key| key.eq_ignore_ascii_case(alert))) {
            return true;
        }
        match event.refs.get("service") {
            Some(service) => self.services.iter().any(|name| name.eq_ignore_ascii_case(service)),
            None => event.kind == EventKind::Deploy,
        }
    }

    /// What belongs to it of a part.
    pub fn of_part(&self, part: Timeline) -> Timeline {
        Timeline {
            events: part.events.into_iter().filter(|event| self.has(event)).collect(),
            partial: part.partial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{at, told, with};
    use super::*;
    use crate::domain::incident::{Named, sample};

    fn subject() -> Subject {
        let mut incident = sample::triggered("Q1");
        incident.created_at = at(0);
        incident.alert_keys = vec!["00000000000000aa".into()];
        incident.service = Some(Named {
            id: "PSVC1".into(),
            name: "Checkout".into(),
        });
        Subject::of(&incident, &["shop-checkout".into()], at(600))
    }

    #[test]
    fn its_own_alerts_and_its_services_events_belong_to_it() {
        let event = |refs: &[(&str, &str)]| with(told("e", 60, EventKind::AlertFired, "", "fired"), refs);
        let subject = subject();
        assert!(subject.has(&event(&[("alert", "00000000000000aa"), ("service", "cart")])));
        assert!(subject.has(&event(&[("service", "checkout")])));
        assert!(subject.has(&event(&[("service", "shop-checkout")])));
        assert!(!subject.has(&event(&[("service", "cart")])));
        assert!(!subject.has(&event(&[])));
    }

    #[test]
    fn a_deploy_that_names_no_service_may_have_touched_any_and_old_ones_did_not() {
        let deploy = |seconds| told("d", seconds, EventKind::Deploy, "ci", "deploy");
        let subject = subject();
        assert!(subject.has(&deploy(-600)));
        assert!(!subject.has(&deploy(-7_200)));
        assert!(!subject.has(&with(deploy(-600), &[("service", "cart")])));
    }
}
