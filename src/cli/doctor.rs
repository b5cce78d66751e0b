//! `midwatch doctor`: every backend of a context: reachable, version, latency, clock, auth, who it acts as,
//! what is missing; cluster membership; counters. Ends with 4 if one is down.

use std::sync::Arc;
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta};
use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use serde_json::Value;

use super::file_checks::{FileCheck, FileChecks};
use super::local_checks;
use super::probe::{self, Kind, Seen};
use super::record_checks::{self, RecordCheck};
use super::{Exit, Outcome, Session, console, runbook_checks};
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

/// A clock that is off by more than this shifts windows and silences: worth a warning.
const SKEW_LIMIT: f64 = 30.0;

/// What was found out about one backend.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checkup {
    /// `metrics`, `alertmanager eu-0`.
    pub backend: String,
    /// What it is.
    pub kind: String,
    /// Its base URL.
    pub url: Option<String>,
    /// Whether it answered as it should.
    pub reachable: bool,
    /// Its version, where it tells.
    pub version: Option<String>,
    /// Of its status answer.
    pub latency_seconds: Option<f64>,
    /// Its clock less ours.
    pub clock_skew_seconds: Option<f64>,
    /// `none`, `bearer`, `token`, `basic`.
    pub auth: &'static str,
    /// As whom acts are done there; null where nothing is written.
    pub acts_as: Option<String>,
    /// What it lacks, in words.
    pub missing: Vec<String>,
    /// What has passed.
    pub counters: Passed,
    /// The files that lines are read from, where no server keeps them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileCheck>,
    #[serde(skip)]
    failure: Option<BackendFailure>,
    #[serde(skip)]
    peers: Vec<String>,
}

/// Counters, as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Passed {
    /// Requests written.
    pub requests: u64,
    /// Bytes of bodies received.
    pub bytes: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Median latency.
    pub median_seconds: Option<f64>,
    /// Slowest.
    pub slowest_seconds: Option<f64>,
}

/// A gossip cluster of Alertmanagers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cluster {
    /// Configured members.
    pub configured: Vec<String>,
    /// How many the cluster itself counts.
    pub members: usize,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    context: &'a str,
    at: String,
    identity: &'a str,
    read_only: bool,
    backends: &'a [Checkup],
    clusters: &'a [Cluster],
    record: Option<&'a RecordCheck>,
    errors: Vec<Value>,
    warnings: Vec<String>,
}

/// Runs the command.
pub async fn run(session: &mut Session) -> Outcome {
    let (config, context) = session.context()?;
    session
        .out
        .progress(&format!("asking the backends of {}…", context.name))?;
    let clock = session.clock;
    let checkups = examine(&config, &context, clock).await;
    let clusters = clusters(&checkups);
    let mut warnings = warnings(&context, &checkups, &clusters);
    warnings.extend(local_checks::warnings(&config, &context, &clock.stamp()).await);
    warnings.extend(runbook_checks::warnings(&console::runbooks(session, &context)));
    let record = record_checks::check(&config, clock).await;
    warnings.extend(record.iter().flat_map(RecordCheck::warnings));
    let unrecorded = record.as_ref().and_then(RecordCheck::failure);
    let failures: Vec<&BackendFailure> = checkups
        .iter()
        .filter_map(|c| c.failure.as_ref())
        .chain(&unrecorded)
        .collect();
    let exit = if failures.is_empty() {
        Exit::Done
    } else {
        Exit::Backend
    };
    if session.globals.json {
        session.out.json(&Report {
            context: &context.name,
            at: clock.now().utc.to_rfc3339_opts(SecondsFormat::Secs, true),
            identity: &config.identity,
            read_only: config.read_only,
            backends: &checkups,
            clusters: &clusters,
            record: record.as_ref(),
            errors: failures
                .iter()
                .map(|failure| serde_json::json!({"backend": failure.backend, "message": failure.message}))
                .collect(),
            warnings,
        })?;
    } else {
        let found = Found {
            checkups: &checkups,
            clusters: &clusters,
            record: record.as_ref(),
            warnings: &warnings,
        };
        print(session, &config, &context, &found)?;
    }
    session.out.flush()?;
    Ok(exit)
}

