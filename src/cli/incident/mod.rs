//! Acts on incidents from the command line: whoever keeps them, found by id, number or prefix, guarded,
//! journaled, sent and waited for.
//!
//! Start at [`Stage::open`]; `acts` holds the commands, `lookup` what people mean by a name.

use std::sync::Arc;
use std::time::Duration;

use super::args::ActArgs;
use super::gather::{Danger, Deadline, Scene, ambiguous, finish};
use super::keepers::{Keepers, Matching};
use super::sending::{Sending, outcome};
use super::{CliError, Outcome, Session};
use crate::backend::incidents::Directory;
use crate::domain::alert::json::ActReport;
use crate::domain::incident::{Incident, IncidentAct, Ladder, Offer, Person, Verb};
use crate::outbox::Draft;
use crate::text::SafeText;

pub mod acts;
pub mod declare;
mod leave;
pub mod lookup;

/// What an act on an incident goes through.
pub struct Stage {
    scene: Scene,
    keepers: Keepers,
    deadline: Deadline,
    wait: Duration,
}

impl Stage {
    /// Opens the context for an act; what forbids it is said before anything is asked.
    pub fn open(session: &mut Session, args: &ActArgs, verb: Verb) -> Result<Self, CliError> {
        let danger = if verb.is_dangerous() {
            Danger::Confirm
        } else {
            Danger::Free
        };
        let scene = Scene::for_any_act(session, args, danger)?;
        let keepers = Keepers::open(&scene);
        if keepers.is_empty() {
            return Err(scene.lacks(
                "incidents",
                "add [contexts.NAME.incidents] with kind = \"pagerduty\" or \"local\"",
            ));
        }
        Ok(Self {
            scene,
            keepers,
            deadline: Deadline::start(args.wait),
            wait: args.wait,
        })
    }

    /// The incident that is meant, where its keeper can do this to it.
    pub async fn incident(&self, wanted: &str, verb: Verb) -> Result<Arc<Incident>, CliError> {
        let matching = self.deadline.ask(self.keepers.matching(wanted)).await?;
        let incident = only(wanted, &matching)?;
        match self.keepers.of_incident(&incident)?.offers(&incident, verb) {
            Offer::Yes => Ok(incident),
            Offer::No(why) => Err(CliError::Backend(format!(
                "{}: {why}: nothing was done",
                lookup::label(&incident)
            ))),
        }
    }

    /// The policy of an incident.
    pub async fn ladder(&self, incident: &Incident) -> Result<Ladder, CliError> {
        let asking = self.keepers.of_incident(incident)?.ladder(incident.id.clone());
        let asked = self.deadline.ask(asking).await?;
        asked.map_err(|error| CliError::Backend(format!("{error}: nothing was done")))
    }

    /// Who and what can be picked from.
    pub async fn directory(&self, incident: &Incident) -> Result<Directory, CliError> {
        let asking = self.keepers.of_incident(incident)?.directory();
        let asked = self.deadline.ask(asking).await?;
        asked.map_err(|error| CliError::Backend(format!("{error}: nothing was done")))
    }

    /// Journals the act, sends it, waits for it, and says what came of it.
    pub async fn carry(self, session: &mut Session, incident: &Incident, act: IncidentAct) -> Outcome {
        self.carry_warned(session, incident, act, Vec::new()).await
    }

    /// The same, with words to be said beside it.
    pub async fn carry_warned(
        self,
        session: &mut Session,
        incident: &Incident,
        act: IncidentAct,
        warnings: Vec<String>,
    ) -> Outcome {
        let draft = Draft::new(lookup::payload(incident, act), Duration::ZERO);
        let sending = Sending::open(&self.scene)?;
        // Boxed: it is the larger part of every command that acts on an incident.
        let entries = Box::pin(sending.carry(vec![draft], &self.deadline)).await?;
        let entries: Vec<_> = entries.iter().collect();
        let report = ActReport {
            outcomes: vec![outcome(lookup::label(incident), &entries, self.wait)],
            warnings,
            errors: Vec::new(),
        };
        finish(session, &self.scene, &report)
    }
}

/// The one incident that a word means.
fn only(wanted: &str, matching: &Matching) -> Result<Arc<Incident>, CliError> {
    match matching.found.as_slice() {
        [one] => Ok(Arc::clone(one)),
        [] if matching.failures.is_empty() => Err(CliError::Usage(format!(
            "incident {} not found: nothing was done; `midwatch incidents` lists what there is",
            SafeText::line(wanted)
        ))),
        [] => Err(CliError::Backend(format!(
            "whether there is an incident {} is not known, and nothing was done: {}",
            SafeText::line(wanted),
            matching.failures.join("; ")
        ))),
        several => Err(ambiguous(
            wanted,
            several.iter().map(|incident| lookup::label(incident)),
        )),
    }
}

/// Names of people, for a sentence; safe.
pub fn names(people: &[Person]) -> String {
    let names: Vec<String> = people
        .iter()
        .map(|person| SafeText::line(&person.name).into_string())
        .collect();
    names.join(", ")
}
