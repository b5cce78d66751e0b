//! Frames → bytes: what the terminal must be sent so that it shows the next frame.
//!
//! Stock backends send resets and cursor state with every frame, some 600 bytes for a move between two rows; on
//! a bad link that is the difference between a key that answers and one that does not. This one remembers
//! what it wrote (cells, pen, cursor) and sends differences only. It knows nothing of where bytes go. Start at
//! [`Encoder::encode`]; `backend` is the same thing behind ratatui's trait.
//!
//! Only what a VT102 with colours knows is used (CUP and relative moves, EL, ED, IL/DL within DECSTBM, SGR), plus
//! synchronized-output marks (mode 2026), which terminals that don't know them ignore.

mod backend;
mod grid;
mod links;
mod pen;
mod shift;
#[cfg(test)]
mod tests;
mod travel;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;

use super::hyperlink::Hyperlink;
use grid::{Grid, cells_of, is_blank};
use pen::Pen;
use travel::{Place, relative_len, travel};

/// Whether large frames are put between synchronized-output marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncOutput {
    /// They are: the terminal shows the frame at once.
    Marked,
    /// They are, until the terminal has said that it does not know them.
    Asked,
    /// They are not.
    Unmarked,
}

/// Whether the terminal moves rows by inserting and deleting lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEdits {
    /// It does, as since the VT102.
    Known,
    /// It does not: rows that move are written anew.
    Unknown,
}

/// Frames no larger than this fit one packet of any link and arrive in one piece anyway.
const SYNC_FROM: usize = 512;
const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";
const ERASE_TO_END_OF_LINE: &[u8] = b"\x1b[K";

/// Encodes frames against what was last encoded.
#[derive(Debug)]
pub struct Encoder {
    out: Vec<u8>,
    /// Where in `out` what is drawn of a row ends, and what comes before the first.
    row_ends: Vec<usize>,
    sync: SyncOutput,
    line_edits: LineEdits,
    links: links::Links,
    shown: Option<Grid>,
    /// The next frame; between frames the one that is shown.
    next: Grid,
    /// The last frame as it was handed over: a row that is the same again is not looked at.
    drawn: Vec<Cell>,
    pen: Option<Pen>,
    place: Place,
    cursor: Cursor,
    /// What [`ratatui::backend::Backend`] calls have drawn so far.
    canvas: backend::Canvas,
}

/// Whether the terminal shows its cursor, as far as we told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Unknown,
    Hidden,
    Shown,
}

impl Encoder {
    /// An encoder that knows nothing of the terminal: its first frame is sent whole.
    pub fn new(sync: SyncOutput) -> Self {
        Self {
            out: Vec::new(),
            row_ends: Vec::new(),
            sync,
            line_edits: LineEdits::Known,
            links: links::Links::default(),
            shown: None,
            next: Grid::default(),
            drawn: Vec::new(),
            pen: None,
            place: Place::Unknown,
            cursor: Cursor::Unknown,
            canvas: backend::Canvas::default(),
        }
    }

    /// The same for a terminal that may lack IL and DL.
    #[must_use]
    pub fn with_line_edits(self, line_edits: LineEdits) -> Self {
        Self { line_edits, ..self }
    }

    /// Puts no frame between marks any more.
    pub fn leave_unmarked(&mut self) {
        self.sync = SyncOutput::Unmarked;
    }

    /// These cells of the next frame lead somewhere, and no others.
    pub fn link(&mut self, links: &[Hyperlink]) {
        if self.links.next(links) == links::Numbers::Anew {
            // Cells that are shown bear numbers of before.
            self.invalidate();
        }
    }

    /// Forgets what was written: the next frame is sent whole.
    pub fn invalidate(&mut self) {
        self.shown = None;
        self.pen = None;
        self.place = Place::Unknown;
        self.cursor = Cursor::Unknown;
    }

