//! Tails and what goes wrong with them. The clock is the real one; faults come within a second.

use std::collections::HashMap;

use super::server::{Script, Server};
use super::*;
use crate::backend::logs::{TAIL_CAPACITY, TailMode};
use crate::config::Secret;
use crate::domain::log::{Gap, GapReason};

/// What a tail told so far.
#[derive(Default)]
struct Told {
    lines: HashMap<(i64, String), usize>,
    gaps: Vec<Gap>,
    filled: Vec<Gap>,
    modes: Vec<TailMode>,
    failures: Vec<String>,
}

impl Told {
    fn take(&mut self, event: TailEvent) {
        match event {
            TailEvent::Lines(batch) => {
                for line in lines(&batch) {
                    *self.lines.entry(line).or_default() += 1;
                }
            }
            TailEvent::Gap(gap) => self.gaps.push(gap),
            TailEvent::Filled(gap) => self.filled.push(gap),
            TailEvent::Mode(mode) => self.modes.push(mode),
            TailEvent::Failed(error) => self.failures.push(error.to_string()),
        }
    }

    /// Every line that was sent, and each once.
    fn is_exactly(&self, sent: &[(i64, String)]) {
        for line in sent {
            assert_eq!(self.lines.get(line), Some(&1), "{line:?} of {}", sent.len());
        }
        assert_eq!(self.lines.len(), sent.len());
    }
}

fn now() -> i64 {
    Nanos::of(Clock::start().now().utc).0
}

/// Runs a tail beside a script, which ends the tail by returning.
async fn beside<T>(
    loki: &Loki,
    from: i64,
    script: impl AsyncFnOnce(&mut mpsc::Receiver<TailEvent>, &mut Told) -> T,
) -> (T, Told) {
    let (events, mut heard) = mpsc::channel(TAIL_CAPACITY);
    let mut told = Told::default();
    let tail = loki.tail(Wanted::default(), Nanos(from), events);
    let limit = Duration::from_secs(30);
    let done = async {
        tokio::select! {
            ended = tail => panic!("the tail ended: {ended:?}"),
            done = script(&mut heard, &mut told) => done,
        }
    };
    let done = tokio::time::timeout(limit, done).await.expect("in time");
    (done, told)
}

/// Takes events until something holds.
async fn until(heard: &mut mpsc::Receiver<TailEvent>, told: &mut Told, holds: impl Fn(&Told) -> bool) {
    while !holds(told) {
        let event = heard.recv().await.expect("the tail runs");
        told.take(event);
    }
}

fn live(told: &Told) -> bool {
    told.modes.last() == Some(&TailMode::Live)
}

#[tokio::test]
async fn a_backlog_and_what_comes_after_it_are_told_once() {
    let server = Server::start(Script::default()).await;
    let from = now() - 60_000_000_000;
    let mut sent = Vec::new();
    let push = |sent: &mut Vec<(i64, String)>, at: i64, text: String| {
        server.push(at, "cart", text.clone());
        sent.push((at, text));
    };
    server.push(from - 1, "cart", "too old");
    for n in 0..2_000 {
        // A thousand lines of one moment among them.
        push(&mut sent, from + (n / 1_000) * 1_000, format!("old {n}"));
    }
    let loki = loki(&server.url);
    let (sent, told) = beside(&loki, from, async |heard, told| {
        until(heard, told, live).await;
        for n in 0..500 {
            push(&mut sent, now(), format!("new {n}"));
        }
        until(heard, told, |told| told.lines.len() >= sent.len()).await;
        sent
    })
    .await;
    told.is_exactly(&sent);
    assert_eq!(told.gaps, []);
    assert_eq!(told.modes, [TailMode::Connecting, TailMode::Live]);
}

#[tokio::test]
async fn what_a_long_backlog_leaves_is_told_as_the_rest_of_a_gap_that_is_not_come_back_to() {
    let server = Server::start(Script {
        entries: 50,
        ..Script::default()
    })
    .await;
    let from = now() - 60_000_000_000;
    for n in 0..2_500 {
        server.push(from + n * 1_000, "cart", format!("old {n}"));
    }
    let loki = loki(&server.url);
    let ((), told) = beside(&loki, from, async |heard, told| {
        until(heard, told, live).await;
    })
    .await;
    let [whole, rest] = &told.gaps[..] else {
        panic!("{:?}", told.gaps)
    };
    assert_eq!(
        (whole.from, &told.filled[..]),
        (Nanos(from), &[whole.clone()][..])
    );
    let read = usize::try_from((rest.from.0 - from) / 1_000).expect("behind its begin");
    assert!((1_900..2_100).contains(&read) && rest.to == whole.to, "{read}");
    assert_eq!(told.lines.len(), read + 1, "what is before the rest was told");
}

