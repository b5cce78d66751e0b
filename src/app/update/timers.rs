//! What time brings: toasts pass, grace times end, acknowledgements are renewed or lapse with a bell.

use std::time::Duration;

use super::alerts::describe;
use super::{compose, silences, waterfall};
use crate::app::acts::{Act, Acts, Belled, Renewal, Stage};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::lease::{BELL, Lease, Step, Terms, extension_due};
use crate::domain::alert::{AlertBoard, BoardSilence, SilenceState, Standing};
use crate::time::{Now, Tick};

/// What to say of an acknowledgement that is in force no more, where nothing else hides what it was for. The
/// board may still show the alert as held: it was asked for before the end came.
fn fires_again(lease: &Lease, board: &AlertBoard, now: Now) -> Option<String> {
    let hides = |row: &BoardSilence| {
        let silence = &row.silence;
        let itself = silence.id == lease.id && row.cluster == lease.cluster;
        !itself && silence.state == SilenceState::Active && silence.ends_at > now.utc
    };
    let free = lease.covers.iter().find_map(|occurrence| {
        let alert = board.by_fingerprint.get(&occurrence.fingerprint)?;
        let hidden = !alert.inhibited_by.is_empty()
            || !alert.muted_by.is_empty()
            || board.silences_of(alert).any(|row| hides(row));
        (alert.standing() != Standing::Over && !hidden).then_some(alert)
    })?;
    Some(format!(
        "an acknowledgement is over and {} fires: acknowledge again to keep it",
        describe(free)
    ))
}

/// How often the held acknowledgements are looked at: often enough for the bell, two minutes before the end.
const LOOK: Duration = Duration::from_secs(15);

/// A deadline has come.
pub(super) fn timer(model: &mut Model, now: Now) -> Vec<Effect> {
    model.toasts.expire(now.tick, model.covered());
    let mut effects = Vec::new();
    if model.alerts.past_due.is_some_and(|at| at <= now.tick) {
        effects.extend(silences::ask_past(model));
    }
    effects.extend(compose::rest(model, now));
    effects.extend(waterfall::grow(model, now));
    for pending in &mut model.acts.pending {
        // The outbox sends it; only its being undone is over. One that is not on the disk yet is not sent either.
        if matches!(pending.stage, Stage::Grace { until } if until <= now.tick) && pending.entries.is_some() {
            pending.stage = Stage::Sent { since: now.tick };
        }
    }
    model.acts.pending.retain(|pending| match pending.stage {
        Stage::Confirmed { at } => now.tick.since(at) < Acts::AGREE_WITHIN,
        Stage::Grace { .. } | Stage::Sent { .. } | Stage::TakingBack { .. } | Stage::Unsaved { .. } => true,
    });
    if model.acts.next_check.is_some_and(|at| at <= now.tick) {
        effects.extend(look_at_leases(model, now));
        model.acts.next_check = next_check(model, now);
    }
    effects
}

/// When the held acknowledgements want a look.
pub(super) fn next_check(model: &Model, now: Now) -> Option<Tick> {
    (!model.acts.held.is_empty()).then(|| now.tick + LOOK)
}

/// Renews what may be renewed, rings for what is about to lapse, forgets what is over.
fn look_at_leases(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(board) = model.alerts.board.clone() else {
        return Vec::new();
    };
    let terms = Terms {
        lease: model.settings.ack_lease,
        max: model.settings.ack_max,
        idle: model.settings.ack_idle,
    };
    let idle = now.tick.since(model.last_key);
    let mut renewals = Vec::new();
    let mut words = Vec::new();
    let pending = &model.acts.pending;
    model.acts.held.retain_mut(
        |held| match extension_due(&held.lease, &board, &terms, idle, now) {
            Step::Wait => true,
            // An extension that overtakes the hand-back under way would bring it back.
            Step::Extend { .. } if pending.iter().any(|pending| pending.act.ends(&held.lease)) => true,
            Step::Extend { until, lapses } => {
                if let (Some(at), Belled::No) = (lapses, held.belled) {
                    held.belled = Belled::Yes;
                    words.push(format!(
                        "an acknowledgement lapses at {} unless an extension succeeds: none has yet",
                        at.format("%H:%MZ")
                    ));
                }
                renewals.push(Renewal {
                    lease: held.lease.clone(),
                    until,
                });
                let left = (held.lease.set_until - now.utc).to_std().unwrap_or_default();
                if left <= BELL && held.belled == Belled::No {
                    held.belled = Belled::Yes;
                    words.push(format!(
                        "an acknowledgement lapses at {}: it could not be extended so far, and is still being tried",
                        held.lease.set_until.format("%H:%MZ")
                    ));
                }
                true
            }
            Step::Bell { at, why } => {
                if held.belled == Belled::No {
                    held.belled = Belled::Yes;
                    words.push(format!(
                        "an acknowledgement lapses at {}: {}",
                        at.format("%H:%MZ"),
                        why.words(&terms)
                    ));
                }
                true
            }
            Step::Done => false,
            Step::Lapsed => {
                words.extend(fires_again(&held.lease, &board, now));
                false
            }
        },
    );
    let mut effects = Vec::new();
    if !words.is_empty() {
        for text in words {
            model.toasts.say(Level::Warn, text, now.tick);
        }
        effects.push(Effect::Ring);
    }
    let underway = model
        .acts
        .pending
        .iter()
        .any(|pending| matches!(pending.act, Act::Renew(_)));
    if !renewals.is_empty() && !underway {
        let act = Act::Renew(renewals);
        let id = model
            .acts
            .add(act.clone(), Stage::Sent { since: now.tick }, now.tick);
        effects.push(Effect::Carry { id, act });
    }
    effects
}
