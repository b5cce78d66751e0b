//! The configuration that `init` writes: what was found, with comments for what may come next.
//!
//! Every comment that is a line of TOML can be uncommented as it stands.

use super::init::{Dead, Found};
use super::places;
use super::probe::Kind;

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What is known when a configuration is written.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Servers that said what they are.
    pub found: &'a [Found],
    /// Servers that did not, and why: they are written as comments.
    pub dead: &'a [Dead],
    /// Who acts, where somebody said so.
    pub author: Option<&'a str>,
    /// The variable that holds PagerDuty's key, where one is set.
    pub pagerduty: Option<&'a str>,
    /// The variable that holds Grafana's token, where one is set.
    pub grafana: Option<&'a str>,
}

/// The table of a kind.
fn section(kind: Kind) -> &'static str {
    match kind {
        Kind::Prometheus | Kind::Thanos | Kind::Mimir | Kind::VictoriaMetrics => "metrics",
        Kind::Alertmanager => "alertmanagers",
        Kind::Loki | Kind::VictoriaLogs | Kind::Elasticsearch => "logs",
        Kind::Jaeger | Kind::Tempo | Kind::Zipkin => "traces",
        Kind::PagerDuty => "incidents",
        Kind::Grafana => "annotations",
    }
}

/// A configuration for what was found, with comments for what may come next. It decodes as it stands.
pub fn starter(context: &str, known: Known<'_>) -> String {
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
    match known.author {
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
    for each in known.found {
        let section = section(each.kind);
        let version = match each.version.replace(['\n', '\r'], " ") {
            empty if empty.is_empty() => "version not told".to_owned(),
            version => version,
        };
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
        if let Some(token) = known.grafana.filter(|_| section == "annotations") {
            line(format_args!("auth = {{ bearer_env = {} }}", quoted(token)));
            line(format_args!(
                "# tags = [\"deploy\"]                   # marks with these tags are deploys"
            ));
            continue;
        }
        let variable = known.pagerduty.filter(|_| section == "incidents");
        if let Some(variable) = variable {
            line(format_args!("auth = {{ token_env = {} }}", quoted(variable)));
        }
        for more in of_section(section) {
            if variable.is_none() || !more.starts_with("auth") {
                line(format_args!("# {more}"));
            }
        }
    }
    if let Some(token) = known.pagerduty.filter(|_| !taken.contains(&"incidents")) {
        taken.push("incidents");
        line(format_args!("\n[contexts.{context}.incidents]"));
        line(format_args!("kind = \"pagerduty\""));
        line(format_args!("auth = {{ token_env = {} }}", quoted(token)));
        for more in of_section("incidents")
            .iter()
            .filter(|more| !more.starts_with("auth"))
        {
            line(format_args!("# {more}"));
        }
    }
    for each in known.dead {
        let why = each.why.replace(['\n', '\r'], " ");
        line(format_args!("\n# {} was asked and is not used: {why}", each.url));
        let guess = places::usual(&each.url).map(|kind| (kind, section(kind)));
        let Some((kind, section)) = guess.filter(|(_, section)| !taken.contains(section)) else {
            line(format_args!("# Ask it again: midwatch init {} -", each.url));
            continue;
        };
        line(format_args!("# Where it is what its port says, uncomment:"));
        if section == "alertmanagers" {
            line(format_args!("# [[contexts.{context}.alertmanagers]]"));
        } else {
            taken.push(section);
            line(format_args!("# [contexts.{context}.{section}]"));
            line(format_args!("# kind = \"{}\"", kind.word()));
        }
        line(format_args!("# url = {}", quoted(&each.url)));
    }
    for (section, lines) in NOTHING_FOUND {
        // A section that was found, or guessed at from a port, is not said twice.
        let is_said = text_has(&text, section);
        if known.found.is_empty() && !is_said {
            let mut line = |line: std::fmt::Arguments<'_>| {
                let _ = writeln!(text, "{line}");
            };
            match section {
                "alertmanagers" => line(format_args!("\n# [[contexts.{context}.{section}]]")),
                _ => line(format_args!("\n# [contexts.{context}.{section}]")),
            }
            for more in lines {
                line(format_args!("# {more}"));
            }
        }
    }
    let mut line = |line: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{line}");
    };
    for (section, head) in [("incidents", INCIDENTS), ("annotations", ANNOTATIONS)] {
        if taken.contains(&section) {
            continue;
        }
        line(format_args!("\n# [contexts.{context}.{section}]"));
        for more in head.iter().chain(of_section(section)) {
            // The variable that is set, where one is.
            let more = match known.grafana {
                Some(variable) => more.replace("\"GRAFANA_TOKEN\"", &quoted(variable)),
                None => (*more).to_owned(),
            };
            line(format_args!("# {more}"));
        }
    }
    line(format_args!("\n{}", LOCAL.replace("CONTEXT", &context)));
    text
}

/// Whether a table is written already, as one or as a comment.
fn text_has(text: &str, section: &str) -> bool {
    text.lines().any(|line| {
        line.trim_start_matches("# ").starts_with('[')
            && line.trim_end_matches(']').ends_with(&format!(".{section}"))
    })
}

