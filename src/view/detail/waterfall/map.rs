//! The whole trace in little with what of it is in view, the legend beside it, and the ruler.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Shapes, Sight};
use crate::app::traces::Minimap;
use crate::domain::trace::scale::Scale;
use crate::theme::Role;
use crate::view::widget::{self, Piece, put};

/// Dots of a braille cell from the left and from above, by their bits (Unicode 15.0, chapter 21.1).
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Cells between two marks of the ruler.
const APART: u16 = 14;

/// Draws the trace in little.
pub(super) fn draw(sight: Sight, buffer: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let map = &sight.aspect.map;
    let (across, down) = (usize::from(area.width) * 2, usize::from(area.height) * 4);
    let all = Scale::new(map.whole(), area.width);
    let view = sight.scale.stretch();
    let edge = |at| all.cell(at).unwrap_or(area.width.saturating_sub(1));
    let (from, to) = (edge(view.from.max(map.whole().from)), edge(view.to));
    let shown = sight.open.lines.get(sight.open.offset).map(|line| line.row);
    let first = shown.map(|row| Minimap::line_of(row, sight.study.trace.len(), usize::from(area.height)));
    for y in 0..area.height {
        for x in 0..area.width {
            let mut bits = 0;
            for (line, pair) in DOTS.iter().enumerate() {
                for (column, bit) in pair.iter().enumerate() {
                    let place = (usize::from(x) * 2 + column, usize::from(y) * 4 + line);
                    if map.dot((place.0, across), (place.1, down)) {
                        bits |= bit;
                    }
                }
            }
            let in_view = sight.open.view.is_none() || (from..=to).contains(&x);
            let failed = (0..2).any(|column| map.has_failed(usize::from(x) * 2 + column, across));
            let role = match (in_view, failed && bits != 0) {
                (true, true) => Role::TraceError,
                (true, false) => Role::TextMuted,
                (false, _) => Role::TraceGuide,
            };
            let symbol = match sight.shapes {
                Shapes::Ascii if bits.count_ones() == 0 => ' ',
                Shapes::Ascii if bits.count_ones() < 4 => '.',
                Shapes::Ascii => ':',
                Shapes::Blocks | Shapes::Shades => char::from_u32(0x2800 + bits).unwrap_or(' '),
            };
            let symbol = if bits == 0 { ' ' } else { symbol };
            let cell = Rect::new(area.x + x, area.y + y, 1, 1);
            put(
                buffer,
                cell,
                symbol.encode_utf8(&mut [0; 4]),
                sight.scene.theme.style(role),
            );
        }
        // The ends of what is in view.
        if sight.open.view.is_some() {
            let style = sight.scene.theme.style(Role::Accent);
            put(buffer, Rect::new(area.x + from, area.y + y, 1, 1), "⟨", style);
            put(buffer, Rect::new(area.x + to, area.y + y, 1, 1), "⟩", style);
        }
    }
    // Which of its rows are on the screen.
    if let Some(first) = first.filter(|_| area.x > 0) {
        let place = Rect::new(area.x - 1, area.y + first as u16, 1, 1);
        put(buffer, place, "▸", sight.scene.theme.style(Role::Accent));
    }
}

/// What the bars say, where there is room for it.
pub(super) fn legend(sight: Sight, buffer: &mut Buffer, area: Rect) {
    let (own, waits, path, short) = match sight.shapes {
        Shapes::Blocks => ("██", "██", "━━", "╎"),
        Shapes::Shades => ("██", "▒▒", "━━", "╎"),
        Shapes::Ascii => ("==", "--", "##", "|"),
    };
    let theme = sight.scene.theme;
    let role = Role::Service1;
    let reversed = theme.style(role).add_modifier(ratatui::style::Modifier::REVERSED);
    let path_style = if sight.shapes == Shapes::Ascii {
        theme.style(role)
    } else {
        reversed
    };
    let rows = [
        [
            (own, theme.style(role), "own time"),
            (waits, theme.faint(role), "its children's"),
        ],
        [
            (path, path_style, "critical path"),
            (short, theme.style(role), "too short to draw"),
        ],
    ];
    for (index, entries) in rows.iter().enumerate().take(usize::from(area.height)) {
        let mut row = widget::after(widget::row(area, index as u16), 2);
        row.width = row.width.saturating_sub(2);
        for (symbol, style, says) in entries {
            let needs = symbol.chars().count() + 1 + says.len();
            if usize::from(row.width) < needs {
                break;
            }
            let used = put(buffer, row, symbol, *style);
            row = widget::after(row, used + 1);
            let used = sight
                .scene
                .line(buffer, row, &[Piece::word(says, Role::TextMuted)]);
            row = widget::after(row, used + 2);
        }
    }
}

/// Draws the ruler: time since the trace began, in steps of 1, 2 or 5; where the span under the cursor begins.
pub(super) fn ruler(sight: Sight, buffer: &mut Buffer, area: Rect) {
    let theme = sight.scene.theme;
    let axis = theme.style(Role::ChartAxis);
    for mark in sight.scale.ruler(sight.aspect.whole.from, APART) {
        let room = widget::after(area, mark.cell);
        let text = format!("╷{}", mark.label);
        if usize::from(room.width) > text.chars().count() {
            put(buffer, room, &text, axis);
        }
    }
    let begin = sight.time(sight.open.cursor).from;
    let marks = [(Some(begin), "▾"), (sight.open.mark, "◆")];
    for (moment, symbol) in marks {
        if let Some(cell) = moment.and_then(|moment| sight.scale.cell(moment)) {
            let place = Rect::new(
                area.x + cell.min(area.width.saturating_sub(1)),
                area.y,
                1,
                area.height,
            );
            put(buffer, place, symbol, theme.style(Role::Accent));
        }
    }
}
