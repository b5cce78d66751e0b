//! The incident pane: the incidents and who has them, and below them the story of the one under the cursor.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::incident_rows;
use super::tabs::Words;
use super::{Freshness, Lack, cells_of, look, mark_hits, message, room_for_cause, skeleton, thumb};
use crate::action::Action;
use crate::app::focus::PaneId;
use crate::app::incidents::{IncidentBoard, IncidentPane};
use crate::app::record::Watching;
use crate::app::scope::Scope;
use crate::domain::incident::{Incident, Status};
use crate::terminal::Focused;
use crate::text::{Cut, SafeText};
use crate::theme::Role;
use crate::view::layout::{IncidentParts, incident_parts};
use crate::view::timeline::{Rows, event_row};
use crate::view::widget::columns;
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::words;
use crate::view::widget::{self, Look, Piece, put_pieces};
use crate::view::{Scene, detail, figures, hints, light, moment};

/// How old the list is, and which keeper failed.
pub(in crate::view) fn freshness(scene: Scene<'_>) -> Freshness<'_> {
    let feed = &scene.model.incidents.feed;
    let failed = || feed.value()?.errors.first().map(String::as_str);
    // What the journal keeps is always there: it does not make the answer of a keeper that never gave one.
    let heard = |board: &IncidentBoard| {
        let theirs = || board.incidents.iter().any(|incident| !incident.id.is_local());
        board.waiting.is_empty() && (board.errors.is_empty() || theirs())
    };
    Freshness {
        age: feed
            .age(scene.now.tick)
            .filter(|_| feed.value().is_some_and(heard)),
        interval: feed.interval,
        failure: feed.failure().or_else(failed),
        lack: Lack::Answer,
    }
}

/// What the tab bar says of it.
pub(super) fn badge(scene: Scene, words: Words) -> Vec<Piece<'static>> {
    let fresh = freshness(scene);
    let Some(board) = scene.model.incidents.feed.value() else {
        return match fresh.failure {
            Some(_) => vec![words.not_known(Role::SeverityCritical)],
            None if kept_nowhere(scene).is_some() => Vec::new(),
            None => vec![Piece::word(" …", Role::StateBusy)],
        };
    };
    let count = |wanted: fn(&Incident) -> bool| board.incidents.iter().filter(|i| wanted(i)).count();
    let open = count(|incident| incident.status.is_open());
    let free = count(|incident| incident.status == Status::Triggered);
    let newest = board
        .incidents
        .iter()
        .filter(|incident| incident.status.is_open())
        .map(|incident| incident.created_at)
        .max();
    let mut pieces = match (open, free, newest) {
        (0, _, _) if fresh.failure.is_some() => {
            vec![words.not_known(Role::SeverityCritical)]
        }
        (0, _, _) if fresh.is_stale() => {
            vec![Piece::word(" none?", Role::StateStale)]
        }
        (0, _, _) | (_, _, None) => vec![Piece::word(" none", Role::TextMuted)],
        (_, 0, Some(at)) => {
            let age = figures::row_age(figures::since(at, scene.now.utc));
            let text = match words {
                Words::Whole => format!(" {open} open {age}"),
                Words::Short => format!(" {open} open"),
                Words::Bare | Words::Least | Words::Numbers => format!(" {open}"),
            };
            vec![Piece::own(text, Role::AckOther)]
        }
        (_, free, Some(at)) => {
            let age = figures::row_age(figures::since(at, scene.now.utc));
            let text = match words {
                Words::Whole => format!(" {free} unacked {age}"),
                Words::Short => format!(" {free} unacked"),
                Words::Bare | Words::Least | Words::Numbers => format!(" {free}▲"),
            };
            vec![Piece::own(text, Role::SeverityCritical)]
        }
    };
    if fresh.failure.is_some() && open > 0 {
        pieces.push(Piece::word(" ✗", Role::StateFailed));
    }
    pieces
}

