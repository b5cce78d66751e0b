//! When the next frame is due: pure, so that it can be told what time it is.
//!
//! What the person does is drawn at once. What the world does is drawn at once too while it is little: what it makes
//! the terminal be sent is counted against a budget, and once that is used up a frame waits until it is paid for, a second at
//! most. So a line now and then is seen as it comes, and a flood is a frame a second. On a slow link it waits until that has room for a
//! key beside it. No frame is due while the writer is busy, so a slow link sets its own rate and never sees a stale
//! frame. Start at [`FrameScheduler::due`].

use std::time::Duration;

pub use crate::terminal::Link;
use crate::time::Tick;

/// Why the screen should change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A second has passed, and nothing else: as the world.
    Clock,
    /// A feed, a timer: may wait for the cap.
    World,
    /// A key, the mouse, a resize, the outcome of an act: may not.
    Person,
}

/// When to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Now.
    Now,
    /// At this moment, unless something more urgent comes up.
    At(Tick),
    /// As soon as the writer has drained.
    WhenDrained,
    /// Nothing to draw.
    Never,
}

/// Remembers what is wanted and when the last frame was.
#[derive(Debug, Clone)]
pub struct FrameScheduler {
    interval: Duration,
    last: Option<Tick>,
    wanted: Option<Cause>,
    /// When all that was drawn for the world is paid for.
    paid: Tick,
}

impl FrameScheduler {
    /// A scheduler that draws for the world at most once in `interval`. The first frame is wanted already.
    pub const fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: None,
            wanted: Some(Cause::Person),
            paid: Tick::ZERO,
        }
    }

    /// Something changed. Any number of these make one frame.
    pub fn want(&mut self, cause: Cause) {
        self.wanted = self.wanted.max(Some(cause));
    }

    /// Why the next frame is wanted, if it is.
    pub fn wanted(&self) -> Option<Cause> {
        self.wanted
    }

    /// When the next frame is due.
    pub fn due(&self, now: Tick, link: Link) -> Due {
        match (self.wanted, link) {
            (None, _) => Due::Never,
            (Some(_), Link::Busy) | (Some(Cause::Clock | Cause::World), Link::Awaited) => Due::WhenDrained,
            (Some(Cause::Person), Link::Idle | Link::Rests(_) | Link::Awaited) => Due::Now,
            (Some(Cause::Clock | Cause::World), Link::Idle | Link::Rests(_)) => {
                let capped = self.last.map_or(Tick::ZERO, |last| {
                    let affordable = self.paid.before(CREDIT);
                    (last + self.interval).max(affordable.min(last + LONGEST))
                });
                let at = match link {
                    Link::Rests(until) => capped.max(until),
                    Link::Idle | Link::Awaited | Link::Busy => capped,
                };
                if at > now { Due::At(at) } else { Due::Now }
            }
        }
    }

    /// A frame was drawn, took so many bytes, and shows everything wanted so far.
    pub fn drawn(&mut self, now: Tick, bytes: u64) {
        self.last = Some(now);
        if matches!(self.wanted.take(), Some(Cause::Clock | Cause::World)) {
            let cost = Duration::from_millis(bytes.saturating_mul(1_000) / BYTES_PER_SECOND);
            self.paid = self.paid.max(now) + cost;
        }
    }
}

/// What the world may make the terminal be sent, on and on: no more than the most sparing of the programs that show live
/// figures sends for them.
const BYTES_PER_SECOND: u64 = 800;
/// What it may run ahead of that, 16 kB: first answers are drawn as they come.
const CREDIT: Duration = Duration::from_secs(20);
/// A frame waits no longer to be paid for.
const LONGEST: Duration = Duration::from_secs(1);
/// On a link that is spared, the world is drawn no more often than this.
pub const SPARED: Duration = Duration::from_secs(2);

