//! `midwatch slo --json`: the board as one document. Field names are a contract; numbers that do not exist are
//! null, never NaN. Start at [`report_json`].

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::{Reading, RollingExhaustion, SloBoard, SloReport, SloState, WindowReport};

/// The whole document of a context.
pub fn report_json(context: &str, at: DateTime<Utc>, board: &SloBoard) -> Value {
    let errors: Vec<Value> = board
        .errors
        .iter()
        .map(|e| json!({"backend": e.backend, "message": e.message}))
        .collect();
    let mut document = json!({
        "context": context,
        "at": time(at),
        "slos": board.slos.iter().map(|r| slo_json(r)).collect::<Vec<_>>(),
        "errors": errors,
        "warnings": board.warnings,
    });
    if board.slos.iter().any(|r| r.partial.is_some())
        && let Some(object) = document.as_object_mut()
    {
        object.insert("partial".to_owned(), Value::Bool(true));
    }
    document
}

/// A state as documents name it: that it begins to burn is told by its rules, that nothing is left of a budget by
/// `budget_status`, and neither is a state of theirs.
fn state_word(state: SloState) -> &'static str {
    match state {
        SloState::Starting | SloState::Spent => SloState::Ok,
        state => state,
    }
    .word()
}

/// One SLO of it.
pub fn slo_json(report: &SloReport) -> Value {
    let slo = &report.slo;
    let windows: Map<String, Value> = report
        .windows
        .iter()
        .map(|w| (w.window.name().to_owned(), window_json(w)))
        .collect();
    let rules: Vec<Value> = report
        .rules
        .iter()
        .map(|line| {
            json!({
                "severity": line.rule.severity.word(),
                "factor": number(line.rule.factor),
                "long": line.rule.long.name(),
                "short": line.rule.short.name(),
                "state": line.state.word(),
                "origin": line.rule.origin.word(),
            })
        })
        .collect();
    let budget = report.budget.as_ref();
    let rolling = budget.and_then(|b| b.exhausts_rolling);
    json!({
        "name": slo.name,
        "service": slo.service,
        "objective": round_trip(slo.objective.fraction()),
        "period_seconds": slo.period.length().as_secs(),
        "windows": windows,
        "state": state_word(report.state),
        "waiting": report.is_waiting(),
        "rules": rules,
        "budget_remaining": budget.map(|b| number(b.remaining)),
        "budget_status": budget.map(|b| b.status.word()),
        "budget_remaining_minutes": budget.map(|b| number(b.remaining_minutes)),
        "budget_events_left": budget.and_then(|b| b.events_left).map(number),
        "exhausts_in_seconds": budget.and_then(|b| b.exhausts_in).map(|d| d.as_secs()),
        "exhausts_rolling": match rolling {
            Some(RollingExhaustion::In(left)) => json!({"seconds": left.as_secs()}),
            Some(RollingExhaustion::Never) => json!("never"),
            None => Value::Null,
        },
        "policy": budget.map(|b| b.policy.word()),
        "covered_seconds": report.covered.map(|d| d.as_secs()),
        "last_known_state": report.last_known.map(|(state, _)| state_word(state)),
        "last_known_at": report.last_known.map(|(_, at)| time(at)),
        "words": report.words,
        "warnings": report.warnings,
        "partial": report.partial.is_some(),
    })
}

fn window_json(window: &WindowReport) -> Value {
    let burn = window.burn_rate.map_or(Value::Null, number);
    match &window.reading {
        Reading::Ratio { error_ratio, .. } => {
            let mut value = json!({"error_ratio": number(*error_ratio), "burn_rate": burn});
            if window.low_traffic.is_some()
                && let Some(object) = value.as_object_mut()
            {
                object.insert("low_traffic".to_owned(), Value::Bool(true));
            }
            value
        }
        Reading::NoTraffic => json!({"error_ratio": null, "burn_rate": burn, "reason": "no_traffic"}),
        Reading::NoData => json!({"error_ratio": null, "burn_rate": null, "reason": "no_data"}),
        Reading::Error(_) | Reading::Pending => {
            json!({"error_ratio": null, "burn_rate": null, "reason": "error"})
        }
    }
}

fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// 99.9 / 100 is 0.9990000000000001 in floating point; a reader means 0.999.
fn round_trip(fraction: f64) -> Value {
    number((fraction * 1e12).round() / 1e12)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
