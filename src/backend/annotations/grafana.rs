//! Grafana's annotations over HTTP: the API under `/api/annotations`, which every Grafana has today.
//!
//! Times are milliseconds. There is no cursor: a list comes newest first and is paged by moving its end back to
//! the oldest begin that came. Making a mark twice makes two, so each carries our marker as a tag, `mw:` and its
//! digits, by which [`Annotations::find`] looks. A newer API (`/apis/annotation.grafana.app`) is to follow it
//! some day; where the old one is gone, the error says so. Shapes:
//! <https://grafana.com/docs/grafana/latest/developers/http_api/annotations/>.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Annotation, AnnotationDraft, Annotations, Marks};
use crate::backend::http::{Answer, Asker, Call, Method};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind, brief};
use crate::domain::alert::ack::Marker;

const PATH: &str = "api/annotations";
/// Marks asked for at once.
const PAGE: usize = 500;
/// Pages of one list at most.
const PAGES: usize = 8;
/// What a tag with our marker opens with.
const TAG: &str = "mw:";
/// A mark is looked for this far from where it was put: servers may round a time, no more.
const AROUND: TimeDelta = TimeDelta::hours(1);

/// A client of one Grafana.
pub struct Grafana {
    name: Arc<str>,
    asker: Arc<dyn Asker>,
    total_timeout: Duration,
    deploy_tags: Vec<String>,
}

/// A mark as it is sent. Whatever may be missing, may.
#[derive(Debug, Deserialize)]
struct Sent {
    id: Value,
    #[serde(default)]
    time: i64,
    #[serde(default, rename = "timeEnd", deserialize_with = "or_nothing")]
    time_end: i64,
    #[serde(default, deserialize_with = "or_nothing")]
    text: String,
    #[serde(default, deserialize_with = "or_nothing")]
    tags: Vec<Arc<str>>,
    #[serde(default, deserialize_with = "or_nothing")]
    login: String,
}

