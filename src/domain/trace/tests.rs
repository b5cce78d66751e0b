//! Traces made by hand: placed, and then looked at.

use std::sync::Arc;

use proptest::prelude::*;

use super::detail::{Attribute, Detail, Wire};
use super::*;

/// A wire that tells nothing beyond rows but the status messages that stand in the body.
#[derive(Debug)]
pub(super) struct Silent;

impl Wire for Silent {
    fn detail<'a>(&self, span: &'a [u8]) -> Detail<'a> {
        Detail {
            message: Some(String::from_utf8_lossy(span)).filter(|text| !text.is_empty()),
            ..Detail::default()
        }
    }

    fn attributes<'a>(
        &self,
        _: &'a [u8],
        _: &mut dyn FnMut(Attribute<'a>) -> std::ops::ControlFlow<()>,
    ) -> std::ops::ControlFlow<()> {
        std::ops::ControlFlow::Continue(())
    }

    fn resource<'a>(&self, _: &'a [u8]) -> Vec<Attribute<'a>> {
        Vec::new()
    }

    fn scope<'a>(&self, _: &'a [u8]) -> Vec<Attribute<'a>> {
        Vec::new()
    }
}

/// A span made by hand: times in milliseconds after a fixed moment, or 0 for none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub id: u64,
    pub parent: u64,
    pub from: i64,
    pub to: i64,
    /// `service.operation`
    pub name: &'static str,
    pub kind: Kind,
    pub status: Status,
    pub tie: Tie,
    /// Its status message.
    pub message: &'static str,
    pub host: &'static str,
}

pub(super) const fn made(id: u64, parent: u64, from: i64, to: i64, name: &'static str) -> Made {
    Made {
        id,
        parent,
        from,
        to,
        name,
        kind: Kind::Internal,
        status: Status::Unset,
        tie: Tie::ChildOf,
        message: "",
        host: "",
    }
}

impl Made {
    pub(super) const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    pub(super) const fn failed(mut self, message: &'static str) -> Self {
        self.status = Status::Error;
        self.message = message;
        self
    }

    pub(super) const fn host(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }
}

/// The moment from which times are counted.
pub(super) const BEGIN: i64 = 1_795_000_000_000_000_000;
pub(super) const MS: i64 = 1_000_000;

pub(super) fn at(millis: i64) -> Nanos {
    Nanos(BEGIN + millis * MS)
}

pub(super) fn trace(spans: &[Made]) -> Trace {
    let mut body = Vec::new();
    let mut write = |text: &str| {
        let from = body.len();
        body.extend_from_slice(text.as_bytes());
        Part::of(&(from..body.len()))
    };
    let texts: Vec<(Part, Part)> = spans
        .iter()
        .map(|span| {
            let (_, operation) = span.name.split_once('.').unwrap_or(("", span.name));
            (write(operation), write(span.message))
        })
        .collect();
    let mut draft = Draft::new(Arc::new(body), &Silent, 1_000_000);
    let number = draft.trace(TraceId([7; 16]));
    for (span, (name, message)) in spans.iter().zip(texts) {
        let resource = draft.resource();
        let (service, _) = span.name.split_once('.').unwrap_or(("", span.name));
        draft.tell_resource(
            resource,
            Resource {
                service: Some(Arc::from(service)),
                host: Some(Arc::from(span.host)).filter(|host: &Arc<str>| !host.is_empty()),
                part: Part::default(),
            },
        );
        let moment = |millis: i64| if millis == 0 { 0 } else { BEGIN + millis * MS };
        draft.span(Found {
            trace: number,
            id: SpanId(span.id),
            parent: SpanId(span.parent),
            start: moment(span.from),
            end: moment(span.to),
            name,
            resource,
            scope: u32::MAX,
            kind: span.kind,
            status: span.status,
            tie: span.tie,
            part: message,
        });
    }
    let (mut traces, _) = draft.finish();
    assert_eq!(traces.len(), 1);
    traces.remove(0)
}

/// Rows as indented ids.
fn picture(trace: &Trace) -> Vec<String> {
    let line = |span: Span<'_>| format!("{}{:x}", " ".repeat(span.depth as usize), span.id.0);
    trace.spans().map(line).collect()
}

