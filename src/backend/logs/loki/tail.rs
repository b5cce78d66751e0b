//! The websocket tail: what of [`Follow`] is Loki's own.
//!
//! A socket is opened first and the stretch up to now read behind it, so that the two overlap. The same at every
//! reconnect, where the stretch is a gap until it is read. A socket is exchanged before the server ends it. While there
//! is none to be had (too many tails, a proxy without upgrades) the present is polled, and the socket tried again
//! later. The reader of the socket and the teller of its lines run side by side with an [`Inbox`] between them: a
//! slow console does not slow the reading.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::inbox::{Inbox, Item};
use super::socket::{End, Heard, Socket, TAIL, is_tail_limit};
use super::wire::Dropped;
use super::{Loki, logql};
use crate::backend::logs::follow::{Follow, Go, Stop, Task, Told, rest_after};
use crate::backend::logs::{TailEvent, TailMode};
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::domain::log::{GapReason, Nanos, Wanted};

/// What is read again around every seam: ingesters tell their lines only roughly in order.
const OVERLAP: Duration = Duration::from_secs(5);
/// `tail_max_duration` is an hour: a socket is exchanged before, spread over some minutes.
pub(super) const RENEW: Duration = Duration::from_secs(50 * 60);
/// How long until a socket is tried again where tails are too many.
const LIMIT_PAUSE: Duration = Duration::from_secs(30);
/// How long until a socket is tried again where it alone is refused: a token may have been changed meanwhile.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// How long until a socket is tried again where something on the way has no upgrades.
const UPGRADE_PAUSE: Duration = Duration::from_secs(300);
/// Attempts that fail in the same answered way before the way is taken to have no upgrades.
const PATIENCE: u32 = 2;
/// Frames in a row that do not read before the socket is given up.
const GARBLED: u32 = 3;
/// A socket that is to be refused is closed within this; one that lived longer is no failed attempt.
const SETTLED: Duration = Duration::from_millis(300);

/// Tails until nobody listens or the server refuses the query.
pub(super) async fn run(
    loki: &Loki,
    wanted: Wanted,
    from: Nanos,
    events: mpsc::Sender<TailEvent>,
) -> BackendResult<()> {
    let queries = loki.queries(&wanted).await?;
    let follow = Follow::new(Task {
        pager: loki,
        asker: &*loki.asker,
        clock: loki.clock,
        poll: loki.settings.poll,
        overlap: OVERLAP,
        queries: queries.iter().map(logql::Query::text).collect(),
        from,
        events,
    });
    match (Tail { loki, follow }).go().await {
        Ok(never) => match never {},
        Err(stop) => stop.result(),
    }
}

/// A tail that runs.
struct Tail<'a> {
    loki: &'a Loki,
    follow: Follow<'a, Loki>,
}

