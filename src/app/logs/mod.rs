//! The state of the log pane: what is read, where the cursor is, what is shown and sought.
//!
//! The runtime reads, keeps, filters and searches; it publishes a [`LogView`], and what it is to show is asked of it by
//! one question ([`LogsAsk`]) that always holds the whole of what is wanted. The cursor stands on a line by identity,
//! with the row of the screen that the line has: when the filter changes or lines arrive, that line stays where it is.

mod bookmarks;

use std::collections::HashMap;
use std::sync::Arc;

pub use self::bookmarks::Bookmarks;
use super::Model;
use super::focus::PaneId;
use super::list::{Direction, ListState, Moved, Step};
use super::panes::Search;
use super::scope::{Scope, TimeRange};
use crate::backend::logs::{Reach, Survey, TailMode};
use crate::domain::log::{Gap, Level, Nanos, Volume, Wanted};
use crate::domain::pattern::{Pattern, PatternId, Tally};
use crate::domain::trace_id::TraceId;
use crate::logstore::query::{Query, QueryError};
use crate::logstore::{Found, Limits, LineId, Snapshot};

/// What the log pane is to show, now and from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogsAsk {
    /// Which lines the source is asked for.
    pub wanted: Wanted,
    /// Around this moment first, where not the present is looked at.
    pub at: Option<Nanos>,
    /// Which of them are shown, in the filter's grammar; all where empty.
    pub filter: String,
    /// What is sought among those; nothing where empty.
    pub search: String,
    /// The line near which hits are wanted first.
    pub around: Option<LineId>,
    /// Whether patterns are looked at, and so worth publishing.
    pub patterns: Watched,
}

/// Whether somebody looks at something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Watched {
    /// It is open.
    Yes,
    /// It is not.
    #[default]
    No,
}

/// How far back the source has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Past {
    /// There may be older lines.
    #[default]
    Open,
    /// Older lines are being read.
    Reading,
    /// Older ones were looked for in vain.
    Nothing {
        /// From here on there is none; what lies before it, nobody knows.
        back_to: Nanos,
    },
    /// The oldest line is here, or comes by itself: the source tells all it has.
    Whole,
    /// The store is full: older lines would push out newer ones.
    Full,
    /// Reading failed, in words.
    Failed(String),
}

/// A time that is gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// Lines are read until it is in hand.
    Under(Nanos),
    /// It is, or as much as could be read.
    Ended(Nanos),
}

/// A gap that is asked for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refetching {
    /// What is left of it is being read.
    Reading(Gap),
    /// That failed, in words.
    Failed(Gap, String),
}

/// A query that the source would not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// As it was asked.
    pub query: String,
    /// Why, in the server's words. Remote text, not yet safe.
    pub why: String,
    /// Whether that is said of the query.
    pub of: RefusedFor,
}

/// Why a query has no lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RefusedFor {
    /// The server takes it for no query that it answers.
    #[default]
    TheQuery,
    /// The server gave no answer: the query may be right.
    TheServer,
}

impl RefusedFor {
    /// `refused` or `not answered`.
    pub fn word(self) -> &'static str {
        match self {
            Self::TheQuery => "refused",
            Self::TheServer => "not answered",
        }
    }
}

/// Who counted lines by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counted {
    /// The store counted those that are in hand.
    #[default]
    InHand,
    /// The server counted all there are.
    Server,
    /// The store counted those that are shown: it has all lines of its time.
    Shown,
}

/// What is sought, as it is typed: a phrase, or a regular expression between slashes. Nothing where nothing is typed.
pub fn search_query(text: &str) -> Result<Option<Query>, QueryError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let regex = text.len() > 1 && text.starts_with('/');
    if regex {
        return Query::parse(text).map(Some);
    }
    let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    Query::parse(&quoted).map(Some)
}

