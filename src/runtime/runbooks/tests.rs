use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::read::{Links, page, read};
use super::run::{KEPT, Run, run};
use super::*;
use crate::app::Effect;
use crate::app::runbook::RunbookAsk;
use crate::backend::Backends;
use crate::backend::http::Wires;
use crate::config::{Environment, RunbooksConfig, decode_text};
use crate::domain::alert::{Fingerprint, Labels};
use crate::domain::incident::IncidentId;
use crate::journal::{Opening as JournalOpening, audit, events};
use crate::runbook::command::{Takes, Template};
use crate::runbook::source::{Unread, Wanted};
use crate::runbook::{Check, Document, End, Expect, Kind, LONGEST, Means, Origin};
use crate::runtime::console::{Event, World as _};
use crate::runtime::session::{Opening, Session};
use crate::terminal::signals::Signals;

// --- reading

fn wanted(link: Option<&str>, dir: Option<&Path>) -> Wanted {
    Wanted {
        alert: "PoolExhausted".to_owned(),
        link: link.map(str::to_owned),
        dir: dir.map(Path::to_owned),
    }
}

fn headings(document: &Document) -> Vec<&str> {
    let blocks = document.checklist.blocks.iter();
    blocks
        .filter_map(|block| match &block.kind {
            Kind::Heading(_, text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

async fn found(link: Option<&str>, dir: &Path) -> Result<Document, Unread> {
    read(
        &wanted(link, Some(dir)),
        &links(&Wires::default(), &RunbooksConfig::default()),
    )
    .await
}

#[tokio::test]
async fn the_directory_is_read_by_the_links_last_word_then_by_the_alerts_name() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("PoolExhausted.md"), "# by name").unwrap();
    let link = Some("file:pool.md");
    assert_eq!(headings(&found(link, dir.path()).await.unwrap()), ["by name"]);
    fs::write(dir.path().join("pool.md"), "# by link").unwrap();
    assert_eq!(headings(&found(link, dir.path()).await.unwrap()), ["by link"]);
    assert_eq!(headings(&found(None, dir.path()).await.unwrap()), ["by name"]);
}

#[tokio::test]
async fn nothing_outside_of_the_directory_is_read() {
    let home = tempfile::tempdir().unwrap();
    let books = home.path().join("books");
    fs::create_dir(&books).unwrap();
    fs::write(home.path().join("secret.md"), "# secret").unwrap();
    symlink(home.path().join("secret.md"), books.join("PoolExhausted.md")).unwrap();
    for link in [
        None,
        Some("file:../secret.md"),
        Some("file:///etc/hostname"),
        Some("https://127.0.0.1:1/../secret"),
        Some("../secret.md"),
    ] {
        let refused = found(link, &books).await.unwrap_err();
        assert!(
            refused.what.iter().any(|what| what.contains("outside of")),
            "{link:?}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_file_is_not_waited_for_and_what_is_missing_says_where_to_write_it() {
    let dir = tempfile::tempdir().unwrap();
    let missing = found(None, dir.path()).await.unwrap_err();
    assert!(missing.what[0].contains("not there"), "{missing:?}");
    assert!(missing.mend.contains("PoolExhausted.md"), "{missing:?}");
    fs::create_dir(dir.path().join("PoolExhausted.md")).unwrap();
    let folder = found(None, dir.path()).await.unwrap_err();
    assert!(folder.what[0].contains("no file"), "{folder:?}");
    let gone = found(None, &dir.path().join("gone")).await.unwrap_err();
    assert!(gone.what[0].contains("[runbooks] dir"), "{gone:?}");
}

/// A server that answers every request by its path, and keeps what it was sent.
struct Server {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (base, kept) = (url.clone(), Arc::clone(&heard));
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = vec![0; 4096];
                let read = stream.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                let path = asked.split(' ').nth(1).unwrap_or_default().to_owned();
                kept.lock().unwrap().push(asked);
                if path == "/slowly" {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                if path == "/hangs" {
                    std::future::pending::<()>().await;
                }
                let _ = stream.write_all(&answer(&path, &base)).await;
            }
        });
        Self { url, heard }
    }

    async fn page(&self, path: &str) -> Result<Document, Unread> {
        page(
            &format!("{}{path}", self.url),
            &links(&Wires::default(), &RunbooksConfig::default()),
            Duration::from_millis(800),
        )
        .await
    }
}

fn answer(path: &str, base: &str) -> Vec<u8> {
    let (status, header, body) = match path {
        "/pool" => (
            "200 OK",
            "content-type: text/markdown".to_owned(),
            "# Pool\n- [ ] look".to_owned(),
        ),
        "/commands" => (
            "200 OK",
            "content-type: text/markdown".to_owned(),
            "```sh\nuptime\n```\n".to_owned(),
        ),
        "/slowly" => ("302 Found", "location: /slowly".to_owned(), String::new()),
        "/wiki" => (
            "200 OK",
            "content-type: text/html; charset=utf-8".to_owned(),
            "# no".to_owned(),
        ),
        "/bare" => (
            "200 OK",
            "x: y".to_owned(),
            "\n<!DOCTYPE html><title>x</title>".to_owned(),
        ),
        "/long" => (
            "200 OK",
            "content-type: text/plain".to_owned(),
            "word ".repeat(LONGEST),
        ),
        "/login" => ("401 Unauthorized", "x: y".to_owned(), String::new()),
        "/moved" => ("302 Found", format!("location: {base}/pool"), String::new()),
        "/round" => ("302 Found", "location: /round".to_owned(), String::new()),
        "/elsewhere" => (
            "302 Found",
            // The same machine by another name: another host all the same.
            format!("location: {}/pool", base.replace("127.0.0.1", "localhost")),
            String::new(),
        ),
        "/away" => (
            "302 Found",
            "location: file:///etc/passwd".to_owned(),
            String::new(),
        ),
        _ => ("404 Not Found", "x: y".to_owned(), String::new()),
    };
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

#[tokio::test]
async fn a_link_is_asked_for_plainly_and_its_markdown_read() {
    let server = Server::start().await;
    assert_eq!(headings(&server.page("/pool").await.unwrap()), ["Pool"]);
    let moved = server.page("/moved").await.unwrap();
    assert_eq!(headings(&moved), ["Pool"]);
    assert_eq!(
        moved.from,
        format!("{}/pool", server.url),
        "where it was found in the end"
    );
    let heard = server.heard.lock().unwrap().join("\n").to_lowercase();
    assert!(heard.contains("get /pool"), "{heard}");
    assert!(
        !heard.contains("authorization") && !heard.contains("cookie"),
        "{heard}"
    );
}

#[tokio::test]
async fn what_is_no_runbook_says_what_it_is_instead() {
    let server = Server::start().await;
    for (path, words) in [
        ("/wiki", "web page (HTML)"),
        ("/bare", "web page (HTML)"),
        ("/nothing", "HTTP 404: it is not there"),
        ("/login", "wants a login"),
        ("/round", "points on and on"),
        ("/away", "not followed"),
        ("/elsewhere", "not followed"),
        ("/hangs", "no answer within 0.8 s"),
    ] {
        let unread = server.page(path).await.unwrap_err();
        assert!(unread.what[0].contains(words), "{path}: {unread:?}");
        assert!(!unread.mend.is_empty());
    }
    let nobody = page(
        "http://127.0.0.1:1/x",
        &links(&Wires::default(), &RunbooksConfig::default()),
        Duration::from_secs(1),
    )
    .await;
    assert!(nobody.unwrap_err().what[0].contains("no connection"));
    let password = server.url.replace("http://", "http://jun:hunter2@");
    let refused = page(
        &password,
        &links(&Wires::default(), &RunbooksConfig::default()),
        Duration::from_secs(1),
    )
    .await
    .unwrap_err();
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
}

#[tokio::test]
async fn what_came_over_plain_http_is_read_and_nothing_of_it_is_run() {
    let server = Server::start().await;
    let document = server.page("/commands").await.unwrap();
    assert_eq!(document.origin, Origin::Plaintext);
    let offers: Vec<_> = document
        .checklist
        .blocks
        .iter()
        .filter_map(|block| match &block.kind {
            Kind::Command(offer) => Some(document.template(offer)),
            _ => None,
        })
        .collect();
    assert!(
        matches!(offers.as_slice(), [Err(why)] if why.to_string().contains("plain http")),
        "{offers:?}"
    );
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("PoolExhausted.md"), "```sh\nuptime\n```").unwrap();
    assert_eq!(found(None, dir.path()).await.unwrap().origin, Origin::Kept);
}

#[tokio::test]
async fn a_link_is_waited_for_only_so_long_however_often_it_points_on() {
    let server = Server::start().await;
    let clock = Clock::start();
    let unread = page(
        &format!("{}/slowly", server.url),
        &links(&Wires::default(), &RunbooksConfig::default()),
        Duration::from_millis(700),
    )
    .await;
    assert!(unread.unwrap_err().what[0].contains("no answer within 0.7 s"));
    assert!(clock.tick().0 < Duration::from_secs(2), "{}", clock.tick());
}

#[tokio::test]
async fn a_pipe_in_the_directory_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("PoolExhausted.md");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let refused = found(None, dir.path()).await.unwrap_err();
    assert!(refused.what[0].contains("no file"), "{refused:?}");
}

