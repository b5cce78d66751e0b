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

impl WaterfallParts {
    /// The same where the span under the cursor stands beside: its rows are those of the others.
    #[must_use]
    pub fn beside(mut self) -> Self {
        let rows = std::mem::take(&mut self.span.height);
        self.lines.height += rows;
        self.foot.y += rows;
        self.span.y += rows;
        self
    }
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

/// From this width on, an open span stands beside its waterfall.
const BESIDE: u16 = 100;
/// Cells that the span then has, at least and at most.
const SPAN_CELLS: [u16; 2] = [48, 84];

/// Where the waterfall and a span that was opened from it are, where there is room for both.
pub fn span_beside(detail: Rect) -> Option<(Rect, Rect)> {
    if detail.width < BESIDE {
        return None;
    }
    let [least, most] = SPAN_CELLS;
    let span = (detail.width * 2 / 5).clamp(least, most);
    let waterfall = Rect {
        width: detail.width - span,
        ..detail
    };
    let span = Rect {
        x: waterfall.right(),
        width: span,
        ..detail
    };
    Some((waterfall, span))
}

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

    #[test]
    fn a_span_stands_beside_its_waterfall_where_both_have_room() {
        assert_eq!(span_beside(Rect::new(0, 1, 99, 38)), None);
        for width in 100..300 {
            let (waterfall, span) = span_beside(Rect::new(0, 1, width, 38)).unwrap();
            assert_eq!((waterfall.right(), span.right()), (span.x, width));
            assert!(waterfall.width > span.width && span.width >= 48, "{width}");
        }
    }

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
            let mut y;
            let beside = parts.beside();
            prop_assert_eq!(beside.span.height, 0);
            for parts in [parts, beside] {
                y = inside.y;
                for part in [parts.head, parts.map, parts.ruler, parts.lines, parts.foot, parts.span] {
                    prop_assert_eq!(part.y, y);
                    y += part.height;
                }
                prop_assert_eq!(y, inside.bottom());
            }
            prop_assert!(parts.tree <= inside.width);
        }
    }
}
