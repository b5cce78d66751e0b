//! The tail: NDJSON without an end, and a second look at what it leaves out.
//!
//! The server re-reads the last seconds each second and tells what is newer than the last row of each stream: rows that
//! arrive late, or within a moment that was told already, it skips without a word. So the last seconds are read again
//! now and then, and what is new is told. It has no heartbeat; that second look also shows whether it lives.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::VictoriaLogs;
use super::wire::Lines;
use crate::backend::http::{Call, Expect, Opened, Pieces, Way};
use crate::backend::logs::entry::Entry;
use crate::backend::logs::follow::{Follow, Go, Stop, Task, Told};
use crate::backend::logs::{TailEvent, TailMode};
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::domain::log::{GapReason, Nanos, Wanted};

const TAIL: &str = "select/logsql/tail";
/// How often the last seconds are read again.
const AGAIN: Duration = Duration::from_secs(10);
/// How far back they are.
const OVERLAP: Duration = Duration::from_secs(15);
/// How long until a stream is tried again where something on the way has none.
const PAUSE: Duration = Duration::from_secs(300);
/// A stream that lived so long is no failed attempt.
const LIVED: Duration = Duration::from_secs(1);
/// A row at most; the server takes none above 2 MiB.
const ROW: usize = 8 * 1024 * 1024;

/// Tails until nobody listens or the server refuses the query.
pub(super) async fn run(
    logs: &VictoriaLogs,
    wanted: Wanted,
    from: Nanos,
    events: mpsc::Sender<TailEvent>,
) -> BackendResult<()> {
    let query = logs.query(&wanted);
    let follow = Follow::new(Task {
        pager: logs,
        asker: &*logs.asker,
        clock: logs.clock,
        poll: logs.settings.poll,
        overlap: OVERLAP,
        queries: vec![query.clone()],
        from,
        events,
    });
    match (Tail { logs, follow, query }).go().await {
        Ok(never) => match never {},
        Err(stop) => stop.result(),
    }
}

/// A tail that runs.
struct Tail<'a> {
    logs: &'a VictoriaLogs,
    follow: Follow<'a, VictoriaLogs>,
    query: String,
}

impl Tail<'_> {
    async fn go(&mut self) -> Go<std::convert::Infallible> {
        self.follow.send(TailEvent::Mode(TailMode::Connecting)).await?;
        self.follow.backlog().await?;
        let mut misses: u32 = 0;
        let mut told = Told::Quietly;
        loop {
            let events = self.follow.events();
            let opened = tokio::select! {
                opened = self.open() => opened,
                () = events.closed() => return Err(Stop::Gone),
            };
            let error = match opened {
                Ok(pieces) => {
                    let since = self.logs.clock.tick();
                    let error = self.live(pieces, told).await?;
                    if self.logs.clock.tick().since(since) >= LIVED {
                        misses = 0;
                    }
                    error
                }
                Err(error) if error.status == Some(400) => return Err(Stop::Failed(error)),
                Err(error) if matches!(error.kind, ErrorKind::Rejected | ErrorKind::BadAnswer) => {
                    self.follow.send(TailEvent::Failed(error)).await?;
                    self.follow.poll("no stream", PAUSE).await?;
                    told = Told::Quietly;
                    continue;
                }
                Err(error) => error,
            };
            told = Told::As(GapReason::Disconnected);
            misses += 1;
            let retry_after = error.retry_after;
            self.follow.send(TailEvent::Failed(error)).await?;
            self.follow.send(TailEvent::Mode(TailMode::Connecting)).await?;
            self.follow.back_off(misses, retry_after).await?;
        }
    }

    async fn open(&self) -> BackendResult<Pieces<BackendError>> {
        let form = [
            ("query", self.query.as_str()),
            ("start_offset", "5s"),
            ("offset", "1s"),
            ("refresh_interval", "1s"),
        ];
        let form = form
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let mut call = Call::read_form(TAIL, form);
        call.expect = Expect::Text;
        match self.logs.asker.open(call, Way::Body).await? {
            Opened::Body(pieces) => Ok(pieces),
            Opened::Socket { .. } => {
                Err(self
                    .logs
                    .error(ErrorKind::BadAnswer, TAIL, "it is no stream of lines"))
            }
        }
    }

    /// Follows a stream to its end; why it ended.
    async fn live(&mut self, mut pieces: Pieces<BackendError>, told: Told) -> Go<BackendError> {
        self.follow.read_seam(told).await?;
        self.follow.send(TailEvent::Mode(TailMode::Live)).await?;
        let events = self.follow.events();
        let mut lines = Lines::default();
        let mut again = tokio::time::interval_at(tokio::time::Instant::now() + AGAIN, AGAIN);
        again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let error = loop {
            let piece = tokio::select! {
                piece = pieces.next() => piece,
                _ = again.tick() => {
                    self.follow.try_waiting().await?;
                    self.follow.read_seam(Told::Quietly).await?;
                    continue;
                }
                () = events.closed() => return Err(Stop::Gone),
            };
            let piece = match piece {
                Some(Ok(piece)) => piece,
                Some(Err(error)) => break error,
                None => break self.error("the server ended the tail"),
            };
            let (entries, words) = self.read(&mut lines, &piece);
            if !entries.is_empty() {
                self.follow.tell_live(entries).await?;
            }
            if let Some(words) = words {
                break self.error(&words);
            }
        };
        self.follow.lived_until(Duration::ZERO);
        Ok(error)
    }

    /// The rows that end in a piece, and the server's last words where there are some.
    fn read(&self, lines: &mut Lines, piece: &[u8]) -> (Vec<Entry>, Option<String>) {
        let mut entries = Vec::new();
        for line in lines.push(piece) {
            match self.logs.reader.entry(&line) {
                Ok(entry) => entries.extend(entry),
                Err(words) => return (entries, Some(words)),
            }
        }
        let endless = (lines.pending() > ROW).then(|| "a line of the tail has no end".to_owned());
        (entries, endless)
    }

    fn error(&self, words: &str) -> BackendError {
        self.logs.error(ErrorKind::Unreachable, TAIL, words)
    }
}
