//! The patterns of the log lines: what they have in common, how many there are of each, and what is new.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::logs::{Learnt, Scanned};
use crate::domain::alert::AlertState;
use crate::domain::log::Nanos;
use crate::domain::pattern::{Pattern, Standing, Tally, told_first};
use crate::domain::service_map::Caller;
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::Scene;
use crate::view::layout::{HEADER_ROWS, pattern_rows};
use crate::view::pane::logs::{clock, level_word, role_of, service_role};
use crate::view::pane::{self, cells_of, message, position, skeleton, thumb};
use crate::view::sheet::Sheet;
use crate::view::widget::columns::{self, Align, Column, Width, column, flex};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece, sparkline, words};

/// Cells of a trend.
const TREND: usize = 12;

const COLUMNS: [Column; 6] = [
    column("lines", Width::Fixed(6), Align::Right, 0),
    column("share", Width::Fixed(5), Align::Right, 3),
    column("last hour", Width::Fixed(TREND as u16), Align::Left, 2),
    column("level", Width::Fixed(5), Align::Left, 1),
    column("service", flex(8, 16, 1), Align::Left, 4),
    column("pattern", flex(20, 200, 8), Align::Left, 0),
];

/// Draws the list, and what is known of the one under the cursor.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.logs;
    let learnt = pane.drawn().and_then(|view| view.learnt.as_deref());
    let (list, total) = (&pane.pattern_list, pane.pattern_rows.len());
    let shown = pattern_rows(area);
    let frame = Frame {
        count: learnt.map_or_else(Vec::new, counted),
        foot: position(list.index, total, shown),
        ..Frame::titled(SafeText::line("Patterns"), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let Some(learnt) = learnt else {
        return skeleton(scene, buffer, inside);
    };
    if total == 0 {
        let head = match learnt.scanned {
            Scanned::All => ("No lines yet to find patterns in.", Role::Text),
            Scanned::Partly(_) => ("Counting the lines…", Role::StateBusy),
        };
        return message(scene, buffer, inside, head, &[]);
    }
    let body = cells_of(inside);
    let slots = columns::layout(&COLUMNS, body.width, 1);
    columns::draw_header(buffer, widget::row(body, 0), scene.theme, &COLUMNS, &slots);
    for (line, index) in (list.offset..total).take(shown).enumerate() {
        let whole = widget::row(inside, line as u16 + HEADER_ROWS);
        let Some(pattern) = learnt.patterns.get(index) else {
            continue;
        };
        let selected = index == list.index;
        columns::draw_row(
            buffer,
            cells_of(whole),
            scene.theme,
            (&COLUMNS, &slots),
            &cells(scene, pattern),
            pane::look(selected, false),
        );
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
    }
    let used = HEADER_ROWS + total.min(shown) as u16;
    if let Some(pattern) = pane.pattern().filter(|_| inside.height > used + 2) {
        let below = Rect {
            x: inside.x + 1,
            y: inside.y + used + 1,
            width: inside.width.saturating_sub(2),
            height: inside.height - used - 1,
        };
        told(scene, pattern).draw(scene, buffer, below, 0);
    }
    let extent = Extent {
        first: list.offset,
        shown,
        total,
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

/// `31 of 12,000 lines · 4 too varied`: the numbers always sum to the lines there are.
fn counted(learnt: &Learnt) -> Vec<Piece<'static>> {
    let Tally {
        seen,
        clustered,
        unclustered,
        forgotten,
        blank,
    } = learnt.tally;
    let mut said = format!("{} in {} lines", learnt.patterns.len(), words::count(seen as f64));
    let beside = unclustered + forgotten + blank;
    if beside > 0 {
        let _ = write!(said, " · {} in none", words::count(beside as f64));
    }
    debug_assert_eq!(clustered + beside, seen, "every line is somewhere");
    let left = (learnt.of as u64).saturating_sub(seen);
    if left > 0 && learnt.scanned == Scanned::All {
        let _ = write!(said, " · {} not looked at", words::count(left as f64));
    }
    let mut pieces = vec![Piece::own(said, Role::TextMuted)];
    if let Scanned::Partly(percent) = learnt.scanned {
        pieces.push(Piece::own(
            format!(" · counting, {percent}% seen"),
            Role::StateBusy,
        ));
    }
    pieces
}

fn cells(scene: Scene, pattern: &Pattern) -> Vec<Vec<Piece<'static>>> {
    let trend: Vec<f64> = pattern.trend.iter().map(|count| f64::from(*count)).collect();
    let role = match pattern.standing {
        Standing::New => Role::SeverityWarning,
        Standing::Spiking => Role::SeverityCritical,
        Standing::Vanished => Role::StateStale,
        Standing::Steady => Role::TextMuted,
    };
    let service = SafeText::line(pattern.service.as_deref().unwrap_or("–")).into_owned();
    let colour = service_role(service.as_str());
    let mut text = Vec::new();
    let standing = pattern.standing.word();
    if !standing.is_empty() {
        text.push(Piece::word(standing, role));
        text.push(Piece::word("  ", Role::Text));
    }
    text.push(Piece::safe(
        SafeText::line(&told_first(&pattern.template)).into_owned(),
        Role::Text,
    ));
    vec![
        vec![Piece::own(words::count(pattern.count as f64), Role::Text)],
        vec![Piece::own(
            format!("{:.0}%", pattern.share * 100.0),
            Role::TextMuted,
        )],
        vec![Piece::own(
            sparkline::text(&trend, TREND, 1.0, scene.theme.glyphs),
            Role::TextMuted,
        )],
        vec![Piece::word(level_word(pattern.level), role_of(pattern.level))],
        vec![Piece::safe(service, colour)],
        text,
    ]
}

/// What is known of one.
fn told<'a>(scene: Scene<'a>, pattern: &'a Pattern) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    sheet.prose(&pattern.template, Role::TextStrong);
    let mut seen = format!(
        "first {} · last {}",
        clock(scene, pattern.first),
        clock(scene, pattern.last)
    );
    if let Some(words) = beside_trouble(scene, pattern) {
        seen.push_str(" · ");
        seen.push_str(&words);
    }
    sheet.prose(&seen, Role::TextMuted);
    for example in &pattern.examples {
        sheet.prose(&String::from_utf8_lossy(&example.text), Role::Text);
    }
    sheet
}

/// Where it begins beside the burn of its service's SLO; where none is known to burn, beside the first alert of its
/// service that fires.
fn beside_trouble(scene: Scene, pattern: &Pattern) -> Option<String> {
    let services = &scene.model.settings.services;
    let service = services.ours(Caller::Logs, pattern.service.as_deref()?);
    let reports = scene.model.slo.board().map_or(&[][..], |board| &board.slos);
    let burn = reports
        .iter()
        .filter(|report| services.is_of(Caller::Slos, &report.slo.service, service))
        .filter_map(|report| Some((report.burning_since()?, &report.slo.name)))
        .min();
    let (began, what) = if let Some((began, slo)) = burn {
        (began, format!("the burn of {}", SafeText::line(slo)))
    } else {
        let board = scene.model.alerts.shown()?;
        let alerts = board.groups.iter().flat_map(|group| &group.alerts);
        let first = alerts
            .filter(|alert| {
                let is_its_own = services.is_of(Caller::Alerts, &alert.service, service);
                is_its_own && alert.state == AlertState::Active
            })
            .min_by_key(|alert| alert.occurrence.starts_at)?;
        (
            first.occurrence.starts_at,
            SafeText::line(&first.name).into_string(),
        )
    };
    let words = pattern.beginning(Nanos::of(began)).words(&what);
    (!words.is_empty()).then_some(words)
}
