//! Where files were read to: the seam between the newest page and the tail, and the far ends of pages.
//!
//! Both by position, as lines need not carry times, and those of one moment may be many. Blocking; runs where that is
//! allowed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::follow::FileId;
use super::{MOST_FILES, settled_end};
use crate::backend::logs::Direction;
use crate::domain::log::{Nanos, Wanted};

/// Far ends of pages that are remembered of a file.
const MARKS: usize = 32;

/// A file, open, and where in it something begins.
#[derive(Debug)]
pub(super) struct Begin {
    /// The file, whatever its name stands for by now.
    pub file: File,
    /// Where.
    pub at: u64,
}

impl Begin {
    /// The end of a file as it is now.
    pub(super) fn of(path: &Path, now: DateTime<Utc>) -> io::Result<Self> {
        let file = File::open(path)?;
        let at = settled_end(&file, now)?;
        Ok(Self { file, at })
    }

    fn again(&self) -> io::Result<Self> {
        Ok(Self {
            file: self.file.try_clone()?,
            at: self.at,
        })
    }
}

/// Where a page of the newest lines ends and the tail begins. Whoever comes first says, the other takes it: between
/// the two no line is told twice and none is passed over, though the file be renamed or emptied meanwhile.
#[derive(Debug)]
struct Seam {
    wanted: Wanted,
    begin: Begin,
    /// Whether the page was read: one that fails is read again.
    page: Turn,
    /// Whether the tail began.
    tail: Turn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Due,
    Done,
}

/// A tail that runs.
#[derive(Debug)]
struct Tailing {
    wanted: Wanted,
    /// Whether it looked at all files that were there when it began.
    settled: bool,
    /// Of these it tells what comes behind a position; all others it tells from their begin.
    passed: HashSet<FileId>,
}

/// The far end of a page.
#[derive(Debug)]
struct Mark {
    direction: Direction,
    wanted: Wanted,
    /// The moment that the next page will be asked with; none where no line told one.
    moment: Option<Nanos>,
    at: u64,
}

/// Where files were read to.
#[derive(Debug, Default)]
pub(super) struct Memory {
    seams: HashMap<PathBuf, Seam>,
    tails: Vec<Tailing>,
    marks: HashMap<FileId, VecDeque<Mark>>,
}

impl Memory {
    /// A tail begins.
    pub(super) fn tail_begins(&mut self, wanted: &Wanted) {
        self.tails.push(Tailing {
            wanted: wanted.clone(),
            settled: false,
            passed: HashSet::new(),
        });
    }

    /// It looked at all files that were there; those that it could not read it tells from their begin once it can.
    pub(super) fn tail_settled(&mut self, wanted: &Wanted) {
        if let Some(tail) = self.tails.iter_mut().rev().find(|tail| tail.wanted == *wanted) {
            tail.settled = true;
        }
    }

    /// It ended, and what it and its pages shared is of no use to another.
    pub(super) fn tail_ended(&mut self, wanted: &Wanted) {
        if let Some(place) = self.tails.iter().position(|tail| tail.wanted == *wanted) {
            self.tails.remove(place);
        }
        self.seams.retain(|_, seam| seam.wanted != *wanted);
    }

    /// Whether a tail tells all of a file, so that no page has any of it.
    pub(super) fn is_told_whole(&self, wanted: &Wanted, file: FileId) -> bool {
        let tail = self.tails.iter().rev().find(|tail| tail.wanted == *wanted);
        tail.is_some_and(|tail| tail.settled && !tail.passed.contains(&file))
    }

    /// Where the tail of a file begins: where the page of the newest lines ended, if there was one.
    pub(super) fn begin_of_tail(
        &mut self,
        path: &Path,
        wanted: &Wanted,
        now: DateTime<Utc>,
    ) -> io::Result<Begin> {
        let known = self
            .seams
            .get_mut(path)
            .filter(|seam| seam.wanted == *wanted && seam.tail == Turn::Due);
        let begin = if let Some(seam) = known {
            seam.tail = Turn::Done;
            seam.begin.again()?
        } else {
            let begin = Begin::of(path, now)?;
            self.remember(path, wanted, (begin.again()?, Turn::Due, Turn::Done));
            begin
        };
        self.forget_done(path);
        let file = FileId::of(&begin.file.metadata()?);
        if let Some(tail) = self.tails.iter_mut().rev().find(|tail| tail.wanted == *wanted) {
            tail.passed.insert(file);
        }
        Ok(begin)
    }

    /// Where the newest page of a file ends: where its tail began, if it did; at the begin where that tells all of it.
    pub(super) fn end_of_page(
        &mut self,
        path: &Path,
        wanted: &Wanted,
        now: DateTime<Utc>,
    ) -> io::Result<Begin> {
        match self.seams.get(path).filter(|seam| seam.wanted == *wanted) {
            Some(seam) if seam.page == Turn::Due => return seam.begin.again(),
            Some(_) | None => {}
        }
        let begin = Begin::of(path, now)?;
        if self.is_told_whole(wanted, FileId::of(&begin.file.metadata()?)) {
            return Ok(Begin { at: 0, ..begin });
        }
        let is_known = self.seams.get(path).is_some_and(|seam| seam.wanted == *wanted);
        if !is_known {
            self.remember(path, wanted, (begin.again()?, Turn::Due, Turn::Due));
        }
        Ok(begin)
    }

