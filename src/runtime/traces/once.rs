//! What is asked once, when somebody opens it: a trace, its spans, who calls whom, exemplars.

use std::sync::Arc;

use futures::StreamExt as _;

use crate::app::traces::Study;
use crate::app::traces::calls::{Calling, CallsAsk, Counted, Unread};
use crate::app::traces::comparison::{Aligned, Aligning};
use crate::app::traces::exemplars::ExemplarsAsk;
use crate::app::traces::waterfall::{Found, Seeking};
use crate::backend::BackendError;
use crate::backend::metrics::Metrics;
use crate::backend::traces::Traces;
use crate::domain::trace::TraceId;
use crate::domain::trace::exemplar::Exemplar;
use crate::domain::trace::graph::Graph;
use crate::text::SafeText;

/// Traces that are read at once for the graph of services.
const AT_ONCE: usize = 4;

/// Reads a trace and studies it, off the UI task; why not, in words.
pub(in crate::runtime) async fn read(source: &dyn Traces, id: TraceId) -> Result<Arc<Study>, String> {
    let trace = match source.trace(id, None).await {
        Ok(Some(trace)) => trace,
        Ok(None) => {
            return Err(format!(
                "{} has no trace {id}: it was not sampled, is gone, or has not come yet",
                source.name()
            ));
        }
        Err(error) => return Err(SafeText::line(&error.cause()).into_string()),
    };
    tokio::task::spawn_blocking(move || Arc::new(Study::of(trace)))
        .await
        .map_err(|_| "it could not be studied: a defect of midwatch".to_owned())
}

/// Aligns two traces, off the UI task; nothing where that broke off.
pub(in crate::runtime) async fn align(aligning: Aligning) -> Option<Arc<Aligned>> {
    tokio::task::spawn_blocking(move || Arc::new(aligning.run()))
        .await
        .ok()
}

/// Who calls whom: as the source counts it, else in the traces that are read for it.
pub(in crate::runtime) async fn calls(source: &dyn Traces, ask: CallsAsk) -> Result<Arc<Calling>, String> {
    let during = ask.during;
    let reading = futures::stream::iter(ask.traces)
        .map(|id| source.trace(id, Some(during)))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>();
    let (counted, read) = futures::join!(source.dependencies(during), reading);
    let said = |error: &BackendError| SafeText::line(&error.cause()).into_string();
    let mut traces = Vec::new();
    let mut gone = 0;
    let mut unread: Option<Unread> = None;
    for result in read {
        match result {
            Ok(Some(trace)) => traces.push(trace),
            Ok(None) => gone += 1,
            Err(error) => match &mut unread {
                Some(unread) => unread.traces += 1,
                None => {
                    unread = Some(Unread {
                        traces: 1,
                        why: said(&error),
                    });
                }
            },
        }
    }
    let (counted, uncounted) = match counted {
        Ok(counted) => (counted.filter(|calls| !calls.is_empty()), None),
        Err(error) => (None, Some(said(&error))),
    };
    if counted.is_none() && traces.is_empty() {
        let why = uncounted.as_ref().or(unread.as_ref().map(|unread| &unread.why));
        if let Some(why) = why {
            return Err(why.clone());
        }
    }
    let count = move || {
        let mut graph = Graph::of(traces.iter().map(|trace| &**trace));
        let by = match &counted {
            Some(_) => Counted::BySource,
            None => Counted::InTraces,
        };
        for call in counted.into_iter().flatten() {
            graph.counted(&call.caller, &call.called, call.calls, call.errors);
        }
        Arc::new(Calling {
            during,
            graph,
            counted: by,
            read: traces.len(),
            gone,
            unread,
            uncounted,
        })
    };
    let counting = tokio::task::spawn_blocking(count);
    counting
        .await
        .map_err(|_| "the calls could not be counted: a defect of midwatch".to_owned())
}

/// The exemplars of a latency SLO; why not, in words.
pub(in crate::runtime) async fn exemplars(
    metrics: Option<Arc<dyn Metrics>>,
    asked: &ExemplarsAsk,
) -> Result<Vec<Exemplar>, String> {
    let metrics = metrics.ok_or("no metrics backend is configured")?;
    let answered = metrics.exemplars(asked.query.clone(), asked.from, asked.to).await;
    let answered = answered.map_err(|error| SafeText::line(&error.cause()).into_string())?;
    Ok(answered.value)
}

/// Looks for spans in an open trace, off the UI task.
pub(in crate::runtime) async fn seek(seeking: &Seeking) -> Result<Arc<Found>, String> {
    let seeking = seeking.clone();
    tokio::task::spawn_blocking(move || seeking.run().map(Arc::new))
        .await
        .unwrap_or_else(|_| Err("the search broke off: a defect of midwatch".to_owned()))
}
