//! Incidents: every keeper of the context polled, their answers put together as one board.
//!
//! Knows neither who keeps what nor what is done with the board. Start at [`gather`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::app::feed::{Feed, Fetched, Status};
use crate::app::incidents::IncidentBoard;
use crate::backend::incidents::{Incidents, Question};
use crate::domain::incident::{ActingAs, Incident, Listing, Status as Stand, Urgency};
use crate::time::{Clock, Tick};

/// How often open incidents are listed.
pub(super) const POLL: Duration = Duration::from_secs(20);

/// One keeper with what it said last.
pub(super) struct Keeper {
    pub keeper: Arc<dyn Incidents>,
    pub listing: watch::Receiver<Feed<Listing>>,
}

/// Asks a keeper for what the console wants to see.
pub(super) async fn list(
    keeper: Arc<dyn Incidents>,
    question: watch::Receiver<Question>,
) -> crate::backend::BackendResult<Listing> {
    let asked = question.borrow().clone();
    keeper.list(asked).await
}

/// Puts the answers together whenever one of them changed.
pub(super) async fn gather(
    keepers: Vec<Keeper>,
    acting_as: watch::Receiver<Option<ActingAs>>,
    remarks: Vec<String>,
    out: watch::Sender<Feed<IncidentBoard>>,
    stir: Arc<Notify>,
    clock: Clock,
) {
    loop {
        stir.notified().await;
        let feeds: Vec<(Arc<str>, Feed<Listing>)> = keepers
            .iter()
            .map(|held| (Arc::clone(held.keeper.name()), held.listing.borrow().clone()))
            .collect();
        let together = board(&feeds, acting_as.borrow().clone(), &remarks, clock.tick());
        out.send_replace(together);
    }
}

/// One feed of all: as old as its oldest part, failed where a keeper that was never heard failed.
fn board(
    feeds: &[(Arc<str>, Feed<Listing>)],
    acting_as: Option<ActingAs>,
    remarks: &[String],
    now: Tick,
) -> Feed<IncidentBoard> {
    let mut together = Feed::new(POLL);
    let mut board = IncidentBoard {
        acting_as,
        remarks: remarks.to_vec(),
        ..IncidentBoard::default()
    };
    let mut oldest: Option<Tick> = None;
    for (name, feed) in feeds {
        if let Status::Failed { cause, .. } = &feed.status {
            board.errors.push(format!("{name}: {cause}"));
            together.status = feed.status.clone();
        }
        let Some(last) = &feed.last else { continue };
        oldest = Some(oldest.map_or(last.at, |at| at.min(last.at)));
        board.incidents.extend(last.value.incidents.iter().cloned().map(Arc::new));
        board.remarks.extend(last.value.partial.clone());
    }
    board.incidents.sort_by(|a, b| rank(a).cmp(&rank(b)));
    if together.status == (Status::InFlight { since: now }) || oldest.is_some() && board.errors.is_empty() {
        together.status = Status::Idle;
    }
    together.last = oldest.map(|at| Fetched {
        value: Arc::new(board),
        at,
    });
    together
}

/// Open before ended; nobody's before somebody's; loud before quiet; severe before mild; open ones the oldest
/// first, ended ones the newest.
fn rank(incident: &Incident) -> (bool, bool, bool, Arc<str>, i64) {
    let open = incident.status.is_open();
    let begun = incident.created_at.timestamp_millis();
    (
        !open,
        open && incident.status != Stand::Triggered,
        incident.urgency == Some(Urgency::Low),
        // SEV1 and P1 sort by their words; what has none comes last.
        incident.severity.clone().unwrap_or_else(|| "~".into()),
        if open { begun } else { -begun },
    )
}
