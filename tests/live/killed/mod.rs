//! Killed at any moment between key and confirmation, nothing that was accepted is lost, and nothing is doubled.
//!
//! The built binary acts, as a command and as a console, and is ended by SIGKILL at random moments, before servers
//! that lose answers, hang, fail and refuse; several processes at once on one journal. Then it is left to catch up,
//! and the servers are asked what they hold: [`shop`] is the demo behind spoiling proxies, [`shop::Books`] what it
//! says, [`verdict`] the judgement, [`commands`] and [`consoles`] who is killed, [`alertmanager`] the same before a
//! real one, [`ends`] what ends an incident or gives it away, [`pagers`] local incidents with a slow pager.

mod alertmanager;
mod commands;
mod consoles;
mod ends;
mod pagers;
pub(super) mod shop;
mod verdict;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use chrono::TimeDelta;
use midwatch::demo::faults::{Fault, Plan};
use midwatch::journal::{Journal, Opening, drafts, outbox};
use midwatch::outbox::{Entry, State};
use midwatch::time::Clock;

use shop::Shop;
use verdict::{Deed, Round};

/// A number from 0 to 1 that differs from round to round, the same in every run of the test.
fn share(seed: u64, round: u64) -> f64 {
    let mut bits = seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) as f64 / u64::MAX as f64
}

