//! The log pane: following and standing still, filters that keep the line in place, search, going back in time.

use midwatch::app::Effect;
use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::logs::{Follow, LogView, LogsAsk, Past};
use midwatch::app::{Msg, Settings};
use midwatch::domain::log::{Level, Wanted};

use super::Hand;
use crate::fixtures::logs::{batch, store, story, tell_lines, view, with_logs};
use crate::fixtures::{board_of, settings};

fn reading() -> Hand {
    let mut hand = Hand::on(with_logs(), board_of(Vec::new()));
    hand.press("3");
    tell_lines(&mut hand.model, &store(&[story()]), LogsAsk::default());
    hand
}

/// What the pane asked for last.
fn asked(hand: &mut Hand) -> LogsAsk {
    let asks = hand.taken().into_iter().filter_map(|effect| match effect {
        Effect::AskLogs(ask) => Some(ask),
        _ => None,
    });
    asks.last().expect("something was asked for")
}

/// The runtime answers what was asked.
fn answer(hand: &mut Hand) {
    let ask = asked(hand);
    tell_lines(&mut hand.model, &store(&[story()]), ask);
}

fn under_cursor(hand: &Hand) -> String {
    let pane = &hand.model.logs;
    let view = pane.drawn().expect("lines are there");
    let entry = view
        .snapshot
        .entry(pane.cursor.expect("a cursor"))
        .expect("in hand");
    String::from_utf8_lossy(&entry.text).into_owned()
}

#[test]
fn without_a_log_backend_its_key_says_what_to_add() {
    let mut hand = Hand::on(settings(), board_of(Vec::new()));
    hand.press("3");
    hand.assert_said("no log backend is configured; add [contexts.prod-eu.logs]");
    assert_ne!(hand.model.focus, PaneId::Logs);
}

#[test]
fn the_newest_line_is_followed_until_somebody_goes_up_and_again_from_the_end() {
    let mut hand = reading();
    assert!(under_cursor(&hand).starts_with("cache miss"));
    hand.press("k");
    let stood = under_cursor(&hand);
    let row = hand.model.logs.row;
    let more = batch(&[
        (0, "cart", Level::Info, "GET /healthz 200"),
        (0, "cart", Level::Info, "newest"),
    ]);
    let mut grown = store(&[story()]);
    grown.ingest(&more);
    tell_lines(&mut hand.model, &grown, LogsAsk::default());
    assert_eq!((under_cursor(&hand), hand.model.logs.row), (stood, row));
    assert_eq!(hand.model.logs.arrived(), 2, "arrivals are counted");
    hand.press("G");
    assert_eq!(
        (under_cursor(&hand).as_str(), hand.model.logs.follow),
        ("newest", Follow::Newest)
    );
}

#[test]
fn a_filter_keeps_the_line_and_its_row_and_context_lifts_it_there() {
    let mut hand = reading();
    hand.press("k k k k");
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    hand.effects.clear();
    hand.press("&");
    hand.write("pool");
    let ask = asked(&mut hand);
    assert_eq!(ask.filter, "pool");
    tell_lines(&mut hand.model, &store(&[story()]), ask);
    hand.press("enter");
    assert_eq!(hand.model.logs.len(), 2);
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    hand.effects.clear();
    hand.press("c");
    answer(&mut hand);
    assert_eq!(hand.model.logs.len(), 9, "everything around it");
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    hand.press("c");
    assert_eq!(asked(&mut hand).filter, "pool", "and filtered again");
}

#[test]
fn a_filter_that_does_not_read_is_said_and_the_last_good_one_holds() {
    let mut hand = reading();
    hand.press("&");
    hand.write("pool");
    hand.effects.clear();
    hand.write(" /(/");
    assert!(hand.model.logs.filter_error.is_some());
    let asks = hand.taken();
    let last = asks.iter().rev().find_map(|effect| match effect {
        Effect::AskLogs(ask) => Some(ask.filter.clone()),
        _ => None,
    });
    assert!(last.is_none_or(|filter| !filter.contains("/(/")), "{asks:?}");
}

#[test]
fn the_level_key_cycles_and_is_part_of_what_is_asked() {
    let mut hand = reading();
    hand.effects.clear();
    hand.press("v v");
    assert_eq!(asked(&mut hand).filter, "level>=warn");
    hand.press("v v");
    assert_eq!(asked(&mut hand).filter, "");
}

