//! What holds of every screen: overlays where room is scarce, nothing remote but text, nothing that moves unasked.

use midwatch::app::Msg;
use midwatch::app::focus::PaneId;
use midwatch::domain::incident::Incident;
use midwatch::theme::Glyphs;
use midwatch::view;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{SIZES, SMALL, at_each, drawn, numbered, on, press_all, rows};
use crate::fixtures::{self as shop, incidents, press, size};

#[test]
fn overlays_where_room_is_scarce() {
    let with = |w, h, keys: &str| {
        let mut model = on(PaneId::Alerts, shop::shop(size(w, h)));
        press(&mut model, keys);
        model
    };
    at_each(&SMALL, "help", |w, h| with(w, h, "?"));
    at_each(&SMALL, "menu", |w, h| with(w, h, "y"));
    at_each(&SMALL, "palette", |w, h| {
        let mut model = with(w, h, ":");
        shop::type_text(&mut model, "sil");
        model
    });
    at_each(&SMALL, "composer", |w, h| {
        let mut model = with(w, h, "s");
        shop::type_text(&mut model, "pool being drained");
        model
    });
    at_each(&SMALL, "health", |w, h| {
        let mut model = shop::stale(size(w, h));
        press(&mut model, "H");
        model
    });
    at_each(&SMALL, "confirm", |w, h| {
        let mut model = on(PaneId::Alerts, shop::dangerous_shop(size(w, h)));
        press(&mut model, "s");
        shop::type_text(&mut model, "pool being drained");
        press(&mut model, "enter");
        shop::type_text(&mut model, "prod");
        model
    });
    at_each(&SMALL, "prompt", |w, h| {
        let mut model = with(w, h, "&");
        shop::type_text(&mut model, "service=checkout");
        model
    });
}

#[test]
fn a_light_that_is_not_lit_is_seen_at_every_width() {
    for width in 40..200 {
        for build in [shop::stale, shop::failed] {
            let model = build(size(width, 24));
            let top = rows(&drawn(&model).0).remove(0);
            assert!(
                top.contains("✗ metrics") && top.contains("✗ alerts"),
                "{width}: {top}"
            );
        }
    }
}

#[test]
fn without_a_source_that_is_believed_nothing_is_said_to_be_quiet() {
    for (width, height) in SIZES {
        for keys in ["", "S", "s"] {
            let mut model = on(PaneId::Alerts, shop::deaf(size(width, height)));
            press_all(&mut model, keys);
            let text = rows(&drawn(&model).0).join(" ");
            assert!(text.contains("not known"), "{keys}: {text}");
            for lie in ["none firing", "quiet", "hides nothing", "No silence ("] {
                assert!(!text.contains(lie), "{keys}: {text}");
            }
        }
    }
}

#[test]
fn what_must_be_typed_is_in_sight_on_the_smallest_screen() {
    let mut model = on(PaneId::Alerts, shop::dangerous_shop(size(40, 10)));
    press(&mut model, "s");
    shop::type_text(&mut model, "why");
    press(&mut model, "enter");
    shop::type_text(&mut model, "pro");
    let (buffer, cursor) = drawn(&model);
    let text = rows(&buffer).join("\n");
    assert!(text.contains("prod-eu") && text.contains("> pro"), "{text}");
    assert!(cursor.is_some());
}

#[test]
fn ascii_draws_nothing_beyond_ascii() {
    for (width, height) in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        for keys in [
            "", "enter", "?", "H", ":", "S", "y", "2", "/", "5", "5 enter", "5 e", "U",
        ] {
            let mut model = shop::stale(size(width, height));
            press_all(&mut model, keys);
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            view::draw(&model, &numbered(Glyphs::Ascii), shop::now(), &mut buffer);
            for row in rows(&buffer) {
                assert!(row.is_ascii(), "{keys} {width}x{height}: {row}");
            }
        }
    }
}

#[test]
fn remote_text_cannot_reach_the_terminal_as_anything_but_text() {
    let evil = "\u{1b}[31m\u{202e}evil\u{7}\u{9b}2J";
    let alert = shop::alert(
        evil,
        evil,
        evil,
        5,
        &[("pod", evil), ("x", "two\nlines\tand a tab")],
    );
    let board = shop::board_of(vec![alert]);
    let mut model = shop::silent(size(120, 40));
    shop::tell(&mut model, Msg::AlertsArranged(std::sync::Arc::new(board)));
    shop::focus(&mut model, PaneId::Alerts);
    for keys in ["", "enter", "y"] {
        press_all(&mut model, keys);
        let (buffer, _) = drawn(&model);
        let bad = buffer
            .content
            .iter()
            .find(|cell| cell.symbol().chars().any(midwatch::text::is_unsafe));
        assert_eq!(bad, None);
    }
}

#[test]
fn what_an_incidents_keeper_tells_cannot_reach_the_terminal_as_anything_but_text() {
    let evil = "\u{1b}[31m\u{202e}evil\u{7}\u{9b}2J";
    let person = midwatch::domain::incident::Person {
        name: evil.into(),
        ..incidents::person("Mara")
    };
    let incident = Incident {
        title: evil.into(),
        severity: Some(evil.into()),
        service: Some(incidents::named(evil)),
        policy: Some(incidents::named(evil)),
        assignees: vec![person.clone()],
        acknowledgements: vec![(person, shop::ago(3))],
        source: evil.into(),
        ..incidents::checkout()
    };
    let mut model = on(PaneId::Incident, shop::silent(size(120, 40)));
    let mut board = incidents::board(vec![incident]);
    board.remarks = vec![evil.to_owned()];
    shop::tell(&mut model, Msg::IncidentsFetched(incidents::feed(board)));
    let mut story = incidents::story();
    for event in &mut story.events {
        event.text = evil.into();
        event.actor = Some(evil.into());
        event.refs.insert(evil.into(), evil.into());
    }
    incidents::tell_story(&mut model, story);
    for keys in ["", "r", "esc m", "esc enter enter", "y"] {
        press_all(&mut model, keys);
        let (buffer, _) = drawn(&model);
        let mut cells = buffer.content.iter();
        let bad = cells.find(|cell| cell.symbol().chars().any(midwatch::text::is_unsafe));
        assert_eq!(bad, None, "{keys}");
    }
}

