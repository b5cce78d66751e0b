use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::super::tests::world;
use super::loom::MS;
use super::*;

fn traces(scenario: Scenario) -> Traces {
    Traces::new(Arc::new(world(scenario, 1)))
}

/// The requests of seconds: those where the pool is dry, before all of it, in shipping's trouble, at the batch's begin.
fn requests(traces: &Traces) -> Vec<Request<'_>> {
    let seconds = (-60..20)
        .chain(-9_000..-8_960)
        .chain(-2_500..-2_470)
        .chain(-1_201..-1_199);
    seconds.flat_map(|second| traces.second(second, None)).collect()
}

/// The requests of a kind in the story's worst minute, with their traces.
fn of_kind(traces: &Traces, kind: Kind) -> Vec<(Request<'_>, Trace)> {
    let all = (-60..0).flat_map(|second| traces.second(second, None));
    all.filter(|request| request.kind == kind)
        .map(|request| {
            let trace = traces.trace(&request);
            (request, trace)
        })
        .collect()
}

fn named<'t>(trace: &'t Trace, name: &str) -> Vec<Cow<'t, Span>> {
    trace.spans().filter(|span| span.name == name).collect()
}

fn value(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|(name, _)| *name == key);
    found.map(|(_, value)| value.to_string())
}

fn service<'t>(trace: &'t Trace, span: &Span) -> &'t str {
    trace.resource(span).unwrap().service
}

#[test]
fn every_span_is_in_the_table_of_operations_and_every_row_of_it_is_seen() {
    let traces = traces(Scenario::Leak);
    let mut seen = BTreeSet::new();
    for request in requests(&traces) {
        let trace = traces.trace(&request);
        for span in trace.spans() {
            seen.insert((
                service(&trace, &span).to_owned(),
                span.name.to_string(),
                span.kind,
            ));
        }
    }
    let rows = OPERATIONS.iter();
    let table: BTreeSet<_> = rows
        .map(|op| (op.service.to_owned(), op.name.to_owned(), op.kind))
        .collect();
    assert_eq!(seen.difference(&table).collect::<Vec<_>>(), Vec::<&_>::new());
    assert_eq!(table.difference(&seen).collect::<Vec<_>>(), Vec::<&_>::new());
}

#[test]
fn a_trace_is_what_its_request_promises_and_the_same_again_by_its_id() {
    let (one, again) = (traces(Scenario::Leak), traces(Scenario::Leak));
    let mut kinds = BTreeSet::new();
    for request in requests(&one) {
        kinds.insert(request.kind);
        let trace = one.trace(&request);
        let second = one.begin(one.second_of((request.id >> 96) as i64 * SECOND));
        let mut ids = BTreeSet::new();
        let mut roots = 0;
        for span in trace.spans() {
            assert!(ids.insert(span.id), "{:?}: {} twice", request.kind, span.name);
            assert!(
                request.kind.services().contains(&service(&trace, &span)),
                "{:?}: {}",
                request.kind,
                service(&trace, &span)
            );
            assert!(
                span.failure.is_none() || request.kind.may_fail(),
                "{:?}",
                request.kind
            );
            assert!(span.end > span.start && span.end - span.start <= request.longest());
            if request.kind != Kind::Batch {
                assert!((span.start - second).abs() < REACH * SECOND, "{:?}", request.kind);
            }
            match span.parent {
                None => roots += 1,
                Some(parent) => assert!(
                    ids.contains(&parent) || request.kind == Kind::Points,
                    "a parent comes before its children"
                ),
            }
        }
        assert_eq!(
            roots,
            usize::from(request.kind != Kind::Points),
            "{:?}",
            request.kind
        );
        let found = again.find(request.id).unwrap();
        let same = again.trace(&found);
        assert!(same.spans().eq(trace.spans()) && same.resources == trace.resources);
    }
    assert!(kinds.len() >= 17, "{kinds:?}");
    assert!(one.find(0).is_none() && one.find(u128::MAX).is_none());
}

