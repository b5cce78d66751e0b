//! A million lines in hand: taken in, kept, searched, looked at; held in memory and left in their file.

use std::io::{BufWriter, Read as _, Write as _};
use std::sync::Arc;
use std::time::Instant;

use midwatch::app::Msg;
use midwatch::app::focus::PaneId;
use midwatch::app::logs::{LogView, LogsAsk};
use midwatch::domain::log::{Batch, Level, Nanos, Place, Stream};
use midwatch::logstore::{Budget, Limits, Query, Search, Snapshot, Store};

use midwatch::{theme, view};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::figure::{self, Held, Samples, millis};
use crate::fixtures;

const LINES: usize = 1_000_000;

/// What a source reads or receives at once.
const BATCH: usize = 256 * 1024;

/// The argument that measures [`file`] alone.
pub const FILE: &str = "logs-file";

const LIMITS: Limits = Limits {
    lines: 2 * LINES,
    bytes: 1 << 30,
};

const LEVELS: [&str; 10] = [
    "info", "info", "info", "info", "info", "info", "debug", "debug", "warn", "error",
];
const SERVICES: [&str; 8] = [
    "checkout", "payments", "cart", "search", "ads", "shipping", "email", "frontend",
];
const MESSAGES: [&str; 6] = [
    "request served from upstream",
    "cache miss, asking the origin",
    "connection pool is nearly exhausted",
    "retrying after a timeout of the peer",
    "order placed and confirmed by mail",
    "slow query, see the plan of it",
];

/// Numbers that look random and are the same on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn pick<'a>(of: &[&'a str], number: u64) -> &'a str {
    of[number as usize % of.len()]
}

#[derive(Clone, Copy)]
enum Shape {
    Json,
    Logfmt,
}

fn line(shape: Shape, number: usize, numbers: &mut Numbers, into: &mut Vec<u8>) {
    let second = number / 300;
    let time = format!(
        "2026-11-21T{:02}:{:02}:{:02}.{:03}Z",
        second / 3_600 % 24,
        second / 60 % 60,
        second % 60,
        number % 1_000
    );
    let (level, service) = (pick(&LEVELS, numbers.next()), pick(&SERVICES, numbers.next()));
    let (high, low) = (numbers.next(), numbers.next());
    let status = [200, 200, 200, 201, 404, 503][(numbers.next() % 6) as usize];
    let took = numbers.next() % 900;
    let message = pick(&MESSAGES, numbers.next());
    let rare = if number == 765_432 {
        " needle-in-haystack"
    } else {
        ""
    };
    let written = match shape {
        Shape::Json => write!(
            into,
            r#"{{"ts":"{time}","level":"{level}","service":"{service}","trace_id":"{high:016x}{low:016x}","status":{status},"duration_ms":{took},"path":"/api/v1/items/{}","msg":"{message}{rare}"}}"#,
            low % 100_000
        ),
        Shape::Logfmt => write!(
            into,
            r#"ts={time} level={level} service={service} trace_id={high:016x}{low:016x} status={status} duration={took}ms path=/api/v1/items/{} msg="{message}{rare}""#,
            low % 100_000
        ),
    };
    written.expect("memory is written to");
}

/// A million lines as a source would hand them over: its text tells everything.
fn batches(shape: Shape) -> Vec<Batch> {
    let mut numbers = Numbers(7);
    let streams = vec![Arc::new(Stream::default())];
    let mut all = Vec::new();
    let mut batch = Batch::default();
    let mut text = Vec::new();
    for number in 0..LINES {
        text.clear();
        line(shape, number, &mut numbers, &mut text);
        batch.push(None, 0, Level::Unknown, &text, b"");
        batch.bytes.push(b'\n');
        if batch.bytes.len() >= BATCH || number + 1 == LINES {
            batch.streams.clone_from(&streams);
            all.push(std::mem::take(&mut batch));
        }
    }
    all
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(f64::NAN);
    kib / 1_024.0
}

fn ingested(all: &[Batch]) -> Store {
    let mut store = Store::new(LIMITS);
    for batch in all {
        store.ingest(batch);
    }
    store
}

fn ingest(what: &str, shape: Shape, bound: f64) {
    let all = batches(shape);
    let bytes: usize = all.iter().map(|batch| batch.bytes.len()).sum();
    let rates = Samples::of_runs(0, 3, || (), |()| ingested(&all));
    figure::held(
        &format!("logs: {what}, 1M of {} B, one core", bytes / LINES),
        "ms",
        &rates,
        (Held::Median, bound),
    );
}

