//! The trace pane: one row a trace or an operation, failed and slow ones first; or all of them as dots.
//!
//! `rows` draws the list, `dots` the traces over time, `summary` what is known of the one under the cursor.

mod dots;
mod rows;
pub(in crate::view) mod summary;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::slo::focus;
use super::tabs::Words;
use super::{Border, Freshness, Lack, cells_of, framed, message, position, skeleton, thumb};
use crate::app::feed::Status;
use crate::app::focus::PaneId;
use crate::app::scope::TimeRange;
use crate::app::traces::list::{Older, operation_of};
use crate::app::traces::{BACK, Form, Grouped, TraceList, TraceRow};
use crate::domain::trace::scale::lasting_in_column;
use crate::domain::trace::summary::{Outcome, Whole};
use crate::text::SafeText;
use crate::theme::Role;
use crate::time::before;
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{Piece, words};
use crate::view::{Scene, figures, layout, moment};

/// How fresh the list is.
pub(super) fn freshness(scene: Scene<'_>) -> Freshness<'_> {
    let feed = &scene.model.traces.feed;
    Freshness {
        // An answer to another question is not this one's.
        age: feed
            .age(scene.now.tick)
            .filter(|_| scene.model.traces.drawn().is_some()),
        interval: feed.interval,
        failure: feed.failure(),
        lack: match feed.status {
            Status::NotAsked { .. } => Lack::Question,
            Status::Idle | Status::InFlight { .. } | Status::Failed { .. } => Lack::List,
        },
    }
}

/// How long something took, in few cells: `2.31s`, `184ms`, `1m 5s`.
pub(in crate::view) fn took(duration: Duration) -> String {
    lasting_in_column(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

/// What the tab says.
pub(super) fn badge(scene: Scene, words: Words) -> Vec<Piece<'static>> {
    let pane = &scene.model.traces;
    match (pane.drawn(), freshness(scene).failure) {
        (None, None) => vec![Piece::word(" …", Role::StateBusy)],
        (None, Some(_)) => vec![words.not_known(Role::StateFailed)],
        (Some(list), _) => match list.failed() {
            0 => vec![Piece::own(format!(" {}", list.traces.len()), Role::TextMuted)],
            failed if matches!(words, Words::Bare | Words::Least | Words::Numbers) => {
                vec![Piece::own(format!(" {failed}✗"), Role::SeverityCritical)]
            }
            failed => vec![Piece::own(format!(" {failed} failed"), Role::SeverityCritical)],
        },
    }
}

/// Draws the pane.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.traces;
    let total = pane.rows.len();
    let shown = layout::list_rows(area);
    let border = Border {
        count: count(scene, area.width),
        filter: narrowed(scene),
        fresh: freshness(scene),
        foot: foot(scene, total, shown),
    };
    let inside = framed(scene, buffer, area, PaneId::Traces, border);
    if pane.rows.is_empty() {
        return empty(scene, buffer, inside);
    }
    match pane.form {
        Form::Dots => dots::draw(scene, buffer, inside),
        Form::Rows => {
            rows::draw(scene, buffer, inside, shown);
            let extent = Extent {
                first: pane.list.offset,
                shown,
                total,
            };
            thumb(scene, buffer, area, extent, focus(scene, PaneId::Traces));
        }
    }
}

/// Panes that are narrower tell of older traces how many there are, not of what kind.
const WIDE: u16 = 100;

fn count(scene: Scene, across: u16) -> Vec<Piece<'static>> {
    let pane = &scene.model.traces;
    let Some(list) = pane.drawn() else {
        return Vec::new();
    };
    let failed = list.failed();
    let mut pieces = Vec::new();
    if failed > 0 {
        pieces.push(Piece::own(format!("{failed} failed · "), Role::SeverityCritical));
    }
    let total = list.traces.len();
    let how = match (list.whole, pane.grouped) {
        (Whole::No, _) => format!("newest {total}{} · ", older(list, across)),
        (Whole::Yes, Grouped::ByOperation) => format!("{total} by operation · "),
        (Whole::Yes, Grouped::No) => String::new(),
    };
    pieces.push(Piece::own(how, Role::TextMuted));
    if let Some(Err(_)) = list.older {
        pieces.push(Piece::word("older failures not known · ", Role::StateStale));
    }
    if let Some(Err(_)) = list.slow {
        pieces.push(Piece::word("older slow ones not known · ", Role::StateStale));
    }
    pieces.push(match pane.form {
        Form::Rows => Piece::word(pane.order.words(), Role::TextMuted),
        Form::Dots => Piece::own(format!("{} as dots", list.all().count()), Role::TextMuted),
    });
    if !list.remarks.is_empty() {
        pieces.push(Piece::word(" · ", Role::TextMuted));
        let remark = SafeText::line(&list.remarks[0]).into_owned();
        pieces.push(Piece::safe(remark, Role::StateStale));
    }
    pieces
}

