//! The trace pane: what it asks for, its order, and opening a trace.

mod about;
mod beside;
pub(super) mod exemplars;

pub(super) use about::{copied, evidence, link, ways};
pub(super) use beside::{align, aligned, open_pair, pair_here, services_of_graph, step_pair, turn_pairs};

use std::time::Duration;

use super::{deeds, details, frozen, panes, prompts, say, scope};
use crate::action::Action;
use crate::app::feed::{Feed, Status};
use crate::app::focus::{Detail, PaneId};
use crate::app::list::Direction;
use crate::app::logs::Watched;
use crate::app::modal::{Prompt, PromptKind, PromptTarget};
use crate::app::scope::TimeRange;
use crate::app::toast::Level;
use crate::app::traces::list::text_of;
use crate::app::traces::{BACK, Form, Grouped, TraceList, TracePane, TraceRow, TracesAsk, Wants};
use crate::app::{Effect, Model};
use crate::backend::traces::{read_id, words};
use crate::domain::log::Nanos;
use crate::domain::service_map::Caller;
use crate::domain::trace::summary::Outcome;
use crate::domain::trace::{TraceId, Wanted};
use crate::text::SafeText;
use crate::time::Now;

/// Lists that are kept beside the one that is drawn.
const MOST_KEPT: usize = 4;
/// The shortest and the longest time that a scope asks traces of: lists are of the newest anyway.
const LEAST_BACK: Duration = Duration::from_secs(60);
const MOST_BACK: Duration = Duration::from_secs(24 * 3_600);

/// Why there is no trace pane.
pub(super) fn not_configured(model: &Model) -> String {
    format!(
        "context {} has no trace backend: [contexts.{0}.traces] names one",
        model.settings.context
    )
}

/// What the pane wants to know now.
fn question(model: &Model) -> TracesAsk {
    let pane = &model.traces;
    let services = &model.settings.services;
    let service = model.scope.service_of(PaneId::Traces);
    let watched = |yes| if yes { Watched::Yes } else { Watched::No };
    TracesAsk {
        wanted: Wanted {
            service: service.map(|service| services.theirs(Caller::Traces, service).into()),
            outcome: pane.outcome,
            query: pane.query.clone(),
            ..Wanted::default()
        },
        back: pane.back,
        until: pane.until,
        watched: watched(model.layout.shows(PaneId::Traces)),
        before: watched(pane.grouped == Grouped::ByOperation),
    }
}

/// The question for what the pane shows now, where it has become another; nothing where there is nobody to ask.
pub(super) fn ask(model: &mut Model, now: Now) -> Option<Effect> {
    model.settings.traces.as_ref()?;
    reach_back(model, now);
    let ask = question(model);
    if model.traces.asked.as_ref() == Some(&ask) {
        return None;
    }
    keep(&mut model.traces);
    model.traces.asked = Some(ask.clone());
    model.traces.arrange();
    Some(Effect::AskTraces(ask))
}

/// Has the query told that was typed last, once it is answered: what is refused shows nothing.
pub(super) fn tell_query(model: &mut Model, now: Now) -> Option<Effect> {
    let pane = &mut model.traces;
    let (query, _) = pane.untold.as_ref()?;
    if *query != pane.query {
        pane.untold = None;
    }
    let is_answered = pane.frozen.is_none() && pane.drawn().is_some();
    let (_, deed) = pane.untold.take_if(|_| is_answered)?;
    deeds::record(model, deed, now)
}

/// Keeps the list that was drawn, for who comes back to it.
fn keep(pane: &mut TracePane) {
    let Some(list) = pane.feed.shared() else {
        return;
    };
    pane.kept.retain(|kept| !kept.ask.asks_like(&list.ask));
    if pane.kept.len() == MOST_KEPT {
        pane.kept.remove(0);
    }
    pane.kept.push(list);
}

/// Turns the pane to the time of the scope, where that has become another one.
pub(super) fn follow_scope(model: &mut Model, now: Now) {
    let range = model.scope.range_of(PaneId::Traces);
    let trace = model.scope.of(PaneId::Traces).and_then(|scope| scope.trace);
    let pane = &mut model.traces;
    if pane.scoped != trace {
        (pane.scoped, pane.stand_on) = (trace, trace);
        pane.arrange();
    }
    if pane.range == range {
        return;
    }
    pane.range = range;
    let length = |range: TimeRange| (range.end(now.utc) - range.from).to_std().unwrap_or_default();
    let length = range
        .map(length)
        .map(|length| length.clamp(LEAST_BACK, MOST_BACK));
    (pane.back, pane.until) = (length.unwrap_or(BACK), range.and_then(|range| range.to));
}

/// A range that goes on up to now grows with it: by a fifth, so that it is seldom asked anew.
fn reach_back(model: &mut Model, now: Now) {
    let pane = &mut model.traces;
    let Some(range) = pane.range.filter(|range| range.to.is_none()) else {
        return;
    };
    let since = (now.utc - range.from).to_std().unwrap_or_default();
    if since > pane.back + pane.back / 5 && pane.back < MOST_BACK {
        pane.back = (since + since / 5).min(MOST_BACK);
    }
}

