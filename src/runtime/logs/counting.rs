//! Lines by time and level over all that is in hand: counted by the server where it can, which knows of lines that
//! were not read; else, and for what came since, by the store.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::app::logs::{Counted, LogView};
use crate::backend::BackendResult;
use crate::backend::logs::Logs;
use crate::domain::log::{Nanos, Volume, Wanted};
use crate::logstore::Snapshot;
use crate::logstore::search::Search;
use crate::time::Tick;

/// Buckets that are asked for: finer than any strip is wide.
pub(super) const BUCKETS: usize = 240;
/// How often the store counts: every line in hand is looked at.
const COUNT: Duration = Duration::from_secs(1);
/// How often the server is asked at most, where the lines in hand reach further back than it counted.
const SOON: Duration = Duration::from_secs(10);
/// How often it is asked although they do not.
const LATER: Duration = Duration::from_secs(300);

type Asking = BoxFuture<'static, BackendResult<Option<Volume>>>;

/// How many lines there are of one question.
#[derive(Default)]
pub(super) struct Counting {
    /// Under way: up to when, and the answer.
    pub(super) asking: Option<(Nanos, Asking)>,
    /// From where on was asked last, and when.
    asked: Option<(Nanos, Tick)>,
    /// What the server counted, and up to when.
    server: Option<(Volume, Nanos)>,
    /// What is shown, and when it was put together.
    shown: Option<(Tick, Arc<Volume>, Counted)>,
    /// How many of those that a filter shows there are, and when that was counted.
    filtered: Option<(Tick, Arc<Volume>)>,
}

impl Counting {
    /// Asks the server where that is due.
    pub(super) fn ask(&mut self, source: &Arc<dyn Logs>, wanted: &Wanted, snapshot: &Snapshot, now: Tick) {
        let Some((first, last)) = LogView::span_of(snapshot) else {
            return;
        };
        let due = match self.asked {
            None => true,
            Some((from, at)) => now.since(at) >= if first < from { SOON } else { LATER },
        };
        if self.asking.is_some() || !due {
            return;
        }
        self.asked = Some((first, now));
        let (source, wanted, to) = (
            Arc::clone(source),
            wanted.clone(),
            Nanos(last.0.saturating_add(1)),
        );
        let asking = async move { source.volume(wanted, first, to, BUCKETS).await };
        self.asking = Some((to, Box::pin(asking)));
    }

    /// The server answered; what it cannot count, the store counts.
    pub(super) fn answered(&mut self, to: Nanos, answer: BackendResult<Option<Volume>>) {
        // Where it fails, what it counted before still holds.
        if let Ok(volume) = answer {
            self.server = volume.map(|volume| (volume, to));
        }
        self.shown = None;
    }

    /// What there is, counted anew now and then.
    pub(super) fn shown(&mut self, snapshot: &Snapshot, now: Tick) -> (Arc<Volume>, Counted) {
        if let Some((at, volume, counted)) = &self.shown
            && now.since(*at) < COUNT
        {
            return (Arc::clone(volume), *counted);
        }
        let joined = self
            .server
            .as_ref()
            .and_then(|(volume, to)| joined(volume, *to, snapshot));
        let (volume, counted) = match joined {
            Some(volume) => (Arc::new(volume), Counted::Server),
            None => (LogView::volume_of(snapshot), Counted::InHand),
        };
        self.shown = Some((now, Arc::clone(&volume), counted));
        (volume, counted)
    }
}

impl Counting {
    /// Another filter: what it shows is counted anew.
    pub(super) fn refilter(&mut self) {
        self.filtered = None;
    }

