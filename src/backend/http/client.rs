//! The client of one backend: from a [`Call`] to an [`Answer`] or a [`BackendError`] in words.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use reqwest::Url;
use secrecy::ExposeSecret as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{debug, info};

use super::counters::{Ended, Meter};
use super::redact::Redactor;
use super::retry::{Backoff, Jitter};
use super::secrets::{CredentialError, Held, Reread};
use super::verdict::{Fault, SignedIn, Verdict, judge, unanswered};
use super::{
    Allowance, Answer, Asker, Body, Call, Counters, Credentials, EnvLookup, Expect, Opened, Request,
    SharedTransport, Urgency, Way, process_env,
};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::config::Endpoint;
use crate::time::{Clock, Tick};

/// Redirects followed within the origin.
pub(super) const REDIRECTS: u32 = 5;

/// The client of one backend. Share it by `Arc`: the limit on requests in flight is its own.
pub struct Client {
    name: Arc<str>,
    url: String,
    params: Vec<(String, String)>,
    timeout: Duration,
    pub(super) credentials: Credentials,
    pub(super) transport: SharedTransport,
    gate: Semaphore,
    polls: Semaphore,
    pub(super) meter: Meter,
    pub(super) clock: Clock,
    backoff: Backoff,
    jitter: Mutex<Jitter>,
    skew: Mutex<Option<TimeDelta>>,
    allowance: Mutex<Option<(Tick, Allowance)>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for an endpoint, on a wire (see [`super::Wires`]). Nothing is opened or read until it is asked.
    pub fn new(endpoint: &Endpoint, transport: SharedTransport, clock: Clock) -> Self {
        Self::with_env(endpoint, transport, clock, process_env)
    }

    /// The same, with its own way to look secrets up in the environment.
    pub fn with_env(endpoint: &Endpoint, transport: SharedTransport, clock: Clock, env: EnvLookup) -> Self {
        let places = endpoint.max_concurrency.max(1);
        Self {
            name: Arc::from(endpoint.name.as_str()),
            url: endpoint.url.clone(),
            params: endpoint.params.clone(),
            timeout: endpoint.timeout,
            credentials: Credentials::new(endpoint.auth.clone(), endpoint.headers.clone(), env),
            transport,
            gate: Semaphore::new(places),
            // With places enough, polls leave one free: the user's own request never waits for them.
            polls: Semaphore::new(if places > 2 { places - 1 } else { places }),
            meter: Meter::default(),
            clock,
            backoff: Backoff::default(),
            jitter: Mutex::new(Jitter::seeded(clock.seed(), &endpoint.name)),
            skew: Mutex::new(None),
            allowance: Mutex::new(None),
        }
    }

