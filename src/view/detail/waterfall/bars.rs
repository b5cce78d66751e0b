//! The bar of a line: exact to an eighth of a cell at both ends, its own time bright, what its children took faint.
//!
//! Where the span itself is the critical path a line is cut out of its bar, so that the colour stays the service's. What is
//! shorter than an eighth of a cell is a tick, never a widened bar. What is folded away and reaches further is a tail.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{Shapes, Sight};
use crate::app::traces::waterfall::rows::Line;
use crate::domain::trace::repeats::Repeat;
use crate::domain::trace::scale::{Bar, Fill, Scale, Seen};
use crate::domain::trace::{Nanos, Row, Stretch};
use crate::theme::Role;
use crate::view::pane::logs::service_role;
use crate::view::widget::put;

/// Blocks filled from the left, by eighths.
const LEFT: [&str; 9] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
/// Blocks filled from below, by eighths: how much of a cell the spans of a run fill.
const DENSE: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// From so many stretches a cell on, a cell is judged by the moment in its middle.
const MANY: usize = 8;

/// How the bars of a service are drawn.
#[derive(Debug, Clone, Copy)]
struct Ink {
    own: Style,
    faint: Style,
}

/// Draws bars; what they share is worked out once a frame.
pub(super) struct Brush<'a> {
    sight: Sight<'a>,
    /// Whose time the critical path is in the middle of each cell.
    path: Vec<Option<Row>>,
    /// By the service's role.
    inks: Vec<(Role, Ink)>,
    /// Eighths of each cell; used again and again.
    eighths: Vec<u16>,
}

/// A cell of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    fill: Fill,
    own: bool,
    path: bool,
    /// Whether the bar has no other cell.
    only: bool,
}

impl<'a> Brush<'a> {
    pub(super) fn new(sight: Sight<'a>) -> Self {
        let view = sight.scale.stretch();
        let cells = sight.scale.cells();
        let middle = |cell: u16| {
            Nanos(
                sight
                    .scale
                    .moment(cell)
                    .0
                    .midpoint(sight.scale.moment(cell + 1).0),
            )
        };
        let path = (0..cells).map(|cell| {
            let at = middle(cell);
            (view.from <= at && at <= view.to)
                .then(|| sight.aspect.path_at(at))
                .flatten()
        });
        Self {
            path: path.collect(),
            inks: Vec::new(),
            eighths: Vec::new(),
            sight,
        }
    }

    fn ink(&mut self, row: Row) -> Ink {
        let role = service_role(self.sight.study.trace.span(row).service);
        if let Some((_, ink)) = self.inks.iter().find(|(known, _)| *known == role) {
            return *ink;
        }
        let theme = self.sight.scene.theme;
        let ink = Ink {
            own: theme.style(role),
            faint: theme.faint(role),
        };
        self.inks.push((role, ink));
        ink
    }

    /// Draws the bar of a line.
    pub(super) fn draw(&mut self, buffer: &mut Buffer, area: Rect, line: Line) {
        let sight = self.sight;
        if area.is_empty() {
            return;
        }
        let ink = self.ink(line.row);
        if let Some(run) = sight.open.run_of(line) {
            return self.run(buffer, area, run, ink);
        }
        let time = sight.time(line.row);
        let subtree = sight.study.trace.subtree(line.row);
        let folded = sight.open.folds.is_closed(line.row);
        let guide = sight.scene.theme.style(Role::TraceGuide);
        if folded {
            dotted(
                buffer,
                area,
                &sight.scale,
                sight.aspect.reach(line.row),
                (tail(sight.shapes), guide),
            );
        }
        if let Some(ghost) = sight.ghost(line.row) {
            dotted(buffer, area, &sight.scale, ghost, (ghosts(sight.shapes), guide));
        }
        let bar = match sight.scale.bar(time) {
            Seen::Here(bar) => bar,
            seen => return beyond(buffer, area, seen, guide),
        };
        let leaf = subtree.len() == 1;
        if !leaf {
            self.own_eighths(line.row, &bar);
        }
        let cells = bar.cells();
        let only = cells.len() == 1;
        for cell in cells.clone() {
            let Some(fill) = bar.fill(cell) else { continue };
            let at = usize::from(cell);
            let filled = u16::from(eighths_of(fill));
            let own = leaf || self.eighths.get(at).is_some_and(|own| own * 2 >= filled.max(1));
            let path = match self.path.get(at).copied().flatten() {
                Some(row) if folded => subtree.contains(&row.index()),
                Some(row) => row == line.row,
                None => false,
            };
            let shape = Cell {
                fill,
                own,
                path,
                only,
            };
            paint(buffer, (area, cell), shape, (sight.shapes, ink));
        }
    }

