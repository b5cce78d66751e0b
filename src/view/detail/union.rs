//! Every context at once: how well each answers, then what burns, fires and is open anywhere, the most urgent first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::app::union::{ContextReport, INTERVAL, Said, UnionRow};
use crate::domain::alert::SeverityRank;
use crate::domain::incident::Status;
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::layout::{self, HEADER_ROWS, UNION_LIGHT, UnionParts};
use crate::view::pane::slo;
use crate::view::pane::standing::person;
use crate::view::pane::{self, cells_of, message, position, thumb};
use crate::view::widget::columns::{self, Align, Column, Width, column, flex};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::words;
use crate::view::widget::{self, Piece};
use crate::view::{Scene, figures, hints};

const COLUMNS: [Column; 6] = [
    column("context", flex(9, 20, 2), Align::Left, 0),
    column("state", Width::Fixed(13), Align::Left, 0),
    column("service", flex(8, 18, 1), Align::Left, 2),
    column("what", flex(22, 90, 5), Align::Left, 0),
    column("who", flex(6, 18, 1), Align::Left, 3),
    column("age", Width::Fixed(4), Align::Right, 1),
];

/// Draws the page.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.union;
    let (list, total) = (&pane.list, pane.rows.len());
    let parts = layout::union_parts(area, pane.reports.len());
    let frame = Frame {
        count: vec![Piece::own(
            match pane.reports.len() {
                1 => "1 context".to_owned(),
                count => format!("{count} contexts"),
            },
            Role::TextMuted,
        )],
        foot: position(list.index, total, parts.rows()),
        ..Frame::titled(SafeText::line("Contexts"), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    lights(scene, buffer, parts);
    let note = note(scene);
    scene.line(buffer, cells_of(parts.note), &note);
    if total == 0 {
        let head = ("No context is configured.", Role::Text);
        return message(scene, buffer, inside, head, &[]);
    }
    let body = cells_of(parts.list);
    let slots = columns::layout(&COLUMNS, body.width, 1);
    columns::draw_header(buffer, widget::row(body, 0), scene.theme, &COLUMNS, &slots);
    let shown = parts.rows();
    for (line, index) in (list.offset..total).take(shown).enumerate() {
        let whole = widget::row(parts.list, line as u16 + HEADER_ROWS);
        let Some((of, row)) = pane.rows.get(index) else {
            continue;
        };
        let Some(report) = pane.reports.get(*of) else {
            continue;
        };
        let selected = index == list.index;
        let dimmed = row.is_old || matches!(row.said, Said::Quiet | Said::Waits);
        columns::draw_row(
            buffer,
            cells_of(whole),
            scene.theme,
            (&COLUMNS, &slots),
            &cells(scene, report, row),
            pane::look(selected, dimmed),
        );
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
    }
    let extent = Extent {
        first: list.offset,
        shown,
        total,
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

/// Where acts are done: said on the page, for a misdirected act is worse than none.
fn note(scene: Scene) -> Vec<Piece<'static>> {
    let open = hints::key(scene, Action::Open).unwrap_or_default();
    let own = SafeText::line(&scene.model.settings.context);
    vec![Piece::own(
        format!("Acts are done in {own}, where you are; {open} goes to a row's context."),
        Role::TextMuted,
    )]
}

/// A context by its name, marked where acts are dangerous, for eyes without colour as well.
fn named(report: &ContextReport) -> Piece<'static> {
    let name = SafeText::line(&report.context).into_string();
    if report.danger {
        Piece::own(format!("!{name}!"), Role::ContextDanger)
    } else {
        Piece::own(name, Role::Context)
    }
}

/// The same on a row: where most rows are of the context one is in, its name needs no colour.
fn on_row(scene: Scene, report: &ContextReport) -> Piece<'static> {
    let mut name = named(report);
    if !report.danger && *report.context == *scene.model.settings.context {
        name.role = Role::TextMuted;
    }
    name
}

