//! Many sources, one story: ordered, each thing once, however many sources tell it.
//!
//! A [`Part`] is what one source tells; it is trusted to tell each thing once, so that a note that was really
//! sent twice shows twice. Across parts the same thing is joined: by id, by the marker in its text, by what
//! both point at, and, for acts that carry no marker, by kind, person and time. The engineer's own words keep
//! their place and their id from the moment they are typed; what a backend tells of them is added to them. An act
//! stands where it was done: one that waited takes its keeper's time, and says when it was asked for.
//! Start at [`merge`]; [`Story`] keeps the parts of one incident and merges anew only when one of them changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Delivery, Event, EventKind, Starred, Timeline};
use crate::domain::alert::ack::{Marker, without_marker};
use crate::domain::oneself::Us;

mod settled;

/// An act of ours and the keeper's entry about it are at most so far apart: an older act would have been asked
/// about instead of sent, plus what its request and its log may take.
const OURS_WITHIN: TimeDelta = TimeDelta::minutes(15);
/// How far the keeper's clock may be behind ours.
const SKEW: TimeDelta = TimeDelta::minutes(1);
/// An alert and what a keeper opened for it are at most so far apart.
const FIRED_WITHIN: TimeDelta = TimeDelta::minutes(5);
/// References that name the event itself rather than something it is about.
const IDENTITIES: [&str; 4] = ["outbox", "log_entry", "note", "annotation"];

/// Where a part comes from. Their order decides whose id, place and words an event keeps where several tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Our outbox: what was typed here.
    Outbox,
    /// The journal: what was seen and done here.
    Journal,
    /// The keeper of the incident.
    Keeper,
    /// The journal's local record of an incident that another keeper has.
    Local,
    /// The annotations backend.
    Annotations,
    /// Silences and alerts as the Alertmanagers list them now.
    Alerts,
}

/// What one source tells.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which.
    pub origin: Origin,
    /// What it tells; in any order.
    pub story: Arc<Timeline>,
}

/// The parts as one story, oldest first; ids are stable, markers are taken off the texts.
pub fn merge(parts: &[Part], us: &Us) -> Timeline {
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_by_key(|part| part.origin);
    let mut joined = Joined::default();
    let mut partial: Vec<String> = Vec::new();
    for part in parts {
        joined.take(part, us);
        for words in &part.story.partial {
            if !partial.contains(words) {
                partial.push(words.clone());
            }
        }
    }
    joined.settle();
    let mut events = joined.events;
    // One person is one person, whatever each source calls them.
    for actor in events.iter_mut().filter_map(|event| event.actor.as_mut()) {
        if let Some(name) = us.known_as(actor) {
            *actor = Arc::clone(name);
        }
    }
    events.sort_by(|a, b| (a.at, a.kind, &a.id).cmp(&(b.at, b.kind, &b.id)));
    Timeline { events, partial }
}

/// By what an event is found again in another part.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Id(Arc<str>),
    Marker(Arc<str>),
    Ref(&'static str, Arc<str>),
    Fired(Arc<str>),
}

/// What an act is known by where it carries no words: its kind, and its name where the kind says too little.
type Deed = (EventKind, Option<Arc<str>>);

#[derive(Default)]
struct Joined {
    events: Vec<Event>,
    by_key: HashMap<Key, Vec<usize>>,
    /// Acts of ours that went out: their keeper tells of them without a marker.
    ours: HashMap<Deed, Vec<usize>>,
    /// What the keeper tells, of its own or of what was told before.
    by_keeper: BTreeSet<usize>,
}

impl Joined {
    fn take(&mut self, part: &Part, us: &Us) {
        // what a part told already is told: only what stood before it can be the same thing
        let before = self.events.len();
        let mut met: HashSet<usize> = HashSet::new();
        self.events.reserve(part.story.events.len());
        let mut later: Vec<Event> = Vec::new();
        for event in &part.story.events {
            let event = unmarked(event);
            match self.same_by_key(&event, before, &met) {
                Some(at) => {
                    met.insert(at);
                    self.add(at, event, part.origin);
                }
                None => later.push(event),
            }
        }
        // kind, person and time come last: a sure match of another event must not be taken by a guess
        for event in later {
            let told_twice = self.by_key.get(&Key::Id(Arc::clone(&event.id)));
            let told_twice = told_twice.and_then(|places| places.first().copied());
            match told_twice.or_else(|| self.same_by_time(&event, us, before, &met)) {
                Some(at) => {
                    met.insert(at);
                    self.add(at, event, part.origin);
                }
                None => self.push(event, part.origin),
            }
        }
    }

    fn same_by_key(&self, event: &Event, before: usize, met: &HashSet<usize>) -> Option<usize> {
        let found = |key: &Key| self.by_key.get(key).into_iter().flatten().copied();
        for key in keys(event) {
            let by_id = matches!(key, Key::Id(_));
            let same = found(&key).find(|&at| {
                let Some(other) = self.events.get(at) else {
                    return false;
                };
                if by_id {
                    return true;
                }
                at < before
                    && !met.contains(&at)
                    && match key {
                        Key::Id(_) | Key::Ref(..) => true,
                        Key::Marker(_) => says_the_same(other, event),
                        Key::Fired(_) => (other.at - event.at).abs() <= FIRED_WITHIN,
                    }
            });
            if same.is_some() {
                return same;
            }
        }
        None
    }

