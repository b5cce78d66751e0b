//! Servers that run already, by their addresses in the environment: `compose.yaml` brings them, but whose they are does not
//! matter. Nothing is written to them: what each is has to be found out, and everything has to be readable.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::server::or_skipped;

/// A variable, and the table that the address belongs in: what follows `contexts.live`, and what stands in it beside the URL.
const GIVEN: [(&str, &str, &str); 10] = [
    ("MIDWATCH_LIVE_PROMETHEUS", "metrics", "kind = \"prometheus\""),
    ("MIDWATCH_LIVE_ALERTMANAGER", "alertmanagers", "name = \"live\""),
    ("MIDWATCH_LIVE_LOKI", "logs", "kind = \"loki\""),
    ("MIDWATCH_LIVE_VICTORIALOGS", "logs", "kind = \"victorialogs\""),
    ("MIDWATCH_LIVE_ELASTICSEARCH", "logs", "kind = \"elasticsearch\""),
    ("MIDWATCH_LIVE_OPENSEARCH", "logs", "kind = \"opensearch\""),
    ("MIDWATCH_LIVE_JAEGER", "traces", "kind = \"jaeger\""),
    ("MIDWATCH_LIVE_TEMPO", "traces", "kind = \"tempo\""),
    ("MIDWATCH_LIVE_ZIPKIN", "traces", "kind = \"zipkin\""),
    ("MIDWATCH_LIVE_GRAFANA", "annotations", "kind = \"grafana\""),
];

/// The addresses that the environment names.
#[expect(clippy::disallowed_methods, reason = "a test reads where it is pointed to")]
fn given() -> BTreeMap<&'static str, String> {
    let named = GIVEN
        .iter()
        .filter_map(|(variable, ..)| Some((*variable, std::env::var(variable).ok()?)));
    named.filter(|(_, url)| !url.trim().is_empty()).collect()
}

fn midwatch(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_midwatch"))
        .env_clear()
        .env("HOME", home)
        .env("MIDWATCH_USER", "jun@example.com")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("runs")
}

#[test]
fn what_runs_already_is_recognised_answers_and_is_read() {
    let given = given();
    if given.is_empty() {
        let _ = or_skipped(
            None,
            "server named by MIDWATCH_LIVE_… (tests/live/compose.yaml brings them)",
        );
        return;
    }
    for (variable, table, more) in GIVEN {
        let Some(url) = given.get(variable) else {
            continue;
        };
        let home = tempfile::tempdir().unwrap();
        let (kind, reads): (&str, &[&str]) = match table {
            "metrics" => ("[contexts.live.metrics]", &["slo"]),
            "alertmanagers" => ("[[contexts.live.alertmanagers]]", &["alerts"]),
            "logs" => ("[contexts.live.logs]", &["logs", "--since", "5m"]),
            "traces" => ("[contexts.live.traces]", &["traces", "--since", "5m"]),
            _ => ("[contexts.live.annotations]", &["config", "check"]),
        };
        let config = home.path().join("config.toml");
        std::fs::write(&config, format!("{kind}\n{more}\nurl = \"{url}\"\n")).unwrap();
        let path = config.to_str().unwrap();
        let doctor = midwatch(home.path(), &["--config", path, "doctor", "--json"]);
        let said = String::from_utf8_lossy(&doctor.stdout);
        let document: Value =
            serde_json::from_str(&said).unwrap_or_else(|error| panic!("{variable}: {error}: {said}"));
        assert_eq!(document["errors"], Value::Array(Vec::new()), "{variable}: {said}");
        assert_eq!(doctor.status.code(), Some(0), "{variable}: {said}");
        let read = midwatch(home.path(), &[&["--config", path][..], reads].concat());
        let said = String::from_utf8_lossy(&read.stderr);
        assert_eq!(read.status.code(), Some(0), "{variable} {reads:?}: {said}");
        // What it is is found out without being told.
        let out = home.path().join("init");
        std::fs::create_dir(&out).unwrap();
        let init = midwatch(&out, &["init", url]);
        let said = [init.stdout, init.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(init.status.code(), Some(0), "{variable}: {said}");
        let written = std::fs::read_to_string(out.join(".config/midwatch/config.toml")).unwrap_or_default();
        assert!(
            written.contains(url.trim_end_matches('/')) || said.contains(url.trim_end_matches('/')),
            "{variable}: {said}\n{written}"
        );
    }
}
