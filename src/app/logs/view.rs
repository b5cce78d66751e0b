//! What the runtime is asked for, and what it publishes: lines, those that are shown, hits, patterns, how far it read.

use std::sync::Arc;

use crate::backend::logs::{Reach, Survey, TailMode};
use crate::domain::log::{Gap, Nanos, Volume, Wanted};
use crate::domain::pattern::{Pattern, Tally};
use crate::logstore::query::Query;
use crate::logstore::{Found, Limits, LineId, Snapshot};
use crate::problem::Mistyped;

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
pub fn search_query(text: &str) -> Result<Option<Query>, Mistyped> {
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
        let gaps = self.snapshot.gaps();
        let at = |place| {
            let id = self.id_at(place)?;
            self.snapshot.entry(id).map(|entry| entry.at)
        };
        // Nearly always there is none: no line is read for that.
        let (own, before) = if gaps.is_empty() {
            (None, None)
        } else {
            (at(place), place.checked_sub(1).and_then(at))
        };
        gaps.iter().filter(move |gap| {
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
