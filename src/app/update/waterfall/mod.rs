//! An open trace: moving over its spans, folding, zooming, jumping. `about` is what can be told and done of a span.

mod about;

use std::sync::Arc;

use super::prompts::From;
use super::{keys, say};
use crate::action::Action;
use crate::app::focus::Detail;
use crate::app::list::{Direction, Step};
use crate::app::panes::Search;
use crate::app::toast::Level;
use crate::app::traces::waterfall::rows::Fold;
use crate::app::traces::waterfall::{Arrived, Narrowed, Nowhere, Taken, To, Waterfall, carried};
use crate::app::traces::{Clocks, Study};
use crate::app::{Effect, Model};
use crate::domain::log::Nanos;
use crate::domain::trace::skew;
use crate::domain::trace::{Row, TraceId};
use crate::text::SafeText;
use crate::time::Now;
use crate::view::layout;

pub(super) use about::{copied, evidence, ways};

/// By which a step of the zoom stretches.
const NEARER: f64 = 2.0;

/// Said where there is nothing yet.
const NOT_HERE: &str = "the trace is not here yet";

/// The trace whose waterfall, span or facts are open.
fn open_id(model: &Model) -> Option<TraceId> {
    model.detail()?.trace()
}

/// The keys of the waterfall.
pub(super) fn act(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    if let Some(Detail::Comparison(_, _)) = model.detail() {
        if action == Action::MatchesOnly {
            return super::traces::turn_pairs(model, now);
        }
        let why = "that is a key of a single trace: open one of the two";
        return say(model, Level::Info, why, now);
    }
    let Some(id) = open_id(model) else {
        return say(model, Level::Info, "no trace is open", now);
    };
    if !keys::holds(model, action) {
        let key = model.keymap.keys_for(Action::Back).into_iter().next();
        let said = format!(
            "that is a key of the waterfall; {} goes back to it",
            key.unwrap_or_default()
        );
        return say(model, Level::Info, said, now);
    }
    let Some(open) = model.traces.opened_mut(id).filter(|open| open.study().is_some()) else {
        return say(model, Level::Info, NOT_HERE, now);
    };
    let said = match action {
        Action::TraceZoomIn => refused(open.zoom(NEARER), "no nearer: a microsecond fills the screen"),
        Action::TraceZoomOut => refused(open.zoom(1.0 / NEARER), "this is all of it"),
        Action::TraceZoomSpan => refused(open.zoom_to_span(), "it fills the screen already"),
        Action::TraceZoomAll => refused(open.zoom_out_fully(), "this is all of it"),
        Action::TracePanLeft => refused(open.pan(Direction::Up), "nothing was before"),
        Action::TracePanRight => refused(open.pan(Direction::Down), "nothing was behind"),
        Action::FoldAll => match open.fold_all() {
            Fold::Closed => Some("every span is folded".to_owned()),
            Fold::Open => None,
        },
        Action::FoldLevel => fold_level(open),
        Action::FoldService => fold_service(open),
        Action::Reroot => {
            open.reroot();
            None
        }
        Action::MatchesOnly => narrow(open),
        Action::ClockSkew => return turn_clocks(model, id, now),
        Action::TraceFacts => {
            if matches!(model.detail(), Some(Detail::TraceFacts(_))) {
                model.details.pop();
            } else {
                super::details::show(model, Detail::TraceFacts(id));
            }
            return Vec::new();
        }
        Action::NextError => jump(model, id, FAILED, |open| open.jump(To::Failed, Direction::Down)),
        Action::PreviousError => jump(model, id, FAILED, |open| open.jump(To::Failed, Direction::Up)),
        Action::NextOnPath => jump(model, id, ON_PATH, |open| open.jump(To::OnPath, Direction::Down)),
        Action::PreviousOnPath => jump(model, id, ON_PATH, |open| open.jump(To::OnPath, Direction::Up)),
        Action::NextSlowest => jump(model, id, SLOWEST, Waterfall::jump_to_slowest),
        _ => None,
    };
    match said {
        Some(said) => say(model, Level::Info, said, now),
        None => Vec::new(),
    }
}

