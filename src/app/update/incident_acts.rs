//! Acts on incidents: what a key means here, what is asked first, and why something cannot be done.
//!
//! Every act is made by `want`, which refuses in words, asks where it wakes people or cannot be undone, and else
//! sends. An answer holds for the incident as it was shown: one that changed meanwhile is asked about anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::incident_asks::{last_escalation, order, question, roles, snoozes, standing, steps};
use super::incidents::{Meant, linked_words, meant, none_meant};
use super::{busy, pick, say};
use crate::action::Action;
use crate::app::acts::{Act, ActId, Stage};
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents::{label, short};
use crate::app::modal::{Choice, Confirm, ConfirmLine, Menu, MenuItem, Modal, PickFor, Then};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::plan::counted;
use crate::domain::incident::link::Link;
use crate::domain::incident::offer::{self, offer};
use crate::domain::incident::{Incident, IncidentAct, IncidentId, Offer, Role, Status, Verb};
use crate::outbox::Payload;
use crate::text::SafeText;
use crate::time::Now;

/// Carries out an acting key.
pub(super) fn act(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    if action == Action::TakeIncident {
        return acknowledge(model, now);
    }
    match meant(model) {
        Meant::Surely(incident) => to(model, action, &incident, now),
        Meant::Perhaps(linked) => which(model, action, &linked),
        Meant::Nothing => {
            let why = none_meant(model);
            say(model, Level::Info, why, now)
        }
    }
}

/// Asks which of the incidents that are linked to an alert an action is about.
fn which(model: &mut Model, action: Action, linked: &[(Arc<Incident>, Link)]) -> Vec<Effect> {
    let items = linked
        .iter()
        .zip('1'..='9')
        .map(|((incident, by), key)| MenuItem {
            key,
            label: linked_words(model, incident, *by),
            choice: Choice::On {
                incident: incident.id.clone(),
                action,
            },
        });
    let items = items.collect();
    menu(model, "Of this incident?", items)
}

/// It was said which incident an action is about.
pub(super) fn on(model: &mut Model, action: Action, id: &IncidentId, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    if let Some(incident) = model.incidents.incident(id).cloned() {
        return to(model, action, &incident, now);
    }
    let why = format!("not sent: {}", gone(model, id));
    say(model, Level::Warn, why, now)
}

/// That an incident is listed no more, and why, as far as that is known here.
pub(super) fn gone(model: &Model, id: &IncidentId) -> String {
    let pane = &model.incidents;
    match pane.known(id) {
        Some(was) => format!("{} {}", short(was), pane.gone(was, &model.us())),
        None => "the incident is listed no more".to_owned(),
    }
}

