//! The critical path: what a trace would have to do faster to be faster.
//!
//! A cursor walks back from a span's end. Of the awaited children that run where it stands, the one that
//! began first is descended into; where none runs, the time is the span's own. So the sections tile the span
//! exactly, whatever its children do: overlap, touch, outlast it. Each span is descended into once at most;
//! O(n log n), on a stack of its own.
//!
//! *Drag* is how much sooner the whole would end if a span took no time: as far as the next of its siblings reaches.
//! (The idea of both is from Uber's CRISP, "Critical Path Analysis of Large-Scale Microservice
//! Architectures", 2022.)

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::{Nanos, OperationId, Row, Stretch, Timing, Trace};

/// A stretch of the path, with the span whose own time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Whose.
    pub row: Row,
    /// When.
    pub stretch: Stretch,
}

/// A span on the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub row: Row,
    /// When it or a descendant of it is the path.
    pub holds: Stretch,
    /// Of that, what is its own: the sum of its sections, in nanoseconds.
    pub own: u64,
    /// How much sooner the whole would end if it took no time, in nanoseconds.
    pub drag: u64,
}

/// The critical path of a span, usually of a trace's primary root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticalPath {
    whole: Stretch,
    sections: Vec<Section>,
    steps: Vec<Step>,
    clipped: u64,
}

/// An operation that makes up much of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bottleneck {
    /// Which.
    pub operation: OperationId,
    /// Spans of it on the path.
    pub spans: u32,
    /// The one with the most of it.
    pub row: Row,
    /// Its own time on the path, in nanoseconds.
    pub nanos: u64,
}

/// The share of the path from which an operation is a bottleneck.
pub const BOTTLENECK: f64 = 0.2;

/// A span that is descended into.
struct Frame {
    step: usize,
    row: Row,
    low: i64,
    at: i64,
    /// Its children in the arena, latest end first; from `next` on not yet reached.
    next: usize,
    base: usize,
    /// Children that run at `at`, by their begin.
    running: BinaryHeap<Reverse<(i64, Row)>>,
    drag: u64,
}

impl CriticalPath {
    /// Of a span and what is under it.
    pub fn of(trace: &Trace, timing: &Timing, root: Row) -> Self {
        let whole = timing.of(root);
        let mut path = Self {
            whole,
            sections: Vec::new(),
            steps: Vec::new(),
            clipped: 0,
        };
        let mut arena: Vec<(i64, Row)> = Vec::new();
        let mut stack = Vec::new();
        if whole.from < whole.to {
            let all = whole.nanos();
            stack.push(path.enter(trace, timing, &mut arena, root, whole, all));
        }
        while let Some(frame) = stack.last_mut() {
            if frame.at <= frame.low {
                arena.truncate(frame.base);
                stack.pop();
                continue;
            }
            while let Some((end, child)) = arena.get(frame.next)
                && *end >= frame.at
            {
                frame.running.push(Reverse((timing.start(*child), *child)));
                frame.next += 1;
            }
            let begun = |top: &Reverse<(i64, Row)>, at: i64| top.0.0 < at;
            let unreached = arena.get(frame.next).map_or(i64::MIN, |(end, _)| *end);
            let top = frame.running.pop().filter(|top| begun(top, frame.at));
            if let Some(Reverse((start, child))) = top {
                let high = frame.at;
                let low = start.max(frame.low);
                let others = frame.running.peek().is_some_and(|top| begun(top, high));
                let next = if others { high } else { unreached.max(low) };
                let drag = frame.drag.min((high - next) as u64);
                frame.at = low;
                let holds = Stretch {
                    from: Nanos(low),
                    to: Nanos(high),
                };
                stack.push(path.enter(trace, timing, &mut arena, child, holds, drag));
            } else {
                let from = unreached.max(frame.low);
                path.own(frame.step, frame.row, from, frame.at);
                frame.at = from;
            }
        }
        path.sections.reverse();
        path.steps.sort_unstable_by_key(|step| step.row);
        path
    }

