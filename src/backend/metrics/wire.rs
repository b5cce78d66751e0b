//! The Prometheus API's JSON, read leniently: unknown fields ignored, missing arrays empty.
//!
//! Source: Prometheus's `web/api/v1`; VictoriaMetrics adds `isPartial` and gives the HTTP status as `errorType`.
//! Values are strings (`"1e-07"`, `"NaN"`, `"+Inf"`), times are numbers of seconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::backend::traces::{read_id, read_span};
use crate::domain::alert::Labels;
use crate::domain::trace::Nanos;
use crate::domain::trace::exemplar::Exemplar;

use super::{AlertingRule, Firing, RuleAlert, RuleHealth, Sample, Series};

type WireLabels = BTreeMap<Arc<str>, Arc<str>>;

fn labels(wire: WireLabels) -> Labels {
    wire.into_iter().collect()
}

/// The envelope around every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub data: Value,
    #[serde(default, rename = "errorType")]
    pub error_type: Option<Value>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub warnings: Option<Vec<String>>,
    #[serde(default)]
    pub infos: Option<Vec<String>>,
    #[serde(default, rename = "isPartial")]
    pub is_partial: bool,
}

#[derive(Debug, Deserialize)]
struct QueryData {
    #[serde(rename = "resultType")]
    result_type: String,
    #[serde(default)]
    result: Value,
}

#[derive(Debug, Deserialize)]
struct VectorItem {
    #[serde(default)]
    metric: WireLabels,
    value: Option<(f64, Num)>,
}

#[derive(Debug, Deserialize)]
struct MatrixItem {
    #[serde(default)]
    metric: WireLabels,
    #[serde(default)]
    values: Vec<(f64, Num)>,
}

/// A number as a string, or (some proxies) as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Num {
    Text(String),
    Plain(f64),
}

impl Num {
    fn read(&self) -> Result<f64, String> {
        match self {
            Self::Text(text) => text.parse().map_err(|_| format!("{text:?} is no sample value")),
            Self::Plain(value) => Ok(*value),
        }
    }
}

/// Reads an instant answer. A scalar is lifted to one series without labels; an item that holds only a native
/// histogram is skipped, because it has no single value.
pub(super) fn instant(data: Value) -> Result<Vec<Sample>, String> {
    if data.is_null() {
        return Ok(Vec::new());
    }
    let data: QueryData = from(data)?;
    match data.result_type.as_str() {
        "vector" => {
            let items: Vec<VectorItem> = from(data.result)?;
            items
                .into_iter()
                .filter_map(|item| item.value.map(|v| (labels(item.metric), v)))
                .map(|(labels, (at, value))| {
                    Ok(Sample {
                        labels,
                        value: value.read()?,
                        at,
                    })
                })
                .collect()
        }
        "scalar" => {
            let (at, value): (f64, Num) = from(data.result)?;
            Ok(vec![Sample {
                labels: Labels::default(),
                value: value.read()?,
                at,
            }])
        }
        other => Err(format!("the query gives a {other}, not an instant vector")),
    }
}

/// Reads a range answer.
pub(super) fn range(data: Value) -> Result<Vec<Series>, String> {
    if data.is_null() {
        return Ok(Vec::new());
    }
    let data: QueryData = from(data)?;
    if data.result_type != "matrix" {
        return Err(format!("a range query gave a {}", data.result_type));
    }
    let items: Vec<MatrixItem> = from(data.result)?;
    items
        .into_iter()
        .map(|item| {
            let points: Result<Vec<(f64, f64)>, String> = item
                .values
                .into_iter()
                .map(|(at, value)| Ok((at, value.read()?)))
                .collect();
            Ok(Series {
                labels: labels(item.metric),
                points: points?,
            })
        })
        .collect()
}

#[derive(Debug, Deserialize)]
struct ExemplarsItem {
    #[serde(default, rename = "seriesLabels")]
    series: WireLabels,
    #[serde(default)]
    exemplars: Vec<ExemplarItem>,
}

