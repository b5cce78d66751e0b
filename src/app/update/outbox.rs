//! The outbox: what could not be saved, what is on its way, what asks; and what the engineer says to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::guard::word;
use super::{busy, say, silences};
use crate::app::acts::{ActId, Stage};
use crate::app::modal::{Confirm, ConfirmLine, Modal, Then, Typed};
use crate::app::toast::Level;
use crate::app::{Effect, Model, OutboxRow};
use crate::domain::incident::IncidentAct;
use crate::notify::{Unreached, phones};
use crate::outbox::{Decision, Entry, EntryId, OutboxView, Payload, State};
use crate::text::SafeText;
use crate::time::Now;

/// The outbox changed. What asks opens nothing by itself, but is heard.
pub(super) fn changed(model: &mut Model, view: Arc<OutboxView>, now: Now) -> Vec<Effect> {
    let asked: BTreeSet<EntryId> = asking(&model.outbox).map(|entry| entry.id).collect();
    let new = asking(&view).find(|entry| !asked.contains(&entry.id)).map(target);
    let settled = inherited(&model.outbox, &view);
    let trouble = view
        .trouble
        .clone()
        .filter(|why| model.outbox.trouble.as_ref() != Some(why));
    let known = &model.outbox.unreached;
    let silent = view
        .unreached
        .iter()
        // One that turns out to have reached nobody at all is heard again.
        .find(|page| {
            !known
                .iter()
                .any(|held| held.is_same(page) && held.whom == page.whom)
        });
    let silent = silent.map(|page| SafeText::line(&page.words()).into_string());
    model.escalations.look(&view, &model.settings.identity, now);
    model.outbox = view;
    arrange(model);
    for (level, words) in settled {
        model.toasts.say(level, words, now.tick);
    }
    if let Some(why) = trouble {
        let words = format!("the outbox stands still: {}", SafeText::line(&why));
        model.toasts.say(Level::Error, words, now.tick);
    }
    if let Some(words) = silent {
        model.toasts.say(Level::Error, words, now.tick);
        return vec![Effect::Ring];
    }
    match new {
        Some(what) => {
            let key = key(model);
            model.toasts.say(
                Level::Warn,
                format!("the outbox asks about {what} · {key} shows it"),
                now.tick,
            );
            vec![Effect::Ring]
        }
        None => Vec::new(),
    }
}

/// What has become by now of the acts of an earlier console: nobody here waits for them.
fn inherited(before: &OutboxView, view: &OutboxView) -> Vec<(Level, String)> {
    let news = view.inherited.iter().filter_map(|id| {
        let entry = view.entry(*id)?;
        let was_open = before.entry(*id).is_none_or(|before| before.state.is_open());
        was_open.then_some(entry)
    });
    let mut delivered = Vec::new();
    let mut said = Vec::new();
    for entry in news {
        let level = match entry.state {
            // What asks says so by itself.
            State::Pending | State::Sending | State::NeedsDecision => continue,
            State::Confirmed => {
                delivered.push(target(entry));
                continue;
            }
            State::Cancelled => Level::Warn,
            State::Failed => Level::Error,
        };
        let outcome = SafeText::line(&entry.outcome);
        said.push((level, format!("{}: {outcome}", target(entry))));
    }
    match delivered.as_slice() {
        [] => {}
        [one] => said.insert(0, (Level::Info, format!("delivered from the outbox: {one}"))),
        several => {
            let words = format!("delivered from the outbox: {} acts", several.len());
            said.insert(0, (Level::Info, words));
        }
    }
    said
}

fn asking(view: &OutboxView) -> impl Iterator<Item = &Entry> {
    view.entries
        .iter()
        .filter(|entry| entry.state == State::NeedsDecision)
}

fn key(model: &Model) -> String {
    let keys = model.keymap.keys_for(crate::action::Action::OutboxList);
    keys.into_iter().next().unwrap_or_default()
}

/// Works out the rows again.
pub(super) fn arrange(model: &mut Model) {
    let unsaved = model.acts.pending.iter().filter_map(|act| match act.stage {
        Stage::Unsaved { .. } => Some(OutboxRow::Unsaved(act.id)),
        Stage::Grace { .. } | Stage::Sent { .. } | Stage::TakingBack { .. } | Stage::Confirmed { .. } => None,
    });
    let unreached = model.outbox.unreached.iter();
    let unreached = unreached.filter_map(|page| page.ids.first().copied().map(OutboxRow::Unreached));
    let entries = model
        .outbox
        .entries
        .iter()
        .map(|entry| OutboxRow::Entry(entry.id));
    let rows: Vec<OutboxRow> = unsaved.chain(unreached).chain(entries).collect();
    model.outbox_list.follow(&rows);
    model.outbox_rows = rows;
}

