//! OTLP as JSON, read with tolerance: Jaeger v3 (`{"result":{…}}`, one or several one behind the other),
//! Tempo v1 (`batches`) and v2 (`trace`), `VictoriaTraces`, and bare `resourceSpans`.
//!
//! Names are taken in camelCase and `snake_case`, 64-bit numbers as texts or numbers, enums as numbers or
//! names, ids as hex or base64; unknown members are passed over. Only what a row needs is read here;
//! `detail` reads the rest of a span when it is looked at. Written after opentelemetry-proto's
//! `trace.proto`, its JSON mapping, and the servers' deviations.

mod detail;

use std::ops::ControlFlow;
use std::sync::Arc;

use super::cursor::{Broken, Cursor, Item, Walk};
use super::{MOST_SPANS, Reading, ids};
use crate::domain::trace::detail::unescaped;
use crate::domain::trace::{Draft, Found, Kind, Part, Remark, Resource, Status};

pub use detail::Otlp;

/// Reads an answer. It never fails: what is missing is said.
pub fn read(body: Vec<u8>) -> Reading {
    read_at_most(body, MOST_SPANS)
}

/// Reads an answer, at most so many spans of it.
pub fn read_at_most(body: Vec<u8>, most: usize) -> Reading {
    let body = Arc::new(body);
    let mut reader = Reader {
        cursor: Cursor::new(&body),
        draft: Draft::new(Arc::clone(&body), &Otlp, most),
        last: (&[], 0),
        partial: false,
        told: false,
    };
    if let Err(broken) = reader.documents() {
        reader.draft.remark(broken.remark(&reader.cursor));
    }
    let (traces, lost) = reader.draft.finish();
    Reading { traces, lost }
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    draft: Draft,
    /// The trace id last seen, as it was spelled, with its number: nearly every span repeats it.
    last: (&'a [u8], u32),
    /// Whether a document says that it is not whole, and why.
    partial: bool,
    told: bool,
}

impl<'a> Reader<'a> {
    /// Documents one behind the other, as a gateway streams them; an array of them too.
    fn documents(&mut self) -> Walk<()> {
        // No answer at all is one without spans.
        while let Ok(next) = self.cursor.peek() {
            match next {
                b'{' => self.document()?,
                b'[' => {
                    self.cursor.enter(b'[')?;
                    while self.cursor.element()? {
                        if self.cursor.peek()? == b'{' {
                            self.document()?;
                        } else {
                            self.cursor.pass()?;
                        }
                    }
                }
                b'n' if self.cursor.ends_with(b"null") => return Ok(()),
                _ => return Err(Broken::NotJson),
            }
        }
        Ok(())
    }

    /// A document. What wraps the spans (`result`, `trace`) is entered as if its braces were not there.
    fn document(&mut self) -> Walk<()> {
        let mut open = 0_usize;
        (self.partial, self.told) = (false, false);
        open += usize::from(self.cursor.enter(b'{')?);
        while open > 0 {
            let Some(key) = self.cursor.key()? else {
                open -= 1;
                continue;
            };
            match key {
                b"result" | b"trace" => open += usize::from(self.cursor.enter(b'{')?),
                b"resourceSpans" | b"resource_spans" | b"batches" => {
                    self.each(Self::resource_spans)?;
                }
                b"status" | b"message" | b"error" => {
                    let item = self.cursor.item()?;
                    self.said(&item);
                }
                _ => self.cursor.pass()?,
            }
        }
        // Without a reason.
        if self.partial && !self.told {
            let text = "the source gave a part of the trace only";
            self.draft.remark(Remark::Said(text.to_owned()));
        }
        Ok(())
    }

    /// What the source says of its answer: `"status":"PARTIAL","message":"…"`, or an error behind the spans.
    fn said(&mut self, item: &Item) {
        let text = match item {
            Item::Text(range) => unescaped(self.cursor.bytes(range.clone())).into_owned(),
            Item::Object(range) => {
                let mut inner = Cursor::new(self.cursor.bytes(range.clone()));
                let mut message = None;
                let found = (|| -> Walk<()> {
                    inner.enter(b'{')?;
                    while let Some(key) = inner.key()? {
                        let word = inner.word()?;
                        if key == b"message" {
                            message = Some(unescaped(word).into_owned());
                        }
                    }
                    Ok(())
                })();
                match (found, message) {
                    (_, Some(message)) => message,
                    _ => "the source failed in the middle of its answer".to_owned(),
                }
            }
            Item::Plain(_) | Item::Array(_) => return,
        };
        let complete = text.is_empty() || text.eq_ignore_ascii_case("complete");
        if complete {
            return;
        }
        if text.eq_ignore_ascii_case("partial") {
            self.partial = true;
            return;
        }
        self.told = true;
        self.draft.remark(Remark::Said(text));
    }

    /// Each object of the array that comes next.
    fn each(&mut self, mut read: impl FnMut(&mut Self) -> Walk<()>) -> Walk<()> {
        if !self.cursor.enter(b'[')? {
            return Ok(());
        }
        while self.cursor.element()? {
            if self.cursor.enter(b'{')? {
                read(self)?;
            }
        }
        Ok(())
    }

    fn resource_spans(&mut self) -> Walk<()> {
        let number = self.draft.resource();
        while let Some(key) = self.cursor.key()? {
            match key {
                b"resource" => {
                    let range = self.cursor.item()?.range();
                    let resource = resource(self.cursor.bytes(range.clone()), Part::of(&range));
                    self.draft.tell_resource(number, resource);
                }
                b"scopeSpans"
                | b"scope_spans"
                | b"instrumentationLibrarySpans"
                | b"instrumentation_library_spans" => {
                    self.each(|reader| reader.scope_spans(number))?;
                }
                _ => self.cursor.pass()?,
            }
        }
        Ok(())
    }

    fn scope_spans(&mut self, resource: u32) -> Walk<()> {
        let number = self.draft.scope();
        while let Some(key) = self.cursor.key()? {
            match key {
                b"scope" | b"instrumentationLibrary" | b"instrumentation_library" => {
                    let range = self.cursor.item()?.range();
                    self.draft.tell_scope(number, Part::of(&range));
                }
                b"spans" => self.spans(resource, number)?,
                _ => self.cursor.pass()?,
            }
        }
        Ok(())
    }

    fn spans(&mut self, resource: u32, scope: u32) -> Walk<()> {
        if !self.cursor.enter(b'[')? {
            return Ok(());
        }
        while self.cursor.element()? {
            self.cursor.peek()?;
            let from = self.cursor.at();
            if !self.cursor.enter(b'{')? {
                self.draft.unreadable();
                continue;
            }
            let found = Found {
                resource,
                scope,
                ..Found::default()
            };
            self.span(found, from)?;
        }
        Ok(())
    }

    fn span(&mut self, mut found: Found, from: usize) -> Walk<()> {
        let mut trace: &'a [u8] = &[];
        while let Some(key) = self.cursor.key()? {
            match key {
                b"traceId" | b"trace_id" => trace = self.cursor.word()?,
                b"spanId" | b"span_id" => found.id = ids::span(self.cursor.word()?),
                b"parentSpanId" | b"parent_span_id" => found.parent = ids::span(self.cursor.word()?),
                b"name" => {
                    if let Some(range) = self.cursor.string()? {
                        found.name = Part::of(&range);
                    }
                }
                b"kind" => found.kind = kind(self.cursor.word()?),
                b"startTimeUnixNano" | b"start_time_unix_nano" => {
                    found.start = self.cursor.whole()?.map_or(0, |time| time.max(0));
                }
                b"endTimeUnixNano" | b"end_time_unix_nano" => {
                    found.end = self.cursor.whole()?.map_or(0, |time| time.max(0));
                }
                b"status" => found.status = self.status()?,
                b"attributes" => self.pass_attributes()?,
                _ => self.cursor.pass()?,
            }
        }
        found.part = Part::of(&(from..self.cursor.at()));
        if trace != self.last.0 || trace.is_empty() {
            let Some(id) = ids::trace(trace) else {
                self.draft.traceless();
                return Ok(());
            };
            self.last = (trace, self.draft.trace(id));
        }
        found.trace = self.last.1;
        self.draft.span(found);
        Ok(())
    }

    /// Attributes are most of an answer, and are read only when they are looked at.
    fn pass_attributes(&mut self) -> Walk<()> {
        if !self.cursor.enter(b'[')? {
            return Ok(());
        }
        while self.cursor.element()? {
            if !self.cursor.plain_attribute() {
                self.cursor.pass()?;
            }
        }
        Ok(())
    }

    fn status(&mut self) -> Walk<Status> {
        let mut status = Status::Unset;
        if !self.cursor.enter(b'{')? {
            return Ok(status);
        }
        while let Some(key) = self.cursor.key()? {
            if key == b"code" {
                status = match self.cursor.word()? {
                    b"2" | b"STATUS_CODE_ERROR" => Status::Error,
                    b"1" | b"STATUS_CODE_OK" => Status::Ok,
                    _ => Status::Unset,
                };
            } else {
                self.cursor.pass()?;
            }
        }
        Ok(status)
    }
}

fn kind(word: &[u8]) -> Kind {
    match word {
        b"1" => Kind::Internal,
        b"2" => Kind::Server,
        b"3" => Kind::Client,
        b"4" => Kind::Producer,
        b"5" => Kind::Consumer,
        word => Kind::from_word(word),
    }
}

/// Which attributes name the host whose clock a span's times are of, the better first.
pub(super) const HOSTS: [&str; 4] = ["host.id", "k8s.node.name", "host.name", "host.ip"];

fn resource(bytes: &[u8], part: Part) -> Resource {
    let mut service = None;
    let mut hosts: [Option<Arc<str>>; 4] = [const { None }; 4];
    let _ = detail::attributes_of(bytes, &mut |attribute| {
        let named = HOSTS.iter().position(|host| *host == attribute.key);
        if attribute.key == "service.name" {
            service = Some(Arc::from(attribute.value.to_string()));
        } else if let Some(slot) = named.and_then(|index| hosts.get_mut(index)) {
            *slot = Some(Arc::from(attribute.value.to_string()));
        }
        ControlFlow::Continue(())
    });
    Resource {
        service,
        host: hosts.into_iter().flatten().find(|host| !host.is_empty()),
        part,
    }
}
