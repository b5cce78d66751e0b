//! What of the open question was in front of its reader, and since when: an answer counts for nothing else.
//!
//! Keys wait in a queue while a link is slow, and arrive together. A yes that was typed before the question could be
//! read is none, nor is one of the key that asked it, which may still be held down: terminals do not tell repeats
//! apart. `update` follows which question is open, the loop says which frame of it has left ([`Attention::presented`]),
//! and `Attention::lacks` is what an answer is held against.

use std::time::Duration;

use ratatui::layout::Size;

use super::modal::{Confirm, ConfirmLine, Modal, Then};
use crate::keymap::Chord;
use crate::time::Tick;

/// A question has to be in sight this long before a yes counts. Simple reactions take a fifth of a second.
pub const LOOK: Duration = Duration::from_millis(300);

/// The part of a question's lines that a frame shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Of the terminal: at another size the lines are others.
    pub size: Size,
    /// The first line shown.
    pub first: usize,
    /// Rows for them.
    pub rows: usize,
    /// Lines shown: a row less where the last one says that there are more.
    pub shown: usize,
    /// Lines there are.
    pub total: usize,
}

/// What a frame showed: of which question, and which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    question: u64,
    window: Window,
}

/// Why an answer does not count yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacks {
    /// It was not in sight, or not long enough.
    Look,
    /// Not all of its lines were.
    Rest,
    /// The key is the one that asked it.
    OtherKey,
}

/// What of a question was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    size: Size,
    /// Since when some of it is.
    since: Tick,
    /// Lines from the first on, without a gap.
    until: usize,
    /// Since when all of it was.
    whole: Option<Tick>,
}

/// Which question is open, and what of it was seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attention {
    /// Questions so far: the number of the open one.
    question: u64,
    /// What the open one asks.
    of: Option<(String, Vec<ConfirmLine>, Then)>,
    /// The key that it was asked by.
    asked_by: Option<Chord>,
    seen: Option<Seen>,
}

impl Attention {
    /// After every message: what is open now, and the key that was pressed, where one was.
    pub(super) fn follow(&mut self, modal: Option<&Modal>, key: Option<Chord>) {
        let open = match modal {
            Some(Modal::Confirm(open)) => Some(open),
            _ => None,
        };
        let same = match (open, &self.of) {
            (Some(open), Some((title, lines, then))) => {
                open.title == *title && open.lines == *lines && open.then == *then
            }
            (None, None) => true,
            _ => false,
        };
        if !same {
            *self = Self {
                question: self.question + 1,
                of: open.map(|open| (open.title.clone(), open.lines.clone(), open.then.clone())),
                asked_by: key,
                seen: None,
            };
        }
    }

    /// What a frame shows of the open question.
    pub fn drawn(&self, window: Window) -> Drawn {
        Drawn {
            question: self.question,
            window,
        }
    }

    /// A frame has left for the terminal, at this tick. One of a question that is answered by now says nothing.
    pub fn presented(&mut self, drawn: Drawn, at: Tick) {
        let Drawn { question, window } = drawn;
        if question != self.question || self.of.is_none() {
            return;
        }
        let mut seen = self.seen.filter(|seen| seen.size == window.size).unwrap_or(Seen {
            size: window.size,
            since: at,
            until: 0,
            whole: None,
        });
        if window.first <= seen.until {
            seen.until = seen.until.max(window.first + window.shown);
        }
        if seen.until >= window.total && seen.whole.is_none() {
            seen.whole = Some(at);
        }
        self.seen = Some(seen);
    }

    /// The terminal was somebody else's meanwhile.
    pub fn out_of_sight(&mut self) {
        self.seen = None;
    }

