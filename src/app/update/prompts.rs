//! Search, filter and the questions of one line: what is typed takes effect in the list that has the keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::TextArea;

use super::{alerts, deeds, frozen, logs, modals, panes, say, scope, traces, waterfall};
use crate::action::Action;
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents::{event_text, row_text as incident_text};
use crate::app::list::Direction;
use crate::app::logs::Refusal;
use crate::app::modal::{Modal, Prompt, PromptKind, PromptTarget};
use crate::app::panes::{Search, silence_by, silence_text};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::filter::Filter;
use crate::domain::trace::TraceId;
use crate::text::SafeText;
use crate::time::Now;

/// The list that has the keys; nothing where a page that is no list has them.
fn list_with_keys(model: &Model) -> Option<PromptTarget> {
    match model.detail() {
        Some(Detail::Silences) => Some(PromptTarget::Silences),
        Some(Detail::Incident(_)) => Some(PromptTarget::Timeline),
        Some(Detail::Trace(_) | Detail::Span(_, _)) => Some(PromptTarget::Trace),
        Some(
            Detail::Slo(_)
            | Detail::Alert(_)
            | Detail::Outbox
            | Detail::LogLine(_)
            | Detail::Patterns
            | Detail::TraceFacts(_)
            | Detail::Comparison(_, _)
            | Detail::ServiceGraph
            | Detail::Runbook(_)
            | Detail::Page(_)
            | Detail::Case(_),
        ) => None,
        None => Some(PromptTarget::Pane(model.focus)),
    }
}

/// The trace whose spans have the keys.
fn trace_with_keys(model: &Model) -> Option<TraceId> {
    match model.detail() {
        Some(Detail::Trace(id) | Detail::Span(id, _)) => Some(*id),
        _ => None,
    }
}

/// Opens search or filter for the list that has the keys.
pub(super) fn open(model: &mut Model, kind: PromptKind, now: Now) -> Vec<Effect> {
    // A span's page is searched through its trace, but nothing is typed there.
    let list = list_with_keys(model).filter(|_| !matches!(model.detail(), Some(Detail::Span(_, _))));
    let target = match list {
        _ if kind == PromptKind::TraceId => PromptTarget::Pane(PaneId::Traces),
        Some(target) => target,
        None => {
            let back = model.keymap.first_or_name(Action::Back);
            let words = format!("search and filter work in lists; {back} goes back to one");
            return say(model, Level::Info, words, now);
        }
    };
    if target == PromptTarget::Pane(PaneId::Logs) && model.settings.logs.is_none() {
        let why = logs::not_configured(model);
        return say(model, Level::Info, why, now);
    }
    let rearranges = match target {
        PromptTarget::Pane(PaneId::Alerts) => kind == PromptKind::Filter,
        PromptTarget::Pane(PaneId::Logs) => kind != PromptKind::Time && kind != PromptKind::Columns,
        PromptTarget::Pane(PaneId::Traces) => matches!(kind, PromptKind::Query | PromptKind::Time),
        PromptTarget::Pane(PaneId::Slo | PaneId::Incident)
        | PromptTarget::Trace
        | PromptTarget::Scope
        | PromptTarget::Silences
        | PromptTarget::Timeline => false,
    };
    if rearranges && let Some(why) = frozen(model) {
        return say(model, Level::Info, why, now);
    }
    let before = match kind {
        PromptKind::Filter => match target {
            PromptTarget::Pane(PaneId::Slo) => model.slo.filter.clone(),
            PromptTarget::Pane(PaneId::Alerts) => model.alerts.filter.clone(),
            PromptTarget::Pane(PaneId::Logs) => model.logs.filter.clone(),
            PromptTarget::Pane(PaneId::Traces) => model.traces.filter.clone(),
            PromptTarget::Pane(PaneId::Incident) => model.incidents.filter.clone(),
            PromptTarget::Trace | PromptTarget::Scope => String::new(),
            PromptTarget::Silences => model.silences.filter.clone(),
            PromptTarget::Timeline => model.incidents.event_filter.clone(),
        },
        PromptKind::Search | PromptKind::Time | PromptKind::TraceId => String::new(),
        PromptKind::Query if target == PromptTarget::Pane(PaneId::Traces) => model.traces.query.clone(),
        PromptKind::Query => match &model.logs.refused {
            Some(refused) => refused.query.clone(),
            None => model.logs.query.clone(),
        },
        PromptKind::Columns => model.logs.columns.join(" "),
    };
    if (kind, target) == (PromptKind::Search, PromptTarget::Pane(PaneId::Logs)) {
        model.logs.begin_search();
    }
    if names_fields(kind, target) {
        model.logs.offer();
    }
    let mut input = TextArea::from([before.clone()]);
    input.move_cursor(tui_textarea::CursorMove::End);
    model.modal = Some(Modal::Prompt(Prompt {
        kind,
        target,
        input,
        before,
        hits: None,
    }));
    Vec::new()
}