/// Draws the pane.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.incidents;
    let focused = scene.model.focus == PaneId::Incident && scene.model.details.is_empty();
    let focus = if focused { Focused::Gained } else { Focused::Lost };
    let frame = border(scene, area, focus);
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    if pane.rows.is_empty() {
        empty(scene, buffer, inside);
        return;
    }
    let parts = incident_parts(area, pane.rows.len());
    list(scene, buffer, &parts, focused);
    let shown = parts.list_rows();
    if pane.rows.len() > shown {
        let beside = Rect {
            height: parts.list.bottom() + 1 - area.y,
            ..area
        };
        let extent = Extent {
            first: pane.list.offset,
            shown,
            total: pane.rows.len(),
        };
        thumb(scene, buffer, beside, extent, focus);
    }
    story(scene, buffer, parts.timeline);
}

fn border(scene: Scene<'_>, area: Rect, focus: Focused) -> Frame<'static> {
    let pane = &scene.model.incidents;
    let mut count = Vec::new();
    let mut age = Vec::new();
    if let Some(board) = pane.feed.value() {
        let inside = || {
            let all = board.incidents.iter();
            all.filter(|incident| !pane.outside.contains(&incident.id))
        };
        let open = inside().filter(|i| i.status.is_open()).count();
        let free = inside().filter(|i| i.status == Status::Triggered).count();
        if pane.rows.len() > 1 {
            count.push(Piece::own(format!("{open} open"), Role::TextMuted));
            if free > 0 {
                count.push(Piece::own(format!(" · {free} unacked"), Role::SeverityCritical));
            }
        }
    }
    if let Some(incident) = pane.selected().filter(|_| pane.rows.len() == 1) {
        let severity = incident.severity.as_deref().map(SafeText::line);
        count.push(Piece::own(
            format!("{} ", incident_rows::number(incident)),
            Role::TextStrong,
        ));
        if let Some(severity) = severity {
            count.push(Piece::own(format!("{severity} "), Role::SeverityWarning));
        }
        count.push(Piece::safe(
            SafeText::line(&incident.title).into_owned(),
            Role::Text,
        ));
        age.extend(incident_rows::standing_words(scene, incident));
        age.push(Piece::word(" · ", Role::TextMuted));
    }
    let fresh = freshness(scene);
    if pane.feed.value().is_some() || kept_nowhere(scene).is_none() {
        age.extend(fresh.said(scene, room_for_cause(area.width, area.width as usize / 2)));
    } else {
        age.clear();
    }
    let remarks = pane.feed.value().map_or(&[][..], |board| &board.remarks);
    let remarks: Vec<&str> = remarks.iter().map(String::as_str).collect();
    // Where nothing else cuts it off: whoever looks at a part is told what burns beside it.
    let mut foot = outside(pane);
    let apart = if foot.is_empty() { "" } else { " · " };
    match &scene.model.watching {
        Watching::Nothing | Watching::Ours | Watching::Relieved => {}
        Watching::Theirs(who) => foot.push(Piece::own(
            format!("{apart}another console escalates: {}", SafeText::line(who)),
            Role::TextMuted,
        )),
        Watching::Failed(why) => foot.push(Piece::own(
            format!("{apart}✗ nothing local escalates: {}", SafeText::line(why)),
            Role::StateFailed,
        )),
    }
    if !remarks.is_empty() {
        let remarks = SafeText::line(&remarks.join(" · ")).into_string();
        let apart = if foot.is_empty() { "" } else { " · " };
        foot.push(Piece::own(format!("{apart}{remarks}"), Role::StateStale));
    }
    Frame {
        number: Some(PaneId::Incident.number()),
        count,
        filter: super::narrowed(scene, PaneId::Incident, &pane.filter)
            .map(|filter| SafeText::line(&filter).into_owned()),
        age,
        foot: super::timed(scene, PaneId::Incident, foot),
        ..Frame::titled(SafeText::line(PaneId::Incident.title()), focus)
    }
}

/// Open incidents that the scope leaves out, and those of them that nobody has.
fn counted_outside(pane: &IncidentPane) -> (usize, usize) {
    let free = |incident: &&Arc<Incident>| incident.status == Status::Triggered;
    (
        pane.open_outside().count(),
        pane.open_outside().filter(free).count(),
    )
}

/// `3 outside, 1 unacked`: open ones that the scope leaves out.
fn outside(pane: &IncidentPane) -> Vec<Piece<'static>> {
    let (count, free) = counted_outside(pane);
    let mut pieces = Vec::new();
    if count > 0 {
        pieces.push(Piece::own(format!("{count} outside"), Role::StateStale));
    }
    if free > 0 {
        pieces.push(Piece::own(format!(", {free} unacked"), Role::SeverityCritical));
    }
    pieces
}

