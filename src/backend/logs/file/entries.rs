//! Bytes into entries: lines, and lines that belong to the one before them.
//!
//! A stack trace is one entry: which lines belong to the one before them, [`crate::domain::log::joint`] knows. What is
//! joined is bounded, and so is a line without end. Any bytes; nothing is copied but what is not whole yet. Pure.

use std::ops::Range;

use memchr::memchr;

use crate::domain::log::joint::{Kind, Next};

/// Lines of an entry at most; what follows is an entry of its own.
const MOST_LINES: usize = 1_000;
/// Bytes of an entry at most; a line that is longer is cut there.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A stretch of a source, whole entries only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stretch {
    /// Where it begins.
    pub at: u64,
    /// As it came.
    pub bytes: Vec<u8>,
    /// Where each entry lies in it, without the line break behind.
    pub entries: Vec<Range<usize>>,
}

/// Cuts what comes piece by piece.
#[derive(Debug, Default)]
pub struct Cutter {
    /// Where `held` begins.
    at: u64,
    /// What is not told yet.
    held: Vec<u8>,
    /// Up to where lines were looked at.
    looked: usize,
    /// Up to where there is no line break.
    searched: usize,
    open: Option<Open>,
}

/// The entry that may still go on.
#[derive(Debug, Clone)]
struct Open {
    text: Range<usize>,
    lines: usize,
    kind: Kind,
    /// A line that belongs to it if the next one says so.
    waiting: Option<Range<usize>>,
}

impl Cutter {
    /// One whose next byte stands at `at`.
    pub fn starting(at: u64) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    /// Takes what came next; tells the entries that are whole.
    pub fn push(&mut self, bytes: &[u8]) -> Option<Stretch> {
        self.held.extend_from_slice(bytes);
        let mut entries = Vec::new();
        loop {
            let rest = self.held.get(self.searched..).unwrap_or_default();
            match memchr(b'\n', rest) {
                Some(break_at) => {
                    let end = self.searched + break_at;
                    self.line(end, end + 1, &mut entries);
                }
                None if self.held.len() - self.looked > MOST_BYTES => {
                    let end = self.looked + MOST_BYTES;
                    self.line(end, end, &mut entries);
                }
                None => {
                    self.searched = self.held.len();
                    break;
                }
            }
        }
        let told = self.open.as_ref().map_or(self.looked, |open| open.text.start);
        self.tell(entries, told)
    }

    /// Nothing came for a while: the last whole line ends its entry.
    pub fn pause(&mut self) -> Option<Stretch> {
        let entries = self.open.take().into_iter().flat_map(Open::end).collect();
        self.tell(entries, self.looked)
    }

    /// Nothing comes any more: what there is of a last line is one.
    pub fn finish(&mut self) -> Option<Stretch> {
        let mut entries = Vec::new();
        if self.looked < self.held.len() {
            self.line(self.held.len(), self.held.len(), &mut entries);
        }
        entries.extend(self.open.take().into_iter().flat_map(Open::end));
        self.tell(entries, self.looked)
    }

    /// Whether a last line is not whole.
    pub fn is_within_a_line(&self) -> bool {
        self.looked < self.held.len()
    }

    /// Whether something is not told yet.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// The line from `looked` to `end`; the next begins at `next`.
    fn line(&mut self, end: usize, next: usize, entries: &mut Vec<Range<usize>>) {
        let line = self.held.get(self.looked..end).unwrap_or_default();
        let trimmed = without_break(line);
        let text = self.looked..self.looked + trimmed.len();
        self.open = Some(match self.open.take() {
            Some(open) => open.with(&self.held, (trimmed, text), entries),
            None => Open::of(trimmed, text),
        });
        self.looked = next;
        self.searched = next;
    }

    /// Hands out the entries and the bytes up to `told`.
    fn tell(&mut self, entries: Vec<Range<usize>>, told: usize) -> Option<Stretch> {
        if entries.is_empty() {
            return None;
        }
        let rest = self.held.split_off(told.min(self.held.len()));
        let bytes = std::mem::replace(&mut self.held, rest);
        let at = self.at;
        self.at += bytes.len() as u64;
        self.looked -= told;
        self.searched -= told;
        if let Some(open) = &mut self.open {
            for range in std::iter::once(&mut open.text).chain(open.waiting.as_mut()) {
                *range = range.start - told..range.end - told;
            }
        }
        Some(Stretch { at, bytes, entries })
    }
}

impl Open {
    fn of(line: &[u8], text: Range<usize>) -> Self {
        Self {
            kind: Kind::of(line),
            text,
            lines: 1,
            waiting: None,
        }
    }

    /// Takes the next line of what is held; tells what ended before it.
    fn with(
        mut self,
        held: &[u8],
        (line, text): (&[u8], Range<usize>),
        ended: &mut Vec<Range<usize>>,
    ) -> Self {
        if let Some(waiting) = self.waiting.take() {
            let perhaps = without_break(held.get(waiting.clone()).unwrap_or_default());
            if self.has_room(text.end) && self.kind.is_borne_out(perhaps, line) {
                self.join(perhaps, waiting.end);
            } else {
                ended.push(self.text);
                self = Self::of(perhaps, waiting);
            }
        }
        let next = if self.has_room(text.end) {
            self.kind.next(line)
        } else {
            Next::Apart
        };
        match next {
            Next::Joined => self.join(line, text.end),
            Next::Perhaps => self.waiting = Some(text),
            Next::Apart => {
                ended.push(self.text);
                self = Self::of(line, text);
            }
        }
        self
    }

