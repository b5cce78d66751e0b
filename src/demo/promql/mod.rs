//! A PromQL evaluator over closed-form series.
//!
//! `promql-parser` reads the syntax; the semantics follow Prometheus's own documentation (querying/basics,
//! /operators, /functions) and its extrapolation in `rate`. It knows nothing of the shop: series come from a
//! [`Store`]. Long windows are not materialised: `rate` and its kin use the first and last sample and the
//! resets between; `*_over_time` looks at no more than [`MOST_SAMPLES`] samples, evenly spaced.
//! Start at [`instant`] and [`range`].

mod aggregate;
mod binary;
mod eval;
pub mod format;
mod functions;
mod labels;
mod over_time;
mod parse;

use std::collections::BTreeMap;
use std::sync::Arc;

use promql_parser::parser::Expr;

use crate::domain::alert::Labels;

use super::world::Series;

pub use eval::{Selections, find};
pub use labels::nameless;
pub use parse::{parse, selector};

/// Samples of one series that a window function looks at, at most.
pub const MOST_SAMPLES: u64 = 1_500;

/// Points a range answer may have per series; Prometheus's own limit.
pub const MOST_POINTS: f64 = 11_000.0;

/// Where series come from.
pub trait Store {
    /// Every series of a metric, or all of them.
    fn series(&self, name: Option<&str>) -> Vec<Arc<Series>>;
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Labels.
    pub labels: Labels,
    /// May be NaN or infinite.
    pub value: f64,
}

/// One series of a matrix: (unix seconds, value), oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Labels.
    pub labels: Labels,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// What an expression yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An instant vector.
    Vector(Vec<Point>),
    /// A range vector, or the answer of a range query.
    Matrix(Vec<Line>),
    /// A scalar.
    Scalar(f64),
    /// A string.
    Text(String),
}

/// Why a query failed, in Prometheus's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// `bad_data`, status 400.
    #[error("{0}")]
    BadData(String),
    /// `execution`, status 422.
    #[error("{0}")]
    Execution(String),
}

/// Evaluates at one moment, unix seconds.
pub fn instant(store: &dyn Store, expr: &Expr, t: f64) -> Result<Value, QueryError> {
    instant_again(store, expr, t, &Selections::default())
}

/// Evaluates at one moment, unix seconds, with the look-ups of earlier evaluations of the same expression over
/// the same series. The expression must not have moved in memory since.
pub fn instant_again(
    store: &dyn Store,
    expr: &Expr,
    t: f64,
    selections: &Selections,
) -> Result<Value, QueryError> {
    eval::Eval {
        store,
        selections,
        t,
        start: t,
        end: t,
    }
    .eval(expr)
}

/// Evaluates at `start`, `start + step`, … up to `end`; unix seconds. The caller has checked
/// that there are at most [`MOST_POINTS`].
pub fn range(
    store: &dyn Store,
    expr: &Expr,
    start: f64,
    end: f64,
    step: f64,
) -> Result<Vec<Line>, QueryError> {
    let selections = Selections::default();
    let mut lines: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    let steps = ((end - start) / step + 1e-9).floor() as u64;
    for i in 0..=steps {
        let t = start + i as f64 * step;
        let at = eval::Eval {
            store,
            selections: &selections,
            t,
            start,
            end,
        };
        match at.eval(expr)? {
            Value::Vector(points) => {
                for point in points {
                    lines.entry(point.labels).or_default().push((t, point.value));
                }
            }
            Value::Scalar(value) => lines.entry(Labels::default()).or_default().push((t, value)),
            Value::Matrix(_) => return Err(not_for_ranges("range vector")),
            Value::Text(_) => return Err(not_for_ranges("string")),
        }
    }
    Ok(lines
        .into_iter()
        .map(|(labels, points)| Line { labels, points })
        .collect())
}

fn not_for_ranges(found: &str) -> QueryError {
    QueryError::BadData(format!(
        "invalid parameter \"query\": invalid expression type \"{found}\" for range query, must be Scalar or instant Vector"
    ))
}

#[cfg(test)]
mod tests;
