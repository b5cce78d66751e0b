//! The log pane: what is asked for, moving over lines, and what its keys do.

use std::fmt::Write as _;
use std::sync::Arc;

use super::run::{self, show};
use super::{modals, say};
use crate::action::Action;
use crate::app::focus::{Detail, PaneId};
use crate::app::list::{Direction, Moved, Step};
use crate::app::logs::{Follow, Lifted, LogPane, LogView, LogsAsk, Past, Watched, Wrap};
use crate::app::modal::PromptKind;
use crate::app::scope::Scope;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::log::Nanos;
use crate::domain::pattern::Pattern;
use crate::domain::trace_id::TraceId;
use crate::logstore::LineId;
use crate::logstore::query::Query;
use crate::text::SafeText;
use crate::time::Now;

/// Bookmarks at most: they are for a person's memory.
const MOST_BOOKMARKS: usize = 200;
/// Columns at most.
const MOST_COLUMNS: usize = 8;

/// What the runtime published.
pub(super) fn changed(model: &mut Model, view: Arc<LogView>, now: Now) -> Vec<Effect> {
    let sought = model.logs.view.as_ref().and_then(|view| view.hits.clone());
    let answered = view.ask.search.clone();
    model.logs.take(view);
    // The first hits of what is being typed: the cursor goes to the nearest, as it does in lists.
    let typing = matches!(&model.modal, Some(crate::app::modal::Modal::Prompt(prompt))
        if prompt.kind == PromptKind::Search);
    let first = sought.is_none_or(|hits| hits.is_empty());
    if typing && first && model.logs.search.as_ref().is_some_and(|s| s.text == answered) {
        model.logs.nearest_hit();
    }
    let _ = now;
    Vec::new()
}

/// Why there is no log pane.
pub(super) fn not_configured(model: &Model) -> String {
    format!(
        "no log backend is configured; add [contexts.{}.logs]",
        model.settings.context
    )
}

/// The whole of what is wanted; nothing where there is no log backend.
pub(super) fn ask(model: &Model) -> Option<Effect> {
    model.settings.logs.as_ref()?;
    let pane = &model.logs;
    Some(Effect::AskLogs(LogsAsk {
        wanted: pane.wanted(model.scope.service()),
        filter: pane.whole_filter(),
        search: pane
            .search
            .as_ref()
            .map_or_else(String::new, |search| search.text.clone()),
        around: pane.cursor,
        patterns: if model.details.iter().any(|view| view.detail == Detail::Patterns) {
            Watched::Yes
        } else {
            Watched::No
        },
    }))
}

/// The same, where the log pane has the keys.
pub(super) fn ask_if_focused(model: &Model) -> Vec<Effect> {
    if model.focus == PaneId::Logs {
        ask(model).into_iter().collect()
    } else {
        Vec::new()
    }
}

/// What is gone to is shown whole: a filter that was meant for other lines would hide it.
fn show_all(pane: &mut LogPane) {
    pane.trace = None;
    pane.lifted = None;
    pane.filter.clear();
    pane.filter_error = None;
    pane.at_least = None;
    pane.search = None;
}

/// Turns the pane to a service.
pub(super) fn turn_to_service(model: &mut Model, service: &str) -> Vec<Effect> {
    model.details.clear();
    run::turn_to(model, PaneId::Logs);
    show_all(&mut model.logs);
    // Where it is the scope already nothing else changes.
    model.scope.push(Scope {
        service: service.to_owned(),
    });
    model.logs.release();
    run::rescope(model)
}

/// Turns the pane to a trace, of whatever service.
pub(super) fn turn_to_trace(model: &mut Model, trace: TraceId) -> Vec<Effect> {
    model.details.clear();
    run::turn_to(model, PaneId::Logs);
    show_all(&mut model.logs);
    model.logs.query.clear();
    model.logs.trace = Some(trace);
    model.logs.release();
    ask(model).into_iter().collect()
}

/// Shows only what matches; the last good filter holds while one that does not read is typed.
pub(super) fn filter(model: &mut Model, text: String) -> Vec<Effect> {
    let pane = &mut model.logs;
    pane.lifted = None;
    let before = std::mem::replace(&mut pane.filter, text);
    match Query::parse(&pane.whole_filter()) {
        Ok(_) => {
            pane.filter_error = None;
            ask(model).into_iter().collect()
        }
        Err(error) => {
            pane.filter_error = Some(error.to_string());
            pane.filter = before;
            Vec::new()
        }
    }
}

/// Takes the filter away, and the level; what it was.
pub(super) fn drop_filter(model: &mut Model) -> String {
    let pane = &mut model.logs;
    let mut gone = pane.whole_filter();
    if let Some(trace) = pane.trace.take() {
        gone = format!("trace {trace} {gone}");
    }
    pane.filter.clear();
    pane.at_least = None;
    pane.lifted = None;
    pane.filter_error = None;
    gone
}

