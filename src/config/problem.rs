//! What is wrong with a configuration: one [`Problem`] a mistake, all of them at once.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::SafeText;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the file, both counted from 1.
    At {
        /// Line.
        line: usize,
        /// Column, in characters.
        column: usize,
    },
    /// In this environment variable.
    Env(String),
    /// In the file, nobody knows where: what is missing, mostly.
    Somewhere,
}

/// Whether the console can start with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// It cannot.
    Error,
    /// It can; worth a look.
    Warning,
}

/// One mistake: the place, the key, what is wrong, the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub gravity: Gravity,
    /// The file, where one was read.
    pub file: Option<PathBuf>,
    /// Where in it.
    pub place: Place,
    /// `contexts.prod.metrics.url`; empty for the file as a whole.
    pub key: String,
    /// What is wrong; never a secret's value.
    pub what: String,
    /// What to write instead.
    pub mend: String,
}

impl fmt::Display for Problem {
    /// `file:line:column: key contexts.prod.metrics.url: what; mend`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, &self.file) {
            (Place::Env(name), _) => write!(f, "environment {name}: ")?,
            (Place::At { line, column }, Some(file)) => {
                write!(f, "{}:{line}:{column}: ", safe(file))?;
            }
            (Place::Somewhere, Some(file)) => write!(f, "{}: ", safe(file))?,
            (Place::At { .. } | Place::Somewhere, None) => {}
        }
        if !self.key.is_empty() {
            write!(f, "key {}: ", SafeText::line(&self.key).as_str())?;
        }
        f.write_str(SafeText::line(&self.what).as_str())?;
        if !self.mend.is_empty() {
            write!(f, "; {}", SafeText::line(&self.mend).as_str())?;
        }
        Ok(())
    }
}

fn safe(path: &Path) -> String {
    SafeText::line(&path.to_string_lossy()).into_string()
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// None of the usual places has one.
    #[error("no configuration found; looked for {}", listed(.tried))]
    NotFound {
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// A file that was asked for cannot be read.
    #[error("{}: {why}; check the path given by --config or $MIDWATCH_CONFIG, and that you may read it", safe(.path))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It was read, and these are its mistakes (warnings among them, which the words leave out).
    #[error("{}", errors_of(.0))]
    Invalid(Vec<Problem>),
    /// No such context, or none was chosen and there are several.
    #[error("{0}")]
    Context(String),
}

fn errors_of(problems: &[Problem]) -> String {
    problems
        .iter()
        .filter(|problem| problem.gravity == Gravity::Error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// `~/.config/midwatch/config.toml or /etc/midwatch/config.toml (also .yaml, .yml, .json)`
fn listed(tried: &[PathBuf]) -> String {
    let toml: Vec<String> = tried
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| safe(path))
        .collect();
    let also = if tried.len() > toml.len() {
        " (also .yaml, .yml, .json)"
    } else {
        ""
    };
    format!("{}{also}", toml.join(" or "))
}

/// The known word that is nearest to a misspelt one, if any is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(3) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
