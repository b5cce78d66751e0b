//! Walking JSON in place: keys and values as ranges of the answer, nothing allocated, nothing recursive.
//!
//! Made for answers of a hundred megabytes, so it checks no more than it needs: what it passes over is not
//! validated. Where the text ends in the middle or stops being JSON, the walk breaks off with [`Broken`].

use std::ops::Range;

use memchr::memchr2;

use crate::domain::trace::Remark;

/// Why a walk broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The text ended.
    Ended,
    /// It is no JSON here.
    NotJson,
}

impl Broken {
    /// As it is said of the answer: what stands behind is missing.
    pub(super) fn remark(self, cursor: &Cursor<'_>) -> Remark {
        match self {
            Self::Ended => Remark::CutOff {
                at: cursor.bytes.len(),
            },
            Self::NotJson => Remark::NotJson { at: cursor.at },
        }
    }
}

pub(super) type Walk<T> = Result<T, Broken>;

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A value as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// The inside of a text, without its quotes.
    Text(Range<usize>),
    /// An object or an array, whole.
    Object(Range<usize>),
    Array(Range<usize>),
    /// A number or a word.
    Plain(Range<usize>),
}

impl Item {
    pub(super) fn range(&self) -> Range<usize> {
        match self {
            Self::Text(range) | Self::Object(range) | Self::Array(range) | Self::Plain(range) => {
                range.clone()
            }
        }
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where it stands.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether all that is left is this word.
    pub(super) fn ends_with(&self, word: &[u8]) -> bool {
        self.bytes.get(self.at..).map(<[u8]>::trim_ascii) == Some(word)
    }

    /// The bytes of a range.
    pub(super) fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// The next byte that is not blank, without passing it.
    #[inline]
    pub(super) fn peek(&mut self) -> Walk<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Broken::Ended),
            }
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Walk<()> {
        if self.peek()? == byte {
            self.at += 1;
            Ok(())
        } else {
            Err(Broken::NotJson)
        }
    }

    /// Into the object or array that begins here; `false`, and past it, where another value (or none: `null`)
    /// does.
    #[inline]
    pub(super) fn enter(&mut self, open: u8) -> Walk<bool> {
        if self.peek()? == open {
            self.at += 1;
            return Ok(true);
        }
        self.pass()?;
        Ok(false)
    }

    /// The next key of the object; `None`, and past it, at its end.
    #[inline]
    pub(super) fn key(&mut self) -> Walk<Option<&'a [u8]>> {
        let mut next = self.peek()?;
        if next == b',' {
            self.at += 1;
            next = self.peek()?;
        }
        match next {
            b'"' => {
                self.at += 1;
                let range = self.text()?;
                self.take(b':')?;
                Ok(Some(self.bytes(range)))
            }
            b'}' => {
                self.at += 1;
                Ok(None)
            }
            _ => Err(Broken::NotJson),
        }
    }

    /// Whether another element of the array follows; past the array where none does.
    #[inline]
    pub(super) fn element(&mut self) -> Walk<bool> {
        let mut next = self.peek()?;
        if next == b',' {
            self.at += 1;
            next = self.peek()?;
        }
        if next == b']' {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// The rest of a text whose opening quote was passed; its inside.
    #[inline]
    fn text(&mut self) -> Walk<Range<usize>> {
        let from = self.at;
        loop {
            let rest = self.bytes.get(self.at..).ok_or(Broken::Ended)?;
            let end = self.at + memchr2(b'"', b'\\', rest).ok_or(Broken::Ended)?;
            self.at = end + 1;
            if self.bytes.get(end) == Some(&b'"') {
                return Ok(from..end);
            }
            self.at += 1;
        }
    }

    /// The next value, passed over.
    #[inline]
    pub(super) fn item(&mut self) -> Walk<Item> {
        let first = self.peek()?;
        let from = self.at;
        match first {
            b'"' => {
                self.at += 1;
                Ok(Item::Text(self.text()?))
            }
            b'{' => {
                self.compound()?;
                Ok(Item::Object(from..self.at))
            }
            b'[' => {
                self.compound()?;
                Ok(Item::Array(from..self.at))
            }
            _ => {
                let rest = self.bytes.get(from..).unwrap_or_default();
                let ends = |byte: &u8| {
                    matches!(byte, b',' | b'}' | b']' | b'"' | b':') || byte.is_ascii_whitespace()
                };
                let length = rest.iter().position(ends).ok_or(Broken::Ended)?;
                if length == 0 {
                    return Err(Broken::NotJson);
                }
                self.at = from + length;
                Ok(Item::Plain(from..self.at))
            }
        }
    }

    /// Past the next value.
    #[inline]
    pub(super) fn pass(&mut self) -> Walk<()> {
        self.item().map(drop)
    }

    /// Past the object or array that begins here. Its brackets are counted, not matched.
    fn compound(&mut self) -> Walk<()> {
        let mut depth = 0_usize;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    self.text()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => return Err(Broken::Ended),
            }
            self.at += 1;
        }
    }

    /// Past what stands here, if it is exactly this.
    #[inline]
    fn exactly(&mut self, literal: &[u8]) -> bool {
        let end = self.at + literal.len();
        let here = self.bytes.get(self.at..end) == Some(literal);
        if here {
            self.at = end;
        }
        here
    }

    /// Past an attribute in the spelling that nearly every server writes, in a few strides; `false`, and
    /// nothing passed, for any other.
    #[inline]
    pub(super) fn plain_attribute(&mut self) -> bool {
        let from = self.at;
        let passed = self.exactly(br#"{"key":""#)
            && self.text().is_ok()
            && (self.exactly(br#","value":{"stringValue":""#) || self.exactly(br#","value":{"intValue":""#))
            && self.text().is_ok()
            && self.exactly(b"}}");
        if !passed {
            self.at = from;
        }
        passed
    }

    /// The inside of the text that comes next; `None`, and past it, for another value.
    pub(super) fn string(&mut self) -> Walk<Option<Range<usize>>> {
        Ok(match self.item()? {
            Item::Text(range) => Some(range),
            Item::Object(_) | Item::Array(_) | Item::Plain(_) => None,
        })
    }

    /// The text or plain word that comes next, as it stands; empty for another value.
    #[inline]
    pub(super) fn word(&mut self) -> Walk<&'a [u8]> {
        Ok(match self.item()? {
            Item::Text(range) | Item::Plain(range) => self.bytes(range),
            Item::Object(_) | Item::Array(_) => &[],
        })
    }

    /// The whole number that comes next, spelled as a number or as a text; `None`, and past it, for anything
    /// else.
    #[inline]
    pub(super) fn whole(&mut self) -> Walk<Option<i64>> {
        Ok(whole(self.word()?))
    }
}

/// Each member of an object; `visit` passes its value.
pub(super) fn members<'a>(
    object: &'a [u8],
    mut visit: impl FnMut(&'a [u8], &mut Cursor<'a>) -> Walk<()>,
) -> Walk<()> {
    let mut cursor = Cursor::new(object);
    if !cursor.enter(b'{')? {
        return Ok(());
    }
    while let Some(key) = cursor.key()? {
        visit(key, &mut cursor)?;
    }
    Ok(())
}

