//! The outbox: what asks, what could not be saved, what the engineer says to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use midwatch::app::acts::Act;
use midwatch::app::banner::{Hindrance, undelivered};
use midwatch::app::focus::Detail;
use midwatch::app::modal::Modal;
use midwatch::app::{Effect, Msg, OutboxRow, Settings};
use midwatch::domain::incident::local::Reason;
use midwatch::domain::incident::{Incident, Status};
use midwatch::notify::{Tries, Unreached, Whom};
use midwatch::outbox::{Decision, Entry, EntryId, OutboxView, State};

use super::Hand;
use super::incidents::firing_alert;
use crate::fixtures::incidents::{checkout, escalation, happen, ladder, listed, outbox};
use crate::fixtures::settings;

fn with(settings: Settings, states: &[State]) -> Hand {
    let mut hand = Hand::on(settings, crate::fixtures::board_of(vec![firing_alert()]));
    happen(&mut hand.model);
    let entries = (1..)
        .zip(states)
        .map(|(id, state)| escalation(id, 40, *state))
        .collect();
    hand.tell(outbox(entries));
    hand.press("U");
    assert_eq!(hand.model.detail(), Some(&Detail::Outbox));
    hand
}

#[test]
fn what_asks_is_heard_once_and_opens_nothing() {
    let mut hand = Hand::with(Vec::new());
    hand.tell(outbox(vec![escalation(1, 40, State::Sending)]));
    assert!(hand.taken().is_empty());
    hand.tell(outbox(vec![escalation(1, 40, State::NeedsDecision)]));
    assert_eq!(hand.taken(), [Effect::Ring]);
    hand.assert_said("the outbox asks about escalate #4711 checkout errors to level 2");
    assert!(hand.model.modal.is_none() && hand.model.details.is_empty());
    hand.tell(outbox(vec![escalation(1, 40, State::NeedsDecision)]));
    assert!(hand.taken().is_empty());
}

#[test]
fn what_became_of_the_acts_of_an_earlier_console_is_said_once() {
    let view = |state, outcome: &str| {
        let entry = Entry {
            outcome: outcome.into(),
            ..escalation(1, 40, state)
        };
        Msg::OutboxChanged(Arc::new(OutboxView {
            entries: vec![entry],
            inherited: BTreeSet::from([EntryId(1)]),
            ..OutboxView::default()
        }))
    };
    let cases = [
        (
            State::Confirmed,
            "",
            "delivered from the outbox: escalate #4711 checkout errors to level 2",
        ),
        (
            State::Cancelled,
            "its end passed before it could be delivered",
            "escalate #4711 checkout errors to level 2: its end passed before it could be delivered",
        ),
        (State::Failed, "refused", "to level 2: refused"),
    ];
    for (state, outcome, words) in cases {
        // Whether the view in which it was open was seen or not.
        for seen_open in [true, false] {
            let mut hand = Hand::with(Vec::new());
            if seen_open {
                hand.tell(view(State::Pending, ""));
                assert_eq!(hand.said(), "");
            }
            hand.tell(view(state, outcome));
            hand.assert_said(words);
            hand.wait(60_000);
            hand.tell(view(state, outcome));
            assert_eq!(hand.said(), "", "once");
        }
    }
}

#[test]
fn a_retry_looks_again_and_sending_or_dropping_is_asked_about() {
    let mut hand = with(settings(), &[State::NeedsDecision]);
    hand.effects.clear();
    hand.press("a");
    let decided = |decision| Effect::Decide {
        entry: EntryId(1),
        decision,
    };
    assert_eq!(hand.taken(), [decided(Decision::Retry)]);
    hand.tell(outbox(vec![escalation(1, 40, State::Pending)]));
    hand.effects.clear();
    hand.press("a");
    assert_eq!(
        hand.taken(),
        [decided(Decision::Hurry)],
        "no question is answered unseen"
    );
    hand.tell(outbox(vec![escalation(1, 40, State::NeedsDecision)]));
    hand.effects.clear();
    hand.press("s");
    assert!(matches!(&hand.model.modal, Some(Modal::Confirm(_))));
    hand.press("n");
    assert!(hand.taken().is_empty());
    hand.press("s y");
    assert_eq!(hand.taken(), [decided(Decision::Send)]);
    hand.press("D y");
    assert_eq!(hand.taken(), [decided(Decision::Drop)]);
}

