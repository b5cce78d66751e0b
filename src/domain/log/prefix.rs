//! The time and the level that a line of plain text begins with: who tells both in columns of their own leaves them
//! out of the text. Pure.

use super::detect::level_of;
use super::moment::leading_end;
use super::{Level, Nanos};

/// How far a line's own time may be from the one told before it: columns tell milliseconds, and shippers stamp
/// lines a little later.
const NEAR: u64 = 1_000_000_000;

/// A text without the time and the level that it begins with, where they are those that are told before it.
/// `at` is `None` where its time is not told.
pub fn without(text: &str, at: Option<Nanos>, level: Level) -> &str {
    let closing = |c: char| matches!(c, ' ' | ']' | ')' | '\t' | '|' | ':' | ',');
    let mut rest = text;
    if let Some((own, end)) = leading_end(text.as_bytes())
        && at.is_some_and(|at| at.0.abs_diff(own.0) < NEAR)
    {
        rest = text.get(end..).unwrap_or(text).trim_start_matches(closing);
    }
    let bare = rest.strip_prefix(['[', '<', '(']).unwrap_or(rest);
    let length = bare.chars().take_while(char::is_ascii_alphabetic).count();
    let (word, behind) = bare.split_at(length);
    // "error while …" is prose
    let marked = bare.len() < rest.len() || (length > 2 && word.chars().all(|c| c.is_ascii_uppercase()));
    let ends = behind.starts_with(|c: char| closing(c) || c == '>');
    if marked && ends && level != Level::Unknown && level_of(word.as_bytes()) == level {
        rest = behind.trim_start_matches(|c: char| closing(c) || c == '>');
    }
    // what says nothing else is shown as it is
    if rest.trim().is_empty() { text } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "2026-11-20T03:14:07.25Z [ERROR] pool exhausted";

    #[test]
    fn what_columns_tell_the_text_does_not_tell_again() {
        let at = leading_end(TEXT.as_bytes()).map(|(at, _)| at);
        assert!(at.is_some());
        assert_eq!(without(TEXT, at, Level::Error), "pool exhausted");
        assert_eq!(
            without(TEXT, None, Level::Error),
            TEXT,
            "its time is told nowhere else"
        );
        let later = at.map(|at| Nanos(at.0 + 2_000_000_000));
        assert_eq!(without(TEXT, later, Level::Error), TEXT, "another time was told");
        assert_eq!(without(TEXT, at, Level::Warn), "[ERROR] pool exhausted");
    }

    #[test]
    fn a_text_that_is_nothing_else_is_left_whole() {
        for text in ["", "ERROR", "2026-11-20T03:14:07Z", "error while reading", "é"] {
            assert_eq!(
                without(text, Some(Nanos(1_795_144_447_000_000_000)), Level::Error),
                text
            );
        }
    }
}
