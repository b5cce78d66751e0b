//! Two consoles, two processes, one journal: both act on one incident at once, each sees what the other did, and
//! what one was sending when it died the other takes over when its lease is out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use midwatch::demo::faults::{Fault, Plan};
use midwatch::outbox::State;
use midwatch::time::Clock;
use rustix::process::Signal;

use super::adoption::{HELD, written};
use super::harness::{Console, Setup};
use super::killed::{journaled, shop::Shop};

/// Notes that each console writes.
const NOTES: usize = 99;

fn configured(shop: &Shop, home: &Path) -> PathBuf {
    let config = home.join("config.toml");
    shop.configure(&config, 0, "grace = \"1ms\"\n");
    config
}

/// A console with the incident under its cursor.
fn opened(config: &Path) -> Console {
    let mut console = Setup::midwatch(&["--config", config.to_str().expect("UTF-8")]).start();
    console.wait_for("midwatch");
    console.press(b"5&both\r");
    console.wait_for("both ill");
    console
}

/// Writes a note up to the key that sends it.
fn compose(console: &mut Console, text: &str) {
    console.press(b"n");
    console.wait_for("Note on #");
    console.press(text.as_bytes());
    console.wait_for(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_consoles_that_each_act_a_hundred_times_at_once_double_nothing_and_see_each_other() {
    let shop = Shop::open(1);
    let home = tempfile::tempdir().expect("a directory");
    let config = configured(&shop, home.path());
    let incident = shop.incident("both ill").await;

    tokio::task::block_in_place(|| {
        let mut consoles = [opened(&config), opened(&config)];
        // The same incident taken by both, with nothing between the two keys.
        for console in &mut consoles {
            console.press(b"a");
        }
        for console in &mut consoles {
            console.wait_for("acked you");
        }
        for round in 0..NOTES {
            for console in &mut consoles {
                console.press(b"n");
            }
            for (console, who) in consoles.iter_mut().zip(["one", "two"]) {
                console.wait_for("Note on #");
                console.press(format!("{who}-{round}.").as_bytes());
            }
            for (console, who) in consoles.iter_mut().zip(["one", "two"]) {
                console.wait_for(&format!("{who}-{round}."));
            }
            for console in &mut consoles {
                console.press(b"\x04");
            }
            for console in &mut consoles {
                console.wait_without("Note on #");
            }
        }
        // Each shows the last words of both.
        for console in &mut consoles {
            for who in ["one", "two"] {
                console.wait_for(&format!("{who}-{}.", NOTES - 1));
            }
            console.wait_without("pending");
            console.wait_without("sending");
        }
        for console in &mut consoles {
            console.press(b"q");
            assert!(console.wait_exit().success());
        }
    });

    let books = shop.books(std::slice::from_ref(&incident)).await;
    assert_eq!(books.taken[&incident], 1, "taken once");
    let mut told = books.notes;
    told.sort();
    let mut typed: Vec<String> = (0..NOTES)
        .flat_map(|round| ["one", "two"].map(|who| format!("{who}-{round}.")))
        .collect();
    typed.sort();
    assert_eq!(told, typed, "each note once");
    let entries = journaled(home.path(), "shop").await;
    assert_eq!(entries.len(), 2 * NOTES + 2, "every key was an act");
    let open: Vec<_> = entries.iter().filter(|entry| entry.state.is_open()).collect();
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_console_was_sending_the_other_takes_over_when_its_lease_is_out() {
    let shop = Shop::open(1);
    let home = tempfile::tempdir().expect("a directory");
    let config = configured(&shop, home.path());
    let incident = shop.incident("both ill").await;
    let pagerduty = &shop.doors[0].pagerduty.faults;

    let mut heir = opened(&config);
    let mut dying = opened(&config);
    compose(&mut dying, "sent-by-the-dead.");
    // Either may send what one of them journaled: the other one stands still until it was sent.
    heir.signal(Signal::STOP);
    // The request arrives, and its sender dies while it waits for the answer.
    pagerduty.set(Plan::script_of_writes([Fault::HangAfter]));
    dying.press(b"\x04");
    written(&shop).await;
    dying.signal(Signal::KILL);
    dying.wait_exit();
    let clock = Clock::start();
    heir.signal(Signal::CONT);

    // The other console shows it as not done, though PagerDuty tells the note, and acts on the same incident: it waits
    // its turn.
    heir.wait_for("outbox 1");
    compose(&mut heir, "said-by-the-heir.");
    heir.press(b"\x04");
    heir.wait_without("Note on #");
    while journaled(home.path(), "shop")
        .await
        .iter()
        .any(|entry| entry.state != State::Confirmed)
    {
        heir.watch(Duration::from_millis(200));
        assert!(clock.tick().0 < Duration::from_secs(60), "{}", heir.text());
    }
    assert!(clock.tick().0 >= HELD, "it did not wait the lease out");
    heir.wait_without("outbox 1");

    let writes = pagerduty
        .had()
        .into_iter()
        .filter(|exchange| exchange.asked.is_write());
    assert_eq!(writes.count(), 2, "each was sent once");
    let notes = shop.notes(&[incident]).await;
    // PagerDuty lists the newest first.
    assert_eq!(notes, ["said-by-the-heir.", "sent-by-the-dead."], "in this order");
}
