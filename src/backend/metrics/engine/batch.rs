//! One request's worth of questions, and what came of it.
//!
//! A refused batch is bisected until the offender stands alone; a time-out is not, because that would put the
//! same load on a sick server again. Must not know the schedule. Start at [`Batch::run`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::backend::metrics::discovery::{self, Found};
use crate::backend::metrics::plan::{self, Branch, Part, Values};
use crate::backend::metrics::{Answered, Metrics, Sample, Series};
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::time::Now;

/// What is asked, and so which clock it runs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Recorded SLOs of Sloth and Pyrra.
    Discovery,
    /// Bucket bounds of latency SLOs.
    Bounds,
    /// One window, by length.
    Window(Duration),
    /// The shortest window over the last hour.
    Spark,
    /// Error ratios over a period, step by step.
    History {
        /// The period.
        period: Duration,
        /// A step, which is also the window asked for at each.
        step: Duration,
    },
    /// Where within a step of the history the data begins.
    FirstSample {
        /// Unix seconds.
        from: i64,
        /// Unix seconds.
        to: i64,
    },
}

/// A span of a range query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub step: Duration,
}

/// One SLO in a batch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub slo: Arc<str>,
    pub branches: Vec<Branch>,
}

/// Questions that travel in one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub(super) question: Question,
    pub(super) items: Vec<Item>,
    /// How many SLOs a batch of this question could hold when this one left.
    pub(super) size: usize,
    pub(super) span: Option<Span>,
    pub(super) timeout: Option<Duration>,
    pub(super) asked: Now,
}

/// Values by SLO of one instant, or by SLO and moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// One moment.
    Instant(Values),
    /// Bucket bounds, as spelled.
    Bounds(Vec<String>),
    /// Unix seconds → values.
    Range(BTreeMap<i64, Values>),
    /// The server refuses this SLO's expression: why, and whether it is not PromQL at all.
    Refused { why: Arc<str>, unreadable: Unreadable },
}

/// Whether a refusal is about the expression as such or about this window of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    Always,
    ThisWindow,
}

/// What came of a batch.
#[derive(Debug)]
pub struct Outcome {
    pub(super) question: Question,
    pub(super) asked: Now,
    /// The size that the batch was sent with.
    pub(super) size: usize,
    /// Every SLO that travelled in it.
    pub(super) items: Vec<Arc<str>>,
    pub(super) said: Vec<(Arc<str>, Said)>,
    pub(super) found: Option<Found>,
    pub(super) failure: Option<BackendError>,
    pub(super) partial: Option<Arc<str>>,
    pub(super) warnings: Vec<String>,
}

impl Batch {
    /// What is asked.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// How many SLOs travel in it.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it carries no SLO (a discovery).
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Asks. Never fails: a failure is part of the outcome.
    pub async fn run(self, metrics: &dyn Metrics) -> Outcome {
        let mut outcome = Outcome {
            question: self.question.clone(),
            asked: self.asked,
            size: self.size,
            items: self.items.iter().map(|item| Arc::clone(&item.slo)).collect(),
            said: Vec::with_capacity(self.items.len()),
            found: None,
            failure: None,
            partial: None,
            warnings: Vec::new(),
        };
        if self.question == Question::Discovery {
            match discovery::discover(metrics, self.timeout).await {
                Ok(found) => outcome.found = Some(found),
                Err(error) => outcome.failure = Some(error),
            }
            return outcome;
        }
        let mut waiting: Vec<&[Item]> = vec![&self.items];
        while let Some(items) = waiting.pop() {
            match self.ask(metrics, items).await {
                Ok(answered) => {
                    outcome.said.extend(answered.value);
                    outcome.partial = outcome.partial.or(answered.partial);
                    outcome.warnings.extend(answered.warnings);
                }
                Err(error) if is_refusal(&error) => match items {
                    [] => {}
                    [one] => outcome.said.push((
                        Arc::clone(&one.slo),
                        Said::Refused {
                            why: Arc::from(error.detail.as_str()),
                            unreadable: if is_unreadable(&error.detail) {
                                Unreadable::Always
                            } else {
                                Unreadable::ThisWindow
                            },
                        },
                    )),
                    several => {
                        let (left, right) = several.split_at(several.len() / 2);
                        waiting.push(right);
                        waiting.push(left);
                    }
                },
                Err(error) => {
                    outcome.failure = Some(error);
                    break;
                }
            }
        }
        outcome
    }

