//! One Alertmanager over HTTP: API v2, 0.22 and later.
//!
//! A snapshot is `GET /api/v2/alerts/groups`, then `GET /api/v2/silences`. The groups hold every alert that
//! the dispatcher has routed, which is every alert there is (each falls at least to the root route), and they
//! alone say what mutes one; so `/alerts` is not asked. Silences come second: an id that an alert names is
//! then among them. `wire` reads what comes; this file asks, and reads errors in their three shapes.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

use super::{AlertmanagerStatus, Alerts, SilenceDraft};
use crate::backend::http::{Answer, Asker, Call, Expect, Method};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind, brief};
use crate::domain::alert::{AlertSnapshot, MatchOp, Silence};

mod wire;

/// Snapshots between two looks at who else is in the gossip cluster.
const STATUS_EVERY: u32 = 40;

/// A client of one Alertmanager. What it heard last is kept, so that an alert that did not change keeps its `Arc`.
pub struct Alertmanager {
    name: Arc<str>,
    cluster: Arc<str>,
    asker: Arc<dyn Asker>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    last: Arc<AlertSnapshot>,
    peers: Vec<Arc<str>>,
    /// Snapshots until the status is asked again.
    status_in: u32,
}

impl Alertmanager {
    /// One that is configured as `name`, in `cluster` where that is configured.
    pub fn new(name: impl Into<Arc<str>>, cluster: Option<&str>, asker: Arc<dyn Asker>) -> Self {
        let name = name.into();
        Self {
            cluster: cluster.map_or_else(|| Arc::clone(&name), Arc::from),
            name,
            asker,
            memory: Mutex::default(),
        }
    }

    async fn ask(&self, call: Call) -> BackendResult<Answer> {
        let tried = format!("{} /{}", call.method.word(), call.path);
        let answer = self.asker.call(call).await?;
        if (200..300).contains(&answer.status) {
            Ok(answer)
        } else {
            Err(self.refused(tried, &answer))
        }
    }

    fn backend(&self) -> Arc<str> {
        format!("alertmanager {}", self.name).into()
    }

    /// An answer that is an error, in any of the shapes: a bare JSON string, `{"code","message"}`, text, nothing.
    fn refused(&self, tried: String, answer: &Answer) -> BackendError {
        let words = wire::error_words(&answer.body);
        let detail = match words.as_str() {
            "" => format!("status {}, no words", answer.status),
            words => brief(words),
        };
        let (kind, mend) = match answer.status {
            401 | 403 => (ErrorKind::NotSignedIn, "check auth in the configuration"),
            404 => (
                ErrorKind::Rejected,
                "check that the URL leads to an Alertmanager, its prefix included",
            ),
            429 => (ErrorKind::RateLimited, ""),
            503 => (
                ErrorKind::RateLimited,
                "it is overloaded or starting; ask less often",
            ),
            500.. => (ErrorKind::ServerFault, ""),
            _ => (ErrorKind::Rejected, ""),
        };
        BackendError {
            kind,
            backend: self.backend(),
            tried,
            detail,
            mend: mend.to_owned(),
            status: Some(answer.status),
            retry_after: answer.retry_after,
            delivery: Delivery::Answered,
        }
    }

