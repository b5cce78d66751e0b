//! Pyrra's `ServiceLevelObjective`: ratio, latency and bool-gauge indicators, its rules scaled to its window.

use std::sync::Arc;

use serde_json::Value;

use crate::backend::metrics::discovery::pyrra_rules;
use crate::domain::slo::{Sli, Slo, SloOrigin};

use super::{SloFiles, need, percent, text, window};

pub(super) fn read(path: &str, document: &Value, out: &mut SloFiles) {
    let name = document
        .get("metadata")
        .and_then(|m| text(m, "name"))
        .unwrap_or_default();
    let place = format!("{path}: {name}");
    match one(document, name, &place) {
        Ok(mut slo) => {
            slo.origin = SloOrigin::File(Arc::from(path));
            out.slos.push(slo);
        }
        Err(why) => out.problems.push(why),
    }
}

fn one(document: &Value, name: &str, place: &str) -> Result<Slo, String> {
    if name.is_empty() {
        return Err(format!("{place}: metadata.name is missing; add it"));
    }
    let spec = document.get("spec").unwrap_or(&Value::Null);
    let objective = percent(spec.get("target"), "spec.target", place)?;
    let period = window(need(spec, "window", place)?, "spec.window", place)?;
    let indicator = spec.get("indicator").unwrap_or(&Value::Null);
    let metric = |of: &Value, key: &str| -> Result<String, String> {
        let part = of.get(key).unwrap_or(&Value::Null);
        Ok(need(part, "metric", &format!("{place}: spec.indicator {key}"))?.to_owned())
    };
    let mut notes = Vec::new();
    let grouped = |of: &Value| {
        of.get("grouping")
            .and_then(Value::as_array)
            .is_some_and(|g| !g.is_empty())
    };
    let sli = if let Some(ratio) = indicator.get("ratio") {
        if grouped(ratio) {
            notes.push("Pyrra's grouping is summed up: one objective over all groups".to_owned());
        }
        Sli::Events {
            errors: summed("rate", &metric(ratio, "errors")?),
            total: summed("rate", &metric(ratio, "total")?),
        }
    } else if let Some(latency) = indicator.get("latency") {
        if grouped(latency) {
            notes.push("Pyrra's grouping is summed up: one objective over all groups".to_owned());
        }
        let total = summed("rate", &metric(latency, "total")?);
        let success = summed("rate", &metric(latency, "success")?);
        Sli::Events {
            errors: format!("{total} - {success}"),
            total,
        }
    } else if let Some(gauge) = indicator.get("bool_gauge") {
        let metric = need(gauge, "metric", &format!("{place}: spec.indicator bool_gauge"))?;
        let total = summed("count_over_time", metric);
        let good = summed("sum_over_time", metric);
        Sli::Events {
            errors: format!("{total} - {good}"),
            total,
        }
    } else {
        return Err(format!(
            "{place}: spec.indicator must be ratio, latency or bool_gauge; native histograms are read from Pyrra's recorded series"
        ));
    };
    let labels = document.get("metadata").and_then(|m| m.get("labels"));
    let service = labels
        .and_then(|l| text(l, "pyrra.dev/service").or_else(|| text(l, "pyrra.dev/team")))
        .unwrap_or_default();
    notes.extend(super::template_notes(&sli));
    Ok(Slo {
        name: name.to_owned(),
        service: service.to_owned(),
        objective,
        rules: pyrra_rules(&period),
        period,
        sli,
        origin: SloOrigin::Config,
        low_traffic: None,
        notes,
    })
}

fn summed(function: &str, metric: &str) -> String {
    format!("sum({function}({metric}[{{{{window}}}}]))")
}