    /// The newest page of a file was read.
    pub(super) fn page_read(&mut self, path: &Path, wanted: &Wanted) {
        if let Some(seam) = self.seams.get_mut(path).filter(|seam| seam.wanted == *wanted) {
            seam.page = Turn::Done;
        }
        self.forget_done(path);
    }

    fn remember(&mut self, path: &Path, wanted: &Wanted, (begin, page, tail): (Begin, Turn, Turn)) {
        if self.seams.len() < MOST_FILES {
            let seam = Seam {
                wanted: wanted.clone(),
                begin,
                page,
                tail,
            };
            self.seams.insert(path.to_owned(), seam);
        }
    }

    fn forget_done(&mut self, path: &Path) {
        let done = |seam: &Seam| (seam.page, seam.tail) == (Turn::Done, Turn::Done);
        if self.seams.get(path).is_some_and(done) {
            self.seams.remove(path);
        }
    }

    /// Remembers where a page ended, under the moment that the next one is asked with.
    pub(super) fn mark(
        &mut self,
        file: FileId,
        direction: Direction,
        wanted: &Wanted,
        (moment, at): (Option<Nanos>, u64),
    ) {
        if self.marks.len() >= MOST_FILES && !self.marks.contains_key(&file) {
            self.marks.clear();
        }
        let marks = self.marks.entry(file).or_default();
        marks.retain(|mark| (mark.direction, mark.moment) != (direction, moment) || mark.wanted != *wanted);
        if marks.len() >= MARKS {
            marks.pop_front();
        }
        marks.push_back(Mark {
            direction,
            wanted: wanted.clone(),
            moment,
            at,
        });
    }

    /// Where the page before ended, if the one that is asked for with one of these moments is the one behind it.
    pub(super) fn resumed(
        &self,
        file: FileId,
        direction: Direction,
        wanted: &Wanted,
        moments: &[Nanos],
    ) -> Option<u64> {
        let marks = self.marks.get(&file)?;
        let find = |moment: Option<Nanos>| {
            let mut newest = marks.iter().rev();
            newest.find(|mark| mark.direction == direction && mark.moment == moment && mark.wanted == *wanted)
        };
        let timed = moments.iter().find_map(|moment| find(Some(*moment)));
        timed.or_else(|| find(None)).map(|mark| mark.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn page_and_tail_part_at_one_place_whichever_comes_first_and_only_for_the_same_question() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        let mut file = File::create(&path).unwrap();
        let mut append = || file.write_all(b"line\n").unwrap();
        let wanted = Wanted::default();
        let now = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
        let mut memory = Memory::default();
        append();
        assert_eq!(memory.end_of_page(&path, &wanted, now).unwrap().at, 5);
        append();
        assert_eq!(
            memory.end_of_page(&path, &wanted, now).unwrap().at,
            5,
            "it failed"
        );
        memory.page_read(&path, &wanted);
        assert_eq!(memory.begin_of_tail(&path, &wanted, now).unwrap().at, 5);
        assert_eq!(memory.begin_of_tail(&path, &wanted, now).unwrap().at, 10);
        append();
        for _ in 0..2 {
            assert_eq!(memory.end_of_page(&path, &wanted, now).unwrap().at, 10);
        }
        memory.page_read(&path, &wanted);
        assert_eq!(memory.end_of_page(&path, &wanted, now).unwrap().at, 15);
        memory.page_read(&path, &wanted);
        append();
        assert_eq!(
            memory.end_of_page(&path, &wanted, now).unwrap().at,
            20,
            "a page again"
        );
        assert_eq!(
            memory.begin_of_tail(&path, &wanted, now).unwrap().at,
            15,
            "behind the newest page that was read"
        );
        append();
        let other = Wanted {
            query: "x".to_owned(),
            ..Wanted::default()
        };
        assert_eq!(memory.begin_of_tail(&path, &other, now).unwrap().at, 25);
    }

    #[test]
    fn a_page_has_nothing_of_a_file_that_a_tail_tells_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (was, came) = (dir.path().join("was.log"), dir.path().join("came.log"));
        std::fs::write(&was, "line\n").unwrap();
        let wanted = Wanted::default();
        let now = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
        let mut memory = Memory::default();
        memory.tail_begins(&wanted);
        assert_eq!(memory.begin_of_tail(&was, &wanted, now).unwrap().at, 5);
        memory.tail_settled(&wanted);
        std::fs::write(&came, "line\n").unwrap();
        let end = |memory: &mut Memory, path| memory.end_of_page(path, &wanted, now).unwrap().at;
        assert_eq!(end(&mut memory, &was), 5);
        assert_eq!(end(&mut memory, &came), 0);
        memory.tail_ended(&wanted);
        assert_eq!(end(&mut memory, &came), 5);
    }
}
