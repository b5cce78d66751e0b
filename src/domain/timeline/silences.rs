//! Silences and acknowledgements of alerts as the Alertmanagers list them now, as events of a timeline.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Delivery, Event, EventKind, Starred, Timeline};
use crate::domain::alert::ack::{self, Marker};
use crate::domain::alert::{AlertBoard, BoardSilence, IsAck, MatchOp, SilenceState, matcher};

/// Labels that name a service, whatever the context's own are.
const SERVICE_LABELS: [&str; 2] = ["service", "app"];

/// What became of silences since then: made, and ended. One entry a silence, however many members list it.
pub fn timeline(board: &AlertBoard, since: DateTime<Utc>) -> Timeline {
    let mut told = BTreeSet::new();
    let mut events = Vec::new();
    for row in &board.silences {
        if !told.insert((row.cluster.clone(), row.silence.id.clone())) {
            continue;
        }
        if row.silence.starts_at >= since {
            events.push(about(board, row, made(row)));
        }
        let ended = row.silence.state == SilenceState::Expired && row.silence.ends_at >= since;
        if ended && row.ack == IsAck::No {
            events.push(about(board, row, over(row)));
        }
    }
    Timeline {
        events,
        partial: board.silences_unknown().into_iter().collect(),
    }
}

/// The service that a silence is about: named by a matcher, else that of all alerts which it hides.
fn about(board: &AlertBoard, row: &BoardSilence, mut event: Event) -> Event {
    let silence = &row.silence;
    let named = silence
        .matchers
        .iter()
        .find(|matcher| matches!(matcher.op, MatchOp::Equal) && SERVICE_LABELS.contains(&&*matcher.name));
    let service = named.map(|matcher| Arc::clone(&matcher.value)).or_else(|| {
        let mut hidden = board
            .by_fingerprint
            .values()
            .filter(|alert| alert.silenced_by.contains(&silence.id))
            .map(|alert| &alert.service);
        let first = hidden.next()?;
        hidden.all(|service| service == first).then(|| Arc::clone(first))
    });
    if let Some(service) = service.filter(|service| !service.is_empty()) {
        event.refs.insert("service".into(), service);
    }
    event
}

fn made(row: &BoardSilence) -> Event {
    let silence = &row.silence;
    let what = matcher::display_list(&silence.matchers);
    let (kind, text) = match row.ack {
        IsAck::Yes => {
            let note = ack::note(&silence.comment);
            let colon = if note.is_empty() { "" } else { ": " };
            (EventKind::Acknowledged, format!("{what}{colon}{note}"))
        }
        IsAck::No => {
            let why = ack::without_marker(&silence.comment);
            let colon = if why.is_empty() { "" } else { ": " };
            (EventKind::Silence, format!("{what}{colon}{why}"))
        }
    };
    let mut event = event(row, kind, silence.starts_at, text);
    event.actor = Some(silence.created_by.clone());
    event.refs.insert(
        "until".into(),
        silence
            .ends_at
            .to_rfc3339_opts(SecondsFormat::AutoSi, true)
            .into(),
    );
    if let Some(marker) = Marker::of(&silence.comment) {
        event.refs.insert("marker".into(), marker.digits().into());
    }
    event
}

fn over(row: &BoardSilence) -> Event {
    let text = format!("ended: {}", matcher::display_list(&row.silence.matchers));
    let mut event = event(row, EventKind::Silence, row.silence.ends_at, text);
    event.id = format!("silence-{}-end", row.silence.id).into();
    event
}

fn event(row: &BoardSilence, kind: EventKind, at: DateTime<Utc>, text: String) -> Event {
    Event {
        id: format!("silence-{}", row.silence.id).into(),
        at,
        kind,
        actor: None,
        source: row.source.clone(),
        text: text.into(),
        refs: [("silence".into(), row.silence.id.clone())].into(),
        delivery: Delivery::Local,
        starred: Starred::No,
    }
}
