//! Entries out of lines: what a source delivers line by line, a stack trace above all, is told as the console shows
//! it, as one. Joined is what was read, by the store's rules ([`crate::logstore::join`]); here lines wait where what
//! they belong to may still come: [`Older`] for the page before, [`Newest`] for the next line of a tail. Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::backend::logs::More;
use crate::domain::log::joint::may_continue;
use crate::domain::log::{Batch, Line};
use crate::logstore::join;
use crate::time::Tick;

/// Lines that wait at most: an entry has no more.
const MOST: usize = 1_000;
/// A followed line that nothing came behind is told after so long.
const HOLD: Duration = Duration::from_millis(300);

/// Pages, the newest first: lines at the begin of one may belong to the last entry of the next.
#[derive(Debug, Default)]
pub struct Older {
    waiting: Batch,
    /// Lines were told with an older page than they came with.
    pub moved: bool,
}

impl Older {
    /// The entries of the next page, oldest first, and of what newer pages left to it.
    pub fn entries(&mut self, page: Batch, more: More) -> Batch {
        let newer = std::mem::take(&mut self.waiting);
        self.moved |= !newer.is_empty();
        let mut batch = followed_by(page, &newer);
        if more == More::Yes {
            let mut begun = HashSet::new();
            let waits: Vec<bool> = batch
                .lines
                .iter()
                .map(|line| {
                    if begins(&batch, line) {
                        begun.insert(line.stream);
                    }
                    !begun.contains(&line.stream)
                })
                .collect();
            let count = waits.iter().filter(|waits| **waits).count();
            if (1..=MOST).contains(&count) {
                (self.waiting, batch) = parted(&batch, &waits);
            }
        }
        join(&batch).unwrap_or(batch)
    }

    /// What waited for a page that does not come.
    pub fn rest(&mut self) -> Batch {
        self.entries(Batch::default(), More::No)
    }
}

/// A tail: the last entry of each stream may go on.
#[derive(Debug, Default)]
pub struct Newest {
    held: Batch,
    /// When each of its lines came.
    came: Vec<Tick>,
}

impl Newest {
    /// Takes what came; the entries that are whole by now.
    pub fn take(&mut self, batch: Batch, now: Tick) -> Batch {
        // what is cut into entries where it is read waits for nothing
        if self.held.is_empty() && batch.lines.iter().all(|line| line.at.is_none()) {
            return batch;
        }
        let had = self.held.lines.len();
        self.came.resize(had + batch.lines.len(), now);
        self.held = followed_by(std::mem::take(&mut self.held), &batch);
        self.ready(now)
    }

    /// The entries that are whole by now: another began behind them, or nothing came for a while.
    pub fn ready(&mut self, now: Tick) -> Batch {
        let mut open = self.open(now);
        if open.iter().filter(|open| **open).count() > MOST {
            open.fill(false);
        }
        self.told(&open)
    }

    /// All there is.
    pub fn rest(&mut self) -> Batch {
        let none = vec![false; self.held.lines.len()];
        self.told(&none)
    }

    /// When something that waits now is told, whatever comes.
    pub fn due(&self) -> Option<Tick> {
        self.last_of_streams().values().min().map(|last| *last + HOLD)
    }

    fn last_of_streams(&self) -> HashMap<u32, Tick> {
        let lines = self.held.lines.iter().zip(&self.came);
        lines.map(|(line, came)| (line.stream, *came)).collect()
    }

    /// Which lines may be of an entry that goes on.
    fn open(&self, now: Tick) -> Vec<bool> {
        let last = self.last_of_streams();
        let mut ended: HashSet<u32> = last
            .into_iter()
            .filter(|(_, last)| now.since(*last) >= HOLD)
            .map(|(stream, _)| stream)
            .collect();
        let mut open: Vec<bool> = self
            .held
            .lines
            .iter()
            .rev()
            .map(|line| {
                let open = !ended.contains(&line.stream);
                if begins(&self.held, line) {
                    ended.insert(line.stream);
                }
                open
            })
            .collect();
        open.reverse();
        open
    }

    fn told(&mut self, open: &[bool]) -> Batch {
        if open.iter().all(|open| *open) {
            return Batch::default();
        }
        let (held, whole) = parted(&self.held, open);
        let came = open.iter().zip(std::mem::take(&mut self.came));
        self.came = came.filter(|(open, _)| **open).map(|(_, came)| came).collect();
        // streams that nothing is held of are forgotten
        self.held = if held.is_empty() { Batch::default() } else { held };
        join(&whole).unwrap_or(whole)
    }
}

/// Whether a line begins an entry, whatever stands before it.
fn begins(batch: &Batch, line: &Line) -> bool {
    let text = batch.text(line);
    line.at.is_none() || !(text.trim_ascii().is_empty() || may_continue(text))
}

/// Both, one behind the other.
fn followed_by(mut batch: Batch, behind: &Batch) -> Batch {
    if behind.is_empty() {
        return batch;
    }
    let mut places = Vec::with_capacity(behind.streams.len());
    for stream in &behind.streams {
        let known = batch.streams.iter().position(|known| known == stream);
        places.push(known.unwrap_or_else(|| {
            batch.streams.push(stream.clone());
            batch.streams.len() - 1
        }));
    }
    for line in &behind.lines {
        let stream = places.get(line.stream as usize).copied().unwrap_or_default();
        let stream = u32::try_from(stream).unwrap_or_default();
        batch.push(line.at, stream, line.level, behind.text(line), behind.extra(line));
    }
    batch
}

