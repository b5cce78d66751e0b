//! A file that grows, is renamed and made anew, or is emptied and written again.
//!
//! Looked at again and again: its length, its first bytes (a file that was emptied and has grown past where it was
//! read tells it by them), and what its name stands for now. A file whose name went to another is read until it has
//! been quiet for a while: who writes to it learns of the change later than we do. Blocking; runs where that is
//! allowed.

use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::entries::{Cutter, Stretch};
use super::history::read_at;
use crate::domain::log::Place;
use crate::time::Tick;

/// Bytes read of one file in one look.
const MOST: usize = 4 * 1024 * 1024;
/// What is read at once.
const BLOCK: usize = 256 * 1024;
/// First bytes that tell a file from another under the same inode.
const HEAD: usize = 256;
/// Bytes before where it was read to, which tell the same where files begin alike.
const LAST: usize = 64;
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

/// Which files are read, under whatever name: one that is renamed to a name that is followed, too, is read once.
#[derive(Debug, Default)]
pub struct Readers {
    held: HashSet<FileId>,
    let_go: Vec<(PathBuf, Reading)>,
}

impl Readers {
    /// Of all names.
    pub fn of<'a>(all: impl Iterator<Item = &'a Followed>) -> Self {
        let readings = all.flat_map(|followed| followed.now.iter().chain(&followed.left));
        Self {
            held: readings.map(|reading| reading.id).collect(),
            let_go: Vec::new(),
        }
    }

    /// Hands what was let go to the names that stand for it now. What nobody takes tells its end: of which name, and
    /// what.
    pub fn hand_over(self, all: &mut HashMap<PathBuf, Followed>) -> Vec<(PathBuf, Vec<Stretch>)> {
        let mut ends = Vec::new();
        for (path, reading) in self.let_go {
            let taker = all.values_mut().find(|followed| followed.stands_for(reading.id));
            if let Some(taker) = taker {
                let before = taker.now.replace(reading);
                taker.left.extend(before);
            } else {
                let mut stretches = Vec::new();
                reading.end(&mut stretches);
                ends.push((path, stretches));
            }
        }
        ends
    }
}

/// One file, read from a position on.
#[derive(Debug)]
struct Reading {
    file: File,
    id: FileId,
    at: u64,
    head: Vec<u8>,
    last: Vec<u8>,
    /// Length and time of change when its begin was last looked at.
    looked: Option<(u64, i64, i64)>,
    /// Where who keeps its lines reads them again.
    place: Option<Arc<Place>>,
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
            last: Vec::new(),
            looked: None,
            place: None,
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
            self.last.clear();
            self.looked = None;
            self.cutter = Cutter::starting(0);
            if let Some(place) = self.place.take() {
                place.empty();
            }
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
            self.last = bytes
                .get(bytes.len().saturating_sub(LAST)..)
                .unwrap_or_default()
                .to_vec();
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

    /// Emptied since: shorter than what was read of it, or with another begin, or other bytes where it was read to.
    fn was_emptied(&mut self) -> io::Result<bool> {
        let found = self.file.metadata()?;
        if found.len() < self.at {
            return Ok(true);
        }
        let looked = Some((found.len(), found.mtime(), found.mtime_nsec()));
        // a change within the grain of the clock is seen with the next
        if self.looked == looked {
            return Ok(false);
        }
        let known = usize::try_from(self.at).unwrap_or(HEAD).min(HEAD);
        let head = read_at(&self.file, 0, known)?;
        let before = self.at.saturating_sub(self.last.len() as u64);
        let last = read_at(&self.file, before, self.last.len())?;
        if !head.starts_with(&self.head) || last != self.last {
            return Ok(true);
        }
        self.head = head;
        self.looked = looked;
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
        let mut reading = Reading::new(file, id, at, now);
        let known = LAST.min(usize::try_from(at).unwrap_or(LAST));
        reading.last = read_at(&reading.file, at - known as u64, known)?;
        Ok(Self {
            path,
            now: Some(reading),
            left: Vec::new(),
        })
    }

