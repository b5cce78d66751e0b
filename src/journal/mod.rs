//! The durable local record: what was done, said and seen here, kept before anything is sent.
//!
//! One SQLite database (WAL, `synchronous = FULL`, so that a commit is an fsync), shared by every process of
//! one host that opens it. One thread of ours (`keeper`) owns the connection; [`Journal`] is its handle: a
//! question or a change goes to it as a closure over [`Tx`], and its answer comes back when it is committed.
//! What each table means stands in the file named after it: [`outbox`], [`audit`], [`incidents`], [`events`],
//! [`facts`], [`drafts`], [`notices`], [`runbooks`], [`watches`], [`state`] (that of [`duties`] among it). The audit log's lines are made in the same
//! transaction as what they tell of, and written to `audit.jsonl` right after the answer; the last handle that is
//! dropped waits for that.
//!
//! It must not know panes, backends or HTTP. Start at [`Journal::open`].
#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction};
use tokio::sync::{Notify, mpsc, oneshot, watch};

pub mod audit;
pub mod drafts;
pub mod duties;
mod error;
pub mod events;
pub mod facts;
pub mod incidents;
mod keeper;
pub mod notices;
pub mod outbox;
mod place;
pub mod runbooks;
mod schema;
pub mod state;
pub mod watches;

#[cfg(test)]
mod tests;

pub use error::{JournalError, JournalResult};
use keeper::{Job, Keeper};
use schema::Checked;

/// How long a transaction waits for another process's.
const BUSY: Duration = Duration::from_secs(5);
/// Jobs that wait for the thread. When full, the asking task waits; the thread closes it by ending.
const JOBS: usize = 256;
/// How often other processes' changes are looked for, while somebody listens.
const LOOK: Duration = Duration::from_secs(2);
/// The last handle waits so long for the thread's last lines.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Where the journal lies and who shares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The database; `audit.jsonl` lies beside it.
    pub path: PathBuf,
    /// The unix group that shares it; private where none.
    pub group: Option<String>,
}

impl Opening {
    /// One of the user's own.
    pub fn private(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            group: None,
        }
    }

    /// As configured: the shared one, else `midwatch.db` in the state directory; nothing where there is neither.
    pub fn of(config: &crate::config::Config) -> Option<Self> {
        match &config.journal {
            Some(shared) => Some(Self {
                path: shared.path.clone(),
                group: shared.group.clone(),
            }),
            None => Some(Self::private(config.state_dir.as_ref()?.join("midwatch.db"))),
        }
    }

    /// The audit log beside it.
    pub fn audit_path(&self) -> PathBuf {
        self.path.with_file_name("audit.jsonl")
    }
}

/// A transaction on the journal, as the closures see it.
pub struct Tx<'a> {
    inner: Transaction<'a>,
    origin: &'a audit::Origin,
    /// Whether a line of the audit log was made.
    audited: Cell<bool>,
}

impl std::ops::Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.inner
    }
}

/// What the handles share with each other and the thread.
struct Shared {
    /// `None` only while the last handle is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    changed: Arc<watch::Sender<u64>>,
    trouble: watch::Receiver<Option<Arc<str>>>,
    damage: watch::Receiver<Option<JournalError>>,
    /// Closes when the file has been checked.
    checking: watch::Receiver<()>,
    listeners: Arc<Notify>,
    path: Arc<Path>,
    sharing: place::Sharing,
    ended: std::sync::Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.jobs = None;
        if let Ok(ended) = self.ended.get_mut() {
            // A line that is not appended by then is completed by whoever opens the journal next.
            let _ = ended.recv_timeout(LAST_LINES);
        }
    }
}

/// Handle of the journal's thread. Cheap to clone; the thread ends with the last one.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    waits: Waits,
}

/// How whoever asks waits for the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// As for anything.
    Asleep,
    /// On a blocking thread: a runtime whose time stands still while something is under way sees that it is.
    Seen,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Journal({})", self.path().display())
    }
}

impl Journal {
    /// Opens it, makes it where there is none, brings its tables up to date and completes the audit log.
    /// Blocks for some milliseconds, some tenths of a second where the file is near the size up to which it is
    /// checked first: call it off the UI task. A larger file is checked meanwhile ([`Journal::damage`]).
    pub fn open(opening: &Opening) -> JournalResult<Self> {
        Self::open_with(opening, BUSY, LOOK)
    }

