//! Spans as v3 writes them: OTLP's JSON, with ids in hexadecimal and enumerations as numbers.

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use crate::demo::world::traces::{Event, Link, Resource, Span, Trace, Value};

/// The attribute that Jaeger tells its warnings by.
const WARNINGS: &str = "@jaeger@warnings";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Told<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct Told<'a> {
    attributes: Attributes<'a>,
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope,
    spans: Vec<OtlpSpan<'a>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OtlpSpan<'a> {
    trace_id: &'a str,
    span_id: String,
    parent_span_id: String,
    name: &'a str,
    kind: i32,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<OtlpEvent<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<OtlpLink<'a>>,
    status: Status<'a>,
}

#[derive(Serialize, Default)]
struct Status<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OtlpEvent<'a> {
    time_unix_nano: String,
    name: &'static str,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OtlpLink<'a> {
    trace_id: String,
    span_id: String,
    attributes: Attributes<'a>,
}

/// Attributes, and the warnings that stand among them.
struct Attributes<'a>(&'a [(&'static str, Value)], &'a [String]);

impl Attributes<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty() && self.1.is_empty()
    }
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: Any<'a>,
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(None)?;
        for (key, value) in self.0 {
            all.serialize_element(&Pair {
                key,
                value: Any(value),
            })?;
        }
        if !self.1.is_empty() {
            let value = Value::List(self.1.to_vec());
            all.serialize_element(&Pair {
                key: WARNINGS,
                value: Any(&value),
            })?;
        }
        all.end()
    }
}

struct Any<'a>(&'a Value);

#[derive(Serialize)]
struct Values<'a> {
    values: Vec<Text<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Text<'a> {
    string_value: &'a str,
}

impl Serialize for Any<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut one = serializer.serialize_map(Some(1))?;
        match self.0 {
            Value::Text(text) => one.serialize_entry("stringValue", text)?,
            Value::Whole(number) => one.serialize_entry("intValue", &number.to_string())?,
            Value::Real(number) => one.serialize_entry("doubleValue", number)?,
            Value::Flag(flag) => one.serialize_entry("boolValue", flag)?,
            Value::List(texts) => {
                let values = texts.iter().map(|text| Text { string_value: text });
                one.serialize_entry(
                    "arrayValue",
                    &Values {
                        values: values.collect(),
                    },
                )?;
            }
        }
        one.end()
    }
}

fn event(event: &Event) -> OtlpEvent<'_> {
    OtlpEvent {
        time_unix_nano: event.at.to_string(),
        name: event.name,
        attributes: Attributes(&event.attributes, &[]),
    }
}

fn link(link: &Link) -> OtlpLink<'_> {
    OtlpLink {
        trace_id: format!("{:032x}", link.trace),
        span_id: format!("{:016x}", link.span),
        attributes: Attributes(&link.attributes, &[]),
    }
}

fn span<'a>(id: &'a str, span: &'a Span, warnings: &'a [String]) -> OtlpSpan<'a> {
    let failed = |message: &'a str| Status {
        message: Some(message),
        code: Some(2),
    };
    OtlpSpan {
        trace_id: id,
        span_id: format!("{:016x}", span.id),
        parent_span_id: span.parent.map_or_else(String::new, |id| format!("{id:016x}")),
        name: &span.name,
        kind: span.kind as i32,
        start_time_unix_nano: span.start.to_string(),
        end_time_unix_nano: span.end.to_string(),
        attributes: Attributes(&span.attributes, warnings),
        events: span.events.iter().map(event).collect(),
        links: span.links.iter().map(link).collect(),
        status: span.failure.as_deref().map(failed).unwrap_or_default(),
    }
}

/// Some spans of a trace, by what they ran in: JSON objects with commas between them.
pub fn resource_spans(trace: &Trace, of: std::ops::Range<usize>, warnings: &[Vec<String>]) -> String {
    let id = format!("{:032x}", trace.id);
    let some: Vec<_> = of.filter_map(|nth| Some((nth, trace.span(nth)?))).collect();
    let mut out = String::new();
    for (nth, resource) in trace.resources.iter().enumerate() {
        let own = some.iter().filter(|(_, each)| each.resource == nth);
        let spans: Vec<OtlpSpan<'_>> = own
            .map(|(at, each)| span(&id, each, warnings.get(*at).map_or(&[], Vec::as_slice)))
            .collect();
        if spans.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&written(resource, spans));
    }
    out
}

fn written(resource: &Resource, spans: Vec<OtlpSpan<'_>>) -> String {
    let attributes = resource.attributes();
    let told = ResourceSpans {
        resource: Told {
            attributes: Attributes(&attributes, &[]),
        },
        scope_spans: [ScopeSpans {
            scope: Scope {
                name: resource.scope(),
                version: "0.64.0",
            },
            spans,
        }],
    };
    // Texts and numbers alone: there is nothing in it that JSON could not say.
    serde_json::to_string(&told).unwrap_or_default()
}
