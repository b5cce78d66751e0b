//! Ways out: esc one step and never out, q and ctrl-c out, with a question where something would be lost.

use midwatch::app::acts::{Belled, HeldAck};
use midwatch::app::focus::{Detail, Zoom};
use midwatch::app::{Effect, Msg};
use midwatch::domain::alert::lease::Lease;
use midwatch::terminal::Input;

use super::{Hand, pod};
use crate::fixtures::now;

fn hand() -> Hand {
    Hand::with(vec![pod("A", "1"), pod("B", "1")])
}

#[test]
fn nothing_to_lose_quits_at_once() {
    for key in ["q", "ctrl-c"] {
        let mut hand = hand();
        hand.press(key);
        assert_eq!(hand.taken(), [Effect::Quit], "{key}");
        assert!(hand.model.quitting);
    }
}

#[test]
fn an_act_under_way_is_asked_about() {
    let mut hand = hand();
    hand.press("a");
    hand.taken();
    hand.press("q");
    assert_eq!(hand.asked(), ["! 1 not confirmed yet: it may be lost"]);
    hand.press("n");
    assert_eq!(hand.taken(), []);
    assert!(!hand.model.quitting);
    hand.press("q y");
    assert_eq!(hand.taken(), [Effect::Quit]);
}

#[test]
fn a_held_acknowledgement_is_asked_about_with_its_end() {
    let mut hand = hand();
    hand.model.acts.held.push(HeldAck {
        lease: Lease {
            cluster: "eu".into(),
            id: "s1".into(),
            covers: vec![pod("A", "1").occurrence],
            started_at: now().utc,
            set_until: now().utc + chrono::TimeDelta::minutes(15),
        },
        belled: Belled::No,
    });
    hand.press("q");
    assert_eq!(hand.asked(), ["1 ack lapses at 03:29Z"]);
}

#[test]
fn ctrl_c_twice_always_ends() {
    for before in ["", "?", ":", "/", "&", "s", "x x a", "y", "S", "enter", "H", "a"] {
        let mut hand = hand();
        if !before.is_empty() {
            hand.press(before);
        }
        hand.press("ctrl-c");
        if !hand.model.quitting {
            hand.press("ctrl-c");
        }
        assert!(hand.model.quitting, "after {before:?}");
        assert_eq!(hand.taken().last(), Some(&Effect::Quit), "after {before:?}");
    }
}

#[test]
fn esc_goes_one_step_back_and_never_quits() {
    let mut hand = hand();
    hand.press("z / A enter x enter S ?");
    hand.wait(60_000);
    hand.taken();
    assert!(hand.model.modal.is_some());
    hand.press("esc");
    assert!(hand.model.modal.is_none());
    assert_eq!(hand.model.detail(), Some(&Detail::Silences));
    hand.press("esc");
    assert!(matches!(hand.model.detail(), Some(Detail::Alert(_))));
    hand.press("esc");
    assert_eq!(hand.model.detail(), None);
    assert!(hand.model.alerts.search.is_some());
    hand.press("esc");
    assert!(hand.model.alerts.search.is_none());
    assert_eq!(hand.model.layout.zoom, Zoom::Yes);
    hand.press("esc");
    assert_eq!(hand.model.layout.zoom, Zoom::No);
    assert_eq!(hand.model.alerts.marks.len(), 1);
    hand.press("esc");
    assert!(hand.model.alerts.marks.is_empty());
    hand.press("esc");
    hand.assert_said("q quits");
    for _ in 0..20 {
        hand.press("esc");
    }
    assert!(!hand.model.quitting);
    assert!(
        hand.taken()
            .iter()
            .all(|effect| matches!(effect, Effect::SaveLayout(_)))
    );
}

#[test]
fn esc_ends_the_search_of_the_silences_before_it_closes_them() {
    let mut hand = Hand::on(crate::fixtures::settings(), crate::fixtures::alert_board());
    hand.press("S / d i s k enter");
    hand.wait(60_000);
    assert!(hand.model.silences.search.is_some());
    hand.press("esc");
    assert!(hand.model.silences.search.is_none());
    assert_eq!(hand.model.detail(), Some(&Detail::Silences));
    hand.press("esc");
    assert_eq!(hand.model.detail(), None);
}

#[test]
fn q_closes_a_detail_before_it_quits() {
    let mut hand = hand();
    hand.press("enter S q");
    assert!(matches!(hand.model.detail(), Some(Detail::Alert(_))));
    hand.press("q");
    assert_eq!(hand.model.detail(), None);
    hand.press("q");
    assert!(hand.model.quitting);
}

#[test]
fn a_terminal_that_is_gone_ends_it_without_a_question() {
    for msg in [Msg::ShutDown, Msg::Input(Input::Closed)] {
        let mut hand = hand();
        hand.press("a");
        hand.taken();
        hand.tell(msg);
        assert_eq!(hand.taken(), [Effect::Quit]);
        assert!(hand.model.quitting);
    }
}