/// The service of a line.
pub(super) fn service_of(model: &Model, id: LineId) -> Option<String> {
    let view = model.logs.drawn()?;
    view.snapshot.entry(id)?.service.map(str::to_owned)
}

/// Moves the cursor; at the oldest line, older ones are read.
pub(super) fn step(model: &mut Model, step: Step, now: Now) -> Vec<Effect> {
    let moved = model.logs.step(step);
    let upwards = match step {
        Step::Rows(by) => by < 0,
        Step::HalfPage(to) | Step::Page(to) => to == Direction::Up,
        Step::Top => true,
        Step::Bottom => false,
    };
    // A page ahead, so that a person who pages up does not wait at each page's end.
    if upwards && model.logs.place <= model.logs.page {
        let past = model.logs.view.as_ref().map(|view| view.past.clone());
        return match past {
            Some(Past::Open | Past::Failed(_)) => vec![Effect::ReadOlderLogs],
            Some(Past::Whole) if moved == Moved::Stuck => {
                say(model, Level::Info, "this is the oldest line there is", now)
            }
            Some(Past::Full) if moved == Moved::Stuck => say(
                model,
                Level::Info,
                "the store is full: a smaller scope or query reaches further back",
                now,
            ),
            Some(Past::Whole | Past::Full | Past::Reading) | None => Vec::new(),
        };
    }
    if model.logs.is_empty() {
        return say(model, Level::Info, "no lines here yet", now);
    }
    Vec::new()
}

/// The keys of the log pane and of a line.
pub(super) fn act(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    match action {
        Action::FollowLogs => follow(model, now),
        Action::LogLevel => {
            model.logs.at_least = model.logs.next_level();
            model.logs.lifted = None;
            ask(model).into_iter().collect()
        }
        Action::LogQuery => modals::prompt(model, PromptKind::Query, now),
        Action::LogTime => modals::prompt(model, PromptKind::Time, now),
        Action::LogColumns => modals::prompt(model, PromptKind::Columns, now),
        Action::LogContext => context(model, now),
        Action::LogWrap => {
            model.logs.wrap = match model.logs.wrap {
                Wrap::Cut => Wrap::Wrapped,
                Wrap::Wrapped => Wrap::Cut,
            };
            Vec::new()
        }
        Action::LogBookmark => bookmark(model, now),
        Action::NextBookmark => next_bookmark(model, now),
        Action::LogPatterns => {
            show(model, Detail::Patterns);
            ask(model).into_iter().collect()
        }
        Action::LogRefetch => match model.logs.gap_here().cloned() {
            Some(gap) => {
                model
                    .toasts
                    .say(Level::Info, "asking for the missing lines", now.tick);
                vec![Effect::RefetchLogs(gap)]
            }
            None => say(model, Level::Info, "no lines are missing at the cursor", now),
        },
        other => {
            debug_assert!(false, "{other:?} is no action of the log pane");
            Vec::new()
        }
    }
}

fn follow(model: &mut Model, now: Now) -> Vec<Effect> {
    match model.logs.follow {
        Follow::Newest => {
            model.logs.hold();
            say(model, Level::Info, "standing still; lines go on arriving", now)
        }
        Follow::Still { .. } => {
            model.logs.release();
            Vec::new()
        }
    }
}

/// Lifts the filter; the line under the cursor stays where it is. Again: filters again.
fn context(model: &mut Model, now: Now) -> Vec<Effect> {
    let pane = &mut model.logs;
    pane.hold();
    match pane.lifted.take() {
        Some(lifted) => {
            pane.filter = lifted.filter;
            pane.at_least = lifted.at_least;
        }
        None if pane.whole_filter().is_empty() => {
            return say(model, Level::Info, "no filter is on; every line is shown", now);
        }
        None => {
            pane.lifted = Some(Lifted {
                filter: std::mem::take(&mut pane.filter),
                at_least: pane.at_least.take(),
            });
            let key = model.keymap.keys_for(Action::LogContext).into_iter().next();
            let said = format!("filter lifted here; {} filters again", key.unwrap_or_default());
            model.toasts.say(Level::Info, said, now.tick);
        }
    }
    ask(model).into_iter().collect()
}

fn bookmark(model: &mut Model, now: Now) -> Vec<Effect> {
    let id = match model.detail() {
        Some(Detail::LogLine(id)) => Some(*id),
        Some(_) | None => model.logs.cursor,
    };
    let Some(id) = id else {
        return say(model, Level::Info, "no line to mark", now);
    };
    let pane = &mut model.logs;
    if pane.bookmarks.remove(&id) {
        return Vec::new();
    }
    if pane.bookmarks.len() >= MOST_BOOKMARKS {
        return say(
            model,
            Level::Warn,
            "too many bookmarks; take some away first",
            now,
        );
    }
    pane.bookmarks.insert(id);
    Vec::new()
}