/// Whether names of fields of log lines are typed there.
fn names_fields(kind: PromptKind, target: PromptTarget) -> bool {
    target == PromptTarget::Pane(PaneId::Logs) && matches!(kind, PromptKind::Columns | PromptKind::Filter)
}

/// Whether what is typed cannot be read.
fn is_refused(model: &Model, prompt: &Prompt, now: Now) -> bool {
    let filters_lines =
        (prompt.kind, prompt.target) == (PromptKind::Filter, PromptTarget::Pane(PaneId::Logs));
    let lines = filters_lines && model.logs.filter_error.is_some();
    lines || traces::unread(model, prompt, now).is_some()
}

pub(super) fn key(model: &mut Model, key: KeyEvent, now: Now) -> Vec<Effect> {
    let Some(Modal::Prompt(prompt)) = &mut model.modal else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Enter => {
            // What is wrong is said beside it; it stays to be mended.
            if matches!(&model.modal, Some(Modal::Prompt(prompt)) if is_refused(model, prompt, now)) {
                return Vec::new();
            }
            let Some(Modal::Prompt(prompt)) = &mut model.modal else {
                return Vec::new();
            };
            let kind = prompt.kind;
            let target = prompt.target;
            let words = prompt.input.lines().join(" ");
            let same = kind == PromptKind::Filter && words == prompt.before;
            model.modal = None;
            model.logs.sought = None;
            if matches!(
                kind,
                PromptKind::Query | PromptKind::Time | PromptKind::Columns | PromptKind::TraceId
            ) {
                if target == PromptTarget::Scope {
                    return scope::set_time(model, words.trim(), now);
                }
                let traces = kind == PromptKind::TraceId || target == PromptTarget::Pane(PaneId::Traces);
                return if traces {
                    traces::answered(model, kind, words.trim(), now)
                } else {
                    logs::answered(model, kind, words.trim(), now)
                };
            }
            if kind == PromptKind::Search && words.is_empty() {
                return set_search(model, target, None);
            }
            if kind == PromptKind::Filter
                && target == PromptTarget::Pane(PaneId::Alerts)
                && let Err(fault) = Filter::parse(&words)
            {
                let fault = SafeText::line(&fault.to_string()).into_string();
                let why = format!("the filter is not in force, every alert is listed: {fault}");
                return say(model, Level::Warn, why, now);
            }
            if same || words.trim().is_empty() {
                return Vec::new();
            }
            let deed = deeds::of_prompt(model, kind, target, &words);
            deeds::record(model, deed, now).into_iter().collect()
        }
        KeyCode::Esc => {
            let (kind, target, before) = (prompt.kind, prompt.target, prompt.before.clone());
            model.modal = None;
            match kind {
                PromptKind::Search => {
                    model.logs.leave_search();
                    model.logs.sought = None;
                    set_search(model, target, None)
                }
                PromptKind::Query => {
                    // whoever goes on has read why it was refused
                    model.logs.refusal = Refusal::Read;
                    Vec::new()
                }
                PromptKind::Time | PromptKind::Columns | PromptKind::TraceId => Vec::new(),
                PromptKind::Filter => set_filter(model, target, before, now),
            }
        }
        KeyCode::Tab if names_fields(prompt.kind, prompt.target) => {
            let text = prompt.input.lines().join(" ");
            let (rest, word) = text.split_at(text.rfind([' ', ',']).map_or(0, |at| at + 1));
            let bare = word.strip_prefix('-').unwrap_or(word);
            let Some(name) = model.logs.offered.complete(bare) else {
                return say(model, Level::Info, "no line here has a field that begins so", now);
            };
            let sign = if bare.len() < word.len() { "-" } else { "" };
            prompt.input = TextArea::from([format!("{rest}{sign}{name}")]);
            prompt.input.move_cursor(tui_textarea::CursorMove::End);
            modals::typed(model, now)
        }
        _ => {
            edit(&mut prompt.input, key);
            modals::typed(model, now)
        }
    }
}

/// A key in a text. As in a shell, `ctrl-u` takes away what stands before the cursor in its line; by itself the input
/// would undo.
pub(super) fn edit(input: &mut TextArea<'static>, key: KeyEvent) {
    if key.code == KeyCode::Char('u') && key.modifiers.contains(KeyModifiers::CONTROL) {
        // At the head of a line the input would join it with the one above.
        if input.cursor().1 > 0 {
            input.delete_line_by_head();
        }
    } else {
        input.input(key);
    }
}

