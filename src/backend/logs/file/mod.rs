//! Files of this host, and standard input: logs without a server.
//!
//! `entries` cuts bytes into lines and joins stack traces, `sift` dates them and drops what is not wanted, `history`
//! reads what is there by blocks from either end, `follow` what comes, through rotation and truncation; `memory` is where
//! pages and the tail meet, so that none tells what the other told; `survey` looks how files are, without their lines. [`Files`] is
//! the source of `kind = "file"` and of `logs FILE`; [`Input`] that of `logs -`.
//!
//! A file is read by position and never mapped: one that is truncated meanwhile reads as shorter, no more. The text
//! tells the times, if anything does, so that a page ends at a position, and the next one goes on there.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use self::entries::Stretch;
use self::follow::{FileId, Followed, Looked, Readers};
use self::history::{Backward, read_at};
use self::memory::{Begin, Memory};
use self::past::{Past, Share};
use self::sift::{Before, Sieve};
use super::{Direction, Logs, Page, PageQuestion, Reach, Settings, TailEvent, TailMode, Volume};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::domain::log::{Batch, Nanos, Place, Stream, Wanted};
use crate::time::{Clock, Tick};

pub mod entries;
mod follow;
mod history;
mod input;
mod memory;
mod page;
mod past;
mod sift;
mod survey;

#[cfg(test)]
mod tests;

pub use input::Input;
pub use survey::{Survey, Surveyed};

/// How often files are looked at while something comes, and once nothing came for [`QUIET`].
const LOOK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// So long after the last line the next ones are looked out for closely.
const QUIET: Duration = Duration::from_secs(10);
/// How often patterns are looked at for new files.
const EXPAND: Duration = Duration::from_secs(1);
/// Files that are read at most.
const MOST_FILES: usize = 512;
/// A file that changed within this may end within a line that is being written.
const SETTLED: Duration = Duration::from_secs(2);

/// Files by paths and patterns.
pub struct Files {
    settings: Settings,
    paths: Vec<String>,
    clock: Clock,
    reach: Reach,
    memory: Arc<Mutex<Memory>>,
}

impl Files {
    /// Those that paths and patterns name.
    pub fn new(settings: Settings, paths: Vec<String>, clock: Clock) -> Self {
        Self {
            settings,
            paths,
            clock,
            reach: Reach::AtHand,
            memory: Arc::default(),
        }
    }

