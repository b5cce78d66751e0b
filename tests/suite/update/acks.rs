//! Taking alerts and handing them back: what a key hits, and what it asks first.

use std::sync::Arc;

use chrono::TimeDelta;
use midwatch::app::acts::{Act, Stage};
use midwatch::app::list::ListState;
use midwatch::app::msg::ActState;
use midwatch::app::toast::Level;
use midwatch::app::{Effect, Msg, Settings};
use midwatch::domain::alert::{Ack, AckState, Alert, AlertState, BoardSilence, IsAck};
use midwatch::theme::{Glyphs, Theme};
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Hand, pod};
use crate::fixtures::{ago, alert, alert_board, board_of, now, settings};

fn held(mut alert: Alert, by: &str) -> Alert {
    alert.ack = AckState::Held(Ack {
        by: by.into(),
        at: ago(4),
        until: now().utc + TimeDelta::minutes(11),
        silences: vec![("eu-0".into(), "s1".into())],
        note: "".into(),
    });
    alert.state = AlertState::Suppressed;
    alert
}

fn acknowledged(act: &Act) -> Vec<u64> {
    match act {
        Act::Acknowledge { alerts, .. } => alerts.iter().map(|o| o.fingerprint.0).collect(),
        other => panic!("{other:?}"),
    }
}

fn ids(alerts: &[&Alert]) -> Vec<u64> {
    alerts
        .iter()
        .map(|alert| alert.occurrence.fingerprint.0)
        .collect()
}

pub fn screen(hand: &Hand) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
    let theme = Theme::from_styles("plain", Glyphs::Unicode, |_| Style::new());
    view::draw(&hand.model, &theme, hand.now, &mut buffer);
    buffer
        .content()
        .iter()
        .map(ratatui::buffer::Cell::symbol)
        .collect()
}

#[test]
fn an_act_hits_the_row_that_was_under_the_cursor_when_its_pane_was_chosen() {
    for chosen in ["2", "1 tab"] {
        let mut hand = Hand::with(vec![pod("Old", "1")]);
        hand.model.alerts.list = ListState::default();
        hand.model.alerts.arrange();
        hand.press(chosen);
        hand.board(vec![alert("New", "critical", "cart", 0, &[]), pod("Old", "1")]);
        hand.wait(15_000);
        hand.taken();
        hand.press("a");
        let (_, act) = hand.one_act();
        assert!(
            act.names(pod("Old", "1").occurrence.fingerprint),
            "{chosen}: {act:?}"
        );
        assert!(!act.names(alert("New", "critical", "cart", 0, &[]).occurrence.fingerprint));
    }
}

#[test]
fn a_pane_that_nobody_chose_stays_at_its_top() {
    let mut hand = Hand::with(vec![pod("Old", "1")]);
    hand.model.alerts.list = ListState::default();
    hand.model.alerts.arrange();
    hand.press("1");
    hand.board(vec![alert("New", "critical", "cart", 0, &[]), pod("Old", "1")]);
    assert_eq!(hand.model.alerts.list.index, 0);
}

#[test]
fn words_said_before_a_dialog_leave_it_its_keys() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.model.toasts.say(Level::Warn, "said before", hand.now.tick);
    assert!(hand.screen().contains("said before"));
    hand.press("s");
    let screen = hand.screen();
    assert!(
        !screen.contains("said before") && screen.contains("put away"),
        "{screen}"
    );
    // What is said of the dialog itself is seen, and what was said before is not lost.
    hand.press("f1");
    assert!(hand.screen().contains("sends from why"), "{}", hand.screen());
    hand.press("esc");
    assert!(
        hand.model
            .toasts
            .all()
            .iter()
            .any(|toast| toast.text == "said before")
    );
}

#[test]
fn a_filter_that_cannot_be_read_is_not_on_the_border_and_its_fault_is_told_whole() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("&");
    hand.write("severity=~\"crit(\"");
    hand.press("enter");
    hand.assert_said("the filter is not in force, every alert is listed");
    hand.assert_said("unclosed group");
    let mut board = board_of(vec![pod("A", "1")]);
    board.filter_error = Some("no regex".to_owned());
    hand.tell(Msg::AlertsArranged(Arc::new(board)));
    hand.wait(20_000);
    assert!(!hand.screen().contains("⟨severity"), "{}", hand.screen());
}

