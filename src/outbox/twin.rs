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