    /// Encodes what turns the screen into `frame`, with the cursor at `cursor` or hidden. The bytes wait for
    /// [`Encoder::take`]; none where nothing changed.
    pub fn encode(&mut self, frame: &Buffer, cursor: Option<Position>) {
        let start = self.out.len();
        let ends_before = self.row_ends.len();
        let mut changed = self.take_rows(frame);
        let same_size = |shown: &Grid| shown.size() == self.next.size();
        let mut shown = if let Some(shown) = self.shown.take().filter(same_size) {
            changed.retain(|&y| shown.row(y) != self.next.row(y));
            shown
        } else {
            let blank = self.wipe();
            changed = shift::changed(&blank, &self.next);
            blank
        };
        if self.line_edits == LineEdits::Known
            && let Some(shift) = shift::find(&shown, &self.next, &changed)
        {
            self.scroll(shift);
            shown.scroll(shift.top, shift.bottom, shift.rows);
            changed = shift::changed(&shown, &self.next);
        }
        let next = std::mem::take(&mut self.next);
        self.end_row(start);
        for y in changed {
            let before = self.out.len();
            self.row(y, shown.row(y), next.row(y));
            self.end_row(before);
            shown.copy_row(&next, y);
        }
        self.next = next;
        self.shown = Some(shown);
        // What is written by others, or erased, leads nowhere.
        if self.pen.is_some_and(|pen| pen.link != 0) {
            self.draw_with(Pen::PLAIN);
        }
        self.set_cursor(cursor);
        if self.sync != SyncOutput::Unmarked && self.out.len() - start > SYNC_FROM {
            self.out.splice(start..start, SYNC_BEGIN.iter().copied());
            for end in self.row_ends.iter_mut().skip(ends_before) {
                *end += SYNC_BEGIN.len();
            }
            self.out.extend_from_slice(SYNC_END);
        }
    }

    /// Takes those rows of a frame that are not what was drawn there before; which.
    fn take_rows(&mut self, frame: &Buffer) -> Vec<u16> {
        let size = frame.area.as_size();
        let is_known = self.next.size() == size && self.drawn.len() == frame.content.len();
        if !is_known || self.links.are_there() {
            self.next.take(frame);
            self.links.mark(&mut self.next);
            self.drawn.clone_from(&frame.content);
            return (0..size.height).collect();
        }
        let width = usize::from(size.width).max(1);
        let mut taken = Vec::new();
        let rows = self.drawn.chunks_mut(width).zip(frame.content.chunks(width));
        for (y, (drawn, row)) in (0..).zip(rows) {
            if drawn != row {
                drawn.clone_from_slice(row);
                self.next.take_row(frame, y);
                taken.push(y);
            }
        }
        taken
    }

    /// Encodes a frame that differs from the last one in a row alone, and in no link; no cursor is in it.
    pub fn encode_row(&mut self, frame: &Buffer, y: u16) {
        let size = frame.area.as_size();
        let Some(mut shown) = self.shown.take().filter(|shown| shown.size() == size) else {
            return self.encode(frame, None);
        };
        self.next.take_row(frame, y);
        self.links.mark_row(&mut self.next, y);
        let width = usize::from(size.width);
        let cells = usize::from(y) * width..usize::from(y + 1) * width;
        if let (Some(drawn), Some(row)) = (self.drawn.get_mut(cells.clone()), frame.content.get(cells)) {
            drawn.clone_from_slice(row);
        }
        let next = std::mem::take(&mut self.next);
        let before = self.out.len();
        self.row(y, shown.row(y), next.row(y));
        if self.pen.is_some_and(|pen| pen.link != 0) {
            self.draw_with(Pen::PLAIN);
        }
        self.set_cursor(None);
        self.end_row(before);
        shown.copy_row(&next, y);
        self.next = next;
        self.shown = Some(shown);
    }

