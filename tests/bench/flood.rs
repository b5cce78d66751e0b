//! Log lines that do not stop: 50,000 a second through a pipe, into a file and down the websocket of a Loki, and a Loki
//! whose tail is cut again and again. Keys are answered meanwhile, and no line is missing from the count at the end.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use midwatch::backend::http::{Client, Wires};
use midwatch::backend::logs::loki::Loki;
use midwatch::backend::logs::{Logs as _, Settings, TAIL_CAPACITY, TailEvent, TailMode};
use midwatch::config::{Auth, Endpoint, TlsConfig};
use midwatch::domain::log::{Nanos, Wanted};
use midwatch::time::Clock;
use tokio::sync::mpsc;

use crate::figure::{Held, Samples, held, millis, told};
use crate::pty::{Console, usage};

#[path = "../../src/backend/logs/loki/tests/server.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the source, which use the rest of it"
)]
mod server;

use server::{Script, Server};

/// Lines a second.
const RATE: usize = 50_000;
/// Written at once.
const SLICE: Duration = Duration::from_millis(10);
/// Lines of a frame of the websocket: a server sends what came together.
const FRAME: usize = 500;
/// Between two keys.
const PACE: Duration = Duration::from_millis(41);
/// Lines of the file that is opened.
const LINES: usize = 1_000_000;
/// Lines a second of the Loki that is cut.
const CUT_RATE: usize = 8_000;
/// How long its tails live.
const CUT: Duration = Duration::from_secs(3);