/// The pane's own keys.
pub(super) fn act(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    let arranges = matches!(
        action,
        Action::TraceOrder | Action::GroupTraces | Action::TraceScatter
    );
    if let Some(why) = nothing_read(model).filter(|_| arranges) {
        return say(model, Level::Info, why, now);
    }
    match action {
        Action::TraceOrder => {
            model.traces.order = model.traces.order.next();
            model.traces.arrange();
            let said = format!("ordered: {}", model.traces.order.words());
            say(model, Level::Info, said, now)
        }
        Action::FailedTraces => {
            if let Some(why) = frozen(model) {
                return say(model, Level::Info, why, now);
            }
            model.traces.outcome = match model.traces.outcome {
                Outcome::Any => Outcome::Failed,
                Outcome::Failed => Outcome::Any,
            };
            Vec::new()
        }
        Action::GroupTraces => {
            let pane = &mut model.traces;
            pane.grouped = match pane.grouped {
                Grouped::No => Grouped::ByOperation,
                Grouped::ByOperation => Grouped::No,
            };
            pane.form = Form::Rows;
            pane.arrange();
            Vec::new()
        }
        Action::TraceScatter => {
            let pane = &mut model.traces;
            pane.form = match pane.form {
                Form::Rows => Form::Dots,
                Form::Dots => Form::Rows,
            };
            // A dot is a trace.
            pane.grouped = Grouped::No;
            pane.arrange();
            Vec::new()
        }
        Action::CompareTraces => beside::compare(model, now),
        Action::ServiceGraph => beside::graph(model, now),
        Action::TraceQuery => prompts::open(model, PromptKind::Query, now),
        Action::TraceTime => prompts::open(model, PromptKind::Time, now),
        Action::OpenTraceById => prompts::open(model, PromptKind::TraceId, now),
        other => {
            debug_assert!(false, "{other:?} is no action of the trace pane");
            Vec::new()
        }
    }
}

/// Why there is nothing to arrange yet.
fn nothing_read(model: &Model) -> Option<String> {
    if model.settings.traces.is_none() {
        return Some(not_configured(model));
    }
    if model.traces.drawn().is_some() {
        return None;
    }
    Some(match &model.traces.feed.status {
        Status::NotAsked { .. } => "no traces yet: the trace backend cannot answer this query".to_owned(),
        Status::Failed { .. } => "no traces yet: the trace backend gave no list".to_owned(),
        Status::Idle | Status::InFlight { .. } => "no traces yet: they are being asked for".to_owned(),
    })
}

/// Traces were listed.
pub(super) fn fetched(model: &mut Model, feed: Feed<TraceList>) {
    model.traces.feed = feed;
    if model.traces.frozen.is_none() {
        model.traces.arrange();
        // Who is not in the answer is waited for no longer: by the next one somebody else may have the cursor.
        if model.traces.drawn().is_some() {
            model.traces.stand_on = None;
        }
    }
}

/// Turns the pane to a service: everything of it, in the time of what it is gone on from.
pub(super) fn turn_to_service(model: &mut Model, service: &str, at: Option<Nanos>, now: Now) -> Vec<Effect> {
    model.details.clear();
    panes::turn_to(model, PaneId::Traces);
    let pane = &mut model.traces;
    pane.filter.clear();
    pane.query.clear();
    pane.search = None;
    pane.outcome = Outcome::Any;
    (pane.back, pane.until, pane.range) = (BACK, None, None);
    scope::release(model, PaneId::Traces, now);
    let range = scope::range_of(model, at, now);
    model.scope.push(scope::of_service(model, service, range));
    scope::rescope(model, now)
}

/// Opens a trace's waterfall.
pub(super) fn open(model: &mut Model, id: TraceId, now: Now) -> Vec<Effect> {
    let wants = model.traces.turn_to(id, now.tick);
    details::show(model, Detail::Trace(id));
    match wants {
        Wants::Reading => vec![Effect::ReadTrace(id)],
        Wants::Nothing => Vec::new(),
    }
}

/// Opens the trace under the cursor, or the group.
pub(super) fn open_selected(model: &mut Model, now: Now) -> Vec<Effect> {
    match model.traces.row().cloned() {
        Some(TraceRow::Trace(id)) => open(model, id, now),
        Some(TraceRow::Group(operation)) => {
            model.traces.fold(&operation);
            Vec::new()
        }
        None => say(model, Level::Info, "nothing to open", now),
    }
}