/// Lines whose source tells their time, a stack trace of nine after each hundredth: taken in line by line, kept as
/// entries.
fn joined() {
    let mut numbers = Numbers(5);
    let mut text = Vec::new();
    let mut all = vec![Batch::default()];
    for number in 0..LINES {
        text.clear();
        match number % 110 {
            behind @ 100.. => {
                write!(text, "\tat shop.cart.Step{behind}.run(Step.java:{behind})").expect("memory");
            }
            _ => line(Shape::Logfmt, number, &mut numbers, &mut text),
        }
        let batch = all.last_mut().expect("one");
        batch.push(Some(Nanos(number as i64 * 1_000)), 0, Level::Unknown, &text, b"");
        if batch.bytes.len() >= BATCH {
            all.push(Batch::default());
        }
    }
    for batch in &mut all {
        batch.streams = vec![Arc::new(Stream::default())];
    }
    let taken = Samples::of_runs(0, 3, || (), |()| ingested(&all));
    figure::told(
        "logs: logfmt and stack traces joined, 1M lines, one core",
        "ms",
        &taken,
    );
}

fn memory() -> Store {
    let all = batches(Shape::Json);
    let raw: usize = all.iter().map(|batch| batch.bytes.len()).sum();
    let before = resident();
    let store = ingested(&all);
    let ratio = (resident() - before) * 1_048_576.0 / raw as f64;
    figure::held(
        "logs: resident for 1M JSON lines from a stream",
        "x raw",
        &Samples::new(vec![ratio]),
        (Held::Median, 1.3),
    );
    figure::told(
        "logs: what the store counts of it",
        "x raw",
        &Samples::new(vec![store.counts().bytes as f64 / raw as f64]),
    );
    store
}

fn whole(snapshot: &Snapshot, query: &str) -> usize {
    let mut search = Search::new(snapshot.clone(), Query::parse(query).expect("a query"), None);
    while !search.step(Budget::default()).is_done() {}
    search.found().len()
}

fn searched(snapshot: &Snapshot, place: &str, (what, query, bound): (&str, &str, Option<f64>)) {
    let runs = Samples::of_runs(1, 5, || (), |()| whole(snapshot, query));
    let what = format!("logs: {place}{what}, {} found", whole(snapshot, query));
    match bound {
        Some(bound) => figure::held(&what, "ms", &runs, (Held::Median, bound)),
        None => figure::told(&what, "ms", &runs),
    }
}

fn search(store: &Store) {
    let snapshot = store.snapshot();
    for case in [
        ("substring, rare", "needle-in-haystack", Some(100.0)),
        ("substring, exact case", "02Z", Some(100.0)),
        ("substring, frequent", "timeout", Some(100.0)),
        ("substring, on every line", "service", Some(100.0)),
        ("substring, three of four letters everywhere", "e", Some(100.0)),
        ("regex, with a literal", "/pool.*exha/", Some(400.0)),
        (
            "regex, without one",
            r"/\d{2}:\d{2}:5\d\.\d+7Z.*50[34]/",
            Some(400.0),
        ),
        ("excluded and level", "-timeout level>=warn", Some(100.0)),
        ("field by size", "status>=500", None),
        ("service and field", "service=pay* status=503", None),
    ] {
        searched(&snapshot, "", case);
    }
    let around = snapshot.id_at(LINES / 2);
    let first = Samples::of_runs(
        2,
        50,
        || {
            Search::new(
                snapshot.clone(),
                Query::parse("timeout").expect("a query"),
                around,
            )
        },
        |mut search| {
            search.step(Budget { bytes: 1 });
            search.found().nearest(around.expect("a line"))
        },
    );
    figure::held(
        "logs: first hits around the cursor",
        "ms",
        &first,
        (Held::P99, 16.0),
    );

    let mut numbers = Numbers(3);
    let page = Samples::of_runs(
        10,
        1_000,
        || numbers.next() as usize % (LINES - 60),
        |top| {
            (top..top + 60)
                .filter_map(|position| snapshot.entry_at(position))
                .map(|entry| entry.text.len())
                .sum::<usize>()
        },
    );
    figure::held("logs: 60 lines looked at anywhere", "ms", &page, (Held::P99, 0.2));
    frames(&snapshot);
    let (from, to) = (snapshot.entry_at(0), snapshot.entry_at(LINES - 1));
    let (from, to) = (from.expect("a line").at, to.expect("a line").at);
    let strip = Samples::of_runs(2, 50, || (), |()| snapshot.volume(from, Nanos(to.0 + 1), 120));
    figure::told("logs: histogram of all lines, 120 buckets", "ms", &strip);
    let mut search = Search::new(snapshot.clone(), Query::parse("service").expect("a query"), None);
    while !search.step(Budget::default()).is_done() {}
    let view = LogView {
        hits: Some(search.found()),
        snapshot: snapshot.clone(),
        ..LogView::default()
    };
    let marks = Samples::of_runs(2, 50, || (), |()| view.hit_density(60));
    figure::told("logs: marks of 1M hits on a scrollbar", "ms", &marks);
}