#[test]
fn rows_are_in_pre_order_with_siblings_as_they_began() {
    let trace = trace(&[
        made(4, 2, 30, 40, "a.d"),
        made(3, 1, 20, 25, "a.c"),
        made(2, 1, 10, 90, "a.b"),
        made(5, 2, 12, 20, "a.e"),
        made(1, 0, 1, 100, "a.a"),
    ]);
    assert_eq!(picture(&trace), ["1", " 2", "  5", "  4", " 3"]);
    assert_eq!(trace.subtree(Row(1)), 1..4);
    let children: Vec<Row> = trace.children(Row(0)).collect();
    assert_eq!(children, [Row(1), Row(4)]);
    let above: Vec<Row> = trace.ancestors(Row(3)).collect();
    assert_eq!(above, [Row(1), Row(0)]);
    assert_eq!(trace.find(SpanId(3)).collect::<Vec<_>>(), [Row(4)]);
    assert_eq!(
        trace.extent(),
        Stretch {
            from: at(1),
            to: at(100)
        }
    );
    assert!(trace.remarks().is_empty(), "{:?}", trace.remarks());
}

#[test]
fn orphans_are_roots_and_said_but_the_true_root_is_the_primary_one() {
    let trace = trace(&[
        made(2, 9, 5, 500, "a.orphan"),
        made(1, 0, 10, 100, "a.root"),
        made(3, 8, 20, 30, "a.orphan"),
    ]);
    assert_eq!(picture(&trace), ["2", "1", "3"]);
    assert_eq!(trace.span(trace.primary()).id, SpanId(1));
    assert_eq!(trace.standing(Row(0)), Standing::Orphan { missing: SpanId(9) });
    assert_eq!(
        trace.remarks(),
        [Remark::Orphans {
            spans: 2,
            first: Row(0),
            missing: SpanId(9)
        }]
    );
}

#[test]
fn circles_are_cut_where_they_began_and_nobody_is_lost() {
    let trace = trace(&[
        made(1, 3, 30, 40, "a.a"),
        made(2, 1, 10, 40, "a.b"),
        made(3, 2, 20, 40, "a.c"),
        made(4, 3, 25, 40, "a.d"),
        made(5, 5, 50, 60, "a.own parent"),
    ]);
    assert_eq!(picture(&trace), ["2", " 3", "  4", "  1", "5"]);
    assert_eq!(trace.standing(Row(0)), Standing::Cut { named: SpanId(1) });
    let circles: Vec<u32> = trace
        .remarks()
        .iter()
        .filter_map(|remark| match remark {
            Remark::Cycle { spans, .. } => Some(*spans),
            _ => None,
        })
        .collect();
    assert_eq!(circles, [3, 1]);
}

#[test]
fn a_server_that_shares_its_clients_id_hangs_on_it_and_keeps_its_own_children() {
    let trace = trace(&[
        made(1, 0, 1, 100, "web.get").kind(Kind::Server),
        made(2, 1, 10, 90, "web.call").kind(Kind::Client),
        made(2, 1, 12, 88, "pay.call").kind(Kind::Server),
        made(3, 2, 20, 30, "pay.db"),
        made(4, 2, 40, 50, "web.local"),
    ]);
    let seen: Vec<(u32, &str)> = trace
        .spans()
        .map(|span| (span.depth, &**span.operation))
        .collect();
    assert_eq!(
        seen,
        [(0, "get"), (1, "call"), (2, "call"), (3, "db"), (2, "local")]
    );
    assert!(trace.remarks().is_empty(), "{:?}", trace.remarks());
}

#[test]
fn what_came_twice_is_shown_once_and_namesakes_are_said() {
    let trace = trace(&[
        made(1, 0, 1, 100, "a.a"),
        made(2, 1, 10, 20, "a.b"),
        made(2, 1, 10, 20, "a.b"),
        made(2, 1, 30, 40, "a.b"),
    ]);
    assert_eq!(picture(&trace), ["1", " 2", " 2"]);
    assert_eq!(
        trace.remarks(),
        [
            Remark::Twice(1),
            Remark::SharedId {
                spans: 1,
                first: Row(2)
            }
        ]
    );
}

