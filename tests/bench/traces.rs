//! A hundred thousand spans: from the bytes of an answer to rows, and what is read out of them.

use std::fmt::Write as _;

use midwatch::backend::traces::otlp;
use midwatch::domain::trace::blame::Origins;
use midwatch::domain::trace::critical::CriticalPath;
use midwatch::domain::trace::query::{Query, Sight, sift};
use midwatch::domain::trace::selftime::SelfTimes;
use midwatch::domain::trace::{Trace, compare, repeats};

use crate::figure::{Held, Samples, held, told};

const SPANS: usize = 100_000;
const START: u64 = 1_795_143_600_000_000_000;

/// A span of a shape: the number of its parent (0 for none), and from when to when, in microseconds.
type Placed = (usize, u64, u64);

/// The `n`th span of so many, numbered from 1.
pub(crate) type Shape = fn(usize, usize) -> Placed;

pub fn measure() {
    for (what, spans, shape) in [
        ("a tree of 100,000", SPANS, tree as Shape),
        ("a chain of 100,000", SPANS, chain),
        ("100,000 side by side", SPANS, fan),
        ("20,000 one after the other", 20_000, row),
    ] {
        one(what, spans, shape);
    }
}

fn one(what: &str, spans: usize, shape: Shape) {
    let body = body(spans, shape);
    let megabytes = body.len() / 1_000_000;
    let samples = Samples::of_runs(1, 7, || body.clone(), otlp::read);
    let figure = format!("traces: {what}, {megabytes} MB, read into rows");
    held(&figure, "ms", &samples, (Held::Median, 80.0));

    let trace = otlp::read(body).traces.swap_remove(0);
    let path = |trace: &Trace| CriticalPath::of(trace, trace.timing(), trace.primary());
    let samples = Samples::of_runs(1, 7, || (), |()| path(&trace));
    held(
        &format!("traces: {what}, critical path"),
        "ms",
        &samples,
        (Held::Median, 60.0),
    );
    let times = |trace: &Trace| SelfTimes::of(trace, trace.timing());
    let samples = Samples::of_runs(1, 7, || (), |()| times(&trace));
    told(&format!("traces: {what}, self times"), "ms", &samples);
    let path = path(&trace);
    let times = times(&trace);
    let samples = Samples::of_runs(1, 5, || (), |()| Origins::of(&trace, trace.timing(), Some(&path)));
    told(&format!("traces: {what}, where it failed"), "ms", &samples);
    let samples = Samples::of_runs(
        1,
        5,
        || (),
        |()| repeats::of(&trace, trace.timing(), repeats::WORTH),
    );
    told(&format!("traces: {what}, repeats"), "ms", &samples);
    let samples = Samples::of_runs(1, 5, || (), |()| compare::align(&trace, &trace));
    told(&format!("traces: {what}, compared with itself"), "ms", &samples);
    for text in ["dur>5% svc=pay self>10us", "/no such thing/"] {
        let query = Query::parse(text).unwrap();
        let sight = Sight {
            trace: &trace,
            timing: trace.timing(),
            times: &times,
            path: &path,
        };
        let samples = Samples::of_runs(1, 5, || (), |()| sift(&query, sight));
        told(&format!("traces: {what}, sifted by {text}"), "ms", &samples);
    }
    let held_bytes = (trace.body().len() + trace.held()) as f64 / trace.len() as f64;
    let bytes = Samples::new(vec![held_bytes]);
    held(
        &format!("traces: {what}, memory a span"),
        "B",
        &bytes,
        (Held::Median, 1_024.0),
    );
}

/// Eight children each, one after the other within their parent.
pub(crate) fn tree(number: usize, _: usize) -> Placed {
    let (mut from, mut to) = (0, 1_000_000_000);
    if number == 1 {
        return (0, from, to);
    }
    let mut way = Vec::new();
    let mut at = number - 1;
    while at > 0 {
        way.push((at - 1) % 8);
        at = (at - 1) / 8;
    }
    for turn in way.iter().rev() {
        let part = (to - from) / 10;
        from += part * (*turn as u64 + 1);
        to = from + part;
    }
    ((number - 2) / 8 + 1, from, to)
}

pub(crate) fn chain(number: usize, of: usize) -> Placed {
    (number - 1, number as u64, (2 * of - number) as u64)
}

pub(crate) fn fan(number: usize, of: usize) -> Placed {
    if number == 1 {
        return (0, 0, 10 * of as u64);
    }
    (1, number as u64, (number + 5 * of) as u64)
}

fn row(number: usize, of: usize) -> Placed {
    if number == 1 {
        return (0, 0, 10 * of as u64);
    }
    (1, 10 * number as u64, 10 * number as u64 + 10)
}

/// As Jaeger v3 writes it, with what an instrumented request carries: some 760 bytes a span.
pub(crate) fn body(spans: usize, shape: Shape) -> Vec<u8> {
    const SERVICES: [&str; 5] = ["web", "checkout", "pay", "cart", "db"];
    const TRACE: &str = "5b8efff798038103d269b633813fc60c";
    let mut text = String::with_capacity(spans * 800);
    text.push_str(r#"{"result":{"resourceSpans":["#);
    for (index, service) in SERVICES.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}},{{"key":"host.name","value":{{"stringValue":"{service}-7f9c"}}}}]}},"scopeSpans":[{{"scope":{{"name":"http","version":"1.4.0"}},"spans":["#
        );
        let mut first = true;
        for number in (1..=spans).filter(|number| number % SERVICES.len() == index) {
            let (parent, from, to) = shape(number, spans);
            let comma = if first { "" } else { "," };
            first = false;
            let parent = if parent == 0 {
                String::new()
            } else {
                format!(r#""parentSpanId":"{parent:016x}","#)
            };
            let (from, to) = (START + from * 1_000, START + to * 1_000);
            let failed = if number % 500 == 0 {
                r#"{"code":2,"message":"upstream answered 503"}"#
            } else {
                "{}"
            };
            let _ = write!(
                text,
                r#"{comma}{{"traceId":"{TRACE}","spanId":"{number:016x}",{parent}"name":"GET /api/v1/items/{}","kind":{},"startTimeUnixNano":"{from}","endTimeUnixNano":"{to}","attributes":[{{"key":"http.request.method","value":{{"stringValue":"GET"}}}},{{"key":"url.path","value":{{"stringValue":"/api/v1/items/{number}"}}}},{{"key":"http.response.status_code","value":{{"intValue":"200"}}}},{{"key":"server.address","value":{{"stringValue":"items.internal"}}}},{{"key":"server.port","value":{{"intValue":"8443"}}}},{{"key":"user_agent.original","value":{{"stringValue":"okhttp/4.12.0"}}}},{{"key":"thread.id","value":{{"intValue":"{}"}}}}],"status":{failed}}}"#,
                number % 40,
                number % 3 + 1,
                number % 64,
            );
        }
        text.push_str("]}]}");
    }
    text.push_str("]}}");
    text.into_bytes()
}
