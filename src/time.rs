//! The one place that knows what time it is.
//!
//! Everything pure is handed a [`Now`]; only the runtime and the command line own a [`Clock`]. Ages,
//! deadlines and backoff use [`Tick`], taken from the boot-time clock (which counts suspend and never
//! jumps); `utc` is only for what is shown and sent. What outlives the process is kept as a [`Stamp`]. Start
//! reading at [`Now`].

pub mod alarm;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Add;
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

    /// So long before; the start of the process where that lies before it.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }

    /// When what is done once in an interval is done next: on a multiple of it, half of one away at least. So all that is
    /// done at one pace is done at one moment, and wakes the machine once.
    #[must_use]
    pub fn next_beat(self, interval: Duration) -> Self {
        let pace = interval.as_nanos().max(1);
        let beat = self
            .0
            .saturating_add(interval / 2)
            .as_nanos()
            .div_ceil(pace)
            .saturating_mul(pace);
        Self(Duration::from_nanos(u64::try_from(beat).unwrap_or(u64::MAX)))
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
            utc: after(self.utc, by),
            tick: self.tick + by,
        }
    }
}

/// One run of the machine, as Linux names it (`/proc/sys/kernel/random/boot_id`); zero where nothing names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BootId(pub u128);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<BootId> for String {
    fn from(id: BootId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for BootId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(text.trim().replace('-', "").as_str(), 16).map(Self)
    }
}

impl BootId {
    #[cfg(target_os = "linux")]
    fn of_this_machine() -> Self {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()
            .and_then(|text| Self::try_from(text).ok())
            .unwrap_or_default()
    }

    #[cfg(not(target_os = "linux"))]
    fn of_this_machine() -> Self {
        Self::default()
    }
}

/// A moment that other processes and later ones can measure from: within one boot by the boot-time clock, which
/// never jumps; by the wall clock across boots alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Wall clock.
    pub utc: DateTime<Utc>,
    /// Which run of the machine.
    pub boot: BootId,
    /// Milliseconds since it began, suspend included.
    pub boot_ms: u64,
}

impl Stamp {
    /// How long ago `earlier` was; zero where it lies ahead.
    pub fn since(&self, earlier: &Self) -> Duration {
        if self.boot == earlier.boot {
            Duration::from_millis(self.boot_ms.saturating_sub(earlier.boot_ms))
        } else {
            (self.utc - earlier.utc).to_std().unwrap_or_default()
        }
    }

    /// How long it is from here to `moment`; zero once it is reached. Nothing waits longer than `longest`: what
    /// lies further ahead was reckoned on a clock that was set back since, and counts as reached.
    pub fn until(&self, moment: &Self, longest: Duration) -> Duration {
        let ahead = moment.since(self);
        if ahead > longest { Duration::ZERO } else { ahead }
    }

    /// The same moment, so much later on both clocks.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        Self {
            utc: after(self.utc, by),
            boot: self.boot,
            boot_ms: self.boot_ms.saturating_add(by_ms),
        }
    }

    /// What the wall clock said at `earlier`, had it gone then as it goes now.
    pub fn utc_of(&self, earlier: &Self) -> DateTime<Utc> {
        if self.boot == earlier.boot {
            before(self.utc, self.since(earlier))
        } else {
            earlier.utc
        }
    }
}

/// Reads the clocks. Owned by the runtime and by headless commands; nothing pure holds one.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    source: Source,
    seed: u64,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    /// The machine's own clocks.
    Machine { start: Duration, boot: BootId },
    /// Follows tokio's clock from a fixed wall time: journeys under paused time.
    Tokio {
        start: tokio::time::Instant,
        utc: DateTime<Utc>,
    },
}

impl Clock {
    /// A clock whose tick zero is this moment.
    pub fn start() -> Self {
        Self {
            source: Source::Machine {
                start: boot_time(),
                boot: BootId::of_this_machine(),
            },
            seed: RandomState::new().hash_one(0_u8),
        }
    }

    /// A clock that starts at a fixed wall time and moves with tokio's clock, paused or not.
    pub fn with_tokio(utc: DateTime<Utc>) -> Self {
        Self {
            source: Source::Tokio {
                start: tokio::time::Instant::now(),
                utc,
            },
            seed: RandomState::new().hash_one(0_u8),
        }
    }

    /// The same clock of a run that spreads its questions as another did.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// What this run draws the jitter of its waits from: it says when something is asked, as the clocks do. A
    /// recording keeps it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether time moves only while nothing is under way: whoever waits for a thread of its own has to be seen
    /// to be waiting.
    pub fn stands(&self) -> bool {
        matches!(self.source, Source::Tokio { .. })
    }