/// What an entry is about, in one safe line: `escalate #4711 checkout errors`.
pub fn target(entry: &Entry) -> String {
    match &entry.payload {
        Payload::Incident { act, label, .. } => {
            let label = SafeText::line(label);
            match act {
                IncidentAct::Escalate { to } => format!("escalate {label} to level {to}"),
                other => format!("{} {label}", other.verb().word()),
            }
        }
        Payload::Silence { matchers, .. } => {
            let matchers: Vec<String> = matchers.iter().map(ToString::to_string).collect();
            let matchers = matchers.join(" ");
            format!("{} {}", entry.payload.action(), SafeText::line(&matchers))
        }
        Payload::ExtendSilence { id, .. } | Payload::ExpireSilence { id, .. } => {
            format!("{} {}", entry.payload.action(), SafeText::line(id))
        }
        Payload::Annotation(draft) => format!("annotation {}", SafeText::line(&draft.text)),
    }
}

/// An act is on the disk, or could not be put there.
pub(super) fn journaled(
    model: &mut Model,
    id: ActId,
    result: Result<Vec<EntryId>, String>,
    now: Now,
) -> Vec<Effect> {
    let grace = model.settings.grace;
    let Some(pending) = model.acts.pending.iter_mut().find(|pending| pending.id == id) else {
        return Vec::new();
    };
    if !matches!(pending.stage, Stage::Grace { .. } | Stage::Sent { .. }) {
        return Vec::new();
    }
    match result {
        Ok(entries) => {
            pending.entries = Some(entries);
            if let Stage::Grace { until } = &mut pending.stage {
                // Counted from the save, as the outbox counts it.
                *until = now.tick + grace;
            }
            Vec::new()
        }
        Err(why) => {
            let why = SafeText::line(&why).into_string();
            let what = pending.doing().trim_end_matches('…');
            let words = format!("{what} NOT SAVED, so not sent: {why}");
            pending.stage = Stage::Unsaved { since: now.tick };
            pending.trouble = Some(why.into());
            arrange(model);
            let key = key(model);
            model
                .toasts
                .say(Level::Error, format!("{words} · {key} to try again"), now.tick);
            vec![Effect::Ring]
        }
    }
}

fn refusal(model: &Model) -> Option<String> {
    if model.settings.read_only {
        return Some("read-only: what waits is sent by a console that may act".to_owned());
    }
    busy(model)
}

/// Retries, sends or drops what is under the cursor.
pub(super) fn decide(model: &mut Model, decision: Decision, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    match model.outbox_list.selected {
        None => say(model, Level::Info, "nothing waits in the outbox", now),
        Some(OutboxRow::Unsaved(id)) => unsaved(model, id, decision, now),
        Some(OutboxRow::Entry(id)) => entry(model, id, decision, now),
        Some(OutboxRow::Unreached(first)) => unreached(model, first, decision, now),
    }
}

fn unsaved(model: &mut Model, id: ActId, decision: Decision, now: Now) -> Vec<Effect> {
    let Some(at) = model.acts.pending.iter().position(|pending| pending.id == id) else {
        return say(model, Level::Info, "it is over", now);
    };
    let effects = match decision {
        Decision::Drop => {
            let dropped = model.acts.pending.remove(at);
            let what = dropped.doing().trim_end_matches('…').to_owned();
            model
                .toasts
                .say(Level::Info, format!("dropped: {what} was never sent"), now.tick);
            Vec::new()
        }
        Decision::Hurry | Decision::Retry | Decision::Send => {
            if let Some(effects) = silences::ask_anew(model, at, now) {
                arrange(model);
                return effects;
            }
            let Some(pending) = model.acts.pending.get_mut(at) else {
                return Vec::new();
            };
            pending.stage = Stage::Sent { since: now.tick };
            pending.trouble = None;
            let act = pending.act.clone();
            vec![Effect::Carry { id, act }]
        }
    };
    arrange(model);
    effects
}

/// A page that reached nobody: it is not sent again from here, only answered for.
fn unreached(model: &mut Model, first: i64, decision: Decision, now: Now) -> Vec<Effect> {
    let Some(page) = model.outbox.unreached(first) else {
        return say(model, Level::Info, "it is over", now);
    };
    match decision {
        Decision::Drop => {
            let notices = page.ids.clone();
            let words = format!("noted: {} is yours to phone", who(page));
            let mut effects = say(model, Level::Info, words, now);
            effects.push(Effect::AnswerFor { notices });
            effects
        }
        Decision::Hurry | Decision::Retry | Decision::Send => {
            let words = format!(
                "it is not sent again by itself: phone {}, or escalate again",
                who(page)
            );
            say(model, Level::Warn, words, now)
        }
    }
}

