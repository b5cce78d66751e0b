//! What a span of the past cost: each SLO asked once, over a window as long as the span and ending with it.
//!
//! Recorded SLOs have only the windows that were recorded; where none is as long as the span, that is said.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Metrics;
use super::plan::{self, Branch, Part, Values};
use crate::backend::{BackendError, BackendFailure};
use crate::domain::alert::Labels;
use crate::domain::slo::{Reading, Sli, Slo, Spent, Window};

/// Asks what these SLOs spent from `from` to `to`, one after the other; who failed is said once.
pub async fn spent(
    metrics: &dyn Metrics,
    slos: &[Slo],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> (Vec<Spent>, Option<BackendFailure>) {
    // Prometheus takes no window of nothing
    let span = (to - from)
        .to_std()
        .unwrap_or_default()
        .max(Duration::from_secs(60));
    let span = Duration::from_secs(span.as_secs());
    let window = Window::of(span);
    let mut all = Vec::with_capacity(slos.len());
    let mut failure: Option<BackendFailure> = None;
    for slo in slos {
        let reading = match &failure {
            // a server that does not answer is not asked fifty times
            Some(failed) => Reading::Error(failed.message.as_str().into()),
            None => match reading(metrics, slo, &window, to).await {
                Ok(reading) => reading,
                Err(error) => {
                    let why = error.cause();
                    if error.is_passing() {
                        failure = Some(error.failure());
                    }
                    Reading::Error(why.into())
                }
            },
        };
        all.push(Spent::of(slo, span, &reading, None));
    }
    (all, failure)
}

/// Points of a range answer that a peak is looked for among, at most about.
const POINTS: u64 = 500;
/// The window of a peak where an SLO has no rule.
const SHORT: Duration = Duration::from_secs(300);

/// The same for what is written up: each with the highest burn over its SLO's shortest window within the span too.
/// Where the server has failed, none has one.
pub async fn spent_with_peaks(
    metrics: &dyn Metrics,
    slos: &[Slo],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> (Vec<Spent>, Option<BackendFailure>) {
    let (mut all, mut failure) = spent(metrics, slos, from, to).await;
    for (slo, spent) in slos.iter().zip(&mut all) {
        if failure.is_some() {
            break;
        }
        let window = short_window(slo);
        match highest(metrics, slo, &window, (to - spent.span, to)).await {
            Ok(highest) => *spent = spent.clone().with_peak(highest, window.length()),
            Err(error) if error.is_passing() => failure = Some(error.failure()),
            // the mean stands, and the peak as not measured
            Err(_) => {}
        }
    }
    (all, failure)
}

/// The shortest window that its rules look at.
fn short_window(slo: &Slo) -> Window {
    let windows = slo.rules.iter().map(|rule| &rule.short);
    windows.min().cloned().unwrap_or_else(|| Window::of(SHORT))
}

/// The highest burn that windows within the span have; none where no window fits into it or none was measured.
async fn highest(
    metrics: &dyn Metrics,
    slo: &Slo,
    window: &Window,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<f64>, BackendError> {
    let first = from + window.length();
    let Ok(rest) = (to - first).to_std() else {
        return Ok(None);
    };
    let Ok(branches) = asked(metrics, slo, window, to).await? else {
        return Ok(None);
    };
    let step = Duration::from_secs((rest.as_secs() / POINTS).max(15));
    let query = plan::union([branches.as_slice()]);
    let answered = metrics.range(query, first, to, step).await?;
    let mut by_time: BTreeMap<i64, Values> = BTreeMap::new();
    for series in &answered.value {
        let Some(part) = part(&series.labels) else {
            continue;
        };
        for &(at, value) in &series.points {
            // milliseconds are what the API counts in
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a time in milliseconds fits by far"
            )]
            by_time
                .entry((at * 1_000.0) as i64)
                .or_default()
                .push(part, value);
        }
    }
    let burns = by_time
        .values()
        .filter_map(|values| match plan::reading(slo, window.length(), values) {
            Reading::Ratio { error_ratio, .. } => Some(error_ratio / slo.objective.budget()),
            Reading::NoTraffic => Some(0.0),
            Reading::NoData | Reading::Error(_) | Reading::Pending => None,
        });
    Ok(burns.reduce(f64::max))
}

/// What stands for one window of an SLO, or why nothing does.
async fn asked(
    metrics: &dyn Metrics,
    slo: &Slo,
    window: &Window,
    at: DateTime<Utc>,
) -> Result<Result<Vec<Branch>, Reading>, BackendError> {
    let sli = plan::lifted(&slo.sli);
    let mut le = None;
    if let (Some(bounds), Sli::Latency { threshold, .. }) = (plan::bounds_branch(slo), &slo.sli) {
        let query = plan::union([std::slice::from_ref(&bounds)]);
        let samples = metrics.instant(query, Some(at), None).await?.value;
        let bounds: Vec<String> = samples
            .iter()
            .map(|sample| sample.labels.value("le").to_owned())
            .collect();
        match plan::bucket(*threshold, &bounds) {
            None => return Ok(Err(Reading::NoData)),
            Some(Err(why)) => return Ok(Err(Reading::Error(why.into()))),
            Some(Ok(matcher)) => le = Some(matcher),
        }
    }
    let branches = plan::branches(&sli, window, le.as_deref());
    if branches.is_empty() {
        let why = format!("not recorded over {}", window.name());
        return Ok(Err(Reading::Error(why.into())));
    }
    Ok(Ok(branches))
}

async fn reading(
    metrics: &dyn Metrics,
    slo: &Slo,
    window: &Window,
    at: DateTime<Utc>,
) -> Result<Reading, BackendError> {
    let branches = match asked(metrics, slo, window, at).await? {
        Ok(branches) => branches,
        Err(reading) => return Ok(reading),
    };
    let query = plan::union([branches.as_slice()]);
    let answered = metrics.instant(query, Some(at), None).await?;
    let mut values = Values::default();
    for sample in &answered.value {
        if let Some(part) = part(&sample.labels) {
            values.push(part, sample.value);
        }
    }
    Ok(plan::reading(slo, window.length(), &values))
}

/// What a series of an answer stands for.
fn part(labels: &Labels) -> Option<Part> {
    let (_, part) = plan::owner(labels.value(plan::TAG))?;
    (part != Part::Bounds).then_some(part)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use futures::executor::block_on;

    use super::super::engine::tests::{Fake, slo};
    use super::*;

    /// Mean and peak of twenty minutes, as a server tells them that has these error ratios.
    fn measured(value: fn(&str) -> f64) -> (f64, f64, Duration) {
        let server = Fake::valued(value);
        let to = DateTime::UNIX_EPOCH + TimeDelta::days(9_000);
        let from = to - TimeDelta::minutes(20);
        let (all, failure) = block_on(spent_with_peaks(&server, &[slo("a")], from, to));
        assert_eq!(failure, None);
        // The first window begins where the span does, and none before.
        let first = from + TimeDelta::minutes(5);
        let step = Duration::from_secs(15);
        assert_eq!(*server.ranges.lock().unwrap(), [(first, to, step)]);
        let peak = all[0].peak.expect("measured");
        let round = |burn: f64| burn.round();
        (round(all[0].burn.expect("measured")), round(peak.burn), peak.over)
    }

    #[test]
    fn a_peak_is_the_highest_short_window_within_the_span_and_never_below_the_mean() {
        let five = Duration::from_secs(300);
        let short_is_worse = |branch: &str| match (branch.contains("err"), branch.contains("[5m]")) {
            (true, true) => 0.05,
            (true, false) => 0.02,
            (false, _) => 1.0,
        };
        assert_eq!(measured(short_is_worse), (20.0, 50.0, five));
        let mean_is_worse = |branch: &str| match (branch.contains("err"), branch.contains("[5m]")) {
            (true, true) => 0.01,
            (true, false) => 0.02,
            (false, _) => 1.0,
        };
        assert_eq!(measured(mean_is_worse), (20.0, 20.0, five));
    }
}
