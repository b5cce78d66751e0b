//! Where in a long list one is: a thumb on the pane's right border, only where there is more than fits.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::put;
use crate::theme::{Glyphs, Role, Theme};

/// What part of a list is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Index of the first row shown.
    pub first: usize,
    /// Rows shown.
    pub shown: usize,
    /// All rows.
    pub total: usize,
}

/// Draws the thumb into the first column of an area; the rest of the column stays as it is.
pub fn draw(buffer: &mut Buffer, area: Rect, theme: &Theme, extent: Extent, role: Role) {
    if extent.total <= extent.shown || area.is_empty() {
        return;
    }
    let symbol = match theme.glyphs {
        Glyphs::Unicode => "┃",
        Glyphs::Ascii => "#",
    };
    let (start, length) = thumb(usize::from(area.height), extent);
    for y in start..start + length {
        put(
            buffer,
            super::row(Rect { width: 1, ..area }, y as u16),
            symbol,
            theme.style(role),
        );
    }
}

/// First cell and length; touches an end only when the list is at that end.
fn thumb(cells: usize, extent: Extent) -> (usize, usize) {
    let length = (cells * extent.shown / extent.total).clamp(1, cells);
    let hidden = extent.total - extent.shown;
    let first = extent.first.min(hidden);
    let room = cells - length;
    let start = match first {
        0 => 0,
        first if first == hidden => room,
        first if room >= 2 => (room * first / hidden).clamp(1, room - 1),
        first => room * first / hidden,
    };
    (start, length)
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{blank, hostile_areas, lines, theme};
    use super::*;

    fn column(first: usize, total: usize) -> String {
        let mut buffer = blank(1, 6);
        let area = buffer.area;
        let extent = Extent {
            first,
            shown: 10,
            total,
        };
        draw(
            &mut buffer,
            area,
            &theme(Glyphs::Unicode),
            extent,
            Role::BorderFocused,
        );
        lines(&buffer).concat()
    }

    #[test]
    fn the_thumb_touches_an_end_only_at_that_end() {
        assert_eq!(column(0, 30), "┃┃    ");
        assert_eq!(column(1, 30), " ┃┃   ");
        assert_eq!(column(19, 30), "   ┃┃ ");
        assert_eq!(column(20, 30), "    ┃┃");
        assert_eq!(column(99, 30), "    ┃┃", "past the end");
        assert_eq!(column(0, 10), "      ", "all of it fits");
    }

    #[test]
    fn no_area_breaks_it() {
        let mut buffer = blank(10, 5);
        for area in hostile_areas() {
            let extent = Extent {
                first: 3,
                shown: 0,
                total: 1_000_000,
            };
            draw(&mut buffer, area, &theme(Glyphs::Ascii), extent, Role::Border);
        }
    }
}
