//! Acts on incidents of a PagerDuty that does not answer: kept by the id given, delivered when it does.

use std::io::Write as _;

use midwatch::journal::{Journal, Opening, drafts};
use serde_json::Value;

use super::*;

/// The shop with PagerDuty cut off, and one incident that nobody has.
struct CutOff {
    stage: Stage,
    config: PathBuf,
    id: String,
}

impl CutOff {
    fn open() -> Self {
        let stage = Stage::open();
        let url = stage.announcement.endpoints.pagerduty.clone();
        let config = stage.changed(|text| {
            assert!(text.contains(&url), "{text}");
            let key = stage.announcement.config.with_file_name("pagerduty.key");
            let text = text.replace("\"pagerduty.key\"", &format!("{:?}", key.display().to_string()));
            text.replace(&url, "http://127.0.0.1:1")
        });
        let listed = stage.run(&["incidents", "--json"]).with(0).json();
        let incidents = listed["incidents"].as_array().expect("a list");
        let untaken = incidents
            .iter()
            .find(|one| one["status"] == "triggered" && one["urgency"] == "high");
        let id = untaken.expect("nobody has it")["id"]
            .as_str()
            .expect("text")
            .to_owned();
        Self { stage, config, id }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.stage.run_on(&self.config, arguments)
    }

    fn incident(&self) -> Value {
        let listed = self
            .stage
            .run(&["incidents", "--since", "1h", "--json"])
            .with(0)
            .json();
        let incidents = listed["incidents"].as_array().expect("a list");
        let ours = incidents.iter().find(|one| one["id"] == *self.id);
        ours.expect("listed").clone()
    }

    fn entries(&self) -> Vec<Value> {
        let listed = self.run(&["outbox", "--json"]).with(0).json();
        listed["entries"].as_array().expect("a list").clone()
    }

    /// What the next console opens with.
    fn drafts(&self) -> Vec<(Option<String>, String)> {
        let config = std::fs::read_to_string(&self.stage.announcement.config).expect("there");
        let state = config.lines().find_map(|line| line.strip_prefix("state_dir = "));
        let state = PathBuf::from(state.expect("configured").trim_matches('"'));
        let journal = Journal::open(&Opening::private(state.join("midwatch.db"))).expect("opens");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let held = runtime.block_on(journal.read(|tx| drafts::load(tx, "jun@example.com", "demo")));
        let held = held.expect("reads").into_iter();
        held.map(|draft| (draft.key.incident, draft.text)).collect()
    }

    /// What its keeper tells of it, as `kind text`.
    fn story(&self, kind: &str) -> Vec<String> {
        let told = self.stage.run(&["timeline", &self.id, "--json"]).with(0).json();
        let events = told["events"].as_array().expect("a list");
        let of = events.iter().filter(|event| event["kind"] == kind);
        of.map(|event| event["text"].as_str().expect("text").to_owned())
            .collect()
    }
}

#[test]
fn what_is_asked_of_an_incident_while_its_keeper_is_silent_is_kept_and_delivered_later() {
    let cut = CutOff::open();
    let note = cut
        .run(&["annotate", &cut.id, "pool is dry", "--wait", "1s", "--json"])
        .with(5)
        .json();
    let result = &note["results"][0];
    assert_eq!(
        (&result["state"], &result["ok"]),
        (&"pending".into(), &false.into())
    );
    let warned = note["warnings"][0].as_str().expect("a warning");
    assert!(
        warned.contains("could not be looked up") && warned.contains("kept by this id"),
        "{warned}"
    );
    let acked = cut.run(&["ack", &cut.id.to_lowercase(), "--wait", "1s"]).with(5);
    assert!(
        acked.out.contains(&cut.id)
            && acked.out.contains("journaled")
            && acked.said.contains("kept by this id"),
        "{}{}",
        acked.out,
        acked.said
    );
    let kept: Vec<_> = cut
        .entries()
        .iter()
        .map(|entry| entry["target"].clone())
        .collect();
    assert_eq!(kept, [cut.id.as_str(), cut.id.as_str()]);
    assert_eq!(cut.incident()["status"], "triggered", "nothing was sent");

    let sent = cut.stage.run(&["outbox", "retry"]).with(0);
    assert_eq!(sent.out.lines().count(), 2, "{}", sent.out);
    assert_eq!(cut.incident()["status"], "acknowledged");
    let notes = cut.story("note");
    assert_eq!(
        notes.iter().filter(|text| text.contains("pool is dry")).count(),
        1,
        "{notes:?}"
    );
    assert!(cut.entries().is_empty());
}

