//! The tables, and how an older journal becomes a newer one. A migration that was shipped is never edited.

use std::fs::DirBuilder;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{JournalError, JournalResult, Opening};

/// One step: what it adds. `PRAGMA user_version` counts the steps done.
const MIGRATIONS: &[&[&str]] = &[&[
    super::outbox::TABLES,
    super::audit::TABLES,
    super::incidents::TABLES,
    super::notices::TABLES,
    super::watches::TABLES,
]];

/// Opens the database and brings it up to date.
pub(super) fn open(opening: &Opening, busy: Duration) -> JournalResult<Connection> {
    let path = opening.path.display().to_string();
    let unusable = |why: String, mend: &str| JournalError::Unusable {
        path: path.clone(),
        why,
        mend: mend.to_owned(),
    };
    if let Some(directory) = opening.path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).map_err(|error| {
            unusable(
                error.to_string(),
                "make the directory, or set state_dir to one that can be written",
            )
        })?;
    }
    let mut connection = Connection::open_with_flags(
        &opening.path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| unusable(error.to_string(), "check that it can be read and written"))?;
    connection.busy_timeout(busy)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(&mut connection, &path)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &str) -> JournalResult<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        for statements in *step {
            tx.execute_batch(statements)?;
        }
    }
    tx.pragma_update(None, "user_version", known)?;
    tx.commit()?;
    Ok(())
}
