//! The log pane: following and standing still, opened lines and bookmarks, patterns, columns and the mouse.

mod alone;
mod back;
mod finding;

use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::logs::{Follow, Learnt, LogView, LogsAsk, Past, Seek, Watched};
use midwatch::app::{Effect, Msg};
use midwatch::domain::log::{Level, Wanted};
use midwatch::domain::pattern::{Bounds, Patterns};
use midwatch::terminal::Input;

use super::Hand;
use crate::fixtures::logs::{batch, seconds_ago, store, story, tell_lines, view, with_logs};
use crate::fixtures::{alert, board_of};

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
    let ask = asked(&mut hand);
    let trace = ask.wanted.trace.expect("of its trace");
    assert_eq!(trace.to_string(), "7f3a9c0d11e24b6f8a5501c2d3e4f506");
    assert_eq!(ask.at, Some(seconds_ago(58)), "around the line's own time");
    hand.press("esc");
    assert_eq!(asked(&mut hand).wanted.trace, None, "a step back shows all again");
}

#[test]
fn back_from_a_trace_what_was_looked_at_before_is_taken_up_again() {
    let mut hand = reading();
    hand.press("v v &");
    hand.write("pool");
    hand.press("enter");
    answer(&mut hand);
    hand.press("/");
    hand.write("exhausted");
    hand.press("enter");
    answer(&mut hand);
    hand.press("k");
    let (asked_before, stood) = (hand.model.logs.whole_filter(), under_cursor(&hand));
    assert_eq!(asked_before, "pool level>=warn");
    hand.press("enter t 2");
    let ask = asked(&mut hand);
    assert!(ask.wanted.trace.is_some() && ask.filter.is_empty() && ask.search.is_empty());
    hand.press("esc");
    let ask = asked(&mut hand);
    assert_eq!(
        (ask.wanted.trace, ask.filter.as_str(), ask.search.as_str()),
        (None, "pool level>=warn", "exhausted")
    );
    assert_eq!(ask.at, Some(seconds_ago(58)), "around the line that was left");
    let back = LogView {
        seek: ask.at.map(Seek::Ended),
        ..view(store(&[story()]).snapshot(), ask)
    };
    hand.tell(Msg::LogsChanged(back.into()));
    assert_eq!(under_cursor(&hand), stood);
}

