//! The systems that are asked: one trait a signal, a file or folder a system, wire types private.
//!
//! [`http`] is the one client: timeouts, caps, retries, auth, redaction and counters live there and nowhere
//! else. [`metrics`] speaks the Prometheus API and holds the SLO engine; [`alerts`] speaks Alertmanager v2;
//! [`incidents`] PagerDuty REST v2, or keeps incidents in the journal; [`annotations`] Grafana; [`logs`] Loki and its kin; [`traces`] Jaeger, Tempo
//! and Zipkin.
//! A backend's error is data ([`BackendError`]) in its feed, never a panic and never a toast storm.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub mod alerts;
pub mod annotations;
pub mod http;
pub mod incidents;
pub mod logs;
pub mod metrics;
mod open;
pub mod traces;

pub use open::{Backends, Counted};

use crate::text::{Cut, SafeText, cut};

/// The most of a server's words that an error carries, in cells.
const WORDS: usize = 600;

/// A server's own words, as an error carries them: one line, sanitised, no longer than is read.
fn brief(words: &str) -> String {
    cut(SafeText::line(words).as_str(), WORDS, Cut::End).into_owned()
}

/// A failed question, as a document's `errors` array and a pane's border say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendFailure {
    /// The backend's configured name: `metrics`, `alertmanager eu-0`.
    pub backend: String,
    /// What was tried, what came back, the mend; one line, no secrets.
    pub message: String,
}

/// What kind of failure it was, where a caller decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection: refused, no route, name not found.
    Unreachable,
    /// TLS would not agree.
    Tls,
    /// No (whole) answer in time.
    TimedOut,
    /// 401, 403, or a login page.
    NotSignedIn,
    /// 429 or 503 with the wish to be left alone.
    RateLimited,
    /// 5xx, or text where JSON was promised.
    ServerFault,
    /// 4xx: the question itself is wrong; asking again does not help.
    Rejected,
    /// The body passed its cap.
    TooLarge,
    /// The answer does not read as what it should be.
    BadAnswer,
    /// A secret or certificate of ours could not be read.
    Credentials,
    /// Shutting down, or superseded.
    Cancelled,
}

/// Whether the server may have acted on the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It never left: safe to try elsewhere.
    NotSent,
    /// It may have arrived: read back before anything is repeated.
    Unknown,
    /// The server answered (with a refusal).
    Answered,
}

/// A failed question or act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BackendError {
    /// What kind.
    pub kind: ErrorKind,
    /// The backend's configured name.
    pub backend: Arc<str>,
    /// What was tried: `GET /api/v1/rules`. Never a query string, never a secret.
    pub tried: String,
    /// What came back, sanitised, redacted, capped at 2 KiB.
    pub detail: String,
    /// What to do about it; may be empty.
    pub mend: String,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long the server asked to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether the server may have acted.
    pub delivery: Delivery,
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.backend, self.tried, self.detail)?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        Ok(())
    }
}

impl BackendError {
    /// As an `errors` entry.
    pub fn failure(&self) -> BackendFailure {
        let mut message = format!("{}: {}", self.tried, self.detail);
        if !self.mend.is_empty() {
            message.push_str("; ");
            message.push_str(&self.mend);
        }
        BackendFailure {
            backend: self.backend.to_string(),
            message,
        }
    }

    /// What came back and the mend, without what was tried: for a border or a row that has no room for more.
    pub fn cause(&self) -> String {
        if self.mend.is_empty() {
            self.detail.clone()
        } else {
            format!("{}; {}", self.detail, self.mend)
        }
    }

    /// Whether it was refused on this side, for what was asked and not for what answers: nothing was sent, and nothing
    /// will be until something else is asked.
    pub fn is_unaskable(&self) -> bool {
        self.kind == ErrorKind::Rejected && self.delivery == Delivery::NotSent
    }

    /// Worth asking again later, as opposed to a question that is itself wrong.
    pub fn is_passing(&self) -> bool {
        !matches!(
            self.kind,
            ErrorKind::Rejected | ErrorKind::TooLarge | ErrorKind::Credentials
        )
    }
}

/// Result of anything asked of a backend.
pub type BackendResult<T> = Result<T, BackendError>;
