//! Table rows: columns laid out for a width, the least important dropped first when it gets narrow.
//!
//! Lay out once a frame with [`layout`], then draw a header and rows into the same [`Slots`]; a cell that is
//! no text (a bar, a sparkline) is drawn by the caller into [`Slots::rect`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Look, Piece, put_pieces, width_of};
use crate::text::Cut;
use crate::theme::{Glyphs, Role, Theme};

/// How wide a column is, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Always this wide.
    Fixed(u16),
    /// At least `min`; shares what is left with the other flexible columns, by weight, up to `max`.
    Flex {
        /// Dropped rather than narrower.
        min: u16,
        /// Never wider; the rest stays free at the right.
        max: u16,
        /// Its share, against the other columns' weights.
        weight: u16,
    },
}

impl Width {
    fn min(self) -> u16 {
        match self {
            Self::Fixed(cells) => cells,
            Self::Flex { min, .. } => min,
        }
    }
}

/// Where a cell's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// For the header.
    pub title: &'static str,
    /// How wide.
    pub width: Width,
    /// Where its text stands.
    pub align: Align,
    /// Where its text is cut.
    pub cut: Cut,
    /// 0 is never dropped; the highest is dropped first, from the right among equals.
    pub rank: u8,
}

/// A flexible width.
pub const fn flex(min: u16, max: u16, weight: u16) -> Width {
    Width::Flex { min, max, weight }
}

/// A column whose text is cut at its end.
pub const fn column(title: &'static str, width: Width, align: Align, rank: u8) -> Column {
    Column {
        title,
        width,
        align,
        cut: Cut::End,
        rank,
    }
}

/// Columns at their places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots(Vec<Option<(u16, u16)>>);

impl Slots {
    /// Where column `index` stands in a row; `None` where it was dropped.
    pub fn rect(&self, index: usize, row: Rect) -> Option<Rect> {
        let (offset, width) = (*self.0.get(index)?)?;
        if offset >= row.width || row.height == 0 {
            return None;
        }
        Some(Rect::new(row.x + offset, row.y, width.min(row.width - offset), 1))
    }

    /// Whether column `index` is shown.
    pub fn shows(&self, index: usize) -> bool {
        matches!(self.0.get(index), Some(Some(_)))
    }
}

/// Lays columns out over `width` cells with `gap` cells between. Rank 0 stays even where it has to be cut off.
pub fn layout(columns: &[Column], width: u16, gap: u16) -> Slots {
    let mut kept: Vec<bool> = vec![true; columns.len()];
    loop {
        if needed(columns, &kept, gap) <= u32::from(width) {
            break;
        }
        let least = (0..columns.len())
            .filter(|&index| kept[index] && columns[index].rank > 0)
            .max_by_key(|&index| (columns[index].rank, index));
        match least {
            Some(index) => kept[index] = false,
            None => break,
        }
    }
    let widths = share_out(columns, &kept, width, gap);
    let mut offset = 0;
    Slots(
        widths
            .into_iter()
            .map(|cells| {
                let cells = cells?;
                let at = offset;
                offset += cells + gap;
                Some((at, cells))
            })
            .collect(),
    )
}

fn needed(columns: &[Column], kept: &[bool], gap: u16) -> u32 {
    let shown = kept.iter().filter(|kept| **kept).count() as u32;
    let cells: u32 = columns
        .iter()
        .zip(kept)
        .filter(|(_, kept)| **kept)
        .map(|(column, _)| u32::from(column.width.min()))
        .sum();
    cells + u32::from(gap) * shown.saturating_sub(1)
}

/// What is free goes to flexible columns by weight, cell by cell, so that no rounding is lost.
fn share_out(columns: &[Column], kept: &[bool], width: u16, gap: u16) -> Vec<Option<u16>> {
    let mut widths: Vec<Option<u16>> = columns
        .iter()
        .zip(kept)
        .map(|(column, kept)| kept.then(|| column.width.min()))
        .collect();
    let mut free = u32::from(width).saturating_sub(needed(columns, kept, gap));
    while free > 0 {
        let hungriest = (0..columns.len())
            .filter_map(|index| {
                let Width::Flex { min, max, weight } = columns[index].width else {
                    return None;
                };
                let cells = widths[index]?;
                (cells < max && weight > 0)
                    .then(|| (u32::from(cells - min) * 1000 / u32::from(weight), index))
            })
            .min();
        let Some((_, index)) = hungriest else { break };
        widths[index] = widths[index].map(|cells| cells + 1);
        free -= 1;
    }
    widths
}

/// Draws one row: a cell of pieces for each column.
pub fn draw_row(
    buffer: &mut Buffer,
    row: Rect,
    theme: &Theme,
    table: (&[Column], &Slots),
    cells: &[Vec<Piece>],
    look: Look,
) {
    let (columns, slots) = table;
    for (index, (column, pieces)) in columns.iter().zip(cells).enumerate() {
        if let Some(slot) = slots.rect(index, row) {
            let slot = aligned(slot, column.align, width_of(pieces));
            put_pieces(buffer, slot, theme, pieces, column.cut, look);
        }
    }
}

