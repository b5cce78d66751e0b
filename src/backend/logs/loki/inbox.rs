//! What was read from the socket and not yet told: bounded, and its reader never waits.
//!
//! The server drops lines of a client that reads slowly, silently beyond a thousand. So the socket is read whatever
//! the console does; what finds no room here is a stretch of time that is asked for again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::socket::End;
use super::wire::Dropped;
use crate::backend::logs::entry::Entry;
use crate::backend::logs::follow::Arriving;

/// Bytes of lines that wait at most, unless said.
pub(super) const ROOM: usize = 8 * 1024 * 1024;
/// Lines that are told at once.
const TOGETHER: usize = 4_096;

/// What is next to tell.
#[derive(Debug)]
pub(super) enum Item {
    /// Lines, as they came.
    Lines(Vec<Entry>),
    /// The server dropped lines.
    Dropped(Dropped),
    /// A frame did not read: what was in it is lost.
    Garbled(String),
    /// The socket was exchanged for a new one: what lies around now is read again.
    Renewed,
    /// Lines found no room here.
    Missed(Dropped),
    /// Nothing more comes.
    End(End),
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    weight: usize,
    missed: Option<Dropped>,
    end: Option<End>,
}

impl State {
    /// Lines that are next, some of them together.
    fn take_lines(&mut self) -> Vec<Entry> {
        let mut together: Vec<Entry> = Vec::new();
        while let Some(Item::Lines(_)) = self.items.front()
            && together.len() < TOGETHER
            && let Some(Item::Lines(entries)) = self.items.pop_front()
        {
            self.weight -= entries.iter().map(Entry::weight).sum::<usize>();
            together.extend(entries);
        }
        together
    }
}

/// Between the reader of the socket and whoever tells its lines.
#[derive(Debug)]
pub(super) struct Inbox {
    state: Mutex<State>,
    news: Notify,
    capacity: usize,
}

impl Inbox {
    /// With room for so many bytes of lines.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            news: Notify::new(),
            capacity,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes lines, or remembers when they were where there is no room.
    pub(super) fn lines(&self, entries: Vec<Entry>) {
        let times = || entries.iter().map(|entry| entry.at);
        let (Some(oldest), Some(newest)) = (times().min(), times().max()) else {
            return;
        };
        let weight = entries.iter().map(Entry::weight).sum::<usize>();
        let mut state = self.state();
        if state.weight > 0 && state.weight + weight > self.capacity {
            let more = Dropped {
                count: entries.len() as u64,
                oldest,
                newest,
            };
            state.missed = Some(state.missed.map_or(more, |before| before.and(more)));
        } else {
            state.weight += weight;
            state.items.push_back(Item::Lines(entries));
        }
        drop(state);
        self.news.notify_one();
    }

    /// Takes anything else. What says the same as the item before it becomes one with it, so that a server that
    /// drops lines without end, or sends nothing that reads, fills no memory.
    pub(super) fn push(&self, item: Item) {
        let mut state = self.state();
        match (state.items.back_mut(), item) {
            (Some(Item::Dropped(last)), Item::Dropped(next)) => *last = last.and(next),
            (Some(Item::Garbled(last)), Item::Garbled(next)) => *last = next,
            (Some(Item::Renewed), Item::Renewed) => {}
            (_, item) => state.items.push_back(item),
        }
        drop(state);
        self.news.notify_one();
    }

    /// Nothing more comes.
    pub(super) fn end(&self, end: End) {
        self.state().end = Some(end);
        self.news.notify_one();
    }

    /// Waits for what is next: lines together where many wait, what was missed behind them, the end last.
    pub(super) async fn next(&self) -> Item {
        loop {
            if let Some(item) = self.take() {
                return item;
            }
            self.news.notified().await;
        }
    }

    /// Whether half of the room is taken: time to tell some of it.
    pub(super) fn is_pressing(&self) -> bool {
        self.state().weight > self.capacity / 2
    }

    /// Lines that are next, where room gets short. What stands before them is told first: they wait for it.
    fn take_pressing(&self) -> Option<Vec<Entry>> {
        let mut state = self.state();
        let lines = if state.weight > self.capacity / 2 {
            state.take_lines()
        } else {
            Vec::new()
        };
        (!lines.is_empty()).then_some(lines)
    }

