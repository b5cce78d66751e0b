//! The writer: a thread of its own deflates and writes, so that neither the loop nor a poller waits for a disk.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::PollSender;

use super::format::{self, Entry, Header, MAGIC, Meta, Typed, VERSION};
use crate::terminal::Input;
use crate::time::Clock;

/// Entries that wait for the thread. When full, an answer waits to be kept before it is handed on; a key does not
/// wait, it is counted as lost. The thread closes it by ending.
const WAITING: usize = 256;
/// Shorter bodies are kept again rather than looked up.
const WORTH_A_LOOK: usize = 128;

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// There is a file of that name.
    #[error("{} is there already, and a recording overwrites nothing; give another name, or move it away", .0.display())]
    Exists(PathBuf),
    /// It cannot be made, or not be written.
    #[error("{}: {why}; give a file in a directory that can be written to", .path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
}

/// What came of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Frames written, the header counted.
    pub frames: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Events that came faster than they could be kept.
    pub lost: u64,
    /// Why it broke off, where it did.
    pub trouble: Option<String>,
}

struct Item {
    entry: Entry,
    body: Vec<u8>,
}

/// Where something is kept from. Cheap to clone.
#[derive(Clone)]
pub struct Tap {
    out: mpsc::Sender<Item>,
    clock: Clock,
    lost: Arc<AtomicU64>,
    trouble: Arc<OnceLock<String>>,
    streams: Arc<AtomicU64>,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}

impl Tap {
    /// Microseconds on the process's clock.
    pub fn now(&self) -> u64 {
        u64::try_from(self.clock.tick().0.as_micros()).unwrap_or(u64::MAX)
    }

    /// Keeps an entry, as soon as there is room for it. When the tape is over nothing is kept.
    pub async fn keep(&self, entry: Entry, body: Vec<u8>) {
        let _ = self.out.send(Item { entry, body }).await; // the tape is over, and says why at its end
    }

    /// Keeps what the person did. Never waits.
    pub fn input(&self, input: &Input) {
        self.keep_now(Entry::Input {
            at: self.now(),
            input: Typed::from(input),
        });
    }

    /// Keeps what an editor gave back. Never waits.
    pub fn edited(&self, result: &Result<String, String>) {
        self.keep_now(Entry::Edited {
            at: self.now(),
            result: result.clone(),
        });
    }

    fn keep_now(&self, entry: Entry) {
        let item = Item {
            entry,
            body: Vec::new(),
        };
        if let Err(mpsc::error::TrySendError::Full(_)) = self.out.try_send(item) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Why nothing is kept any more, once.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.get().map(String::as_str)
    }

    pub(super) fn next_stream(&self) -> u64 {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// For what can only be polled.
    pub(super) fn polled(&self) -> Polled {
        Polled {
            out: PollSender::new(self.out.clone()),
            tap: self.clone(),
        }
    }
}

/// A tap for poll functions: room is reserved before anything is read that would have to be kept.
pub(super) struct Polled {
    out: PollSender<Item>,
    pub(super) tap: Tap,
}

impl Polled {
    /// Ready when there is room, or when the tape is over.
    pub(super) fn poll_room(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        self.out.poll_reserve(context).map(|_| ())
    }

    /// Keeps an entry in the room that was reserved.
    pub(super) fn keep(&mut self, entry: Entry, body: Vec<u8>) {
        // The tape is over, and says why at its end.
        let _ = self.out.send_item(Item { entry, body });
    }
}

/// A recording that is being made.
pub struct Tape {
    path: PathBuf,
    tap: Tap,
    written: oneshot::Receiver<(u64, u64)>,
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tape({})", self.path.display())
    }
}

impl Tape {
    /// Begins a recording in a new file that its owner alone reads.
    pub fn create(path: &Path, header: Header, clock: Clock) -> Result<Self, TapeError> {
        let unwritable = |why: io::Error| TapeError::Unwritable {
            path: path.to_owned(),
            why,
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => TapeError::Exists(path.to_owned()),
            _ => unwritable(error),
        })?;
        let (out, inbox) = mpsc::channel(WAITING);
        let tap = Tap {
            out,
            clock,
            lost: Arc::default(),
            trouble: Arc::default(),
            streams: Arc::default(),
        };
        let mut writer = Writer {
            file,
            tap_lost: Arc::clone(&tap.lost),
            told_lost: 0,
            frames: 0,
            bytes: 0,
            bodies: HashMap::new(),
        };
        writer.begin(header).map_err(unwritable)?;
        let (done, written) = oneshot::channel();
        let trouble = Arc::clone(&tap.trouble);
        std::thread::Builder::new()
            .name("tape".to_owned())
            .spawn(move || {
                if let Err(error) = writer.run(inbox) {
                    let _ = trouble.set(error.to_string());
                }
                let _ = done.send((writer.frames, writer.bytes));
            })
            .map_err(unwritable)?;
        Ok(Self {
            path: path.to_owned(),
            tap,
            written,
        })
    }

    /// Another tap on it.
    pub fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Ends it: what was handed over so far is in the file.
    pub async fn finish(self) -> Summary {
        let at = self.tap.now();
        self.tap.keep(Entry::End { at }, Vec::new()).await;
        let (frames, bytes) = self.written.await.unwrap_or_default();
        Summary {
            frames,
            bytes,
            lost: self.tap.lost.load(Ordering::Relaxed),
            trouble: self.tap.trouble().map(str::to_owned),
        }
    }
}

struct Writer {
    file: File,
    tap_lost: Arc<AtomicU64>,
    told_lost: u64,
    frames: u64,
    bytes: u64,
    /// Frames by the digest of their body.
    bodies: HashMap<[u8; 32], u32>,
}

impl Writer {
    fn begin(&mut self, header: Header) -> io::Result<()> {
        self.put(format!("{MAGIC}{VERSION}\n").as_bytes())?;
        self.entry(Entry::Header(Box::new(header)), &[])
    }

    fn run(&mut self, mut inbox: mpsc::Receiver<Item>) -> io::Result<()> {
        while let Some(Item { entry, body }) = inbox.blocking_recv() {
            let lost = self.tap_lost.load(Ordering::Relaxed);
            if let (Some(at), true) = (entry.at(), lost > self.told_lost) {
                let count = lost - self.told_lost;
                self.told_lost = lost;
                self.entry(Entry::Lost { at, count }, &[])?;
            }
            let is_end = matches!(entry, Entry::End { .. });
            self.entry(entry, &body)?;
            if is_end {
                break;
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: Entry, body: &[u8]) -> io::Result<()> {
        let mut same = None;
        if body.len() >= WORTH_A_LOOK {
            let number = u32::try_from(self.frames).map_err(io::Error::other)?;
            let digest: [u8; 32] = Sha256::digest(body).into();
            same = self.bodies.get(&digest).copied();
            if same.is_none() {
                self.bodies.insert(digest, number);
            }
        }
        let body = if same.is_some() { &[] } else { body };
        let frame = format::frame(&Meta { entry, same }, body)?;
        self.put(&frame)?;
        self.frames += 1;
        Ok(())
    }

    /// One write a frame: a process that is killed leaves whole frames.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += u64::try_from(bytes.len()).unwrap_or_default();
        Ok(())
    }
}