/// Lines by what they pass: all of a snapshot, or those that a query found.
#[derive(Debug, Clone, Default)]
pub struct LogView {
    /// The lines.
    pub snapshot: Snapshot,
    /// Which of them are shown; every one where there is no filter.
    pub shown: Option<Arc<Found>>,
    /// Lines in hand that are not shown because they tell no level.
    pub unlevelled: u64,
    /// Hits of the search among those; nothing where there is none.
    pub hits: Option<Arc<Found>>,
    /// What this was made for.
    pub ask: LogsAsk,
    /// Whether the filter or the search has seen every line.
    pub scanned: Scanned,
    /// How the tail is had.
    pub mode: Option<TailMode>,
    /// Why the last attempt failed, in words.
    pub failure: Option<String>,
    /// What servers said of their answers: partial, warnings. Remote text, not yet safe.
    pub warnings: Vec<String>,
    /// Another query that is being asked; what is shown is still that of the one before.
    pub trying: Option<String>,
    /// The last query that was asked, where it was refused; what is shown is that of the one before.
    pub refused: Option<Arc<Refused>>,
    /// Lines a second, over the last seconds.
    pub rate: f64,
    /// How far back there are lines.
    pub past: Past,
    /// The time that is gone to, or was last.
    pub seek: Option<Seek>,
    /// The gap that is read again, or was last in vain.
    pub refetching: Option<Refetching>,
    /// Lines by time and level, over all that is in hand.
    pub volume: Arc<Volume>,
    /// Who counted them.
    pub counted: Counted,
    /// Patterns, while they are looked at.
    pub learnt: Option<Arc<Learnt>>,
    /// How much is kept at most.
    pub limits: Limits,
    /// How much the source tells without being asked.
    pub reach: Reach,
    /// The files that lines come from, where no server keeps them.
    pub files: Option<Arc<Survey>>,
}

/// Patterns as they were last listed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Learnt {
    /// The most frequent first.
    pub patterns: Vec<Pattern>,
    /// Where the lines went.
    pub tally: Tally,
    /// Lines there were; those beyond the tally came late, or wait to be looked at.
    pub of: usize,
    /// How many of them were looked at, while they are.
    pub scanned: Scanned,
}

/// How much of the lines a query has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scanned {
    /// All.
    #[default]
    All,
    /// So many per cent.
    Partly(u8),
}

impl LogView {
    /// When the first and the last line of a snapshot are of.
    pub fn span_of(snapshot: &Snapshot) -> Option<(Nanos, Nanos)> {
        let first = first_time(snapshot)?;
        let last = snapshot.entry_at(snapshot.len().checked_sub(1)?)?.at;
        (first < last).then_some((first, last))
    }

    /// How many lines a snapshot has by time and level, from its first to its last: finer than any strip is wide.
    pub fn volume_of(snapshot: &Snapshot) -> Arc<Volume> {
        const BUCKETS: usize = 240;
        Self::span_of(snapshot).map_or_else(Arc::default, |(first, last)| {
            Arc::new(snapshot.volume(first, Nanos(last.0.saturating_add(1)), BUCKETS))
        })
    }

    /// How many hits each of so many equal stretches of the shown lines has.
    pub fn hit_density(&self, stretches: usize) -> Vec<usize> {
        let Some(hits) = self
            .hits
            .as_ref()
            .filter(|hits| !hits.is_empty() && stretches > 0)
        else {
            return vec![0; stretches];
        };
        let before = |stretch: usize| {
            let place = (stretch * self.len()).div_ceil(stretches);
            self.id_at(place).map_or(hits.len(), |id| hits.rank(id))
        };
        (0..stretches)
            .map(|stretch| before(stretch + 1).saturating_sub(before(stretch)))
            .collect()
    }

