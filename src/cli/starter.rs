//! The configuration that `init` writes: what was found, with comments for what may come next.
//!
//! Every comment that is a line of TOML can be uncommented as it stands.

use super::init::Found;
use super::probe::Kind;

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A configuration for what was found, with comments for what may come next. It decodes as it stands.
pub fn starter(context: &str, found: &[Found], author: Option<&str>) -> String {
    use std::fmt::Write as _;

    let bare = context
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let context = if bare && !context.is_empty() {
        context.to_owned()
    } else {
        quoted(context)
    };
    let mut text = String::from(
        "# midwatch's configuration. Check it with: midwatch config check; try it with: midwatch doctor\n\n",
    );
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line}");
    };
    match author {
        Some(author) => line(format_args!("identity = {}", quoted(author))),
        None => line(format_args!(
            "# identity = \"you@example.com\"   # who acts; default: you at this host"
        )),
    }
    line(format_args!("{TOP}"));
    line(format_args!("[contexts.{context}]"));
    line(format_args!(
        "# danger = true                      # dangerous acts ask for the context's name"
    ));
    line(format_args!(
        "# slo_files = [\"slos/*.yaml\"]        # Sloth, OpenSLO, Pyrra"
    ));
    line(format_args!(
        "# watchdog = 'alertname=\"Watchdog\"'  # an alert that always fires: its absence is critical"
    ));
    let mut taken: Vec<&str> = Vec::new();
    for each in found {
        let section = match each.kind {
            Kind::Prometheus | Kind::Thanos | Kind::Mimir | Kind::VictoriaMetrics => "metrics",
            Kind::Alertmanager => "alertmanagers",
            Kind::Loki | Kind::VictoriaLogs | Kind::Elasticsearch => "logs",
            Kind::Jaeger | Kind::Tempo | Kind::Zipkin => "traces",
            Kind::PagerDuty => "incidents",
            Kind::Grafana => "annotations",
        };
        let version = each.version.replace(['\n', '\r'], " ");
        let (url, kind) = (quoted(&each.url), each.kind.word());
        line(format_args!(""));
        if section == "alertmanagers" {
            line(format_args!("[[contexts.{context}.alertmanagers]]   # {version}"));
            line(format_args!("url = {url}"));
            continue;
        }
        if taken.contains(&section) {
            // One backend a signal: the second is kept for whoever wants to choose.
            line(format_args!("# another {kind} {version}: url = {url}"));
            continue;
        }
        taken.push(section);
        line(format_args!("[contexts.{context}.{section}]   # {version}"));
        line(format_args!("kind = \"{kind}\""));
        line(format_args!("url = {url}"));
        if section == "metrics" {
            line(format_args!(
                "# auth = {{ bearer_env = \"PROM_TOKEN\" }}   # or bearer_file, bearer_command, basic"
            ));
            line(format_args!("# headers = {{ \"X-Scope-OrgID\" = \"team-a\" }}"));
        }
        for more in of_section(section) {
            line(format_args!("# {more}"));
        }
    }
    for (section, head) in [("incidents", INCIDENTS), ("annotations", ANNOTATIONS)] {
        if taken.contains(&section) {
            continue;
        }
        line(format_args!("\n# [contexts.{context}.{section}]"));
        for more in head.iter().chain(of_section(section)) {
            line(format_args!("# {more}"));
        }
    }
    line(format_args!("\n{}", LOCAL.replace("CONTEXT", &context)));
    text
}

/// What can be said of a backend beside its place.
fn of_section(section: &str) -> &'static [&'static str] {
    match section {
        "incidents" => &[
            "from = \"you@example.com\"            # your PagerDuty user: acts are done in its name",
            "auth = { token_env = \"PAGERDUTY_TOKEN\" }",
            "whose = \"team\"                      # mine, team, all: what is listed at first",
            "services = { checkout = \"Checkout\" } # the service of an alert to PagerDuty's",
        ],
        "annotations" => &[
            "auth = { bearer_env = \"GRAFANA_TOKEN\" }",
            "tags = [\"deploy\"]                   # marks with these tags are deploys",
        ],
        _ => &[],
    }
}

/// Keys of the top, which stand before the first table.
const TOP: &str = r#"# journal = { path = "/var/lib/midwatch/midwatch.db", group = "oncall" }  # shared by the engineers of a host
# audit_forward = { kind = "syslog" }  # address = "udp://host:514"; or kind = "webhook" with url and auth
# grace = "5s"                         # notes and silences can be undone for so long
# nudges = { update = "15m", progress = "30m" }  # when an incident asks for an update, for progress
"#;

