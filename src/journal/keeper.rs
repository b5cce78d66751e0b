//! The thread that owns the connection: takes jobs in order, appends the audit log between them, and looks for
//! other processes' changes while somebody listens.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::audit::{Appended, Log, Origin};
use super::{JournalError, JournalResult, Tx, audit, schema};
use crate::time::alarm::Alarm;

/// Something to do with the connection.
pub(super) type Job = Box<dyn FnOnce(&mut Keeper) + Send>;

/// Jobs that are answered before their audit lines are appended together.
const BATCH: usize = 32;
/// After so many changes the WAL is brought home, between jobs, so that no commit has to wait for it.
const CHECKPOINT: u32 = 64;
/// Another process has the audit log: it will be done in milliseconds.
const SOON: Duration = Duration::from_millis(100);
/// The audit log cannot be written.
const LATER: Duration = Duration::from_secs(5);

/// What the thread owns.
pub(super) struct Keeper {
    connection: Connection,
    path: PathBuf,
    log: Log,
    origin: Origin,
    changed: Arc<watch::Sender<u64>>,
    trouble: watch::Sender<Option<Arc<str>>>,
    /// Found by whoever meets it first; nothing is written from then on.
    damage: Arc<watch::Sender<Option<JournalError>>>,
    /// Lines wait for the audit log; when to try again.
    retry: Option<Duration>,
    unsettled: bool,
    /// Changes since the last checkpoint.
    written: u32,
    /// `PRAGMA data_version`, which moves with other connections' changes alone.
    seen: Option<i64>,
}

impl Keeper {
    pub(super) fn new(
        connection: Connection,
        log: Log,
        changed: Arc<watch::Sender<u64>>,
        trouble: watch::Sender<Option<Arc<str>>>,
        damage: Arc<watch::Sender<Option<JournalError>>>,
    ) -> Self {
        let mut keeper = Self {
            path: connection.path().map(PathBuf::from).unwrap_or_default(),
            connection,
            log,
            origin: Origin::of_process(),
            changed,
            trouble,
            damage,
            retry: None,
            unsettled: true,
            written: 0,
            seen: None,
        };
        keeper.look();
        keeper
    }

    /// Works until every handle is gone.
    pub(super) async fn keep(&mut self, mut inbox: mpsc::Receiver<Job>, listeners: &Notify, look: Duration) {
        // By the clock and not by the pause between two jobs: jobs that keep coming would put it off for ever.
        let alarm = Alarm::of_the_machine();
        let mut look_at = Instant::now() + look;
        loop {
            let watched = self.changed.receiver_count() > 0;
            let retry = self.retry;
            let retrying = async {
                match retry {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = alarm.after(look_at.saturating_duration_since(Instant::now())), if watched => {
                    self.look();
                    look_at = Instant::now() + look;
                }
                job = inbox.recv() => {
                    let Some(job) = job else { break };
                    job(self);
                    for _ in 1..BATCH {
                        match inbox.try_recv() {
                            Ok(job) => job(self),
                            Err(_) => break,
                        }
                    }
                    if self.unsettled {
                        self.append();
                    }
                    if self.written >= CHECKPOINT {
                        self.written = 0;
                        // Others may be reading; what cannot be brought home now is next time.
                        let _ = self
                            .connection
                            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
                    }
                }
                // Somebody listens now.
                () = listeners.notified() => self.look(),
                () = retrying => self.append(),
            }
        }
        if self.unsettled || self.retry.is_some() {
            self.append();
        }
    }

    /// Tells the listeners where another process changed something.
    fn look(&mut self) {
        // A failure shows in the next job.
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .ok();
        if version.is_some() && self.seen.is_some() && version != self.seen {
            self.tell();
        }
        self.seen = version.or(self.seen);
    }

    fn tell(&self) {
        self.changed.send_modify(|generation| *generation += 1);
    }

    /// Appends what the journal has and the audit log has not; what cannot be is tried again.
    pub(super) fn append(&mut self) {
        self.unsettled = false;
        let (retry, trouble) = match audit::append_new(&self.connection, &self.log) {
            Ok(Appended::All) => (None, None),
            Ok(Appended::Busy) => (Some(SOON), None),
            Err(error) => {
                let words = format!(
                    "audit log {}: {error}; its lines wait in the journal",
                    self.log.path.display()
                );
                (Some(LATER), Some(Arc::from(words)))
            }
        };
        self.retry = retry;
        self.trouble.send_if_modified(|said| {
            let new = *said != trouble;
            *said = trouble;
            new
        });
    }

    /// Runs a change in a transaction of its own: all of it is kept, or nothing.
    pub(super) fn write<T>(&mut self, job: impl FnOnce(&Tx<'_>) -> JournalResult<T>) -> JournalResult<T> {
        if let Some(damage) = self.damage.borrow().clone() {
            return Err(damage);
        }
        let (done, audited) = self.transact(job).map_err(|error| self.noted(error))?;
        self.unsettled |= audited;
        self.written += 1;
        self.tell();
        Ok(done)
    }

    /// What the change gives back, and whether it made lines of the audit log. Without a commit the
    /// transaction is rolled back as it is dropped.
    fn transact<T>(&mut self, job: impl FnOnce(&Tx<'_>) -> JournalResult<T>) -> JournalResult<(T, bool)> {
        let tx = self.begin(TransactionBehavior::Immediate)?;
        let done = job(&tx)?;
        let audited = tx.audited.get();
        tx.inner.commit()?;
        Ok((done, audited))
    }

    fn begin(&mut self, behavior: TransactionBehavior) -> JournalResult<Tx<'_>> {
        Ok(Tx {
            inner: self.connection.transaction_with_behavior(behavior)?,
            origin: &self.origin,
            audited: Cell::new(false),
        })
    }

    /// Runs a question on one picture of the journal.
    pub(super) fn read<T>(&mut self, job: impl FnOnce(&Tx<'_>) -> JournalResult<T>) -> JournalResult<T> {
        let asked = self.begin(TransactionBehavior::Deferred).and_then(|tx| job(&tx));
        asked.map_err(|error| self.noted(error))
    }

    /// Checks the whole file.
    pub(super) fn check(&mut self) -> JournalResult<()> {
        schema::check(&self.connection, "integrity_check").map_err(|error| self.noted(error))
    }

    /// The same error with its file; one that means damage stays said.
    fn noted(&self, error: JournalError) -> JournalError {
        let error = error.at(&self.path);
        if matches!(error, JournalError::Damaged { .. }) {
            self.damage.send_if_modified(|held| {
                let is_first = held.is_none();
                held.get_or_insert_with(|| error.clone());
                is_first
            });
        }
        error
    }
}
