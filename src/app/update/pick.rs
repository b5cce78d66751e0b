//! Pick-lists: filled when their answer comes, searched by typing, and what a choice leads to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_textarea::TextArea;

use super::{dialog, incident_acts, prompts, say};
use crate::action::Action;
use crate::app::incidents::called;
use crate::app::modal::{ConfirmLine, Lead, Modal, Pick, PickFor, PickItem};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::backend::incidents::Directory;
use crate::domain::incident::{
    Incident, IncidentAct, IncidentId, Ladder, Level as Rise, Named, Person, Rung,
};
use crate::domain::oneself::Us;
use crate::text::SafeText;
use crate::time::{Now, short_age};

/// Opens a list for an incident, filled where it is known already, and asks for what fills it.
pub(super) fn open(
    model: &mut Model,
    incident: &Incident,
    what: PickFor,
    lines: Vec<ConfirmLine>,
) -> Vec<Effect> {
    let label = crate::app::incidents::label(incident);
    let title = match what {
        PickFor::Escalate => format!("Escalate {label} to"),
        PickFor::Reassign => format!("Reassign {label} to"),
        PickFor::Page => format!("Page for {label}"),
        PickFor::Priority => format!("Priority of {label}"),
        PickFor::Role(role) => format!("{} of {label}", role.word()),
    };
    let mut pick = Pick {
        title,
        what,
        incident: incident.id.clone(),
        lines,
        items: None,
        input: TextArea::default(),
        hits: Vec::new(),
        cursor: 0,
        any_level: false,
    };
    let effect = if what == PickFor::Escalate {
        // Who is on call may have changed since the last time: always asked anew.
        Effect::FetchLadder(incident.id.clone())
    } else {
        if let Some(Ok(directory)) = &model.incidents.directory {
            fill(&mut pick, Ok(from_directory(what, directory, &model.us())));
        }
        Effect::FetchDirectory
    };
    model.modal = Some(Modal::Pick(Box::new(pick)));
    vec![effect]
}

/// The policy of an incident has come, or why it did not: then what is known of it stays, and is said to be old.
pub(super) fn ladder(model: &mut Model, incident: IncidentId, result: Result<Arc<Ladder>, String>, now: Now) {
    let waits = matches!(&model.modal, Some(Modal::Pick(pick))
        if pick.what == PickFor::Escalate && pick.incident == incident && pick.items.is_none());
    let us = model.us();
    match result {
        Err(why) => {
            if waits {
                by_what_is_known(model, &why, now);
            }
        }
        Ok(ladder) => {
            if let (true, Some(Modal::Pick(pick))) = (waits, &mut model.modal) {
                pick.lines = ladder_lines(&ladder, &us);
                fill_rungs(pick, &ladder, &us);
            }
            model.incidents.ladder = Some((incident, ladder, now.tick));
        }
    }
}

fn fill_rungs(pick: &mut Pick, ladder: &Ladder, us: &Us) {
    fill(pick, rungs(ladder, us));
    let next = ladder.next().map(|rung| rung.level);
    let at = ladder.rungs.iter().position(|rung| Some(rung.level) == next);
    // What was typed meanwhile may have hidden it.
    let shown = pick.hits.iter().position(|hit| Some(*hit) == at);
    pick.cursor = shown.unwrap_or(0);
}

