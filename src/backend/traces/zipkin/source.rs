//! Zipkin's API, `api/v2`: times in milliseconds, durations in microseconds, whole traces in lists.
//! Written after `zipkin2-api.yaml` and the server's `ZipkinQueryApiV2`.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::Deserialize;

use super::read;
use crate::backend::BackendResult;
use crate::backend::http::{Asker, Call};
use crate::backend::traces::numbers::whole;
use crate::backend::traces::server::{Answered, Server, cut_off};
use crate::backend::traces::words;
use crate::backend::traces::{CountedCall, Listed, More, OperationName, SearchQuestion, Traces, listed};
use crate::domain::trace::summary::{Outcome, Whole};
use crate::domain::trace::{Kind, Nanos, Stretch, Summary, Trace, TraceId, Wanted};

/// Traces of one list at most: they come whole.
const MOST: usize = 200;
/// Bytes of a list at most.
const BYTES: usize = 64 * 1024 * 1024;

/// One Zipkin.
pub struct Source {
    server: Server,
}

impl Source {
    /// One of that name; `timeout` is what the configuration gives a short question.
    pub fn new(name: Arc<str>, asker: Arc<dyn Asker>, timeout: Duration) -> Self {
        Self {
            server: Server::new(name, asker, timeout),
        }
    }

    async fn list(&self, question: SearchQuestion) -> BackendResult<Listed> {
        if words::is_traceql(&question.wanted.query) {
            return Err(self.server.unaskable("TraceQL is Tempo's", words::MEND));
        }
        let wanted = words::read(&question.wanted).map_err(|error| {
            self.server.unaskable(
                &format!("column {}: {}", error.column, error.problem),
                words::MEND,
            )
        })?;
        let annotations = annotations(&wanted).map_err(|value| {
            self.server.unaskable(
                &format!("Zipkin cannot be asked for `{value}`: ` and ` separates its conditions"),
                "ask for less, and filter the list",
            )
        })?;
        let limit = question.limit.clamp(1, MOST);
        let call = self.server.for_traces("api/v2/traces", question.during, BYTES);
        let call = asked(call, &wanted, annotations, question.during, limit);
        let (body, mut whole) = match self.server.ask(call).await? {
            Answered::Body(body, whole) => (body, whole),
            Answered::Nothing => return Ok(Listed::default()),
            Answered::Unclear(error) | Answered::NoWay(error) => return Err(error),
        };
        let reading = self.server.read(body, read).await?;
        if reading.traces.is_empty()
            && let Some(lost) = reading.lost.iter().find(|lost| lost.is_loss())
        {
            return Err(self.server.unread(&lost.to_string()));
        }
        let warnings: Vec<String> = cut_off(&reading.lost).into_iter().collect();
        if !warnings.is_empty() {
            whole = Whole::No;
        }
        let told = Listed {
            more: if reading.traces.len() >= limit {
                More::Yes
            } else {
                More::No
            },
            traces: reading.traces.iter().map(Summary::of).collect(),
            whole,
            warnings,
        };
        Ok(listed(told, limit))
    }

    async fn read_trace(&self, id: TraceId) -> BackendResult<Option<Arc<Trace>>> {
        match self
            .server
            .ask(self.server.for_trace(format!("api/v2/trace/{id}")))
            .await?
        {
            Answered::Body(body, _) => {
                let reading = self.server.read(body, read).await?;
                if reading.traces.is_empty()
                    && let Some(lost) = reading.lost.iter().find(|lost| lost.is_loss())
                {
                    return Err(self.server.unread(&lost.to_string()));
                }
                // Services that know only half of an id leave the other half zero.
                let half = |id: TraceId| u128::from_be_bytes(id.0) as u64;
                let traces = reading.traces.into_iter();
                let same = traces.filter(|trace| half(trace.id()) == half(id));
                Ok(same
                    .max_by_key(|trace| (trace.id() == id, trace.len()))
                    .map(Arc::new))
            }
            Answered::Nothing => Ok(None),
            Answered::Unclear(error) | Answered::NoWay(error) => Err(error),
        }
    }

