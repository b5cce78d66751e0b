//! A story of 10,000 events: merged from its sources, and read as a screen reads it when it opens.

use std::sync::Arc;

use chrono::TimeDelta;
use midwatch::domain::oneself::Us;
use midwatch::domain::timeline::merge::{Origin, Part, merge};
use midwatch::domain::timeline::{Delivery, Event, EventKind, Group, Stamp, Starred, Timeline, todos};
use midwatch::text::SafeText;

use crate::figure::{Held, Samples, held};
use crate::fixtures;

const EVENTS: usize = 10_000;
/// Every so many events stand in the outbox and at the keeper, joined by their marker.
const OURS: usize = 5;
const SCREEN: usize = 60;

fn event(n: usize, kind: EventKind, id: String, text: String) -> Event {
    Event {
        id: id.into(),
        at: fixtures::now().utc - TimeDelta::seconds((EVENTS - n) as i64),
        kind,
        actor: Some("Jun".into()),
        source: "pagerduty".into(),
        text: text.into(),
        refs: [("service".into(), "checkout".into())].into(),
        delivery: Delivery::Local,
        starred: Starred::No,
    }
}

fn parts() -> Vec<Part> {
    let mut keeper = Timeline::default();
    let mut ours = Timeline::default();
    let mut seen = Timeline::default();
    for n in 0..EVENTS {
        let text = format!("something happened, number {n}\nTODO look at it again");
        if n % OURS == 0 {
            let digits: String = format!("{n:010}")
                .bytes()
                .map(|b| char::from(b - b'0' + b'A'))
                .collect();
            let told = format!("{text} [mw:{digits}]");
            keeper
                .events
                .push(event(n, EventKind::Note, format!("R{n}"), told));
            let mut own = event(n, EventKind::Note, format!("outbox-{n}"), text);
            own.delivery = Delivery::Confirmed;
            own.refs.insert("marker".into(), digits.into());
            ours.events.push(own);
        } else if n % 2 == 0 {
            keeper
                .events
                .push(event(n, EventKind::Acknowledged, format!("R{n}"), text));
        } else {
            let mut fired = event(n, EventKind::AlertFired, format!("j{n}"), text);
            fired
                .refs
                .insert("alert".into(), format!("{:016x}", n % 97).into());
            seen.events.push(fired);
        }
    }
    [
        (Origin::Keeper, keeper),
        (Origin::Outbox, ours),
        (Origin::Journal, seen),
    ]
    .map(|(origin, story)| Part {
        origin,
        story: Arc::new(story),
    })
    .into()
}

pub fn measure() {
    let parts = parts();
    let us = Us::of("jun@example.com", None);
    assert_eq!(merge(&parts, &us).events.len(), EVENTS);
    let now = fixtures::now().utc;
    let opened = Samples::of_runs(
        5,
        50,
        || (),
        |()| {
            let story = merge(&parts, &us);
            let follow_ups = todos(&story);
            let rows: Vec<String> = story
                .events
                .iter()
                .rev()
                .filter(|event| Group::People.shows(event))
                .take(SCREEN)
                .map(|event| {
                    let at = Stamp::Absolute.write(event.at, now, now);
                    format!("{at} {}", SafeText::line(&event.text))
                })
                .collect();
            (story, follow_ups, rows)
        },
    );
    let bound = (Held::P99, 50.0);
    held(
        "a timeline of 10,000 events merged and opened",
        "ms",
        &opened,
        bound,
    );
}
