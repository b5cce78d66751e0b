//! Acknowledgements and silences made by midwatch are what a real Alertmanager then reports.
//!
//! Each test starts its own servers (Debian package `prometheus-alertmanager`) on free loopback ports with
//! their own directories, and ends them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use midwatch::backend::alerts::Alerts;
use midwatch::backend::alerts::alertmanager::Alertmanager;
use midwatch::backend::alerts::cluster::clusters;
use midwatch::backend::alerts::write;
use midwatch::backend::{BackendResult, Backends};
use midwatch::domain::alert::desk::{Arrangement, Desk, Inputs, RulesInput, Settings, SourceInput};
use midwatch::domain::alert::plan::{ack_plan, hand_back_plan};
use midwatch::domain::alert::{
    AckState, Alert, AlertBoard, AlertState, MatchOp, Occurrence, SilenceState, StateChoice, matcher,
};
use midwatch::outbox::post::{Delivered, Post, Poster};
use midwatch::outbox::{Draft, Entry, EntryId, Payload, State, plan};
use midwatch::time::Clock;
use serde_json::{Value, json};

use super::server::{Running, free_port, on_path, or_skipped};

const CONFIG: &str = "\
route:
  receiver: pager
  group_by: [alertname, service]
  group_wait: 1s
  group_interval: 1s
receivers:
- name: pager
inhibit_rules:
- source_matchers: ['alertname=\"ClusterDown\"']
  target_matchers: ['severity=\"warning\"']
";

/// The binary, under either of its names.
pub(super) fn binary() -> Option<PathBuf> {
    let found = on_path(&["prometheus-alertmanager", "alertmanager"], "--version");
    or_skipped(found, "alertmanager (Debian: prometheus-alertmanager)")
}

/// A running Alertmanager; ended when dropped.
pub(super) struct Server {
    running: Running,
    pub(super) url: String,
    gossip: u16,
}

impl Server {
    pub(super) async fn start(binary: &Path, peer: Option<u16>, gossiping: Gossip) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let config = directory.path().join("alertmanager.yml");
        std::fs::write(&config, CONFIG).expect("writes");
        let (web, gossip) = (free_port(), free_port());
        let mut command = Command::new(binary);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.path={}",
                directory.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{web}"));
        match gossiping {
            Gossip::Off => command.arg("--cluster.listen-address="),
            Gossip::On => command
                .arg(format!("--cluster.listen-address=127.0.0.1:{gossip}"))
                .arg("--cluster.gossip-interval=50ms")
                .arg("--cluster.pushpull-interval=1s"),
        };
        if let Some(peer) = peer {
            command.arg(format!("--cluster.peer=127.0.0.1:{peer}"));
        }
        let running = Running::start(command, web, "-/ready", Some(directory)).await;
        Self {
            url: running.url.clone(),
            running,
            gossip,
        }
    }

    /// As Prometheus would: labels, since when, until when.
    pub(super) async fn post(&self, alerts: &[(&Value, DateTime<Utc>, DateTime<Utc>)]) {
        let body: Vec<Value> = alerts
            .iter()
            .map(|(labels, from, to)| {
                json!({"labels": labels, "annotations": {"summary": "made up"}, "startsAt": from, "endsAt": to})
            })
            .collect();
        let answer = reqwest::Client::new()
            .post(format!("{}/api/v2/alerts", self.url))
            .header("content-type", "application/json")
            .body(Value::from(body).to_string())
            .send()
            .await
            .expect("posts");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(format!("{}/api/v2/{path}", self.url))
            .await
            .expect("answers");
        serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
    }

    fn client(&self, name: &str) -> Arc<dyn Alerts> {
        let asker = self.running.client(name, Clock::start());
        Arc::new(Alertmanager::new(name, None, Arc::new(asker)))
    }
}

#[derive(Clone, Copy)]
pub(super) enum Gossip {
    On,
    Off,
}

pub(super) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("within 30 s: {what}");
}

