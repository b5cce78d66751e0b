//! Rows of the list: a trace each, or an operation with its figures, its traces under it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::took;
use crate::app::traces::list::{Against, is_failed, operation_of};
use crate::app::traces::{Grouped, TraceList, TracePane, TraceRow};
use crate::domain::trace::stats::{Anomaly, TELLING, TELLING_P99};
use crate::domain::trace::summary::{Lasted, Whole};
use crate::domain::trace::{Operation, Summary};
use crate::text::SafeText;
use crate::theme::{Glyphs, Role};
use crate::view::pane::logs::service_role;
use crate::view::pane::{cells_of, look, mark_hits};
use crate::view::widget::columns::{self, Align, Column, Slots, Width, column, flex};
use crate::view::widget::{self, Look, Piece, bar, words};
use crate::view::{Scene, figures, layout, moment};

/// The duration's place among the columns.
const TOOK: usize = 2;
/// The bar's.
const BAR: usize = 3;
/// How far traces stand in under their operation.
const INDENT: u16 = 2;

/// Columns of traces, the least important dropped first.
const COLUMNS: [Column; 9] = [
    column("age", Width::Fixed(4), Align::Right, 3),
    column("", Width::Fixed(1), Align::Left, 0),
    column("took", Width::Fixed(7), Align::Right, 0),
    column("┼ p95", flex(6, 24, 2), Align::Left, 2),
    column("service", flex(10, 16, 2), Align::Left, 0),
    column("operation", flex(16, 40, 4), Align::Left, 0),
    column("spans", Width::Fixed(5), Align::Right, 4),
    column("pctl", Width::Fixed(4), Align::Right, 6),
    column("through", flex(8, 80, 2), Align::Left, 5),
];

/// Columns of operations.
const GROUPS: [Column; 9] = [
    column("", Width::Fixed(1), Align::Left, 0),
    column("operation", flex(16, 40, 4), Align::Left, 0),
    column("service", flex(10, 16, 2), Align::Left, 2),
    column("n", Width::Fixed(4), Align::Right, 0),
    column("failed", Width::Fixed(6), Align::Right, 0),
    column("p50", Width::Fixed(7), Align::Right, 3),
    column("p95", Width::Fixed(7), Align::Right, 0),
    column("p99", Width::Fixed(7), Align::Right, 4),
    // Half of it says nothing.
    column("against before", flex(17, 26, 2), Align::Left, 1),
];

/// A scale on which what takes ten times as long is as much further, wherever that is: a list has both 2 ms and 20 s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Durations {
    low: f64,
    high: f64,
}

impl Durations {
    /// Three powers of ten of it at most: below lies what is short beside the longest.
    const REACH: f64 = 1_000.0;
    /// One of it at least.
    const LEAST: f64 = 10.0;

    /// For these durations.
    pub(super) fn of(durations: impl Iterator<Item = Duration> + Clone) -> Self {
        let high = durations
            .clone()
            .max()
            .unwrap_or_default()
            .as_secs_f64()
            .max(1e-9);
        let low = durations.min().unwrap_or_default().as_secs_f64();
        Self {
            // What differs by little is not to look as if it differed by much.
            low: low.clamp(high / Self::REACH, high / Self::LEAST),
            high,
        }
    }

    /// Where it is, from 0 to 1.
    pub(super) fn share(self, duration: Duration) -> f64 {
        let share = (duration.as_secs_f64() / self.low).ln() / (self.high / self.low).ln();
        share.clamp(0.0, 1.0)
    }

    /// Whether it lies between the ends.
    pub(super) fn holds(self, duration: Duration) -> bool {
        (self.low..=self.high).contains(&duration.as_secs_f64())
    }
}

