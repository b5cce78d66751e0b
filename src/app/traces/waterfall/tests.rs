//! What is in sight of an open trace, and where the cursor goes.

use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::*;

use super::rows::Fold;
use super::*;
use crate::app::list::Direction;
use crate::app::traces::within;
use crate::backend::traces::otlp;
use crate::domain::trace::Status;
use crate::time::Now;

/// A span: its id, its parent's (0 for none), from and to in milliseconds, what it does; `!` in front for failed.
pub type Made = (u64, u64, i64, i64, &'static str);

const BEGIN: i64 = 1_795_000_000_000_000_000;

/// Them, studied.
pub fn study(spans: &[Made]) -> Arc<Study> {
    let mut body = String::from("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[");
    for (index, (id, parent, from, to, name)) in spans.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let parent = if *parent == 0 {
            String::new()
        } else {
            format!("{parent:016x}")
        };
        let (status, name) = match name.strip_prefix('!') {
            Some(name) => (",\"status\":{\"code\":2}", name),
            None => ("", *name),
        };
        let moment = |millis: i64| BEGIN + millis * 1_000_000;
        write!(
            body,
            "{comma}{{\"traceId\":\"{:032x}\",\"spanId\":\"{id:016x}\",\"parentSpanId\":\"{parent}\",\
             \"name\":\"{name}\",\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\"{status}}}",
            7,
            moment(*from),
            moment(*to)
        )
        .unwrap();
    }
    body.push_str("]}]}]}");
    let trace = otlp::read(body.into_bytes()).traces.swap_remove(0);
    Arc::new(Study::of(Arc::new(trace)))
}

fn open(spans: &[Made]) -> Waterfall {
    let study = study(spans);
    let mut open = Waterfall::asked(study.trace.id(), Tick::ZERO);
    open.take(Ok(study), later(3_600));
    open
}

/// So many seconds after the traces of these tests begin.
fn later(seconds: i64) -> Now {
    let utc = Nanos(BEGIN + seconds * 1_000_000_000).utc();
    Now::fixed(utc, seconds.unsigned_abs())
}

/// A request that asks for six rows one by one, and fails in the end.
const STORY: &[Made] = &[
    (1, 0, 0, 100, "get"),
    (2, 1, 5, 60, "list"),
    (10, 2, 6, 10, "query"),
    (11, 2, 11, 15, "query"),
    (12, 2, 16, 20, "!query"),
    (13, 2, 21, 25, "query"),
    (14, 2, 26, 30, "query"),
    (15, 2, 31, 35, "query"),
    (3, 1, 62, 98, "pay"),
    (4, 3, 63, 97, "!charge"),
];

fn shown(open: &Waterfall) -> Vec<(String, u32)> {
    let study = open.study().unwrap();
    let line = |line: &Line| {
        let name = study.trace.span(line.row).operation.to_string();
        (name, open.run_of(*line).map_or(1, |run| run.count))
    };
    open.lines.iter().map(line).collect()
}

fn names(open: &Waterfall) -> String {
    let name = |(name, count): (String, u32)| match count {
        1 => name,
        count => format!("{name}×{count}"),
    };
    shown(open).into_iter().map(name).collect::<Vec<_>>().join(" ")
}

fn under_cursor(open: &Waterfall) -> String {
    open.study()
        .unwrap()
        .trace
        .span(open.cursor)
        .operation
        .to_string()
}

#[test]
fn equal_siblings_are_one_line_until_it_is_opened() {
    let mut open = open(STORY);
    // The one that failed is the same operation as the others.
    assert_eq!(names(&open), "get list query×6 pay charge");
    open.step(Step::Rows(2));
    assert!(open.unfold());
    assert_eq!(
        names(&open),
        "get list query query query query query query pay charge"
    );
    open.step(Step::Rows(3));
    assert!(open.fold(), "a member folds its run");
    assert_eq!(names(&open), "get list query×6 pay charge");
    assert_eq!(open.index(), 2);
    assert!(open.fold(), "a folded run goes to its parent");
    assert_eq!(under_cursor(&open), "list");
}