#[tokio::test]
async fn a_connection_that_is_cut_again_and_again_loses_nothing_and_tells_nothing_twice() {
    let server = Server::start(Script {
        cut: Some(Duration::from_millis(400)),
        ..Script::default()
    })
    .await;
    let from = now();
    let loki = loki(&server.url);
    let (sent, told) = beside(&loki, from, async |heard, told| {
        let mut sent = Vec::new();
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        while told.gaps.len() < 5 {
            tokio::select! {
                _ = tick.tick() => for n in 0..4 {
                    let line = (now(), format!("line {} {n}", sent.len()));
                    server.push(line.0, if n % 2 == 0 { "cart" } else { "pay" }, line.1.clone());
                    sent.push(line);
                },
                event = heard.recv() => told.take(event.expect("the tail runs")),
            }
        }
        server.script(|script| script.cut = None);
        until(heard, told, |told| {
            told.lines.len() >= sent.len() && told.filled.len() >= told.gaps.len()
        })
        .await;
        sent
    })
    .await;
    told.is_exactly(&sent);
    assert!(sent.len() > 500, "under load: {}", sent.len());
    assert_eq!(told.gaps, told.filled);
    assert!(told.gaps.iter().all(|gap| gap.reason == GapReason::Disconnected));
    assert!(!told.failures.is_empty());
}

#[tokio::test]
async fn tenant_and_flag_go_with_every_question_the_upgrade_included() {
    let server = Server::start(Script::default()).await;
    let mut endpoint = endpoint(&server.url);
    endpoint.headers = vec![("X-Scope-OrgID".into(), Secret::Inline("team-a".into()))];
    let loki = loki_on(&endpoint);
    beside(&loki, now(), async |heard, told| until(heard, told, live).await).await;
    for (name, wanted) in [
        ("x-scope-orgid", "team-a"),
        ("x-loki-response-encoding-flags", "categorize-labels"),
    ] {
        let headers = server.headers(name);
        for path in ["/labels", "/query_range", "/tail"] {
            assert!(headers.iter().any(|(asked, _)| asked.ends_with(path)), "{path}");
        }
        for (path, value) in headers {
            assert_eq!(value.as_deref(), Some(wanted), "{name} of {path}");
        }
    }
}

#[tokio::test]
async fn what_the_server_drops_is_a_gap_since_the_last_good_line_and_is_read_again() {
    let server = Server::start(Script {
        drop_each: Some(7),
        ..Script::default()
    })
    .await;
    let loki = loki(&server.url);
    let (sent, told) = beside(&loki, now(), async |heard, told| {
        until(heard, told, live).await;
        let mut sent = Vec::new();
        for n in 0..99 {
            let line = (now(), format!("line {n}"));
            server.push(line.0, "cart", line.1.clone());
            sent.push(line);
        }
        // The last of them is not dropped: a server tells what it dropped with the next line.
        until(heard, told, |told| told.lines.len() >= sent.len()).await;
        until(heard, told, |told| told.filled.len() >= told.gaps.len()).await;
        sent
    })
    .await;
    told.is_exactly(&sent);
    assert!(
        matches!(told.gaps[0].reason, GapReason::Dropped(1..)),
        "{:?}",
        told.gaps
    );
    assert_eq!(told.gaps, told.filled);
}

#[tokio::test]
async fn where_tails_are_too_many_the_present_is_polled() {
    let server = Server::start(Script {
        close: Some("max concurrent tail requests limit exceeded, count > limit (11 > 10)"),
        ..Script::default()
    })
    .await;
    let loki = loki(&server.url);
    let ((), told) = beside(&loki, now(), async |heard, told| {
        let polling = |told: &Told| told.modes.last() == Some(&TailMode::Polling("tail limit"));
        until(heard, told, polling).await;
        server.push(now(), "cart", "seen all the same");
        until(heard, told, |told| told.lines.len() == 1).await;
    })
    .await;
    assert_eq!(
        told.modes,
        [TailMode::Connecting, TailMode::Polling("tail limit")]
    );
    assert!(
        told.failures[0].contains("max concurrent tail requests"),
        "{:?}",
        told.failures
    );
}