    fn unreadable(&self, tried: &str, why: &str, answer: &Answer) -> BackendError {
        BackendError {
            kind: ErrorKind::BadAnswer,
            backend: self.backend(),
            tried: tried.to_owned(),
            detail: format!("the answer does not read as Alertmanager's: {why}"),
            mend: "check that the URL leads to an Alertmanager of 0.22 or later".to_owned(),
            status: Some(answer.status),
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    async fn read_silences(&self) -> BackendResult<Vec<Silence>> {
        let answer = self.ask(Call::get("api/v2/silences")).await?;
        wire::silences(&answer.body).map_err(|why| self.unreadable("GET /api/v2/silences", &why, &answer))
    }

    async fn read_status(&self) -> BackendResult<AlertmanagerStatus> {
        let answer = self.ask(Call::get("api/v2/status")).await?;
        wire::status(&answer.body).map_err(|why| self.unreadable("GET /api/v2/status", &why, &answer))
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        // a panic elsewhere does not spoil what was heard
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is in the gossip cluster; asked at first and now and then. A server that does not say stands alone.
    async fn learn_peers(&self) {
        let due = {
            let mut memory = self.memory();
            memory.status_in = memory.status_in.saturating_sub(1);
            memory.status_in == 0
        };
        if !due {
            return;
        }
        if let Ok(status) = self.read_status().await {
            let mut memory = self.memory();
            memory.peers = status.peers.iter().map(|peer| Arc::from(peer.as_str())).collect();
            // while it settles, its peers are not yet known
            memory.status_in = if status.cluster_status == "settling" {
                1
            } else {
                STATUS_EVERY
            };
        }
    }

    async fn take_snapshot(&self) -> BackendResult<AlertSnapshot> {
        let groups = async {
            self.ask(
                Call::get("api/v2/alerts/groups")
                    .param("active", "true")
                    .param("silenced", "true")
                    .param("inhibited", "true"),
            )
            .await
        };
        let (answer, ()) = futures::future::join(groups, self.learn_peers()).await;
        let answer = answer?;
        let silences = self.read_silences().await?;
        let (last, peers) = {
            let memory = self.memory();
            (Arc::clone(&memory.last), memory.peers.clone())
        };
        let (alerts, groups) = wire::groups(&answer.body, &last)
            .map_err(|why| self.unreadable("GET /api/v2/alerts/groups", &why, &answer))?;
        let snapshot = AlertSnapshot {
            source: Arc::clone(&self.name),
            cluster: Arc::clone(&self.cluster),
            peers,
            alerts,
            groups,
            silences: wire::kept(silences, &last.silences),
        };
        self.memory().last = Arc::new(snapshot.clone());
        Ok(snapshot)
    }

    async fn post_silence(&self, draft: SilenceDraft) -> BackendResult<Arc<str>> {
        const PATH: &str = "api/v2/silences";
        let negative = |op| matches!(op, MatchOp::NotEqual | MatchOp::NotRegex);
        let body = wire::draft(&draft);
        let answer = self
            .ask(Call::write(Method::Post, PATH, body))
            .await
            .map_err(|mut error| {
                if error.status == Some(400)
                    && draft.matchers.iter().any(|m| negative(m.op))
                    && error.mend.is_empty()
                {
                    "negative matchers need Alertmanager 0.22".clone_into(&mut error.mend);
                }
                error
            })?;
        wire::silence_id(&answer.body).map_err(|why| BackendError {
            // it was accepted: only its name is lost, so the silences must be looked through
            delivery: Delivery::Unknown,
            ..self.unreadable("POST /api/v2/silences", &why, &answer)
        })
    }

    async fn delete_silence(&self, id: Arc<str>) -> BackendResult<()> {
        let mut call = Call::get(format!("api/v2/silence/{id}"));
        call.method = Method::Delete;
        call.expect = Expect::Text; // a success has no body
        match self.ask(call).await {
            Ok(_) => Ok(()),
            Err(error) if error.detail.contains("already expired") => Ok(()),
            Err(mut error) => {
                if error.status == Some(404) || error.detail.contains("silence not found") {
                    error.kind = ErrorKind::Rejected;
                    "the server keeps expired silences for some days only; list them with: silences"
                        .clone_into(&mut error.mend);
                }
                Err(error)
            }
        }
    }
}

impl Alerts for Alertmanager {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn snapshot(&self) -> BoxFuture<'_, BackendResult<AlertSnapshot>> {
        Box::pin(self.take_snapshot())
    }

    fn silences(&self) -> BoxFuture<'_, BackendResult<Vec<Silence>>> {
        Box::pin(self.read_silences())
    }

    fn put_silence(&self, draft: SilenceDraft) -> BoxFuture<'_, BackendResult<Arc<str>>> {
        Box::pin(self.post_silence(draft))
    }

    fn expire_silence(&self, id: Arc<str>) -> BoxFuture<'_, BackendResult<()>> {
        Box::pin(self.delete_silence(id))
    }

    fn status(&self) -> BoxFuture<'_, BackendResult<AlertmanagerStatus>> {
        Box::pin(self.read_status())
    }
}

#[cfg(test)]
mod tests;