    fn same_by_time(&self, event: &Event, us: &Us, before: usize, met: &HashSet<usize>) -> Option<usize> {
        if event.delivery != Delivery::Local || !event.actor.as_deref().is_some_and(|actor| us.are(actor)) {
            return None;
        }
        let mine = self.ours.get(&deed(event)?)?;
        let apart = |at: usize| self.events.get(at).map(|other| event.at - other.at);
        mine.iter()
            .copied()
            .filter(|&at| at < before && !met.contains(&at))
            .filter_map(|at| Some((at, apart(at)?)))
            .filter(|(_, apart)| *apart >= -SKEW && *apart <= OURS_WITHIN)
            .min_by_key(|(_, apart)| apart.abs())
            .map(|(at, _)| at)
    }

    fn push(&mut self, event: Event, origin: Origin) {
        let at = self.events.len();
        self.index(&event, at);
        if origin == Origin::Keeper {
            self.by_keeper.insert(at);
        }
        let went_out = matches!(
            event.delivery,
            Delivery::Sending | Delivery::NeedsDecision | Delivery::Confirmed
        );
        if let Some(deed) = deed(&event).filter(|_| origin == Origin::Outbox && went_out) {
            self.ours.entry(deed).or_default().push(at);
        }
        self.events.push(event);
    }

    fn index(&mut self, event: &Event, at: usize) {
        for key in keys(event) {
            let places = self.by_key.entry(key).or_default();
            if !places.contains(&at) {
                places.push(at);
            }
        }
    }

    /// Adds what `event` tells to the event that stands there.
    fn add(&mut self, at: usize, event: Event, origin: Origin) {
        self.index(&event, at);
        let Some(kept) = self.events.get_mut(at) else {
            return;
        };
        if kept.id != event.id {
            kept.refs.entry("same_as".into()).or_insert(Arc::clone(&event.id));
        }
        if kept.at != event.at {
            kept.refs
                .entry("told_at".into())
                .or_insert_with(|| stamp(event.at));
        }
        if origin == Origin::Keeper
            && kept.refs.contains_key("outbox")
            && deed(kept).is_some()
            && event.at - kept.at > SKEW
        {
            let asked = std::mem::replace(&mut kept.at, event.at);
            kept.text = format!("{} (asked for at {})", kept.text, asked.format("%H:%MZ")).into();
            kept.refs.insert("asked_at".into(), stamp(asked));
        }
        if vague(kept.kind) || (kept.kind == EventKind::AlertFired && event.kind == EventKind::Triggered) {
            kept.kind = event.kind;
        }
        if kept.text.is_empty() {
            kept.text = event.text;
        }
        if origin == Origin::Keeper {
            self.by_keeper.insert(at);
            kept.source = event.source;
            // the keeper shows it: whatever we still believed of it, it is there
            if kept.delivery != Delivery::Local {
                kept.delivery = Delivery::Confirmed;
            }
            if event.actor.is_some() {
                kept.actor = event.actor;
            }
        } else if kept.actor.is_none() {
            kept.actor = event.actor;
        }
        if event.starred == Starred::Yes {
            kept.starred = Starred::Yes;
        }
        for (name, value) in event.refs {
            kept.refs.entry(name).or_insert(value);
        }
    }
}

/// The event with the marker taken off its text and put among its references.
fn unmarked(event: &Event) -> Event {
    let mut event = event.clone();
    if let Some(marker) = Marker::of(&event.text) {
        event.text = without_marker(&event.text).into();
        event
            .refs
            .entry("marker".into())
            .or_insert_with(|| marker.digits().into());
    }
    event
}

fn keys(event: &Event) -> impl Iterator<Item = Key> {
    let reference = |name: &str| event.refs.get(name).map(Arc::clone);
    let fired = matches!(event.kind, EventKind::AlertFired | EventKind::Triggered);
    std::iter::once(Key::Id(Arc::clone(&event.id)))
        .chain(reference("same_as").map(Key::Id))
        .chain(reference("marker").map(Key::Marker))
        .chain(
            IDENTITIES
                .into_iter()
                .filter_map(move |name| Some(Key::Ref(name, reference(name)?))),
        )
        .chain(
            fired
                .then(|| event.refs.get("alert").map(Arc::clone))
                .flatten()
                .map(Key::Fired),
        )
}

/// A marker that somebody quotes in words of their own is no second telling of ours.
fn says_the_same(one: &Event, other: &Event) -> bool {
    let (a, b) = (one.text.trim(), other.text.trim());
    let spoken = |kind| matches!(kind, EventKind::Note | EventKind::StatusUpdate);
    if !(spoken(one.kind) && spoken(other.kind)) {
        return true;
    }
    a.is_empty() || b.is_empty() || a.starts_with(b) || b.starts_with(a) || a.contains(b) || b.contains(a)
}

