//! How often a pattern came, bucket by bucket, and what that says of it now.

use std::time::Duration;

use super::Standing;
use crate::domain::log::Nanos;

/// Buckets of a trend.
pub const BUCKETS: usize = 60;

/// A pattern is new for so long.
const NEW: Duration = Duration::from_secs(10 * 60);
/// Lines of its service must have been seen for so long before it, else nothing tells that it is new.
const KNOWN: Duration = Duration::from_secs(60);
/// A pattern is taken for new where chance alone explains its late begin no more often than this.
const CHANCE: f64 = 0.1;
/// A pattern that stays away for less has not vanished.
const SILENT: Duration = Duration::from_secs(5 * 60);
/// Nor has one that stays away for less than so many of its mean intervals.
const INTERVALS: f64 = 10.0;
/// Lines of which no less say anything of a rate.
const FEW: u64 = 5;
/// Weight of the newest bucket in the moving average (EWMA) that the rate now is held against.
const WEIGHT: f64 = 0.3;
/// A rate so many times the average is a spike…
const TIMES: f64 = 3.0;
/// …where it also lies so many standard deviations (of a Poisson count) above it…
const DEVIATIONS: f64 = 3.0;
/// …and so many lines came in the last two buckets, which are the rate now.
const LINES: u64 = 10;
/// Buckets that an average is made of at least.
const HISTORY: usize = 3;

/// Counts by bucket. Each slot knows which bucket it counts, so that a line from the far future spoils one slot.
#[derive(Debug, Clone)]
pub(super) struct Trend([(u32, u32); BUCKETS]);

impl Default for Trend {
    fn default() -> Self {
        Self([(0, 0); BUCKETS])
    }
}

/// The bucket of a moment.
pub(super) fn bucket(at: Nanos, width: Duration) -> u32 {
    let width = i64::try_from(width.as_nanos()).unwrap_or(i64::MAX).max(1);
    u32::try_from(at.0.div_euclid(width).max(0)).unwrap_or(u32::MAX)
}

impl Trend {
    pub fn add(&mut self, bucket: u32, lines: u32) {
        let Some(slot) = self.0.get_mut(bucket as usize % BUCKETS) else {
            return;
        };
        if slot.0 < bucket {
            *slot = (bucket, 0);
        }
        if slot.0 == bucket {
            slot.1 = slot.1.saturating_add(lines);
        }
    }

    pub fn absorb(&mut self, other: &Self) {
        for &(bucket, lines) in other.0.iter().filter(|slot| slot.1 > 0) {
            self.add(bucket, lines);
        }
    }

    /// The buckets up to `last`, oldest first.
    pub fn until(&self, last: u32) -> [u32; BUCKETS] {
        let mut out = [0; BUCKETS];
        for &(bucket, lines) in &self.0 {
            let back = last.checked_sub(bucket).map_or(BUCKETS, |back| back as usize);
            if let Some(place) = (BUCKETS - 1).checked_sub(back).and_then(|i| out.get_mut(i)) {
                *place = lines;
            }
        }
        out
    }
}

/// What is known of a pattern's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course<'a> {
    pub trend: &'a [u32; BUCKETS],
    pub width: Duration,
    pub count: u64,
    pub first: Nanos,
    pub last: Nanos,
    /// The first line of its service.
    pub known_from: Nanos,
}

