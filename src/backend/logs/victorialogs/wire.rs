//! Lines of NDJSON: one flat object a line, every value text. A line that is no object is the server's last word.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::backend::logs::entry::Entry;
use crate::backend::logs::seen::{LineKey, stream_hash};
use crate::backend::logs::words::level_by;
use crate::domain::log::{Nanos, Stream};

/// Streams that are remembered; all are forgotten beyond that, and cost their labels anew.
const STREAMS: usize = 20_000;

/// The id and the labels of a stream as they came, and the service of the row.
type StreamName = (String, String);

/// Makes entries of lines, and the same stream of the same `_stream`.
#[derive(Debug)]
pub(super) struct Reader {
    /// Fields that say the service, the surest first.
    service_labels: Vec<Arc<str>>,
    streams: Mutex<HashMap<StreamName, (Arc<Stream>, u64)>>,
}

impl Reader {
    pub(super) fn new(service_labels: Vec<Arc<str>>) -> Self {
        Self {
            service_labels,
            streams: Mutex::default(),
        }
    }

    /// A line: `None` for an empty one and for a row without a time (a pipe made it); the server's words for one
    /// that is no object.
    pub(super) fn entry(&self, line: &[u8]) -> Result<Option<Entry>, String> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(line) else {
            return Err(String::from_utf8_lossy(line).into_owned());
        };
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let time = take("_time");
        let (text, stream, id) = (take("_msg"), take("_stream"), take("_stream_id"));
        let Ok(at) = DateTime::parse_from_rfc3339(&time) else {
            return Ok(None);
        };
        let at = Nanos::of(at.to_utc());
        let (stream, hash) = self.stream(&stream, &id, &fields);
        let field = |name: &str| fields.get(name).and_then(Value::as_str);
        let level = level_by(|name| field(name).or_else(|| stream.label(name)));
        // What the stream says already stands with the stream.
        fields.retain(|name, value| {
            stream
                .label(name)
                .is_none_or(|label| value.as_str() != Some(label))
        });
        let extra = if fields.is_empty() {
            String::new()
        } else {
            Value::Object(fields).to_string()
        };
        // Rows of one moment may differ in their fields alone.
        let key = LineKey::new(at, hash, &format!("{text}\u{0}{extra}"));
        Ok(Some(Entry {
            at,
            stream,
            level,
            text,
            extra,
            key,
        }))
    }

    fn stream(&self, labels: &str, id: &str, fields: &Map<String, Value>) -> (Arc<Stream>, u64) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= STREAMS {
            streams.clear();
        }
        // A service that stands in no label of the stream makes a stream of its own.
        let service = self
            .service_labels
            .iter()
            .find_map(|name| fields.get(&**name)?.as_str())
            .unwrap_or_default();
        let known = streams.entry((format!("{id}\u{0}{labels}"), service.to_owned()));
        let (stream, hash) = known.or_insert_with(|| {
            let labels = read_labels(labels);
            let named = self.service_labels.iter();
            let labelled = named.filter_map(|name| labels.iter().find(|(label, _)| label == name));
            let labelled = labelled.map(|(_, value)| Arc::clone(value)).next();
            let stream = Stream {
                service: Some(service)
                    .filter(|name| !name.is_empty())
                    .map(Arc::from)
                    .or(labelled),
                native_id: Some(id).filter(|id| !id.is_empty()).map(Arc::from),
                labels,
            };
            let hash = stream_hash(&stream);
            (Arc::new(stream), hash)
        });
        (Arc::clone(stream), *hash)
    }
}

/// `{k="v",k2="v2"}` with strings as Go quotes them; what does not read ends the labels.
fn read_labels(text: &str) -> Vec<(Arc<str>, Arc<str>)> {
    let mut labels = Vec::new();
    let mut rest = text.trim().strip_prefix('{').unwrap_or_default();
    while let Some((name, after)) = rest.split_once('=') {
        let Some((value, after)) = unquoted(after.trim_start()) else {
            break;
        };
        let name = name.trim().trim_start_matches(',').trim().trim_matches('"');
        labels.push((Arc::from(name), Arc::from(value.as_str())));
        rest = after;
    }
    labels
}

