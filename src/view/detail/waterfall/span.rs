//! A span, whole: when it was and what share it had; its attributes, events, links, and who sent it.

use std::fmt::Write as _;

use crate::action::Action;
use crate::app::focus::Detail;
use crate::app::traces::list::operation_of;
use crate::app::traces::{Clocks, Study};
use crate::domain::trace::critical::Step;
use crate::domain::trace::scale::lasting;
use crate::domain::trace::{Attribute, Event, Link, Row, Standing, Status, TraceId};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::detail::Pages;
use crate::view::pane::logs::{clock, service_role};
use crate::view::sheet::Sheet;
use crate::view::widget::{self, Piece, words};
use crate::view::{Scene, hints};

use super::head::{percent, since, took_nanos};

/// Attributes of one list that are shown.
const MOST: usize = 300;
/// Events that are shown.
const MOST_EVENTS: usize = 100;
/// Bytes of a value that are shown; copy has all of it.
const MOST_BYTES: usize = 4 * 1024;
/// Bytes of values that one page shows in all: more would cost the frame.
const PAGE_BYTES: usize = 48 * 1024;

/// The span at the left, what it tells at the right.
pub(in crate::view) fn pages(scene: Scene<'_>, id: TraceId, row: Row) -> Option<Pages<'_>> {
    let open = scene.model.traces.opened(id)?;
    let study = open.study()?;
    if row.index() >= study.trace.len() {
        return None;
    }
    let detail = study.trace.detail(row);
    let mut first = Sheet::default();
    facts(
        scene,
        &mut first,
        study,
        (row, open.clocks),
        detail.message.as_deref(),
    );
    for warning in detail.warnings.iter().take(20) {
        first.prose(&format!("! {warning}"), Role::StateStale);
    }
    let mut room = PAGE_BYTES;
    let mut second = Sheet::default();
    let begin = study.aspect(open.clocks).whole.from;
    // What failed is what one came for.
    let (exceptions, others): (Vec<&Event>, Vec<&Event>) =
        detail.events.iter().partition(|event| event.name == "exception");
    for event in exceptions.iter().take(3) {
        exception(scene, &mut second, event, (begin, &mut room));
    }
    attributes(&mut second, "Attributes", &detail.attributes, &mut room);
    let rest: Vec<&Event> = exceptions.into_iter().skip(3).chain(others).collect();
    if !rest.is_empty() {
        second.heading("Events");
        for event in rest.iter().take(MOST_EVENTS) {
            told_event(scene, &mut second, event, (begin, &mut room));
        }
        more(&mut second, rest.len(), MOST_EVENTS);
    }
    links(scene, &mut second, id, &detail.links);
    if detail.dropped > 0 {
        let text = format!(
            "The sender dropped {} attributes, events or links.",
            detail.dropped
        );
        second.prose(&text, Role::StateStale);
    }
    attributes(&mut second, "Resource", &study.trace.resource(row), &mut room);
    attributes(&mut second, "Scope", &study.trace.scope(row), &mut room);
    if let Some(state) = detail.state.as_deref().filter(|state| !state.is_empty()) {
        second.blank();
        second.pair("tracestate", state, Role::TextMuted);
    }
    Some(Pages {
        title: format!("Span {} of {}", open.index() + 1, open.lines.len()),
        fresh: None,
        first,
        second,
    })
}

fn facts<'a>(
    scene: Scene<'a>,
    sheet: &mut Sheet<'a>,
    study: &'a Study,
    (row, clocks): (Row, Clocks),
    message: Option<&str>,
) {
    let (trace, aspect) = (&study.trace, study.aspect(clocks));
    let span = trace.span(row);
    let (time, whole) = (study.timing(clocks).of(row), aspect.whole);
    sheet.line(vec![
        widget::remote(span.service, service_role(span.service)),
        Piece::word("  ", Role::Text),
        widget::remote(span.operation, Role::TextStrong),
    ]);
    let mut state = Vec::new();
    match span.status {
        Status::Error => state.push(Piece::word("✗ failed  ", Role::TraceError)),
        Status::Ok => state.push(Piece::word("ok  ", Role::StateOk)),
        Status::Unset => {}
    }
    if !span.kind.word().is_empty() {
        state.push(Piece::word(span.kind.word(), Role::TextMuted));
    }
    sheet.line(state);
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        sheet.prose(message, Role::TraceError);
    }
    sheet.blank();
    sheet.pair(
        "began",
        &format!("{}  {}", since(whole.from, time.from), clock(scene, time.from)),
        Role::Text,
    );
    if span.lasted().is_some() {
        let took = took_nanos(trace);
        let share = if time.nanos() <= took {
            format!("{} of the trace", percent(time.nanos(), took))
        } else {
            "longer than the root took, so no share of it".to_owned()
        };
        sheet.pair(
            "took",
            &format!("{}  {share}", lasting(time.nanos())),
            Role::TextStrong,
        );
        let own = aspect.own.nanos(row);
        sheet.pair(
            "self time",
            &format!("{}  {} of the span", lasting(own), percent(own, time.nanos())),
            Role::Text,
        );
    } else {
        sheet.pair("took", "?", Role::StateStale);
    }
    if let Some(step) = aspect.path.step(row) {
        let text = on_path(step, span.standing, aspect.path.whole().nanos());
        sheet.pair("critical path", &text, Role::TraceCriticalPath);
    }
    let listed = listed(scene, study, row);
    for text in listed.into_iter().chain(alike(study, row)) {
        sheet.pair("beside its like", &text, Role::Text);
    }
    if let Some(odd) = span.times.odd() {
        sheet.pair("times", odd, Role::StateStale);
    }
    if clocks == Clocks::Moved && time != study.timing(Clocks::Sent).of(row) {
        let sent = study.timing(Clocks::Sent).of(row);
        sheet.pair("as it came", &since(whole.from, sent.from), Role::StateStale);
    }
    sheet.blank();
    match span.standing {
        Standing::Root => sheet.pair("parent", "none: a root", Role::TextMuted),
        Standing::Orphan { missing } => {
            sheet.pair(
                "parent",
                &format!("{missing}, which did not come"),
                Role::StateStale,
            );
        }
        Standing::Cut { named } => {
            sheet.pair(
                "parent",
                &format!("{named}: they lead back to this one"),
                Role::StateStale,
            );
        }
        Standing::Child => {
            if let Some(parent) = span.parent.map(|parent| trace.span(parent)) {
                sheet.pair(
                    "parent",
                    &format!("{} {}", parent.service, parent.operation),
                    Role::Text,
                );
            }
        }
    }
    let below = trace.subtree(row).len() - 1;
    if below > 0 {
        let children = match trace.children(row).count() {
            1 => "1 child".to_owned(),
            count => format!("{count} children"),
        };
        sheet.pair(
            "below it",
            &match below {
                1 => children,
                below => format!("{children}, {below} spans in all"),
            },
            Role::Text,
        );
    }
    if let Some(host) = trace.host(row) {
        sheet.pair("host", host, Role::Text);
    }
    if !span.id.is_none() {
        sheet.pair("span id", &span.id.to_string(), Role::TextMuted);
    }
    sheet.pair("trace id", &trace.id().to_string(), Role::TextMuted);
    // Below the waterfall the keys are the waterfall's.
    if matches!(scene.model.detail(), Some(Detail::Span(_, _))) {
        sheet.blank();
        for keys in keys(scene) {
            sheet.line(keys);
        }
    }
}

