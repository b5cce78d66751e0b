//! A chart of numbers over time: lines or areas in braille (asterisks in ASCII), axes in steps of 1-2-5, limits.
//!
//! A gap in the data is a gap in the line. `axis` chooses the steps, `canvas` holds the dots. Start at [`draw`].

mod axis;
mod canvas;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{put, row};
use crate::text::{fit_right, width};
use crate::theme::{Glyphs, Role, Theme};

pub use axis::ticks;
use canvas::Canvas;

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A line.
    Line,
    /// Filled down to the axis.
    Area,
}

/// One series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series<'a> {
    /// (x, y), x ascending; NaN is a gap, infinite is the top.
    pub points: &'a [(f64, f64)],
    /// How it is drawn.
    pub shape: Shape,
    /// Its role.
    pub role: Role,
}

/// A line across the chart, such as a rule's factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Where.
    pub y: f64,
    /// What it is: `page 14.4×`.
    pub label: String,
    /// Its role.
    pub role: Role,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Chart<'a> {
    /// Later ones lie over earlier ones.
    pub series: Vec<Series<'a>>,
    /// Lie under the series.
    pub limits: Vec<Limit>,
    /// First and last x.
    pub x: [f64; 2],
    /// Lowest y, and the least the highest y may be: it grows with the data and the limits.
    pub y: [f64; 2],
    /// How a y is written.
    pub y_label: fn(f64) -> String,
    /// Moments marked by a column of their own, over the series.
    pub marks: Vec<f64>,
    /// What stands on the ruler, and where.
    pub x_labels: Vec<(f64, String)>,
}

/// The role of a marked moment, on the chart and in its legend.
pub const MARK: Role = Role::SeverityInfo;

/// Draws axes, limits and series into an area; below 3 rows or 12 columns the series alone.
pub fn draw(buffer: &mut Buffer, area: Rect, theme: &Theme, chart: &Chart) {
    let area = super::clip(buffer, area);
    if area.is_empty() {
        return;
    }
    let bare = area.height < 3 || area.width < 12;
    let top = top_of(chart);
    let marks = ticks(chart.y[0], top, usize::from(area.height / 2).max(2));
    let labels: Vec<(f64, String)> = marks.iter().map(|&y| (y, (chart.y_label)(y))).collect();
    let label_width = labels.iter().map(|(_, label)| width(label)).max().unwrap_or(0) as u16;
    let left = if bare {
        0
    } else {
        (label_width + 1).min(area.width / 3)
    };
    let ruler = if bare { 0 } else { 2 };
    let plot = Rect::new(
        area.x + left,
        area.y,
        area.width - left,
        area.height - ruler.min(area.height - 1),
    );
    let y_range = [chart.y[0], marks.last().copied().unwrap_or(top).max(top)];

    if !bare {
        draw_y_axis(buffer, area, plot, theme, (&labels, y_range));
        draw_ruler(buffer, plot, theme, chart);
    }
    for limit in &chart.limits {
        draw_limit(buffer, plot, theme, limit, y_range);
    }
    let mut canvas = Canvas::new(plot.width, plot.height, theme.glyphs);
    for series in &chart.series {
        canvas.plot(series, chart.x, y_range);
    }
    canvas.draw(buffer, plot, theme);
    for mark in &chart.marks {
        draw_mark(buffer, plot, theme, column_of(*mark, plot, chart.x));
    }
    // Over the series: a limit without its name is a riddle.
    for limit in &chart.limits {
        draw_limit_label(buffer, plot, theme, limit, y_range);
    }
}

fn top_of(chart: &Chart) -> f64 {
    let points = chart.series.iter().flat_map(|series| series.points);
    let limits = chart.limits.iter().map(|limit| limit.y);
    points
        .map(|&(_, y)| y)
        .chain(limits)
        .filter(|y| y.is_finite())
        .fold(chart.y[1].max(chart.y[0] + f64::MIN_POSITIVE), f64::max)
}

