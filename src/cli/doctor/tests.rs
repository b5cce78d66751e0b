use super::*;
use crate::time::Clock;

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

/// A server that answers so; anything else is not found.
async fn answering(answers: &[(&str, &str, u16, &str)]) -> wiremock::MockServer {
    let server = wiremock::MockServer::start().await;
    for (verb, path, status, body) in answers {
        wiremock::Mock::given(wiremock::matchers::path(*path))
            .and(wiremock::matchers::method(*verb))
            .respond_with(wiremock::ResponseTemplate::new(*status).set_body_raw(*body, "application/json"))
            .mount(&server)
            .await;
    }
    server
}

async fn all_examined(text: &str) -> Vec<Checkup> {
    let config = crate::config::decode_text(text, None, &crate::config::Environment::default())
        .expect("valid")
        .config;
    examine(&config, &config.contexts["p"], Clock::start()).await
}

/// What a server was sent by POST.
async fn posted(server: &wiremock::MockServer) -> Vec<Vec<u8>> {
    let sent = server.received_requests().await.expect("recorded");
    let posts = sent
        .into_iter()
        .filter(|request| request.method.as_str() == "POST");
    posts.map(|request| request.body).collect()
}

fn state(checkup: &Checkup) -> Value {
    serde_json::to_value(checkup).expect("JSON")["writes"]["state"].clone()
}

const STATUS: &str =
    r#"{"cluster":{"name":"a","status":"ready","peers":[]},"versionInfo":{"version":"0.34.0"}}"#;

#[tokio::test]
async fn a_write_that_is_invalid_proves_whether_a_valid_one_would_be_taken_and_writes_nothing() {
    let table = [
        (422, "allowed"),
        (400, "allowed"),
        (403, "refused"),
        (405, "refused"),
        (500, "unknown"),
    ];
    for (status, expected) in table {
        let server = answering(&[
            ("GET", "/api/v2/status", 200, STATUS),
            ("POST", "/api/v2/silences", status, "{}"),
        ])
        .await;
        let text = format!(
            "[[contexts.p.alertmanagers]]\nname = \"a\"\nurl = \"{}\"\n",
            server.uri()
        );
        let checkups = all_examined(&text).await;
        assert_eq!(state(&checkups[0]), expected, "{status}");
        assert_eq!(
            checkups[0].counters.errors, 0,
            "what is tried is no failure of its"
        );
        let body: Value = serde_json::from_slice(&posted(&server).await[0]).expect("JSON");
        // By the API's own schema at least one matcher is needed; and it ends before it begins.
        assert_eq!(body["matchers"], serde_json::json!([]));
        assert!(body["endsAt"].as_str() < body["startsAt"].as_str());
    }
}

#[tokio::test]
async fn what_is_read_only_is_not_tried_to_be_written_to() {
    let server = answering(&[("GET", "/api/v2/status", 200, STATUS)]).await;
    let url = server.uri();
    for text in [
        format!("read_only = true\n[[contexts.p.alertmanagers]]\nurl = \"{url}\"\n"),
        format!("[[contexts.p.alertmanagers]]\nurl = \"{url}\"\nread_only = true\n"),
    ] {
        let checkups = all_examined(&text).await;
        assert_eq!((checkups[0].reachable, &checkups[0].writes), (true, &None));
    }
    assert!(posted(&server).await.is_empty());
}

#[tokio::test]
async fn a_key_of_pagerduty_that_only_reads_is_told() {
    for (status, expected) in [(400, "allowed"), (403, "refused")] {
        let server = pagerduty(200).await;
        wiremock::Mock::given(wiremock::matchers::path("/incidents"))
            .respond_with(wiremock::ResponseTemplate::new(status).set_body_raw("{}", "application/json"))
            .mount(&server)
            .await;
        let checkup = examined(&server, "jun@example.com").await;
        assert_eq!(state(&checkup), expected);
        let posted = posted(&server).await;
        // What looks allowed is held against a path that does not exist.
        assert_eq!(posted.len(), if status == 400 { 2 } else { 1 });
        assert!(
            posted.iter().all(|body| body == b"{}"),
            "no incident at all: {posted:?}"
        );
    }
}