/// Nobody says who would be woken: the levels as they were told last. An outage must not keep anybody from waking the
/// next level; the act waits in the outbox, and whoever sleeps on meanwhile is named with their phone.
fn by_what_is_known(model: &mut Model, why: &str, now: Now) {
    let Some(Modal::Pick(pick)) = &model.modal else {
        return;
    };
    let why = SafeText::line(why).into_string();
    let earlier = model
        .incidents
        .ladder
        .clone()
        .filter(|(of, ..)| *of == pick.incident);
    let policy = model.incidents.incident(&pick.incident);
    let policy = policy.and_then(|incident| incident.policy.clone());
    let levels = from_roster(model, policy.as_ref(), now);
    let us = model.us();
    let Some(Modal::Pick(pick)) = &mut model.modal else {
        return;
    };
    pick.any_level = true;
    let kept =
        "an escalation is kept and sent as soon as it can be; until then nobody is woken by it: phone them";
    pick.lines = vec![
        ConfirmLine::Warning(format!("who would be woken cannot be asked: {why}")),
        ConfirmLine::Warning(kept.to_owned()),
    ];
    match earlier {
        Some((_, ladder, at)) => {
            let age = short_age(now.tick.since(at));
            pick.lines
                .push(ConfirmLine::Plain(format!("the levels as they were {age} ago")));
            fill_rungs(pick, &ladder, &us);
        }
        None if levels.is_empty() => {
            let how =
                "type the number of a level to escalate to it all the same, and phone whoever is on call";
            fill(pick, Err(format!("{why}; {how}")));
        }
        None => fill(pick, Ok(levels)),
    }
}

/// Whether anything of the levels of the list's incident was told before.
fn is_known_before(model: &Model, now: Now) -> bool {
    let Some(Modal::Pick(pick)) = &model.modal else {
        return false;
    };
    let incident = model.incidents.incident(&pick.incident);
    let policy = incident.and_then(|incident| incident.policy.as_ref());
    let ladder = model.incidents.ladder.as_ref();
    ladder.is_some_and(|(of, ..)| *of == pick.incident) || !from_roster(model, policy, now).is_empty()
}

/// The levels of a policy with who stands on them, as they were told last; of every policy where it is not known
/// which one.
fn from_roster(model: &Model, policy: Option<&Named>, now: Now) -> Vec<PickItem> {
    let Some(roster) = model.incidents.roster.value() else {
        return Vec::new();
    };
    let us = model.us();
    let mut levels: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for duty in roster.at(now.utc) {
        if policy.is_some_and(|policy| policy.id != duty.policy.id) {
            continue;
        }
        let mut who = SafeText::line(us.person(&duty.person)).into_string();
        if let Some(phone) = &duty.person.phone {
            let _ = write!(who, " ({})", SafeText::line(phone)); // a String takes all
        }
        if policy.is_none() {
            let _ = write!(who, " of {}", SafeText::line(&duty.policy.name)); // a String takes all
        }
        if let Some(at) = roster.as_of.get(&duty.policy.id) {
            let _ = write!(who, " as of {}", at.format("%m-%d %H:%MZ")); // a String takes all
        }
        let on_it = levels.entry(duty.level).or_default();
        if !on_it.contains(&who) {
            on_it.push(who);
        }
    }
    let items = levels.into_iter().map(|(level, who)| PickItem {
        name: format!("level {level}"),
        note: format!("wakes {}", who.join(", ")),
        leads: Ok(Lead::Act(IncidentAct::Escalate { to: level })),
    });
    items.collect()
}

/// What can be picked from has come, or why it did not: then what was told before stays. A list that is being used
/// keeps what it has.
pub(super) fn directory(model: &mut Model, result: Result<Arc<Directory>, String>, now: Now) {
    let known = matches!(model.incidents.directory, Some(Ok(_)));
    let known_people = people_of_roster(model, now);
    let us = model.us();
    if let Some(Modal::Pick(pick)) = &mut model.modal
        && pick.what != PickFor::Escalate
    {
        let in_use = matches!(pick.items, Some(Ok(_)));
        match &result {
            Err(why) => {
                let why = SafeText::line(why).into_string();
                let said = format!("as it was told earlier; now it cannot be asked: {why}");
                if in_use {
                    pick.lines.insert(0, ConfirmLine::Warning(said));
                } else {
                    let items = from_directory(pick.what, &known_people, &us);
                    if items.is_empty() {
                        fill(pick, Err(why));
                    } else {
                        let said = format!(
                            "who can be picked cannot be asked: {why}; those who were on call are known"
                        );
                        pick.lines.insert(0, ConfirmLine::Warning(said));
                        fill(pick, Ok(items));
                    }
                }
            }
            Ok(_) if in_use => {}
            Ok(directory) => {
                let partial = directory.partial.iter();
                pick.lines
                    .extend(partial.map(|part| ConfirmLine::Warning(SafeText::line(part).into_string())));
                let items = from_directory(pick.what, directory, &us);
                fill(pick, Ok(items));
            }
        }
    }
    if result.is_ok() || !known {
        model.incidents.directory = Some(result);
    }
}

