//! The traces as dots: how long they took, over when they began; failed ones and the one under the cursor marked.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::rows::{self, Durations};
use super::took;
use crate::app::traces::TraceRow;
use crate::app::traces::list::is_failed;
use crate::domain::trace::Nanos;
use crate::domain::trace::scale::lasting;
use crate::domain::trace::summary::Whole;
use crate::theme::{Glyphs, Role};
use crate::view::widget::{self, Piece};
use crate::view::{Scene, figures};

/// Cells of the durations at the left.
const LABELS: u16 = 8;
/// The ruler, and the line about the trace under the cursor.
const BELOW: u16 = 2;

/// From so much time on, in nanoseconds, minutes tell its ends and what is between them apart.
const MINUTES_TELL: i64 = 10 * 60 * 1_000_000_000;
/// Lines from one duration at the left to the next, at least.
const APART: u16 = 2;

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    traces: u32,
    failed: u32,
    selected: u32,
}

/// Draws them.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, inside: Rect) {
    let area = super::cells_of(inside);
    let (width, height) = (
        area.width.saturating_sub(LABELS),
        area.height.saturating_sub(BELOW),
    );
    let pane = &scene.model.traces;
    if width < 8 || height < 3 {
        return;
    }
    let selected = pane.selected().map(|trace| trace.id);
    let traces: Vec<_> = pane
        .rows
        .iter()
        .filter_map(|row| match row {
            TraceRow::Trace(id) => pane.summary(*id),
            TraceRow::Group(_) => None,
        })
        .collect();
    let scale = Durations::of(traces.iter().map(|trace| trace.duration));
    let (from, to) = ends(scene);
    let length = (to.0 - from.0).max(1) as f64;
    let mut grid = vec![Cell::default(); usize::from(width) * usize::from(height)];
    for trace in &traces {
        let along = ((trace.start.0 - from.0) as f64 / length).clamp(0.0, 1.0);
        let x = (along * f64::from(width - 1)).round() as usize;
        let y = line_of(scale.share(trace.duration), height);
        if let Some(cell) = grid.get_mut(usize::from(y) * usize::from(width) + x) {
            cell.traces += 1;
            cell.failed += u32::from(is_failed(trace));
            cell.selected += u32::from(Some(trace.id) == selected);
        }
    }
    for (y, line) in grid.chunks(usize::from(width)).enumerate() {
        let row = widget::after(widget::row(area, y as u16), LABELS);
        let pieces: Vec<Piece> = line.iter().map(|cell| dot(cell, scene.theme.glyphs)).collect();
        scene.line(buffer, row, &pieces);
    }
    for (y, label) in labels(scale, height) {
        let text = format!("{label:>7}");
        scene.line(buffer, widget::row(area, y), &[Piece::own(text, Role::ChartAxis)]);
    }
    let ruler = widget::after(widget::row(area, height), LABELS);
    let told = if to.0.saturating_sub(from.0) < MINUTES_TELL {
        figures::moment_to_the_second
    } else {
        figures::moment
    };
    let said = |at: Nanos| told(at.utc(), scene.now.utc, scene.model.zone);
    let last = said(to);
    scene.line(buffer, ruler, &[Piece::own(said(from), Role::ChartAxis)]);
    let place = ruler.width.saturating_sub(last.chars().count() as u16);
    scene.line(
        buffer,
        widget::after(ruler, place),
        &[Piece::own(last, Role::ChartAxis)],
    );
    if let Some(trace) = pane.selected() {
        let failed = if is_failed(trace) {
            Role::SeverityCritical
        } else {
            Role::Text
        };
        let line = [
            Piece::word("◆ ", Role::Accent),
            Piece::own(format!("{} ", took(trace.duration)), failed),
            rows::service(trace.service.as_deref()),
            Piece::word(" ", Role::Text),
            rows::operation(trace.operation.as_deref()),
            Piece::own(format!("  {}", said(trace.start)), Role::TextMuted),
        ];
        scene.line(buffer, widget::row(area, height + 1), &line);
    }
}

/// The time that was asked for; that of the traces where they are only the newest of it.
fn ends(scene: Scene) -> (Nanos, Nanos) {
    let pane = &scene.model.traces;
    let to = Nanos::of(pane.until.unwrap_or(scene.still.utc));
    let list = pane.drawn().filter(|list| list.whole == Whole::No);
    let first = list.and_then(|list| list.all().map(|trace| trace.start).min());
    (first.unwrap_or_else(|| to.minus(pane.back)), to)
}

/// The longest stands at the top.
fn line_of(share: f64, height: u16) -> u16 {
    ((1.0 - share) * f64::from(height - 1)).round() as u16
}

/// Durations at the left in steps of 1, 2 and 5; of 1 alone where there is no room for more.
fn labels(scale: Durations, height: u16) -> Vec<(u16, String)> {
    let marks = |steps: &[u64]| -> Vec<(u16, String)> {
        let powers = (0..19).map(|power| 10_u64.pow(power));
        let all = powers.flat_map(|power| steps.iter().map(move |step| step.saturating_mul(power)));
        all.map(Duration::from_nanos)
            .filter(|duration| scale.holds(*duration))
            .map(|duration| (line_of(scale.share(duration), height), round(duration)))
            .collect()
    };
    let all = marks(&[1, 2, 5]);
    let crowded = all.windows(2).any(|pair| pair[0].0.abs_diff(pair[1].0) < APART);
    let mut shown = if crowded { marks(&[1]) } else { all };
    shown.dedup_by(|next, kept| kept.0.abs_diff(next.0) < APART);
    shown
}

/// A round duration without the digits that say nothing: `200ms`.
fn round(duration: Duration) -> String {
    if duration.as_secs() < 60 {
        lasting(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)).replace(' ', "")
    } else {
        took(duration)
    }
}

fn dot(cell: &Cell, glyphs: Glyphs) -> Piece<'static> {
    match *cell {
        Cell { selected: 1.., .. } => Piece::word(
            match glyphs {
                Glyphs::Unicode => "◆",
                Glyphs::Ascii => "@",
            },
            Role::Accent,
        ),
        Cell { failed: 1.., .. } => Piece::word("✗", Role::SeverityCritical),
        Cell { traces: 0, .. } => Piece::word(" ", Role::Text),
        Cell { traces: 1, .. } => Piece::word("·", Role::Chart),
        Cell { traces: 2..=4, .. } => Piece::word("○", Role::Chart),
        Cell { .. } => Piece::word("●", Role::Chart),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(millis: [u64; 2], height: u16) -> Vec<String> {
        let scale = Durations::of(millis.into_iter().map(Duration::from_millis));
        let labels = labels(scale, height);
        assert!(
            labels.windows(2).all(|pair| pair[0].0 >= pair[1].0 + APART),
            "{labels:?}"
        );
        labels.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn durations_at_the_left_are_round_and_have_room() {
        assert_eq!(
            said([5, 2_050], 34),
            [
                "5ms", "10ms", "20ms", "50ms", "100ms", "200ms", "500ms", "1s", "2s"
            ]
        );
        assert_eq!(said([5, 2_050], 12), ["10ms", "100ms", "1s"]);
        assert_eq!(said([70_000, 900_000], 20), ["1m 40s", "3m 20s", "8m 20s"]);
        assert_eq!(said([30, 30], 6).len(), 1, "there is always one");
        assert!(said([1, 9_000], 3).len() <= 2, "no more than have room");
    }
}
