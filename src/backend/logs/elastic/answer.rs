//! Answers of `_search`, read: hits as lines, what is missing, counts by time and level.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::errors::Refusal;
use super::question::MILLI;
use super::{fields, levels};
use crate::backend::logs::Volume;
use crate::domain::log::{Batch, Level, Nanos, Stream};

#[derive(Deserialize)]
struct SearchWire {
    #[serde(default)]
    timed_out: bool,
    #[serde(default, rename = "_shards")]
    shards: ShardsWire,
    #[serde(default)]
    hits: HitsWire,
    pit_id: Option<String>,
    aggregations: Option<AggregationsWire>,
}

#[derive(Deserialize, Default)]
struct ShardsWire {
    #[serde(default)]
    total: u64,
    #[serde(default)]
    failed: u64,
    #[serde(default)]
    failures: Vec<Value>,
}

#[derive(Deserialize, Default)]
struct HitsWire {
    #[serde(default)]
    hits: Vec<HitWire>,
}

#[derive(Deserialize)]
struct HitWire {
    #[serde(default, rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: Option<String>,
    #[serde(rename = "_source")]
    source: Option<Value>,
    fields: Option<Value>,
    #[serde(default)]
    sort: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct AggregationsWire {
    time: BucketsWire,
}

#[derive(Deserialize)]
struct BucketsWire {
    #[serde(default)]
    buckets: Vec<BucketWire>,
}

#[derive(Deserialize)]
struct BucketWire {
    key: Value,
    #[serde(default)]
    doc_count: u64,
    level: Option<BucketsWire>,
}

/// An answer, read.
#[derive(Default)]
pub(super) struct Found {
    /// In the order of the answer.
    pub hits: Vec<Hit>,
    /// Hits that were told, those that could not be read included.
    pub told: usize,
    /// Why the answer is not whole, in words; empty where it is.
    pub partial: Vec<String>,
    /// The server's time ran out: hits are not even the first ones.
    pub timed_out: bool,
    /// The latest id of the PIT.
    pub pit: Option<String>,
    /// A shard has lost what the PIT stands for.
    pub lost_context: bool,
    /// Documents came without their `_source`.
    pub sourceless: bool,
}

/// A document as a line.
#[derive(Debug)]
pub(super) struct Hit {
    /// When.
    pub at: Nanos,
    /// The millisecond that it is sorted under.
    pub ms: i64,
    /// Tells documents apart.
    pub key: u128,
    /// What to go on behind.
    pub sort: Vec<Box<RawValue>>,
    level: Level,
    stream: Arc<Stream>,
    text: String,
    extra: String,
}

/// Reads an answer of `_search`; `services` are the fields that may tell the service.
pub(super) fn read(body: &[u8], services: &[Arc<str>]) -> Result<Found, serde_json::Error> {
    let wire: SearchWire = serde_json::from_slice(body)?;
    let partial = missing(&wire);
    let told = wire.hits.hits.len();
    let sourceless = wire
        .hits
        .hits
        .iter()
        .any(|hit| hit.source.is_none() && hit.fields.is_none());
    let lost_context = wire.shards.failures.iter().any(|failure| {
        failure
            .get("reason")
            .is_some_and(|reason| Refusal::of(reason).lost_context())
    });
    let mut streams = Streams::default();
    let hits = wire
        .hits
        .hits
        .into_iter()
        .filter_map(|hit| line(hit, services, &mut streams))
        .collect();
    Ok(Found {
        hits,
        told,
        partial,
        timed_out: wire.timed_out,
        pit: wire.pit_id,
        lost_context,
        sourceless,
    })
}

fn missing(wire: &SearchWire) -> Vec<String> {
    let mut partial = Vec::new();
    if wire.timed_out {
        partial.push("the search ran out of its time on the server".to_owned());
    }
    let ShardsWire {
        total,
        failed,
        failures,
    } = &wire.shards;
    if *failed > 0 {
        let reason = failures
            .first()
            .and_then(|failure| failure.get("reason"))
            .map(|reason| Refusal::of(reason).reason)
            .filter(|reason| !reason.is_empty());
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        partial.push(format!("{failed} of {total} shards failed{reason}"));
    }
    partial
}

/// Streams that many documents of an answer share.
#[derive(Default)]
struct Streams(HashMap<Stream, Arc<Stream>>);

impl Streams {
    fn shared(&mut self, stream: Stream) -> Arc<Stream> {
        if let Some(held) = self.0.get(&stream) {
            return Arc::clone(held);
        }
        let shared = Arc::new(stream.clone());
        self.0.insert(stream, Arc::clone(&shared));
        shared
    }
}

/// A hit whose time cannot be told is none: it could not be paged behind.
fn line(hit: HitWire, services: &[Arc<str>], streams: &mut Streams) -> Option<Hit> {
    let sorted = moment(hit.sort.first()?.get())?;
    let mut flat = fields::flatten(hit.source.or(hit.fields)?);
    let at = flat
        .remove(fields::TIME)
        .and_then(|told| finer(&told, sorted))
        .unwrap_or(sorted);
    let level = fields::read(&flat, fields::LEVEL)
        .map(|word| levels::of_word(&word))
        .filter(|level| *level != Level::Unknown)
        .or_else(|| fields::read(&flat, fields::SEVERITY_NUMBER).map(|number| levels::of_word(&number)))
        .unwrap_or_default();
    let service = fields::read(&flat, services);
    let mut labels: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    for &name in fields::ORIGIN {
        if let Some(value) = fields::take(&mut flat, &[name]) {
            labels.push((Arc::from(name), Arc::from(value)));
        }
    }
    let stream = streams.shared(Stream {
        labels,
        service: service.map(Arc::from),
        native_id: Some(Arc::from(hit.index.as_str())),
    });
    let message = fields::take(&mut flat, fields::MESSAGE);
    let rest: Map<String, Value> = flat.into_iter().collect();
    let rest = if rest.is_empty() {
        String::new()
    } else {
        Value::Object(rest).to_string()
    };
    // a document without a message is its own
    let (text, extra) = match message {
        Some(message) => (message, rest),
        None => (rest, String::new()),
    };
    let key = match &hit.id {
        Some(id) => key(&[hit.index.as_bytes(), id.as_bytes()]),
        // synthetic sources have none: what it says tells it
        None => key(&[
            hit.index.as_bytes(),
            &at.0.to_le_bytes(),
            text.as_bytes(),
            extra.as_bytes(),
        ]),
    };
    Some(Hit {
        at,
        ms: sorted.0.div_euclid(MILLI),
        key,
        sort: hit.sort,
        level,
        stream,
        text,
        extra,
    })
}

/// 128 bits that two documents share by chance never.
fn key(parts: &[&[u8]]) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, parts).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// A sort value of the time: milliseconds (`date`), nanoseconds (`date_nanos`), or text where a format was asked.
fn moment(sort: &str) -> Option<Nanos> {
    if let Some(text) = sort.strip_prefix('"') {
        return rfc3339(text.strip_suffix('"')?);
    }
    let number: i64 = sort.parse().ok()?;
    // 10¹⁵ ms is the year 33658, 10¹⁵ ns twelve days after the epoch
    if number.unsigned_abs() < 1_000_000_000_000_000 {
        Some(Nanos(number.checked_mul(MILLI)?))
    } else {
        Some(Nanos(number))
    }
}

