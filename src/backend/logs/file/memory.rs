//! Where files were read to: the seam between the newest page and the tail, and the far ends of pages.
//!
//! Both by position, as lines need not carry times, and those of one moment may be many. Blocking; runs where that is
//! allowed.

use std::collections::{HashMap, VecDeque};
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
    by: By,
    begin: Begin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Page,
    Tail,
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
    marks: HashMap<FileId, VecDeque<Mark>>,
}

impl Memory {
    /// Where the tail of a file begins: where the page of the newest lines ended, if there was one.
    pub(super) fn begin_of_tail(
        &mut self,
        path: &Path,
        wanted: &Wanted,
        now: DateTime<Utc>,
    ) -> io::Result<Begin> {
        self.seam(path, (wanted, By::Tail), now)
    }

    /// Where the newest page of a file ends: where its tail began, if it did.
    pub(super) fn end_of_page(
        &mut self,
        path: &Path,
        wanted: &Wanted,
        now: DateTime<Utc>,
    ) -> io::Result<Begin> {
        self.seam(path, (wanted, By::Page), now)
    }

    fn seam(&mut self, path: &Path, (wanted, by): (&Wanted, By), now: DateTime<Utc>) -> io::Result<Begin> {
        if let Some(seam) = self.seams.remove(path)
            && seam.wanted == *wanted
            && seam.by != by
        {
            return Ok(seam.begin);
        }
        let begin = Begin::of(path, now)?;
        if self.seams.len() < MOST_FILES {
            let seam = Seam {
                wanted: wanted.clone(),
                by,
                begin: begin.again()?,
            };
            self.seams.insert(path.to_owned(), seam);
        }
        Ok(begin)
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
        assert_eq!(memory.begin_of_tail(&path, &wanted, now).unwrap().at, 5);
        assert_eq!(memory.begin_of_tail(&path, &wanted, now).unwrap().at, 10);
        append();
        assert_eq!(memory.end_of_page(&path, &wanted, now).unwrap().at, 10);
        assert_eq!(memory.end_of_page(&path, &wanted, now).unwrap().at, 15);
        append();
        assert_eq!(
            memory.end_of_page(&path, &wanted, now).unwrap().at,
            20,
            "a page again"
        );
        append();
        let other = Wanted {
            query: "x".to_owned(),
            ..Wanted::default()
        };
        assert_eq!(memory.begin_of_tail(&path, &other, now).unwrap().at, 25);
    }
}
