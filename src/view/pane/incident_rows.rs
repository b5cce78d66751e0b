//! The cells of the incident pane's rows, and the words for where an incident stands.

use chrono::{DateTime, Utc};

use super::standing;
use crate::app::acts::{Act, PendingAct, Stage};
use crate::app::still::SECONDS_BELOW;
use crate::domain::incident::{AssignedVia, DueWhat, Incident, Level, Person, Status, Urgency, Verb};
use crate::domain::oneself::YOU;
use crate::outbox::{Payload, State};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::widget::columns::{Align, Column, Width, column, flex};
use crate::view::widget::{Piece, words};
use crate::view::{Scene, figures};

/// Columns, the least important dropped first; the widths do not depend on what is in them.
const COLUMNS: [Column; 9] = [
    column("status", flex(9, 13, 1), Align::Left, 0),
    column("number", Width::Fixed(7), Align::Left, 1),
    column("sev", Width::Fixed(5), Align::Left, 0),
    column("incident", flex(12, 60, 5), Align::Left, 0),
    column("service", flex(8, 16, 1), Align::Left, 5),
    column("with", flex(6, 16, 2), Align::Left, 2),
    column("age", Width::Fixed(4), Align::Right, 0),
    column("level", Width::Fixed(6), Align::Left, 4),
    column("next", flex(14, 18, 1), Align::Left, 3),
];

/// The columns for a width: where there is room, a title is worth more than a level.
pub(super) fn columns_for(width: u16) -> [Column; 9] {
    let mut columns = COLUMNS;
    if width >= 50 {
        // `investigating`.
        columns[0].width = Width::Fixed(13);
    }
    if width >= 60 {
        columns[3].width = flex(20, 60, 5);
    }
    columns
}

/// An incident's cells.
pub(super) fn cells<'a>(scene: Scene, incident: &'a Incident) -> Vec<Vec<Piece<'a>>> {
    let now = scene.still.utc;
    let service = incident.service.as_ref().map_or("", |service| &service.name);
    let ended = incident.resolved_at.filter(|_| !incident.status.is_open());
    let age = figures::since(incident.created_at, ended.unwrap_or(now));
    vec![
        vec![pending(scene, incident).unwrap_or_else(|| status(incident.status))],
        vec![Piece::own(number(incident), Role::TextMuted)],
        severity(incident),
        vec![Piece::safe(SafeText::line(&incident.title), Role::Text)],
        vec![Piece::safe(SafeText::line(service), Role::TextMuted)],
        with(scene, incident),
        vec![Piece::own(figures::row_age(age), Role::TextMuted)],
        vec![level(&incident.level)],
        next_due(incident, now).into_iter().collect(),
    ]
}

/// `#4711`, `local-7`.
pub(in crate::view) fn number(incident: &Incident) -> String {
    match incident.number {
        Some(number) => format!("#{number}"),
        None => SafeText::line(&incident.id.0).into_string(),
    }
}

/// A status's word on screen, and its role.
pub(in crate::view) fn status(status: Status) -> Piece<'static> {
    match status {
        Status::Triggered => Piece::word("TRIGGERED", Role::SeverityCritical),
        Status::Acknowledged => Piece::word("acked", Role::AckOther),
        Status::Investigating => Piece::word("investigating", Role::AckOther),
        Status::Identified => Piece::word("identified", Role::AckOther),
        Status::Monitoring => Piece::word("monitoring", Role::StateOk),
        Status::Resolved => Piece::word("resolved", Role::TextDim),
    }
}

/// Whether an act leaves the status as it is: then the status is worth more than the act, which the bar tells of.
fn keeps_status(verb: Verb) -> bool {
    match verb {
        Verb::Note | Verb::StatusUpdate | Verb::Page | Verb::Priority | Verb::Assign => true,
        Verb::Acknowledge
        | Verb::Resolve
        | Verb::Escalate
        | Verb::Reassign
        | Verb::Snooze
        | Verb::Merge
        | Verb::Advance => false,
    }
}

/// What is under way on an incident, or asks: in place of its status.
pub(in crate::view) fn pending(scene: Scene, incident: &Incident) -> Option<Piece<'static>> {
    let acts = &scene.model.acts;
    let shows = |act: &&PendingAct| match &act.act {
        Act::Incident { act: what, .. } => {
            !keeps_status(what.verb()) || matches!(act.stage, Stage::Unsaved { .. })
        }
        Act::Acknowledge { .. }
        | Act::HandBack { .. }
        | Act::Silence(_)
        | Act::Extend { .. }
        | Act::Expire { .. }
        | Act::Renew(_)
        | Act::Annotate(_)
        | Act::Declare(_) => true,
    };
    if let Some(act) = acts.all_on_incident(&incident.id).find(shows) {
        return Some(match act.stage {
            Stage::Unsaved { .. } => Piece::word("NOT SAVED", Role::StateFailed),
            Stage::Sent { .. } if act.is_saving() => Piece::word("saving…", Role::StateBusy),
            Stage::Sent { .. } | Stage::TakingBack { .. } | Stage::Grace { .. } | Stage::Confirmed { .. } => {
                Piece::word(act.word(), Role::StateBusy)
            }
        });
    }
    let entry = scene.model.outbox.open().find(
        |entry| matches!(&entry.payload, Payload::Incident { incident: id, act, .. } if *id == incident.id && !keeps_status(act.verb())),
    )?;
    let Payload::Incident { act, .. } = &entry.payload else {
        return None;
    };
    Some(if entry.state == State::NeedsDecision {
        Piece::own(format!("asks: {}", act.verb().word()), Role::StateStale)
    } else {
        Piece::word(act.verb().pending_word(), Role::StateBusy)
    })
}

