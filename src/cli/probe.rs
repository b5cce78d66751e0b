//! Asks a server what it is: for `doctor` (is it what the configuration says) and `init` (what is it).
//!
//! Paths and fields are those of the servers' own APIs; nothing here writes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::backend::http::{Call, Client, Expect};
use crate::backend::incidents::pagerduty;
use crate::backend::{BackendError, ErrorKind};
use crate::time::Clock;

/// What a server turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Prometheus.
    Prometheus,
    /// Thanos Querier.
    Thanos,
    /// Grafana Mimir.
    Mimir,
    /// VictoriaMetrics.
    VictoriaMetrics,
    /// Alertmanager.
    Alertmanager,
    /// Loki.
    Loki,
    /// VictoriaLogs.
    VictoriaLogs,
    /// Elasticsearch or OpenSearch.
    Elasticsearch,
    /// Jaeger.
    Jaeger,
    /// Tempo.
    Tempo,
    /// Zipkin.
    Zipkin,
    /// PagerDuty.
    PagerDuty,
    /// Grafana.
    Grafana,
}

impl Kind {
    /// All that can be told by asking.
    const TOLD_APART: [Self; 9] = [
        Self::Alertmanager,
        Self::Prometheus,
        Self::Loki,
        Self::VictoriaLogs,
        Self::Elasticsearch,
        Self::Grafana,
        Self::Tempo,
        Self::Jaeger,
        Self::Zipkin,
    ];

    /// As the configuration writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Thanos => "thanos",
            Self::Mimir => "mimir",
            Self::VictoriaMetrics => "victoriametrics",
            Self::Alertmanager => "alertmanager",
            Self::Loki => "loki",
            Self::VictoriaLogs => "victorialogs",
            Self::Elasticsearch => "elasticsearch",
            Self::Jaeger => "jaeger",
            Self::Tempo => "tempo",
            Self::Zipkin => "zipkin",
            Self::PagerDuty => "pagerduty",
            Self::Grafana => "grafana",
        }
    }

    /// From the configuration's word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Thanos, Self::Mimir, Self::VictoriaMetrics, Self::PagerDuty]
            .into_iter()
            .chain(Self::TOLD_APART)
            .find(|kind| kind.word() == word)
    }

    /// The questions whose answer carries the version and the clock: servers of different ages know different ones.
    fn questions(self) -> Vec<Call> {
        match self {
            Self::Jaeger => vec![Call::get("api/v3/services"), Call::get("api/services")],
            // A gateway may let through no more than is read by.
            Self::Loki => vec![self.question(), Call::get(LOKI_LABELS)],
            _ => vec![self.question()],
        }
    }

    /// The question that its latest version answers.
    fn question(self) -> Call {
        let text = |path: &str| Call {
            expect: Expect::Text,
            ..Call::get(path)
        };
        match self {
            Self::Prometheus | Self::Thanos | Self::Mimir | Self::VictoriaMetrics => {
                Call::get("api/v1/status/buildinfo")
            }
            Self::Alertmanager => Call::get("api/v2/status"),
            Self::Loki => Call::get("loki/api/v1/status/buildinfo"),
            Self::VictoriaLogs => text("metrics"),
            Self::Elasticsearch => Call::get(""),
            Self::Jaeger => Call::get("api/v3/services"),
            Self::Tempo => Call::get("api/status/buildinfo"),
            Self::Zipkin => Call::get("info"),
            Self::PagerDuty => Call::get("abilities").header("accept", pagerduty::ACCEPT),
            Self::Grafana => Call::get("api/health"),
        }
    }

    /// The version in its answer: `None` where the answer is not this kind's, empty where it tells none.
    fn version(self, status: u16, body: &[u8]) -> Option<String> {
        if self == Self::VictoriaLogs {
            return app_version(&String::from_utf8_lossy(body), "victoria-logs");
        }
        let json: Value = serde_json::from_slice(body).ok()?;
        let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        if !(200..300).contains(&status) {
            return None;
        }
        match self {
            Self::Prometheus | Self::Thanos | Self::Mimir | Self::VictoriaMetrics => text("/data/version"),
            Self::Alertmanager => text("/versionInfo/version"),
            Self::Loki => text("/version").or_else(|| {
                let labels = json.get("data");
                let is_list = labels.is_none_or(|labels| labels.is_array() || labels.is_null());
                let is_told = json.get("status").is_some_and(|status| status == "success");
                (is_told && is_list).then(String::new)
            }),
            Self::Tempo => text("/version"),
            Self::Elasticsearch => text("/version/number"),
            // v3 leaves out an empty list.
            Self::Jaeger => {
                let told = json.get("services").or_else(|| json.get("data"));
                let empty = json.as_object().is_some_and(serde_json::Map::is_empty);
                let list = told.map_or(empty, |list| list.is_array() || list.is_null());
                list.then(String::new)
            }
            Self::Zipkin => json
                .get("zipkin")
                .map(|_| text("/zipkin/version").unwrap_or_default()),
            Self::PagerDuty => json.get("abilities").map(|_| String::new()),
            Self::Grafana => json.get("database").map(|_| text("/version").unwrap_or_default()),
            Self::VictoriaLogs => None,
        }
    }
}

