//! What is under the cursor, opened beside the lists where there is room: the head of its detail. While the cursor
//! travels, what it left lies open still ([`crate::app::preview`]).

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Scene;
use super::detail::{Pages, alert, incident, log_line, slo};
use super::pane::{alert_rows, message, traces};
use super::sheet::Sheet;
use super::widget::frame::{self, Frame};
use super::widget::{self, Piece};
use crate::app::Model;
use crate::app::focus::PaneId;
use crate::app::incidents::label;
use crate::app::preview::Subject;
use crate::domain::alert::AlertGroup;
use crate::domain::incident::Incident;
use crate::domain::slo::SloReport;
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;

/// Draws the preview.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let model = scene.model;
    let (title, sheet) = match model.focus {
        PaneId::Slo => match left_slo(model).or_else(|| model.slo.selected()) {
            Some(report) => opened(slo::pages(scene, report)),
            None => return nothing(scene, buffer, area),
        },
        PaneId::Alerts => match model.alerts.at(open_row(model)) {
            Some((_, Some(alert))) => (format!("Alert {}", alert.name), alert::preview(scene, alert)),
            Some((group, None)) => (
                format!("Group {}", alert_rows::key_words(&group.key)),
                of_group(scene, group),
            ),
            None => return nothing(scene, buffer, area),
        },
        PaneId::Logs => {
            let open = match &model.preview.open {
                Some(Subject::LogLine(id)) => Some(*id),
                Some(Subject::Slo(_) | Subject::Alert(_) | Subject::Trace(_) | Subject::Incident(_))
                | None => model.logs.cursor,
            };
            match open.and_then(|id| log_line::pages(scene, id)) {
                Some(pages) => opened(pages),
                None => return nothing(scene, buffer, area),
            }
        }
        PaneId::Traces => {
            let left = match &model.preview.open {
                Some(Subject::Trace(row)) => traces::summary::sheet(scene, row),
                Some(Subject::Slo(_) | Subject::Alert(_) | Subject::LogLine(_) | Subject::Incident(_))
                | None => None,
            };
            let under = || {
                model
                    .traces
                    .row()
                    .and_then(|row| traces::summary::sheet(scene, row))
            };
            match left.or_else(under) {
                Some(open) => open,
                None => return nothing(scene, buffer, area),
            }
        }
        PaneId::Incident => match open_incident(model) {
            Some(open) => (label(open), incident::sheet(scene, open)),
            None => return nothing(scene, buffer, area),
        },
    };
    let frame = Frame::titled(SafeText::line(&title), Focused::Lost);
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let inside = widget::after(inside, 1);
    let inside = Rect {
        width: inside.width.saturating_sub(1),
        ..inside
    };
    let extent = sheet.draw(scene, buffer, inside, 0);
    if extent.total > extent.shown {
        let key = super::hints::key(scene, crate::action::Action::Open).unwrap_or_default();
        let more = format!(" {key} shows {} more ", extent.total - extent.shown);
        let x = area.width.saturating_sub(more.chars().count() as u16 + 2);
        let foot = widget::row(area, area.height.saturating_sub(1));
        scene.line(
            buffer,
            widget::after(foot, x),
            &[Piece::own(more, Role::TextMuted)],
        );
    }
}

/// The SLO that lies open while the cursor travels; none where it is gone from the board.
fn left_slo(model: &Model) -> Option<&Arc<SloReport>> {
    match &model.preview.open {
        Some(Subject::Slo(name)) => model.slo.report(name),
        Some(Subject::Alert(_) | Subject::LogLine(_) | Subject::Trace(_) | Subject::Incident(_)) | None => {
            None
        }
    }
}

/// The incident that lies open: the cursor's, unless it travels and the one it left is still listed.
fn open_incident(model: &Model) -> Option<&Arc<Incident>> {
    let left = match &model.preview.open {
        Some(Subject::Incident(id)) => model.incidents.incident(id),
        Some(Subject::Slo(_) | Subject::Alert(_) | Subject::LogLine(_) | Subject::Trace(_)) | None => None,
    };
    left.or_else(|| model.incidents.selected())
}

/// The row that lies open: the cursor's, unless it travels and the one it left is still there.
fn open_row(model: &Model) -> usize {
    let under = model.alerts.list.index;
    match &model.preview.open {
        Some(Subject::Alert(open)) if model.alerts.rows.get(under) != Some(open) => {
            let left = model.alerts.rows.iter().position(|row| row == open);
            left.unwrap_or(under)
        }
        Some(
            Subject::Alert(_)
            | Subject::Slo(_)
            | Subject::LogLine(_)
            | Subject::Trace(_)
            | Subject::Incident(_),
        )
        | None => under,
    }
}

fn opened(pages: Pages) -> (String, Sheet) {
    (pages.title.clone(), pages.joined())
}

/// A group's members, the most urgent first.
fn of_group<'a>(scene: Scene<'a>, group: &'a AlertGroup) -> Sheet<'a> {
    const LISTED: usize = 12;
    let mut sheet = Sheet::default();
    for (name, value) in group.key.iter() {
        sheet.pair(name, value, Role::Text);
    }
    sheet.blank();
    for alert in group.alerts.iter().take(LISTED) {
        sheet.figure(1, move |buffer, row| {
            slo::alert_row(scene, buffer, row, alert, &group.key);
        });
    }
    if group.alerts.len() > LISTED {
        sheet.prose(
            &format!("and {} more", group.alerts.len() - LISTED),
            Role::TextMuted,
        );
    }
    if let Some(first) = group.alerts.first() {
        sheet.heading("The most urgent");
        sheet.append(alert::preview(scene, first));
    }
    sheet
}

fn nothing(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let frame = Frame::titled(SafeText::line("Preview"), Focused::Lost);
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let text = "What is under the cursor is shown here.";
    message(scene, buffer, inside, (text, Role::TextDim), &[]);
}
