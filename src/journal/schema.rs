//! The tables, and how an older journal becomes a newer one. A migration that was shipped is never edited.
//!
//! Start at [`open`]. What is done once (WAL, tables) is done under the audit log's lock, so that two processes
//! that start at once do not find the database half made; whoever finds it made takes no lock.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::watch;

use super::place::{self, Sharing};
use super::{JournalError, JournalResult, Opening, audit};

/// One step: what it adds. `PRAGMA user_version` counts the steps done.
const MIGRATIONS: &[&[&str]] = &[
    &[
        super::outbox::TABLES,
        super::audit::TABLES,
        super::events::TABLES,
        super::facts::TABLES,
        super::drafts::TABLES,
        super::state::TABLES,
        super::incidents::TABLES,
        super::notices::TABLES,
        super::watches::TABLES,
    ],
    &[super::facts::WHOLE],
    &[super::drafts::BY_CONSOLE],
    &[super::outbox::ESCALATIONS, super::notices::ANSWERED],
    &[super::runbooks::TABLES],
];

/// Says in the file's header whose it is: `mwat`.
const APPLICATION: i64 = 0x6d77_6174;
/// A file up to this size is checked before it is used, some tenths of a second at most; a larger one beside its
/// use ([`check_apart`]): `quick_check` goes through some 150 MiB a second.
const CHECKED: u64 = 32 * 1024 * 1024;
/// Prepared statements that are kept.
const STATEMENTS: usize = 128;
/// The WAL is cut back to this after a checkpoint.
const WAL_KEPT: i64 = 4 * 1024 * 1024;

fn count(steps: &[&[&str]]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

/// Whether a file was checked before it was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    /// It was.
    Yes,
    /// It is too large for that: [`check_apart`] does it.
    NotYet,
}

/// Opens the database, checks it where that is quick, and brings it up to date.
pub(super) fn open(opening: &Opening, busy: Duration) -> JournalResult<(Connection, Sharing, Checked)> {
    let sharing = place::prepare(opening)?;
    let path = opening.path.as_path();
    let placed = |error: JournalError| error.at(path);
    let sqlite = |error: rusqlite::Error| JournalError::from(error).at(path);
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(sqlite)?;
    connection.busy_timeout(busy).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    refuse_foreign(&connection, path).map_err(placed)?;
    let found = version(&connection, path).map_err(placed)?;
    if found < count(MIGRATIONS) || !is_wal(&connection).map_err(placed)? {
        let log = opening.audit_path();
        let file = place::open_log(&log, sharing)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| JournalError::Unusable {
                path: log.display().to_string(),
                why: error.to_string(),
                mend: "make it a file that you can write to".to_owned(),
            })?;
        let mode: String = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
            .map_err(sqlite)?;
        if mode != "wal" {
            return Err(JournalError::Unusable {
                path: path.display().to_string(),
                why: format!("its directory takes no write-ahead log (it stays `{mode}`)"),
                mend: "put it on a local disk: set state_dir (or journal.path) to one".to_owned(),
            });
        }
        migrate(&mut connection, MIGRATIONS, path, &file).map_err(placed)?;
    }
    for (name, value) in [("synchronous", "full"), ("foreign_keys", "on")] {
        connection.pragma_update(None, name, value).map_err(sqlite)?;
    }
    connection
        .pragma_update_and_check(None, "journal_size_limit", WAL_KEPT, |_| Ok(()))
        .map_err(sqlite)?;
    if std::fs::metadata(path).is_ok_and(|found| found.len() > CHECKED) {
        return Ok((connection, sharing, Checked::NotYet));
    }
    check(&connection, "quick_check").map_err(placed)?;
    Ok((connection, sharing, Checked::Yes))
}

/// Checks a large file on a connection and a thread of its own, while it is in use: readers and writers of a WAL do
/// not wait for each other. What is wrong with it is put out; what keeps it from being checked is not.
pub(super) fn check_apart(path: &Path, busy: Duration, damage: &watch::Sender<Option<JournalError>>) {
    let found = open_to_read(path, busy).and_then(|connection| match connection {
        Some(connection) => check(&connection, "quick_check").map_err(|error| error.at(path)),
        None => Ok(()),
    });
    if let Err(error @ JournalError::Damaged { .. }) = found {
        damage.send_replace(Some(error));
    }
}

/// Opens what is there for reading alone; nothing where there is no journal.
pub(super) fn open_to_read(path: &Path, busy: Duration) -> JournalResult<Option<Connection>> {
    if !path.exists() {
        return Ok(None);
    }
    let sqlite = |error: rusqlite::Error| JournalError::from(error).at(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(busy).map_err(sqlite)?;
    refuse_foreign(&connection, path).map_err(|error| error.at(path))?;
    let found = version(&connection, path).map_err(|error| error.at(path))?;
    Ok((found > 0).then_some(connection))
}

/// What `PRAGMA quick_check` or `integrity_check` finds, as an error.
pub(super) fn check(connection: &Connection, pragma: &str) -> JournalResult<()> {
    let said: String = connection.query_row(&format!("PRAGMA {pragma}(1)"), [], |row| row.get(0))?;
    if said == "ok" {
        return Ok(());
    }
    Err(JournalError::Damaged {
        path: String::new(),
        why: said,
    })
}

/// A database of another program is left alone.
fn refuse_foreign(connection: &Connection, path: &Path) -> JournalResult<()> {
    // One look: a process that makes the file between two would leave half of each.
    let look = connection.unchecked_transaction()?;
    let application: i64 = look.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = look.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = look.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    drop(look);
    let ours = application == APPLICATION || (application == 0 && version == 0 && tables == 0);
    if ours {
        return Ok(());
    }
    Err(JournalError::Unusable {
        path: path.display().to_string(),
        why: "it is another program's database".to_owned(),
        mend: "set state_dir (or journal.path) to another place".to_owned(),
    })
}

fn is_wal(connection: &Connection) -> JournalResult<bool> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode == "wal")
}

