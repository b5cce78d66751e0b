//! Loki's JSON: streams of a query, frames of a tail, series of a count.
//!
//! With `categorize-labels` (3.0 and later) an entry is `[ns, line, {"structuredMetadata", "parsed"}]`; a server that
//! does not know the flag sends `[ns, line]` and folds metadata into the stream's labels, where the names that
//! change from line to line are taken out again here. <https://grafana.com/docs/loki/latest/reference/loki-http-api/>

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::backend::logs::entry::{Entry, Found};
use crate::backend::logs::seen::{LineKey, stream_hash};
use crate::backend::logs::words::level_by;
use crate::domain::log::{Level, Nanos, Stream};

/// Names of metadata that an old server folds into the stream: they differ from line to line.
const FOLDED: [&str; 16] = [
    "detected_level",
    "trace_id",
    "traceID",
    "traceid",
    "span_id",
    "spanID",
    "severity_text",
    "severity_number",
    "observed_timestamp",
    "scope_name",
    "scope_version",
    "flags",
    "request_id",
    "__error__",
    "__error_details__",
    "__preserve_error__",
];
/// Streams that are remembered; all are forgotten beyond that, and cost their labels anew.
const STREAMS: usize = 20_000;

/// A frame of the tail.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) entries: Vec<Entry>,
    /// What the server dropped because we read slowly, as far as it counts.
    pub(super) dropped: Option<Dropped>,
}

/// Lines that the server dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dropped {
    /// At least so many.
    pub(super) count: u64,
    /// The oldest of them.
    pub(super) oldest: Nanos,
    /// The newest of them.
    pub(super) newest: Nanos,
}

impl Dropped {
    /// These and more of them.
    pub(super) fn and(self, more: Self) -> Self {
        Self {
            count: self.count.saturating_add(more.count),
            oldest: self.oldest.min(more.oldest),
            newest: self.newest.max(more.newest),
        }
    }
}

/// Why an answer is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// The query counts instead of listing lines.
    Metric,
    /// It does not read: why.
    Json(String),
}

/// Makes streams of labels, the same one for the same labels.
#[derive(Debug)]
pub(super) struct Reader {
    /// Labels that say the service, the surest first.
    service_labels: Vec<Arc<str>>,
    streams: Mutex<HashMap<u64, (Arc<Stream>, u64)>>,
}

impl Reader {
    pub(super) fn new(service_labels: Vec<Arc<str>>) -> Self {
        Self {
            service_labels,
            streams: Mutex::default(),
        }
    }

