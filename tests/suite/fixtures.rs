//! Models with a fixed clock, built as the console builds them: by messages through `update`.
//!
//! A small shop of ten services in the middle of a bad deploy of checkout. Shared with the pictures of the screens.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_arguments,
    clippy::cast_possible_wrap,
    missing_docs,
    reason = "test material, used by several targets in part"
)]

#[path = "fixtures/alerts.rs"]
pub mod alerts;
#[path = "fixtures/cases.rs"]
pub mod cases;
#[path = "fixtures/incidents.rs"]
pub mod incidents;
#[path = "fixtures/logs.rs"]
pub mod logs;
#[path = "fixtures/pages.rs"]
pub mod pages;
#[path = "fixtures/slos.rs"]
pub mod slos;
#[path = "fixtures/spans.rs"]
pub mod spans;
#[path = "fixtures/tracelist.rs"]
pub mod tracelist;
#[path = "fixtures/waterfalls.rs"]
pub mod waterfalls;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use midwatch::action::{Action, TABLE};
use midwatch::app::feed::{Feed, Fetched, Status};
use midwatch::app::focus::{Layout, PaneId};
use midwatch::app::update::update;
use midwatch::app::{BackendHealth, Effect, Model, Msg, Settings};
use midwatch::backend::http::Counters;
use midwatch::domain::alert::{AlertBoard, PipelineFault};
use midwatch::domain::slo::{HadData, Reading, SloBoard, SloState, Staleness};
use midwatch::keymap;
use midwatch::terminal::Input;
use midwatch::time::{Now, Tick};
use ratatui::layout::Size;

pub use alerts::*;
pub use slos::*;

/// 03:14:07 UTC, a thousand seconds after the start.
pub fn now() -> Now {
    Now::fixed(Utc.with_ymd_and_hms(2026, 11, 20, 3, 14, 7).unwrap(), 1_000)
}

/// So many seconds after that.
pub fn later(seconds: u64) -> Now {
    let utc = now().utc + TimeDelta::seconds(i64::try_from(seconds).unwrap());
    Now::fixed(utc, 1_000 + seconds)
}

pub fn ago(minutes: i64) -> DateTime<Utc> {
    now().utc - TimeDelta::minutes(minutes)
}

pub fn size(width: u16, height: u16) -> Size {
    Size { width, height }
}

pub fn settings() -> Settings {
    Settings {
        context: "prod-eu".to_owned(),
        contexts: vec!["prod-eu".to_owned(), "staging".to_owned()],
        theme: "midwatch".to_owned(),
        themes: vec!["midwatch".to_owned(), "light".to_owned()],
        danger: false,
        read_only: false,
        identity: "jun@example.com".to_owned(),
        ack_lease: Duration::from_secs(900),
        ack_max: Duration::from_secs(4 * 3_600),
        ack_idle: Duration::from_secs(3_600),
        silence_max: Duration::from_secs(24 * 3_600),
        grace: Duration::from_secs(5),
        has_metrics: true,
        logs: None,
        traces: None,
        trace_ui: None,
        services: Arc::default(),
        alertmanagers: vec!["eu-0".into(), "eu-1".into()],
        writable: vec!["eu-0".into(), "eu-1".into()],
        incidents: Some("pagerduty".into()),
        no_journal: None,
        annotations: None,
        runbooks: midwatch::runbook::Policy::default(),
        update_due: Duration::from_secs(900),
        progress_due: Duration::from_secs(1_800),
        warnings: Vec::new(),
    }
}

/// A console that has not heard from anybody.
pub fn silent(size: Size) -> Model {
    silent_with(settings(), size)
}

pub fn silent_with(settings: Settings, size: Size) -> Model {
    let keymap = keymap::load("default", None).unwrap();
    Model::new(settings, Arc::new(keymap), Layout::default(), size, now())
}

/// The shop on fire, everything fresh.
pub fn shop(size: Size) -> Model {
    filled(silent(size))
}

/// The same in another context.
pub fn shop_with(settings: Settings, size: Size) -> Model {
    filled(silent_with(settings, size))
}

/// The shop on fire in a context where acts are dangerous.
pub fn dangerous_shop(size: Size) -> Model {
    let settings = Settings {
        danger: true,
        ..settings()
    };
    filled(silent_with(settings, size))
}

