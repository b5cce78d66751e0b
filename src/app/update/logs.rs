//! The log pane: what is asked for, moving over lines, and what its keys do.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::TimeZone;

use super::details::show;
use super::{deeds, frozen, panes, prompts, say, scope};
use crate::action::Action;
use crate::app::focus::{Detail, PaneId};
use crate::app::kept::SavedView;
use crate::app::list::{Direction, Moved, Step};
use crate::app::logs::{
    Follow, Lifted, LogPane, LogView, LogsAsk, Past, Refusal, Refused, Seek, Stayed, Stood, Watched, Wrap,
    first_time, search_query,
};
use crate::app::modal::{Modal, PromptKind, PromptTarget};
use crate::app::panes::Search;
use crate::app::scope::TimeRange;
use crate::app::toast::Level;
use crate::app::{Effect, Model, Zone};
use crate::backend::logs::{Reach, TailMode};
use crate::domain::case::PatternAt;
use crate::domain::log::{self, Gap, GapReason, Nanos, Wanted};
use crate::domain::service_map::Caller;
use crate::domain::trace::SpanId;
use crate::domain::trace_id::TraceId;
use crate::logstore::query::Query;
use crate::text::SafeText;
use crate::time::Now;

/// Bookmarks at most: they are for a person's memory.
const MOST_BOOKMARKS: usize = 200;
/// Lines on the way to a time that are read: where there are more, the time itself is asked for.
const MOST_BETWEEN: f64 = 2_000.0;
/// Columns at most.
const MOST_COLUMNS: usize = 8;

/// What the runtime published.
pub(super) fn changed(model: &mut Model, view: Arc<LogView>, now: Now) -> Vec<Effect> {
    let (seek, refused) = (view.seek, view.refused.clone());
    // what is asked anew is not all there yet
    let is_filling = view.past == Past::Reading
        || matches!(
            view.mode,
            None | Some(TailMode::Connecting | TailMode::Reading { .. })
        );
    model.logs.take(view);
    // The first hits of what is being typed: the cursor goes to the nearest, as it does in lists.
    let typing = matches!(&model.modal, Some(Modal::Prompt(prompt)) if prompt.kind == PromptKind::Search);
    if typing {
        model.logs.follow_search();
    }
    let mut effects = Vec::new();
    if let Some(Seek::Ended(to)) = seek
        && model.logs.seek == Some(to)
    {
        effects.extend(arrive(model, to, now));
    }
    if let Some(refused) = refused {
        effects.extend(refuse(model, refused, now));
    }
    effects.extend(tell_query(model, now));
    if model.paused.is_none() && !is_filling {
        effects.extend(miss_bookmarks(model, now));
    }
    effects
}

/// Says of bookmarks whose lines are not in hand any more.
fn miss_bookmarks(model: &mut Model, now: Now) -> Vec<Effect> {
    let said = match model.logs.bookmarks.newly_strayed() {
        0 => return Vec::new(),
        1 => "a bookmarked line is not in hand any more; it is marked again once it is".to_owned(),
        many => {
            format!("{many} bookmarked lines are not in hand any more; they are marked again once they are")
        }
    };
    say(model, Level::Info, said, now)
}

/// The lines of a time that was gone to are there, or as much as could be read.
fn arrive(model: &mut Model, at: Nanos, now: Now) -> Vec<Effect> {
    if model.paused.is_some() {
        model.logs.seek = None;
        return Vec::new();
    }
    let oldest = oldest(&model.logs);
    if let Some(stayed) = model.logs.arrive() {
        open_again(model, stayed);
    } else {
        model.logs.go_to_time(at);
        model.logs.center();
    }
    // A trace has lines of its own alone: none is before its first.
    let is_short = |oldest: &Nanos| *oldest > at && model.logs.trace.is_none();
    match oldest.filter(is_short) {
        Some(oldest) => {
            let said = time_of_day(oldest, model.zone);
            let is_whole = model
                .logs
                .view
                .as_ref()
                .is_some_and(|view| view.past == Past::Whole);
            let said = if is_whole {
                format!("no line in hand is so old: the oldest is of {said}")
            } else {
                let key = model.keymap.keys_for(Action::LogTime).into_iter().next();
                let key = key.unwrap_or_default();
                format!("no line so far back was reached: the oldest is of {said}; {key} goes on")
            };
            say(model, Level::Info, said, now)
        }
        None => Vec::new(),
    }
}

