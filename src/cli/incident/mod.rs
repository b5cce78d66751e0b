//! Acts on incidents from the command line: whoever keeps them, found by id, number or prefix, guarded,
//! journaled, sent and waited for.
//!
//! Start at [`Stage::open`]; `acts` holds the commands, `lookup` what people mean by a name.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use self::lookup::Target;
use super::args::ActArgs;
use super::gather::{Danger, Deadline, Scene, ambiguous, finish};
use super::keepers::{Keepers, Matching};
use super::sending::{Sending, outcome};
use super::{CliError, Exit, Outcome, Session, sending};
use crate::backend::incidents::Directory;
use crate::domain::alert::json::ActReport;
use crate::domain::incident::{Incident, IncidentAct, Ladder, Offer, Person, Verb};
use crate::journal::{drafts, outbox};
use crate::notify::phones;
use crate::outbox::{Entry, Payload, State};
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

    /// What is meant, where its keeper can do this to it or does not answer.
    pub async fn target(&self, wanted: &str, verb: Verb) -> Result<Target, CliError> {
        let asking = self.keepers.matching(wanted, self.deadline.half());
        let target = only(wanted, self.deadline.ask(asking).await?)?;
        let Target::Seen(incident) = &target else {
            return Ok(target);
        };
        match self.keepers.of_incident(incident)?.offers(incident, verb) {
            Offer::Yes => Ok(target),
            Offer::No(why) => Err(CliError::Backend(format!(
                "{}: {why}: nothing was done",
                target.label()
            ))),
        }
    }

    /// The same, for what cannot be asked for without its keeper: who is there to be woken, what it may be given.
    pub async fn incident(&self, wanted: &str, verb: Verb) -> Result<Arc<Incident>, CliError> {
        seen(
            self.target(wanted, verb).await?,
            "what it takes is looked up there",
        )
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

    /// That an earlier escalation of the same incident still waits or asks, in words.
    pub async fn undelivered(&self, target: &Target) -> Result<Option<String>, CliError> {
        let (context, id) = (self.scene.context.name.clone(), target.id().clone());
        let journal = sending::journal(&self.scene)?;
        let open = journal.read(move |tx| outbox::open(tx, &context)).await?;
        let earlier = open.iter().find_map(|record| {
            let (incident, _, to) = record.entry.payload.escalation()?;
            (*incident == id).then_some((&record.entry, to))
        });
        Ok(earlier.map(|(entry, to)| {
            format!(
                "an escalation to level {to} by {} is {} already ({}): `midwatch outbox` shows it",
                entry.actor,
                entry.state.word(),
                entry.id
            )
        }))
    }

    /// Journals the act, sends it, waits for it, and says what came of it.
    pub async fn carry(self, session: &mut Session, target: &Target, act: IncidentAct) -> Outcome {
        self.carry_warned(session, target, act, Vec::new()).await
    }

    /// The same, with words that are said before it is sent; a document has them besides.
    pub async fn carry_warned(
        self,
        session: &mut Session,
        target: &Target,
        act: IncidentAct,
        mut warnings: Vec<String>,
    ) -> Outcome {
        for warning in &warnings {
            // Commands ask nothing: whoever watches can still break it off. With standard error gone nobody does.
            let _ = session.out.diagnose(&format!("warning: {warning}"));
        }
        if !session.globals.json {
            warnings.clear();
        }
        session.acted_on.insert(target.id().clone());
        let now = self.scene.now().utc;
        let draft = target.draft(act.clone(), now);
        let sending = Sending::open(&self.scene)?;
        // Boxed: it is the larger part of every command that acts on an incident.
        let entries = Box::pin(sending.carry(vec![draft], &self.deadline)).await?;
        let entries: Vec<_> = entries.iter().collect();
        warnings.extend(target.warning().filter(|_| is_kept(&entries)));
        if is_asleep(&entries) {
            let whom = self.whom_to_phone(target, &act, now).await;
            warnings.push(format!(
                "nobody has been woken: it was not delivered; phone {whom}, or keep `midwatch` open until it is"
            ));
        }
        let report = ActReport {
            outcomes: vec![outcome(target.label(), &entries, self.wait)],
            warnings,
            errors: Vec::new(),
        };
        finish(session, &self.scene, &report)
    }
}

