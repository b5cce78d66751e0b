//! Which lines were told already: tails re-read stretches of time at every seam, and tell each line once.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::domain::log::{Nanos, Stream};

/// Keys that are remembered: at most some 10 MiB.
const CAPACITY: usize = 200_000;

/// What tells a line from another: its moment, and a hash of its stream and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LineKey {
    at: i64,
    rest: u64,
}

impl LineKey {
    /// Of a line of a stream, by [`stream_hash`].
    pub(super) fn new(at: Nanos, stream: u64, text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (stream, text).hash(&mut hasher);
        Self {
            at: at.0,
            rest: hasher.finish(),
        }
    }
}

/// A hash of what makes a stream.
pub(super) fn stream_hash(stream: &Stream) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&stream.labels, &stream.native_id).hash(&mut hasher);
    hasher.finish()
}

/// The newest lines that were told.
#[derive(Debug)]
pub(super) struct Seen {
    keys: BTreeSet<LineKey>,
    /// Keys up to this moment were forgotten.
    floor: i64,
    capacity: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Seen {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            keys: BTreeSet::new(),
            floor: i64::MIN,
            capacity,
        }
    }

    /// Takes a line; whether it is new. What is older than all that is remembered counts as new.
    pub(super) fn insert(&mut self, key: LineKey) -> bool {
        if key.at <= self.floor {
            return true;
        }
        if !self.keys.insert(key) {
            return false;
        }
        if self.keys.len() > self.capacity
            && let Some(oldest) = self.keys.pop_first()
        {
            self.floor = oldest.at;
        }
        true
    }

    /// From where on everything can be read again without telling it twice.
    pub(super) fn covers_from(&self) -> Nanos {
        Nanos(self.floor.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(at: i64, text: &str) -> LineKey {
        LineKey::new(Nanos(at), 7, text)
    }

    #[test]
    fn a_line_is_new_once_and_other_lines_of_its_moment_are_other_lines() {
        let mut seen = Seen::default();
        assert!(seen.insert(key(5, "a")));
        assert!(!seen.insert(key(5, "a")));
        assert!(seen.insert(key(5, "b")));
        assert!(seen.insert(LineKey::new(Nanos(5), 8, "a")));
        assert!(seen.insert(key(6, "a")));
    }

    #[test]
    fn the_oldest_are_forgotten_and_what_is_covered_moves_up_with_them() {
        let mut seen = Seen::with_capacity(3);
        assert_eq!(seen.covers_from(), Nanos(i64::MIN + 1));
        for at in [40, 10, 30, 20] {
            assert!(seen.insert(key(at, "x")));
        }
        assert_eq!(seen.covers_from(), Nanos(11));
        assert!(!seen.insert(key(20, "x")), "what is covered is still known");
        assert!(seen.insert(key(9, "x")), "what is not may be told");
        assert!(!seen.insert(key(40, "x")));
    }
}
