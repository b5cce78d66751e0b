//! What the tests of the sources share: a server that answers by a script, and traces in its formats.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::backend::http::{Asker, Client, Wires};
use crate::config::{Auth, Endpoint, TlsConfig};
use crate::domain::trace::Nanos;
use crate::time::Clock;

/// The moment that everything is counted from: a whole second.
pub(super) const BASE: i64 = 1_790_000_000_000_000_000;
pub(super) const SECOND: i64 = 1_000_000_000;

/// What was asked: a path and its parameters.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) pairs: Vec<(String, String)>,
}

impl Asked {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(n, _)| n == name);
        pair.map(|(_, value)| value.as_str())
    }
}

/// A server by a script.
pub(super) struct Fake {
    server: MockServer,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub(super) async fn start(script: impl Fn(&Asked) -> ResponseTemplate + Send + Sync + 'static) -> Self {
        let server = MockServer::start().await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&asked);
        Mock::given(any())
            .respond_with(move |request: &Request| {
                let asked = Asked {
                    path: request.url.path().to_owned(),
                    pairs: request.url.query_pairs().into_owned().collect(),
                };
                shared.lock().expect("no panic").push(asked.clone());
                script(&asked)
            })
            .mount(&server)
            .await;
        Self { server, asked }
    }

    pub(super) fn asker(&self) -> Arc<dyn Asker> {
        let endpoint = Endpoint {
            name: "traces".into(),
            url: self.server.uri(),
            auth: Auth::None,
            headers: Vec::new(),
            params: Vec::new(),
            tls: TlsConfig::default(),
            proxy: None,
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(1),
            max_concurrency: 4,
        };
        let transport = Wires::default().transport(&endpoint);
        Arc::new(Client::new(&endpoint, transport, Clock::start()))
    }

    /// Everything asked so far, oldest first.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// The paths asked so far.
    pub(super) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.path).collect()
    }

    pub(super) fn forget(&self) {
        self.asked.lock().expect("no panic").clear();
    }
}

pub(super) fn json_of(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/json")
}

pub(super) fn text(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "text/plain; charset=utf-8")
}

/// What Go's router says of a path that it does not know.
pub(super) fn no_page() -> ResponseTemplate {
    text(404, "404 page not found\n")
}

/// What old Jaegers and login pages answer.
pub(super) fn page() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(
        "<!doctype html><html><head><title>Sign in</title></head></html>",
        "text/html; charset=utf-8",
    )
}

pub(super) fn id(text: &str) -> TraceId {
    text.parse().expect("an id")
}

pub(super) fn hour() -> Stretch {
    Stretch {
        from: Nanos(BASE),
        to: Nanos(BASE + 3_600 * SECOND),
    }
}

pub(super) fn question(wanted: Wanted) -> SearchQuestion {
    SearchQuestion {
        wanted,
        during: hour(),
        limit: 20,
    }
}

/// A trace of one span in OTLP, that began so many seconds after the base.
pub(super) fn otlp_spans(id: &str, seconds: i64, failed: bool) -> Value {
    let start = BASE + seconds * SECOND;
    json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
        "scopeSpans": [{"spans": [{"traceId": id, "spanId": "00000000000000aa", "name": "GET /x", "kind": 2,
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + SECOND / 2).to_string(),
            "status": {"code": if failed { 2 } else { 0 }},
            "attributes": [{"key": "http.method", "value": {"stringValue": "GET"}}]}]}]})
}

#[test]
fn ids_read_in_every_spelling_that_a_person_may_paste() {
    let padded = read_id("0000000000000000abcdef0123456789");
    assert!(padded.is_some());
    for text in ["abcdef0123456789", " ABCDEF0123456789\n", "q83vASNFZ4k="] {
        assert_eq!(read_id(text), padded, "{text}");
    }
    assert_eq!(read_id("0"), None);
}
