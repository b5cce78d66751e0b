//! What a span of Jaeger's legacy JSON tells when it is looked at, and how its tags are read.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::super::cursor::{Broken, Cursor, Item, Walk, members, whole};
use super::super::ids;
use super::{parent, read_references};
use crate::domain::trace::detail::unescaped;
use crate::domain::trace::{Attribute, Detail, Event, Link, Nanos, Value, Wire};

/// Reads Jaeger's legacy JSON.
#[derive(Debug, Clone, Copy)]
pub struct JaegerLegacy;

/// Each tag of the array that comes next.
pub(super) fn each_tag<'a>(
    cursor: &mut Cursor<'a>,
    visit: &mut dyn FnMut(Attribute<'a>) -> ControlFlow<()>,
) -> Walk<ControlFlow<()>> {
    if !cursor.enter(b'[')? {
        return Ok(ControlFlow::Continue(()));
    }
    while cursor.element()? {
        if !cursor.enter(b'{')? {
            continue;
        }
        let (mut name, mut kind, mut value) = (Cow::Borrowed(""), &b""[..], None);
        while let Some(key) = cursor.key()? {
            match key {
                b"key" => name = unescaped(cursor.word()?),
                b"type" => kind = cursor.word()?,
                b"value" => value = Some(cursor.item()?),
                _ => cursor.pass()?,
            }
        }
        let value = value.map_or(Value::Empty, |item| typed(cursor, &item, kind));
        if visit(Attribute { key: name, value }).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A tag's value by its type; 64-bit numbers too great for a double come as texts.
fn typed<'a>(cursor: &Cursor<'a>, item: &Item, kind: &[u8]) -> Value<'a> {
    let text = matches!(item, Item::Text(_));
    let word = cursor.bytes(item.range());
    let read = match kind {
        b"int64" => whole(word).map(Value::Int),
        b"float64" => String::from_utf8_lossy(word).parse().ok().map(Value::Double),
        b"bool" if matches!(word, b"true" | b"false") => Some(Value::Bool(word == b"true")),
        b"binary" => ids::bytes(word).map(Value::Bytes),
        _ if text => Some(Value::Text(unescaped(word))),
        _ => match word {
            b"true" => Some(Value::Bool(true)),
            b"false" => Some(Value::Bool(false)),
            b"null" => Some(Value::Empty),
            _ => None,
        },
    };
    read.unwrap_or_else(|| Value::Raw(String::from_utf8_lossy(word)))
}

/// What a tag says of the span rather than being an attribute.
fn takes_out(tag: &Attribute<'_>) -> bool {
    match &*tag.key {
        "span.kind" | "otel.status_code" | "otel.status_description" | "w3c.tracestate" => true,
        "error" => match &tag.value {
            Value::Bool(_) => true,
            Value::Text(text) => matches!(&**text, "true" | "false" | "unset"),
            _ => false,
        },
        _ => false,
    }
}

impl Wire for JaegerLegacy {
    fn detail<'a>(&self, span: &'a [u8]) -> Detail<'a> {
        let mut detail = Detail::default();
        let mut own = None;
        let mut references = Vec::new();
        let _ = members(span, |key, cursor| {
            match key {
                b"traceID" => own = ids::trace(cursor.word()?),
                b"references" => read_references(cursor, &mut references)?,
                b"tags" => {
                    let _ = each_tag(cursor, &mut |tag| {
                        let out = takes_out(&tag);
                        match (&*tag.key, tag.value) {
                            ("otel.status_description", Value::Text(text)) => detail.message = Some(text),
                            ("w3c.tracestate", Value::Text(text)) => detail.state = Some(text),
                            (_, value) if !out => detail.attributes.push(Attribute { key: tag.key, value }),
                            _ => {}
                        }
                        ControlFlow::Continue(())
                    })?;
                }
                b"logs" => {
                    if cursor.enter(b'[')? {
                        while cursor.element()? {
                            if cursor.enter(b'{')? {
                                detail.events.push(log(cursor)?);
                            }
                        }
                    }
                }
                b"warnings" => {
                    if cursor.enter(b'[')? {
                        while cursor.element()? {
                            detail.warnings.push(unescaped(cursor.word()?));
                        }
                    }
                }
                _ => cursor.pass()?,
            }
            Ok(())
        });
        let parent = own.and_then(|own| Some((own, parent(&references, own)?)));
        let mut known = false;
        for (trace, span, tie) in references {
            if !known && parent == Some((trace, (span, tie))) {
                known = true;
                continue;
            }
            detail.links.push(Link {
                trace,
                span,
                tie: Some(tie),
                attributes: Vec::new(),
            });
        }
        detail
    }

    fn attributes<'a>(
        &self,
        span: &'a [u8],
        visit: &mut dyn FnMut(Attribute<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut went = ControlFlow::Continue(());
        let _ = members(span, |key, cursor| {
            if key != b"tags" || went.is_break() {
                return cursor.pass();
            }
            went = each_tag(cursor, &mut |tag| {
                if takes_out(&tag) {
                    ControlFlow::Continue(())
                } else {
                    visit(tag)
                }
            })?;
            // A walk that broke off stands in the middle of the array.
            if went.is_break() {
                Err(Broken::Ended)
            } else {
                Ok(())
            }
        });
        went
    }

    fn resource<'a>(&self, resource: &'a [u8]) -> Vec<Attribute<'a>> {
        let mut all = Vec::new();
        let _ = members(resource, |key, cursor| {
            match key {
                b"serviceName" => {
                    let name = unescaped(cursor.word()?);
                    all.push(Attribute {
                        key: Cow::Borrowed("service.name"),
                        value: Value::Text(name),
                    });
                }
                b"tags" => {
                    let _ = each_tag(cursor, &mut |tag| {
                        all.push(tag);
                        ControlFlow::Continue(())
                    })?;
                }
                _ => cursor.pass()?,
            }
            Ok(())
        });
        all
    }

    fn scope<'a>(&self, _: &'a [u8]) -> Vec<Attribute<'a>> {
        Vec::new()
    }
}

fn log<'a>(cursor: &mut Cursor<'a>) -> Walk<Event<'a>> {
    let mut event = Event::default();
    while let Some(key) = cursor.key()? {
        match key {
            b"timestamp" => {
                let micros = cursor.whole()?.filter(|time| *time > 0);
                event.at = micros.map(|micros| Nanos(micros.saturating_mul(1_000)));
            }
            b"fields" => {
                let _ = each_tag(cursor, &mut |field| {
                    event.attributes.push(field);
                    ControlFlow::Continue(())
                })?;
            }
            _ => cursor.pass()?,
        }
    }
    let named = |name: &str| event.attributes.iter().position(|field| field.key == name);
    if let Some(at) = named("event").or_else(|| named("message"))
        && let Value::Text(text) = event.attributes.remove(at).value
    {
        event.name = text;
    }
    Ok(event)
}
