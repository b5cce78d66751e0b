//! Acts on incidents from the command line: whoever keeps them, found by id, number or prefix, guarded,
//! journaled, sent and waited for.
//!
//! Start at [`Stage::open`]; `acts` holds the commands, `lookup` what people mean by a name.

use std::sync::Arc;

use super::args::ActArgs;
use super::gather::{Danger, Deadline, Scene, ambiguous};
use super::{CliError, Outcome, Session};
use crate::backend::incidents::{Directory, Incidents, Question};
use crate::domain::incident::{Incident, IncidentAct, IncidentId, Ladder, Offer, Person, Verb};
use crate::text::SafeText;

pub mod acts;
pub mod lookup;

/// What an act on an incident goes through.
pub struct Stage {
    scene: Scene,
    keepers: Vec<Arc<dyn Incidents>>,
    deadline: Deadline,
}

impl Stage {
    /// Opens the context for an act; what forbids it is said before anything is asked.
    pub async fn open(session: &mut Session, args: &ActArgs, verb: Verb) -> Result<Self, CliError> {
        let danger = if verb.is_dangerous() {
            Danger::Confirm
        } else {
            Danger::Free
        };
        let scene = Scene::for_incident_act(session, args, danger)?;
        let keepers = scene.keepers();
        Ok(Self {
            scene,
            keepers,
            deadline: Deadline::start(args.wait),
        })
    }

    /// The incident that is meant, where its keeper can do this to it.
    pub async fn incident(&self, wanted: &str, verb: Verb) -> Result<Arc<Incident>, CliError> {
        let incident = self.deadline.ask(self.find(wanted)).await??;
        match self.keeper(&incident)?.offers(&incident, verb) {
            Offer::Yes => Ok(incident),
            Offer::No(why) => Err(CliError::Backend(format!(
                "{}: {why}: nothing was done",
                lookup::label(&incident)
            ))),
        }
    }

    /// By whole id or number at its keeper; by prefix among the open ones.
    async fn find(&self, wanted: &str) -> Result<Arc<Incident>, CliError> {
        let whole = IncidentId::from(wanted.strip_prefix('#').unwrap_or(wanted));
        let mut failures = Vec::new();
        let mut listed = Vec::new();
        for keeper in self.keepers.iter().filter(|keeper| keeps(keeper.as_ref(), &whole)) {
            match keeper.incident(whole.clone()).await {
                Ok(Some(incident)) => return Ok(Arc::new(incident)),
                Ok(None) => {}
                Err(error) => failures.push(error.to_string()),
            }
            match keeper.list(Question::default()).await {
                Ok(listing) => listed.extend(listing.incidents.into_iter().map(Arc::new)),
                Err(error) => failures.push(error.to_string()),
            }
        }
        match lookup::matching(wanted, &listed).as_slice() {
            [one] => Ok(Arc::clone(one)),
            [] if failures.is_empty() => Err(CliError::Backend(format!(
                "incident {} not found: nothing was done; `midwatch incidents` lists what there is",
                SafeText::line(wanted)
            ))),
            [] => Err(CliError::Backend(format!(
                "incident {} not found: nothing was done; {}",
                SafeText::line(wanted),
                failures.join("; ")
            ))),
            several => Err(ambiguous(wanted, several.iter().map(|incident| lookup::label(incident)))),
        }
    }

    fn keeper(&self, incident: &Incident) -> Result<&Arc<dyn Incidents>, CliError> {
        let held = self.keepers.iter().find(|keeper| *keeper.name() == incident.source);
        held.ok_or_else(|| CliError::Backend(format!("nobody keeps {}", lookup::label(incident))))
    }

    /// The policy of an incident.
    pub async fn ladder(&self, incident: &Incident) -> Result<Ladder, CliError> {
        let asking = self.keeper(incident)?.ladder(incident.id.clone());
        self.deadline
            .ask(asking)
            .await?
            .map_err(|error| CliError::Backend(format!("{error}: nothing was done")))
    }

    /// Who and what can be picked from.
    pub async fn directory(&self, incident: &Incident) -> Result<Directory, CliError> {
        let asking = self.keeper(incident)?.directory();
        self.deadline
            .ask(asking)
            .await?
            .map_err(|error| CliError::Backend(format!("{error}: nothing was done")))
    }

    /// Journals the act, sends it, waits for it, and says what came of it.
    pub async fn carry(self, session: &mut Session, incident: &Incident, act: IncidentAct) -> Outcome {
        self.carry_warned(session, incident, act, Vec::new()).await
    }
}

/// Whether an id may be one of this keeper's.
fn keeps(keeper: &dyn Incidents, id: &IncidentId) -> bool {
    id.is_local() == (keeper.name().as_ref() == "local")
}

/// Names of people, for a sentence; safe.
pub fn names(people: &[Person]) -> String {
    let names: Vec<String> = people.iter().map(|person| SafeText::line(&person.name).into_string()).collect();
    names.join(", ")
}
