//! Traces: the list is searched for again and again while somebody looks, and a trace is read and studied when it is opened.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::{Notify, watch};

use super::pace;
use super::poller::HealthLine;
use crate::app::feed::{Feed, Fetched, Status};
use crate::app::logs::Watched;
use crate::app::traces::calls::{Calling, CallsAsk, Counted, Unread};
use crate::app::traces::comparison::{Aligned, Aligning};
use crate::app::traces::exemplars::ExemplarsAsk;
use crate::app::traces::list::{Before, Older, statistics_of};
use crate::app::traces::waterfall::{Found, Seeking};
use crate::app::traces::{BACK, Study, TraceList, TracesAsk};
use crate::backend::http::Jitter;
use crate::backend::metrics::Metrics;
use crate::backend::traces::{Listed, More, SearchQuestion, Traces, words};
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::domain::trace::exemplar::Exemplar;
use crate::domain::trace::graph::Graph;
use crate::domain::trace::summary::{Outcome, Whole};
use crate::domain::trace::{Nanos, Stretch, Summary, TraceId, Wanted};
use crate::text::SafeText;
use crate::time::Clock;
use crate::time::alarm::Alarm;

/// Traces that a list has at most.
const MOST: usize = 200;
/// Failed ones that are asked for beside them, and slow ones, where they are not all.
const MOST_BESIDE: usize = 100;
/// Traces of which the slowest twentieth says something.
const ENOUGH: usize = 20;
/// Traces that are read at once for the graph of services.
const AT_ONCE: usize = 4;

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

/// The newest of what is asked for, and what is asked for beside them.
struct Told {
    newest: Listed,
    failed: Option<Result<Older, String>>,
    slow: Option<Result<Older, String>>,
}

/// What is asked for; where that is only the newest of it, the failed and the slow ones that are older as well: a failure
/// or a request of eight minutes half an hour ago is no less of one where two hundred went well since.
async fn listed(source: &dyn Traces, question: SearchQuestion) -> BackendResult<Told> {
    let newest = source.search(question.clone()).await?;
    let read = words::read(&question.wanted);
    let (Ok(wanted), More::Yes) = (read, newest.more) else {
        return Ok(Told {
            newest,
            failed: None,
            slow: None,
        });
    };
    let failed = (wanted.outcome == Outcome::Any).then(|| Wanted {
        outcome: Outcome::Failed,
        ..question.wanted.clone()
    });
    let free = wanted.at_least.is_none() && wanted.at_most.is_none() && !words::is_traceql(&wanted.query);
    let slow = slow_from(&newest.traces).filter(|_| free).map(|least| Wanted {
        at_least: Some(least),
        ..question.wanted.clone()
    });
    let mut known: HashSet<TraceId> = newest.traces.iter().map(|trace| trace.id).collect();
    let (failed, slow) = futures::join!(beside(source, &question, failed), beside(source, &question, slow));
    Ok(Told {
        failed: failed.map(|asked| fresh(asked, &mut known)),
        slow: slow.map(|asked| fresh(asked, &mut known)),
        newest,
    })
}

/// From which duration a trace is as slow as the slowest twentieth of a list, where that has enough to tell.
fn slow_from(traces: &[Summary]) -> Option<Duration> {
    let mut durations: Vec<Duration> = traces.iter().map(|trace| trace.duration).collect();
    durations.sort_unstable();
    let least = durations.get(durations.len() * 19 / 20)?;
    (durations.len() >= ENOUGH && !least.is_zero()).then_some(*least)
}

async fn beside(
    source: &dyn Traces,
    question: &SearchQuestion,
    wanted: Option<Wanted>,
) -> Option<BackendResult<Listed>> {
    let question = SearchQuestion {
        wanted: wanted?,
        limit: MOST_BESIDE,
        ..question.clone()
    };
    Some(source.search(question).await)
}

