//! Whatever batches its lines come in, an entry is the same.

use std::sync::Arc;

use proptest::prelude::*;

use crate::domain::log::{Batch, Gap, GapReason, Level, Nanos, Stream};
use crate::logstore::{Limits, Query, Snapshot, Store};

const MILLI: i64 = 1_000_000;

fn batch(lines: &[(i64, u32, &str)]) -> Batch {
    let graded: Vec<_> = lines
        .iter()
        .map(|(at, stream, text)| (*at, *stream, Level::Unknown, *text))
        .collect();
    graded_batch(&graded)
}

/// The same, where the source says how grave a line is.
fn graded_batch(lines: &[(i64, u32, Level, &str)]) -> Batch {
    let stream = |pod: &str| {
        Arc::new(Stream {
            labels: vec![("pod".into(), pod.into())],
            ..Stream::default()
        })
    };
    let mut batch = Batch {
        streams: vec![stream("a"), stream("b")],
        ..Batch::default()
    };
    for (at, stream, level, text) in lines {
        batch.push(Some(Nanos(*at)), *stream, *level, text.as_bytes(), b"");
    }
    batch
}

fn texts(snapshot: &Snapshot) -> Vec<String> {
    let entries = (0..snapshot.len()).map(|position| snapshot.entry_at(position).unwrap());
    entries
        .map(|entry| String::from_utf8_lossy(&entry.text).into_owned())
        .collect()
}

/// Entries in order, each with how grave it is.
fn graded(snapshot: &Snapshot) -> Vec<(Level, String)> {
    let levels = (0..snapshot.len()).map(|position| snapshot.entry_at(position).unwrap().level);
    levels.zip(texts(snapshot)).collect()
}

/// One stream, a millisecond apart.
fn story<'a>(lines: &[&'a str]) -> Vec<(i64, u32, &'a str)> {
    (1..)
        .zip(lines)
        .map(|(at, line)| (at * MILLI, 0, *line))
        .collect()
}

const TRACE: [&str; 5] = [
    "ERROR charge failed",
    "java.lang.X: y",
    "\tat a.B.c(B.java:1)",
    "Caused by: java.io.Z",
    "\tat d.E",
];

#[test]
fn a_trace_whose_lines_come_one_by_one_is_one_entry_with_the_line_before_it() {
    let mut store = Store::new(Limits::default());
    for line in story(&[&["INFO before"], &TRACE[..], &["INFO after"]].concat()) {
        store.ingest(&batch(&[line]));
    }
    let snapshot = store.snapshot();
    assert_eq!(texts(&snapshot), ["INFO before", &TRACE.join("\n"), "INFO after"]);
    let counts = snapshot.counts();
    assert_eq!((counts.taken, counts.levels[Level::Error as usize]), (3, 1));
    let entry = snapshot.entry_at(1).unwrap();
    let times: Vec<i64> = entry.parts().iter().map(|part| part.at.0 / MILLI).collect();
    assert_eq!((entry.level, times), (Level::Error, vec![2, 3, 4, 5, 6]));
}

#[test]
fn a_level_filter_and_a_search_in_any_line_of_it_show_the_whole_entry() {
    let mut store = Store::new(Limits::default());
    store.ingest(&batch(&story(&[&TRACE[..], &["INFO after"]].concat())));
    let panic = [
        "panic: boom",
        "",
        "goroutine 1 [running]:",
        "main.main()",
        "\t/a.go:1",
    ];
    for line in story(&panic) {
        store.ingest(&batch(&[(line.0 + 100 * MILLI, 1, line.2)]));
    }
    let snapshot = store.snapshot();
    for (query, found) in [
        ("level>=error", vec![TRACE.join("\n"), panic.join("\n")]),
        ("java.io.Z", vec![TRACE.join("\n")]),
        ("level>=error goroutine", vec![panic.join("\n")]),
    ] {
        let query = Query::parse(query).unwrap();
        let entries = (0..snapshot.len()).map(|position| snapshot.entry_at(position).unwrap());
        let shown = entries.filter(|entry| query.is_match(entry));
        let shown: Vec<String> = shown
            .map(|entry| String::from_utf8_lossy(&entry.text).into_owned())
            .collect();
        assert_eq!(shown, found);
    }
}

#[test]
fn streams_stay_apart_and_so_do_lines_far_apart_or_with_a_gap_between() {
    let mut store = Store::new(Limits::default());
    store.ingest(&batch(&[
        (1, 0, "ERROR a"),
        (2, 1, "INFO b"),
        (3, 0, "\tat a"),
        (4, 1, "\tat b"),
    ]));
    assert_eq!(texts(&store.snapshot()), ["ERROR a\n\tat a", "INFO b\n\tat b"]);
    store.ingest(&batch(&[(5_000 * MILLI, 0, "\tat far")]));
    assert_eq!(store.snapshot().len(), 3, "seconds later");
    store.gap(Gap {
        from: Nanos(5_001 * MILLI),
        to: Nanos(5_002 * MILLI),
        reason: GapReason::Disconnected,
    });
    store.ingest(&batch(&[(5_003 * MILLI, 0, "\tat behind a gap")]));
    assert_eq!(store.snapshot().len(), 4);
}

