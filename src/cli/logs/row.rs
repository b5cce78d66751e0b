//! One line, read: for people and for scripts. Pure.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::SecondsFormat;
use regex::bytes::Regex;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::domain::log::fields::{fields, message};
use crate::domain::log::scan::{Looking, scan};
use crate::domain::log::{Batch, Gap, Level, Line, Nanos, Stream, Wanted};
use crate::domain::trace_id::TraceId;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When: as its source or its text tells, else as the line before it; `None` where nothing does.
    pub at: Option<Nanos>,
    /// How grave.
    pub level: Level,
    /// Of which service.
    pub service: Option<Arc<str>>,
    /// The trace it belongs to.
    pub trace: Option<TraceId>,
    /// The span it belongs to, 16 hex digits.
    pub span: Option<String>,
    /// Its text, any bytes.
    pub text: Vec<u8>,
    /// What stands beside it: one flat JSON object, or nothing.
    pub extra: Vec<u8>,
    /// Where from.
    pub stream: Arc<Stream>,
}

/// Reads batches into rows, and remembers when the last line of each stream was.
#[derive(Debug, Default)]
pub struct Reader {
    last: HashMap<Arc<Stream>, Nanos>,
}

impl Reader {
    /// The lines of a batch, in its order.
    pub fn rows(&mut self, batch: &Batch) -> Vec<Row> {
        let lines = batch.lines.iter();
        lines.map(|line| self.row(batch, line)).collect()
    }

    fn row(&mut self, batch: &Batch, line: &Line) -> Row {
        let (text, extra) = (batch.text(line), batch.extra(line));
        let position = line.stream as usize;
        let stream = batch.streams.get(position).cloned().unwrap_or_default();
        let seen = scan(text, Looking::ALL);
        let beside = scan(extra, Looking::ALL);
        let word = |range: Option<std::ops::Range<usize>>, of: &[u8]| {
            let bytes = of.get(range?)?;
            Some(String::from_utf8_lossy(bytes).into_owned())
        };
        let service = stream
            .service
            .clone()
            .or_else(|| word(beside.service.clone(), extra).map(Arc::from))
            .or_else(|| word(seen.service.clone(), text).map(Arc::from));
        let trace = word(beside.trace.clone(), extra).or_else(|| word(seen.trace.clone(), text));
        let span = word(beside.span.clone(), extra).or_else(|| word(seen.span.clone(), text));
        let own = line.at.or(seen.at);
        let at = own.or_else(|| self.last.get(&stream).copied());
        if let Some(at) = own {
            self.last.insert(Arc::clone(&stream), at);
        }
        let levels = [line.level, beside.level, seen.level];
        Row {
            at,
            level: levels
                .into_iter()
                .find(|level| *level != Level::Unknown)
                .unwrap_or_default(),
            service,
            trace: trace.and_then(|id| TraceId::from_hex(id.as_bytes())),
            span: span.map(|id| format!("{:0>16}", id.to_ascii_lowercase())),
            text: text.to_vec(),
            extra: extra.to_vec(),
            stream,
        }
    }
}

impl Row {
    /// Whether it is wanted, as far as it tells: what its source could not tell is told by its text.
    pub fn is_wanted(&self, wanted: &Wanted, grep: Option<&Regex>) -> bool {
        let levelled = wanted.at_least.is_none_or(|least| self.level >= least);
        levelled && grep.is_none_or(|grep| grep.is_match(&self.text) || grep.is_match(&self.extra))
    }

    /// Whether nothing but its level, which nobody told, keeps it from being wanted.
    pub fn lacks_level(&self, wanted: &Wanted, grep: Option<&Regex>) -> bool {
        let any = Wanted {
            at_least: None,
            ..wanted.clone()
        };
        wanted.at_least.is_some() && self.level == Level::Unknown && self.is_wanted(&any, grep)
    }

    /// What a person reads first of it. Remote text, not yet safe.
    pub fn message(&self) -> String {
        match message(&self.text) {
            Some(message) => match self.behind() {
                Some(behind) => format!("{message}\n{behind}"),
                None => message.into_owned(),
            },
            None => String::from_utf8_lossy(&self.text).into_owned(),
        }
    }