/// A line that was open when its lines were read anew is open still, by the identity that it has now. Whatever was
/// open of lines that are in hand no more stays what it was: another line is never shown in its place.
fn open_again(model: &mut Model, stayed: Stayed) {
    for open in &mut model.details {
        if let Detail::LogLine(id) = &mut open.detail
            && *id == stayed.was
        {
            *id = stayed.is.unwrap_or(*id);
        }
    }
}

/// Has the query told that was typed last, once it is that of the lines.
fn tell_query(model: &mut Model, now: Now) -> Option<Effect> {
    let answered = &model.logs.view.as_ref()?.ask.wanted.query;
    let (_, deed) = model.logs.untold.take_if(|(query, _)| *query == *answered)?;
    deeds::record(model, deed, now)
}

/// The source would not answer a query: the lines of the one before stay, and the text is offered again.
fn refuse(model: &mut Model, refused: Arc<Refused>, now: Now) -> Vec<Effect> {
    let known = model.logs.refused.as_ref();
    if known.is_some_and(|known| Arc::ptr_eq(known, &refused)) || refused.query != model.logs.query {
        return Vec::new();
    }
    let held = model.logs.view.as_ref().map(|view| view.ask.wanted.query.clone());
    model.logs.query = held.unwrap_or_default();
    model.logs.untold = None;
    model.logs.refused = Some(refused);
    model.logs.refusal = Refusal::Shown;
    // Whoever does something else by now is not interrupted: the next query begins with the text.
    let waits = model.modal.is_none() && model.focus == PaneId::Logs && model.details.is_empty();
    if waits {
        prompts::open(model, PromptKind::Query, now);
    }
    ask(model).into_iter().collect()
}

/// When the oldest line in hand is of.
fn oldest(pane: &LogPane) -> Option<Nanos> {
    let view = pane.drawn()?;
    first_time(&view.snapshot)
}

/// `03:14:07Z`, or in local time without the `Z`.
pub(super) fn time_of_day(at: Nanos, zone: Zone) -> String {
    match zone {
        Zone::Utc => at.utc().format("%H:%M:%SZ").to_string(),
        Zone::Local => at
            .utc()
            .with_timezone(&chrono::Local)
            .format("%H:%M:%S")
            .to_string(),
    }
}

/// Why there is no log pane.
pub(super) fn not_configured(model: &Model) -> String {
    format!(
        "no log backend is configured; add [contexts.{}.logs]",
        model.settings.context
    )
}

/// Which lines the source is asked for.
fn wanted(model: &Model) -> Wanted {
    let services = &model.settings.services;
    let service = model.scope.service_of(PaneId::Logs);
    let service = service.map(|service| services.theirs(Caller::Logs, service));
    model.logs.wanted(service, model.scope.of(PaneId::Logs))
}

/// Whether the lines in hand are of another question than what is wanted now.
fn is_read_anew(model: &Model) -> bool {
    let view = model.logs.view.as_ref();
    view.is_some_and(|view| view.ask.wanted != wanted(model))
}

/// The whole of what is wanted; nothing where there is no log backend.
pub(super) fn ask(model: &Model) -> Option<Effect> {
    model.settings.logs.as_ref()?;
    let pane = &model.logs;
    Some(Effect::AskLogs(LogsAsk {
        wanted: wanted(model),
        at: pane.at,
        filter: pane.whole_filter(),
        search: pane
            .search
            .as_ref()
            .map_or_else(String::new, |search| search.text.clone()),
        // Hits are wanted near to where the search began, wherever its first letters led.
        around: pane.sought.as_ref().map_or(pane.cursor, |sought| sought.from),
        patterns: watched(model),
    }))
}

