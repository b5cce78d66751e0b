//! Jaeger's routes: `/api/v3`, and the API of its UI under `/api`.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value as Json, json};

use super::params::{Form, Params, Refused, trace_id};
use super::search::Summary;
use super::wire::{self, Dialect};
use super::{Jaeger, Shared};
use crate::demo::world::traces::{OPERATIONS, Operation, Trace, Traces};

type Asked = Query<Vec<(String, String)>>;

/// The routes.
pub fn router(jaeger: Shared) -> Router {
    let v3 = Router::new()
        .route("/services", get(services))
        .route("/operations", get(operations))
        .route("/traces", get(find))
        .route("/traces/{id}", get(one))
        .route("/trace-summaries", get(summaries));
    let ui = Router::new()
        .route("/services", get(ui_services))
        .route("/services/{service}/operations", get(ui_operation_names))
        .route("/operations", get(ui_operations))
        .route("/traces", get(ui_find))
        .route("/traces/{id}", get(ui_one))
        .route("/dependencies", get(ui_dependencies))
        .route("/metrics/{which}", get(ui_metrics));
    Router::new()
        .nest("/api/v3", v3)
        .nest("/api", ui)
        .fallback(async || plain(StatusCode::NOT_FOUND, "404 page not found".to_owned()))
        .with_state(jaeger)
}

/// As Go answers an error: plain text, whatever it holds.
fn plain(status: StatusCode, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body + "\n").into_response()
}

fn answer(body: &Json) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn sent(traces: Vec<Trace>, dialect: Dialect, form: Form, end: String) -> Response {
    let body = wire::body(wire::pieces(traces, dialect, form, end));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Refused {
    fn told(self) -> (StatusCode, String) {
        match self {
            Self::Bad(words) => (StatusCode::BAD_REQUEST, words),
            Self::Storage(words) => (StatusCode::INTERNAL_SERVER_ERROR, words),
            Self::Missing(words) => (StatusCode::NOT_FOUND, words.to_owned()),
            Self::NotBuilt(words) => (StatusCode::NOT_IMPLEMENTED, words.to_owned()),
        }
    }

    /// In v3's words.
    fn v3(self) -> Response {
        let (status, words) = self.told();
        let body = json!({ "error": { "httpCode": status.as_u16(), "message": words } });
        plain(status, body.to_string())
    }

    /// In the words of the UI's API.
    fn ui(self) -> Response {
        let (status, words) = self.told();
        let errors = json!([{ "code": status.as_u16(), "msg": words }]);
        plain(status, enveloped(&Json::Null, 0, &errors).to_string())
    }
}

fn enveloped(data: &Json, total: usize, errors: &Json) -> Json {
    json!({ "data": data, "total": total, "limit": 0, "offset": 0, "errors": errors })
}

/// Runs what may take a while beside the other requests.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let broken = |_| Refused::Storage("context canceled".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

fn names() -> BTreeSet<&'static str> {
    OPERATIONS.iter().map(|operation| operation.service).collect()
}

async fn services() -> Response {
    answer(&json!({ "services": names() }))
}

/// The operations of a service, those of a kind where one is given.
fn of(traces: &Traces, service: &str, kind: &str) -> impl Iterator<Item = &'static Operation> {
    traces
        .operations()
        .filter(move |op| op.service == service && (kind.is_empty() || op.kind.word() == kind))
}

fn listed<'a>(all: impl Iterator<Item = &'a Operation>) -> Vec<Json> {
    all.map(|op| json!({ "name": op.name, "spanKind": op.kind.word() }))
        .collect()
}

async fn operations(State(jaeger): State<Shared>, Query(asked): Asked) -> Response {
    let params = Params(asked);
    let service = params.get("service").unwrap_or_default();
    let kind = params.either(&["spanKind", "span_kind"]);
    let kind = kind.map_or("", |(_, kind)| kind);
    answer(&json!({ "operations": listed(of(&jaeger.traces, service, kind)) }))
}

const NOTHING: Refused = Refused::Missing("No traces found");

async fn find(State(jaeger): State<Shared>, Query(asked): Asked) -> Response {
    let found = aside(move || {
        let params = Params(asked);
        let question = params.v3()?;
        let form = params.raw(&["query.rawTraces", "query.raw_traces"])?;
        let found = jaeger.find(&question);
        if found.is_empty() {
            Err(NOTHING)
        } else {
            Ok((found, form))
        }
    });
    match found.await {
        Ok((found, form)) => sent(found, Dialect::Otlp, form, String::new()),
        Err(refused) => refused.v3(),
    }
}

async fn one(State(jaeger): State<Shared>, Path(id): Path<String>, Query(asked): Asked) -> Response {
    let found = aside(move || {
        let params = Params(asked);
        let id = trace_id(&id).map_err(|why| Refused::Bad(format!("malformed parameter trace_id: {why}")))?;
        params.moments(&["startTime", "start_time", "endTime", "end_time"])?;
        let form = params.raw(&["rawTraces", "raw_traces"])?;
        jaeger.get(id).map(|trace| (trace, form)).ok_or(NOTHING)
    });
    match found.await {
        Ok((trace, form)) => sent(vec![trace], Dialect::Otlp, form, String::new()),
        Err(refused) => refused.v3(),
    }
}

