//! Prometheus's HTTP API over the world and its rules.
//!
//! Shapes and messages are those of Prometheus 3; the evaluation itself is [`promql`]'s. Start at [`router`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use promql_parser::parser::Expr;
use serde_json::{Value as Json, json};

use crate::domain::alert::Labels;
use crate::time::parse_duration;

use super::clock::{DemoClock, moment, seconds};
use super::exemplars;
use super::promql::{self, MOST_POINTS, QueryError, Store, format};
use super::rules::{INTERVAL, RuleAlert, RuleState, Rules, Stage};
use super::world::series::SCRAPE;
use super::world::traces::Traces;
use super::world::{Series, World};

type Params = Form<Vec<(String, String)>>;

/// How far back exemplars are kept, seconds: Prometheus keeps so many, not so long.
const KEPT_EXEMPLARS: f64 = 6.0 * 3_600.0;

/// Parsed queries that are kept: an SLO console asks the same long unions again and again.
const KEPT_QUERIES: usize = 256;

/// The server's state.
pub struct Prometheus {
    world: Arc<World>,
    traces: Traces,
    rules: Arc<Rules>,
    clock: DemoClock,
    started: DateTime<Utc>,
    alertmanagers: Vec<String>,
    parsed: Mutex<VecDeque<(String, Arc<Expr>)>>,
}

/// The world's series, and the rules' own as of a moment.
struct Everything<'a> {
    server: &'a Prometheus,
    now: f64,
}

impl Store for Everything<'_> {
    fn series(&self, name: Option<&str>) -> Vec<Arc<Series>> {
        let alerts = || self.server.rules.series(self.now);
        match name {
            Some("ALERTS" | "ALERTS_FOR_STATE") => alerts()
                .into_iter()
                .filter(|s| Some(s.labels.value("__name__")) == name)
                .collect(),
            Some(name) => self.server.world.metric(name).to_vec(),
            None => self.server.world.series().cloned().chain(alerts()).collect(),
        }
    }
}

/// An error answer.
struct Refused(StatusCode, &'static str, String);

impl From<QueryError> for Refused {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::BadData(text) => bad(text),
            QueryError::Execution(text) => Self(StatusCode::UNPROCESSABLE_ENTITY, "execution", text),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, kind, text) = self;
        answer(
            status,
            &json!({"status": "error", "errorType": kind, "error": text}),
        )
    }
}

fn bad(text: String) -> Refused {
    Refused(StatusCode::BAD_REQUEST, "bad_data", text)
}

fn invalid(parameter: &str, text: &str) -> Refused {
    bad(format!("invalid parameter \"{parameter}\": {text}"))
}

fn answer(status: StatusCode, body: &Json) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

type Answer = Result<Response, Refused>;

fn success(data: &Json) -> Response {
    answer(StatusCode::OK, &json!({"status": "success", "data": data}))
}

impl Prometheus {
    /// A server over a world; `alertmanagers` are the base URLs it sends to.
    pub fn new(world: Arc<World>, rules: Arc<Rules>, clock: DemoClock, alertmanagers: Vec<String>) -> Self {
        Self {
            traces: Traces::new(Arc::clone(&world)),
            world,
            rules,
            clock,
            started: clock.now(),
            alertmanagers,
            parsed: Mutex::default(),
        }
    }

    fn now(&self) -> f64 {
        seconds(self.clock.now())
    }

    fn everything(&self) -> Everything<'_> {
        Everything {
            server: self,
            now: self.now(),
        }
    }

    fn parse(&self, query: &str) -> Result<Arc<Expr>, QueryError> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, expr)) = parsed.iter().find(|(text, _)| text == query) {
            return Ok(Arc::clone(expr));
        }
        let expr = Arc::new(promql::parse(query)?);
        parsed.push_front((query.to_owned(), Arc::clone(&expr)));
        parsed.truncate(KEPT_QUERIES);
        Ok(expr)
    }
}

