//! Entries of a file as lines: when each is, and whether it is wanted.
//!
//! A file's own language is plain text: a query is words to be found in it, lower case for any case. Pure.

use std::ops::Range;
use std::sync::Arc;

use crate::backend::logs::file::entries::Stretch;
use crate::domain::log::moment::without_year;
use crate::domain::log::scan::{Looking, Seen, scan};
use crate::domain::log::{Batch, Level, Line, Nanos, Stream, Wanted};

/// What a file's lines are asked for.
#[derive(Debug, Clone)]
pub struct Sieve {
    wanted: Wanted,
    query: Vec<u8>,
    any_case: bool,
    trace: Vec<Vec<u8>>,
    /// Now, for times that tell no year.
    about: Option<Nanos>,
}

impl Sieve {
    /// One for a question.
    pub fn new(wanted: &Wanted) -> Self {
        let query = wanted.query.trim();
        let any_case = !query.chars().any(char::is_uppercase);
        let trace = wanted.trace.map_or_else(Vec::new, |trace| {
            let long = trace.to_string();
            let short = long.strip_prefix("0000000000000000").map(str::to_owned);
            [Some(long), short]
                .into_iter()
                .flatten()
                .map(String::into_bytes)
                .collect()
        });
        Self {
            query: query.as_bytes().to_vec(),
            any_case,
            trace,
            about: None,
            wanted: wanted.clone(),
        }
    }

    /// Reads times without a year, too: of the last year that they can be of.
    #[must_use]
    pub fn about(mut self, now: Nanos) -> Self {
        self.about = Some(now);
        self
    }

    /// Whether an entry is wanted, given what was seen in it.
    pub fn lets_through(&self, text: &[u8], seen: &Seen) -> bool {
        let levelled = match (self.wanted.at_least, seen.level) {
            // an entry that tells no level is looked at again behind us
            (None, _) | (Some(_), Level::Unknown) => true,
            (Some(least), level) => level >= least,
        };
        let of_service = match (&self.wanted.service, &seen.service) {
            (Some(service), Some(told)) => text.get(told.clone()) == Some(service.as_bytes()),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let traced = self.trace.is_empty() || self.trace.iter().any(|id| holds(text, id, true));
        let found = self.query.is_empty() || holds(text, &self.query, self.any_case);
        levelled && of_service && traced && found
    }
}

fn holds(text: &[u8], wanted: &[u8], any_case: bool) -> bool {
    if any_case {
        let mut windows = text.windows(wanted.len());
        // text beyond ASCII is compared as it is written
        windows.any(|window| window.eq_ignore_ascii_case(wanted))
    } else {
        memchr::memmem::find(text, wanted).is_some()
    }
}

/// An entry with its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// Where it lies in its stretch.
    pub text: Range<usize>,
    /// When: its own time, else that of the entry before it; `None` where neither tells.
    pub at: Option<Nanos>,
    /// Whether it tells it itself.
    pub own: bool,
    /// When, where the text alone does not tell whoever reads it again: it tells no year.
    pub told: Option<Nanos>,
    /// Whether it is wanted.
    pub wanted: bool,
}

/// The moment of the entry before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// When.
    pub at: Option<Nanos>,
    without_year: bool,
}

impl Before {
    /// A moment that was told before anybody listened: entries that tell none themselves carry it, as with a time
    /// without a year.
    pub fn carried(at: Nanos) -> Self {
        Self {
            at: Some(at),
            without_year: true,
        }
    }
}

/// Dates and sifts the entries of a stretch; `before` is the moment of the entry before it, and becomes that of the
/// last.
pub fn dated(stretch: &Stretch, sieve: &Sieve, before: &mut Before) -> Vec<Dated> {
    let entries = stretch.entries.iter().cloned();
    entries
        .map(|range| {
            let text = stretch.bytes.get(range.clone()).unwrap_or_default();
            let seen = scan(text, Looking::ALL);
            let short = match (seen.at, sieve.about) {
                (None, Some(about)) => without_year(text, about),
                (Some(_), _) | (None, None) => None,
            };
            let own = seen.at.or(short);
            if own.is_some() {
                *before = Before {
                    at: own,
                    without_year: short.is_some(),
                };
            }
            Dated {
                wanted: sieve.lets_through(text, &seen),
                text: range,
                at: before.at,
                own: own.is_some(),
                told: before.at.filter(|_| before.without_year),
            }
        })
        .collect()
}