impl Course<'_> {
    /// What it says at a moment, which lies in the trend's last bucket.
    pub fn standing(&self, now: Nanos) -> Standing {
        let before = |earlier: Nanos, later: Nanos| {
            Duration::from_nanos(later.0.saturating_sub(earlier.0).max(0).unsigned_abs())
        };
        let late = before(self.first, now);
        if late < NEW && before(self.known_from, self.first) >= KNOWN && self.is_no_chance(late, now) {
            return Standing::New;
        }
        let silent = before(self.last, now);
        if self.count >= FEW && silent >= SILENT {
            let mean = before(self.first, self.last).as_secs_f64() / (self.count - 1) as f64;
            if silent.as_secs_f64() >= INTERVALS * mean {
                return Standing::Vanished;
            }
        }
        if self.spikes(now) {
            return Standing::Spiking;
        }
        Standing::Steady
    }

    /// Whether a pattern as old as what was read of its service would hardly have kept away until `late` before now:
    /// lines that come evenly over all of that time lie in its last part `late / known` all together with the
    /// probability `(late / known) ^ count`. A rare pattern is not new for having its first line in a short stretch.
    fn is_no_chance(&self, late: Duration, now: Nanos) -> bool {
        let known = now.0.saturating_sub(self.known_from.0).max(1) as f64;
        let count = i32::try_from(self.count).unwrap_or(i32::MAX);
        (late.as_nanos() as f64 / known).powi(count) <= CHANCE
    }

    /// The last whole bucket and the one that is being filled, held against the average of those before.
    fn spikes(&self, now: Nanos) -> bool {
        let [earlier @ .., whole, open] = self.trend;
        let recent = u64::from(*whole) + u64::from(*open);
        if recent < LINES {
            return false;
        }
        let width = self.width.as_nanos().max(1) as f64;
        let into = (now.0 as f64).rem_euclid(width) / width;
        let rate = recent as f64 / (1.0 + into);
        let ends = bucket(now, self.width);
        let unknown = ends.saturating_sub(bucket(self.known_from, self.width)) as usize;
        // The bucket in which reading began is not whole.
        let known = earlier.get(BUCKETS.saturating_sub(unknown)..).unwrap_or_default();
        let Some((oldest, later)) = known.split_first().filter(|_| known.len() >= HISTORY) else {
            return false;
        };
        let average = later.iter().fold(f64::from(*oldest), |average, lines| {
            average + WEIGHT * (f64::from(*lines) - average)
        });
        rate >= TIMES * average && rate - average >= DEVIATIONS * (average + 1.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn minute(n: f64) -> Nanos {
        Nanos(1_800_000_000_000_000_000).plus(Duration::from_secs_f64(n * 60.0))
    }

    /// A pattern of so many lines in each minute from zero, known from `known`, at the end of the last one.
    fn standing(per_minute: &[u32], known: f64) -> Standing {
        let mut trend = Trend::default();
        let (mut first, mut last) = (None, minute(0.0));
        for (n, &lines) in per_minute.iter().enumerate().filter(|(_, lines)| **lines > 0) {
            trend.add(bucket(minute(n as f64), MINUTE), lines);
            first.get_or_insert(minute(n as f64));
            last = minute(n as f64 + 0.9);
        }
        let now = minute(per_minute.len() as f64 - 0.01);
        Course {
            trend: &trend.until(bucket(now, MINUTE)),
            width: MINUTE,
            count: per_minute.iter().map(|n| u64::from(*n)).sum(),
            first: first.unwrap(),
            last,
            known_from: minute(known),
        }
        .standing(now)
    }

    #[test]
    fn a_pattern_is_new_only_where_its_service_was_known_before() {
        assert_eq!(standing(&[0, 0, 0, 2, 3], 0.0), Standing::New);
        assert_eq!(standing(&[3, 2, 3, 2, 3], 0.0), Standing::Steady);
        // a line a few minutes into a short stretch may be one of a rare pattern as old as the service
        assert_eq!(standing(&[0, 0, 1, 0, 0], 0.0), Standing::Steady);
        assert_eq!(standing(&[0, 0, 1, 0, 1, 0, 1, 0], 0.0), Standing::Steady);
        assert_eq!(
            standing(&[[0; 57].as_slice(), &[1, 0, 0]].concat(), 0.0),
            Standing::New
        );
        assert_eq!(
            standing(&[[0, 0, 3].as_slice(), &[3; 12]].concat(), 0.0),
            Standing::Steady
        );
    }

    #[test]
    fn a_rate_far_above_its_average_spikes_and_unrest_does_not() {
        let calm = [20, 24, 18, 22, 19, 25, 21, 20, 23, 18, 22, 20];
        assert_eq!(standing(&calm, 0.0), Standing::Steady);
        assert_eq!(
            standing(&[calm.as_slice(), &[90, 110]].concat(), 0.0),
            Standing::Spiking
        );
        assert_eq!(
            standing(&[calm.as_slice(), &[30, 28]].concat(), 0.0),
            Standing::Steady
        );
        let rare = [0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1];
        assert_eq!(
            standing(&[rare.as_slice(), &[2, 3]].concat(), 0.0),
            Standing::Steady
        );
    }

    #[test]
    fn what_came_steadily_and_stays_away_has_vanished() {
        assert_eq!(
            standing(&[[6; 10].as_slice(), &[0; 6]].concat(), 0.0),
            Standing::Vanished
        );
        assert_eq!(
            standing(&[[6; 10].as_slice(), &[0; 4]].concat(), 0.0),
            Standing::Steady
        );
        let slow: Vec<u32> = (0..40).map(|n| u32::from(n % 6 == 0)).collect();
        assert_eq!(standing(&slow, 0.0), Standing::Steady);
    }

    #[test]
    fn a_line_from_the_future_spoils_one_bucket_and_old_lines_find_theirs() {
        let mut trend = Trend::default();
        for bucket in 100..160 {
            trend.add(bucket, 2);
        }
        trend.add(1_000_000, 1);
        let seen = trend.until(159);
        assert_eq!(seen.iter().filter(|n| **n == 2).count(), 59);
        let mut late = Trend::default();
        late.add(159, 1);
        late.add(101, 4);
        late.add(99, 8);
        assert_eq!(
            (late.until(159)[1], late.until(159)[59]),
            (4, 1),
            "99 shares its slot with 159"
        );
    }
}
