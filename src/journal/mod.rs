//! The durable local record: what was done, said and seen here, kept before anything is sent.
//!
//! One SQLite database (WAL, `synchronous = FULL`, so that a commit is an fsync), shared by every process of
//! one host that opens it. One thread of ours owns the connection; [`Journal`] is its handle: a question or a
//! change goes to it as a closure over [`Tx`], and its answer comes back when it is committed. What each table
//! means stands in the file named after it: [`outbox`], [`audit`], [`incidents`], [`notices`], [`watches`]. The audit log's lines are made in the same
//! transaction as what they tell of, and written to `audit.jsonl` right after it.
//!
//! It must not know panes, backends or HTTP. Start at [`Journal::open`].
#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

pub mod audit;
pub mod incidents;
pub mod notices;
pub mod outbox;
mod schema;
pub mod watches;

/// How long a transaction waits for another process's.
const BUSY: Duration = Duration::from_secs(5);
/// Jobs that wait for the thread. When full, the asking task waits; the thread closes it by ending.
const JOBS: usize = 256;

/// Why the journal cannot be used, or a change was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened or written to.
    #[error("the journal {path} cannot be used: {why}; {mend}")]
    Unusable {
        /// Which file.
        path: String,
        /// What is wrong.
        why: String,
        /// What to do.
        mend: String,
    },
    /// It is damaged.
    #[error(
        "the journal {path} is damaged: {why}; move it away to start a new one, and keep it: `sqlite3 FILE .recover` reads what is left"
    )]
    Damaged {
        /// Which file.
        path: String,
        /// What the integrity check said.
        why: String,
    },
    /// A newer midwatch made it.
    #[error(
        "the journal {path} was written by a newer midwatch (version {found} of its tables, this one knows {known}); use that one"
    )]
    Newer {
        /// Which file.
        path: String,
        /// Version found.
        found: i64,
        /// Version known here.
        known: i64,
    },
    /// Somebody held it for too long.
    #[error("the journal is locked by another process; try again")]
    Locked,
    /// The disk is full.
    #[error("not saved: the disk is full; free some space, then try again")]
    Full,
    /// It may be read and not be written.
    #[error("not saved: the journal is read-only; check the permissions of its directory and file")]
    ReadOnly,
    /// Anything else that SQLite said.
    #[error("not saved: the journal failed: {0}")]
    Failed(String),
    /// The thread is gone: the program is ending.
    #[error("not saved: the journal is closed")]
    Closed,
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(_) | None => Self::Failed(error.to_string()),
        }
    }
}

/// Result of anything asked of the journal.
pub type JournalResult<T> = Result<T, JournalError>;

/// Where the journal lies and who shares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The database; `audit.jsonl` lies beside it.
    pub path: PathBuf,
    /// The unix group that shares it; private where none.
    pub group: Option<String>,
}

impl Opening {
    /// As configured: the shared one, else `midwatch.db` in the state directory; nothing where there is neither.
    pub fn of(config: &crate::config::Config) -> Option<Self> {
        match &config.journal {
            Some(shared) => Some(Self {
                path: shared.path.clone(),
                group: shared.group.clone(),
            }),
            None => Some(Self {
                path: config.state_dir.as_ref()?.join("midwatch.db"),
                group: None,
            }),
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
}

impl std::ops::Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.inner
    }
}

type Job = Box<dyn FnOnce(&mut Keeper) + Send>;

/// What the thread owns.
struct Keeper {
    connection: Connection,
    audit: PathBuf,
    changed: watch::Sender<u64>,
}

impl Keeper {
    fn write<T>(&mut self, job: impl FnOnce(&Tx<'_>) -> JournalResult<T>) -> JournalResult<T> {
        let done = {
            let inner = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let tx = Tx { inner };
            let done = job(&tx)?;
            tx.inner.commit()?;
            done
        };
        // A line that could not be appended stands in the journal and is completed later.
        let _ = audit::append_new(&self.connection, &self.audit);
        self.changed.send_modify(|generation| *generation += 1);
        Ok(done)
    }

    fn read<T>(&mut self, job: impl FnOnce(&Tx<'_>) -> JournalResult<T>) -> JournalResult<T> {
        let inner = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)?;
        job(&Tx { inner })
    }
}

/// Handle of the journal's thread. Cheap to clone; the thread ends with the last one.
#[derive(Clone)]
pub struct Journal {
    jobs: mpsc::Sender<Job>,
    changed: watch::Receiver<u64>,
    path: Arc<Path>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Journal({})", self.path.display())
    }
}

impl Journal {
    /// Opens it, makes it where there is none, brings its tables up to date and completes the audit log.
    /// Blocks: call it off the UI task.
    pub fn open(opening: &Opening) -> JournalResult<Self> {
        let connection = schema::open(opening, BUSY)?;
        let audit = opening.audit_path();
        let _ = audit::append_new(&connection, &audit);
        let (jobs, mut inbox) = mpsc::channel::<Job>(JOBS);
        let (changed_out, changed) = watch::channel(0);
        let mut keeper = Keeper {
            connection,
            audit,
            changed: changed_out,
        };
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                while let Some(job) = inbox.blocking_recv() {
                    job(&mut keeper);
                }
            })
            .map_err(|error| JournalError::Failed(error.to_string()))?;
        Ok(Self {
            jobs,
            changed,
            path: Arc::from(opening.path.as_path()),
        })
    }

    /// The database's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves on with every change made through this handle's thread. Changes by other processes show through
    /// [`Journal::read`] of `PRAGMA data_version`.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    /// Changes it in one transaction; what is returned is on the disk.
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

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Keeper) -> JournalResult<T> + Send + 'static,
    ) -> JournalResult<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |keeper| {
            // Who asked may have gone; the change stands all the same.
            let _ = answer.send(job(keeper));
        });
        self.jobs.send(job).await.map_err(|_| JournalError::Closed)?;
        answered.await.map_err(|_| JournalError::Closed)?
    }
}
