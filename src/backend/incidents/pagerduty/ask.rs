//! Asking PagerDuty: its headers, its errors, its pages. Every request of this folder goes through here.

use std::collections::HashSet;

use serde_json::Value;

use super::errors::{Refusal, failed, refusal};
use super::{PagerDuty, wire};
use crate::backend::http::{Answer, Call};
use crate::backend::{BackendError, Delivery, ErrorKind};

/// What every question accepts: the API's version.
pub const ACCEPT: &str = "application/vnd.pagerduty+json;version=2";
/// The largest page that is given.
const PAGE: u64 = 100;
/// `offset + limit` beyond this is refused with 400.
const REACH: u64 = 10_000;

/// What several pages gave.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Each element once, in the order of the server.
    pub(super) elements: Vec<Value>,
    /// What is missing from it, in words.
    pub(super) cut: Option<String>,
}

impl PagerDuty {
    /// One question; an answer of 2xx, or why not.
    pub(super) async fn ask(&self, call: Call) -> Result<Answer, Refusal> {
        let method = call.method;
        let tried = format!("{} /{}", method.word(), call.path);
        let answer = self
            .asker
            .call(call.header("accept", ACCEPT))
            .await
            .map_err(|error| failed(error, method))?;
        if (200..300).contains(&answer.status) {
            Ok(answer)
        } else {
            Err(refusal(&self.name, tried, method, &answer))
        }
    }

    /// All pages of a list, `most` at most. Lists shift while they are paged: each element is kept once, and a
    /// page with nothing new ends it, so that a server that repeats itself cannot hold us. Where a later page
    /// fails, what there is is given, and what is missing said.
    pub(super) async fn pages(&self, call: Call, key: &str, most: usize) -> Result<Pages, Refusal> {
        self.pages_while(call, key, most, |_| true).await
    }

    /// The same, until what was found so far is enough.
    pub(super) async fn pages_while(
        &self,
        call: Call,
        key: &str,
        most: usize,
        wants_more: impl Fn(&[Value]) -> bool + Send,
    ) -> Result<Pages, Refusal> {
        let mut found = Pages::default();
        let mut seen: HashSet<String> = HashSet::new();
        let mut offset = 0;
        for page in 0..most {
            let one = call
                .clone()
                .param("limit", PAGE.to_string())
                .param("offset", offset.to_string());
            let tried = format!("GET /{}", call.path);
            let read = self.ask(one).await.and_then(|answer| {
                wire::elements(&answer.body, key).ok_or_else(|| {
                    self.unreadable(tried, &format!("it has no list `{key}`"), &answer)
                        .into()
                })
            });
            let (elements, about) = match read {
                Ok(read) => read,
                Err(refusal) if page == 0 => return Err(refusal),
                Err(refusal) => {
                    found.cut = Some(format!("the list breaks off: {}", refusal.error.cause()));
                    return Ok(found);
                }
            };
            let before = found.elements.len();
            for element in elements {
                let id = match element.get("id").and_then(wire::text_of) {
                    Some(id) => id.to_string(),
                    None => element.to_string(),
                };
                if seen.insert(id) {
                    found.elements.push(element);
                }
            }
            if !about.more || !wants_more(&found.elements) {
                return Ok(found);
            }
            if found.elements.len() == before {
                found.cut = Some("the list breaks off: PagerDuty sends the same page again".to_owned());
                return Ok(found);
            }
            offset += about.limit.unwrap_or(PAGE).clamp(1, PAGE);
            if offset + PAGE > REACH {
                break;
            }
        }
        found.cut = Some(format!("only the first {} are shown", found.elements.len()));
        Ok(found)
    }

    /// An answer of success that is not what it should be.
    pub(super) fn unreadable(&self, tried: String, why: &str, answer: &Answer) -> BackendError {
        BackendError {
            kind: ErrorKind::BadAnswer,
            backend: self.name.clone(),
            tried,
            detail: format!("the answer does not read as PagerDuty's: {why}"),
            mend: "check that the URL leads to PagerDuty's REST API: https://api.pagerduty.com".to_owned(),
            status: Some(answer.status),
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    /// What is refused here, before anything is sent.
    pub(super) fn not_sent(&self, tried: &str, detail: impl Into<String>, mend: &str) -> BackendError {
        BackendError {
            kind: ErrorKind::Rejected,
            backend: self.name.clone(),
            tried: tried.to_owned(),
            detail: detail.into(),
            mend: mend.to_owned(),
            status: None,
            retry_after: None,
            delivery: Delivery::NotSent,
        }
    }
}
