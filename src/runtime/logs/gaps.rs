//! Gaps that are read again: short ones by themselves after a while, others when they are asked for, each page by
//! page until it is closed.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::log::{Gap, GapReason, Nanos};
use crate::logstore::Snapshot;
use crate::time::Tick;

/// A gap no longer than this is cheap: it is read again by itself.
const SHORT: Duration = Duration::from_secs(15 * 60);
/// A tail reads what it missed by itself; so long it is let do so.
const GRACE: Duration = Duration::from_secs(15);
/// How often a cheap gap is tried.
const TRIES: u32 = 5;
/// Gaps that wait at most.
const WAITING: usize = 64;
/// Pages of one gap that are read without anybody asking: a store of usual size holds no more lines.
const PAGES: usize = 200;

/// A gap that is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refetch {
    /// What is left of it.
    pub gap: Gap,
    /// Pages that may still be read; no limit where somebody asked.
    pub pages: usize,
    /// Failures so far.
    pub tries: u32,
}

/// Gaps that are to be read again.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// What the tail closed last.
    closed: Option<Gap>,
    queue: VecDeque<Refetch>,
    waiting: Vec<(Tick, Refetch)>,
}

impl Gaps {
    /// Somebody asks for a gap: it goes before those that nobody asked for.
    pub(super) fn wanted(&mut self, gap: Gap) {
        self.waiting.retain(|(_, other)| other.gap != gap);
        self.queue.retain(|other| other.gap != gap);
        self.queue.push_front(Refetch {
            gap,
            pages: usize::MAX,
            tries: 0,
        });
    }

    /// Lines are missing: where that is cheap they are asked for by and by.
    pub(super) fn opened(&mut self, gap: &Gap, now: Tick) {
        let span = Duration::from_nanos(gap.to.0.saturating_sub(gap.from.0).max(0).unsigned_abs());
        let cheap = match gap.reason {
            // Asked for again it hits the same limit; what is being read comes.
            GapReason::LimitHit | GapReason::Reading => false,
            GapReason::Dropped(_) | GapReason::Disconnected | GapReason::Partial | GapReason::Unread => {
                span <= SHORT
            }
        };
        let known = self.waiting.iter().any(|(_, other)| other.gap == *gap);
        if !cheap || known || self.waiting.len() >= WAITING {
            return;
        }
        let is_left = self
            .closed
            .as_ref()
            .is_some_and(|closed| closed.from <= gap.from && gap.to <= closed.to);
        let grace = match gap.reason {
            GapReason::Unread => Duration::ZERO,
            // The tail read what it could of it and comes back to the rest no more.
            GapReason::Dropped(_) | GapReason::Disconnected | GapReason::Partial if is_left => Duration::ZERO,
            GapReason::Dropped(_)
            | GapReason::Disconnected
            | GapReason::Partial
            | GapReason::LimitHit
            | GapReason::Reading => GRACE,
        };
        let refetch = Refetch {
            gap: gap.clone(),
            pages: PAGES,
            tries: 0,
        };
        self.waiting.push((now + grace, refetch));
    }

    /// Somebody else closed it.
    pub(super) fn closed(&mut self, gap: &Gap) {
        self.waiting.retain(|(_, other)| other.gap != *gap);
        self.queue.retain(|other| other.gap != *gap);
        self.closed = Some(gap.clone());
    }

    /// Reading it failed; tried again later where nobody waits for it and that is worth while.
    pub(super) fn failed(&mut self, mut refetch: Refetch, now: Tick) {
        refetch.tries += 1;
        if refetch.pages == usize::MAX || refetch.tries >= TRIES || self.waiting.len() >= WAITING {
            return;
        }
        let pause = GRACE * 2_u32.saturating_pow(refetch.tries);
        self.waiting.push((now + pause, refetch));
    }

    /// The rest of one of which a page was read.
    pub(super) fn go_on(&mut self, refetch: &Refetch, from: Nanos) -> Option<Gap> {
        let rest = Gap {
            from,
            ..refetch.gap.clone()
        };
        if let Some(pages) = refetch.pages.checked_sub(1).filter(|pages| *pages > 0) {
            let pages = if refetch.pages == usize::MAX {
                usize::MAX
            } else {
                pages
            };
            self.queue.push_front(Refetch {
                gap: rest.clone(),
                pages,
                tries: 0,
            });
        }
        (rest.from < rest.to).then_some(rest)
    }

    /// When the next one is due, if one waits.
    pub(super) fn due(&self) -> Option<Tick> {
        self.waiting.iter().map(|(due, _)| *due).min()
    }

    /// The next to be read, as far as it is still missing.
    pub(super) fn next(&mut self, snapshot: &Snapshot, now: Tick) -> Option<Refetch> {
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(due, _)| *due <= now);
        self.waiting = waiting;
        self.queue.extend(due.into_iter().map(|(_, refetch)| refetch));
        while let Some(next) = self.queue.pop_front() {
            if snapshot.gaps().contains(&next.gap) {
                return Some(next);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Clock;

    fn gap(from: i64, to: i64) -> Gap {
        Gap {
            from: Nanos(from),
            to: Nanos(to),
            reason: GapReason::Disconnected,
        }
    }

    #[test]
    fn a_gap_is_left_to_the_tail_for_a_while_and_what_the_tail_leaves_of_it_is_read_at_once() {
        let now = Clock::start().tick();
        let mut gaps = Gaps::default();
        gaps.opened(&gap(10, 50), now);
        assert_eq!(gaps.due(), Some(now + GRACE));
        gaps.closed(&gap(10, 50));
        assert_eq!(gaps.due(), None);
        gaps.opened(&gap(40, 60), now);
        assert_eq!(gaps.due(), Some(now + GRACE), "another one");
        gaps.opened(&gap(20, 50), now);
        assert_eq!(gaps.due(), Some(now));
    }
}
