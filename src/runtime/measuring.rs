//! The SLO engine's task: runs what is due, publishes the board. Start at [`Measuring::run`].

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, watch};

use super::poller::{HealthLine, RulesFeed};
use crate::app::feed::{Feed, Fetched, Status};
use crate::backend::metrics::Metrics;
use crate::backend::metrics::engine::Engine;
use crate::domain::slo::SloBoard;
use crate::time::Clock;
use crate::time::alarm::Alarm;

/// How often the board is judged anew where nothing was heard.
const REJUDGE: Duration = Duration::from_secs(15);

/// What the SLO engine's task owns.
pub(super) struct Measuring {
    pub engine: Engine,
    /// What was wrong with the definitions at load.
    pub warnings: Vec<String>,
    pub out: watch::Sender<Feed<SloBoard>>,
    /// The store's line: its queries tell how it is, not its rules.
    pub health: HealthLine,
    pub rules: watch::Receiver<RulesFeed>,
    pub wake: Arc<Notify>,
    pub clock: Clock,
}

impl Measuring {
    /// Asks what is due, side by side: a slow month never holds up the five minutes.
    pub async fn run(mut self, metrics: Arc<dyn Metrics>) {
        let mut running = FuturesUnordered::new();
        let mut heard_rules = true;
        let alarm = Alarm::new(self.clock);
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
                // Readings grow stale while nobody answers: that is said as well.
                () = alarm.after(due.min(REJUDGE)) => self.publish(),
                () = self.wake.notified() => self.engine.hurry(),
            }
        }
    }

    fn publish(&mut self) {
        let now = self.clock.now();
        let mut board = self.engine.board(now);
        board.warnings.splice(0..0, self.warnings.iter().cloned());
        let pulse = self.engine.pulse();
        let status = match pulse.failure {
            Some((cause, since)) => Status::Failed {
                cause,
                since,
                next_try: self.engine.next_due(now.tick),
            },
            None => Status::Idle,
        };
        if pulse.last_good.is_some() || status != Status::Idle {
            self.health.tell(&status, pulse.last_good, pulse.interval);
        }
        self.out.send_modify(|feed| {
            feed.interval = pulse.interval;
            feed.status = status;
            // Judged now, but no younger than what it is judged by; and no board at all before the first answer.
            if let Some(at) = pulse.last_good {
                let value = Arc::new(board);
                feed.last = Some(Fetched { value, at });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::app::BackendHealth;
    use crate::backend::ErrorKind;
    use crate::backend::metrics::engine::tests::{Fake, error, slo};
    use crate::backend::metrics::engine::{Discover, Settings};
    use crate::domain::slo::SloState;

    const POLL: Duration = Duration::from_secs(15);

    /// A server that is well or not, and what is published of it.
    struct Scene {
        well: Arc<AtomicBool>,
        feed: watch::Receiver<Feed<SloBoard>>,
        lights: watch::Receiver<Vec<BackendHealth>>,
        clock: Clock,
        task: tokio::task::JoinHandle<()>,
    }

    impl Scene {
        fn start(well: bool) -> Self {
            let clock = Clock::with_tokio(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
            let well = Arc::new(AtomicBool::new(well));
            let is_well = Arc::clone(&well);
            let metrics = Fake::answering(move |_| {
                if is_well.load(Ordering::Relaxed) {
                    Ok(None)
                } else {
                    Err(error(ErrorKind::Unreachable, None, "connection refused"))
                }
            });
            let settings = Settings {
                poll: POLL,
                discover: Discover::No,
            };
            let (out, feed) = watch::channel(Feed::new(POLL));
            let (health, lights) = watch::channel(vec![BackendHealth {
                name: "metrics".into(),
                status: Status::Idle,
                last_good: None,
                interval: POLL,
                counters: crate::backend::http::Counters::default(),
                skew: None,
                low: None,
            }]);
            let (_, rules) = watch::channel(Feed::new(POLL));
            let measuring = Measuring {
                engine: Engine::new(vec![slo("checkout")], settings),
                warnings: Vec::new(),
                out,
                health: HealthLine {
                    health,
                    index: 0,
                    client: None,
                },
                rules,
                wake: Arc::new(Notify::new()),
                clock,
            };
            #[expect(clippy::disallowed_methods, reason = "the test is the session here")]
            let task = tokio::spawn(measuring.run(Arc::new(metrics)));
            Self {
                well,
                feed,
                lights,
                clock,
                task,
            }
        }

        /// The feed after so many seconds.
        async fn after(&mut self, seconds: u64) -> Feed<SloBoard> {
            let until = self.clock.tick() + Duration::from_secs(seconds);
            while self.clock.tick() < until {
                let left = until.since(self.clock.tick());
                let _ = tokio::time::timeout(left, self.feed.changed()).await;
                self.feed.borrow_and_update();
            }
            self.feed.borrow().clone()
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            self.task.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_dead_from_the_start_fails_with_a_short_cause_and_has_no_board() {
        let mut scene = Scene::start(false);
        let feed = scene.after(100).await;
        assert_eq!(feed.failure(), Some("connection refused"));
        assert_eq!(feed.last, None, "no board, so no age: nothing was ever read");
        let Status::Failed { since, next_try, .. } = feed.status else {
            panic!("{:?}", feed.status);
        };
        assert!(scene.clock.tick().since(since) >= Duration::from_secs(99));
        assert!(next_try > scene.clock.tick());
        let light = scene.lights.borrow()[0].clone();
        assert!(matches!(light.status, Status::Failed { .. }), "{light:?}");
        assert_eq!(light.last_good, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_dies_fails_at_once_and_its_board_keeps_its_age_until_it_is_back() {
        let mut scene = Scene::start(true);
        let feed = scene.after(20).await;
        assert_eq!((feed.failure(), feed.is_stale(scene.clock.tick())), (None, false));
        scene.well.store(false, Ordering::Relaxed);
        let feed = scene.after(15).await;
        assert_eq!(feed.failure(), Some("connection refused"));
        let light = scene.lights.borrow()[0].clone();
        assert!(matches!(light.status, Status::Failed { .. }), "{light:?}");
        assert_eq!(light.last_good, feed.last.map(|last| last.at));
        let feed = scene.after(60).await;
        assert!(feed.age(scene.clock.tick()).unwrap() >= Duration::from_secs(75));
        assert!(feed.is_stale(scene.clock.tick()));
        let report = Arc::clone(&feed.value().unwrap().slos[0]);
        assert_eq!(report.state, SloState::Ok, "the last values stay");
        assert!(report.warnings.iter().any(|w| w.starts_with("stale: 5m")));
        scene.well.store(true, Ordering::Relaxed);
        let feed = scene.after(120).await;
        assert_eq!((feed.failure(), feed.is_stale(scene.clock.tick())), (None, false));
    }
}
