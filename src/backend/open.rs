//! The backends of one context, opened from its configuration: what the console and every command ask.

use std::sync::Arc;
use std::time::Duration;

use super::alerts::Alerts;
use super::alerts::alertmanager::Alertmanager;
use super::http::{Asker, Client, Wires};
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
    /// Clients: the metrics store's first where there is one, then the Alertmanagers' in their order.
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
                    let asker: Arc<dyn Asker> = connect(endpoint);
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
        backends
    }
}
