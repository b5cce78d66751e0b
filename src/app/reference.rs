//! Evidence in one line: what a note refers to, so that whoever reads it later can ask the same question again.
//!
//! Lines open with `ref: ` and hold no line break; remote text in them is safe.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::traces::{Clocks, Study};
use crate::domain::alert::{Alert, BoardSilence};
use crate::domain::log::Wanted;
use crate::domain::slo::{Sli, Slo, SloReport, headline_burn};
use crate::domain::timeline::Event;
use crate::domain::trace::scale::lasting;
use crate::domain::trace::stats::Measured;
use crate::domain::trace::{Operation, Row, Status, Summary};
use crate::logstore::Entry;
use crate::text::{Cut, SafeText, cut};

/// Queries and texts are cut here: a reference is a line, not a page.
const LONG: usize = 300;

fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%MZ").to_string()
}

fn short(raw: &str) -> String {
    cut(SafeText::line(raw).as_str(), LONG, Cut::End).into_owned()
}

/// `ref: alert HighErrorRate checkout (91c04a…) firing since 03:02Z`
pub fn alert(alert: &Alert) -> String {
    let mut line = format!("ref: alert {}", short(&alert.name));
    if !alert.service.is_empty() {
        let _ = write!(line, " {}", short(&alert.service));
    }
    let since = clock(alert.occurrence.starts_at);
    match alert.ended_at {
        Some(ended) => {
            let ended = clock(ended);
            let _ = write!(
                line,
                " ({}) fired {since} to {ended}",
                alert.occurrence.fingerprint
            );
        }
        None => {
            let _ = write!(line, " ({}) firing since {since}", alert.occurrence.fingerprint);
        }
    }
    line
}

/// `ref: case of alert 91c04a… at 03:14Z: deploy checkout 2.3.1 · 3 min before the burn began`
pub fn case(of: &str, row: &str, at: DateTime<Utc>) -> String {
    format!("ref: case of {} at {}: {}", short(of), clock(at), short(row))
}

/// `ref: slo checkout-availability burn 21.4× budget 41 % at 03:14Z  query: …`
pub fn slo(report: &SloReport, at: DateTime<Utc>) -> String {
    let mut line = format!("ref: slo {}", short(&report.slo.name));
    match headline_burn(report) {
        Some(burn) => {
            let window = report
                .windows
                .iter()
                .find(|window| window.burn_rate == Some(burn))
                .map_or_else(String::new, |window| format!("{} ", window.window));
            let _ = write!(line, " burn {window}{burn:.1}×");
        }
        None => {
            let _ = write!(line, " {}", report.state.word());
        }
    }
    if let Some(budget) = &report.budget {
        let _ = write!(line, " budget {:.0} %", budget.remaining * 100.0);
    }
    let _ = write!(line, " at {}", clock(at));
    if let Some(query) = query(&report.slo) {
        let _ = write!(line, "  query: {}", short(&query));
    }
    line
}

/// What yields the error ratio over an hour, as it can be asked again.
fn query(slo: &Slo) -> Option<String> {
    let hour = |template: &str| template.replace("{{window}}", "1h");
    match &slo.sli {
        Sli::Events { errors, total } => Some(format!("({}) / ({})", hour(errors), hour(total))),
        Sli::Ratio { error_ratio } => Some(hour(error_ratio)),
        Sli::Latency {
            histogram,
            selector,
            threshold,
        } => Some(format!("{histogram}{{{selector}}} over {threshold} s")),
        Sli::Recorded { by_window, .. } => by_window.get("1h").or_else(|| by_window.values().next()).cloned(),
    }
}

/// `ref: silence 4f2c… by jun@example.com until 05:00Z: alertname="A"`
pub fn silence(row: &BoardSilence) -> String {
    let silence = &row.silence;
    let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
    format!(
        "ref: silence {} by {} until {}: {}",
        short(&silence.id),
        short(&silence.created_by),
        clock(silence.ends_at),
        short(&matchers.join(" "))
    )
}

