//! How long a poller waits: its interval with jitter, growing while it fails, never giving up.

use std::time::Duration;

/// The longest wait while failing, unless the server asks for more.
const LONGEST: Duration = Duration::from_secs(120);

/// The wait before the next attempt. `failures` in a row so far; `jitter` in [0, 1).
pub fn wait(interval: Duration, failures: u32, retry_after: Option<Duration>, jitter: f64) -> Duration {
    let backoff = match failures {
        0 => interval,
        n => interval
            .saturating_mul(2_u32.saturating_pow((n - 1).min(16)))
            .min(LONGEST.max(interval)),
    };
    // ±5 %, so that many consoles on one server drift apart.
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
    fn a_healthy_source_is_asked_every_interval_give_or_take_a_twentieth() {
        assert_eq!(wait(S(20), 0, None, 0.0), S(19));
        assert_eq!(wait(S(20), 0, None, 0.5), S(20));
    }

    #[test]
    fn a_failing_source_is_asked_less_often_up_to_two_minutes() {
        let waits: Vec<u64> = (1..=6).map(|n| wait(S(15), n, None, 0.5).as_secs()).collect();
        assert_eq!(waits, [15, 30, 60, 120, 120, 120]);
        assert_eq!(
            wait(S(600), 9, None, 0.5),
            S(600),
            "never more often than when healthy"
        );
    }

    #[test]
    fn a_server_that_asks_to_be_left_alone_is() {
        assert_eq!(wait(S(15), 1, Some(S(300)), 0.5), S(300));
    }
}