/// What the console would show of these sources now.
async fn board(desk: &mut Desk, clock: &Clock, clients: &[Arc<dyn Alerts>]) -> AlertBoard {
    let mut sources = Vec::new();
    for client in clients {
        let answer = client.snapshot().await;
        sources.push(SourceInput {
            name: Arc::clone(client.name()),
            age: answer.is_ok().then_some(Duration::ZERO),
            failure: answer
                .as_ref()
                .err()
                .map(|e| (e.to_string().into(), Duration::ZERO)),
            snapshot: answer.ok().map(Arc::new),
            interval: Duration::from_secs(15),
        });
    }
    let settings = Settings {
        watchdog: None,
        service_labels: vec!["service".into()],
        identity: "jun@example.com".into(),
    };
    let inputs = Inputs {
        sources,
        rules: RulesInput::NotConfigured,
        settings: Arc::new(settings),
    };
    let question = Arrangement {
        states: StateChoice::All,
        ..Arrangement::default()
    };
    desk.arrange(&inputs, &question, clock.now())
}

fn find(board: &AlertBoard, instance: &str) -> Arc<Alert> {
    let found = board
        .by_fingerprint
        .values()
        .find(|a| a.labels.value("instance") == instance);
    Arc::clone(found.unwrap_or_else(|| panic!("instance {instance} is on the board")))
}

fn occurrences(board: &AlertBoard, instances: &[&str]) -> Vec<Occurrence> {
    instances.iter().map(|i| find(board, i).occurrence).collect()
}

fn order(clock: &Clock, text: &str) -> plan::Order {
    plan::Order {
        identity: "jun@example.com".into(),
        text: text.into(),
        at: clock.now().utc,
        length: Duration::from_secs(900),
        grace: Duration::ZERO,
    }
}

/// Sends these as the outbox does, each once.
async fn send(clients: &[Arc<dyn Alerts>], drafts: Vec<Draft>) -> BackendResult<Vec<Delivered>> {
    let mut backends = Backends::default();
    backends.writable = clients.to_vec();
    let poster = Poster::new(Arc::new(backends));
    let mut delivered = Vec::new();
    for (id, draft) in (1..).zip(drafts) {
        let entry = Entry {
            id: EntryId(id),
            context: "test".into(),
            created_at: Clock::start().now().utc,
            actor: "jun@example.com".into(),
            marker: draft.marker,
            payload: draft.payload,
            state: State::Sending,
            attempts: 1,
            last_error: None,
            next_attempt_at: None,
            outcome: "".into(),
            remote_ids: Vec::new(),
        };
        delivered.push(poster.send(Arc::new(entry)).await?);
    }
    Ok(delivered)
}

fn alert(instance: &str) -> Value {
    json!({"alertname": "HighErrorRate", "service": "checkout", "severity": "critical", "instance": instance})
}

