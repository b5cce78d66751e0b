//! Drafts: what is typed is put on the disk within a second and whenever a composer closes, and comes back.

use std::time::Duration;

use super::super::say;
use super::keys::typed;
use crate::action::Action;
use crate::app::compose::{Compose, Kept, Purpose, joined};
use crate::app::modal::Modal;
use crate::app::toast::Level;
use crate::app::{Draft, DraftKind, Effect, Model};
use crate::domain::incident::IncidentId;
use crate::text::SafeText;
use crate::time::Now;

/// A crash loses what was typed within this, at most.
pub(super) const SAVE_AFTER: Duration = Duration::from_secs(1);

/// Whether it is the draft of this kind and incident.
pub(super) fn of_key(draft: &Draft, key: (DraftKind, Option<&IncidentId>)) -> bool {
    (draft.kind, draft.incident.as_ref()) == key
}

/// Takes the draft of a purpose out.
pub(super) fn take(model: &mut Model, purpose: &Purpose) -> Option<Draft> {
    let at = model
        .drafts
        .iter()
        .position(|draft| of_key(draft, purpose.key()))?;
    Some(model.drafts.remove(at))
}

/// The draft of this kind and incident that is held.
pub(super) fn held<'a>(model: &'a Model, key: (DraftKind, Option<&IncidentId>)) -> Option<&'a Draft> {
    model.drafts.iter().find(|draft| of_key(draft, key))
}

/// Keeps a draft here in the place of the one before.
pub(super) fn hold(model: &mut Model, draft: Draft) {
    model
        .drafts
        .retain(|held| !of_key(held, (draft.kind, draft.incident.as_ref())));
    model.drafts.push(draft);
}

/// Forgets what the disk has of it.
pub(super) fn drop_draft(purpose: &Purpose) -> Effect {
    let (kind, incident) = purpose.key();
    Effect::DropDraft {
        kind,
        incident: incident.cloned(),
    }
}

/// Puts on the disk what is not there yet.
pub(super) fn save(compose: &mut Compose) -> Option<Effect> {
    compose.save_due.take()?;
    match (compose.draft(), compose.kept) {
        (Some(draft), _) => {
            compose.kept = Kept::Yes;
            Some(Effect::SaveDraft(draft))
        }
        (None, Kept::Yes) => {
            compose.kept = Kept::No;
            Some(drop_draft(&compose.purpose))
        }
        (None, Kept::No) => None,
    }
}

/// Puts a text before what is written.
pub(super) fn put_before(open: &mut Compose, text: &str, now: Now) {
    let both = if open.is_blank() {
        text.to_owned()
    } else {
        joined(text, &open.written())
    };
    open.fill(&both);
    open.kept = Kept::Yes;
    open.save_due = Some(now.tick + SAVE_AFTER);
}

/// Puts on the disk what is being written, and leaves the composer open.
pub(super) fn save_open(model: &mut Model) -> Vec<Effect> {
    match &mut model.modal {
        Some(Modal::Compose(compose)) => save(compose).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Closes the composer; what was written is kept as a draft.
pub(in crate::app::update) fn put_away(model: &mut Model) -> Vec<Effect> {
    let Some(Modal::Compose(mut compose)) = model.modal.take() else {
        return Vec::new();
    };
    let effects = save(&mut compose).into_iter().collect();
    if let Some(draft) = compose.draft() {
        hold(model, draft);
    }
    effects
}

/// The time to save has come.
pub(in crate::app::update) fn rest(model: &mut Model, now: Now) -> Vec<Effect> {
    match &mut model.modal {
        Some(Modal::Compose(compose)) if compose.save_due.is_some_and(|due| due <= now.tick) => {
            save(compose).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The engineer's own editor was closed.
pub(in crate::app::update) fn edited(
    model: &mut Model,
    result: Result<String, String>,
    now: Now,
) -> Vec<Effect> {
    let Some(Modal::Compose(compose)) = &mut model.modal else {
        return Vec::new();
    };
    let handed = compose.handed.take().unwrap_or_default();
    match result {
        Ok(text) if text.trim_end() == handed.trim_end() => {
            say(model, Level::Info, "the editor changed nothing", now)
        }
        Ok(text) => {
            // What came meanwhile, because it could not be sent, stands before it.
            let written = compose.written();
            compose.fill(&match written.strip_suffix(&handed) {
                Some(meanwhile) => format!("{meanwhile}{text}"),
                None => format!("{written}\n\n{text}"),
            });
            typed(compose, now);
            save_open(model)
        }
        Err(why) => {
            compose.error = Some(format!("{}; the text is as it was", SafeText::line(&why)));
            Vec::new()
        }
    }
}

/// What earlier sessions left unsent. What was written meanwhile is newer, and neither is lost.
pub(in crate::app::update) fn drafts_read(model: &mut Model, drafts: Vec<Draft>, now: Now) -> Vec<Effect> {
    let mut restored = false;
    let mut effects = Vec::new();
    for mut draft in drafts {
        let key = (draft.kind, draft.incident.as_ref());
        if let Some(Modal::Compose(open)) = &mut model.modal
            && open.purpose.key() == key
        {
            put_before(open, &draft.text, now);
            continue;
        }
        restored = true;
        if let Some(newer) = held(model, key) {
            draft.text = joined(&draft.text, &newer.text);
        }
        // What was written and sent meanwhile stands in its place on the disk.
        if held(model, key).is_some()
            || model
                .sent_texts
                .iter()
                .any(|sent| sent.compose.purpose.key() == key)
        {
            effects.push(Effect::SaveDraft(draft.clone()));
        }
        hold(model, draft);
    }
    if restored {
        let words = from_before(model);
        model.toasts.say(Level::Info, words, now.tick);
    }
    effects
}

/// What is said of drafts that came back: how each kind of them is opened.
fn from_before(model: &Model) -> String {
    let of = |action: Action, where_it_is: &str, kind: DraftKind| {
        let any = model.drafts.iter().any(|draft| draft.kind == kind);
        let key = model.keymap.keys_for(action).into_iter().next();
        let how = key.unwrap_or_else(|| format!("{} in the palette", action.name()));
        any.then(|| format!("{how} opens {where_it_is}"))
    };
    let ways = [
        of(Action::Annotate, "the note on its incident", DraftKind::Note),
        of(
            Action::StatusUpdate,
            "the update on its incident",
            DraftKind::StatusUpdate,
        ),
        of(Action::Declare, "the declaration", DraftKind::Declaration),
        of(Action::MarkMoment, "the mark", DraftKind::Mark),
    ];
    let drafts = if model.drafts.len() == 1 {
        "a draft"
    } else {
        "drafts"
    };
    let ways: Vec<String> = ways.into_iter().flatten().collect();
    format!("{drafts} of yours from before: {}", ways.join(", "))
}
