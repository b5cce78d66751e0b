//! The shop's alerting rules and their state, a pure function of the world and time.
//!
//! A rule is evaluated on a grid of [`INTERVAL`] from `REACH` before the anchor on; what was evaluated is
//! remembered (a cache, nothing more). An alert that is already there at the first step is traced back in
//! doubling steps. Templates know `{{ $labels.x }}` and `{{ $value }}`. Start at [`Rules::at`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use promql_parser::parser::Expr;

use crate::domain::alert::Labels;

use super::promql::{self, Point, QueryError, Selections, Store, Value, format};
use super::world::flow::Levels;
use super::world::series::{SCRAPE, Shape, Span};
use super::world::{Epoch, Series, World};

/// Seconds between two evaluations.
pub const INTERVAL: f64 = 15.0;
/// Seconds the grid lies after the anchor: the first evaluation after the start comes soon.
const PHASE: f64 = 7.0;
/// Seconds before the anchor from which on rules are followed step by step.
const REACH: f64 = 60.0 * 60.0;
/// Evaluations that are remembered: six hours.
const KEPT: usize = 1_440;
/// How often an older alert is traced back, each time twice as far: 64 hours at most.
const TRACES: u32 = 7;

/// A rule as its file has it.
#[derive(Debug, Clone, Copy)]
pub struct RuleText {
    /// Rule group.
    pub group: &'static str,
    /// `alertname`.
    pub name: &'static str,
    /// PromQL.
    pub query: &'static str,
    /// `for`, seconds.
    pub hold: f64,
    /// `severity`.
    pub severity: &'static str,
    /// Other labels the rule sets.
    pub labels: &'static [(&'static str, &'static str)],
    /// Template.
    pub summary: &'static str,
    /// Template.
    pub description: &'static str,
}

