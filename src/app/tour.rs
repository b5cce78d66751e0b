//! The tour: twelve keys, one after the other, pressed in the console itself.
//!
//! It shows no screen of its own and presses nothing: it says a key, waits until that was pressed, and says the next.
//! Every other key does what it does elsewhere. `update` tells it which actions were asked for; the view draws
//! [`Tour::step`]. Start at [`STEPS`].

use crate::action::Action;
use crate::time::Tick;

/// One step: a key, and what it is good for.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// What is waited for, the one whose key is named first.
    pub by: &'static [Action],
    /// In words; `{}` is the key. Short: three lines of a terminal of 40 columns.
    pub says: &'static str,
    /// Of a key that is to open something: what is said while it did not, and the step is kept.
    pub opens: Option<&'static str>,
}

/// All of it, in order. None of them changes anything at a backend.
pub const STEPS: [Step; 12] = [
    Step {
        by: &[Action::FocusAlerts],
        says: "{} goes to the alerts: what fires, and who has it. A pane's number stands on its border.",
        opens: None,
    },
    Step {
        by: &[
            Action::Down,
            Action::Up,
            Action::HalfPageDown,
            Action::PageDown,
            Action::Bottom,
        ],
        says: "{} goes down a row. Keys act on the row under the cursor; the last line names some.",
        opens: None,
    },
    Step {
        by: &[Action::Open],
        says: "{} opens the row: an alert's labels, when it fired before, which silences match.",
        opens: Some(
            "That was a group, now unfolded: {} again opens its first alert, with labels and history.",
        ),
    },
    Step {
        by: &[Action::Back],
        says: "{} is one step back, everywhere, and never quits.",
        opens: None,
    },
    Step {
        by: &[Action::Scope],
        says: "{} turns every pane to the service and the time of this alert; the top line says so.",
        opens: None,
    },
    Step {
        by: &[Action::OpenCase],
        says: "{} opens this alert's case: what changed, what failed, and suspects, each with why.",
        opens: None,
    },
    Step {
        by: &[Action::FocusNext, Action::FocusLogs],
        says: "{} goes on to the next pane: the logs, by now those of that service.",
        opens: None,
    },
    Step {
        by: &[Action::Search],
        says: "{} searches the pane that has the keys, as you type: here the log lines.",
        opens: None,
    },
    Step {
        by: &[Action::DialogAccept, Action::DialogLeave],
        says: "Type a word, then {}: the search stays, and the last row says how to go from hit to hit.",
        opens: None,
    },
    Step {
        by: &[Action::ScopeBack],
        says: "{} undoes the scope, step by step: here the panes show every service again.",
        opens: None,
    },
    Step {
        by: &[Action::Palette],
        says: "{} finds everything by name: what can be done, contexts, themes, saved views, queries.",
        opens: None,
    },
    Step {
        by: &[Action::DialogLeave, Action::DialogAccept],
        says: "{} closes it. Everything stands there, with its key where it has one.",
        opens: None,
    },
];

/// Where the tour stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tour {
    /// Whether it is on.
    pub stage: Stage,
    /// The next step, an index into [`STEPS`]: kept when it is left, so that it goes on there.
    at: usize,
    /// The key was pressed.
    done: bool,
    /// It was, and what it was to open is not open.
    kept: bool,
}

/// Whether what has the keys could be opened and is not: a group that was unfolded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// A detail is open, or there is nothing to open.
    Opened,
    /// Rows stand there, and none is open.
    Unopened,
}

/// Whether the tour is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// It is not.
    #[default]
    Off,
    /// The last row offers it, until then.
    Offered(Tick),
    /// It waits for a key.
    On,
}

/// What came of a message for the tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// Nothing.
    Nowhere,
    /// One on.
    On,
    /// To its end.
    Through,
}

impl Tour {
    /// Offered until then, never forced.
    pub fn offered(until: Tick) -> Self {
        Self {
            stage: Stage::Offered(until),
            ..Self::default()
        }
    }

    /// The same tour, to go on at this step, an index into [`STEPS`].
    #[must_use]
    pub fn going_on_at(self, step: usize) -> Self {
        Self {
            at: if step < STEPS.len() { step } else { 0 },
            ..self
        }
    }

    /// Where it goes on the next time, an index into [`STEPS`].
    pub fn goes_on_at(&self) -> usize {
        self.at
    }

    /// The step it waits at, and its number from 1; nothing where it is not on.
    pub fn step(&self) -> Option<(usize, Step)> {
        let mut step = *STEPS.get(self.at)?;
        if let Some(says) = step.opens.filter(|_| self.kept) {
            step.says = says;
        }
        (self.stage == Stage::On).then_some((self.at + 1, step))
    }

    /// Whether this action is what it waits for.
    pub fn waits_for(&self, action: Action) -> bool {
        self.step().is_some_and(|(_, step)| step.by.contains(&action))
    }

    /// Begins, or goes on where it was left; the number of the step.
    pub fn begin(&mut self) -> usize {
        self.stage = Stage::On;
        self.done = false;
        self.kept = false;
        self.at + 1
    }