#[test]
fn folding_one_a_level_and_all_hides_what_is_under_them() {
    let mut open = open(STORY);
    open.step(Step::Rows(1));
    assert!(open.fold());
    assert_eq!(names(&open), "get list pay charge");
    let depth = |study: &Study, row: Row| study.trace.span(row).depth == 1;
    assert_eq!(open.fold_alike(depth), (Fold::Closed, 2));
    assert_eq!(names(&open), "get list pay");
    assert_eq!(open.fold_alike(depth), (Fold::Open, 2));
    assert_eq!(open.fold_all(), Fold::Closed);
    assert_eq!(names(&open), "get");
    assert_eq!(under_cursor(&open), "get", "the cursor is on what hides its span");
    assert_eq!(open.fold_all(), Fold::Open);
    assert_eq!(names(&open), "get list query×6 pay charge");
}

#[test]
fn a_jump_opens_whatever_hides_its_goal_and_goes_round_the_end() {
    let mut open = open(STORY);
    open.fold_all();
    let first = open.jump(To::Failed, Direction::Down).unwrap();
    assert_eq!((first.number, first.of), (1, 2));
    assert_eq!(under_cursor(&open), "query");
    assert_eq!(names(&open), "get list query query query query query query pay");
    assert_eq!(open.jump(To::Failed, Direction::Down).unwrap().number, 2);
    assert_eq!(open.jump(To::Failed, Direction::Down).unwrap().number, 1);
    assert_eq!(open.jump(To::Failed, Direction::Up).unwrap().number, 2);
}

#[test]
fn a_jump_says_why_it_goes_nowhere() {
    let mut well = open(&[(1, 0, 0, 100, "get"), (2, 1, 5, 60, "list")]);
    assert_eq!(well.jump(To::Failed, Direction::Down), Err(Nowhere::NoneAtAll));
    let mut open = open(STORY);
    open.jump(To::Failed, Direction::Up).unwrap();
    open.reroot();
    assert_eq!(open.jump(To::Failed, Direction::Down), Err(Nowhere::OnlyThis));
    open.go_to(Row(3));
    assert!(
        open.roots.is_empty(),
        "what is gone to is shown, whatever the root"
    );
    open.reroot();
    assert_eq!(open.jump(To::Failed, Direction::Down), Err(Nowhere::Outside(2)));
}

#[test]
fn the_slowest_by_self_time_come_one_after_the_other() {
    let mut open = open(STORY);
    let ranked: Vec<String> = (0..3)
        .map(|_| {
            open.jump_to_slowest().unwrap();
            under_cursor(&open)
        })
        .collect();
    assert_eq!(ranked, ["charge", "list", "get"]);
}

#[test]
fn a_root_within_a_root_is_left_step_by_step() {
    let mut open = open(STORY);
    open.go_to(Row(8));
    open.reroot();
    assert_eq!(names(&open), "pay charge");
    assert_eq!(open.whole().duration(), Duration::from_millis(36));
    open.step(Step::Bottom);
    open.reroot();
    assert_eq!(names(&open), "charge");
    assert!(open.zoom(2.0));
    assert!(open.back(), "the zoom first");
    assert!(open.view.is_none());
    assert!(open.back());
    assert_eq!(names(&open), "pay charge");
    assert!(open.back());
    assert_eq!(names(&open), "get list query×6 pay charge");
    assert!(!open.back(), "nothing is left to go back from");
}

#[test]
fn zoom_and_pan_stay_within_the_trace_and_say_where_they_end() {
    let mut open = open(STORY);
    assert!(!open.zoom(0.5), "there is no more than all");
    assert!(!open.pan(Direction::Down), "nothing is beside all");
    open.go_to(Row(9));
    assert!(open.zoom_to_span());
    let charge = open.in_view();
    assert!(charge.duration() >= Duration::from_millis(34) && charge.duration() < Duration::from_millis(36));
    while open.zoom(2.0) {}
    assert_eq!(open.in_view().nanos(), 1_000);
    while open.pan(Direction::Up) {
        assert!(open.in_view().from >= open.whole().from);
    }
    assert_eq!(open.in_view().from, open.whole().from);
    // Whoever jumps wants to see where to.
    open.jump(To::Failed, Direction::Down).unwrap();
    let goal = open.study().unwrap().trace.timing().of(open.cursor);
    assert!(open.in_view().from <= goal.from && goal.from <= open.in_view().to);
}

