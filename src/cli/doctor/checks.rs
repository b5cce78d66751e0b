//! What is asked of each backend of a context, and what its answers say.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::{BoxFuture, join_all};
use serde_json::Value;

use super::super::file_checks::FileChecks;
use super::super::probe::{self, Kind, Seen};
use super::{Checkup, Passed, lacks, writes};
use crate::backend::annotations::Annotations as _;
use crate::backend::annotations::grafana::Grafana;
use crate::backend::http::{Asker, Call, Client, Wires};
use crate::backend::incidents::Incidents as _;
use crate::backend::incidents::pagerduty::{self, PagerDuty, Settings};
use crate::backend::logs::{self, Logs};
use crate::backend::metrics::Flavor;
use crate::backend::traces::{self, Traces};
use crate::backend::{BackendError, BackendFailure, BackendResult};
use crate::config::{Config, Context, Endpoint, LogsConfig, MetricsConfig};
use crate::domain::trace::{Nanos, Stretch};
use crate::time::Clock;

/// Asks every backend, all at once.
pub(super) async fn examine(config: &Config, context: &Context, clock: Clock) -> Vec<Checkup> {
    let wires = Wires::default();
    let mut asked: Vec<BoxFuture<'_, Checkup>> = Vec::new();
    let client = |endpoint: &Endpoint| wires.client(endpoint, clock);
    let acts = if config.read_only {
        Acts::Refused
    } else {
        Acts::Allowed
    };
    if let Some(metrics) = &context.metrics {
        let clients = Clients {
            main: client(&metrics.endpoint),
            scout: client(&metrics.endpoint),
        };
        asked.push(Box::pin(
            async move { check_metrics(&clients, metrics, clock).await },
        ));
        if let Some(endpoint) = &metrics.rules {
            let client = client(endpoint);
            asked.push(Box::pin(async move { check_rules(&client, endpoint).await }));
        }
    }
    for member in &context.alertmanagers {
        let clients = Clients {
            main: client(&member.endpoint),
            scout: client(&member.endpoint),
        };
        let acts_as = (!member.read_only && !config.read_only).then(|| config.identity.clone());
        asked.push(Box::pin(async move {
            check_alertmanager(&clients, &member.endpoint, acts_as, clock).await
        }));
    }
    if let Some(logs) = &context.logs
        && logs.endpoint().is_none()
        && let Some(source) = logs_of_files(context, logs, clock)
    {
        asked.push(Box::pin(check_files(source, logs)));
    }
    if let Some(logs) = &context.logs
        && let Some(endpoint) = logs.endpoint()
        && let Some(kind) = Kind::from_word(logs.kind())
    {
        let (client, scout) = (client(endpoint), client(endpoint));
        asked.push(Box::pin(async move {
            let seen = probe::ask(&client, kind, clock).await;
            let missing = match &seen {
                Ok(_) => lacks::of_logs(&scout, kind).await,
                Err(_) => Vec::new(),
            };
            let mut checkup = checkup(&client, endpoint, kind, seen);
            checkup.missing = missing;
            checkup
        }));
    }
    if let Some(signal) = &context.traces
        && let Some(endpoint) = &signal.endpoint
        && let Some(kind) = Kind::from_word(&signal.kind)
    {
        let client = Arc::new(client(endpoint));
        let source = traces::open(signal, Arc::clone(&client) as Arc<dyn Asker>);
        asked.push(Box::pin(check_traces(client, endpoint, kind, source, clock)));
    }
    if let Some(signal) = &context.incidents
        && let Some(endpoint) = &signal.endpoint
    {
        let clients = (Arc::new(client(endpoint)), client(endpoint));
        let settings = Settings::of(signal, endpoint);
        asked.push(Box::pin(check_pagerduty(
            clients,
            endpoint,
            (settings, acts),
            clock,
        )));
    }
    if let Some(annotations) = &context.annotations {
        let (client, scout) = (
            Arc::new(client(&annotations.endpoint)),
            client(&annotations.endpoint),
        );
        asked.push(Box::pin(async move {
            check_grafana((&client, &scout), &annotations.endpoint, acts, clock).await
        }));
    }
    join_all(asked).await
}

