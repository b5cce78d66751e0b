//! Pairs of `key=value` in a line, wherever they stand in it.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// A walk over the pairs of a line.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A pair; the value without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub key: Range<usize>,
    pub value: Range<usize>,
    pub quoted: bool,
}

impl<'a> Pairs<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the quoted text that begins at `from` ends: at its closing quote, else with the line.
    fn quoted_end(&self, from: usize) -> usize {
        let mut at = from;
        while let Some(next) = self.bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
            let end = at + next;
            if self.bytes.get(end) == Some(&b'"') {
                return end;
            }
            at = end + 2;
        }
        self.bytes.len()
    }
}

impl Iterator for Pairs<'_> {
    type Item = Pair;

    fn next(&mut self) -> Option<Pair> {
        loop {
            let equals = self.at + memchr(b'=', self.bytes.get(self.at..)?)?;
            let before = self.bytes.get(self.at..equals)?;
            let length = before.iter().rev().take_while(|byte| is_key(**byte)).count();
            self.at = equals + 1;
            if length == 0 {
                continue;
            }
            let quoted = self.bytes.get(self.at) == Some(&b'"');
            let value = if quoted {
                let from = self.at + 1;
                let end = self.quoted_end(from);
                self.at = end + 1;
                from..end
            } else {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let end = rest.iter().position(|byte| *byte <= b' ').unwrap_or(rest.len());
                let from = self.at;
                self.at += end;
                from..self.at
            };
            return Some(Pair {
                key: equals - length..equals,
                value,
                quoted,
            });
        }
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@' | b'/')
}

/// Whether a line is logfmt as a whole: it begins with a pair.
pub(super) fn is_logfmt(text: &[u8]) -> bool {
    Pairs::of(text).next().is_some_and(|pair| pair.key.start == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(&str, &str)> {
        Pairs::of(text.as_bytes())
            .map(|pair| (&text[pair.key], &text[pair.value]))
            .collect()
    }

    #[test]
    fn pairs_are_found_in_logfmt_and_amid_words() {
        assert_eq!(
            pairs(r#"level=info msg="a=b \" c" n= took=3ms"#),
            [
                ("level", "info"),
                ("msg", r#"a=b \" c"#),
                ("n", ""),
                ("took", "3ms")
            ]
        );
        assert_eq!(pairs("slow query (rows=12) a == b"), [("rows", "12)")]);
    }

    #[test]
    fn a_quote_that_is_not_closed_ends_with_the_line() {
        assert_eq!(pairs(r#"msg="cut of"#), [("msg", "cut of")]);
        assert_eq!(pairs("msg=\"cut\\"), [("msg", "cut\\")]);
    }
}
