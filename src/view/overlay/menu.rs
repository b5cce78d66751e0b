//! A short list to choose from, by letter or by cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use super::boxed;
use crate::app::modal::Menu;
use crate::text::{SafeText, width};
use crate::theme::Role;
use crate::view::Scene;
use crate::view::widget::{self, Piece, columns};

/// Draws the menu.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect, open: &Menu) {
    let widest = open
        .items
        .iter()
        .map(|item| width(&item.label))
        .max()
        .unwrap_or(0)
        .clamp(24, 84);
    let size = Size::new(widest as u16 + 8, open.items.len().min(200) as u16 + 2);
    let (_, text) = boxed(scene, buffer, body, size, open.title, Vec::new());
    let rows = usize::from(text.height);
    let first = (open.cursor + 1).saturating_sub(rows);
    for (line, (index, item)) in open.items.iter().enumerate().skip(first).take(rows).enumerate() {
        let row = widget::row(text, line as u16);
        let selected = index == open.cursor;
        if selected {
            columns::draw_cursor(
                buffer,
                Rect {
                    x: row.x.saturating_sub(1),
                    width: 1,
                    ..row
                },
                scene.theme,
            );
        }
        let role = if selected { Role::TextStrong } else { Role::Text };
        scene.line(
            buffer,
            row,
            &[
                Piece::own(format!("{}  ", item.key), Role::Key),
                Piece::safe(SafeText::line(&item.label), role),
            ],
        );
    }
}