/// What is typed takes effect at once.
pub(super) fn apply(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(Modal::Prompt(prompt)) = &model.modal else {
        return Vec::new();
    };
    let (kind, target, text) = (prompt.kind, prompt.target, prompt.input.lines().join(" "));
    match kind {
        PromptKind::Filter => set_filter(model, target, text, now),
        PromptKind::Search => {
            let search = (!text.is_empty()).then_some(Search { text });
            let effects = set_search(model, target, search);
            // The lines are searched off this task: their hits come.
            if target != PromptTarget::Pane(PaneId::Logs) {
                jump_to_hit(model, Direction::Down, From::Here);
            }
            let found = hits(model);
            if let Some(Modal::Prompt(prompt)) = &mut model.modal {
                prompt.hits = found;
            }
            effects
        }
        // Taken on enter.
        PromptKind::Query | PromptKind::Time | PromptKind::Columns | PromptKind::TraceId => Vec::new(),
    }
}

fn set_filter(model: &mut Model, target: PromptTarget, text: String, now: Now) -> Vec<Effect> {
    match target {
        PromptTarget::Pane(PaneId::Slo) => {
            model.slo.filter = text;
            panes::arrange_slos(model);
            Vec::new()
        }
        PromptTarget::Pane(PaneId::Alerts) => {
            model.alerts.filter = text;
            vec![Effect::Arrange(panes::arrangement(model))]
        }
        PromptTarget::Pane(PaneId::Logs) => logs::filter(model, text),
        PromptTarget::Pane(PaneId::Traces) => {
            model.traces.filter = text;
            model.traces.arrange();
            Vec::new()
        }
        PromptTarget::Trace | PromptTarget::Scope => Vec::new(),
        PromptTarget::Pane(PaneId::Incident) => {
            model.incidents.filter = text;
            model.incidents.arrange();
            Vec::new()
        }
        PromptTarget::Timeline => {
            model.incidents.event_filter = text;
            model.incidents.arrange_events();
            Vec::new()
        }
        PromptTarget::Silences => {
            model.silences.filter = text;
            model.silences.arrange(model.alerts.board.as_deref(), now);
            Vec::new()
        }
    }
}

fn set_search(model: &mut Model, target: PromptTarget, search: Option<Search>) -> Vec<Effect> {
    match target {
        PromptTarget::Pane(PaneId::Logs) => {
            return logs::search(model, search);
        }
        PromptTarget::Trace => return waterfall::search(model, search),
        PromptTarget::Pane(PaneId::Traces) => model.traces.search = search,
        PromptTarget::Pane(PaneId::Slo) => model.slo.search = search,
        PromptTarget::Pane(PaneId::Alerts) => model.alerts.search = search,
        PromptTarget::Pane(PaneId::Incident) => model.incidents.search = search,
        PromptTarget::Scope => {}
        PromptTarget::Silences => model.silences.search = search,
        PromptTarget::Timeline => model.incidents.event_search = search,
    }
    Vec::new()
}

/// Whether the list that has the keys is being searched.
pub(super) fn search_is_on(model: &Model) -> bool {
    if let Some(id) = trace_with_keys(model) {
        return waterfall::is_searched(model, id);
    }
    match list_with_keys(model) {
        None | Some(PromptTarget::Trace | PromptTarget::Scope) => false,
        Some(PromptTarget::Silences) => model.silences.search.is_some(),
        Some(PromptTarget::Timeline) => model.incidents.event_search.is_some(),
        Some(PromptTarget::Pane(PaneId::Traces)) => model.traces.search.is_some(),
        Some(PromptTarget::Pane(PaneId::Slo)) => model.slo.search.is_some(),
        Some(PromptTarget::Pane(PaneId::Alerts)) => model.alerts.search.is_some(),
        Some(PromptTarget::Pane(PaneId::Logs)) => model.logs.search.is_some(),
        Some(PromptTarget::Pane(PaneId::Incident)) => model.incidents.search.is_some(),
    }
}

/// In longer lists hits are not counted.
const COUNTED: usize = 2_000;

/// Where a search starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// At the cursor.
    Here,
    /// Behind it.
    Next,
}

