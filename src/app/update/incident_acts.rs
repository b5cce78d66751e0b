//! Acts on incidents: what a key means here, what is asked first, and why something cannot be done.
//!
//! Every act is made by [`want`], which refuses in words, asks where it wakes people or cannot be undone, and else
//! sends. An answer holds for the incident as it was shown: one that changed meanwhile is asked about anew.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Local, NaiveTime, TimeDelta, Utc};

use super::guard::word;
use super::incidents::{meant, none_meant};
use super::{busy, pick, say};
use crate::action::Action;
use crate::app::acts::{Act, Stage};
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents::{called, label};
use crate::app::modal::{Choice, Confirm, ConfirmLine, Menu, MenuItem, Modal, PickFor, Then};
use crate::app::toast::Level;
use crate::app::{Effect, Model, Zone};
use crate::backend::incidents::Seen;
use crate::domain::alert::plan::counted;
use crate::domain::alert::{AlertState, Standing};
use crate::domain::incident::offer::offer;
use crate::domain::incident::{AssignedVia, Incident, IncidentAct, IncidentId, Offer, Role, Status, Verb};
use crate::outbox::Payload;
use crate::text::SafeText;
use crate::time::{Now, prometheus_duration};

/// Carries out an acting key.
pub(super) fn act(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    if action == Action::TakeIncident {
        return acknowledge(model, now);
    }
    let Some(incident) = meant(model).cloned() else {
        let why = none_meant(model);
        return say(model, Level::Info, why, now);
    };
    let verb = match action {
        Action::Escalate => Verb::Escalate,
        Action::Resolve => Verb::Resolve,
        Action::Reassign | Action::ReleaseIncident => Verb::Reassign,
        Action::PageSomebody => Verb::Page,
        Action::Snooze => Verb::Snooze,
        Action::MergeIncidents => Verb::Merge,
        Action::SetPriority => Verb::Priority,
        Action::Advance => Verb::Advance,
        Action::AssignRole => Verb::Assign,
        other => return super::incidents::not_here(model, other, now),
    };
    if let Some(why) = refused(model, &incident, verb) {
        return say(model, Level::Warn, why, now);
    }
    match action {
        Action::ReleaseIncident => hand_back(model, &incident),
        Action::Escalate => pick::open(model, &incident, PickFor::Escalate, Vec::new()),
        Action::Reassign => pick::open(model, &incident, PickFor::Reassign, Vec::new()),
        Action::PageSomebody => pick::open(model, &incident, PickFor::Page, Vec::new()),
        Action::SetPriority => pick::open(model, &incident, PickFor::Priority, Vec::new()),
        Action::Snooze => menu(model, "Snooze for", snoozes(&incident.id, model.zone, now)),
        Action::Advance => menu(model, "Advance to", steps(&incident)),
        Action::AssignRole => menu(model, "Who is to be what", roles(&incident.id)),
        Action::MergeIncidents => merge(model, &incident, now),
        _ => {
            let resolution = String::new();
            want(model, &incident.id, IncidentAct::Resolve { resolution }, now)
        }
    }
}

/// Why no act on incidents is taken on at all.
pub(super) fn refusal(model: &Model) -> Option<String> {
    if model.settings.read_only {
        return Some(
            "read-only: this console changes nothing (read_only in the configuration, or --read-only)"
                .to_owned(),
        );
    }
    if let Some(why) = &model.settings.no_journal {
        return Some(format!("nothing can be journaled, so nothing is sent: {why}"));
    }
    busy(model)
}

