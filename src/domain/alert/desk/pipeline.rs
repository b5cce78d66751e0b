//! Whether the queue can be believed: the watchdog, the sources, the rules, and whether what fires arrives.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::merge::{Entry, by_name};
use super::{Desk, RulesInput, Sources};
use crate::backend::metrics::{AlertingRule, Firing, RuleHealth};
use crate::domain::alert::{Alert, AlertSnapshot, Labels, PipelineFault, PipelineHealth, matcher};
use crate::time::{Now, Tick, after, before};

/// What fires in Prometheus for longer than this must have arrived.
const DELIVERY_GRACE: Duration = Duration::from_secs(120);

/// What the judgement remembers.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When the watchdog was last there, by cluster; the first good answer without it, where it never was.
    watchdog: HashMap<Arc<str>, Seen>,
    /// What was judged last, and the verdict: it only changes with an answer.
    delivery: Option<Delivery>,
}

/// A verdict with what it was made from.
#[derive(Debug)]
struct Delivery {
    rules: Arc<Vec<AlertingRule>>,
    snapshots: Vec<Arc<AlertSnapshot>>,
    missing: Vec<Missing>,
}

impl Delivery {
    fn is_of(&self, rules: &Arc<Vec<AlertingRule>>, snapshots: &[Arc<AlertSnapshot>]) -> bool {
        Arc::ptr_eq(&self.rules, rules)
            && self.snapshots.len() == snapshots.len()
            && self
                .snapshots
                .iter()
                .zip(snapshots)
                .all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    last: Tick,
    ever: bool,
}

#[derive(Debug, Clone)]
struct Missing {
    name: Arc<str>,
    count: usize,
    since: DateTime<Utc>,
}

impl Desk {
    pub(super) fn judge(&mut self, sources: &Sources<'_>, rules: &RulesInput, now: Now) -> PipelineHealth {
        let mut health = PipelineHealth::default();
        if sources.inputs.is_empty() {
            health.unknown.push("no Alertmanager is configured".to_owned());
            return health;
        }
        self.judge_watchdog(sources, rules, now, &mut health);
        judge_sources(sources, now, &mut health);
        self.judge_rules(sources, rules, now, &mut health);

        let mut ages: Vec<Duration> = sources
            .inputs
            .iter()
            .filter(|i| i.believed().is_some())
            .filter_map(|i| i.age)
            .collect();
        if !ages.is_empty() {
            ages.extend(rules.believed().map(|(_, age)| age));
        }
        health.age = ages.into_iter().max();
        health
    }

    fn judge_watchdog(
        &mut self,
        sources: &Sources<'_>,
        rules: &RulesInput,
        now: Now,
        health: &mut PipelineHealth,
    ) {
        let Some(matchers) = &self.settings.watchdog else {
            if self.settings.from.watchdog.is_some() {
                health
                    .unknown
                    .push("the watchdog's matchers cannot be read".to_owned());
            } else if rules.believed().is_none() {
                health.unknown.push("no watchdog is configured".to_owned());
            }
            return;
        };
        // per cluster, because each stands at the end of its own pipeline; only answers that are believed prove anything
        let mut present: Vec<(&Arc<str>, bool)> = Vec::new();
        for (i, input) in sources.inputs.iter().enumerate() {
            let Some(snapshot) = input.believed() else {
                continue;
            };
            let there = snapshot
                .alerts
                .iter()
                .any(|alert| matchers.is_match(&alert.labels));
            match present
                .iter_mut()
                .find(|(cluster, _)| **cluster == sources.clusters[i])
            {
                Some((_, any)) => *any |= there,
                None => present.push((&sources.clusters[i], there)),
            }
        }
        if present.is_empty() {
            health
                .unknown
                .push("whether the watchdog arrives: no Alertmanager answers".to_owned());
            return;
        }
        for (cluster, there) in &present {
            let seen = self.pipeline.watchdog.entry(Arc::clone(cluster)).or_insert(Seen {
                last: now.tick,
                ever: *there,
            });
            if *there {
                *seen = Seen {
                    last: now.tick,
                    ever: true,
                };
            }
        }
        // a cluster that never had one may not be meant to; but if none has it, nothing is proven to get through
        let anywhere = present.iter().any(|(_, there)| *there);
        let shown = self
            .settings
            .from
            .watchdog
            .as_deref()
            .map(matcher::display_list)
            .unwrap_or_default();
        let absent = present.iter().filter(|(cluster, there)| {
            !there && (!anywhere || self.pipeline.watchdog.get(*cluster).is_some_and(|seen| seen.ever))
        });
        let several = present.len() > 1;
        let mut faults: Vec<PipelineFault> = absent
            .map(|(cluster, _)| PipelineFault::WatchdogAbsent {
                since: self
                    .pipeline
                    .watchdog
                    .get(*cluster)
                    .map_or(now.tick, |seen| seen.last),
                matcher: if several {
                    format!("{shown} at {cluster}")
                } else {
                    shown.clone()
                },
            })
            .collect();
        health.faults.append(&mut faults);
    }

