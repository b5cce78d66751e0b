//! How far away the terminal is: a question behind a large frame, answered when the frame was taken in. Pure.
//!
//! A write that returns says little: behind a terminal on another host lie buffers of megabytes, and what is written
//! into them is seen seconds later. A status report (DSR, `CSI 5 n`, answered by `CSI 0 n`; ECMA-48 8.3.35, as every
//! VT100 has it) comes back once the terminal has got so far. While it is out, what the world changes waits; then it
//! waits for as long again as the frame took, so that half of the link is a key's. A terminal that does not answer
//! is asked once and never again, and nothing waits for it any more. Start at [`Asking::ask`].

use std::time::Duration;

use crate::time::Tick;

/// The question.
pub(super) const STATUS: &[u8] = b"\x1b[5n";
/// Whether synchronized output is known (DECRQM of mode 2026).
pub(super) const SYNC: &[u8] = b"\x1b[?2026$p";
/// The background colour.
pub(super) const BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";

/// Frames smaller than this tell nothing: they fit a packet.
const WORTH_ASKING: usize = 256;
/// A terminal that answers so fast is asked no more often than each [`SELDOM`].
const NEAR: Duration = Duration::from_millis(50);
const SELDOM: Duration = Duration::from_secs(5);
/// An answer is waited for so long, beside what the frame takes at a known rate.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the world changes never waits longer than this for one frame.
const LONGEST_REST: Duration = Duration::from_secs(2);
/// An answer so late is none to a question about the look of things.
const LATE: Duration = Duration::from_secs(10);

/// Whether the terminal is of a kind that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// By its name it does.
    Likely,
    /// It is not asked anything.
    No,
}

/// What is known of the way to the terminal and back.
#[derive(Debug, Clone)]
pub struct Asking {
    state: State,
    /// The shortest way there and back so far: what remains of a longer one was the frame.
    shortest: Option<Duration>,
    last: Option<Duration>,
    rests_until: Tick,
    asked_at: Option<Tick>,
    /// The background was asked for.
    background: Option<Tick>,
    /// The terminal said that it knows synchronized output, or not.
    sync: Option<Knows>,
}

/// Whether the terminal knows something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knows {
    /// It does.
    Yes,
    /// It does not.
    No,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Never, or never again.
    Silent,
    Ready,
    /// The answer is out, and waited for until then.
    Out {
        since: Tick,
        until: Tick,
    },
}

impl Asking {
    /// Before anything was asked.
    pub fn new(answers: Answers) -> Self {
        Self {
            state: match answers {
                Answers::Likely => State::Ready,
                Answers::No => State::Silent,
            },
            shortest: None,
            last: None,
            rests_until: Tick::ZERO,
            asked_at: None,
            background: None,
            sync: None,
        }
    }

    /// Whether a frame of so many bytes, written at this moment, is to end in the question. `takes` is what the frame
    /// needs at a rate that is known.
    pub fn ask(&mut self, bytes: usize, takes: Duration, now: Tick) -> bool {
        self.give_up(now);
        let is_near = self.last.is_some_and(|last| last < NEAR);
        let lately = self.asked_at.is_some_and(|at| now.since(at) < SELDOM);
        if self.state != State::Ready || bytes < WORTH_ASKING || (is_near && lately) {
            return false;
        }
        let patience = self
            .last
            .map_or(PATIENCE, |last| (last * 4).clamp(PATIENCE, PATIENCE * 4));
        self.asked_at = Some(now);
        self.state = State::Out {
            since: now,
            until: now + patience + takes,
        };
        true
    }

    /// No answer within its time: the terminal does not answer.
    fn give_up(&mut self, now: Tick) {
        if let State::Out { until, .. } = self.state
            && until <= now
        {
            self.state = State::Silent;
        }
    }

    /// The terminal answered. Late, it still does answer.
    pub fn answered(&mut self, now: Tick) {
        if let State::Out { since, .. } = self.state {
            let took = now.since(since);
            let shortest = self.shortest.map_or(took, |shortest| shortest.min(took));
            self.shortest = Some(shortest);
            self.last = Some(took);
            // What it took beyond the way itself was the frame; half of the link is left to keys.
            self.rests_until = now + took.saturating_sub(shortest).min(LONGEST_REST);
        }
        if self.asked_at.is_some() {
            self.state = State::Ready;
        }
        // Answers come in the order of the questions.
        self.sync = self.sync.or(self.asked_at.map(|_| Knows::No));
    }

    /// Whether an answer is on its way, which what the world changes waits for. Before the first one nobody knows that
    /// there ever is one.
    pub fn is_out(&self, now: Tick) -> bool {
        self.last.is_some() && matches!(self.state, State::Out { until, .. } if now < until)
    }

    /// Until when what the world changes waits.
    pub fn rests_until(&self) -> Tick {
        self.rests_until
    }

    /// The last way there and back, with the frame that went ahead of the question.
    pub fn round_trip(&self) -> Option<Duration> {
        self.last
    }

