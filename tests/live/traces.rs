//! The trace sources on a real Jaeger and a real Zipkin: what was sent is what is listed, opened and counted.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use midwatch::backend::http::Asker;
use midwatch::backend::traces::jaeger::Jaeger;
use midwatch::backend::traces::{More, SearchQuestion, Traces, otlp, zipkin};
use midwatch::domain::trace::summary::Outcome;
use midwatch::domain::trace::{Kind, Nanos, Stretch, TraceId, Wanted, otlp as written};
use midwatch::time::Clock;
use serde_json::{Value, json};

use super::server::{Running, built, free_port, on_path, or_skipped};

const SECOND: i64 = 1_000_000_000;

struct Server {
    running: Running,
    /// Where spans are sent.
    intake: String,
}

async fn jaeger() -> Option<Server> {
    let binary = built("jaeger-all-in-one").or_else(|| on_path(&["jaeger-all-in-one"], "version"));
    let binary = or_skipped(binary, "jaeger-all-in-one")?;
    let (query, intake) = (free_port(), free_port());
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
        command.arg(format!("--{other}=127.0.0.1:{}", free_port()));
    }
    Some(Server {
        running: Running::start(command, query, "api/services", None).await,
        intake: format!("http://127.0.0.1:{intake}/v1/traces"),
    })
}

async fn zipkin() -> Option<Server> {
    let jar = or_skipped(built("zipkin.jar"), "Zipkin server")?;
    let java = or_skipped(on_path(&["java"], "-version"), "java")?;
    let port = free_port();
    let mut command = Command::new(java);
    command
        .args(["-Xmx256m", "-jar"])
        .arg(jar)
        .env("QUERY_PORT", port.to_string())
        .env("STORAGE_TYPE", "mem");
    Some(Server {
        running: Running::start(command, port, "health", None).await,
        intake: format!("http://127.0.0.1:{port}/api/v2/spans"),
    })
}

impl Server {
    fn asker(&self) -> Arc<dyn Asker> {
        Arc::new(self.running.client("traces", Clock::start()))
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
