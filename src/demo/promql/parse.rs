//! Text to expression, with the server's own errors.

use promql_parser::label::{Matcher, Matchers};
use promql_parser::parser::{self, Expr, VectorSelector};

use crate::domain::alert::Labels;

use super::{QueryError, functions};

/// Deeper nesting is refused before the parser's recursion meets it.
const MOST_NESTING: usize = 200;

/// Reads a query. A function that this evaluator does not know is refused as Prometheus refuses one.
pub fn parse(text: &str) -> Result<Expr, QueryError> {
    if text.trim().is_empty() {
        return Err(at(1, "no expression found in input"));
    }
    unclosed(text)?;
    let expr = parser::parse(text).map_err(|error| explain(text, &error))?;
    known(text, &expr)?;
    Ok(expr)
}

/// Reads a series selector, as `match[]` takes it.
pub fn selector(text: &str) -> Result<VectorSelector, QueryError> {
    match parse(text)? {
        Expr::VectorSelector(selector) => Ok(selector),
        Expr::Aggregate(_)
        | Expr::Unary(_)
        | Expr::Binary(_)
        | Expr::Paren(_)
        | Expr::Subquery(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::MatrixSelector(_)
        | Expr::Call(_)
        | Expr::Extension(_) => Err(at(1, "expected a series selector")),
    }
}

/// Whether every matcher holds for a label set; alternatives (`or` within braces) too.
pub fn matches(matchers: &Matchers, labels: &Labels) -> bool {
    let all = |list: &[Matcher]| list.iter().all(|m| m.is_match(labels.value(&m.name)));
    all(&matchers.matchers)
        && (matchers.or_matchers.is_empty() || matchers.or_matchers.iter().any(|list| all(list)))
}

fn at(column: usize, message: &str) -> QueryError {
    QueryError::BadData(format!("1:{column}: parse error: {message}"))
}

/// Prometheus points at a parenthesis or brace that is never closed; the parser crate does not.
fn unclosed(text: &str) -> Result<(), QueryError> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    for c in text.chars() {
        match quote {
            Some(q) => {
                if escaped {
                    escaped = false;
                } else if c == '\\' && q != '`' {
                    escaped = true;
                } else if c == q {
                    quote = None;
                }
            }
            None => match c {
                '"' | '\'' | '`' => quote = Some(c),
                '(' | '{' | '[' => open.push(c),
                ')' | '}' | ']' => {
                    open.pop();
                }
                _ => {}
            },
        }
        if open.len() > MOST_NESTING {
            return Err(at(1, "expression is nested too deeply"));
        }
    }
    let end = text.chars().count() + 1;
    match (quote, open.last()) {
        (Some(_), _) => Err(at(end, "unterminated quoted string")),
        (None, Some('(')) => Err(at(end, "unclosed left parenthesis")),
        (None, Some('{')) => Err(at(end, "unexpected end of input inside braces")),
        (None, Some(_)) => Err(at(end, "unclosed left bracket")),
        (None, None) => Ok(()),
    }
}

fn explain(text: &str, error: &str) -> QueryError {
    if let Some(rest) = error.strip_prefix("unknown function with name '") {
        return unknown_function(text, rest.trim_end_matches('\''));
    }
    at(1, error)
}

fn unknown_function(text: &str, name: &str) -> QueryError {
    let column = text.find(name).map_or(1, |byte| {
        text.char_indices().take_while(|(i, _)| *i < byte).count() + 1
    });
    at(column, &format!("unknown function with name \"{name}\""))
}

fn known(text: &str, expr: &Expr) -> Result<(), QueryError> {
    let parts: Vec<&Expr> = match expr {
        Expr::Aggregate(a) => a
            .param
            .iter()
            .chain(std::iter::once(&a.expr))
            .map(AsRef::as_ref)
            .collect(),
        Expr::Unary(u) => vec![&u.expr],
        Expr::Binary(b) => vec![&b.lhs, &b.rhs],
        Expr::Paren(p) => vec![&p.expr],
        Expr::Subquery(s) => vec![&s.expr],
        Expr::Call(call) => {
            if !functions::is_known(call.func.name) {
                return Err(unknown_function(text, call.func.name));
            }
            call.args.args.iter().map(AsRef::as_ref).collect()
        }
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => Vec::new(),
    };
    parts.into_iter().try_for_each(|part| known(text, part))
}
