//! The incident pane: incidents that are open, and who has them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Border, Freshness, cells_of, framed, look, message, skeleton};
use crate::app::focus::PaneId;
use crate::domain::incident::Incident;
use crate::text::{Cut, SafeText};
use crate::theme::Role;
use crate::view::Scene;
use crate::view::layout::{HEADER_ROWS, list_rows};
use crate::view::widget::{self, Piece, put_pieces};

/// How old the list is.
pub(in crate::view) fn freshness(scene: Scene<'_>) -> Freshness<'_> {
    let feed = &scene.model.incidents.feed;
    Freshness {
        age: feed.age(scene.now.tick),
        interval: feed.interval,
        failure: feed.failure(),
    }
}

/// What the tab bar says of it.
pub(super) fn badge(scene: Scene) -> Vec<Piece<'static>> {
    let Some(board) = scene.model.incidents.feed.value() else {
        return Vec::new();
    };
    let open = board
        .incidents
        .iter()
        .filter(|incident| incident.status.is_open())
        .count();
    if open == 0 {
        return Vec::new();
    }
    vec![Piece::own(format!(" {open} open"), Role::SeverityWarning)]
}

/// Draws the pane.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.incidents;
    let border = Border {
        count: Vec::new(),
        filter: (!pane.filter.trim().is_empty()).then(|| pane.filter.clone()),
        fresh: freshness(scene),
        foot: Vec::new(),
    };
    let inside = framed(scene, buffer, area, PaneId::Incident, border);
    let Some(board) = pane.feed.value() else {
        skeleton(scene, buffer, inside);
        return;
    };
    if board.incidents.is_empty() {
        message(
            scene,
            buffer,
            inside,
            ("No incident is open.", Role::TextMuted),
            &[],
        );
        return;
    }
    for index in 0..list_rows(area) {
        let at = pane.list.offset + index;
        let Some(incident) = pane.rows.get(at).and_then(|id| pane.incident(id)) else {
            break;
        };
        let row = widget::row(inside, HEADER_ROWS + index as u16);
        let shown = look(at == pane.list.index, !incident.status.is_open());
        put_pieces(
            buffer,
            cells_of(row),
            scene.theme,
            &cells(incident),
            Cut::End,
            shown,
        );
    }
}

fn cells(incident: &Incident) -> Vec<Piece<'_>> {
    vec![
        Piece::own(format!("{:13} ", incident.status.word()), Role::TextMuted),
        Piece::safe(SafeText::line(&incident.title), Role::Text),
    ]
}
