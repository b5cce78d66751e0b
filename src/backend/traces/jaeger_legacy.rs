//! Jaeger's legacy JSON (`/api/traces`), from Jaeger before v3 and from VictoriaTraces.
//!
//! Times are microseconds. Kind, status and `tracestate` are tags here; they are taken out of the attributes, and stand
//! in the raw span as they came. Processes are told behind the spans. Written after Jaeger's `model/json`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::cursor::{Broken, Cursor, Item, Walk, whole};
use super::otlp::HOSTS;
use super::{MOST_SPANS, Reading, ids};
use crate::domain::trace::detail::unescaped;
use crate::domain::trace::{
    Attribute, Detail, Draft, Event, Found, Kind, Link, Nanos, Part, Remark, Resource, SpanId, Status, Tie,
    TraceId, Value, Wire,
};

/// Reads Jaeger's legacy JSON.
#[derive(Debug, Clone, Copy)]
pub struct JaegerLegacy;

/// Reads an answer. It never fails: what is missing is said.
pub fn read(body: Vec<u8>) -> Reading {
    let body = Arc::new(body);
    let mut reader = Reader {
        cursor: Cursor::new(&body),
        draft: Draft::new(Arc::clone(&body), &JaegerLegacy, MOST_SPANS),
    };
    if let Err(broken) = reader.document() {
        let at = reader.cursor.at().min(body.len());
        reader.draft.remark(match broken {
            Broken::Ended => Remark::CutOff { at },
            Broken::NotJson => Remark::NotJson { at },
        });
    }
    let (traces, lost) = reader.draft.finish();
    Reading { traces, lost }
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    draft: Draft,
}

/// Numbers of the processes of one trace, by their names.
type Processes<'a> = HashMap<&'a [u8], u32>;

impl<'a> Reader<'a> {
    fn document(&mut self) -> Walk<()> {
        if self.cursor.peek().is_err() {
            return Ok(());
        }
        if self.cursor.peek()? != b'{' {
            return Err(Broken::NotJson);
        }
        self.cursor.enter(b'{')?;
        while let Some(key) = self.cursor.key()? {
            match key {
                b"data" => {
                    if self.cursor.enter(b'[')? {
                        while self.cursor.element()? {
                            self.trace()?;
                        }
                    }
                }
                b"errors" => self.errors()?,
                _ => self.cursor.pass()?,
            }
        }
        Ok(())
    }

    fn errors(&mut self) -> Walk<()> {
        if !self.cursor.enter(b'[')? {
            return Ok(());
        }
        while self.cursor.element()? {
            if !self.cursor.enter(b'{')? {
                continue;
            }
            while let Some(key) = self.cursor.key()? {
                let word = self.cursor.word()?;
                if key == b"msg" && !word.is_empty() {
                    self.draft.remark(Remark::Said(unescaped(word).into_owned()));
                }
            }
        }
        Ok(())
    }

    fn trace(&mut self) -> Walk<()> {
        if !self.cursor.enter(b'{')? {
            return Ok(());
        }
        let mut processes = Processes::new();
        let mut own = None;
        while let Some(key) = self.cursor.key()? {
            match key {
                b"traceID" => own = ids::trace(self.cursor.word()?),
                b"spans" => {
                    if self.cursor.enter(b'[')? {
                        while self.cursor.element()? {
                            self.span(own, &mut processes)?;
                        }
                    }
                }
                b"processes" => {
                    if self.cursor.enter(b'{')? {
                        while let Some(name) = self.cursor.key()? {
                            let number = self.process(name, &mut processes);
                            let range = self.cursor.item()?.range();
                            let resource = resource(self.cursor.bytes(range.clone()), Part::of(&range));
                            self.draft.tell_resource(number, resource);
                        }
                    }
                }
                _ => self.cursor.pass()?,
            }
        }
        Ok(())
    }

    fn process(&mut self, name: &'a [u8], processes: &mut Processes<'a>) -> u32 {
        *processes.entry(name).or_insert_with(|| self.draft.resource())
    }

    fn span(&mut self, of_trace: Option<TraceId>, processes: &mut Processes<'a>) -> Walk<()> {
        self.cursor.peek()?;
        let from = self.cursor.at();
        if !self.cursor.enter(b'{')? {
            self.draft.unreadable();
            return Ok(());
        }
        let mut found = Found::default();
        let mut trace = of_trace;
        let mut named = SpanId::default();
        let mut references = Vec::new();
        let (mut start, mut lasted) = (0, None);
        let mut resource = None;
        while let Some(key) = self.cursor.key()? {
            match key {
                b"traceID" => trace = ids::trace(self.cursor.word()?).or(trace),
                b"spanID" => found.id = ids::span(self.cursor.word()?),
                b"parentSpanID" => named = ids::span(self.cursor.word()?),
                b"operationName" => {
                    if let Some(range) = self.cursor.string()? {
                        found.name = Part::of(&range);
                    }
                }
                b"references" => read_references(&mut self.cursor, &mut references)?,
                b"startTime" => start = self.cursor.whole()?.unwrap_or(0).max(0),
                b"duration" => lasted = self.cursor.whole()?,
                b"tags" => tell(&mut self.cursor, &mut found)?,
                b"processID" => {
                    let name = self.cursor.word()?;
                    resource = Some(self.process(name, processes));
                }
                b"process" => {
                    let range = self.cursor.item()?.range();
                    let number = self.draft.resource();
                    let process = self::resource(self.cursor.bytes(range.clone()), Part::of(&range));
                    self.draft.tell_resource(number, process);
                    resource = Some(number);
                }
                _ => self.cursor.pass()?,
            }
        }
        found.part = Part::of(&(from..self.cursor.at()));
        let Some(trace) = trace else {
            self.draft.traceless();
            return Ok(());
        };
        found.start = start.saturating_mul(1_000);
        // How long it took tells nothing of when it ended where it never began.
        let lasted = lasted.filter(|_| start > 0);
        let end = |micros: i64| found.start.saturating_add(micros.saturating_mul(1_000));
        found.end = lasted.map_or(0, end);
        match parent(&references, trace) {
            Some((parent, tie)) if tie == Tie::ChildOf || named.is_none() => {
                (found.parent, found.tie) = (parent, tie);
            }
            _ => found.parent = named,
        }
        found.resource = resource.unwrap_or_else(|| self.draft.resource());
        found.scope = u32::MAX;
        found.trace = self.draft.trace(trace);
        self.draft.span(found);
        Ok(())
    }
}

