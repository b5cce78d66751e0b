//! Label sets: what aggregation and matching keep of them.

use std::sync::Arc;

use crate::domain::alert::Labels;

/// The label that names the metric.
pub const NAME: &str = "__name__";

/// Only these.
pub fn only(labels: &Labels, names: &[String]) -> Labels {
    keep(labels, |name| names.iter().any(|n| n == name))
}

/// All but these and the metric's name.
pub fn without(labels: &Labels, names: &[String]) -> Labels {
    keep(labels, |name| name != NAME && names.iter().all(|n| n != name))
}

/// All but the metric's name.
pub fn nameless(labels: &Labels) -> Labels {
    keep(labels, |name| name != NAME)
}

/// With one label set, or taken away where the value is empty.
pub fn with(labels: &Labels, name: &str, value: &str) -> Labels {
    labels
        .iter()
        .filter(|(k, _)| *k != name)
        .chain((!value.is_empty()).then_some((name, value)))
        .map(|(k, v)| (Arc::<str>::from(k), Arc::<str>::from(v)))
        .collect()
}

/// As Prometheus writes a label set in an error: `{a="b", c="d"}`.
pub fn shown(labels: &Labels) -> String {
    let inner: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
    format!("{{{}}}", inner.join(", "))
}

fn keep(labels: &Labels, wanted: impl Fn(&str) -> bool) -> Labels {
    labels
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(k, v)| (Arc::<str>::from(k), Arc::<str>::from(v)))
        .collect()
}
