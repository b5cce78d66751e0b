//! Text being typed, drawn by ourselves: a window of the line or lines around the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_textarea::TextArea;

use crate::text::{SafeText, width};
use crate::theme::Role;
use crate::view::Scene;
use crate::view::widget::{self, Piece};

/// Draws the lines around the cursor into an area; where the cursor is.
pub(in crate::view) fn draw(
    scene: Scene,
    buffer: &mut Buffer,
    area: Rect,
    input: &TextArea<'static>,
) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let cursor = input.cursor();
    let (line, column) = (cursor.0, cursor.1);
    let first = (line + 1).saturating_sub(usize::from(area.height));
    for (index, text) in input
        .lines()
        .iter()
        .skip(first)
        .take(usize::from(area.height))
        .enumerate()
    {
        let row = widget::row(area, index as u16);
        let before = if index + first == line { column } else { 0 };
        let skipped = skipped(text, before, usize::from(area.width));
        let shown: String = text.chars().skip(skipped).collect();
        scene.line(buffer, row, &[Piece::safe(SafeText::line(&shown), Role::Input)]);
    }
    let text = input.lines().get(line).map_or("", String::as_str);
    let skipped = skipped(text, column, usize::from(area.width));
    let before: String = text
        .chars()
        .skip(skipped)
        .take(column.saturating_sub(skipped))
        .collect();
    let x = SafeText::line(&before).width().min(usize::from(area.width) - 1);
    let y = (line - first.min(line)) as u16;
    (y < area.height).then(|| Position::new(area.x + x as u16, area.y + y))
}

/// How many characters at the front go out of sight, so that the cursor is in it. Looks back from the cursor, so that
/// a hundred kilobytes cost what a line does.
fn skipped(text: &str, column: usize, cells: usize) -> usize {
    let end = text.char_indices().nth(column).map_or(text.len(), |(at, _)| at);
    let before = text.get(..end).unwrap_or_default();
    let mut used = 0;
    let mut shown = 0;
    for c in before.chars().rev() {
        used += width(SafeText::line(c.encode_utf8(&mut [0; 4])).as_str());
        if used >= cells {
            break;
        }
        shown += 1;
    }
    column.saturating_sub(shown)
}
