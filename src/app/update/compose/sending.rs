//! What is written goes out: handed over once, its text held until the act is on the disk, brought back where it
//! could not be put there or was undone.

use std::collections::BTreeSet;
use std::sync::Arc;

use tui_textarea::TextArea;

use super::super::incident_acts::refusal;
use super::super::{outbox, say, undo};
use super::drafts::{self, SAVE_AFTER, drop_draft, hold, put_away, put_before, save};
use crate::action::Action;
use crate::app::acts::{Act, ActId, Stage};
use crate::app::compose::{About, Compose, Kept, Purpose, Sent};
use crate::app::modal::{Confirm, ConfirmLine, Modal, Then, Typed};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::backend::annotations::AnnotationDraft;
use crate::domain::incident::IncidentAct;
use crate::outbox::EntryId;
use crate::text::SafeText;
use crate::time::Now;

/// Tags every mark of ours.
const TAG: &str = "midwatch";

/// Sends what is written, or says why not and leaves it as it is.
pub(super) fn send(model: &mut Model, now: Now) -> Vec<Effect> {
    let refused = refusal(model);
    let Some(Modal::Compose(compose)) = &mut model.modal else {
        return Vec::new();
    };
    let checked = match refused {
        Some(why) => Err(why),
        None => compose.checked(),
    };
    let text = match checked {
        Ok(text) => text,
        Err(why) => {
            compose.error = Some(why);
            return Vec::new();
        }
    };
    let Some(act) = act_of(model, text) else {
        return Vec::new();
    };
    if let (Act::Declare(declaration), true) = (&act, model.settings.danger) {
        let title = format!("Declare {}?", SafeText::line(&declaration.title));
        let asked = Confirm {
            title,
            lines: vec![ConfirmLine::Plain(format!(
                "{} · {} · kept in the journal of this host",
                declaration.severity,
                declaration.service.as_deref().map_or_else(
                    || "no service".to_owned(),
                    |service| SafeText::line(service).into_string()
                ),
            ))],
            typed: vec![Typed {
                want: model.settings.context.clone(),
                what: "the context's name",
                input: TextArea::default(),
            }],
            then: Then::Act(act),
            hits: BTreeSet::new(),
            scroll: 0,
        };
        let effects = put_away(model);
        model.modal = Some(Modal::Confirm(asked));
        return effects;
    }
    match model.modal.take() {
        Some(Modal::Compose(compose)) => go(model, compose, act, now),
        other => {
            model.modal = other;
            Vec::new()
        }
    }
}

/// The act that the open composer asks for.
fn act_of(model: &Model, text: String) -> Option<Act> {
    let Some(Modal::Compose(compose)) = &model.modal else {
        return None;
    };
    let on = |about: &About, act| {
        // As it stands by now, where it is still listed.
        let about = model
            .incidents
            .incident(&about.id)
            .map_or_else(|| about.clone(), |incident| super::about(incident));
        Act::Incident {
            incident: about.id,
            act,
            seen: about.seen,
            label: about.label,
        }
    };
    match &compose.purpose {
        Purpose::Note(about) => Some(on(about, IncidentAct::Note { text })),
        Purpose::StatusUpdate(about) => Some(on(about, IncidentAct::StatusUpdate { text })),
        Purpose::Mark { at, .. } => Some(Act::Annotate(AnnotationDraft {
            at: *at,
            until: None,
            text,
            tags: vec![TAG.to_owned()],
        })),
        Purpose::Declaration => compose.declaration().map(Act::Declare),
    }
}