/// How well each context answers and how old that is, each in a slot of its own.
fn lights(scene: Scene, buffer: &mut Buffer, parts: UnionParts) {
    let reports = &scene.model.union.reports;
    let a_row = parts.lights_a_row();
    let slots = a_row * usize::from(parts.lights.height);
    for (index, report) in reports.iter().take(slots).enumerate() {
        let row = cells_of(widget::row(parts.lights, (index / a_row) as u16));
        let slot = widget::after(row, (index % a_row) as u16 * UNION_LIGHT);
        let slot = Rect {
            width: slot.width.min(UNION_LIGHT - 2),
            ..slot
        };
        // What has no slot is counted in the last one; its rows stand below all the same.
        let left = reports.len() - index;
        if index + 1 == slots && left > 1 {
            let words = format!("and {left} more");
            scene.line(buffer, slot, &[Piece::own(words, Role::TextMuted)]);
        } else {
            scene.line(buffer, slot, &light(scene, report));
        }
    }
}

fn light(scene: Scene, report: &ContextReport) -> Vec<Piece<'static>> {
    let failed = report.failures().count();
    let is_own = *report.context == *scene.model.settings.context;
    let age = report.at.map(|at| scene.now.tick.since(at));
    let stale = age.is_some_and(|age| age > INTERVAL * 4);
    let last = match age {
        Some(age) if !is_own => format!(" · {}", words::stepped(age)),
        Some(_) | None => String::new(),
    };
    let said = match age {
        _ if is_own => "open".to_owned(),
        Some(age) => words::stepped(age),
        None => "waiting".to_owned(),
    };
    let (shape, role, words) = if report.answered.is_empty() {
        ("◇", Role::StateBusy, said)
    } else if report.is_dead() {
        ("✗", Role::StateFailed, format!("dead{last}"))
    } else if failed > 0 {
        let of = report.answered.len();
        ("✗", Role::StateFailed, format!("{failed} of {of} down{last}"))
    } else if stale {
        ("○", Role::StateStale, format!("stale {said}"))
    } else {
        ("●", Role::StateOk, said)
    };
    vec![
        Piece::own(format!("{shape} "), role),
        named(report),
        Piece::own(format!(" {words}"), Role::TextMuted),
    ]
}

fn cells(scene: Scene, report: &ContextReport, row: &UnionRow) -> Vec<Vec<Piece<'static>>> {
    let state = match row.said {
        Said::Burns(state) => slo::state(state),
        Said::Fires(SeverityRank::Critical) => Piece::word("CRIT", Role::SeverityCritical),
        Said::Fires(SeverityRank::Warning) => Piece::word("WARN", Role::SeverityWarning),
        Said::Fires(SeverityRank::Other) => Piece::word("fires", Role::Text),
        Said::Fires(SeverityRank::Info) => Piece::word("info", Role::SeverityInfo),
        Said::Open(Status::Triggered) => Piece::word("triggered", Role::SeverityCritical),
        Said::Open(status) => Piece::word(status.word(), Role::StateOk),
        Said::Dead => Piece::word("NOT SEEN", Role::StateFailed),
        Said::Waits => Piece::word("waiting", Role::StateBusy),
        Said::Quiet => Piece::word("quiet", Role::SloOk),
        Said::Unproven => Piece::word("quiet?", Role::StateStale),
        Said::More => Piece::word("…", Role::TextMuted),
    };
    let safe = |text: &str, role| vec![Piece::own(SafeText::line(text).into_string(), role)];
    let role = match row.said {
        Said::Dead => Role::StateFailed,
        Said::Quiet | Said::Waits | Said::More => Role::TextMuted,
        Said::Burns(_) | Said::Fires(_) | Said::Open(_) | Said::Unproven => Role::Text,
    };
    let age = row
        .since
        .map(|since| figures::row_age(figures::since(since, scene.still.utc)));
    vec![
        vec![on_row(scene, report)],
        vec![state],
        safe(&row.service, Role::Text),
        safe(&row.words, role),
        safe(&person(scene, &row.holder), Role::TextMuted),
        age.map(|age| Piece::own(age, Role::TextMuted))
            .into_iter()
            .collect(),
    ]
}
