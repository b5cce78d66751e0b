//! The state of the incident pane: the list, the followed incident's timeline, and what was fetched for a choice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::feed::Feed;
use super::list::{ListState, Placed};
use super::panes::Search;
use crate::backend::incidents::{Directory, Question};
use crate::domain::incident::link::Links;
use crate::domain::incident::{ActingAs, Delays, Incident, IncidentId, Ladder, Person};
use crate::domain::oncall::Roster;
use crate::domain::oneself::Us;
use crate::domain::timeline::{Event, EventKind, Starred, Timeline};
use crate::text::SafeText;
use crate::time::Tick;

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
    /// Keepers that have neither answered nor failed yet: what they list is not known.
    pub waiting: Vec<Arc<str>>,
    /// How long the levels of policies wait, as far as it was asked.
    pub delays: Arc<Delays>,
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
    /// Key moments.
    Starred,
    /// What is to be done afterwards.
    Todos,
}

impl Kinds {
    /// The next in the cycle; follow-ups have a key of their own.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::People,
            Self::People => Self::Signals,
            Self::Signals => Self::Changes,
            Self::Changes => Self::Starred,
            Self::Starred | Self::Todos => Self::All,
        }
    }

    /// In words, for the title; nothing where nothing is hidden.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::People => Some("people"),
            Self::Signals => Some("alerts and burn"),
            Self::Changes => Some("changes"),
            Self::Starred => Some("key moments"),
            Self::Todos => Some("TODO"),
        }
    }

    /// Whether an event is shown.
    fn wants(self, event: &Event) -> bool {
        match self {
            Self::All => true,
            Self::People => match event.kind {
                EventKind::Triggered
                | EventKind::Acknowledged
                | EventKind::Unacknowledged
                | EventKind::Assigned
                | EventKind::Escalated
                | EventKind::Note
                | EventKind::StatusUpdate
                | EventKind::Resolved => true,
                EventKind::AlertFired
                | EventKind::AlertResolved
                | EventKind::AlertGone
                | EventKind::BurnStarted
                | EventKind::BurnStopped
                | EventKind::Deploy
                | EventKind::Command
                | EventKind::Silence
                | EventKind::Other => false,
            },
            Self::Signals => matches!(
                event.kind,
                EventKind::AlertFired
                    | EventKind::AlertResolved
                    | EventKind::AlertGone
                    | EventKind::BurnStarted
                    | EventKind::BurnStopped
            ),
            Self::Changes => matches!(
                event.kind,
                EventKind::Deploy | EventKind::Command | EventKind::Silence
            ),
            Self::Starred => event.starred == Starred::Yes,
            Self::Todos => event.text.contains("TODO"),
        }
    }
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
    /// What was listed; while the screen is frozen, what was on it then.
    pub feed: Feed<IncidentBoard>,
    /// What was listed since the screen froze.
    pub unseen: Option<Feed<IncidentBoard>>,
    /// Which alerts and incidents are the same trouble.
    pub links: Arc<Links>,
    /// What was linked since the screen froze.
    pub unseen_links: Option<Arc<Links>>,
    /// What is asked for.
    pub question: Question,
    /// What was asked for when the list came that is shown.
    pub listed_for: Question,
    /// Rows shown: filtered, in board order.
    pub rows: Vec<IncidentId>,
    /// Cursor over the incidents.
    pub list: ListState<IncidentId>,
    /// Listed ones that are outside of what the pane is turned to: no rows, but counted.
    pub outside: BTreeSet<IncidentId>,
    /// Where the scope put the cursor.
    aside: Option<Aside>,
    /// Marked for an act on several.
    pub marks: BTreeSet<IncidentId>,
    /// Bare words over title, service, people, status; empty shows all.
    pub filter: String,
    /// Search, while one is on.
    pub search: Option<Search>,
    /// The incident whose timeline is fetched: the one under the cursor, or the one that is open.
    pub followed: Option<IncidentId>,
    /// When the cursor will have rested, and what is under it is followed.
    pub follow_due: Option<Tick>,
    /// Its timeline.
    pub timeline: Feed<Timeline>,
    /// Events shown in the open timeline: those of `kinds` in which every word of `event_filter` stands.
    pub events: Vec<Arc<str>>,
    /// Where each of them stands in the timeline.
    places: Vec<usize>,
    /// Bare words over the events; empty shows all.
    pub event_filter: String,
    /// Search over the events, while one is on.
    pub event_search: Option<Search>,
    /// Events that are shown whole.
    pub unfolded: BTreeSet<Arc<str>>,
    /// Cursor over the events.
    pub event_list: ListState<Arc<str>>,
    /// Which are shown.
    pub kinds: Kinds,
    /// How their times are shown.
    pub times: Times,
    /// Those that are open over the panes, as they were listed last: they stay when they leave the list.
    pub kept: Vec<Arc<Incident>>,
    /// Who is on call.
    pub roster: Feed<Roster>,
    /// The policy that was told last, with the incident it was asked for, and when.
    pub ladder: Option<(IncidentId, Arc<Ladder>, Tick)>,
    /// What can be picked from, once asked for.
    pub directory: Option<Result<Arc<Directory>, String>>,
}

