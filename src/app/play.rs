//! Going through a playbook: looked over first, then one step at a time, each asked for by itself, until one fails.

use super::runbook::{PlayAt, Shown};
use crate::domain::alert::Labels;
use crate::runbook::command::exposed;
use crate::runbook::{Check, Ended, Offered, PlayStep, Playbook, Policy};

/// A playbook of the open page, and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Play {
    /// Which.
    pub book: Playbook,
    /// How far.
    pub stage: Stage,
}

/// How far a playbook is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    /// All of it has to be looked over first.
    #[default]
    Unseen,
    /// This step is next, from 0; past the last it is done.
    At(usize),
    /// It stopped at this step.
    Stopped(usize, String),
}

/// A step as it would run now.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// Its command.
    pub offered: Offered,
    /// What follows it.
    pub check: Option<Check>,
}

impl Play {
    /// Those of a policy that are for an alert.
    pub fn of(policy: &Policy, labels: &Labels) -> Vec<Self> {
        let books = policy.playbooks.iter().filter(|book| book.is_for(labels));
        books
            .map(|book| Self {
                book: book.clone(),
                stage: Stage::Unseen,
            })
            .collect()
    }

    /// A step with its places filled.
    ///
    /// # Errors
    /// Why it cannot be run here.
    pub fn ready(step: &PlayStep, policy: &Policy, labels: &Labels) -> Result<Ready, String> {
        let offered = policy.offer(Ok(&step.template), labels)?;
        let check = step.check(labels).map_err(|refused| refused.to_string())?;
        Ok(Ready { offered, check })
    }

    /// All steps, as they would run now: what is looked over before the first.
    ///
    /// # Errors
    /// The first step that cannot be run, from 0, and why.
    pub fn rehearsed(&self, policy: &Policy, labels: &Labels) -> Result<Vec<Ready>, (usize, String)> {
        let steps = self.book.steps.iter().enumerate();
        steps
            .map(|(at, step)| {
                let ready = Self::ready(step, policy, labels).map_err(|why| (at, why))?;
                ready.offered.program.as_ref().map_err(|why| (at, why.clone()))?;
                Ok(ready)
            })
            .collect()
    }

    /// Whether a step may be asked for now.
    ///
    /// # Errors
    /// What has to be done instead.
    pub fn may_ask(&self, step: usize) -> Result<(), String> {
        match &self.stage {
            Stage::Unseen => Err("look all of it over first: on its name".to_owned()),
            Stage::At(next) if *next == step => Ok(()),
            Stage::At(next) if *next >= self.book.steps.len() => {
                Err("it is done; on its name it is begun again".to_owned())
            }
            Stage::At(next) => Err(format!("step {} is next", next + 1)),
            Stage::Stopped(at, why) => Err(format!(
                "it stopped at step {}: {why}; on its name it is begun again",
                at + 1
            )),
        }
    }

    /// A step is over; what is said of it.
    pub fn ended(&mut self, at: &PlayAt, ended: &Ended) -> String {
        let (step, of) = (at.step + 1, self.book.steps.len());
        match ended.failure() {
            None => {
                self.stage = Stage::At(at.step + 1);
                if step == of {
                    format!("step {step} of {of} is done, and with it the playbook")
                } else {
                    format!("step {step} of {of} is done, step {} is next", step + 1)
                }
            }
            Some(why) => {
                let said = format!("the playbook stopped at step {step} of {of}: {why}");
                self.stage = Stage::Stopped(at.step, why);
                said
            }
        }
    }

    /// Its rows: its name, how far it is, then each step with what follows it. Those of a step carry its number.
    pub(super) fn rows(&self, policy: &Policy, labels: &Labels) -> Vec<(Option<usize>, Shown)> {
        let of = self.book.steps.len();
        let told = match &self.stage {
            Stage::Unseen => {
                "of the configuration; here it is looked over as a whole, then asked for step by step"
                    .to_owned()
            }
            Stage::At(next) if *next >= of => "done".to_owned(),
            Stage::At(next) => format!("step {} of {of} is next", next + 1),
            Stage::Stopped(at, why) => format!("stopped at step {} of {of}: {why}", at + 1),
        };
        let mut rows = vec![
            (None, Shown::Heading(2, format!("Playbook: {}", self.book.name))),
            (None, Shown::Text(told)),
        ];
        for (at, step) in self.book.steps.iter().enumerate() {
            let (offered, follows) = match Self::ready(step, policy, labels) {
                Ok(Ready { offered, check }) => (Ok(offered), check),
                Err(why) => (Err(why), None),
            };
            rows.push((Some(at), Shown::Item(format!("step {} of {of}", at + 1))));
            rows.push((Some(at), Shown::Command(step.written.join(" "), offered)));
            rows.extend(follows.map(|check| (Some(at), Shown::Text(exposed(&check.to_string())))));
        }
        rows
    }
}
