//! Makes chunks: of lines that come, and of parts of other chunks.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use super::body::Body;
use super::chunk::{Chunk, Extra, LineId, NO_SERVICE, Serials, Tag};
use crate::domain::log::place::Place;
use crate::domain::log::{Level, Stream};

/// How large chunks become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bytes of text at which a chunk is closed.
    pub bytes: usize,
    /// Lines at which a chunk is closed.
    pub lines: usize,
}

/// Distinct streams and services of a chunk, at most.
const NAMES: usize = 60_000;

/// Values that lines name by number.
#[derive(Debug)]
struct Table<T> {
    all: Vec<T>,
    numbers: HashMap<T, u16>,
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn number(&mut self, value: &T) -> u16 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.all.len() as u16;
        self.all.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

/// A line on its way into a chunk.
#[derive(Debug, Clone)]
pub(super) struct Incoming<'a> {
    pub id: LineId,
    /// Its stream and service are put in by the builder.
    pub tag: Tag,
    pub stream: &'a Arc<Stream>,
    pub service: Option<&'a str>,
    pub text: &'a [u8],
    pub extra: &'a [u8],
    /// What it was made of, as it is kept.
    pub parts: &'a [u8],
    /// Where the text lies in a file.
    pub place: Option<(&'a Arc<Place>, u64)>,
}

/// Where the text of the chunk that is being made goes.
#[derive(Debug, Default)]
enum Target {
    #[default]
    Undecided,
    Held(Vec<u8>),
    InFile {
        place: Arc<Place>,
        base: u64,
        ends: Vec<u32>,
    },
}

/// What stands beside the lines of the chunk that is being made.
#[derive(Debug, Default)]
struct Beside {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Beside {
    /// Adds that of the last of so many lines.
    fn add(&mut self, bytes: &[u8], lines: usize) {
        if bytes.is_empty() && self.ends.is_empty() {
            return;
        }
        // Lines before the first that has any have none.
        let before = lines.saturating_sub(1);
        if self.ends.len() < before {
            self.ends.resize(before, 0);
        }
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len() as u32);
    }

    fn close(mut self, lines: usize) -> Option<Extra> {
        self.ends.resize(
            if self.bytes.is_empty() { 0 } else { lines },
            self.bytes.len() as u32,
        );
        (!self.bytes.is_empty()).then(|| Extra {
            bytes: self.bytes.into_boxed_slice(),
            ends: self.ends.into_boxed_slice(),
        })
    }
}

/// Makes chunks, one after the other, as large as their shape allows.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    shape: Shape,
    names: &'a mut u64,
    made: Vec<Chunk>,
    target: Target,
    starts: Vec<u32>,
    keys: Vec<i64>,
    serials: Vec<i64>,
    tags: Vec<Tag>,
    extra: Beside,
    parts: Beside,
    streams: Table<Arc<Stream>>,
    services: Table<Arc<str>>,
    levels: [u64; Level::ALL.len()],
}

impl<'a> Builder<'a> {
    /// `names` counts chunks.
    pub(super) fn new(shape: Shape, names: &'a mut u64) -> Self {
        Self {
            shape,
            names,
            made: Vec::new(),
            target: Target::Undecided,
            starts: Vec::new(),
            keys: Vec::new(),
            serials: Vec::new(),
            tags: Vec::new(),
            extra: Beside::default(),
            parts: Beside::default(),
            streams: Table::default(),
            services: Table::default(),
            levels: [0; Level::ALL.len()],
        }
    }

    /// Makes room for what will come, so that it need not be moved.
    pub(super) fn reserve(&mut self, lines: usize, bytes: usize) {
        let lines = lines.min(self.shape.lines);
        self.starts.reserve(lines);
        self.keys.reserve(lines);
        self.serials.reserve(lines);
        self.tags.reserve(lines);
        if matches!(self.target, Target::Undecided) && bytes > 0 {
            self.target = Target::Held(Vec::with_capacity(bytes.min(self.shape.bytes)));
        }
    }

    fn text_len(&self) -> usize {
        match &self.target {
            Target::Undecided | Target::InFile { .. } => 0,
            Target::Held(bytes) => bytes.len(),
        }
    }

    fn is_full(&self, more: usize) -> bool {
        !self.keys.is_empty()
            && (self.text_len() + self.extra.bytes.len() + more > self.shape.bytes
                || self.keys.len() >= self.shape.lines
                || self.streams.all.len() >= NAMES
                || self.services.all.len() >= NAMES)
    }