async fn summaries(State(jaeger): State<Shared>, Query(asked): Asked) -> Response {
    let found = aside(move || {
        let question = Params(asked).v3()?;
        let found = jaeger.find(&question);
        Ok(found
            .iter()
            .map(|trace| summary(&Summary::of(trace)))
            .collect::<Vec<_>>())
    });
    match found.await {
        Ok(summaries) => answer(&json!({ "summaries": summaries })),
        Err(refused) => refused.v3(),
    }
}

/// What is nothing is left out, as protobuf's JSON leaves it out.
fn without_nothing(mut object: Json) -> Json {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| *value != json!(0) && *value != json!(""));
    }
    object
}

fn summary(of: &Summary) -> Json {
    let services = of.services.iter().map(|(name, (spans, failed))| {
        without_nothing(json!({ "name": name, "spanCount": spans, "errorSpanCount": failed }))
    });
    let (root, operation) = of.root.clone().unwrap_or_default();
    without_nothing(json!({
        "traceId": format!("{:032x}", of.id),
        "rootServiceName": root,
        "rootOperationName": operation,
        "minStartTimeUnixNano": of.start.to_string(),
        "maxEndTimeUnixNano": of.end.to_string(),
        "spanCount": of.services.values().map(|(spans, _)| spans).sum::<usize>(),
        "errorSpanCount": of.services.values().map(|(_, failed)| failed).sum::<usize>(),
        "orphanSpanCount": of.orphans,
        "services": services.collect::<Vec<_>>(),
    }))
}

async fn ui_services() -> Response {
    let names = names();
    answer(&enveloped(&json!(names), names.len(), &Json::Null))
}

async fn ui_operation_names(State(jaeger): State<Shared>, Path(service): Path<String>) -> Response {
    let names: BTreeSet<&str> = of(&jaeger.traces, &service, "").map(|op| op.name).collect();
    answer(&enveloped(&json!(names), names.len(), &Json::Null))
}

async fn ui_operations(State(jaeger): State<Shared>, Query(asked): Asked) -> Response {
    let params = Params(asked);
    let Some(service) = params.get("service") else {
        return Refused::Bad("parameter 'service' is required".to_owned()).ui();
    };
    let all = listed(of(
        &jaeger.traces,
        service,
        params.get("spanKind").unwrap_or_default(),
    ));
    answer(&enveloped(&json!(all), all.len(), &Json::Null))
}

/// What follows the traces in the UI's envelope.
fn end(errors: &Json) -> String {
    format!("],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":{errors}}}")
}

async fn ui_find(State(jaeger): State<Shared>, Query(asked): Asked) -> Response {
    let found = aside(move || {
        let params = Params(asked);
        let form = params.raw(&["raw"])?;
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        let ids: Vec<&str> = params.all("traceID").collect();
        if ids.is_empty() {
            return Ok((jaeger.find(&params.ui(jaeger.now())?), Json::Null, form));
        }
        for text in ids {
            let id = trace_id(text)
                .map_err(|why| Refused::Bad(format!("unable to parse param 'traceID': {why}")))?;
            match jaeger.get(id) {
                Some(trace) => found.push(trace),
                None => missing.push(json!({ "msg": NOT_FOUND, "traceID": format!("{id:032x}") })),
            }
        }
        let errors = if missing.is_empty() {
            Json::Null
        } else {
            Json::Array(missing)
        };
        Ok((found, errors, form))
    });
    match found.await {
        Ok((found, errors, form)) => sent(found, Dialect::Ui, form, end(&errors)),
        Err(refused) => refused.ui(),
    }
}

const NOT_FOUND: &str = "trace not found";

async fn ui_one(State(jaeger): State<Shared>, Path(id): Path<String>, Query(asked): Asked) -> Response {
    let found = aside(move || {
        let form = Params(asked).raw(&["raw"])?;
        let id = trace_id(&id).map_err(Refused::Bad)?;
        let trace = jaeger.get(id).ok_or(Refused::Missing(NOT_FOUND))?;
        Ok((trace, form))
    });
    match found.await {
        Ok((trace, form)) => sent(vec![trace], Dialect::Ui, form, end(&Json::Null)),
        Err(refused) => refused.ui(),
    }
}

async fn ui_dependencies(State(jaeger): State<Shared>, Query(asked): Asked) -> Response {
    let told = aside(move || {
        let params = Params(asked);
        let (from, to) = params.lookback()?;
        Ok(links(&jaeger, (from, to), params.get("service")))
    });
    match told.await {
        Ok(links) => answer(&enveloped(&json!(links), 0, &Json::Null)),
        Err(refused) => refused.ui(),
    }
}

fn links(jaeger: &Jaeger, (from, to): (i64, i64), service: Option<&str>) -> Vec<Json> {
    let calls = jaeger.dependencies(from, to).into_iter();
    calls
        .filter(|((parent, child), _)| service.is_none_or(|of| of == *parent || of == *child))
        .map(|((parent, child), count)| json!({ "parent": parent, "child": child, "callCount": count }))
        .collect()
}

async fn ui_metrics() -> Response {
    Refused::NotBuilt("metrics querying is currently disabled").ui()
}