/// Draws the titles and the rows in sight.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, inside: Rect, shown: usize) {
    let pane = &scene.model.traces;
    let body = cells_of(inside);
    let groups = columns::layout(&GROUPS, body.width, 1);
    let (slots, indent) = match pane.grouped {
        Grouped::No => (columns::layout(&COLUMNS, body.width, 1), 0),
        Grouped::ByOperation => {
            let width = body.width.saturating_sub(INDENT);
            (columns::layout(&COLUMNS, width, 1), INDENT)
        }
    };
    let head = widget::row(body, 0);
    match pane.grouped {
        Grouped::No => columns::draw_header(buffer, head, scene.theme, &titled(pane), &slots),
        Grouped::ByOperation => columns::draw_header(buffer, head, scene.theme, &GROUPS, &groups),
    }
    let traces = pane.drawn().into_iter().flat_map(TraceList::all);
    let scale = Durations::of(traces.clone().map(|trace| trace.duration));
    let then = moment::trace(scene);
    let rows = pane.rows.iter().enumerate().skip(pane.list.offset).take(shown);
    for (line, (index, row)) in rows.enumerate() {
        let whole = widget::row(inside, line as u16 + layout::HEADER_ROWS);
        let cells = cells_of(whole);
        let selected = index == pane.list.index;
        match row {
            TraceRow::Group(operation) => {
                let told = group_cells(pane, operation);
                columns::draw_row(
                    buffer,
                    cells,
                    scene.theme,
                    (&GROUPS, &groups),
                    &told,
                    look(selected, false),
                );
            }
            TraceRow::Trace(id) => {
                let Some(trace) = pane.summary(*id) else {
                    continue;
                };
                let cells = widget::after(cells, indent);
                trace_row(
                    scene,
                    buffer,
                    cells,
                    (&slots, scale),
                    trace,
                    look(selected, false),
                );
                if then == Some(trace.id) {
                    moment::mark(scene, buffer, whole, 1);
                }
                if pane.mark == Some(trace.id) {
                    scene.line(buffer, widget::after(whole, 1), &[Piece::word("✓", Role::Accent)]);
                }
            }
        }
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
        mark_hits(scene, buffer, cells, pane.search.as_ref());
    }
}

/// The columns, the duration's by what it is of: sources that list no roots tell it of whole traces.
fn titled(pane: &TracePane) -> [Column; 9] {
    let mut columns = COLUMNS;
    let mut all = pane.drawn().into_iter().flat_map(TraceList::all);
    if all.any(|trace| trace.lasted == Lasted::Whole) {
        columns[TOOK].title = "whole";
    }
    columns
}

fn trace_row(
    scene: Scene,
    buffer: &mut Buffer,
    row: Rect,
    (slots, scale): (&Slots, Durations),
    trace: &Summary,
    look: Look,
) {
    let measured = scene.model.traces.statistics.operation(&operation_of(trace));
    let usual = measured.filter(|measured| measured.n() >= TELLING);
    let percentile = usual.and_then(|measured| measured.percentile_of(trace.duration));
    let percentile = percentile.map_or_else(String::new, |share| format!("p{:.0}", (share * 100.0).floor()));
    let failed = is_failed(trace);
    let age = figures::row_age(figures::since(trace.start.utc(), scene.still.utc));
    let spans = trace
        .spans
        .map_or_else(|| "–".to_owned(), |spans| words::count(f64::from(spans)));
    let cells = vec![
        vec![Piece::own(age, Role::TextMuted)],
        vec![match (failed, trace.whole) {
            (true, _) => Piece::word("✗", Role::SeverityCritical),
            (false, Whole::No) => Piece::word("…", Role::StateStale),
            (false, Whole::Yes) => Piece::word(" ", Role::Text),
        }],
        vec![Piece::own(took(trace.duration), Role::Text)],
        Vec::new(),
        vec![service(trace.service.as_deref())],
        vec![operation(trace.operation.as_deref())],
        vec![Piece::own(spans, Role::TextMuted)],
        vec![Piece::own(percentile, Role::TextMuted)],
        through(trace),
    ];
    columns::draw_row(buffer, row, scene.theme, (&COLUMNS, slots), &cells, look);
    if let Some(slot) = slots.rect(BAR, row) {
        let role = if failed {
            Role::SeverityCritical
        } else {
            Role::Chart
        };
        bar::draw_track(buffer, slot, scene.theme, scale.share(trace.duration), role);
        if let Some(p95) = usual.and_then(|measured| measured.quantile(0.95)) {
            tick(scene, buffer, slot, scale.share(p95), trace.duration > p95);
        }
    }
}

/// The operation's p95 on a bar: within it where the trace took longer, ahead of it where not.
fn tick(scene: Scene, buffer: &mut Buffer, slot: Rect, share: f64, passed: bool) {
    let at = (share * f64::from(slot.width)) as u16;
    let at = widget::after(slot, at.min(slot.width.saturating_sub(1)));
    let piece = match (scene.theme.glyphs, passed) {
        (Glyphs::Unicode, true) => Piece::word("┿", Role::SeverityWarning),
        (Glyphs::Unicode, false) => Piece::word("┼", Role::TextMuted),
        (Glyphs::Ascii, true) => Piece::word("!", Role::SeverityWarning),
        (Glyphs::Ascii, false) => Piece::word("+", Role::TextMuted),
    };
    scene.line(buffer, at, &[piece]);
}

/// A service's name in its colour.
pub(super) fn service(name: Option<&str>) -> Piece<'_> {
    match name.filter(|name| !name.is_empty()) {
        Some(name) => Piece::safe(SafeText::line(name), service_role(name)),
        None => Piece::word("not told", Role::TextMuted),
    }
}

