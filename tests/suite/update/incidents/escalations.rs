//! Escalations: who is woken, what is known of that in an outage, and what is left asleep.

use std::sync::Arc;

use midwatch::app::modal::{ConfirmLine, Modal};
use midwatch::app::record::Watching;
use midwatch::app::{Effect, Msg};
use midwatch::domain::incident::local::Missed;
use midwatch::domain::incident::{Incident, IncidentAct, Ladder, Level, Urgency};
use midwatch::outbox::State;

use super::super::acks::screen;
use super::{act_of, asked, free, ladder_fails, listed_to_pick, told_ladder, with};
use crate::fixtures::incidents::{checkout, directory, escalation, ladder, local, outbox, person};
use crate::fixtures::now;

#[test]
fn an_escalation_shows_who_is_woken_and_asks() {
    let mut hand = with(vec![free()]);
    hand.press("e");
    assert_eq!(hand.taken(), [Effect::FetchLadder(free().id)]);
    hand.press("enter");
    hand.assert_said("still asking");
    told_ladder(&mut hand, ladder());
    assert_eq!(
        listed_to_pick(&hand),
        [
            "level 1: wakes you · here now · goes on after 5m",
            "level 2: wakes Mara, Sam · goes on after 15m",
            "level 3: nobody is on call",
        ]
    );
    hand.press("down enter");
    hand.assert_said("nobody would be woken");
    hand.press("up enter");
    let text = asked(&hand);
    assert!(
        text.contains("Escalate to level 2: #4711 checkout errors?"),
        "{text}"
    );
    assert!(text.contains("! wakes Mara, Sam"), "{text}");
    hand.press("y");
    assert_eq!(act_of(hand.one_act().1).1, IncidentAct::Escalate { to: 2 });
}

#[test]
fn whoever_acts_here_is_you_among_those_who_are_woken_or_chosen() {
    let ours = Incident {
        acknowledgements: vec![(person("Jun"), now().utc)],
        ..checkout()
    };
    let mut hand = with(vec![ours]);
    hand.press("e");
    told_ladder(&mut hand, ladder());
    hand.press("up up enter");
    let text = asked(&hand);
    assert!(text.contains("! wakes you"), "{text}");
    assert!(text.contains("! takes your acknowledgement away"), "{text}");
    hand.press("n m");
    hand.tell(Msg::DirectoryFetched(Ok(Arc::new(directory()))));
    let listed = listed_to_pick(&hand);
    assert!(listed[0].starts_with("you: Jun"), "{listed:?}");
    hand.write("jun");
    hand.press("enter");
    let text = asked(&hand);
    assert!(text.contains("Reassign to you: #4711"), "{text}");
}

#[test]
fn what_an_escalation_takes_away_or_does_again_is_said() {
    let mut hand = with(vec![checkout()]);
    hand.press("e");
    told_ladder(
        &mut hand,
        Ladder {
            missed: None,
            current: Level::OneOf(vec![1, 3]),
            ..ladder()
        },
    );
    let Some(Modal::Pick(pick)) = &hand.model.modal else {
        panic!("a list")
    };
    assert!(
        pick.lines
            .iter()
            .any(|line| matches!(line, ConfirmLine::Warning(text) if text.contains("not certain"))),
        "{:?}",
        pick.lines
    );
    hand.press("enter");
    let text = asked(&hand);
    assert!(
        text.contains("! takes the acknowledgement of Mara away"),
        "{text}"
    );
    assert!(text.contains("! it is at level 1 or 3? now"), "{text}");
}

#[test]
fn a_missed_level_is_woken_or_left_asleep() {
    let missed = Missed {
        level: 2,
        due: now().utc,
    };
    for read_only in [false, true] {
        let with_policy = Incident {
            policy: checkout().policy,
            ..local()
        };
        let mut hand = with(vec![with_policy]);
        hand.press("e");
        hand.tell(Msg::LadderFetched {
            incident: local().id,
            result: Ok(Arc::new(Ladder {
                missed: Some(missed.clone()),
                ..ladder()
            })),
        });
        let Some(Modal::Pick(pick)) = &hand.model.modal else {
            panic!("a list but said {:?}", hand.said())
        };
        assert!(matches!(&pick.lines[0], ConfirmLine::Warning(text) if text.contains("missed level 2")));
        hand.taken();
        hand.model.settings.read_only = read_only;
        hand.press("down down down enter");
        if read_only {
            hand.assert_said("read-only");
            assert!(hand.taken().is_empty());
        } else {
            assert_eq!(hand.taken(), [Effect::LeaveMissed(local().id)]);
        }
        assert!(hand.model.modal.is_none());
    }
}

