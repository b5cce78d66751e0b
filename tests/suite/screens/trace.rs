//! Traces: their list, and one that is open.

use midwatch::app::Msg;
use midwatch::app::focus::PaneId;
use proptest::prelude::*;

use super::{SIZES, at_each, drawn, on, press_all, rows};
use crate::fixtures::{self as shop, logs, size};

#[test]
fn the_list_of_traces_in_every_state() {
    use shop::tracelist;
    let listed = |w, h, keys: &str| {
        let mut model = tracelist::listed(size(w, h));
        press_all(&mut model, keys);
        model
    };
    at_each(&SIZES, "traces", |w, h| listed(w, h, "j j x j"));
    at_each(&SIZES, "traces_grouped", |w, h| listed(w, h, "b l"));
    at_each(&SIZES, "traces_dots", |w, h| {
        // At 80x24 the pane stands alone already.
        listed(w, h, if w > 80 { "w z" } else { "w" })
    });
    at_each(&[(80, 24)], "traces_narrowed", |w, h| {
        let mut model = tracelist::narrowed(size(w, h));
        press_all(&mut model, "o");
        model.toasts.dismiss();
        model
    });
    at_each(&[(80, 24)], "traces_wrong_query", |w, h| {
        let mut model = listed(w, h, "Q");
        shop::type_text(&mut model, "dur>soon");
        press_all(&mut model, "enter");
        model
    });
    at_each(&[(80, 24)], "traces_none", |w, h| tracelist::none(size(w, h)));
    at_each(&[(80, 24)], "traces_failed", |w, h| tracelist::failed(size(w, h)));
    at_each(&[(80, 24)], "traces_not_asked", |w, h| {
        tracelist::not_asked(size(w, h))
    });
    at_each(&SIZES, "traces_compared", |w, h| tracelist::compared(size(w, h)));
}

#[test]
fn an_open_trace_in_every_state() {
    use midwatch::app::traces::Study;
    use shop::waterfalls;
    let opened = |w, h, keys: &str| {
        let mut model = waterfalls::opened(size(w, h), &waterfalls::story());
        press_all(&mut model, keys);
        model
    };
    let searched = |w, h, text: &str, keys: &str| {
        let mut model = opened(w, h, "/");
        shop::type_text(&mut model, text);
        press_all(&mut model, keys);
        model
    };
    at_each(&SIZES, "trace", |w, h| opened(w, h, "j j j"));
    at_each(&SIZES, "trace_zoomed", |w, h| opened(w, h, ") ) ) f +"));
    at_each(&SIZES, "trace_folded", |w, h| opened(w, h, "j _ ("));
    at_each(&SIZES, "trace_rooted", |w, h| opened(w, h, ") ) o j"));
    at_each(&SIZES, "trace_clocks", |w, h| opened(w, h, ") ) K"));
    at_each(&SIZES, "trace_searched", |w, h| {
        searched(w, h, "self>30ms !svc=payment", "enter n v")
    });
    at_each(&[(80, 24)], "trace_wrong_query", |w, h| {
        searched(w, h, "err dur>5lightyears", "")
    });
    at_each(&SIZES, "trace_span", |w, h| opened(w, h, ") ) enter"));
    at_each(&SIZES, "trace_facts", |w, h| opened(w, h, "P"));
    at_each(&[(80, 24)], "trace_loading", |w, h| {
        waterfalls::opening(size(w, h), &waterfalls::story())
    });
    at_each(&[(80, 24)], "trace_reading", |w, h| {
        let mut model = waterfalls::opening(size(w, h), &waterfalls::story());
        let since = midwatch::time::Tick::from_secs(997);
        model.traces.opened_mut(waterfalls::id()).unwrap().reading =
            midwatch::app::traces::waterfall::Reading::Asked { since };
        model
    });
    at_each(&[(80, 24)], "trace_failed", |w, h| {
        let mut model = waterfalls::opening(size(w, h), &waterfalls::story());
        let id = waterfalls::id();
        let result = Err("traces has no trace of that id: it was not sampled, or is gone".to_owned());
        shop::tell(&mut model, Msg::TraceRead { id, result });
        model
    });
    at_each(&[(80, 24), (120, 40)], "trace_cut_off", |w, h| {
        let mut body = shop::spans::otlp(&waterfalls::story());
        body.truncate(body.len() * 2 / 3);
        let trace = midwatch::backend::traces::otlp::read(body)
            .only(waterfalls::id())
            .unwrap();
        let mut model = waterfalls::opening(size(w, h), &waterfalls::story());
        let result = Ok(std::sync::Arc::new(Study::of(std::sync::Arc::new(trace))));
        let id = waterfalls::id();
        shop::tell(&mut model, Msg::TraceRead { id, result });
        model
    });
}

