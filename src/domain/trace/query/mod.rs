//! Looking for spans within one trace: terms side by side, separated by blanks, all of which must hold.
//!
//! - `dur>5%`, `self>10ms`, `start<1s`: duration, self time, begin since the trace's; in time or as a share of the trace;
//! - `err`, `path`, `orphan`: failed; on the critical path; without its parent;
//! - `svc=pay`, `op=GET*`, `kind=server`, `status=ok`, `depth<3`, `id=00f067aa0ba902b7`; `*` stands for anything;
//! - `http.route=/cart`, `http.status_code>=500`, `db.statement=~"^select"`: attributes of the span or of its resource;
//! - `charge`, `"two words"`, `/re.*x/`: in its names, its message or the values of its attributes; any capital makes it
//!   case-sensitive;
//! - `!` or `-` before any of them: not so.
//!
//! Start at [`Query::parse`] and [`sift`].

mod holds;
mod parse;

use regex::Regex;

use super::critical::CriticalPath;
use super::selftime::SelfTimes;
use super::{Column, Kind, Row, SpanId, Status, Timing, Trace};
use crate::problem::Mistyped;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
struct Term {
    test: Test,
    /// Whether it must not hold.
    negated: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Time(Clocked, Compare, Amount),
    Failed,
    OnPath,
    Orphan,
    Service(Glob),
    Operation(Glob),
    Kind(Kind),
    Status(Status),
    Depth(Compare, f64),
    Id(SpanId),
    Attribute(String, Want),
    /// Anywhere a person would look.
    Text(Regex),
}

/// What of a span is compared with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clocked {
    Duration,
    Own,
    Start,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Amount {
    Nanos(f64),
    /// Of the trace's duration.
    Share(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equal,
    More,
    MoreEqual,
    Less,
    LessEqual,
}

impl Compare {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => (left - right).abs() < f64::EPSILON * right.abs().max(1.0),
            Self::More => left > right,
            Self::MoreEqual => left >= right,
            Self::Less => left < right,
            Self::LessEqual => left <= right,
        }
    }
}

/// What is wanted of an attribute.
#[derive(Debug, Clone)]
enum Want {
    Like(Glob),
    Number(Compare, f64),
    Pattern(Regex),
}

/// A text with `*` for anything, compared whole and whatever the case.
#[derive(Debug, Clone)]
struct Glob(Regex);

/// What spans are looked at by.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The trace.
    pub trace: &'a Trace,
    /// When its spans were.
    pub timing: &'a Timing,
    /// Their self times.
    pub times: &'a SelfTimes,
    /// Its critical path.
    pub path: &'a CriticalPath,
}

/// Whether a row is shown, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shown {
    /// It is what was looked for.
    Hit,
    /// Something under it is: it is shown, dimmed, so that the hit has its place.
    Above,
    /// Neither.
    Hidden,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sifted {
    /// For every row.
    pub shown: Column<Shown>,
    /// The hits, by row: where next and previous go.
    pub hits: Vec<Row>,
}

impl Query {
    /// Reads a query; an empty one holds for every span.
    pub fn parse(text: &str) -> Result<Self, Mistyped> {
        parse::query(text)
    }

    /// Holds for every span.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// Every row of a trace by a query. Reads attributes only where a term needs them: for 100,000 spans some
/// tenths of a second, so it has no place in the task that draws.
pub fn sift(query: &Query, sight: Sight<'_>) -> Sifted {
    let tests = holds::Tests::of(query, sight);
    let mut shown = vec![Shown::Hidden; sight.trace.len()];
    let mut hits = Vec::new();
    for row in sight.trace.rows() {
        if tests.hold(row) {
            shown[row.index()] = Shown::Hit;
            hits.push(row);
        }
    }
    for row in sight.trace.rows().rev() {
        if shown[row.index()] != Shown::Hidden
            && let Some(parent) = sight.trace.parent(row)
            && shown[parent.index()] == Shown::Hidden
        {
            shown[parent.index()] = Shown::Above;
        }
    }
    Sifted {
        shown: Column(shown),
        hits,
    }
}

#[cfg(test)]
mod tests;
