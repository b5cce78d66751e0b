//! What the panes are narrowed to, as one backend tells it: the service by that backend's name, and the environment.
//!
//! Whether a thing of a signal is selected is asked here, by the panes that list it, by what counts what they leave out, and by the
//! strip that lays all signals beside each other. Start at [`Selector::selects`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alert::Alert;
use super::environment;

/// A service of a backend, in an environment; the default selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// Only this service.
    pub service: Option<Arc<str>>,
    /// Only what is not of another environment than this.
    pub labels: BTreeMap<String, String>,
}

impl Selector {
    /// Whether something of a service is selected, as far as its service tells.
    pub fn selects_service(&self, service: &str) -> bool {
        self.service.as_deref().is_none_or(|selected| selected == service)
    }

    /// Whether an alert is selected, as far as it tells.
    pub fn selects(&self, alert: &Alert) -> bool {
        self.selects_service(&alert.service) && !self.is_elsewhere(alert)
    }

    /// Whether an alert says that it is of another environment.
    pub fn is_elsewhere(&self, alert: &Alert) -> bool {
        environment::is_elsewhere(&self.labels, |name| alert.labels.get(name))
    }
}
