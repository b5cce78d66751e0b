//! What of the lines is shown and found: filters, levels, searches, and what the source is asked.

use midwatch::app::logs::{LogView, LogsAsk, Refusal, Refused, RefusedFor};
use midwatch::app::modal::{Modal, PromptKind};
use midwatch::app::{Effect, Msg};
use midwatch::domain::log::Level;

use super::super::Hand;
use super::{answer, asked, reading, under_cursor};
use crate::fixtures::logs::{batch, store, story, tell_lines, view};

#[test]
fn a_filter_keeps_the_line_and_its_row_and_context_lifts_it_there() {
    let mut hand = reading();
    hand.press("k k k k");
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    hand.effects.clear();
    hand.press("&");
    hand.write("pool");
    let ask = asked(&mut hand);
    assert_eq!(ask.filter, "pool");
    tell_lines(&mut hand.model, &store(&[story()]), ask);
    hand.press("enter");
    assert_eq!(hand.model.logs.len(), 2);
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    hand.effects.clear();
    hand.press("c");
    answer(&mut hand);
    assert_eq!(hand.model.logs.len(), 9, "everything around it");
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    hand.press("c");
    assert_eq!(asked(&mut hand).filter, "pool", "and filtered again");
}

#[test]
fn a_filter_that_does_not_read_is_said_and_the_last_good_one_holds() {
    let mut hand = reading();
    hand.press("&");
    hand.write("pool");
    hand.effects.clear();
    hand.write(" /(/");
    assert!(hand.model.logs.filter_error.is_some());
    let asks = hand.taken();
    let last = asks.iter().rev().find_map(|effect| match effect {
        Effect::AskLogs(ask) => Some(ask.filter.clone()),
        _ => None,
    });
    assert!(last.is_none_or(|filter| !filter.contains("/(/")), "{asks:?}");
    hand.press("enter");
    assert!(
        matches!(&hand.model.modal, Some(Modal::Prompt(_))),
        "it stays to be mended"
    );
    let told = |effect: &Effect| matches!(effect, Effect::Record(_));
    assert!(!hand.taken().iter().any(told), "nothing was filtered by it");
}

#[test]
fn the_level_key_cycles_and_is_part_of_what_is_asked() {
    let mut hand = reading();
    hand.effects.clear();
    hand.press("v v");
    assert_eq!(asked(&mut hand).filter, "level>=warn");
    hand.press("v v");
    assert_eq!(asked(&mut hand).filter, "");
}

#[test]
fn a_search_goes_to_the_nearest_hit_and_on_round_the_end() {
    let mut hand = reading();
    hand.effects.clear();
    hand.press("/");
    hand.write("pool");
    answer(&mut hand);
    hand.press("enter");
    let first = hand.model.logs.place;
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    hand.press("n");
    assert!(under_cursor(&hand).starts_with("pool exhausted"));
    assert_ne!(hand.model.logs.place, first);
    hand.press("n");
    assert_eq!(hand.model.logs.place, first, "round the end");
}

#[test]
fn a_query_that_is_refused_is_offered_again_and_the_one_before_holds() {
    let mut hand = reading();
    hand.press("Q");
    hand.write("{app=");
    hand.press("enter");
    assert_eq!(asked(&mut hand).wanted.query, "{app=");
    let refused = Refused {
        query: "{app=".to_owned(),
        why: "parse error at line 1, col 6".to_owned(),
        of: RefusedFor::TheQuery,
    };
    let refusal = LogView {
        refused: Some(refused.into()),
        ..view(store(&[story()]).snapshot(), LogsAsk::default())
    };
    let refusal = std::sync::Arc::new(refusal);
    hand.tell(Msg::LogsChanged(refusal.clone()));
    assert_eq!(asked(&mut hand).wanted.query, "", "the query before");
    let text = |hand: &Hand| match &hand.model.modal {
        Some(Modal::Prompt(prompt)) if prompt.kind == PromptKind::Query => prompt.input.lines().join(""),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(&hand), "{app=");
    assert_eq!(hand.model.logs.refusal, Refusal::Shown);
    hand.press("esc");
    assert_eq!(
        hand.model.logs.refusal,
        Refusal::Read,
        "the border is of the tail again"
    );
    hand.tell(Msg::LogsChanged(refusal));
    assert!(hand.model.modal.is_none(), "offered once");
    hand.press("Q");
    assert_eq!(text(&hand), "{app=", "and whenever a query is asked again");
}

