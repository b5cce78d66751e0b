//! Sloth `prometheus/v1` files, its Kubernetes form `PrometheusServiceLevel`, and `AlertWindows`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::domain::slo::{
    BurnRule, RuleOrigin, RuleWindows, Severity, Sli, Slo, SloOrigin, Window, factor, rule, workbook_rules,
};

use super::{SloFiles, need, number, percent, text, window};

/// Rules by the period they are for.
pub(super) fn alert_windows(
    documents: &[(String, Value)],
    problems: &mut Vec<String>,
) -> Vec<(Duration, Vec<BurnRule>)> {
    let mut out = Vec::new();
    for (path, document) in documents {
        if text(document, "kind") != Some("AlertWindows") {
            continue;
        }
        match windows_of(document, path) {
            Ok(found) => out.push(found),
            Err(why) => problems.push(why),
        }
    }
    out
}

fn windows_of(document: &Value, path: &str) -> Result<(Duration, Vec<BurnRule>), String> {
    let spec = document.get("spec").unwrap_or(&Value::Null);
    let place = format!("{path}: AlertWindows spec");
    let period = window(need(spec, "sloPeriod", &place)?, "sloPeriod", &place)?;
    let mut rules = Vec::new();
    for (kind, severity) in [("page", Severity::Page), ("ticket", Severity::Ticket)] {
        for speed in ["quick", "slow"] {
            let place = format!("{place}.{kind}.{speed}");
            let Some(of) = spec.get(kind).and_then(|k| k.get(speed)) else {
                return Err(format!("{place} is missing; add it"));
            };
            let share = of
                .get("errorBudgetPercent")
                .and_then(number)
                .filter(|p| *p > 0.0)
                .ok_or_else(|| format!("{place}.errorBudgetPercent must be a number above 0"))?;
            let long = window(need(of, "longWindow", &place)?, "longWindow", &place)?;
            let short = Some(window(need(of, "shortWindow", &place)?, "shortWindow", &place)?);
            let burn = factor(share / 100.0, period.length(), long.length());
            rules.push(rule(
                severity,
                burn,
                RuleWindows { long, short },
                RuleOrigin::Sloth,
            ));
        }
    }
    Ok((period.length(), rules))
}

pub(super) fn read(path: &str, document: &Value, windows: &[(Duration, Vec<BurnRule>)], out: &mut SloFiles) {
    if text(document, "kind") == Some("AlertWindows") {
        return;
    }
    // The Kubernetes form holds the same below `spec`.
    let body = document.get("spec").unwrap_or(document);
    let service = match need(body, "service", path) {
        Ok(service) => service,
        Err(why) => return out.problems.push(why),
    };
    for (index, value) in body
        .get("slos")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let place = format!(
            "{path}: slos {}",
            text(value, "name").map_or_else(|| index.to_string(), str::to_owned)
        );
        match one(value, service, &place, windows) {
            Ok(mut slo) => {
                slo.origin = SloOrigin::File(Arc::from(path));
                out.slos.push(slo);
            }
            Err(why) => out.problems.push(why),
        }
    }
}

fn one(
    value: &Value,
    service: &str,
    place: &str,
    windows: &[(Duration, Vec<BurnRule>)],
) -> Result<Slo, String> {
    // Sloth's own id, so that the same SLO found recorded is known to be this one.
    let name = format!("{service}-{}", need(value, "name", place)?);
    let objective = percent(value.get("objective"), "objective", place)?;
    let period = Window::of(Duration::from_secs(30 * 86_400));
    let sli_value = value.get("sli").unwrap_or(&Value::Null);
    let any = |of: &Value, keys: [&str; 2]| keys.iter().find_map(|k| text(of, k).map(str::to_owned));
    let missing = |key: &str| format!("{place}: sli.{key} is missing; add it");
    let sli = if let Some(events) = sli_value.get("events") {
        Sli::Events {
            errors: any(events, ["error_query", "errorQuery"])
                .ok_or_else(|| missing("events.error_query"))?,
            total: any(events, ["total_query", "totalQuery"]).ok_or_else(|| missing("events.total_query"))?,
        }
    } else if let Some(raw) = sli_value.get("raw") {
        Sli::Ratio {
            error_ratio: any(raw, ["error_ratio_query", "errorRatioQuery"])
                .ok_or_else(|| missing("raw.error_ratio_query"))?,
        }
    } else if sli_value.get("plugin").is_some() {
        return Err(format!(
            "{place}: SLI plugins run inside Sloth; leave the file out, the recorded series are found by themselves"
        ));
    } else {
        return Err(format!("{place}: sli needs events or raw"));
    };
    let mut rules = windows
        .iter()
        .find(|(length, _)| *length == period.length())
        .map_or_else(
            || workbook_rules(&period, RuleOrigin::Sloth),
            |(_, rules)| rules.clone(),
        );
    let alerting = value.get("alerting").unwrap_or(&Value::Null);
    for (keys, severity) in [
        (["page_alert", "pageAlert"], Severity::Page),
        (["ticket_alert", "ticketAlert"], Severity::Ticket),
    ] {
        let disabled = keys
            .iter()
            .any(|k| alerting.get(k).and_then(|a| a.get("disable")) == Some(&Value::Bool(true)));
        if disabled {
            rules.retain(|rule| rule.severity != severity);
        }
    }
    Ok(Slo {
        name,
        service: service.to_owned(),
        objective,
        period,
        notes: super::template_notes(&sli),
        sli,
        rules,
        origin: SloOrigin::Config,
        low_traffic: None,
    })
}
