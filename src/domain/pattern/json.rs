//! The fields at the top of a JSON object, without parsing what is in them.

/// A field: its key and its value, both as they stand (a string with its quotation marks).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub key: &'a [u8],
    pub value: &'a [u8],
}

/// Calls `each` for every field. False for a text that is no whole object: what was told of it is then void.
pub(super) fn fields<'a>(text: &'a [u8], mut each: impl FnMut(Field<'a>)) -> bool {
    let mut reader = Reader { text, i: 0 };
    reader.object(&mut each).is_some()
}

struct Reader<'a> {
    text: &'a [u8],
    i: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.i).copied()
    }

    fn blank(&mut self) {
        while self
            .peek()
            .is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
        {
            self.i += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.blank();
        (self.peek() == Some(byte)).then(|| self.i += 1)
    }

    fn object(&mut self, each: &mut impl FnMut(Field<'a>)) -> Option<()> {
        self.eat(b'{')?;
        if self.eat(b'}').is_none() {
            loop {
                self.blank();
                let key = self.string()?;
                self.eat(b':')?;
                self.blank();
                let value = self.value()?;
                each(Field { key, value });
                if self.eat(b',').is_none() {
                    break;
                }
            }
            self.eat(b'}')?;
        }
        self.blank();
        (self.i == self.text.len()).then_some(())
    }

    /// What stands between two quotation marks.
    fn string(&mut self) -> Option<&'a [u8]> {
        (self.peek() == Some(b'"')).then_some(())?;
        let from = self.i + 1;
        let mut i = from;
        loop {
            match *self.text.get(i)? {
                b'"' => break,
                b'\\' => i += 2,
                _ => i += 1,
            }
        }
        self.i = i + 1;
        self.text.get(from..i)
    }

    /// A value, whatever is in it.
    fn value(&mut self) -> Option<&'a [u8]> {
        let from = self.i;
        match self.peek()? {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => {
                let mut depth = 0_usize;
                loop {
                    match self.peek()? {
                        b'"' => {
                            self.string()?;
                            continue;
                        }
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    self.i += 1;
                    if depth == 0 {
                        break;
                    }
                }
            }
            _ => {
                while self
                    .peek()
                    .is_some_and(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
                {
                    self.i += 1;
                }
            }
        }
        (self.i > from).then(|| self.text.get(from..self.i))?
    }
}

/// The text of a JSON string's inside, its escapes resolved, up to its first line's end and at most `most` bytes.
pub(super) fn unescape(inside: &[u8], most: usize, out: &mut Vec<u8>) {
    out.clear();
    let mut i = 0;
    while let Some(&byte) = inside.get(i) {
        if out.len() >= most {
            return;
        }
        i += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let escape = inside.get(i).copied().unwrap_or(b'\\');
        i += 1;
        match escape {
            b'n' if out.is_empty() => {}
            b'n' => return,
            b't' | b'r' | b'b' | b'f' => out.push(b' '),
            b'u' => {
                let digits = inside
                    .get(i..i + 4)
                    .and_then(|four| std::str::from_utf8(four).ok());
                let code = digits.and_then(|four| u32::from_str_radix(four, 16).ok());
                let letter = code
                    .and_then(char::from_u32)
                    .unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                i += 4;
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Option<Vec<(String, String)>> {
        let mut all = Vec::new();
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        fields(text.as_bytes(), |f| all.push((text_of(f.key), text_of(f.value)))).then_some(all)
    }

    #[test]
    fn the_fields_at_the_top_are_told_and_what_is_nested_is_passed_over() {
        let found = pairs(r#" {"a":"x\"}","b" : {"c":[1,"]"]},"d":-1.5e3,"e":null} "#).unwrap();
        let expected = [
            ("a", r#""x\"}""#),
            ("b", r#"{"c":[1,"]"]}"#),
            ("d", "-1.5e3"),
            ("e", "null"),
        ];
        assert_eq!(found.len(), expected.len());
        for ((key, value), (expected_key, expected_value)) in found.iter().zip(expected) {
            assert_eq!((key.as_str(), value.as_str()), (expected_key, expected_value));
        }
        assert_eq!(pairs("{}"), Some(vec![]));
    }

    #[test]
    fn what_is_no_whole_object_is_none() {
        for text in [
            "",
            "{",
            "{}x",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":[1}"#,
            r#"{"a":"x}"#,
            "[1]",
        ] {
            assert_eq!(pairs(text), None, "{text}");
        }
    }

    #[test]
    fn escapes_are_resolved_up_to_the_first_lines_end() {
        let mut out = Vec::new();
        unescape(br#"a\tb \"c\" \u00e9\\ end\nat x"#, 100, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "a b \"c\" é\\ end");
        unescape(b"\\", 100, &mut out);
        assert_eq!(out, b"\\");
    }
}
