//! What can be written, what comes out, and with which exit status.

mod acting;
mod looking;

use std::io;
use std::sync::{Arc, Mutex};

use clap::{CommandFactory as _, Parser as _};

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
