//! Where two readings of the same stretch meet: the tail begins before the first page ends, gaps are read while the
//! tail still tries them. Each line is kept once, and as often as any one reading told it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::log::{Batch, Nanos, Stream};
use crate::logstore::{Entry, Snapshot, Told};

/// Copies that are remembered: at most some 10 MiB.
const CAPACITY: usize = 200_000;
/// Lines in hand that one page is held against; it has no more itself, unless a source told the same times anew.
const MOST: usize = 200_000;

/// From the first to the last line of one entry.
const WITHIN: Duration = Duration::from_secs(10);

/// What tells a line from another: its moment, and a hash of its stream and its text.
type Key = (i64, u64);

/// Copies of lines that were read and that the tail may tell once more.
#[derive(Debug, Default)]
pub(super) struct Seam {
    owed: BTreeMap<Key, u32>,
}

impl Seam {
    /// Leaves those lines of a page that are not in hand yet; the tail, which tells what is of `tail` and later, is
    /// then expected to tell them again. Lines that no source gives a time are left: their place parts them.
    pub(super) fn page(&mut self, batch: &mut Batch, snapshot: &Snapshot, tail: Nanos) {
        let mut names = Names::default();
        let mut keys: Vec<Option<Key>> = Vec::with_capacity(batch.lines.len());
        for line in &batch.lines {
            let stream = batch.streams.get(line.stream as usize);
            let key = line
                .at
                .zip(stream)
                .map(|(at, stream)| (at.0, names.hash(stream, batch.text(line))));
            keys.push(key);
        }
        let mut held: HashMap<Key, u32> = keys.iter().flatten().map(|key| (*key, 0)).collect();
        let (Some(first), Some(last)) = (
            held.keys().map(|(at, _)| *at).min(),
            held.keys().map(|(at, _)| *at).max(),
        ) else {
            return;
        };
        for_each_key(snapshot, (Nanos(first), Nanos(last)), &mut names, |key| {
            if let Some(count) = held.get_mut(&key) {
                *count += 1;
            }
        });
        let mut keys = keys.into_iter();
        batch.lines.retain(|_| {
            let Some(key) = keys.next().flatten() else {
                return true;
            };
            match held.get_mut(&key) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                Some(_) | None => {
                    if key.0 >= tail.0 {
                        *self.owed.entry(key).or_default() += 1;
                    }
                    true
                }
            }
        });
        self.bound();
    }

    /// The tail begins anew and tells what is in hand from this moment on once more.
    pub(super) fn again(&mut self, snapshot: &Snapshot, from: Nanos) {
        self.owed.clear();
        let owed = &mut self.owed;
        for_each_key(snapshot, (from, Nanos(i64::MAX)), &mut Names::default(), |key| {
            *owed.entry(key).or_default() += 1;
        });
        self.bound();
    }

    /// Leaves those lines of the tail that were not read before it told them.
    pub(super) fn tail(&mut self, batch: &mut Batch) {
        if self.owed.is_empty() {
            return;
        }
        let mut names = Names::default();
        let mut lines = std::mem::take(&mut batch.lines);
        lines.retain(|line| {
            let stream = batch.streams.get(line.stream as usize);
            let Some((at, stream)) = line.at.zip(stream) else {
                return true;
            };
            let key = (at.0, names.hash(stream, batch.text(line)));
            let Some(count) = self.owed.get_mut(&key) else {
                return true;
            };
            *count -= 1;
            if *count == 0 {
                self.owed.remove(&key);
            }
            false
        });
        batch.lines = lines;
    }

    fn bound(&mut self) {
        while self.owed.len() > CAPACITY {
            self.owed.pop_first();
        }
    }
}

/// Hashes of streams, each made once.
#[derive(Default)]
struct Names(HashMap<*const Stream, u64>);

impl Names {
    fn hash(&mut self, stream: &Arc<Stream>, text: &[u8]) -> u64 {
        let name = *self.0.entry(Arc::as_ptr(stream)).or_insert_with(|| {
            let mut hasher = DefaultHasher::new();
            (&stream.labels, &stream.native_id).hash(&mut hasher);
            hasher.finish()
        });
        let mut hasher = DefaultHasher::new();
        (name, text).hash(&mut hasher);
        hasher.finish()
    }
}

