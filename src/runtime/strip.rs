//! What the strip asks of the log and the trace backend: one count, and searches with a limit.

use std::collections::HashSet;

use futures::StreamExt as _;

use crate::app::strip::Failures;
use crate::backend::logs::Logs;
use crate::backend::traces::{Listed, More, SearchQuestion, Traces};
use crate::backend::{BackendError, BackendResult};
use crate::domain::log::{self, Nanos, Volume};
use crate::domain::trace::summary::Whole;
use crate::domain::trace::{self, Stretch, TraceId};
use crate::text::SafeText;

/// Stretches that lines are counted in: finer than any strip is wide.
const BUCKETS: usize = 240;
/// Failed traces that are listed at most: before the oldest of them nothing is known.
const MOST: usize = 200;
/// Where more failed, the axis is searched in so many parts: the newest of each are known, not those of its end alone.
const PARTS: i64 = 12;
/// Failed traces of a part that are listed at most.
const MOST_OF_PART: usize = 50;
/// Parts that are searched at once.
const AT_ONCE: usize = 3;

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
    answer.map_err(|error| said(&error))
}

/// When failed traces began in a stretch of time: the newest, where there are more than fit, of each of its parts.
pub(super) async fn failures(
    source: &dyn Traces,
    wanted: trace::Wanted,
    during: Stretch,
) -> Result<Failures, String> {
    let whole = searched(source, wanted.clone(), (during, MOST)).await;
    let (_, first) = whole.map_err(|error| said(&error))?;
    let is_cut = first.more == More::Yes;
    let mut all = vec![(during, first)];
    if is_cut {
        let searches = parts(during)
            .into_iter()
            .map(|part| searched(source, wanted.clone(), (part, MOST_OF_PART)));
        let mut answers = futures::stream::iter(searches).buffered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            // Of a part that is not answered nothing is known.
            all.extend(answer.ok());
        }
    }
    Ok(joined(all))
}

async fn searched(
    source: &dyn Traces,
    wanted: trace::Wanted,
    (during, limit): (Stretch, usize),
) -> BackendResult<(Stretch, Listed)> {
    let question = SearchQuestion {
        wanted,
        during,
        limit,
    };
    Ok((during, source.search(question).await?))
}

/// Equal parts, the oldest first.
fn parts(during: Stretch) -> Vec<Stretch> {
    let length = during.to.0.saturating_sub(during.from.0) / PARTS;
    let begin = |part: i64| Nanos(during.from.0.saturating_add(length.saturating_mul(part)));
    let part = |part| Stretch {
        from: begin(part),
        to: if part + 1 == PARTS {
            during.to
        } else {
            begin(part + 1)
        },
    };
    (0..PARTS).map(part).collect()
}

/// Each trace once, and the stretches of which all are known.
fn joined(all: Vec<(Stretch, Listed)>) -> Failures {
    let mut seen: HashSet<TraceId> = HashSet::new();
    let mut failures = Failures::default();
    for (during, listed) in all {
        let is_all = listed.more == More::No && listed.whole == Whole::Yes;
        let oldest = listed.traces.iter().map(|trace| trace.start).min();
        let from = match oldest {
            _ if is_all => during.from,
            Some(oldest) => oldest.max(during.from),
            None => during.to,
        };
        failures.known.push((from.utc(), during.to.utc()));
        let fresh = listed.traces.iter().filter(|trace| seen.insert(trace.id));
        failures.at.extend(fresh.map(|trace| trace.start.utc()));
    }
    failures
}

fn said(error: &BackendError) -> String {
    SafeText::line(&error.cause()).into_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::trace::Summary;
    use crate::domain::trace::summary::Lasted;

    fn listed(starts: &[i64], more: More) -> Listed {
        let trace = |start: &i64| Summary {
            id: TraceId(u128::try_from(*start).unwrap_or_default().to_be_bytes()),
            service: None,
            operation: None,
            start: Nanos(*start),
            duration: Duration::from_millis(1),
            lasted: Lasted::Root,
            spans: None,
            errors: Some(1),
            orphans: None,
            services: Vec::new(),
            whole: Whole::Yes,
        };
        Listed {
            traces: starts.iter().map(trace).collect(),
            more,
            whole: Whole::Yes,
            ..Listed::default()
        }
    }

    #[test]
    fn parts_cover_the_axis_and_a_list_that_was_cut_is_known_from_its_oldest_on() {
        let during = Stretch {
            from: Nanos(0),
            to: Nanos(125),
        };
        let parts = parts(during);
        assert_eq!(
            (parts.len(), parts[0].from, parts[11].to),
            (12, Nanos(0), Nanos(125))
        );
        assert!(parts.windows(2).all(|two| two[0].to == two[1].from));
        let failures = joined(vec![
            (during, listed(&[120, 110], More::Yes)),
            (parts[0], listed(&[4], More::No)),
            (parts[11], listed(&[120, 110], More::Yes)),
        ]);
        let known: Vec<_> = [(110, 125), (0, 10), (110, 125)]
            .map(|(from, to)| (Nanos(from).utc(), Nanos(to).utc()))
            .into();
        assert_eq!(failures.known, known);
        assert_eq!(failures.at.len(), 3, "each once");
    }
}
