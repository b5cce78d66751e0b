//! What backends said: boards replace boards, cursors stay on their items, pending acts stay pending.

use std::sync::Arc;

use super::alerts::{describe, not_taken};
use super::{compose, silences};
use crate::app::acts::{Act, ActId, Acts, Belled, HeldAck, Stage};
use crate::app::feed::Feed;
use crate::app::focus::PaneId;
use crate::app::list::Placed;
use crate::app::msg::{ActResult, ActState};
use crate::app::news::{News, Page};
use crate::app::panes::AlertRow;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::ack::Marker;
use crate::domain::alert::lease::Lease;
use crate::domain::alert::{AckState, AlertBoard, BoardSilence, SeverityRank, SilenceState};
use crate::domain::slo::SloBoard;
use crate::time::Now;

/// The SLO engine published.
pub(super) fn slo(model: &mut Model, feed: Feed<SloBoard>) -> Vec<Effect> {
    model.slo.feed = feed;
    if model.slo.frozen.is_none() {
        super::panes::arrange_slos(model);
    }
    // Without any SLO the queue is what there is to look at, unless somebody has chosen already.
    let untouched = model.slo.list.placed == Placed::ByNobody && model.alerts.list.placed == Placed::ByNobody;
    let answered = model.slo.feed.value().is_some_and(|board| board.slos.is_empty());
    if answered && untouched && model.focus == PaneId::Slo && !model.settings.alertmanagers.is_empty() {
        model.focus = PaneId::Alerts;
    }
    Vec::new()
}

/// The desk arranged a new board.
pub(super) fn alerts(model: &mut Model, board: &Arc<AlertBoard>, now: Now) -> Vec<Effect> {
    let news = News::of_board(model, board, now);
    let new_pages = board
        .newly_firing
        .iter()
        .filter_map(|fingerprint| board.by_fingerprint.get(fingerprint))
        .filter(|alert| {
            alert
                .severity
                .as_deref()
                .is_some_and(|word| SeverityRank::of(word) == SeverityRank::Critical)
        })
        .count();
    settle(model, board, now);
    let before = model.alerts.board.replace(Arc::clone(board));
    adopt(model, now);
    if let Some(paused) = &mut model.paused {
        paused.new_pages += new_pages;
    } else {
        replace(model, before, now);
    }
    let mut effects = silences::look_again(model, now);
    effects.extend(told(model, news));
    effects
}

/// New pages ring once, however many they are, and each is shown on the desktop.
pub(super) fn told(model: &Model, news: Vec<Page>) -> Vec<Effect> {
    if news.is_empty() {
        return Vec::new();
    }
    let context = &model.settings.context;
    let notice = |title: String, body: String| Effect::Notify {
        title: format!("midwatch {context}: {title}"),
        body,
    };
    // A storm of pages is one piece of news.
    let notices = match <[Page; 1]>::try_from(news) {
        Ok([page]) => vec![notice(page.title, page.body)],
        Err(news) => {
            let titles: Vec<&str> = news.iter().map(|page| page.title.as_str()).collect();
            vec![notice(format!("{} new pages", news.len()), titles.join(", "))]
        }
    };
    std::iter::once(Effect::Ring).chain(notices).collect()
}

/// Thaws what was frozen: what changed meanwhile is as new to the eye as a board that just came.
pub(super) fn show_present(model: &mut Model, now: Now) {
    let frozen = model.alerts.frozen.take();
    replace(model, frozen, now);
}

/// Lays out the present board in place of the one that was on screen.
fn replace(model: &mut Model, before: Option<Arc<AlertBoard>>, now: Now) {
    let was = under_cursor(model, before.as_deref());
    if let Some(before) = before {
        model.alerts.remember(before, now);
    }
    model.alerts.arrange();
    model.silences.arrange(model.alerts.board.as_deref(), now);
    if let Some((row, text)) = was
        && model.alerts.list.selected.as_ref() != Some(&row)
    {
        model.alerts.displaced = Some((text, now.tick));
    }
}

fn under_cursor(model: &Model, before: Option<&AlertBoard>) -> Option<(AlertRow, String)> {
    let row = model.alerts.list.selected.clone()?;
    let text = match &row {
        AlertRow::Alert { fingerprint, .. } => describe(before?.by_fingerprint.get(fingerprint)?),
        AlertRow::Group(key) => {
            let group = before?.groups.iter().find(|group| group.key == *key)?;
            format!("{} ×{}", describe(group.alerts.first()?), group.alerts.len())
        }
    };
    Some((row, text))
}

