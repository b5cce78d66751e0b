//! The backends of one context, opened from its configuration: what the console and every command ask.

use std::sync::Arc;
use std::time::Duration;

use super::alerts::Alerts;
use super::alerts::alertmanager::Alertmanager;
use super::annotations::Annotations;
use super::http::{Asker, Client, Wires};
use super::incidents::Incidents;
use super::metrics::Metrics;
use super::metrics::prometheus::Prometheus;
use crate::config::{Context, Endpoint};
use crate::time::Clock;

/// A client with what the health overlay says of it.
#[derive(Clone)]
pub struct Counted {
    /// `metrics`, `alertmanager eu-0`.
    pub name: Arc<str>,
    /// How often it is asked.
    pub interval: Duration,
    /// Its counters.
    pub client: Arc<Client>,
}

/// Everything one context asks.
#[derive(Clone, Default)]
pub struct Backends {
    /// The metrics store.
    pub metrics: Option<Arc<dyn Metrics>>,
    /// Who knows the alerting rules: the store itself, or a ruler beside it.
    pub rules: Option<Arc<dyn Metrics>>,
    /// Alertmanagers, in the order of the configuration.
    pub alertmanagers: Vec<Arc<dyn Alerts>>,
    /// Those of them that may be written to.
    pub writable: Vec<Arc<dyn Alerts>>,
    /// The configured keeper of incidents.
    pub incidents: Option<Arc<dyn Incidents>>,
    /// The journal of this host, which keeps `local-` incidents.
    pub local_incidents: Option<Arc<dyn Incidents>>,
    /// Where moments are marked.
    pub annotations: Option<Arc<dyn Annotations>>,
    /// Clients: the metrics store's first where there is one, then the Alertmanagers' in their order, a separate
    /// ruler's last.
    pub clients: Vec<Counted>,
}

impl Backends {
    /// Opens them. Nothing is connected and no secret is read until somebody asks.
    pub fn open(context: &Context, wires: &Wires, clock: Clock) -> Self {
        Self::open_with(context, |endpoint| wires.client(endpoint, clock))
    }

    /// Opens them on clients of the caller's making: a stand-in for the wire goes in here.
    pub fn open_with(context: &Context, connect: impl Fn(&Endpoint) -> Client) -> Self {
        let mut backends = Self::default();
        let connect = |endpoint: &Endpoint| Arc::new(connect(endpoint));
        let mut ruler = None;
        if let Some(config) = &context.metrics {
            let client = connect(&config.endpoint);
            let name = &config.endpoint.name;
            let store = Arc::new(Prometheus::new(
                name,
                Arc::clone(&client) as Arc<dyn Asker>,
                config.flavor,
            ));
            backends.rules = Some(match &config.rules {
                Some(endpoint) => {
                    let client = connect(endpoint);
                    let asker = Arc::clone(&client) as Arc<dyn Asker>;
                    ruler = Some(Counted {
                        name: Arc::from(endpoint.name.as_str()),
                        interval: config.poll,
                        client,
                    });
                    Arc::new(Prometheus::new(&endpoint.name, asker, config.flavor))
                }
                None => Arc::clone(&store) as Arc<dyn Metrics>,
            });
            backends.metrics = Some(store);
            backends.clients.push(Counted {
                name: Arc::from(name.as_str()),
                interval: config.poll,
                client,
            });
        }
        for config in &context.alertmanagers {
            let client = connect(&config.endpoint);
            let asker = Arc::clone(&client) as Arc<dyn Asker>;
            let source: Arc<dyn Alerts> = Arc::new(Alertmanager::new(
                config.name.as_str(),
                config.cluster.as_deref(),
                asker,
            ));
            if !config.read_only {
                backends.writable.push(Arc::clone(&source));
            }
            backends.alertmanagers.push(source);
            let name = Arc::from(config.endpoint.name.as_str());
            backends.clients.push(Counted {
                name,
                interval: config.poll,
                client,
            });
        }
        backends.clients.extend(ruler);
        backends
    }

    /// Where the separate ruler stands in `clients`, if there is one.
    pub fn ruler(&self) -> Option<usize> {
        let others = usize::from(self.metrics.is_some()) + self.alertmanagers.len();
        (self.clients.len() > others).then_some(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, decode_text};

    fn opened(text: &str) -> Backends {
        let config = decode_text(text, None, &Environment::default()).unwrap().config;
        let clock = Clock::with_tokio(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        Backends::open(&config.contexts["prod"], &Wires::default(), clock)
    }

    const STORE: &str = "[contexts.prod.metrics]\nurl = \"http://127.0.0.1:1\"\n";
    const RULER: &str = "[contexts.prod.metrics.rules]\nurl = \"http://127.0.0.1:2\"\n";
    const ALERTS: &str = "[[contexts.prod.alertmanagers]]\nname = \"eu-0\"\nurl = \"http://127.0.0.1:3\"\n";

    #[test]
    fn a_separate_ruler_is_counted_for_itself_behind_the_alertmanagers() {
        let backends = opened(&format!("{STORE}{RULER}{ALERTS}"));
        let names: Vec<&str> = backends.clients.iter().map(|c| &*c.name).collect();
        assert_eq!(names, ["metrics", "alertmanager eu-0", "metrics rules"]);
        assert_eq!(backends.ruler(), Some(2));
    }

    #[test]
    fn a_store_that_knows_its_own_rules_is_counted_once() {
        let backends = opened(&format!("{STORE}{ALERTS}"));
        assert_eq!((backends.clients.len(), backends.ruler()), (2, None));
    }
}
