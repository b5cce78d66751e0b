//! Undoing: what is in its grace time is asked back, and is called undone once the journal says that it is.
//!
//! Start at [`take_back`]; the answer comes to [`answered`].

use super::{compose, say, silences};
use crate::app::acts::{Act, ActId, Stage, Undoing};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::plan::counted;
use crate::text::SafeText;
use crate::time::Now;

/// Undoes the newest act that can be.
pub(super) fn undo(model: &mut Model, now: Now) -> Vec<Effect> {
    match model.acts.in_grace().map(|act| act.id) {
        Some(id) => take_back(model, id, Undoing::Asked, now),
        None => say(model, Level::Info, "nothing is in its grace time", now),
    }
}

/// Asks an act back that is in its grace time.
pub(super) fn take_back(model: &mut Model, id: ActId, why: Undoing, now: Now) -> Vec<Effect> {
    let Some(pending) = model.acts.pending.iter_mut().find(|pending| pending.id == id) else {
        return Vec::new();
    };
    pending.stage = Stage::TakingBack { since: now.tick, why };
    if pending.entries.is_none() {
        // There is nothing to take back yet: as soon as there is, it is.
        return Vec::new();
    }
    let act = pending.act.clone();
    let mut effects = vec![Effect::TakeBack { id }];
    // Whatever the answer will be, the text is on the disk.
    effects.extend(compose::save_text(model, &act));
    effects
}

/// An act that was asked back before it was on the disk is there now, or could not be put there. Nothing where it
/// is no such act.
pub(super) fn journaled(
    model: &mut Model,
    id: ActId,
    result: &Result<Vec<crate::outbox::EntryId>, String>,
    now: Now,
) -> Option<Vec<Effect>> {
    let pending = model.acts.pending.iter_mut().find(|pending| pending.id == id)?;
    if !matches!(pending.stage, Stage::TakingBack { .. }) {
        return None;
    }
    Some(match result {
        Ok(entries) => {
            pending.entries = Some(entries.clone());
            vec![Effect::TakeBack { id }]
        }
        // What is nowhere needs no taking back.
        Err(_) => answered(model, id, Ok(()), now),
    })
}

/// The journal says whether it was in time.
pub(super) fn answered(model: &mut Model, id: ActId, result: Result<(), String>, now: Now) -> Vec<Effect> {
    let found = model
        .acts
        .pending
        .iter_mut()
        .find_map(|pending| match pending.stage {
            Stage::TakingBack { why, .. } if pending.id == id => Some((pending, why)),
            Stage::TakingBack { .. }
            | Stage::Grace { .. }
            | Stage::Sent { .. }
            | Stage::Unsaved { .. }
            | Stage::Confirmed { .. } => None,
        });
    let Some((pending, why)) = found else {
        // It came to its end meanwhile, and that was said.
        return Vec::new();
    };
    let what = pending.doing().trim_end_matches('…').to_owned();
    let act = pending.act.clone();
    if let Err(too_late) = result {
        pending.stage = Stage::Sent { since: now.tick };
        let too_late = SafeText::line(&too_late);
        let said = match why {
            Undoing::Asked => format!("NOT undone, {what} is sent: {too_late}"),
            Undoing::WouldHide(count) => format!(
                "{what} NOT taken back, though it would hide {} by now: {too_late}",
                counted(count, "alert")
            ),
        };
        model.toasts.say(Level::Error, said, now.tick);
        let mut effects = compose::drop_text(model, id, &act);
        effects.push(Effect::Ring);
        return effects;
    }
    let pending = pending.clone();
    model.acts.pending.retain(|pending| pending.id != id);
    let (mut effects, kept) = if matches!(act, Act::Silence(_)) {
        (Vec::new(), silences::keep_draft(model, &pending))
    } else {
        compose::give_back(model, id, &act, now)
    };
    match why {
        Undoing::Asked => {
            let said = format!("undone: {what} was not sent{kept}");
            model.toasts.say(Level::Info, said, now.tick);
        }
        Undoing::WouldHide(count) => {
            let alerts = counted(count, "alert");
            let said = format!("{what} taken back: it would hide {alerts} by now{kept}");
            model.toasts.say(Level::Warn, said, now.tick);
            effects.push(Effect::Ring);
        }
    }
    effects
}