/// Hands the act over. The text stays until the act is on the disk.
fn go(model: &mut Model, mut compose: Box<Compose>, act: Act, now: Now) -> Vec<Effect> {
    // The draft first: whatever happens before the act is on the disk, the text is.
    compose.save_due = Some(now.tick);
    let mut effects: Vec<Effect> = save(&mut compose).into_iter().collect();
    let grace = model.settings.grace;
    let stage = if act.has_grace() {
        Stage::Grace {
            until: now.tick + grace,
        }
    } else {
        Stage::Sent { since: now.tick }
    };
    let what = compose.purpose.word();
    let said = if act.has_grace() {
        let undo = model.keymap.keys_for(Action::Undo).into_iter().next();
        let undo = undo.unwrap_or_default();
        format!("{what}: sending in {} s, {undo} undoes", grace.as_secs())
    } else {
        format!("{what}: being saved")
    };
    let id = model.acts.add(act.clone(), stage, now.tick);
    model.sent_texts.push(Sent { id, compose });
    model.toasts.say(Level::Info, said, now.tick);
    effects.push(Effect::Carry { id, act });
    effects
}

/// A declaration was confirmed: its draft goes out.
pub(in crate::app::update) fn declared(model: &mut Model, act: Act, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(
            model,
            Level::Warn,
            format!("not declared: {why}; the draft is kept"),
            now,
        );
    }
    let mut compose = Compose::new(Purpose::Declaration);
    if let Some(draft) = drafts::take(model, &compose.purpose) {
        compose.fill(&draft.text);
        compose.kept = Kept::Yes;
    }
    go(model, Box::new(compose), act, now)
}

fn take_sent(model: &mut Model, id: ActId) -> Option<Sent> {
    let at = model.sent_texts.iter().position(|sent| sent.id == id)?;
    Some(model.sent_texts.remove(at))
}

/// An act is on the disk: its draft is needed no more. Or it could not be put there: the text comes back.
pub(in crate::app::update) fn journaled(
    model: &mut Model,
    id: ActId,
    result: Result<Vec<EntryId>, String>,
    now: Now,
) -> Vec<Effect> {
    if let Some(effects) = undo::journaled(model, id, &result, now) {
        return effects;
    }
    let Some(sent) = take_sent(model, id) else {
        return outbox::journaled(model, id, result, now);
    };
    if let Err(why) = result {
        model.acts.pending.retain(|pending| pending.id != id);
        let why = format!("not saved, so not sent: {}", SafeText::line(&why));
        return come_back(model, sent.compose, &why, now);
    }
    let mut effects = outbox::journaled(model, id, result, now);
    effects.push(superseded(model, &sent.compose.purpose));
    effects
}

/// What is to stand on the disk once a text is no draft any more: what was written since, or nothing.
fn superseded(model: &mut Model, purpose: &Purpose) -> Effect {
    let key = purpose.key();
    if let Some(newer) = drafts::held(model, key) {
        return Effect::SaveDraft(newer.clone());
    }
    match &mut model.modal {
        Some(Modal::Compose(open)) if open.purpose.key() == key => match open.draft() {
            Some(newer) => {
                open.kept = Kept::Yes;
                Effect::SaveDraft(newer)
            }
            None => drop_draft(purpose),
        },
        _ => drop_draft(purpose),
    }
}

/// An act ended before it was on the disk: the text comes back.
pub(in crate::app::update) fn failed(model: &mut Model, id: ActId, why: &str, now: Now) -> Vec<Effect> {
    match take_sent(model, id) {
        Some(sent) => come_back(model, sent.compose, why, now),
        None => Vec::new(),
    }
}

/// Opens the composer again with the text and the error; where something else is open, the text is kept as a draft.
fn come_back(model: &mut Model, mut lost: Box<Compose>, why: &str, now: Now) -> Vec<Effect> {
    let what = lost.purpose.word();
    lost.error = Some(why.to_owned());
    if let Some(newer) = drafts::take(model, &lost.purpose) {
        lost.fill(&format!("{}\n\n{}", lost.written(), newer.text));
    }
    // What was kept of it may have given way to the newer one.
    lost.save_due = Some(now.tick + SAVE_AFTER);
    match &mut model.modal {
        None => {
            model.modal = Some(Modal::Compose(lost));
            Vec::new()
        }
        Some(Modal::Compose(open)) if open.purpose.key() == lost.purpose.key() => {
            put_before(open, &lost.written(), now);
            open.error = lost.error;
            Vec::new()
        }
        Some(_) => {
            let effects = save(&mut lost).into_iter().collect();
            if let Some(draft) = lost.draft() {
                hold(model, draft);
            }
            model.toasts.say(
                Level::Error,
                format!("{what}: {why}; its text is kept as a draft"),
                now.tick,
            );
            effects
        }
    }
}

