//! The tail: NDJSON without an end, and a second look at what it leaves out.
//!
//! The server re-reads the last seconds each second and tells what is newer than the last row of each stream: rows that
//! arrive late, or within a moment that was told already, it skips without a word. So the last seconds are read again
//! now and then, and what is new is told. It has no heartbeat, and does not even begin to answer before there is a row
//! to tell; that second look also shows whether the server lives.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;

use super::VictoriaLogs;
use super::wire::Lines;
use crate::backend::http::{Call, Expect, Opened, Pieces, Way};
use crate::backend::logs::entry::Entry;
use crate::backend::logs::follow::{Follow, Go, Stop, Task, Told, rest_after};
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
/// How long until the beginning of an answer is given up: never, as long as it is quiet.
const QUIET: Duration = Duration::from_secs(24 * 3_600);
/// A stream that is to be refused is refused within this; one that lived longer is no failed attempt.
const SETTLED: Duration = Duration::from_millis(500);
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
            let since = self.logs.clock.tick();
            let error = self.live(pieces(self.logs, self.query.clone()), told).await?;
            if error.status == Some(400) {
                return Err(Stop::Failed(error));
            }
            if matches!(error.kind, ErrorKind::Rejected | ErrorKind::BadAnswer) {
                self.follow.send(TailEvent::Failed(error)).await?;
                self.follow.poll("no stream", PAUSE).await?;
                told = Told::Quietly;
                continue;
            }
            if self.logs.clock.tick().since(since) >= SETTLED {
                misses = 0;
            }
            told = Told::As(GapReason::Disconnected);
            misses += 1;
            let retry_after = rest_after(&error);
            self.follow.send(TailEvent::Failed(error)).await?;
            self.follow.send(TailEvent::Mode(TailMode::Connecting)).await?;
            self.follow.back_off(misses, retry_after).await?;
        }
    }

    /// Follows a stream to its end; why it ended.
    async fn live(
        &mut self,
        mut pieces: BoxStream<'_, BackendResult<Vec<u8>>>,
        told: Told,
    ) -> Go<BackendError> {
        self.follow.read_seam(told).await?;
        let mut first = match tokio::time::timeout(SETTLED, pieces.next()).await {
            Ok(Some(Err(error))) => return Ok(error),
            Ok(None) => return Ok(self.error("the server ended the tail")),
            Ok(Some(Ok(piece))) => Some(piece),
            Err(_) => None,
        };
        self.follow.send(TailEvent::Mode(TailMode::Live)).await?;
        let events = self.follow.events();
        let mut lines = Lines::default();
        let mut again = tokio::time::interval_at(tokio::time::Instant::now() + AGAIN, AGAIN);
        again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let error = loop {
            if let Some(piece) = first.take() {
                if let Some(error) = self.tell(&mut lines, &piece).await? {
                    break error;
                }
                continue;
            }
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
            if let Some(error) = self.tell(&mut lines, &piece).await? {
                break error;
            }
        };
        self.follow.lived_until(Duration::ZERO);
        Ok(error)
    }

    /// Tells the rows that end in a piece; why the tail ends behind them, if it does.
    async fn tell(&mut self, lines: &mut Lines, piece: &[u8]) -> Go<Option<BackendError>> {
        let (entries, words) = self.read(lines, piece);
        if !entries.is_empty() {
            self.follow.tell_live(entries).await?;
        }
        Ok(words.map(|words| self.error(&words)))
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

/// The answer piece by piece; a refusal is its first.
fn pieces(logs: &VictoriaLogs, query: String) -> BoxStream<'_, BackendResult<Vec<u8>>> {
    let opened = async move {
        let form = [
            ("query", query.as_str()),
            ("start_offset", "5s"),
            ("offset", "1s"),
            ("refresh_interval", "1s"),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut call = Call::read_form(TAIL, form.to_vec());
        call.expect = Expect::Text;
        call.timeout = Some(QUIET);
        let opened = logs.asker.open(call, Way::Body).await;
        opened.unwrap_or_else(|error| Opened::Body(futures::stream::iter([Err(error)]).boxed()))
    };
    let pieces = futures::stream::once(opened).map(|opened| match opened {
        Opened::Body(pieces) => pieces,
        Opened::Socket { .. } => {
            let error = logs.error(ErrorKind::BadAnswer, TAIL, "it is no stream of lines");
            futures::stream::iter([Err(error)]).boxed() as Pieces<BackendError>
        }
    });
    pieces.flatten().boxed()
}
