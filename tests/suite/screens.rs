//! Screens as text and styles: each pane in every state at every breakpoint, overlays where room is scarce.
//!
//! A snapshot is the screen's rows, then what is styled: runs of cells by role, so that a change of a theme's
//! colours changes nothing here.

use std::fmt::Write as _;

use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::{Model, Msg};
use midwatch::theme::{Glyphs, Role, Theme};
use midwatch::view;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};

use midwatch::domain::incident::Incident;
use midwatch::outbox::State;

use crate::fixtures::{self as shop, incidents, logs, press, size};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const SMALL: [(u16, u16); 2] = [(80, 24), (40, 10)];

/// A theme in which a role's style is its number, so that roles can be read back from a buffer.
fn numbered(glyphs: Glyphs) -> Theme {
    Theme::from_styles("numbered", glyphs, |role| {
        Style::new().fg(Color::Indexed(role as u8))
    })
}

fn drawn(model: &Model) -> (Buffer, Option<Position>) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.width, model.size.height));
    let cursor = view::draw(model, &numbered(Glyphs::Unicode), shop::now(), &mut buffer);
    (buffer, cursor)
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (0..area.height)
        .map(|y| {
            let mut row = String::new();
            let mut skip = 0;
            for x in 0..area.width {
                let symbol = buffer[(x, y)].symbol();
                if skip == 0 {
                    row.push_str(symbol);
                    skip = midwatch::text::width(symbol).max(1);
                }
                skip -= 1;
            }
            row.trim_end().to_owned()
        })
        .collect()
}

fn role_at(buffer: &Buffer, x: u16, y: u16) -> Option<Role> {
    match buffer[(x, y)].fg {
        Color::Indexed(number) => Role::ALL.get(usize::from(number)).copied(),
        _ => None,
    }
}

/// Rows, then a line of roles for each row that has more than plain text.
fn pictured(model: &Model) -> String {
    let (buffer, cursor) = drawn(model);
    let mut out = String::new();
    for row in rows(&buffer) {
        let _ = writeln!(out, "{row}");
    }
    out.push_str("--- roles\n");
    for y in 0..buffer.area.height {
        let mut runs: Vec<(Role, u16)> = Vec::new();
        for x in 0..buffer.area.width {
            let blank = buffer[(x, y)].symbol() == " ";
            let Some(role) = role_at(&buffer, x, y).filter(|_| !blank) else {
                continue;
            };
            if runs.last().is_none_or(|(last, _)| *last != role) {
                runs.push((role, x));
            }
        }
        let line: Vec<String> = runs
            .iter()
            .map(|(role, x)| format!("{x}:{}", role.name()))
            .collect();
        if !line.is_empty() {
            let _ = writeln!(out, "{y:>2} {}", line.join(" "));
        }
    }
    if let Some(cursor) = cursor {
        let _ = writeln!(out, "--- cursor {},{}", cursor.x, cursor.y);
    }
    out
}

fn at_each(sizes: &[(u16, u16)], name: &str, build: impl Fn(u16, u16) -> Model) {
    for (width, height) in sizes {
        let model = build(*width, *height);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), pictured(&model));
    }
}

fn on(pane: PaneId, mut model: Model) -> Model {
    shop::focus(&mut model, pane);
    model
}

#[test]
fn slo_pane_in_every_state() {
    at_each(&SIZES, "slo_fresh", |w, h| shop::shop(size(w, h)));
    at_each(&SIZES, "slo_loading", |w, h| shop::silent(size(w, h)));
    at_each(&SIZES, "slo_partly_stale", |w, h| shop::partly_stale(size(w, h)));
    at_each(&SIZES, "slo_unanswered", |w, h| shop::unanswered(size(w, h)));
    at_each(&SIZES, "slo_paused", |w, h| {
        let mut model = shop::shop(size(w, h));
        press(&mut model, "p");
        model
    });
    at_each(&SIZES, "slo_stale", |w, h| shop::stale(size(w, h)));
    at_each(&SIZES, "slo_failed", |w, h| shop::failed(size(w, h)));
    at_each(&SIZES, "slo_overflowing", |w, h| shop::crowded(size(w, h), 1_000));
    at_each(&SIZES, "slo_empty", |w, h| {
        let mut model = shop::calm(size(w, h));
        press(&mut model, "&");
        shop::type_text(&mut model, "nothing like it");
        press(&mut model, "enter");
        model
    });
}

