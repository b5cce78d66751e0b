//! The store: takes batches, keeps what fits, and hands out snapshots.
//!
//! Its chunks stand in order and never overlap: what comes late is merged into the chunks it belongs between, which
//! are made anew. Small chunks are merged as they gather, eight of a size at a time, so that a line is copied a few
//! times at most and there are never many chunks. What does not fit goes from the front, a chunk at a time.

mod stitch;
#[cfg(test)]
mod stitch_tests;

use std::ops::Range;
use std::sync::{Arc, Weak};

use self::stitch::Edge;

use super::builder::{Builder, Incoming, Shape};
use super::chunk::{Chunk, LineId, Told, signed};
use super::intake::{self, Clamps, Named, Read};
use super::joined::{Joined, Part, joined};
use super::snapshot::{Counts, Snapshot, View};
use crate::domain::log::joint::may_continue;
use crate::domain::log::{Batch, Gap, GapReason, Nanos, Place, Stream};

/// Bytes of text of a chunk in a store that is large enough.
const CHUNK_BYTES: usize = 2 * 1024 * 1024;

/// Lines of a chunk, at most.
const CHUNK_LINES: usize = 64 * 1024;

/// A store has so many chunks at least before it is full, so that little goes at a time.
const PARTS: usize = 16;

/// So many chunks of about a size become one.
const FAN: usize = 8;

/// Serials set aside for the lines of one file: they are counted by position.
const FILE_SERIALS: i64 = 1 << 44;

/// Where lines stand that tell no time and came before any that does.
const UNTIMED: i64 = 0;

/// Gaps that are told apart; the oldest become one where there are more.
const GAPS: usize = 1_024;

/// What a store may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lines at most.
    pub lines: usize,
    /// Bytes at most, of text and index together.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lines: 1_000_000,
            bytes: 128 * 1024 * 1024,
        }
    }
}

/// Whether there is room for lines older than all there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Room {
    /// All of them were taken.
    Left,
    /// The store is full: the oldest of them were not taken, and no older ones will be.
    Full,
}

/// A file whose lines stay in it. Lines of one moment stand as they stand in the file, whichever part of it was read
/// first.
#[derive(Debug)]
struct Placed {
    place: Weak<Place>,
    /// Where the part that was read first begins: what stands before it is read as if it came alone.
    first: u64,
    before: Clamps,
    /// The next serial of that part, and of what stands before it: a line has a byte at least, so that the one
    /// never reaches the other's first.
    next: i64,
    next_before: i64,
}

/// Lines in hand. One task owns it.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    shape: Shape,
    /// In order, none empty.
    chunks: Vec<Arc<Chunk>>,
    lines: usize,
    bytes: usize,
    counts: Counts,
    /// By their begin.
    gaps: Vec<Gap>,
    clamps: Clamps,
    /// Files whose lines stay in them.
    places: Vec<Placed>,
    /// Serials of lines that come are above it, those of older pages below.
    newest_serial: i64,
    oldest_serial: i64,
    names: u64,
    revision: u64,
    /// Some lines may belong to ones that were not there.
    orphans: bool,
}