#[test]
fn a_search_finds_narrows_and_says_what_it_cannot_read() {
    let mut open = open(STORY);
    let search = |open: &mut Waterfall, text: &str| {
        let seeking = open.seek(Some(text.to_owned())).unwrap();
        let found = seeking.run().map(Arc::new);
        open.found(text, found);
    };
    search(&mut open, "err");
    assert_eq!(under_cursor(&open), "query", "the cursor goes to the first");
    open.narrowed = Narrowed::ToMatches;
    open.arrange();
    assert_eq!(names(&open), "get list query pay charge");
    assert_eq!(open.jump(To::Match, Direction::Down).unwrap().number, 2);
    search(&mut open, "dur>");
    let answer = open.sought.as_ref().unwrap().answer.as_ref().unwrap();
    assert!(answer.as_ref().unwrap_err().starts_with("column "));
    open.found("err", Ok(Arc::default()));
    let answer = open.sought.as_ref().unwrap().answer.as_ref().unwrap();
    assert!(answer.is_err(), "an answer to what is sought no more is dropped");
    assert!(open.back());
    assert_eq!(open.narrowed, Narrowed::No);
}

#[test]
fn whoever_comes_from_a_log_line_arrives_at_its_span_or_at_what_ran_then() {
    let study = study(STORY);
    let at = Nanos(BEGIN + 64 * 1_000_000);
    for span in [Some(SpanId(4)), None] {
        let mut open = Waterfall::asked(study.trace.id(), Tick::ZERO);
        open.aim_at(Aim { span, at });
        open.take(Ok(Arc::clone(&study)), later(3_600));
        assert_eq!((under_cursor(&open).as_str(), open.mark), ("charge", Some(at)));
    }
}

/// What has come of a request by then, its root not yet: the fifth query runs on.
const EARLY: &[Made] = &[
    (2, 1, 5, 60, "list"),
    (10, 2, 6, 10, "query"),
    (4, 3, 63, 97, "!charge"),
];

#[test]
fn a_young_trace_is_read_again_until_two_readings_bring_nothing() {
    let early = study(EARLY);
    let mut open = Waterfall::asked(early.trace.id(), Tick::ZERO);
    assert_eq!(open.take(Ok(early), later(2)), Taken::First);
    let mut readings = Vec::new();
    for second in 2..120 {
        if open.falls_due(later(second).tick) {
            assert!(!open.falls_due(later(second).tick), "asked for once");
            readings.push(second);
            let came = open.take(Ok(study(STORY)), later(second));
            assert_eq!(came == Taken::Changed, readings.len() == 1);
            assert!(matches!(
                open.growth,
                Growth::Settled | Growth::Young { came: 7, .. }
            ));
        }
    }
    assert_eq!(
        (readings.len(), open.growth),
        (3, Growth::Settled),
        "{readings:?}"
    );
}

#[test]
fn an_old_trace_is_not_read_again_and_one_without_its_root_only_for_a_while() {
    let after = |spans: &[Made], seconds: i64| {
        let study = study(spans);
        let mut open = Waterfall::asked(study.trace.id(), Tick::ZERO);
        open.take(Ok(study), later(seconds));
        open.is_young()
    };
    assert_eq!((after(STORY, 30), after(STORY, 90)), (true, false));
    assert_eq!((after(EARLY, 90), after(EARLY, 700)), (true, false));
}

