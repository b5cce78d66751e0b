//! Links of a frame: which cells lead where, and how that is written (OSC 8).
//!
//! OSC 8 has no standard but its description: "Hyperlinks in terminal emulators" (Koblinger): `OSC 8 ; parameters ; URI
//! ST`. Links are numbered as long as anybody sees them, so that a cell whose link stays is not sent again. A cell of
//! a grid keeps its number where other cells have the colour of their underline, which nothing here draws.

use std::sync::Arc;

use ratatui::buffer::Cell;
use ratatui::style::Color;

use super::grid::Grid;
use crate::terminal::hyperlink::Hyperlink;

/// Links that are numbered; 0 is none.
const MOST: usize = 200;

/// The links of the next frame, and the numbers of all.
#[derive(Debug, Default)]
pub(super) struct Links {
    known: Vec<Arc<str>>,
    next: Vec<Hyperlink>,
    /// Whether the frame before had any.
    had: bool,
}

/// Whether the numbers that cells bear still mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Kept,
    Anew,
}

impl Links {
    /// Takes the links of the next frame.
    pub(super) fn next(&mut self, links: &[Hyperlink]) -> Numbers {
        let mut numbers = Numbers::Kept;
        if self.known.len() + links.len() > MOST {
            self.known.clear();
            numbers = Numbers::Anew;
        }
        self.had = !self.next.is_empty();
        self.next = links.iter().take(MOST).cloned().collect();
        for link in &self.next {
            if !self.known.contains(&link.url) {
                self.known.push(Arc::clone(&link.url));
            }
        }
        numbers
    }

    /// Whether a cell of the next frame or of the one before leads anywhere: a row may differ in that alone.
    pub(super) fn are_there(&self) -> bool {
        self.had || !self.next.is_empty()
    }

    /// Gives the cells of the next frame their numbers.
    pub(super) fn mark(&self, grid: &mut Grid) {
        self.mark_those(grid, |_| true);
    }

    /// Gives those of a row theirs.
    pub(super) fn mark_row(&self, grid: &mut Grid, y: u16) {
        self.mark_those(grid, |link| link.y == y);
    }

    fn mark_those(&self, grid: &mut Grid, is_meant: impl Fn(&Hyperlink) -> bool) {
        for link in self.next.iter().filter(|link| is_meant(link)) {
            let number = self.known.iter().position(|url| *url == link.url);
            let Some(number) = number.and_then(|at| u8::try_from(at + 1).ok()) else {
                continue;
            };
            for cell in grid.cells_mut(link.y, link.x.clone()) {
                cell.underline_color = Color::Indexed(number);
            }
        }
    }

    /// Writes what leads to a link from here on; from none to none nothing, where that is sure.
    pub(super) fn turn_to(&self, number: u8, is_sure: bool, out: &mut Vec<u8>) {
        match usize::from(number)
            .checked_sub(1)
            .and_then(|at| self.known.get(at))
        {
            Some(url) => {
                out.extend_from_slice(b"\x1b]8;;");
                out.extend_from_slice(url.as_bytes());
                out.extend_from_slice(b"\x1b\\");
            }
            // At the beginning no link is open: terminals that know none need not hear of them.
            None if !is_sure && self.known.is_empty() => {}
            None => out.extend_from_slice(b"\x1b]8;;\x1b\\"),
        }
    }
}

/// The number of a cell's link; 0 where it has none.
pub(super) fn number_of(cell: &Cell) -> u8 {
    match cell.underline_color {
        Color::Indexed(number) => number,
        _ => 0,
    }
}
