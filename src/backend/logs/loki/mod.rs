//! Loki over HTTP and its websocket (3.x; what older servers lack is done without).
//!
//! `logql` writes the scope into the query, `wire` reads JSON, `page` pages the past, `tail` follows the
//! present over `socket`, `volume` counts. Times are sent as 19 digits of nanoseconds: fewer are read as
//! seconds, or as 1970. A server's limits are learned from its refusals. Start at [`Loki`].

mod inbox;
mod logql;
mod page;
mod socket;
mod tail;
#[cfg(test)]
mod tests;
mod volume;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{OnceCell, mpsc};

use super::paging::Limits;
use super::{Logs, Page, PageQuestion, Settings, TailEvent, Volume};
use crate::backend::http::{Answer, Asker, Call};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind, brief};
use crate::domain::log::{Nanos, Wanted};
use crate::time::Clock;

use logql::Query;

/// Where lines are asked for.
const QUERY_RANGE: &str = "loki/api/v1/query_range";
/// Asks the server to keep labels, metadata and parsed fields apart.
const FLAGS: (&str, &str) = ("x-loki-response-encoding-flags", "categorize-labels");
/// The label that Loki itself derives since 3.0 (`discover_service_name`).
const SERVICE: &str = "service_name";
/// `max_entries_limit_per_query` unless the server says otherwise.
const ENTRIES: usize = 5_000;

/// A client of one Loki.
pub struct Loki {
    settings: Settings,
    selector: Option<String>,
    asker: Arc<dyn Asker>,
    clock: Clock,
    reader: wire::Reader,
    service_label: OnceCell<Arc<str>>,
    limits: Limits,
    /// Bytes of lines that a tail may hold for a slow listener.
    room: usize,
    /// How long a tail lives before it is exchanged for a new one.
    renew: Duration,
    /// How often the last minutes are read again where the present is polled.
    late: Duration,
    /// Silence of a tail after which it is asked whether it lives, and as long again until it does not.
    patience: Duration,
}

impl Loki {
    /// One of that name; `selector` bounds all that is ever asked of it.
    pub fn new(settings: Settings, selector: Option<String>, asker: Arc<dyn Asker>, clock: Clock) -> Self {
        let configured = settings.service_label.iter().cloned();
        let known = configured.chain([Arc::from(SERVICE)]);
        let labels = known.chain(settings.service_labels.iter().cloned()).collect();
        Self {
            settings,
            selector,
            asker,
            clock,
            reader: wire::Reader::new(labels),
            service_label: OnceCell::new(),
            limits: Limits::new(ENTRIES),
            room: inbox::ROOM,
            renew: tail::RENEW,
            late: super::follow::LATE_EACH,
            patience: socket::QUIET,
        }
    }

    fn now(&self) -> Nanos {
        super::follow::server_now(&*self.asker, self.clock)
    }

    /// The queries for what is wanted.
    async fn queries(&self, wanted: &Wanted) -> BackendResult<Vec<Query>> {
        let label = self.service_label().await;
        logql::queries(wanted, &label, self.selector.as_deref()).map_err(|error| BackendError {
            mend: "begin with a selector, as in {app=\"checkout\"}, or with a filter, as in |= \"timeout\""
                .to_owned(),
            ..self.error(ErrorKind::Rejected, &error.to_string())
        })
    }

    /// The configured label of services; else the first of the usual ones that the server knows.
    async fn service_label(&self) -> Arc<str> {
        if let Some(label) = &self.settings.service_label {
            return Arc::clone(label);
        }
        let found = self.service_label.get_or_try_init(|| async {
            let to = self.now();
            let day = Duration::from_secs(24 * 3_600);
            let call = Call::get("loki/api/v1/labels")
                .param("start", to.minus(day).0.to_string())
                .param("end", to.0.to_string());
            let answer = self.ask(call).await?;
            let names: Labels = serde_json::from_slice(&answer.body).unwrap_or_default();
            let usual = [Arc::from(SERVICE)]
                .into_iter()
                .chain(self.settings.service_labels.iter().cloned());
            let known = usual
                .into_iter()
                .find(|label| names.data.iter().any(|name| **name == **label));
            Ok::<_, BackendError>(known.unwrap_or_else(|| Arc::from(SERVICE)))
        });
        // Not kept: asked again with the next question.
        found.await.cloned().unwrap_or_else(|_| Arc::from(SERVICE))
    }

    /// An answer that is one: errors are plain text, JSON from a gateway.
    async fn ask(&self, call: Call) -> BackendResult<Answer> {
        let tried = format!("{} /{}", call.method.word(), call.path);
        let answer = self.asker.call(call.header(FLAGS.0, FLAGS.1)).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let words: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let said = words.as_ref().and_then(|words| {
            let named = ["message", "error"]
                .into_iter()
                .filter_map(|name| words.get(name)?.as_str());
            named.into_iter().find(|word| !word.is_empty())
        });
        let kind = if answer.status >= 500 {
            ErrorKind::ServerFault
        } else {
            ErrorKind::Rejected
        };
        Err(BackendError {
            tried,
            status: Some(answer.status),
            retry_after: answer.retry_after,
            ..self.error(
                kind,
                &said.map_or_else(|| format!("HTTP {}", answer.status), str::to_owned),
            )
        })
    }

    fn error(&self, kind: ErrorKind, detail: &str) -> BackendError {
        BackendError {
            kind,
            backend: Arc::clone(&self.settings.name),
            tried: format!("GET /{QUERY_RANGE}"),
            detail: brief(detail),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }
}

#[derive(serde::Deserialize, Default)]
struct Labels {
    #[serde(default)]
    data: Vec<String>,
}

impl Logs for Loki {
    fn name(&self) -> &Arc<str> {
        &self.settings.name
    }

    fn skew(&self) -> Option<chrono::TimeDelta> {
        Some(self.asker.skew().unwrap_or_default())
    }

    fn heeds_environment(&self) -> bool {
        true
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
        Box::pin(tail::run(self, wanted, from, events))
    }

    fn volume(
        &self,
        wanted: Wanted,
        from: Nanos,
        to: Nanos,
        buckets: usize,
    ) -> BoxFuture<'_, BackendResult<Option<Volume>>> {
        Box::pin(self.count(wanted, from, to, buckets))
    }
}