    /// Adds a line, which stands after all before it.
    pub(super) fn push(&mut self, line: &Incoming<'_>) {
        let resident = if line.place.is_some() {
            0
        } else {
            line.text.len() + 1
        };
        if self.is_full(resident + line.extra.len()) {
            self.close();
        }
        self.aim(
            line.place
                .map(|(place, at)| (place, at..at + line.text.len() as u64)),
        );
        let stream = self.streams.number(line.stream);
        let service = line.service.map_or(NO_SERVICE, |service| self.service(service));
        self.index(
            line.id,
            Tag {
                stream,
                service,
                ..line.tag
            },
        );
        match &mut self.target {
            Target::Undecided => {}
            Target::Held(bytes) => {
                self.starts.push(bytes.len() as u32);
                bytes.extend_from_slice(line.text);
                bytes.push(b'\n');
            }
            Target::InFile { base, ends, .. } => {
                let start = line.place.map_or(0, |(_, at)| at.saturating_sub(*base)) as u32;
                self.starts.push(start);
                ends.push(start + line.text.len() as u32);
            }
        }
        self.extra.add(line.extra, self.keys.len());
        self.parts.add(line.parts, self.keys.len());
    }

    fn service(&mut self, service: &str) -> u16 {
        match self.services.numbers.get(service) {
            Some(number) => *number,
            None => self.services.number(&service.into()),
        }
    }

    fn index(&mut self, id: LineId, tag: Tag) {
        self.keys.push(id.key);
        self.serials.push(id.serial);
        self.tags.push(tag);
        if let Some(count) = self.levels.get_mut(tag.level as usize) {
            *count += 1;
        }
    }

    /// Sees that the next text can go where the chunk has its text: one file, forwards; or memory.
    fn aim(&mut self, span: Option<(&Arc<Place>, Range<u64>)>) {
        let fits = match (&self.target, &span) {
            (Target::Held(_), None) => true,
            (
                Target::InFile {
                    place, base, ends, ..
                },
                Some((other, span)),
            ) => {
                let end = base + u64::from(ends.last().copied().unwrap_or(0));
                Arc::ptr_eq(place, other) && span.start >= end && span.end - base <= self.shape.bytes as u64
            }
            (Target::Undecided, _) | (Target::Held(_), Some(_)) | (Target::InFile { .. }, None) => false,
        };
        if fits {
            return;
        }
        self.close();
        self.target = match span {
            Some((place, span)) => Target::InFile {
                place: Arc::clone(place),
                base: span.start,
                ends: Vec::new(),
            },
            None => Target::Held(Vec::new()),
        };
    }

    /// Adds lines of another chunk, which stand after all before them.
    pub(super) fn copy(&mut self, chunk: &Chunk, lines: Range<usize>) {
        let mut from = lines.start;
        while from < lines.end {
            let to = match &chunk.body {
                Body::Held { bytes, starts } => self.copy_held(bytes, starts, from..lines.end),
                Body::InFile {
                    place,
                    base,
                    starts,
                    ends,
                } => {
                    let of = |all: &[u32], line: usize| base + u64::from(all.get(line).copied().unwrap_or(0));
                    self.aim(Some((place, of(starts, from)..of(ends, lines.end - 1))));
                    self.copy_places(*base, (starts, ends), from..lines.end)
                }
            };
            self.copy_index(chunk, from..to);
            from = to;
        }
    }

    /// Copies as much text as there is room for, a line at least; says up to which line.
    fn copy_held(&mut self, bytes: &[u8], starts: &[u32], lines: Range<usize>) -> usize {
        self.aim(None);
        let first = starts.get(lines.start).copied().unwrap_or(0);
        let end_of = |line: usize| starts.get(line + 1).map_or(bytes.len(), |next| *next as usize);
        if self.is_full(end_of(lines.start) - first as usize) {
            self.close();
            self.aim(None);
        }
        let most = lines
            .end
            .min(lines.start + self.shape.lines.saturating_sub(self.keys.len()).max(1));
        let room = self
            .shape
            .bytes
            .saturating_sub(self.text_len() + self.extra.bytes.len());
        let rest = starts.get(lines.start + 1..most).unwrap_or_default();
        let to = lines.start + 1 + rest.partition_point(|start| (*start - first) as usize <= room);
        // The last of them may reach past the room.
        let to = if to > lines.start + 1 && end_of(to - 1) - first as usize > room {
            to - 1
        } else {
            to
        };
        if let Target::Held(held) = &mut self.target {
            let shift = held.len() as u32;
            held.extend_from_slice(bytes.get(first as usize..end_of(to - 1)).unwrap_or_default());
            let starts = starts.get(lines.start..to).unwrap_or_default();
            self.starts
                .extend(starts.iter().map(|start| start - first + shift));
        }
        to
    }

