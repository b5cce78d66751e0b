//! What somebody means by an incident, a person, a policy, a priority on the command line.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::backend::incidents::{Directory, Seen};
use crate::cli::CliError;
use crate::cli::gather::{SHORTEST_PREFIX, ambiguous};
use crate::domain::incident::{Incident, IncidentAct, IncidentId, Named, Person, Status};
use crate::outbox::{Draft, Payload};
use crate::problem::did_you_mean;
use crate::text::SafeText;

/// Whom an incident is given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// Somebody: it escalates by itself no more.
    Person(Person),
    /// A policy: it starts at level 1, which wakes these.
    Policy(Named, Vec<Person>),
}

/// What an act is on.
#[derive(Debug, Clone)]
pub enum Target {
    /// An incident, as its keeper shows it.
    Seen(Arc<Incident>),
    /// The one of this id, whose keeper did not answer.
    Unseen {
        /// Its whole id.
        id: IncidentId,
        /// Why it was not shown, in words.
        why: String,
    },
}

impl Target {
    /// Its id.
    pub fn id(&self) -> &IncidentId {
        match self {
            Self::Seen(incident) => &incident.id,
            Self::Unseen { id, .. } => id,
        }
    }

    /// What people call it, as far as that is known; safe.
    pub fn label(&self) -> String {
        match self {
            Self::Seen(incident) => label(incident),
            Self::Unseen { id, .. } => id.to_string(),
        }
    }

    /// An act on it, for the outbox: at once, with how it stands now. One that was not seen is taken for open and
    /// as it was a moment before `now`, and is looked at before it is changed.
    pub fn draft(&self, act: IncidentAct, now: DateTime<Utc>) -> Draft {
        match self {
            Self::Seen(incident) => Draft::new(payload(incident, act), Duration::ZERO),
            Self::Unseen { id, .. } => Draft::unseen(Payload::Incident {
                incident: id.clone(),
                act,
                seen: Seen {
                    status: Status::Triggered,
                    changed_at: now,
                    escalation: None,
                },
                label: self.label().into(),
            }),
        }
    }

    /// What is said beside an act on it that was kept unseen.
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::Seen(_) => None,
            Self::Unseen { id, why } => Some(format!(
                "{id} could not be looked up ({why}): what was asked is kept by this id, and is sent once its keeper \
                 shows that there is such an incident and that nobody has changed it since"
            )),
        }
    }
}

/// `#4711 checkout errors`, for lists and messages; safe.
pub fn label(incident: &Incident) -> String {
    let title = SafeText::line(&incident.title);
    match incident.number {
        Some(number) => format!("#{number} {title}"),
        None => format!("{} {title}", SafeText::line(&incident.id.0)),
    }
}

/// An act on it, for the outbox: with how it stands now, so that what changes meanwhile is noticed.
pub fn payload(incident: &Incident, act: IncidentAct) -> Payload {
    Payload::Incident {
        incident: incident.id.clone(),
        act,
        seen: Seen {
            status: incident.status,
            changed_at: incident.changed_at,
            escalation: None,
        },
        label: label(incident).into(),
    }
}

/// Those that an id, a number or a prefix may mean; an id or number that fits whole means one alone.
pub fn matching<'a>(wanted: &str, incidents: &'a [Arc<Incident>]) -> Vec<&'a Arc<Incident>> {
    let number = wanted.strip_prefix('#').unwrap_or(wanted).parse::<u64>().ok();
    let whole = incidents.iter().find(|incident| {
        incident.id.0.eq_ignore_ascii_case(wanted) || number.is_some() && incident.number == number
    });
    if let Some(whole) = whole {
        return vec![whole];
    }
    if wanted.chars().count() < SHORTEST_PREFIX {
        return Vec::new();
    }
    let wanted = wanted.to_ascii_lowercase();
    let fits = |incident: &&Arc<Incident>| incident.id.0.to_ascii_lowercase().starts_with(&wanted);
    incidents.iter().filter(fits).collect()
}

/// The person or policy of a name, an id or an email; people go first.
pub fn assignee(wanted: &str, directory: &Directory) -> Result<Assignee, CliError> {
    if let Some(person) = find_person(wanted, directory)? {
        return Ok(Assignee::Person(person));
    }
    let policies: Vec<_> = directory
        .policies
        .iter()
        .filter(|(policy, _)| is_called(wanted, &policy.id, &policy.name))
        .collect();
    match policies.as_slice() {
        [(policy, woken)] => Ok(Assignee::Policy(policy.clone(), woken.clone())),
        [] => {
            let people = directory.people.iter().map(|person| &*person.name);
            let names = people.chain(directory.policies.iter().map(|(policy, _)| &*policy.name));
            Err(unknown("person or policy", wanted, names))
        }
        several => Err(ambiguous(
            wanted,
            several.iter().map(|(policy, _)| {
                format!("{} {}", SafeText::line(&policy.id), SafeText::line(&policy.name))
            }),
        )),
    }
}

/// The person of a name, an id or an email.
pub fn person(wanted: &str, directory: &Directory) -> Result<Person, CliError> {
    find_person(wanted, directory)?
        .ok_or_else(|| unknown("person", wanted, directory.people.iter().map(|p| &*p.name)))
}

fn find_person(wanted: &str, directory: &Directory) -> Result<Option<Person>, CliError> {
    let called = |person: &&Person| {
        is_called(wanted, &person.id, &person.name)
            || person
                .email
                .as_ref()
                .is_some_and(|email| email.eq_ignore_ascii_case(wanted))
    };
    let people: Vec<&Person> = directory.people.iter().filter(called).collect();
    match people.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => Err(ambiguous(
            wanted,
            several
                .iter()
                .map(|person| format!("{} {}", SafeText::line(&person.id), SafeText::line(&person.name))),
        )),
    }
}

/// The priority or severity of a name or an id. Several of a name: the highest, as PagerDuty takes it.
pub fn priority(wanted: &str, directory: &Directory) -> Result<Named, CliError> {
    let found = directory
        .priorities
        .iter()
        .find(|priority| is_called(wanted, &priority.id, &priority.name));
    found
        .cloned()
        .ok_or_else(|| unknown("priority", wanted, directory.priorities.iter().map(|p| &*p.name)))
}

fn is_called(wanted: &str, id: &str, name: &str) -> bool {
    id.eq_ignore_ascii_case(wanted) || name.to_lowercase() == wanted.to_lowercase()
}

fn unknown<'a>(what: &str, wanted: &str, known: impl Iterator<Item = &'a str>) -> CliError {
    let known: Vec<String> = known.map(|name| SafeText::line(name).into_string()).collect();
    CliError::Usage(format!(
        "there is no {what} {wanted}: nothing was done; {}",
        did_you_mean(wanted, known.iter().map(String::as_str))
    ))
}
