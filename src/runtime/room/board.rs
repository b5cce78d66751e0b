//! The incidents of every keeper, put together as one board.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::app::feed::{Feed, Fetched, Status};
use crate::app::incidents::IncidentBoard;
use crate::domain::incident::{ActingAs, Delays, Incident, Listing, Status as Stand, Urgency, local};

/// One keeper with what it said last.
pub(super) struct Told {
    pub name: Arc<str>,
    pub listing: watch::Receiver<Feed<Listing>>,
}

/// What stands on the board beside the lists.
pub(super) struct Beside {
    pub acting_as: watch::Receiver<Option<ActingAs>>,
    pub delays: watch::Receiver<Arc<Delays>>,
    /// Of local incidents: said where some are listed, or where nobody else keeps any.
    pub remarks: Vec<String>,
}

/// Puts the answers together whenever one of them changed.
pub(super) async fn gather(
    told: Vec<Told>,
    beside: Beside,
    out: watch::Sender<Feed<IncidentBoard>>,
    stir: Arc<Notify>,
) {
    loop {
        stir.notified().await;
        let feeds: Vec<(Arc<str>, Feed<Listing>)> = told
            .iter()
            .map(|told| (Arc::clone(&told.name), told.listing.borrow().clone()))
            .collect();
        let board = IncidentBoard {
            acting_as: beside.acting_as.borrow().clone(),
            delays: beside.delays.borrow().clone(),
            ..IncidentBoard::default()
        };
        out.send_modify(|feed| *feed = together(&feeds, board, &beside.remarks, feed.interval));
    }
}

/// One feed of all, on a board without lists yet: as old as its oldest part, failed where a keeper failed. While one
/// has neither answered nor failed, nothing listed is no answer.
fn together(
    feeds: &[(Arc<str>, Feed<Listing>)],
    mut board: IncidentBoard,
    of_local: &[String],
    interval: Duration,
) -> Feed<IncidentBoard> {
    let mut status = Status::Idle;
    let mut oldest = None;
    for (name, feed) in feeds {
        if let Status::Failed { cause, .. } = &feed.status {
            board.errors.push(format!("{name}: {cause}"));
            status = feed.status.clone();
        }
        if feed.last.is_none() && feed.failure().is_none() {
            board.waiting.push(Arc::clone(name));
        }
        if let Some(last) = &feed.last {
            oldest = Some(oldest.map_or(last.at, |at| last.at.min(at)));
            board
                .incidents
                .extend(last.value.incidents.iter().cloned().map(Arc::new));
            board.remarks.extend(last.value.partial.clone());
        }
    }
    if !board.waiting.is_empty() && board.incidents.is_empty() && board.errors.is_empty() {
        oldest = None;
    }
    let only_local = feeds.iter().all(|(name, _)| **name == *local::SOURCE);
    if only_local || board.incidents.iter().any(|incident| incident.id.is_local()) {
        board.remarks.splice(0..0, of_local.iter().cloned());
    }
    board.incidents.sort_by_cached_key(|incident| rank(incident));
    Feed {
        last: oldest.map(|at| Fetched {
            value: Arc::new(board),
            at,
        }),
        status,
        // A keeper that is asked less often makes the whole stale later.
        interval: feeds
            .iter()
            .map(|(_, feed)| feed.interval)
            .max()
            .unwrap_or(interval),
    }
}

type Rank = (bool, bool, bool, Arc<str>, Reverse<i64>);

