//! A trace as a whole in a few rows of braille: time from left to right, depth from top to bottom.
//!
//! Spans are marked as ranges of dots and summed up once, so its cost is that of the spans plus that of the
//! dots.

use super::{Row, Status, Stretch, Timing, Trace};

/// Dots in a cell: two across, four down.
const ACROSS: usize = 2;
const DOWN: usize = 4;

/// The bits of a braille cell, by column and row of the dot (Unicode's block U+2800).
const BITS: [[u8; DOWN]; ACROSS] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Cells of braille.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimap {
    cells: u16,
    patterns: Vec<u8>,
    failed: Vec<bool>,
}

/// A cell of a minimap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapCell {
    /// The braille character; a blank one where nothing ran.
    pub glyph: char,
    /// Whether something failed there.
    pub status: Status,
}

impl Minimap {
    /// Of a stretch of a trace, on so many cells and rows. A span is never less than a dot.
    pub fn of(trace: &Trace, timing: &Timing, stretch: Stretch, cells: u16, rows: u16) -> Self {
        let (across, down) = (usize::from(cells) * ACROSS, usize::from(rows) * DOWN);
        let mut map = Self {
            cells,
            patterns: vec![0; usize::from(cells) * usize::from(rows)],
            failed: vec![false; usize::from(cells) * usize::from(rows)],
        };
        if across == 0 || down == 0 {
            return map;
        }
        let deepest = trace.depths.values().iter().copied().max().unwrap_or(0) as usize;
        // Shallow traces stand at the top rather than being stretched.
        let scale = (deepest + 1).max(down);
        let length = stretch.nanos().max(1);
        let dot = |at: i64| {
            let far =
                i128::from(at.saturating_sub(stretch.from.0)) * i128::from(cells) * 2 / i128::from(length);
            far.clamp(0, i128::from(cells) * 2 - 1) as usize
        };
        // What begins and ends at each dot, a row of dots with one more behind its last.
        let mut edges = vec![[0_i32; 2]; (across + 1) * down];
        for row in trace.rows() {
            let (from, to) = (timing.start(row), timing.end(row));
            if to < stretch.from.0 || from > stretch.to.0 {
                continue;
            }
            let line = trace.depths[row] as usize * down / scale * (across + 1);
            let (first, last) = (dot(from), dot((to - 1).max(from)));
            let failed = i32::from(failed(trace, row));
            for (of, one) in [1, failed].into_iter().enumerate() {
                edges[line + first][of] += one;
                edges[line + last + 1][of] -= one;
            }
        }
        for (y, line) in edges.chunks(across + 1).enumerate() {
            let mut sums = [0; 2];
            for (x, edge) in line.iter().take(across).enumerate() {
                sums = [sums[0] + edge[0], sums[1] + edge[1]];
                let cell = y / DOWN * usize::from(cells) + x / ACROSS;
                if sums[0] > 0 {
                    map.patterns[cell] |= BITS[x % ACROSS][y % DOWN];
                }
                map.failed[cell] |= sums[1] > 0;
            }
        }
        map
    }

    /// A row of it, from 0.
    pub fn row(&self, row: u16) -> impl Iterator<Item = MapCell> {
        let from = usize::from(row) * usize::from(self.cells);
        let cells = self.patterns.iter().zip(&self.failed);
        cells
            .skip(from)
            .take(usize::from(self.cells))
            .map(|(pattern, failed)| MapCell {
                glyph: char::from_u32(0x2800 + u32::from(*pattern)).unwrap_or(' '),
                status: if *failed { Status::Error } else { Status::Unset },
            })
    }
}

fn failed(trace: &Trace, row: Row) -> bool {
    trace.marks[row].status == Status::Error
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, made, trace};
    use super::*;

    #[test]
    fn spans_are_dots_by_time_and_depth() {
        let trace = trace(&[
            made(1, 0, 1, 9, "a.a"),
            made(2, 1, 1, 5, "a.b"),
            made(3, 2, 8, 9, "a.c").failed("no"),
        ]);
        let whole = Stretch {
            from: at(1),
            to: at(9),
        };
        let map = Minimap::of(&trace, trace.timing(), whole, 4, 1);
        let text: String = map.row(0).map(|cell| cell.glyph).collect();
        assert_eq!(text, "⠛⠛⠉⠩", "two dots a cell, the third level at the end");
        let failed: Vec<bool> = map.row(0).map(|cell| cell.status == Status::Error).collect();
        assert_eq!(failed, [false, false, false, true]);
        assert_eq!(Minimap::of(&trace, trace.timing(), whole, 0, 3).row(0).count(), 0);
    }
}
