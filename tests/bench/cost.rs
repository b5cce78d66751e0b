//! What a link is sent: lines and pages of a log, a production that lives, 5,000 lines a second. The bounds are what the
//! best of the comparable programs need for the same.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use midwatch::app::cost::MOST_BYTES;

use crate::figure::{Held, Samples, held};
use crate::pty::{Console, usage};
use crate::terminal::press_keys;

/// How long a live screen is watched.
const WATCHED: Duration = Duration::from_secs(30);
/// Lines a second of the tail.
const RATE: usize = 5_000;
/// Written at once.
const SLICE: Duration = Duration::from_millis(20);

pub fn measure() {
    scrolled();
    alive();
    tailed();
}

fn line(number: usize) -> String {
    let (second, milli) = (number / 1_000, number % 1_000);
    let level = ["INFO", "INFO", "WARN", "ERROR"][number * 7 % 4];
    let path = ["/cart", "/checkout", "/search?q=lamp", "/pay/confirm"][number * 11 % 4];
    format!(
        "2026-11-21T{:02}:{:02}:{:02}.{milli:03}Z {level} request {number} POST {path} took {} ms on node-{}\n",
        second / 3_600 % 24,
        second / 60 % 60,
        second % 60,
        number * 37 % 900,
        number % 12
    )
}

/// A log on the whole screen, line by line and page by page.
fn scrolled() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("app.log");
    let mut file = std::io::BufWriter::new(File::create(&path).unwrap());
    for number in 0..20_000 {
        file.write_all(line(number).as_bytes()).unwrap();
    }
    file.flush().unwrap();
    let mut console = Console::start(&["logs", path.to_str().unwrap()], None);
    console.when_shown("request 19999").expect("the end is shown");
    console.until_quiet(Duration::from_millis(500));
    // from the last row to the first: from then on each key moves the lines
    for _ in 0..60 {
        console.press("k");
        console.within(Duration::from_millis(20));
    }
    let pressed = press_keys(&mut console, ["k", "k"], 200);
    held(
        "bytes of a one-line scroll of a log, 120x40",
        "B",
        &pressed.sizes,
        (Held::Median, 270.0),
    );
    let pressed = press_keys(&mut console, ["\u{1b}[5~", "\u{1b}[5~"], 50);
    held(
        "bytes of a page of a log, 120x40",
        "B",
        &pressed.sizes,
        (Held::Median, 5_000.0),
    );
}

/// The demo's incident, polled every second or so, nobody at the keys.
fn alive() {
    let mut console = Console::start(&["demo"], None);
    console.when_shown("checkout").expect("the demo's SLOs arrive");
    console.within(Duration::from_secs(10));
    let before = usage(console.pid).expect("it runs");
    let bytes = console.within(WATCHED);
    let after = usage(console.pid).expect("it runs");
    let each = |value: f64| Samples::new(vec![value / WATCHED.as_secs_f64()]);
    println!("a production with an incident, for {} s:", WATCHED.as_secs());
    held(
        "  written",
        "B/s",
        &each(bytes as f64),
        (Held::Median, MOST_BYTES),
    );
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 100.0;
    crate::figure::told("  of a core", "%", &each(cpu));
}

/// Appends lines at a steady rate until told to stop.
fn append(path: &Path, stop: &AtomicBool) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    let (start, mut number) = (Instant::now(), 0);
    while !stop.load(Ordering::Relaxed) {
        let due = (start.elapsed().as_secs_f64() * RATE as f64) as usize;
        let text: String = (number..due).map(line).collect();
        file.write_all(text.as_bytes()).unwrap();
        number = due;
        std::thread::sleep(SLICE);
    }
}

fn tailed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("app.log");
    File::create(&path).unwrap();
    let mut console = Console::start(&["logs", path.to_str().unwrap()], None);
    console.when_shown("app.log").expect("it is opened");
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (path, stop) = (path.clone(), Arc::clone(&stop));
        move || append(&path, &stop)
    });
    console.within(Duration::from_secs(3));
    let before = usage(console.pid).expect("it runs");
    let bytes = console.within(WATCHED);
    let after = usage(console.pid).expect("it runs");
    // Not esc: on its own it is waited for, in case a sequence follows.
    let pressed = press_keys(&mut console, ["k", "j"], 100);
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    let each = |value: f64| Samples::new(vec![value / WATCHED.as_secs_f64()]);
    println!("a tail of {RATE} lines a second, for {} s:", WATCHED.as_secs());
    held("  written", "B/s", &each(bytes as f64), (Held::Median, 3_300.0));
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 100.0;
    held("  of a core", "%", &each(cpu), (Held::Median, 5.0));
    pressed.held("  key to changed screen", &[(Held::P99, 8.0)]);
}
