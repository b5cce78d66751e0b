//! What a query matches in a snapshot: counted, and by position.

use std::sync::Arc;

use super::chunk::{Chunk, LineId, signed};
use crate::domain::log::{Level, Nanos, Volume};

/// The lines of one chunk that were found.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub chunk: Arc<Chunk>,
    pub lines: Arc<[u32]>,
}

/// What was found so far. Whether that is all of it, [`super::Progress`] says.
#[derive(Debug, Default)]
pub struct Found {
    /// In order; those that were not looked at yet, or have none, are not among them.
    parts: Vec<Part>,
    /// How many were found before each part.
    before: Vec<usize>,
    len: usize,
}

impl Found {
    pub(super) fn of(parts: Vec<Part>) -> Self {
        let mut len = 0;
        let before = parts
            .iter()
            .map(|part| {
                let before = len;
                len += part.lines.len();
                before
            })
            .collect();
        Self { parts, before, len }
    }

    /// Lines found.
    pub fn len(&self) -> usize {
        self.len
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn place(&self, n: usize) -> Option<(&Part, usize)> {
        let number = self
            .before
            .partition_point(|before| *before <= n)
            .checked_sub(1)?;
        let part = self.parts.get(number)?;
        let line = *part.lines.get(n - self.before.get(number)?)?;
        Some((part, line as usize))
    }

    /// The n-th line found, in the order lines stand.
    pub fn id_at(&self, n: usize) -> Option<LineId> {
        let (part, line) = self.place(n)?;
        part.chunk.id(line)
    }

    /// How many were found before a line, which need not be one of them, nor in hand.
    pub fn rank(&self, id: LineId) -> usize {
        let number = self.parts.partition_point(|part| part.chunk.last() < Some(id));
        let Some((part, before)) = self.parts.get(number).zip(self.before.get(number)) else {
            return self.len;
        };
        let rank = part.chunk.rank(id);
        before + part.lines.partition_point(|line| (*line as usize) < rank)
    }

    /// Lines found by time and level between two moments, both included, in so many buckets.
    pub fn volume(&self, (from, to): (Nanos, Nanos), buckets: usize) -> Volume {
        let buckets = buckets.max(1);
        let step = to.0.saturating_sub(from.0).max(0) / signed(buckets) + 1;
        let mut counted = vec![[0; Level::ALL.len()]; buckets];
        for part in &self.parts {
            for line in part.lines.iter().map(|line| *line as usize) {
                let Some((key, tag)) = part.chunk.keys.get(line).zip(part.chunk.tags.get(line)) else {
                    continue;
                };
                let bucket = usize::try_from(key.saturating_sub(from.0).div_euclid(step)).ok();
                let levels = bucket.and_then(|bucket| counted.get_mut(bucket));
                if let Some(count) = levels.and_then(|levels| levels.get_mut(tag.level as usize)) {
                    *count += 1;
                }
            }
        }
        Volume {
            from: Some(from),
            step,
            buckets: counted,
        }
    }

    /// Whether the line was found.
    pub fn contains(&self, id: LineId) -> bool {
        self.id_at(self.rank(id)) == Some(id)
    }

    /// The one found nearest to a line: itself, else by time, the later of two as near.
    pub fn nearest(&self, id: LineId) -> Option<LineId> {
        let rank = self.rank(id);
        let after = self.id_at(rank);
        let before = rank.checked_sub(1).and_then(|n| self.id_at(n));
        match (before, after) {
            (Some(before), Some(after)) if id.key.abs_diff(before.key) < after.key.abs_diff(id.key) => {
                Some(before)
            }
            (before, after) => after.or(before),
        }
    }
}