/// The failed and the slow ones that were fetched beside the newest.
fn older(list: &TraceList, across: u16) -> String {
    let told = |count: usize, whole: Whole, what: &str| match (count, whole) {
        (0, _) => String::new(),
        (count, Whole::Yes) => format!(" + {count} older{what}"),
        (count, Whole::No) => format!(" + {count}+ older{what}"),
    };
    let read = |older: &Option<Result<Older, String>>| match older {
        Some(Ok(older)) => (older.traces.len(), older.whole),
        Some(Err(_)) | None => (0, Whole::Yes),
    };
    let ((failed, failed_whole), (slow, slow_whole)) = (read(&list.older), read(&list.slow));
    if across < WIDE {
        let whole = match (failed_whole, slow_whole) {
            (Whole::Yes, Whole::Yes) => Whole::Yes,
            (Whole::No, _) | (_, Whole::No) => Whole::No,
        };
        return told(failed + slow, whole, "");
    }
    told(failed, failed_whole, " failed") + &told(slow, slow_whole, " slow")
}

/// Of what time the traces are, which no title cuts off, and where among them the cursor is.
fn foot(scene: Scene, total: usize, shown: usize) -> Vec<Piece<'static>> {
    let pane = &scene.model.traces;
    let (when, role) = match pane.until {
        Some(_) => (format!("within {}", range(scene)), Role::StateStale),
        None if let Some(range) = pane.range.filter(|range| reaches(scene, *range)) => {
            (range.words(scene.model.zone, scene.still.utc), Role::Accent)
        }
        None if pane.back == BACK => (format!("last {}", words::span(pane.back)), Role::TextMuted),
        None => (format!("last {}", words::span(pane.back)), Role::Accent),
    };
    let mut pieces = Vec::new();
    if let Some(said) = moment_said(scene, shown) {
        pieces.extend([said, Piece::word(" · ", Role::TextMuted)]);
    }
    pieces.push(Piece::own(when, role));
    let place = position(pane.list.index, total, shown);
    if !place.is_empty() {
        pieces.push(Piece::word(" · ", Role::TextMuted));
        pieces.extend(place);
    }
    pieces
}

/// In which direction the trace of the chosen moment lies, where it is not in sight.
fn moment_said(scene: Scene, shown: usize) -> Option<Piece<'static>> {
    let at = moment::elsewhere(scene, PaneId::Traces)?;
    let pane = &scene.model.traces;
    if pane.form == Form::Dots || pane.rows.is_empty() {
        return None;
    }
    let row = moment::trace(scene).and_then(|id| {
        let own = pane.rows.iter().position(|row| *row == TraceRow::Trace(id));
        let group = || {
            let operation = operation_of(pane.summary(id)?);
            let head = TraceRow::Group(operation);
            pane.rows.iter().position(|row| *row == head)
        };
        own.or_else(group)
    });
    let place = match row {
        None => "not listed",
        Some(row) if row < pane.list.offset => "above",
        Some(row) if row >= pane.list.offset + shown => "below",
        Some(_) => return None,
    };
    Some(moment::said(scene, at, place))
}

