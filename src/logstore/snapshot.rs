//! A snapshot: what was in hand at a moment. Cheap to clone, never changes.

use std::sync::Arc;

use super::chunk::{Chunk, Entry, LineId, signed};
use crate::domain::log::{Gap, Level, Nanos, Volume};

/// Lines that came and went: taken = in hand + evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Taken from the sources.
    pub taken: u64,
    /// Gone for want of room, the oldest first.
    pub evicted: u64,
    /// Older lines that were offered and not taken for want of room.
    pub refused: u64,
    /// Stretches of which lines were missing that were let go before those were read.
    pub gaps: u64,
    /// Bytes in memory, of text and index.
    pub bytes: u64,
    /// Lines taken whose text was not in their batch or longer than any line may be: kept with what there was.
    pub malformed: u64,
    /// Taken, by level, in [`Level`]'s order.
    pub levels: [u64; Level::ALL.len()],
}

/// What was in hand at a moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot(pub(super) Arc<View>);

#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) chunks: Vec<Arc<Chunk>>,
    /// The position of the first line of each chunk.
    starts: Vec<usize>,
    len: usize,
    counts: Counts,
    gaps: Vec<Gap>,
    revision: u64,
}

impl View {
    pub(super) fn of(chunks: Vec<Arc<Chunk>>, counts: Counts, gaps: Vec<Gap>, revision: u64) -> Self {
        let mut len = 0;
        let starts = chunks
            .iter()
            .map(|chunk| {
                let start = len;
                len += chunk.len();
                start
            })
            .collect();
        Self {
            chunks,
            starts,
            len,
            counts,
            gaps,
            revision,
        }
    }

    /// The position of the first line of a chunk.
    pub(super) fn start(&self, number: usize) -> usize {
        self.starts.get(number).copied().unwrap_or(self.len)
    }

    /// The chunk of a line that is in hand, or of the first after it; the last where there is none after it.
    pub(super) fn chunk_of(&self, id: LineId) -> usize {
        let number = self.chunks.partition_point(|chunk| chunk.last() < Some(id));
        number.min(self.chunks.len().saturating_sub(1))
    }
}

impl Snapshot {
    fn place(&self, position: usize) -> Option<(&Chunk, usize)> {
        let number = self
            .0
            .starts
            .partition_point(|start| *start <= position)
            .checked_sub(1)?;
        let line = position - self.0.start(number);
        let chunk = self.0.chunks.get(number)?;
        (line < chunk.len()).then_some((chunk, line))
    }

    /// Lines.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line at a position, the oldest at 0.
    pub fn id_at(&self, position: usize) -> Option<LineId> {
        let (chunk, line) = self.place(position)?;
        chunk.id(line)
    }

    /// Where a line stands; `None` where it is not in hand.
    pub fn position(&self, id: LineId) -> Option<usize> {
        let place = self.rank(id);
        (self.id_at(place) == Some(id)).then_some(place)
    }

    /// How many lines stand before a line, whether it is in hand or gone.
    pub fn rank(&self, id: LineId) -> usize {
        let number = self.0.chunk_of(id);
        self.0.start(number) + self.0.chunks.get(number).map_or(0, |chunk| chunk.rank(id))
    }

    /// A line; `None` where it is not in hand.
    pub fn entry(&self, id: LineId) -> Option<Entry<'_>> {
        self.entry_at(self.position(id)?)
    }

    /// The line at a position.
    pub fn entry_at(&self, position: usize) -> Option<Entry<'_>> {
        let (chunk, line) = self.place(position)?;
        chunk.entry(line)
    }

    /// The entries between two positions that were made of several lines of the source.
    pub fn joined(&self, from: usize, to: usize) -> impl Iterator<Item = Entry<'_>> {
        let chunks = self.0.chunks.iter().zip(&self.0.starts);
        let within = chunks.filter(move |(chunk, start)| {
            chunk.parts.is_some() && **start < to && from < **start + chunk.len()
        });
        within.flat_map(move |(chunk, start)| {
            let lines = from.saturating_sub(*start)..chunk.len().min(to - *start);
            let joined = lines.filter(|line| !chunk.parts(*line).is_empty());
            joined.filter_map(|line| chunk.entry(line))
        })
    }

    /// The position of the first line at or after a moment; [`Snapshot::len`] where all are before it.
    pub fn seek(&self, at: Nanos) -> usize {
        self.rank(LineId {
            key: at.0,
            serial: i64::MIN,
        })
    }

    /// Lines by time and level between two moments (`to` not included), in so many buckets.
    pub fn volume(&self, from: Nanos, to: Nanos, buckets: usize) -> Volume {
        let buckets = buckets.max(1);
        let parts = signed(buckets);
        let span = to.0.saturating_sub(from.0).max(0);
        let step = (span / parts + i64::from(span % parts > 0)).max(1);
        let mut counted = vec![[0; Level::ALL.len()]; buckets];
        for (bucket, counts) in (0..).zip(&mut counted) {
            let begin = from.0.saturating_add(step.saturating_mul(bucket));
            let end = begin.saturating_add(step).min(to.0);
            self.count(begin, end, counts);
        }
        Volume {
            from: Some(from),
            step,
            buckets: counted,
        }
    }

    fn count(&self, begin: i64, end: i64, counts: &mut [u64; Level::ALL.len()]) {
        let first = self
            .0
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| last.key < begin));
        for chunk in self.0.chunks.iter().skip(first) {
            let from = chunk.keys.partition_point(|key| *key < begin);
            let to = chunk.keys.partition_point(|key| *key < end);
            if from == 0 && to == chunk.len() {
                for (count, more) in counts.iter_mut().zip(chunk.levels) {
                    *count += more;
                }
                continue;
            }
            for tag in chunk.tags.get(from..to).unwrap_or_default() {
                if let Some(count) = counts.get_mut(tag.level as usize) {
                    *count += 1;
                }
            }
            if to < chunk.len() {
                return;
            }
        }
    }

    /// How many lines of each level there are, in [`Level`]'s order.
    pub fn levels(&self) -> [u64; Level::ALL.len()] {
        let mut all = [0; Level::ALL.len()];
        for chunk in &self.0.chunks {
            for (count, more) in all.iter_mut().zip(chunk.levels) {
                *count += more;
            }
        }
        all
    }

    /// Lines that came and went until then.
    pub fn counts(&self) -> Counts {
        self.0.counts
    }

    /// What is known to be missing, by time.
    pub fn gaps(&self) -> &[Gap] {
        &self.0.gaps
    }

    /// Greater after every change of the store.
    pub fn revision(&self) -> u64 {
        self.0.revision
    }
}
