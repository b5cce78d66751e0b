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

#[path = "fixtures/incidents.rs"]
pub mod incidents;
#[path = "fixtures/logs.rs"]
pub mod logs;
#[path = "fixtures/spans.rs"]
pub mod spans;
#[path = "fixtures/tracelist.rs"]
pub mod tracelist;
#[path = "fixtures/waterfalls.rs"]
pub mod waterfalls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use midwatch::action::{Action, TABLE};
use midwatch::app::feed::{Feed, Fetched, Status};
use midwatch::app::focus::{Layout, PaneId};
use midwatch::app::update::update;
use midwatch::app::{BackendHealth, Effect, Model, Msg, Settings};
use midwatch::backend::http::Counters;
use midwatch::domain::alert::{
    Ack, AckState, Alert, AlertBoard, AlertCounts, AlertGroup, AlertState, BoardSilence, BoardSource,
    Fingerprint, Flaps, IsAck, Labels, MatchOp, Matcher, Occurrence, PipelineFault, PipelineHealth,
    SeverityRank, Silence, SilenceState,
};
use midwatch::domain::slo::{
    Budget, BudgetStatus, BurnRule, HadData, MeanOfRatios, Objective, Policy, Reachable, Reading,
    RollingExhaustion, RuleOrigin, RuleReport, RuleState, Severity, Sli, Slo, SloBoard, SloOrigin, SloReport,
    SloState, Staleness, Window, WindowReport,
};
use midwatch::keymap;
use midwatch::terminal::Input;
use midwatch::time::{Now, Tick};
use ratatui::layout::Size;

