//! What the console itself costs: frames, bytes, time on a core, memory, wake-ups, requests.
//!
//! The loop measures and hands over totals; a minute of readings is kept here, and rates are what lies between the
//! oldest and the newest. It knows nothing of where a figure comes from. Start at [`Cost::rates`].

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Tick;

/// Bytes a second that are written at most while a production lives. Each bound is what `cargo bench` measures against,
/// and `doctor --cost` prints.
pub const MOST_BYTES: f64 = 900.0;
/// Share of one core at most, where nothing changes.
pub const MOST_CPU: f64 = 0.002;
/// Resident bytes at most, log lines beyond.
pub const MOST_MEMORY: u64 = 15 << 20;
/// Times that the kernel wakes it in a second at most, where nothing changes.
pub const MOST_WAKES: f64 = 5.0;

/// Rates are over so long at most.
const KEPT: Duration = Duration::from_secs(60);
/// Between two readings: more would cost what it measures.
const PACE: Duration = Duration::from_secs(1);
/// So many frames are remembered for how long one takes.
const DRAWS: usize = 128;

/// What this process has used since it began; what the system does not tell is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Time on a core, of all threads.
    pub cpu: Option<Duration>,
    /// How often a thread slept and was woken.
    pub wakes: Option<u64>,
    /// Memory in RAM, in bytes.
    pub resident: Option<u64>,
    /// Threads now.
    pub threads: Option<usize>,
}

/// Whether the figures stand on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// In a corner, over everything.
    Yes,
    /// Nothing is measured but what costs nothing to count.
    #[default]
    No,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Tick,
    frames: u64,
    bytes: u64,
    requests: u64,
    usage: Usage,
}

/// What it costs per second, over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// How long the stretch is.
    pub over: Duration,
    /// Frames drawn, per second.
    pub frames: f64,
    /// Bytes handed to the terminal, per second.
    pub bytes: f64,
    /// Requests to all backends, per minute.
    pub requests: f64,
    /// Share of one core, 0–1 and above where several are busy.
    pub cpu: Option<f64>,
    /// Wake-ups of all threads, per second.
    pub wakes: Option<f64>,
}

/// The count so far, and the readings of the last minute.
#[derive(Debug, Clone, Default)]
pub struct Cost {
    /// Whether it is on the screen.
    pub shown: Shown,
    frames: u64,
    bytes: u64,
    draws: VecDeque<Duration>,
    readings: VecDeque<Reading>,
}

impl Cost {
    /// Shows the figures, or hides them. They begin anew: what was read before they were hidden is an average over
    /// a time that nobody saw.
    pub fn toggle(&mut self) {
        self.shown = match self.shown {
            Shown::Yes => Shown::No,
            Shown::No => Shown::Yes,
        };
        self.readings.clear();
    }

    /// A frame was drawn in so long; the terminal has been handed so many bytes in all.
    pub fn drew(&mut self, took: Duration, bytes: u64) {
        self.frames += 1;
        self.bytes = bytes;
        self.draws.push_back(took);
        if self.draws.len() > DRAWS {
            self.draws.pop_front();
        }
    }

    /// Whether it is time to read what the process has used.
    pub fn is_due(&self, now: Tick) -> bool {
        let last = self.readings.back();
        self.shown == Shown::Yes && last.is_none_or(|last| now.since(last.at) >= PACE)
    }

    /// Totals as they stand now.
    pub fn read(&mut self, now: Tick, requests: u64, usage: Usage) {
        self.readings.push_back(Reading {
            at: now,
            frames: self.frames,
            bytes: self.bytes,
            requests,
            usage,
        });
        // The one that is a minute old stays: the rates go back to it.
        while self
            .readings
            .get(1)
            .is_some_and(|second| now.since(second.at) >= KEPT)
        {
            self.readings.pop_front();
        }
    }

    /// Forgets the readings: the next one begins a new stretch.
    pub fn begin_anew(&mut self) {
        self.readings.clear();
    }

    /// Bytes handed to the terminal so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How long a frame takes to draw: the median and the slowest of the last 128.
    pub fn draws(&self) -> Option<(Duration, Duration)> {
        let mut sorted: Vec<Duration> = self.draws.iter().copied().collect();
        sorted.sort_unstable();
        Some((*sorted.get(sorted.len() / 2)?, *sorted.last()?))
    }

    /// What the process used when it was last read.
    pub fn usage(&self) -> Option<Usage> {
        self.readings.back().map(|reading| reading.usage)
    }

    /// Between the oldest reading and the newest; nothing before there are two.
    pub fn rates(&self) -> Option<Rates> {
        let (first, last) = (self.readings.front()?, self.readings.back()?);
        let over = last.at.since(first.at);
        if over.is_zero() {
            return None;
        }
        let each = |before: u64, after: u64| after.saturating_sub(before) as f64 / over.as_secs_f64();
        let spent = first.usage.cpu.zip(last.usage.cpu);
        let woken = first.usage.wakes.zip(last.usage.wakes);
        Some(Rates {
            over,
            frames: each(first.frames, last.frames),
            bytes: each(first.bytes, last.bytes),
            requests: each(first.requests, last.requests) * 60.0,
            cpu: spent.map(|(before, after)| after.saturating_sub(before).as_secs_f64() / over.as_secs_f64()),
            wakes: woken.map(|(before, after)| each(before, after)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick(Duration::from_secs(seconds))
    }

    fn used(millis: u64, wakes: u64) -> Usage {
        Usage {
            cpu: Some(Duration::from_millis(millis)),
            wakes: Some(wakes),
            resident: Some(12 << 20),
            threads: Some(5),
        }
    }

    #[test]
    fn rates_lie_between_the_oldest_reading_and_the_newest() {
        let mut cost = Cost::default();
        cost.read(at(10), 100, used(500, 40));
        assert_eq!(cost.rates(), None);
        for frame in 1..=20 {
            cost.drew(Duration::from_micros(frame * 10), frame * 50);
        }
        cost.read(at(20), 105, used(520, 90));
        let rates = cost.rates().unwrap();
        assert_eq!(rates.over, Duration::from_secs(10));
        assert_eq!(rates.frames, 2.0);
        assert_eq!(rates.bytes, 100.0);
        assert_eq!(rates.requests, 30.0);
        assert!((rates.cpu.unwrap() - 0.002).abs() < 1e-9);
        assert_eq!(rates.wakes, Some(5.0));
        assert_eq!(
            cost.draws(),
            Some((Duration::from_micros(110), Duration::from_micros(200)))
        );
    }

    #[test]
    fn rates_go_back_a_minute_and_no_further() {
        let mut cost = Cost::default();
        for second in 0..300 {
            cost.read(at(second), second * 2, Usage::default());
        }
        let rates = cost.rates().unwrap();
        assert_eq!(rates.over, Duration::from_secs(60));
        assert_eq!(rates.requests, 120.0);
        assert_eq!((rates.cpu, rates.wakes), (None, None));
    }

    #[test]
    fn nothing_is_read_while_nobody_looks_and_once_a_second_while_somebody_does() {
        let mut cost = Cost::default();
        assert!(!cost.is_due(at(1)));
        cost.toggle();
        assert!(cost.is_due(at(1)));
        cost.read(at(1), 0, Usage::default());
        assert!(!cost.is_due(at(1)));
        assert!(cost.is_due(at(2)));
        cost.toggle();
        assert!(!cost.is_due(at(60)));
        assert_eq!(cost.rates(), None);
    }
}