#[test]
fn a_query_is_told_once_its_lines_are_there_and_never_where_it_is_refused() {
    let told = |hand: &mut Hand| {
        let taken = hand.taken().into_iter();
        let told = taken.filter_map(|effect| match effect {
            Effect::Record(deed) => Some(deed.text),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let lines = store(&[story()]);
    let mut hand = reading();
    hand.command("logs {app=");
    let refused = Refused {
        query: "{app=".to_owned(),
        why: "parse error".to_owned(),
        of: RefusedFor::TheQuery,
    };
    let refusal = LogView {
        refused: Some(refused.into()),
        ..view(lines.snapshot(), LogsAsk::default())
    };
    hand.tell(Msg::LogsChanged(refusal.into()));
    hand.press("esc");
    hand.command("logs cart");
    assert_eq!(told(&mut hand), [""; 0]);
    let mut ask = LogsAsk::default();
    ask.wanted.query = "cart".to_owned();
    tell_lines(&mut hand.model, &lines, LogsAsk::default());
    hand.tell(Msg::LogsChanged(view(lines.snapshot(), ask).into()));
    assert_eq!(told(&mut hand), ["asked for logs with `cart`"]);
}

#[test]
fn a_search_that_does_not_read_says_what_is_wrong_with_it_and_where() {
    let mut hand = reading();
    hand.press("/");
    hand.write("/po(ol/");
    let wrong = hand.model.logs.search_error.clone().unwrap();
    assert!(wrong.starts_with("column 2: not a regex: "), "{wrong}");
    hand.press("backspace backspace backspace backspace");
    assert_eq!(hand.model.logs.search_error, None);
}

#[test]
fn a_search_goes_to_the_hit_nearest_to_where_it_began_however_its_first_letters_led() {
    let mut hand = reading();
    hand.press("k k");
    let began = under_cursor(&hand);
    assert!(began.starts_with("GET /healthz"));
    hand.effects.clear();
    hand.press("/");
    hand.write("p");
    answer(&mut hand);
    hand.write("o");
    answer(&mut hand);
    assert!(
        under_cursor(&hand).starts_with("pool"),
        "forwards, where it is as near"
    );
    hand.write("r");
    hand.press("backspace backspace");
    hand.write("anic");
    answer(&mut hand);
    assert!(under_cursor(&hand).starts_with("panic"));
    hand.write("x");
    answer(&mut hand);
    assert_eq!(under_cursor(&hand), began, "no hit: back to where it began");
    hand.press("backspace");
    answer(&mut hand);
    hand.press("esc");
    assert_eq!(under_cursor(&hand), began, "and when it is left");
}

#[test]
fn hits_are_marked_where_they_stand_among_the_lines_that_are_shown() {
    let lines: Vec<_> = (0..100)
        .map(|n| {
            (
                100 - n,
                "cart",
                Level::Info,
                if n % 10 == 9 { "kept hit" } else { "other" },
            )
        })
        .chain([(0, "cart", Level::Info, "kept")])
        .collect();
    let ask = LogsAsk {
        filter: "kept".to_owned(),
        search: "hit".to_owned(),
        ..LogsAsk::default()
    };
    let view = view(store(&[batch(&lines)]).snapshot(), ask);
    assert_eq!(view.len(), 11);
    assert_eq!(view.hit_density(11), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(view.hit_density(2), [6, 4]);
}

#[test]
fn shown_filtered_and_let_go_are_together_what_was_read() {
    use midwatch::logstore::{Limits, Store};
    let mut small = Store::new(Limits {
        lines: 200,
        bytes: 1 << 20,
    });
    for n in 0..30 {
        let line = (
            100 - n,
            "cart",
            Level::Info,
            if n % 2 == 0 { "even" } else { "odd" },
        );
        small.ingest(&batch(&[line; 20]));
    }
    let ask = LogsAsk {
        filter: "even".to_owned(),
        ..LogsAsk::default()
    };
    let view = view(small.snapshot(), ask);
    let (shown, counts) = (view.len() as u64, view.snapshot.counts());
    let filtered = view.snapshot.len() as u64 - shown;
    assert!(counts.evicted > 0 && filtered > 0);
    assert_eq!((shown + filtered + counts.evicted, counts.taken), (600, 600));
}
