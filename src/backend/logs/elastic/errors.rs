//! What Elasticsearch and OpenSearch say when they refuse, in all the shapes that they and their proxies have.
//!
//! `{"error":{"root_cause":[…],"type","reason","failed_shards":[{"reason":{…}}],"caused_by":{…}},"status"}`;
//! `{"error":"text","status"}` of very old servers and proxies; `{"message":"text"}` of cloud gateways. The outer
//! reason is often `all shards failed`: what helps stands deepest.

use std::sync::Arc;

use serde_json::Value;

use crate::backend::http::Answer;
use crate::backend::{BackendError, Delivery, ErrorKind, brief};

/// Causes deeper than this are not looked for.
const DEPTH: usize = 16;

/// A refusal, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Refusal {
    /// Every `type` on the way down, the outermost first.
    pub kinds: Vec<String>,
    /// The deepest reason.
    pub reason: String,
}

impl Refusal {
    /// Reads the body of an answer that is no success.
    pub fn read(body: &[u8]) -> Self {
        let Ok(document) = serde_json::from_slice::<Value>(body) else {
            let text = String::from_utf8_lossy(body);
            return Self {
                kinds: Vec::new(),
                reason: text.trim().to_owned(),
            };
        };
        let mut refusal = Self::default();
        match document.get("error").or_else(|| document.get("message")) {
            Some(Value::String(text)) => refusal.reason.clone_from(text),
            Some(error) => refusal.descend(error, DEPTH),
            None => {}
        }
        refusal
    }

    /// The same of an error inside a whole answer: a failed shard's `reason`.
    pub fn of(error: &Value) -> Self {
        let mut refusal = Self::default();
        refusal.descend(error, DEPTH);
        refusal
    }

    fn descend(&mut self, error: &Value, depth: usize) {
        if depth == 0 {
            return;
        }
        if let Some(kind) = error.get("type").and_then(Value::as_str) {
            self.kinds.push(kind.to_owned());
        }
        if let Some(reason) = error.get("reason").and_then(Value::as_str)
            && !reason.is_empty()
        {
            reason.clone_into(&mut self.reason);
        }
        for below in [
            error.pointer("/root_cause/0"),
            error.pointer("/failed_shards/0/reason"),
            error.get("caused_by"),
        ] {
            if let Some(below) = below.filter(|below| below.is_object()) {
                self.descend(below, depth - 1);
            }
        }
    }

    /// Whether some cause is of this type.
    pub fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|held| held == kind)
    }

    /// The search context that a PIT stands for has gone.
    pub fn lost_context(&self) -> bool {
        self.is("search_context_missing_exception") || self.reason.contains("No search context found")
    }

    /// The server knows no `_shard_doc` to sort by.
    pub fn no_shard_doc(&self) -> bool {
        self.reason.contains("_shard_doc")
    }

    /// As an error of ours.
    pub fn error(&self, backend: &Arc<str>, tried: &str, answer: &Answer) -> BackendError {
        let detail = match (self.reason.as_str(), self.kinds.last()) {
            ("", None) => format!("HTTP {}, no words", answer.status),
            ("", Some(kind)) => kind.clone(),
            (reason, _) => reason.to_owned(),
        };
        let detail = brief(&detail);
        let (kind, mend) = self.judged(answer.status);
        BackendError {
            kind,
            backend: Arc::clone(backend),
            tried: tried.to_owned(),
            detail,
            mend: mend.to_owned(),
            status: Some(answer.status),
            retry_after: answer.retry_after,
            delivery: Delivery::Answered,
        }
    }

    fn judged(&self, status: u16) -> (ErrorKind, &'static str) {
        if self.is("too_many_buckets_exception") {
            return (ErrorKind::Rejected, "ask for fewer buckets, or a shorter range");
        }
        if self.is("circuit_breaking_exception") {
            return (
                ErrorKind::RateLimited,
                "the server is short of memory; ask for a shorter range",
            );
        }
        match status {
            401 | 403 => (
                ErrorKind::NotSignedIn,
                "reading needs the index privilege `read`: check `auth`, or set `index` to what may be read",
            ),
            404 => (
                ErrorKind::Rejected,
                "check `index` in the configuration, and that the URL leads to the server, its prefix included",
            ),
            408 | 504 => (ErrorKind::TimedOut, "ask for a shorter range"),
            413 => (ErrorKind::Rejected, "the question is too large for this server"),
            429 => (
                ErrorKind::RateLimited,
                "the server is overloaded; it is asked again later",
            ),
            400..=499 => (ErrorKind::Rejected, ""),
            500.. => (ErrorKind::ServerFault, ""),
            _ => (ErrorKind::BadAnswer, ""),
        }
    }
}

