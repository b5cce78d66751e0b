//! Killed at any moment between key and confirmation, nothing that was journaled is lost, and nothing is doubled.
//!
//! The built binary acts and is ended by SIGKILL at random moments, two hundred times, against the demo's
//! PagerDuty and against a real Alertmanager, each behind a proxy that resets and hangs. Then it is left to catch
//! up, and the servers themselves are asked what they hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use chrono::TimeDelta;
use midwatch::demo::clock::DemoClock;
use midwatch::demo::faults::{Fault, FaultProxy, Faults, Plan};
use midwatch::demo::world::Scenario;
use midwatch::demo::{Demo, DemoOptions};
use midwatch::domain::incident::IncidentAct;
use midwatch::journal::{Journal, Opening, outbox};
use midwatch::outbox::{Entry, Payload, State};
use midwatch::time::Clock;
use serde_json::{Value, json};

use super::alertmanager::{self, Gossip};

/// How often the process is killed, per server.
const KILLS: u64 = 200;

/// A number from 0 to 1 that differs from round to round, the same in every run of the test.
pub(super) fn share(seed: u64, round: u64) -> f64 {
    let mut bits = seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) as f64 / u64::MAX as f64
}

/// Half of all writes go wrong in one way or another, and this share of the reads.
pub(super) fn spoilt(seed: u64, reads: f64) -> Plan {
    const FAULTS: [Fault; 7] = [
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::BrokenOff,
        Fault::HangBefore,
        Fault::HangAfter,
        Fault::ServerError,
        Fault::Unavailable(1),
    ];
    let mut asked = 0_u64;
    Plan::by(move |request| {
        asked += 1;
        let drawn = share(seed, asked);
        let spoil = if request.is_write() { 0.5 } else { reads };
        if drawn >= spoil {
            return Fault::Pass;
        }
        FAULTS[(drawn / spoil * FAULTS.len() as f64) as usize % FAULTS.len()]
    })
}