    fn judge_rules(
        &mut self,
        sources: &Sources<'_>,
        input: &RulesInput,
        now: Now,
        health: &mut PipelineHealth,
    ) {
        match input {
            RulesInput::NotConfigured => {
                if self.settings.watchdog.is_none() {
                    health
                        .unknown
                        .push("no metrics backend to ask what fires".to_owned());
                }
            }
            RulesInput::CannotKnow => {
                health
                    .unknown
                    .push("the metrics backend does not know its alerting rules".to_owned());
            }
            RulesInput::Waiting => health
                .unknown
                .push("the alerting rules have not been read yet".to_owned()),
            RulesInput::Asked {
                source,
                failure: Some((cause, since)),
                ..
            } => {
                health.faults.push(PipelineFault::SourceDown {
                    source: Arc::clone(source),
                    cause: cause.to_string(),
                    since: now.tick.before(*since),
                });
            }
            RulesInput::Asked { failure: None, .. } => match input.believed() {
                Some((rules, _)) => {
                    failing(rules, health);
                    self.judge_delivery(sources, rules, now, health);
                }
                None => health
                    .unknown
                    .push("the alerting rules' last answer is stale".to_owned()),
            },
        }
    }

    fn judge_delivery(
        &mut self,
        sources: &Sources<'_>,
        rules: &Arc<Vec<AlertingRule>>,
        now: Now,
        health: &mut PipelineHealth,
    ) {
        let mut clusters = sources.inputs.iter().zip(&sources.clusters);
        let silent = clusters.find(|(_, cluster)| {
            let mut members = sources
                .inputs
                .iter()
                .zip(&sources.clusters)
                .filter(|(_, c)| c == cluster);
            !members.any(|(input, _)| input.believed().is_some())
        });
        if let Some((_, cluster)) = silent {
            health.unknown.push(format!(
                "whether all that fires has arrived: {cluster} does not answer"
            ));
            return;
        }
        let snapshots: Vec<Arc<AlertSnapshot>> = sources.heard().map(|(_, s)| Arc::clone(s)).collect();
        if !self
            .pipeline
            .delivery
            .as_ref()
            .is_some_and(|known| known.is_of(rules, &snapshots))
        {
            let missing = undelivered(rules, &by_name(&self.entries), now.utc);
            self.pipeline.delivery = Some(Delivery {
                rules: Arc::clone(rules),
                snapshots,
                missing,
            });
        }
        let missing = self.pipeline.delivery.iter().flat_map(|known| &known.missing);
        health.faults.extend(missing.map(|m| PipelineFault::NotDelivered {
            name: Arc::clone(&m.name),
            count: m.count,
            since: m.since,
        }));
    }
}

fn judge_sources(sources: &Sources<'_>, now: Now, health: &mut PipelineHealth) {
    for input in sources.inputs {
        let source: Arc<str> = format!("alertmanager {}", input.name).into();
        match (&input.failure, input.fault()) {
            (Some((cause, since)), _) => {
                health.faults.push(PipelineFault::SourceDown {
                    source,
                    cause: cause.to_string(),
                    since: now.tick.before(*since),
                });
            }
            (None, Some(cause)) => health.faults.push(PipelineFault::SourceDown {
                source,
                cause: cause.to_string(),
                since: now.tick.before(input.age.unwrap_or_default()),
            }),
            (None, None) if input.snapshot.is_none() => {
                health.unknown.push(format!("{source} has not answered yet"));
            }
            (None, None) => {}
        }
    }
}

fn failing(rules: &[AlertingRule], health: &mut PipelineHealth) {
    let mut errors = rules.iter().filter_map(|rule| match &rule.health {
        RuleHealth::Err(error) => Some((rule, error)),
        RuleHealth::Ok | RuleHealth::Unknown => None,
    });
    if let Some((rule, error)) = errors.next() {
        health.faults.push(PipelineFault::RulesFailing {
            count: 1 + errors.count(),
            example: format!("{}: {error}", rule.name),
        });
    }
}

/// How long a rule's alert has been firing, by Prometheus's own clock; `None` while it is pending.
fn firing_for(rule: &AlertingRule, active_at: DateTime<Utc>) -> Option<Duration> {
    let since = after(active_at, rule.hold);
    (rule.last_evaluation? - since).to_std().ok()
}

/// The label names of a rule's alert that can be compared: those that any alert of its name has at an Alertmanager.
///
/// Prometheus adds external labels on the way, and relabelling may drop some; neither makes another alert.
fn comparable<'a>(names: &[&'a str], arrived: &[&Labels]) -> Vec<&'a str> {
    names
        .iter()
        .copied()
        .filter(|name| arrived.iter().any(|labels| labels.get(name).is_some()))
        .collect()
}