#[test]
fn one_alert_is_taken_with_one_key() {
    let alert = pod("A", "1");
    let mut hand = Hand::with(vec![alert.clone()]);
    hand.press("a");
    let (id, act) = hand.one_act();
    assert_eq!(acknowledged(&act), ids(&[&alert]));
    assert!(screen(&hand).contains("saving…"), "it is not on the disk yet");
    hand.journaled(id);
    assert!(
        screen(&hand).contains("ack…"),
        "the row says that it is under way"
    );
}

#[test]
fn the_head_of_a_group_takes_those_of_it_that_nobody_has() {
    let (one, two, three) = (
        pod("A", "1"),
        held(pod("A", "2"), "mara@example.com"),
        pod("A", "3"),
    );
    let mut hand = Hand::with(vec![one.clone(), two, three.clone()]);
    hand.press("a");
    assert_eq!(acknowledged(&hand.one_act().1), ids(&[&one, &three]));
}

#[test]
fn a_key_pressed_twice_takes_once() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("a a");
    assert_eq!(hand.acts().len(), 1);
    hand.assert_said("under way");
}

#[test]
fn what_somebody_has_is_said_with_their_name() {
    let mut hand = Hand::with(vec![held(pod("A", "1"), "mara@example.com")]);
    hand.press("a");
    assert_eq!(hand.taken(), []);
    hand.assert_said("already acknowledged by mara@example.com since 03:10Z");
}

#[test]
fn where_nothing_is_marked_that_is_said_of_the_place() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("1 x");
    hand.assert_said("nothing is marked here");
}

#[test]
fn marked_alerts_are_listed_and_asked_about_though_a_filter_hides_them() {
    let all = vec![pod("A", "1"), pod("B", "1"), pod("C", "1")];
    let mut hand = Hand::with(all.clone());
    hand.press("x x");
    // The filter leaves one row; the board still knows all.
    let mut shown = board_of(vec![all[2].clone()]);
    shown.by_fingerprint = board_of(all.clone()).by_fingerprint;
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(shown)));
    hand.wait(1_000);
    hand.taken();
    hand.press("a");
    let mut lines = hand.asked();
    lines.sort();
    assert_eq!(lines, ["A checkout 1", "B checkout 1"]);
    assert_eq!(hand.taken(), []);
    hand.press("y");
    let mut taken = acknowledged(&hand.one_act().1);
    let mut wanted = ids(&[&all[0], &all[1]]);
    taken.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(taken, wanted);
    assert!(hand.model.alerts.marks.is_empty(), "marks are used up");
}

#[test]
fn a_no_leaves_it_undone_and_the_marks_where_they_were() {
    for no in ["n", "esc", "q"] {
        let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
        hand.press("x x a");
        hand.asked();
        hand.press(no);
        assert_eq!(hand.taken(), [], "{no}");
        assert!(hand.model.modal.is_none());
        assert_eq!(hand.model.alerts.marks.len(), 2);
    }
}

#[test]
fn marks_of_alerts_that_are_gone_do_not_pass_for_the_row_under_the_cursor() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
    hand.press("x");
    hand.board(vec![pod("B", "1")]);
    hand.wait(1_000);
    hand.taken();
    hand.press("a");
    assert_eq!(hand.taken(), []);
    hand.assert_said("the marked alerts are gone");
}

#[test]
fn a_group_that_gained_a_member_a_moment_ago_is_asked_about_with_the_difference() {
    let group = || vec![pod("A", "1"), pod("A", "2")];
    for (age, asks) in [(0, true), (699, true), (701, false)] {
        let mut hand = Hand::with(group());
        let mut more = group();
        more.push(pod("A", "3"));
        hand.board(more);
        hand.wait(age);
        hand.press("a");
        if asks {
            assert_eq!(hand.asked()[0], "! new: A checkout 3", "{age}");
            assert_eq!(hand.taken(), []);
        } else {
            assert_eq!(acknowledged(&hand.one_act().1).len(), 3, "{age}");
        }
    }
}

