//! Words that sources share: levels as they stand in labels and fields, and strings in quotes.

use crate::domain::log::Level;

/// Names under which labels and fields tell a level, the surest first.
pub(super) const LEVEL_NAMES: [&str; 9] = [
    "detected_level",
    "level",
    "severity",
    "severity_text",
    "log.level",
    "log_level",
    "SeverityText",
    "lvl",
    "loglevel",
];

/// A level by its word, in any case.
pub(super) fn level_of_word(word: &str) -> Level {
    const WORDS: [(&str, Level); 22] = [
        ("trace", Level::Trace),
        ("trc", Level::Trace),
        ("finest", Level::Trace),
        ("debug", Level::Debug),
        ("dbg", Level::Debug),
        ("fine", Level::Debug),
        ("info", Level::Info),
        ("information", Level::Info),
        ("informational", Level::Info),
        ("notice", Level::Info),
        ("warn", Level::Warn),
        ("warning", Level::Warn),
        ("wrn", Level::Warn),
        ("error", Level::Error),
        ("err", Level::Error),
        ("severe", Level::Error),
        ("fatal", Level::Fatal),
        ("critical", Level::Fatal),
        ("crit", Level::Fatal),
        ("panic", Level::Fatal),
        ("alert", Level::Fatal),
        ("emerg", Level::Fatal),
    ];
    let word = word.trim();
    let found = WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    found.map_or(Level::Unknown, |(_, level)| *level)
}

/// A level by the number that OpenTelemetry gives it (logs data model, `SeverityNumber`).
pub(super) fn level_of_number(number: &str) -> Level {
    match number.trim().parse::<u8>() {
        Ok(1..=4) => Level::Trace,
        Ok(5..=8) => Level::Debug,
        Ok(9..=12) => Level::Info,
        Ok(13..=16) => Level::Warn,
        Ok(17..=20) => Level::Error,
        Ok(21..=24) => Level::Fatal,
        Ok(_) | Err(_) => Level::Unknown,
    }
}

/// The first level that a lookup of names finds.
pub(super) fn level_by<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Level {
    let named = LEVEL_NAMES
        .iter()
        .filter_map(|name| value(name))
        .map(level_of_word)
        .find(|level| *level != Level::Unknown);
    named.unwrap_or_else(|| value("severity_number").map_or(Level::Unknown, level_of_number))
}

/// The words of all levels below one, for a filter that names what is not wanted.
pub(super) fn words_below(level: Level) -> Vec<&'static str> {
    let words: [(&str, Level); 7] = [
        ("trace", Level::Trace),
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("information", Level::Info),
        ("notice", Level::Info),
        ("warn", Level::Warn),
        ("warning", Level::Warn),
    ];
    let below = words.into_iter().filter(|(_, each)| *each < level);
    let mut below: Vec<&str> = below.map(|(word, _)| word).collect();
    if level > Level::Error {
        below.push("error");
    }
    below
}

/// A string as LogQL and `LogsQL` read it: in double quotes, escaped as Go does.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                use std::fmt::Write as _;
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_from_the_surest_name_that_tells_one() {
        let fields = [
            ("detected_level", "unknown"),
            ("level", "WARNING"),
            ("severity_number", "21"),
        ];
        let value = |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        assert_eq!(level_by(value), Level::Warn);
        let number = |name: &str| (name == "severity_number").then_some("17");
        assert_eq!(level_by(number), Level::Error);
        assert_eq!(level_by(|_| None), Level::Unknown);
    }

    #[test]
    fn a_filter_of_levels_never_names_the_wanted_ones() {
        assert_eq!(words_below(Level::Unknown), Vec::<&str>::new());
        for level in Level::ALL {
            assert!(words_below(level).iter().all(|word| level_of_word(word) < level));
        }
        assert!(words_below(Level::Fatal).contains(&"error"));
    }
}
