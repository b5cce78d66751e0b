//! Exemplars: single measurements that name the trace they were made in, by which a metric leads to a request.

use std::collections::HashSet;

use super::{Nanos, SpanId, TraceId};
use crate::domain::alert::Labels;

/// A measurement with its trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// The trace.
    pub trace: TraceId,
    /// The span, where it is told.
    pub span: Option<SpanId>,
    /// What was measured: seconds, for a histogram of durations.
    pub value: f64,
    /// When.
    pub at: Nanos,
    /// The series that it was kept with. Remote, not yet safe.
    pub series: Labels,
}

/// Those above a bound, the slowest first, each trace once: by its slowest.
pub fn above(exemplars: Vec<Exemplar>, bound: f64) -> Vec<Exemplar> {
    let mut slow: Vec<Exemplar> = exemplars.into_iter().filter(|each| each.value > bound).collect();
    slow.sort_by(|a, b| {
        let newer = || b.at.cmp(&a.at).then_with(|| a.trace.cmp(&b.trace));
        b.value.total_cmp(&a.value).then_with(newer)
    });
    let mut seen = HashSet::new();
    slow.retain(|each| seen.insert(each.trace));
    slow
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(trace: u8, value: f64, at: i64) -> Exemplar {
        Exemplar {
            trace: TraceId([trace; 16]),
            span: None,
            value,
            at: Nanos(at),
            series: Labels::default(),
        }
    }

    #[test]
    fn slow_ones_come_slowest_first_and_each_trace_once() {
        let all = vec![
            of(1, 0.2, 1),
            of(2, 0.9, 2),
            of(3, 2.5, 3),
            of(2, 1.5, 4),
            of(4, 1.5, 9),
            of(5, f64::NAN, 5),
        ];
        let found: Vec<_> = above(all, 0.3)
            .iter()
            .map(|each| (each.trace.0[0], each.value))
            .collect();
        assert_eq!(found, [(3, 2.5), (4, 1.5), (2, 1.5)]);
    }
}
