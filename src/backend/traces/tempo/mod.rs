//! Grafana Tempo: lists by TraceQL, traces by id.
//!
//! `traceql` writes what is wanted, every value quoted; `wire` reads lists. Times go out in whole seconds, and always
//! both ends of them: without, only recent blocks are searched. The tenant is a header of the configuration
//! (`X-Scope-OrgID`). Written after Tempo's `pkg/api/http.go` and its documentation. Start at [`Tempo`].

#[cfg(test)]
mod tests;
mod traceql;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;

use super::server::{Answered, Server, Ways, Went};
use super::words;
use super::{CountedCall, Listed, More, OperationName, SearchQuestion, Traces, listed, otlp};
use crate::backend::http::{Asker, Call};
use crate::backend::{BackendError, BackendResult};
use crate::domain::trace::{Kind, Nanos, Stretch, Trace, TraceId};

/// Traces of one list at most.
const MOST: usize = 1_000;
const SECOND: i64 = 1_000_000_000;
/// Asks for the newest first; Tempo 2.8 and later.
const NEWEST: &str = " with (most_recent=true)";

/// One Tempo.
pub struct Tempo {
    server: Server,
    traces: Ways<Version>,
    values: Ways<Version>,
    /// It does not read [`NEWEST`].
    no_newest: AtomicBool,
}

/// Of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V2,
    V1,
}

impl Tempo {
    /// One of that name; `timeout` is what the configuration gives a short question.
    pub fn new(name: Arc<str>, asker: Arc<dyn Asker>, timeout: Duration) -> Self {
        Self {
            server: Server::new(name, asker, timeout),
            traces: Ways::new(&[Version::V2, Version::V1]),
            values: Ways::new(&[Version::V2, Version::V1]),
            no_newest: AtomicBool::new(false),
        }
    }

    async fn list(&self, question: SearchQuestion) -> BackendResult<Listed> {
        let wanted = words::read(&question.wanted).map_err(|error| {
            self.server.unaskable(
                &format!("column {}: {}", error.column, error.problem),
                words::MEND,
            )
        })?;
        let query = traceql::query(&wanted);
        let limit = question.limit.clamp(1, MOST);
        let newest = !query.contains(" with ") && !self.no_newest.load(Ordering::Relaxed);
        let mut during = question.during;
        let mut told = if newest {
            match self.found(&format!("{query}{NEWEST}"), during, limit).await {
                // Perhaps for what was asked beyond the query: asked again without.
                Err(error) if error.status == Some(400) && longest(&error).is_none() => {
                    let told = self.found(&query, during, limit).await;
                    if told.is_ok() {
                        self.no_newest.store(true, Ordering::Relaxed);
                    }
                    told
                }
                told => told,
            }
        } else {
            self.found(&query, during, limit).await
        };
        if let Err(error) = &told
            && let Some(longest) = longest(error).filter(|longest| *longest < during.duration())
        {
            during.from = during.to.minus(longest);
            let newest = if newest { NEWEST } else { "" };
            told = self.found(&format!("{query}{newest}"), during, limit).await;
            if let Ok(told) = &mut told {
                told.warnings.push(format!(
                    "it searches {} h at a time: only the last of them were",
                    longest.as_secs() / 3_600
                ));
            }
        }
        told
    }

    async fn found(&self, query: &str, during: Stretch, limit: usize) -> BackendResult<Listed> {
        let call = within(self.server.for_list("api/search", during), during)
            .param("q", query)
            .param("limit", limit.to_string())
            .param("spss", "1");
        let body = match self.server.ask(call).await? {
            Answered::Body(body, _) => body,
            Answered::Nothing => return Ok(Listed::default()),
            Answered::Unclear(error) | Answered::NoWay(error) => return Err(error),
        };
        let found: wire::Found = self.server.json(&body)?;
        let came = found.traces.len();
        let told = Listed {
            traces: found.traces.into_iter().filter_map(wire::Told::summary).collect(),
            more: if came >= limit { More::Yes } else { More::No },
            ..Listed::default()
        };
        Ok(listed(told, limit))
    }

