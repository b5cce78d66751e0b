//! Lines of one batch that belong together, made one: sources that deliver each line of a stack trace by itself.
//!
//! Only lines whose source tells their time are joined; files and pipes are cut into entries where they are read.
//! What an entry was made of stays known ([`Part`]), so that a line that is told again is known again.

use std::collections::HashMap;

use crate::domain::log::joint::{self, Kind, Next};
use crate::domain::log::scan::{Looking, scan};
use crate::domain::log::{Batch, Level, Line, Nanos};

/// Lines of an entry at most; what follows is an entry of its own.
pub(super) const MOST_LINES: usize = 1_000;
/// Bytes of an entry at most.
pub(super) const MOST_BYTES: usize = 1024 * 1024;
/// A line that belongs to the one before it is not much later.
const NEAR: u64 = 2_000_000_000;
/// From its first to its last line an entry spans so many nanoseconds at most.
pub(super) const SPAN: u64 = 10_000_000_000;

/// A line of the source within an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// When, as the source tells it.
    pub at: Nanos,
    /// Where its text ends in that of the entry; that of the next one begins behind a newline.
    pub end: u32,
}

impl Part {
    /// Bytes of one as they are kept.
    const KEPT: usize = 12;

    pub(super) fn keep(all: &[Self]) -> Vec<u8> {
        let each = all
            .iter()
            .flat_map(|part| [&part.at.0.to_le_bytes()[..], &part.end.to_le_bytes()[..]].concat());
        each.collect()
    }

    pub(super) fn kept(bytes: &[u8]) -> Vec<Self> {
        let (all, _) = bytes.as_chunks::<{ Self::KEPT }>();
        let read = |kept: &[u8; Self::KEPT]| Self {
            at: Nanos(i64::from_le_bytes(
                kept.first_chunk().copied().unwrap_or_default(),
            )),
            end: u32::from_le_bytes(kept.last_chunk().copied().unwrap_or_default()),
        };
        all.iter().map(read).collect()
    }
}

/// An entry as far as what may come behind it depends on it.
pub(super) struct Open {
    pub kind: Kind,
    pub first: Nanos,
    pub last: Nanos,
    pub lines: usize,
    pub bytes: usize,
}

impl Open {
    pub(super) fn of(at: Nanos, text: &[u8]) -> Self {
        Self {
            kind: Kind::of_text(text),
            first: at,
            last: at,
            lines: 1,
            bytes: text.len(),
        }
    }

    /// Whether so many bytes of that time may still be part of it.
    pub(super) fn has_room(&self, at: Nanos, bytes: usize) -> bool {
        let near = at.0.abs_diff(self.last.0) <= NEAR && at.0.abs_diff(self.first.0) <= SPAN;
        near && self.lines < MOST_LINES && self.bytes + bytes < MOST_BYTES
    }

    fn take(&mut self, at: Nanos, text: &[u8]) {
        self.kind = joint::lines(text).fold(self.kind, Kind::after);
        self.last = self.last.max(at);
        self.lines += 1;
        self.bytes += text.len() + 1;
    }
}

/// A batch whose lines are entries.
pub(super) struct Joined {
    pub batch: Batch,
    /// What lines that were joined were made of, by their number.
    pub parts: HashMap<usize, Vec<Part>>,
}

/// A batch with the lines that belong together made one, as the store has them; nothing where no line does.
pub fn join(batch: &Batch) -> Option<Batch> {
    joined(batch).map(|made| made.batch)
}

/// Joins what belongs together, stream by stream; nothing where no line does.
pub(super) fn joined(batch: &Batch) -> Option<Joined> {
    let goes_on = |line: &Line| line.at.is_some() && joint::may_continue(batch.text(line));
    if batch.place.is_some() || !batch.lines.iter().any(goes_on) {
        return None;
    }
    let owners = owners(batch);
    let mut members: HashMap<usize, Vec<&Line>> = HashMap::new();
    for (line, (number, owner)) in batch.lines.iter().zip(owners.iter().enumerate()) {
        if number != *owner {
            members.entry(*owner).or_default().push(line);
        }
    }
    if members.is_empty() {
        return None;
    }
    let mut all = Joined {
        batch: Batch {
            bytes: batch.bytes.clone(),
            streams: batch.streams.clone(),
            ..Batch::default()
        },
        parts: HashMap::new(),
    };
    for (line, (number, owner)) in batch.lines.iter().zip(owners.iter().enumerate()) {
        if number != *owner {
            continue;
        }
        let mut line = line.clone();
        if let Some(members) = members.get(&number) {
            let bytes = &mut all.batch.bytes;
            let from = bytes.len();
            let mut parts = Vec::with_capacity(members.len() + 1);
            for part in std::iter::once(&line).chain(members.iter().copied()) {
                if bytes.len() > from {
                    bytes.push(b'\n');
                }
                bytes.extend_from_slice(batch.text(part));
                parts.push(Part {
                    at: part.at.unwrap_or(Nanos(0)),
                    end: (bytes.len() - from) as u32,
                });
            }
            line.text = from..bytes.len();
            let mut told = std::iter::once(&line)
                .chain(members.iter().copied())
                .map(|line| told(batch, line));
            line.level = told.find(|level| *level != Level::Unknown).unwrap_or_default();
            all.parts.insert(all.batch.lines.len(), parts);
        }
        all.batch.lines.push(line);
    }
    Some(all)
}

/// How grave a line is, as its source says in the line's level or beside it.
fn told(batch: &Batch, line: &Line) -> Level {
    if line.level != Level::Unknown || line.extra.is_empty() {
        return line.level;
    }
    scan(batch.extra(line), Looking::ALL).level
}

/// The number of the line that each line is part of; its own where it begins an entry.
fn owners(batch: &Batch) -> Vec<usize> {
    /// The entry, the number of its first line, and that of a line which perhaps belongs to it.
    type Of = (Open, usize, Option<usize>);
    let mut owners: Vec<usize> = (0..batch.lines.len()).collect();
    let mut open: HashMap<u32, Of> = HashMap::new();
    for (number, line) in batch.lines.iter().enumerate() {
        let Some(at) = line.at else {
            open.remove(&line.stream);
            continue;
        };
        let text = batch.text(line);
        if let Some((entry, head, waiting)) = open.get_mut(&line.stream) {
            let behind = joint::lines(text).next().unwrap_or_default();
            let waited = waiting
                .take()
                .and_then(|number| Some((number, batch.lines.get(number)?)));
            if let Some((number, perhaps)) = waited {
                let (when, perhaps) = (perhaps.at.unwrap_or(at), batch.text(perhaps));
                if entry.has_room(when, perhaps.len()) && entry.kind.is_borne_out(perhaps, behind) {
                    entry.take(when, perhaps);
                    if let Some(owner) = owners.get_mut(number) {
                        *owner = *head;
                    }
                } else {
                    (*entry, *head) = (Open::of(when, perhaps), number);
                }
            }
            let next = if entry.has_room(at, text.len()) {
                entry.kind.next_text(text)
            } else {
                Next::Apart
            };
            match next {
                Next::Joined => {
                    entry.take(at, text);
                    if let Some(owner) = owners.get_mut(number) {
                        *owner = *head;
                    }
                    continue;
                }
                Next::Perhaps => {
                    *waiting = Some(number);
                    continue;
                }
                Next::Apart => {}
            }
        }
        open.insert(line.stream, (Open::of(at, text), number, None));
    }
    owners
}
