//! Self time: when a span ran and nothing it waits for did.
//!
//! It is the span less the union of its awaited children, each cut to the span, and kept as stretches, so
//! that a bar can show them. Messages and what merely follows are not subtracted: nobody waits for them. O(n
//! log n) at worst.

use std::time::Duration;

use super::{Column, Nanos, Row, Stretch, Timing, Trace};

/// The self time of every span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTimes {
    /// Where each row's stretches begin, and where the last row's end.
    offsets: Vec<u32>,
    stretches: Vec<Stretch>,
    totals: Column<u64>,
}

/// A stretch of a span with children during which none of them ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Of which span.
    pub row: Row,
    /// When.
    pub stretch: Stretch,
}

impl SelfTimes {
    /// Of a trace.
    pub fn of(trace: &Trace, timing: &Timing) -> Self {
        let mut offsets = Vec::with_capacity(trace.len() + 1);
        let mut stretches = Vec::with_capacity(trace.len());
        let mut totals = Vec::with_capacity(trace.len());
        let mut covered: Vec<(i64, i64)> = Vec::new();
        for row in trace.rows() {
            offsets.push(stretches.len() as u32);
            let (from, to) = (timing.start(row), timing.end(row));
            covered.clear();
            let awaited = trace
                .children(row)
                .filter(|child| trace.is_awaited(*child, timing));
            let cut = awaited.map(|child| (timing.start(child).max(from), timing.end(child).min(to)));
            covered.extend(cut.filter(|(from, to)| from < to));
            // As a rule they are sorted already; moved clocks may have changed that.
            covered.sort_unstable();
            let mut total = 0;
            let mut free = from;
            for (begin, end) in covered.iter().copied().chain([(to, to)]) {
                if free < begin {
                    total += (begin - free) as u64;
                    stretches.push(Stretch {
                        from: Nanos(free),
                        to: Nanos(begin),
                    });
                }
                free = free.max(end);
            }
            totals.push(total);
        }
        offsets.push(stretches.len() as u32);
        Self {
            offsets,
            stretches,
            totals: Column(totals),
        }
    }

    /// When a span ran by itself, in order; nothing touches.
    pub fn stretches(&self, row: Row) -> &[Stretch] {
        &self.stretches[self.offsets[row.index()] as usize..self.offsets[row.index() + 1] as usize]
    }

    /// How long in all.
    pub fn total(&self, row: Row) -> Duration {
        Duration::from_nanos(self.totals[row])
    }

    /// How long in all, in nanoseconds.
    pub fn nanos(&self, row: Row) -> u64 {
        self.totals[row]
    }

    /// Rows by self time, longest first; those without any left out.
    pub fn slowest(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = (0..self.totals.0.len() as u32).map(Row).collect();
        rows.retain(|row| self.totals[*row] > 0);
        rows.sort_by_key(|row| std::cmp::Reverse(self.totals[*row]));
        rows
    }

    /// Where time went by that no span tells of: in spans that have children, longest first.
    pub fn gaps(&self, trace: &Trace, at_least: Duration) -> Vec<Gap> {
        let least = u64::try_from(at_least.as_nanos()).unwrap_or(u64::MAX);
        let mut gaps: Vec<Gap> = trace
            .rows()
            .filter(|row| trace.subtree(*row).len() > 1)
            .flat_map(|row| {
                self.stretches(row).iter().map(move |stretch| Gap {
                    row,
                    stretch: *stretch,
                })
            })
            .filter(|gap| gap.stretch.nanos() >= least)
            .collect();
        gaps.sort_by_key(|gap| std::cmp::Reverse(gap.stretch.nanos()));
        gaps
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{any_spans, at, made, trace};
    use super::super::{Kind, Tie};
    use super::*;

    fn stretch(from: i64, to: i64) -> Stretch {
        Stretch {
            from: at(from),
            to: at(to),
        }
    }

    #[test]
    fn overlapping_children_are_subtracted_once_and_only_within_the_span() {
        let trace = trace(&[
            made(1, 0, 10, 100, "a.a"),
            made(2, 1, 20, 40, "a.b"),
            made(3, 1, 30, 50, "a.c"),
            made(4, 1, 50, 60, "a.touches"),
            made(5, 1, 90, 130, "a.outlasts"),
        ]);
        let times = SelfTimes::of(&trace, trace.timing());
        assert_eq!(times.stretches(Row(0)), [stretch(10, 20), stretch(60, 90)]);
        assert_eq!(times.total(Row(0)), Duration::from_millis(40));
        assert_eq!(times.slowest()[..2], [Row(0), Row(4)], "a tie stays in order");
        let gaps = times.gaps(&trace, Duration::from_millis(20));
        assert_eq!(
            gaps,
            [Gap {
                row: Row(0),
                stretch: stretch(60, 90)
            }]
        );
    }

    #[test]
    fn messages_and_what_follows_are_not_waited_for() {
        let mut follows = made(4, 1, 60, 80, "a.follows");
        follows.tie = Tie::FollowsFrom;
        let trace = trace(&[
            made(1, 0, 10, 100, "a.a").kind(Kind::Producer),
            made(2, 1, 20, 40, "b.b").kind(Kind::Consumer),
            follows,
        ]);
        let times = SelfTimes::of(&trace, trace.timing());
        assert_eq!(times.stretches(Row(0)), [stretch(10, 100)]);
    }

    proptest! {
        #[test]
        fn self_time_and_covered_time_make_the_span(spans in any_spans()) {
            let trace = trace(&spans);
            let times = SelfTimes::of(&trace, trace.timing());
            for row in trace.rows() {
                let whole = trace.timing().of(row);
                let mut at = whole.from;
                for part in times.stretches(row) {
                    prop_assert!(at <= part.from && part.from < part.to && part.to <= whole.to);
                    at = part.to;
                }
                let sum: u64 = times.stretches(row).iter().map(|part| part.nanos()).sum();
                prop_assert_eq!(sum, times.nanos(row));
                // Counted moment by moment, the slow way.
                let covered = |moment: i64| trace.children(row).any(|child| {
                    let child_time = trace.timing().of(child);
                    trace.is_awaited(child, trace.timing()) && child_time.from.0 <= moment && moment < child_time.to.0
                });
                let slow = (whole.from.0..whole.to.0).step_by(1_000_000).filter(|moment| !covered(*moment)).count();
                prop_assert_eq!(slow as u64 * 1_000_000, sum);
            }
        }
    }
}
