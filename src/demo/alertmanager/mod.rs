//! Two Alertmanagers of one gossip cluster over the shop's rules: silences, inhibition, routes, groups.
//!
//! What fires comes from [`Rules`]; what this module keeps is only what people write: silences. Both members
//! share it, so a write to one is seen on the other at once. `silences` holds the rules of creation and change,
//! `http` the wire. Shapes and rules are those of Alertmanager's API v2. Start at [`Cluster`].

mod http;
mod matching;
mod silences;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::alert::{Fingerprint, Labels};

use super::clock::{DemoClock, moment, seconds};
use super::rules::Rules;

pub use http::router;
pub use matching::fingerprint;

use silences::Silences;

/// Prometheus tells Alertmanager an end four resend delays ahead; seconds.
const RESOLVE_AFTER: f64 = 240.0;
/// An alert that goes on firing is sent again this often; seconds.
const RESEND: f64 = 60.0;

/// A route of the tree; the root's children, first match unless `goes_on`.
struct Route {
    receiver: &'static str,
    matcher: (&'static str, &'static str),
    group_by: &'static [&'static str],
    goes_on: GoesOn,
}

/// Whether later routes are looked at after a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GoesOn {
    Yes,
    No,
}

const ROUTES: [Route; 3] = [
    Route {
        receiver: "deadman",
        matcher: ("severity", "none"),
        group_by: &["alertname"],
        goes_on: GoesOn::No,
    },
    Route {
        receiver: "pager",
        matcher: ("severity", "critical"),
        group_by: &["service"],
        goes_on: GoesOn::Yes,
    },
    Route {
        receiver: "shop-chat",
        matcher: ("team", "shop|database"),
        group_by: &["service"],
        goes_on: GoesOn::No,
    },
];

const DEFAULT_RECEIVER: &str = "platform-chat";
const DEFAULT_GROUP_BY: &[&str] = &["alertname"];

/// The same tree as `/status` shows it.
const CONFIG: &str = "\
global:
  resolve_timeout: 5m
route:
  receiver: platform-chat
  group_by:
  - alertname
  continue: false
  routes:
  - receiver: deadman
    group_by:
    - alertname
    matchers:
    - severity=\"none\"
    continue: false
  - receiver: pager
    group_by:
    - service
    matchers:
    - severity=\"critical\"
    continue: true
  - receiver: shop-chat
    group_by:
    - service
    matchers:
    - team=~\"shop|database\"
    continue: false
  group_wait: 5s
  group_interval: 30s
  repeat_interval: 4h
inhibit_rules:
- source_matchers:
  - severity=\"critical\"
  target_matchers:
  - severity=~\"warning|info\"
  equal:
  - service
receivers:
- name: platform-chat
- name: deadman
- name: pager
- name: shop-chat
";

/// The gossip cluster.
pub struct Cluster {
    rules: Arc<Rules>,
    clock: DemoClock,
    started: DateTime<Utc>,
    generator: String,
    silences: Mutex<Silences>,
}

/// An alert as Alertmanager has it.
#[derive(Debug, Clone)]
struct Alert {
    fingerprint: Fingerprint,
    labels: Labels,
    annotations: Labels,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    generator_url: String,
    silenced_by: Vec<String>,
    inhibited_by: Vec<Fingerprint>,
    routes: Vec<(&'static str, &'static [&'static str])>,
}

impl Cluster {
    /// A cluster over rules. `generator` is the URL of the Prometheus that sends to it.
    pub fn new(rules: Arc<Rules>, clock: DemoClock, generator: String) -> Self {
        let epoch = *rules.epoch();
        Self {
            rules,
            clock,
            started: clock.now(),
            generator,
            silences: Mutex::new(Silences::of_story(&epoch)),
        }
    }

    fn silences(&self) -> MutexGuard<'_, Silences> {
        self.silences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What fires now, by fingerprint.
    fn alerts(&self) -> Vec<Alert> {
        let now = self.clock.now();
        let evaluation = self.rules.at(seconds(now));
        let silences = self.silences();
        let mut alerts: Vec<Alert> = evaluation
            .rules
            .iter()
            .flat_map(|rule| rule.alerts.iter().map(|alert| (rule.text.query, alert)))
            .filter_map(|(query, alert)| {
                let fired_at = alert.fired_at?;
                let resent = ((evaluation.at - fired_at) / RESEND).floor().max(0.0) * RESEND;
                Some(Alert {
                    fingerprint: fingerprint(&alert.labels),
                    labels: alert.labels.clone(),
                    annotations: alert.annotations.clone(),
                    starts_at: moment(fired_at),
                    ends_at: moment(fired_at + resent + RESOLVE_AFTER),
                    updated_at: moment(fired_at + resent),
                    generator_url: format!("{}/graph?g0.expr={}&g0.tab=1", self.generator, percent(query)),
                    silenced_by: silences.that_hide(&alert.labels, now),
                    inhibited_by: Vec::new(),
                    routes: routes(&alert.labels),
                })
            })
            .collect();
        drop(silences);
        alerts.sort_by_key(|a| a.fingerprint);
        inhibit(&mut alerts);
        alerts
    }
}

/// A critical alert inhibits warnings and infos of the same service; as the server does, one inhibitor is named.
fn inhibit(alerts: &mut [Alert]) {
    let sources: Vec<(Fingerprint, String)> = alerts
        .iter()
        .filter(|a| a.labels.value("severity") == "critical")
        .map(|a| (a.fingerprint, a.labels.value("service").to_owned()))
        .collect();
    for alert in alerts
        .iter_mut()
        .filter(|a| matches!(a.labels.value("severity"), "warning" | "info"))
    {
        let source = sources
            .iter()
            .find(|(_, service)| service == alert.labels.value("service"));
        alert.inhibited_by = source.map(|(fingerprint, _)| *fingerprint).into_iter().collect();
    }
}

fn routes(labels: &Labels) -> Vec<(&'static str, &'static [&'static str])> {
    let mut taken = Vec::new();
    for route in &ROUTES {
        let (name, value) = route.matcher;
        if value.split('|').any(|v| v == labels.value(name)) {
            taken.push((route.receiver, route.group_by));
            if route.goes_on == GoesOn::No {
                break;
            }
        }
    }
    if taken.is_empty() {
        taken.push((DEFAULT_RECEIVER, DEFAULT_GROUP_BY));
    }
    taken
}

/// Percent-encodes whatever is not unreserved (RFC 3986).
pub fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