/// What every reader of a Loki may ask; it tells no version.
const LOKI_LABELS: &str = "loki/api/v1/labels";

/// `vm_app_version{version="victoria-logs-20260101-…",short_version="v1.2.3"} 1`, as VictoriaMetrics' servers
/// tell their version on `/metrics`.
fn app_version(metrics: &str, app: &str) -> Option<String> {
    let line = metrics.lines().find(|line| line.starts_with("vm_app_version{"))?;
    let field = |name: &str| {
        let from = line.find(&format!("{name}=\""))? + name.len() + 2;
        line.get(from..)?.split('"').next()
    };
    let version = line
        .contains(app)
        .then(|| field("short_version").or_else(|| field("version")))??;
    Some(version.to_owned())
}

/// What a server said of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What it is.
    pub kind: Kind,
    /// Empty where it tells none.
    pub version: String,
    /// Ours until its answer was whole.
    pub latency: Duration,
    /// Its clock less ours; one second coarse.
    pub skew: Option<f64>,
    /// The answer, for what else stands in it.
    pub body: Vec<u8>,
}

/// Asks a server of a known kind how it is.
pub async fn ask(client: &Client, kind: Kind, clock: Clock) -> Result<Seen, BackendError> {
    let mut first = None;
    for question in kind.questions() {
        match ask_by(client, kind, question, clock).await {
            Ok(seen) => return Ok(seen),
            // Another question does not help where nobody answers.
            Err(error) if error.status.is_none() => return Err(error),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    Err(first.unwrap_or_else(|| unknown(client)))
}

async fn ask_by(client: &Client, kind: Kind, question: Call, clock: Clock) -> Result<Seen, BackendError> {
    let path = question.path.clone();
    let before = clock.now();
    let answer = client.call(question).await?;
    let after = clock.now();
    let version = kind.version(answer.status, &answer.body);
    let Some(version) = version else {
        return Err(BackendError {
            kind: ErrorKind::BadAnswer,
            backend: client.name().clone(),
            tried: format!("GET /{path}"),
            detail: format!("HTTP {}: this is no answer of {}", answer.status, kind.word()),
            mend: "check the URL and the path prefix; `midwatch init URL` finds out what a server is"
                .to_owned(),
            status: Some(answer.status),
            retry_after: None,
            delivery: crate::backend::Delivery::Answered,
        });
    };
    let latency = after.tick.since(before.tick);
    Ok(Seen {
        kind,
        version,
        latency,
        skew: answer.date.map(|date| skew(date, before.utc, after.utc)),
        body: answer.body,
    })
}

/// The server's clock less ours, seconds: its date is cut to the second, so its middle is taken; ours is the
/// middle of the exchange. A server may have looked at its clock at any moment of that: what half of an exchange explains
/// is no skew.
fn skew(date: DateTime<Utc>, before: DateTime<Utc>, after: DateTime<Utc>) -> f64 {
    let half = (after - before) / 2;
    let apart = ((date - (before + half)).num_milliseconds() as f64 / 1_000.0) + 0.5;
    let unsure = half.num_milliseconds() as f64 / 1_000.0;
    apart.signum() * (apart.abs() - unsure).max(0.0)
}

/// Asks a server of the Prometheus family which one it is.
pub async fn flavor(client: &Client, seen: &Seen) -> (Kind, String) {
    let said = String::from_utf8_lossy(&seen.body);
    if said.contains("Grafana Mimir") {
        return (Kind::Mimir, seen.version.clone());
    }
    // VictoriaMetrics always claims this one.
    if seen.version == "2.24.0" {
        let metrics = Call {
            expect: Expect::Text,
            ..Call::get("metrics")
        };
        if let Ok(answer) = client.call(metrics).await
            && let Some(version) = app_version(&String::from_utf8_lossy(&answer.body), "victoria-metrics")
        {
            return (Kind::VictoriaMetrics, version);
        }
        if succeeds(client, Call::get("api/v1/status/top_queries")).await {
            return (Kind::VictoriaMetrics, seen.version.clone());
        }
    }
    if succeeds(client, Call::get("api/v1/stores")).await {
        return (Kind::Thanos, seen.version.clone());
    }
    (Kind::Prometheus, seen.version.clone())
}

/// Whether a question is answered with 2xx.
pub async fn succeeds(client: &Client, call: Call) -> bool {
    client
        .call(call)
        .await
        .is_ok_and(|answer| (200..300).contains(&answer.status))
}

/// Finds out what a server is.
pub async fn identify(client: &Client, clock: Clock) -> Result<Seen, BackendError> {
    let asked = Kind::TOLD_APART.map(|kind| ask(client, kind, clock));
    let mut worst = None;
    for answer in futures::future::join_all(asked).await {
        match answer {
            Ok(mut seen) => {
                if seen.kind == Kind::Prometheus {
                    (seen.kind, seen.version) = flavor(client, &seen).await;
                }
                return Ok(seen);
            }
            // What tells most of why nothing is known: no connection, then a closed door, then the rest.
            Err(error) => {
                let telling = |error: &BackendError| match error.kind {
                    ErrorKind::NotSignedIn => 2,
                    ErrorKind::Rejected | ErrorKind::BadAnswer => 0,
                    ErrorKind::Unreachable
                    | ErrorKind::Tls
                    | ErrorKind::TimedOut
                    | ErrorKind::RateLimited
                    | ErrorKind::ServerFault
                    | ErrorKind::TooLarge
                    | ErrorKind::Credentials
                    | ErrorKind::Cancelled => 1,
                };
                if worst
                    .as_ref()
                    .is_none_or(|worst| telling(&error) > telling(worst))
                {
                    worst = Some(error);
                }
            }
        }
    }
    Err(worst.unwrap_or_else(|| unknown(client)))
}

fn unknown(client: &Client) -> BackendError {
    BackendError {
        kind: ErrorKind::BadAnswer,
        backend: client.name().clone(),
        tried: "GET /".to_owned(),
        detail: "it is none of the servers that are known here".to_owned(),
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery: crate::backend::Delivery::Answered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_ahead_is_positive() {
        let at = |text: &str| {
            DateTime::parse_from_rfc3339(text)
                .expect("a time")
                .with_timezone(&Utc)
        };
        let (before, after) = (at("2026-11-20T03:14:07.400Z"), at("2026-11-20T03:14:07.600Z"));
        assert!(skew(at("2026-11-20T03:14:07Z"), before, after).abs() < 0.001);
        assert!((skew(at("2026-11-20T03:15:07Z"), before, after) - 59.9).abs() < 0.001);
        assert!((skew(at("2026-11-20T03:13:07Z"), before, after) + 59.9).abs() < 0.001);
    }

    #[test]
    fn a_slow_answer_is_no_skew() {
        let before = DateTime::UNIX_EPOCH;
        let at = |seconds| before + chrono::TimeDelta::seconds(seconds);
        assert_eq!(skew(at(0), before, at(13)).abs(), 0.0);
        assert_eq!(skew(at(13), before, at(13)).abs(), 0.5);
    }

    #[test]
    fn victoria_servers_tell_themselves_apart_on_metrics() {
        let metrics = "# x\nvm_app_version{version=\"victoria-metrics-20260801-000000-tags-v1.140.0\", short_version=\"v1.140.0\"} 1\n";
        assert_eq!(
            app_version(metrics, "victoria-metrics"),
            Some("v1.140.0".to_owned())
        );
        assert_eq!(app_version(metrics, "victoria-logs"), None);
        assert_eq!(app_version("up 1\n", "victoria-logs"), None);
    }

    #[test]
    fn each_answer_is_read_by_its_own_kind_only() {
        let alertmanager = br#"{"cluster":{"status":"ready"},"versionInfo":{"version":"0.34.0"}}"#;
        let prometheus = br#"{"status":"success","data":{"version":"3.14.0"}}"#;
        assert_eq!(
            Kind::Alertmanager.version(200, alertmanager).as_deref(),
            Some("0.34.0")
        );
        assert_eq!(
            Kind::Prometheus.version(200, prometheus).as_deref(),
            Some("3.14.0")
        );
        assert_eq!(Kind::Alertmanager.version(200, prometheus), None);
        assert_eq!(Kind::Prometheus.version(200, alertmanager), None);
        assert_eq!(Kind::Prometheus.version(404, prometheus), None);
        for jaeger in [
            &br#"{"services":["cart"]}"#[..],
            b"{}",
            br#"{"data":null,"total":0}"#,
            br#"{"data":["cart"]}"#,
        ] {
            assert_eq!(Kind::Jaeger.version(200, jaeger).as_deref(), Some(""));
        }
        assert_eq!(Kind::Jaeger.version(200, prometheus), None);
        let labels = br#"{"status":"success","data":["app"]}"#;
        assert_eq!(Kind::Loki.version(200, labels).as_deref(), Some(""));
        assert_eq!(Kind::Loki.version(200, prometheus), None);
        let zipkin = br#"{"zipkin":{"version":"3.4.4","commit":"18c1872"}}"#;
        assert_eq!(Kind::Zipkin.version(200, zipkin).as_deref(), Some("3.4.4"));
    }
}