/// Who and which policies are known from the roster alone.
fn people_of_roster(model: &Model, now: Now) -> Directory {
    let mut directory = Directory::default();
    let duties = model
        .incidents
        .roster
        .value()
        .map_or(&[][..], |roster| &roster.duties);
    for duty in duties {
        if !directory.people.iter().any(|person| person.id == duty.person.id) {
            directory.people.push(duty.person.clone());
        }
        let held = directory
            .policies
            .iter()
            .position(|(policy, _)| policy.id == duty.policy.id);
        let at = held.unwrap_or_else(|| {
            directory.policies.push((duty.policy.clone(), Vec::new()));
            directory.policies.len() - 1
        });
        if duty.level == 1
            && duty.holds(now.utc)
            && let Some((_, first)) = directory.policies.get_mut(at)
        {
            first.push(duty.person.clone());
        }
    }
    directory.people.sort_by(|a, b| a.name.cmp(&b.name));
    directory
}

fn fill(pick: &mut Pick, items: Result<Vec<PickItem>, String>) {
    pick.items = Some(items);
    rank(pick);
}

fn ladder_lines(ladder: &Ladder, us: &Us) -> Vec<ConfirmLine> {
    let policy = SafeText::line(&ladder.policy.name);
    let current = match ladder.current.known().and_then(|level| ladder.rung(level)) {
        Some(rung) if !rung.people.is_empty() => {
            format!("{} ({})", ladder.current.words(), names(us, &rung.people))
        }
        Some(_) | None => ladder.current.words(),
    };
    let missed = ladder.missed.as_ref().map(|missed| {
        let words = missed.words();
        ConfirmLine::Warning(format!(
            "{words}: no console was open; wake it now, or leave it asleep"
        ))
    });
    let mut lines = Vec::new();
    if let [only] = ladder.rungs.as_slice() {
        let again = if only.people.is_empty() {
            "and nobody is on call on it".to_owned()
        } else {
            format!("it would page {} again", names(us, &only.people))
        };
        lines.push(ConfirmLine::Warning(format!(
            "its policy has one level: there is no next one, {again}"
        )));
    }
    lines.extend([
        ConfirmLine::Warning(
            "setting a level pages it, again where it was paged before, and takes the acknowledgement away"
                .to_owned(),
        ),
        ConfirmLine::Plain(format!("policy {policy}, now at {current}")),
    ]);
    if ladder.current == Rise::Unknown || !ladder.current.candidates().is_empty() {
        lines.insert(
            1,
            ConfirmLine::Warning("the present level is not certain: look at who would be woken".to_owned()),
        );
    }
    missed.into_iter().chain(lines).collect()
}

fn rungs(ladder: &Ladder, us: &Us) -> Result<Vec<PickItem>, String> {
    match ladder.rungs.as_slice() {
        [] => return Err("its policy has no level; reassign it, or page somebody".to_owned()),
        [only] => {
            let reassign = PickItem {
                name: "reassign".to_owned(),
                note: "to somebody else, or to another policy".to_owned(),
                leads: Ok(Lead::Reassign),
            };
            return Ok(vec![reassign, rung_item(ladder, only, us)]);
        }
        [_, ..] => {}
    }
    let levels = ladder.rungs.iter().map(|rung| rung_item(ladder, rung, us));
    let leave = ladder.missed.as_ref().map(|missed| PickItem {
        name: format!("leave level {} asleep", missed.level),
        note: "nobody is woken; the delay of the present level begins anew".to_owned(),
        leads: Ok(Lead::LeaveMissed),
    });
    Ok(levels.chain(leave).collect())
}

