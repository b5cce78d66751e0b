//! Two traces side by side: rows that are the same call in both, and those that only one has.
//!
//! Calls are the same when their parents are, and they are of the same service, operation and kind, counted
//! among their siblings: the third `db.query` of one is the third of the other. O(n).

use std::collections::{HashMap, VecDeque};

use super::{Kind, Operation, Row, Trace};

/// A row of the comparison: in one trace or in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The row of the left trace.
    pub left: Option<Row>,
    /// The row of the right trace.
    pub right: Option<Row>,
    /// Ancestors above it, in either.
    pub depth: u32,
}

impl Pair {
    /// How much longer the right one took, in nanoseconds; `None` where only one is there.
    pub fn difference(&self, left: &Trace, right: &Trace) -> Option<i64> {
        let nanos = |trace: &Trace, row: Row| trace.timing().lasts[row];
        Some(nanos(right, self.right?) - nanos(left, self.left?))
    }

    /// Whether it is a different operation in each, which only the two that somebody asked to compare can be.
    pub fn is_of_two(&self, left: &Trace, right: &Trace) -> bool {
        let operation = |trace: &Trace, row: Row| trace.operation(trace.operation_of(row)).clone();
        let sides = self.left.zip(self.right);
        sides.is_some_and(|(one, other)| operation(left, one) != operation(right, other))
    }
}

/// What a call is told by among its siblings. Operations of the right trace have the left one's numbers.
type Key = (u32, Kind);

/// Aligns two traces: every row of both once, in pre-order, those of the right alone where they stand among
/// the others.
pub fn align(left: &Trace, right: &Trace) -> Vec<Pair> {
    let known: HashMap<&Operation, u32> = left.tables.operations.iter().zip(0..).collect();
    let beyond = left.tables.operations.len() as u32;
    let mapped: Vec<u32> = right
        .tables
        .operations
        .iter()
        .zip(beyond..)
        .map(|(operation, fresh)| known.get(operation).copied().unwrap_or(fresh))
        .collect();
    let left_key = |row: Row| (left.operation_of(row).0, left.marks[row].kind);
    let right_key = |row: Row| (mapped[right.operation_of(row).0 as usize], right.marks[row].kind);

    let mut pairs = Vec::with_capacity(left.len().max(right.len()));
    let mut waiting: Vec<Pair> = Vec::new();
    let mut next: Vec<Pair> = Vec::new();
    roots(left, right, left_key, right_key, &mut next);
    waiting.extend(next.drain(..).rev());
    while let Some(pair) = waiting.pop() {
        pairs.push(pair);
        let of_left: Vec<Row> = pair
            .left
            .map(|row| left.children(row).collect())
            .unwrap_or_default();
        let of_right: Vec<Row> = pair
            .right
            .map(|row| right.children(row).collect())
            .unwrap_or_default();
        pair_up(
            &of_left,
            &of_right,
            left_key,
            right_key,
            pair.depth + 1,
            &mut next,
        );
        waiting.extend(next.drain(..).rev());
    }
    pairs
}

/// The primary roots belong together whatever they are: somebody asked to compare them.
fn roots(
    left: &Trace,
    right: &Trace,
    left_key: impl Fn(Row) -> Key,
    right_key: impl Fn(Row) -> Key,
    into: &mut Vec<Pair>,
) {
    into.push(Pair {
        left: Some(left.primary()),
        right: Some(right.primary()),
        depth: 0,
    });
    let others = |trace: &Trace| -> Vec<Row> {
        let all = trace.roots().iter().copied();
        all.filter(|row| *row != trace.primary()).collect()
    };
    pair_up(&others(left), &others(right), left_key, right_key, 0, into);
}

