//! The trace itself: columns by row, rows in pre-order.

use std::fmt;
use std::ops::{ControlFlow, Index, Range};
use std::sync::Arc;
use std::time::Duration;

use super::detail::{Attribute, Detail, Wire};
use super::draft::{Part, Resource};
use super::summary::Lasted;
use super::{Kind, Nanos, Remark, SpanId, Standing, Status, Tie, Times, TraceId};

/// A span's place in its trace, from 0, in pre-order: a span's descendants are the rows right behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(pub u32);

impl Row {
    pub(super) const NONE: u32 = u32::MAX;

    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One value a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column<T>(pub(super) Vec<T>);

impl<T> Index<Row> for Column<T> {
    type Output = T;

    fn index(&self, row: Row) -> &T {
        &self.0[row.index()]
    }
}

impl<T> std::ops::IndexMut<Row> for Column<T> {
    fn index_mut(&mut self, row: Row) -> &mut T {
        &mut self.0[row.index()]
    }
}

impl<T> Column<T> {
    /// Its values, row after row.
    pub fn values(&self) -> &[T] {
        &self.0
    }
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stretch {
    /// From.
    pub from: Nanos,
    /// To, not before `from`.
    pub to: Nanos,
}

impl Stretch {
    /// How long.
    pub fn duration(self) -> Duration {
        Duration::from_nanos(self.nanos())
    }

    /// How long, in nanoseconds.
    pub fn nanos(self) -> u64 {
        self.to.0.saturating_sub(self.from.0).max(0) as u64
    }
}

/// When spans were: as they came ([`Trace::timing`]), or with clock skew taken out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timing {
    pub(super) starts: Column<i64>,
    pub(super) lasts: Column<i64>,
}

impl Timing {
    /// When a span was.
    pub fn of(&self, row: Row) -> Stretch {
        Stretch {
            from: Nanos(self.starts[row]),
            to: Nanos(self.end(row)),
        }
    }

    pub(super) fn start(&self, row: Row) -> i64 {
        self.starts[row]
    }

    pub(super) fn end(&self, row: Row) -> i64 {
        self.starts[row].saturating_add(self.lasts[row])
    }
}

/// Names an operation within the traces of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u32);

/// What a service does under one name. Remote text, not yet safe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operation {
    /// Of which service; `unknown_service` where nothing says it, as OpenTelemetry has it.
    pub service: Arc<str>,
    /// Its name; may be empty.
    pub name: Arc<str>,
}

/// What the traces of one answer share.
#[derive(Debug)]
pub(super) struct Tables {
    pub body: Arc<Vec<u8>>,
    pub wire: &'static dyn Wire,
    pub operations: Vec<Operation>,
    pub resources: Vec<Resource>,
    pub scopes: Vec<Part>,
}

impl Tables {
    fn bytes(&self, part: Part) -> &[u8] {
        self.body.get(part.range()).unwrap_or_default()
    }
}

/// The little that is said of each span in one word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    pub kind: Kind,
    pub status: Status,
    pub tie: Tie,
    pub times: Times,
}

/// A trace: at least one span.
pub struct Trace {
    pub(super) id: TraceId,
    pub(super) tables: Arc<Tables>,
    pub(super) ids: Column<SpanId>,
    /// As the spans name them.
    pub(super) named: Column<SpanId>,
    /// As they were found: `Row::NONE` for none.
    pub(super) parents: Column<u32>,
    pub(super) depths: Column<u32>,
    pub(super) ends: Column<u32>,
    pub(super) timing: Timing,
    pub(super) operations: Column<OperationId>,
    pub(super) resources: Column<u32>,
    pub(super) scopes: Column<u32>,
    pub(super) parts: Column<Part>,
    pub(super) marks: Column<Marks>,
    /// Further parts of spans that came in several, by row.
    pub(super) more: Vec<(Row, Part)>,
    /// Cut out of circles, ascending.
    pub(super) cut: Vec<Row>,
    /// Span ids with their rows, ascending.
    pub(super) by_id: Vec<(SpanId, Row)>,
    pub(super) roots: Vec<Row>,
    pub(super) primary: Row,
    pub(super) extent: Stretch,
    pub(super) took: (Duration, Lasted),
    pub(super) remarks: Vec<Remark>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("id", &self.id)
            .field("spans", &self.len())
            .field("remarks", &self.remarks)
            .finish_non_exhaustive()
    }
}