/// Those entries of a stretch that are wanted, as a batch; its bytes stay as they came. The store reads the times
/// again, in its own way. None where none is wanted.
pub fn batch(bytes: Vec<u8>, entries: Vec<Dated>, stream: &Arc<Stream>) -> Option<Batch> {
    let end = bytes.len();
    let wanted = entries.into_iter().filter(|entry| entry.wanted);
    let lines: Vec<Line> = wanted
        .map(|entry| Line {
            at: entry.told,
            text: entry.text,
            extra: end..end,
            ..Line::default()
        })
        .collect();
    (!lines.is_empty()).then(|| Batch {
        bytes,
        lines,
        streams: vec![Arc::clone(stream)],
        place: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(wanted: &Wanted, text: &str) -> bool {
        let seen = scan(text.as_bytes(), Looking::ALL);
        Sieve::new(wanted).lets_through(text.as_bytes(), &seen)
    }

    #[test]
    fn a_query_is_words_in_the_text_of_smart_case() {
        let query = |query: &str| Wanted {
            query: query.to_owned(),
            ..Wanted::default()
        };
        assert!(passes(&query("timed OUT"), "it timed OUT") && !passes(&query("timed OUT"), "it timed out"));
        assert!(passes(&query(" timed out "), "it TIMED out") && !passes(&query("timed out"), "tim"));
        assert!(passes(&query(""), ""));
    }

    #[test]
    fn the_scope_is_read_in_the_text() {
        let level = |level| Wanted {
            at_least: Some(level),
            ..Wanted::default()
        };
        assert!(
            passes(&level(Level::Warn), "level=error msg=x")
                && !passes(&level(Level::Warn), "level=info msg=x")
        );
        assert!(passes(&level(Level::Warn), "no level at all"));
        let service = Wanted {
            service: Some(Arc::from("pay")),
            ..Wanted::default()
        };
        assert!(passes(&service, "{\"service\":\"pay\",\"msg\":\"x\"}"));
        assert!(!passes(&service, "{\"service\":\"payments\",\"msg\":\"x\"}"));
        let trace = Wanted {
            trace: "abcdef0123456789".parse().ok(),
            ..Wanted::default()
        };
        assert!(passes(&trace, "x ABCDEF0123456789 y") && !passes(&trace, "x abcdef y"));
    }

    #[test]
    fn an_entry_without_a_time_has_that_of_the_one_before() {
        let bytes = b"2026-11-20T03:00:00Z a\nb\n".to_vec();
        let stretch = Stretch {
            at: 0,
            bytes,
            entries: vec![0..22, 23..24],
        };
        let mut before = Before::default();
        let dated = dated(&stretch, &Sieve::new(&Wanted::default()), &mut before);
        assert!(dated[0].own && !dated[1].own);
        assert!(dated[0].at.is_some() && dated[1].at == dated[0].at && before.at == dated[0].at);
    }

    #[test]
    fn times_without_a_year_are_told_with_the_lines_and_those_of_lines_behind_them() {
        let bytes = b"Nov 21 08:10:03 host app: a\nb\n2026-11-21T09:00:00Z c\n".to_vec();
        let stretch = Stretch {
            at: 0,
            bytes,
            entries: vec![0..27, 28..29, 30..52],
        };
        let now = Nanos::of("2026-12-01T00:00:00Z".parse().unwrap());
        let sieve = Sieve::new(&Wanted::default()).about(now);
        let dated = dated(&stretch, &sieve, &mut Before::default());
        let at = Nanos::of("2026-11-21T08:10:03Z".parse().unwrap());
        assert_eq!(
            (dated[0].told, dated[1].told, dated[2].told),
            (Some(at), Some(at), None)
        );
        assert!(dated[0].own && !dated[1].own && dated[2].own);
        let batch = batch(stretch.bytes, dated, &Arc::default()).unwrap();
        assert_eq!(batch.lines[1].at, Some(at));
    }
}