fn rung_item(ladder: &Ladder, rung: &Rung, us: &Us) -> PickItem {
    let here = ladder.current == Rise::Known(rung.level);
    let maybe = ladder.current.candidates().contains(&rung.level);
    let wakes = if rung.people.is_empty() {
        "nobody is on call".to_owned()
    } else {
        format!("wakes {}", names(us, &rung.people))
    };
    let stands = if here {
        " · here now"
    } else if maybe {
        " · here now?"
    } else {
        ""
    };
    let goes_on = rung
        .delay_minutes
        .map_or_else(String::new, |minutes| format!(" · goes on after {minutes}m"));
    PickItem {
        name: format!("level {}", rung.level),
        note: format!("{wakes}{stands}{goes_on}"),
        leads: if rung.people.is_empty() {
            Err(format!(
                "nobody is on call on level {}: nobody would be woken",
                rung.level
            ))
        } else {
            Ok(Lead::Act(IncidentAct::Escalate { to: rung.level }))
        },
    }
}

/// Names of people, in one safe line.
pub(super) fn names(us: &Us, people: &[Person]) -> String {
    let names = people
        .iter()
        .map(|person| SafeText::line(us.person(person)).into_string());
    names.collect::<Vec<_>>().join(", ")
}

fn from_directory(what: PickFor, directory: &Directory, us: &Us) -> Vec<PickItem> {
    let person = |person: &Person, leads: IncidentAct| {
        // Who is `you` is found by the letters of their own name as well.
        let own = us.are_person(person).then(|| called(person));
        let email = person.email.as_deref();
        let email = email.map(|email| SafeText::line(email).into_string());
        let note: Vec<String> = own.into_iter().chain(email).collect();
        PickItem {
            name: SafeText::line(us.person(person)).into_string(),
            note: note.join(", "),
            leads: Ok(Lead::Act(leads)),
        }
    };
    match what {
        PickFor::Escalate => Vec::new(),
        PickFor::Reassign => {
            let people = directory.people.iter().map(|to| {
                person(
                    to,
                    IncidentAct::ReassignTo {
                        people: vec![to.clone()],
                    },
                )
            });
            let policies = directory.policies.iter().map(|(policy, first)| PickItem {
                name: format!("policy {}", SafeText::line(&policy.name)),
                note: match first.as_slice() {
                    [] => "starts at level 1, where nobody is on call".to_owned(),
                    first => format!("starts at level 1, pages {}", names(us, first)),
                },
                leads: Ok(Lead::Act(IncidentAct::ReassignPolicy {
                    policy: policy.clone(),
                })),
            });
            people.chain(policies).collect()
        }
        PickFor::Page => directory
            .people
            .iter()
            .map(|to| {
                person(
                    to,
                    IncidentAct::Page {
                        people: vec![to.clone()],
                        message: String::new(),
                    },
                )
            })
            .collect(),
        PickFor::Role(role) => directory
            .people
            .iter()
            .map(|to| {
                person(
                    to,
                    IncidentAct::Assign {
                        role,
                        person: to.clone(),
                    },
                )
            })
            .collect(),
        PickFor::Priority => directory
            .priorities
            .iter()
            .map(|priority| PickItem {
                name: SafeText::line(&priority.name).into_string(),
                note: String::new(),
                leads: Ok(Lead::Act(IncidentAct::Priority {
                    priority: priority.clone(),
                })),
            })
            .collect(),
    }
}

