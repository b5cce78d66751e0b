//! The annotations API on the wire, under `/api`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value as Json, json};

use super::{LOGIN, Mark, Question, Shared, TAGS, TOKEN, Tag, tags};

type Pairs = Query<Vec<(String, String)>>;

/// An answer that ends a request early.
type Refused = Box<Response>;

/// The routes.
pub fn router(grafana: Shared) -> Router {
    Router::new()
        .route("/api/health", get(health))
        .route("/api/org", get(org))
        .route("/api/access-control/user/permissions", get(permissions))
        .route("/api/annotations", get(list).post(create))
        .route("/api/annotations/tags", get(tags_in_use))
        .route("/api/annotations/graphite", post(graphite))
        .route(
            "/api/annotations/{id}",
            get(one).put(update).patch(patch).delete(delete),
        )
        .fallback(not_found)
        .with_state(grafana)
}

fn answer(status: StatusCode, body: &Json) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.to_string()).into_response()
}

async fn not_found() -> Response {
    answer(StatusCode::NOT_FOUND, &json!({"message": "Not found"}))
}

fn gone() -> Response {
    let body = json!({"message": "Annotation not found", "traceID": ""});
    answer(StatusCode::NOT_FOUND, &body)
}

fn bad(message: &str, error: &str) -> Response {
    let body = json!({"message": message, "error": error, "traceID": ""});
    answer(StatusCode::BAD_REQUEST, &body)
}

/// Whose token it is must be known; health alone is open.
fn signed_in(headers: &HeaderMap) -> Result<(), Refused> {
    let said = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let (message, id) = match said {
        Some(said) if said.strip_prefix("Bearer ").map(str::trim) == Some(TOKEN) => return Ok(()),
        Some(_) => ("Invalid API key", "api-key.invalid"),
        None => ("Unauthorized", "auth.unauthorized"),
    };
    let body = json!({
        "message": message,
        "messageId": id,
        "statusCode": 401,
        "traceID": "",
    });
    Err(Box::new(answer(StatusCode::UNAUTHORIZED, &body)))
}

fn or_refused(answered: Result<Response, Refused>) -> Response {
    answered.unwrap_or_else(|refused| *refused)
}

async fn health(State(grafana): State<Shared>) -> Response {
    let body = json!({
        "commit": "0f5b9d3c1a",
        "database": "ok",
        "version": "13.1.0",
        "started": grafana.started.timestamp(),
    });
    answer(StatusCode::OK, &body)
}

async fn org(headers: HeaderMap) -> Response {
    or_refused(signed_in(&headers).map(|()| {
        let address =
            json!({"address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": ""});
        answer(
            StatusCode::OK,
            &json!({"id": 1, "name": "Shop", "address": address}),
        )
    }))
}

/// What the token may do: that of a service account with the role Editor, as far as marks go.
async fn permissions(headers: HeaderMap) -> Response {
    or_refused(signed_in(&headers).map(|()| {
        let all = ["annotations:type:*"];
        let may = json!({
            "annotations:create": all,
            "annotations:delete": all,
            "annotations:read": all,
            "annotations:write": all,
        });
        answer(StatusCode::OK, &may)
    }))
}

fn question(pairs: &[(String, String)]) -> Question {
    let mut question = Question::default();
    let mut listed = Vec::new();
    for (name, value) in pairs {
        // What is no number is none, as the server's own reading has it.
        let number = || value.parse::<i64>().unwrap_or(0);
        match name.as_str() {
            "from" => question.from = number(),
            "to" => question.to = number(),
            "limit" => question.limit = usize::try_from(number()).unwrap_or(0),
            "tags" => listed.push(value.clone()),
            "matchAny" => question.any = value == "true",
            "dashboardUID" => question.dashboard = Some(value.clone()),
            _ => {}
        }
    }
    question.tags = tags(&listed);
    question
}

async fn list(State(grafana): State<Shared>, headers: HeaderMap, Query(pairs): Pairs) -> Response {
    or_refused(signed_in(&headers).map(|()| {
        // There are no alerts of Grafana's own here.
        if pairs
            .iter()
            .any(|(name, value)| name == "type" && value == "alert")
        {
            return answer(StatusCode::OK, &json!([]));
        }
        let marks: Vec<Json> = grafana.list(&question(&pairs)).iter().map(Mark::json).collect();
        answer(StatusCode::OK, &json!(marks))
    }))
}

async fn one(State(grafana): State<Shared>, headers: HeaderMap, Path(id): Path<i64>) -> Response {
    or_refused(signed_in(&headers).map(|()| {
        grafana
            .one(id)
            .map_or_else(gone, |mark| answer(StatusCode::OK, &mark.json()))
    }))
}

async fn tags_in_use(State(grafana): State<Shared>, headers: HeaderMap, Query(pairs): Pairs) -> Response {
    or_refused(signed_in(&headers).map(|()| {
        let find = |wanted: &str| {
            pairs
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, v)| v.as_str())
        };
        let limit = find("limit").and_then(|text| text.parse().ok()).unwrap_or(100);
        let counts = grafana.tags_in_use(find("tag").unwrap_or_default());
        let rows: Vec<Json> = counts
            .into_iter()
            .take(limit)
            .map(|(tag, count)| json!({"tag": tag, "count": count}))
            .collect();
        answer(StatusCode::OK, &json!({"result": {"tags": rows}}))
    }))
}

fn read(body: &[u8]) -> Result<Json, Refused> {
    serde_json::from_slice(body)
        .map_err(|_| Box::new(bad("bad request data", "the body does not read as JSON")))
}

