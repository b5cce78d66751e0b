//! Jaeger over the shop: its v3 query API, its trace summaries, and the API of its own UI, as version 2.20 has them.
//!
//! Traces come from [`Traces`], a pure function of time, so that a day of them is there at once and nothing is kept.
//! `params` reads requests, `search` finds traces, `otlp` and `ui` write them in the two forms, `wire` sends them
//! piece by piece, `warnings` are what Jaeger adds; `http` are the routes. Start at [`Jaeger`].

mod http;
mod otlp;
mod params;
mod search;
mod ui;
mod warnings;
mod wire;

use std::sync::Arc;

use super::clock::DemoClock;
use super::world::World;
use super::world::logs::RETENTION;
use super::world::traces::Traces;

pub use http::router;

/// Traces that a search may ask for at most.
const MAX_TRACES: usize = 100_000;
/// Requests that a search looks into before it gives up looking for more.
const MOST_EXAMINED: usize = 60_000;

const SECOND: i64 = 1_000_000_000;

/// The server's state.
pub struct Jaeger {
    traces: Traces,
    clock: DemoClock,
}

type Shared = Arc<Jaeger>;

impl Jaeger {
    /// A server over a world.
    pub fn new(world: Arc<World>, clock: DemoClock) -> Self {
        Self {
            traces: Traces::new(world),
            clock,
        }
    }

    /// Now, nanoseconds since the epoch.
    fn now(&self) -> i64 {
        self.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX)
    }

    /// The oldest moment that is kept.
    fn oldest(&self) -> i64 {
        self.now().saturating_sub((RETENTION * 1e9) as i64)
    }
}

/// A trace of the world as a console reads it.
#[cfg(test)]
pub(crate) fn read_back(trace: &super::world::traces::Trace) -> crate::domain::trace::Trace {
    let spans = otlp::resource_spans(trace, 0..trace.count(), &[]);
    let body = format!("{{\"result\":{{\"resourceSpans\":[{spans}]}}}}");
    let reading = crate::backend::traces::otlp::read(body.into_bytes());
    reading.traces.into_iter().next().expect("one trace")
}

#[cfg(test)]
mod tests;
