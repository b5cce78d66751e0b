//! One source asked for ever: its feed, its line in the health overlay, and how long it waits.
//!
//! Knows neither what is asked nor who reads the feed. Start at [`Poller::run`].

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Notify, watch};

use super::pace;
use crate::app::BackendHealth;
use crate::app::feed::{Feed, Fetched, Status};
use crate::backend::BackendResult;
use crate::backend::http::{Client, Jitter};
use crate::backend::metrics::AlertingRule;
use crate::time::alarm::Alarm;
use crate::time::{Clock, Tick};

/// Alerting rules as polled; `None` inside where the store cannot know them.
pub(super) type RulesFeed = Feed<Option<Arc<Vec<AlertingRule>>>>;

/// One backend's line in the health overlay.
pub(super) struct HealthLine {
    pub health: watch::Sender<Vec<BackendHealth>>,
    /// Which line.
    pub index: usize,
    pub client: Option<Arc<Client>>,
}

impl HealthLine {
    /// Says how the backend is; `last_good` stays as it was where none is given.
    pub fn tell(&self, status: &Status, last_good: Option<Tick>, interval: Duration) {
        self.health.send_modify(|all| {
            let Some(health) = all.get_mut(self.index) else {
                return;
            };
            // A failure lasts since it began, whoever told of it then.
            let began = match &health.status {
                Status::Failed { since, .. } => Some(*since),
                Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. } => None,
            };
            health.status.clone_from(status);
            if let (Some(began), Status::Failed { since, .. }) = (began, &mut health.status) {
                *since = began.min(*since);
            }
            health.last_good = last_good.or(health.last_good);
            health.interval = interval;
            if let Some(client) = &self.client {
                health.counters = client.counters();
                health.skew = client.skew();
            }
        });
    }

    /// Says that it is asked no sooner than that after an answer, because its allowance runs low.
    fn slowed(&self, no_sooner: Duration) {
        let low = self.client.as_ref().and_then(|client| client.allowance());
        let low = low.filter(|_| !no_sooner.is_zero());
        self.health.send_if_modified(|all| {
            let changed = all.get_mut(self.index).filter(|health| health.low != low);
            changed.map(|health| health.low = low).is_some()
        });
    }
}

/// What a poller needs beside its question.
pub(super) struct Poller<T> {
    pub out: watch::Sender<Feed<T>>,
    /// None where another task speaks for the same backend.
    pub health: Option<HealthLine>,
    /// Asked now, out of turn.
    pub wake: Arc<Notify>,
    /// Told after each answer.
    pub stir: Arc<Notify>,
    pub clock: Clock,
}

