//! The present: there is no tail to be had, so it is asked again and again.
//!
//! Documents can be searched a refresh after they came (a second by default) and shippers are late: every question
//! reads the last seconds again, and what was told already is passed over by its `_id`. Now and then the last minutes are
//! read again in the same way: some shippers are later than that, and some clocks are behind.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc::{Sender, error::SendError};

use super::Elastic;
use super::answer::{Hit, batch};
use super::page::within;
use super::question::{MILLI, Span};
use super::walk::{End, Held, Walk};
use crate::backend::logs::follow::{AHEAD, LATE_EACH, LATE_LINES};
use crate::backend::logs::{Direction, LATE, TailEvent, TailMode};
use crate::backend::{BackendError, BackendResult};
use crate::domain::log::{Gap, GapReason, Nanos, Wanted};
use crate::time::Tick;

/// What is read again at least and at most; less where much arrives.
const OVERLAP: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// Lines that are read again without shortening the overlap.
const AGAIN: usize = 5_000;
/// Lines of one walk.
const MOST: usize = 10_000;
/// Lines of one millisecond that are read.
const MOMENT: usize = 20_000;
/// The longest pause after failures.
const LONGEST: Duration = Duration::from_secs(30);
/// What is dated further ahead is asked for so often: it would come again with every question.
const FAR: Duration = Duration::from_secs(30);
/// So long the tail waits for a shard that fails before it goes on without its lines.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the tail knows.
struct Tail {
    wanted: Wanted,
    from: Nanos,
    /// The newest line told, or now where that is earlier.
    high: Nanos,
    overlap: Duration,
    /// Lines told, by the time that they are asked under.
    seen: HashMap<u128, i64>,
    /// The stretch that a failed shard leaves open.
    open: Option<Gap>,
    /// When lines of any time ahead were asked for.
    far: Option<Tick>,
    /// When the last minutes were read again.
    late: Option<Tick>,
    /// From here on all lines that were told are remembered.
    known: Nanos,
}

/// Why a round ended.
enum Ended {
    /// Nobody listens.
    Deaf,
    /// The server did not answer, or refused.
    Failed(Box<BackendError>),
}

impl From<SendError<TailEvent>> for Ended {
    fn from(_: SendError<TailEvent>) -> Self {
        Self::Deaf
    }
}

