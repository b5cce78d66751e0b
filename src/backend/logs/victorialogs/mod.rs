//! VictoriaLogs over `/select/logsql/*`.
//!
//! `logsql` writes the scope into the query, `wire` reads NDJSON, `tail` follows the present. Current servers take
//! the end of a range as exclusive and answer newest first, old ones (1.26) neither: lines at the end are left out and
//! lines are sorted here. Times are sent as 19 digits: without a zone a server reads its own. Start at
//! [`VictoriaLogs`]. <https://docs.victoriametrics.com/victorialogs/querying/>

mod logsql;
mod tail;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::entry::Found;
use super::paging::{self, Limits, Pager, Question, Stretch};
use super::words::level_of_word;
use super::{Direction, Logs, Page, PageQuestion, Settings, TailEvent, Volume};
use crate::backend::http::{Answer, Asker, Call, Expect, Urgency};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind, brief};
use crate::domain::log::{Level, Nanos, Wanted};
use crate::time::Clock;

const QUERY: &str = "select/logsql/query";
const HITS: &str = "select/logsql/hits";
/// Lines that are asked for at once; the server itself has no limit.
const ENTRIES: usize = 5_000;
/// The field that collectors most often put the level into.
const LEVEL: &str = "level";
const SECOND: i64 = 1_000_000_000;

/// A client of one VictoriaLogs.
pub struct VictoriaLogs {
    settings: Settings,
    selector: Option<String>,
    asker: Arc<dyn Asker>,
    clock: Clock,
    reader: wire::Reader,
    /// Fields that may each say the service.
    service_labels: Vec<Arc<str>>,
    limits: Limits,
}

impl VictoriaLogs {
    /// One of that name; `selector` (a stream filter) bounds all that is ever asked of it.
    pub fn new(settings: Settings, selector: Option<String>, asker: Arc<dyn Asker>, clock: Clock) -> Self {
        let service_labels: Vec<Arc<str>> = match &settings.service_label {
            Some(label) => vec![Arc::clone(label)],
            None => settings.service_labels.to_vec(),
        };
        Self {
            settings,
            selector,
            asker,
            clock,
            reader: wire::Reader::new(service_labels.clone()),
            service_labels,
            limits: Limits::new(ENTRIES),
        }
    }

    fn query(&self, wanted: &Wanted) -> String {
        logsql::query(wanted, &self.service_labels, self.selector.as_deref())
    }

    async fn ask(
        &self,
        path: &'static str,
        form: Vec<(String, String)>,
        urgency: Urgency,
    ) -> BackendResult<Answer> {
        let mut call = Call::read_form(path, form);
        call.expect = Expect::Text;
        call.urgency = urgency;
        self.asker.call(call).await
    }

