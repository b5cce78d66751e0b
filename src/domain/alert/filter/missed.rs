//! Why a filter lets nothing through, where one word of it alone is enough to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Filter, Term};
use crate::domain::alert::Alert;
use crate::domain::alert::matcher::Matchers;
use crate::problem::nearest;

/// What no alert has of what a filter wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missed {
    /// The label, and the name nearest to it that alerts have.
    Label {
        /// As it was typed.
        name: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// The value, and those that there are.
    Value {
        /// The label.
        label: String,
        /// Its values, in order.
        values: Vec<String>,
    },
}

/// Values of a label that are told, at most.
const TOLD: usize = 6;

impl Missed {
    /// In words, for whoever typed the filter; raw.
    pub fn words(&self) -> String {
        match self {
            Self::Label {
                name,
                near: Some(near),
            } => format!("No alert has a label {name}; near: {near}."),
            Self::Label { name, near: None } => format!("No alert has a label {name}."),
            Self::Value { label, values } => {
                let told = values.get(..TOLD).unwrap_or(values);
                let and = match values.len() - told.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("{label} is one of: {}{and}.", told.join(", "))
            }
        }
    }
}

impl Filter {
    /// The first label that it wants and no alert has, or of which no alert has a value that it wants; nothing where
    /// each of its labels alone lets something through.
    pub fn missed<'a>(&self, alerts: &(impl Iterator<Item = &'a Arc<Alert>> + Clone)) -> Option<Missed> {
        let labels = self.terms.iter().filter_map(|term| match term {
            Term::Label(matchers) => Some(matchers),
            Term::Word(_) | Term::Text(..) | Term::Flag(..) | Term::Age(..) | Term::Flap(..) => None,
        });
        labels
            .filter(|matchers| !alerts.clone().any(|alert| matchers.is_match(&alert.labels)))
            .find_map(|matchers| of(matchers, alerts.clone()))
    }
}

fn of<'a>(matchers: &Matchers, alerts: impl Iterator<Item = &'a Arc<Alert>> + Clone) -> Option<Missed> {
    let label = matchers.names().next()?;
    let values: BTreeSet<&str> = alerts
        .clone()
        .filter_map(|alert| alert.labels.get(label))
        .collect();
    if !values.is_empty() {
        return Some(Missed::Value {
            label: label.to_owned(),
            values: values.into_iter().map(str::to_owned).collect(),
        });
    }
    let names: BTreeSet<&str> = alerts
        .flat_map(|alert| alert.labels.iter().map(|(name, _)| name))
        .collect();
    Some(Missed::Label {
        name: label.to_owned(),
        near: nearest(label, names).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::desk::sample;

    fn missed(filter: &str) -> Option<Missed> {
        let alerts = ["critical", "warning"].map(|severity| {
            let labels = [
                ("alertname", "HighErrorRate"),
                ("severity", severity),
                ("service", "checkout"),
            ];
            Arc::new(sample::alert(&labels))
        });
        Filter::parse(filter).expect(filter).missed(&alerts.iter())
    }

    #[test]
    fn a_label_that_no_alert_has_is_named_with_the_nearest() {
        let label = |name: &str, near: Option<&str>| {
            Some(Missed::Label {
                name: name.to_owned(),
                near: near.map(str::to_owned),
            })
        };
        assert_eq!(missed("sevrity=critical"), label("sevrity", Some("severity")));
        assert_eq!(missed("service=checkout zone=eu"), label("zone", None));
    }

    #[test]
    fn of_a_value_that_no_alert_has_the_ones_there_are_are_told() {
        assert_eq!(
            missed("severity=crit"),
            Some(Missed::Value {
                label: "severity".to_owned(),
                values: vec!["critical".to_owned(), "warning".to_owned()],
            })
        );
    }

    #[test]
    fn in_words_at_most_six_values_are_told() {
        let words = |count: usize| {
            let values = (0..count).map(|i| format!("v{i}")).collect();
            Missed::Value {
                label: "zone".to_owned(),
                values,
            }
            .words()
        };
        assert_eq!(words(1), "zone is one of: v0.");
        assert_eq!(words(8), "zone is one of: v0, v1, v2, v3, v4, v5 and 2 more.");
    }

    #[test]
    fn where_each_label_alone_lets_something_through_none_is_to_blame() {
        assert_eq!(missed("severity=critical timeout @acked"), None);
    }
}
