//! The log pane: following and standing still, filters that keep the line in place, search, going back in time.

use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::logs::{
    Follow, Learnt, LogView, LogsAsk, Past, Refusal, Refused, RefusedFor, Seek, Times, Watched,
};
use midwatch::app::modal::{Modal, PromptKind};
use midwatch::app::{Effect, Msg, Settings, Zone};
use midwatch::backend::logs::{Reach, TailMode};
use midwatch::domain::log::{Gap, GapReason, Level, Nanos, Wanted};
use midwatch::domain::pattern::{Bounds, Patterns};
use midwatch::terminal::Input;

use super::Hand;
use crate::fixtures::logs::{batch, seconds_ago, store, story, tell_lines, view, with_logs};
use crate::fixtures::{ago, alert, board_of, settings};

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
fn going_up_reads_older_lines_and_where_there_is_none_says_how_far_back_was_looked() {
    let mut hand = reading();
    hand.effects.clear();
    hand.press("g");
    assert_eq!(hand.taken(), [Effect::ReadOlderLogs]);
    let nothing = LogView {
        past: Past::Nothing {
            back_to: seconds_ago(40 * 86_400),
        },
        ..view(store(&[story()]).snapshot(), LogsAsk::default())
    };
    hand.tell(Msg::LogsChanged(nothing.into()));
    hand.effects.clear();
    hand.press("k");
    hand.assert_said("nothing older back to 2026-10-11; f looks further");
    assert_eq!(hand.taken(), []);
    hand.press("f");
    assert_eq!(hand.taken(), [Effect::ReadOlderLogs]);
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
    hand.assert_said("no time reads as noon; try 03:14, 15m ago or 2026-11-20 03:14");
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
fn a_time_in_a_file_that_is_still_being_read_is_asked_for_though_older_lines_are_in_hand() {
    let mut hand = reading();
    let loading = LogView {
        mode: Some(TailMode::Reading { percent: 27, left: 0 }),
        past: Past::Whole,
        ..view(store(&[story()]).snapshot(), LogsAsk::default())
    };
    hand.tell(Msg::LogsChanged(loading.into()));
    hand.press("T");
    hand.write("20s ago");
    hand.press("enter");
    let to = seconds_ago(20 - 5);
    assert_eq!(hand.taken(), [Effect::SeekLogs(Some(to))]);
    assert_eq!(hand.model.logs.seek, Some(to), "until it is read");
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

#[test]
fn from_an_alert_the_lines_around_the_time_it_fired_are_gone_to() {
    let fired = alert("PoolExhausted", "critical", "checkout", 44, &[]);
    let mut hand = Hand::on(with_logs(), board_of(vec![fired]));
    hand.press("t");
    let ask = asked(&mut hand);
    let at = Nanos::of(ago(44));
    assert_eq!(
        (ask.wanted.service.as_deref(), ask.at),
        (Some("checkout"), Some(at))
    );
    assert_eq!(hand.model.focus, PaneId::Logs);
    let mut read = store(&[story()]);
    read.ingest(&batch(&[
        (44 * 60 + 1, "checkout", Level::Info, "before"),
        (44 * 60, "checkout", Level::Error, "it fires"),
    ]));
    let came = |seek| {
        Msg::LogsChanged(
            LogView {
                seek: Some(seek),
                ..view(read.snapshot(), ask.clone())
            }
            .into(),
        )
    };
    hand.tell(came(Seek::Under(at)));
    hand.tell(came(Seek::Ended(at)));
    assert_eq!(under_cursor(&hand), "it fires");
    hand.press("j");
    hand.tell(came(Seek::Ended(at)));
    assert_ne!(under_cursor(&hand), "it fires", "gone to once");
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
fn a_query_that_is_refused_is_offered_again_and_the_one_before_holds() {
    let mut hand = reading();
    hand.press("Q");
    hand.write("{app=");
    hand.press("enter");
    assert_eq!(asked(&mut hand).wanted.query, "{app=");
    let refused = Refused {
        query: "{app=".to_owned(),
        why: "parse error at line 1, col 6".to_owned(),
        of: RefusedFor::TheQuery,
    };
    let refusal = LogView {
        refused: Some(refused.into()),
        ..view(store(&[story()]).snapshot(), LogsAsk::default())
    };
    let refusal = std::sync::Arc::new(refusal);
    hand.tell(Msg::LogsChanged(refusal.clone()));
    assert_eq!(asked(&mut hand).wanted.query, "", "the query before");
    let text = |hand: &Hand| match &hand.model.modal {
        Some(Modal::Prompt(prompt)) if prompt.kind == PromptKind::Query => prompt.input.lines().join(""),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(&hand), "{app=");
    assert_eq!(hand.model.logs.refusal, Refusal::Shown);
    hand.press("esc");
    assert_eq!(
        hand.model.logs.refusal,
        Refusal::Read,
        "the border is of the tail again"
    );
    hand.tell(Msg::LogsChanged(refusal));
    assert!(hand.model.modal.is_none(), "offered once");
    hand.press("Q");
    assert_eq!(text(&hand), "{app=", "and whenever a query is asked again");
}

#[test]
fn a_query_is_told_once_its_lines_are_there_and_never_where_it_is_refused() {
    let told = |hand: &mut Hand| {
        let taken = hand.taken().into_iter();
        let told = taken.filter_map(|effect| match effect {
            Effect::Record(deed) => Some(deed.text),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let lines = store(&[story()]);
    let mut hand = reading();
    hand.command("logs {app=");
    let refused = Refused {
        query: "{app=".to_owned(),
        why: "parse error".to_owned(),
        of: RefusedFor::TheQuery,
    };
    let refusal = LogView {
        refused: Some(refused.into()),
        ..view(lines.snapshot(), LogsAsk::default())
    };
    hand.tell(Msg::LogsChanged(refusal.into()));
    hand.press("esc");
    hand.command("logs cart");
    assert_eq!(told(&mut hand), [""; 0]);
    let mut ask = LogsAsk::default();
    ask.wanted.query = "cart".to_owned();
    tell_lines(&mut hand.model, &lines, LogsAsk::default());
    hand.tell(Msg::LogsChanged(view(lines.snapshot(), ask).into()));
    assert_eq!(told(&mut hand), ["asked for logs with `cart`"]);
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
fn a_search_that_does_not_read_says_what_is_wrong_with_it_and_where() {
    let mut hand = reading();
    hand.press("/");
    hand.write("/po(ol/");
    let wrong = hand.model.logs.search_error.clone().unwrap();
    assert!(wrong.starts_with("column 2: not a regex: "), "{wrong}");
    hand.press("backspace backspace backspace backspace");
    assert_eq!(hand.model.logs.search_error, None);
}

#[test]
fn a_search_goes_to_the_hit_nearest_to_where_it_began_however_its_first_letters_led() {
    let mut hand = reading();
    hand.press("k k");
    let began = under_cursor(&hand);
    assert!(began.starts_with("GET /healthz"));
    hand.effects.clear();
    hand.press("/");
    hand.write("p");
    answer(&mut hand);
    hand.write("o");
    answer(&mut hand);
    assert!(
        under_cursor(&hand).starts_with("pool"),
        "forwards, where it is as near"
    );
    hand.write("r");
    hand.press("backspace backspace");
    hand.write("anic");
    answer(&mut hand);
    assert!(under_cursor(&hand).starts_with("panic"));
    hand.write("x");
    answer(&mut hand);
    assert_eq!(under_cursor(&hand), began, "no hit: back to where it began");
    hand.press("backspace");
    answer(&mut hand);
    hand.press("esc");
    assert_eq!(under_cursor(&hand), began, "and when it is left");
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
fn a_time_before_all_in_hand_is_read_back_to_and_given_up_with_esc() {
    let mut hand = reading();
    hand.effects.clear();
    hand.press("T");
    hand.write("20m ago");
    hand.press("enter");
    // The console is five seconds old.
    let to = seconds_ago(20 * 60 - 5);
    assert_eq!(hand.taken(), [Effect::SeekLogs(Some(to))]);
    hand.press("esc");
    assert_eq!(hand.taken(), [Effect::SeekLogs(None)]);
    hand.press("T");
    hand.write("20m ago");
    hand.press("enter");
    let ended = LogView {
        seek: Some(Seek::Ended(to)),
        ..view(store(&[story()]).snapshot(), LogsAsk::default())
    };
    hand.tell(Msg::LogsChanged(ended.into()));
    hand.assert_said("no line so far back was reached: the oldest is of 03:12:32Z; T goes on");
}

#[test]
fn a_time_far_before_all_in_hand_is_asked_for_itself_where_a_server_has_the_lines() {
    let lines: Vec<_> = (0..600)
        .map(|n| (30 - n / 20, "cart", Level::Info, "GET /healthz 200"))
        .collect();
    let dense = store(&[batch(&lines)]);
    for (reach, asks) in [(Reach::Present, true), (Reach::AtHand, false)] {
        let mut hand = reading();
        let view = LogView {
            reach,
            ..view(dense.snapshot(), LogsAsk::default())
        };
        hand.tell(Msg::LogsChanged(view.into()));
        hand.effects.clear();
        hand.press("T");
        hand.write("20m ago");
        hand.press("enter");
        // The console is five seconds old.
        let to = seconds_ago(20 * 60 - 5);
        if asks {
            assert_eq!(asked(&mut hand).at, Some(to), "not all that lies between is read");
        } else {
            assert_eq!(hand.taken(), [Effect::SeekLogs(Some(to))]);
        }
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
fn a_gap_that_no_line_is_behind_is_read_again_from_the_last_line() {
    let mut hand = reading();
    let mut ends = store(&[story()]);
    let gap = Gap {
        from: seconds_ago(3),
        to: seconds_ago(1),
        reason: GapReason::Disconnected,
    };
    ends.gap(gap.clone());
    tell_lines(&mut hand.model, &ends, LogsAsk::default());
    hand.effects.clear();
    hand.press("f");
    assert_eq!(hand.taken(), [Effect::RefetchLogs(gap)]);
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
fn times_go_round_by_utc_by_the_local_clock_and_since_the_line_under_the_cursor() {
    let mut hand = reading();
    let mut seen = Vec::new();
    for _ in 0..3 {
        hand.press("L");
        seen.push((hand.model.zone, hand.model.logs.times));
    }
    let round = [
        (Zone::Local, Times::Clock),
        (Zone::Utc, Times::Relative),
        (Zone::Utc, Times::Clock),
    ];
    assert_eq!(seen, round);
}

#[test]
fn hits_are_marked_where_they_stand_among_the_lines_that_are_shown() {
    let lines: Vec<_> = (0..100)
        .map(|n| {
            (
                100 - n,
                "cart",
                Level::Info,
                if n % 10 == 9 { "kept hit" } else { "other" },
            )
        })
        .chain([(0, "cart", Level::Info, "kept")])
        .collect();
    let ask = LogsAsk {
        filter: "kept".to_owned(),
        search: "hit".to_owned(),
        ..LogsAsk::default()
    };
    let view = view(store(&[batch(&lines)]).snapshot(), ask);
    assert_eq!(view.len(), 11);
    assert_eq!(view.hit_density(11), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(view.hit_density(2), [6, 4]);
}

#[test]
fn shown_filtered_and_let_go_are_together_what_was_read() {
    use midwatch::logstore::{Limits, Store};
    let mut small = Store::new(Limits {
        lines: 200,
        bytes: 1 << 20,
    });
    for n in 0..30 {
        let line = (
            100 - n,
            "cart",
            Level::Info,
            if n % 2 == 0 { "even" } else { "odd" },
        );
        small.ingest(&batch(&[line; 20]));
    }
    let ask = LogsAsk {
        filter: "even".to_owned(),
        ..LogsAsk::default()
    };
    let view = view(small.snapshot(), ask);
    let (shown, counts) = (view.len() as u64, view.snapshot.counts());
    let filtered = view.snapshot.len() as u64 - shown;
    assert!(counts.evicted > 0 && filtered > 0);
    assert_eq!((shown + filtered + counts.evicted, counts.taken), (600, 600));
}

#[test]
fn a_time_that_nobody_read_yet_is_asked_for_itself() {
    let mut hand = reading();
    let mut around = store(&[story()]);
    around.gap(Gap {
        from: seconds_ago(55),
        to: seconds_ago(43),
        reason: GapReason::Unread,
    });
    tell_lines(&mut hand.model, &around, LogsAsk::default());
    hand.effects.clear();
    hand.press("T");
    hand.write("50s");
    hand.press("enter");
    // The console is five seconds old.
    assert_eq!(asked(&mut hand).at, Some(seconds_ago(45)));
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

/// A console on the lines of one file, and nothing else.
fn on_lines_alone() -> Hand {
    let mut hand = Hand::on(
        Settings {
            context: "/var/log/app.log".to_owned(),
            has_metrics: false,
            alertmanagers: Vec::new(),
            writable: Vec::new(),
            incidents: None,
            no_journal: Some("nothing is kept".to_owned()),
            ..with_logs()
        },
        board_of(Vec::new()),
    );
    hand.model.keep_to_lines();
    tell_lines(&mut hand.model, &store(&[story()]), LogsAsk::default());
    hand
}

#[test]
fn where_lines_alone_are_open_everything_else_says_so_and_the_keys_stay_with_them() {
    for keys in [
        "1",
        "2",
        "4",
        "5",
        "tab",
        "S",
        "U",
        ": declare",
        ": escalate",
        ": on call",
    ] {
        let mut hand = on_lines_alone();
        if let Some(command) = keys.strip_prefix(": ") {
            hand.press(":");
            hand.write(command);
            hand.press("enter");
        } else {
            hand.press(keys);
        }
        assert_eq!(
            hand.said(),
            "only the lines of /var/log/app.log are open here: start midwatch without naming lines for all the rest",
            "{keys}"
        );
        assert_eq!(hand.model.focus, PaneId::Logs, "{keys}");
        assert!(
            hand.model.details.is_empty() && hand.model.modal.is_none(),
            "{keys}"
        );
        assert!(hand.effects.is_empty(), "{keys}");
    }
    let mut hand = on_lines_alone();
    hand.press("F");
    hand.press("P");
    assert_eq!(
        hand.model.detail(),
        Some(&Detail::Patterns),
        "what is of lines is there"
    );
}

#[test]
fn a_context_with_little_configured_is_not_taken_for_lines_alone() {
    let mut hand = reading();
    hand.press("1");
    assert_eq!(hand.model.focus, PaneId::Slo);
}
