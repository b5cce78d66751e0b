//! What the console keeps of a drill: what was opened, and that its end was told.

use chrono::TimeDelta;
use midwatch::app::Effect;
use midwatch::app::drill::DrillLog;
use midwatch::domain::drill::View;

use super::Hand;
use crate::fixtures::{now, shop, size};

/// The shop on fire, in a drill that ends in a minute.
fn drilling() -> Hand {
    let mut model = shop(size(120, 40));
    model.drill = Some(DrillLog::between(
        now().utc - TimeDelta::seconds(252),
        now().utc + TimeDelta::seconds(60),
    ));
    Hand {
        model,
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    }
}

fn looks(hand: &Hand) -> Vec<(View, Option<String>)> {
    let drill = hand.model.drill.as_ref().unwrap();
    let looks = drill.looks.iter();
    looks
        .map(|look| (look.seen.view, look.seen.service.clone()))
        .collect()
}

#[test]
fn what_is_opened_is_kept_and_what_the_cursor_passes_is_not() {
    let mut hand = drilling();
    hand.press("1 g j k 2 1 enter");
    let of = hand.model.seen().service;
    assert!(of.is_some());
    hand.press("esc");
    assert_eq!(
        looks(&hand),
        [
            (View::Pane, None),
            (View::Pane, None),
            (View::Pane, None),
            (View::Slo, of),
            (View::Pane, None)
        ]
    );
}

#[test]
fn the_end_is_told_with_a_bell_once() {
    let mut hand = drilling();
    hand.press("2");
    hand.wait(59_000);
    assert!(!hand.effects.contains(&Effect::Ring));
    hand.wait(2_000);
    hand.assert_said("the drill's incident is over: q ends the drill and shows how it went");
    hand.wait(120_000);
    let bells = hand
        .effects
        .iter()
        .filter(|effect| **effect == Effect::Ring)
        .count();
    assert_eq!(bells, 1);
}

#[test]
fn outside_of_a_drill_nothing_is_kept() {
    let mut hand = drilling();
    hand.model.drill = None;
    hand.press("1 g enter esc");
    assert!(hand.model.drill.is_none());
}
