//! The whole client on a cluster in memory: pages that tile, PITs in both dialects, the tail, counts, refusals.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use self::fake::{Fake, Ways, refused};
use super::{Elastic, Settings};
use crate::backend::ErrorKind;
use crate::backend::logs::{Direction, Logs as _, More, Page, PageQuestion, TailEvent, TailMode};
use crate::domain::log::{Batch, GapReason, Level, Nanos, Wanted};
use crate::time::Clock;

mod fake;

const T0: i64 = 1_700_000_000_000_000_000;
const MS: i64 = 1_000_000;

fn client(ways: Ways) -> (Arc<Fake>, Elastic) {
    let fake = Arc::new(Fake::new(ways));
    let settings = Settings {
        common: super::super::Settings {
            name: Arc::from("logs"),
            service_label: None,
            service_labels: Arc::default(),
            poll: Duration::from_secs(2),
        },
        index: None,
        timeout: Duration::from_secs(15),
    };
    let clock = Clock::with_tokio(DateTime::from_timestamp_nanos(T0));
    let elastic = Elastic::new(settings, Arc::clone(&fake) as Arc<_>, clock);
    (fake, elastic)
}

fn question(from: i64, to: i64, direction: Direction, limit: usize) -> PageQuestion {
    PageQuestion {
        wanted: Wanted::default(),
        from: Nanos(from),
        to: Nanos(to),
        direction,
        limit,
    }
}

fn texts(batch: &Batch) -> Vec<String> {
    let lines = batch.lines.iter();
    lines
        .map(|line| String::from_utf8(batch.text(line).to_vec()).unwrap())
        .collect()
}

/// Every line of a stretch, page by page, as one who scrolls reads them: oldest first at the end.
async fn scrolled(elastic: &Elastic, from: i64, to: i64, direction: Direction, limit: usize) -> Vec<String> {
    let (mut from, mut to) = (from, to);
    let mut all: Vec<Vec<String>> = Vec::new();
    loop {
        let page = elastic.page(question(from, to, direction, limit)).await.unwrap();
        assert_eq!(page.gaps, []);
        all.push(texts(&page.batch));
        let ends = (page.batch.lines.first(), page.batch.lines.last());
        match (page.more, ends) {
            (More::Yes, (Some(first), Some(last))) => match direction {
                Direction::Backward => to = first.at.unwrap().0,
                Direction::Forward => from = last.at.unwrap().0 + 1,
            },
            (More::Yes, _) => panic!("an empty page claims that there is more"),
            (More::No, _) => break,
        }
    }
    if direction == Direction::Backward {
        all.reverse();
    }
    all.concat()
}

fn fill(fake: &Fake, count: i64, at: impl Fn(i64) -> i64) -> Vec<String> {
    (0..count)
        .map(|number| {
            let text = format!("line {number}");
            fake.put(at(number), json!({"message": text}));
            text
        })
        .collect()
}

