//! How people are woken by a local incident: webhooks, Slack, a program of theirs.
//!
//! [`route`] decides through which of the configured ways somebody is told; what it finds is queued in the
//! journal in the transaction of what woke them, and sent by the [`courier`]. `send` speaks to the other side.
//! Remote text (titles, labels) goes out as JSON or as an argument of its own, never through a shell.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::config::{Channel, NotifyConfig, Updates};
use crate::domain::incident::local::{LocalIncident, Missed, Reason, Told, Wake};
use crate::domain::incident::{IncidentId, Person, Severity, Status};
use crate::domain::timeline::{Delivery, EventKind};
use crate::journal::notices::Queued;
use crate::time::Stamp;

pub mod courier;
mod send;
#[cfg(test)]
mod tests;

pub use courier::{Courier, Due, Parcel};

/// What is told: the webhook's JSON document, and a command's standard input. Fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// `local-7`
    pub incident: Arc<str>,
    /// Remote text.
    pub title: Arc<str>,
    /// `SEV2`
    pub severity: Severity,
    /// Where it stands.
    pub status: Status,
    /// The service it is about.
    pub service: Option<Arc<str>>,
    /// The context it is in.
    pub context: Arc<str>,
    /// Why: `{"level": 2}`, `"assigned"`, `"asked"`, `"update"`, `"over"`.
    pub reason: Reason,
    /// The reason in words, and what was said with it.
    pub message: String,
    /// Who is told.
    pub people: Vec<Person>,
    /// When it came to this.
    pub at: DateTime<Utc>,
}

impl Notice {
    /// The level that is woken, where one is.
    pub fn level(&self) -> Option<u32> {
        match self.reason {
            Reason::Level(level) => Some(level),
            Reason::Assigned | Reason::Asked | Reason::Update | Reason::Over => None,
        }
    }
}

/// A page that did not reach those it was for: each way to them failed, once at least, or there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// Its notifications in the journal.
    pub ids: Vec<i64>,
    /// The incident.
    pub incident: IncidentId,
    /// What the incident is called; remote text, not yet safe.
    pub title: Arc<str>,
    /// Why they were to be told.
    pub reason: Reason,
    /// Who was not reached, and is to be phoned.
    pub people: Vec<Person>,
    /// When they were to be told.
    pub at: DateTime<Utc>,
    /// What stood in the way last; not yet safe.
    pub why: Arc<str>,
    /// Whether that is the end of it.
    pub tries: Tries,
    /// Whether these are all who were to be told.
    pub whom: Whom,
}

/// Of whom a page is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Of all who were to be told.
    Everybody,
    /// Of those who were not told by any way; the others were, or may be yet.
    Part,
}

/// A page on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// The incident.
    pub incident: IncidentId,
    /// Why they are told.
    pub reason: Reason,
    /// Who is.
    pub people: Vec<Person>,
    /// When it was asked for.
    pub queued: Stamp,
    /// How far it is.
    pub stage: Stage,
}

/// How far a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its first or next try is still to come.
    Waiting,
    /// A process sends it.
    Sending,
}

impl UnderWay {
    /// `local-7 level 2: Mara (+49 30 1234)`; not yet safe.
    pub fn words(&self) -> String {
        format!(
            "{}{}: {}",
            self.incident,
            level(self.reason),
            phones(&self.people)
        )
    }
}

/// ` level 2`, where it is about a level.
fn level(reason: Reason) -> String {
    match reason {
        Reason::Level(level) => format!(" level {level}"),
        Reason::Assigned | Reason::Asked | Reason::Update | Reason::Over => String::new(),
    }
}

/// Whether a page that did not arrive is still tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// It is.
    GoOn,
    /// All of its ways have failed for good.
    Over,
}

impl Unreached {
    /// Whether both are one page, by however many of its ways it failed since.
    pub fn is_same(&self, other: &Self) -> bool {
        self.incident == other.incident && self.reason == other.reason && self.at == other.at
    }

    /// The level that is asleep, where one is.
    pub fn level(&self) -> Option<u32> {
        match self.reason {
            Reason::Level(level) => Some(level),
            Reason::Assigned | Reason::Asked | Reason::Update | Reason::Over => None,
        }
    }

    /// `local-7 level 2: nobody was reached: phone Mara (+49 30 1234)`; not yet safe.
    pub fn words(&self) -> String {
        format!(
            "{}{}: {}: phone {} ({})",
            self.incident,
            level(self.reason),
            self.outcome(),
            phones(&self.people),
            self.why
        )
    }

    /// What came of it, in two or three words.
    pub fn outcome(&self) -> &'static str {
        match self.whom {
            Whom::Everybody => "nobody was reached",
            Whom::Part => "not notified",
        }
    }
}

fn message(wake: &Wake) -> String {
    let why = match wake.reason {
        Reason::Level(level) => format!("level {level} is woken"),
        Reason::Assigned => "it was given to you".to_owned(),
        Reason::Asked => "you are asked to help".to_owned(),
        Reason::Update => "update".to_owned(),
        Reason::Over => "it is resolved".to_owned(),
    };
    if wake.message.is_empty() {
        why
    } else {
        format!("{why}: {}", wake.message)
    }
}

