use chrono::TimeDelta;

use super::*;
use crate::backend::annotations::AnnotationDraft;
use crate::backend::incidents::Seen;
use crate::domain::alert::ack::Marker;
use crate::domain::incident::{IncidentAct, IncidentId, Named, Status};
use crate::outbox::record::Facts;
use crate::outbox::{Entry, EntryId, Purpose};
use crate::time::BootId;

const T: Timings = Timings {
    hold: Duration::from_secs(15),
    first_look: Duration::from_secs(1),
    look_gap: Duration::from_secs(30),
    ask_gap: Duration::from_secs(10),
    fresh: Duration::from_secs(30),
    same_page: Duration::from_secs(60),
    late: Duration::from_secs(600),
    backoff: Duration::from_secs(1),
    backoff_max: Duration::from_secs(60),
    poll: Duration::from_secs(2),
    shown: Duration::from_secs(3_600),
    adopted: Duration::from_secs(86_400),
};
const TOTAL: Duration = Duration::from_secs(10);

fn at(seconds: u64) -> Stamp {
    Stamp {
        utc: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        boot: BootId(1),
        boot_ms: 1_000_000,
    }
    .later(Duration::from_secs(seconds))
}

fn record(payload: Payload) -> Record {
    Record {
        entry: Entry {
            id: EntryId(1),
            context: "prod".into(),
            created_at: at(0).utc,
            actor: "jun".into(),
            marker: Marker::from_bits(7),
            payload,
            state: State::Pending,
            attempts: 0,
            last_error: None,
            next_attempt_at: None,
            outcome: "".into(),
            remote_ids: Vec::new(),
        },
        facts: Facts {
            created: at(0),
            not_before: None,
            requested: None,
            missed: None,
            unasked: None,
            checked: None,
            consent: Consent::None,
            troubles: 0,
            sight: Sight::Seen,
        },
        hold: None,
    }
}

fn incident(act: IncidentAct) -> Payload {
    Payload::Incident {
        incident: IncidentId::from("Q1"),
        act,
        seen: Seen {
            status: Status::Triggered,
            changed_at: at(0).utc,
            escalation: None,
        },
        label: "#1".into(),
    }
}

fn note() -> Payload {
    incident(IncidentAct::Note {
        text: "looking".to_owned(),
    })
}

fn escalate() -> Payload {
    incident(IncidentAct::Escalate { to: 2 })
}

fn annotation() -> Payload {
    Payload::Annotation(AnnotationDraft {
        at: at(0).utc,
        until: None,
        text: "rollback".to_owned(),
        tags: Vec::new(),
    })
}

fn silence(purpose: Purpose, minutes: i64) -> Payload {
    Payload::Silence {
        cluster: "eu".into(),
        members: Vec::new(),
        matchers: Vec::new(),
        starts_at: at(0).utc,
        ends_at: at(0).utc + TimeDelta::minutes(minutes),
        comment: "deploy".to_owned(),
        purpose,
    }
}

fn ack_silence() -> Payload {
    silence(Purpose::Acknowledge { covers: Vec::new() }, 15)
}

fn error(delivery: Delivery, status: Option<u16>) -> BackendError {
    BackendError {
        kind: match status {
            Some(401 | 403) => ErrorKind::NotSignedIn,
            Some(400..=499) => ErrorKind::Rejected,
            Some(_) => ErrorKind::ServerFault,
            None => ErrorKind::TimedOut,
        },
        backend: "incidents".into(),
        tried: "PUT /incidents".to_owned(),
        detail: "trouble".to_owned(),
        mend: String::new(),
        status,
        retry_after: None,
        delivery,
    }
}

fn done() -> Delivered {
    Delivered {
        remote_ids: vec![("incidents".into(), "Q1".into())],
        words: "was there".to_owned(),
    }
}

/// An escalation looks first, each time, and finds its incident as its maker saw it.
fn look_first(record: &mut Record, now: Stamp) {
    if record.entry.payload.escalation().is_some() && record.facts.checked.is_none() {
        assert_eq!(record.entry.state, State::Pending);
        look(record, Found::Absent, now);
    }
}

