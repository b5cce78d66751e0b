//! An open trace: what of it is in sight, and where the cursor is.
//!
//! [`rows`] says which lines there are; this holds them with the cursor, the stretch of time in view, the search, and the
//! way back through all of it. Start at [`Waterfall`].

pub mod rows;
mod search;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::Study;
use super::study::{Aspect, Clocks, within};
use crate::app::list::{Direction, Step};
use crate::domain::trace::repeats::Repeat;
use crate::domain::trace::scale::Scale;
use crate::domain::trace::{Nanos, Row, SpanId, Stretch, TraceId};
use crate::time::Tick;
use rows::{Fold, Folds, Line};
pub use search::{Found, Narrowed, Seeking, Sought};

/// Cells that zooming and panning reckon with; what is in view is the same on any number of them.
const CELLS: u16 = 128;

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

/// Why a jump went nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nowhere {
    /// There is no such span at all.
    NoneAtAll,
    /// There are so many, but not under the span that is shown alone.
    Outside(usize),
    /// The cursor is on the only one.
    OnlyThis,
}

/// What a jump goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// A failed span.
    Failed,
    /// A span with time of its own on the critical path.
    OnPath,
    /// A span that was found.
    Match,
}

/// Where a jump arrived: its number, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// The span.
    pub row: Row,
    /// Its number, from 1.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

