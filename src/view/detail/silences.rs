//! The list of silences: what each hides, until when, who made it and why.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::panes::SilenceKey;
use crate::domain::alert::plan::counted;
use crate::domain::alert::{BoardSilence, IsAck, SilenceState};
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::layout::{HEADER_ROWS, list_rows};
use crate::view::pane::belief::{self, Heard};
use crate::view::pane::{self, alerts, cells_of, mark_hits, message, position, standing, thumb};
use crate::view::widget::columns::{self, Align, Column, Width, column, flex};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece, words};
use crate::view::{Scene, hints};

/// Ends within this: said in the warning style.
const SOON: Duration = Duration::from_secs(15 * 60);

const COLUMNS: [Column; 7] = [
    column("state", Width::Fixed(7), Align::Left, 0),
    column("hides", Width::Fixed(5), Align::Right, 1),
    column("ends in", Width::Fixed(7), Align::Right, 0),
    column("by", flex(6, 16, 1), Align::Left, 2),
    column("matchers", flex(14, 90, 4), Align::Left, 0),
    column("why", flex(10, 60, 3), Align::Left, 3),
    column("source", flex(6, 16, 1), Align::Left, 4),
];

/// Draws the list.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let list = &scene.model.silences;
    let total = list.rows.len();
    let shown = list_rows(area);
    let fresh = alerts::freshness(scene);
    let board = scene.model.alerts.board.as_deref();
    let count = match board.map(belief::heard) {
        Some(Heard::Nobody) if total == 0 => Piece::word("not known", Role::SeverityCritical),
        Some(_) if list.hidden > 0 => {
            let all = total + list.hidden;
            Piece::own(
                format!("{total} of {all} {}", list.choice.word()),
                Role::TextMuted,
            )
        }
        Some(_) | None => Piece::own(format!("{total} {}", list.choice.word()), Role::TextMuted),
    };
    let room = pane::room_for_cause(area.width, 10 + count.width() + list.filter.len());
    let frame = Frame {
        count: vec![count],
        filter: (!list.filter.trim().is_empty()).then(|| SafeText::line(&list.filter)),
        age: fresh.pieces(room),
        foot: position(list.list.index, total, shown),
        ..Frame::titled(SafeText::line("Silences"), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let is_heard = matches!(board.map(belief::heard), Some(Heard::All | Heard::Some));
    if list.rows.is_empty() && list.hidden > 0 && is_heard {
        return filtered_away(scene, buffer, inside);
    }
    if list.rows.is_empty() {
        let next = hints::key(scene, crate::action::Action::ShowExpired).unwrap_or_default();
        let make = hints::key(scene, crate::action::Action::Back).unwrap_or_default();
        let more = [
            format!("{next} cycles what is listed: in force, ending soon, hiding nothing, all."),
            format!("To make one: {make}, put the cursor on an alert, then compose a silence there."),
        ];
        let (head, role) = match (board.map(belief::heard), fresh.failure) {
            (Some(Heard::All | Heard::Some), _) => {
                (format!("No silence ({}).", list.choice.word()), Role::Text)
            }
            (Some(Heard::Nobody) | None, Some(cause)) => (
                format!("✗ Which silences there are is not known: {cause}"),
                Role::StateFailed,
            ),
            (Some(Heard::Nobody) | None, None) => (
                "Which silences there are is not known: no Alertmanager has answered.".to_owned(),
                Role::StateStale,
            ),
        };
        return message(scene, buffer, inside, (&head, role), &more);
    }
    let body = cells_of(inside);
    let slots = columns::layout(&COLUMNS, body.width, 1);
    columns::draw_header(buffer, widget::row(body, 0), scene.theme, &COLUMNS, &slots);
    for (line, index) in (list.list.offset..total).take(shown).enumerate() {
        let whole = widget::row(inside, line as u16 + HEADER_ROWS);
        let row = cells_of(whole);
        let Some(silence) = list.rows.get(index).and_then(|key| find(scene, key)) else {
            continue;
        };
        let selected = index == list.list.index;
        let look = pane::look(selected, silence.silence.state == SilenceState::Expired);
        let cells = cells(scene, silence);
        columns::draw_row(buffer, row, scene.theme, (&COLUMNS, &slots), &cells, look);
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
        mark_hits(scene, buffer, row, list.search.as_ref());
    }
    let extent = Extent {
        first: list.list.offset,
        shown,
        total,
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

/// That it is the filter that shows nothing, and which of its words.
fn filtered_away(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let list = &scene.model.silences;
    let filter = SafeText::line(&list.filter);
    let which = list.choice.word();
    let none = format!(
        "None of {} ({which}) matches `{filter}`.",
        counted(list.hidden, "silence")
    );
    let board = scene.model.alerts.board.as_deref();
    let mut more: Vec<String> = Vec::new();
    if let Some((word, near)) = board.and_then(|board| list.missed(board)) {
        let near = near.map_or_else(String::new, |near| format!("; near: {near}"));
        more.push(SafeText::line(&format!("No silence has {word}{near}.")).into_string());
    }
    let key = hints::key(scene, crate::action::Action::Filter).unwrap_or_default();
    more.push(format!("{key} changes the filter; an empty one shows all."));
    message(scene, buffer, area, (&none, Role::Text), &more);
}

fn find<'a>(scene: Scene<'a>, (cluster, id): &SilenceKey) -> Option<&'a BoardSilence> {
    let board = scene.model.alerts.board.as_ref()?;
    let found = board
        .silences
        .iter()
        .find(|row| row.cluster == *cluster && row.silence.id == *id);
    found.map(AsRef::as_ref)
}

fn cells<'a>(scene: Scene, row: &'a BoardSilence) -> Vec<Vec<Piece<'a>>> {
    let silence = &row.silence;
    let left = (silence.ends_at - scene.still.utc).to_std().unwrap_or_default();
    let state = match (silence.state, row.ack) {
        (SilenceState::Active, IsAck::Yes) => Piece::word("ack", Role::AckOther),
        (SilenceState::Active, IsAck::No) => Piece::word("active", Role::StateOk),
        (SilenceState::Pending, _) => Piece::word("pending", Role::StateBusy),
        (SilenceState::Expired, _) => Piece::word("expired", Role::TextDim),
    };
    let ends = match silence.state {
        SilenceState::Expired => Piece::word("–", Role::TextDim),
        SilenceState::Active if left < SOON => Piece::own(words::span(left), Role::StateStale),
        SilenceState::Active | SilenceState::Pending => Piece::own(words::span(left), Role::Text),
    };
    let hides = if row.matches == 0 && silence.state == SilenceState::Active {
        Piece::word("none", Role::StateStale)
    } else {
        Piece::own(words::count(row.matches as f64), Role::Text)
    };
    let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
    let matchers = SafeText::line(&matchers.join(" ")).into_owned();
    vec![
        vec![state],
        vec![hides],
        vec![ends],
        vec![Piece::own(
            standing::person(scene, &silence.created_by),
            Role::TextMuted,
        )],
        vec![Piece::safe(matchers, Role::Text)],
        vec![Piece::safe(SafeText::line(&silence.comment), Role::TextMuted)],
        vec![Piece::safe(SafeText::line(&row.source), Role::TextMuted)],
    ]
}
