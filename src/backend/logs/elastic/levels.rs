//! How levels are written in documents: words in three cases, and OpenTelemetry's severity numbers.

use crate::domain::log::Level;

/// Every word that means a level, in lower case.
const WORDS: &[(Level, &[&str])] = &[
    (Level::Trace, &["trace", "trc", "finest", "finer", "verbose"]),
    (Level::Debug, &["debug", "dbg", "fine", "config"]),
    (
        Level::Info,
        &["info", "inf", "information", "informational", "notice", "log"],
    ),
    (Level::Warn, &["warn", "wrn", "warning"]),
    (Level::Error, &["error", "err", "eror", "severe"]),
    (
        Level::Fatal,
        &[
            "fatal",
            "critical",
            "crit",
            "panic",
            "alert",
            "emergency",
            "emerg",
            "dpanic",
        ],
    ),
];

/// The level that a document's word or severity number means.
pub(super) fn of_word(word: &str) -> Level {
    let word = word.trim();
    if let Ok(number) = word.parse::<u32>() {
        return of_number(number);
    }
    WORDS
        .iter()
        .find(|(_, words)| words.iter().any(|known| known.eq_ignore_ascii_case(word)))
        .map_or(Level::Unknown, |(level, _)| *level)
}

/// OpenTelemetry's severity number (logs data model, "Field: `SeverityNumber`").
pub(super) fn of_number(number: u32) -> Level {
    match number {
        1..=4 => Level::Trace,
        5..=8 => Level::Debug,
        9..=12 => Level::Info,
        13..=16 => Level::Warn,
        17..=20 => Level::Error,
        21..=24 => Level::Fatal,
        _ => Level::Unknown,
    }
}

/// The lowest severity number of a level; `None` for one that has none.
pub(super) fn number(level: Level) -> Option<u32> {
    match level {
        Level::Unknown => None,
        Level::Trace => Some(1),
        Level::Debug => Some(5),
        Level::Info => Some(9),
        Level::Warn => Some(13),
        Level::Error => Some(17),
        Level::Fatal => Some(21),
    }
}

/// Every spelling of a level and those above it: keyword fields know no case.
pub(super) fn spellings(at_least: Level) -> Vec<String> {
    let words = WORDS
        .iter()
        .filter(|(level, _)| *level >= at_least)
        .flat_map(|(_, words)| words.iter());
    words
        .flat_map(|word| {
            let mut title = word.to_string();
            if let Some(first) = title.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            [word.to_string(), word.to_ascii_uppercase(), title]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_mean_levels() {
        for (word, level) in [
            ("ERROR", Level::Error),
            ("Warning", Level::Warn),
            (" info ", Level::Info),
            ("17", Level::Error),
            ("21", Level::Fatal),
            ("0", Level::Unknown),
            ("purple", Level::Unknown),
        ] {
            assert_eq!(of_word(word), level, "{word}");
        }
    }

    #[test]
    fn what_is_asked_for_is_read_back_as_that_level_at_least() {
        for level in Level::ALL {
            for word in spellings(level) {
                assert!(of_word(&word) >= level, "{word} is not {level}");
            }
            assert!(number(level).is_none_or(|number| of_number(number) == level));
        }
    }
}
