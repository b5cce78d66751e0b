//! The timeline of an incident: followed, opened, narrowed, starred.

use midwatch::app::focus::Detail;
use midwatch::app::incidents::Kinds;
use midwatch::app::toast::Toasts;
use midwatch::app::{Effect, Msg};
use midwatch::domain::timeline::{EventKind, Starred};

use super::super::Hand;
use super::super::acks::screen;
use super::{firing_alert, with};
use crate::fixtures::incidents::{checkout, event, listed, local, search, story, timeline_feed};

#[test]
fn the_timeline_follows_the_cursor_once_it_rests() {
    let mut hand = Hand::with(vec![firing_alert()]);
    hand.tell(Msg::IncidentsFetched(listed(vec![checkout(), search(), local()])));
    assert_eq!(hand.taken(), [Effect::Follow(Some(checkout().id))]);
    hand.press("5 j j");
    assert!(hand.taken().is_empty(), "it travels");
    hand.wait(200);
    assert_eq!(hand.taken(), [Effect::Follow(Some(local().id))]);

    // A late answer about another one is dropped.
    hand.tell(Msg::TimelineFetched {
        incident: checkout().id,
        feed: timeline_feed(story()),
    });
    assert!(hand.model.incidents.timeline.value().is_none());
    hand.tell(Msg::IncidentsFetched(listed(Vec::new())));
    assert_eq!(hand.taken(), [Effect::Follow(None)]);
}

/// The story of checkout, opened.
fn opened() -> Hand {
    let mut hand = with(vec![checkout()]);
    hand.tell(Msg::TimelineFetched {
        incident: checkout().id,
        feed: timeline_feed(story()),
    });
    hand.press("enter");
    assert_eq!(hand.model.detail(), Some(&Detail::Incident(checkout().id)));
    hand.effects.clear();
    hand
}

#[test]
fn an_open_timeline_begins_at_its_newest_event_and_stays_there() {
    let mut hand = opened();
    let events = story().events.len();
    assert_eq!(hand.model.incidents.event_list.index, events - 1);
    let mut longer = story();
    longer.events.push(crate::fixtures::incidents::event(
        0,
        midwatch::domain::timeline::EventKind::Note,
        None,
        "another",
    ));
    hand.tell(Msg::TimelineFetched {
        incident: checkout().id,
        feed: timeline_feed(longer.clone()),
    });
    assert_eq!(
        hand.model.incidents.event_list.index, events,
        "what comes is seen"
    );
    hand.press("k k");
    let on = hand.model.incidents.event_list.selected.clone();
    longer.events.push(crate::fixtures::incidents::event(
        0,
        midwatch::domain::timeline::EventKind::Note,
        None,
        "and one more",
    ));
    hand.tell(Msg::TimelineFetched {
        incident: checkout().id,
        feed: timeline_feed(longer),
    });
    assert_eq!(
        hand.model.incidents.event_list.selected, on,
        "a cursor elsewhere stays"
    );
}

#[test]
fn a_timeline_whose_kinds_hide_every_event_says_which_key_brings_them_back() {
    let mut hand = opened();
    hand.press("d");
    let mut without = story();
    without.events.truncate(1);
    hand.tell(Msg::TimelineFetched {
        incident: checkout().id,
        feed: timeline_feed(without),
    });
    let screen = hand.screen();
    assert!(
        screen.contains("No event of this kind: TODO alone; b shows all again."),
        "{screen}"
    );
}

#[test]
fn kinds_follow_ups_and_words_narrow_the_timeline() {
    let mut hand = opened();
    let shown = |hand: &Hand| hand.model.incidents.events.len();
    hand.press("b");
    assert_eq!(hand.model.incidents.kinds, Kinds::People);
    assert_eq!(shown(&hand), 5);
    hand.press("b b b");
    assert_eq!((hand.model.incidents.kinds, shown(&hand)), (Kinds::Starred, 1));
    hand.press("d");
    assert_eq!((hand.model.incidents.kinds, shown(&hand)), (Kinds::Todos, 1));
    hand.press("d");
    assert_eq!(shown(&hand), story().events.len());
    hand.press("&");
    hand.write("checkout 2.3");
    assert_eq!(shown(&hand), 1);
    hand.press("esc /");
    hand.write("canary");
    hand.press("enter");
    let found = hand.model.incidents.event().map(|event| event.text.clone());
    assert!(found.is_some_and(|text| text.starts_with("rollback")));
    hand.press("esc");
    assert!(hand.model.detail().is_some(), "esc ends the search first");
}

#[test]
fn a_key_moment_is_starred_at_once_and_kept() {
    let mut hand = opened();
    let event = hand.model.incidents.event().unwrap().clone();
    let names: Vec<_> = midwatch::domain::timeline::merge::names(&event)
        .cloned()
        .collect();
    assert_eq!(names[0], event.id);
    hand.press("*");
    assert_eq!(
        hand.taken(),
        [Effect::Star {
            incident: checkout().id,
            names,
            starred: Starred::Yes
        }]
    );
    assert_eq!(
        hand.model.incidents.event().map(|e| e.starred),
        Some(Starred::Yes)
    );
    hand.press("enter");
    assert_eq!(hand.model.incidents.unfolded.len(), 1);
    hand.press("enter");
    assert!(hand.model.incidents.unfolded.is_empty());
}

#[test]
fn an_open_incident_that_leaves_the_list_stays_and_says_what_became_of_it() {
    let mut hand = with(vec![checkout(), search()]);
    hand.press("enter");
    let id = checkout().id;
    let tell = |hand: &mut Hand, timeline| {
        let incident = checkout().id;
        let feed = timeline_feed(timeline);
        hand.tell(Msg::TimelineFetched { incident, feed });
    };
    tell(&mut hand, story());
    let offered = |hand: &Hand| {
        let shown: Vec<char> = screen(hand).chars().collect();
        shown[shown.len() - 120..].iter().collect::<String>()
    };
    assert!(offered(&hand).contains("escalate"), "{}", offered(&hand));
    hand.tell(Msg::IncidentsFetched(listed(vec![search()])));
    hand.model.toasts = Toasts::default();
    let shown = screen(&hand);
    for part in [&*checkout().title, "no longer listed", "2.3.1"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!offered(&hand).contains("escalate"), "{}", offered(&hand));
    assert!(offered(&hand).contains("back"), "{}", offered(&hand));

    let mut over = story();
    over.events
        .push(event(0, EventKind::Resolved, Some("Sam"), "resolved"));
    tell(&mut hand, over);
    assert!(screen(&hand).contains("resolved by Sam"), "{}", screen(&hand));
    hand.press("r");
    hand.assert_said("is over: resolved by Sam");
    assert!(hand.acts().is_empty());
    let mut ours = story();
    ours.events
        .push(event(0, EventKind::Resolved, Some("Jun"), "resolved"));
    tell(&mut hand, ours);
    assert!(screen(&hand).contains("resolved by you"), "{}", screen(&hand));

    hand.tell(Msg::IncidentsFetched(listed(vec![checkout(), search()])));
    assert_eq!(hand.model.incidents.over(&id, &hand.model.us()), None);
    hand.press("esc");
    assert!(hand.model.incidents.kept.is_empty());
}