    /// Reads the answer to a query of lines.
    pub(super) fn found(&self, body: &[u8]) -> Result<Found, Unread> {
        let text = String::from_utf8_lossy(body);
        let answer: Answer<'_> = match serde_json::from_str(&text) {
            Ok(answer) => answer,
            Err(error) => {
                let head: Result<Head, _> = serde_json::from_str(&text);
                let metric =
                    head.is_ok_and(|head| matches!(head.data.result_type, "matrix" | "vector" | "scalar"));
                return Err(if metric {
                    Unread::Metric
                } else {
                    Unread::Json(error.to_string())
                });
            }
        };
        let data = answer.data.unwrap_or_default();
        if matches!(&*data.result_type, "matrix" | "vector" | "scalar") {
            return Err(Unread::Metric);
        }
        let categorized = data
            .flags
            .iter()
            .flatten()
            .any(|flag| flag == "categorize-labels");
        Ok(Found {
            entries: self.entries(data.result.unwrap_or_default(), categorized),
            warnings: answer.warnings.unwrap_or_default(),
        })
    }

    /// Reads a frame of the tail.
    pub(super) fn frame(&self, text: &str) -> Result<Frame, String> {
        let sent: SentFrame<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let categorized = sent
            .flags
            .iter()
            .flatten()
            .any(|flag| flag == "categorize-labels");
        let dropped = sent.dropped.unwrap_or_default();
        let moments = || dropped.iter().filter_map(|each| nanos(&each.timestamp.0));
        let dropped = moments()
            .min()
            .zip(moments().max())
            .map(|(oldest, newest)| Dropped {
                count: dropped.len() as u64,
                oldest,
                newest,
            });
        Ok(Frame {
            entries: self.entries(sent.streams.unwrap_or_default(), categorized),
            dropped,
        })
    }

    fn entries(&self, sent: Vec<SentStream<'_>>, categorized: bool) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(sent.iter().map(|each| each.values.0.len()).sum());
        for each in sent {
            let folded = if categorized {
                Vec::new()
            } else {
                let is_folded = |(name, _): &(Cow<'_, str>, Cow<'_, str>)| FOLDED.contains(&&**name);
                each.stream
                    .0
                    .iter()
                    .filter(|pair| is_folded(pair))
                    .cloned()
                    .collect()
            };
            let labels = each.stream.0.into_iter();
            let labels: Vec<_> = labels
                .filter(|(name, _)| categorized || !FOLDED.contains(&&**name))
                .collect();
            let (stream, hash) = self.stream(&labels);
            for value in each.values.0 {
                let Some(at) = nanos(&value.at.0) else { continue };
                let beside = || folded.iter().chain(&value.metadata.0).chain(&value.parsed.0);
                let level = level_by(|name| {
                    let metadata = beside().find(|(n, _)| n == name);
                    metadata.map(|(_, value)| &**value).or_else(|| stream.label(name))
                });
                entries.push(Entry {
                    at,
                    level,
                    key: LineKey::new(at, hash, &value.line.0),
                    text: value.line.0.into_owned(),
                    extra: object(beside()),
                    stream: Arc::clone(&stream),
                });
            }
        }
        entries
    }

    fn stream(&self, labels: &[(Cow<'_, str>, Cow<'_, str>)]) -> (Arc<Stream>, u64) {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        labels.hash(&mut hasher);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= STREAMS {
            streams.clear();
        }
        let (stream, hash) = streams.entry(hasher.finish()).or_insert_with(|| {
            let labels: Vec<(Arc<str>, Arc<str>)> = labels
                .iter()
                .map(|(n, v)| (Arc::from(&**n), Arc::from(&**v)))
                .collect();
            let mut stream = Stream {
                labels,
                service: None,
                native_id: None,
            };
            let named = self.service_labels.iter();
            let found = named.filter_map(|name| stream.labels.iter().find(|(label, _)| label == name));
            stream.service = found.map(|(_, value)| Arc::clone(value)).next();
            // By name: whoever sends the same labels in another order sends the same stream.
            let mut sorted = stream.clone();
            sorted.labels.sort();
            let hash = stream_hash(&sorted);
            (Arc::new(stream), hash)
        });
        (Arc::clone(stream), *hash)
    }
}

/// Nanoseconds since the epoch, as text.
fn nanos(text: &str) -> Option<Nanos> {
    text.parse().ok().map(Nanos)
}

/// A flat JSON object; empty where there is nothing to tell.
fn object<'a>(pairs: impl Iterator<Item = &'a (Cow<'a, str>, Cow<'a, str>)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        out.push(if out.is_empty() { '{' } else { ',' });
        // Writing text as JSON does not fail.
        out.push_str(&serde_json::to_string(name).unwrap_or_default());
        out.push(':');
        out.push_str(&serde_json::to_string(value).unwrap_or_default());
    }
    if !out.is_empty() {
        out.push('}');
    }
    out
}

/// One series of a count by level: seconds since the epoch, and how many.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) level: Level,
    pub(super) points: Vec<(f64, f64)>,
}

/// Reads the answer to a count by level.
pub(super) fn series(body: &[u8]) -> Result<Vec<Series>, String> {
    let matrix: Matrix = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let result = matrix.data.and_then(|data| data.result).unwrap_or_default();
    Ok(result
        .into_iter()
        .map(|each| Series {
            level: level_by(|name| each.metric.get(name).map(String::as_str)),
            points: each
                .values
                .into_iter()
                .filter_map(|(at, value)| Some((at, value.parse().ok().filter(|v: &f64| v.is_finite())?)))
                .collect(),
        })
        .collect())
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    data: HeadData<'a>,
}

