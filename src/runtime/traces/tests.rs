//! What is asked of a source that answers as it is told, and what is made of it.

use std::sync::Mutex;

use futures::future::BoxFuture;

use super::once::calls;
use super::*;
use crate::app::BackendHealth;
use crate::app::traces::calls::{CallsAsk, Counted};
use crate::backend::BackendResult;
use crate::backend::traces::{CountedCall, Listed, OperationName};
use crate::domain::trace::summary::{Lasted, Outcome};
use crate::domain::trace::{Summary, Trace, TraceId, Wanted};

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
        asked
            .retain(|question| question.wanted.outcome == Outcome::Any && question.wanted.at_least.is_none());
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
