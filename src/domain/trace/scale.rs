//! Time on a row of cells: bars exact to an eighth of a cell at both ends, a ruler in steps of 1, 2 and 5,
//! zoom and pan.
//!
//! It knows nothing of glyphs: a bar is told cell by cell as how much of it is filled and from which side.

use std::ops::Range;

use super::{Nanos, Stretch};

/// Eighths in a cell.
const EIGHTHS: i64 = 8;

/// The shortest stretch that is looked at: one nanosecond for every eighth would be more than clocks tell.
const SHORTEST: i64 = 1_000;

/// Steps between the ends of what is in view, as far as they are told.
const END_STEPS: u16 = 50;

/// A stretch of time laid on cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    from: i64,
    to: i64,
    cells: u16,
}

/// How a cell is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fill {
    /// All of it.
    Full,
    /// So many eighths from the left, 1 to 7.
    Left(u8),
    /// So many eighths from the right, 1 to 7.
    Right(u8),
    /// A bar shorter than an eighth: that it is here, and no more.
    Tick,
}

/// A bar, or as much of it as is in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    from: i64,
    to: i64,
    /// Whether it goes on beyond the left edge.
    pub goes_left: bool,
    /// Whether it goes on beyond the right edge.
    pub goes_right: bool,
}

/// Where a stretch is, seen from the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Left of them.
    Before,
    /// On them.
    Here(Bar),
    /// Right of them.
    Behind,
}

/// A mark of the ruler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its cell.
    pub cell: u16,
    /// The time since the origin.
    pub label: String,
}

impl Scale {
    /// Lays a stretch on cells; a stretch that is too short to be looked at is widened.
    pub fn new(stretch: Stretch, cells: u16) -> Self {
        let from = stretch.from.0;
        let to = stretch.to.0.max(from.saturating_add(SHORTEST));
        Self { from, to, cells }
    }

    /// What is in view.
    pub fn stretch(&self) -> Stretch {
        Stretch {
            from: Nanos(self.from),
            to: Nanos(self.to),
        }
    }

    /// How many cells it is laid on.
    pub fn cells(&self) -> u16 {
        self.cells
    }

    fn length(&self) -> i64 {
        self.to.saturating_sub(self.from)
    }

    /// The same on other cells.
    #[must_use]
    pub fn on(self, cells: u16) -> Self {
        Self { cells, ..self }
    }

