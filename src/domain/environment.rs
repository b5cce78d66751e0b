//! Labels that say in which environment something runs, by whatever name a backend knows them.
//!
//! A thing's environment is read with [`of`]; with [`is_elsewhere`] another thing is held against it. What tells no such
//! label may be anywhere, and is not elsewhere.

use std::collections::BTreeMap;

/// A label of the environment, and the names it has: Prometheus's, OpenTelemetry's as Loki and as Tempo write them
/// (semantic conventions 1.x: `k8s.cluster.name`, `k8s.namespace.name`, `deployment.environment.name`, `cloud.region`).
const NAMES: [(&str, &[&str]); 4] = [
    ("cluster", &["cluster", "k8s_cluster_name", "k8s.cluster.name"]),
    (
        "env",
        &[
            "env",
            "environment",
            "deployment_environment",
            "deployment.environment",
            "deployment_environment_name",
            "deployment.environment.name",
        ],
    ),
    (
        "namespace",
        &[
            "namespace",
            "kubernetes_namespace",
            "k8s_namespace_name",
            "k8s.namespace.name",
        ],
    ),
    ("region", &["region", "cloud_region", "cloud.region"]),
];

/// What labels say of the environment, each under its one name.
pub fn of<'a>(label: impl Fn(&str) -> Option<&'a str>) -> BTreeMap<String, String> {
    let told = NAMES.iter().filter_map(|(name, aliases)| {
        let value = aliases.iter().find_map(|alias| label(alias))?;
        (!value.is_empty()).then(|| ((*name).to_owned(), value.to_owned()))
    });
    told.collect()
}

/// The one name of a label of the environment, whatever a backend calls it; any other is its own.
pub fn one_name(label: &str) -> &str {
    let known = NAMES.iter().find(|(_, aliases)| aliases.contains(&label));
    known.map_or(label, |(name, _)| name)
}

/// Whether labels say that something runs in another environment than this.
pub fn is_elsewhere<'a>(
    environment: &BTreeMap<String, String>,
    label: impl Fn(&str) -> Option<&'a str>,
) -> bool {
    environment
        .iter()
        .any(|(name, value)| told(name, &label).is_some_and(|there| there != value))
}

/// What labels say of one of the environment, by whatever name.
pub fn told<'a>(name: &str, label: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    let known = NAMES.iter().find(|(known, _)| *known == name);
    let told = match known {
        Some((_, aliases)) => aliases.iter().find_map(|alias| label(alias)),
        None => label(name),
    };
    told.filter(|value| !value.is_empty())
}

/// Every name by which backends know a label of the environment, and the value that it is to have: for sources that
/// leave out by themselves what is elsewhere.
pub fn conditions(environment: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    let all = environment.iter().flat_map(|(name, value)| {
        let known = NAMES.iter().find(|(known, _)| known == name);
        let names = known.map_or_else(|| vec![name.as_str()], |(_, aliases)| aliases.to_vec());
        names.into_iter().map(move |name| (name, value.as_str()))
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_calls_the_environment_as_it_likes() {
        let loki = |name: &str| match name {
            "k8s_namespace_name" => Some("prod"),
            "cloud_region" => Some("eu-1"),
            "pod" => Some("x-1"),
            _ => None,
        };
        let environment = of(loki);
        let told: Vec<(&str, &str)> = environment.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(told, [("namespace", "prod"), ("region", "eu-1")]);
        let alert = |name: &str| (name == "namespace").then_some("prod");
        assert!(!is_elsewhere(&environment, alert), "it tells no region");
        let other = |name: &str| (name == "region").then_some("us-1");
        assert!(is_elsewhere(&environment, other));
        assert!(!is_elsewhere(&environment, |_| None));
        assert!(!is_elsewhere(&BTreeMap::new(), other));
        let cluster = BTreeMap::from([("cluster".to_owned(), "eu".to_owned())]);
        assert_eq!(
            conditions(&cluster),
            [
                ("cluster", "eu"),
                ("k8s_cluster_name", "eu"),
                ("k8s.cluster.name", "eu")
            ]
        );
        let own = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
        assert_eq!(conditions(&own), [("tier", "gold")]);
        assert!(is_elsewhere(&own, |name| (name == "tier").then_some("tin")));
    }
}
