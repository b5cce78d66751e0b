//! Log lines of files and of standard input, looked at in the console without any configuration.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::harness::{MIDWATCH, Setup};

fn lines(count: usize) -> String {
    let line = |number: usize| {
        let (minute, second) = (number / 60 % 60, number % 60);
        format!("2026-11-21T08:{minute:02}:{second:02}Z INFO line {number}.\n")
    };
    (0..count).map(line).collect()
}

#[test]
fn a_file_opens_in_the_console_at_its_end_and_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    fs::write(&path, lines(20_000)).unwrap();
    let mut console = Setup::midwatch(&["logs", path.to_str().unwrap()]).start();
    console.wait_for("line 19999.");
    console.wait_for("20,000 lines");
    assert!(!console.text().contains("journal"), "{}", console.text());
    console.press(b"gg");
    console.wait_for("line 0.");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"2026-11-21T09:00:00Z ERROR one more\n").unwrap();
    console.wait_for("1 new");
    console.press(b"G");
    console.wait_for("one more");
    console.press(b"q");
    assert!(console.wait_exit().success(), "{}", console.text());
    console.assert_restored();
}

#[test]
fn what_is_piped_in_is_shown_to_its_end_and_keys_come_from_the_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    fs::write(&path, lines(5_000)).unwrap();
    let piped = format!("cat {} | {MIDWATCH} logs -", path.display());
    let mut console = Setup::program(Path::new("/bin/sh"), &["-c", &piped]).start();
    console.wait_for("line 4999.");
    console.wait_for("ended");
    console.wait_for("5,000 lines");
    console.press(b"&\"line 4299.\"\r");
    console.wait_for("1 shown · 4,999 filtered");
    assert!(console.text().contains("line 4299."), "{}", console.text());
    console.press(b"q");
    assert!(console.wait_exit().success(), "{}", console.text());
    console.assert_restored();
}

#[test]
fn lines_are_printed_where_a_flag_says_how() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    fs::write(&path, lines(3)).unwrap();
    let mut console = Setup::midwatch(&["logs", path.to_str().unwrap(), "--limit", "2"]).start();
    assert!(console.wait_exit().success(), "{}", console.text());
    assert!(
        console.text().contains("line 2.") && !console.text().contains("3 Logs"),
        "{}",
        console.text()
    );
}
