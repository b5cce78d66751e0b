//! Work that a session starts: acts, and questions of several parts. Each tells the loop what came of it.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::keeping::keepers;
use super::{MAX_TASKS, Session};
use crate::app::Msg;
use crate::app::acts::{Act, ActId};
use crate::app::case::{CaseAsk, Gathered};
use crate::app::kept::Keep;
use crate::app::logs::Watched;
use crate::app::strip::{StripAsk, StripPart};
use crate::app::toast::Level;
use crate::domain::log::Nanos;
use crate::domain::trace::Stretch;
use crate::runtime::console::Carried;
use crate::runtime::union::Watcher;
use crate::runtime::{acts, case, strip};
use crate::text::SafeText;

impl Session {
    /// Starts an act: it is planned, journaled, and the outbox's from there on.
    pub(super) fn carry_act(&mut self, id: ActId, act: Act) -> Carried {
        let work = self.work();
        let office = self.office.clone();
        let results = self.results.clone();
        match act {
            Act::Declare(asked) => {
                let (known, listed) = (self.doors.keepers.clone(), Arc::clone(&self.doors.wake));
                self.start(async move {
                    let declared = work.declare(asked, keepers(known).await.local).await;
                    // It is worked on from the list: there it is to stand at once.
                    listed.notify_one();
                    let kept = declared.as_ref().map(|_| Vec::new()).map_err(Clone::clone);
                    // Two messages: what was typed is on the disk, and the act is over.
                    let _ = results.send(Msg::ActJournaled { id, result: kept }).await;
                    declared.ok().map(|result| Msg::ActFinished { id, result })
                })
            }
            Act::Renew(renewals) => {
                let wake: Vec<Arc<Notify>> = self.wake_alerts.clone();
                self.start(async move {
                    let result = work.renewed(renewals, &office).await;
                    // What was done shows with the next answer: ask now.
                    for wake in wake {
                        wake.notify_one();
                    }
                    Some(Msg::ActFinished { id, result })
                })
            }
            act => self.start(async move {
                let acts::Planned { drafts, left_out } = work.plan(act);
                if drafts.is_empty() {
                    let result = acts::nothing_left(&left_out);
                    return Some(Msg::ActFinished { id, result });
                }
                let result = office.journal(drafts).await;
                if result.is_ok() && !left_out.is_empty() {
                    let text = SafeText::line(&left_out.join("; ")).into_string();
                    let level = Level::Warn;
                    let _ = results.send(Msg::Said { level, text }).await; // the loop is gone, as in `start`
                }
                Some(Msg::ActJournaled { id, result })
            }),
        }
    }

    /// Asks what lines, traces and deploy marks say around a beginning; each part is told when it is there.
    pub(super) fn gather_case(&mut self, ask: CaseAsk) -> Carried {
        let backends = Arc::clone(&self.backends);
        let now = self.clock.now().utc;
        let results = self.results.clone();
        let window = case::Window::around(ask.began, now);
        let seq = ask.seq;
        let tell = move |part| {
            let results = results.clone();
            async move {
                let _ = results.send(Msg::CaseGathered { seq, part }).await; // the loop is gone, as in `start`
            }
        };
        let began = ask.began;
        let deploys = {
            let (source, tell) = (backends.annotations.clone(), tell.clone());
            async move {
                if let Some(source) = source {
                    tell(Gathered::Deploys(case::deploys(&*source, began, now).await)).await;
                }
            }
        };
        let lines = {
            let (source, tell) = (backends.logs.clone().zip(ask.lines_of), tell.clone());
            async move {
                if let Some((source, service)) = source {
                    tell(Gathered::Logs(case::lines(&*source, service, window).await)).await;
                }
            }
        };
        let traces = {
            let source = backends.traces.clone().zip(ask.traces_of);
            async move {
                if let Some((source, service)) = source {
                    tell(Gathered::Traces(case::traces(&*source, service, window).await)).await;
                }
            }
        };
        // No more of them than somebody opens cases, and each is bounded; without an answer rows would look for ever.
        self.start_always(async move {
            futures::join!(deploys, lines, traces);
            None
        });
        Carried::Done
    }

