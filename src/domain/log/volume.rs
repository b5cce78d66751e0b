//! Lines by time and level: what a histogram is drawn from, whether the server counted or the store.

use super::{Level, Nanos};

/// Lines by time and level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    /// Begin of the first bucket.
    pub from: Option<Nanos>,
    /// Width of a bucket in nanoseconds.
    pub step: i64,
    /// Lines of each bucket by level, by [`Level`]'s order.
    pub buckets: Vec<[u64; Level::ALL.len()]>,
}
