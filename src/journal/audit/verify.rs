//! Whether the log is as it was written. Pure: the file's bytes and the journal's books in, every fault out.

use std::collections::BTreeMap;
use std::fmt;

use super::file::Books;
use super::line::{self, Reading};

/// What no look at these two files can find.
pub const UNDETECTABLE: &str = "whoever may write both the audit log and the journal can rewrite both alike, and \
     nothing here can tell; audit_forward sends each line elsewhere as it is written";

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tampering {
    /// Its words are not those that its hash was taken of.
    Changed,
    /// It does not read as a line of this log.
    Foreign,
    /// It and its hash are each other's, but the journal knows its number by another hash: written anew.
    Rewritten,
    /// It does not follow the line before.
    Unlinked,
    /// Lines before it are missing: cut, or moved behind it.
    Missing {
        /// The first that is.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Its number was passed already: moved or repeated.
    OutOfOrder,
    /// The journal never made it.
    Unknown,
    /// The file ends in the middle of it.
    Torn,
    /// The file ends before it.
    CutTail {
        /// The last that was there.
        last: u64,
    },
}

/// A fault, and the line of the file that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line of the file, from 1; the one after the last where the end is missing.
    pub line: u64,
    /// The number that the line gives, or the first that is missing.
    pub seq: Option<u64>,
    /// What.
    pub what: Tampering,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(seq) = self.seq {
            write!(f, " (seq {seq})")?;
        }
        f.write_str(": ")?;
        match &self.what {
            Tampering::Changed => f.write_str("changed: its words are not those that its hash was taken of"),
            Tampering::Foreign => f.write_str("is no line of this log: changed or inserted"),
            Tampering::Rewritten => {
                f.write_str("rewritten with a hash of its own: the journal knows it by another")
            }
            Tampering::Unlinked => {
                f.write_str("does not follow the line before: one of the two was rewritten")
            }
            Tampering::Missing { first, last } if first == last => {
                write!(f, "before it seq {first} is missing: cut or moved")
            }
            Tampering::Missing { first, last } => {
                write!(f, "before it seq {first} to {last} are missing: cut or moved")
            }
            Tampering::OutOfOrder => f.write_str("stands behind a later one: moved or repeated"),
            Tampering::Unknown => {
                f.write_str("was never made by this journal: inserted, or the journal is older")
            }
            Tampering::Torn => f.write_str("the file ends in the middle of it: cut"),
            Tampering::CutTail { last } if Some(*last) == self.seq => {
                f.write_str("is missing: the end was cut")
            }
            Tampering::CutTail { last } => write!(f, "missing to seq {last}: the end was cut"),
        }
    }
}

/// What a look at the log found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Lines of the file.
    pub lines: u64,
    /// The highest number among the sound ones.
    pub last: Option<u64>,
    /// Lines that the journal has and the next console appends.
    pub waiting: u64,
    /// Every fault, in the file's order.
    pub faults: Vec<Fault>,
}

impl Verdict {
    /// Whether nothing was found.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Walks the file once. Without books a cut end, and a file that was rewritten from some line to its end, do
/// not show.
pub fn verify(file: &[u8], books: Option<&Books>) -> Verdict {
    let none = BTreeMap::new();
    let mut walk = Walk {
        hashes: books.map_or(&none, |books| &books.hashes),
        expected: 1,
        anchor: Some(line::NONE.to_owned()),
        verdict: Verdict::default(),
    };
    let mut rest = file;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(end);
        walk.line(line);
        rest = after.get(1..).unwrap_or_default();
    }
    walk.end(rest, books);
    walk.verdict
}

struct Walk<'a> {
    hashes: &'a BTreeMap<u64, String>,
    /// The number that comes next.
    expected: u64,
    /// The hash that the next line must give as the one before; unknown after a fault that was told.
    anchor: Option<String>,
    verdict: Verdict,
}

impl Walk<'_> {
    fn fault(&mut self, seq: Option<u64>, what: Tampering) {
        let line = self.verdict.lines;
        self.verdict.faults.push(Fault { line, seq, what });
    }

    fn line(&mut self, bytes: &[u8]) {
        self.verdict.lines += 1;
        let line = match line::read(bytes) {
            Reading::Sound(line) => line,
            Reading::Changed(line) => {
                // Its number may be what was changed: it stands for the one that is due.
                self.fault(Some(line.seq), Tampering::Changed);
                self.expected += 1;
                self.anchor = None;
                return;
            }
            Reading::Foreign => {
                self.fault(None, Tampering::Foreign);
                self.expected += 1;
                self.anchor = None;
                return;
            }
        };
        let seq = line.seq;
        // After a line that did not read: it was inserted, where the number that was due comes now.
        let after_bad = self.anchor.is_none();
        if after_bad && seq.checked_add(1) == Some(self.expected) {
            self.expected = seq;
        }
        if seq < self.expected {
            self.fault(Some(seq), Tampering::OutOfOrder);
            return;
        }
        if seq > self.expected {
            let what = Tampering::Missing {
                first: self.expected,
                last: seq - 1,
            };
            self.fault(Some(seq), what);
        } else if self.anchor.as_ref().is_some_and(|anchor| *anchor != line.prev) {
            self.fault(Some(seq), Tampering::Unlinked);
        }
        match self.hashes.get(&seq) {
            Some(known) if *known != line.hash => self.fault(Some(seq), Tampering::Rewritten),
            None if self.hashes.last_key_value().is_some_and(|(head, _)| seq > *head) => {
                self.fault(Some(seq), Tampering::Unknown);
            }
            Some(_) | None => {}
        }
        self.expected = seq.saturating_add(1);
        self.verdict.last = Some(seq);
        self.anchor = Some(line.hash);
    }

    /// What stands after the last line break, and what should.
    fn end(&mut self, torn: &[u8], books: Option<&Books>) {
        let appended = books.map_or(0, |books| books.appended);
        let reached = self.expected.saturating_sub(1);
        if let Some(books) = books {
            let first_waiting = appended + 1;
            let ahead = self.expected.saturating_sub(first_waiting);
            let skip = usize::try_from(ahead).unwrap_or(usize::MAX);
            let mut waiting = books.waiting.iter().skip(skip);
            self.verdict.waiting = waiting.len() as u64;
            if torn.is_empty() && reached >= appended {
                return;
            }
            // A crash in mid-append: the next console completes it.
            let completes = waiting
                .next()
                .is_some_and(|line| line.as_bytes().starts_with(torn));
            if reached >= appended && completes {
                return;
            }
        }
        if !torn.is_empty() {
            self.verdict.lines += 1;
            self.fault(Some(self.expected), Tampering::Torn);
            self.expected += 1;
        }
        if self.expected <= appended {
            self.verdict.lines += 1;
            self.fault(Some(self.expected), Tampering::CutTail { last: appended });
            self.verdict.lines -= 1;
        }
    }
}
