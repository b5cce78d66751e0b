//! The present: a backlog by `query_range`, then the websocket, and whatever it takes to tell every line once.
//!
//! A socket is opened first and the stretch up to now read behind it, so that the two overlap; what both bring is told
//! once ([`Seen`]). The same at every reconnect, where the stretch is a [`Gap`] until it is read. A socket is
//! exchanged before the server ends it. While there is none to be had (too many tails, a proxy without upgrades)
//! the present is polled, and the socket tried again later. The reader of the socket and the teller of its lines run
//! side by side with an [`Inbox`] between them: a slow console does not slow the reading.

use std::time::Duration;

use tokio::sync::mpsc;

use super::inbox::{Inbox, Item};
use super::page::{Read, Stretch};
use super::socket::{End, Heard, SILENCE, Socket, is_tail_limit};
use super::wire::{self, Entry};
use super::{Loki, logql};
use crate::backend::http::{Jitter, Urgency};
use crate::backend::logs::seen::Seen;
use crate::backend::logs::{Direction, More, TailEvent, TailMode};
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::domain::log::{Gap, GapReason, Nanos, Wanted};

/// What is read again around every seam: ingesters tell their lines only roughly in order.
const OVERLAP: Duration = Duration::from_secs(5);
/// Lines may carry a time that lies ahead; those of the next minute are read with the present.
const AHEAD: Duration = Duration::from_secs(60);
/// Pages of one stretch that are read by themselves; a longer one stays a gap until it is asked for.
const PAGES: usize = 40;
/// `tail_max_duration` is an hour: a socket is exchanged before, spread over some minutes.
const RENEW: Duration = Duration::from_secs(50 * 60);
/// How long until a socket is tried again where tails are too many.
const LIMIT_PAUSE: Duration = Duration::from_secs(30);
/// How long until a socket is tried again where something on the way has no upgrades.
const UPGRADE_PAUSE: Duration = Duration::from_secs(300);
/// Attempts that fail in the same answered way before the way is taken to have no upgrades.
const PATIENCE: u32 = 2;
/// A socket that lived so long is no failed attempt.
const LIVED: Duration = Duration::from_secs(10);
/// The first wait after a failure; doubles.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest wait.
const BACKOFF_MOST: Duration = Duration::from_secs(30);
/// Frames in a row that do not read before the socket is given up.
const GARBLED: u32 = 3;
/// How long until a gap whose reading failed is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// Gaps that wait for another try at most.
const WAITING: usize = 8;

/// Why a tail ends.
enum Stop {
    /// Nobody listens any more.
    Gone,
    /// Trying again does not help.
    Failed(BackendError),
}

type Go<T> = Result<T, Stop>;

/// Tails until nobody listens or the server refuses the query.
pub(super) async fn run(
    loki: &Loki,
    wanted: Wanted,
    from: Nanos,
    events: mpsc::Sender<TailEvent>,
) -> BackendResult<()> {
    let queries = loki.queries(&wanted).await?;
    let mut tail = Tail {
        loki,
        queries: queries.iter().map(logql::Query::text).collect(),
        events,
        seen: Seen::default(),
        from,
        good: from,
        alive: from,
        waiting: Vec::new(),
        jitter: Jitter::random(),
        renew: RENEW,
    };
    match tail.go().await {
        Ok(never) => match never {},
        Err(Stop::Gone) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// A tail that runs.
struct Tail<'a> {
    loki: &'a Loki,
    queries: Vec<String>,
    events: mpsc::Sender<TailEvent>,
    seen: Seen,
    /// Nothing before this is wanted.
    from: Nanos,
    /// Everything before this was told, as far as lines come in order.
    good: Nanos,
    /// The socket was last known to live.
    alive: Nanos,
    /// Gaps whose reading failed.
    waiting: Vec<Gap>,
    jitter: Jitter,
    renew: Duration,
}

/// How the reading of a stretch is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// As lines alone; a gap only where it fails.
    Quietly,
    /// As a gap first.
    As(GapReason),
}