    /// Lines that are shown.
    pub fn len(&self) -> usize {
        self.shown
            .as_ref()
            .map_or_else(|| self.snapshot.len(), |found| found.len())
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line that stands so far down.
    pub fn id_at(&self, place: usize) -> Option<LineId> {
        match &self.shown {
            Some(found) => found.id_at(place),
            None => self.snapshot.id_at(place),
        }
    }

    /// Gaps between the line at a place and the one before it; at the place behind the last, those that no line is
    /// behind.
    pub fn gaps_before(&self, place: usize) -> impl Iterator<Item = &Gap> {
        let at = |place| {
            let id = self.id_at(place)?;
            self.snapshot.entry(id).map(|entry| entry.at)
        };
        let (own, before) = (at(place), place.checked_sub(1).and_then(at));
        self.snapshot.gaps().iter().filter(move |gap| {
            own.map_or(place == self.len(), |own| gap.to <= own)
                && before.is_none_or(|before| before < gap.to)
        })
    }

    /// Where a line stands; where it would, if it is not shown or gone.
    pub fn place_of(&self, id: LineId) -> usize {
        match &self.shown {
            Some(found) => found.rank(id),
            None => self.snapshot.rank(id),
        }
    }
}

/// When the first line is of that tells a time: those that tell none and came before any that does stand before it.
pub fn first_time(snapshot: &Snapshot) -> Option<Nanos> {
    let first = snapshot.entry_at(0)?;
    first.time().or_else(|| {
        let behind = snapshot.seek(Nanos(first.at.0.saturating_add(1)));
        snapshot.entry_at(behind).map(|entry| entry.at)
    })
}

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

/// Names of fields to choose from.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// The most frequent first.
    names: Vec<String>,
    /// What was typed before it was completed, and to what.
    completed: Option<(String, String)>,
}

impl Offered {
    /// Names that every line has, whatever its text: the index knows them.
    const OF_ALL: [&'static str; 4] = ["level", "service", "trace", "trace_id"];

    /// Those of the lines that the iterator gives: of each, names of fields.
    pub fn of(lines: impl Iterator<Item = Vec<String>>) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for name in lines.flatten() {
            *counts.entry(name).or_default() += 1;
        }
        let mut names: Vec<(String, usize)> = counts.into_iter().collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self {
            names: names.into_iter().map(|(name, _)| name).collect(),
            completed: None,
        }
    }

