//! Aggregation operators: `sum by (…)` and its kin.

use std::collections::BTreeMap;

use promql_parser::parser::token::{
    T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_GROUP, T_MAX, T_MIN, T_QUANTILE, T_STDDEV, T_STDVAR, T_SUM,
    T_TOPK,
};
use promql_parser::parser::{AggregateExpr, LabelModifier};

use crate::domain::alert::Labels;

use super::eval::Eval;
use super::over_time::quantile;
use super::{Point, QueryError, Value, format, labels};

/// Evaluates one.
pub fn eval(eval: &Eval<'_>, expr: &AggregateExpr) -> Result<Value, QueryError> {
    let op = expr.op.id();
    let points = eval.vector(&expr.expr)?;
    let param = expr.param.as_deref();
    let missing =
        || QueryError::BadData("1:1: parse error: wrong number of arguments for aggregate expression".into());
    if op == T_COUNT_VALUES {
        let label = eval.text(param.ok_or_else(missing)?)?;
        return Ok(Value::Vector(count_values(
            points,
            &label,
            expr.modifier.as_ref(),
        )));
    }
    let mut groups: BTreeMap<Labels, Vec<Point>> = BTreeMap::new();
    for point in points {
        groups
            .entry(key(&point.labels, expr.modifier.as_ref()))
            .or_default()
            .push(point);
    }
    if op == T_TOPK || op == T_BOTTOMK {
        let k = eval.scalar(param.ok_or_else(missing)?)?.max(0.0) as usize;
        let mut kept = Vec::new();
        for (_, mut members) in groups {
            members.sort_by(|a, b| {
                let rising = a.value.total_cmp(&b.value);
                if op == T_TOPK { rising.reverse() } else { rising }
            });
            members.truncate(k);
            kept.extend(members);
        }
        return Ok(Value::Vector(kept));
    }
    let phi = match param {
        Some(param) if op == T_QUANTILE => eval.scalar(param)?,
        _ => f64::NAN,
    };
    let fold = |members: &[Point]| -> f64 {
        let count = members.len() as f64;
        let values = || members.iter().map(|p| p.value);
        let sum = || values().sum::<f64>();
        let variance = || {
            let mean = sum() / count;
            values().map(|v| (v - mean).powi(2)).sum::<f64>() / count
        };
        match op {
            T_SUM => sum(),
            T_AVG => sum() / count,
            T_MIN => values().fold(f64::NAN, f64::min),
            T_MAX => values().fold(f64::NAN, f64::max),
            T_COUNT => count,
            T_GROUP => 1.0,
            T_STDDEV => variance().sqrt(),
            T_STDVAR => variance(),
            T_QUANTILE => quantile(phi, values().collect()),
            _ => f64::NAN,
        }
    };
    Ok(Value::Vector(
        groups
            .into_iter()
            .map(|(labels, members)| Point {
                labels,
                value: fold(&members),
            })
            .collect(),
    ))
}

fn key(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    match modifier {
        None => Labels::default(),
        Some(LabelModifier::Include(names)) => labels::only(labels, &names.labels),
        Some(LabelModifier::Exclude(names)) => labels::without(labels, &names.labels),
    }
}

fn count_values(points: Vec<Point>, label: &str, modifier: Option<&LabelModifier>) -> Vec<Point> {
    let mut counts: BTreeMap<Labels, f64> = BTreeMap::new();
    for point in points {
        let group = key(&point.labels, modifier);
        let with_value = labels::with(&group, label, &format::number(point.value));
        *counts.entry(with_value).or_default() += 1.0;
    }
    counts
        .into_iter()
        .map(|(labels, value)| Point { labels, value })
        .collect()
}
