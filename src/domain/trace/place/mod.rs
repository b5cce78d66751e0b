//! Placing: from spans in the order they came to rows in pre-order.
//!
//! Each step is a sort or one pass, so that a hundred thousand spans of any shape take some tens of
//! milliseconds, and nothing is deeper than a loop: [`Placing::kin`] finds parents, [`open_circles`] cuts
//! circles, [`Order`] walks the tree.

mod kin;
mod order;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::kin::{Circle, Kin, open_circles};
use self::order::Order;
use super::draft::{Found, Part};
use super::model::{Column, Marks, OperationId, Row, Stretch, Tables, Timing, Trace};
use super::summary::Lasted;
use super::{Nanos, Remark, SpanId, Standing, Times, TraceId};

/// A clock so far from the others is wrong rather than slow: 30 days, in nanoseconds.
const FAR: i64 = 30 * 24 * 3_600 * 1_000_000_000;

const NONE: u32 = Row::NONE;

/// What is placed: an answer's spans.
pub(super) struct Placing<'a> {
    pub spans: &'a [Found],
    pub operations: &'a [OperationId],
    pub more: &'a [(u32, Part)],
    pub tables: &'a Arc<Tables>,
    pub lost: &'a [Remark],
}

impl Placing<'_> {
    /// The trace of these spans, by their numbers; there is at least one.
    pub fn place(&self, id: TraceId, numbers: &[u32]) -> Trace {
        let spans: Vec<&Found> = numbers
            .iter()
            .map(|number| &self.spans[*number as usize])
            .collect();
        let mut kin = self.kin(&spans, numbers);
        let circles = open_circles(&spans, &mut kin);
        let order = Order::of(&spans, &kin);
        self.trace(id, &spans, numbers, &kin, order, &circles)
    }

    fn trace(
        &self,
        id: TraceId,
        spans: &[&Found],
        numbers: &[u32],
        kin: &Kin,
        order: Order,
        circles: &[Circle],
    ) -> Trace {
        let Order {
            places,
            rows,
            depths,
            ends,
            starts,
        } = order;
        let mut columns = Columns::with_capacity(places.len());
        // Spans lie as they came, far from each other: each is fetched once, and all of it taken.
        for (place, start) in places.iter().zip(&starts) {
            let operation = self.operations[numbers[*place as usize] as usize];
            columns.push(spans[*place as usize], operation, *start);
        }
        let parents: Vec<u32> = places
            .iter()
            .map(|place| kin.parents[*place as usize])
            .map(|parent| {
                if parent == NONE {
                    NONE
                } else {
                    rows[parent as usize]
                }
            })
            .collect();
        let mut by_id: Vec<(SpanId, Row)> = kin
            .by_id
            .iter()
            .map(|(id, place)| (*id, Row(rows[*place as usize])))
            .filter(|(_, row)| row.0 != NONE)
            .collect();
        // Sorted already, but for the rows of namesakes.
        by_id.sort_unstable();
        let of_number: BTreeMap<u32, u32> = if self.more.is_empty() {
            BTreeMap::new()
        } else {
            numbers
                .iter()
                .zip(&rows)
                .map(|(number, row)| (*number, *row))
                .collect()
        };
        let mut more: Vec<(Row, Part)> = self
            .more
            .iter()
            .filter_map(|(number, part)| Some((Row(*of_number.get(number)?), *part)))
            .filter(|(row, _)| row.0 != NONE)
            .collect();
        more.sort_by_key(|(row, _)| *row);
        let mut cut: Vec<Row> = circles
            .iter()
            .map(|circle| Row(rows[circle.cut as usize]))
            .collect();
        cut.sort_unstable();
        let mut trace = Trace {
            id,
            tables: Arc::clone(self.tables),
            ids: columns.ids,
            named: columns.named,
            roots: (0..)
                .zip(&parents)
                .filter(|(_, parent)| **parent == NONE)
                .map(|(row, _)| Row(row))
                .collect(),
            parents: Column(parents),
            depths: Column(depths),
            ends: Column(ends),
            timing: Timing {
                starts: Column(starts),
                lasts: columns.lasts,
            },
            operations: columns.operations,
            resources: columns.resources,
            scopes: columns.scopes,
            parts: columns.parts,
            marks: columns.marks,
            more,
            cut,
            by_id,
            primary: Row(0),
            extent: Stretch {
                from: Nanos(0),
                to: Nanos(0),
            },
            took: (Duration::ZERO, Lasted::Whole),
            remarks: Vec::new(),
        };
        trace.primary = primary(&trace);
        let far = extend(&mut trace);
        trace.took = took(&trace);
        trace.remarks = self.remarks(&trace, kin, circles, &rows, far);
        trace
    }

    fn remarks(
        &self,
        trace: &Trace,
        kin: &Kin,
        circles: &[Circle],
        rows: &[u32],
        far: Option<(u32, Row)>,
    ) -> Vec<Remark> {
        let mut remarks = self.lost.to_vec();
        if kin.twice > 0 {
            remarks.push(Remark::Twice(kin.twice));
        }
        let orphan = |row: &Row| match trace.standing(*row) {
            Standing::Orphan { missing } => Some((*row, missing)),
            Standing::Root | Standing::Child | Standing::Cut { .. } => None,
        };
        let mut orphans = trace.roots.iter().filter_map(orphan);
        if let Some((first, missing)) = orphans.next() {
            let spans = 1 + orphans.count() as u32;
            remarks.push(Remark::Orphans {
                spans,
                first,
                missing,
            });
        }
        for circle in circles {
            let cut = Row(rows[circle.cut as usize]);
            remarks.push(Remark::Cycle {
                spans: circle.spans,
                cut,
                named: trace.named[cut],
            });
        }
        if let Some(place) = kin.first_shared {
            remarks.push(Remark::SharedId {
                spans: kin.shared,
                first: Row(rows[place as usize]),
            });
        }
        let counted = |odd: &dyn Fn(Row) -> bool| {
            let mut odd = trace.rows().filter(|row| odd(*row));
            odd.next().map(|first| (1 + odd.count() as u32, first))
        };
        if let Some((spans, first)) = counted(&|row| trace.ids[row].is_none()) {
            remarks.push(Remark::NoId { spans, first });
        }
        if let Some((spans, first)) = counted(&|row| trace.marks[row].times != Times::Known) {
            remarks.push(Remark::Times { spans, first });
        }
        if let Some((spans, first)) = far {
            remarks.push(Remark::FarOff { spans, first });
        }
        remarks
    }
}