/// The routes.
pub fn router(server: Arc<Prometheus>) -> Router {
    Router::new()
        .route("/-/healthy", get(async || "Prometheus Server is Healthy.\n"))
        .route("/-/ready", get(async || "Prometheus Server is Ready.\n"))
        .route("/api/v1/query", get(query).post(query))
        .route("/api/v1/query_range", get(query_range).post(query_range))
        .route(
            "/api/v1/query_exemplars",
            get(query_exemplars).post(query_exemplars),
        )
        .route("/api/v1/series", get(series).post(series))
        .route("/api/v1/labels", get(labels).post(labels))
        .route("/api/v1/label/{name}/values", get(label_values))
        .route("/api/v1/rules", get(rules))
        .route("/api/v1/alerts", get(alerts))
        .route("/api/v1/alertmanagers", get(alertmanagers))
        .route("/api/v1/targets", get(targets))
        .route("/api/v1/metadata", get(metadata))
        .route("/api/v1/status/buildinfo", get(buildinfo))
        .route("/api/v1/status/runtimeinfo", get(runtimeinfo))
        .route("/api/v1/status/flags", get(flags))
        .fallback(not_found)
        .with_state(server)
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

fn param<'p>(params: &'p [(String, String)], name: &str) -> Option<&'p str> {
    params
        .iter()
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.as_str())
}

fn time(params: &[(String, String)], name: &str, fallback: Option<f64>) -> Result<f64, Refused> {
    let text = match (param(params, name), fallback) {
        (Some(text), _) => text,
        (None, Some(fallback)) => return Ok(fallback),
        (None, None) => return Err(invalid(name, "cannot parse \"\" to a valid timestamp")),
    };
    let float = text.parse::<f64>().ok().filter(|t| t.is_finite());
    float
        .or_else(|| {
            DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|t| seconds(t.to_utc()))
        })
        .ok_or_else(|| {
            let detail = format!("cannot parse {text:?} to a valid timestamp");
            match name {
                "time" => invalid(name, &format!("Invalid time value for 'time': {detail}")),
                _ => invalid(name, &detail),
            }
        })
}

