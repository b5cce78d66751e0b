//! The error budget: how much is left, what that is called, and what the team does about it.

use std::time::Duration;

use super::exhaustion::{linear_exhaustion, rolling_exhaustion};
use super::{Budget, BudgetStatus, Policy, Reading, Readings, Slo};

/// Healthy above 25 % left, warning at 25 %, critical at 10 %, breached at nothing.
pub fn status_for(remaining: f64) -> BudgetStatus {
    if remaining > 0.25 {
        BudgetStatus::Healthy
    } else if remaining > 0.10 {
        BudgetStatus::Warning
    } else if remaining > 0.0 {
        BudgetStatus::Critical
    } else {
        BudgetStatus::Breached
    }
}

/// Above 50 % normal; 20 to 50 % slow down; below 20 % freeze; nothing left: incident.
pub fn policy_for(remaining: f64) -> Policy {
    if remaining > 0.5 {
        Policy::Normal
    } else if remaining >= 0.2 {
        Policy::SlowDown
    } else if remaining > 0.0 {
        Policy::Freeze
    } else {
        Policy::Incident
    }
}

/// The budget, where the period was measured. `hourly` is the burn over one hour.
pub(super) fn budget(
    slo: &Slo,
    readings: &Readings,
    hourly: Option<f64>,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<Budget> {
    let period = readings.windows.get(slo.period.name())?;
    let (error_ratio, events) = match &period.reading {
        Reading::Ratio { error_ratio, events } => (*error_ratio, *events),
        Reading::NoTraffic | Reading::NoData | Reading::Error(_) | Reading::Pending => return None,
    };
    let fraction = slo.objective.budget();
    let remaining = 1.0 - error_ratio / fraction;
    if !remaining.is_finite() {
        return None;
    }
    let length = slo.period.length();
    Some(Budget {
        remaining,
        status: status_for(remaining),
        policy: policy_for(remaining),
        remaining_minutes: fraction * length.as_secs_f64() / 60.0 * remaining,
        events_left: events
            .map(|total| fraction * total - error_ratio * total)
            .filter(|left| left.is_finite()),
        exhausts_in: hourly.and_then(|burn| linear_exhaustion(remaining, length, burn)),
        exhausts_rolling: hourly
            .and_then(|burn| rolling_exhaustion(remaining, length, burn, &history(slo, readings, now))),
    })
}

/// Errors in each step of the period's history as (age of the step's end, weight), oldest first.
fn history(slo: &Slo, readings: &Readings, now: chrono::DateTime<chrono::Utc>) -> Vec<(Duration, f64)> {
    let period = slo.period.length();
    readings
        .history
        .iter()
        .enumerate()
        .filter_map(|(i, (at, error_ratio))| {
            let age = (now - *at).to_std().unwrap_or(Duration::ZERO);
            let events = readings.history_events.get(i).copied().unwrap_or(1.0);
            let weight = error_ratio * events;
            (age <= period).then_some((age, if weight.is_finite() { weight.max(0.0) } else { 0.0 }))
        })
        .collect()
}
