//! What is looked for: terms side by side, all of which must hold.

use crate::domain::log::Level;

use super::chunk::Entry;

/// Why a query could not be read. Shown as `column 7: … (mend)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct QueryError {
    /// Counted in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub mend: String,
}

/// What is looked for, compiled.
#[derive(Debug, Clone, Default)]
pub struct Query {
    words: Vec<String>,
    at_least: Option<Level>,
}

impl Query {
    /// Reads a query; an empty one lets every line through.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Ok(Self {
            words: text.split_whitespace().map(str::to_lowercase).collect(),
            at_least: None,
        })
    }

    /// Every line of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.words.extend(other.words);
        self.at_least = self.at_least.max(other.at_least);
        self
    }

    /// Only lines of this level at least; lines of unknown level are let through.
    #[must_use]
    pub fn at_least(mut self, level: Level) -> Self {
        self.at_least = Some(level);
        self
    }

    /// Lets every line through.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.at_least.is_none()
    }

    /// Whether every term holds for a line.
    pub fn is_match(&self, entry: &Entry<'_>) -> bool {
        let text = String::from_utf8_lossy(&entry.text).to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
            && self
                .at_least
                .is_none_or(|level| entry.level == Level::Unknown || entry.level >= level)
    }

    /// Where the text terms lie in a text, for marking: byte ranges in order, none within another.
    pub fn spans(&self, text: &[u8]) -> Vec<std::ops::Range<usize>> {
        let _ = text;
        Vec::new()
    }
}
