//! Acts of the outbox, as events of a timeline: what was typed here, with how far it has come.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Entry, Payload, Purpose, State};
use crate::domain::alert::ack;
use crate::domain::alert::matcher;
use crate::domain::incident::{IncidentAct, IncidentId, Person, Status};
use crate::domain::timeline::{Event, EventKind, Starred, Timeline};
use crate::time::prometheus_duration;

/// The word in what keepers say of an act that found its incident where it would have brought it.
const ALREADY: &str = "already";

/// What these entries tell.
pub fn timeline<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Timeline {
    Timeline {
        events: entries.into_iter().map(event).collect(),
        partial: Vec::new(),
    }
}

/// The incident that an entry is about.
pub fn incident_of(entry: &Entry) -> Option<&IncidentId> {
    match &entry.payload {
        Payload::Incident { incident, .. } => Some(incident),
        Payload::Silence { .. }
        | Payload::ExtendSilence { .. }
        | Payload::ExpireSilence { .. }
        | Payload::Annotation(_) => None,
    }
}

/// One entry.
pub fn event(entry: &Entry) -> Event {
    let mut refs: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    refs.insert("outbox".into(), entry.id.to_string().into());
    refs.insert("marker".into(), entry.marker.digits().into());
    if let Some(error) = &entry.last_error {
        refs.insert("error".into(), Arc::clone(error));
    }
    // keepers say so where the act found it done: then it is one with the entry of who did it
    if entry.state == State::Confirmed && entry.outcome.contains(ALREADY) {
        refs.insert(ALREADY.into(), Arc::clone(&entry.outcome));
    }
    let (kind, text, at) = told(entry, &mut refs);
    Event {
        id: format!("outbox-{}", entry.id).into(),
        at,
        kind,
        actor: Some(Arc::clone(&entry.actor)),
        source: "console".into(),
        text: text.into(),
        refs,
        delivery: entry.state.into(),
        starred: Starred::No,
    }
}

type Told = (EventKind, String, chrono::DateTime<chrono::Utc>);

fn told(entry: &Entry, refs: &mut BTreeMap<Arc<str>, Arc<str>>) -> Told {
    let at = entry.created_at;
    match &entry.payload {
        Payload::Silence {
            matchers,
            comment,
            purpose,
            ..
        } => {
            let what = matcher::display_list(matchers);
            match purpose {
                Purpose::Acknowledge { covers } => {
                    if let [one] = covers.as_slice() {
                        refs.insert("alert".into(), one.fingerprint.to_string().into());
                    }
                    (EventKind::Acknowledged, joined(&what, ack::note(comment)), at)
                }
                Purpose::Silence => (
                    EventKind::Silence,
                    joined(&what, ack::without_marker(comment)),
                    at,
                ),
            }
        }
        Payload::ExtendSilence { id, until, .. } => {
            refs.insert("silence".into(), Arc::clone(id));
            let text = format!("silence {id} lasts until {}", until.format("%Y-%m-%d %H:%MZ"));
            (EventKind::Silence, text, at)
        }
        Payload::ExpireSilence { id, hands_back, .. } => {
            refs.insert("silence".into(), Arc::clone(id));
            if hands_back.is_empty() {
                (EventKind::Silence, format!("silence {id} ended"), at)
            } else {
                let alerts = hands_back.len();
                (EventKind::Unacknowledged, format!("{alerts} handed back"), at)
            }
        }
        Payload::Incident { act, .. } => {
            let (kind, text) = done(act, refs);
            (kind, text, at)
        }
        Payload::Annotation(draft) => {
            if !draft.tags.is_empty() {
                refs.insert("tags".into(), draft.tags.join(",").into());
            }
            // by its tags its keeper tells whether that is a deploy
            (EventKind::Other, draft.text.clone(), draft.at)
        }
    }
}

fn joined(what: &str, why: &str) -> String {
    let colon = if why.is_empty() { "" } else { ": " };
    format!("{what}{colon}{why}")
}

fn named(people: &[Person]) -> String {
    let names: Vec<&str> = people.iter().map(|person| &*person.name).collect();
    names.join(", ")
}

