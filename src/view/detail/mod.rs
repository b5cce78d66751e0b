//! What is opened over the panes: an SLO, an alert, the list of silences.
//!
//! An SLO and an alert are pages ([`Pages`]): two side by side where there is room, else one below the other.

pub(super) mod alert;
mod budget;
mod calls;
mod case;
mod comparison;
pub(super) mod incident;
pub(super) mod log_line;
mod nudge;
mod outbox;
mod page;
mod patterns;
mod query;
mod runbook;
pub(super) mod silences;
pub(super) mod slo;
mod union;
pub(super) mod waterfall;

pub(in crate::view) use query::number;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Scene;
use super::layout;
use super::pane::{self, Freshness, thumb};
use super::sheet::Sheet;
use super::widget;
use super::widget::frame::{self, Frame};
use super::widget::scrollbar::Extent;
use crate::app::DetailView;
use crate::app::focus::{Detail, Page};
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;
use waterfall::Keys;

/// From this width on, pages stand side by side.
const SIDE_BY_SIDE: u16 = 108;

/// What a detail says, in two parts.
pub(super) struct Pages<'a> {
    pub title: String,
    /// How old it is, where that is anybody's to tell.
    pub fresh: Option<Freshness<'a>>,
    pub first: Sheet<'a>,
    pub second: Sheet<'a>,
}

impl<'a> Pages<'a> {
    /// Both parts one below the other.
    pub(super) fn joined(self) -> Sheet<'a> {
        let mut sheet = self.first;
        sheet.append(self.second);
        sheet
    }
}

fn pages<'a>(scene: Scene<'a>, detail: &'a Detail) -> Option<Pages<'a>> {
    match detail {
        Detail::Slo(name) => scene
            .model
            .slo
            .report(name)
            .map(|report| slo::pages(scene, report)),
        Detail::Alert(fingerprint) => {
            let alert = scene.model.alerts.alert(*fingerprint)?;
            Some(alert::pages(scene, alert))
        }
        Detail::Page(page) => Some(page::pages(scene, page)),
        Detail::LogLine(id) => log_line::pages(scene, *id),
        Detail::Span(id, row) => waterfall::span::pages(scene, *id, *row),
        Detail::TraceFacts(id) => waterfall::facts::pages(scene, *id),
        Detail::Patterns
        | Detail::Silences
        | Detail::Incident(_)
        | Detail::Outbox
        | Detail::Runbook(_)
        | Detail::Trace(_)
        | Detail::Case(_)
        | Detail::Comparison(_, _) => None,
        Detail::ServiceGraph => Some(calls::pages(scene)),
    }
}

/// Where an open span and its waterfall are, where they stand side by side.
fn of_span(area: Rect, detail: &Detail) -> Option<(Rect, Rect)> {
    matches!(detail, Detail::Span(_, _)).then(|| layout::span_beside(area))?
}

/// Draws a detail.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect, view: &DetailView) {
    match &view.detail {
        Detail::Silences => return silences::draw(scene, buffer, area),
        Detail::Outbox => return outbox::draw(scene, buffer, area),
        Detail::Page(Page::Contexts) => return union::draw(scene, buffer, area),
        Detail::Patterns => return patterns::draw(scene, buffer, area),
        Detail::Case(_) => return case::draw(scene, buffer, area),
        Detail::Comparison(_, _) => return comparison::draw(scene, buffer, area),
        Detail::Runbook(_) => return runbook::draw(scene, buffer, area),
        Detail::Trace(id) => return waterfall::draw(scene, buffer, area, (*id, Keys::Waterfall)),
        Detail::Incident(id) if incident::draw(scene, buffer, area, id) => return,
        Detail::Incident(_)
        | Detail::Slo(_)
        | Detail::Alert(_)
        | Detail::LogLine(_)
        | Detail::Span(_, _)
        | Detail::TraceFacts(_)
        | Detail::ServiceGraph
        | Detail::Page(_) => {}
    }
    let beside = of_span(area, &view.detail);
    if let (Some((left, _)), Some(id)) = (beside, view.detail.trace()) {
        waterfall::draw(scene, buffer, left, (id, Keys::Span));
    }
    let area = beside.map_or(area, |(_, right)| right);
    let Some(pages) = pages(scene, &view.detail) else {
        let what = match &view.detail {
            Detail::Slo(name) => format!("The SLO {name} is no longer on the board."),
            Detail::Alert(fingerprint) => format!("The alert {fingerprint} is no longer on the board."),
            Detail::Incident(id) => format!("The incident {id} is no longer listed."),
            Detail::LogLine(_) => "The line was let go: the store keeps the newest.".to_owned(),
            Detail::Span(_, _) | Detail::TraceFacts(_) => {
                "The trace was put away: others were opened since.".to_owned()
            }
            Detail::Outbox
            | Detail::Runbook(_)
            | Detail::Silences
            | Detail::Patterns
            | Detail::Case(_)
            | Detail::Trace(_)
            | Detail::Comparison(_, _)
            | Detail::ServiceGraph
            | Detail::Page(_) => return,
        };
        let frame = Frame::titled(SafeText::line("Gone"), Focused::Gained);
        let inside = frame::draw(buffer, area, scene.theme, &frame);
        let back = super::hints::key(scene, crate::action::Action::Back).unwrap_or_default();
        pane::message(
            scene,
            buffer,
            inside,
            (&what, Role::Text),
            &[format!("{back} goes back.")],
        );
        return;
    };
    let title = SafeText::line(&pages.title).into_owned();
    let room = pane::room_for_cause(area.width, title.width());
    let frame = Frame {
        age: pages
            .fresh
            .as_ref()
            .map_or_else(Vec::new, |fresh| fresh.said(scene, room)),
        ..Frame::titled(title, Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let extent = match halves(inside).filter(|_| has_halves(&view.detail)) {
        Some((left, right)) => {
            let rows = usize::from(inside.height);
            let total = pages
                .first
                .height(left.width)
                .max(pages.second.height(right.width));
            let scroll = usize::from(view.scroll).min(total.saturating_sub(rows)) as u16;
            pages.first.draw(scene, buffer, left, scroll);
            pages.second.draw(scene, buffer, right, scroll);
            Extent {
                first: usize::from(scroll),
                shown: rows,
                total,
            }
        }
        None => pages.joined().draw(scene, buffer, margins(inside), view.scroll),
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

/// The furthest that a detail can be scrolled in an area.
pub(super) fn furthest(scene: Scene, area: Rect, detail: &Detail) -> usize {
    let Some(pages) = pages(scene, detail) else {
        return 0;
    };
    let inside = frame::inner(of_span(area, detail).map_or(area, |(_, right)| right));
    let total = match halves(inside).filter(|_| has_halves(detail)) {
        Some((left, right)) => pages
            .first
            .height(left.width)
            .max(pages.second.height(right.width)),
        None => pages.joined().height(margins(inside).width),
    };
    total.saturating_sub(usize::from(inside.height))
}

/// What is one text or table has nothing to stand beside it: it takes the whole width.
fn has_halves(detail: &Detail) -> bool {
    !matches!(detail, Detail::Page(_))
}

fn margins(area: Rect) -> Rect {
    let area = widget::after(area, 1);
    Rect {
        width: area.width.saturating_sub(1),
        ..area
    }
}

fn halves(area: Rect) -> Option<(Rect, Rect)> {
    if area.width < SIDE_BY_SIDE {
        return None;
    }
    let area = margins(area);
    let gap = 3;
    let half = (area.width - gap) / 2;
    let left = Rect { width: half, ..area };
    Some((left, widget::after(area, half + gap)))
}
