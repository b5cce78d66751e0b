//! What an OTLP span tells when it is looked at.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::super::cursor::{Cursor, Item, Walk, whole};
use super::super::ids;
use crate::domain::trace::detail::unescaped;
use crate::domain::trace::{Attribute, Detail, Event, Link, Nanos, Value, Wire};

/// Values within values are read so deep; deeper ones stay as they came.
const DEPTH: usize = 16;

/// Where Jaeger puts what its adjusters and storages warn of.
const WARNINGS: &str = "@jaeger@warnings";

/// Reads OTLP's JSON.
#[derive(Debug, Clone, Copy)]
pub struct Otlp;

type Visit<'v, 'a> = &'v mut dyn FnMut(Attribute<'a>) -> ControlFlow<()>;

impl Wire for Otlp {
    fn detail<'a>(&self, span: &'a [u8]) -> Detail<'a> {
        let mut detail = Detail::default();
        // What was whole is kept.
        let _ = read_span(&mut Cursor::new(span), &mut detail);
        detail
    }

    fn attributes<'a>(&self, span: &'a [u8], visit: Visit<'_, 'a>) -> ControlFlow<()> {
        attributes_of(span, &mut |attribute| {
            if attribute.key == WARNINGS {
                ControlFlow::Continue(())
            } else {
                visit(attribute)
            }
        })
    }

    fn resource<'a>(&self, resource: &'a [u8]) -> Vec<Attribute<'a>> {
        collected(resource)
    }

    fn scope<'a>(&self, scope: &'a [u8]) -> Vec<Attribute<'a>> {
        let mut all = Vec::new();
        let mut cursor = Cursor::new(scope);
        let _ = (|| -> Walk<()> {
            cursor.enter(b'{')?;
            while let Some(key) = cursor.key()? {
                let known: Option<&'static str> = match key {
                    b"name" => Some("otel.scope.name"),
                    b"version" => Some("otel.scope.version"),
                    _ => None,
                };
                match (known, cursor.item()?) {
                    (Some(key), Item::Text(range)) => all.push(Attribute {
                        key: Cow::Borrowed(key),
                        value: Value::Text(unescaped(cursor.bytes(range))),
                    }),
                    (_, Item::Text(_) | Item::Object(_) | Item::Array(_) | Item::Plain(_)) => {}
                }
            }
            Ok(())
        })();
        all.extend(collected(scope));
        all
    }
}

/// The attributes of an object that has them: a span, a resource, a scope.
pub(super) fn attributes_of<'a>(object: &'a [u8], visit: Visit<'_, 'a>) -> ControlFlow<()> {
    let mut cursor = Cursor::new(object);
    let mut went = ControlFlow::Continue(());
    let _ = (|| -> Walk<()> {
        if !cursor.enter(b'{')? {
            return Ok(());
        }
        while let Some(key) = cursor.key()? {
            if key == b"attributes" {
                went = each_attribute(&mut cursor, visit)?;
                if went.is_break() {
                    break;
                }
            } else {
                cursor.pass()?;
            }
        }
        Ok(())
    })();
    went
}

fn collected(object: &[u8]) -> Vec<Attribute<'_>> {
    let mut all = Vec::new();
    let _ = attributes_of(object, &mut |attribute| {
        all.push(attribute);
        ControlFlow::Continue(())
    });
    all
}