fn watched(model: &Model) -> Watched {
    if model.details.iter().any(|view| view.detail == Detail::Patterns) {
        Watched::Yes
    } else {
        Watched::No
    }
}

/// Patterns are learnt while they are open, however they were opened or left.
pub(super) fn settle_watched(model: &mut Model) -> Vec<Effect> {
    let watched = watched(model);
    if watched == model.logs.watched {
        return Vec::new();
    }
    model.logs.watched = watched;
    ask(model).into_iter().collect()
}

/// The same, where the log pane has the keys.
pub(super) fn ask_if_focused(model: &Model) -> Vec<Effect> {
    if model.focus == PaneId::Logs {
        ask(model).into_iter().collect()
    } else {
        Vec::new()
    }
}

/// Turns the pane to a service, around a moment where one is meant.
pub(super) fn turn_to_service(model: &mut Model, service: &str, at: Option<Nanos>, now: Now) -> Vec<Effect> {
    model.details.clear();
    panes::turn_to(model, PaneId::Logs);
    model.logs.show_all(at);
    scope::release(model, PaneId::Logs, now);
    // Where it is the scope already nothing else changes.
    let range = scope::range_of(model, at, now);
    model.scope.push(scope::of_service(model, service, range));
    // The moment is closer to what is meant than the middle of the range.
    let (range, trace) = held(model);
    (model.logs.range, model.logs.scoped) = (range.filter(|_| at.is_some()), trace);
    scope::rescope(model, now)
}

/// The range that the pane is turned to, where it is over or that of a trace, and the trace.
fn held(model: &Model) -> (Option<TimeRange>, Option<TraceId>) {
    let scope = model.scope.of(PaneId::Logs);
    let trace = scope.and_then(|scope| scope.trace);
    let range = scope.and_then(|scope| scope.range);
    (range.filter(|range| range.to.is_some() || trace.is_some()), trace)
}

/// The scope was turned from a line: whatever its time becomes, that line is stayed on.
pub(super) fn stay(model: &mut Model) {
    let on_line = match model.detail() {
        None => model.focus == PaneId::Logs,
        Some(detail) => matches!(detail, Detail::LogLine(_)),
    };
    let turned = held(model);
    let pane = &mut model.logs;
    if on_line && pane.stay() {
        (pane.range, pane.scoped) = turned;
    }
}

/// Goes to the time of the scope, where that has become another one; of a trace, to its first line. Else the line under
/// the cursor is stayed on, though others are read.
pub(super) fn follow_scope(model: &mut Model) {
    let (range, trace) = held(model);
    let is_read_anew = is_read_anew(model);
    let pane = &mut model.logs;
    if (pane.range, pane.scoped) == (range, trace) {
        if is_read_anew && !pane.stay() {
            pane.at = None;
        }
        return;
    }
    (pane.range, pane.scoped) = (range, trace);
    let at = range.map(|range| match trace {
        Some(_) => range.from,
        None => range.middle().unwrap_or(range.from),
    });
    let at = at.map(Nanos::of);
    match at {
        Some(_) => pane.hold(),
        None => pane.release(),
    }
    (pane.at, pane.seek) = (at, at);
}

/// Shows what a saved view says: its query, filter and least level, from the newest line on.
pub(super) fn take_up_view(model: &mut Model, view: &SavedView) -> Vec<Effect> {
    model.logs.show_all(None);
    let part = &view.logs;
    model.logs.query.clone_from(&part.query);
    (model.logs.refused, model.logs.refusal) = (None, Refusal::Read);
    model.logs.at_least = part.level.map(|level| level.0);
    filter(model, part.filter.clone())
}

/// Turns the pane to a trace, of whatever service, around the moment of one of its lines.
pub(super) fn turn_to_trace(model: &mut Model, trace: TraceId, at: Nanos) -> Vec<Effect> {
    // From one trace to another: what was looked at before the first is what is come back to.
    let left = match model.logs.trace {
        Some(_) => model.logs.before_trace.take(),
        None => Some(model.logs.left()),
    };
    model.details.clear();
    panes::turn_to(model, PaneId::Logs);
    model.logs.show_all(Some(at));
    model.logs.before_trace = left;
    model.logs.query.clear();
    model.logs.trace = Some(trace);
    ask(model).into_iter().collect()
}