impl From<BackendError> for Ended {
    fn from(error: BackendError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl Elastic {
    /// Tails until nobody listens, or the server refuses the query itself.
    pub(super) async fn follow(
        &self,
        wanted: Wanted,
        from: Nanos,
        events: Sender<TailEvent>,
    ) -> BackendResult<()> {
        let mut tail = Tail {
            wanted,
            from,
            high: from,
            overlap: OVERLAP.1,
            seen: HashMap::new(),
            open: None,
            far: None,
            late: None,
            known: from,
        };
        let mut pause = self.settings.common.poll;
        let mut told = None;
        let connecting = TailMode::Connecting;
        if events.send(TailEvent::Mode(connecting)).await.is_err() {
            return Ok(());
        }
        loop {
            match self.round(&mut tail, &events).await {
                Ok(()) => {
                    pause = self.settings.common.poll;
                    if told != Some(TailMode::Polling("")) {
                        told = Some(TailMode::Polling(""));
                        if events.send(TailEvent::Mode(TailMode::Polling(""))).await.is_err() {
                            return Ok(());
                        }
                    }
                }
                Err(Ended::Deaf) => return Ok(()),
                Err(Ended::Failed(error)) if !error.is_passing() => return Err(*error),
                Err(Ended::Failed(error)) => {
                    told = None;
                    pause = (pause * 2)
                        .min(LONGEST)
                        .max(error.retry_after.unwrap_or_default());
                    if events.send(TailEvent::Failed(*error)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = events.closed() => return Ok(()),
            }
        }
    }

    /// One question, as many searches as it takes to be up to date.
    async fn round(&self, tail: &mut Tail, events: &Sender<TailEvent>) -> Result<(), Ended> {
        let server = self.server().await?;
        let now = Nanos::of(self.clock.now().utc);
        let begin = tail.window();
        let tick = self.clock.tick();
        let to = if tail.far.is_none_or(|at| tick.since(at) >= FAR) {
            Nanos(i64::MAX)
        } else {
            now.plus(AHEAD)
        };
        let late = tail.late.is_none_or(|at| tick.since(at) >= LATE_EACH);
        let from = if late { tail.known } else { begin };
        let mut span = Span::around(from, to);
        let mut again = 0;
        let mut partial = false;
        let wanted = tail.wanted.clone();
        let walk = |span, most, held| Walk {
            wanted: &wanted,
            span,
            direction: Direction::Forward,
            most,
            held,
        };
        loop {
            let walked = self.walk(&server, walk(span, MOST, Held::Loosely)).await?;
            partial |= !walked.partial.is_empty();
            // of what is read again it was told before
            let is_new = |ms: &&i64| ms.saturating_mul(MILLI) >= begin.0 - begin.0.rem_euclid(MILLI);
            for &ms in walked.overfull.iter().filter(is_new) {
                events
                    .send(TailEvent::Gap(within(ms, GapReason::LimitHit)))
                    .await?;
            }
            let last = walked.hits.last().map(|hit| hit.ms);
            again += tail.tell(walked.hits, now, events).await?;
            let Some(ms) = last.filter(|_| walked.end == End::Short) else {
                break;
            };
            if span.from == Some(ms) {
                // one millisecond fills the whole walk
                let moment = self
                    .walk(&server, walk(Span::moment(ms), MOMENT, Held::ByPit))
                    .await?;
                if moment.end == End::Short {
                    events
                        .send(TailEvent::Gap(within(ms, GapReason::LimitHit)))
                        .await?;
                }
                tail.tell(moment.hits, now, events).await?;
                span = span.beyond(Direction::Forward, ms);
            } else {
                span = span.resumed(Direction::Forward, ms);
            }
        }
        tail.settle(partial, begin, now, events).await?;
        if to.0 == i64::MAX {
            tail.far = Some(tick);
        }
        if late {
            // what it read again is no measure of the overlap
            tail.late = Some(tick);
        } else {
            tail.overlap = if again > AGAIN {
                (tail.overlap / 2).max(OVERLAP.0)
            } else {
                (tail.overlap * 2).min(OVERLAP.1)
            };
        }
        tail.forget(now);
        Ok(())
    }
}

impl Tail {
    /// From where the next question reads.
    fn window(&self) -> Nanos {
        let overlapped = self.high.minus(self.overlap);
        let held = self
            .open
            .as_ref()
            .map_or(overlapped, |gap| gap.from.min(overlapped));
        // what was forgotten would be told twice
        held.max(self.known)
    }

    /// Tells the hits that are new; says how many were not.
    async fn tell(
        &mut self,
        mut hits: Vec<Hit>,
        now: Nanos,
        events: &Sender<TailEvent>,
    ) -> Result<usize, Ended> {
        let all = hits.len();
        hits.retain(|hit| hit.at >= self.from && self.seen.insert(hit.key, hit.ms).is_none());
        let again = all - hits.len();
        hits.sort_by_key(|hit| hit.at);
        if let Some(last) = hits.last() {
            // a line from the future moves nothing
            self.high = self.high.max(last.at.min(now));
            events.send(TailEvent::Lines(batch(&hits))).await?;
        }
        Ok(again)
    }

    /// Opens, keeps or fills the gap that failing shards leave.
    async fn settle(
        &mut self,
        partial: bool,
        begin: Nanos,
        now: Nanos,
        events: &Sender<TailEvent>,
    ) -> Result<(), Ended> {
        match (partial, self.open.take()) {
            (false, None) => {}
            (false, Some(gap)) => events.send(TailEvent::Filled(gap)).await?,
            (true, None) => {
                let gap = Gap {
                    from: begin,
                    to: now.max(begin),
                    reason: GapReason::Partial,
                };
                events.send(TailEvent::Gap(gap.clone())).await?;
                self.open = Some(gap);
            }
            (true, Some(gap)) => {
                // longer than that nothing is read again and again: it stays a gap, and the next begins
                if now <= gap.to.plus(PATIENCE) {
                    self.open = Some(gap);
                }
            }
        }
        Ok(())
    }

    /// Forgets what is not asked for again.
    fn forget(&mut self, now: Nanos) {
        let mut told: Vec<i64> = self.seen.values().copied().collect();
        let few = told
            .len()
            .checked_sub(LATE_LINES + 1)
            .map_or(i64::MIN, |surplus| {
                let (_, ms, _) = told.select_nth_unstable(surplus);
                ms.saturating_add(1).saturating_mul(MILLI)
            });
        let late = now.minus(LATE).max(Nanos(few));
        self.known = self.known.max(late.min(self.window()));
        let known = self.known.0.div_euclid(MILLI);
        self.seen.retain(|_, ms| *ms >= known);
    }
}