impl Tail<'_> {
    async fn go(&mut self) -> Go<std::convert::Infallible> {
        self.follow.send(TailEvent::Mode(TailMode::Connecting)).await?;
        self.follow.backlog().await?;
        if self.follow.queries.len() > 1 {
            loop {
                self.follow
                    .poll("a trace takes two questions", Duration::MAX)
                    .await?;
            }
        }
        let mut misses: u32 = 0;
        let mut lost = false;
        loop {
            let query = self.follow.queries.first().cloned().unwrap_or_default();
            let start = self.follow.stretch_from();
            let events = self.follow.events();
            let opened = tokio::select! {
                opened = self.loki.open_tail(&query, start) => opened,
                () = events.closed() => return Err(Stop::Gone),
            };
            let (error, pause) = match opened {
                Ok(socket) => {
                    let since = self.loki.clock.tick();
                    let end = self.live(socket, lost).await?;
                    lost = true;
                    if end.is_expiry() {
                        continue;
                    }
                    if self.loki.clock.tick().since(since) >= SETTLED {
                        misses = 0;
                    }
                    let error = self.error(ErrorKind::Unreachable, &end.words());
                    (error, end.is_tail_limit().then_some(("tail limit", LIMIT_PAUSE)))
                }
                Err(error) => {
                    lost = true;
                    let pause = instead(&error, misses);
                    (error, pause)
                }
            };
            misses += 1;
            let retry_after = rest_after(&error);
            if pause.is_none() || misses == 1 {
                self.follow.send(TailEvent::Failed(error)).await?;
            }
            if let Some((why, pause)) = pause {
                self.follow.poll(why, pause).await?;
                // What was polled is no gap.
                lost = false;
                misses = misses.min(PATIENCE);
            } else {
                self.follow.send(TailEvent::Mode(TailMode::Connecting)).await?;
                self.follow.back_off(misses, retry_after).await?;
            }
        }
    }

    /// Follows a socket to its end. `lost`: what lies before it is a gap until it is read.
    async fn live(&mut self, socket: Socket, lost: bool) -> Go<End> {
        let inbox = Arc::new(Inbox::with_capacity(self.loki.room));
        self.follow.heed(Some(inbox.clone()));
        let query = self.follow.queries.first().cloned().unwrap_or_default();
        // Spread, so that consoles that were started together do not come back together.
        let renew = self.loki.renew + self.loki.renew.mul_f64(0.1 * self.follow.jitter.next());
        let (loki, events) = (self.loki, self.follow.events());
        let reading = read_socket(loki, query, socket, (&inbox, renew));
        let telling = self.tell_inbox(&inbox, lost);
        let both = async { tokio::join!(reading, telling).1 };
        let end = tokio::select! {
            end = both => end,
            () = events.closed() => Err(Stop::Gone),
        };
        self.follow.heed(None);
        end
    }

    /// Tells what the reader of the socket puts into the inbox, until it says that there is no more.
    async fn tell_inbox(&mut self, inbox: &Inbox, lost: bool) -> Go<End> {
        let told = if lost {
            Told::As(GapReason::Disconnected)
        } else {
            Told::Quietly
        };
        self.follow.read_seam(told).await?;
        // A tail that is one too many is closed right behind its upgrade.
        let mut first = match tokio::time::timeout(SETTLED, inbox.next()).await {
            Ok(Item::End(end)) => return Ok(self.ended(end)),
            Ok(item) => Some(item),
            Err(_) => None,
        };
        self.follow.send(TailEvent::Mode(TailMode::Live)).await?;
        loop {
            let item = match (first.take(), self.follow.due()) {
                (Some(item), _) => item,
                (None, None) => inbox.next().await,
                (None, Some(due)) if due <= tokio::time::Instant::now() => {
                    self.follow.try_waiting().await?;
                    continue;
                }
                (None, Some(due)) => match tokio::time::timeout_at(due, inbox.next()).await {
                    Ok(item) => item,
                    Err(_) => continue,
                },
            };
            match item {
                Item::Lines(entries) => self.follow.tell_live(entries).await?,
                Item::Dropped(Dropped {
                    count,
                    oldest,
                    newest,
                }) => {
                    self.follow.dropped(count, oldest, newest).await?;
                }
                Item::Missed(Dropped {
                    count,
                    oldest,
                    newest,
                }) => {
                    self.follow.missed(count, oldest, newest).await?;
                }
                Item::Garbled(why) => {
                    let words = format!("a message of the tail does not read: {why}");
                    let error = self.error(ErrorKind::BadAnswer, &words);
                    self.follow.send(TailEvent::Failed(error)).await?;
                    self.follow.read_seam(Told::As(GapReason::Partial)).await?;
                }
                Item::Renewed => self.follow.read_seam(Told::Quietly).await?,
                Item::End(end) => return Ok(self.ended(end)),
            }
        }
    }

    fn ended(&mut self, end: End) -> End {
        self.follow.lived_until(match end {
            End::Silent => self.loki.patience * 2,
            End::Closed(_) | End::Broken(_) => Duration::ZERO,
        });
        end
    }

    fn error(&self, kind: ErrorKind, words: &str) -> BackendError {
        BackendError {
            tried: format!("GET /{TAIL}"),
            ..self.loki.error(kind, words)
        }
    }
}

/// Whether polling does instead of a socket that could not be opened, why, and for how long.
fn instead(error: &BackendError, misses: u32) -> Option<(&'static str, Duration)> {
    if is_tail_limit(&error.detail) {
        return Some(("tail limit", LIMIT_PAUSE));
    }
    // Reads are answered with the same credentials, or polling says that they are not. A login page is no refusal.
    if matches!(error.status, Some(401 | 403)) {
        return Some(("tail refused", REFUSED_PAUSE));
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
                // A burst that waits in the socket is told on the way, before it finds no room: one turn, no waiting.
                if inbox.is_pressing() {
                    tokio::task::yield_now().await;
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