fn done(act: &IncidentAct, refs: &mut BTreeMap<Arc<str>, Arc<str>>) -> (EventKind, String) {
    match act {
        IncidentAct::Acknowledge => (EventKind::Acknowledged, "acknowledged".to_owned()),
        IncidentAct::Resolve { resolution } => (EventKind::Resolved, joined("resolved", resolution)),
        IncidentAct::Escalate { to } => (EventKind::Escalated, format!("escalated to level {to}")),
        IncidentAct::ReassignTo { people } => {
            (EventKind::Assigned, format!("reassigned to {}", named(people)))
        }
        IncidentAct::ReassignPolicy { policy } => (
            EventKind::Assigned,
            format!("reassigned to {}, from its level 1", policy.name),
        ),
        IncidentAct::Page { people, message } => (
            EventKind::Other,
            joined(&format!("asked {} to help", named(people)), message),
        ),
        IncidentAct::Snooze { length } => (
            EventKind::Other,
            format!("snoozed for {}", prometheus_duration(*length)),
        ),
        IncidentAct::Merge { from } => {
            let ids: Vec<&str> = from.iter().map(|id| &*id.0).collect();
            (EventKind::Other, format!("merged {} into it", ids.join(", ")))
        }
        IncidentAct::Priority { priority } => (EventKind::Other, format!("set to {}", priority.name)),
        IncidentAct::StatusUpdate { text } => (EventKind::StatusUpdate, text.clone()),
        IncidentAct::Note { text } => (EventKind::Note, text.clone()),
        IncidentAct::Advance { to } => {
            refs.insert("status".into(), to.word().into());
            let kind = match to {
                Status::Acknowledged => EventKind::Acknowledged,
                Status::Resolved => EventKind::Resolved,
                Status::Triggered | Status::Investigating | Status::Identified | Status::Monitoring => {
                    EventKind::Other
                }
            };
            (kind, to.word().to_owned())
        }
        IncidentAct::Assign { role, person } => {
            (EventKind::Assigned, format!("{} is {}", person.name, role.word()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::EntryId;
    use super::*;
    use crate::backend::incidents::Seen;
    use crate::domain::alert::ack::Marker;
    use crate::domain::alert::desk::sample::utc;
    use crate::domain::timeline::Delivery;

    fn entry(act: IncidentAct, state: State) -> Entry {
        Entry {
            id: EntryId(7),
            context: "prod".into(),
            created_at: utc(),
            actor: "jun@example.com".into(),
            marker: Marker::from_bits(0),
            payload: Payload::Incident {
                incident: "local-1".into(),
                act,
                seen: Seen {
                    status: Status::Triggered,
                    changed_at: utc(),
                    escalation: None,
                },
                label: "#1".into(),
            },
            state,
            attempts: 1,
            last_error: Some("time-out".into()),
            next_attempt_at: None,
            outcome: "".into(),
            remote_ids: Vec::new(),
        }
    }

    #[test]
    fn a_note_is_told_as_it_was_typed_with_its_state() {
        let text = "two\nlines".to_owned();
        let entry = entry(IncidentAct::Note { text }, State::NeedsDecision);
        let event = event(&entry);
        assert_eq!((event.kind, &*event.text), (EventKind::Note, "two\nlines"));
        assert_eq!(
            (&*event.id, event.delivery),
            ("outbox-7", Delivery::NeedsDecision)
        );
        assert_eq!(
            (&*event.refs["marker"], &*event.refs["error"]),
            ("AAAAAAAAAA", "time-out")
        );
        assert_eq!(incident_of(&entry), Some(&"local-1".into()));
    }

    #[test]
    fn an_act_that_found_it_done_says_so() {
        let mut entry = entry(IncidentAct::Acknowledge, State::Confirmed);
        assert!(!event(&entry).refs.contains_key("already"));
        entry.outcome = "was acknowledged already by Mara".into();
        assert_eq!(
            &*event(&entry).refs["already"],
            "was acknowledged already by Mara"
        );
    }

    #[test]
    fn going_to_monitoring_is_a_moment_that_is_counted() {
        let event = event(&entry(
            IncidentAct::Advance {
                to: Status::Monitoring,
            },
            State::Confirmed,
        ));
        assert_eq!(
            (event.kind, &*event.refs["status"]),
            (EventKind::Other, "monitoring")
        );
    }
}
