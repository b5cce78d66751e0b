//! What can be written, what comes out, and with which exit status.

use std::io;
use std::sync::{Arc, Mutex};

use clap::{CommandFactory as _, Parser as _};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::args::InitArgs;
use super::*;

/// Output that can be read afterwards.
#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<u8>>>);

impl Caught {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

impl io::Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Gone;

impl io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

struct Run {
    exit: Exit,
    out: String,
    diagnostics: String,
}

fn session(arguments: &[&str], out: Output, config: Option<&std::path::Path>) -> (Session, Option<Command>) {
    let mut cli = Cli::try_parse_from(["midwatch"].iter().chain(arguments)).expect("arguments");
    if cli.globals.config.is_none() {
        cli.globals.config = config.map(Into::into);
    }
    let env = [("HOME", "/nonexistent"), ("MIDWATCH_USER", "jun@example.com")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let session = Session {
        globals: cli.globals,
        env: env.into_iter().collect(),
        clock: Clock::start(),
        out,
        acted_on: std::collections::BTreeSet::new(),
    };
    (session, cli.command)
}

fn run_with(arguments: &[&str], config: &str) -> Run {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.toml");
    std::fs::write(&file, config).expect("written");
    let (out, diagnostics) = (Caught::default(), Caught::default());
    let (mut session, command) = session(
        arguments,
        Output::into(out.clone(), diagnostics.clone()),
        Some(&file),
    );
    let exit = run(command, &mut session);
    Run {
        exit,
        out: out.text(),
        diagnostics: diagnostics.text(),
    }
}

const CONFIG: &str = "[contexts.prod.metrics]\nurl = \"http://127.0.0.1:1\"\n";

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn what_the_interface_promises_can_be_written() {
    for line in [
        "",
        "demo --scenario calm --seed 7 --headless",
        "demo --scenario region-loss",
        "drill",
        "drill disk-full --seed 3 --keep score.json --json",
        "drill --list",
        "init",
        "init http://a http://b -",
        "doctor --json",
        "slo --fail-on ticket",
        "alerts --filter severity=page --state suppressed --fail-on firing",
        "silences --expiring 12h --unused --expired",
        "traces --service S --operation O --min-duration 500ms --errors --since 1h --limit 20 --json",
        "trace 5B8EFFF798038103D269B633813FC700 --format otlp --critical-path",
        "trace W47/95gDgQPSabYzgT/HAA==",
        "trace 1f --json",
        "ack 0123456789abcdef --comment looking --wait 3s",
        "unack 012345 678901",
        "silence alertname=X service=~a|b --for 2h --comment deploy --source eu-0 --source us-0 --confirm prod --confirm-count 30",
        "unsilence c0ffee --source eu-0",
        "config check",
        "config show",
        "config path",
        "keys",
        "themes",
        "completions zsh",
        "man",
        "--config x.toml slo --context prod --read-only --theme t --keymap k --color never --ascii --log-file l -vv",
    ] {
        let words = ["midwatch"].into_iter().chain(line.split_whitespace());
        if let Err(error) = Cli::try_parse_from(words) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn what_is_missing_or_unknown_is_usage() {
    for line in [
        "ack",
        "silence a=b --for 2h",
        "silence a=b --comment x",
        "alerts --state odd",
        "trace xyz",
        "trace 00000000000000000000000000000000",
        "trace",
        "traces --limit 0",
        "nonsense",
    ] {
        let words = ["midwatch"].into_iter().chain(line.split_whitespace());
        let error = Cli::try_parse_from(words).expect_err(line);
        assert!(error.use_stderr(), "{line}");
    }
    let error = Cli::try_parse_from(["midwatch", "silences", "--expiring", "soon"]).expect_err("no duration");
    assert!(error.to_string().contains("90s"), "{error}");
}

#[test]
fn a_word_of_the_console_that_is_no_command_says_where_it_is() {
    let said = |word| {
        let error = Cli::try_parse_from(["midwatch", word]).expect_err(word);
        args::with_tip(error).to_string()
    };
    assert!(said("tour").contains("tip: the tour is in the console: `midwatch demo`, then `:tour`"));
    assert!(said("contexts").contains("`midwatch config show` lists them"));
    assert!(!said("nonsense").contains("the console"));
}

#[test]
fn a_drill_is_recorded_and_what_opens_no_console_is_not() {
    let unknown = run_with(&["drill", "no-such", "--record", "/nonexistent/a.mwr"], CONFIG);
    assert_eq!(unknown.exit, Exit::Usage);
    assert!(
        unknown.diagnostics.contains("there is no drill"),
        "{}",
        unknown.diagnostics
    );
    for line in [&["drill", "--list"][..], &["slo"]] {
        let refused = run_with(&[line, &["--record", "/nonexistent/a.mwr"]].concat(), CONFIG);
        assert_eq!(refused.exit, Exit::Usage);
        assert!(
            refused
                .diagnostics
                .contains("only the console is recorded; give it without a command, with demo or with drill"),
            "{}",
            refused.diagnostics
        );
    }
}

#[test]
fn exit_statuses_are_the_documented_numbers() {
    let numbers = [
        (Exit::Done, 0),
        (Exit::Failure, 1),
        (Exit::Usage, 2),
        (Exit::Configuration, 3),
        (Exit::Backend, 4),
        (Exit::Unconfirmed, 5),
        (Exit::ReadOnly, 6),
        (Exit::FailOn, 10),
    ];
    for (exit, number) in numbers {
        assert_eq!(exit as u8, number);
    }
}

#[test]
fn a_wrong_configuration_says_everything_and_ends_with_three() {
    let run = run_with(
        &["config", "check"],
        "defalt_context = 1\n[contexts.a.metrics]\nurl = 1\n",
    );
    assert_eq!(run.exit, Exit::Configuration);
    assert!(run.out.is_empty());
    for words in [
        "config.toml:1:1",
        "did you mean `default_context`?",
        "contexts.a.metrics.url",
        "2 errors",
    ] {
        assert!(run.diagnostics.contains(words), "{words}: {}", run.diagnostics);
    }
    let run = run_with(&["config", "check", "--json"], "read_only = 1\n");
    let document: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(document["problems"][0]["key"], "read_only");
    assert_eq!(document["problems"][0]["line"], 1);
    assert_eq!(document["ok"], false);
}

#[test]
fn without_a_configuration_the_way_on_is_offered() {
    let diagnostics = Caught::default();
    let (mut session, command) = session(&[], Output::into(Caught::default(), diagnostics.clone()), None);
    session.env = Environment::default();
    // Where a machine has one in /etc, there is nothing to offer.
    if config::find(&session.flags(), &session.env).is_some() {
        return;
    }
    assert_eq!(run(command, &mut session), Exit::Configuration);
    let said = diagnostics.text();
    assert!(
        said.contains("midwatch demo") && said.contains("midwatch init"),
        "{said}"
    );
}

#[test]
fn a_broken_pipe_is_a_quiet_end() {
    let diagnostics = Caught::default();
    let (mut session, command) = session(&["man"], Output::into(Gone, diagnostics.clone()), None);
    assert_eq!(run(command, &mut session), Exit::Done);
    assert_eq!(diagnostics.text(), "");
}

#[test]
fn text_output_is_made_safe_and_json_escaped() {
    let (out, diagnostics) = (Caught::default(), Caught::default());
    let mut output = Output::into(out.clone(), diagnostics.clone());
    output.line("a\x1b[31mb\nc").expect("written");
    output
        .json(&serde_json::json!({"k": "\u{202e}\u{7f}\u{9b}"}))
        .expect("written");
    output.diagnose("x\x07\ny").expect("written");
    assert!(
        !out.text().contains(['\x1b', '\u{202e}', '\u{7f}', '\u{9b}']),
        "{:?}",
        out.text()
    );
    assert!(out.text().contains("\\u202e\\u007f\\u009b"), "{}", out.text());
    assert!(!diagnostics.text().contains('\x07') && diagnostics.text().lines().count() == 2);
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let script = run_with(&["completions", "fish"], CONFIG);
    let manual = run_with(&["man"], CONFIG);
    for command in Cli::command().get_subcommands() {
        assert!(script.out.contains(command.get_name()), "{}", command.get_name());
        assert!(
            manual.out.contains(&command.get_name().to_uppercase()),
            "{}",
            command.get_name()
        );
    }
}

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

#[test]
fn an_incident_is_taken_where_no_alertmanager_may_be_written_to_and_an_alert_is_not() {
    let home = tempfile::tempdir().expect("a directory");
    let config = format!(
        "state_dir = \"{}\"\n[[contexts.prod.alertmanagers]]\nname = \"eu-0\"\nurl = \"http://127.0.0.1:1\"\n\
         read_only = true\n",
        home.path().display()
    );
    let declared = run_with(
        &[
            "declare",
            "--title",
            "checkout errors",
            "--severity",
            "SEV2",
            "--json",
        ],
        &config,
    );
    let document: serde_json::Value = serde_json::from_str(&declared.out).expect("JSON");
    let id = document["results"][0]["target"]
        .as_str()
        .expect("an id")
        .to_owned();
    for command in ["ack", "unack"] {
        let run = run_with(&[command, &id], &config);
        assert!(
            run.out.contains("confirmed") && !run.diagnostics.contains("read_only"),
            "{command}: {} {}",
            run.out,
            run.diagnostics
        );
    }
}

/// Local incidents alone, with somebody on call.
fn local_alone(home: &std::path::Path) -> String {
    format!(
        "state_dir = \"{}\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\npeople = [{{ name = \"mara\" }}]\n\
         escalation_policies = [{{ name = \"default\", levels = [{{ notify = [\"mara\"] }}] }}]\n",
        home.display()
    )
}

#[test]
fn a_journal_that_cannot_be_read_is_not_taken_for_a_quiet_night() {
    let home = tempfile::tempdir().expect("a directory");
    let config = local_alone(home.path());
    run_with(
        &["declare", "--title", "orders fail", "--severity", "SEV1"],
        &config,
    );
    let file = home.path().join("midwatch.db");
    let journal = rusqlite::Connection::open(&file).expect("a journal");
    journal
        .pragma_update(None, "user_version", 99)
        .expect("a newer one");
    drop(journal);
    for command in [
        &["incidents"][..],
        &["incidents", "--stats"],
        &["handoff"],
        &["timeline"],
        &["timeline", "local-1"],
        &["postmortem", "local-1"],
        &["doctor"],
    ] {
        let run = run_with(command, &config);
        assert_eq!(
            run.exit,
            Exit::Backend,
            "{command:?}: {}{}",
            run.out,
            run.diagnostics
        );
        let said = format!("{}{}", run.out, run.diagnostics);
        assert!(said.contains("newer midwatch"), "{command:?}: {said}");
        for calm in ["no incidents", "0 incidents", "open incidents,", "not found"] {
            assert!(!said.contains(calm), "{command:?}: {said}");
        }
    }
    let document = run_with(&["incidents", "--json"], &config).out;
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["errors"][0]["backend"], "local");
    // Who is on call stands in the configuration.
    let on_call = run_with(&["oncall"], &config);
    assert!(
        on_call.exit == Exit::Done && on_call.out.contains("mara"),
        "{}",
        on_call.out
    );
}

#[test]
fn local_incidents_are_known_to_be_configured_before_the_first_one() {
    let home = tempfile::tempdir().expect("a directory");
    let config = local_alone(home.path());
    let on_call = run_with(&["oncall"], &config);
    assert_eq!(on_call.exit, Exit::Done, "{}", on_call.diagnostics);
    assert!(on_call.out.contains("mara"), "{}", on_call.out);
    assert!(
        !home.path().join("midwatch.db").exists(),
        "reading makes no journal"
    );
    for command in [&["incidents"][..], &["timeline"], &["incidents", "--stats"]] {
        let run = run_with(command, &config);
        assert_eq!(run.exit, Exit::Done, "{command:?}");
        assert!(!run.diagnostics.contains("add [contexts"), "{}", run.diagnostics);
    }
    let checked = run_with(&["config", "check"], &config);
    let said = checked.out + &checked.diagnostics;
    assert!(!said.contains("nothing to see"), "{said}");
}

#[test]
fn a_page_that_reached_nobody_stands_in_the_outbox_until_it_is_answered_for() {
    let home = tempfile::tempdir().expect("a directory");
    let config = format!(
        "state_dir = \"{}\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\n\
         metrics = {{ url = \"http://127.0.0.1:1\" }}\n\
         people = [{{ name = \"mara\", phone = \"+49 30 5550 114\" }}]\n\
         escalation_policies = [{{ name = \"default\", levels = [{{ notify = [\"mara\"] }}] }}]\n\
         notify = [{{ name = \"pager\", kind = \"command\", command = [\"/nonexistent/pager\"] }}]\n",
        home.path().display()
    );
    assert!(run_with(&["outbox"], &config).out.starts_with("nothing waits"));
    run_with(
        &["declare", "--title", "orders fail", "--severity", "SEV2"],
        &config,
    );
    let listed = run_with(&["outbox"], &config);
    assert_eq!(listed.exit, Exit::Done);
    assert!(
        listed.out.contains("page-1")
            && listed
                .out
                .contains("local-1 level 1: nobody was reached: phone mara (+49 30 5550 114) (pager: "),
        "{}",
        listed.out
    );
    let document = run_with(&["outbox", "--json"], &config).out;
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let page = &document["unreached"][0];
    assert_eq!(
        (&page["id"], &page["incident"], &page["level"]),
        (&"page-1".into(), &"local-1".into(), &1.into())
    );
    assert_eq!(page["people"][0]["phone"], "+49 30 5550 114");
    for reading in ["incidents", "handoff"] {
        let run = run_with(&[reading], &config);
        let said = run.out + &run.diagnostics;
        assert!(
            said.contains("local-1 level 1: nobody was reached"),
            "{reading}: {said}"
        );
    }
    let refused = run_with(&["--read-only", "outbox", "drop", "page-1"], &config);
    assert_eq!(refused.exit, Exit::ReadOnly);
    assert!(run_with(&["outbox"], &config).out.contains("page-1"));
    let noted = run_with(&["outbox", "drop", "page-1"], &config);
    assert!(
        noted.out.contains("phone") && noted.exit == Exit::Done,
        "{} {}",
        noted.out,
        noted.diagnostics
    );
    assert!(run_with(&["outbox"], &config).out.starts_with("nothing waits"));
    let again = run_with(&["outbox", "drop", "page-1"], &config);
    assert_eq!(again.exit, Exit::Usage);
    assert!(
        again.diagnostics.contains("nothing was done"),
        "{}",
        again.diagnostics
    );
}

#[test]
fn a_declaration_cuts_no_pager_off_however_short_its_wait() {
    let home = tempfile::tempdir().expect("a directory");
    let config = format!(
        "state_dir = \"{}\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\nmetrics = {{ url = \
         \"http://127.0.0.1:1\" }}\npeople = [{{ name = \"jun\" }}]\nescalation_policies = [{{ name = \"default\", \
         levels = [{{ notify = [\"jun\"] }}] }}]\nnotify = [{{ name = \"pager\", kind = \"command\", command = \
         [\"sleep\", \"3\"] }}]\n",
        home.path().display()
    );
    let declared = run_with(
        &[
            "declare",
            "--title",
            "checkout errors",
            "--severity",
            "SEV2",
            "--wait",
            "1s",
        ],
        &config,
    );
    assert!(
        declared.out.contains("declared SEV2 checkout errors"),
        "{}",
        declared.out
    );
    assert_eq!(declared.exit, Exit::Done, "{}", declared.diagnostics);
    assert!(
        !declared.diagnostics.contains("notified"),
        "{}",
        declared.diagnostics
    );
    let told = run_with(&["timeline", "local-1"], &config);
    assert!(told.out.contains("notified jun by pager"), "{}", told.out);
}

/// Every signal, and nobody there.
const DEAF: &str = r#"
[contexts.prod.metrics]
url = "http://127.0.0.1:1"
[[contexts.prod.alertmanagers]]
name = "eu-0"
url = "http://127.0.0.1:1"
[contexts.prod.logs]
kind = "loki"
url = "http://127.0.0.1:1"
[contexts.prod.traces]
kind = "jaeger"
url = "http://127.0.0.1:1"
[[contexts.prod.slos]]
name = "checkout"
service = "checkout"
objective = 99.9
errors = "sum(rate(bad[{{window}}]))"
total = "sum(rate(all[{{window}}]))"
[contexts.prod.incidents]
kind = "pagerduty"
url = "http://127.0.0.1:1"
from = "jun@example.com"
auth = { token_env = "PAGERDUTY_TOKEN" }
[[contexts.prod.playbooks]]
name = "drain"
match = 'alertname="Down"'
[[contexts.prod.playbooks.steps]]
run = ["true"]
"#;

/// The first thing that somebody at a terminal is told.
fn told_first(line: &str) -> Option<String> {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.toml");
    let state = dir.path().join("state");
    std::fs::write(
        &file,
        format!("state_dir = {state:?}\n[contexts.prod]\nallowed_programs = [\"true\"]\n{DEAF}"),
    )
    .expect("written");
    let (out, diagnostics) = (Caught::default(), Caught::default());
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let (mut session, command) = session(
        &arguments,
        Output::watched(out.clone(), diagnostics.clone()),
        Some(&file),
    );
    run(command, &mut session);
    let told = diagnostics.text();
    told.lines().next().map(str::to_owned)
}

#[test]
fn whatever_may_wait_says_so_first_and_how_to_leave_it() {
    let waits = [
        "slo",
        "alerts",
        "silences",
        "incidents",
        "timeline",
        "oncall",
        "postmortem 1",
        "handoff",
        "logs",
        "traces",
        "trace 5b8efff798038103d269b633813fc700",
        "case checkout",
        "runbook Down",
        "playbook drain Down",
        "doctor",
        "init http://127.0.0.1:1 -",
        "replay /nonexistent/file",
        "audit",
        "ack 0123456789abcdef --wait 1s",
        "unack 0123456789abcdef --wait 1s",
        "silence alertname=Down --for 1h --comment c --wait 1s",
        "unsilence 0123456789abcdef --wait 1s",
        "escalate L1 --wait 1s",
        "resolve L1 --wait 1s",
        "reassign L1 --to sam --wait 1s",
        "page L1 --user sam --wait 1s",
        "snooze L1 --for 1h --wait 1s",
        "merge L1 L2 --wait 1s",
        "priority L1 P1 --wait 1s",
        "annotate L1 text --wait 1s",
        "update L1 text --wait 1s",
        "declare --title t --severity SEV2 --wait 1s",
        "outbox retry --wait 1s",
    ];
    for line in waits {
        let told = told_first(line).unwrap_or_default();
        assert!(told.ends_with("… (ctrl-c ends it)"), "{line}: {told:?}");
    }
    // What asks nobody, draws by itself, or serves until it is stopped; whoever adds a command decides.
    let others = [
        "completions",
        "man",
        "config",
        "keys",
        "themes",
        "demo",
        "drill",
        "help",
        "launch-apart",
    ];
    let decided =
        |name: &str| others.contains(&name) || waits.iter().any(|line| line.split(' ').next() == Some(name));
    let cli = Cli::command();
    let undecided: Vec<&str> = cli
        .get_subcommands()
        .map(clap::Command::get_name)
        .filter(|name| !decided(name))
        .collect();
    assert_eq!(undecided, Vec::<&str>::new());
}

#[test]
fn what_is_named_by_mistake_and_a_console_without_a_terminal_are_usage() {
    let missing = run_with(&["replay", "/nonexistent/file"], CONFIG);
    assert_eq!(missing.exit, Exit::Usage, "{}", missing.diagnostics);
    let dir = tempfile::tempdir().expect("a directory");
    let foreign = dir.path().join("letter.txt");
    std::fs::write(&foreign, "dear all").expect("written");
    let foreign = run_with(&["replay", &foreign.display().to_string()], CONFIG);
    assert_eq!(foreign.exit, Exit::Usage, "{}", foreign.diagnostics);
    let nowhere = console::no_terminal(&io::Error::other("standard output is none"));
    assert_eq!(nowhere.exit(), Exit::Usage);
}