#[test]
fn alert_pane_in_every_state() {
    let alerts = |model| on(PaneId::Alerts, model);
    at_each(&SIZES, "alerts_fresh", |w, h| {
        let mut model = alerts(shop::shop(size(w, h)));
        press(&mut model, "l");
        press(&mut model, "j");
        press(&mut model, "x");
        model
    });
    at_each(&SIZES, "alerts_loading", |w, h| alerts(shop::silent(size(w, h))));
    at_each(&SIZES, "alerts_stale", |w, h| alerts(shop::stale(size(w, h))));
    at_each(&SIZES, "alerts_failed", |w, h| alerts(shop::failed(size(w, h))));
    at_each(&SIZES, "alerts_deaf", |w, h| alerts(shop::deaf(size(w, h))));
    at_each(&SIZES, "alerts_overflowing", |w, h| {
        alerts(shop::crowded(size(w, h), 1_000))
    });
    at_each(&SIZES, "alerts_empty", |w, h| alerts(shop::calm(size(w, h))));
}

#[test]
fn details_at_each_size() {
    at_each(&SIZES, "detail_slo", |w, h| {
        let mut model = shop::shop(size(w, h));
        press(&mut model, "enter");
        model
    });
    at_each(&SIZES, "detail_alert", |w, h| {
        let mut model = on(PaneId::Alerts, shop::shop(size(w, h)));
        press(&mut model, "j");
        press(&mut model, "enter");
        let Some(Detail::Alert(fingerprint)) = model.detail().cloned() else {
            panic!("an alert is open")
        };
        let result = Ok(shop::history());
        shop::tell(&mut model, Msg::AlertHistory { fingerprint, result });
        model
    });
    at_each(&SIZES, "detail_silences", |w, h| {
        let mut model = shop::shop(size(w, h));
        press(&mut model, "S");
        model
    });
}

#[test]
fn incident_pane_in_every_state() {
    let incident = |model| on(PaneId::Incident, model);
    at_each(&SIZES, "incident_fresh", |w, h| incident(shop::shop(size(w, h))));
    at_each(&SIZES, "incident_loading", |w, h| {
        incident(shop::silent(size(w, h)))
    });
    at_each(&SIZES, "incident_empty", |w, h| incident(shop::calm(size(w, h))));
    at_each(&SIZES, "incident_nowhere", |w, h| {
        let settings = midwatch::app::Settings {
            incidents: None,
            no_journal: Some("/state is read-only; set state_dir".to_owned()),
            ..shop::settings()
        };
        incident(shop::silent_with(settings, size(w, h)))
    });
    at_each(&SIZES, "incident_stale", |w, h| {
        let mut model = incident(shop::shop(size(w, h)));
        let mut feed = model.incidents.feed.clone();
        if let Some(last) = &mut feed.last {
            last.at = midwatch::time::Tick::from_secs(700);
        }
        feed.status = incidents::refused();
        shop::tell(&mut model, Msg::IncidentsFetched(feed));
        model
    });
    at_each(&SIZES, "incident_failed", |w, h| {
        let mut model = incident(shop::silent(size(w, h)));
        let mut feed = incidents::listed(Vec::new());
        feed.last = None;
        feed.status = incidents::refused();
        shop::tell(&mut model, Msg::IncidentsFetched(feed));
        model
    });
    at_each(&SIZES, "incident_overflowing", |w, h| {
        let mut model = incident(shop::shop(size(w, h)));
        let many = (0..1_000_u64).map(|n| Incident {
            id: format!("Q{n}").as_str().into(),
            number: Some(n),
            ..if n % 3 == 0 {
                incidents::search()
            } else {
                incidents::checkout()
            }
        });
        let mut board = incidents::board(many.collect());
        board.remarks = vec![
            "100 of more listed".to_owned(),
            "escalates only while a console is open".to_owned(),
        ];
        shop::tell(&mut model, Msg::IncidentsFetched(incidents::feed(board)));
        shop::tell(&mut model, Msg::Timer);
        press(&mut model, "g x j x G");
        model
    });
    at_each(&SIZES, "incident_single", |w, h| {
        let mut model = shop::silent(size(w, h));
        shop::tell(
            &mut model,
            Msg::IncidentsFetched(incidents::listed(vec![incidents::checkout()])),
        );
        incidents::tell_story(&mut model, incidents::story());
        incident(model)
    });
}

