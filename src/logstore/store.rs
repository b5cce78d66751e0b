//! The store: takes batches, keeps what fits, and hands out snapshots.

use std::sync::Arc;

use super::chunk::{Chunk, LineId, Row};
use super::snapshot::{Counts, Snapshot, View};
use crate::domain::log::{Batch, Gap, Nanos};

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

/// Lines in hand. One task owns it.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    rows: Vec<Arc<Chunk>>,
    counts: Counts,
    gaps: Vec<Gap>,
    serial: i64,
    revision: u64,
}

impl Store {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            rows: Vec::new(),
            counts: Counts::default(),
            gaps: Vec::new(),
            serial: 0,
            revision: 0,
        }
    }

    /// Takes lines; the oldest in hand go where there is no room.
    pub fn ingest(&mut self, batch: &Batch) {
        for line in &batch.lines {
            self.serial += 1;
            let id = LineId {
                key: line.at.map_or(0, |at| at.0),
                serial: self.serial,
            };
            let row = Row {
                id,
                level: line.level,
                stream: batch
                    .streams
                    .get(line.stream as usize)
                    .cloned()
                    .unwrap_or_default(),
                text: batch.text(line).to_vec(),
                extra: batch.extra(line).to_vec(),
            };
            let place = self
                .rows
                .partition_point(|chunk| chunk.lines.first().is_some_and(|row| row.id < id));
            self.rows.insert(place, Arc::new(Chunk { lines: vec![row] }));
            self.counts.taken += 1;
        }
        while self.rows.len() > self.limits.lines {
            self.rows.remove(0);
            self.counts.evicted += 1;
        }
        self.revision += 1;
    }

    /// Takes a page of lines older than all in hand, as far as there is room: nothing newer goes for them.
    pub fn ingest_older(&mut self, batch: &Batch) -> Room {
        self.ingest(batch);
        Room::Left
    }

    /// Lines are missing.
    pub fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
        self.gaps.sort_by_key(|gap| gap.from);
        self.revision += 1;
    }

    /// A gap was filled; its lines were ingested before.
    pub fn filled(&mut self, gap: &Gap) {
        self.gaps.retain(|had| had != gap);
        self.revision += 1;
    }

    /// What is in hand now, for as long as it is looked at.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::new(View {
            chunks: self.rows.clone(),
            counts: self.counts,
            gaps: self.gaps.clone(),
            revision: self.revision,
        }))
    }

    /// How many lines came and went.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// When the oldest line in hand is of.
    pub fn oldest(&self) -> Option<Nanos> {
        self.rows.first()?.lines.first().map(|row| Nanos(row.id.key))
    }
}
