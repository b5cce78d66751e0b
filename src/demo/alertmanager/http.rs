//! Alertmanager's API v2 on the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use regex::Regex;
use serde_json::{Value as Json, json};

use crate::demo::promql::format;
use crate::domain::alert::{Fingerprint, Labels};

use super::matching::Rule;
use super::silences::{Refusal, stamp};
use super::{Alert, CONFIG, Cluster, DEFAULT_RECEIVER, ROUTES};

type Pairs = Query<Vec<(String, String)>>;

/// An answer that ends a request early.
type Refused = Box<Response>;

/// One member: its place in the peer list.
#[derive(Clone)]
struct Member {
    cluster: Arc<Cluster>,
    index: usize,
    peers: Arc<[String]>,
}

/// The routes of one member. `peers` are the addresses of all, its own at `index`.
pub fn router(cluster: Arc<Cluster>, index: usize, peers: Arc<[String]>) -> Router {
    let member = Member {
        cluster,
        index,
        peers,
    };
    Router::new()
        .route("/-/healthy", get(async || "OK"))
        .route("/-/ready", get(async || "OK"))
        .route("/api/v2/status", get(status))
        .route("/api/v2/receivers", get(receivers))
        .route("/api/v2/alerts", get(alerts))
        .route("/api/v2/alerts/groups", get(groups))
        .route("/api/v2/silences", get(silences).post(post_silence))
        .route("/api/v2/silence/{id}", get(silence).delete(delete_silence))
        .route("/api/v1/{*rest}", get(gone))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(member)
}

fn answer(status: StatusCode, body: &Json) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Origin"),
    ];
    (status, headers, format!("{body}\n")).into_response()
}

fn coded(status: StatusCode, code: u16, message: &str) -> Response {
    answer(status, &json!({"code": code, "message": message}))
}

async fn not_found(uri: Uri) -> Response {
    coded(
        StatusCode::NOT_FOUND,
        404,
        &format!("path {} was not found", uri.path()),
    )
}

async fn not_allowed(method: axum::http::Method) -> Response {
    coded(
        StatusCode::METHOD_NOT_ALLOWED,
        405,
        &format!("method {method} is not allowed"),
    )
}

async fn gone() -> Response {
    let text = "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API";
    answer(StatusCode::GONE, &json!({"status": "deprecated", "error": text}))
}

/// A gossip name of a ULID's shape.
fn gossip_name(index: usize) -> String {
    format!("01KAGZ7M4Q8V6T3R2P1N0EU{index:03}")
}

async fn status(State(member): State<Member>) -> Response {
    let peers: Vec<Json> = member
        .peers
        .iter()
        .enumerate()
        .map(|(index, address)| json!({"name": gossip_name(index), "address": address}))
        .collect();
    answer(
        StatusCode::OK,
        &json!({
            "cluster": {"name": gossip_name(member.index), "status": "ready", "peers": peers},
            "config": {"original": CONFIG},
            "uptime": stamp(member.cluster.started),
            "versionInfo": {
                "version": "0.28.1", "revision": "b2099eaa2c9ebc25edb26517cb9c732738e93910", "branch": "HEAD",
                "buildUser": "demo@shop", "buildDate": "20250307-15:05:18", "goVersion": "go1.23.7",
            },
        }),
    )
}

async fn receivers() -> Response {
    let names = std::iter::once(DEFAULT_RECEIVER).chain(ROUTES.iter().map(|r| r.receiver));
    let list: Vec<Json> = names.map(|name| json!({"name": name})).collect();
    answer(StatusCode::OK, &Json::from(list))
}

/// Which alerts a request wants.
struct Wanted {
    active: bool,
    silenced: bool,
    inhibited: bool,
    rules: Vec<Rule>,
    receiver: Option<Regex>,
}

impl Wanted {
    fn read(pairs: &[(String, String)]) -> Result<Self, Refused> {
        let mut wanted = Self {
            active: true,
            silenced: true,
            inhibited: true,
            rules: filters(pairs)?,
            receiver: None,
        };
        for (name, value) in pairs {
            let flag = match name.as_str() {
                "active" => &mut wanted.active,
                "silenced" => &mut wanted.silenced,
                "inhibited" => &mut wanted.inhibited,
                "receiver" => {
                    let regex = Regex::new(&format!("^(?:{value})$")).map_err(|_| {
                        let text = format!("failed to parse receiver param: error parsing regexp: `{value}`");
                        Box::new(answer(StatusCode::BAD_REQUEST, &Json::from(text)))
                    })?;
                    wanted.receiver = Some(regex);
                    continue;
                }
                _ => continue,
            };
            *flag = match value.as_str() {
                "true" | "1" => true,
                "false" | "0" => false,
                other => {
                    let message = format!("{name} in query must be of type boolean: {other:?}");
                    return Err(Box::new(coded(StatusCode::UNPROCESSABLE_ENTITY, 601, &message)));
                }
            };
        }
        Ok(wanted)
    }

    fn takes(&self, alert: &Alert) -> bool {
        let quiet = alert.silenced_by.is_empty() && alert.inhibited_by.is_empty();
        (self.active || !quiet)
            && (self.silenced || alert.silenced_by.is_empty())
            && (self.inhibited || alert.inhibited_by.is_empty())
            && self.rules.iter().all(|r| r.matches(&alert.labels))
    }

