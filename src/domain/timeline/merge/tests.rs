use proptest::prelude::*;

use super::super::sample::{at, ours, story, told, with};
use super::*;

const MARK: &str = "AAAAAAAAAA";

fn part(origin: Origin, events: Vec<Event>) -> Part {
    Part {
        origin,
        story: story(events),
    }
}

fn us() -> Us {
    Us::of("jun@example.com", None)
}

fn ids(timeline: &Timeline) -> Vec<&str> {
    timeline.events.iter().map(|event| &*event.id).collect()
}

#[test]
fn our_note_and_the_keepers_are_one_with_our_words_id_and_place() {
    let note = with(
        ours(
            Delivery::Sending,
            told(
                "outbox-7",
                60,
                EventKind::Note,
                "jun@example.com",
                "rolled back\nTODO: pin",
            ),
        ),
        &[("marker", MARK)],
    );
    let theirs = told(
        "R9",
        95,
        EventKind::Note,
        "Jun",
        &format!("rolled back\nTODO: pin [mw:{MARK}]"),
    );
    let merged = merge(
        &[
            part(Origin::Keeper, vec![with(theirs, &[("log_entry", "R9")])]),
            part(Origin::Outbox, vec![note]),
        ],
        &us(),
    );
    let [event] = merged.events.as_slice() else {
        panic!("one note, not {:?}", ids(&merged));
    };
    assert_eq!((&*event.id, event.at), ("outbox-7", at(60)));
    assert_eq!(&*event.text, "rolled back\nTODO: pin");
    assert_eq!(event.delivery, Delivery::Confirmed, "the keeper shows it");
    assert_eq!(
        (&*event.source, event.actor.as_deref()),
        ("pagerduty", Some("Jun"))
    );
    assert_eq!(event.refs["log_entry"].as_ref(), "R9");
    assert_eq!(told_at(event), Some(at(95)));
    assert!(names(event).any(|name| **name == *"R9"), "a star on either holds");
}

#[test]
fn one_person_has_one_name_in_a_story_whatever_each_source_calls_them() {
    let jun = crate::domain::incident::sample::person("Jun");
    let note = |id, after, who| told(id, after, EventKind::Note, who, id);
    let merged = merge(
        &[
            part(
                Origin::Keeper,
                vec![note("R1", 10, "Jun"), note("R2", 20, "Mara")],
            ),
            part(Origin::Journal, vec![note("j3", 30, "root@vm")]),
        ],
        &Us::of("root@vm", Some(&jun)),
    );
    let actors: Vec<_> = merged.events.iter().map(|event| event.actor.as_deref()).collect();
    assert_eq!(actors, [Some("Jun"), Some("Mara"), Some("Jun")]);
}

#[test]
fn a_marker_that_somebody_quotes_takes_nothing_of_what_they_said() {
    let note = with(
        ours(
            Delivery::Confirmed,
            told("outbox-7", 60, EventKind::Note, "Jun", "rolled back"),
        ),
        &[("marker", MARK)],
    );
    let quoting = told(
        "R10",
        120,
        EventKind::Note,
        "Mara",
        &format!("that did not help, see [mw:{MARK}]"),
    );
    let merged = merge(
        &[
            part(Origin::Outbox, vec![note]),
            part(Origin::Keeper, vec![quoting]),
        ],
        &us(),
    );
    assert_eq!(ids(&merged), ["outbox-7", "R10"]);
    assert_eq!(&*merged.events[1].text, "that did not help, see");
}

#[test]
fn a_note_that_its_keeper_has_twice_is_shown_twice() {
    let text = format!("twice [mw:{MARK}]");
    let keeper = vec![
        told("R1", 0, EventKind::Note, "Jun", &text),
        told("R2", 40, EventKind::Note, "Jun", &text),
    ];
    let own = with(
        ours(
            Delivery::Confirmed,
            told("outbox-1", 0, EventKind::Note, "Jun", "twice"),
        ),
        &[("marker", MARK)],
    );
    let merged = merge(
        &[part(Origin::Outbox, vec![own]), part(Origin::Keeper, keeper)],
        &us(),
    );
    assert_eq!(ids(&merged), ["outbox-1", "R2"]);
    assert!(merged.events.iter().all(|event| !event.text.contains("[mw:")));
}

