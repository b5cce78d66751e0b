//! The client against real sockets: wiremock for what a server says, bare listeners for what breaks.

use std::io::Write as _;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wiremock::matchers::{body_string, header, header_exists, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::backend::{BackendError, Delivery, ErrorKind};
use crate::config::{Auth, Endpoint, Secret, TlsConfig};
use crate::time::Clock;

/// An endpoint with short time limits.
pub(super) fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        name: "metrics".into(),
        url: url.into(),
        auth: Auth::None,
        headers: Vec::new(),
        params: Vec::new(),
        tls: TlsConfig::default(),
        proxy: None,
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(2),
        max_concurrency: 4,
    }
}

fn env(name: &str) -> Option<String> {
    (name == "TOKEN").then(|| "s3cret-t0ken".to_owned())
}

fn client(endpoint: &Endpoint) -> Client {
    Client::with_env(
        endpoint,
        Wires::default().transport(endpoint),
        Clock::start(),
        env,
    )
}

fn bearer(url: &str) -> Endpoint {
    Endpoint {
        auth: Auth::Bearer(Secret::Env("TOKEN".into())),
        ..endpoint(url)
    }
}

async fn server(status: u16, respond: impl FnOnce(ResponseTemplate) -> ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(respond(ResponseTemplate::new(status)))
        .mount(&server)
        .await;
    server
}

/// Accepts connections one after the other, reads the request's head and writes `bytes`; then hangs up, or
/// holds the line.
async fn raw(bytes: Vec<u8>, then: Then) -> (String, tokio::task::JoinSet<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let mut held = Vec::new();
        loop {
            let Ok((mut socket, _)) = listener.accept().await else {
                return;
            };
            let mut asked = [0; 4096];
            let _ = socket.read(&mut asked).await;
            let _ = socket.write_all(&bytes).await;
            match then {
                Then::HangUp => drop(socket),
                Then::Hold => held.push(socket),
            }
        }
    });
    (url, tasks)
}

#[derive(Clone, Copy)]
enum Then {
    HangUp,
    Hold,
}

fn error_of(answer: BackendResult<Answer>) -> BackendError {
    answer.expect_err("a failure")
}

#[tokio::test]
async fn a_call_carries_its_own_headers_and_a_configured_one_wins() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(header("accept", "application/vnd.pagerduty+json;version=2"))
        .and(header("from", "mara@example.com"))
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("ratelimit-limit", "960")
                .insert_header("ratelimit-remaining", "100")
                .insert_header("ratelimit-reset", "30")
                .set_body_raw("{}", "application/json"),
        )
        .mount(&server)
        .await;
    let endpoint = Endpoint {
        headers: vec![("From".into(), Secret::Inline("mara@example.com".into()))],
        ..endpoint(&server.uri())
    };
    let client = client(&endpoint);
    assert_eq!(client.allowance(), None);
    let call = Call::get("incidents")
        .header("accept", "application/vnd.pagerduty+json;version=2")
        .header("from", "jun@example.com");
    assert_eq!(client.call(call).await.expect("an answer").status, 200);
    let allowance = client.allowance().expect("told");
    assert_eq!((allowance.limit, allowance.remaining), (960, 100));
    assert!(allowance.is_low());
}

#[tokio::test]
async fn a_question_keeps_the_prefix_and_carries_params_headers_and_auth() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/prom/prefix/api/v1/query"))
        .and(query_param("query", "up{a=\"b\"} + 1"))
        .and(query_param("dedup", "true"))
        .and(header("authorization", "Bearer s3cret-t0ken"))
        .and(header("x-scope-orgid", "team-a"))
        .and(header("accept-encoding", "gzip"))
        .respond_with(ResponseTemplate::new(200).set_body_raw("{\"status\":\"success\"}", "application/json"))
        .mount(&server)
        .await;
    let endpoint = Endpoint {
        headers: vec![("X-Scope-OrgID".into(), Secret::Inline("team-a".into()))],
        params: vec![("dedup".into(), "true".into())],
        ..bearer(&format!("{}/prom/prefix/", server.uri()))
    };
    let client = client(&endpoint);
    let answer = client
        .call(Call::get("api/v1/query").param("query", "up{a=\"b\"} + 1"))
        .await
        .expect("an answer");
    assert_eq!(answer.body, b"{\"status\":\"success\"}");
    let counters = client.counters();
    assert_eq!((counters.requests, counters.errors, counters.bytes), (1, 0, 20));
    assert!(counters.last.is_some());
}