/// Those that are not known yet. The list stands without them where there is no answer, and says so.
fn fresh(asked: BackendResult<Listed>, known: &mut HashSet<TraceId>) -> Result<Older, String> {
    let told = asked.map_err(|error| SafeText::line(&error.cause()).into_string())?;
    let fresh = told.traces.into_iter().filter(|trace| known.insert(trace.id));
    Ok(Older {
        traces: fresh.map(Arc::new).collect(),
        whole: match told.more {
            More::Yes => Whole::No,
            More::No => told.whole,
        },
    })
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

/// Reads a trace and studies it, off the UI task; why not, in words.
pub(super) async fn read(source: &dyn Traces, id: TraceId) -> Result<Arc<Study>, String> {
    let trace = match source.trace(id, None).await {
        Ok(Some(trace)) => trace,
        Ok(None) => {
            return Err(format!(
                "{} has no trace {id}: it was not sampled, is gone, or has not come yet",
                source.name()
            ));
        }
        Err(error) => return Err(SafeText::line(&error.cause()).into_string()),
    };
    tokio::task::spawn_blocking(move || Arc::new(Study::of(trace)))
        .await
        .map_err(|_| "it could not be studied: a defect of midwatch".to_owned())
}

/// Aligns two traces, off the UI task; nothing where that broke off.
pub(super) async fn align(aligning: Aligning) -> Option<Arc<Aligned>> {
    tokio::task::spawn_blocking(move || Arc::new(aligning.run()))
        .await
        .ok()
}

/// Who calls whom: as the source counts it, else in the traces that are read for it.
pub(super) async fn calls(source: &dyn Traces, ask: CallsAsk) -> Result<Arc<Calling>, String> {
    let during = ask.during;
    let reading = futures::stream::iter(ask.traces)
        .map(|id| source.trace(id, Some(during)))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>();
    let (counted, read) = futures::join!(source.dependencies(during), reading);
    let said = |error: &BackendError| SafeText::line(&error.cause()).into_string();
    let mut traces = Vec::new();
    let mut gone = 0;
    let mut unread: Option<Unread> = None;
    for result in read {
        match result {
            Ok(Some(trace)) => traces.push(trace),
            Ok(None) => gone += 1,
            Err(error) => match &mut unread {
                Some(unread) => unread.traces += 1,
                None => {
                    unread = Some(Unread {
                        traces: 1,
                        why: said(&error),
                    });
                }
            },
        }
    }
    let (counted, uncounted) = match counted {
        Ok(counted) => (counted.filter(|calls| !calls.is_empty()), None),
        Err(error) => (None, Some(said(&error))),
    };
    if counted.is_none() && traces.is_empty() {
        let why = uncounted.as_ref().or(unread.as_ref().map(|unread| &unread.why));
        if let Some(why) = why {
            return Err(why.clone());
        }
    }
    let count = move || {
        let mut graph = Graph::of(traces.iter().map(|trace| &**trace));
        let by = match &counted {
            Some(_) => Counted::BySource,
            None => Counted::InTraces,
        };
        for call in counted.into_iter().flatten() {
            graph.counted(&call.caller, &call.called, call.calls, call.errors);
        }
        Arc::new(Calling {
            during,
            graph,
            counted: by,
            read: traces.len(),
            gone,
            unread,
            uncounted,
        })
    };
    let counting = tokio::task::spawn_blocking(count);
    counting
        .await
        .map_err(|_| "the calls could not be counted: a defect of midwatch".to_owned())
}

/// The exemplars of a latency SLO; why not, in words.
pub(super) async fn exemplars(
    metrics: Option<Arc<dyn Metrics>>,
    asked: &ExemplarsAsk,
) -> Result<Vec<Exemplar>, String> {
    let metrics = metrics.ok_or("no metrics backend is configured")?;
    let answered = metrics.exemplars(asked.query.clone(), asked.from, asked.to).await;
    let answered = answered.map_err(|error| SafeText::line(&error.cause()).into_string())?;
    Ok(answered.value)
}

/// Looks for spans in an open trace, off the UI task.
pub(super) async fn seek(seeking: &Seeking) -> Result<Arc<Found>, String> {
    let seeking = seeking.clone();
    tokio::task::spawn_blocking(move || seeking.run().map(Arc::new))
        .await
        .unwrap_or_else(|_| Err("the search broke off: a defect of midwatch".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::BoxFuture;

    use super::*;
    use crate::app::BackendHealth;
    use crate::backend::traces::{CountedCall, OperationName};
    use crate::domain::trace::Trace;
    use crate::domain::trace::summary::Lasted;

    /// Answers by the outcome that is wanted: all is well, but for failed ones there is no answer.
    struct Scripted {
        name: Arc<str>,
        asked: Mutex<Vec<SearchQuestion>>,
        calls: Option<Vec<CountedCall>>,
        /// Whether it has failed traces to list; else it does not answer for them.
        failed: Mutex<Option<Vec<Summary>>>,
        /// The newest traces, where not two.
        newest: Mutex<Option<Vec<Summary>>>,
        /// Those that took long.
        slow: Mutex<Vec<Summary>>,
    }

    impl Scripted {
        fn new(calls: Option<Vec<CountedCall>>) -> Arc<Self> {
            Arc::new(Self {
                name: "traces".into(),
                asked: Mutex::default(),
                calls,
                failed: Mutex::default(),
                newest: Mutex::default(),
                slow: Mutex::default(),
            })
        }

        /// What was asked of all traces, whatever their outcome.
        fn asked(&self) -> Vec<SearchQuestion> {
            let mut asked = self.asked.lock().unwrap().clone();
            asked.retain(|question| {
                question.wanted.outcome == Outcome::Any && question.wanted.at_least.is_none()
            });
            asked
        }

        fn refusal(&self) -> BackendError {
            BackendError {
                kind: ErrorKind::ServerFault,
                backend: Arc::clone(&self.name),
                tried: "GET /api/traces".to_owned(),
                detail: "no room".to_owned(),
                mend: String::new(),
                status: Some(503),
                retry_after: None,
                delivery: crate::backend::Delivery::NotSent,
            }
        }
    }

    impl Traces for Scripted {
        fn name(&self) -> &Arc<str> {
            &self.name
        }

        fn search(&self, question: SearchQuestion) -> BoxFuture<'_, BackendResult<Listed>> {
            Box::pin(async move {
                let failed = question.wanted.outcome == Outcome::Failed;
                let strange = question.wanted.query.starts_with('{');
                let refused = question.wanted.query.contains("nonsense");
                let slow = question.wanted.at_least.is_some();
                self.asked.lock().unwrap().push(question);
                if refused {
                    return Err(BackendError {
                        kind: ErrorKind::Rejected,
                        detail: "HTTP 400: parse error at line 1, col 3".to_owned(),
                        status: Some(400),
                        delivery: crate::backend::Delivery::Answered,
                        ..self.refusal()
                    });
                }
                if failed {
                    let traces = self.failed.lock().unwrap().clone();
                    return traces
                        .map(|traces| Listed {
                            traces,
                            ..Listed::default()
                        })
                        .ok_or_else(|| self.refusal());
                }
                if slow {
                    return Ok(Listed {
                        traces: self.slow.lock().unwrap().clone(),
                        ..Listed::default()
                    });
                }
                if strange {
                    return Err(BackendError {
                        kind: ErrorKind::Rejected,
                        detail: "TraceQL is Tempo's".to_owned(),
                        status: None,
                        ..self.refusal()
                    });
                }
                let newest = self.newest.lock().unwrap().clone();
                Ok(Listed {
                    traces: newest.unwrap_or_else(|| vec![summary(1, 0), summary(2, 1)]),
                    more: More::Yes,
                    ..Listed::default()
                })
            })
        }

        fn trace(&self, _: TraceId, _: Option<Stretch>) -> BoxFuture<'_, BackendResult<Option<Arc<Trace>>>> {
            Box::pin(async { Err(self.refusal()) })
        }

        fn services(&self, _: Stretch) -> BoxFuture<'_, BackendResult<Vec<Arc<str>>>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn operations(&self, _: Arc<str>, _: Stretch) -> BoxFuture<'_, BackendResult<Vec<OperationName>>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn dependencies(&self, _: Stretch) -> BoxFuture<'_, BackendResult<Option<Vec<CountedCall>>>> {
            Box::pin(async { Ok(self.calls.clone()) })
        }
    }

    fn summary(id: u8, errors: u32) -> Summary {
        Summary {
            id: TraceId([id; 16]),
            service: Some("web".into()),
            operation: Some("GET /".into()),
            start: Nanos(i64::from(id) * 1_000_000_000),
            duration: Duration::from_millis(20),
            lasted: Lasted::Root,
            spans: Some(1),
            errors: Some(errors),
            orphans: None,
            services: Vec::new(),
            whole: Whole::Yes,
        }
    }

    /// A backend that answered well before.
    fn health() -> (HealthLine, watch::Receiver<Vec<BackendHealth>>) {
        let (told, health) = watch::channel(vec![BackendHealth {
            name: "traces".into(),
            status: Status::Idle,
            last_good: None,
            interval: Duration::from_secs(15),
            counters: crate::backend::http::Counters::default(),
            skew: None,
            low: None,
        }]);
        let line = HealthLine {
            health: told,
            index: 0,
            client: None,
        };
        (line, health)
    }

    struct Desk {
        source: Arc<Scripted>,
        ask: watch::Sender<TracesAsk>,
        list: watch::Receiver<Feed<TraceList>>,
        searching: tokio::task::JoinHandle<()>,
    }

    #[expect(clippy::disallowed_methods, reason = "the searcher runs beside its test")]
    fn desk_with(health: Option<HealthLine>) -> Desk {
        let source = Scripted::new(None);
        let (ask, asked) = watch::channel(TracesAsk::default());
        let (out, list) = watch::channel(Feed::new(Duration::from_secs(15)));
        let searcher = Searcher {
            source: Arc::clone(&source) as Arc<dyn Traces>,
            clock: Clock::with_tokio("2026-11-21T03:14:00Z".parse().unwrap()),
            health,
            ask: asked,
            wake: Arc::new(Notify::new()),
            out,
        };
        Desk {
            source,
            ask,
            list,
            searching: tokio::spawn(searcher.run()),
        }
    }

    fn desk() -> Desk {
        desk_with(None)
    }

    fn watched() -> TracesAsk {
        TracesAsk {
            watched: Watched::Yes,
            ..TracesAsk::default()
        }
    }

    async fn until(desk: &mut Desk, fits: impl FnMut(&Feed<TraceList>) -> bool) -> Feed<TraceList> {
        let waiting = tokio::time::timeout(Duration::from_secs(600), desk.list.wait_for(fits));
        waiting.await.expect("in time").expect("it runs").clone()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_asked_while_nobody_looks_and_again_and_again_while_somebody_does() {
        let mut desk = desk();
        tokio::time::advance(Duration::from_secs(120)).await;
        assert_eq!(desk.source.asked().len(), 0);
        desk.ask.send_replace(watched());
        let feed = until(&mut desk, |feed| feed.last.is_some()).await;
        assert_eq!(feed.value().unwrap().whole, Whole::No);
        let first = feed.last.unwrap().at;
        until(&mut desk, |feed| {
            feed.last.as_ref().is_some_and(|last| last.at > first)
        })
        .await;
        let asked = desk.source.asked();
        assert_eq!(asked.len(), 2);
        assert!(asked[1].during.to > asked[0].during.to, "the window goes along");
        desk.searching.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_question_fails_by_itself_and_the_next_one_starts_afresh() {
        let mut desk = desk();
        let failed = TracesAsk {
            wanted: Wanted {
                outcome: Outcome::Failed,
                ..Wanted::default()
            },
            ..watched()
        };
        desk.ask.send_replace(failed);
        let feed = until(&mut desk, |feed| feed.failure().is_some()).await;
        assert!(feed.failure().unwrap().contains("no room"));
        desk.ask.send_replace(watched());
        let feed = until(&mut desk, |feed| feed.last.is_some()).await;
        assert_eq!(feed.failure(), None);
        desk.searching.abort();
    }

    #[tokio::test]
    async fn slow_ones_older_than_the_newest_are_asked_for_beside_them() {
        let source = Scripted::new(None);
        let lasting = |id: u8, millis: u64| Summary {
            duration: Duration::from_millis(millis),
            ..summary(id, 0)
        };
        let newest = (1..=40).map(|id| lasting(id, u64::from(id))).collect();
        *source.newest.lock().unwrap() = Some(newest);
        *source.slow.lock().unwrap() = vec![lasting(40, 40), lasting(99, 480_000)];
        let question = |wanted: Wanted| SearchQuestion {
            wanted,
            during: Stretch {
                from: Nanos(0),
                to: Nanos(1),
            },
            limit: MOST,
        };
        let told = listed(&*source, question(Wanted::default())).await.unwrap();
        let slow = told.slow.unwrap().unwrap();
        let ids: Vec<u8> = slow.traces.iter().map(|trace| trace.id.0[0]).collect();
        assert_eq!(ids, [99], "the others are known");
        let asked = source.asked.lock().unwrap().clone();
        let least = asked.iter().find_map(|question| question.wanted.at_least);
        assert_eq!(least, Some(Duration::from_millis(39)));
        // Whoever asks by duration has said what is slow.
        let own = Wanted {
            query: "dur>1ms".into(),
            ..Wanted::default()
        };
        assert!(listed(&*source, question(own)).await.unwrap().slow.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_asked_is_not_tried_again_and_no_fault_of_the_backend() {
        let (line, health) = health();
        let mut desk = desk_with(Some(line));
        desk.ask.send_replace(TracesAsk {
            wanted: Wanted {
                query: "{ bad =".into(),
                ..Wanted::default()
            },
            ..watched()
        });
        let feed = until(&mut desk, |feed| feed.failure().is_some()).await;
        assert_eq!(
            feed.status,
            Status::NotAsked {
                cause: "TraceQL is Tempo's".into()
            }
        );
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(desk.source.asked().len(), 1, "nothing was asked again");
        assert_eq!(health.borrow()[0].status, Status::Idle);
        desk.ask.send_replace(watched());
        let feed = until(&mut desk, |feed| feed.last.is_some()).await;
        assert_eq!(feed.failure(), None);
        desk.searching.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_that_the_server_finds_fault_with_is_said_in_its_words_and_not_tried_again() {
        let (line, health) = health();
        let mut desk = desk_with(Some(line));
        let wrong = TracesAsk {
            wanted: Wanted {
                query: "nonsense=1".into(),
                ..Wanted::default()
            },
            ..watched()
        };
        desk.ask.send_replace(wrong);
        let feed = until(&mut desk, |feed| feed.failure().is_some()).await;
        let cause = "HTTP 400: parse error at line 1, col 3".into();
        assert_eq!(feed.status, Status::NotAsked { cause });
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(desk.source.asked().len(), 1, "it would find the same fault again");
        assert_eq!(health.borrow()[0].status, Status::Idle);
        assert!(health.borrow()[0].last_good.is_some(), "it answered");
        desk.searching.abort();
    }

    #[test]
    fn a_default_question_that_is_refused_is_no_fault_of_who_asks() {
        let refused = |status| BackendError {
            kind: ErrorKind::Rejected,
            status: Some(status),
            ..Scripted::new(None).refusal()
        };
        let asked = |query: &str| TracesAsk {
            wanted: Wanted {
                query: query.to_owned(),
                ..Wanted::default()
            },
            ..watched()
        };
        assert!(is_of_the_question(&refused(400), &asked("a=b")));
        assert!(!is_of_the_question(&refused(400), &asked(" ")));
        assert!(!is_of_the_question(&refused(401), &asked("a=b")));
        let far = TracesAsk {
            back: Duration::from_secs(30 * 86_400),
            ..watched()
        };
        assert!(is_of_the_question(&refused(400), &far));
    }

    #[tokio::test(start_paused = true)]
    async fn failed_ones_that_are_older_than_the_newest_are_asked_for_once_each_and_counted_apart() {
        let mut desk = desk();
        *desk.source.failed.lock().unwrap() = Some(vec![summary(2, 1), summary(7, 1), summary(8, 2)]);
        desk.ask.send_replace(watched());
        let feed = until(&mut desk, |feed| feed.last.is_some()).await;
        let list = feed.value().unwrap();
        let ids = |traces: &[Arc<Summary>]| traces.iter().map(|trace| trace.id.0[0]).collect::<Vec<_>>();
        assert_eq!(ids(&list.traces), [1, 2]);
        assert_eq!(ids(list.older_failed()), [7, 8]);
        assert_eq!(list.failed(), 3);
        let asked = desk.source.asked.lock().unwrap().clone();
        assert_eq!(asked[1].during, asked[0].during, "of the same time");
        desk.searching.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn the_list_stands_without_the_older_failed_ones_and_says_so() {
        let mut desk = desk();
        desk.ask.send_replace(watched());
        let feed = until(&mut desk, |feed| feed.last.is_some()).await;
        let list = feed.value().unwrap();
        assert_eq!((list.traces.len(), feed.failure()), (2, None));
        let why = list.older.clone().expect("asked for").unwrap_err();
        assert!(why.contains("no room"), "{why}");
        assert_eq!(list.remarks, [format!("older failures: {why}")]);
        desk.searching.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_before_is_asked_for_once_and_what_is_over_is_not_asked_again() {
        let mut desk = desk();
        let until_then = "2026-11-21T03:00:00Z".parse().unwrap();
        desk.ask.send_replace(TracesAsk {
            until: Some(until_then),
            before: Watched::Yes,
            ..watched()
        });
        let feed = until(&mut desk, |feed| feed.last.is_some()).await;
        let before = feed
            .value()
            .unwrap()
            .before
            .clone()
            .expect("asked for")
            .expect("answered");
        assert_eq!(
            before.during.to,
            Nanos::of(until_then).minus(Duration::from_secs(3_600))
        );
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(desk.source.asked().len(), 2);
        desk.searching.abort();
    }

    #[tokio::test]
    async fn the_graph_is_the_sources_and_stands_without_the_traces() {
        let during = Stretch {
            from: Nanos(0),
            to: Nanos(1),
        };
        let ask = CallsAsk {
            during,
            traces: vec![TraceId([1; 16])],
        };
        let call = CountedCall {
            caller: "web".into(),
            called: "pay".into(),
            calls: 7,
            errors: None,
        };
        let source = Scripted::new(Some(vec![call]));
        let calling = calls(&*source, ask.clone()).await.unwrap();
        assert_eq!((calling.counted, calling.read), (Counted::BySource, 0));
        assert_eq!(calling.graph.called("web").next().unwrap().1.count(), 7);
        let unread = calling.unread.as_ref().expect("said");
        assert_eq!((unread.traces, unread.why.as_str()), (1, "no room"));
        let why = calls(&*Scripted::new(None), ask).await.unwrap_err();
        assert!(why.contains("no room"), "{why}");
    }
}
