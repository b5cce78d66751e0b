//! Elasticsearch (7 and later) and OpenSearch over HTTP.
//!
//! `server` finds out once what answers, which index is meant and how its fields are mapped; `walk` reads hits of a
//! stretch of time one after another, through a point in time (PIT) where one search is not enough; `page`, `tail`
//! and the counts stand on the two. `question`, `answer`, `names`, `fields`, `levels` and `errors` are pure.
//! Start at [`Elastic`], then `walk`.
//!
//! Indices compare times in milliseconds at least (`date`), or in nanoseconds (`date_nanos`). Stretches are widened
//! to whole milliseconds on the wire and cut to the nanosecond here; a page never ends within a millisecond, so
//! that pages laid end to end have every line once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use self::errors::{Refusal, unreadable};
use self::question::{MILLI, Span};
use self::server::Server;
use self::walk::PitWay;
use super::{Logs, Page, PageQuestion, TailEvent, Volume};
use crate::backend::http::{Answer, Asker, Call};
use crate::backend::{BackendError, BackendResult};
use crate::domain::log::{Nanos, Wanted};
use crate::time::{Clock, Tick};

mod answer;
mod errors;
mod fields;
mod levels;
mod names;
mod page;
mod question;
mod server;
mod tail;
mod walk;

#[cfg(test)]
mod tests;

/// Hits of one search at most: `index.max_result_window` is 10,000 by default.
const WINDOW: usize = 10_000;
/// Hits of one search where nothing else is needed.
const CHUNK: usize = 2_000;

/// What the configuration says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What every source is told.
    pub common: super::Settings,
    /// The index pattern; `logs-*` where there is such an index, else all, where none.
    pub index: Option<String>,
    /// The time limit of one request.
    pub timeout: Duration,
}

/// A client of one cluster.
pub struct Elastic {
    settings: Settings,
    /// Fields that may tell the service, the first that is there.
    services: Vec<Arc<str>>,
    asker: Arc<dyn Asker>,
    clock: Clock,
    server: tokio::sync::Mutex<Option<(Tick, Arc<Server>)>>,
    /// Hits of one search at most, as far as this server allows.
    window: AtomicUsize,
    /// The index keeps no `_source`.
    sourceless: AtomicBool,
    /// How a PIT is had, once it is known.
    pit: Mutex<Option<PitWay>>,
}

impl Elastic {
    /// One on a client of its own.
    pub fn new(settings: Settings, asker: Arc<dyn Asker>, clock: Clock) -> Self {
        let super::Settings {
            service_label,
            service_labels,
            ..
        } = &settings.common;
        let known = fields::SERVICE.iter().map(|&name| Arc::from(name));
        let mut services: Vec<Arc<str>> = Vec::new();
        for name in service_label
            .iter()
            .chain(service_labels.iter())
            .cloned()
            .chain(known)
        {
            if !services.contains(&name) {
                services.push(name);
            }
        }
        Self {
            settings,
            services,
            asker,
            clock,
            server: tokio::sync::Mutex::default(),
            window: AtomicUsize::new(WINDOW),
            sourceless: AtomicBool::new(false),
            pit: Mutex::default(),
        }
    }

    /// Asks; an answer that is no success is an error in the server's deepest words.
    async fn ask(&self, call: Call) -> Result<Answer, Failed> {
        let tried = format!("{} /{}", call.method.word(), call.path);
        let answer = self.asker.call(call).await.map_err(Failed::unread)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let refusal = Refusal::read(&answer.body);
        let error = refusal.error(&self.settings.common.name, &tried, &answer);
        Err(Failed {
            error: Box::new(error),
            refusal,
        })
    }

    fn unreadable(&self, tried: &str, why: &serde_json::Error) -> BackendError {
        unreadable(&self.settings.common.name, tried, &why.to_string())
    }

    fn window(&self) -> usize {
        self.window.load(Ordering::Relaxed)
    }

    fn pit(&self) -> MutexGuard<'_, Option<PitWay>> {
        // a panic elsewhere does not spoil what was found out
        self.pit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn counted(
        &self,
        wanted: &Wanted,
        from: Nanos,
        to: Nanos,
        buckets: usize,
    ) -> BackendResult<Volume> {
        let server = self.server().await?;
        let span = Span::around(from, to);
        let (from, to) = (span.from.unwrap_or(0), span.to.unwrap_or(i64::MAX / MILLI));
        let buckets = i64::try_from(buckets.clamp(1, MOST_BUCKETS)).unwrap_or(1);
        let step = ((to - from).max(0) / buckets + 1).max(1);
        // buckets begin at multiples of their width
        let begin = from.div_euclid(step) * step;
        let count = usize::try_from((to - begin).max(0) / step + 1).unwrap_or(0);
        let path = format!("{}/_search", server.index);
        let mut levels = server.names.countable_levels().map(Some).chain([None]);
        loop {
            let level = levels.next().flatten();
            let body = question::counts(wanted, &server.names, span, step, level);
            match self
                .ask(server::tolerant(Call::read_json(path.clone(), body)))
                .await
            {
                Ok(answer) => {
                    return answer::counts(&answer.body, begin, step, count)
                        .map_err(|why| self.unreadable(&format!("POST /{path}"), &why));
                }
                // counting by this field is not possible: by the next, at last without levels
                Err(failed) if level.is_some() && failed.refusal.is("illegal_argument_exception") => {}
                Err(failed) => return Err(*failed.error),
            }
        }
    }
}

/// Buckets of a volume at most; the server refuses more than 65,535, levels included.
const MOST_BUCKETS: usize = 2_000;

/// An error with what it was read from.
struct Failed {
    error: Box<BackendError>,
    refusal: Refusal,
}

impl Failed {
    /// One that the client has read already.
    fn unread(error: BackendError) -> Self {
        Self {
            refusal: Refusal {
                kinds: Vec::new(),
                reason: error.detail.clone(),
            },
            error: Box::new(error),
        }
    }
}

impl Logs for Elastic {
    fn name(&self) -> &Arc<str> {
        &self.settings.common.name
    }

    fn skew(&self) -> Option<chrono::TimeDelta> {
        Some(self.asker.skew().unwrap_or_default())
    }

    fn page(&self, question: PageQuestion) -> BoxFuture<'_, BackendResult<Page>> {
        Box::pin(self.read_page(question))
    }

    fn tail(
        &self,
        wanted: Wanted,
        from: Nanos,
        events: mpsc::Sender<TailEvent>,
    ) -> BoxFuture<'_, BackendResult<()>> {
        Box::pin(self.follow(wanted, from, events))
    }

    fn volume(
        &self,
        wanted: Wanted,
        from: Nanos,
        to: Nanos,
        buckets: usize,
    ) -> BoxFuture<'_, BackendResult<Option<Volume>>> {
        Box::pin(async move { self.counted(&wanted, from, to, buckets).await.map(Some) })
    }
}
