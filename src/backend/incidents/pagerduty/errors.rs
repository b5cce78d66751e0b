//! PagerDuty's refusals in the console's words: codes to kinds and mends, and what a write's answer leaves open.

use std::sync::Arc;

use super::wire;
use crate::backend::http::{Answer, Method};
use crate::backend::{BackendError, Delivery, ErrorKind, brief};

/// What to do where a key is refused: keys of one region are unknown in the other.
pub const REGION: &str = "check the key, and that it is one of this region: EU accounts need url = \"https://api.eu.pagerduty.com\"";

/// A refusal with PagerDuty's own code, by which callers decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) error: BackendError,
    pub(super) code: Option<u32>,
}

impl From<BackendError> for Refusal {
    fn from(error: BackendError) -> Self {
        Self { error, code: None }
    }
}

impl From<Refusal> for BackendError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

impl Refusal {
    pub(super) fn has_code(&self, codes: &[u32]) -> bool {
        self.code.is_some_and(|code| codes.contains(&code))
    }

    /// There is no such thing.
    pub(super) fn is_gone(&self) -> bool {
        self.error.status == Some(404) || self.has_code(&[2100, 2018])
    }

    /// The account's plan lacks it.
    pub(super) fn is_beyond_plan(&self) -> bool {
        self.error.status == Some(402) || self.has_code(&[2014])
    }

    /// Whether it refuses because the incident is already where the act would bring it.
    pub(super) fn says_already(&self) -> bool {
        let words = self.error.detail.to_ascii_lowercase();
        self.has_code(&[1001, 1002, 1019])
            || (self.error.status == Some(400)
                && self.code.is_none_or(|code| code == 2001)
                && words.contains("already"))
    }
}

/// An answer that is an error, in any of its shapes.
pub(super) fn refusal(backend: &Arc<str>, tried: String, method: Method, answer: &Answer) -> Refusal {
    let wire::Refused { code, words } = wire::refused(&answer.body);
    let words = brief(words.trim());
    let status = answer.status;
    let detail = match (words.as_str(), code) {
        ("", Some(code)) => format!("status {status}, code {code}, no words"),
        ("", None) => format!("status {status}, no words"),
        (words, Some(code)) => format!("{words} (code {code})"),
        (words, None) => words.to_owned(),
    };
    let (kind, mend) = meaning(status, code, &words);
    Refusal {
        code,
        error: settled(
            BackendError {
                kind,
                backend: Arc::clone(backend),
                tried,
                detail,
                mend: mend.to_owned(),
                status: Some(status),
                retry_after: answer.retry_after,
                delivery: Delivery::Answered,
            },
            method,
        ),
    }
}

/// An error of the client, where PagerDuty has more to say to it, and with what a write's answer leaves open.
pub(super) fn failed(mut error: BackendError, method: Method) -> BackendError {
    if error.status == Some(401) {
        REGION.clone_into(&mut error.mend);
    }
    settled(error, method)
}

/// A gateway that gives up, or an answer of success that does not read, says nothing of whether the write was
/// done: it is read back before anything else.
fn settled(mut error: BackendError, method: Method) -> BackendError {
    let open = match error.status {
        Some(408 | 500..) => true,
        Some(200..300) => error.kind != ErrorKind::NotSignedIn,
        Some(_) | None => error.kind == ErrorKind::TooLarge,
    };
    if method != Method::Get && open && error.delivery == Delivery::Answered {
        error.delivery = Delivery::Unknown;
    }
    error
}

/// PagerDuty's codes (REST v2 errors), then HTTP's.
fn meaning(status: u16, code: Option<u32>, words: &str) -> (ErrorKind, &'static str) {
    let rejected = |mend| (ErrorKind::Rejected, mend);
    let from = "set `from` in the incidents' configuration to the address of a user of this account";
    match code {
        Some(1001) => return rejected("it is resolved already"),
        Some(1002) => return rejected("it is acknowledged already"),
        Some(1005) => {
            return rejected("somebody changed it meanwhile: look at it again, then decide");
        }
        Some(1006) => return rejected("the level is past the last one, or nobody is on call on it"),
        Some(1007) => return rejected("that person is gone: choose again"),
        Some(1008 | 1028) => return (ErrorKind::Credentials, from),
        Some(1011) => return rejected("it cannot be reassigned as it stands"),
        Some(1012) => return rejected("acknowledge it first, then snooze"),
        Some(1013) => return rejected("a snooze lasts 1 s to 7 days"),
        Some(1014) => return rejected("that policy is gone: choose again"),
        Some(1015) => return rejected("nobody is on call on that policy: choose people instead"),
        Some(1019) => return rejected("it is merged already"),
        Some(1020) => return rejected("that priority is gone: choose again"),
        Some(2006 | 2010) => {
            return (
                ErrorKind::NotSignedIn,
                "this key may not do this: use one that may write",
            );
        }
        Some(2016) if words.contains("From") => return (ErrorKind::Credentials, from),
        Some(2018) => return rejected("access to it was lost since it was resolved"),
        Some(_) | None => {}
    }
    match status {
        400 if words.contains("\"From\"") || words.contains("From header") => (ErrorKind::Credentials, from),
        401 => (ErrorKind::NotSignedIn, REGION),
        402 => rejected("the account's plan does not include this"),
        403 => (ErrorKind::NotSignedIn, "this key may not do this"),
        404 => rejected("it is gone, or hidden from this key"),
        413 => rejected("too many at once"),
        429 => (
            ErrorKind::RateLimited,
            "PagerDuty asks to be left alone for a while",
        ),
        408 | 500.. => (ErrorKind::ServerFault, ""),
        _ => rejected(""),
    }
}