    /// How long an answer that is out is likely to take from now; nothing where none is, or none ever came.
    pub fn expected(&self, now: Tick) -> Option<Duration> {
        let State::Out { since, .. } = self.state else {
            return None;
        };
        let last = self.last?;
        Some((since + last * 2).since(now))
    }

    /// The terminal told whether it knows synchronized output.
    pub fn told_sync(&mut self, knows: Knows) {
        self.sync = Some(knows);
    }

    /// Whether it knows synchronized output, once it has said so.
    pub fn sync(&self) -> Option<Knows> {
        self.sync
    }

    /// The background was asked for.
    pub fn asked_background(&mut self, now: Tick) {
        self.background = Some(now);
    }

    /// Whether a colour that comes now answers a question that was asked, and in time: a screen that changes its looks
    /// while somebody works on it is worse than one that guessed wrong.
    pub fn takes_background(&mut self, now: Tick) -> bool {
        self.background.take().is_some_and(|at| now.since(at) < LATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick(Duration::from_millis(ms))
    }

    fn likely() -> Asking {
        Asking::new(Answers::Likely)
    }

    #[test]
    fn a_terminal_that_does_not_answer_is_asked_once_and_nothing_waits_for_it_after_that() {
        let mut asking = likely();
        assert!(asking.ask(5_000, Duration::ZERO, at(0)));
        assert!(
            !asking.ask(5_000, Duration::ZERO, at(100)),
            "one question at a time"
        );
        assert!(!asking.is_out(at(1)), "nor while it is out");
        for s in 5..4_000 {
            assert!(!asking.ask(5_000, Duration::ZERO, at(s * 1_000)));
        }
        // A link that stood still for longer than that does answer in the end.
        asking.answered(at(5_000_000));
        assert!(asking.ask(5_000, Duration::ZERO, at(5_000_001)));
    }

    #[test]
    fn one_that_is_not_known_to_answer_is_never_asked() {
        let mut asking = Asking::new(Answers::No);
        assert!(!asking.ask(50_000, Duration::ZERO, at(0)));
        asking.answered(at(10));
        assert!(
            !asking.ask(50_000, Duration::ZERO, at(20)),
            "nor by an answer to nobody"
        );
        assert_eq!(asking.sync(), None);
    }

    #[test]
    fn the_world_waits_for_as_long_as_its_frame_took_beyond_the_way_itself() {
        let mut asking = likely();
        assert!(asking.ask(300, Duration::ZERO, at(0)));
        asking.answered(at(200));
        assert_eq!(asking.rests_until(), at(200), "the way alone costs nothing");
        assert!(asking.ask(4_000, Duration::ZERO, at(1_000)));
        assert!(asking.is_out(at(1_500)));
        asking.answered(at(1_900));
        assert_eq!(asking.rests_until(), at(1_900 + 700));
        assert_eq!(asking.round_trip(), Some(Duration::from_millis(900)));
        assert!(asking.ask(4_000, Duration::ZERO, at(3_000)));
        asking.answered(at(30_000));
        assert_eq!(asking.rests_until(), at(32_000), "but never for long");
    }

    #[test]
    fn small_frames_are_not_asked_about_and_a_near_terminal_seldom() {
        let mut asking = likely();
        assert!(!asking.ask(40, Duration::ZERO, at(0)));
        assert!(asking.ask(400, Duration::ZERO, at(1)));
        asking.answered(at(3));
        assert!(!asking.ask(400, Duration::ZERO, at(1_000)));
        assert!(asking.ask(400, Duration::ZERO, at(5_001)));
    }

    #[test]
    fn a_frame_that_takes_long_at_a_known_rate_is_waited_for_longer() {
        let mut asking = likely();
        assert!(asking.ask(300, Duration::ZERO, at(0)));
        asking.answered(at(100));
        assert!(asking.ask(8_000, Duration::from_secs(10), at(1_000)));
        assert!(asking.is_out(at(15_999)) && !asking.is_out(at(16_000)));
    }

    #[test]
    fn whoever_answers_the_second_question_alone_does_not_know_the_first() {
        let mut asking = likely();
        assert!(asking.ask(400, Duration::ZERO, at(0)));
        assert_eq!(asking.sync(), None);
        asking.answered(at(50));
        assert_eq!(asking.sync(), Some(Knows::No));
        let mut asking = likely();
        assert!(asking.ask(400, Duration::ZERO, at(0)));
        asking.told_sync(Knows::Yes);
        asking.answered(at(50));
        assert_eq!(asking.sync(), Some(Knows::Yes));
    }

    #[test]
    fn a_colour_that_nobody_asked_for_or_that_comes_late_is_swallowed() {
        let mut asking = likely();
        assert!(!asking.takes_background(at(0)));
        asking.asked_background(at(0));
        assert!(asking.takes_background(at(9_999)));
        assert!(!asking.takes_background(at(10_000)), "once is enough");
        asking.asked_background(at(20_000));
        assert!(!asking.takes_background(at(30_000)));
    }
}
