//! `midwatch outbox`: the built binary on a journal that holds acts of two people, before a backend that is down.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use midwatch::backend::incidents::Seen;
use midwatch::domain::incident::local::{Change, Missed};
use midwatch::domain::incident::{IncidentAct, IncidentId, Status};
use midwatch::journal::outbox::{self, Author};
use midwatch::journal::{Journal, Opening, incidents};
use midwatch::outbox::{Draft, Payload};
use midwatch::time::{BootId, Clock, Stamp};
use serde_json::Value;

struct Home(tempfile::TempDir);

impl Home {
    /// Three acts: a note of ours, an escalation of ours that is an hour old, and a note of Mara's.
    async fn with_acts() -> Self {
        let home = Self(tempfile::tempdir().expect("a home"));
        let config = format!(
            "state_dir = \"{}\"\nidentity = \"jun@example.com\"\n[contexts.shop.incidents]\nkind = \"pagerduty\"\n\
             url = \"http://127.0.0.1:1\"\nfrom = \"jun@example.com\"\nauth = {{ token_env = \"TOKEN\" }}\n\
             timeout = \"1s\"\n",
            home.path().join("state").display()
        );
        std::fs::write(home.path().join("config.toml"), config).expect("writes");
        let opening = Opening::private(home.path().join("state/midwatch.db"));
        let journal = Journal::open(&opening).expect("opens");
        let now = Clock::start().stamp();
        let earlier = Stamp {
            utc: now.utc - TimeDelta::hours(1),
            boot: BootId(now.boot.0 ^ 1),
            boot_ms: 0,
        };
        journal
            .write(move |tx| {
                outbox::insert(
                    tx,
                    &author("jun@example.com"),
                    &[note("the pool is \u{1b}[31mdry")],
                    &now,
                )?;
                let old = act("QHMY475UUR5KR9", IncidentAct::Escalate { to: 2 });
                outbox::insert(tx, &author("jun@example.com"), &[old], &earlier)?;
                outbox::insert(tx, &author("mara@example.com"), &[note("hers")], &now)?;
                Ok(())
            })
            .await
            .expect("journaled");
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], status: i32) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_midwatch"))
            .env_clear()
            .env("HOME", self.path())
            .env("TOKEN", "u+secret")
            .stdin(Stdio::null())
            .arg("--config")
            .arg(self.path().join("config.toml"))
            .args(arguments)
            .output()
            .expect("runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let (out, said) = (text(output.stdout), text(output.stderr));
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}:\n{out}\n{said}"
        );
        assert!(!out.contains('\u{1b}') && !said.contains("secret"), "{out}{said}");
        format!("{out}{said}")
    }

    fn entries(&self) -> Vec<Value> {
        let listed = self.run(&["outbox", "--json"], 0);
        let document: Value = serde_json::from_str(&listed).expect("one document");
        assert_eq!(document["context"], "shop");
        document["entries"].as_array().expect("a list").clone()
    }
}

fn author(actor: &str) -> Author {
    Author {
        context: "shop".into(),
        actor: actor.into(),
    }
}

fn act(incident: &str, act: IncidentAct) -> Draft {
    let payload = Payload::Incident {
        incident: IncidentId::from(incident),
        act,
        seen: Seen {
            status: Status::Triggered,
            changed_at: DateTime::UNIX_EPOCH,
            escalation: None,
        },
        label: "#4711 checkout errors".into(),
    };
    Draft::new(payload, Duration::ZERO)
}

fn note(text: &str) -> Draft {
    act(
        "QHMY475UUR5KR8",
        IncidentAct::Note {
            text: text.to_owned(),
        },
    )
}

fn states(entries: &[Value]) -> Vec<String> {
    entries
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().expect("text");
            format!("{} {} {}", text("actor"), text("action"), text("state"))
        })
        .collect()
}