#[test]
fn columns_stand_still_when_numbers_change() {
    let column = |burn: f64| {
        let mut board = shop::slo_board();
        board
            .slos
            .insert(0, std::sync::Arc::new(shop::report("a", "b", 99.9, burn, 0.5)));
        let mut model = shop::shop(size(120, 40));
        let mut feed = model.slo.feed.clone();
        feed.last.as_mut().unwrap().value = std::sync::Arc::new(board);
        shop::tell(&mut model, Msg::SloFetched(feed));
        rows(&drawn(&model).0)[2].find("burn")
    };
    assert_eq!(column(0.1), column(1e9));
}

#[test]
fn an_idle_screen_changes_by_its_clock_alone() {
    let model = on(PaneId::Alerts, shop::shop(size(120, 40)));
    let frame = |seconds| {
        let now = shop::now().later(std::time::Duration::from_secs(seconds));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
        view::draw(&model, &numbered(Glyphs::Unicode), now, &mut buffer);
        rows(&buffer)
    };
    let (before, after) = (frame(1), frame(4));
    assert_ne!(before[0], after[0], "the clock ticks");
    assert_eq!(before[1..], after[1..]);
}

#[test]
fn a_page_scrolled_to_its_end_comes_back_at_the_first_key() {
    for keys in ["enter", "?"] {
        let mut model = shop::shop(size(80, 24));
        press(&mut model, keys);
        press(&mut model, "G");
        let end = rows(&drawn(&model).0);
        press(&mut model, "k");
        let back = rows(&drawn(&model).0);
        assert_ne!(end, back, "{keys}");
        press(&mut model, "j");
        assert_eq!(end, rows(&drawn(&model).0), "{keys}");
    }
}

#[test]
fn a_paused_screen_does_not_age() {
    let mut model = on(PaneId::Alerts, shop::shop(size(120, 40)));
    press(&mut model, "p");
    let frame = |minutes: u64| {
        let now = shop::now().later(std::time::Duration::from_secs(minutes * 60));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
        view::draw(&model, &numbered(Glyphs::Unicode), now, &mut buffer);
        rows(&buffer)
    };
    let ages = |frame: &[String]| frame.iter().find(|row| row.contains("HighLatency")).cloned();
    assert_eq!(ages(&frame(0)), ages(&frame(30)));
    assert!(frame(30)[0].contains("PAUSED 30m"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_size_and_no_key_makes_drawing_panic(
        width in 0u16..230,
        height in 0u16..70,
        world in 0usize..9,
        keys in proptest::collection::vec(0usize..38, 0..12),
        glyphs in prop_oneof![Just(Glyphs::Unicode), Just(Glyphs::Ascii)],
    ) {
        const KEYS: [&str; 38] = [
            "j", "k", "enter", "l", "h", "x", "tab", "?", "H", ":", "esc", "s", "S", "y", "p", "z", "Z", "/", "&",
            "G", "ctrl-d", ".", "v", "b", "F", "_", "o", "+", "-", "{", "}", ")", "c", "K", "P", "f", "0", "1",
        ];
        let size = size(width, height);
        let mut model = match world {
            0 => shop::silent(size),
            1 => shop::failed(size),
            2 => shop::stale(size),
            3 => shop::calm(size),
            4 => shop::crowded(size, 60),
            5 | 6 => shop::waterfalls::opened(size, &shop::waterfalls::story()),
            7 => shop::waterfalls::opened(size, &shop::waterfalls::odd()),
            _ => shop::dangerous_shop(size),
        };
        for key in keys {
            press(&mut model, KEYS[key]);
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            let cursor = view::draw(&model, &numbered(glyphs), shop::now(), &mut buffer);
            prop_assert!(cursor.is_none_or(|at| buffer.area.contains(at)));
        }
    }
}

#[test]
fn a_spared_link_shows_what_it_carries_and_no_seconds() {
    for (width, height) in SIZES {
        let mut model = shop::calm(size(width, height));
        let before = rows(&drawn(&model).0);
        assert!(before.first().is_some_and(|top| top.ends_with("03:14:07Z")));
        model.traffic = midwatch::terminal::Traffic {
            bytes: 60_000,
            per_second: 1_234,
            cap: std::num::NonZeroU32::new(2_000),
            round_trip: None,
        };
        let shown = rows(&drawn(&model).0);
        assert!(
            shown.first().is_some_and(|top| top.ends_with(" 03:14Z")),
            "{shown:#?}"
        );
        assert!(
            shown
                .last()
                .is_some_and(|bottom| bottom.ends_with("1.2 kB/s of 2.0")),
            "{shown:#?}"
        );
        let now = shop::now();
        let wake = model.next_deadline(now).since(now.tick);
        // 03:14:07 to :10, not to :08.
        assert!(
            wake <= std::time::Duration::from_secs(3) && wake > std::time::Duration::from_secs(2),
            "{wake:?}"
        );
    }
}
