//! A list to choose from by typing: what is said above it, what is typed, what that finds.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use super::{boxed, input};
use crate::app::modal::{ConfirmLine, Pick, PickFor};
use crate::terminal::Focused;
use crate::text::{SafeText, fit, width};
use crate::theme::Role;
use crate::view::Scene;
use crate::view::pane::thumb;
use crate::view::sheet::Sheet;
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece, columns};

/// Marks the last row of what is said where there is no room for the rest of it.
fn goes_on(scene: Scene, buffer: &mut Buffer, row: Rect) {
    let is_blank = |x: u16| buffer.cell((x, row.y)).is_none_or(|cell| cell.symbol() == " ");
    let behind = (row.x..row.right()).rev().find(|x| !is_blank(*x));
    let at = behind.map_or(row.x, |last| (last + 1).min(row.right().saturating_sub(1)));
    let end = Rect {
        x: at,
        width: row.right().saturating_sub(at),
        ..row
    };
    scene.line(buffer, end, &[Piece::word("…", Role::StateStale)]);
}

/// Draws the list; where the cursor is.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect, open: &Pick) -> Option<Position> {
    let most = 84.min(body.width);
    let mut said = Sheet::default();
    if let Some(how) = scene.model.incidents.left(&open.incident, scene.us) {
        said.prose(&format!("✗ {how}; nothing would be sent"), Role::StateFailed);
    }
    for line in &open.lines {
        match line {
            ConfirmLine::Warning(text) => said.prose(&format!("! {text}"), Role::StateStale),
            ConfirmLine::Plain(text) | ConfirmLine::Argument { text, .. } => said.prose(text, Role::Text),
        }
    }
    let above = u16::try_from(said.height(most.saturating_sub(4))).unwrap_or(u16::MAX);
    let items = match &open.items {
        Some(Ok(items)) => items.as_slice(),
        Some(Err(_)) | None => &[],
    };
    let rows = u16::try_from(items.len().clamp(3, 14)).unwrap_or(14);
    let height = above.saturating_add(rows + 4);
    let (area, text) = boxed(
        scene,
        buffer,
        body,
        Size::new(most, height),
        &open.title,
        Vec::new(),
    );
    // What is typed and three rows of the list come before the end of what is said.
    let above = above.min(text.height.saturating_sub(5));
    let said_area = Rect {
        height: above,
        ..text
    };
    let extent = said.draw(scene, buffer, said_area, 0);
    if extent.total > extent.shown {
        goes_on(scene, buffer, widget::row(said_area, above.saturating_sub(1)));
    }
    let rest = Rect {
        y: text.y + above,
        height: text.height - above,
        ..text
    };
    let prompt = widget::row(rest, 0);
    let used = scene.line(buffer, prompt, &[Piece::word("> ", Role::Key)]);
    let cursor = input::draw(scene, buffer, widget::after(prompt, used), &open.input);
    let gap = u16::from(rest.height > 5);
    let list = Rect {
        y: rest.y + 1 + gap,
        height: rest.height.saturating_sub(1 + gap),
        ..rest
    };
    let instead = match &open.items {
        None => Some((waiting(open.what).to_owned(), Role::StateBusy)),
        Some(Err(why)) => Some((why.clone(), Role::StateFailed)),
        Some(Ok(_)) if open.hits.is_empty() => Some(("nothing by that name".to_owned(), Role::TextMuted)),
        Some(Ok(_)) => None,
    };
    if let Some((text, role)) = instead {
        let mut sheet = Sheet::default();
        sheet.prose(&text, role);
        sheet.draw(scene, buffer, list, 0);
        return cursor;
    }
    let shown = usize::from(list.height);
    let first = (open.cursor + 1).saturating_sub(shown);
    let names = items
        .iter()
        .map(|item| width(&item.name))
        .max()
        .unwrap_or(0)
        .clamp(8, 34);
    for (line, (index, &hit)) in open.hits.iter().enumerate().skip(first).take(shown).enumerate() {
        let Some(item) = items.get(hit) else {
            continue;
        };
        let row = widget::row(list, line as u16);
        let selected = index == open.cursor;
        if selected {
            let mark = Rect {
                x: row.x.saturating_sub(1),
                width: 1,
                ..row
            };
            columns::draw_cursor(buffer, mark, scene.theme);
        }
        let role = match (&item.leads, selected) {
            (Err(_), _) => Role::TextDim,
            (Ok(_), true) => Role::TextStrong,
            (Ok(_), false) => Role::Text,
        };
        let pieces = [
            Piece::own(fit(SafeText::line(&item.name).as_str(), names), role),
            Piece::word("  ", role),
            Piece::safe(
                SafeText::line(&item.note),
                if item.leads.is_err() {
                    Role::TextDim
                } else {
                    Role::TextMuted
                },
            ),
        ];
        scene.line(buffer, row, &pieces);
    }
    let extent = Extent {
        first,
        shown,
        total: open.hits.len(),
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
    cursor
}

fn waiting(what: PickFor) -> &'static str {
    match what {
        PickFor::Escalate => "asking who is on call on which level…",
        PickFor::Reassign => "asking for people and policies…",
        PickFor::Page | PickFor::Role(_) => "asking for people…",
        PickFor::Priority => "asking for priorities…",
    }
}