    /// The lines of an entry that stand behind its document: the trace that a structured line logged.
    pub fn behind(&self) -> Option<Cow<'_, str>> {
        message(&self.text)?;
        let mut documents = serde_json::Deserializer::from_slice(&self.text).into_iter::<IgnoredAny>();
        let end = match documents.next() {
            Some(Ok(_)) => documents.byte_offset(),
            Some(Err(_)) | None => 0,
        };
        let rest = self.text.get(end..)?;
        let line = rest.iter().position(|byte| *byte == b'\n')?;
        let behind = rest
            .get(line + 1..)
            .filter(|behind| !behind.trim_ascii().is_empty())?;
        Some(String::from_utf8_lossy(behind))
    }

    /// When, as documents write it: with the precision that there is.
    pub fn time(&self) -> Option<String> {
        self.at
            .map(|at| at.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    /// As `logs --json` writes it.
    pub fn object(&self) -> Value {
        let labels = self.stream.labels.iter();
        let labels: Map<String, Value> = labels
            .map(|(name, value)| (name.to_string(), json!(&**value)))
            .collect();
        let mut told = Map::new();
        for field in fields(&self.text, &self.extra) {
            // the first of several, as it is searched
            told.entry(field.name).or_insert_with(|| field.value.into());
        }
        json!({
            "at": self.time(),
            "level": self.level.word(),
            "service": self.service.as_deref(),
            "message": self.message(),
            "labels": labels,
            "fields": told,
            "trace_id": self.trace.map(|trace| trace.to_string()),
            "span_id": self.span,
        })
    }
}

/// A gap, as `logs --json` writes it.
pub fn gap(gap: &Gap) -> Value {
    let time = |at: Nanos| at.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true);
    json!({"from": time(gap.from), "to": time(gap.to), "reason": gap.reason.word()})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Vec<Row> {
        let mut batch = Batch::default();
        batch.streams.push(Arc::default());
        for line in lines {
            batch.push(None, 0, Level::Unknown, line.as_bytes(), b"");
        }
        Reader::default().rows(&batch)
    }

    #[test]
    fn a_line_of_json_is_read_whole() {
        let line = r#"{"time":"2026-11-20T03:14:07.5Z","level":"ERROR","service":"pay","msg":"boom","trace_id":"ABCDEF0123456789","span_id":"1f","status":500}"#;
        let object = read(&[line])[0].object();
        assert_eq!(
            (
                &object["at"],
                &object["level"],
                &object["service"],
                &object["message"]
            ),
            (
                &json!("2026-11-20T03:14:07.500Z"),
                &json!("error"),
                &json!("pay"),
                &json!("boom")
            )
        );
        assert_eq!(object["trace_id"], "0000000000000000abcdef0123456789");
        assert_eq!(object["span_id"], "000000000000001f");
        assert_eq!(object["fields"]["status"], "500");
    }

    #[test]
    fn a_trace_behind_a_document_is_part_of_its_message() {
        for head in [r#"{"level":"error","msg":"refused"}"#, "level=error msg=refused"] {
            let row = &read(&[&format!("{head}\n\tat a.B\n\tat c.D")])[0];
            assert_eq!(row.message(), "refused\n\tat a.B\n\tat c.D", "{head}");
            assert_eq!(row.level, Level::Error);
        }
        assert_eq!(read(&["{\"msg\":\"a\",\n \"x\":1}"])[0].message(), "a");
    }

    #[test]
    fn a_line_without_a_time_has_that_of_the_line_before() {
        let rows = read(&["first of all", "2026-11-20T03:14:07Z x", "y"]);
        assert_eq!(rows[0].object()["at"], Value::Null);
        assert_eq!(rows[2].time().as_deref(), Some("2026-11-20T03:14:07Z"));
        assert_eq!(rows[2].object()["trace_id"], Value::Null);
    }

    #[test]
    fn what_the_source_tells_goes_before_the_text() {
        let mut batch = Batch::default();
        batch.streams.push(Arc::new(Stream {
            service: Some(Arc::from("pay")),
            ..Stream::default()
        }));
        batch.push(
            Some(Nanos(1)),
            0,
            Level::Warn,
            b"level=error service=x boom",
            b"{\"trace_id\":\"abcdef0123456789\"}",
        );
        let row = &Reader::default().rows(&batch)[0];
        assert_eq!(
            (row.at, row.level, row.service.as_deref()),
            (Some(Nanos(1)), Level::Warn, Some("pay"))
        );
        assert_eq!(
            row.trace.map(|trace| trace.to_string()),
            Some(format!("{:0>32}", "abcdef0123456789"))
        );
        let wanted = Wanted {
            at_least: Some(Level::Error),
            ..Wanted::default()
        };
        assert!(!row.is_wanted(&wanted, None));
        assert!(row.is_wanted(&Wanted::default(), Regex::new("boom$").ok().as_ref()));
        assert!(!row.is_wanted(&Wanted::default(), Regex::new("BOOM").ok().as_ref()));
    }
}
