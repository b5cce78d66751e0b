//! The cursor of whatever has the keys: it is moved, text is scrolled, the next hit is gone to.

use super::{case, incidents, logs, prompts, runbook, say, traces, waterfall};
use crate::app::focus::{Detail, Page, PaneId};
use crate::app::list::{Direction, Moved, Step};
use crate::app::toast::Level;
use crate::app::{DetailView, Effect, Model};
use crate::time::Now;

/// Moves the cursor of the list that has the keys, or scrolls the detail.
pub(super) fn step(model: &mut Model, step: Step, now: Now) -> Vec<Effect> {
    if let (Some(Detail::Span(id, _)), Step::Rows(_)) = (model.detail(), step)
        && waterfall::is_beside(model, now)
    {
        let id = *id;
        waterfall::step_span(model, id, step);
        return Vec::new();
    }
    match model.details.last_mut() {
        Some(view) if view.detail == Detail::Silences => {
            let rows = model.silences.rows.clone();
            model.silences.list.step(&rows, step);
            return Vec::new();
        }
        Some(view) if view.detail == Detail::Patterns => {
            let pane = &mut model.logs;
            pane.pattern_list.step(&pane.pattern_rows, step);
            return Vec::new();
        }
        Some(DetailView {
            detail: Detail::Case(_),
            ..
        }) => {
            case::step(model, step);
            return Vec::new();
        }
        Some(view) if view.detail == Detail::Page(Page::Contexts) => {
            model.union.list.step(&model.union.keys, step);
            return Vec::new();
        }
        Some(view) if view.detail == Detail::Outbox => {
            model.outbox_list.step(&model.outbox_rows, step);
            return Vec::new();
        }
        Some(DetailView {
            detail: Detail::Incident(_),
            ..
        }) => {
            incidents::step_event(model, step);
            return Vec::new();
        }
        Some(view) if matches!(view.detail, Detail::Runbook(_)) => {
            runbook::step(model, step);
            return Vec::new();
        }
        Some(view) if matches!(view.detail, Detail::Comparison(_, _)) => {
            traces::step_pair(model, step);
            return Vec::new();
        }
        Some(DetailView {
            detail: Detail::Trace(id),
            ..
        }) => {
            let id = *id;
            waterfall::step(model, id, step);
            return Vec::new();
        }
        Some(view) => {
            scroll(&mut view.scroll, step, model.size.height);
            return Vec::new();
        }
        None => {}
    }
    let moved = match model.focus {
        PaneId::Slo => model.slo.list.step(&model.slo.rows, step),
        PaneId::Alerts => model.alerts.list.step(&model.alerts.rows, step),
        PaneId::Logs => return logs::step(model, step, now),
        PaneId::Traces => model.traces.list.step(&model.traces.rows, step),
        PaneId::Incident => model.incidents.list.step(&model.incidents.rows, step),
    };
    match moved {
        Moved::Stuck if model.focused_rows() == 0 => say(model, Level::Info, "the list is empty", now),
        Moved::Yes | Moved::Stuck => Vec::new(),
    }
}

/// Scrolls text by lines; the view clamps the end, which it alone knows.
pub(super) fn scroll(at: &mut u16, step: Step, height: u16) {
    let page = i32::from(height.saturating_sub(4).max(1));
    let by = match step {
        Step::Rows(by) => i32::try_from(by).unwrap_or(0),
        Step::HalfPage(Direction::Down) => page / 2,
        Step::HalfPage(Direction::Up) => -page / 2,
        Step::Page(Direction::Down) => page,
        Step::Page(Direction::Up) => -page,
        Step::Top => i32::MIN / 2,
        Step::Bottom => i32::MAX / 2,
    };
    *at = u16::try_from((i32::from(*at) + by).clamp(0, i32::from(MAX_SCROLL))).unwrap_or(0);
}

/// No text is longer: a detail is capped before this.
const MAX_SCROLL: u16 = 20_000;

pub(super) fn next_hit(model: &mut Model, direction: Direction, now: Now) -> Vec<Effect> {
    if !prompts::search_is_on(model) {
        return say(model, Level::Info, "no search is on; / starts one", now);
    }
    if !prompts::jump_to_hit(model, direction, prompts::From::Next) {
        return say(model, Level::Info, "no hit", now);
    }
    Vec::new()
}
