//! What a reader found in an answer, on its way to traces.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::detail::{Wire, unescaped};
use super::model::{Operation, OperationId, Tables, Trace};
use super::place::Placing;
use super::{Kind, Remark, SpanId, Status, Tie, TraceId};

/// The service of a span that names none, as OpenTelemetry has it.
const UNKNOWN: &str = "unknown_service";

/// A part of the answer's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Part {
    at: u32,
    length: u32,
}

impl Part {
    /// Of a range; empty where it lies beyond 4 GiB, which no answer may.
    pub fn of(range: &Range<usize>) -> Self {
        match (u32::try_from(range.start), u32::try_from(range.len())) {
            (Ok(at), Ok(length)) => Self { at, length },
            _ => Self::default(),
        }
    }

    /// As a range.
    pub fn range(self) -> Range<usize> {
        self.at as usize..self.at as usize + self.length as usize
    }
}

/// Who sent spans: a process, an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// The service, where it is said.
    pub service: Option<Arc<str>>,
    /// The host whose clock its times are of, where it is said.
    pub host: Option<Arc<str>>,
    /// Where its bytes stand.
    pub part: Part,
}

/// A span as it was found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Found {
    /// Of which trace: what [`Draft::trace`] gave.
    pub trace: u32,
    /// Its id; none where it came without.
    pub id: SpanId,
    /// The parent it names; none for a root.
    pub parent: SpanId,
    /// When it began, in nanoseconds since the epoch; 0 where it is not said.
    pub start: i64,
    /// When it ended; 0 where it is not said.
    pub end: i64,
    /// The inside of its name's JSON text.
    pub name: Part,
    /// Who sent it: what [`Draft::resource`] gave.
    pub resource: u32,
    /// By which library: what [`Draft::scope`] gave.
    pub scope: u32,
    /// What it is to its neighbours.
    pub kind: Kind,
    /// How it ended.
    pub status: Status,
    /// How it hangs on its parent.
    pub tie: Tie,
    /// Its whole object.
    pub part: Part,
}

/// Spans of one answer, in the order they stand in it.
#[derive(Debug)]
pub struct Draft {
    body: Arc<Vec<u8>>,
    wire: &'static dyn Wire,
    most: usize,
    traces: Vec<TraceId>,
    numbers: HashMap<TraceId, u32>,
    resources: Vec<Resource>,
    scopes: Vec<Part>,
    spans: Vec<Found>,
    more: Vec<(u32, Part)>,
    remarks: Vec<Remark>,
    beyond: u32,
    traceless: u32,
    unreadable: u32,
}

impl Draft {
    /// Of an answer, whose spans will be read by `wire`; at most so many of them.
    pub fn new(body: Arc<Vec<u8>>, wire: &'static dyn Wire, most: usize) -> Self {
        Self {
            body,
            wire,
            most: most.min(u32::MAX as usize - 1),
            traces: Vec::new(),
            numbers: HashMap::new(),
            resources: Vec::new(),
            scopes: Vec::new(),
            spans: Vec::new(),
            more: Vec::new(),
            remarks: Vec::new(),
            beyond: 0,
            traceless: 0,
            unreadable: 0,
        }
    }

    /// The number of a trace.
    pub fn trace(&mut self, id: TraceId) -> u32 {
        *self.numbers.entry(id).or_insert_with(|| {
            self.traces.push(id);
            self.traces.len() as u32 - 1
        })
    }

    /// The ids that were met so far.
    pub fn met(&self) -> &[TraceId] {
        &self.traces
    }

    /// Puts the spans of traces under the ids that they turned out to be of.
    pub fn rename(&mut self, ids: &HashMap<TraceId, TraceId>) {
        let numbers: HashMap<u32, u32> = ids
            .iter()
            .map(|(from, to)| (self.trace(*from), self.trace(*to)))
            .collect();
        for span in &mut self.spans {
            span.trace = *numbers.get(&span.trace).unwrap_or(&span.trace);
        }
    }

    /// A number for a resource that is told later: formats may name it behind its spans.
    pub fn resource(&mut self) -> u32 {
        self.resources.push(Resource::default());
        self.resources.len() as u32 - 1
    }

