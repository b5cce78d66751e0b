//! Tests of fields: by glob, by regex, by size.

use regex::{Regex, RegexBuilder};

use super::chunk::Entry;
use crate::domain::compare::Compare;
use crate::domain::log::fields;
use crate::domain::trace_id::TraceId;

/// Programs above this size are refused.
const REGEX_SIZE: usize = 1 << 20;

/// A test of one field.
#[derive(Debug, Clone)]
pub(super) struct FieldTest {
    pub name: String,
    how: How,
    /// Holds where the value does not.
    negative: bool,
}

#[derive(Debug, Clone)]
enum How {
    Equal(String),
    /// Whatever the case.
    EqualFolded(String),
    Regex(Regex),
    Size(Compare, Size),
    Trace(TraceId),
}

/// A number and what it counts; those that count different things do not compare.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Size {
    value: f64,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Plain,
    Seconds,
    Bytes,
}

/// Units as log lines write them, and how much of their base each is.
const UNITS: [(&str, Unit, f64); 23] = [
    ("", Unit::Plain, 1.0),
    ("%", Unit::Plain, 1.0),
    ("ns", Unit::Seconds, 1e-9),
    ("us", Unit::Seconds, 1e-6),
    ("µs", Unit::Seconds, 1e-6),
    ("μs", Unit::Seconds, 1e-6),
    ("ms", Unit::Seconds, 1e-3),
    ("s", Unit::Seconds, 1.0),
    ("m", Unit::Seconds, 60.0),
    ("h", Unit::Seconds, 3_600.0),
    ("d", Unit::Seconds, 86_400.0),
    ("B", Unit::Bytes, 1.0),
    ("kB", Unit::Bytes, 1e3),
    ("KB", Unit::Bytes, 1e3),
    ("MB", Unit::Bytes, 1e6),
    ("GB", Unit::Bytes, 1e9),
    ("TB", Unit::Bytes, 1e12),
    ("K", Unit::Bytes, 1_024.0),
    ("KiB", Unit::Bytes, 1_024.0),
    ("M", Unit::Bytes, 1_048_576.0),
    ("MiB", Unit::Bytes, 1_048_576.0),
    ("GiB", Unit::Bytes, 1_073_741_824.0),
    ("TiB", Unit::Bytes, 1_099_511_627_776.0),
];

impl Size {
    /// `503`, `-1.5e3`, `250ms`, `1m2.5s`, `4 MiB`.
    fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(value) = text.parse::<f64>() {
            return value.is_finite().then_some(Self {
                value,
                unit: Unit::Plain,
            });
        }
        let mut sum: Option<Self> = None;
        let mut rest = text;
        while !rest.is_empty() {
            let number =
                rest.find(|char: char| !(char.is_ascii_digit() || matches!(char, '.' | '-' | '+')))?;
            let value: f64 = rest.get(..number)?.parse().ok()?;
            rest = rest.get(number..)?.trim_start();
            let end = rest
                .find(|char: char| char.is_ascii_digit())
                .unwrap_or(rest.len());
            let word = rest.get(..end)?.trim_end();
            let (_, unit, factor) = UNITS.iter().find(|(unit, _, _)| *unit == word)?;
            if sum.is_some_and(|sum| sum.unit != *unit) {
                return None;
            }
            sum = Some(Self {
                value: sum.map_or(0.0, |sum| sum.value) + value * factor,
                unit: *unit,
            });
            rest = rest.get(end..)?;
        }
        sum
    }
}

impl FieldTest {
    /// Reads one; the error says what is wrong with the value.
    pub(super) fn of(name: &str, operator: &str, value: &str) -> Result<Self, String> {
        let negative = operator.starts_with('!');
        let how = match operator {
            "=" | "!=" => Self::equal(name, value)?,
            "=~" | "!~" => How::Regex(anchored(value)?),
            operator => {
                let compare = Compare::of(operator).ok_or_else(|| format!("{operator} is no operator"))?;
                let size = Size::of(value)
                    .ok_or_else(|| format!("{value} is neither a number, a duration nor a size"))?;
                How::Size(compare, size)
            }
        };
        Ok(Self {
            name: name.to_owned(),
            how,
            negative,
        })
    }