#[test]
fn our_acknowledgement_is_the_keepers_by_us_near_that_time_and_nobody_elses() {
    let own = |delivery| {
        ours(
            delivery,
            told(
                "outbox-3",
                100,
                EventKind::Acknowledged,
                "jun@example.com",
                "acknowledge",
            ),
        )
    };
    let keeper =
        |id: &str, seconds, actor: &str| told(id, seconds, EventKind::Acknowledged, actor, "Acknowledged");
    for (delivery, entry, joined) in [
        (Delivery::Confirmed, keeper("R1", 102, "Jun"), true),
        (Delivery::Sending, keeper("R1", 70, "JUN"), true),
        (Delivery::NeedsDecision, keeper("R1", 900, "Jun"), true),
        (Delivery::Confirmed, keeper("R1", 102, "Mara"), false),
        (Delivery::Confirmed, keeper("R1", 5_000, "Jun"), false),
        (Delivery::Confirmed, keeper("R1", -90, "Jun"), false),
        (Delivery::Pending, keeper("R1", 102, "Jun"), false),
        (Delivery::Cancelled, keeper("R1", 102, "Jun"), false),
    ] {
        let words = format!("{delivery:?} {:?} {}", entry.actor, entry.at);
        let merged = merge(
            &[
                part(Origin::Outbox, vec![own(delivery)]),
                part(Origin::Keeper, vec![entry]),
            ],
            &us(),
        );
        assert_eq!(merged.events.len() == 1, joined, "{words}");
        if joined {
            assert_eq!(merged.events[0].delivery, Delivery::Confirmed, "{words}");
        }
    }
}

#[test]
fn a_note_of_ours_written_elsewhere_is_not_taken_for_the_one_written_here() {
    let own = ours(
        Delivery::Confirmed,
        told("outbox-1", 0, EventKind::Note, "Jun", "from the console"),
    );
    let web = told("R1", 20, EventKind::Note, "Jun", "from the web");
    let merged = merge(
        &[part(Origin::Outbox, vec![own]), part(Origin::Keeper, vec![web])],
        &us(),
    );
    assert_eq!(ids(&merged), ["outbox-1", "R1"]);
}

#[test]
fn two_acknowledgements_of_ours_are_joined_with_two_of_the_keepers() {
    let own = |id: &str, seconds| {
        ours(
            Delivery::Confirmed,
            told(id, seconds, EventKind::Acknowledged, "Jun", ""),
        )
    };
    let keeper = |id: &str, seconds| told(id, seconds, EventKind::Acknowledged, "Jun", "Acknowledged by Jun");
    let merged = merge(
        &[
            part(Origin::Outbox, vec![own("outbox-1", 0), own("outbox-2", 300)]),
            part(
                Origin::Keeper,
                vec![keeper("R1", 2), keeper("R2", 303), keeper("R3", 305)],
            ),
        ],
        &us(),
    );
    assert_eq!(ids(&merged), ["outbox-1", "outbox-2", "R3"]);
    assert_eq!(&*merged.events[0].text, "Acknowledged by Jun");
}

#[test]
fn two_consoles_that_took_the_same_incident_are_told_once_as_its_keeper_has_it() {
    let own = |id: &str, seconds| {
        ours(
            Delivery::Confirmed,
            told(
                id,
                seconds,
                EventKind::Acknowledged,
                "jun@example.com",
                "acknowledged",
            ),
        )
    };
    let keeper = |id: &str, seconds, kind| told(id, seconds, kind, "Jun", "");
    let both = part(Origin::Outbox, vec![own("outbox-1", 100), own("outbox-2", 101)]);
    let once = keeper("R1", 102, EventKind::Acknowledged);
    let merged = merge(&[both.clone(), part(Origin::Keeper, vec![once.clone()])], &us());
    let [event] = merged.events.as_slice() else {
        panic!("one acknowledgement, not {:?}", ids(&merged));
    };
    let known: Vec<&str> = names(event).map(|name| &**name).collect();
    assert!(
        ["outbox-1", "outbox-2", "R1"]
            .iter()
            .all(|name| known.contains(name)),
        "a star on any holds: {known:?}"
    );
    // what its keeper does not tell of yet stays as it is
    assert_eq!(merge(std::slice::from_ref(&both), &us()).events.len(), 2);
    // handed back between: the second is another one
    let again = part(Origin::Outbox, vec![own("outbox-1", 100), own("outbox-2", 400)]);
    let ended = keeper("R2", 200, EventKind::Unacknowledged);
    let merged = merge(&[again, part(Origin::Keeper, vec![once, ended])], &us());
    assert_eq!(ids(&merged), ["outbox-1", "R2", "outbox-2"]);
}

