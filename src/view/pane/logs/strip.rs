//! How many lines there were by time and level, in one row; where the cursor is, is marked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::widget::{self, Piece};
use super::super::super::{Scene, figures};
use super::role_of;
use crate::app::logs::{Counted, LogView};
use crate::domain::log::{Level, Nanos};
use crate::theme::Role;

/// From this width on it is said who counted.
const WITH_COUNTED: u16 = 90;

/// How many lines there were, by time, coloured by the gravest level among them; where the cursor is, is marked.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect, view: &LogView) {
    let volume = &*view.volume;
    let (Some(first), false) = (volume.from, area.is_empty() || volume.buckets.is_empty()) else {
        return;
    };
    let span = volume
        .step
        .saturating_mul(volume.buckets.len().try_into().unwrap_or(i64::MAX));
    // Lines tell the time of day alone: of which day they are, the strip says where it is not this one.
    let short = |at: Nanos| {
        let told = figures::moment_to_the_second(at.utc(), scene.now.utc, scene.model.zone);
        told.trim_end_matches('Z').to_owned()
    };
    let label = format!("{} ", short(first));
    // The filter is of what is shown below; where lines are missing, what happened is told whole.
    let by = match (view.counted, view.shown.is_some()) {
        (Counted::Shown, _) if area.width < WITH_COUNTED => " shown",
        (Counted::Shown, _) => " of those shown",
        (_, true) if area.width < WITH_COUNTED => " all lines",
        (_, false) if area.width < WITH_COUNTED => "",
        (Counted::Server, false) => " by the server",
        (Counted::Server, true) => " all lines, by the server",
        (Counted::InHand, false) => " of those in hand",
        (Counted::InHand, true) => " of all lines in hand",
    };
    let end = format!(" {}{by}", short(end_of(first, span, Nanos::of(scene.now.utc))));
    let cells = usize::from(area.width)
        .saturating_sub(3 + label.len() + end.len())
        .min(volume.buckets.len());
    if cells < 8 {
        return;
    }
    // Several buckets to a cell, and each bucket in one.
    let of_cell =
        |cell: usize| cell * volume.buckets.len() / cells..(cell + 1) * volume.buckets.len() / cells;
    let sums: Vec<[u64; Level::ALL.len()]> = (0..cells)
        .map(|cell| {
            let mut sum = [0; Level::ALL.len()];
            for bucket in volume.buckets.get(of_cell(cell)).unwrap_or_default() {
                for (all, one) in sum.iter_mut().zip(bucket) {
                    *all += one;
                }
            }
            sum
        })
        .collect();
    let most = sums.iter().map(|sum| sum.iter().sum::<u64>()).max().unwrap_or(0);
    let cursor = scene.model.logs.cursor.and_then(|id| view.snapshot.entry(id));
    let cursor = cursor.map(|entry| (entry.at.0.saturating_sub(first.0) / volume.step.max(1)) as usize);
    let mut pieces = vec![Piece::own(format!("  {label}"), Role::TextMuted)];
    let mut roles = Vec::with_capacity(cells);
    for (cell, sum) in sums.iter().enumerate() {
        let total: u64 = sum.iter().sum();
        let gravest = Level::ALL
            .into_iter()
            .rev()
            .find(|level| sum[*level as usize] > 0);
        let role = if cursor.is_some_and(|at| of_cell(cell).contains(&at)) {
            Role::Accent
        } else {
            gravest.map_or(Role::TextMuted, role_of)
        };
        roles.push(role);
        pieces.push(Piece::own(bar(total, most, scene.theme.glyphs).to_string(), role));
    }
    pieces.push(Piece::own(end, Role::TextMuted));
    scene.line(buffer, area, &pieces);
    // Bars are much ink: at full strength a bad hour would outshine the lines that tell of it.
    let bars = widget::after(area, 2 + label.len() as u16);
    for (cell, role) in roles.into_iter().enumerate() {
        if let Some(cell) = buffer.cell_mut((bars.x + cell as u16, bars.y))
            && role != Role::Accent
        {
            cell.set_style(scene.theme.faint(role));
        }
    }
}

/// The end of an axis. The last stretch is counted in its whole length, of which a part may be still to come.
fn end_of(first: Nanos, span: i64, now: Nanos) -> Nanos {
    Nanos(first.0.saturating_add(span)).min(now.max(first))
}

/// A bar in one cell. Even one line is seen.
fn bar(count: u64, most: u64, glyphs: crate::theme::Glyphs) -> char {
    const UNICODE: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 8] = ['.', '.', ':', ':', '+', '+', '#', '#'];
    if count == 0 || most == 0 {
        return ' ';
    }
    let height = ((count * 8).div_ceil(most) as usize).clamp(1, 8) - 1;
    match glyphs {
        crate::theme::Glyphs::Unicode => UNICODE[height],
        crate::theme::Glyphs::Ascii => ASCII[height],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_the_present_at_the_latest() {
        assert_eq!(end_of(Nanos(100), 300, Nanos(360)), Nanos(360));
        assert_eq!(end_of(Nanos(100), 300, Nanos(900)), Nanos(400));
        // Clocks of hosts that run ahead.
        assert_eq!(end_of(Nanos(100), 300, Nanos(50)), Nanos(100));
    }
}