fn rfc3339(text: &str) -> Option<Nanos> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    at.timestamp_nanos_opt().map(Nanos)
}

/// The document's own spelling of its time, where it is the same moment told finer.
fn finer(told: &Value, sorted: Nanos) -> Option<Nanos> {
    let text = match told {
        Value::String(text) => text,
        Value::Array(values) => values.first()?.as_str()?,
        _ => return None,
    };
    rfc3339(text).filter(|at| at.0.div_euclid(MILLI) == sorted.0.div_euclid(MILLI))
}

/// Hits as a batch, in their order.
pub(super) fn batch(hits: &[Hit]) -> Batch {
    let mut batch = Batch::default();
    let mut positions: HashMap<*const Stream, u32> = HashMap::new();
    for hit in hits {
        let position = *positions.entry(Arc::as_ptr(&hit.stream)).or_insert_with(|| {
            batch.streams.push(Arc::clone(&hit.stream));
            u32::try_from(batch.streams.len() - 1).unwrap_or(u32::MAX)
        });
        batch.push(
            Some(hit.at),
            position,
            hit.level,
            hit.text.as_bytes(),
            hit.extra.as_bytes(),
        );
    }
    batch
}

/// Reads counts by time and level; buckets of `step_ms` from `from_ms` on.
pub(super) fn counts(
    body: &[u8],
    from_ms: i64,
    step_ms: i64,
    buckets: usize,
) -> Result<Volume, serde_json::Error> {
    let wire: SearchWire = serde_json::from_slice(body)?;
    let mut volume = Volume {
        from: Some(Nanos(from_ms.saturating_mul(MILLI))),
        step: step_ms.saturating_mul(MILLI),
        buckets: vec![[0; Level::ALL.len()]; buckets],
    };
    for bucket in wire.aggregations.map(|all| all.time.buckets).unwrap_or_default() {
        let Some(row) = bucket
            .key
            .as_f64()
            .map(|key| key as i64)
            .and_then(|key| usize::try_from(key.checked_sub(from_ms)?.div_euclid(step_ms.max(1))).ok())
            .and_then(|position| volume.buckets.get_mut(position))
        else {
            continue;
        };
        let mut untold = bucket.doc_count;
        for level in bucket.level.map(|levels| levels.buckets).unwrap_or_default() {
            let word = match &level.key {
                Value::String(word) => levels::of_word(word),
                Value::Number(number) => levels::of_word(&number.to_string()),
                _ => Level::Unknown,
            };
            // a document may tell several levels: no more are counted than there are documents
            let count = level.doc_count.min(untold);
            untold -= count;
            if let Some(cell) = row.get_mut(word as usize) {
                *cell += count;
            }
        }
        if let Some(cell) = row.get_mut(Level::Unknown as usize) {
            *cell += untold;
        }
    }
    Ok(volume)
}
