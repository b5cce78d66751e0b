//! Loki's HTTP API, under `/loki/api/v1`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value as Json, json};

use super::logql::{LogQuery, Query};
use super::params::{Direction, Params, Range, Refused, bad};
use super::select::{Found, Looked, Series, TooMany};
use super::{Loki, MAX_ENTRIES, MAX_LENGTH, MAX_LINE, MAX_SERIES, MAX_TAILS, SECOND, Shared, tail};

type Asked = Form<Vec<(String, String)>>;
type Answer = Result<Response, Refused>;

/// The routes.
pub fn router(loki: Shared) -> Router {
    let api = Router::new()
        .route("/query_range", get(query_range).post(query_range))
        .route("/query", get(query).post(query))
        .route("/labels", get(labels).post(labels))
        .route("/label/{name}/values", get(label_values))
        .route("/series", get(series).post(series))
        .route("/index/stats", get(stats).post(stats))
        .route("/index/volume", get(volume).post(volume))
        .route("/format_query", get(format_query).post(format_query))
        .route("/drilldown-limits", get(limits))
        .route("/status/buildinfo", get(buildinfo))
        .route("/tail", get(tail::tail));
    Router::new()
        .nest("/loki/api/v1", api)
        .route("/ready", get(async || "ready\n"))
        .fallback(async || Refused(StatusCode::NOT_FOUND, "404 page not found".to_owned()))
        .with_state(loki)
}

fn answer(body: &Json) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json; charset=UTF-8")];
    (headers, body.to_string()).into_response()
}

/// Runs what may take a while beside the other requests.
async fn aside(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    let broken = |_| Refused(StatusCode::INTERNAL_SERVER_ERROR, "context canceled".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

/// How labels beside a line are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// With the line, by where they come from.
    Categorized,
    /// As labels of its stream.
    Folded,
}

/// What a request says of it.
pub fn encoding(headers: &HeaderMap) -> Encoding {
    let flags = headers
        .get("x-loki-response-encoding-flags")
        .and_then(|value| value.to_str().ok());
    let asked = flags.is_some_and(|flags| flags.split(',').any(|flag| flag.trim() == "categorize-labels"));
    if asked {
        Encoding::Categorized
    } else {
        Encoding::Folded
    }
}

/// Lines by stream, in the order they are given.
pub fn streams(loki: &Loki, found: &[Found], encoding: Encoding) -> Vec<Json> {
    let mut by_labels: BTreeMap<BTreeMap<String, String>, Vec<Json>> = BTreeMap::new();
    for line in found {
        let own = loki
            .labels(line.stream)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        let at = line.at.to_string();
        let (labels, value) = match encoding {
            Encoding::Categorized => {
                let mut beside = json!({ "structuredMetadata": line.metadata });
                if !line.parsed.is_empty() {
                    beside["parsed"] = json!(line.parsed);
                }
                (own.collect(), json!([at, line.text, beside]))
            }
            Encoding::Folded => {
                let beside = line
                    .metadata
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone()));
                let all = own.chain(beside).chain(line.parsed.clone()).collect();
                (all, json!([at, line.text]))
            }
        };
        by_labels.entry(labels).or_default().push(value);
    }
    let told = by_labels
        .into_iter()
        .map(|(stream, values)| json!({ "stream": stream, "values": values }));
    told.collect()
}

fn success(mut data: Json, looked: Looked) -> Response {
    data["stats"] = json!({
        "summary": {
            "bytesProcessedPerSecond": looked.bytes,
            "linesProcessedPerSecond": looked.lines,
            "totalBytesProcessed": looked.bytes,
            "totalLinesProcessed": looked.lines,
            "execTime": 0.001,
        }
    });
    answer(&json!({ "status": "success", "data": data }))
}

