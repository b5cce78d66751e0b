//! A snapshot: what was in hand at a moment. Cheap to clone, never changes.

use std::sync::Arc;

use super::chunk::{Chunk, Entry, LineId, Row};
use crate::domain::log::{Gap, Level, Nanos, Volume};

/// Lines that came and went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Taken from the sources.
    pub taken: u64,
    /// Gone for want of room, the oldest first.
    pub evicted: u64,
    /// Older lines that were offered and not taken for want of room.
    pub refused: u64,
    /// Bytes in hand, of text and index.
    pub bytes: u64,
    /// Lines whose range was not in their batch: kept, with no text.
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
    pub(super) counts: Counts,
    pub(super) gaps: Vec<Gap>,
    pub(super) revision: u64,
}

impl Snapshot {
    fn row(&self, position: usize) -> Option<&Row> {
        self.0.chunks.get(position)?.lines.first()
    }

    /// Lines.
    pub fn len(&self) -> usize {
        self.0.chunks.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line at a position, the oldest at 0.
    pub fn id_at(&self, position: usize) -> Option<LineId> {
        self.row(position).map(|row| row.id)
    }

    /// Where a line stands; `None` where it is not in hand.
    pub fn position(&self, id: LineId) -> Option<usize> {
        let place = self.rank(id);
        (self.id_at(place) == Some(id)).then_some(place)
    }

    /// How many lines stand before a line, whether it is in hand or gone.
    pub fn rank(&self, id: LineId) -> usize {
        self.0
            .chunks
            .partition_point(|chunk| chunk.lines.first().is_some_and(|row| row.id < id))
    }

    /// A line; `None` where it is not in hand.
    pub fn entry(&self, id: LineId) -> Option<Entry<'_>> {
        self.entry_at(self.position(id)?)
    }

    /// The line at a position.
    pub fn entry_at(&self, position: usize) -> Option<Entry<'_>> {
        self.row(position).map(Row::entry)
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
        let step = (to.0.saturating_sub(from.0) / buckets as i64).max(1);
        let mut counted = vec![[0; Level::ALL.len()]; buckets];
        for position in self.seek(from)..self.seek(to) {
            let Some(row) = self.row(position) else { continue };
            let bucket = (row.id.key.saturating_sub(from.0) / step) as usize;
            if let Some(count) = counted
                .get_mut(bucket.min(buckets - 1))
                .and_then(|of| of.get_mut(row.level as usize))
            {
                *count += 1;
            }
        }
        Volume {
            from: Some(from),
            step,
            buckets: counted,
        }
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
