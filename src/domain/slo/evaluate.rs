//! Readings into a report: burn rates, rule states, the SLO's state, its budget, its warnings.
//!
//! Rules fire strictly above their factor and nothing is rounded before it is compared.

use std::sync::Arc;
use std::time::Duration;

use crate::time::Now;

use super::budget::budget;
use super::words::{duration_in_words, words};
use super::{
    Budget, BudgetStatus, BurnRule, HadData, LastKnown, MeanOfRatios, Reading, Readings, RuleReport,
    RuleState, Severity, Sli, Slo, SloReport, SloState, Staleness, Window, WindowReport,
};

/// A period seen for less than this share of its length is marked as young.
const YOUNG: f64 = 0.99;

impl Slo {
    /// Every rule window, one hour (for the exhaustion) and the period, shortest first. A recorded SLO has an
    /// hour only where its owner recorded one.
    pub fn windows(&self) -> Vec<Window> {
        let hour = Window::of(Duration::from_secs(3_600));
        let mut windows: Vec<Window> = self
            .rules
            .iter()
            .flat_map(|rule| [rule.long.clone(), rule.short.clone()])
            .chain([self.period.clone()])
            .collect();
        let has_hour = windows.iter().any(|w| w.length() == hour.length());
        let hour_can_be_asked = match &self.sli {
            Sli::Recorded { by_window, .. } => by_window.contains_key(hour.name()),
            Sli::Events { .. } | Sli::Ratio { .. } | Sli::Latency { .. } => true,
        };
        if !has_hour && hour_can_be_asked && self.period.length() > hour.length() {
            windows.push(hour);
        }
        windows.sort();
        windows.dedup();
        windows
    }
}

impl SloReport {
    /// The burn rate of a window, by name.
    pub fn burn(&self, window: &str) -> Option<f64> {
        self.windows
            .iter()
            .find(|w| w.window.name() == window)
            .and_then(|w| w.burn_rate)
    }

    /// Whether what its state hangs on has not been read yet: the shortest window, or one whose answer may still
    /// let a rule fire. What has no data is answered, and is not waited for.
    pub fn is_waiting(&self) -> bool {
        let unread = self.windows.first().is_none_or(|w| w.reading == Reading::Pending);
        self.state == SloState::NoData && (unread || is_undecided(&self.windows, &self.rules))
    }
}

impl From<Severity> for SloState {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Page => Self::Page,
            Severity::Ticket => Self::Ticket,
        }
    }
}

/// Judges one SLO. Pure: the same readings at the same moment give the same report.
pub fn evaluate(slo: Arc<Slo>, readings: &Readings, memory: &LastKnown, now: Now) -> SloReport {
    let windows: Vec<WindowReport> = slo
        .windows()
        .into_iter()
        .map(|window| window_report(&slo, window, readings, now))
        .collect();
    let rules: Vec<RuleReport> = slo
        .rules
        .iter()
        .map(|rule| RuleReport {
            state: rule_state(rule, &windows),
            reachable: rule.reachable(slo.objective),
            rule: rule.clone(),
        })
        .collect();
    let hourly = windows
        .iter()
        .find(|w| w.window.length() == Duration::from_secs(3_600))
        .and_then(|w| w.burn_rate);
    let last_known = rules
        .iter()
        .filter(|r| r.state == RuleState::Unknown)
        .filter_map(|r| memory.of(&r.rule))
        .min_by_key(|(state, at)| (*state != SloState::Page, std::cmp::Reverse(*at)));
    let covered = readings.first_sample.map(|first| {
        (now.utc - first)
            .to_std()
            .unwrap_or(Duration::ZERO)
            .min(slo.period.length())
    });
    let had_data = readings.first_sample.is_some()
        || memory.had_data()
        || !readings.history.is_empty()
        || windows.iter().any(|w| matches!(w.reading, Reading::Ratio { .. }));
    let budget = budget(&slo, readings, hourly, now.utc);
    let mut report = SloReport {
        state: state(&windows, &rules, budget.as_ref()),
        budget,
        covered,
        last_known,
        had_data: if had_data { HadData::Yes } else { HadData::No },
        words: String::new(),
        warnings: Vec::new(),
        partial: readings.partial.clone(),
        spark: readings.spark.clone(),
        spark_at: readings.spark_at.clone(),
        history: Arc::clone(&readings.history),
        windows,
        rules,
        slo,
    };
    report.warnings = warnings(&report, readings);
    report.words = words(&report, readings, now);
    report
}

