//! Traces: the list is searched for again and again while somebody looks, and a trace is read and studied when it is opened.

mod listing;
pub(super) mod once;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use self::listing::{Told, listed};
use super::pace;
use super::poller::HealthLine;
use crate::app::feed::{Feed, Fetched, Status};
use crate::app::logs::Watched;
use crate::app::traces::list::{Before, statistics_of};
use crate::app::traces::{BACK, TraceList, TracesAsk};
use crate::backend::http::Jitter;
use crate::backend::traces::{More, SearchQuestion, Traces};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::trace::summary::Whole;
use crate::domain::trace::{Nanos, Stretch};
use crate::text::SafeText;
use crate::time::Clock;
use crate::time::alarm::Alarm;

/// Traces that a list has at most.
const MOST: usize = 200;
/// What the searcher is handed.
pub(super) struct Searcher {
    pub source: Arc<dyn Traces>,
    pub clock: Clock,
    pub health: Option<HealthLine>,
    pub ask: watch::Receiver<TracesAsk>,
    /// Asked now, out of turn.
    pub wake: Arc<Notify>,
    pub out: watch::Sender<Feed<TraceList>>,
}

impl Searcher {
    /// Searches for ever.
    pub async fn run(mut self) {
        let interval = self.out.borrow().interval;
        let mut jitter = Jitter::seeded(self.clock.seed(), "traces");
        let alarm = Alarm::new(self.clock);
        let mut failures = 0;
        let mut failing_since = None;
        let mut asked: Option<TracesAsk> = None;
        let mut known: Option<Result<Arc<Before>, String>> = None;
        loop {
            let ask = self.ask.borrow_and_update().clone();
            if ask.watched == Watched::No {
                if self.ask.changed().await.is_err() {
                    return;
                }
                continue;
            }
            if !asked.as_ref().is_some_and(|before| before.asks_like(&ask)) {
                // What went wrong with another question is nothing to this one.
                (failures, failing_since, known) = (0, None, None);
                let since = self.clock.tick();
                self.out
                    .send_modify(|feed| feed.status = Status::InFlight { since });
                asked = Some(ask.clone());
            }
            let until = ask.until.unwrap_or_else(|| self.clock.now().utc);
            let to = Nanos::of(until);
            let question = SearchQuestion {
                wanted: ask.wanted.clone(),
                during: Stretch {
                    from: to.minus(ask.back),
                    to,
                },
                limit: MOST,
            };
            let result = tokio::select! {
                result = listed(&*self.source, question) => result,
                // Somebody wants something else: what was asked for interests nobody any more.
                changed = self.ask.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            let held = known.as_ref().and_then(|known| known.as_ref().ok());
            if ask.before == Watched::Yes && result.is_ok() && is_old(held.map(|held| &**held), to, ask.back)
            {
                let read = self.before(&ask, to).await;
                // What is known of an older time is better than nothing.
                if read.is_ok() || held.is_none() {
                    known = Some(read);
                }
            }
            let now = self.clock.tick();
            let (status, wait) = match &result {
                Ok(_) => {
                    failures = 0;
                    failing_since = None;
                    (Status::Idle, pace::wait(now, interval))
                }
                Err(error) if error.is_unaskable() || is_of_the_question(error, &ask) => {
                    (failures, failing_since) = (0, None);
                    let cause = error.cause().into();
                    (Status::NotAsked { cause }, Duration::MAX)
                }
                Err(error) => {
                    failures += 1;
                    let wait = pace::wait_after_failure(interval, failures, error.retry_after, jitter.next());
                    let status = Status::Failed {
                        cause: error.cause().into(),
                        since: *failing_since.get_or_insert(now),
                        next_try: now + wait,
                    };
                    (status, wait)
                }
            };
            if let Some(health) = &self.health {
                match (&status, &result) {
                    // What cannot be asked says nothing of who was not asked.
                    (Status::NotAsked { .. }, Err(error)) if error.is_unaskable() => {}
                    // Whoever finds fault with a question is there and answers.
                    (Status::NotAsked { .. }, _) => health.tell(&Status::Idle, Some(now), interval),
                    (Status::Idle | Status::InFlight { .. } | Status::Failed { .. }, _) => {
                        health.tell(&status, result.is_ok().then_some(now), interval);
                    }
                }
            }
            let past = ask.until.is_some() && result.is_ok();
            self.out.send_modify(|feed| {
                if let Ok(Told {
                    newest: listed,
                    failed: older,
                    slow,
                }) = result
                {
                    let mut remarks = listed.warnings;
                    if listed.whole == Whole::No && remarks.is_empty() {
                        remarks.push("the source had not all of what it was asked".to_owned());
                    }
                    if let Some(Err(why)) = &older {
                        remarks.push(format!("older failures: {why}"));
                    }
                    if let Some(Err(why)) = &slow {
                        remarks.push(format!("older slow ones: {why}"));
                    }
                    feed.last = Some(Fetched {
                        value: Arc::new(TraceList {
                            traces: listed.traces.into_iter().map(Arc::new).collect(),
                            whole: match listed.more {
                                More::Yes => Whole::No,
                                More::No => Whole::Yes,
                            },
                            older,
                            slow,
                            before: known.clone().filter(|_| ask.before == Watched::Yes),
                            ask,
                            remarks,
                        }),
                        at: now,
                    });
                }
                feed.status = status;
            });
            // What is over does not change.
            let wait = if past { Duration::MAX } else { wait };
            tokio::select! {
                () = sleep(&alarm, wait) => {}
                () = self.wake.notified() => {}
                changed = self.ask.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The same traces in the time before; why not, where the source does not answer: the list stands without.
    async fn before(&self, ask: &TracesAsk, to: Nanos) -> Result<Arc<Before>, String> {
        let during = Stretch {
            from: to.minus(ask.back).minus(ask.back),
            to: to.minus(ask.back),
        };
        let question = SearchQuestion {
            wanted: ask.wanted.clone(),
            during,
            limit: MOST,
        };
        let listed = self.source.search(question).await;
        let listed = listed.map_err(|error| SafeText::line(&error.cause()).into_string())?;
        let first = listed.traces.iter().map(|trace| trace.start).min();
        Ok(Arc::new(Before {
            during,
            from: first.filter(|_| listed.more == More::Yes),
            statistics: statistics_of(&listed.traces),
        }))
    }
}

/// Whether a server found fault with what somebody asked, and not with being asked: it has no other answer to the same
/// question. A default question that is refused is the configuration's fault, and is said as a failure.
fn is_of_the_question(error: &BackendError, ask: &TracesAsk) -> bool {
    let own = !ask.wanted.query.trim().is_empty() || ask.back != BACK || ask.until.is_some();
    own && error.kind == ErrorKind::Rejected && matches!(error.status, Some(400 | 422))
}

/// Whether the time before has moved on by so much that it is read again: half of its length.
fn is_old(known: Option<&Before>, to: Nanos, back: Duration) -> bool {
    known.is_none_or(|known| {
        to.minus(back).0 - known.during.to.0 > i64::try_from(back.as_nanos() / 2).unwrap_or(i64::MAX)
    })
}

async fn sleep(alarm: &Alarm, wait: Duration) {
    if wait == Duration::MAX {
        std::future::pending::<()>().await;
    }
    alarm.after(wait).await;
}

#[cfg(test)]
mod tests;
