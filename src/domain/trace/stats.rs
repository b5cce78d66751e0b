//! Operations over many traces: how long they take, how often they fail, and what is out of the ordinary.
//!
//! Quantiles are exact (nearest rank over the values themselves): what was fetched is few enough to keep.
//! They always come with their `n`, because a sample is not the population.

use std::collections::HashMap;
use std::time::Duration;

use super::{Operation, Row, Status, Times, Timing, Trace};

/// With fewer values a percentile within an operation says nothing.
pub const TELLING: usize = 20;

/// With fewer values a p99 is the worst of them.
pub const TELLING_P99: usize = 100;

/// An operation is slow when its p95 is so many times the baseline's.
pub const SLOW: f64 = 2.0;

/// It fails when its error rate is so many times the baseline's.
pub const FAILING: f64 = 5.0;

/// Durations and failures of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measured {
    /// In nanoseconds, ascending.
    durations: Vec<u64>,
    count: u64,
    errors: u64,
}

impl Measured {
    /// Of durations in nanoseconds in any order, and of how many failed.
    pub fn new(mut durations: Vec<u64>, errors: u64) -> Self {
        durations.sort_unstable();
        Self {
            count: durations.len() as u64,
            durations,
            errors,
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many failed.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// The share that failed; `None` of none.
    pub fn error_rate(&self) -> Option<f64> {
        (self.count > 0).then(|| self.errors as f64 / self.count as f64)
    }

    /// How many durations are known: the `n` of its quantiles.
    pub fn n(&self) -> usize {
        self.durations.len()
    }

    /// The duration that a share `q` (0 to 1) of all do not pass; `None` of none.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        self.nanos(q).map(Duration::from_nanos)
    }

    fn nanos(&self, q: f64) -> Option<u64> {
        let rank = (q * self.durations.len() as f64).ceil() as usize;
        self.durations.get(rank.saturating_sub(1)).copied()
    }

    /// The share of all that were shorter than this, those equal to it counted half; `None` under [`TELLING`]
    /// values.
    pub fn percentile_of(&self, duration: Duration) -> Option<f64> {
        if self.durations.len() < TELLING {
            return None;
        }
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let shorter = self.durations.partition_point(|other| *other < nanos);
        let equal = self.durations.partition_point(|other| *other <= nanos) - shorter;
        Some((shorter as f64 + equal as f64 / 2.0) / self.durations.len() as f64)
    }
}

/// All operations of some traces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    of: HashMap<Operation, Measured>,
    traces: usize,
}

/// What is out of the ordinary about an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Anomaly {
    /// Its p95, or the span at hand, takes so many times the baseline's p95.
    Slow(f64),
    /// It fails so many times as often; infinitely where it never failed before.
    Failing(f64),
}