#[test]
fn help_lists_of_a_page_about_traces_what_works_on_it() {
    let help = |mut model: midwatch::app::Model| {
        press_all(&mut model, "?");
        rows(&drawn(&model).0).join("\n")
    };
    let size = size(120, 60);
    let compared = help(shop::tracelist::compared(size));
    assert!(
        compared.contains("Comparison") && compared.contains("matches only"),
        "{compared}"
    );
    let mut graph = shop::tracelist::listed(size);
    press_all(&mut graph, "D");
    let graph = help(graph);
    assert!(
        graph.contains("Service graph") && graph.contains("page down"),
        "{graph}"
    );
    let mut facts = shop::waterfalls::opened(size, &shop::waterfalls::story());
    press_all(&mut facts, "P");
    let facts = help(facts);
    assert!(facts.contains("next error"), "{facts}");
    for (page, seen) in [("comparison", compared), ("graph", graph), ("facts", facts)] {
        for key in ["zoom in", "fold all", "Mark the row"] {
            assert!(!seen.contains(key), "{page} lists {key}: {seen}");
        }
    }
}

#[test]
fn the_root_of_a_listed_trace_says_where_that_stands_among_its_like() {
    use shop::{spans, tracelist, waterfalls};
    let mut model = tracelist::listed(size(120, 40));
    let id = tracelist::id(3);
    press_all(&mut model, "I");
    shop::type_text(&mut model, &id.to_string());
    press_all(&mut model, "enter");
    let body = String::from_utf8(spans::otlp(&waterfalls::story())).unwrap();
    let body = body.replace(spans::TRACE, &id.to_string());
    let trace = midwatch::backend::traces::otlp::read(body.into_bytes())
        .only(id)
        .unwrap();
    let result = Ok(std::sync::Arc::new(midwatch::app::traces::Study::of(
        std::sync::Arc::new(trace),
    )));
    shop::tell(&mut model, Msg::TraceRead { id, result });
    press_all(&mut model, "g g enter");
    let seen = rows(&drawn(&model).0).join("\n");
    // The longest of forty: 39 are shorter, and half of itself.
    assert!(seen.contains("p98 of the 40 listed"), "{seen}");
    press_all(&mut model, "j");
    let seen = rows(&drawn(&model).0).join("\n");
    assert!(!seen.contains("listed traces"), "{seen}");
}

#[test]
fn with_clocks_set_right_the_title_says_when_the_last_span_ends_by_these() {
    use shop::waterfalls::{opened, span};
    let spans = [
        span(1, 0, "web", "GET", (0, 100_000)).kind(2).on("a"),
        span(2, 1, "web", "call", (10_000, 90_000)).kind(3).on("a"),
        span(3, 2, "pay", "serve", (200_000, 260_000)).kind(2).on("b"),
    ];
    let mut model = opened(size(120, 40), &spans);
    let seen = rows(&drawn(&model).0).join("\n");
    assert!(seen.contains("100 ms, 260 ms to its last span"), "{seen}");
    press_all(&mut model, "K");
    let seen = rows(&drawn(&model).0).join("\n");
    assert!(seen.contains("clocks set right"), "{seen}");
    assert!(!seen.contains("to its last span"), "{seen}");
}

#[test]
fn the_facts_name_what_was_cancelled_and_when_a_failure_was_felt() {
    use shop::waterfalls::{opened, span};
    let spans = [
        span(1, 0, "web", "pay", (0, 2_010_000)).kind(2).failed("500"),
        span(2, 1, "web", "confirm", (5_000, 2_000_000))
            .kind(3)
            .failed("Read timed out"),
        span(3, 2, "shop", "acquire", (8_000, 2_800_000)).failed("pool exhausted"),
        span(4, 1, "web", "hold", (4_000, 2_005_000))
            .kind(3)
            .failed("context canceled"),
    ];
    let mut model = opened(size(120, 40), &spans);
    press_all(&mut model, "P");
    let seen = rows(&drawn(&model).0).join("\n");
    for said in ["1 cancelled because of them", "  web hold", "felt at +2 s"] {
        assert!(seen.contains(said), "{said}: {seen}");
    }
}

#[test]
fn spans_without_times_have_a_question_mark_for_how_long_they_took() {
    use shop::waterfalls::{opened, span};
    let spans = [
        span(1, 0, "web", "GET", (0, 100_000)),
        span(2, 1, "web", "backwards", (50_000, 10_000)),
    ];
    let seen = rows(&drawn(&opened(size(120, 40), &spans)).0);
    let line = seen.iter().find(|line| line.contains("backwards")).unwrap();
    assert!(line.contains(" ? "), "{line}");
}

