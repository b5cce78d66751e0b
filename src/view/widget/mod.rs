//! Small things that draw: pure functions on a buffer, an area and a theme, with no state of their own.
//!
//! They know roles and shapes, never colours, and nothing of SLOs or alerts. Every one survives an area of
//! nothing and an area that hangs out of the buffer. Remote text comes in as [`SafeText`] by way of [`Piece`].
//! Start at [`frame`] and [`columns`]; the rest fills what they lay out.

pub mod ascii;
pub mod bar;
pub mod chart;
pub mod columns;
pub mod frame;
pub mod piece;
pub mod scrollbar;
pub mod sparkline;
pub mod text_block;
pub mod words;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Style;

pub use piece::{Look, Piece, put_pieces, width_of};

use crate::text::{SafeText, is_cell_a_char};
use crate::theme::{Role, Theme};

/// The part of an area that the buffer has.
pub fn clip(buffer: &Buffer, area: Rect) -> Rect {
    area.intersection(buffer.area)
}

/// Takes away what was drawn in an area.
pub fn clear(buffer: &mut Buffer, area: Rect) {
    for position in area.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            *cell = Cell::default();
        }
    }
}

/// Makes an area the ground of what lies over the rest: blank, in an overlay's colours.
pub fn ground(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    clear(buffer, area);
    buffer.set_style(area, theme.style(Role::Text).patch(theme.style(Role::Overlay)));
}

/// Writes text into the first row of an area, from its left; returns the cells used.
pub fn put(buffer: &mut Buffer, area: Rect, text: &str, style: Style) -> u16 {
    let area = clip(buffer, area);
    if area.is_empty() {
        return 0;
    }
    if is_cell_a_char(text) {
        return put_chars(buffer, area, text, style);
    }
    let (end, _) = buffer.set_stringn(area.x, area.y, text, usize::from(area.width), style);
    end - area.x
}

/// Most of what is written: a cell a character, without a look for what is one grapheme, for each word of each frame.
fn put_chars(buffer: &mut Buffer, area: Rect, text: &str, style: Style) -> u16 {
    let first = buffer.index_of(area.x, area.y);
    let cells = buffer
        .content
        .iter_mut()
        .skip(first)
        .take(usize::from(area.width));
    let mut used = 0;
    for (cell, c) in cells.zip(text.chars()) {
        cell.set_char(c).set_style(style);
        used += 1;
    }
    used
}

/// The row `index` of an area, one cell high; nothing where it has no such row.
pub fn row(area: Rect, index: u16) -> Rect {
    if index >= area.height {
        return Rect::new(area.x, area.y, 0, 0);
    }
    Rect::new(area.x, area.y + index, area.width, 1)
}

/// What is left of a row after `cells` cells.
pub fn after(area: Rect, cells: u16) -> Rect {
    let cells = cells.min(area.width);
    Rect::new(area.x + cells, area.y, area.width - cells, area.height)
}

/// A piece of remote text in one role; shorthand for [`Piece::safe`].
pub fn remote(raw: &str, role: crate::theme::Role) -> Piece<'_> {
    Piece::safe(SafeText::line(raw), role)
}

#[cfg(test)]
pub(crate) mod test_support {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use crate::theme::{ColorDepth, Glyphs, Means, Theme, load};

    /// The shipped theme, with shapes of choice.
    pub(crate) fn theme(glyphs: Glyphs) -> Theme {
        let depth = ColorDepth::TrueColor;
        load("midwatch", None, Means { depth, glyphs }).unwrap()
    }

    /// An empty buffer of a size.
    pub(crate) fn blank(width: u16, height: u16) -> Buffer {
        Buffer::empty(Rect::new(0, 0, width, height))
    }

    /// A buffer's text, a line a row.
    pub(crate) fn lines(buffer: &Buffer) -> Vec<String> {
        let area = buffer.area;
        (area.top()..area.bottom())
            .map(|y| {
                (area.left()..area.right())
                    .map(|x| buffer[(x, y)].symbol())
                    .collect()
            })
            .collect()
    }

    /// Areas that have broken drawing code before: nothing, slivers, and areas outside the buffer.
    pub(crate) fn hostile_areas() -> Vec<Rect> {
        let mut out = Vec::new();
        for width in [0, 1, 2, 3, 5, 40] {
            for height in [0, 1, 2, 3, 5, 40] {
                for (x, y) in [(0, 0), (9, 4), (200, 200)] {
                    out.push(Rect::new(x, y, width, height));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Modifier;

    use super::test_support::{blank, lines};
    use super::*;

    #[test]
    fn plain_words_are_written_as_any_others_are_and_end_with_their_area() {
        let style = Style::new().add_modifier(Modifier::BOLD);
        let blocks = ('\u{2500}'..='\u{259f}').collect::<Vec<_>>();
        let blocks = blocks.chunks(12).map(|chunk| chunk.iter().collect::<String>());
        let words = [
            "",
            "a",
            "payment 503",
            "a word that is longer than its area",
            "2.3× · ━━╸ pool–…",
        ];
        for text in words.map(str::to_owned).into_iter().chain(blocks) {
            assert!(is_cell_a_char(&text), "{text}");
            let (text, area) = (text.as_str(), Rect::new(3, 1, 12, 1));
            let (mut ours, mut theirs) = (blank(20, 3), blank(20, 3));
            ours.set_string(0, 1, "what stood there bef", Style::new());
            theirs.set_string(0, 1, "what stood there bef", Style::new());
            let used = put(&mut ours, area, text, style);
            let (end, _) = theirs.set_stringn(area.x, area.y, text, usize::from(area.width), style);
            assert_eq!(ours, theirs, "{:?}", lines(&ours));
            assert_eq!(used, end - area.x);
        }
    }
}