fn list(scene: Scene, buffer: &mut Buffer, parts: &IncidentParts, focused: bool) {
    let pane = &scene.model.incidents;
    let body = cells_of(parts.list);
    let table = incident_rows::columns_for(body.width);
    let slots = columns::layout(&table, body.width, 1);
    if !parts.header.is_empty() {
        columns::draw_header(buffer, cells_of(parts.header), scene.theme, &table, &slots);
    }
    for line in 0..parts.list_rows() {
        let index = pane.list.offset + line;
        let Some(incident) = pane.rows.get(index).and_then(|id| pane.incident(id)) else {
            break;
        };
        let whole = widget::row(parts.list, line as u16);
        let row = cells_of(whole);
        let selected = index == pane.list.index;
        let look = look(selected && focused, !incident.status.is_open());
        let cells = incident_rows::cells(scene, incident);
        columns::draw_row(buffer, row, scene.theme, (&table, &slots), &cells, look);
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
        if pane.marks.contains(&incident.id) {
            let beside = widget::after(whole, 1);
            scene.line(
                buffer,
                Rect { width: 1, ..beside },
                &[Piece::word("✱", Role::Mark)],
            );
        }
        mark_hits(scene, buffer, row, pane.search.as_ref());
    }
}

/// The newest events of the one under the cursor, the newest at the bottom.
fn story(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.incidents;
    let (Some(incident), true) = (pane.selected(), area.height >= 2) else {
        return;
    };
    let followed = pane.followed.as_ref() == Some(&incident.id);
    let head = widget::row(area, 0);
    let inset = |row: Rect| {
        let row = widget::after(row, 1);
        Rect {
            width: row.width.saturating_sub(1),
            ..row
        }
    };
    let timeline = pane.timeline.value().filter(|_| followed);
    let mut said = detail::incident::nudges(scene, incident);
    if let Some(due) = incident_rows::next_due(incident, scene.still.utc) {
        said.insert(0, due);
    }
    let mut pieces = Vec::new();
    if pane.rows.len() > 1 {
        pieces.push(Piece::own(incident_rows::number(incident), Role::TextStrong));
    }
    for piece in said {
        if !pieces.is_empty() {
            pieces.push(Piece::word(" · ", Role::TextDim));
        }
        pieces.push(piece);
    }
    if pieces.is_empty() {
        let rule = "─".repeat(usize::from(inset(head).width));
        pieces.push(Piece::own(rule, Role::Border));
    }
    put_pieces(buffer, inset(head), scene.theme, &pieces, Cut::End, Look::Plain);
    let body = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    let Some(timeline) = timeline else {
        let piece = match pane.timeline.failure().filter(|_| followed) {
            Some(why) => Piece::own(
                format!("✗ no timeline: {}", SafeText::line(why)),
                Role::StateFailed,
            ),
            None => Piece::word("putting the timeline together…", Role::StateBusy),
        };
        scene.line(buffer, inset(widget::row(body, 0)), &[piece]);
        return;
    };
    let rows = usize::from(body.height);
    let first = timeline.events.len().saturating_sub(rows);
    let drawn = Rows {
        opened: Some(incident.created_at),
        width: inset(body).width,
    };
    if timeline.events.is_empty() {
        let nothing = Piece::word("nothing is known of it yet", Role::TextMuted);
        scene.line(buffer, inset(widget::row(body, 0)), &[nothing]);
    }
    let then = moment::event(scene, timeline.events.iter());
    for (line, event) in timeline.events.iter().skip(first).enumerate() {
        if then == Some(first + line) {
            moment::mark(scene, buffer, widget::row(body, line as u16), 0);
        }
        let row = inset(widget::row(body, line as u16));
        event_row(scene, buffer, row, event, (drawn, Look::Plain));
    }
}

/// Why no incident can be kept at all, where none can.
fn kept_nowhere(scene: Scene) -> Option<String> {
    let settings = &scene.model.settings;
    match (&settings.incidents, &settings.no_journal) {
        (None, Some(why)) => Some(why.clone()),
        (Some(_), _) | (None, None) => None,
    }
}

