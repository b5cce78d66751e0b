//! A screenful of cells in one normal form, so that what looks the same compares the same.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Size;
use ratatui::style::Color;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;

/// What stands in the cell a wide character covers besides its own.
const COVERED: &str = "";

/// Rows of normalised cells: a blank keeps only what shows on a blank, the cell under a wide character's right
/// half is [`COVERED`], and nothing is a control character or sticks out of its row.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    size: Size,
    cells: Vec<Cell>,
}

impl Grid {
    pub fn size(&self) -> Size {
        self.size
    }

    /// Becomes a blank screen.
    pub fn blank(&mut self, size: Size) {
        self.size = size;
        self.cells.clear();
        self.cells
            .resize(usize::from(size.width) * usize::from(size.height), Cell::EMPTY);
    }

    /// Becomes what `frame` looks like.
    pub fn take(&mut self, frame: &Buffer) {
        let size = frame.area.as_size();
        if size != self.size {
            self.blank(size);
        }
        if self.cells.is_empty() {
            return;
        }
        let width = usize::from(size.width);
        for (row, drawn) in self.cells.chunks_mut(width).zip(frame.content.chunks(width)) {
            take_row(row, drawn);
        }
    }

    /// Takes a row of `frame`; the others are whatever they were.
    pub fn take_row(&mut self, frame: &Buffer, y: u16) {
        let size = frame.area.as_size();
        if size != self.size {
            self.blank(size);
        }
        let start = usize::from(y) * usize::from(size.width);
        let drawn = frame.content.get(start..).unwrap_or_default();
        take_row(self.cells_mut(y, 0..size.width), drawn);
    }

    /// Takes a row of another grid of the same size.
    pub fn copy_row(&mut self, other: &Self, y: u16) {
        let width = self.size.width;
        self.cells_mut(y, 0..width).clone_from_slice(other.row(y));
    }

    pub fn row(&self, y: u16) -> &[Cell] {
        let width = usize::from(self.size.width);
        let start = usize::from(y) * width;
        self.cells.get(start..start + width).unwrap_or_default()
    }

    /// Some cells of a row.
    pub fn cells_mut(&mut self, y: u16, x: std::ops::Range<u16>) -> &mut [Cell] {
        let width = usize::from(self.size.width);
        let start = usize::from(y) * width;
        let end = usize::from(x.end).min(width);
        let cells = start + usize::from(x.start).min(end)..start + end;
        self.cells.get_mut(cells).unwrap_or_default()
    }

    /// Moves rows `top..=bottom` up by `rows` (down where negative); blanks come in.
    pub fn scroll(&mut self, top: u16, bottom: u16, rows: i32) {
        let width = usize::from(self.size.width);
        let region = usize::from(top) * width..(usize::from(bottom) + 1) * width;
        let Some(cells) = self.cells.get_mut(region) else {
            return;
        };
        let by = (rows.unsigned_abs() as usize * width).min(cells.len());
        let exposed = if rows > 0 {
            cells.rotate_left(by);
            cells.len() - by..cells.len()
        } else {
            cells.rotate_right(by);
            0..by
        };
        for cell in &mut cells[exposed] {
            *cell = Cell::EMPTY;
        }
    }
}

/// How many cells a normalised cell's character takes; zero where another covers it.
pub(super) fn cells_of(cell: &Cell) -> u16 {
    let symbol = cell.symbol();
    match symbol.len() {
        0 => 0,
        1 => 1,
        _ => width_of(symbol),
    }
}

pub(super) fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
}

/// The width terminals give it. Halfwidth sound marks extend a grapheme, yet take a cell of their own.
fn width_of(symbol: &str) -> u16 {
    let marks = symbol
        .chars()
        .filter(|c| matches!(c, '\u{ff9e}' | '\u{ff9f}'))
        .count();
    u16::try_from(symbol.width() + marks).unwrap_or(u16::MAX)
}

fn take_row(row: &mut [Cell], drawn: &[Cell]) {
    let width = row.len();
    let mut x = 0;
    while let (Some(cell), Some(source)) = (row.get_mut(x), drawn.get(x)) {
        let symbol = source.symbol();
        let plain_byte = matches!(symbol.as_bytes(), [0x20..=0x7e]);
        let cells = if plain_byte {
            1
        } else {
            usize::from(width_of(symbol))
        };
        // A theme's cell of no or too much width, or with a control character in it, is a bug elsewhere; the
        // terminal must not suffer for it.
        let fits = (1..=2).contains(&cells) && x + cells <= width;
        let shows = plain_byte || (fits && !symbol.chars().any(char::is_control));
        let pen = Pen::of(source);
        if shows && symbol != " " {
            set(cell, symbol, pen);
        } else {
            set(cell, " ", pen.on_blank());
        }
        if shows
            && cells == 2
            && let Some(next) = row.get_mut(x + 1)
        {
            set(next, COVERED, pen);
            x += 1;
        }
        x += 1;
    }
}

fn set(cell: &mut Cell, symbol: &str, pen: Pen) {
    if cell.symbol() != symbol {
        cell.set_symbol(symbol);
    }
    cell.fg = pen.fg;
    cell.bg = pen.bg;
    cell.modifier = pen.modifier;
    cell.underline_color = Color::Reset;
}