/// The same for one of its spans, whose lines name it.
pub(super) fn turn_to_span(model: &mut Model, (trace, span): (TraceId, SpanId), at: Nanos) -> Vec<Effect> {
    turn_to_trace(model, trace, at);
    model.logs.filter = format!("span_id={span}");
    ask(model).into_iter().collect()
}

/// Shows only what matches; the last good filter holds while one that does not read is typed.
pub(super) fn filter(model: &mut Model, text: String) -> Vec<Effect> {
    let pane = &mut model.logs;
    pane.lifted = None;
    (pane.before_pattern, pane.back_to) = (None, None);
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

/// Seeks a text; one that does not read finds nothing, and why is said.
pub(super) fn search(model: &mut Model, search: Option<Search>) -> Vec<Effect> {
    let read = search.as_ref().map(|search| search_query(&search.text));
    model.logs.search_error = read.and_then(Result::err).map(|error| error.to_string());
    model.logs.search = search;
    ask(model).into_iter().collect()
}

/// Takes the filter away, and the level; what it was.
pub(super) fn drop_filter(model: &mut Model) -> String {
    let pane = &mut model.logs;
    let mut gone = pane.whole_filter();
    if let Some(stood) = pane.before_pattern.take() {
        leave_pattern(pane, stood);
        return gone;
    }
    if let Some(trace) = pane.trace.take() {
        gone = format!("trace {trace} {gone}");
        if let Some(left) = pane.before_trace.take() {
            pane.take_up(left);
            return gone;
        }
        // All lines around the one under the cursor: it stays in sight.
        pane.at = pane.time_here();
        pane.seek = pane.at;
    }
    pane.filter.clear();
    pane.at_least = None;
    pane.lifted = None;
    pane.filter_error = None;
    gone
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
            Some(Past::Nothing { back_to }) if moved == Moved::Stuck => {
                let key = model.keymap.keys_for(Action::LogRefetch).into_iter().next();
                let said = format!(
                    "nothing older back to {}; {} looks further",
                    back_to.utc().format("%Y-%m-%d"),
                    key.unwrap_or_default()
                );
                say(model, Level::Info, said, now)
            }
            Some(Past::Full) if moved == Moved::Stuck => say(
                model,
                Level::Info,
                "the store is full: a smaller scope or query reaches further back",
                now,
            ),
            Some(Past::Nothing { .. } | Past::Whole | Past::Full | Past::Reading) | None => Vec::new(),
        };
    }
    if model.logs.is_empty() {
        return say(model, Level::Info, "no lines here yet", now);
    }
    Vec::new()
}

/// The keys of the log pane and of a line.
pub(super) fn act(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    if let Some(why) = nothing_here(model, action) {
        return say(model, Level::Info, why, now);
    }
    match action {
        Action::FollowLogs => follow(model, now),
        Action::LogLevel => {
            model.logs.at_least = model.logs.next_level();
            model.logs.lifted = None;
            ask(model).into_iter().collect()
        }
        Action::LogQuery => prompts::open(model, PromptKind::Query, now),
        Action::LogTime => prompts::open(model, PromptKind::Time, now),
        Action::LogColumns => prompts::open(model, PromptKind::Columns, now),
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
            Some(gap) if gap.reason == GapReason::Reading => say(
                model,
                Level::Info,
                "the file is still being read: they come by themselves",
                now,
            ),
            Some(gap) => {
                model
                    .toasts
                    .say(Level::Info, "asking for the missing lines", now.tick);
                vec![Effect::RefetchLogs(gap)]
            }
            None if at_the_end_of_the_known(&model.logs) => {
                model.toasts.say(Level::Info, "looking further back", now.tick);
                vec![Effect::ReadOlderLogs]
            }
            None => say(model, Level::Info, "no lines are missing at the cursor", now),
        },
        other => {
            debug_assert!(false, "{other:?} is no action of the log pane");
            Vec::new()
        }
    }
}