#[tokio::test]
async fn a_form_is_encoded_and_a_label_path_is_escaped() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v1/label/a%20b/values"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string("query=a%2Bb+c&time=1.5"))
        .respond_with(ResponseTemplate::new(200).set_body_raw("[]", "application/json"))
        .mount(&server)
        .await;
    let form = vec![("query".into(), "a+b c".into()), ("time".into(), "1.5".into())];
    client(&endpoint(&server.uri()))
        .call(Call::read_form("api/v1/label/a b/values", form))
        .await
        .expect("an answer");
}

#[tokio::test]
async fn a_server_that_is_down_was_not_sent_anything() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let client = client(&endpoint(&url));
    let error = error_of(
        client
            .call(Call::write(Method::Post, "api/v2/silences", "{}".into()))
            .await,
    );
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::Unreachable, Delivery::NotSent)
    );
    assert!(error.detail.to_lowercase().contains("refused"), "{error}");
    assert!(!error.mend.is_empty());
    assert_eq!(client.counters().requests, 1);
}

#[tokio::test]
async fn a_hung_server_may_have_been_reached() {
    let (url, _tasks) = raw(Vec::new(), Then::Hold).await;
    let endpoint = Endpoint {
        timeout: Duration::from_millis(150),
        ..endpoint(&url)
    };
    let client = client(&endpoint);
    let error = error_of(client.call(Call::get("x")).await);
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::TimedOut, Delivery::Unknown)
    );
    assert!(error.detail.contains("150 ms"), "{error}");
    assert_eq!(client.counters().requests, 1, "a time-out is not repeated");
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_runs_into_the_same_limit() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"a\":";
    let (url, _tasks) = raw(head.to_vec(), Then::Hold).await;
    let call = Call {
        timeout: Some(Duration::from_millis(150)),
        ..Call::get("x")
    };
    let error = error_of(client(&endpoint(&url)).call(call).await);
    assert_eq!(error.kind, ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_truncated_answer_is_said_and_tried_again() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"a\":";
    let (url, _tasks) = raw(head.to_vec(), Then::HangUp).await;
    let client = client(&endpoint(&url));
    let error = error_of(client.call(Call::get("x")).await);
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::BadAnswer, Delivery::Unknown)
    );
    assert!(error.detail.contains("after 5 bytes"), "{error}");
    assert_eq!(client.counters().requests, 3);
}

#[tokio::test]
async fn what_is_no_http_is_a_broken_connection() {
    let (url, _tasks) = raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), Then::HangUp).await;
    let error = error_of(
        client(&endpoint(&url))
            .call(Call::write(Method::Post, "x", "{}".into()))
            .await,
    );
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::Unreachable, Delivery::Unknown)
    );
}

#[tokio::test]
async fn a_500_in_words_is_a_server_fault_and_not_repeated() {
    let server = server(500, |r| r.set_body_raw("panic: boom", "text/plain")).await;
    let client = client(&endpoint(&server.uri()));
    let error = error_of(client.call(Call::get("x")).await);
    assert_eq!((error.kind, error.status), (ErrorKind::ServerFault, Some(500)));
    assert!(error.detail.contains("boom"));
    assert_eq!(client.counters().requests, 1);
}

#[tokio::test]
async fn a_passing_503_is_retried_for_reads_only() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(503).set_body_raw("starting", "text/plain"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_raw("{}", "application/json"))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(503).set_body_raw("starting", "text/plain"))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&endpoint(&server.uri()));
    assert!(client.call(Call::get("x")).await.is_ok());
    assert_eq!(client.counters().requests, 3);
    let error = error_of(client.call(Call::write(Method::Post, "x", "{}".into())).await);
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::ServerFault, Delivery::Answered)
    );
}

#[tokio::test]
async fn a_long_retry_after_is_passed_up_at_once() {
    for status in [429, 503] {
        let server = server(status, |r| {
            r.insert_header("retry-after", "40")
                .set_body_raw("later", "text/plain")
        })
        .await;
        let client = client(&endpoint(&server.uri()));
        let error = error_of(client.call(Call::get("x")).await);
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_secs(40)));
        assert_eq!(client.counters().requests, 1);
    }
}

#[tokio::test]
async fn a_login_page_is_not_signed_in() {
    let server = server(200, |r| {
        r.set_body_raw("<html><title>Log in</title></html>", "text/html; charset=utf-8")
    })
    .await;
    let error = error_of(client(&endpoint(&server.uri())).call(Call::get("x")).await);
    assert_eq!(error.kind, ErrorKind::NotSignedIn);
    assert!(error.mend.contains("auth"), "{error}");
}