    /// Where a moment is, in eighths from the left edge; rounded, and not limited to what is in view.
    fn eighth(&self, at: i64) -> i64 {
        let width = i128::from(self.cells) * i128::from(EIGHTHS);
        let length = i128::from(self.length());
        let far = (i128::from(at) - i128::from(self.from)) * width;
        let rounded = (2 * far + length).div_euclid(2 * length);
        rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The moment at the left edge of a cell.
    pub fn moment(&self, cell: u16) -> Nanos {
        let length = i128::from(self.length());
        let far = length * i128::from(cell) / i128::from(self.cells.max(1));
        Nanos(self.from.saturating_add(far as i64))
    }

    /// The cell that a moment is in; `None` out of view.
    pub fn cell(&self, at: Nanos) -> Option<u16> {
        if at.0 < self.from || at.0 >= self.to {
            return None;
        }
        let far = i128::from(at.0 - self.from) * i128::from(self.cells);
        Some((far / i128::from(self.length())) as u16)
    }

    /// Where a stretch is.
    pub fn bar(&self, stretch: Stretch) -> Seen {
        let width = i64::from(self.cells) * EIGHTHS;
        let (from, to) = (self.eighth(stretch.from.0), self.eighth(stretch.to.0));
        if stretch.to.0 < self.from || (to <= 0 && from < 0) {
            return Seen::Before;
        }
        if stretch.from.0 > self.to || (from >= width && to > width) {
            return Seen::Behind;
        }
        let edge = (width - 1).max(0);
        let (from, to) = if from == to {
            // A moment at the very right edge is drawn in the last cell.
            (from.clamp(0, edge), to.clamp(0, edge))
        } else {
            (from.clamp(0, width), to.clamp(0, width))
        };
        Seen::Here(Bar {
            from,
            to,
            goes_left: stretch.from.0 < self.from,
            goes_right: stretch.to.0 > self.to,
        })
    }

    /// Nearer by a factor, or farther by one below 1, about a moment that stays where it is; never beyond
    /// `whole`.
    #[must_use]
    pub fn zoom(self, factor: f64, about: Nanos, whole: Stretch) -> Self {
        let length = self.length() as f64;
        let wanted =
            (length / factor.max(f64::MIN_POSITIVE)).clamp(SHORTEST as f64, whole.nanos().max(1_000) as f64);
        let about = about.0.clamp(self.from, self.to);
        let share = (about - self.from) as f64 / length;
        let from = about.saturating_sub((wanted * share) as i64);
        self.within(from, wanted as i64, whole)
    }

    /// Along by a share of what is in view, to the left below 0; never beyond `whole`.
    #[must_use]
    pub fn pan(self, share: f64, whole: Stretch) -> Self {
        let length = self.length();
        let by = (length as f64 * share) as i64;
        self.within(self.from.saturating_add(by), length, whole)
    }

    fn within(self, from: i64, length: i64, whole: Stretch) -> Self {
        let length = length.max(SHORTEST);
        let latest = whole.to.0.saturating_sub(length).max(whole.from.0);
        let from = from.clamp(whole.from.0, latest);
        let to = from.saturating_add(length);
        Self { from, to, ..self }
    }

    /// The ends of what is in view as time since `origin`, with the decimals that tell them apart.
    pub fn ends(&self, origin: Nanos) -> [String; 2] {
        let step = step_of(self.length() as f64 / f64::from(END_STEPS));
        let since = |at: i64| at.saturating_sub(origin.0);
        let unit = unit_of(since(self.to).unsigned_abs().max(step.unsigned_abs()));
        [self.from, self.to].map(|at| {
            let sign = if since(at) < 0 { "−" } else { "+" };
            format!("{sign}{}", in_unit(since(at).saturating_abs(), step, unit))
        })
    }

    /// Marks in steps of 1, 2 or 5, at least so many cells apart, as time since `origin`.
    pub fn ruler(&self, origin: Nanos, apart: u16) -> Vec<Mark> {
        let length = self.length();
        if self.cells == 0 {
            return Vec::new();
        }
        let least = length as f64 * f64::from(apart.max(1)) / f64::from(self.cells);
        let step = step_of(least);
        let first = (i128::from(self.from) - i128::from(origin.0)).div_euclid(i128::from(step)) as i64;
        let unit = unit_of((self.to.saturating_sub(origin.0)).unsigned_abs().max(step as u64));
        let mut marks = Vec::new();
        for number in first.. {
            let offset = number.saturating_mul(step);
            let at = Nanos(origin.0.saturating_add(offset));
            if at.0 >= self.to {
                break;
            }
            if let Some(cell) = self.cell(at) {
                marks.push(Mark {
                    cell,
                    label: in_unit(offset, step, unit),
                });
            }
        }
        marks
    }
}

impl Bar {
    /// The cells it touches; one for a tick.
    pub fn cells(&self) -> Range<u16> {
        let last = (self.to - 1).max(self.from) / EIGHTHS;
        (self.from / EIGHTHS) as u16..last as u16 + 1
    }

