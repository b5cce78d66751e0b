//! The terminal layer alone, in a process of its own: a stand-in that does nothing but hold the terminal, so
//! that panics and stops can be tried at will.

use std::path::Path;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};
use midwatch::terminal::signals::{Signal, Signals};
use midwatch::terminal::tty::{Options, Tty};
use midwatch::terminal::{Input, Screen as _};
use midwatch::time::Clock;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::harness::{Console, Setup};

const STARTED: &str = "MIDWATCH_STAND_IN";
const ARGS: [&str; 4] = [
    "--ignored",
    "--exact",
    "stand_in::holds_the_terminal",
    "--nocapture",
];

/// `q` quits, ctrl-z suspends, `p` panics.
#[test]
#[ignore = "started on a terminal of its own by the tests below"]
fn holds_the_terminal() {
    if std::env::var(STARTED).is_err() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut tty, mut inputs) = Tty::open(Options::default(), Clock::start()).unwrap();
        let mut signals = Signals::listen().unwrap();
        let mut said = "stand-in".to_owned();
        loop {
            let size = tty.size();
            let mut frame = Buffer::empty(Rect::from((Position::ORIGIN, size)));
            frame.set_string(0, 0, &said, Style::new());
            frame.set_string(0, 1, format!("{}x{}", size.width, size.height), Style::new());
            tty.present(&frame, None);
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Terminate | Signal::Interrupt | Signal::HangUp => return,
                    Signal::Resized => {}
                    Signal::Continued => tty.resume().unwrap(),
                },
                input = inputs.recv() => match input {
                    None | Some(Input::Closed) => return,
                    Some(Input::Key(key)) => match (key.code, key.modifiers) {
                        (KeyCode::Char('q'), _) => return,
                        (KeyCode::Char('p'), _) => panic!("a panic to be read"),
                        (KeyCode::Char('z'), KeyModifiers::CONTROL) => {
                            tty.suspend().unwrap();
                            said = "resumed".to_owned();
                        }
                        (code, _) => said = format!("{code:?}"),
                    },
                    Some(_) => {}
                },
            }
        }
    });
}

fn setup() -> Setup {
    let this = std::env::current_exe().unwrap();
    Setup::program(&this, &ARGS).env(STARTED, "1")
}

fn running() -> Console {
    let mut console = setup().start();
    console.wait_for("stand-in");
    assert!(console.screen().alternate_screen() && console.screen().hide_cursor());
    assert!(!console.is_cooked());
    console
}

#[test]
fn a_panic_restores_the_terminal_and_is_then_read_on_the_main_screen() {
    let mut console = running();
    console.press(b"p");
    assert!(!console.wait_exit().success());
    assert!(console.is_cooked());
    let screen = console.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert!(
        console.text().contains("a panic to be read"),
        "{}",
        console.text()
    );
}

#[test]
fn quitting_and_signals_restore_the_terminal() {
    for end in [
        None,
        Some(rustix::process::Signal::TERM),
        Some(rustix::process::Signal::HUP),
    ] {
        let mut console = running();
        match end {
            None => console.press(b"q"),
            Some(signal) => console.signal(signal),
        }
        assert!(console.wait_exit().success(), "{end:?}");
        console.assert_restored();
    }
}

#[test]
fn a_vanished_terminal_is_an_end() {
    let mut console = running();
    console.hang_up();
    console.wait_exit();
}

#[test]
fn a_new_size_is_drawn() {
    let mut console = running();
    console.wait_for("120x40");
    console.resize(33, 7);
    console.wait_for("33x7");
}

#[test]
fn split_keys_are_whole() {
    let mut console = running();
    console.press_bytewise(b"\x1b[B");
    console.wait_for("Down");
    console.press_bytewise(b"\x1b[5~");
    console.wait_for("PageUp");
}

#[test]
fn suspended_the_shell_has_its_terminal_and_continued_the_program_has() {
    let Some(bash) = ["/bin/bash", "/usr/bin/bash"]
        .map(Path::new)
        .into_iter()
        .find(|p| p.exists())
    else {
        eprintln!("SKIPPED: no bash here, so no job control to suspend under");
        return;
    };
    let this = std::env::current_exe().unwrap();
    let mut shell = Setup::program(bash, &["--norc", "--noprofile", "-i"])
        .env("PS1", "shell> ")
        .env(STARTED, "1")
        .start();
    shell.wait_for("shell>");
    shell.press(format!("'{}' {}\r", this.display(), ARGS.join(" ")).as_bytes());
    shell.wait_for("stand-in");
    for round in 0..3 {
        shell.press(b"\x1a");
        shell.wait_for("Stopped");
        assert!(!shell.screen().alternate_screen() && !shell.screen().hide_cursor());
        shell.press(format!("clear; echo round\" {round}\"\r").as_bytes());
        shell.wait_for(&format!("round {round}"));
        shell.press(b"fg\r");
        shell.wait_for("resumed");
        assert!(shell.screen().alternate_screen() && !shell.is_cooked());
    }
    shell.settle(Duration::from_millis(200));
    shell.press(b"q");
    shell.wait_for("shell>");
    shell.press(b"clear; echo still\" here\"\r");
    shell.wait_for("still here");
    shell.press(b"exit\r");
    shell.wait_exit();
}
