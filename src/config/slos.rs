//! `[[contexts.X.slos]]` and `[[burn_rules]]`.

use super::check::Findings;
use super::decode::Section;
use super::problem::nearest;
use super::slo_files::resolve_rules;
use super::{BurnRuleConfig, Threshold};
use crate::domain::slo::{Objective, Severity, Sli, Slo, SloOrigin, Window, unreachable_notes};

/// What a template's window is written as.
const WINDOW: &str = "{{window}}";

/// The period of an SLO that names none.
const PERIOD: &str = "30d";

/// Decodes `burn_rules` of the top or of one SLO.
pub(super) fn burn_rules(section: &Section<'_>, findings: &mut Findings) -> Vec<BurnRuleConfig> {
    section
        .sections("burn_rules")
        .iter()
        .filter_map(|rule| burn_rule(rule, findings))
        .collect()
}

fn burn_rule(rule: &Section<'_>, findings: &mut Findings) -> Option<BurnRuleConfig> {
    const SEVERITY: &str = "write \"page\" or \"ticket\"";
    let severity = rule.required("severity", SEVERITY, findings).and_then(|word| {
        let known = [Severity::Page, Severity::Ticket]
            .into_iter()
            .find(|s| s.word() == word);
        if known.is_none() {
            let mend = nearest(&word, ["page", "ticket"])
                .map_or_else(|| SEVERITY.to_owned(), |near| format!("did you mean \"{near}\"?"));
            findings.error(
                &rule.at("severity"),
                format!("there is no severity \"{word}\""),
                mend,
            );
        }
        known
    });
    let threshold = threshold(rule, findings);
    let long = window(rule, "long");
    rule.demand("long", "write long = \"1h\"", findings);
    let short = window(rule, "short");
    if let (Some(long), Some(short)) = (&long, &short)
        && short.length() > long.length()
    {
        findings.error(
            &rule.at("short"),
            format!("{short} is longer than `long` ({long})"),
            "the short window proves that it still goes on: a twelfth of the long one is usual",
        );
    }
    Some(BurnRuleConfig {
        severity: severity?,
        threshold: threshold?,
        long: long?,
        short,
    })
}

fn threshold(rule: &Section<'_>, findings: &mut Findings) -> Option<Threshold> {
    match (rule.has("budget"), rule.has("factor")) {
        (true, true) => {
            findings.error(&rule.path, "has both budget and factor", "leave one");
            None
        }
        (false, false) => {
            findings.error(
                &rule.path,
                "says neither budget nor factor",
                "write budget = 0.02 (a share of the budget within `long`) or factor = 14.4",
            );
            None
        }
        (true, false) => {
            let share = rule.number("budget")?;
            if share > 0.0 && share <= 1.0 {
                return Some(Threshold::Budget(share));
            }
            let mend = "0.02 is two per cent of the budget, spent within `long`";
            findings.error(&rule.at("budget"), "must be above 0 and at most 1", mend);
            None
        }
        (false, true) => {
            let factor = rule.number("factor")?;
            if factor > 0.0 {
                return Some(Threshold::Factor(factor));
            }
            findings.error(
                &rule.at("factor"),
                "must be above 0",
                "14.4 is the workbook's fastest",
            );
            None
        }
    }
}

fn window(section: &Section<'_>, key: &str) -> Option<Window> {
    Window::named(&section.text(key)?).ok()
}

/// Decodes a context's SLOs; what is odd about one stands in its notes.
pub(super) fn slos(context: &Section<'_>, common: &[BurnRuleConfig], findings: &mut Findings) -> Vec<Slo> {
    let mut found: Vec<Slo> = Vec::new();
    for section in context.sections("slos") {
        let Some(mut slo) = slo(&section, common, findings) else {
            continue;
        };
        if found.iter().any(|other| other.name == slo.name) {
            let what = format!("`{}` names another SLO of this context too", slo.name);
            findings.error(&section.at("name"), what, "give each its own name");
        }
        slo.notes = unreachable_notes(slo.objective, &slo.rules);
        for note in &slo.notes {
            let (what, mend) = note.split_once("; ").unwrap_or((note, ""));
            findings.warn(&section.path, what, mend);
        }
        found.push(slo);
    }
    found
}

