//! Siblings that are the same again and again: `db.query ×6`.
//!
//! Two spans are the same when their operations are, and all under them in the same order. Sameness is a hash
//! of that shape, made from below in one pass; runs of equal siblings are adjacent rows.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::time::Duration;

use super::{Row, Status, Times, Timing, Trace};

/// So many in a row are worth folding.
pub const WORTH: usize = 5;

/// A run of siblings that are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// The first of them.
    pub first: Row,
    /// How many.
    pub count: u32,
    /// They and all under them, as indices of rows.
    pub rows: Range<usize>,
    /// How many of them failed.
    pub errors: u32,
    /// How long they took, added up.
    pub total: Duration,
    /// The longest.
    pub longest: Row,
}

/// Runs of at least so many equal siblings, by row. Runs within runs are told too.
pub fn of(trace: &Trace, timing: &Timing, at_least: usize) -> Vec<Repeat> {
    let shapes = shapes(trace);
    let mut found = Vec::new();
    let mut look = |siblings: &mut dyn Iterator<Item = Row>| {
        let mut run: Vec<Row> = Vec::new();
        for row in siblings {
            if run
                .first()
                .is_some_and(|first| shapes[first.index()] != shapes[row.index()])
            {
                found.extend(repeat(trace, timing, &run, at_least));
                run.clear();
            }
            run.push(row);
        }
        found.extend(repeat(trace, timing, &run, at_least));
    };
    look(&mut trace.roots().iter().copied());
    for row in trace.rows().filter(|row| trace.subtree(*row).len() > at_least) {
        look(&mut trace.children(row));
    }
    found.sort_by_key(|repeat| repeat.first);
    found
}

fn repeat(trace: &Trace, timing: &Timing, run: &[Row], at_least: usize) -> Option<Repeat> {
    let (first, last) = (run.first()?, run.last()?);
    if run.len() < at_least.max(2) {
        return None;
    }
    let total: u64 = run
        .iter()
        .map(|row| timing.of(*row).nanos())
        .fold(0, u64::saturating_add);
    let failed = run
        .iter()
        .filter(|row| trace.marks[**row].status == Status::Error);
    // The first of the longest: `max_by_key` gives the last.
    let longest = run.iter().rev().max_by_key(|row| timing.of(**row).nanos());
    Some(Repeat {
        first: *first,
        count: run.len() as u32,
        rows: first.index()..trace.subtree(*last).end,
        errors: failed.count() as u32,
        total: Duration::from_nanos(total),
        longest: *longest.unwrap_or(first),
    })
}

/// A number for each row that is the same for the same operation above the same shapes.
fn shapes(trace: &Trace) -> Vec<u64> {
    let mut shapes = vec![0_u64; trace.len()];
    for row in trace.rows().rev() {
        let mut hasher = DefaultHasher::new();
        // What has no times is like nothing that has them: their sum would be of the others alone.
        let timed = trace.marks[row].times == Times::Known;
        (trace.operation_of(row), trace.marks[row].kind, timed).hash(&mut hasher);
        for child in trace.children(row) {
            shapes[child.index()].hash(&mut hasher);
        }
        shapes[row.index()] = hasher.finish();
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Made, made, trace};
    use super::*;

    #[test]
    fn runs_of_equal_siblings_are_found_with_what_is_under_them() {
        let mut spans = vec![made(1, 0, 1, 1_000, "web.list")];
        for index in 0..6 {
            let from = 10 + 20 * index;
            let id = 10 + 2 * index as u64;
            spans.push(made(id, 1, from, from + 15 + index, "web.fetch"));
            spans.push(made(id + 1, id, from + 1, from + 9, "db.query"));
        }
        spans.push(made(50, 1, 500, 510, "web.fetch"));
        spans[3] = spans[3].failed("timeout");
        let trace = trace(&spans);
        let found = of(&trace, trace.timing(), WORTH);
        assert_eq!(found.len(), 1, "the last one has nothing under it");
        assert_eq!((found[0].first, found[0].count, found[0].errors), (Row(1), 6, 1));
        assert_eq!(found[0].rows, 1..13);
        assert_eq!(found[0].total, Duration::from_millis(6 * 15 + 15));
        assert_eq!(found[0].longest, Row(11));
    }

    #[test]
    fn spans_without_times_are_not_added_up_with_others() {
        let mut spans = vec![made(1, 0, 1, 1_000, "a.a")];
        spans.extend((2..8).map(|id| made(id, 1, 10, 20, "a.b")));
        spans.extend((8..13).map(|id| made(id, 1, 10, 0, "a.b")));
        let trace = trace(&spans);
        let found = of(&trace, trace.timing(), WORTH);
        let counts: Vec<(u32, u64)> = found
            .iter()
            .map(|run| (run.count, run.total.as_millis() as u64))
            .collect();
        assert_eq!(counts.iter().map(|(count, _)| count).sum::<u32>(), 11);
        assert!(
            counts.contains(&(6, 60)) && counts.contains(&(5, 0)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_hundred_thousand_equal_siblings_are_one_run() {
        let mut spans = vec![made(1, 0, 1, 1_000, "a.a")];
        spans.extend((2..100_002).map(|id| made(id, 1, 2, 3, "a.b")));
        let trace = trace(&spans);
        assert_eq!(of(&trace, trace.timing(), WORTH)[0].count, 100_000);
        let chain: Vec<Made> = (1..=100_000).map(|id| made(id, id - 1, 1, 100, "a.a")).collect();
        let trace = super::super::tests::trace(&chain);
        assert!(of(&trace, trace.timing(), WORTH).is_empty());
    }
}
