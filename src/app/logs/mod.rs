//! The state of the log pane: what is read, where the cursor is, what is shown and sought.
//!
//! The runtime reads, keeps, filters and searches; it publishes a [`LogView`], and what it is to show is asked of it by
//! one question ([`LogsAsk`]) that always holds the whole of what is wanted. The cursor stands on a line by identity,
//! with the row of the screen that the line has: when the filter changes or lines arrive, that line stays where it is.

mod bookmarks;
mod cursor;
mod offered;
mod view;

use std::sync::Arc;

pub use self::bookmarks::Bookmarks;
use self::bookmarks::Mark;
pub use self::offered::Offered;
pub use self::view::{
    Counted, Learnt, LogView, LogsAsk, Past, Refetching, Refused, RefusedFor, Scanned, Seek, Watched,
    first_time, search_query,
};
use super::Model;
use super::effect::Deed;
use super::focus::PaneId;
use super::list::ListState;
use super::panes::Search;
use super::scope::{Scope, TimeRange};
use crate::domain::log::{Level, Nanos, Wanted};
use crate::domain::pattern::{Pattern, PatternId};
use crate::domain::trace_id::TraceId;
use crate::logstore::LineId;

/// Whether the newest line is kept in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// It is.
    #[default]
    Newest,
    /// The view stands still.
    Still {
        /// The newest line when it stopped; none where there was none.
        newest: Option<LineId>,
    },
}

/// What was looked at before a trace's lines were, to be taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The source's own query.
    pub query: String,
    /// What was shown.
    pub filter: String,
    /// The least level shown.
    pub at_least: Option<Level>,
    /// What was sought.
    pub search: Option<Search>,
    /// When the line under the cursor was of; none where the newest was kept in sight.
    pub at: Option<Nanos>,
}

/// Where one stood, and what was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stood {
    /// The filter, without the level.
    pub filter: String,
    /// The least level shown.
    pub at_least: Option<Level>,
    /// The filter that was lifted there.
    pub lifted: Option<Lifted>,
    /// Whether the newest line was kept in sight.
    pub follow: Follow,
    /// The line under the cursor and its row.
    pub line: Option<(LineId, usize)>,
}

/// A line that another store will hold under another identity, and the row that it keeps.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    mark: Mark,
    row: usize,
    was: LineId,
}

/// What became of a line that was to be stayed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stayed {
    /// Its identity in the store before.
    pub was: LineId,
    /// That in this one, which may not have it.
    pub is: Option<LineId>,
}

/// Whether the words of a refusal are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Refusal {
    /// They are.
    Shown,
    /// They were read.
    #[default]
    Read,
}

/// A filter that waits to be taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// What was shown.
    pub filter: String,
    /// The least level shown.
    pub at_least: Option<Level>,
}

/// Whether long lines are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    /// Cut at the border.
    #[default]
    Cut,
    /// Continued on the next row.
    Wrapped,
}

/// How the times of lines are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// By the clock.
    #[default]
    Clock,
    /// Since the line under the cursor, or before it.
    Relative,
}

