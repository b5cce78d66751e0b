//! What happens to local incidents by itself: alerts open them, levels that do not answer pass on.
//!
//! [`decide`] is the whole of it, pure: incidents, board, policies and clocks in, [`Action`]s out. It runs in
//! one console at a time, so a level can come due while none is open. Such a level is never woken late: what
//! was an emergency an hour ago may be over, so the engineer is asked ([`Action::Miss`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::local::{Declaration, LinkedAlert, LocalIncident, Missed};
use super::{AssignedVia, Severity, Status};
use crate::domain::alert::matcher::{self, Matchers};
use crate::domain::alert::{Alert, AlertBoard, AlertState, Fingerprint, Matcher, Occurrence, Standing};
use crate::domain::oncall::OnCall;
use crate::time::{Stamp, before};

/// A level that came due this long before anybody could wake it was missed.
pub const LATE: Duration = Duration::from_secs(60);

/// Two starts of one alert that lie closer are one firing, where it was not over in between: which of its sources
/// answer decides the earliest.
const SAME_FIRING: TimeDelta = TimeDelta::minutes(5);

/// `[[declare]]`: alerts that open an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclareRule {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// How bad.
    pub severity: Severity,
    /// Its title; made from the alerts where none.
    pub title: Option<Arc<str>>,
    /// Its service; the alert's where none.
    pub service: Option<Arc<str>>,
    /// Its policy; the service's where none.
    pub policy: Option<Arc<str>>,
}

impl DeclareRule {
    /// What it is known by in the incidents it opened: its matchers as written.
    pub fn key(&self) -> Arc<str> {
        matcher::display_list(&self.matchers).into()
    }
}

/// The rules, ready to match. One whose matchers do not compile matches nothing (decoding refuses it).
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<(DeclareRule, Arc<str>, Matchers)>);

impl Rules {
    /// Compiles them.
    pub fn new(rules: &[DeclareRule]) -> Self {
        let compiled = rules.iter().filter_map(|rule| {
            let matchers = Matchers::compile(&rule.matchers).ok()?;
            Some((rule.clone(), rule.key(), matchers))
        });
        Self(compiled.collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The firings that belong to an incident, open or not: each opens one at most once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownFirings(BTreeMap<Fingerprint, Vec<Known>>);

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    starts_at: DateTime<Utc>,
    /// What starts later is another firing, however near; nothing while its incident is open.
    until: Option<DateTime<Utc>>,
}

impl Known {
    /// Whether that is a start of its own, which other sources may tell of the same firing.
    fn is_near(&self, firing: Occurrence) -> bool {
        let apart = (self.starts_at - firing.starts_at).abs();
        !apart.is_zero() && apart < SAME_FIRING
    }
}

impl KnownFirings {
    /// Adds one; with the end of its incident, where that is over.
    pub fn add(&mut self, firing: Occurrence, incident_over: Option<DateTime<Utc>>) {
        self.0.entry(firing.fingerprint).or_default().push(Known {
            starts_at: firing.starts_at,
            until: incident_over,
        });
    }

    /// Whether this firing belongs to one.
    pub fn has(&self, firing: Occurrence) -> bool {
        let same = |known: &Known| {
            known.starts_at == firing.starts_at
                || (known.is_near(firing) && known.until.is_none_or(|until| firing.starts_at <= until))
        };
        self.0
            .get(&firing.fingerprint)
            .is_some_and(|known| known.iter().any(same))
    }

    /// Those that this one is taken for although it has a start of its own.
    pub fn near(&self, firing: Occurrence) -> Vec<Occurrence> {
        let known = self.0.get(&firing.fingerprint).into_iter().flatten();
        let near = known.filter(|known| known.is_near(firing));
        near.map(|known| Occurrence {
            starts_at: known.starts_at,
            ..firing
        })
        .collect()
    }

    /// It was seen to be over: what has another start is another firing, also while its incident is open.
    pub fn end(&mut self, firing: Occurrence) {
        for known in self.0.get_mut(&firing.fingerprint).into_iter().flatten() {
            if known.starts_at == firing.starts_at {
                known.until = Some(DateTime::<Utc>::MIN_UTC);
            }
        }
    }
}

/// What is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Open ones.
    pub incidents: &'a [LocalIncident],
    /// Firings that belong to an incident.
    pub known: &'a KnownFirings,
    /// The alerts, where some source is believed.
    pub board: Option<&'a AlertBoard>,
    /// What opens incidents.
    pub rules: &'a Rules,
    /// Who is woken.
    pub on_call: &'a OnCall,
    /// This moment.
    pub now: &'a Stamp,
    /// Since when a console has been watching without a break.
    pub watched_since: &'a Stamp,
}

/// Something to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open an incident.
    Declare(Declaration),
    /// Alerts belong to an incident that is open.
    Link {
        /// Its number.
        incident: u64,
        /// Which alerts.
        alerts: Vec<LinkedAlert>,
        /// By which rule.
        rule: Arc<str>,
    },
    /// Nobody acknowledged in time: wake this level.
    Wake {
        /// Its number.
        incident: u64,
        /// The level it stands at: another one by now means that somebody was faster.
        from: u32,
        /// The level.
        to: u32,
    },
    /// A level was due while nobody watched: ask.
    Miss {
        /// Its number.
        incident: u64,
        /// The level it stands at.
        from: u32,
        /// What was missed.
        missed: Missed,
    },
}

