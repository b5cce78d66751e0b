//! The SLO engine on a real Prometheus with backfilled counters whose true error ratios are known.
//!
//! Each scenario is a pair of piecewise-linear counters. What the engine must find is integrated from the same
//! pieces, never read back from the server.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use midwatch::backend::metrics::engine::{Discover, Engine, Settings};
use midwatch::backend::metrics::prometheus::Prometheus;
use midwatch::domain::slo::{
    BudgetStatus, Objective, Reading, RollingExhaustion, RuleOrigin, RuleState, Sli, Slo, SloBoard,
    SloOrigin, SloReport, SloState, Window, workbook_rules,
};
use midwatch::time::{Clock, Now};

use super::server::{Running, free_port, on_path, or_skipped};

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
const PERIOD: f64 = 30.0 * DAY;
/// Events per second of every scenario with traffic.
const RATE: f64 = 10.0;
/// Errors that are always there.
const BASE: f64 = 0.0001;

/// A scenario: from when to when (seconds before the end) errors run at another ratio than [`BASE`].
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// Seconds before the end at which the series begin.
    begins: f64,
    pub(super) rate: f64,
    episode: (f64, f64),
    ratio: f64,
    /// Both counters start over every so many seconds.
    reset: Option<f64>,
    pub(super) errors: Errors,
}

#[derive(PartialEq)]
pub(super) enum Errors {
    Recorded,
    NeverSeen,
}

impl Scenario {
    fn new(name: &'static str, episode: (f64, f64), ratio: f64) -> Self {
        Self {
            name,
            begins: PERIOD + DAY,
            rate: RATE,
            episode,
            ratio,
            reset: None,
            errors: Errors::Recorded,
        }
    }

    /// Errors between the beginning and `ago` seconds before the end.
    fn errors_until(&self, ago: f64) -> f64 {
        let span = |from: f64, to: f64| (from.min(self.begins) - to.max(ago)).max(0.0);
        let (from, to) = self.episode;
        let inside = span(from, to);
        let all = span(self.begins, 0.0);
        self.rate * (inside * self.ratio + (all - inside) * BASE)
    }

    fn total_until(&self, ago: f64) -> f64 {
        self.rate * (self.begins - ago).max(0.0)
    }

    pub(super) fn true_ratio(&self, window: f64) -> f64 {
        let from = window.min(self.begins);
        (self.errors_until(0.0) - self.errors_until(from)) / (self.total_until(0.0) - self.total_until(from))
    }

    /// Value of a counter as it is exposed, resets included.
    fn exposed(&self, until: impl Fn(f64) -> f64, ago: f64) -> f64 {
        let value = until(ago);
        match self.reset {
            None => value,
            Some(every) => value - until((ago / every).floor() * every + every),
        }
    }
}

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("fast", (130.0 * MINUTE, 0.0), 0.02),
        Scenario::new("slow", (3.5 * DAY, 0.0), 0.002),
        Scenario::new("recovered", (14.0 * HOUR, 8.0 * HOUR), 0.02),
        Scenario::new("healthy", (0.0, 0.0), 0.0),
        Scenario::new("exhausted", (20.0 * DAY, 19.0 * DAY), 0.06),
        Scenario {
            rate: 0.0,
            ..Scenario::new("idle", (0.0, 0.0), 0.0)
        },
        Scenario {
            begins: 2.0 * DAY,
            ..Scenario::new("young", (2.0 * DAY, 0.0), 0.0005)
        },
        Scenario {
            reset: Some(7.0 * HOUR),
            ..Scenario::new("resets", (130.0 * MINUTE, 0.0), 0.02)
        },
        Scenario {
            errors: Errors::NeverSeen,
            ..Scenario::new("spotless", (0.0, 0.0), 0.0)
        },
    ]
}

/// Moments of samples, seconds before the end, oldest first: each minute of four days, each five before.
fn moments() -> impl Iterator<Item = f64> {
    let old = (0..)
        .map(|i| PERIOD + DAY - f64::from(i) * 300.0)
        .take_while(|ago| *ago > 4.0 * DAY);
    let recent = (0..)
        .map(|i| 4.0 * DAY - f64::from(i) * 60.0)
        .take_while(|ago| *ago >= 0.0);
    old.chain(recent)
}

