//! Walking JSON without parsing it: members of an object as ranges of the text, tolerant of what is cut off.

use std::ops::Range;

use memchr::memchr2;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Object,
    Array,
    Plain,
}

/// A value: the inside of a text without its quotes, all else as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub kind: Kind,
    pub range: Range<usize>,
}

/// A walk over the members of one object or array. Ends where the object ends, is cut off, or is no JSON.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// Into the object or array that begins at `at`, blanks before it passed over.
    pub(super) fn into(bytes: &'a [u8], at: usize, open: u8) -> Option<Self> {
        let mut walk = Self { bytes, at };
        walk.skip_space();
        walk.take(open).then_some(walk)
    }

    /// The next member of an object.
    pub(super) fn member(&mut self) -> Option<(Range<usize>, Value)> {
        self.skip_space();
        if self.take(b',') {
            self.skip_space();
        }
        let key = self.text()?;
        self.skip_space();
        if !self.take(b':') {
            return None;
        }
        let value = self.value()?;
        Some((key, value))
    }

    /// The next element of an array.
    pub(super) fn element(&mut self) -> Option<Value> {
        self.skip_space();
        if self.take(b',') {
            self.skip_space();
        }
        (self.peek()? != b']').then(|| self.value())?
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// The inside of the text that begins here.
    fn text(&mut self) -> Option<Range<usize>> {
        if !self.take(b'"') {
            return None;
        }
        let from = self.at;
        loop {
            let end = self.at + memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            self.at = end + 1;
            if self.bytes.get(end) == Some(&b'"') {
                return Some(from..end);
            }
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_space();
        let from = self.at;
        let kind = match self.peek()? {
            b'"' => {
                let range = self.text()?;
                return Some(Value {
                    kind: Kind::Text,
                    range,
                });
            }
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            _ => Kind::Plain,
        };
        if kind == Kind::Plain {
            let rest = self.bytes.get(from..)?;
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
            self.at = from + rest.iter().position(ends).unwrap_or(rest.len());
            if self.at == from {
                return None;
            }
        } else {
            self.pass_compound()?;
        }
        Some(Value {
            kind,
            range: from..self.at,
        })
    }

    fn pass_compound(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.text()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// Whether a line is one JSON object, by its first bytes.
pub(super) fn is_object(text: &[u8]) -> bool {
    let rest = text.trim_ascii_start();
    rest.first() == Some(&b'{')
        && matches!(
            rest.get(1..).map(<[u8]>::trim_ascii_start),
            Some([b'"' | b'}', ..])
        )
}

/// The inside of a JSON text without its escapes; what is not valid stays as it is, lossy.
pub(super) fn unescaped(inside: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(inside);
    if memchr::memchr(b'\\', inside).is_none() {
        return lossy.into_owned();
    }
    // Raw control characters are no JSON, yet they come; they are put back as they were.
    let quoted: String = std::iter::once('"')
        .chain(lossy.chars().filter(|char| !char.is_control()))
        .chain(std::iter::once('"'))
        .collect();
    serde_json::from_str(&quoted).unwrap_or_else(|_| lossy.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Vec<(&str, Kind, &str)> {
        let mut walk = Walk::into(text.as_bytes(), 0, b'{').unwrap();
        std::iter::from_fn(|| walk.member())
            .map(|(key, value)| (&text[key], value.kind, &text[value.range]))
            .collect()
    }

    #[test]
    fn members_are_found_with_what_they_hold() {
        let text = r#" {"a":"x\"}", "b" : {"c":[1,"]"]} ,"d":-1.5e3,"e":null}"#;
        assert_eq!(
            members(text),
            [
                ("a", Kind::Text, r#"x\"}"#),
                ("b", Kind::Object, r#"{"c":[1,"]"]}"#),
                ("d", Kind::Plain, "-1.5e3"),
                ("e", Kind::Plain, "null"),
            ]
        );
    }

    #[test]
    fn what_is_cut_off_yields_what_was_whole() {
        assert_eq!(members(r#"{"a":1,"b":"tw"#), [("a", Kind::Plain, "1")]);
        assert_eq!(members(r#"{"a":1,"b":{"c":"#), [("a", Kind::Plain, "1")]);
    }

    #[test]
    fn escapes_are_undone_where_they_are_valid() {
        assert_eq!(unescaped(br"a\n\u00e9\\"), "a\n\u{e9}\\");
        assert_eq!(unescaped(br"a\q"), r"a\q");
    }
}
