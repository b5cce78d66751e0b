//! Nudges: what an open incident waits for, as timers. They name no key; the view knows which one answers.
//!
//! Etiquette of incident response as the field has it: an update every quarter of an hour, something done every
//! half hour, an acknowledgement before the level's delay is over. Start at [`nudges`].

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{AssignedVia, DueWhat, Incident, Level, Status, Urgency};
use crate::domain::timeline::reading::length_in_words;
use crate::domain::timeline::{Delivery, Event, EventKind, Timeline, is_void};
use crate::time::after;

/// How long an incident may go without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A status update or a note.
    pub update: Duration,
    /// Anything that a person does, or a change of status.
    pub progress: Duration,
    /// An acknowledgement: the delay of the present level, where it is known.
    pub level: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            update: Duration::from_secs(15 * 60),
            progress: Duration::from_secs(30 * 60),
            level: None,
        }
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NudgeKind {
    /// Somebody to take it: acknowledge, or escalate.
    Unacknowledged,
    /// Somebody to tell how it stands: status update or note.
    UpdateDue,
    /// Anybody to do anything: note, escalate, ask for help.
    NoProgress,
}

/// Whether a timer has run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overdue {
    /// It has.
    Yes,
    /// Not yet.
    No,
}

/// One timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nudge {
    /// What is waited for.
    pub kind: NudgeKind,
    /// Until when.
    pub due: DateTime<Utc>,
    /// Whether that is over.
    pub overdue: Overdue,
    /// In words, as of now: `update due in 4 min`.
    pub words: String,
}

/// The timers of an incident, what is overdue first, then the soonest. None where it is over.
pub fn nudges(
    incident: &Incident,
    timeline: &Timeline,
    patience: &Patience,
    now: DateTime<Utc>,
) -> Vec<Nudge> {
    if !incident.status.is_open() || incident.merged_into.is_some() {
        return Vec::new();
    }
    let timers = if incident.status == Status::Triggered {
        [unacknowledged(incident, timeline, patience, now), None]
    } else {
        [
            Some(update_due(incident, timeline, patience, now)),
            no_progress(incident, timeline, patience, now),
        ]
    };
    let mut timers: Vec<Nudge> = timers.into_iter().flatten().collect();
    timers.sort_by_key(|nudge| (nudge.overdue == Overdue::No, nudge.due, nudge.kind));
    timers
}

/// The newest of these moments in the story that is not void and not ahead of now.
fn last(timeline: &Timeline, now: DateTime<Utc>, wanted: impl Fn(&Event) -> bool) -> Option<DateTime<Utc>> {
    let mut newest_first = timeline.events.iter().rev();
    newest_first
        .find(|event| event.at <= now && !is_void(event) && wanted(event))
        .map(|event| event.at)
}

/// How long until then, or since: `(Overdue::No, "4 min")`.
pub fn distance(due: DateTime<Utc>, now: DateTime<Utc>) -> (Overdue, String) {
    match (due - now).to_std() {
        Ok(left) if !left.is_zero() => (Overdue::No, length_in_words(left)),
        Ok(_) | Err(_) => (
            Overdue::Yes,
            length_in_words((now - due).to_std().unwrap_or_default()),
        ),
    }
}

fn unacknowledged(
    incident: &Incident,
    timeline: &Timeline,
    patience: &Patience,
    now: DateTime<Utc>,
) -> Option<Nudge> {
    let escalates = incident.due.iter().find(|due| due.what == DueWhat::Escalate);
    let woken = last(timeline, now, |event| {
        // What is still on its way, or only asked about, has woken nobody yet.
        matches!(event.delivery, Delivery::Local | Delivery::Confirmed)
            && matches!(
                event.kind,
                EventKind::Triggered | EventKind::Escalated | EventKind::Assigned | EventKind::Unacknowledged
            )
    });
    let since = woken.unwrap_or(incident.created_at).max(incident.created_at);
    let due = match (escalates, patience.level) {
        (Some(due), _) => due.at,
        // It paged nobody: nobody is late in taking it.
        (None, _) if incident.urgency == Some(Urgency::Low) => return None,
        (None, Some(delay)) => after(since, delay),
        (None, None) => return None,
    };
    let (overdue, distance) = distance(due, now);
    let level = match &incident.level {
        Level::Known(level) => format!("level {level}"),
        Level::OneOf(_) | Level::Unknown => "this level".to_owned(),
    };
    let words = match (overdue, escalates.is_some(), incident.assigned_via) {
        (Overdue::No, true, _) => format!("unacknowledged, escalates by itself in {distance}"),
        (Overdue::No, false, AssignedVia::Policy) => {
            format!("unacknowledged, {level} has {distance} left")
        }
        (Overdue::No, false, AssignedVia::Direct) => {
            format!("unacknowledged, will not escalate by itself; {distance} left")
        }
        (Overdue::Yes, _, AssignedVia::Policy) => {
            format!("unacknowledged {distance} past the delay of {level}")
        }
        (Overdue::Yes, _, AssignedVia::Direct) => {
            format!("unacknowledged {distance} past the delay, and it will not escalate by itself")
        }
    };
    Some(Nudge {
        kind: NudgeKind::Unacknowledged,
        due,
        overdue,
        words,
    })
}

