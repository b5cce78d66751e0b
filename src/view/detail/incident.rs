//! An incident, opened: who has it and what comes next, and its whole timeline under a cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::app::incidents::{Kinds, Times, called, label};
use crate::domain::alert::plan::counted;
use crate::domain::incident::{AssignedVia, DueWhat, Incident, IncidentId, Person, Urgency};
use crate::domain::timeline::{Event, Timeline};
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::layout::incident_detail;
use crate::view::pane::{Freshness, Lack, incident_rows, look, mark_hits, room_for_cause, thumb};
use crate::view::sheet::{Sheet, moment_pieces};
use crate::view::timeline::{self, Rows};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece, columns, put_pieces, words};
use crate::view::{Scene, figures, hints, moment};

/// The most alerts of an incident that its head names.
const LINKED: usize = 5;

/// Draws an open incident, as it was listed last; whether it ever was.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect, id: &IncidentId) -> bool {
    let Some(incident) = scene.model.incidents.known(id) else {
        return false;
    };
    let pane = &scene.model.incidents;
    let feed = &pane.timeline;
    let fresh = Freshness {
        age: feed.age(scene.now.tick),
        interval: feed.interval,
        failure: feed.failure(),
        lack: Lack::Answer,
    };
    let title = SafeText::line(&label(incident)).into_owned();
    let mut age = standing(scene, incident);
    age.push(Piece::word(" · ", Role::TextMuted));
    age.extend(fresh.said(scene, room_for_cause(area.width, title.width())));
    let severity = incident.severity.as_deref().map(SafeText::line);
    let count = severity.map(|severity| Piece::own(severity.into_string(), Role::SeverityWarning));
    let frame = Frame {
        count: count.into_iter().collect(),
        age,
        ..Frame::titled(title, Focused::Gained)
    };
    frame::draw(buffer, area, scene.theme, &frame);
    let (head, story) = incident_detail(area);
    let beside = head.y == story.y;
    let inset = Rect {
        x: head.x + 1,
        width: head.width.saturating_sub(2),
        ..head
    };
    if beside {
        sheet(scene, incident).draw(scene, buffer, inset, 0);
        let rule = Rect {
            x: story.x - 1,
            width: 1,
            ..story
        };
        for y in 0..rule.height {
            scene.line(buffer, widget::row(rule, y), &[Piece::word("│", Role::Border)]);
        }
    } else {
        brief(scene, buffer, inset, incident);
    }
    events(scene, buffer, (area, story), incident);
    true
}

/// Where an incident stands; what became of it, where it left the list.
fn standing(scene: Scene, incident: &Incident) -> Vec<Piece<'static>> {
    match over(scene, incident) {
        Some(over) => vec![Piece::own(over, Role::StateStale)],
        None => incident_rows::standing_words(scene, incident),
    }
}

/// Whether anything of it is still due.
fn goes_on(scene: Scene, incident: &Incident) -> bool {
    incident.status.is_open() && over(scene, incident).is_none()
}

/// What became of an incident that left the list.
fn over(scene: Scene, incident: &Incident) -> Option<String> {
    let model = scene.model;
    model.incidents.over(&incident.id, &model.us())
}

/// What an incident waits for, as timers, each with the key that answers.
pub(in crate::view) fn nudges(scene: Scene, incident: &Incident) -> Vec<Piece<'static>> {
    let pane = &scene.model.incidents;
    let Some(story) = pane
        .timeline
        .value()
        .filter(|_| pane.followed.as_ref() == Some(&incident.id) && over(scene, incident).is_none())
    else {
        return Vec::new();
    };
    super::nudge::of(scene, incident, story)
        .into_iter()
        .map(|nudge| {
            let key = hints::incident_key(scene, nudge.answer).unwrap_or_default();
            let title = nudge.answer.row().title;
            let role = if nudge.overdue {
                Role::SeverityWarning
            } else {
                Role::TextMuted
            };
            Piece::own(format!("{} ({key} {title})", nudge.words), role)
        })
        .collect()
}

