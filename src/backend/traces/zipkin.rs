//! Zipkin's v2 JSON: an array of spans, or of such arrays.
//!
//! Times are microseconds. Any field but the ids may be missing; a span may come in several parts, which are
//! joined; client and server may share one id. An error is that the tag `error` is there, whatever it holds.
//! Written after `zipkin2-api.yaml`.

mod source;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::cursor::{Broken, Cursor, Walk, members};
use super::{MOST_SPANS, Reading, ids};
use crate::domain::trace::detail::unescaped;
use crate::domain::trace::{
    Attribute, Detail, Draft, Event, Found, Kind, Nanos, Part, Resource, SpanId, Status, Value, Wire,
};

pub use source::Source;

/// Reads Zipkin's v2 JSON.
#[derive(Debug, Clone, Copy)]
pub struct Zipkin;

/// Reads an answer. It never fails: what is missing is said.
pub fn read(body: Vec<u8>) -> Reading {
    let body = Arc::new(body);
    let mut reader = Reader {
        cursor: Cursor::new(&body),
        draft: Draft::new(Arc::clone(&body), &Zipkin, MOST_SPANS),
        endpoints: HashMap::new(),
        parts: HashMap::new(),
    };
    if let Err(broken) = reader.document() {
        reader.draft.remark(broken.remark(&reader.cursor));
    }
    let (traces, lost) = reader.draft.finish();
    Reading { traces, lost }
}

/// What the parts of one span have in common, besides their service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Same {
    trace: u32,
    id: SpanId,
    kind: Kind,
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    draft: Draft,
    /// Numbers of resources by the bytes of their endpoint.
    endpoints: HashMap<&'a [u8], u32>,
    /// Numbers of spans, with their endpoints.
    parts: HashMap<Same, Vec<(u32, u32)>>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Walk<()> {
        if self.cursor.peek()? != b'[' {
            return Err(Broken::NotJson);
        }
        self.cursor.enter(b'[')?;
        while self.cursor.element()? {
            if self.cursor.peek()? == b'[' {
                self.cursor.enter(b'[')?;
                while self.cursor.element()? {
                    self.span()?;
                }
            } else {
                self.span()?;
            }
        }
        Ok(())
    }

    fn span(&mut self) -> Walk<()> {
        self.cursor.peek()?;
        let from = self.cursor.at();
        if !self.cursor.enter(b'{')? {
            self.draft.unreadable();
            return Ok(());
        }
        let mut found = Found::default();
        let mut trace = None;
        let mut endpoint: &'a [u8] = &[];
        let mut endpoint_at = 0..0;
        let (mut start, mut lasted) = (0, None);
        while let Some(key) = self.cursor.key()? {
            match key {
                b"traceId" => trace = ids::trace(self.cursor.word()?),
                b"id" => found.id = ids::span(self.cursor.word()?),
                b"parentId" => found.parent = ids::span(self.cursor.word()?),
                b"kind" => found.kind = Kind::from_word(self.cursor.word()?),
                b"name" => {
                    if let Some(range) = self.cursor.string()? {
                        found.name = Part::of(&range);
                    }
                }
                b"timestamp" => start = self.cursor.whole()?.unwrap_or(0).max(0),
                b"duration" => lasted = self.cursor.whole()?,
                b"localEndpoint" => {
                    endpoint_at = self.cursor.item()?.range();
                    endpoint = self.cursor.bytes(endpoint_at.clone());
                }
                b"tags" => found.status = self.status()?,
                _ => self.cursor.pass()?,
            }
        }
        found.part = Part::of(&(from..self.cursor.at()));
        let Some(trace) = trace else {
            self.draft.traceless();
            return Ok(());
        };
        found.trace = self.draft.trace(trace);
        found.start = start.saturating_mul(1_000);
        // How long it took tells nothing of when it ended where it never began.
        let lasted = lasted.filter(|_| start > 0);
        let end = |micros: i64| found.start.saturating_add(micros.saturating_mul(1_000));
        found.end = lasted.map_or(0, end);
        found.scope = u32::MAX;
        found.resource = self.endpoint(endpoint, endpoint_at);
        self.join(found);
        Ok(())
    }

    /// Whether the tags that come next say that it failed.
    fn status(&mut self) -> Walk<Status> {
        let mut status = Status::Unset;
        if !self.cursor.enter(b'{')? {
            return Ok(status);
        }
        while let Some(key) = self.cursor.key()? {
            let word = self.cursor.word()?;
            match key {
                b"error" => status = Status::Error,
                b"otel.status_code" if word == b"OK" && status == Status::Unset => status = Status::Ok,
                _ => {}
            }
        }
        Ok(status)
    }

    fn endpoint(&mut self, bytes: &'a [u8], range: Range<usize>) -> u32 {
        let draft = &mut self.draft;
        *self.endpoints.entry(bytes).or_insert_with(|| {
            let mut resource = Resource {
                part: Part::of(&range),
                ..Resource::default()
            };
            let _ = members(bytes, |key, cursor| {
                let word = cursor.word()?;
                match key {
                    b"serviceName" => resource.service = Some(Arc::from(&*unescaped(word))),
                    b"ipv4" | b"ipv6" => resource.host = Some(Arc::from(&*unescaped(word))),
                    _ => {}
                }
                Ok(())
            });
            let number = draft.resource();
            draft.tell_resource(number, resource);
            number
        })
    }

    /// A span, or a further part of one that came before.
    fn join(&mut self, found: Found) {
        let same = Same {
            trace: found.trace,
            id: found.id,
            kind: found.kind,
        };
        let nowhere = self.endpoints.get(&[][..]).copied();
        let parts = self.parts.entry(same).or_default();
        let fits = |endpoint: u32| {
            endpoint == found.resource || Some(endpoint) == nowhere || Some(found.resource) == nowhere
        };
        let known = parts.iter_mut().take(8).find(|(_, endpoint)| fits(*endpoint));
        let Some((number, endpoint)) = known.filter(|_| !found.id.is_none()) else {
            if let Some(number) = self.draft.span(found) {
                parts.push((number, found.resource));
            }
            return;
        };
        self.draft.part(*number, found.part);
        if Some(*endpoint) == nowhere {
            *endpoint = found.resource;
        }
        let endpoint = *endpoint;
        if let Some(first) = self.draft.found(*number) {
            first.resource = endpoint;
            if first.parent.is_none() {
                first.parent = found.parent;
            }
            if first.name == Part::default() {
                first.name = found.name;
            }
            if first.start == 0 {
                first.start = found.start;
            }
            if first.end == 0 {
                first.end = found.end;
            }
            if first.status == Status::Unset {
                first.status = found.status;
            }
        }
    }
}

