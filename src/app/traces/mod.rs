//! The state of the trace pane: which traces are asked for, in which order they stand, and those that are open.
//!
//! The runtime searches and reads; it publishes a [`TraceList`] for the question that it was last asked ([`TracesAsk`], which always
//! holds the whole of what is wanted), and a [`Study`] of each trace that is opened. Start at [`TracePane`].

mod minimap;
mod study;
pub mod waterfall;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::feed::Feed;
use super::list::ListState;
use super::logs::Watched;
use super::panes::Search;
use crate::domain::trace::summary::Outcome;
use crate::domain::trace::{Summary, TraceId, Wanted};
use crate::time::Tick;
pub use minimap::Minimap;
pub use study::{Aspect, Clocks, Study, within};
use waterfall::Waterfall;

/// How far back traces are asked for, where nothing else was said.
pub const BACK: Duration = Duration::from_secs(3_600);
/// Traces that stay open at once: those one came through to reach the one in sight.
const MOST_OPEN: usize = 4;

/// Which traces are to be listed, now and from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracesAsk {
    /// Which.
    pub wanted: Wanted,
    /// How far back from `until`.
    pub back: Duration,
    /// Up to when; now and ever on where nothing.
    pub until: Option<DateTime<Utc>>,
    /// Whether anybody looks: else nothing is asked again.
    pub watched: Watched,
}

impl Default for TracesAsk {
    fn default() -> Self {
        Self {
            wanted: Wanted::default(),
            back: BACK,
            until: None,
            watched: Watched::No,
        }
    }
}

/// Traces as a source listed them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceList {
    /// What was asked.
    pub ask: TracesAsk,
    /// The traces, in whatever order they came.
    pub traces: Vec<Arc<Summary>>,
    /// What the source said of its answer. Remote, not yet safe.
    pub remarks: Vec<String>,
}

/// In which order traces stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Failed ones, the slowest of them first; then the others likewise.
    #[default]
    ErrorsFirst,
    /// The slowest first.
    SlowestFirst,
    /// The newest first.
    NewestFirst,
}

impl Order {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::ErrorsFirst => Self::SlowestFirst,
            Self::SlowestFirst => Self::NewestFirst,
            Self::NewestFirst => Self::ErrorsFirst,
        }
    }

    /// As the border says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::ErrorsFirst => "errors, slowest first",
            Self::SlowestFirst => "slowest first",
            Self::NewestFirst => "newest first",
        }
    }
}

/// The trace pane, and the traces that are open.
#[derive(Debug)]
pub struct TracePane {
    /// What was listed.
    pub feed: Feed<TraceList>,
    /// The list that is drawn while the screen is frozen.
    pub frozen: Option<Arc<TraceList>>,
    /// Its rows: filtered, in order.
    pub rows: Vec<TraceId>,
    /// Cursor.
    pub list: ListState<TraceId>,
    /// In which order.
    pub order: Order,
    /// Failed ones only, or all.
    pub outcome: Outcome,
    /// What the source is asked beyond the scope, as it was typed.
    pub query: String,
    /// How far back.
    pub back: Duration,
    /// Up to when, where not now.
    pub until: Option<DateTime<Utc>>,
    /// Bare words over service and operation; empty shows all.
    pub filter: String,
    /// Search, while one is on.
    pub search: Option<Search>,
    /// Marked for a comparison.
    pub marks: BTreeSet<TraceId>,
    /// Traces that were opened, the last one last.
    pub open: Vec<Waterfall>,
}

impl Default for TracePane {
    fn default() -> Self {
        Self {
            feed: Feed::new(Duration::from_secs(15)),
            frozen: None,
            rows: Vec::new(),
            list: ListState::default(),
            order: Order::default(),
            outcome: Outcome::default(),
            query: String::new(),
            back: BACK,
            until: None,
            filter: String::new(),
            search: None,
            marks: BTreeSet::new(),
            open: Vec::new(),
        }
    }
}

impl TracePane {
    /// The list that is drawn.
    pub fn drawn(&self) -> Option<&TraceList> {
        self.frozen.as_deref().or_else(|| self.feed.value())
    }

    /// A trace of the list.
    pub fn summary(&self, id: TraceId) -> Option<&Arc<Summary>> {
        self.drawn()?.traces.iter().find(|trace| trace.id == id)
    }

    /// The trace under the cursor.
    pub fn selected(&self) -> Option<&Arc<Summary>> {
        self.summary(self.list.selected?)
    }

    /// Works out the rows again.
    pub fn arrange(&mut self) {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let mut shown: Vec<&Arc<Summary>> = self.drawn().map_or_else(Vec::new, |list| {
            list.traces
                .iter()
                .filter(|trace| {
                    let text = text_of(trace).to_lowercase();
                    words.iter().all(|word| text.contains(word.as_str()))
                })
                .collect()
        });
        let slowest = |trace: &Summary| std::cmp::Reverse(trace.duration);
        match self.order {
            Order::ErrorsFirst => {
                shown.sort_by_key(|trace| (trace.errors.unwrap_or(0) == 0, slowest(trace), trace.id));
            }
            Order::SlowestFirst => shown.sort_by_key(|trace| (slowest(trace), trace.id)),
            Order::NewestFirst => shown.sort_by_key(|trace| (std::cmp::Reverse(trace.start), trace.id)),
        }
        self.rows = shown.iter().map(|trace| trace.id).collect();
        self.list.follow(&self.rows);
    }

    /// An open trace.
    pub fn opened(&self, id: TraceId) -> Option<&Waterfall> {
        self.open.iter().find(|open| open.id == id)
    }

    /// An open trace, to be changed.
    pub fn opened_mut(&mut self, id: TraceId) -> Option<&mut Waterfall> {
        self.open.iter_mut().find(|open| open.id == id)
    }

    /// Makes room for a trace that is opened; whether it has to be read.
    pub fn turn_to(&mut self, id: TraceId, now: Tick) -> Wants {
        if let Some(at) = self.open.iter().position(|open| open.id == id) {
            let open = self.open.remove(at);
            let wants = if open.is_failed() {
                Wants::Reading
            } else {
                Wants::Nothing
            };
            self.open.push(if wants == Wants::Reading {
                Waterfall::asked(id, now)
            } else {
                open
            });
            return wants;
        }
        if self.open.len() == MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push(Waterfall::asked(id, now));
        Wants::Reading
    }
}

/// What an opened trace still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// It is there, or on its way.
    Nothing,
    /// It has to be read.
    Reading,
}

/// What a trace is filtered and searched by. Remote, not yet safe.
pub fn text_of(trace: &Summary) -> String {
    let mut text = format!(
        "{} {} {}",
        trace.service.as_deref().unwrap_or_default(),
        trace.operation.as_deref().unwrap_or_default(),
        trace.id
    );
    for share in &trace.services {
        text.push(' ');
        text.push_str(&share.name);
    }
    text
}