/// The row of a plot on which a y falls: that of its dot.
fn row_of(y: f64, plot: Rect, [low, high]: [f64; 2]) -> Option<u16> {
    if plot.height == 0 || !(low..=high).contains(&y) || low >= high {
        return None;
    }
    let dots = f64::from(plot.height) * 4.0 - 1.0;
    let down = (1.0 - (y - low) / (high - low)) * dots;
    Some(down.round() as u16 / 4)
}

fn draw_y_axis(
    buffer: &mut Buffer,
    area: Rect,
    plot: Rect,
    theme: &Theme,
    scale: (&[(f64, String)], [f64; 2]),
) {
    let (labels, range) = scale;
    let style = theme.style(Role::ChartAxis);
    let gutter = usize::from(plot.x - area.x).saturating_sub(1);
    for (y, label) in labels {
        if let Some(index) = row_of(*y, plot, range) {
            let slot = Rect::new(area.x, plot.y + index, plot.x - area.x, 1);
            put(buffer, slot, &fit_right(label, gutter), style);
        }
    }
}

/// The x axis with its tick marks, and the labels under them; a label that would touch the one before is left out.
fn draw_ruler(buffer: &mut Buffer, plot: Rect, theme: &Theme, chart: &Chart) {
    let style = theme.style(Role::ChartAxis);
    let (line, mark) = match theme.glyphs {
        Glyphs::Unicode => ("─", "┴"),
        Glyphs::Ascii => ("-", "+"),
    };
    for x in plot.left()..plot.right() {
        put(buffer, Rect::new(x, plot.bottom(), 1, 1), line, style);
    }
    let mut free_from = plot.x;
    for (x, label) in &chart.x_labels {
        let Some(at) = column_of(*x, plot, chart.x) else {
            continue;
        };
        let cells = width(label) as u16;
        let start = at
            .saturating_sub(cells / 2)
            .min(plot.right().saturating_sub(cells))
            .max(plot.x);
        put(buffer, Rect::new(at, plot.bottom(), 1, 1), mark, style);
        if start >= free_from && start + cells <= plot.right() {
            put(
                buffer,
                Rect::new(start, plot.bottom() + 1, cells, 1),
                label,
                style,
            );
            free_from = start + cells + 1;
        }
    }
}

/// The column of a plot on which an x falls.
fn column_of(x: f64, plot: Rect, [first, last]: [f64; 2]) -> Option<u16> {
    let share = (x - first) / (last - first);
    ((0.0..=1.0).contains(&share) && plot.width > 0)
        .then(|| plot.x + (share * f64::from(plot.width - 1)).round() as u16)
}

fn draw_mark(buffer: &mut Buffer, plot: Rect, theme: &Theme, column: Option<u16>) {
    let Some(x) = column else { return };
    let (head, line) = match theme.glyphs {
        Glyphs::Unicode => ("▾", "┊"),
        Glyphs::Ascii => ("v", ":"),
    };
    for y in plot.top()..plot.bottom() {
        let symbol = if y == plot.top() { head } else { line };
        put(buffer, Rect::new(x, y, 1, 1), symbol, theme.style(MARK));
    }
}

fn draw_limit(buffer: &mut Buffer, plot: Rect, theme: &Theme, limit: &Limit, range: [f64; 2]) {
    let Some(index) = row_of(limit.y, plot, range) else {
        return;
    };
    let dash = match theme.glyphs {
        Glyphs::Unicode => "╌",
        Glyphs::Ascii => "-",
    };
    for x in plot.left()..plot.right() {
        put(
            buffer,
            Rect::new(x, plot.y + index, 1, 1),
            dash,
            theme.style(limit.role),
        );
    }
}

fn draw_limit_label(buffer: &mut Buffer, plot: Rect, theme: &Theme, limit: &Limit, range: [f64; 2]) {
    let cells = width(&limit.label) as u16;
    // Left, because the newest values are at the right; not at all where it would take half the line.
    if let Some(index) = row_of(limit.y, plot, range)
        && cells > 0
        && cells + 2 <= plot.width / 2
    {
        let text = format!(" {} ", limit.label);
        let slot = row(
            Rect {
                x: plot.x + 1,
                width: plot.width - 1,
                ..plot
            },
            index,
        );
        put(buffer, slot, &text, theme.style(limit.role));
    }
}

#[cfg(test)]
mod tests;
