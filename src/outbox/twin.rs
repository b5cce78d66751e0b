//! Whether an escalation would page people again whom another one has just paged: two consoles, or a console and
//! a command, that do not know of each other.
//!
//! Every process of this host keeps its acts in one journal: that is where the other one stands. What other hosts
//! do is for the look at the incident. Pure; start at [`question`].

use super::State;
use super::record::{Consent, Record, Timings};

/// What is asked before an escalation is sent for the first time; nothing where no other is in its way. `others`
/// are the escalations of the same incident, whoever made them. One that whoever asked had in sight is in nobody's
/// way: they want it once more.
pub fn question(record: &Record, others: &[Record], timings: &Timings) -> Option<String> {
    let (_, _, to) = record.entry.payload.escalation()?;
    if record.facts.consent == Consent::Send || record.facts.requested.is_some() {
        return None;
    }
    let known = record.entry.payload.escalation_in_sight();
    let news = others.iter().filter(|other| Some(other.entry.id) > known);
    let (other, level, at) = news
        .filter(|other| other.entry.id != record.entry.id && other.entry.state != State::Failed)
        .filter_map(|other| {
            let (_, _, level) = other.entry.payload.escalation()?;
            Some((other, level, other.facts.requested?))
        })
        .filter(|(_, level, at)| *level >= to && record.facts.created.since(at) <= timings.same_page)
        .max_by_key(|(other, ..)| other.entry.id)?;
    let done = match other.entry.state {
        State::Confirmed => "escalated",
        State::Sending => "being escalated",
        State::Pending | State::NeedsDecision | State::Cancelled | State::Failed => "perhaps escalated",
    };
    Some(format!(
        "{done} to level {level} by {} at {} UTC: escalate again?",
        other.entry.actor,
        at.utc.format("%H:%M:%S")
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;
    use crate::backend::incidents::Seen;
    use crate::domain::alert::ack::Marker;
    use crate::domain::incident::{IncidentAct, Status};
    use crate::outbox::record::Facts;
    use crate::outbox::{Entry, EntryId, Payload, Sight};
    use crate::time::{BootId, Stamp};

    fn at(seconds: u64) -> Stamp {
        Stamp {
            utc: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
            boot: BootId(1),
            boot_ms: 1_000_000,
        }
        .later(Duration::from_secs(seconds))
    }

    /// Asked for at that second, to that level.
    fn escalation(id: i64, actor: &str, to: u32, asked: u64) -> Record {
        Record {
            entry: Entry {
                id: EntryId(id),
                context: "prod".into(),
                created_at: at(asked).utc,
                actor: actor.into(),
                marker: Marker::from_bits(id.unsigned_abs()),
                payload: Payload::Incident {
                    incident: "Q1".into(),
                    act: IncidentAct::Escalate { to },
                    seen: Seen {
                        status: Status::Triggered,
                        changed_at: at(0).utc,
                        escalation: None,
                    },
                    label: "#1".into(),
                },
                state: State::Pending,
                attempts: 0,
                last_error: None,
                next_attempt_at: None,
                outcome: "".into(),
                remote_ids: Vec::new(),
            },
            facts: Facts {
                created: at(asked),
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

    fn sent(record: Record, state: State, second: u64) -> Record {
        let mut record = record;
        record.entry.state = state;
        record.facts.requested = Some(at(second));
        record
    }

    fn asks(record: &Record, other: Record) -> Option<String> {
        question(record, &[other], &Timings::default())
    }

    #[test]
    fn one_that_was_sent_by_another_process_a_moment_ago_is_asked_about() {
        let ours = escalation(2, "jun", 2, 100);
        let theirs = |state, second| sent(escalation(1, "mara", 2, 90), state, second);
        let words = asks(&ours, theirs(State::Confirmed, 90)).unwrap();
        assert!(
            words.starts_with("escalated to level 2 by mara at ") && words.ends_with("UTC: escalate again?"),
            "{words}"
        );
        for (state, begin) in [
            (State::Sending, "being escalated"),
            (State::NeedsDecision, "perhaps escalated"),
            (State::Cancelled, "perhaps escalated"),
        ] {
            assert!(asks(&ours, theirs(state, 95)).unwrap().starts_with(begin));
        }
        let later = sent(escalation(3, "mara", 3, 101), State::Sending, 102);
        assert!(
            asks(&ours, later).is_some(),
            "also where it came after, or goes further"
        );
    }

    #[test]
    fn one_that_woke_nobody_or_others_or_long_ago_is_in_nobodys_way() {
        let ours = escalation(2, "jun", 2, 100);
        let untouched = escalation(1, "mara", 2, 90);
        assert_eq!(
            asks(&ours, untouched.clone()),
            None,
            "not sent yet: whoever is first sends"
        );
        assert_eq!(asks(&ours, sent(untouched.clone(), State::Failed, 90)), None);
        assert_eq!(
            asks(&ours, sent(untouched, State::Confirmed, 39)),
            None,
            "a minute ago"
        );
        let lower = sent(escalation(1, "mara", 1, 90), State::Confirmed, 90);
        assert_eq!(asks(&ours, lower), None);
    }

    #[test]
    fn who_had_the_other_in_sight_or_has_said_yes_is_not_asked() {
        let other = || sent(escalation(1, "jun", 2, 90), State::Confirmed, 90);
        let mut again = escalation(2, "jun", 2, 100);
        if let Payload::Incident { seen, .. } = &mut again.entry.payload {
            seen.escalation = Some(EntryId(1));
        }
        assert_eq!(asks(&again, other()), None);
        let unseen = sent(escalation(3, "mara", 2, 99), State::Confirmed, 99);
        assert!(asks(&again, unseen).is_some(), "but another that came since");
        let mut wanted = escalation(2, "jun", 2, 100);
        wanted.facts.consent = Consent::Send;
        assert_eq!(asks(&wanted, other()), None);
    }
}