impl Store {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            shape: Shape {
                bytes: CHUNK_BYTES.min(limits.bytes / PARTS).max(1),
                lines: CHUNK_LINES.min(limits.lines / PARTS).max(1),
            },
            chunks: Vec::new(),
            lines: 0,
            bytes: 0,
            counts: Counts::default(),
            gaps: Vec::new(),
            clamps: Clamps::default(),
            places: Vec::new(),
            newest_serial: 0,
            oldest_serial: 0,
            names: 0,
            revision: 0,
            orphans: false,
        }
    }

    /// Takes lines, wherever their times put them; the oldest in hand go where there is no room.
    pub fn ingest(&mut self, batch: &Batch) {
        let made = joined(batch);
        let batch = made.as_ref().map_or(batch, |made| &made.batch);
        let (read, first) = if let Some((place, at)) = &batch.place {
            self.read_placed(batch, place, *at)
        } else {
            let arrived = self.arrived();
            let read = intake::read(batch, &mut self.clamps, arrived);
            let first = self.newest_serial;
            self.newest_serial += signed(read.len());
            (read, first)
        };
        let edges = self.take((batch, made.as_ref()), &read, first);
        self.stitch(&edges);
        self.evict();
        self.revision += 1;
    }

    /// Reads lines that stay in their file: what stands before the part read first has serials below that part's.
    fn read_placed(&mut self, batch: &Batch, place: &Arc<Place>, at: u64) -> (Vec<Read>, i64) {
        let arrived = self.arrived();
        self.places.retain(|placed| placed.place.strong_count() > 0);
        let known = |placed: &Placed| std::ptr::eq(placed.place.as_ptr(), Arc::as_ptr(place));
        let index = self.places.iter().position(known).unwrap_or_else(|| {
            let before = self.newest_serial;
            self.newest_serial = before.saturating_add(FILE_SERIALS);
            let bytes = i64::try_from(at).unwrap_or(FILE_SERIALS).min(FILE_SERIALS);
            self.places.push(Placed {
                place: Arc::downgrade(place),
                first: at,
                before: Clamps::default(),
                next: before.saturating_add(bytes),
                next_before: before,
            });
            self.places.len() - 1
        });
        let Some(placed) = self.places.get_mut(index) else {
            return (Vec::new(), self.newest_serial);
        };
        let (clamps, next, arrived) = if at < placed.first {
            (&mut placed.before, &mut placed.next_before, UNTIMED)
        } else {
            (&mut self.clamps, &mut placed.next, arrived)
        };
        let read = intake::read(batch, clamps, arrived);
        let first = *next;
        *next = first.saturating_add(signed(read.len()));
        (read, first)
    }

    /// Takes a page of lines older than all in hand, as far as there is room: nothing newer goes for them.
    pub fn ingest_older(&mut self, batch: &Batch) -> Room {
        let made = joined(batch);
        let batch = made.as_ref().map_or(batch, |made| &made.batch);
        let mut clamps = Clamps::default();
        let mut read = intake::read(batch, &mut clamps, UNTIMED);
        intake::keep_before(batch, &mut read, self.oldest().map(|oldest| oldest.0));
        let refused = read.len() - self.room_for(batch, &read);
        read.drain(..refused);
        self.oldest_serial -= signed(read.len());
        let edges = self.take((batch, made.as_ref()), &read, self.oldest_serial);
        self.stitch(&edges);
        self.counts.refused += refused as u64;
        self.revision += 1;
        if refused > 0 { Room::Full } else { Room::Left }
    }

    /// How many of these lines, counted from the newest, fit.
    fn room_for(&self, batch: &Batch, read: &[Read]) -> usize {
        let mut bytes = self.limits.bytes.saturating_sub(self.bytes);
        let newest_first = read
            .iter()
            .rev()
            .take(self.limits.lines.saturating_sub(self.lines));
        let fits = newest_first.take_while(|read| {
            let line = batch.lines.get(read.line);
            let text = line.map_or(0, |line| line.text.len() + line.extra.len());
            let left = bytes.checked_sub(text + INDEX);
            bytes = left.unwrap_or(0);
            left.is_some()
        });
        fits.count()
    }

    /// Puts lines to where they belong; where those of each stream begin and end, whose source tells times.
    fn take(
        &mut self,
        (batch, made): (&Batch, Option<&Joined>),
        read: &[Read],
        first_serial: i64,
    ) -> Vec<Edge> {
        let mut edges: Vec<Option<Edge>> = vec![None; batch.streams.len()];
        let nowhere = Arc::new(Stream::default());
        let mut builder = Builder::new(self.shape, &mut self.names);
        builder.reserve(
            read.len(),
            if batch.place.is_some() {
                0
            } else {
                batch.bytes.len() + read.len()
            },
        );
        for (read, serial) in read.iter().zip(first_serial..) {
            let Some(line) = batch.lines.get(read.line) else {
                continue;
            };
            let (text, extra) = (intake::text(batch, line), batch.extra(line));
            let service = read.service.as_ref().and_then(|named| match named {
                Named::Text(range) => text.get(range.clone()),
                Named::Extra(range) => extra.get(range.clone()),
            });
            let id = LineId {
                key: read.key,
                serial,
            };
            let parts = made.and_then(|made| made.parts.get(&read.line));
            if read.tag.told == Told::Source
                && batch.place.is_none()
                && let Some(edge) = edges.get_mut(line.stream as usize)
            {
                let edge = edge.get_or_insert_with(|| Edge {
                    first: id,
                    continues: may_continue(text) || text.trim_ascii().is_empty(),
                    last: id,
                });
                edge.last = id;
            }
            builder.push(&Incoming {
                id,
                tag: read.tag,
                stream: batch.streams.get(line.stream as usize).unwrap_or(&nowhere),
                service: service.and_then(|service| std::str::from_utf8(service).ok()),
                text,
                extra,
                parts: &parts.map_or_else(Vec::new, |parts| Part::keep(parts)),
                place: batch
                    .place
                    .as_ref()
                    .map(|(place, at)| (place, at + line.text.start as u64)),
            });
            self.counts.malformed += u64::from(intake::is_malformed(batch, line));
            if let Some(count) = self.counts.levels.get_mut(read.tag.level as usize) {
                *count += 1;
            }
        }
        self.counts.taken += read.len() as u64;
        let run = builder.finish();
        self.insert(run);
        edges.into_iter().flatten().collect()
    }

    /// Puts chunks, in order themselves, to where they belong.
    fn insert(&mut self, run: Vec<Chunk>) {
        let (Some(first), Some(last)) = (
            run.first().and_then(Chunk::first),
            run.last().and_then(Chunk::last),
        ) else {
            return;
        };
        let from = self.chunks.partition_point(|chunk| chunk.last() < Some(first));
        let to = self.chunks.partition_point(|chunk| chunk.first() <= Some(last));
        let run = if from == to {
            run
        } else {
            let old = self.chunks.get(from..to).unwrap_or_default();
            merged(old, &run, Builder::new(self.shape, &mut self.names))
        };
        let end = from + run.len();
        self.replace(from..to, run);
        self.gather(from);
        if let Some(last) = end.checked_sub(1).filter(|last| *last > from) {
            self.gather(last);
        }
    }

    fn replace(&mut self, range: Range<usize>, run: Vec<Chunk>) {
        let size = |chunks: &[Arc<Chunk>]| {
            chunks.iter().fold((0, 0), |(lines, bytes), chunk| {
                (lines + chunk.len(), bytes + chunk.bytes())
            })
        };
        let gone = size(self.chunks.get(range.clone()).unwrap_or_default());
        let run: Vec<Arc<Chunk>> = run.into_iter().map(Arc::new).collect();
        let come = size(&run);
        self.chunks.splice(range, run);
        self.lines = self.lines + come.0 - gone.0;
        self.bytes = self.bytes + come.1 - gone.1;
    }

    /// The size of a chunk on a scale by eights; none for one that is large enough to stay as it is.
    fn class(&self, chunk: &Chunk) -> Option<u32> {
        let weight = chunk.body.weight();
        let large = weight * 2 >= self.shape.bytes || chunk.len() * 2 >= self.shape.lines;
        (!large).then(|| weight.max(1).ilog2() / FAN.ilog2())
    }

    /// Merges small chunks around one where enough of about its size stand together.
    fn gather(&mut self, around: usize) {
        let mut around = around;
        loop {
            let Some(class) = self.chunks.get(around).and_then(|chunk| self.class(chunk)) else {
                return;
            };
            let small = |chunk: &Arc<Chunk>| self.class(chunk).is_some_and(|other| other <= class);
            let before = self.chunks.get(..around).unwrap_or_default();
            let after = self.chunks.get(around..).unwrap_or_default();
            let from = around - before.iter().rev().take_while(|chunk| small(chunk)).count();
            let to = around + after.iter().take_while(|chunk| small(chunk)).count();
            if to - from < FAN {
                return;
            }
            let mut builder = Builder::new(self.shape, &mut self.names);
            let old = self.chunks.get(from..to).unwrap_or_default();
            builder.reserve(old.iter().map(|chunk| chunk.len()).sum(), 0);
            for chunk in old {
                builder.copy(chunk, 0..chunk.len());
            }
            let run = builder.finish();
            // Lines of several files among each other stay apart.
            if run.len() * 2 > to - from {
                return;
            }
            self.replace(from..to, run);
            around = from;
        }
    }

    fn evict(&mut self) {
        let mut gone = 0;
        let (mut lines, mut bytes) = (self.lines, self.bytes);
        for chunk in self.chunks.iter().take(self.chunks.len().saturating_sub(1)) {
            if lines <= self.limits.lines && bytes <= self.limits.bytes {
                break;
            }
            lines -= chunk.len();
            bytes -= chunk.bytes();
            gone += 1;
        }
        if gone > 0 {
            self.counts.evicted += (self.lines - lines) as u64;
            (self.lines, self.bytes) = (lines, bytes);
            self.chunks.drain(..gone);
            let oldest = self.oldest();
            let before = self.gaps.len();
            self.gaps.retain(|gap| Some(gap.to) > oldest);
            self.counts.gaps += (before - self.gaps.len()) as u64;
        }
    }

    /// Lines are missing.
    pub fn gap(&mut self, gap: Gap) {
        // Told again by a page that overlaps, it is the same one.
        if self.gaps.contains(&gap) {
            return;
        }
        let place = self.gaps.partition_point(|had| had.from <= gap.from);
        self.gaps.insert(place, gap);
        if self.gaps.len() > GAPS {
            let oldest = self.gaps.remove(0);
            if let Some(next) = self.gaps.first_mut() {
                next.from = oldest.from;
                next.to = next.to.max(oldest.to);
                if let (GapReason::Dropped(count), GapReason::Dropped(more)) =
                    (&mut next.reason, oldest.reason)
                {
                    *count = count.saturating_add(more);
                }
            }
        }
        self.revision += 1;
    }

    /// A gap was filled; its lines were ingested before.
    pub fn filled(&mut self, gap: &Gap) {
        if let Some(place) = self.gaps.iter().position(|had| had == gap) {
            self.gaps.remove(place);
            self.revision += 1;
        }
    }

    /// What is in hand now, for as long as it is looked at.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::new(View::of(
            self.chunks.clone(),
            self.counts(),
            self.gaps.clone(),
            self.revision,
        )))
    }

    /// How many lines came and went.
    pub fn counts(&self) -> Counts {
        Counts {
            bytes: self.bytes as u64,
            ..self.counts
        }
    }

    /// No lines in hand.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// Where lines stand that tell no time: behind all there are.
    fn arrived(&self) -> i64 {
        self.newest().map_or(UNTIMED, |newest| newest.0)
    }

    /// When the oldest line in hand is of that has a time.
    pub fn oldest(&self) -> Option<Nanos> {
        let untimed = |chunk: &Chunk, line: usize| {
            let order = chunk.tags.get(line).is_none_or(|tag| tag.told == Told::Order);
            order && chunk.keys.get(line).is_none_or(|key| *key <= UNTIMED)
        };
        let whole = |chunk: &Chunk| untimed(chunk, chunk.len().saturating_sub(1));
        let chunk = self.chunks.iter().find(|chunk| !whole(chunk))?;
        let line = (0..chunk.len()).find(|line| !untimed(chunk, *line))?;
        chunk.keys.get(line).copied().map(Nanos)
    }

    /// When the newest line in hand is of.
    pub fn newest(&self) -> Option<Nanos> {
        Some(Nanos(self.chunks.last()?.last()?.key))
    }
}