async fn examine(config: &Config, context: &Context, clock: Clock) -> Vec<Checkup> {
    let wires = Wires::default();
    let mut asked: Vec<BoxFuture<'_, Checkup>> = Vec::new();
    let client = |endpoint: &Endpoint| wires.client(endpoint, clock);
    if let Some(metrics) = &context.metrics {
        let clients = MetricsClients {
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
        let client = client(&member.endpoint);
        let acts_as = (!member.read_only && !config.read_only).then(|| config.identity.clone());
        asked.push(Box::pin(async move {
            check_alertmanager(&client, &member.endpoint, acts_as, clock).await
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
        let client = client(endpoint);
        asked.push(Box::pin(async move {
            let seen = probe::ask(&client, kind, clock).await;
            checkup(&client, endpoint, kind, seen)
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
        let client = Arc::new(client(endpoint));
        let settings = Settings::of(signal, endpoint);
        asked.push(Box::pin(check_pagerduty(client, endpoint, settings, clock)));
    }
    if let Some(annotations) = &context.annotations {
        let client = Arc::new(client(&annotations.endpoint));
        asked.push(Box::pin(async move {
            check_grafana(&client, &annotations.endpoint, clock).await
        }));
    }
    join_all(asked).await
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

/// Two clients for one server: what is asked on the chance that it may be another server is not counted.
struct MetricsClients {
    main: Client,
    scout: Client,
}

async fn check_metrics(clients: &MetricsClients, metrics: &MetricsConfig, clock: Clock) -> Checkup {
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
    client: &Client,
    endpoint: &Endpoint,
    acts_as: Option<String>,
    clock: Clock,
) -> Checkup {
    let seen = probe::ask(client, Kind::Alertmanager, clock).await;
    let status: Option<Value> = seen
        .as_ref()
        .ok()
        .and_then(|seen| serde_json::from_slice(&seen.body).ok());
    let mut checkup = checkup(client, endpoint, Kind::Alertmanager, seen);
    checkup.acts_as = acts_as;
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
    client: Arc<Client>,
    endpoint: &Endpoint,
    settings: Settings,
    clock: Clock,
) -> Checkup {
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
async fn check_grafana(client: &Arc<Client>, endpoint: &Endpoint, clock: Clock) -> Checkup {
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
    checkup(client, endpoint, Kind::Grafana, seen)
}

/// Alertmanagers with a common peer are one cluster.
fn clusters(checkups: &[Checkup]) -> Vec<Cluster> {
    let mut found: Vec<(Vec<String>, Cluster)> = Vec::new();
    for checkup in checkups.iter().filter(|c| !c.peers.is_empty()) {
        let known = found
            .iter_mut()
            .find(|(peers, _)| checkup.peers.iter().any(|peer| peers.contains(peer)));
        match known {
            Some((peers, cluster)) => {
                peers.extend(
                    checkup
                        .peers
                        .iter()
                        .filter(|p| !peers.contains(p))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
                cluster.members = peers.len();
                cluster.configured.push(checkup.backend.clone());
            }
            None => found.push((
                checkup.peers.clone(),
                Cluster {
                    configured: vec![checkup.backend.clone()],
                    members: checkup.peers.len(),
                },
            )),
        }
    }
    found.into_iter().map(|(_, cluster)| cluster).collect()
}

fn warnings(context: &Context, checkups: &[Checkup], clusters: &[Cluster]) -> Vec<String> {
    let mut warnings = Vec::new();
    for checkup in checkups {
        if let Some(skew) = checkup.clock_skew_seconds.filter(|skew| skew.abs() > SKEW_LIMIT) {
            let way = if skew > 0.0 { "ahead of" } else { "behind" };
            warnings.push(format!(
                "{}: its clock is {:.0} s {way} this one; check NTP on both",
                checkup.backend,
                skew.abs()
            ));
        }
        warnings.extend(
            checkup
                .missing
                .iter()
                .map(|missing| format!("{}: {missing}", checkup.backend)),
        );
    }
    for cluster in clusters {
        if cluster.configured.len() < cluster.members {
            warnings.push(format!(
                "a cluster of {} Alertmanagers is known by {} alone; name the others too, so that one may fail",
                cluster.members,
                cluster.configured.join(", ")
            ));
        }
    }
    let endpoints = context
        .metrics
        .iter()
        .map(|metrics| &metrics.endpoint)
        .chain(context.alertmanagers.iter().map(|member| &member.endpoint))
        .chain(context.logs.iter().filter_map(LogsConfig::endpoint))
        .chain(
            context
                .annotations
                .iter()
                .map(|annotations| &annotations.endpoint),
        );
    for endpoint in endpoints {
        if endpoint.tls.insecure_skip_verify {
            warnings.push(format!("{}: its certificate is not verified", endpoint.name));
        }
    }
    warnings.extend(unwatched(context).iter().map(|&words| words.to_owned()));
    warnings.extend(context.slo_warnings.iter().cloned());
    warnings
}

/// What cannot be watched for want of a backend. Who has logs or traces alone wants nothing watched.
fn unwatched(context: &Context) -> Vec<&'static str> {
    let watches = !context.alertmanagers.is_empty() || !context.slos.is_empty();
    if !watches && context.metrics.is_none() && context.incidents.is_none() {
        return Vec::new();
    }
    let mut lacks = Vec::new();
    if context.metrics.is_none() {
        lacks.push("no metrics: no SLO can be measured");
    }
    if context.alertmanagers.is_empty() {
        lacks.push("no Alertmanager: no alert is seen");
    } else if context.watchdog.is_none() {
        lacks.push(
            "no watchdog: an empty queue cannot prove that alerts arrive; set watchdog = 'alertname=\"Watchdog\"'",
        );
    }
    lacks
}

/// Everything that was found out, to be printed.
struct Found<'a> {
    checkups: &'a [Checkup],
    clusters: &'a [Cluster],
    record: Option<&'a RecordCheck>,
    warnings: &'a [String],
}

fn print(
    session: &mut Session,
    config: &Config,
    context: &Context,
    found: &Found<'_>,
) -> std::io::Result<()> {
    let out = &mut session.out;
    let read_only = if config.read_only { ", read-only" } else { "" };
    out.line(&format!(
        "context {}, as {}{read_only}",
        context.name, config.identity
    ))?;
    for checkup in found.checkups {
        out.line("")?;
        let state = match (checkup.reachable, &checkup.failure) {
            (true, None) => "ok  ",
            (true, Some(_)) => "FAIL",
            (false, _) => "DOWN",
        };
        let version = checkup.version.as_deref().unwrap_or_default();
        out.line(&format!(
            "{state} {}  {} {version}",
            checkup.backend, checkup.kind
        ))?;
        if let Some(url) = &checkup.url {
            out.line(&format!("     {url}"))?;
        }
        if let Some(failure) = &checkup.failure {
            out.line(&format!("     {}", failure.message))?;
        }
        for file in &checkup.files {
            out.line(&format!("     {}", file.words(session.clock.now().utc)))?;
        }
        // files are read where they lie
        if checkup.url.is_none() {
            continue;
        }
        let mut facts = vec![format!("auth {}", checkup.auth)];
        facts.extend(checkup.acts_as.iter().map(|who| format!("acts as {who}")));
        facts.extend(
            checkup
                .latency_seconds
                .map(|s| format!("answers in {:.0} ms", s * 1_000.0)),
        );
        facts.extend(checkup.clock_skew_seconds.map(|s| format!("clock {s:+.1} s")));
        out.line(&format!("     {}", facts.join(" · ")))?;
        let passed = &checkup.counters;
        out.line(&format!(
            "     {} requests, {} bytes, {} failed",
            passed.requests, passed.bytes, passed.errors
        ))?;
    }
    for cluster in found.clusters {
        out.line("")?;
        out.line(&format!(
            "cluster of {}: {} configured ({})",
            cluster.members,
            cluster.configured.len(),
            cluster.configured.join(", ")
        ))?;
    }
    if let Some(record) = found.record {
        out.line("")?;
        let state = if record.warnings().is_empty() {
            "ok  "
        } else {
            "FAIL"
        };
        out.line(&format!("{state} {}", record.words()))?;
    }
    if !found.warnings.is_empty() {
        out.line("")?;
    }
    for warning in found.warnings {
        out.line(&format!("warning: {warning}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, peers: &[&str]) -> Checkup {
        Checkup {
            backend: name.into(),
            kind: "alertmanager".into(),
            url: None,
            reachable: true,
            version: None,
            latency_seconds: None,
            clock_skew_seconds: None,
            auth: "none",
            acts_as: None,
            missing: Vec::new(),
            counters: Passed {
                requests: 1,
                bytes: 1,
                errors: 0,
                median_seconds: None,
                slowest_seconds: None,
            },
            files: Vec::new(),
            failure: None,
            peers: peers.iter().map(|&p| p.to_owned()).collect(),
        }
    }

    #[test]
    fn members_with_a_common_peer_are_one_cluster() {
        let checkups = [
            member("eu-0", &["a", "b"]),
            member("eu-1", &["b", "c"]),
            member("us-0", &["x"]),
            member("alone", &[]),
        ];
        let found = clusters(&checkups);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].configured.len(), found[0].members), (2, 3));
        assert_eq!((found[1].configured.len(), found[1].members), (1, 1));
    }

    /// A PagerDuty that takes every key for Jun's.
    async fn pagerduty(status: u16) -> wiremock::MockServer {
        let server = wiremock::MockServer::start().await;
        for (path, status, body) in [
            ("/abilities", status, r#"{"abilities":["teams"]}"#),
            (
                "/users/me",
                200,
                r#"{"user":{"id":"PUSR001","name":"Jun","email":"jun@example.com"}}"#,
            ),
        ] {
            wiremock::Mock::given(wiremock::matchers::path(path))
                .respond_with(wiremock::ResponseTemplate::new(status).set_body_raw(body, "application/json"))
                .mount(&server)
                .await;
        }
        server
    }

    async fn examined(server: &wiremock::MockServer, from: &str) -> Checkup {
        let text = format!(
            "[contexts.p.metrics]\nurl = \"http://127.0.0.1:1\"\n[contexts.p.incidents]\nkind = \"pagerduty\"\n\
             url = \"{}\"\nfrom = \"{from}\"\n",
            server.uri()
        );
        let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
            .expect("valid")
            .config;
        let checkups = examine(&config, &config.contexts["p"], Clock::start()).await;
        checkups.into_iter().next_back().expect("PagerDuty comes last")
    }

    #[tokio::test]
    async fn whom_pagerduty_takes_us_for_is_told_and_somebody_else_is_a_failure() {
        let server = pagerduty(200).await;
        let ours = examined(&server, "jun@example.com").await;
        assert_eq!(ours.acts_as.as_deref(), Some("Jun <jun@example.com>"));
        assert_eq!(ours.failure, None);
        assert!(
            ours.missing[0].contains("nobody can be paged to help"),
            "{:?}",
            ours.missing
        );
        let theirs = examined(&server, "mara@example.com").await;
        assert!(theirs.reachable);
        let message = theirs.failure.expect("a failure").message;
        assert!(
            message.contains("the key is that of Jun") && message.contains("mara@example.com"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn traces_are_asked_for_a_list_and_what_they_lack_is_told() {
        let server = wiremock::MockServer::start().await;
        for (path, status, body) in [
            ("/api/v3/services", 200, r#"{"services":["cart"]}"#),
            ("/api/traces", 200, r#"{"data":[]}"#),
        ] {
            wiremock::Mock::given(wiremock::matchers::path(path))
                .respond_with(wiremock::ResponseTemplate::new(status).set_body_raw(body, "application/json"))
                .mount(&server)
                .await;
        }
        let examined = |kind: &'static str| {
            let url = server.uri();
            async move {
                let text = format!(
                    "[contexts.p.metrics]\nurl = \"http://127.0.0.1:1\"\n[contexts.p.traces]\nkind = \"{kind}\"\nurl = \"{url}\"\n"
                );
                let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
                    .expect("valid")
                    .config;
                let checkups = examine(&config, &config.contexts["p"], Clock::start()).await;
                checkups.into_iter().next_back().expect("traces come last")
            }
        };
        let jaeger = examined("jaeger").await;
        assert_eq!((jaeger.reachable, jaeger.backend.as_str()), (true, "traces"));
        assert!(jaeger.missing[0].contains("no summaries"), "{:?}", jaeger.missing);
        let tempo = examined("tempo").await;
        assert!(!tempo.reachable && tempo.failure.is_some());
    }

    #[tokio::test]
    async fn a_loki_behind_a_gateway_that_lets_only_reads_through_is_up() {
        let server = wiremock::MockServer::start().await;
        wiremock::Mock::given(wiremock::matchers::path("/loki/api/v1/labels"))
            .respond_with(
                wiremock::ResponseTemplate::new(200)
                    .set_body_raw(r#"{"status":"success","data":["app"]}"#, "application/json"),
            )
            .mount(&server)
            .await;
        let text = format!(
            "[contexts.p.metrics]\nurl = \"http://127.0.0.1:1\"\n[contexts.p.logs]\nkind = \"loki\"\nurl = \"{}\"\n",
            server.uri()
        );
        let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
            .expect("valid")
            .config;
        let checkups = examine(&config, &config.contexts["p"], Clock::start()).await;
        let loki = checkups
            .iter()
            .find(|checkup| checkup.backend == "logs")
            .expect("asked");
        assert!(
            loki.reachable,
            "{:?}",
            loki.failure.as_ref().map(|failure| &failure.message)
        );
    }

    #[tokio::test]
    async fn a_context_of_files_alone_is_told_how_they_are_and_nothing_of_what_it_does_not_want() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("app.log");
        std::fs::write(&path, "2026-11-20T03:14:07Z one\n").expect("written");
        let text = format!(
            "[contexts.p.logs]\nkind = \"file\"\npaths = [\"{}\", \"{}/none.log\"]\n",
            path.display(),
            dir.path().display()
        );
        let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
            .expect("valid")
            .config;
        let context = &config.contexts["p"];
        let checkups = examine(&config, context, Clock::start()).await;
        let [files] = &checkups[..] else {
            panic!("{checkups:?}")
        };
        assert_eq!(
            (
                &*files.backend,
                &*files.kind,
                files.reachable,
                files.files[0].bytes
            ),
            ("logs", "file", true, Some(25))
        );
        let warnings = warnings(context, &checkups, &[]);
        assert!(
            matches!(&warnings[..], [missing] if missing.contains("none.log: there is no such file")),
            "{warnings:?}"
        );
    }

    #[tokio::test]
    async fn a_key_of_another_region_is_pointed_to_its_address() {
        let refused = examined(&pagerduty(401).await, "jun@example.com").await;
        assert!(!refused.reachable);
        let message = refused.failure.expect("a failure").message;
        assert!(message.contains("https://api.eu.pagerduty.com"), "{message}");
    }
}