/// How many steps were done; more than are known is refused.
fn version(connection: &Connection, path: &Path) -> JournalResult<i64> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = count(MIGRATIONS);
    if found > known {
        return Err(JournalError::Newer {
            path: path.display().to_string(),
            found,
            known,
        });
    }
    Ok(found)
}

/// Does the steps that are missing, all or none of them.
fn migrate(
    connection: &mut Connection,
    steps: &[&[&str]],
    path: &Path,
    log: &std::fs::File,
) -> JournalResult<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Again, within the transaction: another process may have done it meanwhile.
    let found = version(&tx, path)?;
    for step in steps.iter().skip(usize::try_from(found).unwrap_or(0)) {
        for statements in *step {
            tx.execute_batch(statements)?;
        }
    }
    if found == 0 {
        audit::adopt(&tx, log)?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
    }
    tx.pragma_update(None, "user_version", count(steps))?;
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Duration = Duration::from_millis(50);

    fn at(home: &tempfile::TempDir) -> Opening {
        Opening::private(home.path().join("midwatch.db"))
    }

    fn refusal(opening: &Opening) -> JournalError {
        open(opening, BUSY).map(|_| ()).expect_err("refused")
    }

    #[test]
    fn an_empty_file_becomes_a_journal_and_opens_again() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("midwatch.db"), "").unwrap();
        for _ in 0..2 {
            let (connection, ..) = open(&at(&home), BUSY).unwrap();
            let pragma = |name: &str| -> i64 {
                connection
                    .pragma_query_value(None, name, |row| row.get(0))
                    .unwrap()
            };
            assert_eq!(pragma("user_version"), count(MIGRATIONS));
            assert_eq!(pragma("synchronous"), 2, "full");
            assert!(is_wal(&connection).unwrap());
        }
    }

    #[test]
    fn an_older_file_gets_the_steps_it_lacks_and_keeps_its_rows() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("older.db");
        let log = place::open_log(&home.path().join("audit.jsonl"), Sharing::Private).unwrap();
        let mut connection = Connection::open(&path).unwrap();
        let first: &[&str] = MIGRATIONS[0];
        migrate(&mut connection, &[first], &path, &log).unwrap();
        connection
            .execute("INSERT INTO state VALUES ('prod', 'k', 'v')", [])
            .unwrap();
        // Set back, so that a step that is not known yet can be done after an empty one.
        connection.pragma_update(None, "user_version", 0).unwrap();
        let second: &[&str] = &["ALTER TABLE state ADD COLUMN later TEXT"];
        let both: &[&[&str]] = &[&[], second];
        migrate(&mut connection, both, &path, &log).unwrap();
        let kept: (String, Option<String>) = connection
            .query_row("SELECT value, later FROM state", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(kept, ("v".to_owned(), None));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("midwatch.db");
        let log = place::open_log(&home.path().join("audit.jsonl"), Sharing::Private).unwrap();
        let mut connection = Connection::open(&path).unwrap();
        let broken: &[&[&str]] = &[MIGRATIONS[0], &["CREATE NONSENSE"]];
        assert!(migrate(&mut connection, broken, &path, &log).is_err());
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_newer_file_is_refused_with_both_versions() {
        let home = tempfile::tempdir().unwrap();
        let (connection, ..) = open(&at(&home), BUSY).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = refusal(&at(&home));
        assert!(matches!(error, JournalError::Newer { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("midwatch.db"), "{error}");
    }

    #[test]
    fn what_is_no_database_and_what_is_anothers_are_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("midwatch.db");
        let text = "just some notes, long enough for a header of SQLite: ".repeat(40);
        std::fs::write(&path, &text).unwrap();
        let error = refusal(&at(&home));
        assert!(
            error.to_string().contains("midwatch.db") && error.to_string().contains("no database"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        std::fs::remove_file(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE places (url TEXT)").unwrap();
        drop(other);
        let error = refusal(&at(&home));
        assert!(error.to_string().contains("another program"), "{error}");
    }

    #[test]
    fn a_journal_that_is_just_being_made_is_never_taken_for_anothers() {
        for _ in 0..20 {
            let home = tempfile::tempdir().unwrap();
            let opening = at(&home);
            place::prepare(&opening).unwrap();
            let other = Connection::open(&opening.path).unwrap();
            other.busy_timeout(BUSY).unwrap();
            std::thread::scope(|scope| {
                let made = scope.spawn(|| open(&opening, BUSY).map(drop));
                while !made.is_finished() {
                    refuse_foreign(&other, &opening.path).unwrap();
                }
                made.join().unwrap().unwrap();
            });
        }
    }

    #[test]
    fn a_damaged_file_is_refused_with_what_is_left_to_do() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("midwatch.db");
        let (connection, ..) = open(&at(&home), BUSY).unwrap();
        for key in 0..500 {
            connection
                .execute(
                    "INSERT INTO state VALUES ('prod', ?1, ?2)",
                    (key, "x".repeat(100)),
                )
                .unwrap();
        }
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        drop(connection);
        let mut bytes = std::fs::read(&path).unwrap();
        let pages = bytes.len();
        for byte in &mut bytes[pages - 16_384..] {
            *byte = 0x5a;
        }
        std::fs::write(&path, bytes).unwrap();
        let error = refusal(&at(&home));
        assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
        assert!(
            error.to_string().contains("midwatch.db") && error.to_string().contains(".recover"),
            "{error}"
        );
    }
}
