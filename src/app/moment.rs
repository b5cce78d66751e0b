//! The one time cursor: the moment that was chosen last, wherever that was, for every other pane to mark.
//!
//! A moment is chosen by moving to something that tells one (`pointed`) or by going along an SLO's chart. Going from one
//! pane to another chooses nothing: what was chosen stays, to be compared with.

use chrono::{DateTime, Utc};

use super::Model;
use super::focus::{Detail, PaneId};
use super::list::{Direction, Placed};
use super::logs::Follow;
use crate::domain::trace::TraceId;
use crate::logstore::LineId;

/// A moment, and where it was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: DateTime<Utc>,
    /// The pane it was chosen in: its own cursor shows it there.
    pub pane: PaneId,
}

/// Where somebody stood, and which moment that told.
#[derive(Debug, Clone, PartialEq)]
pub struct Stand {
    focus: PaneId,
    details: usize,
    pointed: Option<Moment>,
}

impl Stand {
    /// Here and now.
    pub fn of(model: &Model) -> Self {
        Self {
            focus: model.focus,
            details: model.details.len(),
            pointed: pointed(model),
        }
    }
}

/// Takes what a key or the mouse has moved to for the moment that is meant.
pub fn settle(model: &mut Model, before: &Stand) {
    let after = Stand::of(model);
    let moved = after.focus == before.focus && after.details >= before.details;
    if moved && after.pointed != before.pointed && after.pointed.is_some() {
        model.moment = after.pointed;
    }
}

/// The moment of what is under the cursor, where somebody put the cursor there.
fn pointed(model: &Model) -> Option<Moment> {
    let by_hand = |placed: Placed| placed == Placed::ByHand;
    let (at, pane) = if let Some(detail) = model.detail() {
        match detail {
            Detail::LogLine(id) => (of_line(model, *id)?, PaneId::Logs),
            Detail::Trace(id) => (of_span(model, *id)?, PaneId::Traces),
            Detail::Span(id, row) => {
                let study = model.traces.opened(*id)?.study()?;
                let span = (row.index() < study.trace.len()).then(|| study.trace.span(*row))?;
                (span.start.utc(), PaneId::Traces)
            }
            Detail::Incident(id) => {
                let pane = &model.incidents;
                let chosen = by_hand(pane.event_list.placed) && pane.followed.as_ref() == Some(id);
                (pane.event().filter(|_| chosen)?.at, PaneId::Incident)
            }
            Detail::Alert(fingerprint) | Detail::Runbook(fingerprint) => {
                let alert = model.alerts.alert(*fingerprint)?;
                (alert.occurrence.starts_at, PaneId::Alerts)
            }
            Detail::Slo(_)
            | Detail::Case(_)
            | Detail::Silences
            | Detail::Outbox
            | Detail::Page(_)
            | Detail::Patterns
            | Detail::TraceFacts(_)
            | Detail::Comparison(_, _)
            | Detail::ServiceGraph => return None,
        }
    } else {
        let at = match model.focus {
            PaneId::Slo => return None,
            PaneId::Alerts => {
                let alert = model.alerts.selected();
                alert
                    .filter(|_| by_hand(model.alerts.list.placed))?
                    .occurrence
                    .starts_at
            }
            PaneId::Logs => match model.logs.follow {
                Follow::Newest => return None,
                Follow::Still { .. } => of_line(model, model.logs.cursor?)?,
            },
            PaneId::Traces => {
                let trace = model.traces.selected();
                trace.filter(|_| by_hand(model.traces.list.placed))?.start.utc()
            }
            PaneId::Incident => {
                let incident = model.incidents.selected();
                incident
                    .filter(|_| by_hand(model.incidents.list.placed))?
                    .created_at
            }
        };
        (at, model.focus)
    };
    Some(Moment { at, pane })
}

fn of_line(model: &Model, id: LineId) -> Option<DateTime<Utc>> {
    let entry = model.logs.drawn()?.snapshot.entry(id)?;
    Some(entry.time()?.utc())
}

fn of_span(model: &Model, id: TraceId) -> Option<DateTime<Utc>> {
    let open = model.traces.opened(id)?;
    let study = open.study()?;
    let row = (open.cursor.index() < study.trace.len()).then_some(open.cursor)?;
    Some(study.trace.span(row).start.utc())
}

/// Goes along the chart of an SLO: to the point before or after the chosen moment, from the newest at first. False at the
/// end of the chart, and where its points tell no times.
pub fn step(model: &mut Model, slo: &str, towards: Direction) -> bool {
    let Some(report) = model.slo.report(slo) else {
        return false;
    };
    let points = &report.spark_at;
    let held = model.moment.map(|moment| moment.at);
    let next = match (held, towards) {
        (None, Direction::Up | Direction::Down) => points.last(),
        (Some(held), Direction::Up) => {
            let before = points.partition_point(|at| *at < held);
            before.checked_sub(1).and_then(|at| points.get(at))
        }
        (Some(held), Direction::Down) => points.get(points.partition_point(|at| *at <= held)),
    };
    let Some(at) = next.copied() else {
        return false;
    };
    model.moment = Some(Moment {
        at,
        pane: PaneId::Slo,
    });
    true
}