/// A request goes out and is answered so.
fn send(record: &mut Record, answer: BackendResult<Delivered>, now: Stamp) {
    look_first(record, now);
    assert_eq!(next(record, &now, &T), Next::Send);
    let before = record.clone();
    begun(record, &now, TOTAL, &T);
    answered(record, &before, answer, &now, &T, 1.0);
}

fn lost(record: &mut Record, now: Stamp) {
    send(record, Err(error(Delivery::Unknown, None)), now);
    assert_eq!(record.entry.state, State::Sending);
}

/// A look is due at that moment and finds this.
fn look(record: &mut Record, found: Found, now: Stamp) {
    assert_eq!(next(record, &now, &T), Next::Look, "{record:?}");
    looked(record, Ok(found), &now, &T, 1.0);
}

fn asks(record: &Record, now: Stamp) -> bool {
    match next(record, &now, &T) {
        Next::Settle(state, _) => state == State::NeedsDecision,
        Next::Rest => record.entry.state == State::NeedsDecision,
        Next::Wait(_) | Next::Look | Next::Send => false,
    }
}

#[test]
fn what_is_confirmed_is_over_and_has_its_remote_id() {
    for payload in [note(), escalate(), ack_silence(), annotation()] {
        let mut record = record(payload);
        send(&mut record, Ok(done()), at(1));
        assert_eq!(record.entry.state, State::Confirmed);
        assert_eq!(record.entry.remote_ids.len(), 1);
        assert_eq!(next(&record, &at(9_999), &T), Next::Rest);
    }
}

#[test]
fn after_a_lost_answer_nothing_is_sent_before_a_look() {
    for payload in [
        note(),
        escalate(),
        ack_silence(),
        annotation(),
        incident(IncidentAct::Acknowledge),
        Payload::ExpireSilence {
            cluster: "eu".into(),
            members: Vec::new(),
            id: "x".into(),
            hands_back: Vec::new(),
        },
    ] {
        let mut record = record(payload);
        lost(&mut record, at(1));
        for seconds in 1..700 {
            let next = next(&record, &at(seconds), &T);
            assert!(matches!(next, Next::Wait(_) | Next::Look), "{next:?}");
        }
        look(&mut record, Found::Done(done()), at(5));
        assert_eq!(record.entry.state, State::Confirmed);
    }
}

#[test]
fn an_acknowledgement_is_repeated_as_soon_as_a_look_shows_it_still_triggered() {
    let mut record = record(incident(IncidentAct::Acknowledge));
    lost(&mut record, at(1));
    look(&mut record, Found::Absent, at(3));
    send(&mut record, Ok(done()), at(3));
    assert_eq!((record.entry.state, record.entry.attempts), (State::Confirmed, 2));
}

#[test]
fn an_acknowledgement_asks_where_somebody_else_was_there_meanwhile() {
    let mut record = record(incident(IncidentAct::Acknowledge));
    lost(&mut record, at(1));
    look(
        &mut record,
        Found::Changed("mara acknowledged it".to_owned()),
        at(3),
    );
    assert_eq!(record.entry.state, State::NeedsDecision);
    assert_eq!(record.entry.last_error.as_deref(), Some("mara acknowledged it"));
    assert_eq!(next(&record, &at(99_999), &T), Next::Rest);
}

#[test]
fn what_wakes_people_is_never_sent_again_by_itself() {
    let team = Named {
        id: "P1".into(),
        name: "db".into(),
    };
    for act in [
        IncidentAct::Escalate { to: 2 },
        IncidentAct::ReassignPolicy { policy: team },
        IncidentAct::Page {
            people: Vec::new(),
            message: String::new(),
        },
        IncidentAct::Snooze {
            length: Duration::from_secs(60),
        },
        IncidentAct::Merge { from: Vec::new() },
        IncidentAct::StatusUpdate { text: "x".to_owned() },
    ] {
        let mut record = record(incident(act));
        lost(&mut record, at(1));
        look(&mut record, Found::Absent, at(3));
        assert!(matches!(next(&record, &at(12), &T), Next::Wait(_)));
        look(&mut record, Found::Absent, at(13));
        assert_eq!(record.entry.state, State::NeedsDecision);
        assert_eq!(record.entry.attempts, 1);
    }
}

