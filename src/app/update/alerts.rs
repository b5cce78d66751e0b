//! Acting on alerts: what a key would hit, checked again at the moment it is pressed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::guard::{self, Weight};
use super::incident_acts::is_being_taken;
use super::{busy, refusal, say};
use crate::action::Action;
use crate::app::acts::{Act, Stage};
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents::short;
use crate::app::modal::{Confirm, ConfirmLine, Modal, Then};
use crate::app::panes::AlertRow;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::plan::{counted, hand_back_plan};
use crate::domain::alert::{AckState, Alert, AlertBoard, AlertState, Fingerprint, Occurrence, Standing};
use crate::domain::incident::nudge::{Overdue, distance};
use crate::domain::incident::{DueWhat, Incident, Person, Status};
use crate::domain::oneself::{Us, YOU};
use crate::text::SafeText;
use crate::time::Now;

/// Folds the group under the cursor, or goes to its head.
pub(super) fn fold(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.focus != PaneId::Alerts || !model.details.is_empty() {
        return say(model, Level::Info, "nothing folds here", now);
    }
    let key = match model.alerts.at(model.alerts.list.index) {
        Some((group, _)) if group.alerts.len() > 1 => group.key.clone(),
        Some(_) => return say(model, Level::Info, "a group of one does not fold", now),
        None => return say(model, Level::Info, "the list is empty", now),
    };
    if !model.alerts.unfolded.remove(&key) {
        return say(model, Level::Info, "this group is folded already", now);
    }
    model.alerts.list.hold();
    model.alerts.list.selected = Some(AlertRow::Group(key));
    model.alerts.arrange();
    Vec::new()
}

/// Unfolds the group under the cursor.
pub(super) fn unfold(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.focus != PaneId::Alerts || !model.details.is_empty() {
        let words = format!(
            "nothing unfolds here; {} opens",
            model.keymap.first_or_name(Action::Open)
        );
        return say(model, Level::Info, words, now);
    }
    match model.alerts.at(model.alerts.list.index) {
        Some((group, None)) => {
            let key = group.key.clone();
            model.alerts.unfolded.insert(key);
            model.alerts.list.hold();
            model.alerts.arrange();
            Vec::new()
        }
        Some((_, Some(_))) => {
            let words = format!("{} opens the alert", model.keymap.first_or_name(Action::Open));
            say(model, Level::Info, words, now)
        }
        None => say(model, Level::Info, "the list is empty", now),
    }
}

/// Marks the alert under the cursor, or every alert of its group; a second time takes the mark away.
pub(super) fn mark(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.focus != PaneId::Alerts || !model.details.is_empty() {
        return say(model, Level::Info, "nothing is marked here", now);
    }
    let Some((group, alert)) = model.alerts.at(model.alerts.list.index) else {
        return say(model, Level::Info, "the list is empty", now);
    };
    let wanted: Vec<Fingerprint> = match alert {
        Some(alert) => vec![alert.occurrence.fingerprint],
        None => group.alerts.iter().map(|a| a.occurrence.fingerprint).collect(),
    };
    if wanted
        .iter()
        .all(|fingerprint| model.alerts.marks.contains(fingerprint))
    {
        for fingerprint in &wanted {
            model.alerts.marks.remove(fingerprint);
        }
    } else {
        model.alerts.marks.extend(wanted);
    }
    let rows = std::mem::take(&mut model.alerts.rows);
    model.alerts.list.step(&rows, crate::app::list::Step::Rows(1));
    model.alerts.rows = rows;
    Vec::new()
}

/// Whether the pane that an act is about had the keys, so that its cursor was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It had.
    Seen,
    /// The act came from elsewhere: what it hits is listed first.
    Unseen,
}

/// Whether what an act hits is no more than what is under the cursor, or opened.
fn in_sight(model: &Model) -> bool {
    let marks = &model.alerts.marks;
    if !model.details.is_empty() || marks.is_empty() {
        return true;
    }
    match &model.alerts.list.selected {
        Some(AlertRow::Alert { fingerprint, .. }) => marks.iter().eq([fingerprint]),
        Some(AlertRow::Group(_)) | None => false,
    }
}

