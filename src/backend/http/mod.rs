//! The one HTTP client: everything that talks to a backend goes through [`Client`].
//!
//! It joins paths under a prefix, adds auth and headers, bounds time and bytes (after decompression), follows
//! redirects only within the origin, retries with jittered backoff only what is safe to repeat, honours
//! Retry-After, tells a login page from an answer, redacts, and counts. The wire itself is a [`Transport`],
//! so that tests, record and replay can stand in for it. Answers without an end (a tail) are opened, not called:
//! [`Client::open`]. Start at [`Call`], then [`Client::call`].

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::BackendResult;

mod client;
mod counters;
mod long;
mod redact;
mod retry;
mod secrets;
mod verdict;
mod wire;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use long::{Duplex, Opened, Pieces, Reply, Way};
pub use redact::{Begin, Redactor, is_secret_name};
pub(crate) use retry::Jitter;
pub use secrets::{CredentialError, Credentials, EnvLookup, process_env, read_secret};
pub use wire::Wires;

/// Cap on a body after decompression.
pub const BODY_CAP: usize = 64 * 1024 * 1024;
/// Cap for traces.
pub const TRACE_BODY_CAP: usize = 256 * 1024 * 1024;

/// HTTP methods that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// DELETE
    Delete,
}

impl Method {
    /// As on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Whether a call may be repeated by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// A read, or a write that is the same done twice: retried on passing failures.
    Safe,
    /// A write that would act twice: never retried here.
    Never,
}

/// Who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A poll: it leaves a place free for the user's own requests.
    Poll,
    /// Somebody at the keyboard.
    User,
}

/// What is sent as the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// `application/json`, already serialised.
    Json(String),
}

/// What the answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// JSON, also with a 4xx/5xx status (the caller reads the error's own shape).
    Json,
    /// Anything but HTML.
    Text,
}

/// What becomes of an answer that passes its cap, or breaks off in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// It is an error.
    #[default]
    Refuse,
    /// What came is the answer; whoever reads it sees that it ends too early. At most the cap.
    Keep,
}

/// A question to one backend, below its base URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path below the base, joined by segment: `api/v1/query`.
    pub path: String,
    /// Query parameters, encoded by the client.
    pub query: Vec<(String, String)>,
    /// Headers of this call alone, over the client's own and under the configured ones; none of them secret.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Body,
    /// Whole call, retries excluded; the endpoint's own where none.
    pub timeout: Option<Duration>,
    /// Cap on the body after decompression.
    pub cap: usize,
    /// What becomes of what came, where it is not all.
    pub cut: Cut,
    /// Whether it may be repeated.
    pub repeat: Repeat,
    /// What must come back.
    pub expect: Expect,
    /// Who waits.
    pub urgency: Urgency,
}

impl Call {
    /// A JSON read.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            timeout: None,
            cap: BODY_CAP,
            cut: Cut::Refuse,
            repeat: Repeat::Safe,
            expect: Expect::Json,
            urgency: Urgency::Poll,
        }
    }

    /// A read by POST form (long PromQL): as safe to repeat as a GET.
    pub fn read_form(path: impl Into<String>, form: Vec<(String, String)>) -> Self {
        Self {
            method: Method::Post,
            body: Body::Form(form),
            ..Self::get(path)
        }
    }

    /// A read whose question is a JSON document (`_search`): as safe to repeat as a GET.
    pub fn read_json(path: impl Into<String>, json: String) -> Self {
        Self {
            method: Method::Post,
            body: Body::Json(json),
            ..Self::get(path)
        }
    }

    /// A JSON write that must not be repeated by itself.
    pub fn write(method: Method, path: impl Into<String>, json: String) -> Self {
        Self {
            method,
            body: Body::Json(json),
            repeat: Repeat::Never,
            urgency: Urgency::User,
            ..Self::get(path)
        }
    }

    /// Asked by the user: not queued behind polls.
    #[must_use]
    pub fn by_user(mut self) -> Self {
        self.urgency = Urgency::User;
        self
    }

    /// With a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a query parameter.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }
}

