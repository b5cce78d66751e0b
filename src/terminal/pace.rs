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
/// Of a long frame pieces of so many bytes are handed on, so that nobody is woken for each byte.
const LEAST_PIECE: f64 = 32.0;
/// The meter tells the mean of so long.
const SPAN: Duration = Duration::from_secs(5);

/// A bucket of bytes that fills at the rate of the link.
#[derive(Debug, Clone)]
pub struct Pace {
    rate: f64,
    /// The most that is saved up.
    reserve: f64,
    level: f64,
    at: Tick,
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
        }
    }

    fn fill(&mut self, now: Tick) {
        let gained = now.since(self.at).as_secs_f64() * self.rate;
        self.level = (self.level + gained).min(self.reserve);
        self.at = now;
    }

    /// What is enough of `wanted` bytes to be handed on.
    fn piece(&self, wanted: usize) -> f64 {
        (self.rate / 20.0).max(LEAST_PIECE).min(wanted as f64)
    }

    /// How many of `wanted` bytes may go now: they are taken from the bucket. None where it is too early.
    pub fn take(&mut self, wanted: usize, now: Tick) -> usize {
        self.fill(now);
        // A byte is not cut: what a division left over must not make anybody wait for nothing.
        if self.level + 1e-6 < self.piece(wanted) {
            return 0;
        }
        let taken = ((self.level + 1e-6) as usize).min(wanted);
        self.level -= taken as f64;
        taken
    }

    /// How long until some of `wanted` bytes may go.
    pub fn wait(&self, wanted: usize, now: Tick) -> Duration {
        let level = self.level + now.since(self.at).as_secs_f64() * self.rate;
        let lacks = (self.piece(wanted) - level).max(0.0);
        Duration::from_secs_f64(lacks / self.rate)
    }

    /// When the reserve is whole again, if nothing goes until then: the world's turn.
    pub fn whole_at(&self) -> Tick {
        self.at + Duration::from_secs_f64((self.reserve - self.level).max(0.0) / self.rate)
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
        (from..until).map(|ms| pace.take(10_000, at(ms))).sum()
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
        assert_eq!(pace.take(185, at(0)), 185);
        assert_eq!(pace.take(185, at(1)), 0, "the next one waits");
        let wait = pace.wait(185, at(1));
        assert!(
            wait > Duration::ZERO && wait < Duration::from_millis(60),
            "{wait:?}"
        );
        assert!(pace.take(185, at(1) + wait) > 0, "and no longer than was said");
    }

    #[test]
    fn the_worlds_turn_comes_when_the_reserve_is_whole() {
        let mut pace = pace(2_000);
        assert_eq!(pace.whole_at(), at(0));
        assert_eq!(pace.take(500, at(0)), 500);
        assert_eq!(pace.whole_at(), at(250));
        assert_eq!(pace.take(100, at(100)), 100);
        assert_eq!(pace.whole_at(), at(300));
        // What is not used is not saved up.
        pace.take(1, at(60_000));
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