    /// The same, to be read from begin to end by whoever looks into them, not asked for pages.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.reach = Reach::Whole;
        self
    }

    /// How many there are, and which of them cannot be opened, each with the reason.
    pub fn unreadable(&self) -> (usize, Vec<String>) {
        let found = expand(&self.paths);
        let cannot = found.iter().filter_map(|path| {
            let error = File::open(path).err()?;
            Some(format!("{}: {error}", path.display()))
        });
        (found.len(), cannot.collect())
    }

    fn error(&self, detail: String) -> BackendError {
        failed(&self.settings.name, detail)
    }

    async fn follow(
        &self,
        wanted: Wanted,
        from: Nanos,
        events: mpsc::Sender<TailEvent>,
    ) -> BackendResult<()> {
        let _running = Running::begin(&self.memory, &wanted);
        let sieve = Arc::new(Sieve::new(&wanted).about(Nanos::of(self.clock.now().utc)));
        let mut tails: HashMap<PathBuf, Followed> = HashMap::new();
        let mut streams: HashMap<PathBuf, (Arc<Stream>, Before)> = HashMap::new();
        let mut expanded: Option<Tick> = None;
        let mut said: Vec<String> = Vec::new();
        if events.send(TailEvent::Mode(TailMode::Live)).await.is_err() {
            return Ok(());
        }
        let mut came = self.clock.tick();
        let mut share = Share::default();
        loop {
            let now = self.clock.tick();
            if expanded.is_none_or(|at| now.since(at) >= EXPAND) {
                let first = expanded.is_none();
                expanded = Some(now);
                let mut found = expand(&self.paths);
                found.truncate(MOST_FILES);
                if first {
                    let lengths = found.iter().filter_map(|path| std::fs::metadata(path).ok());
                    share.of = lengths.map(|found| found.len()).sum();
                }
                let count = found.len();
                for (number, path) in found.into_iter().enumerate() {
                    if tails.contains_key(&path) {
                        continue;
                    }
                    let awaited = || (Followed::awaited(path.clone()), Before::default());
                    let (followed, before) = if first {
                        share.left = count - number - 1;
                        let told = self.history(&path, (&wanted, &sieve), (from, share), &events);
                        let Some(end) = told.await else {
                            return Ok(());
                        };
                        share.before += std::fs::metadata(&path).map_or(0, |found| found.len());
                        end.unwrap_or_else(awaited)
                    } else {
                        awaited()
                    };
                    streams.insert(path.clone(), (stream(&path), before));
                    tails.insert(path, followed);
                }
                if first {
                    lock(&self.memory).tail_settled(&wanted);
                }
                if first && from.0 == i64::MIN && events.send(TailEvent::Mode(TailMode::Live)).await.is_err()
                {
                    return Ok(());
                }
            }
            let now = self.clock.tick();
            let looking = tokio::task::spawn_blocking(move || {
                let looked = look(&mut tails, now);
                (tails, looked)
            });
            let Ok((back, seen)) = looking.await else {
                return Err(self.error("reading was broken off".to_owned()));
            };
            tails = back;
            if !seen.stretches.is_empty() {
                came = now;
            }
            for (path, stretch) in seen.stretches {
                if let Some((stream, before)) = streams.get_mut(&path)
                    && let Some(batch) = lines(stretch, &sieve, stream, before)
                    && events.send(TailEvent::Lines(batch)).await.is_err()
                {
                    return Ok(());
                }
            }
            for problem in seen.problems {
                // once: it is looked at again and again
                if !said.contains(&problem) && said.len() < MOST_FILES {
                    said.push(problem.clone());
                    if events.send(TailEvent::Failed(self.error(problem))).await.is_err() {
                        return Ok(());
                    }
                }
            }
            if seen.looked == Looked::All {
                tokio::select! {
                    () = tokio::time::sleep(pace(now.since(came))) => {}
                    () = events.closed() => return Ok(()),
                }
            }
        }
    }

    /// Tells what a file holds already from a moment on, and how it is followed from there, behind which moment;
    /// `None` where nobody listens, no `Followed` where the file cannot be read yet.
    async fn history(
        &self,
        path: &Path,
        (wanted, sieve): (&Wanted, &Arc<Sieve>),
        (from, share): (Nanos, Share),
        events: &mpsc::Sender<TailEvent>,
    ) -> Option<Option<(Followed, Before)>> {
        // what is dropped with this future ends the reading, too
        let (pieces, mut told) = mpsc::channel::<TailEvent>(4);
        let (path, sieve, memory) = (path.to_owned(), Arc::clone(sieve), Arc::clone(&self.memory));
        let (wanted, now) = (wanted.clone(), self.clock.now());
        let reading = tokio::task::spawn_blocking(move || -> io::Result<(Followed, Before)> {
            // all of a file has no page before it
            let begin = match from {
                Nanos(i64::MIN) => Begin::of(&path, now.utc)?,
                _ => lock(&memory).begin_of_tail(&path, &wanted, now.utc)?,
            };
            let Begin { file, at: end } = begin;
            let place = Place::of(file.try_clone()?);
            let past = Past {
                place: Arc::clone(&place),
                stream: stream(&path),
                pieces,
                share,
            };
            let before = if from.0 == i64::MIN {
                past.tell_all(&file, &sieve, end)?;
                Before::default()
            } else {
                past.tell_since(&file, &sieve, (from, end))?;
                // what comes next may tell no time, and belongs behind what is there
                let last = Backward::new(&file, &sieve, end).piece()?;
                let last = last.and_then(|piece| piece.entries.last()?.at);
                last.map(Before::carried).unwrap_or_default()
            };
            let followed = Followed::from(path.clone(), file, end, now.tick)?.kept_at(place);
            Ok((followed, before))
        });
        while let Some(event) = told.recv().await {
            if events.send(event).await.is_err() {
                return None;
            }
        }
        Some(reading.await.ok().and_then(Result::ok))
    }
}

/// How long until files are looked at again, so long after something came.
fn pace(quiet: Duration) -> Duration {
    if quiet < QUIET { LOOK.0 } else { LOOK.1 }
}

/// What a look at all files saw.
struct Seen {
    stretches: Vec<(PathBuf, Stretch)>,
    problems: Vec<String>,
    looked: Looked,
}

fn look(tails: &mut HashMap<PathBuf, Followed>, now: Tick) -> Seen {
    let mut seen = Seen {
        stretches: Vec::new(),
        problems: Vec::new(),
        looked: Looked::All,
    };
    let mut readers = Readers::of(tails.values());
    for followed in tails.values_mut() {
        let mut stretches = Vec::new();
        match followed.look(now, &mut readers, &mut stretches) {
            Ok(Looked::More) => seen.looked = Looked::More,
            Ok(Looked::All) => {}
            Err(error) => seen
                .problems
                .push(format!("{}: {error}", followed.path().display())),
        }
        let path = followed.path();
        seen.stretches
            .extend(stretches.into_iter().map(|stretch| (path.to_owned(), stretch)));
    }
    for (path, stretches) in readers.hand_over(tails) {
        let of = |stretch| (path.clone(), stretch);
        seen.stretches.extend(stretches.into_iter().map(of));
    }
    seen
}