/// Shows the traces of the operation under the cursor, or no longer; among dots, goes along time.
pub(super) fn fold(model: &mut Model, towards: Fold, now: Now) -> Vec<Effect> {
    if let Some(why) = nothing_read(model) {
        return say(model, Level::Info, why, now);
    }
    if model.traces.form == Form::Dots {
        let (direction, none) = match towards {
            Fold::Closed => (Direction::Up, "no dot is before this one"),
            Fold::Open => (Direction::Down, "no dot is behind this one"),
        };
        if model.traces.step_in_time(direction) {
            return Vec::new();
        }
        return say(model, Level::Info, none, now);
    }
    let pane = &mut model.traces;
    let Some(operation) = pane.operation().filter(|_| pane.grouped == Grouped::ByOperation) else {
        let key = model.keymap.keys_for(Action::GroupTraces).into_iter().next();
        let said = format!("nothing to fold; {} groups by operation", key.unwrap_or_default());
        return say(model, Level::Info, said, now);
    };
    if pane.unfolded.contains(&operation) == (towards == Fold::Closed) {
        pane.fold(&operation);
    }
    Vec::new()
}

/// Whether a group is to show its traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// It is.
    Open,
    /// It is not.
    Closed,
}

/// Digits from which on a word is an id and not the beginning of one.
const WHOLE_ID: usize = 16;

/// The trace that is named where nothing else is said: no condition reads as an id does.
pub(super) fn whole_id(text: &str) -> Option<TraceId> {
    let text = text.trim();
    read_id(text).filter(|_| text.len() >= WHOLE_ID)
}

/// What is wrong with what is typed for the trace backend, where that is known before it is asked.
pub(crate) fn unread(model: &Model, prompt: &Prompt, now: Now) -> Option<String> {
    let text = prompt.input.lines().join(" ");
    match (prompt.kind, prompt.target) {
        (PromptKind::Query, PromptTarget::Pane(PaneId::Traces)) if whole_id(&text).is_some() => None,
        (PromptKind::Query, PromptTarget::Pane(PaneId::Traces)) => {
            let wanted = Wanted {
                query: text.trim().to_owned(),
                ..Wanted::default()
            };
            words::read(&wanted).err().map(|unread| unread.to_string())
        }
        (PromptKind::Time, PromptTarget::Pane(PaneId::Traces) | PromptTarget::Scope) => {
            scope::read_time(&text, model, now).err()
        }
        _ => None,
    }
}

/// A prompt was answered.
pub(super) fn answered(model: &mut Model, kind: PromptKind, text: &str, now: Now) -> Vec<Effect> {
    match kind {
        PromptKind::Query => {
            if let Some(id) = whole_id(text) {
                return open(model, id, now);
            }
            text.clone_into(&mut model.traces.query);
            let deed = deeds::of_prompt(model, kind, PromptTarget::Pane(PaneId::Traces), text);
            model.traces.untold = (!text.is_empty()).then(|| (text.to_owned(), deed));
            Vec::new()
        }
        PromptKind::TraceId => {
            if let Some(id) = read_id(text) {
                return open(model, id, now);
            }
            let text = SafeText::line(text);
            let said = format!("{text} is no trace id: up to 32 hex digits");
            say(model, Level::Warn, said, now)
        }
        PromptKind::Time => scope::set_time(model, text, now),
        PromptKind::Search | PromptKind::Filter | PromptKind::Columns => Vec::new(),
    }
}

/// Puts the cursor on the row that was clicked.
pub(super) fn select_row(model: &mut Model, row: usize) {
    let pane = &mut model.traces;
    if pane.form == Form::Rows {
        pane.list.select(&pane.rows, pane.list.offset + row);
    }
}

/// What a row is searched by.
pub(super) fn row_text(model: &Model, row: usize) -> String {
    match model.traces.rows.get(row) {
        Some(TraceRow::Trace(id)) => model
            .traces
            .summary(*id)
            .map_or_else(String::new, |trace| text_of(trace)),
        Some(TraceRow::Group(operation)) => format!("{} {}", operation.service, operation.name),
        None => String::new(),
    }
}

/// Takes away what the list is narrowed to, one after the other; what it was.
pub(super) fn drop_filter(model: &mut Model) -> String {
    let pane = &mut model.traces;
    let filter = std::mem::take(&mut pane.filter);
    if !filter.trim().is_empty() {
        return filter;
    }
    let query = std::mem::take(&mut pane.query);
    if !query.trim().is_empty() {
        return query;
    }
    if pane.outcome == Outcome::Failed {
        pane.outcome = Outcome::Any;
        return "failed only".to_owned();
    }
    if pane.until.is_some() {
        model.scope.release(PaneId::Traces);
        model.scope.to_present();
        return "a time that is over".to_owned();
    }
    String::new()
}

/// The service of the row under the cursor.
pub(super) fn service_of(model: &Model) -> Option<String> {
    let operation = model.traces.operation()?;
    (!operation.service.is_empty()).then(|| operation.service.to_string())
}

/// Marks the trace under the cursor, or takes the mark away.
pub(super) fn mark(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(id) = model.traces.selected().map(|trace| trace.id) else {
        return say(model, Level::Info, "no trace under the cursor to mark", now);
    };
    let pane = &mut model.traces;
    pane.mark = if pane.mark == Some(id) { None } else { Some(id) };
    Vec::new()
}
