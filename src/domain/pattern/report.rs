//! A pattern as it is told: a snapshot that shares nothing with what goes on learning.

use std::sync::Arc;
use std::time::Duration;

use super::{BUCKETS, Form, PatternId};
use crate::domain::log::{Level, Nanos};
use crate::domain::slo::duration_in_words;

/// A pattern at a moment. All text is remote and not yet safe.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Its name.
    pub id: PatternId,
    /// Of which service.
    pub service: Option<Arc<str>>,
    /// Of which level.
    pub level: Level,
    /// How its lines are written.
    pub form: Form,
    /// What its lines have in common, values as `<num>`, `<*>` where words differ.
    pub template: Arc<str>,
    /// Lines.
    pub count: u64,
    /// Of all lines seen, 0 to 1.
    pub share: f64,
    /// The earliest.
    pub first: Nanos,
    /// The latest.
    pub last: Nanos,
    /// The earliest line of its service and level or any level of it: what came before is not known.
    pub known_from: Nanos,
    /// Lines by bucket, oldest first; the last is being filled.
    pub trend: [u32; BUCKETS],
    /// What its trend says.
    pub standing: Standing,
    /// The newest lines, newest first, cut.
    pub examples: Vec<Example>,
}

/// A line of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// When.
    pub at: Nanos,
    /// Its text, cut; any bytes.
    pub text: Vec<u8>,
}

/// What a pattern's trend says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// First seen less than ten minutes ago, its service long before.
    New,
    /// It comes far more often than it did.
    Spiking,
    /// It came steadily and stays away.
    Vanished,
    /// Nothing of these.
    Steady,
}

impl Standing {
    /// The word that stands beside the pattern; empty for [`Standing::Steady`].
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Spiking => "spiking",
            Self::Vanished => "vanished",
            Self::Steady => "",
        }
    }
}

/// Where a pattern begins, beside the start of something else: a burn, a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// So much earlier.
    Before(Duration),
    /// So much later.
    After(Duration),
    /// It was there when reading began: nothing is known of its begin.
    Unknown,
}

/// A pattern this close to the first line that was read may have begun earlier.
const BLUR: Duration = Duration::from_secs(10);

impl Pattern {
    /// Where it begins, beside `start`.
    pub fn beginning(&self, start: Nanos) -> Beginning {
        let span =
            |from: Nanos, to: Nanos| Duration::from_nanos(to.0.saturating_sub(from.0).max(0).unsigned_abs());
        if span(self.known_from, self.first) < BLUR {
            Beginning::Unknown
        } else if self.first <= start {
            Beginning::Before(span(self.first, start))
        } else {
            Beginning::After(span(start, self.first))
        }
    }
}

impl Beginning {
    /// `first seen 40 s before the page`; `what` is what it stands beside. Empty where nothing is known.
    pub fn words(self, what: &str) -> String {
        match self {
            Self::Before(by) => format!("first seen {} before {what}", duration_in_words(by)),
            Self::After(by) => format!("first seen {} after {what}", duration_in_words(by)),
            Self::Unknown => String::new(),
        }
    }
}
