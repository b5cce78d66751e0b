//! Acknowledgements held here: extended while somebody is there, and let go with a bell.

use chrono::TimeDelta;
use midwatch::app::Effect;
use midwatch::app::acts::{Act, Renewal};
use midwatch::app::msg::ActState;
use midwatch::domain::alert::lease::Lease;
use midwatch::domain::alert::{Ack, AckState, Alert, AlertBoard, AlertState, IsAck};

use super::{Hand, pod};
use crate::fixtures::{alert_board, board_of, now};

const MINUTE: u64 = 60_000;

/// The alert, silenced by `s1`, whether that was for this firing or not.
fn hidden(state: fn(Ack) -> AckState) -> Alert {
    let mut alert = pod("A", "1");
    alert.state = AlertState::Suppressed;
    alert.silenced_by = vec!["s1".into()];
    alert.ack = state(Ack {
        by: "jun@example.com".into(),
        at: now().utc,
        until: now().utc,
        silences: vec![("eu-0".into(), "s1".into())],
        note: "".into(),
    });
    alert
}

/// A board on which silence `s1` hides the alert until `end` minutes from the start.
fn board(alerts: Vec<Alert>, end: i64) -> AlertBoard {
    let mut board = board_of(alerts);
    let mut row = (*alert_board().silences[0]).clone();
    assert_eq!(row.ack, IsAck::Yes);
    let silence = std::sync::Arc::make_mut(&mut row.silence);
    silence.id = "s1".into();
    silence.created_by = "jun@example.com".into();
    silence.starts_at = now().utc;
    silence.ends_at = now().utc + TimeDelta::minutes(end);
    board.silences = vec![std::sync::Arc::new(row)];
    board
}

fn lease(end: i64) -> Lease {
    Lease {
        cluster: "eu".into(),
        id: "s1".into(),
        covers: vec![pod("A", "1").occurrence],
        started_at: now().utc,
        set_until: now().utc + TimeDelta::minutes(end),
    }
}

/// A console that has just acknowledged the alert for fifteen minutes.
fn holding() -> Hand {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.now = now();
    hand.press("a");
    let (id, _) = hand.one_act();
    hand.finish(id, ActState::Confirmed, vec![lease(15)]);
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(board(
        vec![hidden(AckState::Held)],
        15,
    ))));
    assert_eq!(hand.model.acts.pending, []);
    hand.taken();
    hand
}

/// Minute after minute, a key in each where somebody is there.
fn minutes(hand: &mut Hand, count: u64, there: bool) {
    for _ in 0..count {
        hand.wait(MINUTE);
        if there {
            hand.press("j");
        }
    }
}

#[test]
fn it_is_extended_in_its_last_third_and_only_once_at_a_time() {
    let mut hand = holding();
    minutes(&mut hand, 9, true);
    assert_eq!(hand.taken(), []);
    minutes(&mut hand, 2, true);
    let (id, act) = hand.one_act();
    assert_eq!(
        act,
        Act::Renew(vec![Renewal {
            lease: lease(15),
            until: now().utc + TimeDelta::minutes(25)
        }])
    );
    minutes(&mut hand, 1, true);
    assert_eq!(hand.taken(), [], "one is under way");
    hand.finish(id, ActState::Confirmed, vec![lease(25)]);
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(board(
        vec![hidden(AckState::Held)],
        25,
    ))));
    minutes(&mut hand, 5, true);
    assert_eq!(hand.taken(), []);
    assert_eq!(hand.model.acts.held.len(), 1, "renewed, not doubled");
}

#[test]
fn a_renewal_that_failed_is_tried_again() {
    let mut hand = holding();
    minutes(&mut hand, 10, true);
    let (id, _) = hand.one_act();
    hand.finish(id, ActState::Failed, Vec::new());
    assert_eq!(hand.said(), "the server's word");
    minutes(&mut hand, 1, true);
    assert!(matches!(hand.one_act().1, Act::Renew(_)));
}

#[test]
fn an_hour_without_a_key_lets_it_lapse_with_one_bell() {
    let mut hand = holding();
    hand.model.last_key = midwatch::time::Tick::ZERO;
    hand.now = hand.now.later(std::time::Duration::from_secs(3_000));
    let end = 50 + 14;
    hand.model.acts.held[0].lease = lease(end);
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(board(
        vec![hidden(AckState::Held)],
        end,
    ))));
    minutes(&mut hand, 11, false);
    assert_eq!(
        hand.taken(),
        [],
        "no extension, and no bell before the last two minutes"
    );
    minutes(&mut hand, 2, false);
    assert_eq!(hand.taken(), [Effect::Ring]);
    hand.assert_heard("no key for 1h");
    minutes(&mut hand, 2, false);
    assert_eq!(hand.model.acts.held, [], "it is over");
}

#[test]
fn it_is_not_kept_past_its_longest_age() {
    let mut hand = holding();
    let end = 240;
    hand.model.acts.held[0].lease.set_until = lease(end).set_until;
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(board(
        vec![hidden(AckState::Held)],
        end,
    ))));
    minutes(&mut hand, 237, true);
    assert_eq!(hand.taken(), []);
    minutes(&mut hand, 2, true);
    assert_eq!(hand.taken(), [Effect::Ring]);
    hand.assert_heard("kept for 4h, the longest");
}

