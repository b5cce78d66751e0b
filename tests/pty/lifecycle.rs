//! Starting, quitting, being stopped, being killed: the terminal is always given back.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Console, MIDWATCH, Setup};

fn demo() -> Setup {
    Setup::midwatch(&["demo", "--scenario", "calm"])
}

fn running() -> Console {
    let mut console = demo().start();
    console.wait_for("SLO");
    assert!(console.screen().alternate_screen());
    assert!(!console.is_cooked());
    console
}

#[test]
fn the_demo_starts_and_quits_with_q() {
    let mut console = running();
    console.press(b"q");
    assert!(console.wait_exit().success());
    console.assert_restored();
}

#[test]
fn a_configured_console_starts_though_its_backends_are_down() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config.toml");
    // Port 1 on loopback refuses at once.
    let text = "[contexts.prod.metrics]\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:1\"\n";
    std::fs::write(&config, text).unwrap();
    let mut console = Setup::midwatch(&["--config", config.to_str().unwrap()]).start();
    console.wait_for("midwatch");
    console.press(b"q");
    assert!(console.wait_exit().success());
    console.assert_restored();
}

#[test]
fn sigterm_ends_it_and_the_terminal_is_given_back() {
    let mut console = running();
    console.signal(Signal::TERM);
    console.wait_exit();
    console.assert_restored();
}

#[test]
fn sighup_ends_it_and_the_terminal_is_given_back() {
    let mut console = running();
    console.signal(Signal::HUP);
    console.wait_exit();
    console.assert_restored();
}

#[test]
fn a_terminal_that_vanishes_ends_the_process() {
    let mut console = running();
    console.hang_up();
    // A reader that spins on end-of-file would still be there.
    console.wait_exit();
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_takes_it_again() {
    let Some(bash) = ["/bin/bash", "/usr/bin/bash"]
        .map(Path::new)
        .into_iter()
        .find(|p| p.exists())
    else {
        eprintln!("SKIPPED: no bash here, so no job control to suspend under");
        return;
    };
    let mut shell = Setup::program(bash, &["--norc", "--noprofile", "-i"])
        .env("PS1", "shell> ")
        .start();
    shell.wait_for("shell>");
    shell.press(format!("'{MIDWATCH}' demo --scenario calm\r").as_bytes());
    shell.wait_for_bytes(b"\x1b[?1049h");
    shell.wait_for("SLO");
    for _ in 0..2 {
        shell.press(b"\x1a");
        shell.wait_for("Stopped");
        assert!(!shell.screen().alternate_screen() && !shell.screen().hide_cursor());
        shell.press(b"echo the shell\" is here\"\r");
        shell.wait_for("the shell is here");
        shell.press(b"clear; fg\r");
        shell.wait_for("SLO");
        assert!(shell.screen().alternate_screen());
    }
    shell.press(b"q");
    shell.wait_without("SLO");
    shell.press(b"echo status $?\r");
    shell.wait_for("status 0");
    shell.press(b"exit\r");
    shell.wait_exit();
}

#[test]
fn quitting_while_the_link_stalls_does_not_hang() {
    let mut console = demo().start_stalled();
    // Nothing is read: the first frame fits the kernel's buffer, the flood of redraws does not.
    for _ in 0..200 {
        console.press(b"\x0c");
    }
    console.signal(Signal::TERM);
    console.read_on();
    console.wait_exit();
    assert!(console.is_cooked());
}

#[test]
fn nothing_is_written_while_nothing_changes_but_the_clock() {
    let mut console = running();
    let quiet = 30;
    // The first answers come in, one after the other on a busy machine; after them, a calm world stands still.
    // Every source has answered: the alerts, the story of the incident, who is on call, the tail that brings nothing.
    let answers = ["TargetDown", "Notified Sam", "on call Shop: you", "live · 0/s"];
    // What the last of them changes is drawn within a few seconds more: the strip counts its last lines again.
    let mut still = 0;
    let settled = (0..40).any(|_| {
        let before = console.raw.len();
        console.watch(Duration::from_secs(1));
        let text = console.text();
        let rests = answers.iter().all(|answer| text.contains(answer));
        let rests = rests && console.raw.len() - before <= quiet;
        still = if rests { still + 1 } else { 0 };
        still == 3
    });
    assert!(settled, "it never comes to rest:\n{}", console.text());
    let before = console.raw.len();
    let at_rest = console.text();
    let seconds = 4;
    console.watch(Duration::from_secs(seconds));
    let written = console.raw.len() - before;
    assert!(
        written <= quiet * seconds as usize,
        "{written} bytes in {seconds} s: {}\nat rest:\n{at_rest}\nthen:\n{}",
        console.raw[before..].escape_ascii(),
        console.text()
    );
}