#[derive(Deserialize)]
struct HeadData<'a> {
    #[serde(rename = "resultType")]
    result_type: &'a str,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
struct Data<'a> {
    #[serde(rename = "resultType", default)]
    result_type: Cow<'a, str>,
    #[serde(rename = "encodingFlags", default)]
    flags: Option<Vec<String>>,
    #[serde(borrow, default)]
    result: Option<Vec<SentStream<'a>>>,
}

#[derive(Deserialize)]
struct SentFrame<'a> {
    #[serde(borrow, default)]
    streams: Option<Vec<SentStream<'a>>>,
    #[serde(rename = "dropped_entries", borrow, default)]
    dropped: Option<Vec<SentDrop<'a>>>,
    #[serde(rename = "encodingFlags", default)]
    flags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct SentDrop<'a> {
    #[serde(borrow)]
    timestamp: Text<'a>,
}

#[derive(Deserialize)]
struct SentStream<'a> {
    #[serde(borrow)]
    stream: Pairs<'a>,
    #[serde(borrow)]
    values: Values<'a>,
}

#[derive(Deserialize)]
struct Matrix {
    data: Option<MatrixData>,
}

#[derive(Deserialize)]
struct MatrixData {
    result: Option<Vec<SentSeries>>,
}

#[derive(Deserialize)]
struct SentSeries {
    #[serde(default)]
    metric: HashMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// Text that is borrowed where it has no escapes.
#[derive(Deserialize, Default)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Names and values in the order that they came in.
#[derive(Default)]
struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Each<'a> {
            type Value = Pairs<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names and values")
            }

            fn visit_unit<E>(self) -> Result<Pairs<'a>, E> {
                Ok(Pairs::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'a>, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(8));
                while let Some((Text(name), Text(value))) = map.next_entry()? {
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_any(Each(PhantomData))
    }
}

/// One `[ns, line]` or `[ns, line, {…}]`.
struct Value<'a> {
    at: Text<'a>,
    line: Text<'a>,
    metadata: Pairs<'a>,
    parsed: Pairs<'a>,
}

/// What stands beside a line.
#[derive(Deserialize, Default)]
struct Beside<'a> {
    #[serde(rename = "structuredMetadata", borrow, default)]
    metadata: Pairs<'a>,
    #[serde(borrow, default)]
    parsed: Pairs<'a>,
}

