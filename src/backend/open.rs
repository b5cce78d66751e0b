//! The backends of one context, opened from its configuration: what the console and every command ask.

use std::sync::Arc;
use std::time::Duration;

use super::alerts::Alerts;
use super::alerts::alertmanager::Alertmanager;
use super::annotations::Annotations;
use super::annotations::grafana::Grafana;
use super::http::{Asker, Client, Wires};
use super::incidents::Incidents;
use super::incidents::pagerduty::{PagerDuty, Settings};
use super::logs::{self, Logs};
use super::metrics::Metrics;
use super::metrics::prometheus::Prometheus;
use super::traces::{self, Traces};
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
    /// The configured keeper of incidents: PagerDuty, where it is.
    pub incidents: Option<Arc<dyn Incidents>>,
    /// The journal of this host, which keeps `local-` incidents; set once it is open.
    pub local_incidents: Option<Arc<dyn Incidents>>,
    /// Where moments are marked.
    pub annotations: Option<Arc<dyn Annotations>>,
    /// Where the log lines are; what is kept of them is the store's to say (`LogsConfig::lines`, `bytes`).
    pub logs: Option<Arc<dyn Logs>>,
    /// Where the traces are.
    pub traces: Option<Arc<dyn Traces>>,
    /// Clients, each only where there is one: the metrics store's, the Alertmanagers' in their order, a separate
    /// ruler's, the incidents', the annotations', the logs', the traces'.
    pub clients: Vec<Counted>,
    /// Where the separate ruler stands among them.
    pub(crate) ruler: Option<usize>,
}

impl Backends {
    /// Opens them. Nothing is connected and no secret is read until somebody asks.
    pub fn open(context: &Context, wires: &Wires, clock: Clock) -> Self {
        let mut backends = Self::default();
        let connect = |endpoint: &Endpoint| Arc::new(wires.client(endpoint, clock));
        let mut ruler = None;
        if let Some(config) = &context.metrics {
            let client = connect(&config.endpoint);
            let name = &config.endpoint.name;
            let asker = Arc::clone(&client) as Arc<dyn Asker>;
            let store = Prometheus::new(name, asker, config.flavor);
            let store = Arc::new(store.with_trace_labels(config.exemplar_labels.clone()));
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
        if let Some(ruler) = ruler {
            backends.ruler = Some(backends.clients.len());
            backends.clients.push(ruler);
        }
        if let Some(config) = &context.incidents
            && let Some(endpoint) = config.endpoint.as_ref().filter(|_| config.kind == "pagerduty")
        {
            let client = connect(endpoint);
            let clock = client.clock();
            let asker = Arc::clone(&client) as Arc<dyn Asker>;
            backends.incidents = Some(Arc::new(PagerDuty::new(
                Settings::of(config, endpoint),
                asker,
                clock,
            )));
            backends.clients.push(Counted {
                name: Arc::from(endpoint.name.as_str()),
                interval: config.poll(),
                client,
            });
        }
        if let Some(config) = &context.annotations {
            let client = connect(&config.endpoint);
            let name: Arc<str> = Arc::from(config.endpoint.name.as_str());
            let asker = Arc::clone(&client) as Arc<dyn Asker>;
            let grafana = Grafana::new(Arc::clone(&name), asker, config.endpoint.timeout);
            backends.annotations = Some(Arc::new(grafana.with_deploy_tags(config.tags.clone())));
            backends.clients.push(Counted {
                name,
                interval: config.poll,
                client,
            });
        }
        if let Some(config) = &context.logs {
            let client = config.endpoint().map(connect);
            let settings = logs::Settings::of(context, config);
            backends.logs = logs::open(config, settings, client.clone(), clock);
            backends
                .clients
                .extend(config.endpoint().zip(client).map(|(endpoint, client)| Counted {
                    name: Arc::from(endpoint.name.as_str()),
                    interval: config.poll,
                    client,
                }));
        }
        if let Some(config) = &context.traces
            && let Some(endpoint) = &config.endpoint
        {
            let client = connect(endpoint);
            backends.traces = traces::open(config, Arc::clone(&client) as Arc<dyn Asker>);
            backends.clients.push(Counted {
                name: Arc::from(endpoint.name.as_str()),
                interval: config.poll(),
                client,
            });
        }
        backends
    }

    /// Where the separate ruler stands in `clients`, if there is one.
    pub fn ruler(&self) -> Option<usize> {
        self.ruler
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
    fn pagerduty_is_counted_behind_all_others_and_is_no_ruler() {
        let backends = opened(&format!(
            "{STORE}{ALERTS}[contexts.prod.incidents]\nkind = \"pagerduty\"\nfrom = \"jun@example.com\"\n"
        ));
        let names: Vec<&str> = backends.clients.iter().map(|c| &*c.name).collect();
        assert_eq!(names, ["metrics", "alertmanager eu-0", "incidents"]);
        assert_eq!(backends.clients[2].interval, Duration::from_secs(20));
        assert_eq!(backends.ruler(), None);
        assert!(backends.incidents.is_some());
    }

    #[test]
    fn annotations_come_last_and_are_no_ruler() {
        let marks = "[contexts.prod.annotations]\nkind = \"grafana\"\nurl = \"http://127.0.0.1:4\"\n";
        let backends = opened(&format!("{STORE}{ALERTS}{marks}"));
        let names: Vec<&str> = backends.clients.iter().map(|c| &*c.name).collect();
        assert_eq!(names, ["metrics", "alertmanager eu-0", "annotations"]);
        assert_eq!(backends.ruler(), None);
        let annotations = backends.annotations.expect("opened");
        assert_eq!(
            (&**annotations.name(), annotations.total_timeout()),
            ("annotations", Duration::from_secs(5))
        );
    }

    #[test]
    fn logs_come_behind_the_annotations_and_files_ask_nobody() {
        let marks = "[contexts.prod.annotations]\nkind = \"grafana\"\nurl = \"http://127.0.0.1:4\"\n";
        let loki = "[contexts.prod.logs]\nkind = \"loki\"\nurl = \"http://127.0.0.1:5\"\n";
        let backends = opened(&format!("{STORE}{marks}{loki}"));
        let names: Vec<&str> = backends.clients.iter().map(|c| &*c.name).collect();
        assert_eq!(names, ["metrics", "annotations", "logs"]);
        assert_eq!(backends.clients[2].interval, Duration::from_secs(2));
        let files = "[contexts.prod.logs]\nkind = \"file\"\npaths = [\"/var/log/*.log\"]\n";
        assert_eq!(opened(&format!("{STORE}{files}")).clients.len(), 1);
    }

    #[test]
    fn traces_come_behind_the_logs_whatever_keeps_them() {
        let loki = "[contexts.prod.logs]\nkind = \"loki\"\nurl = \"http://127.0.0.1:5\"\n";
        for kind in ["jaeger", "tempo", "zipkin"] {
            let config = format!("[contexts.prod.traces]\nkind = \"{kind}\"\nurl = \"http://127.0.0.1:6\"\n");
            let backends = opened(&format!("{STORE}{loki}{config}"));
            let names: Vec<&str> = backends.clients.iter().map(|c| &*c.name).collect();
            assert_eq!(names, ["metrics", "logs", "traces"]);
            assert_eq!(&**backends.traces.expect("opened").name(), "traces");
        }
    }

    #[test]
    fn a_store_that_knows_its_own_rules_is_counted_once() {
        let backends = opened(&format!("{STORE}{ALERTS}"));
        assert_eq!((backends.clients.len(), backends.ruler()), (2, None));
    }
}
