//! The trace sources on a real Jaeger and a real Zipkin: what was sent is what is listed, opened and counted.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use midwatch::backend::http::{Asker, Client, Wires};
use midwatch::backend::traces::jaeger::Jaeger;
use midwatch::backend::traces::{More, SearchQuestion, Traces, otlp, zipkin};
use midwatch::config::{Auth, Endpoint, TlsConfig};
use midwatch::domain::trace::summary::Outcome;
use midwatch::domain::trace::{Kind, Nanos, Stretch, TraceId, Wanted, otlp as written};
use midwatch::time::Clock;
use serde_json::{Value, json};

const SECOND: i64 = 1_000_000_000;

struct Server {
    child: Child,
    url: String,
    /// Where spans are sent.
    intake: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Beside the build, where the gate puts it.
fn built(name: &str) -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    let built = exe.ancestors().nth(3)?.join("live").join(name);
    built.exists().then_some(built)
}

fn skipped(what: &str) {
    // written past the test harness, which keeps what a passing test prints to itself
    let words = format!(
        "\n*** SKIPPED: no {what} on this machine (.ci/run fetches it where it can); what a real one answers was NOT tested ***\n\n"
    );
    let _ = std::io::stderr().write_all(words.as_bytes());
}

fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn ready(mut server: Server, path: &str) -> Option<Server> {
    let client = reqwest::Client::new();
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..900 {
        pause.tick().await;
        assert_eq!(server.child.try_wait().unwrap(), None, "it ended");
        let health = client.get(format!("{}/{path}", server.url)).send().await;
        if health.is_ok_and(|answer| answer.status().is_success()) {
            return Some(server);
        }
    }
    panic!("{} did not start", server.url);
}

async fn jaeger() -> Option<Server> {
    let on_path = || {
        let found = Command::new("jaeger-all-in-one")
            .arg("version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        found
            .is_ok()
            .then(|| Path::new("jaeger-all-in-one").to_path_buf())
    };
    let Some(binary) = built("jaeger-all-in-one").or_else(on_path) else {
        skipped("jaeger-all-in-one");
        return None;
    };
    let (query, intake) = (port(), port());
    let mut command = Command::new(binary);
    command
        .env("COLLECTOR_OTLP_ENABLED", "true")
        .arg(format!("--query.http-server.host-port=127.0.0.1:{query}"))
        .arg(format!("--collector.otlp.http.host-port=127.0.0.1:{intake}"));
    for other in [
        "query.grpc-server.host-port",
        "collector.otlp.grpc.host-port",
        "collector.grpc-server.host-port",
        "collector.http-server.host-port",
        "admin.http.host-port",
        "processor.jaeger-binary.server-host-port",
        "processor.jaeger-compact.server-host-port",
        "processor.zipkin-compact.server-host-port",
        "http-server.host-port",
    ] {
        command.arg(format!("--{other}=127.0.0.1:{}", port()));
    }
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server {
        child,
        url: format!("http://127.0.0.1:{query}"),
        intake: format!("http://127.0.0.1:{intake}/v1/traces"),
    };
    ready(server, "api/services").await
}

async fn zipkin() -> Option<Server> {
    let Some(jar) = built("zipkin.jar") else {
        skipped("Zipkin server");
        return None;
    };
    let port = port();
    let child = Command::new("java")
        .args(["-Xmx256m", "-jar"])
        .arg(jar)
        .env("QUERY_PORT", port.to_string())
        .env("STORAGE_TYPE", "mem")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = child else {
        skipped("java");
        return None;
    };
    let url = format!("http://127.0.0.1:{port}");
    let server = Server {
        child,
        intake: format!("{url}/api/v2/spans"),
        url,
    };
    ready(server, "health").await
}

impl Server {
    fn asker(&self) -> Arc<dyn Asker> {
        let endpoint = Endpoint {
            name: "traces".into(),
            url: self.url.clone(),
            auth: Auth::None,
            headers: Vec::new(),
            params: Vec::new(),
            tls: TlsConfig::default(),
            proxy: None,
            timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(2),
            max_concurrency: 4,
        };
        let transport = Wires::default().transport(&endpoint);
        Arc::new(Client::new(&endpoint, transport, Clock::start()))
    }

    async fn send(&self, body: &Value) {
        let sent = reqwest::Client::new()
            .post(&self.intake)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        assert!(sent.status().is_success(), "{sent:?}");
    }
}

fn wanted(service: &str) -> Wanted {
    Wanted {
        service: Some(service.into()),
        ..Wanted::default()
    }
}

/// The hour that ends in a minute.
fn during() -> Stretch {
    let now = Nanos::of(Clock::start().now().utc);
    Stretch {
        from: now.minus(Duration::from_secs(3_600)),
        to: now.plus(Duration::from_secs(60)),
    }
}

fn question(wanted: Wanted) -> SearchQuestion {
    SearchQuestion {
        wanted,
        during: during(),
        limit: 100,
    }
}

fn id(number: u32) -> TraceId {
    TraceId((0xa000_0000_u128 + u128::from(number)).to_be_bytes())
}

/// Asks until so many traces are listed: servers store behind their answer.
async fn listed(source: &dyn Traces, wanted: &Wanted, count: usize) -> Vec<TraceId> {
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    let mut found = Vec::new();
    for _ in 0..200 {
        pause.tick().await;
        let listed = source.search(question(wanted.clone())).await.expect("a list");
        found = listed.traces.iter().map(|trace| trace.id).collect();
        if found.len() >= count {
            break;
        }
    }
    found
}

/// A request of two spans in OTLP; each third one fails and takes two seconds.
fn request(number: u32, now: Nanos) -> Value {
    let start = now.0 - i64::from(number) * SECOND;
    let failed = number.is_multiple_of(3);
    let end = start + if failed { 2 * SECOND } else { SECOND / 10 };
    let span = |id: u64, parent: u64, name: &str, kind: u8, to: i64, attributes: Value, status: Value| {
        json!({"traceId": self::id(number).to_string(), "spanId": format!("{id:016x}"),
            "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
            "name": name, "kind": kind, "startTimeUnixNano": start.to_string(), "endTimeUnixNano": to.to_string(),
            "attributes": attributes, "status": status,
            "events": [{"timeUnixNano": start.to_string(), "name": "exception",
                "attributes": [{"key": "exception.type", "value": {"stringValue": "Timeout"}}]}],
            "links": [{"traceId": self::id(9_999).to_string(), "spanId": "00000000000000ff"}]})
    };
    let ok = json!({});
    let bad = json!({"code": 2, "message": "no \u{1b}[31mfunds"});
    let code =
        json!([{"key": "http.status_code", "value": {"intValue": if failed { "503" } else { "200" }}}]);
    json!({"resourceSpans": [
        {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "live-web"}},
            {"key": "host.name", "value": {"stringValue": "web-1"}}]},
            "scopeSpans": [{"scope": {"name": "lib", "version": "1.2"}, "spans": [
                span(1, 0, "POST /pay \"x\"", 2, end, code, if failed { bad } else { ok.clone() })]}]},
        {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "live-db"}}]},
            "scopeSpans": [{"spans": [span(2, 1, "select", 3, start + SECOND / 20, json!([]), ok)]}]},
    ]})
}

