//! The values in a line: drawn from its own dice, the same each time.

use chrono::DateTime;

use super::{Line, noise, unit};

/// What a voice says its line with.
pub struct Words {
    /// Nanoseconds since the epoch.
    at: i64,
    trace: u128,
    /// Which pod speaks.
    pub pod: usize,
    dice: u64,
}

impl Words {
    pub fn new(line: &Line<'_>, pod: usize, dice: u64) -> Self {
        Self {
            at: line.at,
            trace: line.trace,
            pod,
            dice,
        }
    }

    fn next(&mut self) -> u64 {
        self.dice = noise([self.dice, 5, 0, 0]);
        self.dice
    }

    /// A number from `from` up to `to`, not included.
    pub fn number(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from).max(1)
    }

    /// One of these.
    pub fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let at = self.next() as usize % of.len().max(1);
        of.get(at).copied().unwrap_or_default()
    }

    /// A duration around a median, with a long tail.
    pub fn millis(&mut self, median: f64) -> f64 {
        let u = unit(self.next()).clamp(0.001, 0.999);
        // The quantile of the log-logistic distribution that the metrics' latencies have.
        median * (u / (1.0 - u)).powf(0.25)
    }

    /// So many hex digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let long = format!("{:016x}{:016x}", self.next(), self.next());
        long.chars().take(digits).collect()
    }

    /// An address in the cluster.
    pub fn address(&mut self) -> String {
        format!("10.42.{}.{}", self.number(0, 8), self.number(2, 250))
    }

    /// Whether it belongs to a request.
    pub fn is_traced(&self) -> bool {
        self.trace != 0
    }

    /// The trace id.
    pub fn trace(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The moment, in a form of `strftime`.
    pub fn time(&self, form: &str) -> String {
        DateTime::from_timestamp_nanos(self.at).format(form).to_string()
    }
}
