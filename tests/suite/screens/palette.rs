//! The palette with what is typed behind a word, the page of a query, and every context at once.

use std::sync::Arc;

use midwatch::app::focus::PaneId;
use midwatch::app::query::{self, QueryAsk, QueryTrouble};
use midwatch::app::union::{Answered, ContextReport, rows_of};
use midwatch::app::{Model, Msg, Settings};
use midwatch::backend::metrics::{Answered as Told, Series};
use midwatch::theme::Glyphs;
use midwatch::time::Tick;
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{SIZES, SMALL, at_each, drawn, numbered, on, rows};
use crate::fixtures::{self as shop, alert, board_of, press, size, tell};

fn command(model: &mut Model, line: &str) {
    press(model, ":");
    shop::type_text(model, line);
}

fn asked(width: u16, height: u16, line: &str) -> (Model, QueryAsk) {
    let mut model = on(PaneId::Alerts, shop::shop(size(width, height)));
    command(&mut model, line);
    press(&mut model, "enter");
    let ask = model.query.asked.clone().expect("asked");
    (model, ask)
}

/// Requests by service: up, down, and one that was not there all the time.
fn series(ask: &QueryAsk, services: &[&str]) -> Vec<Series> {
    let steps = (ask.to - ask.from).num_seconds() / 15;
    let points = |of: usize| {
        (0..=steps)
            .filter(move |step| of != 2 || !(40..90).contains(step))
            .map(move |step| {
                let (at, turn) = (step as f64, (of + 1) as f64);
                let wave = (at / (9.0 * turn)).sin() + 1.2;
                (
                    ask.from.timestamp() as f64 + 15.0 * at,
                    wave * 10f64.powf(3.0 - turn),
                )
            })
    };
    let of = services.iter().enumerate();
    of.map(|(index, service)| Series {
        labels: [("__name__", "requests"), ("service", *service), ("cluster", "eu")]
            .into_iter()
            .collect(),
        points: points(index).collect(),
    })
    .collect()
}

fn answered(width: u16, height: u16, services: &[&str]) -> Model {
    let (mut model, ask) = asked(
        width,
        height,
        "query sum by (service, cluster) (rate(requests[5m]))",
    );
    let told = Told {
        value: series(&ask, services),
        partial: None,
        warnings: Vec::new(),
        date: None,
    };
    let result = Ok(Arc::new(query::read(told, &ask)));
    tell(&mut model, Msg::QueryAnswered { seq: ask.seq, result });
    model
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
        command(&mut model, "ack check");
        model
    });
}

fn report(context: &str, danger: bool, failure: Option<&str>) -> ContextReport {
    ContextReport {
        at: Some(Tick::from_secs(970)),
        answered: ["metrics", "alertmanager eu-0"]
            .map(|backend| Answered {
                backend: backend.into(),
                failure: failure.map(str::to_owned),
            })
            .into(),
        ..ContextReport::waiting(context, danger)
    }
}

/// The shop on fire beside a dangerous context, a calm one, a dead one, and one that has not answered.
fn contexts(width: u16, height: u16) -> Model {
    let settings = Settings {
        contexts: ["prod-eu", "prod-us", "staging", "edge", "lab"]
            .map(str::to_owned)
            .into(),
        ..shop::settings()
    };
    let mut model = shop::shop_with(settings, size(width, height));
    press(&mut model, "X");
    let board = board_of(vec![
        alert("CertificateExpired", "critical", "gateway", 4, &[]),
        alert("QueueGrows", "warning", "mail", 61, &[("pod", "1")]),
        alert("QueueGrows", "warning", "mail", 40, &[("pod", "2")]),
    ]);
    let us = ContextReport {
        rows: rows_of(None, Some(&board), &[]),
        ..report("prod-us", true, None)
    };
    let others = [
        us,
        report("staging", false, None),
        report("edge", false, Some("connection refused; is it running?")),
    ];
    tell(&mut model, Msg::ContextsHeard(others.map(Arc::new).into()));
    model
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
