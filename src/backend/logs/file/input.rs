//! Standard input: lines that come once, from a pipe.
//!
//! A thread of its own reads: a read that waits for a pipe cannot be broken off, and must keep nobody from ending.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::entries::Cutter;
use super::sift::{Before, Sieve};
use super::{failed, lines};
use crate::backend::BackendResult;
use crate::backend::logs::{Logs, Page, PageQuestion, Reach, TailEvent, TailMode, Volume};
use crate::domain::log::{Nanos, Stream, Wanted};

/// What is read at once.
const BLOCK: usize = 64 * 1024;
/// Blocks that are read ahead; who writes to the pipe waits beyond.
const AHEAD: usize = 16;
/// An entry that may go on ends when nothing came for so long.
const ENTRY_QUIET: Duration = Duration::from_millis(200);

/// A pipe that is read once.
pub struct Input {
    name: Arc<str>,
    /// When it was opened: what is read tells times of about then.
    opened: Nanos,
    source: Mutex<Option<Box<dyn Read + Send>>>,
}

impl Input {
    /// The process's standard input.
    pub fn standard(name: Arc<str>, now: Nanos) -> Self {
        Self::from(name, now, io::stdin())
    }

    /// Anything else that can be read to its end.
    pub fn from(name: Arc<str>, now: Nanos, source: impl Read + Send + 'static) -> Self {
        Self {
            name,
            opened: now,
            source: Mutex::new(Some(Box::new(source))),
        }
    }

    async fn read(&self, wanted: Wanted, events: mpsc::Sender<TailEvent>) -> BackendResult<()> {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(source) = source else {
            // read to its end already: nothing comes any more
            return Ok(());
        };
        let sieve = Sieve::new(&wanted).about(self.opened);
        let mut before = Before::default();
        let stream = Arc::new(Stream {
            native_id: Some(Arc::from("-")),
            ..Stream::default()
        });
        let mut blocks = self.blocks(source)?;
        let mut cutter = Cutter::starting(0);
        if events.send(TailEvent::Mode(TailMode::Live)).await.is_err() {
            return Ok(());
        }
        loop {
            let next = tokio::select! {
                next = blocks.recv() => next,
                () = tokio::time::sleep(ENTRY_QUIET), if cutter.holds() && !cutter.is_within_a_line() => {
                    Some(Ok(Vec::new()))
                }
                () = events.closed() => return Ok(()),
            };
            let (stretch, ended) = match next {
                Some(Ok(bytes)) if bytes.is_empty() => (cutter.pause(), None),
                Some(Ok(bytes)) => (cutter.push(&bytes), None),
                Some(Err(error)) => {
                    let error = failed(&self.name, format!("standard input: {error}"));
                    (cutter.finish(), Some(Err(error)))
                }
                None => (cutter.finish(), Some(Ok(()))),
            };
            if let Some(batch) = stretch.and_then(|stretch| lines(stretch, &sieve, &stream, &mut before))
                && events.send(TailEvent::Lines(batch)).await.is_err()
            {
                return Ok(());
            }
            if let Some(ended) = ended {
                // with nobody there to hear it, it is over all the same
                let _ = events.send(TailEvent::Mode(TailMode::Ended)).await;
                return ended;
            }
        }
    }

    /// Reads on a thread that ends with the pipe, or when nobody takes what it read.
    fn blocks(&self, mut source: Box<dyn Read + Send>) -> BackendResult<mpsc::Receiver<io::Result<Vec<u8>>>> {
        let (sender, blocks) = mpsc::channel(AHEAD);
        let reading = move || {
            let mut block = vec![0; BLOCK];
            loop {
                let told = match source.read(&mut block) {
                    Ok(0) => return,
                    Ok(length) => Ok(block.get(..length).unwrap_or_default().to_vec()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let last = told.is_err();
                if sender.blocking_send(told).is_err() || last {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("standard input".to_owned());
        match thread.spawn(reading) {
            Ok(_) => Ok(blocks),
            Err(error) => Err(failed(&self.name, format!("standard input: {error}"))),
        }
    }
}

impl Logs for Input {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn reach(&self) -> Reach {
        Reach::Whole
    }

    fn page(&self, _question: PageQuestion) -> BoxFuture<'_, BackendResult<Page>> {
        // a pipe has no past
        Box::pin(std::future::ready(Ok(Page::default())))
    }

    /// Ends without an error at the end of the input.
    fn tail(
        &self,
        wanted: Wanted,
        _from: Nanos,
        events: mpsc::Sender<TailEvent>,
    ) -> BoxFuture<'_, BackendResult<()>> {
        Box::pin(self.read(wanted, events))
    }

    fn volume(
        &self,
        _wanted: Wanted,
        _from: Nanos,
        _to: Nanos,
        _buckets: usize,
    ) -> BoxFuture<'_, BackendResult<Option<Volume>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