    async fn ask(
        &self,
        metrics: &dyn Metrics,
        items: &[Item],
    ) -> BackendResult<Answered<Vec<(Arc<str>, Said)>>> {
        let query = plan::union(items.iter().map(|item| item.branches.as_slice()));
        Ok(if let Some(span) = self.span {
            let answered = metrics
                .range_within(query, span.from, span.to, span.step, self.timeout)
                .await?;
            with(answered, |series| sort_range(items, &series))
        } else {
            let answered = metrics.instant(query, None, self.timeout).await?;
            with(answered, |samples| sort_instant(items, &samples, &self.question))
        })
    }
}

/// The query itself is refused: dividing it finds the offender. A 404 or 405 is about the place, not the query.
fn is_refusal(error: &BackendError) -> bool {
    match error.kind {
        ErrorKind::Rejected => matches!(error.status, None | Some(400 | 413 | 422)),
        ErrorKind::TooLarge => true,
        ErrorKind::Unreachable
        | ErrorKind::Tls
        | ErrorKind::TimedOut
        | ErrorKind::NotSignedIn
        | ErrorKind::RateLimited
        | ErrorKind::ServerFault
        | ErrorKind::BadAnswer
        | ErrorKind::Credentials
        | ErrorKind::Cancelled => false,
    }
}

/// It is no PromQL (nor MetricsQL), in any window.
fn is_unreadable(detail: &str) -> bool {
    ["parse error", "parse query", "parsing query"]
        .iter()
        .any(|words| detail.contains(words))
}

fn with<T, U>(answered: Answered<T>, f: impl FnOnce(T) -> U) -> Answered<U> {
    Answered {
        value: f(answered.value),
        partial: answered.partial,
        warnings: answered.warnings,
        date: answered.date,
    }
}

fn sort_instant(items: &[Item], samples: &[Sample], question: &Question) -> Vec<(Arc<str>, Said)> {
    let mut values = vec![Values::default(); items.len()];
    let mut bounds: Vec<Vec<String>> = vec![Vec::new(); items.len()];
    for sample in samples {
        let Some((index, part)) = plan::owner(sample.labels.value(plan::TAG)) else {
            continue;
        };
        if part == Part::Bounds {
            if let Some(of) = bounds.get_mut(index) {
                of.push(sample.labels.value("le").to_owned());
            }
        } else if let Some(of) = values.get_mut(index) {
            of.push(part, sample.value);
        }
    }
    let names = items.iter().map(|item| Arc::clone(&item.slo));
    if *question == Question::Bounds {
        names.zip(bounds.into_iter().map(Said::Bounds)).collect()
    } else {
        names.zip(values.into_iter().map(Said::Instant)).collect()
    }
}

fn sort_range(items: &[Item], series: &[Series]) -> Vec<(Arc<str>, Said)> {
    let mut all: Vec<BTreeMap<i64, Values>> = vec![BTreeMap::new(); items.len()];
    for one in series {
        let Some((index, part)) = plan::owner(one.labels.value(plan::TAG)) else {
            continue;
        };
        let Some(of) = all.get_mut(index) else { continue };
        for (at, value) in &one.points {
            of.entry(at.round() as i64).or_default().push(part, *value);
        }
    }
    items
        .iter()
        .map(|item| Arc::clone(&item.slo))
        .zip(all.into_iter().map(Said::Range))
        .collect()
}