fn filled(mut model: Model) -> Model {
    tell(&mut model, Msg::HealthChanged(healthy()));
    tell(&mut model, Msg::SloFetched(slo_feed(slo_board())));
    tell(&mut model, Msg::AlertsArranged(Arc::new(alert_board())));
    incidents::happen(&mut model);
    model
}

/// All is calm and believed.
pub fn calm(size: Size) -> Model {
    let mut model = silent(size);
    tell(&mut model, Msg::HealthChanged(healthy()));
    let mut board = slo_board();
    board.slos.retain(|report| report.state == SloState::Ok);
    board.warnings.clear();
    tell(&mut model, Msg::SloFetched(slo_feed(board)));
    let calm = AlertBoard {
        pipeline: believed(),
        sources: answering(),
        ..AlertBoard::default()
    };
    tell(&mut model, Msg::AlertsArranged(Arc::new(calm)));
    tell(&mut model, Msg::IncidentsFetched(incidents::listed(Vec::new())));
    model
}

/// SLOs are defined, and the metrics backend has never answered about them.
pub fn unanswered(size: Size) -> Model {
    let mut model = deaf(size);
    let mut feed = Feed {
        last: slo_feed(SloBoard {
            slos: ["checkout", "payment", "search"]
                .map(|service| {
                    let name = format!("{service}-availability");
                    Arc::new(unread(&name, service, SloState::NoData, &Reading::Pending))
                })
                .into(),
            ..SloBoard::default()
        })
        .last,
        ..model.slo.feed.clone()
    };
    for report in &mut Arc::make_mut(&mut feed.last.as_mut().unwrap().value).slos {
        Arc::make_mut(report).had_data = HadData::No;
    }
    tell(&mut model, Msg::SloFetched(feed));
    model
}

/// The shop with one SLO whose shortest window is not answered any more, its longer ones are.
pub fn partly_stale(size: Size) -> Model {
    let mut model = shop(size);
    let mut board = slo_board();
    Arc::make_mut(&mut board.slos[0]).windows[0].stale = Staleness::Stale;
    tell(&mut model, Msg::SloFetched(slo_feed(board)));
    model
}

/// Both Alertmanagers refuse the connection, from the start: a board of nothing but faults.
pub fn deaf(size: Size) -> Model {
    let mut model = failed(size);
    let cause =
        "GET /api/v2/status: connection refused (127.0.0.1:9093); is the server running, and the url right?";
    let mut board = AlertBoard::default();
    for mut source in answering() {
        board.pipeline.faults.push(PipelineFault::SourceDown {
            source: format!("alertmanager {}", source.name).into(),
            cause: cause.to_owned(),
            since: midwatch::time::Tick::ZERO,
        });
        source.age = None;
        source.fault = Some(cause.into());
        board.sources.push(source);
    }
    tell(&mut model, Msg::AlertsArranged(Arc::new(board)));
    model
}

/// Answers stopped three minutes ago.
pub fn stale(size: Size) -> Model {
    let mut model = shop(size);
    let failed = Status::Failed {
        cause: "503 Service Unavailable from metrics; the server is overloaded".into(),
        since: Tick::from_secs(820),
        next_try: Tick::from_secs(1_012),
    };
    let mut feed = slo_feed(slo_board());
    feed.last = feed.last.map(|last| Fetched {
        at: Tick::from_secs(815),
        ..last
    });
    feed.status = failed.clone();
    tell(&mut model, Msg::SloFetched(feed));
    let mut health = healthy();
    health[0].status = failed.clone();
    health[0].last_good = Some(Tick::from_secs(815));
    health[2].status = failed;
    health[2].last_good = Some(Tick::from_secs(815));
    tell(&mut model, Msg::HealthChanged(health));
    let mut board = alert_board();
    board.pipeline.faults.push(PipelineFault::SourceDown {
        source: "alertmanager eu-1".into(),
        cause: "GET /api/v2/alerts: 503 Service Unavailable".to_owned(),
        since: Tick::from_secs(815),
    });
    board.sources[1].fault = Some("GET /api/v2/alerts: 503 Service Unavailable".into());
    tell(&mut model, Msg::AlertsArranged(Arc::new(board)));
    model
}