/// What a span has to do with how long the whole took. Without a root there is no whole.
fn on_path(step: &Step, standing: Standing, whole: u64) -> String {
    let mut text = format!(
        "{} of its own, {} of the path",
        lasting(step.own),
        percent(step.own, whole)
    );
    match (standing, step.drag) {
        (Standing::Root | Standing::Orphan { .. } | Standing::Cut { .. }, _) => {}
        (Standing::Child, 0) => text.push_str("; without it other calls would take as long"),
        (Standing::Child, drag) => {
            let _ = write!(text, "; without it the end would come {} sooner", lasting(drag));
        }
    }
    text
}

/// Where its trace stands among those of its operation in the list, which the root speaks for.
fn listed(scene: Scene, study: &Study, row: Row) -> Option<String> {
    let pane = &scene.model.traces;
    let trace = pane
        .summary(study.trace.id())
        .filter(|_| row == study.trace.primary())?;
    let measured = pane.statistics.operation(&operation_of(trace))?;
    let share = measured.percentile_of(trace.duration)?;
    let p95 = u64::try_from(measured.quantile(0.95)?.as_nanos()).unwrap_or(u64::MAX);
    Some(format!(
        "p{:.0} of the {} listed traces of this operation, whose p95 is {}",
        (share * 100.0).floor(),
        measured.n(),
        lasting(p95)
    ))
}

/// Where it stands among the spans of the same operation in this trace, where there are enough.
fn alike(study: &Study, row: Row) -> Option<String> {
    let measured = study.alike(row)?;
    let duration = study.trace.span(row).duration;
    let share = measured.percentile_of(duration)?;
    Some(format!(
        "p{:.0} of {} spans of this operation here",
        (share * 100.0).floor(),
        measured.n()
    ))
}

/// In two lines: beside its waterfall a span is narrow.
fn keys(scene: Scene) -> [Vec<Piece<'static>>; 2] {
    let mut lines = [Vec::new(), Vec::new()];
    // Beside its waterfall the tree has its keys.
    let [before, next] = if crate::app::update::is_beside(scene.model, scene.now) {
        [Action::Up, Action::Down]
    } else {
        [Action::Collapse, Action::Expand]
    };
    for (line, action, says) in [
        (0, before, "span before"),
        (0, next, "next span"),
        (1, Action::Pivot, "where it leads"),
        (1, Action::Copy, "copy"),
    ] {
        if let Some(key) = hints::key(scene, action) {
            let pieces: &mut Vec<Piece<'static>> = &mut lines[line];
            pieces.push(Piece::own(key, Role::Key));
            pieces.push(Piece::own(format!(" {says}  "), Role::TextMuted));
        }
    }
    lines
}

