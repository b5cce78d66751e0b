//! What a file holds already: read by blocks from either end, never whole, never mapped.
//!
//! Blocking; runs where that is allowed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::entries::{Cutter, MOST_BYTES, Stretch};
use super::sift::{Before, Dated, Sieve, dated};
use crate::domain::log::Nanos;
use crate::domain::log::joint::continues;

/// What is read at once.
const BLOCK: usize = 256 * 1024;

/// A stretch whose entries are dated and sifted.
#[derive(Debug)]
pub struct Piece {
    /// The stretch.
    pub stretch: Stretch,
    /// Its entries.
    pub entries: Vec<Dated>,
}

/// So many bytes at a position; fewer where the file ends before.
pub fn read_at(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut had = 0;
    while let Some(rest) = bytes.get_mut(had..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + had as u64) {
            Ok(0) => break,
            Ok(more) => had += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(had);
    Ok(bytes)
}

/// Reads a file piece by piece from `end` to its begin.
pub struct Backward<'a> {
    file: &'a File,
    sieve: &'a Sieve,
    end: u64,
}

impl<'a> Backward<'a> {
    /// From `end` on, where an entry ends.
    pub fn new(file: &'a File, sieve: &'a Sieve, end: u64) -> Self {
        Self { file, sieve, end }
    }

    /// The piece before the last one; `None` at the begin. It begins with an entry that tells its time, where
    /// there is one in sight.
    pub fn piece(&mut self) -> io::Result<Option<Piece>> {
        if self.end == 0 {
            return Ok(None);
        }
        let mut length = BLOCK as u64;
        loop {
            let from = self.end.saturating_sub(length);
            let bytes = read_at(self.file, from, (self.end - from) as usize)?;
            let skipped = if from == 0 { Some(0) } else { first_entry(&bytes) };
            let far = length > 2 * MOST_BYTES as u64;
            if let Some(skipped) = skipped.or(far.then_some(0)) {
                let begin = from + skipped as u64;
                let mut piece = self.cut(begin, bytes.get(skipped..).unwrap_or_default());
                // the first entries have the time of one that was not read: they come with it
                if from > 0
                    && let Some(timed) = piece.entries.iter().position(|entry| entry.own)
                    && timed > 0
                {
                    piece.drop_first(timed);
                }
                self.end = piece.stretch.at;
                return Ok(Some(piece));
            }
            length *= 2;
        }
    }

    fn cut(&self, at: u64, bytes: &[u8]) -> Piece {
        let mut cutter = Cutter::starting(at);
        let mut stretch = cutter.push(bytes).unwrap_or_else(|| Stretch {
            at,
            ..Stretch::default()
        });
        if let Some(last) = cutter.finish() {
            stretch.append(last);
        }
        let entries = dated(&stretch, self.sieve, &mut Before::default());
        Piece { stretch, entries }
    }
}

impl Stretch {
    /// Takes the stretch behind it.
    fn append(&mut self, next: Self) {
        let shift = self.bytes.len();
        self.bytes.extend(next.bytes);
        let moved = next.entries.into_iter();
        self.entries
            .extend(moved.map(|range| range.start + shift..range.end + shift));
    }
}

impl Piece {
    /// Lets the first `count` entries be; the piece begins behind them.
    fn drop_first(&mut self, count: usize) {
        let Some(cut) = self.stretch.entries.get(count).map(|range| range.start) else {
            return;
        };
        self.stretch.bytes.drain(..cut);
        self.stretch.at += cut as u64;
        self.stretch.entries.drain(..count);
        self.entries.drain(..count);
        for range in &mut self.stretch.entries {
            *range = range.start - cut..range.end - cut;
        }
        for entry in &mut self.entries {
            entry.text = entry.text.start - cut..entry.text.end - cut;
        }
    }
}

/// Where the first entry begins in a block that was cut out anywhere.
fn first_entry(bytes: &[u8]) -> Option<usize> {
    let mut at = memchr::memchr(b'\n', bytes)? + 1;
    loop {
        let rest = bytes.get(at..)?;
        if rest.is_empty() {
            return None;
        }
        let line_end = memchr::memchr(b'\n', rest);
        let line = rest.get(..line_end.unwrap_or(rest.len()))?;
        if !continues(line) {
            return Some(at);
        }
        at += line_end? + 1;
    }
}

/// Reads a file piece by piece from its begin to `end`.
pub struct Forward<'a> {
    file: &'a File,
    sieve: &'a Sieve,
    at: u64,
    end: u64,
    cutter: Cutter,
    before: Before,
    ended: bool,
}

impl<'a> Forward<'a> {
    /// From `at`, where an entry begins, to `end`.
    pub fn new(file: &'a File, sieve: &'a Sieve, at: u64, end: u64) -> Self {
        Self {
            file,
            sieve,
            at,
            end,
            cutter: Cutter::starting(at),
            before: Before::default(),
            ended: false,
        }
    }