#[test]
fn two_escalations_of_one_incident_are_never_under_way() {
    let mut hand = with(vec![free()]);
    hand.press("e");
    told_ladder(&mut hand, ladder());
    hand.effects.clear();
    hand.press("enter y");
    hand.one_act();
    hand.press("e");
    assert!(hand.taken().is_empty());
    hand.assert_said("an escalation to level 2 is not delivered yet");

    // One that another console made, or that waits for an answer, is in the way as well.
    for state in [State::Pending, State::Sending, State::NeedsDecision] {
        let mut hand = with(vec![free()]);
        hand.tell(outbox(vec![escalation(17, 40, state)]));
        hand.effects.clear();
        hand.press("e");
        assert!(hand.taken().is_empty(), "{state:?}");
        hand.assert_said("not delivered yet");
    }
    let mut hand = with(vec![free()]);
    hand.tell(outbox(vec![escalation(17, 40, State::Confirmed)]));
    hand.press("e");
    assert_eq!(hand.taken(), [Effect::FetchLadder(free().id)]);
}

#[test]
fn what_cannot_be_escalated_says_why() {
    let low = Incident {
        urgency: Some(Urgency::Low),
        ..free()
    };
    let mut hand = with(vec![low]);
    hand.press("e");
    hand.assert_said("only reassigned");
    assert!(hand.taken().is_empty());

    let mut hand = with(vec![free()]);
    hand.press("e");
    let mut one = ladder();
    one.rungs.truncate(1);
    told_ladder(&mut hand, one);
    let Some(Modal::Pick(pick)) = &hand.model.modal else {
        panic!("{:?}", hand.model.modal)
    };
    let said = format!("{:?}", pick.lines);
    assert!(said.contains("no next one, it would page you again"), "{said}");
    hand.taken();
    hand.press("enter");
    assert_eq!(
        hand.taken(),
        [Effect::FetchDirectory],
        "to reassign is what is left"
    );

    let mut hand = with(vec![free()]);
    hand.press("e");
    hand.tell(Msg::LadderFetched {
        incident: free().id,
        result: Err("pagerduty: 503".to_owned()),
    });
    hand.press("enter");
    hand.assert_said("pagerduty: 503");
    assert_eq!(hand.taken(), [Effect::FetchLadder(free().id)]);
}

#[test]
fn in_an_outage_a_level_is_woken_by_what_was_told_before_and_whom_to_phone_is_named() {
    let mut hand = with(vec![free()]);
    let mut feed = crate::fixtures::incidents::roster_feed();
    let mut roster = crate::fixtures::incidents::roster();
    let policy = free().policy.expect("a policy");
    for duty in &mut roster.duties {
        duty.policy = policy.clone();
        duty.person.phone = Some("+1 555".into());
    }
    roster
        .as_of
        .insert(policy.id, now().utc - chrono::TimeDelta::hours(1));
    feed.last.as_mut().expect("told").value = Arc::new(roster);
    hand.tell(Msg::RosterFetched(feed));
    hand.press("e");
    ladder_fails(&mut hand);
    let listed = listed_to_pick(&hand);
    assert!(
        listed[0].starts_with("level 1: wakes Sam (+1 555) as of ")
            && listed[1].contains("wakes Mara (+1 555)"),
        "{listed:?}"
    );
    hand.effects.clear();
    hand.write("2");
    hand.press("enter y");
    let (_, act) = hand.one_act();
    assert_eq!(act_of(act).1, IncidentAct::Escalate { to: 2 });

    // A level that nobody told of, and without any roster: its number is enough.
    for keys in ["3", "level 3"] {
        let mut hand = with(vec![free()]);
        hand.press("e");
        ladder_fails(&mut hand);
        hand.press("enter");
        hand.assert_said("phone whoever is on call");
        hand.effects.clear();
        hand.write(keys);
        hand.press("enter y");
        let (_, act) = hand.one_act();
        assert_eq!(act_of(act).1, IncidentAct::Escalate { to: 3 });
    }
}

#[test]
fn who_watches_over_local_incidents_is_said() {
    let mut hand = with(vec![local()]);
    assert!(!screen(&hand).contains("escalates"));
    hand.tell(Msg::WatchingChanged(Watching::Theirs(
        "mara@example.com, pid 7".to_owned(),
    )));
    let shown = screen(&hand);
    assert!(
        shown.contains("another console escalates: mara@example.com, pid 7"),
        "{shown}"
    );
    hand.tell(Msg::WatchingChanged(Watching::Failed(
        "the disk is full".to_owned(),
    )));
    let shown = screen(&hand);
    assert!(shown.contains("✗ local incidents nothing escalates"), "{shown}");
    hand.press("H");
    let shown = screen(&hand);
    assert!(
        shown.contains("nothing escalates and no rule declares: the disk is full"),
        "{shown}"
    );
}