/// Whether as much is asked for as the scope's time is long: of a very long one only the last part is.
fn reaches(scene: Scene, range: TimeRange) -> bool {
    let since = (scene.still.utc - range.from).to_std().unwrap_or_default();
    since <= scene.model.traces.back + Duration::from_secs(60)
}

/// What the list is narrowed to: scope, query, outcome, filter.
fn narrowed(scene: Scene) -> Option<String> {
    let pane = &scene.model.traces;
    let mut parts = super::turned(scene, PaneId::Traces);
    if pane.outcome == Outcome::Failed {
        parts.push("failed only".to_owned());
    }
    parts.extend(
        [&pane.query, &pane.filter]
            .into_iter()
            .map(|text| text.trim().to_owned()),
    );
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// The time that is asked for, where it is over: `02:44–03:44Z`.
fn range(scene: Scene) -> String {
    let pane = &scene.model.traces;
    let until = pane.until.unwrap_or(scene.still.utc);
    let from = before(until, pane.back);
    let said = |at| figures::moment(at, scene.now.utc, scene.model.zone);
    let (from, until) = (said(from), said(until));
    format!("{}–{until}", from.trim_end_matches('Z'))
}

fn empty(scene: Scene, buffer: &mut Buffer, inside: Rect) {
    let pane = &scene.model.traces;
    let key = |action| scene.model.keymap.first_or_name(action);
    match (pane.drawn(), freshness(scene).failure) {
        (None, None) => skeleton(scene, buffer, inside),
        (None, Some(why)) => {
            let mut more = vec![SafeText::line(why).into_string()];
            if !pane.query.trim().is_empty() {
                more.push(format!(
                    "{} changes the query.",
                    key(crate::action::Action::TraceQuery)
                ));
            }
            // The cause says whether it was silent, refused, or answered with something else.
            let head = match pane.feed.status {
                Status::NotAsked { .. } => "No traces: the trace backend cannot answer this query.",
                Status::Idle | Status::InFlight { .. } | Status::Failed { .. } => {
                    more.push(format!(
                        "It is tried again by itself; {} shows each backend.",
                        key(crate::action::Action::Health)
                    ));
                    "No traces: the trace backend gave no list."
                }
            };
            message(scene, buffer, inside, (head, Role::StateFailed), &more);
        }
        (Some(list), _) if !list.traces.is_empty() => {
            let more = [format!(
                "{} takes the filter away.",
                key(crate::action::Action::Back)
            )];
            message(
                scene,
                buffer,
                inside,
                ("No trace matches the filter.", Role::Text),
                &more,
            );
        }
        (Some(_), _) => {
            let scope = scene.model.scope.service_of(PaneId::Traces);
            let scope = scope.map(|service| format!(" of {service}")).unwrap_or_default();
            let when = match pane.until {
                Some(_) => range(scene),
                None => format!("in the last {}", words::span(pane.back)),
            };
            let failed = match pane.outcome {
                Outcome::Failed => "failed ",
                Outcome::Any => "",
            };
            let query = pane.query.trim();
            let head = if query.is_empty() {
                format!("No {failed}trace{scope} {when}.")
            } else {
                format!("No {failed}trace{scope} {when} that is {query}.")
            };
            let more = [
                match pane.outcome {
                    Outcome::Failed => format!("{} asks for all.", key(crate::action::Action::FailedTraces)),
                    Outcome::Any => String::new(),
                },
                format!("{} asks further back.", key(crate::action::Action::TraceTime)),
                "Backends keep a sample of the requests: none listed proves nothing.".to_owned(),
            ];
            let more: Vec<String> = more.into_iter().filter(|line| !line.is_empty()).collect();
            message(scene, buffer, inside, (&head, Role::Text), &more);
        }
    }
}