/// Finds what is typed, and puts the cursor on the best.
pub(super) fn rank(pick: &mut Pick) {
    let typed = pick.input.lines().join(" ");
    let items = match &pick.items {
        Some(Ok(items)) => items.as_slice(),
        Some(Err(_)) | None => &[],
    };
    pick.cursor = 0;
    if typed.trim().is_empty() {
        pick.hits = (0..items.len()).collect();
        return;
    }
    let pattern = Pattern::parse(&typed, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, usize)> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let name = pattern.score(Utf32Str::new(&item.name, &mut buffer), &mut matcher);
            let note = pattern.score(Utf32Str::new(&item.note, &mut buffer), &mut matcher);
            Some((name.map(|score| score * 2).max(note)?, index))
        })
        .collect();
    scored.sort_by_key(|&(score, index)| (std::cmp::Reverse(score), index));
    pick.hits = scored.into_iter().map(|(_, index)| index).collect();
}

/// A key while a list is open.
pub(super) fn key(model: &mut Model, key: KeyEvent, now: Now) -> Vec<Effect> {
    let Some(Modal::Pick(pick)) = &mut model.modal else {
        return Vec::new();
    };
    let last = pick.hits.len().saturating_sub(1);
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => {
            model.modal = None;
            return say(model, Level::Info, "left undone", now);
        }
        KeyCode::Down => pick.cursor = (pick.cursor + 1).min(last),
        KeyCode::Up => pick.cursor = pick.cursor.saturating_sub(1),
        KeyCode::Char('n') if ctrl => pick.cursor = (pick.cursor + 1).min(last),
        KeyCode::Char('p') if ctrl => pick.cursor = pick.cursor.saturating_sub(1),
        KeyCode::PageDown => pick.cursor = (pick.cursor + 10).min(last),
        KeyCode::PageUp => pick.cursor = pick.cursor.saturating_sub(10),
        KeyCode::Enter => return take(model, now),
        _ => {
            prompts::edit(&mut pick.input, key);
            rank(pick);
        }
    }
    Vec::new()
}

fn take(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(Modal::Pick(pick)) = &model.modal else {
        return Vec::new();
    };
    let typed = pick.input.lines().join(" ");
    let level = typed.trim().trim_start_matches("level").trim().parse();
    let typed = level.ok().filter(|level| pick.any_level && *level > 0);
    let typed = typed.map(|to| Ok(Lead::Act(IncidentAct::Escalate { to })));
    let item = match &pick.items {
        None if pick.what == PickFor::Escalate && is_known_before(model, now) => {
            by_what_is_known(model, "no answer yet", now);
            return Vec::new();
        }
        None => {
            let leave = dialog::names(&model.keymap, &[Action::DialogLeave]);
            let words = format!("still asking; {leave} leaves it undone");
            return say(model, Level::Info, words, now);
        }
        Some(Err(_)) if typed.is_some() => typed,
        Some(Err(why)) => {
            let why = why.clone();
            return say(model, Level::Warn, why, now);
        }
        Some(Ok(items)) => {
            let chosen = pick.hits.get(pick.cursor).and_then(|&hit| items.get(hit));
            chosen.map(|item| item.leads.clone()).or(typed)
        }
    };
    let Some(leads) = item else {
        return say(model, Level::Info, "nothing by that name", now);
    };
    match leads {
        Err(why) => say(model, Level::Warn, why, now),
        Ok(lead) => {
            let incident = pick.incident.clone();
            model.modal = None;
            match lead {
                Lead::Act(act) => incident_acts::want(model, &incident, act, now),
                Lead::LeaveMissed => leave(model, incident, now),
                Lead::Reassign => {
                    if let Some(incident) = model.incidents.incident(&incident).cloned() {
                        return open(model, &incident, PickFor::Reassign, Vec::new());
                    }
                    let why = incident_acts::gone(model, &incident);
                    say(model, Level::Warn, why, now)
                }
            }
        }
    }
}

/// The engineer leaves a missed level asleep: the journal that keeps the incident is told at once.
fn leave(model: &mut Model, incident: IncidentId, now: Now) -> Vec<Effect> {
    if let Some(why) = incident_acts::refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    vec![Effect::LeaveMissed(incident)]
}