    /// How many eighths of each cell are the span's own time.
    fn own_eighths(&mut self, row: Row, bar: &Bar) {
        let scale = &self.sight.scale;
        let view = scale.stretch();
        let own = self.sight.aspect.own.stretches(row);
        let first = own.partition_point(|stretch| stretch.to < view.from);
        let last = own.partition_point(|stretch| stretch.from <= view.to);
        let own = own.get(first..last).unwrap_or_default();
        self.eighths.clear();
        self.eighths.resize(usize::from(scale.cells()), 0);
        if own.len() > bar.cells().len() * MANY {
            for cell in bar.cells() {
                let at = Nanos(scale.moment(cell).0.midpoint(scale.moment(cell + 1).0));
                let next = own.partition_point(|stretch| stretch.to <= at);
                let runs = own.get(next).is_some_and(|stretch| stretch.from <= at);
                if let Some(eighths) = self.eighths.get_mut(usize::from(cell)) {
                    *eighths = if runs { 8 } else { 0 };
                }
            }
            return;
        }
        for stretch in own {
            let Seen::Here(bar) = scale.bar(*stretch) else {
                continue;
            };
            for cell in bar.cells() {
                let filled = bar.fill(cell).map_or(0, eighths_of);
                if let Some(eighths) = self.eighths.get_mut(usize::from(cell)) {
                    *eighths += u16::from(filled);
                }
            }
        }
    }

    /// A run of equal siblings: how much of each cell any of them fills.
    fn run(&mut self, buffer: &mut Buffer, area: Rect, run: &Repeat, ink: Ink) {
        let sight = self.sight;
        let trace = &sight.study.trace;
        let cells = usize::from(sight.scale.cells());
        let view = sight.scale.stretch();
        let per_nano = cells as f64 * 8.0 / view.nanos().max(1) as f64;
        let place = |at: Nanos| {
            let far = (at.0.saturating_sub(view.from.0) as f64 * per_nano).round();
            (far.max(0.0) as usize).min(cells * 8)
        };
        let mut edges = vec![0_i32; cells * 8 + 2];
        let mut row = run.first;
        while row.index() < run.rows.end {
            let time = sight.time(row);
            if time.to >= view.from && time.from <= view.to {
                let from = place(time.from);
                edges[from] += 1;
                edges[place(time.to).max(from + 1)] -= 1;
            }
            row = Row(trace.subtree(row).end as u32);
        }
        self.eighths.clear();
        self.eighths.resize(cells, 0);
        let mut running = 0;
        for (at, edge) in edges.iter().take(cells * 8).enumerate() {
            running += edge;
            self.eighths[at / 8] += u16::from(running > 0);
        }
        for (cell, filled) in self.eighths.iter().enumerate().filter(|(_, filled)| **filled > 0) {
            let path = self.path[cell].is_some_and(|row| run.rows.contains(&row.index()));
            let symbol = match (sight.shapes, filled) {
                (Shapes::Ascii, _) if path => "#",
                (Shapes::Ascii, 0..4) => ".",
                (Shapes::Ascii, _) => "=",
                (Shapes::Blocks | Shapes::Shades, 8) if path => "━",
                (Shapes::Blocks | Shapes::Shades, filled) => DENSE[usize::from(*filled).min(8)],
            };
            let style = if symbol == "━" {
                ink.own.add_modifier(Modifier::REVERSED)
            } else {
                ink.own
            };
            at(buffer, (area, cell as u16), symbol, style);
        }
    }
}

