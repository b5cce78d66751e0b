//! Whether a query holds for a span.

use std::ops::ControlFlow;

use regex::Regex;

use super::{Amount, Clocked, Query, Sight, Term, Test, Want};
use crate::domain::trace::detail::Value;
use crate::domain::trace::{Row, Standing, Status};

/// A query's terms over one trace. What names alone decide is decided once for each operation.
pub(super) struct Tests<'a> {
    sight: Sight<'a>,
    terms: Vec<(&'a Term, Vec<bool>)>,
}

impl<'a> Tests<'a> {
    pub(super) fn of(query: &'a Query, sight: Sight<'a>) -> Self {
        let mut terms: Vec<(&Term, Vec<bool>)> = query
            .terms
            .iter()
            .map(|term| (term, by_operation(&term.test, sight)))
            .collect();
        // What reads attributes comes last.
        terms.sort_by_key(|(term, _)| matches!(term.test, Test::Attribute(..) | Test::Text(_)));
        Self { sight, terms }
    }

    pub(super) fn hold(&self, row: Row) -> bool {
        self.terms
            .iter()
            .all(|(term, named)| self.test(&term.test, named, row) != term.negated)
    }

    fn test(&self, test: &Test, named: &[bool], row: Row) -> bool {
        let Sight {
            trace,
            timing,
            times,
            path,
        } = self.sight;
        let by_name = || {
            named
                .get(trace.operation_of(row).0 as usize)
                .copied()
                .unwrap_or(false)
        };
        match test {
            Test::Time(of, compare, amount) => {
                let left = match of {
                    Clocked::Duration => timing.of(row).nanos() as f64,
                    Clocked::Own => times.nanos(row) as f64,
                    Clocked::Start => timing.of(row).from.0.saturating_sub(trace.extent().from.0) as f64,
                };
                let right = match amount {
                    Amount::Nanos(nanos) => *nanos,
                    Amount::Share(share) => trace.took().0.as_nanos() as f64 * share,
                };
                compare.holds(left, right)
            }
            Test::Failed => trace.span(row).status == Status::Error,
            Test::OnPath => path.step(row).is_some(),
            Test::Orphan => matches!(trace.standing(row), Standing::Orphan { .. }),
            Test::Service(_) | Test::Operation(_) => by_name(),
            Test::Kind(kind) => trace.span(row).kind == *kind,
            Test::Status(status) => trace.span(row).status == *status,
            Test::Depth(compare, depth) => compare.holds(f64::from(trace.span(row).depth), *depth),
            Test::Id(id) => trace.span(row).id == *id,
            Test::Attribute(key, want) => self.attribute(row, key, want),
            Test::Text(regex) => by_name() || self.says(row, regex),
        }
    }

    /// Of the span, or of its resource where the span has none of that name.
    fn attribute(&self, row: Row, key: &str, want: &Want) -> bool {
        let mut found = None;
        self.sight.trace.attributes(row, &mut |attribute| {
            if attribute.key == key {
                found = Some(wanted(want, &attribute.value));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found.unwrap_or_else(|| {
            let resource = self.sight.trace.resource(row);
            let attribute = resource.iter().find(|attribute| attribute.key == key);
            attribute.is_some_and(|attribute| wanted(want, &attribute.value))
        })
    }

    fn says(&self, row: Row, regex: &Regex) -> bool {
        let mut found = false;
        self.sight.trace.attributes(row, &mut |attribute| {
            found = match &attribute.value {
                Value::Text(text) | Value::Raw(text) => regex.is_match(text),
                other => regex.is_match(&other.to_string()),
            };
            if found {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        // Messages are had of failed spans, as a rule: the others are not read whole.
        found
            || (self.sight.trace.span(row).status == Status::Error
                && self
                    .sight
                    .trace
                    .detail(row)
                    .message
                    .is_some_and(|text| regex.is_match(&text)))
    }
}

fn wanted(want: &Want, value: &Value<'_>) -> bool {
    match want {
        Want::Like(glob) => value.text().map_or_else(
            || glob.0.is_match(&value.to_string()),
            |text| glob.0.is_match(text),
        ),
        Want::Pattern(regex) => regex.is_match(&value.to_string()),
        Want::Number(compare, number) => value.number().is_some_and(|value| compare.holds(value, *number)),
    }
}

fn by_operation(test: &Test, sight: Sight<'_>) -> Vec<bool> {
    let operations = sight.trace.tables.operations.iter();
    match test {
        Test::Service(glob) => operations
            .map(|operation| glob.0.is_match(&operation.service))
            .collect(),
        Test::Operation(glob) => operations
            .map(|operation| glob.0.is_match(&operation.name))
            .collect(),
        Test::Text(regex) => operations
            .map(|operation| regex.is_match(&operation.name) || regex.is_match(&operation.service))
            .collect(),
        Test::Time(..)
        | Test::Failed
        | Test::OnPath
        | Test::Orphan
        | Test::Kind(_)
        | Test::Status(_)
        | Test::Depth(..)
        | Test::Id(_)
        | Test::Attribute(..) => Vec::new(),
    }
}