#[tokio::test]
async fn what_a_token_of_grafana_may_do_is_read_from_its_permissions() {
    for (permissions, expected) in [
        (
            r#"{"annotations:create":["*"],"annotations:read":["*"]}"#,
            "allowed",
        ),
        (r#"{"annotations:read":["*"]}"#, "refused"),
    ] {
        let server = answering(&[
            (
                "GET",
                "/api/health",
                200,
                r#"{"database":"ok","version":"13.0.0"}"#,
            ),
            ("GET", "/api/annotations", 200, "[]"),
            ("GET", "/api/access-control/user/permissions", 200, permissions),
        ])
        .await;
        let text = format!(
            "[contexts.p.annotations]\nkind = \"grafana\"\nurl = \"{}\"\n",
            server.uri()
        );
        let checkups = all_examined(&text).await;
        assert_eq!(state(checkups.last().expect("asked")), expected);
        assert!(posted(&server).await.is_empty());
    }
}

#[tokio::test]
async fn what_a_feature_lacks_is_said_for_metrics_and_logs() {
    let build = r#"{"status":"success","data":{"version":"3.14.0"}}"#;
    let server = answering(&[
        ("GET", "/api/v1/status/buildinfo", 200, build),
        ("GET", "/api/v1/query", 200, r#"{"status":"success"}"#),
        (
            "GET",
            "/api/v1/rules",
            200,
            r#"{"data":{"groups":[{"rules":[]}]}}"#,
        ),
        (
            "GET",
            "/api/v1/status/flags",
            200,
            r#"{"data":{"enable-feature":"native-histograms"}}"#,
        ),
        (
            "GET",
            "/loki/api/v1/labels",
            200,
            r#"{"status":"success","data":["app"]}"#,
        ),
        ("GET", "/passed/loki/api/v1/tail", 400, "{}"),
        (
            "GET",
            "/passed/loki/api/v1/labels",
            200,
            r#"{"status":"success","data":["app"]}"#,
        ),
    ])
    .await;
    let text = format!(
        "[contexts.p.metrics]\nurl = \"{0}\"\n[contexts.p.logs]\nkind = \"loki\"\nurl = \"{0}\"\n",
        server.uri()
    );
    let checkups = all_examined(&text).await;
    let metrics = checkups[0].missing.join("\n");
    assert!(metrics.contains("--enable-feature=exemplar-storage"), "{metrics}");
    assert!(metrics.contains("it records no rules"), "{metrics}");
    let logs = checkups[1].missing.join("\n");
    assert!(logs.contains("its tail is not let through (HTTP 404)"), "{logs}");
    let text = format!(
        "[contexts.p.logs]\nkind = \"loki\"\nurl = \"{}/passed\"\n",
        server.uri()
    );
    let passed = all_examined(&text).await;
    assert_eq!(passed[0].missing, Vec::<String>::new());
}

#[tokio::test]
async fn everything_of_the_demo_may_be_written_to_and_nothing_came_of_the_proof() {
    use crate::demo::clock::DemoClock;
    use crate::demo::world::Scenario;
    use crate::demo::{Demo, DemoOptions};

    let clock = Clock::start();
    let demo = Demo::bind(DemoOptions {
        scenario: Scenario::Calm,
        seed: 1,
        clock: DemoClock::Live(clock),
        anchor: None,
    })
    .await
    .expect("bound");
    let announced = demo.announcement().clone();
    let examined = async {
        let text = std::fs::read_to_string(&announced.config).expect("a configuration");
        let environment = crate::config::Environment::default();
        let loaded = crate::config::decode_text(&text, Some(&announced.config), &environment).expect("valid");
        let config = loaded.config;
        let before = listed(&announced).await;
        let checkups = examine(&config, &config.contexts["demo"], clock).await;
        assert_eq!(listed(&announced).await, before, "no silence, no incident");
        checkups
    };
    let checkups = tokio::select! {
        checkups = examined => checkups,
        ended = demo.serve(std::future::pending()) => panic!("{ended:?}"),
    };
    let told: Vec<_> = checkups
        .iter()
        .map(|checkup| (checkup.backend.as_str(), checkup.writes.clone()))
        .collect();
    let allowed = Some(Writes::Allowed);
    assert_eq!(
        told,
        [
            ("metrics", None),
            ("alertmanager eu-0", allowed.clone()),
            ("alertmanager eu-1", allowed.clone()),
            ("logs", None),
            ("traces", None),
            ("incidents", allowed.clone()),
            ("annotations", allowed),
        ]
    );
    let missing: Vec<_> = checkups.iter().flat_map(|checkup| &checkup.missing).collect();
    assert!(
        missing
            .iter()
            .all(|words| !words.contains("tail") && !words.contains("exemplar")),
        "{missing:?}"
    );
}

/// The silences and incidents there are.
async fn listed(demo: &crate::demo::Announcement) -> [String; 2] {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let silences = format!("{}/api/v2/silences", demo.endpoints.alertmanagers["eu-0"]);
    let incidents = format!("{}/incidents", demo.endpoints.pagerduty);
    let key = format!("Token token={}", crate::demo::pagerduty::USER_KEY);
    let ask = |url: String| client.get(url).header("authorization", &key).send();
    let [silences, incidents] = [ask(silences).await, ask(incidents).await];
    [
        silences.expect("an answer").text().await.expect("text"),
        incidents.expect("an answer").text().await.expect("text"),
    ]
}

/// What is proved of an Alertmanager that answers so to a silence, and so to a path that does not exist.
async fn proved(to_silences: u16, elsewhere: u16) -> Writes {
    let server = wiremock::MockServer::start().await;
    for (path, status) in [
        ("/api/v2/silences", to_silences),
        ("/api/v2/no-silences", elsewhere),
    ] {
        wiremock::Mock::given(wiremock::matchers::path(path))
            .and(wiremock::matchers::method("POST"))
            .respond_with(wiremock::ResponseTemplate::new(status))
            .mount(&server)
            .await;
    }
    wiremock::Mock::given(wiremock::matchers::path("/api/v2/status"))
        .respond_with(
            wiremock::ResponseTemplate::new(200)
                .set_body_raw(r#"{"versionInfo":{"version":"0.34.0"}}"#, "application/json"),
        )
        .mount(&server)
        .await;
    let text = format!("[[contexts.p.alertmanagers]]\nurl = \"{}\"\n", server.uri());
    let config = crate::config::decode_text(&text, None, &crate::config::Environment::default())
        .expect("valid")
        .config;
    let mut checkups = examine(&config, &config.contexts["p"], Clock::start()).await;
    checkups.pop().expect("asked").writes.expect("proved")
}

#[tokio::test]
async fn an_answer_that_everything_gets_proves_nothing() {
    assert_eq!(proved(422, 404).await, Writes::Allowed);
    assert_eq!(proved(400, 405).await, Writes::Allowed);
    let blanket = proved(400, 400).await;
    assert!(
        matches!(&blanket, Writes::Unknown(why) if why.contains("does not exist")),
        "{blanket:?}"
    );
    assert!(matches!(proved(403, 404).await, Writes::Refused(_)));
}

#[test]
fn each_signal_that_is_missing_is_named_with_what_is_off_without_it() {
    let decoded = |text: &str| {
        crate::config::decode_text(text, None, &crate::config::Environment::default())
            .expect("valid")
            .config
    };
    let bare = decoded("[contexts.p.metrics]\nurl = \"http://x\"\n");
    let said = off(&bare.contexts["p"]);
    let signals: Vec<&str> = said.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(signals, ["logs", "traces", "incidents", "annotations"]);
    assert!(
        said[1].contains("[contexts.p.traces]") && said[1].contains("no trace pane"),
        "{said:?}"
    );
    let more = decoded(
        "[contexts.p.metrics]\nurl = \"http://x\"\n[contexts.p.logs]\nkind = \"loki\"\nurl = \"http://l\"\n",
    );
    assert_eq!(off(&more.contexts["p"]).len(), 3);
    let alone = decoded("[contexts.p.logs]\nkind = \"loki\"\nurl = \"http://l\"\n");
    let said = off(&alone.contexts["p"]);
    assert!(
        said[0].starts_with("no metrics and no Alertmanager") && said[0].contains("nothing is watched"),
        "{said:?}"
    );
}
