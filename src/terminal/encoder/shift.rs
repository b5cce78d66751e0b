//! Finds rows that moved up or down as a whole, where moving them costs less than drawing them again.
//!
//! Only whole rows of the screen can move (a scroll region has no left and right that every terminal knows), so
//! a list beside another pane rarely gains, a zoomed list or a log does. A wrong guess costs bytes, never a
//! wrong screen: the diff that follows repairs whatever differs.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use super::grid::{Grid, is_blank};
use super::pen::Pen;

/// Fewer changed rows than this are cheaper drawn.
const WORTH_LOOKING: usize = 3;
/// Setting margins, going there, moving lines, resetting margins, and finding the way back.
const PRICE: i32 = 28;

/// Rows of the screen to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    pub top: u16,
    pub bottom: u16,
    /// Up by so many rows; down where negative.
    pub rows: i32,
}

/// Rows that are not what is shown there.
pub(super) fn changed(shown: &Grid, next: &Grid) -> Vec<u16> {
    (0..next.size().height)
        .filter(|&y| shown.row(y) != next.row(y))
        .collect()
}

/// The best shift, if one pays, where these rows have changed.
pub(super) fn find(shown: &Grid, next: &Grid, changed: &[u16]) -> Option<Shift> {
    if changed.len() < WORTH_LOOKING {
        return None;
    }
    let mut places: HashMap<u64, Vec<u16>> = HashMap::new();
    for y in 0..next.size().height {
        places.entry(print(shown, y)).or_default().push(y);
    }
    let mut votes: HashMap<i32, i32> = HashMap::new();
    for &y in changed {
        let Some(from) = places.get(&print(next, y)) else {
            continue;
        };
        let ink = ink(next, y);
        for &from in from.iter().filter(|_| ink > 0) {
            *votes.entry(i32::from(from) - i32::from(y)).or_default() += ink;
        }
    }
    let rows = votes
        .into_iter()
        .filter(|&(rows, _)| rows != 0)
        .max_by_key(|&(rows, ink)| (ink, -rows.abs(), rows))?
        .0;
    let kept = best_run(shown, next, rows)?;
    let (lo, hi) = (i32::from(*kept.start()), i32::from(*kept.end()));
    let shift = Shift {
        top: u16::try_from(lo.min(lo + rows)).ok()?,
        bottom: u16::try_from(hi.max(hi + rows)).ok()?,
        rows,
    };
    (gain(shown, next, shift, &kept) > PRICE).then_some(shift)
}

/// The run of rows that gains most by being fetched from `rows` further down.
fn best_run(shown: &Grid, next: &Grid, rows: i32) -> Option<RangeInclusive<u16>> {
    let height = next.size().height;
    let (mut best, mut best_sum) = (None, 0);
    let (mut start, mut sum) = (0, 0);
    for y in 0..height {
        let from = u16::try_from(i32::from(y) + rows).ok().filter(|&f| f < height);
        let Some(from) = from else {
            (start, sum) = (y + 1, 0);
            continue;
        };
        sum += distance(shown, y, next, y) - distance(shown, from, next, y);
        if sum <= 0 {
            (start, sum) = (y + 1, 0);
        } else if sum > best_sum {
            (best, best_sum) = (Some(start..=y), sum);
        }
    }
    best
}

/// Bytes saved by the shift, less those for the rows it leaves blank.
fn gain(shown: &Grid, next: &Grid, shift: Shift, kept: &RangeInclusive<u16>) -> i32 {
    (shift.top..=shift.bottom)
        .map(|y| {
            let without = distance(shown, y, next, y);
            let source = u16::try_from(i32::from(y) + shift.rows).unwrap_or(y);
            let with = if kept.contains(&y) {
                distance(shown, source, next, y)
            } else {
                ink(next, y)
            };
            without - with
        })
        .sum()
}

/// About how many bytes turn one row into the other: a byte a cell, and some for each new run of cells.
fn distance(a: &Grid, from: u16, b: &Grid, to: u16) -> i32 {
    let (mut bytes, mut running) = (0, false);
    for (old, new) in a.row(from).iter().zip(b.row(to)) {
        let differs = old != new;
        bytes += i32::from(differs) + if differs && !running { 4 } else { 0 };
        running = differs;
    }
    bytes
}

/// About how many bytes draw the row on a blank one.
fn ink(grid: &Grid, y: u16) -> i32 {
    let row = grid.row(y);
    let plain = |cell| is_blank(cell) && Pen::of(cell) == Pen::PLAIN;
    row.iter().map(|cell| i32::from(!plain(cell))).sum()
}

/// Tells rows of other text apart, nearly always, at a cell's cost of a multiplication: it is taken of every row of
/// most frames. Rows of one text in two styles are alike to it; what a move gains is counted cell by cell.
fn print(grid: &Grid, y: u16) -> u64 {
    // The odd number nearest to 2^64 over the golden ratio (Knuth, The Art of Computer Programming, 6.4).
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    grid.row(y).iter().fold(0, |print: u64, cell| {
        let bytes = cell.symbol().bytes().take(4);
        let text = bytes.fold(0, |text, byte| text << 8 | u64::from(byte));
        (print.rotate_left(5) ^ text).wrapping_mul(SPREAD)
    })
}
