//! An open trace: moving over its spans, folding, zooming, jumping.

use super::say;
use crate::action::Action;
use crate::app::effect::Deed;
use crate::app::focus::Detail;
use crate::app::list::{Direction, Step};
use crate::app::modal::{Goal, MenuItem};
use crate::app::panes::Search;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::trace::{Row, TraceId};
use crate::time::Now;

use super::modals::From;

/// The keys of the waterfall.
pub(super) fn act(_model: &mut Model, _action: Action, _now: Now) -> Vec<Effect> {
    Vec::new()
}

/// The span under the cursor of an open trace.
pub(super) fn cursor(model: &Model, id: TraceId) -> Option<Row> {
    let open = model.traces.opened(id)?;
    open.study().map(|_| open.cursor)
}

/// Moves the cursor.
pub(super) fn step(model: &mut Model, id: TraceId, step: Step) {
    if let Some(open) = model.traces.opened_mut(id) {
        open.step(step);
    }
}

/// Opens the span under the cursor.
pub(super) fn open_span(model: &mut Model, id: TraceId, now: Now) -> Vec<Effect> {
    match cursor(model, id) {
        Some(row) => {
            super::run::show(model, Detail::Span(id, row));
            Vec::new()
        }
        None => say(model, Level::Info, "the trace is not here yet", now),
    }
}

/// Folds the span under the cursor, or goes to its parent.
pub(super) fn fold(_model: &mut Model, _now: Now) -> Vec<Effect> {
    Vec::new()
}

/// Unfolds the span under the cursor.
pub(super) fn unfold(_model: &mut Model, _now: Now) -> Vec<Effect> {
    Vec::new()
}

/// One step back within the waterfall; false where there is none.
pub(super) fn back(_model: &mut Model) -> bool {
    false
}

/// Searches the open trace.
pub(super) fn search(_model: &mut Model, _search: Option<Search>) {}

/// Whether it is being searched.
pub(super) fn is_searched(_model: &Model, _id: TraceId) -> bool {
    false
}

/// To the next match; false where there is none.
pub(super) fn jump_to_match(_model: &mut Model, _id: TraceId, _direction: Direction, _from: From) -> bool {
    false
}

/// The service of a span, or of the trace's root.
pub(super) fn service_of(model: &Model, id: TraceId, row: Option<Row>) -> Option<String> {
    let study = model.traces.opened(id)?.study()?;
    let row = row
        .or_else(|| cursor(model, id))
        .unwrap_or_else(|| study.trace.primary());
    Some(study.trace.span(row).service.to_string())
}

/// A span, or the trace, as evidence.
pub(super) fn evidence(_model: &Model, _id: TraceId, _row: Option<Row>) -> Option<String> {
    None
}

/// What can be copied of a span, or of the trace.
pub(super) fn copied(_model: &Model, _id: TraceId, _row: Option<Row>) -> Option<Vec<MenuItem>> {
    None
}

/// Where one can go from a span, or from a trace.
pub(super) fn ways(
    _model: &Model,
    _id: TraceId,
    _row: Option<Row>,
) -> (Vec<(Goal, String)>, String, Option<Deed>) {
    (Vec::new(), "nothing is known to belong to it".to_owned(), None)
}
