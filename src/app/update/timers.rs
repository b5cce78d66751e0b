//! What time brings: toasts pass, grace times end, acknowledgements are renewed or lapse with a bell.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::acts::{Act, Belled, HeldAck, Keeper, Stage};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::{AckState, AlertState};
use crate::time::{Now, Tick};

/// An acknowledgement is renewed this long before its end: kthxbye's own default, so that one of the two acts once.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);
/// The bell rings this long before one lapses.
const BELL_BEFORE: TimeDelta = TimeDelta::minutes(2);

/// A deadline has come.
pub(super) fn timer(model: &mut Model, now: Now) -> Vec<Effect> {
    model.toasts.expire(now.tick);
    let mut effects = Vec::new();
    for pending in &mut model.acts.pending {
        if let Stage::Grace { until } = pending.stage
            && until <= now.tick
        {
            pending.stage = Stage::Sent { since: now.tick };
            effects.push(Effect::Carry {
                id: pending.id,
                act: pending.act.clone(),
            });
        }
    }
    model.acts.pending.retain(|pending| match pending.stage {
        Stage::Confirmed { at } => now.tick.since(at) < crate::app::acts::Acts::AGREE_WITHIN,
        Stage::Grace { .. } | Stage::Sent { .. } => true,
    });
    if model.acts.next_check.is_some_and(|at| at <= now.tick) {
        effects.extend(renew(model, now));
        model.acts.next_check = next_check(model, now);
    }
    effects
}

/// When the held acknowledgements want a look: at the first renewal, bell or end.
pub(super) fn next_check(model: &Model, now: Now) -> Option<Tick> {
    let at = |moment: DateTime<Utc>| {
        let wait = (moment - now.utc).to_std().unwrap_or_default();
        // Never sooner than a second from now: a renewal that fails is tried again, not in a loop.
        now.tick + wait.max(Duration::from_secs(1))
    };
    model
        .acts
        .held
        .iter()
        .flat_map(|held| {
            let renew = held.until - RENEW_BEFORE;
            let bell = held.until - BELL_BEFORE;
            let soonest = if renew > now.utc {
                renew
            } else if bell > now.utc {
                bell
            } else {
                held.until
            };
            [at(soonest)]
        })
        .min()
}

/// Whether this acknowledgement may be renewed: while somebody is here, not for ever, and only while a firing
/// it was made for still fires.
fn may_renew(model: &Model, held: &HeldAck, now: Now) -> bool {
    let settings = &model.settings;
    let age = (now.utc - held.made_at).to_std().unwrap_or_default();
    held.keeper == Keeper::Us
        && now.tick.since(model.last_key) < settings.ack_idle
        && age + settings.ack_lease <= settings.ack_max
        && held.occurrences.iter().any(|occurrence| {
            model.alerts.board.as_ref().is_some_and(|board| {
                board
                    .by_fingerprint
                    .get(&occurrence.fingerprint)
                    .is_some_and(|alert| {
                        alert.occurrence.starts_at == occurrence.starts_at
                            && matches!(alert.ack, AckState::Held(_))
                            && !matches!(alert.state, AlertState::Gone | AlertState::Resolved)
                    })
            })
        })
}

fn renew(model: &mut Model, now: Now) -> Vec<Effect> {
    let lease = TimeDelta::from_std(model.settings.ack_lease).unwrap_or(TimeDelta::minutes(15));
    let mut leases = Vec::new();
    let mut bell = false;
    let may: Vec<bool> = model
        .acts
        .held
        .iter()
        .map(|held| may_renew(model, held, now))
        .collect();
    for (held, may) in model.acts.held.iter_mut().zip(may) {
        let left = held.until - now.utc;
        if may && left <= RENEW_BEFORE {
            leases.push((held.silence.0.clone(), held.silence.1.clone(), now.utc + lease));
        } else if !may && held.keeper == Keeper::Us && left <= BELL_BEFORE && held.belled == Belled::No {
            held.belled = Belled::Yes;
            bell = true;
        }
    }
    model.acts.held.retain(|held| held.until > now.utc);
    let mut effects = Vec::new();
    if bell {
        model.toasts.say(
            Level::Warn,
            "an acknowledgement lapses within 2 minutes; a takes it again",
            now.tick,
        );
        effects.push(Effect::Ring);
    }
    let underway = model
        .acts
        .pending
        .iter()
        .any(|pending| matches!(pending.act, Act::Renew { .. }));
    if !leases.is_empty() && !underway && !model.settings.read_only {
        let act = Act::Renew { leases };
        let id = model.acts.add(act.clone(), Stage::Sent { since: now.tick });
        effects.push(Effect::Carry { id, act });
    }
    effects
}
