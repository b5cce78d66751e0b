//! A trace that still grows: when it is read again, and how what one sees is kept when more of it comes.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::search::Found;
use super::{Reading, Waterfall};
use crate::app::traces::Study;
use crate::domain::trace::{Nanos, Row, Trace};
use crate::time::{Now, Tick};

/// Spans are sent within so long of their end: a trace whose last one ended before that is whole.
const YOUNG: Duration = Duration::from_secs(60);
/// A root that is still missing is waited for so long after the last span that came.
const ROOTLESS: Duration = Duration::from_secs(600);
/// Between two readings.
const AGAIN: Duration = Duration::from_secs(5);
/// Before it is read again though nothing had come.
const LATER: Duration = Duration::from_secs(15);
/// Readings without anything new after which nothing more is expected.
const QUIET: u8 = 2;

/// Whether more of a trace is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Growth {
    /// Nothing more is expected.
    #[default]
    Settled,
    /// It is young: it is read again.
    Young {
        /// When; not known while it is being read.
        next: Option<Tick>,
        /// Readings in a row that brought nothing.
        quiet: u8,
        /// Spans that came since it was opened.
        came: usize,
    },
}

/// What a reading came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The trace is here, or the reason why not.
    First,
    /// There is more of it than before, or it is otherwise.
    Changed,
    /// It is what it was.
    Same,
    /// It could not be read again; what there was stays.
    NotAgain(String),
}

/// Whether spans of a trace may still be on their way.
fn is_young(trace: &Trace, now: DateTime<Utc>) -> bool {
    let age = Nanos::of(now)
        .0
        .saturating_sub(trace.extent().to.0)
        .unsigned_abs();
    let within = |limit: Duration| u128::from(age) < limit.as_nanos();
    within(YOUNG) || (lacks_root(trace) && within(ROOTLESS))
}

fn lacks_root(trace: &Trace) -> bool {
    !trace.rows().any(|row| trace.is_root(row))
}

/// Whether a reading brought the same trace: its spans are told by their number and by when they were.
fn is_same(before: &Trace, after: &Trace) -> bool {
    before.len() == after.len()
        && before.extent() == after.extent()
        && before.body().len() == after.body().len()
}

/// The row of a span in a later reading; of several that share an id, the same of them.
fn again(before: &Trace, after: &Trace, row: Row) -> Option<Row> {
    let id = before.span(row).id;
    if id.is_none() {
        return None;
    }
    let nth = before.find(id).position(|other| other == row)?;
    after.find(id).nth(nth)
}

impl Waterfall {
    /// Whether it is read again by itself.
    pub fn is_young(&self) -> bool {
        self.growth != Growth::Settled
    }

    /// Whether it has to be read again now; it is asked for once.
    pub fn falls_due(&mut self, now: Tick) -> bool {
        let Growth::Young { next, .. } = &mut self.growth else {
            return false;
        };
        next.take_if(|next| *next <= now).is_some()
    }

    /// Takes in what was read, or why it was not. A trace that was here already keeps what one did with it.
    pub fn take(&mut self, result: Result<Arc<Study>, String>, now: Now) -> Taken {
        match (result, self.study().cloned()) {
            (Ok(study), None) => {
                self.cursor = study.trace.primary();
                if is_young(&study.trace, now.utc) {
                    self.growth = Growth::Young {
                        next: Some(now.tick + AGAIN),
                        quiet: 0,
                        came: 0,
                    };
                }
                self.reading = Reading::Here(study);
                self.arrange();
                self.offset = 0;
                self.keep_in_sight();
                if let Some(aim) = self.aim.take() {
                    self.aim_at(aim);
                }
                Taken::First
            }
            (Err(why), None) => {
                self.reading = Reading::Failed(why);
                Taken::First
            }
            (Ok(study), Some(before)) => {
                let same = is_same(&before.trace, &study.trace);
                self.grow(&before.trace, &study.trace, now);
                if same {
                    return Taken::Same;
                }
                self.replace(&before.trace, study);
                Taken::Changed
            }
            (Err(why), Some(_)) => {
                self.growth = Growth::Settled;
                Taken::NotAgain(why)
            }
        }
    }

    fn grow(&mut self, before: &Trace, after: &Trace, now: Now) {
        let (quiet, came) = match self.growth {
            Growth::Young { quiet, came, .. } => (quiet, came),
            Growth::Settled => (QUIET, 0),
        };
        let same = is_same(before, after);
        let quiet = if same { quiet.saturating_add(1) } else { 0 };
        let over = quiet >= QUIET || !is_young(after, now.utc) && same;
        self.growth = if over {
            Growth::Settled
        } else {
            Growth::Young {
                next: Some(now.tick + if same { LATER } else { AGAIN }),
                quiet,
                came: came + after.len().saturating_sub(before.len()),
            }
        };
    }

    /// Puts a later reading in the place of the one before: cursor, folds, root, zoom and search stay.
    fn replace(&mut self, before: &Trace, study: Arc<Study>) {
        let above = self.index().saturating_sub(self.offset);
        let after = Arc::clone(&study);
        let anew = |row: Row| again(before, &after.trace, row);
        self.cursor = anew(self.cursor).unwrap_or(study.trace.primary());
        self.roots = self.roots.iter().copied().filter_map(anew).collect();
        self.folds = self.folds.carried(study.trace.len(), anew);
        self.rank = None;
        if let Some(sought) = &mut self.sought
            && let Some(Ok(found)) = &sought.answer
        {
            // Until the search has been through the new spans too.
            let carried = |rows: &[Row]| {
                let mut rows: Vec<Row> = rows.iter().copied().filter_map(anew).collect();
                rows.sort_unstable();
                rows
            };
            sought.answer = Some(Ok(Arc::new(Found {
                hits: carried(&found.hits),
                kept: carried(&found.kept),
            })));
        }
        self.reading = Reading::Here(study);
        self.arrange();
        self.offset = self.index().saturating_sub(above);
        self.keep_in_sight();
    }
}

/// Where a row of an earlier reading stands in a later one.
pub fn carried(before: &Study, after: &Study, row: Row) -> Option<Row> {
    again(&before.trace, &after.trace, row)
}