/// Nothing has ever answered.
pub fn failed(size: Size) -> Model {
    let mut model = silent(size);
    let cause =
        "GET /api/v1/query: connection refused (127.0.0.1:9090); is the server running, and the url right?";
    let status = Status::Failed {
        cause: cause.into(),
        since: Tick::from_secs(940),
        next_try: Tick::from_secs(1_008),
    };
    let mut feed = Feed::new(Duration::from_secs(15));
    feed.status = status.clone();
    tell(&mut model, Msg::SloFetched(feed));
    let health = healthy()
        .into_iter()
        .map(|health| BackendHealth {
            status: status.clone(),
            last_good: None,
            ..health
        })
        .collect();
    tell(&mut model, Msg::HealthChanged(health));
    model
}

/// More than any screen holds: `alerts` alerts in groups of twenty, 500 SLOs, long and wide names.
pub fn crowded(size: Size, alerts: usize) -> Model {
    let mut model = silent(size);
    tell(&mut model, Msg::HealthChanged(healthy()));
    let mut board = SloBoard::default();
    for index in 0..500 {
        let name = format!("a-service-with-quite-a-long-name-{index:03}-latency-below-200ms-and-more");
        let service = if index % 7 == 0 {
            "検索サービス"
        } else {
            "a-service-with-quite-a-long-name"
        };
        let burn = f64::from(500 - index) / 3.0;
        board.slos.push(Arc::new(report(
            &name,
            service,
            99.95,
            burn,
            0.5 - f64::from(index) / 700.0,
        )));
    }
    tell(&mut model, Msg::SloFetched(slo_feed(board)));
    tell(&mut model, Msg::AlertsArranged(Arc::new(crowd(alerts))));
    model
}

/// A frame of the open question was before somebody's eyes long enough, as the loop says it.
pub fn look(model: &mut Model, now: Now) {
    if let Some(window) = midwatch::view::question_window(model, now) {
        let drawn = model.attention.drawn(window);
        let before = now.tick.0.saturating_sub(midwatch::app::attention::LOOK);
        model.attention.presented(drawn, Tick(before));
    }
}

pub fn tell(model: &mut Model, msg: Msg) {
    let effects = update(model, msg, now());
    look(model, now());
    for effect in effects {
        // What is looked for in an open trace is found at once.
        if let Effect::SeekSpans(seeking) = effect {
            let result = seeking.run().map(Arc::new);
            let (id, text) = (seeking.id(), seeking.text);
            tell(model, Msg::SpansFound { id, text, result });
        } else if let Effect::AlignTraces(aligning) = effect {
            tell(model, Msg::TracesAligned(Arc::new(aligning.run())));
        }
    }
}

/// Presses keys, spelt as in a keymap: `j`, `ctrl-d`, `g g`.
pub fn press(model: &mut Model, keys: &str) {
    for chord in keymap::parse_sequence(keys).unwrap() {
        let key = crossterm::event::KeyEvent::new(chord.code, chord.modifiers);
        tell(model, Msg::Input(Input::Key(key)));
    }
}

/// Types a text, letter by letter.
pub fn type_text(model: &mut Model, text: &str) {
    for c in text.chars() {
        let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c));
        tell(model, Msg::Input(Input::Key(key)));
    }
}

pub fn focus(model: &mut Model, pane: PaneId) {
    press(model, &pane.number().to_string());
}

/// Every action of the table, for tests that try them all.
pub fn actions() -> impl Iterator<Item = Action> {
    TABLE.iter().map(|row| row.action)
}

pub fn healthy() -> Vec<BackendHealth> {
    [
        ("metrics", 988, 12),
        ("alertmanager eu-0", 994, 3),
        ("alertmanager eu-1", 994, 4),
    ]
    .map(|(name, last_good, median)| BackendHealth {
        name: name.into(),
        status: Status::Idle,
        last_good: Some(Tick::from_secs(last_good)),
        interval: Duration::from_secs(15),
        counters: Counters {
            requests: 412,
            bytes: 3_412_345,
            errors: u64::from(name == "metrics"),
            last: Some(Duration::from_millis(median)),
            median: Some(Duration::from_millis(median)),
            slowest: Some(Duration::from_millis(median * 9)),
        },
        skew: Some(TimeDelta::milliseconds(120)),
        low: None,
    })
    .into()
}