/// The log pane.
#[derive(Debug, Default)]
pub struct LogPane {
    /// What is there; nothing before the first answer.
    pub view: Option<Arc<LogView>>,
    /// What was there when the screen was frozen.
    pub frozen: Option<Arc<LogView>>,
    /// What is shown, in the filter's grammar.
    pub filter: String,
    /// Why the filter, as it is typed, cannot be used; the last good one holds meanwhile.
    pub filter_error: Option<String>,
    /// The filter that is lifted to see what is around a line.
    pub lifted: Option<Lifted>,
    /// The least level shown.
    pub at_least: Option<Level>,
    /// The source's own query.
    pub query: String,
    /// The query that was typed last, and what is told of it once its lines are there: a refused one is no part of a story.
    pub untold: Option<(String, Deed)>,
    /// The query that was refused last, until another is asked.
    pub refused: Option<Arc<Refused>>,
    /// Whether why it was is shown over the lines: until somebody goes on.
    pub refusal: Refusal,
    /// Around which moment lines are asked for, where that is not the present.
    pub at: Option<Nanos>,
    /// The range of the scope that was gone to last, where that is over or a trace's.
    pub range: Option<TimeRange>,
    /// The trace of the scope that was gone to last.
    pub scoped: Option<TraceId>,
    /// The time to go to as soon as its lines are there.
    pub seek: Option<Nanos>,
    /// Only lines that carry this trace id.
    pub trace: Option<TraceId>,
    /// What was looked at before that trace.
    pub before_trace: Option<Left>,
    /// What was looked at before the lines of a pattern.
    pub before_pattern: Option<Stood>,
    /// The line to stand on as soon as it is shown again, and its row.
    pub back_to: Option<(LineId, usize)>,
    /// The line to stay on while its lines are read anew.
    pub kept: Option<Kept>,
    /// Search, while one is on.
    pub search: Option<Search>,
    /// Why the search, as it is typed, cannot be used.
    pub search_error: Option<String>,
    /// Where the cursor was when a search began to be typed, and for which text it went to a hit.
    pub sought: Option<Sought>,
    /// Whether the newest line is kept in sight.
    pub follow: Follow,
    /// The line under the cursor.
    pub cursor: Option<LineId>,
    /// Its place among the shown lines when it was last seen: where the cursor falls when it is gone.
    pub place: usize,
    /// The row of the pane that it has.
    pub row: usize,
    /// Rows that the pane has.
    pub page: usize,
    /// Long lines.
    pub wrap: Wrap,
    /// How times are told.
    pub times: Times,
    /// Fields that stand as columns before the message.
    pub columns: Vec<String>,
    /// Names of fields that lines have, for who types one.
    pub offered: Offered,
    /// Marked lines.
    pub bookmarks: Bookmarks,
    /// Cursor over the patterns.
    pub pattern_list: ListState<PatternId>,
    /// Patterns in the order of the list.
    pub pattern_rows: Vec<PatternId>,
    /// Whether the runtime was told last that somebody looks at them.
    pub watched: Watched,
}

/// A search that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// Where the cursor was.
    pub from: Option<LineId>,
    /// The row it had.
    pub row: usize,
    /// Whether the newest line was kept in sight.
    pub follow: Follow,
    /// The text whose nearest hit it stands on.
    pub went: Option<String>,
}

/// The levels that a key cycles through.
const LEVELS: [Option<Level>; 4] = [None, Some(Level::Info), Some(Level::Warn), Some(Level::Error)];

impl LogPane {
    /// What is drawn.
    pub fn drawn(&self) -> Option<&Arc<LogView>> {
        self.frozen.as_ref().or(self.view.as_ref())
    }

    /// What the source is asked for, with what it calls the service of the scope; a trace is of whatever service and
    /// environment.
    pub fn wanted(&self, service: Option<&str>, scope: Option<&Scope>) -> Wanted {
        let trace = self.trace.or_else(|| scope?.trace);
        let labels = scope.map(|scope| scope.labels.clone());
        Wanted {
            service: service.filter(|_| trace.is_none()).map(Arc::from),
            environment: labels.filter(|_| trace.is_none()).unwrap_or_default(),
            trace,
            at_least: None,
            query: self.query.clone(),
        }
    }

    /// The filter in force, with the level.
    pub fn whole_filter(&self) -> String {
        match (self.at_least, self.filter.trim()) {
            (None, filter) => filter.to_owned(),
            (Some(level), "") => format!("level>={level}"),
            (Some(level), filter) => format!("{filter} level>={level}"),
        }
    }