#[tokio::test]
async fn an_acknowledgement_is_what_alertmanager_then_reports() {
    let Some(binary) = binary() else { return };
    let server = Server::start(&binary, None, Gossip::Off).await;
    let client = server.client("am");
    let (clock, mut desk) = (Clock::start(), Desk::new());
    let since = clock.now().utc - TimeDelta::minutes(5);
    let until = since + TimeDelta::hours(1);
    let alerts: Vec<Value> = ["1", "2", "3"].map(alert).to_vec();
    server
        .post(&alerts.iter().map(|a| (a, since, until)).collect::<Vec<_>>())
        .await;
    let clients = [Arc::clone(&client)];

    let mut seen = board(&mut desk, &clock, &clients).await;
    eventually("three alerts are listed", async || {
        seen = board(&mut desk, &clock, &clients).await;
        seen.counts.active == 3
    })
    .await;

    // part of the group: nothing else may be hidden
    let plan = ack_plan(&occurrences(&seen, &["1", "2"]), &seen);
    let drafts = plan::acknowledge(&plan, &seen, &order(&clock, "looking"));
    let done = send(&clients, drafts).await.expect("both arrive");
    assert_eq!(done.len(), 2);
    let reported = server.get("alerts").await;
    for listed in reported.as_array().expect("a list") {
        let instance = listed["labels"]["instance"].as_str().expect("an instance");
        let silenced = listed["status"]["silencedBy"].as_array().map_or(0, Vec::len);
        assert_eq!(silenced, usize::from(instance != "3"), "instance {instance}");
    }
    let silences = server.get("silences").await;
    let comment = silences[0]["comment"].as_str().expect("a comment");
    assert!(
        comment.starts_with("ACK! jun@example.com@midwatch ") && comment.contains("looking [mw:"),
        "{comment}"
    );
    assert_eq!(silences[0]["createdBy"], "jun@example.com");

    seen = board(&mut desk, &clock, &clients).await;
    assert_eq!((seen.counts.active, seen.counts.acknowledged), (1, 2));
    let AckState::Held(ack) = &find(&seen, "1").ack else {
        panic!("held")
    };
    assert_eq!(
        (ack.by.as_ref(), ack.note.as_ref()),
        ("jun@example.com", "looking")
    );

    // it resolves and fires anew: the old acknowledgement hides it, and is not for it
    let later = clock.now().utc;
    server
        .post(&[(&alert("1"), since, later - TimeDelta::milliseconds(1))])
        .await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.post(&[(&alert("1"), clock.now().utc, until)]).await;
    eventually("the re-fire shows as hidden by the acknowledgement", async || {
        seen = board(&mut desk, &clock, &clients).await;
        let alert = find(&seen, "1");
        alert.state == AlertState::Suppressed
            && matches!(&alert.ack, AckState::HiddenBy(a) if &*a.by == "jun@example.com")
    })
    .await;
    assert_eq!((seen.counts.active, seen.counts.acknowledged), (2, 1));

    // handed back, it alerts again
    let plan = hand_back_plan(&occurrences(&seen, &["2"]), &seen, "jun@example.com");
    send(&clients, plan::hand_back(&plan, &seen))
        .await
        .expect("arrives");
    seen = board(&mut desk, &clock, &clients).await;
    assert_eq!(find(&seen, "2").state, AlertState::Active);
    assert_eq!(find(&seen, "2").ack, AckState::None);

    // the whole group: one silence by what it has in common, and a newcomer is not acknowledged by it
    let plan = ack_plan(&occurrences(&seen, &["1", "2", "3"]), &seen);
    let drafts = plan::acknowledge(&plan, &seen, &order(&clock, ""));
    let done = send(&clients, drafts).await.expect("arrives");
    assert_eq!(done.len(), 1, "{plan:?}");
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.post(&[(&alert("9"), clock.now().utc, until)]).await;
    eventually("the newcomer is hidden and nobody's", async || {
        seen = board(&mut desk, &clock, &clients).await;
        let newcomer = seen
            .by_fingerprint
            .values()
            .find(|a| a.labels.value("instance") == "9");
        newcomer.is_some_and(|a| matches!(a.ack, AckState::HiddenBy(_)))
    })
    .await;
    assert!(matches!(find(&seen, "3").ack, AckState::Held(_)));
}