#[test]
fn an_escalation_is_not_sent_before_a_look_however_young_it_is() {
    let fresh = || record(escalate());
    assert_eq!(next(&fresh(), &at(0), &T), Next::Look);
    assert_eq!(
        next(&record(incident(IncidentAct::Acknowledge)), &at(0), &T),
        Next::Send,
        "what pages nobody goes without"
    );
    let mut changed = fresh();
    look(
        &mut changed,
        Found::Changed("escalated by mara".to_owned()),
        at(0),
    );
    assert_eq!(changed.entry.state, State::NeedsDecision);
    assert_eq!(&*changed.entry.outcome, "escalated by mara");
    assert_eq!(changed.entry.attempts, 0);
    // Nobody answers: it waits for its backend as it always did.
    let mut unreachable = fresh();
    looked(
        &mut unreachable,
        Err(error(Delivery::NotSent, None)),
        &at(0),
        &T,
        1.0,
    );
    assert_eq!(unreachable.entry.state, State::Pending);
    assert!(
        unreachable
            .entry
            .last_error
            .as_deref()
            .unwrap()
            .contains("trouble")
    );
    assert_eq!(next(&unreachable, &at(1), &T), Next::Look);
    let mut refused = fresh();
    looked(
        &mut refused,
        Err(error(Delivery::Answered, Some(400))),
        &at(0),
        &T,
        1.0,
    );
    assert_eq!(refused.entry.state, State::NeedsDecision);
    assert!(
        refused
            .entry
            .outcome
            .starts_with("how the incident stands cannot be looked up")
    );
    // What is to be sent all the same looks for nothing that could stop it.
    decided(&mut changed, Decision::Send, &at(5)).unwrap();
    look(
        &mut changed,
        Found::Changed("escalated by mara".to_owned()),
        at(5),
    );
    assert_eq!(next(&changed, &at(5), &T), Next::Send);
}

#[test]
fn where_not_everybody_can_be_asked_it_is_asked_twice_before_the_engineer_is() {
    let silent = || Found::Unasked("eu-1 cannot be asked".to_owned());
    let lost_silence = || {
        let mut record = record(silence(Purpose::Silence, 60));
        lost(&mut record, at(1));
        look(&mut record, silent(), at(3));
        assert_eq!(record.entry.state, State::Sending);
        assert!(matches!(next(&record, &at(32), &T), Next::Wait(_)));
        record
    };
    let mut asks = lost_silence();
    look(&mut asks, silent(), at(33));
    assert_eq!(asks.entry.state, State::NeedsDecision);
    assert_eq!(asks.entry.attempts, 1);
    // It came back: from then on both looks count that missed it.
    let mut back = lost_silence();
    look(&mut back, Found::Absent, at(33));
    assert!(matches!(next(&back, &at(62), &T), Next::Wait(_)));
    look(&mut back, Found::Absent, at(63));
    assert_eq!(next(&back, &at(63), &T), Next::Send);
    let mut there = lost_silence();
    look(&mut there, Found::Done(done()), at(33));
    assert_eq!(there.entry.state, State::Confirmed);
}

#[test]
fn an_escalation_that_shows_in_the_log_is_confirmed() {
    let mut record = record(escalate());
    lost(&mut record, at(1));
    look(&mut record, Found::Absent, at(3));
    look(&mut record, Found::Done(done()), at(13));
    assert_eq!(record.entry.state, State::Confirmed);
}