/// Why an act cannot be done to this incident now.
fn refused(model: &Model, incident: &Incident, verb: Verb) -> Option<String> {
    if let Offer::No(why) = offer(incident, verb) {
        return Some(format!("{}: {why}", label(incident)));
    }
    match verb {
        Verb::Escalate => undelivered_escalation(model, &incident.id),
        Verb::Acknowledge => {
            let under_way = model.acts.pending.iter().any(|pending| {
                pending.concerns(&incident.id)
                    && matches!(
                        &pending.act,
                        Act::Incident {
                            act: IncidentAct::Acknowledge,
                            ..
                        }
                    )
            });
            if under_way {
                return Some("an acknowledgement is under way".to_owned());
            }
            let me = model.incidents.feed.value()?.acting_as.as_ref()?;
            let mut holders = incident.acknowledgements.iter();
            let (_, since) = holders.find(|(person, _)| person.id == me.person.id)?;
            (incident.status == Status::Acknowledged)
                .then(|| format!("you have it since {}Z", since.format("%H:%M")))
        }
        Verb::Resolve
        | Verb::Reassign
        | Verb::Page
        | Verb::Snooze
        | Verb::Merge
        | Verb::Priority
        | Verb::StatusUpdate
        | Verb::Note
        | Verb::Advance
        | Verb::Assign => None,
    }
}

/// Why no second escalation is begun: one of the incident has not been delivered yet.
fn undelivered_escalation(model: &Model, id: &IncidentId) -> Option<String> {
    let pending = model.acts.pending.iter().find_map(|pending| match &pending.act {
        Act::Incident {
            incident,
            act: IncidentAct::Escalate { to },
            ..
        } if incident == id && !matches!(pending.stage, Stage::Confirmed { .. }) => Some(*to),
        _ => None,
    });
    let queued = || {
        model.outbox.open().find_map(|entry| match &entry.payload {
            Payload::Incident {
                incident,
                act: IncidentAct::Escalate { to },
                ..
            } if incident == id => Some(*to),
            _ => None,
        })
    };
    let to = pending.or_else(queued)?;
    let keys = model.keymap.keys_for(Action::OutboxList);
    let key = keys.into_iter().next().unwrap_or_default();
    Some(format!(
        "an escalation to level {to} is not delivered yet; {key} shows it in the outbox"
    ))
}

/// Takes the incident, or all marked ones.
fn acknowledge(model: &mut Model, now: Now) -> Vec<Effect> {
    let in_pane = model.details.is_empty() && model.focus == PaneId::Incident;
    let marked: Vec<Arc<Incident>> = if in_pane {
        let marks = model.incidents.marks.iter();
        marks
            .filter_map(|id| model.incidents.incident(id).cloned())
            .collect()
    } else {
        Vec::new()
    };
    let under_cursor = meant(model).cloned();
    let alone = match (marked.as_slice(), &under_cursor) {
        ([], _) => true,
        ([only], Some(under)) => only.id == under.id,
        (_, _) => false,
    };
    if alone {
        let Some(incident) = under_cursor else {
            let why = none_meant(model);
            return say(model, Level::Info, why, now);
        };
        return want(model, &incident.id, IncidentAct::Acknowledge, now);
    }
    let mut lines = Vec::new();
    let mut acts = Vec::new();
    for incident in &marked {
        if let Some(why) = refused(model, incident, Verb::Acknowledge) {
            lines.push(ConfirmLine::Warning(format!("left out: {why}")));
        } else {
            lines.push(ConfirmLine::Plain(format!(
                "{} · {}",
                label(incident),
                standing(incident)
            )));
            acts.push(order(incident, IncidentAct::Acknowledge));
        }
    }
    if acts.is_empty() {
        let why = "none of the marked incidents can be acknowledged; esc takes the marks away";
        return say(model, Level::Info, why, now);
    }
    ask(
        model,
        Confirm {
            title: format!("Acknowledge {}?", counted(acts.len(), "incident")),
            lines,
            typed: Vec::new(),
            then: Then::Acts(acts),
            hits: BTreeSet::new(),
            scroll: 0,
        },
    )
}

/// Where an incident stands, in words: `acknowledged, Mara`.
fn standing(incident: &Incident) -> String {
    match incident.assignees.as_slice() {
        [] => incident.status.word().to_owned(),
        people => format!("{}, {}", incident.status.word(), pick::names(people)),
    }
}

