//! Two traces side by side: the same call in one row, and how much longer the other took.

use std::sync::Arc;

use super::{Clocks, Study};
use crate::app::list::ListState;
use crate::domain::trace::TraceId;
use crate::domain::trace::compare::{Pair, align};

/// Two traces to be aligned, off the UI task.
#[derive(Debug, Clone)]
pub struct Aligning {
    /// What the other is held against.
    pub base: Arc<Study>,
    /// The other.
    pub other: Arc<Study>,
}

impl PartialEq for Aligning {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.base, &other.base) && Arc::ptr_eq(&self.other, &other.other)
    }
}

impl Aligning {
    /// Aligns them; some hundredths of a second for a hundred thousand spans.
    pub fn run(self) -> Aligned {
        let pairs = align(&self.base.trace, &self.other.trace);
        let own =
            |study: &Study, row| i64::try_from(study.aspect(Clocks::Sent).own.nanos(row)).unwrap_or(i64::MAX);
        let own: Vec<i64> = pairs
            .iter()
            .map(|pair| {
                let base = pair.left.map_or(0, |row| own(&self.base, row));
                pair.right
                    .map_or(0, |row| own(&self.other, row))
                    .saturating_sub(base)
            })
            .collect();
        Aligned {
            added: pairs.iter().filter(|pair| pair.left.is_none()).count(),
            gone: pairs.iter().filter(|pair| pair.right.is_none()).count(),
            slowed: (0..own.len())
                .max_by_key(|index| own[*index])
                .filter(|index| own[*index] > 0),
            rows: (0..pairs.len()).collect(),
            base: self.base,
            other: self.other,
            pairs,
            own,
        }
    }
}

/// Two traces, aligned.
#[derive(Debug)]
pub struct Aligned {
    /// What the other is held against.
    pub base: Arc<Study>,
    /// The other.
    pub other: Arc<Study>,
    /// Every call of both, in pre-order.
    pub pairs: Vec<Pair>,
    /// How much more time of its own each call took in the other, in nanoseconds; all of it where it is new.
    pub own: Vec<i64>,
    /// Calls that only the other has.
    pub added: usize,
    /// Calls that only the base has.
    pub gone: usize,
    /// The call whose own time grew most, where one's did.
    pub slowed: Option<usize>,
    /// The numbers of the pairs.
    pub rows: Vec<usize>,
}

/// A comparison that is open.
#[derive(Debug)]
pub struct Comparison {
    /// What the other is held against.
    pub base: TraceId,
    /// The other.
    pub other: TraceId,
    /// What came out, once both are read.
    pub aligned: Option<Arc<Aligned>>,
    /// Cursor.
    pub list: ListState<usize>,
}

impl Comparison {
    /// Of two traces.
    pub fn asked(base: TraceId, other: TraceId) -> Self {
        Self {
            base,
            other,
            aligned: None,
            list: ListState::default(),
        }
    }

    /// Takes what came out; the cursor goes to the call that slowed most.
    pub fn take(&mut self, aligned: Arc<Aligned>) {
        if (aligned.base.trace.id(), aligned.other.trace.id()) != (self.base, self.other) {
            return;
        }
        self.list.follow(&aligned.rows);
        if let Some(index) = aligned.slowed {
            self.list.select(&aligned.rows, index);
        }
        self.aligned = Some(aligned);
    }
}
