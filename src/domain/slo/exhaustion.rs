//! When the budget is gone: linearly, and letting old errors leave the window.

use std::time::Duration;

use super::RollingExhaustion;

/// Longer than this is no forecast.
const HORIZON: f64 = 100.0 * 365.0 * 86_400.0;

/// T = B × P / r, only where budget is left and the burn is above 1.
pub fn linear_exhaustion(remaining: f64, period: Duration, burn: f64) -> Option<Duration> {
    if !(remaining > 0.0 && burn > 1.0 && burn.is_finite()) {
        return None;
    }
    seconds(remaining * period.as_secs_f64() / burn)
}

/// The smallest t with B + rolloff(t) − r·t/P ≤ 0, where rolloff(t) is the budget given back by errors that
/// leave the window within t.
///
/// `history` holds (age of a step's end, errors in it in any unit), oldest first; the spent budget 1 − B is
/// spread over it by weight, evenly within a step. `None` without a history, or with nothing left to exhaust.
/// [`RollingExhaustion::Never`] where within one whole period the balance does not reach zero: from there on
/// the window holds only what the present burn puts in.
pub fn rolling_exhaustion(
    remaining: f64,
    period: Duration,
    burn: f64,
    history: &[(Duration, f64)],
) -> Option<RollingExhaustion> {
    if history.is_empty() || remaining <= 0.0 || !remaining.is_finite() || !burn.is_finite() {
        return None;
    }
    let whole = period.as_secs_f64();
    let spend = burn.max(0.0) / whole;
    let weight: f64 = history.iter().map(|(_, w)| w).sum();
    let per_weight = if weight > 0.0 {
        (1.0 - remaining).max(0.0) / weight
    } else {
        0.0
    };
    let mut balance = remaining;
    let mut at = 0.0;
    for (age, errors) in history {
        // The step's errors leave evenly until its end leaves.
        let leaves = (whole - age.as_secs_f64()).clamp(0.0, whole);
        let span = leaves - at;
        let back = errors * per_weight;
        if span <= 0.0 {
            balance += back;
            continue;
        }
        let slope = back / span - spend;
        if balance + slope * span <= 0.0 {
            return seconds(at + balance / -slope).map(RollingExhaustion::In);
        }
        balance += slope * span;
        at = leaves;
    }
    if spend > 0.0 && at + balance / spend <= whole {
        return seconds(at + balance / spend).map(RollingExhaustion::In);
    }
    Some(RollingExhaustion::Never)
}

fn seconds(t: f64) -> Option<Duration> {
    (t.is_finite() && (0.0..HORIZON).contains(&t)).then(|| Duration::from_secs_f64(t))
}
