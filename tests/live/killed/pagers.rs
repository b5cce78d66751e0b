//! Local incidents: who is woken by a program that takes its time, whoever is killed meanwhile.
//!
//! The program keeps a book of its own: a line as it begins, one as it ends. It is what the journal is judged by:
//! nobody is woken twice by one page, and of a page that may not have arrived it is asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use midwatch::backend::http::Wires;
use midwatch::backend::incidents::Incidents as _;
use midwatch::backend::incidents::local::Local;
use midwatch::config::{Config, Environment, decode_text};
use midwatch::domain::incident::local::Declaration;
use midwatch::domain::incident::{IncidentAct, IncidentId, Severity};
use midwatch::domain::timeline::EventKind;
use midwatch::journal::{Journal, Opening, notices};
use midwatch::notify::{Notice, Unreached};
use midwatch::outbox::{Entry, Payload, State};
use midwatch::time::Clock;
use rustix::process::Signal;

use super::super::harness::Setup;
use super::{End, assert_audit_holds, journaled, kill_in_lanes, midwatch, paces, share};

/// How often a command of each lane is killed; three more of each are not.
const KILLS: usize = 40;
/// How often a console is killed that sends what killed commands left.
const CONSOLES: u64 = 12;
/// How long the program takes, and its limit.
const RINGS: &str = "0.4";
const LIMIT: Duration = Duration::from_secs(2);
/// How long until whoever vanished with a page in hand counts as gone, and some more.
const GONE: Duration = Duration::from_secs(45);

/// What one lane does, over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Declare,
    Escalate,
    Acknowledge,
    Note,
}

const LANES: [Deed; 4] = [Deed::Declare, Deed::Escalate, Deed::Acknowledge, Deed::Note];

struct Round {
    deed: Deed,
    /// The incident; what is to be declared has none yet.
    incident: String,
    /// The title, or what is said; no other round says the same.
    text: String,
    end: End,
}

impl Round {
    fn arguments(&self) -> Vec<&str> {
        let (incident, text) = (self.incident.as_str(), self.text.as_str());
        match self.deed {
            Deed::Declare => vec!["declare", "--title", text, "--severity", "SEV2"],
            Deed::Escalate => vec!["escalate", incident, "--to", "2"],
            Deed::Acknowledge => vec!["ack", incident],
            Deed::Note => vec!["annotate", incident, text],
        }
    }

    fn is(&self, entry: &Entry) -> bool {
        let Payload::Incident { incident, act, .. } = &entry.payload else {
            return false;
        };
        *incident.0 == *self.incident
            && match act {
                IncidentAct::Escalate { .. } => self.deed == Deed::Escalate,
                IncidentAct::Acknowledge => self.deed == Deed::Acknowledge,
                IncidentAct::Note { text } => self.deed == Deed::Note && *text == self.text,
                other => panic!("nobody asked for {other:?}"),
            }
    }
}

fn configured(home: &Path, pager: &str) -> String {
    format!(
        "state_dir = \"{}\"\nidentity = \"jun\"\n[contexts.shop]\nincidents = {{ kind = \"local\" }}\n\
         people = [{{ name = \"jun\" }}, {{ name = \"mara\" }}]\n\
         escalation_policies = [{{ name = \"default\", levels = [{{ notify = [\"jun\"], delay = \"2h\" }}, \
         {{ notify = [\"mara\"] }}] }}]\n\
         notify = [{{ name = \"pager\", kind = \"command\", timeout = \"{}s\", command = {pager} }}]\n",
        home.join("state").display(),
        LIMIT.as_secs(),
    )
}

/// The configuration of the commands, with the program that they page by.
fn configure(home: &Path) {
    let (program, book) = (home.join("pager.sh"), home.join("book"));
    let book = book.display();
    std::fs::write(
        &program,
        format!("echo \"$1 $2 rings\" >> {book}\n/bin/sleep {RINGS}\necho \"$1 $2 rang\" >> {book}\n"),
    )
    .expect("writes");
    let pager = format!(
        "[\"/bin/sh\", \"{}\", \"{{incident}}\", \"{{level}}\"]",
        program.display()
    );
    std::fs::write(home.join("config.toml"), configured(home, &pager)).expect("writes");
}

fn read_config(home: &Path) -> Config {
    let text = std::fs::read_to_string(home.join("config.toml")).expect("reads");
    decode_text(&text, None, &Environment::default())
        .expect("reads as a configuration")
        .config
}

fn journal(home: &Path) -> Journal {
    Journal::open(&Opening::private(home.join("state/midwatch.db"))).expect("opens")
}

