//! Remote text, made safe, and text measured in terminal cells.
//!
//! A label, an annotation, a log line or an error from a backend may hold escape sequences, newlines,
//! bidi controls or a hundred kilobytes. [`SafeText`] is the only remote text that a view or text output
//! accepts; making one replaces every character that could move the cursor, hide or reorder text.
//! This module must not know what the text is about. Start at [`SafeText`].
#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The longest remote text that is sanitised at all; the rest is cut and said. Views cut far sooner.
const MAX_BYTES: usize = 256 * 1024;

/// Text that can be written to a terminal: no control characters, no bidi controls, no line breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SafeText<'a>(Cow<'a, str>);

impl<'a> SafeText<'a> {
    /// One line: line breaks and tabs become a space, every other unsafe character a visible stand-in.
    pub fn line(raw: &'a str) -> Self {
        let raw = floor_to(raw, MAX_BYTES);
        if raw.bytes().all(|b| (0x20..0x7f).contains(&b)) || !raw.chars().any(is_unsafe) {
            return Self(Cow::Borrowed(raw));
        }
        let mut out = String::with_capacity(raw.len());
        for c in raw.chars() {
            match c {
                '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' | '\u{85}' => {
                    if !out.ends_with(' ') {
                        out.push(' ');
                    }
                }
                c if is_unsafe(c) => out.push_str(stand_in(c).as_ref()),
                c => out.push(c),
            }
        }
        Self(Cow::Owned(out))
    }

    /// The lines of a text, each safe; a tab becomes two spaces.
    pub fn lines(raw: &'a str) -> impl Iterator<Item = SafeText<'a>> {
        floor_to(raw, MAX_BYTES).lines().map(|line| {
            if line.contains('\t') {
                SafeText(Cow::Owned(
                    SafeText::line(&line.replace('\t', "  ")).0.into_owned(),
                ))
            } else {
                SafeText::line(line)
            }
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_owned(self) -> SafeText<'static> {
        SafeText(Cow::Owned(self.0.into_owned()))
    }

    /// The text as a `String`.
    pub fn into_string(self) -> String {
        self.0.into_owned()
    }

    /// Width in terminal cells.
    pub fn width(&self) -> usize {
        width(&self.0)
    }
}

impl fmt::Display for SafeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Control characters, bidi controls, invisible formatting and private-use characters that a terminal may act on.
pub fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{200b}' | '\u{2060}'..='\u{2064}'
        | '\u{e0000}'..='\u{e007f}')
}

/// What stands for an unsafe character: `␛` for the C0 controls, `‹U+202E›` for the others.
fn stand_in(c: char) -> Cow<'static, str> {
    match c {
        '\u{0}'..='\u{1f}' => {
            let picture = char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}');
            Cow::Owned(picture.to_string())
        }
        '\u{7f}' => Cow::Borrowed("␡"),
        c => Cow::Owned(format!("‹U+{:04X}›", u32::from(c))),
    }
}

/// Escapes C0, DEL, C1 and bidi controls inside a serialised JSON document as `\uXXXX`.
///
/// `serde_json` already escapes C0 inside strings; what it leaves raw (DEL, C1, bidi) can only stand inside
/// strings of a valid document, so a textual replacement is safe.
pub fn escape_json(document: &str) -> Cow<'_, str> {
    if !document.chars().any(|c| is_unsafe(c) && c != '\n') {
        return Cow::Borrowed(document);
    }
    let mut out = String::with_capacity(document.len() + 64);
    for c in document.chars() {
        if is_unsafe(c) && c != '\n' {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}"); // writing to a String cannot fail
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Width of a text in terminal cells.
pub fn width(text: &str) -> usize {
    if is_cell_a_byte(text) {
        return text.len();
    }
    text.width()
}

/// Whether a text takes a cell a byte: printable ASCII, as most of it is.
pub fn is_cell_a_byte(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a text takes a cell a character, each for itself: ASCII, the signs that our own words use, lines and blocks.
pub fn is_cell_a_char(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, ' '..='~' | '·' | '×' | '–' | '…' | '\u{2500}'..='\u{259f}'))
}