#[test]
fn what_one_did_with_a_trace_stays_when_more_of_it_comes() {
    let early = study(EARLY);
    let mut open = Waterfall::asked(early.trace.id(), Tick::ZERO);
    open.take(Ok(early), later(2));
    let at = |open: &Waterfall, id: u64| open.study().unwrap().trace.find(SpanId(id)).next().unwrap();
    let folded = at(&open, 2);
    open.go_to(folded);
    assert!(open.fold());
    open.go_to(at(&open, 4));
    open.zoom(2.0);
    let view = open.view;
    assert!(view.is_some());
    assert_eq!(open.take(Ok(study(STORY)), later(8)), Taken::Changed);
    assert_eq!(open.cursor, at(&open, 4), "the cursor");
    assert!(
        open.folds.is_closed(at(&open, 2)) && !open.folds.is_closed(at(&open, 1)),
        "folds"
    );
    assert_eq!(open.view, view, "zoom");
    assert!(open.lines.iter().any(|line| line.row == open.cursor));
    let again = open.take(Err("503 from traces".to_owned()), later(14));
    assert_eq!(again, Taken::NotAgain("503 from traces".to_owned()));
    assert!(open.study().is_some() && !open.is_young(), "what there was stays");
}

#[test]
fn what_was_found_stands_at_its_spans_until_the_search_has_been_through_the_new_ones() {
    let early = study(EARLY);
    let mut open = Waterfall::asked(early.trace.id(), Tick::ZERO);
    open.take(Ok(early), later(2));
    let seeking = open.seek(Some("query".to_owned())).unwrap();
    open.found("query", seeking.run().map(Arc::new));
    let ids = |open: &Waterfall| -> Vec<u64> {
        let trace = &open.study().unwrap().trace;
        let hits = open.sought.as_ref().unwrap().hits();
        hits.iter().map(|row| trace.span(*row).id.0).collect()
    };
    assert_eq!(ids(&open), [10]);
    open.take(Ok(study(STORY)), later(8));
    assert_eq!(ids(&open), [10]);
    let cursor = open.cursor;
    let found = open.seeking().unwrap().run().map(Arc::new);
    open.found("query", found);
    assert_eq!(
        (ids(&open).len(), open.cursor),
        (6, cursor),
        "without going there"
    );
}

/// Trees of up to sixty spans.
fn any_tree() -> impl Strategy<Value = Vec<Made>> {
    let any_span = (any::<prop::sample::Index>(), 0_i64..100, 0_i64..100, 0_usize..4);
    prop::collection::vec(any_span, 1..60).prop_map(|all| {
        let spans = all
            .iter()
            .enumerate()
            .map(|(index, (parent, from, lasts, name))| {
                let id = index as u64 + 1;
                let parent = if index == 0 {
                    0
                } else {
                    parent.index(index) as u64 + 1
                };
                (id, parent, *from, from + lasts, ["a", "b", "!a", "c"][*name])
            });
        spans.collect()
    })
}

proptest! {
    #[test]
    fn whatever_is_folded_lines_are_in_order_and_every_span_is_shown_or_under_one_that_is(
        spans in any_tree(),
        steps in prop::collection::vec((0_usize..9, 0_isize..40), 0..30),
    ) {
        let mut open = open(&spans);
        open.resize(7);
        for (what, far) in steps {
            match what {
                0 => { open.fold(); }
                1 => { open.unfold(); }
                2 => { open.fold_all(); }
                3 => { open.reroot(); }
                4 => { open.back(); }
                5 => { let _ = open.jump(To::Failed, Direction::Down); }
                6 => { open.zoom(2.0); }
                7 => open.step(Step::Rows(-far)),
                _ => open.step(Step::Rows(far)),
            }
            let study = Arc::clone(open.study().unwrap());
            prop_assert!(open.lines.iter().any(|line| line.row == open.cursor));
            prop_assert!(open.offset <= open.index() && open.index() < open.offset + open.page);
            let mut next = open.range().start;
            for line in &open.lines {
                prop_assert_eq!(line.row.index(), next, "a line is missing or comes twice");
                next = match open.run_of(*line) {
                    Some(run) => run.rows.end,
                    None if open.folds.is_closed(line.row) => study.trace.subtree(line.row).end,
                    None => next + 1,
                };
            }
            prop_assert_eq!(next, open.range().end);
            let failed = study.trace.spans().filter(|span| span.status == Status::Error).count();
            prop_assert_eq!(within(&study.errors, &(0..study.trace.len())).len(), failed);
        }
    }
}