    async fn read_trace(&self, id: TraceId) -> BackendResult<Option<Arc<Trace>>> {
        let ask = |version: Version| -> BoxFuture<'_, BackendResult<Went<Option<Arc<Trace>>>>> {
            Box::pin(async move {
                let path = match version {
                    Version::V2 => format!("api/v2/traces/{id}"),
                    Version::V1 => format!("api/traces/{id}"),
                };
                Ok(
                    match (self.server.ask(self.server.for_trace(path)).await?, version) {
                        (Answered::Body(body, _), _) => {
                            Went::Well(self.server.one(id, body, otlp::read).await?)
                        }
                        // v1 says so without a word.
                        (Answered::Nothing, _) | (Answered::Unclear(_), Version::V1) => Went::Well(None),
                        (Answered::Unclear(error), Version::V2) | (Answered::NoWay(error), _) => {
                            Went::NoWay(error)
                        }
                    },
                )
            })
        };
        self.traces.ask(ask).await
    }

    /// Values of an attribute, by name.
    async fn values(
        &self,
        [v2, v1]: [&'static str; 2],
        query: Option<String>,
        during: Stretch,
    ) -> BackendResult<Vec<Arc<str>>> {
        let ask = |version: Version| -> BoxFuture<'_, BackendResult<Went<Vec<Arc<str>>>>> {
            let query = query.clone();
            Box::pin(async move {
                let path = match version {
                    Version::V2 => format!("api/v2/search/tag/{v2}/values"),
                    Version::V1 => format!("api/search/tag/{v1}/values"),
                };
                let mut call = within(self.server.for_list(path, during), during);
                if let Some(query) = query {
                    call = call.param("q", query);
                }
                Ok(match self.server.ask(call).await? {
                    Answered::Body(body, _) => {
                        let values: wire::Values = self.server.json(&body)?;
                        Went::Well(values.tag_values.into_iter().map(wire::Value::text).collect())
                    }
                    Answered::Nothing => Went::Well(Vec::new()),
                    Answered::Unclear(error) | Answered::NoWay(error) => Went::NoWay(error),
                })
            })
        };
        let mut values = self.values.ask(ask).await?;
        values.retain(|value: &Arc<str>| !value.is_empty());
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }
}

/// In whole seconds, the end never before or at the begin.
fn within(call: Call, during: Stretch) -> Call {
    let from = during.from.0.div_euclid(SECOND).max(0);
    let to = Nanos(during.to.0).0.saturating_add(SECOND - 1).div_euclid(SECOND);
    call.param("start", from.to_string())
        .param("end", to.max(from + 1).to_string())
}

/// `range specified by start and end exceeds 168h0m0s`: so long.
fn longest(error: &BackendError) -> Option<Duration> {
    let (_, rest) = error
        .detail
        .split_once("range specified by start and end exceeds ")?;
    let (hours, _) = rest.split_once('h')?;
    let hours: u64 = hours.parse().ok()?;
    Some(Duration::from_secs(hours.checked_mul(3_600)?)).filter(|longest| !longest.is_zero())
}

impl Traces for Tempo {
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
        // With a range it may leave out blocks that hold part of the trace.
        Box::pin(self.read_trace(id))
    }

    fn services(&self, during: Stretch) -> BoxFuture<'_, BackendResult<Vec<Arc<str>>>> {
        Box::pin(self.values(["resource.service.name", "service.name"], None, during))
    }

    fn operations(
        &self,
        service: Arc<str>,
        during: Stretch,
    ) -> BoxFuture<'_, BackendResult<Vec<OperationName>>> {
        Box::pin(async move {
            let query = traceql::of_service(&service);
            let names = self.values(["name", "name"], Some(query), during).await?;
            let operation = |name| OperationName {
                name,
                kind: Kind::Unspecified,
            };
            Ok(names.into_iter().map(operation).collect())
        })
    }

    fn dependencies(&self, _during: Stretch) -> BoxFuture<'_, BackendResult<Option<Vec<CountedCall>>>> {
        // Its generator writes them into the metrics store.
        Box::pin(std::future::ready(Ok(None)))
    }
}
