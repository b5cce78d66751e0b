//! The configuration that opens the console on the demo.

use std::fmt::Write as _;
use std::path::Path;

use super::world::Scenario;
use super::{Endpoints, pagerduty};

/// The file beside the configuration that holds PagerDuty's key.
pub const PAGERDUTY_KEY: &str = "pagerduty.key";

/// The file beside it that holds Grafana's token.
pub const GRAFANA_TOKEN: &str = "grafana.token";

/// A service's availability objective: name, service, per cent, and whether it is about speed.
struct Promise {
    service: &'static str,
    percent: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Availability,
    /// Under so many milliseconds.
    Latency(u32),
}

const PROMISES: [Promise; 12] = [
    promise("checkout", "99.9", Kind::Availability),
    promise("payment", "99.95", Kind::Availability),
    promise("storefront", "99.9", Kind::Availability),
    promise("catalog", "99.9", Kind::Availability),
    promise("inventory", "99.5", Kind::Availability),
    promise("shipping", "99.5", Kind::Availability),
    promise("giftcard", "99.5", Kind::Availability),
    promise("loyalty", "99.5", Kind::Availability),
    promise("search", "99", Kind::Latency(300)),
    promise("checkout", "99", Kind::Latency(500)),
    promise("cart", "99", Kind::Latency(200)),
    promise("auth", "99.5", Kind::Latency(200)),
];

const fn promise(service: &'static str, percent: &'static str, kind: Kind) -> Promise {
    Promise {
        service,
        percent,
        kind,
    }
}

/// A Sloth file, to show that such files are read.
pub const SLOTH_FILE: &str = r#"version: "prometheus/v1"
service: "search"
labels:
  team: "discovery"