/// Opens the incidents that there is something to do about; their first level is told by a program of no words.
async fn prepared(home: &Path) -> Vec<Vec<Round>> {
    let quiet = configured(home, "[\"/bin/true\"]");
    let config = decode_text(&quiet, None, &Environment::default())
        .expect("a configuration")
        .config;
    std::fs::create_dir_all(home.join("state")).expect("a directory");
    let local = Local::new(journal(home), &config, &config.contexts["shop"], Clock::start());
    let courier = local.courier(Arc::new(Wires::default()));
    let mut lanes = Vec::new();
    for deed in LANES {
        let mut lane = Vec::new();
        for n in 0..KILLS + 3 {
            let text = format!("{deed:?} {n}.");
            let incident = if deed == Deed::Declare {
                String::new()
            } else {
                let declared = local.declare(Declaration {
                    title: format!("for {text}").into(),
                    severity: Severity::Sev2,
                    service: None,
                    policy: None,
                    alerts: Vec::new(),
                    by: "jun".into(),
                    rule: None,
                });
                declared.await.expect("kept").id().to_string()
            };
            lane.push(Round {
                deed,
                incident,
                text,
                end: End::Killed,
            });
        }
        lanes.push(lane);
    }
    while courier.deliver().await.expect("sends").is_some() {}
    lanes
}

/// Opens consoles, one after the other, and kills each as it sends what others left.
fn kill_consoles(config: &Path) {
    for n in 0..CONSOLES {
        let mut console = Setup::midwatch(&["--config", config.to_str().expect("UTF-8")]).start();
        console.wait_for("midwatch");
        console.watch(Duration::from_secs(2).mul_f64(share(41, n)));
        console.signal(Signal::KILL);
        console.wait_exit();
    }
}

/// A page as the journal has it.
struct Page {
    notice: Notice,
    state: String,
}

