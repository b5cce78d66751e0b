//! A search in slices: nearest the cursor first, taken up again when lines come, given up by dropping it.

use std::collections::HashMap;
use std::sync::Arc;

use super::chunk::{Chunk, LineId};
use super::found::{Found, Part};
use super::query::Query;
use super::sift::sift;
use super::snapshot::Snapshot;

/// How much one step may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of text; a step looks at one chunk (2 MiB) at least.
    pub bytes: usize,
}

impl Default for Budget {
    /// What plain text is looked for in within a millisecond or two.
    fn default() -> Self {
        Self {
            bytes: 8 * 1024 * 1024,
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
    /// What was found in each chunk, by its name.
    looked_at: HashMap<u64, Arc<[u32]>>,
    /// Chunks that were not looked at, by number; the next one stands last.
    left: Vec<usize>,
    progress: Progress,
    hands: Hands,
}

/// How many threads look at the chunks of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hands {
    One,
    Two,
}

impl Hands {
    /// Two where a step takes long and the machine has two processors to spare.
    fn of(query: &Query) -> Self {
        let two =
            query.is_costly() && std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
        if two { Self::Two } else { Self::One }
    }

    /// The lines of each chunk that a query lets through.
    fn sift(self, chunks: &[Arc<Chunk>], query: &Query) -> Vec<Box<[u32]>> {
        let all = |chunks: &[Arc<Chunk>], query: &Query| -> Vec<Box<[u32]>> {
            chunks.iter().map(|chunk| sift(chunk, query)).collect()
        };
        let (own, others) = match self {
            Self::One => (chunks, &[][..]),
            Self::Two => chunks.split_at(chunks.len().div_ceil(2)),
        };
        if others.is_empty() {
            return all(own, query);
        }
        std::thread::scope(|scope| {
            // a query of its own: what a regex works with is not shared without waiting
            let theirs = query.clone();
            let working = scope.spawn(move || all(others, &theirs));
            let mut found = all(own, query);
            match working.join() {
                Ok(more) => found.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
            found
        })
    }
}

impl Search {
    /// Begins; nothing is looked at before [`Search::step`]. What lies around `around` (else the newest) comes first.
    pub fn new(snapshot: Snapshot, query: Query, around: Option<LineId>) -> Self {
        let mut search = Self {
            snapshot,
            hands: Hands::of(&query),
            query,
            around,
            looked_at: HashMap::new(),
            left: Vec::new(),
            progress: Progress {
                looked_at: 0,
                of: 0,
                found: 0,
            },
        };
        search.plan();
        search
    }

    /// Puts what is left in order, the nearest last, and counts what is done.
    fn plan(&mut self) {
        let view = &self.snapshot.0;
        let near = self
            .around
            .map_or(view.chunks.len(), |around| view.chunk_of(around));
        self.progress = Progress {
            looked_at: 0,
            of: self.snapshot.len(),
            found: 0,
        };
        self.left.clear();
        for (number, chunk) in view.chunks.iter().enumerate() {
            if let Some(lines) = self.looked_at.get(&chunk.name) {
                self.progress.looked_at += chunk.len();
                self.progress.found += lines.len();
            } else {
                self.left.push(number);
            }
        }
        self.left
            .sort_by_key(|number| std::cmp::Reverse(number.abs_diff(near)));
    }

    /// Looks at some more.
    pub fn step(&mut self, budget: Budget) -> Progress {
        let mut bytes = 0;
        let mut due = Vec::new();
        while bytes < budget.bytes.max(1)
            && let Some(number) = self.left.pop()
        {
            if let Some(chunk) = self.snapshot.0.chunks.get(number) {
                bytes += chunk.body.weight().max(1);
                due.push(Arc::clone(chunk));
            }
        }
        for (chunk, lines) in due.iter().zip(self.hands.sift(&due, &self.query)) {
            self.progress.looked_at += chunk.len();
            self.progress.found += lines.len();
            self.looked_at.insert(chunk.name, lines.into());
        }
        self.progress
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// What was found so far.
    pub fn found(&self) -> Arc<Found> {
        let view = &self.snapshot.0;
        let parts = view.chunks.iter().filter_map(|chunk| {
            let lines = self
                .looked_at
                .get(&chunk.name)
                .filter(|lines| !lines.is_empty())?;
            Some(Part {
                chunk: Arc::clone(chunk),
                lines: Arc::clone(lines),
            })
        });
        Arc::new(Found::of(parts.collect()))
    }

    /// What is looked for.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// What is looked through.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Goes on with a newer snapshot of the same store: only what is new is looked at, and what is gone is forgotten.
    pub fn extend(&mut self, newer: Snapshot) {
        let mut had = std::mem::take(&mut self.looked_at);
        for chunk in &newer.0.chunks {
            if let Some(lines) = had.remove(&chunk.name) {
                self.looked_at.insert(chunk.name, lines);
            }
        }
        self.snapshot = newer;
        self.plan();
    }

    /// What is nearest to this line comes first from now on.
    pub fn focus(&mut self, around: Option<LineId>) {
        self.around = around;
        self.plan();
    }
}