impl Default for FrameScheduler {
    /// Thirty a second.
    fn default() -> Self {
        Self::new(Duration::from_millis(33))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(33);

    fn at(ms: u64) -> Tick {
        Tick(Duration::from_millis(ms))
    }

    fn after_a_frame(ms: u64) -> FrameScheduler {
        let mut frames = FrameScheduler::new(INTERVAL);
        frames.drawn(at(ms), 0);
        frames
    }

    #[test]
    fn the_first_frame_is_due_and_then_nothing_is() {
        let mut frames = FrameScheduler::new(INTERVAL);
        assert_eq!(frames.due(at(0), Link::Idle), Due::Now);
        frames.drawn(at(0), 5_000);
        assert_eq!(frames.due(at(60_000), Link::Idle), Due::Never);
    }

    #[test]
    fn a_key_is_drawn_at_once_even_right_after_a_frame() {
        let mut frames = after_a_frame(1_000);
        frames.want(Cause::Person);
        assert_eq!(frames.due(at(1_000), Link::Idle), Due::Now);
    }

    #[test]
    fn a_flood_from_the_world_is_drawn_at_the_cap_and_coalesced() {
        let mut frames = after_a_frame(1_000);
        let mut drawn = 0;
        for ms in 1_001..2_000 {
            frames.want(Cause::World);
            match frames.due(at(ms), Link::Idle) {
                Due::Now => {
                    frames.drawn(at(ms), 0);
                    drawn += 1;
                }
                due => assert!(matches!(due, Due::At(then) if then > at(ms) && then <= at(ms) + INTERVAL)),
            }
        }
        assert_eq!(drawn, 30);
    }

    #[test]
    fn the_first_change_after_a_calm_is_drawn_at_once() {
        let mut frames = after_a_frame(1_000);
        frames.want(Cause::World);
        assert_eq!(frames.due(at(5_000), Link::Idle), Due::Now);
    }

    /// Frames of so many bytes drawn in so many seconds of a world that changes every 10 ms.
    fn drawn_in(seconds: u64, bytes: u64, frames: &mut FrameScheduler, from: u64) -> usize {
        let mut drawn = 0;
        for ms in (from..from + seconds * 1_000).step_by(10) {
            frames.want(Cause::World);
            if frames.due(at(ms), Link::Idle) == Due::Now {
                frames.drawn(at(ms), bytes);
                drawn += 1;
            }
        }
        drawn
    }

    #[test]
    fn a_world_that_changes_much_is_drawn_as_often_as_the_budget_allows_and_once_a_second_at_least() {
        let mut frames = after_a_frame(1_000);
        // the credit of 16 kB goes first
        assert!(drawn_in(3, 600, &mut frames, 2_000) > 20);
        let afforded = drawn_in(30, 200, &mut frames, 5_000);
        assert!((119..=122).contains(&afforded), "{afforded}");
        let least = drawn_in(30, 4_000, &mut frames, 35_000);
        assert!((30..=31).contains(&least), "{least}");
        frames.want(Cause::Person);
        assert_eq!(frames.due(at(65_000), Link::Idle), Due::Now);
    }

    #[test]
    fn what_a_key_makes_the_terminal_be_sent_is_not_the_worlds_to_pay() {
        let mut frames = after_a_frame(1_000);
        for ms in 0..100 {
            frames.want(Cause::Person);
            frames.drawn(at(1_000 + ms), 5_000);
        }
        frames.want(Cause::World);
        assert_eq!(frames.due(at(1_200), Link::Idle), Due::Now);
    }

    #[test]
    fn a_key_amid_a_flood_goes_first_and_the_flood_does_not_demote_it() {
        let mut frames = after_a_frame(1_000);
        frames.want(Cause::World);
        frames.want(Cause::Person);
        frames.want(Cause::World);
        assert_eq!(frames.due(at(1_001), Link::Idle), Due::Now);
    }

    #[test]
    fn on_a_slow_link_the_world_waits_its_turn_and_a_key_does_not() {
        let mut frames = after_a_frame(1_000);
        frames.want(Cause::World);
        assert_eq!(frames.due(at(5_000), Link::Rests(at(5_400))), Due::At(at(5_400)));
        assert_eq!(frames.due(at(5_400), Link::Rests(at(5_400))), Due::Now);
        assert_eq!(frames.due(at(1_001), Link::Rests(at(1_002))), Due::At(at(1_033)));
        assert_eq!(frames.due(at(5_000), Link::Awaited), Due::WhenDrained);
        frames.want(Cause::Person);
        assert_eq!(frames.due(at(1_001), Link::Rests(at(5_400))), Due::Now);
        assert_eq!(frames.due(at(5_000), Link::Awaited), Due::Now);
    }

    #[test]
    fn nothing_is_due_while_the_writer_is_busy_and_what_was_wanted_is_not_forgotten() {
        let mut frames = after_a_frame(1_000);
        assert_eq!(frames.due(at(1_001), Link::Busy), Due::Never);
        frames.want(Cause::Person);
        assert_eq!(frames.due(at(9_000), Link::Busy), Due::WhenDrained);
        assert_eq!(frames.due(at(9_001), Link::Idle), Due::Now);
    }
}
