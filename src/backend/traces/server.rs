//! One question to a server of traces: what its answer means before a reader sees it.
//!
//! A 404 may say that the trace is missing, or that the server does not know the path; servers of different ages know
//! different ones, so the latter is no failure but a reason to ask another way ([`Ways`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Reading;
use crate::backend::http::{Answer, Asker, Call, Cut, TRACE_BODY_CAP};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind, brief};
use crate::domain::trace::summary::Whole;
use crate::domain::trace::{Remark, Stretch, Trace, TraceId};

/// A whole trace may be a hundred megabytes.
const TRACE_TIMEOUT: Duration = Duration::from_secs(30);
/// Up to so far back, the configured timeout is enough for a list.
const SHORT: Duration = Duration::from_secs(3_600);
/// The least time for a list that goes farther back.
const LONG_TIMEOUT: Duration = Duration::from_secs(30);
/// What is said of an answer that says nothing.
const EMPTY: &str = "the answer is empty";

/// A server, however it is spoken to.
pub(super) struct Server {
    pub(super) name: Arc<str>,
    asker: Arc<dyn Asker>,
    timeout: Duration,
}

/// What came back.
#[derive(Debug)]
pub(super) enum Answered {
    /// An answer; it may end too early.
    Body(Vec<u8>, Whole),
    /// In the server's words: there is none.
    Nothing,
    /// 404 without words: there is none, or no such path.
    Unclear(BackendError),
    /// The server does not know the path.
    NoWay(BackendError),
}

/// What came of asking one way.
#[derive(Debug)]
pub(super) enum Went<T> {
    /// An answer.
    Well(T),
    /// The server does not know this way.
    NoWay(BackendError),
}

/// Ways to ask the same, the best first, and which of them a server was found to know.
pub(super) struct Ways<W: 'static> {
    all: &'static [W],
    known: AtomicUsize,
}

impl<W: Copy> Ways<W> {
    /// Nothing is known yet.
    pub(super) const fn new(all: &'static [W]) -> Self {
        Self {
            all,
            known: AtomicUsize::new(0),
        }
    }

    /// Whether a way other than the best is known to be the one.
    pub(super) fn known(&self) -> Option<W> {
        let place = self.known.load(Ordering::Relaxed);
        self.all.get(place).copied().filter(|_| place > 0)
    }

