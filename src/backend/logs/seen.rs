//! Which lines were told already: tails re-read stretches of time at every seam, and tell each line once.

use std::collections::{BTreeMap, HashMap};
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

/// What a server makes of lines of one moment, stream and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twins {
    /// It keeps one.
    Dropped,
    /// It keeps all of them: they are told as often as any one reading told them.
    Kept,
}

/// How often a line was told.
#[derive(Debug, Clone, Copy, Default)]
struct Copies {
    told: u32,
    /// By the connection of this number alone.
    live: u32,
    connection: u32,
}

/// Lines of one page, counted: a page never parts lines of one moment.
#[derive(Debug, Default)]
pub(super) struct Counted(HashMap<LineKey, u32>);

/// The newest lines that were told.
#[derive(Debug)]
pub(super) struct Seen {
    keys: BTreeMap<LineKey, Copies>,
    /// Keys up to this moment were forgotten.
    floor: i64,
    capacity: usize,
    twins: Twins,
    /// The number of the connection that is read.
    connection: u32,
}

impl Seen {
    /// Nothing yet.
    pub(super) fn new(twins: Twins) -> Self {
        Self::with_capacity(CAPACITY, twins)
    }

    fn with_capacity(capacity: usize, twins: Twins) -> Self {
        Self {
            keys: BTreeMap::new(),
            floor: i64::MIN,
            capacity,
            twins,
            connection: 0,
        }
    }

    /// Another connection begins: it may tell again what the one before told.
    pub(super) fn connected(&mut self) {
        self.connection = self.connection.wrapping_add(1);
    }

    /// Takes a line of a connection; whether it is new. What is older than all that is remembered counts as new.
    pub(super) fn live(&mut self, key: LineKey) -> bool {
        let connection = self.connection;
        let nth = self.keys.get_mut(&key).map_or(1, |copies| {
            if copies.connection != connection {
                (copies.live, copies.connection) = (0, connection);
            }
            copies.live += 1;
            copies.live
        });
        self.take(
            key,
            nth,
            Copies {
                told: 0,
                live: 1,
                connection,
            },
        )
    }

    /// Takes a line of a page, in the same way.
    pub(super) fn paged(&mut self, key: LineKey, counted: &mut Counted) -> bool {
        let nth = counted.0.entry(key).or_default();
        *nth += 1;
        let none = Copies {
            connection: self.connection,
            ..Copies::default()
        };
        self.take(key, *nth, none)
    }

    fn take(&mut self, key: LineKey, nth: u32, first: Copies) -> bool {
        if key.at <= self.floor {
            return true;
        }
        let nth = match self.twins {
            Twins::Dropped => 1,
            Twins::Kept => nth,
        };
        let copies = self.keys.entry(key).or_insert(first);
        if nth <= copies.told {
            return false;
        }
        copies.told = nth;
        if self.keys.len() > self.capacity
            && let Some((oldest, _)) = self.keys.pop_first()
        {
            self.floor = oldest.at;
        }
        true
    }

    /// From where on no more than so many lines were told.
    pub(super) fn newest_from(&self, lines: usize) -> Nanos {
        let before = self.keys.keys().rev().nth(lines);
        before.map_or(Nanos(i64::MIN), |key| Nanos(key.at.saturating_add(1)))
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
        let mut seen = Seen::new(Twins::Dropped);
        assert!(seen.live(key(5, "a")));
        assert!(!seen.live(key(5, "a")));
        assert!(!seen.paged(key(5, "a"), &mut Counted::default()));
        assert!(seen.live(key(5, "b")));
        assert!(seen.live(LineKey::new(Nanos(5), 8, "a")));
        assert!(seen.live(key(6, "a")));
    }

    #[test]
    fn lines_that_are_alike_are_told_as_often_as_one_reading_told_them() {
        let mut seen = Seen::new(Twins::Kept);
        let live = |seen: &mut Seen, times: usize| (0..times).filter(|_| seen.live(key(5, "a"))).count();
        let paged = |seen: &mut Seen, times: usize| {
            let mut counted = Counted::default();
            (0..times)
                .filter(|_| seen.paged(key(5, "a"), &mut counted))
                .count()
        };
        assert_eq!(live(&mut seen, 3), 3);
        assert_eq!(paged(&mut seen, 3), 0, "the same three");
        assert_eq!(paged(&mut seen, 5), 2);
        assert_eq!(
            live(&mut seen, 1),
            0,
            "the fourth of the connection: a page told it"
        );
        seen.connected();
        assert_eq!(live(&mut seen, 6), 1, "all told again, and one that is new");
        assert_eq!(paged(&mut seen, 6), 0);
    }

    #[test]
    fn it_is_known_from_where_on_so_many_lines_were_told() {
        let mut seen = Seen::new(Twins::Kept);
        for at in [40, 10, 30, 20] {
            seen.live(key(at, "x"));
        }
        assert_eq!(seen.newest_from(2), Nanos(21));
        assert_eq!(seen.newest_from(4), Nanos(i64::MIN));
    }

    #[test]
    fn the_oldest_are_forgotten_and_what_is_covered_moves_up_with_them() {
        let mut seen = Seen::with_capacity(3, Twins::Dropped);
        assert_eq!(seen.covers_from(), Nanos(i64::MIN + 1));
        for at in [40, 10, 30, 20] {
            assert!(seen.live(key(at, "x")));
        }
        assert_eq!(seen.covers_from(), Nanos(11));
        assert!(!seen.live(key(20, "x")), "what is covered is still known");
        assert!(seen.live(key(9, "x")), "what is not may be told");
        assert!(!seen.live(key(40, "x")));
    }
}
