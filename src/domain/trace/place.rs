//! Placing: from spans in the order they came to rows in pre-order.
//!
//! Each step is a sort or one pass, so that a hundred thousand spans of any shape take some tens of milliseconds, and
//! nothing is deeper than a loop: [`Placing::kin`] finds parents, [`open_circles`] cuts circles, [`Order`] walks the tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draft::{Found, Part};
use super::model::{Column, Marks, OperationId, Row, Stretch, Tables, Timing, Trace};
use super::{Kind, Nanos, Remark, SpanId, Standing, Times, TraceId};

/// Spans of one id that are compared with each other; more of them would make it quadratic.
const NAMESAKES: usize = 16;

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

/// Who hangs on whom. Spans are named by their place in the trace's list of numbers.
struct Kin {
    /// By place; `NONE` for roots.
    parents: Vec<u32>,
    /// Came again, by place.
    again: Vec<bool>,
    twice: u32,
    shared: u32,
    first_shared: Option<u32>,
    /// Ids with their places, ascending.
    by_id: Vec<(SpanId, u32)>,
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

    fn kin(&self, spans: &[&Found], numbers: &[u32]) -> Kin {
        let mut kin = Kin {
            parents: vec![NONE; spans.len()],
            again: vec![false; spans.len()],
            twice: 0,
            shared: 0,
            first_shared: None,
            by_id: Vec::new(),
        };
        let mut by_id: Vec<(SpanId, u32)> = with_place(spans, |span| span.id);
        let mut by_parent: Vec<(SpanId, u32)> = with_place(spans, |span| span.parent);
        by_id.sort_unstable();
        by_parent.sort_unstable();
        let mut children = by_parent.iter().peekable();
        let mut within: Vec<(u32, u32)> = Vec::new();
        let mut kept: Vec<u32> = Vec::new();
        for group in by_id.chunk_by(|a, b| a.0 == b.0) {
            let id = group[0].0;
            self.without_copies(spans, numbers, group, &mut kin, &mut kept);
            while children.next_if(|(parent, _)| *parent < id).is_some() {}
            while let Some((_, child)) = children.next_if(|(parent, _)| *parent == id) {
                kin.parents[*child as usize] = self.parent_of(spans, numbers, *child, &kept);
            }
            if kept.len() > 1 {
                share(spans, &kept, &mut kin, &mut within);
            }
        }
        kin.by_id = by_id;
        // Last, for a server that shares its client's id names the client's parent too.
        for (server, client) in within {
            kin.parents[server as usize] = client;
        }
        kin
    }

    /// The spans of one id without those that came again with nothing different.
    fn without_copies(
        &self,
        spans: &[&Found],
        numbers: &[u32],
        group: &[(SpanId, u32)],
        kin: &mut Kin,
        kept: &mut Vec<u32>,
    ) {
        kept.clear();
        for (_, place) in group {
            let mine = spans[*place as usize];
            let said = |place: u32| self.operations[numbers[place as usize] as usize];
            let copy = kept.iter().rev().take(NAMESAKES).any(|other| {
                let other_span = spans[*other as usize];
                (other_span.parent, other_span.start, other_span.end) == (mine.parent, mine.start, mine.end)
                    && (other_span.kind, other_span.status) == (mine.kind, mine.status)
                    && said(*other) == said(*place)
            });
            if copy {
                kin.again[*place as usize] = true;
                kin.twice += 1;
            } else {
                kept.push(*place);
            }
        }
    }

    /// Which of the spans with the id that a child names is its parent: of its own service if there is one, else the
    /// server, else the first; not itself.
    fn parent_of(&self, spans: &[&Found], numbers: &[u32], child: u32, group: &[u32]) -> u32 {
        let [first, others @ ..] = group else {
            return NONE;
        };
        if others.is_empty() {
            return *first;
        }
        let service = |place: u32| {
            let operation = self.operations[numbers[place as usize] as usize];
            &self.tables.operations[operation.0 as usize].service
        };
        let rank = |place: &&u32| {
            let span = spans[**place as usize];
            (
                **place != child,
                service(**place) == service(child),
                span.kind == Kind::Server,
            )
        };
        // The first of the best: `max_by_key` gives the last.
        let best = group.iter().take(NAMESAKES).rev().max_by_key(rank);
        best.copied().unwrap_or(*first)
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
        let mut lasts = Vec::with_capacity(places.len());
        let mut marks = Vec::with_capacity(places.len());
        for (row, place) in places.iter().enumerate() {
            let span = spans[*place as usize];
            let times = times_of(span);
            lasts.push(match times {
                Times::Known => span.end - starts[row],
                Times::NoStart | Times::NoEnd | Times::Neither | Times::Backwards => 0,
            });
            marks.push(Marks {
                kind: span.kind,
                status: span.status,
                tie: span.tie,
                times,
            });
        }
        let column =
            |of: &dyn Fn(&Found) -> u32| Column(places.iter().map(|at| of(spans[*at as usize])).collect());
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
            ids: Column(places.iter().map(|place| spans[*place as usize].id).collect()),
            named: Column(places.iter().map(|place| spans[*place as usize].parent).collect()),
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
                lasts: Column(lasts),
            },
            operations: Column(
                places
                    .iter()
                    .map(|at| self.operations[numbers[*at as usize] as usize])
                    .collect(),
            ),
            resources: column(&|span| span.resource),
            scopes: column(&|span| span.scope),
            parts: Column(places.iter().map(|place| spans[*place as usize].part).collect()),
            marks: Column(marks),
            more,
            cut,
            by_id,
            primary: Row(0),
            extent: Stretch {
                from: Nanos(0),
                to: Nanos(0),
            },
            remarks: Vec::new(),
        };
        trace.primary = primary(&trace);
        let far = extend(&mut trace);
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