/// Whether anything may be written at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acts {
    Allowed,
    /// The configuration or the command line is read-only.
    Refused,
}

fn checkup(client: &Client, endpoint: &Endpoint, kind: Kind, seen: BackendResult<Seen>) -> Checkup {
    let (seen, failure) = match seen {
        Ok(seen) => (Some(seen), None),
        Err(error) => (None, Some(error.failure())),
    };
    let counters = client.counters();
    Checkup {
        backend: endpoint.name.clone(),
        kind: kind.word().to_owned(),
        url: Some(endpoint.url.clone()),
        reachable: failure.is_none(),
        version: seen.as_ref().map(|s| s.version.clone()).filter(|v| !v.is_empty()),
        latency_seconds: seen.as_ref().map(|s| s.latency.as_secs_f64()),
        clock_skew_seconds: seen
            .as_ref()
            .and_then(|s| s.skew)
            .map(|s| (s * 1_000.0).round() / 1_000.0),
        auth: client.auth_scheme(),
        acts_as: None,
        writes: None,
        missing: Vec::new(),
        counters: Passed {
            requests: counters.requests,
            bytes: counters.bytes,
            errors: counters.errors,
            median_seconds: counters.median.as_ref().map(Duration::as_secs_f64),
            slowest_seconds: counters.slowest.as_ref().map(Duration::as_secs_f64),
        },
        files: Vec::new(),
        failure,
        peers: Vec::new(),
    }
}

fn logs_of_files(context: &Context, config: &LogsConfig, clock: Clock) -> Option<Arc<dyn Logs>> {
    logs::open(config, logs::Settings::of(context, config), None, clock)
}

/// Files: whether they are there and may be read. Nothing is asked of anybody.
async fn check_files(source: Arc<dyn Logs>, config: &LogsConfig) -> Checkup {
    let name = source.name().to_string();
    let checks = FileChecks::of(&name, source.survey().await.unwrap_or_default());
    Checkup {
        backend: name,
        kind: config.kind().to_owned(),
        url: None,
        reachable: checks.failure.is_none(),
        version: None,
        latency_seconds: None,
        clock_skew_seconds: None,
        auth: "none",
        acts_as: None,
        writes: None,
        missing: checks.missing,
        counters: Passed {
            requests: 0,
            bytes: 0,
            errors: 0,
            median_seconds: None,
            slowest_seconds: None,
        },
        files: checks.files,
        failure: checks.failure,
        peers: Vec::new(),
    }
}

/// Two clients for one server: what is asked on the chance that it may be refused is not counted.
struct Clients {
    main: Client,
    scout: Client,
}