/// Open before ended; nobody's before somebody's; loud before quiet; severe before mild; then the newest.
fn rank(incident: &Incident) -> Rank {
    let open = incident.status.is_open();
    (
        !open,
        open && incident.status != Stand::Triggered,
        open && incident.urgency == Some(Urgency::Low),
        // SEV1 and P1 sort by their words; what has none comes last.
        incident
            .severity
            .clone()
            .filter(|_| open)
            .unwrap_or_else(|| "~".into()),
        Reverse(incident.created_at.timestamp_millis()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::sample;
    use crate::time::Tick;

    fn heard(at: u64, incidents: Vec<Incident>) -> Feed<Listing> {
        Feed {
            last: Some(Fetched {
                value: Arc::new(Listing {
                    incidents,
                    partial: None,
                }),
                at: Tick::from_secs(at),
            }),
            status: Status::Idle,
            interval: Duration::from_secs(20),
        }
    }

    fn joined(feeds: &[(&str, Feed<Listing>)]) -> Feed<IncidentBoard> {
        let feeds: Vec<_> = feeds
            .iter()
            .map(|(name, feed)| (Arc::from(*name), feed.clone()))
            .collect();
        let remarks = ["local to you".to_owned()];
        together(
            &feeds,
            IncidentBoard::default(),
            &remarks,
            Duration::from_secs(20),
        )
    }

    #[test]
    fn what_is_said_of_local_incidents_is_said_where_there_are_some() {
        let said = |feeds: &[(&str, Feed<Listing>)]| !joined(feeds).value().unwrap().remarks.is_empty();
        let theirs = ("incidents", heard(9, vec![sample::triggered("Q1")]));
        let local = |incidents| ("local", heard(4, incidents));
        assert!(!said(&[theirs.clone(), local(Vec::new())]));
        assert!(said(&[theirs, local(vec![sample::triggered("local-1")])]));
        assert!(said(&[local(Vec::new())]), "nobody else keeps any");
    }

    #[test]
    fn what_nobody_has_stands_first_and_what_is_over_last() {
        let mut over = sample::triggered("over");
        over.status = Stand::Resolved;
        let mut held = sample::triggered("held");
        held.status = Stand::Acknowledged;
        let mut quiet = sample::triggered("quiet");
        quiet.urgency = Some(Urgency::Low);
        let mut severe = sample::triggered("severe");
        severe.severity = Some("SEV1".into());
        let board = joined(&[
            ("incidents", heard(9, vec![over, held, quiet])),
            ("local", heard(4, vec![severe, sample::triggered("loud")])),
        ]);
        let ids: Vec<&str> = board
            .value()
            .unwrap()
            .incidents
            .iter()
            .map(|i| &*i.id.0)
            .collect();
        assert_eq!(ids, ["severe", "loud", "quiet", "held", "over"]);
        assert_eq!(board.last.unwrap().at, Tick::from_secs(4));
    }

    #[test]
    fn nothing_is_known_to_be_open_before_every_keeper_has_answered_or_failed() {
        let asked = Feed::new(Duration::from_secs(20));
        let waits = joined(&[("incidents", asked.clone()), ("local", heard(4, Vec::new()))]);
        assert!(
            waits.value().is_none(),
            "an empty list that nobody told: {waits:?}"
        );
        // What is known to be open is shown meanwhile, and whose answer is missing.
        let open = heard(4, vec![sample::triggered("local-1")]);
        let some = joined(&[("incidents", asked), ("local", open)]);
        let some = some.value().unwrap();
        assert_eq!(
            (some.incidents.len(), some.waiting.as_slice()),
            (1, ["incidents".into()].as_slice())
        );
        let both = joined(&[
            ("incidents", heard(5, Vec::new())),
            ("local", heard(4, Vec::new())),
        ]);
        assert!(both.value().is_some_and(|board| board.waiting.is_empty()));
    }

    #[test]
    fn a_keeper_that_fails_leaves_the_others_rows_and_is_named() {
        let mut failed = heard(3, vec![sample::triggered("a")]);
        failed.status = Status::Failed {
            cause: "503".into(),
            since: Tick::ZERO,
            next_try: Tick::from_secs(9),
        };
        let board = joined(&[("incidents", failed), ("local", heard(4, Vec::new()))]);
        assert_eq!(board.failure(), Some("503"));
        let board = board.value().unwrap();
        assert_eq!(
            (board.incidents.len(), board.errors.as_slice()),
            (1, ["incidents: 503".to_owned()].as_slice())
        );
    }
}