/// A tail that runs, for as long as it is polled: what it tells no page tells.
struct Running {
    memory: Arc<Mutex<Memory>>,
    wanted: Wanted,
}

impl Running {
    fn begin(memory: &Arc<Mutex<Memory>>, wanted: &Wanted) -> Self {
        lock(memory).tail_begins(wanted);
        Self {
            memory: Arc::clone(memory),
            wanted: wanted.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.memory).tail_ended(&self.wanted);
    }
}

/// What is wanted of a stretch.
fn lines(stretch: Stretch, sieve: &Sieve, stream: &Arc<Stream>, before: &mut Before) -> Option<Batch> {
    let entries = sift::dated(&stretch, sieve, before);
    sift::batch(stretch.bytes, entries, stream)
}

/// Where a file ends: behind its last whole line while it is being written, at its very end otherwise.
fn settled_end(file: &File, now: chrono::DateTime<chrono::Utc>) -> io::Result<u64> {
    let metadata = file.metadata()?;
    let length = metadata.len();
    let changed = metadata.modified().map(chrono::DateTime::<chrono::Utc>::from);
    let age = changed.ok().and_then(|at| (now - at).to_std().ok());
    if age.is_some_and(|age| age >= SETTLED) || length == 0 {
        return Ok(length);
    }
    let from = length.saturating_sub(64 * 1024);
    let last = read_at(file, from, (length - from) as usize)?;
    Ok(memchr::memrchr(b'\n', &last).map_or(length, |at| from + at as u64 + 1))
}

/// The files behind paths and patterns, each once, in order of their names: a link to one that is among them is none.
fn expand(paths: &[String]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in paths {
        let plain = PathBuf::from(path);
        let matched = match glob::glob(path) {
            Ok(matched) if !plain.exists() => matched.flatten().filter(|path| path.is_file()).collect(),
            _ => vec![plain],
        };
        found.extend(matched);
    }
    found.sort();
    found.dedup();
    if found.iter().any(|path| path.is_symlink()) {
        let id = |path: &PathBuf| std::fs::metadata(path).map(|found| FileId::of(&found)).ok();
        let themselves = found.iter().filter(|path| !path.is_symlink());
        let themselves: HashSet<FileId> = themselves.filter_map(id).collect();
        found.retain(|path| !path.is_symlink() || id(path).is_none_or(|id| !themselves.contains(&id)));
    }
    found
}

fn stream(path: &Path) -> Arc<Stream> {
    let name: Arc<str> = Arc::from(path.to_string_lossy());
    Arc::new(Stream {
        labels: vec![(Arc::from("file"), Arc::clone(&name))],
        service: None,
        native_id: Some(name),
    })
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    // a panic elsewhere does not spoil what is remembered
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(name: &Arc<str>, detail: String) -> BackendError {
    BackendError {
        kind: ErrorKind::Unreachable,
        backend: Arc::clone(name),
        tried: "read".to_owned(),
        detail,
        mend: "check that the file is there and may be read by you".to_owned(),
        status: None,
        retry_after: None,
        delivery: Delivery::NotSent,
    }
}

impl Logs for Files {
    fn name(&self) -> &Arc<str> {
        &self.settings.name
    }

    fn reach(&self) -> Reach {
        self.reach
    }

    fn page(&self, question: PageQuestion) -> BoxFuture<'_, BackendResult<Page>> {
        let (paths, memory, now) = (self.paths.clone(), Arc::clone(&self.memory), self.clock.now().utc);
        Box::pin(async move {
            let reading = tokio::task::spawn_blocking(move || page::read(&paths, &question, &memory, now));
            match reading.await {
                Ok(Ok(page)) => Ok(page),
                Ok(Err(problem)) => Err(self.error(problem)),
                Err(_) => Err(self.error("reading was broken off".to_owned())),
            }
        })
    }

    fn tail(
        &self,
        wanted: Wanted,
        from: Nanos,
        events: mpsc::Sender<TailEvent>,
    ) -> BoxFuture<'_, BackendResult<()>> {
        Box::pin(self.follow(wanted, from, events))
    }

    fn volume(
        &self,
        _wanted: Wanted,
        _from: Nanos,
        _to: Nanos,
        _buckets: usize,
    ) -> BoxFuture<'_, BackendResult<Option<Volume>>> {
        // the store counts what it has of them
        Box::pin(std::future::ready(Ok(None)))
    }

    fn survey(&self) -> BoxFuture<'_, Option<Survey>> {
        let (paths, now) = (self.paths.clone(), self.clock.now().utc);
        Box::pin(async move {
            let looking = tokio::task::spawn_blocking(move || Survey::of(&paths, now));
            looking.await.ok()
        })
    }
}