async fn query_range(State(loki): State<Shared>, headers: HeaderMap, Form(asked): Asked) -> Answer {
    let params = Params(asked);
    let encoding = encoding(&headers);
    aside(move || {
        let range = params.range(loki.now())?;
        match params.query()? {
            Query::Log(query) => {
                let (limit, direction) = (params.limit()?, params.direction()?);
                Ok(lines(&loki, &query, range, (direction, limit), encoding))
            }
            Query::Metric(query) => {
                let step = params.step(range)?;
                let (series, looked) = loki.count(&query, range, step).map_err(too_many)?;
                let result = matrix(&series);
                Ok(success(
                    json!({ "resultType": "matrix", "result": result }),
                    looked,
                ))
            }
        }
    })
    .await
}

fn lines(
    loki: &Loki,
    query: &LogQuery,
    range: Range,
    (direction, limit): (Direction, usize),
    encoding: Encoding,
) -> Response {
    let (found, looked) = loki.select(query, range, direction, limit);
    let mut data = json!({ "resultType": "streams", "result": streams(loki, &found, encoding) });
    if encoding == Encoding::Categorized {
        data["encodingFlags"] = json!(["categorize-labels"]);
    }
    success(data, looked)
}

fn too_many(_: TooMany) -> Refused {
    bad(format!(
        "maximum number of series ({MAX_SERIES}) reached for a single query; consider reducing query cardinality by \
         adding more specific stream selectors, reducing the time range, or aggregating results with functions like \
         sum(), count() or topk()"
    ))
}

fn seconds(at: i64) -> Json {
    if at % SECOND == 0 {
        return json!(at / SECOND);
    }
    json!(at as f64 / SECOND as f64)
}

fn matrix(series: &Series) -> Vec<Json> {
    let of = |(labels, points): (_, &BTreeMap<i64, f64>)| {
        let values: Vec<Json> = points
            .iter()
            .map(|(at, value)| json!([seconds(*at), value.to_string()]))
            .collect();
        json!({ "metric": labels, "values": values })
    };
    series.iter().map(of).collect()
}

async fn query(State(loki): State<Shared>, Form(asked): Asked) -> Answer {
    let params = Params(asked);
    aside(move || {
        let at = params.moment(loki.now())?;
        let Query::Metric(query) = params.query()? else {
            return Err(bad(
                "log queries are not supported as an instant query type, please change your query to a range query type",
            ));
        };
        let (series, looked) = loki.count(&query, Range { from: at, to: at }, SECOND).map_err(too_many)?;
        let result: Vec<Json> = series
            .iter()
            .flat_map(|(labels, points)| points.iter().map(move |(at, value)| (labels, at, value)))
            .map(|(labels, at, value)| json!({ "metric": labels, "value": [seconds(*at), value.to_string()] }))
            .collect();
        Ok(success(json!({ "resultType": "vector", "result": result }), looked))
    })
    .await
}

/// The streams that a request is about: those of its query or its matchers, all where it has none.
fn meant(loki: &Loki, params: &Params) -> Result<Vec<usize>, Refused> {
    let all = params
        .0
        .iter()
        .filter(|(name, value)| matches!(name.as_str(), "query" | "match[]" | "match") && !value.is_empty());
    let mut meant = BTreeSet::new();
    let mut any = false;
    for (_, text) in all {
        any = true;
        match super::logql::parse(text).map_err(bad)? {
            Query::Log(query) => meant.extend(loki.streams(&query)),
            Query::Metric(_) => return Err(bad("only label matchers are supported")),
        }
    }
    if !any {
        meant.extend(0..loki.logs.streams().len());
    }
    Ok(meant.into_iter().collect())
}

/// A list, which is left out where it is empty.
fn listed(values: &BTreeSet<String>) -> Response {
    if values.is_empty() {
        return answer(&json!({ "status": "success" }));
    }
    answer(&json!({ "status": "success", "data": values }))
}

/// Whether there are lines at all in the range that is asked for.
fn covers(loki: &Loki, params: &Params) -> Result<bool, Refused> {
    let range = loki.clip(params.range(loki.now())?);
    Ok(range.from < range.to)
}

async fn labels(State(loki): State<Shared>, Form(asked): Asked) -> Answer {
    let params = Params(asked);
    let mut names = BTreeSet::new();
    if covers(&loki, &params)? {
        for stream in meant(&loki, &params)? {
            names.extend(loki.labels(stream).into_keys().map(str::to_owned));
        }
    }
    Ok(listed(&names))
}

