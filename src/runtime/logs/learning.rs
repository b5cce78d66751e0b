//! The patterns of the lines in hand, learnt while somebody looks at them, a slice at a time.

use std::sync::Arc;
use std::time::Duration;

use crate::app::logs::{Learnt, Scanned};
use crate::domain::log::Nanos;
use crate::domain::pattern::{Bounds, Patterns};
use crate::logstore::{LineId, Snapshot};
use crate::time::Tick;

/// Lines of a slice: some milliseconds.
const SLICE: usize = 1_000;
/// How often the list is made anew.
const LIST: Duration = Duration::from_secs(1);

/// Patterns of one store.
pub(super) struct Learning {
    patterns: Patterns,
    /// The newest line that was learnt; older ones that come later are not.
    newest: Option<LineId>,
    is_behind: bool,
    listed: Option<Tick>,
    /// As it was last listed.
    pub(super) learnt: Arc<Learnt>,
}

impl Learning {
    /// Nothing learnt yet.
    pub(super) fn new() -> Self {
        Self {
            patterns: Patterns::new(Bounds::default()),
            newest: None,
            is_behind: true,
            listed: None,
            learnt: Arc::default(),
        }
    }

    /// Whether lines wait to be learnt.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Learns some of what is new; lists what there is when it is time, or when all is learnt for the first time.
    pub(super) fn step(&mut self, snapshot: &Snapshot, now: (Nanos, Tick)) {
        let from = self.newest.map_or(0, |id| {
            let rank = snapshot.rank(id);
            rank + usize::from(snapshot.id_at(rank) == Some(id))
        });
        let to = (from + SLICE).min(snapshot.len());
        for position in from..to {
            let Some(entry) = snapshot.entry_at(position) else {
                continue;
            };
            // what tells no time came about now
            let at = entry.time().unwrap_or(now.0);
            self.patterns
                .learn(at, entry.level, entry.service, &entry.text, entry.extra);
            self.newest = Some(entry.id);
        }
        let was_behind = std::mem::replace(&mut self.is_behind, to < snapshot.len());
        let (utc, tick) = now;
        let done = was_behind && !self.is_behind;
        if done || self.listed.is_none_or(|at| tick.since(at) >= LIST) {
            self.listed = Some(tick);
            self.learnt = Arc::new(Learnt {
                patterns: self.patterns.list(utc),
                tally: self.patterns.tally(),
                of: snapshot.len(),
                scanned: if self.is_behind {
                    Scanned::Partly((to * 100 / snapshot.len().max(1)) as u8)
                } else {
                    Scanned::All
                },
            });
        }
    }
}
