//! A file that grows, is renamed and made anew, or is emptied and written again.
//!
//! Looked at again and again: its length, its first bytes (a file that was emptied and has grown past where it was
//! read tells it by them), and what its name stands for now. A file whose name went to another is read until it has
//! been quiet for a while: who writes to it learns of the change later than we do. Blocking; runs where that is
//! allowed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entries::{Cutter, Stretch};
use super::history::read_at;
use crate::time::Tick;

/// Bytes read of one file in one look.
const MOST: usize = 4 * 1024 * 1024;
/// What is read at once.
const BLOCK: usize = 256 * 1024;
/// First bytes that tell a file from another under the same inode.
const HEAD: usize = 256;
/// An entry that may go on ends when nothing came for so long.
const ENTRY_QUIET: Duration = Duration::from_millis(300);
/// A line without its end is told when nothing came for so long.
const LINE_QUIET: Duration = Duration::from_secs(2);
/// A renamed file is let go when nothing came for so long.
const LEFT_QUIET: Duration = Duration::from_secs(5);

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Of what was found under a name.
    pub fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
        }
    }
}

/// One file, read from a position on.
#[derive(Debug)]
struct Reading {
    file: File,
    id: FileId,
    at: u64,
    head: Vec<u8>,
    cutter: Cutter,
    grown: Tick,
}

impl Reading {
    fn new(file: File, id: FileId, at: u64, now: Tick) -> Self {
        Self {
            file,
            id,
            at,
            head: Vec::new(),
            cutter: Cutter::starting(at),
            grown: now,
        }
    }

    /// Reads what came; whether there may be more at once.
    fn read(&mut self, now: Tick, into: &mut Vec<Stretch>) -> io::Result<Looked> {
        if self.was_emptied()? {
            into.extend(self.cutter.finish());
            self.at = 0;
            self.head.clear();
            self.cutter = Cutter::starting(0);
        }
        let mut read = 0;
        while read < MOST {
            let bytes = read_at(&self.file, self.at, BLOCK)?;
            if bytes.is_empty() {
                break;
            }
            self.at += bytes.len() as u64;
            read += bytes.len();
            self.grown = now;
            into.extend(self.cutter.push(&bytes));
        }
        let quiet = now.since(self.grown);
        if quiet >= LINE_QUIET && self.cutter.is_within_a_line() {
            into.extend(self.cutter.finish());
        } else if quiet >= ENTRY_QUIET {
            into.extend(self.cutter.pause());
        }
        Ok(if read >= MOST { Looked::More } else { Looked::All })
    }

    /// Emptied since: shorter than what was read of it, or with another begin.
    fn was_emptied(&mut self) -> io::Result<bool> {
        if self.file.metadata()?.len() < self.at {
            return Ok(true);
        }
        let known = usize::try_from(self.at).unwrap_or(HEAD).min(HEAD);
        let head = read_at(&self.file, 0, known)?;
        if !head.starts_with(&self.head) {
            return Ok(true);
        }
        self.head = head;
        Ok(false)
    }

    fn end(mut self, into: &mut Vec<Stretch>) {
        into.extend(self.cutter.finish());
    }
}

/// Whether a look saw everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Up to the end.
    All,
    /// There may be more at once.
    More,
}

/// A name and the files that it stands and stood for.
#[derive(Debug)]
pub struct Followed {
    path: PathBuf,
    now: Option<Reading>,
    /// Renamed ones that may still be written to.
    left: Vec<Reading>,
}

impl Followed {
    /// A name whose file is read from its begin once it is there.
    pub fn awaited(path: PathBuf) -> Self {
        Self {
            path,
            now: None,
            left: Vec::new(),
        }
    }

