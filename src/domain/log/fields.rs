//! The fields of a line, read when it is looked at: JSON flattened with dots, logfmt, and what stands beside it.

use std::borrow::Cow;
use std::ops::Range;

use super::json::{self, Kind, Value, Walk, unescaped};
use super::logfmt::{self, Pairs};
use super::scan;

/// Objects within objects are flattened so deep; what is deeper stays one value.
const DEPTH: usize = 16;

/// So many fields are read of one line at most.
const MOST: usize = 4_096;

/// A field. Remote text, not yet safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name; nested objects are joined by dots, elements of arrays are counted from 0.
    pub name: String,
    /// Its value: text without quotes and escapes, all else as it was written.
    pub value: String,
}

/// All fields in their order: of the text first, then of what stands beside it. Duplicates are kept.
pub fn fields(text: &[u8], extra: &[u8]) -> Vec<Field> {
    let mut all = Vec::new();
    if json::is_object(text) {
        flatten(text, 0, &mut String::new(), DEPTH, &mut all);
    } else {
        let whole = logfmt::is_logfmt(text);
        for pair in Pairs::of(text).take(MOST) {
            let kind = if pair.quoted { Kind::Text } else { Kind::Plain };
            let value = Value {
                kind,
                range: if whole {
                    pair.value
                } else {
                    unclosed(text, pair.value)
                },
            };
            let name = read(text, pair.key).into_owned();
            all.push(Field {
                name,
                value: written(text, &value).into_owned(),
            });
        }
    }
    flatten(extra, 0, &mut String::new(), DEPTH, &mut all);
    all
}

/// A value amid words ends before what closes or separates: `(rows=12)`, `took=3ms,`.
fn unclosed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let value = text.get(range.clone()).unwrap_or_default();
    let ends = value
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b')' | b']' | b',' | b';' | b'}'))
        .count();
    range.start..range.end - ends
}

fn flatten(text: &[u8], at: usize, prefix: &mut String, depth: usize, all: &mut Vec<Field>) {
    let Some(mut walk) = Walk::into(text, at, b'{') else {
        return;
    };
    while let Some((key, value)) = walk.member() {
        within(text, &read_key(text, key), &value, prefix, depth, all);
    }
}

fn within(text: &[u8], name: &str, value: &Value, prefix: &mut String, depth: usize, all: &mut Vec<Field>) {
    if all.len() >= MOST {
        return;
    }
    let length = prefix.len();
    if length > 0 {
        prefix.push('.');
    }
    prefix.push_str(name);
    let empty = all.len();
    match value.kind {
        Kind::Object if depth > 0 => flatten(text, value.range.start, prefix, depth - 1, all),
        Kind::Array if depth > 0 => {
            if let Some(mut walk) = Walk::into(text, value.range.start, b'[') {
                let elements = std::iter::from_fn(|| walk.element());
                for (count, element) in elements.enumerate() {
                    within(text, &count.to_string(), &element, prefix, depth - 1, all);
                }
            }
        }
        Kind::Object | Kind::Array | Kind::Text | Kind::Plain => {}
    }
    if all.len() == empty {
        all.push(Field {
            name: prefix.clone(),
            value: written(text, value).into_owned(),
        });
    }
    prefix.truncate(length);
}

fn read(text: &[u8], range: Range<usize>) -> Cow<'_, str> {
    String::from_utf8_lossy(text.get(range).unwrap_or_default())
}

fn read_key(text: &[u8], range: Range<usize>) -> String {
    unescaped(text.get(range).unwrap_or_default())
}

fn written<'a>(text: &'a [u8], value: &Value) -> Cow<'a, str> {
    let inside = text.get(value.range.clone()).unwrap_or_default();
    if value.kind == Kind::Text && memchr::memchr(b'\\', inside).is_some() {
        return Cow::Owned(unescaped(inside));
    }
    String::from_utf8_lossy(inside)
}

/// The value of one field, as [`fields`] would have it, the first of several; else the object or array of that name
/// as it is written. Nothing else of the line is read out.
pub fn value<'a>(text: &'a [u8], extra: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    let own = if json::is_object(text) {
        member(text, 0, name)
    } else {
        let pair = Pairs::of(text).find(|pair| text.get(pair.key.clone()) == Some(name.as_bytes()));
        pair.map(|pair| {
            let kind = if pair.quoted { Kind::Text } else { Kind::Plain };
            let range = if logfmt::is_logfmt(text) {
                pair.value
            } else {
                unclosed(text, pair.value)
            };
            written(text, &Value { kind, range })
        })
    };
    own.or_else(|| member(extra, 0, name))
}

