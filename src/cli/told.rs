//! The story of an incident, or of a shift, from everything that knows a part of it: its keeper, the journal, the
//! outbox, annotations, the Alertmanagers. Asked at once; who does not answer is said, and the rest is told.
//!
//! Start at [`Teller`].

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use futures::join;

use super::gather::{Rules, Scene};
use super::keepers::{Found, Keepers};
use crate::backend::annotations;
use crate::domain::alert::AlertBoard;
use crate::domain::alert::desk::Arrangement;
use crate::domain::document::Remarks;
use crate::domain::incident::table::called;
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::oneself::Us;
use crate::domain::timeline::merge::{self, Origin, Part};
use crate::domain::timeline::record::firing;
use crate::domain::timeline::scope::Scope;
use crate::domain::timeline::{Event, Timeline, silences};
use crate::journal::{Journal, JournalResult, Opening, events, outbox};
use crate::outbox::{Entry, story};

/// Where nothing better is known, an incident's story begins so long ago.
const UNKNOWN_SPAN: TimeDelta = TimeDelta::days(7);
/// The most that is told of what was seen, and of what was done.
const MOST: u32 = events::MOST;

/// What the journal holds of a span.
#[derive(Default)]
struct Kept {
    events: Vec<(Option<IncidentId>, Event)>,
    entries: Vec<Entry>,
    stars: HashSet<Arc<str>>,
    /// What is left out of it, in words.
    left_out: Vec<String>,
}

/// Tells stories of one context.
pub struct Teller<'a> {
    scene: &'a Scene,
    keepers: &'a Keepers,
    journal: Option<Journal>,
    /// Why there is no journal.
    without: Option<String>,
}

/// A story with what was found out beside it.
pub struct Told {
    /// The story.
    pub timeline: Timeline,
    /// Who did not answer.
    pub remarks: Remarks,
}

/// A whole shift, by the incident each event belongs to.
pub struct ToldShift {
    /// The events that belong to an incident, and those of the shift itself (no incident).
    pub stories: BTreeMap<Option<IncidentId>, Timeline>,
    /// Alerts and silences now, where an Alertmanager is configured.
    pub board: Option<AlertBoard>,
    /// Escalations that are not over.
    pub escalations: Vec<Entry>,
    /// Who did not answer.
    pub remarks: Remarks,
}

impl ToldShift {
    /// Escalations that nobody has heard of, or that ask, a line each; with what their incidents are called.
    pub fn undelivered(&self, incidents: &[Incident]) -> Vec<String> {
        let told = self.escalations.iter().filter_map(|entry| {
            let (id, label, to) = entry.payload.escalation()?;
            let known = incidents.iter().find(|incident| incident.id == *id);
            let called = known.map_or_else(|| label.to_string(), called);
            let called = if called.is_empty() { id.to_string() } else { called };
            let why = entry.last_error.as_deref().unwrap_or_default();
            Some(format!(
                "{called} to level {to} by {} since {}: {} {why} (outbox {})",
                entry.actor,
                entry.created_at.format("%H:%MZ"),
                entry.state.word(),
                entry.id
            ))
        });
        told.collect()
    }
}

impl<'a> Teller<'a> {
    /// Opens the journal where there is one; without it the rest is told.
    pub fn new(scene: &'a Scene, keepers: &'a Keepers) -> Self {
        let opening = Opening::of(&scene.config).filter(|opening| opening.path.exists());
        let (journal, without) = match opening.map(|opening| Journal::open(&opening)) {
            None => (None, None),
            Some(Ok(journal)) => (Some(journal), None),
            Some(Err(error)) => (None, Some(error.to_string())),
        };
        Self {
            scene,
            keepers,
            journal,
            without,
        }
    }