    async fn names(&self, call: Call) -> BackendResult<Vec<Arc<str>>> {
        let body = match self.server.ask(call).await? {
            Answered::Body(body, _) => body,
            Answered::Nothing => return Ok(Vec::new()),
            Answered::Unclear(error) | Answered::NoWay(error) => return Err(error),
        };
        let mut names: Vec<Arc<str>> = self.server.json(&body)?;
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    async fn calls(&self, during: Stretch) -> BackendResult<Option<Vec<CountedCall>>> {
        let call = within(self.server.for_list("api/v2/dependencies", during), during);
        let body = match self.server.ask(call).await? {
            Answered::Body(body, _) => body,
            Answered::Nothing => return Ok(None),
            // Every Zipkin knows this path: what does not is something else.
            Answered::Unclear(error) | Answered::NoWay(error) => return Err(error),
        };
        let calls: Vec<Dependency> = self.server.json(&body)?;
        // Its larger stores count by a job of their own.
        Ok(
            Some(calls.into_iter().map(Dependency::counted).collect::<Vec<_>>())
                .filter(|calls| !calls.is_empty()),
        )
    }
}

#[derive(Deserialize)]
struct Dependency {
    parent: Arc<str>,
    child: Arc<str>,
    #[serde(default, rename = "callCount", deserialize_with = "whole")]
    calls: u64,
    #[serde(default, rename = "errorCount", deserialize_with = "whole")]
    errors: u64,
}

impl Dependency {
    fn counted(self) -> CountedCall {
        CountedCall {
            caller: self.parent,
            called: self.child,
            calls: self.calls,
            errors: Some(self.errors),
        }
    }
}

/// The end of a stretch and how long it is: nothing of it may be zero.
fn within(call: Call, during: Stretch) -> Call {
    let millis = |at: Nanos| at.0.saturating_add(999_999).div_euclid(1_000_000).max(1);
    let lookback = u64::try_from(during.duration().as_millis()).unwrap_or(u64::MAX);
    call.param("endTs", millis(during.to).to_string())
        .param("lookback", lookback.saturating_add(1).to_string())
}

fn asked(
    mut call: Call,
    wanted: &Wanted,
    annotations: Option<String>,
    during: Stretch,
    limit: usize,
) -> Call {
    if let Some(service) = &wanted.service {
        call = call.param("serviceName", &**service);
    }
    if let Some(operation) = &wanted.operation {
        call = call.param("spanName", &**operation);
    }
    if let Some(annotations) = annotations {
        call = call.param("annotationQuery", annotations);
    }
    let micros = |duration: Duration| duration.as_micros().max(1).to_string();
    // The longest is refused without a shortest.
    if wanted.at_least.is_some() || wanted.at_most.is_some() {
        call = call.param("minDuration", micros(wanted.at_least.unwrap_or_default()));
    }
    if let Some(most) = wanted.at_most {
        call = call.param("maxDuration", micros(most));
    }
    within(call, during).param("limit", limit.to_string())
}

/// `error and http.method=GET`; what cannot be said so comes back.
fn annotations(wanted: &Wanted) -> Result<Option<String>, String> {
    let mut conditions = Vec::new();
    match wanted.outcome {
        Outcome::Any => {}
        Outcome::Failed => conditions.push("error".to_owned()),
    }
    for (key, value) in &wanted.tags {
        let condition = format!("{key}={value}");
        if condition.contains(" and ") || key.contains('=') {
            return Err(condition);
        }
        conditions.push(condition);
    }
    Ok((!conditions.is_empty()).then(|| conditions.join(" and ")))
}

impl Traces for Source {
    fn name(&self) -> &Arc<str> {
        &self.server.name
    }

    fn search(&self, question: SearchQuestion) -> BoxFuture<'_, BackendResult<Listed>> {
        Box::pin(self.list(question))
    }

    fn trace(
        &self,
        id: TraceId,
        _about: Option<Stretch>,
    ) -> BoxFuture<'_, BackendResult<Option<Arc<Trace>>>> {
        Box::pin(self.read_trace(id))
    }

    fn services(&self, _during: Stretch) -> BoxFuture<'_, BackendResult<Vec<Arc<str>>>> {
        Box::pin(self.names(Call::get("api/v2/services")))
    }

    fn operations(
        &self,
        service: Arc<str>,
        _during: Stretch,
    ) -> BoxFuture<'_, BackendResult<Vec<OperationName>>> {
        Box::pin(async move {
            let names = self
                .names(Call::get("api/v2/spans").param("serviceName", &*service))
                .await?;
            let operation = |name| OperationName {
                name,
                kind: Kind::Unspecified,
            };
            Ok(names.into_iter().map(operation).collect())
        })
    }

    fn dependencies(&self, during: Stretch) -> BoxFuture<'_, BackendResult<Option<Vec<CountedCall>>>> {
        Box::pin(self.calls(during))
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
