//! `doctor` and `init`: who is there, what is missing, and what is written of it.

use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::args::InitArgs;
use super::*;

async fn doctor(config: &str, arguments: &[&str]) -> Run {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.toml");
    std::fs::write(&file, config).expect("written");
    let (out, diagnostics) = (Caught::default(), Caught::default());
    let (mut session, _) = session(
        &[&["doctor"], arguments].concat(),
        Output::into(out.clone(), diagnostics.clone()),
        Some(&file),
    );
    let exit = doctor::run(&mut session).await.expect("a report");
    Run {
        exit,
        out: out.text(),
        diagnostics: diagnostics.text(),
    }
}

async fn serving(answers: &[(&str, u16, &str)]) -> MockServer {
    let server = MockServer::start().await;
    for (at, status, body) in answers {
        Mock::given(method("GET"))
            .and(path(*at))
            .respond_with(ResponseTemplate::new(*status).set_body_raw(*body, "application/json"))
            .mount(&server)
            .await;
    }
    server
}

const BUILDINFO: &str = r#"{"status":"success","data":{"version":"3.14.0"}}"#;

const STATUS: &str = r#"{"cluster":{"name":"a","status":"ready","peers":[{"name":"a"},{"name":"b"}]},"versionInfo":{"version":"0.34.0"}}"#;