    /// What is missing for a yes by this key to count now; `size` is the terminal's. A question that is answered by a
    /// typed word is never answered by the key that asked it alone.
    pub(super) fn lacks(&self, open: &Confirm, key: Chord, size: Size, now: Tick) -> Option<Lacks> {
        let long_enough = |since: Tick| now.since(since) >= LOOK;
        if open.typed.is_empty() && self.asked_by == Some(key) {
            return Some(Lacks::OtherKey);
        }
        let Some(seen) = self
            .seen
            .filter(|seen| seen.size == size && long_enough(seen.since))
        else {
            return Some(Lacks::Look);
        };
        match (&open.then, seen.whole) {
            (Then::Run(_) | Then::Rehearsed(_), None) => Some(Lacks::Rest),
            (Then::Run(_) | Then::Rehearsed(_), Some(since)) if !long_enough(since) => Some(Lacks::Look),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crossterm::event::{KeyCode, KeyEvent};

    use super::*;

    fn question(title: &str) -> Modal {
        Modal::Confirm(Confirm {
            title: title.to_owned(),
            lines: Vec::new(),
            typed: Vec::new(),
            then: Then::SwitchContext("b".to_owned()),
            hits: BTreeSet::new(),
            scroll: 0,
        })
    }

    fn chord(c: char) -> Chord {
        Chord::from(KeyEvent::from(KeyCode::Char(c)))
    }

    fn at(milliseconds: u64) -> Tick {
        Tick(Duration::from_millis(milliseconds))
    }

    const SIZE: Size = Size {
        width: 80,
        height: 24,
    };

    fn window(first: usize, shown: usize, total: usize) -> Window {
        Window {
            size: SIZE,
            first,
            rows: shown,
            shown,
            total,
        }
    }

    fn lacks(attention: &Attention, modal: &Modal, key: char, now: Tick) -> Option<Lacks> {
        let Modal::Confirm(open) = modal else {
            unreachable!()
        };
        attention.lacks(open, chord(key), SIZE, now)
    }

    #[test]
    fn a_yes_counts_once_the_question_was_in_sight_long_enough() {
        let asked = question("a");
        let mut attention = Attention::default();
        attention.follow(Some(&asked), Some(chord('c')));
        assert_eq!(lacks(&attention, &asked, 'y', at(9_000)), Some(Lacks::Look));
        let frame = attention.drawn(window(0, 1, 1));
        attention.presented(frame, at(1_000));
        // Drawn again: it is in sight since the first time.
        attention.presented(frame, at(1_200));
        assert_eq!(lacks(&attention, &asked, 'y', at(1_299)), Some(Lacks::Look));
        assert_eq!(lacks(&attention, &asked, 'y', at(1_300)), None);
        assert_eq!(lacks(&attention, &asked, 'c', at(9_000)), Some(Lacks::OtherKey));
        let Modal::Confirm(open) = &asked else {
            unreachable!()
        };
        let wider = Size { width: 81, ..SIZE };
        assert_eq!(
            attention.lacks(open, chord('y'), wider, at(9_000)),
            Some(Lacks::Look),
            "at another size it was not seen"
        );
        attention.out_of_sight();
        assert_eq!(lacks(&attention, &asked, 'y', at(9_000)), Some(Lacks::Look));
    }

    #[test]
    fn a_frame_of_an_earlier_question_says_nothing_of_a_later_one() {
        let (first, second) = (question("a"), question("b"));
        let mut attention = Attention::default();
        attention.follow(Some(&first), None);
        let frame = attention.drawn(window(0, 1, 1));
        attention.presented(frame, at(0));
        attention.follow(Some(&second), None);
        attention.presented(frame, at(0));
        assert_eq!(lacks(&attention, &second, 'y', at(9_000)), Some(Lacks::Look));
        // Closed, and asked in the same words again.
        attention.follow(None, None);
        attention.follow(Some(&first), None);
        attention.presented(frame, at(0));
        assert_eq!(lacks(&attention, &first, 'y', at(9_000)), Some(Lacks::Look));
    }

    #[test]
    fn lines_that_were_scrolled_past_unseen_are_not_seen() {
        let asked = question("a");
        let mut attention = Attention::default();
        attention.follow(Some(&asked), None);
        for (first, whole) in [(0, false), (8, false), (3, false), (6, true)] {
            attention.presented(attention.drawn(window(first, 4, 10)), at(0));
            let seen = attention.seen.and_then(|seen| seen.whole).is_some();
            assert_eq!(seen, whole, "at {first}");
        }
    }
}