fn pair_up(
    left: &[Row],
    right: &[Row],
    left_key: impl Fn(Row) -> Key,
    right_key: impl Fn(Row) -> Key,
    depth: u32,
    into: &mut Vec<Pair>,
) {
    let mut free: HashMap<Key, VecDeque<usize>> = HashMap::new();
    for (at, row) in right.iter().enumerate() {
        free.entry(right_key(*row)).or_default().push_back(at);
    }
    let partners: Vec<Option<usize>> = left
        .iter()
        .map(|row| free.get_mut(&left_key(*row)).and_then(VecDeque::pop_front))
        .collect();
    let mut taken = vec![false; right.len()];
    for at in partners.iter().flatten() {
        taken[*at] = true;
    }
    let mut told = 0;
    for (row, partner) in left.iter().zip(partners) {
        if let Some(at) = partner
            && at >= told
        {
            alone(&right[told..at], &taken[told..at], depth, into);
            told = at + 1;
        }
        into.push(Pair {
            left: Some(*row),
            right: partner.map(|at| right[at]),
            depth,
        });
    }
    alone(&right[told..], &taken[told..], depth, into);
}

fn alone(rows: &[Row], taken: &[bool], depth: u32, into: &mut Vec<Pair>) {
    let free = rows.iter().zip(taken).filter(|(_, taken)| !**taken);
    into.extend(free.map(|(row, _)| Pair {
        left: None,
        right: Some(*row),
        depth,
    }));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::tests::{Made, any_spans, made, trace};
    use super::*;

    #[test]
    fn calls_are_counted_among_their_siblings() {
        let left = trace(&[
            made(1, 0, 1, 100, "a.a"),
            made(2, 1, 5, 20, "db.query"),
            made(3, 1, 25, 45, "db.query"),
            made(4, 1, 50, 60, "b.gone"),
        ]);
        let right = trace(&[
            made(11, 0, 1, 400, "a.a"),
            made(12, 11, 5, 10, "c.new"),
            made(13, 11, 15, 30, "db.query"),
            made(14, 11, 35, 335, "db.query"),
            made(15, 14, 40, 50, "d.under"),
        ]);
        let pairs = align(&left, &right);
        let id = |trace: &Trace, row: Option<Row>| row.map_or(0, |row| trace.span(row).id.0);
        let seen: Vec<(u64, u64, u32)> = pairs
            .iter()
            .map(|pair| (id(&left, pair.left), id(&right, pair.right), pair.depth))
            .collect();
        assert_eq!(
            seen,
            [
                (1, 11, 0),
                (0, 12, 1),
                (2, 13, 1),
                (3, 14, 1),
                (0, 15, 2),
                (4, 0, 1)
            ]
        );
        assert_eq!(pairs[3].difference(&left, &right), Some(280_000_000));
        assert_eq!(pairs[1].difference(&left, &right), None);
    }

    #[test]
    fn roots_are_paired_whatever_they_are_and_said_to_be_two() {
        let left = trace(&[made(1, 0, 1, 100, "web.pay"), made(2, 1, 5, 20, "db.query")]);
        let right = trace(&[made(11, 0, 1, 400, "web.order"), made(12, 11, 5, 10, "db.query")]);
        let two = |other: &Trace| -> Vec<bool> {
            let pairs = align(&left, other);
            pairs.iter().map(|pair| pair.is_of_two(&left, other)).collect()
        };
        assert_eq!(two(&right), [true, false]);
        assert_eq!(two(&left), [false, false]);
    }

    #[test]
    fn deep_and_wide_traces_are_aligned_in_a_loop() {
        let chain: Vec<Made> = (1..=100_000).map(|id| made(id, id - 1, 1, 100, "a.a")).collect();
        let wide: Vec<Made> = (1..=100_000)
            .map(|id| made(id, u64::from(id > 1), 1, 100, "a.a"))
            .collect();
        assert_eq!(align(&trace(&chain), &trace(&chain)).len(), 100_000);
        assert_eq!(align(&trace(&wide), &trace(&chain)).len(), 199_998);
    }

    proptest! {
        #[test]
        fn every_row_of_both_is_told_once(left in any_spans(), right in any_spans()) {
            let (left, right) = (trace(&left), trace(&right));
            let pairs = align(&left, &right);
            let lefts: Vec<Row> = pairs.iter().filter_map(|pair| pair.left).collect();
            let rights: Vec<Row> = pairs.iter().filter_map(|pair| pair.right).collect();
            prop_assert_eq!(lefts.len(), left.len());
            prop_assert_eq!(lefts.into_iter().collect::<BTreeSet<_>>().len(), left.len());
            prop_assert_eq!(rights.len(), right.len());
            prop_assert_eq!(rights.into_iter().collect::<BTreeSet<_>>().len(), right.len());
        }
    }
}
