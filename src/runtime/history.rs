//! What Prometheus remembers of alerts: when one fired during the last day, and what a silence would have hidden.
//!
//! Both read the `ALERTS` series that Prometheus writes for its own alerting rules (source: Prometheus
//! documentation, "Inspecting alerts during runtime"). External labels are not on it, so a series belongs to an
//! alert where every label of the series is on the alert.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::backend::metrics::Metrics;
use crate::domain::alert::matcher::Matchers;
use crate::domain::alert::{Labels, Matcher};
use crate::text::SafeText;
use crate::time::Now;

/// How far back a silence's preview looks.
pub const PREVIEW: Duration = Duration::from_secs(6 * 3_600);
/// How far back an alert's history looks.
const HISTORY: TimeDelta = TimeDelta::hours(24);
/// Resolution of an alert's history.
const STEP: Duration = crate::app::panes::FIRINGS_STEP;

/// Alert names with how many label sets fired within the last hours and match.
pub(super) async fn would_have_hidden(
    metrics: Option<Arc<dyn Metrics>>,
    matchers: &[Matcher],
    now: Now,
) -> Result<Vec<(Arc<str>, usize)>, String> {
    let metrics = metrics.ok_or("no metrics backend is configured")?;
    let matchers = Matchers::compile(matchers).map_err(|error| error.to_string())?;
    let query = format!(
        "max_over_time(ALERTS{{alertstate=\"firing\"}}[{}])",
        crate::time::prometheus_duration(PREVIEW)
    );
    let answer = metrics
        .instant(query, Some(now.utc), None)
        .await
        .map_err(|error| error.to_string())?;
    let mut names: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for sample in &answer.value {
        if matchers.is_match(&own_labels(&sample.labels)) {
            *names.entry(sample.labels.value("alertname").into()).or_default() += 1;
        }
    }
    Ok(names.into_iter().collect())
}

/// From–to of each firing within the last day, oldest first, to five minutes.
pub(super) async fn firings(
    metrics: Option<Arc<dyn Metrics>>,
    labels: &Labels,
    now: Now,
) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>, String> {
    let metrics = metrics.ok_or("no metrics backend is configured")?;
    let name = crate::domain::alert::matcher::quoted(labels.value("alertname"));
    let query = format!("ALERTS{{alertname={name},alertstate=\"firing\"}}");
    let answer = metrics
        .range(query, now.utc - HISTORY, now.utc, STEP)
        .await
        .map_err(|error| SafeText::line(&error.to_string()).into_string())?;
    let mut moments: Vec<i64> = answer
        .value
        .iter()
        .filter(|series| {
            own_labels(&series.labels)
                .iter()
                .all(|(name, value)| labels.get(name) == Some(value))
        })
        .flat_map(|series| series.points.iter().map(|(at, _)| *at as i64))
        .collect();
    moments.sort_unstable();
    moments.dedup();
    Ok(stretches(&moments))
}

/// Without what Prometheus adds to the alert's own labels.
fn own_labels(labels: &Labels) -> Labels {
    labels
        .iter()
        .filter(|(name, _)| !matches!(*name, "__name__" | "alertstate"))
        .collect()
}

/// Joins moments that are at most a step and a half apart.
fn stretches(moments: &[i64]) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let gap = i64::try_from(STEP.as_secs() * 3 / 2).unwrap_or(i64::MAX);
    let mut out: Vec<(i64, i64)> = Vec::new();
    for &at in moments {
        match out.last_mut() {
            Some((_, to)) if at - *to <= gap => *to = at,
            _ => out.push((at, at)),
        }
    }
    let time = |seconds| DateTime::from_timestamp(seconds, 0);
    out.into_iter()
        .filter_map(|(from, to)| Some((time(from)?, time(to)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_a_step_apart_are_one_firing() {
        let joined = stretches(&[0, 300, 600, 3_000, 3_300]);
        let seconds: Vec<(i64, i64)> = joined
            .iter()
            .map(|(a, b)| (a.timestamp(), b.timestamp()))
            .collect();
        assert_eq!(seconds, [(0, 600), (3_000, 3_300)]);
    }
}
