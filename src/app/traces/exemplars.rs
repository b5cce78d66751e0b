//! What is asked to come from a latency SLO to the requests that were too slow for it.

use chrono::{DateTime, Utc};

/// Exemplars of a latency SLO's histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct ExemplarsAsk {
    /// The SLO, by name.
    pub slo: String,
    /// Its service.
    pub service: String,
    /// The histogram's buckets, as PromQL.
    pub query: String,
    /// The bound above which a request is slow, seconds.
    pub bound: f64,
    /// Measured not before.
    pub from: DateTime<Utc>,
    /// Measured not after.
    pub to: DateTime<Utc>,
}
