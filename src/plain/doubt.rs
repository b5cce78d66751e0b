//! Why a list cannot be believed: a bare count of what nobody told would be a false all-clear.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Doubt;
use crate::app::Model;
use crate::domain::slo::{Reading, SloReport, SloState};

/// Backends that fail, and why: one that is asked again is still among them.
type Failing = BTreeMap<Arc<str>, String>;

/// Why what fires is not known.
pub(super) fn alerts(model: &Model) -> Option<Doubt> {
    if model.settings.alertmanagers.is_empty() {
        return Some(Doubt::Unheard("no Alertmanager is configured".to_owned()));
    }
    let Some(board) = &model.alerts.board else {
        return Some(unanswered("Alertmanager"));
    };
    if let Some(why) = board.silences_unknown() {
        return Some(if board.errors.is_empty() {
            Doubt::Unheard(why)
        } else {
            Doubt::Failed(why)
        });
    }
    let deaf = board
        .sources
        .iter()
        .find(|source| !board.answers(&source.cluster))?;
    let why = deaf.fault.as_deref().unwrap_or("it does not answer");
    Some(Doubt::Failed(format!("alertmanager {}: {why}", deaf.name)))
}

/// Why no SLO's state is known.
pub(super) fn slos(model: &Model, failing: &Failing) -> Option<Doubt> {
    if !model.settings.has_metrics {
        return Some(Doubt::Unheard("no metrics backend is configured".to_owned()));
    }
    let cause = model
        .slo
        .feed
        .failure()
        .or_else(|| failing.get("metrics").map(String::as_str));
    match cause {
        Some(cause) => Some(Doubt::Failed(format!("metrics: {cause}"))),
        None if model.slo.board().is_none() => Some(unanswered("metrics backend")),
        None => None,
    }
}

/// Why the incidents are not known: what the journal keeps does not make the answer of a keeper.
pub(super) fn incidents(model: &Model, failing: &Failing) -> Option<Doubt> {
    let keeper = model.settings.incidents.as_ref();
    let feed = &model.incidents.feed;
    let board = feed.value();
    if let Some(error) = board.and_then(|board| board.errors.first()) {
        return Some(Doubt::Failed(error.clone()));
    }
    if let Some(cause) = feed.failure() {
        return Some(Doubt::Failed(cause.to_owned()));
    }
    if let Some((keeper, cause)) = keeper.and_then(|keeper| failing.get_key_value(keeper)) {
        return Some(Doubt::Failed(format!("{keeper}: {cause}")));
    }
    match (board, &model.settings.no_journal) {
        (Some(board), _) => board
            .waiting
            .first()
            .map(|name| Doubt::Unheard(format!("{name} has not answered yet"))),
        (None, Some(_)) if keeper.is_none() => Some(Doubt::Unheard("nobody keeps any".to_owned())),
        (None, _) => Some(unanswered("keeper of incidents")),
    }
}

fn unanswered(who: &str) -> Doubt {
    Doubt::Unheard(format!("no {who} has answered yet"))
}

/// Nothing has been read over the shortest window, and nothing burns over longer ones.
pub(super) fn is_unread(report: &SloReport) -> bool {
    matches!(
        report.windows.first().map(|window| &window.reading),
        Some(Reading::Pending)
    ) && !matches!(report.state, SloState::Page | SloState::Ticket)
}