/// A cursor that the scope moved.
#[derive(Debug)]
struct Aside {
    /// Where somebody had put it; nothing where nobody had.
    left: Option<IncidentId>,
    /// Where it was put instead.
    put: Option<IncidentId>,
}

impl Default for IncidentPane {
    fn default() -> Self {
        let poll = Duration::from_secs(20);
        Self {
            feed: Feed::new(poll),
            unseen: None,
            links: Arc::default(),
            unseen_links: None,
            question: Question::default(),
            listed_for: Question::default(),
            rows: Vec::new(),
            list: ListState::default(),
            outside: BTreeSet::new(),
            aside: None,
            marks: BTreeSet::new(),
            filter: String::new(),
            search: None,
            followed: None,
            follow_due: None,
            timeline: Feed::new(poll),
            events: Vec::new(),
            places: Vec::new(),
            event_filter: String::new(),
            event_search: None,
            unfolded: BTreeSet::new(),
            event_list: ListState::default(),
            kinds: Kinds::default(),
            times: Times::default(),
            kept: Vec::new(),
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

    /// One by id, as listed, else as it was listed last while it was open over the panes.
    pub fn known(&self, id: &IncidentId) -> Option<&Arc<Incident>> {
        let kept = || self.kept.iter().find(|incident| incident.id == *id);
        self.incident(id).or_else(kept)
    }

    /// What became of one that left the list while it was open over the panes, in one safe line: `resolved by Mara`.
    pub fn over(&self, id: &IncidentId, us: &Us) -> Option<String> {
        if self.feed.value()?.incident(id).is_some() {
            return None;
        }
        let kept = self.known(id)?;
        let ended = || (!kept.status.is_open()).then(|| "resolved".to_owned());
        let over = self.ended(id, us).or_else(ended);
        Some(over.unwrap_or_else(|| "no longer listed".to_owned()))
    }

    /// Why nothing is sent to one, in one safe sentence: it is over, or left the list. Nothing where it is open.
    pub fn left(&self, id: &IncidentId, us: &Us) -> Option<String> {
        match self.feed.value()?.incident(id) {
            Some(listed) => (!listed.status.is_open()).then(|| "it is over: resolved".to_owned()),
            None => Some(match self.ended(id, us) {
                Some(how) => format!("it is over: {how}"),
                None => "it is listed no more: over, or somebody else's".to_owned(),
            }),
        }
    }

    /// That one is listed no more, in one safe line behind its name, and how it ended where that is known here: it may be
    /// open still, and somebody else's.
    pub fn gone(&self, was: &Incident, us: &Us) -> String {
        match self.ended(&was.id, us) {
            Some(how) => format!("is listed no more: {how}"),
            None => format!("is listed no more at {}", SafeText::line(&was.source)),
        }
    }

    /// By whom one was resolved, as its timeline tells where it is followed.
    fn ended(&self, id: &IncidentId, us: &Us) -> Option<String> {
        let followed = self.followed.as_ref() == Some(id);
        let timeline = self.timeline.value().filter(|_| followed)?;
        let mut events = timeline.events.iter().rev();
        let turn = events.find(|event| matches!(event.kind, EventKind::Triggered | EventKind::Resolved))?;
        (turn.kind == EventKind::Resolved).then(|| match turn.actor.as_deref() {
            Some(actor) => format!("resolved by {}", SafeText::line(us.called(actor))),
            None => "resolved".to_owned(),
        })
    }

    /// The incident under the cursor.
    pub fn selected(&self) -> Option<&Arc<Incident>> {
        self.incident(self.list.selected.as_ref()?)
    }

    /// The event of a row of the open timeline.
    pub fn event_at(&self, row: usize) -> Option<&Event> {
        self.timeline.value()?.events.get(*self.places.get(row)?)
    }

    /// The event under the cursor of the open timeline.
    pub fn event(&self) -> Option<&Event> {
        self.event_at(self.event_list.index)
    }

    /// Works out the rows of the open timeline again. A cursor at its end stays there, so that what comes is seen.
    pub fn arrange_events(&mut self) {
        let at_end = self.event_list.index + 1 >= self.events.len();
        let words: Vec<String> = self
            .event_filter
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let kinds = self.kinds;
        let shown = |event: &Event| {
            kinds.wants(event)
                && (words.is_empty() || {
                    let text = event_text(event).to_lowercase();
                    words.iter().all(|word| text.contains(word))
                })
        };
        let all = self.timeline.last.as_ref().map(|last| Arc::clone(&last.value));
        let all = all.as_ref().map_or(&[][..], |timeline| &timeline.events);
        self.places = (0..all.len())
            .filter(|&at| all.get(at).is_some_and(&shown))
            .collect();
        self.events = self
            .places
            .iter()
            .filter_map(|&at| all.get(at))
            .map(|event| Arc::clone(&event.id))
            .collect();
        if at_end && let Some(last) = self.events.len().checked_sub(1) {
            self.event_list.select(&self.events, last);
        } else {
            self.event_list.follow(&self.events);
        }
    }

    /// Turns to another incident's timeline: nothing of the one before stays.
    pub fn turn_to(&mut self, incident: Option<IncidentId>) {
        self.followed = incident;
        self.timeline = Feed::new(self.timeline.interval);
        self.event_list = ListState::default();
        self.unfolded.clear();
        self.arrange_events();
    }

    /// Works out the rows again.
    pub fn arrange(&mut self) {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        self.rows = self.feed.value().map_or_else(Vec::new, |board| {
            board
                .incidents
                .iter()
                .filter(|incident| !self.outside.contains(&incident.id))
                .filter(|incident| {
                    let text = row_text(incident).to_lowercase();
                    words.iter().all(|word| text.contains(word))
                })
                .map(|incident| incident.id.clone())
                .collect()
        });
        self.list.follow(&self.rows);
    }

    /// Turns to what the scope is about: whatever is outside of it is no row. A cursor that would be left behind goes to
    /// `meant`, else to the first row, and back once its incident is a row again, unless somebody moved it meanwhile.
    pub fn narrow(&mut self, outside: BTreeSet<IncidentId>, meant: Option<&IncidentId>) {
        if self.outside == outside {
            return self.arrange();
        }
        self.outside = outside;
        let outside = &self.outside;
        self.marks.retain(|id| !outside.contains(id));
        let list = &mut self.list;
        // One that was moved since is where somebody wants it.
        let held = self.aside.take().filter(|aside| aside.put == list.selected);
        let left = match held {
            Some(aside) => aside.left,
            None if list.placed == Placed::ByNobody => None,
            // It stays where it was put.
            None if list.selected.as_ref().is_none_or(|id| !outside.contains(id)) => return self.arrange(),
            None => list.selected.clone(),
        };
        (list.selected, list.placed) = (None, Placed::ByNobody);
        self.arrange();
        let row_of = |id: &IncidentId| self.rows.iter().position(|row| row == id);
        if let Some(row) = left.as_ref().and_then(row_of) {
            return self.list.select(&self.rows, row);
        }
        if let Some(row) = meant.and_then(row_of) {
            self.list.select(&self.rows, row);
        }
        self.aside = (!self.outside.is_empty()).then(|| Aside {
            left,
            put: self.list.selected.clone(),
        });
    }

    /// Open ones outside of what the pane is turned to.
    pub fn open_outside(&self) -> impl Iterator<Item = &Arc<Incident>> {
        let all = self.feed.value().map_or(&[][..], |board| &board.incidents[..]);
        all.iter()
            .filter(|incident| incident.status.is_open() && self.outside.contains(&incident.id))
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

/// What an event is searched and filtered by.
pub fn event_text(event: &Event) -> String {
    let actor = event.actor.as_deref().unwrap_or_default();
    let mut text = format!("{} {actor} {}", event.kind.word(), event.text);
    for (name, value) in &event.refs {
        text.push(' ');
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

/// What people call an incident, in one safe line: `#4711 checkout errors`.
pub fn label(incident: &Incident) -> String {
    format!("{} {}", short(incident), SafeText::line(&incident.title))
}

/// The same in one word: its number, else its id.
pub fn short(incident: &Incident) -> String {
    match incident.number {
        Some(number) => format!("#{number}"),
        None => SafeText::line(&incident.id.0).into_string(),
    }
}

/// What people call somebody, in one safe line.
pub fn called(person: &Person) -> String {
    SafeText::line(&person.name).into_string()
}