#[tokio::test]
async fn a_document_too_long_is_read_as_far_as_it_is_and_says_so() {
    let server = Server::start().await;
    assert!(server.page("/long").await.unwrap().checklist.cut);
}

fn links<'a>(wires: &'a Wires, runbooks: &'a RunbooksConfig) -> Links<'a> {
    Links { wires, runbooks }
}

#[tokio::test]
async fn a_link_is_asked_by_the_tls_and_proxy_of_runbooks() {
    let runbooks = RunbooksConfig {
        tls: crate::config::TlsConfig {
            ca_file: Some("/nowhere/ca.pem".into()),
            ..Default::default()
        },
        ..RunbooksConfig::default()
    };
    let wires = Wires::default();
    let way = links(&wires, &runbooks);
    let read = page("https://127.0.0.1:1/x", &way, Duration::from_secs(5)).await;
    let why = read.unwrap_err().what.join(" ");
    assert!(why.contains("/nowhere/ca.pem"), "{why}");
}

// --- running

fn within(limit: Duration) -> Means {
    Means {
        limit,
        ..Means::default()
    }
}

fn sh(script: &str, limit: Duration) -> Run {
    Run {
        program: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        means: within(limit),
        without: Vec::new(),
        identity: None,
    }
}

const LONG: Duration = Duration::from_secs(20);

