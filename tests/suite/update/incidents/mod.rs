//! The incident pane and acts on incidents.

mod escalations;
mod timelines;

use std::sync::Arc;

use midwatch::app::acts::{Act, ActId, PendingAct};
use midwatch::app::focus::PaneId;
use midwatch::app::modal::{ConfirmLine, Modal};
use midwatch::app::{Effect, Msg, Settings};
use midwatch::backend::incidents::{Seen, Whose};
use midwatch::domain::alert::Alert;
use midwatch::domain::incident::{Incident, IncidentAct, IncidentId, Ladder, Level, Named, Status};
use midwatch::outbox::EntryId;

use super::Hand;
use super::acks::screen;
use crate::fixtures::incidents::{checkout, directory, ladder, links, listed, local, search, with_alerts};
use crate::fixtures::{alert, board_of, now, settings};

pub fn firing_alert() -> Alert {
    alert("HighErrorRate", "critical", "checkout", 12, &[])
}

fn on(settings: Settings, incidents: Vec<Incident>) -> Hand {
    let mut hand = Hand::on(settings, board_of(vec![firing_alert()]));
    hand.tell(Msg::IncidentsFetched(listed(incidents)));
    let links = links(&hand.model, &[]);
    hand.tell(links);
    hand.press("5");
    hand.wait(5_000);
    hand.effects.clear();
    hand
}

fn with(incidents: Vec<Incident>) -> Hand {
    on(settings(), incidents)
}

/// Triggered, and nobody has it.
fn free() -> Incident {
    Incident {
        status: Status::Triggered,
        acknowledgements: Vec::new(),
        level: Level::Known(1),
        ..checkout()
    }
}