#[tokio::test]
async fn a_real_jaeger_lists_and_opens_what_it_was_sent() {
    let Some(server) = jaeger().await else { return };
    let now = Nanos::of(Clock::start().now().utc);
    let newest_first: Vec<TraceId> = (1..=60).map(id).collect();
    for number in 1..=60 {
        server.send(&request(number, now)).await;
    }
    let source = Jaeger::new("traces".into(), server.asker(), Duration::from_secs(20));
    let web = wanted("live-web");
    assert_eq!(
        listed(&source, &web, 60).await,
        newest_first,
        "more than one page"
    );

    let failed: Vec<TraceId> = newest_first.iter().copied().skip(2).step_by(3).collect();
    for narrowed in [
        Wanted {
            outcome: Outcome::Failed,
            ..web.clone()
        },
        Wanted {
            at_least: Some(Duration::from_secs(1)),
            ..web.clone()
        },
        Wanted {
            query: "http.status_code=503 op=\"POST /pay \\\"x\\\"\" err dur>1s dur<3s".into(),
            ..web.clone()
        },
    ] {
        assert_eq!(listed(&source, &narrowed, 20).await, failed, "{narrowed:?}");
    }
    assert!(
        listed(&source, &Wanted::default(), 60).await.len() >= 60,
        "of every service"
    );
    let mut few = question(web);
    few.limit = 5;
    let few = source.search(few).await.expect("a list");
    assert_eq!((few.traces.len(), few.more), (5, More::Yes));
    let summary = &few.traces[2];
    assert_eq!((summary.spans, summary.errors), (Some(2), Some(1)));
    assert_eq!(summary.service.as_deref(), Some("live-web"));
    assert_eq!(summary.duration, Duration::from_secs(2));

    let about = Stretch {
        from: now.minus(Duration::from_secs(10)),
        to: now,
    };
    for about in [None, Some(about)] {
        let trace = source
            .trace(id(3), about)
            .await
            .expect("answered")
            .expect("there");
        assert_eq!((trace.id(), trace.len()), (id(3), 2));
        let root = trace.span(trace.primary());
        assert_eq!(
            (&**root.service, &**root.operation),
            ("live-web", "POST /pay \"x\"")
        );
        assert_eq!((root.kind, root.start), (Kind::Server, Nanos(now.0 - 3 * SECOND)));
        let detail = trace.detail(root.row);
        assert_eq!(detail.message.as_deref(), Some("no \u{1b}[31mfunds"));
        assert_eq!(detail.events[0].name, "exception");
        assert_eq!(detail.links[0].trace, id(9_999));
        assert_eq!(trace.host(root.row).map(|host| &**host), Some("web-1"));
    }
    assert!(source.trace(id(70_000), None).await.expect("answered").is_none());

    let services = source.services(during()).await.expect("names");
    assert!(services.iter().any(|name| &**name == "live-db"), "{services:?}");
    let operations = source
        .operations("live-web".into(), during())
        .await
        .expect("names");
    assert_eq!(
        (&*operations[0].name, operations[0].kind),
        ("POST /pay \"x\"", Kind::Server)
    );
    let calls = source
        .dependencies(during())
        .await
        .expect("answered")
        .expect("it counts");
    assert!(
        calls
            .iter()
            .any(|call| &*call.caller == "live-web" && &*call.called == "live-db")
    );

    // What is written out goes in again as it was.
    let trace = source.trace(id(3), None).await.expect("answered").expect("there");
    let mut out = Vec::new();
    written::write(&mut out, &trace, |_| true).unwrap();
    let sent: Value = serde_json::from_slice(&out).unwrap();
    let again = otlp::read(out).only(id(3)).expect("the same trace");
    assert_eq!(
        again.detail(again.primary()).message,
        trace.detail(trace.primary()).message
    );
    server.send(&sent).await;
}