async fn ran(run_it: &Run) -> Ended {
    run(run_it, &CancellationToken::new(), Clock::start()).await
}

/// Whether a process has ended; one that nobody has waited for yet has.
fn has_ended(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

async fn ends(pid: &str) {
    let mut look = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..500 {
        if has_ended(pid) {
            return;
        }
        look.tick().await;
    }
    panic!("{pid} goes on");
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_everything_it_started() {
    let ended = ran(&sh("sleep 300 & echo $!; sleep 300", Duration::from_millis(400))).await;
    assert_eq!(ended.end, End::TimedOut(Duration::from_millis(400)));
    let child = ended.output.trim().to_owned();
    assert!(!child.is_empty());
    ends(&child).await;
}

#[tokio::test]
async fn a_command_is_stopped_and_dropped_with_everything_it_started() {
    let home = tempfile::tempdir().unwrap();
    for dropped in [false, true] {
        let file = home.path().join(format!("{dropped}"));
        let script = format!(
            "sleep 300 & echo $! > {0}.new; mv {0}.new {0}; sleep 300",
            file.display()
        );
        let (order, stop) = (sh(&script, LONG), CancellationToken::new());
        let started = async {
            let mut look = tokio::time::interval(Duration::from_millis(10));
            while !file.exists() {
                look.tick().await;
            }
        };
        if dropped {
            tokio::select! {
                _ = run(&order, &stop, Clock::start()) => panic!("it ended"),
                () = started => {}
            }
        } else {
            let stopping = async {
                started.await;
                stop.cancel();
            };
            let (ended, ()) = tokio::join!(run(&order, &stop, Clock::start()), stopping);
            assert_eq!(ended.end, End::Stopped);
        }
        ends(fs::read_to_string(&file).unwrap().trim()).await;
    }
}

#[tokio::test]
async fn what_outlives_its_leader_is_not_waited_for() {
    let ended = ran(&sh("sleep 300 & echo $!", LONG)).await;
    assert_eq!(ended.end, End::Exit(0));
    ends(ended.output.trim()).await;
}

#[tokio::test]
async fn output_is_capped_input_is_empty_and_the_status_told() {
    let ended = ran(&sh("head -c 200000 /dev/zero | tr '\\0' a; printf end", LONG)).await;
    assert_eq!(ended.output.len(), KEPT);
    assert_eq!(ended.left_out, 200_003 - KEPT as u64);
    assert!(ended.output.ends_with("end"));
    let ended = ran(&sh("cat; echo wrong >&2; exit 3", LONG)).await;
    assert_eq!((ended.end, ended.output.trim()), (End::Exit(3), "wrong"));
    let ended = ran(&sh("kill -9 $$", LONG)).await;
    assert_eq!(ended.end, End::Signal(9));
    let absent = Run {
        program: PathBuf::from("/nowhere/at/all"),
        ..sh("", LONG)
    };
    assert!(matches!(ran(&absent).await.end, End::NotStarted(_)));
}

#[tokio::test]
async fn what_it_says_cannot_move_the_cursor() {
    let ended = ran(&sh("printf 'a\\033[2J\\033]0;x\\007b\\342\\200\\256c'", LONG)).await;
    let told = ended.tail(10, 1_000).join("");
    assert!(!told.chars().any(crate::text::is_unsafe), "{told:?}");
    assert!(told.starts_with('a') && told.ends_with('c'), "{told}");
}

#[tokio::test]
async fn variables_of_credentials_are_not_handed_on() {
    let all = Run {
        program: PathBuf::from("/usr/bin/env"),
        arguments: Vec::new(),
        means: within(LONG),
        without: Vec::new(),
        identity: None,
    };
    assert!(ran(&all).await.output.contains("PATH="));
    let less = Run {
        without: vec!["PATH".to_owned()],
        ..all
    };
    assert!(!ran(&less).await.output.contains("\nPATH="));
    assert!(!ran(&less).await.output.starts_with("PATH="));
}

#[tokio::test]
async fn what_runs_is_what_was_shown_whatever_a_label_holds() {
    let template = Template::read("printf '%s|' -- pod/{{ labels.pod }} '{{ labels.pod }}' last").unwrap();
    for value in [
        ";reboot",
        "a;b",
        "$(reboot)",
        "`reboot`",
        "a b",
        "a'b",
        "a\"b",
        "a|b>c",
        "%s%n",
        "*",
        "~",
        "--",
        "-rf",
        "\n-x",
        "a\nb",
        "\u{2010}x",
        "\u{2212}x",
        "a\\",
        "{{ labels.pod }}",
        "a\u{202e}b",
        "",
    ] {
        let labels: Labels = [("pod", value)].into_iter().collect();
        // What is refused never gets here; what is filled arrives as it was shown, argument by argument.
        let Ok(argv) = template.fill(&labels, Takes::Text) else {
            continue;
        };
        let shown: Vec<String> = argv.arguments().iter().map(|each| each.text.clone()).collect();
        let order = Run {
            program: PathBuf::from("/usr/bin/printf"),
            arguments: shown.clone(),
            means: within(LONG),
            without: Vec::new(),
            identity: None,
        };
        let ended = ran(&order).await;
        assert_eq!(ended.output, format!("--|pod/{value}|{value}|last|"), "{value:?}");
        assert_eq!(shown.len(), 5, "{value:?}");
    }
}

// --- a session

fn session(state: &Path) -> Session {
    let text = format!(
        "identity = \"jun@example.com\"\nstate_dir = \"{}\"\n[contexts.prod.metrics]\nurl = \"http://127.0.0.1:1\"\n",
        state.display()
    );
    of_config(&text)
}

fn of_config(text: &str) -> Session {
    let config = decode_text(text, None, &Environment::default()).unwrap().config;
    Session::open(Opening {
        context: Arc::new(config.contexts["prod"].clone()),
        config: Arc::new(config),
        backends: Backends::default(),
        wires: Arc::default(),
        clock: Clock::start(),
        themes: Box::new(|name| Err(format!("no theme {name}"))),
        writer: Arc::new(|_| Box::pin(std::future::ready(Err("nobody writes".to_owned())))),
        signals: Signals::listen().unwrap(),
    })
}

fn ask() -> RunbookAsk {
    RunbookAsk {
        alert: Fingerprint(0xf1),
        wanted: wanted(None, None),
        labels: Labels::default(),
        service: "checkout".into(),
        incident: Some(IncidentId("Q1".into())),
        ticks: TicksOf {
            about: vec!["Q1".to_owned(), "00000000000000f1@x".to_owned()],
            runbook: "PoolExhausted".to_owned(),
        },
    }
}

fn tick(step: &str, mark: Mark) -> Effect {
    let told = crate::app::runbook::Step {
        name: step.to_owned(),
        text: step.to_owned(),
    };
    Effect::Tick {
        of: ask().ticks,
        step: step.to_owned(),
        mark,
        told: Box::new(ask().ticking((1, &told), mark)),
    }
}

async fn ticked(session: &mut Session, steps: &[&str]) -> Vec<Ticked> {
    let (_keys, mut inputs) = mpsc::channel(1);
    loop {
        if let Event::Result(Msg::StepsTicked { result, .. }) = session.next(&mut inputs).await {
            let ticked = result.unwrap();
            if ticked
                .iter()
                .map(|each| each.step.as_str())
                .eq(steps.iter().copied())
            {
                return ticked;
            }
        }
    }
}

#[tokio::test]
async fn a_tick_comes_back_after_a_restart_and_in_another_console() {
    let home = tempfile::tempdir().unwrap();
    let mut first = session(home.path());
    let mut second = session(home.path());
    for session in [&mut first, &mut second] {
        session.carry(Effect::FollowTicks(ask().ticks));
        ticked(session, &[]).await;
    }
    first.carry(tick("Look", Mark::Done));
    assert_eq!(ticked(&mut first, &["Look"]).await[0].actor, "jun@example.com");
    ticked(&mut second, &["Look"]).await;
    drop((first, second));
    let mut third = session(home.path());
    third.carry(Effect::FollowTicks(ask().ticks));
    ticked(&mut third, &["Look"]).await;
    third.carry(tick("Look", Mark::Open));
    ticked(&mut third, &[]).await;
}

fn order(script: &str) -> Arc<RunOrder> {
    let template = Template::read(&format!("sh -c '{script}'")).unwrap();
    Arc::new(RunOrder {
        ask: ask(),
        line: script.to_owned(),
        step: Some((2, "Roll back".to_owned())),
        argv: template.fill(&Labels::default(), Takes::Names).unwrap(),
        program: PathBuf::from("/bin/sh"),
        identity: None,
        means: within(LONG),
        source: "/srv/runbooks/pool.md".to_owned(),
        play: None,
        check: None,
    })
}

async fn over(session: &mut Session) -> Ended {
    let (_keys, mut inputs) = mpsc::channel(1);
    loop {
        if let Event::Result(Msg::CommandEnded { ended, .. }) = session.next(&mut inputs).await {
            return ended;
        }
    }
}

/// The story of the incident, and what the audit log says of it.
async fn told(home: &Path) -> (Vec<String>, Vec<(String, String)>) {
    let path = home.join("midwatch.db");
    let opening = JournalOpening::private(path);
    let journal = Journal::open(&opening).unwrap();
    let story = journal
        .read(|tx| {
            let story = events::of_incident(tx, "prod", &IncidentId("Q1".into()))?;
            let lines = audit::lines_after(tx, 0, 100)?;
            Ok((story, lines))
        })
        .await
        .unwrap();
    let lines = story.1.iter().map(|(_, line)| {
        let line: audit::Line = serde_json::from_str(line).unwrap();
        (line.action, line.result)
    });
    (
        story.0.iter().map(|event| event.text.to_string()).collect(),
        lines.collect(),
    )
}

#[tokio::test]
async fn a_command_is_written_down_before_it_runs_and_when_it_is_over() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session(home.path());
    session.carry(Effect::RunCommand(order("echo well; exit 3")));
    assert_eq!(over(&mut session).await.end, End::Exit(3));
    drop(session);
    let (story, audited) = told(home.path()).await;
    assert!(
        story[0].starts_with("started `sh -c 'echo well; exit 3'`"),
        "{story:?}"
    );
    assert!(
        story[1].contains("exit status 3") && story[1].ends_with("\nwell"),
        "{story:?}"
    );
    let wanted = [("run", "journaled"), ("run", "failed: exit status 3")];
    assert!(
        audited.iter().map(|(a, b)| (a.as_str(), b.as_str())).eq(wanted),
        "{audited:?}"
    );
}

#[tokio::test]
async fn one_runs_at_a_time_and_leaving_the_console_ends_it_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session(home.path());
    session.carry(Effect::RunCommand(order("sleep 300")));
    session.carry(Effect::RunCommand(order("echo second")));
    let refused = over(&mut session).await;
    assert_eq!(
        refused.end,
        End::NotStarted("another command is running".to_owned())
    );
    session.rest().await;
    assert_eq!(over(&mut session).await.end, End::Stopped);
    drop(session);
    let (story, _) = told(home.path()).await;
    assert!(
        story.iter().any(|text| text.contains("it was stopped")),
        "{story:?}"
    );
    assert!(!story.iter().any(|text| text.contains("second")), "{story:?}");
}