/// An act is being asked back: its text is put on the disk before it is known whether that was in time.
pub(in crate::app::update) fn save_text(model: &Model, act: &Act) -> Option<Effect> {
    let mut compose = rebuilt(act)?;
    if let Some(newer) = drafts::held(model, compose.purpose.key()) {
        compose.fill(&format!("{}\n\n{}", compose.written(), newer.text));
    }
    compose.draft().map(Effect::SaveDraft)
}

/// It was too late to take an act back: its text is said, and is no draft.
pub(in crate::app::update) fn drop_text(model: &mut Model, id: ActId, act: &Act) -> Vec<Effect> {
    let sent = take_sent(model, id).map(|sent| sent.compose);
    let Some(compose) = sent.or_else(|| rebuilt(act)) else {
        return Vec::new();
    };
    vec![superseded(model, &compose.purpose)]
}

/// An act was undone: its text is a draft again. What to add to the sentence that says so.
pub(in crate::app::update) fn give_back(
    model: &mut Model,
    id: ActId,
    act: &Act,
    now: Now,
) -> (Vec<Effect>, &'static str) {
    let sent = take_sent(model, id).map(|sent| sent.compose);
    let Some(mut compose) = sent.or_else(|| rebuilt(act)) else {
        return (Vec::new(), "");
    };
    if let Some(Modal::Compose(open)) = &mut model.modal
        && open.purpose.key() == compose.purpose.key()
    {
        put_before(open, &compose.written(), now);
        return (Vec::new(), "; its text stands in the composer");
    }
    if let Some(newer) = drafts::take(model, &compose.purpose) {
        compose.fill(&format!("{}\n\n{}", compose.written(), newer.text));
    }
    let mut effects = Vec::new();
    if let Some(draft) = compose.draft() {
        effects.push(Effect::SaveDraft(draft.clone()));
        hold(model, draft);
    }
    (effects, "; its text is kept as a draft")
}

/// The composer that an act came from.
fn rebuilt(act: &Act) -> Option<Box<Compose>> {
    let (purpose, text) = match act {
        Act::Incident {
            incident,
            act,
            seen,
            label,
        } => {
            let about = About {
                id: incident.clone(),
                label: Arc::clone(label),
                seen: seen.clone(),
            };
            match act {
                IncidentAct::Note { text } => (Purpose::Note(about), text),
                IncidentAct::StatusUpdate { text } => (Purpose::StatusUpdate(about), text),
                IncidentAct::Acknowledge
                | IncidentAct::Resolve { .. }
                | IncidentAct::Escalate { .. }
                | IncidentAct::ReassignTo { .. }
                | IncidentAct::ReassignPolicy { .. }
                | IncidentAct::Page { .. }
                | IncidentAct::Snooze { .. }
                | IncidentAct::Merge { .. }
                | IncidentAct::Priority { .. }
                | IncidentAct::Advance { .. }
                | IncidentAct::Assign { .. } => return None,
            }
        }
        Act::Annotate(draft) => {
            let purpose = Purpose::Mark {
                at: draft.at,
                backend: "".into(),
            };
            (purpose, &draft.text)
        }
        Act::Acknowledge { .. }
        | Act::HandBack { .. }
        | Act::Silence(_)
        | Act::Extend { .. }
        | Act::Expire { .. }
        | Act::Renew(_)
        | Act::Declare(_) => return None,
    };
    let mut compose = Compose::new(purpose);
    compose.fill(text);
    Some(Box::new(compose))
}
