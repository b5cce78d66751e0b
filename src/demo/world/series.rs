//! One series of the world: its labels, and its samples as a pure function of time.
//!
//! A series is scraped every [`SCRAPE`] seconds on a grid of its own phase. Nothing is stored: a sample is
//! computed from the grid point's time. Times are unix seconds. Start at [`Series::samples`].

use std::sync::Arc;

use crate::domain::alert::Labels;

use super::flow::{Flow, Levels, Steps, Wave};

/// Seconds between two scrapes.
pub const SCRAPE: f64 = 15.0;

/// What a series' values are.
#[derive(Debug, Clone)]
pub enum Shape {
    /// Events since the last reset.
    Counter(Counter),
    /// A level with waves on it.
    Gauge(Gauge),
    /// Errors over total within a look-back window, as a recording rule keeps it.
    Ratio {
        /// Bad events.
        errors: Vec<Counter>,
        /// All events.
        total: Vec<Counter>,
        /// Seconds.
        window: f64,
    },
    /// Events within a look-back window, as a recording rule keeps them.
    Increase {
        /// The events.
        of: Vec<Counter>,
        /// Seconds.
        window: f64,
    },
    /// The value of the last bound passed; bounds in unix seconds.
    Held(Levels),
}

/// A counter in closed form. Resets are in story seconds, in order.
#[derive(Debug, Clone)]
pub struct Counter {
    /// What flows.
    pub flow: Arc<Flow>,
    /// How it is weighed.
    pub steps: Arc<Steps>,
    /// Where the process started anew.
    pub resets: Arc<[f64]>,
}

impl Counter {
    /// Events from the world's beginning, resets aside, at a story second.
    pub fn total(&self, s: f64) -> f64 {
        self.steps.total(&self.flow, s)
    }

    fn since_reset(&self, s: f64) -> f64 {
        let passed = self.resets.partition_point(|r| *r <= s);
        let base = passed
            .checked_sub(1)
            .and_then(|i| self.resets.get(i))
            .map_or(0.0, |r| self.total(*r));
        (self.total(s) - base).max(0.0)
    }
}

/// A gauge: straight lines between points, with waves on top, kept within bounds.
#[derive(Debug, Clone)]
pub struct Gauge {
    /// (story second, value), in order; flat outside.
    pub points: Arc<[(f64, f64)]>,
    /// Relative to one unit.
    pub waves: Vec<Wave>,
    /// Never above.
    pub ceiling: f64,
    /// Whole numbers only.
    pub grain: Grain,
}

/// How fine a gauge's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Connections, bytes, items.
    Whole,
    /// Anything else.
    Fine,
}

impl Gauge {
    fn at(&self, s: f64) -> f64 {
        let after = self.points.partition_point(|(from, _)| *from <= s);
        let left = after.checked_sub(1).and_then(|i| self.points.get(i));
        let right = self.points.get(after);
        let level = match (left, right) {
            (Some((s0, v0)), Some((s1, v1))) => v0 + (v1 - v0) * (s - s0) / (s1 - s0),
            (Some((_, v)), None) | (None, Some((_, v))) => *v,
            (None, None) => 0.0,
        };
        let value = (level + self.waves.iter().map(|w| w.at(s)).sum::<f64>()).clamp(0.0, self.ceiling);
        match self.grain {
            Grain::Whole => value.round(),
            Grain::Fine => value,
        }
    }
}

/// A stretch of time in which a series is scraped: from inclusive, to exclusive; unix seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// First moment.
    pub from: f64,
    /// First moment after.
    pub to: f64,
}

/// The first and last sample within a window, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Time of the first sample.
    pub first: f64,
    /// Time of the last.
    pub last: f64,
    /// Samples, both included.
    pub count: u64,
}

/// One series.
#[derive(Debug, Clone)]
pub struct Series {
    /// With `__name__`.
    pub labels: Labels,
    /// Without it: what most functions keep, ready-made.
    pub nameless: Labels,
    /// Its values.
    pub shape: Shape,
    /// The world's anchor, unix seconds.
    pub anchor: f64,
    /// Seconds its scrapes lie after the anchor's grid.
    pub phase: f64,
    /// When it is there, in order.
    pub present: Arc<[Span]>,
}

impl Series {
    /// The latest sample at or before `t`: its time and value. A series that went away is stale at once,
    /// as the marker that a failed scrape leaves makes it.
    pub fn latest(&self, t: f64) -> Option<(f64, f64)> {
        let at = self.grid_at_or_before(t);
        self.is_present(at).then(|| (at, self.value(at)))
    }