/// The head where room is scarce: the most telling lines, one each.
fn brief(scene: Scene, buffer: &mut Buffer, area: Rect, incident: &Incident) {
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    let goes_on = goes_on(scene, incident);
    let mut first = standing(scene, incident);
    first.push(Piece::word("  ", Role::Text));
    first.push(Piece::own(incident.level.words(), Role::TextMuted));
    if let Some(due) = incident_rows::next_due(incident, scene.still.utc).filter(|_| goes_on) {
        first.push(Piece::word("  ", Role::Text));
        first.push(due);
    }
    if incident.assigned_via == AssignedVia::Direct && goes_on {
        first.push(Piece::word(
            "  given by hand: will not escalate by itself",
            Role::StateStale,
        ));
    }
    lines.push(first);
    let nudges = nudges(scene, incident);
    if !nudges.is_empty() {
        let mut line = Vec::new();
        for nudge in nudges {
            if !line.is_empty() {
                line.push(Piece::word(" · ", Role::TextDim));
            }
            line.push(nudge);
        }
        lines.push(line);
    }
    let mut about = Vec::new();
    if let Some(service) = &incident.service {
        about.push(Piece::own(
            format!("{}  ", SafeText::line(&service.name)),
            Role::Text,
        ));
    }
    about.extend(moment_pieces(scene, incident.created_at));
    let mut names: Vec<&str> = Vec::new();
    for (alert, _) in scene.model.alerts_of(&incident.id) {
        if !names.contains(&&*alert.name) {
            names.push(&alert.name);
        }
    }
    let names = match names.as_slice() {
        [] => String::new(),
        names => format!(": {}", SafeText::line(&names.join(", "))),
    };
    about.push(Piece::own(
        format!(
            "  {}{names}",
            counted(incident.alert_count.try_into().unwrap_or(usize::MAX), "alert")
        ),
        Role::TextMuted,
    ));
    lines.push(about);
    if let Some(policy) = &incident.policy {
        let policy = SafeText::line(&policy.name).into_owned();
        lines.push(vec![
            Piece::word("policy ", Role::TextMuted),
            Piece::safe(policy, Role::Text),
        ]);
    }
    if !incident.roles.is_empty() {
        let roles: Vec<String> = incident
            .roles
            .iter()
            .map(|(role, person)| format!("{} {}", role.word(), incident_rows::who(scene, person)))
            .collect();
        lines.push(vec![Piece::own(roles.join(" · "), Role::TextMuted)]);
    }
    if !incident.responders.is_empty() {
        lines.push(vec![
            Piece::word("asked ", Role::TextMuted),
            Piece::own(responders(scene, incident), Role::Text),
        ]);
    }
    for (line, pieces) in lines.iter().take(usize::from(area.height)).enumerate() {
        scene.line(buffer, widget::row(area, line as u16), pieces);
    }
}

/// How many its keeper counts, and those of them that are on the board.
fn alerts<'a>(scene: Scene<'a>, incident: &Incident, sheet: &mut Sheet<'a>) {
    let mut name = "alerts";
    if incident.alert_count > 0 {
        sheet.pair(name, &incident.alert_count.to_string(), Role::Text);
        name = "";
    }
    let linked = scene.model.alerts_of(&incident.id);
    for (alert, by) in linked.iter().take(LINKED) {
        let line = format!("{} {}, {}", alert.name, alert.state.word(), by.words());
        let role = if by.is_sure() { Role::Text } else { Role::TextMuted };
        sheet.pair(name, &line, role);
        name = "";
    }
    let more = linked.len().saturating_sub(LINKED);
    if more > 0 {
        sheet.pair("", &format!("and {more} more on the board"), Role::TextMuted);
    }
}

fn responders(scene: Scene, incident: &Incident) -> String {
    let responders = incident.responders.iter();
    let said: Vec<String> = responders
        .map(|responder| {
            format!(
                "{} ({})",
                incident_rows::who(scene, &responder.person),
                SafeText::line(&responder.state)
            )
        })
        .collect();
    said.join(", ")
}