    fn open_with(opening: &Opening, busy: Duration, look: Duration) -> JournalResult<Self> {
        let (connection, sharing, checked) = schema::open(opening, busy)?;
        let log = audit::Log {
            path: opening.audit_path(),
            sharing,
        };
        let changed = Arc::new(watch::Sender::new(0));
        let (trouble_out, trouble) = watch::channel(None);
        let (damage_out, damage) = watch::channel(None);
        let damage_out = Arc::new(damage_out);
        let (about, found) = (Arc::clone(&changed), Arc::clone(&damage_out));
        let mut keeper = Keeper::new(connection, log, about, trouble_out, found);
        keeper.append();
        let listeners = Arc::new(Notify::new());
        let (jobs, inbox) = mpsc::channel::<Job>(JOBS);
        let (ending, ended) = std::sync::mpsc::channel();
        let failed = |error: std::io::Error| JournalError::Failed(error.to_string());
        let clock = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let heard = Arc::clone(&listeners);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                clock.block_on(keeper.keep(inbox, &heard, look));
                // The file is closed before anybody is told.
                drop(keeper);
                let _ = ending.send(());
            })
            .map_err(failed)?;
        let (end, checking) = watch::channel(());
        if checked == Checked::NotYet {
            let path = opening.path.clone();
            std::thread::Builder::new()
                .name("journal-check".to_owned())
                .spawn(move || {
                    schema::check_apart(&path, busy, &damage_out);
                    drop(end);
                })
                .map_err(failed)?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                jobs: Some(jobs),
                changed,
                trouble,
                damage,
                checking,
                listeners,
                path: Arc::from(opening.path.as_path()),
                sharing,
                ended: std::sync::Mutex::new(ended),
            }),
            waits: Waits::Asleep,
        })
    }

    /// The same journal for a clock: under one that stands while something is under way, its answers take no time.
    #[must_use]
    pub fn under(self, clock: crate::time::Clock) -> Self {
        let waits = if clock.stands() {
            Waits::Seen
        } else {
            Waits::Asleep
        };
        Self { waits, ..self }
    }

    /// The database's path.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Moves on with every change, at once with those made here, within two seconds with another process's. While
    /// nobody holds one of these, nothing is looked for.
    pub fn changes(&self) -> watch::Receiver<u64> {
        let receiver = self.shared.changed.subscribe();
        self.shared.listeners.notify_one();
        receiver
    }

    /// Why the audit log cannot be written just now; its lines wait in the journal.
    pub fn trouble(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.shared.trouble.clone()
    }

    /// What is wrong with the file itself, where that showed only after it was opened: from then on nothing is
    /// written, and whatever still reads is answered.
    pub fn damage(&self) -> watch::Receiver<Option<JournalError>> {
        self.shared.damage.clone()
    }

    /// Waits until a file that was too large to be checked before it was opened has been; what is wrong with it.
    pub async fn checked(&self) -> JournalResult<()> {
        let mut checking = self.shared.checking.clone();
        // Nothing is ever sent on it.
        while checking.changed().await.is_ok() {}
        let damage = self.shared.damage.borrow().clone();
        damage.map_or(Ok(()), Err)
    }

    /// Changes it in one transaction; what is returned is on the disk. After an error nothing of it is.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Tx<'_>) -> JournalResult<T> + Send + 'static,
    ) -> JournalResult<T> {
        self.ask(move |keeper| keeper.write(job)).await
    }

    /// Reads from one consistent picture of it.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Tx<'_>) -> JournalResult<T> + Send + 'static,
    ) -> JournalResult<T> {
        self.ask(move |keeper| keeper.read(job)).await
    }

    /// Waits until the lines made so far stand in the audit log, or cannot be written to it.
    pub async fn settle(&self) -> JournalResult<()> {
        self.ask(|keeper| {
            keeper.append();
            Ok(())
        })
        .await
    }

    /// A right that one process at a time has among those that share this journal; nothing where another has it.
    /// It is given back by dropping it, and by the system when the process dies.
    pub fn claim(&self, name: &str) -> std::io::Result<Option<Claim>> {
        let path = self.path().with_file_name(format!("{name}.lock"));
        let file = place::open_log(&path, self.shared.sharing)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Claim { _held: file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Checks the whole file (`PRAGMA integrity_check`); takes seconds on a large one.
    pub async fn check(&self) -> JournalResult<()> {
        self.ask(Keeper::check).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Keeper) -> JournalResult<T> + Send + 'static,
    ) -> JournalResult<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |keeper| {
            // Who asked may have gone; the change stands all the same.
            let _ = answer.send(job(keeper));
        });
        let jobs = self.shared.jobs.as_ref().ok_or(JournalError::Closed)?;
        jobs.send(job).await.map_err(|_| JournalError::Closed)?;
        let answer = match self.waits {
            Waits::Asleep => answered.await.ok(),
            Waits::Seen => {
                let seen = tokio::task::spawn_blocking(move || answered.blocking_recv().ok());
                seen.await.ok().flatten()
            }
        };
        answer.ok_or(JournalError::Closed)?
    }
}

/// See [`Journal::claim`].
#[derive(Debug)]
pub struct Claim {
    _held: std::fs::File,
}

/// A time as the tables hold it; what does not read is as old as can be.
fn moment(written: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(written).map_or(DateTime::UNIX_EPOCH, |at| at.to_utc())
}