/// Why a key that works on lines does nothing where there are none.
fn nothing_here(model: &Model, action: Action) -> Option<String> {
    if model.settings.logs.is_none() {
        return Some(not_configured(model));
    }
    let of_lines = matches!(
        action,
        Action::FollowLogs | Action::LogWrap | Action::LogContext | Action::LogPatterns
    );
    let empty = model.logs.drawn().is_none_or(|view| view.snapshot.is_empty());
    if !of_lines || !empty {
        return None;
    }
    let failure = model.logs.drawn().and_then(|view| view.failure.as_deref());
    Some(match failure {
        Some(why) => format!("no line was read yet: {}", SafeText::line(why)),
        None => "no line was read yet; they appear here as they arrive".to_owned(),
    })
}

/// Whether the cursor is on the oldest line and older ones were looked for in vain.
fn at_the_end_of_the_known(pane: &LogPane) -> bool {
    let past = pane.view.as_ref().map(|view| &view.past);
    pane.place == 0 && matches!(past, Some(Past::Nothing { .. }))
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
    pane.stand();
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
    if pane.bookmarks.remove(id) {
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
    let view = pane.drawn().cloned();
    match view.as_ref().and_then(|view| view.snapshot.entry(id)) {
        Some(entry) => {
            pane.bookmarks.insert(&entry);
            Vec::new()
        }
        None => say(model, Level::Info, "the line was let go", now),
    }
}

fn next_bookmark(model: &mut Model, now: Now) -> Vec<Effect> {
    let pane = &mut model.logs;
    let Some(view) = pane.drawn().cloned() else {
        return say(model, Level::Info, "no bookmark", now);
    };
    let mut places: Vec<usize> = pane.bookmarks.ids().map(|id| view.place_of(id)).collect();
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
            model.logs.refused = None;
            model.logs.refusal = Refusal::Read;
            let target = PromptTarget::Pane(PaneId::Logs);
            let deed = deeds::of_prompt(model, kind, target, text);
            model.logs.untold = (!text.is_empty()).then(|| (text.to_owned(), deed));
            ask(model).into_iter().chain(tell_query(model, now)).collect()
        }
        PromptKind::Columns => {
            let mut names: Vec<String> = Vec::new();
            for name in text.split([' ', ',']).filter(|name| !name.is_empty()) {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
            names.truncate(MOST_COLUMNS);
            let unknown = model.logs.offered.unknown(names.iter().map(String::as_str));
            let said = (!unknown.is_empty()).then(|| {
                let unknown = SafeText::line(&unknown.join(", ")).into_owned();
                format!("no line around the cursor has {unknown}: the column is empty until one does")
            });
            model.logs.columns = names;
            said.map_or_else(Vec::new, |said| say(model, Level::Warn, said, now))
        }
        PromptKind::Time => {
            let at = match model.zone {
                Zone::Utc => moment(text, now, &chrono::Utc),
                Zone::Local => moment(text, now, &chrono::Local),
            };
            match at {
                Ok(at) => go_to_time(model, at, now),
                // A stretch of time is for every pane.
                Err(_) if scope::read_time(text, model, now).is_ok() => scope::set_time(model, text, now),
                Err(why) => say(model, Level::Warn, why, now),
            }
        }
        PromptKind::Search | PromptKind::Filter | PromptKind::TraceId => Vec::new(),
    }
}

