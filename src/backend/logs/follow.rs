//! What every tail has: where it stands, which lines it told, and the reading of stretches that it missed.
//!
//! A tail tells each line once, whatever it takes: every seam between two connections is read again with an overlap, and
//! what comes twice is told once ([`Seen`]). What cannot be read again at once stays a [`Gap`] and waits for another
//! try. What comes later than any overlap waits is looked for now and then ([`Follow::read_late`]). Where a source has
//! nothing to push, [`Follow::poll`] is the whole tail. Where one pushes faster than a stretch
//! is read, its lines are told between the pages ([`Arriving`]).

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::entry::{self, Entry};
use super::paging::{self, Pager, Read, Stretch};
use super::seen::{Counted, Seen, Twins};
use super::{Direction, LATE, More, TailEvent, TailMode};
use crate::backend::http::{Asker, Jitter, Urgency};
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::domain::log::{Gap, GapReason, Nanos};
use crate::time::{Clock, Tick};

/// Lines may carry a time that lies ahead; those of the next minute are read with the present.
pub(super) const AHEAD: Duration = Duration::from_secs(60);
/// Pages of one stretch that are read by themselves; a longer one stays a gap until it is asked for.
const PAGES: usize = 40;
/// The first wait after a failure; doubles.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest wait.
const BACKOFF_MOST: Duration = Duration::from_secs(30);
/// How long a server is left alone that says it is asked too often, and not for how long.
const LEFT_ALONE: Duration = Duration::from_secs(10);
/// How long until a gap whose reading failed is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How often is looked for lines that came late, by a slow shipper or by a clock that is behind.
pub(super) const LATE_EACH: Duration = Duration::from_secs(30);
/// Lines that are read again for that at most: where more is written, it is not looked so far back.
pub(super) const LATE_LINES: usize = 20_000;
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

/// What a connection pushes while a stretch is read.
pub(super) trait Arriving: Send + Sync {
    /// Waits until lines would soon find no room, and gives the next of them.
    fn pressing(&self) -> BoxFuture<'_, Vec<Entry>>;
}

/// Until the tail ends.
pub(super) type Go<T> = Result<T, Stop>;

/// What came of polling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Polled {
    /// Lines were read; its time is over.
    Answered,
    /// The first question failed already: what is wrong is not what was polled instead of. Asked no sooner than this.
    Failed(Option<Duration>),
}

/// How long is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// For so long, unless its begin fails: then something else is tried.
    After(Duration),
    /// For ever: there is nothing else to be tried.
    Never,
}

/// Who tells lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Connection,
    Page,
}

