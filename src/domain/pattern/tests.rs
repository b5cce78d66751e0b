//! What is found in lines of known templates.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::domain::log::{Level, Nanos};

const START: Nanos = Nanos(1_795_143_600_000_000_000);

fn second(s: f64) -> Nanos {
    Nanos(START.0 + (s * 1e9) as i64)
}

fn learn(patterns: &mut Patterns, s: f64, line: &str) -> Option<PatternId> {
    patterns.learn(second(s), Level::Info, Some("checkout"), line.as_bytes(), b"")
}

fn learnt(lines: impl IntoIterator<Item = String>) -> Patterns {
    let mut patterns = Patterns::new(Bounds::default());
    for (n, line) in lines.into_iter().enumerate() {
        learn(&mut patterns, n as f64 / 100.0, &line);
    }
    patterns
}

/// Template and count, the most frequent first.
fn told(patterns: &Patterns) -> Vec<(String, u64)> {
    let all = patterns.list(second(600.0));
    all.iter().map(|p| (p.template.to_string(), p.count)).collect()
}

fn sums(patterns: &Patterns) {
    let Tally {
        seen,
        clustered,
        unclustered,
        forgotten,
        blank,
    } = patterns.tally();
    assert_eq!(seen, clustered + unclustered + forgotten + blank);
    let listed: u64 = patterns.list(second(600.0)).iter().map(|p| p.count).sum();
    assert_eq!(listed, clustered);
}

#[test]
fn lines_of_known_templates_are_found_as_them() {
    let names = ["jun", "mara", "sam", "kim", "lee"];
    let patterns = learnt((0..600).map(|n| match n % 6 {
        0 => format!("GET /api/cart/{n} 200 in {n}ms"),
        1 => format!(
            "pool exhausted: {}/50 in use, waited {}.{}s",
            n % 50,
            n % 7,
            n % 10
        ),
        2 => format!("retry {} of charge for order {n:08x}9", n % 3),
        3 => format!(
            "user {} logged in from 10.0.{}.{}",
            names[n % 5],
            n % 200,
            n % 255
        ),
        4 => format!("cache miss for key \"cart:{n}\""),
        _ => "health check ok".to_owned(),
    }));
    let mut expected: Vec<_> = [
        "GET <path> <num> in <dur>",
        "pool exhausted: <num>/<num> in use, waited <dur>",
        "retry <num> of charge for order <id>",
        "user <*> logged in from <ip>",
        "cache miss for key <q>",
        "health check ok",
    ]
    .map(|template| (template.to_owned(), 100))
    .into();
    let mut found = told(&patterns);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    sums(&patterns);
}

#[test]
fn sentences_that_differ_in_half_their_words_are_not_alike() {
    let patterns = learnt(
        [
            "failed to fetch upstream",
            "failed to write row",
            "cache miss",
            "cache hit",
        ]
        .map(str::to_owned),
    );
    assert_eq!(told(&patterns).len(), 4);
}