const RULES: &[RuleText] = &[
    RuleText {
        group: "requests",
        name: "HighErrorRate",
        query: "sum by (service) (rate(http_requests_total{status_code=~\"5..\"}[1m])) / sum by (service) (rate(http_requests_total[1m])) > 0.05",
        hold: 30.0,
        severity: "critical",
        labels: &[("team", "shop")],
        summary: "{{ $labels.service }} fails {{ $value | humanizePercentage }} of its requests",
        description: "More than 5% of the requests of {{ $labels.service }} ended in a server error within the last minute.",
    },
    RuleText {
        group: "requests",
        name: "HighLatency",
        query: "histogram_quantile(0.99, sum by (service, le) (rate(http_request_duration_seconds_bucket[5m]))) > 1",
        hold: 60.0,
        severity: "warning",
        labels: &[("team", "shop")],
        summary: "p99 of {{ $labels.service }} is {{ $value }} s",
        description: "One request in a hundred of {{ $labels.service }} takes longer than a second.",
    },
    RuleText {
        group: "requests",
        name: "ErrorBudgetBurn",
        query: "(sum by (service) (rate(http_requests_total{status_code=~\"5..\",service=~\"checkout|storefront|catalog|inventory|payment|shipping\"}[1h])) / sum by (service) (rate(http_requests_total[1h])) > 14.4 * 0.001) and (sum by (service) (rate(http_requests_total{status_code=~\"5..\"}[5m])) / sum by (service) (rate(http_requests_total[5m])) > 14.4 * 0.001)",
        hold: 0.0,
        severity: "critical",
        labels: &[("long_window", "1h"), ("short_window", "5m"), ("team", "shop")],
        summary: "{{ $labels.service }} burns its error budget: {{ $value | humanizePercentage }} errors over 1h",
        description: "At this pace the month's budget of {{ $labels.service }} is gone within two days.",
    },
    RuleText {
        group: "requests",
        name: "ErrorBudgetBurnSlow",
        query: "(sum by (service) (rate(http_requests_total{status_code=~\"5..\",service=~\"checkout|storefront|catalog|inventory|payment|shipping\"}[1d])) / sum by (service) (rate(http_requests_total[1d])) > 3 * 0.001) and (sum by (service) (rate(http_requests_total{status_code=~\"5..\"}[2h])) / sum by (service) (rate(http_requests_total[2h])) > 3 * 0.001)",
        hold: 0.0,
        severity: "warning",
        labels: &[("long_window", "1d"), ("short_window", "2h"), ("team", "shop")],
        summary: "{{ $labels.service }} spends its error budget too fast: {{ $value | humanizePercentage }} errors over 1d",
        description: "A ticket, not a page: {{ $labels.service }} fails three times as often as it may.",
    },
    RuleText {
        group: "database",
        name: "PoolExhausted",
        query: "db_pool_connections_in_use / db_pool_connections_max > 0.95",
        hold: 30.0,
        severity: "critical",
        labels: &[("team", "database")],
        summary: "{{ $labels.pod }} has no database connections left",
        description: "The {{ $labels.pool }} pool of {{ $labels.service }} is in use to more than 95%: requests wait for a connection.",
    },
    RuleText {
        group: "database",
        name: "PoolFillingUp",
        query: "predict_linear(db_pool_connections_in_use[5m], 600) > db_pool_connections_max and db_pool_connections_in_use / db_pool_connections_max > 0.6",
        hold: 45.0,
        severity: "warning",
        labels: &[("team", "database")],
        summary: "the pool of {{ $labels.pod }} will be full within ten minutes",
        description: "Connections of {{ $labels.service }} are taken and not given back.",
    },
    RuleText {
        group: "platform",
        name: "PodRestarting",
        query: "changes(process_start_time_seconds[15m]) >= 2",
        hold: 0.0,
        severity: "warning",
        labels: &[("team", "platform")],
        summary: "{{ $labels.pod }} restarted {{ $value }} times within 15 minutes",
        description: "Its liveness probe fails.",
    },
    RuleText {
        group: "platform",
        name: "TargetDown",
        query: "up == 0",
        hold: 60.0,
        severity: "warning",
        labels: &[("team", "platform")],
        summary: "{{ $labels.job }}/{{ $labels.instance }} cannot be scraped",
        description: "Nothing is known of {{ $labels.instance }} while this fires.",
    },
    RuleText {
        group: "platform",
        name: "DiskSpaceLow",
        query: "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.15",
        hold: 300.0,
        severity: "info",
        labels: &[("team", "platform")],
        summary: "{{ $labels.instance }} {{ $labels.mountpoint }} is {{ $value | humanizePercentage }} free",
        description: "Logs are kept for 14 days there.",
    },
    RuleText {
        group: "meta",
        name: "Watchdog",
        query: "vector(1)",
        hold: 0.0,
        severity: "none",
        labels: &[],
        summary: "always firing: proves that alerts get through",
        description: "Its absence means that the path from rules to people is broken.",
    },
];

/// Where an alert stands within its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Within `for`.
    Pending,
    /// Firing.
    Firing,
}

impl Stage {
    /// The word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One alert of a rule at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleAlert {
    /// `alertname` and the rule's labels included.
    pub labels: Labels,
    /// Expanded.
    pub annotations: Labels,
    /// Where it stands.
    pub stage: Stage,
    /// The expression holds since; unix seconds.
    pub active_at: f64,
    /// It fires since; unix seconds.
    pub fired_at: Option<f64>,
    /// What the expression yields.
    pub value: f64,
}

/// A rule's alerts at a moment.
#[derive(Debug, Clone)]
pub struct RuleState {
    /// The rule.
    pub text: RuleText,
    /// Its alerts, by labels.
    pub alerts: Vec<RuleAlert>,
}

/// All rules at their last evaluation before some moment.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// When that was, unix seconds.
    pub at: f64,
    /// In file order.
    pub rules: Vec<RuleState>,
}

/// The rules of a world.
#[derive(Debug)]
pub struct Rules {
    world: Arc<World>,
    parsed: Vec<(RuleText, Expr)>,
    steps: Mutex<Steps>,
}

