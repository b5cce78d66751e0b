//! What the shop's alerting tells the pager: alerts that begin and end, as the rules have them.
//!
//! Critical alerts are told, and the slow burn as a ticket. An alert is known by the fingerprint that
//! Alertmanager gives it; its labels travel as custom details.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use crate::demo::alertmanager::fingerprint;
use crate::demo::clock::{moment, seconds};
use crate::demo::rules::{INTERVAL, RuleAlert, Rules};

use super::catalogue::{Service, service_named};
use super::record::Urgency;

/// The rule that is a ticket.
const TICKET: &str = "ErrorBudgetBurnSlow";

/// An alert as it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// By which it is known.
    pub key: String,
    /// In words.
    pub summary: String,
    /// `critical`, `warning`.
    pub severity: String,
    /// How loudly it is to page.
    pub urgency: Urgency,
    /// For which service.
    pub service: &'static Service,
    /// Its labels, and what else the event carries.
    pub details: Json,
}

/// Something that the monitoring told.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// An alert fires.
    Fires(Arc<Firing>),
    /// The alert of this key does no longer.
    Ends(String),
}

/// Follows the rules step by step.
pub struct Watch {
    rules: Arc<Rules>,
    /// The next step to look at; unix seconds.
    next: Option<f64>,
    firing: BTreeMap<String, Arc<Firing>>,
}

impl Watch {
    /// One that has seen nothing yet.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            next: None,
            firing: BTreeMap::new(),
        }
    }

    /// What was told from the last call up to `to`, in order.
    pub fn until(&mut self, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, Signal)> {
        let mut told = Vec::new();
        let to = seconds(to);
        self.follow(to, &mut told);
        // What fired already when the rules were first looked at began at different times.
        told.sort_by_key(|(at, _)| *at);
        told
    }

    fn follow(&mut self, to: f64, told: &mut Vec<(DateTime<Utc>, Signal)>) {
        loop {
            // The first step there is answers for every moment before it.
            let step = self.rules.at(self.next.unwrap_or(0.0));
            if step.at > to {
                return;
            }
            self.next = Some(step.at + INTERVAL);
            let mut gone = std::mem::take(&mut self.firing);
            for alert in step.rules.iter().flat_map(|rule| &rule.alerts) {
                let Some((fired_at, firing)) = paged(alert) else {
                    continue;
                };
                let known = gone.remove(&firing.key);
                let firing = known.unwrap_or_else(|| {
                    let firing = Arc::new(firing);
                    told.push((moment(fired_at), Signal::Fires(Arc::clone(&firing))));
                    firing
                });
                self.firing.insert(firing.key.clone(), firing);
            }
            told.extend(gone.into_keys().map(|key| (moment(step.at), Signal::Ends(key))));
            if self.next.is_some_and(|next| next > to) {
                return;
            }
        }
    }
}

/// The alert as it is told to the pager, where it is.
fn paged(alert: &RuleAlert) -> Option<(f64, Firing)> {
    let fired_at = alert.fired_at?;
    let severity = alert.labels.value("severity");
    let urgency = match (severity, alert.labels.value("alertname")) {
        ("critical", _) => Urgency::High,
        (_, TICKET) => Urgency::Low,
        _ => return None,
    };
    let labels: serde_json::Map<String, Json> = alert
        .labels
        .iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let key = fingerprint(&alert.labels).to_string();
    Some((
        fired_at,
        Firing {
            summary: alert.annotations.value("summary").to_owned(),
            severity: severity.to_owned(),
            urgency,
            service: service_named(alert.labels.value("service")),
            details: json!({
                "labels": labels,
                "fingerprint": key,
                "description": alert.annotations.value("description"),
                "runbook_url": alert.annotations.value("runbook_url"),
            }),
            key,
        },
    ))
}
