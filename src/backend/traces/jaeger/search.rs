//! Lists: by summaries where the server makes them, else out of whole traces, page by page.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _};

use super::{Both as _, Jaeger, micros, rfc3339, wire};
use crate::backend::http::Call;
use crate::backend::traces::server::{Answered, Went, cut_off, says_nothing};
use crate::backend::traces::words::{self, go_duration};
use crate::backend::traces::{Listed, More, Reading, SearchQuestion, jaeger_legacy, listed, otlp};
use crate::backend::{BackendError, BackendResult};
use crate::domain::trace::summary::{Outcome, Whole};
use crate::domain::trace::{Nanos, Status, Stretch, Summary, Trace, TraceId, Wanted};

/// Summaries of one question at most: VictoriaTraces and the memory store refuse more than about so many.
const MOST: usize = 1_000;
/// Whole traces of one question.
const PAGE: usize = 50;
/// Such questions for one list.
const PAGES: usize = 40;
/// Bytes of whole traces that a list is made from, and a page of it at most.
const BYTES: usize = 16 * 1024 * 1024;
const PAGE_BYTES: usize = 64 * 1024 * 1024;
/// Services that are asked for, one by one, where a server lists nothing without one.
const SERVICES: usize = 24;
/// So many of them at once.
const AT_ONCE: usize = 3;

/// How a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// `api/v3/trace-summaries`.
    Summaries,
    /// `api/traces`: whole traces.
    Older,
    /// `api/v3/traces`: whole traces; attributes are passed over by servers before 2.19, which know the older way.
    V3,
}

impl By {
    pub(super) const ALL: [Self; 3] = [Self::Summaries, Self::Older, Self::V3];
}

/// What is asked of one service, or of all.
#[derive(Debug, Clone)]
struct Sought {
    wanted: Wanted,
    during: Stretch,
    limit: usize,
}

/// Whether a trace is what was asked for: not every server looks at all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Yes,
    No,
}

/// What one question brought.
#[derive(Default)]
struct Page {
    /// All that came.
    traces: Vec<(Summary, Held)>,
    bytes: usize,
    whole: Whole,
    warnings: Vec<String>,
}

impl Jaeger {
    pub(super) async fn list(&self, question: SearchQuestion) -> BackendResult<Listed> {
        if words::is_traceql(&question.wanted.query) {
            return Err(self.server.unaskable("TraceQL is Tempo's", words::MEND));
        }
        let wanted = words::read(&question.wanted).map_err(|error| {
            self.server.unaskable(
                &format!("column {}: {}", error.column, error.problem),
                words::MEND,
            )
        })?;
        let sought = Sought {
            wanted,
            during: question.during,
            limit: question.limit.clamp(1, MOST),
        };
        if sought.wanted.service.is_some() {
            return self.one_list(&sought).await;
        }
        if !self.wants_service.load(Ordering::Relaxed) {
            match self.one_list(&sought).await {
                Err(error) if asks_for_service(&error) => self.wants_service.store(true, Ordering::Relaxed),
                told => return told,
            }
        }
        self.list_of_each(sought).await
    }

    /// Of every service, where the server lists nothing without one.
    async fn list_of_each(&self, sought: Sought) -> BackendResult<Listed> {
        let services = self.read_services().await?;
        let mut warnings = Vec::new();
        if services.len() > SERVICES {
            warnings.push(format!(
                "this server lists traces of one service at a time: asked for the first {SERVICES} of {}; choose one",
                services.len()
            ));
        }
        // Twice its share: most traces come again with every service that they pass through, and some are busier.
        let share = (sought.limit * 2).div_ceil(services.len().clamp(1, SERVICES));
        let each = share.clamp(PAGE / 5, PAGE * 2).min(sought.limit.max(PAGE / 5));
        let questions = services.into_iter().take(SERVICES).map(|service| {
            let mut sought = Sought {
                limit: each,
                ..sought.clone()
            };
            sought.wanted.service = Some(service);
            async move { self.one_list(&sought).await }
        });
        let answers: Vec<Listed> = futures::stream::iter(questions.collect::<Vec<_>>())
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut all = Listed::default();
        for mut told in answers {
            all.traces.append(&mut told.traces);
            warnings.append(&mut told.warnings);
            if told.more == More::Yes {
                all.more = More::Yes;
                warnings.push(format!(
                    "this server lists traces of one service at a time: the newest {each} of each"
                ));
            }
            if told.whole == Whole::No {
                all.whole = Whole::No;
            }
        }
        warnings.sort_unstable();
        warnings.dedup();
        all.warnings = warnings;
        Ok(listed(all, sought.limit))
    }

