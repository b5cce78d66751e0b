//! The one place that knows what time it is.
//!
//! Everything pure is handed a [`Now`]; only the runtime and the command line own a [`Clock`]. Ages,
//! deadlines and backoff use [`Tick`], taken from the boot-time clock (which counts suspend and never
//! jumps); `utc` is only for what is shown and sent. Start reading at [`Now`].

use std::fmt;
use std::ops::Add;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A moment on the boot-time clock, counted from the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub Duration);

impl Tick {
    /// The start of the process.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// A tick so many whole seconds after the start.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// How long ago `earlier` was; zero where it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:.3}s", self.0.as_secs_f64())
    }
}

/// One reading of both clocks, handed to everything that is pure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, for what is shown and sent.
    pub utc: DateTime<Utc>,
    /// Boot-time clock, for ages, deadlines and backoff.
    pub tick: Tick,
}

impl Now {
    /// A fixed moment, for tests, benches and screens: `seconds` after the start, at a given wall time.
    pub fn fixed(utc: DateTime<Utc>, seconds: u64) -> Self {
        Self {
            utc,
            tick: Tick::from_secs(seconds),
        }
    }

    /// The same moment, so much later on both clocks.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        Self {
            utc: self.utc + TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX),
            tick: self.tick + by,
        }
    }
}

/// A moment that other processes of this machine can be told: both clocks, and which start of the machine the
/// boot-time clock counts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Wall clock, for what is shown, and for ages across a restart of the machine.
    pub utc: DateTime<Utc>,
    /// The machine's boot id.
    pub boot: Arc<str>,
    /// Boot-time clock.
    pub since_boot: Duration,
}

impl Stamp {
    /// How long ago `earlier` was, zero where it lies ahead: by the boot-time clock, which never jumps; across
    /// a restart of the machine by the wall clock.
    pub fn since(&self, earlier: &Self) -> Duration {
        if self.boot == earlier.boot {
            self.since_boot.saturating_sub(earlier.since_boot)
        } else {
            (self.utc - earlier.utc).to_std().unwrap_or_default()
        }
    }

    /// The same moment, so much later on both clocks.
    #[must_use]
    pub fn later(&self, by: Duration) -> Self {
        Self {
            utc: self
                .utc
                .checked_add_signed(TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX))
                .unwrap_or(DateTime::<Utc>::MAX_UTC),
            boot: Arc::clone(&self.boot),
            since_boot: self.since_boot.saturating_add(by),
        }
    }
}

/// Reads the clocks. Owned by the runtime and by headless commands; nothing pure holds one.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    /// The machine's own clocks.
    Machine { start: Duration },
    /// Follows tokio's clock from a fixed wall time: journeys under paused time.
    Tokio {
        start: tokio::time::Instant,
        utc: DateTime<Utc>,
    },
}

impl Clock {
    /// A clock whose tick zero is this moment.
    pub fn start() -> Self {
        Self(Source::Machine { start: boot_time() })
    }

    /// A clock that starts at a fixed wall time and moves with tokio's clock, paused or not.
    pub fn with_tokio(utc: DateTime<Utc>) -> Self {
        Self(Source::Tokio {
            start: tokio::time::Instant::now(),
            utc,
        })
    }

    /// Both clocks, now.
    #[expect(clippy::disallowed_methods, reason = "this is the layer that reads the clock")]
    pub fn now(&self) -> Now {
        match self.0 {
            Source::Machine { .. } => Now {
                utc: Utc::now(),
                tick: self.tick(),
            },
            Source::Tokio { utc, .. } => Now {
                utc,
                tick: Tick::ZERO,
            }
            .later(self.tick().0),
        }
    }

    /// A moment to be kept, or told to another process of this machine.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            utc: self.now().utc,
            boot: boot_id(),
            since_boot: match self.0 {
                Source::Machine { .. } => boot_time(),
                Source::Tokio { start, .. } => start.elapsed(),
            },
        }
    }

    /// The boot-time clock alone.
    pub fn tick(&self) -> Tick {
        match self.0 {
            Source::Machine { start } => Tick(boot_time().saturating_sub(start)),
            Source::Tokio { start, .. } => Tick(start.elapsed()),
        }
    }
}

/// Which start of the machine this is; `unknown` where it does not tell.
fn boot_id() -> Arc<str> {
    static ID: OnceLock<Arc<str>> = OnceLock::new();
    Arc::clone(ID.get_or_init(|| {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let id = id.trim();
        Arc::from(if id.is_empty() { "unknown" } else { id })
    }))
}

