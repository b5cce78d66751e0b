//! How fast bytes may go, and how fast they went: a bucket for the writer, a meter for whoever looks. Pure.
//!
//! A link of 2,000 bytes a second that is given 8,000 at once is deaf for four seconds: whatever a key leads to waits
//! behind them, in buffers where nobody can take it back. So the writer hands on no more than the link carries, and
//! what the world changes leaves a reserve alone that is large enough for the answer to one key. Start at [`Pace`].

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::time::Tick;

/// What is kept ready for a key, however slow the link: a cursor that moves between two rows costs less.
const LEAST_RESERVE: f64 = 200.0;
/// Pieces of so many bytes are handed on, so that nobody is woken for each byte.
const LEAST_PIECE: f64 = 32.0;
/// The meter tells the mean of so long.
const SPAN: Duration = Duration::from_secs(5);

/// A bucket of bytes that fills at the rate of the link.
#[derive(Debug, Clone)]
pub struct Pace {
    rate: f64,
    /// The most that is saved up.
    reserve: f64,
    /// Below zero after a unit that is larger than the reserve.
    level: f64,
    at: Tick,
    /// Until then the last frame is left to be read.
    stands_until: Tick,
}

impl Pace {
    /// A full bucket for so many bytes a second.
    pub fn new(rate: NonZeroU32, now: Tick) -> Self {
        let rate = f64::from(rate.get());
        let reserve = (rate / 4.0).max(LEAST_RESERVE);
        Self {
            rate,
            reserve,
            level: reserve,
            at: now,
            stands_until: now,
        }
    }

    fn fill(&mut self, now: Tick) {
        let gained = now.since(self.at).as_secs_f64() * self.rate;
        self.level = (self.level + gained).min(self.reserve);
        self.at = now;
    }

    /// The level at which the first of these units go: as many as are worth a write. One that is larger than the
    /// reserve goes when that is whole.
    fn enough(&self, units: &[usize]) -> f64 {
        let piece = (self.rate / 20.0).max(LEAST_PIECE);
        let mut bytes = 0.0;
        for unit in units {
            bytes += *unit as f64;
            if bytes >= piece {
                break;
            }
        }
        bytes.min(self.reserve)
    }

    /// How many of these units (of so many bytes each, none of which is ever parted) may go now: they are taken from
    /// the bucket. None where it is too early.
    pub fn take(&mut self, units: &[usize], now: Tick) -> usize {
        self.fill(now);
        // A byte is not cut: what a division left over must not make anybody wait for nothing.
        let level = self.level + 1e-6;
        if level < self.enough(units) {
            return 0;
        }
        let mut taken = 0;
        let mut bytes = 0.0;
        for unit in units {
            let more = bytes + *unit as f64;
            if taken > 0 && more > level {
                break;
            }
            bytes = more;
            taken += 1;
        }
        self.level -= bytes;
        taken
    }

    /// How long until some of these units may go.
    pub fn wait(&self, units: &[usize], now: Tick) -> Duration {
        let level = self.level + now.since(self.at).as_secs_f64() * self.rate;
        let lacks = (self.enough(units) - level).max(0.0);
        Duration::from_secs_f64(lacks / self.rate)
    }

    /// The last of a frame of so many bytes went: it stands for as long as they take on their way.
    pub fn finished(&mut self, frame: usize, now: Tick) {
        let until = now + Duration::from_secs_f64(frame as f64 / self.rate);
        self.stands_until = self.stands_until.max(until);
    }

    /// When the reserve is whole again, if nothing goes until then, and the last frame has stood: the world's turn.
    pub fn whole_at(&self) -> Tick {
        let whole = self.at + Duration::from_secs_f64((self.reserve - self.level).max(0.0) / self.rate);
        whole.max(self.stands_until)
    }
}

/// Bytes that went, over all and lately.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    total: u64,
    /// What went when, of the last moments; never more entries than tenths of a second in them.
    lately: VecDeque<(Tick, u64)>,
}

impl Meter {
    /// So many bytes went.
    pub fn sent(&mut self, bytes: usize, now: Tick) {
        let bytes = bytes as u64;
        self.total = self.total.saturating_add(bytes);
        self.lately.retain(|(at, _)| now.since(*at) < SPAN);
        match self.lately.back_mut() {
            Some((at, sum)) if now.since(*at) < Duration::from_millis(100) => *sum += bytes,
            Some(_) | None => self.lately.push_back((now, bytes)),
        }
    }

