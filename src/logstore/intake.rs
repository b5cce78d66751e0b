//! What lines tell when they come: their key, level, service and trace, read once.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::chunk::{Graded, Keyed, NO_SERVICE, Tag, Told, TracePlace};
use crate::domain::log::scan::{Looking, scan};
use crate::domain::log::{Batch, Level, Line, Nanos, Stream};

/// Text of one line at most; the rest is cut off and counted.
const LONGEST: usize = 64 * 1024 * 1024;

/// A time so far ahead of the line before it is believed when the next line confirms it.
const LEAP: i64 = 24 * 3_600 * 1_000_000_000;

/// Streams without times of their own that are remembered, at most.
const STREAMS: usize = 10_000;

/// What a line of a batch told.
#[derive(Debug, Clone)]
pub(super) struct Read {
    /// Its number within the batch.
    pub line: usize,
    pub key: i64,
    /// Stream and service are not in it yet.
    pub tag: Tag,
    pub service: Option<Named>,
}

/// Where the name of a service stands.
#[derive(Debug, Clone)]
pub(super) enum Named {
    Text(Range<usize>),
    Extra(Range<usize>),
}

/// Keys of streams whose source tells no times: they never step back, so that the order of the stream stays.
#[derive(Debug, Default)]
pub(super) struct Clamps(HashMap<Arc<Stream>, Clamp>);

#[derive(Debug, Clone, Copy, Default)]
struct Clamp {
    last: Option<i64>,
    /// A time far ahead that nothing confirmed yet.
    leap: Option<i64>,
}

impl Clamp {
    /// None where neither the line nor one before it tells a time.
    fn key(&mut self, at: Option<Nanos>) -> Option<i64> {
        let (Some(Nanos(at)), Some(last)) = (at, self.last) else {
            let key = at.map(|at| at.0).or(self.last);
            self.last = key;
            return key;
        };
        let leaps = at.saturating_sub(last) > LEAP;
        let confirmed = self.leap.is_some_and(|leap| at >= leap.saturating_sub(LEAP));
        if leaps && !confirmed {
            self.leap = Some(at);
            return Some(last);
        }
        self.leap = None;
        self.last = Some(last.max(at));
        self.last
    }
}

/// The text of a line as it is kept.
pub(super) fn text<'a>(batch: &'a Batch, line: &Line) -> &'a [u8] {
    let text = batch.text(line);
    text.get(..LONGEST).unwrap_or(text)
}

/// Whether a line is not kept as it came: its range is not the batch's, or it is too long.
pub(super) fn is_malformed(batch: &Batch, line: &Line) -> bool {
    batch
        .bytes
        .get(line.text.clone())
        .is_none_or(|text| text.len() > LONGEST)
}

/// Reads all lines of a batch; those of a stream that told no time yet stand at `arrived`. They come back in order of their keys, those of equal keys as they came.
pub(super) fn read(batch: &Batch, clamps: &mut Clamps, arrived: i64) -> Vec<Read> {
    let mut of_streams: Vec<Option<Clamp>> = vec![None; batch.streams.len()];
    let mut all: Vec<Read> = Vec::with_capacity(batch.lines.len());
    let mut in_order = true;
    for (number, line) in batch.lines.iter().enumerate() {
        let stream = batch.streams.get(line.stream as usize);
        let mut read = read_line(batch, line, stream.is_some_and(|stream| stream.service.is_some()));
        read.line = number;
        if line.at.is_none() {
            let at = (read.tag.told == Told::Text).then_some(Nanos(read.key));
            let slot = of_streams.get_mut(line.stream as usize);
            let had = || {
                stream
                    .and_then(|stream| clamps.0.get(stream))
                    .copied()
                    .unwrap_or_default()
            };
            let mut fallback = Clamp::default();
            let clamp = slot.map_or(&mut fallback, |slot| slot.get_or_insert_with(had));
            let untimed = clamp.last.is_none();
            read.key = clamp.key(at).unwrap_or_else(|| {
                read.tag.told = Told::Order;
                arrived
            });
            if untimed && at.is_some() {
                in_order &= !stand_before(&mut all, (batch, line.stream), read.key);
            }
            if at.is_some_and(|at| at.0 != read.key) {
                read.tag.keyed = Keyed::ByOrder;
            }
        }
        in_order &= all.last().is_none_or(|before| before.key <= read.key);
        all.push(read);
    }
    for (stream, clamp) in batch.streams.iter().zip(of_streams) {
        let Some(clamp) = clamp else { continue };
        if clamps.0.len() < STREAMS || clamps.0.contains_key(stream) {
            clamps.0.insert(Arc::clone(stream), clamp);
        }
    }
    if !in_order {
        all.sort_by_key(|read| read.key);
    }
    all
}

/// Sees that lines of a stream that tell no time stand before the first of it that does; whether any moved.
fn stand_before(all: &mut [Read], (batch, stream): (&Batch, u32), first: i64) -> bool {
    let mut moved = false;
    for read in all
        .iter_mut()
        .filter(|read| read.tag.told == Told::Order && read.key > first)
    {
        if batch
            .lines
            .get(read.line)
            .is_some_and(|line| line.stream == stream)
        {
            read.key = first;
            moved = true;
        }
    }
    moved
}

/// Keeps lines of an older page whose source tells no times before all in hand, whatever their text says; those
/// before the first that tells a time are of that time.
pub(super) fn keep_before(batch: &Batch, all: &mut [Read], oldest: Option<i64>) {
    let by_text = |read: &Read| batch.lines.get(read.line).is_some_and(|line| line.at.is_none());
    let timed = |read: &&Read| by_text(read) && read.tag.told == Told::Text;
    let first = all.iter().filter(timed).map(|read| read.key).min().or(oldest);
    for read in all.iter_mut().filter(|read| by_text(read)) {
        let had = read.key;
        if let Some(first) = first {
            read.key = read.key.max(first);
        }
        if let Some(oldest) = oldest {
            read.key = read.key.min(oldest);
        }
        if read.key != had && read.tag.told == Told::Text {
            read.tag.keyed = Keyed::ByOrder;
        }
    }
    all.sort_by_key(|read| read.key);
}

fn read_line(batch: &Batch, line: &Line, has_service: bool) -> Read {
    let (text, extra) = (text(batch, line), batch.extra(line));
    let mut level = line.level;
    let mut service = None;
    let mut trace = TracePlace::default();
    if !extra.is_empty() {
        let looking = Looking {
            time: false,
            level: level == Level::Unknown,
            service: !has_service,
        };
        let seen = scan(extra, looking);
        level = level.max(seen.level);
        service = seen.service.map(Named::Extra);
        if seen.trace.is_some() {
            trace = TracePlace::of_extra();
        }
    }
    let seen = scan(
        text,
        Looking {
            time: line.at.is_none(),
            level: level == Level::Unknown,
            service: !has_service && service.is_none(),
        },
    );
    if let Some(range) = seen.trace
        && trace == TracePlace::default()
    {
        trace = TracePlace::of_text(range.start);
    }
    let told = match (line.at, seen.at) {
        (Some(_), _) => Told::Source,
        (None, Some(_)) => Told::Text,
        (None, None) => Told::Nobody,
    };
    Read {
        line: 0,
        key: line.at.or(seen.at).map_or(0, |at| at.0),
        tag: Tag {
            stream: 0,
            service: NO_SERVICE,
            trace,
            level: level.max(seen.level),
            graded: if level == Level::Unknown {
                Graded::ByText
            } else {
                Graded::BySource
            },
            told,
            keyed: Keyed::ByTime,
        },
        service: service.or(seen.service.map(Named::Text)),
    }
}
