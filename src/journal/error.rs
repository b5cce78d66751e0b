//! Why the journal cannot be used, or a change was not kept, with what to do.

use std::path::Path;

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

impl JournalError {
    /// The same, with the file that it is about where it does not say so yet.
    pub(super) fn at(self, file: &Path) -> Self {
        let file = file.display().to_string();
        match self {
            Self::Damaged { path, why } if path.is_empty() => Self::Damaged { path: file, why },
            Self::Unusable { path, why, mend } if path.is_empty() => Self::Unusable {
                path: file,
                why,
                mend,
            },
            Self::Unusable { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::Locked
            | Self::Full
            | Self::ReadOnly
            | Self::Failed(_)
            | Self::Closed => self,
        }
    }
}

/// Growing the shared-memory file failed: SQLite does not call it "full", and hardly anything else can be.
const IOERR_SHMSIZE: i32 = 4_874;

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let extended = error.sqlite_error().map(|sqlite| sqlite.extended_code);
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) if extended == Some(IOERR_SHMSIZE) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path: String::new(),
                why: error.to_string(),
            },
            Some(ErrorCode::NotADatabase) => Self::Unusable {
                path: String::new(),
                why: "it is no database".to_owned(),
                mend: "move it away, or set state_dir (or journal.path) to another place".to_owned(),
            },
            Some(_) | None => Self::Failed(error.to_string()),
        }
    }
}

/// Result of anything asked of the journal.
pub type JournalResult<T> = Result<T, JournalError>;
