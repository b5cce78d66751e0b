//! Two traces side by side: the same call in one row, and how much longer the other took.

use std::sync::Arc;

use super::{Clocks, Study};
use crate::app::list::ListState;
use crate::domain::trace::compare::{Pair, align};
use crate::domain::trace::{Status, Trace, TraceId};

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
        let most = |of: &dyn Fn(&Pair) -> bool| {
            let grown = (0..own.len()).filter(|index| own[*index] > 0 && of(&pairs[*index]));
            grown.max_by_key(|index| own[*index])
        };
        Aligned {
            slowed: most(&|pair| pair.left.is_some()),
            most_added: most(&|pair| pair.left.is_none()),
            added: pairs.iter().filter(|pair| pair.left.is_none()).count(),
            gone: pairs.iter().filter(|pair| pair.right.is_none()).count(),
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
    /// Of the calls that both have, the one whose own time grew most, where one's did.
    pub slowed: Option<usize>,
    /// Of the calls that only the other has, the one with the most time of its own.
    pub most_added: Option<usize>,
}

/// Own time that differs by less than this part of the longer trace is no difference worth a row.
const MATTERS: u64 = 100;

impl Aligned {
    /// Whether two operations are compared, which says little of either.
    pub fn is_of_two(&self) -> bool {
        let roots = self.pairs.first();
        roots.is_some_and(|pair| pair.is_of_two(&self.base.trace, &self.other.trace))
    }

    /// The call that has the most to do with the other's taking longer.
    fn foremost(&self) -> Option<usize> {
        let calls = [self.slowed, self.most_added].into_iter().flatten();
        calls.max_by_key(|index| self.own[*index])
    }

    /// Calls that are new or gone, fail in one of the two alone, or differ in their own time by a hundredth of the
    /// longer trace; with the calls that led to them. Numbers of pairs, in order.
    pub fn differing(&self) -> Vec<usize> {
        let took = |study: &Study| u64::try_from(study.trace.took().0.as_nanos()).unwrap_or(u64::MAX);
        let matters = (took(&self.base).max(took(&self.other)) / MATTERS).max(1);
        let mut rows = Vec::new();
        // In pre-order a call's parent is the nearest before it that stands less deep.
        let mut above = 0;
        for (index, pair) in self.pairs.iter().enumerate().rev() {
            let differs = match (pair.left, pair.right) {
                (None, _) | (_, None) => true,
                (Some(left), Some(right)) => {
                    let failed = |trace: &Trace, row| trace.span(row).status == Status::Error;
                    failed(&self.base.trace, left) != failed(&self.other.trace, right)
                        || self.own[index].unsigned_abs() >= matters
                }
            };
            if differs || pair.depth < above {
                rows.push(index);
                above = pair.depth;
            }
        }
        rows.reverse();
        rows
    }
}

/// Which calls of a comparison are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listed {
    /// All of them.
    #[default]
    All,
    /// Those that differ, and what led to them.
    Differing,
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
    /// Which calls are listed.
    pub listed: Listed,
    /// Their numbers among the pairs.
    pub rows: Vec<usize>,
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
            listed: Listed::default(),
            rows: Vec::new(),
            list: ListState::default(),
        }
    }

    /// Takes what came out; the cursor goes to the call that slowed it most.
    pub fn take(&mut self, aligned: Arc<Aligned>) {
        if (aligned.base.trace.id(), aligned.other.trace.id()) != (self.base, self.other) {
            return;
        }
        let foremost = aligned.foremost();
        self.aligned = Some(aligned);
        self.arrange();
        if let Some(index) = foremost.and_then(|call| self.rows.iter().position(|row| *row == call)) {
            self.list.select(&self.rows, index);
        }
    }

    /// Lists only what differs, or all; the cursor stays on its call, where that is listed.
    pub fn turn(&mut self) {
        self.listed = match self.listed {
            Listed::All => Listed::Differing,
            Listed::Differing => Listed::All,
        };
        self.arrange();
    }

    fn arrange(&mut self) {
        self.rows = match (&self.aligned, self.listed) {
            (None, _) => Vec::new(),
            (Some(aligned), Listed::All) => (0..aligned.pairs.len()).collect(),
            (Some(aligned), Listed::Differing) => aligned.differing(),
        };
        self.list.follow(&self.rows);
    }

    /// The number of the pair under the cursor.
    pub fn pair(&self) -> Option<usize> {
        self.rows.get(self.list.index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::traces::waterfall::tests::{Made, study};

    fn compared(base: &[Made], other: &[Made]) -> Comparison {
        let (base, other) = (study(base), study(other));
        let mut open = Comparison::asked(base.trace.id(), other.trace.id());
        open.take(Arc::new(Aligning { base, other }.run()));
        open
    }

    fn names(open: &Comparison) -> Vec<String> {
        let aligned = open.aligned.as_ref().unwrap();
        let name = |pair: &usize| {
            let pair = &aligned.pairs[*pair];
            let of = pair.right.map(|row| aligned.other.trace.span(row));
            let of = of.or_else(|| pair.left.map(|row| aligned.base.trace.span(row)));
            of.unwrap().operation.to_string()
        };
        open.rows.iter().map(name).collect()
    }

    #[test]
    fn only_what_differs_is_listed_with_what_led_to_it() {
        let base = [
            (1, 0, 0, 1_000, "get"),
            (2, 1, 10, 400, "list"),
            (3, 2, 20, 120, "first"),
            (4, 2, 130, 390, "second"),
            (5, 1, 410, 500, "steady"),
            (6, 5, 420, 490, "steady too"),
            (7, 1, 510, 600, "pay"),
            (8, 1, 610, 700, "dropped"),
        ];
        let mut other = base;
        // A little noise here, a real delay there, a failure, a call that is gone.
        other[5].3 = 492;
        other[3].3 = 398;
        other[2].3 = 128;
        other[2].2 = 20;
        other[3].2 = 200;
        other[6].4 = "!pay";
        let mut open = compared(&base, &other[..7]);
        assert_eq!(names(&open).len(), 8);
        let under = open.pair();
        open.turn();
        assert_eq!(names(&open), ["get", "list", "second", "pay", "dropped"]);
        assert_eq!(open.pair(), under, "the cursor stays on its call");
        open.turn();
        assert_eq!(names(&open).len(), 8);
    }

    #[test]
    fn two_of_a_kind_have_nothing_to_list() {
        let same = [(1, 0, 0, 1_000, "get"), (2, 1, 10, 400, "list")];
        let mut open = compared(&same, &same);
        open.turn();
        assert_eq!((names(&open).len(), open.pair()), (0, None));
    }

    #[test]
    fn a_new_call_is_added_and_not_slowed() {
        let base = [(1, 0, 0, 1_000, "pay"), (2, 1, 10, 400, "list")];
        let other = [
            (1, 0, 0, 1_900, "pay"),
            (2, 1, 10, 500, "list"),
            (3, 1, 510, 1_890, "charge"),
        ];
        let open = compared(&base, &other);
        let aligned = open.aligned.as_ref().unwrap();
        let at = |index: Option<usize>| index.map(|index| names(&open)[index].clone());
        assert_eq!(at(aligned.slowed).as_deref(), Some("list"));
        assert_eq!(at(aligned.most_added).as_deref(), Some("charge"));
        assert_eq!(
            at(open.pair()).as_deref(),
            Some("charge"),
            "it took more than the list"
        );
        let alike = compared(&base, &base);
        let alike = alike.aligned.as_ref().unwrap();
        assert_eq!((alike.slowed, alike.most_added), (None, None));
    }
}