#[test]
fn a_dangerous_context_wants_its_name_before_an_escalation_is_sent() {
    let danger = Settings {
        danger: true,
        ..settings()
    };
    let mut hand = with(danger, &[State::NeedsDecision]);
    hand.effects.clear();
    hand.press("s enter");
    assert!(hand.taken().is_empty());
    hand.write("prod-eu");
    hand.press("enter");
    assert!(matches!(hand.taken()[..], [Effect::Decide { .. }]));
}

#[test]
fn what_is_over_or_under_way_is_not_decided() {
    let mut hand = with(settings(), &[State::Confirmed, State::Sending]);
    hand.effects.clear();
    hand.press("a");
    hand.assert_said("it is over: confirmed");
    hand.press("j s");
    hand.assert_said("it is under way");
    assert!(hand.taken().is_empty());
    let read_only = Settings {
        read_only: true,
        ..settings()
    };
    let mut hand = with(read_only, &[State::NeedsDecision]);
    hand.effects.clear();
    hand.press("s");
    hand.assert_said("read-only");
    assert!(hand.taken().is_empty());
}

#[test]
fn an_act_that_could_not_be_saved_stays_until_it_is_tried_again_or_dropped() {
    let mut hand = Hand::with(Vec::new());
    let free = Incident {
        status: Status::Triggered,
        acknowledgements: Vec::new(),
        ..checkout()
    };
    hand.tell(Msg::IncidentsFetched(listed(vec![free])));
    hand.effects.clear();
    hand.press("5 a");
    let (id, act) = hand.one_act();
    hand.tell(Msg::ActJournaled {
        id,
        result: Err("the disk is full: /state/midwatch.db".to_owned()),
    });
    hand.assert_said("ack NOT SAVED, so not sent: the disk is full");
    assert_eq!(hand.taken(), [Effect::Ring]);
    hand.wait(60_000);
    hand.press("U");
    assert_eq!(hand.model.outbox_rows, [OutboxRow::Unsaved(id)]);
    hand.effects.clear();
    hand.press("a");
    assert_eq!(hand.acts(), [(id, act)]);
    assert!(hand.model.outbox_rows.is_empty());
    hand.tell(Msg::ActJournaled {
        id,
        result: Err("the disk is full".to_owned()),
    });
    hand.press("D");
    hand.assert_said("dropped: ack was never sent");
    assert!(hand.model.acts.pending.is_empty());
}

#[test]
fn an_undelivered_escalation_names_who_to_phone() {
    let hand = with(settings(), &[State::Pending]);
    let (first, count) = undelivered(&hand.model, hand.now).unwrap();
    assert_eq!(
        (first.to, first.why, count),
        (Some(2), Hindrance::NotDelivered, 1)
    );
    let phone: Vec<_> = first
        .phone
        .iter()
        .map(|phone| phone.person.phone.as_deref())
        .collect();
    assert_eq!(phone, [Some("+49 30 5550 114")]);

    let hand = with(settings(), &[State::Confirmed]);
    assert_eq!(undelivered(&hand.model, hand.now), None);
    let hand = with(settings(), &[State::NeedsDecision]);
    let why = undelivered(&hand.model, hand.now).map(|(first, _)| first.why);
    assert_eq!(why, Some(Hindrance::Asks));
}