/// Evaluations on the grid; those before `dropped` are forgotten.
#[derive(Debug, Default)]
struct Steps {
    dropped: usize,
    kept: VecDeque<Arc<Evaluation>>,
    selections: Selections,
}

struct WorldOnly<'a>(&'a World);

impl Store for WorldOnly<'_> {
    fn series(&self, name: Option<&str>) -> Vec<Arc<Series>> {
        match name {
            Some(name) => self.0.metric(name).to_vec(),
            None => self.0.series().cloned().collect(),
        }
    }
}

impl Rules {
    /// The rules over a world; an expression that does not parse is an error of this program.
    pub fn new(world: Arc<World>) -> Result<Self, QueryError> {
        let parsed = RULES
            .iter()
            .map(|text| Ok((*text, promql::parse(text.query)?)))
            .collect::<Result<_, QueryError>>()?;
        Ok(Self {
            world,
            parsed,
            steps: Mutex::default(),
        })
    }

    /// Their world's epoch.
    pub fn epoch(&self) -> &Epoch {
        self.world.epoch()
    }

    /// The last evaluation at or before `t`, unix seconds; the first there is where `t` lies before it.
    pub fn at(&self, t: f64) -> Arc<Evaluation> {
        let first = self.first();
        let index = (((t - first) / INTERVAL).floor().max(0.0)) as usize;
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(step) = steps.kept.get(index.saturating_sub(steps.dropped)) {
                return Arc::clone(step);
            }
            let at = first + (steps.dropped + steps.kept.len()) as f64 * INTERVAL;
            let next = self.evaluate(at, steps.kept.back().map(AsRef::as_ref), &steps.selections);
            steps.kept.push_back(Arc::new(next));
            if steps.kept.len() > KEPT {
                steps.kept.pop_front();
                steps.dropped += 1;
            }
        }
    }

    /// `ALERTS` and `ALERTS_FOR_STATE` as they were written up to `t`.
    pub fn series(&self, t: f64) -> Vec<Arc<Series>> {
        let _ = self.at(t);
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spans: BTreeMap<Labels, (Vec<Span>, Levels)> = BTreeMap::new();
        let oldest_at = steps.kept.front().map_or(t, |s| s.at);
        for step in steps.kept.iter().take_while(|s| s.at <= t) {
            for alert in step.rules.iter().flat_map(|r| &r.alerts) {
                let oldest = step.at <= oldest_at;
                let from = if oldest {
                    alert.active_at.min(step.at)
                } else {
                    step.at
                };
                let named = |name: &str, extra: Option<&str>| -> Labels {
                    let base = alert.labels.iter().chain(std::iter::once(("__name__", name)));
                    base.chain(extra.map(|stage| ("alertstate", stage))).collect()
                };
                for labels in [
                    named("ALERTS", Some(alert.stage.word())),
                    named("ALERTS_FOR_STATE", None),
                ] {
                    let for_state = labels.value("__name__") == "ALERTS_FOR_STATE";
                    let (seen, levels) = spans.entry(labels).or_default();
                    levels.then(from, if for_state { alert.active_at.floor() } else { 1.0 });
                    match seen.last_mut() {
                        Some(last) if last.to >= step.at => last.to = step.at + INTERVAL,
                        _ => seen.push(Span {
                            from,
                            to: step.at + INTERVAL,
                        }),
                    }
                }
            }
        }
        let phase = PHASE.rem_euclid(SCRAPE);
        spans
            .into_iter()
            .map(|(labels, (present, levels))| {
                Arc::new(Series {
                    nameless: promql::nameless(&labels),
                    labels,
                    shape: Shape::Held(levels),
                    anchor: self.world.anchor(),
                    phase,
                    present: present.into(),
                })
            })
            .collect()
    }

    fn first(&self) -> f64 {
        self.world.anchor() + PHASE - (REACH / INTERVAL).floor() * INTERVAL
    }

    fn evaluate(&self, at: f64, before: Option<&Evaluation>, selections: &Selections) -> Evaluation {
        let rules = self
            .parsed
            .iter()
            .enumerate()
            .map(|(index, (text, expr))| {
                let earlier = before.and_then(|b| b.rules.get(index));
                let alerts = self
                    .points(expr, at, selections)
                    .into_iter()
                    .map(|point| {
                        let began = || self.traced_back(expr, &point.labels, at, selections);
                        alert(text, &point, at, earlier, began)
                    })
                    .collect();
                RuleState { text: *text, alerts }
            })
            .collect();
        Evaluation { at, rules }
    }

    /// Back by one hour, two, four, … as long as the expression held there.
    fn traced_back(&self, expr: &Expr, labels: &Labels, at: f64, selections: &Selections) -> f64 {
        (0..TRACES)
            .map(|doublings| at - 2_f64.powi(doublings.cast_signed()) * 3_600.0)
            .take_while(|t| {
                self.points(expr, *t, selections)
                    .iter()
                    .any(|p| p.labels == *labels)
            })
            .last()
            .unwrap_or(at)
    }

    fn points(&self, expr: &Expr, at: f64, selections: &Selections) -> Vec<Point> {
        match promql::instant_again(&WorldOnly(&self.world), expr, at, selections) {
            Ok(Value::Vector(points)) => points,
            Ok(Value::Matrix(_) | Value::Scalar(_) | Value::Text(_)) | Err(_) => Vec::new(),
        }
    }
}

