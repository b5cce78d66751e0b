//! `traces --json` and `trace ID --json`. A trace is written span by span: a hundred thousand of them are not held twice.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use super::blame::{Fate, Origins};
use super::critical::{BOTTLENECK, CriticalPath};
use super::detail::{Attribute, Detail, Value};
use super::selftime::SelfTimes;
use super::skew::Unskewed;
use super::{Nanos, Row, Summary, Trace, explain};
use crate::domain::document::{Remarks, document, time, written};

/// Everything that is said of a trace beside its spans.
pub struct Findings {
    /// The critical path of its primary root.
    pub path: CriticalPath,
    /// Where its failures began.
    pub origins: Origins,
    /// What each span did by itself.
    pub own: SelfTimes,
    /// Its times with clock skew taken out.
    pub unskewed: Unskewed,
    /// The one line that explains it. Remote, not yet safe.
    pub line: String,
}

impl Findings {
    /// Of a trace, its times as they came.
    pub fn of(trace: &Trace) -> Self {
        let timing = trace.timing();
        let path = CriticalPath::of(trace, timing, trace.primary());
        let origins = Origins::of(trace, timing, Some(&path));
        Self {
            line: explain::line(trace, timing, &path, &origins),
            own: SelfTimes::of(trace, timing),
            unskewed: Unskewed::of(trace),
            path,
            origins,
        }
    }

    /// Whether a span is on the path.
    pub fn is_on_path(&self, row: Row) -> bool {
        self.path.step(row).is_some()
    }
}

/// Which spans are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Told {
    /// All.
    #[default]
    All,
    /// Those of the critical path.
    Path,
}

impl Told {
    /// Whether this one is.
    pub fn includes(self, findings: &Findings, row: Row) -> bool {
        match self {
            Self::All => true,
            Self::Path => findings.is_on_path(row),
        }
    }
}

/// `traces --json`.
pub fn traces_document(context: &str, traces: &[Summary], remarks: &Remarks, at: DateTime<Utc>) -> String {
    let traces: Vec<Json> = traces.iter().map(summary).collect();
    document(context, at, json!({"traces": traces}), remarks)
}

/// One trace of a list, as `traces --json` tells it.
pub fn summary(trace: &Summary) -> Json {
    let services: Vec<&Arc<str>> = trace.services.iter().map(|share| &share.name).collect();
    json!({
        "trace_id": trace.id.to_string(),
        "service": trace.service,
        "operation": trace.operation,
        "start": time(trace.start.utc()),
        "duration_seconds": trace.duration.as_secs_f64(),
        "duration_of": trace.lasted.word(),
        "span_count": trace.spans,
        "error_count": trace.errors,
        "services": services,
    })
}

/// What a document about one trace says in its head and its tail.
pub struct Frame<'a> {
    /// The context.
    pub context: &'a str,
    /// When it was asked.
    pub at: DateTime<Utc>,
    /// What is missing, and what is odd.
    pub remarks: &'a Remarks,
}

/// `trace ID --json`, on one line.
pub fn write_trace(
    out: &mut dyn Write,
    frame: &Frame<'_>,
    trace: &Trace,
    findings: &Findings,
    told: Told,
) -> io::Result<()> {
    // The head with its brace open, the spans, and the rest of the document behind them.
    let whole = document(frame.context, frame.at, head(trace, findings), frame.remarks);
    let (front, rest) = match whole.split_once("\"errors\":") {
        Some((front, _)) => whole.split_at(front.len()),
        None => (whole.as_str(), ""),
    };
    write!(out, "{front}\"spans\":[")?;
    let mut first = true;
    for row in trace.rows().filter(|row| told.includes(findings, *row)) {
        let separator = if first { "" } else { "," };
        first = false;
        write!(out, "{separator}{}", written(&span(trace, findings, row)))?;
    }
    writeln!(out, "],{rest}")
}

fn head(trace: &Trace, findings: &Findings) -> Json {
    let root = trace.span(trace.primary());
    let (took, lasted) = trace.took();
    let whole = findings.path.whole();
    let operation = |row: Row| {
        let span = trace.span(row);
        json!({"span_id": span.id.to_string(), "service": span.service, "operation": span.operation})
    };
    let path: Vec<Json> = findings
        .path
        .sections()
        .iter()
        .map(|section| {
            with(
                operation(section.row),
                [
                    (
                        "offset_seconds",
                        json!(seconds(section.stretch.from.0 - whole.from.0)),
                    ),
                    ("section_seconds", json!(section.stretch.duration().as_secs_f64())),
                ],
            )
        })
        .collect();
    let bottlenecks: Vec<Json> = findings
        .path
        .bottlenecks(trace, BOTTLENECK)
        .iter()
        .map(|each| {
            let share = each.nanos as f64 / whole.nanos().max(1) as f64;
            with(
                operation(each.row),
                [
                    ("seconds", json!(each.nanos as f64 / 1e9)),
                    ("share", json!(share)),
                    ("span_count", json!(each.spans)),
                ],
            )
        })
        .collect();
    let cause = findings.origins.origins.first().map(|origin| {
        let handled = match origin.fate {
            Fate::HandledAt(row) => Some(Arc::clone(trace.span(row).service)),
            Fate::ReachedRoot | Fate::Unawaited => None,
        };
        with(
            operation(origin.row),
            [
                ("message", json!(origin.message.as_ref().unwrap_or(&origin.what))),
                ("error", json!(origin.what)),
                ("attempts", json!(origin.attempts.len())),
                ("handled_by", json!(handled)),
            ],
        )
    });
    let (mut services, mut errors) = (BTreeSet::new(), 0);
    for span in trace.spans() {
        services.insert(span.service);
        errors += u32::from(span.status == super::Status::Error);
    }
    json!({
        "trace_id": trace.id().to_string(),
        "root": {"service": root.service, "operation": root.operation},
        "start": time(root.start.utc()),
        "duration_seconds": took.as_secs_f64(),
        "duration_of": lasted.word(),
        "extent_seconds": trace.extent().duration().as_secs_f64(),
        "span_count": trace.len(),
        "error_count": errors,
        "service_count": services.len(),
        "critical_path": path,
        "bottlenecks": bottlenecks,
        "root_cause": cause,
        "summary": findings.line,
    })
}