/// Draws the columns' titles.
pub fn draw_header(buffer: &mut Buffer, row: Rect, theme: &Theme, columns: &[Column], slots: &Slots) {
    let cells: Vec<Vec<Piece>> = columns
        .iter()
        .map(|column| vec![Piece::word(column.title, Role::TextDim)])
        .collect();
    draw_row(buffer, row, theme, (columns, slots), &cells, Look::Plain);
}

/// Draws the bar that marks the row under the cursor, in the row's first cell.
pub fn draw_cursor(buffer: &mut Buffer, row: Rect, theme: &Theme) {
    let mark = match theme.glyphs {
        Glyphs::Unicode => "▌",
        Glyphs::Ascii => ">",
    };
    super::put(buffer, super::row(row, 0), mark, theme.style(Role::Accent));
}

fn aligned(slot: Rect, align: Align, text: usize) -> Rect {
    match align {
        Align::Left => slot,
        Align::Right => super::after(
            slot,
            slot.width.saturating_sub(u16::try_from(text).unwrap_or(u16::MAX)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{blank, hostile_areas, lines, theme};
    use super::*;

    fn flex(title: &'static str, min: u16, weight: u16, rank: u8) -> Column {
        Column {
            title,
            width: Width::Flex { min, max: 99, weight },
            align: Align::Left,
            cut: Cut::End,
            rank,
        }
    }

    fn number(title: &'static str, cells: u16, rank: u8) -> Column {
        Column {
            title,
            width: Width::Fixed(cells),
            align: Align::Right,
            cut: Cut::End,
            rank,
        }
    }

    fn shown(columns: &[Column], width: u16) -> Vec<String> {
        let mut buffer = blank(width, 2);
        let theme = theme(Glyphs::Unicode);
        let slots = layout(columns, width, 1);
        let area = buffer.area;
        draw_header(&mut buffer, super::super::row(area, 0), &theme, columns, &slots);
        let cells = [
            vec![Piece::word("checkout-availability", Role::Text)],
            vec![Piece::word("21.3×", Role::SloPage)],
            vec![Piece::word("payment", Role::Text)],
        ];
        let row = super::super::row(area, 1);
        draw_row(&mut buffer, row, &theme, (columns, &slots), &cells, Look::Plain);
        lines(&buffer)
    }

    #[test]
    fn flexible_columns_share_what_is_left_and_numbers_stand_at_the_right() {
        let columns = [flex("name", 4, 2, 0), number("burn", 7, 1), flex("team", 4, 1, 2)];
        assert_eq!(
            shown(&columns, 32),
            [
                "name              burn team     ",
                "checkout-avai…   21.3× payment  "
            ]
        );
    }

    #[test]
    fn the_least_important_column_goes_first_when_it_gets_narrow() {
        let columns = [flex("name", 8, 1, 0), number("burn", 7, 1), flex("team", 8, 1, 2)];
        assert_eq!(
            shown(&columns, 20),
            ["name            burn", "checkout-av…   21.3×"]
        );
        assert_eq!(shown(&columns, 12), ["name        ", "checkout-av…"]);
        assert_eq!(shown(&columns, 3), ["na…", "ch…"]);
    }

    #[test]
    fn a_column_never_grows_past_its_most() {
        let mut columns = [flex("name", 4, 1, 0), number("burn", 5, 1)];
        columns[0].width = Width::Flex {
            min: 4,
            max: 6,
            weight: 1,
        };
        let slots = layout(&columns, 40, 2);
        assert_eq!(slots, Slots(vec![Some((0, 6)), Some((8, 5))]));
    }

    #[test]
    fn a_dimmed_row_shouts_nothing_and_the_cursor_adds_one_attribute() {
        let theme = theme(Glyphs::Unicode);
        let mut buffer = blank(4, 1);
        let area = buffer.area;
        let columns = [flex("state", 4, 1, 0)];
        let slots = layout(&columns, 4, 1);
        let cells = [vec![Piece::word("PAGE", Role::SloPage)]];
        for (look, role) in [(Look::Dimmed, Role::TextDim), (Look::Cursor, Role::SloPage)] {
            draw_row(&mut buffer, area, &theme, (&columns, &slots), &cells, look);
            assert_eq!(buffer[(0, 0)].fg, theme.style(role).fg.unwrap(), "{look:?}");
        }
        assert!(
            buffer[(0, 0)]
                .modifier
                .contains(theme.style(Role::Cursor).add_modifier)
        );
    }

    #[test]
    fn no_area_breaks_it() {
        let columns = [flex("name", 4, 2, 0), number("burn", 7, 1)];
        for area in hostile_areas() {
            let mut buffer = blank(10, 5);
            let theme = theme(Glyphs::Unicode);
            let slots = layout(&columns, area.width, 1);
            draw_header(&mut buffer, area, &theme, &columns, &slots);
            draw_cursor(&mut buffer, area, &theme);
        }
    }
}
