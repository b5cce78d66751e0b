//! A question before something is done: warnings first, then what it hits, then what has to be typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use super::{boxed, input};
use crate::app::modal::{Confirm, ConfirmLine};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::Scene;
use crate::view::sheet::Sheet;
use crate::view::widget::{self, Piece};

/// Draws the question; where the cursor is, if a word has to be typed.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect, open: &Confirm) -> Option<Position> {
    let width = 76.min(body.width);
    let mut sheet = Sheet::default();
    for line in &open.lines {
        if let ConfirmLine::Warning(text) = line {
            sheet.prose(&format!("! {text}"), Role::StateStale);
        }
    }
    for line in &open.lines {
        if let ConfirmLine::Plain(text) = line {
            sheet.line(vec![Piece::safe(SafeText::line(text).into_owned(), Role::Text)]);
        }
    }
    let asks = if open.typed.is_empty() { 1 } else { 2 };
    let rows = sheet.height(width.saturating_sub(4));
    let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(asks + 3);
    let (_, text) = boxed(
        scene,
        buffer,
        body,
        Size::new(width, height),
        &open.title,
        Vec::new(),
    );
    // What has to be typed is always in sight; the list gives way.
    let asks = asks.min(text.height);
    let gap = u16::from(text.height > asks + 2);
    let list = Rect {
        height: text.height - asks - gap.min(text.height - asks),
        ..text
    };
    let extent = sheet.draw(scene, buffer, list, open.scroll);
    let below = extent.total.saturating_sub(extent.first + extent.shown);
    if below > 0 && list.height > 1 {
        let row = widget::row(list, list.height - 1);
        let more = format!("↓ {} more", below + 1);
        let line = crate::text::fit(&more, usize::from(row.width));
        scene.line(buffer, row, &[Piece::own(line, Role::TextMuted)]);
    }
    let ask = Rect {
        y: text.bottom() - asks,
        height: asks,
        ..text
    };
    match open.typed.first() {
        None => {
            let keys = [
                Piece::word("enter y", Role::Key),
                Piece::word(" does it   ", Role::TextMuted),
                Piece::word("esc n", Role::Key),
                Piece::word(" leaves it undone", Role::TextMuted),
            ];
            scene.line(buffer, widget::row(ask, 0), &keys);
            None
        }
        Some(typed) => {
            let left = open.typed.len() - 1;
            let then = if left == 0 {
                String::new()
            } else {
                format!(" ({left} more after this)")
            };
            scene.line(
                buffer,
                widget::row(ask, 0),
                &[
                    Piece::own(format!("type {}: ", typed.what), Role::Text),
                    Piece::safe(SafeText::line(&typed.want), Role::TextStrong),
                    Piece::own(then, Role::TextMuted),
                ],
            );
            let row = widget::row(ask, 1);
            let used = scene.line(buffer, row, &[Piece::word("> ", Role::Key)]);
            input::draw(scene, buffer, widget::after(row, used), &typed.input)
        }
    }
}
