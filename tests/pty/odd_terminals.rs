//! Terminals that are small, colourless, dumb or stall.

use std::time::Duration;

use rustix::process::Signal;

use midwatch::time::Clock;

use crate::harness::Setup;

fn demo() -> Setup {
    Setup::midwatch(&["demo", "--scenario", "calm"])
}

/// Whether an SGR that sets a colour was sent.
fn colours(raw: &[u8]) -> bool {
    String::from_utf8_lossy(raw)
        .split("\x1b[")
        .skip(1)
        .any(|sequence| {
            let end = sequence
                .find(|c: char| !c.is_ascii_digit() && c != ';')
                .unwrap_or(0);
            let colour = |code: &str| matches!(code.parse(), Ok(30..=38 | 40..=48 | 90..=107));
            sequence[end..].starts_with('m') && sequence[..end].split(';').any(colour)
        })
}

#[test]
fn it_starts_draws_and_quits_at_every_size() {
    for (width, height) in [(1, 1), (2, 3), (40, 10), (80, 24), (200, 60)] {
        let mut console = demo().size(width, height).start();
        console.wait_for_bytes(b"\x1b[?1049h");
        if width >= 40 {
            console.wait_for("SLO");
        }
        console.settle(Duration::from_millis(300));
        console.press(b"q");
        assert!(console.wait_exit().success(), "{width}x{height}");
        console.assert_restored();
    }
}

#[test]
fn a_storm_of_resizes_ends_in_the_last_size() {
    let mut console = demo().start();
    console.wait_for("SLO");
    for n in 0..20 {
        console.resize(20 + n * 5, 5 + n);
    }
    console.resize(1, 1);
    console.resize(90, 30);
    console.settle(Duration::from_millis(500));
    // What stands at the right and lower edges of the last size; the program's name gives way to the lights there.
    console.wait_for(&format!("╰{}╯", "─".repeat(88)));
    console.wait_for("? help");
    console.press(b"q");
    assert!(console.wait_exit().success());
    console.assert_restored();
}

#[test]
fn no_color_is_obeyed() {
    let mut coloured = demo().start();
    coloured.wait_for("SLO");
    coloured.settle(Duration::from_millis(500));
    assert!(colours(&coloured.raw), "a terminal with colours gets some");
    let mut plain = demo().env("NO_COLOR", "1").start();
    plain.wait_for("SLO");
    plain.settle(Duration::from_millis(500));
    assert!(!colours(&plain.raw), "{}", plain.raw.escape_ascii());
}

#[test]
fn a_dumb_terminal_gets_no_colours_and_no_panic() {
    let mut console = demo().env("TERM", "dumb").start();
    // Drawn without colours, or refused in a word that names the mend; both are honest.
    console.wait_for("midwatch");
    assert!(!colours(&console.raw), "{}", console.raw.escape_ascii());
    console.signal(Signal::TERM);
    console.wait_exit();
    console.assert_restored();
}

#[test]
fn a_terminal_that_stalls_catches_up_and_shows_the_present() {
    let mut console = demo().start_stalled();
    for _ in 0..50 {
        console.press(b"\x0c");
    }
    console.read_on();
    console.wait_for("SLO");
    console.settle(Duration::from_millis(300));
    assert!(
        console.raw.len() < 200_000,
        "stale frames queued: {} bytes",
        console.raw.len()
    );
    console.press(b"q");
    assert!(console.wait_exit().success());
    console.assert_restored();
}

#[test]
fn a_slow_link_is_sent_no_more_than_it_carries_and_says_so() {
    let clock = Clock::start();
    let mut console = Setup::midwatch(&["demo", "--slow=2000"]).size(80, 24).start();
    console.wait_for("of 2.0");
    let answered = clock.tick().0;
    console.press(b"2");
    for _ in 0..40 {
        console.press(b"j");
        console.watch(Duration::from_millis(50));
    }
    let most = clock.tick().0.as_secs_f64() * 2_000.0 + 500.0;
    let sent = console.raw.len() as f64;
    assert!(sent <= most, "{sent} bytes of {most}");
    assert!(answered < Duration::from_secs(15), "{answered:?}");
    let text = console.text();
    let clock = text
        .lines()
        .next()
        .and_then(|bar| bar.split_whitespace().next_back())
        .unwrap_or_default();
    assert_eq!(clock.matches(':').count(), 1, "no seconds on the clock: {text}");
    console.press(b"q");
    assert!(console.wait_exit().success(), "{}", console.text());
    console.assert_restored();
}

