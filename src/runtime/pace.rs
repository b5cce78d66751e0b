//! How long a poller waits: until the next beat of its interval; while it fails, with jitter, ever longer, never giving up.

use std::time::Duration;

use crate::time::Tick;

/// The longest wait while failing, unless the server asks for more.
const LONGEST: Duration = Duration::from_secs(120);

/// The wait after an answer: all that is asked at one interval is asked at one moment ([`Tick::next_beat`]). Many consoles
/// on one server are apart by when they were opened.
pub fn wait(now: Tick, interval: Duration) -> Duration {
    now.next_beat(interval).since(now)
}

/// The wait before the next attempt after `failures` in a row; `jitter` in [0, 1).
pub fn wait_after_failure(
    interval: Duration,
    failures: u32,
    retry_after: Option<Duration>,
    jitter: f64,
) -> Duration {
    let backoff = interval
        .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)))
        .min(LONGEST.max(interval));
    // ±5 %, so that many consoles that lost one server at one moment drift apart.
    let spread = backoff.mul_f64(0.95 + jitter.clamp(0.0, 1.0) * 0.1);
    spread.max(retry_after.unwrap_or_default())
}

/// How long after a failure nobody may ask out of turn: as long as the server asked for, else a breath, so that
/// a held key does not hammer a server that is down.
pub fn deaf(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or(Duration::from_secs(1))
}

/// How long after an answer nobody may ask out of turn, where the source is to be asked `no_sooner` than that:
/// an act that wants to be seen is, a held key uses up nothing.
pub fn deaf_when_scarce(no_sooner: Duration) -> Duration {
    no_sooner / 6
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn healthy_sources_of_one_interval_are_asked_at_one_moment_whenever_they_answered() {
        let next = |answered: u64| Tick::from_secs(answered) + wait(Tick::from_secs(answered), S(20));
        assert_eq!(
            (next(40), next(41), next(50)),
            (Tick::from_secs(60), Tick::from_secs(60), Tick::from_secs(60))
        );
        assert_eq!(
            next(51),
            Tick::from_secs(80),
            "not twice within half of the interval"
        );
    }

    #[test]
    fn a_failing_source_is_asked_less_often_up_to_two_minutes() {
        let waits: Vec<u64> = (1..=6)
            .map(|n| wait_after_failure(S(15), n, None, 0.5).as_secs())
            .collect();
        assert_eq!(waits, [15, 30, 60, 120, 120, 120]);
        assert_eq!(
            wait_after_failure(S(600), 9, None, 0.5),
            S(600),
            "never more often than when healthy"
        );
    }

    #[test]
    fn a_server_that_asks_to_be_left_alone_is() {
        assert_eq!(wait_after_failure(S(15), 1, Some(S(300)), 0.5), S(300));
    }
}
