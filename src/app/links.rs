//! Alerts and incidents that are the same trouble, as the panes show them: [`Links`] names them, and what is
//! listed no more is nobody's.
//!
//! [`Links`]: crate::domain::incident::link::Links

use std::sync::Arc;

use super::Model;
use crate::domain::alert::{Alert, Fingerprint};
use crate::domain::incident::link::Link;
use crate::domain::incident::{Incident, IncidentId};

impl Model {
    /// The listed incidents of an alert, each with how it is linked: open ones first, then the surest.
    pub fn incidents_of(&self, alert: Fingerprint) -> Vec<(&Arc<Incident>, Link)> {
        let linked = self.incidents.links.of_alert(alert).iter();
        let mut listed: Vec<_> = linked
            .filter_map(|(id, by)| Some((self.incidents.incident(id)?, *by)))
            .collect();
        listed.sort_by_key(|(incident, _)| !incident.status.is_open());
        listed
    }

    /// The open incidents that an act on an alert may be about: those it surely belongs to, and only where there
    /// are none those that it perhaps does.
    pub fn meant_by(&self, alert: Fingerprint) -> Vec<(&Arc<Incident>, Link)> {
        let mut open = self.incidents_of(alert);
        open.retain(|(incident, _)| incident.status.is_open());
        if open.iter().any(|(_, by)| by.is_sure()) {
            open.retain(|(_, by)| by.is_sure());
        }
        open
    }

    /// The alerts on the board that belong to an incident, each with how it is linked: the surest first,
    /// then what asks for somebody, then what began first.
    pub fn alerts_of(&self, incident: &IncidentId) -> Vec<(&Arc<Alert>, Link)> {
        let linked = self.incidents.links.of_incident(incident).iter();
        let mut listed: Vec<_> = linked
            .filter_map(|(fingerprint, by)| Some((self.alerts.alert(*fingerprint)?, *by)))
            .collect();
        listed.sort_by_key(|(alert, by)| (*by, alert.standing(), alert.occurrence.starts_at));
        listed
    }
}
