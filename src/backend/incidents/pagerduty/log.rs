//! Log entries and notes as events, and as what they say of the level. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;

use super::level::{Step, StepWhat};
use super::wire::{LogEntry, Note, web};
use crate::domain::alert::ack::{Marker, without_marker};
use crate::domain::timeline::merge::ACT;
use crate::domain::timeline::{Delivery, Event, EventKind, Starred};

/// What events learnt here say as their source.
const SOURCE: &str = "pagerduty";
/// A note and the log's line of it are written within this time of each other.
const SAME_NOTE: TimeDelta = TimeDelta::seconds(60);

/// What kind of thing an entry tells; the list of types grows, and what is not known keeps its own words.
fn kind_of(step: &str) -> EventKind {
    match step {
        "trigger" => EventKind::Triggered,
        "acknowledge" => EventKind::Acknowledged,
        "unacknowledge" => EventKind::Unacknowledged,
        "assign" | "delegate" => EventKind::Assigned,
        "escalate" | "repeat_escalation_path" => EventKind::Escalated,
        "annotate" => EventKind::Note,
        "resolve" => EventKind::Resolved,
        step if step.contains("status_update") => EventKind::StatusUpdate,
        // exhaust_escalation_path, reach_ack_limit, reach_trigger_limit, notify, snooze, urgency_change,
        // field_value_change, custom_field_value_change, …
        _ => EventKind::Other,
    }
}

/// The name of an act of somebody's that has no kind of its own, by which one of ours is known again.
fn act_of(step: &str) -> Option<&'static str> {
    let begins = |(name, act): (&str, &'static str)| step.starts_with(name).then_some(act);
    [
        ("snooze", "snooze"),
        ("priority", "priority"),
        ("merge", "merge"),
        ("responder_request", "page"),
    ]
    .into_iter()
    .find_map(begins)
}

/// The story: every entry once, every note once, oldest first.
pub(super) fn story(entries: &[LogEntry], notes: &[Note]) -> Vec<Event> {
    let mut told = BTreeSet::new();
    let mut seen = BTreeSet::new();
    // newest first as they come: reversed, those of one second keep their order
    let mut events: Vec<Event> = entries
        .iter()
        .rev()
        .filter(|entry| seen.insert(entry.id.clone()))
        .filter_map(|entry| {
            let note = (kind_of(entry.step()) == EventKind::Note)
                .then(|| note_of(entry, notes, &told))
                .flatten();
            if let Some((index, _)) = note {
                told.insert(index);
            }
            event(entry, note.map(|(_, note)| note))
        })
        .collect();
    events.extend(
        notes
            .iter()
            .enumerate()
            .filter(|(index, _)| !told.contains(index))
            .filter_map(|(_, note)| of_note(note)),
    );
    events.sort_by_key(|event| (event.at, event.kind != EventKind::Triggered));
    events
}

/// The note that an entry tells of: by its id, else by its words and time. Each is taken once.
fn note_of<'a>(entry: &LogEntry, notes: &'a [Note], told: &BTreeSet<usize>) -> Option<(usize, &'a Note)> {
    let free = || {
        notes
            .iter()
            .enumerate()
            .filter(|(index, _)| !told.contains(index))
    };
    let by_id = free().find(|(_, note)| note.id.is_some() && note.id == entry.channel.id);
    by_id.or_else(|| {
        let words = note_words(entry)?;
        free().find(|(_, note)| {
            let near = match (note.created_at, entry.created_at) {
                (Some(theirs), Some(ours)) => (theirs - ours).abs() <= SAME_NOTE,
                (None, _) | (_, None) => false,
            };
            // the log's line may be cut
            let content = note.content.as_deref().unwrap_or_default().trim();
            near && !words.is_empty() && content.starts_with(words.trim_end_matches(['…', '.']).trim())
        })
    })
}

fn note_words(entry: &LogEntry) -> Option<&str> {
    [
        &entry.channel.content,
        &entry.channel.summary,
        &entry.channel.message,
    ]
    .into_iter()
    .find_map(|text| text.as_deref())
    .map(str::trim)
}