    /// What a filter shows of all lines in hand, counted now and then, over the time that they span. Nothing where
    /// lines of that time are missing: who sees fewer of them would take that for what happened.
    pub(super) fn shown_by(
        &mut self,
        filter: &Search,
        snapshot: &Snapshot,
        now: Tick,
    ) -> Option<Arc<Volume>> {
        if !filter.progress().is_done() || !snapshot.gaps().is_empty() {
            return None;
        }
        if let Some((at, volume)) = &self.filtered
            && now.since(*at) < COUNT
        {
            return Some(Arc::clone(volume));
        }
        let (first, last) = LogView::span_of(snapshot)?;
        let volume = Arc::new(filter.found().volume((first, last), BUCKETS));
        self.filtered = Some((now, Arc::clone(&volume)));
        Some(volume)
    }
}

/// What the server counted, and behind it what came since; none where that is not what is in hand any more.
fn joined(volume: &Volume, to: Nanos, snapshot: &Snapshot) -> Option<Volume> {
    let (first, last) = LogView::span_of(snapshot)?;
    let from = volume.from.filter(|from| *from <= first && volume.step > 0)?;
    let bucket = |at: Nanos| usize::try_from((at.0.saturating_sub(from.0)).div_euclid(volume.step)).ok();
    // The last bucket was not over when it was counted.
    let whole = bucket(to)?.min(volume.buckets.len());
    let count = bucket(last)?.checked_add(1)?;
    // Far more came since: the server is asked again before long.
    if count > 4 * BUCKETS {
        return None;
    }
    let mut buckets = volume.buckets.get(..whole)?.to_vec();
    if count > whole {
        let step = |n: usize| {
            Nanos(
                from.0
                    .saturating_add(volume.step.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX))),
            )
        };
        let since = snapshot.volume(step(whole), step(count), count - whole);
        buckets.extend(since.buckets);
    }
    // What was let go is not in hand.
    let gone = bucket(first)?.min(buckets.len());
    buckets.drain(..gone);
    Some(Volume {
        from: Some(Nanos(
            from.0
                .saturating_add(volume.step.saturating_mul(i64::try_from(gone).ok()?)),
        )),
        step: volume.step,
        buckets,
    })
}

/// Waits for the server's count; for ever where none is asked for.
pub(super) async fn counted(asking: &mut Option<(Nanos, Asking)>) -> (Nanos, BackendResult<Option<Volume>>) {
    let Some((_, waiting)) = asking else {
        return pending().await;
    };
    let answer = waiting.await;
    match asking.take() {
        Some((to, _)) => (to, answer),
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::{Batch, Level};
    use crate::logstore::{Limits, Store};

    fn lines(times: impl IntoIterator<Item = i64>) -> Snapshot {
        let mut batch = Batch {
            streams: vec![Arc::default()],
            ..Batch::default()
        };
        for at in times {
            batch.push(Some(Nanos(at)), 0, Level::Info, b"x", b"");
        }
        let mut store = Store::new(Limits::default());
        store.ingest(&batch);
        store.snapshot()
    }

    fn sums(volume: &Volume) -> Vec<u64> {
        volume.buckets.iter().map(|bucket| bucket.iter().sum()).collect()
    }

    #[test]
    fn what_the_server_counted_is_gone_on_with_from_what_is_in_hand() {
        let mut server = Volume {
            from: Some(Nanos(100)),
            step: 10,
            buckets: vec![[0; Level::ALL.len()]; 4],
        };
        for (bucket, count) in server.buckets.iter_mut().zip([7, 50, 3, 1]) {
            bucket[Level::Info as usize] = count;
        }
        let snapshot = lines([105, 125, 135, 136, 141, 158]);
        let volume = joined(&server, Nanos(136), &snapshot).unwrap();
        assert_eq!(
            sums(&volume),
            [7, 50, 3, 2, 1, 1],
            "a gap's lines, then those in hand"
        );
        assert_eq!((volume.from, volume.step), (Some(Nanos(100)), 10));
        let later = lines([125, 141]);
        let volume = joined(&server, Nanos(136), &later).unwrap();
        assert_eq!((volume.from, sums(&volume)), (Some(Nanos(120)), vec![3, 0, 1]));
        assert!(
            joined(&server, Nanos(136), &lines([50, 141])).is_none(),
            "older lines came"
        );
    }
}