    /// Copies where lines lie in the file that is aimed at.
    fn copy_places(&mut self, from: u64, (starts, all_ends): (&[u32], &[u32]), lines: Range<usize>) -> usize {
        let most = lines
            .end
            .min(lines.start + self.shape.lines.saturating_sub(self.keys.len()));
        if most == lines.start {
            self.close();
            return lines.start;
        }
        if let Target::InFile { base, ends, .. } = &mut self.target {
            let shift = from.wrapping_sub(*base);
            let moved = |all: &[u32], into: &mut Vec<u32>| {
                let all = all.get(lines.start..most).unwrap_or_default();
                into.extend(all.iter().map(|at| u64::from(*at).wrapping_add(shift) as u32));
            };
            moved(starts, &mut self.starts);
            moved(all_ends, ends);
        }
        most
    }

    fn copy_index(&mut self, chunk: &Chunk, lines: Range<usize>) {
        if lines.is_empty() {
            return;
        }
        let streams: Vec<u16> = chunk
            .streams
            .iter()
            .map(|stream| self.streams.number(stream))
            .collect();
        let services: Vec<u16> = chunk
            .services
            .iter()
            .map(|service| self.services.number(service))
            .collect();
        let number = |all: &[u16], had: u16| all.get(usize::from(had)).copied().unwrap_or(NO_SERVICE);
        for line in lines {
            let (Some(id), Some(tag)) = (chunk.id(line), chunk.tags.get(line).copied()) else {
                continue;
            };
            let stream = number(&streams, tag.stream);
            let service = number(&services, tag.service);
            self.index(
                id,
                Tag {
                    stream,
                    service,
                    ..tag
                },
            );
            self.extra.add(chunk.extra(line), self.keys.len());
            self.parts.add(chunk.parts(line), self.keys.len());
        }
    }

    /// Closes the chunk that is being made where it is of some size already.
    pub(super) fn close_if_large(&mut self) {
        if self.text_len() * 2 >= self.shape.bytes || self.keys.len() * 2 >= self.shape.lines {
            self.close();
        }
    }

    fn close(&mut self) {
        let target = std::mem::take(&mut self.target);
        let starts = std::mem::take(&mut self.starts).into_boxed_slice();
        let body = match target {
            Target::Undecided => return,
            Target::Held(bytes) => Body::Held {
                bytes: bytes.into_boxed_slice(),
                starts,
            },
            Target::InFile { place, base, ends } => Body::InFile {
                place,
                base,
                starts,
                ends: ends.into_boxed_slice(),
            },
        };
        if self.keys.is_empty() {
            return;
        }
        let serials = std::mem::take(&mut self.serials);
        let first = serials.first().copied().unwrap_or(0);
        let in_a_row = serials
            .iter()
            .zip(first..)
            .all(|(serial, expected)| *serial == expected);
        let (extra, parts) = (std::mem::take(&mut self.extra), std::mem::take(&mut self.parts));
        let lines = self.keys.len();
        *self.names += 1;
        self.made.push(Chunk {
            name: *self.names,
            body,
            keys: std::mem::take(&mut self.keys).into_boxed_slice(),
            serials: if in_a_row {
                Serials::From(first)
            } else {
                Serials::Each(serials.into_boxed_slice())
            },
            tags: std::mem::take(&mut self.tags).into_boxed_slice(),
            extra: extra.close(lines),
            parts: parts.close(lines),
            streams: std::mem::take(&mut self.streams).all.into_boxed_slice(),
            services: std::mem::take(&mut self.services).all.into_boxed_slice(),
            levels: std::mem::take(&mut self.levels),
        });
    }

    /// All chunks, in order.
    pub(super) fn finish(mut self) -> Vec<Chunk> {
        self.close();
        self.made
    }
}
