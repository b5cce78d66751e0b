//! The few keys that the store reads out of every line: one pass, no parsing, nothing allocated.
//!
//! JSON is walked member by member, logfmt from one `=` to the next; where neither tells, the front of the text does.
//! Start at [`scan`].

use std::ops::Range;

use super::detect::{level_in, level_of, level_of_severity_number};
use super::json::{self, Kind, Value, Walk};
use super::logfmt::{self, Pairs};
use super::{Level, Nanos, joint, moment};
use crate::domain::trace_id::TraceId;

/// Objects within objects are looked into so deep: `resource.attributes` is two.
const DEPTH: usize = 3;

/// What is looked for besides trace and span: what the source told is not looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looking {
    /// When.
    pub time: bool,
    /// How grave.
    pub level: bool,
    /// Of which service.
    pub service: bool,
}

impl Looking {
    /// For all.
    pub const ALL: Self = Self {
        time: true,
        level: true,
        service: true,
    };
}

/// Who says how grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Graded {
    /// The line, in a field or in words.
    #[default]
    ByLine,
    /// Nobody; the status of an answer that it tells is that of a failed server (RFC 9110, 15.6).
    ByStatus,
    /// Nobody; it is a stack trace.
    ByTrace,
}

/// What a line tells. Ranges are of its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Option<Nanos>,
    /// How grave.
    pub level: Level,
    /// Who says so.
    pub graded: Graded,
    /// Of which service.
    pub service: Option<Range<usize>>,
    /// Where the trace id's hex digits stand.
    pub trace: Option<Range<usize>>,
    /// Where the span id's hex digits stand.
    pub span: Option<Range<usize>>,
}

/// Reads what a line tells.
pub fn scan(text: &[u8], looking: Looking) -> Seen {
    let mut scan = Scan {
        text,
        looking,
        seen: Seen::default(),
        service_rank: u8::MAX,
        message: None,
        status: None,
    };
    if json::is_object(text) {
        scan.json(0, DEPTH);
        scan.words_of_message();
    } else {
        let logfmt = scan.logfmt();
        if !logfmt && looking.time && scan.seen.at.is_none() {
            scan.seen.at = moment::leading(text);
        }
        if looking.level && scan.seen.level == Level::Unknown {
            scan.seen.level = level_in(text);
        }
        scan.status = scan.status.take().or_else(|| status_in(text));
    }
    scan.grade_by_status();
    scan.grade_by_trace();
    scan.seen
}

struct Scan<'a> {
    text: &'a [u8],
    looking: Looking,
    seen: Seen,
    service_rank: u8,
    message: Option<Range<usize>>,
    status: Option<Range<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Time,
    Level,
    SeverityNumber,
    /// The better name has the lower rank.
    Service(u8),
    Trace,
    Span,
    Message,
    Status,
    /// An object whose members are named as if they stood outside it.
    Container,
}

