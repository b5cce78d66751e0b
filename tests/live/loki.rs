//! The log source on a real Loki: what was pushed is what is paged, scoped, counted and tailed, over its own websocket.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use midwatch::backend::logs::loki::Loki;
use midwatch::backend::logs::{Direction, Logs, More, PageQuestion, Settings, TailEvent, TailMode};
use midwatch::domain::log::{Batch, Level, Nanos, Wanted};
use midwatch::time::Clock;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::server::{Running, built, free_port, or_skipped};

const SECOND: i64 = 1_000_000_000;

/// A Loki.
struct Server(Running);

/// One process with all of it, on a directory that goes with it. One tail at a time.
fn configuration(dir: &Path, (http, grpc): (u16, u16)) -> String {
    let dir = dir.display();
    format!(
        "auth_enabled: false
server: {{http_listen_address: 127.0.0.1, http_listen_port: {http}, grpc_listen_address: 127.0.0.1, grpc_listen_port: {grpc}, log_level: error}}
common:
  instance_addr: 127.0.0.1
  path_prefix: {dir}
  replication_factor: 1
  ring: {{kvstore: {{store: inmemory}}}}
  storage: {{filesystem: {{chunks_directory: {dir}/chunks, rules_directory: {dir}/rules}}}}
schema_config:
  configs: [{{from: 2020-10-24, store: tsdb, object_store: filesystem, schema: v13, index: {{prefix: index_, period: 24h}}}}]
ingester: {{lifecycler: {{min_ready_duration: 0s}}}}
limits_config: {{max_concurrent_tail_requests: 1}}
analytics: {{reporting_enabled: false}}
"
    )
}

async fn start() -> Option<Server> {
    // Not by its name alone: Debian's `loki` is a program of genetics.
    let binary = or_skipped(built("loki"), "Loki")?;
    let dir = tempfile::tempdir().unwrap();
    let http = free_port();
    let path = dir.path().join("loki.yaml");
    std::fs::write(&path, configuration(dir.path(), (http, free_port()))).unwrap();
    let mut command = Command::new(binary);
    command
        .arg(format!("-config.file={}", path.display()))
        .current_dir(dir.path());
    Some(Server(Running::start(command, http, "ready", Some(dir)).await))
}

impl Server {
    fn logs(&self) -> Loki {
        let clock = Clock::start();
        let settings = Settings {
            name: "logs".into(),
            service_label: Some("app".into()),
            service_labels: ["app".into()].into(),
            poll: Duration::from_millis(500),
        };
        Loki::new(settings, None, Arc::new(self.0.client("logs", clock)), clock)
    }

    async fn push(&self, lines: &[(i64, String)]) {
        let streams: Vec<Value> = [("cart", 0), ("pay \"a\"", 1)]
            .into_iter()
            .map(|(app, turn)| {
                let own = lines.iter().enumerate().filter(|(number, _)| number % 2 == turn);
                let values: Vec<Value> = own
                    .map(|(_, (at, text))| json!([at.to_string(), text, {"trace_id": "0af7651916cd43dd8448eb211c80319c"}]))
                    .collect();
                json!({"stream": {"app": app}, "values": values})
            })
            .collect();
        let answer = reqwest::Client::new()
            .post(format!("{}/loki/api/v1/push", self.0.url))
            .header("content-type", "application/json")
            .body(json!({"streams": streams}).to_string())
            .send()
            .await
            .unwrap();
        let (status, words) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status} {words}");
    }
}

fn texts(batch: &Batch) -> Vec<String> {
    let text = |line| String::from_utf8(batch.text(line).to_vec()).unwrap();
    batch.lines.iter().map(text).collect()
}

fn now() -> i64 {
    Nanos::of(Clock::start().now().utc).0
}

/// Waits until the server shows so many lines of a stretch.
async fn shown(logs: &Loki, question: &PageQuestion, count: usize) {
    let mut pause = tokio::time::interval(Duration::from_millis(200));
    let mut last = 0;
    for _ in 0..100 {
        pause.tick().await;
        last = logs.page(question.clone()).await.unwrap().batch.lines.len();
        if last >= count {
            return;
        }
    }
    panic!("{last} lines of {count} showed");
}