    async fn one_list(&self, sought: &Sought) -> BackendResult<Listed> {
        let ask = |by: By| -> BoxFuture<'_, BackendResult<Went<Listed>>> {
            let sought = sought.clone();
            Box::pin(async move {
                match by {
                    By::Summaries => self.by_summaries(&sought).await,
                    By::Older | By::V3 => self.by_traces(&sought, by).await,
                }
            })
        };
        self.lists.ask(ask).await
    }

    async fn by_summaries(&self, sought: &Sought) -> BackendResult<Went<Listed>> {
        let call = self.server.for_list("api/v3/trace-summaries", sought.during);
        let body = match self.server.ask(v3(call, sought, sought.limit)).await? {
            Answered::Body(body, _) => body,
            Answered::Nothing => return Ok(Went::Well(Listed::default())),
            Answered::Unclear(error) | Answered::NoWay(error) => return Ok(Went::NoWay(error)),
        };
        let summaries = self.server.json::<wire::Summaries>(&body)?.summaries;
        let more = if summaries.len() >= sought.limit {
            More::Yes
        } else {
            More::No
        };
        let traces = summaries.into_iter().filter_map(wire::Told::summary).collect();
        let told = Listed {
            traces,
            more,
            ..Listed::default()
        };
        Ok(Went::Well(listed(told, sought.limit)))
    }

    /// Pages of whole traces, each up to where the one before began.
    async fn by_traces(&self, sought: &Sought, by: By) -> BackendResult<Went<Listed>> {
        let mut all = Listed::default();
        let mut seen: HashSet<TraceId> = HashSet::new();
        let mut during = sought.during;
        let mut bytes = 0;
        for _ in 0..PAGES {
            // One more behind the first page: the oldest of the page before comes again.
            let again = usize::from(!seen.is_empty());
            let limit = (sought.limit.saturating_sub(all.traces.len()) + again).clamp(1, PAGE);
            let page = match self.page(sought, during, limit, by).await? {
                Went::Well(page) => page,
                Went::NoWay(error) => return Ok(Went::NoWay(error)),
            };
            bytes += page.bytes;
            if page.whole == Whole::No {
                all.whole = Whole::No;
            }
            all.warnings.extend(page.warnings);
            let (came, before) = (page.traces.len(), seen.len());
            let oldest = page.traces.iter().map(|(trace, _)| trace.start).min();
            let fresh = page.traces.into_iter().filter(|(trace, _)| seen.insert(trace.id));
            let held = fresh.filter(|(_, held)| *held == Held::Yes);
            all.traces.extend(held.map(|(trace, _)| trace));
            let Some(oldest) = oldest.filter(|_| came >= limit) else {
                all.more = More::No;
                break;
            };
            all.more = More::Yes;
            let stuck = seen.len() == before || oldest <= during.from;
            if stuck || all.traces.len() >= sought.limit || bytes >= BYTES {
                break;
            }
            // Up to a microsecond behind it: several may have begun at once.
            during.to = Nanos(during.to.0.min(oldest.0.saturating_add(1_000)));
        }
        Ok(Went::Well(listed(all, sought.limit)))
    }

    async fn page(
        &self,
        sought: &Sought,
        during: Stretch,
        limit: usize,
        by: By,
    ) -> BackendResult<Went<Page>> {
        let (call, reader): (Call, fn(Vec<u8>) -> Reading) = match by {
            By::Summaries | By::V3 => {
                let call = self.server.for_traces("api/v3/traces", during, PAGE_BYTES);
                let sought = Sought {
                    during,
                    ..sought.clone()
                };
                (v3(call, &sought, limit), otlp::read)
            }
            By::Older => {
                let call = self.server.for_traces("api/traces", during, PAGE_BYTES);
                (older(call, &sought.wanted, during, limit), jaeger_legacy::read)
            }
        };
        let (body, whole) = match self.server.ask(call).await? {
            Answered::Body(body, whole) => (body, whole),
            Answered::Nothing => return Ok(Went::Well(Page::default())),
            Answered::Unclear(error) | Answered::NoWay(error) => return Ok(Went::NoWay(error)),
        };
        // A stream of documents that has none: a gateway says so that there are no traces.
        if by == By::V3 && says_nothing(&body) {
            return Ok(Went::Well(Page::default()));
        }
        let bytes = body.len();
        let reading = self.server.read(body, reader).await?;
        if reading.traces.is_empty()
            && let Some(lost) = reading.lost.iter().find(|lost| lost.is_loss())
        {
            return Err(self.server.unread(&lost.to_string()));
        }
        let held = |trace: &Trace| {
            if by == By::Older || holds(trace, &sought.wanted) {
                Held::Yes
            } else {
                Held::No
            }
        };
        let traces = reading.traces.iter();
        let traces = traces.map(|trace| (Summary::of(trace), held(trace))).collect();
        let warnings: Vec<String> = cut_off(&reading.lost).into_iter().collect();
        let whole = if warnings.is_empty() { whole } else { Whole::No };
        Ok(Went::Well(Page {
            traces,
            bytes,
            whole,
            warnings,
        }))
    }
}

