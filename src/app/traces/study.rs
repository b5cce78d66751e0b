//! A trace with everything that is said of it, worked out once, off the UI task.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::minimap::Minimap;
use crate::domain::trace::blame::{Fate, Origin, Origins};
use crate::domain::trace::critical::{BOTTLENECK, Bottleneck, CriticalPath};
use crate::domain::trace::explain::{self, ServiceTotal};
use crate::domain::trace::repeats::{self, Repeat, WORTH};
use crate::domain::trace::selftime::{Gap, SelfTimes};
use crate::domain::trace::skew::{Shift, Unskewed};
use crate::domain::trace::stats::{Measured, Statistics};
use crate::domain::trace::{Nanos, Row, Status, Stretch, Timing, Trace};

/// Gaps that are told.
const MOST_GAPS: usize = 12;
/// The share of a trace from which a stretch that no span tells of is a gap worth telling.
const GAP: u32 = 50;

/// A trace, studied.
#[derive(Debug)]
pub struct Study {
    /// The trace.
    pub trace: Arc<Trace>,
    /// Runs of equal siblings, by their first row; runs within runs too.
    pub runs: Vec<Repeat>,
    /// Failed spans, in order.
    pub errors: Vec<Row>,
    /// Ancestors of the deepest span.
    pub deepest: u32,
    /// Hosts whose clocks are off, by how much.
    pub shifts: Vec<Shift>,
    operations: Statistics,
    sent: Aspect,
    moved: Option<(Timing, Aspect)>,
}

/// Which times are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clocks {
    /// Those that came.
    #[default]
    Sent,
    /// With the hosts' skew taken out.
    Moved,
}

/// What depends on when the spans were.
#[derive(Debug)]
pub struct Aspect {
    /// From the first moment to the last.
    pub whole: Stretch,
    /// The same of the bars alone, by these clocks: without those that stand elsewhere as they came.
    pub bars: Stretch,
    /// When each span ran and nothing it waited for did.
    pub own: SelfTimes,
    /// The critical path of the primary root.
    pub path: CriticalPath,
    /// Rows of the path with time of their own on it, in order.
    pub on_path: Vec<Row>,
    /// Operations that make up much of the path.
    pub bottlenecks: Vec<Bottleneck>,
    /// Where failures began.
    pub origins: Origins,
    /// The trace in one line. Remote, not yet safe.
    pub line: String,
    /// Whose the time was.
    pub services: Vec<ServiceTotal>,
    /// Stretches of spans with children in which none of these ran, the longest of them.
    pub gaps: Vec<Gap>,
    /// Rows by self time, longest first.
    pub slowest: Vec<Row>,
    /// The trace in little.
    pub map: Minimap,
    /// From the first to the last moment of each span and all under it.
    reach: Vec<Stretch>,
}

impl Study {
    /// Works everything out; some hundred milliseconds for a hundred thousand spans.
    pub fn of(trace: Arc<Trace>) -> Self {
        let unskewed = Unskewed::of(&trace);
        let sent = Aspect::of(&trace, trace.timing());
        let moved = (!unskewed.shifts.is_empty()).then(|| {
            let aspect = Aspect::of(&trace, &unskewed.timing);
            (unskewed.timing, aspect)
        });
        let failed = trace.spans().filter(|span| span.status == Status::Error);
        Self {
            runs: repeats::of(&trace, trace.timing(), WORTH),
            errors: failed.map(|span| span.row).collect(),
            deepest: trace.spans().map(|span| span.depth).max().unwrap_or(0),
            shifts: unskewed.shifts,
            operations: Statistics::of([&*trace]),
            sent,
            moved,
            trace,
        }
    }

    /// What depends on the times, with these clocks.
    pub fn aspect(&self, clocks: Clocks) -> &Aspect {
        match (clocks, &self.moved) {
            (Clocks::Moved, Some((_, aspect))) => aspect,
            (Clocks::Sent | Clocks::Moved, _) => &self.sent,
        }
    }

    /// When the spans were, by these clocks.
    pub fn timing(&self, clocks: Clocks) -> &Timing {
        match (clocks, &self.moved) {
            (Clocks::Moved, Some((timing, _))) => timing,
            (Clocks::Sent | Clocks::Moved, _) => self.trace.timing(),
        }
    }

    /// The spans of the same operation in this trace.
    pub fn alike(&self, row: Row) -> Option<&Measured> {
        self.operations
            .operation(self.trace.operation(self.trace.operation_of(row)))
    }

