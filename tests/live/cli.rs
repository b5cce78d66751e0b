//! The built binary on real servers: what it says is what they hold, and what it does they report.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use midwatch::time::{Clock, parse_duration};
use serde_json::{Value, json};

use super::alertmanager::{self, Gossip, eventually};
use super::prometheus::{self, Errors};

fn midwatch(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_midwatch"))
        .env_clear()
        .env("HOME", home)
        .env("MIDWATCH_USER", "jun@example.com")
        .arg("--config")
        .arg(home.join("config.toml"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("runs")
}

/// The document of a command that ends with this status.
#[track_caller]
fn document(home: &Path, status: i32, arguments: &[&str]) -> Value {
    let output = midwatch(home, &[arguments, &["--json"]].concat());
    let (out, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}:\n{out}\n{said}"
    );
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
}

#[tokio::test]
async fn slo_says_what_prometheus_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let end = Clock::start().now().utc.timestamp();
    let Some(server) = prometheus::start(dir.path(), end).await else {
        return;
    };
    // The SLOs stand in a file beside the configuration, in midwatch's own form.
    let mut slos = String::from("slos:\n");
    for scenario in prometheus::scenarios() {
        let name = scenario.name;
        let _ = write!(
            slos,
            "- name: {name}\n  service: shop\n  objective: 99.9\n  \
             errors: 'sum(rate(bad_total{{s=\"{name}\"}}[{{{{window}}}}]))'\n  \
             total: 'sum(rate(req_total{{s=\"{name}\"}}[{{{{window}}}}]))'\n"
        );
    }
    std::fs::write(dir.path().join("shop.yaml"), slos).unwrap();
    let config = format!(
        "[contexts.p]\nslo_files = [\"*.yaml\"]\n[contexts.p.metrics]\nurl = \"{}\"\n",
        server.url
    );
    std::fs::write(dir.path().join("config.toml"), config).unwrap();

    let board = document(dir.path(), 0, &["slo"]);
    assert_eq!(board["errors"], json!([]));
    let slos = board["slos"].as_array().unwrap();
    let of = |name: &str| slos.iter().find(|slo| slo["name"] == name).unwrap();
    for scenario in prometheus::scenarios()
        .iter()
        .filter(|s| s.rate > 0.0 && s.errors == Errors::Recorded)
    {
        for (window, said) in of(scenario.name)["windows"].as_object().unwrap() {
            let truth = scenario.true_ratio(parse_duration(window).unwrap().as_secs_f64());
            let ratio = said["error_ratio"].as_f64().unwrap();
            assert!(
                (ratio - truth).abs() <= 0.02 * truth,
                "{} over {window}: {ratio}, true {truth}",
                scenario.name
            );
        }
    }
    for (name, state) in [
        ("fast", "page"),
        ("slow", "ticket"),
        ("healthy", "ok"),
        ("idle", "no_traffic"),
    ] {
        assert_eq!(of(name)["state"], state, "{name}");
    }
    assert_eq!(slos[0]["state"], "page", "the most urgent comes first");
    document(dir.path(), 10, &["slo", "--fail-on", "page"]);
}

#[tokio::test]
async fn ack_and_silence_are_what_alertmanager_then_reports() {
    let Some(binary) = alertmanager::binary() else {
        return;
    };
    let server = alertmanager::Server::start(&binary, None, Gossip::Off).await;
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let config = format!(
        "[[contexts.p.alertmanagers]]\nname = \"eu-0\"\nurl = \"{}\"\n",
        server.url
    );
    std::fs::write(home.join("config.toml"), config).unwrap();

    let since = Clock::start().now().utc - TimeDelta::minutes(5);
    let until = since + TimeDelta::hours(1);
    let alerts = ["1", "2", "3"].map(|instance| {
        json!({"alertname": "HighErrorRate", "service": "checkout", "severity": "critical", "instance": instance})
    });
    let posted: Vec<_> = alerts.iter().map(|labels| (labels, since, until)).collect();
    server.post(&posted).await;
    eventually("three alerts fire", async || {
        document(home, 0, &["alerts"])["counts"]["active"] == 3
    })
    .await;
    document(home, 10, &["alerts", "--fail-on", "firing"]);

    let reported = server.get("alerts").await;
    let id = |instance: &str| {
        let listed = reported
            .as_array()
            .unwrap()
            .iter()
            .find(|a| a["labels"]["instance"] == instance);
        listed.unwrap()["fingerprint"].as_str().unwrap().to_owned()
    };
    let acked = document(home, 0, &["ack", &id("1"), &id("2"), "--comment", "looking"]);
    assert_eq!(acked["results"].as_array().map(Vec::len), Some(2), "{acked:#}");
    let silences = server.get("silences").await;
    for silence in silences.as_array().unwrap() {
        assert_eq!(silence["createdBy"], "jun@example.com");
        let comment = silence["comment"].as_str().unwrap();
        assert!(
            comment.starts_with("ACK! ") && comment.contains("looking"),
            "{comment}"
        );
        let time = |key: &str| silence[key].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        let lasts = time("endsAt") - time("startsAt");
        assert!(
            (lasts - TimeDelta::minutes(15)).abs() < TimeDelta::seconds(5),
            "{lasts}"
        );
    }
    hidden(&server, &["1", "2"]).await;

    document(home, 0, &["unack", &id("2")]);
    hidden(&server, &["1"]).await;

    // It pages, so its count must be confirmed; then it is there for two hours.
    let silence = [
        "silence",
        "service=checkout",
        "instance=~2|3",
        "--for",
        "2h",
        "--comment",
        "deploy",
    ];
    let refused = midwatch(home, &silence);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--confirm-count 2"), "{said}");
    hidden(&server, &["1"]).await;
    let done = document(home, 0, &[&silence[..], &["--confirm-count", "2"]].concat());
    hidden(&server, &["1", "2", "3"]).await;
    let id = done["results"][0]["remote_ids"]["eu-0"].as_str().unwrap();
    let made = server.get(&format!("silence/{id}")).await;
    assert_eq!(made["matchers"].as_array().map(Vec::len), Some(2), "{made:#}");
    assert_eq!(made["status"]["state"], "active");

    document(home, 0, &["unsilence", id]);
    assert_eq!(
        server.get(&format!("silence/{id}")).await["status"]["state"],
        "expired"
    );
    hidden(&server, &["1"]).await;
}

/// Exactly these instances become suppressed at the server.
async fn hidden(server: &alertmanager::Server, instances: &[&str]) {
    eventually(&format!("{instances:?} are hidden and no other"), async || {
        let alerts = server.get("alerts").await;
        alerts.as_array().unwrap().iter().all(|alert| {
            let suppressed = alert["status"]["state"] == "suppressed";
            suppressed == instances.contains(&alert["labels"]["instance"].as_str().unwrap())
        })
    })
    .await;
}