fn texts(body: &Json, field: &str) -> Option<Vec<String>> {
    let listed = body.get(field)?.as_array()?;
    Some(
        listed
            .iter()
            .filter_map(|tag| tag.as_str().map(str::to_owned))
            .collect(),
    )
}

/// The server keeps tags as one JSON list of bounded length.
fn fitting(listed: &[String]) -> Result<Vec<Tag>, Refused> {
    let length = json!(listed).to_string().len();
    if length <= TAGS {
        return Ok(tags(listed));
    }
    let message = format!(
        "Tags length ({length}) exceeds the maximum allowed ({TAGS}): modify the configuration to increase this value"
    );
    let body = json!({
        "message": message,
        "messageId": "annotations.tag-limit-exceeded",
        "statusCode": 400,
        "traceID": "",
    });
    Err(Box::new(answer(StatusCode::BAD_REQUEST, &body)))
}

/// Begin and end in order; where none is said it is now, and a point ends where it begins.
fn times(body: &Json, now: i64) -> (i64, i64) {
    let number = |field: &str| body.get(field).and_then(Json::as_i64).filter(|ms| *ms != 0);
    let time = number("time").unwrap_or(now);
    let end = number("timeEnd").unwrap_or(time);
    (time.min(end), time.max(end))
}

fn text_of(body: &Json, message: &str) -> Result<String, Refused> {
    body.get("text")
        .and_then(Json::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Box::new(bad(message, "text field should not be empty")))
}

async fn create(State(grafana): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let made = || {
        signed_in(&headers)?;
        let body = read(&body)?;
        let text = text_of(&body, "Failed to save annotation")?;
        let tags = fitting(&texts(&body, "tags").unwrap_or_default())?;
        let now = grafana.now();
        let (time, end) = times(&body, now);
        let id = grafana.add(Mark {
            id: 0,
            login: LOGIN,
            time,
            end,
            text,
            tags,
            dashboard: body.get("dashboardUID").and_then(Json::as_str).map(str::to_owned),
            panel: body.get("panelId").and_then(Json::as_i64).unwrap_or(0),
            data: body.get("data").cloned().unwrap_or_else(|| json!({})),
            changed: now,
        });
        Ok(answer(
            StatusCode::OK,
            &json!({"message": "Annotation added", "id": id}),
        ))
    };
    or_refused(made())
}

async fn graphite(State(grafana): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let made = || {
        signed_in(&headers)?;
        let body = read(&body)?;
        let text = |field: &str| body.get(field).and_then(Json::as_str).unwrap_or_default();
        let what = text("what");
        if what.is_empty() {
            return Err(Box::new(bad(
                "Failed to save Graphite annotation",
                "what field should not be empty",
            )));
        }
        let now = grafana.now();
        // Seconds here, where everything else is milliseconds.
        let time = body
            .get("when")
            .and_then(Json::as_i64)
            .map_or(now, |seconds| seconds * 1_000);
        let words: Vec<String> = text("tags").split(' ').map(str::to_owned).collect();
        let id = grafana.add(Mark {
            id: 0,
            login: LOGIN,
            time,
            end: time,
            text: [what, text("data")].join("\n").trim_end().to_owned(),
            tags: fitting(&texts(&body, "tags").unwrap_or(words))?,
            dashboard: None,
            panel: 0,
            data: json!({}),
            changed: now,
        });
        let body = json!({"message": "Graphite annotation added", "id": id});
        Ok(answer(StatusCode::OK, &body))
    };
    or_refused(made())
}

/// Replaces all of a mark.
async fn update(
    State(grafana): State<Shared>,
    headers: HeaderMap,
    Path(id): Path<i64>,
    body: Bytes,
) -> Response {
    let changed = || {
        signed_in(&headers)?;
        let body = read(&body)?;
        let Some(mark) = grafana.one(id) else {
            return Ok(gone());
        };
        let text = text_of(&body, "Failed to update annotation")?;
        let (time, end) = times(&body, mark.time);
        grafana.replace(Mark {
            text,
            time,
            end,
            tags: fitting(&texts(&body, "tags").unwrap_or_default())?,
            changed: grafana.now(),
            ..mark
        });
        Ok(answer(StatusCode::OK, &json!({"message": "Annotation updated"})))
    };
    or_refused(changed())
}

/// Changes what is given.
async fn patch(
    State(grafana): State<Shared>,
    headers: HeaderMap,
    Path(id): Path<i64>,
    body: Bytes,
) -> Response {
    let changed = || {
        signed_in(&headers)?;
        let body = read(&body)?;
        let Some(mut mark) = grafana.one(id) else {
            return Ok(gone());
        };
        if let Some(text) = body
            .get("text")
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty())
        {
            text.clone_into(&mut mark.text);
        }
        if let Some(listed) = texts(&body, "tags") {
            mark.tags = fitting(&listed)?;
        }
        let number = |field: &str| body.get(field).and_then(Json::as_i64).filter(|ms| *ms > 0);
        mark.time = number("time").unwrap_or(mark.time);
        mark.end = number("timeEnd").unwrap_or(mark.end);
        mark.changed = grafana.now();
        grafana.replace(mark);
        Ok(answer(StatusCode::OK, &json!({"message": "Annotation patched"})))
    };
    or_refused(changed())
}

async fn delete(State(grafana): State<Shared>, headers: HeaderMap, Path(id): Path<i64>) -> Response {
    or_refused(signed_in(&headers).map(|()| {
        if grafana.one(id).is_none() {
            return gone();
        }
        grafana.delete(id);
        answer(StatusCode::OK, &json!({"message": "Annotation deleted"}))
    }))
}
