//! Alerts that may be of the same trouble.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::alert::{Alert, Fingerprint, Standing};

/// Alerts that are told at most; the others are counted.
pub(super) const MOST: usize = 8;

/// Labels that say where something runs: who shares one may share the trouble.
const PLACES: [&str; 6] = ["pod", "instance", "node", "host", "device", "database"];
/// What began no further apart began near.
const NEAR: TimeDelta = TimeDelta::minutes(30);

/// Why an alert is told beside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// It belongs to the same incident, surely.
    Incident,
    /// It is of the same service.
    Service,
    /// It shares this label, and began near.
    Label(Arc<str>, Arc<str>),
}

impl Relation {
    /// In words. Remote.
    pub fn words(&self) -> String {
        match self {
            Self::Incident => "same incident".to_owned(),
            Self::Service => "same service".to_owned(),
            Self::Label(name, value) => format!("same {name} {value}"),
        }
    }
}

/// Alerts that may be of the same trouble as `own`, or as what began at a service: those of the same incident or service,
/// and those that share a place and began near; nearest in time first. What is over is none of them.
pub fn related<'a>(
    own: Option<&Alert>,
    service: Option<&str>,
    began: DateTime<Utc>,
    alerts: impl Iterator<Item = &'a Arc<Alert>>,
    is_linked: &dyn Fn(Fingerprint) -> bool,
) -> Vec<(Arc<Alert>, Relation)> {
    let mut found: Vec<(Arc<Alert>, Relation)> = alerts
        .filter(|alert| own.is_none_or(|own| own.occurrence.fingerprint != alert.occurrence.fingerprint))
        .filter(|alert| alert.standing() != Standing::Over)
        .filter_map(|alert| {
            let relation = if is_linked(alert.occurrence.fingerprint) {
                Relation::Incident
            } else if service.is_some_and(|service| *alert.service == *service) {
                Relation::Service
            } else {
                place(own?, alert).filter(|_| (alert.occurrence.starts_at - began).abs() <= NEAR)?
            };
            Some((Arc::clone(alert), relation))
        })
        .collect();
    found.sort_by_key(|(alert, _)| {
        let away = (alert.occurrence.starts_at - began).abs();
        (away, alert.occurrence.fingerprint)
    });
    found.dedup_by_key(|(alert, _)| alert.occurrence.fingerprint);
    found
}

/// Where an alert says that it is, in one word: its pod, instance, node.
pub(super) fn place_of(alert: &Alert) -> Option<&str> {
    let mut places = PLACES.iter().filter_map(|name| alert.labels.get(name));
    places.find(|place| !place.is_empty())
}

fn place(own: &Alert, other: &Alert) -> Option<Relation> {
    PLACES.iter().find_map(|name| {
        let value = own.labels.shared(name).filter(|value| !value.is_empty())?;
        (other.labels.get(name) == Some(&**value))
            .then(|| Relation::Label(Arc::from(*name), Arc::clone(value)))
    })
}