impl Stage {
    /// Who sleeps on while an act that is to wake them is not delivered; what their keeper told last, it told a
    /// console.
    async fn whom_to_phone(&self, target: &Target, act: &IncidentAct, now: DateTime<Utc>) -> String {
        let known = match act {
            IncidentAct::Page { people, .. } | IncidentAct::ReassignTo { people } => {
                Some(SafeText::line(&phones(people)).into_string())
            }
            IncidentAct::ReassignPolicy { policy } => self.keepers.to_phone(Some(policy), 1, now).await,
            IncidentAct::Escalate { to } => {
                let policy = match target {
                    Target::Seen(incident) => incident.policy.as_ref(),
                    Target::Unseen { .. } => None,
                };
                self.keepers.to_phone(policy, *to, now).await
            }
            IncidentAct::Acknowledge
            | IncidentAct::Resolve { .. }
            | IncidentAct::Snooze { .. }
            | IncidentAct::Merge { .. }
            | IncidentAct::Priority { .. }
            | IncidentAct::StatusUpdate { .. }
            | IncidentAct::Note { .. }
            | IncidentAct::Advance { .. }
            | IncidentAct::Assign { .. } => None,
        };
        known.unwrap_or_else(|| "whoever is on call there".to_owned())
    }

    /// Keeps as a draft a text that cannot be sent as it is: the next console opens with it, to be shortened there.
    pub async fn put_aside(
        self,
        session: &mut Session,
        target: &Target,
        act: IncidentAct,
        why: String,
    ) -> Outcome {
        let now = self.scene.now().utc;
        let (actor, context) = (
            self.scene.config.identity.clone(),
            self.scene.context.name.clone(),
        );
        let payload = target.draft(act, now).payload;
        sending::journal(&self.scene)?
            .write(move |tx| {
                let Some(typed) = payload.typed() else {
                    return Ok(());
                };
                drafts::put_back(
                    tx,
                    &drafts::Draft {
                        key: drafts::DraftKey {
                            actor,
                            context,
                            // No console has it yet.
                            console: String::new(),
                            kind: typed.kind.to_owned(),
                            incident: typed.incident.map(|id| id.0.to_string()),
                        },
                        text: typed.text.to_owned(),
                        updated_at: now,
                    },
                )
            })
            .await?;
        session.out.diagnose(&format!(
            "error: {}: {why}: nothing was sent; it is kept as a draft, which the next console opens",
            target.label()
        ))?;
        Ok(Exit::Usage)
    }
}

/// Whether any of them is still to be sent.
pub(super) fn is_kept(entries: &[&Entry]) -> bool {
    entries.iter().any(|entry| entry.state == State::Pending)
}

/// What must not wait in silence: whether whoever was to be woken sleeps on.
fn is_asleep(entries: &[&Entry]) -> bool {
    let sleeps = |entry: &&Entry| match &entry.payload {
        Payload::Incident { act, .. } => {
            let wakes = match act.verb() {
                Verb::Escalate | Verb::Page | Verb::Reassign => true,
                Verb::Acknowledge
                | Verb::Resolve
                | Verb::Snooze
                | Verb::Merge
                | Verb::Priority
                | Verb::StatusUpdate
                | Verb::Note
                | Verb::Advance
                | Verb::Assign => false,
            };
            // One that may have arrived is looked for, and asks where that stays unclear: that is said as it stands.
            wakes && entry.state == State::Pending
        }
        Payload::Silence { .. }
        | Payload::ExtendSilence { .. }
        | Payload::ExpireSilence { .. }
        | Payload::Annotation(_) => false,
    };
    entries.iter().any(sleeps)
}

/// The incident itself, where it was shown; why nothing is done without.
pub(super) fn seen(target: Target, needs: &str) -> Result<Arc<Incident>, CliError> {
    match target {
        Target::Seen(incident) => Ok(incident),
        Target::Unseen { id, why } => Err(CliError::Backend(format!(
            "{id} could not be looked up and {needs}: nothing was done; {why}"
        ))),
    }
}

/// The one that a word means.
fn only(wanted: &str, mut matching: Matching) -> Result<Target, CliError> {
    match matching.found.as_slice() {
        [_] => Ok(matching.found.remove(0)),
        [] if matching.failures.is_empty() => Err(CliError::Usage(format!(
            "incident {} not found: nothing was done; `midwatch incidents` lists what there is",
            SafeText::line(wanted)
        ))),
        [] => Err(matching.refusal("an incident", wanted)),
        several => Err(ambiguous(wanted, several.iter().map(Target::label))),
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
