//! What lies over everything and has the keys: a box in the middle, as large as it needs to be and may.

mod compose;
mod composer;
mod confirm;
pub(super) mod cost;
mod health;
mod help;
pub(super) mod input;
mod menu;
mod palette;
mod pick;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use super::Scene;
use super::pane::thumb;
use super::sheet::Sheet;
use super::widget::frame::{self, Frame};
use super::widget::{self, Piece};
use crate::app::modal::Modal;
use crate::terminal::Focused;
use crate::text::SafeText;

pub(super) use confirm::window as question_window;

/// Draws what is open; where text is being typed.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect) -> Option<Position> {
    match scene.model.modal.as_ref()? {
        Modal::Help { scroll } => {
            page(
                scene,
                buffer,
                body,
                "Keys",
                &help::sheet(scene, page_width(body)),
                *scroll,
            );
            None
        }
        Modal::Health { scroll } => {
            page(
                scene,
                buffer,
                body,
                "Health",
                &health::sheet(scene, page_width(body)),
                *scroll,
            );
            None
        }
        Modal::Palette(open) => palette::draw(scene, buffer, body, open),
        Modal::Confirm(open) => confirm::draw(scene, buffer, body, open),
        Modal::Composer(open) => composer::draw(scene, buffer, body, open),
        Modal::Compose(open) => compose::draw(scene, buffer, body, open),
        Modal::Menu(open) => {
            menu::draw(scene, buffer, body, open);
            None
        }
        Modal::Pick(open) => pick::draw(scene, buffer, body, open),
        // Drawn by the bottom bar.
        Modal::Prompt(_) => None,
    }
}

/// The furthest that help and health can be scrolled.
pub(super) fn furthest(scene: Scene, body: Rect) -> usize {
    let sheet = match &scene.model.modal {
        Some(Modal::Help { .. }) => help::sheet(scene, page_width(body)),
        Some(Modal::Health { .. }) => health::sheet(scene, page_width(body)),
        Some(
            Modal::Confirm(_)
            | Modal::Palette(_)
            | Modal::Composer(_)
            | Modal::Compose(_)
            | Modal::Menu(_)
            | Modal::Prompt(_)
            | Modal::Pick(_),
        )
        | None => {
            return 0;
        }
    };
    let height = sheet.height(page_width(body));
    height.saturating_sub(usize::from(body.height.saturating_sub(2)))
}

/// Help and health are no wider: a line of prose longer than this is hard to follow.
const PAGE_WIDTH: u16 = 104;

/// Cells of a page's lines.
fn page_width(body: Rect) -> u16 {
    PAGE_WIDTH.min(body.width).saturating_sub(4)
}

/// Opens an empty box of at most this size (border included) in the middle; its inside, with margins.
fn boxed(
    scene: Scene,
    buffer: &mut Buffer,
    body: Rect,
    most: Size,
    title: &str,
    foot: Vec<Piece>,
) -> (Rect, Rect) {
    let width = most.width.min(body.width);
    let height = most.height.min(body.height);
    let area = Rect::new(
        body.x + (body.width - width) / 2,
        // A little above the middle, where the eye is.
        body.y + (body.height - height) / 3,
        width,
        height,
    );
    let area = widget::clip(buffer, area);
    widget::clear(buffer, air(area, body));
    widget::ground(buffer, area, scene.theme);
    let frame = Frame {
        foot,
        ..Frame::titled(SafeText::line(title), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let text = widget::after(inside, 1);
    let text = Rect {
        width: text.width.saturating_sub(1),
        ..text
    };
    (area, text)
}

/// A side that is narrower says nothing: stumps of words.
const LEAST_BESIDE: u16 = 20;

/// A cell of air around a box, so that no border below seems to be its own; the whole width where beside it there
/// would be nothing but stumps.
fn air(area: Rect, body: Rect) -> Rect {
    let around = Rect::new(
        area.x.saturating_sub(1),
        area.y.saturating_sub(1),
        area.width + 2,
        area.height + 2,
    )
    .intersection(body);
    if body.right().saturating_sub(around.right()) < LEAST_BESIDE {
        return Rect {
            x: body.x,
            width: body.width,
            ..around
        };
    }
    around
}

/// A page that scrolls.
fn page(scene: Scene, buffer: &mut Buffer, body: Rect, title: &str, sheet: &Sheet, scroll: u16) {
    let width = PAGE_WIDTH.min(body.width);
    let rows = sheet.height(page_width(body));
    let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2);
    let (area, text) = boxed(scene, buffer, body, Size::new(width, height), title, Vec::new());
    let extent = sheet.draw(scene, buffer, text, scroll);
    thumb(scene, buffer, area, extent, Focused::Gained);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_a_box_there_is_enough_to_read_or_nothing() {
        let body = Rect::new(0, 1, 80, 22);
        let wide = Rect::new(6, 8, 68, 6);
        assert_eq!(air(wide, body), Rect::new(0, 7, 80, 8));
        let narrow = Rect::new(28, 8, 24, 6);
        assert_eq!(air(narrow, body), Rect::new(27, 7, 26, 8));
        let whole = Rect::new(0, 1, 80, 22);
        assert_eq!(air(whole, body), body);
    }
}