#[test]
fn an_escalation_that_is_kept_says_that_nobody_was_woken_and_needs_its_level() {
    let cut = CutOff::open();
    cut.run(&["escalate", &cut.id, "--confirm", "demo", "--wait", "1s"])
        .refused(4, "say which to wake with --to");
    assert!(cut.entries().is_empty());
    let above = cut.incident()["escalation_level"].as_u64().expect("known") + 1;
    let kept = cut
        .run(&[
            "escalate",
            &cut.id,
            "--to",
            &above.to_string(),
            "--confirm",
            "demo",
            "--wait",
            "1s",
        ])
        .with(5);
    assert!(kept.said.contains("nobody has been woken"), "{}", kept.said);
    let sent = cut.stage.run(&["outbox", "retry", "--json"]).with(0).json();
    assert_eq!(sent["results"][0]["state"], "confirmed", "{sent}");
    assert_eq!(cut.incident()["escalation_level"], above);
}

#[test]
fn whom_an_escalation_pages_again_is_said() {
    let cut = CutOff::open();
    let level = cut.incident()["escalation_level"].as_u64().expect("known");
    let again = [
        "escalate",
        &cut.id,
        "--to",
        &level.to_string(),
        "--confirm",
        "demo",
    ];
    let ended = cut.stage.run(&again);
    assert!(
        ended.said.contains("warning: ") && ended.said.contains(" again"),
        "{}{}",
        ended.out,
        ended.said
    );
}

#[test]
fn what_changed_before_it_could_be_looked_at_asks() {
    let cut = CutOff::open();
    cut.run(&["ack", &cut.id, "--wait", "1s"]).with(5);
    // From another desk: one journal would send what is kept there first.
    let elsewhere = tempfile::tempdir().expect("a home");
    let config = std::fs::read_to_string(&cut.stage.announcement.config).expect("there");
    let mine = config
        .lines()
        .find(|line| line.starts_with("state_dir = "))
        .expect("configured");
    let key = cut.stage.announcement.config.with_file_name("pagerduty.key");
    let text = config
        .replace(
            mine,
            &format!("state_dir = {:?}", elsewhere.path().display().to_string()),
        )
        .replace("\"pagerduty.key\"", &format!("{:?}", key.display().to_string()));
    let theirs = elsewhere.path().join("theirs.toml");
    std::fs::write(&theirs, text.replace("slo_files", "#")).expect("written");
    cut.stage
        .run_on(&theirs, &["resolve", &cut.id, "--confirm", "demo"])
        .with(0);
    cut.stage.run(&["outbox", "retry"]).with(5);
    assert_eq!(cut.incident()["status"], "resolved", "it is not opened again");
    let states: Vec<_> = cut.entries().iter().map(|entry| entry["state"].clone()).collect();
    assert_eq!(states, ["needs_decision"]);
}

#[test]
fn an_id_that_nobody_has_fails_once_that_is_known_and_its_words_are_a_draft() {
    let cut = CutOff::open();
    let unknown = "QZZZZZZZZZZZZZ";
    cut.stage
        .run(&["annotate", unknown, "pool is dry"])
        .refused_with(2, &["not found", "pool is dry"]);
    cut.run(&["annotate", unknown, "pool is dry", "--wait", "1s"])
        .with(5);
    let failed = cut.stage.run(&["outbox", "retry", "--json"]).with(4).json();
    assert_eq!(failed["results"][0]["state"], "failed");
    assert!(cut.entries().is_empty());
    let held = cut.drafts();
    assert_eq!(held, [(Some(unknown.to_owned()), "pool is dry".to_owned())]);
}

#[test]
fn what_cannot_be_kept_by_its_id_is_said_and_the_words_are_handed_back() {
    let cut = CutOff::open();
    // A number is its keeper's to look up.
    cut.run(&["annotate", "#812", "pool is\ndry"])
        .refused_with(4, &["its whole id would be kept", "  pool is", "  dry"]);
    // The keeper is asked for the one and for all, and fails of one cause.
    let said = cut.run(&["ack", "zzz"]).with(4).said;
    assert_eq!(said.matches("incidents: ").count(), 1, "{said}");
    assert!(
        said.contains(". Whether there is an alert or an incident zzz is not known, and nothing was done"),
        "{said}"
    );
    for act in [
        &["page", &cut.id, "--user", "mara"][..],
        &["priority", &cut.id, "P1"],
        &["unack", &cut.id],
    ] {
        let arguments = [act, &["--confirm", "demo", "--wait", "1s"]].concat();
        cut.run(&arguments).refused(4, "nothing was done");
    }
    assert!(cut.entries().is_empty());
}

#[test]
fn a_text_that_is_too_long_is_sent_nowhere_and_kept_as_a_draft() {
    let cut = CutOff::open();
    let long = "é".repeat(30_000);
    let mut child = command(cut.stage.home.path(), &["annotate", &cut.id, "-", "--wait", "5s"])
        .arg("--config")
        .arg(&cut.stage.announcement.config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(long.as_bytes()).expect("written");
    drop(input);
    let ended = child.wait_with_output().expect("ends");
    let said = String::from_utf8(ended.stderr).expect("text");
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(
        said.contains("30000 characters") && said.contains("24900") && said.contains("draft"),
        "{said}"
    );
    assert!(cut.entries().is_empty());
    assert_eq!(cut.drafts(), [(Some(cut.id.clone()), long)]);
}
