//! What rings and is shown on the desktop: new pages that are mine, each once.

use std::sync::Arc;

use chrono::TimeDelta;
use midwatch::app::news::Whose;
use midwatch::app::{Effect, Msg};
use midwatch::domain::alert::Alert;
use midwatch::domain::incident::{Incident, Status};

use super::Hand;
use crate::fixtures::incidents::{board, checkout, feed, person, roster_feed};
use crate::fixtures::{alert, board_of, now, settings};

fn page(name: &str, minutes: i64) -> Alert {
    alert(name, "critical", "cart", minutes, &[])
}

/// A board on which these alerts are new.
fn came(hand: &mut Hand, alerts: Vec<Alert>) -> Vec<String> {
    let mut board = board_of(alerts);
    board.newly_firing = board.by_fingerprint.keys().copied().collect();
    hand.tell(Msg::AlertsArranged(Arc::new(board)));
    told(hand)
}

/// What was shown on the desktop; every notice comes with one bell.
#[track_caller]
fn told(hand: &mut Hand) -> Vec<String> {
    let taken = hand.taken();
    let notices: Vec<String> = taken
        .iter()
        .filter_map(|effect| match effect {
            Effect::Notify { title, .. } => Some(title.clone()),
            _ => None,
        })
        .collect();
    let bells = taken.iter().filter(|effect| **effect == Effect::Ring).count();
    assert_eq!(bells, usize::from(!notices.is_empty()), "{taken:?}");
    notices
}

/// A console with a board on screen on which nothing pages.
fn calm() -> Hand {
    Hand::with(vec![alert("Slow", "warning", "search", 30, &[])])
}

#[test]
fn a_new_page_is_told_once_and_again_only_where_it_fires_anew() {
    let mut hand = calm();
    assert_eq!(
        came(&mut hand, vec![page("Down", 0)]),
        ["midwatch prod-eu: Down cart"]
    );
    assert_eq!(
        came(&mut hand, vec![page("Down", 0)]),
        Vec::<String>::new(),
        "told by two boards"
    );
    let mut again = page("Down", 0);
    again.occurrence.starts_at = now().utc + TimeDelta::minutes(3);
    assert_eq!(came(&mut hand, vec![again]), ["midwatch prod-eu: Down cart"]);
}

#[test]
fn a_warning_is_no_page_and_many_pages_at_once_are_one_notice() {
    let mut hand = calm();
    assert_eq!(
        came(&mut hand, vec![alert("Odd", "warning", "cart", 0, &[])]),
        Vec::<String>::new()
    );
    let storm = (0..30).map(|n| page(&format!("Down{n}"), 0)).collect();
    assert_eq!(came(&mut hand, storm), ["midwatch prod-eu: 30 new pages"]);
}

#[test]
fn what_fired_before_the_console_was_opened_is_no_news_however_late_it_is_told() {
    let mut hand = calm();
    // A second Alertmanager answers when the first has long done so.
    assert_eq!(came(&mut hand, vec![page("Old", 40)]), Vec::<String>::new());
    // It was on the board, and nobody has it any more.
    assert_eq!(
        came(&mut hand, vec![page("Old", 40)]),
        ["midwatch prod-eu: Old cart"]
    );
}

#[test]
fn whoever_is_not_on_duty_is_not_rung_and_in_doubt_everybody_is() {
    let ring = |identity: &str, whose: Whose| {
        let mut settings = settings();
        settings.identity = identity.to_owned();
        let mut hand = Hand::on(settings, board_of(Vec::new()));
        hand.model.news.whose = whose;
        hand.tell(Msg::RosterFetched(roster_feed()));
        hand.taken();
        !came(&mut hand, vec![page("Down", 0)]).is_empty()
    };
    // Sam is on duty now, Jun from six hours on.
    assert!(ring("sam@example.com", Whose::Mine));
    assert!(!ring("jun@example.com", Whose::Mine));
    assert!(ring("jun@example.com", Whose::All));
    assert!(!ring("sam@example.com", Whose::Nobody));
    assert!(
        ring("root@bastion", Whose::Mine),
        "the roster does not know who that is"
    );
}

fn triggered(number: u64, who: &[&str]) -> Incident {
    Incident {
        id: format!("Q{number}").as_str().into(),
        number: Some(number),
        status: Status::Triggered,
        assignees: who.iter().map(|name| person(name)).collect(),
        created_at: now().utc,
        ..checkout()
    }
}

#[test]
fn an_incident_that_is_triggered_for_me_is_told_and_somebody_elses_is_not() {
    let mut hand = calm();
    let mut listed = |incidents| {
        let mut board = board(incidents);
        board.acting_as = None;
        hand.tell(Msg::IncidentsFetched(feed(board)));
        told(&mut hand)
    };
    assert_eq!(
        listed(vec![triggered(1, &["Jun"])]),
        Vec::<String>::new(),
        "the first list is old"
    );
    let told = listed(vec![
        triggered(1, &["Jun"]),
        triggered(2, &["Jun"]),
        triggered(3, &["Mara"]),
    ]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("#2"), "{told:?}");
    let again = listed(vec![
        triggered(1, &["Jun"]),
        triggered(2, &["Jun"]),
        triggered(3, &["Mara"]),
    ]);
    assert_eq!(again, Vec::<String>::new());
}
