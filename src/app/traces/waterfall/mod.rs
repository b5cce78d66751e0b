//! An open trace: what of it is in sight, and where the cursor is.
//!
//! [`rows`] says which lines there are; this holds them with the cursor and the way back. `folding`, `growth` (more of it has come), `window` (the time in view),
//! `jumps` and `search` change it, each by its own keys. Start at [`Waterfall`].

mod folding;
mod growth;
mod jumps;
pub mod rows;
mod search;
#[cfg(test)]
pub(in crate::app::traces) mod tests;
mod window;

use std::ops::Range;
use std::sync::Arc;

use super::Study;
use super::study::{Aspect, Clocks, within};
use crate::app::list::Step;
use crate::domain::trace::repeats::Repeat;
use crate::domain::trace::{Nanos, Row, SpanId, Stretch, TraceId};
use crate::time::Tick;
pub use growth::{Growth, Taken, carried};
pub use jumps::{Arrived, Nowhere, To};
use rows::{Folds, Line};
pub use search::{Found, Narrowed, Seeking, Sought};

/// How far a trace has come.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Asked for.
    Asked {
        /// Since when.
        since: Tick,
    },
    /// It could not be read, in words.
    Failed(String),
    /// It is here.
    Here(Arc<Study>),
}

/// What the cursor is to be put on when the trace is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aim {
    /// The span, where it is known.
    pub span: Option<SpanId>,
    /// The moment one comes from.
    pub at: Nanos,
}

/// An open trace.
#[derive(Debug)]
pub struct Waterfall {
    /// Which.
    pub id: TraceId,
    /// Whether it is here.
    pub reading: Reading,
    /// Whether more of it is to come.
    pub growth: Growth,
    /// The span under the cursor.
    pub cursor: Row,
    /// First line shown.
    pub offset: usize,
    /// Lines that there is room for.
    pub page: usize,
    /// The lines, by row.
    pub lines: Vec<Line>,
    /// What is folded.
    pub folds: Folds,
    /// Spans that were made the root of what is shown, one within the other.
    pub roots: Vec<Row>,
    /// The time in view; all of it where nothing.
    pub view: Option<Stretch>,
    /// Which clocks the bars go by.
    pub clocks: Clocks,
    /// What is sought in it.
    pub sought: Option<Sought>,
    /// Whether only what was found is shown.
    pub narrowed: Narrowed,
    /// A moment to be marked: that of the log line one came from.
    pub mark: Option<Nanos>,
    /// Where in the ranking by self time the cursor was put last.
    rank: Option<usize>,
    aim: Option<Aim>,
}

impl Waterfall {
    /// One that was asked for.
    pub fn asked(id: TraceId, now: Tick) -> Self {
        Self {
            id,
            reading: Reading::Asked { since: now },
            growth: Growth::default(),
            cursor: Row(0),
            offset: 0,
            page: 10,
            lines: Vec::new(),
            folds: Folds::default(),
            roots: Vec::new(),
            view: None,
            clocks: Clocks::default(),
            sought: None,
            narrowed: Narrowed::No,
            mark: None,
            rank: None,
            aim: None,
        }
    }

    /// Whether it could not be read.
    pub fn is_failed(&self) -> bool {
        matches!(self.reading, Reading::Failed(_))
    }

    /// The trace, once it is here.
    pub fn study(&self) -> Option<&Arc<Study>> {
        match &self.reading {
            Reading::Here(study) => Some(study),
            Reading::Asked { .. } | Reading::Failed(_) => None,
        }
    }

    /// What depends on the times, with the clocks that the bars go by.
    pub fn aspect(&self) -> Option<&Aspect> {
        Some(self.study()?.aspect(self.clocks))
    }

    /// Puts the cursor on a span and marks a moment, now or as soon as the trace is here.
    pub fn aim_at(&mut self, aim: Aim) {
        let Some(study) = self.study().cloned() else {
            self.aim = Some(aim);
            return;
        };
        self.mark = Some(aim.at);
        let named = aim.span.and_then(|id| study.trace.find(id).next());
        // Without its span, the deepest that ran then.
        let running = || {
            let ran = |row: &Row| {
                let time = study.trace.timing().of(*row);
                time.from <= aim.at && aim.at <= time.to
            };
            let depth = |row: &Row| study.trace.span(*row).depth;
            study.trace.rows().filter(ran).max_by_key(depth)
        };
        if let Some(row) = named.or_else(running) {
            self.go_to(row);
        }
    }