async fn check_metrics(clients: &Clients, metrics: &MetricsConfig, clock: Clock) -> Checkup {
    let client = &clients.main;
    let endpoint = &metrics.endpoint;
    let mut missing = Vec::new();
    let mut kind = match metrics.flavor {
        Some(Flavor::Prometheus) | None => Kind::Prometheus,
        Some(Flavor::Thanos) => Kind::Thanos,
        Some(Flavor::Mimir) => Kind::Mimir,
        Some(Flavor::VictoriaMetrics) => Kind::VictoriaMetrics,
    };
    let seen = match probe::ask(client, Kind::Prometheus, clock).await {
        Ok(mut seen) => {
            if metrics.flavor.is_none() {
                (kind, seen.version) = probe::flavor(&clients.scout, &seen).await;
            }
            // Build information may be open to all while queries are not.
            match query_works(client).await {
                Ok(()) => {
                    if metrics.rules.is_none() {
                        missing.extend(no_rules(client, kind).await);
                    }
                    missing.extend(lacks::of_metrics(&clients.scout, kind).await);
                    Ok(seen)
                }
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    let mut checkup = checkup(client, endpoint, kind, seen);
    checkup.missing = missing;
    checkup
}

async fn query_works(client: &Client) -> Result<(), BackendError> {
    let answer = client
        .call(Call::get("api/v1/query").param("query", "vector(1)"))
        .await?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let said = json
        .as_ref()
        .and_then(|json| json.get("error"))
        .and_then(Value::as_str);
    Err(BackendError {
        kind: crate::backend::ErrorKind::Rejected,
        backend: client.name().clone(),
        tried: "GET /api/v1/query".to_owned(),
        detail: format!("HTTP {}: {}", answer.status, said.unwrap_or("a query fails")),
        mend: "it answers, but not to queries".to_owned(),
        status: Some(answer.status),
        retry_after: None,
        delivery: crate::backend::Delivery::Answered,
    })
}

async fn no_rules(client: &Client, kind: Kind) -> Option<String> {
    let answer = client
        .call(Call::get("api/v1/rules").param("type", "alert"))
        .await
        .ok();
    let groups = answer.and_then(|answer| {
        let json: Value = serde_json::from_slice(&answer.body).ok()?;
        Some(json.pointer("/data/groups")?.as_array()?.len())
    });
    match (groups, kind) {
        (Some(1..), _) => None,
        (_, Kind::VictoriaMetrics) => Some(
            "it cannot tell which rules fire: set rules = { url = … } to vmalert, or start it with -vmalert.proxyURL"
                .to_owned(),
        ),
        (Some(0), _) => Some("it has no alerting rules: what fires is known from Alertmanager alone".to_owned()),
        (None, _) => Some("it does not tell its rules: set rules = { url = … } to its ruler".to_owned()),
    }
}

async fn check_rules(client: &Client, endpoint: &Endpoint) -> Checkup {
    let answer = client
        .call(Call::get("api/v1/rules").param("type", "alert"))
        .await;
    let mut checkup = checkup(client, endpoint, Kind::Prometheus, Err(silent(client)));
    "rules".clone_into(&mut checkup.kind);
    match answer {
        Ok(answer) if (200..300).contains(&answer.status) => {
            checkup.reachable = true;
            checkup.failure = None;
            checkup.latency_seconds = checkup.counters.median_seconds;
        }
        Ok(answer) => {
            checkup.failure = Some(BackendFailure {
                backend: endpoint.name.clone(),
                message: format!("GET /api/v1/rules: HTTP {}; check the URL", answer.status),
            });
        }
        Err(error) => checkup.failure = Some(error.failure()),
    }
    checkup
}

fn silent(client: &Client) -> BackendError {
    BackendError {
        kind: crate::backend::ErrorKind::BadAnswer,
        backend: client.name().clone(),
        tried: "GET /api/v1/rules".to_owned(),
        detail: "no answer".to_owned(),
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery: crate::backend::Delivery::Unknown,
    }
}

async fn check_alertmanager(
    clients: &Clients,
    endpoint: &Endpoint,
    acts_as: Option<String>,
    clock: Clock,
) -> Checkup {
    let client = &clients.main;
    let seen = probe::ask(client, Kind::Alertmanager, clock).await;
    let status: Option<Value> = seen
        .as_ref()
        .ok()
        .and_then(|seen| serde_json::from_slice(&seen.body).ok());
    let write = match (&acts_as, &seen) {
        (Some(_), Ok(_)) => Some(writes::alertmanager(&clients.scout).await),
        (Some(_) | None, _) => None,
    };
    let mut checkup = checkup(client, endpoint, Kind::Alertmanager, seen);
    checkup.acts_as = acts_as;
    checkup.writes = write;
    let Some(status) = status else {
        return checkup;
    };
    let text = |pointer: &str| status.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    checkup.peers = status
        .pointer("/cluster/peers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|peer| peer.get("name").and_then(Value::as_str))
        .map(str::to_owned)
        .collect();
    if text("/cluster/status").as_deref() == Some("settling") {
        checkup
            .missing
            .push("its cluster is still settling: silences may not be everywhere yet".to_owned());
    }
    checkup
}

/// PagerDuty: whether the key is taken, whom it takes us for, what the account's plan lacks. That it takes us for
/// somebody else than the configuration says is a failure: acts would be done in their name.
async fn check_pagerduty(
    (client, scout): (Arc<Client>, Client),
    endpoint: &Endpoint,
    (settings, acts): (Settings, Acts),
    clock: Clock,
) -> Checkup {
    let from = settings.from.clone();
    let mut seen = probe::ask(&client, Kind::PagerDuty, clock).await;
    if let Err(error) = &mut seen
        && error.status == Some(401)
    {
        pagerduty::REGION.clone_into(&mut error.mend);
    }
    let missing = seen
        .as_ref()
        .map(|seen| pagerduty::abilities_missing(&seen.body))
        .unwrap_or_default();
    let acting = match &seen {
        Ok(_) => {
            let asker = Arc::clone(&client) as Arc<dyn Asker>;
            Some(PagerDuty::new(settings, asker, clock).acting_as().await)
        }
        Err(_) => None,
    };
    let mut checkup = checkup(&client, endpoint, Kind::PagerDuty, seen);
    checkup.missing = missing;
    if acts == Acts::Allowed && matches!(acting, Some(Ok(_))) {
        checkup.writes = Some(writes::pagerduty(&scout, from.as_deref()).await);
    }
    match acting {
        Some(Ok(acting)) => {
            let person = &acting.person;
            let email = person
                .email
                .as_deref()
                .map_or_else(String::new, |email| format!(" <{email}>"));
            checkup.acts_as = Some(format!("{}{email}", person.name));
            checkup.failure = acting.conflict.map(|message| BackendFailure {
                backend: endpoint.name.clone(),
                message,
            });
        }
        Some(Err(error)) => checkup.failure = Some(error.failure()),
        None => {}
    }
    checkup
}

/// What it is may be open to all, so a minute of traces is asked for too: that tells what it lacks.
async fn check_traces(
    client: Arc<Client>,
    endpoint: &Endpoint,
    kind: Kind,
    source: Option<Arc<dyn Traces>>,
    clock: Clock,
) -> Checkup {
    let mut seen = probe::ask(&client, kind, clock).await;
    let mut missing = Vec::new();
    if seen.is_ok()
        && let Some(source) = source
    {
        let to = Nanos::of(clock.now().utc);
        let during = Stretch {
            from: to.minus(Duration::from_secs(60)),
            to,
        };
        match source.lacks(during).await {
            Ok(lacks) => missing = lacks,
            Err(error) => seen = Err(error),
        }
    }
    let mut checkup = checkup(&client, endpoint, kind, seen);
    checkup.missing = missing;
    checkup
}

/// Its health is open to all, so a mark is asked for too: that needs the token and its permission.
async fn check_grafana(
    (client, scout): (&Arc<Client>, &Client),
    endpoint: &Endpoint,
    acts: Acts,
    clock: Clock,
) -> Checkup {
    let seen = match probe::ask(client, Kind::Grafana, clock).await {
        Ok(seen) => {
            let asker = Arc::clone(client) as Arc<dyn Asker>;
            let grafana = Grafana::new(endpoint.name.as_str(), asker, endpoint.timeout);
            let now = clock.now().utc;
            let marks = grafana.list(now - TimeDelta::minutes(1), now, Vec::new()).await;
            marks.map(|_| seen)
        }
        Err(error) => Err(error),
    };
    let write = match (acts, &seen) {
        (Acts::Allowed, Ok(_)) => Some(writes::grafana(scout).await),
        (Acts::Allowed | Acts::Refused, _) => None,
    };
    let mut checkup = checkup(client, endpoint, Kind::Grafana, seen);
    checkup.writes = write;
    checkup
}
