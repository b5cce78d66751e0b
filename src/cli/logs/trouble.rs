//! What keeps lines from coming, said when it begins, changes and ends: attempts follow each other for hours. Pure.

use std::time::Duration;

use crate::backend::logs::{TailEvent, TailMode};
use crate::time::Tick;

/// What comes and goes is said again after so long.
const AGAIN: Duration = Duration::from_secs(60);

/// What was said of failures.
#[derive(Debug, Default)]
pub struct Trouble {
    /// The last one, and when it was said.
    said: Option<(String, Tick)>,
    standing: Standing,
}

/// Whether the last one that was said is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Standing {
    Stands,
    #[default]
    Over,
}

impl Trouble {
    /// An attempt failed; what is to be said of it, if that is anything new.
    pub fn met(&mut self, words: String, now: Tick) -> Option<String> {
        let known = self.said.as_ref().filter(|(known, _)| *known == words);
        let is_said =
            known.is_some_and(|(_, at)| self.standing == Standing::Stands || now.since(*at) < AGAIN);
        if is_said {
            return None;
        }
        let said = format!("{words}; trying again");
        self.said = Some((words, now));
        self.standing = Standing::Stands;
        Some(said)
    }

    /// Something was read; what is to be said of it, where a failure was said before.
    pub fn over(&mut self, now: Tick) -> Option<&'static str> {
        if std::mem::replace(&mut self.standing, Standing::Over) == Standing::Over {
            return None;
        }
        // what comes back within the minute was not over
        if let Some((_, at)) = &mut self.said {
            *at = now;
        }
        Some("the log backend gives lines again")
    }
}

/// Whether an event shows that its source is read; `polling` is why it was polled so far, if it was. That polling
/// begins shows nothing yet: it is said once more when it is well again.
pub fn is_well(event: &TailEvent, polling: Option<&str>) -> bool {
    match event {
        TailEvent::Lines(_)
        | TailEvent::Filled(_)
        | TailEvent::Mode(TailMode::Live | TailMode::Reading { .. } | TailMode::Ended) => true,
        TailEvent::Mode(TailMode::Polling(why)) => polling == Some(*why),
        TailEvent::Mode(TailMode::Connecting) | TailEvent::Gap(_) | TailEvent::Failed(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_said_when_it_begins_changes_and_ends() {
        let mut trouble = Trouble::default();
        let at = Tick::from_secs;
        assert_eq!(trouble.over(at(0)), None);
        assert_eq!(
            trouble.met("429".into(), at(1)).as_deref(),
            Some("429; trying again")
        );
        for second in 2..1_000 {
            assert_eq!(trouble.met("429".into(), at(second)), None, "it stands");
        }
        assert_eq!(
            trouble.met("refused".into(), at(1_000)).as_deref(),
            Some("refused; trying again")
        );
        assert_eq!(trouble.over(at(1_001)), Some("the log backend gives lines again"));
        assert_eq!(trouble.over(at(1_002)), None);
    }

    #[test]
    fn what_comes_and_goes_each_second_is_said_once_a_minute() {
        let mut trouble = Trouble::default();
        let mut said = 0;
        for second in 0..180 {
            let now = Tick::from_secs(second);
            said += usize::from(trouble.met("cut".into(), now).is_some());
            said += usize::from(trouble.over(now).is_some());
        }
        assert_eq!(said, 6, "three times that it began, and three that it ended");
    }

    #[test]
    fn polling_that_begins_is_no_sign_that_lines_can_be_read() {
        let polled = TailEvent::Mode(TailMode::Polling("tail limit"));
        assert!(!is_well(&polled, None) && !is_well(&polled, Some("no upgrade")));
        assert!(is_well(&polled, Some("tail limit")));
        assert!(is_well(&TailEvent::Mode(TailMode::Live), None));
        assert!(!is_well(&TailEvent::Mode(TailMode::Connecting), None));
    }
}