impl Scan<'_> {
    fn json(&mut self, at: usize, depth: usize) {
        let Some(mut walk) = Walk::into(self.text, at, b'{') else {
            return;
        };
        while let Some((key, value)) = walk.member() {
            let Some(name) = self.text.get(key).and_then(name_of) else {
                continue;
            };
            match value.kind {
                Kind::Object if depth > 0 => self.nested(name, value.range.start, depth - 1),
                Kind::Object | Kind::Array => {}
                Kind::Text | Kind::Plain => self.take(name, value),
            }
        }
    }

    /// What stands within an object that has a name of its own: `"trace":{"id":…}`, `"log":{"level":…}`.
    fn nested(&mut self, outer: Name, at: usize, depth: usize) {
        let inner: &[u8] = match outer {
            Name::Container => {
                self.json(at, depth);
                if let Some(value) = self.member(at, b"level") {
                    self.take(Name::Level, value);
                }
                return;
            }
            Name::Trace | Name::Span => b"id",
            Name::Service(_) => b"name",
            Name::Time | Name::Level | Name::SeverityNumber | Name::Message | Name::Status => return,
        };
        if let Some(value) = self.member(at, inner) {
            self.take(outer, value);
        }
    }

    fn member(&self, at: usize, name: &[u8]) -> Option<Value> {
        let mut walk = Walk::into(self.text, at, b'{')?;
        let found =
            std::iter::from_fn(|| walk.member()).find(|(key, _)| self.text.get(key.clone()) == Some(name))?;
        Some(found.1).filter(|value| matches!(value.kind, Kind::Text | Kind::Plain))
    }

    fn logfmt(&mut self) -> bool {
        let mut whole = None;
        for pair in Pairs::of(self.text) {
            let starts = pair.key.start == 0;
            whole.get_or_insert(starts);
            let Some(name) = self.text.get(pair.key).and_then(name_of) else {
                continue;
            };
            let kind = if pair.quoted { Kind::Text } else { Kind::Plain };
            self.take(
                name,
                Value {
                    kind,
                    range: pair.value,
                },
            );
        }
        whole.unwrap_or(false)
    }

    fn take(&mut self, name: Name, value: Value) {
        let Some(text) = self.text.get(value.range.clone()) else {
            return;
        };
        match name {
            Name::Time if self.looking.time && self.seen.at.is_none() => self.seen.at = moment::value(text),
            Name::Level if self.looking.level && self.seen.level == Level::Unknown => {
                self.seen.level = level_of(text);
            }
            Name::SeverityNumber if self.looking.level && self.seen.level == Level::Unknown => {
                self.seen.level = level_of_severity_number(text);
            }
            Name::Service(rank) if self.looking.service && rank < self.service_rank && !text.is_empty() => {
                self.service_rank = rank;
                self.seen.service = Some(value.range);
            }
            Name::Trace if self.seen.trace.is_none() => {
                self.seen.trace = hex_end(text).filter(|hex| is_trace(hex)).map(|hex| {
                    let from = value.range.end - hex.len();
                    from..value.range.end
                });
            }
            Name::Span
                if self.seen.span.is_none() && hex_end(text).is_some_and(|hex| hex.len() == text.len()) =>
            {
                self.seen.span = Some(value.range);
            }
            Name::Message => self.message = Some(value.range),
            Name::Status => self.status = Some(value.range),
            Name::Time
            | Name::Level
            | Name::SeverityNumber
            | Name::Service(_)
            | Name::Trace
            | Name::Span
            | Name::Container => {}
        }
    }

    /// A line that says no level of a request that failed by the server's fault is an error.
    fn grade_by_status(&mut self) {
        if !self.looking.level || self.seen.level != Level::Unknown {
            return;
        }
        let status = self.status.clone().and_then(|range| self.text.get(range));
        if let Some([b'5', b'0'..=b'9', b'0'..=b'9']) = status {
            self.seen.level = Level::Error;
            self.seen.graded = Graded::ByStatus;
        }
    }

    /// Something that was thrown and says no level is an error.
    fn grade_by_trace(&mut self) {
        if self.looking.level && self.seen.level == Level::Unknown && joint::is_thrown(self.text) {
            self.seen.level = Level::Error;
            self.seen.graded = Graded::ByTrace;
        }
    }

    /// JSON without a level may say it in its message.
    fn words_of_message(&mut self) {
        if !self.looking.level || self.seen.level != Level::Unknown {
            return;
        }
        if let Some(message) = self.message.clone().and_then(|range| self.text.get(range)) {
            self.seen.level = level_in(message);
        }
    }
}

/// The status in an access log: behind the quoted request, which ends with its protocol.
fn status_in(text: &[u8]) -> Option<Range<usize>> {
    /// How far into a line it may stand.
    const REACH: usize = 4_096;
    let text = text.get(..text.len().min(REACH))?;
    let at = memchr::memmem::find(text, b" HTTP/")?;
    let end = at + memchr::memchr(b'"', text.get(at..)?)?;
    let status = end + 2..end + 5;
    let apart = text.get(end + 1) == Some(&b' ') && text.get(status.end).is_none_or(u8::is_ascii_whitespace);
    apart.then_some(status)
}

