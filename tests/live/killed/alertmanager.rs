//! Commands that acknowledge alerts, killed before a real Alertmanager behind a spoiling proxy.

use chrono::TimeDelta;
use midwatch::demo::faults::{FaultProxy, Plan};
use midwatch::outbox::State;
use midwatch::time::Clock;
use serde_json::{Value, json};

use super::super::alertmanager::{self, Gossip};
use super::{caught_up, kill_in_lanes, paces, spoilt};

/// How often a command is killed.
const KILLS: usize = 200;
/// How many run side by side.
const LANES: usize = 2;
/// Three of each lane are left to their end.
const ALERTS: usize = KILLS + 3 * LANES;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_before_a_real_alertmanager_lose_no_acknowledgement_and_double_none() {
    let Some(binary) = alertmanager::binary() else {
        return;
    };
    let server = alertmanager::Server::start(&binary, None, Gossip::Off).await;
    let now = Clock::start().now().utc;
    let labels: Vec<Value> = (0..ALERTS)
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
    assert_eq!(fingerprints.len(), ALERTS);

    let lanes: Vec<Vec<Vec<&str>>> = fingerprints
        .chunks(fingerprints.len() / LANES)
        .map(|lane| lane.iter().map(|alert| vec!["ack", alert.as_str()]).collect())
        .collect();
    tokio::task::block_in_place(|| {
        let paces = paces(home.path(), &lanes);
        faults.set(spoilt(11, 0.03));
        kill_in_lanes(home.path(), &lanes, &paces);
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
    let mut held = 0;
    for entry in &entries {
        let taken = usize::from(entry.state == State::Confirmed);
        assert!(taken == 1 || entry.state == State::Failed, "{entry:?}");
        assert_eq!(in_force(entry.marker.digits()), taken, "{entry:?}");
        held += taken;
    }
    let all = silences.as_array().expect("silences").iter();
    let all = all
        .filter(|silence| silence["status"]["state"] != "expired")
        .count();
    assert_eq!(all, held, "what was never journaled was sent");
    assert!(
        held > KILLS / 4,
        "only {held} of {} acts were received",
        entries.len()
    );
    assert!(entries.len() < KILLS + 3, "no kill came before the journal");
}