/// Goes to a time; where it is older than all in hand, older lines are read until it is there.
fn go_to_time(model: &mut Model, at: Nanos, now: Now) -> Vec<Effect> {
    if model.paused.is_none() && (is_unread(&model.logs, at) || is_far(&model.logs, at)) {
        model.logs.hold();
        (model.logs.at, model.logs.seek) = (Some(at), Some(at));
        return ask(model).into_iter().collect();
    }
    if oldest(&model.logs).is_some_and(|oldest| oldest <= at)
        && (model.paused.is_some() || !is_being_read(&model.logs))
    {
        model.logs.seek = None;
        return if model.logs.go_to_time(at) {
            Vec::new()
        } else {
            say(model, Level::Info, "every line here is older than that", now)
        };
    }
    if let Some(why) = frozen(model) {
        return say(model, Level::Info, why, now);
    }
    model.logs.hold();
    model.logs.seek = Some(at);
    vec![Effect::SeekLogs(Some(at))]
}

/// Whether nobody asked yet for the lines of a moment, although there are older ones.
fn is_unread(pane: &LogPane, at: Nanos) -> bool {
    let unread = |gap: &Gap| gap.reason == GapReason::Unread && gap.from <= at && at < gap.to;
    pane.drawn()
        .is_some_and(|view| view.snapshot.gaps().iter().any(unread))
}

/// Whether so many lines lie between a moment and the oldest in hand, as far as those tell, that reading them all would
/// fill the store before the moment is reached. A server can be asked around it; a file is read on from where it was.
fn is_far(pane: &LogPane, at: Nanos) -> bool {
    let Some(view) = pane.drawn().filter(|view| view.reach == Reach::Present) else {
        return false;
    };
    let Some((first, last)) = LogView::span_of(&view.snapshot).filter(|(first, _)| at < *first) else {
        return false;
    };
    let nanos = |from: Nanos, to: Nanos| to.0.saturating_sub(from.0) as f64;
    view.snapshot.len() as f64 / nanos(first, last) * nanos(at, first) > MOST_BETWEEN
}

/// Whether files are still being read: what is in hand may not be all of a moment.
fn is_being_read(pane: &LogPane) -> bool {
    let mode = pane.view.as_ref().and_then(|view| view.mode);
    matches!(mode, Some(TailMode::Reading { .. }))
}

/// Gives up going back to a time; whether one was gone back to. Where a pivot leads is no more than a page away.
pub(super) fn give_up_seek(model: &mut Model) -> bool {
    let pane = &mut model.logs;
    if pane.seek.is_none() || pane.seek == pane.at {
        return false;
    }
    pane.seek = None;
    true
}

/// A moment as a person types it in a zone: `03:14`, `03:14:07`, `14m` or `14m ago`, a date with a time.
fn moment<Z: TimeZone>(text: &str, now: Now, zone: &Z) -> Result<Nanos, String> {
    use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
    // An hour that a change of the clocks brings twice is taken for the first; one that it skips is none.
    let in_zone = |at: NaiveDateTime, text: &str| {
        if text.ends_with('Z') {
            Some(at.and_utc())
        } else {
            zone.from_local_datetime(&at).earliest().map(|at| at.to_utc())
        }
    };
    let ago = text
        .strip_suffix("ago")
        .unwrap_or(text)
        .trim()
        .trim_start_matches('-');
    if let Ok(span) = crate::time::parse_duration(ago) {
        return Ok(Nanos::of(now.utc).minus(span));
    }
    let bare = text.trim_end_matches('Z');
    for format in ["%H:%M:%S%.f", "%H:%M"] {
        if let Ok(time) = NaiveTime::parse_from_str(bare, format) {
            let today = if text.ends_with('Z') {
                now.utc.date_naive()
            } else {
                now.utc.with_timezone(zone).date_naive()
            };
            // A time that is still to come was meant of yesterday.
            let days = [Some(today), today.pred_opt()].into_iter().flatten();
            let mut moments = days.filter_map(|day| in_zone(day.and_time(time), text));
            if let Some(at) = moments.find(|at| *at <= now.utc) {
                return Ok(Nanos::of(at));
            }
        }
    }
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ] {
        if let Ok(at) = NaiveDateTime::parse_from_str(bare, format)
            && let Some(at) = in_zone(at, text)
        {
            return Ok(Nanos::of(at));
        }
    }
    if let Ok(at) = text.parse::<DateTime<Utc>>() {
        return Ok(Nanos::of(at));
    }
    let text = SafeText::line(text);
    Err(format!(
        "no time reads as {text}; try 03:14, 15m ago or 2026-11-20 03:14"
    ))
}

