//! What holds for any lines.

use proptest::prelude::*;

use super::*;
use crate::domain::log::{Level, Nanos};

/// Any bytes, and lines that look like something up to where they break.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12),
        proptest::sample::select(
            [
                "{\"msg\":\"",
                "\"}",
                "msg=\"",
                "key=",
                "\\\"",
                "\"",
                "'",
                "/",
                "/a/b",
                "2026-11-20T03:00:00",
                "10.0.0.1",
                "::1",
                "0x",
                "1e",
                "-5",
                "12ms",
                "µs",
                "\u{1b}[",
                "\u{1b}[31m",
                "\u{202e}",
                "…",
                " ",
                "\n",
                "\0",
                "<num>",
                "<*>",
                "deadbeef1",
                "a:b:c",
                "{",
                "}",
                "[",
                "\\u12",
                "\\",
                ",",
                "=",
                "1.2.3.4:",
                "3m2",
            ]
            .map(|text| text.as_bytes().to_vec())
            .to_vec()
        ),
        "[a-c]{1,3} ".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

type Arrival = (i64, usize, u8, Vec<u8>, Vec<u8>);

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let at = prop_oneof![
        any::<i64>(),
        1_795_000_000_000_000_000..1_795_000_600_000_000_000_i64
    ];
    let extra = prop_oneof![Just(Vec::new()), Just(b"{\"a\":1}".to_vec()), line()];
    proptest::collection::vec((at, 0..Level::ALL.len(), 0..4_u8, line(), extra), 0..120)
}

fn service(n: u8) -> Option<&'static str> {
    [None, Some("a"), Some("b"), Some("")][usize::from(n)]
}

proptest! {
    #[test]
    fn counts_sum_up_bounds_hold_and_every_kept_line_is_of_its_pattern(arrivals in arrivals()) {
        let bounds = Bounds {
            per_tree: 6,
            in_all: 20,
            trees: 9,
            message_bytes: 60,
            tokens: 7,
            example_bytes: 60,
            ..Bounds::default()
        };
        let mut patterns = Patterns::new(bounds);
        let mut ids = Vec::new();
        for (at, level, of, text, extra) in &arrivals {
            ids.push(patterns.learn(Nanos(*at), Level::ALL[*level], service(*of), text, extra));
        }
        let tally = patterns.tally();
        prop_assert_eq!(tally.seen, arrivals.len() as u64);
        prop_assert_eq!(tally.seen, tally.clustered + tally.unclustered + tally.forgotten + tally.blank);
        let all = patterns.list(Nanos(1_795_000_300_000_000_000));
        prop_assert_eq!(all.iter().map(|p| p.count).sum::<u64>(), tally.clustered);
        prop_assert!(all.len() <= bounds.in_all);
        let mut trees = std::collections::BTreeMap::new();
        for pattern in &all {
            *trees.entry((pattern.service.clone(), pattern.level)).or_insert(0) += 1;
            prop_assert!(pattern.examples.len() <= 3 && pattern.examples.iter().all(|e| e.text.len() <= 60));
            prop_assert!(pattern.trend.iter().map(|n| u64::from(*n)).sum::<u64>() <= pattern.count);
        }
        prop_assert!(trees.len() <= bounds.trees && trees.values().all(|n| *n <= bounds.per_tree));
        for (id, (_, level, of, text, extra)) in ids.iter().zip(&arrivals) {
            if let Some(mut matcher) = id.and_then(|id| patterns.matcher(id)) {
                prop_assert!(matcher.holds(Level::ALL[*level], service(*of), text, extra));
            }
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_change_what_is_counted_of_equal_lines(count in 1..50_usize, seed in any::<u64>()) {
        let mut patterns = Patterns::new(Bounds::default());
        for n in 0..count {
            let jumble = (n as u64 ^ seed).cast_signed();
            patterns.learn(Nanos(jumble.saturating_mul(1_000)), Level::Info, None, b"same old line", b"");
        }
        let all = patterns.list(Nanos(i64::MAX));
        prop_assert_eq!((all.len(), all[0].count), (1, count as u64));
    }
}
