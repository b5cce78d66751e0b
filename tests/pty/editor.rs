//! The engineer's own editor: it gets the terminal as the shell had it, every key, and its text comes back.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::harness::{Console, Setup};

/// An editor that is a script; it is handed the file's name.
fn editor(directory: &Path, script: &str) -> String {
    let path = directory.join("editor.sh");
    std::fs::write(&path, script).unwrap();
    format!("sh {}", path.display())
}

/// A console with the form of a declaration open.
fn writing(directory: &Path, script: &str) -> Console {
    let mut console = Setup::midwatch(&["demo", "--scenario", "calm"])
        .env("VISUAL", &editor(directory, script))
        .env("EDITOR", "/bin/false")
        .start();
    console.wait_for("SLO");
    console.press(b"i");
    console.wait_for("Declare an incident");
    console.press(b"Checkout fails");
    console.wait_for("Checkout fails");
    console
}

#[test]
fn it_gets_the_terminal_and_every_key_and_its_text_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let seen = directory.path().join("seen");
    let script = format!(
        "cp \"$1\" {seen}; echo the editor is here; read -r line; echo \"title: $line\" > \"$1\"",
        seen = seen.display()
    );
    let mut console = writing(directory.path(), &script);
    console.press(b"\x0f");
    console.wait_for("the editor is here");
    assert!(console.is_cooked() && !console.screen().alternate_screen());
    assert!(!console.screen().bracketed_paste());
    let handed = std::fs::read_to_string(&seen).unwrap();
    assert!(handed.starts_with("title: Checkout fails\n"), "{handed}");
    // `q` would quit, `esc` would close the form: they are the editor's.
    console.press(b"quite another title\r");
    console.wait_for("Declare an incident");
    console.wait_for("quite another title");
    assert!(console.screen().alternate_screen() && !console.is_cooked());
    console.press(b"\x1b");
    console.wait_for("draft kept");
    console.press(b"\x03");
    console.wait_exit();
    console.assert_restored();
}

#[test]
fn one_that_fails_says_why_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut console = writing(directory.path(), "echo lost > \"$1\"; exit 3");
    console.press(b"\x0f");
    console.wait_for("ended with status 3");
    console.wait_for("Checkout fails");
    console.signal(Signal::TERM);
    console.wait_exit();
    console.assert_restored();
}

#[test]
fn an_interrupt_pressed_for_the_editor_does_not_end_the_console() {
    let directory = tempfile::tempdir().unwrap();
    let script = "trap 'echo title: interrupted > \"$1\"; exit 0' INT; echo the editor listens; while read -r line; do :; done";
    let mut console = writing(directory.path(), script);
    console.press(b"\x0f");
    console.wait_for("the editor listens");
    console.press(b"\x03");
    // Some shells look at the trap only after the next line.
    console.press(b"\r");
    console.wait_for("title     interrupted");
    console.signal(Signal::TERM);
    console.wait_exit();
    console.assert_restored();
}

#[test]
fn told_to_end_while_the_editor_has_the_terminal_it_ends_and_leaves_no_text_behind() {
    let directory = tempfile::tempdir().unwrap();
    let named = directory.path().join("named");
    let script = format!(
        "echo \"$1\" > {}; echo the editor listens; read -r line",
        named.display()
    );
    let mut console = writing(directory.path(), &script);
    console.press(b"\x0f");
    console.wait_for("the editor listens");
    let text = PathBuf::from(std::fs::read_to_string(&named).unwrap().trim());
    assert!(text.exists());
    console.signal(Signal::TERM);
    console.wait_exit();
    assert!(console.is_cooked());
    assert!(!text.exists(), "{}", text.display());
}