/// An answer that does not read.
pub(super) fn unreadable(backend: &Arc<str>, tried: &str, why: &str) -> BackendError {
    BackendError {
        kind: ErrorKind::BadAnswer,
        backend: Arc::clone(backend),
        tried: tried.to_owned(),
        detail: format!("the answer does not read as Elasticsearch's: {}", brief(why)),
        mend: "check that the URL leads to Elasticsearch or OpenSearch, its prefix included".to_owned(),
        status: None,
        retry_after: None,
        delivery: Delivery::Answered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_reason_is_what_is_said() {
        let body = br#"{"error":{"root_cause":[{"type":"query_shard_exception","reason":"Failed to parse query [level:(]","index":"logs"}],
            "type":"search_phase_execution_exception","reason":"all shards failed","phase":"query","grouped":true,
            "failed_shards":[{"shard":0,"index":"logs","node":"n","reason":{"type":"query_shard_exception","reason":"Failed to parse query [level:(]",
              "caused_by":{"type":"parse_exception","reason":"Cannot parse 'level:(': Encountered \"<EOF>\"",
                "caused_by":{"type":"parse_exception","reason":"Encountered \"<EOF>\" at line 1, column 7."}}}}]},"status":400}"#;
        let refusal = Refusal::read(body);
        assert_eq!(refusal.reason, "Encountered \"<EOF>\" at line 1, column 7.");
        assert!(refusal.is("query_shard_exception") && refusal.is("search_phase_execution_exception"));
    }

    #[test]
    fn text_gateways_and_old_servers_are_read_too() {
        for (body, reason) in [
            (
                r#"{"error":"IndexMissingException[[x] missing]","status":404}"#,
                "IndexMissingException[[x] missing]",
            ),
            (
                r#"{"message":"The security token is invalid"}"#,
                "The security token is invalid",
            ),
            ("Unauthorized", "Unauthorized"),
            ("", ""),
            ("{}", ""),
            (r#"{"error":{"type":"x","caused_by":null}}"#, ""),
        ] {
            assert_eq!(Refusal::read(body.as_bytes()).reason, reason, "{body}");
        }
    }

    #[test]
    fn a_lost_context_is_known_wherever_it_stands() {
        let nested = br#"{"error":{"root_cause":[],"type":"search_phase_execution_exception","reason":"all shards failed",
            "failed_shards":[{"shard":0,"reason":{"type":"search_context_missing_exception","reason":"No search context found for id [4]"}}]},"status":404}"#;
        assert!(Refusal::read(nested).lost_context());
        let plain =
            br#"{"error":{"type":"index_not_found_exception","reason":"no such index [logs]"},"status":404}"#;
        assert!(!Refusal::read(plain).lost_context());
    }

    #[test]
    fn a_chain_without_end_is_followed_only_so_far() {
        let mut text = String::from("{\"error\":");
        for _ in 0..100 {
            text.push_str("{\"reason\":\"deep\",\"caused_by\":");
        }
        text.push_str("null");
        text.push_str(&"}".repeat(101));
        assert_eq!(Refusal::read(text.as_bytes()).reason, "deep");
    }
}
