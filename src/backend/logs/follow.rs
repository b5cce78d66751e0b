//! What every tail has: where it stands, which lines it told, and the reading of stretches that it missed.
//!
//! A tail tells each line once, whatever it takes: every seam between two connections is read again with an overlap, and
//! what comes twice is told once ([`Seen`]). What cannot be read again at once stays a [`Gap`] and waits for another
//! try. Where a source has nothing to push, [`Follow::poll`] is the whole tail.

use std::time::Duration;

use tokio::sync::mpsc;

use super::entry::{self, Entry};
use super::paging::{self, Pager, Read, Stretch};
use super::seen::Seen;
use super::{Direction, More, TailEvent, TailMode};
use crate::backend::http::{Asker, Jitter, Urgency};
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::domain::log::{Gap, GapReason, Nanos};
use crate::time::Clock;

/// Lines may carry a time that lies ahead; those of the next minute are read with the present.
const AHEAD: Duration = Duration::from_secs(60);
/// Pages of one stretch that are read by themselves; a longer one stays a gap until it is asked for.
const PAGES: usize = 40;
/// The first wait after a failure; doubles.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest wait.
const BACKOFF_MOST: Duration = Duration::from_secs(30);
/// How long until a gap whose reading failed is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// Gaps that wait for another try at most.
const WAITING: usize = 8;

/// Why a tail ends.
pub(super) enum Stop {
    /// Nobody listens any more.
    Gone,
    /// Trying again does not help.
    Failed(BackendError),
}

impl Stop {
    /// As [`super::Logs::tail`] ends.
    pub(super) fn result(self) -> BackendResult<()> {
        match self {
            Self::Gone => Ok(()),
            Self::Failed(error) => Err(error),
        }
    }
}

/// Until the tail ends.
pub(super) type Go<T> = Result<T, Stop>;

/// How the reading of a stretch is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// As lines alone; a gap only where it fails.
    Quietly,
    /// As a gap first.
    As(GapReason),
}

/// The server's clock, as far as its answers told it: their dates are whole seconds, and the way is part of them.
pub(super) fn server_now(asker: &dyn Asker, clock: Clock) -> Nanos {
    let skew = asker.skew().filter(|skew| skew.num_seconds().abs() >= 2);
    Nanos::of(clock.now().utc + skew.unwrap_or_default())
}

/// What a tail is of.
pub(super) struct Task<'a, P> {
    /// Who is asked.
    pub(super) pager: &'a P,
    /// Whose clock counts.
    pub(super) asker: &'a dyn Asker,
    /// Ours.
    pub(super) clock: Clock,
    /// How often is polled.
    pub(super) poll: Duration,
    /// What is read again around every seam: servers tell their lines only roughly in order.
    pub(super) overlap: Duration,
    /// In the source's language, scope included.
    pub(super) queries: Vec<String>,
    /// From when on.
    pub(super) from: Nanos,
    /// Who listens.
    pub(super) events: mpsc::Sender<TailEvent>,
}

/// A tail that runs.
pub(super) struct Follow<'a, P> {
    pager: &'a P,
    asker: &'a dyn Asker,
    clock: Clock,
    poll: Duration,
    overlap: Duration,
    /// In the source's language, scope included.
    pub(super) queries: Vec<String>,
    events: mpsc::Sender<TailEvent>,
    seen: Seen,
    /// Nothing before this is wanted.
    from: Nanos,
    /// Everything before this was told, as far as lines come in order.
    good: Nanos,
    /// The connection was last known to live.
    alive: Nanos,
    /// Gaps whose reading failed.
    waiting: Vec<Gap>,
    retry: Option<tokio::time::Instant>,
    /// Spreads what consoles that were started together do.
    pub(super) jitter: Jitter,
}

impl<'a, P: Pager> Follow<'a, P> {
    /// Begins; nothing is asked yet.
    pub(super) fn new(task: Task<'a, P>) -> Self {
        Self {
            pager: task.pager,
            asker: task.asker,
            clock: task.clock,
            poll: task.poll,
            overlap: task.overlap,
            queries: task.queries,
            events: task.events,
            seen: Seen::default(),
            from: task.from,
            good: task.from,
            alive: task.from,
            waiting: Vec::new(),
            retry: None,
            jitter: Jitter::random(),
        }
    }

    /// Who listens.
    pub(super) fn events(&self) -> mpsc::Sender<TailEvent> {
        self.events.clone()
    }

    fn now(&self) -> Nanos {
        server_now(self.asker, self.clock)
    }

    /// The connection lived until so long ago.
    pub(super) fn lived_until(&mut self, ago: Duration) {
        self.alive = self.now().minus(ago);
    }

    /// Lines of the connection itself: what lies before the newest is known good.
    pub(super) async fn tell_live(&mut self, entries: Vec<Entry>) -> Go<()> {
        let now = self.now();
        let newest = entries.iter().map(|entry| entry.at).max();
        self.tell(entries).await?;
        self.good = self.good.max(newest.map_or(self.good, |newest| newest.min(now)));
        Ok(())
    }

