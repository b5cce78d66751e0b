//! Marked lines. Another question fills another store, where the same line has another identity: it is known by its
//! time and what it says, and marked again where it is found. Pure.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::domain::log::Nanos;
use crate::logstore::{Entry, LineId, Snapshot};

/// Lines of one moment that are looked at for a mark.
const OF_A_MOMENT: usize = 1_000;

/// Marked lines: those in hand, and those that are not.
#[derive(Debug, Default)]
pub struct Bookmarks {
    marked: BTreeMap<LineId, Mark>,
    /// Marks whose line is not in hand.
    strayed: Vec<Mark>,
    /// How many of those were spoken of.
    said: usize,
    /// The store's state that they were looked for in last.
    looked: u64,
}

/// What a line is known by, whichever store holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: Nanos,
    /// A hash of its stream and its text.
    print: u64,
}

impl Mark {
    pub(super) fn of(entry: &Entry) -> Self {
        let mut hasher = DefaultHasher::new();
        (&entry.stream.labels, &entry.stream.native_id).hash(&mut hasher);
        entry.text.hash(&mut hasher);
        Self {
            at: entry.at,
            print: hasher.finish(),
        }
    }

    pub(super) fn find(self, snapshot: &Snapshot) -> Option<LineId> {
        let first = snapshot.seek(self.at);
        let moment = (first..snapshot.len())
            .take(OF_A_MOMENT)
            .map_while(|position| snapshot.entry_at(position));
        let mut moment = moment.take_while(|entry| entry.at == self.at);
        moment.find(|entry| Self::of(entry) == self).map(|entry| entry.id)
    }
}

impl Bookmarks {
    /// How many lines are marked, whether in hand or not.
    pub fn len(&self) -> usize {
        self.marked.len() + self.strayed.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a line is marked.
    pub fn contains(&self, id: LineId) -> bool {
        self.marked.contains_key(&id)
    }

    /// Marks a line.
    pub fn insert(&mut self, entry: &Entry) {
        self.marked.insert(entry.id, Mark::of(entry));
    }

    /// Takes a mark away; whether there was one.
    pub fn remove(&mut self, id: LineId) -> bool {
        self.marked.remove(&id).is_some()
    }

    /// Marked lines in hand.
    pub fn ids(&self) -> impl Iterator<Item = LineId> {
        self.marked.keys().copied()
    }

    /// Looks where the lines are now.
    pub fn settle(&mut self, snapshot: &Snapshot) {
        let strayed = &mut self.strayed;
        let before = strayed.len();
        self.marked.retain(|id, mark| {
            let is_here = snapshot.entry(*id).is_some_and(|entry| Mark::of(&entry) == *mark);
            if !is_here {
                strayed.push(*mark);
            }
            is_here
        });
        if before == strayed.len() && self.looked == snapshot.revision() {
            return;
        }
        self.looked = snapshot.revision();
        let marked = &mut self.marked;
        strayed.retain(|mark| match mark.find(snapshot) {
            Some(id) => {
                marked.insert(id, *mark);
                false
            }
            None => true,
        });
        self.said = self.said.min(strayed.len());
    }

    /// How many lines are not in hand of which that was not said yet; it is from now on.
    pub fn newly_strayed(&mut self) -> usize {
        let new = self.strayed.len() - self.said;
        self.said = self.strayed.len();
        new
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::log::{Batch, Level};
    use crate::logstore::{Limits, Store};

    fn store(lines: &[(i64, &str)]) -> Store {
        let mut batch = Batch {
            streams: vec![Arc::default()],
            ..Batch::default()
        };
        for (at, text) in lines {
            batch.push(Some(Nanos(*at)), 0, Level::Info, text.as_bytes(), b"");
        }
        let mut store = Store::new(Limits::default());
        store.ingest(&batch);
        store
    }

    #[test]
    fn a_mark_is_found_again_in_another_store_and_what_is_not_there_is_said_once() {
        let first = store(&[(1, "a"), (2, "b"), (2, "c"), (9, "gone")]).snapshot();
        let mut marks = Bookmarks::default();
        for position in [2, 3] {
            marks.insert(&first.entry_at(position).unwrap());
        }
        marks.settle(&first);
        assert_eq!(marks.newly_strayed(), 0);
        let mut other = store(&[(0, "x"), (1, "a"), (2, "y"), (2, "c")]);
        let second = other.snapshot();
        marks.settle(&second);
        let texts: Vec<_> = marks
            .ids()
            .map(|id| second.entry(id).unwrap().text.to_vec())
            .collect();
        assert_eq!((texts, marks.len()), (vec![b"c".to_vec()], 2));
        assert_eq!((marks.newly_strayed(), marks.newly_strayed()), (1, 0));
        other.gap(crate::domain::log::Gap {
            from: Nanos(3),
            to: Nanos(4),
            reason: crate::domain::log::GapReason::Unread,
        });
        marks.settle(&first);
        assert_eq!(
            (marks.ids().count(), marks.newly_strayed()),
            (2, 0),
            "both are back"
        );
        marks.settle(&second);
        assert_eq!(marks.newly_strayed(), 1, "gone once more");
    }
}