impl Waterfall {
    /// One that was asked for.
    pub fn asked(id: TraceId, now: Tick) -> Self {
        Self {
            id,
            reading: Reading::Asked { since: now },
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

    /// Takes in what was read, or why it was not.
    pub fn take(&mut self, result: Result<Arc<Study>, String>) {
        match result {
            Ok(study) => {
                self.cursor = study.trace.primary();
                self.reading = Reading::Here(study);
                self.arrange();
                self.offset = 0;
                self.keep_in_sight();
                if let Some(aim) = self.aim.take() {
                    self.aim_at(aim);
                }
            }
            Err(why) => self.reading = Reading::Failed(why),
        }
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
        let page = isize::try_from(self.page.max(1)).unwrap_or(isize::MAX);
        let by = match step {
            Step::Rows(by) => by,
            Step::HalfPage(Direction::Down) => (page / 2).max(1),
            Step::HalfPage(Direction::Up) => -(page / 2).max(1),
            Step::Page(Direction::Down) => page,
            Step::Page(Direction::Up) => -page,
            Step::Top => isize::MIN,
            Step::Bottom => isize::MAX,
        };
        let last = self.lines.len().saturating_sub(1);
        let index = self.index().saturating_add_signed(by).min(last);
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

    /// Pans so that a span's begin is in view, where the time in view leaves it out.
    fn bring_into_view(&mut self, row: Row) {
        let Some((study, view)) = self.study().zip(self.view) else {
            return;
        };
        let time = study.timing(self.clocks).of(row);
        if time.to < view.from || time.from > view.to {
            let whole = self.whole();
            let share = (time.from.0 as f64 - view.from.0 as f64) / view.nanos().max(1) as f64 - 0.25;
            self.see(self.scale().pan(share, whole));
        }
    }

    /// Folds what is under the cursor; else goes to what it is under. False where there is nothing above.
    pub fn fold(&mut self) -> bool {
        let Some(study) = self.study().cloned() else {
            return false;
        };
        let (row, trace) = (self.cursor, &study.trace);
        let is_run = self
            .lines
            .get(self.index())
            .is_some_and(|line| line.run.is_some());
        if !is_run && trace.subtree(row).len() > 1 && !self.folds.is_closed(row) {
            self.folds.set(trace, row, Fold::Closed);
            self.arrange();
            return true;
        }
        let sibling = |run: &&Repeat| trace.parent(run.first) == trace.parent(row);
        if let Some(run) = rows::around(&study.runs, row).find(sibling).filter(|_| !is_run)
            && self.narrowed == Narrowed::No
            && self.root() != Some(row)
        {
            self.folds.set_run(run, Fold::Closed);
            self.cursor = run.first;
            self.arrange();
            return true;
        }
        match trace
            .parent(row)
            .filter(|parent| self.range().contains(&parent.index()))
        {
            Some(parent) => {
                self.cursor = parent;
                self.keep_in_sight();
                true
            }
            None => false,
        }
    }

    /// Unfolds what is under the cursor; else goes to the first that is under it. False where there is nothing.
    pub fn unfold(&mut self) -> bool {
        let Some(study) = self.study().cloned() else {
            return false;
        };
        let index = self.index();
        let Some(line) = self.lines.get(index).copied() else {
            return false;
        };
        if let Some(run) = line.run.and_then(|run| study.runs.get(run as usize)) {
            self.folds.set_run(run, Fold::Open);
        } else if self.folds.is_closed(line.row) {
            self.folds.set(&study.trace, line.row, Fold::Open);
        } else {
            let below = self.lines.get(index + 1).map(|line| line.row);
            let below = below.filter(|below| study.trace.subtree(line.row).contains(&below.index()));
            if let Some(below) = below {
                self.cursor = below;
                self.keep_in_sight();
            }
            return below.is_some();
        }
        self.arrange();
        true
    }

    /// Folds every span that something is under, or unfolds all again; which it was.
    pub fn fold_all(&mut self) -> Fold {
        let Some(study) = self.study().cloned() else {
            return Fold::Open;
        };
        let open = self.folds.is_clear();
        if open {
            for row in study.trace.rows() {
                self.folds.set(&study.trace, row, Fold::Closed);
            }
        } else {
            self.folds.clear();
        }
        self.arrange();
        if open { Fold::Closed } else { Fold::Open }
    }

    /// Folds the spans that are alike in something, or unfolds them where they are folded all; how many there are.
    pub fn fold_alike(&mut self, alike: impl Fn(&Study, Row) -> bool) -> (Fold, usize) {
        let Some(study) = self.study().cloned() else {
            return (Fold::Open, 0);
        };
        let range = self.range();
        let foldable = |row: &Row| study.trace.subtree(*row).len() > 1 && range.contains(&row.index());
        let rows: Vec<Row> = study
            .trace
            .rows()
            .filter(foldable)
            .filter(|row| alike(&study, *row))
            .collect();
        let fold = if rows.iter().all(|row| self.folds.is_closed(*row)) {
            Fold::Open
        } else {
            Fold::Closed
        };
        for row in &rows {
            self.folds.set(&study.trace, *row, fold);
        }
        self.arrange();
        (fold, rows.len())
    }

    /// Shows the span under the cursor and what is under it alone; where it is that already, what was shown before.
    pub fn reroot(&mut self) {
        if self.root() == Some(self.cursor) {
            self.roots.pop();
        } else {
            self.roots.push(self.cursor);
        }
        self.view = None;
        self.arrange();
    }

    /// The time that there is to be seen of what is shown.
    pub fn whole(&self) -> Stretch {
        let Some(aspect) = self.aspect() else {
            return Stretch {
                from: Nanos(0),
                to: Nanos(0),
            };
        };
        self.root().map_or(aspect.whole, |root| aspect.reach(root))
    }

    /// The time in view.
    pub fn in_view(&self) -> Stretch {
        self.view.unwrap_or_else(|| self.whole())
    }

    fn scale(&self) -> Scale {
        Scale::new(self.in_view(), CELLS)
    }

    /// Takes over what a scale shows; false where that changes nothing.
    fn see(&mut self, scale: Scale) -> bool {
        let (seen, whole) = (scale.stretch(), self.whole());
        let view = (seen.from > whole.from || seen.to < whole.to).then_some(seen);
        let changed = view != self.view;
        self.view = view;
        changed
    }

    /// Shows less time, or more, about the span under the cursor; false where it goes no further.
    pub fn zoom(&mut self, factor: f64) -> bool {
        let Some(study) = self.study() else {
            return false;
        };
        let (view, span) = (self.in_view(), study.timing(self.clocks).of(self.cursor));
        let (from, to) = (span.from.max(view.from), span.to.min(view.to));
        // Out of view, it is the nearer edge.
        let about = if from <= to {
            Nanos(from.0 + (to.0 - from.0) / 2)
        } else {
            span.from.min(view.to).max(view.from)
        };
        let scale = self.scale().zoom(factor, about, self.whole());
        self.see(scale)
    }

    /// Shows just the time of the span under the cursor, with a little around it.
    pub fn zoom_to_span(&mut self) -> bool {
        let Some(study) = self.study() else {
            return false;
        };
        let span = study.timing(self.clocks).of(self.cursor);
        let around = (span.nanos() / 50).cast_signed();
        let wanted = Stretch {
            from: Nanos(span.from.0.saturating_sub(around)).max(self.whole().from),
            to: Nanos(span.to.0.saturating_add(around)).min(self.whole().to),
        };
        self.see(Scale::new(wanted, CELLS))
    }

    /// Shows all of the time.
    pub fn zoom_out_fully(&mut self) -> bool {
        self.view.take().is_some()
    }

    /// Shows the time before or behind what is in view; false at its end.
    pub fn pan(&mut self, towards: Direction) -> bool {
        let share = match towards {
            Direction::Down => 0.25,
            Direction::Up => -0.25,
        };
        let scale = self.scale().pan(share, self.whole());
        self.view.is_some() && self.see(scale)
    }

    /// To the next or previous span of a kind, round the end.
    pub fn jump(&mut self, to: To, towards: Direction) -> Result<Arrived, Nowhere> {
        let Some(study) = self.study().cloned() else {
            return Err(Nowhere::NoneAtAll);
        };
        let found = self.sought.as_ref().and_then(Sought::found);
        let among = match to {
            To::Failed => &study.errors[..],
            To::OnPath => &study.aspect(self.clocks).on_path,
            To::Match => found.as_ref().map_or(&[][..], |found| &found.hits),
        };
        let here = within(among, &self.range());
        let (next, of) = (here.partition_point(|row| *row <= self.cursor), here.len());
        let number = match towards {
            _ if of == 0 && among.is_empty() => return Err(Nowhere::NoneAtAll),
            _ if of == 0 => return Err(Nowhere::Outside(among.len())),
            Direction::Down => next % of,
            Direction::Up => {
                let before = here.partition_point(|row| *row < self.cursor);
                (before + of - 1) % of
            }
        };
        let row = here[number];
        if row == self.cursor {
            return Err(Nowhere::OnlyThis);
        }
        self.go_to(row);
        Ok(Arrived {
            row,
            number: number + 1,
            of,
        })
    }

    /// To the span with the most self time; from there to the next, round the end.
    pub fn jump_to_slowest(&mut self) -> Result<Arrived, Nowhere> {
        let Some(study) = self.study().cloned() else {
            return Err(Nowhere::NoneAtAll);
        };
        let (slowest, range) = (&study.aspect(self.clocks).slowest, self.range());
        let last = self.rank.filter(|rank| slowest.get(*rank) == Some(&self.cursor));
        let begin = last.map_or(0, |rank| rank + 1);
        let shown = |(_, row): &(usize, &Row)| range.contains(&row.index());
        let mut ranked = slowest.iter().enumerate().skip(begin).filter(shown);
        let found = ranked.next().or_else(|| slowest.iter().enumerate().find(shown));
        let Some((rank, row)) = found.map(|(rank, row)| (rank, *row)) else {
            return Err(if slowest.is_empty() {
                Nowhere::NoneAtAll
            } else {
                Nowhere::Outside(slowest.len())
            });
        };
        if row == self.cursor && last.is_some() {
            return Err(Nowhere::OnlyThis);
        }
        self.rank = Some(rank);
        if row != self.cursor {
            self.go_to(row);
        }
        Ok(Arrived {
            row,
            number: rank + 1,
            of: slowest.len(),
        })
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