fn step(params: &[(String, String)]) -> Result<f64, Refused> {
    let text = param(params, "step").unwrap_or_default();
    let step = text
        .parse::<f64>()
        .ok()
        .or_else(|| parse_duration(text).ok().map(|d| d.as_secs_f64()))
        .filter(|s| s.is_finite())
        .ok_or_else(|| invalid("step", &format!("cannot parse {text:?} to a valid duration")))?;
    if step <= 0.0 {
        return Err(invalid(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    Ok(step)
}

/// The expression of a request; a parse error names the parameter.
fn expression(server: &Prometheus, params: &[(String, String)]) -> Result<Arc<Expr>, Refused> {
    server
        .parse(param(params, "query").unwrap_or_default())
        .map_err(|error| invalid("query", &error.to_string()))
}

async fn query(State(server): State<Arc<Prometheus>>, Form(params): Params) -> Answer {
    let now = server.now();
    let at = time(&params, "time", Some(now))?;
    let expr = expression(&server, &params)?;
    // What has not been scraped yet does not exist.
    let value = promql::instant(&server.everything(), &expr, at.min(now))?;
    Ok(success(&format::instant(&value, at)))
}

async fn query_range(State(server): State<Arc<Prometheus>>, Form(params): Params) -> Answer {
    let (start, end) = (time(&params, "start", None)?, time(&params, "end", None)?);
    if end < start {
        return Err(invalid("end", "end timestamp must not be before start time"));
    }
    let step = step(&params)?;
    if (end - start) / step > MOST_POINTS {
        return Err(bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)".into(),
        ));
    }
    let expr = expression(&server, &params)?;
    let known = end.min(server.now());
    let lines = if known < start {
        Vec::new()
    } else {
        promql::range(&server.everything(), &expr, start, known, step)?
    };
    Ok(success(&format::matrix(&lines)))
}

async fn query_exemplars(State(server): State<Arc<Prometheus>>, Form(params): Params) -> Answer {
    let now = server.now();
    let (start, end) = (
        time(&params, "start", Some(now - KEPT_EXEMPLARS))?,
        time(&params, "end", Some(now))?,
    );
    if end < start {
        return Err(invalid("end", "end timestamp must not be before start timestamp"));
    }
    let expr = expression(&server, &params)?;
    let store = server.everything();
    let found: Vec<Arc<Series>> = exemplars::selectors(&expr)
        .iter()
        .flat_map(|selector| promql::find(&store, selector))
        .collect();
    let (from, to) = (start.max(now - KEPT_EXEMPLARS), end.min(now));
    let answer: Vec<Json> = exemplars::within(&server.traces, &found, from, to)
        .iter()
        .map(|(series, all)| json!({
            "seriesLabels": format::labels(series),
            "exemplars": all.iter().map(|each| json!({
                "labels": {"trace_id": format!("{:032x}", each.trace), "span_id": format!("{:016x}", each.span)},
                "value": each.value.to_string(),
                "timestamp": (each.at * 1e3).round() / 1e3,
            })).collect::<Vec<_>>(),
        }))
        .collect();
    Ok(success(&Json::from(answer)))
}

/// Series that a request's `match[]` name within its time range, by labels.
fn matching(server: &Prometheus, params: &[(String, String)]) -> Result<BTreeSet<Labels>, Refused> {
    let (from, to) = (
        time(params, "start", Some(f64::MIN))?,
        time(params, "end", Some(f64::MAX))?.min(server.now()),
    );
    let store = server.everything();
    let mut found = BTreeSet::new();
    let mut add = |list: Vec<Arc<Series>>| {
        found.extend(
            list.iter()
                .filter(|s| s.exists_within(from, to))
                .map(|s| s.labels.clone()),
        );
    };
    let selectors: Vec<&str> = params
        .iter()
        .filter(|(name, _)| name == "match[]")
        .map(|(_, value)| value.as_str())
        .collect();
    for text in &selectors {
        let selector = promql::selector(text).map_err(|e| invalid("match[]", &e.to_string()))?;
        add(promql::find(&store, &selector));
    }
    if selectors.is_empty() {
        add(store.series(None));
    }
    Ok(found)
}

async fn series(State(server): State<Arc<Prometheus>>, Form(params): Params) -> Answer {
    if !params.iter().any(|(name, _)| name == "match[]") {
        return Err(bad("no match[] parameter provided".into()));
    }
    let list: Vec<Json> = matching(&server, &params)?.iter().map(format::labels).collect();
    Ok(success(&Json::from(list)))
}

async fn labels(State(server): State<Arc<Prometheus>>, Form(params): Params) -> Answer {
    let found = matching(&server, &params)?;
    let names: BTreeSet<&str> = found.iter().flat_map(|l| l.iter().map(|(k, _)| k)).collect();
    Ok(success(&json!(names)))
}

async fn label_values(
    State(server): State<Arc<Prometheus>>,
    Path(name): Path<String>,
    Form(params): Params,
) -> Answer {
    let valid = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid {
        return Err(bad(format!("invalid label name: {name:?}")));
    }
    let found = matching(&server, &params)?;
    let values: BTreeSet<&str> = found.iter().filter_map(|l| l.get(&name)).collect();
    Ok(success(&json!(values)))
}

fn nanos(t: f64) -> String {
    moment(t).to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
}

fn alert_json(alert: &RuleAlert) -> Json {
    json!({
        "labels": format::labels(&alert.labels),
        "annotations": format::labels(&alert.annotations),
        "state": alert.stage.word(),
        "activeAt": nanos(alert.active_at),
        "value": format::exponent(alert.value),
    })
}

fn rule_json(rule: &RuleState, at: f64) -> Json {
    let stage = rule
        .alerts
        .iter()
        .map(|a| a.stage)
        .max()
        .map_or("inactive", Stage::word);
    let alerts: Vec<Json> = rule.alerts.iter().map(alert_json).collect();
    let labels: BTreeMap<&str, &str> = rule
        .text
        .labels
        .iter()
        .copied()
        .chain([("severity", rule.text.severity)])
        .collect();
    json!({
        "type": "alerting",
        "name": rule.text.name,
        "query": rule.text.query,
        "duration": rule.text.hold,
        "keepFiringFor": 0,
        "labels": labels,
        "annotations": {
            "summary": rule.text.summary,
            "description": rule.text.description,
            "runbook_url": "https://runbooks.example.com/{{ $labels.alertname }}",
        },
        "state": stage,
        "alerts": alerts,
        "health": "ok",
        "evaluationTime": 0.000_4,
        "lastEvaluation": nanos(at),
    })
}

async fn rules(State(server): State<Arc<Prometheus>>, Form(params): Params) -> Answer {
    let (alerting, recording) = match param(&params, "type") {
        None => (true, true),
        Some("alert") => (true, false),
        Some("record") => (false, true),
        Some(other) => return Err(invalid("type", &format!("not supported value {other:?}"))),
    };
    let evaluation = server.rules.at(server.now());
    let mut by_group: Vec<(&str, Vec<Json>)> = Vec::new();
    for rule in &evaluation.rules {
        if by_group.last().is_none_or(|(name, _)| *name != rule.text.group) {
            by_group.push((rule.text.group, Vec::new()));
        }
        if let Some((_, list)) = by_group.last_mut().filter(|_| alerting) {
            list.push(rule_json(rule, evaluation.at));
        }
    }
    let recorded: Vec<Json> = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
        .iter()
        .filter(|_| recording)
        .map(|window| {
            json!({
                "type": "recording",
                "name": format!("slo:sli_error:ratio_rate{window}"),
                "query": format!("sum(rate(http_requests_total{{service=\"auth\",status_code=~\"5..\"}}[{window}])) / sum(rate(http_requests_total{{service=\"auth\"}}[{window}]))"),
                "labels": {"sloth_window": window},
                "health": "ok",
                "evaluationTime": 0.000_3,
                "lastEvaluation": nanos(evaluation.at),
            })
        })
        .collect();
    by_group.push(("sloth-slo-sli-recordings-auth-requests-availability", recorded));
    let groups: Vec<Json> = by_group
        .into_iter()
        .map(|(name, rules)| {
            json!({
                "name": name,
                "file": "/etc/prometheus/rules/shop.yml",
                "rules": rules,
                "interval": INTERVAL,
                "limit": 0,
                "evaluationTime": 0.002,
                "lastEvaluation": nanos(evaluation.at),
            })
        })
        .collect();
    Ok(success(&json!({"groups": groups})))
}

async fn alerts(State(server): State<Arc<Prometheus>>) -> Response {
    let evaluation = server.rules.at(server.now());
    let list: Vec<Json> = evaluation
        .rules
        .iter()
        .flat_map(|r| &r.alerts)
        .map(alert_json)
        .collect();
    success(&json!({"alerts": list}))
}

async fn alertmanagers(State(server): State<Arc<Prometheus>>) -> Response {
    let active: Vec<Json> = server
        .alertmanagers
        .iter()
        .map(|url| json!({"url": format!("{url}/api/v2/alerts")}))
        .collect();
    success(&json!({"activeAlertmanagers": active, "droppedAlertmanagers": []}))
}

async fn targets(State(server): State<Arc<Prometheus>>) -> Response {
    let now = server.now();
    let active: Vec<Json> = server
        .world
        .metric("up")
        .iter()
        .filter_map(|up| {
            let (at, value) = up.latest(now)?;
            let (job, instance) = (up.labels.value("job"), up.labels.value("instance"));
            let url = format!("http://{instance}/metrics");
            let healthy = value > 0.0;
            Some(json!({
                "discoveredLabels": {"__address__": instance, "__metrics_path__": "/metrics", "__scheme__": "http", "job": job},
                "labels": {"instance": instance, "job": job},
                "scrapePool": job,
                "scrapeUrl": url,
                "globalUrl": url,
                "lastError": if healthy { String::new() } else { format!("Get {url:?}: dial tcp: connect: connection refused") },
                "lastScrape": nanos(at),
                "lastScrapeDuration": 0.004,
                "health": if healthy { "up" } else { "down" },
                "scrapeInterval": format!("{SCRAPE}s"),
                "scrapeTimeout": "10s",
            }))
        })
        .collect();
    success(&json!({"activeTargets": active, "droppedTargets": []}))
}

async fn metadata() -> Response {
    let known = [
        ("http_requests_total", "counter", "Requests served."),
        (
            "http_request_duration_seconds",
            "histogram",
            "Latency of requests.",
        ),
        (
            "db_pool_connections_in_use",
            "gauge",
            "Database connections taken from the pool.",
        ),
        ("db_pool_connections_max", "gauge", "Size of the pool."),
        ("build_info", "gauge", "Version that runs."),
    ];
    let map: BTreeMap<&str, Json> = known
        .into_iter()
        .map(|(name, kind, help)| (name, json!([{"type": kind, "help": help, "unit": ""}])))
        .collect();
    success(&json!(map))
}

async fn buildinfo() -> Response {
    success(&json!({
        "version": "3.5.0", "revision": "8be3a9560fbdd18a94dedec4b747c35178177202", "branch": "HEAD",
        "buildUser": "demo@shop", "buildDate": "20250714-16:15:23", "goVersion": "go1.24.5",
    }))
}

async fn runtimeinfo(State(server): State<Arc<Prometheus>>) -> Response {
    let started = server.started.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    success(&json!({
        "startTime": started, "CWD": "/prometheus", "hostname": "prometheus-0", "serverTime": nanos(server.now()),
        "reloadConfigSuccess": true, "lastConfigTime": started, "corruptionCount": 0, "goroutineCount": 48,
        "GOMAXPROCS": 2, "GOMEMLIMIT": 0, "GOGC": "75", "GODEBUG": "", "storageRetention": "60d",
    }))
}

async fn flags() -> Response {
    success(&json!({
        "enable-feature": "exemplar-storage", "query.lookback-delta": "5m", "query.max-concurrency": "20",
        "query.max-samples": "50000000",
        "query.timeout": "2m", "storage.tsdb.retention.time": "60d", "web.external-url": "",
    }))
}
