//! The same by the console's keys: killed between a key and its confirmation, restarted on the same journal.
//!
//! Each round opens the console on the terminal, presses what writes a note, acknowledges or escalates, and ends
//! it by SIGKILL at a random moment after the last key. The next round's console finds what this one left, over
//! the same bad link. At the end the server is asked what it holds.

use std::time::Duration;

use midwatch::demo::faults::Plan;
use midwatch::domain::incident::IncidentAct;
use midwatch::journal::{Journal, Opening, drafts};
use midwatch::outbox::{Entry, Payload, State};
use midwatch::time::Clock;
use rustix::process::Signal;

use super::harness::{Console, Setup};
use super::killed::{Shop, caught_up, midwatch, share, spoilt};

/// How often the console is killed.
const KILLS: u64 = 40;
/// Kinds of acts, in turn.
const KINDS: u64 = 4;

/// What one round does, on an incident of which no other title holds the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Note,
    Acknowledge,
    Escalate,
}

impl Deed {
    fn of(round: u64) -> Self {
        match round % KINDS {
            0 => Self::Acknowledge,
            1 => Self::Escalate,
            _ => Self::Note,
        }
    }

    /// The word by which its incident is found: notes share three, the others have one of their own.
    fn word(self, round: u64) -> String {
        match self {
            Self::Note => format!("talk-{}", round % 3),
            Self::Acknowledge | Self::Escalate => format!("free-{round:02}"),
        }
    }

    fn text(round: u64) -> String {
        format!("by key, round {round}.")
    }

    /// Presses all but the last key, which is answered.
    fn prepare(self, round: u64, console: &mut Console) -> &'static [u8] {
        match self {
            Self::Note => {
                console.press(b"n");
                console.wait_for("Note on #");
                // A draft that an earlier round left unsent stands there: it is still wanted.
                console.press(Self::text(round).as_bytes());
                console.wait_for(&Self::text(round));
                b"\x04"
            }
            Self::Acknowledge => b"a",
            Self::Escalate => {
                console.press(b"e");
                console.wait_for("wakes");
                console.press(b"\r");
                console.wait_for("Escalate to level");
                b"y"
            }
        }
    }
}

/// A console that has the incident of this word under its cursor.
fn opened(home: &std::path::Path, word: &str) -> Console {
    let config = home.join("config.toml");
    let mut console = Setup::midwatch(&["--config", config.to_str().expect("UTF-8")]).start();
    console.wait_for("midwatch");
    console.press(format!("5&{word}\r").as_bytes());
    console.wait_for(&format!("{word} ill"));
    console
}