/// `null` is as good as missing.
fn or_nothing<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// An id, whether it came as a number or as text.
fn id(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        Value::String(text) if !text.is_empty() => Some(text.as_str().into()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn tag_of(marker: &Marker) -> String {
    format!("{TAG}{}", marker.digits())
}

impl Sent {
    fn read(self) -> Option<Annotation> {
        let at = DateTime::from_timestamp_millis(self.time)?;
        let until = (self.time_end > self.time)
            .then(|| DateTime::from_timestamp_millis(self.time_end))
            .flatten();
        Some(Annotation {
            id: id(&self.id)?,
            at,
            until,
            text: self.text.into(),
            marker: self
                .tags
                .iter()
                .find_map(|tag| Marker::from_digits(tag.strip_prefix(TAG)?)),
            tags: self.tags,
            author: Some(self.login).filter(|login| !login.is_empty()).map(Arc::from),
        })
    }
}

impl Grafana {
    /// One of that configured name. A request takes no longer than `total_timeout`.
    pub fn new(name: impl Into<Arc<str>>, asker: Arc<dyn Asker>, total_timeout: Duration) -> Self {
        Self {
            name: name.into(),
            asker,
            total_timeout,
            deploy_tags: Vec::new(),
        }
    }

    /// Marks with any of these tags are deploys; without, all are.
    #[must_use]
    pub fn with_deploy_tags(mut self, deploy_tags: Vec<String>) -> Self {
        self.deploy_tags = deploy_tags;
        self
    }

    async fn ask(&self, call: Call) -> BackendResult<Answer> {
        let write = call.method != Method::Get;
        let tried = format!("{} /{}", call.method.word(), call.path);
        let answer = match self.asker.call(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
            Ok(answer) => answer,
            Err(error) => return Err(with_mend(error, write)),
        };
        let words: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let word = |name: &str| {
            words
                .as_ref()?
                .get(name)?
                .as_str()
                .filter(|word| !word.is_empty())
        };
        let said = match (word("message"), word("error")) {
            (Some(message), Some(error)) => format!("{message}: {error}"),
            (Some(words), None) | (None, Some(words)) => words.to_owned(),
            (None, None) => format!("status {}, no words", answer.status),
        };
        let kind = match answer.status {
            401 | 403 => ErrorKind::NotSignedIn,
            429 => ErrorKind::RateLimited,
            500.. => ErrorKind::ServerFault,
            _ => ErrorKind::Rejected,
        };
        let error = BackendError {
            kind,
            backend: Arc::clone(&self.name),
            tried,
            detail: brief(&said),
            mend: String::new(),
            status: Some(answer.status),
            retry_after: answer.retry_after,
            delivery: Delivery::Answered,
        };
        Err(with_mend(error, write))
    }

    fn unreadable(&self, tried: &str, why: &str, answer: &Answer) -> BackendError {
        BackendError {
            kind: ErrorKind::BadAnswer,
            backend: Arc::clone(&self.name),
            tried: format!("{tried} /{PATH}"),
            detail: format!("the answer does not read as Grafana's: {why}"),
            mend: "check that the URL leads to a Grafana".to_owned(),
            status: Some(answer.status),
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    /// Marks with any of the tags whose time touches the span, newest first, and how many were sent.
    async fn page(&self, from: i64, to: i64, tags: &[String]) -> BackendResult<(usize, Vec<Annotation>)> {
        // The server looks at a span only where both its ends are above zero.
        let mut call = Call::get(PATH)
            .param("from", from.max(1).to_string())
            .param("to", to.max(1).to_string())
            .param("limit", PAGE.to_string())
            .param("type", "annotation");
        for tag in tags {
            call = call.param("tags", tag);
        }
        if tags.len() > 1 {
            call = call.param("matchAny", "true");
        }
        let answer = self.ask(call).await?;
        let unreadable = |why: serde_json::Error| self.unreadable("GET", &why.to_string(), &answer);
        let sent: Option<Vec<Sent>> = serde_json::from_slice(&answer.body).map_err(unreadable)?;
        let sent = sent.unwrap_or_default();
        Ok((sent.len(), sent.into_iter().filter_map(Sent::read).collect()))
    }

    async fn read(&self, from: DateTime<Utc>, to: DateTime<Utc>, tags: Vec<String>) -> BackendResult<Marks> {
        let from = from.timestamp_millis();
        let mut end = to.timestamp_millis();
        let mut found: IndexMap<Arc<str>, Annotation> = IndexMap::new();
        let mut partial = None;
        for page in 1.. {
            let (sent, marks) = self.page(from, end, &tags).await?;
            let oldest = marks.iter().map(|mark| mark.at.timestamp_millis()).min();
            for mark in marks {
                // What lies on the seam of two pages comes twice.
                found.entry(Arc::clone(&mark.id)).or_insert(mark);
            }
            let Some(oldest) = oldest.filter(|_| sent >= PAGE) else {
                break;
            };
            if page >= PAGES {
                partial = Some(format!("only the newest {} marks were read", found.len()));
                break;
            }
            if oldest < end {
                end = oldest;
            } else {
                // A page full of one moment hides what else there is of it.
                partial = Some(format!(
                    "more than {PAGE} marks lie on one moment; some were not read"
                ));
                end -= 1;
            }
        }
        let mut annotations: Vec<Annotation> = found.into_values().collect();
        annotations.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        Ok(Marks { annotations, partial })
    }

    async fn make(&self, draft: AnnotationDraft, marker: Marker) -> BackendResult<Arc<str>> {
        let mut tags = draft.tags;
        tags.push(tag_of(&marker));
        let mut body = json!({
            "time": draft.at.timestamp_millis(),
            "text": draft.text,
            "tags": tags,
        });
        if let (Some(until), Some(body)) = (draft.until, body.as_object_mut()) {
            body.insert("timeEnd".to_owned(), json!(until.timestamp_millis()));
        }
        let answer = self
            .ask(Call::write(Method::Post, PATH, body.to_string()))
            .await?;
        let made: Option<Value> = serde_json::from_slice(&answer.body).ok();
        made.as_ref()
            .and_then(|made| id(made.get("id")?))
            .ok_or_else(|| BackendError {
                // It was accepted; only what it is called is lost.
                delivery: Delivery::Unknown,
                ..self.unreadable("POST", "it has no id", &answer)
            })
    }

    async fn look(&self, at: DateTime<Utc>, marker: Marker) -> BackendResult<Option<Arc<str>>> {
        let tag = tag_of(&marker);
        let span = ((at - AROUND).timestamp_millis(), (at + AROUND).timestamp_millis());
        let (_, marks) = self.page(span.0, span.1, &[tag]).await?;
        // A server that makes nothing of the tag sends everything.
        let ours = marks
            .into_iter()
            .find(|mark| mark.marker.as_ref() == Some(&marker));
        Ok(ours.map(|mark| mark.id))
    }
}

/// Says what to do, where Grafana's own habits tell more than the status does.
fn with_mend(mut error: BackendError, write: bool) -> BackendError {
    let mend = match error.status {
        Some(403) if write => {
            "the token may not do this: its account needs annotations:create, with scope annotations:type:organization"
        }
        Some(403) => "the token may not do this: its account needs annotations:read",
        Some(401) => "set `auth` to a service account's token that is still valid",
        Some(404 | 405 | 410) => {
            "there is no /api/annotations below this URL: check its path prefix; a Grafana that has only the newer API (annotation.grafana.app) cannot be used yet"
        }
        _ => return error,
    };
    mend.clone_into(&mut error.mend);
    error
}

impl Annotations for Grafana {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn total_timeout(&self) -> Duration {
        self.total_timeout
    }

    fn deploy_tags(&self) -> &[String] {
        &self.deploy_tags
    }

    fn list(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        tags: Vec<String>,
    ) -> BoxFuture<'_, BackendResult<Marks>> {
        Box::pin(self.read(from, to, tags))
    }

    fn create(&self, draft: AnnotationDraft, marker: Marker) -> BoxFuture<'_, BackendResult<Arc<str>>> {
        Box::pin(self.make(draft, marker))
    }

    fn find(&self, at: DateTime<Utc>, marker: Marker) -> BoxFuture<'_, BackendResult<Option<Arc<str>>>> {
        Box::pin(self.look(at, marker))
    }
}

#[cfg(test)]
mod tests;