/// What an act would hit on a given board.
fn targets_on(model: &Model, board: &AlertBoard) -> Vec<Arc<Alert>> {
    let by = |fingerprint: &Fingerprint| board.by_fingerprint.get(fingerprint).cloned();
    if let Some(Detail::Alert(fingerprint)) = model.detail() {
        return by(fingerprint).into_iter().collect();
    }
    if !model.alerts.marks.is_empty() {
        return model.alerts.marks.iter().filter_map(by).collect();
    }
    match &model.alerts.list.selected {
        Some(AlertRow::Alert { fingerprint, .. }) => by(fingerprint).into_iter().collect(),
        Some(AlertRow::Group(key)) => board
            .groups
            .iter()
            .filter(|group| group.key == *key)
            .flat_map(|group| group.alerts.iter().cloned())
            .collect(),
        None => Vec::new(),
    }
}

/// What an act hits now, and how that differs from what was on screen a moment ago.
pub(super) struct Targets {
    /// What stands now.
    pub now: Vec<Arc<Alert>>,
    /// In words, where the hand may not have seen it.
    pub changes: Vec<ConfirmLine>,
}

pub(super) fn targets(model: &Model, now: Now) -> Targets {
    let Some(live) = model.alerts.board.as_deref() else {
        return Targets {
            now: Vec::new(),
            changes: Vec::new(),
        };
    };
    let current = targets_on(model, live);
    let seen = model.alerts.last_seen(now);
    let mut changes = seen.map_or_else(Vec::new, |seen| differences(&targets_on(model, seen), &current));
    if model.details.is_empty() {
        let gone = |mark: &&Fingerprint| {
            live.by_fingerprint
                .get(mark)
                .is_none_or(|alert| alert.standing() == Standing::Over)
        };
        for mark in model.alerts.marks.iter().filter(gone) {
            let said = ConfirmLine::Warning(format!("gone: {}", guard::name(live, *mark)));
            if !changes.contains(&said) {
                changes.push(said);
            }
        }
    }
    if let Some(was) = model.alerts.displaced(now) {
        changes.insert(
            0,
            ConfirmLine::Warning(format!("the row under the cursor was {was} a moment ago")),
        );
    }
    Targets {
        now: current,
        changes,
    }
}

fn differences(seen: &[Arc<Alert>], current: &[Arc<Alert>]) -> Vec<ConfirmLine> {
    let key = |alert: &Arc<Alert>| alert.occurrence;
    let before: BTreeSet<Occurrence> = seen.iter().map(key).collect();
    let after: BTreeSet<Occurrence> = current.iter().map(key).collect();
    let new = current
        .iter()
        .filter(|a| !before.contains(&a.occurrence))
        .map(|a| format!("new: {}", describe(a)));
    let gone = seen
        .iter()
        .filter(|a| !after.contains(&a.occurrence))
        .map(|a| format!("gone: {}", describe(a)));
    new.chain(gone).map(ConfirmLine::Warning).collect()
}

/// An alert in one safe line: name, service, what tells it from its siblings.
pub(super) fn describe(alert: &Alert) -> String {
    let mut text = SafeText::line(&alert.name).into_string();
    if !alert.service.is_empty() {
        text.push(' ');
        text.push_str(SafeText::line(&alert.service).as_str());
    }
    for name in ["instance", "pod", "cluster"] {
        if let Some(value) = alert.labels.get(name) {
            text.push(' ');
            text.push_str(SafeText::line(value).as_str());
            break;
        }
    }
    text
}

/// What an act from here would hit, by occurrence.
pub(super) fn chosen(model: &Model) -> Vec<Occurrence> {
    let board = model.alerts.board.as_deref();
    let targets = board.map_or_else(Vec::new, |board| targets_on(model, board));
    targets.iter().map(|alert| alert.occurrence).collect()
}

/// Takes alerts that were named and need not be in sight: they are listed first.
pub(super) fn acknowledge_named(model: &mut Model, alerts: Vec<Arc<Alert>>, now: Now) -> Vec<Effect> {
    let changes = Vec::new();
    take(model, Targets { now: alerts, changes }, Sight::Unseen, now)
}

/// Takes what is under the cursor, or what is marked.
pub(super) fn acknowledge(model: &mut Model, sight: Sight, now: Now) -> Vec<Effect> {
    let targets = targets(model, now);
    take(model, targets, sight, now)
}