    /// Counts what the strip shows; each part is told when it is there.
    pub(super) fn count_strip(&mut self, ask: StripAsk) -> Carried {
        // The answer to an older question would be dropped.
        self.strip.cancel();
        self.strip = CancellationToken::new();
        let token = self.strip.clone();
        let backends = Arc::clone(&self.backends);
        let results = self.results.clone();
        let StripAsk {
            seq,
            from,
            to,
            lines,
            traces,
        } = ask;
        let during = Stretch {
            from: Nanos::of(from),
            to: Nanos::of(to),
        };
        let tell = move |part| {
            let results = results.clone();
            async move {
                let _ = results.send(Msg::StripCounted { seq, part }).await; // the loop is gone, as in `start`
            }
        };
        let counted = {
            let (source, tell) = (backends.logs.clone().zip(lines), tell.clone());
            async move {
                if let Some((source, wanted)) = source {
                    tell(StripPart::Lines(strip::lines(&*source, wanted, during).await)).await;
                }
            }
        };
        let listed = {
            let source = backends.traces.clone().zip(traces);
            async move {
                if let Some((source, wanted)) = source {
                    tell(StripPart::Traces(strip::failures(&*source, wanted, during).await)).await;
                }
            }
        };
        // One at a time: the one before was given up.
        self.start_always(async move {
            let both = async { futures::join!(counted, listed) };
            token.run_until_cancelled(both).await;
            None
        });
        Carried::Done
    }

    /// What acts need, as it stands now.
    fn work(&self) -> acts::Work {
        acts::Work {
            backends: Arc::clone(&self.backends),
            board: self.slots.board.borrow().clone(),
            identity: Arc::clone(&self.identity),
            lease: self.lease,
            grace: self.grace,
            now: self.clock.now(),
        }
    }

    /// Starts many acts that end no acknowledgement of alerts: they are journaled together, as one task however
    /// many they are.
    pub(super) fn carry_all(&mut self, acts: Vec<(ActId, Act)>) {
        let work = self.work();
        let office = self.office.clone();
        let results = self.results.clone();
        self.start_always(async move {
            let (mut ids, mut drafts, mut over) = (Vec::new(), Vec::new(), Vec::new());
            for (id, act) in acts {
                let planned = work.plan(act);
                if planned.drafts.is_empty() {
                    let result = acts::nothing_left(&planned.left_out);
                    over.push(Msg::ActFinished { id, result });
                } else {
                    ids.push(id);
                    drafts.push(planned.drafts);
                }
            }
            let journaled: Vec<Result<_, String>> = match office.journal_all(drafts).await {
                Ok(entries) => entries.into_iter().map(Ok).collect(),
                Err(why) => ids.iter().map(|_| Err(why.clone())).collect(),
            };
            let journaled = ids.into_iter().zip(journaled);
            over.extend(journaled.map(|(id, result)| Msg::ActJournaled { id, result }));
            for msg in over {
                let _ = results.send(msg).await; // the loop is gone, as in `start`
            }
            None
        });
    }

    /// Keeps what the palette is to know the next time.
    pub(super) fn keep(&mut self, change: Keep) {
        let is_view = matches!(change, Keep::View { .. });
        let Some(kept) = self.kept.clone() else {
            if is_view {
                let why =
                    "not kept: there is no state directory; set state_dir in the configuration, or HOME";
                self.said.push_back(Msg::ViewsKept(Err(why.to_owned())));
            }
            return;
        };
        // In the order they are put; how many there can be is bounded by keys.
        kept.put(change);
        let results = self.results.clone();
        self.tasks.spawn_blocking(move || {
            if let Some(msg) = kept.write().transpose().map(Msg::ViewsKept) {
                // The loop being gone is the only failure.
                let _ = results.blocking_send(msg);
            }
        });
    }

    /// Watches the other contexts as long as somebody looks.
    pub(super) fn watch_contexts(&mut self, whether: Watched) {
        if let Some(task) = self.watcher.take() {
            task.abort();
        }
        if whether == Watched::Yes {
            let others = Watcher {
                config: Arc::clone(&self.config),
                wires: Arc::clone(&self.wires),
                own: self.context.to_string(),
                clock: self.clock,
                wake: Arc::clone(&self.wake_others),
                out: self.reports_out.clone(),
            };
            self.watcher = Some(self.tasks.spawn(others.run()));
        }
    }

    /// Runs a piece of work whose result goes to the loop; whether there was room.
    pub(super) fn start(&mut self, work: impl Future<Output = Option<Msg>> + Send + 'static) -> Carried {
        // Finished ones make room.
        while self.tasks.try_join_next().is_some() {}
        if self.tasks.len() >= MAX_TASKS {
            return Carried::Busy(Msg::Said {
                level: Level::Warn,
                text: "busy: too much is under way; try again when it is done".to_owned(),
            });
        }
        self.start_always(work);
        Carried::Done
    }

    /// The same for what must not be refused; how many of it there can be is bounded elsewhere.
    pub(super) fn start_always(&mut self, work: impl Future<Output = Option<Msg>> + Send + 'static) {
        let results = self.results.clone();
        self.tasks.spawn(async move {
            if let Some(msg) = work.await {
                // The loop being gone is the only failure, and then nobody is left to tell.
                let _ = results.send(msg).await;
            }
        });
    }
}
