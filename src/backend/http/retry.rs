//! When a failed call is asked again by itself, and after how long.
//!
//! Only what is safe to repeat, only what may pass, at most [`TRIES`] times, with full jitter
//! (`random(0, base × 2ⁿ)`, as in Amazon's "Exponential backoff and jitter"), so that consoles that lost a
//! server together do not come back together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Repeat;
use crate::backend::{BackendError, Delivery, ErrorKind};

/// Attempts at most, the first included.
pub(super) const TRIES: u32 = 3;

/// A longer `Retry-After` than this is not slept through here: it is passed up, and the feed says
/// `retry in 40 s`.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A `Retry-After` beyond this is a mistake of the server: a day is long enough to be left alone.
const LONGEST_KEPT: Duration = Duration::from_secs(86_400);

/// How backoff grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff {
    /// Bound of the first wait; doubles from there.
    pub(super) base: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(250),
        }
    }
}

impl Backoff {
    /// How long to wait before attempt `next` (2, 3, …), `jitter` in [0, 1); `None` = give up and say so.
    pub(super) fn before(
        self,
        next: u32,
        repeat: Repeat,
        error: &BackendError,
        jitter: f64,
    ) -> Option<Duration> {
        if next > TRIES || repeat == Repeat::Never || !may_pass(error) {
            return None;
        }
        match error.retry_after {
            Some(asked) if asked > LONGEST_WAIT => None,
            // Never sooner than asked; a little later, so that not all come at once.
            Some(asked) => Some(asked + self.base.mul_f64(jitter)),
            None => Some((self.base * 2_u32.saturating_pow(next.saturating_sub(2))).mul_f64(jitter)),
        }
    }
}

/// Whether asking again within the second may help. A call that ran into its time limit is not repeated: the
/// server is still working on the first one, and the next poll is soon enough.
fn may_pass(error: &BackendError) -> bool {
    match error.kind {
        ErrorKind::RateLimited | ErrorKind::Unreachable => true,
        ErrorKind::ServerFault => matches!(error.status, Some(429 | 502 | 503 | 504)),
        // A broken answer is a broken connection; one that arrived whole will not read better next time.
        ErrorKind::BadAnswer => error.delivery == Delivery::Unknown,
        ErrorKind::Tls
        | ErrorKind::TimedOut
        | ErrorKind::NotSignedIn
        | ErrorKind::Rejected
        | ErrorKind::TooLarge
        | ErrorKind::Credentials
        | ErrorKind::Cancelled => false,
    }
}

/// Random numbers in [0, 1) for spreading; nothing depends on their quality.
#[derive(Debug, Clone)]
pub(crate) struct Jitter(u64);

impl Jitter {
    /// Seeded by the process's own randomness.
    pub(crate) fn random() -> Self {
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    /// Seeded by a run's own number (`Clock::seed`) and by what it is for, so that each spreads by itself and a
    /// replay spreads alike.
    pub(crate) fn seeded(seed: u64, what: &str) -> Self {
        // FNV-1a, 64 bits; then the seed, mixed by an odd multiplier, since names are short and alike.
        let hash = what.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self((hash ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> f64 {
        // xorshift64*, Vigna 2014.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or an HTTP date, which is measured against `now`.
pub(super) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_KEPT));
    }
    let at = http_date(value)?;
    Some((at - now).to_std().unwrap_or(Duration::ZERO).min(LONGEST_KEPT))
}

/// Reads an HTTP date (IMF-fixdate).
pub(super) fn http_date(value: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(value.trim())
        .ok()
        .map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, status: Option<u16>, retry_after: Option<u64>) -> BackendError {
        BackendError {
            kind,
            backend: "metrics".into(),
            tried: String::new(),
            detail: String::new(),
            mend: String::new(),
            status,
            retry_after: retry_after.map(Duration::from_secs),
            delivery: Delivery::Answered,
        }
    }

    #[test]
    fn waits_double_and_end_after_three_tries() {
        let backoff = Backoff::default();
        let sick = error(ErrorKind::ServerFault, Some(502), None);
        assert_eq!(
            backoff.before(2, Repeat::Safe, &sick, 0.5),
            Some(Duration::from_millis(125))
        );
        assert_eq!(
            backoff.before(3, Repeat::Safe, &sick, 0.5),
            Some(Duration::from_millis(250))
        );
        assert_eq!(backoff.before(4, Repeat::Safe, &sick, 0.5), None);
    }

    #[test]
    fn a_write_is_never_repeated() {
        let sick = error(ErrorKind::ServerFault, Some(503), None);
        assert_eq!(Backoff::default().before(2, Repeat::Never, &sick, 0.0), None);
    }

    #[test]
    fn what_will_not_pass_is_not_repeated() {
        for (kind, status) in [
            (ErrorKind::ServerFault, Some(500)),
            (ErrorKind::Rejected, Some(400)),
            (ErrorKind::NotSignedIn, Some(401)),
            (ErrorKind::TimedOut, None),
            (ErrorKind::BadAnswer, Some(200)),
            (ErrorKind::TooLarge, None),
        ] {
            assert_eq!(
                Backoff::default().before(2, Repeat::Safe, &error(kind, status, None), 0.0),
                None
            );
        }
    }

    #[test]
    fn a_short_retry_after_is_waited_for_and_a_long_one_passed_up() {
        let backoff = Backoff::default();
        let short = error(ErrorKind::RateLimited, Some(429), Some(2));
        assert!(backoff.before(2, Repeat::Safe, &short, 0.9) >= Some(Duration::from_secs(2)));
        let long = error(ErrorKind::RateLimited, Some(429), Some(60));
        assert_eq!(backoff.before(2, Repeat::Safe, &long, 0.0), None);
    }

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let now = http_date("Fri, 20 Nov 2026 03:14:07 GMT").expect("a date");
        assert_eq!(retry_after("10", now), Some(Duration::from_secs(10)));
        assert_eq!(
            retry_after("Fri, 20 Nov 2026 03:14:37 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            retry_after("Fri, 20 Nov 2026 03:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }

    #[test]
    fn jitter_is_the_same_for_one_seed_and_name_and_differs_between_names() {
        let drawn = |seed: u64, what: &str| Jitter::seeded(seed, what).next();
        assert!((drawn(7, "logs") - drawn(7, "logs")).abs() < f64::EPSILON);
        assert!((drawn(7, "logs") - drawn(7, "traces")).abs() > f64::EPSILON);
        assert!((drawn(7, "logs") - drawn(8, "logs")).abs() > f64::EPSILON);
    }

    #[test]
    fn jitter_stays_below_one_and_moves() {
        let mut jitter = Jitter::random();
        let numbers: Vec<f64> = (0..1_000).map(|_| jitter.next()).collect();
        assert!(numbers.iter().all(|n| (0.0..1.0).contains(n)));
        let mean = numbers.iter().sum::<f64>() / 1_000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }
}