/// The lines that are marked, and the others.
fn parted(batch: &Batch, marked: &[bool]) -> (Batch, Batch) {
    let empty = || Batch {
        streams: batch.streams.clone(),
        ..Batch::default()
    };
    let (mut of, mut others) = (empty(), empty());
    for (line, marked) in batch.lines.iter().zip(marked) {
        let part = if *marked { &mut of } else { &mut others };
        part.push(
            line.at,
            line.stream,
            line.level,
            batch.text(line),
            batch.extra(line),
        );
    }
    (of, others)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::log::{Level, Nanos, Stream};

    const TRACE: [&str; 4] = [
        "ERROR charge failed",
        "java.io.Z: refused",
        "\tat a.B",
        "\tat c.D",
    ];

    /// Lines of two streams, a millisecond apart.
    fn batch(lines: &[(i64, u32, &str)]) -> Batch {
        let stream = |pod: &str| {
            Arc::new(Stream {
                labels: vec![("pod".into(), pod.into())],
                ..Stream::default()
            })
        };
        let mut batch = Batch {
            streams: vec![stream("a"), stream("b")],
            ..Batch::default()
        };
        for (at, stream, text) in lines {
            let at = Some(Nanos(at * 1_000_000));
            batch.push(at, *stream, Level::Unknown, text.as_bytes(), b"");
        }
        batch
    }

    fn story() -> Vec<(i64, u32, &'static str)> {
        let mut lines = vec![(0, 0, "INFO before"), (1, 1, "INFO other")];
        lines.extend((2..).zip(TRACE).map(|(at, text)| (at, 0, text)));
        lines.extend([(7, 1, "WARN other"), (8, 0, "INFO after")]);
        lines
    }

    fn texts(batch: &Batch) -> Vec<String> {
        let texts = batch
            .lines
            .iter()
            .map(|line| String::from_utf8_lossy(batch.text(line)));
        texts.map(std::borrow::Cow::into_owned).collect()
    }

    #[test]
    fn a_trace_over_two_pages_is_one_entry_wherever_the_pages_are_cut() {
        let lines = story();
        for cut in 0..=lines.len() {
            let (older, newer) = lines.split_at(cut);
            let mut pages = Older::default();
            let mut told = texts(&pages.entries(batch(newer), More::Yes));
            told.extend(texts(&pages.entries(batch(older), More::No)));
            told.sort();
            let mut whole = vec!["INFO after", "INFO before", "INFO other", "WARN other"];
            let trace = TRACE.join("\n");
            whole.push(&trace);
            whole.sort_unstable();
            assert_eq!(told, whole, "cut at {cut}");
        }
    }

    #[test]
    fn what_waits_for_a_page_that_does_not_come_is_told_alone() {
        let mut pages = Older::default();
        let page = batch(&[(3, 0, "\tat a.B"), (4, 0, "\tat c.D"), (5, 0, "INFO after")]);
        assert_eq!(texts(&pages.entries(page, More::Yes)), ["INFO after"]);
        assert_eq!(texts(&pages.rest()), ["\tat a.B\n\tat c.D"]);
        assert!(pages.rest().is_empty());
    }

    #[test]
    fn a_followed_entry_is_told_when_the_next_begins_or_nothing_comes_for_a_while() {
        let mut tail = Newest::default();
        let start = Tick::from_secs(1);
        let mut told = Vec::new();
        for (at, line) in (0..).zip(story()) {
            let now = start + Duration::from_millis(at);
            told.extend(texts(&tail.take(batch(&[line]), now)));
        }
        assert_eq!(told, ["INFO before", "INFO other", &TRACE.join("\n")]);
        let due = tail.due().expect("something waits");
        assert_eq!(due, start + Duration::from_millis(6) + HOLD);
        assert_eq!(texts(&tail.ready(due)), ["WARN other"]);
        let due = tail.due().expect("something waits");
        assert_eq!(texts(&tail.ready(due)), ["INFO after"]);
        assert_eq!((tail.due(), tail.rest().is_empty()), (None, true));
    }

    #[test]
    fn lines_without_a_time_of_their_source_wait_for_nothing() {
        let mut plain = Batch::default();
        plain.streams.push(Arc::default());
        plain.push(None, 0, Level::Unknown, b"one\n  two", b"");
        let mut tail = Newest::default();
        assert_eq!(texts(&tail.take(plain, Tick::ZERO)), ["one\n  two"]);
        assert_eq!(tail.due(), None);
    }

    #[test]
    fn an_endless_trace_is_not_held_for_ever() {
        let lines: Vec<_> = (0..1_500).map(|at| (at, 0, "\tat a.B")).collect();
        let mut tail = Newest::default();
        let told = tail.take(batch(&lines), Tick::ZERO);
        let lines: usize = texts(&told).iter().map(|text| text.lines().count()).sum();
        assert_eq!((lines, tail.due()), (1_500, None));
    }
}
