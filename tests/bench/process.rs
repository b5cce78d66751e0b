//! From process start: the version, the first paint, the first answers of the demo.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::figure::{Held, Samples, held, millis, told};
use crate::pty::Console;

/// A console whose backends are all shut.
pub const NOBODY: &str = include_str!("../nobody.toml");

pub fn measure() {
    let run = |program: &str| {
        let start = Instant::now();
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).status().unwrap();
        millis(start.elapsed())
    };
    let (mut versions, mut nothings) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        nothings.push(run("true"));
        versions.push(run(env!("CARGO_BIN_EXE_midwatch")));
    }
    held(
        "midwatch --version, start to end",
        "ms",
        &Samples::new(versions),
        (Held::Median, 5.0),
    );
    told(
        "  the same of true at the same moments",
        "ms",
        &Samples::new(nothings),
    );

    let (mut paints, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..25 {
        let mut console = Console::start(&[], Some(NOBODY));
        let painted = console.when_shown("midwatch").expect("the top bar is painted");
        paints.push(millis(painted - console.started));
        let first = console.taken;
        sizes.push((first + console.until_quiet(Duration::from_millis(30)).0) as f64);
        console.press("\u{3}");
        console.end();
    }
    let paints = Samples::new(paints[2..].to_vec());
    held(
        "first paint from process start, 120x40",
        "ms",
        &paints,
        (Held::Median, 28.0),
    );
    held(
        "bytes of the first screen, 120x40",
        "B",
        &Samples::new(sizes),
        (Held::Median, 8_000.0),
    );

    let mut arrivals = Vec::new();
    let mut demo_paints = Vec::new();
    for _ in 0..5 {
        let mut console = Console::start(&["demo", "--scenario", "calm"], None);
        let painted = console.when_shown("midwatch").expect("the top bar is painted");
        demo_paints.push(millis(painted - console.started));
        let filled = console.when_shown("checkout").expect("the demo's SLOs arrive");
        arrivals.push(millis(filled - console.started));
        console.until_quiet(Duration::from_millis(100));
        console.press("\u{3}");
        console.end();
    }
    told(
        "demo: first paint from process start",
        "ms",
        &Samples::new(demo_paints),
    );
    told(
        "demo: first SLOs on the screen from process start",
        "ms",
        &Samples::new(arrivals),
    );
}
