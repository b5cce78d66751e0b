//! OpenSLO v1: `SLO` with an inline or referenced `SLI` (ratio metrics of Prometheus), and its burn-rate policies.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::slo::{
    BurnRule, Objective, RuleOrigin, RuleWindows, Severity, Sli, Slo, SloOrigin, rule, workbook_rules,
};

use super::{SloFiles, need, number, text, window};

pub(super) fn read(path: &str, document: &Value, all: &[(String, Value)], out: &mut SloFiles) {
    if text(document, "kind") != Some("SLO") {
        return; // SLI, Service, AlertPolicy…: read where an SLO refers to them
    }
    let name = name_of(document).unwrap_or_default();
    let place = format!("{path}: SLO {name}");
    match one(document, name, &place, all) {
        Ok(mut slo) => {
            slo.origin = SloOrigin::File(Arc::from(path));
            out.slos.push(slo);
        }
        Err(why) => out.problems.push(why),
    }
}

fn name_of(document: &Value) -> Option<&str> {
    document.get("metadata").and_then(|m| text(m, "name"))
}

fn find<'a>(all: &'a [(String, Value)], kind: &str, name: &str) -> Option<&'a Value> {
    all.iter()
        .map(|(_, document)| document)
        .find(|d| text(d, "kind") == Some(kind) && name_of(d) == Some(name))
        .and_then(|d| d.get("spec"))
}

fn one(document: &Value, name: &str, place: &str, all: &[(String, Value)]) -> Result<Slo, String> {
    if name.is_empty() {
        return Err(format!("{place}: metadata.name is missing; add it"));
    }
    let spec = document.get("spec").unwrap_or(&Value::Null);
    let mut notes = Vec::new();
    let time_window = spec
        .get("timeWindow")
        .and_then(|w| w.get(0))
        .unwrap_or(&Value::Null);
    let duration = openslo_duration(need(time_window, "duration", &format!("{place}: timeWindow[0]"))?);
    let period = window(&duration, "timeWindow[0].duration", place)?;
    if time_window.get("isRolling") == Some(&Value::Bool(false)) || time_window.get("calendar").is_some() {
        notes.push(format!(
            "the calendar window is read as a rolling one of {period}"
        ));
    }
    if let Some(method) = text(spec, "budgetingMethod")
        && method != "Occurrences"
    {
        notes.push(format!("budgetingMethod {method} is read as Occurrences"));
    }
    let objectives = spec.get("objectives").and_then(Value::as_array);
    if objectives.is_some_and(|o| o.len() > 1) {
        notes.push("only the first of several objectives is read".to_owned());
    }
    let objective = objectives.and_then(|o| o.first()).unwrap_or(&Value::Null);
    let target = objective
        .get("target")
        .and_then(number)
        .and_then(Objective::from_fraction)
        .or_else(|| {
            objective
                .get("targetPercent")
                .and_then(number)
                .and_then(Objective::from_percent)
        })
        .ok_or_else(|| format!("{place}: objectives[0] needs target (0 to 1) or targetPercent"))?;
    let indicator = match text(spec, "indicatorRef") {
        Some(reference) => find(all, "SLI", reference).ok_or_else(|| {
            format!("{place}: indicatorRef {reference} is in none of the slo_files; add its file")
        })?,
        None => spec
            .get("indicator")
            .and_then(|i| i.get("spec"))
            .ok_or_else(|| format!("{place}: indicator or indicatorRef is missing; add one"))?,
    };
    let sli = sli(indicator, place)?;
    let owned = policies(spec, place, all, &mut notes)?;
    notes.extend(super::template_notes(&sli));
    Ok(Slo {
        name: name.to_owned(),
        service: text(spec, "service").unwrap_or_default().to_owned(),
        objective: target,
        rules: if owned.is_empty() {
            workbook_rules(&period, RuleOrigin::Default)
        } else {
            owned
        },
        period,
        sli,
        origin: SloOrigin::Config,
        low_traffic: None,
        notes,
    })
}