/// Everything that is known of an incident, its story aside.
pub(in crate::view) fn sheet<'a>(scene: Scene<'a>, incident: &'a Incident) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    let goes_on = goes_on(scene, incident);
    let mut standing = standing(scene, incident);
    if let Some(severity) = &incident.severity {
        standing.insert(
            0,
            Piece::own(format!("{} ", SafeText::line(severity)), Role::TextStrong),
        );
    }
    sheet.line(standing);
    // The frame has a short one whole.
    if incident.title.len() > 30 {
        sheet.prose(&incident.title, Role::Text);
    }
    for nudge in nudges(scene, incident) {
        let role = nudge.role;
        sheet.prose(nudge.as_str(), role);
    }
    sheet.blank();
    let names = |people: &[Person]| {
        let names: Vec<String> = people
            .iter()
            .map(|person| incident_rows::who(scene, person))
            .collect();
        names.join(", ")
    };
    let with = if incident.assignees.is_empty() {
        "nobody".to_owned()
    } else {
        names(&incident.assignees)
    };
    sheet.pair("with", &with, Role::Text);
    if incident.assigned_via == AssignedVia::Direct && goes_on {
        sheet.pair("", "given by hand: will not escalate by itself", Role::StateStale);
    }
    for (person, at) in &incident.acknowledgements {
        let at = figures::moment(*at, scene.still.utc, scene.model.zone);
        sheet.pair(
            "acked",
            &format!("{} {at}", incident_rows::who(scene, person)),
            Role::Text,
        );
    }
    if let Some(policy) = &incident.policy {
        sheet.pair("policy", &policy.name, Role::Text);
    }
    sheet.pair("level", &rise(scene, incident), Role::Text);
    for due in incident.due.iter().filter(|_| goes_on) {
        // In the words of the nudge that may stand beside it: two countdowns to one moment say the same.
        let (_, left) = crate::domain::incident::nudge::distance(due.at, scene.still.utc);
        let at = figures::moment(due.at, scene.still.utc, scene.model.zone);
        let what = match due.what {
            DueWhat::Escalate => "escalates",
            DueWhat::Unacknowledge => "ack ends",
            DueWhat::Resolve => "resolves",
            DueWhat::UrgencyChange => "urgency",
        };
        sheet.pair(what, &format!("in {left}, {at}"), Role::Text);
    }
    if incident.urgency == Some(Urgency::Low) {
        sheet.pair(
            "urgency",
            "low: pages nobody, cannot be escalated",
            Role::TextMuted,
        );
    }
    if let Some(service) = &incident.service {
        sheet.pair("service", &service.name, Role::Text);
    }
    let opened = figures::moment(incident.created_at, scene.still.utc, scene.model.zone);
    let age = figures::row_age(figures::since(incident.created_at, scene.still.utc));
    sheet.pair("opened", &format!("{opened}, {age} ago"), Role::Text);
    if let Some(over) = incident.resolved_at {
        let over = figures::moment(over, scene.still.utc, scene.model.zone);
        sheet.pair("resolved", &over, Role::StateOk);
    }
    alerts(scene, incident, &mut sheet);
    for (role, person) in &incident.roles {
        sheet.pair(role.word(), &incident_rows::who(scene, person), Role::Text);
    }
    if !incident.responders.is_empty() {
        sheet.pair("asked", &responders(scene, incident), Role::Text);
    }
    if let Some(into) = &incident.merged_into {
        sheet.pair("merged into", &into.0, Role::StateStale);
    }
    if let Some(url) = &incident.url {
        sheet.pair("page", url, Role::TextMuted);
    }
    sheet.pair("kept by", &incident.source, Role::TextMuted);
    if incident.id.is_local() {
        let board = scene.model.incidents.feed.value();
        for remark in board.map_or(&[][..], |board| &board.remarks) {
            sheet.pair("", remark, Role::StateStale);
        }
    }
    sheet
}

/// How far up it has gone, and who is next, where the policy was looked at.
fn rise(scene: Scene, incident: &Incident) -> String {
    let words = incident.level.words();
    // Behind its own label.
    let words = words.strip_prefix("level ").unwrap_or(&words).to_owned();
    let ladder = match &scene.model.incidents.ladder {
        Some((of, ladder, _)) if *of == incident.id => ladder,
        Some(_) | None => return words,
    };
    match ladder.next() {
        Some(rung) => {
            let people: Vec<String> = rung.people.iter().map(called).collect();
            format!("{words}, then {}", people.join(", "))
        }
        None => words,
    }
}

/// The line above the events: how many, what is hidden, what is missing.
fn heading(scene: Scene, buffer: &mut Buffer, row: Rect, timeline: Option<&Timeline>) {
    let pane = &scene.model.incidents;
    let mut pieces = Vec::new();
    match timeline {
        Some(timeline) => {
            let (shown, all) = (pane.events.len(), timeline.events.len());
            let count = if shown == all {
                let s = if all == 1 { "" } else { "s" };
                format!("{} event{s}", words::count(all as f64))
            } else {
                format!("{shown} of {all} events")
            };
            pieces.push(Piece::own(count, Role::TextMuted));
        }
        None => pieces.push(Piece::word("timeline", Role::TextMuted)),
    }
    if let Some(word) = pane.kinds.word() {
        let key = hints::key(scene, Action::FilterKinds).unwrap_or_default();
        pieces.push(Piece::own(format!(" · {word} alone ({key})"), Role::Accent));
    }
    if !pane.event_filter.trim().is_empty() {
        let filter = SafeText::line(&pane.event_filter);
        pieces.push(Piece::own(format!(" · ⟨{filter}⟩"), Role::Accent));
    }
    if pane.times == Times::SinceStart {
        pieces.push(Piece::word(" · times since it opened", Role::TextMuted));
    }
    for missing in timeline.map_or(&[][..], |timeline| &timeline.partial) {
        pieces.push(Piece::own(
            format!(" · {}", SafeText::line(missing)),
            Role::StateStale,
        ));
    }
    scene.line(buffer, row, &pieces);
}