    /// The next piece; `None` at the end.
    pub fn piece(&mut self) -> io::Result<Option<Piece>> {
        while !self.ended {
            let length = BLOCK.min(usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(BLOCK));
            let bytes = read_at(self.file, self.at, length)?;
            self.at += bytes.len() as u64;
            let stretch = if bytes.is_empty() {
                self.ended = true;
                self.cutter.finish()
            } else {
                self.cutter.push(&bytes)
            };
            if let Some(stretch) = stretch {
                let entries = dated(&stretch, self.sieve, &mut self.before);
                return Ok(Some(Piece { stretch, entries }));
            }
        }
        Ok(None)
    }
}

/// Where in a file the entries from a moment on begin, its times told to be in order as far as blocks go: behind the
/// last block that lies wholly before it.
pub fn begin_of(file: &File, sieve: &Sieve, from: Nanos, end: u64) -> io::Result<u64> {
    if from.0 == i64::MIN {
        return Ok(0);
    }
    let mut backward = Backward::new(file, sieve, end);
    let mut begin = end;
    while let Some(piece) = backward.piece()? {
        let before = piece
            .entries
            .iter()
            .all(|entry| entry.at.is_some_and(|at| at < from));
        if before && !piece.entries.is_empty() {
            return Ok(begin);
        }
        begin = piece.stretch.at;
    }
    Ok(begin)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::domain::log::Wanted;

    fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn text(pieces: &[Piece]) -> Vec<String> {
        let entries = pieces.iter().flat_map(|piece| {
            let texts = piece
                .entries
                .iter()
                .map(|entry| &piece.stretch.bytes[entry.text.clone()]);
            texts
                .map(|text| String::from_utf8_lossy(text).into_owned())
                .collect::<Vec<_>>()
        });
        entries.collect()
    }

    fn backward(file: &File, end: u64) -> Vec<Piece> {
        let sieve = Sieve::new(&Wanted::default());
        let mut backward = Backward::new(file, &sieve, end);
        let mut pieces = Vec::new();
        while let Some(piece) = backward.piece().unwrap() {
            assert!(!piece.entries.is_empty(), "a piece without entries never ends");
            pieces.push(piece);
        }
        pieces.reverse();
        pieces
    }

    fn forward(file: &File, end: u64) -> Vec<Piece> {
        let sieve = Sieve::new(&Wanted::default());
        let mut forward = Forward::new(file, &sieve, 0, end);
        let mut pieces = Vec::new();
        while let Some(piece) = forward.piece().unwrap() {
            pieces.push(piece);
        }
        pieces
    }

    #[test]
    fn both_directions_read_the_same_entries() {
        let mut lines = String::new();
        for number in 0..9_000 {
            let (minute, second) = (number / 60 % 60, number % 60);
            let line = format!(
                "2026-11-20T03:{minute:02}:{second:02}Z line {number}
"
            );
            lines.push_str(&line);
            if number % 7 == 0 {
                lines.push_str("untimed\n\tat x.Y\n\tat z\n");
            }
            if number == 4_000 {
                lines.push_str(&"long ".repeat(200_000));
                lines.push('\n');
            }
        }
        lines.push_str("no newline");
        let file = file(&lines);
        let end = lines.len() as u64;
        let (back, forth) = (backward(&file, end), forward(&file, end));
        assert!(back.len() >= 3, "{} pieces", back.len());
        assert_eq!(text(&back), text(&forth));
        assert_eq!(text(&back).len(), 9_000 + 1_286 + 1 + 1);
        for piece in &back[1..] {
            assert!(piece.entries[0].own, "no entry stands without its time");
        }
    }

    #[test]
    fn a_file_of_anything_is_read_to_its_begin() {
        for text in ["", "\n", "\n\n\n", "  a\n  b", "\0\0\0", "one"] {
            let file = file(text);
            let back = backward(&file, text.len() as u64);
            let all: usize = back.iter().map(|piece| piece.stretch.bytes.len()).sum();
            assert_eq!(all, text.len(), "{text:?}");
        }
        let spaces = format!("{}\n", " x".repeat(3_000_000)).repeat(3);
        let file = file(&spaces);
        let back = backward(&file, spaces.len() as u64);
        let all: usize = back.iter().map(|piece| piece.stretch.bytes.len()).sum();
        assert_eq!(all, spaces.len());
    }

    #[test]
    fn the_begin_of_a_moment_is_found_from_behind() {
        let line = |hour: usize| format!("2026-11-20T{hour:02}:00:00Z {}\n", "x".repeat(100_000));
        let text: String = (0..20).map(line).collect();
        let file = file(&text);
        let at = |text: &str| Nanos::of(text.parse().unwrap());
        let sieve = Sieve::new(&Wanted::default());
        let begin = begin_of(&file, &sieve, at("2026-11-20T15:00:00Z"), text.len() as u64).unwrap();
        let line = line(0).len() as u64;
        assert!(begin <= 15 * line && begin >= 10 * line, "{}", begin / line);
        assert_eq!(
            begin_of(&file, &sieve, Nanos(i64::MIN), text.len() as u64).unwrap(),
            0
        );
        assert_eq!(
            begin_of(&file, &sieve, at("2027-01-01T00:00:00Z"), text.len() as u64).unwrap(),
            text.len() as u64
        );
    }
}
