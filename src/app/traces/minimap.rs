//! The whole trace in little: which stretch of time which part of its rows lies in, as dots.
//!
//! Dots are worked out once, finer than any screen; drawing joins them to as many as there is room for.

use crate::domain::trace::{Row, Status, Stretch, Timing, Trace};

/// Dots from left to right.
const ACROSS: usize = 1_024;
/// Dots from top to bottom: so many that two and three rows of braille both divide it.
const DOWN: usize = 24;

/// A trace in little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimap {
    whole: Stretch,
    /// Line after line.
    dots: Vec<bool>,
    /// Whether something failed there, by column.
    failed: Vec<bool>,
}

impl Minimap {
    /// Of a trace. Rows of a line share it, so that the shape is that of the unfolded waterfall.
    pub fn of(trace: &Trace, timing: &Timing, whole: Stretch) -> Self {
        let mut edges = vec![0_i32; (ACROSS + 1) * DOWN];
        let mut failed = vec![false; ACROSS];
        for span in trace.spans() {
            let time = timing.of(span.row);
            let line = span.row.index() * DOWN / trace.len();
            let (from, to) = (column(whole, time.from.0), column(whole, time.to.0));
            edges[line * (ACROSS + 1) + from] += 1;
            edges[line * (ACROSS + 1) + to + 1] -= 1;
            if span.status == Status::Error {
                failed[to] = true;
            }
        }
        let mut dots = Vec::with_capacity(ACROSS * DOWN);
        for line in edges.chunks(ACROSS + 1) {
            let mut running = 0;
            for edge in &line[..ACROSS] {
                running += edge;
                dots.push(running > 0);
            }
        }
        Self { whole, dots, failed }
    }

    /// The time it is of.
    pub fn whole(&self) -> Stretch {
        self.whole
    }

    /// Whether there is a dot, on a map of so many from left to right and from top to bottom.
    pub fn dot(&self, (x, across): (usize, usize), (y, down): (usize, usize)) -> bool {
        let columns = share(x, across, ACROSS);
        share(y, down, DOWN).any(|line| {
            let line = self
                .dots
                .get(line * ACROSS..(line + 1) * ACROSS)
                .unwrap_or_default();
            line.get(columns.clone()).unwrap_or_default().contains(&true)
        })
    }

    /// Whether something failed in a column.
    pub fn has_failed(&self, x: usize, across: usize) -> bool {
        let columns = share(x, across, ACROSS);
        self.failed.get(columns).unwrap_or_default().contains(&true)
    }

    /// The line of a row, of so many.
    pub fn line_of(row: Row, rows: usize, down: usize) -> usize {
        row.index() * down / rows.max(1)
    }
}

/// Which of `all` the `index`th of `of` is made from; one at least.
fn share(index: usize, of: usize, all: usize) -> std::ops::Range<usize> {
    let of = of.max(1);
    let from = (index * all / of).min(all - 1);
    from..((index + 1) * all / of).clamp(from + 1, all)
}

fn column(whole: Stretch, at: i64) -> usize {
    let length = whole.nanos().max(1) as f64;
    let far = at.saturating_sub(whole.from.0) as f64 / length;
    ((far * ACROSS as f64) as usize).min(ACROSS - 1)
}