/// Bytes of index a line, and its newline.
const INDEX: usize = 24;

/// The lines of both in order. What stands before or after all of the new is closed into chunks of its own where it
/// is large, so that the next late lines have less to make anew.
fn merged(old: &[Arc<Chunk>], new: &[Chunk], mut builder: Builder<'_>) -> Vec<Chunk> {
    let mut old = old.iter().map(|chunk| &**chunk).map(|chunk| (chunk, 0));
    let mut new = new.iter().map(|chunk| (chunk, 0));
    let (mut left, mut right) = (old.next(), new.next());
    loop {
        match (left, right) {
            (None, None) => return builder.finish(),
            (Some((chunk, from)), None) => {
                builder.close_if_large();
                builder.copy(chunk, from..chunk.len());
                left = old.next();
            }
            (None, Some((chunk, from))) => {
                builder.copy(chunk, from..chunk.len());
                right = new.next();
            }
            (Some((a, from)), Some((b, at))) => {
                let (Some(first_a), Some(first_b)) = (a.id(from), b.id(at)) else {
                    return builder.finish();
                };
                if first_a < first_b {
                    let to = a.rank(first_b);
                    builder.copy(a, from..to);
                    builder.close_if_large();
                    left = if to < a.len() { Some((a, to)) } else { old.next() };
                } else {
                    let to = b.rank(first_a);
                    builder.copy(b, at..to);
                    right = if to < b.len() { Some((b, to)) } else { new.next() };
                }
            }
        }
    }
}
