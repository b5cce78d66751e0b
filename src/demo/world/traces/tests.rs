use std::collections::{BTreeMap, BTreeSet};

use super::super::tests::world;
use super::*;

fn traces(scenario: Scenario) -> Traces {
    Traces::new(Arc::new(world(scenario, 1)))
}

/// Seconds of the story: the pool dry, before all of it, shipping's trouble, the batch's begin.
fn seconds() -> impl Iterator<Item = i64> {
    (-60..20)
        .chain(-9_000..-8_960)
        .chain(-2_500..-2_470)
        .chain(-1_201..-1_199)
}

/// Every trace of those seconds, with its request.
fn each(traces: &Traces, mut look: impl FnMut(&Request<'_>, &Trace)) {
    for second in seconds() {
        for request in traces.second(second, None) {
            look(&request, &traces.trace(&request));
        }
    }
}

/// The traces of a kind in a minute at the story's height.
fn of_kind(traces: &Traces, kind: Kind) -> Vec<Trace> {
    let requests = (-60..0).flat_map(|second| traces.second(second, None));
    requests
        .filter(|request| request.kind == kind)
        .map(|request| traces.trace(&request))
        .collect()
}

fn named<'t>(trace: &'t Trace, name: &str) -> Vec<Cow<'t, Span>> {
    trace.spans().filter(|span| span.name == name).collect()
}

use std::borrow::Cow;

#[test]
fn every_operation_is_in_the_table_and_every_row_is_seen() {
    let traces = traces(Scenario::Leak);
    let mut seen = BTreeSet::new();
    each(&traces, |_, trace| {
        for span in trace.spans() {
            let service = trace.resource(&span).unwrap().service;
            seen.insert((service, span.name.to_string(), span.kind));
        }
    });
    for (service, name, kind) in &seen {
        println!("    of(\"{service}\", \"{name}\", {kind:?}),");
    }
    let told: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|op| (op.service, op.name.to_owned(), op.kind))
        .collect();
    assert_eq!(seen, told);
}