/// A request ready for the wire. `Debug` never shows header values.
#[derive(Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Absolute URL, query included.
    pub url: String,
    /// Headers; values may be secret.
    pub headers: Vec<(String, String)>,
    /// Body, already encoded.
    pub body: Vec<u8>,
    /// Whole request.
    pub timeout: Duration,
    /// Cap on the decompressed body.
    pub cap: usize,
    /// What becomes of what came, where it is not all.
    pub cut: Cut,
    /// Knows the secrets among the headers: whoever keeps what comes back takes them out.
    pub redactor: Arc<Redactor>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        write!(f, "{:?} {url} ({} bytes of body)", self.method, self.body.len())
    }
}

/// What the wire gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// Why the wire gave nothing back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// No connection; never sent.
    Connect(String),
    /// TLS refused; never sent.
    Tls(String),
    /// Time ran out; `sent` tells whether the request may have arrived.
    Timeout {
        /// Whether it may have arrived.
        sent: super::Delivery,
    },
    /// The connection broke.
    Broken(String),
    /// The server began to answer and broke off, or sent what does not decompress.
    Truncated(String),
    /// The body passed the cap.
    TooLarge,
    /// A certificate, key or proxy of ours does not read; never sent.
    Setup(String),
    /// A recording is played, and holds no answer to this; never sent.
    NotRecorded(String),
}

/// The wire: one request, one whole answer. Redirects are not followed here.
pub trait Transport: Send + Sync {
    /// Makes ready what the first request would otherwise wait for, so that it is not counted as the server's
    /// latency. What goes wrong is said by [`Transport::send`].
    fn prepare(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Sends one request and reads the whole answer within its timeout and cap.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;

    /// Opens a long answer; the request's timeout is that of its head.
    fn open(&self, request: Request, way: Way) -> BoxFuture<'_, Result<Reply, TransportError>> {
        let _ = (request, way);
        long::cannot()
    }
}

/// What has passed between the console and one backend since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests written, retries included.
    pub requests: u64,
    /// Bytes of bodies received, after decompression.
    pub bytes: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Latency of the last answer.
    pub last: Option<Duration>,
    /// Median latency of the last 64 answers.
    pub median: Option<Duration>,
    /// Slowest of the last 64 answers.
    pub slowest: Option<Duration>,
}

/// An answer with what the caller needs to judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, 2xx; or any other, where the body is JSON and the caller reads the error's own shape.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The server's clock, from its `Date` header.
    pub date: Option<chrono::DateTime<chrono::Utc>>,
    /// Content type, lower case, parameters stripped.
    pub content_type: String,
    /// `Retry-After`, where given.
    pub retry_after: Option<Duration>,
}

/// A shared handle on the wire.
pub type SharedTransport = Arc<dyn Transport>;

/// How much of a server's allowance is left (`ratelimit-limit`, `-remaining`, `-reset`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a window.
    pub limit: u32,
    /// Requests left of it.
    pub remaining: u32,
    /// Until it begins anew, counted from the answer that told it.
    pub reset: Duration,
}

impl Allowance {
    /// Whether less than a fifth is left: polls should slow down, for the sake of what the engineer does.
    pub fn is_low(self) -> bool {
        u64::from(self.remaining) * 5 < u64::from(self.limit)
    }
}

/// Whoever can be asked: the [`Client`], or a stand-in of a test.
pub trait Asker: Send + Sync {
    /// What the server said last of its allowance, while that still holds.
    fn allowance(&self) -> Option<Allowance> {
        None
    }

    /// The server's clock less ours, where it told it.
    fn skew(&self) -> Option<chrono::TimeDelta> {
        None
    }

    /// Asks, with everything that [`Client::call`] promises.
    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>>;

    /// Opens a long answer, with everything that [`Client::open`] promises.
    fn open(&self, call: Call, way: Way) -> BoxFuture<'_, BackendResult<Opened>> {
        let _ = way;
        let error = super::BackendError {
            kind: super::ErrorKind::Rejected,
            backend: Arc::from("stand-in"),
            tried: format!("{} /{}", call.method.word(), call.path),
            detail: "no long answers here".to_owned(),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: super::Delivery::NotSent,
        };
        Box::pin(std::future::ready(Err(error)))
    }
}
