//! A list is asked for: its newest, and beside them the failed and the slow ones that are older.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::app::traces::list::Older;
use crate::backend::BackendResult;
use crate::backend::traces::{Listed, More, SearchQuestion, Traces, words};
use crate::domain::trace::summary::{Outcome, Whole};
use crate::domain::trace::{Summary, TraceId, Wanted};
use crate::text::SafeText;

/// Failed ones that are asked for beside them, and slow ones, where they are not all.
const MOST_BESIDE: usize = 100;
/// Traces of which the slowest twentieth says something.
const ENOUGH: usize = 20;

/// The newest of what is asked for, and what is asked for beside them.
pub(super) struct Told {
    pub newest: Listed,
    pub failed: Option<Result<Older, String>>,
    pub slow: Option<Result<Older, String>>,
}

/// What is asked for; where that is only the newest of it, the failed and the slow ones that are older as well: a failure
/// or a request of eight minutes half an hour ago is no less of one where two hundred went well since.
pub(super) async fn listed(source: &dyn Traces, question: SearchQuestion) -> BackendResult<Told> {
    let newest = source.search(question.clone()).await?;
    let read = words::read(&question.wanted);
    let (Ok(wanted), More::Yes) = (read, newest.more) else {
        return Ok(Told {
            newest,
            failed: None,
            slow: None,
        });
    };
    let failed = (wanted.outcome == Outcome::Any).then(|| Wanted {
        outcome: Outcome::Failed,
        ..question.wanted.clone()
    });
    let free = wanted.at_least.is_none() && wanted.at_most.is_none() && !words::is_traceql(&wanted.query);
    let slow = slow_from(&newest.traces).filter(|_| free).map(|least| Wanted {
        at_least: Some(least),
        ..question.wanted.clone()
    });
    let mut known: HashSet<TraceId> = newest.traces.iter().map(|trace| trace.id).collect();
    let (failed, slow) = futures::join!(beside(source, &question, failed), beside(source, &question, slow));
    Ok(Told {
        failed: failed.map(|asked| fresh(asked, &mut known)),
        slow: slow.map(|asked| fresh(asked, &mut known)),
        newest,
    })
}

/// From which duration a trace is as slow as the slowest twentieth of a list, where that has enough to tell.
fn slow_from(traces: &[Summary]) -> Option<Duration> {
    let mut durations: Vec<Duration> = traces.iter().map(|trace| trace.duration).collect();
    durations.sort_unstable();
    let least = durations.get(durations.len() * 19 / 20)?;
    (durations.len() >= ENOUGH && !least.is_zero()).then_some(*least)
}

async fn beside(
    source: &dyn Traces,
    question: &SearchQuestion,
    wanted: Option<Wanted>,
) -> Option<BackendResult<Listed>> {
    let question = SearchQuestion {
        wanted: wanted?,
        limit: MOST_BESIDE,
        ..question.clone()
    };
    Some(source.search(question).await)
}

/// Those that are not known yet. The list stands without them where there is no answer, and says so.
fn fresh(asked: BackendResult<Listed>, known: &mut HashSet<TraceId>) -> Result<Older, String> {
    let told = asked.map_err(|error| SafeText::line(&error.cause()).into_string())?;
    let fresh = told.traces.into_iter().filter(|trace| known.insert(trace.id));
    Ok(Older {
        traces: fresh.map(Arc::new).collect(),
        whole: match told.more {
            More::Yes => Whole::No,
            More::No => told.whole,
        },
    })
}
