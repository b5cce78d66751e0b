//! The encoder behind ratatui's [`Backend`] trait: draw calls collect on a canvas, a flush encodes it.

use std::convert::Infallible;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};

use super::Encoder;

/// What has been drawn since the last flush, on top of what was flushed.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    buffer: Buffer,
    cursor: Position,
    visible: bool,
}

impl Encoder {
    /// Gives the canvas its size; what is on it is gone. To be called before drawing and on every resize:
    /// an encoder has no terminal to ask.
    pub fn resize(&mut self, size: Size) {
        self.canvas.buffer = Buffer::empty(Rect::from((Position::ORIGIN, size)));
    }

    fn clear_cells(&mut self, cells: std::ops::Range<usize>) {
        for cell in self.canvas.buffer.content.get_mut(cells).into_iter().flatten() {
            *cell = Cell::EMPTY;
        }
    }
}

impl Backend for Encoder {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            if let Some(slot) = self.canvas.buffer.cell_mut((x, y)) {
                *slot = cell.clone();
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.canvas.visible = false;
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        self.canvas.visible = true;
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.canvas.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.canvas.cursor = position.into();
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.canvas.buffer.reset();
        self.invalidate();
        Ok(())
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Infallible> {
        let width = usize::from(self.canvas.buffer.area.width);
        let Position { x, y } = self.canvas.cursor;
        let row = usize::from(y) * width;
        let at = row + usize::from(x);
        match clear_type {
            ClearType::All => return self.clear(),
            ClearType::AfterCursor => self.clear_cells(at..self.canvas.buffer.content.len()),
            ClearType::BeforeCursor => self.clear_cells(0..at),
            ClearType::CurrentLine => self.clear_cells(row..row + width),
            ClearType::UntilNewLine => self.clear_cells(at..row + width),
        }
        Ok(())
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.canvas.buffer.area.as_size())
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize {
            columns_rows: self.canvas.buffer.area.as_size(),
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        let canvas = std::mem::take(&mut self.canvas);
        self.encode(&canvas.buffer, canvas.visible.then_some(canvas.cursor));
        self.canvas = canvas;
        Ok(())
    }
}