fn slo(section: &Section<'_>, common: &[BurnRuleConfig], findings: &mut Findings) -> Option<Slo> {
    let name = section.required("name", "write name = \"checkout-availability\"", findings);
    let objective = objective(section, findings);
    let period = if section.has("window") {
        window(section, "window")
    } else {
        Window::named(PERIOD).ok()
    };
    let sli = sli(section, findings);
    let own = burn_rules(section, findings);
    let period = period?;
    let rules = if own.is_empty() {
        resolve_rules(common, &period)
    } else {
        resolve_rules(&own, &period)
    };
    Some(Slo {
        name: name?,
        service: section.text("service").unwrap_or_default(),
        objective: objective?,
        period,
        sli: sli?,
        rules,
        origin: SloOrigin::Config,
        low_traffic: section.number("low_traffic"),
        notes: Vec::new(),
    })
}

fn objective(section: &Section<'_>, findings: &mut Findings) -> Option<Objective> {
    section.demand("objective", "write objective = 99.9 (per cent)", findings);
    let percent = section.number("objective")?;
    let path = section.at("objective");
    if percent > 0.0 && percent < 1.0 {
        findings.error(
            &path,
            format!("{percent} is less than one per cent"),
            format!(
                "objectives are in per cent: write {}",
                Objective::from_fraction(percent)?
            ),
        );
        return None;
    }
    let objective = Objective::from_percent(percent);
    if objective.is_none() {
        findings.error(
            &path,
            format!("{percent} leaves no budget, or more than all"),
            "write per cent, above 0 and below 100",
        );
    }
    objective
}

fn sli(section: &Section<'_>, findings: &mut Findings) -> Option<Sli> {
    const MEND: &str = "write errors and total, or error_ratio, or latency";
    let events = section.has("errors") || section.has("total");
    let ways = [events, section.has("error_ratio"), section.has("latency")];
    match ways.iter().filter(|way| **way).count() {
        0 => {
            findings.error(&section.path, "says not how it is measured", MEND);
            return None;
        }
        1 => {}
        _ => {
            findings.error(&section.path, "says more than one way to measure", MEND);
            return None;
        }
    }
    if events {
        section.demand(
            "errors",
            "write the rate of bad events, with {{window}}",
            findings,
        );
        section.demand("total", "write the rate of all events, with {{window}}", findings);
        let (errors, total) = (
            template(section, "errors", findings),
            template(section, "total", findings),
        );
        return Some(Sli::Events {
            errors: errors?,
            total: total?,
        });
    }
    if section.has("error_ratio") {
        return Some(Sli::Ratio {
            error_ratio: template(section, "error_ratio", findings)?,
        });
    }
    let latency = section.section("latency")?;
    latency.demand("histogram", "write its name without _bucket", findings);
    latency.demand("threshold", "write a bucket's bound, as in \"200ms\"", findings);
    let histogram = latency.text("histogram")?;
    if histogram.ends_with("_bucket") {
        findings.error(
            &latency.at("histogram"),
            "ends with _bucket",
            "write the histogram's base name",
        );
    }
    let selector = latency.text("selector").unwrap_or_default();
    if selector.trim_start().starts_with('{') {
        findings.error(
            &latency.at("selector"),
            "has braces",
            "write the matchers alone: service=\"checkout\"",
        );
    }
    Some(Sli::Latency {
        histogram,
        selector,
        threshold: latency.duration("threshold")?.as_secs_f64(),
    })
}

fn template(section: &Section<'_>, key: &str, findings: &mut Findings) -> Option<String> {
    let text = section.text(key)?;
    if !text.contains(WINDOW) {
        findings.error(
            &section.at(key),
            format!("has no {WINDOW} in it"),
            format!("the query is asked for several windows: write rate(…[{WINDOW}])"),
        );
    }
    Some(text)
}