    fn takes_receiver(&self, receiver: &str) -> bool {
        self.receiver.as_ref().is_none_or(|r| r.is_match(receiver))
    }
}

fn filters(pairs: &[(String, String)]) -> Result<Vec<Rule>, Refused> {
    pairs
        .iter()
        .filter(|(name, _)| name == "filter")
        .map(|(_, text)| Rule::parse(text))
        .collect::<Result<_, _>>()
        .map_err(|error| Box::new(answer(StatusCode::BAD_REQUEST, &Json::from(error))))
}

fn alert_json(alert: &Alert) -> Json {
    let receivers: Vec<Json> = alert
        .routes
        .iter()
        .map(|(name, _)| json!({"name": name}))
        .collect();
    let suppressed = !(alert.silenced_by.is_empty() && alert.inhibited_by.is_empty());
    let inhibited_by: Vec<String> = alert.inhibited_by.iter().map(Fingerprint::to_string).collect();
    json!({
        "labels": format::labels(&alert.labels),
        "annotations": format::labels(&alert.annotations),
        "startsAt": stamp(alert.starts_at),
        "endsAt": stamp(alert.ends_at),
        "updatedAt": stamp(alert.updated_at),
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint.to_string(),
        "receivers": receivers,
        "status": {
            "state": if suppressed { "suppressed" } else { "active" },
            "silencedBy": alert.silenced_by,
            "inhibitedBy": inhibited_by,
            "mutedBy": [],
        },
    })
}

async fn alerts(State(member): State<Member>, Query(pairs): Pairs) -> Response {
    let wanted = match Wanted::read(&pairs) {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    let list: Vec<Json> = member
        .cluster
        .alerts()
        .iter()
        .filter(|a| wanted.takes(a) && a.routes.iter().any(|(name, _)| wanted.takes_receiver(name)))
        .map(alert_json)
        .collect();
    answer(StatusCode::OK, &Json::from(list))
}

async fn groups(State(member): State<Member>, Query(pairs): Pairs) -> Response {
    let wanted = match Wanted::read(&pairs) {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    let mut groups: BTreeMap<(Labels, &str), Vec<Json>> = BTreeMap::new();
    for alert in member.cluster.alerts().iter().filter(|a| wanted.takes(a)) {
        for (receiver, group_by) in alert
            .routes
            .iter()
            .filter(|(name, _)| wanted.takes_receiver(name))
        {
            let key: Labels = group_by
                .iter()
                .filter_map(|name| Some((*name, alert.labels.get(name)?)))
                .collect();
            groups.entry((key, receiver)).or_default().push(alert_json(alert));
        }
    }
    let list: Vec<Json> = groups
        .into_iter()
        .map(|((labels, receiver), alerts)| {
            json!({"labels": format::labels(&labels), "receiver": {"name": receiver}, "alerts": alerts})
        })
        .collect();
    answer(StatusCode::OK, &Json::from(list))
}

async fn silences(State(member): State<Member>, Query(pairs): Pairs) -> Response {
    let filter = match filters(&pairs) {
        Ok(filter) => filter,
        Err(refused) => return *refused,
    };
    let now = member.cluster.clock.now();
    answer(
        StatusCode::OK,
        &Json::from(member.cluster.silences().list(&filter, now)),
    )
}

fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::Handler(text) => answer(StatusCode::BAD_REQUEST, &Json::from(text)),
        Refusal::Validation(status, code, message) => coded(
            StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
            code,
            &message,
        ),
        Refusal::NotFound => answer(StatusCode::NOT_FOUND, &Json::from("silence not found")),
    }
}

async fn post_silence(State(member): State<Member>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/octet-stream");
    if !kind.starts_with("application/json") {
        let message = format!("unsupported media type {kind:?}, only [application/json] are allowed");
        return coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, &message);
    }
    let body: Json = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(error) => {
            let message = format!("parsing silence body from \"\" failed, because {error}");
            return coded(StatusCode::BAD_REQUEST, 400, &message);
        }
    };
    let now = member.cluster.clock.now();
    match member.cluster.silences().put(&body, now) {
        Ok(id) => answer(StatusCode::OK, &json!({"silenceID": id})),
        Err(refusal) => refused(refusal),
    }
}

/// Ids are UUIDs; the generated server refuses anything else before its handler sees it.
fn checked_id(id: &str) -> Result<(), Refused> {
    let shape = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = id.split('-').collect();
    let fits = parts.len() == shape.len()
        && parts
            .iter()
            .zip(shape)
            .all(|(part, len)| part.len() == len && part.bytes().all(|b| b.is_ascii_hexdigit()));
    if fits {
        return Ok(());
    }
    let message = format!("silenceID in path must be of type uuid: {id:?}");
    Err(Box::new(coded(StatusCode::UNPROCESSABLE_ENTITY, 601, &message)))
}

async fn silence(State(member): State<Member>, Path(id): Path<String>) -> Response {
    if let Err(refused) = checked_id(&id) {
        return *refused;
    }
    let now = member.cluster.clock.now();
    match member.cluster.silences().get(&id, now) {
        Some(body) => answer(StatusCode::OK, &body),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn delete_silence(State(member): State<Member>, Path(id): Path<String>) -> Response {
    if let Err(refused) = checked_id(&id) {
        return *refused;
    }
    let now = member.cluster.clock.now();
    match member.cluster.silences().expire(&id, now) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
