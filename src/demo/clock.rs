//! What time it is in the demo: the real clock, or one that stands, for tests and pictures.

use chrono::{DateTime, Utc};

use crate::time::Clock;

/// The demo's clock.
#[derive(Debug, Clone, Copy)]
pub enum DemoClock {
    /// Real time.
    Live(Clock),
    /// It stands.
    Fixed(DateTime<Utc>),
}

impl DemoClock {
    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::Live(clock) => clock.now().utc,
            Self::Fixed(at) => *at,
        }
    }
}

/// Unix seconds with milliseconds.
pub fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

/// The moment of unix seconds, to the millisecond.
pub fn moment(seconds: f64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64).unwrap_or_default()
}