#[derive(Default)]
struct Values<'a>(Vec<Value<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::<Vec<Value<'a>>>::deserialize(from).map(|values| Values(values.unwrap_or_default()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct One<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for One<'a> {
            type Value = Value<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time, a line, and perhaps metadata")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'a>, A::Error> {
                let missing = || serde::de::Error::custom("an entry lacks its time or its line");
                let at: Text<'a> = seq.next_element()?.ok_or_else(missing)?;
                let line: Text<'a> = seq.next_element()?.ok_or_else(missing)?;
                let beside: Beside<'a> = seq
                    .next_element::<Option<Beside<'a>>>()?
                    .flatten()
                    .unwrap_or_default();
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value {
                    at,
                    line,
                    metadata: beside.metadata,
                    parsed: beside.parsed,
                })
            }
        }
        from.deserialize_seq(One(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> Reader {
        Reader::new(vec!["service_name".into(), "app".into()])
    }

    const CATEGORIZED: &str = r#"{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],
        "result":[{"stream":{"namespace":"prod","service_name":"cart"},
        "values":[["1700000000123456789","bo\nom",{"structuredMetadata":{"trace_id":"0242ac","detected_level":"error"},"parsed":{"msg":"b\"m"}}],
                  ["1700000000123456790","quiet",{}],["never","x",{}]]}],
        "stats":{"summary":{"totalBytesProcessed":123}}},"warnings":["a querier is missing"]}"#;

    #[test]
    fn metadata_stands_beside_the_line_and_labels_make_the_stream() {
        let found = reader().found(CATEGORIZED.as_bytes()).expect("read");
        assert_eq!(found.warnings, ["a querier is missing"]);
        assert_eq!(found.entries.len(), 2, "a line without a time is no line");
        let [boom, quiet] = &found.entries[..] else {
            panic!()
        };
        assert_eq!(boom.at, Nanos(1_700_000_000_123_456_789));
        assert_eq!((boom.level, quiet.level), (Level::Error, Level::Unknown));
        assert_eq!(boom.text, "bo\nom");
        assert_eq!(
            boom.extra,
            r#"{"trace_id":"0242ac","detected_level":"error","msg":"b\"m"}"#
        );
        assert_eq!(quiet.extra, "");
        assert!(Arc::ptr_eq(&boom.stream, &quiet.stream));
        assert_eq!(boom.stream.service.as_deref(), Some("cart"));
        assert_eq!(boom.stream.label("namespace"), Some("prod"));
    }

    #[test]
    fn what_an_old_server_folds_into_the_stream_is_taken_out_again() {
        let old = |trace: &str| {
            format!(
                r#"{{"status":"success","data":{{"resultType":"streams","result":[{{"stream":{{"app":"cart","level":"warn","trace_id":"{trace}"}},
                "values":[["1","x"]]}}]}}}}"#
            )
        };
        let reader = reader();
        let first = reader.found(old("aa").as_bytes()).expect("read").entries;
        let second = reader.found(old("bb").as_bytes()).expect("read").entries;
        assert!(
            Arc::ptr_eq(&first[0].stream, &second[0].stream),
            "one stream, not one a trace"
        );
        assert_eq!(first[0].extra, r#"{"trace_id":"aa"}"#);
        assert_eq!(first[0].level, Level::Warn);
        assert_eq!(first[0].stream.service.as_deref(), Some("cart"));
    }

    #[test]
    fn nothing_found_is_nothing_and_a_count_is_no_list() {
        for empty in [
            r#"{"status":"success"}"#,
            r#"{"status":"success","data":{"resultType":"streams","result":null}}"#,
            r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":null}]}}"#,
        ] {
            assert!(reader().found(empty.as_bytes()).expect(empty).entries.is_empty());
        }
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}"#;
        assert_eq!(reader().found(matrix.as_bytes()).err(), Some(Unread::Metric));
        assert!(matches!(reader().found(b"{\"data\":7}"), Err(Unread::Json(_))));
        assert!(matches!(reader().found(b"\xff\xfe"), Err(Unread::Json(_))));
    }

    #[test]
    fn a_frame_tells_lines_and_what_was_dropped() {
        let frame = reader()
            .frame(
                r#"{"streams":[{"stream":{"service_name":"cart"},"values":[["5","a",{"structuredMetadata":{}}]]}],
                "dropped_entries":[{"labels":{"service_name":"cart"},"timestamp":"9"},{"labels":null,"timestamp":"7"}],
                "encodingFlags":["categorize-labels"]}"#,
            )
            .expect("read");
        assert_eq!(frame.entries.len(), 1);
        let dropped = frame.dropped.expect("dropped");
        assert_eq!(
            (dropped.count, dropped.oldest, dropped.newest),
            (2, Nanos(7), Nanos(9))
        );
        let quiet = reader()
            .frame(r#"{"streams":null,"dropped_entries":null}"#)
            .expect("read");
        assert!(quiet.entries.is_empty() && quiet.dropped.is_none());
        assert!(reader().frame("\u{1}garbage").is_err());
    }

    #[test]
    fn a_batch_names_each_stream_once() {
        let found = reader().found(CATEGORIZED.as_bytes()).expect("read");
        let batch = crate::backend::logs::entry::batch(&found.entries);
        assert_eq!((batch.lines.len(), batch.streams.len()), (2, 1));
        assert_eq!(batch.text(&batch.lines[1]), b"quiet");
    }

    #[test]
    fn a_count_is_read_by_level() {
        let body = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"detected_level":"error"},"values":[[1700000000,"12"],[1700000060.5,"NaN"]]},{"metric":{},"values":[[1700000000,"1"]]}]}}"#;
        let read = series(body.as_bytes()).expect("read");
        assert_eq!(read[0].level, Level::Error);
        assert_eq!(read[0].points, [(1_700_000_000.0, 12.0)]);
        assert_eq!(read[1].level, Level::Unknown);
    }
}