fn update_due(incident: &Incident, timeline: &Timeline, patience: &Patience, now: DateTime<Utc>) -> Nudge {
    let told = last(timeline, now, |event| {
        matches!(event.kind, EventKind::StatusUpdate | EventKind::Note)
    });
    // who has just taken it has not been silent since it began
    let begun = incident.acknowledged_at.unwrap_or(incident.created_at);
    let due = after(told.map_or(begun, |told| told.max(begun)), patience.update);
    let (overdue, distance) = distance(due, now);
    let words = match overdue {
        Overdue::No => format!("update due in {distance}"),
        Overdue::Yes => format!("update overdue by {distance}"),
    };
    Nudge {
        kind: NudgeKind::UpdateDue,
        due,
        overdue,
        words,
    }
}

/// Said only once half of the patience is gone: until then the other timer is enough.
fn no_progress(
    incident: &Incident,
    timeline: &Timeline,
    patience: &Patience,
    now: DateTime<Utc>,
) -> Option<Nudge> {
    let done = last(timeline, now, |event| event.kind.is_by_people());
    let moved = done
        .map_or(incident.changed_at, |done| done.max(incident.changed_at))
        .min(now);
    let due = after(moved, patience.progress);
    let (overdue, _) = distance(due, now);
    let still = (now - moved).to_std().unwrap_or_default();
    (still >= patience.progress / 2).then(|| Nudge {
        kind: NudgeKind::NoProgress,
        due,
        overdue,
        words: format!("no progress for {}", length_in_words(still)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::incident;
    use super::super::{Due, DueWhat};
    use super::*;
    use crate::domain::timeline::sample::{at, ours, story, told};

    fn words(incident: &Incident, events: Vec<crate::domain::timeline::Event>, seconds: i64) -> Vec<String> {
        let patience = Patience {
            level: Some(Duration::from_secs(300)),
            ..Patience::default()
        };
        nudges(incident, &story(events), &patience, at(seconds))
            .into_iter()
            .map(|nudge| nudge.words)
            .collect()
    }

    #[test]
    fn an_update_is_due_a_quarter_of_an_hour_after_the_last_or_after_it_was_taken() {
        let open = incident("Q1", Status::Acknowledged);
        assert_eq!(words(&open, Vec::new(), 90 + 600), ["update due in 5 min"]);
        let update = told("R1", 600, EventKind::StatusUpdate, "Mara", "mending");
        assert_eq!(words(&open, vec![update.clone()], 900), ["update due in 10 min"]);
        let void = ours(
            Delivery::Cancelled,
            told("o", 800, EventKind::Note, "Mara", "taken back"),
        );
        assert_eq!(words(&open, vec![update, void], 900), ["update due in 10 min"]);
        let pending = ours(Delivery::Pending, told("o", 840, EventKind::Note, "Mara", "x"));
        assert_eq!(
            words(&open, vec![pending], 900),
            ["update due in 14 min"],
            "it was written"
        );
    }

    #[test]
    fn what_is_overdue_comes_first_and_says_by_how_much() {
        let open = incident("Q1", Status::Identified);
        let note = told("R1", 1_500, EventKind::Note, "Mara", "x");
        assert_eq!(
            words(&open, vec![note], 1_500 + 1_860),
            ["update overdue by 16 min", "no progress for 31 min"]
        );
        let assigned = told("R2", 3_000, EventKind::Assigned, "Mara", "Jun helps");
        assert_eq!(words(&open, vec![assigned], 3_360), ["update overdue by 39 min"]);
    }

    #[test]
    fn a_page_that_nobody_took_counts_down_to_the_next_level() {
        let mut page = incident("Q1", Status::Triggered);
        assert_eq!(
            words(&page, Vec::new(), 60),
            ["unacknowledged, level 1 has 4 min left"]
        );
        assert_eq!(
            words(&page, Vec::new(), 420),
            ["unacknowledged 2 min past the delay of level 1"]
        );
        let escalated = told("R1", 300, EventKind::Escalated, "", "level 2");
        for unsure in [Delivery::NeedsDecision, Delivery::Pending, Delivery::Sending] {
            assert_eq!(
                words(&page, vec![ours(unsure, escalated.clone())], 420),
                ["unacknowledged 2 min past the delay of level 1"],
                "{unsure:?}: nobody was woken by it"
            );
        }
        page.level = Level::Known(2);
        assert_eq!(
            words(&page, vec![escalated], 420),
            ["unacknowledged, level 2 has 3 min left"]
        );
        page.due = vec![Due {
            what: DueWhat::Escalate,
            at: at(600),
        }];
        assert_eq!(
            words(&page, Vec::new(), 420),
            ["unacknowledged, escalates by itself in 3 min"]
        );
        page.due.clear();
        page.assigned_via = AssignedVia::Direct;
        assert_eq!(
            words(&page, Vec::new(), 420),
            ["unacknowledged 2 min past the delay, and it will not escalate by itself"]
        );
        page.urgency = Some(Urgency::Low);
        assert!(words(&page, Vec::new(), 420).is_empty(), "it paged nobody");
    }

    #[test]
    fn what_is_over_asks_for_nothing_and_no_clock_makes_it_panic() {
        assert!(words(&incident("Q1", Status::Resolved), Vec::new(), 90_000).is_empty());
        let open = incident("Q1", Status::Acknowledged);
        let patience = Patience {
            update: Duration::MAX,
            progress: Duration::MAX,
            level: None,
        };
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, at(0)] {
            let _ = nudges(&open, &story(Vec::new()), &patience, now);
        }
        let triggered = incident("Q1", Status::Triggered);
        assert!(
            nudges(&triggered, &story(Vec::new()), &patience, at(9)).is_empty(),
            "no delay is known"
        );
    }
}
