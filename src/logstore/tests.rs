//! The store against a plain list of lines that is sorted, cut and searched the simple way.

use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::log::{Batch, Gap, GapReason, Level, Nanos, Place, Stream, Wanted};

const ROOMY: Limits = Limits {
    lines: 100_000,
    bytes: 64 << 20,
};

fn stream(service: &str) -> Arc<Stream> {
    Arc::new(Stream {
        labels: vec![("pod".into(), format!("{service}-1").into())],
        service: Some(service.into()),
        native_id: None,
    })
}

fn batch(lines: &[(i64, &str)]) -> Batch {
    let mut batch = Batch {
        streams: vec![stream("pay")],
        ..Batch::default()
    };
    for (at, text) in lines {
        batch.push(Some(Nanos(*at)), 0, Level::Unknown, text.as_bytes(), b"");
    }
    batch
}

fn texts(snapshot: &Snapshot) -> Vec<String> {
    let entries = (0..snapshot.len()).map(|position| snapshot.entry_at(position).unwrap());
    entries
        .map(|entry| String::from_utf8_lossy(&entry.text).into_owned())
        .collect()
}

fn found(snapshot: &Snapshot, query: &str) -> Vec<String> {
    let mut search = Search::new(snapshot.clone(), Query::parse(query).unwrap(), None);
    while !search.step(Budget { bytes: 1 }).is_done() {}
    let found = search.found();
    let entries = (0..found.len()).map(|n| snapshot.entry(found.id_at(n).unwrap()).unwrap());
    entries
        .map(|entry| String::from_utf8_lossy(&entry.text).into_owned())
        .collect()
}

#[test]
fn late_lines_find_their_place_and_lines_of_one_moment_stay_as_they_came() {
    let mut store = Store::new(ROOMY);
    store.ingest(&batch(&[(10, "a"), (30, "d"), (30, "e")]));
    store.ingest(&batch(&[(30, "f"), (20, "b"), (25, "c")]));
    store.ingest(&batch(&[(i64::MAX, "future")]));
    store.ingest(&batch(&[(40, "g")]));
    assert_eq!(
        texts(&store.snapshot()),
        ["a", "b", "c", "d", "e", "f", "g", "future"]
    );
}

