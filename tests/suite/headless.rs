//! The built binary without a terminal, on the demo's servers: every command as text and as JSON, every exit
//! status that a script may see.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use chrono::{DateTime, TimeDelta};
use midwatch::demo::clock::DemoClock;
use midwatch::demo::world::Scenario;
use midwatch::demo::{Announcement, Demo, DemoOptions};
use midwatch::time::Clock;
use serde_json::Value;
use tokio::sync::oneshot;

/// The demo, served on a thread of its own until dropped.
struct Stage {
    announcement: Announcement,
    home: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Stage {
    /// The shop three minutes into the story: alerts fire, and will for minutes. The clock is the real one, because silences are
    /// made by the binary, which lives in real time.
    fn open() -> Self {
        let clock = Clock::start();
        let (told, hear) = std::sync::mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let options = DemoOptions {
                    scenario: Scenario::Leak,
                    seed: 7,
                    clock: DemoClock::Live(clock),
                    anchor: Some(clock.now().utc - TimeDelta::minutes(3)),
                };
                let demo = Demo::bind(options).await.expect("ports");
                told.send(demo.announcement().clone()).expect("heard");
                let stop = async {
                    let _ = stopped.await;
                };
                demo.serve(stop).await.expect("serves");
            });
        });
        Self {
            announcement: hear.recv().expect("it opens"),
            home: tempfile::tempdir().expect("a home"),
            stop: Some(stop),
            serving: Some(serving),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_on(&self.announcement.config, arguments)
    }

    fn run_on(&self, config: &Path, arguments: &[&str]) -> Ended {
        run(self.home.path(), config, arguments)
    }

    /// The demo's configuration with something changed.
    fn changed(&self, change: impl FnOnce(String) -> String) -> PathBuf {
        let text = std::fs::read_to_string(&self.announcement.config).expect("there");
        let path = self.home.path().join("changed.toml");
        // The SLO files stay where they are.
        let slos = self.announcement.config.with_file_name("slos");
        let text = text.replace("slos/*.yaml", &format!("{}/*.yaml", slos.display()));
        std::fs::write(&path, change(text)).expect("written");
        path
    }

    /// The alerts of a listing.
    fn alerts(&self, arguments: &[&str]) -> Vec<Value> {
        let document = self.run(&[&["alerts", "--json"], arguments].concat()).json();
        let groups = document["groups"].as_array().expect("groups").clone();
        let alerts = groups
            .iter()
            .flat_map(|g| g["alerts"].as_array().expect("alerts").clone());
        alerts.collect()
    }

    fn silences(&self, arguments: &[&str]) -> Vec<Value> {
        let document = self.run(&[&["silences", "--json"], arguments].concat()).json();
        document["silences"].as_array().expect("silences").clone()
    }

    fn alert(&self, id: &str) -> Value {
        let all = self.alerts(&["--state", "all"]);
        all.into_iter().find(|a| a["id"] == id).expect("listed")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.serving.take().map(JoinHandle::join);
    }
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command
        .env_clear()
        .env("HOME", home)
        .env("MIDWATCH_USER", "jun@example.com")
        .stdin(Stdio::null())
        .args(arguments);
    command
}

fn run(home: &Path, config: &Path, arguments: &[&str]) -> Ended {
    let output = command(home, arguments)
        .arg("--config")
        .arg(config)
        .output()
        .expect("runs");
    Ended {
        line: arguments.join(" "),
        status: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("text"),
        said: String::from_utf8(output.stderr).expect("text"),
    }
}

/// How a command ended.
struct Ended {
    line: String,
    status: i32,
    out: String,
    said: String,
}

impl Ended {
    #[track_caller]
    fn with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}:\n{}\n{}", self.line, self.out, self.said);
        self
    }

    /// Refused with this status: words on standard error, nothing on standard output.
    #[track_caller]
    fn refused(self, status: i32, words: &str) {
        let ended = self.with(status);
        assert!(ended.said.contains(words), "{}: {}", ended.line, ended.said);
        assert_eq!(ended.out, "", "{}", ended.line);
    }

    /// The one document on standard output.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{}: {error}:\n{}\n{}", self.line, self.out, self.said))
    }
}

