//! The log source on a real VictoriaLogs: what was inserted is what is paged, counted and tailed.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use midwatch::backend::logs::victorialogs::VictoriaLogs;
use midwatch::backend::logs::{Direction, Logs, More, PageQuestion, Settings, TailEvent, TailMode};
use midwatch::domain::log::{Batch, Level, Nanos, Wanted};
use midwatch::time::Clock;
use serde_json::json;
use tokio::sync::mpsc;

use super::server::{Running, built, free_port, on_path, or_skipped};

const SECOND: i64 = 1_000_000_000;

/// A `VictoriaLogs`.
struct Server(Running);

async fn start() -> Option<Server> {
    let binary = built("victoria-logs").or_else(|| on_path(&["victoria-logs"], "-version"));
    let binary = or_skipped(binary, "victoria-logs")?;
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = Command::new(binary);
    command
        .arg(format!("-storageDataPath={}", dir.path().display()))
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"));
    Some(Server(Running::start(command, port, "health", Some(dir)).await))
}

impl Server {
    fn logs(&self, selector: Option<&str>) -> VictoriaLogs {
        let clock = Clock::start();
        let settings = Settings {
            name: "logs".into(),
            service_label: None,
            service_labels: ["service".into(), "app".into()].into(),
            poll: Duration::from_secs(1),
        };
        VictoriaLogs::new(
            settings,
            selector.map(str::to_owned),
            Arc::new(self.0.client("logs", clock)),
            clock,
        )
    }

    async fn insert(&self, rows: &[(i64, String)]) {
        let mut body = String::new();
        for (n, (at, text)) in rows.iter().enumerate() {
            let time = Nanos(*at).utc().to_rfc3339_opts(SecondsFormat::Nanos, true);
            let (app, level) = if n % 2 == 0 {
                ("cart", "info")
            } else {
                ("pay \"a\"", "error")
            };
            let row = json!({"_time": time, "_msg": text, "ns": "prod", "app": app, "level": level, "trace_id": "00ab"});
            body.push_str(&row.to_string());
            body.push('\n');
        }
        let answer = reqwest::Client::new()
            .post(format!("{}/insert/jsonline?_stream_fields=ns,app", self.0.url))
            .header("content-type", "application/stream+json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}

/// Waits until the server shows so many rows of a stretch.
async fn shown(logs: &VictoriaLogs, question: &PageQuestion, count: usize) -> Batch {
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    let mut last = 0;
    for _ in 0..100 {
        pause.tick().await;
        let page = logs.page(question.clone()).await.unwrap();
        last = page.batch.lines.len();
        if page.batch.lines.len() >= count {
            return page.batch;
        }
    }
    panic!("{last} rows of {count} showed");
}

fn texts(batch: &Batch) -> Vec<String> {
    let text = |line| String::from_utf8(batch.text(line).to_vec()).unwrap();
    batch.lines.iter().map(text).collect()
}

fn now() -> i64 {
    DateTime::timestamp_nanos_opt(&Clock::start().now().utc).unwrap()
}

#[tokio::test]
async fn what_was_inserted_is_paged_scoped_and_counted() {
    let Some(server) = start().await else { return };
    let logs = server.logs(None);
    let begin = (now() / (60 * SECOND) - 10) * 60 * SECOND;
    // Moments of several rows among them.
    let rows: Vec<(i64, String)> = (0..400)
        .map(|n| (begin + n / 3 * SECOND, format!("row {n}")))
        .collect();
    server.insert(&rows).await;
    let whole = PageQuestion {
        wanted: Wanted::default(),
        from: Nanos(begin),
        to: Nanos(begin + 300 * SECOND),
        direction: Direction::Backward,
        limit: 1_000,
    };
    let batch = shown(&logs, &whole, rows.len()).await;
    // The server remembers for a while that a stream filter found nothing: it is asked once there is something.
    let logs = server.logs(Some("{ns=\"prod\"}"));
    assert_eq!(batch.lines.len(), rows.len());
    assert_eq!(batch.streams.len(), 2);

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
        let mut sent: Vec<String> = rows.iter().map(|(_, text)| text.clone()).collect();
        sent.sort();
        assert_eq!(found, sent, "{direction:?}");
    }

    let scoped = PageQuestion {
        wanted: Wanted {
            service: Some("pay \"a\"".into()),
            trace: Some("ab".parse().unwrap()),
            at_least: Some(Level::Warn),
            query: "row or nothing | sort by (_time)".into(),
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
    let count = |level: Level| {
        volume
            .buckets
            .iter()
            .map(|bucket| bucket[level as usize])
            .sum::<u64>()
    };
    assert_eq!((count(Level::Info), count(Level::Error)), (200, 200));
    assert_eq!(volume.from, Some(whole.from));

    let wrong = PageQuestion {
        wanted: Wanted {
            query: "row:(".into(),
            ..Wanted::default()
        },
        ..whole
    };
    let error = logs.page(wrong).await.unwrap_err();
    assert!(error.detail.contains("cannot parse query"), "{error}");
}

#[tokio::test]
async fn a_tail_tells_every_row_once_late_ones_and_equal_moments_included() {
    let Some(server) = start().await else { return };
    let logs = server.logs(None);
    let begin = now() - 60 * SECOND;
    let mut sent: Vec<(i64, String)> = (0..50).map(|n| (begin + n, format!("backlog {n}"))).collect();
    server.insert(&sent).await;
    let backlog = PageQuestion {
        wanted: Wanted::default(),
        from: Nanos(begin),
        to: Nanos(begin + SECOND),
        direction: Direction::Forward,
        limit: 100,
    };
    shown(&logs, &backlog, sent.len()).await;
    let (events, mut heard) = mpsc::channel(256);
    let mut told: HashMap<String, usize> = HashMap::new();
    let listen = async {
        let mut live = false;
        let mut inserted = 0;
        while !live || inserted < 10 || told.len() < sent.len() {
            let event = heard.recv().await.expect("the tail runs");
            match event {
                TailEvent::Lines(batch) => {
                    for text in texts(&batch) {
                        *told.entry(text).or_default() += 1;
                    }
                }
                TailEvent::Mode(mode) => live = mode == TailMode::Live,
                TailEvent::Failed(error) => panic!("{error}"),
                TailEvent::Gap(_) | TailEvent::Filled(_) => {}
            }
            if live && inserted < 10 {
                inserted += 10;
                for round in 0..10 {
                    let at = now();
                    // Of one moment, and some that are late.
                    let new: Vec<(i64, String)> = (0..20)
                        .map(|n| {
                            (
                                if n % 5 == 4 { at - 4 * SECOND } else { at },
                                format!("{round} {n}"),
                            )
                        })
                        .collect();
                    server.insert(&new).await;
                    sent.extend(new);
                }
            }
        }
        sent.len()
    };
    let tail = logs.tail(Wanted::default(), Nanos(begin), events);
    let both = async {
        tokio::select! {
            ended = tail => panic!("the tail ended: {ended:?}"),
            sent = listen => sent,
        }
    };
    let sent = tokio::time::timeout(Duration::from_secs(60), both)
        .await
        .expect("in time");
    assert_eq!(told.len(), sent);
    assert!(told.values().all(|times| *times == 1));
}
