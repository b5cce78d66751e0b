//! A trace's waterfall: the tree at the left, the bars at the right.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::traces::waterfall::Reading;
use crate::domain::trace::TraceId;
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::Scene;
use crate::view::pane::{message, skeleton, traces::took};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::{self, Piece};

/// What a search says of its matches.
pub(in crate::view) fn matches_said(_scene: Scene) -> Piece<'static> {
    Piece::word("enter keeps · esc ends", Role::TextMuted)
}

/// Draws it.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect, id: TraceId) {
    let title = format!("Trace {id}");
    let inside = frame::draw(
        buffer,
        area,
        scene.theme,
        &Frame::titled(SafeText::line(&title), Focused::Gained),
    );
    let Some(open) = scene.model.traces.opened(id) else {
        return;
    };
    let study = match &open.reading {
        Reading::Asked { .. } => return skeleton(scene, buffer, inside),
        Reading::Failed(why) => {
            let head = ("The trace could not be read.", Role::StateFailed);
            return message(scene, buffer, inside, head, &[SafeText::line(why).into_string()]);
        }
        Reading::Here(study) => study,
    };
    let rows = (open.offset..study.trace.len()).take(usize::from(inside.height));
    for (line, index) in rows.enumerate() {
        let Some(row) = study.trace.row(index) else {
            continue;
        };
        let span = study.trace.span(row);
        let text = format!(
            "{}{} {} {}",
            "  ".repeat(span.depth.min(40) as usize),
            span.service,
            span.operation,
            took(span.duration)
        );
        let role = if row == open.cursor {
            Role::Accent
        } else {
            Role::Text
        };
        scene.line(
            buffer,
            widget::row(inside, line as u16),
            &[Piece::safe(SafeText::line(&text), role)],
        );
    }
}
