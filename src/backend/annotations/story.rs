//! Marks of the annotations backend, as events of a timeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Annotation, Marks};
use crate::domain::timeline::{Delivery, Event, EventKind, Starred, Timeline};

/// What the marks tell; `source` is the backend's name.
pub fn timeline(marks: &Marks, source: &Arc<str>) -> Timeline {
    Timeline {
        events: marks
            .annotations
            .iter()
            .map(|annotation| event(annotation, source))
            .collect(),
        partial: marks.partial.iter().cloned().collect(),
    }
}

fn event(annotation: &Annotation, source: &Arc<str>) -> Event {
    let mut refs: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    refs.insert("annotation".into(), Arc::clone(&annotation.id));
    if let Some(marker) = &annotation.marker {
        refs.insert("marker".into(), marker.digits().into());
    }
    if !annotation.tags.is_empty() {
        refs.insert("tags".into(), annotation.tags.join(",").into());
    }
    if let Some(service) = annotation.service() {
        refs.insert("service".into(), service.into());
    }
    if let Some(until) = annotation.until {
        let until = until.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        refs.insert("until".into(), until.into());
    }
    Event {
        id: format!("ann-{}", annotation.id).into(),
        at: annotation.at,
        kind: EventKind::Deploy,
        actor: annotation.author.clone(),
        source: Arc::clone(source),
        text: Arc::clone(&annotation.text),
        refs,
        delivery: Delivery::Local,
        starred: Starred::No,
    }
}
