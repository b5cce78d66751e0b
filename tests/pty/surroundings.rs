//! Homes, configurations and directories as they are found in the field.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::Setup;

/// A configuration whose backends refuse at once.
const DOWN: &str = include_str!("../nobody.toml");

fn configured(directory: &Path, text: &str) -> Setup {
    let path = directory.join("config.toml");
    fs::write(&path, text).unwrap();
    Setup::midwatch(&["--config", path.to_str().unwrap()])
}

/// It starts, takes a key that is remembered (a layout), and ends well.
fn works(setup: Setup) {
    let mut console = setup.start();
    console.wait_for("Alerts");
    console.press(b"z");
    console.wait_without("Alerts");
    console.press(b"q");
    assert!(console.wait_exit().success(), "{}", console.text());
    console.assert_restored();
}

#[test]
fn without_a_home_it_starts_and_remembers_nothing() {
    let directory = tempfile::tempdir().unwrap();
    works(configured(directory.path(), DOWN).homeless());
}

#[test]
fn a_state_directory_that_cannot_be_written_costs_only_the_memory() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, Permissions::from_mode(0o500)).unwrap();
    let text = format!("state_dir = {:?}\n{DOWN}", state.display());
    works(configured(directory.path(), &text));
    // Not a directory at all: that stops even whoever may write everywhere.
    let text = format!("state_dir = \"/dev/null/midwatch\"\n{DOWN}");
    works(configured(directory.path(), &text));
}

#[test]
fn two_copies_run_side_by_side() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "state_dir = {:?}\n{DOWN}",
        directory.path().join("state").display()
    );
    let setup = configured(directory.path(), &text);
    let mut first = setup.clone().start();
    let mut second = setup.start();
    // Both before either: a layout that the one leaves is the other's when it starts later.
    for console in [&mut first, &mut second] {
        console.wait_for("Alerts");
    }
    for console in [&mut first, &mut second] {
        console.press(b"z");
        console.wait_without("Alerts");
    }
    for console in [&mut second, &mut first] {
        console.press(b"q");
        assert!(console.wait_exit().success());
        console.assert_restored();
    }
}

#[test]
fn without_a_configuration_it_says_so_and_offers_the_demo_and_init() {
    let mut console = Setup::midwatch(&[]).start();
    let status = console.wait_exit();
    assert_eq!(status.exit_code(), 3, "{}", console.text());
    for offer in ["midwatch demo", "midwatch init"] {
        assert!(console.text().contains(offer), "no {offer}:\n{}", console.text());
    }
    assert!(!console.sent(b"\x1b[?1049h"), "the screen was never taken");
    console.assert_restored();
}

#[test]
fn every_mistake_of_a_configuration_is_said_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let text = r#"
red_only = true
ack_lease = "soon"

[contexts.prod.metrics]
kind = "prometheus"
url = "127.0.0.1"
pol = "15s"
"#;
    let mut console = configured(directory.path(), text).start();
    let status = console.wait_exit();
    assert_eq!(status.exit_code(), 3, "{}", console.text());
    for word in ["red_only", "read_only", "ack_lease", "url", "pol"] {
        assert!(
            console.text().contains(word),
            "no word of {word}:\n{}",
            console.text()
        );
    }
    assert!(!console.sent(b"\x1b[?1049h"), "the screen was never taken");
    console.assert_restored();
}
