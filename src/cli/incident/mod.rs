//! Acts on incidents from the command line: whoever keeps them, found by id, number or prefix, guarded,
//! journaled, sent and waited for.
//!
//! Start at [`Stage::open`]; `acts` holds the commands, `lookup` what people mean by a name.

use std::sync::Arc;
use std::time::Duration;

use super::args::ActArgs;
use super::gather::{Danger, Deadline, Scene, ambiguous, finish};
use super::sending::{Sending, outcome};
use super::{CliError, Outcome, Session};
use crate::backend::incidents::{Directory, Incidents, Question};
use crate::domain::alert::json::ActReport;
use crate::domain::incident::{Incident, IncidentAct, IncidentId, Ladder, Offer, Person, Verb};
use crate::outbox::Draft;
use crate::text::SafeText;

pub mod acts;
pub mod declare;
pub mod lookup;

/// Everybody who keeps incidents for a context.
#[derive(Default)]
pub struct Keepers(Vec<Arc<dyn Incidents>>);

/// What an id may mean, and who could not say.
#[derive(Debug, Default)]
pub struct Matching {
    /// What fits.
    pub found: Vec<Arc<Incident>>,
    /// In words.
    pub failures: Vec<String>,
}

impl Keepers {
    /// Of a context.
    pub fn of(scene: &Scene) -> Self {
        let backends = &scene.backends;
        Self(
            backends
                .incidents
                .iter()
                .chain(&backends.local_incidents)
                .cloned()
                .collect(),
        )
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By whole id or number at its keeper; by prefix among the open ones.
    pub async fn matching(&self, wanted: &str) -> Matching {
        let whole = IncidentId::from(wanted.strip_prefix('#').unwrap_or(wanted));
        let mut matching = Matching::default();
        let mut listed = Vec::new();
        for keeper in &self.0 {
            if whole.is_local() != (keeper.name().as_ref() == LOCAL) {
                continue;
            }
            match keeper.incident(whole.clone()).await {
                Ok(Some(incident)) => {
                    matching.found = vec![Arc::new(incident)];
                    return matching;
                }
                Ok(None) => {}
                Err(error) => matching.failures.push(error.to_string()),
            }
            match keeper.list(Question::default()).await {
                Ok(listing) => listed.extend(listing.incidents.into_iter().map(Arc::new)),
                Err(error) => matching.failures.push(error.to_string()),
            }
        }
        matching.found = lookup::matching(wanted, &listed).into_iter().cloned().collect();
        matching
    }

    /// Who keeps this one.
    pub fn of_incident(&self, incident: &Incident) -> Result<&Arc<dyn Incidents>, CliError> {
        let held = self.0.iter().find(|keeper| *keeper.name() == incident.source);
        held.ok_or_else(|| CliError::Backend(format!("nobody keeps {}", lookup::label(incident))))
    }
}

/// What the keeper of local incidents is called.
const LOCAL: &str = "local";

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
        let keepers = Keepers::of(&scene);
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
        let incident = match matching.found.as_slice() {
            [one] => Arc::clone(one),
            [] if matching.failures.is_empty() => {
                return Err(CliError::Usage(format!(
                    "incident {} not found: nothing was done; `midwatch incidents` lists what there is",
                    SafeText::line(wanted)
                )));
            }
            [] => {
                return Err(CliError::Backend(format!(
                    "incident {} not found: nothing was done; {}",
                    SafeText::line(wanted),
                    matching.failures.join("; ")
                )));
            }
            several => {
                return Err(ambiguous(
                    wanted,
                    several.iter().map(|incident| lookup::label(incident)),
                ));
            }
        };
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
        let entries = Sending::open(&self.scene)?
            .carry(vec![draft], &self.deadline)
            .await?;
        let entries: Vec<_> = entries.iter().collect();
        let report = ActReport {
            outcomes: vec![outcome(lookup::label(incident), &entries, self.wait)],
            warnings,
            errors: Vec::new(),
        };
        finish(session, &self.scene, &report)
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