    /// Tells the story of one incident.
    pub async fn incident(&self, found: &Found) -> Told {
        let now = self.scene.now().utc;
        let scope = found.incident.as_ref().map(|incident| Scope::of(incident, now));
        let (from, to) = scope
            .as_ref()
            .map_or((now - UNKNOWN_SPAN, now), |scope| (scope.from, scope.to));
        let keeper = async {
            match &found.failure {
                // it was asked already and did not answer
                Some(failure) => Err(failure.clone()),
                None => found
                    .keeper
                    .story(found.id.clone())
                    .await
                    .map_err(|error| error.failure()),
            }
        };
        let (story, kept, marks, board, us) = join!(
            keeper,
            self.kept(from, to, Some(found.id.clone())),
            self.annotations(from, to),
            self.board(),
            self.us()
        );
        let mut remarks = Remarks {
            warnings: self.without.iter().cloned().collect(),
            ..Remarks::default()
        };
        let story = story.unwrap_or_else(|failure| {
            remarks.errors.push(failure);
            Timeline::default()
        });
        let kept = kept.unwrap_or_else(|error| {
            remarks.warnings.push(error.to_string());
            Kept::default()
        });
        remarks.warnings.extend(kept.left_out.iter().cloned());
        let takes = |of: &Option<IncidentId>, event: &Event| match of {
            Some(of) => *of == found.id,
            None => scope.as_ref().is_some_and(|scope| scope.takes(event)),
        };
        let seen = kept.events.into_iter().filter(|(of, event)| takes(of, event));
        let ours = kept.entries.iter().filter(|entry| {
            let event = story::event(entry);
            takes(&story::incident_of(entry).cloned(), &event)
        });
        let within = |timeline: Timeline| match &scope {
            Some(scope) => scope.within(timeline),
            None => Timeline::default(),
        };
        let mut parts = vec![
            part(Origin::Keeper, story),
            part(Origin::Journal, timeline_of(seen.map(|(_, event)| event))),
            part(Origin::Outbox, story::timeline(ours)),
            part(Origin::Annotations, within(taken(marks, &mut remarks))),
        ];
        if let Some(board) = &board {
            remarks.errors.extend(board.errors.iter().cloned());
            parts.push(part(Origin::Alerts, within(self.board_tells(board, from))));
        }
        let mut timeline = merge::merge(&parts, &us);
        merge::star(&mut timeline, &kept.stars);
        Told { timeline, remarks }
    }

    /// Tells what happened since then, over all incidents and none.
    pub async fn shift(&self, since: DateTime<Utc>) -> ToldShift {
        let now = self.scene.now().utc;
        let keepers = join_all(self.keepers.all().map(|keeper| keeper.story_since(since)));
        let (stories, kept, marks, board, us) = join!(
            keepers,
            self.kept(since, now, None),
            self.annotations(since, now),
            self.board(),
            self.us()
        );
        let mut remarks = Remarks {
            warnings: self.without.iter().cloned().collect(),
            ..Remarks::default()
        };
        let mut parts: BTreeMap<Option<IncidentId>, BTreeMap<Origin, Vec<Event>>> = BTreeMap::new();
        let mut add = |of: Option<IncidentId>, origin: Origin, event: Event| {
            parts
                .entry(of)
                .or_default()
                .entry(origin)
                .or_default()
                .push(event);
        };
        for answer in stories {
            match answer {
                Ok(story) => {
                    for (id, event) in story {
                        add(Some(id), Origin::Keeper, event);
                    }
                }
                Err(error) => remarks.errors.push(error.failure()),
            }
        }
        let mut kept = kept.unwrap_or_else(|error| {
            remarks.warnings.push(error.to_string());
            Kept::default()
        });
        remarks.warnings.extend(kept.left_out.iter().cloned());
        for (of, event) in kept.events {
            add(of, Origin::Journal, event);
        }
        for entry in &kept.entries {
            add(
                story::incident_of(entry).cloned(),
                Origin::Outbox,
                story::event(entry),
            );
        }
        for event in taken(marks, &mut remarks).events {
            add(None, Origin::Annotations, event);
        }
        if let Some(board) = &board {
            remarks.errors.extend(board.errors.iter().cloned());
            for event in self.board_tells(board, since).events {
                add(None, Origin::Alerts, event);
            }
        }
        let mut stories = BTreeMap::new();
        for (of, parts) in parts {
            let parts: Vec<Part> = parts
                .into_iter()
                .map(|(origin, events)| part(origin, timeline_of(events)))
                .collect();
            stories.insert(of, merge::merge(&parts, &us));
        }
        let waits = |entry: &Entry| entry.state.is_open() && entry.payload.escalation().is_some();
        kept.entries.retain(waits);
        ToldShift {
            stories,
            escalations: kept.entries,
            board,
            remarks,
        }
    }

