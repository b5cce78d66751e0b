//! What a span of the past cost: each SLO asked once, over a window as long as the span and ending with it.
//!
//! Recorded SLOs have only the windows that were recorded; where none is as long as the span, that is said.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Metrics;
use super::plan::{self, Part, Values};
use crate::backend::{BackendError, BackendFailure};
use crate::domain::slo::{Reading, Slo, Spent, Window};

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

async fn reading(
    metrics: &dyn Metrics,
    slo: &Slo,
    window: &Window,
    at: DateTime<Utc>,
) -> Result<Reading, BackendError> {
    let sli = plan::lifted(&slo.sli);
    let mut le = None;
    if let (Some(bounds), crate::domain::slo::Sli::Latency { threshold, .. }) =
        (plan::bounds_branch(slo), &slo.sli)
    {
        let query = plan::union([std::slice::from_ref(&bounds)]);
        let samples = metrics.instant(query, Some(at), None).await?.value;
        let bounds: Vec<String> = samples
            .iter()
            .map(|sample| sample.labels.value("le").to_owned())
            .collect();
        match plan::bucket(*threshold, &bounds) {
            None => return Ok(Reading::NoData),
            Some(Err(why)) => return Ok(Reading::Error(why.into())),
            Some(Ok(matcher)) => le = Some(matcher),
        }
    }
    let branches = plan::branches(&sli, window, le.as_deref());
    if branches.is_empty() {
        return Ok(Reading::Error(
            format!("not recorded over {}", window.name()).into(),
        ));
    }
    let query = plan::union([branches.as_slice()]);
    let answered = metrics.instant(query, Some(at), None).await?;
    let mut values = Values::default();
    for sample in &answered.value {
        if let Some((_, part)) = plan::owner(sample.labels.value(plan::TAG))
            && part != Part::Bounds
        {
            values.push(part, sample.value);
        }
    }
    Ok(plan::reading(slo, window.length(), &values))
}
