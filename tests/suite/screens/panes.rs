//! The panes of SLOs, alerts and log lines, and what opens from them.

use midwatch::app::Msg;
use midwatch::app::focus::{Detail, PaneId};
use midwatch::domain::log::Level;

use super::{SIZES, at_each, drawn, on, press_all, rows};
use crate::fixtures::{self as shop, logs, press, size};

#[test]
fn where_nobody_answers_the_tabs_keep_the_names_of_their_panes() {
    let mut model = shop::failed(size(80, 24));
    let down = shop::tracelist::failed(size(80, 24));
    (model.traces, model.settings.traces) = (down.traces, down.settings.traces);
    model.layout.absent.clear();
    let tabs = rows(&drawn(&model).0).swap_remove(1);
    for named in ["1 SLO ?", "2 Alerts ?", "4 Traces ?", "5 Incident"] {
        assert!(tabs.contains(named), "{named} in {tabs}");
    }
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

/// The shop with every signal, its marks and its story, lines in hand.
fn everything(w: u16, h: u16, keys: &str) -> midwatch::app::Model {
    use crate::fixtures::{incidents, tracelist, waterfalls};
    let settings = midwatch::app::Settings {
        logs: logs::with_logs().logs,
        ..waterfalls::with_traces()
    };
    let mut model = shop::shop_with(settings, size(w, h));
    incidents::happen(&mut model);
    let ask = midwatch::app::logs::LogsAsk::default();
    logs::tell_lines(&mut model, &logs::store(&[logs::story()]), ask);
    tracelist::answer(
        &mut model,
        tracelist::traces(),
        midwatch::domain::trace::summary::Whole::Yes,
    );
    press_all(&mut model, keys);
    model
}

#[test]
fn one_moment_on_one_axis_in_every_pane() {
    at_each(&SIZES, "strip", |w, h| everything(w, h, "3 k k k 2 V"));
    let mut ascii = everything(80, 24, "3 k k k 2 V");
    ascii.layout.hidden.clear();
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    let theme = midwatch::theme::Theme::from_styles("", midwatch::theme::Glyphs::Ascii, |_| {
        ratatui::style::Style::new()
    });
    midwatch::view::draw(&ascii, &theme, shop::now(), &mut buffer);
    let text = rows(&buffer).join("\n");
    let strip: String = text.lines().skip(1).take(6).collect();
    assert!(strip.is_ascii(), "{strip}");
    for sign in ['^', '*', '|', 'v'] {
        assert!(strip.contains(sign), "{sign} in {text}");
    }
}

#[test]
fn a_range_is_said_by_what_it_means_to_each_pane() {
    at_each(&[(120, 40), (200, 60)], "ranged", |w, h| {
        everything(w, h, "2 g . [ 4 !")
    });
    at_each(&[(80, 24)], "ranged", |w, h| everything(w, h, "2 g . ["));
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
            why: "HTTP 400: parse error at line 1, col 6: syntax error: unexpected IDENTIFIER, expecting } or ,"
                .to_owned(),
            of: midwatch::app::logs::RefusedFor::TheQuery,
        };
        let view = midwatch::app::logs::LogView {
            refused: Some(refused.into()),
            ..logs::view(logs::store(&[logs::story()]).snapshot(), LogsAsk::default())
        };
        shop::tell(&mut model, Msg::LogsChanged(std::sync::Arc::new(view)));
        model
    });
    at_each(
        &[(80, 24), (120, 40)],
        "logs_of_two_days_and_a_gap_at_the_end",
        |w, h| {
            let mut model = opened(w, h, "");
            let day = 86_400;
            let lines = logs::batch(&[
                (2 * day, "cart", Level::Info, "the day before yesterday"),
                (day, "cart", Level::Info, "yesterday"),
                (day - 1, "cart", Level::Info, "a second later"),
                (30, "cart", Level::Info, "today"),
            ]);
            let mut store = logs::store(&[lines]);
            store.gap(midwatch::domain::log::Gap {
                from: logs::seconds_ago(20),
                to: logs::seconds_ago(2),
                reason: midwatch::domain::log::GapReason::Disconnected,
            });
            logs::tell_lines(&mut model, &store, LogsAsk::default());
            press(&mut model, "k k");
            model
        },
    );
    at_each(&[(80, 24)], "logs_on_a_hit", |w, h| {
        let mut model = opened(w, h, "w /");
        shop::type_text(&mut model, "pool");
        let ask = LogsAsk {
            search: "pool".to_owned(),
            ..LogsAsk::default()
        };
        logs::tell_lines(&mut model, &logs::store(&[logs::story()]), ask);
        press(&mut model, "enter");
        model
    });
    at_each(&[(120, 40)], "logs_columns", |w, h| {
        opened(w, h, "C n a m tab space t r a c e tab enter")
    });
    at_each(&[(80, 24)], "logs_naming_columns", |w, h| opened(w, h, "C n a"));
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
    at_each(&SIZES, "logs_file_being_read", |w, h| {
        let mut model = on(PaneId::Logs, shop::silent_with(logs::with_logs(), size(w, h)));
        let mut store = logs::store(&[logs::story()]);
        store.gap(midwatch::domain::log::Gap {
            from: logs::seconds_ago(55),
            to: logs::seconds_ago(43),
            reason: midwatch::domain::log::GapReason::Reading,
        });
        let view = midwatch::app::logs::LogView {
            mode: Some(midwatch::backend::logs::TailMode::Reading { percent: 27, left: 0 }),
            ..logs::view(store.snapshot(), LogsAsk::default())
        };
        shop::tell(&mut model, Msg::LogsChanged(std::sync::Arc::new(view)));
        model
    });
    at_each(&[(80, 24)], "health_of_log_files", |w, h| {
        use midwatch::backend::logs::{Survey, Surveyed};
        let mut model = opened(w, h, "");
        let surveyed = |path: &str, found: Result<_, &str>| Surveyed {
            path: path.to_owned(),
            found: found.map_err(str::to_owned),
        };
        let survey = Survey {
            files: vec![
                surveyed(
                    "/var/log/shop/cart.log",
                    Ok((69_144_273, Some(logs::seconds_ago(41)))),
                ),
                surveyed("/var/log/shop/pay.log", Ok((0, None))),
                surveyed("/var/log/shop/secret.log", Err("Permission denied (os error 13)")),
            ],
            more: 3,
            missing: vec!["/var/log/shop/mail*.log".to_owned()],
        };
        let view = midwatch::app::logs::LogView {
            files: Some(std::sync::Arc::new(survey)),
            ..logs::view(logs::store(&[logs::story()]).snapshot(), LogsAsk::default())
        };
        shop::tell(&mut model, Msg::LogsChanged(std::sync::Arc::new(view)));
        press(&mut model, "H");
        model
    });
    at_each(&[(80, 24)], "logs_hit_outside_a_cut_row", |w, h| {
        let mut model = opened(w, h, "/");
        shop::type_text(&mut model, "charge");
        let ask = LogsAsk {
            search: "charge".to_owned(),
            ..LogsAsk::default()
        };
        logs::tell_lines(&mut model, &logs::store(&[logs::story()]), ask);
        model
    });
    at_each(&SIZES, "detail_log_line", |w, h| opened(w, h, "k k k enter"));
}