#[tokio::test]
async fn what_is_asked_after_a_step_decides_whether_it_held_and_is_told() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session(home.path());
    let query = Some(("up".to_owned(), Expect::read("== 1").unwrap()));
    let wait = Duration::from_millis(20);
    let step = |script| {
        Arc::new(RunOrder {
            check: Some(Check {
                wait,
                query: query.clone(),
            }),
            ..(*order(script)).clone()
        })
    };
    session.carry(Effect::RunCommand(step("echo well")));
    // This session has nobody to ask: what is not known has not held.
    let ended = over(&mut session).await;
    assert_eq!(ended.end, End::Exit(0));
    assert!(
        ended.failure().unwrap().contains("no metrics backend"),
        "{ended:?}"
    );
    session.carry(Effect::RunCommand(step("exit 4")));
    assert_eq!(
        over(&mut session).await.verdict,
        None,
        "what failed is not asked about"
    );
    drop(session);
    let (story, audited) = told(home.path()).await;
    assert!(story[1].contains("not verified: then waits"), "{story:?}");
    assert!(audited[1].1.starts_with("failed: not verified"), "{audited:?}");
}

#[tokio::test]
async fn a_step_is_stopped_while_it_waits() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session(home.path());
    let check = Check {
        wait: Duration::from_secs(300),
        query: None,
    };
    session.carry(Effect::RunCommand(Arc::new(RunOrder {
        check: Some(check),
        ..(*order("echo well")).clone()
    })));
    let (story, _) = loop {
        let told = told(home.path()).await;
        if !told.0.is_empty() {
            break told;
        }
    };
    assert!(story[0].starts_with("started"), "{story:?}");
    session.rest().await;
    let ended = over(&mut session).await;
    assert!(ended.failure().is_some(), "{ended:?}");
}