/// One alert at one step. Without an earlier step, `began` says since when the expression holds.
fn alert(
    text: &RuleText,
    point: &Point,
    at: f64,
    earlier: Option<&RuleState>,
    began: impl FnOnce() -> f64,
) -> RuleAlert {
    let labels = rule_labels(text, &point.labels);
    let known = earlier.and_then(|rule| rule.alerts.iter().find(|a| a.labels == labels));
    let active_at = match (earlier, known) {
        (_, Some(alert)) => alert.active_at,
        (Some(_), None) => at,
        (None, None) => began(),
    };
    let ripe = at - active_at >= text.hold;
    let fired_at = known.and_then(|a| a.fired_at).or_else(|| {
        ripe.then_some(if earlier.is_none() {
            active_at + text.hold
        } else {
            at
        })
    });
    let annotations = [
        ("summary", expand(text.summary, &labels, point.value)),
        ("description", expand(text.description, &labels, point.value)),
        (
            "runbook_url",
            format!("https://runbooks.example.com/{}", text.name),
        ),
    ]
    .into_iter()
    .collect();
    RuleAlert {
        labels,
        annotations,
        stage: if fired_at.is_some() {
            Stage::Firing
        } else {
            Stage::Pending
        },
        active_at,
        fired_at,
        value: point.value,
    }
}

fn rule_labels(text: &RuleText, from: &Labels) -> Labels {
    from.iter()
        .filter(|(name, _)| *name != "__name__")
        .chain(text.labels.iter().copied())
        .chain([("severity", text.severity), ("alertname", text.name)])
        .collect()
}