/// Why there is no row, and what to do.
fn empty(scene: Scene, buffer: &mut Buffer, inside: Rect) {
    let model = scene.model;
    let pane = &model.incidents;
    let context = SafeText::line(&model.settings.context);
    let add = format!("PagerDuty: [contexts.{context}.incidents] with kind = \"pagerduty\" and a token.");
    let key = |action| hints::key(scene, action).unwrap_or_default();
    let Some(board) = pane.feed.value() else {
        if let Some(why) = kept_nowhere(scene) {
            let head = format!("No incident can be kept here: {}", SafeText::line(&why));
            return message(scene, buffer, inside, (&head, Role::StateStale), &[add]);
        }
        if let Some(why) = pane.feed.failure() {
            let head = format!("✗ Which incidents are open is not known: {}", SafeText::line(why));
            let more = [
                format!(
                    "{} shows every backend; midwatch doctor says more.",
                    key(Action::Health)
                ),
                "Page and phone as if there were one.".to_owned(),
            ];
            return message(scene, buffer, inside, (&head, Role::StateFailed), &more);
        }
        let keeper = model.settings.incidents.as_deref().unwrap_or("the journal");
        let text = format!("◇ Waiting for {}.", SafeText::line(keeper));
        let first = widget::after(widget::row(inside, 0), 1);
        scene.line(buffer, first, &[Piece::own(text, Role::StateBusy)]);
        let below = Rect {
            y: inside.y + 2.min(inside.height),
            height: inside.height.saturating_sub(2),
            ..inside
        };
        return skeleton(scene, buffer, below);
    };
    let all_outside = board
        .incidents
        .iter()
        .all(|incident| pane.outside.contains(&incident.id));
    if !board.incidents.is_empty() && all_outside {
        let of = model
            .scope
            .of(PaneId::Incident)
            .map(Scope::name)
            .unwrap_or_default();
        let head = format!("No incident of {} is listed.", SafeText::line(&of));
        let (count, free) = counted_outside(pane);
        let mut more = vec![format!("{} goes back to all incidents.", key(Action::ScopeBack))];
        let role = if count > 0 {
            more.insert(
                0,
                format!("{count} open outside of the scope, {free} of them unacked."),
            );
            Role::StateStale
        } else {
            Role::Text
        };
        return message(scene, buffer, inside, (&head, role), &more);
    }
    if !board.incidents.is_empty() {
        let more = [format!(
            "{} changes the filter, {} takes it off.",
            key(Action::Filter),
            key(Action::Back)
        )];
        let head = "No incident in the list matches the filter.";
        return message(scene, buffer, inside, (head, Role::Text), &more);
    }
    let fresh = freshness(scene);
    let whose = match pane.question.whose {
        crate::backend::incidents::Whose::All => "no incident open",
        crate::backend::incidents::Whose::Team => "no incident of your teams open",
        crate::backend::incidents::Whose::Mine => "no incident of yours open",
    };
    let declare = format!(
        "{} declares one; over an alert, with that alert.",
        key(Action::Declare)
    );
    let mut more = Vec::new();
    match (&model.settings.incidents, fresh.failure) {
        (_, Some(why)) => {
            let head = format!("✗ Not all is known: {}", SafeText::line(why));
            return message(scene, buffer, inside, (&head, Role::StateFailed), &[declare]);
        }
        (Some(keeper), None) if fresh.is_stale() => {
            let age = fresh.age.map_or_else(String::new, words::stepped);
            let head = format!(
                "None was open {age} ago; {} has not answered since.",
                SafeText::line(keeper)
            );
            return message(scene, buffer, inside, (&head, Role::StateStale), &[declare]);
        }
        (Some(keeper), None) => {
            let age = fresh.age.map_or_else(String::new, words::stepped);
            let head = format!("✓ {whose}, {} ok {age}", SafeText::line(keeper));
            return message(scene, buffer, inside, (&head, Role::StateOk), &[declare]);
        }
        (None, None) => more.push(format!("Only local ones are kept. {add}")),
    }
    more.push(declare);
    let (head, role) = if light::nobody_answers(scene) {
        let head = "○ None was declared here. Whether anything is wrong is not known: nobody answers.";
        (head.to_owned(), Role::StateStale)
    } else {
        (format!("✓ {whose}"), Role::StateOk)
    };
    message(scene, buffer, inside, (&head, role), &more);
}
