//! One evaluation at one moment: dispatch over the expression, and selectors.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use promql_parser::label::MatchOp;
use promql_parser::parser::{AtModifier, BinaryExpr, Call, Expr, Offset, SubqueryExpr, VectorSelector};

use crate::demo::world::Series;
use crate::domain::alert::Labels;

use super::over_time::Window;
use super::{Line, Point, QueryError, Store, Value, aggregate, binary, functions, labels, parse};

/// Series already looked up in this query, by the selector's address: a range query asks at every step.
pub type Selections = RefCell<HashMap<usize, Arc<[Arc<Series>]>>>;

/// An evaluation.
#[derive(Clone, Copy)]
pub struct Eval<'a> {
    /// Where series come from.
    pub store: &'a dyn Store,
    /// The cache.
    pub selections: &'a Selections,
    /// The moment, unix seconds.
    pub t: f64,
    /// For `@ start()`.
    pub start: f64,
    /// For `@ end()`.
    pub end: f64,
}

impl Eval<'_> {
    /// Whatever the expression yields.
    pub fn eval(&self, expr: &Expr) -> Result<Value, QueryError> {
        match expr {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(number.val)),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::Paren(paren) => self.eval(&paren.expr),
            Expr::Unary(unary) => Ok(match self.eval(&unary.expr)? {
                Value::Scalar(v) => Value::Scalar(-v),
                Value::Vector(points) => Value::Vector(map(points, |v| -v)),
                other @ (Value::Matrix(_) | Value::Text(_)) => other,
            }),
            Expr::VectorSelector(selector) => Ok(Value::Vector(self.select(selector))),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => Ok(Value::Matrix(
                self.windows(expr)?
                    .into_iter()
                    .map(|window| Line {
                        labels: window.labels.clone(),
                        points: window.points(),
                    })
                    .filter(|line| !line.points.is_empty())
                    .collect(),
            )),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Aggregate(aggregate) => aggregate::eval(self, aggregate),
            Expr::Call(call) => functions::eval(self, call),
            Expr::Extension(_) => Err(QueryError::Execution("this expression is not supported".into())),
        }
    }

    /// An instant vector.
    pub fn vector(&self, expr: &Expr) -> Result<Vec<Point>, QueryError> {
        match self.eval(expr)? {
            Value::Vector(points) => Ok(points),
            Value::Scalar(_) => Err(expected("instant vector", "scalar")),
            Value::Matrix(_) => Err(expected("instant vector", "range vector")),
            Value::Text(_) => Err(expected("instant vector", "string")),
        }
    }

    /// A scalar.
    pub fn scalar(&self, expr: &Expr) -> Result<f64, QueryError> {
        match self.eval(expr)? {
            Value::Scalar(value) => Ok(value),
            Value::Vector(_) => Err(expected("scalar", "instant vector")),
            Value::Matrix(_) => Err(expected("scalar", "range vector")),
            Value::Text(_) => Err(expected("scalar", "string")),
        }
    }

    /// A string.
    pub fn text(&self, expr: &Expr) -> Result<String, QueryError> {
        match self.eval(expr)? {
            Value::Text(text) => Ok(text),
            Value::Scalar(_) => Err(expected("string", "scalar")),
            Value::Vector(_) => Err(expected("string", "instant vector")),
            Value::Matrix(_) => Err(expected("string", "range vector")),
        }
    }

    /// The windows of a range selector or subquery, one a series.
    pub fn windows(&self, expr: &Expr) -> Result<Vec<Window>, QueryError> {
        match expr {
            Expr::Paren(paren) => self.windows(&paren.expr),
            Expr::MatrixSelector(matrix) => {
                let end = self.shifted(matrix.vs.offset.as_ref(), matrix.vs.at.as_ref());
                let start = end - matrix.range.as_secs_f64();
                Ok(self
                    .find(&matrix.vs)
                    .iter()
                    .filter(|series| series.bounds(start, end).is_some())
                    .map(|series| Window::of_series(Arc::clone(series), start, end))
                    .collect())
            }
            Expr::Subquery(subquery) => self.subquery(subquery),
            Expr::Aggregate(_)
            | Expr::Unary(_)
            | Expr::Binary(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::VectorSelector(_)
            | Expr::Call(_)
            | Expr::Extension(_) => Err(expected("range vector", "instant vector")),
        }
    }

    /// The latest sample's own time for each series, for `timestamp()`.
    pub fn timestamps(&self, selector: &VectorSelector) -> Vec<Point> {
        let t = self.shifted(selector.offset.as_ref(), selector.at.as_ref());
        self.find(selector)
            .iter()
            .filter_map(|series| {
                let (at, _) = series.latest(t)?;
                Some(Point {
                    labels: labels::nameless(&series.labels),
                    value: at,
                })
            })
            .collect()
    }

    fn select(&self, selector: &VectorSelector) -> Vec<Point> {
        let t = self.shifted(selector.offset.as_ref(), selector.at.as_ref());
        self.find(selector)
            .iter()
            .filter_map(|series| {
                let (_, value) = series.latest(t)?;
                Some(Point {
                    labels: series.labels.clone(),
                    value,
                })
            })
            .collect()
    }

    fn find(&self, selector: &VectorSelector) -> Arc<[Arc<Series>]> {
        let key = std::ptr::from_ref(selector).addr();
        if let Some(found) = self.selections.borrow().get(&key) {
            return Arc::clone(found);
        }
        let found: Arc<[Arc<Series>]> = find(self.store, selector).into();
        self.selections.borrow_mut().insert(key, Arc::clone(&found));
        found
    }

    fn subquery(&self, subquery: &SubqueryExpr) -> Result<Vec<Window>, QueryError> {
        let end = self.shifted(subquery.offset.as_ref(), subquery.at.as_ref());
        let start = end - subquery.range.as_secs_f64();
        // Prometheus's default step is the global evaluation interval.
        let step = subquery
            .step
            .map_or(crate::demo::world::series::SCRAPE, |s| s.as_secs_f64());
        if (end - start) / step > super::MOST_POINTS {
            return Err(QueryError::Execution(
                "query processing would load too many samples into memory in query execution".into(),
            ));
        }
        let first = ((start / step).floor() + 1.0) * step;
        let lines = super::range(self.store, &subquery.expr, first, end, step)?;
        Ok(lines
            .into_iter()
            .map(|line| Window::of_points(line, start, end))
            .collect())
    }

    fn binary(&self, expr: &BinaryExpr) -> Result<Value, QueryError> {
        binary::eval(expr, self.eval(&expr.lhs)?, self.eval(&expr.rhs)?)
    }

    fn shifted(&self, offset: Option<&Offset>, at: Option<&AtModifier>) -> f64 {
        let base = match at {
            None => self.t,
            Some(AtModifier::Start) => self.start,
            Some(AtModifier::End) => self.end,
            Some(AtModifier::At(time)) => time
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0.0, |d| d.as_secs_f64()),
        };
        match offset {
            None => base,
            Some(Offset::Pos(by)) => base - by.as_secs_f64(),
            Some(Offset::Neg(by)) => base + by.as_secs_f64(),
        }
    }
}