/// What stands as a comment where nothing answered: each table with what it needs.
const NOTHING_FOUND: [(&str, &[&str]); 4] = [
    (
        "metrics",
        &[
            "kind = \"prometheus\"                # or thanos, mimir, victoriametrics",
            "url = \"http://prometheus:9090\"",
            "auth = { bearer_env = \"PROM_TOKEN\" }   # or bearer_file, bearer_command, basic",
        ],
    ),
    ("alertmanagers", &["url = \"http://alertmanager:9093\""]),
    (
        "logs",
        &[
            "kind = \"loki\"                      # or victorialogs, elasticsearch",
            "url = \"http://loki:3100\"",
        ],
    ),
    (
        "traces",
        &[
            "kind = \"tempo\"                     # or jaeger, zipkin",
            "url = \"http://tempo:3200\"",
        ],
    ),
];

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
# ui = { slow = 2000, bell = "mine", notify = "auto" }  # bytes a second of a slow link; whose new pages ring
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

    fn of(found: &[Found]) -> Known<'_> {
        Known {
            found,
            dead: &[],
            author: None,
            pagerduty: None,
            grafana: None,
        }
    }

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
            let known = Known {
                author: Some("jun@example.com"),
                ..of(&all)
            };
            let text = starter(context, known);
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
    fn what_did_not_answer_is_kept_as_a_comment_with_why_and_tokens_by_their_variables() {
        let dead = [
            Dead {
                url: "http://am.example:9093".to_owned(),
                why: "connection refused\n(os error 111)".to_owned(),
            },
            Dead {
                url: "http://other.example:9090".to_owned(),
                why: "it is none of the servers that are known here".to_owned(),
            },
        ];
        let all = [
            found(Kind::Prometheus, "http://p.example:9090"),
            found(Kind::Grafana, "http://g.example:3000"),
        ];
        let text = starter(
            "prod",
            Known {
                dead: &dead,
                pagerduty: Some("PAGERDUTY_TOKEN"),
                grafana: Some("GRAFANA_TOKEN"),
                ..of(&all)
            },
        );
        for line in [
            "# http://am.example:9093 was asked and is not used: connection refused (os error 111)",
            "# [[contexts.prod.alertmanagers]]",
            "# url = \"http://am.example:9093\"",
            "# Ask it again: midwatch init http://other.example:9090 -",
            "auth = { token_env = \"PAGERDUTY_TOKEN\" }",
            "auth = { bearer_env = \"GRAFANA_TOKEN\" }",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in:\n{text}"
            );
        }
        let environment: Environment = [("PAGERDUTY_TOKEN", "u+k"), ("GRAFANA_TOKEN", "g")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let loaded = decode_text(&text, Some(Path::new("/c/c.toml")), &environment)
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        let context = &loaded.config.contexts["prod"];
        assert!(context.incidents.is_some() && context.annotations.is_some());
        assert!(context.alertmanagers.is_empty());
    }

    #[test]
    fn where_nothing_answered_every_backend_is_a_comment_that_decodes_uncommented() {
        let dead = [Dead {
            url: "http://l.example:3100".to_owned(),
            why: "connection refused".to_owned(),
        }];
        for dead in [&dead[..], &[]] {
            let text = starter(
                "prod",
                Known {
                    dead,
                    grafana: Some("GRAFANA_API_KEY"),
                    ..of(&[])
                },
            );
            assert!(text.contains("GRAFANA_API_KEY"), "{text}");
            for section in [
                "metrics",
                "alertmanagers",
                "logs",
                "traces",
                "incidents",
                "annotations",
            ] {
                let told = text.lines().filter(|line| {
                    line.starts_with("# [") && line.trim_end_matches(']').ends_with(&format!(".{section}"))
                });
                assert_eq!(told.count(), 1, "{section}: {text}");
            }
            let whole: Vec<&str> = text
                .lines()
                .map(|line| {
                    let inner = line.strip_prefix("# ");
                    inner
                        .filter(|inner| toml::from_str::<toml::Table>(inner).is_ok())
                        .unwrap_or(line)
                })
                .collect();
            let whole = whole.join("\n");
            let loaded = decode_text(&whole, Some(Path::new("/c/c.toml")), &Environment::default())
                .unwrap_or_else(|error| panic!("{error}\n{whole}"));
            let context = &loaded.config.contexts["prod"];
            assert!(context.metrics.is_some() && context.logs.is_some() && context.traces.is_some());
            assert_eq!(context.alertmanagers.len(), 1);
        }
    }

    #[test]
    fn every_line_that_is_commented_out_decodes_when_it_is_not() {
        let prometheus = [found(Kind::Prometheus, "http://p.example")];
        let dead = [
            "http://p.example:9093",
            "http://l.example:3100",
            "http://x.example:1",
        ]
        .map(|url| Dead {
            url: url.to_owned(),
            why: "connection refused".to_owned(),
        });
        let bare = starter("prod", of(&prometheus));
        let forlorn = Known {
            dead: &dead,
            ..of(&prometheus)
        };
        let backends = [
            found(Kind::Prometheus, "http://p.example"),
            found(Kind::PagerDuty, "http://pd.example"),
            found(Kind::Grafana, "http://g.example"),
        ];
        for text in [
            bare,
            starter("prod", forlorn),
            starter("eu west.1", of(&backends)),
        ] {
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
