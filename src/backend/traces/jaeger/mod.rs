//! Jaeger's query API: v3 where the server has it, the older UI's where it lacks something, VictoriaTraces through the same.
//!
//! What a server knows depends on its age (trace summaries since 2.19, the older search until 2.20), so each question has
//! several ways, and the one that worked is remembered ([`Ways`]). `search` asks for lists, `wire` reads the
//! small answers. Paths and parameters after `internal/proto/api_v3` and `cmd/query/app` of Jaeger, and VictoriaTraces'
//! `vtselect/traces/jaeger`. Start at [`Jaeger`].

mod search;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::SecondsFormat;
use futures::future::BoxFuture;

use super::server::{Answered, Server, Ways, Went};
use super::{CountedCall, Listed, OperationName, SearchQuestion, Traces, jaeger_legacy, otlp};
use crate::backend::BackendResult;
use crate::backend::http::{Asker, Call};
use crate::domain::trace::{Nanos, Stretch, Trace, TraceId, Wanted};

/// A trace may have begun before, and gone on behind what is known of it.
const AROUND: Duration = Duration::from_secs(3_600);

/// One Jaeger.
pub struct Jaeger {
    server: Server,
    lists: Ways<search::By>,
    traces: Ways<Api>,
    services: Ways<Api>,
    operations: Ways<Names>,
    /// It lists nothing unless a service is named.
    wants_service: AtomicBool,
}

/// Which of its interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    /// `api/v3`.
    V3,
    /// `api`, of the older UI.
    Older,
}

/// Where operations are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// `api/v3/operations`, with kinds.
    V3,
    /// `api/operations`, with kinds.
    Older,
    /// `api/services/S/operations`, without.
    OfService,
}

impl Jaeger {
    /// One of that name; `timeout` is what the configuration gives a short question.
    pub fn new(name: Arc<str>, asker: Arc<dyn Asker>, timeout: Duration) -> Self {
        Self {
            server: Server::new(name, asker, timeout),
            lists: Ways::new(&search::By::ALL),
            traces: Ways::new(&[Api::V3, Api::Older]),
            services: Ways::new(&[Api::V3, Api::Older]),
            operations: Ways::new(&[Names::V3, Names::Older, Names::OfService]),
            wants_service: AtomicBool::new(false),
        }
    }