/// Spans with their places, those without such an id left out.
fn with_place(spans: &[&Found], id: fn(&Found) -> SpanId) -> Vec<(SpanId, u32)> {
    let all = spans.iter().zip(0..).map(|(span, place)| (id(span), place));
    all.filter(|(id, _)| !id.is_none()).collect()
}

/// Spans that share an id: a server hangs on its client, others are counted.
fn share(spans: &[&Found], group: &[u32], kin: &mut Kin, within: &mut Vec<(u32, u32)>) {
    let kind = |place: &u32| spans[*place as usize].kind;
    let client = group.iter().copied().find(|place| kind(place) == Kind::Client);
    let mut known = client.is_some();
    for place in group {
        match client {
            Some(client) if kind(place) == Kind::Server => within.push((*place, client)),
            Some(client) if *place == client => {}
            _ if !known => known = true,
            _ => {
                kin.shared += 1;
                kin.first_shared = kin.first_shared.or(Some(*place));
            }
        }
    }
}

/// A circle that was opened.
struct Circle {
    cut: u32,
    spans: u32,
}

/// Cuts every circle of parents at the member that began first.
fn open_circles(spans: &[&Found], kin: &mut Kin) -> Vec<Circle> {
    let mut circles = Vec::new();
    // The walk that came by; 0 for none.
    let mut seen = vec![0_u32; spans.len()];
    for (begin, walk) in (0..spans.len() as u32).zip(1..) {
        let mut at = begin;
        while at != NONE && seen[at as usize] == 0 {
            seen[at as usize] = walk;
            at = kin.parents[at as usize];
        }
        if at == NONE || seen[at as usize] != walk {
            continue;
        }
        let mut members = 0;
        let mut cut = at;
        let mut member = at;
        loop {
            members += 1;
            let earlier = |place: u32| (spans[place as usize].start, place);
            if earlier(member) < earlier(cut) {
                cut = member;
            }
            member = kin.parents[member as usize];
            if member == at {
                break;
            }
        }
        kin.parents[cut as usize] = NONE;
        circles.push(Circle { cut, spans: members });
    }
    circles
}

/// Rows in pre-order, siblings as they began.
struct Order {
    /// Of each row, where its span stands in the list.
    places: Vec<u32>,
    /// Of each place, its row; `NONE` for what came again.
    rows: Vec<u32>,
    depths: Vec<u32>,
    ends: Vec<u32>,
    starts: Vec<i64>,
}

impl Order {
    fn of(spans: &[&Found], kin: &Kin) -> Self {
        // Without a begin it stands where it ended; with neither, in front of its siblings, where the parent begins.
        let begins = |span: &Found| if span.start > 0 { span.start } else { span.end };
        let mut sorted: Vec<(i64, i64, u32)> = spans
            .iter()
            .zip(0..)
            .filter(|(_, place)| !kin.again[*place as usize])
            .map(|(span, place)| (begins(span), -span.end, place))
            .collect();
        sorted.sort_unstable();
        // Children of each parent side by side, the roots' behind the last.
        let slot = |parent: u32| {
            if parent == NONE {
                spans.len()
            } else {
                parent as usize
            }
        };
        let mut offsets = vec![0_u32; spans.len() + 2];
        for (_, _, place) in &sorted {
            offsets[slot(kin.parents[*place as usize]) + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut filled = offsets.clone();
        let mut children = vec![0_u32; sorted.len()];
        for (_, _, place) in &sorted {
            let next = &mut filled[slot(kin.parents[*place as usize])];
            children[*next as usize] = *place;
            *next += 1;
        }
        let under = |slot: usize| &children[offsets[slot] as usize..offsets[slot + 1] as usize];

        let mut order = Self {
            places: Vec::with_capacity(sorted.len()),
            rows: vec![NONE; spans.len()],
            depths: Vec::with_capacity(sorted.len()),
            ends: Vec::new(),
            starts: Vec::with_capacity(sorted.len()),
        };
        let mut waiting: Vec<(u32, u32)> = under(spans.len()).iter().rev().map(|root| (*root, 0)).collect();
        let first = sorted.iter().map(|(begin, ..)| *begin).find(|begin| *begin > 0);
        while let Some((place, depth)) = waiting.pop() {
            let row = order.places.len() as u32;
            let begin = match begins(spans[place as usize]) {
                begin if begin > 0 => begin,
                _ => match kin.parents[place as usize] {
                    NONE => first.unwrap_or_default(),
                    parent => order.starts[order.rows[parent as usize] as usize],
                },
            };
            order.rows[place as usize] = row;
            order.places.push(place);
            order.depths.push(depth);
            order.starts.push(begin);
            waiting.extend(
                under(place as usize)
                    .iter()
                    .rev()
                    .map(|child| (*child, depth + 1)),
            );
        }
        order.ends = (1..=order.places.len() as u32).collect();
        for row in (0..order.places.len()).rev() {
            let parent = kin.parents[order.places[row] as usize];
            if parent != NONE {
                let parent = order.rows[parent as usize] as usize;
                order.ends[parent] = order.ends[parent].max(order.ends[row]);
            }
        }
        order
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