#[test]
fn an_open_incident_in_every_state() {
    let opened = |w, h, keys: &str| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "enter");
        press_all(&mut model, keys);
        model
    };
    at_each(&SIZES, "detail_incident", |w, h| opened(w, h, "k k enter"));
    at_each(&SIZES, "detail_incident_kinds", |w, h| opened(w, h, "esc b f"));
    at_each(&SIZES, "detail_incident_long", |w, h| {
        let mut model = opened(w, h, "");
        incidents::tell_story(&mut model, incidents::long_story());
        press(&mut model, "pgup pgup k k enter");
        model
    });
    at_each(&SIZES, "detail_incident_loading", |w, h| {
        let mut model = on(PaneId::Incident, shop::silent(size(w, h)));
        let listed = incidents::listed(vec![incidents::local()]);
        shop::tell(&mut model, Msg::IncidentsFetched(listed));
        press(&mut model, "enter");
        model
    });
    at_each(&SIZES, "detail_incident_failed", |w, h| {
        let mut model = on(PaneId::Incident, shop::silent(size(w, h)));
        let listed = incidents::listed(vec![incidents::search()]);
        shop::tell(&mut model, Msg::IncidentsFetched(listed));
        press(&mut model, "enter");
        let mut feed = incidents::timeline_feed(incidents::story());
        feed.last = None;
        feed.status = incidents::refused();
        let incident = incidents::search().id;
        shop::tell(&mut model, Msg::TimelineFetched { incident, feed });
        model
    });
    at_each(&SIZES, "detail_outbox", |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        let entry = incidents::escalation;
        let entries = vec![
            entry(17, 40, State::Pending),
            entry(18, 900, State::NeedsDecision),
            entry(19, 1_200, State::Confirmed),
        ];
        shop::tell(&mut model, incidents::outbox(entries));
        press(&mut model, "esc U j");
        model
    });
}

#[test]
fn an_input_that_told_no_time_shows_none_and_one_that_ended_empty_says_so() {
    use midwatch::app::logs::{LogsAsk, Past};
    use midwatch::backend::logs::TailMode;
    use midwatch::domain::log::{Batch, Level, Stream};
    let shown = |texts: &[&str]| {
        let mut batch = Batch::default();
        batch.streams.push(std::sync::Arc::new(Stream::default()));
        for text in texts {
            batch.push(None, 0, Level::Unknown, text.as_bytes(), b"");
        }
        let mut view = logs::view(logs::store(&[batch]).snapshot(), LogsAsk::default());
        (view.mode, view.past) = (Some(TailMode::Ended), Past::Whole);
        let mut model = on(PaneId::Logs, logs::reading(size(120, 40)));
        press_all(&mut model, "z");
        shop::tell(&mut model, Msg::LogsChanged(std::sync::Arc::new(view)));
        rows(&drawn(&model).0).join("\n")
    };
    let timeless = shown(&["one", "two"]);
    assert!(
        timeless.contains("two") && !timeless.contains("00:00:00"),
        "{timeless}"
    );
    let timed = shown(&["2026-11-20T03:14:05Z two"]);
    assert!(timed.contains("03:14:05.000"), "{timed}");
    let empty = shown(&[]);
    assert!(
        empty.contains("read to its end, and there is no line in it"),
        "{empty}"
    );
    assert!(!empty.contains("yet") && !empty.contains("older"), "{empty}");
}