#[tokio::test]
async fn where_nothing_is_upgraded_the_present_is_polled() {
    for (status, body) in [
        (404, "404 page not found"),
        (200, "<html>hello</html>"),
        (502, "Bad Gateway"),
        (400, "Bad Request"),
        (401, "no token"),
        (403, "forbidden"),
    ] {
        let server = Server::start(Script {
            refuse: Some((status, body)),
            ..Script::default()
        })
        .await;
        let loki = loki(&server.url);
        let ((), told) = beside(&loki, now(), async |heard, told| {
            let why = if matches!(status, 401 | 403) {
                "tail refused"
            } else {
                "no upgrade"
            };
            let polling = |told: &Told| told.modes.last() == Some(&TailMode::Polling(why));
            if status == 200 {
                // A login page: signing in is what is missing, and that is tried again.
                until(heard, told, |told| {
                    told.failures.iter().any(|words| words.contains("not signed in"))
                })
                .await;
                return;
            }
            until(heard, told, polling).await;
            server.push(now(), "cart", "seen all the same");
            until(heard, told, |told| told.lines.len() == 1).await;
        })
        .await;
        assert!(!told.modes.contains(&TailMode::Live), "{status}");
    }
}

#[tokio::test]
async fn an_ended_hour_is_begun_anew_without_a_failure() {
    let server = Server::start(Script {
        close: Some("reached tail max duration limit"),
        ..Script::default()
    })
    .await;
    let loki = loki(&server.url);
    let ((), told) = beside(&loki, now(), async |heard, told| {
        server.tails(1).await;
        server.script(|script| script.close = None);
        until(heard, told, live).await;
    })
    .await;
    assert_eq!(told.failures, Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_does_not_read_is_said_and_what_was_in_it_is_read_again() {
    let server = Server::start(Script {
        garbage: Some("{\"streams\": 7}"),
        ..Script::default()
    })
    .await;
    let loki = loki(&server.url);
    let ((), told) = beside(&loki, now(), async |heard, told| {
        until(heard, told, |told| {
            told.failures.iter().any(|words| words.contains("does not read"))
        })
        .await;
        server.push(now(), "cart", "after it");
        until(heard, told, |told| told.lines.len() == 1).await;
    })
    .await;
    assert!(live(&told), "the socket is kept");
}

#[tokio::test]
async fn a_refused_query_ends_the_tail_with_the_servers_words() {
    let server = Server::start(Script {
        broken: Some((400, "parse error at line 1, col 2: syntax error")),
        ..Script::default()
    })
    .await;
    let (events, mut heard) = mpsc::channel(TAIL_CAPACITY);
    let loki = loki(&server.url);
    let error = loki
        .tail(Wanted::default(), Nanos(now()), events)
        .await
        .expect_err("refused");
    assert!(error.detail.contains("syntax error"), "{error}");
    assert!(matches!(
        heard.recv().await,
        Some(TailEvent::Mode(TailMode::Connecting))
    ));
    assert!(heard.recv().await.is_none());
}

#[tokio::test]
async fn a_server_that_never_answers_is_told_and_tried_again() {
    let server = Server::start(Script {
        mute: true,
        ..Script::default()
    })
    .await;
    let loki = loki(&server.url);
    let ((), told) = beside(&loki, now(), async |heard, told| {
        until(heard, told, |told| !told.failures.is_empty()).await;
        server.script(|script| script.mute = false);
        until(heard, told, live).await;
    })
    .await;
    assert!(
        told.failures[0].contains("no whole answer"),
        "{:?}",
        told.failures
    );
}

#[tokio::test]
async fn a_listener_that_is_gone_ends_the_tail() {
    let server = Server::start(Script::default()).await;
    let loki = loki(&server.url);
    let (events, mut heard) = mpsc::channel(TAIL_CAPACITY);
    let tail = loki.tail(Wanted::default(), Nanos(now()), events);
    let leave = async {
        while !matches!(heard.recv().await, Some(TailEvent::Mode(TailMode::Live))) {}
        drop(heard);
    };
    let both = async { tokio::join!(tail, leave).0 };
    tokio::time::timeout(Duration::from_secs(10), both)
        .await
        .expect("in time")
        .expect("no failure");
}

#[tokio::test]
async fn a_listener_that_is_slow_misses_nothing() {
    let server = Server::start(Script::default()).await;
    let mut loki = loki(&server.url);
    loki.room = 64 * 1024;
    let (events, mut heard) = mpsc::channel(1);
    let from = now();
    let tail = loki.tail(Wanted::default(), Nanos(from), events);
    let listen = async {
        let mut told = Told::default();
        until(&mut heard, &mut told, live).await;
        // Far more than what may wait, while nobody listens.
        let text = "x".repeat(1_000);
        let mut sent = Vec::new();
        for n in 0..1_000 {
            let line = (now(), format!("{n} {text}"));
            server.push(line.0, "cart", line.1.clone());
            sent.push(line);
            tokio::task::yield_now().await;
        }
        // Until the last of them has passed the socket.
        tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>())
            .await
            .ok();
        until(&mut heard, &mut told, |told| told.lines.len() >= sent.len()).await;
        until(&mut heard, &mut told, |told| told.filled.len() >= told.gaps.len()).await;
        told.is_exactly(&sent);
        told
    };
    tokio::select! {
        ended = tail => panic!("the tail ended: {ended:?}"),
        told = listen => assert!(
            told.gaps.iter().any(|gap| matches!(gap.reason, GapReason::Dropped(1..))),
            "{:?}", told.gaps
        ),
    }
}

#[tokio::test]
async fn what_arrives_while_a_stretch_is_read_slowly_finds_room() {
    let server = Server::start(Script {
        slow: Some(Duration::from_millis(500)),
        ..Script::default()
    })
    .await;
    let from = now();
    let mut loki = loki(&server.url);
    loki.room = 64 * 1024;
    let (sent, told) = beside(&loki, from, async |heard, told| {
        server.tails(1).await;
        // The stretch up to now is being asked for, and ten times what may wait comes down the socket.
        let text = "x".repeat(1_000);
        let mut sent = Vec::new();
        for n in 0..640 {
            let line = (now(), format!("{n} {text}"));
            server.push(line.0, "cart", line.1.clone());
            sent.push(line);
            tokio::task::yield_now().await;
        }
        until(heard, told, |told| told.lines.len() >= sent.len() && live(told)).await;
        sent
    })
    .await;
    told.is_exactly(&sent);
    assert_eq!(told.gaps, []);
}

#[tokio::test]
async fn a_tail_is_exchanged_for_a_new_one_before_its_hour_is_over_and_nothing_is_missed() {
    assert!(super::tail::RENEW.mul_f64(1.1) < Duration::from_secs(3_600 - 60));
    let server = Server::start(Script::default()).await;
    let from = now();
    let mut loki = loki(&server.url);
    loki.renew = Duration::from_millis(300);
    let (sent, told) = beside(&loki, from, async |heard, told| {
        let mut sent = Vec::new();
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        while server.asked("/tail", "query").len() < 4 {
            tokio::select! {
                _ = tick.tick() => {
                    let line = (now(), format!("line {}", sent.len()));
                    server.push(line.0, "cart", line.1.clone());
                    sent.push(line);
                }
                event = heard.recv() => told.take(event.expect("the tail runs")),
            }
        }
        until(heard, told, |told| told.lines.len() >= sent.len()).await;
        sent
    })
    .await;
    told.is_exactly(&sent);
    assert_eq!((told.gaps, told.failures), (Vec::new(), Vec::new()));
    assert_eq!(told.modes, [TailMode::Connecting, TailMode::Live]);
}

#[tokio::test]
async fn a_tail_that_falls_silent_is_given_up_and_what_it_withheld_is_read_again() {
    let server = Server::start(Script {
        frozen: true,
        ..Script::default()
    })
    .await;
    let from = now();
    let mut loki = loki(&server.url);
    loki.patience = Duration::from_millis(250);
    let (sent, told) = beside(&loki, from, async |heard, told| {
        until(heard, told, live).await;
        server.script(|script| script.frozen = false);
        let sent: Vec<(i64, String)> = (0..20).map(|number| (now(), format!("line {number}"))).collect();
        for line in &sent {
            server.push(line.0, "cart", line.1.clone());
        }
        until(heard, told, |told| {
            told.lines.len() >= sent.len() && told.filled.len() == 1
        })
        .await;
        sent
    })
    .await;
    told.is_exactly(&sent);
    assert!(told.failures[0].contains("fell silent"), "{:?}", told.failures);
    assert_eq!(told.gaps, told.filled);
}
