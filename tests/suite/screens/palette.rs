//! The palette with what is typed behind a word, the page of a query, and every context at once.

use midwatch::app::focus::PaneId;
use midwatch::app::query::{QueryAsk, QueryTrouble};
use midwatch::app::{Model, Msg};
use midwatch::theme::Glyphs;
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{SIZES, SMALL, at_each, drawn, numbered, on, rows};
use crate::fixtures::{self as shop, pages, size, tell};

fn asked(width: u16, height: u16, line: &str) -> (Model, QueryAsk) {
    pages::query_asked(on(PaneId::Alerts, shop::shop(size(width, height))), line)
}

fn answered(width: u16, height: u16, services: &[&str]) -> Model {
    pages::query_answered(size(width, height), services)
}

#[test]
fn a_query_of_several_series_of_one_and_one_that_is_refused() {
    at_each(&SIZES, "query_table", |w, h| {
        answered(w, h, &["checkout", "search", "cart", "payment"])
    });
    at_each(&SMALL, "query_single", |w, h| answered(w, h, &["checkout"]));
    at_each(&SMALL, "query_refused", |w, h| {
        let (mut model, ask) = asked(w, h, "query sum(rate(x[5m])");
        let result = Err(QueryTrouble {
            words: "invalid parameter \"query\": 1:17: parse error: unclosed left parenthesis".to_owned(),
            mend: None,
            place: Some((1, 17)),
        });
        tell(&mut model, Msg::QueryAnswered { seq: ask.seq, result });
        model
    });
    at_each(&SMALL, "query_asking", |w, h| asked(w, h, "query up").0);
}

#[test]
fn what_could_stand_behind_a_word_is_listed() {
    at_each(&SMALL, "palette_words", |w, h| {
        let mut model = on(PaneId::Alerts, shop::shop(size(w, h)));
        pages::command(&mut model, "ack check");
        model
    });
}

fn contexts(width: u16, height: u16) -> Model {
    pages::contexts(size(width, height))
}

#[test]
fn every_context_at_once() {
    at_each(&SIZES, "contexts", contexts);
    at_each(&[(40, 10)], "contexts", contexts);
}

#[test]
fn a_dangerous_context_and_a_dead_one_are_told_without_colour() {
    for (width, height) in SIZES {
        let text = rows(&drawn(&contexts(width, height)).0).join("\n");
        for part in [
            "!prod-us!",
            "✗ edge dead",
            "◇ lab waiting",
            "NOT SEEN",
            "Acts are done in prod-eu",
        ] {
            assert!(text.contains(part), "{part} {width}x{height}:\n{text}");
        }
    }
}

#[test]
fn the_new_pages_are_drawn_in_ascii_where_that_is_wanted_and_at_every_size() {
    for (width, height) in [(40, 10), (41, 11), (80, 24), (120, 40), (200, 60)] {
        let pages: [fn(u16, u16) -> Model; 3] = [
            contexts,
            |width, height| answered(width, height, &["a", "b"]),
            |width, height| answered(width, height, &["a"]),
        ];
        for page in pages {
            let model = page(width, height);
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            view::draw(&model, &numbered(Glyphs::Ascii), shop::now(), &mut buffer);
            for row in rows(&buffer) {
                assert!(row.is_ascii(), "{width}x{height}: {row}");
            }
        }
    }
}
