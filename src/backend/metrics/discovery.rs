//! Recorded SLOs that are found on the server with no configuration: Sloth's and Pyrra's.
//!
//! Sloth records `slo:objective:ratio`, `slo:time_period:days` and `slo:sli_error:ratio_rate{5m,…}` by
//! `sloth_id`, `sloth_service`, `sloth_slo`; its alerting rules tell which windows and factors its owner set.
//! Pyrra records `pyrra_objective`, `pyrra_window` and `pyrra_availability` by `slo`, and `<metric>:burnrate5m`
//! and longer, which hold error ratios. Start at [`discover`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use regex::Regex;

use crate::backend::BackendResult;
use crate::domain::alert::Labels;
use crate::domain::slo::{
    BurnRule, MeanOfRatios, Objective, RuleOrigin, RuleWindows, Severity, Sli, Slo, SloOrigin, Window, rule,
    unreachable_notes, workbook_rules,
};

use super::plan::quote;
use super::{AlertingRule, Metrics, Sample};

const QUERY: &str = "{__name__=~\"slo:objective:ratio|slo:time_period:days|slo:sli_error:ratio_rate.+|\
                     pyrra_objective|pyrra_window|pyrra_availability\"} or {__name__=~\".+:burnrate.+\", slo!=\"\"}";

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Recorded SLOs, by name.
    pub slos: Vec<Slo>,
    /// What was found and could not be used.
    pub warnings: Vec<String>,
}