/// Does what the key says to this incident.
fn to(model: &mut Model, action: Action, incident: &Incident, now: Now) -> Vec<Effect> {
    let verb = match action {
        Action::TakeIncident => return want(model, &incident.id, IncidentAct::Acknowledge, now),
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
    if let Some(why) = refused(model, incident, verb) {
        return say(model, Level::Warn, why, now);
    }
    match action {
        Action::ReleaseIncident => hand_back(model, incident, now),
        Action::Escalate => pick::open(model, incident, PickFor::Escalate, Vec::new()),
        Action::Reassign => pick::open(model, incident, PickFor::Reassign, Vec::new()),
        Action::PageSomebody => pick::open(model, incident, PickFor::Page, Vec::new()),
        Action::SetPriority => pick::open(model, incident, PickFor::Priority, Vec::new()),
        Action::Snooze => menu(model, "Snooze for", snoozes(&incident.id, model.zone, now)),
        Action::Advance => menu(model, "Advance to", steps(incident)),
        Action::AssignRole => menu(model, "Who is to be what", roles(&incident.id)),
        Action::MergeIncidents => merge(model, incident, now),
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
        // By its number alone: the reason is what must not be cut off at the end of the line.
        let which = match incident.number {
            Some(number) => format!("#{number}"),
            None => SafeText::line(&incident.id.0).into_string(),
        };
        return Some(format!("{which}: {why}"));
    }
    match verb {
        Verb::Escalate => undelivered_escalation(model, &incident.id),
        Verb::Acknowledge => {
            if is_being_taken(model, &incident.id) {
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

/// Whether an acknowledgement of the incident is on its way, or arrived and is not listed yet.
pub(super) fn is_being_taken(model: &Model, id: &IncidentId) -> bool {
    let takes = |act: &Act| {
        let Act::Incident { act, .. } = act else {
            return false;
        };
        *act == IncidentAct::Acknowledge
    };
    let mut pending = model.acts.pending.iter();
    pending.any(|pending| pending.concerns(id) && takes(&pending.act))
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
    match (marked.as_slice(), meant(model)) {
        ([], Meant::Surely(incident)) => {
            return want(model, &incident.id, IncidentAct::Acknowledge, now);
        }
        ([only], Meant::Surely(under)) if only.id == under.id => {
            return want(model, &under.id, IncidentAct::Acknowledge, now);
        }
        ([], Meant::Perhaps(linked)) => return which(model, Action::TakeIncident, &linked),
        ([], Meant::Nothing) => {
            let why = none_meant(model);
            return say(model, Level::Info, why, now);
        }
        (_, Meant::Surely(_) | Meant::Perhaps(_) | Meant::Nothing) => {}
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
                standing(model, incident)
            )));
            acts.push(order(model, incident, IncidentAct::Acknowledge));
        }
    }
    if acts.is_empty() {
        let back = model.keymap.first_or_name(Action::Back);
        let why = format!("none of the marked incidents can be acknowledged; {back} takes the marks away");
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

/// Gives it up where its keeper can; where it cannot, says so and offers to give it to somebody.
fn hand_back(model: &mut Model, incident: &Incident, now: Now) -> Vec<Effect> {
    match offer::hand_back(incident) {
        Ok(act) => want(model, &incident.id, act, now),
        Err(why) if incident.status.is_open() && incident.status != Status::Triggered => {
            let lines = vec![ConfirmLine::Warning(why.to_owned())];
            pick::open(model, incident, PickFor::Reassign, lines)
        }
        Err(why) => say(model, Level::Info, why, now),
    }
}

/// Does something to an incident: refuses in words, asks where that is due, else sends.
pub(super) fn want(model: &mut Model, id: &IncidentId, act: IncidentAct, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let Some(incident) = model.incidents.incident(id).cloned() else {
        let why = format!("not sent: {}", gone(model, id));
        return say(model, Level::Warn, why, now);
    };
    if let Some(why) = refused(model, &incident, act.verb()) {
        return say(model, Level::Warn, why, now);
    }
    if let Some(confirm) = question(model, &incident, &act) {
        return ask(model, confirm);
    }
    let order = order(model, &incident, act);
    send(model, order, now)
}

fn ask(model: &mut Model, confirm: Confirm) -> Vec<Effect> {
    model.modal = Some(Modal::Confirm(confirm));
    Vec::new()
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
        let why = format!("not sent: {}", gone(model, incident));
        return say(model, Level::Warn, why, now);
    };
    if let Some(why) = refused(model, &incident, wanted.verb()) {
        return say(model, Level::Warn, format!("not sent: {why}"), now);
    }
    let escalated =
        wanted.verb() == Verb::Escalate && last_escalation(model, &incident.id) != seen.escalation;
    let same = incident.status == seen.status && incident.changed_at == seen.changed_at && !escalated;
    if !same && let Some(mut confirm) = question(model, &incident, wanted) {
        let changed = if escalated {
            "escalated meanwhile, from this host: escalate again?".to_owned()
        } else {
            format!("changed meanwhile: it is {} now", standing(model, &incident))
        };
        confirm.lines.insert(0, ConfirmLine::Warning(changed));
        return ask(model, confirm);
    }
    send(model, act, now)
}

/// Hands acts to the runtime at once: all of them, or none.
pub(super) fn send_all(model: &mut Model, acts: Vec<Act>, now: Now) -> Vec<Effect> {
    if let Some(why) = busy(model) {
        return say(model, Level::Warn, why, now);
    }
    // No more of them than incidents are listed: what was confirmed together goes out together.
    let all = acts.into_iter().map(|act| (pend(model, act.clone(), now), act));
    vec![Effect::CarryAll(all.collect())]
}

fn send(model: &mut Model, act: Act, now: Now) -> Vec<Effect> {
    if let Some(why) = busy(model) {
        return say(model, Level::Warn, why, now);
    }
    let id = pend(model, act.clone(), now);
    vec![Effect::Carry { id, act }]
}

/// Takes an act in; its number.
fn pend(model: &mut Model, act: Act, now: Now) -> ActId {
    let id = model.acts.add(act, Stage::Sent { since: now.tick }, now.tick);
    if let Some(added) = model.acts.pending.last() {
        model.incidents.marks.retain(|mark| !added.concerns(mark));
    }
    id
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

/// A role was chosen: who is to have it.
pub(super) fn role(model: &mut Model, id: &IncidentId, role: Role, now: Now) -> Vec<Effect> {
    if let Some(incident) = model.incidents.incident(id).cloned() {
        return pick::open(model, &incident, PickFor::Role(role), Vec::new());
    }
    let why = gone(model, id);
    say(model, Level::Warn, why, now)
}

fn menu(model: &mut Model, title: &'static str, items: Vec<MenuItem>) -> Vec<Effect> {
    model.modal = Some(Modal::Menu(Menu {
        title,
        items,
        cursor: 0,
    }));
    Vec::new()
}
