//! A process dies in the middle of a request, holding the lease of its act: whoever comes next keeps its hands
//! off until the lease and that request's time are over, then looks before it sends.

use std::time::Duration;

use midwatch::demo::faults::{Fault, Plan};
use midwatch::time::Clock;
use serde_json::Value;

use super::killed::midwatch;
use super::killed::shop::Shop;

/// How long a process has an entry for itself.
pub(super) const HELD: Duration = Duration::from_secs(15);

fn outbox(home: &std::path::Path) -> Value {
    let listed = midwatch(home, &["outbox", "--json"])
        .stdout(std::process::Stdio::piped())
        .output()
        .expect("runs");
    serde_json::from_slice(&listed.stdout).expect("one document")
}

/// Waits for the request that changes something.
pub(super) async fn written(shop: &Shop) {
    let clock = Clock::start();
    while !shop.doors[0]
        .pagerduty
        .faults
        .had()
        .iter()
        .any(|exchange| exchange.asked.is_write())
    {
        assert!(clock.tick().0 < Duration::from_secs(20), "nothing was sent");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_was_sending_is_touched_only_when_its_lease_and_request_are_over() {
    let shop = Shop::open(1);
    let home = tempfile::tempdir().expect("a directory");
    shop.configure(&home.path().join("config.toml"), 0, "");
    let incident = shop.incident("held").await;

    // The request arrives, and its sender dies while it waits for the answer.
    shop.doors[0]
        .pagerduty
        .faults
        .set(Plan::script_of_writes([Fault::HangAfter]));
    let clock = Clock::start();
    let mut dying = midwatch(home.path(), &["annotate", &incident, "sent by the dead"])
        .spawn()
        .expect("starts");
    written(&shop).await;
    dying.kill().expect("it runs");
    dying.wait().expect("it ends");
    let died = clock.tick();
    let asked = shop.doors[0].pagerduty.faults.had().len();
    let entry = &outbox(home.path())["entries"][0];
    assert_eq!(entry["state"], "sending", "{entry}");

    // Within the lease the next process asks nobody anything about it, and says that it is not confirmed.
    let early = midwatch(home.path(), &["outbox", "retry", "--wait", "8s"])
        .status()
        .expect("runs");
    assert!(clock.tick().since(died) < HELD, "too slow to show anything");
    assert_eq!(early.code(), Some(5));
    let of_it = |exchange: &&midwatch::demo::faults::Exchange| exchange.asked.target.contains(&incident);
    let had = shop.doors[0].pagerduty.faults.had();
    assert_eq!(had[asked..].iter().find(of_it), None);

    // Afterwards it looks, finds what the dead one sent, and sends nothing.
    let late = midwatch(home.path(), &["outbox", "retry", "--wait", "60s"])
        .status()
        .expect("runs");
    assert!(late.success(), "{late}");
    assert!(clock.tick().since(died) >= HELD, "it did not wait the lease out");
    let had = shop.doors[0].pagerduty.faults.had();
    assert_eq!(had.iter().filter(|exchange| exchange.asked.is_write()).count(), 1);
    assert!(had[asked..].iter().any(|exchange| of_it(&exchange)), "it looked");
    let notes = shop.notes(&[incident]).await;
    assert_eq!(notes, ["sent by the dead"]);
    assert!(
        outbox(home.path())["entries"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}