#[tokio::test]
async fn what_waits_is_listed_as_a_table_and_as_the_document_of_the_contract() {
    let home = Home::with_acts().await;
    let table = home.run(&["outbox", "list"], 0);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(
        table.contains("mara@example.com") && table.contains("pending"),
        "{table}"
    );
    let entries = home.entries();
    let fields = [
        "action",
        "actor",
        "attempts",
        "context",
        "created_at",
        "id",
        "last_error",
        "next_attempt_at",
        "state",
        "target",
    ];
    for entry in &entries {
        let names: Vec<&str> = entry
            .as_object()
            .expect("a table")
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(names, fields);
        assert_eq!(entry["attempts"], 0);
    }
    assert_eq!(
        states(&entries),
        [
            "jun@example.com note pending",
            "jun@example.com escalate pending",
            "mara@example.com note pending",
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_delivered_waits_or_asks_and_nobody_sends_what_is_somebody_elses() {
    let home = Home::with_acts().await;
    home.run(&["outbox", "retry", "--wait", "5s"], 5);
    let entries = home.entries();
    assert_eq!(
        states(&entries),
        [
            "jun@example.com note pending",
            "jun@example.com escalate needs_decision",
            "mara@example.com note pending",
        ]
    );
    assert!(
        entries[0]["last_error"].is_string(),
        "why it waits: {}",
        entries[0]
    );
    assert!(entries[0]["next_attempt_at"].is_string(), "{}", entries[0]);
    assert_eq!(entries[2]["attempts"], 0);

    // Decided, it is tried, and waits for its backend like anything else.
    let id = entries[1]["id"].as_str().expect("an id");
    home.run(&["outbox", "send", id, "--wait", "1s"], 5);
    assert_eq!(home.entries()[1]["state"], "pending");
    let hers = entries[2]["id"].as_str().expect("an id");
    let refused = home.run(&["outbox", "send", hers, "--wait", "1s"], 2);
    assert!(refused.contains("nothing was done"), "{refused}");
}

#[tokio::test]
async fn what_is_dropped_is_over_and_what_is_not_there_is_said() {
    let home = Home::with_acts().await;
    let first = home.entries()[0]["id"].as_str().expect("an id").to_owned();
    let said = home.run(&["outbox", "drop", &first], 0);
    assert!(said.contains(&first), "{said}");
    assert_eq!(home.entries().len(), 2);
    let again = home.run(&["outbox", "drop", &first], 2);
    assert!(again.contains("nothing was done"), "{again}");
    home.run(&["outbox", "send", "4711"], 2);
    // Read-only refuses before the journal.
    home.run(&["--read-only", "outbox", "drop", "2"], 6);
    assert_eq!(home.entries().len(), 2);
    let audit = home.run(&["audit", "--json"], 0);
    assert!(audit.contains("cancelled"), "{audit}");
    home.run(&["audit", "verify"], 0);
}

#[tokio::test]
async fn a_missed_level_is_left_asleep_once_and_wakes_nobody() {
    let home = Home::with_acts().await;
    home.run(&["declare", "--title", "orders fail", "--severity", "SEV2"], 0);
    home.run(&["escalate", "local-1", "--leave", "--to", "2"], 2);
    let said = home.run(&["escalate", "local-1", "--leave"], 2);
    assert!(said.contains("no level of it waits"), "{said}");
    let journal = Journal::open(&Opening::private(home.path().join("state/midwatch.db"))).expect("opens");
    let now = Clock::start().now().utc;
    journal
        .write(move |tx| {
            let mut incident = incidents::find(tx, "shop", 1)?.expect("declared");
            incident.missed = Some(Missed { level: 2, due: now });
            incidents::keep(tx, "shop", &incident, &Change::default(), now)
        })
        .await
        .expect("kept");
    drop(journal);
    let said = home.run(&["escalate", "local-1", "--leave"], 0);
    assert!(said.contains("left level 2 asleep"), "{said}");
    home.run(&["escalate", "local-1", "--leave"], 2);
    let audit = home.run(&["audit"], 0);
    assert!(
        audit.contains("leave") && audit.contains("missed level 2"),
        "{audit}"
    );
}
