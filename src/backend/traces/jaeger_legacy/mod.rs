//! Jaeger's legacy JSON (`/api/traces`), from Jaeger before v3 and from `VictoriaTraces`.
//!
//! Times are microseconds. Kind, status and `tracestate` are tags here; they are taken out of the attributes,
//! and stand in the raw span as they came. Processes are told behind the spans. Written after Jaeger's
//! `model/json`.

mod detail;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use self::detail::each_tag;
use super::cursor::{Broken, Cursor, Walk, members};
use super::otlp::HOSTS;
use super::{MOST_SPANS, Reading, ids};
use crate::domain::trace::detail::unescaped;
use crate::domain::trace::{Draft, Found, Kind, Part, Remark, Resource, SpanId, Status, Tie, TraceId, Value};

pub use detail::JaegerLegacy;

/// Reads an answer. It never fails: what is missing is said.
pub fn read(body: Vec<u8>) -> Reading {
    let body = Arc::new(body);
    let mut reader = Reader {
        cursor: Cursor::new(&body),
        draft: Draft::new(Arc::clone(&body), &JaegerLegacy, MOST_SPANS),
    };
    if let Err(broken) = reader.document() {
        reader.draft.remark(broken.remark(&reader.cursor));
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
                    .map(|range| Arc::from(&*unescaped(cursor.bytes(range))));
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
