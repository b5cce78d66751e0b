//! What the panes are turned to: a stack, so that `,` undoes one step, with a visible breadcrumb.
//!
//! A step is the whole of what holds from then on ([`Scope`]), so that undoing one is looking at the one before. A
//! pane that is pinned keeps the scope that it was pinned with. What a range means to each pane, the pane says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::focus::PaneId;
use super::list::Direction;
use super::{Model, Zone};
use crate::domain::incident::IncidentId;
use crate::domain::selector::Selector;
use crate::domain::service_map::{Caller, ServiceMap};
use crate::domain::trace_id::TraceId;

/// What the panes are turned to: nothing at all is everything, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Only this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only where these labels of the environment are not told otherwise: [`crate::domain::environment`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// This time; nothing is the present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<TimeRange>,
    /// The trace that it began from.
    #[serde(skip_serializing_if = "Option::is_none", with = "as_text")]
    pub trace: Option<TraceId>,
    /// The incident that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
}

impl Scope {
    /// A service, now.
    pub fn of_service(service: &str) -> Self {
        Self {
            service: Some(service.to_owned()),
            ..Self::default()
        }
    }

    /// The service and the environment of it, as a backend tells them.
    pub fn selector(&self, caller: Caller, services: &ServiceMap) -> Selector {
        let service = self.service.as_deref();
        Selector {
            service: service.map(|service| services.theirs(caller, service).into()),
            labels: self.labels.clone(),
        }
    }

    /// The same of another time.
    #[must_use]
    pub fn with_range(&self, range: Option<TimeRange>) -> Self {
        Self {
            range,
            ..self.clone()
        }
    }

    /// Whether it narrows nothing.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// The service, or what else it is best known by; remote text, not yet safe.
    pub fn name(&self) -> String {
        if let Some(service) = &self.service {
            return service.clone();
        }
        if !self.labels.is_empty() {
            let labels = self.labels.iter().map(|(name, value)| format!("{name}={value}"));
            return labels.collect::<Vec<_>>().join(" ");
        }
        if let Some(trace) = self.trace {
            return format!("trace {}", short(trace));
        }
        match &self.incident {
            Some(incident) => incident.0.to_string(),
            None => "everything".to_owned(),
        }
    }

    /// All of it but its time; remote text, not yet safe.
    fn place(&self) -> String {
        let mut words = self.name();
        for value in self.labels.values().filter(|_| self.service.is_some()) {
            let _ = write!(words, " {value}");
        }
        let is_named = self.service.is_some() || !self.labels.is_empty();
        if let Some(trace) = self.trace.filter(|_| is_named) {
            let _ = write!(words, " trace {}", short(trace));
        }
        words
    }

    /// In a few words, with times in a zone, and with their day where that is not `now`'s; remote text, not yet safe.
    pub fn words(&self, zone: Zone, now: DateTime<Utc>) -> String {
        let mut words = self.place();
        if let Some(range) = self.range {
            let _ = write!(words, " {}", range.words(zone, now));
        }
        words
    }
}

/// The beginning of a trace's id, as much as tells it from others on a screen.
pub fn short(trace: TraceId) -> String {
    let mut text = trace.to_string();
    text.truncate(8);
    text
}

/// A stretch of time that the panes are turned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end; nothing while it goes on up to now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
}

impl TimeRange {
    /// From then on until now, and what is to come.
    pub fn since(from: DateTime<Utc>) -> Self {
        Self { from, to: None }
    }

    /// From one moment to another, in whichever order they come.
    pub fn between(one: DateTime<Utc>, other: DateTime<Utc>) -> Self {
        Self {
            from: one.min(other),
            to: Some(one.max(other)),
        }
    }

    /// As much before a moment as behind it.
    pub fn around(at: DateTime<Utc>, margin: TimeDelta) -> Self {
        let early = at.checked_sub_signed(margin).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let late = at.checked_add_signed(margin).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self::between(early, late)
    }

