//! The trace pane: one row a trace, failed and slow ones first.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::logs::service_role;
use super::slo::focus;
use super::{Border, Freshness, cells_of, framed, look, mark_hits, message, position, skeleton, thumb};
use crate::app::focus::PaneId;
use crate::app::traces::BACK;
use crate::domain::trace::Summary;
use crate::domain::trace::summary::{Outcome, Whole};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::widget::columns::{self, Align, Width, column, flex};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Look, Piece, bar, words};
use crate::view::{Scene, figures, hints, layout};

const BAR: usize = 3;

/// Columns, the least important dropped first.
const COLUMNS: [columns::Column; 8] = [
    column("age", Width::Fixed(4), Align::Right, 3),
    column("", Width::Fixed(1), Align::Left, 0),
    column("took", Width::Fixed(7), Align::Right, 0),
    column("", flex(6, 24, 2), Align::Left, 2),
    column("service", flex(8, 16, 2), Align::Left, 0),
    column("operation", flex(10, 40, 4), Align::Left, 0),
    column("spans", Width::Fixed(6), Align::Right, 4),
    column("through", flex(8, 30, 2), Align::Left, 5),
];

/// How fresh the list is.
pub(super) fn freshness(scene: Scene<'_>) -> Freshness<'_> {
    let feed = &scene.model.traces.feed;
    Freshness {
        age: feed.age(scene.now.tick),
        interval: feed.interval,
        failure: feed.failure(),
    }
}

/// How long something took, in seven cells at most: `2.31s`, `184ms`, `73µs`.
pub(in crate::view) fn took(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let scaled = |value: f64, unit: &str| {
        let decimals = match value {
            value if value < 9.995 => 2,
            value if value < 99.95 => 1,
            _ => 0,
        };
        format!("{value:.decimals$}{unit}")
    };
    match nanos {
        0 => "0".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..999_500 => scaled(nanos as f64 / 1e3, "µs"),
        999_500..999_500_000 => scaled(nanos as f64 / 1e6, "ms"),
        999_500_000..120_000_000_000 => scaled(nanos as f64 / 1e9, "s"),
        _ => words::span(duration),
    }
}

/// What the tab says.
pub(super) fn badge(scene: Scene) -> Vec<Piece<'static>> {
    let pane = &scene.model.traces;
    match (pane.drawn(), freshness(scene).failure) {
        (None, None) => vec![Piece::word(" …", Role::StateBusy)],
        (None, Some(_)) => vec![Piece::word(" not known", Role::StateFailed)],
        (Some(list), _) => {
            let failed = list.traces.iter().filter(|trace| is_failed(trace)).count();
            match failed {
                0 => vec![Piece::own(format!(" {}", list.traces.len()), Role::TextMuted)],
                _ => vec![Piece::own(format!(" {failed} failed"), Role::SeverityCritical)],
            }
        }
    }
}

fn is_failed(trace: &Summary) -> bool {
    trace.errors.is_some_and(|errors| errors > 0)
}

/// Draws the pane.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.traces;
    let total = pane.rows.len();
    let shown = layout::list_rows(area);
    let border = Border {
        count: count(scene),
        filter: narrowed(scene),
        fresh: freshness(scene),
        foot: position(pane.list.index, total, shown),
    };
    let inside = framed(scene, buffer, area, PaneId::Traces, border);
    if pane.rows.is_empty() {
        return empty(scene, buffer, inside);
    }
    let body = cells_of(inside);
    let slots = columns::layout(&COLUMNS, body.width, 1);
    columns::draw_header(buffer, widget::row(body, 0), scene.theme, &COLUMNS, &slots);
    let longest = pane.drawn().map_or(Duration::ZERO, |list| {
        let durations = list.traces.iter().map(|trace| trace.duration);
        durations.max().unwrap_or_default()
    });
    for (line, index) in (pane.list.offset..total).take(shown).enumerate() {
        let whole = widget::row(inside, line as u16 + layout::HEADER_ROWS);
        let row = cells_of(whole);
        let Some(trace) = pane.rows.get(index).and_then(|id| pane.summary(*id)) else {
            continue;
        };
        let selected = index == pane.list.index;
        draw_row(scene, buffer, row, &slots, trace, longest, look(selected, false));
        if pane.marks.contains(&trace.id) {
            scene.line(buffer, widget::after(whole, 1), &[Piece::word("✓", Role::Accent)]);
        }
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
    thumb(scene, buffer, area, extent, focus(scene, PaneId::Traces));
}