/// Where a text is cut when it is too wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// `checkout-avail…`: words.
    End,
    /// `7f3a…91c0`: identifiers, whose two ends both tell.
    Middle,
}

/// Cuts a text to at most `cells` cells, with `…` in place of what went. Never splits a grapheme.
pub fn cut(text: &str, cells: usize, at: Cut) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    match cells {
        0 => return Cow::Borrowed(""),
        1 => return Cow::Borrowed("…"),
        _ => {}
    }
    let room = cells - 1;
    match at {
        Cut::End => {
            let mut out = head(text, room);
            out.push('…');
            Cow::Owned(out)
        }
        Cut::Middle => {
            let back = room / 2;
            let mut out = head(text, room - back);
            out.push('…');
            out.push_str(&tail(text, back));
            Cow::Owned(out)
        }
    }
}

/// A number with its thousands set apart: `12,040`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Cuts or pads to exactly `cells` cells, text at the left.
pub fn fit(text: &str, cells: usize) -> String {
    let mut out = cut(text, cells, Cut::End).into_owned();
    let missing = cells.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// Cuts or pads to exactly `cells` cells, text at the right: numbers.
pub fn fit_right(text: &str, cells: usize) -> String {
    let shown = cut(text, cells, Cut::End);
    let missing = cells.saturating_sub(width(&shown));
    let mut out = " ".repeat(missing);
    out.push_str(&shown);
    out
}

fn head(text: &str, cells: usize) -> String {
    if is_cell_a_byte(text) {
        return floor_to(text, cells).to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        used += width(grapheme);
        if used > cells {
            break;
        }
        out.push_str(grapheme);
    }
    out
}

fn tail(text: &str, cells: usize) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut used = 0;
    for grapheme in text.graphemes(true).rev() {
        used += width(grapheme);
        if used > cells {
            break;
        }
        parts.push(grapheme);
    }
    parts.into_iter().rev().collect()
}

fn floor_to(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_pictures() {
        assert_eq!(SafeText::line("a\u{1b}[31mred\u{7}").as_str(), "a␛[31mred␇");
        assert_eq!(SafeText::line("evil\u{202e}txt").as_str(), "evil‹U+202E›txt");
        assert_eq!(SafeText::line("two\r\nlines").as_str(), "two lines");
        assert_eq!(SafeText::line("\u{9b}31m").as_str(), "‹U+009B›31m");
    }

    #[test]
    fn clean_text_is_borrowed() {
        assert!(matches!(SafeText::line("plain").0, Cow::Borrowed(_)));
        assert!(matches!(SafeText::line("größe 日本").0, Cow::Borrowed(_)));
    }

    #[test]
    fn text_is_cut_between_graphemes_and_padded_to_the_cell() {
        assert_eq!(cut("checkout-availability", 9, Cut::End), "checkout…");
        assert_eq!(cut("0123456789abcdef", 9, Cut::Middle), "0123…cdef");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit_right("21.3×", 7), "  21.3×");
        assert_eq!(
            [7, 999, 1_219, 1_000_000].map(grouped),
            ["7", "999", "1,219", "1,000,000"]
        );
        assert_eq!(cut("abc", 0, Cut::End), "");
    }

    #[test]
    fn json_escapes_what_a_terminal_could_act_on() {
        assert_eq!(
            escape_json("{\"a\":\"\u{9b}\u{202e}\u{7f}\"}"),
            "{\"a\":\"\\u009b\\u202e\\u007f\"}"
        );
        assert_eq!(escape_json("\"\u{e0001}\""), "\"\\udb40\\udc01\"");
    }

    #[test]
    fn a_huge_text_is_bounded() {
        let huge = "é".repeat(1_000_000);
        assert!(SafeText::line(&huge).as_str().len() <= MAX_BYTES);
    }
}