#[derive(Debug, Deserialize)]
struct ExemplarItem {
    #[serde(default)]
    labels: WireLabels,
    value: Num,
    timestamp: f64,
}

/// Labels by which exemplars name their span.
const SPAN_LABELS: [&str; 3] = ["span_id", "spanID", "spanId"];

/// Reads exemplars; those whose trace no label in `trace_labels` names are left out.
pub(super) fn exemplars(data: Value, trace_labels: &[String]) -> Result<Vec<Exemplar>, String> {
    if data.is_null() {
        return Ok(Vec::new());
    }
    let items: Vec<ExemplarsItem> = from(data)?;
    let mut found = Vec::new();
    for item in items {
        let series = labels(item.series);
        for each in item.exemplars {
            let trace = trace_labels
                .iter()
                .find_map(|name| each.labels.get(name.as_str()));
            let Some(trace) = trace.and_then(|text| read_id(text)) else {
                continue;
            };
            let span = SPAN_LABELS.iter().find_map(|name| each.labels.get(*name));
            found.push(Exemplar {
                trace,
                span: span.and_then(|text| read_span(text)),
                value: each.value.read()?,
                // Milliseconds are all that is told.
                at: Nanos(((each.timestamp * 1e3).round() as i64).saturating_mul(1_000_000)),
                series: series.clone(),
            });
        }
    }
    Ok(found)
}

#[derive(Debug, Deserialize)]
pub(super) struct RulesPage {
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default, rename = "groupNextToken")]
    pub next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    labels: WireLabels,
    #[serde(default)]
    health: String,
    #[serde(default, rename = "lastError")]
    last_error: Option<String>,
    #[serde(default, rename = "lastEvaluation")]
    last_evaluation: Option<String>,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    alerts: Option<Vec<Alert>>,
}

#[derive(Debug, Deserialize)]
struct Alert {
    #[serde(default)]
    labels: WireLabels,
    #[serde(default)]
    state: String,
    #[serde(default, rename = "activeAt")]
    active_at: Option<String>,
}

/// Reads one page of rules; recording rules are left out.
pub(super) fn rules(data: Value) -> Result<(Vec<AlertingRule>, Option<String>), String> {
    if data.is_null() {
        return Ok((Vec::new(), None));
    }
    let page: RulesPage = from(data)?;
    let next = page.next.filter(|token| !token.is_empty());
    let rules = page
        .groups
        .into_iter()
        .flat_map(|group| group.rules)
        .filter(|rule| rule.kind == "alerting")
        .map(rule)
        .collect();
    Ok((rules, next))
}

fn rule(rule: Rule) -> AlertingRule {
    AlertingRule {
        name: Arc::from(rule.name),
        query: rule.query,
        labels: labels(rule.labels),
        health: match rule.health.as_str() {
            "ok" => RuleHealth::Ok,
            "err" => RuleHealth::Err(rule.last_error.unwrap_or_default()),
            _ => RuleHealth::Unknown, // `unknown`, and whatever a newer server says
        },
        last_evaluation: rule.last_evaluation.as_deref().and_then(time),
        hold: Duration::try_from_secs_f64(rule.duration).unwrap_or_default(),
        alerts: rule
            .alerts
            .unwrap_or_default()
            .into_iter()
            .filter_map(|alert| {
                Some(RuleAlert {
                    labels: labels(alert.labels),
                    firing: match alert.state.as_str() {
                        "firing" => Firing::Firing,
                        "pending" => Firing::Pending,
                        _ => return None, // inactive: not an alert
                    },
                    active_at: alert.active_at.as_deref().and_then(time)?,
                })
            })
            .collect(),
    }
}

/// RFC 3339; the Go zero time means never.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    (at.timestamp() > 0).then_some(at)
}

pub(super) fn from<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|e| e.to_string())
}