fn query(of: &Value, key: &str, place: &str) -> Result<String, String> {
    let spec = of
        .get(key)
        .and_then(|m| m.get("metricSource"))
        .and_then(|s| s.get("spec"))
        .unwrap_or(&Value::Null);
    Ok(need(
        spec,
        "query",
        &format!("{place}: ratioMetric.{key}.metricSource.spec"),
    )?
    .to_owned())
}

fn sli(indicator: &Value, place: &str) -> Result<Sli, String> {
    let Some(ratio) = indicator.get("ratioMetric") else {
        return Err(format!(
            "{place}: only ratioMetric can be asked for; a thresholdMetric has no error ratio without its buckets, use latency in midwatch's own form"
        ));
    };
    if ratio.get("raw").is_some() {
        let raw = query(ratio, "raw", place)?;
        return Ok(Sli::Ratio {
            error_ratio: match text(ratio, "rawType") {
                Some("failure") => raw,
                _ => format!("1 - ({raw}\n)"),
            },
        });
    }
    let total = query(ratio, "total", place)?;
    Ok(if ratio.get("bad").is_some() {
        Sli::Events {
            errors: query(ratio, "bad", place)?,
            total,
        }
    } else {
        let good = query(ratio, "good", place)?;
        Sli::Events {
            errors: format!("({total}\n) - ({good}\n)"),
            total,
        }
    })
}

fn policies(
    spec: &Value,
    place: &str,
    all: &[(String, Value)],
    notes: &mut Vec<String>,
) -> Result<Vec<BurnRule>, String> {
    let mut out = Vec::new();
    for policy in spec
        .get("alertPolicies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let reference = policy.as_str().or_else(|| text(policy, "alertPolicyRef"));
        let Some(policy) =
            reference.map_or_else(|| policy.get("spec"), |name| find(all, "AlertPolicy", name))
        else {
            notes.push(format!(
                "the alert policy {} is in none of the slo_files",
                reference.unwrap_or("?")
            ));
            continue;
        };
        for condition in policy
            .get("conditions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let reference = text(condition, "conditionRef");
            let found =
                reference.map_or_else(|| condition.get("spec"), |name| find(all, "AlertCondition", name));
            let Some(condition) = found else {
                notes.push(format!(
                    "the alert condition {} is in none of the slo_files",
                    reference.unwrap_or("?")
                ));
                continue;
            };
            let burn = condition.get("condition").unwrap_or(&Value::Null);
            if text(burn, "kind") != Some("burnrate") {
                continue;
            }
            let place = format!("{place}: alert condition");
            let long = window(
                &openslo_duration(need(burn, "lookbackWindow", &place)?),
                "lookbackWindow",
                &place,
            )?;
            let factor = burn
                .get("threshold")
                .and_then(number)
                .filter(|t| *t > 0.0)
                .ok_or_else(|| format!("{place}: threshold must be a number above 0"))?;
            let severity = match text(condition, "severity").unwrap_or_default() {
                "page" | "critical" => Severity::Page,
                _ => Severity::Ticket, // the word is free in OpenSLO
            };
            // One window: OpenSLO has no pairs.
            let windows = RuleWindows {
                short: Some(long.clone()),
                long,
            };
            let hold = text(burn, "alertAfter")
                .and_then(|after| crate::time::parse_duration(&openslo_duration(after)).ok())
                .unwrap_or_default();
            out.push(BurnRule {
                hold,
                ..rule(severity, factor, windows, RuleOrigin::OpenSlo)
            });
        }
    }
    Ok(out)
}

/// OpenSLO's months, quarters and years into days: `1M` is 30 d.
fn openslo_duration(text: &str) -> String {
    let text = text.trim();
    let days = |unit: char| text.strip_suffix(unit).and_then(|n| n.parse::<u64>().ok());
    if let Some(months) = days('M') {
        format!("{}d", months.saturating_mul(30))
    } else if let Some(quarters) = days('Q') {
        format!("{}d", quarters.saturating_mul(90))
    } else if let Some(years) = days('Y') {
        format!("{}d", years.saturating_mul(365))
    } else {
        text.to_owned()
    }
}
