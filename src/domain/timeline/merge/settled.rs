//! Acts of ours that found the incident where they would have brought it: their keeper has one entry, of whoever
//! was first, and that is the one told.
//!
//! Either the keeper said so (`already` among the references), or another act of ours, of a second console, has the
//! keeper's only entry near that time.

use chrono::{DateTime, Utc};

use super::super::{Delivery, Event, EventKind, Starred};
use super::{Joined, OURS_WITHIN, SKEW};

/// Acts that bring an incident to where it may be already.
const ONCE: [EventKind; 2] = [EventKind::Acknowledged, EventKind::Resolved];
/// What ends it: behind one of these the same act is another one.
const UNDOES: [EventKind; 4] = [
    EventKind::Triggered,
    EventKind::Unacknowledged,
    EventKind::Escalated,
    EventKind::Assigned,
];

impl Joined {
    /// Folds such acts into the entries that tell what they found.
    pub(super) fn settle(&mut self) {
        let mut gone = Vec::new();
        for kind in ONCE {
            for &at in self.ours.get(&kind).into_iter().flatten() {
                if let Some(found) = self.found_by(at) {
                    gone.push((at, found));
                }
            }
        }
        for &(at, found) in &gone {
            let Some(own) = self.events.get(at).cloned() else {
                continue;
            };
            if let Some(kept) = self.events.get_mut(found) {
                kept.refs.entry("also".into()).or_insert(own.id);
                if own.starred == Starred::Yes {
                    kept.starred = Starred::Yes;
                }
            }
        }
        let mut number = 0;
        self.events.retain(|_| {
            number += 1;
            !gone.iter().any(|(at, _)| at + 1 == number)
        });
    }

    /// The keeper's entry of what an act of ours found done, where it has none of its own.
    fn found_by(&self, at: usize) -> Option<usize> {
        let own = self.events.get(at)?;
        if own.delivery != Delivery::Confirmed || self.by_keeper.contains(&at) {
            return None;
        }
        let already = own.refs.contains_key("already");
        let ours = self.ours.get(&own.kind)?;
        let told = |place: &usize| Some((*place, self.events.get(*place)?));
        let found = self.by_keeper.iter().filter_map(told).filter(|(place, event)| {
            let spent = own.at - told_at(event);
            event.kind == own.kind
                && spent >= -SKEW
                && (already || (ours.contains(place) && spent <= OURS_WITHIN))
        });
        let (place, first) = found.max_by_key(|(place, event)| (told_at(event), *place))?;
        let span = told_at(first)..own.at;
        let mut others = self.by_keeper.iter().filter_map(told);
        let undone = others.any(|(_, event)| {
            let at = told_at(event);
            UNDOES.contains(&event.kind) && at > span.start && at < span.end
        });
        (!undone).then_some(place)
    }
}

/// When its keeper says it was.
fn told_at(event: &Event) -> DateTime<Utc> {
    let told = event.refs.get("told_at");
    told.and_then(|told| told.parse().ok()).unwrap_or(event.at)
}
