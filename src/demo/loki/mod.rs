//! Loki over the shop: its HTTP API and its websocket tail.
//!
//! Lines come from [`Logs`], a pure function of time, so that a day of them is there at once and nothing is kept.
//! `logql` reads queries, `select` runs them, `http` and `tail` are the wire, `params` what stands in a request;
//! limits are refused in Loki's own words. Start at [`Loki`].

mod http;
mod logql;
mod params;
mod select;
mod tail;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use super::clock::DemoClock;
use super::world::World;
use super::world::logs::{Logs, RETENTION};

pub use http::router;

/// Lines of an answer at most.
const MAX_ENTRIES: usize = 5_000;
/// A query's length at most, seconds: 30 days and an hour.
const MAX_LENGTH: i64 = (30 * 24 + 1) * 3_600;
/// Series of an answer at most.
const MAX_SERIES: usize = 500;
/// Points of a series at most.
const MAX_POINTS: i64 = 11_000;
/// Tails at once.
const MAX_TAILS: usize = 10;
/// Bytes of a line at most.
const MAX_LINE: usize = 256 * 1_024;

const SECOND: i64 = 1_000_000_000;

/// The server's state.
pub struct Loki {
    logs: Logs,
    clock: DemoClock,
    /// Tails that are open.
    open: Arc<AtomicUsize>,
    /// Their tasks; they end with the server.
    tails: Mutex<JoinSet<()>>,
}

type Shared = Arc<Loki>;

impl Loki {
    /// A server over a world.
    pub fn new(world: Arc<World>, clock: DemoClock) -> Self {
        Self {
            logs: Logs::new(world),
            clock,
            open: Arc::default(),
            tails: Mutex::default(),
        }
    }

    /// Now, nanoseconds since the epoch.
    fn now(&self) -> i64 {
        self.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX)
    }

    /// The oldest line that is kept.
    fn oldest(&self) -> i64 {
        self.now().saturating_sub((RETENTION * 1e9) as i64)
    }
}

#[cfg(test)]
mod tests;
