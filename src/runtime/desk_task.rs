//! The desk's task: feeds in, the arranged board out. The arranging itself is the domain's. Start at [`arrange`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::poller::RulesFeed;
use crate::app::feed::{Feed, Status};
use crate::domain::alert::desk::{Arrangement, Desk, Inputs, RulesInput, Settings, SourceInput};
use crate::domain::alert::{AlertBoard, AlertSnapshot};
use crate::time::Clock;

/// What the desk is fed from.
pub(super) struct Gather {
    pub sources: Vec<(Arc<str>, watch::Receiver<Feed<AlertSnapshot>>)>,
    /// Who is asked for the rules, and what it said.
    pub rules: Option<(Arc<str>, watch::Receiver<RulesFeed>)>,
    pub settings: Arc<Settings>,
}

impl Gather {
    fn inputs(&self, clock: Clock) -> Inputs {
        let now = clock.tick();
        let failure = |status: &Status| match status {
            Status::Failed { cause, since, .. } => Some((Arc::clone(cause), now.since(*since))),
            Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. } => None,
        };
        let sources = self
            .sources
            .iter()
            .map(|(name, feed)| {
                let feed = feed.borrow();
                SourceInput {
                    name: Arc::clone(name),
                    snapshot: feed.shared(),
                    age: feed.age(now),
                    interval: feed.interval,
                    failure: failure(&feed.status),
                }
            })
            .collect();
        let rules = match &self.rules {
            None => RulesInput::NotConfigured,
            Some((name, feed)) => {
                let feed = feed.borrow();
                match (feed.value(), &feed.status) {
                    (None, Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }) => {
                        RulesInput::Waiting
                    }
                    (Some(None), Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }) => {
                        RulesInput::CannotKnow
                    }
                    (value, status) => RulesInput::Asked {
                        source: Arc::clone(name),
                        rules: value.and_then(Clone::clone),
                        age: feed.age(now),
                        interval: feed.interval,
                        failure: failure(status),
                    },
                }
            }
        };
        Inputs {
            sources,
            rules,
            settings: Arc::clone(&self.settings),
        }
    }

    /// Whether anybody has answered, or failed to: before that there is nothing to show.
    fn heard(&self) -> bool {
        self.sources.iter().any(|(_, feed)| {
            let feed = feed.borrow();
            feed.last.is_some() || feed.failure().is_some()
        })
    }
}

/// How often the board is laid out again where nothing was heard: its ages and verdicts move with time.
const REARRANGE: Duration = Duration::from_secs(15);

/// The desk's task: lays the board out whenever something was heard, or the question changed.
pub(super) async fn arrange(
    gather: Gather,
    mut question: watch::Receiver<Arrangement>,
    out: watch::Sender<Arc<AlertBoard>>,
    stir: Arc<Notify>,
    clock: Clock,
) {
    let mut desk = Desk::new();
    loop {
        tokio::select! {
            () = stir.notified() => {}
            changed = question.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(REARRANGE) => {}
        }
        if !gather.heard() {
            continue;
        }
        let asked = question.borrow_and_update().clone();
        let board = desk.arrange(&gather.inputs(clock), &asked, clock.now());
        out.send_replace(Arc::new(board));
        desk.tidy();
    }
}