#[tokio::test]
async fn what_was_pushed_is_paged_scoped_and_counted() {
    let Some(server) = start().await else { return };
    let logs = server.logs();
    let begin = now() - 600 * SECOND;
    let sent: Vec<(i64, String)> = (0..400)
        .map(|n| {
            let level = if n % 2 == 0 { "info" } else { "error" };
            (begin + n / 3 * SECOND, format!("level={level} line {n}"))
        })
        .collect();
    server.push(&sent).await;
    let whole = PageQuestion {
        wanted: Wanted::default(),
        from: Nanos(begin),
        to: Nanos(begin + 300 * SECOND),
        direction: Direction::Backward,
        limit: 1_000,
    };
    shown(&logs, &whole, sent.len()).await;
    for direction in [Direction::Backward, Direction::Forward] {
        let mut question = PageQuestion {
            direction,
            limit: 37,
            ..whole.clone()
        };
        let mut found: Vec<String> = Vec::new();
        loop {
            let page = logs.page(question.clone()).await.unwrap();
            let ends = page.batch.lines.first().zip(page.batch.lines.last());
            let (first, last) = ends.map(|(a, b)| (a.at.unwrap(), b.at.unwrap())).unwrap();
            found.extend(texts(&page.batch));
            match direction {
                Direction::Backward => question.to = first,
                Direction::Forward => question.from = Nanos(last.0 + 1),
            }
            if page.more == More::No {
                break;
            }
        }
        found.sort();
        let mut all: Vec<String> = sent.iter().map(|(_, text)| text.clone()).collect();
        all.sort();
        assert_eq!(found, all, "{direction:?}");
    }
    let scoped = PageQuestion {
        wanted: Wanted {
            service: Some("pay \"a\"".into()),
            trace: Some("0af7651916cd43dd8448eb211c80319c".parse().unwrap()),
            at_least: Some(Level::Warn),
            query: "|= `line`".into(),
            // none of the lines tells one, so none is left out
            environment: [("env".to_owned(), "prod-eu".to_owned())].into(),
        },
        ..whole.clone()
    };
    let page = logs.page(scoped).await.unwrap();
    assert_eq!(page.batch.lines.len(), 200);
    assert!(page.batch.lines.iter().all(|line| line.level == Level::Error));
    assert_eq!(page.batch.streams[0].service.as_deref(), Some("pay \"a\""));
    let volume = logs
        .volume(Wanted::default(), whole.from, whole.to, 5)
        .await
        .unwrap()
        .unwrap();
    let count: u64 = volume.buckets.iter().flatten().sum();
    assert_eq!(count, 400);
    let wrong = PageQuestion {
        wanted: Wanted {
            query: "{app=}".into(),
            ..Wanted::default()
        },
        ..whole
    };
    let error = logs.page(wrong).await.unwrap_err();
    assert!(error.detail.contains("parse error"), "{error}");
}

/// Tails until so many lines were told, pushing some as soon as the tail says how it is had.
async fn tailed(server: &Server, logs: &Loki, mode: TailMode) -> Vec<String> {
    let begin = now() - 60 * SECOND;
    let (events, mut heard) = mpsc::channel(256);
    let mut told: HashMap<String, usize> = HashMap::new();
    let mut failures = Vec::new();
    let listen = async {
        let mut sent = 0;
        while sent == 0 || told.len() < sent {
            match heard.recv().await.expect("the tail runs") {
                TailEvent::Lines(batch) => {
                    for text in texts(&batch) {
                        *told.entry(text).or_default() += 1;
                    }
                }
                TailEvent::Mode(now_had) if now_had == mode && sent == 0 => {
                    for round in 0..10 {
                        let at = now();
                        let new: Vec<(i64, String)> =
                            (0..20).map(|n| (at, format!("{mode:?} {round} {n}"))).collect();
                        server.push(&new).await;
                        sent += new.len();
                    }
                }
                TailEvent::Failed(error) => failures.push(error.to_string()),
                TailEvent::Mode(_) | TailEvent::Gap(_) | TailEvent::Filled(_) => {}
            }
        }
    };
    let wanted = Wanted {
        query: format!("{{app=~\".+\"}} |= `{mode:?}`"),
        ..Wanted::default()
    };
    let tail = logs.tail(wanted, Nanos(begin), events);
    let both = async {
        tokio::select! {
            ended = tail => panic!("the tail ended: {ended:?}"),
            () = listen => (),
        }
    };
    tokio::time::timeout(Duration::from_secs(60), both)
        .await
        .expect("in time");
    assert!(told.values().all(|times| *times == 1), "{told:?}");
    failures
}

#[tokio::test]
async fn a_tail_tells_every_line_once_and_polls_where_there_are_too_many() {
    let Some(server) = start().await else { return };
    let logs = server.logs();
    server.push(&[(now(), "first".to_owned())]).await;
    assert_eq!(tailed(&server, &logs, TailMode::Live).await, Vec::<String>::new());
    // another console has the one tail that there may be
    let other = server.logs();
    let (events, mut heard) = mpsc::channel(256);
    let everything = Wanted {
        query: "{app=~\".+\"}".to_owned(),
        ..Wanted::default()
    };
    let mut held = other.tail(everything, Nanos(now()), events);
    loop {
        tokio::select! {
            ended = &mut held => panic!("the tail ended: {ended:?}"),
            event = heard.recv() => if matches!(event, Some(TailEvent::Mode(TailMode::Live))) {
                break;
            },
        }
    }
    let polled = async {
        tokio::select! {
            ended = &mut held => panic!("the tail ended: {ended:?}"),
            failures = tailed(&server, &logs, TailMode::Polling("tail limit")) => failures,
            () = async { while heard.recv().await.is_some() {} } => panic!("the tail goes on"),
        }
    };
    let failures = polled.await;
    assert!(
        failures[0].contains("max concurrent tail requests"),
        "{failures:?}"
    );
}
