//! Who keeps incidents here, asked together: the configured keeper and the journal of this host. What an
//! INCIDENT on the command line means is found here.
//!
//! Start at [`Keepers::open`], then [`Keepers::list`], [`Keepers::find`] for what is read and
//! [`Keepers::matching`] for what is acted on.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

use super::CliError;
use super::gather::{SHORTEST_PREFIX, Scene, ambiguous, long_enough};
use super::incident::lookup::{self, Target};
use crate::backend::incidents::{Incidents, Question, Whose};
use crate::backend::{BackendError, BackendFailure};
use crate::domain::document::Remarks;
use crate::domain::incident::table::called;
use crate::domain::incident::{Incident, IncidentId, Named};
use crate::domain::oncall::{Duty, Roster};
use crate::journal::duties::{self, Told};
use crate::journal::{Journal, Opening};
use crate::notify::phones;
use crate::outbox::decide::{Trouble, trouble};
use crate::text::SafeText;
use crate::time::prometheus_duration;

/// A prefix of an id is looked up among the open incidents and those that ended so long ago.
const RECENT: TimeDelta = TimeDelta::days(30);

/// Those who keep incidents in one context.
#[derive(Default)]
pub struct Keepers {
    /// The configured one, where there is one.
    configured: Option<Arc<dyn Incidents>>,
    /// The journal, where it is open.
    local: Option<Arc<dyn Incidents>>,
    context: String,
    /// Whether the configuration means this host's journal.
    keeps_locally: bool,
    /// The journal, where there is one already: what keepers told earlier stands there.
    journal: Option<Opening>,
}

/// What an INCIDENT of the command line is.
pub struct Found {
    /// Who keeps it.
    pub keeper: Arc<dyn Incidents>,
    /// Its id.
    pub id: IncidentId,
    /// As its keeper has it; nothing where the keeper did not answer.
    pub incident: Option<Incident>,
    /// Why it did not.
    pub failure: Option<BackendFailure>,
}

/// What an INCIDENT that is to be acted on may mean, and who could not say.
#[derive(Debug, Default)]
pub struct Matching {
    /// What fits.
    pub found: Vec<Target>,
    /// In words, each cause once.
    pub failures: Vec<String>,
}

impl Matching {
    /// Several questions fail of one cause: it is told without what was asked for.
    fn failed(&mut self, error: &BackendError) {
        let words = format!("{}: {}", error.backend, error.cause());
        if !self.failures.contains(&words) {
            self.failures.push(words);
        }
    }

    /// Why a word that fits nothing known is not followed.
    pub(super) fn refusal(&self, what: &str, wanted: &str) -> CliError {
        CliError::Backend(format!(
            "{}. Whether there is {what} {} is not known, and nothing was done: its whole id would be kept and sent later",
            self.failures.join("; "),
            SafeText::line(wanted)
        ))
    }
}