/// Half of all writes go wrong in one way or another, and this share of the reads.
fn spoilt(seed: u64, reads: f64) -> Plan {
    const FAULTS: [Fault; 8] = [
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::BrokenOff,
        Fault::HangBefore,
        Fault::HangAfter,
        Fault::ServerError,
        Fault::Unavailable(1),
        Fault::RateLimited(1),
    ];
    let mut asked = 0_u64;
    Plan::by(move |request| {
        asked += 1;
        let drawn = share(seed, asked);
        // One write in fifty is refused for good: that ends an act, so more of it would show less.
        if request.is_write() && drawn > 0.98 {
            return Fault::Refused;
        }
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

/// How a command that was to be killed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It had said that the act is confirmed.
    Confirmed,
    /// It was over otherwise: refused, failed, or left to the outbox.
    Other,
    /// By SIGKILL.
    Killed,
}

/// Runs a command and kills it after so long, wherever it is then.
fn run_and_kill(home: &Path, arguments: &[&str], after: Duration) -> End {
    let mut child = midwatch(home, arguments).spawn().expect("starts");
    // Nothing comes, and nothing is waited for: the moment at which it dies is what is tried.
    let (never, silence) = mpsc::channel::<()>();
    let _ = silence.recv_timeout(after);
    drop(never);
    let _ = child.kill();
    match child.wait().expect("it ends").code() {
        Some(0) => End::Confirmed,
        Some(_) => End::Other,
        None => End::Killed,
    }
}

/// How long an act takes that nobody disturbs; the middle of these.
fn undisturbed(home: &Path, commands: &[Vec<&str>]) -> Duration {
    let clock = Clock::start();
    let mut took: Vec<Duration> = commands
        .iter()
        .map(|arguments| {
            let begun = clock.tick();
            // However long a busy machine takes over it.
            let arguments = [arguments, &["--wait", "60s"][..]].concat();
            let status = midwatch(home, &arguments).status().expect("runs");
            assert!(status.success(), "{arguments:?}: {status}");
            clock.tick().since(begun)
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

/// Runs a function for every lane side by side; what each gave.
fn side_by_side<L: Sync, T: Send>(lanes: &[L], run: impl Fn(u64, &L) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let run = &run;
        let running: Vec<_> = (0_u64..)
            .zip(lanes)
            .map(|(number, lane)| scope.spawn(move || run(number, lane)))
            .collect();
        let ended = running.into_iter();
        ended
            .map(|lane| lane.join().expect("it runs to its end"))
            .collect()
    })
}

/// How long commands of each lane take side by side, here and now, where nobody disturbs: by the first three of each.
fn paces(home: &Path, lanes: &[Vec<Vec<&str>>]) -> Vec<Duration> {
    side_by_side(lanes, |_, commands| undisturbed(home, &commands[..3]))
}

/// Runs the other commands of each lane, one process of each lane at a time, and kills each at a random moment.
///
/// How long a command takes beside everything else is not known before: the moments come later after each that was
/// killed, up to three times the lane's pace, and earlier after each that was over. Some lie before the journal, and
/// some past the end of a quick act: that it was done stays done is shown too.
fn kill_in_lanes(home: &Path, lanes: &[Vec<Vec<&str>>], paces: &[Duration]) -> Vec<Vec<End>> {
    side_by_side(lanes, |number, commands| {
        let mut stretch: f64 = 1.0;
        let ends = (0_u64..).zip(&commands[3..]).map(|(round, command)| {
            let moment = 0.2 + share(3 + number, round) * 1.5;
            let end = run_and_kill(home, command, paces[number as usize].mul_f64(stretch * moment));
            stretch = match end {
                End::Killed => (stretch * 1.15).min(3.0),
                End::Confirmed | End::Other => (stretch * 0.7).max(1.0),
            };
            end
        });
        [End::Confirmed; 3].into_iter().chain(ends).collect()
    })
}

/// Everything that was journaled in a context.
pub(super) async fn journaled(home: &Path, context: &'static str) -> Vec<Entry> {
    let since = Clock::start().now().utc - TimeDelta::hours(1);
    let journal = Journal::open(&Opening::private(home.join("state/midwatch.db"))).expect("opens");
    let entries = journal.read(move |tx| {
        let open = outbox::open(tx, context)?.into_iter().map(|record| record.entry);
        let settled = outbox::settled_since(tx, context, since, 20_000)?;
        Ok(open.chain(settled).collect::<Vec<Entry>>())
    });
    entries.await.expect("reads")
}

/// Lets the outbox catch up; everything that was journaled.
async fn caught_up(home: &Path, context: &'static str) -> Vec<Entry> {
    for _ in 0..3 {
        midwatch(home, &["outbox", "retry", "--wait", "150s"])
            .status()
            .expect("runs");
        let entries = journaled(home, context).await;
        let under_way = |entry: &Entry| matches!(entry.state, State::Pending | State::Sending);
        if !entries.iter().any(under_way) {
            return entries;
        }
    }
    panic!("the outbox did not come to rest");
}

/// Has what asks sent, by the one who was asked.
fn send(home: &Path, entry: &Entry) {
    let sent = midwatch(home, &["outbox", "send", &entry.id.to_string(), "--wait", "60s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .expect("runs");
    let said = [sent.stdout, sent.stderr].concat();
    assert!(
        sent.status.success(),
        "{}: {}{entry:?}",
        sent.status,
        String::from_utf8_lossy(&said)
    );
}

/// Every line of the audit log stands and follows the one before.
fn assert_audit_holds(home: &Path) {
    let audit = midwatch(home, &["audit", "verify"]).status().expect("runs");
    assert!(audit.success(), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_commands_and_forty_consoles_killed_at_random_lose_nothing_and_double_nothing() {
    let clock = Clock::start();
    let shop = Shop::open(1 + consoles::DOORS);
    let home = tempfile::tempdir().expect("a directory");
    shop.configure(&home.path().join("config.toml"), 0, "");
    let commands = commands::prepared(&shop).await;
    let lanes = consoles::prepared(&shop, home.path()).await;

    let rounds: Vec<Round> = tokio::task::block_in_place(|| {
        // Whoever is of the same identity may send an act: what is to be undisturbed comes one after the other.
        let lanes: Vec<_> = lanes
            .into_iter()
            .map(|lane| (consoles::undisturbed(&shop, &lane), lane))
            .collect();
        let paces = commands::paces(home.path(), &commands);
        std::thread::scope(|scope| {
            let shop = &shop;
            let lanes: Vec<_> = lanes
                .into_iter()
                .map(|(long, lane)| scope.spawn(move || consoles::kill(shop, lane, long)))
                .collect();
            let mut rounds = commands::kill(shop, home.path(), commands, &paces);
            for lane in lanes {
                rounds.extend(lane.join().expect("it runs to its end"));
            }
            rounds
        })
    });
    let killed = clock.tick().0;
    // The link is bad at first when it is caught up, then it heals.
    midwatch(home.path(), &["outbox", "retry", "--wait", "5s"])
        .status()
        .expect("runs");
    for door in &shop.doors {
        door.set(|_| Plan::pass());
    }
    let mut entries = caught_up(home.path(), "shop").await;
    let healed = clock.tick().0;

    // What never goes out twice by itself asks, and only where the server has nothing of it; it is told to go.
    let mut incidents: Vec<String> = rounds
        .iter()
        .filter(|round| !matches!(round.deed, Deed::Silence | Deed::Mark))
        .map(|round| round.subject.clone())
        .collect();
    incidents.sort();
    incidents.dedup();
    // The next console throws away the draft of what was sent; commands leave drafts alone.
    consoles::look_again(&home.path().join("console-0.toml"));
    let before = shop.books(&incidents).await;
    let first = verdict::judge(&rounds, &before, &entries, &left_unsent(home.path()).await);
    let asking: Vec<Entry> = entries
        .iter()
        .filter(|entry| entry.state == State::NeedsDecision)
        .cloned()
        .collect();
    for entry in &asking {
        send(home.path(), entry);
    }
    if !asking.is_empty() {
        entries = caught_up(home.path(), "shop").await;
    }
    consoles::look_again(&home.path().join("console-0.toml"));

    let books = shop.books(&incidents).await;
    let last = verdict::judge(&rounds, &books, &entries, &left_unsent(home.path()).await);
    let turned_away = verdict::assert_sent_once(&shop, &rounds, &books);
    eprintln!(
        "killed {} commands and {} consoles in {:.0} s, caught up in {:.0} s: {first}; decided: {last}; \
         refused by the servers themselves: {turned_away:?}",
        commands::KILLED,
        consoles::KILLED,
        killed.as_secs_f64(),
        healed.saturating_sub(killed).as_secs_f64(),
    );
    assert_eq!(last.asked, 0, "what was told to go still asks");
    // Many kills must have come after the journal, and some before it, or nothing was shown.
    assert!(last.once > rounds.len() / 4, "{last}");
    assert!(last.never > 0, "no kill came before the journal: {last}");
    for deed in [
        Deed::Note,
        Deed::Acknowledge,
        Deed::Escalate,
        Deed::Silence,
        Deed::Mark,
    ] {
        let received = |round: &&Round| round.deed == deed && round.received(&books) == 1;
        assert!(rounds.iter().any(|round| received(&round)), "none of {deed:?}");
    }
    assert_audit_holds(home.path());
}

/// Everything that is a draft of the one who acted.
async fn left_unsent(home: &Path) -> Vec<drafts::Draft> {
    let journal = Journal::open(&Opening::private(home.join("state/midwatch.db"))).expect("opens");
    let left = journal.read(|tx| drafts::load(tx, "jun@example.com", "shop"));
    left.await.expect("reads")
}