#[test]
fn a_terminal_that_answers_nothing_is_asked_once_and_the_console_goes_on_as_ever() {
    let mut console = demo().start();
    console.wait_for("SLO");
    let asked = |raw: &[u8]| raw.windows(4).filter(|window| window == b"\x1b[5n").count();
    for _ in 0..20 {
        console.press(b"\x0c");
        console.watch(Duration::from_millis(20));
    }
    assert_eq!(asked(&console.raw), 1);
    // While the answer is waited for, a key is answered all the same.
    console.press(b"?");
    console.wait_for("Keys");
    console.press(b"\x1b");
    console.watch(Duration::from_secs(6));
    for _ in 0..5 {
        console.press(b"\x0c");
        console.watch(Duration::from_millis(50));
    }
    assert_eq!(asked(&console.raw), 1, "and not again");
    console.press(b"q");
    assert!(console.wait_exit().success());
    console.assert_restored();
}

#[test]
fn a_vt_on_a_serial_line_gets_what_it_knows_and_is_asked_nothing() {
    let mut console = demo().env("TERM", "vt100").size(80, 24).start();
    console.wait_for("SLO");
    console.press(b"2");
    console.settle(Duration::from_millis(300));
    let raw = &console.raw;
    assert!(raw.is_ascii(), "no character beyond ASCII");
    assert!(!colours(raw));
    for unknown in [&b"\x1b[5n"[..], b"\x1b[6n", b"\x1b[c", b"\x1b]", b"?2026"] {
        assert!(!console.sent(unknown), "{}", unknown.escape_ascii());
    }
    console.press(b"q");
    assert!(console.wait_exit().success());
    console.assert_restored();
}

#[test]
fn links_are_written_where_they_are_known_and_nowhere_else() {
    let opens = |setup: Setup| {
        let mut console = setup.start();
        console.wait_for("SLO");
        console.press(b"2");
        console.wait_for("ErrorBudgetBurn");
        console.press(b"\r");
        console.wait_for("runbook");
        console.settle(Duration::from_millis(500));
        let links = console
            .raw
            .windows(8)
            .filter(|window| window == b"\x1b]8;;htt")
            .count();
        console.press(b"qq");
        console.signal(Signal::TERM);
        console.wait_exit();
        links
    };
    let leak = || Setup::midwatch(&["demo", "--scenario", "leak", "--into", "4m"]);
    assert!(opens(leak().env("VTE_VERSION", "7600")) > 0);
    assert_eq!(opens(leak()), 0);
}

#[test]
fn the_console_as_lines_sends_no_escape_sequence_and_obeys_what_is_typed() {
    let mut console = Setup::midwatch(&["demo", "--plain", "--into", "4m"]).start();
    console.wait_for("alerts: ");
    console.press(b"nonsense\n");
    console.wait_for("nothing is called nonsense");
    console.press(b"help\n");
    console.wait_for("a question is answered by a line");
    assert!(
        console.is_cooked(),
        "the line is edited by the terminal, as in a shell"
    );
    console.press(b"quit\n");
    let status = console.wait_exit();
    assert!(status.success(), "{}", console.text());
    assert!(!console.raw.contains(&0x1b), "{}", console.raw.escape_ascii());
}

#[test]
fn the_console_as_lines_ends_by_an_interrupt_and_by_the_end_of_what_is_typed() {
    for end in [&b"\x03"[..], b"\x04"] {
        let mut console = Setup::midwatch(&["demo", "--plain", "--scenario", "calm"]).start();
        console.wait_for("SLOs: ");
        console.press(end);
        assert!(
            console.wait_exit().success(),
            "{} {}",
            end.escape_ascii(),
            console.text()
        );
    }
}