fn hand_back(model: &mut Model, incident: &Incident) -> Vec<Effect> {
    let why = if incident.id.is_local() {
        "a local incident is handed back by giving it to somebody"
    } else {
        "PagerDuty takes no acknowledgement back without paging again: give it to somebody instead"
    };
    let lines = vec![ConfirmLine::Warning(why.to_owned())];
    pick::open(model, incident, PickFor::Reassign, lines)
}

/// Does something to an incident: refuses in words, asks where that is due, else sends.
pub(super) fn want(model: &mut Model, id: &IncidentId, act: IncidentAct, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let Some(incident) = model.incidents.incident(id).cloned() else {
        return say(
            model,
            Level::Warn,
            "the incident is listed no more: not sent",
            now,
        );
    };
    if let Some(why) = refused(model, &incident, act.verb()) {
        return say(model, Level::Warn, why, now);
    }
    match question(model, &incident, &act) {
        Some(confirm) => ask(model, confirm),
        None => send(model, order(&incident, act), now),
    }
}

fn ask(model: &mut Model, confirm: Confirm) -> Vec<Effect> {
    model.modal = Some(Modal::Confirm(confirm));
    Vec::new()
}

fn order(incident: &Incident, act: IncidentAct) -> Act {
    Act::Incident {
        incident: incident.id.clone(),
        act,
        seen: Seen {
            status: incident.status,
            changed_at: incident.changed_at,
        },
        label: label(incident).into(),
    }
}

/// A yes: where the incident changed since it was shown, that is said and asked anew.
pub(super) fn answered(model: &mut Model, act: Act, now: Now) -> Vec<Effect> {
    let Act::Incident {
        incident,
        act: wanted,
        seen,
        ..
    } = &act
    else {
        return send(model, act, now);
    };
    let Some(incident) = model.incidents.incident(incident).cloned() else {
        return say(
            model,
            Level::Warn,
            "not sent: the incident is listed no more",
            now,
        );
    };
    if let Some(why) = refused(model, &incident, wanted.verb()) {
        return say(model, Level::Warn, format!("not sent: {why}"), now);
    }
    let same = incident.status == seen.status && incident.changed_at == seen.changed_at;
    if !same && let Some(mut confirm) = question(model, &incident, wanted) {
        let changed = format!("changed meanwhile: it is {} now", standing(&incident));
        confirm.lines.insert(0, ConfirmLine::Warning(changed));
        return ask(model, confirm);
    }
    send(model, act, now)
}

/// Hands acts to the runtime at once.
pub(super) fn send_all(model: &mut Model, acts: Vec<Act>, now: Now) -> Vec<Effect> {
    acts.into_iter().flat_map(|act| send(model, act, now)).collect()
}

fn send(model: &mut Model, act: Act, now: Now) -> Vec<Effect> {
    if let Some(why) = busy(model) {
        return say(model, Level::Warn, why, now);
    }
    let id = model.acts.add(act.clone(), Stage::Sent { since: now.tick });
    if let Some(added) = model.acts.pending.last() {
        model.incidents.marks.retain(|mark| !added.concerns(mark));
    }
    vec![Effect::Carry { id, act }]
}

/// What is asked before an act goes out; nothing where it may go at one key.
fn question(model: &Model, incident: &Incident, act: &IncidentAct) -> Option<Confirm> {
    let name = label(incident);
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
            format!("Escalate {name} to level {to}?"),
            escalate_lines(model, incident, *to),
        ),
        IncidentAct::ReassignTo { people } => (
            format!("Reassign {name} to {}?", pick::names(people)),
            vec![
                warn(format!("wakes {}", pick::names(people))),
                warn("it will not escalate by itself from then on".to_owned()),
                ConfirmLine::Plain(standing(incident)),
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
                Some((_, people)) => format!("starts at level 1, pages {}", pick::names(people)),
                None => "starts at level 1, pages whoever is on call there".to_owned(),
            };
            (
                format!("Reassign {name} to policy {}?", SafeText::line(&policy.name)),
                vec![warn(pages), ConfirmLine::Plain(standing(incident))],
            )
        }
        IncidentAct::Page { people, .. } => (
            format!("Page {} for {name}?", pick::names(people)),
            vec![warn(format!("wakes {}", pick::names(people)))],
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
        then: Then::Act(order(incident, act.clone())),
        hits: BTreeSet::new(),
        scroll: 0,
    })
}