    /// Looks which fields the lines around the cursor have.
    pub fn offer(&mut self) {
        /// Lines that are looked at, on each side.
        const AROUND: usize = 250;
        let Some(view) = self.drawn().cloned() else {
            self.offered = Offered::default();
            return;
        };
        let places = self.place.saturating_sub(AROUND)..(self.place + AROUND).min(view.len());
        let names = places.filter_map(|place| {
            let entry = view.snapshot.entry(view.id_at(place)?)?;
            let fields = entry.fields().into_iter().map(|field| field.name);
            let labels = entry.stream.labels.iter().map(|(name, _)| name.to_string());
            Some(fields.chain(labels).collect())
        });
        self.offered = Offered::of(names);
    }

    /// What is gone to is shown whole: a filter that was meant for other lines would hide it.
    pub fn show_all(&mut self, at: Option<Nanos>) {
        match at {
            Some(_) => self.hold(),
            None => self.release(),
        }
        (self.at, self.seek) = (at, at);
        self.trace = None;
        self.before_trace = None;
        (self.before_pattern, self.back_to) = (None, None);
        self.lifted = None;
        self.filter.clear();
        self.filter_error = None;
        self.at_least = None;
        self.search = None;
        self.search_error = None;
    }

    /// What is looked at, to be taken up again.
    pub fn left(&self) -> Left {
        let lifted = self.lifted.clone();
        let (filter, at_least) = match lifted {
            Some(lifted) => (lifted.filter, lifted.at_least),
            None => (self.filter.clone(), self.at_least),
        };
        Left {
            query: self.query.clone(),
            filter,
            at_least,
            search: self.search.clone(),
            at: match self.follow {
                Follow::Newest => None,
                Follow::Still { .. } => self.time_here(),
            },
        }
    }

    /// When the line under the cursor is of.
    pub fn time_here(&self) -> Option<Nanos> {
        let view = self.drawn()?;
        view.snapshot.entry(self.cursor?)?.time()
    }

    /// Takes up what was looked at before.
    pub fn take_up(&mut self, left: Left) {
        self.show_all(left.at);
        self.query = left.query;
        self.filter = left.filter;
        self.at_least = left.at_least;
        self.search = left.search;
    }

    /// The next least level.
    pub fn next_level(&self) -> Option<Level> {
        let at = LEVELS
            .iter()
            .position(|level| *level == self.at_least)
            .unwrap_or(0);
        LEVELS.get(at + 1).copied().unwrap_or(None)
    }

    /// Lines shown.
    pub fn len(&self) -> usize {
        self.drawn().map_or(0, |view| view.len())
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many newer lines came since the view stands still; older ones that were read meanwhile are none of them.
    pub fn arrived(&self) -> u64 {
        let (Follow::Still { newest }, Some(view)) = (self.follow, &self.view) else {
            return 0;
        };
        let snapshot = &view.snapshot;
        let before = newest.map_or(0, |newest| {
            let rank = snapshot.rank(newest);
            rank + usize::from(snapshot.id_at(rank) == Some(newest))
        });
        (snapshot.len() - before) as u64
    }

    /// Takes in what the runtime published.
    pub fn take(&mut self, view: Arc<LogView>) {
        self.view = Some(view);
        if self.frozen.is_none() {
            self.settle();
            let learnt = self.drawn().and_then(|view| view.learnt.clone());
            self.pattern_rows = learnt.map_or_else(Vec::new, |learnt| {
                learnt.patterns.iter().map(|pattern| pattern.id).collect()
            });
            self.pattern_list.follow(&self.pattern_rows);
        }
    }

    /// The pattern under the cursor of their list.
    pub fn pattern(&self) -> Option<&Pattern> {
        let id = self.pattern_list.selected?;
        let learnt = self.drawn()?.learnt.as_ref()?;
        learnt.patterns.iter().find(|pattern| pattern.id == id)
    }
}

impl Model {
    /// The trace whose lines alone are shown: the one that was gone to, else the scope's.
    pub fn trace_of_lines(&self) -> Option<TraceId> {
        self.logs.trace.or_else(|| self.scope.of(PaneId::Logs)?.trace)
    }
}