#[tokio::test]
async fn a_real_zipkin_lists_and_opens_what_it_was_sent() {
    let Some(server) = zipkin().await else { return };
    let now = Nanos::of(Clock::start().now().utc);
    let micros = now.0 / 1_000;
    for number in 1..=20_i64 {
        let trace = format!("{:016x}", 0xa000_0000_u64 + u64::try_from(number).unwrap());
        let start = micros - number * 1_000_000;
        let tags = if number % 2 == 0 {
            json!({"error": "no funds", "code": "503"})
        } else {
            json!({"code": "200"})
        };
        server
            .send(&json!([
                {"traceId": trace, "id": "0000000000000001", "kind": "SERVER", "name": "post /pay", "timestamp": start,
                 "duration": 1_000 * number, "localEndpoint": {"serviceName": "live-web"}, "tags": tags},
                {"traceId": trace, "id": "0000000000000002", "parentId": "0000000000000001", "kind": "CLIENT",
                 "name": "select", "timestamp": start, "duration": 500, "localEndpoint": {"serviceName": "live-web"},
                 "remoteEndpoint": {"serviceName": "live-db"},
                 "annotations": [{"timestamp": start + 5, "value": "ws"}]},
            ]))
            .await;
    }
    let source = zipkin::Source::new("traces".into(), server.asker(), Duration::from_secs(20));
    let web = wanted("live-web");
    let all: Vec<TraceId> = (1..=20).map(id).collect();
    assert_eq!(listed(&source, &web, 20).await, all);
    let failed: Vec<TraceId> = all.iter().copied().skip(1).step_by(2).collect();
    let narrowed = Wanted {
        query: "err code=503 op=\"post /pay\"".into(),
        ..web.clone()
    };
    assert_eq!(listed(&source, &narrowed, 10).await, failed);
    let narrowed = Wanted {
        query: "dur>10ms dur<15ms".into(),
        ..web
    };
    assert_eq!(listed(&source, &narrowed, 6).await, all[9..15]);

    let trace = source.trace(id(2), None).await.expect("answered").expect("there");
    assert_eq!((trace.id(), trace.len()), (id(2), 2));
    assert!(source.trace(id(70_000), None).await.expect("answered").is_none());
    let services = source.services(during()).await.expect("names");
    assert_eq!(services, [Arc::from("live-web")]);
    let operations = source
        .operations("live-web".into(), during())
        .await
        .expect("names");
    assert_eq!(operations.len(), 2);
    let calls = source
        .dependencies(during())
        .await
        .expect("answered")
        .expect("it counts");
    assert!(
        calls
            .iter()
            .any(|call| &*call.called == "live-db" && call.calls == 20),
        "{calls:?}"
    );
}
