//! Mistakes in what people write, files and typed lines: where each stands, what it is, and the mend.
//!
//! Keymap and theme files are read to the end and every mistake is reported at once, so that one round of
//! editing is enough. This module owns places and wording; it knows nothing of keys or colours.
//! Start at [`Problem`]; a reader holds a [`Source`] to turn byte spans into places.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::fmt;
use std::ops::Range;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named: a path, or `keymaps/default.toml` for a shipped one.
    pub file: String,
    /// Line and column, from one; `None` where the whole file is meant.
    pub at: Option<Position>,
    /// What is wrong, naming the thing.
    pub what: String,
    /// How to put it right; empty where there is nothing to say beyond `what`.
    pub mend: String,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From one.
    pub line: usize,
    /// In characters, from one.
    pub column: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(at) = self.at {
            write!(f, ":{}:{}", at.line, at.column)?;
        }
        write!(f, ": {}", self.what)?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        Ok(())
    }
}

/// Every mistake found, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// Why a line that somebody types (a filter, a matcher, a query) does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}; {mend}")]
pub struct Mistyped {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub mend: String,
}

impl Mistyped {
    /// At a column, in characters from 1.
    pub fn new(column: usize, problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            column,
            problem: problem.into(),
            mend: mend.into(),
        }
    }
}

/// A file's name and text: turns byte spans into places.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// How the file is named in messages.
    pub file: &'a str,
    /// All of it.
    pub text: &'a str,
}

impl Source<'_> {
    /// Where a byte offset stands.
    pub fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        }
    }

    /// A mistake at a span of the file.
    pub fn problem(&self, span: &Range<usize>, what: impl Into<String>, mend: impl Into<String>) -> Problem {
        Problem {
            file: self.file.to_owned(),
            at: Some(self.position(span.start)),
            what: what.into(),
            mend: mend.into(),
        }
    }

    /// A mistake of the file as a whole.
    pub fn problem_of_file(&self, what: impl Into<String>, mend: impl Into<String>) -> Problem {
        Problem {
            file: self.file.to_owned(),
            at: None,
            what: what.into(),
            mend: mend.into(),
        }
    }

    /// What the TOML parser refused.
    pub fn syntax(&self, error: &toml::de::Error) -> Problem {
        let what = error.message().lines().next().unwrap_or("not TOML").to_owned();
        match error.span() {
            Some(span) => {
                let snippet = self.text.get(span.clone()).unwrap_or_default();
                let what = if snippet.trim().is_empty() || snippet.len() > 40 || snippet.contains('\n') {
                    what
                } else {
                    format!("{what}: {snippet}")
                };
                self.problem(&span, what, "")
            }
            None => self.problem_of_file(what, ""),
        }
    }
}

/// The candidate closest to a misspelt name, if any is close enough to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let whole = strsim::jaro_winkler(&name, &candidate.to_lowercase());
            // `acknowledge` means `alerts.acknowledge`: the last part alone may be what was remembered.
            let last = candidate.rsplit('.').next().unwrap_or(candidate);
            let score = whole.max(strsim::jaro_winkler(&name, last) - 0.02);
            (score, candidate)
        })
        .filter(|(score, _)| *score >= 0.82)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `did you mean X?`, or the whole list where nothing is close.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(candidate) = nearest(name, candidates.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    format!("known: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let source = Source {
            file: "x.toml",
            text: "a\näö = 1\n",
        };
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(7), Position { line: 2, column: 4 });
        assert_eq!(source.position(999), Position { line: 3, column: 1 });
    }

    #[test]
    fn a_misspelling_finds_its_name_and_nonsense_finds_none() {
        let names = ["alerts.acknowledge", "alerts.silence", "list.down"];
        assert_eq!(nearest("alerts.acknowlege", names), Some("alerts.acknowledge"));
        assert_eq!(nearest("acknowledge", names), Some("alerts.acknowledge"));
        assert_eq!(nearest("xyzzy", names), None);
    }

    #[test]
    fn a_problem_reads_as_place_what_and_mend() {
        let source = Source {
            file: "k.toml",
            text: "q = 1",
        };
        assert_eq!(
            source.problem(&(0..1), "bad", "write good").to_string(),
            "k.toml:1:1: bad; write good"
        );
        assert_eq!(source.problem_of_file("gone", "").to_string(), "k.toml: gone");
    }
}