/// A member by its name, or by the names on the way to it.
fn member<'a>(text: &'a [u8], at: usize, name: &str) -> Option<Cow<'a, str>> {
    let mut walk = Walk::into(text, at, b'{')?;
    let mut whole = None;
    while let Some((key, value)) = walk.member() {
        let Some(key) = text.get(key) else { continue };
        let rest = match name.as_bytes().strip_prefix(key) {
            Some([]) if is_leaf(text, &value) => return Some(written(text, &value)),
            Some([]) => {
                whole.get_or_insert_with(|| written(text, &value));
                continue;
            }
            Some([b'.', ..]) => name.get(key.len() + 1..).unwrap_or_default(),
            Some(_) | None => continue,
        };
        let found = match value.kind {
            Kind::Object => member(text, value.range.start, rest),
            Kind::Array => element(text, value.range.start, rest),
            Kind::Text | Kind::Plain => None,
        };
        if found.is_some() {
            return found;
        }
    }
    whole
}

/// Whether [`fields`] has the value as one.
fn is_leaf(text: &[u8], value: &Value) -> bool {
    match value.kind {
        Kind::Text | Kind::Plain => true,
        Kind::Object => {
            Walk::into(text, value.range.start, b'{').is_none_or(|mut walk| walk.member().is_none())
        }
        Kind::Array => {
            Walk::into(text, value.range.start, b'[').is_none_or(|mut walk| walk.element().is_none())
        }
    }
}

fn element<'a>(text: &'a [u8], at: usize, name: &str) -> Option<Cow<'a, str>> {
    let (count, rest) = name
        .split_once('.')
        .map_or((name, None), |(count, rest)| (count, Some(rest)));
    let mut walk = Walk::into(text, at, b'[')?;
    let value = std::iter::from_fn(|| walk.element()).nth(count.parse().ok()?)?;
    match (value.kind, rest) {
        (_, None) => Some(written(text, &value)),
        (Kind::Object, Some(rest)) => member(text, value.range.start, rest),
        (Kind::Array, Some(rest)) => element(text, value.range.start, rest),
        (Kind::Text | Kind::Plain, Some(_)) => None,
    }
}

/// What a person wants to read first of a line: the message of JSON or logfmt; `None` where all of it is the message.
pub fn message(text: &[u8]) -> Option<Cow<'_, str>> {
    let (range, kind) = scan::message(text)?;
    Some(written(text, &Value { kind, range }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flat(text: &str, extra: &str) -> Vec<(String, String)> {
        let all = fields(text.as_bytes(), extra.as_bytes());
        all.into_iter().map(|field| (field.name, field.value)).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn json_is_flattened_in_its_order_and_extras_follow() {
        assert_eq!(
            flat(
                r#"{"msg":"a\"b","http":{"status":503,"tags":["x",{"y":1}]},"empty":{},"none":null}"#,
                r#"{"pod":"p-1"}"#
            ),
            [
                pair("msg", "a\"b"),
                pair("http.status", "503"),
                pair("http.tags.0", "x"),
                pair("http.tags.1.y", "1"),
                pair("empty", "{}"),
                pair("none", "null"),
                pair("pod", "p-1"),
            ]
        );
    }

    #[test]
    fn pairs_amid_words_end_before_what_closes_them() {
        assert_eq!(
            flat("slow query (rows=12), took=3ms", ""),
            [pair("rows", "12"), pair("took", "3ms")]
        );
    }

    #[test]
    fn the_message_is_found_in_json_and_logfmt_alone() {
        assert_eq!(
            message(br#"{"level":"info","msg":"hi\tthere"}"#).as_deref(),
            Some("hi\tthere")
        );
        assert_eq!(
            message(br#"level=info msg="hi there""#).as_deref(),
            Some("hi there")
        );
        assert_eq!(message(b"plain msg=x"), None);
    }

    proptest! {
        #[test]
        fn one_value_is_what_all_fields_have_of_it(
            text in prop_oneof![
                r#"\{("[ab]{1,2}(\.[ab])?":("x\\?n?"|1|\{"[ab]":2\}|\[1,\{"a":3\}\]),?){0,4}\}?"#,
                r#"([ab]=("x y"|\(1\),|2) ?){0,4}"#,
            ],
        ) {
            let all = fields(text.as_bytes(), b"{\"z\":1}");
            for field in &all {
                let first = all.iter().find(|other| other.name == field.name).unwrap();
                let one = value(text.as_bytes(), b"{\"z\":1}", &field.name);
                prop_assert_eq!(one.as_deref(), Some(first.value.as_str()), "{} of {}", field.name, text);
            }
        }

        #[test]
        fn no_bytes_are_too_strange_to_be_read(
            text in proptest::collection::vec(any::<u8>(), 0..64),
            shaped in r#"[{}\[\]"\\=:, a1]{0,40}"#,
        ) {
            for line in [&text[..], shaped.as_bytes()] {
                let _ = (fields(line, line), message(line), value(line, line, "a.0.1"));
                let _ = scan::scan(line, scan::Looking::ALL);
            }
        }
    }
}
