//! Finds traces: by id, or those with a span that a question is about, the newest first.

use std::collections::BTreeMap;

use super::{Jaeger, MOST_EXAMINED, SECOND};
use crate::demo::world::traces::{BATCH_LENGTH, REACH, Request, Resource, Span, Trace};

/// What a search asks for: one span that is all of this.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Any where empty.
    pub service: String,
    /// Any where empty.
    pub operation: String,
    /// Begin not before; nanoseconds.
    pub from: i64,
    /// Begin before; nanoseconds.
    pub to: i64,
    /// Length at least, nanoseconds.
    pub shortest: i64,
    /// Length at most, nanoseconds.
    pub longest: Option<i64>,
    /// Attributes with their values.
    pub attributes: Vec<(String, String)>,
    /// Traces at most.
    pub depth: usize,
}

impl Question {
    fn wants_failures(&self) -> bool {
        self.attributes
            .iter()
            .any(|(key, value)| key == "error" && value == "true")
    }

    /// Whether a request may have a span that is asked for; tells most of them apart before they are made.
    fn may_be(&self, request: &Request<'_>) -> bool {
        request.longest() >= self.shortest && (request.kind.may_fail() || !self.wants_failures())
    }

    fn is(&self, trace: &Trace, span: &Span) -> bool {
        let service = trace.resource(span).map_or("", |resource| resource.service);
        let length = span.end - span.start;
        (self.service.is_empty() || service == self.service)
            && (self.operation.is_empty() || span.name == self.operation)
            && (self.from..self.to).contains(&span.start)
            && length >= self.shortest
            && self.longest.is_none_or(|longest| length <= longest)
            && self
                .attributes
                .iter()
                .all(|(key, value)| has(trace, span, key, value))
    }
}

/// Whether a span has an attribute with a value; some names mean more than an attribute.
fn has(trace: &Trace, span: &Span, key: &str, value: &str) -> bool {
    let resource = trace.resource(span);
    let of_resource = |key: &str| {
        let all = resource.map(Resource::attributes).unwrap_or_default();
        all.iter()
            .any(|(name, held)| *name == key && held.to_string() == value)
    };
    match key {
        "error" => value == if span.failure.is_some() { "true" } else { "false" },
        "span.kind" => value.eq_ignore_ascii_case(span.kind.word()),
        "span.status" => value.eq_ignore_ascii_case(if span.failure.is_some() { "error" } else { "unset" }),
        "scope.name" => resource.is_some_and(|resource| resource.scope() == value),
        _ => {
            if let Some(key) = key.strip_prefix("resource.") {
                return of_resource(key);
            }
            let of_events = span.events.iter().flat_map(|event| &event.attributes);
            let own = span.attributes.iter().chain(of_events);
            let mut own = own.map(|(name, held)| *name == key && held.to_string() == value);
            own.any(|same| same) || of_resource(key)
        }
    }
}

/// What a list says of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Its id.
    pub id: u128,
    /// Service and operation of the span without a parent; none where it never came.
    pub root: Option<(&'static str, String)>,
    /// The first begin.
    pub start: i64,
    /// The last end.
    pub end: i64,
    /// Spans whose parent is not there.
    pub orphans: usize,
    /// Spans and failed spans by service.
    pub services: BTreeMap<&'static str, (usize, usize)>,
}

impl Summary {
    /// Of a trace.
    pub fn of(trace: &Trace) -> Self {
        let mut of = Self {
            id: trace.id,
            root: None,
            start: i64::MAX,
            end: i64::MIN,
            orphans: 0,
            services: BTreeMap::new(),
        };
        let mut ids = std::collections::HashSet::with_capacity(trace.count());
        for span in trace.spans() {
            let service = trace.resource(&span).map_or("", |resource| resource.service);
            (of.start, of.end) = (of.start.min(span.start), of.end.max(span.end));
            let (spans, failed) = of.services.entry(service).or_default();
            *spans += 1;
            *failed += usize::from(span.failure.is_some());
            // A parent comes before its children.
            match span.parent {
                None => of.root = of.root.or(Some((service, span.name.to_string()))),
                Some(parent) => of.orphans += usize::from(!ids.contains(&parent)),
            }
            ids.insert(span.id);
        }
        of
    }
}

impl Jaeger {
    /// A trace that is known, by id.
    pub fn get(&self, id: u128) -> Option<Trace> {
        let request = self.traces.find(id)?;
        let kept = request.known() <= self.now() && request.at >= self.oldest();
        kept.then(|| self.traces.trace(&request))
    }

    /// The traces with a span that is asked for and all of whose spans have come.
    pub fn find(&self, question: &Question) -> Vec<Trace> {
        let (now, mut found) = (self.now(), Vec::new());
        let from = question.from.max(self.oldest());
        let to = question.to.min(now);
        if to <= from {
            return found;
        }
        let service = Some(question.service.as_str()).filter(|service| !service.is_empty());
        let last = self.traces.second_of(to - 1).saturating_add(REACH);
        let last = last.min(self.traces.second_of(now));
        let first = self.traces.second_of(from) - REACH;
        // What began long before may have spans in the range all the same.
        let running = first - BATCH_LENGTH / SECOND..first;
        let mut examined = 0;
        for second in (running.start..=last).rev() {
            let mut requests = if running.contains(&second) {
                self.traces.batch(second).into_iter().collect()
            } else {
                self.traces.second(second, service)
            };
            requests.reverse();
            for request in requests {
                if request.known() > now || !question.may_be(&request) {
                    continue;
                }
                examined += 1;
                let trace = self.traces.trace(&request);
                let come = self.traces.settled(&request, &trace) <= now;
                if come && trace.spans().any(|span| question.is(&trace, &span)) {
                    found.push(trace);
                }
                if found.len() >= question.depth || examined >= MOST_EXAMINED {
                    return found;
                }
            }
        }
        found
    }

    /// How often services called each other in a stretch of time, from some of its seconds.
    pub fn dependencies(&self, from: i64, to: i64) -> BTreeMap<(&'static str, &'static str), u64> {
        /// Seconds that are looked at.
        const SAMPLED: i64 = 24;
        let (from, to) = (from.max(self.oldest()), to.min(self.now()));
        let mut calls = BTreeMap::new();
        if to <= from {
            return calls;
        }
        let (first, last) = (self.traces.second_of(from), self.traces.second_of(to - 1));
        let seconds = last - first + 1;
        let sampled = seconds.min(SAMPLED);
        for nth in 0..sampled {
            for request in self.traces.second(first + nth * seconds / sampled, None) {
                let trace = self.traces.trace(&request);
                // The batch is one of an hour; a sample of a second says nothing of it.
                if trace.count() > 10_000 {
                    continue;
                }
                let mut services: BTreeMap<u64, &'static str> = BTreeMap::new();
                for span in trace.spans() {
                    let service = trace.resource(&span).map_or("", |resource| resource.service);
                    services.insert(span.id, service);
                    let caller = span.parent.and_then(|parent| services.get(&parent));
                    if let Some(caller) = caller.filter(|caller| **caller != service) {
                        *calls.entry((*caller, service)).or_default() += 1;
                    }
                }
            }
        }
        for count in calls.values_mut() {
            *count = *count * seconds as u64 / sampled.max(1) as u64;
        }
        calls
    }
}