/// How much of a stretch is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// It was never read: what is missing within it is told.
    First,
    /// It was, and what is missing within it was told.
    Again,
}

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
    /// How often the last minutes are read again, for what came later than that.
    pub(super) late: Duration,
    /// What the server makes of lines that are alike.
    pub(super) twins: Twins,
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
    late: Duration,
    /// When the last minutes are read again.
    late_due: Tick,
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
    /// What does not wait until a stretch is read.
    arriving: Option<Arc<dyn Arriving>>,
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
            late: task.late,
            late_due: task.clock.tick() + task.late,
            queries: task.queries,
            events: task.events,
            seen: Seen::new(task.twins),
            from: task.from,
            good: task.from,
            alive: task.from,
            waiting: Vec::new(),
            retry: None,
            arriving: None,
            jitter: Jitter::seeded(task.clock.seed(), "follow"),
        }
    }

    /// Who listens.
    pub(super) fn events(&self) -> mpsc::Sender<TailEvent> {
        self.events.clone()
    }

    /// From now on these lines are told between the pages of a stretch, where they press.
    pub(super) fn heed(&mut self, arriving: Option<Arc<dyn Arriving>>) {
        self.arriving = arriving;
    }

    fn now(&self) -> Nanos {
        server_now(self.asker, self.clock)
    }

    /// Another connection begins: what it tells may have been told before.
    pub(super) fn connected(&mut self) {
        self.seen.connected();
    }

    /// The connection lived until so long ago.
    pub(super) fn lived_until(&mut self, ago: Duration) {
        self.alive = self.now().minus(ago);
    }

    /// Lines of the connection itself: what lies before the newest is known good.
    pub(super) async fn tell_live(&mut self, entries: Vec<Entry>) -> Go<()> {
        let now = self.now();
        let newest = entries.iter().map(|entry| entry.at).max();
        self.tell(entries, By::Connection).await?;
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
                    let retry_after = rest_after(&error);
                    self.send(TailEvent::Failed(error)).await?;
                    misses += 1;
                    self.back_off(misses, retry_after).await?;
                }
            }
        }
    }

    /// Polls for a while. That it does is said once it succeeds: before that nothing shows that it helps.
    pub(super) async fn poll(&mut self, why: &'static str, until: Until) -> Go<Polled> {
        let since = self.clock.tick();
        let mut is_told = false;
        let mut misses = 0;
        let mut answered = false;
        loop {
            match self.read_up(Told::Quietly).await? {
                Ok(()) => {
                    (answered, misses) = (true, 0);
                    if !std::mem::replace(&mut is_told, true) {
                        // A quiet source tells no line that would show that it is well.
                        self.send(TailEvent::Mode(TailMode::Polling(why))).await?;
                    }
                    self.read_late().await?;
                    self.pause(self.poll).await?;
                }
                Err(error) if error.kind == ErrorKind::Rejected => return Err(Stop::Failed(error)),
                Err(error) => {
                    let retry_after = rest_after(&error);
                    self.send(TailEvent::Failed(error)).await?;
                    if !answered && until != Until::Never {
                        return Ok(Polled::Failed(retry_after));
                    }
                    is_told = false;
                    misses += 1;
                    self.back_off(misses, retry_after).await?;
                }
            }
            if let Until::After(most) = until
                && self.clock.tick().since(since) >= most
            {
                return Ok(Polled::Answered);
            }
        }
    }

    /// Now and then reads the last minutes again, for lines that came later than the overlap waits for them, and tells
    /// those that are new. What fails is told by whoever reads the present, and this is tried again.
    pub(super) async fn read_late(&mut self) -> Go<()> {
        let tick = self.clock.tick();
        if tick < self.late_due {
            return Ok(());
        }
        self.late_due = tick + self.late;
        let from = self
            .now()
            .minus(LATE)
            .max(self.from)
            .max(self.seen.newest_from(LATE_LINES))
            .max(self.seen.covers_from());
        let stretch = Gap {
            from,
            to: self.stretch_from(),
            reason: GapReason::Disconnected,
        };
        if stretch.from < stretch.to {
            // what is left of it was told before, and is no gap
            let _ = self.read_stretch(&stretch, Look::Again).await?;
        }
        Ok(())
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
        match self.read_stretch(&stretch, Look::First).await? {
            Ok(mut left) => {
                self.good = self.good.max(now);
                left.add_before(shown.from, stretch.from);
                // what is left of it is not come back to: told as of a gap that was filled, others read it at once
                if !is_gap && left.lies_within(&shown) {
                    self.send(TailEvent::Gap(shown.clone())).await?;
                }
                if is_gap || left.lies_within(&shown) {
                    self.send(TailEvent::Filled(shown.clone())).await?;
                }
                self.tell_left(left, &shown).await?;
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

    /// Tells the lines of a stretch, page by page; what it leaves out.
    async fn read_stretch(&mut self, stretch: &Gap, look: Look) -> Go<BackendResult<Left>> {
        let mut from = stretch.from;
        let mut left = Left::default();
        for _ in 0..PAGES {
            let question = Stretch {
                from,
                to: stretch.to,
                direction: Direction::Forward,
                limit: None,
                urgency: Urgency::Poll,
            };
            let Read {
                mut entries,
                more,
                gaps,
                ..
            } = match self.read_page(question).await? {
                Ok(read) => read,
                Err(error) => return Ok(Err(error)),
            };
            let to = match (more, entries.last()) {
                (More::Yes, Some(last)) => Some(Nanos(last.at.0.saturating_add(1))),
                (More::Yes, None) | (More::No, _) => None,
            };
            // What was told meanwhile pushed the keys of older lines out: nobody knows any more which of these were told.
            let covered = self.seen.covers_from();
            entries.retain(|entry| entry.at >= covered);
            left.add(from, covered.min(to.unwrap_or(stretch.to)));
            self.tell(entries, By::Page).await?;
            for gap in gaps.into_iter().filter(|_| look == Look::First) {
                self.send(TailEvent::Gap(gap)).await?;
            }
            match to {
                Some(to) => from = to,
                None => return Ok(Ok(left)),
            }
        }
        left.add(from, stretch.to);
        Ok(Ok(left))
    }

    /// Reads one page. What arrives meanwhile and would find no room is told before it.
    async fn read_page(&mut self, question: Stretch) -> Go<BackendResult<Read>> {
        let (events, queries) = (self.events.clone(), self.queries.clone());
        let reading = paging::read_all(self.pager, &queries, question);
        tokio::pin!(reading);
        loop {
            let arriving = self.arriving.clone();
            let lines = tokio::select! {
                read = &mut reading => return Ok(read),
                lines = pressing(arriving.as_deref()) => lines,
                () = events.closed() => return Err(Stop::Gone),
            };
            self.tell_live(lines).await?;
        }
    }

    /// Tells as gaps of their own what of a gap could not be read.
    async fn tell_left(&self, left: Left, of: &Gap) -> Go<()> {
        for (from, to) in left.within(of) {
            let gap = Gap {
                from,
                to,
                ..of.clone()
            };
            self.send(TailEvent::Gap(gap)).await?;
        }
        Ok(())
    }

    /// Tells those lines that were not told before, oldest first.
    async fn tell(&mut self, mut entries: Vec<Entry>, by: By) -> Go<()> {
        let mut counted = Counted::default();
        entries.retain(|entry| {
            entry.at >= self.from
                && match by {
                    By::Connection => self.seen.live(entry.key),
                    By::Page => self.seen.paged(entry.key, &mut counted),
                }
        });
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
        let covered = Gap {
            from: self.seen.covers_from().clamp(gap.from, gap.to.max(gap.from)),
            ..gap.clone()
        };
        match self.read_stretch(&covered, Look::First).await? {
            Ok(mut left) => {
                left.add_before(gap.from, covered.from);
                self.send(TailEvent::Filled(gap.clone())).await?;
                self.tell_left(left, &gap).await?;
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

/// How long a server is left alone after a failure, where it wants that: it need not say for how long.
pub(super) fn rest_after(error: &BackendError) -> Option<Duration> {
    error
        .retry_after
        .or_else(|| (error.kind == ErrorKind::RateLimited).then_some(LEFT_ALONE))
}

/// Waits for lines that press; for ever where nothing arrives.
async fn pressing(arriving: Option<&dyn Arriving>) -> Vec<Entry> {
    match arriving {
        Some(arriving) => arriving.pressing().await,
        None => std::future::pending().await,
    }
}

/// What of a stretch was not read, in order: too many pages, or told so long ago that it is not remembered, so that it
/// cannot be read again without telling lines twice.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left(Vec<(Nanos, Nanos)>);

impl Left {
    /// Another part, behind those there are.
    fn add(&mut self, from: Nanos, to: Nanos) {
        if from >= to {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.1 >= from => last.1 = last.1.max(to),
            Some(_) | None => self.0.push((from, to)),
        }
    }

    /// A part before all there are.
    fn add_before(&mut self, from: Nanos, to: Nanos) {
        let rest = std::mem::take(&mut self.0);
        self.add(from, to);
        for (from, to) in rest {
            self.add(from, to);
        }
    }

    /// Whether any of it lies within a gap.
    fn lies_within(&self, gap: &Gap) -> bool {
        self.0
            .iter()
            .any(|(from, to)| *from.max(&gap.from) < *to.min(&gap.to))
    }

    /// As far as it lies within a gap.
    fn within(self, gap: &Gap) -> impl Iterator<Item = (Nanos, Nanos)> {
        let (begin, end) = (gap.from, gap.to);
        let clipped = self
            .0
            .into_iter()
            .map(move |(from, to)| (from.max(begin), to.min(end)));
        clipped.filter(|(from, to)| from < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Delivery;

    #[test]
    fn who_is_asked_too_often_is_left_alone_as_long_as_he_says_or_a_while() {
        let error = |kind, retry_after| BackendError {
            kind,
            backend: "logs".into(),
            tried: String::new(),
            detail: String::new(),
            mend: String::new(),
            status: None,
            retry_after,
            delivery: Delivery::Answered,
        };
        let told = Some(Duration::from_secs(30));
        assert_eq!(rest_after(&error(ErrorKind::RateLimited, told)), told);
        assert_eq!(rest_after(&error(ErrorKind::RateLimited, None)), Some(LEFT_ALONE));
        assert_eq!(rest_after(&error(ErrorKind::TimedOut, None)), None);
    }

    #[test]
    fn what_is_left_of_a_stretch_is_told_in_whole_parts_and_never_beyond_its_gap() {
        let mut left = Left::default();
        left.add(Nanos(20), Nanos(20));
        left.add(Nanos(20), Nanos(30));
        left.add(Nanos(30), Nanos(40));
        left.add(Nanos(50), Nanos(60));
        left.add_before(Nanos(5), Nanos(20));
        left.add_before(Nanos(9), Nanos(2));
        assert_eq!(left.0, [(Nanos(5), Nanos(40)), (Nanos(50), Nanos(60))]);
        let gap = Gap {
            from: Nanos(10),
            to: Nanos(50),
            reason: GapReason::Disconnected,
        };
        let within: Vec<_> = left.within(&gap).collect();
        assert_eq!(within, [(Nanos(10), Nanos(40))]);
    }
}