/// Each attribute of the array that comes next.
fn each_attribute<'a>(cursor: &mut Cursor<'a>, visit: Visit<'_, 'a>) -> Walk<ControlFlow<()>> {
    if !cursor.enter(b'[')? {
        return Ok(ControlFlow::Continue(()));
    }
    while cursor.element()? {
        let attribute = attribute(cursor, DEPTH)?;
        if let Some(attribute) = attribute
            && visit(attribute).is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn attribute<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Walk<Option<Attribute<'a>>> {
    if !cursor.enter(b'{')? {
        return Ok(None);
    }
    let mut name: Cow<'a, str> = Cow::Borrowed("");
    let mut value = Value::Empty;
    while let Some(key) = cursor.key()? {
        match key {
            b"key" => name = text(cursor)?,
            b"value" => value = any_value(cursor, depth)?,
            _ => cursor.pass()?,
        }
    }
    Ok(Some(Attribute { key: name, value }))
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Walk<Cow<'a, str>> {
    let range = cursor.string()?;
    Ok(range.map_or(Cow::Borrowed(""), |range| unescaped(cursor.bytes(range))))
}

/// An `AnyValue`; a bare value where a sender wrote one. Recurses no deeper than `depth`.
fn any_value<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Walk<Value<'a>> {
    if cursor.peek()? != b'{' {
        let item = cursor.item()?;
        return Ok(bare(cursor, item));
    }
    if depth == 0 {
        let range = cursor.item()?.range();
        return Ok(Value::Raw(String::from_utf8_lossy(cursor.bytes(range))));
    }
    cursor.enter(b'{')?;
    let mut value = Value::Empty;
    while let Some(key) = cursor.key()? {
        value = match key {
            b"stringValue" | b"string_value" => Value::Text(text(cursor)?),
            b"boolValue" | b"bool_value" => Value::Bool(cursor.word()? == b"true"),
            b"intValue" | b"int_value" => {
                let word = cursor.word()?;
                whole(word).map_or_else(|| Value::Raw(String::from_utf8_lossy(word)), Value::Int)
            }
            b"doubleValue" | b"double_value" => double(cursor.word()?),
            b"bytesValue" | b"bytes_value" => {
                let word = cursor.word()?;
                ids::bytes(word).map_or_else(|| Value::Raw(String::from_utf8_lossy(word)), Value::Bytes)
            }
            b"arrayValue" | b"array_value" => Value::Array(values(cursor, depth - 1)?),
            b"kvlistValue" | b"kvlist_value" => Value::Map(members(cursor, depth - 1)?),
            _ => {
                cursor.pass()?;
                continue;
            }
        };
    }
    Ok(value)
}

fn bare<'a>(cursor: &Cursor<'a>, item: Item) -> Value<'a> {
    match item {
        Item::Text(range) => Value::Text(unescaped(cursor.bytes(range))),
        Item::Plain(range) => match cursor.bytes(range) {
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            b"null" => Value::Empty,
            word => whole_or_double(word),
        },
        Item::Object(range) | Item::Array(range) => Value::Raw(String::from_utf8_lossy(cursor.bytes(range))),
    }
}

fn whole_or_double(word: &[u8]) -> Value<'_> {
    let fraction = word.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    match whole(word) {
        Some(number) if !fraction => Value::Int(number),
        _ => double(word),
    }
}

fn double(word: &[u8]) -> Value<'_> {
    let text = String::from_utf8_lossy(word);
    // Rust reads JSON's numbers and proto's `NaN`, `Infinity`, `-Infinity` alike.
    match text.parse() {
        Ok(number) => Value::Double(number),
        Err(_) => Value::Raw(text),
    }
}

fn values<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Walk<Vec<Value<'a>>> {
    listed(cursor, |cursor| any_value(cursor, depth).map(Some))
}

fn members<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Walk<Vec<Attribute<'a>>> {
    listed(cursor, |cursor| attribute(cursor, depth))
}

/// The elements of `{"values": […]}`, as arrays and maps are written alike.
fn listed<'a, T>(
    cursor: &mut Cursor<'a>,
    mut element: impl FnMut(&mut Cursor<'a>) -> Walk<Option<T>>,
) -> Walk<Vec<T>> {
    let mut all = Vec::new();
    if !cursor.enter(b'{')? {
        return Ok(all);
    }
    while let Some(key) = cursor.key()? {
        if key != b"values" {
            cursor.pass()?;
        } else if cursor.enter(b'[')? {
            while cursor.element()? {
                all.extend(element(cursor)?);
            }
        }
    }
    Ok(all)
}