#[test]
fn a_burst_of_answers_hides_no_newcomer_from_the_question() {
    let group = |n: usize| (1..=n).map(|i| pod("A", &i.to_string())).collect::<Vec<_>>();
    let mut hand = Hand::with(group(2));
    hand.board(group(3));
    for _ in 0..40 {
        hand.wait(10);
        hand.board(group(3));
    }
    hand.press("a");
    assert_eq!(hand.asked()[0], "! new: A checkout 3");
    // And once it has been on screen for long, nothing is asked, however often answers come.
    hand.press("esc");
    for _ in 0..10 {
        hand.wait(200);
        hand.board(group(3));
    }
    hand.press("a");
    assert_eq!(acknowledged(&hand.one_act().1).len(), 3);
}

#[test]
fn a_row_that_slid_under_the_cursor_is_asked_about() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
    hand.board(vec![pod("B", "1")]);
    hand.wait(300);
    hand.press("a");
    assert_eq!(
        hand.asked()[0],
        "! the row under the cursor was A checkout 1 a moment ago"
    );
}

#[test]
fn a_re_fire_a_moment_ago_is_another_alert() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    let mut again = pod("A", "1");
    again.occurrence.starts_at = now().utc;
    hand.board(vec![again]);
    hand.press("a");
    assert!(
        hand.asked().iter().any(|line| line == "! new: A checkout 1"),
        "{:?}",
        hand.asked()
    );
}

#[test]
fn while_paused_what_changed_behind_the_frozen_screen_is_asked_about() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("A", "2")]);
    hand.press("p");
    hand.board(vec![pod("A", "1"), pod("A", "2"), pod("A", "3")]);
    hand.wait(60_000);
    hand.taken();
    hand.press("a");
    assert_eq!(hand.asked()[0], "! new: A checkout 3");
    hand.press("y");
    assert_eq!(acknowledged(&hand.one_act().1).len(), 3);
}

#[test]
fn what_a_thaw_brings_is_as_new_as_what_an_answer_brings() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("p");
    hand.board(vec![pod("B", "1"), pod("A", "2")]);
    hand.wait(60_000);
    hand.press("p");
    hand.wait(200);
    hand.taken();
    hand.press("a");
    assert!(
        hand.asked()[0].contains("was A checkout 1 a moment ago"),
        "{:?}",
        hand.asked()
    );
    hand.press("esc");
    hand.wait(600);
    hand.press("a");
    assert_eq!(hand.acts().len(), 1, "seen by now");
}

#[test]
fn a_poll_under_way_does_not_undo_an_acknowledgement_on_screen() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("a");
    let (id, _) = hand.one_act();
    hand.journaled(id);
    hand.board(vec![pod("A", "1")]);
    assert!(screen(&hand).contains("ack…"), "still under way");
    hand.finish(id, ActState::Confirmed, Vec::new());
    // Asked before the silence was made, answered after.
    hand.board(vec![pod("A", "1")]);
    assert_eq!(hand.model.acts.pending.len(), 1);
    assert!(!screen(&hand).contains("unacked"), "{}", screen(&hand));
    hand.board(vec![held(pod("A", "1"), "jun@example.com")]);
    assert_eq!(hand.model.acts.pending, [], "the board agrees");
    assert!(!screen(&hand).contains("unacked"));
}

#[test]
fn a_board_that_never_agrees_is_believed_in_the_end() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("a");
    let (id, _) = hand.one_act();
    hand.finish(id, ActState::Confirmed, Vec::new());
    hand.wait(19_000);
    hand.board(vec![pod("A", "1")]);
    assert_eq!(hand.model.acts.pending.len(), 1);
    hand.wait(1_000);
    assert_eq!(hand.model.acts.pending, []);
    assert!(screen(&hand).contains("unacked"));
}

#[test]
fn a_refusal_frees_the_row_and_says_why() {
    for state in [ActState::Failed, ActState::Unknown] {
        let mut hand = Hand::with(vec![pod("A", "1")]);
        hand.press("a");
        let (id, _) = hand.one_act();
        hand.finish(id, state, Vec::new());
        assert_eq!(hand.said(), "the server's word");
        assert_eq!(hand.model.acts.pending, []);
        hand.finish(id, state, Vec::new());
        hand.press("a");
        assert_eq!(hand.acts().len(), 1, "it can be tried again");
    }
}

