//! Remote text inside Markdown: safe for a terminal, and taken as text by whatever renders it.

use crate::text::{Cut, SafeText, cut};

/// One line of remote text; everything that Markdown would act on is escaped.
pub fn inline(raw: &str) -> String {
    let safe = SafeText::line(raw.trim());
    let mut out = String::with_capacity(safe.as_str().len() + 8);
    let mut chars = safe.as_str().chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let acts = match c {
            // inside a word it is text everywhere, and escaping it would only make names hard to read
            '_' => {
                !(before.is_some_and(char::is_alphanumeric)
                    && chars.peek().is_some_and(|c| c.is_alphanumeric()))
            }
            c => "\\`*[]<>|~!&$".contains(c),
        };
        if acts {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
    unlisted(out)
}

/// The same, cut to so many cells before it is escaped.
pub fn short(raw: &str, cells: usize) -> String {
    let safe = SafeText::line(raw.trim());
    inline(&cut(safe.as_str(), cells, Cut::End))
}

/// A cell of a table.
pub fn cell(raw: &str) -> String {
    let text = inline(raw);
    if text.is_empty() { " ".to_owned() } else { text }
}

/// Code in one line, whatever backticks it holds (`CommonMark` 6.1: the fence is longer than any run within).
pub fn code(raw: &str) -> String {
    let safe = SafeText::line(raw.trim());
    // inside a table a pipe ends the cell even in code
    let text = safe.as_str().replace('|', "\\|");
    if text.is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// What opens a list or a heading at the begin of a line does not.
fn unlisted(text: String) -> String {
    let opens = |rest: &str| rest.is_empty() || rest.starts_with(' ');
    let unnumbered = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - unnumbered.len();
    let after_hashes = text.trim_start_matches('#');
    if text.starts_with(['-', '+', '=']) || (after_hashes.len() < text.len() && opens(after_hashes)) {
        format!("\\{text}")
    } else if digits > 0 && unnumbered.strip_prefix(['.', ')']).is_some_and(opens) {
        let (number, rest) = text.split_at(digits);
        format!("{number}\\{rest}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_text_is_text() {
        for (raw, written) in [
            ("plain words", "plain words"),
            ("http_requests_total", "http_requests_total"),
            ("_sly_", "\\_sly\\_"),
            ("a|b\n# c", "a\\|b # c"),
            ("## heading", "\\## heading"),
            ("#4711 at 99.9", "#4711 at 99.9"),
            ("99.9", "99.9"),
            ("<script>&amp;", "\\<script\\>\\&amp;"),
            ("![x](http://h)", "\\!\\[x\\](http://h)"),
            ("- [ ] not mine", "\\- \\[ \\] not mine"),
            ("1. first", "1\\. first"),
            ("\u{1b}[2J\u{202e}x", "␛\\[2J‹U+202E›x"),
        ] {
            assert_eq!(inline(raw), written, "{raw:?}");
        }
    }

    #[test]
    fn code_holds_any_backticks_and_stays_in_its_cell() {
        assert_eq!(code("rate(x[5m]) > 1 | y"), "`rate(x[5m]) > 1 \\| y`");
        assert_eq!(code("a `b` ``c``"), "``` a `b` ``c`` ```");
        assert_eq!(code(""), "");
    }

    proptest::proptest! {
        #[test]
        fn nothing_unsafe_and_no_line_break_comes_out(raw in "\\PC{0,60}[\u{0}-\u{1f}\u{202e}\u{9b}\n]{0,8}\\PC{0,9}") {
            for text in [inline(&raw), short(&raw, 20), cell(&raw), code(&raw)] {
                proptest::prop_assert!(!text.chars().any(crate::text::is_unsafe), "{text:?}");
            }
        }
    }
}