fn take(model: &mut Model, targets: Targets, sight: Sight, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let Targets { now: alerts, changes } = targets;
    if alerts.is_empty() {
        let why = if model.alerts.marks.is_empty() || !model.details.is_empty() {
            "no alert under the cursor".to_owned()
        } else {
            let back = model.keymap.first_or_name(Action::Back);
            format!("the marked alerts are gone; {back} takes the marks away")
        };
        return say(model, Level::Info, why, now);
    }
    let board = model.alerts.board.clone().unwrap_or_default();
    let writes = |alert: &&Arc<Alert>| {
        let mut clusters = alert.sources.iter().filter_map(|source| board.cluster_of(source));
        clusters.any(|cluster| guard::takes_writes(model, &board, cluster))
    };
    if !alerts.iter().any(|alert| writes(&alert)) {
        let why = "read-only: what lists it is configured with read_only = true";
        return say(model, Level::Warn, why, now);
    }
    let free: Vec<&Arc<Alert>> = alerts
        .iter()
        .filter(writes)
        .filter(|alert| {
            matches!(
                alert.state,
                AlertState::Active | AlertState::Unprocessed | AlertState::Suppressed
            ) && !matches!(alert.ack, AckState::Held(_))
                && model.acts.touching(alert.occurrence.fingerprint).is_none()
        })
        .collect();
    if free.is_empty() {
        let why = match alerts.first().map(|alert| &alert.ack) {
            Some(AckState::Held(ack)) => format!(
                "already acknowledged by {} since {}Z",
                SafeText::line(model.us().called(&ack.by)),
                ack.at.format("%H:%M")
            ),
            _ if alerts
                .iter()
                .any(|a| model.acts.touching(a.occurrence.fingerprint).is_some()) =>
            {
                "an acknowledgement is under way".to_owned()
            }
            _ => "nothing to acknowledge: it does not fire any more".to_owned(),
        };
        return say(model, Level::Info, why, now);
    }
    let act = Act::Acknowledge {
        alerts: free.iter().map(|alert| alert.occurrence).collect(),
        note: String::new(),
    };
    if changes.is_empty() && sight == Sight::Seen && in_sight(model) {
        return send(model, act, now);
    }
    let title = format!("Acknowledge {}?", counted(free.len(), "alert"));
    let us = model.us();
    let lines = changes
        .into_iter()
        .chain(left_to_others(&alerts, &us))
        .chain(free.iter().map(|alert| offered(model, &us, alert)))
        .collect();
    ask(model, title, lines, act)
}

/// An alert that an acknowledgement would be of; who has a part of it, or its incident, is said.
fn offered(model: &Model, us: &Us, alert: &Alert) -> ConfirmLine {
    let name = describe(alert);
    let has = match &alert.ack {
        AckState::Partly(part) => {
            let at = part.at.join(", ");
            format!("{} it at {}", has(us.called(&part.ack.by)), SafeText::line(&at))
        }
        AckState::HiddenBy(ack) => {
            let by = SafeText::line(us.called(&ack.by));
            format!("an older acknowledgement of {by} hides it")
        }
        AckState::None | AckState::Held(_) => match whose_incident(model, alert) {
            Some((incident, person)) => format!("{} {}", has(us.person(person)), short(incident)),
            None => return ConfirmLine::Plain(name),
        },
    };
    ConfirmLine::Warning(format!("{name}: {has}"))
}

/// The incident that an alert surely belongs to, and who has acknowledged it.
fn whose_incident<'m>(model: &'m Model, alert: &Alert) -> Option<(&'m Incident, &'m Person)> {
    let linked = model.incidents_of(alert.occurrence.fingerprint).into_iter();
    let mut sure = linked.filter(|(_, by)| by.is_sure());
    sure.find_map(|(incident, _)| {
        let (person, _) = incident.acknowledgements.last()?;
        (incident.status == Status::Acknowledged).then_some((&**incident, person))
    })
}

/// What the acknowledgement of alerts leaves as it was: incidents that they surely belong to, which page on.
pub(super) fn not_taken(model: &Model, act: &Act, now: Now) -> Option<String> {
    let Act::Acknowledge { alerts, .. } = act else {
        return None;
    };
    let linked = alerts.iter().flat_map(|alert| model.meant_by(alert.fingerprint));
    let open = linked.filter(|(incident, by)| {
        by.is_sure() && incident.status == Status::Triggered && !is_being_taken(model, &incident.id)
    });
    let mut open: Vec<&Incident> = open.map(|(incident, _)| &**incident).collect();
    let escalates = |incident: &Incident| {
        let mut due = incident.due.iter();
        due.find(|due| due.what == DueWhat::Escalate).map(|due| due.at)
    };
    open.sort_by_key(|incident| (escalates(incident).is_none(), escalates(incident), &incident.id));
    open.dedup_by_key(|incident| &incident.id);
    let first = open.first()?;
    let soon = match escalates(first).map(|at| distance(at, now.utc)) {
        Some((Overdue::No, left)) => format!(" and escalates in {left}"),
        Some((Overdue::Yes, _)) | None => String::new(),
    };
    let others = match open.len() - 1 {
        0 => String::new(),
        others => format!(", nor {}", counted(others, "other")),
    };
    let first = short(first);
    let ack = model.keymap.command(&format!("ack {first}"));
    Some(format!("but {first} is not taken{soon}{others} · {ack} takes it"))
}

