//! What is counted of incidents, kept in the journal as the list tells it: keepers forget.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::app::feed::Feed;
use crate::app::incidents::IncidentBoard;
use crate::domain::incident::{Facts, IncidentId};
use crate::journal::{Journal, facts};

/// Keeps them for ever. What cannot be written now is tried with the next change of the list.
pub(super) async fn keep(
    journal: Journal,
    context: Arc<str>,
    mut board: watch::Receiver<Feed<IncidentBoard>>,
) {
    let mut kept: HashMap<IncidentId, Facts> = HashMap::new();
    board.mark_changed();
    while board.changed().await.is_ok() {
        let Some(listed) = board.borrow_and_update().shared() else {
            continue;
        };
        let changed = changed(&kept, &listed);
        if changed.is_empty() {
            continue;
        }
        let (context, batch) = (Arc::clone(&context), changed.clone());
        let written = journal
            .write(move |tx| {
                batch
                    .iter()
                    .try_for_each(|incident| facts::keep(tx, &context, incident))
            })
            .await;
        if written.is_ok() {
            // Only what is still listed: a console that runs for weeks remembers no more than it shows.
            kept.retain(|id, _| listed.incident(id).is_some());
            kept.extend(changed.into_iter().map(|facts| (facts.incident.clone(), facts)));
        }
    }
}

/// The facts of those incidents that are not as they were written last.
fn changed(kept: &HashMap<IncidentId, Facts>, listed: &IncidentBoard) -> Vec<Facts> {
    listed
        .incidents
        .iter()
        .map(|incident| Facts::of(incident))
        .filter(|facts| kept.get(&facts.incident) != Some(facts))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::feed::{Fetched, Status as FeedStatus};
    use crate::domain::incident::Status;
    use crate::domain::incident::sample::incident;
    use crate::journal::Opening;
    use crate::time::Tick;

    fn board(incidents: Vec<crate::domain::incident::Incident>) -> Feed<IncidentBoard> {
        Feed {
            last: Some(Fetched {
                value: Arc::new(IncidentBoard {
                    incidents: incidents.into_iter().map(Arc::new).collect(),
                    ..IncidentBoard::default()
                }),
                at: Tick::ZERO,
            }),
            status: FeedStatus::Idle,
            interval: Duration::from_secs(20),
        }
    }

    #[tokio::test]
    async fn what_the_list_tells_is_kept_and_written_again_only_when_it_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(&Opening {
            path: directory.path().join("midwatch.db"),
            group: None,
        })
        .expect("opens");
        let (out, listed) = watch::channel(board(vec![incident("Q1", Status::Triggered)]));
        let mut keeping = tokio::task::JoinSet::new();
        keeping.spawn(keep(journal.clone(), "prod".into(), listed));
        let mut writes = journal.changes();
        writes.changed().await.expect("written");
        let mut over = incident("Q1", Status::Resolved);
        over.resolved_at = Some(over.created_at + chrono::TimeDelta::minutes(9));
        out.send_replace(board(vec![over.clone(), incident("Q2", Status::Triggered)]));
        writes.changed().await.expect("written");
        let from = over.created_at;
        let kept = journal
            .read(move |tx| facts::since(tx, "prod", from))
            .await
            .expect("read");
        let ends: Vec<_> = kept
            .iter()
            .map(|facts| (&*facts.incident.0, facts.resolved_at))
            .collect();
        assert_eq!(ends, [("Q1", over.resolved_at), ("Q2", None)]);
        out.send_replace(board(vec![over, incident("Q2", Status::Triggered)]));
        drop(out);
        keeping
            .join_next()
            .await
            .expect("one")
            .expect("ends with the list");
        assert!(!writes.has_changed().expect("open"), "nothing new was told");
    }
}