fn gzip_of_zeroes(bytes: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; bytes]).expect("compressed");
    encoder.finish().expect("compressed")
}

#[tokio::test]
async fn what_came_up_to_the_cap_is_kept_where_that_is_asked() {
    let server = server(200, |r| r.set_body_raw("[1,2,3,4,5,6]", "application/json")).await;
    let call = Call {
        cap: 6,
        cut: Cut::Keep,
        ..Call::get("x")
    };
    let answer = client(&endpoint(&server.uri()))
        .call(call)
        .await
        .expect("what came");
    assert_eq!(answer.body, b"[1,2,3");
}

#[tokio::test]
async fn a_gzip_bomb_is_stopped_at_the_cap() {
    let bomb = gzip_of_zeroes(8 * 1024 * 1024);
    assert!(bomb.len() < 64 * 1024);
    let server = server(200, |r| {
        r.insert_header("content-encoding", "gzip")
            .set_body_raw(bomb, "application/json")
    })
    .await;
    let call = Call {
        cap: 1024 * 1024,
        ..Call::get("x")
    };
    let error = error_of(client(&endpoint(&server.uri())).call(call).await);
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert!(error.detail.contains("1 MiB"), "{error}");
}

#[tokio::test]
async fn gzip_is_undone_below_the_cap_and_bad_gzip_is_said() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder
        .write_all(b"{\"status\":\"success\"}")
        .expect("compressed");
    let body = encoder.finish().expect("compressed");
    let good = server(200, |r| {
        r.insert_header("content-encoding", "gzip")
            .set_body_raw(body, "application/json")
    })
    .await;
    let answer = client(&endpoint(&good.uri()))
        .call(Call::get("x"))
        .await
        .expect("an answer");
    assert_eq!(answer.body, b"{\"status\":\"success\"}");
    let bad = server(200, |r| {
        r.insert_header("content-encoding", "gzip")
            .set_body_raw("not gzip at all", "application/json")
    })
    .await;
    let error = error_of(client(&endpoint(&bad.uri())).call(Call::get("x")).await);
    assert_eq!(error.kind, ErrorKind::BadAnswer);
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let server = server(302, |r| r.insert_header("location", "/again")).await;
    let client = client(&endpoint(&server.uri()));
    let error = error_of(client.call(Call::get("x")).await);
    assert!(error.detail.contains("redirected more than 5 times"), "{error}");
    assert_eq!((error.kind, error.status), (ErrorKind::Rejected, Some(302)));
    assert_eq!(client.counters().requests, 6);
}