    fn enter(
        &mut self,
        trace: &Trace,
        timing: &Timing,
        arena: &mut Vec<(i64, Row)>,
        row: Row,
        holds: Stretch,
        drag: u64,
    ) -> Frame {
        let base = arena.len();
        let (low, high) = (holds.from.0, holds.to.0);
        let useful = trace.children(row).filter(|child| {
            let (start, end) = (timing.start(*child), timing.end(*child));
            start < end && start < high && end > low && trace.is_awaited(*child, timing)
        });
        arena.extend(useful.map(|child| (timing.end(child), child)));
        arena[base..].sort_unstable_by_key(|(end, child)| Reverse((*end, Reverse(*child))));
        if let (Some(parent), false) = (trace.parent(row), self.steps.is_empty()) {
            let outlasts = (timing.end(row) - timing.end(parent)).max(0);
            let precedes = (timing.start(parent) - timing.start(row)).max(0);
            self.clipped = self.clipped.saturating_add((outlasts + precedes) as u64);
        }
        self.steps.push(Step {
            row,
            holds,
            own: 0,
            drag,
        });
        Frame {
            step: self.steps.len() - 1,
            row,
            low,
            at: high,
            next: base,
            base,
            running: BinaryHeap::new(),
            drag,
        }
    }

    fn own(&mut self, step: usize, row: Row, from: i64, to: i64) {
        self.steps[step].own += (to - from) as u64;
        // Sections come last first.
        match self.sections.last_mut() {
            Some(last) if last.row == row && last.stretch.from.0 == to => last.stretch.from = Nanos(from),
            _ => self.sections.push(Section {
                row,
                stretch: Stretch {
                    from: Nanos(from),
                    to: Nanos(to),
                },
            }),
        }
    }

    /// What it is the path of; its sections tile this.
    pub fn whole(&self) -> Stretch {
        self.whole
    }

    /// Its sections, first to last, without a hole.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Its spans, by row.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// A span's part in it. A folded row holds what its descendants hold.
    pub fn step(&self, row: Row) -> Option<&Step> {
        let at = self.steps.binary_search_by_key(&row, |step| step.row).ok()?;
        self.steps.get(at)
    }