    /// The configured name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How it signs in: `none`, `bearer`, `token`, `basic`.
    pub fn auth_scheme(&self) -> &'static str {
        self.credentials.scheme()
    }

    /// What has passed so far.
    pub fn counters(&self) -> Counters {
        self.meter.read()
    }

    /// The server's clock less ours, from its last `Date` header: whole seconds, the way back included.
    pub fn skew(&self) -> Option<TimeDelta> {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server said last of its allowance, until that begins anew.
    pub fn allowance(&self) -> Option<Allowance> {
        let (at, allowance) = (*self.allowance.lock().unwrap_or_else(PoisonError::into_inner))?;
        (self.clock.tick().since(at) < allowance.reset).then_some(allowance)
    }

    /// The clock that it measures by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Asks, retrying what is safe to repeat. A non-2xx answer whose body is JSON is an answer too
    /// (except 401, 403, 429 and a 502–504 with Retry-After): the caller reads the error's own shape.
    pub async fn call(&self, call: Call) -> BackendResult<Answer> {
        let mut attempt = 1;
        let mut reread = false;
        loop {
            let error = match self.attempt(&call).await {
                Ok(answer) => {
                    if let Some(theirs) = answer.date {
                        let skew = theirs - self.clock.now().utc;
                        *self.skew.lock().unwrap_or_else(PoisonError::into_inner) = Some(skew);
                    }
                    if answer.status >= 400 {
                        self.meter.failed();
                    }
                    let (status, bytes) = (answer.status, answer.body.len());
                    debug!(backend = %self.name, method = ?call.method, path = call.path, status, bytes, "answered");
                    return Ok(answer);
                }
                Err(error) => error,
            };
            info!(attempt, "{error}");
            self.meter.failed();
            // A 401 was answered and not acted on: with another token even a write may go again.
            if error.status == Some(401) && !reread {
                reread = true;
                if matches!(self.credentials.reread().await, Ok(Reread::Changed)) {
                    continue;
                }
            }
            attempt += 1;
            let jitter = self.jitter.lock().unwrap_or_else(PoisonError::into_inner).next();
            match self.backoff.before(attempt, call.repeat, &error, jitter) {
                // The permit was given back: whoever waits here blocks nobody.
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    async fn attempt(&self, call: &Call) -> BackendResult<Answer> {
        let _place = self.place(call).await?;
        let held = self.held(call).await?;
        self.exchange(call, &held)
            .await
            .map_err(|fault| self.error(call, &fault, &held.redactor))
    }

    /// A place among the requests in flight, and one among the polls where it is one.
    pub(super) async fn place(
        &self,
        call: &Call,
    ) -> BackendResult<(Option<SemaphorePermit<'_>>, SemaphorePermit<'_>)> {
        let closed = |_| {
            let fault = not_sent(ErrorKind::Cancelled, "shutting down".to_owned(), String::new());
            self.error(call, &fault, &Redactor::default())
        };
        let among_polls = match call.urgency {
            Urgency::Poll => Some(self.polls.acquire().await.map_err(closed)?),
            Urgency::User => None,
        };
        Ok((among_polls, self.gate.acquire().await.map_err(closed)?))
    }

    /// The header lines that sign in.
    pub(super) async fn held(&self, call: &Call) -> BackendResult<Arc<Held>> {
        self.credentials
            .held()
            .await
            .map_err(|CredentialError { what, mend }| {
                let fault = not_sent(ErrorKind::Credentials, what, mend);
                self.error(call, &fault, &Redactor::default())
            })
    }

    /// Everything that goes out for a call.
    pub(super) fn request(&self, call: &Call, held: &Held) -> Result<Outgoing, Fault> {
        let url = self.url_of(call)?;
        let (body, body_type) = encode(&call.body);
        let mut headers = vec![
            (
                "accept".to_owned(),
                match call.expect {
                    Expect::Json => "application/json".to_owned(),
                    Expect::Text => "text/plain, */*;q=0.5".to_owned(),
                },
            ),
            (
                "user-agent".to_owned(),
                concat!("midwatch/", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
        ];
        headers.extend(body_type.map(|value| ("content-type".to_owned(), value.to_owned())));
        for (name, value) in &call.headers {
            headers.retain(|(ours, _)| ours != name);
            headers.push(((*name).to_owned(), value.clone()));
        }
        for (name, value) in &held.headers {
            // A configured header wins over ours.
            headers.retain(|(ours, _)| !ours.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value.expose_secret().to_owned()));
        }
        let signed_in = if held
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        {
            SignedIn::With
        } else {
            SignedIn::Without
        };
        Ok(Outgoing {
            url,
            headers,
            body,
            redactor: Arc::clone(&held.redactor),
            timeout: call.timeout.unwrap_or(self.timeout),
            signed_in,
        })
    }

    /// One question, its redirects followed.
    async fn exchange(&self, call: &Call, held: &Held) -> Result<Answer, Fault> {
        let mut outgoing = self.request(call, held)?;
        self.transport.prepare().await;
        let mut status = None;
        for _ in 0..=REDIRECTS {
            let sent = self.clock.tick();
            let response = match self.transport.send(outgoing.wire(call)).await {
                Ok(response) => response,
                Err(error) => {
                    self.meter.attempt(Ended::Unanswered);
                    return Err(unanswered(error, outgoing.timeout, call.cap));
                }
            };
            let now = self.clock.now();
            self.meter.attempt(Ended::Answered {
                latency: now.tick.since(sent),
                bytes: response.body.len(),
            });
            if let Some(allowance) = super::verdict::allowance(&response) {
                *self.allowance.lock().unwrap_or_else(PoisonError::into_inner) = Some((now.tick, allowance));
            }
            status = Some(response.status);
            // Only ever within the origin: the headers may be sent again.
            match judge(call, &outgoing.url, response, outgoing.signed_in, now.utc)? {
                Verdict::Answer(answer) => return Ok(answer),
                Verdict::Follow(to) => outgoing.url = to,
            }
        }
        Err(too_many_redirects(status))
    }

    /// The base with the call's path appended by segment: a prefix is never dropped, `..` never climbs.
    fn url_of(&self, call: &Call) -> Result<Url, Fault> {
        let bad = || {
            not_sent(
                ErrorKind::Rejected,
                "its URL cannot be used".to_owned(),
                "write it as http://host:port/prefix or https://…".to_owned(),
            )
        };
        let mut url = Url::parse(&self.url).map_err(|_| bad())?;
        url.path_segments_mut()
            .map_err(|()| bad())?
            .pop_if_empty()
            .extend(call.path.split('/').filter(|segment| !segment.is_empty()));
        if call.path.ends_with('/') {
            url.path_segments_mut().map_err(|()| bad())?.push("");
        }
        if !(self.params.is_empty() && call.query.is_empty()) {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(&call.query).extend_pairs(&self.params);
        }
        Ok(url)
    }

    pub(super) fn error(&self, call: &Call, fault: &Fault, redactor: &Redactor) -> BackendError {
        let method = call.method.word();
        let path = call.path.split('?').next().unwrap_or_default();
        BackendError {
            kind: fault.kind,
            backend: Arc::clone(&self.name),
            tried: redactor.line(&format!("{method} /{}", path.trim_start_matches('/'))),
            detail: redactor.line(&fault.detail),
            mend: redactor.line(&fault.mend),
            status: fault.status,
            retry_after: fault.retry_after,
            delivery: fault.delivery,
        }
    }
}

/// What goes out for a call; only its URL changes on the way.
pub(super) struct Outgoing {
    /// Where to.
    pub(super) url: Url,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    redactor: Arc<Redactor>,
    /// Whole request.
    pub(super) timeout: Duration,
    /// With credentials or without.
    pub(super) signed_in: SignedIn,
}

impl Outgoing {
    /// As the wire takes it.
    pub(super) fn wire(&self, call: &Call) -> Request {
        Request {
            method: call.method,
            url: self.url.to_string(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            timeout: self.timeout,
            cap: call.cap,
            cut: call.cut,
            redactor: Arc::clone(&self.redactor),
        }
    }
}

/// `status` is that of the last one: a server's word, so that nobody takes it for a refusal of our own.
pub(super) fn too_many_redirects(status: Option<u16>) -> Fault {
    Fault {
        kind: ErrorKind::Rejected,
        detail: format!("redirected more than {REDIRECTS} times"),
        mend: "check the URL and the proxy in front of it".to_owned(),
        status,
        retry_after: None,
        delivery: Delivery::Answered,
    }
}

impl Asker for Client {
    fn open(&self, call: Call, way: Way) -> BoxFuture<'_, BackendResult<Opened>> {
        Box::pin(Self::open(self, call, way))
    }

    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        Box::pin(Self::call(self, call))
    }

    fn allowance(&self) -> Option<Allowance> {
        Self::allowance(self)
    }

    fn skew(&self) -> Option<TimeDelta> {
        Self::skew(self)
    }
}

fn not_sent(kind: ErrorKind, detail: String, mend: String) -> Fault {
    Fault {
        kind,
        detail,
        mend,
        status: None,
        retry_after: None,
        delivery: Delivery::NotSent,
    }
}

fn encode(body: &Body) -> (Vec<u8>, Option<&'static str>) {
    match body {
        Body::Empty => (Vec::new(), None),
        Body::Form(pairs) => {
            // The form encoding is that of a query (WHATWG URL, 5.2), so the URL type does it.
            let encoded = Url::parse("form:")
                .map(|mut url| {
                    url.query_pairs_mut().extend_pairs(pairs);
                    url.query().unwrap_or_default().to_owned()
                })
                .unwrap_or_default();
            (encoded.into_bytes(), Some("application/x-www-form-urlencoded"))
        }
        Body::Json(text) => (text.clone().into_bytes(), Some("application/json")),
    }
}
