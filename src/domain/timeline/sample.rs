//! Events made up for tests.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Delivery, Event, EventKind, Starred, Timeline};

pub(crate) fn utc() -> DateTime<Utc> {
    "2026-11-20T03:02:00Z".parse().expect("a time")
}

/// `seconds` after [`utc`].
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    utc() + TimeDelta::seconds(seconds)
}

/// What a keeper tells.
pub(crate) fn told(id: &str, seconds: i64, kind: EventKind, actor: &str, text: &str) -> Event {
    Event {
        id: id.into(),
        at: at(seconds),
        kind,
        actor: (!actor.is_empty()).then(|| actor.into()),
        source: "pagerduty".into(),
        text: text.into(),
        refs: [].into(),
        delivery: Delivery::Local,
        starred: Starred::No,
    }
}

pub(crate) fn with(mut event: Event, refs: &[(&str, &str)]) -> Event {
    event
        .refs
        .extend(refs.iter().map(|&(name, value)| (name.into(), value.into())));
    event
}

pub(crate) fn ours(delivery: Delivery, mut event: Event) -> Event {
    event.source = "console".into();
    event.delivery = delivery;
    event
}

pub(crate) fn story(events: Vec<Event>) -> Arc<Timeline> {
    Arc::new(Timeline {
        events,
        partial: Vec::new(),
    })
}
