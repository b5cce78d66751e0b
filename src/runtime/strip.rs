//! What the strip asks of the log and the trace backend: one count, and one search with a limit.

use crate::app::strip::Failures;
use crate::backend::logs::Logs;
use crate::backend::traces::{More, SearchQuestion, Traces};
use crate::domain::log::{self, Nanos, Volume};
use crate::domain::trace::summary::Whole;
use crate::domain::trace::{self, Stretch};
use crate::text::SafeText;

/// Stretches that lines are counted in: finer than any strip is wide.
const BUCKETS: usize = 240;
/// Failed traces that are listed at most: before the oldest of them nothing is known.
const MOST: usize = 200;

/// Lines by level over a stretch of time; nothing where the source would count those of another environment too.
pub(super) async fn lines(
    source: &dyn Logs,
    wanted: log::Wanted,
    during: Stretch,
) -> Result<Option<Volume>, String> {
    if !wanted.environment.is_empty() && !source.heeds_environment() {
        return Ok(None);
    }
    let answer = source.volume(wanted, during.from, during.to, BUCKETS).await;
    answer.map_err(|error| SafeText::line(&error.cause()).into_string())
}

/// When failed traces began in a stretch of time: the newest, where there are more than fit.
pub(super) async fn failures(
    source: &dyn Traces,
    wanted: trace::Wanted,
    during: Stretch,
) -> Result<Failures, String> {
    let question = SearchQuestion {
        wanted,
        during,
        limit: MOST,
    };
    let listed = source.search(question).await;
    let listed = listed.map_err(|error| SafeText::line(&error.cause()).into_string())?;
    let all = listed.more == More::No && listed.whole == Whole::Yes;
    let oldest = listed.traces.iter().map(|trace| trace.start).min();
    let from: Nanos = if all {
        during.from
    } else {
        oldest.unwrap_or(during.to).max(during.from)
    };
    Ok(Failures {
        at: listed.traces.iter().map(|trace| trace.start.utc()).collect(),
        from: from.utc(),
        to: during.to.utc(),
    })
}