#[test]
fn a_refused_escalation_stands_until_it_is_dismissed_or_escalated_anew() {
    let refused = |id| Entry {
        outcome: "403: not allowed".into(),
        ..escalation(id, 1, State::Failed)
    };
    let why = |hand: &Hand| {
        let found = undelivered(&hand.model, hand.now);
        found.map(|(first, _)| (first.why, first.said.map(str::to_owned), first.phone.len()))
    };
    let said = Some((Hindrance::Refused, Some("403: not allowed".to_owned()), 1));
    let start = || {
        let mut hand = with(settings(), &[State::Sending]);
        hand.tell(outbox(vec![refused(1)]));
        hand
    };
    // For as long as it takes: also when the outbox lists it no more.
    let mut hand = start();
    assert_eq!(why(&hand), said);
    hand.wait(7_200_000);
    hand.tell(outbox(Vec::new()));
    assert_eq!(why(&hand), said);
    hand.press("esc esc esc esc");
    assert!(hand.asked()[0].contains("was refused: nobody was woken"));
    hand.press("esc");
    assert_eq!(why(&hand), said, "it is asked about first");
    hand.press("esc y");
    assert_eq!(why(&hand), None);
    // From the outbox too.
    let mut hand = start();
    hand.press("D");
    assert_eq!(why(&hand), None);
    hand.tell(outbox(vec![refused(1)]));
    assert_eq!(why(&hand), None);
    // Escalated anew.
    let mut hand = start();
    hand.tell(outbox(vec![refused(1), escalation(2, 0, State::Confirmed)]));
    assert_eq!(why(&hand), None);
    // Somebody else's is on their own console.
    let mut hand = with(settings(), &[]);
    let theirs = Entry {
        actor: "mara@example.com".into(),
        ..refused(1)
    };
    hand.tell(outbox(vec![theirs]));
    assert_eq!(why(&hand), None);
}

#[test]
fn an_escalation_ages_by_the_clock_that_nobody_sets() {
    let mut hand = with(settings(), &[State::Pending]);
    let age = |hand: &Hand| undelivered(&hand.model, hand.now).map(|(first, _)| first.age.as_secs());
    let before = age(&hand).unwrap();
    hand.now.utc -= chrono::TimeDelta::hours(3);
    assert_eq!(age(&hand), Some(before), "the wall clock was set back");
    hand.wait(2_000);
    assert_eq!(age(&hand), Some(before + 2));
}

#[test]
fn an_escalation_that_the_disk_does_not_take_says_so_after_a_second() {
    let mut hand = Hand::with(Vec::new());
    hand.tell(Msg::IncidentsFetched(listed(vec![checkout()])));
    hand.press("5 e");
    hand.tell(Msg::LadderFetched {
        incident: checkout().id,
        result: Ok(std::sync::Arc::new(ladder())),
    });
    hand.effects.clear();
    hand.press("enter y");
    assert_eq!(undelivered(&hand.model, hand.now), None);
    hand.wait(1_000);
    let why = undelivered(&hand.model, hand.now).map(|(first, _)| first.why);
    assert_eq!(why, Some(Hindrance::Saving));
    let shown = super::acks::screen(&hand);
    assert!(shown.contains("saving escalate…"), "{shown}");
    hand.wait(30_000);
    let (id, _) = hand.one_act();
    hand.tell(Msg::ActJournaled {
        id,
        result: Err("the disk is full".to_owned()),
    });
    let shown = super::acks::screen(&hand);
    assert!(
        shown.contains("1 NOT SAVED") && shown.contains("the disk is full"),
        "{shown}"
    );
}

#[test]
fn an_escalation_is_given_a_moment_before_it_is_called_undelivered() {
    let mut hand = Hand::with(Vec::new());
    hand.tell(outbox(vec![escalation(1, -5, State::Pending)]));
    assert_eq!(undelivered(&hand.model, hand.now), None);
    hand.wait(6_000);
    assert!(undelivered(&hand.model, hand.now).is_some());
}

#[test]
fn an_escalation_that_is_not_saved_is_called_so() {
    let mut hand = Hand::with(Vec::new());
    hand.tell(Msg::IncidentsFetched(listed(vec![checkout()])));
    hand.press("5 e");
    hand.tell(Msg::LadderFetched {
        incident: checkout().id,
        result: Ok(std::sync::Arc::new(ladder())),
    });
    hand.effects.clear();
    hand.press("enter y");
    let (id, _) = hand.one_act();
    hand.tell(Msg::ActJournaled {
        id,
        result: Err("the journal is locked".to_owned()),
    });
    let why = undelivered(&hand.model, hand.now).map(|(first, _)| first.why);
    assert_eq!(why, Some(Hindrance::NotSaved));
}