#[test]
fn an_act_that_was_done_already_is_told_as_whoevers_it_was() {
    let own = |refs: &[(&str, &str)]| {
        let act = told(
            "outbox-3",
            5_000,
            EventKind::Acknowledged,
            "jun@example.com",
            "acknowledged",
        );
        part(Origin::Outbox, vec![with(ours(Delivery::Confirmed, act), refs)])
    };
    let maras = told("R1", 100, EventKind::Acknowledged, "Mara", "Acknowledged by Mara");
    let keeper = part(Origin::Keeper, vec![maras]);
    let merged = merge(
        &[
            own(&[("already", "was acknowledged already by Mara")]),
            keeper.clone(),
        ],
        &us(),
    );
    let [event] = merged.events.as_slice() else {
        panic!("one acknowledgement, not {:?}", ids(&merged));
    };
    assert_eq!(
        (&*event.id, event.actor.as_deref(), event.at),
        ("R1", Some("Mara"), at(100))
    );
    assert!(names(event).any(|name| **name == *"outbox-3"));
    // without that word it is ours beside hers
    assert_eq!(ids(&merge(&[own(&[]), keeper], &us())), ["R1", "outbox-3"]);
}

#[test]
fn an_alert_seen_here_and_the_trigger_it_made_are_one() {
    let fired = with(
        told("j1", 0, EventKind::AlertFired, "", "HighErrorRate checkout"),
        &[("alert", "00f1"), ("service", "checkout")],
    );
    let trigger = with(
        told("R1", 30, EventKind::Triggered, "", "Triggered"),
        &[("alert", "00f1")],
    );
    let again = with(
        told("R8", 4_000, EventKind::Triggered, "", "Triggered"),
        &[("alert", "00f1")],
    );
    let merged = merge(
        &[
            part(Origin::Journal, vec![fired]),
            part(Origin::Keeper, vec![trigger, again]),
        ],
        &us(),
    );
    assert_eq!(ids(&merged), ["j1", "R8"]);
    let first = &merged.events[0];
    assert_eq!(
        (first.kind, &*first.text),
        (EventKind::Triggered, "HighErrorRate checkout")
    );
    assert_eq!(first.delivery, Delivery::Local);
}

#[test]
fn our_annotation_and_grafanas_are_one_and_a_command_that_led_to_an_act_is_that_act() {
    let own = with(
        ours(
            Delivery::Confirmed,
            told("outbox-5", 10, EventKind::Other, "Jun", "rollback"),
        ),
        &[("marker", MARK), ("outbox", "5")],
    );
    let grafana = with(
        told("ann-1125", 10, EventKind::Deploy, "", "rollback"),
        &[("marker", MARK)],
    );
    let command = with(
        told("j9", 11, EventKind::Command, "Jun", "marked it"),
        &[("outbox", "5")],
    );
    let merged = merge(
        &[
            part(Origin::Annotations, vec![grafana]),
            part(Origin::Journal, vec![command]),
            part(Origin::Outbox, vec![own]),
        ],
        &us(),
    );
    assert_eq!(ids(&merged), ["outbox-5"]);
    assert_eq!(merged.events[0].kind, EventKind::Deploy);
    assert!(names(&merged.events[0]).any(|name| &**name == MARK));
}

