//! Entries whose lines came in several batches: a tail tells a trace line by line, a page ends in the middle of one.
//!
//! Where what came begins with a line that may belong to one before it, or stands before one that does, the two are
//! made one: the chunks that hold them are made anew. Looked for near by only, in the same stream.

use std::sync::Arc;

use super::super::builder::{Builder, Incoming};
use super::super::chunk::{Chunk, Entry, Graded, LineId, NO_SERVICE, Tag, TracePlace};
use super::super::joined::{MOST_LINES, Open, Part, SPAN};
use super::{Store, Told};
use crate::domain::log::joint::{self, Next};
use crate::domain::log::scan::{Looking, scan};
use crate::domain::log::{Nanos, Stream};

/// Lines of other streams that are passed over on the way to a neighbour.
const REACH: usize = 512;

/// Where the lines of one stream of a batch begin and end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub first: LineId,
    /// The first may belong to a line before it, or stand blank between two that belong together.
    pub continues: bool,
    pub last: LineId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    Behind,
}

/// A line that is made of others, as it is put back.
struct Whole {
    id: LineId,
    tag: Tag,
    stream: Arc<Stream>,
    service: Option<String>,
    text: Vec<u8>,
    extra: Vec<u8>,
    parts: Vec<u8>,
}

impl Store {
    /// Joins what came with what stands before and behind it.
    pub(super) fn stitch(&mut self, edges: &[Edge]) {
        for edge in edges {
            if edge.continues {
                self.stitch_on(edge.first);
                self.orphans |= self.entry(edge.first).is_some();
            }
            // what stands behind may have waited for what came
            if self.orphans
                && let Some(behind) = self.neighbour(edge.last, Side::Behind)
            {
                self.stitch_on(behind);
            }
        }
    }

    /// Joins an entry with what stands before it, and so on with what stands behind: an entry that grew may be
    /// another's beginning than it was, and take what stood alone behind it.
    fn stitch_on(&mut self, first: LineId) {
        let mut at = first;
        let mut passed_blank = false;
        loop {
            let joined = self.stitch_before(at);
            let alone = joined == at;
            // a blank line says nothing; the one behind it says for both
            let blank = alone && self.entry(at).is_some_and(|entry| is_blank(&entry.text));
            if alone && (!blank || passed_blank) {
                return;
            }
            passed_blank = blank;
            let Some(behind) = self.neighbour(joined, Side::Behind) else {
                return;
            };
            at = behind;
        }
    }

    /// Joins an entry with those before it, as long as they belong together; what it is part of now.
    fn stitch_before(&mut self, first: LineId) -> LineId {
        let mut at = first;
        while self.may_continue(at) {
            let Some(before) = self.neighbour(at, Side::Before) else {
                break;
            };
            if self.join(before, at) {
                at = before;
                continue;
            }
            // a blank line is part of a trace that goes on behind it
            let Some(far) = self
                .neighbour(before, Side::Before)
                .filter(|far| self.goes_on_over(*far, before, at))
            else {
                break;
            };
            self.merge(far, before);
            self.merge(far, at);
            at = far;
        }
        at
    }

    fn place(&self, id: LineId) -> Option<(usize, &Arc<Chunk>, usize)> {
        let number = self.chunks.partition_point(|chunk| chunk.last() < Some(id));
        let chunk = self.chunks.get(number)?;
        let line = chunk.rank(id);
        (chunk.id(line) == Some(id)).then_some((number, chunk, line))
    }