/// An operation's name.
pub(super) fn operation(name: Option<&str>) -> Piece<'_> {
    match name.filter(|name| !name.is_empty()) {
        Some(name) => Piece::safe(SafeText::line(name), Role::Text),
        None => Piece::word("root not told", Role::TextMuted),
    }
}

/// The other services that it went through, the failed ones first.
fn through(trace: &Summary) -> Vec<Piece<'_>> {
    let others = trace.services.iter();
    let mut others: Vec<_> = others
        .filter(|share| Some(&share.name) != trace.service.as_ref())
        .collect();
    others.sort_by_key(|share| share.errors == 0);
    let pieces = others.into_iter().flat_map(|share| {
        let role = if share.errors > 0 {
            Role::SeverityCritical
        } else {
            service_role(&share.name)
        };
        [
            Piece::safe(SafeText::line(&share.name), role),
            Piece::word(" ", Role::Text),
        ]
    });
    pieces.collect()
}

fn group_cells<'a>(pane: &TracePane, of: &'a Operation) -> Vec<Vec<Piece<'a>>> {
    let sign = if pane.unfolded.contains(of) { "▾" } else { "▸" };
    let measured = pane.statistics.operation(of).cloned().unwrap_or_default();
    let quantile = |q: f64, least: usize| {
        let role = if measured.n() < least {
            Role::TextDim
        } else {
            Role::Text
        };
        let said = measured.quantile(q).map_or_else(|| "–".to_owned(), took);
        vec![Piece::own(said, role)]
    };
    let older = pane.drawn().map_or(&[][..], TraceList::older_failed).iter();
    let older = older.filter(|trace| operation_of(trace) == *of).count();
    let errors = words::count(measured.errors() as f64);
    let errors = match (measured.errors(), older) {
        (0, 0) => Piece::word("0", Role::TextMuted),
        (_, 0) => Piece::own(errors, Role::SeverityCritical),
        // They are not among the n.
        (_, older) => Piece::own(
            format!("{errors}+{}", words::count(older as f64)),
            Role::SeverityCritical,
        ),
    };
    vec![
        vec![Piece::word(sign, Role::TextMuted)],
        vec![operation(Some(&of.name))],
        vec![service(Some(&of.service))],
        vec![Piece::own(words::count(measured.count() as f64), Role::TextMuted)],
        vec![errors],
        quantile(0.5, 1),
        quantile(0.95, TELLING),
        quantile(0.99, TELLING_P99),
        against(&pane.against(of)),
    ]
}

/// How it is compared with the time before, or why that cannot be said.
pub(super) fn against(against: &Against) -> Vec<Piece<'static>> {
    let dim = |said: String| vec![Piece::own(said, Role::TextDim)];
    match against {
        Against::Awaited => vec![Piece::word("asking…", Role::StateBusy)],
        Against::NotKnown(_) => vec![Piece::word("not known", Role::StateFailed)],
        Against::NoneThen => dim("none before".to_owned()),
        Against::TooFew { now, then } => dim(format!("too few: {now} vs {then}")),
        Against::Told(odd) if odd.is_empty() => dim("as before".to_owned()),
        Against::Told(odd) => self::odd(odd),
    }
}

/// What is out of the ordinary, in words.
fn odd(anomalies: &[Anomaly]) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    for anomaly in anomalies {
        if !pieces.is_empty() {
            pieces.push(Piece::word(" · ", Role::TextMuted));
        }
        pieces.push(match anomaly {
            Anomaly::Slow(times) => Piece::own(format!("{times:.1}× as slow"), Role::SeverityWarning),
            Anomaly::Failing(times) if times.is_finite() => {
                Piece::own(format!("fails {times:.0}× as often"), Role::SeverityCritical)
            }
            Anomaly::Failing(_) => Piece::word("no failure before", Role::SeverityCritical),
        });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_power_of_ten_is_as_far_on_the_scale() {
        let millis = |millis: &[u64]| {
            let durations: Vec<Duration> = millis.iter().copied().map(Duration::from_millis).collect();
            Durations::of(durations.into_iter())
        };
        let scale = millis(&[10, 100, 1_000]);
        assert!((scale.share(Duration::from_millis(100)) - 0.5).abs() < 1e-9);
        assert!(!scale.holds(Duration::from_millis(9)) && scale.holds(Duration::from_millis(10)));
        let wide = millis(&[0, 1, 60_000]);
        assert!(
            wide.share(Duration::ZERO).abs() < 1e-9,
            "no more than three of them"
        );
        assert!((wide.share(Duration::from_secs(60)) - 1.0).abs() < 1e-9);
        let near = millis(&[49, 50]);
        assert!(
            near.share(Duration::from_millis(49)) > 0.95,
            "nearly as long looks so"
        );
    }
}