#[test]
fn lines_know_what_their_text_tells() {
    let mut store = Store::new(ROOMY);
    let mut lines = Batch {
        streams: vec![Arc::default()],
        ..Batch::default()
    };
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let json = format!(
        r#"{{"ts":"2026-11-21T08:10:03Z","level":"error","service":"shop","trace_id":"{trace}","span_id":"b7ad6b7169203331"}}"#
    );
    lines.push(None, 0, Level::Unknown, json.as_bytes(), b"");
    lines.push(None, 0, Level::Unknown, b"  at x.y(z)", b"");
    let extra = format!(r#"{{"detected_level":"warn","trace_id":"{trace}","service_name":"cart"}}"#);
    lines.push(
        Some(Nanos(i64::MAX)),
        0,
        Level::Unknown,
        b"error: slow",
        extra.as_bytes(),
    );
    store.ingest(&lines);
    let snapshot = store.snapshot();
    let [json, inherited, beside] = [0, 1, 2].map(|position| snapshot.entry_at(position).unwrap());

    assert_eq!(
        (json.at, json.told),
        (Nanos(1_795_248_603_000_000_000), Told::Text)
    );
    assert_eq!((json.level, json.service), (Level::Error, Some("shop")));
    assert_eq!(json.trace.unwrap().to_string(), trace);
    assert_eq!(json.span().as_deref(), Some("b7ad6b7169203331"));
    assert_eq!((inherited.at, inherited.told), (json.at, Told::Nobody));
    assert_eq!(
        (beside.level, beside.service, beside.told),
        (Level::Warn, Some("cart"), Told::Source)
    );
    assert_eq!(beside.trace.unwrap().to_string(), trace);
}

#[test]
fn a_stream_without_times_of_its_own_keeps_its_order_and_one_wild_time_does_not_spoil_the_rest() {
    let mut store = Store::new(ROOMY);
    let mut lines = Batch {
        streams: vec![Arc::default()],
        ..Batch::default()
    };
    for text in [
        "2026-11-21T08:10:03Z one",
        "2026-11-21T08:10:01Z two",
        "2046-11-21T08:10:03Z wild",
        "2026-11-21T08:10:04Z three",
    ] {
        lines.push(None, 0, Level::Unknown, text.as_bytes(), b"");
    }
    store.ingest(&lines);
    let snapshot = store.snapshot();
    let read: Vec<String> = texts(&snapshot)
        .iter()
        .map(|text| text.split_once(' ').unwrap().1.to_owned())
        .collect();
    assert_eq!(read, ["one", "two", "wild", "three"]);
    let two = snapshot.entry_at(1).unwrap();
    assert_eq!(two.at.utc().to_rfc3339(), "2026-11-21T08:10:01+00:00");
    assert_eq!(snapshot.seek(Nanos(1_795_248_604_000_000_000)), 3);
}

#[test]
fn what_does_not_fit_goes_from_the_front_and_is_counted() {
    let limits = Limits {
        lines: 64,
        bytes: 1 << 20,
    };
    let mut store = Store::new(limits);
    for at in 0..1_000 {
        store.ingest(&batch(&[(at, "line")]));
    }
    let snapshot = store.snapshot();
    let counts = store.counts();
    assert_eq!(counts.taken, counts.evicted + snapshot.len() as u64);
    assert!((56..=64).contains(&snapshot.len()), "{}", snapshot.len());
    assert_eq!(snapshot.entry_at(snapshot.len() - 1).unwrap().at, Nanos(999));
    assert_eq!(snapshot.counts(), counts);
}

#[test]
fn older_pages_are_taken_as_far_as_there_is_room() {
    let limits = Limits {
        lines: 5,
        bytes: 1 << 20,
    };
    let mut store = Store::new(limits);
    store.ingest(&batch(&[(50, "e"), (60, "f")]));
    let kept = store.snapshot().id_at(0).unwrap();
    assert_eq!(store.ingest_older(&batch(&[(50, "d")])), Room::Left);
    assert_eq!(
        store.ingest_older(&batch(&[(10, "a"), (20, "b"), (30, "c")])),
        Room::Full
    );
    let snapshot = store.snapshot();
    assert_eq!(texts(&snapshot), ["b", "c", "d", "e", "f"]);
    assert_eq!(snapshot.position(kept), Some(3));
    assert_eq!((store.counts().refused, store.counts().evicted), (1, 0));
}

#[test]
fn older_pages_of_a_file_stand_before_what_is_in_hand_whatever_their_times() {
    let mut store = Store::new(ROOMY);
    let page = |texts: &[&str]| {
        let mut page = Batch {
            streams: vec![Arc::default()],
            ..Batch::default()
        };
        for text in texts {
            page.push(None, 0, Level::Unknown, text.as_bytes(), b"");
        }
        page
    };
    store.ingest(&page(&["2026-11-21T08:10:05Z c", "2026-11-21T08:10:06Z d"]));
    store.ingest_older(&page(&["  at a", "2026-11-21T08:10:09Z b"]));
    let snapshot = store.snapshot();
    let read: Vec<char> = texts(&snapshot)
        .iter()
        .filter_map(|text| text.chars().last())
        .collect();
    assert_eq!(read, ['a', 'b', 'c', 'd']);
    assert_eq!(snapshot.entry_at(1).unwrap().at, Nanos(1_795_248_609_000_000_000));
    let first = snapshot.entry_at(0).unwrap();
    assert_eq!(
        (first.told, first.time()),
        (Told::Order, None),
        "no line before it tells one"
    );
}

#[test]
fn gaps_stand_by_time_until_they_are_filled_or_gone() {
    let mut store = Store::new(Limits {
        lines: 16,
        bytes: 1 << 20,
    });
    let gap = |from, to| Gap {
        from: Nanos(from),
        to: Nanos(to),
        reason: GapReason::Disconnected,
    };
    store.gap(gap(30, 40));
    store.gap(gap(10, 20));
    assert_eq!(store.snapshot().gaps(), [gap(10, 20), gap(30, 40)]);
    store.filled(&gap(30, 40));
    assert_eq!(store.snapshot().gaps(), [gap(10, 20)]);
    for at in 0..100 {
        store.ingest(&batch(&[(at, "x")]));
    }
    assert_eq!(store.snapshot().gaps(), []);
}

#[test]
fn lines_that_are_strange_or_huge_are_kept_as_they_came() {
    let mut store = Store::new(ROOMY);
    let long = vec![b'x'; 3 << 20];
    let mut lines = Batch::default();
    for (at, text) in (0..).zip([&b"\0\0\0"[..], b"\xff\xfe\n\xff", b"", b"\n", &long]) {
        lines.push(Some(Nanos(at)), 7, Level::Info, text, b"not json");
    }
    lines.lines[2].text = 5..usize::MAX;
    store.ingest(&lines);
    let snapshot = store.snapshot();
    let read: Vec<Vec<u8>> = (0..5)
        .map(|position| snapshot.entry_at(position).unwrap().text.to_vec())
        .collect();
    assert_eq!(read, [&b"\0\0\0"[..], b"\xff\xfe\n\xff", b"", b"\n", &long]);
    assert_eq!(store.counts().malformed, 1);
    assert_eq!(found(&snapshot, "xx").len(), 1);
}

#[test]
fn a_snapshot_stays_as_it_was_taken() {
    let mut store = Store::new(Limits {
        lines: 16,
        bytes: 1 << 20,
    });
    store.ingest(&batch(&[(1, "a"), (2, "b")]));
    let before = store.snapshot();
    for at in 0..100 {
        store.ingest(&batch(&[(at, "x")]));
    }
    assert_eq!(texts(&before), ["a", "b"]);
    assert!(before.revision() < store.snapshot().revision());
}

#[test]
fn queries_find_what_they_say() {
    let mut store = Store::new(ROOMY);
    let mut lines = Batch {
        streams: vec![stream("pay"), stream("shop")],
        ..Batch::default()
    };
    let texts = [
        (
            0,
            Level::Error,
            r#"{"msg":"pool exhausted","status":503,"took":"1.2s"}"#,
        ),
        (0, Level::Info, r#"{"msg":"pool fine","status":200,"took":"3ms"}"#),
        (1, Level::Warn, "status=499 msg=\"Pool retry\""),
        (1, Level::Unknown, "a\nb multi-line pool"),
    ];
    for (at, (stream, level, text)) in (0..).zip(&texts) {
        lines.push(
            Some(Nanos(at)),
            *stream,
            *level,
            text.as_bytes(),
            br#"{"zone":"eu"}"#,
        );
    }
    store.ingest(&lines);
    let snapshot = store.snapshot();
    for (query, expected) in [
        ("", &[0, 1, 2, 3][..]),
        ("pool", &[0, 1, 2, 3]),
        ("Pool", &[2]),
        ("pool -retry", &[0, 1, 3]),
        ("status>=499", &[0, 2]),
        ("-status>=499", &[1, 3]),
        ("status!=200", &[0, 2, 3]),
        ("took>10ms", &[0]),
        ("service=pay", &[0, 1]),
        ("service=s*", &[2, 3]),
        ("pod=shop-1", &[2, 3]),
        ("zone=eu level>=warn", &[0, 2]),
        ("level=unknown", &[3]),
        (r"/\bf\w+e\b/", &[1]),
        ("/^b/", &[3]),
        ("/a$/", &[3]),
        (r"/\Ab/", &[]),
        (r"/\}\s*\{/", &[]),
        ("\"\"", &[0, 1, 2, 3]),
        ("-/pool/", &[]),
    ] {
        let expected: Vec<&str> = expected.iter().map(|at| texts[*at].2).collect();
        assert_eq!(found(&snapshot, query), expected, "{query}");
    }
}

#[test]
fn what_is_found_can_be_ranked_counted_and_drawn() {
    let mut store = Store::new(ROOMY);
    let lines: Vec<(i64, &str)> = (0..100)
        .map(|at| (at * 10, if at % 10 == 3 { "hit" } else { "miss" }))
        .collect();
    store.ingest(&batch(&lines));
    let snapshot = store.snapshot();
    let mut search = Search::new(snapshot.clone(), Query::parse("hit").unwrap(), snapshot.id_at(50));
    assert!(search.step(Budget::default()).is_done());
    let found = search.found();
    let id = |position| snapshot.id_at(position).unwrap();

    assert_eq!((found.len(), found.id_at(2)), (10, Some(id(23))));
    assert_eq!((found.rank(id(23)), found.contains(id(23))), (2, true));
    assert_eq!((found.rank(id(24)), found.contains(id(24))), (3, false));
    assert_eq!(found.nearest(id(29)), Some(id(33)));
    assert_eq!(found.nearest(id(28)), Some(id(33)));
    assert_eq!(found.nearest(id(27)), Some(id(23)));
}

#[test]
fn volumes_count_each_line_once_by_level() {
    let mut store = Store::new(ROOMY);
    store.ingest(&batch(&[
        (0, "ERROR x"),
        (5, "INFO x"),
        (9, "ERROR y"),
        (10, "z"),
        (25, "INFO late"),
    ]));
    let volume = store.snapshot().volume(Nanos(0), Nanos(20), 2);
    assert_eq!(volume.step, 10);
    assert_eq!(volume.buckets[0][Level::Error as usize], 2);
    assert_eq!(volume.buckets[0][Level::Info as usize], 1);
    assert_eq!(volume.buckets[1], [1, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn lines_of_a_file_stay_in_it_and_read_the_same() {
    let mut file = tempfile::tempfile().unwrap();
    let mut store = Store::new(ROOMY);
    let mut held = Store::new(ROOMY);
    let place = Place::of(file.try_clone().unwrap());
    let source = vec![Arc::<Stream>::default()];
    let (mut at, mut number) = (0, 0);
    for _ in 0..40 {
        let mut lines = Batch {
            streams: source.clone(),
            place: Some((Arc::clone(&place), at)),
            ..Batch::default()
        };
        for _ in 0..50 {
            let text = format!(
                "2026-11-21T08:10:{:02}Z line {number} of pool{}",
                number / 40,
                number % 7
            );
            lines.push(None, 0, Level::Unknown, text.as_bytes(), b"");
            lines.bytes.extend_from_slice(b"\r\n");
            number += 1;
        }
        file.write_all(&lines.bytes).unwrap();
        at += lines.bytes.len() as u64;
        store.ingest(&lines);
        held.ingest(&Batch { place: None, ..lines });
    }
    let (snapshot, other) = (store.snapshot(), held.snapshot());
    assert_eq!(texts(&snapshot), texts(&other));
    for query in [
        "pool3",
        "/pool[12]$/ -\"line 1\"",
        "-pool3 level=unknown",
        "/pool0\\s+2026/",
    ] {
        assert_eq!(found(&snapshot, query), found(&other, query), "{query}");
    }
    assert!(!found(&snapshot, "/pool[12]$/").is_empty());
    assert!(store.counts().bytes * 2 < held.counts().bytes);
    file.set_len(1_000).unwrap();
    assert_eq!(snapshot.len(), 2_000);
    let _ = (texts(&snapshot), found(&snapshot, "pool3"));
}

#[test]
fn lines_of_files_among_each_other_stand_by_time_and_read_the_same() {
    let mut store = Store::new(ROOMY);
    let mut held = Store::new(ROOMY);
    let mut files: Vec<(std::fs::File, Arc<Place>, u64)> = (0..2)
        .map(|_| tempfile::tempfile().unwrap())
        .map(|file| (file.try_clone().unwrap(), Place::of(file), 0))
        .collect();
    for turn in 0..30 {
        let (file, place, at) = &mut files[turn % 2];
        let mut lines = Batch {
            streams: vec![stream(["pay", "shop"][turn % 2])],
            place: Some((Arc::clone(place), *at)),
            ..Batch::default()
        };
        for line in 0..7 {
            // Every third turn goes back in time, into the lines of both.
            let at = (turn * 5 + line * 3 - if turn % 3 == 0 { turn * 2 } else { 0 }) % 1_000;
            // Lines of one moment stand by file.
            let at = Some(Nanos(i64::try_from(at * 100 + turn).unwrap()));
            lines.push(
                at,
                0,
                Level::Unknown,
                format!("turn {turn} line {line}").as_bytes(),
                b"{}",
            );
            lines.bytes.push(b'\n');
        }
        file.write_all(&lines.bytes).unwrap();
        *at += lines.bytes.len() as u64;
        store.ingest(&lines);
        held.ingest(&Batch { place: None, ..lines });
    }
    let (snapshot, other) = (store.snapshot(), held.snapshot());
    assert_eq!(texts(&snapshot), texts(&other));
    for query in ["\"line 3\"", "service=pay /[05]$/"] {
        assert_eq!(found(&snapshot, query), found(&other, query), "{query}");
    }
}

#[test]
fn lines_that_come_one_by_one_gather_in_few_chunks() {
    let mut store = Store::new(ROOMY);
    for at in 0..3_000 {
        store.ingest(&batch(&[(at, "a line of some length, as they come")]));
    }
    let snapshot = store.snapshot();
    assert_eq!(snapshot.len(), 3_000);
    assert!(snapshot.0.chunks.len() < 60, "{}", snapshot.0.chunks.len());
}

/// A line as the simple way has it.
#[derive(Debug, Clone)]
struct Plain {
    at: i64,
    text: String,
}

fn any_batches() -> impl Strategy<Value = Vec<Vec<(i64, String)>>> {
    let line = (0_i64..60, "([ab]{1,6}( x=[0-9]{1,2})?)?");
    proptest::collection::vec(proptest::collection::vec(line, 0..24), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_store_is_a_sorted_list_that_is_cut_in_front(
        batches in any_batches(),
        most in prop_oneof![Just(100_000_usize), 20_usize..80],
        query in prop_oneof![
            Just("a"), Just("ab -b"), Just("/a.*b/"), Just("/[^x]$/"), Just("x>=40"), Just("-x<40 b"), Just("/(?m)^a/"),
            Just("/b\\s*a?/"),
        ],
    ) {
        let mut store = Store::new(Limits { lines: most, bytes: 64 << 20 });
        let mut plain: Vec<Plain> = Vec::new();
        let parsed = Query::parse(query).unwrap();
        let mut running = Search::new(store.snapshot(), parsed.clone(), None);
        let mut ids: Vec<LineId> = Vec::new();
        for lines in &batches {
            let lines: Vec<(i64, &str)> = lines.iter().map(|(at, text)| (*at, text.as_str())).collect();
            store.ingest(&batch(&lines));
            plain.extend(lines.iter().map(|(at, text)| Plain { at: *at, text: (*text).to_owned() }));
            plain.sort_by_key(|line| line.at);
            let snapshot = store.snapshot();
            let counts = store.counts();
            prop_assert_eq!(counts.taken, counts.evicted + snapshot.len() as u64);
            prop_assert!(snapshot.len() <= most.max(24));
            let held: usize = snapshot.0.chunks.iter().map(|chunk| chunk.bytes()).sum();
            prop_assert_eq!(counts.bytes, held as u64);
            let gone = plain.len() - snapshot.len();
            plain.drain(..gone);
            let expected: Vec<&str> = plain.iter().map(|line| line.text.as_str()).collect();
            prop_assert_eq!(texts(&snapshot), expected);

            // Ids stay what they were.
            for id in &ids {
                if let Some(position) = snapshot.position(*id) {
                    prop_assert_eq!(snapshot.id_at(position), Some(*id));
                }
            }
            let now: Vec<LineId> = (0..snapshot.len()).map(|position| snapshot.id_at(position).unwrap()).collect();
            prop_assert!(now.is_sorted_by(|a, b| a < b));
            let kept = ids.iter().filter(|id| now.binary_search(id).is_ok()).count();
            prop_assert!(kept + usize::try_from(counts.evicted).unwrap() >= ids.len());
            ids = now;

            for moment in [0, 17, 59, 100] {
                let expected = plain.partition_point(|line| line.at < moment);
                prop_assert_eq!(snapshot.seek(Nanos(moment)), expected);
            }
            let volume = snapshot.volume(Nanos(0), Nanos(60), 7);
            prop_assert_eq!(volume.buckets.iter().flatten().sum::<u64>(), snapshot.len() as u64);

            // A search that goes on finds what one from scratch and one line by line do.
            running.extend(snapshot.clone());
            while !running.step(Budget { bytes: 1 }).is_done() {}
            let going_on = running.found();
            let by_line: Vec<LineId> = (0..snapshot.len())
                .filter_map(|position| snapshot.entry_at(position))
                .filter(|entry| parsed.is_match(entry))
                .map(|entry| entry.id)
                .collect();
            let going_on: Vec<LineId> = (0..going_on.len()).filter_map(|n| going_on.id_at(n)).collect();
            prop_assert_eq!(&going_on, &by_line, "{}", query);
            prop_assert_eq!(found(&snapshot, query).len(), by_line.len());
            prop_assert_eq!(running.progress().found, by_line.len());
        }
    }

    #[test]
    fn no_bytes_are_too_strange_for_the_store(
        lines in proptest::collection::vec((any::<Option<i64>>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..20),
        query in r#"[-/"a-c=<>~.*+?\[(] ?[a-c.\\s/"]{0,6}"#,
    ) {
        let mut store = Store::new(Limits { lines: 10, bytes: 2_000 });
        let mut strange = Batch { streams: vec![Arc::default()], ..Batch::default() };
        for (at, text) in &lines {
            strange.push(at.map(Nanos), 0, Level::Unknown, text, text);
        }
        store.ingest(&strange);
        store.ingest_older(&strange);
        let snapshot = store.snapshot();
        for position in 0..snapshot.len() {
            let _ = snapshot.entry_at(position).unwrap().fields();
        }
        let _ = snapshot.volume(Nanos(i64::MIN), Nanos(i64::MAX), 10);
        if let Ok(parsed) = Query::parse(&query) {
            let by_line = (0..snapshot.len())
                .filter(|position| parsed.is_match(&snapshot.entry_at(*position).unwrap()))
                .count();
            prop_assert_eq!(found(&snapshot, &query).len(), by_line, "{}", query);
        }
    }
}

/// A file, and its lines from one to another as a batch that leaves them there.
fn filed(lines: &[String]) -> impl Fn(Range<usize>) -> Batch {
    let mut file = tempfile::tempfile().unwrap();
    let text: String = lines.concat();
    file.write_all(text.as_bytes()).unwrap();
    let place = Place::of(file);
    let (lines, streams) = (lines.to_vec(), vec![Arc::default()]);
    move |range| {
        let at: usize = lines[..range.start].iter().map(String::len).sum();
        let mut batch = Batch {
            streams: streams.clone(),
            place: Some((Arc::clone(&place), at as u64)),
            ..Batch::default()
        };
        for line in &lines[range] {
            batch.push(None, 0, Level::Unknown, line.trim_end().as_bytes(), b"");
            batch.bytes.push(b'\n');
        }
        batch
    }
}

#[test]
fn a_file_stands_in_its_order_whichever_part_of_it_was_read_first() {
    let untimed: Vec<String> = (0..90).map(|number| format!("line {number}\n")).collect();
    let equal: Vec<String> = (0..90)
        .map(|number| format!("2026-11-21T08:10:03Z line {number}\n"))
        .collect();
    for lines in [untimed, equal] {
        let part = filed(&lines);
        let mut store = Store::new(ROOMY);
        for range in [60..90, 0..10, 10..40, 40..60] {
            store.ingest(&part(range));
        }
        let mut after = Batch {
            streams: vec![Arc::default()],
            ..Batch::default()
        };
        after.push(None, 0, Level::Unknown, b"after", b"");
        store.ingest(&after);
        let expected: Vec<&str> = lines
            .iter()
            .map(|line| line.trim_end())
            .chain(["after"])
            .collect();
        assert_eq!(texts(&store.snapshot()), expected);
        assert_eq!(store.counts().taken, 91);
    }
}

#[test]
fn lines_of_streams_that_tell_no_time_stand_where_they_arrived_and_have_none() {
    let untimed = |texts: &[&str]| {
        let mut batch = Batch {
            streams: vec![stream("plain")],
            ..Batch::default()
        };
        for text in texts {
            batch.push(None, 0, Level::Unknown, text.as_bytes(), b"");
        }
        batch
    };
    let mut store = Store::new(ROOMY);
    store.ingest(&untimed(&["first", "second"]));
    assert_eq!((store.oldest(), store.snapshot().len()), (None, 2));
    store.ingest(&batch(&[(10, "ten"), (20, "twenty")]));
    store.ingest(&untimed(&["after twenty"]));
    store.ingest(&batch(&[(30, "thirty")]));
    let snapshot = store.snapshot();
    assert_eq!(
        texts(&snapshot),
        ["first", "second", "ten", "twenty", "after twenty", "thirty"]
    );
    let times: Vec<Option<i64>> = (0..snapshot.len())
        .map(|position| snapshot.entry_at(position).unwrap().time().map(|at| at.0))
        .collect();
    assert_eq!(times, [None, None, Some(10), Some(20), None, Some(30)]);
    assert_eq!(store.oldest(), Some(Nanos(10)), "no line is of 1970");
    let mut banner = Batch {
        streams: vec![stream("late")],
        ..Batch::default()
    };
    for text in ["banner", "1970-01-01T00:00:00.000000015Z up"] {
        banner.push(None, 0, Level::Unknown, text.as_bytes(), b"");
    }
    store.ingest(&banner);
    assert_eq!(
        texts(&store.snapshot())[3..5],
        [
            "banner".to_owned(),
            "1970-01-01T00:00:00.000000015Z up".to_owned()
        ],
        "before the first line of its stream that tells one"
    );
}

#[test]
fn a_search_on_two_threads_finds_what_one_line_after_the_other_has() {
    let mut store = Store::new(Limits {
        lines: 2_000,
        bytes: 1 << 20,
    });
    for number in 0..1_500_i64 {
        let text = format!("took {}ms status={} id={number}", number % 97, 200 + number % 301);
        store.ingest(&batch(&[(number, &text)]));
    }
    let snapshot = store.snapshot();
    for text in [r"/took \d7ms/", "status>=450", r"-/\d{3}ms|1$/ status!=333"] {
        let query = Query::parse(text).unwrap();
        let mut search = Search::new(snapshot.clone(), query.clone(), snapshot.id_at(700));
        while !search.step(Budget::default()).is_done() {}
        let found = search.found();
        let expected: Vec<LineId> = (0..snapshot.len())
            .filter_map(|position| snapshot.entry_at(position))
            .filter(|entry| query.is_match(entry))
            .map(|entry| entry.id)
            .collect();
        let ids: Vec<LineId> = (0..found.len()).filter_map(|n| found.id_at(n)).collect();
        assert_eq!(ids, expected, "{text}");
        assert!(!ids.is_empty(), "{text}");
    }
}

#[test]
fn a_query_knows_which_fields_it_asks_for_and_whether_it_leaves_out_what_tells_no_level() {
    for (text, fields, leaves_out) in [
        ("pool status>=500 -path=/x", vec!["status", "path"], false),
        ("level>=warn", vec![], true),
        ("-level<error a", vec![], true),
        ("level=unknown", vec![], false),
        ("-level>=error", vec![], false),
    ] {
        let query = Query::parse(text).unwrap();
        assert_eq!(query.fields(), fields, "{text}");
        assert_eq!(query.leaves_out_unlevelled(), leaves_out, "{text}");
    }
}

#[test]
fn what_a_query_finds_is_counted_by_time_and_level() {
    let mut store = Store::new(ROOMY);
    let mut lines = Batch::default();
    for (at, level, text) in [
        (10, Level::Error, "x"),
        (11, Level::Info, "y"),
        (14, Level::Info, "x"),
        (20, Level::Warn, "x"),
    ] {
        lines.push(Some(Nanos(at)), 0, level, text.as_bytes(), b"");
    }
    store.ingest(&lines);
    let mut search = Search::new(store.snapshot(), Query::parse("x").unwrap(), None);
    while !search.step(Budget::default()).is_done() {}
    let volume = search.found().volume((Nanos(10), Nanos(20)), 2);
    let count = |bucket: usize, level: Level| volume.buckets[bucket][level as usize];
    assert_eq!(
        (volume.from, volume.step, volume.buckets.len()),
        (Some(Nanos(10)), 6, 2)
    );
    assert_eq!(
        (
            count(0, Level::Error),
            count(0, Level::Info),
            count(1, Level::Warn)
        ),
        (1, 1, 1)
    );
    assert_eq!(volume.buckets.iter().flatten().sum::<u64>(), 3);
}

#[test]
fn lines_that_tell_another_environment_are_left_out_and_those_that_tell_none_stay() {
    let of = |cluster: &str| {
        let mut stream = Stream::clone(&stream("pay"));
        stream.labels.push(("k8s_cluster_name".into(), cluster.into()));
        Arc::new(stream)
    };
    let mut lines = Batch {
        streams: vec![of("eu"), of("us"), stream("pay")],
        ..Batch::default()
    };
    for (at, stream, text) in [
        (1, 0, "here"),
        (2, 1, "elsewhere"),
        (3, 2, "perhaps"),
        (4, 2, r#"{"cluster":"us"}"#),
        (5, 2, r#"{"cluster":"eu"}"#),
    ] {
        lines.push(Some(Nanos(at)), stream, Level::Info, text.as_bytes(), b"");
    }
    let mut store = Store::new(ROOMY);
    store.ingest(&lines);
    let wanted = Wanted {
        environment: [("cluster".to_owned(), "eu".to_owned())].into(),
        ..Wanted::default()
    };
    let mut search = Search::new(store.snapshot(), Query::of_environment(&wanted), None);
    while !search.step(Budget::default()).is_done() {}
    let (snapshot, found) = (store.snapshot(), search.found());
    let shown: Vec<i64> = (0..found.len())
        .filter_map(|place| Some(snapshot.entry(found.id_at(place)?)?.at.0))
        .collect();
    assert_eq!(shown, [1, 3, 5]);
    assert!(Query::of_environment(&Wanted::default()).is_empty());
}

#[test]
fn a_gap_that_is_let_go_before_its_lines_were_read_is_counted() {
    let mut store = Store::new(Limits {
        lines: 64,
        bytes: 1 << 20,
    });
    let gap = |from: i64| Gap {
        from: Nanos(from),
        to: Nanos(from + 1),
        reason: GapReason::Disconnected,
    };
    store.gap(gap(5));
    store.gap(gap(7));
    store.filled(&gap(7));
    for at in 0..1_000 {
        let mut lines = Batch::default();
        lines.push(Some(Nanos(at)), 0, Level::Info, b"line", b"");
        store.ingest(&lines);
    }
    assert!(store.snapshot().gaps().is_empty());
    assert_eq!(store.counts().gaps, 1);
}
