//! The audit log: one line for every act that changes state, each with the hash of the one before.
//!
//! A line is made in the transaction of what it tells of ([`record`]), so that the journal holds the head of
//! the chain; it is appended to `audit.jsonl` right after, under a lock on that file (`file`). The journal
//! keeps every line: with them a torn or lost tail is completed, and a file that was rewritten hash by hash is
//! told from the true one, line by line ([`fn@verify`]). What a line looks like is `line`'s.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};

use super::{JournalResult, Tx};

mod file;
mod line;
mod verify;

#[cfg(test)]
mod tests;

pub(super) use file::{Appended, Log, adopt, append_new};
pub use file::{Books, FileRead, appended, books, lines_after, read};
pub use line::Line;
pub use verify::{Fault, Tampering, UNDETECTABLE, Verdict, verify};

/// Lines of the log; the greatest `seq` is the head. `appended` is how far the file is known to hold them.
pub(super) const TABLES: &str = "
CREATE TABLE audit (
    seq  INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    line TEXT NOT NULL
) STRICT;
CREATE TABLE audit_file (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    appended INTEGER NOT NULL
) STRICT;
INSERT INTO audit_file VALUES (1, 0);
";

/// What happened, for one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: DateTime<Utc>,
    /// Who: the identity.
    pub actor: String,
    /// `acknowledge`, `silence`, `declare`, …
    pub action: String,
    /// On what.
    pub target: String,
    /// In which context.
    pub context: String,
    /// Why: the note or comment, capped; may be empty.
    pub why: String,
    /// `journaled`, `confirmed`, `failed: …`, `cancelled`, …
    pub result: String,
}

/// From where this process acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// Name of the host.
    pub(super) host: String,
    /// Its terminal, where it has one: `/dev/pts/3`.
    pub(super) terminal: Option<String>,
    /// The process.
    pub(super) pid: u32,
}

impl Origin {
    /// This one.
    pub(super) fn of_process() -> Self {
        use rustix::stdio::{stderr, stdin, stdout};
        let terminal = [stdin(), stdout(), stderr()]
            .into_iter()
            .find_map(|stream| rustix::termios::ttyname(stream, Vec::new()).ok());
        Self {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            terminal: terminal.map(|name| name.to_string_lossy().into_owned()),
            pid: std::process::id(),
        }
    }
}

/// The number of the last line; 0 before the first.
pub fn head(tx: &Tx<'_>) -> JournalResult<u64> {
    let head: Option<i64> = tx
        .prepare_cached("SELECT max(seq) FROM audit")?
        .query_row([], |row| row.get(0))?;
    Ok(head.unwrap_or(0).unsigned_abs())
}

/// How many lines follow this one. The numbers leave no gap; a journal that adopted an older log begins with that
/// one's last line.
pub fn count_after(tx: &Tx<'_>, after: u64) -> JournalResult<u64> {
    let first: Option<i64> = tx
        .prepare_cached("SELECT min(seq) FROM audit")?
        .query_row([], |row| row.get(0))?;
    let Some(first) = first else {
        return Ok(0);
    };
    let before_first = first.unsigned_abs().saturating_sub(1);
    Ok(head(tx)?.saturating_sub(after.max(before_first)))
}

/// When what the first line after this one tells of happened; nothing where none follows.
pub fn first_after(tx: &Tx<'_>, after: u64) -> JournalResult<Option<DateTime<Utc>>> {
    let next = lines_after(tx, after, 1)?.pop();
    Ok(next
        .and_then(|(_, line)| serde_json::from_str::<Line>(&line).ok())
        .and_then(|line| line.at.parse().ok()))
}

/// Adds a line to the chain, within the transaction of what it tells of. Host and terminal are the process's.
pub fn record(tx: &Tx<'_>, act: &Act) -> JournalResult<()> {
    let head: Option<(i64, String)> = tx
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (before, prev) = head.unwrap_or_else(|| (0, line::NONE.to_owned()));
    let seq = before + 1;
    let made = line::compose(seq.unsigned_abs(), act, tx.origin, &prev)?;
    tx.prepare_cached("INSERT INTO audit (seq, hash, line) VALUES (?1, ?2, ?3)")?
        .execute(params![seq, made.hash, made.text])?;
    tx.audited.set(true);
    Ok(())
}
