//! PromQL's functions. One table says which are known; anything else is refused before evaluation.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Timelike};
use promql_parser::label::MatchOp;
use promql_parser::parser::{Call, Expr};
use regex::Regex;

use crate::domain::alert::Labels;

use super::eval::{Eval, argument, bare, map};
use super::over_time::{Monotone, Per, Window};
use super::{Point, QueryError, Value, labels};

const KNOWN: &[&str] = &[
    "abs",
    "absent",
    "absent_over_time",
    "avg_over_time",
    "ceil",
    "changes",
    "clamp",
    "clamp_max",
    "clamp_min",
    "count_over_time",
    "day_of_week",
    "delta",
    "deriv",
    "exp",
    "floor",
    "histogram_quantile",
    "hour",
    "idelta",
    "increase",
    "irate",
    "label_join",
    "label_replace",
    "last_over_time",
    "ln",
    "log10",
    "log2",
    "max_over_time",
    "min_over_time",
    "minute",
    "pi",
    "predict_linear",
    "present_over_time",
    "quantile_over_time",
    "rate",
    "resets",
    "round",
    "scalar",
    "sgn",
    "sort",
    "sort_desc",
    "sqrt",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
    "time",
    "timestamp",
    "vector",
];

/// Whether this evaluator has a function.
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Evaluates a call.
pub fn eval(eval: &Eval<'_>, call: &Call) -> Result<Value, QueryError> {
    let argument = |index| argument(call, index);
    let number = |index| argument(index).and_then(|e| eval.scalar(e));
    let optional = |index: usize, fallback: f64| match call.args.args.get(index) {
        Some(expr) => eval.scalar(expr),
        None => Ok(fallback),
    };
    let vector = |index| argument(index).and_then(|e| eval.vector(e));
    let of_values = |change: &dyn Fn(f64) -> f64| Ok(Value::Vector(map(vector(0)?, change)));
    let windows = |index, per_window: &dyn Fn(&Window) -> Option<f64>| {
        Ok(Value::Vector(folded(
            &eval.windows(argument(index)?)?,
            call.func.name,
            per_window,
        )))
    };
    match call.func.name {
        "time" => Ok(Value::Scalar(eval.t)),
        "pi" => Ok(Value::Scalar(std::f64::consts::PI)),
        "vector" => Ok(Value::Vector(vec![bare(number(0)?)])),
        "scalar" => Ok(Value::Scalar(match vector(0)?.as_slice() {
            [point] => point.value,
            _ => f64::NAN,
        })),
        "abs" => of_values(&f64::abs),
        "ceil" => of_values(&f64::ceil),
        "floor" => of_values(&f64::floor),
        "exp" => of_values(&f64::exp),
        "ln" => of_values(&f64::ln),
        "log2" => of_values(&f64::log2),
        "log10" => of_values(&f64::log10),
        "sqrt" => of_values(&f64::sqrt),
        "sgn" => of_values(&|v| if v == 0.0 { 0.0 } else { v.signum() }),
        "round" => {
            let inverse = 1.0 / optional(1, 1.0)?;
            of_values(&|v| (v * inverse + 0.5).floor() / inverse)
        }
        "clamp" => {
            let (low, high) = (number(1)?, number(2)?);
            if low > high {
                return Ok(Value::Vector(Vec::new()));
            }
            of_values(&|v| v.max(low).min(high))
        }
        "clamp_min" => {
            let low = number(1)?;
            of_values(&|v| v.max(low))
        }
        "clamp_max" => {
            let high = number(1)?;
            of_values(&|v| v.min(high))
        }
        "minute" | "hour" | "day_of_week" => {
            let points = match call.args.args.first() {
                Some(expr) => eval.vector(expr)?,
                None => vec![bare(eval.t)],
            };
            Ok(Value::Vector(map(points, |v| calendar(call.func.name, v))))
        }
        "sort" | "sort_desc" => {
            let mut points = vector(0)?;
            points.sort_by(|a, b| a.value.total_cmp(&b.value));
            if call.func.name == "sort_desc" {
                points.reverse();
            }
            Ok(Value::Vector(points))
        }
        "timestamp" => match argument(0)? {
            Expr::VectorSelector(selector) => Ok(Value::Vector(eval.timestamps(selector))),
            other => Ok(Value::Vector(map(eval.vector(other)?, |_| eval.t))),
        },
        "absent" => Ok(Value::Vector(absent(argument(0)?, vector(0)?.is_empty()))),
        "absent_over_time" => {
            let expr = argument(0)?;
            Ok(Value::Vector(absent(expr, eval.windows(expr)?.is_empty())))
        }
        "label_replace" => label_replace(eval, call),
        "label_join" => label_join(eval, call),
        "histogram_quantile" => Ok(Value::Vector(histogram_quantile(number(0)?, vector(1)?))),
        "rate" => windows(0, &|w| w.extrapolated(Monotone::Counter, Per::Second)),
        "increase" => windows(0, &|w| w.extrapolated(Monotone::Counter, Per::Window)),
        "delta" => windows(0, &|w| w.extrapolated(Monotone::Gauge, Per::Window)),
        "irate" => windows(0, &|w| w.last_two(Monotone::Counter, Per::Second)),
        "idelta" => windows(0, &|w| w.last_two(Monotone::Gauge, Per::Window)),
        "quantile_over_time" => {
            let q = number(0)?;
            windows(1, &|w| Some(w.quantile(q)))
        }
        "predict_linear" => {
            let ahead = number(1)?;
            windows(0, &|w| w.predicted(ahead))
        }
        name => windows(0, &|w| w.fold(name)),
    }
}