/// One entry as an event; `None` without an id or a time.
pub(super) fn event(entry: &LogEntry, note: Option<&Note>) -> Option<Event> {
    let kind = kind_of(entry.step());
    let id = entry.id.clone()?;
    let words = match kind {
        EventKind::Note => note
            .and_then(|note| note.content.as_deref())
            .or_else(|| note_words(entry)),
        EventKind::StatusUpdate => entry
            .message
            .as_deref()
            .or(entry.channel.message.as_deref())
            .or_else(|| note_words(entry)),
        EventKind::AlertFired
        | EventKind::AlertResolved
        | EventKind::AlertGone
        | EventKind::BurnStarted
        | EventKind::BurnStopped
        | EventKind::Triggered
        | EventKind::Acknowledged
        | EventKind::Unacknowledged
        | EventKind::Assigned
        | EventKind::Escalated
        | EventKind::Deploy
        | EventKind::Command
        | EventKind::Silence
        | EventKind::Resolved
        | EventKind::Other => None,
    };
    let words = words.or(entry.summary.as_deref()).unwrap_or_default();
    let said = match words.trim() {
        "" => entry.step().replace('_', " "),
        words => words.to_owned(),
    };
    let mut refs = BTreeMap::from([(Arc::from("log_entry"), Arc::clone(&id))]);
    let mut point = |key: &str, value: Option<Arc<str>>| {
        refs.extend(value.map(|value| (Arc::from(key), value)));
    };
    point("note", note.and_then(|note| note.id.clone()));
    point("marker", Marker::of(&said).map(|marker| marker.digits().into()));
    point("url", web(entry.html_url.as_ref()));
    point(ACT, act_of(entry.step()).map(Arc::from));
    Some(Event {
        id,
        at: entry.created_at?,
        kind,
        actor: entry.agent.label().filter(|_| entry.agent.is("user")),
        source: SOURCE.into(),
        text: without_marker(&said).into(),
        refs,
        delivery: Delivery::Local,
        starred: Starred::No,
    })
}

fn of_note(note: &Note) -> Option<Event> {
    let id = note.id.clone()?;
    let content = note.content.as_deref().unwrap_or_default();
    let mut refs = BTreeMap::from([(Arc::from("note"), Arc::clone(&id))]);
    refs.extend(Marker::of(content).map(|marker| (Arc::from("marker"), marker.digits().into())));
    Some(Event {
        id,
        at: note.created_at?,
        kind: EventKind::Note,
        actor: note.user.label(),
        source: SOURCE.into(),
        text: without_marker(content).into(),
        refs,
        delivery: Delivery::Local,
        starred: Starred::No,
    })
}

/// What a log says of the level, oldest first.
pub(super) fn steps(entries: &[LogEntry]) -> Vec<Step> {
    let mut steps: Vec<Step> = entries
        .iter()
        .filter_map(|entry| {
            let people: Vec<Arc<str>> = entry
                .assignees
                .iter()
                .filter_map(|each| each.id.clone())
                .collect();
            let by_user = entry.agent.is("user") && entry.channel.kind.as_deref() != Some("timeout");
            let what = match entry.step() {
                "trigger" => StepWhat::Triggered,
                "repeat_escalation_path" => StepWhat::Repeated,
                "escalate" if by_user => StepWhat::Chosen(people),
                "escalate" => StepWhat::TimedOut(people),
                "delegate" => StepWhat::Delegated,
                // who acknowledges without being assigned is assigned: that moves no level
                "assign" if by_user && people.iter().all(|id| Some(id) != entry.agent.id.as_ref()) => {
                    StepWhat::Reassigned(people)
                }
                _ => return None,
            };
            Some(Step {
                at: entry.created_at?,
                what,
            })
        })
        .collect();
    // newest first as it comes; entries of one second keep their order
    steps.reverse();
    steps.sort_by_key(|step| step.at);
    steps
}