fn attributes(sheet: &mut Sheet, heading: &'static str, all: &[Attribute], room: &mut usize) {
    if all.is_empty() {
        return;
    }
    sheet.heading(heading);
    let shown = pairs(sheet, "", all, room);
    more(sheet, all.len(), shown);
}

/// Pairs of names and values, as many as there is room for; how many.
fn pairs(sheet: &mut Sheet, indent: &str, all: &[Attribute], room: &mut usize) -> usize {
    let mut shown = 0;
    for attribute in all.iter().take(MOST) {
        if *room == 0 {
            break;
        }
        let mut value = attribute.value.to_string();
        let whole = value.len();
        let mut end = whole.min(MOST_BYTES).min(*room);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        value.truncate(end);
        *room = room.saturating_sub(end.max(1));
        if end < whole {
            let _ = write!(value, " … {} more, not shown", words::bytes((whole - end) as u64));
        }
        let mut name_end = attribute.key.len().min(256);
        while !attribute.key.is_char_boundary(name_end) {
            name_end -= 1;
        }
        let name = attribute.key.get(..name_end).unwrap_or_default();
        sheet.pair(&format!("{indent}{name}"), &value, Role::Text);
        shown += 1;
    }
    shown
}

fn more(sheet: &mut Sheet, all: usize, shown: usize) {
    if all > shown {
        sheet.prose(&format!("and {} more", all - shown), Role::TextMuted);
    }
}

type From<'a> = (crate::domain::trace::Nanos, &'a mut usize);

fn event_head(scene: Scene, event: &Event, begin: crate::domain::trace::Nanos) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    if let Some(at) = event.at {
        pieces.push(Piece::own(format!("{}  ", since(begin, at)), Role::TextStrong));
        pieces.push(Piece::own(format!("{}  ", clock(scene, at)), Role::TextMuted));
    }
    pieces.push(Piece::safe(
        SafeText::line(&event.name).into_owned(),
        Role::TextStrong,
    ));
    pieces
}

fn told_event(scene: Scene, sheet: &mut Sheet, event: &Event, (begin, room): From) {
    sheet.line(event_head(scene, event, begin));
    pairs(sheet, "  ", &event.attributes, room);
}

/// An exception: its type and what it says first, its stack as lines.
fn exception(scene: Scene, sheet: &mut Sheet, event: &Event, (begin, room): From) {
    sheet.heading("Exception");
    sheet.line(event_head(scene, event, begin));
    let said = |key: &str| event.attribute(key).map(ToString::to_string);
    for key in ["exception.type", "exception.message"] {
        if let Some(text) = said(key) {
            sheet.prose(&text, Role::TraceError);
        }
    }
    let known = ["exception.type", "exception.message", "exception.stacktrace"];
    let others = event
        .attributes
        .iter()
        .filter(|one| !known.contains(&one.key.as_ref()));
    let others: Vec<Attribute> = others.cloned().collect();
    pairs(sheet, "", &others, room);
    if let Some(stack) = said("exception.stacktrace") {
        let lines: Vec<&str> = stack.lines().take(MOST).collect();
        for line in &lines {
            *room = room.saturating_sub(line.len());
            sheet.prose(line, Role::TextMuted);
        }
    }
}

fn links(scene: Scene, sheet: &mut Sheet, id: TraceId, links: &[Link]) {
    if links.is_empty() {
        return;
    }
    sheet.heading("Links");
    for link in links.iter().take(MOST_EVENTS) {
        let (name, value) = if link.trace == id {
            ("span of this trace", link.span.to_string())
        } else {
            ("trace", format!("{}  span {}", link.trace, link.span))
        };
        sheet.pair(name, &value, Role::Text);
        let mut room = MOST_BYTES;
        pairs(sheet, "  ", &link.attributes, &mut room);
    }
    more(sheet, links.len(), MOST_EVENTS);
    if let Some(key) = hints::key(scene, Action::Pivot) {
        sheet.prose(&format!("{key} goes to them."), Role::TextMuted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::trace::{Nanos, Stretch};

    #[test]
    fn what_would_be_without_a_span_is_said_where_that_means_something() {
        let step = |drag| Step {
            row: Row(1),
            holds: Stretch {
                from: Nanos(0),
                to: Nanos(480_000_000_000),
            },
            own: 120_000_000_000,
            drag,
        };
        let said = |standing, drag| on_path(&step(drag), standing, 480_000_000_000);
        let own = "2 min 0 s of its own, 25% of the path";
        assert_eq!(said(Standing::Root, 480_000_000_000), own);
        assert_eq!(
            said(Standing::Child, 90_000_000),
            format!("{own}; without it the end would come 90 ms sooner")
        );
        assert_eq!(
            said(Standing::Child, 0),
            format!("{own}; without it other calls would take as long")
        );
    }
}
