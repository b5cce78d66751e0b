use super::*;

fn member(name: &str, peers: &[&str]) -> Checkup {
    Checkup {
        backend: name.into(),
        kind: "alertmanager".into(),
        url: None,
        reachable: true,
        version: None,
        latency_seconds: None,
        clock_skew_seconds: None,
        auth: "none",
        acts_as: None,
        writes: None,
        missing: Vec::new(),
        counters: Passed {
            requests: 1,
            bytes: 1,
            errors: 0,
            median_seconds: None,
            slowest_seconds: None,
        },
        files: Vec::new(),
        failure: None,
        peers: peers.iter().map(|&p| p.to_owned()).collect(),
    }
}

#[test]
fn members_with_a_common_peer_are_one_cluster() {
    let checkups = [
        member("eu-0", &["a", "b"]),
        member("eu-1", &["b", "c"]),
        member("us-0", &["x"]),
        member("alone", &[]),
    ];
    let found = clusters(&checkups);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].configured.len(), found[0].members), (2, 3));
    assert_eq!((found[1].configured.len(), found[1].members), (1, 1));
}

/// A PagerDuty that takes every key for Jun's.
async fn pagerduty(status: u16) -> wiremock::MockServer {
    let server = wiremock::MockServer::start().await;
    for (path, status, body) in [
        ("/abilities", status, r#"{"abilities":["teams"]}"#),
        (
            "/users/me",
            200,
            r#"{"user":{"id":"PUSR001","name":"Jun","email":"jun@example.com"}}"#,
        ),
    ] {
        wiremock::Mock::given(wiremock::matchers::path(path))
            .respond_with(wiremock::ResponseTemplate::new(status).set_body_raw(body, "application/json"))
            .mount(&server)
            .await;
    }
    server
}

async fn examined(server: &wiremock::MockServer, from: &str) -> Checkup {
    let text = format!(
        "[contexts.p.metrics]\nurl = \"http://127.0.0.1:1\"\n[contexts.p.incidents]\nkind = \"pagerduty\"\n\
         url = \"{}\"\nfrom = \"{from}\"\n",
        server.uri()
    );
    let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
        .expect("valid")
        .config;
    let checkups = examine(&config, &config.contexts["p"], Clock::start()).await;
    checkups.into_iter().next_back().expect("PagerDuty comes last")
}

#[tokio::test]
async fn whom_pagerduty_takes_us_for_is_told_and_somebody_else_is_a_failure() {
    let server = pagerduty(200).await;
    let ours = examined(&server, "jun@example.com").await;
    assert_eq!(ours.acts_as.as_deref(), Some("Jun <jun@example.com>"));
    assert_eq!(ours.failure, None);
    assert!(
        ours.missing[0].contains("nobody can be paged to help"),
        "{:?}",
        ours.missing
    );
    let theirs = examined(&server, "mara@example.com").await;
    assert!(theirs.reachable);
    let message = theirs.failure.expect("a failure").message;
    assert!(
        message.contains("the key is that of Jun") && message.contains("mara@example.com"),
        "{message}"
    );
}

#[tokio::test]
async fn traces_are_asked_for_a_list_and_what_they_lack_is_told() {
    let server = wiremock::MockServer::start().await;
    for (path, status, body) in [
        ("/api/v3/services", 200, r#"{"services":["cart"]}"#),
        ("/api/traces", 200, r#"{"data":[]}"#),
    ] {
        wiremock::Mock::given(wiremock::matchers::path(path))
            .respond_with(wiremock::ResponseTemplate::new(status).set_body_raw(body, "application/json"))
            .mount(&server)
            .await;
    }
    let examined = |kind: &'static str| {
        let url = server.uri();
        async move {
            let text = format!(
                "[contexts.p.metrics]\nurl = \"http://127.0.0.1:1\"\n[contexts.p.traces]\nkind = \"{kind}\"\nurl = \"{url}\"\n"
            );
            let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
                .expect("valid")
                .config;
            let checkups = examine(&config, &config.contexts["p"], Clock::start()).await;
            checkups.into_iter().next_back().expect("traces come last")
        }
    };
    let jaeger = examined("jaeger").await;
    assert_eq!((jaeger.reachable, jaeger.backend.as_str()), (true, "traces"));
    assert!(jaeger.missing[0].contains("no summaries"), "{:?}", jaeger.missing);
    let tempo = examined("tempo").await;
    assert!(!tempo.reachable && tempo.failure.is_some());
}

#[tokio::test]
async fn a_loki_behind_a_gateway_that_lets_only_reads_through_is_up() {
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::path("/loki/api/v1/labels"))
        .respond_with(
            wiremock::ResponseTemplate::new(200)
                .set_body_raw(r#"{"status":"success","data":["app"]}"#, "application/json"),
        )
        .mount(&server)
        .await;
    let text = format!(
        "[contexts.p.metrics]\nurl = \"http://127.0.0.1:1\"\n[contexts.p.logs]\nkind = \"loki\"\nurl = \"{}\"\n",
        server.uri()
    );
    let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
        .expect("valid")
        .config;
    let checkups = examine(&config, &config.contexts["p"], Clock::start()).await;
    let loki = checkups
        .iter()
        .find(|checkup| checkup.backend == "logs")
        .expect("asked");
    assert!(
        loki.reachable,
        "{:?}",
        loki.failure.as_ref().map(|failure| &failure.message)
    );
}

#[tokio::test]
async fn a_context_of_files_alone_is_told_how_they_are_and_nothing_of_what_it_does_not_want() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("app.log");
    std::fs::write(&path, "2026-11-20T03:14:07Z one\n").expect("written");
    let text = format!(
        "[contexts.p.logs]\nkind = \"file\"\npaths = [\"{}\", \"{}/none.log\"]\n",
        path.display(),
        dir.path().display()
    );
    let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
        .expect("valid")
        .config;
    let context = &config.contexts["p"];
    let checkups = examine(&config, context, Clock::start()).await;
    let [files] = &checkups[..] else {
        panic!("{checkups:?}")
    };
    assert_eq!(
        (
            &*files.backend,
            &*files.kind,
            files.reachable,
            files.files[0].bytes
        ),
        ("logs", "file", true, Some(25))
    );
    let warnings = warnings(context, &checkups, &[]);
    assert!(
        matches!(&warnings[..], [missing] if missing.contains("none.log: there is no such file")),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_key_of_another_region_is_pointed_to_its_address() {
    let refused = examined(&pagerduty(401).await, "jun@example.com").await;
    assert!(!refused.reachable);
    let message = refused.failure.expect("a failure").message;
    assert!(message.contains("https://api.eu.pagerduty.com"), "{message}");
}