    /// The server dropped lines, these at least. It counts only the first thousand: what was lost is all since the
    /// last good line.
    pub(super) async fn dropped(&mut self, count: u64, oldest: Nanos, newest: Nanos) -> Go<()> {
        let gap = Gap {
            from: self.good.min(oldest).max(self.from),
            to: Nanos(self.now().max(newest).0.saturating_add(1)),
            reason: GapReason::Dropped(count),
        };
        self.fill(gap).await
    }

    /// We ourselves left lines out, exactly these.
    pub(super) async fn missed(&mut self, count: u64, oldest: Nanos, newest: Nanos) -> Go<()> {
        let gap = Gap {
            from: oldest.max(self.from),
            to: Nanos(newest.0.saturating_add(1)),
            reason: GapReason::Dropped(count),
        };
        self.fill(gap).await
    }

    /// When a gap that waits is due, if one waits.
    pub(super) fn due(&self) -> Option<tokio::time::Instant> {
        self.retry
    }

    pub(super) async fn send(&self, event: TailEvent) -> Go<()> {
        self.events.send(event).await.map_err(|_| Stop::Gone)
    }

    /// Waits, unless nobody listens any more.
    pub(super) async fn pause(&self, wait: Duration) -> Go<()> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.events.closed() => Err(Stop::Gone),
        }
    }

    pub(super) async fn back_off(&mut self, misses: u32, retry_after: Option<Duration>) -> Go<()> {
        let most = BACKOFF
            .saturating_mul(2_u32.saturating_pow(misses.min(16)))
            .min(BACKOFF_MOST);
        let wait = most.mul_f64(self.jitter.next());
        self.pause(wait.max(retry_after.unwrap_or_default())).await
    }

    /// From where on is read at the next seam.
    pub(super) fn stretch_from(&self) -> Nanos {
        self.good
            .minus(self.overlap)
            .max(self.from)
            .max(self.seen.covers_from())
    }

    /// Reads what there is until now, and again until that succeeds.
    pub(super) async fn backlog(&mut self) -> Go<()> {
        let mut misses = 0;
        loop {
            match self.read_up(Told::Quietly).await? {
                Ok(()) => return Ok(()),
                Err(error) if !error.is_passing() => return Err(Stop::Failed(error)),
                Err(error) => {
                    let retry_after = error.retry_after;
                    self.send(TailEvent::Failed(error)).await?;
                    misses += 1;
                    self.back_off(misses, retry_after).await?;
                }
            }
        }
    }

    /// Polls for a while.
    pub(super) async fn poll(&mut self, why: &'static str, until: Duration) -> Go<()> {
        self.send(TailEvent::Mode(TailMode::Polling(why))).await?;
        let since = self.clock.tick();
        let mut misses = 0;
        loop {
            match self.read_up(Told::Quietly).await? {
                Ok(()) => {
                    if std::mem::take(&mut misses) > 0 {
                        // A quiet source tells no line that would show that it is well again.
                        self.send(TailEvent::Mode(TailMode::Polling(why))).await?;
                    }
                    self.pause(self.poll).await?;
                }
                Err(error) if error.kind == ErrorKind::Rejected => return Err(Stop::Failed(error)),
                Err(error) => {
                    let retry_after = error.retry_after;
                    self.send(TailEvent::Failed(error)).await?;
                    misses += 1;
                    self.back_off(misses, retry_after).await?;
                }
            }
            if self.clock.tick().since(since) >= until {
                return Ok(());
            }
        }
    }

    /// Reads from the last line known good up to now. What fails is the caller's to try again.
    pub(super) async fn read_up(&mut self, told: Told) -> Go<BackendResult<()>> {
        let now = self.now();
        let stretch = Gap {
            from: self.stretch_from(),
            to: now.plus(AHEAD),
            reason: match told {
                Told::Quietly => GapReason::Disconnected,
                Told::As(reason) => reason,
            },
        };
        // What is shown as missing ends now: nothing is known of what lies ahead.
        let shown = Gap {
            from: self.good.max(self.alive).min(now),
            to: now,
            ..stretch.clone()
        };
        let is_gap = told != Told::Quietly && shown.from < shown.to;
        if is_gap {
            self.send(TailEvent::Gap(shown.clone())).await?;
        }
        match self.read_stretch(&stretch).await? {
            Ok(reached) => {
                self.good = self.good.max(now);
                let (forgotten, _) = parted(&shown, stretch.from);
                if is_gap {
                    self.send(TailEvent::Filled(shown.clone())).await?;
                }
                if let Some(forgotten) = forgotten {
                    self.send(TailEvent::Gap(forgotten)).await?;
                }
                if let Some(from) = reached.filter(|from| *from < shown.to) {
                    self.send(TailEvent::Gap(Gap { from, ..shown })).await?;
                }
                Ok(Ok(()))
            }
            Err(error) => {
                if is_gap {
                    self.wait_for(shown);
                    self.good = self.good.max(now);
                }
                Ok(Err(error))
            }
        }
    }

    /// Tells the lines of a stretch, page by page; where it stopped, if it did before the end.
    pub(super) async fn read_stretch(&mut self, stretch: &Gap) -> Go<BackendResult<Option<Nanos>>> {
        let mut from = stretch.from;
        for _ in 0..PAGES {
            let question = Stretch {
                from,
                to: stretch.to,
                direction: Direction::Forward,
                limit: None,
                urgency: Urgency::Poll,
            };
            let read = tokio::select! {
                read = paging::read_all(self.pager, &self.queries, question) => read,
                () = self.events.closed() => return Err(Stop::Gone),
            };
            let Read {
                entries, more, gaps, ..
            } = match read {
                Ok(read) => read,
                Err(error) => return Ok(Err(error)),
            };
            let last = entries.last().map(|entry| entry.at);
            self.tell(entries).await?;
            for gap in gaps {
                self.send(TailEvent::Gap(gap)).await?;
            }
            match (more, last) {
                (More::Yes, Some(last)) => from = Nanos(last.0.saturating_add(1)),
                (More::Yes, None) | (More::No, _) => return Ok(Ok(None)),
            }
        }
        Ok(Ok(Some(from)))
    }

    /// Tells those lines that were not told before, oldest first.
    pub(super) async fn tell(&mut self, mut entries: Vec<Entry>) -> Go<()> {
        entries.retain(|entry| entry.at >= self.from && self.seen.insert(entry.key));
        if entries.is_empty() {
            return Ok(());
        }
        entries.sort_by_key(|entry| entry.at);
        self.send(TailEvent::Lines(entry::batch(&entries))).await
    }

    fn wait_for(&mut self, gap: Gap) {
        if self.waiting.len() < WAITING {
            self.waiting.push(gap);
            self.retry = Some(tokio::time::Instant::now() + RETRY);
        }
    }

    /// Reads the stretch around a seam; a failure is a gap that waits for another try.
    pub(super) async fn read_seam(&mut self, told: Told) -> Go<()> {
        let before = self.good;
        if let Err(error) = self.read_up(told).await? {
            if error.kind == ErrorKind::Rejected {
                return Err(Stop::Failed(error));
            }
            if told == Told::Quietly {
                let now = self.now();
                let gap = Gap {
                    from: before,
                    to: now.max(Nanos(before.0.saturating_add(1))),
                    reason: GapReason::Disconnected,
                };
                self.send(TailEvent::Gap(gap.clone())).await?;
                self.wait_for(gap);
                self.good = self.good.max(now);
            }
            self.send(TailEvent::Failed(error)).await?;
        }
        Ok(())
    }

    /// Tells a gap and reads it where that is cheap.
    pub(super) async fn fill(&mut self, gap: Gap) -> Go<()> {
        self.send(TailEvent::Gap(gap.clone())).await?;
        self.refill(gap).await
    }

    pub(super) async fn refill(&mut self, gap: Gap) -> Go<()> {
        let (forgotten, covered) = parted(&gap, self.seen.covers_from());
        match self.read_stretch(&covered).await? {
            Ok(reached) => {
                self.send(TailEvent::Filled(gap.clone())).await?;
                if let Some(forgotten) = forgotten {
                    self.send(TailEvent::Gap(forgotten)).await?;
                }
                if let Some(from) = reached {
                    self.send(TailEvent::Gap(Gap { from, ..gap })).await?;
                }
            }
            Err(error) => {
                self.send(TailEvent::Failed(error)).await?;
                self.wait_for(gap);
            }
        }
        Ok(())
    }

    /// Tries the gaps that wait.
    pub(super) async fn try_waiting(&mut self) -> Go<()> {
        self.retry = None;
        for gap in std::mem::take(&mut self.waiting) {
            self.refill(gap).await?;
        }
        Ok(())
    }
}

/// Parts a gap where what was told begins to be remembered: what lies before that cannot be read again without telling
/// lines twice, and stays a gap.
fn parted(gap: &Gap, covers_from: Nanos) -> (Option<Gap>, Gap) {
    let from = covers_from.clamp(gap.from, gap.to.max(gap.from));
    let forgotten = (from > gap.from).then(|| Gap {
        to: from,
        ..gap.clone()
    });
    (forgotten, Gap { from, ..gap.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_too_long_ago_to_be_remembered_stays_a_gap() {
        let gap = |from, to| Gap {
            from: Nanos(from),
            to: Nanos(to),
            reason: GapReason::Disconnected,
        };
        assert_eq!(parted(&gap(10, 20), Nanos(5)), (None, gap(10, 20)));
        assert_eq!(parted(&gap(10, 20), Nanos(15)), (Some(gap(10, 15)), gap(15, 20)));
        assert_eq!(parted(&gap(10, 20), Nanos(30)), (Some(gap(10, 20)), gap(20, 20)));
        assert_eq!(parted(&gap(10, 5), Nanos(30)), (None, gap(10, 5)));
    }
}
