//! VictoriaLogs against scripted servers: wiremock for answers, a bare socket for the tail.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wiremock::matchers::{body_string_contains, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::backend::http::{Client, Wires};
use crate::backend::logs::{More, TailMode};
use crate::config::{Auth, Endpoint, TlsConfig};

const BASE: i64 = 1_790_000_040_000_000_000;

fn logs(url: &str) -> VictoriaLogs {
    let endpoint = Endpoint {
        name: "logs".into(),
        url: url.into(),
        auth: Auth::None,
        headers: Vec::new(),
        params: Vec::new(),
        tls: TlsConfig::default(),
        proxy: None,
        timeout: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(1),
        max_concurrency: 4,
    };
    let clock = Clock::start();
    let client = Client::new(&endpoint, Wires::default().transport(&endpoint), clock);
    let settings = Settings {
        name: "logs".into(),
        service_label: None,
        service_labels: ["app".into()].into(),
        poll: Duration::from_millis(100),
    };
    VictoriaLogs::new(settings, None, Arc::new(client), clock)
}

fn row(at: i64, text: &str) -> String {
    let time = Nanos(at)
        .utc()
        .to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    let row = serde_json::json!({"_time": time, "_stream_id": "01", "_stream": "{app=\"cart\"}", "_msg": text, "level": "warn"});
    format!("{row}\n")
}

async fn answering(body: String, status: u16) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/select/logsql/query"))
        .respond_with(ResponseTemplate::new(status).set_body_raw(body, "application/stream+json"))
        .mount(&server)
        .await;
    server
}

fn question(direction: Direction, limit: usize) -> PageQuestion {
    PageQuestion {
        wanted: Wanted::default(),
        from: Nanos(BASE),
        to: Nanos(BASE + 1_000),
        direction,
        limit,
    }
}

#[tokio::test]
async fn rows_come_oldest_first_and_none_from_beyond_the_end() {
    // As an old server: in another order, and the end taken as inclusive.
    let body = [5, 3, 1_000, 4].map(|n| row(BASE + n, &format!("{n}"))).concat();
    let server = answering(body, 200).await;
    let page = logs(&server.uri())
        .page(question(Direction::Backward, 100))
        .await
        .expect("a page");
    let texts: Vec<&[u8]> = page
        .batch
        .lines
        .iter()
        .map(|line| page.batch.text(line))
        .collect();
    assert_eq!(texts, [b"3", b"4", b"5"]);
    assert_eq!((page.more, page.batch.lines[0].level), (More::No, Level::Warn));
    let asked = server.received_requests().await.expect("recorded");
    let form = String::from_utf8(asked[0].body.clone()).expect("text");
    assert!(
        form.contains(&format!("start={BASE}&end={}", BASE + 1_000)),
        "{form}"
    );
    assert!(form.contains("limit=101"), "{form}");
}

#[tokio::test]
async fn nothing_found_is_an_empty_answer_without_a_type() {
    let server = MockServer::start().await;
    Mock::given(path("/select/logsql/query"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let page = logs(&server.uri())
        .page(question(Direction::Forward, 10))
        .await
        .expect("a page");
    assert!(page.batch.is_empty());
    let asked = server.received_requests().await.expect("recorded");
    let form = String::from_utf8(asked[0].body.clone()).expect("text");
    assert!(form.contains("sort+by+%28_time%29+limit+11"), "{form}");
}

#[tokio::test]
async fn a_failure_in_the_middle_of_an_answer_and_a_refusal_are_said_in_the_servers_words() {
    let torn = format!(
        "{}\ncannot read part 17: no space\n\nthe connection has been aborted; see logs\n",
        row(BASE, "x")
    );
    let server = answering(torn, 200).await;
    let error = logs(&server.uri())
        .page(question(Direction::Backward, 10))
        .await
        .expect_err("torn");
    assert_eq!(error.kind, ErrorKind::ServerFault);
    assert!(error.detail.contains("cannot read part 17"), "{error}");
    let server = answering("cannot parse query [(]: unexpected end".into(), 400).await;
    let error = logs(&server.uri())
        .page(question(Direction::Backward, 10))
        .await
        .expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Rejected);
    assert!(error.detail.contains("unexpected end"), "{error}");
}

#[tokio::test]
async fn hits_fall_into_their_bucket_by_level() {
    let server = MockServer::start().await;
    let at = |seconds: i64| {
        Nanos(BASE + seconds * SECOND)
            .utc()
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let hits = serde_json::json!({"hits": [
        {"fields": {"level": "error"}, "timestamps": [at(0), at(61)], "values": [2, 3], "total": 5},
        {"fields": {}, "timestamps": [at(60), at(9_999)], "values": [7, 1], "total": 8},
    ]});
    Mock::given(path("/select/logsql/hits"))
        .and(body_string_contains("field=level"))
        .respond_with(ResponseTemplate::new(200).set_body_json(hits))
        .mount(&server)
        .await;
    let to = Nanos(BASE + 119 * SECOND);
    let volume = logs(&server.uri())
        .volume(Wanted::default(), Nanos(BASE), to, 2)
        .await;
    let volume = volume.expect("counted").expect("it can");
    assert_eq!((volume.from, volume.step), (Some(Nanos(BASE)), 60 * SECOND));
    let count = |bucket: usize, level: Level| volume.buckets[bucket][level as usize];
    assert_eq!(
        (
            count(0, Level::Error),
            count(1, Level::Error),
            count(1, Level::Unknown)
        ),
        (2, 3, 7)
    );
}

/// Rows that are there, and what each tail tells before it is cut.
struct Script {
    rows: Mutex<Vec<(i64, String)>>,
    tails: Mutex<Vec<String>>,
}

async fn tailing(script: Arc<Script>) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut serving = JoinSet::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let script = Arc::clone(&script);
            serving.spawn(async move {
                let mut asked = vec![0; 8192];
                let read = socket.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                if asked.contains("logsql/tail") {
                    let head =
                        "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n";
                    let _ = socket.write_all(head.as_bytes()).await;
                    let next = script.tails.lock().unwrap().pop();
                    if let Some(told) = next {
                        let _ = socket.write_all(told.as_bytes()).await;
                    } else {
                        std::future::pending::<()>().await;
                    }
                } else {
                    let rows = script.rows.lock().unwrap().clone();
                    let body: String = rows.iter().map(|(at, text)| row(*at, text)).collect();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
                }
            });
        }
    });
    (url, tasks)
}