/// The hex digits (and dashes) that a text ends with, what stands before the last slash passed over; none for none.
fn hex_end(text: &[u8]) -> Option<&[u8]> {
    let hex = text.rsplit(|byte| *byte == b'/').next()?;
    let all = hex.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    (all && !hex.is_empty()).then_some(hex)
}

/// Ids may have lost their leading zeros, but not all of them.
fn is_trace(hex: &[u8]) -> bool {
    hex.len() >= 8 && TraceId::from_hex(hex).is_some()
}

/// What a key stands for, whatever its case and whether its words are joined by `_`, `.`, `-` or nothing.
fn name_of(key: &[u8]) -> Option<Name> {
    const LONGEST: usize = 32;
    let first = key.first()?;
    if key.len() > LONGEST
        || !matches!(
            first | 0x20,
            b'a' | b'd' | b'e' | b'f' | b'h' | b'l' | b'm' | b'o' | b'r' | b's' | b't' | b'`' | b'\x7f'
        )
    {
        return None;
    }
    let mut plain = [0; LONGEST];
    let mut length = 0;
    for byte in key {
        if !matches!(byte, b'_' | b'.' | b'-' | b'@') {
            *plain.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    Some(match plain.get(..length)? {
        b"t" | b"ts" | b"time" | b"timestamp" | b"datetime" | b"date" | b"asctime" | b"eventtime" => {
            Name::Time
        }
        b"level" | b"lvl" | b"severity" | b"severitytext" | b"loglevel" | b"levelname" | b"detectedlevel" => {
            Name::Level
        }
        b"severitynumber" => Name::SeverityNumber,
        b"service" | b"servicename" => Name::Service(0),
        b"svc" | b"appname" | b"application" => Name::Service(1),
        b"app" => Name::Service(2),
        b"trace" | b"traceid" | b"oteltraceid" | b"logginggoogleapiscom/trace" => Name::Trace,
        b"span" | b"spanid" | b"otelspanid" => Name::Span,
        b"msg" | b"message" => Name::Message,
        b"status"
        | b"statuscode"
        | b"httpstatus"
        | b"httpstatuscode"
        | b"httpresponsestatuscode"
        | b"responsestatus" => Name::Status,
        b"log" | b"resource" | b"attributes" | b"fields" => Name::Container,
        _ => return None,
    })
}

/// What a person wants to read first of a line, as a range of its text: the message of JSON or of logfmt.
pub(super) fn message(text: &[u8]) -> Option<(Range<usize>, Kind)> {
    let is_message = |key: Range<usize>| text.get(key).and_then(name_of) == Some(Name::Message);
    if json::is_object(text) {
        let mut walk = Walk::into(text, 0, b'{')?;
        let (_, value) = std::iter::from_fn(|| walk.member()).find(|(key, _)| is_message(key.clone()))?;
        return (value.kind == Kind::Text).then_some((value.range, Kind::Text));
    }
    if !logfmt::is_logfmt(text) {
        return None;
    }
    let pair = Pairs::of(text).find(|pair| is_message(pair.key.clone()))?;
    let kind = if pair.quoted { Kind::Text } else { Kind::Plain };
    Some((pair.value, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str, range: Option<Range<usize>>) -> Option<&str> {
        range.map(|range| &text[range])
    }

    #[test]
    fn json_tells_its_keys_flat_or_nested() {
        let ecs = r#"{"@timestamp":"2026-11-21T08:10:03Z","log":{"level":"error"},"service":{"name":"pay"},"trace":{"id":"0af7651916cd43dd8448eb211c80319c"},"span":{"id":"b7ad6b7169203331"}}"#;
        let flat = r#"{"ts":1795248603,"severity":"ERROR","service.name":"pay","traceId":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","msg":"x"}"#;
        let otel = r#"{"time":"2026-11-21T08:10:03Z","severity_number":17,"resource":{"attributes":{"service.name":"pay"}},"trace_id":"0af7651916cd43dd8448eb211c80319c","spanid":"b7ad6b7169203331"}"#;
        for text in [ecs, flat, otel] {
            let seen = scan(text.as_bytes(), Looking::ALL);
            assert_eq!(seen.at, Some(Nanos(1_795_248_603_000_000_000)), "{text}");
            assert_eq!(seen.level, Level::Error, "{text}");
            assert_eq!(part(text, seen.service), Some("pay"), "{text}");
            assert_eq!(
                part(text, seen.trace),
                Some("0af7651916cd43dd8448eb211c80319c"),
                "{text}"
            );
            assert_eq!(part(text, seen.span), Some("b7ad6b7169203331"), "{text}");
        }
    }

    #[test]
    fn logfmt_and_plain_text_tell_theirs() {
        let text = r#"time="2026-11-21T08:10:03Z" level=warn app=shop service=pay trace_id=0af7651916cd43dd8448eb211c80319c msg="slow""#;
        let seen = scan(text.as_bytes(), Looking::ALL);
        assert_eq!(seen.at, Some(Nanos(1_795_248_603_000_000_000)));
        assert_eq!(seen.level, Level::Warn);
        assert_eq!(part(text, seen.service), Some("pay"));
        assert_eq!(part(text, seen.trace), Some("0af7651916cd43dd8448eb211c80319c"));

        let text =
            "2026-11-21 08:10:03,000 ERROR [main] c.e.Pool - gone (traceId=0af7651916cd43dd8448eb211c80319c)";
        let seen = scan(text.as_bytes(), Looking::ALL);
        assert_eq!(seen.at, Some(Nanos(1_795_248_603_000_000_000)));
        assert_eq!(seen.level, Level::Error);
    }

    #[test]
    fn a_failed_request_without_a_level_is_an_error_by_its_status() {
        for text in [
            r#"{"msg":"GET /cart","status":503}"#,
            r#"{"path":"/cart","http.status_code":"500"}"#,
            "method=GET path=/cart status=502 took=3s",
            r#"127.0.0.1 - - [21/Nov/2026:09:10:03 +0100] "GET /cart HTTP/1.1" 504 162 "-" "curl/8""#,
        ] {
            let seen = scan(text.as_bytes(), Looking::ALL);
            assert_eq!(
                (seen.level, seen.graded),
                (Level::Error, Graded::ByStatus),
                "{text}"
            );
        }
        for (text, level) in [
            (r#"{"level":"info","status":503}"#, Level::Info),
            (r#"{"msg":"x","status":404}"#, Level::Unknown),
            (r#"{"msg":"x","status":5031}"#, Level::Unknown),
            (r#"1.2.3.4 "GET / HTTP/1.1" 200 503"#, Level::Unknown),
            (r#"1.2.3.4 "GET / HTTP/1.1" 5"#, Level::Unknown),
        ] {
            let seen = scan(text.as_bytes(), Looking::ALL);
            assert_eq!((seen.level, seen.graded), (level, Graded::ByLine), "{text}");
        }
    }

    #[test]
    fn what_the_source_told_is_not_looked_for() {
        let none = Looking {
            time: false,
            level: false,
            service: false,
        };
        let seen = scan(br#"{"ts":1795248603,"level":"error","service":"pay"}"#, none);
        assert_eq!(seen, Seen::default());
    }

    #[test]
    fn json_without_a_level_says_it_in_its_message() {
        let seen = scan(br#"{"msg":"WARN: pool is low","error":"x"}"#, Looking::ALL);
        assert_eq!(seen.level, Level::Warn);
    }
}
