//! The shop's requests as traces, for any moment of any day.
//!
//! Whatever line of a log carries a trace id, the trace is here, and agrees with the line: its service and pod, its
//! moment, its duration and what it says went wrong are read out of the line itself. Orders are here whether they
//! were logged or not, so that failures have their share. A trace is a pure function of (seed, story, id): an id
//! opens with the second it belongs to, and that second is made anew. `orders`, `failures`, `pages` and `services` say what
//! happens within the requests, `loom` lays their spans, `batch` is the one that is too large to hold.
//! Start at [`Traces`].

mod batch;
mod failures;
mod loom;
mod operations;
mod orders;
mod pages;
mod request;
mod services;
mod span;
mod struck;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::incident::Strike;
use super::logs::{Logs, failing, noise, unit};
use super::story::{Fate, PODS};
use super::{Scenario, World};
use batch::Batch;
use loom::Loom;

pub use batch::{
    LENGTH as BATCH_LENGTH, OPERATION as BATCH_OPERATION, SERVICE as BATCH_SERVICE, SPANS as BATCH_SPANS,
};
pub use loom::{Place, SKEW, SKEWED_HOST};
pub use operations::{DRILLED, OPERATIONS, Operation};
pub use request::{Kind, Request};
pub use span::{Attributes, Body, Event, Link, Resource, Span, SpanKind, Trace, Value};

const SECOND: i64 = 1_000_000_000;
/// A trace's spans begin no further from the second it belongs to, seconds.
pub const REACH: i64 = 16;

/// The traces of a world.
#[derive(Debug)]
pub struct Traces {
    world: Arc<World>,
    logs: Logs,
}

/// An id opens with the second its trace belongs to, as those of the logs do.
fn trace_id(at: i64, dice: u64) -> u128 {
    u128::from(at.div_euclid(SECOND) as u32) << 96
        | u128::from(noise([dice, 2, 0, 0]) as u32) << 64
        | u128::from(noise([dice, 3, 0, 0]) | 1)
}

impl Traces {
    /// Of a world.
    pub fn new(world: Arc<World>) -> Self {
        let logs = Logs::new(Arc::clone(&world));
        Self { world, logs }
    }

