//! `audit.jsonl` itself: appended to under its lock, in the order of the journal, never shortened or rewritten.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::Line;
use super::line::{self, Reading};
use crate::journal::place::{self, Sharing};
use crate::journal::{JournalError, JournalResult, Opening, Tx, schema};

/// More than any line is long.
const WINDOW: u64 = 64 * 1024;
/// Lines appended in one go.
const AT_ONCE: i64 = 1_000;
/// How long a reader waits for the journal.
const BUSY: Duration = Duration::from_secs(2);

/// Where the log lies and whose it is.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Log {
    /// `audit.jsonl`.
    pub(in crate::journal) path: PathBuf,
    /// Who shares it.
    pub(in crate::journal) sharing: Sharing,
}

/// How an append ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Appended {
    /// The file holds what the journal holds.
    All,
    /// Another process has the file's lock; try again.
    Busy,
}

/// The end of the file.
struct Tail {
    /// The last line that ends with a line break, without it.
    last: Option<Vec<u8>>,
    /// What stands after it: a line that a crash tore.
    torn: Vec<u8>,
}

impl Tail {
    fn read(file: &mut File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
        let mut window = Vec::new();
        file.take(WINDOW).read_to_end(&mut window)?;
        let mut parts = window.rsplitn(3, |byte| *byte == b'\n');
        let torn = parts.next().unwrap_or_default().to_vec();
        let last = parts.next().map(<[u8]>::to_vec);
        Ok(Self { last, torn })
    }

    fn line(&self) -> Option<Box<Line>> {
        match line::read(self.last.as_deref()?) {
            Reading::Sound(line) => Some(line),
            Reading::Changed(_) | Reading::Foreign => None,
        }
    }
}

/// Appends what the journal has and the file has not. A torn last line is completed in place; where that cannot
/// be (it is not the beginning of ours) it is left as a line of its own, for `verify` to name.
pub(in crate::journal) fn append_new(connection: &Connection, log: &Log) -> JournalResult<Appended> {
    let (mut appended, head) = position(connection)?;
    if head <= appended {
        return Ok(Appended::All);
    }
    let mut file = place::open_log(&log.path, log.sharing).map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        // Never waited for: a stopped process may hold it.
        Err(TryLockError::WouldBlock) => return Ok(Appended::Busy),
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
    }
    // Whoever had it may have appended our lines too.
    appended = position(connection)?.0;
    let tail = Tail::read(&mut file).map_err(|error| failed(&error))?;
    // A crash between the append and the mark leaves the file ahead of it.
    if let Some(last) = tail.line()
        && let Ok(seq) = i64::try_from(last.seq)
        && seq > appended
        && hash_at(connection, seq)?.as_deref() == Some(last.hash.as_str())
    {
        appended = seq;
    }
    let mut torn = tail.torn;
    loop {
        let waiting = lines(connection, appended, AT_ONCE)?;
        let Some((through, _)) = waiting.last() else {
            break;
        };
        let mut bytes = Vec::new();
        for (_, line) in &waiting {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        let rest = match bytes.strip_prefix(torn.as_slice()) {
            Some(rest) => rest.to_vec(),
            None => [b"\n", bytes.as_slice()].concat(),
        };
        torn.clear();
        file.write_all(&rest)
            .and_then(|()| file.sync_data())
            .map_err(|error| failed(&error))?;
        appended = *through;
    }
    mark(connection, appended)?;
    Ok(Appended::All)
}

/// Notes how far the file goes. It need not outlast a power cut (the file then is ahead of it, which is seen),
/// so it costs no fsync.
fn mark(connection: &Connection, appended: i64) -> JournalResult<()> {
    connection.pragma_update(None, "synchronous", "normal")?;
    let marked = connection.execute(
        "UPDATE audit_file SET appended = ?1 WHERE appended < ?1",
        [appended],
    );
    connection.pragma_update(None, "synchronous", "full")?;
    marked?;
    Ok(())
}

