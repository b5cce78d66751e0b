//! The door: keys, limits, `From`, and which question goes where.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;

use super::catalogue::{User, user_by_email};
use super::refusal::{Refusal, answer};
use super::{Key, Left, PagerDuty, RATE, acts, reads};

/// The routes.
pub fn router(server: Arc<PagerDuty>) -> Router {
    Router::new().fallback(serve).with_state(server)
}

/// A question's parameters, in order; lists repeat `name[]`.
#[derive(Debug, Clone)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// A parameter.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// A list; `name[]`, or `name` as some clients write it.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(n, _)| n.strip_suffix("[]").unwrap_or(n) == name)
            .map(|(_, v)| v.clone())
            .collect()
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.one(name) == Some("true")
    }
}

/// Answers one request.
pub async fn serve(
    State(server): State<Arc<PagerDuty>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(pairs): Query<Vec<(String, String)>>,
    body: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(key) = text("authorization").and_then(Key::of) else {
        return Refusal::unauthorized().into_response();
    };
    let left = server.spend();
    if left.refused {
        return limited(Refusal::rate().into_response(), left);
    }
    let params = Params(pairs);
    let path: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let answered = match method {
        Method::GET => {
            reads::answer_to(&server, key, &path, &params).map(|body| answer(StatusCode::OK, &body))
        }
        Method::POST | Method::PUT | Method::DELETE => {
            let from = text("from");
            read(&body).and_then(|body| {
                acts::carry_out(
                    &server,
                    &acts::Order {
                        method: &method,
                        path: &path,
                        key,
                        from,
                        body: &body,
                    },
                )
            })
        }
        _ => Err(Refusal::not_found()),
    };
    limited(answered.unwrap_or_else(IntoResponse::into_response), left)
}

fn read(body: &[u8]) -> Result<Json, Refusal> {
    if body.is_empty() {
        return Ok(Json::Null);
    }
    serde_json::from_slice(body).map_err(|_| Refusal::input("The request body is not valid JSON"))
}

fn limited(mut response: Response, left: Left) -> Response {
    for (name, value) in [
        ("ratelimit-limit", i64::from(RATE)),
        ("ratelimit-remaining", i64::from(left.requests)),
        ("ratelimit-reset", left.reset),
    ] {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}

/// Who acts: the key's owner, or whom `From` names where the key is nobody's. `From` must be there and right
/// in either case.
pub fn actor(key: Key, from: Option<&str>) -> Result<&'static User, Refusal> {
    let from = from
        .map(str::trim)
        .filter(|from| !from.is_empty())
        .ok_or_else(|| {
            Refusal::coded(
                2016,
                "You must specify a user's email address in the \"From\" header to perform this action.",
            )
        })?;
    if !from.contains('@') {
        return Err(Refusal::coded(1028, "Requester Email Malformed"));
    }
    let named = user_by_email(from).ok_or_else(|| Refusal::coded(1008, "Requester User Not Found"))?;
    Ok(match key {
        Key::User(owner) => owner,
        Key::Account => named,
    })
}