    /// How far its spans stand out of their parents, in nanoseconds in all: with much of it (or with moved
    /// clocks) the path is approximate.
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// Operations whose own time makes up more than this share of it, greatest first.
    pub fn bottlenecks(&self, trace: &Trace, share: f64) -> Vec<Bottleneck> {
        let mut of: BTreeMap<OperationId, (Bottleneck, u64)> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.own > 0) {
            let operation = trace.operation_of(step.row);
            let fresh = Bottleneck {
                operation,
                spans: 0,
                row: step.row,
                nanos: 0,
            };
            let (sum, most) = of.entry(operation).or_insert((fresh, 0));
            sum.spans += 1;
            sum.nanos += step.own;
            if step.own > *most {
                (sum.row, *most) = (step.row, step.own);
            }
        }
        let least = self.whole.nanos() as f64 * share;
        let mut all: Vec<Bottleneck> = of.into_values().map(|(sum, _)| sum).collect();
        all.retain(|sum| sum.nanos as f64 > least);
        all.sort_by_key(|sum| Reverse(sum.nanos));
        all
    }

    /// How long it is.
    pub fn duration(&self) -> Duration {
        self.whole.duration()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::selftime::SelfTimes;
    use super::super::tests::{BEGIN, MS, Made, any_spans, made, trace};
    use super::super::{Kind, SpanId};
    use super::*;

    fn path(spans: &[Made]) -> (Trace, CriticalPath) {
        let trace = trace(spans);
        let path = CriticalPath::of(&trace, trace.timing(), trace.primary());
        (trace, path)
    }

    /// Sections as (id, from, to) in milliseconds.
    fn sections(trace: &Trace, path: &CriticalPath) -> Vec<(u64, i64, i64)> {
        let millis = |at: Nanos| (at.0 - BEGIN) / MS;
        let one = |section: &Section| {
            let id = trace.span(section.row).id.0;
            (id, millis(section.stretch.from), millis(section.stretch.to))
        };
        path.sections().iter().map(one).collect()
    }

    #[test]
    fn overlapping_siblings_are_both_on_the_path() {
        let (trace, path) = path(&[
            made(1, 0, 1, 101, "p.p"),
            made(2, 1, 11, 61, "a.a"),
            made(3, 1, 51, 91, "b.b"),
        ]);
        // From the end: B runs at 91, but A, which began first, is only met where B began.
        assert_eq!(
            sections(&trace, &path),
            [(1, 1, 11), (2, 11, 51), (3, 51, 91), (1, 91, 101)]
        );
        let drag = |id: u64| path.step(trace.find(SpanId(id)).next().unwrap()).unwrap().drag / MS as u64;
        assert_eq!(
            (drag(2), drag(3)),
            (40, 30),
            "without B the path would fall to A's end"
        );
    }

    #[test]
    fn touching_siblings_are_both_on_the_path() {
        let (trace, path) = path(&[
            made(1, 0, 1, 101, "p.p"),
            made(2, 1, 11, 51, "a.a"),
            made(3, 1, 51, 91, "b.b"),
        ]);
        assert_eq!(
            sections(&trace, &path),
            [(1, 1, 11), (2, 11, 51), (3, 51, 91), (1, 91, 101)]
        );
    }

    #[test]
    fn messages_children_after_the_end_and_empty_ones_are_not_on_the_path() {
        let (trace, path) = path(&[
            made(1, 0, 1, 101, "p.p").kind(Kind::Producer),
            made(2, 1, 11, 90, "a.a").kind(Kind::Consumer),
            made(3, 1, 150, 191, "b.b"),
            made(4, 1, 60, 60, "c.c"),
            made(5, 1, 80, 160, "d.d"),
        ]);
        assert_eq!(sections(&trace, &path), [(1, 1, 80), (5, 80, 101)]);
        assert_eq!(path.clipped(), 59 * MS as u64);
    }

    #[test]
    fn many_small_ones_make_one_bottleneck() {
        let mut spans = vec![made(1, 0, 1, 101, "p.p")];
        spans.extend((0..9).map(|index| {
            made(
                10 + index,
                1,
                5 + 10 * index.cast_signed(),
                14 + 10 * index.cast_signed(),
                "db.query",
            )
        }));
        let (trace, path) = path(&spans);
        let found = path.bottlenecks(&trace, BOTTLENECK);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].spans, found[0].nanos), (9, 81 * MS as u64));
        assert_eq!(&*trace.operation(found[0].operation).name, "query");
    }

    #[test]
    fn deep_wide_and_long_traces_take_a_loop() {
        let chain: Vec<Made> = (1..=100_000).map(|id| made(id, id - 1, 1, 100, "a.a")).collect();
        let (_, deep) = path(&chain);
        assert_eq!(deep.steps().len(), 100_000);
        let mut row = vec![made(1, 0, 1, 40_001, "a.a")];
        row.extend((0..20_000_u32).map(|index| {
            let from = 1 + 2 * i64::from(index);
            made(2 + u64::from(index), 1, from, from + 2, "a.b")
        }));
        let (_, long) = path(&row);
        assert_eq!(long.sections().len(), 20_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn sections_tile_the_root_and_lie_in_self_time(spans in any_spans()) {
            let trace = trace(&spans);
            let times = SelfTimes::of(&trace, trace.timing());
            for root in trace.rows() {
                let path = CriticalPath::of(&trace, trace.timing(), root);
                let mut at = path.whole().from;
                for section in path.sections() {
                    prop_assert_eq!(section.stretch.from, at);
                    prop_assert!(section.stretch.from < section.stretch.to);
                    at = section.stretch.to;
                    let own = times.stretches(section.row);
                    let within = |own: &Stretch| own.from <= section.stretch.from && section.stretch.to <= own.to;
                    prop_assert!(own.iter().any(within), "{section:?} is not in {own:?}");
                }
                prop_assert_eq!(at, path.whole().to);
                let sum: u64 = path.steps().iter().map(|step| step.own).sum();
                prop_assert_eq!(sum, path.whole().nanos());
                for step in path.steps() {
                    prop_assert!(step.drag <= step.holds.nanos());
                }
            }
        }
    }
}