fn eighths_of(fill: Fill) -> u8 {
    match fill {
        Fill::Full => 8,
        Fill::Left(part) | Fill::Right(part) => part,
        Fill::Tick => 0,
    }
}

fn at(buffer: &mut Buffer, (area, cell): (Rect, u16), symbol: &str, style: Style) {
    if cell < area.width {
        put(buffer, Rect::new(area.x + cell, area.y, 1, 1), symbol, style);
    }
}

/// One cell of a bar.
fn paint(buffer: &mut Buffer, place: (Rect, u16), cell: Cell, (shapes, ink): (Shapes, Ink)) {
    let style = if cell.own { ink.own } else { ink.faint };
    let reversed = style.add_modifier(Modifier::REVERSED);
    let (symbol, style) = match (shapes, cell.fill) {
        (Shapes::Ascii, fill) => match ascii(cell, fill) {
            Some(symbol) => (symbol, style),
            None => return,
        },
        (_, Fill::Tick) => ("╎", style),
        (_, Fill::Full) if cell.path => ("━", reversed),
        (Shapes::Shades, Fill::Full) if !cell.own => ("▒", style),
        (_, Fill::Full) => ("█", style),
        (_, Fill::Left(part)) => (LEFT[usize::from(part.min(8))], style),
        (_, Fill::Right(1)) => ("▕", style),
        (_, Fill::Right(4)) => ("▐", style),
        // What is not filled, in the ground's colour.
        (_, Fill::Right(part)) => (LEFT[usize::from(8_u8.saturating_sub(part))], reversed),
    };
    at(buffer, place, symbol, style);
}

/// The same to half a cell: nothing for less, unless nothing would be left of the bar.
fn ascii(cell: Cell, fill: Fill) -> Option<&'static str> {
    if fill == Fill::Tick {
        return Some("|");
    }
    if eighths_of(fill) < 4 && !cell.only {
        return None;
    }
    Some(match (cell.path, cell.own) {
        (true, _) => "#",
        (false, true) => "=",
        (false, false) => "-",
    })
}

fn tail(shapes: Shapes) -> &'static str {
    match shapes {
        Shapes::Blocks | Shapes::Shades => "╌",
        Shapes::Ascii => "~",
    }
}

fn ghosts(shapes: Shapes) -> &'static str {
    match shapes {
        Shapes::Blocks | Shapes::Shades => "·",
        Shapes::Ascii => ".",
    }
}

/// A stretch in one symbol, over which the bar itself is drawn.
fn dotted(buffer: &mut Buffer, area: Rect, scale: &Scale, stretch: Stretch, (symbol, style): (&str, Style)) {
    if let Seen::Here(bar) = scale.bar(stretch) {
        for cell in bar.cells() {
            at(buffer, (area, cell), symbol, style);
        }
    }
}

/// Where a bar is that is not in view.
fn beyond(buffer: &mut Buffer, area: Rect, seen: Seen, style: Style) {
    match seen {
        Seen::Before => at(buffer, (area, 0), "◂", style),
        Seen::Behind => at(buffer, (area, area.width.saturating_sub(1)), "▸", style),
        Seen::Here(_) => {}
    }
}

/// Lines down through what is empty: where the span under the cursor begins, and the moment that is marked.
pub(super) fn columns(sight: Sight, buffer: &mut Buffer, area: Rect) {
    let begin = sight.time(sight.open.cursor).from;
    let symbol = match sight.shapes {
        Shapes::Blocks | Shapes::Shades => "┊",
        Shapes::Ascii => ":",
    };
    let marks = [(Some(begin), Role::TraceGuide), (sight.open.mark, Role::Accent)];
    for (moment, role) in marks {
        let Some(cell) = moment.and_then(|moment| sight.scale.cell(moment)) else {
            continue;
        };
        let style = sight.scene.theme.style(role);
        for y in rows_of(area) {
            let place = (area.x + cell, y);
            if cell < area.width
                && let Some(cell) = buffer.cell_mut(place)
                && cell.symbol() == " "
            {
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }
}

fn rows_of(area: Rect) -> Range<u16> {
    area.y..area.bottom()
}
