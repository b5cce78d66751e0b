//! Spans as the API of Jaeger's own UI writes them: microseconds, tags, references, processes.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::demo::world::traces::{Attributes, Span, Trace, Value};

#[derive(Serialize)]
struct Tag<'a> {
    key: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: Json,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: &'static str,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Serialize)]
struct Log<'a> {
    timestamp: i64,
    fields: Vec<Tag<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UiSpan<'a> {
    #[serde(rename = "traceID")]
    trace_id: &'a str,
    #[serde(rename = "spanID")]
    span_id: String,
    operation_name: &'a str,
    references: Vec<Reference>,
    start_time: i64,
    duration: i64,
    tags: Vec<Tag<'a>>,
    logs: Vec<Log<'a>>,
    #[serde(rename = "processID")]
    process_id: String,
    warnings: Option<&'a [String]>,
}

fn text(key: &'static str, value: &str) -> Tag<'static> {
    Tag {
        key,
        kind: "string",
        value: value.into(),
    }
}

fn tag<'a>((key, value): &'a (&'static str, Value)) -> Tag<'a> {
    let (kind, value) = match value {
        Value::Text(text) => ("string", json!(text)),
        Value::Whole(number) => ("int64", json!(number)),
        Value::Real(number) => ("float64", json!(number)),
        Value::Flag(flag) => ("bool", json!(flag)),
        // The UI's form has no lists.
        Value::List(texts) => ("string", json!(json!(texts).to_string())),
    };
    Tag { key, kind, value }
}

fn tags(attributes: &Attributes) -> Vec<Tag<'_>> {
    attributes.iter().map(tag).collect()
}

fn span<'a>(id: &'a str, trace: &'a Trace, span: &'a Span, warnings: &'a [String]) -> UiSpan<'a> {
    let scope = trace.resource(span).map_or("", |resource| resource.scope());
    let mut told = tags(&span.attributes);
    told.push(text("otel.scope.name", scope));
    told.push(text("span.kind", span.kind.word()));
    if let Some(message) = &span.failure {
        told.push(text("otel.status_code", "ERROR"));
        told.push(Tag {
            key: "error",
            kind: "bool",
            value: json!(true),
        });
        told.push(text("otel.status_description", message));
    }
    let parent = span.parent.map(|parent| Reference {
        ref_type: "CHILD_OF",
        trace_id: id.to_owned(),
        span_id: format!("{parent:016x}"),
    });
    let links = span.links.iter().map(|link| Reference {
        ref_type: "FOLLOWS_FROM",
        trace_id: format!("{:032x}", link.trace),
        span_id: format!("{:016x}", link.span),
    });
    let logs = span.events.iter().map(|event| {
        let mut fields = vec![text("event", event.name)];
        fields.extend(tags(&event.attributes));
        Log {
            timestamp: event.at / 1_000,
            fields,
        }
    });
    UiSpan {
        trace_id: id,
        span_id: format!("{:016x}", span.id),
        operation_name: &span.name,
        references: parent.into_iter().chain(links).collect(),
        start_time: span.start / 1_000,
        duration: (span.end - span.start) / 1_000,
        tags: told,
        logs: logs.collect(),
        process_id: format!("p{}", span.resource + 1),
        warnings: (!warnings.is_empty()).then_some(warnings),
    }
}

/// Some spans of a trace: JSON objects with commas between them.
pub fn spans(trace: &Trace, of: std::ops::Range<usize>, warnings: &[Vec<String>]) -> String {
    let id = format!("{:032x}", trace.id);
    let mut out = String::new();
    for nth in of {
        let Some(each) = trace.span(nth) else { continue };
        if !out.is_empty() {
            out.push(',');
        }
        let own = warnings.get(nth).map_or(&[][..], Vec::as_slice);
        let told = span(&id, trace, &each, own);
        // Texts and numbers alone: there is nothing in it that JSON could not say.
        out.push_str(&serde_json::to_string(&told).unwrap_or_default());
    }
    out
}

/// What the spans of a trace ran in, by name.
pub fn processes(trace: &Trace) -> Json {
    let named = trace.resources.iter().enumerate().map(|(nth, resource)| {
        let mut attributes = resource.attributes();
        attributes.retain(|(key, _)| *key != "service.name");
        let told = json!({ "serviceName": resource.service, "tags": tags(&attributes) });
        (format!("p{}", nth + 1), told)
    });
    Json::Object(named.collect::<Map<_, _>>())
}