#[rstest]
#[case::elasticsearch("elasticsearch", true)]
#[case::elasticsearch_before_shard_doc("elasticsearch", false)]
#[case::opensearch("opensearch", true)]
#[case::opensearch_before_shard_doc("opensearch", false)]
#[case::without_pit("", false)]
#[tokio::test(start_paused = true)]
async fn pages_laid_end_to_end_have_every_line_once(
    #[case] pit: &'static str,
    #[case] shard_doc: bool,
    #[values(Direction::Backward, Direction::Forward)] direction: Direction,
    #[values(1, 7, 4_000)] limit: usize,
    #[values(false, true)] nanos: bool,
) {
    // runs of equal times, of times within one millisecond, and a burst of 30 lines
    let (fake, elastic) = client(Ways {
        pit,
        shard_doc,
        nanos,
        ..Ways::default()
    });
    let mut sent = fill(&fake, 60, |number| T0 + number / 5 * 2 * MS + number % 5 / 3);
    let burst = (0..30).map(|number| {
        let text = format!("burst {number}");
        fake.put(T0 + 200 * MS, json!({"message": text}));
        text
    });
    sent.extend(burst);
    let mut read = scrolled(&elastic, T0, T0 + 1_000 * MS, direction, limit).await;
    read.sort();
    sent.sort();
    assert_eq!(read, sent);
    assert_eq!(fake.open_pits(), 0, "every PIT was given back");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn equal_times_by_the_thousand_come_whole(
    #[values("elasticsearch", "opensearch", "")] pit: &'static str,
    #[values(true, false)] shard_doc: bool,
) {
    let (fake, elastic) = client(Ways {
        pit,
        shard_doc,
        ..Ways::default()
    });
    let sent = fill(&fake, 7_000, |number| if number < 10 { T0 - MS } else { T0 });
    let page = elastic
        .page(question(T0 - 10 * MS, T0 + MS, Direction::Backward, 100))
        .await
        .unwrap();
    assert_eq!((page.batch.lines.len(), page.more), (6_990, More::Yes));
    assert_eq!(page.gaps, []);
    let read = scrolled(&elastic, T0 - 10 * MS, T0 + MS, Direction::Backward, 100).await;
    assert_eq!(read.len(), sent.len());
    assert_eq!(fake.open_pits(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_moment_that_holds_more_than_can_be_read_is_a_gap() {
    let (fake, elastic) = client(Ways {
        pit: "",
        ..Ways::default()
    });
    fill(&fake, 12_000, |_| T0);
    let page = elastic
        .page(question(T0 - MS, T0 + MS, Direction::Backward, 10))
        .await
        .unwrap();
    assert_eq!(page.batch.lines.len(), 10_000);
    assert_eq!(page.gaps.len(), 1);
    assert_eq!(
        (page.gaps[0].reason, page.gaps[0].from),
        (GapReason::LimitHit, Nanos(T0))
    );
}

#[tokio::test(start_paused = true)]
async fn a_pit_that_expires_is_opened_again_and_nothing_is_lost() {
    let (fake, elastic) = client(Ways {
        pit_lives: 2,
        ..Ways::default()
    });
    let mut sent = fill(&fake, 9_000, |number| T0 + number / 7 * MS);
    let page = elastic
        .page(question(T0, T0 + 10_000 * MS, Direction::Forward, 9_500))
        .await
        .unwrap();
    let mut read = texts(&page.batch);
    read.sort();
    sent.sort();
    assert_eq!(read, sent);
    let opened = fake
        .paths()
        .iter()
        .filter(|path| path.ends_with("/_pit") && path.starts_with("POST"))
        .count();
    assert!((2..=4).contains(&opened), "{opened} PITs");
}

#[tokio::test(start_paused = true)]
async fn a_smaller_window_is_heeded() {
    let (fake, elastic) = client(Ways {
        window: 500,
        ..Ways::default()
    });
    let sent = fill(&fake, 3_000, |number| T0 + number * MS);
    let page = elastic
        .page(question(T0, T0 + 10_000 * MS, Direction::Forward, 5_000))
        .await
        .unwrap();
    assert_eq!(texts(&page.batch), sent);
}

#[tokio::test(start_paused = true)]
async fn one_search_is_enough_for_a_page_of_usual_size() {
    let (fake, elastic) = client(Ways::default());
    fill(&fake, 50, |number| T0 + number * MS);
    let page = elastic
        .page(question(T0, T0 + 1_000 * MS, Direction::Backward, 20))
        .await
        .unwrap();
    assert_eq!((page.batch.lines.len(), page.more), (20, More::Yes));
    assert_eq!(texts(&page.batch)[0], "line 30");
    assert_eq!(
        fake.paths(),
        ["GET ", "GET logs-*/_field_caps", "POST logs-*/_search"]
    );
}

#[tokio::test(start_paused = true)]
async fn without_an_index_of_logs_all_are_searched() {
    let (fake, elastic) = client(Ways {
        caps: json!({"indices": [], "fields": {}}),
        ..Ways::default()
    });
    elastic
        .page(question(T0, T0 + MS, Direction::Backward, 20))
        .await
        .unwrap();
    assert_eq!(fake.paths().last().unwrap(), "POST */_search");
}

async fn one(source: Value) -> Page {
    let (fake, elastic) = client(Ways::default());
    fake.put(T0 + 5 * MS, source);
    elastic
        .page(question(T0, T0 + 1_000 * MS, Direction::Backward, 20))
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn ecs_documents_are_read() {
    let page = one(json!({
        "@timestamp": "2023-11-14T22:13:20.005123456Z", "message": "boom", "log": {"level": "error", "logger": "a.B"},
        "service": {"name": "checkout"}, "host.name": "web-1", "trace.id": "00aa", "http": {"response": {"status_code": 500}},
    }))
    .await;
    let line = &page.batch.lines[0];
    assert_eq!(page.batch.text(line), b"boom");
    assert_eq!(
        (line.level, line.at),
        (Level::Error, Some(Nanos(T0 + 5 * MS + 123_456)))
    );
    let stream = &page.batch.streams[0];
    assert_eq!(stream.service.as_deref(), Some("checkout"));
    assert_eq!(stream.label("host.name"), Some("web-1"));
    assert_eq!(stream.native_id.as_deref(), Some("logs-a"));
    let extra: Value = serde_json::from_slice(page.batch.extra(line)).unwrap();
    assert_eq!(extra["http.response.status_code"], 500);
    assert_eq!(extra["trace.id"], "00aa");
    assert!(extra.get("message").is_none() && extra.get("@timestamp").is_none());
}

#[tokio::test(start_paused = true)]
async fn opentelemetry_documents_are_read() {
    let page = one(json!({
        "@timestamp": "1700000000005.123456", "body": {"text": "boom"}, "severity_text": "", "severity_number": 17,
        "resource": {"attributes": {"service.name": "checkout", "host.name": "web-1"}}, "trace_id": "00aa",
    }))
    .await;
    let line = &page.batch.lines[0];
    assert_eq!(
        (page.batch.text(line), line.level),
        (b"boom".as_slice(), Level::Error)
    );
    assert_eq!(
        line.at,
        Some(Nanos(T0 + 5 * MS)),
        "an unknown spelling of the time is told by the index"
    );
    assert_eq!(page.batch.streams[0].service.as_deref(), Some("checkout"));
}

#[tokio::test(start_paused = true)]
async fn a_document_without_a_message_is_shown_whole() {
    let page = one(json!({"event": {"action": "x"}, "n": 1})).await;
    assert_eq!(texts(&page.batch), [r#"{"event.action":"x","n":1}"#]);
}

#[tokio::test(start_paused = true)]
async fn documents_without_source_are_read_from_their_columns() {
    let (fake, elastic) = client(Ways::default());
    fake.put(T0, Value::Null);
    let page = elastic
        .page(question(T0, T0 + MS, Direction::Backward, 20))
        .await
        .unwrap();
    assert_eq!(page.batch.lines[0].level, Level::Error);
    assert_eq!(texts(&page.batch), [r#"{"log.level":["error"]}"#]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_whole_is_said() {
    let (fake, elastic) = client(Ways {
        failures: Some(
            json!([{"shard": 0, "index": "logs-a", "reason": {"type": "x", "reason": "no space left", "caused_by": {"reason": "deep"}}}]),
        ),
        ..Ways::default()
    });
    fill(&fake, 3, |number| T0 + number * MS);
    let page = elastic
        .page(question(T0, T0 + 10 * MS, Direction::Backward, 20))
        .await
        .unwrap();
    assert_eq!(page.batch.lines.len(), 3);
    assert_eq!(page.warnings, ["1 of 3 shards failed: deep"]);
    assert_eq!(page.gaps.len(), 1);
    assert_eq!(
        (page.gaps[0].reason, page.gaps[0].to),
        (GapReason::Partial, Nanos(T0 + 10 * MS))
    );
}

#[rstest]
#[case(400, "parse_exception", "Cannot parse 'a:('", ErrorKind::Rejected)]
#[case(404, "index_not_found_exception", "no such index [x]", ErrorKind::Rejected)]
#[case(
    503,
    "no_shard_available_action_exception",
    "no shard",
    ErrorKind::ServerFault
)]
#[case(429, "es_rejected_execution_exception", "queue full", ErrorKind::RateLimited)]
#[case(
    429,
    "circuit_breaking_exception",
    "[parent] Data too large",
    ErrorKind::RateLimited
)]
#[tokio::test(start_paused = true)]
async fn refusals_are_told_in_the_servers_deepest_words(
    #[case] status: u16,
    #[case] kind: &str,
    #[case] reason: &str,
    #[case] expected: ErrorKind,
) {
    let (_fake, elastic) = client(Ways {
        instead: vec![refused(status, kind, reason)],
        ..Ways::default()
    });
    let error = elastic
        .page(question(T0, T0 + MS, Direction::Backward, 20))
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (expected, reason));
    assert_eq!(
        (error.tried.as_str(), error.status),
        ("POST /logs-*/_search", Some(status))
    );
}

#[tokio::test(start_paused = true)]
async fn lines_are_counted_by_time_and_level() {
    let (fake, elastic) = client(Ways::default());
    for (number, level) in ["error", "ERROR", "warn", "purple"].into_iter().enumerate() {
        fake.put(
            T0 + i64::try_from(number).unwrap() * 30_000 * MS,
            json!({"log.level": level}),
        );
    }
    fake.put(T0, json!({}));
    let volume = elastic
        .volume(Wanted::default(), Nanos(T0), Nanos(T0 + 120_000 * MS), 2)
        .await
        .unwrap()
        .unwrap();
    let sum = |level: Level| {
        volume
            .buckets
            .iter()
            .map(|bucket| bucket[level as usize])
            .sum::<u64>()
    };
    assert_eq!(
        (sum(Level::Error), sum(Level::Warn), sum(Level::Unknown)),
        (2, 1, 2)
    );
    let from = volume.from.unwrap().0;
    assert!(
        from <= T0 && from + volume.step * i64::try_from(volume.buckets.len()).unwrap() >= T0 + 120_000 * MS
    );
    assert!((2..=3).contains(&volume.buckets.len()), "{volume:?}");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_cannot_be_counted_by_gives_way() {
    let (fake, elastic) = client(Ways {
        instead: vec![refused(
            400,
            "illegal_argument_exception",
            "Fielddata is disabled on [log.level]",
        )],
        ..Ways::default()
    });
    fill(&fake, 5, |_| T0);
    let volume = elastic
        .volume(Wanted::default(), Nanos(T0), Nanos(T0 + MS), 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(volume.buckets.iter().map(|bucket| bucket[0]).sum::<u64>(), 5);
}

/// What a tail told, in one string a line: texts, `gap`, `filled`, modes, `failed`.
fn told(events: &mut mpsc::Receiver<TailEvent>) -> Vec<String> {
    let mut all = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            TailEvent::Lines(batch) => all.extend(texts(&batch)),
            TailEvent::Gap(gap) => all.push(format!("gap {}", gap.reason.word())),
            TailEvent::Filled(_) => all.push("filled".to_owned()),
            TailEvent::Mode(TailMode::Connecting) => all.push("connecting".to_owned()),
            TailEvent::Mode(mode) => all.push(format!("{mode:?}")),
            TailEvent::Failed(error) => all.push(format!("failed: {}", error.detail)),
        }
    }
    all
}

/// Lets the tail run for so many seconds of paused time.
async fn run(tail: &mut (impl Future + Unpin), seconds: u64) {
    tokio::select! {
        _ = tail => panic!("the tail ended"),
        () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn the_tail_tells_every_line_once_late_ones_too() {
    let (fake, elastic) = client(Ways::default());
    fake.put(T0 - MS, json!({"message": "before"}));
    fake.put(T0, json!({"message": "first"}));
    let (sender, mut events) = mpsc::channel(64);
    let mut tail = elastic.tail(Wanted::default(), Nanos(T0), sender);
    run(&mut tail, 5).await;
    assert_eq!(told(&mut events), ["connecting", "first", "Polling(\"\")"]);
    fake.put(T0 + 4_000 * MS, json!({"message": "second"}));
    run(&mut tail, 4).await;
    // indexed late, dated before the second
    fake.put(T0 + 1_000 * MS, json!({"message": "late"}));
    // from a clock that goes ahead
    fake.put(T0 + 3_600_000 * MS, json!({"message": "future"}));
    run(&mut tail, 4).await;
    fake.put(T0 + 12_000 * MS, json!({"message": "third"}));
    run(&mut tail, 40).await;
    assert_eq!(told(&mut events), ["second", "late", "third", "future"]);
}

#[tokio::test(start_paused = true)]
async fn a_shipper_that_is_later_than_all_others_is_told_within_half_a_minute_and_once() {
    let (fake, elastic) = client(Ways::default());
    let (sender, mut events) = mpsc::channel(64);
    let mut tail = elastic.tail(Wanted::default(), Nanos(T0), sender);
    for second in (0..60).step_by(5) {
        fake.put(
            T0 + second * 1_000 * MS,
            json!({"message": format!("at {second}")}),
        );
    }
    run(&mut tail, 65).await;
    assert_eq!(told(&mut events).len(), 14, "two modes and all that is punctual");
    for second in [20, 40] {
        fake.put(
            T0 + second * 1_000 * MS,
            json!({"message": format!("late of {second}")}),
        );
    }
    run(&mut tail, 35).await;
    assert_eq!(told(&mut events), ["late of 20", "late of 40"]);
    run(&mut tail, 400).await;
    assert_eq!(told(&mut events), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn documents_dated_far_ahead_are_not_read_again_with_every_question() {
    let (fake, elastic) = client(Ways::default());
    for number in 0..50 {
        fake.put(
            T0 + 3_600_000 * MS,
            json!({"message": format!("future {number}")}),
        );
    }
    let (sender, mut events) = mpsc::channel(64);
    let mut tail = elastic.tail(Wanted::default(), Nanos(T0), sender);
    run(&mut tail, 5).await;
    assert_eq!(told(&mut events).len(), 52);
    fake.asked.lock().unwrap().clear();
    run(&mut tail, 20).await;
    let asked = fake.asked.lock().unwrap();
    let searches: Vec<String> = asked
        .iter()
        .map(|(_, body)| body.to_string())
        .filter(|body| body.contains("gte"))
        .collect();
    assert!(searches.len() >= 5, "{searches:?}");
    assert!(
        searches.iter().all(|body| body.contains("\"lt\"")),
        "{searches:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_many_lines_is_caught_up_with() {
    let (fake, elastic) = client(Ways::default());
    let mut sent = fill(&fake, 25_000, |number| {
        if number < 12_000 {
            T0
        } else {
            T0 + number / 10 * MS
        }
    });
    let (sender, mut events) = mpsc::channel(64);
    let mut tail = elastic.tail(Wanted::default(), Nanos(T0), sender);
    run(&mut tail, 1).await;
    let mut read = told(&mut events);
    read.retain(|line| line.starts_with("line"));
    read.sort();
    sent.sort();
    assert_eq!(read, sent);
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_tail_are_told_and_mend_themselves() {
    let (fake, elastic) = client(Ways {
        instead: vec![refused(503, "no_shard_available_action_exception", "no shard")],
        ..Ways::default()
    });
    fake.put(T0, json!({"message": "first"}));
    let (sender, mut events) = mpsc::channel(64);
    let mut tail = elastic.tail(Wanted::default(), Nanos(T0), sender);
    run(&mut tail, 10).await;
    assert_eq!(
        told(&mut events),
        ["connecting", "failed: no shard", "first", "Polling(\"\")"]
    );
    let refusal = refused(400, "parse_exception", "Cannot parse");
    fake.ways.lock().unwrap().instead.push(refusal);
    assert_eq!(tail.await.unwrap_err().detail, "Cannot parse");
}

#[tokio::test(start_paused = true)]
async fn a_failing_shard_leaves_a_gap_until_it_is_back() {
    let (fake, elastic) = client(Ways {
        failures: Some(json!([])),
        ..Ways::default()
    });
    fake.put(T0, json!({"message": "first"}));
    let (sender, mut events) = mpsc::channel(64);
    let mut tail = elastic.tail(Wanted::default(), Nanos(T0), sender);
    run(&mut tail, 15).await;
    assert_eq!(
        told(&mut events),
        ["connecting", "first", "gap partial", "Polling(\"\")"]
    );
    // what the shard held comes when it is back
    fake.put(T0 + MS, json!({"message": "held"}));
    fake.ways.lock().unwrap().failures = None;
    run(&mut tail, 5).await;
    assert_eq!(told(&mut events), ["held", "filled"]);
}

#[tokio::test(start_paused = true)]
async fn a_tail_nobody_listens_to_ends() {
    let (_fake, elastic) = client(Ways::default());
    let (sender, events) = mpsc::channel(64);
    drop(events);
    elastic.tail(Wanted::default(), Nanos(T0), sender).await.unwrap();
}