#[tokio::test]
async fn what_was_stopped_before_it_began_never_begins() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("ran");
    let mut session = session(home.path());
    session.carry(Effect::RunCommand(order(&format!("touch {}", file.display()))));
    // While it is being written down.
    session.carry(Effect::StopCommand);
    assert_eq!(over(&mut session).await.end, End::Stopped);
    assert!(!file.exists());
}

#[tokio::test]
async fn a_command_runs_where_and_with_what_its_context_says() {
    let home = tempfile::tempdir().unwrap();
    let run = Run {
        means: Means {
            cwd: Some(home.path().to_owned()),
            env: vec![("KUBECONFIG".to_owned(), "/srv/prod".to_owned())],
            ..within(LONG)
        },
        ..sh(
            "pwd -P; echo $KUBECONFIG $GIT_TERMINAL_PROMPT $SSH_ASKPASS_REQUIRE",
            LONG,
        )
    };
    let real = fs::canonicalize(home.path()).unwrap();
    assert_eq!(
        ran(&run).await.output,
        format!("{}\n/srv/prod 0 never\n", real.display())
    );
}

#[tokio::test]
async fn nothing_runs_that_cannot_be_written_down() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("ran");
    // A directory where the database should be.
    fs::create_dir(home.path().join("midwatch.db")).unwrap();
    let mut session = session(home.path());
    session.carry(Effect::RunCommand(order(&format!("touch {}", file.display()))));
    assert!(matches!(over(&mut session).await.end, End::NotStarted(why) if why.contains("recorded")));
    assert!(!file.exists());
}