#[test]
fn lines_that_come_to_an_empty_view_that_stands_still_are_all_in_sight() {
    let mut hand = reading();
    hand.press("z k");
    tell_lines(&mut hand.model, &store(&[]), LogsAsk::default());
    tell_lines(&mut hand.model, &store(&[story()]), LogsAsk::default());
    assert_eq!(
        hand.model.logs.row, hand.model.logs.place,
        "none is above the top"
    );
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
fn bookmarks_outlive_another_store_and_what_it_does_not_have_is_said() {
    let mut hand = reading();
    hand.press("k m k k m");
    let marked = |hand: &Hand| {
        let pane = &hand.model.logs;
        let snapshot = &pane.drawn().expect("lines are there").snapshot;
        let entries = pane.bookmarks.ids().filter_map(|id| snapshot.entry(id));
        let texts = entries.map(|entry| String::from_utf8_lossy(&entry.text).into_owned());
        texts.collect::<Vec<_>>()
    };
    let before = marked(&hand);
    let mut other = store(&[batch(&[(500, "cart", Level::Info, "older")]), story()]);
    other.ingest(&batch(&[(0, "cart", Level::Info, "newer")]));
    tell_lines(&mut hand.model, &other, LogsAsk::default());
    assert_eq!(marked(&hand), before);
    // while another question is read, nothing is known yet
    let filling = LogView {
        past: Past::Reading,
        ..view(store(&[]).snapshot(), LogsAsk::default())
    };
    hand.tell(Msg::LogsChanged(filling.into()));
    assert!(hand.model.toasts.current().is_none());
    let few = store(&[batch(&[(0, "cart", Level::Info, "newer")])]);
    hand.tell(Msg::LogsChanged(view(few.snapshot(), LogsAsk::default()).into()));
    hand.assert_said("2 bookmarked lines are not in hand any more; they are marked again once they are");
    hand.tell(Msg::LogsChanged(
        view(other.snapshot(), LogsAsk::default()).into(),
    ));
    assert_eq!(marked(&hand), before);
}

/// The keeper shows a store that it is filling anew for what was asked.
fn fills(hand: &mut Hand, ask: &LogsAsk, lines: &[(i64, &str, Level, &str)], past: Past) {
    let filling = LogView {
        seek: ask.at.map(|at| match past {
            Past::Reading => Seek::Under(at),
            _ => Seek::Ended(at),
        }),
        past,
        ..view(store(&[batch(lines)]).snapshot(), ask.clone())
    };
    hand.tell(Msg::LogsChanged(filling.into()));
}

#[test]
fn scoped_from_a_line_and_back_the_cursor_stays_on_it_whatever_is_read_first() {
    let mut hand = reading();
    hand.press("k k k k");
    let (stood, row) = (under_cursor(&hand), hand.model.logs.row);
    assert!(stood.starts_with("pool exhausted"));
    let newer = (1, "checkout", Level::Info, "newer");
    // of the same moment, and told before it
    let other = (58, "checkout", Level::Warn, "retry 3/3 payment-gw: upstream 503");
    let line = (58, "checkout", Level::Error, "pool exhausted: 20/20 in use");
    for key in [".", ","] {
        hand.effects.clear();
        hand.press(key);
        let ask = asked(&mut hand);
        assert_eq!(ask.at, Some(seconds_ago(58)), "what is around the line is read");
        fills(&mut hand, &ask, &[newer], Past::Reading);
        fills(&mut hand, &ask, &[other, line, newer], Past::Open);
        let pane = &hand.model.logs;
        assert_eq!((pane.row, pane.seek), (row.min(pane.place), None), "{key}");
        assert_eq!(under_cursor(&hand), stood, "{key}");
    }
    // one that is open stays open
    hand.press("enter .");
    let ask = asked(&mut hand);
    fills(&mut hand, &ask, &[newer], Past::Reading);
    fills(&mut hand, &ask, &[other, line, newer], Past::Open);
    let cursor = hand.model.logs.cursor.expect("a cursor");
    assert_eq!(
        (hand.model.detail(), under_cursor(&hand)),
        (Some(&Detail::LogLine(cursor)), stood)
    );
    hand.press("esc ,");
    // whoever goes elsewhere meanwhile is not taken back
    hand.press(".");
    let ask = asked(&mut hand);
    fills(&mut hand, &ask, &[newer], Past::Reading);
    hand.press("k");
    fills(&mut hand, &ask, &[other, line, newer], Past::Open);
    assert_eq!(under_cursor(&hand), "newer");
}

#[test]
fn scoped_while_the_newest_line_is_followed_it_is_followed_on() {
    let mut hand = reading();
    hand.press("k k k k .");
    answer(&mut hand);
    hand.press("G ,");
    let ask = asked(&mut hand);
    assert_eq!((ask.at, hand.model.logs.follow), (None, Follow::Newest));
    tell_lines(&mut hand.model, &store(&[story()]), ask);
    assert!(under_cursor(&hand).starts_with("cache miss"));
}

#[test]
fn in_a_prompt_what_stands_before_the_cursor_is_taken_away_at_once() {
    let mut hand = reading();
    hand.press("Q");
    hand.write("{app=");
    hand.press("ctrl-u");
    hand.write("{pod=");
    hand.press("enter");
    assert_eq!(asked(&mut hand).wanted.query, "{pod=");
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
fn frozen_no_pivot_leads_to_lines_that_would_not_be_shown() {
    let fired = alert("PoolExhausted", "critical", "checkout", 44, &[]);
    let mut hand = Hand::on(with_logs(), board_of(vec![fired]));
    hand.press("p t");
    hand.assert_said("paused; p lets go");
    assert_eq!(hand.model.focus, PaneId::Alerts);
    assert_eq!(hand.model.scope.service(), None);
}

#[test]
fn only_newer_lines_are_counted_as_new() {
    let mut hand = reading();
    hand.press("k");
    let mut grown = store(&[story()]);
    grown.ingest_older(&batch(&[(600, "cart", Level::Info, "read back")]));
    grown.ingest(&batch(&[
        (50, "cart", Level::Info, "of a gap"),
        (1, "cart", Level::Info, "new"),
    ]));
    tell_lines(&mut hand.model, &grown, LogsAsk::default());
    assert_eq!(hand.model.logs.arrived(), 1);
}

#[test]
fn a_click_hits_the_line_that_is_drawn_there_wrapped_or_not() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut hand = reading();
    hand.press("w z");
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 120, 40));
    let theme = midwatch::theme::Theme::from_styles("", midwatch::theme::Glyphs::Unicode, |_| {
        ratatui::style::Style::default()
    });
    midwatch::view::draw(&hand.model, &theme, hand.now, &mut buffer);
    let at = |text: &str| {
        let row = |y| (0..120).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..40).find(|y| row(*y).contains(text)).unwrap()
    };
    // The second row of an entry of three.
    for (shown, line) in [
        ("at pay::charge", "panic: connection reset"),
        ("retry 2/3", "retry 2/3"),
    ] {
        hand.tell(Msg::Input(Input::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 40,
            row: at(shown),
            modifiers: KeyModifiers::NONE,
        })));
        assert!(under_cursor(&hand).starts_with(line), "{}", under_cursor(&hand));
        let mut after = buffer.clone();
        midwatch::view::draw(&hand.model, &theme, hand.now, &mut after);
        let text = |buffer: &ratatui::buffer::Buffer, y| {
            (50..100).map(|x| buffer[(x, y)].symbol()).collect::<String>()
        };
        assert_eq!(
            text(&after, at(shown)),
            text(&buffer, at(shown)),
            "it stays where it is"
        );
    }
}

