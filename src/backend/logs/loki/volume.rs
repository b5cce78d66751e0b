//! Lines by time and level: `sum by (detected_level) (count_over_time(… [step]))`.

use std::time::Duration;

use super::{Loki, QUERY_RANGE, wire};
use crate::backend::http::Call;
use crate::backend::logs::Volume;
use crate::backend::{BackendResult, ErrorKind};
use crate::domain::log::{Level, Nanos, Wanted};

/// Buckets at most, whatever is wished: the server refuses more than 11,000 points.
const BUCKETS: usize = 2_000;
const SECOND: i64 = 1_000_000_000;

impl Loki {
    /// Counts; `None` where the server cannot (a trace stands in two places, a stage of the query fails for a line).
    pub(super) async fn count(
        &self,
        wanted: Wanted,
        from: Nanos,
        to: Nanos,
        buckets: usize,
    ) -> BackendResult<Option<Volume>> {
        let queries = self.queries(&wanted).await?;
        let [query] = &queries[..] else {
            return Ok(None);
        };
        let span = to.0.saturating_sub(from.0);
        if span <= 0 {
            return Ok(None);
        }
        let buckets = i64::try_from(buckets.clamp(1, BUCKETS)).unwrap_or(1);
        // Whole seconds on whole steps, as the server aligns them by itself.
        let step = (span / buckets).max(1).div_ceil_by(SECOND) * SECOND;
        let begin = from.0.div_euclid(step).saturating_mul(step);
        let end = to.0.div_ceil_by(step).saturating_mul(step);
        let seconds = step / SECOND;
        let asked = format!(
            "sum by (detected_level) (count_over_time({} [{seconds}s]))",
            query.text()
        );
        let call = Call::get(QUERY_RANGE)
            .param("query", asked)
            // A point counts the step that ends there.
            .param("start", begin.saturating_add(step).to_string())
            .param("end", end.to_string())
            .param("step", format!("{seconds}s"));
        let answer = match self.ask(call).await {
            Ok(answer) => answer,
            Err(error) if error.kind == ErrorKind::Rejected && error.detail.contains("pipeline error") => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let series = wire::series(&answer.body)
            .map_err(|why| self.error(ErrorKind::BadAnswer, &format!("the counts do not read: {why}")))?;
        let count = usize::try_from((end - begin) / step).unwrap_or_default();
        let mut buckets = vec![[0_u64; Level::ALL.len()]; count];
        for each in series {
            for (at, value) in each.points {
                let ends = Nanos::of_seconds(at).0;
                let index = usize::try_from((ends - begin) / step - 1).ok();
                let bucket = index.and_then(|index| buckets.get_mut(index));
                if let Some(slot) = bucket.and_then(|bucket| bucket.get_mut(each.level as usize)) {
                    *slot += value as u64;
                }
            }
        }
        Ok(Some(Volume {
            from: Some(Nanos(begin)),
            step,
            buckets,
        }))
    }
}

/// Division that rounds up.
trait DivCeil {
    fn div_ceil_by(self, by: Self) -> Self;
}

impl DivCeil for i64 {
    fn div_ceil_by(self, by: Self) -> Self {
        self.div_euclid(by) + Self::from(self.rem_euclid(by) > 0)
    }
}

impl Nanos {
    /// Of (possibly fractional) seconds since the epoch.
    fn of_seconds(seconds: f64) -> Self {
        let whole = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
        Self(0).plus(whole)
    }
}
