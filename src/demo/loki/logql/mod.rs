//! The part of LogQL that a console and a person at it use: selectors, line filters, `json`, `logfmt`, label filters,
//! and counts of lines over time, summed by label.
//!
//! [`parse()`] gives a [`Query`]; `pipeline` runs the stages of one over a line. It knows nothing of where lines
//! come from. <https://grafana.com/docs/loki/latest/query/>

mod condition;
mod parse;
mod pipeline;

use regex::Regex;

pub use condition::{Compare, Condition, seconds};
pub use parse::parse;
pub use pipeline::{Entry, Fields};

/// A query.
#[derive(Debug)]
pub enum Query {
    /// For lines.
    Log(LogQuery),
    /// For numbers.
    Metric(MetricQuery),
}

/// A query for lines.
#[derive(Debug)]
pub struct LogQuery {
    /// Which streams.
    pub selector: Vec<Matcher>,
    /// What is done with their lines, in order.
    pub stages: Vec<Stage>,
}

/// Lines counted over time.
#[derive(Debug)]
pub struct MetricQuery {
    /// Which lines.
    pub lines: LogQuery,
    /// How far each point looks back, nanoseconds.
    pub range: i64,
    /// What is told of them.
    pub function: Function,
    /// By which labels it is summed; each stream for itself where none.
    pub by: Option<Vec<String>>,
}

/// What is told of the lines in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// How many.
    Count,
    /// How many a second.
    Rate,
    /// How many bytes.
    Bytes,
}

/// `name="value"` in a selector or behind a `|`.
#[derive(Debug)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// What is asked of its value.
    pub test: Test,
}

/// What is asked of a text.
#[derive(Debug)]
pub enum Test {
    /// It is this.
    Is(String),
    /// It is not.
    IsNot(String),
    /// All of it matches.
    Like(Regex),
    /// It does not.
    Unlike(Regex),
}

impl Test {
    /// Whether a value passes; a label that is not there is empty.
    pub fn passes(&self, value: &str) -> bool {
        match self {
            Self::Is(wanted) => value == wanted,
            Self::IsNot(wanted) => value != wanted,
            Self::Like(regex) => regex.is_match(value),
            Self::Unlike(regex) => !regex.is_match(value),
        }
    }
}

/// A stage of a pipeline.
#[derive(Debug)]
pub enum Stage {
    /// `|=`, `!=`, `|~`, `!~`.
    Line(LineFilter),
    /// `| json`.
    Json,
    /// `| logfmt`.
    Logfmt,
    /// `| status >= 500`.
    Labels(Condition),
}

/// A filter on the text of a line.
#[derive(Debug)]
pub struct LineFilter {
    /// Lines that pass hold one of these, or none of them.
    pub keep: Keep,
    /// Any of them.
    pub any: Vec<Needle>,
}

/// Which lines pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those that match.
    Matching,
    /// The others.
    Others,
}

/// What is looked for in a line.
#[derive(Debug)]
pub enum Needle {
    /// A text.
    Text(String),
    /// A pattern, anywhere.
    Regex(Regex),
}

#[cfg(test)]
mod tests;
