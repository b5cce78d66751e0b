//! The console at rest and under load, from the other end of the wire.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use midwatch::app::cost::{MOST_CPU, MOST_MEMORY, MOST_WAKES};

use crate::figure::{Held, Samples, held, millis, told};
use crate::pty::{Console, forget_touched, touched, usage};
use crate::{process, server};

/// Between two keys: a person's pace, and off the beat of the clock and the polls.
const PACE: Duration = Duration::from_millis(37);

pub fn measure() {
    at_rest();
    under_load();
}

fn at_rest() {
    let mut console = Console::start(&["demo", "--scenario", "calm"], None);
    console.when_shown("checkout").expect("the demo's SLOs arrive");
    console.within(Duration::from_secs(5));

    let pressed = press_keys(&mut console, ["j", "k"], 300);
    pressed.held(
        "key to changed screen at rest",
        &[(Held::Median, 1.0), (Held::P99, 3.3)],
    );
    held(
        "bytes of a cursor move, 120x40",
        "B",
        &pressed.sizes,
        (Held::Median, 185.0),
    );

    let mut follows = Vec::new();
    for index in 0..20 {
        console.answer(["j", "k"][index % 2]).expect("the key shows");
        console.within(Duration::from_millis(8));
        follows.push(console.within(Duration::from_millis(400)) as f64);
    }
    told(
        "  bytes of the preview that follows once it rests",
        "B",
        &Samples::new(follows),
    );

    let seconds: u64 = std::env::var("MIDWATCH_BENCH_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60);
    let is_forgotten = forget_touched(console.pid);
    let before = usage(console.pid).expect("it runs");
    let bytes = console.within(Duration::from_secs(seconds));
    let after = usage(console.pid).expect("it runs");
    let each = |value: f64| Samples::new(vec![value / seconds as f64]);
    let once = |value: f64| Samples::new(vec![value]);
    println!(
        "idle for {seconds} s on an unchanging world, {} threads:",
        after.threads
    );
    held("  written", "B/s", &each(bytes as f64), (Held::Median, 30.0));
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 100.0;
    held("  of a core", "%", &each(cpu), (Held::Median, MOST_CPU * 100.0));
    held(
        "  resident",
        "MiB",
        &once(after.resident as f64 / 1_024.0),
        (Held::Median, MOST_MEMORY as f64 / f64::from(1 << 20)),
    );
    if let Some(touched) = touched(console.pid).filter(|_| is_forgotten) {
        told(
            "  of that touched meanwhile",
            "MiB",
            &once(touched as f64 / 1_024.0),
        );
    }
    held(
        "  woken",
        "/s",
        &each((after.wakes - before.wakes) as f64),
        (Held::Median, MOST_WAKES),
    );

    let mut settled = Vec::new();
    for _ in 0..5 {
        for step in 0..60_u16 {
            console.resize(80 + step % 3 * 40, 24 + step % 5 * 8);
            console.within(Duration::from_millis(3));
        }
        console.resize(120, 40);
        let last = Instant::now();
        let (_, end) = console.until_quiet(Duration::from_millis(250));
        settled.push(millis(end.unwrap_or(last).saturating_duration_since(last)));
    }
    held(
        "a storm of 60 resizes, last one to the last byte",
        "ms",
        &Samples::new(settled),
        (Held::Median, 190.0),
    );

    let pressed = console.press("\u{3}");
    let ended = console.end().expect("it ends");
    held(
        "ctrl-c to the end of the process",
        "ms",
        &Samples::new(vec![millis(ended - pressed)]),
        (Held::Median, 50.0),
    );

    let mut ends = Vec::new();
    for _ in 0..10 {
        let mut console = Console::start(&[], Some(process::NOBODY));
        console.when_shown("midwatch").expect("it is painted");
        console.within(Duration::from_millis(300));
        let pressed = console.press("\u{3}");
        ends.push(millis(console.end().expect("it ends") - pressed));
    }
    held(
        "ctrl-c to the end of the process, backends down",
        "ms",
        &Samples::new(ends),
        (Held::Median, 50.0),
    );
}

fn under_load() {
    let crowded = server::start();
    let config = format!(
        "[[contexts.prod.alertmanagers]]\nname = \"eu-0\"\nurl = \"http://127.0.0.1:{}\"\npoll = \"1s\"\n",
        crowded.port
    );
    let mut console = Console::start(&[], Some(&config));
    console.when_shown("DiskWill").expect("the alerts arrive");
    told(
        "process start to 10,000 alerts on the screen",
        "ms",
        &Samples::new(vec![millis(console.started.elapsed())]),
    );
    console.within(Duration::from_secs(3));
    let asked = crowded.asked.load(Ordering::Relaxed);
    let before = usage(console.pid).expect("it runs");
    let start = Instant::now();
    let pressed = press_keys(&mut console, ["j", "k"], 400);
    let took = start.elapsed().as_secs_f64();
    let after = usage(console.pid).expect("it runs");
    let polls = crowded.asked.load(Ordering::Relaxed) - asked;
    pressed.held(
        "key to changed screen, 10,000 alerts re-polled every second",
        &[(Held::P99, 16.0)],
    );
    println!(
        "  {polls} polls in {took:.1} s meanwhile, {} MiB resident",
        after.resident / 1_024
    );
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 100.0 / took;
    told("  of a core, all of the above", "%", &Samples::new(vec![cpu]));
}

/// What keys cost that were pressed in turn.
pub struct Pressed {
    /// From each to the changed screen, ms.
    answers: Samples,
    /// The same of `cat` beside it, just before each.
    cat: Samples,
    /// Bytes for each.
    pub sizes: Samples,
    /// Processor time a key, ms: with all that goes on meanwhile.
    cpu: f64,
}

impl Pressed {
    /// Prints the time to the changed screen, and what is to be seen beside it: it is the machine's as much as the
    /// program's.
    pub fn held(&self, what: &str, bounds: &[(Held, f64)]) {
        for bound in bounds {
            held(what, "ms", &self.answers, *bound);
        }
        told("  the same of cat at the same moments", "ms", &self.cat);
        told("  processor time a key", "ms", &Samples::new(vec![self.cpu]));
    }
}

/// Presses keys in turn, at a person's pace.
pub fn press_keys(console: &mut Console, keys: [&str; 2], count: usize) -> Pressed {
    let mut beside = Console::start_cat();
    let (mut answers, mut cat, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    let before = usage(console.pid).expect("it runs");
    for index in 0..count {
        cat.push(millis(beside.echo("x").expect("cat answers")));
        let seen = console.answer(keys[index % 2]).expect("the key shows");
        answers.push(millis(seen));
        // a frame may come in several pieces
        let rest = console.within(Duration::from_millis(8));
        sizes.push((console.taken + rest) as f64);
        console.within(PACE + Duration::from_micros(index as u64 * 131 % 9_000));
    }
    let after = usage(console.pid).expect("it runs");
    Pressed {
        answers: Samples::new(answers),
        cat: Samples::new(cat),
        sizes: Samples::new(sizes),
        cpu: millis(after.cpu.saturating_sub(before.cpu)) / count as f64,
    }
}