    fn error(&self, kind: ErrorKind, path: &str, detail: &str) -> BackendError {
        BackendError {
            kind,
            backend: Arc::clone(&self.settings.name),
            tried: format!("POST /{path}"),
            detail: brief(detail),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    async fn read_page(&self, question: PageQuestion) -> BackendResult<Page> {
        let queries = [self.query(&question.wanted)];
        Ok(paging::read_all(self, &queries, Stretch::of(&question))
            .await?
            .into_page())
    }

    async fn count(
        &self,
        wanted: Wanted,
        from: Nanos,
        to: Nanos,
        buckets: usize,
    ) -> BackendResult<Option<Volume>> {
        let span = to.0.saturating_sub(from.0);
        if span <= 0 {
            return Ok(None);
        }
        let buckets = i64::try_from(buckets.clamp(1, 2_000)).unwrap_or(1);
        // Whole seconds on whole steps, as the server aligns them by itself.
        let seconds = (span / buckets).saturating_add(SECOND - 1).max(SECOND) / SECOND;
        let step = seconds * SECOND;
        let begin = from.0.div_euclid(step).saturating_mul(step);
        let form = [
            ("query", self.query(&wanted)),
            ("start", begin.to_string()),
            ("end", to.0.to_string()),
            ("step", format!("{seconds}s")),
            ("field", LEVEL.to_owned()),
            // Old servers leave pipes out by themselves.
            ("ignore_pipes", "1".to_owned()),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let answer = self.ask(HITS, form, Urgency::Poll).await?;
        let sent: Hits = serde_json::from_slice(&answer.body).map_err(|error| {
            self.error(
                ErrorKind::BadAnswer,
                HITS,
                &format!("the counts do not read: {error}"),
            )
        })?;
        let count = usize::try_from((to.0 - begin) / step + 1).unwrap_or_default();
        let mut buckets = vec![[0_u64; Level::ALL.len()]; count];
        for each in sent.hits {
            let level = each
                .fields
                .get(LEVEL)
                .map_or(Level::Unknown, |word| level_of_word(word));
            for (at, hits) in each.timestamps.iter().zip(&each.values) {
                let Ok(at) = chrono::DateTime::parse_from_rfc3339(at) else {
                    continue;
                };
                let index = usize::try_from((Nanos::of(at.to_utc()).0 - begin).div_euclid(step)).ok();
                let bucket = index.and_then(|index| buckets.get_mut(index));
                if let Some(slot) = bucket.and_then(|bucket| bucket.get_mut(level as usize)) {
                    *slot += hits;
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

#[derive(Deserialize)]
struct Hits {
    #[serde(default)]
    hits: Vec<HitsOf>,
}

#[derive(Deserialize)]
struct HitsOf {
    #[serde(default)]
    fields: std::collections::HashMap<String, String>,
    #[serde(default)]
    timestamps: Vec<String>,
    #[serde(default)]
    values: Vec<u64>,
}

impl Pager for VictoriaLogs {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn fetch(&self, question: Question<'_>) -> BackendResult<(Found, usize)> {
        let limit = question.limit.max(1);
        // `limit` as a parameter gives the newest; the oldest are a pipe's.
        let query = match question.direction {
            Direction::Backward => question.query.to_owned(),
            Direction::Forward => format!("{}\n| sort by (_time) limit {limit}", question.query),
        };
        let mut form = vec![
            ("query".to_owned(), query),
            ("start".to_owned(), question.from.0.to_string()),
            ("end".to_owned(), question.to.0.to_string()),
        ];
        if question.direction == Direction::Backward {
            form.push(("limit".to_owned(), limit.to_string()));
        }
        let answer = self.ask(QUERY, form, question.urgency).await?;
        let mut found = Found::default();
        let mut rows = 0;
        for line in answer.body.split(|byte| *byte == b'\n') {
            match self.reader.entry(line) {
                Ok(None) => {}
                Ok(Some(entry)) => {
                    rows += 1;
                    if (question.from..question.to).contains(&entry.at) {
                        found.entries.push(entry);
                    }
                }
                // A failure in the middle of the answer stands in its body.
                Err(words) => return Err(self.error(ErrorKind::ServerFault, QUERY, &words)),
            }
        }
        // An answer is full by what came, not by what was left of it.
        let asked = if rows >= limit {
            found.entries.len().max(1)
        } else {
            limit
        };
        Ok((found, asked))
    }
}

impl Logs for VictoriaLogs {
    fn name(&self) -> &Arc<str> {
        &self.settings.name
    }

    fn skew(&self) -> Option<chrono::TimeDelta> {
        Some(self.asker.skew().unwrap_or_default())
    }

    fn heeds_environment(&self) -> bool {
        true
    }

    fn page(&self, question: PageQuestion) -> BoxFuture<'_, BackendResult<Page>> {
        Box::pin(self.read_page(question))
    }

    fn tail(
        &self,
        wanted: Wanted,
        from: Nanos,
        events: mpsc::Sender<TailEvent>,
    ) -> BoxFuture<'_, BackendResult<()>> {
        Box::pin(tail::run(self, wanted, from, events))
    }

    fn volume(
        &self,
        wanted: Wanted,
        from: Nanos,
        to: Nanos,
        buckets: usize,
    ) -> BoxFuture<'_, BackendResult<Option<Volume>>> {
        Box::pin(self.count(wanted, from, to, buckets))
    }
}
