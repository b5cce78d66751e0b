//! Latest values: what the tasks of a context say to the loop, of each the newest only.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::feed::Feed;
use crate::app::logs::LogView;
use crate::app::traces::TraceList;
use crate::app::{BackendHealth, Msg};
use crate::domain::alert::AlertBoard;
use crate::domain::slo::SloBoard;
use crate::outbox::OutboxView;
use crate::runtime::room::Told;
use crate::runtime::union::Reports;

/// Backends that are asked at one moment answer one after the other: what comes so soon after the first is heard
/// together. Shorter than what anybody takes for a wait.
const BREATH: Duration = Duration::from_millis(100);

/// Latest values that are taken at one time.
const MOST: usize = 16;

/// Where each task leaves its latest value.
pub(super) struct Slots {
    pub board: watch::Receiver<Arc<AlertBoard>>,
    pub outbox: watch::Receiver<Arc<OutboxView>>,
    pub slo: watch::Receiver<Feed<SloBoard>>,
    pub health: watch::Receiver<Vec<BackendHealth>>,
    /// What is known of the other contexts, while somebody looks.
    pub reports: watch::Receiver<Reports>,
    pub traces: watch::Receiver<Feed<TraceList>>,
    pub logs: watch::Receiver<Option<Arc<LogView>>>,
    pub told: Told,
    /// Until when nothing is heard.
    pub breath: Option<Instant>,
}

impl Slots {
    /// Everything new, once something is. What comes within a breath after that waits for its end, so that many
    /// answers wake the loop once and make one frame. Cancel-safe.
    pub async fn next(&mut self) -> Vec<Msg> {
        if let Some(until) = self.breath {
            tokio::time::sleep_until(until).await;
            self.breath = None;
        }
        let mut new = vec![self.one().await];
        // No task can keep it here: each of them is heard once or twice.
        for _ in 0..MOST {
            let Some(msg) = self.one().now_or_never() else {
                break;
            };
            new.push(msg);
        }
        self.breath = Some(Instant::now() + BREATH);
        new
    }

    /// What comes next is heard at once: somebody may wait for it.
    pub fn listen(&mut self) {
        self.breath = None;
    }

    async fn one(&mut self) -> Msg {
        let told = &mut self.told;
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.board.changed() => {
                    return Msg::AlertsArranged(self.board.borrow_and_update().clone());
                }
                Ok(()) = self.outbox.changed() => {
                    return Msg::OutboxChanged(self.outbox.borrow_and_update().clone());
                }
                Ok(()) = told.incidents.changed() => {
                    return Msg::IncidentsFetched(told.incidents.borrow_and_update().clone());
                }
                Ok(()) = told.marks.changed() => {
                    return Msg::MarksFetched(told.marks.borrow_and_update().clone());
                }
                Ok(()) = told.links.changed() => {
                    return Msg::Linked(told.links.borrow_and_update().clone());
                }
                Ok(()) = told.timeline.changed() => {
                    if let Some((incident, feed)) = told.timeline.borrow_and_update().clone() {
                        return Msg::TimelineFetched { incident, feed };
                    }
                }
                Ok(()) = told.roster.changed() => {
                    return Msg::RosterFetched(told.roster.borrow_and_update().clone());
                }
                Ok(()) = self.slo.changed() => {
                    return Msg::SloFetched(self.slo.borrow_and_update().clone());
                }
                Ok(()) = told.watching.changed() => {
                    return Msg::WatchingChanged(told.watching.borrow_and_update().clone());
                }
                Ok(()) = told.record.changed() => {
                    if let Some(record) = told.record.borrow_and_update().clone() {
                        return Msg::RecordChanged(record);
                    }
                }
                Ok(()) = self.health.changed() => {
                    return Msg::HealthChanged(self.health.borrow_and_update().clone());
                }
                Ok(()) = self.reports.changed() => {
                    return Msg::ContextsHeard(self.reports.borrow_and_update().clone());
                }
                Ok(()) = self.traces.changed() => {
                    return Msg::TracesFetched(self.traces.borrow_and_update().clone());
                }
                // The busiest comes last.
                Ok(()) = self.logs.changed() => {
                    if let Some(view) = self.logs.borrow_and_update().clone() {
                        return Msg::LogsChanged(view);
                    }
                }
                // Every task has ended, and with them the context.
                else => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::record::Watching;

    struct World {
        health: watch::Sender<Vec<BackendHealth>>,
        outbox: watch::Sender<Arc<OutboxView>>,
        slots: Slots,
    }

    fn world() -> World {
        fn slot<T>(value: T) -> watch::Receiver<T> {
            watch::channel(value).1
        }
        let (health_out, health) = watch::channel(Vec::new());
        let (outbox_out, outbox) = watch::channel(Arc::default());
        World {
            health: health_out,
            outbox: outbox_out,
            slots: Slots {
                board: slot(Arc::default()),
                outbox,
                slo: slot(Feed::new(Duration::ZERO)),
                health,
                reports: slot(Vec::new()),
                traces: slot(Feed::new(Duration::ZERO)),
                logs: slot(None),
                told: Told {
                    incidents: slot(Feed::new(Duration::ZERO)),
                    links: slot(Arc::default()),
                    marks: slot(Feed::new(Duration::ZERO)),
                    timeline: slot(None),
                    roster: slot(Feed::new(Duration::ZERO)),
                    record: slot(None),
                    watching: slot(Watching::Nothing),
                },
                breath: None,
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_said_in_one_breath_is_heard_together() {
        let mut world = world();
        let begun = Instant::now();
        world.health.send_replace(Vec::new());
        world.outbox.send_replace(Arc::default());
        let first = world.slots.next().await;
        assert!(
            matches!(&first[..], [Msg::OutboxChanged(_), Msg::HealthChanged(_)]),
            "{first:?}"
        );
        assert_eq!(begun.elapsed(), Duration::ZERO, "the first is heard at once");
        world.health.send_replace(Vec::new());
        let second = world.slots.next().await;
        assert!(matches!(&second[..], [Msg::HealthChanged(_)]), "{second:?}");
        assert!(begun.elapsed() >= BREATH);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_key_what_comes_is_heard_at_once() {
        let mut world = world();
        world.health.send_replace(Vec::new());
        world.slots.next().await;
        let pressed = Instant::now();
        world.health.send_replace(Vec::new());
        world.slots.listen();
        world.slots.next().await;
        assert_eq!(pressed.elapsed(), Duration::ZERO);
    }
}