/// `ref: log 03:14:07.123Z error checkout: pool exhausted  trace: 7f3a…  query: …`
pub fn log_line(entry: &Entry, asked: &Wanted) -> String {
    let mut line = match entry.time() {
        Some(at) => format!("ref: log {} {}", at.utc().format("%H:%M:%S%.3fZ"), entry.level),
        None => format!("ref: log --:--:-- {}", entry.level),
    };
    if let Some(service) = entry.service {
        let _ = write!(line, " {}", short(service));
    }
    let begin = entry
        .text
        .get(..entry.text.len().min(4 * LONG))
        .unwrap_or_default();
    let _ = write!(line, ": {}", short(&String::from_utf8_lossy(begin)));
    if let Some(trace) = entry.trace {
        let _ = write!(line, "  trace: {trace}");
    }
    if !asked.query.is_empty() {
        let _ = write!(line, "  query: {}", short(&asked.query));
    }
    line
}

/// `ref: trace 7f3a…: checkout 2.31 s: 71% payments.Charge, origin card-gw 503 at +412 ms`
pub fn trace(study: &Study, clocks: Clocks) -> String {
    let begin = clock(study.trace.extent().from.utc());
    let line = short(&study.aspect(clocks).line);
    format!("ref: trace {} at {begin}: {line}", study.trace.id())
}

/// `ref: span payments Charge 310 ms at +412 ms failed: card declined  span: 00f0…  trace: 7f3a…`
pub fn span(study: &Study, row: Row) -> String {
    let trace = &study.trace;
    let span = trace.span(row);
    let mut line = format!("ref: span {} {}", short(span.service), short(span.operation));
    let after = span.start.0.saturating_sub(trace.extent().from.0).max(0) as u64;
    let took = lasting(span.duration.as_nanos() as u64);
    let _ = write!(line, " {took} at +{}", lasting(after));
    if span.status == Status::Error {
        line.push_str(" failed");
        if let Some(message) = trace.detail(row).message.filter(|message| !message.is_empty()) {
            let _ = write!(line, ": {}", short(&message));
        }
    }
    let _ = write!(line, "  span: {}  trace: {}", span.id, trace.id());
    line
}

/// `ref: trace 7f3a… at 03:14Z: checkout POST /checkout 2.31 s, 14 spans, 2 failed`
pub fn listed_trace(trace: &Summary) -> String {
    let named = |name: Option<&str>| short(name.unwrap_or("not told"));
    let took = u64::try_from(trace.duration.as_nanos()).unwrap_or(u64::MAX);
    let mut line = format!(
        "ref: trace {} at {}: {} {} {}",
        trace.id,
        clock(trace.start.utc()),
        named(trace.service.as_deref()),
        named(trace.operation.as_deref()),
        lasting(took)
    );
    if let Some(spans) = trace.spans {
        let _ = write!(line, ", {spans} spans");
    }
    if let Some(errors) = trace.errors.filter(|errors| *errors > 0) {
        let _ = write!(line, ", {errors} failed");
    }
    line
}

/// `ref: operation checkout POST /checkout, 42 traces from 03:00Z to 03:14Z: 3 failed, p50 210 ms, p95 2.31 s`
pub fn operation(
    operation: &Operation,
    measured: &Measured,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
) -> String {
    let quantile = |q| {
        let value = measured.quantile(q).map(|value| value.as_nanos());
        value.map_or_else(
            || "–".to_owned(),
            |nanos| lasting(u64::try_from(nanos).unwrap_or(u64::MAX)),
        )
    };
    format!(
        "ref: operation {} {}, {} traces from {} to {}: {} failed, p50 {}, p95 {}",
        short(&operation.service),
        short(&operation.name),
        measured.count(),
        clock(first),
        clock(last),
        measured.errors(),
        quantile(0.5),
        quantile(0.95),
    )
}

/// `ref: event 03:05Z escalated Mara: to level 2`
pub fn event(event: &Event) -> String {
    let actor = event
        .actor
        .as_deref()
        .map_or_else(String::new, |actor| format!(" {}", short(actor)));
    format!(
        "ref: event {} {}{actor}: {}",
        clock(event.at),
        event.kind.word(),
        short(&event.text)
    )
}