/// An endpoint's members under OpenTelemetry's names.
fn endpoint<'a>(bytes: &'a [u8], names: [&'static str; 3]) -> Vec<Attribute<'a>> {
    let [service, address, port] = names;
    let mut all = Vec::new();
    let _ = members(bytes, |key, cursor| {
        let word = cursor.word()?;
        let name = match key {
            b"serviceName" => service,
            b"ipv4" | b"ipv6" => address,
            b"port" => port,
            _ => return Ok(()),
        };
        all.push(Attribute {
            key: Cow::Borrowed(name),
            value: Value::Text(unescaped(word)),
        });
        Ok(())
    });
    all
}

impl Wire for Zipkin {
    fn detail<'a>(&self, span: &'a [u8]) -> Detail<'a> {
        let mut detail = Detail::default();
        let _ = members(span, |key, cursor| {
            match key {
                b"tags" => {
                    let range = cursor.item()?.range();
                    let _ = members(cursor.bytes(range), |key, cursor| {
                        let value = unescaped(cursor.word()?);
                        if key == b"error" {
                            detail.message = Some(value).filter(|text| !text.is_empty());
                        } else {
                            detail.attributes.push(Attribute {
                                key: unescaped(key),
                                value: Value::Text(value),
                            });
                        }
                        Ok(())
                    });
                }
                b"remoteEndpoint" => {
                    let range = cursor.item()?.range();
                    detail.attributes.extend(endpoint(cursor.bytes(range), PEER));
                }
                b"annotations" => {
                    if cursor.enter(b'[')? {
                        while cursor.element()? {
                            let range = cursor.item()?.range();
                            detail.events.push(annotation(cursor.bytes(range)));
                        }
                    }
                }
                _ => cursor.pass()?,
            }
            Ok(())
        });
        detail
    }

    fn attributes<'a>(
        &self,
        span: &'a [u8],
        visit: &mut dyn FnMut(Attribute<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.detail(span).attributes.into_iter().try_for_each(visit)
    }

    fn resource<'a>(&self, resource: &'a [u8]) -> Vec<Attribute<'a>> {
        endpoint(resource, ["service.name", "host.ip", "port"])
    }

    fn scope<'a>(&self, _: &'a [u8]) -> Vec<Attribute<'a>> {
        Vec::new()
    }
}

/// What the other end of a call is named in OpenTelemetry's words.
const PEER: [&str; 3] = ["peer.service", "network.peer.address", "network.peer.port"];

fn annotation(bytes: &[u8]) -> Event<'_> {
    let mut event = Event::default();
    let _ = members(bytes, |key, cursor| {
        match key {
            b"timestamp" => {
                let micros = cursor.whole()?.filter(|time| *time > 0);
                event.at = micros.map(|micros| Nanos(micros.saturating_mul(1_000)));
            }
            b"value" => event.name = unescaped(cursor.word()?),
            _ => cursor.pass()?,
        }
        Ok(())
    });
    event
}