    /// Both clocks, now.
    #[expect(clippy::disallowed_methods, reason = "this is the layer that reads the clock")]
    pub fn now(&self) -> Now {
        match self.source {
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

    /// Now, for what outlives the process.
    pub fn stamp(&self) -> Stamp {
        let since = |past: Duration| u64::try_from(past.as_millis()).unwrap_or(u64::MAX);
        let (boot, boot_ms) = match self.source {
            Source::Machine { boot, .. } => (boot, since(boot_time())),
            Source::Tokio { .. } => (BootId::default(), since(self.tick().0)),
        };
        Stamp {
            utc: self.now().utc,
            boot,
            boot_ms,
        }
    }

    /// The boot-time clock alone.
    pub fn tick(&self) -> Tick {
        match self.source {
            Source::Machine { start, .. } => Tick(boot_time().saturating_sub(start)),
            Source::Tokio { start, .. } => Tick(start.elapsed()),
        }
    }
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

/// So long after a moment; the calendar's end where it lies beyond. Spans are typed and told by servers, and any of them
/// may be absurd.
pub fn after(moment: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
    let span = TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
    moment
        .checked_add_signed(span)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// So long before a moment; the calendar's beginning where it lies beyond.
pub fn before(moment: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
    let span = TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
    moment
        .checked_sub_signed(span)
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// What is seen for no longer than this may have been so for long: how long it is so is not said.
pub const JUST_NOW: Duration = Duration::from_secs(10);

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

/// An age that moves in steps, so that an idle screen is not redrawn for it all the time: `0s`, `10s`, `30s`, then as
/// [`short_age`] has it.
pub fn stepped_age(age: Duration) -> String {
    let seconds = match age.as_secs() {
        0..10 => 0,
        10..30 => 10,
        30..60 => 30,
        longer => longer,
    };
    short_age(Duration::from_secs(seconds))
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
    fn a_span_of_any_length_ends_within_the_calendar() {
        let moment = DateTime::<Utc>::UNIX_EPOCH;
        let day = Duration::from_secs(86_400);
        assert_eq!(after(moment, day) - moment, TimeDelta::days(1));
        assert_eq!(moment - before(moment, day), TimeDelta::days(1));
        let ages = parse_duration("300000y").unwrap();
        for absurd in [ages, Duration::MAX] {
            assert_eq!(after(moment, absurd), DateTime::<Utc>::MAX_UTC);
            assert_eq!(before(moment, absurd), DateTime::<Utc>::MIN_UTC);
            assert_eq!(Now::fixed(moment, 5).later(ages).utc, DateTime::<Utc>::MAX_UTC);
        }
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

    fn stamp(utc: i64, boot: u128, boot_ms: u64) -> Stamp {
        Stamp {
            utc: DateTime::from_timestamp(utc, 0).unwrap(),
            boot: BootId(boot),
            boot_ms,
        }
    }

    #[test]
    fn within_a_boot_a_wall_clock_that_jumps_changes_no_duration() {
        let earlier = stamp(5_000, 1, 1_000);
        for utc in [0, 5_000, 99_000] {
            let now = stamp(utc, 1, 31_000);
            assert_eq!(now.since(&earlier), Duration::from_secs(30));
            assert_eq!(now.utc_of(&earlier), now.utc - TimeDelta::seconds(30));
            assert_eq!(
                earlier.until(&now, Duration::from_secs(60)),
                Duration::from_secs(30)
            );
        }
    }

    #[test]
    fn across_boots_the_wall_clock_counts_and_one_set_back_keeps_nothing_waiting() {
        let before = stamp(5_000, 1, 900_000);
        assert_eq!(stamp(5_040, 2, 10).since(&before), Duration::from_secs(40));
        assert_eq!(stamp(1_000, 2, 10).since(&before), Duration::ZERO);
        assert_eq!(
            stamp(1_000, 2, 10).until(&before, Duration::from_secs(60)),
            Duration::ZERO
        );
        assert_eq!(
            stamp(4_990, 2, 10).until(&before, Duration::from_secs(60)),
            Duration::from_secs(10)
        );
    }

    #[test]
    fn a_boot_id_is_read_as_linux_writes_it() {
        let id = BootId::try_from("c0ffee00-1111-4222-8333-444455556666\n".to_owned()).unwrap();
        assert_eq!(
            id.to_string(),
            "c0ffee001111422283334444 55556666".replace(' ', "")
        );
        assert_eq!(BootId::try_from(id.to_string()), Ok(id));
    }

    #[test]
    fn a_tick_in_the_future_is_no_age() {
        assert_eq!(Tick::from_secs(3).since(Tick::from_secs(5)), Duration::ZERO);
    }
}