#[test]
fn what_waits_in_the_outbox_is_said_before_the_console_is_left() {
    let mut hand = with(settings(), &[State::Pending, State::Confirmed]);
    hand.press("ctrl-c");
    match &hand.model.modal {
        Some(Modal::Confirm(confirm)) => {
            let lines = format!("{:?}", confirm.lines);
            assert!(lines.contains("1 act waits in the outbox"), "{lines}");
        }
        other => panic!("{other:?}"),
    }
    let mut hand = with(settings(), &[State::Confirmed]);
    hand.press("ctrl-c");
    assert!(hand.model.quitting);
}

#[test]
fn enter_goes_to_the_incident_that_an_entry_is_about() {
    let mut hand = with(settings(), &[State::Pending]);
    hand.press("enter");
    assert_eq!(hand.model.detail(), Some(&Detail::Incident(checkout().id)));
}

#[test]
fn a_page_that_reached_nobody_stands_until_it_is_answered_for() {
    let page = Unreached {
        ids: vec![7, 8],
        incident: "local-3".into(),
        title: "orders fail".into(),
        reason: Reason::Level(2),
        people: vec![crate::fixtures::incidents::person("Mara")],
        at: crate::fixtures::now().utc - chrono::TimeDelta::seconds(90),
        why: "webhook: HTTP 500".into(),
        tries: Tries::Over,
        whom: Whom::Everybody,
    };
    let view = |unreached| {
        Msg::OutboxChanged(Arc::new(OutboxView {
            unreached,
            ..OutboxView::default()
        }))
    };
    let mut hand = Hand::with(Vec::new());
    hand.tell(view(vec![page.clone()]));
    assert_eq!(hand.taken(), [Effect::Ring], "it is heard");
    hand.assert_said("local-3 level 2: nobody was reached: phone Mara");
    hand.tell(view(vec![page.clone()]));
    assert!(hand.taken().is_empty(), "once");
    hand.wait(3_600_000);
    let (first, count) = undelivered(&hand.model, hand.now).unwrap();
    assert_eq!(
        (first.to, first.why, count),
        (Some(2), Hindrance::NobodyReached, 1)
    );
    let shown = super::acks::screen(&hand);
    assert!(
        shown.contains("NOBODY WAS REACHED") && shown.contains("phone Mara +49 30 5550 114"),
        "{shown}"
    );
    // From the outbox: it is not sent again, and answering for it takes it down.
    hand.press("U");
    assert_eq!(hand.model.outbox_rows, [OutboxRow::Unreached(7)]);
    let shown = super::acks::screen(&hand);
    assert!(
        shown.contains("unreached") && shown.contains("page L2 local-3"),
        "{shown}"
    );
    hand.effects.clear();
    hand.press("s");
    hand.assert_said("it is not sent again by itself: phone Mara");
    assert!(hand.taken().is_empty());
    hand.press("D");
    assert_eq!(hand.taken(), [Effect::AnswerFor { notices: vec![7, 8] }]);
    hand.tell(view(Vec::new()));
    assert_eq!(undelivered(&hand.model, hand.now), None);
    assert!(hand.model.outbox_rows.is_empty());
    // One person left out is heard and named too; where the others are not reached either, it is heard again.
    let part = Unreached {
        whom: Whom::Part,
        ..page.clone()
    };
    let graver = Unreached {
        incident: "local-4".into(),
        at: page.at + chrono::TimeDelta::seconds(30),
        ..page.clone()
    };
    let mut hand = Hand::with(Vec::new());
    hand.tell(view(vec![part.clone()]));
    assert_eq!(hand.taken(), [Effect::Ring]);
    let shown = super::acks::screen(&hand);
    assert!(
        shown.contains("NOT EVERYBODY WAS REACHED") && shown.contains("phone Mara"),
        "{shown}"
    );
    hand.tell(view(vec![part, graver.clone()]));
    let (first, count) = undelivered(&hand.model, hand.now).unwrap();
    assert_eq!(
        (&*first.label, count),
        ("local-4", 2),
        "nobody comes before not everybody"
    );
    hand.taken();
    hand.tell(view(vec![page.clone(), graver]));
    assert_eq!(hand.taken(), [Effect::Ring]);
    // From anywhere: asked about first.
    let mut hand = Hand::with(Vec::new());
    hand.tell(view(vec![page.clone()]));
    hand.effects.clear();
    // The first takes the toast away that told of it.
    hand.press("esc");
    hand.press("esc");
    assert!(hand.asked()[0].contains("nobody was reached"));
    hand.press("y");
    assert_eq!(hand.taken(), [Effect::AnswerFor { notices: vec![7, 8] }]);
    // Whoever may only look answers for nothing: the others would not see it any more.
    let mut hand = Hand::with(Vec::new());
    hand.model.settings.read_only = true;
    hand.tell(view(vec![page]));
    hand.effects.clear();
    hand.press("esc");
    hand.press("esc");
    hand.assert_said("read-only");
    assert!(hand.model.modal.is_none());
    hand.press("y");
    assert!(hand.taken().is_empty());
}