/// A whole number; also one with a fraction or an exponent, cut. `None` where 64 bits do not hold it.
pub(super) fn whole(word: &[u8]) -> Option<i64> {
    let (digits, negative) = match word {
        [b'-', rest @ ..] => (rest, true),
        digits => (digits, false),
    };
    if digits.is_empty() {
        return None;
    }
    match number(digits) {
        Some(value) => {
            let value = i64::try_from(value).ok()?;
            Some(if negative { -value } else { value })
        }
        // More digits than 64 bits hold, or no digits alone.
        None if digits.iter().all(u8::is_ascii_digit) => None,
        None => {
            let float: f64 = std::str::from_utf8(word).ok()?.parse().ok()?;
            (float.abs() < 9.2e18).then_some(float as i64)
        }
    }
}

/// Of up to 19 digits, which fit into 64 bits whatever they are. A moment has as many, and a span two moments: so that
/// eight are read at once.
#[inline]
fn number(digits: &[u8]) -> Option<u64> {
    if digits.len() > 19 {
        return None;
    }
    let (eights, rest) = digits.as_chunks::<8>();
    let mut value = 0;
    for eight in eights {
        value = value * 100_000_000 + eight_digits(*eight)?;
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

/// Eight digits as one word: neighbours are summed up, then pairs, then fours (D. Lemire, "Quickly parsing eight
/// digits", 2018).
#[inline]
fn eight_digits(digits: [u8; 8]) -> Option<u64> {
    const HIGH: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    let word = u64::from_le_bytes(digits);
    // The upper half of each byte is 3, with 6 more too.
    let more = (word.wrapping_add(0x0606_0606_0606_0606) & HIGH) >> 4;
    if (word & HIGH) | more != 0x3333_3333_3333_3333 {
        return None;
    }
    let twos = (word & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(2_561) >> 8;
    let fours = (twos & 0x00FF_00FF_00FF_00FF).wrapping_mul(6_553_601) >> 16;
    Some((fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(42_949_672_960_001) >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_and_elements_are_walked_in_order() {
        let text = br#" { "a" : "x\"}" , "b":[1, {"c":"]"}, null], "d":-1.5e3 }"#;
        let mut cursor = Cursor::new(text);
        assert_eq!(cursor.enter(b'{'), Ok(true));
        assert_eq!(cursor.key(), Ok(Some(&b"a"[..])));
        let range = cursor.string().unwrap().unwrap();
        assert_eq!(cursor.bytes(range), br#"x\"}"#);
        assert_eq!(cursor.key(), Ok(Some(&b"b"[..])));
        assert_eq!(cursor.enter(b'['), Ok(true));
        let mut elements = 0;
        while cursor.element().unwrap() {
            cursor.pass().unwrap();
            elements += 1;
        }
        assert_eq!(elements, 3);
        assert_eq!(cursor.key(), Ok(Some(&b"d"[..])));
        assert_eq!(cursor.whole(), Ok(Some(-1500)));
        assert_eq!(cursor.key(), Ok(None));
        assert_eq!(cursor.peek(), Err(Broken::Ended));
    }

    #[test]
    fn every_prefix_ends_and_none_hangs() {
        let text = br#"{"a":[{"b":"c\\"},true],"d":{"e":[[]]}}"#;
        for cut in 0..text.len() {
            assert_eq!(Cursor::new(&text[..cut]).pass(), Err(Broken::Ended), "{cut}");
        }
        assert_eq!(Cursor::new(text).pass(), Ok(()));
    }

    proptest! {
        #[test]
        fn a_whole_number_is_what_its_digits_say(number: i64, zeros in 0_usize..4) {
            let spelled = match number {
                0.. => format!("{}{number}", "0".repeat(zeros)),
                _ => number.to_string(),
            };
            let fits = spelled.trim_start_matches('-').len() <= 19;
            let expected = Some(number).filter(|number| fits && *number != i64::MIN);
            prop_assert_eq!(whole(spelled.as_bytes()), expected);
        }

        #[test]
        fn what_is_none_is_taken_for_no_number(text in "[ -~]{1,20}") {
            let number = text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
            let float = text.parse::<f64>().ok().filter(|float| float.abs() < 9.2e18);
            let digits = text.trim_start_matches('-');
            let expected = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
                number.filter(|_| digits.len() <= 19)
            } else {
                float.map(|float| float as i64)
            };
            prop_assert_eq!(whole(text.as_bytes()), expected, "{}", text);
        }
    }

    #[test]
    fn whole_numbers_that_do_not_fit_are_none() {
        assert_eq!(whole(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(whole(b"18446744073709551615"), None);
        assert_eq!(whole(b"1.7e18"), Some(1_700_000_000_000_000_000));
        assert_eq!(whole(b"1e300"), None);
        for word in ["", "-", "null", "0x10"] {
            assert_eq!(whole(word.as_bytes()), None, "{word}");
        }
    }
}
