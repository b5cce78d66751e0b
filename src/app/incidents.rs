//! The state of the incident pane: the list, the followed incident's timeline, and what was fetched for a choice.

use std::sync::Arc;
use std::time::Duration;

use super::feed::Feed;
use super::list::ListState;
use super::panes::Search;
use crate::backend::incidents::{Directory, Question};
use crate::domain::incident::{ActingAs, Incident, IncidentId, Ladder};
use crate::domain::oncall::Roster;
use crate::domain::timeline::{Event, Timeline};

/// Incidents of every keeper of the context, as one answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncidentBoard {
    /// Open ones first, the loudest and oldest unacknowledged at the top; then those that ended, newest first.
    pub incidents: Vec<Arc<Incident>>,
    /// Who the configured keeper takes us for, once it is known.
    pub acting_as: Option<ActingAs>,
    /// What is missing or limited, in words: a cut list, `local to you`, `escalates only while a console is open`.
    pub remarks: Vec<String>,
    /// Answers whose keeper failed, in words.
    pub errors: Vec<String>,
}

impl IncidentBoard {
    /// One by id.
    pub fn incident(&self, id: &IncidentId) -> Option<&Arc<Incident>> {
        self.incidents.iter().find(|incident| incident.id == *id)
    }
}

/// Which events a timeline shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kinds {
    /// Every one.
    #[default]
    All,
    /// What people did and said.
    People,
    /// Alerts and burn rules.
    Signals,
    /// Deploys, commands, silences.
    Changes,
}

/// Which times a timeline shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// By the clock.
    #[default]
    Clock,
    /// Since the incident opened: `+12m`.
    SinceStart,
}

/// The incident pane.
#[derive(Debug)]
pub struct IncidentPane {
    /// What was listed.
    pub feed: Feed<IncidentBoard>,
    /// What is asked for.
    pub question: Question,
    /// Rows shown: filtered, in board order.
    pub rows: Vec<IncidentId>,
    /// Cursor over the incidents.
    pub list: ListState<IncidentId>,
    /// Marked for an act on several.
    pub marks: std::collections::BTreeSet<IncidentId>,
    /// Bare words over title, service, people, status; empty shows all.
    pub filter: String,
    /// Search, while one is on.
    pub search: Option<Search>,
    /// The incident whose timeline is fetched: the one under the cursor, or the one that is open.
    pub followed: Option<IncidentId>,
    /// Its timeline.
    pub timeline: Feed<Timeline>,
    /// Events shown in the open timeline: those of `kinds`, found by `event_filter`.
    pub events: Vec<Arc<str>>,
    /// Cursor over the events.
    pub event_list: ListState<Arc<str>>,
    /// Which are shown.
    pub kinds: Kinds,
    /// How their times are shown.
    pub times: Times,
    /// Who is on call.
    pub roster: Feed<Roster>,
    /// The policy that was last asked for, with the incident it was asked for.
    pub ladder: Option<(IncidentId, Result<Arc<Ladder>, String>)>,
    /// What can be picked from, once asked for.
    pub directory: Option<Result<Arc<Directory>, String>>,
}

impl Default for IncidentPane {
    fn default() -> Self {
        let poll = Duration::from_secs(20);
        Self {
            feed: Feed::new(poll),
            question: Question::default(),
            rows: Vec::new(),
            list: ListState::default(),
            marks: std::collections::BTreeSet::new(),
            filter: String::new(),
            search: None,
            followed: None,
            timeline: Feed::new(poll),
            events: Vec::new(),
            event_list: ListState::default(),
            kinds: Kinds::default(),
            times: Times::default(),
            roster: Feed::new(Duration::from_secs(60)),
            ladder: None,
            directory: None,
        }
    }
}

impl IncidentPane {
    /// One by id, as listed.
    pub fn incident(&self, id: &IncidentId) -> Option<&Arc<Incident>> {
        self.feed.value()?.incident(id)
    }

    /// The incident under the cursor.
    pub fn selected(&self) -> Option<&Arc<Incident>> {
        self.incident(self.list.selected.as_ref()?)
    }

    /// The event under the cursor of the open timeline.
    pub fn event(&self) -> Option<&Event> {
        let id = self.event_list.selected.as_ref()?;
        self.timeline.value()?.events.iter().find(|event| event.id == *id)
    }

    /// Works out the rows again.
    pub fn arrange(&mut self) {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        self.rows = self.feed.value().map_or_else(Vec::new, |board| {
            board
                .incidents
                .iter()
                .filter(|incident| {
                    let text = row_text(incident).to_lowercase();
                    words.iter().all(|word| text.contains(word))
                })
                .map(|incident| incident.id.clone())
                .collect()
        });
        self.list.follow(&self.rows);
    }
}

/// What a row is searched and filtered by.
pub fn row_text(incident: &Incident) -> String {
    let mut text = format!("{} {} {}", incident.id, incident.title, incident.status.word());
    if let Some(number) = incident.number {
        text.push_str(" #");
        text.push_str(&number.to_string());
    }
    let people = incident.assignees.iter().map(|person| &person.name);
    let service = incident.service.as_ref().map(|service| &service.name);
    for part in incident.severity.iter().chain(service).chain(people) {
        text.push(' ');
        text.push_str(part);
    }
    text
}