fn seconds() -> u64 {
    let given = std::env::var("MIDWATCH_BENCH_SECONDS");
    given.ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

pub fn measure() {
    opened();
    let home = tempfile::tempdir().unwrap();
    let pipe = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    flooded("a pipe", written(&pipe), || Console::start_on_pipe(&pipe));
    let path = home.path().join("app.log");
    File::create(&path).unwrap();
    flooded("a file", written(&path), || {
        Console::start(&["logs", path.to_str().unwrap()], None)
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let script = Script {
        frame: FRAME,
        ..Script::default()
    };
    let server = Arc::new(runtime.block_on(Server::start(script)));
    let config = format!(
        "[contexts.prod.logs]\nkind = \"loki\"\nurl = \"{}\"\n",
        server.url
    );
    flooded("a websocket", pushed(server), || {
        let mut console = Console::start(&[], Some(&config));
        console.when_shown("Logs").expect("the pane is there");
        console.press("3z");
        console
    });
}

/// Between two tries of a key.
const MOMENT: Duration = Duration::from_millis(10);

fn line(number: usize) -> String {
    let (second, milli) = (number / 1_000, number % 1_000);
    let level = ["info", "info", "warn", "error"][number % 4];
    format!(
        "{{\"ts\":\"2026-11-21T{:02}:{:02}:{:02}.{milli:03}Z\",\"level\":\"{level}\",\"service\":\"pay\",\"msg\":\"line {number} of the flood\"}}\n",
        second / 3_600 % 24,
        second / 60 % 60,
        second % 60
    )
}

/// A file of a million lines: both ends on the screen while it is read.
fn opened() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("app.log");
    let mut file = std::io::BufWriter::new(File::create(&path).unwrap());
    for number in 0..LINES {
        file.write_all(line(number).as_bytes()).unwrap();
    }
    file.flush().unwrap();
    let (mut ends, mut boths, mut begins) = (vec![], vec![], vec![]);
    let (mut wholes, mut resident) = (vec![], vec![]);
    let last = format!("line {} of", LINES - 1);
    for _ in 0..3 {
        let mut console = Console::start(&["logs", path.to_str().unwrap()], None);
        let end = console.when_shown(&last).expect("the end is shown");
        ends.push(millis(end - console.started));
        // the begin is there once a key leads to it: as long as it is not, the key leads to the first line in hand
        let mut pressed = console.press("gg");
        let mut begin = console.shown_within(MOMENT, "line 0 of");
        while begin.is_none() {
            pressed = console.press("gg");
            begin = console.shown_within(MOMENT, "line 0 of");
        }
        let begin = begin.expect("the begin is shown");
        boths.push(millis(begin - console.started));
        begins.push(millis(begin.saturating_duration_since(pressed)));
        let whole = console
            .when(|screen| counted(&screen.contents()) == LINES as u64)
            .expect("all is read");
        wholes.push(millis(whole - console.started));
        resident.push(usage(console.pid).unwrap().resident as f64 / 1_024.0);
        console.press("\u{3}");
        console.end();
    }
    held(
        "logs: process start to the end of a 1M-line file",
        "ms",
        &Samples::new(ends),
        (Held::Median, 90.0),
    );
    held(
        "logs: process start to its begin, by a key, too",
        "ms",
        &Samples::new(boths),
        (Held::Median, 90.0),
    );
    held(
        "logs: key to the begin of it, while it is read",
        "ms",
        &Samples::new(begins),
        (Held::Median, 90.0),
    );
    told("logs: all of it indexed and counted", "ms", &Samples::new(wholes));
    held(
        "logs: resident with it",
        "MiB",
        &Samples::new(resident),
        (Held::Median, 100.0),
    );
}

/// Lines in hand and lines let go, as the border tells them.
fn counted(screen: &str) -> u64 {
    let number = |words: &str| -> u64 {
        let before = screen
            .split(words)
            .next()
            .filter(|before| before.len() < screen.len());
        let digits = before.and_then(|before| before.rsplit([' ', '─']).next());
        digits.map_or(0, |digits| digits.replace(',', "").parse().unwrap_or(0))
    };
    number(" lines") + number(" let go")
}

/// Sends lines until the time is over; how many, and how long it took.
type Sending = std::thread::JoinHandle<(u64, Duration)>;

/// Hands slices of lines to `put`, at the rate.
fn sending(mut put: impl FnMut(std::ops::Range<usize>) + Send + 'static) -> Sending {
    let seconds = seconds();
    std::thread::spawn(move || {
        let begun = Instant::now();
        let (mut sent, slice) = (0, RATE * SLICE.as_millis() as usize / 1_000);
        while begun.elapsed() < Duration::from_secs(seconds) {
            put(sent..sent + slice);
            sent += slice;
            let due = Duration::from_secs_f64(sent as f64 / RATE as f64);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        (sent as u64, begun.elapsed())
    })
}

fn written(into: &Path) -> Sending {
    let (path, mut file, mut text) = (into.to_owned(), None, String::new());
    sending(move |numbers| {
        // a pipe opens when somebody reads it
        let open = || OpenOptions::new().append(true).open(&path).unwrap();
        text.clear();
        numbers.for_each(|number| text.push_str(&line(number)));
        file.get_or_insert_with(open).write_all(text.as_bytes()).unwrap();
    })
}

fn pushed(server: Arc<Server>) -> Sending {
    let clock = Clock::start();
    sending(move |numbers| {
        let at = Nanos::of(clock.now().utc).0;
        for number in numbers {
            // a moment each: lines of one moment are the pages' matter
            let at = at + (number % 10_000) as i64;
            server.push(
                at,
                ["cart", "pay"][number % 2],
                format!("line {number} of the flood"),
            );
        }
    })
}

fn flooded(what: &str, writing: Sending, start: impl FnOnce() -> Console) {
    let mut console = start();
    console.when_shown("of the flood").expect("lines are shown");
    let before = usage(console.pid).expect("it runs");
    let since = Instant::now();
    let mut answers = Vec::new();
    while !writing.is_finished() {
        // the view stands still, then follows again
        for (key, still) in [("k", true), ("G", false)] {
            let pressed = console.press(key);
            let shown = console.when(|screen| screen.contents().contains("still ·") == still);
            let shown = shown.expect("the key shows");
            answers.push(millis(shown.saturating_duration_since(pressed)));
            console.within(PACE + Duration::from_micros(answers.len() as u64 * 131 % 9_000));
        }
    }
    let after = usage(console.pid).expect("it runs");
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 100.0 / since.elapsed().as_secs_f64();
    let (sent, took) = writing.join().unwrap();
    // what a server could not push is read again, page by page: for as long as that brings more
    let mut count = counted(&console.screen.screen().contents());
    while count < sent
        && console
            .when(|screen| counted(&screen.contents()) > count)
            .is_some()
    {
        count = counted(&console.screen.screen().contents());
    }
    held(
        &format!(
            "logs: key to screen, {} lines/s from {what}",
            sent / took.as_secs().max(1)
        ),
        "ms",
        &Samples::new(answers),
        (Held::P99, 16.0),
    );
    let missing = sent.abs_diff(count);
    held(
        &format!("  of {sent} sent, not counted as shown or let go"),
        "lines",
        &Samples::new(vec![missing as f64]),
        (Held::Median, 0.0),
    );
    told("  of a core", "%", &Samples::new(vec![cpu]));
    told(
        "  resident",
        "MiB",
        &Samples::new(vec![after.resident as f64 / 1_024.0]),
    );
}

fn loki(url: &str, clock: Clock) -> Loki {
    let endpoint = Endpoint {
        name: "logs".into(),
        url: url.into(),
        auth: Auth::None,
        headers: Vec::new(),
        params: Vec::new(),
        tls: TlsConfig::default(),
        proxy: None,
        timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(2),
        max_concurrency: 4,
    };
    let client = Client::new(&endpoint, Wires::default().transport(&endpoint), clock);
    let settings = Settings {
        name: "logs".into(),
        service_label: None,
        service_labels: ["app".into()].into(),
        poll: Duration::from_secs(2),
    };
    Loki::new(settings, None, Arc::new(client), clock)
}

/// A Loki whose tail is cut every three seconds under load: what was told, once its gaps were read again.
pub fn cut() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let script = Script {
            cut: Some(CUT),
            ..Script::default()
        };
        let server = Server::start(script).await;
        let clock = Clock::start();
        let now = || Nanos::of(clock.now().utc).0;
        let loki = loki(&server.url, clock);
        let (events, mut heard) = mpsc::channel(TAIL_CAPACITY);
        let from = Nanos(now());
        let tail = tokio::spawn(async move { loki.tail(Wanted::default(), from, events).await });
        let mut times: HashMap<Vec<u8>, u32> = HashMap::new();
        let (mut gaps, mut filled, mut sent) = (0_usize, 0_usize, 0_usize);
        let mut connected = 0_usize;
        let begun = Instant::now();
        let span = Duration::from_secs(seconds());
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        let mut last = Instant::now();
        loop {
            tokio::select! {
                _ = tick.tick(), if begun.elapsed() < span => {
                    let due = (begun.elapsed().as_secs_f64() * CUT_RATE as f64) as usize;
                    while sent < due {
                        server.push(now(), ["cart", "pay"][sent % 2], format!("line {sent} under load"));
                        sent += 1;
                    }
                    last = Instant::now();
                }
                event = heard.recv() => match event.expect("the tail runs") {
                    TailEvent::Lines(batch) => {
                        for line in &batch.lines {
                            *times.entry(batch.text(line).to_vec()).or_default() += 1;
                        }
                        last = Instant::now();
                    }
                    TailEvent::Gap(_) => gaps += 1,
                    TailEvent::Filled(_) => filled += 1,
                    TailEvent::Mode(TailMode::Connecting) => connected += 1,
                    TailEvent::Mode(_) | TailEvent::Failed(_) => {}
                },
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
            let done = times.len() == sent && filled == gaps;
            if begun.elapsed() >= span && (done || last.elapsed() > Duration::from_secs(15)) {
                break;
            }
        }
        tail.abort();
        let doubled = times.values().filter(|times| **times > 1).count();
        println!(
            "logs: a Loki at {CUT_RATE} lines/s, {sent} sent, its tail cut {} times:",
            connected.saturating_sub(1)
        );
        let one = |value: usize| Samples::new(vec![value as f64]);
        held(
            "  missing once gaps were read again",
            "lines",
            &one(sent.abs_diff(times.len())),
            (Held::Median, 0.0),
        );
        held("  told twice", "lines", &one(doubled), (Held::Median, 0.0));
        held(
            "  gaps left",
            "gaps",
            &one(gaps.abs_diff(filled)),
            (Held::Median, 0.0),
        );
    });
}
