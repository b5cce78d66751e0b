//! midwatch's own form: the same keys as `[[contexts.X.slos]]`, in YAML, TOML or JSON under `slos`.

use std::sync::Arc;

use serde_json::Value;

use crate::config::{BurnRuleConfig, Threshold};
use crate::domain::slo::{Severity, Sli, Slo, SloOrigin};
use crate::time::parse_duration;

use super::{SloFiles, need, number, percent, resolve_rules, text, window};

const KEYS: [&str; 10] = [
    "name",
    "service",
    "objective",
    "window",
    "errors",
    "total",
    "error_ratio",
    "latency",
    "burn_rules",
    "low_traffic",
];

pub(super) fn read(path: &str, document: &Value, defaults: &[BurnRuleConfig], out: &mut SloFiles) {
    for (index, value) in document
        .get("slos")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let place = match text(value, "name") {
            Some(name) => format!("{path}: slos {name}"),
            None => format!("{path}: slos[{index}]"),
        };
        match own_slo(value, &place, defaults) {
            Ok(mut slo) => {
                slo.origin = SloOrigin::File(Arc::from(path));
                out.slos.push(slo);
            }
            Err(problems) => out.problems.extend(problems),
        }
    }
}

/// One SLO in midwatch's form, with every problem at once; `place` opens each message. Its origin is the
/// configuration.
pub fn own_slo(value: &Value, place: &str, defaults: &[BurnRuleConfig]) -> Result<Slo, Vec<String>> {
    let mut problems = Vec::new();
    let mut keep = |result: Result<(), String>| problems.extend(result.err());
    for key in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !KEYS.contains(&key.as_str()) {
            keep(Err(format!(
                "{place}: unknown key {key}; known are {}",
                KEYS.join(", ")
            )));
        }
    }
    let name = need(value, "name", place).map(str::to_owned);
    keep(name.as_ref().map(|_| ()).map_err(Clone::clone));
    let objective = percent(value.get("objective"), "objective", place);
    keep(objective.as_ref().map(|_| ()).map_err(Clone::clone));
    let period = window(text(value, "window").unwrap_or("30d"), "window", place);
    keep(period.as_ref().map(|_| ()).map_err(Clone::clone));
    let sli = sli(value, place);
    keep(sli.as_ref().map(|_| ()).map_err(Clone::clone));
    let low_traffic = match value.get("low_traffic") {
        None | Some(Value::Null) => None,
        Some(given) => {
            let floor = given.as_f64().filter(|floor| *floor >= 0.0);
            if floor.is_none() {
                keep(Err(format!(
                    "{place}: low_traffic must be a number of events, not {given}"
                )));
            }
            floor
        }
    };
    let rules = value
        .get("burn_rules")
        .map(|rules| own_rules(rules, place))
        .transpose();
    keep(rules.as_ref().map(|_| ()).map_err(Clone::clone));
    match (name, objective, period, sli, rules) {
        (Ok(name), Ok(objective), Ok(period), Ok(sli), Ok(rules)) if problems.is_empty() => Ok(Slo {
            name,
            service: text(value, "service").unwrap_or_default().to_owned(),
            objective,
            rules: resolve_rules(rules.as_deref().unwrap_or(defaults), &period),
            period,
            notes: super::template_notes(&sli),
            sli,
            origin: SloOrigin::Config,
            low_traffic,
        }),
        _ => Err(problems),
    }
}

fn sli(value: &Value, place: &str) -> Result<Sli, String> {
    let has = |key: &str| value.get(key).is_some_and(|v| !v.is_null());
    match (has("errors") || has("total"), has("error_ratio"), has("latency")) {
        (true, false, false) => Ok(Sli::Events {
            errors: need(value, "errors", place)?.to_owned(),
            total: need(value, "total", place)?.to_owned(),
        }),
        (false, true, false) => Ok(Sli::Ratio {
            error_ratio: need(value, "error_ratio", place)?.to_owned(),
        }),
        (false, false, true) => {
            let latency = value.get("latency").unwrap_or(&Value::Null);
            let place = format!("{place}: latency");
            let threshold = latency
                .get("threshold")
                .and_then(|given| match given {
                    Value::String(text) => parse_duration(text).ok().map(|d| d.as_secs_f64()),
                    other => number(other),
                })
                .filter(|seconds| *seconds > 0.0)
                .ok_or_else(|| format!("{place}.threshold must be a duration, as in \"200ms\""))?;
            Ok(Sli::Latency {
                histogram: need(latency, "histogram", &place)?
                    .trim_end_matches("_bucket")
                    .to_owned(),
                selector: text(latency, "selector").unwrap_or_default().to_owned(),
                threshold,
            })
        }
        _ => Err(format!(
            "{place}: give exactly one of errors with total, error_ratio, or latency"
        )),
    }
}

fn own_rules(rules: &Value, place: &str) -> Result<Vec<BurnRuleConfig>, String> {
    let list = rules
        .as_array()
        .ok_or_else(|| format!("{place}: burn_rules must be a list"))?;
    list.iter()
        .enumerate()
        .map(|(index, rule)| {
            let place = format!("{place}: burn_rules[{index}]");
            let severity = match text(rule, "severity") {
                Some("page") => Severity::Page,
                Some("ticket") => Severity::Ticket,
                _ => return Err(format!("{place}: severity must be page or ticket")),
            };
            let positive = |key: &str| rule.get(key).and_then(number).filter(|n| *n > 0.0);
            let threshold = match (positive("budget"), positive("factor")) {
                (Some(share), None) if share <= 1.0 => Threshold::Budget(share),
                (None, Some(factor)) => Threshold::Factor(factor),
                _ => return Err(format!("{place}: give either budget (0 to 1) or factor")),
            };
            Ok(BurnRuleConfig {
                severity,
                threshold,
                long: window(need(rule, "long", &place)?, "long", &place)?,
                short: text(rule, "short")
                    .map(|short| window(short, "short", &place))
                    .transpose()?,
            })
        })
        .collect()
}
