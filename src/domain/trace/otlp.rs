//! A trace as OTLP's JSON, whatever it came as: `{"resourceSpans":[…]}`, which collectors and every source here read.
//!
//! Ids are hex, enums numbers, 64-bit numbers texts, as opentelemetry-proto's JSON mapping has it. Written resource by
//! resource. What no field of OTLP holds (how a source says warnings) goes into attributes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::detail::{Attribute, Detail, Value};
use super::{Kind, Row, Standing, Status, Times, Trace};
use crate::domain::document::written;

/// Where Jaeger puts what it warns of.
const WARNINGS: &str = "@jaeger@warnings";

/// Writes those spans for which `told` holds.
pub fn write(out: &mut dyn Write, trace: &Trace, told: impl Fn(Row) -> bool) -> io::Result<()> {
    let mut groups: BTreeMap<u32, BTreeMap<u32, Vec<Row>>> = BTreeMap::new();
    for row in trace.rows().filter(|row| told(*row)) {
        let scopes = groups.entry(trace.resources[row]).or_default();
        scopes.entry(trace.scopes[row]).or_default().push(row);
    }
    write!(out, "{{\"resourceSpans\":[")?;
    for (place, scopes) in groups.values().enumerate() {
        let resource = scopes.values().flatten().next().map(|row| resource(trace, *row));
        let separator = if place == 0 { "" } else { "," };
        write!(
            out,
            "{separator}{{\"resource\":{{\"attributes\":{}}},\"scopeSpans\":[",
            written(&resource)
        )?;
        for (place, rows) in scopes.values().enumerate() {
            let scope = rows.first().map(|row| scope(trace, *row));
            let separator = if place == 0 { "" } else { "," };
            write!(out, "{separator}{{\"scope\":{},\"spans\":[", written(&scope))?;
            for (place, row) in rows.iter().enumerate() {
                let separator = if place == 0 { "" } else { "," };
                write!(out, "{separator}{}", written(&span(trace, *row)))?;
            }
            write!(out, "]}}")?;
        }
        write!(out, "]}}")?;
    }
    writeln!(out, "]}}")
}

/// Its attributes; the service among them, wherever the source has it.
fn resource(trace: &Trace, row: Row) -> Json {
    let mut attributes = trace.resource(row);
    if !attributes.iter().any(|attribute| attribute.key == "service.name") {
        let service = trace.span(row).service.to_string();
        attributes.insert(
            0,
            Attribute {
                key: "service.name".into(),
                value: Value::Text(service.into()),
            },
        );
    }
    pairs(&attributes)
}

fn scope(trace: &Trace, row: Row) -> Json {
    let mut scope = json!({});
    let mut rest = Vec::new();
    for attribute in trace.scope(row) {
        match &*attribute.key {
            "otel.scope.name" => scope["name"] = json!(attribute.value.to_string()),
            "otel.scope.version" => scope["version"] = json!(attribute.value.to_string()),
            _ => rest.push(attribute),
        }
    }
    if !rest.is_empty() {
        scope["attributes"] = pairs(&rest);
    }
    scope
}

fn span(trace: &Trace, row: Row) -> Json {
    let span = trace.span(row);
    let Detail {
        message,
        mut attributes,
        events,
        links,
        warnings,
        state,
        dropped,
    } = trace.detail(row);
    let parent = match span.standing {
        Standing::Child => span.parent.map(|parent| trace.span(parent).id),
        Standing::Orphan { missing } => Some(missing),
        Standing::Cut { named } => Some(named),
        Standing::Root => None,
    };
    let (start, end) = (
        span.start.0,
        span.start.0.saturating_add(span.duration.as_nanos() as i64),
    );
    let (start, end) = match span.times {
        Times::Known => (start, end),
        Times::Backwards => (start, trace.ended_backwards(row).map_or(end, |end| end.0)),
        Times::NoStart => (0, end),
        Times::NoEnd => (start, 0),
        Times::Neither => (0, 0),
    };
    if !warnings.is_empty() {
        attributes.push(Attribute {
            key: WARNINGS.into(),
            value: Value::Array(warnings.into_iter().map(Value::Text).collect()),
        });
    }
    let mut object = json!({
        "traceId": trace.id().to_string(),
        "spanId": span.id.to_string(),
        "name": span.operation,
        "kind": kind(span.kind),
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": end.to_string(),
        "attributes": pairs(&attributes),
        "status": status(span.status, message.as_deref()),
    });
    if let Some(parent) = parent {
        object["parentSpanId"] = json!(parent.to_string());
    }
    if let Some(state) = state {
        object["traceState"] = json!(state);
    }
    if dropped > 0 {
        object["droppedAttributesCount"] = json!(dropped);
    }
    if !events.is_empty() {
        object["events"] = events
            .iter()
            .map(|event| {
                json!({
                    "timeUnixNano": event.at.map_or(0, |at| at.0).to_string(),
                    "name": event.name,
                    "attributes": pairs(&event.attributes),
                })
            })
            .collect();
    }
    if !links.is_empty() {
        object["links"] = links
            .iter()
            .map(|link| {
                json!({
                    "traceId": link.trace.to_string(),
                    "spanId": link.span.to_string(),
                    "attributes": pairs(&link.attributes),
                })
            })
            .collect();
    }
    object
}

fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Unspecified => 0,
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}

fn status(status: Status, message: Option<&str>) -> Json {
    let code = match status {
        Status::Unset => 0,
        Status::Ok => 1,
        Status::Error => 2,
    };
    match message.filter(|message| !message.is_empty()) {
        Some(message) => json!({"code": code, "message": message}),
        None if code == 0 => json!({}),
        None => json!({"code": code}),
    }
}

fn pairs(attributes: &[Attribute<'_>]) -> Json {
    let pair = |attribute: &Attribute<'_>| json!({"key": attribute.key, "value": value(&attribute.value)});
    attributes.iter().map(pair).collect()
}

fn value(of: &Value<'_>) -> Json {
    match of {
        Value::Text(text) | Value::Raw(text) => json!({"stringValue": text}),
        Value::Bool(truth) => json!({"boolValue": truth}),
        Value::Int(number) => json!({"intValue": number.to_string()}),
        Value::Double(number) if number.is_finite() => json!({"doubleValue": number}),
        Value::Double(number) => {
            let word = match number {
                number if number.is_nan() => "NaN",
                number if *number > 0.0 => "Infinity",
                _ => "-Infinity",
            };
            json!({"doubleValue": word})
        }
        Value::Bytes(bytes) => json!({"bytesValue": STANDARD.encode(bytes)}),
        Value::Array(values) => {
            json!({"arrayValue": {"values": values.iter().map(value).collect::<Vec<_>>()}})
        }
        Value::Map(members) => json!({"kvlistValue": {"values": pairs(members)}}),
        Value::Empty => json!({}),
    }
}
