//! `midwatch audit`: the built binary on a log that the library wrote, sound and tampered with.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use midwatch::journal::audit::{self, Act};
use midwatch::journal::{Journal, Opening};
use midwatch::time::Clock;
use serde_json::Value;

struct Home {
    directory: tempfile::TempDir,
    opening: Opening,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a home");
        let state = directory.path().join(".local/state/midwatch");
        Self {
            opening: Opening::private(state.join("midwatch.db")),
            directory,
        }
    }

    /// One act an hour, the last one now.
    async fn with_acts(count: i64) -> Self {
        let home = Self::new();
        let journal = Journal::open(&home.opening).expect("opens");
        let now = Clock::start().now().utc;
        for number in 0..count {
            let act = act(number, now - TimeDelta::hours(count - 1 - number));
            let recorded = journal.write(move |tx| audit::record(tx, &act)).await;
            recorded.expect("recorded");
        }
        home
    }

    fn log(&self) -> PathBuf {
        self.opening.audit_path()
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_midwatch"))
            .env_clear()
            .env("HOME", self.directory.path())
            .stdin(Stdio::null())
            .args(arguments)
            .output()
            .expect("runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let status = output.status.code().expect("no signal");
        (status, text(output.stdout), text(output.stderr))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (_, out, said) = self.run(arguments);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{said}"))
    }
}

fn act(number: i64, at: DateTime<Utc>) -> Act {
    Act {
        at,
        actor: "jun@example.com".to_owned(),
        action: "silence".to_owned(),
        target: format!("alertname=\"High{number}\""),
        context: if number % 2 == 0 { "prod" } else { "staging" }.to_owned(),
        why: "a \u{1b}[31mnote".to_owned(),
        result: "confirmed".to_owned(),
    }
}

#[tokio::test]
async fn the_log_is_listed_without_a_configuration_or_a_backend() {
    let home = Home::with_acts(4).await;
    let (status, out, said) = home.run(&["audit"]);
    assert_eq!(status, 0, "{said}");
    assert!(
        out.contains("WHO") && out.contains("High3") && !out.contains('\u{1b}'),
        "{out}"
    );
    let document = home.json(&["audit", "--json"]);
    let entries = document["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0]["seq"], 1, "oldest first");
    assert!(entries[0]["host"].is_string() && entries[0]["pid"].is_u64());
    assert_eq!(entries[0]["why"], "a \u{1b}[31mnote");
    let seqs = |arguments: &[&str]| -> Vec<i64> {
        let document = home.json(&[&["audit", "--json"], arguments].concat());
        let entries = document["entries"].as_array().expect("entries").clone();
        entries
            .iter()
            .map(|entry| entry["seq"].as_i64().expect("a number"))
            .collect()
    };
    assert_eq!(seqs(&["--since", "90m"]), [3, 4]);
    assert_eq!(seqs(&["--limit", "1"]), [4]);
    assert_eq!(seqs(&["--context", "prod"]), [1, 3]);
}

#[test]
fn nothing_done_yet_is_no_error() {
    let home = Home::new();
    assert_eq!(home.run(&["audit"]).0, 0);
    let (status, out, said) = home.run(&["audit", "verify"]);
    assert_eq!(status, 0, "{out}{said}");
    assert!(!home.opening.path.exists(), "a read makes nothing");
}

#[tokio::test]
async fn a_sound_log_verifies_and_says_what_cannot_be_known() {
    let home = Home::with_acts(3).await;
    let (status, out, said) = home.run(&["audit", "verify"]);
    assert_eq!(status, 0, "{out}{said}");
    assert!(
        out.contains("3 lines") && out.contains("not detectable here"),
        "{out}"
    );
    assert!(said.contains("audit_forward"), "{said}");
    let document = home.json(&["audit", "verify", "--json"]);
    assert_eq!(
        (&document["whole"], &document["lines"]),
        (&Value::Bool(true), &Value::from(3))
    );
}

#[tokio::test]
async fn tampering_ends_with_1_and_names_file_and_line() {
    let home = Home::with_acts(4).await;
    let sound = std::fs::read_to_string(home.log()).expect("there");
    let lines: Vec<&str> = sound.split_inclusive('\n').collect();
    let cases = [
        (sound.replacen("High2", "High9", 1), "line 3"),
        (lines[..2].concat(), "line 3"),
        ([lines[0], lines[2], lines[1], lines[3]].concat(), "line 2"),
        (lines[1..].concat(), "line 1"),
        (String::new(), "line 1"),
    ];
    for (tampered, named) in cases {
        std::fs::write(home.log(), tampered).expect("written");
        let (status, out, said) = home.run(&["audit", "verify"]);
        assert_eq!(status, 1, "{named}: {out}{said}");
        let first = out.lines().next().unwrap_or_default();
        assert!(
            first.contains("audit.jsonl") && first.contains(named),
            "{named}: {out}"
        );
        assert!(out.contains("not detectable here"), "{out}");
    }
    std::fs::remove_file(home.log()).expect("removed");
    assert_eq!(home.run(&["audit", "verify"]).0, 1, "gone is cut");
}

#[tokio::test]
async fn a_log_that_its_journal_does_not_vouch_for_is_not_called_whole() {
    let home = Home::with_acts(2).await;
    std::fs::write(&home.opening.path, "scribble ".repeat(400)).expect("written");
    let (status, _, said) = home.run(&["audit", "verify"]);
    assert_eq!(status, 1);
    assert!(
        said.contains("no database") && said.contains("would not show"),
        "{said}"
    );
    std::fs::remove_file(&home.opening.path).expect("removed");
    let (status, _, said) = home.run(&["audit", "verify"]);
    assert!(status == 1 && said.contains("there is no journal"), "{said}");
}

#[tokio::test]
async fn what_makes_no_sense_together_is_a_usage_error() {
    let home = Home::with_acts(1).await;
    assert_eq!(home.run(&["audit", "--limit", "1", "verify"]).0, 2);
}