    /// Failed spans among some rows.
    pub fn failed_within(&self, rows: &Range<usize>) -> usize {
        within(&self.errors, rows).len()
    }
}

/// The rows of an ascending list that lie in a range.
pub fn within<'a>(list: &'a [Row], rows: &Range<usize>) -> &'a [Row] {
    let from = list.partition_point(|row| row.index() < rows.start);
    let to = list.partition_point(|row| row.index() < rows.end);
    list.get(from..to).unwrap_or_default()
}

impl Aspect {
    fn of(trace: &Trace, timing: &Timing) -> Self {
        let own = SelfTimes::of(trace, timing);
        let path = CriticalPath::of(trace, timing, trace.primary());
        let origins = Origins::of(trace, timing, Some(&path));
        let reach = reach(trace, timing);
        let whole = whole(trace, &reach);
        let least = Duration::from_nanos(whole.nanos()) / GAP;
        let mut gaps = own.gaps(trace, least.max(Duration::from_nanos(1)));
        gaps.truncate(MOST_GAPS);
        Self {
            line: explain::line(trace, timing, &path, &origins),
            services: explain::services(trace, &own, &path),
            bottlenecks: path.bottlenecks(trace, BOTTLENECK),
            on_path: path
                .steps()
                .iter()
                .filter(|step| step.own > 0)
                .map(|step| step.row)
                .collect(),
            slowest: own.slowest(),
            map: Minimap::of(trace, timing, whole),
            bars: bars(trace, timing, whole),
            gaps,
            whole,
            own,
            path,
            origins,
            reach,
        }
    }

    /// From the first to the last moment of a span and all under it.
    pub fn reach(&self, row: Row) -> Stretch {
        self.reach[row.index()]
    }

    /// Whose time the path is at a moment; none outside of it.
    pub fn path_at(&self, at: Nanos) -> Option<Row> {
        let sections = self.path.sections();
        let index = sections.partition_point(|section| section.stretch.to <= at);
        let section = sections.get(index)?;
        (section.stretch.from <= at).then_some(section.row)
    }

    /// The span that explains the trace: where its failure began, else the one with the most of the path.
    pub fn explaining(&self) -> Option<Row> {
        let awaited = |origin: &&Origin| origin.fate != Fate::Unawaited;
        let origin = self.origins.origins.first().filter(awaited);
        let bottleneck = || self.bottlenecks.first().map(|most| most.row);
        let step = || {
            self.path
                .steps()
                .iter()
                .max_by_key(|step| step.own)
                .map(|step| step.row)
        };
        origin.map(|origin| origin.row).or_else(bottleneck).or_else(step)
    }

    /// Whether a span is on the critical path, or passes it on to one that is.
    pub fn is_on_path(&self, row: Row) -> bool {
        self.path.step(row).is_some()
    }
}

/// Of every row, from below.
fn reach(trace: &Trace, timing: &Timing) -> Vec<Stretch> {
    let mut reach: Vec<Stretch> = trace.rows().map(|row| timing.of(row)).collect();
    for row in trace.rows().rev() {
        let mine = reach[row.index()];
        if let Some(parent) = trace.parent(row) {
            let above = &mut reach[parent.index()];
            above.from = above.from.min(mine.from);
            above.to = above.to.max(mine.to);
        }
    }
    reach
}

/// From the first bar's begin to the last one's end; clocks that are far off left out.
fn bars(trace: &Trace, timing: &Timing, whole: Stretch) -> Stretch {
    let bars = trace.rows().map(|row| timing.of(row));
    let near = bars.filter(|bar| bar.from >= whole.from && bar.to <= whole.to);
    near.reduce(|all, bar| Stretch {
        from: all.from.min(bar.from),
        to: all.to.max(bar.to),
    })
    .unwrap_or(whole)
}

/// The trace's extent, and where moved clocks put its roots.
fn whole(trace: &Trace, reach: &[Stretch]) -> Stretch {
    let extent = trace.extent();
    let primary = reach[trace.primary().index()];
    // Clocks that are far off are left out of the extent, and so they are here.
    let near = |at: Nanos| at.0.abs_diff(extent.from.0) <= extent.nanos().saturating_mul(2);
    Stretch {
        from: Some(primary.from)
            .filter(|at| near(*at))
            .map_or(extent.from, |at| at.min(extent.from)),
        to: Some(primary.to)
            .filter(|at| near(*at))
            .map_or(extent.to, |at| at.max(extent.to)),
    }
}