impl<T> Poller<T> {
    /// Asks for ever.
    pub async fn run<'a>(self, ask: impl Fn() -> BoxFuture<'a, BackendResult<T>>) {
        self.run_no_sooner(ask, || Duration::ZERO).await;
    }

    /// The same, with a wait of its own at least after each answer: a source whose allowance runs low is asked
    /// less often, before it refuses.
    pub async fn run_no_sooner<'a>(
        self,
        ask: impl Fn() -> BoxFuture<'a, BackendResult<T>>,
        no_sooner: impl Fn() -> Duration,
    ) {
        let configured = self.out.borrow().interval;
        let index = self.health.as_ref().map_or(usize::MAX, |health| health.index);
        let mut jitter = Jitter::seeded(self.clock.seed(), &format!("poller {index}"));
        let alarm = Alarm::new(self.clock);
        let mut failures = 0;
        let mut failing_since = None;
        loop {
            let result = ask().await;
            let now = self.clock.tick();
            let floor = no_sooner();
            let interval = configured.max(floor);
            let deaf = match &result {
                // A held key must not use up what is left.
                Ok(_) => pace::deaf_when_scarce(floor),
                Err(error) => pace::deaf(error.retry_after),
            };
            let wait = match &result {
                Ok(_) => {
                    failures = 0;
                    pace::wait(now, interval)
                }
                Err(error) => {
                    failures += 1;
                    pace::wait_after_failure(interval, failures, error.retry_after, jitter.next())
                }
            };
            let status = match &result {
                Ok(_) => {
                    failing_since = None;
                    Status::Idle
                }
                Err(error) => Status::Failed {
                    cause: error.cause().into(),
                    since: *failing_since.get_or_insert(now),
                    next_try: now + wait,
                },
            };
            if let Some(health) = &self.health {
                health.slowed(floor);
                health.tell(&status, result.is_ok().then_some(now), interval);
            }
            self.out.send_modify(|feed| {
                if let Ok(value) = result {
                    feed.last = Some(Fetched {
                        value: Arc::new(value),
                        at: now,
                    });
                }
                feed.status = status;
                // What is asked less often is stale later.
                feed.interval = interval;
            });
            self.stir.notify_one();
            let hearing = self.clock.tick() + deaf;
            // A timer is set only once somebody presses: most waits pass without.
            let pressed = async {
                self.wake.notified().await;
                tokio::time::sleep(hearing.since(self.clock.tick())).await;
            };
            tokio::select! {
                () = alarm.after(wait) => {}
                () = pressed => {}
            }
            // Whoever pressed in the meantime is served by the attempt that follows.
            let _ = self.wake.notified().now_or_never();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::backend::metrics::engine::tests::error;
    use crate::backend::{BackendError, ErrorKind};

    #[test]
    fn a_failure_lasts_since_it_began_however_often_it_is_told() {
        let (health, told) = watch::channel(vec![BackendHealth {
            name: "logs".into(),
            status: Status::Idle,
            last_good: None,
            interval: Duration::from_secs(5),
            counters: crate::backend::http::Counters::default(),
            skew: None,
            low: None,
        }]);
        let line = HealthLine {
            health,
            index: 0,
            client: None,
        };
        let at = |seconds| Tick(Duration::from_secs(seconds));
        let failed = |seconds| Status::Failed {
            cause: "refused".into(),
            since: at(seconds),
            next_try: at(seconds),
        };
        let since = || match told.borrow()[0].status {
            Status::Failed { since, .. } => Some(since),
            Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. } => None,
        };
        for seconds in [10, 70] {
            line.tell(&failed(seconds), None, Duration::from_secs(5));
            assert_eq!(since(), Some(at(10)));
        }
        line.tell(&Status::Idle, Some(at(80)), Duration::from_secs(5));
        line.tell(&failed(90), None, Duration::from_secs(5));
        assert_eq!(since(), Some(at(90)), "it was well in between");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_whose_allowance_runs_low_is_asked_less_often_until_it_does_not() {
        let clock = Clock::with_tokio(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let (out, feed) = watch::channel(Feed::<()>::new(Duration::from_secs(10)));
        let wake = Arc::new(Notify::new());
        let poller = Poller {
            out,
            health: None,
            wake: Arc::clone(&wake),
            stir: Arc::default(),
            clock,
        };
        let start = clock.tick();
        let asked = Mutex::new(Vec::new());
        let scarce = || {
            let low = (50..120).contains(&clock.tick().since(start).as_secs());
            Duration::from_secs(if low { 30 } else { 0 })
        };
        let polling = poller.run_no_sooner(
            || {
                asked.lock().unwrap().push(clock.tick().since(start).as_secs());
                Box::pin(std::future::ready(Ok(())))
            },
            scarce,
        );
        tokio::time::timeout(Duration::from_secs(180), polling)
            .await
            .unwrap_err();
        assert_eq!(feed.borrow().interval, Duration::from_secs(10));
        let asked = asked.into_inner().unwrap();
        let in_span = |from: u64, to: u64| asked.iter().filter(|at| (from..to).contains(*at)).count();
        assert!(in_span(0, 50) >= 4, "{asked:?}");
        // The first low answer comes at 61 s at the latest; from then on every half minute.
        assert!(in_span(62, 120) <= 2, "{asked:?}");
        assert!(in_span(150, 180) >= 2, "{asked:?}");
    }

    /// When a source was asked within ten minutes, in seconds, with somebody pressing every other second.
    async fn asked_while_pressed(failure: BackendError) -> Vec<u64> {
        let clock = Clock::with_tokio(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let wake = Arc::new(Notify::new());
        let (out, _feed) = watch::channel(Feed::<()>::new(Duration::from_secs(15)));
        let poller = Poller {
            out,
            health: None,
            wake: Arc::clone(&wake),
            stir: Arc::default(),
            clock,
        };
        let start = clock.tick();
        let asked = Mutex::new(Vec::new());
        let polling = poller.run(|| {
            asked.lock().unwrap().push(clock.tick().since(start).as_secs());
            Box::pin(std::future::ready(Err(failure.clone())))
        });
        let pressing = async {
            for _ in 0..300 {
                wake.notify_one();
                tokio::time::timeout(Duration::from_secs(2), std::future::pending::<()>())
                    .await
                    .unwrap_err();
            }
        };
        tokio::select! {
            () = polling => {}
            () = pressing => {}
        }
        asked.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_asks_to_be_left_alone_is_however_often_it_is_pressed_for() {
        let failure = BackendError {
            retry_after: Some(Duration::from_secs(290)),
            ..error(ErrorKind::RateLimited, Some(429), "too many requests")
        };
        let asked = asked_while_pressed(failure).await;
        assert_eq!(asked.len(), 3, "{asked:?}");
        assert!(asked[1] >= 290 && asked[2] >= 580, "{asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_is_down_is_asked_when_pressed_for() {
        let asked = asked_while_pressed(error(ErrorKind::Unreachable, None, "connection refused")).await;
        assert!(asked.len() > 250, "{asked:?}");
    }
}