    fn has_room(&self, end: usize) -> bool {
        self.lines < MOST_LINES && end.saturating_sub(self.text.start) <= MOST_BYTES
    }

    fn join(&mut self, line: &[u8], end: usize) {
        self.text.end = end;
        self.lines += 1;
        self.kind = self.kind.after(line);
    }

    /// It, and what waited to be part of it.
    fn end(self) -> impl Iterator<Item = Range<usize>> {
        std::iter::once(self.text).chain(self.waiting)
    }
}

fn without_break(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(stretch: &Stretch) -> Vec<String> {
        let entries = stretch.entries.iter();
        entries
            .map(|range| String::from_utf8_lossy(&stretch.bytes[range.clone()]).into_owned())
            .collect()
    }

    fn cut(text: &str) -> Vec<String> {
        let mut cutter = Cutter::starting(0);
        let first = cutter.push(text.as_bytes()).unwrap_or_default();
        let rest = cutter.finish().unwrap_or_default();
        [texts(&first), texts(&rest)].concat()
    }

    #[test]
    fn a_java_trace_is_one_entry_with_the_line_before_it() {
        let trace =
            "ERROR boom\njava.lang.X: y\n\tat a.B.c(B.java:1)\n\t... 3 more\nCaused by: java.io.Z\n\tat d.E";
        assert_eq!(cut(&format!("{trace}\nINFO next\n")), [trace, "INFO next"]);
    }

    #[test]
    fn a_line_that_perhaps_belongs_waits_for_the_next_and_stands_alone_where_none_comes() {
        let mut cutter = Cutter::starting(0);
        assert_eq!(cutter.push(b"ERROR boom\r\njava.lang.X: y\r\n"), None);
        assert_eq!(
            texts(&cutter.pause().unwrap()),
            ["ERROR boom", "java.lang.X: y"],
            "nothing came for a while"
        );
        let stretch = cutter.push(b"INFO a\nname: b\nINFO c\n").unwrap();
        assert_eq!(texts(&stretch), ["INFO a", "name: b"]);
        assert_eq!(texts(&cutter.finish().unwrap()), ["INFO c"]);
    }

    #[test]
    fn a_python_trace_ends_with_the_line_that_names_the_error() {
        let entry = "ERROR boom\nTraceback (most recent call last):\n  File \"a.py\", line 1\n    x()\nValueError: no";
        assert_eq!(
            cut(&format!("{entry}\nINFO next: fine\n")),
            [entry, "INFO next: fine"]
        );
        assert_eq!(cut("Traceback (most recent call last):\nINFO\n").len(), 2);
    }

    #[test]
    fn blank_lines_and_line_ends_of_windows_are_lines_too() {
        assert_eq!(cut("a\r\n\r\nb\n\n  c"), ["a", "", "b", "", "  c"]);
        assert_eq!(cut("{\r\n \"a\": 1\r\n}\r\nb"), ["{\r\n \"a\": 1\r\n}", "b"]);
        assert_eq!(cut(""), Vec::<String>::new());
    }

    #[test]
    fn a_line_that_is_not_whole_waits_and_is_told_at_the_end() {
        let mut cutter = Cutter::starting(100);
        assert_eq!(
            cutter.push(b"one\ntw").map(|s| s.entries),
            None,
            "the first may go on"
        );
        assert_eq!(texts(&cutter.pause().unwrap()), ["one"]);
        assert!(cutter.is_within_a_line() && cutter.pause().is_none());
        assert_eq!(
            cutter.push(b"o\n  more\nthree\n").map(|s| (s.at, texts(&s))),
            Some((104, vec!["two\n  more".to_owned()]))
        );
        assert_eq!(texts(&cutter.finish().unwrap()), ["three"]);
        assert!(!cutter.holds());
    }

    #[test]
    fn what_is_joined_is_bounded() {
        let text = format!("first\n{}", "  more\n".repeat(2_500));
        let entries = cut(&text);
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0].lines().count(), MOST_LINES);
        let line = "x".repeat(MOST_BYTES + 10);
        assert_eq!(
            cut(&line).iter().map(String::len).collect::<Vec<_>>(),
            [MOST_BYTES, 10]
        );
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_entries(
            text in "(a|b: c|at x| |\t|\n|\r\n|Traceback \\(most recent call last\\)|Caused by:|\\}){0,60}",
            size in 1_usize..7,
        ) {
            let mut cutter = Cutter::starting(0);
            let mut pieces = Vec::new();
            let mut bytes = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                let stretch = cutter.push(piece).unwrap_or_default();
                prop_assert_eq!(stretch.at as usize, if stretch.bytes.is_empty() { 0 } else { bytes.len() });
                pieces.extend(texts(&stretch));
                bytes.extend(stretch.bytes);
            }
            let last = cutter.finish().unwrap_or_default();
            pieces.extend(texts(&last));
            bytes.extend(last.bytes);
            prop_assert_eq!(pieces, cut(&text));
            prop_assert_eq!(bytes, text.as_bytes());
        }
    }
}