fn refused(done: bool, why: &str) -> Option<String> {
    (!done).then(|| why.to_owned())
}

fn fold_level(open: &mut Waterfall) -> Option<String> {
    let depth = open.study()?.trace.span(open.cursor).depth;
    let (fold, count) = open.fold_alike(|study, row| study.trace.span(row).depth == depth);
    folded(fold, count, "on this level")
}

fn fold_service(open: &mut Waterfall) -> Option<String> {
    let service = open.study()?.trace.span(open.cursor).service.clone();
    let (fold, count) = open.fold_alike(|study, row| *study.trace.span(row).service == service);
    folded(fold, count, &format!("of {}", SafeText::line(&service)))
}

fn folded(fold: Fold, count: usize, which: &str) -> Option<String> {
    match (fold, count) {
        (_, 0) => Some(format!("nothing is under any span {which}")),
        (Fold::Closed, 1) => Some(format!("1 span {which} folded")),
        (Fold::Closed, count) => Some(format!("{count} spans {which} folded")),
        (Fold::Open, _) => None,
    }
}

fn narrow(open: &mut Waterfall) -> Option<String> {
    let Some(sought) = &open.sought else {
        return Some("no search is on; / starts one".to_owned());
    };
    if open.narrowed == Narrowed::No && sought.hits().is_empty() {
        return Some("no span matches".to_owned());
    }
    open.narrow(match open.narrowed {
        Narrowed::No => Narrowed::ToMatches,
        Narrowed::ToMatches => Narrowed::No,
    });
    None
}

/// Has the bars go by other clocks; what is sought by time is sought anew.
fn turn_clocks(model: &mut Model, id: TraceId, now: Now) -> Vec<Effect> {
    let Some(open) = model.traces.opened_mut(id) else {
        return Vec::new();
    };
    let shifts = open.study().map(|study| study.shifts.clone()).unwrap_or_default();
    if shifts.is_empty() {
        let why = "no host's clock is off, as far as its calls tell";
        return say(model, Level::Info, why, now);
    }
    open.clocks = match open.clocks {
        Clocks::Sent => Clocks::Moved,
        Clocks::Moved => Clocks::Sent,
    };
    open.view = None;
    let said = match open.clocks {
        Clocks::Sent => "times as they came".to_owned(),
        Clocks::Moved => format!("clocks set right: {}", skew::said(&shifts)),
    };
    let effects = open.seeking().map(Effect::SeekSpans).into_iter().collect();
    model.toasts.say(Level::Info, said, now.tick);
    effects
}