/// What is to be done now.
pub fn decide(scene: &Scene<'_>) -> Vec<Action> {
    let mut actions: Vec<Action> = scene
        .incidents
        .iter()
        .filter_map(|incident| level_due(incident, scene))
        .collect();
    if let Some(board) = scene.board {
        actions.extend(by_rule(board, scene));
    }
    actions
}

fn level_due(incident: &LocalIncident, scene: &Scene<'_>) -> Option<Action> {
    if incident.status != Status::Triggered
        || incident.assigned_via != AssignedVia::Policy
        || incident.missed.is_some()
    {
        return None;
    }
    let policy = scene.on_call.policy(incident.policy.as_deref()?)?;
    let delay = policy.level(incident.level)?.delay?;
    let rests = |at: DateTime<Utc>| incident.rests_until.is_some_and(|until| at < until);
    if rests(scene.now.utc) || scene.now.since(&incident.woken) < delay {
        return None;
    }
    let to = incident.next_level(policy, scene.on_call, scene.now.utc)?;
    // Both would have had to be over before anybody watched.
    let late = scene.watched_since.since(&incident.woken) >= delay.saturating_add(LATE);
    let rested = !rests(before(scene.watched_since.utc, LATE));
    if late && rested {
        let due = incident.woken.later(delay).utc;
        let due = incident.rests_until.map_or(due, |until| due.max(until));
        return Some(Action::Miss {
            incident: incident.number,
            from: incident.level,
            missed: Missed { level: to, due },
        });
    }
    Some(Action::Wake {
        incident: incident.number,
        from: incident.level,
        to,
    })
}

fn by_rule(board: &AlertBoard, scene: &Scene<'_>) -> Vec<Action> {
    // One incident a rule and service: ten alerts of one outage are one outage.
    let mut gathered: BTreeMap<(usize, Option<Arc<str>>), Vec<&Alert>> = BTreeMap::new();
    for (fingerprint, alert) in &*board.by_fingerprint {
        let asks = alert.state == AlertState::Active && alert.standing() == Standing::Unacknowledged;
        if !asks
            || board.watchdog.contains(fingerprint)
            || board.is_stale(alert)
            || scene.known.has(alert.occurrence)
        {
            continue;
        }
        let first = scene
            .rules
            .0
            .iter()
            .position(|(_, _, matchers)| matchers.is_match(&alert.labels));
        if let Some((index, rule)) = first.and_then(|index| Some((index, &scene.rules.0.get(index)?.0))) {
            let own = Some(&alert.service).filter(|service| !service.is_empty());
            let service = rule.service.as_ref().or(own).cloned();
            gathered.entry((index, service)).or_default().push(alert);
        }
    }
    let actions = gathered.into_iter().filter_map(|((index, service), alerts)| {
        let (rule, key, _) = scene.rules.0.get(index)?;
        let linked: Vec<LinkedAlert> = alerts.iter().map(|alert| linked(alert)).collect();
        let open = scene.incidents.iter().find(|incident| {
            incident.status.is_open() && incident.rule.as_ref() == Some(key) && incident.service == service
        });
        Some(match open {
            Some(incident) => Action::Link {
                incident: incident.number,
                alerts: linked,
                rule: Arc::clone(key),
            },
            None => Action::Declare(Declaration {
                title: title(rule, service.as_deref(), &alerts),
                severity: rule.severity,
                service,
                policy: rule.policy.clone(),
                alerts: linked,
                by: format!("rule {key}").into(),
                rule: Some(Arc::clone(key)),
            }),
        })
    });
    actions.collect()
}

/// An alert as an incident keeps it.
pub fn linked(alert: &Alert) -> LinkedAlert {
    LinkedAlert {
        occurrence: alert.occurrence,
        name: Arc::clone(&alert.name),
        severity: alert.severity.clone(),
    }
}

fn title(rule: &DeclareRule, service: Option<&str>, alerts: &[&Alert]) -> Arc<str> {
    if let Some(title) = &rule.title {
        return Arc::clone(title);
    }
    let mut names: Vec<&str> = alerts.iter().map(|alert| &*alert.name).collect();
    names.sort_unstable();
    names.dedup();
    let name = names.first().copied().unwrap_or("alert");
    let more = match names.len() {
        0 | 1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    match service {
        Some(service) => format!("{service}: {name}{more}").into(),
        None => format!("{name}{more}").into(),
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
