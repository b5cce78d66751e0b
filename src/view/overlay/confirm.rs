//! A question before something is done: warnings first, then what it hits, then what has to be typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use unicode_segmentation::UnicodeSegmentation as _;

use super::{boxed, input};
use crate::action::Action;
use crate::app::attention::Window;
use crate::app::modal::{Confirm, ConfirmLine, Then};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::sheet::Sheet;
use crate::view::widget::{self, Piece};
use crate::view::{Scene, hints};

/// Cells of the box.
const WIDTH: u16 = 76;

/// Rows of what is asked at the end: the keys, or what has to be typed.
fn asks(open: &Confirm) -> u16 {
    if open.typed.is_empty() { 1 } else { 2 }
}

/// Rows that are left for the list: what has to be typed is always in sight, the list gives way.
fn list_rows(inside: u16, asks: u16) -> u16 {
    let asks = asks.min(inside);
    let gap = u16::from(inside > asks + 2);
    inside - asks - gap.min(inside - asks)
}

/// What of its lines is in sight.
pub(in crate::view) fn window(body: Rect, open: &Confirm, size: Size) -> Window {
    let width = WIDTH.min(body.width);
    let asks = asks(open);
    let total = sheet(open, width).height(width.saturating_sub(4));
    let height = u16::try_from(total).unwrap_or(u16::MAX).saturating_add(asks + 3);
    let inside = height.min(body.height).saturating_sub(2);
    let rows = usize::from(list_rows(inside, asks));
    let first = usize::from(open.scroll).min(total.saturating_sub(rows));
    let below = total.saturating_sub(first + rows);
    // The last row says that there is more.
    let shown = if below > 0 && rows > 1 { rows - 1 } else { rows };
    Window {
        size,
        first,
        rows,
        shown: shown.min(total),
        total,
    }
}

/// Warnings first, then what is hit.
fn sheet(open: &Confirm, width: u16) -> Sheet<'static> {
    let mut sheet = Sheet::default();
    for line in &open.lines {
        if let ConfirmLine::Warning(text) = line {
            sheet.prose(&format!("! {text}"), Role::StateStale);
        }
    }
    for line in &open.lines {
        match line {
            ConfirmLine::Warning(_) => {}
            // A command is read on any terminal, and none of what is said of it is cut.
            ConfirmLine::Plain(text) if matches!(open.then, Then::Run(_) | Then::Rehearsed(_)) => {
                match text.as_str() {
                    "" => sheet.blank(),
                    text => sheet.prose(text, Role::Text),
                }
            }
            ConfirmLine::Plain(text) => {
                sheet.line(vec![Piece::safe(SafeText::line(text).into_owned(), Role::Text)]);
            }
            ConfirmLine::Argument { text, from } => {
                argument(&mut sheet, text, from, usize::from(width.saturating_sub(6)));
            }
        }
    }
    sheet
}

/// An argument whole: broken where the line ends, with every blank it holds, and behind it what it came from.
fn argument(sheet: &mut Sheet, text: &str, from: &[String], room: usize) {
    let role = if from.is_empty() {
        Role::Text
    } else {
        Role::TextStrong
    };
    let safe = SafeText::line(text);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for grapheme in safe.as_str().graphemes(true) {
        let cells = crate::text::width(grapheme);
        if used + cells > room.max(2) {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(grapheme);
        }
        used += cells;
    }
    for (index, line) in lines.into_iter().enumerate() {
        let lead = if index == 0 { "  " } else { "↳ " };
        sheet.line(vec![Piece::word(lead, Role::TextMuted), Piece::own(line, role)]);
    }
    if !from.is_empty() {
        let names = SafeText::line(&from.join(", ")).into_string();
        sheet.line(vec![Piece::own(
            format!("    ↑ from the alert's {names}"),
            Role::Accent,
        )]);
    }
}

/// Draws the question; where the cursor is, if a word has to be typed.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect, open: &Confirm) -> Option<Position> {
    let width = WIDTH.min(body.width);
    let sheet = sheet(open, width);
    let asks = asks(open);
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
    let list = Rect {
        height: list_rows(text.height, asks),
        ..text
    };
    let asks = asks.min(text.height);
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
            let yes: &[Action] = if matches!(open.then, Then::Run(_)) {
                &[Action::DialogRun]
            } else {
                &[Action::DialogAccept, Action::DialogYes]
            };
            let no = &[Action::DialogLeave, Action::DialogNo];
            let key = |actions| Piece::own(hints::over(scene, actions).unwrap_or_default(), Role::Key);
            let keys = [
                key(yes),
                Piece::word(" does it   ", Role::TextMuted),
                key(no),
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