    /// Tells a resource.
    pub fn tell_resource(&mut self, number: u32, resource: Resource) {
        if let Some(slot) = self.resources.get_mut(number as usize) {
            *slot = resource;
        }
    }

    /// A number for an instrumentation scope that is told later.
    pub fn scope(&mut self) -> u32 {
        self.scopes.push(Part::default());
        self.scopes.len() as u32 - 1
    }

    /// Tells where a scope stands.
    pub fn tell_scope(&mut self, number: u32, part: Part) {
        if let Some(slot) = self.scopes.get_mut(number as usize) {
            *slot = part;
        }
    }

    /// A span; its number, where it was not one too many.
    pub fn span(&mut self, found: Found) -> Option<u32> {
        if self.spans.len() >= self.most {
            self.beyond += 1;
            return None;
        }
        self.spans.push(found);
        Some(self.spans.len() as u32 - 1)
    }

    /// What was told of a span, to be put right by what comes later.
    pub fn found(&mut self, number: u32) -> Option<&mut Found> {
        self.spans.get_mut(number as usize)
    }

    /// A further part of a span.
    pub fn part(&mut self, number: u32, part: Part) {
        self.more.push((number, part));
    }

    /// A span that names no trace: it is counted, and lost.
    pub fn traceless(&mut self) {
        self.traceless += 1;
    }

    /// A span that is none: it is counted, and lost.
    pub fn unreadable(&mut self) {
        self.unreadable += 1;
    }

    /// Something odd about the answer.
    pub fn remark(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    /// Places the spans: the traces in the order they came, and what is missing of the whole answer (which
    /// each of them says too).
    pub fn finish(mut self) -> (Vec<Trace>, Vec<Remark>) {
        for (count, remark) in [
            (self.beyond, Remark::TooMany as fn(u32) -> Remark),
            (self.traceless, Remark::NoTrace),
            (self.unreadable, Remark::Unreadable),
        ] {
            if count > 0 {
                self.remarks.push(remark(count));
            }
        }
        let (operations, of_spans) = self.operations();
        let tables = Arc::new(Tables {
            body: self.body,
            wire: self.wire,
            operations,
            resources: self.resources,
            scopes: self.scopes,
        });
        let mut numbers: Vec<u32> = (0..self.spans.len() as u32).collect();
        if self.traces.len() > 1 {
            numbers.sort_by_key(|number| self.spans[*number as usize].trace);
        }
        let more = self.more;
        let placing = Placing {
            spans: &self.spans,
            operations: &of_spans,
            more: &more,
            tables: &tables,
            lost: &self.remarks,
        };
        let same = |a: &u32, b: &u32| self.spans[*a as usize].trace == self.spans[*b as usize].trace;
        let traces = numbers
            .chunk_by(same)
            .map(|numbers| {
                placing.place(
                    self.traces[self.spans[numbers[0] as usize].trace as usize],
                    numbers,
                )
            })
            .collect();
        (traces, self.remarks)
    }

    /// Every operation once, and each span's.
    fn operations(&self) -> (Vec<Operation>, Vec<OperationId>) {
        let mut services: HashMap<&str, (u32, Arc<str>)> = HashMap::new();
        let mut of_resources: Vec<(u32, Arc<str>)> = Vec::with_capacity(self.resources.len());
        for resource in &self.resources {
            let name = resource.service.as_deref().filter(|name| !name.is_empty());
            let name = name.unwrap_or(UNKNOWN);
            let next = services.len() as u32;
            let service = services.entry(name).or_insert_with(|| (next, Arc::from(name)));
            of_resources.push(service.clone());
        }
        let mut known: HashMap<(u32, &[u8]), OperationId> = HashMap::new();
        let mut operations = Vec::new();
        let unknown = (u32::MAX, Arc::from(UNKNOWN));
        let of_spans = self.spans.iter().map(|span| {
            let (service, spelled) = of_resources.get(span.resource as usize).unwrap_or(&unknown);
            let name = self.body.get(span.name.range()).unwrap_or_default();
            *known.entry((*service, name)).or_insert_with(|| {
                operations.push(Operation {
                    service: Arc::clone(spelled),
                    name: Arc::from(&*unescaped(name)),
                });
                OperationId(operations.len() as u32 - 1)
            })
        });
        let of_spans = of_spans.collect();
        (operations, of_spans)
    }
}