#[test]
fn a_search_goes_to_the_nearest_hit_and_on_round_the_end() {
    let mut hand = reading();
    hand.effects.clear();
    hand.press("/");
    hand.write("pool");
    answer(&mut hand);
    hand.press("enter");
    let first = hand.model.logs.place;
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    hand.press("n");
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    assert_ne!(hand.model.logs.place, first);
    hand.press("n");
    assert_eq!(hand.model.logs.place, first, "round the end");
}

#[test]
fn going_up_reads_older_lines_until_the_start_and_says_when_it_is_there() {
    let mut hand = reading();
    hand.effects.clear();
    hand.press("g");
    assert_eq!(hand.taken(), [Effect::ReadOlderLogs]);
    let whole = LogView {
        past: Past::Whole,
        ..view(store(&[story()]).snapshot(), LogsAsk::default())
    };
    hand.tell(Msg::LogsChanged(whole.into()));
    hand.press("k");
    hand.assert_said("this is the oldest line there is");
}

#[test]
fn a_time_is_gone_to_and_what_does_not_read_as_one_is_said() {
    let mut hand = reading();
    hand.press("T");
    hand.write("03:13:20");
    hand.press("enter");
    let text = under_cursor(&hand);
    assert!(
        text.starts_with("panic: connection reset"),
        "{text} {:?}",
        hand.heard
    );
    hand.press("T");
    hand.write("noon");
    hand.press("enter");
    hand.assert_said("no time reads as noon; try 03:14, 15m ago or 2026-11-20 03:14 (UTC)");
}

#[test]
fn a_scope_asks_the_source_for_its_service_alone() {
    let mut hand = reading();
    hand.press("k k k k");
    hand.effects.clear();
    hand.press(".");
    let wanted = asked(&mut hand).wanted;
    assert_eq!(wanted.service.as_deref(), Some("checkout"));
    hand.press(",");
    assert_eq!(asked(&mut hand).wanted, Wanted::default());
}

#[test]
fn a_line_opens_whole_and_leads_to_its_trace() {
    let mut hand = reading();
    hand.press("k k k k enter");
    assert!(matches!(hand.model.detail(), Some(Detail::LogLine(_))));
    hand.effects.clear();
    hand.press("t 2");
    let trace = asked(&mut hand).wanted.trace.expect("of its trace");
    assert_eq!(trace.to_string(), "7f3a9c0d11e24b6f8a5501c2d3e4f506");
    hand.press("esc");
    assert_eq!(asked(&mut hand).wanted.trace, None, "a step back shows all again");
}

#[test]
fn bookmarks_are_set_and_gone_round() {
    let mut hand = reading();
    hand.press("k m k k m");
    assert_eq!(hand.model.logs.bookmarks.len(), 2);
    let second = hand.model.logs.cursor;
    hand.press("'");
    assert_ne!(hand.model.logs.cursor, second);
    hand.press("'");
    assert_eq!(hand.model.logs.cursor, second);
    hand.press("m");
    assert_eq!(hand.model.logs.bookmarks.len(), 1, "and taken away");
}

#[test]
fn frozen_the_lines_stand_and_the_store_goes_on() {
    let mut hand = reading();
    hand.press("p");
    let mut grown = store(&[story()]);
    grown.ingest(&batch(&[(0, "cart", Level::Info, "newest")]));
    tell_lines(&mut hand.model, &grown, LogsAsk::default());
    assert!(under_cursor(&hand).starts_with("cache miss"));
    hand.press("p");
    assert_eq!(under_cursor(&hand), "newest");
}

#[test]
fn a_context_without_logs_shows_the_panes_that_another_hid() {
    let layout = midwatch::app::focus::Layout {
        hidden: [PaneId::Slo, PaneId::Alerts, PaneId::Incident].into(),
        ..midwatch::app::focus::Layout::default()
    };
    let keymap = midwatch::keymap::load("default", None).unwrap();
    let without: Settings = settings();
    let model = midwatch::app::Model::new(
        without,
        keymap.into(),
        layout,
        crate::fixtures::size(80, 24),
        crate::fixtures::now(),
    );
    assert!(model.layout.visible().next().is_some());
    assert!(model.layout.shows(model.focus));
}