/// What is left out of what was chosen because somebody has it already, a line for each of them.
fn left_to_others(alerts: &[Arc<Alert>], us: &Us) -> Vec<ConfirmLine> {
    let mut held: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        if let AckState::Held(ack) = &alert.ack
            && alert.standing() != Standing::Over
        {
            held.entry(us.called(&ack.by)).or_default().push(alert);
        }
    }
    let words = held.into_iter().map(|(by, alerts)| {
        let what = match alerts.as_slice() {
            [only] => describe(only),
            several => counted(several.len(), "alert"),
        };
        ConfirmLine::Warning(format!("left out: {} {what}", has(by)))
    });
    words.collect()
}

/// `mara has`, `you have`.
fn has(name: &str) -> String {
    let have = if name == YOU { "have" } else { "has" };
    format!("{} {have}", SafeText::line(name))
}

/// Gives up acknowledgements of ours.
pub(super) fn hand_back(model: &mut Model, sight: Sight, now: Now) -> Vec<Effect> {
    let targets = targets(model, now);
    give_up(model, targets, sight, now)
}

/// The same of alerts that were named and need not be in sight.
pub(super) fn hand_back_named(model: &mut Model, alerts: Vec<Arc<Alert>>, now: Now) -> Vec<Effect> {
    let changes = Vec::new();
    give_up(model, Targets { now: alerts, changes }, Sight::Unseen, now)
}

fn give_up(model: &mut Model, targets: Targets, sight: Sight, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let Targets { now: alerts, changes } = targets;
    let board = model.alerts.board.clone().unwrap_or_default();
    let chosen: Vec<Occurrence> = alerts.iter().map(|alert| alert.occurrence).collect();
    let plan = hand_back_plan(&chosen, &board, &model.settings.identity);
    if plan.alerts.is_empty() {
        let why = match plan.refused.first() {
            Some((occurrence, why)) => {
                // What it is, where it is still there: it need not be in sight.
                let named = alerts.iter().find(|alert| alert.occurrence == *occurrence);
                let named = named.map_or_else(|| "the alert".to_owned(), |alert| describe(alert));
                SafeText::line(&format!("{named} {why}")).into_string()
            }
            None => "no alert under the cursor".to_owned(),
        };
        return say(model, Level::Info, why, now);
    }
    let act = Act::HandBack { alerts: plan.alerts };
    let question = match guard::question(model, &act) {
        Ok(Some(question)) => question,
        Ok(None) => return send(model, act, now),
        Err(why) => return say(model, Level::Warn, why, now),
    };
    let light = question.weight == Weight::Light && sight == Sight::Seen;
    if light && changes.is_empty() && in_sight(model) {
        return send(model, act, now);
    }
    let mut confirm = question.confirm;
    confirm.lines.splice(0..0, changes);
    model.modal = Some(Modal::Confirm(confirm));
    Vec::new()
}

fn ask(model: &mut Model, title: String, lines: Vec<ConfirmLine>, act: Act) -> Vec<Effect> {
    model.modal = Some(Modal::Confirm(Confirm {
        title,
        lines,
        typed: Vec::new(),
        then: Then::Act(act),
        hits: BTreeSet::new(),
        scroll: 0,
    }));
    Vec::new()
}

/// Hands an act to the runtime at once.
pub(super) fn send(model: &mut Model, act: Act, now: Now) -> Vec<Effect> {
    if let Some(why) = busy(model) {
        return say(model, Level::Warn, why, now);
    }
    let board = model.alerts.board.clone().unwrap_or_default();
    // The marks of what is gone went into the question: they are answered too.
    model
        .alerts
        .marks
        .retain(|mark| !act.names(*mark) && board.by_fingerprint.contains_key(mark));
    let id = model
        .acts
        .add(act.clone(), Stage::Sent { since: now.tick }, now.tick);
    vec![Effect::Carry { id, act }]
}