/// How long the wire is busy with an act that nobody disturbs: from its last key to its request.
fn undisturbed(shop: &Shop, home: &std::path::Path) -> Duration {
    let mut console = opened(home, "free-00");
    let key = Deed::Acknowledge.prepare(0, &mut console);
    let clock = Clock::start();
    console.press(key);
    while !shop.faults.had().iter().any(|exchange| exchange.asked.is_write()) {
        console.watch(Duration::from_millis(5));
        assert!(clock.tick().0 < Duration::from_secs(20), "{}", console.text());
    }
    let took = clock.tick().0;
    console.signal(Signal::KILL);
    console.wait_exit();
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_kills_between_a_key_and_its_confirmation_lose_nothing_and_double_nothing() {
    let clock = Clock::start();
    let shop = Shop::open();
    let home = tempfile::tempdir().expect("a directory");
    shop.configure(home.path(), "grace = \"1ms\"\n");
    let mut talked = Vec::new();
    for n in 0..3 {
        talked.push(shop.incident(&format!("talk-{n} ill")).await);
    }
    for round in 0..=KILLS {
        if Deed::of(round) != Deed::Note {
            shop.incident(&format!("free-{round:02} ill")).await;
        }
    }
    let long = tokio::task::block_in_place(|| undisturbed(&shop, home.path()));

    tokio::task::block_in_place(|| {
        for round in 1..=KILLS {
            let deed = Deed::of(round);
            // What is read before the key is the person's to wait for; what comes after it is as bad as can be.
            shop.faults.set(spoilt(17 + round, 0.0));
            let mut console = opened(home.path(), &deed.word(round));
            let last = deed.prepare(round, &mut console);
            shop.faults.set(spoilt(1_000 + round, 0.2));
            // Most die around the journal, some while a lost answer is waited for.
            let reach = if round % 5 == 0 { 8.0 } else { 1.2 };
            let after = long.mul_f64(share(23, round).powi(2) * reach);
            console.press(last);
            console.watch(after);
            console.signal(Signal::KILL);
            console.wait_exit();
        }
    });
    let pressed = clock.tick().0;
    // The link is bad at first when it is caught up, then it heals.
    shop.faults.set(spoilt(29, 0.2));
    midwatch(home.path(), &["outbox", "retry", "--wait", "10s"])
        .status()
        .expect("runs");
    shop.faults.set(Plan::pass());
    let mut entries = caught_up(home.path(), "shop").await;

    // What never goes out twice by itself asks, and only where the server has nothing of it; it is told to go.
    let asking: Vec<Entry> = entries
        .iter()
        .filter(|entry| entry.state == State::NeedsDecision)
        .cloned()
        .collect();
    for entry in &asking {
        let Payload::Incident {
            incident,
            act: IncidentAct::Escalate { .. },
            ..
        } = &entry.payload
        else {
            panic!("{entry:?}");
        };
        assert_eq!(
            shop.logged(&incident.0, "escalate_log_entry").await,
            0,
            "{entry:?}"
        );
        let id = entry.id.to_string();
        let sent = midwatch(home.path(), &["outbox", "send", &id, "--wait", "60s"]).status();
        assert!(sent.expect("runs").success(), "{entry:?}");
    }
    if !asking.is_empty() {
        entries = caught_up(home.path(), "shop").await;
    }

    let mut notes = shop.notes(&talked).await;
    let mut said = String::new();
    let (mut written, mut taken, mut raised) = (0, 0, 0);
    for entry in &entries {
        let Payload::Incident { incident, act, .. } = &entry.payload else {
            panic!("{entry:?}");
        };
        assert_eq!(entry.state, State::Confirmed, "{entry:?}");
        match act {
            IncidentAct::Note { text } => {
                written += 1;
                said.push_str(text);
                assert_eq!(notes.remove(&**text), Some(1), "{text}: {entry:?}");
            }
            IncidentAct::Acknowledge => {
                taken += 1;
                assert_eq!(
                    shop.logged(&incident.0, "acknowledge_log_entry").await,
                    1,
                    "{entry:?}"
                );
            }
            IncidentAct::Escalate { .. } => {
                raised += 1;
                assert_eq!(
                    shop.logged(&incident.0, "escalate_log_entry").await,
                    1,
                    "{entry:?}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(notes.is_empty(), "what was never journaled was sent: {notes:?}");

    // What was sent is no draft any more for whoever opens the console next, and was not written twice by that way.
    let mut console = opened(home.path(), "talk-0");
    console.press(b"q");
    console.wait_exit();
    let journal = Journal::open(&Opening::private(home.path().join("state/midwatch.db"))).expect("opens");
    let left = journal
        .read(|tx| drafts::load(tx, "jun@example.com", "shop"))
        .await
        .expect("reads");
    for round in 1..=KILLS {
        let text = Deed::text(round);
        let kept = left.iter().filter(|draft| draft.text.contains(&text)).count();
        let sent = said.matches(&text).count();
        assert!(kept + sent <= 1, "{text} sent {sent} times, a draft {kept} times");
    }
    eprintln!(
        "killed {KILLS} times by keys, within {} ms of each, in {:.0} s: {written} notes, {taken} acknowledgements, \
         {raised} escalations journaled, each once; {} asked; {} drafts left",
        long.mul_f64(8.0).as_millis(),
        pressed.as_secs_f64(),
        asking.len(),
        left.len(),
    );
    let journaled = written + taken + raised;
    assert!(
        journaled > KILLS as usize / 4,
        "only {journaled} acts were journaled"
    );
    assert!(journaled < KILLS as usize, "no kill came before the journal");
    assert!(written > 0 && taken > 0 && raised > 0);
    let audit = midwatch(home.path(), &["audit", "verify"])
        .status()
        .expect("runs");
    assert!(audit.success(), "{audit}");
}
