//! Commands: a lane for each kind of act, all on one journal.

use std::path::Path;
use std::time::Duration;

use super::shop::Shop;
use super::verdict::{Deed, Round};
use super::{End, kill_in_lanes, spoilt};

/// How often a command of each kind is killed; three more of each are not.
const KILLS: [(Deed, u64); 4] = [
    (Deed::Note, 60),
    (Deed::Silence, 60),
    (Deed::Acknowledge, 40),
    (Deed::Escalate, 40),
];

/// Incidents that the notes are on. Their order is kept at each, and one whose answer was lost holds up the next for
/// half a minute, so few share one.
const TALKED: u64 = 30;

/// How often a command is killed.
pub const KILLED: u64 = 200;

/// Opens the incidents that there is something to do about.
pub async fn prepared(shop: &Shop) -> Vec<Vec<Round>> {
    let mut talked = Vec::new();
    for n in 0..TALKED {
        talked.push(shop.incident(&format!("talked {n}")).await);
    }
    let mut lanes = Vec::new();
    for (deed, kills) in KILLS {
        let mut lane = Vec::new();
        for n in 0..kills + 3 {
            let subject = match deed {
                Deed::Note => talked[(n % TALKED) as usize].clone(),
                Deed::Acknowledge | Deed::Escalate => shop.incident(&format!("{deed:?} {n}")).await,
                Deed::Silence => format!("round=command-{n}"),
                Deed::Mark => unreachable!("no command marks a moment"),
            };
            lane.push(Round {
                deed,
                subject,
                text: format!("{deed:?} {n}."),
                end: End::Killed,
            });
        }
        lanes.push(lane);
    }
    assert_eq!(KILLS.iter().map(|(_, kills)| kills).sum::<u64>(), KILLED);
    lanes
}

fn arguments(round: &Round) -> Vec<&str> {
    let (subject, text) = (round.subject.as_str(), round.text.as_str());
    match round.deed {
        Deed::Note => vec!["annotate", subject, text],
        Deed::Acknowledge => vec!["ack", subject],
        Deed::Escalate => vec!["escalate", subject, "--to", "2"],
        Deed::Silence => vec!["silence", subject, "--for", "1h", "--comment", text],
        Deed::Mark => unreachable!("no command marks a moment"),
    }
}

fn lines(lanes: &[Vec<Round>]) -> Vec<Vec<Vec<&str>>> {
    let all = lanes.iter();
    all.map(|lane| lane.iter().map(arguments).collect()).collect()
}

/// How long those of each lane take.
pub fn paces(home: &Path, lanes: &[Vec<Round>]) -> Vec<Duration> {
    super::paces(home, &lines(lanes))
}

/// Runs and kills them all.
pub fn kill(shop: &Shop, home: &Path, mut lanes: Vec<Vec<Round>>, paces: &[Duration]) -> Vec<Round> {
    // A read that fails ends a command before anything is journaled, and that is not what is to be shown.
    shop.doors[0].set(|way| spoilt(7 + way, 0.03));
    let ends = kill_in_lanes(home, &lines(&lanes), paces);
    for (round, end) in lanes.iter_mut().flatten().zip(ends.into_iter().flatten()) {
        round.end = end;
    }
    lanes.into_iter().flatten().collect()
}