#[test]
fn read_only_says_why_for_every_act() {
    let mut hand = Hand::on(
        Settings {
            read_only: true,
            ..settings()
        },
        board_of(vec![pod("A", "1")]),
    );
    for key in ["a", "A", "s"] {
        hand.press(key);
        assert_eq!(hand.taken(), [], "{key}");
        assert!(hand.model.modal.is_none());
        hand.assert_said("read-only");
        hand.wait(20_000);
    }
}

#[test]
fn without_an_alertmanager_the_mend_is_said() {
    let mut hand = Hand::on(
        Settings {
            alertmanagers: Vec::new(),
            ..settings()
        },
        board_of(vec![pod("A", "1")]),
    );
    hand.press("a");
    hand.assert_said("[[contexts.prod-eu.alertmanagers]]");
}

/// An acknowledgement of somebody's, as a row of the board.
fn ack_row(id: &str, by: &str) -> Arc<BoardSilence> {
    let mut row = (*alert_board().silences[0]).clone();
    assert_eq!(row.ack, IsAck::Yes);
    let silence = Arc::make_mut(&mut row.silence);
    silence.id = id.into();
    silence.created_by = by.into();
    Arc::new(row)
}

fn with_acks(alerts: Vec<Alert>, acks: &[(&str, &str)]) -> Hand {
    let mut board = board_of(alerts);
    board.silences = acks.iter().map(|(id, by)| ack_row(id, by)).collect();
    Hand::on(settings(), board)
}

fn under(mut alert: Alert, ids: &[&str]) -> Alert {
    alert.silenced_by = ids.iter().map(|id| (*id).into()).collect();
    alert
}

const JUN: &str = "jun@example.com";
const MARA: &str = "mara@example.com";

#[test]
fn only_what_is_ours_is_handed_back() {
    let ours = under(held(pod("A", "1"), JUN), &["s1"]);
    let theirs = under(held(pod("A", "2"), MARA), &["s2"]);
    let rows = [("s1", JUN), ("s2", MARA)];
    let mut hand = with_acks(vec![ours.clone(), theirs.clone()], &rows);
    hand.press("A");
    let alerts = vec![ours.occurrence.fingerprint];
    assert_eq!(hand.one_act().1, Act::HandBack { alerts });
    let mut hand = with_acks(vec![theirs], &rows);
    hand.press("A");
    assert_eq!(hand.taken(), []);
    hand.assert_said("acknowledged by mara@example.com, who alone hands it back");
    let mut hand = Hand::with(vec![pod("A", "2")]);
    hand.press("A");
    hand.assert_said("not acknowledged");
}

#[test]
fn what_an_acknowledgement_of_ours_merely_hides_or_shares_is_handed_back_too() {
    let mut re_fire = under(held(pod("A", "1"), JUN), &["s1"]);
    let AckState::Held(ack) = re_fire.ack.clone() else {
        panic!()
    };
    re_fire.ack = AckState::HiddenBy(ack);
    let shared = under(held(pod("A", "1"), MARA), &["s2", "s1"]);
    for alert in [re_fire, shared] {
        let mut hand = with_acks(vec![alert.clone()], &[("s1", JUN), ("s2", MARA)]);
        hand.press("A");
        let alerts = vec![alert.occurrence.fingerprint];
        assert_eq!(hand.one_act().1, Act::HandBack { alerts });
    }
}

#[test]
fn what_comes_back_with_it_is_asked_about_and_what_came_since_is_asked_about_again() {
    let one = under(held(pod("A", "1"), JUN), &["s1"]);
    let two = under(held(pod("B", "1"), JUN), &["s1"]);
    let three = under(held(pod("C", "1"), JUN), &["s1"]);
    let mut hand = with_acks(vec![one.clone(), two.clone()], &[("s1", JUN)]);
    hand.press("A");
    assert_eq!(
        hand.asked(),
        [
            "! also: B checkout 1, under the same acknowledgement",
            "A checkout 1"
        ]
    );
    let mut more = board_of(vec![one.clone(), two, three]);
    more.silences = vec![ack_row("s1", JUN)];
    hand.tell(Msg::AlertsArranged(Arc::new(more)));
    hand.taken();
    hand.press("enter");
    assert_eq!(hand.asked()[0], "! new: C checkout 1");
    assert_eq!(hand.taken(), []);
    // The key that was pressed for the question before may be held down still.
    hand.press("enter");
    assert_eq!(hand.taken(), []);
    hand.assert_said("the key that asked is no answer");
    hand.press("y");
    let alerts = vec![one.occurrence.fingerprint];
    assert_eq!(hand.one_act().1, Act::HandBack { alerts });
}

