//! The console as lines, into a pipe.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::{Stage, command, run};

#[test]
fn events_go_into_a_pipe_as_lines_until_it_is_told_to_end() {
    let stage = Stage::open();
    let mut child = command(stage.home.path(), &["--plain"])
        .arg("--config")
        .arg(&stage.announcement.config)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut told = String::new();
    for kind in [" alerts: ", " SLOs: "] {
        while !told.contains(kind) {
            assert!(out.read_line(&mut told).expect("lines") > 0, "ended:\n{told}");
        }
    }
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).expect("it runs");
    out.read_to_string(&mut told).expect("the rest");
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{status}\n{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
    let dated = |line: &str| line.len() < 20 || line.as_bytes().get(10) == Some(&b'T');
    assert!(told.lines().all(dated), "{told}");
}

#[test]
fn the_console_itself_does_not_draw_into_a_pipe_and_names_what_does() {
    let stage = Stage::open();
    let ended = run(stage.home.path(), &stage.announcement.config, &[]);
    assert!(
        ended.status != 0 && ended.said.contains("--plain"),
        "{}",
        ended.said
    );
    let ended = run(stage.home.path(), &stage.announcement.config, &["--plain", "slo"]);
    ended.refused(2, "--plain is the console as lines");
}