#[tokio::test]
async fn a_silence_is_made_extended_in_place_and_expired() {
    let Some(binary) = binary() else { return };
    let server = Server::start(&binary, None, Gossip::Off).await;
    let clients = [server.client("am")];
    let (clock, mut desk) = (Clock::start(), Desk::new());
    let until = clock.now().utc + TimeDelta::hours(1);
    let odd =
        json!({"alertname": "Odd", "path": "quo\"te\\back{slash}\n", "severity": "warning", "instance": "x"});
    let down = json!({"alertname": "ClusterDown", "instance": "y"});
    server
        .post(&[(&odd, clock.now().utc, until), (&down, clock.now().utc, until)])
        .await;
    let mut seen = board(&mut desk, &clock, &clients).await;
    eventually("both are listed, one inhibited", async || {
        seen = board(&mut desk, &clock, &clients).await;
        seen.by_fingerprint.len() == 2 && !find(&seen, "x").inhibited_by.is_empty()
    })
    .await;
    let inhibited = find(&seen, "x");
    let by = seen.inhibitors(&inhibited).next().expect("one");
    assert_eq!(
        by.map(|alert| &*alert.name),
        Ok("ClusterDown"),
        "inhibitors are told by name"
    );

    let clusters = [Arc::clone(&seen.sources[0].cluster)];
    let matchers =
        matcher::parse_list(r#"alertname=~"Od.", path="quo\"te\\back{slash}\n", env!="prod", zone!~"a|b""#)
            .expect("reads");
    let drafts = plan::silence(&matchers, &clusters, &seen, &order(&clock, "planned \u{1b}[31m"));
    send(&clients, drafts).await.expect("arrives");
    let listed = clients[0].silences().await.expect("lists");
    assert_eq!(
        listed[0]
            .matchers
            .iter()
            .filter(|m| matches!(m.op, MatchOp::NotEqual | MatchOp::NotRegex))
            .count(),
        2
    );
    assert!(
        matchers.iter().all(|m| listed[0].matchers.contains(m)),
        "as they were written"
    );
    let seen = board(&mut desk, &clock, &clients).await;
    assert_eq!(
        (seen.silences[0].matches, find(&seen, "x").silenced_by.len()),
        (1, 1)
    );

    let later = listed[0].ends_at + TimeDelta::hours(2);
    let id = &listed[0].id;
    let extended = write::extend(&clients, id, later).await.expect("lasts");
    assert_eq!(extended.remote_ids, [("am".into(), Arc::clone(id))]);
    for _ in 0..2 {
        // Expired twice is expired.
        write::expire(&clients, id).await.expect("expires");
        assert_eq!(
            clients[0].silences().await.expect("lists")[0].state,
            SilenceState::Expired
        );
    }

    // what the server refuses is said in its own words
    let nothing = matcher::parse_list("a=~\".*\"").expect("reads");
    let drafts = plan::silence(&nothing, &clusters, &seen, &order(&clock, "x"));
    let refused = send(&clients, drafts).await.expect_err("hides everything");
    assert!(refused.to_string().contains("empty string"), "{refused}");
}

#[tokio::test]
async fn a_gossip_cluster_is_written_to_once_and_through_whoever_lives() {
    let Some(binary) = binary() else { return };
    let first = Server::start(&binary, None, Gossip::On).await;
    let second = Server::start(&binary, Some(first.gossip), Gossip::On).await;
    let clients = [first.client("eu-0"), second.client("eu-1")];
    eventually("each knows of two members", async || {
        let mut both = true;
        for client in &clients {
            both &= client.status().await.is_ok_and(|status| status.peers.len() == 2);
        }
        both
    })
    .await;
    let (clock, mut desk) = (Clock::start(), Desk::new());
    let until = clock.now().utc + TimeDelta::hours(1);
    for server in [&first, &second] {
        server
            .post(&[(&alert("1"), clock.now().utc - TimeDelta::minutes(1), until)])
            .await;
    }
    let mut seen = board(&mut desk, &clock, &clients).await;
    eventually("both list the alert, as one cluster", async || {
        seen = board(&mut desk, &clock, &clients).await;
        seen.by_fingerprint.len() == 1
            && find(&seen, "1").sources.len() == 2
            && seen.sources[0].cluster == seen.sources[1].cluster
    })
    .await;

    let clusters = clusters(&seen.sources, &clients);
    assert_eq!(
        (clusters.len(), clusters[0].members.len()),
        (1, 2),
        "told apart by their status alone"
    );
    let plan = ack_plan(&occurrences(&seen, &["1"]), &seen);
    let drafts = plan::acknowledge(&plan, &seen, &order(&clock, "mine"));
    let done = send(&clients, drafts).await.expect("arrives");
    assert_eq!(done.len(), 1);
    eventually("gossip has told the other", async || {
        clients[1].silences().await.is_ok_and(|all| !all.is_empty())
    })
    .await;
    for server in [&first, &second] {
        assert_eq!(
            server.get("silences").await.as_array().map(Vec::len),
            Some(1),
            "one silence a cluster"
        );
    }
    eventually("both report it suppressed", async || {
        seen = board(&mut desk, &clock, &clients).await;
        seen.counts.acknowledged == 1 && seen.silences.len() == 1
    })
    .await;

    let matchers = matcher::parse_list("instance=1").expect("reads");
    let names = [Arc::clone(&clusters[0].name)];
    let drafts = plan::silence(&matchers, &names, &seen, &order(&clock, "through the other"));
    assert!(matches!(&drafts[0].payload, Payload::Silence { members, .. } if *members[0] == *"eu-0"));
    drop(first);
    let seen = board(&mut desk, &clock, &clients).await;
    assert!(
        seen.sources[0].fault.is_some() && seen.sources[1].fault.is_none(),
        "each source's health apart"
    );
    // planned while both lived, the dead one first: what was never sent may go to the next
    let done = send(&clients, drafts).await.expect("arrives");
    assert_eq!(done[0].remote_ids[0].0.as_ref(), "eu-1");
}