    /// Those that begin so, whatever the case.
    pub fn beginning_with<'a>(&'a self, begin: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.names.iter().map(String::as_str);
        names.filter(move |name| {
            let head = name.get(..begin.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(begin))
        })
    }

    /// Whether one begins so.
    pub fn begins(&self, begin: &str) -> bool {
        self.beginning_with(begin).next().is_some()
    }

    /// Which of these no line has; none where no line was looked at.
    pub fn unknown<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let known = |name: &str| Self::OF_ALL.contains(&name) || self.names.iter().any(|known| known == name);
        names
            .filter(|name| !self.names.is_empty() && !known(name))
            .collect()
    }

    /// The name that a word becomes; asked again of what it became, the next one.
    pub fn complete(&mut self, word: &str) -> Option<String> {
        let begin = match self.completed.take() {
            Some((begin, became)) if became == word => begin,
            Some(_) | None => word.to_owned(),
        };
        let names: Vec<&str> = self.beginning_with(&begin).collect();
        let had = names.iter().position(|name| *name == word);
        let next = had.map_or(0, |had| (had + 1) % names.len());
        let name = (*names.get(next)?).to_owned();
        self.completed = Some((begin, name.clone()));
        Some(name)
    }
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
        (self.at, self.seek) = (at, at);
        match at {
            Some(_) => self.hold(),
            None => self.release(),
        }
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

    /// Finds the cursor's line again; the newest while following.
    pub fn settle(&mut self) {
        let Some(view) = self.drawn().cloned() else { return };
        let count = view.len();
        self.bookmarks.settle(&view.snapshot);
        let Some(last) = count.checked_sub(1) else {
            self.place = 0;
            // Lines that come now fill the pane from its begin, however late the cursor falls among them.
            self.row = self.page.saturating_sub(1);
            return;
        };
        if self.follow == Follow::Newest {
            self.put(&view, last);
            self.row = self.page.saturating_sub(1).min(last);
            return;
        }
        if view.ask.filter == self.whole_filter()
            && let Some((line, row)) = self.back_to.take()
        {
            (self.cursor, self.row) = (Some(line), row);
        }
        let place = self.cursor.map_or(self.place, |id| view.place_of(id));
        self.put(&view, place.min(last));
        self.fit();
    }

    fn put(&mut self, view: &LogView, place: usize) {
        self.place = place;
        self.cursor = view.id_at(place);
    }

    /// The cursor's row is one of the pane's; lines above the first are no rows.
    fn fit(&mut self) {
        self.row = self.row.min(self.page.saturating_sub(1)).min(self.place);
    }

    /// How many rows the pane has now.
    pub fn resize(&mut self, page: usize) {
        if self.page == page {
            return;
        }
        self.page = page;
        if self.follow == Follow::Newest {
            self.row = page.saturating_sub(1).min(self.place);
        }
        self.fit();
    }

    /// The view stands still from here on.
    pub fn hold(&mut self) {
        if self.follow == Follow::Newest {
            let newest = self.view.as_ref().and_then(|view| {
                let last = view.snapshot.len().checked_sub(1)?;
                view.snapshot.id_at(last)
            });
            self.follow = Follow::Still { newest };
        }
    }

    /// Keeps the newest line in sight again.
    pub fn release(&mut self) {
        self.follow = Follow::Newest;
        self.settle();
    }

    /// Moves the cursor. Upwards stops following; the last row takes it up again.
    pub fn step(&mut self, step: Step) -> Moved {
        let Some(view) = self.drawn().cloned() else {
            return Moved::Stuck;
        };
        let Some(last) = view.len().checked_sub(1) else {
            return Moved::Stuck;
        };
        if step == Step::Bottom {
            self.release();
            return Moved::Yes;
        }
        self.hold();
        let before = self.place;
        let place = step.from(before, last, self.page);
        self.put(&view, place);
        // A page turns the whole; a row moves the cursor, and the lines only at the edge.
        self.row = match step {
            Step::Rows(by) => self.row.saturating_add_signed(by),
            Step::Top => 0,
            Step::HalfPage(_) | Step::Page(_) | Step::Bottom => self.row,
        };
        self.fit();
        if place == before { Moved::Stuck } else { Moved::Yes }
    }

    /// Puts the cursor on a line, which gets a row in the middle unless it is in sight already.
    pub fn go_to(&mut self, place: usize) {
        let Some(view) = self.drawn().cloned() else { return };
        let Some(last) = view.len().checked_sub(1) else {
            return;
        };
        let place = place.min(last);
        self.hold();
        let top = self.place.saturating_sub(self.row);
        self.row = match place.checked_sub(top) {
            Some(row) if row < self.page => row,
            Some(_) | None => self.page / 2,
        };
        self.put(&view, place);
        self.fit();
    }

    /// Puts the cursor on a line that has this row of the pane already, and leaves it there.
    pub fn select_row(&mut self, place: usize, row: usize) {
        let Some(view) = self.drawn().cloned() else { return };
        if place < view.len() {
            self.hold();
            self.put(&view, place);
            self.row = row;
            self.fit();
        }
    }

    /// Puts the cursor on the first line at or after a moment; false where all lines are older.
    pub fn go_to_time(&mut self, at: Nanos) -> bool {
        let Some(view) = self.drawn().cloned() else {
            return false;
        };
        let position = view.snapshot.seek(at);
        let place = match view.snapshot.id_at(position) {
            Some(id) => view.place_of(id),
            None => view.len(),
        };
        self.go_to(place);
        position < view.snapshot.len()
    }

    /// Gives the line under the cursor a row in the middle: what led to it is in sight, and what followed.
    pub fn center(&mut self) {
        self.row = self.page / 2;
        self.fit();
    }

    /// The next or previous hit, round the end; false where there is none.
    pub fn jump(&mut self, direction: Direction) -> bool {
        let Some(view) = self.drawn().cloned() else {
            return false;
        };
        let Some(hits) = view.hits.as_ref().filter(|hits| !hits.is_empty()) else {
            return false;
        };
        let rank = self.cursor.map_or(0, |id| hits.rank(id));
        let on_hit = self.cursor.is_some_and(|id| hits.contains(id));
        let next = match direction {
            Direction::Down => (rank + usize::from(on_hit)) % hits.len(),
            Direction::Up => (rank + hits.len() - 1) % hits.len(),
        };
        match hits.id_at(next) {
            Some(id) => {
                self.go_to(view.place_of(id));
                true
            }
            None => false,
        }
    }

    /// A search begins to be typed here.
    pub fn begin_search(&mut self) {
        self.sought = Some(Sought {
            from: self.cursor,
            row: self.row,
            follow: self.follow,
            went: None,
        });
    }

    /// Goes to the hit nearest to where the search that is being typed began, once for each text; back there where it
    /// has none.
    pub fn follow_search(&mut self) {
        let (Some(view), Some(sought), Some(search)) = (self.drawn().cloned(), &self.sought, &self.search)
        else {
            return;
        };
        let answered = view.ask.search == search.text;
        if !answered || sought.went.as_ref() == Some(&search.text) {
            return;
        }
        let (from, text) = (sought.from, search.text.clone());
        let near = view.hits.as_ref().zip(from);
        match near.and_then(|(hits, from)| hits.nearest(from)) {
            Some(id) => self.go_to(view.place_of(id)),
            None if view.scanned != Scanned::All => return,
            None => self.leave_search(),
        }
        if let Some(sought) = &mut self.sought {
            sought.went = Some(text);
        }
    }

    /// Back to where the search that is being typed began.
    pub fn leave_search(&mut self) {
        let (Some(view), Some(sought)) = (self.drawn().cloned(), &self.sought) else {
            return;
        };
        self.follow = sought.follow;
        match (self.follow, sought.from) {
            (Follow::Still { .. }, Some(from)) => {
                self.row = sought.row;
                self.put(&view, view.place_of(from).min(view.len().saturating_sub(1)));
                self.fit();
            }
            (Follow::Still { .. }, None) => {}
            (Follow::Newest, _) => self.settle(),
        }
    }

    /// The pattern under the cursor of their list.
    pub fn pattern(&self) -> Option<&Pattern> {
        let id = self.pattern_list.selected?;
        let learnt = self.drawn()?.learnt.as_ref()?;
        learnt.patterns.iter().find(|pattern| pattern.id == id)
    }

    /// The gap that the line under the cursor ends or begins, if it does.
    pub fn gap_here(&self) -> Option<&Gap> {
        let view = self.drawn()?;
        // Drawn above the first line behind it: that line and the one before it are at it.
        let own = view.gaps_before(self.place).next();
        own.or_else(|| view.gaps_before(self.place + 1).next())
    }
}

impl Model {
    /// The trace whose lines alone are shown: the one that was gone to, else the scope's.
    pub fn trace_of_lines(&self) -> Option<TraceId> {
        self.logs.trace.or_else(|| self.scope.of(PaneId::Logs)?.trace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_offered_the_most_frequent_first_and_completed_round_the_end() {
        let line = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let lines = [
            line(&["status", "path"]),
            line(&["status", "Stage"]),
            line(&["took"]),
        ];
        let mut offered = Offered::of(lines.into_iter());
        assert_eq!(offered.beginning_with("").next(), Some("status"));
        assert_eq!(offered.complete("st").as_deref(), Some("status"));
        assert_eq!(offered.complete("status").as_deref(), Some("Stage"));
        assert_eq!(
            offered.complete("Stage").as_deref(),
            Some("status"),
            "round the end"
        );
        assert_eq!(offered.complete("took").as_deref(), Some("took"));
        assert_eq!(offered.complete("x"), None);
        assert_eq!(
            offered.unknown(["status", "stauts", "level", "service"].into_iter()),
            ["stauts"]
        );
        let nothing = Offered::default();
        assert!(
            nothing.unknown(["any"].into_iter()).is_empty(),
            "nothing was looked at"
        );
    }
}