#[tokio::test]
async fn the_doctor_names_what_is_down_and_ends_with_four() {
    let prometheus = serving(&[
        ("/api/v1/status/buildinfo", 200, BUILDINFO),
        ("/api/v1/query", 200, r#"{"status":"success"}"#),
        ("/api/v1/rules", 200, r#"{"data":{"groups":[]}}"#),
    ])
    .await;
    let config = format!(
        "[contexts.prod.metrics]\nurl = \"{}\"\n[[contexts.prod.alertmanagers]]\nname = \"eu-0\"\nurl = \"http://127.0.0.1:1\"\n",
        prometheus.uri()
    );
    let run = doctor(&config, &["--json"]).await;
    assert_eq!(run.exit, Exit::Backend);
    let document: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(document["context"], "prod");
    assert_eq!(document["backends"][0]["reachable"], true);
    assert_eq!(document["backends"][0]["version"], "3.14.0");
    assert_eq!(document["backends"][0]["counters"]["errors"], 0);
    assert_eq!(document["backends"][1]["reachable"], false);
    assert_eq!(document["errors"][0]["backend"], "alertmanager eu-0");
    assert!(
        document["backends"][0]["missing"][0]
            .as_str()
            .is_some_and(|m| m.contains("no alerting rules"))
    );
    assert_eq!(run.diagnostics, "");
}

#[tokio::test]
async fn the_doctor_sees_that_a_cluster_has_more_members_than_are_configured() {
    let alertmanager = serving(&[("/api/v2/status", 200, STATUS)]).await;
    let config = format!(
        "[[contexts.prod.alertmanagers]]\nname = \"eu-0\"\nurl = \"{}\"\n",
        alertmanager.uri()
    );
    let run = doctor(&config, &[]).await;
    assert_eq!(run.exit, Exit::Done);
    assert!(run.out.contains("acts as jun@example.com"), "{}", run.out);
    assert!(
        run.out
            .contains("a cluster of 2 Alertmanagers is known by alertmanager eu-0 alone"),
        "{}",
        run.out
    );
}

#[tokio::test]
async fn the_doctor_does_not_take_one_server_for_another() {
    let alertmanager = serving(&[("/api/v2/status", 200, STATUS)]).await;
    let config = format!("[contexts.prod.metrics]\nurl = \"{}\"\n", alertmanager.uri());
    let run = doctor(&config, &[]).await;
    assert_eq!(run.exit, Exit::Backend);
    assert!(run.out.contains("DOWN metrics"), "{}", run.out);
}

#[tokio::test]
async fn init_tells_servers_apart_and_reads_amtools_file() {
    let prometheus = serving(&[("/pre/api/v1/status/buildinfo", 200, BUILDINFO)]).await;
    let thanos = serving(&[
        ("/api/v1/status/buildinfo", 200, BUILDINFO),
        ("/api/v1/stores", 200, "{}"),
    ])
    .await;
    let alertmanager = serving(&[("/api/v2/status", 200, STATUS)]).await;
    let dir = tempfile::tempdir().expect("a directory");
    let amtool = dir.path().join("config.yml");
    std::fs::write(
        &amtool,
        format!(
            "alertmanager.url: \"{}\"\nauthor: jun@example.com\ncomment_required: true\n",
            alertmanager.uri()
        ),
    )
    .expect("written");
    let (out, diagnostics) = (Caught::default(), Caught::default());
    let (mut session, _) = session(&["man"], Output::into(out.clone(), diagnostics.clone()), None);
    let args = InitArgs {
        urls: vec![
            format!("{}/pre/", prometheus.uri()),
            thanos.uri(),
            amtool.to_string_lossy().into_owned(),
            "-".into(),
        ],
        name: "prod".into(),
    };
    let exit = init::run(&mut session, &args).await.expect("written");
    assert_eq!(exit, Exit::Done, "{}", diagnostics.text());
    let text = out.text();
    for words in [
        "kind = \"prometheus\"",
        "another thanos 3.14.0",
        "[[contexts.prod.alertmanagers]]",
        "identity = \"jun@example.com\"",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    config::decode_text(&text, None, &Environment::default()).expect("what is written decodes");
}

/// How `init` ended, what it wrote, if anything, and what it said.
async fn init_at(
    urls: Vec<String>,
    env: &[(&str, &str)],
) -> (Result<Exit, CliError>, Option<String>, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("midwatch/config.toml");
    let (out, diagnostics) = (Caught::default(), Caught::default());
    let (mut session, _) = session(
        &["man"],
        Output::into(out.clone(), diagnostics.clone()),
        Some(&file),
    );
    session.env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let args = InitArgs {
        urls,
        name: "prod".into(),
    };
    let ended = init::run(&mut session, &args).await;
    let written = std::fs::read_to_string(&file).ok();
    (ended, written, diagnostics.text())
}

#[tokio::test]
async fn init_writes_what_did_not_answer_as_a_comment_with_why() {
    let prometheus = serving(&[("/api/v1/status/buildinfo", 200, BUILDINFO)]).await;
    let dead = "http://127.0.0.1:1".to_owned();
    let (ended, written, said) = init_at(vec![prometheus.uri(), dead], &[]).await;
    assert!(matches!(ended, Ok(Exit::Backend)), "{said}");
    let text = written.expect("written all the same");
    assert!(
        text.contains("# http://127.0.0.1:1 was asked and is not used: "),
        "{text}"
    );
    let loaded = config::decode_text(&text, None, &Environment::default()).expect("it decodes");
    assert!(loaded.config.contexts["prod"].metrics.is_some());
    let (_, written, said) = init_at(vec!["http://127.0.0.1:1".to_owned()], &[]).await;
    let text = written.expect("the comments are worth having");
    assert!(
        said.contains("nothing answered") && said.contains("fill it in"),
        "{said}"
    );
    assert!(
        text.contains("# [contexts.prod.logs]") && text.contains("# http://127.0.0.1:1 was asked"),
        "{text}"
    );
}

#[tokio::test]
async fn init_knows_pagerduty_by_its_address_and_asks_it_nothing() {
    let tokens = [("PAGERDUTY_TOKEN", "u+s3cret")];
    let urls = vec!["https://api.pagerduty.com/incidents".to_owned()];
    let (ended, written, said) = init_at(urls, &tokens).await;
    assert!(matches!(ended, Ok(Exit::Done)), "{said}");
    assert!(
        said.contains("https://api.pagerduty.com is pagerduty (version not told)"),
        "{said}"
    );
    let text = written.expect("written");
    let loaded = config::decode_text(
        &text,
        None,
        &tokens
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
    )
    .expect("it decodes");
    let incidents = loaded.config.contexts["prod"]
        .incidents
        .clone()
        .expect("incidents");
    let endpoint = incidents.endpoint.expect("an endpoint");
    assert_eq!(endpoint.url, "https://api.pagerduty.com");
    assert!(
        text.contains("\nauth = { token_env = \"PAGERDUTY_TOKEN\" }"),
        "{text}"
    );
}

#[tokio::test]
async fn init_without_urls_looks_into_the_environment() {
    let prometheus = serving(&[("/api/v1/status/buildinfo", 200, BUILDINFO)]).await;
    let alertmanager = serving(&[("/api/v2/status", 200, STATUS)]).await;
    let (ended, written, said) = init_at(
        Vec::new(),
        &[
            ("PROMETHEUS_URL", &prometheus.uri()),
            ("ALERTMANAGER_URL", &alertmanager.uri()),
            ("GRAFANA_URL", "http://u:s3cret@g.example"),
            ("PAGERDUTY_TOKEN", "u+s3cret"),
        ],
    )
    .await;
    assert!(matches!(ended, Ok(Exit::Done)), "{said}");
    let text = written.expect("written");
    let token = "token_env = \"PAGERDUTY_TOKEN\"".to_owned();
    for words in [prometheus.uri(), alertmanager.uri(), token] {
        assert!(text.contains(&words), "{words}: {text}");
    }
    assert!(said.contains("PROMETHEUS_URL names "), "{said}");
    assert!(said.contains("GRAFANA_URL is passed over"), "{said}");
    assert!(
        !text.contains("s3cret") && !said.contains("s3cret"),
        "{text} {said}"
    );
}

/// Whoever accepts and never answers holds nobody up for long.
#[tokio::test]
async fn init_is_over_within_ten_seconds_whoever_keeps_silent() {
    let prometheus = serving(&[("/api/v1/status/buildinfo", 200, BUILDINFO)]).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let clock = Clock::start();
    let began = clock.tick();
    let (_, written, _) = init_at(vec![prometheus.uri(), url.clone()], &[]).await;
    assert!(clock.tick().since(began) < std::time::Duration::from_secs(10));
    let text = written.expect("written");
    assert!(
        text.contains(&format!("# {url} was asked and is not used: ")),
        "{text}"
    );
}