fn values_of<'a>(labels: &'a Labels, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| labels.value(name)).collect()
}

/// What has arrived under one alert name: which labels are compared, and their values.
struct Arrived<'a> {
    names: Vec<&'a str>,
    values: HashSet<Vec<&'a str>>,
}

/// What fires for longer than the grace and no Alertmanager has, by alert name, the longest first.
fn undelivered(
    rules: &[AlertingRule],
    arrived: &HashMap<&str, Vec<&Entry>>,
    now: DateTime<Utc>,
) -> Vec<Missing> {
    let mut missing: Vec<Missing> = Vec::new();
    for rule in rules {
        let there: Vec<&Labels> = arrived
            .get(rule.name.as_ref())
            .into_iter()
            .flatten()
            .map(|entry| &entry.alert.labels)
            .collect();
        // one set of arrived values per set of label names: each alert is looked up, not searched for
        let mut sets: HashMap<Vec<&str>, Arrived<'_>> = HashMap::new();
        for alert in rule.alerts.iter().filter(|a| a.firing == Firing::Firing) {
            let Some(firing) = firing_for(rule, alert.active_at).filter(|f| *f >= DELIVERY_GRACE) else {
                continue;
            };
            let names = alert.labels.iter().map(|(name, _)| name).collect();
            let arrived = sets.entry(names).or_insert_with_key(|names| {
                let names = comparable(names, &there);
                let values = there.iter().map(|labels| values_of(labels, &names)).collect();
                Arrived { names, values }
            });
            if arrived.values.contains(&values_of(&alert.labels, &arrived.names)) {
                continue;
            }
            // by Prometheus's own clock until now, by ours from here on
            let since = before(now, firing);
            match missing.iter_mut().find(|m| m.name == rule.name) {
                Some(m) => {
                    m.count += 1;
                    m.since = m.since.min(since);
                }
                None => missing.push(Missing {
                    name: Arc::clone(&rule.name),
                    count: 1,
                    since,
                }),
            }
        }
    }
    missing.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.name.cmp(&b.name)));
    missing
}

/// Whether Prometheus has evaluated the alert's rule since it was last updated, well, and does not fire it.
pub(super) fn says_resolved(rules: &[AlertingRule], alert: &Alert) -> bool {
    let mut found = false;
    for rule in rules.iter().filter(|rule| rule.name == alert.name) {
        let evaluated =
            rule.health == RuleHealth::Ok && rule.last_evaluation.is_some_and(|at| at > alert.updated_at);
        let fires = rule
            .alerts
            .iter()
            .filter(|a| a.firing == Firing::Firing)
            .any(|a| {
                a.labels
                    .iter()
                    .all(|(name, value)| alert.labels.get(name).is_none_or(|arrived| arrived == value))
            });
        if !evaluated || fires {
            return false;
        }
        found = true;
    }
    found
}
