//! What the boards show, written into the journal: alerts fired and resolved, burn rules started and stopped.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::{mpsc, watch};

use crate::app::Msg;
use crate::app::feed::Feed;
use crate::app::toast::Level;
use crate::domain::alert::AlertBoard;
use crate::domain::slo::SloBoard;
use crate::domain::timeline::EventKind;
use crate::domain::timeline::record::{JournalEvent, Recorder};
use crate::journal::{Journal, JournalResult, events};
use crate::time::{Clock, Now};

/// Firings whose end the journal does not know are sought so far back.
const OPEN_SINCE: TimeDelta = TimeDelta::days(7);
/// Events that wait while the journal cannot be written. Beyond, the oldest is dropped: that is said, and stands in
/// the timeline once the journal can be written again.
const WAITING: usize = 10_000;
/// Events written in one transaction.
const AT_ONCE: usize = 500;

/// Where the boards come from.
type Boards = (watch::Receiver<Arc<AlertBoard>>, watch::Receiver<Feed<SloBoard>>);

/// Records for ever. What cannot be written now is tried with the next change.
pub(super) async fn record(
    journal: Journal,
    context: Arc<str>,
    (mut alerts, mut slos): Boards,
    results: mpsc::Sender<Msg>,
    clock: Clock,
) {
    let since = clock.now().utc - OPEN_SINCE;
    let asked = Arc::clone(&context);
    let open = journal
        .read(move |tx| events::open_firings(tx, &asked, since))
        .await;
    let mut recorder = Recorder::resume(open.unwrap_or_default());
    let mut unwritten = Unwritten::default();
    loop {
        let new = tokio::select! {
            changed = alerts.changed() => {
                if changed.is_err() { return }
                let board = alerts.borrow_and_update().clone();
                recorder.alerts(&board, clock.now())
            }
            changed = slos.changed() => {
                if changed.is_err() { return }
                let board = slos.borrow_and_update().shared();
                board.map_or_else(Vec::new, |board| recorder.slos(&board, clock.now()))
            }
        };
        if let Dropped::First = unwritten.add(new) {
            let text = format!(
                "the journal cannot be written: of what alerts and burn rules did meanwhile only the newest {WAITING} \
                 events will be in the timeline"
            );
            let level = Level::Warn;
            // The loop being gone is the only failure, and then nobody is left to tell.
            let _ = results.send(Msg::Said { level, text }).await;
        }
        // A failure shows in the header; the next change tries again.
        let _ = unwritten.write(&journal, &context, clock.now()).await;
    }
}

/// Whether events had to be dropped.
#[derive(Debug, PartialEq, Eq)]
enum Dropped {
    None,
    /// For the first time since all were written.
    First,
    More,
}

/// What the journal has not taken yet, oldest first.
#[derive(Default)]
struct Unwritten {
    events: VecDeque<JournalEvent>,
    dropped: usize,
}

impl Unwritten {
    fn add(&mut self, new: Vec<JournalEvent>) -> Dropped {
        self.events.extend(new);
        let too_many = self.events.len().saturating_sub(WAITING);
        self.events.drain(..too_many);
        let before = self.dropped;
        self.dropped += too_many;
        match (before, too_many) {
            (_, 0) => Dropped::None,
            (0, _) => Dropped::First,
            (_, _) => Dropped::More,
        }
    }

    /// Writes all of it, a part at a time; what was dropped comes first, as the event that says so.
    async fn write(&mut self, journal: &Journal, context: &Arc<str>, now: Now) -> JournalResult<()> {
        while !self.events.is_empty() {
            let part = self.events.len().min(AT_ONCE);
            let gap = (self.dropped > 0).then(|| gap(self.dropped, self.events.front(), now));
            let batch: Vec<JournalEvent> = gap
                .into_iter()
                .chain(self.events.range(..part).cloned())
                .collect();
            let context = Arc::clone(context);
            journal
                .write(move |tx| events::append(tx, &context, &batch))
                .await?;
            self.dropped = 0;
            self.events.drain(..part);
        }
        Ok(())
    }
}

/// Says in the timeline that events before this one are missing.
fn gap(dropped: usize, next: Option<&JournalEvent>, now: Now) -> JournalEvent {
    let at = next.map_or(now.utc, |next| next.at);
    JournalEvent {
        key: format!("dropped:{}:{dropped}", at.to_rfc3339()).into(),
        subject: None,
        incident: None,
        at,
        kind: EventKind::Other,
        actor: None,
        source: "console".into(),
        text: format!("{dropped} events before this are missing: the journal could not be written").into(),
        refs: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::desk::sample::{now, utc};
    use crate::journal::Opening;

    fn seen(number: usize) -> JournalEvent {
        JournalEvent {
            key: format!("fired:{number}").into(),
            kind: EventKind::AlertFired,
            source: "alerts".into(),
            text: "Pool".into(),
            ..gap(0, None, now())
        }
    }

    #[tokio::test]
    async fn what_waits_for_the_journal_is_bounded_and_what_was_dropped_stands_in_the_timeline() {
        let mut unwritten = Unwritten::default();
        assert_eq!(unwritten.add((0..WAITING).map(seen).collect()), Dropped::None);
        assert_eq!(
            unwritten.add(vec![seen(WAITING), seen(WAITING + 1)]),
            Dropped::First
        );
        assert_eq!(unwritten.add(vec![seen(WAITING + 2)]), Dropped::More);
        assert_eq!(unwritten.events.len(), WAITING);
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        unwritten.write(&journal, &"prod".into(), now()).await.unwrap();
        assert_eq!((unwritten.events.len(), unwritten.dropped), (0, 0));
        let told = journal
            .read(|tx| events::between(tx, "prod", utc() - TimeDelta::days(1), utc() + TimeDelta::days(1)))
            .await
            .unwrap();
        assert_eq!(told.len(), WAITING + 1);
        assert!(told[0].1.text.starts_with("3 events before this are missing"));
    }
}