fn open_metrics(end: i64) -> String {
    let mut out = String::new();
    let mut family = |metric: &str, series: &mut dyn FnMut(&mut String)| {
        let _ = writeln!(out, "# TYPE {metric} counter");
        series(&mut out);
    };
    let all = scenarios();
    family("req", &mut |out| {
        for s in &all {
            for ago in moments().filter(|ago| *ago <= s.begins) {
                let total = s.exposed(|a| s.total_until(a), ago);
                let _ = writeln!(out, "req_total{{s=\"{}\"}} {total} {}", s.name, end as f64 - ago);
            }
        }
    });
    family("bad", &mut |out| {
        for s in all.iter().filter(|s| s.errors == Errors::Recorded) {
            for ago in moments().filter(|ago| *ago <= s.begins) {
                let errors = s.exposed(|a| s.errors_until(a), ago);
                let _ = writeln!(out, "bad_total{{s=\"{}\"}} {errors} {}", s.name, end as f64 - ago);
            }
        }
    });
    let _ = writeln!(out, "# TYPE lat histogram");
    for ago in moments() {
        let total = RATE * (PERIOD + DAY - ago);
        let at = end as f64 - ago;
        for (le, share) in [("0.1", 0.9), ("0.2", 0.998), ("+Inf", 1.0)] {
            let _ = writeln!(out, "lat_bucket{{le=\"{le}\"}} {} {at}", total * share);
        }
        let _ = writeln!(out, "lat_count {total} {at}");
    }
    out.push_str("# EOF\n");
    out
}

fn slo(name: &str, sli: Sli) -> Slo {
    let period = Window::named("30d").unwrap();
    Slo {
        name: name.to_owned(),
        service: "shop".to_owned(),
        objective: Objective::from_percent(99.9).unwrap(),
        rules: workbook_rules(&period, RuleOrigin::Default),
        period,
        sli,
        origin: SloOrigin::Config,
        low_traffic: None,
        notes: Vec::new(),
    }
}

fn events(name: &str) -> Slo {
    slo(
        name,
        Sli::Events {
            errors: format!("sum(rate(bad_total{{s=\"{name}\"}}[{{{{window}}}}]))"),
            total: format!("sum(rate(req_total{{s=\"{name}\"}}[{{{{window}}}}]))"),
        },
    )
}

fn latency(name: &str, threshold: f64) -> Slo {
    slo(
        name,
        Sli::Latency {
            histogram: "lat".to_owned(),
            selector: String::new(),
            threshold,
        },
    )
}

fn slos() -> Vec<Slo> {
    let mut all: Vec<Slo> = scenarios().iter().map(|s| events(s.name)).collect();
    all.push(events("missing"));
    all.push(latency("latency", 0.2));
    all.push(latency("between", 0.15));
    all.push(slo(
        "several",
        Sli::Ratio {
            error_ratio: "rate(req_total[{{window}}])".to_owned(),
        },
    ));
    all.push(slo(
        "broken",
        Sli::Ratio {
            error_ratio: "sum(rate(req_total[{{window}}])".to_owned(),
        },
    ));
    all
}

/// Backfills and starts a server; `None`, loudly, where the machine has no Prometheus.
pub(super) async fn start(dir: &Path, end: i64) -> Option<Running> {
    let binary = or_skipped(on_path(&["prometheus"], "--version"), "prometheus")?;
    or_skipped(
        on_path(&["promtool"], "--version"),
        "promtool (package prometheus)",
    )?;
    let input = dir.join("input.om");
    std::fs::write(&input, open_metrics(end)).unwrap();
    let storage = dir.join("tsdb");
    let backfill = Command::new("promtool")
        .args([
            "tsdb",
            "create-blocks-from",
            "--max-block-duration=744h",
            "openmetrics",
        ])
        .args([&input, &storage])
        .output()
        .unwrap();
    assert!(
        backfill.status.success(),
        "{}",
        String::from_utf8_lossy(&backfill.stderr)
    );
    let config = dir.join("prometheus.yml");
    std::fs::write(&config, "global: {scrape_interval: 1h}\n").unwrap();
    let port = free_port();
    let mut command = Command::new(binary);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", storage.display()))
        .arg("--storage.tsdb.retention.time=60d")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Some(Running::start(command, port, "-/ready", None).await)
}

fn of<'a>(board: &'a SloBoard, name: &str) -> &'a SloReport {
    board.slos.iter().find(|r| r.slo.name == name).unwrap()
}

async fn read_board(server: &Running, now: Now) -> SloBoard {
    let asker = server.client("metrics", Clock::start());
    let metrics = Prometheus::new("metrics", Arc::new(asker), None);
    let settings = Settings {
        poll: Duration::from_secs(15),
        discover: Discover::Yes,
    };
    Engine::new(slos(), settings).run_all(&metrics, now).await
}