    async fn read_trace(&self, id: TraceId, about: Option<Stretch>) -> BackendResult<Option<Arc<Trace>>> {
        let ask = |api: Api| -> BoxFuture<'_, BackendResult<Went<Option<Arc<Trace>>>>> {
            Box::pin(async move {
                let path = match api {
                    Api::V3 => format!("api/v3/traces/{id}"),
                    Api::Older => format!("api/traces/{id}"),
                };
                let mut call = self.server.for_trace(path);
                if let Some(about) = about {
                    let (from, to) = (about.from.minus(AROUND), about.to.plus(AROUND));
                    call = match api {
                        Api::V3 => call.both("startTime", "start_time", &rfc3339(from)).both(
                            "endTime",
                            "end_time",
                            &rfc3339(to),
                        ),
                        Api::Older => call.param("start", micros(from)).param("end", micros(to)),
                    };
                }
                let reader = match api {
                    Api::V3 => otlp::read,
                    Api::Older => jaeger_legacy::read,
                };
                Ok(match self.server.ask(call).await? {
                    Answered::Body(body, _) => Went::Well(self.server.one(id, body, reader).await?),
                    Answered::Nothing => Went::Well(None),
                    Answered::Unclear(error) | Answered::NoWay(error) => Went::NoWay(error),
                })
            })
        };
        self.traces.ask(ask).await
    }

    async fn read_services(&self) -> BackendResult<Vec<Arc<str>>> {
        let ask = |api: Api| -> BoxFuture<'_, BackendResult<Went<Vec<Arc<str>>>>> {
            Box::pin(async move {
                let call = Call::get(match api {
                    Api::V3 => "api/v3/services",
                    Api::Older => "api/services",
                });
                self.told(call, |body| match api {
                    Api::V3 => Ok(self.server.json::<wire::Services>(body)?.services),
                    Api::Older => Ok(self
                        .server
                        .json::<wire::Older<Arc<str>>>(body)?
                        .data
                        .unwrap_or_default()),
                })
                .await
            })
        };
        let mut services = self.services.ask(ask).await?;
        services.retain(|name| !name.is_empty());
        services.sort_unstable();
        services.dedup();
        Ok(services)
    }

    async fn read_operations(&self, service: &str) -> BackendResult<Vec<OperationName>> {
        let ask = |names: Names| -> BoxFuture<'_, BackendResult<Went<Vec<OperationName>>>> {
            let service = service.to_owned();
            Box::pin(async move {
                let call = match names {
                    Names::V3 => Call::get("api/v3/operations").param("service", service),
                    Names::Older => Call::get("api/operations").param("service", service),
                    Names::OfService => Call::get(format!("api/services/{service}/operations")),
                };
                self.told(call, |body| {
                    let names = match names {
                        Names::V3 => self.server.json::<wire::Operations>(body)?.operations,
                        Names::Older | Names::OfService => {
                            let older = self.server.json::<wire::Older<wire::Operation>>(body)?;
                            older.data.unwrap_or_default()
                        }
                    };
                    Ok(names.into_iter().map(wire::Operation::named).collect())
                })
                .await
            })
        };
        let mut operations = self.operations.ask(ask).await?;
        operations.sort_by(|a: &OperationName, b| a.name.cmp(&b.name));
        operations.dedup();
        Ok(operations)
    }

    async fn read_dependencies(&self, during: Stretch) -> BackendResult<Option<Vec<CountedCall>>> {
        let call = self
            .server
            .for_list("api/dependencies", during)
            .param("endTs", millis(during.to))
            .param("lookback", during.duration().as_millis().to_string());
        let told = self
            .told(call, |body| {
                let older = self.server.json::<wire::Older<wire::Dependency>>(body)?;
                let calls = older.data.unwrap_or_default().into_iter();
                Ok(calls.map(wire::Dependency::counted).collect::<Vec<_>>())
            })
            .await?;
        Ok(match told {
            // Stores that count by a job of their own, and servers that do not count, answer with nothing.
            Went::Well(calls) => Some(calls).filter(|calls| !calls.is_empty()),
            Went::NoWay(_) => None,
        })
    }

    async fn what_lacks(&self, during: Stretch) -> BackendResult<Vec<String>> {
        let question = SearchQuestion {
            wanted: Wanted::default(),
            during,
            limit: 1,
        };
        self.list(question).await?;
        let mut lacks = Vec::new();
        if self.lists.known().is_some() {
            lacks.push(
                "it makes no summaries of traces (Jaeger 2.19 and later do): lists are made of whole traces"
                    .to_owned(),
            );
        }
        if self.wants_service.load(Ordering::Relaxed) {
            lacks.push("it lists traces of one service at a time: without one, each is asked for".to_owned());
        }
        Ok(lacks)
    }

    /// A small answer.
    async fn told<T>(
        &self,
        call: Call,
        read: impl FnOnce(&[u8]) -> BackendResult<T>,
    ) -> BackendResult<Went<T>> {
        Ok(match self.server.ask(call).await? {
            Answered::Body(body, _) => Went::Well(read(&body)?),
            Answered::Nothing => Went::NoWay(self.server.unread("it has no such list")),
            Answered::Unclear(error) | Answered::NoWay(error) => Went::NoWay(error),
        })
    }
}

/// A parameter in both spellings: new servers read the first one, old ones the second.
trait Both {
    fn both(self, new: &str, old: &str, value: &str) -> Self;
}

impl Both for Call {
    fn both(self, new: &str, old: &str, value: &str) -> Self {
        self.param(new, value).param(old, value)
    }
}

fn rfc3339(at: Nanos) -> String {
    at.utc().to_rfc3339_opts(SecondsFormat::Nanos, true)
}

fn micros(at: Nanos) -> String {
    (at.0 / 1_000).to_string()
}

fn millis(at: Nanos) -> String {
    (at.0 / 1_000_000).to_string()
}

impl Traces for Jaeger {
    fn name(&self) -> &Arc<str> {
        &self.server.name
    }

    fn search(&self, question: SearchQuestion) -> BoxFuture<'_, BackendResult<Listed>> {
        Box::pin(self.list(question))
    }

    fn trace(&self, id: TraceId, about: Option<Stretch>) -> BoxFuture<'_, BackendResult<Option<Arc<Trace>>>> {
        Box::pin(self.read_trace(id, about))
    }

    fn services(&self, _during: Stretch) -> BoxFuture<'_, BackendResult<Vec<Arc<str>>>> {
        Box::pin(self.read_services())
    }

    fn operations(
        &self,
        service: Arc<str>,
        _during: Stretch,
    ) -> BoxFuture<'_, BackendResult<Vec<OperationName>>> {
        Box::pin(async move { self.read_operations(&service).await })
    }

    fn dependencies(&self, during: Stretch) -> BoxFuture<'_, BackendResult<Option<Vec<CountedCall>>>> {
        Box::pin(self.read_dependencies(during))
    }

    fn lacks(&self, during: Stretch) -> BoxFuture<'_, BackendResult<Vec<String>>> {
        Box::pin(self.what_lacks(during))
    }
}
