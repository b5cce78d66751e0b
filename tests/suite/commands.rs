//! Commands of runbooks as the program itself starts them: apart from its terminal, and with what was shown alone.

use std::path::PathBuf;
use std::time::Duration;

use midwatch::domain::alert::Labels;
use midwatch::runbook::command::{Takes, Template};
use midwatch::runbook::{End, Ended, Means};
use midwatch::runtime::runbooks::run::{Run, run};
use midwatch::time::Clock;
use tokio_util::sync::CancellationToken;

fn apart(program: &str, arguments: &[&str], limit: Duration) -> Run {
    Run {
        program: PathBuf::from(program),
        arguments: arguments.iter().map(|each| (*each).to_owned()).collect(),
        means: Means {
            limit,
            launcher: Some(PathBuf::from(env!("CARGO_BIN_EXE_midwatch"))),
            ..Means::default()
        },
        without: Vec::new(),
        identity: None,
    }
}

const LONG: Duration = Duration::from_secs(20);

async fn ran(what: &Run) -> Ended {
    run(what, &CancellationToken::new(), Clock::start()).await
}

#[tokio::test]
async fn a_command_leads_a_session_of_its_own_and_has_no_terminal() {
    // Fields of proc_pid_stat(5): 1 is the process, 5 its group, 6 its session, 7 its terminal.
    let ended = ran(&apart(
        "/usr/bin/cut",
        &["-d ", "-f1,5,6,7", "/proc/self/stat"],
        LONG,
    ))
    .await;
    assert_eq!(ended.end, End::Exit(0), "{}", ended.output);
    let fields: Vec<&str> = ended.output.split_whitespace().collect();
    assert_eq!(fields.len(), 4, "{}", ended.output);
    assert!(fields[0] == fields[1] && fields[1] == fields[2], "{fields:?}");
    assert_eq!(fields[3], "0", "no terminal");
    let asks = ran(&apart("/bin/sh", &["-c", ": < /dev/tty && echo asked"], LONG)).await;
    assert!(!asks.output.contains("asked"), "{}", asks.output);
}

#[tokio::test]
async fn what_it_started_ends_with_it_and_what_cannot_be_run_says_so() {
    let ended = ran(&apart(
        "/bin/sh",
        &["-c", "sleep 300 & echo $!; sleep 300"],
        Duration::from_millis(900),
    ))
    .await;
    assert!(matches!(ended.end, End::TimedOut(_)), "{ended:?}");
    let child = ended.output.trim().to_owned();
    let gone =
        || std::fs::read_to_string(format!("/proc/{child}/stat")).map_or(true, |stat| stat.contains(") Z "));
    let mut look = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..500 {
        if gone() {
            break;
        }
        look.tick().await;
    }
    assert!(gone(), "{child} goes on");
    let absent = ran(&apart("/nowhere/at/all", &[], LONG)).await;
    assert!(matches!(absent.end, End::NotStarted(_)), "{absent:?}");
    let status = ran(&apart("/bin/sh", &["-c", "exit 7"], LONG)).await;
    assert_eq!(status.end, End::Exit(7), "its status is told as it is");
}

/// Label values that would do something if anything read them: a shell, an option parser, a terminal, an eye.
const CORPUS: &[&str] = &[
    ";reboot",
    "a;b",
    "a && reboot",
    "a || reboot",
    "a | tee /x",
    "a > /x",
    "$(reboot)",
    "${HOME}",
    "$HOME",
    "`reboot`",
    "a'b",
    "a\"b",
    "' ; reboot ; '",
    "\" ; reboot ; \"",
    "a\\",
    "\\",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "~",
    "!!",
    "#",
    "%s%n",
    "%0a",
    "-",
    "--",
    "-rf",
    "--all",
    "--=x",
    " --all",
    "\u{a0}--all",
    "\u{2010}all",
    "\u{2013}all",
    "\u{2014}all",
    "\u{2212}all",
    "\u{ff0d}all",
    "\n--all",
    "a\nb",
    "a\r\nb",
    "a\0b",
    "a\tb",
    "\u{1b}[2J",
    "\u{9b}2J",
    "a\u{85}b",
    "a\u{2028}b",
    "a\u{202e}b",
    "a\u{2066}b",
    "a\u{200b}b",
    "a\u{200d}b",
    "a\u{feff}b",
    "a\u{3000}b",
    "a\u{2800}b",
    "a\u{e000}b",
    "a\u{e0041}b",
    "{{ labels.pod }}",
    "{{ labels.other }}",
    "",
    " ",
    "\u{430}dmin",
    "ünï",
    "/../../etc/passwd",
    "a=b",
    "@file",
];

#[tokio::test]
async fn nothing_runs_but_what_was_shown() {
    let line = "printf '%s|' pod/{{ labels.pod }} {{ labels.pod }} \"{{ labels.pod }}\" last";
    let template = Template::read(line).unwrap();
    let mut taken = 0;
    for value in CORPUS {
        let labels: Labels = [("pod", *value)].into_iter().collect();
        let Ok(argv) = template.fill(&labels, Takes::Text) else {
            continue;
        };
        taken += 1;
        // What the question shows, read back by its own rules, is what is handed over.
        let shown: Vec<String> = argv
            .arguments()
            .iter()
            .map(midwatch::runbook::command::Argument::exposed)
            .collect();
        let handed: Vec<&str> = argv.arguments().iter().map(|each| each.text.as_str()).collect();
        for (shown, handed) in shown.iter().zip(&handed) {
            assert!(
                shown.is_ascii() && !shown.chars().any(char::is_control),
                "{shown:?}"
            );
            let read = shown
                .replace("'\\''", "\u{0}")
                .replace('\'', "")
                .replace('\u{0}', "'");
            let told: String = handed
                .chars()
                .map(|c| {
                    if c.is_ascii() {
                        c.to_string()
                    } else {
                        format!("<U+{:04X}>", u32::from(c))
                    }
                })
                .collect();
            assert_eq!(read, told, "{value:?}");
        }
        let ended = ran(&apart("/usr/bin/printf", &handed, LONG)).await;
        assert_eq!(ended.end, End::Exit(0), "{value:?}: {}", ended.output);
        assert_eq!(
            ended.output,
            format!("pod/{value}|{value}|{value}|last|"),
            "{value:?}"
        );
        assert_eq!(handed.len(), 5, "{value:?}");
    }
    assert!(taken > 20 && taken < CORPUS.len(), "{taken}");
}
