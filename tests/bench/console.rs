//! The figures the console promises, measured on this machine and printed; nothing here fails on a slow day.
//!
//! `cargo bench` measures all of them, `cargo bench -- desk terminal` only those parts. A machine under load is
//! noisy: its load average stands above the figures, what was stolen from it below each part, and beside the times of
//! keys and of starts those of `cat` and `true` at the same moments. `MIDWATCH_BENCH_SECONDS` (default 60) is how long the idle
//! console is watched and how long lines flood it. `pure` measures what needs no process, `story` a timeline of 10,000 events, `desk` parsing
//! and arranging of 10,000 alerts, `journal` the way of an act to the disk, `patterns` the finding of log patterns,
//! `logs` a million lines in hand, `logs-flood` 50,000 lines a second, `logs-cut` a Loki that is cut again and again,
//! `traces` a hundred thousand spans, `loading` the keys while so many are on their way, `process` and `terminal` the
//! built binary on a pseudo-terminal, `cost` what a link is sent while lines, pages and a live production go by,
//! `outage` the same while no backend answers. Start at [`PARTS`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_possible_wrap,
    missing_docs,
    reason = "a bench reads the clock, prints, and ends where it cannot measure"
)]

mod cost;
mod crowd;
mod desk;
mod figure;
#[path = "../suite/fixtures.rs"]
mod fixtures;
mod flood;
mod journal;
mod loading;
mod logs;
mod outage;
mod patterns;
mod process;
mod pty;
mod pure;
mod server;
mod story;
mod terminal;
mod traces;
mod waterfall;

/// What can be measured by name.
const PARTS: [(&str, fn()); 15] = [
    ("pure", pure::measure),
    ("story", story::measure),
    ("desk", desk::measure),
    ("journal", journal::measure),
    ("patterns", patterns::measure),
    ("logs", logs::measure),
    ("logs-flood", flood::measure),
    ("logs-cut", flood::cut),
    ("traces", traces::measure),
    ("waterfall", waterfall::measure),
    ("loading", loading::measure),
    ("process", process::measure),
    ("terminal", terminal::measure),
    ("cost", cost::measure),
    ("outage", outage::measure),
];

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    if asked == [logs::FILE] {
        return logs::file();
    }
    println!("{}", figure::machine());
    println!("{}", figure::heading());
    for (name, measure) in PARTS {
        if asked.is_empty() || asked.iter().any(|part| part == name) {
            let before = figure::CoreTime::so_far();
            measure();
            if let Some(said) = before.and_then(figure::CoreTime::stolen_since) {
                println!("{name}: {said}");
            }
        }
    }
}
