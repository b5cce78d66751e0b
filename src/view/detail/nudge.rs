//! Timers of an open incident, each with the action that answers it.

use std::time::Duration;

use crate::action::Action;
use crate::domain::incident::nudge::{NudgeKind, Overdue, Patience, nudges};
use crate::domain::incident::{Incident, Status};
use crate::domain::timeline::Timeline;
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
    let patience = Patience {
        update: settings.update_due,
        progress: settings.progress_due,
        level: delay(scene, incident),
    };
    let mut timers: Vec<Nudge> = nudges(incident, timeline, &patience, now)
        .into_iter()
        .map(|nudge| Nudge {
            words: nudge.words,
            overdue: nudge.overdue == Overdue::Yes,
            answer: answer(nudge.kind),
        })
        .collect();
    if timers.is_empty() && incident.status == Status::Triggered && incident.merged_into.is_none() {
        // No delay is known to measure against: how long it has rung is said all the same.
        let age = words::span((now - incident.created_at).to_std().unwrap_or_default());
        timers.push(Nudge {
            words: format!("unacknowledged for {age}"),
            overdue: true,
            answer: Action::TakeIncident,
        });
    }
    timers
}

fn answer(kind: NudgeKind) -> Action {
    match kind {
        NudgeKind::Unacknowledged => Action::TakeIncident,
        NudgeKind::UpdateDue => Action::StatusUpdate,
        NudgeKind::NoProgress => Action::Annotate,
    }
}

/// The delay of the level where the incident is, as far as its policy was asked for.
fn delay(scene: Scene, incident: &Incident) -> Option<Duration> {
    let level = incident.level.known()?;
    let board = scene.model.incidents.feed.value()?;
    board.delays.of(&incident.policy.as_ref()?.id, level)
}
