//! What was measured of one SLO, window by window. Filled by the engine; judged by [`evaluate()`](super::evaluate()).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// What one window said.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Measured. Both are counts of events within the window where known.
    Ratio {
        /// Errors over total.
        error_ratio: f64,
        /// Events in the window, where the source gives them.
        events: Option<f64>,
    },
    /// Total is zero, or the ratio NaN.
    NoTraffic,
    /// No series at all.
    NoData,
    /// The expression failed; the words say why.
    Error(Arc<str>),
    /// Not asked for yet.
    Pending,
}

/// A reading with its age.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedReading {
    /// What was said.
    pub reading: Reading,
    /// When it was asked, on the boot-time clock.
    pub at: crate::time::Tick,
    /// How old it may grow before it is stale: twice its tier's interval.
    pub fresh_for: Duration,
}

/// Everything measured of one SLO, by window name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// By window name.
    pub windows: BTreeMap<String, TimedReading>,
    /// Events per second of `total` over the period, where known: for budgets in events.
    pub total_rate: Option<f64>,
    /// Error-ratio samples over the period, oldest first, for roll-off and burn-down; empty until fetched.
    pub history: Arc<[(DateTime<Utc>, f64)]>,
    /// Events in each step of `history`, in its order; empty where unknown, flat traffic is assumed then.
    pub history_events: Vec<f64>,
    /// First sample of `total` within the period.
    pub first_sample: Option<DateTime<Utc>>,
    /// `errors` had no series in all of the period while `total` has one.
    pub errors_never_seen: Option<bool>,
    /// The backend said that the answer is partial (Thanos, VictoriaMetrics), in its words.
    pub partial: Option<Arc<str>>,
    /// Notices of the backend that are no failure.
    pub warnings: Vec<String>,
    /// Burn over the shortest window in the recent past, oldest first: the sparkline.
    pub spark: Vec<f64>,
    /// When each of its points is.
    pub spark_at: Vec<DateTime<Utc>>,
    /// Time between two points of `spark`.
    pub spark_step: Duration,
}