fn window_report(slo: &Slo, window: Window, readings: &Readings, now: Now) -> WindowReport {
    let timed = readings.windows.get(window.name());
    let reading = timed.map_or(Reading::Pending, |t| match &t.reading {
        // An infinite or undefined ratio is no measurement.
        Reading::Ratio { error_ratio, .. } if error_ratio.is_nan() => Reading::NoTraffic,
        Reading::Ratio { error_ratio, .. } if error_ratio.is_infinite() => {
            Reading::Error(Arc::from(format!("the error ratio over {window} is infinite")))
        }
        other => other.clone(),
    });
    let age = timed.map_or(Duration::ZERO, |t| now.tick.since(t.at));
    let burn_rate = match &reading {
        Reading::Ratio { error_ratio, .. } => Some(error_ratio / slo.objective.budget()),
        Reading::NoTraffic => Some(0.0),
        Reading::NoData | Reading::Error(_) | Reading::Pending => None,
    };
    let low_traffic = match (&reading, slo.low_traffic) {
        (
            Reading::Ratio {
                events: Some(events), ..
            },
            Some(floor),
        ) if *events < floor => Some(*events),
        _ => None,
    };
    WindowReport {
        window,
        reading,
        burn_rate,
        low_traffic,
        age,
        stale: if timed.is_some_and(|t| age > t.fresh_for) {
            Staleness::Stale
        } else {
            Staleness::Fresh
        },
    }
}

fn rule_state(rule: &BurnRule, windows: &[WindowReport]) -> RuleState {
    let over = |window: &Window| {
        windows
            .iter()
            .find(|w| w.window == *window)
            .and_then(|w| w.burn_rate)
            .map(|burn| burn > rule.factor)
    };
    match (over(&rule.long), over(&rule.short)) {
        (Some(true), Some(true)) => RuleState::Firing,
        (Some(true), Some(false)) => RuleState::Recovering,
        (Some(false), Some(true)) => RuleState::Starting,
        (Some(false), Some(false)) => RuleState::Quiet,
        (None, _) | (_, None) => RuleState::Unknown,
    }
}

/// Whether an answer that is still to come may let a rule fire: one that is quiet over either of its windows does not.
fn is_undecided(windows: &[WindowReport], rules: &[RuleReport]) -> bool {
    let may_be_over = |window: &Window, factor: f64| {
        windows
            .iter()
            .find(|w| w.window == *window)
            .is_some_and(|w| match w.burn_rate {
                Some(burn) => burn > factor,
                None => w.reading == Reading::Pending,
            })
    };
    rules
        .iter()
        .filter(|r| r.state == RuleState::Unknown)
        .any(|r| may_be_over(&r.rule.long, r.rule.factor) && may_be_over(&r.rule.short, r.rule.factor))
}

fn state(windows: &[WindowReport], rules: &[RuleReport], budget: Option<&Budget>) -> SloState {
    let some = |state, severity| {
        rules
            .iter()
            .any(|r| r.state == state && r.rule.severity == severity)
    };
    if some(RuleState::Firing, Severity::Page) {
        return SloState::Page;
    }
    if some(RuleState::Firing, Severity::Ticket) {
        return SloState::Ticket;
    }
    if windows.iter().any(|w| matches!(w.reading, Reading::Error(_))) {
        return SloState::Error;
    }
    match windows.first().map(|w| &w.reading) {
        None | Some(Reading::NoData | Reading::Pending) => SloState::NoData,
        Some(Reading::NoTraffic | Reading::Ratio { .. }) if is_undecided(windows, rules) => SloState::NoData,
        Some(Reading::NoTraffic) => SloState::NoTraffic,
        Some(Reading::Ratio { .. } | Reading::Error(_)) if begins(windows, rules) => SloState::Starting,
        Some(Reading::Ratio { .. } | Reading::Error(_)) => match budget.map(|budget| budget.status) {
            Some(BudgetStatus::Breached) => SloState::Spent,
            Some(BudgetStatus::Healthy | BudgetStatus::Warning | BudgetStatus::Critical) | None => {
                SloState::Ok
            }
        },
    }
}