fn next_bookmark(model: &mut Model, now: Now) -> Vec<Effect> {
    let pane = &mut model.logs;
    let Some(view) = pane.drawn().cloned() else {
        return say(model, Level::Info, "no bookmark", now);
    };
    let mut places: Vec<usize> = pane.bookmarks.iter().map(|id| view.place_of(*id)).collect();
    places.sort_unstable();
    let next = places
        .iter()
        .find(|place| **place > pane.place)
        .or(places.first());
    match next.copied() {
        Some(place) => {
            pane.go_to(place);
            Vec::new()
        }
        None => say(model, Level::Info, "no bookmark; mark a line first", now),
    }
}

/// A prompt was answered.
pub(super) fn answered(model: &mut Model, kind: PromptKind, text: &str, now: Now) -> Vec<Effect> {
    match kind {
        PromptKind::Query => {
            text.clone_into(&mut model.logs.query);
            ask(model).into_iter().collect()
        }
        PromptKind::Columns => {
            let mut names: Vec<String> = Vec::new();
            for name in text.split([' ', ',']).filter(|name| !name.is_empty()) {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
            names.truncate(MOST_COLUMNS);
            model.logs.columns = names;
            Vec::new()
        }
        PromptKind::Time => match moment(text, now) {
            Ok(at) => {
                if !model.logs.go_to_time(at) {
                    return say(model, Level::Info, "every line here is older than that", now);
                }
                let first = model.logs.place == 0;
                let open = model
                    .logs
                    .view
                    .as_ref()
                    .is_some_and(|view| view.past == Past::Open);
                if first && open {
                    vec![Effect::ReadOlderLogs]
                } else {
                    Vec::new()
                }
            }
            Err(why) => say(model, Level::Warn, why, now),
        },
        PromptKind::Search | PromptKind::Filter | PromptKind::TraceId => Vec::new(),
    }
}

/// A moment as a person types it: `03:14`, `03:14:07`, `14m` or `14m ago`, a date with a time.
fn moment(text: &str, now: Now) -> Result<Nanos, String> {
    use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
    let ago = text
        .strip_suffix("ago")
        .unwrap_or(text)
        .trim()
        .trim_start_matches('-');
    if let Ok(span) = crate::time::parse_duration(ago) {
        return Ok(Nanos::of(now.utc).minus(span));
    }
    let text = text.trim_end_matches('Z');
    for format in ["%H:%M:%S%.f", "%H:%M"] {
        if let Ok(time) = NaiveTime::parse_from_str(text, format) {
            let today = now.utc.date_naive().and_time(time).and_utc();
            // A time that is still to come was meant of yesterday.
            let at = if today > now.utc {
                today - chrono::TimeDelta::days(1)
            } else {
                today
            };
            return Ok(Nanos::of(at));
        }
    }
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(Nanos::of(at.and_utc()));
        }
    }
    if let Ok(at) = text.parse::<DateTime<Utc>>() {
        return Ok(Nanos::of(at));
    }
    let text = SafeText::line(text);
    Err(format!(
        "no time reads as {text}; try 03:14, 15m ago or 2026-11-20 03:14 (UTC)"
    ))
}

/// From a pattern to its lines.
pub(super) fn show_pattern(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(pattern) = model.logs.pattern() else {
        return say(model, Level::Info, "no pattern under the cursor", now);
    };
    let text = pattern_filter(pattern);
    model.details.clear();
    model.focus = PaneId::Logs;
    model.logs.release();
    filter(model, text)
}

/// A pattern in the filter's grammar: its words in their order, whatever stands between them, its service and level.
fn pattern_filter(pattern: &Pattern) -> String {
    let mut regex = String::new();
    let mut rest = &*pattern.template;
    while let Some(begin) = rest.find('<') {
        let (words, value) = rest.split_at(begin);
        let Some(end) = value.find('>') else { break };
        push_words(&mut regex, words);
        if !regex.ends_with(".*") {
            regex.push_str(".*");
        }
        rest = value.get(end + 1..).unwrap_or_default();
    }
    push_words(&mut regex, rest.trim_end_matches('…'));
    let whole = regex.strip_prefix(".*").unwrap_or(&regex);
    let whole = whole.strip_suffix(".*").unwrap_or(whole);
    let mut text = format!("/{whole}/");
    if whole.is_empty() {
        text.clear();
    }
    if let Some(service) = &pattern.service {
        let _ = write!(
            text,
            " service=\"{}\"",
            service.replace('\\', "\\\\").replace('"', "\\\"")
        );
    }
    let _ = write!(text, " level={}", pattern.level);
    text.trim().to_owned()
}

fn push_words(regex: &mut String, words: &str) {
    for word in words.split_whitespace() {
        if !regex.is_empty() && !regex.ends_with(".*") {
            // However the tokens were told apart, something or nothing stood between them.
            regex.push_str("\\W*");
        }
        regex.push_str(&regex::escape(word).replace('/', "\\/"));
    }
}
