//! The trace pane: what it asks for, its order, and opening a trace.

use super::{frozen, modals, say};
use crate::action::Action;
use crate::app::feed::Feed;
use crate::app::focus::{Detail, PaneId};
use crate::app::logs::Watched;
use crate::app::modal::{MenuItem, PromptKind};
use crate::app::toast::Level;
use crate::app::traces::{TraceList, TracesAsk, Wants, text_of};
use crate::app::{Effect, Model};
use crate::domain::trace::summary::Outcome;
use crate::domain::trace::{TraceId, Wanted};
use crate::text::SafeText;
use crate::time::Now;

/// Why there is no trace pane.
pub(super) fn not_configured(model: &Model) -> String {
    format!(
        "context {} has no trace backend: [contexts.{0}.traces] names one",
        model.settings.context
    )
}

/// The question for what the pane shows now; nothing where there is nobody to ask.
pub(super) fn ask(model: &Model) -> Option<Effect> {
    model.settings.traces.as_ref()?;
    let pane = &model.traces;
    Some(Effect::AskTraces(TracesAsk {
        wanted: Wanted {
            service: model.scope.service().map(Into::into),
            outcome: pane.outcome,
            query: pane.query.clone(),
            ..Wanted::default()
        },
        back: pane.back,
        until: pane.until,
        watched: if model.layout.shows(PaneId::Traces) {
            Watched::Yes
        } else {
            Watched::No
        },
    }))
}

/// The pane's own keys.
pub(super) fn act(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    match action {
        Action::TraceOrder => {
            model.traces.order = model.traces.order.next();
            model.traces.arrange();
            Vec::new()
        }
        Action::FailedTraces => {
            if let Some(why) = frozen(model) {
                return say(model, Level::Info, why, now);
            }
            model.traces.outcome = match model.traces.outcome {
                Outcome::Any => Outcome::Failed,
                Outcome::Failed => Outcome::Any,
            };
            ask(model).into_iter().collect()
        }
        Action::TraceQuery => modals::prompt(model, PromptKind::Query, now),
        Action::TraceTime => modals::prompt(model, PromptKind::Time, now),
        Action::OpenTraceById => modals::prompt(model, PromptKind::TraceId, now),
        _ => Vec::new(),
    }
}

/// Traces were listed.
pub(super) fn fetched(model: &mut Model, feed: Feed<TraceList>) {
    model.traces.feed = feed;
    if model.traces.frozen.is_none() {
        model.traces.arrange();
    }
}

/// Opens a trace's waterfall.
pub(super) fn open(model: &mut Model, id: TraceId, now: Now) -> Vec<Effect> {
    let wants = model.traces.turn_to(id, now.tick);
    super::run::show(model, Detail::Trace(id));
    match wants {
        Wants::Reading => vec![Effect::ReadTrace(id)],
        Wants::Nothing => Vec::new(),
    }
}

/// Opens the trace under the cursor.
pub(super) fn open_selected(model: &mut Model, now: Now) -> Vec<Effect> {
    match model
        .traces
        .list
        .selected
        .filter(|_| !model.traces.rows.is_empty())
    {
        Some(id) => open(model, id, now),
        None => say(model, Level::Info, "nothing to open", now),
    }
}

/// A prompt was answered.
pub(super) fn answered(model: &mut Model, kind: PromptKind, text: &str, now: Now) -> Vec<Effect> {
    match kind {
        PromptKind::Query => {
            text.clone_into(&mut model.traces.query);
            ask(model).into_iter().collect()
        }
        PromptKind::TraceId => {
            if let Ok(id) = text.parse::<TraceId>() {
                return open(model, id, now);
            }
            let text = SafeText::line(text);
            let said = format!("{text} is no trace id: up to 32 hex digits");
            say(model, Level::Warn, said, now)
        }
        PromptKind::Time | PromptKind::Search | PromptKind::Filter | PromptKind::Columns => Vec::new(),
    }
}

/// Puts the cursor on the row that was clicked.
pub(super) fn select_row(model: &mut Model, row: usize) {
    let index = model.traces.list.offset + row;
    model.traces.list.select(&model.traces.rows, index);
}

/// What a row is searched by.
pub(super) fn row_text(model: &Model, row: usize) -> String {
    let trace = model
        .traces
        .rows
        .get(row)
        .and_then(|id| model.traces.summary(*id));
    trace.map_or_else(String::new, |trace| text_of(trace))
}

/// Takes the filter and the query away; what they were.
pub(super) fn drop_filter(model: &mut Model) -> String {
    let filter = std::mem::take(&mut model.traces.filter);
    if filter.trim().is_empty() {
        std::mem::take(&mut model.traces.query)
    } else {
        filter
    }
}

/// The service of the trace under the cursor.
pub(super) fn service_of(model: &Model) -> Option<String> {
    model.traces.selected()?.service.as_deref().map(str::to_owned)
}

/// Marks the trace under the cursor, or takes the mark away.
pub(super) fn mark(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(id) = model.traces.list.selected else {
        return say(model, Level::Info, "nothing to mark", now);
    };
    if !model.traces.marks.remove(&id) {
        model.traces.marks.insert(id);
    }
    Vec::new()
}

/// The trace under the cursor as evidence.
pub(super) fn evidence(_model: &Model) -> Option<String> {
    None
}

/// What can be copied of the trace under the cursor.
pub(super) fn copied(_model: &Model) -> Option<Vec<MenuItem>> {
    None
}