/// What jumps go to: one, several, and where there is none.
type Kind = (&'static str, &'static str, &'static str);

const FAILED: Kind = ("failed span", "failed spans", "no span failed");
const ON_PATH: Kind = (
    "span on the path",
    "spans on the path",
    "the trace has no critical path: its root took no time",
);
const SLOWEST: Kind = (
    "span by self time",
    "spans with self time",
    "no span has time of its own",
);

/// Jumps, and says where to or why not. A span that is open turns with the cursor.
fn jump(
    model: &mut Model,
    id: TraceId,
    (one, several, none): Kind,
    go: impl FnOnce(&mut Waterfall) -> Result<Arrived, Nowhere>,
) -> Option<String> {
    if matches!(model.detail(), Some(Detail::TraceFacts(_))) {
        model.details.pop();
    }
    let went = go(model.traces.opened_mut(id)?);
    turn_span(model, id);
    Some(match went {
        Ok(Arrived { number, of, .. }) => format!("{one} {number} of {of}"),
        Err(Nowhere::NoneAtAll) => none.to_owned(),
        Err(Nowhere::OnlyThis) => format!("this is the only {one}"),
        Err(Nowhere::Outside(1)) => format!("no {one} under this root; 1 elsewhere"),
        Err(Nowhere::Outside(count)) => format!("none of the {count} {several} is under this root"),
    })
}

/// From the facts of a trace to the span that they come down to.
pub(super) fn to_explaining(model: &mut Model, id: TraceId) {
    model.details.pop();
    if let Some(open) = model.traces.opened_mut(id) {
        open.go_to_explaining();
    }
    turn_span(model, id);
}

/// Turns the open span to the one under the cursor.
fn turn_span(model: &mut Model, id: TraceId) {
    let Some(row) = cursor(model, id) else { return };
    if let Some(view) = model.details.last_mut()
        && let Detail::Span(_, shown) = &mut view.detail
        && *shown != row
    {
        *shown = row;
        view.scroll = 0;
    }
}

/// A trace was read, for the first time or again.
pub(super) fn read(
    model: &mut Model,
    id: TraceId,
    result: Result<Arc<Study>, String>,
    now: Now,
) -> Vec<Effect> {
    let Some(open) = model.traces.opened_mut(id) else {
        return Vec::new();
    };
    let before = open.study().cloned();
    let by_itself = open.is_young();
    match open.take(result, now) {
        Taken::First => {
            // What one came for, unless one comes from a span or a moment of it, or seeks another.
            if open.mark.is_none() && open.sought.is_none() {
                open.go_to_explaining();
            }
        }
        Taken::Changed => {
            if let (Some(before), Some(after)) = (before, open.study().cloned()) {
                carry_spans(model, id, |row| carried(&before, &after, row));
            }
        }
        Taken::Same if by_itself => return Vec::new(),
        Taken::Same => return say(model, Level::Info, "the trace is what it was", now),
        Taken::NotAgain(why) => {
            let said = format!("the trace was not read again: {}", SafeText::line(&why));
            return say(model, Level::Warn, said, now);
        }
    }
    // What was typed meanwhile, or is sought in what has come.
    let seeking = model.traces.opened(id).and_then(Waterfall::seeking);
    seeking.map(Effect::SeekSpans).into_iter().collect()
}

/// Spans that are open stay open where they stand now.
fn carry_spans(model: &mut Model, id: TraceId, anew: impl Fn(Row) -> Option<Row>) {
    for view in &mut model.details {
        if let Detail::Span(of, row) = &mut view.detail
            && *of == id
            && let Some(new) = anew(*row)
        {
            *row = new;
        }
    }
}

/// Reads the open trace again where it is young and its time has come.
pub(super) fn grow(model: &mut Model, now: Now) -> Option<Effect> {
    let id = open_id(model).filter(|_| model.paused.is_none())?;
    let due = model.traces.opened_mut(id)?.falls_due(now.tick);
    due.then_some(Effect::ReadTrace(id))
}

/// Reads the open trace again, whatever its age.
pub(super) fn refresh(model: &Model) -> Option<Effect> {
    let open = model.traces.opened(open_id(model)?)?;
    open.study().map(|_| Effect::ReadTrace(open.id))
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

/// Opens the span under the cursor; a run of equal ones is unfolded first.
pub(super) fn open_span(model: &mut Model, id: TraceId, now: Now) -> Vec<Effect> {
    if model.traces.opened(id).is_some_and(Waterfall::is_failed) {
        return super::traces::open(model, id, now);
    }
    let Some(row) = cursor(model, id) else {
        return say(model, Level::Info, NOT_HERE, now);
    };
    if let Some(open) = model.traces.opened_mut(id) {
        let line = open.lines.get(open.index()).copied();
        if line.is_some_and(|line| line.run.is_some()) {
            open.unfold();
            return Vec::new();
        }
    }
    super::details::show(model, Detail::Span(id, row));
    Vec::new()
}

/// Folds the span under the cursor, or goes to its parent; in an open span to the one before.
pub(super) fn fold(model: &mut Model, now: Now) -> Vec<Effect> {
    go_beside(model, Step::Rows(-1), Waterfall::fold, "nothing is above it", now)
}

/// Unfolds the span under the cursor, or goes to what is under it; in an open span to the next one.
pub(super) fn unfold(model: &mut Model, now: Now) -> Vec<Effect> {
    go_beside(
        model,
        Step::Rows(1),
        Waterfall::unfold,
        "nothing is under it",
        now,
    )
}

fn go_beside(
    model: &mut Model,
    beside: Step,
    change: impl FnOnce(&mut Waterfall) -> bool,
    why: &str,
    now: Now,
) -> Vec<Effect> {
    let Some(id) = open_id(model) else {
        return Vec::new();
    };
    if matches!(model.detail(), Some(Detail::Span(_, _))) && !is_beside(model, now) {
        step_span(model, id, beside);
        return Vec::new();
    }
    let Some(open) = model.traces.opened_mut(id).filter(|open| open.study().is_some()) else {
        return say(model, Level::Info, NOT_HERE, now);
    };
    let changed = change(open);
    turn_span(model, id);
    if changed {
        return Vec::new();
    }
    say(model, Level::Info, why, now)
}

/// Whether an open span stands beside its waterfall, and the keys of the tree are the tree's.
pub(crate) fn is_beside(model: &Model, now: Now) -> bool {
    let area = layout::of(model, layout::Cover::Detail, now).detail();
    let beside = area.and_then(layout::span_beside).is_some();
    beside && matches!(model.detail(), Some(Detail::Span(_, _)))
}

/// Moves the cursor, and an open span with it.
pub(super) fn step_span(model: &mut Model, id: TraceId, by: Step) {
    step(model, id, by);
    turn_span(model, id);
}

/// One step back within the waterfall; false where there is none.
pub(super) fn back(model: &mut Model) -> bool {
    let Some(id) = open_id(model) else {
        return false;
    };
    model.traces.opened_mut(id).is_some_and(Waterfall::back)
}

/// Searches the open trace.
pub(super) fn search(model: &mut Model, search: Option<Search>) -> Vec<Effect> {
    let Some(open) = open_id(model).and_then(|id| model.traces.opened_mut(id)) else {
        return Vec::new();
    };
    let seeking = open.seek(search.map(|search| search.text));
    seeking.map(Effect::SeekSpans).into_iter().collect()
}

/// Whether it is being searched.
pub(super) fn is_searched(model: &Model, id: TraceId) -> bool {
    model.traces.opened(id).is_some_and(|open| open.sought.is_some())
}

/// To the next match; false where there is none. While it is typed, the answer itself moves the cursor when it comes.
pub(super) fn jump_to_match(model: &mut Model, id: TraceId, direction: Direction, from: From) -> bool {
    let Some(open) = model.traces.opened_mut(id) else {
        return false;
    };
    let went = match from {
        From::Here => return true,
        From::Next => open.jump(To::Match, direction),
    };
    turn_span(model, id);
    matches!(went, Ok(_) | Err(Nowhere::OnlyThis))
}

/// The service of a span, or of that under the cursor, and when it began.
pub(super) fn span_here(model: &Model, id: TraceId, row: Option<Row>) -> Option<(String, Nanos)> {
    let (study, row) = span_of(model, id, row)?;
    let span = study.trace.span(row);
    Some((span.service.to_string(), span.start))
}

/// A span of an open trace: the one that is named, or that under the cursor.
fn span_of(model: &Model, id: TraceId, row: Option<Row>) -> Option<(&Study, Row)> {
    let open = model.traces.opened(id)?;
    let study = open.study()?;
    let row = row.unwrap_or(open.cursor);
    (row.index() < study.trace.len()).then_some((study.as_ref(), row))
}