/// What hides every event of a timeline, and the key that brings them back.
fn hidden_events(scene: Scene) -> String {
    let pane = &scene.model.incidents;
    let key = |action| hints::key(scene, action).unwrap_or_default();
    match pane.kinds.word() {
        Some(word) => {
            let others = match pane.kinds.next() {
                Kinds::All => "shows all again",
                Kinds::People | Kinds::Signals | Kinds::Changes | Kinds::Starred | Kinds::Todos => {
                    "shows the next kind"
                }
            };
            format!(
                "No event of this kind: {word} alone; {} {others}.",
                key(Action::FilterKinds)
            )
        }
        None => format!("No event matches the filter; {} changes it.", key(Action::Filter)),
    }
}

/// The events in sight, the one under the cursor among them, unfolded ones whole.
fn events(scene: Scene, buffer: &mut Buffer, (area, story): (Rect, Rect), incident: &Incident) {
    let pane = &scene.model.incidents;
    let timeline = pane
        .timeline
        .value()
        .filter(|_| pane.followed.as_ref() == Some(&incident.id));
    let inset = |row: Rect| {
        let row = widget::after(row, 1);
        Rect {
            width: row.width.saturating_sub(1),
            ..row
        }
    };
    heading(scene, buffer, inset(widget::row(story, 0)), timeline);
    let body = Rect {
        y: story.y + 1,
        height: story.height.saturating_sub(1),
        ..story
    };
    if timeline.is_none() || pane.events.is_empty() {
        let piece = match (timeline, pane.timeline.failure()) {
            (None, Some(why)) => Piece::own(
                format!("✗ no timeline: {}", SafeText::line(why)),
                Role::StateFailed,
            ),
            (None, None) => Piece::word("putting the timeline together…", Role::StateBusy),
            (Some(all), _) if all.events.is_empty() => {
                Piece::word("Nothing is known of it yet.", Role::TextMuted)
            }
            (Some(_), _) => Piece::own(hidden_events(scene), Role::TextMuted),
        };
        scene.line(buffer, inset(widget::row(body, 0)), &[piece]);
        return;
    }
    let rows = Rows {
        opened: Some(incident.created_at),
        width: inset(body).width,
    };
    let room = usize::from(body.height);
    let mut y = 0;
    let shown: Vec<&Event> = (0..pane.events.len())
        .filter_map(|row| pane.event_at(row))
        .collect();
    let then = moment::event(scene, shown.iter().copied());
    for index in first_in_sight(scene, rows, room)..pane.events.len() {
        let Some(event) = pane.event_at(index).filter(|_| y < room) else {
            break;
        };
        let whole = widget::row(body, y as u16);
        let row = inset(whole);
        let selected = index == pane.event_list.index;
        timeline::event_row(scene, buffer, row, event, (rows, look(selected, false)));
        if then == Some(index) {
            moment::mark(scene, buffer, whole, 0);
        }
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
        mark_hits(scene, buffer, row, pane.event_search.as_ref());
        y += 1;
        for line in unfolded(scene, event, rows).iter().take(room.saturating_sub(y)) {
            let row = inset(widget::row(body, y as u16));
            put_pieces(
                buffer,
                row,
                scene.theme,
                line,
                crate::text::Cut::End,
                widget::Look::Plain,
            );
            y += 1;
        }
    }
    let extent = Extent {
        first: pane.event_list.offset,
        shown: room,
        total: pane.events.len(),
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

fn unfolded(scene: Scene, event: &Event, rows: Rows) -> Vec<Vec<Piece<'static>>> {
    if scene.model.incidents.unfolded.contains(&event.id) {
        timeline::whole(scene, event, rows)
    } else {
        Vec::new()
    }
}

/// The first event drawn: the list's own, or a later one where unfolded events would push the cursor out of sight.
fn first_in_sight(scene: Scene, rows: Rows, room: usize) -> usize {
    let pane = &scene.model.incidents;
    let cursor = pane.event_list.index;
    let mut first = cursor;
    let mut used = 0;
    // From the cursor up, as long as all of it fits; never more rows than the screen has.
    for index in (pane.event_list.offset..=cursor).rev() {
        let Some(event) = pane.event_at(index) else { break };
        used += 1 + unfolded(scene, event, rows).len();
        if used > room && index != cursor {
            break;
        }
        first = index;
    }
    first
}
