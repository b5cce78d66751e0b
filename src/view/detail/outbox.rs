//! The outbox: every act that is not over, where it stands, and what is asked about it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::app::OutboxRow;
use crate::app::acts::PendingAct;
use crate::app::update::outbox_target;
use crate::domain::incident::IncidentAct;
use crate::notify::{Unreached, phones};
use crate::outbox::{Entry, Payload, State};
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::layout::{HEADER_ROWS, list_rows};
use crate::view::pane::{self, cells_of, message, position, thumb};
use crate::view::widget::columns::{self, Align, Column, Width, column, flex};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece};
use crate::view::{Scene, figures, hints};

const COLUMNS: [Column; 6] = [
    column("state", flex(11, 14, 1), Align::Left, 0),
    column("age", Width::Fixed(4), Align::Right, 0),
    column("act", flex(26, 60, 4), Align::Left, 0),
    column("tries", Width::Fixed(5), Align::Right, 3),
    column("next", Width::Fixed(5), Align::Right, 2),
    column("what came of it", flex(24, 90, 5), Align::Left, 1),
];

/// Draws the list.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let model = scene.model;
    let (list, total) = (&model.outbox_list, model.outbox_rows.len());
    let shown = list_rows(area);
    let frame = Frame {
        count: said(scene),
        foot: position(list.index, total, shown),
        ..Frame::titled(SafeText::line("Outbox"), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    if total == 0 {
        let more = [
            "Every act is kept on the disk before it is sent, and stays here until it is known what \
                     became of it."
                .to_owned(),
        ];
        let head = ("Nothing waits: all that was done has arrived.", Role::Text);
        return message(scene, buffer, inside, head, &more);
    }
    let asked = chosen(scene).and_then(|entry| match entry.state {
        State::Failed | State::Cancelled => Some(&*entry.outcome).filter(|outcome| !outcome.is_empty()),
        State::Pending | State::Sending | State::NeedsDecision => entry.last_error.as_deref(),
        State::Confirmed => None,
    });
    let body = cells_of(inside);
    let slots = columns::layout(&COLUMNS, body.width, 1);
    columns::draw_header(buffer, widget::row(body, 0), scene.theme, &COLUMNS, &slots);
    for (line, index) in (list.offset..total).take(shown).enumerate() {
        let whole = widget::row(inside, line as u16 + HEADER_ROWS);
        let Some((cells, over)) = model.outbox_rows.get(index).and_then(|row| cells(scene, *row)) else {
            continue;
        };
        let selected = index == list.index;
        let look = pane::look(selected, over);
        columns::draw_row(
            buffer,
            cells_of(whole),
            scene.theme,
            (&COLUMNS, &slots),
            &cells,
            look,
        );
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
    }
    // Below the list, where there is room: the whole of what is asked about the one under the cursor.
    let used = HEADER_ROWS + total.min(shown) as u16;
    if let Some(asked) = asked.filter(|_| inside.height > used + 2) {
        let below = Rect {
            y: inside.y + used + 1,
            height: inside.height - used - 1,
            ..inside
        };
        let open = chosen(scene).is_some_and(|entry| entry.state.is_open());
        let keys = format!(
            "{} looks again and retries · {} sends it · {} drops it",
            hints::key(scene, Action::RetryEntry).unwrap_or_default(),
            hints::key(scene, Action::SendEntry).unwrap_or_default(),
            hints::key(scene, Action::DropEntry).unwrap_or_default(),
        );
        message(
            scene,
            buffer,
            below,
            (SafeText::line(asked).as_str(), Role::StateStale),
            if open { std::slice::from_ref(&keys) } else { &[] },
        );
    }
    let extent = Extent {
        first: list.offset,
        shown,
        total,
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

fn chosen(scene: Scene<'_>) -> Option<&Entry> {
    match scene.model.outbox_list.selected? {
        OutboxRow::Entry(id) => scene.model.outbox.entry(id),
        OutboxRow::Unsaved(_) | OutboxRow::Unreached(_) => None,
    }
}

/// `1 asks · 2 pending`.
fn said(scene: Scene) -> Vec<Piece<'static>> {
    let open = scene.model.outbox.open();
    let asks = open.filter(|entry| entry.state == State::NeedsDecision).count();
    let pending = scene.model.outbox.open().count() - asks;
    let mut pieces = Vec::new();
    if asks > 0 {
        pieces.push(Piece::own(format!("{asks} asks"), Role::StateStale));
    }
    if pending > 0 {
        if !pieces.is_empty() {
            pieces.push(Piece::word(" · ", Role::TextDim));
        }
        pieces.push(Piece::own(format!("{pending} pending"), Role::StateBusy));
    }
    pieces
}

fn cells(scene: Scene<'_>, row: OutboxRow) -> Option<(Vec<Vec<Piece<'_>>>, bool)> {
    match row {
        OutboxRow::Unsaved(id) => {
            let act = scene.model.acts.pending.iter().find(|act| act.id == id)?;
            Some((unsaved(act), false))
        }
        OutboxRow::Entry(id) => {
            let entry = scene.model.outbox.entry(id)?;
            Some((of_entry(scene, entry), !entry.state.is_open()))
        }
        OutboxRow::Unreached(first) => {
            let page = scene.model.outbox.unreached(first)?;
            Some((of_page(scene, page), false))
        }
    }
}

fn unsaved(act: &PendingAct) -> Vec<Vec<Piece<'_>>> {
    let what = match &act.act {
        crate::app::acts::Act::Incident { act, label, .. } => {
            format!("{} {}", act.verb().word(), SafeText::line(label))
        }
        _ => act.word().trim_end_matches('…').to_owned(),
    };
    let why = act.trouble.as_deref().unwrap_or_default();
    vec![
        vec![Piece::word("NOT SAVED", Role::StateFailed)],
        Vec::new(),
        vec![Piece::own(what, Role::Text)],
        vec![Piece::word("0", Role::TextMuted)],
        Vec::new(),
        vec![Piece::safe(SafeText::line(why), Role::StateFailed)],
    ]
}

/// A page that reached nobody.
fn of_page(scene: Scene, page: &Unreached) -> Vec<Vec<Piece<'static>>> {
    let safe = |text: &str, role| Piece::own(SafeText::line(text).into_string(), role);
    let level = page
        .level()
        .map_or_else(String::new, |level| format!(" L{level}"));
    let what = format!("page{level} {} {}", page.incident, page.title);
    let said = format!(
        "{}: phone {} · {}",
        page.outcome(),
        phones(&page.people),
        page.why
    );
    vec![
        vec![Piece::word("unreached", Role::StateFailed)],
        vec![Piece::own(
            figures::row_age(figures::since(page.at, scene.still.utc)),
            Role::TextMuted,
        )],
        vec![safe(&what, Role::Text)],
        vec![Piece::own(page.ids.len().to_string(), Role::TextMuted)],
        Vec::new(),
        vec![safe(&said, Role::StateFailed)],
    ]
}

