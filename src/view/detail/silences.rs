//! The list of silences: what each hides, until when, who made it and why.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::panes::SilenceKey;
use crate::domain::alert::{BoardSilence, IsAck, SilenceState};
use crate::terminal::Focused;
use crate::text::{Cut, SafeText};
use crate::theme::Role;
use crate::view::layout::{HEADER_ROWS, list_rows};
use crate::view::pane::{self, alerts, mark_hits, message, position, standing, thumb};
use crate::view::widget::columns::{self, Align, Column, Width};
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
    column(
        "by",
        Width::Flex {
            min: 6,
            max: 16,
            weight: 1,
        },
        Align::Left,
        2,
    ),
    column(
        "matchers",
        Width::Flex {
            min: 14,
            max: 90,
            weight: 4,
        },
        Align::Left,
        0,
    ),
    column(
        "why",
        Width::Flex {
            min: 10,
            max: 60,
            weight: 3,
        },
        Align::Left,
        3,
    ),
    column(
        "source",
        Width::Flex {
            min: 6,
            max: 16,
            weight: 1,
        },
        Align::Left,
        4,
    ),
];

const fn column(title: &'static str, width: Width, align: Align, rank: u8) -> Column {
    Column {
        title,
        width,
        align,
        cut: Cut::End,
        rank,
    }
}

/// Draws the list.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.silences;
    let total = pane.rows.len();
    let shown = list_rows(area);
    let frame = Frame {
        count: vec![Piece::own(
            format!("{total} {}", pane.choice.word()),
            Role::TextMuted,
        )],
        filter: (!pane.filter.trim().is_empty()).then(|| SafeText::line(&pane.filter)),
        age: alerts::freshness(scene).pieces(area.width / 3),
        foot: position(pane.list.index, total, shown),
        ..Frame::titled(SafeText::line("Silences"), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    if pane.rows.is_empty() {
        let next = hints::key(scene, crate::action::Action::ShowExpired).unwrap_or_default();
        let make = hints::key(scene, crate::action::Action::Back).unwrap_or_default();
        let more = [
            format!("{next} cycles what is listed: in force, ending soon, hiding nothing, all."),
            format!("To make one: {make}, put the cursor on an alert, then compose a silence there."),
        ];
        let head = format!("No silence ({}).", pane.choice.word());
        return message(scene, buffer, inside, (&head, Role::Text), &more);
    }
    let body = cells_of(inside);
    let slots = columns::layout(&COLUMNS, body.width, 1);
    columns::draw_header(buffer, widget::row(body, 0), scene.theme, &COLUMNS, &slots);
    for (line, index) in (pane.list.offset..total).take(shown).enumerate() {
        let whole = widget::row(inside, line as u16 + HEADER_ROWS);
        let row = cells_of(whole);
        let Some(silence) = pane.rows.get(index).and_then(|key| find(scene, key)) else {
            continue;
        };
        let selected = index == pane.list.index;
        let look = pane::look(selected, silence.silence.state == SilenceState::Expired);
        let cells = cells(scene, silence);
        columns::draw_row(buffer, row, scene.theme, (&COLUMNS, &slots), &cells, look);
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
        mark_hits(scene, buffer, row, pane.search.as_ref());
    }
    let extent = Extent {
        first: pane.list.offset,
        shown,
        total,
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

fn find<'a>(scene: Scene<'a>, (cluster, id): &SilenceKey) -> Option<&'a BoardSilence> {
    let board = scene.model.alerts.board.as_ref()?;
    let found = board
        .silences
        .iter()
        .find(|row| row.cluster == *cluster && row.silence.id == *id);
    found.map(AsRef::as_ref)
}

fn cells_of(row: Rect) -> Rect {
    let row = widget::after(row, 2);
    Rect {
        width: row.width.saturating_sub(1),
        ..row
    }
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