/// Looks for recorded SLOs. The rules are asked only where Sloth was found; without them its own table holds.
pub async fn discover(metrics: &dyn Metrics, timeout: Option<Duration>) -> BackendResult<Found> {
    let samples = metrics.instant(QUERY.to_owned(), None, timeout).await?.value;
    let mut found = Found::default();
    let sloth = samples.iter().any(|s| s.labels.get("sloth_id").is_some());
    let rules = if sloth {
        match metrics.alerting_rules().await {
            Ok(rules) => rules.unwrap_or_default(),
            Err(error) => {
                found.warnings.push(format!(
                    "Sloth's alert windows could not be read, its own table is used: {error}"
                ));
                Vec::new()
            }
        }
    } else {
        Vec::new()
    };
    find_sloth(&samples, &rules, &mut found);
    find_pyrra(&samples, &mut found);
    found.slos.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

#[derive(Default)]
struct Recorded {
    labels: Labels,
    objective: Option<f64>,
    /// Seconds.
    period: Option<f64>,
    /// Window name → query.
    by_window: BTreeMap<String, String>,
}

fn find_sloth(samples: &[Sample], rules: &[AlertingRule], found: &mut Found) {
    let mut all: BTreeMap<String, Recorded> = BTreeMap::new();
    for sample in samples {
        let (Some(id), Some(name)) = (sample.labels.get("sloth_id"), sample.labels.get("__name__")) else {
            continue;
        };
        let entry = all.entry(id.to_owned()).or_default();
        match name {
            "slo:objective:ratio" => {
                entry.objective = Some(sample.value);
                entry.labels = sample.labels.clone();
            }
            "slo:time_period:days" => entry.period = Some(sample.value * 86_400.0),
            name => {
                if let Some(window) = name.strip_prefix("slo:sli_error:ratio_rate") {
                    let query = selector(name, &sample.labels, &["sloth_id", "sloth_service", "sloth_slo"]);
                    entry.by_window.insert(window.to_owned(), query);
                }
            }
        }
    }
    for (id, recorded) in all {
        let Some(objective) = recorded.objective.and_then(Objective::from_fraction) else {
            found.warnings.push(format!(
                "Sloth's {id} is left out: slo:objective:ratio gives no objective between 0 and 1"
            ));
            continue;
        };
        let period = period(&recorded).unwrap_or_else(|told| {
            found.warnings.extend(told.map(|told| {
                format!(
                    "Sloth's {id} is taken over 30d: slo:time_period:days of {} is no period",
                    told / 86_400.0
                )
            }));
            Window::of(Duration::from_secs(2_592_000))
        });
        let owned = sloth_rules(&id, rules);
        let rules = if owned.is_empty() {
            workbook_rules(&period, RuleOrigin::Sloth)
        } else {
            owned
        };
        found.slos.push(Slo {
            name: id,
            service: recorded.labels.value("sloth_service").to_owned(),
            objective,
            notes: unreachable_notes(objective, &rules),
            rules,
            period,
            sli: Sli::Recorded {
                by_window: recorded.by_window,
                period_is_mean_of_ratios: MeanOfRatios::Yes,
            },
            origin: SloOrigin::Sloth,
            low_traffic: None,
        });
    }
}

/// The rules of Sloth's own alerts: `ratio_rate5m{…} > (14.4 * 0.001)` and its long partner, pair by pair.
fn sloth_rules(id: &str, rules: &[AlertingRule]) -> Vec<BurnRule> {
    let Ok(condition) = Regex::new(r"slo:sli_error:ratio_rate(\w+)\{([^}]*)\}\s*>\s*\(?\s*([0-9.eE+-]+)")
    else {
        return Vec::new();
    };
    let wanted = format!("sloth_id={}", quote(id));
    let mut out: Vec<BurnRule> = Vec::new();
    for alert in rules {
        let severity = match alert.labels.value("sloth_severity") {
            "page" => Severity::Page,
            "ticket" => Severity::Ticket,
            _ => continue, // an alert of somebody else
        };
        let conditions: Vec<(Window, f64)> = condition
            .captures_iter(&alert.query)
            .filter(|c| c.get(2).is_some_and(|m| m.as_str().contains(&wanted)))
            .filter_map(|c| {
                let window = Window::named(c.get(1)?.as_str()).ok()?;
                Some((window, c.get(3)?.as_str().parse().ok()?))
            })
            .collect();
        for pair in conditions.chunks(2) {
            let [(a, factor), (b, _)] = pair else { continue };
            let (short, long) = if a <= b { (a, b) } else { (b, a) };
            out.push(BurnRule {
                hold: alert.hold,
                ..rule(
                    severity,
                    *factor,
                    RuleWindows {
                        long: long.clone(),
                        short: Some(short.clone()),
                    },
                    RuleOrigin::Sloth,
                )
            });
        }
    }
    out
}

fn find_pyrra(samples: &[Sample], found: &mut Found) {
    let mut all: BTreeMap<(String, String), Recorded> = BTreeMap::new();
    let mut availability: BTreeMap<(String, String), String> = BTreeMap::new();
    let key = |labels: &Labels| {
        (
            labels.value("slo").to_owned(),
            labels.value("namespace").to_owned(),
        )
    };
    for sample in samples {
        let (Some(_), Some(name)) = (sample.labels.get("slo"), sample.labels.get("__name__")) else {
            continue;
        };
        let key = key(&sample.labels);
        match name {
            "pyrra_objective" => {
                let entry = all.entry(key).or_default();
                entry.objective = Some(sample.value);
                entry.labels = sample.labels.clone();
            }
            "pyrra_window" => all.entry(key).or_default().period = Some(sample.value),
            "pyrra_availability" => {
                availability.insert(key, selector(name, &sample.labels, &["slo", "namespace"]));
            }
            name => {
                if let Some((_, window)) = name.rsplit_once(":burnrate") {
                    let query = selector(name, &sample.labels, &["slo", "namespace"]);
                    all.entry(key)
                        .or_default()
                        .by_window
                        .insert(window.to_owned(), query);
                }
            }
        }
    }
    for ((name, namespace), mut recorded) in all {
        let Some(objective) = recorded.objective.and_then(Objective::from_fraction) else {
            found.warnings.push(format!(
                "Pyrra's {name} is left out: pyrra_objective is not recorded (run Pyrra with --generic-rules)"
            ));
            continue;
        };
        let period = period(&recorded).unwrap_or_else(|told| {
            let warning =
                |told| format!("Pyrra's {name} is taken over 28d: pyrra_window of {told} is no period");
            found.warnings.extend(told.map(warning));
            Window::of(Duration::from_secs(2_419_200))
        });
        if let Some(query) = availability.get(&(name.clone(), namespace.clone())) {
            recorded
                .by_window
                .insert(period.name().to_owned(), format!("1 - {query}"));
        }
        let rules = pyrra_rules(&period);
        let service = ["service", "job", "team"]
            .iter()
            .find_map(|label| recorded.labels.get(label))
            .unwrap_or_default();
        found.slos.push(Slo {
            service: service.to_owned(),
            name: if namespace.is_empty() {
                name
            } else {
                format!("{namespace}/{name}")
            },
            objective,
            notes: unreachable_notes(objective, &rules),
            rules,
            period,
            sli: Sli::Recorded {
                by_window: recorded.by_window,
                period_is_mean_of_ratios: MeanOfRatios::No,
            },
            origin: SloOrigin::Pyrra,
            low_traffic: None,
        });
    }
}

/// Pyrra's table: 14, 7, 2 and 1 over 1h/5m, 6h/30m, 1d/2h and 4d/6h with their `for`, at 28 d; windows scale
/// with the SLO's own and are rounded to the minute. Source: Pyrra's `slo/rules.go`, `Windows`.
pub fn pyrra_rules(period: &Window) -> Vec<BurnRule> {
    // (severity, factor, long, short, for), minutes at 28 d.
    const TABLE: [(Severity, f64, u64, u64, u64); 4] = [
        (Severity::Page, 14.0, 60, 5, 2),
        (Severity::Page, 7.0, 360, 30, 15),
        (Severity::Ticket, 2.0, 1_440, 120, 60),
        (Severity::Ticket, 1.0, 5_760, 360, 180),
    ];
    let seconds = period.length().as_secs();
    let scaled = |minutes: u64| {
        let exact = seconds.saturating_mul(minutes) as f64 / (28.0 * 24.0 * 60.0) / 60.0;
        Duration::from_secs(60 * (exact.round() as u64).max(1))
    };
    TABLE
        .iter()
        .map(|(severity, factor, long, short, hold)| BurnRule {
            severity: *severity,
            factor: *factor,
            long: Window::of(scaled(*long)),
            short: Window::of(scaled(*short)),
            hold: scaled(*hold),
            origin: RuleOrigin::Pyrra,
        })
        .collect()
}

/// The recorded period; in the spelling of a recorded window of that length where there is one (`4w`). Else the
/// seconds that were told, where they are none: a length in another unit is a mistake, and over years no server answers.
fn period(recorded: &Recorded) -> Result<Window, Option<f64>> {
    const SECONDS: std::ops::RangeInclusive<f64> = 60.0..=400.0 * 86_400.0;
    let seconds = recorded.period.ok_or(None)?;
    if !SECONDS.contains(&seconds) {
        return Err(Some(seconds));
    }
    let length = Duration::from_secs_f64(seconds.round());
    let mut windows = recorded
        .by_window
        .keys()
        .filter_map(|name| Window::named(name).ok());
    let spelled = windows.find(|window| window.length() == length);
    Ok(spelled.unwrap_or_else(|| Window::of(length)))
}

fn selector(name: &str, labels: &Labels, keep: &[&str]) -> String {
    let mut out = format!("{{__name__={}", quote(name));
    for label in keep {
        if let Some(value) = labels.get(label) {
            let _ = write!(out, ", {label}={}", quote(value)); // a String takes everything
        }
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::metrics::{RuleAlert, RuleHealth};

    fn sample(labels: &[(&str, &str)], value: f64) -> Sample {
        Sample {
            labels: labels.iter().map(|(k, v)| (*k, *v)).collect(),
            value,
            at: 0.0,
        }
    }

    fn sloth(name: &str, value: f64) -> Sample {
        sample(
            &[
                ("__name__", name),
                ("sloth_id", "a-b"),
                ("sloth_service", "a"),
                ("sloth_slo", "b"),
            ],
            value,
        )
    }

    fn alert(severity: &str, query: &str) -> AlertingRule {
        AlertingRule {
            name: "x".into(),
            query: query.to_owned(),
            labels: [("sloth_severity", severity)].into_iter().collect(),
            health: RuleHealth::Ok,
            last_evaluation: None,
            hold: Duration::ZERO,
            alerts: Vec::<RuleAlert>::new(),
        }
    }

    #[test]
    fn sloths_slos_are_found_with_their_owners_windows() {
        let samples: Vec<Sample> = ["5m", "1h", "30d"]
            .iter()
            .map(|w| sloth(&format!("slo:sli_error:ratio_rate{w}"), 0.001))
            .chain([
                sloth("slo:objective:ratio", 0.999),
                sloth("slo:time_period:days", 30.0),
            ])
            .collect();
        let query = "(max(slo:sli_error:ratio_rate5m{sloth_id=\"a-b\", sloth_service=\"a\"} > (20 * 0.001)) without (sloth_window) and \
                     max(slo:sli_error:ratio_rate1h{sloth_id=\"a-b\", sloth_service=\"a\"} > (20 * 0.001)) without (sloth_window))";
        let other = query.replace("a-b", "c-d");
        let mut found = Found::default();
        find_sloth(
            &samples,
            &[alert("page", query), alert("page", &other)],
            &mut found,
        );
        let slo = &found.slos[0];
        assert_eq!(
            (slo.name.as_str(), slo.service.as_str(), slo.period.name()),
            ("a-b", "a", "30d")
        );
        assert_eq!(slo.rules.len(), 1);
        assert_eq!(
            (
                slo.rules[0].factor,
                slo.rules[0].long.name(),
                slo.rules[0].short.name()
            ),
            (20.0, "1h", "5m")
        );
        assert_eq!(slo.rules[0].origin, RuleOrigin::Sloth);
        let Sli::Recorded { by_window, .. } = &slo.sli else {
            panic!("recorded")
        };
        assert!(by_window["5m"].contains("__name__=\"slo:sli_error:ratio_rate5m\", sloth_id=\"a-b\""));
        let mut without = Found::default();
        find_sloth(&samples, &[], &mut without);
        assert_eq!(without.slos[0].rules.len(), 4, "its built-in table");
    }

    #[test]
    fn pyrras_slos_are_found_with_its_own_table_and_period() {
        let of =
            |name: &str, value: f64| sample(&[("__name__", name), ("slo", "api"), ("job", "web")], value);
        let samples = [
            of("pyrra_objective", 0.99),
            of("pyrra_window", 2_419_200.0),
            of("pyrra_availability", 0.995),
            of("http_requests:burnrate5m", 0.01),
            of("http_requests:burnrate1h", 0.01),
        ];
        let mut found = Found::default();
        find_pyrra(&samples, &mut found);
        let slo = &found.slos[0];
        let factors: Vec<f64> = slo.rules.iter().map(|r| r.factor).collect();
        assert_eq!(factors, [14.0, 7.0, 2.0, 1.0]);
        assert_eq!(
            (slo.rules[3].long.name(), slo.rules[3].short.name()),
            ("4d", "6h")
        );
        assert_eq!(slo.rules[0].hold, Duration::from_secs(120));
        let Sli::Recorded { by_window, .. } = &slo.sli else {
            panic!("recorded")
        };
        assert_eq!(
            by_window[slo.period.name()],
            "1 - {__name__=\"pyrra_availability\", slo=\"api\"}"
        );
        assert!(promql_parser::parser::parse(QUERY).is_ok());
    }

    #[test]
    fn a_period_in_another_unit_is_said_and_is_none() {
        let mut found = Found::default();
        let milliseconds = [
            sloth("slo:objective:ratio", 0.999),
            sloth("slo:time_period:days", 2_592_000_000.0),
        ];
        find_sloth(&milliseconds, &[], &mut found);
        let of = |name: &str, value: f64| sample(&[("__name__", name), ("slo", "api")], value);
        find_pyrra(
            &[of("pyrra_objective", 0.99), of("pyrra_window", f64::NAN)],
            &mut found,
        );
        assert_eq!(
            [0, 1].map(|at| found.slos[at].period.name().to_owned()),
            ["30d", "28d"]
        );
        assert_eq!(
            found.warnings,
            [
                "Sloth's a-b is taken over 30d: slo:time_period:days of 2592000000 is no period",
                "Pyrra's api is taken over 28d: pyrra_window of NaN is no period"
            ]
        );
    }

    #[test]
    fn what_has_no_objective_is_said_and_left_out() {
        let mut found = Found::default();
        find_sloth(&[sloth("slo:sli_error:ratio_rate5m", 0.1)], &[], &mut found);
        find_pyrra(
            &[sample(&[("__name__", "x:burnrate5m"), ("slo", "s")], 0.1)],
            &mut found,
        );
        assert!(found.slos.is_empty());
        assert_eq!(found.warnings.len(), 2);
    }
}