/// Moves the cursor to the nearest hit, round the end; whether there is one.
pub(super) fn jump_to_hit(model: &mut Model, direction: Direction, from: From) -> bool {
    if let Some(id) = trace_with_keys(model) {
        return waterfall::jump_to_match(model, id, direction, from);
    }
    if list_with_keys(model) == Some(PromptTarget::Pane(PaneId::Logs)) {
        // The lines are searched off this task; their hits are there.
        return model.logs.jump(direction);
    }
    let Some((count, search, index)) = searched(model) else {
        return false;
    };
    let start = usize::from(from == From::Next);
    let mut rows = (start..count + start).map(|step| match direction {
        Direction::Down => (index + step) % count,
        Direction::Up => (index + count - step % count) % count,
    });
    // A row's text is put together only when it is its turn: the nearest hit is most often near.
    let Some(row) = rows.find(|&row| search.hits(&row_text(model, row))) else {
        return false;
    };
    match (model.detail(), model.focus) {
        (Some(Detail::Silences), _) => model.silences.list.select(&model.silences.rows, row),
        (Some(Detail::Incident(_)), _) => {
            let pane = &mut model.incidents;
            pane.event_list.select(&pane.events, row);
        }
        (_, PaneId::Slo) => model.slo.list.select(&model.slo.rows, row),
        (_, PaneId::Alerts) => model.alerts.list.select(&model.alerts.rows, row),
        (_, PaneId::Incident) => model.incidents.list.select(&model.incidents.rows, row),
        (_, PaneId::Traces) => model.traces.list.select(&model.traces.rows, row),
        (_, PaneId::Logs) => {}
    }
    true
}

/// The list that has the keys, where it is searched row by row: its rows, what is sought, and where its cursor is.
fn searched(model: &Model) -> Option<(usize, &Search, usize)> {
    let (count, search, index) = match list_with_keys(model)? {
        PromptTarget::Trace | PromptTarget::Scope | PromptTarget::Pane(PaneId::Logs) => return None,
        PromptTarget::Silences => {
            let pane = &model.silences;
            (pane.rows.len(), &pane.search, pane.list.index)
        }
        PromptTarget::Timeline => {
            let pane = &model.incidents;
            (pane.events.len(), &pane.event_search, pane.event_list.index)
        }
        PromptTarget::Pane(PaneId::Traces) => {
            let pane = &model.traces;
            (pane.rows.len(), &pane.search, pane.list.index)
        }
        PromptTarget::Pane(PaneId::Slo) => {
            let pane = &model.slo;
            (pane.rows.len(), &pane.search, pane.list.index)
        }
        PromptTarget::Pane(PaneId::Alerts) => {
            let pane = &model.alerts;
            (pane.rows.len(), &pane.search, pane.list.index)
        }
        PromptTarget::Pane(PaneId::Incident) => {
            let pane = &model.incidents;
            (pane.rows.len(), &pane.search, pane.list.index)
        }
    };
    Some((count, search.as_ref()?, index))
}

/// How many rows have what is sought; nothing where there are so many that a key would have to wait for it.
fn hits(model: &Model) -> Option<usize> {
    let (count, search, _) = searched(model).filter(|(count, _, _)| *count <= COUNTED)?;
    let has = |row: &usize| search.hits(&row_text(model, *row));
    Some((0..count).filter(has).count())
}

/// What a row of the list that has the keys is searched by.
fn row_text(model: &Model, row: usize) -> String {
    match (model.detail(), model.focus) {
        (Some(Detail::Silences), _) => {
            let board = model.alerts.board.as_deref();
            let key = model.silences.rows.get(row);
            board
                .zip(key)
                .and_then(|(board, key)| silence_by(board, key))
                .map_or_else(String::new, |row| silence_text(&row.silence))
        }
        (Some(Detail::Incident(_)), _) => {
            let event = model.incidents.event_at(row);
            event.map_or_else(String::new, event_text)
        }
        (_, PaneId::Slo) => {
            let report = model.slo.rows.get(row).and_then(|name| model.slo.report(name));
            report.map_or_else(String::new, |r| {
                format!("{} {} {}", r.slo.service, r.slo.name, r.state.word())
            })
        }
        (_, PaneId::Alerts) => alert_text(model, row),
        (_, PaneId::Logs) => String::new(),
        (_, PaneId::Traces) => traces::row_text(model, row),
        (_, PaneId::Incident) => {
            let incident = model
                .incidents
                .rows
                .get(row)
                .and_then(|id| model.incidents.incident(id));
            incident.map_or_else(String::new, |incident| incident_text(incident))
        }
    }
}

fn alert_text(model: &Model, row: usize) -> String {
    let Some((group, alert)) = model.alerts.at(row) else {
        return String::new();
    };
    let mut text = String::new();
    match alert {
        Some(alert) => {
            text.push_str(&alerts::describe(alert));
            for (name, value) in alert.labels.iter() {
                text.push(' ');
                text.push_str(name);
                text.push('=');
                text.push_str(value);
            }
        }
        None => {
            for alert in &group.alerts {
                text.push_str(&alerts::describe(alert));
                text.push(' ');
            }
        }
    }
    text
}
