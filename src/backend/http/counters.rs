//! What has passed between the console and one backend: requests, bytes, errors, latency.
//!
//! A [`Meter`] is written by the client once an attempt and read by `doctor` and the health overlay.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Counters;

/// How many latencies are remembered.
const REMEMBERED: usize = 64;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With an answer, after so long and with so many bytes.
    Answered {
        /// From the first byte sent to the last received.
        latency: Duration,
        /// Of the body, decompressed.
        bytes: usize,
    },
    /// Without one.
    Unanswered,
}

#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    bytes: u64,
    errors: u64,
    recent: VecDeque<Duration>,
}

/// Counts for one backend.
#[derive(Debug, Default)]
pub(super) struct Meter {
    tally: Mutex<Tally>,
}

impl Meter {
    /// One attempt went over the wire.
    pub(super) fn attempt(&self, ended: Ended) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.requests += 1;
        if let Ended::Answered { latency, bytes } = ended {
            tally.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
            if tally.recent.len() == REMEMBERED {
                tally.recent.pop_front();
            }
            tally.recent.push_back(latency);
        }
    }

    /// The attempt was of no use to its caller.
    pub(super) fn failed(&self) {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).errors += 1;
    }

    /// The counts so far.
    pub(super) fn read(&self) -> Counters {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<Duration> = tally.recent.iter().copied().collect();
        sorted.sort_unstable();
        Counters {
            requests: tally.requests,
            bytes: tally.bytes,
            errors: tally.errors,
            last: tally.recent.back().copied(),
            median: sorted.get(sorted.len() / 2).copied(),
            slowest: sorted.last().copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_older_than_the_last_sixty_four_are_forgotten() {
        let meter = Meter::default();
        for ms in 0..100 {
            meter.attempt(Ended::Answered {
                latency: Duration::from_millis(if ms == 0 { 9_000 } else { ms }),
                bytes: 10,
            });
        }
        meter.attempt(Ended::Unanswered);
        meter.failed();
        let counters = meter.read();
        assert_eq!(counters.requests, 101);
        assert_eq!(counters.bytes, 1_000);
        assert_eq!(counters.errors, 1);
        assert_eq!(counters.last, Some(Duration::from_millis(99)));
        assert_eq!(counters.slowest, Some(Duration::from_millis(99)));
        assert_eq!(counters.median, Some(Duration::from_millis(68)));
    }

    #[test]
    fn nothing_asked_has_no_latency() {
        assert_eq!(Meter::default().read(), Counters::default());
    }
}