#[test]
fn the_same_id_is_the_same_event_and_equal_times_have_one_order() {
    let a = told("a", 5, EventKind::Note, "Mara", "one");
    let b = told("b", 5, EventKind::Note, "Mara", "two");
    let c = told("c", 5, EventKind::AlertFired, "", "fired");
    let expected = ["c", "a", "b"];
    for parts in [
        vec![part(
            Origin::Keeper,
            vec![b.clone(), a.clone(), a.clone(), c.clone()],
        )],
        vec![
            part(Origin::Local, vec![a.clone()]),
            part(Origin::Keeper, vec![c, b, a]),
        ],
    ] {
        assert_eq!(ids(&merge(&parts, &us())), expected);
    }
}

#[test]
fn what_is_missing_is_said_once() {
    let missing = Arc::new(Timeline {
        events: Vec::new(),
        partial: vec!["notes: 403".into()],
    });
    let twice = [Origin::Keeper, Origin::Local].map(|origin| Part {
        origin,
        story: Arc::clone(&missing),
    });
    assert_eq!(merge(&twice, &us()).partial, ["notes: 403"]);
}

#[test]
fn a_story_changes_only_with_its_parts_and_a_star_stays_with_its_event() {
    let mut kept = Story::default();
    let own = with(
        ours(
            Delivery::Pending,
            told("outbox-7", 60, EventKind::Note, "Jun", "x"),
        ),
        &[("marker", MARK)],
    );
    assert_eq!(kept.set(Origin::Outbox, story(vec![own.clone()])), Changed::Yes);
    assert_eq!(kept.set(Origin::Outbox, story(vec![own])), Changed::No);
    let before = Arc::clone(kept.timeline());
    assert_eq!(kept.set(Origin::Keeper, story(Vec::new())), Changed::No);
    assert!(Arc::ptr_eq(&before, kept.timeline()));
    let stars = Arc::new(HashSet::from([Arc::from(MARK)]));
    assert_eq!(kept.set_stars(stars), Changed::Yes);
    // the outbox has forgotten it, and the keeper tells it: by its marker it is the same key moment
    let text = format!("x [mw:{MARK}]");
    kept.set(
        Origin::Keeper,
        story(vec![told("R1", 70, EventKind::Note, "Jun", &text)]),
    );
    kept.set(Origin::Outbox, story(Vec::new()));
    assert_eq!(ids(kept.timeline()), ["R1"]);
    assert_eq!(kept.timeline().events[0].starred, Starred::Yes);
}

#[test]
fn a_star_on_an_act_of_ours_follows_it_to_what_its_keeper_calls_it() {
    let own = ours(
        Delivery::Confirmed,
        told(
            "outbox-3",
            100,
            EventKind::Acknowledged,
            "jun@example.com",
            "acknowledged",
        ),
    );
    let keeper = || {
        story(vec![told(
            "R1",
            102,
            EventKind::Acknowledged,
            "Jun",
            "Acknowledged",
        )])
    };
    let mut kept = Story::default();
    kept.set_us(us());
    kept.set(Origin::Outbox, story(vec![own]));
    let starred = |names: &[&str]| Arc::new(names.iter().map(|name| Arc::from(*name)).collect());
    kept.set_stars(starred(&["outbox-3"]));
    assert_eq!(kept.unstarred_names(), []);
    kept.set(Origin::Keeper, keeper());
    assert_eq!(kept.unstarred_names(), [Arc::from("R1")]);
    kept.set_stars(starred(&["outbox-3", "R1"]));
    assert_eq!(kept.unstarred_names(), []);
    // The outbox forgets what was settled long ago.
    kept.set(Origin::Outbox, story(Vec::new()));
    assert_eq!(kept.timeline().events[0].starred, Starred::Yes);
    // A mark that its keeper made is no star of ours.
    kept.set_stars(starred(&[]));
    assert_eq!(kept.unstarred_names(), []);
}