fn draw_row(
    scene: Scene,
    buffer: &mut Buffer,
    row: Rect,
    slots: &columns::Slots,
    trace: &Summary,
    longest: Duration,
    look: Look,
) {
    let failed = is_failed(trace);
    let start = trace.start.utc();
    let age = figures::row_age(figures::since(start, scene.still.utc));
    let service = trace.service.as_deref().unwrap_or("not told");
    let spans = trace
        .spans
        .map_or_else(|| "–".to_owned(), |spans| words::count(f64::from(spans)));
    let mut through = Vec::new();
    for share in trace
        .services
        .iter()
        .filter(|share| Some(&share.name) != trace.service.as_ref())
    {
        let role = if share.errors > 0 {
            Role::SeverityCritical
        } else {
            service_role(&share.name)
        };
        through.push(Piece::safe(SafeText::line(&share.name), role));
        through.push(Piece::word(" ", Role::Text));
    }
    let cells = vec![
        vec![Piece::own(age, Role::TextMuted)],
        vec![match (failed, trace.whole) {
            (true, _) => Piece::word("✗", Role::SeverityCritical),
            (false, Whole::No) => Piece::word("…", Role::StateStale),
            (false, Whole::Yes) => Piece::word(" ", Role::Text),
        }],
        vec![Piece::own(
            took(trace.duration),
            if failed {
                Role::SeverityCritical
            } else {
                Role::Text
            },
        )],
        Vec::new(),
        vec![Piece::safe(SafeText::line(service), service_role(service))],
        vec![Piece::safe(
            SafeText::line(trace.operation.as_deref().unwrap_or("root not told")),
            Role::Text,
        )],
        vec![Piece::own(spans, Role::TextMuted)],
        through,
    ];
    columns::draw_row(buffer, row, scene.theme, (&COLUMNS, slots), &cells, look);
    if let Some(slot) = slots.rect(BAR, row) {
        let share = trace.duration.as_secs_f64() / longest.as_secs_f64().max(f64::MIN_POSITIVE);
        let role = if failed {
            Role::SeverityCritical
        } else {
            Role::Chart
        };
        bar::draw_track(buffer, slot, scene.theme, share, role);
    }
}

fn count(scene: Scene) -> Vec<Piece<'static>> {
    let pane = &scene.model.traces;
    let Some(list) = pane.drawn() else {
        return Vec::new();
    };
    let failed = list.traces.iter().filter(|trace| is_failed(trace)).count();
    let mut pieces = Vec::new();
    if failed > 0 {
        pieces.push(Piece::own(format!("{failed} failed · "), Role::SeverityCritical));
    }
    pieces.push(Piece::word(pane.order.words(), Role::TextMuted));
    pieces
}

/// What the list is narrowed to: scope, query, outcome, time, filter.
fn narrowed(scene: Scene) -> Option<String> {
    let pane = &scene.model.traces;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(scene.model.scope.service().map(str::to_owned));
    if pane.outcome == Outcome::Failed {
        parts.push("failed only".to_owned());
    }
    if pane.back != BACK {
        parts.push(format!("last {}", words::span(pane.back)));
    }
    parts.extend(
        [&pane.query, &pane.filter]
            .into_iter()
            .map(|text| text.trim().to_owned()),
    );
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn empty(scene: Scene, buffer: &mut Buffer, inside: Rect) {
    let pane = &scene.model.traces;
    let key = |action| hints::key(scene, action).unwrap_or_default();
    match (pane.drawn(), freshness(scene).failure) {
        (None, None) => skeleton(scene, buffer, inside),
        (None, Some(why)) => {
            let more = [
                SafeText::line(why).into_string(),
                format!(
                    "It is tried again by itself; {} shows each backend.",
                    key(crate::action::Action::Health)
                ),
            ];
            let head = ("No traces: the trace backend does not answer.", Role::StateFailed);
            message(scene, buffer, inside, head, &more);
        }
        (Some(list), _) if !list.traces.is_empty() => {
            let more = [format!(
                "{} takes the filter away.",
                key(crate::action::Action::Back)
            )];
            message(
                scene,
                buffer,
                inside,
                ("No trace matches the filter.", Role::Text),
                &more,
            );
        }
        (Some(_), _) => {
            let scope = scene.model.scope.service();
            let scope = scope.map(|service| format!(" of {service}")).unwrap_or_default();
            let head = format!("No trace{scope} in the last {}.", words::span(pane.back));
            let more = [
                format!("{} asks further back.", key(crate::action::Action::TraceTime)),
                "Backends keep a sample of the requests: none listed does not mean that none was made."
                    .to_owned(),
            ];
            message(scene, buffer, inside, (&head, Role::Text), &more);
        }
    }
}
