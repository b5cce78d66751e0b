//! Terminals that are small, colourless, dumb or stall.

use std::time::Duration;

use rustix::process::Signal;

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