    /// First and last sample in `(start, end]` (left-open, as since Prometheus 3.0).
    pub fn bounds(&self, start: f64, end: f64) -> Option<Bounds> {
        let mut found: Option<Bounds> = None;
        for span in self.present.iter() {
            let mut first = self.grid_at_or_before(start) + SCRAPE;
            if first < span.from {
                first = self.grid_at_or_before(span.from);
                if first < span.from {
                    first += SCRAPE;
                }
            }
            let mut last = self.grid_at_or_before(end.min(span.to));
            if last >= span.to {
                last -= SCRAPE;
            }
            if first > last {
                continue;
            }
            let count = ((last - first) / SCRAPE).round() as u64 + 1;
            found = Some(match found {
                None => Bounds { first, last, count },
                Some(earlier) => Bounds {
                    first: earlier.first,
                    last,
                    count: earlier.count + count,
                },
            });
        }
        found
    }

    /// At most `cap` samples in `(start, end]`, first and last among them, evenly spaced on the scrape grid.
    pub fn samples(&self, start: f64, end: f64, cap: u64) -> Vec<(f64, f64)> {
        let Some(bounds) = self.bounds(start, end) else {
            return Vec::new();
        };
        let slots = ((bounds.last - bounds.first) / SCRAPE).round() as u64;
        let stride = slots.div_ceil(cap.max(2) - 1).max(1);
        let mut samples: Vec<(f64, f64)> = (0..=slots / stride)
            .map(|i| bounds.first + (i * stride) as f64 * SCRAPE)
            .filter(|at| self.is_present(*at))
            .map(|at| (at, self.value(at)))
            .collect();
        if samples.last().is_none_or(|(at, _)| *at < bounds.last) {
            samples.push((bounds.last, self.value(bounds.last)));
        }
        samples
    }

    /// What Prometheus adds up over counter resets between two samples: at each reset the last value
    /// scraped before it.
    pub fn reset_correction(&self, first: f64, last: f64) -> f64 {
        self.resets_between(first, last)
            .map(|reset| self.value(self.last_before(reset)))
            .sum()
    }

    /// Times at which the counter restarted, within `(first, last]`, unix seconds; several between two
    /// scrapes are seen as one.
    pub fn resets_between(&self, first: f64, last: f64) -> impl Iterator<Item = f64> + '_ {
        let resets: &[f64] = match &self.shape {
            Shape::Counter(counter) => &counter.resets,
            Shape::Gauge(_) | Shape::Ratio { .. } | Shape::Increase { .. } | Shape::Held(_) => &[],
        };
        let mut seen = f64::NAN;
        resets
            .iter()
            .map(|r| r + self.anchor)
            .filter(move |r| *r > first && *r <= last)
            .filter(move |r| {
                let before = self.last_before(*r);
                let fresh = before >= first && before.to_bits() != seen.to_bits();
                seen = before;
                fresh
            })
    }

    /// Whether any sample may lie within the closed range.
    pub fn exists_within(&self, from: f64, to: f64) -> bool {
        self.present.iter().any(|span| span.from <= to && span.to > from)
    }

    /// The value that a scrape at `t` reads.
    pub fn value(&self, t: f64) -> f64 {
        let s = t - self.anchor;
        match &self.shape {
            Shape::Counter(counter) => counter.since_reset(s),
            Shape::Gauge(gauge) => gauge.at(s),
            Shape::Ratio {
                errors,
                total,
                window,
            } => events(errors, s - window, s) / events(total, s - window, s),
            Shape::Increase { of, window } => events(of, s - window, s),
            Shape::Held(levels) => levels.at(t),
        }
    }

    fn last_before(&self, t: f64) -> f64 {
        let at = self.grid_at_or_before(t);
        if at < t { at } else { at - SCRAPE }
    }

    fn grid_at_or_before(&self, t: f64) -> f64 {
        let origin = self.anchor + self.phase;
        origin + ((t - origin) / SCRAPE).floor() * SCRAPE
    }

    fn is_present(&self, at: f64) -> bool {
        self.present.iter().any(|span| span.from <= at && at < span.to)
    }
}

fn events(counters: &[Counter], from: f64, to: f64) -> f64 {
    counters.iter().map(|c| c.total(to) - c.total(from)).sum()
}
