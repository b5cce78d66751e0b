//! A chunk: some megabytes of text and a compact index of its lines. Never changed once made.
//!
//! The index has 22 bytes a line: its key (time), where its text begins, and a tag. Lines stand in order of their
//! [`LineId`]s. Their text ends with `\n` each, so that a search may run over all of it at once; lines may hold
//! further newlines of their own.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::body::Body;
use super::joined::Part;
use crate::domain::log::fields::{self, Field};
use crate::domain::log::scan::{Looking, Seen, scan};
use crate::domain::log::{Level, Nanos, Stream};
use crate::domain::trace_id::TraceId;

/// Which line: stays the same while others come, go and are filled in before it. Ordered as lines stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId {
    pub(super) key: i64,
    pub(super) serial: i64,
}

/// Bytes of a line: borrowed from a chunk, or shared with a block that was read from a file.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    /// In memory.
    Held(&'a [u8]),
    /// Read from a file when it was looked at.
    Read(Arc<[u8]>, Range<usize>),
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Held(bytes) => bytes,
            Self::Read(block, range) => block.get(range.clone()).unwrap_or_default(),
        }
    }
}

/// A line, as it is looked at. Remote text, not yet safe.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Which.
    pub id: LineId,
    /// When.
    pub at: Nanos,
    /// Who told [`Entry::at`].
    pub told: Told,
    /// How grave.
    pub level: Level,
    /// Of which service: by the stream's labels, else by the text.
    pub service: Option<&'a str>,
    /// Where from.
    pub stream: &'a Arc<Stream>,
    /// The trace it belongs to.
    pub trace: Option<TraceId>,
    /// The message, any bytes; `\n` within for an entry of many lines.
    pub text: Text<'a>,
    /// What the source knows beside it: one flat JSON object, or empty.
    pub extra: &'a [u8],
    /// The lines of the source that it was made of, as they are kept; empty for one.
    pub(super) parts: &'a [u8],
}

impl Entry<'_> {
    /// All fields of the line, of the text first.
    pub fn fields(&self) -> Vec<Field> {
        fields::fields(&self.text, self.extra)
    }

    /// The span it belongs to, as hex digits. Looked for in the text: rows do not ask.
    pub fn span(&self) -> Option<String> {
        let span = |text: &[u8]| {
            let digits = scan(text, NOTHING).span.and_then(|range| text.get(range))?;
            Some(String::from_utf8_lossy(digits).into_owned())
        };
        span(&self.text).or_else(|| span(self.extra))
    }

    /// The lines of the source that it was made of: itself, where it was one.
    pub fn parts(&self) -> Vec<Part> {
        if self.parts.is_empty() {
            return vec![Part {
                at: self.at,
                end: u32::try_from(self.text.len()).unwrap_or(u32::MAX),
            }];
        }
        Part::kept(self.parts)
    }

    /// Each of the parts of a text with its time.
    pub fn lines<'b>(parts: &'b [Part], text: &'b [u8]) -> impl Iterator<Item = (Nanos, &'b [u8])> {
        let begins = std::iter::once(0).chain(parts.iter().map(|part| part.end as usize + 1));
        parts.iter().zip(begins).map(|(part, begin)| {
            let line = text.get(begin..part.end as usize).unwrap_or_default();
            (part.at, line)
        })
    }

    /// The moment that it stands at: what a stream tells out of order, or of the far future, stands where it came.
    pub fn stands_at(&self) -> Nanos {
        Nanos(self.id.key)
    }

    /// When, where anybody told it: what stands in the order of its arrival has no time.
    pub fn time(&self) -> Option<Nanos> {
        match self.told {
            Told::Source | Told::Text | Told::Nobody => Some(self.at),
            Told::Order => None,
        }
    }
}

/// Who told the time of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// The source.
    Source,
    /// The text of the line.
    Text,
    /// Nobody: it is the time of the line before it in its stream.
    Nobody,
    /// Nobody, nor did any line before it in its stream: it stands where it arrived, and [`Entry::at`] is no time.
    Order,
}

/// What the index knows of a line beside its key and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    /// Of the chunk's streams.
    pub stream: u16,
    /// Of the chunk's services, where the text tells it.
    pub service: u16,
    /// Where the trace id stands.
    pub trace: TracePlace,
    pub level: Level,
    pub graded: Graded,
    pub told: Told,
    /// Whether the key is the time: in a stream whose times step back it is not, and the text is asked again.
    pub keyed: Keyed,
}

/// No service is told by the text.
pub(super) const NO_SERVICE: u16 = u16::MAX;

/// Where the hex digits of a trace id begin, counted from 1; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TracePlace(u16);

impl TracePlace {
    /// It stands in the extra, or too far into the text to say where: it is looked for again.
    const ELSEWHERE: Self = Self(u16::MAX);

    pub(super) fn of_text(at: usize) -> Self {
        u16::try_from(at + 1).map_or(Self::ELSEWHERE, Self)
    }

    pub(super) fn of_extra() -> Self {
        Self::ELSEWHERE
    }
}

/// Who says how grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Graded {
    /// Its source, of it or of a line that is part of it.
    BySource,
    /// Its words, if they do.
    ByText,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyed {
    ByTime,
    ByOrder,
}

/// What stands beside the lines; absent where no line has any.
#[derive(Debug)]
pub(super) struct Extra {
    pub bytes: Box<[u8]>,
    /// Where that of each line ends.
    pub ends: Box<[u32]>,
}

