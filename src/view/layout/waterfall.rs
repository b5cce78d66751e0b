//! Where the parts of an open trace are.

use ratatui::layout::Rect;

use crate::view::widget::frame;

/// The parts of a waterfall, from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaterfallParts {
    /// What it is and what it comes to.
    pub head: Rect,
    /// The whole trace in little, beside a legend; two or three rows, or none.
    pub map: Rect,
    /// The ruler; a row.
    pub ruler: Rect,
    /// The spans.
    pub lines: Rect,
    /// What the span under the cursor is in full; a row, or none.
    pub foot: Rect,
    /// The span under the cursor, whole; below a rule, or none.
    pub span: Rect,
    /// Cells of a row that the tree has; the bars have the rest.
    pub tree: u16,
}

/// From this many rows on, one is spared for the span under the cursor.
const WITH_FOOT: u16 = 12;
/// From this many on, two for the trace in little.
const WITH_MAP: u16 = 24;
/// From this many on, three.
const WITH_LARGE_MAP: u16 = 34;
/// From this many on, a third is the span's under the cursor.
const WITH_SPAN: u16 = 44;
/// Below this width the bars have less than the tree.
const NARROW: u16 = 60;

/// Divides an open trace whose head wants so many rows.
pub fn waterfall_parts(detail: Rect, heads: u16) -> WaterfallParts {
    let inside = frame::inner(detail);
    let height = inside.height;
    let head = heads.min(height / 3);
    let map = match height {
        WITH_LARGE_MAP.. => 3,
        WITH_MAP.. => 2,
        _ => 0,
    };
    let foot = u16::from(height >= WITH_FOOT);
    let ruler = u16::from(height > head);
    let span = if height >= WITH_SPAN { height / 3 } else { 0 };
    let lines = height.saturating_sub(head + map + ruler + foot + span);
    let mut y = inside.y;
    let mut take = |height: u16| {
        let part = Rect { y, height, ..inside };
        y += height;
        part
    };
    let width = inside.width;
    WaterfallParts {
        head: take(head),
        map: take(map),
        ruler: take(ruler),
        lines: take(lines),
        foot: take(foot),
        span: take(span),
        tree: if width < NARROW {
            width * 3 / 5
        } else {
            (width * 2 / 5).min(76)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_parts_fill_the_inside_without_overlap(
            width in 0_u16..300,
            height in 0_u16..120,
            heads in 0_u16..9,
        ) {
            let detail = Rect::new(3, 2, width, height);
            let inside = frame::inner(detail);
            let parts = waterfall_parts(detail, heads);
            let mut y = inside.y;
            for part in [parts.head, parts.map, parts.ruler, parts.lines, parts.foot, parts.span] {
                prop_assert_eq!(part.y, y);
                y += part.height;
            }
            prop_assert_eq!(y, inside.bottom());
            prop_assert!(parts.tree <= inside.width);
        }
    }
}