#[test]
fn whom_to_phone_is_named_by_policy_where_that_of_the_incident_is_not_known_and_with_its_age() {
    let mut hand = Hand::with(Vec::new());
    let told = |roster| {
        let mut feed = crate::fixtures::incidents::roster_feed();
        feed.last.as_mut().expect("told").value = Arc::new(roster);
        Msg::RosterFetched(feed)
    };
    let mut roster = crate::fixtures::incidents::roster();
    let mut other = roster.duties[2].clone();
    other.policy.id = "other".into();
    other.policy.name = "payments".into();
    roster.duties.push(other);
    let as_of = crate::fixtures::now().utc - chrono::TimeDelta::hours(1);
    roster.as_of.insert("other".into(), as_of);
    hand.tell(told(roster.clone()));
    hand.tell(outbox(vec![escalation(1, 40, State::Pending)]));
    let named = |hand: &Hand| -> Vec<(Option<String>, bool)> {
        let (first, _) = undelivered(&hand.model, hand.now).unwrap();
        let phone = first.phone.iter();
        phone
            .map(|phone| (phone.policy.map(str::to_owned), phone.as_of.is_some()))
            .collect()
    };
    // As after a restart in an outage: no incident is listed.
    assert_eq!(
        named(&hand),
        [
            (Some("primary".to_owned()), false),
            (Some("payments".to_owned()), true)
        ]
    );
    let shown = super::acks::screen(&hand);
    assert!(shown.contains("phone Mara of primary +49 30 5550 114"), "{shown}");
    hand.tell(Msg::IncidentsFetched(listed(vec![checkout()])));
    assert_eq!(named(&hand), [(None, false)], "its own policy alone");
    let policy = roster.duties[2].policy.id.clone();
    roster.as_of.insert(policy, as_of);
    hand.tell(told(roster));
    let shown = super::acks::screen(&hand);
    let words = format!("phone Mara +49 30 5550 114 (as of {})", as_of.format("%H:%MZ"));
    assert!(shown.contains(&words), "{shown}");
}

#[test]
fn who_escalates_again_says_which_escalation_they_have_in_sight() {
    let mut hand = Hand::with(Vec::new());
    hand.tell(Msg::IncidentsFetched(listed(vec![checkout()])));
    hand.tell(outbox(vec![escalation(1, 40, State::Confirmed)]));
    hand.press("5 e");
    hand.tell(Msg::LadderFetched {
        incident: checkout().id,
        result: Ok(Arc::new(ladder())),
    });
    hand.press("enter");
    // Another one comes up in the outbox while the question stands.
    hand.tell(outbox(vec![
        escalation(1, 40, State::Confirmed),
        escalation(2, 1, State::Confirmed),
    ]));
    hand.effects.clear();
    hand.press("y");
    assert!(hand.acts().is_empty());
    assert!(
        hand.asked()[0].contains("escalated meanwhile"),
        "{:?}",
        hand.asked()
    );
    hand.press("enter");
    let (_, act) = hand.one_act();
    let Act::Incident { seen, .. } = act else {
        panic!("{act:?}");
    };
    assert_eq!(seen.escalation, Some(EntryId(2)));
}