fn read_span<'a>(cursor: &mut Cursor<'a>, detail: &mut Detail<'a>) -> Walk<()> {
    if !cursor.enter(b'{')? {
        return Ok(());
    }
    while let Some(key) = cursor.key()? {
        match key {
            b"attributes" => {
                let _ = each_attribute(cursor, &mut |attribute| {
                    if attribute.key == WARNINGS {
                        warn(attribute.value, &mut detail.warnings);
                    } else {
                        detail.attributes.push(attribute);
                    }
                    ControlFlow::Continue(())
                })?;
            }
            b"events" => {
                if cursor.enter(b'[')? {
                    while cursor.element()? {
                        if cursor.enter(b'{')? {
                            detail.events.push(event(cursor)?);
                        }
                    }
                }
            }
            b"links" => {
                if cursor.enter(b'[')? {
                    while cursor.element()? {
                        if cursor.enter(b'{')? {
                            detail.links.extend(link(cursor)?);
                        }
                    }
                }
            }
            b"status" => {
                if cursor.enter(b'{')? {
                    while let Some(key) = cursor.key()? {
                        if key == b"message" {
                            detail.message = Some(text(cursor)?).filter(|text| !text.is_empty());
                        } else {
                            cursor.pass()?;
                        }
                    }
                }
            }
            b"traceState" | b"trace_state" => {
                detail.state = Some(text(cursor)?).filter(|text| !text.is_empty());
            }
            b"droppedAttributesCount"
            | b"dropped_attributes_count"
            | b"droppedEventsCount"
            | b"dropped_events_count"
            | b"droppedLinksCount"
            | b"dropped_links_count" => {
                detail.dropped = detail.dropped.saturating_add(count(cursor)?);
            }
            _ => cursor.pass()?,
        }
    }
    Ok(())
}

fn count(cursor: &mut Cursor<'_>) -> Walk<u32> {
    Ok(cursor
        .whole()?
        .and_then(|count| count.try_into().ok())
        .unwrap_or(0))
}

fn warn<'a>(value: Value<'a>, warnings: &mut Vec<Cow<'a, str>>) {
    match value {
        Value::Array(values) => warnings.extend(values.into_iter().map(|value| match value {
            Value::Text(text) | Value::Raw(text) => text,
            other => Cow::Owned(other.to_string()),
        })),
        Value::Text(text) | Value::Raw(text) => warnings.push(text),
        Value::Empty => {}
        Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Bytes(_) | Value::Map(_) => {
            warnings.push(Cow::Owned(value.to_string()));
        }
    }
}

fn event<'a>(cursor: &mut Cursor<'a>) -> Walk<Event<'a>> {
    let mut event = Event::default();
    while let Some(key) = cursor.key()? {
        match key {
            b"timeUnixNano" | b"time_unix_nano" => {
                event.at = cursor.whole()?.filter(|time| *time > 0).map(Nanos);
            }
            b"name" => event.name = text(cursor)?,
            b"attributes" => {
                let _ = each_attribute(cursor, &mut |attribute| {
                    event.attributes.push(attribute);
                    ControlFlow::Continue(())
                })?;
            }
            b"droppedAttributesCount" | b"dropped_attributes_count" => event.dropped = count(cursor)?,
            _ => cursor.pass()?,
        }
    }
    Ok(event)
}

/// A link; `None` where it does not say to what.
fn link<'a>(cursor: &mut Cursor<'a>) -> Walk<Option<Link<'a>>> {
    let mut trace = None;
    let mut span = crate::domain::trace::SpanId::default();
    let mut attributes = Vec::new();
    while let Some(key) = cursor.key()? {
        match key {
            b"traceId" | b"trace_id" => trace = ids::trace(cursor.word()?),
            b"spanId" | b"span_id" => span = ids::span(cursor.word()?),
            b"attributes" => {
                let _ = each_attribute(cursor, &mut |attribute| {
                    attributes.push(attribute);
                    ControlFlow::Continue(())
                })?;
            }
            _ => cursor.pass()?,
        }
    }
    Ok(trace.map(|trace| Link {
        trace,
        span,
        tie: None,
        attributes,
    }))
}