/// Severity in four cells, and `↓` where it pages nobody.
fn severity(incident: &Incident) -> Vec<Piece<'static>> {
    let role = match incident.severity.as_deref() {
        Some("SEV1" | "P1") => Role::SeverityCritical,
        Some("SEV2" | "P2") => Role::SeverityWarning,
        Some(_) => Role::Text,
        None => Role::TextMuted,
    };
    let word = match &incident.severity {
        Some(severity) => SafeText::line(severity).as_str().chars().take(4).collect(),
        None => "–".to_owned(),
    };
    let mut pieces = vec![Piece::own(word, role)];
    if incident.urgency == Some(Urgency::Low) {
        pieces.push(Piece::word("↓", Role::TextMuted));
    }
    pieces
}

/// A person as a row names them.
pub(in crate::view) fn who(scene: Scene, person: &Person) -> String {
    if scene.us.are_person(person) {
        return YOU.to_owned();
    }
    standing::person(scene, &person.name)
}

/// Who has it; `!` where it was given by hand and will not escalate by itself.
fn with(scene: Scene, incident: &Incident) -> Vec<Piece<'static>> {
    let Some(first) = incident.assignees.first() else {
        let role = if incident.status == Status::Triggered {
            Role::SeverityCritical
        } else {
            Role::TextMuted
        };
        return vec![Piece::word("nobody", role)];
    };
    let mut pieces = Vec::new();
    if incident.assigned_via == AssignedVia::Direct && incident.status.is_open() {
        pieces.push(Piece::word("!", Role::StateStale));
    }
    let first = who(scene, first);
    let role = if first == YOU { Role::AckMine } else { Role::Text };
    pieces.push(Piece::own(first, role));
    let more = incident.assignees.len() - 1;
    if more > 0 {
        pieces.push(Piece::own(format!(" +{more}"), Role::TextMuted));
    }
    pieces
}

/// `L2`, `L1|3?`, `L?`.
pub(in crate::view) fn level(level: &Level) -> Piece<'static> {
    match level {
        Level::Known(level) => Piece::own(format!("L{level}"), Role::TextMuted),
        Level::OneOf(levels) => {
            let levels: Vec<String> = levels.iter().map(u32::to_string).collect();
            Piece::own(format!("L{}?", levels.join("|")), Role::StateStale)
        }
        Level::Unknown => Piece::word("L?", Role::TextDim),
    }
}

/// What will happen by itself soonest: `escalates 4:12`, `ack ends 20m`.
pub(in crate::view) fn next_due(incident: &Incident, now: DateTime<Utc>) -> Option<Piece<'static>> {
    let due = incident.due.iter().min_by_key(|due| due.at)?;
    let left = (due.at - now).to_std().unwrap_or_default();
    let seconds = left.as_secs();
    let clock = if left < SECONDS_BELOW {
        format!("{}:{:02}", seconds / 60, seconds % 60)
    } else {
        words::span(left)
    };
    let (word, role) = match due.what {
        DueWhat::Escalate => ("escalates", Role::SeverityWarning),
        DueWhat::Unacknowledge => ("ack ends", Role::TextMuted),
        DueWhat::Resolve => ("resolves", Role::TextMuted),
        DueWhat::UrgencyChange => ("urgency", Role::TextMuted),
    };
    Some(Piece::own(format!("{word} {clock}"), role))
}

/// Where an incident stands, for a border: `acked mara`, `TRIGGERED → mara`.
pub(in crate::view) fn standing_words(scene: Scene, incident: &Incident) -> Vec<Piece<'static>> {
    if let Some(pending) = pending(scene, incident) {
        return vec![pending];
    }
    let mut pieces = vec![status(incident.status)];
    let holder = match incident.status {
        Status::Acknowledged => incident.acknowledgements.last().map(|(person, _)| person),
        Status::Triggered
        | Status::Investigating
        | Status::Identified
        | Status::Monitoring
        | Status::Resolved => None,
    };
    if let Some(person) = holder.or_else(|| incident.assignees.first()) {
        let arrow = if incident.status == Status::Triggered {
            " → "
        } else {
            " "
        };
        pieces.push(Piece::word(arrow, Role::TextMuted));
        pieces.push(Piece::own(who(scene, person), Role::Text));
    }
    pieces
}
