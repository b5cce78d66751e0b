//! Traces: their spans as a tree in rows, and what can be said of them.
//!
//! A source's answer is kept as the bytes it came in; a reader ([`crate::backend::traces`]) finds the spans
//! in them and puts them into a [`Draft`], which places them: parents, orphans, cycles, twice-used ids,
//! missing times. What comes out is a [`Trace`]: columns in pre-order, so that a subtree is a range of rows,
//! and everything else (attributes, events, links) read out of the bytes by the reader's [`Wire`] when it is
//! looked at. Nothing here recurses over spans: a chain may be as deep as the trace has spans.
//!
//! Analyses are functions of a trace and a [`Timing`] (raw, or with clock skew taken out): [`selftime`],
//! [`critical`], [`blame`], [`explain`], [`repeats`], [`compare`], [`graph`], [`query`]; [`stats`] is of many
//! traces; [`skew`] makes the other timing. [`scale`] turns time into eighths of cells. [`json`], [`otlp`], [`chart`] and [`table`] write traces out. All
//! text is remote and not yet safe for a terminal. Start at [`Trace`].

pub mod blame;
pub mod chart;
pub mod compare;
pub mod critical;
pub mod detail;
mod draft;
pub mod exemplar;
pub mod explain;
pub mod graph;
mod id;
pub mod json;
mod model;
pub mod otlp;
mod place;
pub mod query;
mod remark;
pub mod repeats;
pub mod scale;
pub mod selftime;
pub mod skew;
pub mod stats;
pub mod summary;
pub mod table;
#[cfg(test)]
mod tests;

pub use detail::{Attribute, Detail, Event, Link, Value, Wire};
pub use draft::{Draft, Found, Part, Resource};
pub use id::SpanId;
pub use model::{Column, Operation, OperationId, Row, Span, Stretch, Timing, Trace};
pub use remark::Remark;
pub use summary::{ServiceShare, Summary, Wanted};

pub use crate::domain::log::Nanos;
pub use crate::domain::trace_id::TraceId;

/// What a span is to its neighbours, as OpenTelemetry has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Not said.
    #[default]
    Unspecified,
    /// Within one service.
    Internal,
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Hands on a message.
    Producer,
    /// Takes up a message.
    Consumer,
}

impl Kind {
    /// As it is written: `server`; empty where not said.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// From its word in any case, with or without OpenTelemetry's prefix.
    pub fn from_word(word: &[u8]) -> Self {
        const PREFIX: &[u8] = b"SPAN_KIND_";
        let word = word.strip_prefix(PREFIX).unwrap_or(word);
        let named = [
            Self::Internal,
            Self::Server,
            Self::Client,
            Self::Producer,
            Self::Consumer,
        ];
        let found = named
            .into_iter()
            .find(|kind| kind.word().as_bytes().eq_ignore_ascii_case(word));
        found.unwrap_or_default()
    }
}

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Not said.
    #[default]
    Unset,
    /// Said to be well.
    Ok,
    /// Failed.
    Error,
}

impl Status {
    /// As JSON output writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// How a span hangs on its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tie {
    /// The parent called it, and as a rule waits for it.
    #[default]
    ChildOf,
    /// The parent came before it and does not wait.
    FollowsFrom,
}

/// What is known of when a span was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Times {
    /// Begin and end.
    #[default]
    Known,
    /// No begin: it is shown where it ended.
    NoStart,
    /// No end: it did not finish, or the source does not say. Shown where it began.
    NoEnd,
    /// Neither: shown where its parent begins.
    Neither,
    /// It ended before it began: shown where it began.
    Backwards,
}

/// Where a span stands in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It has no parent.
    Root,
    /// Under the span that it names.
    Child,
    /// It names a parent that did not come.
    Orphan {
        /// Which.
        missing: SpanId,
    },
    /// Its parents lead back to itself; it was made a root so that all of them can be shown.
    Cut {
        /// The parent it names.
        named: SpanId,
    },
}