#[test]
fn from_a_pattern_its_lines_are_shown_whatever_their_level_and_back_one_stands_where_one_stood() {
    let mut hand = reading();
    hand.press("k k k k v v v");
    answer(&mut hand);
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    let (level, row) = (hand.model.logs.at_least, hand.model.logs.row);
    assert_eq!(level, Some(Level::Error));
    hand.press("P");
    let lines = store(&[story()]);
    let mut patterns = Patterns::new(Bounds::default());
    let text = b"GET /healthz 200 0.4ms";
    patterns.learn(seconds_ago(30), Level::Info, Some("cart"), text, b"");
    let learnt = Learnt {
        patterns: patterns.list(seconds_ago(0)),
        tally: patterns.tally(),
        of: 1,
        ..Learnt::default()
    };
    let ask = asked(&mut hand);
    let with_patterns = LogView {
        learnt: Some(learnt.into()),
        ..view(lines.snapshot(), ask)
    };
    hand.tell(Msg::LogsChanged(with_patterns.into()));
    hand.effects.clear();
    hand.press("enter");
    let ask = asked(&mut hand);
    assert!(!ask.filter.contains("level>="), "{}", ask.filter);
    tell_lines(&mut hand.model, &lines, ask.clone());
    assert_eq!(hand.model.logs.len(), 2, "{}", ask.filter);
    hand.effects.clear();
    hand.press("esc");
    let back = asked(&mut hand);
    assert_eq!(back.filter, "level>=error");
    tell_lines(&mut hand.model, &lines, ask);
    tell_lines(&mut hand.model, &lines, back);
    assert!(
        under_cursor(&hand).starts_with("pool exhausted"),
        "{}",
        under_cursor(&hand)
    );
    assert_eq!((hand.model.logs.at_least, hand.model.logs.row), (level, row));
    assert_ne!(hand.model.logs.follow, Follow::Newest);
}

#[test]
fn patterns_are_asked_for_while_they_are_open_however_they_are_left() {
    let mut hand = reading();
    hand.effects.clear();
    hand.press("P");
    assert_eq!(asked(&mut hand).patterns, Watched::Yes);
    hand.press("esc");
    assert_eq!(asked(&mut hand).patterns, Watched::No);
    hand.press("P 3");
    assert_eq!(asked(&mut hand).patterns, Watched::No);
}

#[test]
fn columns_offer_the_fields_that_lines_have_and_say_which_none_has() {
    let mut hand = reading();
    hand.press("C");
    hand.write("tra");
    hand.press("tab");
    hand.write(" stauts");
    hand.press("enter");
    assert_eq!(hand.model.logs.columns, ["trace_id", "stauts"]);
    hand.assert_said("no line around the cursor has stauts");
    hand.press("& n a m tab");
    assert_eq!(
        hand.model.logs.filter, "namespace",
        "names are completed in the filter too"
    );
    hand.press("tab");
    assert_eq!(hand.model.logs.filter, "namespace", "there is no other");
}

#[test]
fn keys_that_work_on_lines_say_why_they_do_nothing_where_none_was_read() {
    let mut hand = Hand::on(with_logs(), board_of(Vec::new()));
    hand.press("3");
    for key in ["F", "w", "c", "P"] {
        hand.press(key);
        hand.assert_said("no line was read yet");
    }
    assert!(hand.model.details.is_empty());
}

#[test]
fn a_trace_told_line_by_line_is_one_row_whatever_level_is_shown() {
    let mut hand = reading();
    let mut grown = store(&[story()]);
    for line in ["java.lang.X: no pool", "\tat shop.Pool.take(Pool.java:4)"] {
        // right behind "pool exhausted", which carries the level
        grown.ingest(&batch(&[(11, "checkout", Level::Unknown, line)]));
    }
    let ask = LogsAsk {
        filter: "level>=error".to_owned(),
        ..LogsAsk::default()
    };
    tell_lines(&mut hand.model, &grown, ask);
    assert_eq!(hand.model.logs.len(), 3, "errors");
    assert_eq!(
        under_cursor(&hand),
        "pool exhausted: 20/20 in use\njava.lang.X: no pool\n\tat shop.Pool.take(Pool.java:4)"
    );
}