    async fn kept(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        of: Option<IncidentId>,
    ) -> JournalResult<Kept> {
        let Some(journal) = &self.journal else {
            return Ok(Kept::default());
        };
        let context = self.scene.context.name.clone();
        journal
            .read(move |tx| {
                let mut seen = events::between(tx, &context, from, to)?;
                let records = outbox::open(tx, &context)?;
                let mut entries: Vec<Entry> = records.into_iter().map(|record| record.entry).collect();
                let settled = outbox::settled_since(tx, &context, from, MOST)?;
                let mut kept = Kept::default();
                for (what, read) in [
                    ("what consoles saw", seen.len()),
                    ("what was done here", settled.len()),
                ] {
                    if read >= MOST as usize {
                        kept.left_out
                            .push(format!("of {what} only the newest {MOST} events are told"));
                    }
                }
                entries.extend(settled);
                if let Some(id) = of {
                    // its own events may lie outside the span that was guessed for it
                    seen.retain(|(of, _)| of.as_ref() != Some(&id));
                    let own = events::of_incident(tx, &context, &id)?;
                    seen.extend(own.into_iter().map(|event| (Some(id.clone()), event)));
                    kept.stars = events::stars(tx, &context, &id)?;
                }
                Ok(Kept {
                    events: seen,
                    entries,
                    ..kept
                })
            })
            .await
    }

    async fn annotations(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Timeline, crate::backend::BackendError> {
        let Some(backend) = &self.scene.backends.annotations else {
            return Ok(Timeline::default());
        };
        let marks = backend.list(from, to, Vec::new()).await?;
        Ok(annotations::story::timeline(
            &marks,
            backend.name(),
            backend.deploy_tags(),
        ))
    }

    /// What the Alertmanagers tell of since then; what they do not is among the errors.
    fn board_tells(&self, board: &AlertBoard, since: DateTime<Utc>) -> Timeline {
        let mut told = without_partial(silences::timeline(board, since));
        told.events.extend(firing(board, since, self.scene.now()));
        told
    }

    async fn board(&self) -> Option<AlertBoard> {
        if self.scene.backends.alertmanagers.is_empty() {
            return None;
        }
        Some(self.scene.board(&Arrangement::default(), Rules::Leave).await)
    }

    /// By which names we are known; the identity alone where a keeper does not say.
    async fn us(&self) -> Us {
        let acting = match self.keepers.configured() {
            Some(keeper) => keeper.acting_as().await.ok(),
            None => None,
        };
        Us::of(
            &self.scene.config.identity,
            acting.as_ref().map(|acting| &acting.person),
        )
    }
}

/// The incident that a command needs to know.
pub fn known(found: &Found) -> Result<&Incident, super::CliError> {
    found.incident.as_ref().ok_or_else(|| {
        let why = found.failure.as_ref();
        let why = why.map_or_else(String::new, |failure| {
            format!(": {}: {}", failure.backend, failure.message)
        });
        super::CliError::Backend(format!("incident {} could not be looked up{why}", found.id))
    })
}

fn part(origin: Origin, story: Timeline) -> Part {
    Part {
        origin,
        story: Arc::new(story),
    }
}

fn timeline_of(events: impl IntoIterator<Item = Event>) -> Timeline {
    Timeline {
        events: events.into_iter().collect(),
        partial: Vec::new(),
    }
}

fn without_partial(timeline: Timeline) -> Timeline {
    Timeline {
        partial: Vec::new(),
        ..timeline
    }
}

fn taken(marks: Result<Timeline, crate::backend::BackendError>, remarks: &mut Remarks) -> Timeline {
    match marks {
        Ok(timeline) => {
            remarks.partial.extend(timeline.partial.iter().cloned());
            without_partial(timeline)
        }
        Err(error) => {
            remarks.errors.push(error.failure());
            Timeline::default()
        }
    }
}