/// A new journal beside an old log (the journal was moved away, or lost) goes on from the log's last line.
pub(in crate::journal) fn adopt(connection: &Connection, file: &File) -> JournalResult<()> {
    let mut file = file.try_clone().map_err(|error| failed(&error))?;
    let tail = Tail::read(&mut file).map_err(|error| failed(&error))?;
    let (Some(last), Some(bytes)) = (tail.line(), &tail.last) else {
        return Ok(());
    };
    let Ok(seq) = i64::try_from(last.seq) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(bytes);
    connection.execute(
        "INSERT INTO audit VALUES (?1, ?2, ?3)",
        params![seq, last.hash, text],
    )?;
    connection.execute("UPDATE audit_file SET appended = ?1", [seq])?;
    Ok(())
}

/// How far the file is known to go, and the head.
fn position(connection: &Connection) -> JournalResult<(i64, i64)> {
    Ok(connection
        .prepare_cached("SELECT appended, (SELECT coalesce(max(seq), 0) FROM audit) FROM audit_file")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn hash_at(connection: &Connection, seq: i64) -> JournalResult<Option<String>> {
    use rusqlite::OptionalExtension as _;
    Ok(connection
        .prepare_cached("SELECT hash FROM audit WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))
        .optional()?)
}

fn lines(connection: &Connection, after: i64, most: i64) -> JournalResult<Vec<(i64, String)>> {
    let mut statement =
        connection.prepare_cached("SELECT seq, line FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let rows = statement.query_map([after, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lines of the log after a number, oldest first, as the journal holds them.
pub fn lines_after(tx: &Tx<'_>, after: u64, most: u32) -> JournalResult<Vec<(u64, String)>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let found = lines(tx, after, i64::from(most))?;
    Ok(found
        .into_iter()
        .map(|(seq, line)| (seq.unsigned_abs(), line))
        .collect())
}

fn failed(error: &io::Error) -> JournalError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::Full,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => JournalError::ReadOnly,
        _ => JournalError::Failed(error.to_string()),
    }
}

/// The number of the last line that the file is known to hold.
pub fn appended(tx: &Tx<'_>) -> JournalResult<u64> {
    Ok(position(tx)?.0.unsigned_abs())
}

/// What the journal knows of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Books {
    /// The hash of each line by its number; the last is the head.
    pub hashes: BTreeMap<u64, String>,
    /// The file was known to hold every line up to this one.
    pub appended: u64,
    /// Lines after that, which a console still has to append.
    pub waiting: Vec<String>,
}

/// The log's bytes as they were read, and what the journal knew at that moment.
#[derive(Debug)]
pub struct FileRead {
    /// The whole file; empty where there is none.
    pub bytes: Vec<u8>,
    /// `None` where there is no journal; an error where it cannot be read.
    pub books: JournalResult<Option<Books>>,
}

/// Reads the log and the journal's books under the log's lock, so that no append falls in between.
/// Neither is changed.
pub fn read(opening: &Opening) -> io::Result<FileRead> {
    let path = opening.audit_path();
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(FileRead {
                bytes: Vec::new(),
                books: books(&opening.path),
            });
        }
        Err(error) => return Err(error),
    };
    file.lock_shared()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(FileRead {
        bytes,
        books: books(&opening.path),
    })
}

/// What the journal knows; nothing where there is none.
pub fn books(journal: &Path) -> JournalResult<Option<Books>> {
    let Some(connection) = schema::open_to_read(journal, BUSY)? else {
        return Ok(None);
    };
    // One picture of all three.
    let tx = connection.unchecked_transaction()?;
    let (appended, _) = position(&tx)?;
    let mut statement = tx.prepare("SELECT seq, hash FROM audit")?;
    let hashes = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let waiting = lines(&tx, appended, i64::MAX)?;
    Ok(Some(Books {
        hashes,
        appended: appended.unsigned_abs(),
        waiting: waiting.into_iter().map(|(_, line)| line).collect(),
    }))
}