    /// Whether a moment lies within.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.to.is_none_or(|to| at <= to)
    }

    /// Its end, which is now where it has none.
    pub fn end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.to.unwrap_or(now).max(self.from)
    }

    /// The moment that its lines are shown around, where it is over.
    pub fn middle(&self) -> Option<DateTime<Utc>> {
        let to = self.to?;
        Some(self.from + (to - self.from) / 2)
    }

    /// As long a stretch half its length earlier or later; nothing where that would be the present again.
    pub fn shifted(&self, towards: Direction, now: DateTime<Utc>) -> Option<Self> {
        let end = self.end(now);
        let length = (end - self.from).max(TimeDelta::minutes(1));
        let by = match towards {
            Direction::Up => -length / 2,
            Direction::Down => length / 2,
        };
        let (from, to) = (self.from.checked_add_signed(by)?, end.checked_add_signed(by)?);
        (to < now).then(|| Self::between(from, to))
    }

    /// `02:47–03:17Z`, `since 02:47Z`; with the day where that is not the one of `now`.
    pub fn words(&self, zone: Zone, now: DateTime<Utc>) -> String {
        let mark = match zone {
            Zone::Utc => "Z",
            Zone::Local => "",
        };
        let day_of = |at| clock(at, zone, "%m-%d");
        let from_day = day_of(self.from);
        let ends = self.to.unwrap_or(now);
        let begins = if from_day == day_of(now) && from_day == day_of(ends) {
            clock(self.from, zone, "%H:%M")
        } else {
            clock(self.from, zone, "%m-%d %H:%M")
        };
        match self.to {
            Some(to) if day_of(to) == from_day => format!("{begins}–{}{mark}", clock(to, zone, "%H:%M")),
            Some(to) => format!("{begins}–{}{mark}", clock(to, zone, "%m-%d %H:%M")),
            None => format!("since {begins}{mark}"),
        }
    }
}

fn clock(at: DateTime<Utc>, zone: Zone, format: &str) -> String {
    match zone {
        Zone::Utc => at.format(format).to_string(),
        Zone::Local => at.with_timezone(&chrono::Local).format(format).to_string(),
    }
}

/// The steps taken, innermost last, and the panes that do not follow them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeStack {
    steps: Vec<Scope>,
    pins: BTreeMap<PaneId, Option<Scope>>,
    /// Those that were typed while nothing in hand was of them.
    unfounded: Vec<Scope>,
}

impl ScopeStack {
    /// The most a stack holds; the oldest step is forgotten first.
    const DEPTH: usize = 16;

    /// Whether the same steps were taken: pins are no steps, and undone by themselves.
    pub fn is_turned_as(&self, other: &Self) -> bool {
        self.steps == other.steps
    }

    /// Notes of a scope that was typed whether anything in hand is of it.
    pub fn note(&mut self, scope: &Scope, is_founded: bool) {
        let scope = scope.with_range(None);
        self.unfounded.retain(|noted| *noted != scope);
        if !is_founded {
            self.unfounded.truncate(Self::DEPTH - 1);
            self.unfounded.insert(0, scope);
        }
    }

    /// Whether nothing in hand was of a scope when it was typed.
    pub fn is_unfounded(&self, scope: &Scope) -> bool {
        self.unfounded.contains(&scope.with_range(None))
    }

    /// What holds now.
    pub fn current(&self) -> Option<&Scope> {
        self.steps.last()
    }

    /// The steps taken, the newest first.
    pub fn steps(&self) -> impl Iterator<Item = &Scope> {
        self.steps.iter().rev()
    }

    /// The service that holds now.
    pub fn service(&self) -> Option<&str> {
        self.current()?.service.as_deref()
    }

    /// The time that holds now; nothing is the present.
    pub fn range(&self) -> Option<TimeRange> {
        self.current()?.range
    }

    /// What a pane is turned to: the scope, or what it was pinned with.
    pub fn of(&self, pane: PaneId) -> Option<&Scope> {
        match self.pins.get(&pane) {
            Some(pinned) => pinned.as_ref(),
            None => self.current(),
        }
    }

    /// The service that a pane is turned to.
    pub fn service_of(&self, pane: PaneId) -> Option<&str> {
        self.of(pane)?.service.as_deref()
    }

    /// The time that a pane is turned to; nothing is the present.
    pub fn range_of(&self, pane: PaneId) -> Option<TimeRange> {
        self.of(pane)?.range
    }

    /// Narrows; a step that changes nothing is not taken.
    pub fn push(&mut self, scope: Scope) -> Stepped {
        if self.current().unwrap_or(&Scope::default()) == &scope {
            return Stepped::Nowhere;
        }
        if self.steps.len() == Self::DEPTH {
            self.steps.remove(0);
        }
        self.steps.push(scope);
        Stepped::Moved
    }

    /// Goes to another time. Times gone through one after the other are one step to undo.
    pub fn turn_to(&mut self, range: Option<TimeRange>) -> Stepped {
        let here = self.current().cloned().unwrap_or_default();
        let there = here.with_range(range);
        if there == here {
            return Stepped::Nowhere;
        }
        let before = self.steps.len().checked_sub(2).and_then(|at| self.steps.get(at));
        let is_only_time = match (before, self.steps.len()) {
            (_, 0) => false,
            (Some(before), _) => before.with_range(None) == here.with_range(None),
            (None, _) => here.with_range(None).is_everything(),
        };
        if is_only_time {
            self.steps.pop();
        }
        self.push(there);
        Stepped::Moved
    }