fn act_of(act: Act) -> (IncidentId, IncidentAct, Seen) {
    match act {
        Act::Incident {
            incident, act, seen, ..
        } => (incident, act, seen),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn asked(hand: &Hand) -> String {
    match &hand.model.modal {
        Some(Modal::Confirm(confirm)) => {
            let lines = confirm.lines.iter().map(|line| match line {
                ConfirmLine::Warning(text) => format!("! {text}"),
                ConfirmLine::Plain(text) | ConfirmLine::Argument { text, .. } => text.clone(),
            });
            std::iter::once(confirm.title.clone())
                .chain(lines)
                .collect::<Vec<_>>()
                .join("\n")
        }
        other => panic!("nothing is asked: {other:?} {:?}", hand.said()),
    }
}

#[track_caller]
fn listed_to_pick(hand: &Hand) -> Vec<String> {
    match &hand.model.modal {
        Some(Modal::Pick(pick)) => match &pick.items {
            Some(Ok(items)) => pick
                .hits
                .iter()
                .map(|&hit| format!("{}: {}", items[hit].name, items[hit].note))
                .collect(),
            other => panic!("{other:?}"),
        },
        other => panic!("no list is open: {other:?} {:?}", hand.said()),
    }
}

fn told_ladder(hand: &mut Hand, ladder: Ladder) {
    let incident = checkout().id;
    let result = Ok(Arc::new(ladder));
    hand.tell(Msg::LadderFetched { incident, result });
}

/// What a keeper that is down answers to the question for a policy.
fn ladder_fails(hand: &mut Hand) {
    hand.tell(Msg::LadderFetched {
        incident: free().id,
        result: Err("pagerduty: the connection broke".to_owned()),
    });
}

#[test]
fn an_acknowledgement_goes_at_once_with_how_the_incident_stood() {
    let mut hand = with(vec![free()]);
    hand.press("a");
    let (id, act, seen) = act_of(hand.one_act().1);
    assert_eq!((id, act), (free().id, IncidentAct::Acknowledge));
    assert_eq!(seen.status, Status::Triggered);
    assert_eq!(seen.changed_at, free().changed_at);
    hand.press("a");
    assert!(hand.acts().is_empty(), "a second key does it no second time");
    hand.assert_said("under way");
}

#[test]
fn what_somebody_else_has_can_be_taken_and_what_is_ours_is_said() {
    let mut hand = with(vec![checkout()]);
    hand.press("a");
    assert_eq!(act_of(hand.one_act().1).1, IncidentAct::Acknowledge);

    let ours = Incident {
        acknowledgements: vec![(crate::fixtures::incidents::person("Jun"), now().utc)],
        ..checkout()
    };
    let mut hand = with(vec![ours]);
    hand.press("a");
    assert!(hand.acts().is_empty());
    hand.assert_said("you have it since 03:14Z");
}

#[test]
fn several_marked_ones_are_listed_and_asked_about_those_left_out_too() {
    let over = Incident {
        id: IncidentId::from("Q9"),
        number: Some(9),
        status: Status::Resolved,
        ..checkout()
    };
    let mut hand = with(vec![free(), search(), over]);
    hand.press("x x x a");
    let text = asked(&hand);
    assert!(text.starts_with("Acknowledge 2 incidents?"), "{text}");
    assert!(text.contains("! left out: #9: it is resolved"), "{text}");
    hand.press("y");
    let ids: Vec<IncidentId> = hand.acts().into_iter().map(|(_, act)| act_of(act).0).collect();
    assert_eq!(ids.len(), 2);
    assert!(!hand.model.incidents.marks.contains(&ids[0]));
}

#[test]
fn a_resolution_is_asked_about_and_a_dangerous_context_wants_its_name() {
    let mut hand = with(vec![checkout()]);
    hand.press("r");
    assert!(asked(&hand).contains("Resolve #4711 checkout errors?"));
    hand.press("n");
    assert!(hand.acts().is_empty());
    hand.press("r y");
    assert!(matches!(act_of(hand.one_act().1).1, IncidentAct::Resolve { .. }));

    let mut hand = on(
        Settings {
            danger: true,
            ..settings()
        },
        vec![checkout()],
    );
    hand.press("r enter");
    assert!(hand.acts().is_empty(), "enter alone is no answer");
    hand.write("prod-eu");
    hand.press("enter");
    assert!(matches!(act_of(hand.one_act().1).1, IncidentAct::Resolve { .. }));
    hand.press("a");
    assert_eq!(hand.acts().len(), 1, "acknowledging never asks for the name");
}

#[test]
fn an_alert_that_still_fires_is_said_before_its_incident_is_resolved() {
    let mut hand = with(vec![with_alerts(checkout(), [&firing_alert()])]);
    hand.press("r");
    assert!(asked(&hand).contains("! still fires: HighErrorRate checkout"));
}

#[test]
fn what_was_told_before_an_outage_stays_to_be_picked_from() {
    let mut hand = with(vec![free()]);
    hand.press("e");
    told_ladder(&mut hand, ladder());
    hand.press("esc e");
    ladder_fails(&mut hand);
    assert_eq!(listed_to_pick(&hand).len(), 3, "the levels as they were told");
    hand.press("esc P");
    hand.tell(Msg::DirectoryFetched(Ok(Arc::new(directory()))));
    hand.press("esc");
    for _ in 0..2 {
        hand.press("P");
        hand.tell(Msg::DirectoryFetched(Err(
            "pagerduty: the connection broke".to_owned()
        )));
        assert_eq!(listed_to_pick(&hand).len(), 2, "every priority that was told");
        hand.press("esc");
    }
}

#[test]
fn a_policy_that_comes_for_another_incident_fills_no_list() {
    let mut hand = with(vec![free(), search()]);
    hand.press("e");
    hand.tell(Msg::LadderFetched {
        incident: search().id,
        result: Ok(Arc::new(ladder())),
    });
    let Some(Modal::Pick(pick)) = &hand.model.modal else {
        panic!("a list")
    };
    assert!(pick.items.is_none());
}

#[test]
fn what_is_typed_before_the_policy_comes_narrows_it() {
    let mut hand = with(vec![free()]);
    hand.press("e");
    hand.write("you");
    told_ladder(&mut hand, ladder());
    assert_eq!(
        listed_to_pick(&hand),
        ["level 1: wakes you · here now · goes on after 5m"]
    );
    hand.press("enter");
    let text = asked(&hand);
    assert!(text.contains("! it is at level 1 now: pages again"), "{text}");
}

#[test]
fn somebody_is_found_by_typing_and_what_giving_it_away_means_is_said() {
    let mut hand = with(vec![checkout()]);
    hand.press("m");
    assert_eq!(hand.taken(), [Effect::FetchDirectory]);
    hand.tell(Msg::DirectoryFetched(Ok(Arc::new(directory()))));
    hand.write("sam");
    assert_eq!(
        listed_to_pick(&hand),
        [
            "Sam: sam@example.com",
            "policy primary: starts at level 1, pages Sam"
        ]
    );
    hand.press("enter");
    let text = asked(&hand);
    assert!(text.contains("! it will not escalate by itself"), "{text}");
    hand.press("esc m");
    hand.write("policy prim");
    hand.press("enter");
    let text = asked(&hand);
    assert!(text.contains("! starts at level 1, pages Sam"), "{text}");
    hand.press("y");
    hand.effects
        .retain(|effect| matches!(effect, Effect::Carry { .. }));
    assert_eq!(
        act_of(hand.one_act().1).1,
        IncidentAct::ReassignPolicy {
            policy: Named {
                id: "primary".into(),
                name: "primary".into()
            }
        }
    );
}

#[test]
fn handing_back_offers_to_reassign_and_says_why() {
    let mut hand = with(vec![checkout()]);
    hand.press("A");
    let Some(Modal::Pick(pick)) = &hand.model.modal else {
        panic!("a list")
    };
    let why = format!("{:?}", pick.lines);
    assert!(why.contains("PagerDuty takes no acknowledgement back"), "{why}");
}

#[test]
fn a_snooze_takes_one_more_key_and_lasts_till_the_morning_where_wanted() {
    let mut hand = with(vec![checkout()]);
    hand.press("s 4");
    let four = IncidentAct::Snooze {
        length: std::time::Duration::from_secs(4 * 3_600),
    };
    assert_eq!(act_of(hand.one_act().1).1, four);
    hand.press("s 9");
    let IncidentAct::Snooze { length } = act_of(hand.one_act().1).1 else {
        panic!("a snooze")
    };
    let morning = now().utc + length;
    assert_eq!(
        morning.format("%H:%M").to_string(),
        "08:59",
        "whole minutes, never later"
    );
}

#[test]
fn a_merge_lists_what_ends_and_keepers_do_not_mix() {
    let mut hand = with(vec![checkout(), search(), local()]);
    hand.press("M");
    hand.assert_said("mark the incidents to take in");
    hand.press("x");
    assert_eq!(hand.model.incidents.list.index, 1);
    hand.press("M");
    let text = asked(&hand);
    assert!(text.contains("! cannot be undone"), "{text}");
    assert!(text.contains("#4711 checkout errors"), "{text}");
    hand.press("y");
    let (into, act, _) = act_of(hand.one_act().1);
    assert_eq!(into, search().id);
    assert_eq!(
        act,
        IncidentAct::Merge {
            from: vec![checkout().id]
        }
    );
    hand.press("k x j j M");
    hand.assert_said("only incidents of one keeper merge");
}

#[test]
fn local_incidents_have_steps_and_roles_and_pagerduty_says_that_it_has_none() {
    let mut hand = with(vec![local(), checkout()]);
    hand.press("+ m");
    assert_eq!(
        act_of(hand.one_act().1).1,
        IncidentAct::Advance {
            to: Status::Monitoring
        }
    );
    hand.press("@ s");
    assert_eq!(hand.taken(), [Effect::FetchDirectory]);
    hand.tell(Msg::DirectoryFetched(Ok(Arc::new(directory()))));
    hand.write("mara");
    hand.press("enter");
    assert!(matches!(
        act_of(hand.one_act().1).1,
        IncidentAct::Assign { person, .. } if &*person.name == "Mara"
    ));
    hand.press("j @");
    hand.assert_said("PagerDuty knows no roles");
}

#[test]
fn an_answer_holds_for_what_was_shown() {
    let mut hand = with(vec![free()]);
    hand.press("r");
    hand.tell(Msg::IncidentsFetched(listed(vec![checkout()])));
    hand.press("y");
    assert!(hand.acts().is_empty(), "it is somebody's by now");
    assert!(asked(&hand).contains("! changed meanwhile: it is acknowledged, Mara now"));
    hand.press("enter");
    assert_eq!(act_of(hand.one_act().1).2.status, Status::Acknowledged);

    let mut hand = with(vec![checkout()]);
    hand.press("r");
    hand.tell(Msg::IncidentsFetched(listed(Vec::new())));
    hand.press("y");
    assert!(hand.acts().is_empty());
    hand.assert_said("listed no more");
}

#[test]
fn read_only_and_a_missing_journal_refuse_every_act_before_anything_is_asked() {
    let read_only = Settings {
        read_only: true,
        ..settings()
    };
    let unjournaled = Settings {
        no_journal: Some("/state is on a network filesystem; set state_dir".to_owned()),
        ..settings()
    };
    for (settings, why) in [
        (read_only, "read-only"),
        (unjournaled, "nothing can be journaled"),
    ] {
        let mut hand = on(settings, vec![checkout()]);
        for key in ["a", "A", "e", "r", "m", "w", "s", "M", "P", "+", "@"] {
            hand.press(key);
            hand.assert_said(why);
            assert!(hand.model.modal.is_none(), "{key}");
        }
        assert!(hand.taken().is_empty());
    }
}

#[test]
fn from_an_alert_one_acts_on_its_incident() {
    let linked = with_alerts(free(), [&firing_alert()]);
    let mut hand = with(vec![search(), linked]);
    hand.press("2 e");
    assert_eq!(hand.taken(), [Effect::FetchLadder(free().id)]);
    hand.press("esc 1 e");
    hand.assert_said("no incident under the cursor");

    let mut hand = with(vec![search()]);
    hand.press("2 r");
    hand.assert_said("no open incident is known of this alert");
}

#[test]
fn whose_incidents_are_listed_is_asked_anew() {
    let mut hand = with(vec![checkout()]);
    let mut asked = Vec::new();
    for _ in 0..4 {
        hand.press("v");
        match hand.taken().as_slice() {
            [Effect::ListIncidents(question)] => {
                asked.push((question.whose, question.ended_since.is_some()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        asked,
        [
            (Whose::Team, false),
            (Whose::Mine, false),
            (Whose::All, true),
            (Whose::All, false)
        ]
    );
}

#[test]
fn a_frozen_list_is_acted_on_as_it_stands_on_screen() {
    let mut hand = with(vec![free()]);
    hand.press("p");
    hand.tell(Msg::IncidentsFetched(listed(vec![checkout()])));
    assert_eq!(
        hand.model.incidents.selected().map(|i| i.status),
        Some(Status::Triggered)
    );
    hand.press("a");
    assert_eq!(act_of(hand.one_act().1).2.status, Status::Triggered);
    hand.press("p");
    assert_eq!(
        hand.model.incidents.selected().map(|i| i.status),
        Some(Status::Acknowledged)
    );
}

#[test]
fn the_palette_turns_to_the_pane_that_an_act_is_for() {
    let mut hand = with(vec![checkout()]);
    hand.press("1 :");
    hand.write("incident.snooze");
    hand.press("enter");
    assert_eq!(hand.model.focus, PaneId::Incident);
    assert!(matches!(hand.model.modal, Some(Modal::Menu(_))));
}

#[test]
fn an_act_that_is_saved_goes_on_and_what_the_list_shows_is_no_longer_waited_for() {
    let mut hand = with(vec![free()]);
    hand.press("a");
    let (id, _) = hand.one_act();
    let saving = |hand: &Hand, id: ActId| {
        let mut pending = hand.model.acts.pending.iter();
        pending
            .find(|pending| pending.id == id)
            .map(PendingAct::is_saving)
    };
    assert_eq!(saving(&hand, id), Some(true));
    hand.tell(Msg::ActJournaled {
        id,
        result: Ok(vec![EntryId(3)]),
    });
    assert_eq!(saving(&hand, id), Some(false));
    hand.finish(id, midwatch::app::msg::ActState::Confirmed, Vec::new());
    assert!(saving(&hand, id).is_some(), "until the list agrees");
    hand.tell(Msg::IncidentsFetched(listed(vec![checkout()])));
    assert_eq!(saving(&hand, id), None);
}

#[test]
fn a_note_under_way_leaves_the_status_in_sight() {
    let mut hand = with(vec![free()]);
    hand.press("n");
    hand.write("looking");
    hand.press("alt-enter");
    let shown = screen(&hand);
    assert!(shown.contains("TRIGGERED"), "{shown}");
    let mut hand = with(vec![free()]);
    hand.press("a");
    assert!(!screen(&hand).contains("TRIGGERED"), "it is about to be another");
}

#[test]
fn the_cursor_is_on_the_most_urgent_until_somebody_goes_to_the_pane() {
    let under_cursor = |hand: &Hand| {
        let selected = hand.model.incidents.list.selected.as_ref();
        selected.map_or_else(String::new, |id| id.0.to_string())
    };
    for (pane, on) in [("1", "Q0WORSE"), ("5", "Q2SEARCH"), ("5 j", "Q1CHECKOUT")] {
        let mut hand = Hand::on(settings(), board_of(vec![firing_alert()]));
        hand.tell(Msg::IncidentsFetched(listed(vec![search(), checkout()])));
        hand.press(pane);
        let worse = Incident {
            id: "Q0WORSE".into(),
            ..search()
        };
        hand.tell(Msg::IncidentsFetched(listed(vec![worse, search(), checkout()])));
        assert_eq!(under_cursor(&hand), on, "{pane}");
    }
}