#[test]
fn every_line_with_a_trace_lies_in_a_span_of_the_pod_that_wrote_it() {
    let traces = traces(Scenario::Leak);
    let mut checked = BTreeMap::new();
    for second in (-60..0).chain(-2_500..-2_470) {
        for (stream, of) in traces.logs.streams().iter().enumerate() {
            for line in traces.logs.second(stream, second) {
                if line.trace == 0 {
                    continue;
                }
                let request = traces.find(line.trace).unwrap();
                let trace = traces.trace(&request);
                let here: Vec<_> = trace
                    .spans()
                    .filter(|span| trace.resource(span).unwrap().pod == of.labels["pod"])
                    .collect();
                assert!(
                    here.iter().any(|span| (span.start..=span.end).contains(&line.at)),
                    "{}",
                    traces.logs.text(&line)
                );
                let failed = here.iter().any(|span| span.failure.is_some());
                assert_eq!(
                    failed,
                    line.level == "error" || request.kind == Kind::Denied,
                    "{}",
                    traces.logs.text(&line)
                );
                *checked.entry(line.template().to_owned()).or_insert(0) += 1;
            }
        }
    }
    assert!(checked.len() >= 17, "{checked:?}");
}

#[test]
fn a_denied_order_waits_for_connections_as_its_lines_say() {
    let traces = traces(Scenario::Leak);
    let denied = of_kind(&traces, Kind::Denied);
    assert!(denied.len() > 200);
    let (mut attempts, mut turned_away) = (BTreeSet::new(), 0);
    for (request, trace) in &denied {
        let (at, text) = traces.said(request, "pool exhausted");
        let said = text
            .split("\"msg\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let mut orders = named(trace, "POST /v1/orders");
        let order = orders.pop().unwrap();
        assert_eq!(
            (service(trace, &order), order.kind),
            ("checkout", SpanKind::Server)
        );
        assert_eq!((order.failure.as_deref(), order.end), (Some(said), at));
        let writes = named(trace, "order.write");
        let pools = named(trace, "pool.acquire");
        attempts.insert(writes.len());
        let waited: i64 = pools.iter().map(|pool| pool.end - pool.start).sum();
        let told = millis(number_after(&text, "waited ").unwrap() * 1e3);
        assert!(waited > 1_000 * MS && waited <= told, "{waited} {told}");
        for pool in &pools {
            let exception = pool.events.last().unwrap();
            assert_eq!(exception.name, "exception");
            assert!(
                exception
                    .attributes
                    .iter()
                    .any(|(key, value)| *key == "exception.stacktrace"
                        && value.to_string().contains("(*Pool).Acquire"))
            );
        }
        let (refused_at, refused) = traces.said(request, "upstream answered 503");
        let asking = orders.pop().unwrap();
        let length = millis(number_after(&refused, "duration=").unwrap());
        assert_eq!((asking.end, asking.end - asking.start), (refused_at, length));
        turned_away += orders.len();
        let tries = number_after(&refused, "attempt=").unwrap() as usize;
        assert_eq!(orders.len(), tries - 1);
    }
    assert_eq!(attempts, [1, 2, 3].into());
    assert!(turned_away > 100);
}

#[test]
fn failures_have_the_share_that_the_metrics_have() {
    let traces = traces(Scenario::Leak);
    let share = |seconds: std::ops::Range<i64>, name: &str, of: &str, kind: SpanKind| {
        let (mut all, mut bad) = (0.0, 0.0);
        for second in seconds {
            for request in traces.second(second, Some(of)) {
                let trace = traces.trace(&request);
                for span in named(&trace, name) {
                    if span.kind == kind && service(&trace, &span) == of {
                        all += 1.0;
                        bad += f64::from(u8::from(
                            value(&span, "http.response.status_code")
                                .is_some_and(|code| code.starts_with('5')),
                        ));
                    }
                }
            }
        }
        bad / all
    };
    let fate = |service: &str| traces.world.story().fate(service).unwrap().clone();
    let checkout = share(-60..0, "POST /v1/orders", "checkout", SpanKind::Server);
    assert!(
        (checkout - fate("checkout").errors.at(-30.0)).abs() < 0.03,
        "{checkout}"
    );
    let healthy = share(-9_060..-9_000, "POST /v1/orders", "checkout", SpanKind::Server);
    assert!(healthy < 0.01, "{healthy}");
    let shipping = share(-2_640..-2_580, "GET /v1/quotes", "shipping", SpanKind::Server);
    assert!((shipping - 0.6).abs() < 0.1, "{shipping}");
    let payment = share(-30..0, "POST /v1/charges", "payment", SpanKind::Server);
    assert!((payment - 0.14).abs() < 0.05, "{payment}");
}

#[test]
fn a_confirmation_that_is_given_up_outlasts_its_caller_and_cancels_its_sibling() {
    let traces = traces(Scenario::Leak);
    let failed = of_kind(&traces, Kind::ChargeFailed);
    assert!(failed.len() > 50);
    for (request, trace) in &failed {
        let confirm = named(trace, "POST /v1/orders/{id}/confirm");
        let (asking, answering) = (&confirm[0], &confirm[1]);
        assert_eq!(value(asking, "error.type").as_deref(), Some("timeout"));
        assert!(answering.end > asking.end, "checkout waits on");
        let hold = &named(trace, "POST /v2/holds")[0];
        assert_eq!(hold.failure.as_deref(), Some("context canceled"));
        let charge = named(trace, "POST /v1/charges").pop().unwrap();
        let told = traces.told(request);
        let stack = &charge.events[0].attributes[2].1;
        assert!(told.ends_with(&stack.to_string()) && told.contains("UpstreamTimeoutException"));
        assert_eq!(charge.parent, Some(named(trace, "POST /v1/charges")[0].id));
    }
}

#[test]
fn one_list_of_products_reads_its_prices_one_by_one() {
    let traces = traces(Scenario::Leak);
    let mut most = 0;
    for (request, trace) in of_kind(&traces, Kind::Products) {
        let count = number_after(&traces.told(&request), "count=").unwrap() as usize;
        let prices = named(&trace, "SELECT prices").len();
        assert_eq!(prices, if count < 24 { 1 } else { count });
        most = most.max(prices);
    }
    assert!(most > 30);
}

#[test]
fn loyalty_works_on_an_order_after_its_buyer_was_answered_and_labels_say_of_which_order_they_are() {
    let traces = traces(Scenario::Leak);
    let mut seen = 0;
    for (_, trace) in of_kind(&traces, Kind::Order) {
        let sent = &named(&trace, "orders publish")[0];
        let Some(work) = named(&trace, "orders process").pop() else {
            continue;
        };
        seen += 1;
        let root = trace.span(0).unwrap();
        assert!(work.start > root.end && work.end > sent.end);
        assert_eq!((work.kind, work.parent), (SpanKind::Consumer, Some(sent.id)));
        assert_eq!((work.links[0].trace, work.links[0].span), (trace.id, sent.id));
    }
    assert!(seen > 100, "{seen}");
    let labels = of_kind(&traces, Kind::Label);
    for (_, label) in &labels {
        let link = label.span(0).unwrap().links[0].clone();
        let order = traces.trace(&traces.find(link.trace).unwrap());
        let sent = order
            .spans()
            .find(|span| span.id == link.span)
            .unwrap()
            .name
            .clone();
        assert_eq!(sent, "orders publish");
    }
    assert!(labels.len() > 30);
}

#[test]
fn one_host_has_a_clock_that_is_ahead() {
    let traces = traces(Scenario::Leak);
    let mut ahead = 0;
    for (_, trace) in of_kind(&traces, Kind::Order) {
        let spans: Vec<_> = trace.spans().collect();
        for span in spans.iter().filter(|span| span.kind == SpanKind::Server) {
            let Some(asking) = spans.iter().find(|other| span.parent == Some(other.id)) else {
                continue;
            };
            let inside = span.start >= asking.start && span.end <= asking.end;
            let host = trace.resource(span).unwrap().host;
            if host == SKEWED_HOST {
                assert!(span.start - SKEW > asking.start && span.end - SKEW < asking.end);
                ahead += 1;
            } else {
                assert!(inside, "{}", span.name);
            }
        }
    }
    assert!(ahead > 100, "{ahead}");
}

#[test]
fn the_batch_has_fifty_thousand_spans_that_are_made_one_by_one() {
    let traces = traces(Scenario::Leak);
    let request = traces.batch(-1_200).unwrap();
    let trace = traces.trace(&request);
    assert!(matches!(trace.body, Body::Batch(_)));
    assert_eq!((trace.count(), BATCH_SPANS), (50_000, 50_000));
    let mut times = BTreeMap::new();
    let mut failed = 0;
    for span in trace.spans() {
        failed += usize::from(span.failure.is_some());
        if let Some(parent) = span.parent {
            let (start, end): (i64, i64) = times[&parent];
            assert!(start <= span.start && span.end <= end, "{}", span.name);
        }
        assert_eq!(times.insert(span.id, (span.start, span.end)), None);
    }
    assert_eq!(failed % 4, 0);
    assert!((8..120).contains(&failed), "{failed}");
    assert_eq!(trace.span(0).unwrap().name, BATCH_OPERATION);
    assert_eq!(service(&trace, &trace.span(0).unwrap()), BATCH_SERVICE);
    assert!(trace.span(50_000).is_none());
    let hourly: Vec<i64> = (-8_000..4_000)
        .filter(|second| traces.batch(*second).is_some())
        .collect();
    assert_eq!(hourly, [-4_800, -1_200, 2_400]);
}

#[test]
fn versions_are_those_that_were_deployed() {
    let traces = traces(Scenario::Leak);
    let version = |second: i64| {
        let all = traces.second(second, Some("checkout"));
        let order = all.iter().find(|request| request.kind == Kind::Order).unwrap();
        let trace = traces.trace(order);
        let found = trace
            .resources
            .iter()
            .find(|resource| resource.service == "checkout");
        found.unwrap().version.clone()
    };
    assert_eq!(
        [version(-9_000), version(-100), version(600)],
        ["2.3.0", "2.3.1", "2.3.0"]
    );
}

#[test]
fn a_calm_world_has_a_past_and_nothing_from_its_begin_on() {
    let traces = traces(Scenario::Calm);
    let (mut all, mut bad) = (0, 0);
    for second in -120..0 {
        for request in traces.second(second, None) {
            let trace = traces.trace(&request);
            all += 1;
            bad += i32::from(trace.spans().any(|span| span.failure.is_some()));
        }
    }
    assert!(all > 5_000 && bad * 50 < all, "{bad} of {all}");
    assert!((0..4_000).all(|second| traces.second(second, None).is_empty()));
}

#[test]
fn what_breaks_an_order_is_said_in_the_span_that_the_trace_points_at() {
    let traces = traces(Scenario::Leak);
    let mut told = 0;
    for request in requests(&traces) {
        let Some(line) = request
            .lines
            .iter()
            .find(|line| line.template() == "pool exhausted")
        else {
            continue;
        };
        let found = crate::demo::jaeger::read_back(&traces.trace(&request));
        let findings = crate::domain::trace::json::Findings::of(&found);
        let origins = findings
            .origins
            .origins
            .iter()
            .map(|origin| found.span(origin.row).id.to_string());
        let named = format!("{:016x}", line.span("checkout"));
        assert!(
            origins.clone().any(|origin| origin == named),
            "{named}: {:?}",
            origins.collect::<Vec<_>>()
        );
        told += 1;
    }
    assert!(told > 10, "{told}");
}

#[test]
fn a_line_names_the_span_of_its_service_that_ran_when_it_was_said() {
    let traces = traces(Scenario::Leak);
    let mut lines = 0;
    for request in requests(&traces) {
        let trace = traces.trace(&request);
        for line in &request.lines {
            lines += 1;
            let of = traces.logs.streams()[line.stream].service;
            let id = line.span(of);
            let span = trace.spans().find(|span| span.id == id);
            let span = span.unwrap_or_else(|| panic!("{:?}: no span of {of}", request.kind));
            assert_eq!(service(&trace, &span), of);
            let slack = 20 * MS;
            // What broke may be told when all attempts are over.
            let told_late = id != super::super::logs::serving(trace.id, of);
            assert!(
                span.start - slack <= line.at && (told_late || line.at <= span.end + slack),
                "{:?} {}: {} not within {}..{}",
                request.kind,
                line.template(),
                line.at,
                span.start,
                span.end
            );
        }
    }
    assert!(lines > 500, "{lines}");
}
