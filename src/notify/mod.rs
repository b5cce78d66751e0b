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

pub use courier::Courier;

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

/// A page that reached nobody: each way of it failed, once at least.
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
        let level = self
            .level()
            .map_or_else(String::new, |level| format!(" level {level}"));
        format!(
            "{}{level}: nobody was reached: phone {} ({})",
            self.incident,
            phones(&self.people),
            self.why
        )
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

/// What goes out for a wake, and what the story says where nothing does.
pub fn route(
    incident: &LocalIncident,
    wake: &Wake,
    (context, channels): (&Arc<str>, &[NotifyConfig]),
    at: &Stamp,
) -> (Vec<Queued>, Option<Told>) {
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
    let mut queued = Vec::new();
    for channel in channels.iter().filter(|channel| takes(channel, &notice)) {
        let told = |people: Vec<Person>| Queued {
            channel: channel.name.to_string(),
            limit: channel.timeout,
            notice: Notice {
                people,
                ..notice.clone()
            },
            queued: *at,
            attempts: 0,
            not_before: None,
            until: None,
        };
        let people: Vec<Person> = wake
            .people
            .iter()
            .filter(|person| channel.people.is_empty() || channel.people.contains(&person.id))
            .cloned()
            .collect();
        match &channel.channel {
            Channel::Webhook(_) | Channel::Slack(_) => queued.push(told(people)),
            // Its arguments are about one person.
            Channel::Command(_) => queued.extend(people.into_iter().map(|person| told(vec![person]))),
        }
    }
    let told = (queued.is_empty() && wake.reason.is_a_page()).then(|| {
        let why = without_channel(context, channels)
            .unwrap_or_else(|| format!("nobody was notified: no [[contexts.{context}.notify]] is for this"));
        let text = format!("{why}; phone {}", phones(&wake.people));
        Told::by("midwatch", EventKind::Other, text).delivered(Delivery::Failed)
    });
    (queued, told)
}

/// Why nobody is ever notified in a context that has no channel, and the setting to add; nothing where it has one.
pub fn without_channel(context: &str, channels: &[NotifyConfig]) -> Option<String> {
    channels.is_empty().then(|| {
        format!(
            "nobody was notified: no channel is configured: add [[contexts.{context}.notify]] with a name and a \
             kind (webhook, slack or command)"
        )
    })
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
