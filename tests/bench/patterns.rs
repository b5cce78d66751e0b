//! Lines learnt a second on one core, and a list of all patterns.

use midwatch::domain::log::{Level, Nanos};
use midwatch::domain::pattern::{Bounds, Patterns};

use crate::figure::{Held, Samples, held, told};

const LINES: usize = 100_000;
const SERVICES: [&str; 8] = [
    "checkout", "payment", "cart", "search", "catalog", "auth", "shipping", "ledger",
];
const START: i64 = 1_795_143_600_000_000_000;

pub fn measure() {
    for (what, line) in [
        (
            "100,000 JSON lines of 200 bytes learnt",
            json as fn(usize) -> String,
        ),
        ("100,000 logfmt lines of 200 bytes learnt", logfmt),
        ("100,000 plain lines of 140 bytes learnt", plain),
        ("100,000 lines learnt of which no two are alike", unlike),
    ] {
        let lines: Vec<String> = (0..LINES).map(line).collect();
        let samples = Samples::of_runs(
            1,
            7,
            || Patterns::new(Bounds::default()),
            |mut patterns| {
                learn(&mut patterns, &lines);
                patterns
            },
        );
        held(what, "ms", &samples, (Held::Median, 1_000.0));
    }
    let mut patterns = Patterns::new(Bounds::default());
    for line in [json, logfmt, plain, unlike] {
        learn(&mut patterns, &(0..LINES).map(line).collect::<Vec<_>>());
    }
    let now = Nanos(START + LINES as i64 * 1_000_000);
    let count = patterns.list(now).len();
    let samples = Samples::of_runs(2, 50, || (), |()| patterns.list(now));
    told(&format!("a list of {count} patterns"), "ms", &samples);
}

fn learn(patterns: &mut Patterns, lines: &[String]) {
    for (n, line) in lines.iter().enumerate() {
        let level = if n % 16 == 0 { Level::Error } else { Level::Info };
        let at = Nanos(START + n as i64 * 1_000_000);
        patterns.learn(
            at,
            level,
            Some(SERVICES[n % SERVICES.len()]),
            line.as_bytes(),
            b"",
        );
    }
}

/// What happened, in one of forty ways.
fn message(n: usize) -> String {
    const WHAT: [&str; 10] = [
        "request served",
        "pool exhausted, waiting for a connection",
        "retrying the call to upstream",
        "cache refreshed from the primary",
        "order written to the ledger",
        "session opened for the customer",
        "stock reserved at the warehouse",
        "message taken from the queue",
        "health check answered",
        "index segment merged",
    ];
    let k = n * 7 % 41;
    match k % 4 {
        0 => format!("{} in {}ms", WHAT[k % 10], n % 900),
        1 => format!(
            "{} after {} attempts to 10.0.{}.{}",
            WHAT[k % 10],
            n % 9,
            n % 200,
            n % 250
        ),
        2 => format!("{} for /api/v1/carts/{n} ({} of {})", WHAT[k % 10], n % 50, 50),
        _ => format!("{} as {:08x}-1b2c-4d5e-8f90-0123456789ab", WHAT[k % 10], n),
    }
}

fn json(n: usize) -> String {
    format!(
        r#"{{"ts":"2026-11-20T03:14:{:02}.{:03}Z","level":"info","service":"{}","msg":"{}","trace_id":"{:032x}","pod":"checkout-6d5f9c7b8-x7k2p"}}"#,
        n % 60,
        n % 1_000,
        SERVICES[n % 8],
        message(n),
        n as u128 * 0x9e37_79b9_7f4a_7c15
    )
}

fn logfmt(n: usize) -> String {
    format!(
        r#"ts=2026-11-20T03:14:{:02}.{:03}Z level=info service={} caller=handler.go:{} msg="{}" trace_id={:032x} status={}"#,
        n % 60,
        n % 1_000,
        SERVICES[n % 8],
        n % 40,
        message(n),
        n as u128 * 0x9e37_79b9_7f4a_7c15,
        200 + n % 4
    )
}

fn plain(n: usize) -> String {
    format!(
        "2026-11-20 03:14:{:02},{:03} INFO [worker-{}] com.example.shop.{}.Handler - {}",
        n % 60,
        n % 1_000,
        n % 16,
        SERVICES[n % 8],
        message(n)
    )
}

/// Words of a flood that nothing can make patterns of.
fn unlike(n: usize) -> String {
    let mut seed = n as u64;
    let words: Vec<String> = (0..4 + n % 20)
        .map(|_| {
            seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ 0x9e37;
            (0..6)
                .map(|i| char::from(b'a' + (seed >> (5 * i) & 15) as u8))
                .collect()
        })
        .collect();
    words.join(" ")
}