/// `{{ $labels.x }}`, `{{ $value }}` and `{{ $value | humanizePercentage }}`; anything else is left as it stands.
fn expand(template: &str, labels: &Labels, value: f64) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inner, tail)) = after.split_once("}}") else {
            break;
        };
        out.push_str(before);
        let inner = inner.trim();
        if let Some(name) = inner.strip_prefix("$labels.") {
            out.push_str(labels.value(name));
        } else if inner == "$value" {
            out.push_str(&four_digits(value));
        } else {
            out.push_str(&four_digits(value * 100.0));
            out.push('%');
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn four_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format::number(value);
    }
    let scale = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    format::number((value * scale).round() / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::world::Scenario;
    use chrono::{TimeZone, Utc};

    fn rules(scenario: Scenario) -> Rules {
        let anchor = Utc.with_ymd_and_hms(2026, 11, 20, 3, 0, 0).unwrap();
        let epoch = Epoch {
            scenario,
            seed: 1,
            anchor,
        };
        Rules::new(Arc::new(World::new(epoch))).unwrap()
    }

    fn firing(rules: &Rules, minutes: f64) -> Vec<(String, String, f64)> {
        let t = rules.world.anchor() + minutes * 60.0;
        rules
            .at(t)
            .rules
            .iter()
            .flat_map(|r| &r.alerts)
            .filter(|a| a.stage == Stage::Firing)
            .map(|a| {
                let since = (a.fired_at.unwrap() - rules.world.anchor()) / 60.0;
                (
                    a.labels.value("alertname").to_owned(),
                    a.labels.value("service").to_owned(),
                    since,
                )
            })
            .collect()
    }

    fn since(firing: &[(String, String, f64)], name: &str, service: &str) -> Option<f64> {
        firing
            .iter()
            .find(|(n, s, _)| n == name && s == service)
            .map(|(_, _, since)| *since)
    }

    #[test]
    fn the_story_starts_burning_flaps_and_recovers() {
        let rules = rules(Scenario::Leak);
        let start = firing(&rules, 0.0);
        assert!(
            since(&start, "HighErrorRate", "checkout").is_some_and(|m| m > -7.0),
            "{start:?}"
        );
        assert!(
            since(&start, "ErrorBudgetBurn", "checkout").is_some(),
            "{start:?}"
        );
        assert!(since(&start, "PoolExhausted", "checkout").is_some(), "{start:?}");
        assert!(
            since(&start, "Watchdog", "").is_some_and(|m| m < -60.0),
            "{start:?}"
        );
        assert!(since(&start, "HighErrorRate", "payment").is_none(), "{start:?}");
        let soon = firing(&rules, 10.0 / 60.0);
        assert!(
            since(&soon, "HighErrorRate", "payment").is_some(),
            "something new fires within ten seconds: {soon:?}"
        );
        let pause = firing(&rules, 3.9);
        assert!(since(&pause, "HighErrorRate", "checkout").is_none(), "{pause:?}");
        let again = firing(&rules, 6.0);
        assert!(
            since(&again, "HighErrorRate", "checkout").is_some_and(|m| m > 4.0),
            "{again:?}"
        );
        assert!(
            since(&again, "HighErrorRate", "payment").is_some_and(|m| m > 4.0),
            "{again:?}"
        );
        let after = firing(&rules, 11.0);
        assert!(since(&after, "HighErrorRate", "checkout").is_none(), "{after:?}");
        assert!(since(&after, "PoolExhausted", "checkout").is_none(), "{after:?}");
        let next_round = firing(&rules, 121.0);
        assert!(
            since(&next_round, "HighErrorRate", "checkout").is_some(),
            "{next_round:?}"
        );
    }

    #[test]
    fn a_calm_world_fires_the_same_old_low_alerts_for_ever() {
        let rules = rules(Scenario::Calm);
        let names = |minutes: f64| -> Vec<String> {
            firing(&rules, minutes).into_iter().map(|(n, _, _)| n).collect()
        };
        assert_eq!(names(0.0), ["TargetDown", "DiskSpaceLow", "Watchdog"]);
        assert_eq!(firing(&rules, 0.0), firing(&rules, 60.0));
    }

    #[test]
    fn alerts_are_series_too() {
        let rules = rules(Scenario::Leak);
        let t = rules.world.anchor();
        let now: Vec<_> = rules
            .series(t)
            .into_iter()
            .filter(|s| s.latest(t).is_some())
            .collect();
        let checkout = |name: &str| {
            now.iter()
                .find(|s| {
                    s.labels.value("__name__") == name
                        && s.labels.value("alertname") == "HighErrorRate"
                        && s.labels.value("service") == "checkout"
                })
                .and_then(|s| s.latest(t))
        };
        assert_eq!(checkout("ALERTS").map(|(_, v)| v), Some(1.0));
        assert!(checkout("ALERTS_FOR_STATE").is_some_and(|(_, v)| v < t && v > t - 500.0));
    }
}
