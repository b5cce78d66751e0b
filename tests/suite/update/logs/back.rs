//! Going back in time: older lines, moments, gaps, and how times are written.

use midwatch::app::focus::PaneId;
use midwatch::app::logs::{LogView, LogsAsk, Past, Seek, Times};
use midwatch::app::{Effect, Msg, Zone};
use midwatch::backend::logs::{Reach, TailMode};
use midwatch::domain::log::{Gap, GapReason, Level, Nanos};

use super::super::Hand;
use super::{asked, reading, under_cursor};
use crate::fixtures::logs::{batch, seconds_ago, store, story, tell_lines, view, with_logs};
use crate::fixtures::{ago, alert, board_of};

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