#[test]
fn it_is_not_extended_where_it_hides_a_re_fire() {
    let mut hand = holding();
    let mut newcomer = hidden(AckState::HiddenBy);
    newcomer.occurrence.fingerprint = pod("A", "2").occurrence.fingerprint;
    newcomer.occurrence.starts_at = now().utc + TimeDelta::minutes(3);
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(board(
        vec![hidden(AckState::Held), newcomer],
        15,
    ))));
    minutes(&mut hand, 14, true);
    assert_eq!(hand.taken(), [Effect::Ring]);
    hand.assert_heard("fired later");
}

#[test]
fn one_that_a_kthxbye_moved_is_left_to_it() {
    let mut hand = holding();
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(board(
        vec![hidden(AckState::Held)],
        20,
    ))));
    minutes(&mut hand, 17, true);
    assert_eq!(hand.taken(), []);
}

#[test]
fn what_fires_no_more_runs_out_in_silence() {
    let mut hand = holding();
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(board(
        Vec::new(),
        15,
    ))));
    minutes(&mut hand, 20, true);
    assert_eq!(hand.taken(), []);
    assert_eq!(hand.model.acts.held, []);
    assert_eq!(hand.model.acts.next_check, None, "nothing is left to look at");
}

#[test]
fn one_that_somebody_ended_is_said_where_its_alert_fires() {
    let mut hand = holding();
    let mut ended = board(vec![pod("A", "1")], 15);
    let row = std::sync::Arc::make_mut(&mut ended.silences[0]);
    std::sync::Arc::make_mut(&mut row.silence).state = midwatch::domain::alert::SilenceState::Expired;
    hand.tell(midwatch::app::Msg::AlertsArranged(std::sync::Arc::new(ended)));
    minutes(&mut hand, 1, true);
    assert_eq!(hand.taken(), [Effect::Ring]);
    hand.assert_heard("A checkout 1 fires");
    assert_eq!(hand.model.acts.held, []);
}

#[test]
fn one_that_is_being_handed_back_is_not_extended_and_then_forgotten() {
    let mut hand = holding();
    minutes(&mut hand, 9, true);
    hand.press("A");
    let (id, act) = hand.one_act();
    assert!(matches!(act, Act::HandBack { .. }));
    // Its last third begins while the answer is still out.
    minutes(&mut hand, 2, true);
    assert_eq!(hand.taken(), [], "an extension now would bring it back");
    hand.finish(id, ActState::Confirmed, Vec::new());
    assert_eq!(hand.model.acts.held, []);
    hand.wait(20_000);
    hand.taken();
    hand.press("q");
    assert_eq!(hand.taken(), [Effect::Quit], "nothing lapses that is not held");
}

#[test]
fn a_hand_back_that_failed_leaves_it_held() {
    let mut hand = holding();
    hand.press("A");
    let (id, _) = hand.one_act();
    hand.finish(id, ActState::Failed, Vec::new());
    assert_eq!(hand.model.acts.held.len(), 1);
    minutes(&mut hand, 11, true);
    assert!(matches!(hand.one_act().1, Act::Renew(_)));
}

#[test]
fn a_hand_back_of_unknown_end_is_never_undone_by_an_extension() {
    let mut hand = holding();
    hand.press("A");
    let (id, _) = hand.one_act();
    hand.finish(id, ActState::Unknown, Vec::new());
    minutes(&mut hand, 12, true);
    assert_eq!(hand.taken(), []);
}

#[test]
fn a_hand_back_is_saved_while_an_extension_is_under_way_and_is_not_undone_by_its_end() {
    for renewed_first in [true, false] {
        let mut hand = holding();
        minutes(&mut hand, 11, true);
        let (renewal, act) = hand.one_act();
        assert!(matches!(act, Act::Renew(_)));
        hand.press("A");
        // The runtime journals it at once, and lets it wait for the extension there.
        let (id, act) = hand.one_act();
        assert!(matches!(act, Act::HandBack { .. }));
        hand.journaled(id);
        let ends = [
            (renewal, ActState::Confirmed, vec![lease(26)]),
            (id, ActState::Confirmed, Vec::new()),
        ];
        let ends: Vec<_> = if renewed_first {
            ends.into()
        } else {
            ends.into_iter().rev().collect()
        };
        for (id, state, leases) in ends {
            hand.finish(id, state, leases);
        }
        assert_eq!(hand.model.acts.held, []);
    }
}

#[test]
fn extensions_that_go_on_failing_ring_once_before_the_end_and_once_at_it() {
    let mut hand = holding();
    let mut rings = Vec::new();
    for minute in 1..=17 {
        minutes(&mut hand, 1, true);
        for effect in hand.taken() {
            match effect {
                Effect::Carry { id, .. } => hand.finish(id, ActState::Failed, Vec::new()),
                Effect::Ring => rings.push(minute),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(rings, [13, 15]);
    hand.assert_heard("unless an extension succeeds: none has yet");
    // No board has come since: the alert is listed as held to the end.
    hand.assert_heard("A checkout 1 fires");
}