#[test]
fn log_lines_in_every_state() {
    use midwatch::app::logs::LogsAsk;
    use midwatch::logstore::{Limits, Store};
    let opened = |w, h, keys: &str| {
        let mut model = on(PaneId::Logs, logs::reading(size(w, h)));
        press_all(&mut model, keys);
        model
    };
    at_each(&SIZES, "logs", |w, h| opened(w, h, ""));
    at_each(&SIZES, "logs_still", |w, h| {
        let mut model = opened(w, h, "k k k m");
        let mut store = logs::store(&[logs::story()]);
        store.ingest(&logs::batch(&[(
            1,
            "cart",
            midwatch::domain::log::Level::Info,
            "GET /healthz 200",
        )]));
        logs::tell_lines(&mut model, &store, LogsAsk::default());
        model
    });
    at_each(&SIZES, "logs_wrapped", |w, h| opened(w, h, "k k k w"));
    at_each(&SIZES, "logs_searched", |w, h| {
        let mut model = opened(w, h, "/");
        shop::type_text(&mut model, "pool");
        let ask = LogsAsk {
            search: "pool".to_owned(),
            ..LogsAsk::default()
        };
        logs::tell_lines(&mut model, &logs::store(&[logs::story()]), ask);
        model
    });
    at_each(&[(120, 40)], "logs_marked_by_a_regex", |w, h| {
        let mut model = opened(w, h, "w /");
        shop::type_text(&mut model, "/po+l|charge \\(.*rs/");
        let ask = LogsAsk {
            search: "/po+l|charge \\(.*rs/".to_owned(),
            ..LogsAsk::default()
        };
        logs::tell_lines(&mut model, &logs::store(&[logs::story()]), ask);
        model
    });
    at_each(&[(80, 24)], "logs_query_refused", |w, h| {
        let mut model = opened(w, h, "Q");
        shop::type_text(&mut model, "{app=");
        press(&mut model, "enter");
        let refused = midwatch::app::logs::Refused {
            query: "{app=".to_owned(),
            why: "parse error at line 1, col 6: unexpected end".to_owned(),
        };
        let view = midwatch::app::logs::LogView {
            refused: Some(refused.into()),
            ..logs::view(logs::store(&[logs::story()]).snapshot(), LogsAsk::default())
        };
        shop::tell(&mut model, Msg::LogsChanged(std::sync::Arc::new(view)));
        model
    });
    at_each(&[(120, 40)], "logs_relative", |w, h| opened(w, h, "k k L L"));
    at_each(&SIZES, "logs_nothing_matches", |w, h| {
        let mut model = opened(w, h, "");
        let ask = LogsAsk {
            filter: "nowhere".to_owned(),
            ..LogsAsk::default()
        };
        logs::tell_lines(&mut model, &logs::store(&[logs::story()]), ask);
        model
    });
    at_each(&SIZES, "logs_loading", |w, h| {
        on(PaneId::Logs, shop::silent_with(logs::with_logs(), size(w, h)))
    });
    at_each(&SIZES, "logs_failed", |w, h| {
        let mut model = on(PaneId::Logs, shop::silent_with(logs::with_logs(), size(w, h)));
        let view = midwatch::app::logs::LogView {
            failure: Some("no connection: Connection refused; check the address".to_owned()),
            ..logs::view(Store::new(Limits::default()).snapshot(), LogsAsk::default())
        };
        shop::tell(&mut model, Msg::LogsChanged(std::sync::Arc::new(view)));
        model
    });
    at_each(&SIZES, "detail_log_line", |w, h| opened(w, h, "k k k enter"));
}

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
    at_each(&SIZES, "traces_dots", |w, h| listed(w, h, "w z"));
    at_each(&[(80, 24)], "traces_narrowed", |w, h| {
        let mut model = tracelist::narrowed(size(w, h));
        press_all(&mut model, "o");
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

proptest! {
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

#[test]
fn pick_lists_where_room_is_scarce() {
    let asking = |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "e");
        model
    };
    at_each(&SMALL, "pick_asking", asking);
    at_each(&SMALL, "pick_levels", |w, h| {
        let mut model = asking(w, h);
        let (incident, result) = (incidents::checkout().id, Ok(incidents::ladder().into()));
        shop::tell(&mut model, Msg::LadderFetched { incident, result });
        model
    });
    at_each(&SMALL, "pick_people", |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "m");
        let directory = Ok(incidents::directory().into());
        shop::tell(&mut model, Msg::DirectoryFetched(directory));
        shop::type_text(&mut model, "sa");
        model
    });
}