    /// A file that is there, read from `at`, where an entry begins.
    pub fn from(path: PathBuf, file: File, at: u64, now: Tick) -> io::Result<Self> {
        let id = FileId::of(&file.metadata()?);
        Ok(Self {
            path,
            now: Some(Reading::new(file, id, at, now)),
            left: Vec::new(),
        })
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks what came, in order: of files that were left first.
    pub fn look(&mut self, now: Tick, into: &mut Vec<Stretch>) -> io::Result<Looked> {
        self.heed_renaming(now)?;
        let mut looked = Looked::All;
        for mut left in std::mem::take(&mut self.left) {
            let more = left.read(now, into)?;
            if more == Looked::All && now.since(left.grown) >= LEFT_QUIET {
                left.end(into);
            } else {
                self.left.push(left);
            }
            looked = looked.or(more);
        }
        if let Some(reading) = &mut self.now {
            looked = looked.or(reading.read(now, into)?);
        }
        Ok(looked)
    }

    /// Opens what the name stands for now, where that is another file.
    fn heed_renaming(&mut self, now: Tick) -> io::Result<()> {
        let found = match std::fs::metadata(&self.path) {
            Ok(found) if found.is_file() => found,
            // renamed, and not made anew yet
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if self
            .now
            .as_ref()
            .is_some_and(|reading| reading.id == FileId::of(&found))
        {
            return Ok(());
        }
        let file = File::open(&self.path)?;
        let id = FileId::of(&file.metadata()?);
        let before = self.now.replace(Reading::new(file, id, 0, now));
        if let Some(mut before) = before {
            before.grown = now;
            self.left.push(before);
        }
        Ok(())
    }
}

impl Looked {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, Self::All) => Self::All,
            (Self::More, _) | (_, Self::More) => Self::More,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write as _;

    use super::*;

    struct Stage {
        dir: tempfile::TempDir,
        followed: Followed,
        now: Tick,
    }

    impl Stage {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let followed = Followed::awaited(dir.path().join("app.log"));
            Self {
                dir,
                followed,
                now: Tick::ZERO,
            }
        }

        fn append(&self, name: &str, text: &str) {
            let path = self.dir.path().join(name);
            let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn rename(&self, from: &str, to: &str) {
            fs::rename(self.dir.path().join(from), self.dir.path().join(to)).unwrap();
        }

        /// What is told after so many milliseconds.
        fn told(&mut self, later: u64) -> Vec<String> {
            self.now = self.now + Duration::from_millis(later);
            let mut stretches = Vec::new();
            self.followed.look(self.now, &mut stretches).unwrap();
            let entries = stretches.iter().flat_map(|stretch| {
                let bytes = stretch.entries.iter().map(|range| &stretch.bytes[range.clone()]);
                bytes
                    .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                    .collect::<Vec<_>>()
            });
            entries.collect()
        }
    }

    #[test]
    fn a_file_is_read_once_it_appears_and_as_it_grows() {
        let mut stage = Stage::new();
        assert!(stage.told(100).is_empty());
        stage.append("app.log", "one\ntwo\n");
        assert_eq!(stage.told(100), ["one"], "the second may go on");
        stage.append("app.log", "  at x\nthree");
        assert!(stage.told(100).is_empty());
        assert_eq!(stage.told(400), ["two\n  at x"]);
        assert!(stage.told(400).is_empty(), "a line is not whole before its end");
        stage.append("app.log", " and more\n");
        stage.told(100);
        assert_eq!(stage.told(400), ["three and more"]);
        stage.append("app.log", "no end");
        stage.told(100);
        assert_eq!(stage.told(3_000), ["no end"]);
    }

    #[test]
    fn a_rotated_file_is_read_to_its_end_and_then_the_new_one() {
        let mut stage = Stage::new();
        stage.append("app.log", "one\n");
        stage.told(100);
        assert_eq!(stage.told(400), ["one"]);
        stage.append("app.log", "last before\n");
        stage.rename("app.log", "app.log.1");
        assert_eq!(stage.told(100), Vec::<String>::new());
        stage.append("app.log", "first after\n");
        // who writes to the old one has not heard yet
        stage.append("app.log.1", "straggler\n");
        let mut told = stage.told(100);
        told.extend(stage.told(400));
        assert_eq!(told, ["last before", "straggler", "first after"]);
        stage.append("app.log.1", "late\n");
        stage.told(1_000);
        assert_eq!(stage.told(400), ["late"]);
        stage.told(6_000);
        assert!(stage.followed.left.is_empty(), "what is quiet is let go");
    }

    #[test]
    fn a_file_that_is_emptied_is_read_from_its_begin() {
        let mut stage = Stage::new();
        stage.append("app.log", "one\ntwo\n");
        stage.told(100);
        assert_eq!(stage.told(400), ["two"]);
        fs::write(stage.dir.path().join("app.log"), "").unwrap();
        stage.append("app.log", "a\n");
        stage.told(100);
        assert_eq!(stage.told(400), ["a"]);
        // emptied and written past where it was read, between two looks
        fs::write(stage.dir.path().join("app.log"), "another begin\nand more\n").unwrap();
        assert_eq!(stage.told(100), ["another begin"]);
        assert_eq!(stage.told(400), ["and more"]);
    }
}