    /// All that ever went.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes a second, over the last five.
    pub fn per_second(&self, now: Tick) -> u32 {
        let lately = self.lately.iter().filter(|(at, _)| now.since(*at) < SPAN);
        let bytes: u64 = lately.map(|(_, bytes)| bytes).sum();
        u32::try_from(bytes / SPAN.as_secs()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick(Duration::from_millis(ms))
    }

    fn pace(rate: u32) -> Pace {
        Pace::new(NonZeroU32::new(rate).unwrap(), at(0))
    }

    /// Sends without end for so many milliseconds, asking each.
    fn sent(pace: &mut Pace, from: u64, until: u64) -> usize {
        let units = vec![1; 10_000];
        (from..until).map(|ms| pace.take(&units, at(ms))).sum()
    }

    #[test]
    fn no_more_goes_than_the_rate_and_once_the_reserve() {
        for rate in [800_u32, 2_000, 20_000] {
            let mut pace = pace(rate);
            let all = sent(&mut pace, 0, 10_000);
            let most = (rate as usize) * 10 + (rate as usize / 4).max(200);
            assert!(all <= most, "{rate}: {all}");
            assert!(all >= rate as usize * 9, "{rate}: {all}, the link is used");
        }
    }

    #[test]
    fn a_key_is_answered_at_once_from_the_reserve_on_the_slowest_link() {
        let mut pace = pace(800);
        let frame = [1; 185];
        assert_eq!(pace.take(&frame, at(0)), 185);
        assert_eq!(pace.take(&frame, at(1)), 0, "the next one waits");
        let wait = pace.wait(&frame, at(1));
        assert!(
            wait > Duration::ZERO && wait < Duration::from_millis(60),
            "{wait:?}"
        );
        assert!(pace.take(&frame, at(1) + wait) > 0, "and no longer than was said");
    }

    #[test]
    fn a_unit_is_never_parted_and_one_beyond_the_reserve_goes_when_that_is_whole() {
        let mut pace = pace(800);
        let rows = [120, 70, 90, 900, 40];
        assert_eq!(pace.take(&rows, at(0)), 2, "the third would have been cut");
        assert_eq!(pace.take(&rows[2..], at(50)), 0);
        let wait = pace.wait(&rows[2..], at(50));
        assert_eq!(pace.take(&rows[2..], at(50) + wait), 1);
        assert_eq!(
            pace.take(&rows[3..], at(300)),
            0,
            "not before the reserve is whole"
        );
        assert_eq!(pace.take(&rows[3..], at(1_000)), 1, "then as one");
        assert_eq!(
            pace.take(&rows[4..], at(1_900)),
            0,
            "what it took in advance is paid back"
        );
        assert_eq!(pace.take(&rows[4..], at(1_950)), 1);
    }

    #[test]
    fn a_frame_of_the_world_stands_for_as_long_as_it_took() {
        let mut pace = pace(800);
        for ms in 0..3_000 {
            pace.take(&[100; 30], at(ms));
        }
        pace.finished(2_400, at(3_000));
        assert_eq!(pace.whole_at(), at(6_000));
        pace.finished(40, at(3_100));
        assert_eq!(
            pace.whole_at(),
            at(6_000),
            "a small one after it takes nothing away"
        );
    }

    #[test]
    fn the_worlds_turn_comes_when_the_reserve_is_whole() {
        let mut pace = pace(2_000);
        assert_eq!(pace.whole_at(), at(0));
        assert_eq!(pace.take(&[1; 500], at(0)), 500);
        assert_eq!(pace.whole_at(), at(250));
        assert_eq!(pace.take(&[100], at(100)), 1);
        assert_eq!(pace.whole_at(), at(300));
        // What is not used is not saved up.
        pace.take(&[1], at(60_000));
        assert!(pace.whole_at() <= at(60_001));
    }

    #[test]
    fn the_meter_tells_the_last_seconds_and_forgets_what_is_older() {
        let mut meter = Meter::default();
        for ms in (0..5_000).step_by(50) {
            meter.sent(60, at(ms));
        }
        assert_eq!(meter.per_second(at(4_999)), 1_200);
        assert_eq!(meter.per_second(at(60_000)), 0);
        assert_eq!(meter.total(), 6_000);
        for ms in 0..100_000 {
            meter.sent(1, at(ms));
        }
        assert!(meter.lately.len() <= 51, "{}", meter.lately.len());
    }
}