/// What an entry is about, what matters most first: the end of a long name is what may be cut.
fn what(entry: &Entry) -> String {
    match &entry.payload {
        Payload::Incident {
            act: IncidentAct::Escalate { to },
            label,
            ..
        } => format!("escalate to L{to} {}", SafeText::line(label)),
        Payload::Incident { .. }
        | Payload::Silence { .. }
        | Payload::ExtendSilence { .. }
        | Payload::ExpireSilence { .. }
        | Payload::Annotation(_) => outbox_target(entry),
    }
}

fn of_entry<'a>(scene: Scene, entry: &'a Entry) -> Vec<Vec<Piece<'a>>> {
    let now = scene.still.utc;
    let state = match entry.state {
        State::Pending => Piece::word("pending", Role::StateBusy),
        State::Sending => Piece::word("sending", Role::StateBusy),
        State::NeedsDecision => Piece::word("asks", Role::StateStale),
        State::Confirmed => Piece::word("confirmed ✓", Role::StateOk),
        State::Failed => Piece::word("failed", Role::StateFailed),
        State::Cancelled => Piece::word("cancelled", Role::TextDim),
    };
    let next = entry.next_attempt_at.filter(|_| entry.state.is_open());
    let next = next.map(|at| {
        let left = (at - now).to_std().unwrap_or_default();
        Piece::own(figures::until(left), Role::TextMuted)
    });
    let said = match (&entry.last_error, entry.outcome.is_empty()) {
        (Some(error), _) if entry.state.is_open() || entry.state == State::Failed => {
            Piece::safe(SafeText::line(error), Role::StateStale)
        }
        (Some(_) | None, _) => Piece::safe(SafeText::line(&entry.outcome), Role::TextMuted),
    };
    vec![
        vec![state],
        vec![Piece::own(
            figures::row_age(figures::since(entry.created_at, now)),
            Role::TextMuted,
        )],
        vec![Piece::own(what(entry), Role::Text)],
        vec![Piece::own(entry.attempts.to_string(), Role::TextMuted)],
        next.into_iter().collect(),
        vec![said],
    ]
}
