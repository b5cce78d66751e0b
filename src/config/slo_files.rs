//! SLO files: Sloth v1, OpenSLO v1, Pyrra, and midwatch's own form, each into [`Slo`].
//!
//! Owns what a file means, not where files are found or read: text in, SLOs and problems out. Every problem is
//! collected, with file, SLO, key and mend. A file that is wrong in one SLO still gives the others.
//! Start at [`read_slo_files`].

mod openslo;
mod own;
mod pyrra;
mod sloth;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

use crate::backend::metrics::plan;
use crate::domain::slo::{
    BurnRule, Objective, RuleOrigin, RuleWindows, Sli, Slo, Window, factor, rule, unreachable_notes,
    workbook_rules,
};

use super::{BurnRuleConfig, Threshold};

pub use own::own_slo;

/// One file, already read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SloFile {
    /// As it is named in messages.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What files gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SloFiles {
    /// SLOs, in the files' order.
    pub slos: Vec<Slo>,
    /// What is wrong, one line each: place, what, mend.
    pub problems: Vec<String>,
}

/// Reads all files of a context at once, because Sloth's `AlertWindows` and OpenSLO's parts may stand in others.
/// `defaults` are `[[burn_rules]]`; empty means the workbook's table.
pub fn read_slo_files(files: &[SloFile], defaults: &[BurnRuleConfig]) -> SloFiles {
    let mut out = SloFiles::default();
    let mut documents: Vec<(String, Value)> = Vec::new();
    for file in files {
        match parse(file) {
            Ok(values) => documents.extend(values.into_iter().map(|v| (file.path.clone(), v))),
            Err(why) => out.problems.push(format!("{}: {why}", file.path)),
        }
    }
    let windows = sloth::alert_windows(&documents, &mut out.problems);
    for (path, document) in &documents {
        let api = text(document, "apiVersion").unwrap_or_default();
        let version = text(document, "version").unwrap_or_default();
        let before = out.slos.len();
        if version.starts_with("prometheus/v1") || api == "sloth.slok.dev/v1" {
            sloth::read(path, document, &windows, &mut out);
        } else if api.starts_with("pyrra.dev/") {
            pyrra::read(path, document, &mut out);
        } else if api == "openslo/v1" {
            openslo::read(path, document, &documents, &mut out);
        } else if document.get("slos").is_some_and(Value::is_array) {
            own::read(path, document, defaults, &mut out);
        } else {
            let what = if api.is_empty() { "no apiVersion" } else { api };
            out.problems.push(format!(
                "{path}: {what}: not an SLO file that is known; write Sloth (version: prometheus/v1), openslo/v1, pyrra.dev/v1alpha1, or a list under slos"
            ));
        }
        for slo in out.slos.iter_mut().skip(before) {
            slo.notes.extend(unreachable_notes(slo.objective, &slo.rules));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    let problems = &mut out.problems;
    out.slos.retain(|slo| {
        let first = seen.insert(slo.name.clone());
        if !first {
            problems.push(format!(
                "the SLO {} is defined twice; the first is kept, rename the other",
                slo.name
            ));
        }
        first
    });
    out
}

/// `[[burn_rules]]` for an SLO's own period; the workbook's table where there are none.
pub fn resolve_rules(rules: &[BurnRuleConfig], period: &Window) -> Vec<BurnRule> {
    if rules.is_empty() {
        return workbook_rules(period, RuleOrigin::Default);
    }
    rules
        .iter()
        .map(|config| {
            let burn = match config.threshold {
                Threshold::Budget(share) => factor(share, period.length(), config.long.length()),
                Threshold::Factor(burn) => burn,
            };
            let windows = RuleWindows {
                long: config.long.clone(),
                short: config.short.clone(),
            };
            rule(config.severity, burn, windows, RuleOrigin::Config)
        })
        .collect()
}

fn parse(file: &SloFile) -> Result<Vec<Value>, String> {
    let is = |ending: &str| {
        std::path::Path::new(&file.path)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case(ending))
    };
    if is("toml") {
        let value: Value = toml::from_str(&file.text).map_err(|e| e.to_string().trim().replace('\n', " "))?;
        return Ok(vec![value]);
    }
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(&file.text).map_err(|e| e.to_string().trim().replace('\n', " "))?;
    Ok(documents.into_iter().filter(|d| !d.is_null()).collect())
}

// Reading a tree, with words for what is missing.

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn need<'a>(value: &'a Value, key: &str, place: &str) -> Result<&'a str, String> {
    match value.get(key) {
        None | Some(Value::Null) => Err(format!("{place}: {key} is missing; add it")),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        Some(other) => Err(format!("{place}: {key} must be text, not {other}")),
    }
}

/// A number, or a number written as text.
fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

fn percent(value: Option<&Value>, key: &str, place: &str) -> Result<Objective, String> {
    value
        .and_then(number)
        .and_then(Objective::from_percent)
        .ok_or_else(|| format!("{place}: {key} must be per cent between 0 and 100, as in 99.9"))
}

fn window(text: &str, key: &str, place: &str) -> Result<Window, String> {
    let window = Window::named(text).map_err(|why| format!("{place}: {key}: {why}"))?;
    if window.length() < Duration::from_secs(1) {
        return Err(format!("{place}: {key}: {text} is shorter than a second"));
    }
    Ok(window)
}

/// What a template lacks: a warning, the server decides.
fn template_notes(sli: &Sli) -> Vec<String> {
    let templates: Vec<(&str, &String)> = match sli {
        Sli::Events { errors, total } => vec![("errors", errors), ("total", total)],
        Sli::Ratio { error_ratio } => vec![("error_ratio", error_ratio)],
        Sli::Latency { .. } | Sli::Recorded { .. } => Vec::new(),
    };
    templates
        .into_iter()
        .filter_map(|(key, template)| {
            plan::local_warning(template)
                .map(|why| format!("{key} does not parse here ({why}); the server decides"))
        })
        .collect()
}
