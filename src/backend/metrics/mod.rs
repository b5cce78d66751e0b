//! Metrics: the Prometheus API and the SLO engine on top of it.
//!
//! [`Metrics`] is the signal's trait; `prometheus` implements it for Prometheus, Thanos, Mimir and
//! VictoriaMetrics; `plan` turns SLOs into batched queries by tier; `discovery` finds recorded SLOs;
//! `engine` keeps the schedule and the readings and yields the board.

pub mod discovery;
pub mod engine;
pub mod plan;
pub mod prometheus;
pub mod spent;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::BackendResult;
use crate::domain::alert::Labels;
use crate::domain::trace::exemplar::Exemplar;

/// Which server speaks the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// Prometheus itself.
    Prometheus,
    /// Thanos Querier.
    Thanos,
    /// Grafana Mimir.
    Mimir,
    /// VictoriaMetrics.
    VictoriaMetrics,
}

/// One series of an instant answer. Stale and absent points are simply not there.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Labels, `__name__` included where the server gives it.
    pub labels: Labels,
    /// May be NaN or infinite.
    pub value: f64,
    /// Evaluation time, unix seconds.
    pub at: f64,
}

/// One series of a range answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Labels.
    pub labels: Labels,
    /// (unix seconds, value), oldest first.
    pub points: Vec<(f64, f64)>,
}

/// An answer, with what the server said beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// The result.
    pub value: T,
    /// The server said that this is not whole, in its words.
    pub partial: Option<Arc<str>>,
    /// Other notices.
    pub warnings: Vec<String>,
    /// The server's clock, from its `Date` header.
    pub date: Option<DateTime<Utc>>,
}

/// State of an alerting rule's alert, as Prometheus reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleAlert {
    /// Labels, `alertname` included, external labels not.
    pub labels: Labels,
    /// `pending` or `firing`.
    pub firing: Firing,
    /// Since when.
    pub active_at: DateTime<Utc>,
}

/// Pending or firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firing {
    /// Within its `for`.
    Pending,
    /// Firing.
    Firing,
}

/// Whether a rule's last evaluation went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleHealth {
    /// It did.
    Ok,
    /// It failed, with these words.
    Err(String),
    /// Not evaluated yet.
    Unknown,
}

/// One alerting rule.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertingRule {
    /// `alertname`.
    pub name: Arc<str>,
    /// Its expression.
    pub query: String,
    /// Labels the rule itself sets.
    pub labels: Labels,
    /// Health of the last evaluation.
    pub health: RuleHealth,
    /// When.
    pub last_evaluation: Option<DateTime<Utc>>,
    /// `for`.
    pub hold: Duration,
    /// Pending and firing.
    pub alerts: Vec<RuleAlert>,
}

/// A Prometheus-compatible metrics store.
pub trait Metrics: Send + Sync {
    /// The configured name, for errors.
    fn name(&self) -> &str;

    /// An instant query at `at` (the server's now where none). Non-vector answers are lifted to one series
    /// (scalar) or refused (`BadAnswer`: string, matrix).
    fn instant(
        &self,
        query: String,
        at: Option<DateTime<Utc>>,
        timeout: Option<Duration>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Sample>>>>;

    /// A range query, at most 11,000 points a series.
    fn range(
        &self,
        query: String,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        step: Duration,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Series>>>> {
        self.range_within(query, from, to, step, None)
    }

    /// A range query with its own time-out; the endpoint's where none.
    fn range_within(
        &self,
        query: String,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        step: Duration,
        timeout: Option<Duration>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Series>>>>;

    /// Exemplars of every series that a query names, in whatever order they come. A store that keeps none has none;
    /// measurements that name no trace are left out.
    fn exemplars(
        &self,
        query: String,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Exemplar>>>>;

    /// Alerting rules with their alerts and health. `None` where this server cannot know (VictoriaMetrics without vmalert).
    fn alerting_rules(&self) -> BoxFuture<'_, BackendResult<Option<Vec<AlertingRule>>>>;

    /// Flavor and version.
    fn version(&self) -> BoxFuture<'_, BackendResult<(Flavor, String)>>;
}
