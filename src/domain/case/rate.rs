//! What came more often than before: counts over stretches of different lengths, held against each other.

use std::time::Duration;

/// How many there were in how much time that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// How many.
    pub count: u64,
    /// In how much time.
    pub covered: Duration,
}

impl Seen {
    /// So many a second; none where no time was looked at.
    fn rate(self) -> Option<f64> {
        let seconds = self.covered.as_secs_f64();
        (seconds > 0.0).then(|| self.count as f64 / seconds)
    }
}

/// What became of a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// There was none before, though enough time was looked at that some would have been.
    New,
    /// It comes so many times as often.
    Risen(f64),
    /// It comes far less often.
    Fallen,
    /// Chance explains what changed, or nothing did.
    Same,
    /// Too little of the time before was looked at to tell.
    Unknown,
}

/// Fewer are no news.
const FEW_NEW: u64 = 3;
/// Fewer are no rise.
const FEW_RISEN: u64 = 10;
/// So many times as often is a rise…
const TIMES: f64 = 3.0;
/// …where it also lies so many standard deviations (of a Poisson count) above what was to be expected.
const DEVIATIONS: f64 = 4.0;
/// At its present rate so many would have been expected before: chance leaves none once in a hundred times (e^-4.6).
const EXPECTED: f64 = 4.6;

/// What became of a rate.
pub fn change(before: Seen, since: Seen) -> Change {
    let expected = before.rate().unwrap_or_default() * since.covered.as_secs_f64();
    let count = since.count as f64;
    if expected >= TIMES * count && expected - count >= DEVIATIONS * (expected + 1.0).sqrt() {
        return Change::Fallen;
    }
    let Some(rate) = since.rate().filter(|_| since.count >= FEW_NEW) else {
        return Change::Same;
    };
    let Some(earlier) = before.rate() else {
        return Change::Unknown;
    };
    if before.count == 0 {
        let missed = rate * before.covered.as_secs_f64();
        return if missed >= EXPECTED {
            Change::New
        } else {
            Change::Unknown
        };
    }
    let is_risen = rate >= TIMES * earlier && count - expected >= DEVIATIONS * (expected + 1.0).sqrt();
    if is_risen && since.count >= FEW_RISEN {
        Change::Risen(rate / earlier)
    } else {
        Change::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(count: u64, minutes: u64) -> Seen {
        Seen {
            count,
            covered: Duration::from_secs(minutes * 60),
        }
    }

    #[test]
    fn what_came_more_often_is_told_from_chance() {
        for (before, since, expected) in [
            (seen(0, 60), seen(400, 15), Change::New),
            (seen(0, 60), seen(3, 10), Change::New),
            // twice in an hour would have been missed by chance once in seven times
            (seen(0, 60), seen(2, 60), Change::Same),
            (seen(0, 1), seen(30, 30), Change::Unknown),
            (seen(0, 0), seen(30, 30), Change::Unknown),
            (seen(60, 60), seen(15, 15), Change::Same),
            (seen(60, 60), seen(150, 15), Change::Risen(10.0)),
            (seen(60, 60), seen(40, 15), Change::Same),
            (seen(1_800, 4), seen(100, 21), Change::Fallen),
            (seen(600, 60), seen(0, 15), Change::Fallen),
            (seen(60, 60), seen(5, 15), Change::Same),
            (seen(1, 60), seen(9, 15), Change::Same),
            (seen(0, 60), seen(0, 15), Change::Same),
        ] {
            assert_eq!(change(before, since), expected, "{before:?} {since:?}");
        }
    }
}