/// Whether a page may be beginning: a short window is over and its long one not, and the newest minutes still are. What
/// half an hour is over while its last minutes are calm is ending.
fn begins(windows: &[WindowReport], rules: &[RuleReport]) -> bool {
    let newest = windows.first().and_then(|window| window.burn_rate);
    rules.iter().any(|report| {
        report.state == RuleState::Starting
            && report.rule.severity == Severity::Page
            && newest.is_none_or(|burn| burn > report.rule.factor)
    })
}

/// Which windows failed, a line for each cause.
fn failed(windows: &[WindowReport]) -> impl Iterator<Item = String> {
    let mut causes: Vec<(&Arc<str>, Vec<&str>)> = Vec::new();
    for window in windows {
        let Reading::Error(why) = &window.reading else {
            continue;
        };
        match causes.iter_mut().find(|(cause, _)| *cause == why) {
            Some((_, names)) => names.push(window.window.name()),
            None => causes.push((why, vec![window.window.name()])),
        }
    }
    let told = |(why, names): (_, Vec<&str>)| format!("{}: {why}", names.join(", "));
    causes.into_iter().map(told)
}

fn warnings(report: &SloReport, readings: &Readings) -> Vec<String> {
    let slo = &report.slo;
    let mut out = Vec::new();
    if let Some(partial) = &report.partial {
        out.push(format!("partial: {partial}"));
    }
    if readings.errors_never_seen == Some(true) {
        out.push(format!(
            "errors_never_seen: `errors` had no series in all of {}, counted as none; a renamed metric looks the same",
            slo.period
        ));
    }
    out.extend(failed(&report.windows));
    for window in &report.windows {
        if let Some(events) = window.low_traffic {
            out.push(format!(
                "low_traffic: {events:.0} events in {}, fewer than {:.0}",
                window.window,
                slo.low_traffic.unwrap_or_default()
            ));
        }
        match &window.reading {
            Reading::Ratio { error_ratio, .. } if !(-1e-6..=1.000_001).contains(error_ratio) => out.push(format!(
                "the error ratio over {} is {error_ratio:.3}, outside 0 to 1: check that errors are a part of total",
                window.window
            )),
            Reading::Error(_) | Reading::Ratio { .. } | Reading::NoTraffic | Reading::NoData | Reading::Pending => {}
        }
        if window.stale == Staleness::Stale {
            out.push(format!(
                "stale: {} was read {} ago",
                window.window,
                duration_in_words(window.age)
            ));
        }
    }
    if let Some(covered) = report.covered
        && covered.as_secs_f64() < slo.period.length().as_secs_f64() * YOUNG
    {
        out.push(format!(
            "young: {} of {} seen",
            duration_in_words(covered),
            duration_in_words(slo.period.length())
        ));
    }
    if let Sli::Recorded {
        period_is_mean_of_ratios: MeanOfRatios::Yes,
        ..
    } = &slo.sli
        && report.budget.is_some()
    {
        out.push(format!(
            "the ratio over {} is Sloth's unweighted mean of 5 m ratios: quiet hours count as much as busy ones",
            slo.period
        ));
    }
    out.extend(slo.notes.iter().cloned());
    for warning in &readings.warnings {
        // The definition may have been told off for the same thing when it was loaded.
        if !out.contains(warning) {
            out.push(warning.clone());
        }
    }
    out
}