#[tokio::test]
async fn authorization_stays_within_the_origin() {
    let other = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(200))
        .expect(0)
        .mount(&other)
        .await;
    let location = format!("{}/login?next=private", other.uri());
    let elsewhere = server(302, |r| r.insert_header("location", location.as_str())).await;
    let error = error_of(client(&bearer(&elsewhere.uri())).call(Call::get("x")).await);
    assert_eq!(error.kind, ErrorKind::NotSignedIn);
    assert!(!error.to_string().contains("private"), "{error}");

    let within = MockServer::start().await;
    Mock::given(path("/x"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", "/y"))
        .mount(&within)
        .await;
    Mock::given(path("/y"))
        .and(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(200).set_body_raw("{}", "application/json"))
        .mount(&within)
        .await;
    assert!(client(&bearer(&within.uri())).call(Call::get("x")).await.is_ok());
}

#[tokio::test]
async fn a_token_that_was_rotated_is_read_again_after_a_401() {
    let server = MockServer::start().await;
    Mock::given(header("authorization", "Bearer new-token"))
        .respond_with(ResponseTemplate::new(200).set_body_raw("{}", "application/json"))
        .mount(&server)
        .await;
    Mock::given(header("authorization", "Bearer old-token"))
        .respond_with(ResponseTemplate::new(401).set_body_raw("you sent old-token", "text/plain"))
        .mount(&server)
        .await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("token");
    std::fs::write(&file, "old-token\n").expect("written");
    let endpoint = Endpoint {
        auth: Auth::Bearer(Secret::File(file.clone())),
        ..endpoint(&server.uri())
    };
    let client = client(&endpoint);
    let error = error_of(client.call(Call::get("x")).await);
    assert_eq!(error.kind, ErrorKind::NotSignedIn);
    assert!(!error.to_string().contains("old-token"), "{error}");
    assert_eq!(client.counters().requests, 1, "the same token is not tried twice");
    std::fs::write(&file, "new-token\n").expect("written");
    assert!(client.call(Call::get("x")).await.is_ok());
}

#[tokio::test]
async fn a_secret_never_shows_in_an_error_or_debug() {
    let server = server(400, |r| {
        r.set_body_raw(
            "bad header s3cret-t0ken, Authorization: Bearer s3cret-t0ken",
            "text/plain",
        )
    })
    .await;
    let client = client(&bearer(&server.uri()));
    let error = error_of(client.call(Call::get("x").param("query", "private")).await);
    let shown = format!("{error} {error:?} {client:?} {:?}", error.failure());
    assert!(
        !shown.contains("s3cret-t0ken") && !shown.contains("private"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_missing_secret_sends_nothing() {
    let server = server(200, |r| r).await;
    let endpoint = Endpoint {
        auth: Auth::Bearer(Secret::Env("NOT_SET".into())),
        ..endpoint(&server.uri())
    };
    let error = error_of(client(&endpoint).call(Call::get("x")).await);
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::Credentials, Delivery::NotSent)
    );
    assert!(error.detail.contains("NOT_SET"));
    assert!(server.received_requests().await.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_allowed() {
    let server = server(200, |r| {
        r.set_body_raw("{}", "application/json")
            .set_delay(Duration::from_millis(60))
    })
    .await;
    let endpoint = Endpoint {
        max_concurrency: 1,
        ..endpoint(&server.uri())
    };
    let client = client(&endpoint);
    let clock = Clock::start();
    let answers = futures::future::join_all((0..3).map(|_| client.call(Call::get("x")))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(
        clock.tick().0 >= Duration::from_millis(180),
        "one after the other"
    );
}

#[tokio::test]
async fn a_servers_clock_comes_with_the_answer() {
    let server = server(200, |r| {
        r.insert_header("date", "Fri, 20 Nov 2026 03:14:07 GMT")
            .set_body_raw("{}", "application/json")
    })
    .await;
    let answer = client(&endpoint(&server.uri()))
        .call(Call::get("x"))
        .await
        .expect("an answer");
    assert_eq!(
        answer.date.map(|d| d.to_rfc3339()).as_deref(),
        Some("2026-11-20T03:14:07+00:00")
    );
}

#[tokio::test]
async fn https_to_a_server_without_tls_is_a_tls_failure() {
    let (url, _tasks) = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Then::HangUp).await;
    let endpoint = endpoint(&url.replace("http://", "https://"));
    let error = error_of(client(&endpoint).call(Call::get("x")).await);
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::Tls, Delivery::NotSent),
        "{error}"
    );
}

#[tokio::test]
async fn a_proxy_is_asked_for_what_lies_behind_it() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let (proxy, _tasks) = raw(answer.to_vec(), Then::HangUp).await;
    let endpoint = Endpoint {
        proxy: Some(proxy),
        ..endpoint("http://prometheus.invalid:9090")
    };
    assert!(client(&endpoint).call(Call::get("x")).await.is_ok());
}

#[tokio::test]
async fn dots_in_a_path_never_climb_out_of_the_prefix() {
    let server = server(200, |r| r.set_body_raw("{}", "application/json")).await;
    let endpoint = endpoint(&format!("{}/tenant-a", server.uri()));
    client(&endpoint)
        .call(Call::get("../tenant-b/./x?y#z"))
        .await
        .expect("an answer");
    let asked = server.received_requests().await.unwrap_or_default();
    assert_eq!(asked[0].url.path(), "/tenant-a/tenant-b/x%3Fy%23z");
    assert_eq!(asked[0].url.query(), None);
}

#[tokio::test]
async fn the_user_does_not_wait_behind_polls() {
    let server = MockServer::start().await;
    Mock::given(path("/poll"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_raw("{}", "application/json")
                .set_delay(Duration::from_millis(1_500)),
        )
        .mount(&server)
        .await;
    Mock::given(path("/user"))
        .respond_with(ResponseTemplate::new(200).set_body_raw("{}", "application/json"))
        .mount(&server)
        .await;
    let client = client(&endpoint(&server.uri()));
    let polls = futures::future::join_all((0..4).map(|_| client.call(Call::get("poll"))));
    let user = client.call(Call::get("user").by_user());
    // The user's answer comes while every poll is still out.
    let first = futures::future::select(Box::pin(polls), Box::pin(user)).await;
    assert!(matches!(first, futures::future::Either::Right((Ok(_), _))));
}