impl Keepers {
    /// Those of a context.
    pub fn open(scene: &Scene) -> Self {
        Self {
            configured: scene.backends.incidents.clone(),
            local: scene.backends.local_incidents.clone(),
            context: scene.context.name.clone(),
            keeps_locally: scene.context.keeps_locally(),
            journal: Opening::of(&scene.config).filter(|opening| opening.path.exists()),
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Incidents>> {
        self.configured.iter().chain(&self.local)
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// The configured one, where there is one.
    pub fn configured(&self) -> Option<&Arc<dyn Incidents>> {
        self.configured.as_ref()
    }

    /// Said wherever a list would look complete and is this host's alone.
    pub fn local_only(&self) -> Option<String> {
        (self.configured.is_none() && !self.keeps_locally).then(|| {
            format!(
                "{} has no incidents backend: only local incidents of this host are known; add \
                 [contexts.{}.incidents]",
                self.context, self.context
            )
        })
    }

    /// Incidents of all keepers: open ones first, then the newest; who did not answer is among the remarks.
    pub async fn list(&self, question: &Question) -> (Vec<Incident>, Remarks) {
        let mut remarks = Remarks {
            warnings: self.local_only().into_iter().collect(),
            ..Remarks::default()
        };
        let asked = join_all(self.all().map(|keeper| keeper.list(question.clone()))).await;
        let mut incidents: Vec<Incident> = Vec::new();
        for answer in asked {
            match answer {
                Ok(listing) => {
                    incidents.extend(listing.incidents);
                    remarks.partial.extend(listing.partial);
                }
                Err(error) => remarks.errors.push(error.failure()),
            }
        }
        incidents.sort_by(|a, b| {
            let key = |i: &Incident| (!i.status.is_open(), std::cmp::Reverse(i.created_at));
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        (incidents, remarks)
    }

    /// What an id, `#number`, number, or a unique prefix of an id of at least six means.
    pub async fn find(&self, word: &str, now: DateTime<Utc>) -> Result<Found, CliError> {
        let bare = word.strip_prefix('#').unwrap_or(word);
        let is_number = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit());
        if bare.is_empty() || (word.starts_with('#') && !is_number) {
            return Err(CliError::Usage(format!(
                "{word} is no incident: give an id, #number, or a unique prefix of an id of at least \
                 {SHORTEST_PREFIX}"
            )));
        }
        let local = bare.starts_with(IncidentId::LOCAL);
        let asked: Vec<&Arc<dyn Incidents>> = if local {
            self.local.iter().collect()
        } else if self.configured.is_some() {
            self.configured.iter().collect()
        } else {
            self.local.iter().collect()
        };
        let mut silent: Option<(Arc<dyn Incidents>, BackendFailure)> = None;
        for keeper in asked {
            match keeper.incident(IncidentId::from(bare)).await {
                Ok(Some(incident)) => return Ok(found(keeper, incident)),
                Ok(None) => {}
                Err(error) => silent = Some((Arc::clone(keeper), error.failure())),
            }
        }
        if !is_number
            && !local
            && silent.is_none()
            && let Some(found) = self.by_prefix(bare, now).await?
        {
            return Ok(found);
        }
        match silent {
            // the journal may know its story all the same
            Some((keeper, failure)) if !is_number && bare.len() >= SHORTEST_PREFIX => Ok(Found {
                keeper,
                id: IncidentId::from(bare),
                incident: None,
                failure: Some(failure),
            }),
            Some((_, failure)) => Err(CliError::Backend(format!(
                "incident {word} could not be looked up: {}: {}",
                failure.backend, failure.message
            ))),
            None => Err(self.unknown(word)),
        }
    }

    /// What can be acted on by this word: a whole id or number at its keeper, a prefix among the open ones. Unlike
    /// [`Keepers::find`] it answers with all that fit.
    ///
    /// A keeper that does not answer within `patience` confirms nothing. Then a word that is surely one of its ids
    /// means that incident, unseen: an act on it is kept until the keeper can say what it is.
    pub async fn matching(&self, wanted: &str, patience: Duration) -> Matching {
        let whole = IncidentId::from(wanted.strip_prefix('#').unwrap_or(wanted));
        let keeper = if whole.is_local() {
            &self.local
        } else {
            &self.configured
        };
        let mut matching = Matching::default();
        let mut listed = Vec::new();
        if let Some(keeper) = keeper {
            if let Some(id) = keeper.recognises(wanted) {
                match by_id(keeper, id, patience).await {
                    Ok(found) => matching.found.extend(found),
                    Err(why) => matching.failures.push(why),
                }
                return matching;
            }
            match keeper.incident(whole.clone()).await {
                Ok(Some(incident)) => {
                    matching.found = vec![Target::Seen(Arc::new(incident))];
                    return matching;
                }
                Ok(None) => {}
                Err(error) => matching.failed(&error),
            }
            match keeper.list(Question::default()).await {
                Ok(listing) => listed.extend(listing.incidents.into_iter().map(Arc::new)),
                Err(error) => matching.failed(&error),
            }
        }
        let fitting = lookup::matching(wanted, &listed).into_iter().cloned();
        matching.found = fitting.map(Target::Seen).collect();
        matching
    }

    /// Who keeps this one.
    pub fn of_incident(&self, incident: &Incident) -> Result<&Arc<dyn Incidents>, CliError> {
        let held = self.all().find(|keeper| *keeper.name() == incident.source);
        held.ok_or_else(|| CliError::Backend(format!("nobody keeps {}", lookup::label(incident))))
    }

    async fn by_prefix(&self, prefix: &str, now: DateTime<Utc>) -> Result<Option<Found>, CliError> {
        long_enough(prefix)?;
        let question = Question {
            whose: Whose::All,
            ended_since: now.checked_sub_signed(RECENT),
        };
        let (incidents, remarks) = self.list(&question).await;
        let prefix_of = |incident: &&Incident| {
            let head = incident.id.0.get(..prefix.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(prefix))
        };
        let matching: Vec<&Incident> = incidents.iter().filter(prefix_of).collect();
        match (matching.as_slice(), remarks.errors.first()) {
            ([one], _) => {
                let keeper = if one.id.is_local() {
                    &self.local
                } else {
                    &self.configured
                };
                Ok(keeper.as_ref().map(|keeper| found(keeper, (*one).clone())))
            }
            ([], Some(failure)) => Err(CliError::Backend(format!(
                "incident {prefix} not found at those that answered; {}: {}",
                failure.backend, failure.message
            ))),
            ([], None) => Ok(None),
            (several, _) => Err(ambiguous(
                prefix,
                several
                    .iter()
                    .map(|incident| format!("{} {}", called(incident), incident.title)),
            )),
        }
    }

    fn unknown(&self, word: &str) -> CliError {
        let local = self
            .local_only()
            .map_or_else(String::new, |words| format!("; {words}"));
        CliError::Usage(format!(
            "incident {word} not found; `midwatch incidents --all --since 7d` lists what there is{local}"
        ))
    }

    /// Who is on call from `from` to `to`, as all keepers say it; of one that does not answer, as it told a console
    /// last.
    pub async fn on_call(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> (Roster, Remarks) {
        let mut roster = Roster::default();
        let mut remarks = Remarks::default();
        let answers = join_all(self.all().map(|keeper| keeper.on_call(from, to))).await;
        for (keeper, answer) in self.all().zip(answers) {
            match answer {
                Ok(one) => {
                    roster.duties.extend(one.duties);
                    remarks.partial.extend(one.partial);
                }
                Err(error) => {
                    remarks.errors.push(error.failure());
                    let Some(told) = self.earlier(keeper).await else {
                        continue;
                    };
                    remarks.warnings.push(format!(
                        "{} cannot be asked: who is on call by it is as of {}",
                        keeper.name(),
                        told.at.format("%Y-%m-%d %H:%MZ")
                    ));
                    let policies = told.duties.iter().map(|duty| Arc::clone(&duty.policy.id));
                    roster.as_of.extend(policies.map(|policy| (policy, told.at)));
                    let lasts = |duty: &Duty| duty.end.is_none_or(|end| end > from);
                    roster.duties.extend(told.duties.into_iter().filter(lasts));
                }
            }
        }
        roster.duties.sort_by(|a, b| {
            let key = |d: &crate::domain::oncall::Duty| (d.policy.name.clone(), d.level, d.start);
            key(a).cmp(&key(b))
        });
        roster.partial = remarks.partial.first().cloned();
        (roster, remarks)
    }

    /// Who a keeper said to be on call when a console asked it last.
    async fn earlier(&self, keeper: &Arc<dyn Incidents>) -> Option<Told> {
        let journal = Journal::open(self.journal.as_ref()?).ok()?;
        let (context, name) = (self.context.clone(), Arc::clone(keeper.name()));
        let read = journal.read(move |tx| duties::recall(tx, &context, &name));
        read.await.ok().flatten()
    }

    /// Who stands on a level now, as it was told last, for somebody to phone: of one policy, or of any where it is
    /// not known. Nothing where nobody knows.
    pub async fn to_phone(&self, policy: Option<&Named>, level: u32, now: DateTime<Utc>) -> Option<String> {
        let mut whom = Vec::new();
        for keeper in self.all() {
            let Some(told) = self.earlier(keeper).await else {
                continue;
            };
            let here = |duty: &&Duty| {
                duty.holds(now)
                    && duty.level == level
                    && policy.is_none_or(|policy| policy.id == duty.policy.id)
            };
            let duties: Vec<&Duty> = told.duties.iter().filter(here).collect();
            let each = duties.iter().map(|duty| {
                let who = phones(std::slice::from_ref(&duty.person));
                match policy {
                    Some(_) => who,
                    None => format!("{who} of {}", duty.policy.name),
                }
            });
            let each: Vec<String> = each.collect();
            if !each.is_empty() {
                whom.push(format!(
                    "{} as of {}",
                    each.join(", "),
                    told.at.format("%Y-%m-%d %H:%MZ")
                ));
            }
        }
        (!whom.is_empty()).then(|| SafeText::line(&whom.join("; ")).into_string())
    }
}

/// What a keeper has under a whole id: nothing where it says that there is none, the id itself where it does not say.
async fn by_id(
    keeper: &Arc<dyn Incidents>,
    id: IncidentId,
    patience: Duration,
) -> Result<Option<Target>, String> {
    let why = match tokio::time::timeout(patience, keeper.incident(id.clone())).await {
        Ok(Ok(found)) => return Ok(found.map(|incident| Target::Seen(Arc::new(incident)))),
        Ok(Err(error)) => match trouble(&error) {
            // It will be refused whenever it is asked.
            Trouble::Refused => return Err(error.to_string()),
            Trouble::Later | Trouble::Lost => error.to_string(),
        },
        Err(_) => format!(
            "{}: no answer within {}",
            keeper.name(),
            prometheus_duration(patience)
        ),
    };
    Ok(Some(Target::Unseen { id, why }))
}

fn found(keeper: &Arc<dyn Incidents>, incident: Incident) -> Found {
    Found {
        keeper: Arc::clone(keeper),
        id: incident.id.clone(),
        incident: Some(incident),
        failure: None,
    }
}

#[cfg(test)]
mod tests;
