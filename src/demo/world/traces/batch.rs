//! The batch: once an hour every product is indexed anew, in one trace of fifty thousand spans.
//!
//! A span is a function of its position, so the trace is told without ever being held.

use super::super::logs::noise;
use super::loom::{MS, Place};
use super::span::{Event, Span, SpanKind};

/// Spans of the trace.
pub const SPANS: usize = 50_000;
/// The service that runs it.
pub const SERVICE: &str = "reindex";
/// The operation at its root.
pub const OPERATION: &str = "reindex catalog";
/// How long it takes, nanoseconds.
pub const LENGTH: i64 = 480_000 * MS;
/// What it runs in: itself, and the catalog that it asks.
pub const PLACES: [Place; 2] = [
    Place {
        service: SERVICE,
        pod: 0,
    },
    Place {
        service: "catalog",
        pod: 1,
    },
];

/// Seconds from one begin to the next.
const EVERY: i64 = 3_600;
/// Before the story's zero, seconds.
const BEFORE: i64 = 1_200;
const SHARDS: usize = 25;
/// The root, the plan, the swap, and the shards.
const HEAD: usize = 3 + SHARDS;
/// The product, the question, the answer, the statement.
const STEPS: usize = 4;
/// Products of a shard at most.
const OF_SHARD: usize = (SPANS - HEAD) / STEPS / SHARDS + 1;

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Begin.
    start: i64,
    dice: u64,
}

/// The run that begins in a story second, with its trace id.
pub fn beginning(second: i64, start: i64, seed: u64) -> Option<(u128, Batch)> {
    if (second + BEFORE).rem_euclid(EVERY) != 0 {
        return None;
    }
    let dice = noise([seed, second as u64, 13, 0]);
    let id = super::trace_id(start, dice);
    Some((id, Batch { start, dice }))
}

impl Batch {
    /// When it ends.
    pub fn end(self) -> i64 {
        self.start + LENGTH
    }

    /// When it begins.
    pub fn start(self) -> i64 {
        self.start
    }

    fn id(self, index: usize) -> u64 {
        noise([self.dice, index as u64, 12, 0]) | 1
    }

    fn at(self, share: f64) -> i64 {
        self.start + (LENGTH as f64 * share) as i64
    }

    /// Five shards at a time.
    fn shard(self, shard: usize) -> (i64, i64) {
        let turn = (shard / 5) as f64;
        (self.at(0.01 + turn * 0.196), self.at(0.01 + turn * 0.196 + 0.195))
    }

    /// Whether a product's statement is given up.
    fn fails(self, product: usize) -> bool {
        noise([self.dice, product as u64, 14, 0]).is_multiple_of(1_021)
    }

    /// How many spans failed: a statement takes its answer, its question and its product with it.
    pub fn errors(self) -> usize {
        let products = (SPANS - HEAD) / STEPS;
        (0..products).filter(|product| self.fails(*product)).count() * STEPS
    }

    fn product(self, product: usize) -> (i64, i64) {
        let (start, end) = self.shard(product % SHARDS);
        let width = (end - start) / whole(OF_SHARD);
        let from = start + whole(product / SHARDS) * width;
        let used = 700 + (noise([self.dice, product as u64, 15, 0]) % 280).cast_signed();
        (from, from + width * used / 1_000)
    }

    /// The span at a position.
    pub fn span(self, index: usize) -> Span {
        let bare = |resource: usize, kind: SpanKind, name: &'static str, (start, end): (i64, i64)| Span {
            id: self.id(index),
            parent: None,
            resource,
            name: name.into(),
            kind,
            start,
            end,
            failure: None,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
        };
        if index < HEAD {
            let mut span = match index {
                0 => bare(0, SpanKind::Internal, OPERATION, (self.start, self.end())),
                1 => bare(0, SpanKind::Internal, "read plan", (self.start, self.at(0.009))),
                2 => bare(
                    0,
                    SpanKind::Internal,
                    "swap index",
                    (self.at(0.992), self.at(0.999)),
                ),
                _ => bare(0, SpanKind::Internal, "index shard", self.shard(index - 3)),
            };
            span.parent = (index > 0).then(|| self.id(0));
            if index >= 3 {
                span.attributes.push(("shard", (index - 3).into()));
            }
            return span;
        }
        let (product, step) = ((index - HEAD) / STEPS, (index - HEAD) % STEPS);
        let (start, end) = self.product(product);
        let inset = (end - start) / 16 * whole(step);
        let time = (start + inset, end - inset);
        let mut span = match step {
            0 => bare(0, SpanKind::Internal, "index product", time),
            1 => bare(0, SpanKind::Client, "GET /v1/products/{id}", time),
            2 => bare(1, SpanKind::Server, "GET /v1/products/{id}", time),
            _ => bare(1, SpanKind::Client, "SELECT products", time),
        };
        span.parent = Some(self.id(if step == 0 {
            3 + product % SHARDS
        } else {
            index - 1
        }));
        self.describe(&mut span, product, step);
        span
    }

    fn describe(self, span: &mut Span, product: usize, step: usize) {
        let fails = self.fails(product);
        let code = if fails { 500 } else { 200 };
        let attributes = &mut span.attributes;
        match step {
            0 => attributes.push(("product.id", (1_000 + product).into())),
            1 => attributes.extend([
                ("http.request.method", "GET".into()),
                (
                    "url.full",
                    format!("http://catalog:8080/v1/products/{}", 1_000 + product).into(),
                ),
                ("peer.service", "catalog".into()),
                ("http.response.status_code", code.into()),
            ]),
            2 => attributes.extend([
                ("http.request.method", "GET".into()),
                ("http.route", "/v1/products/{id}".into()),
                ("http.response.status_code", code.into()),
            ]),
            _ => attributes.extend([
                ("db.system.name", "postgresql".into()),
                ("db.namespace", "catalog".into()),
                ("db.operation.name", "SELECT".into()),
                ("db.collection.name", "products".into()),
                ("db.query.text", "SELECT * FROM products WHERE id = $1".into()),
                ("peer.service", "postgres".into()),
            ]),
        }
        if fails {
            let message = "canceling statement due to statement timeout";
            span.failure = Some(message.into());
            if step == STEPS - 1 {
                span.events.push(Event {
                    at: span.end,
                    name: "exception",
                    attributes: vec![
                        ("exception.type", "pq.Error".into()),
                        ("exception.message", message.into()),
                    ],
                });
            }
        }
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