    /// Every operation that is seen in this world.
    pub fn operations(&self) -> impl Iterator<Item = &'static Operation> {
        let drilled: &[Operation] = match self.world.story().incident {
            Some(_) => &DRILLED,
            None => &[],
        };
        OPERATIONS.iter().chain(drilled)
    }

    /// The story second that a moment lies in.
    pub fn second_of(&self, at: i64) -> i64 {
        self.logs.second_of(at)
    }

    /// The moment a story second begins at.
    fn begin(&self, second: i64) -> i64 {
        (self.world.epoch().anchor.timestamp() + second) * SECOND
    }

    /// The requests that belong to a story second, those of a service where one is given.
    pub fn second(&self, second: i64, service: Option<&str>) -> Vec<Request<'_>> {
        let mut by_id: BTreeMap<u128, Request<'_>> = BTreeMap::new();
        for (stream, of) in self.logs.streams().iter().enumerate() {
            for line in self.logs.second(stream, second) {
                let strike = line.strike();
                let struck = strike
                    .and_then(|index| self.strike(index))
                    .map(|strike| Kind::Struck(strike.chain));
                let Some(kind) = struck
                    .or_else(|| Kind::of(line.template()))
                    .filter(|_| line.trace != 0)
                else {
                    continue;
                };
                if service.is_some_and(|service| !kind.services().contains(&service)) {
                    continue;
                }
                let known = by_id.entry(line.trace).or_insert_with(|| Request {
                    id: line.trace,
                    kind,
                    at: line.at,
                    lines: Vec::new(),
                    pod: of.pod,
                    dice: self.dice(line.trace),
                    waits: false,
                    batch: None,
                    strike,
                });
                known.lines.push(line);
            }
        }
        let mut all: Vec<Request<'_>> = by_id.into_values().collect();
        for request in &mut all {
            request.lines.sort_by_key(|line| line.at);
        }
        if service.is_none_or(|service| Kind::Order.services().contains(&service)) {
            self.unlogged(second, &mut all);
        }
        if service.is_none_or(|service| Kind::Batch.services().contains(&service)) {
            all.extend(self.batch(second));
        }
        all.sort_by_key(|request| request.at);
        all
    }

    /// A calm world has no requests from its begin on.
    fn silent(&self, second: i64) -> bool {
        self.world.epoch().scenario == Scenario::Calm && second >= 0
    }

    fn dice(&self, id: u128) -> u64 {
        noise([self.world.epoch().seed, id as u64, (id >> 64) as u64, 17])
    }

    /// Orders that no line was written of, so that all of them together are those that checkout's metrics count.
    fn unlogged(&self, second: i64, all: &mut Vec<Request<'_>>) {
        let Some(fate) = self
            .world
            .story()
            .fate("checkout")
            .filter(|_| !self.silent(second))
        else {
            return;
        };
        let s = second as f64;
        let logged = fate.traffic.at(s) * LOGGED_ORDERS;
        let each = fate.service.rps / PODS as f64 * fate.traffic.at(s);
        let struck = each * fate.struck.at(s);
        let rate = each - failing(self.world.story(), "checkout", s) - struck - logged;
        for pod in (0..PODS).filter(|pod| !fate.is_dark(*pod, s)) {
            let salt = noise([self.world.epoch().seed, 16, pod as u64, second as u64]);
            let count = (rate + unit(salt)).floor().max(0.0) as u64;
            for nth in 0..count {
                let request = noise([salt, nth, 1, 0]);
                let at = self.begin(second) + (request % SECOND.cast_unsigned()).cast_signed();
                let id = trace_id(at, request);
                let dice = self.dice(id);
                all.push(Request {
                    id,
                    kind: Kind::Order,
                    at,
                    lines: Vec::new(),
                    pod,
                    dice,
                    waits: unit(noise([dice, 18, 0, 0])) < waiting(fate, s),
                    batch: None,
                    strike: None,
                });
            }
        }
    }

    /// The batch that begins in a story second.
    pub fn batch(&self, second: i64) -> Option<Request<'_>> {
        let begin = self.begin(second);
        let (id, batch) = batch::beginning(second, begin, self.world.epoch().seed)?;
        (!self.silent(second)).then(|| Request {
            id,
            kind: Kind::Batch,
            at: begin,
            lines: Vec::new(),
            pod: 0,
            dice: 0,
            waits: false,
            batch: Some(batch),
            strike: None,
        })
    }

    /// A strike of the incident, by its place.
    fn strike(&self, index: usize) -> Option<&Strike> {
        self.world.story().incident.as_ref()?.strikes.get(index)
    }

    /// The request with an id.
    pub fn find(&self, id: u128) -> Option<Request<'_>> {
        let epoch = i64::from((id >> 96) as u32);
        let second = epoch - self.world.epoch().anchor.timestamp();
        let of = self.second(second, None);
        of.into_iter().find(|request| request.id == id)
    }

    /// The spans of a request.
    pub fn trace(&self, request: &Request<'_>) -> Trace {
        if let Some(batch) = request.batch {
            let resource = |place: Place| loom::resource(&self.world, place, batch.start());
            return Trace {
                id: request.id,
                resources: batch::PLACES.map(resource).to_vec(),
                body: Body::Batch(batch),
            };
        }
        let loom = Loom::new(&self.world, request.id, request.dice);
        let text = self.told(request);
        match request.kind {
            Kind::Order => self.order(loom, request, &text),
            Kind::Denied => self.denied(loom, request),
            Kind::ChargeFailed => self.charge_failed(loom, request, &text),
            Kind::Page => pages::page(loom, request, &text),
            Kind::Search => pages::search(loom, request, &text),
            Kind::SlowSearch => pages::slow_search(loom, request, &text),
            Kind::Products => pages::products(loom, request, &text),
            Kind::ShardTimedOut => pages::shard_timed_out(loom, request, &text),
            Kind::ModelReload => pages::model_reload(loom, request, &text),
            Kind::Cart => services::cart(loom, request, &text),
            Kind::Charge => services::charge(loom, request, &text),
            Kind::Reserved => services::reserved(loom, request),
            Kind::Deadlock => services::deadlock(loom, request, &text),
            Kind::Label => self.label(loom, request, &text),
            Kind::QuoteFailed => services::quote_failed(loom, request, &text),
            Kind::Token => services::token(loom, request),
            Kind::GiftCard => services::gift_card(loom, request),
            Kind::Points | Kind::Batch => services::points(loom, request),
            Kind::Struck(_) => match request.strike.and_then(|index| self.strike(index)) {
                Some(strike) => self.struck(loom, request, strike),
                None => loom.done(),
            },
        }
    }

    /// When the last span of a request's trace has ended.
    pub fn settled(&self, request: &Request<'_>, trace: &Trace) -> i64 {
        let end = |span: std::borrow::Cow<'_, Span>| span.end;
        let batch = request.batch.map(Batch::end);
        batch
            .or_else(|| trace.spans().map(end).max())
            .unwrap_or(request.at)
    }

    /// The text of a request's first line.
    fn told(&self, request: &Request<'_>) -> String {
        let first = request.lines.first();
        first.map_or_else(String::new, |line| self.logs.text(line))
    }

    /// What a request says by a template, and when.
    fn said(&self, request: &Request<'_>, template: &str) -> (i64, String) {
        let line = request.lines.iter().find(|line| line.template() == template);
        line.map_or((request.at, String::new()), |line| {
            (line.at, self.logs.text(line))
        })
    }
}

/// Orders that are logged, per pod and second.
const LOGGED_ORDERS: f64 = 0.8;

/// Share of the good orders that wait for a connection.
fn waiting(fate: &Fate, s: f64) -> f64 {
    let (slow, bad) = (fate.own_slow(s), fate.own_errors(s));
    ((slow - bad) / (1.0 - bad)).max(0.0)
}

/// The number that follows a key in a line.
fn number_after(text: &str, key: &str) -> Option<f64> {
    let (_, rest) = text.split_once(key)?;
    let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(digits.len());
    digits.get(..end)?.trim_end_matches('.').parse().ok()
}

/// The word that follows a key in a line.
fn word_after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(key)?;
    rest.split([' ', '"', ',']).next()
}

/// Nanoseconds of milliseconds.
fn millis(ms: f64) -> i64 {
    (ms * 1e6) as i64
}

#[cfg(test)]
mod tests;
