//! What is asked before an act on an incident goes out, and the short lists that some begin with.
//!
//! It says who is woken, what is taken away and what cannot be undone; it sends nothing. Start at [`question`].

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Local, NaiveTime, TimeDelta, Utc};

use super::guard::word;
use super::pick;
use crate::app::acts::Act;
use crate::app::incidents::{called, label};
use crate::app::modal::{Choice, Confirm, ConfirmLine, MenuItem, Then};
use crate::app::{Model, Zone};
use crate::backend::incidents::Seen;
use crate::domain::alert::plan::counted;
use crate::domain::alert::{AlertState, Standing};
use crate::domain::incident::{AssignedVia, Incident, IncidentAct, IncidentId, Role, Status};
use crate::domain::timeline::reading::length_in_words;
use crate::outbox::EntryId;
use crate::text::SafeText;
use crate::time::Now;

/// Where an incident stands, in words: `acknowledged, Mara`.
pub(super) fn standing(model: &Model, incident: &Incident) -> String {
    let us = model.us();
    let mut words = incident.status.word().to_owned();
    for person in &incident.assignees {
        words.push_str(", ");
        words.push_str(SafeText::line(us.person(person)).as_str());
    }
    words
}

/// An act as it is handed over, with how the incident stands now.
pub(super) fn order(model: &Model, incident: &Incident, act: IncidentAct) -> Act {
    Act::Incident {
        incident: incident.id.clone(),
        act,
        seen: Seen {
            status: incident.status,
            changed_at: incident.changed_at,
            escalation: last_escalation(model, &incident.id),
        },
        label: label(incident).into(),
    }
}

/// The newest escalation of an incident that the outbox shows, whoever made it.
pub(super) fn last_escalation(model: &Model, id: &IncidentId) -> Option<EntryId> {
    let entries = model.outbox.entries.iter();
    let of_it = entries.filter(|entry| {
        let escalation = entry.payload.escalation();
        escalation.is_some_and(|(incident, ..)| incident == id)
    });
    of_it.map(|entry| entry.id).max()
}

/// What is asked before an act goes out; nothing where it may go at one key.
pub(super) fn question(model: &Model, incident: &Incident, act: &IncidentAct) -> Option<Confirm> {
    // A title that is too long loses its end, so that what is done stands before the name.
    let name = label(incident);
    let us = model.us();
    let warn = |text: String| ConfirmLine::Warning(text);
    let (title, lines) = match act {
        IncidentAct::Acknowledge
        | IncidentAct::Snooze { .. }
        | IncidentAct::Priority { .. }
        | IncidentAct::StatusUpdate { .. }
        | IncidentAct::Note { .. }
        | IncidentAct::Advance { .. }
        | IncidentAct::Assign { .. } => return None,
        IncidentAct::Resolve { .. } => (format!("Resolve {name}?"), resolve_lines(model, incident)),
        IncidentAct::Escalate { to } => (
            format!("Escalate to level {to}: {name}?"),
            escalate_lines(model, incident, *to),
        ),
        IncidentAct::ReassignTo { people } => (
            format!("Reassign to {}: {name}?", pick::names(&us, people)),
            vec![
                warn(format!("wakes {}", pick::names(&us, people))),
                warn("it will not escalate by itself from then on".to_owned()),
                ConfirmLine::Plain(standing(model, incident)),
            ],
        ),
        IncidentAct::ReassignPolicy { policy } => {
            let first = match &model.incidents.directory {
                Some(Ok(directory)) => directory.policies.iter().find(|(p, _)| p.id == policy.id),
                Some(Err(_)) | None => None,
            };
            let pages = match first {
                Some((_, people)) if people.is_empty() => {
                    "starts at level 1, where nobody is on call".to_owned()
                }
                Some((_, people)) => format!("starts at level 1, pages {}", pick::names(&us, people)),
                None => "starts at level 1, pages whoever is on call there".to_owned(),
            };
            (
                format!("Reassign to policy {}: {name}?", SafeText::line(&policy.name)),
                vec![warn(pages), ConfirmLine::Plain(standing(model, incident))],
            )
        }
        IncidentAct::Page { people, .. } => (
            format!("Page {} for {name}?", pick::names(&us, people)),
            vec![warn(format!("wakes {}", pick::names(&us, people)))],
        ),
        IncidentAct::Merge { from } => (
            format!("Merge {} into {name}?", counted(from.len(), "incident")),
            merge_lines(model, from),
        ),
    };
    let mut typed = Vec::new();
    if model.settings.danger && act.verb().is_dangerous() {
        typed.push(word("the context's name", model.settings.context.clone()));
    }
    Some(Confirm {
        title,
        lines,
        typed,
        then: Then::Act(order(model, incident, act.clone())),
        hits: BTreeSet::new(),
        scroll: 0,
    })
}

fn resolve_lines(model: &Model, incident: &Incident) -> Vec<ConfirmLine> {
    let firing = model.alerts_of(&incident.id).into_iter();
    // What is linked by its service alone may well go on.
    let firing = firing.filter(|(_, by)| by.is_sure()).map(|(alert, _)| alert);
    let firing =
        firing.filter(|alert| alert.state != AlertState::Suppressed && alert.standing() != Standing::Over);
    firing
        .map(|alert| ConfirmLine::Warning(format!("still fires: {}", super::alerts::describe(alert))))
        .chain(std::iter::once(ConfirmLine::Plain(standing(model, incident))))
        .collect()
}