#[test]
fn the_border_says_what_of_the_time_was_fetched() {
    use midwatch::app::traces::list::Older;
    type Told = Result<Older, String>;
    let seen = |older: Told, slow: Told| {
        let mut model = shop::tracelist::listed(size(160, 24));
        let ask = model.traces.asked.clone().unwrap();
        let whole = midwatch::domain::trace::summary::Whole::No;
        let mut feed = shop::tracelist::feed(ask, shop::tracelist::traces(), whole);
        let fetched = feed.last.as_mut().unwrap();
        let mut list = (*fetched.value).clone();
        (list.older, list.slow) = (Some(older), Some(slow));
        fetched.value = std::sync::Arc::new(list);
        shop::tell(&mut model, Msg::TracesFetched(feed));
        rows(&drawn(&model).0).join("\n")
    };
    let one = |at: usize| {
        Ok(Older {
            traces: shop::tracelist::traces().drain(at..=at).collect(),
            ..Older::default()
        })
    };
    let known = seen(one(47), one(46));
    assert!(
        known.contains("newest 60 + 1 older failed + 1 older slow · errors"),
        "{known}"
    );
    let unknown = seen(Err("503".to_owned()), Err("503".to_owned()));
    let said = "newest 60 · older failures not known · older slow ones not known";
    assert!(unknown.contains(said), "{unknown}");
}

#[test]
fn traces_of_two_operations_are_said_to_be_of_two() {
    let seen = |operation: &str| {
        let model = shop::tracelist::compared_with(size(120, 40), operation);
        rows(&drawn(&model).0).join("\n")
    };
    let of_two = seen("POST /pay");
    assert!(of_two.contains("! a different operation"), "{of_two}");
    assert!(of_two.contains("edge POST /pay → POST /checkout"), "{of_two}");
    assert!(of_two.contains("most added: payment Charge +582ms"), "{of_two}");
    let of_one = seen("POST /checkout");
    assert!(!of_one.contains("sped up"), "{of_one}");
    assert!(!of_one.contains("different"), "{of_one}");
}

#[test]
fn the_ends_of_a_short_time_as_dots_have_their_seconds() {
    let mut model = shop::tracelist::listed(size(120, 40));
    press_all(&mut model, "T");
    shop::type_text(&mut model, "5m");
    press_all(&mut model, "enter");
    let traces = shop::tracelist::traces();
    shop::tracelist::answer(&mut model, traces, midwatch::domain::trace::summary::Whole::Yes);
    press_all(&mut model, "w z");
    let seen = rows(&drawn(&model).0).join("\n");
    assert!(seen.contains("03:09:07Z") && seen.contains("03:14:07Z"), "{seen}");
}

#[test]
fn a_span_is_never_wider_than_it_was() {
    // A thousandth of a cell, an eighth, and a cell and a half, on bars of 64 cells.
    let mut spans = vec![shop::spans::span(1, 0, "a", "all", (0, 64_000))];
    for (id, from, lasts) in [(2, 16_000, 1), (3, 24_000, 125), (4, 32_000, 1_500)] {
        spans.push(shop::spans::span(id, 1, "a", "part", (from, from + lasts)));
    }
    let model = shop::waterfalls::opened(size(108, 40), &spans);
    let (buffer, _) = drawn(&model);
    let drawn = rows(&buffer);
    let bar = |row: &String| {
        let bars: String = row
            .chars()
            .skip(43)
            .filter(|c| "▏▎▍▌▋▊▉█╎━▐▕".contains(*c))
            .collect();
        bars
    };
    let parts: Vec<String> = drawn.iter().filter(|row| row.contains("part")).map(bar).collect();
    assert_eq!(parts, ["╎", "▏", "━▌"]);
}

#[test]
fn half_pages_down_to_the_end_of_the_lines_leave_no_row_free() {
    use midwatch::domain::log::Level;
    let texts: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
    let lines: Vec<(i64, &str, Level, &str)> = texts
        .iter()
        .zip((0..100).rev())
        .map(|(text, ago)| (ago, "cart", Level::Info, text.as_str()))
        .collect();
    let mut model = on(PaneId::Logs, shop::shop_with(logs::with_logs(), size(80, 24)));
    let store = logs::store(&[logs::batch(&lines)]);
    logs::tell_lines(&mut model, &store, midwatch::app::logs::LogsAsk::default());
    for keys in ["", "w"] {
        press_all(&mut model, keys);
        press_all(&mut model, "g g");
        for _ in 0..40 {
            press_all(&mut model, "ctrl-d");
        }
        let (buffer, _) = drawn(&model);
        let drawn = rows(&buffer);
        let shown = drawn.iter().filter(|row| row.contains(" line ")).count();
        assert!(
            drawn.iter().any(|row| row.contains("line 99")) && shown > 15,
            "{drawn:#?}"
        );
    }
}

