//! Timers of an open incident, each with the action that answers it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::action::Action;
use crate::domain::incident::{Incident, Status};
use crate::domain::timeline::{EventKind, Timeline};
use crate::view::Scene;
use crate::view::widget::words;

/// One timer.
pub(super) struct Nudge {
    pub words: String,
    pub overdue: bool,
    pub answer: Action,
}

/// What an incident waits for, the most pressing first.
pub(super) fn of(scene: Scene, incident: &Incident, timeline: &Timeline) -> Vec<Nudge> {
    let now = scene.still.utc;
    let settings = &scene.model.settings;
    if !incident.status.is_open() {
        return Vec::new();
    }
    if incident.status == Status::Triggered {
        let age = words::span((now - incident.created_at).to_std().unwrap_or_default());
        return vec![Nudge {
            words: format!("unacknowledged for {age}"),
            overdue: true,
            answer: Action::TakeIncident,
        }];
    }
    let begun = incident.acknowledged_at.unwrap_or(incident.created_at);
    let last = |wanted: fn(EventKind) -> bool| {
        let mut newest_first = timeline.events.iter().rev();
        newest_first
            .find(|event| event.at <= now && wanted(event.kind))
            .map_or(begun, |event| event.at.max(begun))
    };
    let told = last(|kind| matches!(kind, EventKind::Note | EventKind::StatusUpdate));
    let due = after(told, settings.update_due);
    let update = match (due - now).to_std() {
        Ok(left) if !left.is_zero() => format!("update due in {}", words::span(left)),
        Ok(_) | Err(_) => format!(
            "update overdue by {}",
            words::span((now - due).to_std().unwrap_or_default())
        ),
    };
    vec![Nudge {
        words: update,
        overdue: due <= now,
        answer: Action::StatusUpdate,
    }]
}

fn after(moment: DateTime<Utc>, patience: std::time::Duration) -> DateTime<Utc> {
    let patience = TimeDelta::from_std(patience).unwrap_or(TimeDelta::MAX);
    moment
        .checked_add_signed(patience)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