/// Where nobody keeps incidents yet.
const INCIDENTS: &[&str] = &["kind = \"pagerduty\"                 # or \"local\", which needs nothing more"];

/// Where there are no marks yet.
const ANNOTATIONS: &[&str] = &["kind = \"grafana\"", "url = \"https://grafana.example\""];

/// Who is on call for local incidents, who is woken how, and which alerts declare one.
const LOCAL: &str = r#"# Incidents of this host's own, beside PagerDuty's or without them:

# [[contexts.CONTEXT.people]]
# name = "Jun"
# id = "jun"
# phone = "+15550101"

# [[contexts.CONTEXT.schedules]]
# name = "primary"
# time_zone = "Europe/Berlin"
# rotation = "weekly"                  # or daily
# weekday = "monday"
# handoff = "09:00"
# start = "2026-01-05"
# people = ["jun"]

# [[contexts.CONTEXT.escalation_policies]]
# name = "default"                     # services = ["checkout"]; every other service where left out
# levels = [{ notify = ["primary"], delay = "5m" }, { notify = ["jun"] }]

# [[contexts.CONTEXT.declare]]           # such an alert opens an incident, while a console is open
# matchers = 'severity="critical"'
# severity = "SEV2"

# [[contexts.CONTEXT.notify]]
# kind = "slack"                       # or webhook; or command = ["page", "{phone}", "{title}"]
# url_env = "SLACK_URL""#;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Environment, decode_text};

    fn found(kind: Kind, url: &str) -> Found {
        Found {
            url: url.into(),
            kind,
            version: "1.2.3".into(),
        }
    }

    #[test]
    fn what_is_written_decodes() {
        let all = [
            found(Kind::Prometheus, "http://p.example:9090/prefix"),
            found(Kind::Thanos, "http://t.example"),
            found(Kind::Alertmanager, "http://a.example:9093"),
            found(Kind::Alertmanager, "http://b.example:9093"),
            found(Kind::Loki, "http://l.example"),
            found(Kind::Tempo, "http://tempo.example"),
            found(Kind::Grafana, "http://g.example"),
        ];
        for context in ["prod", "eu west.1"] {
            let text = starter(context, &all, Some("jun@example.com"));
            let loaded = decode_text(&text, Some(Path::new("c.toml")), &Environment::default())
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
            let decoded = &loaded.config.contexts[context];
            assert_eq!(decoded.alertmanagers.len(), 2);
            assert_eq!(decoded.alertmanagers[0].name, "a.example:9093");
            let metrics = decoded.metrics.as_ref().expect("metrics");
            assert_eq!(metrics.endpoint.url, "http://p.example:9090/prefix");
            assert!(decoded.logs.is_some() && decoded.traces.is_some() && decoded.annotations.is_some());
            assert_eq!(loaded.config.identity, "jun@example.com");
        }
    }

    #[test]
    fn every_line_that_is_commented_out_decodes_when_it_is_not() {
        let bare = starter("prod", &[found(Kind::Prometheus, "http://p.example")], None);
        let backends = [
            found(Kind::Prometheus, "http://p.example"),
            found(Kind::PagerDuty, "http://pd.example"),
            found(Kind::Grafana, "http://g.example"),
        ];
        for text in [bare, starter("eu west.1", &backends, None)] {
            let mut uncommented = 0;
            let whole: Vec<&str> = text
                .lines()
                .map(|line| {
                    let toml = line
                        .strip_prefix("# ")
                        .filter(|inner| toml::from_str::<toml::Table>(inner).is_ok());
                    uncommented += usize::from(toml.is_some_and(|inner| !inner.is_empty()));
                    toml.unwrap_or(line)
                })
                .collect();
            let whole = whole.join("\n");
            assert!(uncommented > 25, "{uncommented}\n{whole}");
            let loaded = decode_text(&whole, Some(Path::new("/c/c.toml")), &Environment::default())
                .unwrap_or_else(|error| panic!("{error}\n{whole}"));
            assert!(loaded.config.audit_forward.is_some());
            let context = loaded.config.contexts.values().next().expect("one");
            assert!(context.incidents.is_some() && context.annotations.is_some());
            assert_eq!((context.notify.len(), context.declare.len()), (1, 1));
        }
    }
}