#[test]
fn documents_are_compared_by_their_message_and_their_keys() {
    let patterns = learnt((0..40).map(|n| match n % 4 {
        0 => format!(r#"{{"level":"info","msg":"order {n} placed","trace_id":"{n:032x}"}}"#),
        1 => format!(r#"{{"trace_id":"{n:032x}","level":"info","msg":"order {n} placed"}}"#),
        2 => format!(r#"{{"level":"info","msg":"order {n} placed"}}"#),
        _ => format!(r#"{{"duration":"{n}ms","path":"/x/{n}","who":{{"id":{n}}}}}"#),
    }));
    let all = patterns.list(second(600.0));
    let forms: BTreeMap<String, (String, u64)> = all
        .iter()
        .map(|p| {
            let Form::Json(keys) = &p.form else {
                panic!("{:?}", p.form)
            };
            (keys.to_string(), (p.template.to_string(), p.count))
        })
        .collect();
    let expected = [
        ("level, msg, trace_id", ("order <num> placed", 20)),
        ("level, msg", ("order <num> placed", 10)),
        ("duration, path, who", ("duration=<dur> path=<path> who={…}", 10)),
    ];
    assert_eq!(
        forms,
        expected
            .map(|(keys, (template, count))| (keys.to_owned(), (template.to_owned(), count)))
            .into()
    );
}

#[test]
fn logfmt_keeps_its_keys_and_only_its_message_tells_lines_apart() {
    let patterns = learnt((0..60).map(|n| {
        let message = match n % 3 {
            0 => format!("retry {n} in {n}ms"),
            1 => "upstream answered 503".to_owned(),
            _ => "pool exhausted".to_owned(),
        };
        let caller = ["db.go:12", "http.go:99"][n / 3 % 2];
        format!(
            r#"ts=2026-11-20T03:00:{n:02}Z level=warn env=prod region=eu caller={caller} msg="{message}""#
        )
    }));
    let mut found = told(&patterns);
    found.sort();
    let caller = "ts=<ts> level=warn env=prod region=eu caller=<*>";
    let expected = [
        "pool exhausted",
        "retry <num> in <dur>",
        "upstream answered <num>",
    ];
    assert_eq!(
        found,
        expected.map(|message| (format!("{caller} msg=\"{message}\""), 20))
    );
    assert!(patterns.list(START).iter().all(|p| p.form == Form::Logfmt));
}

#[test]
fn services_and_levels_are_kept_apart() {
    let mut patterns = Patterns::new(Bounds::default());
    for service in [Some("cart"), Some("auth"), None] {
        for level in [Level::Warn, Level::Error] {
            patterns.learn(START, level, service, b"boom", b"");
        }
    }
    assert_eq!(patterns.list(START).len(), 6);
}

#[test]
fn words_that_nobody_masked_become_open_in_the_end_and_their_lines_one_pattern() {
    let patterns = learnt((0..400).map(|n| {
        let name: String = (0..6)
            .map(|i| char::from(b'a' + ((n * 7 + i * n * 3 + i) % 26) as u8))
            .collect();
        format!("session {name} gone {name}")
    }));
    let found = told(&patterns);
    assert_eq!(found[0].0, "session <*> gone <*>");
    assert!(found[0].1 > 370, "{found:?}");
    sums(&patterns);
}

#[test]
fn a_flood_of_first_words_ends_in_one_leaf() {
    let patterns = learnt((0..500).map(|n| {
        let name: String = (0..5)
            .map(|i| char::from(b'a' + ((n / 26_usize.pow(i)) % 26) as u8))
            .collect();
        format!("{name} has logged in")
    }));
    let found = told(&patterns);
    assert_eq!(found[0].0, "<*> has logged in");
    assert!(found.len() <= 33, "{}", found.len());
    sums(&patterns);
}

#[test]
fn a_full_tree_lets_rare_patterns_go_and_counts_their_lines() {
    let bounds = Bounds {
        per_tree: 8,
        ..Bounds::default()
    };
    let mut patterns = Patterns::new(bounds);
    for _ in 0..10 {
        learn(&mut patterns, 0.0, "the one that matters");
    }
    let word = |n: u32| -> String {
        (0..4)
            .map(|i| char::from(b'a' + (n >> (2 * i) & 3) as u8))
            .collect()
    };
    for n in 0..200 {
        learn(&mut patterns, 1.0, &vec![word(n); n as usize % 20 + 1].join(" "));
    }
    let tally = patterns.tally();
    assert_eq!((tally.seen, patterns.list(START).len()), (210, 8));
    assert!(tally.forgotten > 100, "{tally:?}");
    assert_eq!(patterns.list(START)[0].template.as_ref(), "the one that matters");
    sums(&patterns);
}

#[test]
fn a_line_without_room_is_counted_as_unclustered() {
    let mut patterns = Patterns::new(Bounds {
        trees: 1,
        per_tree: 1,
        ..Bounds::default()
    });
    for _ in 0..4 {
        assert!(learn(&mut patterns, 0.0, "first").is_some());
    }
    assert_eq!(learn(&mut patterns, 0.0, "another thing"), None);
    assert_eq!(patterns.learn(START, Level::Error, None, b"first", b""), None);
    assert_eq!(learn(&mut patterns, 0.0, " \t"), None);
    let tally = patterns.tally();
    assert_eq!((tally.clustered, tally.unclustered, tally.blank), (4, 2, 1));
}

#[test]
fn the_newest_examples_are_kept_cut_and_a_matcher_takes_its_lines_alone() {
    let mut patterns = Patterns::new(Bounds {
        example_bytes: 12,
        ..Bounds::default()
    });
    for n in [3, 1, 9, 5, 7] {
        learn(&mut patterns, f64::from(n), &format!("order {n} placed and done"));
    }
    let id = learn(&mut patterns, 2.0, "nothing here").unwrap();
    let all = patterns.list(second(10.0));
    let texts: Vec<_> = all[0]
        .examples
        .iter()
        .map(|e| String::from_utf8_lossy(&e.text).into_owned())
        .collect();
    assert_eq!(texts, ["order 9 plac", "order 7 plac", "order 5 plac"]);
    assert!((all[0].share - 5.0 / 6.0).abs() < 1e-9);
    let mut matcher = patterns.matcher(all[0].id).unwrap();
    let mut holds = |level, service, text: &str| matcher.holds(level, Some(service), text.as_bytes(), b"");
    assert!(holds(Level::Info, "checkout", "order 12345 placed and done"));
    assert!(!holds(Level::Info, "checkout", "order 12345 placed and gone"));
    assert!(!holds(Level::Warn, "checkout", "order 1 placed and done"));
    assert!(!holds(Level::Info, "cart", "order 1 placed and done"));
    assert!(patterns.matcher(id).is_some());
    assert!(patterns.matcher(PatternId(99)).is_none());
}

#[test]
fn a_line_without_text_speaks_by_what_stands_beside_it() {
    let mut patterns = Patterns::new(Bounds::default());
    patterns.learn(
        START,
        Level::Info,
        None,
        b"",
        br#"{"message":"user 7 gone","host":"a"}"#,
    );
    assert_eq!(told(&patterns), [("user <num> gone".to_owned(), 1)]);
}

#[test]
fn a_pattern_begins_beside_the_page_or_was_there_before() {
    let mut patterns = Patterns::new(Bounds::default());
    learn(&mut patterns, 0.0, "usual");
    learn(&mut patterns, 300.0, "pool exhausted");
    learn(&mut patterns, 330.0, "usual");
    let all = patterns.list(second(340.0));
    let words = |template: &str, start: f64| {
        let pattern = all.iter().find(|p| &*p.template == template).unwrap();
        pattern.beginning(second(start)).words("the page")
    };
    assert_eq!(words("pool exhausted", 340.0), "first seen 40 s before the page");
    assert_eq!(words("pool exhausted", 180.0), "first seen 2 min after the page");
    assert_eq!(words("usual", 340.0), "");
    let standing = |template: &str| all.iter().find(|p| &*p.template == template).unwrap().standing;
    assert_eq!(
        (standing("pool exhausted"), standing("usual")),
        (Standing::New, Standing::Steady)
    );
    assert_eq!(all[0].trend[59..], [1]);
    assert_eq!(
        Beginning::Before(Duration::from_secs(7_300)).words("it"),
        "first seen 2 h before it"
    );
}
