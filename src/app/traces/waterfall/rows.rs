//! Which spans are in sight: what is folded, and the lines that are left.
//!
//! Lines are worked out again when what is folded changes, never to draw: rows are in pre-order, so whatever is folded is
//! stepped over in one stride, and a line is found by its row with a binary search.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::domain::trace::repeats::Repeat;
use crate::domain::trace::{Row, Trace};

/// A line of the waterfall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The span; of a run, the first.
    pub row: Row,
    /// Where it stands for a run of equal siblings: which of the trace's.
    pub run: Option<u32>,
}

/// What is folded.
#[derive(Debug, Clone, Default)]
pub struct Folds {
    /// By row; shorter than the trace until something is folded.
    closed: Vec<bool>,
    /// Runs that were opened, by their first row: they are folded until then.
    opened: BTreeSet<Row>,
}

impl Folds {
    /// Whether what is under a span is folded away.
    pub fn is_closed(&self, row: Row) -> bool {
        self.closed.get(row.index()).copied().unwrap_or(false)
    }

    /// Folds what is under a span, or unfolds it.
    pub fn set(&mut self, trace: &Trace, row: Row, fold: Fold) {
        if self.closed.is_empty() {
            self.closed = vec![false; trace.len()];
        }
        if let Some(closed) = self.closed.get_mut(row.index()) {
            *closed = fold == Fold::Closed && trace.subtree(row).len() > 1;
        }
    }

    /// Unfolds all spans; runs of equal siblings are folded again.
    pub fn clear(&mut self) {
        self.closed.clear();
        self.opened.clear();
    }

    /// Whether nothing but runs is folded.
    pub fn is_clear(&self) -> bool {
        !self.closed.contains(&true)
    }

    /// Shows the members of a run one by one, or as one line again.
    pub fn set_run(&mut self, run: &Repeat, fold: Fold) {
        match fold {
            Fold::Open => self.opened.insert(run.first),
            Fold::Closed => self.opened.remove(&run.first),
        };
    }

    /// The same for a later reading of so many spans, in which each row is another.
    #[must_use]
    pub fn carried(&self, spans: usize, anew: impl Fn(Row) -> Option<Row>) -> Self {
        let mut closed = Vec::new();
        if !self.is_clear() {
            closed = vec![false; spans];
            let folded = (0u32..).zip(&self.closed).filter(|(_, closed)| **closed);
            for row in folded.filter_map(|(row, _)| anew(Row(row))) {
                if let Some(closed) = closed.get_mut(row.index()) {
                    *closed = true;
                }
            }
        }
        Self {
            closed,
            opened: self.opened.iter().copied().filter_map(anew).collect(),
        }
    }

    /// Unfolds whatever hides a span.
    pub fn reveal(&mut self, trace: &Trace, runs: &[Repeat], row: Row) {
        if !self.closed.is_empty() {
            for above in trace.ancestors(row) {
                if let Some(closed) = self.closed.get_mut(above.index()) {
                    *closed = false;
                }
            }
        }
        for run in around(runs, row) {
            // The first of a run stands for it.
            if run.first != row {
                self.opened.insert(run.first);
            }
        }
    }
}

/// Folded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// What is under it is hidden.
    Closed,
    /// It is shown.
    Open,
}

/// The runs that a row is in, innermost first.
pub fn around(runs: &[Repeat], row: Row) -> impl Iterator<Item = &Repeat> {
    let behind = runs.partition_point(|run| run.first <= row);
    runs.iter()
        .take(behind)
        .rev()
        .filter(move |run| run.rows.contains(&row.index()))
}

/// The lines of a range of rows. `root` is shown even where it is the first of a run; `kept`, in ascending order, leaves
/// out all other rows, and shows runs one by one.
pub fn lines(
    trace: &Trace,
    runs: &[Repeat],
    folds: &Folds,
    (range, root): (Range<usize>, Option<Row>),
    kept: Option<&[Row]>,
) -> Vec<Line> {
    let end = range.end as u32;
    let mut lines = Vec::new();
    if let Some(kept) = kept {
        let mut next = range.start as u32;
        let begin = kept.partition_point(|row| row.0 < next);
        for row in kept.iter().skip(begin).take_while(|row| row.0 < end) {
            if row.0 < next {
                continue;
            }
            lines.push(Line { row: *row, run: None });
            if folds.is_closed(*row) {
                next = trace.subtree(*row).end as u32;
            }
        }
        return lines;
    }
    let mut at = range.start as u32;
    let mut run = runs.partition_point(|run| run.first.0 < at);
    while at < end {
        let row = Row(at);
        while runs.get(run).is_some_and(|run| run.first < row) {
            run += 1;
        }
        let starts = runs.get(run).filter(|run| run.first == row && root != Some(row));
        if let Some(repeat) = starts.filter(|repeat| !folds.opened.contains(&repeat.first)) {
            lines.push(Line {
                row,
                run: Some(run as u32),
            });
            at = repeat.rows.end as u32;
            continue;
        }
        lines.push(Line { row, run: None });
        at = if folds.is_closed(row) {
            trace.subtree(row).end as u32
        } else {
            at + 1
        };
    }
    lines
}

/// The line of a row, or the last one before it: what it is folded under.
pub fn place(lines: &[Line], row: Row) -> usize {
    lines.partition_point(|line| line.row <= row).saturating_sub(1)
}