    /// Where what is there already is read again by others, who are told when it is gone.
    #[must_use]
    pub fn kept_at(mut self, place: Arc<Place>) -> Self {
        if let Some(reading) = &mut self.now {
            reading.place = Some(place);
        }
        self
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the name stands for a file now that it does not read.
    fn stands_for(&self, id: FileId) -> bool {
        let is_read = self.now.as_ref().is_some_and(|reading| reading.id == id);
        !is_read && std::fs::metadata(&self.path).is_ok_and(|found| FileId::of(&found) == id)
    }

    /// Looks what came, in order: of files that were left first. What can be read is, whatever else cannot.
    pub fn look(&mut self, now: Tick, readers: &mut Readers, into: &mut Vec<Stretch>) -> io::Result<Looked> {
        let mut trouble = self.heed_renaming(now, readers).err();
        let mut looked = Looked::All;
        for mut left in std::mem::take(&mut self.left) {
            let more = left.read(now, into).unwrap_or_else(|error| {
                trouble.get_or_insert(error);
                Looked::All
            });
            if more == Looked::All && now.since(left.grown) >= LEFT_QUIET {
                readers.let_go.push((self.path.clone(), left));
            } else {
                self.left.push(left);
            }
            looked = looked.or(more);
        }
        // the new one waits until the old one was read to its end
        if looked == Looked::All
            && let Some(reading) = &mut self.now
        {
            let mut newer = Vec::new();
            let read = reading.read(now, &mut newer);
            if !newer.is_empty() {
                // an entry that may go on there is older than these
                for left in &mut self.left {
                    into.extend(left.cutter.pause());
                }
            }
            into.append(&mut newer);
            looked = looked.or(read?);
        }
        trouble.map_or(Ok(looked), Err)
    }

    /// Opens what the name stands for now, where that is another file.
    fn heed_renaming(&mut self, now: Tick, readers: &mut Readers) -> io::Result<()> {
        let found = match std::fs::metadata(&self.path) {
            Ok(found) if found.is_file() => found,
            // renamed, and not made anew yet
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        // another name still reads it: it is handed over when that one has it to its end
        if readers.held.contains(&FileId::of(&found)) {
            return Ok(());
        }
        let file = File::open(&self.path)?;
        let id = FileId::of(&file.metadata()?);
        if !readers.held.insert(id) {
            return Ok(());
        }
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
            let mut readers = Readers::of(std::iter::once(&self.followed));
            self.followed
                .look(self.now, &mut readers, &mut stretches)
                .unwrap();
            for (_, end) in readers.hand_over(&mut HashMap::new()) {
                stretches.extend(end);
            }
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
    fn what_the_old_file_holds_is_told_before_what_the_new_one_brings() {
        let mut stage = Stage::new();
        stage.append("app.log", "a1\na2\n");
        assert_eq!(stage.told(100), ["a1"]);
        stage.rename("app.log", "app.log.1");
        stage.append("app.log.1", "a3\n");
        stage.append("app.log", "b4\nb5\n");
        assert_eq!(stage.told(100), ["a2", "a3", "b4"]);
        // who writes to the old one has not heard yet
        stage.append("app.log.1", "a6\n");
        stage.append("app.log", "b7\n");
        assert_eq!(stage.told(100), ["a6", "b5"]);
        assert_eq!(stage.told(400), ["b7"]);
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

    #[test]
    fn a_file_that_begins_alike_each_time_is_known_to_be_another_by_where_it_was_read_to() {
        let mut stage = Stage::new();
        let banner = "=".repeat(2 * HEAD);
        stage.append("app.log", &format!("{banner}\nfirst\n"));
        stage.told(100);
        assert_eq!(stage.told(400), ["first"]);
        let path = stage.dir.path().join("app.log");
        fs::write(&path, format!("{banner}\nsecond\nthird\n")).unwrap();
        let mut told = stage.told(100);
        told.extend(stage.told(400));
        assert_eq!(told, [&*banner, "second", "third"]);
    }

    #[test]
    fn what_is_left_is_read_even_where_its_name_cannot_be_looked_up() {
        let mut stage = Stage::new();
        stage.append("app.log", "one\n");
        stage.told(100);
        stage.append("app.log", "two\n");
        // a name that goes round in circles can be looked up by nobody
        stage.rename("app.log", "app.log.1");
        let path = stage.dir.path().join("app.log");
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let mut stretches = Vec::new();
        stage.now = stage.now + Duration::from_millis(400);
        for _ in 0..2 {
            let mut readers = Readers::of(std::iter::once(&stage.followed));
            let looked = stage.followed.look(stage.now, &mut readers, &mut stretches);
            assert!(looked.is_err());
            stage.now = stage.now + Duration::from_millis(400);
        }
        let told: usize = stretches.iter().map(|stretch| stretch.entries.len()).sum();
        assert_eq!(told, 2);
    }
}