/// Kinds that give way to what another source knows better.
fn vague(kind: EventKind) -> bool {
    matches!(kind, EventKind::Command | EventKind::Other)
}

fn stamp(at: DateTime<Utc>) -> Arc<str> {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true).into()
}

/// The reference by which an act whose kind says too little is named: see [`ACTS`].
pub const ACT: &str = "act";
/// The names of such acts.
pub const ACTS: [&str; 4] = ["snooze", "priority", "merge", "page"];

/// Acts without words of their own. Words are known by their marker; two notes of ours are not one because they
/// were written within the quarter of an hour.
fn deed(event: &Event) -> Option<Deed> {
    match event.kind {
        EventKind::Acknowledged
        | EventKind::Unacknowledged
        | EventKind::Escalated
        | EventKind::Assigned
        | EventKind::Resolved => Some((event.kind, None)),
        EventKind::Other => Some((event.kind, Some(event.refs.get(ACT).map(Arc::clone)?))),
        EventKind::AlertFired
        | EventKind::AlertResolved
        | EventKind::AlertGone
        | EventKind::BurnStarted
        | EventKind::BurnStopped
        | EventKind::Triggered
        | EventKind::Note
        | EventKind::StatusUpdate
        | EventKind::Deploy
        | EventKind::Command
        | EventKind::Silence => None,
    }
}

/// The parts of one incident's story, merged anew only when one of them changed.
#[derive(Debug, Clone, Default)]
pub struct Story {
    parts: BTreeMap<Origin, Arc<Timeline>>,
    us: Us,
    stars: Arc<HashSet<Arc<str>>>,
    merged: Arc<Timeline>,
}

impl Story {
    /// Sets what one source tells; whether that changed the story.
    pub fn set(&mut self, origin: Origin, told: Arc<Timeline>) -> Changed {
        // equal allocations are equal without a look inside
        if self.parts.get(&origin).is_some_and(|before| *before == told) {
            return Changed::No;
        }
        self.parts.insert(origin, told);
        self.remerge()
    }

    /// Sets by which names sources know the engineer.
    pub fn set_us(&mut self, us: Us) -> Changed {
        if self.us == us {
            return Changed::No;
        }
        self.us = us;
        self.remerge()
    }

    /// Sets which events are key moments, by any of their names.
    pub fn set_stars(&mut self, stars: Arc<HashSet<Arc<str>>>) -> Changed {
        if self.stars == stars {
            return Changed::No;
        }
        self.stars = stars;
        self.remerge()
    }

    /// Names under which its starred events are to be starred too.
    pub fn unstarred_names(&self) -> Vec<Arc<str>> {
        unstarred_names(&self.merged, &self.stars)
    }

    /// The story as it stands.
    pub fn timeline(&self) -> &Arc<Timeline> {
        &self.merged
    }

    fn remerge(&mut self) -> Changed {
        let parts: Vec<Part> = self
            .parts
            .iter()
            .map(|(&origin, story)| Part {
                origin,
                story: Arc::clone(story),
            })
            .collect();
        let mut merged = merge(&parts, &self.us);
        star(&mut merged, &self.stars);
        if *self.merged == merged {
            return Changed::No;
        }
        self.merged = Arc::new(merged);
        Changed::Yes
    }
}

/// Whether something is other than it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// Every name an event may be known by: a star set while it was in the outbox holds when the keeper tells it.
pub fn names(event: &Event) -> impl Iterator<Item = &Arc<str>> {
    let refs = ["marker", "log_entry", "note", "annotation", "same_as", "also"];
    std::iter::once(&event.id).chain(refs.into_iter().filter_map(|name| event.refs.get(name)))
}

/// Marks the events that are known by one of these names.
pub fn star<S: BuildHasher>(timeline: &mut Timeline, stars: &HashSet<Arc<str>, S>) {
    if stars.is_empty() {
        return;
    }
    for event in &mut timeline.events {
        if names(event).any(|name| stars.contains(name)) {
            event.starred = Starred::Yes;
        }
    }
}

/// The names of starred events that no star stands under yet: what is starred under one of its names is to be found
/// under all of them, for the one that was known first may be forgotten first.
pub fn unstarred_names<S: BuildHasher>(timeline: &Timeline, stars: &HashSet<Arc<str>, S>) -> Vec<Arc<str>> {
    if stars.is_empty() {
        return Vec::new();
    }
    let starred = timeline
        .events
        .iter()
        .filter(|event| event.starred == Starred::Yes);
    let known = starred.filter(|event| names(event).any(|name| stars.contains(name)));
    known
        .flat_map(names)
        .filter(|name| !stars.contains(*name))
        .cloned()
        .collect()
}

/// The moment the keeper told of an event, where that is another than when it was typed.
pub fn told_at(event: &Event) -> Option<DateTime<Utc>> {
    event.refs.get("told_at")?.parse().ok()
}

#[cfg(test)]
mod tests;
