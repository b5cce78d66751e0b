//! What the boards show, written into the journal: alerts fired and resolved, burn rules started and stopped.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::watch;

use crate::app::feed::Feed;
use crate::domain::alert::AlertBoard;
use crate::domain::slo::SloBoard;
use crate::domain::timeline::record::{JournalEvent, Recorder};
use crate::journal::{Journal, events};
use crate::time::Clock;

/// Firings whose end the journal does not know are sought so far back.
const OPEN_SINCE: TimeDelta = TimeDelta::days(7);

/// Records for ever. What cannot be written now is tried with the next change: nothing is forgotten meanwhile.
pub(super) async fn record(
    journal: Journal,
    context: Arc<str>,
    mut alerts: watch::Receiver<Arc<AlertBoard>>,
    mut slos: watch::Receiver<Feed<SloBoard>>,
    clock: Clock,
) {
    let since = clock.now().utc - OPEN_SINCE;
    let asked = Arc::clone(&context);
    let open = journal
        .read(move |tx| events::open_firings(tx, &asked, since))
        .await;
    let mut recorder = Recorder::resume(open.unwrap_or_default());
    let mut unwritten: Vec<JournalEvent> = Vec::new();
    loop {
        tokio::select! {
            changed = alerts.changed() => {
                if changed.is_err() { return }
                let board = alerts.borrow_and_update().clone();
                unwritten.extend(recorder.alerts(&board, clock.now()));
            }
            changed = slos.changed() => {
                if changed.is_err() { return }
                let board = slos.borrow_and_update().shared();
                unwritten.extend(board.map_or_else(Vec::new, |board| recorder.slos(&board, clock.now())));
            }
        }
        if unwritten.is_empty() {
            continue;
        }
        let (context, batch) = (Arc::clone(&context), unwritten.clone());
        let written = journal
            .write(move |tx| events::append(tx, &context, &batch))
            .await;
        if written.is_ok() {
            unwritten.clear();
        }
    }
}
