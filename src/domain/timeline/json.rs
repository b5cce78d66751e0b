//! What scripts read of a timeline: the document of `timeline --json`.
//!
//! Field names and meanings are a contract: additions only. Start at [`timeline_document`].

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Event, Starred, Timeline};
use crate::domain::document::{Remarks, document, refs, time};
use crate::domain::incident::IncidentId;

/// The document of `timeline --json`, oldest first; `incident` is null for the whole shift's.
pub fn timeline_document(
    context: &str,
    incident: Option<&IncidentId>,
    timeline: &Timeline,
    remarks: &Remarks,
    now: DateTime<Utc>,
) -> String {
    let rows: Vec<Value> = timeline.events.iter().map(event_json).collect();
    document(
        context,
        now,
        json!({ "incident": incident, "events": rows }),
        remarks,
    )
}

/// One of its events.
pub fn event_json(event: &Event) -> Value {
    json!({
        "id": event.id,
        "at": time(event.at),
        "kind": event.kind.word(),
        "actor": event.actor,
        "source": event.source,
        "text": event.text,
        "refs": refs(&event.refs),
        "delivery": event.delivery.word(),
        "starred": event.starred == Starred::Yes,
    })
}