/// A reference: to which span of which trace, and how.
type Reference = (TraceId, SpanId, Tie);

fn read_references(cursor: &mut Cursor<'_>, into: &mut Vec<Reference>) -> Walk<()> {
    if !cursor.enter(b'[')? {
        return Ok(());
    }
    while cursor.element()? {
        if !cursor.enter(b'{')? {
            continue;
        }
        let (mut trace, mut span, mut tie) = (None, SpanId::default(), Tie::ChildOf);
        while let Some(key) = cursor.key()? {
            let word = cursor.word()?;
            match key {
                b"traceID" => trace = ids::trace(word),
                b"spanID" => span = ids::span(word),
                b"refType" if word == b"FOLLOWS_FROM" => tie = Tie::FollowsFrom,
                _ => {}
            }
        }
        into.extend(trace.map(|trace| (trace, span, tie)));
    }
    Ok(())
}

/// The first that is a child's, else the first that follows; in this trace.
fn parent(references: &[Reference], own: TraceId) -> Option<(SpanId, Tie)> {
    let of = |tie: Tie| {
        let first = references
            .iter()
            .find(|(trace, span, how)| *trace == own && *how == tie && !span.is_none());
        first.map(|(_, span, tie)| (*span, *tie))
    };
    of(Tie::ChildOf).or_else(|| of(Tie::FollowsFrom))
}

/// Takes kind and status out of the tags that come next.
fn tell(cursor: &mut Cursor<'_>, found: &mut Found) -> Walk<()> {
    let mut said = None;
    let _ = each_tag(cursor, &mut |tag| {
        match (&*tag.key, tag.value.text()) {
            ("span.kind", Some(word)) => found.kind = Kind::from_word(word.as_bytes()),
            ("otel.status_code", Some(word)) => {
                said = match word {
                    "ERROR" => Some(Status::Error),
                    "OK" => Some(Status::Ok),
                    _ => said,
                };
            }
            ("error", Some("true")) => found.status = Status::Error,
            ("error", None) if tag.value == Value::Bool(true) => found.status = Status::Error,
            _ => {}
        }
        ControlFlow::Continue(())
    })?;
    found.status = said.unwrap_or(found.status);
    Ok(())
}

fn resource(bytes: &[u8], part: Part) -> Resource {
    let mut service = None;
    let mut hosts: [Option<Arc<str>>; 4] = [const { None }; 4];
    let _ = members(bytes, |key, cursor| {
        match key {
            b"serviceName" => {
                service = cursor
                    .string()?
                    .map(|range| Arc::from(&*unescaped(cursor.bytes(range))))
            }
            b"tags" => {
                let _ = each_tag(cursor, &mut |tag| {
                    let name = match &*tag.key {
                        "hostname" => "host.name",
                        "ip" => "host.ip",
                        other => other,
                    };
                    let known = HOSTS.iter().position(|host| *host == name);
                    if let Some(slot) = known.and_then(|index| hosts.get_mut(index)) {
                        *slot = Some(Arc::from(tag.value.to_string()));
                    }
                    ControlFlow::Continue(())
                })?;
            }
            _ => cursor.pass()?,
        }
        Ok(())
    });
    Resource {
        service,
        host: hosts.into_iter().flatten().find(|host| !host.is_empty()),
        part,
    }
}

/// Each member of an object; `visit` passes its value.
fn members<'a>(object: &'a [u8], mut visit: impl FnMut(&'a [u8], &mut Cursor<'a>) -> Walk<()>) -> Walk<()> {
    let mut cursor = Cursor::new(object);
    if !cursor.enter(b'{')? {
        return Ok(());
    }
    while let Some(key) = cursor.key()? {
        visit(key, &mut cursor)?;
    }
    Ok(())
}

fn each_tag<'a>(
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
        let value = value.map_or(Value::Empty, |item| typed(cursor, item, kind));
        if visit(Attribute { key: name, value }).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A tag's value by its type; 64-bit numbers too great for a double come as texts.
fn typed<'a>(cursor: &Cursor<'a>, item: Item, kind: &[u8]) -> Value<'a> {
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