/// Acts that the board shows done are over; a confirmed one that it does not show in time is no longer waited for.
fn settle(model: &mut Model, board: &AlertBoard, now: Now) {
    model.acts.pending.retain(|pending| {
        let Stage::Confirmed { at } = pending.stage else {
            return true;
        };
        if now.tick.since(at) >= Acts::AGREE_WITHIN {
            return false;
        }
        match &pending.act {
            Act::Acknowledge { alerts, .. } => alerts.iter().any(|occurrence| {
                board
                    .by_fingerprint
                    .get(&occurrence.fingerprint)
                    .is_some_and(|alert| !matches!(alert.ack, AckState::Held(_)))
            }),
            Act::HandBack { alerts } => alerts.iter().any(|fingerprint| {
                board
                    .by_fingerprint
                    .get(fingerprint)
                    .is_some_and(|alert| matches!(alert.ack, AckState::Held(_)))
            }),
            Act::Silence(_)
            | Act::Extend { .. }
            | Act::Expire { .. }
            | Act::Renew(_)
            | Act::Incident { .. }
            | Act::Annotate(_)
            | Act::Declare(_) => false,
        }
    });
}

/// Takes up the acknowledgements that the journal tells of and the board shows in force: those of a console that
/// ended, and those whose answer was lost and that were found by their marker.
pub(super) fn adopt(model: &mut Model, now: Now) {
    let Some(board) = model.alerts.board.clone() else {
        return;
    };
    for entry in &model.outbox.acknowledgements {
        if model.acts.adopted.contains(&entry.id) {
            continue;
        }
        let Some(lease) = entry.lease() else {
            continue;
        };
        let carries = |row: &&Arc<BoardSilence>| {
            row.cluster == lease.cluster
                && row.silence.state == SilenceState::Active
                && Marker::of(&row.silence.comment).as_ref() == Some(&entry.marker)
        };
        let Some(row) = board.silences.iter().find(carries) else {
            continue;
        };
        model.acts.adopted.insert(entry.id);
        let known = model
            .acts
            .held
            .iter()
            .any(|held| held.lease.cluster == lease.cluster && held.lease.covers == lease.covers);
        if !known && !model.acts.pending.iter().any(|pending| pending.act.ends(&lease)) {
            model.acts.held.push(HeldAck {
                // The server may have made it anew, and somebody may have kept it since.
                lease: Lease {
                    id: Arc::clone(&row.silence.id),
                    set_until: row.silence.ends_at,
                    ..lease
                },
                belled: Belled::No,
            });
            model.acts.next_check = super::timers::next_check(model, now);
        }
    }
}

/// An act came to an end.
pub(super) fn act_finished(model: &mut Model, id: ActId, result: ActResult, now: Now) -> Vec<Effect> {
    let Some(at) = model.acts.pending.iter().position(|pending| pending.id == id) else {
        return Vec::new();
    };
    let Some((act, stage)) = model
        .acts
        .pending
        .get(at)
        .map(|pending| (pending.act.clone(), pending.stage))
    else {
        return Vec::new();
    };
    if result.state != ActState::Failed {
        // One whose end is not known is not extended either: it may be over, and would come back.
        model.acts.held.retain(|held| !act.ends(&held.lease));
    }
    let mut kept = "";
    let mut effects = Vec::new();
    match result.state {
        ActState::Confirmed | ActState::Unheard => {
            if let Some(pending) = model.acts.pending.get_mut(at) {
                pending.stage = Stage::Confirmed { at: now.tick };
            }
        }
        // What was typed was sent to somebody: it is no draft any more.
        ActState::Unknown | ActState::Partly => {
            model.acts.pending.remove(at);
        }
        ActState::Failed => {
            let pending = model.acts.pending.remove(at);
            kept = silences::keep_draft(model, &pending);
            effects = compose::failed(model, id, &result.message, now);
        }
    }
    let renewed = matches!(act, Act::Renew(_));
    for lease in result.leases {
        let same =
            |held: &&mut HeldAck| held.lease.cluster == lease.cluster && held.lease.covers == lease.covers;
        let fresh = HeldAck {
            lease: lease.clone(),
            belled: Belled::No,
        };
        match model.acts.held.iter_mut().find(same) {
            // A renewal: the same firings, perhaps under a new id.
            Some(held) => *held = fresh,
            // Given up while it was being extended.
            None if renewed => {}
            None => model.acts.held.push(fresh),
        }
    }
    model.acts.next_check = super::timers::next_check(model, now);
    let not_taken = match result.state {
        ActState::Confirmed => not_taken(model, &act, now),
        ActState::Unheard | ActState::Unknown | ActState::Partly | ActState::Failed => None,
    };
    let level = match (result.state, &not_taken) {
        (ActState::Confirmed, None) => Level::Info,
        (ActState::Confirmed, Some(_)) | (ActState::Unheard | ActState::Unknown, _) => Level::Warn,
        (ActState::Partly | ActState::Failed, _) => Level::Error,
    };
    if !result.message.is_empty() {
        let too_late = match (stage, result.state) {
            (
                Stage::TakingBack { .. },
                ActState::Confirmed | ActState::Unheard | ActState::Unknown | ActState::Partly,
            ) => "NOT undone: ",
            (_, _) => "",
        };
        let but = not_taken.map_or_else(String::new, |words| format!(", {words}"));
        model.toasts.say(
            level,
            format!("{too_late}{}{kept}{but}", result.message),
            now.tick,
        );
    }
    effects
}