/// A row, read.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// Where it stands.
    pub row: Row,
    /// Its id; none where it came without.
    pub id: SpanId,
    /// The row it hangs on.
    pub parent: Option<Row>,
    /// How it came to stand there.
    pub standing: Standing,
    /// How it hangs on its parent.
    pub tie: Tie,
    /// Ancestors above it.
    pub depth: u32,
    /// When it began, as it came.
    pub start: Nanos,
    /// How long it took, as it came.
    pub duration: Duration,
    /// What is known of both.
    pub times: Times,
    /// Whose it is. Remote.
    pub service: &'a Arc<str>,
    /// What it does. Remote.
    pub operation: &'a Arc<str>,
    /// What it is to its neighbours.
    pub kind: Kind,
    /// How it ended.
    pub status: Status,
}

impl Trace {
    /// Its id.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// How many spans are shown; never 0.
    pub fn len(&self) -> usize {
        self.ids.0.len()
    }

    /// Never so.
    pub fn is_empty(&self) -> bool {
        self.ids.0.is_empty()
    }

    /// Every row, in pre-order.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = Row> + ExactSizeIterator + use<> {
        (0..self.len() as u32).map(Row)
    }

    /// A row, if there is such a one.
    pub fn row(&self, index: usize) -> Option<Row> {
        (index < self.len()).then_some(Row(index as u32))
    }

    /// A span. Panics, as indexing does, for a row of another trace that is longer.
    pub fn span(&self, row: Row) -> Span<'_> {
        let marks = self.marks[row];
        let operation = self.operation(self.operations[row]);
        Span {
            row,
            id: self.ids[row],
            parent: self.parent(row),
            standing: self.standing(row),
            tie: marks.tie,
            depth: self.depths[row],
            start: Nanos(self.timing.starts[row]),
            duration: Duration::from_nanos(self.timing.lasts[row] as u64),
            times: marks.times,
            service: &operation.service,
            operation: &operation.name,
            kind: marks.kind,
            status: marks.status,
        }
    }

    /// Every span, in pre-order.
    pub fn spans(&self) -> impl Iterator<Item = Span<'_>> {
        self.rows().map(|row| self.span(row))
    }

    /// Spans without a parent in the trace, as they began.
    pub fn roots(&self) -> &[Row] {
        &self.roots
    }

    /// The root that the trace is about: one that has no parent rather than one whose parent is missing, and
    /// of these the longest.
    pub fn primary(&self) -> Row {
        self.primary
    }

    /// How long it took: its root, where it has one alone and knows its times; else from its first moment to its last.
    pub fn took(&self) -> (Duration, Lasted) {
        self.took
    }

    /// The row it hangs on.
    pub fn parent(&self, row: Row) -> Option<Row> {
        let parent = self.parents[row];
        (parent != Row::NONE).then_some(Row(parent))
    }

    /// Its ancestors, nearest first.
    pub fn ancestors(&self, row: Row) -> impl Iterator<Item = Row> {
        std::iter::successors(self.parent(row), |row| self.parent(*row))
    }

    /// Its children, as they began.
    pub fn children(&self, row: Row) -> impl Iterator<Item = Row> {
        let end = self.ends[row];
        let first = Some(row.0 + 1).filter(|next| *next < end);
        std::iter::successors(first, move |child| {
            Some(self.ends[Row(*child)]).filter(|next| *next < end)
        })
        .map(Row)
    }

    /// It and all its descendants, as indices of rows.
    pub fn subtree(&self, row: Row) -> Range<usize> {
        row.index()..self.ends[row] as usize
    }

    /// How it came to stand where it stands.
    pub fn standing(&self, row: Row) -> Standing {
        let named = self.named[row];
        if self.parents[row] != Row::NONE {
            Standing::Child
        } else if named.is_none() {
            Standing::Root
        } else if self.cut.binary_search(&row).is_ok() {
            Standing::Cut { named }
        } else {
            Standing::Orphan { missing: named }
        }
    }

    /// Whether it has no parent and names none.
    pub fn is_root(&self, row: Row) -> bool {
        matches!(self.standing(row), Standing::Root)
    }

    /// Whether its parent waits for it: it is called rather than sent a message, and began while the parent
    /// ran.
    pub fn is_awaited(&self, row: Row, timing: &Timing) -> bool {
        let Some(parent) = self.parent(row) else {
            return false;
        };
        let (mine, above) = (self.marks[row], self.marks[parent]);
        let message = mine.kind == Kind::Consumer && above.kind == Kind::Producer;
        mine.tie == Tie::ChildOf && !message && timing.start(row) <= timing.end(parent)
    }

    /// Rows with this span id: one, or several that share it.
    pub fn find(&self, id: SpanId) -> impl Iterator<Item = Row> {
        let from = self.by_id.partition_point(|(other, _)| *other < id);
        let with = self.by_id[from..]
            .iter()
            .take_while(move |(other, _)| *other == id);
        with.map(|(_, row)| *row)
    }

    /// From the first moment of its spans to the last; those whose clock is far off left out.
    pub fn extent(&self) -> Stretch {
        self.extent
    }

    /// When its spans were, as they came.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// What was odd about it; what is missing first.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Which operation a span is of.
    pub fn operation_of(&self, row: Row) -> OperationId {
        self.operations[row]
    }

    /// An operation by its id.
    pub fn operation(&self, id: OperationId) -> &Operation {
        &self.tables.operations[id.0 as usize]
    }

    /// The host that a span's clock is of, where its resource tells.
    pub fn host(&self, row: Row) -> Option<&Arc<str>> {
        self.tables.resources[self.resources[row] as usize].host.as_ref()
    }

    /// All that a span tells, read now.
    pub fn detail(&self, row: Row) -> Detail<'_> {
        let mut detail = self.tables.wire.detail(self.raw(row));
        for part in self.further(row) {
            let further = self.tables.wire.detail(self.tables.bytes(part));
            detail.message = detail.message.or(further.message);
            detail.state = detail.state.or(further.state);
            detail.attributes.extend(further.attributes);
            detail.events.extend(further.events);
            detail.links.extend(further.links);
            detail.warnings.extend(further.warnings);
            detail.dropped = detail.dropped.saturating_add(further.dropped);
        }
        detail
    }

    /// A span's attributes one by one, until the visitor breaks off.
    pub fn attributes<'a>(&'a self, row: Row, visit: &mut dyn FnMut(Attribute<'a>) -> ControlFlow<()>) {
        let parts = std::iter::once(self.parts[row]).chain(self.further(row));
        for part in parts {
            let went = self.tables.wire.attributes(self.tables.bytes(part), visit);
            if went.is_break() {
                return;
            }
        }
    }

    /// The first attribute of that name, as text.
    pub fn attribute(&self, row: Row, key: &str) -> Option<String> {
        let mut found = None;
        self.attributes(row, &mut |attribute| {
            if attribute.key == key {
                found = Some(attribute.value.to_string());
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }

    /// The attributes of a span's resource.
    pub fn resource(&self, row: Row) -> Vec<Attribute<'_>> {
        let resource = &self.tables.resources[self.resources[row] as usize];
        self.tables.wire.resource(self.tables.bytes(resource.part))
    }

    /// Name, version and attributes of a span's instrumentation scope.
    pub fn scope(&self, row: Row) -> Vec<Attribute<'_>> {
        let scope = self.tables.scopes.get(self.scopes[row] as usize);
        scope.map_or_else(Vec::new, |part| self.tables.wire.scope(self.tables.bytes(*part)))
    }

    /// A span as it came: JSON of its source, the first part where it came in several.
    pub fn raw(&self, row: Row) -> &[u8] {
        self.tables.bytes(self.parts[row])
    }

    /// The whole answer as it came; other traces of the same answer are in it too.
    pub fn body(&self) -> &[u8] {
        &self.tables.body
    }

    /// Bytes held besides the body.
    pub fn held(&self) -> usize {
        let columns = size_of::<SpanId>() * 2
            + size_of::<u32>() * 6
            + size_of::<i64>() * 2
            + size_of::<Part>()
            + size_of::<Marks>()
            + size_of::<(SpanId, Row)>();
        let names: usize = self
            .tables
            .operations
            .iter()
            .map(|operation| operation.name.len() + 16 + size_of::<Operation>())
            .sum();
        self.len() * columns + names + self.tables.resources.len() * size_of::<Resource>()
    }

    fn further(&self, row: Row) -> impl Iterator<Item = Part> {
        let from = self.more.partition_point(|(other, _)| *other < row);
        let of_row = self.more[from..]
            .iter()
            .take_while(move |(other, _)| *other == row);
        of_row.map(|(_, part)| *part)
    }
}
