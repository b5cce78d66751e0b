//! What the correlation strip knows beyond the panes: error lines and failed traces over the whole of its axis.
//!
//! The panes have what they show: minutes of lines, the newest traces. While the strip is open their sources are asked for
//! its axis ([`StripAsk`]): lines by level as the source counts them, failed traces by a search with a limit. Asked
//! again where the scope or its time changes, and now and then; what is not known stays unknown.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::scope::TimeRange;
use crate::domain::{log, trace};
use crate::time::Tick;

/// The time that the axis is of where the scope has none.
pub const SHOWN: TimeDelta = TimeDelta::hours(1);
/// What goes on up to now is asked again after so long, and so is what nobody could answer.
pub const AGAIN: Duration = Duration::from_secs(60);

/// What is asked for the strip; answered by `Msg::StripCounted`, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripAsk {
    /// The question's number; an answer to an older one is dropped.
    pub seq: u64,
    /// The beginning of the axis.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// Which lines are counted; none where there is no log backend.
    pub lines: Option<log::Wanted>,
    /// Which failed traces are looked for; none where there is no trace backend.
    pub traces: Option<trace::Wanted>,
}

/// A part of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum StripPart {
    /// Lines by level; nothing where the source cannot count, or why it did not.
    Lines(Result<Option<log::Volume>, String>),
    /// Failed traces, or why they are not known.
    Traces(Result<Failures, String>),
}

/// When traces began that failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    /// Each of them.
    pub at: Vec<DateTime<Utc>>,
    /// From when to when these are all: searches have a limit.
    pub known: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Lines as they were counted.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedLines {
    /// How many, by time and level; nothing before the first.
    pub volume: log::Volume,
    /// From when.
    pub from: DateTime<Utc>,
    /// Up to when.
    pub to: DateTime<Utc>,
}

/// What was asked last, and what came of it.
#[derive(Debug, Default)]
pub struct StripFacts {
    /// What was asked last.
    pub ask: Option<StripAsk>,
    /// Of which time of the scope.
    pub range: Option<TimeRange>,
    /// When.
    pub asked: Tick,
    /// Parts that are still to come.
    pub waits: u8,
    /// Whether a part was not answered.
    pub failed: bool,
    /// Lines.
    pub lines: Option<CountedLines>,
    /// Failed traces.
    pub traces: Option<Failures>,
}

impl StripFacts {
    /// Whether somebody is to be asked: for the first time, for something else, or again.
    pub fn is_due(&self, next: &StripAsk, range: Option<TimeRange>, now: Tick) -> bool {
        let Some(ask) = &self.ask else {
            return true;
        };
        if (&ask.lines, &ask.traces) != (&next.lines, &next.traces) || self.range != range {
            return true;
        }
        let moves = range.is_none_or(|range| range.to.is_none());
        self.waits == 0 && (moves || self.failed) && now.since(self.asked) >= AGAIN
    }

    /// When the same is asked again.
    pub fn due(&self) -> Option<Tick> {
        let moves = self.range.is_none_or(|range| range.to.is_none());
        (self.ask.is_some() && self.waits == 0 && (moves || self.failed)).then(|| self.asked + AGAIN)
    }

    /// A question goes out. What is known of the same lines and traces stays in sight until it is answered.
    pub fn ask(&mut self, ask: StripAsk, range: Option<TimeRange>, now: Tick) {
        let before = self.ask.as_ref();
        if before.is_none_or(|before| before.lines != ask.lines) {
            self.lines = None;
        }
        if before.is_none_or(|before| before.traces != ask.traces) {
            self.traces = None;
        }
        self.waits = u8::from(ask.lines.is_some()) + u8::from(ask.traces.is_some());
        (self.ask, self.range, self.asked, self.failed) = (Some(ask), range, now, false);
    }

    /// Takes a part of the answer in; what could not be told leaves what was known.
    pub fn take(&mut self, seq: u64, part: StripPart) {
        let Some(ask) = self.ask.as_ref().filter(|ask| ask.seq == seq) else {
            return;
        };
        self.waits = self.waits.saturating_sub(1);
        match part {
            StripPart::Lines(Ok(Some(volume))) => {
                self.lines = Some(CountedLines {
                    volume,
                    from: ask.from,
                    to: ask.to,
                });
            }
            // It cannot count: what is in hand is all there is.
            StripPart::Lines(Ok(None)) => self.lines = None,
            StripPart::Traces(Ok(failures)) => self.traces = Some(failures),
            StripPart::Lines(Err(_)) | StripPart::Traces(Err(_)) => self.failed = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(seq: u64) -> StripAsk {
        let to = DateTime::UNIX_EPOCH + SHOWN;
        StripAsk {
            seq,
            from: to - SHOWN,
            to,
            lines: Some(log::Wanted::default()),
            traces: Some(trace::Wanted::default()),
        }
    }

    fn after(seconds: u64) -> Tick {
        Tick::default() + Duration::from_secs(seconds)
    }

    fn counted() -> StripPart {
        StripPart::Lines(Ok(Some(log::Volume::default())))
    }

    #[test]
    fn what_goes_on_is_asked_again_and_what_is_over_only_where_it_failed() {
        let mut facts = StripFacts::default();
        assert!(facts.is_due(&ask(1), None, after(0)));
        facts.ask(ask(1), None, after(0));
        assert!(
            !facts.is_due(&ask(2), None, after(500)),
            "an answer is on its way"
        );
        facts.take(1, counted());
        facts.take(1, StripPart::Traces(Ok(Failures::default())));
        assert!(!facts.is_due(&ask(2), None, after(59)));
        assert!(facts.is_due(&ask(2), None, after(60)));
        assert_eq!(facts.due(), Some(after(60)));

        let over = TimeRange::between(DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + SHOWN);
        assert!(facts.is_due(&ask(2), Some(over), after(1)), "another time");
        facts.ask(ask(2), Some(over), after(1));
        facts.take(2, counted());
        facts.take(2, StripPart::Traces(Err("refused".to_owned())));
        assert!(facts.is_due(&ask(3), Some(over), after(61)));
        facts.ask(ask(3), Some(over), after(61));
        facts.take(3, counted());
        facts.take(3, StripPart::Traces(Ok(Failures::default())));
        assert!(!facts.is_due(&ask(4), Some(over), after(900)));
        assert_eq!(facts.due(), None);
    }

    #[test]
    fn what_is_known_stays_until_the_answer_and_goes_with_its_question() {
        let mut facts = StripFacts::default();
        facts.ask(ask(1), None, after(0));
        facts.take(1, counted());
        facts.ask(ask(2), None, after(60));
        assert!(facts.lines.is_some());
        facts.take(1, StripPart::Lines(Ok(None)));
        assert!(facts.lines.is_some(), "of an older question");
        facts.take(2, StripPart::Lines(Err("gone".to_owned())));
        assert!(facts.lines.is_some());
        let of_cart = StripAsk {
            lines: Some(log::Wanted {
                service: Some("cart".into()),
                ..log::Wanted::default()
            }),
            ..ask(3)
        };
        facts.ask(of_cart, None, after(61));
        assert!(facts.lines.is_none());
    }
}
