//! `midwatch doctor`: every backend of a context: reachable, version, latency, clock, auth, who it acts as,
//! what is missing for which feature, whether it takes what we write; cluster membership; counters. Ends with 4 if one
//! is down.
//!
//! `cost` measures the console itself. `checks` asks, `lacks` knows what a feature needs, `writes` proves write access without writing, `print` tells.

use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::Value;

use super::file_checks::FileCheck;
use super::local_checks;
use super::record_checks::{self, RecordCheck};
use super::{Exit, Outcome, Session, console, runbook_checks};
use crate::backend::BackendFailure;
use crate::config::{Context, LogsConfig};

mod checks;
pub mod cost;
mod lacks;
mod print;
mod writes;

use checks::examine;
use print::{Found, print};
pub use writes::Writes;

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
    /// Whether it takes what we write, as far as that can be known without writing; null where nothing is written.
    pub writes: Option<Writes>,
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
    /// What is off for want of a backend, in words.
    off: &'a [String],
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
    let off = off(&context);
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
            off: &off,
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
            off: &off,
            warnings: &warnings,
        };
        print(session, &config, &context, &found)?;
    }
    session.out.flush()?;
    Ok(exit)
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
    for checkup in checkups {
        if let Some(writes @ (Writes::Refused(_) | Writes::Unknown(_))) = &checkup.writes {
            warnings.push(format!("{}: {}", checkup.backend, writes.words()));
        }
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

/// What is off for want of a backend that is no loss to whoever does without: each signal with the features that need it.
fn off(context: &Context) -> Vec<String> {
    let name = &context.name;
    // Where one of the two is there, the other is a warning: see `unwatched`.
    let unwatched = is_unwatched(context).then(|| {
        format!(
            "no metrics and no Alertmanager ([contexts.{name}.metrics], [[contexts.{name}.alertmanagers]]): nothing is \
             watched: no SLO is measured, no alert is seen"
        )
    });
    let signals = [
        (
            context.logs.is_some(),
            "logs",
            "no log pane, no log patterns in a case, no way from an alert or trace to its lines",
        ),
        (
            context.traces.is_some(),
            "traces",
            "no trace pane, no failing spans in a case, no way from a log line or SLO to its trace",
        ),
        (
            context.incidents.is_some(),
            "incidents",
            "nobody's incidents but midwatch's own; nobody else's on-call is known",
        ),
        (
            context.annotations.is_some(),
            "annotations",
            "no deploys in charts, timelines and cases, and no deploy is a suspect",
        ),
    ];
    let lacking = signals
        .into_iter()
        .filter(|(is_there, _, _)| !is_there)
        .map(|(_, signal, lacks)| format!("no {signal} ([contexts.{name}.{signal}]): {lacks}"));
    unwatched.into_iter().chain(lacking).collect()
}

/// Neither alerts nor SLOs are configured, nor anybody's incidents: who has logs or traces alone wants nothing watched.
fn is_unwatched(context: &Context) -> bool {
    let watches = !context.alertmanagers.is_empty() || !context.slos.is_empty();
    !watches && context.metrics.is_none() && context.incidents.is_none()
}

/// What cannot be watched for want of a backend; where nothing is watched at all, `off` says so.
fn unwatched(context: &Context) -> Vec<&'static str> {
    if is_unwatched(context) {
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

#[cfg(test)]
mod tests;