/// Serials of lines.
#[derive(Debug)]
pub(super) enum Serials {
    /// One after the other from here.
    From(i64),
    /// Lines were filled in between.
    Each(Box<[i64]>),
}

/// Lines in order.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Unlike that of every other chunk of the store.
    pub name: u64,
    pub body: Body,
    pub keys: Box<[i64]>,
    pub serials: Serials,
    pub tags: Box<[Tag]>,
    pub extra: Option<Extra>,
    /// What lines were made of that came as several.
    pub parts: Option<Extra>,
    pub streams: Box<[Arc<Stream>]>,
    pub services: Box<[Arc<str>]>,
    /// Lines of each level.
    pub levels: [u64; Level::ALL.len()],
}

/// A count as serials and times are counted.
pub(super) fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Chunk {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Bytes in memory, of text and index.
    pub(super) fn bytes(&self) -> usize {
        let beside = [&self.extra, &self.parts].into_iter().flatten();
        let extra: usize = beside
            .map(|extra| extra.bytes.len() + size_of_val(&*extra.ends))
            .sum();
        let serials = match &self.serials {
            Serials::From(_) => 0,
            Serials::Each(each) => size_of_val(&**each),
        };
        self.body.held() + size_of_val(&*self.keys) + size_of_val(&*self.tags) + extra + serials
    }

    pub(super) fn id(&self, line: usize) -> Option<LineId> {
        let key = *self.keys.get(line)?;
        let serial = self.serial(line)?;
        Some(LineId { key, serial })
    }

    fn serial(&self, line: usize) -> Option<i64> {
        match &self.serials {
            Serials::From(first) => Some(first.saturating_add(signed(line))),
            Serials::Each(each) => each.get(line).copied(),
        }
    }

    pub(super) fn first(&self) -> Option<LineId> {
        self.id(0)
    }

    pub(super) fn last(&self) -> Option<LineId> {
        self.id(self.len().checked_sub(1)?)
    }

    /// How many of its lines stand before that one.
    pub(super) fn rank(&self, id: LineId) -> usize {
        let from = self.keys.partition_point(|key| *key < id.key);
        let same = self.keys.get(from..).unwrap_or_default();
        let same = same.partition_point(|key| *key == id.key);
        let (mut low, mut high) = (from, from + same);
        while low < high {
            let middle = low.midpoint(high);
            if self.serial(middle).is_some_and(|serial| serial < id.serial) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(super) fn extra(&self, line: usize) -> &[u8] {
        Self::beside(self.extra.as_ref(), line)
    }

    pub(super) fn parts(&self, line: usize) -> &[u8] {
        Self::beside(self.parts.as_ref(), line)
    }

    fn beside(extra: Option<&Extra>, line: usize) -> &[u8] {
        let Some(extra) = extra else { return &[] };
        let from = line
            .checked_sub(1)
            .and_then(|before| extra.ends.get(before))
            .copied()
            .unwrap_or(0);
        let to = extra.ends.get(line).copied().unwrap_or(from);
        extra.bytes.get(from as usize..to as usize).unwrap_or_default()
    }

    pub(super) fn stream(&self, tag: Tag) -> Option<&Arc<Stream>> {
        self.streams.get(usize::from(tag.stream))
    }

    /// The service of a line: its stream's, else the one its text tells.
    pub(super) fn service(&self, tag: Tag) -> Option<&str> {
        let told = self.stream(tag).and_then(|stream| stream.service.as_deref());
        told.or_else(|| {
            self.services
                .get(usize::from(tag.service))
                .map(|service| &**service)
        })
    }

    /// The trace id of a line whose text is at hand.
    pub(super) fn trace(&self, line: usize, tag: Tag, text: &[u8]) -> Option<TraceId> {
        if tag.trace == TracePlace::ELSEWHERE {
            let extra = self.extra(line);
            let in_text = || trace_of(text, &scan(text, NOTHING));
            return trace_of(extra, &scan(extra, NOTHING)).or_else(in_text);
        }
        let rest = text.get(usize::from(tag.trace.0).checked_sub(1)?..)?;
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii_hexdigit() && *byte != b'-');
        TraceId::from_hex(rest.get(..length.unwrap_or(rest.len()))?)
    }

    pub(super) fn entry(&self, line: usize) -> Option<Entry<'_>> {
        let id = self.id(line)?;
        let tag = *self.tags.get(line)?;
        let text = self.body.text(line);
        let extra = self.extra(line);
        let at = match tag.keyed {
            Keyed::ByTime => None,
            Keyed::ByOrder => {
                scan(
                    &text,
                    Looking {
                        time: true,
                        ..NOTHING
                    },
                )
                .at
            }
        };
        Some(Entry {
            id,
            at: at.unwrap_or(Nanos(id.key)),
            told: tag.told,
            level: tag.level,
            service: self.service(tag),
            stream: self.stream(tag)?,
            trace: self.trace(line, tag, &text),
            text,
            extra,
            parts: self.parts(line),
        })
    }
}

const NOTHING: Looking = Looking {
    time: false,
    level: false,
    service: false,
};

fn trace_of(text: &[u8], seen: &Seen) -> Option<TraceId> {
    TraceId::from_hex(text.get(seen.trace.clone()?)?)
}