fn for_each_key(
    snapshot: &Snapshot,
    (from, to): (Nanos, Nanos),
    names: &mut Names,
    mut each: impl FnMut(Key),
) {
    let first = snapshot.seek(from);
    // an entry of several lines stands where its first is; all lines before this moment would be far too many to look at
    let begun = snapshot.joined(snapshot.seek(from.minus(WITHIN)), first);
    let within = (first..snapshot.len())
        .take(MOST)
        .map_while(|position| snapshot.entry_at(position));
    for entry in begun.chain(within.take_while(|entry| entry.at <= to)) {
        if entry.told == Told::Source {
            let parts = entry.parts();
            for (at, line) in Entry::lines(&parts, &entry.text).filter(|(at, _)| *at >= from) {
                each((at.0, names.hash(entry.stream, line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::Level;
    use crate::logstore::{Limits, Store};

    fn batch(lines: &[(i64, &str)]) -> Batch {
        let mut batch = Batch {
            streams: vec![Arc::default()],
            ..Batch::default()
        };
        for (at, text) in lines {
            batch.push(Some(Nanos(*at)), 0, Level::Info, text.as_bytes(), b"");
        }
        batch
    }

    fn texts(batch: &Batch) -> Vec<&str> {
        let text = |line| std::str::from_utf8(batch.text(line)).unwrap();
        batch.lines.iter().map(text).collect()
    }

    #[test]
    fn a_line_that_both_readings_tell_is_kept_once_whoever_is_first() {
        let mut store = Store::new(Limits::default());
        let mut seam = Seam::default();
        store.ingest(&batch(&[(5, "told first"), (6, "and this")]));
        let mut page = batch(&[(4, "old"), (5, "told first"), (6, "and this"), (7, "read first")]);
        seam.page(&mut page, &store.snapshot(), Nanos(5));
        assert_eq!(texts(&page), ["old", "read first"]);
        let mut late = batch(&[(7, "read first"), (8, "new")]);
        seam.tail(&mut late);
        assert_eq!(texts(&late), ["new"]);
        let mut twin = batch(&[(7, "read first")]);
        seam.tail(&mut twin);
        assert_eq!(
            texts(&twin),
            ["read first"],
            "the same words once more are another line"
        );
    }

    #[test]
    fn equal_lines_of_one_moment_are_kept_as_often_as_one_reading_told_them() {
        let mut store = Store::new(Limits::default());
        let mut seam = Seam::default();
        store.ingest(&batch(&[(5, "x")]));
        let mut page = batch(&[(5, "x"), (5, "x"), (5, "x")]);
        seam.page(&mut page, &store.snapshot(), Nanos(0));
        assert_eq!(page.lines.len(), 2, "one was in hand");
        let mut tail = batch(&[(5, "x"), (5, "x"), (5, "x")]);
        seam.tail(&mut tail);
        assert_eq!(tail.lines.len(), 1, "two were read before");
    }

    #[test]
    fn what_is_older_than_the_tail_is_not_waited_for_and_a_tail_begun_anew_repeats_what_is_in_hand() {
        let mut store = Store::new(Limits::default());
        let mut seam = Seam::default();
        seam.page(&mut batch(&[(3, "old")]), &store.snapshot(), Nanos(5));
        assert!(seam.owed.is_empty());
        store.ingest(&batch(&[(3, "old"), (9, "kept")]));
        seam.again(&store.snapshot(), Nanos(5));
        let mut tail = batch(&[(9, "kept"), (9, "more")]);
        seam.tail(&mut tail);
        assert_eq!(texts(&tail), ["more"]);
    }

    #[test]
    fn lines_that_no_source_gives_a_time_are_never_taken_for_others() {
        let mut store = Store::new(Limits::default());
        let mut plain = batch(&[]);
        plain.push(None, 0, Level::Unknown, b"retrying", b"");
        store.ingest(&plain);
        let mut seam = Seam::default();
        let mut page = plain.clone();
        seam.page(&mut page, &store.snapshot(), Nanos(0));
        seam.tail(&mut plain);
        assert_eq!((page.lines.len(), plain.lines.len()), (1, 1));
    }

    #[test]
    fn lines_that_became_part_of_an_entry_are_known_when_they_are_told_again() {
        let mut store = Store::new(Limits::default());
        let mut seam = Seam::default();
        let trace = [
            (5, "ERROR boom"),
            (6, "java.lang.X: y"),
            (7, "\tat a"),
            (8, "\tat b"),
        ];
        store.ingest(&batch(&trace));
        assert_eq!(store.snapshot().len(), 1);
        let mut page = batch(&trace[1..]);
        page.push(Some(Nanos(9)), 0, Level::Unknown, b"\tat c", b"");
        seam.page(&mut page, &store.snapshot(), Nanos(100));
        assert_eq!(texts(&page), ["\tat c"], "only what is new");
        seam.again(&store.snapshot(), Nanos(7));
        let mut tail = batch(&[(7, "\tat a"), (8, "\tat b"), (9, "\tat c")]);
        seam.tail(&mut tail);
        assert_eq!(texts(&tail), ["\tat c"]);
    }

    #[test]
    fn lines_in_hand_are_known_however_many_there_were_just_before_them() {
        // far more within the time that an entry may span than are looked at
        let flood: Vec<(i64, String)> = (0..250_000_i64)
            .map(|n| (n * 20_000, format!("line {n}")))
            .collect();
        let lines: Vec<(i64, &str)> = flood.iter().map(|(at, text)| (*at, &**text)).collect();
        let mut store = Store::new(Limits::default());
        store.ingest(&batch(&lines));
        let mut seam = Seam::default();
        let last = &lines[lines.len() - 10..];
        let mut page = batch(last);
        seam.page(&mut page, &store.snapshot(), Nanos(i64::MAX));
        assert_eq!(texts(&page), [""; 0], "a page");
        seam.again(&store.snapshot(), Nanos(last[0].0));
        let mut tail = batch(last);
        seam.tail(&mut tail);
        assert_eq!(texts(&tail), [""; 0], "a tail that begins anew");
    }
}
