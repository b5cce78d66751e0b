//! Traces: Jaeger (v3 and legacy), Tempo and Zipkin. Panes and commands do not know which.
//!
//! [`Traces`] is the signal's trait: a list by what is wanted, a trace by its id, services and their
//! operations. Readers turn an answer's bytes into [`Trace`]s, without a network: [`otlp`] (Jaeger v3, Tempo
//! v1 and v2, `VictoriaTraces`), [`jaeger_legacy`], [`zipkin`]; each is also the
//! [`Wire`](crate::domain::trace::Wire) by which a span's attributes are read when they are looked at.
//! `cursor` walks JSON in place, `ids` reads ids in every spelling. The sources are [`jaeger`], [`tempo`] and
//! [`zipkin::Source`], all on `server`, which tells what a refusal means; [`words`] reads what is typed.

mod cursor;
mod ids;
pub mod jaeger;
pub mod jaeger_legacy;
mod numbers;
pub mod otlp;
#[cfg(test)]
mod scripted;
mod server;
pub mod tempo;
pub mod ui;
pub mod words;
pub mod zipkin;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::future::BoxFuture;

use super::BackendResult;
use crate::domain::trace::summary::Whole;
use crate::domain::trace::{Kind, Remark, SpanId, Stretch, Summary, Trace, TraceId, Wanted};

/// Spans taken of one answer; the rest is counted.
pub const MOST_SPANS: usize = 1_000_000;

/// A list that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuestion {
    /// Which traces.
    pub wanted: Wanted,
    /// That began within.
    pub during: Stretch,
    /// At most so many.
    pub limit: usize,
}

/// A list of traces, newest first, none twice.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The traces.
    pub traces: Vec<Summary>,
    /// Whether there may be older ones within the question's time: ask again up to the oldest one's begin.
    pub more: More,
    /// Whether the source had all of what it was asked.
    pub whole: Whole,
    /// What the source said of its answer. Remote text, not yet safe.
    pub warnings: Vec<String>,
}

/// Whether there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum More {
    /// There may be.
    Yes,
    /// No.
    #[default]
    No,
}

/// An operation in a list to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperationName {
    /// Its name. Remote.
    pub name: Arc<str>,
    /// Its kind, where the source tells.
    pub kind: Kind,
}

/// A call from one service to another, counted by the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedCall {
    /// Who calls.
    pub caller: Arc<str>,
    /// Who is called.
    pub called: Arc<str>,
    /// How often.
    pub calls: u64,
    /// How often it failed, where the source tells.
    pub errors: Option<u64>,
}

/// The trace backend of one context.
pub trait Traces: Send + Sync {
    /// Its configured name: `traces`.
    fn name(&self) -> &Arc<str>;

    /// Traces by what is wanted.
    fn search(&self, question: SearchQuestion) -> BoxFuture<'_, BackendResult<Listed>>;

    /// A trace by its id; `None` where the source has none. `about` is when it was, where that is known: some
    /// sources look only at recent ones without. Remarks of the trace say what is missing of it.
    fn trace(&self, id: TraceId, about: Option<Stretch>) -> BoxFuture<'_, BackendResult<Option<Arc<Trace>>>>;

    /// Services that sent spans, by name.
    fn services(&self, during: Stretch) -> BoxFuture<'_, BackendResult<Vec<Arc<str>>>>;

    /// Operations of a service, by name.
    fn operations(
        &self,
        service: Arc<str>,
        during: Stretch,
    ) -> BoxFuture<'_, BackendResult<Vec<OperationName>>>;

    /// Who calls whom, as the source counts it; `None` where it does not.
    fn dependencies(&self, during: Stretch) -> BoxFuture<'_, BackendResult<Option<Vec<CountedCall>>>>;

    /// What it cannot do that others can, in words, found out by asking; fails where lists fail.
    fn lacks(&self, during: Stretch) -> BoxFuture<'_, BackendResult<Vec<String>>> {
        Box::pin(async move {
            let question = SearchQuestion {
                wanted: Wanted::default(),
                during,
                limit: 1,
            };
            self.search(question).await.map(|_| Vec::new())
        })
    }
}

/// What a reader made of an answer.
#[derive(Debug, Default)]
pub struct Reading {
    /// The traces, in the order they came. None where there was no span.
    pub traces: Vec<Trace>,
    /// What is missing of the answer; each trace says it too.
    pub lost: Vec<Remark>,
}

impl Reading {
    /// The trace that was asked for, where it came.
    pub fn only(self, id: TraceId) -> Option<Trace> {
        self.traces.into_iter().find(|trace| trace.id() == id)
    }
}

/// A list as it is told: the newest first, none twice, at most so many.
fn listed(mut list: Listed, limit: usize) -> Listed {
    let mut seen = std::collections::HashSet::new();
    list.traces.retain(|trace| seen.insert(trace.id));
    list.traces
        .sort_by_key(|trace| (std::cmp::Reverse(trace.start), trace.id));
    if list.traces.len() > limit {
        list.traces.truncate(limit);
        list.more = More::Yes;
    }
    list
}

/// Opens the configured source.
pub fn open(
    config: &crate::config::SignalConfig,
    asker: Arc<dyn super::http::Asker>,
) -> Option<Arc<dyn Traces>> {
    let endpoint = config.endpoint.as_ref()?;
    let (name, timeout) = (Arc::from(endpoint.name.as_str()), endpoint.timeout);
    Some(match config.kind.as_str() {
        "tempo" => Arc::new(tempo::Tempo::new(name, asker, timeout)),
        "zipkin" => Arc::new(zipkin::Source::new(name, asker, timeout)),
        _ => Arc::new(jaeger::Jaeger::new(name, asker, timeout)),
    })
}

/// A trace id in any spelling that a source or a person may use: hex with or without leading zeros, base64.
pub fn read_id(text: &str) -> Option<TraceId> {
    ids::trace(text.trim().as_bytes())
}

/// A span id in any spelling that a source may use; `None` for what is none.
pub fn read_span(text: &str) -> Option<SpanId> {
    Some(ids::span(text.trim().as_bytes())).filter(|id| !id.is_none())
}