    /// Asks by the way that worked last, then by those behind it. Where none works, everything is open again: a server
    /// may have been replaced.
    pub(super) async fn ask<'a, T>(
        &self,
        ask: impl Fn(W) -> BoxFuture<'a, BackendResult<Went<T>>>,
    ) -> BackendResult<T> {
        let from = self.known.load(Ordering::Relaxed);
        let ways = self.all.iter().enumerate();
        let behind = ways.clone().skip(from);
        let mut first = None;
        for (place, way) in behind.chain(ways.take(from)) {
            match ask(*way).await? {
                Went::Well(told) => {
                    self.known.store(place, Ordering::Relaxed);
                    return Ok(told);
                }
                Went::NoWay(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        self.known.store(0, Ordering::Relaxed);
        Err(first.unwrap_or_else(unasked))
    }
}

fn unasked() -> BackendError {
    BackendError {
        kind: ErrorKind::Rejected,
        backend: Arc::from("traces"),
        tried: String::new(),
        detail: "there is no way to ask this".to_owned(),
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery: Delivery::NotSent,
    }
}

impl Server {
    pub(super) fn new(name: Arc<str>, asker: Arc<dyn Asker>, timeout: Duration) -> Self {
        Self { name, asker, timeout }
    }

    /// A question for one trace: large answers are waited for, and kept as far as they come.
    pub(super) fn for_trace(&self, path: impl Into<String>) -> Call {
        Call {
            cap: TRACE_BODY_CAP,
            cut: Cut::Keep,
            timeout: Some(self.timeout.max(TRACE_TIMEOUT)),
            ..Call::get(path).by_user()
        }
    }

    /// A question for a list over some time.
    pub(super) fn for_list(&self, path: impl Into<String>, during: Stretch) -> Call {
        let timeout = if during.duration() <= SHORT {
            self.timeout
        } else {
            self.timeout.max(LONG_TIMEOUT)
        };
        Call {
            timeout: Some(timeout),
            ..Call::get(path)
        }
    }

    /// The same, where whole traces come: kept as far as they come, at most `cap` bytes.
    pub(super) fn for_traces(&self, path: impl Into<String>, during: Stretch, cap: usize) -> Call {
        Call {
            cap,
            cut: Cut::Keep,
            ..self.for_list(path, during)
        }
    }

    /// Asks, and sorts what a refusal means.
    pub(super) async fn ask(&self, call: Call) -> BackendResult<Answered> {
        let cap = call.cap;
        let floor = call.timeout.filter(|limit| *limit > self.timeout);
        let tried = format!("{} /{}", call.method.word(), call.path);
        match self.asker.call(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                let whole = if answer.body.len() < cap {
                    Whole::Yes
                } else {
                    Whole::No
                };
                Ok(Answered::Body(answer.body, whole))
            }
            Ok(answer) => self.refused(tried, &answer),
            Err(error) => missing(match floor {
                Some(floor) => waited(error, floor),
                None => error,
            }),
        }
    }

    /// A refusal in JSON.
    fn refused(&self, tried: String, answer: &Answer) -> BackendResult<Answered> {
        let words: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let word = |pointer: &str| words.as_ref()?.pointer(pointer)?.as_str().map(str::to_owned);
        let own = word("/error/message").or_else(|| word("/errors/0/msg"));
        let said = own
            .clone()
            .or_else(|| word("/message"))
            .or_else(|| word("/error"))
            .filter(|words| !words.is_empty());
        let kind = if answer.status >= 500 {
            ErrorKind::ServerFault
        } else {
            ErrorKind::Rejected
        };
        let error = BackendError {
            tried,
            status: Some(answer.status),
            retry_after: answer.retry_after,
            ..self.error(
                kind,
                &said.map_or_else(
                    || format!("HTTP {}", answer.status),
                    |words| format!("HTTP {}: {words}", answer.status),
                ),
            )
        };
        match answer.status {
            // Its own words, in its own shape: it looked and found none.
            404 if own.is_some() => Ok(Answered::Nothing),
            404 | 405 | 410 | 501 => Ok(Answered::NoWay(error)),
            _ => Err(error),
        }
    }

    /// An answer that must be one: anything else is a failure.
    pub(super) fn json<T: DeserializeOwned>(&self, body: &[u8]) -> BackendResult<T> {
        if says_nothing(body) {
            return Err(self.unread(EMPTY));
        }
        serde_json::from_slice(body)
            .map_err(|error| self.unread(&format!("the answer does not read: {error}")))
    }

    /// Has a reader go through an answer, off the tasks that others wait for. One that says nothing is none: no server
    /// says so that it has no trace.
    pub(super) async fn read(&self, body: Vec<u8>, reader: fn(Vec<u8>) -> Reading) -> BackendResult<Reading> {
        if says_nothing(&body) {
            return Err(self.unread(EMPTY));
        }
        tokio::task::spawn_blocking(move || reader(body))
            .await
            .map_err(|_| self.error(ErrorKind::Cancelled, "shutting down"))
    }

    /// The trace that was asked for, out of an answer about it alone.
    pub(super) async fn one(
        &self,
        id: TraceId,
        body: Vec<u8>,
        reader: fn(Vec<u8>) -> Reading,
    ) -> BackendResult<Option<Arc<Trace>>> {
        let reading = self.read(body, reader).await?;
        if reading.traces.is_empty()
            && let Some(lost) = reading.lost.iter().find(|lost| lost.is_loss())
        {
            return Err(self.unread(&lost.to_string()));
        }
        Ok(reading.only(id).map(Arc::new))
    }

    /// An answer that is none of this server's.
    pub(super) fn unread(&self, detail: &str) -> BackendError {
        BackendError {
            mend: "check that the URL leads to the API, and that `kind` names what it is".to_owned(),
            ..self.error(ErrorKind::BadAnswer, detail)
        }
    }

    /// A question that cannot be asked.
    pub(super) fn unaskable(&self, detail: &str, mend: &str) -> BackendError {
        BackendError {
            mend: mend.to_owned(),
            delivery: Delivery::NotSent,
            ..self.error(ErrorKind::Rejected, detail)
        }
    }

    pub(super) fn error(&self, kind: ErrorKind, detail: &str) -> BackendError {
        BackendError {
            kind,
            backend: Arc::clone(&self.name),
            tried: "ask for traces".to_owned(),
            detail: brief(detail),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }
}

/// Whether a body is no answer at all: nothing, or JSON's word for it.
pub(super) fn says_nothing(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"null")
}

/// Where more was waited than the configured timeout, raising that a little changes nothing.
fn waited(error: BackendError, floor: Duration) -> BackendError {
    if error.kind != ErrorKind::TimedOut || error.delivery == Delivery::NotSent {
        return error;
    }
    BackendError {
        mend: format!(
            "the server is slow or hangs; it is given {0} s at least for whole traces and long lists, more only by a `timeout` over {0} s",
            floor.as_secs()
        ),
        ..error
    }
}

/// What a refusal in plain words means.
fn missing(error: BackendError) -> BackendResult<Answered> {
    let words = error.detail.to_ascii_lowercase();
    let page = words.contains("an html page");
    match error.status {
        // Old Jaegers answer unknown paths with their front page.
        Some(200..=299) if error.kind == ErrorKind::NotSignedIn => Ok(Answered::NoWay(error)),
        Some(405 | 410 | 501) => Ok(Answered::NoWay(error)),
        Some(404) if page || words.contains("page not found") => Ok(Answered::NoWay(error)),
        Some(404) if words != "http 404: not found" && words.contains("not found") => Ok(Answered::Nothing),
        Some(404) => Ok(Answered::Unclear(error)),
        // How VictoriaTraces says that it does not know a path.
        Some(400) if words.contains("unsupported path") => Ok(Answered::NoWay(error)),
        _ => Err(error),
    }
}

/// Says of a list that its answer ended too early.
pub(super) fn cut_off(lost: &[Remark]) -> Option<String> {
    let lost = lost.iter().find(|lost| lost.is_loss())?;
    Some(format!("the list is not whole: {lost}"))
}