    /// Back to the present: to the scope before times were gone through, where that is of the present.
    pub fn to_present(&mut self) -> Stepped {
        let here = self.current().map(|here| here.with_range(None));
        let before = self.steps.len().checked_sub(2).and_then(|at| self.steps.get(at));
        match (here, before) {
            (Some(here), Some(before))
                if before.with_range(None) == here && before.range.is_none_or(|range| range.to.is_none()) =>
            {
                self.pop()
            }
            (Some(here), None) if here.is_everything() => self.pop(),
            (Some(_) | None, _) => self.turn_to(None),
        }
    }

    /// Undoes the last step.
    pub fn pop(&mut self) -> Stepped {
        match self.steps.pop() {
            Some(_) => Stepped::Moved,
            None => Stepped::Nowhere,
        }
    }

    /// Keeps a pane to what it shows now, or lets it follow the scope again; whether it is pinned then.
    pub fn pin(&mut self, pane: PaneId) -> Pinned {
        if self.pins.remove(&pane).is_some() {
            return Pinned::No;
        }
        self.pins.insert(pane, self.current().cloned());
        Pinned::Yes
    }

    /// Lets a pane follow the scope again.
    pub fn release(&mut self, pane: PaneId) {
        self.pins.remove(&pane);
    }

    /// Whether a pane keeps to what it was pinned with.
    pub fn is_pinned(&self, pane: PaneId) -> bool {
        self.pins.contains_key(&pane)
    }

    /// The panes that are pinned.
    pub fn pinned(&self) -> BTreeSet<PaneId> {
        self.pins.keys().copied().collect()
    }

    /// `checkout › payment since 02:47Z`, outermost first; empty without a scope. Remote text, not yet safe.
    pub fn breadcrumb(&self, zone: Zone, now: DateTime<Utc>) -> String {
        let Some((last, before)) = self.steps.split_last() else {
            return String::new();
        };
        let mut crumbs: Vec<String> = before.iter().map(Scope::place).collect();
        crumbs.dedup();
        if crumbs.last() == Some(&last.place()) {
            crumbs.pop();
        }
        crumbs.push(last.words(zone, now));
        crumbs.join(" › ")
    }
}

impl Model {
    /// What the panes are narrowed to, as a backend tells it.
    pub fn selector(&self, caller: Caller) -> Selector {
        self.selected_by(self.scope.current(), caller)
    }

    /// What a pane is narrowed to, as a backend tells it.
    pub fn selector_of(&self, pane: PaneId, caller: Caller) -> Selector {
        self.selected_by(self.scope.of(pane), caller)
    }

    fn selected_by(&self, scope: Option<&Scope>, caller: Caller) -> Selector {
        let selector = |scope: &Scope| scope.selector(caller, &self.settings.services);
        scope.map(selector).unwrap_or_default()
    }
}

/// Whether a step changed the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// It did.
    Moved,
    /// It did not.
    Nowhere,
}

/// Whether a pane keeps to what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinned {
    /// It does.
    Yes,
    /// It follows the scope.
    No,
}