    fn take(&self) -> Option<Item> {
        let mut state = self.state();
        let together = state.take_lines();
        if !together.is_empty() {
            return Some(Item::Lines(together));
        }
        let item = state.items.pop_front();
        let item = item.or_else(|| state.missed.take().map(Item::Missed));
        item.or_else(|| state.end.take().map(Item::End))
    }
}

impl Arriving for Inbox {
    fn pressing(&self) -> BoxFuture<'_, Vec<Entry>> {
        Box::pin(async move {
            loop {
                if let Some(lines) = self.take_pressing() {
                    return lines;
                }
                self.news.notified().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::logs::seen::LineKey;
    use crate::domain::log::Nanos;
    use crate::domain::log::{Level, Stream};

    fn entry(at: i64) -> Entry {
        Entry {
            at: Nanos(at),
            stream: Arc::new(Stream::default()),
            level: Level::Unknown,
            text: "x".repeat(100),
            extra: String::new(),
            key: LineKey::new(Nanos(at), 0, "x"),
        }
    }

    fn next(inbox: &Inbox) -> Item {
        futures::executor::block_on(inbox.next())
    }

    #[test]
    fn what_finds_no_room_is_told_as_a_stretch_behind_the_lines_and_before_the_end() {
        let inbox = Inbox::with_capacity(3 * entry(0).weight());
        for at in 1..=6 {
            inbox.lines(vec![entry(at)]);
        }
        inbox.end(End::Silent);
        assert!(matches!(next(&inbox), Item::Lines(lines) if lines.len() == 3));
        let Item::Missed(missed) = next(&inbox) else {
            panic!()
        };
        assert_eq!(
            (missed.count, missed.oldest, missed.newest),
            (3, Nanos(4), Nanos(6))
        );
        assert!(matches!(next(&inbox), Item::End(End::Silent)));
    }

    #[test]
    fn lines_press_when_half_of_the_room_is_taken_and_stay_behind_what_stands_before_them() {
        use futures::FutureExt as _;

        let inbox = Inbox::with_capacity(4 * entry(0).weight());
        inbox.lines(vec![entry(1), entry(2)]);
        assert!(!inbox.is_pressing());
        assert!(inbox.pressing().now_or_never().is_none(), "there is room");
        inbox.lines(vec![entry(3)]);
        assert!(inbox.is_pressing());
        let lines = inbox.pressing().now_or_never();
        assert_eq!(lines.map(|lines| lines.len()), Some(3));
        inbox.push(Item::Renewed);
        inbox.lines(vec![entry(4), entry(5), entry(6)]);
        assert!(
            inbox.pressing().now_or_never().is_none(),
            "the seam stands before them"
        );
        assert!(matches!(next(&inbox), Item::Renewed));
        assert!(inbox.pressing().now_or_never().is_some());
    }

    #[test]
    fn what_a_server_says_again_and_again_is_held_once() {
        let inbox = Inbox::with_capacity(3 * entry(0).weight());
        for at in 0..1_000 {
            inbox.push(Item::Dropped(Dropped {
                count: 2,
                oldest: Nanos(at),
                newest: Nanos(at + 5),
            }));
        }
        for _ in 0..1_000 {
            inbox.push(Item::Garbled("no JSON".to_owned()));
            inbox.push(Item::Garbled("still no JSON".to_owned()));
        }
        assert_eq!(inbox.state().items.len(), 2);
        let Item::Dropped(dropped) = next(&inbox) else {
            panic!()
        };
        assert_eq!(
            (dropped.count, dropped.oldest, dropped.newest),
            (2_000, Nanos(0), Nanos(1_004))
        );
        assert!(matches!(next(&inbox), Item::Garbled(why) if why == "still no JSON"));
    }

    #[test]
    fn a_frame_that_is_larger_than_all_room_still_passes_alone() {
        let inbox = Inbox::with_capacity(10);
        inbox.lines(vec![entry(1), entry(2)]);
        assert!(matches!(next(&inbox), Item::Lines(lines) if lines.len() == 2));
        inbox.lines(Vec::new());
        inbox.push(Item::Renewed);
        assert!(matches!(next(&inbox), Item::Renewed));
    }
}