/// What a field of a document may hold.
#[derive(Debug, Clone, Copy)]
enum Holds {
    Text,
    TextOrNull,
    Number,
    NumberOrNull,
    Flag,
    List,
    Table,
    Time,
    TimeOrNull,
    Anything,
}

impl Holds {
    fn allows(self, value: &Value) -> bool {
        let time = |v: &Value| {
            let text = v.as_str().unwrap_or_default();
            text.ends_with('Z') && DateTime::parse_from_rfc3339(text).is_ok()
        };
        match self {
            Self::Text => value.is_string(),
            Self::TextOrNull => value.is_string() || value.is_null(),
            Self::Number => value.is_number(),
            Self::NumberOrNull => value.is_number() || value.is_null(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Table => value.is_object(),
            Self::Time => time(value),
            Self::TimeOrNull => value.is_null() || time(value),
            Self::Anything => true,
        }
    }
}

/// Every field of the contract is there and holds what it may.
#[track_caller]
fn fits(value: &Value, fields: &[(&str, Holds)]) {
    for (name, holds) in fields {
        let field = value
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {value:#}"));
        assert!(holds.allows(field), "{name} is no {holds:?}: {field}");
    }
}

const HEAD: [(&str, Holds); 4] = [
    ("context", Holds::Text),
    ("at", Holds::Time),
    ("errors", Holds::List),
    ("warnings", Holds::List),
];

#[test]
fn the_reads_are_the_documents_of_the_contract() {
    let stage = Stage::open();

    let slo = stage.run(&["slo", "--json"]).with(0).json();
    fits(&slo, &HEAD);
    let slos = slo["slos"].as_array().expect("a list");
    for one in slos {
        fits(
            one,
            &[
                ("name", Holds::Text),
                ("service", Holds::Text),
                ("objective", Holds::Number),
                ("period_seconds", Holds::Number),
                ("windows", Holds::Table),
                ("state", Holds::Text),
                ("rules", Holds::List),
                ("budget_remaining", Holds::NumberOrNull),
                ("budget_status", Holds::TextOrNull),
                ("exhausts_in_seconds", Holds::NumberOrNull),
                ("exhausts_rolling", Holds::Anything),
                ("policy", Holds::TextOrNull),
                ("covered_seconds", Holds::NumberOrNull),
                ("last_known_state", Holds::TextOrNull),
                ("last_known_at", Holds::TimeOrNull),
                ("warnings", Holds::List),
                ("partial", Holds::Flag),
            ],
        );
        for window in one["windows"].as_object().expect("a table").values() {
            fits(
                window,
                &[
                    ("error_ratio", Holds::NumberOrNull),
                    ("burn_rate", Holds::NumberOrNull),
                ],
            );
        }
        for rule in one["rules"].as_array().expect("a list") {
            fits(
                rule,
                &[
                    ("severity", Holds::Text),
                    ("factor", Holds::Number),
                    ("long", Holds::Text),
                    ("short", Holds::Text),
                    ("state", Holds::Text),
                    ("origin", Holds::Text),
                ],
            );
        }
    }
    let named = |name: &str| slos.iter().any(|one| one["name"] == name);
    assert!(named("checkout-availability"), "of the configuration");
    assert!(named("search-requests-availability"), "of an SLO file: {slos:#?}");

    let alerts = stage.run(&["alerts", "--json"]).with(0).json();
    fits(&alerts, &HEAD);
    fits(
        &alerts["counts"],
        &[
            ("active", Holds::Number),
            ("acknowledged", Holds::Number),
            ("suppressed", Holds::Number),
        ],
    );
    for group in alerts["groups"].as_array().expect("a list") {
        fits(
            group,
            &[
                ("key", Holds::Table),
                ("severity", Holds::TextOrNull),
                ("count", Holds::Number),
                ("alerts", Holds::List),
            ],
        );
    }
    let listed = stage.alerts(&[]);
    assert!(!listed.is_empty(), "something fires: {alerts:#}");
    for alert in &listed {
        fits(
            alert,
            &[
                ("id", Holds::Text),
                ("fingerprint", Holds::Text),
                ("sources", Holds::List),
                ("name", Holds::Text),
                ("severity", Holds::TextOrNull),
                ("service", Holds::TextOrNull),
                ("state", Holds::Text),
                ("silenced_by", Holds::List),
                ("inhibited_by", Holds::List),
                ("muted_by", Holds::List),
                ("acknowledged_by", Holds::TextOrNull),
                ("acknowledged_at", Holds::TimeOrNull),
                ("acknowledged_until", Holds::TimeOrNull),
                ("starts_at", Holds::Time),
                ("updated_at", Holds::Time),
                ("ends_at", Holds::TimeOrNull),
                ("summary", Holds::TextOrNull),
                ("description", Holds::TextOrNull),
                ("runbook_url", Holds::TextOrNull),
                ("labels", Holds::Table),
                ("annotations", Holds::Table),
            ],
        );
        assert_ne!(alert["name"], "Watchdog", "it is never listed");
    }
    let filter = format!(
        "alertname={}, @acked=false",
        listed[0]["name"].as_str().expect("text")
    );
    let some = stage.alerts(&["--filter", &filter]);
    assert!(some.iter().all(|a| a["name"] == listed[0]["name"]) && !some.is_empty());
    stage
        .run(&["alerts", "--filter", "@bogus=1"])
        .refused(2, "@bogus is no field");

    // As text, for people: one line an alert with its id, and the sentence about the queue.
    let text = stage.run(&["alerts"]).with(0).out;
    for alert in &listed {
        assert!(text.contains(alert["id"].as_str().expect("text")), "{text}");
    }
    assert!(text.contains("firing"), "{text}");
    let text = stage.run(&["slo"]).with(0).out;
    assert!(
        text.starts_with("STATE") && text.contains("checkout-availability"),
        "{text}"
    );
    let text = stage
        .run(&["silences", "--expiring", "1m", "--json"])
        .with(0)
        .json();
    assert_eq!(text["silences"].as_array().map(Vec::len), Some(0));
    stage
        .run(&["silences", "--unused", "--expired"])
        .refused(2, "give one of them");

    stage.run(&["alerts", "--fail-on", "firing"]).with(10);
    stage
        .run(&[
            "alerts",
            "--fail-on",
            "firing",
            "--filter",
            "alertname=NoSuchAlert",
        ])
        .with(0);
}

#[test]
fn traces_are_told_as_a_list_a_waterfall_a_document_and_otlp() {
    let stage = Stage::open();
    let list = stage
        .run(&["traces", "--errors", "--since", "30m", "--limit", "5", "--json"])
        .with(0)
        .json();
    fits(&list, &HEAD);
    let traces = list["traces"].as_array().expect("a list");
    assert!((1..=5).contains(&traces.len()), "{list:#}");
    for trace in traces {
        fits(
            trace,
            &[
                ("trace_id", Holds::Text),
                ("service", Holds::TextOrNull),
                ("operation", Holds::TextOrNull),
                ("start", Holds::Time),
                ("duration_seconds", Holds::Number),
                ("span_count", Holds::NumberOrNull),
                ("error_count", Holds::NumberOrNull),
                ("services", Holds::List),
            ],
        );
        assert_ne!(trace["error_count"], 0, "{trace:#}");
    }
    let starts: Vec<&str> = traces
        .iter()
        .filter_map(|trace| trace["start"].as_str())
        .collect();
    assert!(starts.is_sorted_by(|a, b| a >= b), "newest first: {starts:?}");
    let id = traces[0]["trace_id"].as_str().expect("text");
    assert!(
        id.len() == 32
            && id
                .chars()
                .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
    );

    let trace = stage.run(&["trace", id, "--json"]).with(0).json();
    fits(&trace, &HEAD);
    fits(
        &trace,
        &[
            ("trace_id", Holds::Text),
            ("root", Holds::Table),
            ("start", Holds::Time),
            ("duration_seconds", Holds::Number),
            ("span_count", Holds::Number),
            ("error_count", Holds::Number),
            ("service_count", Holds::Number),
            ("critical_path", Holds::List),
            ("bottlenecks", Holds::List),
            ("root_cause", Holds::Table),
            ("summary", Holds::Text),
            ("spans", Holds::List),
        ],
    );
    fits(
        &trace["root_cause"],
        &[
            ("span_id", Holds::Text),
            ("service", Holds::Text),
            ("operation", Holds::Text),
            ("message", Holds::TextOrNull),
        ],
    );
    let path = trace["critical_path"].as_array().expect("a list");
    let sum: f64 = path
        .iter()
        .filter_map(|section| section["section_seconds"].as_f64())
        .sum();
    let whole = trace["duration_seconds"].as_f64().expect("a number");
    assert!((sum - whole).abs() < 1e-6, "{sum} of {whole}");
    let spans = trace["spans"].as_array().expect("a list");
    assert_eq!(Some(spans.len() as u64), trace["span_count"].as_u64());
    for span in spans {
        fits(
            span,
            &[
                ("span_id", Holds::Text),
                ("parent_id", Holds::TextOrNull),
                ("service", Holds::Text),
                ("operation", Holds::Text),
                ("kind", Holds::Text),
                ("start", Holds::Time),
                ("offset_seconds", Holds::Number),
                ("duration_seconds", Holds::Number),
                ("self_seconds", Holds::Number),
                ("depth", Holds::Number),
                ("status", Holds::Text),
                ("skew_offset_seconds", Holds::Number),
                ("attributes", Holds::Table),
                ("events", Holds::List),
                ("links", Holds::List),
                ("warnings", Holds::List),
            ],
        );
    }

    let text = stage.run(&["trace", &id.to_ascii_uppercase()]).with(0).out;
    let summary = trace["summary"].as_str().expect("text");
    assert!(text.starts_with(summary) && text.contains(id), "{text}");
    let rows: Vec<&str> = text.lines().skip(3).collect();
    assert_eq!(rows.len(), spans.len(), "{text}");
    assert!(
        rows.iter().any(|row| row.starts_with('!')),
        "a failure is marked: {text}"
    );
    assert!(rows.iter().all(|row| midwatch::text::width(row) == 80), "{text}");
    let short = stage
        .run(&["trace", id, "--critical-path", "--ascii"])
        .with(0)
        .out;
    assert!(
        short.is_ascii() && short.lines().count() <= text.lines().count(),
        "{short}"
    );

    let otlp = stage.run(&["trace", id, "--format", "otlp"]).with(0);
    let reading = midwatch::backend::traces::otlp::read(otlp.out.into_bytes());
    assert_eq!(reading.traces.len(), 1);
    assert_eq!((reading.traces[0].len(), reading.lost.len()), (spans.len(), 0));
    assert_eq!(reading.traces[0].id().to_string(), id);

    stage
        .run(&["trace", "0badc0de"])
        .refused(4, "asked for whole ids");
    let absent = "f".repeat(32);
    stage.run(&["trace", &absent]).refused(4, "not sampled");
    let missing = stage.run(&["trace", "0badc0de", "--json"]).with(4);
    let said = &missing.json()["errors"][0]["message"];
    assert!(
        said.as_str().is_some_and(|said| said.contains("not found")),
        "{said}"
    );
    stage.run(&["trace", "no-id"]).refused(2, "hex digits");
    stage.run(&["traces", "dur>fast"]).refused(2, "column 1");
    stage.run(&["traces", "{ status = error }"]).with(4);
    let slow = stage
        .run(&["traces", "--min-duration", "10m", "--service", "checkout"])
        .with(0)
        .out;
    assert!(
        slow.starts_with("no traces from 20") && slow.trim_end().ends_with('Z'),
        "{slow}"
    );
    let listed = stage.run(&["traces", "--limit", "3"]).with(0).out;
    assert!(
        listed.starts_with("START") && listed.lines().count() <= 4,
        "{listed}"
    );
}

#[test]
fn a_taken_alert_says_who_has_it_until_it_is_handed_back() {
    let stage = Stage::open();
    let firing = stage.alerts(&["--filter", "@state=active"]);
    let id = firing[0]["id"].as_str().expect("text").to_owned();

    let document = stage
        .run(&["ack", &id[..8], "--comment", "looking", "--json"])
        .with(0)
        .json();
    fits(&document, &HEAD);
    let result = &document["results"][0];
    fits(
        result,
        &[
            ("target", Holds::Text),
            ("ok", Holds::Flag),
            ("state", Holds::Text),
            ("outbox_id", Holds::TextOrNull),
            ("remote_ids", Holds::Table),
            ("message", Holds::Text),
        ],
    );
    assert_eq!(
        (&result["target"], &result["state"]),
        (&Value::from(&*id), &"confirmed".into())
    );
    let warning = document["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("ends by itself after 15m"), "{warning}");

    let taken = stage.alert(&id);
    assert_eq!(
        (&taken["acknowledged_by"], &taken["state"]),
        (&"jun@example.com".into(), &"suppressed".into())
    );
    let remote: Vec<&Value> = result["remote_ids"]
        .as_object()
        .expect("a table")
        .values()
        .collect();
    assert_eq!(remote.len(), 1, "one write for one cluster");
    let silences = stage.silences(&[]);
    let silence = silences
        .iter()
        .find(|one| &one["id"] == remote[0])
        .expect("listed");
    fits(
        silence,
        &[
            ("id", Holds::Text),
            ("source", Holds::Text),
            ("state", Holds::Text),
            ("matchers", Holds::List),
            ("created_by", Holds::Text),
            ("comment", Holds::Text),
            ("starts_at", Holds::Time),
            ("ends_at", Holds::Time),
            ("matches", Holds::Number),
            ("is_ack", Holds::Flag),
        ],
    );
    assert_eq!(silence["is_ack"], true);

    // Somebody has it: refused, and said who.
    let again = stage.run(&["ack", &id]).with(4);
    assert!(
        again.out.contains("is acknowledged by jun@example.com"),
        "{}",
        again.out
    );

    let back = stage.run(&["unack", &id]).with(0);
    let first = silence["id"].as_str().expect("text");
    assert!(back.out.starts_with(first), "the remote id first: {}", back.out);
    let free = stage.alert(&id);
    assert_eq!(
        (&free["acknowledged_by"], &free["state"]),
        (&Value::Null, &"active".into())
    );

    for (wrong, words) in [
        ("#12", "no incident that is known here"),
        ("local-1", "no incident that is known here"),
        ("abc", "too short"),
        ("0000000000000000", "not found"),
    ] {
        stage.run(&["ack", &id, wrong]).refused(2, words);
    }
    assert_eq!(stage.alert(&id)["acknowledged_by"], Value::Null, "all or nothing");
    stage
        .run(&["ack", &id, "--read-only"])
        .refused(6, "read-only: nothing was done");
    stage
        .run(&["ack", &id, "--confirm", "other"])
        .refused(2, "the context is demo");
}

#[test]
fn a_silence_passes_every_guard_or_is_not_made() {
    let stage = Stage::open();
    let firing = stage.alerts(&["--filter", "@state=active"]);
    let name = firing[0]["name"].as_str().expect("text");
    let matcher = format!("alertname={name}");
    // Its whole label set, as a script would quote it: this one alert and no other.
    let labels = firing[0]["labels"].as_object().expect("a table").iter();
    let whole: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
    let whole: Vec<&str> = whole.iter().map(String::as_str).collect();
    let silence =
        |more: &[&str]| stage.run(&[&["silence", "--for", "2h", "--comment", "deploy"], more].concat());

    let before = stage.silences(&["--expired"]);
    silence(&["alertname=Watchdog"]).refused(2, "a dead pipeline would go unnoticed");
    silence(&["alertname!=NoSuchAlert"]).refused(2, "would hide everything");
    silence(&["alertname=~.+", "nosuchlabel!=x"]).refused(2, "without the label nosuchlabel");
    silence(&["alertname=~\".+\""]).refused(2, "--confirm-count");
    silence(&["alertname=~\".+\"", "--confirm-count", "9999"]).refused(2, "look again");
    silence(&[&matcher, "--source", "nowhere"]).refused(2, "no such Alertmanager");
    stage
        .run(&["silence", &matcher, "--for", "25h", "--comment", "deploy"])
        .refused(2, "silence_max");
    stage
        .run(&["silence", &matcher, "--for", "2h", "--comment", " "])
        .refused(2, "say why");
    let dangerous =
        stage.changed(|text| text.replace("[contexts.demo]\n", "[contexts.demo]\ndanger = true\n"));
    let ready = ["silence", "job=nothing", "--for", "2h", "--comment", "deploy"];
    stage.run_on(&dangerous, &ready).refused(2, "--confirm demo");
    assert_eq!(stage.silences(&["--expired"]), before, "nothing was made");
    stage
        .run_on(&dangerous, &[&ready[..], &["--confirm", "demo"]].concat())
        .with(0);

    let confirmed = [&whole[..], &["--confirm-count", "1", "--json"]].concat();
    let done = silence(&confirmed).with(0).json();
    let result = &done["results"][0];
    assert_eq!(result["ok"], true, "{done:#}");
    let message = result["message"].as_str().expect("text");
    assert!(
        message.contains("hides") && message.contains("silenced until"),
        "{message}"
    );
    let id = result["remote_ids"]
        .as_object()
        .expect("a table")
        .values()
        .next()
        .expect("an id");
    let id = id.as_str().expect("text");
    let hidden = stage.alert(firing[0]["id"].as_str().expect("text"));
    assert_eq!(hidden["silenced_by"], Value::from(vec![id]));
    assert_eq!(
        hidden["acknowledged_by"],
        Value::Null,
        "a silence is no acknowledgement"
    );
    let unused = stage.silences(&["--unused"]);
    assert!(
        unused.iter().any(|one| one["matchers"][0]["value"] == "nothing"),
        "{unused:#?}"
    );
    assert!(unused.iter().all(|one| one["id"] != id), "{unused:#?}");

    stage.run(&["unsilence", "ffffffff-0000"]).refused(2, "not found");
    let ended = stage.run(&["unsilence", &id[..12], "--source", "eu-1"]).with(0);
    assert!(ended.out.contains("expired"), "{}", ended.out);
    let free = stage.alert(firing[0]["id"].as_str().expect("text"));
    assert_eq!(free["state"], "active");
    let standing = stage.run(&["silences"]).with(0).out;
    assert!(!standing.contains(id), "{standing}");
    let all = stage.run(&["silences", "--expired"]).with(0).out;
    assert!(all.contains(id), "{all}");
}

#[test]
fn what_does_not_answer_is_an_error_and_the_rest_is_still_said() {
    let stage = Stage::open();
    let dead = |text: String, url: &str| text.replace(url, "http://127.0.0.1:1");
    let endpoints = &stage.announcement.endpoints;

    let one = stage.changed(|text| dead(text, &endpoints.alertmanagers["eu-1"]));
    let alerts = stage.run_on(&one, &["alerts", "--json"]).with(4).json();
    assert_eq!(alerts["errors"][0]["backend"], "alertmanager eu-1");
    assert!(
        !alerts["groups"].as_array().expect("a list").is_empty(),
        "what eu-0 has"
    );
    let text = stage.run_on(&one, &["alerts"]).with(4);
    assert!(text.said.contains("error: alertmanager eu-1"), "{}", text.said);
    let id = stage.alerts(&["--filter", "@state=active"])[0]["id"].clone();
    let acked = stage
        .run_on(&one, &["ack", id.as_str().expect("text"), "--json"])
        .with(0)
        .json();
    assert_eq!(
        acked["errors"][0]["backend"], "alertmanager eu-1",
        "done through the other member"
    );

    let none = stage.changed(|text| {
        let text = dead(text, &endpoints.alertmanagers["eu-0"]);
        dead(dead(text, &endpoints.alertmanagers["eu-1"]), &endpoints.metrics)
    });
    let slo = stage
        .run_on(&none, &["slo", "--json", "--fail-on", "ticket"])
        .with(4)
        .json();
    assert_eq!(slo["errors"][0]["backend"], "metrics");
    assert!(
        slo["slos"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|one| one["state"] == "error")
    );
    stage.run_on(&none, &["silences"]).with(4);
    stage
        .run_on(&none, &["ack", "0123456789abcdef"])
        .refused(4, "nothing was done");
    let silence = ["silence", "a=b", "--for", "1h", "--comment", "x"];
    let unseen = stage.run_on(&none, &silence).with(4);
    assert!(unseen.out.contains("not silenced at eu"), "{}", unseen.out);
}

#[test]
fn a_wrong_slo_file_keeps_nobody_out_and_is_an_error_of_the_check() {
    let stage = Stage::open();
    stage.run(&["config", "check"]).with(0);
    let slos = stage.announcement.config.with_file_name("slos");
    std::fs::write(
        slos.join("bad.yaml"),
        "slos:\n- {name: broken, objective: 99.9}\n",
    )
    .expect("written");
    let check = stage.run(&["config", "check"]).with(3);
    assert!(
        check.said.contains("slos/bad.yaml") && check.said.contains("broken"),
        "{}",
        check.said
    );
    let slo = stage.run(&["slo", "--json"]).with(0).json();
    let warnings = slo["warnings"].to_string();
    assert!(warnings.contains("slos/bad.yaml"), "{warnings}");

    let wrong = stage.changed(|text| text.replace("watchdog = '", "watchdog = '=~"));
    stage
        .run_on(&wrong, &["alerts"])
        .refused(3, "contexts.demo.watchdog");
    let bare = stage.changed(|text| text.split("[[contexts").next().unwrap_or_default().to_owned());
    stage
        .run_on(&bare, &["alerts"])
        .refused(3, "[[contexts.demo.alertmanagers]]");
}

#[test]
fn keys_and_themes_need_no_configuration_and_check_what_is_asked_for() {
    let home = tempfile::tempdir().expect("a home");
    let run = |arguments: &[&str]| {
        let output = command(home.path(), arguments).output().expect("runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    for line in [vec!["keys"], vec!["keys", "--keymap", "vim"], vec!["themes"]] {
        let (status, out, said) = run(&line);
        assert_eq!((status, said.as_str()), (Some(0), ""), "{line:?}");
        assert!(out.lines().count() > 10, "{out}");
        let (status, out, _) = run(&[&line[..], &["--json"]].concat());
        assert_eq!(status, Some(0));
        let _: Value = serde_json::from_str(&out).expect("JSON");
    }
    for line in [["keys", "--keymap", "emac"], ["themes", "--theme", "ligt"]] {
        let (status, out, said) = run(&line);
        assert_eq!((status, out.as_str()), (Some(3), ""), "{line:?}");
        assert!(said.contains("did you mean"), "{said}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let home = tempfile::tempdir().expect("a home");
    let mut child = command(home.path(), &["keys", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    drop(child.stdout.take());
    let mut said = String::new();
    let mut diagnostics = child.stderr.take().expect("piped");
    diagnostics.read_to_string(&mut said).expect("text");
    assert_eq!((child.wait().expect("ends").code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_log_is_written_where_asked_and_holds_no_secret() {
    let stage = Stage::open();
    let secret = "hunter2-in-the-dark";
    let signed = stage.changed(|text| {
        let metrics = "kind = \"prometheus\"\n";
        text.replace(
            metrics,
            &format!("{metrics}auth = {{ bearer_file = \"token\" }}\n"),
        )
    });
    std::fs::write(stage.home.path().join("token"), secret).expect("written");
    let log = stage.home.path().join("midwatch.log");
    let path = log.to_str().expect("text");
    let ended = stage
        .run_on(&signed, &["alerts", "--json", "-v", "--log-file", path])
        .with(0);
    ended.json();
    let text = std::fs::read_to_string(&log).expect("written");
    assert!(
        text.contains("midwatch begins") && text.contains("api/v1/rules"),
        "{text}"
    );
    assert!(!text.contains(secret) && !text.contains('\u{1b}'), "{text}");
    stage
        .run(&["alerts", "--log-file", "/nowhere/midwatch.log"])
        .refused(2, "--log-file /nowhere/midwatch.log");
}

#[test]
fn the_shift_is_told_and_handed_over() {
    let stage = Stage::open();
    let document = stage.run(&["timeline", "--json"]).with(0).json();
    assert_eq!(
        (&document["context"], &document["incident"]),
        (&"demo".into(), &Value::Null)
    );
    let events = document["events"].as_array().expect("events");
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert!(of("alert_fired") > 0 && of("silence") > 0, "{document}");
    let times: Vec<DateTime<chrono::Utc>> = events
        .iter()
        .map(|event| event["at"].as_str().expect("a time").parse().expect("RFC 3339"))
        .collect();
    assert!(times.is_sorted(), "oldest first");
    let handed = stage.run(&["handoff", "--since", "8h"]).with(0);
    assert!(handed.out.lines().count() <= 60, "{}", handed.out);
    for section in [
        "# Hand-over: demo",
        "## Firing, nobody has it",
        "## Budgets",
        "## Silences made",
    ] {
        assert!(handed.out.contains(section), "{section}: {}", handed.out);
    }
    assert!(
        handed.out.contains("checkout-availability page, spent "),
        "{}",
        handed.out
    );
    stage
        .run(&["timeline", "local-999"])
        .refused(2, "local-999 not found");
    stage.run(&["postmortem", "Q1"]).refused(2, "too short");
}