#[test]
fn one_mark_elsewhere_does_not_win_over_the_cursor_unasked() {
    for key in ["a", "A"] {
        let alerts = ["A", "B"].map(|name| {
            let alert = pod(name, "1");
            if key == "A" {
                under(held(alert, JUN), &[name])
            } else {
                alert
            }
        });
        let mut hand = with_acks(alerts.to_vec(), &[("A", JUN), ("B", JUN)]);
        hand.press("x");
        hand.press(key);
        assert_eq!(hand.asked(), ["A checkout 1"], "{key}");
        assert_eq!(hand.taken(), []);
        // On the marked row itself it is what the eye is on.
        hand.press("esc k");
        hand.press(key);
        hand.one_act();
    }
}

#[test]
fn only_the_marks_that_were_acted_on_go() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1"), pod("C", "1")]);
    hand.press("x j enter");
    hand.taken();
    hand.press("a");
    assert_eq!(acknowledged(&hand.one_act().1), ids(&[&pod("C", "1")]));
    assert_eq!(
        hand.model.alerts.marks.len(),
        1,
        "a detail's act leaves the marks"
    );
}

#[test]
fn marks_of_what_is_gone_are_said_and_then_forgotten() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
    hand.press("x x");
    hand.board(vec![pod("B", "1")]);
    hand.wait(60_000);
    hand.taken();
    hand.press("a");
    assert!(hand.asked()[0].starts_with("! gone: "), "{:?}", hand.asked());
    hand.press("y");
    assert_eq!(acknowledged(&hand.one_act().1), ids(&[&pod("B", "1")]));
    assert!(hand.model.alerts.marks.is_empty());
}

#[test]
fn from_the_palette_in_another_pane_nothing_is_taken_unseen() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("1 :");
    hand.write("alerts.acknowledge");
    hand.press("enter");
    assert_eq!(hand.taken(), []);
    assert_eq!(hand.asked(), ["A checkout 1"]);
    hand.press("esc :");
    hand.write("alerts.acknowledge");
    hand.press("enter");
    hand.one_act();
}

#[test]
fn acts_beyond_the_cap_are_refused_and_none_is_lost() {
    let alerts: Vec<Alert> = (0..300).map(|n| pod(&format!("A{n}"), "1")).collect();
    let mut hand = Hand::with(alerts);
    for _ in 0..300 {
        hand.press("a j");
    }
    let sent = hand.acts();
    assert_eq!(sent.len(), midwatch::app::acts::Acts::MAX_PENDING);
    assert_eq!(hand.model.acts.pending.len(), sent.len());
    hand.assert_said("busy");
    for (id, _) in &sent {
        assert!(
            hand.model
                .acts
                .pending
                .iter()
                .any(|p| p.id == *id && matches!(p.stage, Stage::Sent { .. }))
        );
    }
    // Asked while there was room, answered when there is none: refused too.
    hand.press("x x a");
    assert!(
        !hand
            .taken()
            .iter()
            .any(|effect| matches!(effect, Effect::Carry { .. }))
    );
}

#[test]
fn an_acknowledgement_that_could_not_be_saved_says_so_and_waits_to_be_tried_again() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("a");
    let (id, _) = hand.one_act();
    hand.tell(Msg::ActJournaled {
        id,
        result: Err("not saved: the disk is full; free some space, then try again".to_owned()),
    });
    assert!(
        hand.said().contains("NOT SAVED") && hand.said().contains("the disk is full"),
        "{}",
        hand.said()
    );
    assert!(!screen(&hand).contains("saving…"));
    assert!(matches!(
        hand.model.acts.pending.as_slice(),
        [pending] if matches!(pending.stage, midwatch::app::acts::Stage::Unsaved { .. })
    ));
}
