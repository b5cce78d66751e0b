//! Where backends usually stand when nobody says: variables of other tools, well-known ports of this host.

use super::probe::Kind;
use crate::config::Environment;

/// Variables in which other tools keep a base URL (promtool's and logcli's users, Terraform's providers, and so on).
pub const VARIABLES: [&str; 10] = [
    "PROMETHEUS_URL",
    "ALERTMANAGER_URL",
    "LOKI_ADDR",
    "LOKI_URL",
    "TEMPO_URL",
    "JAEGER_URL",
    "ZIPKIN_URL",
    "GRAFANA_URL",
    "ELASTICSEARCH_URL",
    "OPENSEARCH_URL",
];

/// Variables that hold a key of PagerDuty, the most usual first.
pub const PAGERDUTY_KEYS: [&str; 3] = ["PAGERDUTY_TOKEN", "PAGERDUTY_API_KEY", "PD_API_KEY"];

/// Variables that hold a token of Grafana, the most usual first.
pub const GRAFANA_TOKENS: [&str; 3] = [
    "GRAFANA_TOKEN",
    "GRAFANA_SERVICE_ACCOUNT_TOKEN",
    "GRAFANA_API_KEY",
];

/// The port at which each listens by default.
const PORTS: [(u16, Kind); 11] = [
    (9_090, Kind::Prometheus),
    (8_428, Kind::VictoriaMetrics),
    (10_902, Kind::Thanos),
    (9_093, Kind::Alertmanager),
    (3_100, Kind::Loki),
    (9_428, Kind::VictoriaLogs),
    (9_200, Kind::Elasticsearch),
    (16_686, Kind::Jaeger),
    (3_200, Kind::Tempo),
    (9_411, Kind::Zipkin),
    (3_000, Kind::Grafana),
];

/// The variables that are set, each with what it holds.
pub fn of_environment(env: &Environment) -> impl Iterator<Item = (&'static str, &str)> {
    VARIABLES
        .into_iter()
        .filter_map(|name| Some((name, env.get(name)?)))
}

/// The first of these variables that is set.
pub fn key(env: &Environment, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| env.get(name).is_some())
}

/// Base URLs at the well-known ports of this host.
pub fn local() -> impl Iterator<Item = String> {
    PORTS
        .into_iter()
        .map(|(port, _)| format!("http://localhost:{port}"))
}

/// The well-known ports, for people.
pub fn ports() -> String {
    let ports: Vec<String> = PORTS.iter().map(|(port, _)| port.to_string()).collect();
    ports.join(", ")
}

/// The base of PagerDuty's API, where a URL means that by its host, or by a path that is its (`…/incidents`).
pub fn pagerduty(url: &str) -> Option<String> {
    let read = reqwest::Url::parse(url).ok()?;
    let host = read.host_str()?;
    let is_its_host = host.strip_suffix("pagerduty.com").is_some_and(|before| {
        let mut parts = before.trim_end_matches('.').split('.');
        parts.next() == Some("api")
    });
    let base = url.trim_end_matches('/');
    let of_path = ["/incidents", "/abilities"]
        .iter()
        .find_map(|path| base.strip_suffix(path));
    match of_path {
        Some(base) => Some(base.to_owned()),
        None if is_its_host => Some(base.to_owned()),
        None => None,
    }
}

/// What usually listens at a URL's port.
pub fn usual(url: &str) -> Option<Kind> {
    let port = reqwest::Url::parse(url).ok()?.port()?;
    PORTS
        .iter()
        .find(|(known, _)| *known == port)
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_read_in_the_order_of_the_list_and_empty_is_not_set() {
        let env: Environment = [
            ("LOKI_ADDR", "http://loki:3100"),
            ("PROMETHEUS_URL", "http://prom:9090"),
            ("JAEGER_URL", ""),
            ("PD_API_KEY", "k"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .collect();
        let found: Vec<_> = of_environment(&env).collect();
        assert_eq!(
            found,
            [
                ("PROMETHEUS_URL", "http://prom:9090"),
                ("LOKI_ADDR", "http://loki:3100")
            ]
        );
        assert_eq!(key(&env, &PAGERDUTY_KEYS), Some("PD_API_KEY"));
        assert_eq!(key(&env, &GRAFANA_TOKENS), None);
    }

    #[test]
    fn pagerduty_is_known_by_its_address() {
        let base = |url: &str| pagerduty(url);
        for url in ["https://api.pagerduty.com", "https://api.pagerduty.com/incidents"] {
            assert_eq!(base(url).as_deref(), Some("https://api.pagerduty.com"), "{url}");
        }
        assert_eq!(
            base("https://api.eu.pagerduty.com/").as_deref(),
            Some("https://api.eu.pagerduty.com")
        );
        assert_eq!(
            base("http://pd.example:8080/v2/incidents").as_deref(),
            Some("http://pd.example:8080/v2")
        );
        for url in [
            "https://api.pagerduty.com.example",
            "http://h.example:9090",
            "https://evilpagerduty.com",
        ] {
            assert_eq!(base(url), None, "{url}");
        }
    }

    #[test]
    fn a_port_tells_what_usually_listens_there() {
        assert_eq!(usual("http://h.example:3100"), Some(Kind::Loki));
        assert_eq!(usual("http://h.example:3100/prefix"), Some(Kind::Loki));
        assert_eq!(usual("http://h.example"), None);
        assert_eq!(usual("no url"), None);
        assert!(local().any(|url| url == "http://localhost:9093"));
    }
}