async fn pages(home: &Path) -> Vec<Page> {
    let journal = journal(home);
    let read = journal.read(|tx| {
        let mut query = tx.prepare("SELECT state, record FROM notices ORDER BY id")?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    let rows = read.await.expect("reads").into_iter();
    rows.map(|(state, record)| {
        let queued: notices::Queued = serde_json::from_str(&record).expect("a record");
        Page {
            notice: queued.notice,
            state,
        }
    })
    .collect()
}

/// Lets commands send what waits until nothing does: what vanished with its sender is known to have, then.
async fn caught_up(home: &Path) -> Vec<Page> {
    let clock = Clock::start();
    loop {
        midwatch(home, &["outbox", "retry", "--wait", "10s"])
            .status()
            .expect("runs");
        let pages = pages(home).await;
        let acts = journaled(home, "shop").await;
        let going = |entry: &Entry| matches!(entry.state, State::Pending | State::Sending);
        if !pages
            .iter()
            .any(|page| matches!(&*page.state, "waiting" | "sending"))
            && !acts.iter().any(going)
        {
            return pages;
        }
        assert!(clock.tick().0 < GONE, "it does not come to rest");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// How often the program began, and ended, for each incident and level.
fn book(home: &Path) -> BTreeMap<(String, u32), (usize, usize)> {
    let text = std::fs::read_to_string(home.join("book")).expect("somebody was paged");
    let mut book: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let incident = words.next().expect("an incident").to_owned();
        let level = words
            .next()
            .and_then(|level| level.parse().ok())
            .expect("a level");
        let times = book.entry((incident, level)).or_default();
        match words.next() {
            Some("rings") => times.0 += 1,
            Some("rang") => times.1 += 1,
            other => panic!("{other:?} in the book"),
        }
    }
    book
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_consoles_killed_over_a_slow_pager_wake_nobody_twice_and_ask_where_nobody_may_be_woken()
{
    let home = tempfile::tempdir().expect("a directory");
    let home = home.path();
    configure(home);
    let mut lanes = prepared(home).await;
    tokio::task::block_in_place(|| {
        let commands: Vec<Vec<Vec<&str>>> = lanes
            .iter()
            .map(|lane| lane.iter().map(Round::arguments).collect())
            .collect();
        let paces = paces(home, &commands);
        let config = home.join("config.toml");
        let ends = std::thread::scope(|scope| {
            let consoles = scope.spawn(|| kill_consoles(&config));
            let ends = kill_in_lanes(home, &commands, &paces);
            consoles.join().expect("they run to their end");
            ends
        });
        drop(commands);
        for (round, end) in lanes.iter_mut().flatten().zip(ends.into_iter().flatten()) {
            round.end = end;
        }
    });
    let pages = caught_up(home).await;
    // What wakes people is never sent again by itself: where it was not done it asks, and is told to go.
    let asking: Vec<Entry> = journaled(home, "shop").await;
    let asking: Vec<Entry> = asking
        .into_iter()
        .filter(|entry| entry.state == State::NeedsDecision)
        .collect();
    for entry in &asking {
        let Payload::Incident {
            incident,
            act: IncidentAct::Escalate { .. },
            ..
        } = &entry.payload
        else {
            panic!("it asks, and wakes nobody: {entry:?}");
        };
        let woken = pages
            .iter()
            .any(|page| page.notice.incident == incident.0 && page.notice.level() == Some(2));
        assert!(!woken, "it was done, and asks: {entry:?}");
        let sent = midwatch(home, &["outbox", "send", &entry.id.to_string(), "--wait", "60s"]).status();
        assert!(sent.expect("runs").success(), "{entry:?}");
    }
    let pages = caught_up(home).await;
    let (book, entries) = (book(home), journaled(home, "shop").await);
    let config = read_config(home);
    let local = Local::new(journal(home), &config, &config.contexts["shop"], Clock::start());
    let unreached = journal(home)
        .read(|tx| notices::unreached(tx, "shop"))
        .await
        .expect("reads");

    // Page by page: the journal says of each what the program's own book says.
    let mut tally = [0_usize; 3];
    let of = |incident: &str, level: u32| -> Vec<&Page> {
        let same = |page: &&Page| *page.notice.incident == *incident && page.notice.level() == Some(level);
        pages.iter().filter(same).collect()
    };
    for ((incident, level), (rings, _)) in &book {
        assert_eq!(*rings, 1, "{incident} level {level} was woken {rings} times");
        assert_eq!(
            of(incident, *level).len(),
            1,
            "a page that the journal does not know"
        );
    }
    for page in &pages {
        let level = page.notice.level().expect("only levels are woken");
        let Some(round) = lanes.iter().flatten().find(|round| {
            let declared = round.deed == Deed::Declare && *page.notice.title == *round.text;
            declared || (level == 2 && *round.incident == *page.notice.incident)
        }) else {
            // Woken before it began, by no words.
            continue;
        };
        let key = (page.notice.incident.to_string(), level);
        let times = book.get(&key).copied().unwrap_or_default();
        let asked = |page: &Page| {
            let same =
                |other: &&Unreached| other.incident.0 == page.notice.incident && other.level() == Some(level);
            unreached.iter().filter(same).count()
        };
        match &*page.state {
            "delivered" => {
                tally[0] += 1;
                assert_eq!((times, asked(page)), ((1, 1), 0), "{key:?}");
            }
            "unclear" => {
                tally[1] += 1;
                assert_eq!(asked(page), 1, "{key:?} is lost: {:?}", round.text);
            }
            "not_needed" => {
                tally[2] += 1;
                assert_eq!(times, (0, 0), "{key:?}");
            }
            other => panic!("{key:?} is {other}"),
        }
        if round.end == End::Confirmed {
            assert_eq!(&*page.state, "delivered", "{key:?}: said to have woken somebody");
        }
    }

    // Act by act: what was accepted is there once.
    let mut never = 0;
    for round in lanes.iter().flatten() {
        let of_it: Vec<&Entry> = entries.iter().filter(|entry| round.is(entry)).collect();
        let done = of_it
            .iter()
            .filter(|entry| entry.state == State::Confirmed)
            .count();
        let story = async |kind: EventKind, words: &str| {
            let story = local
                .story(IncidentId(round.incident.as_str().into()))
                .await
                .expect("told");
            let told = story.events.iter();
            told.filter(|event| event.kind == kind && event.text.contains(words))
                .count()
        };
        let there = match round.deed {
            Deed::Declare => {
                let named = pages.iter().filter(|page| *page.notice.title == *round.text);
                named.count()
            }
            Deed::Escalate => of(&round.incident, 2).len(),
            Deed::Acknowledge => story(EventKind::Acknowledged, "").await,
            Deed::Note => story(EventKind::Note, &round.text).await,
        };
        let (text, end) = (&round.text, round.end);
        assert!(there <= 1, "{text} is there {there} times: {of_it:?}");
        if round.deed != Deed::Declare {
            assert!(of_it.len() <= 1, "{text}: {of_it:?}");
            assert_eq!(done, there, "{text}: {of_it:?}");
            assert_eq!(done, of_it.len(), "{text} is not done: {of_it:?}");
        }
        if end == End::Confirmed {
            assert_eq!(there, 1, "{text} was said to be done, and is lost");
        }
        never += usize::from(there == 0);
    }
    let [delivered, unclear, needless] = tally;
    eprintln!(
        "killed {} commands and {CONSOLES} consoles: {delivered} pages delivered once, {unclear} asked about, \
         {needless} not needed; {} escalations asked; {never} acts never accepted",
        KILLS * LANES.len(),
        asking.len(),
    );
    // Some were killed with a page in hand, and others were not, or nothing was shown.
    assert!(unclear > 0 && delivered > KILLS / 2);
    assert_audit_holds(home);
}
