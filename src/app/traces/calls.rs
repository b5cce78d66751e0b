//! Which service calls which, and by whom that was counted.

use crate::domain::trace::graph::Graph;
use crate::domain::trace::{Stretch, TraceId};

/// Traces that are read for the graph at most.
pub const MOST_READ: usize = 20;
/// Larger ones are not read for it.
pub const MOST_SPANS: u32 = 5_000;

/// What the graph is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsAsk {
    /// The time for which the source is asked what it counted.
    pub during: Stretch,
    /// Traces to be read, the newest first: for durations, for what failed, and for the calls where the source does
    /// not count.
    pub traces: Vec<TraceId>,
}

/// Who counted the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The source, over the whole time.
    BySource,
    /// This console, in the traces that it read.
    InTraces,
}

/// The graph.
#[derive(Debug)]
pub struct Calling {
    /// For which time.
    pub during: Stretch,
    /// Services and calls.
    pub graph: Graph,
    /// Who counted.
    pub counted: Counted,
    /// Traces that were read.
    pub read: usize,
    /// Traces that the source has no more.
    pub gone: usize,
    /// Traces that could not be read.
    pub unread: Option<Unread>,
    /// Why it is not known what the source counted, where asking for it failed.
    pub uncounted: Option<String>,
}

/// Traces that could not be read for the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// How many.
    pub traces: usize,
    /// Why one of them could not.
    pub why: String,
}