/// The whole screen with the log pane, at both ends and in the middle of a million lines, after each jump.
fn frames(snapshot: &Snapshot) {
    let mut model = fixtures::shop_with(fixtures::logs::with_logs(), fixtures::size(200, 60));
    fixtures::focus(&mut model, PaneId::Logs);
    let view = fixtures::logs::view(snapshot.clone(), LogsAsk::default());
    fixtures::tell(&mut model, Msg::LogsChanged(Arc::new(view)));
    let means = theme::Means {
        depth: theme::ColorDepth::TrueColor,
        glyphs: theme::Glyphs::Unicode,
    };
    let theme = theme::load("midwatch", None, means).expect("a theme");
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    let mut turn = 0;
    let drawn = Samples::of_runs(
        3,
        60,
        || (),
        |()| {
            turn += 1;
            let keys = ["g", "G", "pgup", "ctrl-u", "k"][turn % 5];
            fixtures::press(&mut model, keys);
            buffer.reset();
            view::draw(&model, &theme, fixtures::now(), &mut buffer);
        },
    );
    figure::held(
        "logs: a key and the 200x60 frame after it, anywhere",
        "ms",
        &drawn,
        (Held::P99, 2.0),
    );
}

/// Lines that come one batch after the other while a search goes on.
fn tail(mut store: Store) {
    let streams = vec![Arc::new(Stream::default())];
    let mut search = Search::new(store.snapshot(), Query::parse("timeout").expect("a query"), None);
    while !search.step(Budget::default()).is_done() {}
    let mut number = LINES;
    let mut numbers = Numbers(11);
    let turns = Samples::of_runs(
        0,
        500,
        || {
            let mut batch = Batch {
                streams: streams.clone(),
                ..Batch::default()
            };
            let mut text = Vec::new();
            for _ in 0..500 {
                text.clear();
                line(Shape::Json, number, &mut numbers, &mut text);
                number += 1;
                batch.push(None, 0, Level::Unknown, &text, b"");
            }
            batch
        },
        |batch| {
            store.ingest(&batch);
            search.extend(store.snapshot());
            while !search.step(Budget::default()).is_done() {}
            search.found().len()
        },
    );
    figure::held(
        "logs: 500 lines more, taken, shown and searched",
        "ms",
        &turns,
        (Held::P99, 10.0),
    );
}

/// What is left in its file. In a process of its own, because memory that others freed is taken again unseen.
pub fn file() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let path = home.path().join("million.log");
    let mut file = BufWriter::new(std::fs::File::create(&path).expect("a file"));
    let mut numbers = Numbers(7);
    let mut text = Vec::new();
    for number in 0..LINES {
        text.clear();
        line(Shape::Json, number, &mut numbers, &mut text);
        text.push(b'\n');
        file.write_all(&text).expect("written");
    }
    file.flush().expect("written");
    drop(file);
    let place = Place::of(std::fs::File::open(&path).expect("opens"));
    let start = Instant::now();
    let mut store = Store::new(LIMITS);
    let mut reader = std::fs::File::open(&path).expect("opens");
    let (mut at, mut had) = (0_u64, Vec::new());
    let mut block = vec![0; BATCH];
    let streams = vec![Arc::new(Stream::default())];
    loop {
        let read = reader.read(&mut block).expect("reads");
        if read == 0 {
            break;
        }
        had.extend_from_slice(&block[..read]);
        let whole = had
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let rest = had.split_off(whole);
        let mut batch = Batch {
            bytes: std::mem::replace(&mut had, rest),
            streams: streams.clone(),
            place: Some((Arc::clone(&place), at)),
            lines: Vec::new(),
        };
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', &batch.bytes) {
            batch.lines.push(midwatch::domain::log::Line {
                text: from..end,
                ..Default::default()
            });
            from = end + 1;
        }
        at += batch.bytes.len() as u64;
        store.ingest(&batch);
    }
    figure::told(
        "logs: a file of 1M JSON lines read and indexed",
        "ms",
        &Samples::new(vec![millis(start.elapsed())]),
    );
    let snapshot = store.snapshot();
    assert_eq!(snapshot.len(), LINES);
    searched(&snapshot, "left in the file, ", ("substring", "timeout", None));
    searched(&snapshot, "left in the file, ", ("regex", "/pool.*exha/", None));
    let mut numbers = Numbers(3);
    let page = Samples::of_runs(
        10,
        500,
        || numbers.next() as usize % (LINES - 60),
        |top| {
            let entries = (top..top + 60).filter_map(|position| snapshot.entry_at(position));
            entries.map(|entry| entry.text.len()).sum::<usize>()
        },
    );
    figure::held(
        "logs: 60 lines of the file looked at anywhere",
        "ms",
        &page,
        (Held::P99, 2.0),
    );
    figure::held(
        "logs: resident with the file, all of the process",
        "MiB",
        &Samples::new(vec![resident()]),
        (Held::Median, 100.0),
    );
}

pub fn measure() {
    // First, while nothing that was freed can be taken again.
    let store = memory();
    ingest("JSON taken in", Shape::Json, 1_000.0 / 0.7);
    ingest("logfmt taken in", Shape::Logfmt, 1_000.0);
    joined();
    search(&store);
    tail(store);
    let exe = std::env::current_exe().expect("a path");
    let child = std::process::Command::new(exe).arg(FILE).status();
    assert!(child.expect("runs").success());
}