    /// The very value, whatever it is made of.
    pub(super) fn exactly(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            how: How::Equal(value.to_owned()),
            negative: false,
        }
    }

    /// A trace.
    pub(super) fn traced(trace: TraceId) -> Self {
        Self {
            name: "trace".to_owned(),
            how: How::Trace(trace),
            negative: false,
        }
    }

    fn equal(name: &str, value: &str) -> Result<How, String> {
        if is_trace(name)
            && let Some(trace) = TraceId::from_hex(value.as_bytes())
        {
            return Ok(How::Trace(trace));
        }
        let smart = if value.chars().any(char::is_uppercase) {
            ""
        } else {
            "(?i)"
        };
        if value.contains(['*', '?']) {
            let glob: String = value
                .chars()
                .map(|char| match char {
                    '*' => ".*".to_owned(),
                    '?' => ".".to_owned(),
                    other => regex::escape(other.encode_utf8(&mut [0; 4])),
                })
                .collect();
            return anchored(&format!("(?s){smart}{glob}")).map(How::Regex);
        }
        Ok(if smart.is_empty() || !value.is_ascii() {
            How::Equal(value.to_owned())
        } else {
            How::EqualFolded(value.to_owned())
        })
    }

    /// Whether it holds for a line.
    pub(super) fn holds(&self, entry: &Entry<'_>) -> bool {
        if let How::Trace(_) = self.how {
            return self.holds_for_trace(entry.trace);
        }
        if self.name == SERVICE
            && let Some(service) = entry.service
        {
            return self.holds_for(Some(service));
        }
        if let Some(label) = entry.stream.label(&self.name) {
            return self.holds_for(Some(label));
        }
        self.holds_for_text(&entry.text, entry.extra)
    }

    /// Whether it holds for what stands in the line itself.
    pub(super) fn holds_for_text(&self, text: &[u8], extra: &[u8]) -> bool {
        if SPAN.contains(&self.name.as_str()) {
            let mut names = SPAN.iter();
            let value = names.find_map(|name| fields::value(text, extra, name));
            return self.holds_for(value.as_deref());
        }
        self.holds_for(fields::value(text, extra, &self.name).as_deref())
    }

    /// Whether it asks for the trace of a line.
    pub(super) fn asks_trace(&self) -> bool {
        matches!(self.how, How::Trace(_))
    }

    pub(super) fn holds_for_trace(&self, trace: Option<TraceId>) -> bool {
        matches!((&self.how, trace), (How::Trace(wanted), Some(trace)) if *wanted == trace) != self.negative
    }

    /// Whether it holds for a value; a missing one is empty.
    pub(super) fn holds_for(&self, value: Option<&str>) -> bool {
        let text = value.unwrap_or_default();
        let hit = match &self.how {
            How::Equal(wanted) => wanted == text,
            How::EqualFolded(wanted) => wanted.eq_ignore_ascii_case(text),
            How::Regex(regex) => regex.is_match(text),
            How::Size(compare, wanted) => Size::of(text).is_some_and(|size| {
                let ordering = size.value.partial_cmp(&wanted.value);
                size.unit == wanted.unit && ordering.is_some_and(|ordering| compare.holds(ordering))
            }),
            How::Trace(wanted) => TraceId::from_hex(text.as_bytes()) == Some(*wanted),
        };
        hit != self.negative
    }

    /// What a line's own text must hold for the field to be in it: the last of the names on the way to it.
    pub(super) fn landmark(&self) -> Option<&str> {
        if SPAN.contains(&self.name.as_str()) {
            return None;
        }
        let last = self.name.rsplit('.').next()?;
        (!last.is_empty() && !last.bytes().all(|byte| byte.is_ascii_digit())).then_some(last)
    }
}

/// The name by which the service of a line is tested, wherever it was told.
pub(super) const SERVICE: &str = "service";

/// The names by which lines tell their span; one stands for all.
const SPAN: [&str; 6] = ["span_id", "spanid", "spanId", "span.id", "SpanId", "span"];

fn is_trace(name: &str) -> bool {
    matches!(name, "trace" | "trace_id" | "traceid" | "traceId" | "trace.id")
}

fn anchored(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(&format!("^(?:{text})$"))
        .size_limit(REGEX_SIZE)
        .build();
    built.map_err(|error| {
        let said = error.to_string();
        format!(
            "not a regex: {}",
            said.lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds((operator, value): (&str, &str), text: &str) -> bool {
        let field = FieldTest::of("n", operator, value).unwrap();
        field.holds_for_text(text.as_bytes(), b"")
    }

    #[test]
    fn values_are_tested_by_glob_regex_and_size() {
        for (test, text, expected) in [
            (("=", "pay*"), r#"{"n":"PAYMENTS"}"#, true),
            (("=", "Pay*"), r#"{"n":"PAYMENTS"}"#, false),
            (("=", "pay"), r#"{"n":"payments"}"#, false),
            (("!=", "pay"), r#"{"m":"pay"}"#, true),
            (("=~", "5.."), "n=503", true),
            (("=~", "5."), "n=503", false),
            (("!~", "5.*"), "x", true),
            ((">=", "500"), r#"{"n":503}"#, true),
            ((">=", "500"), r#"{"n":"503"}"#, true),
            ((">=", "500"), r#"{"n":null}"#, false),
            (("<", "500"), "n=", false),
            ((">", "250ms"), "n=1m2.5s", true),
            ((">", "250ms"), "n=251", false),
            (("<=", "4MiB"), "n=3000kB", true),
        ] {
            assert_eq!(holds(test, text), expected, "{test:?} of {text}");
        }
    }

    #[test]
    fn a_span_is_found_by_whichever_name_the_line_gives_it() {
        let field = FieldTest::of("span_id", "=", "b7ad6b7169203331").unwrap();
        let holds = |text: &str| field.holds_for_text(text.as_bytes(), b"");
        assert!(holds("took=3ms span_id=b7ad6b7169203331"));
        assert!(holds(r#"{"spanId":"B7AD6B7169203331"}"#));
        assert!(holds(r#"{"span":{"id":"b7ad6b7169203331"}}"#));
        assert!(!holds("span_id=b7ad6b7169203332") && !holds("b7ad6b7169203331"));
    }
}