#[test]
fn who_to_phone_is_in_sight_where_an_escalation_is_not_delivered() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for keys in ["", "enter", "U"] {
            let mut model = on(PaneId::Incident, shop::shop(size(width, height)));
            let entries = vec![incidents::escalation(17, 40, State::Pending)];
            shop::tell(&mut model, incidents::outbox(entries));
            press_all(&mut model, keys);
            let text = rows(&drawn(&model).0);
            assert!(
                text[1]
                    .contains("ESCALATION NOT DELIVERED 30s: #4711 to level 2; phone Mara +49 30 5550 114"),
                "{keys} {width}x{height}: {}",
                text[1]
            );
        }
    }
}

#[test]
fn who_midwatch_acts_as_is_unmistakable_where_it_is_somebody_else() {
    for width in [40, 80, 120, 200] {
        let mut model = shop::shop(size(width, 24));
        let mut board = incidents::board(vec![incidents::checkout()]);
        if let Some(acting) = &mut board.acting_as {
            acting.conflict = Some("the token is Jun's, from says mara@example.com".to_owned());
        }
        shop::tell(&mut model, Msg::IncidentsFetched(incidents::feed(board)));
        let top = rows(&drawn(&model).0).remove(0);
        assert!(top.contains("ACTING AS Jun"), "{width}: {top}");
    }
}

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
fn what_is_being_written_stands_below_what_it_is_about() {
    at_each(&SIZES, "writing_note", |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "enter n");
        shop::type_text(&mut model, "Rolled back; errors fall.");
        press(&mut model, "enter");
        shop::type_text(&mut model, "TODO raise the limit");
        model
    });
    at_each(&SIZES, "writing_note_from_alert", |w, h| {
        let mut model = on(PaneId::Alerts, shop::shop(size(w, h)));
        press(&mut model, "j n");
        model
    });
    at_each(&[(40, 10), (80, 24)], "writing_declaration", |w, h| {
        let mut model = on(PaneId::Alerts, shop::shop(size(w, h)));
        press(&mut model, "j i tab");
        model
    });
    at_each(&SMALL, "writing_too_long", |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "enter N");
        let text = "שלום 👩‍🚒 wait \u{202e}and fail. ".repeat(2_000);
        shop::tell(&mut model, Msg::Input(midwatch::terminal::Input::Paste(text)));
        press(&mut model, "alt-enter");
        model
    });
}

#[test]
fn pages_of_text_at_each_size() {
    at_each(&SMALL, "page_on_call", |w, h| {
        let mut model = shop::shop(size(w, h));
        press(&mut model, "W");
        model
    });
    at_each(&SMALL, "page_hand_over", |w, h| {
        let mut model = shop::shop(size(w, h));
        press(&mut model, ":");
        shop::type_text(&mut model, "handoff.write");
        press(&mut model, "enter");
        let result = Ok("# Hand-over\n\n> written by hand\n\n- checkout errors, taken by Jun\n".to_owned());
        let what = midwatch::app::effect::WriteUp::HandOff;
        shop::tell(&mut model, Msg::Written { what, result });
        model
    });
}

#[test]
fn a_light_that_is_not_lit_is_seen_at_every_width() {
    for width in 40..200 {
        for model in [shop::stale(size(width, 24)), shop::failed(size(width, 24))] {
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

fn press_all(model: &mut Model, keys: &str) {
    if !keys.is_empty() {
        press(model, keys);
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