#[tokio::test]
async fn secrets_that_a_command_prints_are_in_no_timeline_and_on_no_screen() {
    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "identity = \"jun@example.com\"\nstate_dir = \"{}\"\n[contexts.prod.metrics]\nurl = \"http://127.0.0.1:1\"\n\
         auth = {{ bearer_command = [\"echo\", \"hunter2-hunter2\"] }}\n",
        home.path().display()
    );
    let mut session = of_config(&text);
    let script = "echo it is hunter2-hunter2; echo DB_PASSWORD=letmein; echo ready";
    session.carry(Effect::RunCommand(order(script)));
    let ended = over(&mut session).await;
    assert_eq!(ended.output, "it is ***\nDB_PASSWORD=***\nready\n");
    drop(session);
    let (story, _) = told(home.path()).await;
    assert!(
        story[1].ends_with("it is ***\nDB_PASSWORD=***\nready"),
        "{story:?}"
    );
}

#[tokio::test]
async fn a_program_that_was_replaced_after_it_was_looked_up_is_not_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let (tool, trace_of_it) = (home.path().join("tool"), home.path().join("ran"));
    let write = |text: String| {
        fs::write(&tool, text).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write("#!/bin/sh\necho well\n".to_owned());
    let known = programs::resolve(&[tool.display().to_string()], &[], None);
    let order = Run {
        program: tool.clone(),
        identity: known[0].identity,
        ..sh("", LONG)
    };
    assert_eq!(ran(&order).await.output, "well\n");
    write(format!("#!/bin/sh\ntouch {}\n", trace_of_it.display()));
    let ended = ran(&order).await;
    assert!(
        matches!(&ended.end, End::NotStarted(why) if why.contains("changed or replaced")),
        "{ended:?}"
    );
    assert!(!trace_of_it.exists());
}