proptest! {
    #[test]
    fn no_byte_of_log_lines_reaches_the_screen_by_their_columns_patterns_or_gaps(
        lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 2..20),
        name in proptest::collection::vec(any::<u8>(), 1..20),
        keys in proptest::sample::select(vec!["", "w", "k w", "k k", "g g", "/ x", "C"]),
        width in 40u16..140,
        patterns in any::<bool>(),
    ) {
        use midwatch::app::focus::Detail;
        use midwatch::app::logs::{Learnt, LogView, LogsAsk, Past, Refetching, Scanned};
        use midwatch::domain::log::{Batch, Gap, GapReason, Level};
        use midwatch::domain::pattern::{Bounds, Patterns};
        let name = String::from_utf8_lossy(&name).into_owned();
        let mut batch = Batch::default();
        batch.streams.push(std::sync::Arc::new(midwatch::domain::log::Stream {
            labels: vec![(name.as_str().into(), String::from_utf8_lossy(&lines[0]).into())],
            service: Some(String::from_utf8_lossy(&lines[1]).into()),
            native_id: None,
        }));
        let mut learning = Patterns::new(Bounds::default());
        for (at, line) in lines.iter().enumerate() {
            let at = logs::seconds_ago(90 - i64::try_from(at).unwrap());
            batch.push(Some(at), 0, Level::Unknown, line, line);
            learning.learn(at, Level::Error, Some(&String::from_utf8_lossy(&lines[0])), line, line);
        }
        let mut store = logs::store(&[batch]);
        let gap = Gap { from: logs::seconds_ago(90), to: logs::seconds_ago(89), reason: GapReason::Dropped(7) };
        store.gap(gap.clone());
        let why = String::from_utf8_lossy(&lines[0]).into_owned();
        let mut model = on(PaneId::Logs, shop::shop_with(logs::with_logs(), size(width, 40)));
        model.logs.columns = vec![name];
        let view = LogView {
            refetching: Some(Refetching::Failed(gap, why.clone())),
            past: Past::Failed(why.clone()),
            warnings: vec![why],
            learnt: Some(std::sync::Arc::new(Learnt {
                patterns: learning.list(logs::seconds_ago(0)),
                tally: learning.tally(),
                of: lines.len(),
                scanned: Scanned::All,
            })),
            ..logs::view(store.snapshot(), LogsAsk::default())
        };
        shop::tell(&mut model, Msg::LogsChanged(view.into()));
        if patterns {
            press_all(&mut model, "P");
            prop_assert!(model.details.iter().any(|view| view.detail == Detail::Patterns));
        } else {
            press_all(&mut model, keys);
        }
        let (buffer, _) = drawn(&model);
        for cell in &buffer.content {
            prop_assert!(!cell.symbol().chars().any(midwatch::text::is_unsafe), "{:?}", cell.symbol());
        }
    }

    #[test]
    fn no_byte_of_a_log_line_reaches_the_screen_unsanitised(
        lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..20),
        keys in proptest::sample::select(vec!["", "w", "k w", "enter", "k enter"]),
        width in 40u16..140,
    ) {
        use midwatch::domain::log::{Batch, Level};
        let mut batch = Batch::default();
        batch.streams.push(std::sync::Arc::new(midwatch::domain::log::Stream {
            labels: vec![("job".into(), String::from_utf8_lossy(&lines[0]).into())],
            service: Some(String::from_utf8_lossy(&lines[0]).into()),
            native_id: None,
        }));
        for (at, line) in lines.iter().enumerate() {
            batch.push(Some(logs::seconds_ago(90 - i64::try_from(at).unwrap())), 0, Level::Unknown, line, line);
        }
        let mut model = on(PaneId::Logs, shop::shop_with(logs::with_logs(), size(width, 40)));
        logs::tell_lines(&mut model, &logs::store(&[batch]), midwatch::app::logs::LogsAsk::default());
        press_all(&mut model, keys);
        let (buffer, _) = drawn(&model);
        for cell in &buffer.content {
            prop_assert!(!cell.symbol().chars().any(midwatch::text::is_unsafe), "{:?}", cell.symbol());
        }
    }
}
