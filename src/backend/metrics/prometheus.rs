//! The Prometheus HTTP API, as Prometheus, Thanos, Mimir and VictoriaMetrics speak it.
//!
//! Owns: parameters by flavor, the envelope, which failures are time-outs, which notices mean that an answer is
//! not whole. Must not know SLOs. Start at `Prometheus::ask`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::Value;

use crate::backend::http::{Answer, Asker, Call};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::domain::trace::exemplar::Exemplar;
use crate::text::SafeText;

use super::{AlertingRule, Answered, Flavor, Metrics, Sample, Series, wire};

/// A URL longer than this is cut by some proxies: such a query travels as a POST form.
const GET_LIMIT: usize = 2 * 1024;
/// Points a series that Prometheus gives at most.
const MAX_POINTS: u64 = 11_000;
/// Pages of rules that are read before something must be wrong.
const MAX_PAGES: usize = 64;
/// Words kept of an error.
const DETAIL: usize = 2 * 1024;

/// Labels by which exemplars name their trace where nothing else is configured: nobody fixed the name.
pub const TRACE_LABELS: [&str; 3] = ["trace_id", "traceID", "traceId"];

/// One server.
pub struct Prometheus {
    name: Arc<str>,
    asker: Arc<dyn Asker>,
    configured: Option<Flavor>,
    trace_labels: Vec<String>,
    found: OnceLock<(Flavor, String)>,
}

impl std::fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prometheus({}, {:?})", self.name, self.flavor())
    }
}

impl Prometheus {
    /// A server behind `asker`; `flavor` as configured, found out by [`Metrics::version`] where none.
    pub fn new(name: &str, asker: Arc<dyn Asker>, flavor: Option<Flavor>) -> Self {
        Self {
            name: Arc::from(name),
            asker,
            configured: flavor,
            trace_labels: TRACE_LABELS.map(str::to_owned).to_vec(),
            found: OnceLock::new(),
        }
    }

    /// The same with other labels by which exemplars name their trace; the first that is there counts.
    #[must_use]
    pub fn with_trace_labels(self, trace_labels: Vec<String>) -> Self {
        Self { trace_labels, ..self }
    }

    /// The flavor, as far as it is known by now.
    pub fn flavor(&self) -> Option<Flavor> {
        self.configured.or_else(|| self.found.get().map(|(f, _)| *f))
    }

    async fn query(
        &self,
        path: &str,
        mut form: Vec<(String, String)>,
        timeout: Option<Duration>,
    ) -> BackendResult<Answered<Value>> {
        form.extend(flavor_params(self.flavor()));
        if let Some(timeout) = timeout {
            // The server gives up with us rather than work on for nobody.
            form.push(("timeout".to_owned(), format!("{:.3}", timeout.as_secs_f64())));
        }
        let length: usize = form.iter().map(|(k, v)| k.len() + encoded_len(v) + 2).sum();
        let mut call = if length > GET_LIMIT {
            Call::read_form(path, form)
        } else {
            Call {
                query: form,
                ..Call::get(path)
            }
        };
        call.timeout = timeout;
        self.ask(call).await
    }

    /// One call, its envelope opened.
    async fn ask(&self, call: Call) -> BackendResult<Answered<Value>> {
        let tried = format!("{} {}", call.method.word(), call.path);
        let answer = self.asker.call(call).await?;
        self.open(&tried, &answer)
    }

    fn open(&self, tried: &str, answer: &Answer) -> BackendResult<Answered<Value>> {
        // Thanos answers some empty results with 204 and nothing.
        if answer.status == 204 || (answer.status == 200 && answer.body.is_empty()) {
            return Ok(Answered {
                value: Value::Null,
                partial: None,
                warnings: Vec::new(),
                date: answer.date,
            });
        }
        let envelope: wire::Envelope = match serde_json::from_slice(&answer.body) {
            Ok(envelope) => envelope,
            Err(error) => return Err(self.not_json(tried, answer, &error)),
        };
        if envelope.status != "success" || !(200..300).contains(&answer.status) {
            return Err(self.refused(tried, answer, &envelope));
        }
        let (partial, warnings) = notices(envelope.warnings, envelope.infos, envelope.is_partial);
        Ok(Answered {
            value: envelope.data,
            partial,
            warnings,
            date: answer.date,
        })
    }