fn escalate_lines(model: &Model, incident: &Incident, to: u32) -> Vec<ConfirmLine> {
    let ladder = match &model.incidents.ladder {
        Some((of, ladder, _)) if *of == incident.id => Some(ladder),
        Some(_) | None => None,
    };
    let us = model.us();
    let mut lines = Vec::new();
    if let Some(rung) = ladder.and_then(|ladder| ladder.rung(to)) {
        lines.push(ConfirmLine::Warning(format!(
            "wakes {}",
            pick::names(&us, &rung.people)
        )));
    }
    if incident.status == Status::Acknowledged {
        lines.push(ConfirmLine::Warning(match incident.acknowledgements.last() {
            Some((person, _)) if us.are_person(person) => "takes your acknowledgement away".to_owned(),
            Some((person, _)) => format!("takes the acknowledgement of {} away", called(person)),
            None => "takes the acknowledgement of whoever has it away".to_owned(),
        }));
    }
    let current = ladder.map_or(&incident.level, |ladder| &ladder.current);
    match current.known() {
        Some(level) if level == to => {
            lines.push(ConfirmLine::Warning(format!(
                "it is at level {to} now: pages again"
            )));
        }
        Some(level) if level > to => lines.push(ConfirmLine::Warning(format!(
            "back down: it is at level {level} now"
        ))),
        Some(level) => lines.push(ConfirmLine::Plain(format!("it is at level {level} now"))),
        None => lines.push(ConfirmLine::Warning(format!("it is at {} now", current.words()))),
    }
    if incident.assigned_via == AssignedVia::Direct {
        lines.push(ConfirmLine::Plain(
            "it was given to somebody by hand: this puts it back on its policy".to_owned(),
        ));
    }
    lines
}

fn merge_lines(model: &Model, from: &[IncidentId]) -> Vec<ConfirmLine> {
    let names = from.iter().map(|id| {
        let incident = model.incidents.incident(id);
        ConfirmLine::Plain(incident.map_or_else(
            || format!("{}, listed no more", SafeText::line(&id.0)),
            |incident| format!("{} · {}", label(incident), standing(model, incident)),
        ))
    });
    let warning = "cannot be undone: these end, and their alerts move over";
    std::iter::once(ConfirmLine::Warning(warning.to_owned()))
        .chain(names)
        .collect()
}

/// How long an incident may rest, by key.
pub(super) fn snoozes(id: &IncidentId, zone: Zone, now: Now) -> Vec<MenuItem> {
    let item = |key, label: String, length| MenuItem {
        key,
        label,
        choice: Choice::Incident {
            incident: id.clone(),
            act: IncidentAct::Snooze { length },
        },
    };
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let morning = till_morning(zone, now.utc);
    let clock = match zone {
        Zone::Utc => "09:00Z",
        Zone::Local => "09:00",
    };
    vec![
        item('1', "1 hour".to_owned(), hours(1)),
        item('4', "4 hours".to_owned(), hours(4)),
        item('8', "8 hours".to_owned(), hours(8)),
        item(
            '9',
            format!("till {clock} ({})", length_in_words(morning)),
            morning,
        ),
    ]
}

/// From now to the next nine in the morning, in whole minutes.
fn till_morning(zone: Zone, now: DateTime<Utc>) -> Duration {
    let time = match zone {
        Zone::Utc => now.time(),
        Zone::Local => now.with_timezone(&Local).time(),
    };
    let nine = NaiveTime::from_hms_opt(9, 0, 0).unwrap_or(NaiveTime::MIN);
    let mut left = nine - time;
    if left <= TimeDelta::zero() {
        left += TimeDelta::days(1);
    }
    let minutes = u64::try_from(left.num_minutes()).unwrap_or(0).max(1);
    Duration::from_secs(minutes * 60)
}

/// Where a local incident can go.
pub(super) fn steps(incident: &Incident) -> Vec<MenuItem> {
    [
        ('a', Status::Acknowledged),
        ('i', Status::Investigating),
        ('d', Status::Identified),
        ('m', Status::Monitoring),
    ]
    .into_iter()
    .filter(|(_, to)| *to != incident.status)
    .map(|(key, to)| MenuItem {
        key,
        label: to.word().to_owned(),
        choice: Choice::Incident {
            incident: incident.id.clone(),
            act: IncidentAct::Advance { to },
        },
    })
    .collect()
}

/// What somebody can be.
pub(super) fn roles(id: &IncidentId) -> Vec<MenuItem> {
    let key = |role| match role {
        Role::Commander => 'c',
        Role::TechnicalLead => 't',
        Role::Communications => 'm',
        Role::Scribe => 's',
        Role::Liaison => 'l',
    };
    Role::ALL
        .into_iter()
        .map(|role| MenuItem {
            key: key(role),
            label: role.word().to_owned(),
            choice: Choice::Role {
                incident: id.clone(),
                role,
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    #[test]
    fn nine_in_the_morning_is_the_next_one() {
        let at = |hour, minute| Utc.with_ymd_and_hms(2026, 11, 20, hour, minute, 0).unwrap();
        let hours = |zone, at| till_morning(zone, at).as_secs() as f64 / 3_600.0;
        assert!((hours(Zone::Utc, at(3, 0)) - 6.0).abs() < 1e-9);
        assert!((hours(Zone::Utc, at(9, 0)) - 24.0).abs() < 1e-9);
        assert!((hours(Zone::Utc, at(23, 30)) - 9.5).abs() < 1e-9);
    }
}
