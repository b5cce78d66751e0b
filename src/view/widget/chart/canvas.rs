//! Dots finer than cells: two by four braille dots a cell, or one a cell in ASCII.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Series, Shape};
use crate::theme::{Glyphs, Role, Theme};
use crate::view::widget::put;

/// The bit of a dot in a braille pattern, by row and column (Unicode 16, block U+2800).
const BRAILLE: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// A grid of dots with the role of who drew last in each cell.
pub(super) struct Canvas {
    glyphs: Glyphs,
    /// In dots.
    width: i32,
    /// In dots.
    height: i32,
    /// In cells.
    columns: usize,
    cells: Vec<(u8, Role)>,
}

impl Canvas {
    pub(super) fn new(columns: u16, rows: u16, glyphs: Glyphs) -> Self {
        let (across, down) = match glyphs {
            Glyphs::Unicode => (2, 4),
            Glyphs::Ascii => (1, 1),
        };
        Self {
            glyphs,
            width: i32::from(columns) * across,
            height: i32::from(rows) * down,
            columns: usize::from(columns),
            cells: vec![(0, Role::Chart); usize::from(columns) * usize::from(rows)],
        }
    }

    /// Draws a series; a point that is not a number breaks the line.
    pub(super) fn plot(&mut self, series: &Series, x_range: [f64; 2], y_range: [f64; 2]) {
        if self.width == 0 || self.height == 0 {
            return;
        }
        let mut before: Option<(i32, i32)> = None;
        for &(x, y) in series.points {
            let here = self.dot(x, y, x_range, y_range);
            if let Some(to) = here {
                self.line(before.unwrap_or(to), to, series);
            }
            before = here;
        }
    }

    /// The dot of a value, row 0 at the top; `None` for a gap or an x outside the range.
    fn dot(&self, x: f64, y: f64, [x0, x1]: [f64; 2], [y0, y1]: [f64; 2]) -> Option<(i32, i32)> {
        let across = (x - x0) / (x1 - x0);
        let up = ((y - y0) / (y1 - y0)).clamp(0.0, 1.0);
        if !(0.0..=1.0).contains(&across) || up.is_nan() {
            return None;
        }
        let column = (across * f64::from(self.width - 1)).round() as i32;
        let row = ((1.0 - up) * f64::from(self.height - 1)).round() as i32;
        Some((column, row))
    }

    /// Bresenham's line.
    fn line(&mut self, (mut x, mut y): (i32, i32), to: (i32, i32), series: &Series) {
        let (dx, dy) = ((to.0 - x).abs(), -(to.1 - y).abs());
        let (step_x, step_y) = ((to.0 - x).signum(), (to.1 - y).signum());
        let mut error = dx + dy;
        loop {
            self.set(x, y, series.role);
            if series.shape == Shape::Area {
                for below in y..self.height {
                    self.set(x, below, series.role);
                }
            }
            if (x, y) == to {
                return;
            }
            let twice = 2 * error;
            if twice >= dy {
                error += dy;
                x += step_x;
            }
            if twice <= dx {
                error += dx;
                y += step_y;
            }
        }
    }

    fn set(&mut self, x: i32, y: i32, role: Role) {
        let (x, y) = (x as usize, y as usize);
        let (index, bit) = match self.glyphs {
            Glyphs::Unicode => (y / 4 * self.columns + x / 2, BRAILLE[y % 4][x % 2]),
            Glyphs::Ascii => (y * self.columns + x, 1),
        };
        let cell = &mut self.cells[index];
        // A cell has one colour: dots of an earlier series would pass for this one's.
        let dots = if cell.1 == role { cell.0 } else { 0 };
        *cell = (dots | bit, role);
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        for (index, &(dots, role)) in self.cells.iter().enumerate() {
            if dots == 0 {
                continue;
            }
            let (x, y) = ((index % self.columns) as u16, (index / self.columns) as u16);
            let symbol = match self.glyphs {
                Glyphs::Unicode => char::from_u32(0x2800 + u32::from(dots)).unwrap_or('*'),
                Glyphs::Ascii => '*',
            };
            let cell = Rect::new(area.x + x, area.y + y, 1, 1);
            put(buffer, cell, symbol.encode_utf8(&mut [0; 4]), theme.style(role));
        }
    }
}