/// The parameters of v3, in both spellings.
fn v3(mut call: Call, sought: &Sought, limit: usize) -> Call {
    let wanted = &sought.wanted;
    if let Some(service) = &wanted.service {
        call = call.both("query.serviceName", "query.service_name", service);
    }
    if let Some(operation) = &wanted.operation {
        call = call.both("query.operationName", "query.operation_name", operation);
    }
    call = call
        .both(
            "query.startTimeMin",
            "query.start_time_min",
            &rfc3339(sought.during.from),
        )
        .both(
            "query.startTimeMax",
            "query.start_time_max",
            &rfc3339(sought.during.to),
        );
    if let Some(least) = wanted.at_least {
        call = call.both("query.durationMin", "query.duration_min", &go_duration(least));
    }
    if let Some(most) = wanted.at_most {
        call = call.both("query.durationMax", "query.duration_max", &go_duration(most));
    }
    if let Some(attributes) = attributes(wanted) {
        call = call.param("query.attributes", attributes);
    }
    let limit = limit.to_string();
    call.both("query.searchDepth", "query.search_depth", &limit)
        .param("query.num_traces", limit)
}

fn older(mut call: Call, wanted: &Wanted, during: Stretch, limit: usize) -> Call {
    if let Some(service) = &wanted.service {
        call = call.param("service", &**service);
    }
    if let Some(operation) = &wanted.operation {
        call = call.param("operation", &**operation);
    }
    call = call
        .param("start", micros(during.from))
        .param("end", micros(during.to));
    if let Some(least) = wanted.at_least {
        call = call.param("minDuration", go_duration(least));
    }
    if let Some(most) = wanted.at_most {
        call = call.param("maxDuration", go_duration(most));
    }
    if let Some(attributes) = attributes(wanted) {
        call = call.param("tags", attributes);
    }
    call.param("limit", limit.to_string())
}

/// Attributes as a JSON object of texts; a failure is the attribute `error`.
fn attributes(wanted: &Wanted) -> Option<String> {
    let mut map = serde_json::Map::new();
    if wanted.outcome == Outcome::Failed {
        map.insert("error".to_owned(), "true".into());
    }
    for (key, value) in &wanted.tags {
        map.insert(key.to_string(), (**value).into());
    }
    (!map.is_empty()).then(|| serde_json::Value::Object(map).to_string())
}

/// What servers that pass attributes over leave to be looked at here.
fn holds(trace: &Trace, wanted: &Wanted) -> bool {
    let failed = wanted.outcome == Outcome::Any || trace.spans().any(|span| span.status == Status::Error);
    failed && (wanted.tags.is_empty() || trace.rows().any(|row| has_all(trace, row, &wanted.tags)))
}

fn has_all(trace: &Trace, row: crate::domain::trace::Row, tags: &[(Arc<str>, Arc<str>)]) -> bool {
    let mut missing: Vec<&(Arc<str>, Arc<str>)> = tags.iter().collect();
    trace.attributes(row, &mut |attribute| {
        missing.retain(|(key, value)| **key != *attribute.key || **value != *attribute.value.to_string());
        if missing.is_empty() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    if !missing.is_empty() {
        for attribute in trace.resource(row) {
            missing.retain(|(key, value)| **key != *attribute.key || **value != *attribute.value.to_string());
        }
    }
    missing.is_empty()
}

/// `parameter 'service' is required`, and what other stores say for it.
fn asks_for_service(error: &BackendError) -> bool {
    error.status == Some(400) && error.detail.to_ascii_lowercase().contains("service")
}