/// From a pattern to its lines.
pub(super) fn show_pattern(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = frozen(model) {
        return say(model, Level::Info, why, now);
    }
    let Some(pattern) = model.logs.pattern() else {
        return say(model, Level::Info, "no pattern under the cursor", now);
    };
    let text = pattern_filter(&pattern.template, pattern.service.as_deref(), pattern.level);
    model.details.clear();
    model.focus = PaneId::Logs;
    let pane = &mut model.logs;
    // from one pattern to another: what was looked at before the first is what is come back to
    let stood = pane.before_pattern.take().unwrap_or_else(|| Stood {
        filter: pane.filter.clone(),
        at_least: pane.at_least,
        lifted: pane.lifted.take(),
        follow: pane.follow,
        line: pane.cursor.map(|line| (line, pane.row)),
    });
    // the pattern names its own level
    pane.at_least = None;
    pane.release();
    let effects = filter(model, text);
    model.logs.before_pattern = Some(stood);
    effects
}

/// Turns the pane to the lines of a pattern, from its first on.
pub(super) fn turn_to_pattern(model: &mut Model, pattern: &PatternAt, now: Now) -> Vec<Effect> {
    let text = pattern_filter(&pattern.template, pattern.service.as_deref(), pattern.level);
    let at = Some(Nanos::of(pattern.at));
    let mut effects = if let Some(service) = &pattern.service {
        let ours = model.settings.services.ours(Caller::Logs, service).to_owned();
        turn_to_service(model, &ours, at, now)
    } else {
        model.details.clear();
        panes::turn_to(model, PaneId::Logs);
        model.logs.show_all(at);
        Vec::new()
    };
    effects.extend(filter(model, text));
    effects
}

/// Takes up what was looked at before the lines of a pattern.
fn leave_pattern(pane: &mut LogPane, stood: Stood) {
    pane.filter = stood.filter;
    pane.filter_error = None;
    pane.at_least = stood.at_least;
    pane.lifted = stood.lifted;
    pane.follow = stood.follow;
    pane.back_to = match stood.follow {
        Follow::Newest => None,
        Follow::Still { .. } => stood.line,
    };
}

/// A pattern in the filter's grammar: its words in their order, whatever stands between them, its service and level.
fn pattern_filter(template: &str, service: Option<&str>, level: log::Level) -> String {
    let mut regex = String::new();
    let mut rest = template;
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
    if let Some(service) = service {
        let _ = write!(
            text,
            " service=\"{}\"",
            service.replace('\\', "\\\\").replace('"', "\\\"")
        );
    }
    let _ = write!(text, " level={level}");
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

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, FixedOffset, Utc};

    fn now() -> Now {
        let utc: DateTime<Utc> = "2026-11-20T01:14:07Z".parse().unwrap();
        Now::fixed(utc, 0)
    }

    fn read(text: &str, hours: i32) -> String {
        let zone = FixedOffset::east_opt(hours * 3_600).unwrap();
        let at = moment(text, now(), &zone).unwrap();
        at.utc().format("%d %H:%M:%S").to_string()
    }

    #[test]
    fn a_time_is_read_in_the_zone_that_is_shown() {
        assert_eq!(read("01:00", 0), "20 01:00:00");
        assert_eq!(read("03:00", 2), "20 01:00:00");
        assert_eq!(
            read("03:00", -5),
            "19 08:00:00",
            "yesterday's: today's is to come"
        );
        assert_eq!(read("23:30", -5), "19 04:30:00");
        assert_eq!(read("2026-11-19 03:14", 2), "19 01:14:00");
        assert_eq!(read("03:00Z", 2), "19 03:00:00", "said to be UTC");
        assert_eq!(read("2026-11-19T03:14:00Z", 2), "19 03:14:00");
        assert_eq!(read("15m ago", 2), "20 00:59:07");
    }
}