/// A trace's id as its hexadecimal digits.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::TraceId;

    #[expect(clippy::ref_option, reason = "serde hands the field over as it is")]
    pub(super) fn serialize<S: Serializer>(id: &Option<TraceId>, to: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => to.collect_str(id),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<TraceId>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32, minute: u32) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(i64::from(hour * 60 + minute))
    }

    #[test]
    fn scopes_stack_and_undo_in_order() {
        let mut stack = ScopeStack::default();
        assert_eq!(stack.push(Scope::default()), Stepped::Nowhere);
        assert_eq!(stack.push(Scope::of_service("checkout")), Stepped::Moved);
        assert_eq!(stack.push(Scope::of_service("checkout")), Stepped::Nowhere);
        assert_eq!(stack.push(Scope::of_service("payment")), Stepped::Moved);
        assert_eq!(stack.breadcrumb(Zone::Utc, at(4, 0)), "checkout › payment");
        assert_eq!(stack.pop(), Stepped::Moved);
        assert_eq!(stack.service(), Some("checkout"));
        stack.pop();
        assert_eq!(stack.pop(), Stepped::Nowhere);
    }

    #[test]
    fn the_trail_says_of_each_step_which_environment_it_was_of() {
        let in_cluster = |service: Option<&str>, cluster: &str| Scope {
            service: service.map(str::to_owned),
            labels: BTreeMap::from([("cluster".to_owned(), cluster.to_owned())]),
            ..Scope::default()
        };
        let mut stack = ScopeStack::default();
        stack.push(in_cluster(None, "eu"));
        assert_eq!(stack.breadcrumb(Zone::Utc, at(4, 0)), "cluster=eu");
        stack.push(in_cluster(Some("checkout"), "eu"));
        stack.push(in_cluster(Some("checkout"), "us"));
        assert_eq!(
            stack.breadcrumb(Zone::Utc, at(4, 0)),
            "cluster=eu › checkout eu › checkout us"
        );
        stack.turn_to(Some(TimeRange::since(at(3, 2))));
        assert_eq!(
            stack.breadcrumb(Zone::Utc, at(4, 0)),
            "cluster=eu › checkout eu › checkout us since 03:02Z"
        );
    }

    #[test]
    fn times_gone_through_are_one_step_and_undone_in_one() {
        let mut stack = ScopeStack::default();
        stack.push(Scope::of_service("checkout"));
        let hour = TimeRange::between(at(2, 0), at(3, 0));
        assert_eq!(stack.turn_to(Some(hour)), Stepped::Moved);
        let before = hour.shifted(Direction::Up, at(4, 0));
        assert_eq!(stack.turn_to(before), Stepped::Moved);
        assert_eq!(stack.turn_to(before), Stepped::Nowhere);
        assert_eq!(stack.breadcrumb(Zone::Utc, at(4, 0)), "checkout 01:30–02:30Z");
        stack.pop();
        assert_eq!(stack.current(), Some(&Scope::of_service("checkout")));

        let mut stack = ScopeStack::default();
        stack.turn_to(Some(hour));
        stack.turn_to(before);
        assert_eq!(stack.breadcrumb(Zone::Utc, at(4, 0)), "everything 01:30–02:30Z");
        stack.pop();
        assert_eq!(stack.current(), None);
    }

    #[test]
    fn a_range_goes_back_from_the_present_and_forward_until_it_is_the_present() {
        let now = at(4, 0);
        let range = TimeRange::since(at(3, 0));
        let earlier = range.shifted(Direction::Up, now).unwrap();
        assert_eq!(earlier, TimeRange::between(at(2, 30), at(3, 30)));
        assert_eq!(earlier.shifted(Direction::Down, now), None);
        assert_eq!(earlier.middle(), Some(at(3, 0)));
        assert_eq!(range.middle(), None);
        assert!(range.holds(now) && !earlier.holds(now));
        assert_eq!(range.words(Zone::Utc, now), "since 03:00Z");
        assert_eq!(earlier.words(Zone::Utc, now), "02:30–03:30Z");
        let days_later = at(76, 0);
        assert_eq!(range.words(Zone::Utc, days_later), "since 01-01 03:00Z");
        assert_eq!(earlier.words(Zone::Utc, days_later), "01-01 02:30–03:30Z");
        assert_eq!(
            TimeRange::between(at(23, 0), at(25, 0)).words(Zone::Utc, at(25, 0)),
            "01-01 23:00–01-02 01:00Z"
        );
        let far = TimeRange::between(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert_eq!(far.shifted(Direction::Up, now), None);
    }

    #[test]
    fn a_pinned_pane_keeps_what_it_was_pinned_with() {
        let mut stack = ScopeStack::default();
        stack.push(Scope::of_service("checkout"));
        assert_eq!(stack.pin(PaneId::Logs), Pinned::Yes);
        stack.push(Scope::of_service("payment"));
        assert_eq!(stack.service_of(PaneId::Logs), Some("checkout"));
        assert_eq!(stack.service_of(PaneId::Traces), Some("payment"));
        assert_eq!(stack.pin(PaneId::Logs), Pinned::No);
        assert_eq!(stack.service_of(PaneId::Logs), Some("payment"));
        assert!(!stack.is_pinned(PaneId::Logs));
    }

    #[test]
    fn a_scope_is_written_and_read_as_it_was() {
        let scope = Scope {
            service: Some("checkout".to_owned()),
            labels: BTreeMap::from([("cluster".to_owned(), "eu".to_owned())]),
            range: Some(TimeRange::since(at(3, 2))),
            trace: TraceId::from_hex(b"7f3a0000000000000000000000000001"),
            incident: Some(IncidentId("local-3".into())),
        };
        assert_eq!(
            scope.words(Zone::Utc, at(4, 0)),
            "checkout eu trace 7f3a0000 since 03:02Z"
        );
        for scope in [scope, Scope::default()] {
            let text = serde_json::to_string(&scope).unwrap();
            assert_eq!(serde_json::from_str::<Scope>(&text).unwrap(), scope, "{text}");
        }
        assert!(serde_json::from_str::<Scope>(r#"{"services":"x"}"#).is_err());
    }
}
