//! Remote text inside Markdown: safe for a terminal, and taken as text by whatever renders it.

use crate::text::{Cut, SafeText, cut};

/// One line of remote text; everything that Markdown would act on is escaped.
pub fn inline(raw: &str) -> String {
    let safe = SafeText::line(raw.trim());
    let mut out = String::with_capacity(safe.as_str().len() + 8);
    for c in safe.as_str().chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '&' | '$'
        ) {
            // `_` inside a word is text everywhere; escaping it would only make names hard to read
            out.push('\\');
        }
        out.push(c);
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
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let after = text.chars().nth(digits);
    if text.starts_with(['-', '+', '=']) {
        format!("\\{text}")
    } else if digits > 0 && matches!(after, Some('.' | ')')) {
        let (number, rest) = text.split_at(digits);
        format!("{number}\\{rest}")
    } else {
        text
    }
}