/// A quoted string at the front, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
    if let Some(Ok(value)) = stream.next() {
        let end = stream.byte_offset();
        return Some((value, text.get(end..)?));
    }
    // Go escapes bytes that JSON does not (\x00, \a): as they stand.
    let inner = text.strip_prefix('"')?;
    let end = inner
        .char_indices()
        .scan(false, |escaped, (at, c)| {
            let ends = c == '"' && !*escaped;
            *escaped = c == '\\' && !*escaped;
            Some((at, ends))
        })
        .find(|(_, ends)| *ends)?
        .0;
    Some((inner.get(..end)?.to_owned(), inner.get(end + 1..)?))
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Whole lines that end in this piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        let mut whole = Vec::new();
        let mut pieces = piece.split(|byte| *byte == b'\n');
        let mut last = pieces.next().unwrap_or_default();
        for next in pieces {
            self.rest.extend_from_slice(last);
            whole.push(std::mem::take(&mut self.rest));
            last = next;
        }
        self.rest.extend_from_slice(last);
        whole
    }

    /// Bytes of a line that has not ended.
    pub(super) fn pending(&self) -> usize {
        self.rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::Level;

    fn reader() -> Reader {
        Reader::new(vec!["service.name".into(), "app".into()])
    }

    #[test]
    fn a_row_is_read_with_its_stream_and_the_rest_as_fields() {
        let row = r#"{"_time":"2023-11-14T22:13:20.123456789Z","_stream_id":"0000","_stream":"{app=\"cart\",pod=\"x, y=\\\"z\\\"\"}","_msg":"bo\u001bom","app":"cart","level":"error","trace_id":"ab"}"#;
        let reader = reader();
        let entry = reader.entry(row.as_bytes()).expect("a row").expect("a line");
        assert_eq!(entry.at, Nanos(1_700_000_000_123_456_789));
        assert_eq!((entry.text.as_str(), entry.level), ("bo\u{1b}om", Level::Error));
        assert_eq!(entry.stream.label("pod"), Some("x, y=\"z\""));
        assert_eq!(entry.stream.service.as_deref(), Some("cart"));
        assert_eq!(entry.stream.native_id.as_deref(), Some("0000"));
        assert_eq!(entry.extra, r#"{"level":"error","trace_id":"ab"}"#);
        let again = reader.entry(row.as_bytes()).expect("a row").expect("a line");
        assert!(Arc::ptr_eq(&entry.stream, &again.stream) && entry.key == again.key);
    }

    #[test]
    fn a_service_may_stand_in_a_field_that_is_no_label() {
        let row = |service: &str| {
            format!(
                r#"{{"_time":"2023-11-14T22:13:20.1Z","_stream":"{{}}","_msg":"x","service.name":"{service}"}}"#
            )
        };
        let reader = reader();
        let first = reader.entry(row("a").as_bytes()).expect("a row").expect("a line");
        let second = reader.entry(row("b").as_bytes()).expect("a row").expect("a line");
        assert_eq!(first.stream.service.as_deref(), Some("a"));
        assert_eq!(second.stream.service.as_deref(), Some("b"));
    }

    #[test]
    fn what_is_no_object_is_the_servers_word() {
        let words = reader()
            .entry(b"cannot parse query [x|]: unexpected token")
            .expect_err("words");
        assert!(words.contains("unexpected token"));
        assert!(reader().entry(b"  \r").expect("nothing").is_none());
        assert!(reader().entry(b"{\"count(*)\":\"7\"}").expect("a row").is_none());
        assert!(
            reader()
                .entry(b"{\"_time\":\"yesterday\",\"_msg\":\"x\"}")
                .expect("a row")
                .is_none()
        );
        assert!(reader().entry(b"\xff\xfe{").is_err());
    }

    #[test]
    fn labels_that_do_not_read_end_the_labels() {
        let names = |text: &str| -> Vec<String> {
            read_labels(text)
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect()
        };
        assert_eq!(names("{}"), Vec::<String>::new());
        assert_eq!(names("{a=\"1\",\"b.c\"=\"2\"}"), ["a=1", "b.c=2"]);
        assert_eq!(names("{a=\"\\x00\",b=\"2\"}"), ["a=\\x00", "b=2"]);
        assert_eq!(names("{a=\"1\",b=2}"), ["a=1"]);
        assert_eq!(names("{a=\"1"), Vec::<String>::new());
    }

    #[test]
    fn lines_are_cut_whatever_the_pieces() {
        let mut lines = Lines::default();
        let mut whole = Vec::new();
        for piece in [&b"a"[..], b"b\nc", b"", b"\n\nd\n", b"e"] {
            whole.extend(lines.push(piece));
        }
        assert_eq!(whole, [&b"ab"[..], b"c", b"", b"d"]);
        assert_eq!(lines.pending(), 1);
    }
}