    fn error(&self, kind: ErrorKind, tried: &str, detail: &str) -> BackendError {
        BackendError {
            kind,
            backend: Arc::clone(&self.name),
            tried: tried.to_owned(),
            detail: clip(detail),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    fn not_json(&self, tried: &str, answer: &Answer, error: &serde_json::Error) -> BackendError {
        let text = String::from_utf8_lossy(&answer.body);
        let kind = kind_of(answer.status, "", &text);
        let detail = if (200..300).contains(&answer.status) {
            format!("the answer is no whole JSON document ({error})")
        } else {
            format!("HTTP {}: {}", answer.status, text.trim())
        };
        BackendError {
            status: Some(answer.status),
            retry_after: answer.retry_after,
            mend: if answer.status == 404 {
                "check the URL and its path prefix".to_owned()
            } else {
                String::new()
            },
            ..self.error(kind, tried, &detail)
        }
    }

    fn refused(&self, tried: &str, answer: &Answer, envelope: &wire::Envelope) -> BackendError {
        let message = envelope.error.as_deref().unwrap_or("refused without a word");
        let kind_word = match &envelope.error_type {
            Some(Value::String(word)) => word.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let kind = kind_of(answer.status, &kind_word, message);
        BackendError {
            status: Some(answer.status),
            retry_after: answer.retry_after,
            ..self.error(kind, tried, message)
        }
    }

    async fn rules(&self) -> BackendResult<Option<Vec<AlertingRule>>> {
        let path = "api/v1/rules";
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut call = Call::get(path).param("type", "alert");
            if let Some(token) = token.take() {
                call = call.param("group_next_token", token);
            }
            // A token whose group has gone is a 400: what was read so far is of no one moment, the next poll starts over.
            let answered = self.ask(call).await?;
            let (rules, next) = wire::rules(answered.value)
                .map_err(|why| self.error(ErrorKind::BadAnswer, &format!("GET {path}"), &why))?;
            all.extend(rules);
            if next.is_none() {
                // An empty list from VictoriaMetrics means that it has no vmalert to ask, not that nothing is defined.
                let unknown = all.is_empty() && self.flavor() == Some(Flavor::VictoriaMetrics);
                return Ok((!unknown).then_some(all));
            }
            token = next;
        }
        Err(self.error(
            ErrorKind::BadAnswer,
            &format!("GET {path}"),
            "the pages of rules do not end",
        ))
    }

    async fn find_version(&self) -> BackendResult<(Flavor, String)> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        let answered = self.ask(Call::get("api/v1/status/buildinfo")).await?;
        let word = |key: &str| {
            answered
                .value
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let version = word("version");
        let application = word("application").to_ascii_lowercase();
        let flavor = match self.configured {
            Some(flavor) => flavor,
            None if application.contains("mimir") => Flavor::Mimir,
            // VictoriaMetrics always claims to be exactly this version.
            None if version == "2.24.0" && self.has("api/v1/status/top_queries").await => {
                Flavor::VictoriaMetrics
            }
            None if self.has("api/v1/stores").await => Flavor::Thanos,
            None => Flavor::Prometheus,
        };
        Ok(self.found.get_or_init(|| (flavor, version)).clone())
    }

    async fn has(&self, path: &str) -> bool {
        self.asker
            .call(Call::get(path))
            .await
            .is_ok_and(|answer| (200..300).contains(&answer.status))
    }
}

impl Metrics for Prometheus {
    fn name(&self) -> &str {
        &self.name
    }

    fn instant(
        &self,
        query: String,
        at: Option<DateTime<Utc>>,
        timeout: Option<Duration>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Sample>>>> {
        Box::pin(async move {
            let mut form = vec![("query".to_owned(), query)];
            if let Some(at) = at {
                form.push(("time".to_owned(), seconds(at)));
            }
            let answered = self.query("api/v1/query", form, timeout).await?;
            read(answered, wire::instant)
                .map_err(|why| self.error(ErrorKind::BadAnswer, "query api/v1/query", &why))
        })
    }

    fn range_within(
        &self,
        query: String,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        step: Duration,
        timeout: Option<Duration>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Series>>>> {
        Box::pin(async move {
            let path = "api/v1/query_range";
            let tried = format!("query {path}");
            if to < from || step.is_zero() {
                return Err(self.error(
                    ErrorKind::Rejected,
                    &tried,
                    "the range is empty or its step is zero",
                ));
            }
            let span = (to - from).to_std().unwrap_or_default();
            if span.as_secs() / step.as_secs().max(1) > MAX_POINTS {
                return Err(self.error(
                    ErrorKind::Rejected,
                    &tried,
                    "more than 11,000 points a series; take a longer step",
                ));
            }
            let form = vec![
                ("query".to_owned(), query),
                ("start".to_owned(), seconds(from)),
                ("end".to_owned(), seconds(to)),
                ("step".to_owned(), format!("{}", step.as_secs_f64())),
            ];
            let answered = self.query(path, form, timeout).await?;
            read(answered, wire::range).map_err(|why| self.error(ErrorKind::BadAnswer, &tried, &why))
        })
    }

    fn exemplars(
        &self,
        query: String,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Exemplar>>>> {
        Box::pin(async move {
            let path = "api/v1/query_exemplars";
            let form = vec![
                ("query".to_owned(), query),
                ("start".to_owned(), seconds(from)),
                ("end".to_owned(), seconds(to)),
            ];
            let answered = self.query(path, form, None).await?;
            read(answered, |data| wire::exemplars(data, &self.trace_labels))
                .map_err(|why| self.error(ErrorKind::BadAnswer, &format!("query {path}"), &why))
        })
    }

    fn alerting_rules(&self) -> BoxFuture<'_, BackendResult<Option<Vec<AlertingRule>>>> {
        Box::pin(self.rules())
    }

    fn version(&self) -> BoxFuture<'_, BackendResult<(Flavor, String)>> {
        Box::pin(self.find_version())
    }
}

/// The step and the ends of a range rounded down to multiples of `grid`, so that a refresh asks for the same
/// points again and a graph does not shimmer.
pub fn aligned(from: DateTime<Utc>, to: DateTime<Utc>, grid: Duration) -> (DateTime<Utc>, DateTime<Utc>) {
    let grid = i64::try_from(grid.as_secs()).unwrap_or(i64::MAX).max(1);
    let floor = |at: DateTime<Utc>| {
        let seconds = at.timestamp().div_euclid(grid) * grid;
        DateTime::from_timestamp(seconds, 0).unwrap_or(at)
    };
    (floor(from), floor(to))
}

/// What each flavor is told: Thanos to merge replicas and rather answer in part than not at all (the part is
/// marked); VictoriaMetrics to leave its cache, which lags, aside.
fn flavor_params(flavor: Option<Flavor>) -> Vec<(String, String)> {
    let pairs: &[(&str, &str)] = match flavor {
        Some(Flavor::Thanos) => &[("dedup", "true"), ("partial_response", "true")],
        Some(Flavor::VictoriaMetrics) => &[("nocache", "1"), ("latency_offset", "1s")],
        Some(Flavor::Prometheus | Flavor::Mimir) | None => &[],
    };
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

/// Splits notices into "not whole" and the rest. Thanos has no `infos`, so a warning alone says nothing.
fn notices(
    warnings: Option<Vec<String>>,
    infos: Option<Vec<String>>,
    is_partial: bool,
) -> (Option<Arc<str>>, Vec<String>) {
    let mut partial: Option<Arc<str>> =
        is_partial.then(|| Arc::from("the server marked the answer as partial"));
    let mut rest = Vec::new();
    for warning in warnings.unwrap_or_default() {
        let clipped = clip(&warning);
        if means_partial(&warning) {
            partial.get_or_insert_with(|| Arc::from(clipped));
        } else {
            rest.push(clipped);
        }
    }
    rest.extend(infos.unwrap_or_default().iter().map(|info| clip(info)));
    (partial, rest)
}

fn means_partial(warning: &str) -> bool {
    let lower = warning.to_ascii_lowercase();
    let a_store = lower.contains("store") || lower.contains("endpoint") || lower.contains("sidecar");
    let failed = [
        "no such host",
        "unavailable",
        "failed",
        "deadline",
        "error",
        "refused",
        "receive series",
    ];
    lower.contains("partial")
        || lower.contains("results truncated")
        || (a_store && failed.iter().any(|word| lower.contains(word)))
}

fn kind_of(status: u16, error_type: &str, message: &str) -> ErrorKind {
    let lower = message.to_ascii_lowercase();
    // A storage-side deadline comes as 422 execution, a query time-out as 503 or as Mimir's 504 in plain text.
    let timed_out = error_type == "timeout"
        || lower.contains("context deadline exceeded")
        || lower.contains("query timed out")
        || lower.contains("timeout exceeded")
        || lower.contains("cannot be executed longer than");
    match status {
        401 | 403 => ErrorKind::NotSignedIn,
        _ if timed_out => ErrorKind::TimedOut,
        408 | 499 | 504 => ErrorKind::TimedOut,
        429 => ErrorKind::RateLimited,
        413 => ErrorKind::TooLarge,
        400..=498 => ErrorKind::Rejected,
        500.. => ErrorKind::ServerFault,
        _ => match error_type {
            "bad_data" | "execution" | "422" | "400" => ErrorKind::Rejected,
            _ => ErrorKind::BadAnswer,
        },
    }
}

fn read<T>(
    answered: Answered<Value>,
    parse: impl FnOnce(Value) -> Result<T, String>,
) -> Result<Answered<T>, String> {
    Ok(Answered {
        value: parse(answered.value)?,
        partial: answered.partial,
        warnings: answered.warnings,
        date: answered.date,
    })
}

/// Unix seconds with milliseconds: every flavor reads it, and no `+` can be lost on the way.
fn seconds(at: DateTime<Utc>) -> String {
    format!("{}.{:03}", at.timestamp(), at.timestamp_subsec_millis())
}

fn encoded_len(text: &str) -> usize {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { 1 } else { 3 })
        .sum()
}
fn clip(text: &str) -> String {
    let line = SafeText::line(text);
    line.as_str().chars().take(DETAIL).collect()
}

#[cfg(test)]
#[path = "prometheus_tests.rs"]
mod tests;