#[test]
fn what_carries_a_marker_is_sent_again_only_when_two_looks_far_enough_apart_missed_it() {
    for payload in [note(), annotation(), ack_silence(), silence(Purpose::Silence, 60)] {
        let mut record = record(payload);
        lost(&mut record, at(1));
        look(&mut record, Found::Absent, at(3));
        for seconds in 3..33 {
            assert!(
                matches!(next(&record, &at(seconds), &T), Next::Wait(_)),
                "{seconds}"
            );
        }
        look(&mut record, Found::Absent, at(33));
        lost(&mut record, at(33));
        look(&mut record, Found::Absent, at(40));
        assert!(
            matches!(next(&record, &at(69), &T), Next::Wait(_)),
            "the count begins anew"
        );
        look(&mut record, Found::Done(done()), at(70));
        assert_eq!((record.entry.state, record.entry.attempts), (State::Confirmed, 2));
    }
}

#[test]
fn words_that_were_never_sent_are_not_asked_about_where_nobody_can_tell_whether_they_arrived() {
    let mut record = record(incident(IncidentAct::StatusUpdate {
        text: "rolled back".to_owned(),
    }));
    assert_eq!(next(&record, &at(40), &T), Next::Look);
    look(&mut record, Found::Unclear("not listed".to_owned()), at(40));
    assert_eq!(next(&record, &at(40), &T), Next::Send);
    lost(&mut record, at(41));
    look(&mut record, Found::Unclear("not listed".to_owned()), at(60));
    assert_eq!(
        record.entry.state,
        State::NeedsDecision,
        "once sent, it may have arrived"
    );
}

#[test]
fn a_look_that_fails_counts_for_nothing() {
    let mut record = record(note());
    lost(&mut record, at(1));
    look(&mut record, Found::Absent, at(3));
    assert_eq!(next(&record, &at(40), &T), Next::Look);
    looked(&mut record, Err(error(Delivery::Unknown, None)), &at(40), &T, 1.0);
    assert_eq!(record.entry.state, State::Sending);
    assert!(matches!(next(&record, &at(40), &T), Next::Wait(_)));
    look(&mut record, Found::Absent, at(200));
    assert_eq!(next(&record, &at(200), &T), Next::Send);
}

#[test]
fn what_is_refused_here_before_anything_is_sent_is_over_at_once() {
    let refused = |kind, status| BackendError {
        kind,
        ..error(Delivery::NotSent, status)
    };
    for (kind, status, state) in [
        (ErrorKind::Rejected, None, State::Failed),
        // Who we are was asked for first, and that was refused: it may be answered another time.
        (ErrorKind::Rejected, Some(404), State::Pending),
        (ErrorKind::Credentials, None, State::Pending),
        (ErrorKind::Unreachable, None, State::Pending),
    ] {
        let mut record = record(escalate());
        send(&mut record, Err(refused(kind, status)), at(1));
        assert_eq!(record.entry.state, state, "{kind:?} {status:?}");
    }
}