/// The page of a level that nobody could send when it was due, for the journal's list of what reached nobody.
pub fn missed(
    incident: &LocalIncident,
    (missed, people): (&Missed, Vec<Person>),
    context: &Arc<str>,
    at: &Stamp,
) -> Queued {
    Queued {
        channel: String::new(),
        limit: Duration::ZERO,
        notice: Notice {
            incident: incident.id().0,
            title: Arc::clone(&incident.title),
            severity: incident.severity,
            status: incident.status,
            service: incident.service.clone(),
            context: Arc::clone(context),
            reason: Reason::Level(missed.level),
            message: missed.words(),
            people,
            at: missed.due,
        },
        queued: *at,
        attempts: 0,
        not_before: None,
        until: None,
    }
}

/// What comes of a wake.
pub struct Routed {
    /// What goes out.
    pub queued: Vec<Queued>,
    /// What cannot, person by person: whom none of the ways is for.
    pub unsent: Vec<Queued>,
    /// What the story says of that.
    pub told: Option<Told>,
}

/// What goes out for a wake, and who is left out of it.
pub fn route(
    incident: &LocalIncident,
    wake: &Wake,
    (context, channels): (&Arc<str>, &[NotifyConfig]),
    at: &Stamp,
) -> Routed {
    let notice = Notice {
        incident: incident.id().0,
        title: Arc::clone(&incident.title),
        severity: incident.severity,
        status: incident.status,
        service: incident.service.clone(),
        context: Arc::clone(context),
        reason: wake.reason,
        message: message(wake),
        people: wake.people.clone(),
        at: at.utc,
    };
    let told = |(channel, limit): (&str, Duration), people: Vec<Person>| Queued {
        channel: channel.to_owned(),
        limit,
        notice: Notice {
            people,
            ..notice.clone()
        },
        queued: *at,
        attempts: 0,
        not_before: None,
        until: None,
    };
    let mut queued: Vec<Queued> = Vec::new();
    for channel in channels.iter().filter(|channel| takes(channel, &notice)) {
        let through = (&*channel.name, channel.timeout);
        let people: Vec<Person> = wake
            .people
            .iter()
            .filter(|person| channel.people.is_empty() || channel.people.contains(&person.id))
            .cloned()
            .collect();
        match &channel.channel {
            Channel::Webhook(_) | Channel::Slack(_) => queued.push(told(through, people)),
            // Its arguments are about one person.
            Channel::Command(_) => {
                queued.extend(people.into_iter().map(|person| told(through, vec![person])));
            }
        }
    }
    let is_told = |person: &Person| queued.iter().any(|each| each.notice.people.contains(person));
    let left_out: Vec<Person> = wake
        .people
        .iter()
        .filter(|person| !is_told(person))
        .cloned()
        .collect();
    let is_lost = wake.reason.is_a_page() && (queued.is_empty() || !left_out.is_empty());
    let whom = if queued.is_empty() {
        "nobody"
    } else {
        "not everybody"
    };
    let told_so = is_lost.then(|| {
        let (why, phone) = (no_way(context, channels), phones(&left_out));
        let text = format!("{whom} was notified: {why}; phone {phone}");
        Told::by("midwatch", EventKind::Other, text).delivered(Delivery::Failed)
    });
    let through_none = |people| told(("", Duration::ZERO), people);
    let unsent = match left_out.len() {
        _ if !is_lost => Vec::new(),
        // Nobody was named, and nobody is told.
        0 => vec![through_none(Vec::new())],
        _ => left_out
            .into_iter()
            .map(|person| through_none(vec![person]))
            .collect(),
    };
    Routed {
        queued,
        unsent,
        told: told_so,
    }
}

/// Why somebody cannot be told, with the setting to add: in the story, the banner, the audit log.
pub fn no_way(context: &str, channels: &[NotifyConfig]) -> String {
    if channels.is_empty() {
        format!(
            "no channel is configured: add [[contexts.{context}.notify]] with a name and a kind (webhook, slack or \
             command)"
        )
    } else {
        format!("no [[contexts.{context}.notify]] is for this")
    }
}

fn takes(channel: &NotifyConfig, notice: &Notice) -> bool {
    let one_of = channel.people.is_empty()
        || notice
            .people
            .iter()
            .any(|person| channel.people.contains(&person.id));
    if !notice.reason.is_a_page() {
        return channel.updates == Updates::Told && one_of;
    }
    let level = notice
        .level()
        .is_none_or(|level| channel.levels.is_empty() || channel.levels.contains(&level));
    one_of && level
}

/// `jun, mara`
pub fn names(people: &[Person]) -> String {
    let each: Vec<&str> = people.iter().map(|person| &*person.name).collect();
    each.join(", ")
}

/// `jun (+49 30 1234), mara`
pub fn phones(people: &[Person]) -> String {
    if people.is_empty() {
        return "whoever is on call".to_owned();
    }
    let each: Vec<String> = people
        .iter()
        .map(|person| match &person.phone {
            Some(phone) => format!("{} ({phone})", person.name),
            None => person.name.to_string(),
        })
        .collect();
    each.join(", ")
}
