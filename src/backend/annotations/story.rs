//! Marks of the annotations backend, as events of a timeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Annotation, Marks};
use crate::domain::timeline::{Delivery, Event, EventKind, Starred, Timeline};

/// What the marks tell; `source` is the backend's name, and marks with any of `deploy_tags` are deploys (all are
/// where there are none).
pub fn timeline(marks: &Marks, source: &Arc<str>, deploy_tags: &[String]) -> Timeline {
    Timeline {
        events: marks
            .annotations
            .iter()
            .map(|annotation| event(annotation, source, deploy_tags))
            .collect(),
        partial: marks.partial.iter().cloned().collect(),
    }
}

fn event(annotation: &Annotation, source: &Arc<str>, deploy_tags: &[String]) -> Event {
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
        kind: if annotation.is_deploy(deploy_tags) {
            EventKind::Deploy
        } else {
            EventKind::Other
        },
        actor: annotation.author.clone(),
        source: Arc::clone(source),
        text: Arc::clone(&annotation.text),
        refs,
        delivery: Delivery::Local,
        starred: Starred::No,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_mark_is_a_deploy_where_its_tags_say_so_and_a_moment_else() {
        let mark = |tags: &[&str]| Annotation {
            id: "1125".into(),
            at: DateTime::UNIX_EPOCH,
            until: None,
            text: "cache cleared".into(),
            tags: tags.iter().map(|&tag| tag.into()).collect(),
            author: None,
            marker: None,
        };
        let kind = |tags: &[&str], deploys: &[&str]| {
            let marks = Marks {
                annotations: vec![mark(tags)],
                partial: None,
            };
            let deploys: Vec<String> = deploys.iter().map(|&tag| tag.to_owned()).collect();
            let told = timeline(&marks, &"grafana".into(), &deploys);
            assert!(told.events[0].is_mark(), "{:?}", told.events);
            told.events[0].kind
        };
        assert_eq!(kind(&["deploy", "service:api"], &["deploy"]), EventKind::Deploy);
        assert_eq!(kind(&["release"], &["deploy", "release"]), EventKind::Deploy);
        assert_eq!(kind(&["midwatch"], &["deploy"]), EventKind::Other);
        assert_eq!(kind(&[], &["deploy"]), EventKind::Other);
        assert_eq!(kind(&["midwatch"], &[]), EventKind::Deploy, "every mark is one");
    }
}
