//! Functions of a range vector: `rate` with Prometheus's extrapolation, and the `*_over_time` family.

use std::sync::Arc;

use crate::demo::world::Series;
use crate::demo::world::series::Bounds;
use crate::domain::alert::Labels;

use super::{Line, MOST_SAMPLES, labels};

/// One series within `(start, end]`, unix seconds.
pub struct Window {
    /// With the metric's name.
    pub labels: Labels,
    /// Without it.
    pub nameless: Labels,
    start: f64,
    end: f64,
    source: Source,
}

enum Source {
    Series(Arc<Series>),
    Points(Vec<(f64, f64)>),
}

/// Whether falling values are resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monotone {
    /// A counter.
    Counter,
    /// A gauge.
    Gauge,
}

/// Whether the result is per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// `rate`.
    Second,
    /// `increase`, `delta`.
    Window,
}

impl Window {
    /// A stored series.
    pub fn of_series(series: Arc<Series>, start: f64, end: f64) -> Self {
        Self {
            labels: series.labels.clone(),
            nameless: series.nameless.clone(),
            start,
            end,
            source: Source::Series(series),
        }
    }

    /// Points of a subquery.
    pub fn of_points(line: Line, start: f64, end: f64) -> Self {
        Self {
            nameless: labels::nameless(&line.labels),
            labels: line.labels,
            start,
            end,
            source: Source::Points(line.points),
        }
    }

    /// Its samples, thinned where there are very many.
    pub fn points(&self) -> Vec<(f64, f64)> {
        match &self.source {
            Source::Series(series) => series.samples(self.start, self.end, MOST_SAMPLES),
            Source::Points(points) => points.clone(),
        }
    }

    fn bounds(&self) -> Option<Bounds> {
        match &self.source {
            Source::Series(series) => series.bounds(self.start, self.end),
            Source::Points(points) => Some(Bounds {
                first: points.first()?.0,
                last: points.last()?.0,
                count: points.len() as u64,
            }),
        }
    }

    /// `rate`, `increase` and `delta`, extrapolated to the window's bounds as Prometheus does
    /// (promql/functions.go, `extrapolatedRate`).
    pub fn extrapolated(&self, monotone: Monotone, per: Per) -> Option<f64> {
        let bounds = self.bounds().filter(|b| b.count >= 2)?;
        let (first, last, correction) = match &self.source {
            Source::Series(series) => (
                series.value(bounds.first),
                series.value(bounds.last),
                series.reset_correction(bounds.first, bounds.last),
            ),
            Source::Points(points) => (
                points.first()?.1,
                points.last()?.1,
                points
                    .windows(2)
                    .map(|w| if w[1].1 < w[0].1 { w[0].1 } else { 0.0 })
                    .sum(),
            ),
        };
        let mut result = last - first;
        if monotone == Monotone::Counter {
            result += correction;
        }
        let sampled = bounds.last - bounds.first;
        let between = sampled / (bounds.count - 1) as f64;
        let reach = |gap: f64| if gap >= between * 1.1 { between / 2.0 } else { gap };
        let mut to_start = reach(bounds.first - self.start);
        if monotone == Monotone::Counter && result > 0.0 && first >= 0.0 {
            // A counter cannot have been below zero.
            to_start = to_start.min(sampled * first / result);
        }
        let to_end = reach(self.end - bounds.last);
        let extrapolated = result * (sampled + to_start + to_end) / sampled;
        Some(match per {
            Per::Second => extrapolated / (self.end - self.start),
            Per::Window => extrapolated,
        })
    }

    /// `irate` and `idelta`: from the last two samples.
    pub fn last_two(&self, monotone: Monotone, per: Per) -> Option<f64> {
        let points = match &self.source {
            Source::Series(series) => {
                let last = series.bounds(self.start, self.end)?.last;
                series.samples((last - 40.0).max(self.start), self.end, MOST_SAMPLES)
            }
            Source::Points(points) => points.clone(),
        };
        let [.., (t0, v0), (t1, v1)] = points.as_slice() else {
            return None;
        };
        let change = if monotone == Monotone::Counter && v1 < v0 {
            *v1
        } else {
            v1 - v0
        };
        Some(match per {
            Per::Second => change / (t1 - t0),
            Per::Window => change,
        })
    }

    /// A function of all values; `None` where there are none.
    pub fn fold(&self, function: &str) -> Option<f64> {
        let count = self.bounds()?.count as f64;
        match function {
            "count_over_time" => return Some(count),
            "present_over_time" => return Some(1.0),
            "resets" => return Some(self.resets() as f64),
            _ => {}
        }
        let points = self.points();
        let seen = points.len() as f64;
        let values = || points.iter().map(|(_, v)| *v);
        let mean = values().sum::<f64>() / seen;
        let variance = || values().map(|v| (v - mean).powi(2)).sum::<f64>() / seen;
        Some(match function {
            "sum_over_time" => mean * count,
            "min_over_time" => values().fold(f64::NAN, f64::min),
            "max_over_time" => values().fold(f64::NAN, f64::max),
            "last_over_time" => points.last()?.1,
            "stddev_over_time" => variance().sqrt(),
            "stdvar_over_time" => variance(),
            "changes" => changes(&points) as f64,
            "deriv" => slope(&points)?.0,
            _ => mean,
        })
    }

    /// `quantile_over_time`.
    pub fn quantile(&self, q: f64) -> f64 {
        quantile(q, self.points().into_iter().map(|(_, v)| v).collect())
    }

    /// `predict_linear`: the fitted line's height so many seconds after the window's end.
    pub fn predicted(&self, ahead: f64) -> Option<f64> {
        let points = self.points();
        let (slope, intercept, origin) = slope(&points)?;
        Some(intercept + slope * (self.end - origin + ahead))
    }

    fn resets(&self) -> usize {
        match &self.source {
            Source::Series(series) => self
                .bounds()
                .map_or(0, |b| series.resets_between(b.first, b.last).count()),
            Source::Points(points) => points.windows(2).filter(|w| w[1].1 < w[0].1).count(),
        }
    }
}

/// How often the value is another than before.
fn changes(points: &[(f64, f64)]) -> usize {
    points
        .windows(2)
        .filter(|w| w[0].1.to_bits() != w[1].1.to_bits())
        .count()
}

/// Least squares over points: (slope, intercept at the first point's time, that time).
fn slope(points: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    let n = points.len() as f64;
    let origin = points.first().filter(|_| points.len() >= 2)?.0;
    let mean_t = points.iter().map(|(t, _)| t - origin).sum::<f64>() / n;
    let mean_v = points.iter().map(|(_, v)| v).sum::<f64>() / n;
    let covariance: f64 = points
        .iter()
        .map(|(t, v)| (t - origin - mean_t) * (v - mean_v))
        .sum();
    let variance: f64 = points.iter().map(|(t, _)| (t - origin - mean_t).powi(2)).sum();
    let slope = covariance / variance;
    Some((slope, mean_v - slope * mean_t, origin))
}

/// The φ-quantile by linear interpolation between ranks, as Prometheus has it.
pub fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    let rank = q * (values.len() - 1) as f64;
    let low = rank.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[low] * (1.0 - weight) + values[high] * weight
}