pub(super) fn midwatch(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command
        .env_clear()
        .env("HOME", home)
        .env("MIDWATCH_USER", "jun@example.com")
        .arg("--config")
        .arg(home.join("config.toml"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs a command and kills it after so long, wherever it is then.
fn run_and_kill(home: &Path, arguments: &[&str], after: Duration) {
    let mut child = midwatch(home, arguments).spawn().expect("starts");
    // Nothing comes, and nothing is waited for: the moment at which it dies is what is tried.
    let (never, silence) = mpsc::channel::<()>();
    let _ = silence.recv_timeout(after);
    drop(never);
    let _ = child.kill();
    let _ = child.wait();
}

/// How long an act takes that nobody disturbs; the middle of three.
fn undisturbed(home: &Path, commands: &[Vec<&str>; 3]) -> Duration {
    let clock = Clock::start();
    let mut took: Vec<Duration> = commands
        .iter()
        .map(|arguments| {
            let begun = clock.tick();
            let status = midwatch(home, arguments).status().expect("runs");
            assert!(status.success(), "{arguments:?}: {status}");
            clock.tick().since(begun)
        })
        .collect();
    took.sort();
    took[1]
}

/// Lets the outbox catch up; everything that was journaled.
pub(super) async fn caught_up(home: &Path, context: &'static str) -> Vec<Entry> {
    let opening = Opening::private(home.join("state/midwatch.db"));
    let since = Clock::start().now().utc - TimeDelta::hours(1);
    for _ in 0..3 {
        midwatch(home, &["outbox", "retry", "--wait", "150s"])
            .status()
            .expect("runs");
        let journal = Journal::open(&opening).expect("opens");
        let entries = journal
            .read(move |tx| {
                let open = outbox::open(tx, context)?.into_iter().map(|record| record.entry);
                let settled = outbox::settled_since(tx, context, since, 20_000)?;
                Ok(open.chain(settled).collect::<Vec<Entry>>())
            })
            .await
            .expect("reads");
        if !entries
            .iter()
            .any(|entry| matches!(entry.state, State::Pending | State::Sending))
        {
            return entries;
        }
    }
    panic!("the outbox did not come to rest");
}

/// The demo on a thread of its own; ends with it.
pub(super) struct Shop {
    pagerduty: String,
    proxied: String,
    pub(super) faults: Faults,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    serving: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Shop {
    /// Waits for its end: the demo takes its directory away then.
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.serving.take().map(std::thread::JoinHandle::join);
    }
}

impl Shop {
    pub(super) fn open() -> Self {
        let (told, tell) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let demo = Demo::bind(DemoOptions {
                    scenario: Scenario::Calm,
                    seed: 1,
                    clock: DemoClock::Live(Clock::start()),
                    anchor: None,
                })
                .await
                .expect("binds");
                let url = demo.announcement().endpoints.pagerduty.clone();
                let proxy = FaultProxy::bind(&url, Plan::pass()).await.expect("binds");
                told.send((url, proxy.url().to_owned(), proxy.faults()))
                    .expect("is heard");
                tokio::select! {
                    served = demo.serve(std::future::pending()) => served.expect("serves"),
                    served = proxy.serve(std::future::pending()) => served.expect("serves"),
                    _ = stopped => {}
                }
            });
        });
        let (pagerduty, proxied, faults) = tell.recv().expect("opens");
        Self {
            pagerduty,
            proxied,
            faults,
            stop: Some(stop),
            serving: Some(serving),
        }
    }

    /// Writes the configuration of somebody who works there by way of the proxy, with `more` at its head.
    pub(super) fn configure(&self, home: &Path, more: &str) {
        std::fs::write(home.join("key"), midwatch::demo::pagerduty::USER_KEY).expect("writes");
        let config = format!(
            "{more}state_dir = \"{}\"\nidentity = \"jun@example.com\"\n[contexts.shop.incidents]\n\
             kind = \"pagerduty\"\nurl = \"{}\"\nfrom = \"{}\"\nauth = {{ token_file = \"key\" }}\n\
             timeout = \"1s\"\nwhose = \"all\"\n",
            home.join("state").display(),
            self.proxied,
            midwatch::demo::pagerduty::EMAIL
        );
        std::fs::write(home.join("config.toml"), config).expect("writes");
    }

    pub(super) async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let mut request = reqwest::Client::new()
            .request(method, format!("{}/{path}", self.pagerduty))
            .header(
                "authorization",
                format!("Token token={}", midwatch::demo::pagerduty::USER_KEY),
            )
            .header("from", midwatch::demo::pagerduty::EMAIL)
            .header("accept", "application/vnd.pagerduty+json;version=2");
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.expect("answers");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// How often each note stands at these incidents, without its marker.
    pub(super) async fn notes(&self, incidents: &[String]) -> BTreeMap<String, usize> {
        let mut notes = BTreeMap::new();
        for incident in incidents {
            let told = self
                .ask(reqwest::Method::GET, &format!("incidents/{incident}/notes"), None)
                .await;
            for note in told["notes"].as_array().expect("notes") {
                let text = note["content"].as_str().expect("text");
                let text = text.split(" [mw:").next().unwrap_or(text).to_owned();
                *notes.entry(text).or_default() += 1;
            }
        }
        notes
    }

    /// How many log entries of this type an incident has that came by the API.
    pub(super) async fn logged(&self, incident: &str, kind: &str) -> usize {
        let path = format!("incidents/{incident}/log_entries?limit=100");
        let told = self.ask(reqwest::Method::GET, &path, None).await;
        let entries = told["log_entries"].as_array().expect("entries").iter();
        entries
            .filter(|entry| entry["type"] == kind && entry["channel"]["type"] == "api")
            .count()
    }

    pub(super) async fn incident(&self, title: &str) -> String {
        let services = self.ask(reqwest::Method::GET, "services", None).await;
        let service = &services["services"][0]["id"];
        let body = json!({"incident": {"type": "incident", "title": title,
            "service": {"id": service, "type": "service_reference"}}});
        let made = self.ask(reqwest::Method::POST, "incidents", Some(body)).await;
        made["incident"]["id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_before_pagerduty_lose_nothing_and_double_nothing() {
    let shop = Shop::open();
    let home = tempfile::tempdir().expect("a directory");
    shop.configure(home.path(), "");

    // Three for notes, and one of its own for every acknowledgement.
    let mut talked = Vec::new();
    for n in 0..3 {
        talked.push(shop.incident(&format!("talked {n}")).await);
    }
    let mut untaken = Vec::new();
    for n in 0..KILLS / 4 {
        untaken.push(shop.incident(&format!("untaken {n}")).await);
    }
    let long = undisturbed(
        home.path(),
        &["first", "second", "third"].map(|text| vec!["annotate", talked[0].as_str(), text]),
    );
    // A read that fails ends a command before anything is journaled, and that is not what is to be shown.
    shop.faults.set(spoilt(7, 0.05));
    for round in 0..KILLS {
        // Some moments lie past the end of a quick act: that it was done stays done is shown too.
        let after = long.mul_f64(0.3 + share(3, round) * 1.5);
        if round % 4 == 0 {
            let incident = &untaken[(round / 4) as usize];
            run_and_kill(home.path(), &["ack", incident], after);
        } else {
            let incident = &talked[(round % 3) as usize];
            run_and_kill(
                home.path(),
                &["annotate", incident, &format!("round {round}.")],
                after,
            );
        }
    }
    // What the kills left is judged by what the server holds, not by how long a bad link is in the way.
    shop.faults.set(Plan::pass());
    let entries = caught_up(home.path(), "shop").await;

    let mut notes = shop.notes(&talked).await;
    let mut journaled = 0;
    for entry in &entries {
        let Payload::Incident { incident, act, .. } = &entry.payload else {
            panic!("{entry:?}");
        };
        journaled += 1;
        assert_eq!(entry.state, State::Confirmed, "{entry:?}");
        match act {
            IncidentAct::Note { text } => {
                assert_eq!(notes.remove(text), Some(1), "{text}: {entry:?}");
            }
            IncidentAct::Acknowledge => {
                let taken = shop.logged(&incident.0, "acknowledge_log_entry").await;
                assert_eq!(taken, 1, "{entry:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(notes, BTreeMap::new(), "what was never journaled was sent");
    // Most kills must have come after the journal, and some before it, or nothing was shown.
    assert!(
        journaled > KILLS as usize / 4,
        "only {journaled} acts were journaled"
    );
    assert!(journaled < KILLS as usize + 3, "no kill came before the journal");
    let audit = midwatch(home.path(), &["audit", "verify"])
        .status()
        .expect("runs");
    assert!(audit.success(), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_before_a_real_alertmanager_lose_no_acknowledgement_and_double_none() {
    let Some(binary) = alertmanager::binary() else {
        return;
    };
    let server = alertmanager::Server::start(binary, None, Gossip::Off).await;
    let now = Clock::start().now().utc;
    let labels: Vec<Value> = (0..KILLS + 3)
        .map(|n| json!({"alertname": format!("Made{n}"), "service": "shop", "severity": "ticket"}))
        .collect();
    let alerts: Vec<_> = labels
        .iter()
        .map(|labels| (labels, now - TimeDelta::minutes(5), now + TimeDelta::hours(2)))
        .collect();
    server.post(&alerts).await;
    let proxy = FaultProxy::bind(&server.url, Plan::pass()).await.expect("binds");
    let (url, faults) = (proxy.url().to_owned(), proxy.faults());
    let mut proxying = tokio::task::JoinSet::new();
    proxying.spawn(proxy.serve(std::future::pending()));

    let home = tempfile::tempdir().expect("a directory");
    let config = format!(
        "state_dir = \"{}\"\nidentity = \"jun@example.com\"\nack_lease = \"30m\"\n\
         [[contexts.shop.alertmanagers]]\nname = \"one\"\nurl = \"{url}\"\ntimeout = \"1s\"\n",
        home.path().join("state").display(),
    );
    std::fs::write(home.path().join("config.toml"), config).expect("writes");
    let listed = server.get("alerts").await;
    let fingerprints: Vec<String> = listed
        .as_array()
        .expect("alerts")
        .iter()
        .map(|alert| alert["fingerprint"].as_str().expect("a fingerprint").to_owned())
        .collect();
    assert_eq!(fingerprints.len() as u64, KILLS + 3);

    let (spare, untaken) = fingerprints.split_at(3);
    let home_path = home.path();
    let long = tokio::task::block_in_place(|| {
        undisturbed(home_path, &[0, 1, 2].map(|n| vec!["ack", spare[n].as_str()]))
    });
    faults.set(spoilt(11, 0.05));
    tokio::task::block_in_place(|| {
        for (round, fingerprint) in (0_u64..).zip(untaken) {
            let after = long.mul_f64(0.3 + share(5, round) * 1.5);
            run_and_kill(home_path, &["ack", fingerprint], after);
        }
    });
    faults.set(Plan::pass());
    let entries = caught_up(home.path(), "shop").await;
    proxying.shutdown().await;

    let silences = server.get("silences").await;
    let in_force = |marker: &str| {
        let all = silences.as_array().expect("silences").iter();
        all.filter(|silence| silence["status"]["state"] != "expired")
            .filter(|silence| {
                silence["comment"]
                    .as_str()
                    .is_some_and(|text| text.contains(marker))
            })
            .count()
    };
    for entry in &entries {
        assert_eq!(entry.state, State::Confirmed, "{entry:?}");
        assert_eq!(in_force(entry.marker.digits()), 1, "{entry:?}");
    }
    let all = silences.as_array().expect("silences").iter();
    let all = all
        .filter(|silence| silence["status"]["state"] != "expired")
        .count();
    assert_eq!(all, entries.len(), "what was never journaled was sent");
    assert!(
        entries.len() > KILLS as usize / 4,
        "only {} acts were journaled",
        entries.len()
    );
    assert!(
        entries.len() < KILLS as usize + 3,
        "no kill came before the journal"
    );
}