#[test]
fn trouble_on_the_way_never_ends_an_entry_and_waits_longer_each_time() {
    let mut record = record(note());
    let mut now = 1;
    let mut waits = Vec::new();
    for _ in 0..20 {
        send(&mut record, Err(error(Delivery::NotSent, None)), at(now));
        assert_eq!(record.entry.state, State::Pending);
        assert_eq!(
            record.facts.requested, None,
            "what never left may not have arrived"
        );
        let wait = record.facts.not_before.unwrap().since(&at(now)).as_secs();
        waits.push(wait);
        now += wait;
    }
    assert_eq!(waits[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(waits[19], 60);
}

#[test]
fn a_server_that_wants_to_be_left_alone_is() {
    let mut record = record(note());
    let mut busy = error(Delivery::Answered, Some(429));
    busy.retry_after = Some(Duration::from_secs(300));
    send(&mut record, Err(busy), at(1));
    assert_eq!(record.entry.state, State::Pending);
    assert!(matches!(next(&record, &at(300), &T), Next::Wait(_)));
    assert_eq!(next(&record, &at(301), &T), Next::Send);
}

#[test]
fn credentials_that_end_keep_it_pending_and_a_refusal_ends_it() {
    for (status, state) in [
        (401, State::Pending),
        (403, State::Pending),
        (400, State::Failed),
        (404, State::Failed),
        (422, State::Failed),
        (408, State::Sending),
        (500, State::Sending),
        (502, State::Sending),
        (503, State::Sending),
    ] {
        let mut record = record(escalate());
        send(&mut record, Err(error(Delivery::Answered, Some(status))), at(1));
        assert_eq!(record.entry.state, state, "{status}");
        assert!(record.entry.last_error.as_deref().unwrap().contains("trouble"));
    }
}

#[test]
fn what_comes_late_asks_or_is_delivered_by_its_kind() {
    for (payload, asking) in [
        (incident(IncidentAct::Acknowledge), true),
        (escalate(), true),
        (ack_silence(), true),
        (incident(IncidentAct::StatusUpdate { text: "x".to_owned() }), true),
        (note(), false),
        (annotation(), false),
        (silence(Purpose::Silence, 60), false),
    ] {
        let record = record(payload);
        assert!(!asks(&record, at(600)));
        assert_eq!(asks(&record, at(601)), asking, "{:?}", record.entry.payload);
        if !asking {
            assert_eq!(next(&record, &at(601), &T), Next::Send);
        }
    }
}

#[test]
fn an_act_that_waited_looks_how_its_incident_stands_before_it_goes_out() {
    let mut record = record(incident(IncidentAct::Acknowledge));
    send(&mut record, Err(error(Delivery::NotSent, None)), at(1));
    let mut changed = record.clone();
    look(
        &mut changed,
        Found::Changed("mara resolved it".to_owned()),
        at(120),
    );
    assert_eq!(changed.entry.state, State::NeedsDecision);
    look(&mut record, Found::Absent, at(120));
    send(&mut record, Ok(done()), at(120));
    assert_eq!(record.entry.state, State::Confirmed);
}

#[test]
fn a_note_is_delivered_whatever_became_of_the_incident_unless_it_is_gone() {
    let mut record = record(note());
    lost(&mut record, at(1));
    look(&mut record, Found::Changed("resolved".to_owned()), at(3));
    assert_eq!(record.entry.state, State::Sending);
    look(
        &mut record,
        Found::Vanished("the incident is gone".to_owned()),
        at(40),
    );
    assert_eq!(record.entry.state, State::Failed);
    assert_eq!(&*record.entry.outcome, "the incident is gone");
}

#[test]
fn a_silence_whose_end_has_passed_is_dropped_and_said_and_an_acknowledgement_asks() {
    let too_late = record(silence(Purpose::Silence, 30));
    let Next::Settle(State::Cancelled, words) = next(&too_late, &at(1_800), &T) else {
        panic!("still to be made");
    };
    assert!(words.contains("passed before it could be delivered"), "{words}");
    assert_eq!(next(&too_late, &at(1_799), &T), Next::Send);
    assert!(asks(&record(ack_silence()), at(1_800)));
}

#[test]
fn an_acknowledgement_that_is_still_wanted_lasts_as_long_as_it_was_to_last() {
    let mut record = record(ack_silence());
    settle(&mut record, State::NeedsDecision, "late");
    decided(&mut record, Decision::Send, &at(3_600)).unwrap();
    send(&mut record, Ok(done()), at(3_600));
    let lease = record.entry.lease().unwrap();
    assert_eq!(lease.started_at, at(3_600).utc);
    assert_eq!(lease.set_until, at(3_600 + 900).utc);
}

#[test]
fn who_finds_an_entry_under_way_waits_out_the_lease_and_the_request() {
    let mut record = record(note());
    begun(&mut record, &at(1), TOTAL, &T);
    for seconds in 1..26 {
        assert!(
            matches!(next(&record, &at(seconds), &T), Next::Wait(_)),
            "{seconds}"
        );
    }
    assert_eq!(next(&record, &at(26), &T), Next::Look);
}

#[test]
fn a_wall_clock_that_jumps_changes_nothing() {
    let jumped = |seconds: u64, by: i64| Stamp {
        utc: at(seconds).utc + TimeDelta::hours(by),
        ..at(seconds)
    };
    for by in [-30_000, -5, 5, 30_000] {
        let fresh = record(incident(IncidentAct::Acknowledge));
        assert_eq!(next(&fresh, &jumped(5, by), &T), Next::Send);
        assert!(asks(&fresh, jumped(601, by)));
        let hiding = record(silence(Purpose::Silence, 30));
        assert_eq!(next(&hiding, &jumped(60, by), &T), Next::Send);
        let mut noted = record(note());
        lost(&mut noted, at(1));
        assert!(matches!(next(&noted, &jumped(1, by), &T), Next::Wait(_)));
        look(&mut noted, Found::Absent, jumped(3, by));
        assert!(matches!(next(&noted, &jumped(20, -by), &T), Next::Wait(_)));
        look(&mut noted, Found::Absent, jumped(33, -by));
        assert_eq!(next(&noted, &jumped(33, by), &T), Next::Send);
    }
}

#[test]
fn after_a_reboot_the_wall_clock_counts_and_a_lease_of_before_holds_nothing() {
    let mut record = record(note());
    begun(&mut record, &at(1), TOTAL, &T);
    let rebooted = |utc: Stamp| Stamp {
        boot: BootId(2),
        boot_ms: 20,
        ..utc
    };
    assert!(matches!(next(&record, &rebooted(at(20)), &T), Next::Wait(_)));
    look(&mut record, Found::Absent, rebooted(at(90)));
    assert_eq!(record.entry.state, State::Sending);
}

#[test]
fn what_asks_and_is_tried_again_is_looked_for_first() {
    let mut record = record(escalate());
    lost(&mut record, at(1));
    look(&mut record, Found::Absent, at(3));
    look(&mut record, Found::Absent, at(13));
    assert_eq!(record.entry.state, State::NeedsDecision);
    decided(&mut record, Decision::Retry, &at(60)).unwrap();
    let mut there = record.clone();
    look(&mut there, Found::Done(done()), at(60));
    assert_eq!(there.entry.state, State::Confirmed);
    look(&mut record, Found::Absent, at(60));
    look(&mut record, Found::Absent, at(70));
    assert_eq!(
        record.entry.state,
        State::NeedsDecision,
        "retrying sends nothing by itself"
    );
    assert_eq!(record.entry.attempts, 1);
}

#[test]
fn what_is_hurried_goes_out_sooner_and_a_question_that_came_up_meanwhile_is_not_answered_by_it() {
    let mut record = record(escalate());
    decided(&mut record, Decision::Hurry, &at(60)).unwrap();
    assert_eq!(record.facts.not_before, Some(at(60)));
    settle(&mut record, State::NeedsDecision, "is it still wanted?");
    assert_eq!(
        decided(&mut record, Decision::Hurry, &at(900)),
        Err(Undecided::Asks)
    );
    assert_eq!(record.entry.state, State::NeedsDecision);
    assert_eq!(record.facts.consent, Consent::None);
}

#[test]
fn what_is_to_be_sent_all_the_same_goes_out_once_and_only_where_it_is_not_there() {
    let mut record = record(escalate());
    lost(&mut record, at(1));
    look(
        &mut record,
        Found::Unclear("two of them look like it".to_owned()),
        at(3),
    );
    decided(&mut record, Decision::Send, &at(3_000)).unwrap();
    let mut there = record.clone();
    look(&mut there, Found::Done(done()), at(3_000));
    assert_eq!((there.entry.state, there.entry.attempts), (State::Confirmed, 1));
    look(
        &mut record,
        Found::Unclear("two of them look like it".to_owned()),
        at(3_000),
    );
    lost(&mut record, at(3_000));
    look(&mut record, Found::Absent, at(3_010));
    look(&mut record, Found::Absent, at(3_030));
    assert_eq!(
        record.entry.state,
        State::NeedsDecision,
        "one decision, one request"
    );
    assert_eq!(record.entry.attempts, 2);
}

#[test]
fn an_act_on_what_was_never_seen_is_looked_up_before_it_is_sent() {
    let unseen = |act| {
        let mut record = record(incident(act));
        record.facts.sight = Sight::Unseen;
        record
    };
    let mut taken = unseen(IncidentAct::Acknowledge);
    assert_eq!(next(&taken, &at(0), &T), Next::Look);
    looked(&mut taken, Ok(Found::Absent), &at(1), &T, 0.0);
    assert_eq!(next(&taken, &at(1), &T), Next::Send);
    let mut changed = unseen(IncidentAct::Escalate { to: 2 });
    looked(
        &mut changed,
        Ok(Found::Changed("resolved by Mara meanwhile".into())),
        &at(1),
        &T,
        0.0,
    );
    assert_eq!(changed.entry.state, State::NeedsDecision);
    // A note changes nothing of how things stand, and is found again by its marker.
    let note = unseen(IncidentAct::Note { text: "x".into() });
    assert_eq!(next(&note, &at(0), &T), Next::Send);
}

#[test]
fn a_late_act_that_is_wanted_still_meets_what_changed_meanwhile() {
    let mut record = record(incident(IncidentAct::Acknowledge));
    settle(&mut record, State::NeedsDecision, "late");
    decided(&mut record, Decision::Retry, &at(900)).unwrap();
    let mut taken = record.clone();
    look(&mut taken, Found::Changed("mara has it".to_owned()), at(900));
    assert_eq!(taken.entry.state, State::NeedsDecision);
    look(&mut record, Found::Absent, at(900));
    send(&mut record, Err(error(Delivery::NotSent, None)), at(900));
    assert!(!asks(&record, at(2_000)), "it was asked about already");
}

#[test]
fn what_is_over_is_not_decided_about() {
    for state in [State::Confirmed, State::Failed, State::Cancelled] {
        for decision in [Decision::Retry, Decision::Send, Decision::Drop] {
            let mut record = record(note());
            settle(&mut record, state, "");
            assert_eq!(
                decided(&mut record, decision, &at(9)),
                Err(Undecided::Over(state))
            );
        }
    }
}

#[test]
fn dropping_says_where_an_earlier_request_may_have_arrived() {
    let mut untouched = record(escalate());
    decided(&mut untouched, Decision::Drop, &at(1)).unwrap();
    assert_eq!(
        (untouched.entry.state, &*untouched.entry.outcome),
        (State::Cancelled, "dropped")
    );
    let mut sent = record(escalate());
    lost(&mut sent, at(1));
    decided(&mut sent, Decision::Drop, &at(2)).unwrap();
    assert!(sent.entry.outcome.contains("may have arrived"));
}

#[test]
fn retrying_what_is_under_way_does_not_shorten_the_wait_for_its_request() {
    let mut record = record(note());
    begun(&mut record, &at(1), TOTAL, &T);
    decided(&mut record, Decision::Retry, &at(2)).unwrap();
    assert!(matches!(next(&record, &at(25), &T), Next::Wait(_)));
}

#[test]
fn one_that_asks_holds_up_nobody_and_one_in_grace_holds_up_no_page() {
    let mut asking = record(escalate());
    settle(&mut asking, State::NeedsDecision, "?");
    assert!(!asking.holds_up(&record(note()), &at(1)));
    let mut graced = record(note());
    graced.facts.not_before = Some(at(5));
    assert!(graced.in_grace(&at(4)) && !graced.in_grace(&at(5)));
    assert!(!graced.holds_up(&record(escalate()), &at(4)));
    assert!(graced.holds_up(&record(note()), &at(4)), "notes keep their order");
    assert!(graced.holds_up(&record(escalate()), &at(5)));
}

#[test]
fn unrelated_acts_have_lanes_of_their_own() {
    let marker = Marker::from_bits(1);
    let lane = |payload: &Payload| payload.lane(&marker);
    assert_eq!(lane(&note()), lane(&escalate()));
    assert_ne!(lane(&note()), lane(&ack_silence()));
    assert_ne!(
        annotation().lane(&marker),
        annotation().lane(&Marker::from_bits(2))
    );
}