fn resolve_lines(model: &Model, incident: &Incident) -> Vec<ConfirmLine> {
    let firing = model.alerts.of_incident(incident);
    let firing =
        firing.filter(|alert| alert.state != AlertState::Suppressed && alert.standing() != Standing::Over);
    firing
        .map(|alert| ConfirmLine::Warning(format!("still fires: {}", super::alerts::describe(alert))))
        .chain(std::iter::once(ConfirmLine::Plain(standing(incident))))
        .collect()
}

fn escalate_lines(model: &Model, incident: &Incident, to: u32) -> Vec<ConfirmLine> {
    let ladder = match &model.incidents.ladder {
        Some((of, Ok(ladder))) if *of == incident.id => Some(ladder),
        Some(_) | None => None,
    };
    let mut lines = Vec::new();
    if let Some(rung) = ladder.and_then(|ladder| ladder.rung(to)) {
        lines.push(ConfirmLine::Warning(format!(
            "wakes {}",
            pick::names(&rung.people)
        )));
    }
    if incident.status == Status::Acknowledged {
        let who = incident.acknowledgements.last().map(|(person, _)| called(person));
        let who = who.unwrap_or_else(|| "whoever has it".to_owned());
        lines.push(ConfirmLine::Warning(format!(
            "takes the acknowledgement of {who} away"
        )));
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
            |incident| format!("{} · {}", label(incident), standing(incident)),
        ))
    });
    let warning = "cannot be undone: these end, and their alerts move over";
    std::iter::once(ConfirmLine::Warning(warning.to_owned()))
        .chain(names)
        .collect()
}

fn merge(model: &mut Model, into: &Incident, now: Now) -> Vec<Effect> {
    let from: Vec<IncidentId> = model
        .incidents
        .marks
        .iter()
        .filter(|id| **id != into.id)
        .cloned()
        .collect();
    if from.is_empty() || matches!(model.detail(), Some(Detail::Incident(_))) {
        let keys = model.keymap.keys_for(Action::Mark);
        let key = keys.into_iter().next().unwrap_or_default();
        let how = format!("mark the incidents to take in with {key}, then go to the one that stays");
        return say(model, Level::Info, how, now);
    }
    if let Some(other) = from.iter().find(|id| id.is_local() != into.id.is_local()) {
        let why = format!(
            "{} is kept elsewhere: only incidents of one keeper merge",
            SafeText::line(&other.0)
        );
        return say(model, Level::Warn, why, now);
    }
    want(model, &into.id, IncidentAct::Merge { from }, now)
}

fn menu(model: &mut Model, title: &'static str, items: Vec<MenuItem>) -> Vec<Effect> {
    model.modal = Some(Modal::Menu(Menu {
        title,
        items,
        cursor: 0,
    }));
    Vec::new()
}

fn snoozes(id: &IncidentId, zone: Zone, now: Now) -> Vec<MenuItem> {
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
            format!("till {clock} ({})", prometheus_duration(morning)),
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

fn steps(incident: &Incident) -> Vec<MenuItem> {
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

fn roles(id: &IncidentId) -> Vec<MenuItem> {
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

/// A role was chosen: who is to have it.
pub(super) fn role(model: &mut Model, id: &IncidentId, role: Role, now: Now) -> Vec<Effect> {
    match model.incidents.incident(id).cloned() {
        Some(incident) => pick::open(model, &incident, PickFor::Role(role), Vec::new()),
        None => say(model, Level::Warn, "the incident is listed no more", now),
    }
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