#[test]
fn what_stood_alone_behind_a_line_that_found_its_head_is_joined_too() {
    let panic = [
        "panic: z",
        "\tat a",
        "main.f()",
        "",
        "goroutine 1 [running]:",
        "main.g()",
    ];
    let lines = story(&panic);
    for cut in 1..lines.len() {
        let (older, newer) = lines.split_at(cut);
        let (mut tailed, mut paged) = (Store::new(Limits::default()), Store::new(Limits::default()));
        tailed.ingest(&batch(older));
        tailed.ingest(&batch(newer));
        paged.ingest(&batch(newer));
        paged.ingest_older(&batch(older));
        for store in [tailed, paged] {
            assert_eq!(texts(&store.snapshot()), [panic.join("\n")], "cut at {cut}");
        }
    }
}

#[test]
fn how_grave_an_entry_is_does_not_depend_on_how_its_lines_came() {
    let at = |text, level| (level, text);
    for (lines, level) in [
        // what the source says of a line that belongs to it goes before what the words say
        (
            [
                at("charge failed", Level::Unknown),
                at("java.io.Z: refused", Level::Unknown),
                at("\tat a.B.c(B.java:1)", Level::Warn),
            ],
            Level::Warn,
        ),
        (
            [
                at("INFO charge", Level::Info),
                at("java.io.Z: refused", Level::Fatal),
                at("\tat a.B.c(B.java:1)", Level::Unknown),
            ],
            Level::Info,
        ),
        (
            [
                at("charge failed", Level::Unknown),
                at("java.io.Z: refused", Level::Unknown),
                at("\tat a.B.c(B.java:1)", Level::Unknown),
            ],
            Level::Error,
        ),
    ] {
        let lines: Vec<_> = (1..)
            .zip(lines)
            .map(|(number, (level, text))| (number * MILLI, 0, level, text))
            .collect();
        let mut whole = Store::new(Limits::default());
        whole.ingest(&graded_batch(&lines));
        let mut tailed = Store::new(Limits::default());
        let mut paged = Store::new(Limits::default());
        for line in &lines {
            tailed.ingest(&graded_batch(&[*line]));
        }
        for line in lines.iter().rev() {
            paged.ingest_older(&graded_batch(&[*line]));
        }
        for store in [whole, tailed, paged] {
            let told = graded(&store.snapshot());
            assert!(
                matches!(told.as_slice(), [(told, _)] if *told == level),
                "{told:?}"
            );
        }
    }
}

#[test]
fn an_entry_is_bounded_in_lines() {
    let mut store = Store::new(Limits::default());
    let lines: Vec<(i64, u32, &str)> = (0..2_500).map(|at| (at, 0, "\tat x")).collect();
    store.ingest(&batch(&lines));
    store.ingest(&batch(&[(2_500, 0, "\tat x")]));
    let snapshot = store.snapshot();
    let counts: Vec<usize> = (0..snapshot.len())
        .map(|position| snapshot.entry_at(position).unwrap().parts().len())
        .collect();
    assert_eq!(counts, [1_000, 1_000, 501]);
}

proptest! {
    #[test]
    fn entries_do_not_depend_on_where_batches_and_pages_are_cut(
        lines in proptest::collection::vec(
            (0_u32..2, prop_oneof![
                Just("INFO x"), Just("2026-11-21T08:10:03Z y"), Just("java.lang.X: y"), Just("\tat a"),
                Just("Caused by: b"), Just("Traceback (most recent call last):"), Just("  File \"a\""),
                Just("ValueError: no"), Just(""), Just("panic: z"), Just("goroutine 1 [running]:"),
                Just("main.f()"), Just("During handling of the above exception, another"),
            ]),
            1..30,
        ),
        said in proptest::collection::vec(
            prop_oneof![4 => Just(Level::Unknown), 1 => Just(Level::Info), 1 => Just(Level::Error)],
            30,
        ),
        cuts in proptest::collection::vec(1_usize..6, 1..8),
    ) {
        let all: Vec<(i64, u32, Level, &str)> = (1..)
            .zip(lines.iter().zip(said))
            .map(|(at, ((stream, text), level))| (at * MILLI, *stream, level, *text))
            .collect();
        let mut pieces = Vec::new();
        let (mut rest, mut turn) = (&all[..], 0);
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(cuts[turn % cuts.len()].min(rest.len()));
            pieces.push(graded_batch(piece));
            (rest, turn) = (left, turn + 1);
        }
        let mut whole = Store::new(Limits::default());
        whole.ingest(&graded_batch(&all));
        let (mut tailed, mut paged) = (Store::new(Limits::default()), Store::new(Limits::default()));
        for piece in &pieces {
            tailed.ingest(piece);
        }
        for piece in pieces.iter().rev() {
            paged.ingest_older(piece);
        }
        for other in [&tailed, &paged] {
            prop_assert_eq!(graded(&other.snapshot()), graded(&whole.snapshot()));
            prop_assert_eq!(other.counts().taken, whole.counts().taken);
            prop_assert_eq!(other.counts().levels, whole.counts().levels);
        }
        let lines: usize = (0..whole.snapshot().len())
            .map(|position| whole.snapshot().entry_at(position).unwrap().parts().len())
            .sum();
        prop_assert_eq!(lines, all.len(), "every line is part of one entry");
    }
}
