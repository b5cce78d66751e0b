//! Commands that resolve and reassign incidents of PagerDuty, killed over a bad link: what cannot be taken back by
//! doing it again.

use midwatch::demo::faults::Plan;
use midwatch::domain::incident::IncidentAct;
use midwatch::outbox::{Entry, Payload, State};

use super::shop::Shop;
use super::{End, assert_audit_holds, caught_up, kill_in_lanes, midwatch, paces, spoilt};

/// How often a command of each kind is killed; three more of each are not.
const KILLS: u64 = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Resolve,
    Reassign,
}

#[derive(Debug)]
struct Round {
    deed: Deed,
    incident: String,
    end: End,
}

impl Round {
    fn arguments(&self) -> Vec<&str> {
        match self.deed {
            Deed::Resolve => vec!["resolve", &self.incident],
            Deed::Reassign => vec!["reassign", &self.incident, "--to", "Sam"],
        }
    }

    fn is(&self, entry: &Entry) -> bool {
        let Payload::Incident { incident, act, .. } = &entry.payload else {
            return false;
        };
        *incident.0 == *self.incident
            && match act {
                IncidentAct::Resolve { .. } => self.deed == Deed::Resolve,
                IncidentAct::ReassignTo { .. } => self.deed == Deed::Reassign,
                other => panic!("nobody asked for {other:?}"),
            }
    }

    /// How often PagerDuty's log says that it was done.
    async fn received(&self, shop: &Shop) -> usize {
        let logged = shop.logged(&self.incident).await;
        let kind = match self.deed {
            Deed::Resolve => "resolve_log_entry",
            Deed::Reassign => "assign_log_entry",
        };
        logged.get(kind).copied().unwrap_or_default()
    }
}

/// What became of all of them: done once, refused, asked about, never accepted.
type Tally = [usize; 4];

async fn judge(shop: &Shop, rounds: &[Round], entries: &[Entry]) -> Tally {
    let mut tally = Tally::default();
    for round in rounds {
        let received = round.received(shop).await;
        let of_it: Vec<&Entry> = entries.iter().filter(|entry| round.is(entry)).collect();
        assert!(received <= 1, "done {received} times: {round:?} {of_it:?}");
        assert!(of_it.len() <= 1, "{round:?} {of_it:?}");
        if round.end == End::Confirmed {
            assert_eq!(received, 1, "said to be confirmed, and lost: {round:?}");
        }
        let at = match of_it.first().map(|entry| entry.state) {
            Some(State::Confirmed) => {
                assert_eq!(received, 1, "{round:?} {of_it:?}");
                0
            }
            Some(State::Failed) => {
                assert_eq!(received, 0, "{round:?} {of_it:?}");
                1
            }
            Some(State::NeedsDecision) => {
                assert_eq!(received, 0, "it was done, and asks: {round:?} {of_it:?}");
                2
            }
            None => {
                assert_eq!(received, 0, "sent before it was kept: {round:?}");
                3
            }
            Some(State::Pending | State::Sending | State::Cancelled) => panic!("{round:?} {of_it:?}"),
        };
        tally[at] += 1;
    }
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_killed_as_they_resolve_and_reassign_lose_nothing_and_double_nothing() {
    let shop = Shop::open(1);
    let home = tempfile::tempdir().expect("a directory");
    let home = home.path();
    shop.configure(&home.join("config.toml"), 0, "");
    let mut lanes = Vec::new();
    for deed in [Deed::Resolve, Deed::Reassign] {
        let mut lane = Vec::new();
        for n in 0..KILLS + 3 {
            lane.push(Round {
                deed,
                incident: shop.incident(&format!("{deed:?} {n}")).await,
                end: End::Killed,
            });
        }
        lanes.push(lane);
    }
    tokio::task::block_in_place(|| {
        let commands: Vec<Vec<Vec<&str>>> = lanes
            .iter()
            .map(|lane| lane.iter().map(Round::arguments).collect())
            .collect();
        let paces = paces(home, &commands);
        shop.doors[0].set(|way| spoilt(31 + way, 0.03));
        let ends = kill_in_lanes(home, &commands, &paces);
        drop(commands);
        for (round, end) in lanes.iter_mut().flatten().zip(ends.into_iter().flatten()) {
            round.end = end;
        }
    });
    let rounds: Vec<Round> = lanes.into_iter().flatten().collect();
    // The link is bad at first when it is caught up, then it heals.
    midwatch(home, &["outbox", "retry", "--wait", "5s"])
        .status()
        .expect("runs");
    shop.doors[0].set(|_| Plan::pass());
    let mut entries = caught_up(home, "shop").await;
    let first = judge(&shop, &rounds, &entries).await;
    for entry in entries.iter().filter(|entry| entry.state == State::NeedsDecision) {
        let sent = midwatch(home, &["outbox", "send", &entry.id.to_string(), "--wait", "60s"]).status();
        assert!(sent.expect("runs").success(), "{entry:?}");
    }
    entries = caught_up(home, "shop").await;
    let last = judge(&shop, &rounds, &entries).await;
    eprintln!(
        "killed {} commands; done, refused, ask, never accepted: {first:?}, decided: {last:?}",
        2 * KILLS
    );
    let [done, _, asked, never] = last;
    assert_eq!(asked, 0, "what was told to go still asks");
    assert!(done > rounds.len() / 4 && never > 0, "{last:?}");
    assert_audit_holds(home);
}