async fn label_values(State(loki): State<Shared>, Path(name): Path<String>, Form(asked): Asked) -> Answer {
    let params = Params(asked);
    let mut values = BTreeSet::new();
    if covers(&loki, &params)? {
        for stream in meant(&loki, &params)? {
            values.extend(loki.labels(stream).remove(name.as_str()));
        }
    }
    Ok(listed(&values))
}

async fn series(State(loki): State<Shared>, Form(asked): Asked) -> Answer {
    let params = Params(asked);
    if !params
        .0
        .iter()
        .any(|(name, _)| name == "match[]" || name == "match")
    {
        return Err(bad("0 matcher groups supplied"));
    }
    let covered = covers(&loki, &params)?;
    let streams = meant(&loki, &params)?;
    let all: Vec<Json> = streams
        .iter()
        .filter(|_| covered)
        .map(|stream| json!(loki.labels(*stream)))
        .collect();
    Ok(answer(&json!({ "status": "success", "data": all })))
}

async fn stats(State(loki): State<Shared>, Form(asked): Asked) -> Answer {
    let params = Params(asked);
    aside(move || {
        let range = params.range(loki.now())?;
        let query = params.log_query("only label matchers are supported")?;
        let weights = loki.weigh(&loki.streams(&query), range);
        let (entries, bytes) = weights
            .values()
            .fold((0, 0), |(n, b), (entries, bytes)| (n + entries, b + bytes));
        Ok(answer(&json!({
            "streams": weights.len(),
            "chunks": weights.len(),
            "entries": entries,
            "bytes": bytes,
        })))
    })
    .await
}

async fn volume(State(loki): State<Shared>, Form(asked): Asked) -> Answer {
    let params = Params(asked);
    aside(move || {
        let range = params.range(loki.now())?;
        let query = params.log_query("only label matchers are supported")?;
        let targets: Vec<&str> = params.get("targetLabels").map_or_else(Vec::new, |text| text.split(',').collect());
        let mut by_labels: BTreeMap<BTreeMap<&str, String>, u64> = BTreeMap::new();
        for (stream, (_, bytes)) in loki.weigh(&loki.streams(&query), range) {
            let mut labels = loki.labels(stream);
            let told = |name: &str| {
                if targets.is_empty() {
                    query.selector.iter().any(|matcher| matcher.name == name)
                } else {
                    targets.contains(&name)
                }
            };
            labels.retain(|name, _| told(name));
            *by_labels.entry(labels).or_default() += bytes;
        }
        let mut heaviest: Vec<_> = by_labels.into_iter().collect();
        heaviest.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        heaviest.truncate(params.limit()?);
        let result: Vec<Json> = heaviest
            .into_iter()
            .map(|(labels, bytes)| json!({ "metric": labels, "value": [seconds(range.to), bytes.to_string()] }))
            .collect();
        Ok(answer(&json!({ "status": "success", "data": { "resultType": "vector", "result": result } })))
    })
    .await
}

async fn format_query(Form(asked): Asked) -> Response {
    let params = Params(asked);
    match params.query() {
        Ok(_) => answer(&json!({ "status": "success", "data": params.get("query") })),
        Err(Refused(status, error)) => {
            let body = json!({ "status": "invalid-query", "error": error });
            (status, answer(&body)).into_response()
        }
    }
}

async fn limits() -> Response {
    answer(&json!({
        "limits": {
            "discover_log_levels": true,
            "max_concurrent_tail_requests": MAX_TAILS,
            "max_entries_limit_per_query": MAX_ENTRIES,
            "max_line_size": MAX_LINE,
            "max_query_length": format!("{}d1h", MAX_LENGTH / 86_400),
            "max_query_series": MAX_SERIES,
            "query_timeout": "1m",
            "retention_period": "1d",
            "volume_enabled": true,
        },
        "pattern_ingester_enabled": false,
        "version": VERSION,
    }))
}

/// The version whose answers these are.
const VERSION: &str = "3.7.6";

async fn buildinfo() -> Response {
    answer(&json!({
        "version": VERSION,
        "revision": "demo",
        "branch": "HEAD",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}
