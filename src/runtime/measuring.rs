//! The SLO engine's task: runs what is due, publishes the board. Start at [`Measuring::run`].

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, watch};

use super::poller::RulesFeed;
use crate::app::feed::{Feed, Fetched, Status};
use crate::backend::metrics::Metrics;
use crate::backend::metrics::engine::Engine;
use crate::domain::slo::{Reading, SloBoard};
use crate::time::Clock;

/// What the SLO engine's task owns.
pub(super) struct Measuring {
    pub engine: Engine,
    /// What was wrong with the definitions at load.
    pub warnings: Vec<String>,
    pub out: watch::Sender<Feed<SloBoard>>,
    pub rules: watch::Receiver<RulesFeed>,
    pub wake: Arc<Notify>,
    pub clock: Clock,
}

impl Measuring {
    /// Asks what is due, side by side: a slow month never holds up the five minutes.
    pub async fn run(mut self, metrics: Arc<dyn Metrics>) {
        let mut running = FuturesUnordered::new();
        let mut heard_rules = true;
        loop {
            for batch in self.engine.take_due(self.clock.now()) {
                running.push(batch.run(&*metrics));
            }
            let now = self.clock.tick();
            let due = self.engine.next_due(now).since(now);
            tokio::select! {
                Some(outcome) = running.next() => {
                    let now = self.clock.now();
                    self.engine.apply(outcome, now);
                    self.publish();
                }
                changed = self.rules.changed(), if heard_rules => {
                    heard_rules = changed.is_ok();
                    let rules = self.rules.borrow_and_update().value().and_then(Clone::clone);
                    if let Some(rules) = rules {
                        self.engine.hear_rules(&rules);
                    }
                }
                () = tokio::time::sleep(due) => {}
                () = self.wake.notified() => self.engine.hurry(),
            }
        }
    }

    fn publish(&mut self) {
        let now = self.clock.now();
        let mut board = self.engine.board(now);
        board.warnings.splice(0..0, self.warnings.iter().cloned());
        // Nothing known and something failed: that is a failed feed, not an empty board.
        let failure = board
            .errors
            .first()
            .map(|failure| Arc::from(failure.message.as_str()));
        let nothing = board.slos.iter().all(|slo| {
            slo.windows
                .iter()
                .all(|w| matches!(w.reading, Reading::Pending | Reading::Error(_)))
        });
        let next_try = self.engine.next_due(now.tick);
        self.out.send_modify(|feed| match failure {
            Some(cause) if nothing => {
                let since = match &feed.status {
                    Status::Failed { since, .. } => *since,
                    Status::Idle | Status::InFlight { .. } => now.tick,
                };
                feed.status = Status::Failed {
                    cause,
                    since,
                    next_try,
                };
                if !board.slos.is_empty() {
                    let at = feed.last.as_ref().map_or(now.tick, |last| last.at);
                    feed.last = Some(Fetched {
                        value: Arc::new(board),
                        at,
                    });
                }
            }
            Some(_) | None => {
                feed.status = Status::Idle;
                feed.last = Some(Fetched {
                    value: Arc::new(board),
                    at: now.tick,
                });
            }
        });
    }
}
