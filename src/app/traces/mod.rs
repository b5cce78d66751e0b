//! The state of the trace pane: which traces are asked for, in which order they stand, and those that are open.
//!
//! The runtime searches and reads; it publishes a [`TraceList`] for the question that it was last asked ([`TracesAsk`], which always
//! holds the whole of what is wanted), and a [`Study`] of each trace that is opened. Start at [`TracePane`].

pub mod calls;
pub mod comparison;
pub mod exemplars;
pub mod list;
mod minimap;
mod study;
pub mod waterfall;
pub mod when;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::effect::Deed;
use super::feed::Feed;
use super::list::ListState;
use super::logs::Watched;
use super::panes::Search;
use super::scope::TimeRange;
use crate::domain::trace::stats::Statistics;
use crate::domain::trace::summary::Outcome;
use crate::domain::trace::{Operation, TraceId, Wanted};
use crate::time::Tick;
use calls::Calling;
use comparison::Comparison;
use exemplars::ExemplarsAsk;
pub use list::{Form, Grouped, Order, TraceList, TraceRow};
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
    /// Whether anybody wants to know how it was in the time before.
    pub before: Watched,
}

impl TracesAsk {
    /// Whether the same traces are asked for, whoever looks.
    pub fn asks_like(&self, other: &Self) -> bool {
        self.wanted == other.wanted && self.back == other.back && self.until == other.until
    }
}

impl Default for TracesAsk {
    fn default() -> Self {
        Self {
            wanted: Wanted::default(),
            back: BACK,
            until: None,
            watched: Watched::No,
            before: Watched::No,
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
    pub rows: Vec<TraceRow>,
    /// Cursor.
    pub list: ListState<TraceRow>,
    /// What is asked now.
    pub asked: Option<TracesAsk>,
    /// Whether they stand under their operations.
    pub grouped: Grouped,
    /// Operations whose traces are shown.
    pub unfolded: BTreeSet<Operation>,
    /// The operations of the whole list, whatever the filter hides.
    pub statistics: Statistics,
    /// Rows or dots.
    pub form: Form,
    /// In which order.
    pub order: Order,
    /// Failed ones only, or all.
    pub outcome: Outcome,
    /// What the source is asked beyond the scope, as it was typed.
    pub query: String,
    /// The query that was typed last, told in timelines once it is answered.
    pub untold: Option<(String, Deed)>,
    /// How far back.
    pub back: Duration,
    /// Up to when, where not now.
    pub until: Option<DateTime<Utc>>,
    /// The range of the scope that these are of.
    pub range: Option<TimeRange>,
    /// The trace of the scope that these are turned to.
    pub scoped: Option<TraceId>,
    /// The trace to stand on as soon as it is listed.
    pub stand_on: Option<TraceId>,
    /// Lists that were drawn before, the last one last: shown at once where they are asked for again.
    pub kept: Vec<Arc<TraceList>>,
    /// Bare words over service and operation; empty shows all.
    pub filter: String,
    /// Search, while one is on.
    pub search: Option<Search>,
    /// Marked: what the next one is compared with.
    pub mark: Option<TraceId>,
    /// The comparison that was opened last.
    pub comparison: Option<Comparison>,
    /// Which service calls which; nothing while that is counted.
    pub calls: Option<Result<Arc<Calling>, String>>,
    /// Exemplars that are waited for.
    pub exemplars: Option<ExemplarsAsk>,
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
            asked: None,
            grouped: Grouped::default(),
            unfolded: BTreeSet::new(),
            statistics: Statistics::default(),
            form: Form::default(),
            order: Order::default(),
            outcome: Outcome::default(),
            query: String::new(),
            back: BACK,
            until: None,
            range: None,
            scoped: None,
            stand_on: None,
            kept: Vec::new(),
            untold: None,
            filter: String::new(),
            search: None,
            mark: None,
            comparison: None,
            calls: None,
            exemplars: None,
            open: Vec::new(),
        }
    }
}

impl TracePane {
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
