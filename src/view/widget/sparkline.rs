//! A row of tiny columns: how a number moved. What is over the limit takes the limit's role.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{after, put};
use crate::theme::{Glyphs, Role, Theme};

/// No full block: lines of neighbouring rows would run together into one slab.
const BLOCKS: [&str; STEPS] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇"];
const ASCII: [&str; STEPS] = [".", ":", "-", "=", "+", "*", "#"];
const STEPS: usize = 7;

/// What is drawn; values oldest first, not finite = a gap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sparkline<'a> {
    /// The values; where there are more than cells, each cell shows the highest of its share.
    pub values: &'a [f64],
    /// A full column is the larger of this and the highest value, so that a calm line looks calm.
    pub full: f64,
    /// Values above it are drawn in `over`.
    pub limit: f64,
    /// The line's role.
    pub role: Role,
    /// The role above the limit: one of the chart's, for those of states may have a background.
    pub over: Role,
}

/// Draws into the first row of an area, newest at the right.
pub fn draw(buffer: &mut Buffer, area: Rect, theme: &Theme, line: &Sparkline) {
    let cells = resample(line.values, usize::from(area.width));
    let full = full_scale(&cells, line.full);
    let area = after(area, area.width.saturating_sub(cells.len() as u16));
    for (index, &value) in cells.iter().enumerate() {
        let role = if value > line.limit { line.over } else { line.role };
        let cell = Rect::new(area.x + index as u16, area.y, 1, area.height.min(1));
        put(buffer, cell, symbol(value, full, theme.glyphs), theme.style(role));
    }
}

/// The cell of an area so wide that shows a value, by its place among so many.
pub fn cell_of(place: usize, values: usize, width: u16) -> Option<u16> {
    let width = usize::from(width);
    if place >= values || width == 0 {
        return None;
    }
    let cell = if values <= width {
        width - values + place
    } else {
        // The share of a cell begins at cell * values / width.
        ((place + 1) * width).div_ceil(values) - 1
    };
    u16::try_from(cell.min(width - 1)).ok()
}

/// The same as text, for headless output: no padding.
pub fn text(values: &[f64], width: usize, full: f64, glyphs: Glyphs) -> String {
    let cells = resample(values, width);
    let full = full_scale(&cells, full);
    cells.iter().map(|&value| symbol(value, full, glyphs)).collect()
}

fn full_scale(cells: &[f64], least: f64) -> f64 {
    cells
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(least.max(f64::MIN_POSITIVE), f64::max)
}

/// Any value above zero is seen above the lowest step only once it reaches a seventh: the lowest is "nothing yet".
fn symbol(value: f64, full: f64, glyphs: Glyphs) -> &'static str {
    if !value.is_finite() {
        return if value == f64::INFINITY { top(glyphs) } else { " " };
    }
    let steps = match glyphs {
        Glyphs::Unicode => &BLOCKS,
        Glyphs::Ascii => &ASCII,
    };
    let step = (value.max(0.0) / full * STEPS as f64).floor() as usize;
    steps[step.min(STEPS - 1)]
}

fn top(glyphs: Glyphs) -> &'static str {
    match glyphs {
        Glyphs::Unicode => BLOCKS[STEPS - 1],
        Glyphs::Ascii => ASCII[STEPS - 1],
    }
}

/// At most `cells` values: each the highest of its share, for a peak must not vanish.
fn resample(values: &[f64], cells: usize) -> Vec<f64> {
    if values.len() <= cells {
        return values.to_vec();
    }
    (0..cells)
        .map(|cell| {
            let share = &values[cell * values.len() / cells..(cell + 1) * values.len() / cells];
            share
                .iter()
                .copied()
                .filter(|v| !v.is_nan())
                .fold(f64::NAN, f64::max)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{blank, hostile_areas, lines, theme};
    use super::*;

    #[test]
    fn values_become_columns_and_gaps_stay_empty() {
        let values = [0.0, 1.0, 2.0, f64::NAN, 4.0, 7.0, f64::INFINITY];
        assert_eq!(text(&values, 10, 1.0, Glyphs::Unicode), "▁▂▃ ▅▇▇");
        assert_eq!(text(&values, 10, 1.0, Glyphs::Ascii), ".:- +##");
    }

    #[test]
    fn a_calm_line_looks_calm_against_its_full_scale() {
        assert_eq!(text(&[0.1, 0.2, 0.1], 3, 14.4, Glyphs::Unicode), "▁▁▁");
        assert_eq!(text(&[], 3, 14.4, Glyphs::Unicode), "");
    }

    #[test]
    fn a_peak_survives_when_many_values_share_a_cell() {
        let mut values = vec![0.0; 100];
        values[42] = 8.0;
        assert_eq!(text(&values, 10, 8.0, Glyphs::Unicode), "▁▁▁▁▇▁▁▁▁▁");
        assert_eq!(
            text(&[f64::NAN, f64::NAN, 8.0, 8.0], 2, 8.0, Glyphs::Unicode),
            " ▇"
        );
    }

    #[test]
    fn the_newest_stands_at_the_right_and_what_is_over_the_limit_is_marked() {
        let theme = theme(Glyphs::Unicode);
        let mut buffer = blank(5, 1);
        let area = buffer.area;
        let line = Sparkline {
            values: &[1.0, 9.0],
            full: 1.0,
            limit: 8.0,
            role: Role::Chart,
            over: Role::ChartLimit,
        };
        draw(&mut buffer, area, &theme, &line);
        assert_eq!(lines(&buffer), ["   ▁▇"]);
        assert_eq!(buffer[(4, 0)].fg, theme.style(Role::ChartLimit).fg.unwrap());
        assert_eq!(buffer[(3, 0)].fg, theme.style(Role::Chart).fg.unwrap());
        for area in hostile_areas() {
            draw(&mut buffer, area, &theme, &line);
        }
    }
}