fn folded(windows: &[Window], function: &str, per_window: &dyn Fn(&Window) -> Option<f64>) -> Vec<Point> {
    windows
        .iter()
        .filter_map(|window| {
            let labels = match function {
                "last_over_time" => window.labels.clone(),
                _ => window.nameless.clone(),
            };
            Some(Point {
                labels,
                value: per_window(window)?,
            })
        })
        .collect()
}

fn calendar(function: &str, seconds: f64) -> f64 {
    let Some(at) = DateTime::from_timestamp(seconds as i64, 0) else {
        return f64::NAN;
    };
    f64::from(match function {
        "minute" => at.minute(),
        "hour" => at.hour(),
        _ => at.weekday().num_days_from_sunday(),
    })
}

/// One element with the selector's equality labels, where nothing was found.
fn absent(expr: &Expr, nothing: bool) -> Vec<Point> {
    if !nothing {
        return Vec::new();
    }
    let matchers = match expr {
        Expr::VectorSelector(selector) => Some(&selector.matchers),
        Expr::MatrixSelector(matrix) => Some(&matrix.vs.matchers),
        _ => None,
    };
    let labels: Labels = matchers
        .into_iter()
        .flat_map(|m| &m.matchers)
        .filter(|m| m.op == MatchOp::Equal && m.name != labels::NAME)
        .map(|m| (m.name.as_str(), m.value.as_str()))
        .collect();
    vec![Point { labels, value: 1.0 }]
}

fn label_replace(eval: &Eval<'_>, call: &Call) -> Result<Value, QueryError> {
    let text = |index| argument(call, index).and_then(|e| eval.text(e));
    let (into, replacement, from, pattern) = (text(1)?, text(2)?, text(3)?, text(4)?);
    let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
        QueryError::Execution(format!(
            "invalid regular expression in label_replace(): {pattern}"
        ))
    })?;
    // Go's templates read `$1` and `${1}` alike; the braces keep Rust's from swallowing what follows.
    let replacement = braced(&replacement);
    let points = eval.vector(argument(call, 0)?)?;
    Ok(Value::Vector(
        points
            .into_iter()
            .map(|point| match regex.captures(point.labels.value(&from)) {
                None => point,
                Some(captures) => {
                    let mut value = String::new();
                    captures.expand(&replacement, &mut value);
                    Point {
                        labels: labels::with(&point.labels, &into, &value),
                        value: point.value,
                    }
                }
            })
            .collect(),
    ))
}

fn braced(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '$' && rest.peek().is_some_and(char::is_ascii_digit) {
            out.push('{');
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                out.push(digit);
            }
            out.push('}');
        }
    }
    out
}

fn label_join(eval: &Eval<'_>, call: &Call) -> Result<Value, QueryError> {
    let text = |index| argument(call, index).and_then(|e| eval.text(e));
    let (into, separator) = (text(1)?, text(2)?);
    let from: Vec<String> = (3..call.args.args.len()).map(text).collect::<Result<_, _>>()?;
    let points = eval.vector(argument(call, 0)?)?;
    Ok(Value::Vector(
        points
            .into_iter()
            .map(|point| {
                let parts: Vec<&str> = from.iter().map(|name| point.labels.value(name)).collect();
                Point {
                    labels: labels::with(&point.labels, &into, &parts.join(&separator)),
                    value: point.value,
                }
            })
            .collect(),
    ))
}

/// Linear interpolation within the bucket that holds the quantile (Prometheus, `bucketQuantile`).
fn histogram_quantile(q: f64, points: Vec<Point>) -> Vec<Point> {
    let mut groups: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for point in points {
        let Ok(bound) = point.labels.value("le").parse::<f64>() else {
            continue;
        };
        let key = labels::without(&point.labels, &["le".to_owned()]);
        groups.entry(key).or_default().push((bound, point.value));
    }
    groups
        .into_iter()
        .map(|(labels, mut buckets)| {
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            Point {
                labels,
                value: bucket_quantile(q, &buckets),
            }
        })
        .collect()
}

fn bucket_quantile(q: f64, buckets: &[(f64, f64)]) -> f64 {
    let Some((_, total)) = buckets.last().filter(|(bound, _)| bound.is_infinite()) else {
        return f64::NAN;
    };
    if buckets.len() < 2 || *total == 0.0 || total.is_nan() || q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return f64::INFINITY.copysign(q);
    }
    let rank = q * total;
    let at = buckets
        .iter()
        .position(|(_, count)| *count >= rank)
        .unwrap_or(buckets.len() - 1);
    if at == buckets.len() - 1 {
        return buckets[at - 1].0;
    }
    let (high, count) = buckets[at];
    let (low, below) = if at == 0 { (0.0, 0.0) } else { buckets[at - 1] };
    if at == 0 && high <= 0.0 {
        return high;
    }
    low + (high - low) * (rank - below) / (count - below)
}