#[tokio::test]
async fn burn_state_and_budget_are_the_generators() {
    let dir = tempfile::tempdir().unwrap();
    let end = Clock::start().now().utc.timestamp();
    let Some(server) = start(dir.path(), end).await else {
        return;
    };
    let now = Clock::start().now();
    let board = read_board(&server, now).await;
    assert_eq!(board.errors, [], "nothing failed");

    for scenario in scenarios()
        .iter()
        .filter(|s| s.rate > 0.0 && s.errors == Errors::Recorded)
    {
        for window in &of(&board, scenario.name).windows {
            let truth = scenario.true_ratio(window.window.length().as_secs_f64()) / 0.001;
            let Some(burn) = window.burn_rate else {
                panic!("{} over {}: {:?}", scenario.name, window.window, window.reading)
            };
            assert!(
                (burn - truth).abs() <= 0.02 * truth,
                "{} over {}: burn {burn}, true {truth}",
                scenario.name,
                window.window
            );
        }
    }
    for (name, state) in [
        ("fast", SloState::Page),
        ("slow", SloState::Ticket),
        ("recovered", SloState::Ok),
        ("healthy", SloState::Ok),
        ("exhausted", SloState::Spent),
        ("idle", SloState::NoTraffic),
        ("young", SloState::Ok),
        ("resets", SloState::Page),
        ("spotless", SloState::Ok),
        ("missing", SloState::NoData),
        ("latency", SloState::Ticket),
        ("between", SloState::Error),
        ("several", SloState::Error),
        ("broken", SloState::Error),
    ] {
        let report = of(&board, name);
        assert_eq!(
            report.state, state,
            "{name}: {} {:?}",
            report.words, report.warnings
        );
    }
    the_budgets(&board);
    the_odd_ones(&board);
}

fn the_budgets(board: &SloBoard) {
    let recovering = of(board, "recovered")
        .rules
        .iter()
        .filter(|r| r.state == RuleState::Recovering);
    assert_eq!(recovering.count(), 2, "both ticket rules");
    let exhausted = of(board, "exhausted").budget.as_ref().unwrap();
    assert!((exhausted.remaining - -1.1).abs() < 0.05, "{exhausted:?}");
    assert_eq!(
        (exhausted.status, exhausted.exhausts_in),
        (BudgetStatus::Breached, None)
    );
    assert!(exhausted.events_left.unwrap() < 0.0);

    let fast = of(board, "fast").budget.as_ref().unwrap();
    let linear = fast.exhausts_in.unwrap().as_secs_f64();
    let truth = fast.remaining * PERIOD / 20.0;
    assert!((linear - truth).abs() < 0.03 * truth, "{linear} against {truth}");
    let Some(RollingExhaustion::In(rolling)) = fast.exhausts_rolling else {
        panic!("{fast:?}")
    };
    assert!(rolling.as_secs_f64() >= linear);

    let young = of(board, "young");
    let covered = young.covered.unwrap().as_secs_f64();
    assert!(
        (covered - 2.0 * DAY).abs() < 0.02 * 2.0 * DAY,
        "covered {covered}"
    );
    assert!(
        young.warnings.iter().any(|w| w.starts_with("young: ")),
        "{:?}",
        young.warnings
    );
    let full = of(board, "healthy").covered.unwrap().as_secs_f64();
    assert!((full - PERIOD).abs() < 0.001 * PERIOD, "covered {full}");
    assert!(!of(board, "fast").spark.is_empty());
}

fn the_odd_ones(board: &SloBoard) {
    let idle = &of(board, "idle").windows[0];
    assert_eq!((&idle.reading, idle.burn_rate), (&Reading::NoTraffic, Some(0.0)));
    let spotless = of(board, "spotless");
    assert_eq!(spotless.burn("5m"), Some(0.0));
    assert!(
        spotless
            .warnings
            .iter()
            .any(|w| w.starts_with("errors_never_seen"))
    );
    let latency = of(board, "latency").burn("1h").unwrap();
    assert!((latency - 2.0).abs() < 0.04, "{latency}");
    let words = |name: &str| of(board, name).warnings.join("\n");
    assert!(
        words("between").contains("0.1, 0.2, +Inf"),
        "{}",
        words("between")
    );
    assert!(words("several").contains("9 series"), "{}", words("several"));
    assert!(words("broken").contains("parse error"), "{}", words("broken"));
}