    fn entry(&self, id: LineId) -> Option<Entry<'_>> {
        let (_, chunk, line) = self.place(id)?;
        chunk.entry(line)
    }

    fn may_continue(&self, id: LineId) -> bool {
        self.entry(id)
            .is_some_and(|entry| joint::may_continue(&entry.text))
    }

    /// The nearest entry of the same stream on one side, if there is one near by whose source told its time.
    fn neighbour(&self, of: LineId, side: Side) -> Option<LineId> {
        let (number, chunk, line) = self.place(of)?;
        let stream = chunk.stream(*chunk.tags.get(line)?)?;
        let before = self.chunks.get(..number).unwrap_or_default().iter().rev();
        let behind = self.chunks.get(number + 1..).unwrap_or_default().iter();
        let walk: Box<dyn Iterator<Item = (&Arc<Chunk>, usize)>> = match side {
            Side::Before => {
                let rest = before.flat_map(|chunk| (0..chunk.len()).rev().map(move |line| (chunk, line)));
                Box::new((0..line).rev().map(|line| (chunk, line)).chain(rest))
            }
            Side::Behind => {
                let rest = behind.flat_map(|chunk| (0..chunk.len()).map(move |line| (chunk, line)));
                Box::new((line + 1..chunk.len()).map(|line| (chunk, line)).chain(rest))
            }
        };
        let near = walk.take(REACH).map_while(|(chunk, line)| {
            let id = chunk.id(line)?;
            (id.key.abs_diff(of.key) <= SPAN).then_some((id, chunk, *chunk.tags.get(line)?))
        });
        let mut told = near.filter(|(_, _, tag)| tag.told == Told::Source);
        let found = told.find(|(_, chunk, tag)| {
            let other = chunk.stream(*tag);
            other.is_some_and(|other| Arc::ptr_eq(other, stream) || other == stream)
        });
        found.map(|(id, _, _)| id)
    }

    fn open(&self, id: LineId) -> Option<Open> {
        let entry = self.entry(id)?;
        let parts = entry.parts();
        let open = Open::of(entry.at, &entry.text);
        Some(Open {
            last: parts.iter().map(|part| part.at).max().unwrap_or(entry.at),
            lines: parts.len(),
            ..open
        })
    }

    /// Nothing is known to be missing between them.
    fn is_whole_between(&self, from: Nanos, to: Nanos) -> bool {
        !self.gaps.iter().any(|gap| gap.from < to && gap.to > from)
    }

    /// Joins two neighbours if the second belongs to the first.
    fn join(&mut self, before: LineId, at: LineId) -> bool {
        let (Some(open), Some(entry)) = (self.open(before), self.entry(at)) else {
            return false;
        };
        let joins = open.lines + entry.parts().len() <= MOST_LINES
            && open.has_room(entry.at, entry.text.len())
            && open.kind.next_text(&entry.text) == Next::Joined
            && self.is_whole_between(open.last, entry.at);
        if joins {
            self.merge(before, at);
        }
        joins
    }

    fn goes_on_over(&self, far: LineId, blank: LineId, at: LineId) -> bool {
        let (Some(open), Some(between), Some(entry)) = (self.open(far), self.entry(blank), self.entry(at))
        else {
            return false;
        };
        let first = joint::lines(&entry.text).next().unwrap_or_default();
        is_blank(&between.text)
            && open.has_room(entry.at, entry.text.len())
            && open.kind.next(&between.text) == Next::Perhaps
            && open.kind.is_borne_out(&between.text, first)
            && self.is_whole_between(open.last, entry.at)
    }

    /// Makes one entry of two: it stays where the first is.
    fn merge(&mut self, before: LineId, at: LineId) {
        let (Some((_, first, line)), Some((_, second, other))) = (self.place(before), self.place(at)) else {
            return;
        };
        let (Some(a), Some(b)) = (first.entry(line), second.entry(other)) else {
            return;
        };
        let (Some(tag), Some(more)) = (first.tags.get(line).copied(), second.tags.get(other).copied()) else {
            return;
        };
        let (text, parts) = woven(&a, &b);
        // the same as where both come at once: what a source says, the first first, goes before all words
        let (level, graded) = match (tag.graded, more.graded) {
            (Graded::BySource, _) => (tag.level, Graded::BySource),
            (Graded::ByText, Graded::BySource) => (more.level, Graded::BySource),
            (Graded::ByText, Graded::ByText) => (scan(&text, Looking::ALL).level, Graded::ByText),
        };
        let trace = match (tag.trace, more.trace) {
            (own, none) if own != TracePlace::default() || none == TracePlace::default() => own,
            _ => TracePlace::of_extra(),
        };
        let whole = Whole {
            id: before,
            tag: Tag {
                trace,
                level,
                graded,
                ..tag
            },
            stream: Arc::clone(a.stream),
            service: (tag.service != NO_SERVICE)
                .then(|| a.service.map(str::to_owned))
                .flatten(),
            text,
            extra: a.extra.to_vec(),
            parts: Part::keep(&parts),
        };
        self.counts.taken = self.counts.taken.saturating_sub(1);
        for (of, by) in [(tag.level, -1), (more.level, -1), (level, 1)] {
            if let Some(count) = self.counts.levels.get_mut(of as usize) {
                *count = count.saturating_add_signed(by);
            }
        }
        self.put(at, None);
        self.put(before, Some(&whole));
    }

    /// Puts an entry to where one is, or takes that one away.
    fn put(&mut self, id: LineId, whole: Option<&Whole>) {
        let Some((number, chunk, line)) = self.place(id) else {
            return;
        };
        let chunk = Arc::clone(chunk);
        let mut builder = Builder::new(self.shape, &mut self.names);
        builder.copy(&chunk, 0..line);
        if let Some(whole) = whole {
            builder.push(&Incoming {
                id: whole.id,
                tag: whole.tag,
                stream: &whole.stream,
                service: whole.service.as_deref(),
                text: &whole.text,
                extra: &whole.extra,
                parts: &whole.parts,
                place: None,
            });
        }
        builder.copy(&chunk, line + 1..chunk.len());
        let run = builder.finish();
        self.replace(number..number + 1, run);
    }
}

fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii().is_empty()
}

/// The lines of both in the order of their times, and what they are of; those of the first go first.
fn woven(a: &Entry<'_>, b: &Entry<'_>) -> (Vec<u8>, Vec<Part>) {
    let (of_a, of_b) = (a.parts(), b.parts());
    let mut all: Vec<(Nanos, &[u8])> = Vec::with_capacity(of_a.len() + of_b.len());
    all.extend(Entry::lines(&of_a, &a.text));
    all.extend(Entry::lines(&of_b, &b.text));
    // the first line says when it was and how grave
    if let Some(rest) = all.get_mut(1..) {
        rest.sort_by_key(|(at, _)| *at);
    }
    let mut text = Vec::with_capacity(a.text.len() + b.text.len() + 1);
    let mut parts = Vec::with_capacity(all.len());
    for (at, line) in all {
        if !parts.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(line);
        parts.push(Part {
            at,
            end: text.len() as u32,
        });
    }
    (text, parts)
}