    /// How a cell is filled; `None` where it does not touch it. Where both ends are within one cell, the
    /// nearest shape that a terminal can draw.
    pub fn fill(&self, cell: u16) -> Option<Fill> {
        let begin = i64::from(cell) * EIGHTHS;
        if !self.cells().contains(&cell) {
            return None;
        }
        if self.from == self.to {
            return Some(Fill::Tick);
        }
        let from = (self.from - begin).clamp(0, EIGHTHS) as u8;
        let to = (self.to - begin).clamp(0, EIGHTHS) as u8;
        Some(match (from, to) {
            (0, 8) => Fill::Full,
            (0, to) => Fill::Left(to),
            (from, 8) => Fill::Right(8 - from),
            (from, to) => nearest(from, to),
        })
    }
}

/// The shape that touches a part of a cell and differs from it in the fewest eighths.
fn nearest(from: u8, to: u8) -> Fill {
    let left = (from + 1..8).map(|part| (from + part.abs_diff(to), Fill::Left(part)));
    let right = (9 - to..8).map(|part| (8 - to + (8 - part).abs_diff(from), Fill::Right(part)));
    let best = left.chain(right).min_by_key(|(differs, _)| *differs);
    best.map_or(Fill::Tick, |(_, fill)| fill)
}

/// The least step of 1, 2 or 5 times a power of ten nanoseconds that is not shorter.
fn step_of(least: f64) -> i64 {
    let mut power: i64 = 1;
    loop {
        for times in [1, 2, 5] {
            let step = power.saturating_mul(times);
            if step as f64 >= least || step == i64::MAX {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// A unit of time: its name and nanoseconds.
type Unit = (&'static str, u64);

const UNITS: [Unit; 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000), ("ns", 1)];

fn unit_of(nanos: u64) -> Unit {
    let fits = UNITS.into_iter().find(|(_, size)| nanos >= *size);
    fits.unwrap_or(("ns", 1))
}

/// As many decimals as the step needs.
fn in_unit(offset: i64, step: i64, (name, size): Unit) -> String {
    let mut decimals = 0;
    let mut rest = step.unsigned_abs() % size;
    while rest != 0 {
        rest = rest.saturating_mul(10) % size;
        decimals += 1;
    }
    if offset == 0 {
        return "0".to_owned();
    }
    format!("{:.decimals$} {name}", offset as f64 / size as f64)
}

/// A duration as people say it.
enum Said {
    /// Three digits and a unit.
    Scaled(String, &'static str),
    /// From a minute on.
    Long { hours: u64, minutes: u64, seconds: u64 },
}

fn said(nanos: u64) -> Said {
    let (name, size) = unit_of(nanos);
    let value = nanos as f64 / size as f64;
    if name == "s" && value >= 59.95 {
        let seconds = value.round() as u64;
        return Said::Long {
            hours: seconds / 3_600,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
        };
    }
    // Rounding may bring it to the next unit: 999.9 µs is 1 ms.
    if value >= 999.5 && name != "s" {
        return said(size * 1_000);
    }
    let decimals = match value {
        value if name == "ns" || value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        _ => 2,
    };
    Said::Scaled(format!("{value:.decimals$}"), name)
}

/// A duration in three digits: `412 ms`, `2.3 s`, `1 min 5 s`.
pub fn lasting(nanos: u64) -> String {
    match said(nanos) {
        Said::Scaled(digits, unit) if digits.contains('.') => {
            format!("{} {unit}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        Said::Scaled(digits, unit) => format!("{digits} {unit}"),
        Said::Long {
            hours: 0,
            minutes,
            seconds,
        } => format!("{minutes} min {seconds} s"),
        Said::Long { hours, minutes, .. } => format!("{hours} h {minutes} min"),
    }
}

/// The same for a column, where every digit has its place: `412ms`, `2.30s`, `1m 5s`.
pub fn lasting_in_column(nanos: u64) -> String {
    match said(nanos) {
        Said::Scaled(digits, unit) => format!("{digits}{unit}"),
        Said::Long {
            hours: 0,
            minutes,
            seconds,
        } => format!("{minutes}m {seconds}s"),
        Said::Long { hours, minutes, .. } => format!("{hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stretch(from: i64, to: i64) -> Stretch {
        Stretch {
            from: Nanos(from),
            to: Nanos(to),
        }
    }

    /// A thousandth of a second on ten cells: an eighth is 12,500 ns.
    fn scale() -> Scale {
        Scale::new(stretch(0, 1_000_000), 10)
    }

    fn fills(from: i64, to: i64) -> Vec<(u16, Fill)> {
        let Seen::Here(bar) = scale().bar(stretch(from, to)) else {
            return Vec::new();
        };
        bar.cells()
            .filter_map(|cell| Some((cell, bar.fill(cell)?)))
            .collect()
    }

    #[test]
    fn bars_are_exact_to_an_eighth_at_both_ends() {
        assert_eq!(
            fills(137_500, 312_500),
            [(1, Fill::Right(5)), (2, Fill::Full), (3, Fill::Left(1))]
        );
        assert_eq!(fills(0, 1_000_000).len(), 10);
        assert_eq!(fills(100_000, 200_000), [(1, Fill::Full)]);
        assert_eq!(fills(100_000, 150_000), [(1, Fill::Left(4))]);
        assert_eq!(fills(150_000, 200_000), [(1, Fill::Right(4))]);
        assert_eq!(fills(500_000, 500_100), [(5, Fill::Tick)]);
        assert_eq!(fills(1_000_000, 1_000_000), [(9, Fill::Tick)]);
    }

    #[test]
    fn what_is_out_of_view_says_on_which_side() {
        let scale = Scale::new(stretch(1_000_000, 2_000_000), 10);
        assert_eq!(scale.bar(stretch(0, 500_000)), Seen::Before);
        assert_eq!(scale.bar(stretch(3_000_000, 3_500_000)), Seen::Behind);
        let Seen::Here(bar) = scale.bar(stretch(0, 3_000_000)) else {
            panic!("it spans the view");
        };
        assert!(bar.goes_left && bar.goes_right);
        assert_eq!(bar.cells(), 0..10);
    }

    #[test]
    fn rulers_step_by_one_two_or_five_with_the_decimals_they_need() {
        let labels = |to: i64, cells: u16| -> Vec<String> {
            let marks = Scale::new(stretch(0, to), cells).ruler(Nanos(0), 10);
            marks.into_iter().map(|mark| mark.label).collect()
        };
        assert_eq!(labels(100_000_000, 50), ["0", "20 ms", "40 ms", "60 ms", "80 ms"]);
        assert_eq!(
            labels(2_310_000_000, 50),
            ["0", "0.5 s", "1.0 s", "1.5 s", "2.0 s"]
        );
        assert_eq!(
            labels(7_000, 70),
            ["0", "1 µs", "2 µs", "3 µs", "4 µs", "5 µs", "6 µs"]
        );
        let near = Scale::new(stretch(1_000_000_000, 1_000_100_000), 40).ruler(Nanos(0), 20);
        assert_eq!(near[1].label, "1.00005 s");
    }

    #[test]
    fn the_ends_of_a_view_are_told_apart_however_near() {
        let ends = |from: i64, to: i64| Scale::new(stretch(from, to), 60).ends(Nanos(0)).join(" to ");
        assert_eq!(ends(81_750_000_000, 82_160_000_000), "+81.75 s to +82.16 s");
        assert_eq!(ends(548_000_000, 850_000_000), "+548 ms to +850 ms");
        assert_eq!(ends(0, 100_000_000_000), "+0 to +100 s");
        assert_eq!(ends(-1_500_000_000, 500_000_000), "−1500 ms to +500 ms");
        assert_eq!(
            ends(4_000_001_000, 4_000_002_000),
            "+4.00000100 s to +4.00000200 s"
        );
    }

    #[test]
    fn zooming_keeps_the_cursor_where_it_is_and_stays_inside() {
        let whole = stretch(0, 1_000_000);
        let near = scale().zoom(2.0, Nanos(500_000), whole);
        assert_eq!(near.stretch(), stretch(250_000, 750_000));
        assert_eq!(near.zoom(0.1, Nanos(500_000), whole).stretch(), whole);
        assert_eq!(near.pan(-9.0, whole).stretch(), stretch(0, 500_000));
        assert_eq!(near.pan(0.25, whole).stretch(), stretch(375_000, 875_000));
        assert_eq!(near.zoom(1e12, Nanos(500_000), whole).stretch().nanos(), 1_000);
    }

    #[test]
    fn durations_take_three_digits() {
        let of = |nanos: u64| lasting(nanos);
        assert_eq!(of(0), "0 ns");
        assert_eq!(of(999), "999 ns");
        assert_eq!(of(1_500), "1.5 µs");
        assert_eq!(of(412_345_678), "412 ms");
        assert_eq!(of(999_900), "1 ms");
        assert_eq!(of(2_310_000_000), "2.31 s");
        assert_eq!(of(65_000_000_000), "1 min 5 s");
        assert_eq!(of(7_260_000_000_000), "2 h 1 min");
    }

    proptest! {
        #[test]
        fn a_bar_is_as_long_as_its_time_to_an_eighth_at_each_end(from in 0_i64..1_000_000, lasts in 0_i64..1_000_000, cells in 1_u16..200) {
            let to = (from + lasts).min(1_000_000);
            let scale = Scale::new(stretch(0, 1_000_000), cells);
            let Seen::Here(bar) = scale.bar(stretch(from, to)) else {
                return Err(TestCaseError::fail("it is in view"));
            };
            let mut eighths = 0_i64;
            for cell in 0..cells {
                eighths += match bar.fill(cell) {
                    Some(Fill::Full) => 8,
                    Some(Fill::Left(part) | Fill::Right(part)) => {
                        prop_assert!((1..8).contains(&part));
                        i64::from(part)
                    }
                    Some(Fill::Tick) | None => 0,
                };
            }
            prop_assert!(!bar.cells().is_empty() && bar.cells().end <= cells);
            let exact = (to - from) as f64 * f64::from(cells) * 8.0 / 1_000_000.0;
            // Within one cell the shape is the nearest that can be drawn.
            let slack = if bar.cells().len() == 1 { 4.0 } else { 1.0 };
            prop_assert!((eighths as f64 - exact).abs() <= slack + 1e-6, "{eighths} for {exact}");
        }

        #[test]
        fn no_stretch_and_no_width_panics(from in any::<i64>(), to in any::<i64>(), of in any::<i64>(), cells in any::<u16>(), factor in any::<f64>()) {
            let scale = Scale::new(stretch(from.max(0), to.max(0)), cells);
            let _ = scale.bar(stretch(of.max(0), of.max(0).saturating_add(5)));
            let whole = stretch(0, i64::MAX);
            let _ = scale.zoom(factor, Nanos(of), whole).pan(factor, whole);
            prop_assert!(scale.ruler(Nanos(from.max(0)), 8).len() <= usize::from(cells).max(1));
        }
    }
}