#[cfg(target_os = "linux")]
fn boot_time() -> Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(
        u64::try_from(at.tv_sec).unwrap_or(0),
        u32::try_from(at.tv_nsec).unwrap_or(0),
    )
}

#[cfg(not(target_os = "linux"))]
fn boot_time() -> Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(
        u64::try_from(at.tv_sec).unwrap_or(0),
        u32::try_from(at.tv_nsec).unwrap_or(0),
    )
}

/// A duration in Prometheus's spelling, largest unit that divides it: `5m`, `1h`, `30d`, `90s`, `1h30m`.
pub fn prometheus_duration(duration: Duration) -> String {
    let total = duration.as_secs();
    if total == 0 {
        return format!("{}ms", duration.as_millis());
    }
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if total.is_multiple_of(size) {
            return format!("{}{unit}", total / size);
        }
    }
    let (h, m, s) = (total / 3_600, total % 3_600 / 60, total % 60);
    let mut out = String::new();
    for (count, unit) in [(h, "h"), (m, "m"), (s, "s")] {
        if count > 0 {
            out.push_str(&count.to_string());
            out.push_str(unit);
        }
    }
    out
}

/// Why a duration could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration; write a number and a unit, as in 90s, 5m, 1h30m, 30d or 4w")]
pub struct DurationError {
    text: String,
}

/// Reads a duration in Prometheus's spelling (`1h30m`, `500ms`, `30d`, `4w`, `1y`); units y w d h m s ms.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError {
        text: text.to_owned(),
    };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(error());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| error())?;
        let unit_len = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return Err(error()),
        };
        let part = number.checked_mul(millis).ok_or_else(error)?;
        total = total.checked_add(Duration::from_millis(part)).ok_or_else(error)?;
        rest = after;
    }
    Ok(total)
}

/// An age as the screen shows it, at most three cells of number and one of unit: `9s`, `12m`, `3h`, `41d`.
pub fn short_age(age: Duration) -> String {
    let s = age.as_secs();
    match s {
        0..60 => format!("{s}s"),
        60..3_600 => format!("{}m", s / 60),
        3_600..172_800 => format!("{}h", s / 3_600),
        _ => format!("{}d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelled_as_prometheus_spells_them() {
        let cases = [
            ("5m", 300),
            ("1h", 3_600),
            ("1h30m", 5_400),
            ("30d", 2_592_000),
            ("90s", 90),
            ("1d", 86_400),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(prometheus_duration(Duration::from_secs(5_400)), "90m");
        assert_eq!(prometheus_duration(Duration::from_secs(3_725)), "1h2m5s");
        assert_eq!(parse_duration("4w"), Ok(Duration::from_secs(2_419_200)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_mend() {
        for text in ["", "5", "m", "5x", "-5m", "99999999999999999999m", "1h 30m"] {
            let error = parse_duration(text).expect_err(text);
            assert!(error.to_string().contains("90s"), "{error}");
        }
    }

    #[test]
    fn ages_never_exceed_four_cells() {
        for seconds in [0, 59, 60, 3_599, 3_600, 86_399, 172_800, 86_400 * 999] {
            assert!(short_age(Duration::from_secs(seconds)).len() <= 4);
        }
    }

    #[test]
    fn an_age_goes_by_the_boot_time_clock_until_the_machine_restarts() {
        let stamp = |utc: i64, boot: &str, since_boot| Stamp {
            utc: DateTime::from_timestamp(utc, 0).unwrap(),
            boot: boot.into(),
            since_boot: Duration::from_secs(since_boot),
        };
        // The wall clock was set forward by an hour.
        let (before, after) = (stamp(1_000, "a", 50), stamp(4_610, "a", 60));
        assert_eq!(after.since(&before), Duration::from_secs(10));
        assert_eq!(before.since(&after), Duration::ZERO);
        let restarted = stamp(1_600, "b", 5);
        assert_eq!(restarted.since(&before), Duration::from_secs(600));
        assert_eq!(restarted.since(&after), Duration::ZERO);
    }

    #[test]
    fn a_tick_in_the_future_is_no_age() {
        assert_eq!(Tick::from_secs(3).since(Tick::from_secs(5)), Duration::ZERO);
    }
}