/// An argument of a call.
pub fn argument(call: &Call, index: usize) -> Result<&Expr, QueryError> {
    call.args.args.get(index).map(AsRef::as_ref).ok_or_else(|| {
        QueryError::BadData(format!(
            "1:1: parse error: expected at least {} argument(s) in call to \"{}\", got {}",
            index + 1,
            call.func.name,
            call.args.args.len()
        ))
    })
}

/// The series a selector names, whenever they exist.
pub fn find(store: &dyn Store, selector: &VectorSelector) -> Vec<Arc<Series>> {
    let named = selector.name.as_deref().or_else(|| {
        selector
            .matchers
            .matchers
            .iter()
            .find(|m| m.name == labels::NAME && m.op == MatchOp::Equal)
            .map(|m| m.value.as_str())
    });
    store
        .series(named)
        .into_iter()
        .filter(|series| parse::matches(&selector.matchers, &series.labels))
        .collect()
}

/// The same points, nameless, each value changed.
pub fn map(points: Vec<Point>, change: impl Fn(f64) -> f64) -> Vec<Point> {
    points
        .into_iter()
        .map(|point| Point {
            labels: labels::nameless(&point.labels),
            value: change(point.value),
        })
        .collect()
}

/// A type that does not fit.
pub fn expected(wanted: &str, found: &str) -> QueryError {
    QueryError::BadData(format!("1:1: parse error: expected type {wanted}, got {found}"))
}

/// The empty label set.
pub fn bare(value: f64) -> Point {
    Point {
        labels: Labels::default(),
        value,
    }
}