impl Statistics {
    /// Of traces.
    pub fn of<'a>(traces: impl IntoIterator<Item = &'a Trace>) -> Self {
        let mut statistics = Self::default();
        for trace in traces {
            statistics.traces += 1;
            // By the operation's number first: hashing names for every span is what would be slow.
            let mut here: HashMap<u32, Measured> = HashMap::new();
            for span in trace.spans() {
                let measured = here.entry(trace.operation_of(span.row).0).or_default();
                measured.count += 1;
                measured.errors += u64::from(span.status == Status::Error);
                if span.times == Times::Known {
                    measured.durations.push(span.duration.as_nanos() as u64);
                }
            }
            for (operation, mut measured) in here {
                let operation = trace.operation(super::OperationId(operation));
                let all = statistics.of.entry(operation.clone()).or_default();
                all.count += measured.count;
                all.errors += measured.errors;
                all.durations.append(&mut measured.durations);
            }
        }
        for measured in statistics.of.values_mut() {
            measured.durations.sort_unstable();
        }
        statistics
    }

    /// Of operations that were measured elsewhere, as a list of summaries tells them.
    pub fn measured(of: impl IntoIterator<Item = (Operation, Measured)>, traces: usize) -> Self {
        Self {
            of: of.into_iter().collect(),
            traces,
        }
    }

    /// How many traces they are of.
    pub fn traces(&self) -> usize {
        self.traces
    }

    /// An operation's.
    pub fn operation(&self, operation: &Operation) -> Option<&Measured> {
        self.of.get(operation)
    }

    /// A span's percentile within its operation; `None` where too few are known.
    pub fn percentile(&self, trace: &Trace, timing: &Timing, row: Row) -> Option<f64> {
        let measured = self.of.get(trace.operation(trace.operation_of(row)))?;
        measured.percentile_of(timing.of(row).duration())
    }

    /// What is out of the ordinary compared with a baseline, by operation; nothing where either has too few
    /// values.
    pub fn anomalies(&self, baseline: &Self) -> Vec<(&Operation, Anomaly)> {
        let mut found: Vec<(&Operation, Anomaly)> = Vec::new();
        for (operation, now) in &self.of {
            let Some(before) = baseline.of.get(operation) else {
                continue;
            };
            if now.n() >= TELLING
                && before.n() >= TELLING
                && let (Some(slow), Some(usual)) = (now.nanos(0.95), before.nanos(0.95))
                && slow as f64 > SLOW * usual as f64
            {
                found.push((operation, Anomaly::Slow(slow as f64 / usual as f64)));
            }
            if now.count >= TELLING as u64
                && before.count >= TELLING as u64
                && let (Some(rate), Some(usual)) = (now.error_rate(), before.error_rate())
                && rate > FAILING * usual
            {
                found.push((operation, Anomaly::Failing(rate / usual)));
            }
        }
        found.sort_by(|a, b| a.0.cmp(b.0));
        found
    }

    /// Whether one span takes far longer than its operation does here as a baseline.
    pub fn is_slow(&self, trace: &Trace, timing: &Timing, row: Row) -> Option<Anomaly> {
        let usual = self.of.get(trace.operation(trace.operation_of(row)))?;
        let usual = usual.nanos(0.95).filter(|_| usual.n() >= TELLING)?;
        let ratio = timing.of(row).nanos() as f64 / usual as f64;
        (ratio > SLOW).then_some(Anomaly::Slow(ratio))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Made, made, trace};
    use super::*;

    fn traces(of: i64, lasts: impl Fn(i64) -> i64, fails: impl Fn(i64) -> bool) -> Vec<Trace> {
        let one = |index: i64| {
            let span = made(1, 0, 1, 1 + lasts(index), "a.a");
            let span: Made = if fails(index) { span.failed("no") } else { span };
            trace(&[span])
        };
        (1..=of).map(one).collect()
    }

    fn operation() -> Operation {
        Operation {
            service: "a".into(),
            name: "a".into(),
        }
    }

    #[test]
    fn quantiles_are_exact_and_come_with_their_count() {
        let all = traces(100, |index| index, |index| index <= 3);
        let statistics = Statistics::of(&all);
        let measured = statistics.operation(&operation()).unwrap();
        assert_eq!(
            (measured.count(), measured.n(), statistics.traces()),
            (100, 100, 100)
        );
        let quantile = |q: f64| measured.quantile(q).unwrap().as_millis();
        assert_eq!(
            [quantile(0.5), quantile(0.95), quantile(0.99), quantile(1.0)],
            [50, 95, 99, 100]
        );
        assert_eq!(measured.error_rate(), Some(0.03));
        assert_eq!(measured.percentile_of(Duration::from_millis(90)), Some(0.895));
        assert_eq!(Measured::default().quantile(0.5), None);
    }

    #[test]
    fn few_values_tell_no_percentile_and_no_anomaly() {
        let few = Statistics::of(&traces(19, |_| 1, |_| false));
        let measured = few.operation(&operation()).unwrap();
        assert_eq!(measured.percentile_of(Duration::from_secs(1)), None);
        let slow = Statistics::of(&traces(50, |_| 100, |_| true));
        assert_eq!(slow.anomalies(&few), []);
    }

    #[test]
    fn twice_as_slow_or_five_times_as_failing_is_out_of_the_ordinary() {
        let usual = Statistics::of(&traces(100, |_| 10, |index| index <= 2));
        let same = Statistics::of(&traces(100, |_| 20, |index| index <= 10));
        assert_eq!(same.anomalies(&usual), [], "exactly as much is not more");
        let odd = Statistics::of(&traces(100, |_| 21, |index| index <= 11));
        assert_eq!(
            odd.anomalies(&usual),
            [
                (&operation(), Anomaly::Slow(2.1)),
                (&operation(), Anomaly::Failing(5.5))
            ]
        );
        let late = trace(&[made(1, 0, 1, 41, "a.a")]);
        assert_eq!(
            usual.is_slow(&late, late.timing(), Row(0)),
            Some(Anomaly::Slow(4.0))
        );
    }
}