slos:
  - name: "requests-availability"
    objective: 99.9
    description: "Searches that end without a server error."
    sli:
      events:
        error_query: sum(rate(http_requests_total{service="search",status_code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http_requests_total{service="search"}[{{.window}}]))
    alerting:
      name: "SearchAvailability"
      page_alert:
        labels:
          severity: "critical"
      ticket_alert:
        labels:
          severity: "warning"
"#;

/// Runbooks of the shop, by the alerts they are for; `@CONFIG@` stands for the configuration's path.
const RUNBOOKS: [(&str, &str); 3] = [
    ("PoolExhausted", include_str!("runbooks/PoolExhausted.md")),
    ("HighErrorRate", include_str!("runbooks/HighErrorRate.md")),
    ("ErrorBudgetBurn", include_str!("runbooks/ErrorBudgetBurn.md")),
];

/// Looks, and asks the metrics whether what was looked at is over: nothing in a simulated world can be mended from here.
const PLAYBOOK: &str = r#"
[[contexts.demo.playbooks]]
name = "is it over?"
match = 'alertname=~"PoolExhausted|HighErrorRate", service!=""'

[[contexts.demo.playbooks.steps]]
run = [@PROGRAM@, "--read-only", "--version"]
wait = "2s"
verify = 'sum(rate(http_requests_total{service="{{ labels.service }}"}[5m]))'
expect = "> 0"

[[contexts.demo.playbooks.steps]]
run = [@PROGRAM@, "--read-only", "--version"]
wait = "2s"
verify = 'ALERTS{alertname="{{ labels.alertname }}", alertstate="firing"}'
expect = "nothing"
"#;

/// The directory of runbooks beside the configuration.
pub const RUNBOOK_DIR: &str = "runbooks";

/// The runbooks as they are written beside a configuration: file name and text.
pub fn runbooks(config: &Path) -> impl Iterator<Item = (String, String)> {
    let config = config.display().to_string().replace('\'', r"'\''");
    RUNBOOKS
        .iter()
        .map(move |(name, text)| (format!("{name}.md"), text.replace("@CONFIG@", &config)))
}

/// The TOML text. Runbooks may run this program alone: it looks at a simulated world.
pub fn text(scenario: Scenario, endpoints: &Endpoints, state_dir: &Path, program: Option<&Path>) -> String {
    // The story is quick, so it is asked often; a world that stands still need not be.
    let poll = match scenario {
        Scenario::Leak | Scenario::Drill(_) => "5s",
        Scenario::Calm => "15s",
    };
    // A drill is over before the usual quarter of an hour is.
    let nudges = match scenario {
        Scenario::Drill(_) => "[nudges]\nupdate = \"5m\"\nprogress = \"5m\"\n\n",
        Scenario::Leak | Scenario::Calm => "",
    };
    let allowed = program.and_then(Path::to_str).map(quoted).unwrap_or_default();
    let mut out = format!(
        "# Written by midwatch demo; gone when it ends.\n\
         default_context = \"demo\"\n\
         state_dir = {}\n\
         runbooks = {{ dir = \"{RUNBOOK_DIR}\" }}\n\n\
         {nudges}\
         [contexts.demo]\n\
         allowed_programs = [{allowed}]\n\
         slo_files = [\"slos/*.yaml\"]\n\
         watchdog = 'alertname=\"Watchdog\"'\n\n\
         [contexts.demo.metrics]\n\
         kind = \"prometheus\"\n\
         url = \"{}\"\n\
         poll = \"{poll}\"\ntimeout = \"30s\"\n",
        quoted(&state_dir.display().to_string()),
        endpoints.metrics,
    );
    for (name, url) in &endpoints.alertmanagers {
        let _ = write!(
            out,
            "\n[[contexts.demo.alertmanagers]]\nname = \"{name}\"\ncluster = \"eu\"\nurl = \"{url}\"\ntimeout = \"30s\"\npoll = \"{poll}\"\n"
        );
    }
    let _ = write!(
        out,
        "\n[contexts.demo.incidents]\nkind = \"pagerduty\"\nurl = \"{}\"\nfrom = \"{}\"\n\
         auth = {{ token_file = \"{PAGERDUTY_KEY}\" }}\ntimeout = \"30s\"\npoll = \"15s\"\n",
        endpoints.pagerduty,
        pagerduty::EMAIL,
    );
    let _ = write!(
        out,
        "\n[contexts.demo.annotations]\nkind = \"grafana\"\nurl = \"{}\"\n\
         auth = {{ bearer_file = \"{GRAFANA_TOKEN}\" }}\ntimeout = \"30s\"\npoll = \"15s\"\n",
        endpoints.grafana,
    );
    let _ = write!(
        out,
        "\n[contexts.demo.logs]\nkind = \"loki\"\nurl = \"{}\"\ntimeout = \"30s\"\n",
        endpoints.logs,
    );
    let _ = write!(
        out,
        "\n[contexts.demo.traces]\nkind = \"jaeger\"\nurl = \"{}\"\ntimeout = \"30s\"\n",
        endpoints.traces,
    );
    if !allowed.is_empty() {
        let _ = write!(out, "{}", PLAYBOOK.replace("@PROGRAM@", &allowed));
    }
    for promise in &PROMISES {
        out.push_str(&entry(promise));
    }
    out
}

fn entry(promise: &Promise) -> String {
    let Promise {
        service,
        percent,
        kind,
    } = promise;
    match kind {
        Kind::Availability => format!(
            "\n[[contexts.demo.slos]]\nname = \"{service}-availability\"\nservice = \"{service}\"\nobjective = {percent}\nwindow = \"30d\"\n\
             errors = 'sum(rate(http_requests_total{{service=\"{service}\",status_code=~\"5..\"}}[{{{{window}}}}]))'\n\
             total = 'sum(rate(http_requests_total{{service=\"{service}\"}}[{{{{window}}}}]))'\n"
        ),
        Kind::Latency(millis) => format!(
            "\n[[contexts.demo.slos]]\nname = \"{service}-latency\"\nservice = \"{service}\"\nobjective = {percent}\nwindow = \"30d\"\n\
             latency = {{ histogram = 'http_request_duration_seconds', selector = 'service=\"{service}\"', threshold = \"{millis}ms\" }}\n"
        ),
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|c| match c {
            '"' => vec!['\\', '"'],
            '\\' => vec!['\\', '\\'],
            c => vec![c],
        })
        .collect();
    format!("\"{escaped}\"")
}
