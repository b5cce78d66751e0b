//! Consoles by their keys: killed between a key and its confirmation, restarted on the same journal.
//!
//! Each round opens the console on the terminal, presses what acts, and ends it by SIGKILL at a random moment after
//! the last key. The next round's console finds what this one left, over the same bad link. Two lanes run side by
//! side.

use std::path::{Path, PathBuf};
use std::time::Duration;

use midwatch::demo::faults::Plan;
use midwatch::time::Clock;
use rustix::process::Signal;

use super::super::harness::{Console, Setup};
use super::shop::{Door, Shop};
use super::verdict::{Deed, Round};
use super::{End, share, spoilt};

/// Kinds of acts of each lane, in turn. Lanes share none: what one console drafted, the next takes up.
const LANES: [(&[Deed], u64); 2] = [
    (&[Deed::Acknowledge, Deed::Note, Deed::Escalate], 24),
    (&[Deed::Mark, Deed::Silence], 16),
];

/// How often a console is killed; one more of each lane once its act is on the way.
pub const KILLED: u64 = 40;

/// Doors of the shop that consoles come by, beside the first.
pub const DOORS: usize = LANES.len();

/// One lane: who acts by which door.
pub struct Lane {
    number: usize,
    config: PathBuf,
    rounds: Vec<Round>,
}

/// The word by which an incident is found that no other title holds; notes share four.
fn word(deed: Deed, n: u64) -> String {
    match deed {
        Deed::Note => format!("talk-{}", n % 4),
        Deed::Acknowledge | Deed::Escalate => format!("free-{n:02}"),
        Deed::Silence | Deed::Mark => String::new(),
    }
}

/// Opens the incidents that there is something to do about.
pub async fn prepared(shop: &Shop, home: &Path) -> Vec<Lane> {
    let mut talked = Vec::new();
    for n in 0..4 {
        talked.push(shop.incident(&format!("talk-{n} ill")).await);
    }
    let mut lanes = Vec::new();
    for (number, (deeds, kills)) in LANES.into_iter().enumerate() {
        let config = home.join(format!("console-{number}.toml"));
        shop.configure(&config, 1 + number, "grace = \"1ms\"\n");
        let mut rounds = Vec::new();
        for n in 0..=kills {
            let deed = deeds[n as usize % deeds.len()];
            let subject = match deed {
                Deed::Note => talked[n as usize % 4].clone(),
                Deed::Acknowledge | Deed::Escalate => shop.incident(&format!("{} ill", word(deed, n))).await,
                Deed::Silence => format!("round=\"console-{n}\""),
                Deed::Mark => String::new(),
            };
            rounds.push(Round {
                deed,
                subject,
                // One word, which no line breaks; of this lane alone, for notes and marks are both drafts.
                text: format!("key{number}-{n}."),
                end: End::Killed,
            });
        }
        lanes.push(Lane {
            number,
            config,
            rounds,
        });
    }
    assert_eq!(LANES.iter().map(|(_, kills)| kills).sum::<u64>(), KILLED);
    lanes
}

/// A console that has what this round is about before it.
fn opened(config: &Path, deed: Deed, n: u64) -> Console {
    let mut console = Setup::midwatch(&["--config", config.to_str().expect("UTF-8")]).start();
    console.wait_for("midwatch");
    match deed {
        Deed::Note | Deed::Acknowledge | Deed::Escalate => {
            let word = word(deed, n);
            console.press(format!("5&{word}\r").as_bytes());
            // A PagerDuty that asks to be left alone is: it lists the incident once that time is over.
            let ill = format!("{word} ill");
            let listed = (0..6).any(|_| console.shows(&ill));
            assert!(listed, "no {ill:?} on the screen:\n{}", console.text());
        }
        Deed::Silence => {
            console.press(b"2");
            console.wait_for("TargetDown");
        }
        Deed::Mark => {}
    }
    console
}

/// Presses all but the last key, which is answered.
fn prepare(round: &Round, console: &mut Console) -> &'static [u8] {
    match round.deed {
        Deed::Note => {
            console.press(b"n");
            console.wait_for("Note on #");
            // A draft that an earlier round left unsent stands there: it is still wanted.
            console.press(format!("{} ", round.text).as_bytes());
            console.wait_for(&round.text);
            b"\x04"
        }
        Deed::Acknowledge => b"a",
        Deed::Escalate => {
            console.press(b"e");
            console.wait_for("wakes");
            console.press(b"\r");
            console.wait_for("Escalate to level");
            b"y"
        }
        Deed::Silence => {
            console.press(b"s");
            console.wait_for("hides 1 alert");
            // From the beginning, whatever an earlier round left; other matchers, which hide nothing.
            console.press(b"\x0c");
            console.press(format!("{} ", round.text).as_bytes());
            console.wait_for(&round.text);
            console.press(format!("\t\r{}", round.subject).as_bytes());
            console.wait_for("hides nothing");
            console.press(b"\x1b[Z");
            console.wait_for("▸ why");
            b"\r"
        }
        Deed::Mark => {
            console.press(b":");
            console.wait_for("Command");
            console.press(b"mark moment");
            console.wait_for("annotations.mark");
            console.press(b"\r");
            console.wait_for("Mark ");
            console.press(format!("{} ", round.text).as_bytes());
            console.wait_for(&round.text);
            b"\x04"
        }
    }
}

fn writes(door: &Door) -> usize {
    let had = door.had();
    had.iter().filter(|exchange| exchange.asked.is_write()).count()
}

/// From an act's last key to its request, where nobody disturbs; the console is killed then.
pub fn undisturbed(shop: &Shop, lane: &Lane) -> Duration {
    let (door, round) = (&shop.doors[1 + lane.number], &lane.rounds[0]);
    let mut console = opened(&lane.config, round.deed, 0);
    let key = prepare(round, &mut console);
    let before = writes(door);
    let clock = Clock::start();
    console.press(key);
    while writes(door) == before {
        console.watch(Duration::from_millis(5));
        assert!(clock.tick().0 < Duration::from_secs(20), "{}", console.text());
    }
    let took = clock.tick().0;
    console.signal(Signal::KILL);
    console.wait_exit();
    took
}

/// Runs and kills the consoles of a lane, the first aside, which was killed when its pace was found.
pub fn kill(shop: &Shop, lane: Lane, long: Duration) -> Vec<Round> {
    let door = &shop.doors[1 + lane.number];
    let seed = 1_000 * lane.number as u64;
    for (n, round) in (0_u64..).zip(&lane.rounds).skip(1) {
        // What is read before the key is the person's to wait for; what comes after it is as bad as can be.
        door.set(|way| spoilt(seed + 17 + n + way, 0.0));
        let mut console = opened(&lane.config, round.deed, n);
        let last = prepare(round, &mut console);
        door.set(|way| spoilt(seed + 500 + n + way, 0.2));
        // Most die around the journal, some while a lost answer is waited for.
        let reach = if n % 5 == 0 { 8.0 } else { 2.0 };
        let after = long.mul_f64(share(23 + seed, n).powi(2) * reach);
        console.press(last);
        console.watch(after);
        console.signal(Signal::KILL);
        console.wait_exit();
    }
    // Bad at first when it is caught up.
    door.set(|_| Plan::pass());
    lane.rounds
}

/// Opens the console once more and leaves it: what was sent is no draft any more for whoever opens it.
pub fn look_again(config: &Path) {
    let mut console = opened(config, Deed::Note, 0);
    // Told to go, it asks nothing of acts that wait for a decision.
    console.signal(Signal::TERM);
    console.wait_exit();
}
