//! Exemplars of a histogram that a real Prometheus scraped: their traces, spans and values are those that were exposed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use midwatch::backend::http::{Asker, Client, Wires};
use midwatch::backend::metrics::Metrics as _;
use midwatch::backend::metrics::prometheus::Prometheus;
use midwatch::config::{Auth, Endpoint, TlsConfig};
use midwatch::domain::trace::exemplar::{Exemplar, above};
use midwatch::time::Clock;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An application's metrics, as `OpenMetrics` has them.
fn exposed() -> String {
    format!(
        "# TYPE req histogram\n\
         req_bucket{{service=\"pay\",le=\"0.3\"}} 7 # {{trace_id=\"00000000000000000000000000000abc\"}} 0.12\n\
         req_bucket{{service=\"pay\",le=\"+Inf\"}} 9 # {{trace_id=\"{TRACE}\",span_id=\"b7ad6b7169203331\"}} 2.31\n\
         req_count{{service=\"pay\"}} 9\n\
         req_sum{{service=\"pay\"}} 3.5\n\
         req_bucket{{service=\"cart\",le=\"+Inf\"}} 1 # {{trace_id=\"00000000000000000000000000000def\"}} 9.9\n\
         # EOF\n"
    )
}

/// Answers every scrape until the test is over.
fn expose() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = scraped(&mut stream);
        }
    });
    port
}

fn scraped(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let body = exposed();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A server that scrapes it each second, with its exemplars kept or not.
fn prometheus(dir: &std::path::Path, features: &[&str]) -> Option<(Server, String)> {
    if Command::new("prometheus").arg("--version").output().is_err() {
        eprintln!("\nSKIPPED, NOT PASSED: prometheus is not installed; install the package `prometheus`\n");
        return None;
    }
    let config = dir.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: app\n  static_configs:\n  - targets: ['127.0.0.1:{}']\n",
        expose()
    );
    std::fs::write(&config, text).unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut child = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", dir.join("tsdb").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(features)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let server = Server(child);
    let mut line = String::new();
    while !line.contains("Server is ready to receive web requests") {
        line.clear();
        assert!(
            log.read_line(&mut line).unwrap() > 0,
            "it ended before it was ready"
        );
    }
    // Someone must read on, or a chatty server blocks on a full pipe.
    std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
    Some((server, format!("http://127.0.0.1:{port}")))
}

fn open(url: &str) -> (Prometheus, Clock) {
    let endpoint = Endpoint {
        name: "metrics".to_owned(),
        url: url.to_owned(),
        auth: Auth::None,
        headers: Vec::new(),
        params: Vec::new(),
        tls: TlsConfig::default(),
        proxy: None,
        timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(3),
        max_concurrency: 4,
    };
    let clock = Clock::start();
    let client = Client::new(&endpoint, Wires::default().transport(&endpoint), clock);
    (
        Prometheus::new("metrics", Arc::new(client) as Arc<dyn Asker>, None),
        clock,
    )
}

async fn asked(server: &Prometheus, clock: Clock) -> Vec<Exemplar> {
    let now = clock.now().utc;
    let query = "req_bucket{service=\"pay\"}".to_owned();
    let answered = server
        .exemplars(query, now - chrono::TimeDelta::hours(1), now)
        .await;
    answered.expect("an answer").value
}

#[tokio::test]
async fn the_slow_request_is_found_by_what_was_scraped_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_server, url)) = prometheus(dir.path(), &["--enable-feature=exemplar-storage"]) else {
        return;
    };
    let (server, clock) = open(&url);
    let mut pause = tokio::time::interval(Duration::from_millis(200));
    for _ in 0..150 {
        pause.tick().await;
        let found = asked(&server, clock).await;
        if found.len() < 2 {
            continue;
        }
        assert!(
            found.iter().all(|each| each.series.value("service") == "pay"),
            "{found:?}"
        );
        let slow = above(found, 0.3);
        let told: Vec<_> = slow
            .iter()
            .map(|each| {
                (
                    each.trace.to_string(),
                    each.span.map(|span| span.to_string()),
                    each.value,
                )
            })
            .collect();
        assert_eq!(
            told,
            [(TRACE.to_owned(), Some("b7ad6b7169203331".to_owned()), 2.31)]
        );
        let age = clock.now().utc.timestamp_millis() - slow[0].at.0 / 1_000_000;
        assert!((0..60_000).contains(&age), "{age} ms ago");
        return;
    }
    panic!("nothing was scraped within half a minute");
}

#[tokio::test]
async fn a_server_that_keeps_none_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_server, url)) = prometheus(dir.path(), &[]) else {
        return;
    };
    let (server, clock) = open(&url);
    assert_eq!(asked(&server, clock).await, []);
}
