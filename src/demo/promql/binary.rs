//! Binary operators: arithmetic, comparison, set operations, vector matching.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::token::{
    T_ADD, T_ATAN2, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD, T_MUL, T_NEQ,
    T_POW, T_SUB, TokenId,
};
use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use crate::domain::alert::Labels;

use super::{Point, QueryError, Value, labels};

/// What an operator says about two numbers.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// Arithmetic.
    Number(f64),
    /// A comparison that holds or not.
    Holds(bool),
}

/// Evaluates an operator over its two sides.
pub fn eval(expr: &BinaryExpr, lhs: Value, rhs: Value) -> Result<Value, QueryError> {
    let op = expr.op.id();
    let bool_result = expr.return_bool();
    match (lhs, rhs) {
        (Value::Scalar(a), Value::Scalar(b)) => Ok(Value::Scalar(match apply(op, a, b)? {
            Outcome::Number(value) => value,
            Outcome::Holds(holds) => f64::from(u8::from(holds)),
        })),
        (Value::Vector(points), Value::Scalar(b)) => with_scalar(op, points, bool_result, |v| (v, b)),
        (Value::Scalar(a), Value::Vector(points)) => with_scalar(op, points, bool_result, |v| (a, v)),
        (Value::Vector(left), Value::Vector(right)) => {
            let fallback = BinModifier::default();
            let modifier = expr.modifier.as_ref().unwrap_or(&fallback);
            let points = match op {
                T_LAND | T_LOR | T_LUNLESS => sets(op, left, right, modifier),
                _ => vectors(op, left, right, modifier)?,
            };
            Ok(Value::Vector(points))
        }
        (Value::Matrix(_) | Value::Text(_), _) | (_, Value::Matrix(_) | Value::Text(_)) => {
            Err(QueryError::BadData(
                "1:1: parse error: binary expression must contain only scalar and instant vector types"
                    .into(),
            ))
        }
    }
}

fn apply(op: TokenId, a: f64, b: f64) -> Result<Outcome, QueryError> {
    #[expect(clippy::float_cmp, reason = "PromQL compares floats exactly")]
    Ok(match op {
        T_ADD => Outcome::Number(a + b),
        T_SUB => Outcome::Number(a - b),
        T_MUL => Outcome::Number(a * b),
        T_DIV => Outcome::Number(a / b),
        T_MOD => Outcome::Number(a % b),
        T_POW => Outcome::Number(a.powf(b)),
        T_ATAN2 => Outcome::Number(a.atan2(b)),
        T_EQLC => Outcome::Holds(a == b),
        T_NEQ => Outcome::Holds(a != b),
        T_GTR => Outcome::Holds(a > b),
        T_LSS => Outcome::Holds(a < b),
        T_GTE => Outcome::Holds(a >= b),
        T_LTE => Outcome::Holds(a <= b),
        _ => return Err(QueryError::Execution("operator not supported".into())),
    })
}

fn with_scalar(
    op: TokenId,
    points: Vec<Point>,
    bool_result: bool,
    sides: impl Fn(f64) -> (f64, f64),
) -> Result<Value, QueryError> {
    let mut out = Vec::with_capacity(points.len());
    for point in points {
        let (a, b) = sides(point.value);
        out.extend(result(apply(op, a, b)?, bool_result, point.value, || {
            point.labels.clone()
        }));
    }
    Ok(Value::Vector(out))
}

/// One element of the answer, or none where a comparison filters it out.
fn result(outcome: Outcome, bool_result: bool, kept: f64, labels: impl Fn() -> Labels) -> Option<Point> {
    let (labels, value) = match outcome {
        Outcome::Number(value) => (labels::nameless(&labels()), value),
        Outcome::Holds(holds) if bool_result => (labels::nameless(&labels()), f64::from(u8::from(holds))),
        Outcome::Holds(true) => (labels(), kept),
        Outcome::Holds(false) => return None,
    };
    Some(Point { labels, value })
}

fn signature(labels: &Labels, modifier: &BinModifier) -> Labels {
    match &modifier.matching {
        None => labels::nameless(labels),
        Some(LabelModifier::Include(names)) => labels::only(labels, &names.labels),
        Some(LabelModifier::Exclude(names)) => labels::without(labels, &names.labels),
    }
}

fn sets(op: TokenId, left: Vec<Point>, right: Vec<Point>, modifier: &BinModifier) -> Vec<Point> {
    let keys = |points: &[Point]| -> BTreeSet<Labels> {
        points.iter().map(|p| signature(&p.labels, modifier)).collect()
    };
    if op == T_LOR {
        let there = keys(&left);
        let mut out = left;
        out.extend(
            right
                .into_iter()
                .filter(|p| !there.contains(&signature(&p.labels, modifier))),
        );
        return out;
    }
    let there = keys(&right);
    left.into_iter()
        .filter(|p| there.contains(&signature(&p.labels, modifier)) == (op == T_LAND))
        .collect()
}

fn vectors(
    op: TokenId,
    left: Vec<Point>,
    right: Vec<Point>,
    modifier: &BinModifier,
) -> Result<Vec<Point>, QueryError> {
    // Whichever side may have many is walked; the other is indexed.
    let many_is_right = matches!(modifier.card, VectorMatchCardinality::OneToMany(_));
    let one_to_one = modifier.card.labels().is_none();
    let (many, one) = if many_is_right {
        (right, left)
    } else {
        (left, right)
    };
    let mut index: BTreeMap<Labels, Point> = BTreeMap::new();
    for point in one {
        let key = signature(&point.labels, modifier);
        if let Some(twin) = index.get(&key) {
            let side = if many_is_right { "left" } else { "right" };
            return Err(QueryError::Execution(format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                labels::shown(&key),
                labels::shown(&point.labels),
                labels::shown(&twin.labels),
            )));
        }
        index.insert(key, point);
    }
    let mut out = Vec::with_capacity(many.len());
    let mut seen = BTreeSet::new();
    for point in many {
        let key = signature(&point.labels, modifier);
        let Some(partner) = index.get(&key) else {
            continue;
        };
        let (a, b) = if many_is_right {
            (partner.value, point.value)
        } else {
            (point.value, partner.value)
        };
        let labels = || joined(&point.labels, &partner.labels, &key, modifier);
        let Some(element) = result(apply(op, a, b)?, modifier.return_bool, a, labels) else {
            continue;
        };
        if one_to_one && !seen.insert(key) {
            return Err(QueryError::Execution(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                    .into(),
            ));
        }
        out.push(element);
    }
    Ok(out)
}

fn joined(many: &Labels, one: &Labels, key: &Labels, modifier: &BinModifier) -> Labels {
    match (modifier.card.labels(), &modifier.matching) {
        (Some(extra), _) => extra.labels.iter().fold(many.clone(), |labels, name| {
            labels::with(&labels, name, one.value(name))
        }),
        (None, Some(LabelModifier::Include(_))) => key.clone(),
        (None, Some(LabelModifier::Exclude(names))) => {
            let metric = many.value(labels::NAME);
            labels::with(&labels::without(many, &names.labels), labels::NAME, metric)
        }
        (None, None) => many.clone(),
    }
}