fn any_event(ids: &'static str) -> impl Strategy<Value = Event> {
    let kinds = prop::sample::select(EventKind::ALL.to_vec());
    let texts = prop::sample::select(vec!["", "x", "x [mw:AAAAAAAAAA]", "y [mw:BBBBBBBBBB]", "[mw:"]);
    let refs = prop::sample::select(vec![
        None,
        Some("alert"),
        Some("outbox"),
        Some("log_entry"),
        Some("marker"),
    ]);
    (
        0u8..40,
        -2_000i64..2_000,
        kinds,
        texts,
        refs,
        0usize..7,
        any::<bool>(),
    )
        .prop_map(move |(id, seconds, kind, text, reference, delivery, named)| {
            let event = told(
                &format!("{ids}{id}"),
                seconds,
                kind,
                if named { "Jun" } else { "" },
                text,
            );
            let event = match reference {
                Some(name) => with(event, &[(name, "1")]),
                None => event,
            };
            ours(Delivery::ALL[delivery], event)
        })
}

/// What one source tells: an entry that it tells twice, as a list does that is paged while it grows, is the same.
fn any_part(ids: &'static str) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(any_event(ids), 0..12).prop_map(|events| {
        let mut told: HashMap<Arc<str>, Event> = HashMap::new();
        let same = |event: Event| told.entry(Arc::clone(&event.id)).or_insert(event).clone();
        events.into_iter().map(same).collect()
    })
}

proptest! {
    #[test]
    fn every_note_of_every_source_is_somewhere_and_the_order_of_the_parts_does_not_matter(
        own in any_part("outbox-"),
        keeper in any_part("R"),
        journal in any_part("j"),
    ) {
        let parts = [
            part(Origin::Outbox, own), part(Origin::Keeper, keeper), part(Origin::Journal, journal),
        ];
        let merged = merge(&parts, &us());
        let mut turned = parts.to_vec();
        turned.reverse();
        prop_assert_eq!(&merge(&turned, &us()), &merged);
        prop_assert!(merged.events.is_sorted_by_key(|event| event.at));
        let unique: HashSet<&str> = merged.events.iter().map(|event| &*event.id).collect();
        prop_assert_eq!(unique.len(), merged.events.len(), "ids are unique");
        for event in parts.iter().flat_map(|part| &part.story.events) {
            let said = without_marker(&event.text);
            if matches!(event.kind, EventKind::Note) && Marker::of(&event.text).is_none() && event.refs.is_empty() {
                let told_once = merged.events.iter().any(|e| e.text.contains(said));
                prop_assert!(told_once, "{said:?} is lost");
            }
        }
    }
}

#[test]
fn an_act_that_waited_stands_where_it_was_done_and_says_when_it_was_asked_for() {
    let own = ours(
        Delivery::Confirmed,
        told("outbox-7", 0, EventKind::Escalated, "Jun", "escalated to level 3"),
    );
    let own = with(own, &[("outbox", "7")]);
    let theirs = told("R9", 880, EventKind::Escalated, "Jun", "Escalated to Sam");
    let notified = told("R8", 870, EventKind::Other, "Sam", "Notified Sam");
    let merged = merge(
        &[
            part(Origin::Outbox, vec![own]),
            part(Origin::Keeper, vec![notified, theirs]),
        ],
        &us(),
    );
    assert_eq!(ids(&merged), ["R8", "outbox-7"]);
    let event = &merged.events[1];
    let asked = at(0).format("%H:%MZ");
    assert_eq!(
        (event.at, event.text.to_string()),
        (at(880), format!("escalated to level 3 (asked for at {asked})"))
    );
}

#[test]
fn an_act_without_a_kind_of_its_own_is_told_once() {
    for act in ACTS {
        let own = ours(
            Delivery::Confirmed,
            told("outbox-7", 0, EventKind::Other, "Jun", "done here"),
        );
        let own = with(own, &[("outbox", "7"), (ACT, act)]);
        let theirs = with(
            told("R9", 1, EventKind::Other, "Jun", "told there"),
            &[(ACT, act)],
        );
        let another = told("R10", 2, EventKind::Other, "Jun", "something else");
        let merged = merge(
            &[
                part(Origin::Outbox, vec![own]),
                part(Origin::Keeper, vec![theirs, another]),
            ],
            &us(),
        );
        assert_eq!(ids(&merged), ["outbox-7", "R10"], "{act}");
    }
}