/// What is taken of each span as it came, by row.
struct Columns {
    ids: Column<SpanId>,
    named: Column<SpanId>,
    lasts: Column<i64>,
    operations: Column<OperationId>,
    resources: Column<u32>,
    scopes: Column<u32>,
    parts: Column<Part>,
    marks: Column<Marks>,
}

impl Columns {
    fn with_capacity(rows: usize) -> Self {
        Self {
            ids: Column(Vec::with_capacity(rows)),
            named: Column(Vec::with_capacity(rows)),
            lasts: Column(Vec::with_capacity(rows)),
            operations: Column(Vec::with_capacity(rows)),
            resources: Column(Vec::with_capacity(rows)),
            scopes: Column(Vec::with_capacity(rows)),
            parts: Column(Vec::with_capacity(rows)),
            marks: Column(Vec::with_capacity(rows)),
        }
    }

    fn push(&mut self, span: &Found, operation: OperationId, start: i64) {
        let times = times_of(span);
        self.ids.0.push(span.id);
        self.named.0.push(span.parent);
        self.lasts.0.push(match times {
            Times::Known => span.end - start,
            Times::NoStart | Times::NoEnd | Times::Neither | Times::Backwards => 0,
        });
        self.operations.0.push(operation);
        self.resources.0.push(span.resource);
        self.scopes.0.push(span.scope);
        self.parts.0.push(span.part);
        self.marks.0.push(Marks {
            kind: span.kind,
            status: span.status,
            tie: span.tie,
            times,
        });
    }
}

fn times_of(span: &Found) -> Times {
    match (span.start > 0, span.end > 0) {
        (true, true) if span.end < span.start => Times::Backwards,
        (true, true) => Times::Known,
        (false, true) => Times::NoStart,
        (true, false) => Times::NoEnd,
        (false, false) => Times::Neither,
    }
}

fn primary(trace: &Trace) -> Row {
    let rank = |row: &&Row| {
        let true_root = trace.standing(**row) == Standing::Root;
        (true_root, trace.timing.lasts[**row])
    };
    // The first of the best: `max_by_key` gives the last.
    trace
        .roots
        .iter()
        .rev()
        .max_by_key(rank)
        .copied()
        .unwrap_or(Row(0))
}

/// How long it took: once for all, for a trace may have as many roots as spans.
fn took(trace: &Trace) -> (Duration, Lasted) {
    let is_root = |row: &&Row| trace.standing(**row) == Standing::Root;
    let mut roots = trace.roots.iter().filter(is_root);
    match (roots.next(), roots.next()) {
        (Some(root), None) if trace.marks[*root].times == Times::Known => {
            (trace.span(*root).duration, Lasted::Root)
        }
        (Some(_) | None, _) => (trace.extent.duration(), Lasted::Whole),
    }
}

/// Sets the extent; tells the spans that are too far off to be in it.
fn extend(trace: &mut Trace) -> Option<(u32, Row)> {
    let mut known: Vec<i64> = trace
        .rows()
        .filter(|row| trace.marks[*row].times != Times::Neither)
        .map(|row| trace.timing.starts[row])
        .collect();
    if known.is_empty() {
        return None;
    }
    let middle = known.len() / 2;
    let (_, median, _) = known.select_nth_unstable(middle);
    let median = *median;
    let (mut from, mut to) = (i64::MAX, i64::MIN);
    let mut far: Option<(u32, Row)> = None;
    for row in trace.rows() {
        let (begin, end) = (trace.timing.start(row), trace.timing.end(row));
        if trace.marks[row].times == Times::Neither {
            continue;
        }
        if (begin - median).abs() > FAR || (end - median).abs() > FAR {
            far = Some(far.map_or((1, row), |(count, first)| (count + 1, first)));
        } else {
            from = from.min(begin);
            to = to.max(end);
        }
    }
    if from > to {
        (from, to) = (median, median);
    }
    trace.extent = Stretch {
        from: Nanos(from),
        to: Nanos(to),
    };
    far
}
