//! The chosen moment in the panes that it was not chosen in: a sign beside the row that was then.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::widget::{self, Piece};
use super::{Scene, figures};
use crate::app::focus::PaneId;
use crate::app::logs::LogView;
use crate::app::traces::TraceList;
use crate::domain::log::Nanos;
use crate::domain::timeline::Event;
use crate::domain::trace::TraceId;
use crate::logstore::LineId;
use crate::theme::Role;
use crate::time::after;

/// Stands beside what was then.
pub(in crate::view) const SIGN: &str = "◂";
/// A trace that began this long before or after is still the one of the moment.
const NEAR: TimeDelta = TimeDelta::minutes(1);

/// The chosen moment, for a pane that it was not chosen in.
pub(in crate::view) fn elsewhere(scene: Scene, pane: PaneId) -> Option<DateTime<Utc>> {
    let moment = scene.model.moment?;
    (moment.pane != pane).then_some(moment.at)
}

/// Puts the sign into a cell of a row.
pub(in crate::view) fn mark(scene: Scene, buffer: &mut Buffer, row: Rect, cell: u16) {
    let place = Rect {
        width: 1.min(row.width.saturating_sub(cell)),
        ..widget::after(row, cell)
    };
    scene.line(buffer, place, &[Piece::word(SIGN, Role::Accent)]);
}

/// `◂ 03:02Z above`: where the moment's row lies that is not in sight.
pub(in crate::view) fn said(scene: Scene, at: DateTime<Utc>, place: &str) -> Piece<'static> {
    let at = figures::moment(at, scene.still.utc, scene.model.zone);
    Piece::own(format!("{SIGN} {at} {place}"), Role::Accent)
}

/// The first line of the moment or after it.
pub(in crate::view) fn line(scene: Scene, view: &LogView) -> Option<LineId> {
    let at = elsewhere(scene, PaneId::Logs)?;
    let place = view.snapshot.seek(Nanos::of(at));
    let id = view.snapshot.id_at(place)?;
    view.id_at(view.place_of(id))
}

/// The trace that ran then, the one that began last; else the one that began nearest.
pub(in crate::view) fn trace(scene: Scene) -> Option<TraceId> {
    let at = elsewhere(scene, PaneId::Traces)?;
    let all = || scene.model.traces.drawn().into_iter().flat_map(TraceList::all);
    let ran = all().filter(|trace| {
        let start = trace.start.utc();
        start <= at && at <= after(start, trace.duration)
    });
    let ran = ran.max_by_key(|trace| trace.start);
    let near = || {
        let distance = |start: Nanos| (start.utc() - at).abs();
        let nearest = all().min_by_key(|trace| distance(trace.start));
        nearest.filter(|trace| distance(trace.start) <= NEAR)
    };
    ran.or_else(near).map(|trace| trace.id)
}

/// Which of the events, oldest first, was the last one by then.
pub(in crate::view) fn event<'a>(
    scene: Scene,
    events: impl DoubleEndedIterator<Item = &'a Event> + ExactSizeIterator,
) -> Option<usize> {
    let at = elsewhere(scene, PaneId::Incident)?;
    let mut newest = events.enumerate().rev();
    newest.find(|(_, event)| event.at <= at).map(|(place, _)| place)
}