fn who(page: &Unreached) -> String {
    SafeText::line(&phones(&page.people)).into_string()
}

fn entry(model: &mut Model, id: EntryId, decision: Decision, now: Now) -> Vec<Effect> {
    let Some(entry) = model.outbox.entry(id) else {
        return say(model, Level::Info, "it is over", now);
    };
    if decision == Decision::Drop && model.escalations.dismiss(id) {
        return say(model, Level::Info, "noted: nobody was woken by it", now);
    }
    if !entry.state.is_open() {
        let words = format!("it is over: {}", entry.state.word());
        return say(model, Level::Info, words, now);
    }
    let what = target(entry);
    let mut lines = Vec::new();
    if let Some(unclear) = &entry.last_error {
        lines.push(ConfirmLine::Warning(SafeText::line(unclear).into_string()));
    }
    let (title, typed) = match decision {
        Decision::Hurry | Decision::Retry => {
            // An answer holds for what was shown: a question that comes up meanwhile is not answered by it.
            let decision = match entry.state {
                State::NeedsDecision => Decision::Retry,
                State::Pending | State::Sending | State::Confirmed | State::Failed | State::Cancelled => {
                    Decision::Hurry
                }
            };
            return vec![Effect::Decide { entry: id, decision }];
        }
        Decision::Send if entry.state == State::Sending => {
            return say(
                model,
                Level::Info,
                "it is under way: what came of it is looked up first",
                now,
            );
        }
        Decision::Send => {
            lines.push(ConfirmLine::Warning(
                "sent whatever was unclear: where it arrived before, it is done twice".to_owned(),
            ));
            (format!("Send {what}?"), danger(model, &entry.payload))
        }
        Decision::Drop => {
            if entry.attempts > 0 {
                lines.push(ConfirmLine::Warning(
                    "it was sent before: it may have arrived, and is not taken back".to_owned(),
                ));
            }
            (format!("Drop {what}?"), Vec::new())
        }
    };
    model.modal = Some(Modal::Confirm(Confirm {
        title,
        lines,
        typed,
        then: Then::Decide(id, decision),
        hits: BTreeSet::new(),
        scroll: 0,
    }));
    Vec::new()
}

/// Asks whether the notice of a refused escalation is to go; nothing where there is none.
pub(super) fn dismiss(model: &mut Model, now: Now) -> bool {
    let Some((id, what)) = model.escalations.refused() else {
        return dismiss_unreached(model, now);
    };
    model.modal = Some(Modal::Confirm(Confirm {
        title: "Take the notice down?".to_owned(),
        lines: vec![ConfirmLine::Warning(format!(
            "escalate {} was refused: nobody was woken by it",
            SafeText::line(&what)
        ))],
        typed: Vec::new(),
        then: Then::Dismiss(id),
        hits: BTreeSet::new(),
        scroll: 0,
    }));
    true
}

/// The same of the oldest page that reached nobody. Whoever shares the journal loses it from sight: that is an act.
fn dismiss_unreached(model: &mut Model, now: Now) -> bool {
    let Some(page) = model.outbox.unreached.first() else {
        return false;
    };
    if let Some(why) = refusal(model) {
        model.toasts.say(Level::Warn, why, now.tick);
        return true;
    }
    let lines = vec![ConfirmLine::Warning(SafeText::line(&page.words()).into_string())];
    model.modal = Some(Modal::Confirm(Confirm {
        title: "Take the notice down?".to_owned(),
        lines,
        typed: Vec::new(),
        then: Then::AnswerFor(page.ids.clone()),
        hits: BTreeSet::new(),
        scroll: 0,
    }));
    true
}

fn danger(model: &Model, payload: &Payload) -> Vec<Typed> {
    let dangerous = match payload {
        Payload::Incident { act, .. } => act.verb().is_dangerous(),
        Payload::Silence { purpose, .. } => *purpose == crate::outbox::Purpose::Silence,
        Payload::ExtendSilence { .. } => true,
        Payload::ExpireSilence { .. } | Payload::Annotation(_) => false,
    };
    if model.settings.danger && dangerous {
        vec![word("the context's name", model.settings.context.clone())]
    } else {
        Vec::new()
    }
}
