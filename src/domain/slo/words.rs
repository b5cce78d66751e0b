//! The report in plain English. A claim is made only where a reading supports it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::time::Now;

use super::rank::headline;
use super::{Reading, Readings, RollingExhaustion, RuleReport, RuleState, SloReport, SloState, Window};

/// `41 min`, `3 h`, `2 d`: one unit, rounded down.
pub fn duration_in_words(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..7_200 => format!("{} min", s / 60),
        7_200..172_800 => format!("{} h", s / 3_600),
        _ => format!("{} d", s / 86_400),
    }
}

pub(super) fn words(report: &SloReport, readings: &Readings, now: Now) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some((state, at)) = report.last_known {
        let lost = duration_in_words((now.utc - at).to_std().unwrap_or(Duration::ZERO));
        parts.push(format!("{}, data lost {lost}", state.word()));
    }
    match report.state {
        SloState::Page | SloState::Ticket | SloState::Starting => parts.extend(burning(report, readings)),
        SloState::Error => parts.push(failed(report)),
        SloState::NoData => parts.push(if is_pending(report) {
            "waiting for the first answer".to_owned()
        } else if report.is_waiting() {
            "waiting for the longer windows".to_owned()
        } else if report.last_known.is_none() {
            format!("no series in the last {}", shortest(report))
        } else {
            String::new()
        }),
        SloState::NoTraffic => parts.push(format!("no traffic in the last {}", shortest(report))),
        SloState::Spent | SloState::Ok => {
            if report.rules.iter().any(|r| r.state == RuleState::Recovering) {
                parts.push("recovering".to_owned());
            }
        }
    }
    parts.extend(spent(report));
    parts.extend(emptying(report, now));
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

fn shortest(report: &SloReport) -> String {
    report
        .windows
        .first()
        .map_or_else(String::new, |w| duration_in_words(w.window.length()))
}

fn is_pending(report: &SloReport) -> bool {
    report
        .windows
        .first()
        .is_none_or(|w| w.reading == Reading::Pending)
}

fn failed(report: &SloReport) -> String {
    report
        .windows
        .iter()
        .find_map(|w| match &w.reading {
            Reading::Error(why) => Some(format!("{} failed: {why}", w.window)),
            Reading::Ratio { .. } | Reading::NoTraffic | Reading::NoData | Reading::Pending => None,
        })
        .unwrap_or_default()
}

/// `18× normal errors for 41 min`. "Normal" is the rate that spends the budget exactly over the period; the
/// time is how long the short window has been over the rule's factor, where the sparkline shows it.
fn burning(report: &SloReport, readings: &Readings) -> Option<String> {
    let (window, burn) = headline(report)?;
    let mut out = format!("{} normal errors", times(burn));
    if let Some(newest) = report.windows.first().filter(|newest| newest.window != *window)
        && let Some(now) = newest.burn_rate
    {
        // It is the burn of a while ago: whoever acts on it is to know what became of it.
        let span = |window: &Window| duration_in_words(window.length());
        let (over, newest) = (span(window), span(&newest.window));
        let _ = write!(out, " over {over}, {} over {newest}", times(now)); // a String takes everything
    }
    let firing = report
        .rules
        .iter()
        .filter(|r| r.state == RuleState::Firing)
        .min_by(|a, b| (a.rule.severity.cmp(&b.rule.severity)).then(b.rule.factor.total_cmp(&a.rule.factor)));
    if let Some(rule) = firing {
        match since(report, readings, rule) {
            Some(Since::For(time)) => {
                let _ = write!(out, " for {}", duration_in_words(time)); // a String takes everything
            }
            Some(Since::Over(time)) => {
                let _ = write!(out, " for over {}", duration_in_words(time));
            }
            None => {}
        }
    }
    Some(out)
}

/// How long something has been so.
enum Since {
    /// Its start was seen.
    For(Duration),
    /// It was so as far back as is known.
    Over(Duration),
}

fn since(report: &SloReport, readings: &Readings, rule: &RuleReport) -> Option<Since> {
    // The sparkline is the shortest window's: it speaks for no other.
    let shortest = report.windows.first()?;
    if shortest.window != rule.rule.short || readings.spark.is_empty() || readings.spark_step.is_zero() {
        return None;
    }
    let over = readings
        .spark
        .iter()
        .rev()
        .take_while(|burn| **burn > rule.rule.factor)
        .count();
    let time = readings.spark_step * u32::try_from(over).ok()?;
    if over == 0 {
        None
    } else if over == readings.spark.len() {
        Some(Since::Over(time))
    } else {
        Some(Since::For(time))
    }
}

fn times(burn: f64) -> String {
    if burn >= 10.0 {
        format!("{burn:.0}×")
    } else {
        format!("{burn:.1}×")
    }
}

/// `3.1% of the month spent`: of the period's budget.
fn spent(report: &SloReport) -> Option<String> {
    let budget = report.budget.as_ref()?;
    let percent = (1.0 - budget.remaining) * 100.0;
    let period = match report.slo.period.length().as_secs() / 86_400 {
        28..=31 => "the month".to_owned(),
        7 => "the week".to_owned(),
        _ => report.slo.period.to_string(),
    };
    if budget.remaining <= 0.0 {
        return Some(format!("{period}'s budget spent {:.1}×", percent / 100.0));
    }
    Some(if percent >= 10.0 {
        format!("{percent:.0}% of {period} spent")
    } else {
        format!("{:.1}% of {period} spent", percent.max(0.0))
    })
}

/// `empty at 04:20 UTC at the 1h burn`, with its date where it is not today's: the sentence begins with the burn of
/// now, and this goes by another. Which of the two forecasts it is, is said.
fn emptying(report: &SloReport, now: Now) -> Option<String> {
    let budget = report.budget.as_ref()?;
    budget.exhausts_in?;
    let by = match budget.exhausts_rolling {
        Some(RollingExhaustion::Never) => {
            return Some("does not empty: old errors leave the window as fast".to_owned());
        }
        Some(RollingExhaustion::In(_)) => "at the 1h burn, old errors leaving",
        None => "at the 1h burn",
    };
    let left = budget.empties_in()?;
    let at = now.later(left).utc;
    let when = if left >= Duration::from_secs(86_400) {
        format!("in {}", duration_in_words(left))
    } else if at.date_naive() == now.utc.date_naive() {
        format!("at {} UTC", at.format("%H:%M"))
    } else {
        format!("at {} UTC", at.format("%m-%d %H:%M"))
    };
    Some(format!("empty {when} {by}"))
}