/// 03:14:07 UTC, a thousand seconds after the start.
pub fn now() -> Now {
    Now::fixed(Utc.with_ymd_and_hms(2026, 11, 20, 3, 14, 7).unwrap(), 1_000)
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
        alertmanagers: vec!["eu-0".into(), "eu-1".into()],
        writable: vec!["eu-0".into(), "eu-1".into()],
        incidents: Some("pagerduty".into()),
        no_journal: None,
        annotations: None,
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

/// Both Alertmanagers of the cluster, believed.
pub fn answering() -> Vec<BoardSource> {
    ["eu-0", "eu-1"]
        .map(|name| BoardSource {
            name: name.into(),
            cluster: "eu".into(),
            age: Some(Duration::from_secs(6)),
            fault: None,
        })
        .into()
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

pub fn crowd(alerts: usize) -> AlertBoard {
    let all: Vec<Alert> = (0..alerts)
        .map(|index| {
            let group = index / 20;
            let severity = ["critical", "warning", "info", "p3"][group % 4];
            let name = match group % 5 {
                0 => format!("KubernetesPodCrashLoopingInNamespaceOfAVeryLongName{group}"),
                1 => format!("🔥 OnFire{group}"),
                _ => format!("DiskWillFillIn4Hours{group}"),
            };
            let pod = format!("pod-{index:05}-7c9d8b6f5c-x2x4z");
            alert(&name, severity, "検索", 3 + index as i64 % 700, &[("pod", &pod)])
        })
        .collect();
    board_of(all)
}

pub fn tell(model: &mut Model, msg: Msg) {
    for effect in update(model, msg, now()) {
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

pub fn slo_feed(board: SloBoard) -> Feed<SloBoard> {
    let mut feed = Feed::new(Duration::from_secs(15));
    feed.last = Some(Fetched {
        value: Arc::new(board),
        at: Tick::from_secs(988),
    });
    feed
}

pub fn window(name: &str) -> Window {
    Window::named(name).unwrap()
}

fn rules() -> Vec<BurnRule> {
    [
        (Severity::Page, 14.4, "1h", "5m"),
        (Severity::Page, 6.0, "6h", "30m"),
        (Severity::Ticket, 3.0, "1d", "2h"),
        (Severity::Ticket, 1.0, "3d", "6h"),
    ]
    .map(|(severity, factor, long, short)| BurnRule {
        severity,
        factor,
        long: window(long),
        short: window(short),
        hold: Duration::ZERO,
        origin: RuleOrigin::Default,
    })
    .into()
}

/// A report whose burn decays over longer windows, and whose state, words and budget follow from it.
pub fn report(name: &str, service: &str, percent: f64, burn: f64, left: f64) -> SloReport {
    let objective = Objective::from_percent(percent).unwrap();
    let slo = Arc::new(Slo {
        name: name.to_owned(),
        service: service.to_owned(),
        objective,
        period: window("30d"),
        sli: Sli::Recorded {
            by_window: BTreeMap::new(),
            period_is_mean_of_ratios: MeanOfRatios::No,
        },
        rules: rules(),
        origin: SloOrigin::Config,
        low_traffic: None,
        notes: Vec::new(),
    });
    let shares = [
        ("5m", 1.0),
        ("30m", 0.95),
        ("1h", 0.9),
        ("2h", 0.6),
        ("6h", 0.25),
        ("1d", 0.3),
        ("3d", 0.06),
    ];
    let mut windows: Vec<WindowReport> = shares
        .iter()
        .map(|(name, share)| measured(name, burn * share, objective))
        .collect();
    windows.push(measured("30d", 1.0 - left, objective));
    let burn_of = |window: &Window| {
        let found = windows.iter().find(|w| w.window == *window);
        found.and_then(|w| w.burn_rate).unwrap_or(0.0)
    };
    let rules: Vec<RuleReport> = slo
        .rules
        .iter()
        .map(|rule| RuleReport {
            rule: rule.clone(),
            state: match (
                burn_of(&rule.long) > rule.factor,
                burn_of(&rule.short) > rule.factor,
            ) {
                (true, true) => RuleState::Firing,
                (true, false) => RuleState::Recovering,
                (false, true) => RuleState::Starting,
                (false, false) => RuleState::Quiet,
            },
            reachable: Reachable::Yes,
        })
        .collect();
    let fires = |severity| {
        rules
            .iter()
            .any(|r| r.state == RuleState::Firing && r.rule.severity == severity)
    };
    let state = if fires(Severity::Page) {
        SloState::Page
    } else if fires(Severity::Ticket) {
        SloState::Ticket
    } else {
        SloState::Ok
    };
    let hour = burn * 0.9;
    let exhausts = (left > 0.0 && hour > 1.0).then(|| Duration::from_secs_f64(left / hour * 2_592_000.0));
    let (status, policy) = match left {
        l if l <= 0.0 => (BudgetStatus::Breached, Policy::Incident),
        l if l <= 0.1 => (BudgetStatus::Critical, Policy::Freeze),
        l if l <= 0.25 => (BudgetStatus::Warning, Policy::SlowDown),
        l if l <= 0.5 => (BudgetStatus::Healthy, Policy::SlowDown),
        _ => (BudgetStatus::Healthy, Policy::Normal),
    };
    let spark = (0..30u32)
        .map(|step| {
            let rise = (f64::from(step) / 29.0).powi(4);
            burn.min(0.4) + (burn - burn.min(0.4)) * rise * (1.0 + 0.1 * f64::from(step % 3))
        })
        .collect();
    let words = if state == SloState::Page {
        format!(
            "{burn:.1}× normal errors for 41 min; 3.1 % of the month spent; empty at 17:01Z if it keeps up"
        )
    } else {
        String::new()
    };
    SloReport {
        slo,
        state,
        windows,
        rules,
        budget: Some(Budget {
            remaining: left,
            status,
            policy,
            remaining_minutes: left * 43_200.0 * objective.budget(),
            events_left: Some(left * 1.2e5),
            exhausts_in: exhausts,
            exhausts_rolling: Some(
                exhausts.map_or(RollingExhaustion::Never, |d| RollingExhaustion::In(d + d / 8)),
            ),
        }),
        covered: Some(Duration::from_secs(2_592_000)),
        last_known: None,
        had_data: HadData::Yes,
        words,
        warnings: Vec::new(),
        partial: None,
        spark,
        spark_at: (0..30).map(|step| ago(58 - 2 * step)).collect(),
        history: Arc::from([]),
    }
}

fn measured(name: &str, burn: f64, objective: Objective) -> WindowReport {
    WindowReport {
        window: window(name),
        reading: Reading::Ratio {
            error_ratio: burn * objective.budget(),
            events: Some(1e5),
        },
        burn_rate: Some(burn),
        low_traffic: None,
        age: Duration::from_secs(12),
        stale: Staleness::Fresh,
    }
}

/// The period's error ratios, a sample each six hours, bad at the end.
fn with_history(mut report: SloReport) -> SloReport {
    let budget = report.slo.objective.budget();
    report.history = (0..120)
        .map(|sample: i64| {
            let at = now().utc - TimeDelta::hours((119 - sample) * 6);
            let bad = if sample > 116 {
                12.0
            } else {
                0.1 + 0.9 * ((sample * 37 % 23) as f64 / 23.0)
            };
            (at, bad * budget)
        })
        .collect();
    report
}

fn unread(name: &str, service: &str, state: SloState, reading: &Reading) -> SloReport {
    let mut report = report(name, service, 99.9, 0.0, 0.9);
    report.state = state;
    for window in &mut report.windows {
        window.reading = reading.clone();
        window.burn_rate = (*reading == Reading::NoTraffic).then_some(0.0);
    }
    for rule in &mut report.rules {
        rule.state = if *reading == Reading::NoTraffic {
            RuleState::Quiet
        } else {
            RuleState::Unknown
        };
    }
    if *reading != Reading::NoTraffic {
        report.budget = None;
        report.spark = Vec::new();
    }
    report
}

pub fn slo_board() -> SloBoard {
    let mut lost = unread("login-availability", "login", SloState::NoData, &Reading::NoData);
    lost.last_known = Some((SloState::Page, ago(4)));
    let mut young = report("recommend-latency", "recommend", 99.0, 0.3, 0.97);
    young.covered = Some(Duration::from_secs(2 * 86_400));
    young.warnings = vec!["bucket le=\"0.25\" stands in for 0.2".to_owned()];
    let mut partial = report("shipping-availability", "shipping", 99.5, 0.7, 0.64);
    partial.partial = Some("store eu-2 did not answer".into());
    let broken = Reading::Error("parse error: unexpected end of input at 1:17".into());
    let slos = vec![
        with_history(report("checkout-availability", "checkout", 99.9, 21.3, 0.41)),
        report("payment-availability", "payment", 99.95, 17.2, 0.08),
        lost,
        report("search-latency-200ms", "search", 99.0, 11.4, 0.77),
        unread("gateway-errors", "gateway", SloState::Error, &broken),
        report("cart-availability", "cart", 99.9, 0.2, -0.12),
        report("catalog-availability", "catalog", 99.9, 0.0, 0.98),
        partial,
        young,
        report("login-latency-500ms", "login", 99.0, 0.1, 1.0),
        report("gateway-availability", "gateway", 99.99, 0.4, 0.22),
        unread(
            "email-delivery",
            "email",
            SloState::NoTraffic,
            &Reading::NoTraffic,
        ),
    ];
    SloBoard {
        slos: slos.into_iter().map(Arc::new).collect(),
        warnings: vec!["slos/search.yaml: objective 101 is no percentage; write 0 to 100".to_owned()],
        errors: Vec::new(),
    }
}

pub fn alert(name: &str, severity: &str, service: &str, minutes: i64, labels: &[(&str, &str)]) -> Alert {
    let mut all = vec![
        ("alertname", name),
        ("severity", severity),
        ("service", service),
        ("env", "prod"),
    ];
    all.extend_from_slice(labels);
    let text = format!("{name}{service}{labels:?}");
    // FNV-1a, so that fixtures have steady fingerprints.
    let fingerprint = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Alert {
        occurrence: Occurrence {
            fingerprint: Fingerprint(fingerprint),
            starts_at: ago(minutes),
        },
        sources: vec!["eu-0".into(), "eu-1".into()],
        state: AlertState::Active,
        name: name.into(),
        severity: Some(severity.into()),
        service: service.into(),
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
        muted_by: Vec::new(),
        ack: AckState::None,
        updated_at: now().utc,
        ended_at: None,
        labels: all.into_iter().collect(),
        annotations: [
            ("summary", format!("{name} on {service}")),
            (
                "description",
                format!(
                    "More than 5 % of the requests to {service} fail.\nThe connection pool may be exhausted: look at pool_in_use, then at the last deploy."
                ),
            ),
            ("runbook_url", format!("https://runbooks.example/{service}/{name}")),
        ]
        .into_iter()
        .collect(),
        generator_url: "https://prometheus.example/graph?g0.expr=sum%28rate%28http_requests_total%29%29".into(),
        receivers: vec!["oncall".into()],
        flaps: Flaps(0),
    }
}

fn ack(by: &str, minutes: i64) -> Ack {
    Ack {
        by: by.into(),
        at: ago(minutes),
        until: now().utc + TimeDelta::minutes(11),
        silences: vec![("eu-0".into(), "0b9e2d1c-6a51-4f0e-9d6e-3f1f7a2b4c5d".into())],
        note: "looking at the pool".into(),
    }
}

pub fn alert_board() -> AlertBoard {
    let mut all = Vec::new();
    for pod in ["checkout-7f9c-2x4z", "checkout-7f9c-8k1p", "checkout-7f9c-qq7d"] {
        all.push(alert(
            "HighErrorRate",
            "critical",
            "checkout",
            12,
            &[("pod", pod)],
        ));
    }
    all[1].flaps = Flaps(5);
    let mut taken = alert("ErrorBudgetBurn", "critical", "checkout", 9, &[]);
    taken.state = AlertState::Suppressed;
    taken.ack = AckState::Held(ack("mara@example.com", 4));
    taken.silenced_by = vec!["0b9e2d1c-6a51-4f0e-9d6e-3f1f7a2b4c5d".into()];
    all.push(taken);
    let mut refired = alert(
        "PoolExhausted",
        "critical",
        "payment",
        2,
        &[("instance", "payment-0:8080")],
    );
    refired.state = AlertState::Suppressed;
    refired.ack = AckState::HiddenBy(ack("mara@example.com", 31));
    all.push(refired);
    let mut mine = alert("PaymentErrors", "page", "payment", 22, &[]);
    mine.ack = AckState::Held(ack("jun@example.com", 17));
    all.push(mine);
    all.push(alert(
        "HighLatency",
        "warning",
        "search",
        4,
        &[("route", "/search")],
    ));
    let mut flapping = alert("QueueBacklog", "warning", "email", 65, &[]);
    flapping.flaps = Flaps(7);
    all.push(flapping);
    let mut silenced = alert(
        "DiskWillFill",
        "warning",
        "catalog",
        3_000,
        &[("instance", "catalog-db-1:9100")],
    );
    silenced.state = AlertState::Suppressed;
    silenced.silenced_by = vec!["5f1d8a3e-1111-4c1c-8d2b-a6d5e4c3b2a1".into()];
    all.push(silenced);
    let mut inhibited = alert("LatencySlow", "warning", "checkout", 11, &[]);
    inhibited.state = AlertState::Suppressed;
    inhibited.inhibited_by = vec![all[0].occurrence.fingerprint.to_string().into()];
    all.push(inhibited);
    let mut resolved = alert("NodeNotReady", "warning", "cart", 50, &[]);
    resolved.state = AlertState::Resolved;
    resolved.ended_at = Some(ago(3));
    all.push(resolved);
    all.push(alert("CertificateExpires", "info", "gateway", 4_000, &[]));
    all.push(alert("OddThing", "", "", 8, &[]));
    let mut board = board_of(all);
    board.counts = AlertCounts {
        active: 8,
        acknowledged: 2,
        suppressed: 2,
        shown: 14,
    };
    board.silences = silences();
    board
}

fn believed() -> PipelineHealth {
    PipelineHealth {
        faults: Vec::new(),
        age: Some(Duration::from_secs(9)),
        unknown: Vec::new(),
    }
}

/// Groups by name and service, in the order given.
pub fn board_of(alerts: Vec<Alert>) -> AlertBoard {
    let mut groups: Vec<AlertGroup> = Vec::new();
    let mut by_fingerprint = BTreeMap::new();
    let mut counts = AlertCounts::default();
    for alert in alerts {
        let alert = Arc::new(alert);
        by_fingerprint.insert(alert.occurrence.fingerprint, Arc::clone(&alert));
        counts.active += usize::from(alert.state == AlertState::Active);
        counts.shown += 1;
        let key: Labels = [("alertname", &alert.name), ("service", &alert.service)]
            .into_iter()
            .map(|(name, value)| (name, Arc::clone(value)))
            .collect();
        match groups.last_mut().filter(|group| group.key == key) {
            Some(group) => group.alerts.push(alert),
            None => groups.push(AlertGroup {
                key,
                severity: alert.severity.clone(),
                rank: SeverityRank::of(alert.severity.as_deref().unwrap_or_default()),
                alerts: vec![alert],
            }),
        }
    }
    AlertBoard {
        groups: groups.into_iter().map(Arc::new).collect(),
        by_fingerprint: Arc::new(by_fingerprint),
        counts,
        pipeline: believed(),
        sources: answering(),
        ..AlertBoard::default()
    }
}

/// Two members of one cluster, both believed.
pub fn sources() -> Vec<BoardSource> {
    ["eu-0", "eu-1"]
        .map(|name| BoardSource {
            name: name.into(),
            cluster: "eu".into(),
            age: Some(Duration::from_secs(9)),
            fault: None,
        })
        .into()
}

pub fn silences() -> Vec<Arc<BoardSilence>> {
    let row = |id: &str,
               state,
               matchers: &[(&str, MatchOp, &str)],
               by: &str,
               comment: &str,
               ends: i64,
               matches,
               ack| {
        Arc::new(BoardSilence {
            source: "eu-0".into(),
            cluster: "eu".into(),
            silence: Arc::new(Silence {
                id: id.into(),
                state,
                matchers: matchers
                    .iter()
                    .map(|(name, op, value)| Matcher {
                        name: (*name).into(),
                        op: *op,
                        value: (*value).into(),
                    })
                    .collect(),
                created_by: by.into(),
                comment: comment.into(),
                starts_at: ago(60),
                ends_at: now().utc + TimeDelta::minutes(ends),
                updated_at: ago(60),
            }),
            matches,
            ack,
        })
    };
    vec![
        row(
            "0b9e2d1c-6a51-4f0e-9d6e-3f1f7a2b4c5d",
            SilenceState::Active,
            &[
                ("alertname", MatchOp::Equal, "ErrorBudgetBurn"),
                ("service", MatchOp::Equal, "checkout"),
            ],
            "mara@example.com",
            "ACK! looking at the pool",
            11,
            1,
            IsAck::Yes,
        ),
        row(
            "5f1d8a3e-1111-4c1c-8d2b-a6d5e4c3b2a1",
            SilenceState::Active,
            &[
                ("alertname", MatchOp::Equal, "DiskWillFill"),
                ("instance", MatchOp::Regex, "catalog-db-.*"),
            ],
            "ops@example.com",
            "disks are being replaced, CHG-2211",
            1_300,
            1,
            IsAck::No,
        ),
        row(
            "77aa8a3e-2222-4c1c-8d2b-a6d5e4c3b2a1",
            SilenceState::Active,
            &[("env", MatchOp::Equal, "staging")],
            "ops@example.com",
            "noise of the migration",
            300,
            0,
            IsAck::No,
        ),
        row(
            "88bb8a3e-3333-4c1c-8d2b-a6d5e4c3b2a1",
            SilenceState::Pending,
            &[("service", MatchOp::Equal, "cart")],
            "jun@example.com",
            "maintenance at four",
            200,
            0,
            IsAck::No,
        ),
    ]
}

/// When the first alert of the shop fired during the last day.
pub fn history() -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    vec![
        (ago(1_210), ago(1_180)),
        (ago(640), ago(610)),
        (ago(600), ago(595)),
        (ago(12), now().utc),
    ]
}