    /// An action was asked for, by whatever key.
    pub fn pressed(&mut self, action: Action) {
        self.done |= self.waits_for(action);
    }

    /// Leaves it, where it is on or offered, and the key that leaves is not the one it waits for; whether it did.
    pub fn leave(&mut self) -> bool {
        let leaves = self.stage != Stage::Off && !self.done;
        if leaves {
            self.stage = Stage::Off;
        }
        leaves
    }

    /// Until when it is offered, where it is.
    pub fn offered_until(&self) -> Option<Tick> {
        match self.stage {
            Stage::Offered(until) => Some(until),
            Stage::Off | Stage::On => None,
        }
    }

    /// After every message, and what came of it.
    pub fn settle(&mut self, now: Tick, rows: Rows) -> Went {
        match self.stage {
            Stage::Offered(until) if now >= until => self.stage = Stage::Off,
            Stage::On if std::mem::take(&mut self.done) => {
                let opens = STEPS.get(self.at).is_some_and(|step| step.opens.is_some());
                self.kept = opens && rows == Rows::Unopened;
                if self.kept {
                    return Went::Nowhere;
                }
                self.at += 1;
                if self.at < STEPS.len() {
                    return Went::On;
                }
                *self = Self::default();
                return Went::Through;
            }
            Stage::Off | Stage::Offered(_) | Stage::On => {}
        }
        Went::Nowhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Impact, Place};

    #[test]
    fn every_step_is_done_by_its_key_alone_and_the_last_ends_it() {
        let mut tour = Tour::default();
        assert_eq!(tour.step().map(|(number, _)| number), None);
        tour.begin();
        for (index, step) in STEPS.iter().enumerate() {
            assert_eq!(tour.step().map(|(number, _)| number), Some(index + 1));
            tour.pressed(Action::Health);
            assert_eq!(
                tour.settle(Tick::ZERO, Rows::Opened),
                Went::Nowhere,
                "step {}",
                index + 1
            );
            tour.pressed(step.by[0]);
            let went = tour.settle(Tick::ZERO, Rows::Opened);
            assert_eq!(went == Went::Through, index + 1 == STEPS.len());
        }
        assert_eq!(tour, Tour::default(), "the next one begins at the beginning");
    }

    #[test]
    fn one_that_is_left_goes_on_where_it_was() {
        let mut tour = Tour::default();
        tour.begin();
        tour.pressed(Action::FocusAlerts);
        tour.settle(Tick::ZERO, Rows::Opened);
        assert!(tour.leave());
        assert!(!tour.leave(), "it is left already");
        assert_eq!(tour.begin(), 2);
    }

    #[test]
    fn the_key_that_is_waited_for_does_not_leave() {
        let mut tour = Tour::default();
        tour.begin();
        for _ in 0..3 {
            let (_, step) = tour.step().unwrap();
            tour.pressed(step.by[0]);
            tour.settle(Tick::ZERO, Rows::Opened);
        }
        tour.pressed(Action::Back);
        assert!(!tour.leave());
        assert_eq!(tour.settle(Tick::ZERO, Rows::Opened), Went::On);
    }

    #[test]
    fn a_key_that_only_unfolds_a_group_keeps_the_step_and_says_so() {
        let mut tour = Tour::default();
        tour.begin();
        for _ in 0..2 {
            let (_, step) = tour.step().unwrap();
            tour.pressed(step.by[0]);
            assert_eq!(tour.settle(Tick::ZERO, Rows::Unopened), Went::On);
        }
        tour.pressed(Action::Open);
        assert_eq!(tour.settle(Tick::ZERO, Rows::Unopened), Went::Nowhere);
        let (number, step) = tour.step().unwrap();
        assert_eq!(number, 3);
        assert!(step.says.starts_with("That was a group"), "{}", step.says);
        assert!(!tour.waits_for(Action::Back), "esc leaves it here");
        tour.pressed(Action::Open);
        assert_eq!(tour.settle(Tick::ZERO, Rows::Opened), Went::On);
        assert!(tour.waits_for(Action::Back), "and here it is the step");
    }

    #[test]
    fn an_offer_passes_by_itself() {
        let mut tour = Tour::offered(Tick::from_secs(60));
        assert_eq!(tour.settle(Tick::from_secs(59), Rows::Opened), Went::Nowhere);
        assert_eq!(tour.stage, Stage::Offered(Tick::from_secs(60)));
        tour.settle(Tick::from_secs(60), Rows::Opened);
        assert_eq!(tour.stage, Stage::Off);
    }

    #[test]
    fn no_step_changes_anything_and_each_is_short_enough_for_the_smallest_terminal() {
        for step in STEPS {
            assert!(step.by.iter().all(|action| action.row().impact == Impact::View));
            for says in [step.says].into_iter().chain(step.opens) {
                assert_eq!(says.matches("{}").count(), 1, "{says}");
                let longest = format!("tour 12/12 {}", says.replace("{}", "shift-tab"));
                assert!(textwrap::wrap(&longest, 38).len() <= 3, "{longest}");
            }
            assert_ne!(step.by[0].row().place, Place::Search);
        }
    }
}