    /// The root of what is shown, where that is not all of the trace.
    pub fn root(&self) -> Option<Row> {
        self.roots.last().copied()
    }

    /// The rows that are shown unless they are folded.
    pub fn range(&self) -> Range<usize> {
        match (self.study(), self.root()) {
            (Some(study), Some(root)) => study.trace.subtree(root),
            (Some(study), None) => 0..study.trace.len(),
            (None, _) => 0..0,
        }
    }

    /// The run that a line stands for.
    pub fn run_of(&self, line: Line) -> Option<&Repeat> {
        self.study()?.runs.get(line.run? as usize)
    }

    /// Works out the lines again; the cursor's keeps its row on the screen.
    pub fn arrange(&mut self) {
        let Some(study) = self.study().cloned() else {
            return;
        };
        let before = rows::place(&self.lines, self.cursor).saturating_sub(self.offset);
        let kept = match self.narrowed {
            Narrowed::ToMatches => self.sought.as_ref().and_then(Sought::kept),
            Narrowed::No => None,
        };
        let range = (self.range(), self.root());
        self.lines = rows::lines(&study.trace, &study.runs, &self.folds, range, kept);
        let index = rows::place(&self.lines, self.cursor);
        if let Some(line) = self.lines.get(index) {
            self.cursor = line.row;
        }
        self.offset = index.saturating_sub(before);
        self.keep_in_sight();
    }

    /// The cursor's line.
    pub fn index(&self) -> usize {
        rows::place(&self.lines, self.cursor)
    }

    fn keep_in_sight(&mut self) {
        let (index, page) = (self.index(), self.page.max(1));
        let last = self.lines.len().saturating_sub(page);
        self.offset = self
            .offset
            .min(index)
            .max((index + 1).saturating_sub(page))
            .min(last.max((index + 1).saturating_sub(page)));
    }

    /// Tells it how many lines there is room for.
    pub fn resize(&mut self, page: usize) {
        if self.page != page {
            self.page = page;
            self.keep_in_sight();
        }
    }

    /// Moves the cursor.
    pub fn step(&mut self, step: Step) {
        let last = self.lines.len().saturating_sub(1);
        let index = step.from(self.index(), last, self.page);
        if let Some(line) = self.lines.get(index) {
            self.cursor = line.row;
        }
        self.keep_in_sight();
    }

    /// Puts the cursor on a span, whatever hides it; what hides it is opened.
    pub fn go_to(&mut self, row: Row) {
        let Some(study) = self.study().cloned() else {
            return;
        };
        if !self.range().contains(&row.index()) {
            let holds = |root: &Row| study.trace.subtree(*root).contains(&row.index());
            self.roots.retain(holds);
            self.view = None;
        }
        self.folds.reveal(&study.trace, &study.runs, row);
        let is_kept = |kept: &[Row]| kept.binary_search(&row).is_ok();
        let kept = self.sought.as_ref().and_then(Sought::kept);
        if self.narrowed == Narrowed::ToMatches && !kept.is_some_and(is_kept) {
            self.narrowed = Narrowed::No;
        }
        self.arrange();
        let before = self.offset;
        self.cursor = row;
        self.keep_in_sight();
        // Where it had to be scrolled to, some of what is around it is shown as well.
        if self.offset != before {
            let lead = self.page / 3;
            self.offset = self.index().saturating_sub(lead);
            self.keep_in_sight();
        }
        self.bring_into_view(row);
    }

    /// One step back: the search, the zoom, the root. False where there is none of them.
    pub fn back(&mut self) -> bool {
        if self.sought.is_some() {
            self.seek(None);
            return true;
        }
        if self.view.is_some() {
            return self.zoom_out_fully();
        }
        if let Some(root) = self.roots.pop() {
            self.cursor = root;
            self.arrange();
            return true;
        }
        false
    }
}