fn with<const N: usize>(object: Json, more: [(&str, Json); N]) -> Json {
    let mut map = match object {
        Json::Object(map) => map,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => Map::new(),
    };
    map.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Json::Object(map)
}

fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

fn span(trace: &Trace, findings: &Findings, row: Row) -> Json {
    let span = trace.span(row);
    let Detail {
        message,
        attributes,
        events,
        links,
        warnings,
        state: _,
        dropped: _,
    } = trace.detail(row);
    let parent = trace.parent(row).map(|parent| trace.span(parent).id);
    let named = match span.standing {
        super::Standing::Orphan { missing } => Some(missing),
        super::Standing::Cut { named } => Some(named),
        super::Standing::Root | super::Standing::Child => None,
    };
    let events: Vec<Json> = events
        .iter()
        .map(|event| {
            json!({
                "at": event.at.map(|at| time(at.utc())),
                "name": event.name,
                "attributes": map(&event.attributes),
            })
        })
        .collect();
    let links: Vec<Json> = links
        .iter()
        .map(|link| {
            json!({
                "trace_id": link.trace.to_string(),
                "span_id": link.span.to_string(),
                "attributes": map(&link.attributes),
            })
        })
        .collect();
    json!({
        "span_id": span.id.to_string(),
        "parent_id": parent.or(named).map(|id| id.to_string()),
        "service": span.service,
        "operation": span.operation,
        "kind": span.kind.word(),
        "start": time(span.start.utc()),
        "offset_seconds": seconds(span.start.0 - begin(trace).0),
        "duration_seconds": span.duration.as_secs_f64(),
        "self_seconds": findings.own.total(row).as_secs_f64(),
        "depth": span.depth,
        "status": span.status.word(),
        "status_message": message,
        "skew_offset_seconds": seconds(findings.unskewed.moved(row)),
        "attributes": map(&attributes),
        "events": events,
        "links": links,
        "warnings": warnings,
    })
}

fn begin(trace: &Trace) -> Nanos {
    trace.timing().of(trace.primary()).from
}

fn map(attributes: &[Attribute<'_>]) -> Json {
    let mut map = Map::new();
    for attribute in attributes {
        // The first of several, as it is searched.
        map.entry(attribute.key.clone().into_owned())
            .or_insert_with(|| value(&attribute.value));
    }
    Json::Object(map)
}

/// A value as JSON: numbers as numbers, what is no number as null, bytes as hex.
fn value(of: &Value<'_>) -> Json {
    match of {
        Value::Text(text) | Value::Raw(text) => json!(text),
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!(number),
        Value::Double(number) => json!(number),
        Value::Bytes(_) => json!(of.to_string()),
        Value::Array(values) => values.iter().map(value).collect(),
        Value::Map(members) => map(members),
        Value::Empty => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::tests::{made, trace};
    use super::*;

    #[test]
    fn the_path_sums_to_the_roots_duration_and_the_document_is_one_line() {
        let trace = trace(&[
            made(1, 0, 1_000, 2_000, "checkout.POST /pay").kind(Kind::Server),
            made(2, 1, 1_100, 1_900, "payments.charge").failed("no\u{1b}[31m funds"),
            made(3, 9, 1_300, 1_400, "lost.span"),
        ]);
        let findings = Findings::of(&trace);
        let remarks = Remarks {
            warnings: vec!["odd \"errors\": here".to_owned()],
            ..Remarks::default()
        };
        let frame = Frame {
            context: "prod",
            at: super::super::tests::at(5_000).utc(),
            remarks: &remarks,
        };
        let text = |told| {
            let mut out = Vec::new();
            write_trace(&mut out, &frame, &trace, &findings, told).unwrap();
            String::from_utf8(out).unwrap()
        };
        let all = text(Told::All);
        assert_eq!(all.lines().count(), 1);
        assert!(!all.contains('\u{1b}'));
        let json: Json = serde_json::from_str(&all).unwrap();
        let sum: f64 = json["critical_path"]
            .as_array()
            .unwrap()
            .iter()
            .map(|section| section["section_seconds"].as_f64().unwrap())
            .sum();
        assert!((sum - json["duration_seconds"].as_f64().unwrap()).abs() < 1e-9);
        assert_eq!(json["duration_seconds"], 1.0);
        assert_eq!(
            (&json["span_count"], &json["error_count"], &json["service_count"]),
            (&json!(3), &json!(1), &json!(3))
        );
        assert_eq!(json["root_cause"]["message"], "no\u{1b}[31m funds");
        let spans = json["spans"].as_array().unwrap();
        assert_eq!(spans.len(), 3);
        assert_eq!(spans[2]["parent_id"], "0000000000000009");
        assert_eq!(spans[1]["parent_id"], spans[0]["span_id"]);
        assert_eq!(spans[1]["offset_seconds"], 0.1);
        assert_eq!(json["warnings"][0], "odd \"errors\": here");
        let path: Json = serde_json::from_str(&text(Told::Path)).unwrap();
        assert_eq!(path["spans"].as_array().unwrap().len(), 2);
    }
}