#[test]
fn missing_and_impossible_times_find_a_place_and_are_said() {
    let trace = trace(&[
        made(1, 0, 10, 100, "a.a"),
        made(2, 1, 0, 50, "a.no start"),
        made(3, 1, 60, 0, "a.no end"),
        made(4, 1, 0, 0, "a.neither"),
        made(5, 1, 80, 70, "a.backwards"),
    ]);
    let seen: Vec<(u64, Nanos, Times)> = trace
        .spans()
        .map(|span| (span.id.0, span.start, span.times))
        .collect();
    assert_eq!(
        seen,
        [
            (1, at(10), Times::Known),
            (4, at(10), Times::Neither),
            (2, at(50), Times::NoStart),
            (3, at(60), Times::NoEnd),
            (5, at(80), Times::Backwards),
        ]
    );
    assert!(trace.spans().skip(1).all(|span| span.duration.is_zero()));
    assert_eq!(
        trace.remarks(),
        [Remark::Times {
            spans: 4,
            first: Row(1)
        }]
    );
}

#[test]
fn a_clock_gone_wild_does_not_squeeze_the_others() {
    let century = 100 * 365 * 24 * 3_600 * 1_000;
    let trace = trace(&[
        made(1, 0, 1, 100, "a.a"),
        made(2, 1, 2, 50, "a.b"),
        made(3, 1, century, century + 5, "a.future"),
    ]);
    assert_eq!(
        trace.extent(),
        Stretch {
            from: at(1),
            to: at(100)
        }
    );
    assert_eq!(
        trace.remarks(),
        [Remark::FarOff {
            spans: 1,
            first: Row(2)
        }]
    );
}

#[test]
fn a_span_without_an_id_is_shown_too() {
    let trace = trace(&[
        made(1, 0, 1, 100, "a.a"),
        made(0, 1, 2, 50, "a.b"),
        made(0, 1, 2, 50, "a.b"),
    ]);
    assert_eq!(picture(&trace), ["1", " 0", " 0"]);
    assert_eq!(
        trace.remarks(),
        [Remark::NoId {
            spans: 2,
            first: Row(1)
        }]
    );
}

#[test]
fn a_chain_of_a_hundred_thousand_is_a_loop_and_not_a_recursion() {
    let spans: Vec<Made> = (1..=100_000).map(|id| made(id, id - 1, 1, 100, "a.a")).collect();
    let trace = trace(&spans);
    assert_eq!(trace.len(), 100_000);
    assert_eq!(trace.span(Row(99_999)).depth, 99_999);
    assert_eq!(trace.subtree(Row(0)), 0..100_000);
}

/// Spans of any ids, parents and times: roots, orphans, circles and namesakes among them.
pub(super) fn any_spans() -> impl Strategy<Value = Vec<Made>> {
    const NAMES: [&str; 5] = ["a.x", "a.y", "b.x", "b.z", "c.x"];
    let kind = prop_oneof![
        Just(Kind::Internal),
        Just(Kind::Server),
        Just(Kind::Client),
        Just(Kind::Producer),
        Just(Kind::Consumer)
    ];
    let status = prop_oneof![3 => Just(Status::Unset), 1 => Just(Status::Error)];
    let span = (
        0_u64..24,
        0_u64..24,
        0_i64..60,
        -5_i64..60,
        0_usize..5,
        kind,
        status,
    );
    let span = span.prop_map(|(id, parent, from, lasts, name, kind, status)| Made {
        status,
        ..made(id, parent, from, (from + lasts).max(0), NAMES[name]).kind(kind)
    });
    proptest::collection::vec(span, 1..40)
}

proptest! {
    #[test]
    fn every_span_is_shown_once_or_said_to_have_come_twice(spans in any_spans()) {
        let trace = trace(&spans);
        let twice = trace.remarks().iter().find_map(|remark| match remark {
            Remark::Twice(count) => Some(*count as usize),
            _ => None,
        });
        prop_assert_eq!(trace.len() + twice.unwrap_or(0), spans.len());
        // Pre-order: each row's parent stands before it, and holds it in its subtree.
        let mut children = 0;
        for row in trace.rows() {
            if let Some(parent) = trace.parent(row) {
                prop_assert!(parent < row);
                prop_assert!(trace.subtree(parent).contains(&row.index()));
                prop_assert_eq!(trace.span(parent).depth + 1, trace.span(row).depth);
            }
            children += trace.children(row).count();
        }
        prop_assert_eq!(children + trace.roots().len(), trace.len());
    }
}