#[tokio::test]
async fn rows_that_are_alike_are_told_as_often_as_the_server_has_them() {
    let now = Nanos::of(Clock::start().now().utc).0;
    let alike = |count: usize| row(now, "GET /healthz 200").repeat(count);
    let script = Arc::new(Script {
        rows: Mutex::new(vec![(now, "GET /healthz 200".to_owned()); 10]),
        // The last is told first: fewer than there are, and then all of them and two more.
        tails: Mutex::new(vec![
            format!("{}\nthe connection has been aborted\n", alike(12)),
            format!("{}\nthe connection has been aborted\n", alike(4)),
        ]),
    });
    let (url, _tasks) = tailing(Arc::clone(&script)).await;
    let logs = logs(&url);
    let (events, mut heard) = mpsc::channel(super::super::TAIL_CAPACITY);
    let (mut told, mut lives) = (0, 0);
    let listen = async {
        while lives < 3 {
            match heard.recv().await.expect("the tail runs") {
                TailEvent::Lines(batch) => told += batch.lines.len(),
                TailEvent::Mode(TailMode::Live) => lives += 1,
                TailEvent::Mode(_) | TailEvent::Gap(_) | TailEvent::Filled(_) | TailEvent::Failed(_) => {}
            }
        }
    };
    let tail = logs.tail(Wanted::default(), Nanos(now), events);
    let both = async {
        tokio::select! {
            ended = tail => panic!("the tail ended: {ended:?}"),
            () = listen => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("in time");
    assert_eq!(told, 12);
}

#[tokio::test]
async fn a_tail_that_is_cut_and_skips_rows_tells_every_row_once() {
    let now = Nanos::of(Clock::start().now().utc).0;
    let all: Vec<(i64, String)> = (0..50).map(|n| (now + n / 3, format!("row {n}"))).collect();
    let rows = |range: std::ops::Range<usize>| {
        all[range]
            .iter()
            .map(|(at, text)| row(*at, text))
            .collect::<String>()
    };
    let script = Arc::new(Script {
        rows: Mutex::new(all.clone()),
        // The last is told first: rows left out, a row cut in two, the server's last words.
        tails: Mutex::new(vec![
            format!("{}\nthe connection has been aborted\n", rows(10..30)),
            format!("{}{{\"_time\":", rows(5..20)),
            rows(0..10),
        ]),
    });
    let (url, _tasks) = tailing(Arc::clone(&script)).await;
    let logs = logs(&url);
    let (events, mut heard) = mpsc::channel(super::super::TAIL_CAPACITY);
    let mut told: HashMap<(i64, Vec<u8>), usize> = HashMap::new();
    let mut lives = 0;
    let mut failures = Vec::new();
    let listen = async {
        while lives < 4 {
            match heard.recv().await.expect("the tail runs") {
                TailEvent::Lines(batch) => {
                    for line in &batch.lines {
                        let key = (line.at.expect("a time").0, batch.text(line).to_vec());
                        *told.entry(key).or_default() += 1;
                    }
                }
                TailEvent::Mode(TailMode::Live) => lives += 1,
                TailEvent::Failed(error) => failures.push(error.to_string()),
                TailEvent::Mode(_) | TailEvent::Gap(_) | TailEvent::Filled(_) => {}
            }
        }
    };
    let tail = logs.tail(Wanted::default(), Nanos(now), events);
    let both = async {
        tokio::select! {
            ended = tail => panic!("the tail ended: {ended:?}"),
            () = listen => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("in time");
    assert_eq!(told.len(), all.len());
    assert!(told.values().all(|times| *times == 1), "{told:?}");
    assert!(
        failures
            .iter()
            .any(|words| words.contains("the connection has been aborted")),
        "{failures:?}"
    );
}