impl Tail<'_> {
    async fn go(&mut self) -> Go<std::convert::Infallible> {
        self.send(TailEvent::Mode(TailMode::Connecting)).await?;
        self.backlog().await?;
        if self.queries.len() > 1 {
            loop {
                self.poll("a trace takes two questions", Duration::MAX).await?;
            }
        }
        let mut misses: u32 = 0;
        let mut lost = false;
        loop {
            let query = self.queries.first().cloned().unwrap_or_default();
            let start = self.stretch_from();
            let opened = tokio::select! {
                opened = self.loki.open_tail(&query, start) => opened,
                () = self.events.closed() => return Err(Stop::Gone),
            };
            let (error, pause) = match opened {
                Ok(socket) => {
                    let since = self.loki.clock.tick();
                    self.send(TailEvent::Mode(TailMode::Live)).await?;
                    let end = self.live(socket, lost).await?;
                    lost = true;
                    if end.is_expiry() {
                        continue;
                    }
                    if self.loki.clock.tick().since(since) >= LIVED {
                        misses = 0;
                    }
                    let kind = ErrorKind::Unreachable;
                    let error = BackendError {
                        tried: format!("GET /{}", super::socket::TAIL),
                        ..self.loki.error(kind, end.words())
                    };
                    (error, end.is_tail_limit().then_some(("tail limit", LIMIT_PAUSE)))
                }
                Err(error) => {
                    lost = true;
                    let pause = instead(&error, misses);
                    (error, pause)
                }
            };
            misses += 1;
            let retry_after = error.retry_after;
            if pause.is_none() || misses == 1 {
                self.send(TailEvent::Failed(error)).await?;
            }
            match pause {
                Some((why, pause)) => {
                    self.poll(why, pause).await?;
                    // What was polled is no gap.
                    lost = false;
                    misses = misses.min(PATIENCE);
                }
                None => {
                    self.send(TailEvent::Mode(TailMode::Connecting)).await?;
                    self.back_off(misses, retry_after).await?;
                }
            }
        }
    }

    async fn send(&self, event: TailEvent) -> Go<()> {
        self.events.send(event).await.map_err(|_| Stop::Gone)
    }

    /// Waits, unless nobody listens any more.
    async fn pause(&self, wait: Duration) -> Go<()> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.events.closed() => Err(Stop::Gone),
        }
    }

    async fn back_off(&mut self, misses: u32, retry_after: Option<Duration>) -> Go<()> {
        let most = BACKOFF
            .saturating_mul(2_u32.saturating_pow(misses.min(16)))
            .min(BACKOFF_MOST);
        let wait = most.mul_f64(self.jitter.next());
        self.pause(wait.max(retry_after.unwrap_or_default())).await
    }

    /// From where on is read at the next seam.
    fn stretch_from(&self) -> Nanos {
        self.good
            .minus(OVERLAP)
            .max(self.from)
            .max(self.seen.covers_from())
    }

    /// Reads what there is until now, and again until that succeeds.
    async fn backlog(&mut self) -> Go<()> {
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
    async fn poll(&mut self, why: &'static str, until: Duration) -> Go<()> {
        self.send(TailEvent::Mode(TailMode::Polling(why))).await?;
        let since = self.loki.clock.tick();
        let mut misses = 0;
        loop {
            match self.read_up(Told::Quietly).await? {
                Ok(()) => {
                    misses = 0;
                    self.pause(self.loki.settings.poll).await?;
                }
                Err(error) if error.kind == ErrorKind::Rejected => return Err(Stop::Failed(error)),
                Err(error) => {
                    let retry_after = error.retry_after;
                    self.send(TailEvent::Failed(error)).await?;
                    misses += 1;
                    self.back_off(misses, retry_after).await?;
                }
            }
            if self.loki.clock.tick().since(since) >= until {
                return Ok(());
            }
        }
    }

    /// Reads from the last line known good up to now. What fails is the caller's to try again.
    async fn read_up(&mut self, told: Told) -> Go<BackendResult<()>> {
        let now = self.loki.now();
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
                if is_gap {
                    self.send(TailEvent::Filled(shown.clone())).await?;
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
    async fn read_stretch(&mut self, stretch: &Gap) -> Go<BackendResult<Option<Nanos>>> {
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
                read = self.loki.read_all(&self.queries, question) => read,
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
    async fn tell(&mut self, mut entries: Vec<Entry>) -> Go<()> {
        entries.retain(|entry| entry.at >= self.from && self.seen.insert(entry.key));
        if entries.is_empty() {
            return Ok(());
        }
        entries.sort_by_key(|entry| entry.at);
        self.send(TailEvent::Lines(wire::batch(&entries))).await
    }

    fn wait_for(&mut self, gap: Gap) {
        if self.waiting.len() < WAITING {
            self.waiting.push(gap);
        }
    }

    /// Follows a socket to its end. `lost`: what lies before it is a gap until it is read.
    async fn live(&mut self, socket: Socket, lost: bool) -> Go<End> {
        let inbox = Inbox::default();
        let query = self.queries.first().cloned().unwrap_or_default();
        // Spread, so that consoles that were started together do not come back together.
        let renew = self.renew + self.renew.mul_f64(0.1 * self.jitter.next());
        let (loki, events) = (self.loki, self.events.clone());
        let reading = read_socket(loki, query, socket, (&inbox, renew));
        let telling = self.tell_inbox(&inbox, lost);
        let both = async { tokio::join!(reading, telling).1 };
        tokio::select! {
            end = both => end,
            () = events.closed() => Err(Stop::Gone),
        }
    }

    /// Tells what the reader of the socket puts into the inbox, until it says that there is no more.
    async fn tell_inbox(&mut self, inbox: &Inbox, lost: bool) -> Go<End> {
        let told = if lost {
            Told::As(GapReason::Disconnected)
        } else {
            Told::Quietly
        };
        self.read_seam(told).await?;
        let mut retry = tokio::time::Instant::now() + RETRY;
        loop {
            if !self.waiting.is_empty() && tokio::time::Instant::now() >= retry {
                self.try_waiting().await?;
                retry = tokio::time::Instant::now() + RETRY;
            }
            let item = if self.waiting.is_empty() {
                inbox.next().await
            } else {
                match tokio::time::timeout_at(retry, inbox.next()).await {
                    Ok(item) => item,
                    Err(_) => continue,
                }
            };
            let now = self.loki.now();
            match item {
                Item::Lines(entries) => {
                    let newest = entries.iter().map(|entry| entry.at).max();
                    self.tell(entries).await?;
                    self.good = self.good.max(newest.map_or(self.good, |newest| newest.min(now)));
                }
                Item::Dropped(dropped) => {
                    // The server counts only the first thousand: what was lost is all since the last good line.
                    let gap = Gap {
                        from: self.good.min(dropped.oldest).max(self.from),
                        to: Nanos(now.max(dropped.newest).0.saturating_add(1)),
                        reason: GapReason::Dropped(dropped.count),
                    };
                    self.fill(gap).await?;
                }
                Item::Missed(missed) => {
                    let gap = Gap {
                        from: missed.oldest.max(self.from),
                        to: Nanos(missed.newest.0.saturating_add(1)),
                        reason: GapReason::Dropped(missed.count),
                    };
                    self.fill(gap).await?;
                }
                Item::Garbled(why) => {
                    let error = BackendError {
                        tried: format!("GET /{}", super::socket::TAIL),
                        ..self.loki.error(
                            ErrorKind::BadAnswer,
                            format!("a message of the tail does not read: {why}"),
                        )
                    };
                    self.send(TailEvent::Failed(error)).await?;
                    self.read_seam(Told::As(GapReason::Partial)).await?;
                }
                Item::Renewed => self.read_seam(Told::Quietly).await?,
                Item::End(end) => {
                    self.alive = match end {
                        End::Silent => now.minus(SILENCE),
                        End::Closed(_) | End::Broken(_) => now,
                    };
                    return Ok(end);
                }
            }
        }
    }

    /// Reads the stretch around a seam; a failure is a gap that waits for another try.
    async fn read_seam(&mut self, told: Told) -> Go<()> {
        let before = self.good;
        if let Err(error) = self.read_up(told).await? {
            if error.kind == ErrorKind::Rejected {
                return Err(Stop::Failed(error));
            }
            if told == Told::Quietly {
                let now = self.loki.now();
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
    async fn fill(&mut self, gap: Gap) -> Go<()> {
        self.send(TailEvent::Gap(gap.clone())).await?;
        self.refill(gap).await
    }

    async fn refill(&mut self, gap: Gap) -> Go<()> {
        let covered = Gap {
            from: gap.from.max(self.seen.covers_from().min(gap.to)),
            ..gap.clone()
        };
        match self.read_stretch(&covered).await? {
            Ok(reached) => {
                self.send(TailEvent::Filled(gap.clone())).await?;
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

    async fn try_waiting(&mut self) -> Go<()> {
        for gap in std::mem::take(&mut self.waiting) {
            self.refill(gap).await?;
        }
        Ok(())
    }
}

/// Whether polling does instead of a socket that could not be opened, why, and for how long.
fn instead(error: &BackendError, misses: u32) -> Option<(&'static str, Duration)> {
    if is_tail_limit(&error.detail) {
        return Some(("tail limit", LIMIT_PAUSE));
    }
    let answered = match error.kind {
        // The server, or something before it, made nothing of the upgrade.
        ErrorKind::Rejected | ErrorKind::BadAnswer => return Some(("no upgrade", UPGRADE_PAUSE)),
        // Gateways without upgrades answer so too, or never.
        ErrorKind::ServerFault | ErrorKind::TimedOut => true,
        ErrorKind::Unreachable
        | ErrorKind::Tls
        | ErrorKind::NotSignedIn
        | ErrorKind::RateLimited
        | ErrorKind::TooLarge
        | ErrorKind::Credentials
        | ErrorKind::Cancelled => false,
    };
    (answered && misses + 1 >= PATIENCE).then_some(("no upgrade", UPGRADE_PAUSE))
}

/// Reads a socket into the inbox until it ends; exchanges it for a new one in time.
async fn read_socket(loki: &Loki, query: String, mut socket: Socket, (inbox, renew): (&Inbox, Duration)) {
    let mut garbled = 0;
    let renewed = |wait: Duration| {
        let query = &query;
        Box::pin(async move {
            tokio::time::sleep(wait).await;
            loki.open_tail(query, loki.now().minus(OVERLAP)).await
        })
    };
    let mut renewal = renewed(renew);
    loop {
        // The old one is read while the new one is opened, and the stretch around now is read again.
        let heard = tokio::select! {
            heard = socket.hear() => heard,
            new = &mut renewal => {
                renewal = match new {
                    Ok(new) => {
                        std::mem::replace(&mut socket, new).close().await;
                        inbox.push(Item::Renewed);
                        renewed(renew)
                    }
                    // The old one lives until the server ends it.
                    Err(_) => renewed(LIMIT_PAUSE),
                };
                continue;
            }
        };
        let text = match heard {
            Heard::Text(text) => text,
            Heard::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Heard::End(end) => {
                inbox.end(end);
                return;
            }
        };
        match loki.reader.frame(&text) {
            Ok(frame) => {
                garbled = 0;
                inbox.lines(frame.entries);
                if let Some(dropped) = frame.dropped {
                    inbox.push(Item::Dropped(dropped));
                }
            }
            Err(why) => {
                garbled += 1;
                if garbled >= GARBLED {
                    inbox.end(End::Broken(format!("its messages do not read: {why}")));
                    return;
                }
                inbox.push(Item::Garbled(why));
            }
        }
    }
}
