//! The incident that somebody chose is over: nothing goes to the one that took its row.

use midwatch::app::modal::Modal;
use midwatch::app::toast::Toasts;
use midwatch::domain::incident::{Incident, Status};

use super::Hand;
use super::compose::{incident, listed};
use crate::fixtures::incidents::person;
use crate::fixtures::{board_of, settings};

/// One that somebody else has.
fn theirs(number: u64, title: &str) -> Incident {
    Incident {
        assignees: vec![person("Mara")],
        ..incident(number, title)
    }
}

/// The second of three is opened, left, and listed no more.
fn bereft() -> Hand {
    let mut hand = Hand::on(settings(), board_of(Vec::new()));
    let all = || {
        [
            theirs(4711, "checkout errors"),
            theirs(4712, "search slow"),
            theirs(4713, "certificate"),
        ]
    };
    hand.tell(listed(all().into()));
    hand.press("5 j enter esc");
    hand.tell(listed(
        all().into_iter().filter(|one| one.number != Some(4712)).collect(),
    ));
    hand
}

#[test]
fn that_a_chosen_incident_is_listed_no_more_is_said_with_where_the_cursor_stands() {
    let hand = bereft();
    hand.assert_said("#4712 is listed no more at incidents; the cursor stands on #4713 now");
}

#[test]
fn a_note_written_beside_goes_to_no_incident_that_nobody_chose() {
    let mut hand = bereft();
    hand.press("2 n");
    match &hand.model.modal {
        Some(Modal::Menu(menu)) => assert_eq!(menu.title, "The incident you followed is over"),
        other => panic!("{other:?}"),
    }
    hand.press("esc 5 k 2 n");
    let Some(Modal::Compose(open)) = &hand.model.modal else {
        panic!("one was chosen: {:?}", hand.model.modal);
    };
    assert!(open.purpose.key().1.is_some_and(|id| &*id.0 == "Q4711"));
}

#[test]
fn an_incident_that_nobody_chose_may_go_without_a_word() {
    let mut hand = Hand::on(settings(), board_of(Vec::new()));
    hand.tell(listed(vec![
        incident(4711, "checkout errors"),
        incident(4712, "search slow"),
    ]));
    hand.tell(listed(vec![incident(4712, "search slow")]));
    assert!(!hand.said().contains("listed no more"), "{}", hand.said());
    hand.press("2 n");
    assert!(matches!(hand.model.modal, Some(Modal::Compose(_))));
}

#[test]
fn that_an_incident_in_my_hands_was_ended_by_somebody_else_is_said_once() {
    let mut hand = Hand::on(settings(), board_of(Vec::new()));
    let mut mine = incident(4711, "checkout errors");
    mine.assignees[0].email = Some("Jun@example.com".into());
    let theirs = theirs(4712, "search slow");
    hand.tell(listed(vec![mine.clone(), theirs.clone()]));
    let mut over = mine.clone();
    over.status = Status::Resolved;
    hand.tell(listed(vec![over.clone()]));
    hand.assert_said("#4711, which you held, is over");
    hand.model.toasts = Toasts::default();
    hand.tell(listed(vec![over]));
    hand.tell(listed(Vec::new()));
    assert!(hand.said().is_empty(), "{}", hand.said());
}

#[test]
fn whoever_asks_for_other_incidents_is_not_told_that_the_rest_is_gone() {
    let mut hand = Hand::on(settings(), board_of(Vec::new()));
    hand.tell(listed(vec![
        incident(4711, "checkout errors"),
        incident(4712, "search slow"),
    ]));
    hand.press("5 j v");
    assert!(hand.said().contains("incidents"), "{}", hand.said());
    hand.model.toasts = Toasts::default();
    hand.tell(listed(vec![incident(4711, "checkout errors")]));
    assert!(hand.said().is_empty(), "{}", hand.said());
    hand.press("2 n");
    assert!(
        matches!(hand.model.modal, Some(Modal::Compose(_))),
        "{:?}",
        hand.model.modal
    );
}
