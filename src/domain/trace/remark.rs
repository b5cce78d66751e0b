//! What was odd about a trace, counted and named: nothing is left out of the picture without being said.

use std::fmt;

use super::{Row, SpanId};

/// Something odd. Text within is remote and not yet safe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Remark {
    /// The body ends in the middle: the span there, and all behind it, are missing.
    CutOff {
        /// After so many bytes.
        at: usize,
    },
    /// The answer is larger than what is read of one: what stands behind is missing.
    OverCap {
        /// So many bytes were read.
        cap: usize,
    },
    /// The body stops being JSON: what stands behind is missing.
    NotJson {
        /// After so many bytes.
        at: usize,
    },
    /// More spans than are taken: so many are missing.
    TooMany(u32),
    /// Spans that do not say of which trace they are: so many are missing.
    NoTrace(u32),
    /// Spans that are no JSON object: so many are missing.
    Unreadable(u32),
    /// Spans of another trace id that came with it: so many are left out.
    Foreign(u32),
    /// Spans that came again with nothing different: so many, shown once.
    Twice(u32),
    /// Spans that share their id with another one that is not a client's with its server.
    SharedId {
        /// How many.
        spans: u32,
        /// The first.
        first: Row,
    },
    /// Spans without a span id.
    NoId {
        /// How many.
        spans: u32,
        /// The first.
        first: Row,
    },
    /// Spans whose parent did not come.
    Orphans {
        /// How many.
        spans: u32,
        /// The first.
        first: Row,
        /// The parent that it names.
        missing: SpanId,
    },
    /// Spans whose parents lead back to themselves.
    Cycle {
        /// How many are in the circle.
        spans: u32,
        /// The one that was made a root.
        cut: Row,
        /// The parent that it names.
        named: SpanId,
    },
    /// Spans whose begin or end is missing or does not make sense.
    Times {
        /// How many.
        spans: u32,
        /// The first.
        first: Row,
    },
    /// Spans whose clock is more than 30 days from the others; the trace's extent leaves them out.
    FarOff {
        /// How many.
        spans: u32,
        /// The first.
        first: Row,
    },
    /// The source said that its answer is not whole, or that something failed.
    Said(String),
}

impl Remark {
    /// Whether spans are missing from the picture.
    pub fn is_loss(&self) -> bool {
        match self {
            Self::CutOff { .. }
            | Self::OverCap { .. }
            | Self::NotJson { .. }
            | Self::TooMany(_)
            | Self::NoTrace(_)
            | Self::Unreadable(_)
            | Self::Foreign(_)
            | Self::Said(_) => true,
            Self::Twice(_)
            | Self::SharedId { .. }
            | Self::NoId { .. }
            | Self::Orphans { .. }
            | Self::Cycle { .. }
            | Self::Times { .. }
            | Self::FarOff { .. } => false,
        }
    }

    /// The row to look at, where there is one.
    pub fn row(&self) -> Option<Row> {
        match self {
            Self::SharedId { first, .. }
            | Self::NoId { first, .. }
            | Self::Orphans { first, .. }
            | Self::Times { first, .. }
            | Self::FarOff { first, .. } => Some(*first),
            Self::Cycle { cut, .. } => Some(*cut),
            Self::CutOff { .. }
            | Self::OverCap { .. }
            | Self::NotJson { .. }
            | Self::TooMany(_)
            | Self::NoTrace(_)
            | Self::Unreadable(_)
            | Self::Foreign(_)
            | Self::Twice(_)
            | Self::Said(_) => None,
        }
    }
}

fn counted(count: u32) -> String {
    if count == 1 {
        "1 span".to_owned()
    } else {
        format!("{count} spans")
    }
}

/// A verb for so many.
fn verb(count: u32, [one, several]: [&'static str; 2]) -> &'static str {
    if count == 1 { one } else { several }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff { at } => write!(
                f,
                "the answer was cut off after {at} bytes: later spans are missing"
            ),
            Self::OverCap { cap } => write!(
                f,
                "the answer is larger than the {} MiB that midwatch reads of one: later spans are missing",
                cap >> 20
            ),
            Self::NotJson { at } => {
                write!(
                    f,
                    "the answer is no JSON after {at} bytes: later spans are missing"
                )
            }
            Self::TooMany(count) => write!(
                f,
                "{} beyond the limit {} missing",
                counted(*count),
                verb(*count, ["is", "are"])
            ),
            Self::NoTrace(count) => write!(
                f,
                "{} without a trace id {} missing",
                counted(*count),
                verb(*count, ["is", "are"])
            ),
            Self::Unreadable(count) => {
                let are = verb(*count, ["is", "are"]);
                write!(f, "{} could not be read and {are} missing", counted(*count))
            }
            Self::Foreign(count) => write!(
                f,
                "{} of another trace id came with it and {} left out",
                counted(*count),
                verb(*count, ["is", "are"])
            ),
            Self::Twice(count) => {
                let are = verb(*count, ["is", "are"]);
                write!(f, "{} came twice and {are} shown once", counted(*count))
            }
            Self::SharedId { spans, .. } => {
                let share = verb(*spans, ["shares its", "share their"]);
                write!(f, "{} {share} id with another", counted(*spans))
            }
            Self::NoId { spans, .. } => write!(f, "{} without an id", counted(*spans)),
            Self::Orphans { spans, missing, .. } => {
                write!(
                    f,
                    "{} whose parent is missing (the first names {missing})",
                    counted(*spans)
                )
            }
            Self::Cycle { spans, named, .. } => {
                write!(
                    f,
                    "{} in a circle, cut at the one that names {named}",
                    counted(*spans)
                )
            }
            Self::Times { spans, .. } => {
                write!(f, "{} with missing or impossible times", counted(*spans))
            }
            Self::FarOff { spans, .. } => write!(
                f,
                "{} more than 30 days from the others, out of the picture",
                counted(*spans)
            ),
            Self::Said(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_span_is_told_of_as_one() {
        let shared = |spans| Remark::SharedId { spans, first: Row(0) };
        for (remark, said) in [
            (Remark::Twice(1), "1 span came twice and is shown once"),
            (Remark::Twice(2), "2 spans came twice and are shown once"),
            (shared(1), "1 span shares its id with another"),
            (shared(2), "2 spans share their id with another"),
            (Remark::NoTrace(1), "1 span without a trace id is missing"),
            (
                Remark::Foreign(1),
                "1 span of another trace id came with it and is left out",
            ),
        ] {
            assert_eq!(remark.to_string(), said);
        }
    }
}
