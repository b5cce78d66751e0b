//! The command palette: what is typed, and what it finds, best first.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use super::{boxed, input};
use crate::app::modal::Palette;
use crate::terminal::Focused;
use crate::text::{SafeText, fit};
use crate::theme::Role;
use crate::view::Scene;
use crate::view::pane::thumb;
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::text_block::shortened;
use crate::view::widget::{self, Piece, columns};

/// Rows for what the chosen one does, where it is narrow.
const BELOW: u16 = 2;

/// Draws the palette; where the cursor is.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect, open: &Palette) -> Option<Position> {
    let foot = vec![Piece::own(
        format!("{} of {}", open.hits.len(), open.items.len()),
        Role::TextMuted,
    )];
    let (area, text) = boxed(scene, buffer, body, Size::new(96, 24), "Command", foot);
    let prompt = widget::row(text, 0);
    let used = scene.line(buffer, prompt, &[Piece::word(": ", Role::Key)]);
    let cursor = input::draw(scene, buffer, widget::after(prompt, used), &open.input);
    let gap = u16::from(text.height > 6);
    let list = Rect {
        y: text.y + 1 + gap,
        height: text.height.saturating_sub(1 + gap),
        ..text
    };
    if open.hits.is_empty() {
        let nothing =
            "nothing by that name; actions, views, contexts and themes are found by any of their letters";
        scene.line(
            buffer,
            widget::row(list, 0),
            &[Piece::word(nothing, Role::TextMuted)],
        );
        return cursor;
    }
    // Where a row has no room for more than a name, what the chosen one does stands below them all.
    let narrow = list.width < 60;
    let below = if narrow { BELOW.min(list.height / 2) } else { 0 };
    let list = Rect {
        height: list.height - below,
        ..list
    };
    if let Some(item) = open.hits.get(open.cursor).and_then(|&hit| open.items.get(hit)) {
        let title = SafeText::line(&item.title);
        let words = shortened(title.as_str(), usize::from(list.width), usize::from(below));
        for (y, words) in (list.bottom()..).zip(words) {
            scene.line(
                buffer,
                Rect { y, height: 1, ..list },
                &[Piece::own(words, Role::TextMuted)],
            );
        }
    }
    let rows = usize::from(list.height);
    let first = (open.cursor + 1).saturating_sub(rows);
    let keys_width = 9;
    let names = if narrow {
        usize::from(list.width).saturating_sub(keys_width + 1)
    } else {
        26
    };
    for (line, (index, &hit)) in open.hits.iter().enumerate().skip(first).take(rows).enumerate() {
        let Some(item) = open.items.get(hit) else {
            continue;
        };
        let row = widget::row(list, line as u16);
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
        let title = Piece::safe(SafeText::line(&item.title), Role::TextMuted);
        // What was typed has no key: its room is the text's.
        if item.keys.is_empty() {
            let name = fit(SafeText::line(&item.name).as_str(), names + 1 + keys_width);
            let name = Piece::own(name, role);
            scene.line(buffer, row, &[name, Piece::word(" ", role), title]);
            continue;
        }
        let name = fit(SafeText::line(&item.name).as_str(), names);
        scene.line(
            buffer,
            row,
            &[
                Piece::own(name, role),
                Piece::word(" ", role),
                Piece::own(fit(SafeText::line(&item.keys).as_str(), keys_width), Role::Key),
                Piece::word(" ", role),
                title,
            ],
        );
    }
    let extent = Extent {
        first,
        shown: rows,
        total: open.hits.len(),
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
    cursor
}