    /// The bytes encoded since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        self.row_ends.clear();
        std::mem::take(&mut self.out)
    }

    /// Where the bytes that wait may be parted without a row that is half the old one and half the new: offsets,
    /// ascending. To be asked before [`Encoder::take`].
    pub fn row_ends(&self) -> &[usize] {
        &self.row_ends
    }

    /// What was written since `before` is one.
    fn end_row(&mut self, before: usize) {
        if self.out.len() > before {
            self.row_ends.push(self.out.len());
        }
    }

    /// A blank screen of the next frame's size, whatever was there.
    fn wipe(&mut self) -> Grid {
        if self.cursor != Cursor::Hidden {
            self.out.extend_from_slice(b"\x1b[?25l");
            self.cursor = Cursor::Hidden;
        }
        self.draw_with(Pen::PLAIN);
        self.out.extend_from_slice(b"\x1b[H\x1b[2J");
        self.place = Place::At(Position::ORIGIN);
        let mut blank = Grid::default();
        blank.blank(self.next.size());
        blank
    }

    /// Moves whole rows by inserting or deleting lines at the top of a scroll region (SU and SD would be shorter,
    /// but the Linux console lacks them).
    fn scroll(&mut self, shift: shift::Shift) {
        let last = self.next.size().height.saturating_sub(1);
        self.erase_with_plain();
        if shift.bottom < last {
            self.out.extend_from_slice(b"\x1b[");
            push_number(shift.top + 1, &mut self.out);
            self.out.push(b';');
            push_number(shift.bottom + 1, &mut self.out);
            self.out.push(b'r');
            self.place = Place::Unknown;
        }
        self.go_to(0, shift.top);
        self.out.extend_from_slice(b"\x1b[");
        let rows = u16::try_from(shift.rows.unsigned_abs()).unwrap_or(1);
        if rows > 1 {
            push_number(rows, &mut self.out);
        }
        self.out.push(if shift.rows > 0 { b'M' } else { b'L' });
        if shift.bottom < last {
            self.out.extend_from_slice(b"\x1b[r");
        }
        self.place = Place::Unknown;
    }

    fn row(&mut self, y: u16, shown: &[Cell], next: &[Cell]) {
        let differs = |x: usize| shown.get(x) != next.get(x);
        let Some(first) = (0..next.len()).find(|&x| differs(x)) else {
            return;
        };
        let tail = next
            .iter()
            .rposition(|cell| !(is_blank(cell) && Pen::of(cell) == Pen::PLAIN))
            .map_or(0, |last_inked| last_inked + 1);
        let erase_from = (first.max(tail)..next.len()).find(|&x| differs(x));
        let erase_to = (tail..next.len()).rfind(|&x| differs(x));
        let erase = match (erase_from, erase_to) {
            (Some(from), Some(to)) if to - from >= ERASE_TO_END_OF_LINE.len() => Some(from),
            _ => None,
        };
        for x in first..erase.unwrap_or(next.len()) {
            if differs(x) && next.get(x).is_some_and(|cell| cells_of(cell) > 0) {
                self.reach(x, y, next);
                self.draw(x, y, shown, next);
            }
        }
        if let Some(from) = erase {
            self.reach(from, y, next);
            self.erase_with_plain();
            self.out.extend_from_slice(ERASE_TO_END_OF_LINE);
        }
    }

    /// Goes to a cell, through the cells between where printing those again is no longer than moving.
    fn reach(&mut self, x: usize, y: u16, row: &[Cell]) {
        if let Place::At(at) = self.place
            && at.y == y
            && usize::from(at.x) < x
        {
            let gap = row.get(usize::from(at.x)..x).unwrap_or_default();
            let by = relative_len(u16::try_from(gap.len()).unwrap_or(u16::MAX));
            let bytes: usize = gap.iter().map(|cell| cell.symbol().len()).sum();
            if bytes <= by && gap.iter().all(|cell| self.draws(cell)) {
                for cell in gap {
                    self.out.extend_from_slice(cell.symbol().as_bytes());
                }
                self.place = Place::At(Position { x: x as u16, y });
            }
        }
        self.go_to(x as u16, y);
    }

    /// Whether the present pen draws this cell as it is, and its width is beyond doubt.
    fn draws(&self, cell: &Cell) -> bool {
        let simple = cell.symbol().chars().count() == 1 && cells_of(cell) == 1;
        simple && self.pen.is_some_and(|pen| draws_as(pen, cell))
    }

    fn draw(&mut self, x: usize, y: u16, shown: &[Cell], row: &[Cell]) {
        let Some(cell) = row.get(x) else { return };
        if !self.pen.is_some_and(|pen| draws_as(pen, cell)) {
            self.draw_with(pen_ahead(x, shown, row));
        }
        let symbol = cell.symbol();
        let cells = cells_of(cell);
        let cluster = symbol.chars().nth(1).is_some();
        if cluster && cells > 1 {
            // Terminals disagree how wide a cluster is; where it is narrower than we think, these show.
            self.out.extend_from_slice(b"  ");
            let beyond = if x + 2 < row.len() {
                Place::At(Position { x: x as u16 + 2, y })
            } else {
                Place::Edge { y }
            };
            self.place = beyond;
            self.go_to(x as u16, y);
        }
        self.out.extend_from_slice(symbol.as_bytes());
        let beyond = x + usize::from(cells);
        self.place = if cluster {
            Place::Unknown
        } else if beyond < row.len() {
            Place::At(Position { x: beyond as u16, y })
        } else {
            Place::Edge { y }
        };
    }

    fn set_cursor(&mut self, cursor: Option<Position>) {
        let wanted = match cursor {
            Some(at) => {
                self.go_to(at.x, at.y);
                Cursor::Shown
            }
            None => Cursor::Hidden,
        };
        if self.cursor != wanted {
            let code: &[u8] = if wanted == Cursor::Shown {
                b"\x1b[?25h"
            } else {
                b"\x1b[?25l"
            };
            self.out.extend_from_slice(code);
            self.cursor = wanted;
        }
    }

    fn go_to(&mut self, x: u16, y: u16) {
        let to = Position { x, y };
        travel(self.place, to, &mut self.out);
        self.place = Place::At(to);
    }

    fn draw_with(&mut self, pen: Pen) {
        if self.pen.map(|old| old.link) != Some(pen.link) {
            self.links.turn_to(pen.link, self.pen.is_some(), &mut self.out);
        }
        pen::transition(self.pen, pen, &mut self.out);
        self.pen = Some(pen);
    }

    fn erase_with_plain(&mut self) {
        if !self.pen.is_some_and(Pen::erases_plain) {
            self.draw_with(Pen::PLAIN);
        }
    }
}

fn draws_as(pen: Pen, cell: &Cell) -> bool {
    if is_blank(cell) {
        pen.draws_blank_of(Pen::of(cell))
    } else {
        pen == Pen::of(cell)
    }
}

/// The pen to change to for the cell at `x`. A blank takes the one of the text it leads to, where that
/// draws it as well: one change instead of two.
fn pen_ahead(x: usize, shown: &[Cell], row: &[Cell]) -> Pen {
    let Some(cell) = row.get(x) else {
        return Pen::PLAIN;
    };
    let own = Pen::of(cell);
    if !is_blank(cell) {
        return own;
    }
    let ahead = row.iter().zip(shown).skip(x).find(|(cell, _)| !is_blank(cell));
    ahead
        .filter(|(cell, old)| cell != old && cells_of(cell) > 0)
        .map(|(cell, _)| Pen::of(cell))
        .filter(|pen| pen.draws_blank_of(own))
        .unwrap_or(own)
}

fn push_number(number: u16, out: &mut Vec<u8>) {
    let mut divisor = 1;
    while number / divisor > 9 {
        divisor *= 10;
    }
    while divisor > 0 {
        out.push(b'0' + (number / divisor % 10) as u8);
        divisor /= 10;
    }
}
