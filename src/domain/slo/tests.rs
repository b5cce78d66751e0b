use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::json::slo_json;
use super::*;
use crate::backend::BackendFailure;
use crate::time::{Now, Tick};

const DAY: u64 = 86_400;

fn window(name: &str) -> Window {
    Window::named(name).unwrap()
}

fn now() -> Now {
    let utc: DateTime<Utc> = "2026-11-20T03:14:07Z".parse().unwrap();
    Now::fixed(utc, 10_000)
}

pub(super) fn slo(objective: f64, period: &str) -> Slo {
    let period = window(period);
    Slo {
        name: "checkout-availability".to_owned(),
        service: "checkout".to_owned(),
        objective: Objective::from_percent(objective).unwrap(),
        rules: workbook_rules(&period, RuleOrigin::Default),
        period,
        sli: Sli::Ratio {
            error_ratio: "x[{{window}}]".to_owned(),
        },
        origin: SloOrigin::Config,
        low_traffic: None,
        notes: Vec::new(),
    }
}

pub(super) fn readings(of: &[(&str, Reading)]) -> Readings {
    Readings {
        windows: of
            .iter()
            .map(|(name, reading)| {
                let timed = TimedReading {
                    reading: reading.clone(),
                    at: Tick::from_secs(9_990),
                    fresh_for: Duration::from_secs(30),
                };
                ((*name).to_owned(), timed)
            })
            .collect::<BTreeMap<_, _>>(),
        ..Readings::default()
    }
}

fn ratio(error_ratio: f64) -> Reading {
    Reading::Ratio {
        error_ratio,
        events: None,
    }
}

/// Burn rates of every window of the default table, objective 99.9 %.
fn burns(of: &[(&str, f64)]) -> Readings {
    let all: Vec<(&str, Reading)> = of.iter().map(|(w, burn)| (*w, ratio(burn * 0.001))).collect();
    readings(&all)
}

fn judge(slo: Slo, readings: &Readings) -> SloReport {
    evaluate(Arc::new(slo), readings, &LastKnown::default(), now())
}

const CALM: [(&str, f64); 8] = [
    ("5m", 0.1),
    ("30m", 0.1),
    ("1h", 0.1),
    ("2h", 0.1),
    ("6h", 0.1),
    ("1d", 0.1),
    ("3d", 0.1),
    ("30d", 0.1),
];

fn calm_but(changes: &[(&str, f64)]) -> Readings {
    let mut all = CALM;
    for (name, burn) in changes {
        for slot in &mut all {
            if slot.0 == *name {
                slot.1 = *burn;
            }
        }
    }
    burns(&all)
}

#[test]
fn the_workbooks_factors_follow_the_period() {
    let factors = |period: &str| -> Vec<f64> {
        workbook_rules(&window(period), RuleOrigin::Default)
            .iter()
            .map(|r| (r.factor * 1_000.0).round() / 1_000.0)
            .collect()
    };
    assert_eq!(factors("30d"), [14.4, 6.0, 3.0, 1.0]);
    assert_eq!(factors("28d"), [13.44, 5.6, 2.8, 0.933]);
    assert_eq!(factors("7d"), [3.36, 1.4, 0.7, 0.233]);
    assert_eq!(default_short(&window("1h")).name(), "5m");
    assert_eq!(default_short(&window("3d")).name(), "6h");
}

#[test]
fn a_factor_that_full_outage_cannot_reach_is_said() {
    assert!(unreachable_notes(Objective::from_percent(93.06).unwrap(), &slo(93.06, "30d").rules).is_empty());
    let notes = unreachable_notes(Objective::from_percent(93.05).unwrap(), &slo(93.05, "30d").rules);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("1h/5m") && notes[0].contains("can never fire"),
        "{}",
        notes[0]
    );
}

#[test]
fn a_rule_fires_strictly_above_its_factor_in_both_windows() {
    let mut exact = slo(99.9, "30d");
    exact.objective = Objective::from_fraction(0.5).unwrap();
    exact.rules = vec![rule(
        Severity::Page,
        1.5,
        RuleWindows {
            long: window("1h"),
            short: Some(window("5m")),
        },
        RuleOrigin::Config,
    )];
    let state = |long: f64, short: f64| {
        let report = judge(
            exact.clone(),
            &readings(&[("1h", ratio(long * 0.5)), ("5m", ratio(short * 0.5))]),
        );
        report.rules[0].state
    };
    assert_eq!(state(1.5, 1.5), RuleState::Quiet, "equal is not over");
    assert_eq!(state(1.500_001, 1.5), RuleState::Recovering);
    assert_eq!(state(1.5, 1.500_001), RuleState::Starting);
    assert_eq!(state(1.500_001, 1.500_001), RuleState::Firing);
}

#[test]
fn states_come_in_their_order() {
    let fast = calm_but(&[("5m", 20.0), ("1h", 15.0), ("2h", 8.0), ("1d", 4.0)]);
    assert_eq!(judge(slo(99.9, "30d"), &fast).state, SloState::Page);
    let slow = calm_but(&[("6h", 2.0), ("3d", 1.5)]);
    assert_eq!(judge(slo(99.9, "30d"), &slow).state, SloState::Ticket);
    assert_eq!(judge(slo(99.9, "30d"), &calm_but(&[])).state, SloState::Ok);
    let recovered = judge(slo(99.9, "30d"), &calm_but(&[("1h", 15.0)]));
    assert_eq!(recovered.state, SloState::Ok);
    assert_eq!(recovered.rules[0].state, RuleState::Recovering);
    assert!(recovered.words.starts_with("recovering"), "{}", recovered.words);
    let starting = judge(slo(99.9, "30d"), &calm_but(&[("5m", 20.0)]));
    assert_eq!(
        (starting.state, &slo_json(&starting)["state"]),
        (SloState::Starting, &serde_json::json!("ok")),
        "documents keep to the states that they had"
    );
    let slowly = judge(slo(99.9, "30d"), &calm_but(&[("6h", 2.0)]));
    assert_eq!(
        slowly.state,
        SloState::Ok,
        "six hours that nobody would be paged for begin nothing"
    );
    let state = |changes: &[(&str, f64)]| judge(slo(99.9, "30d"), &calm_but(changes)).state;
    assert_eq!(
        state(&[("30m", 9.0)]),
        SloState::Ok,
        "half an hour is over, its last minutes are calm: it ends"
    );
    assert_eq!(state(&[("30m", 9.0), ("5m", 9.0)]), SloState::Starting);
}

#[test]
fn what_does_not_burn_and_has_nothing_left_is_spent() {
    let over = |changes: &[(&str, f64)]| judge(slo(99.9, "30d"), &calm_but(changes));
    let spent = over(&[("30d", 1.2)]);
    assert_eq!(spent.state, SloState::Spent);
    assert_eq!(spent.words, "the month's budget spent 1.2×");
    let document = slo_json(&spent);
    assert_eq!(
        (&document["state"], &document["budget_status"]),
        (&serde_json::json!("ok"), &serde_json::json!("breached")),
        "documents keep to the states that they had"
    );
    assert_eq!(over(&[("30d", 1.0)]).state, SloState::Spent, "nothing is left");
    assert_eq!(over(&[("30d", 0.99)]).state, SloState::Ok);
    assert_eq!(
        over(&[("30d", 1.2), ("5m", 20.0), ("1h", 15.0)]).state,
        SloState::Page
    );
    assert_eq!(over(&[("30d", 1.2), ("5m", 20.0)]).state, SloState::Starting);
    let mut idle = calm_but(&[("30d", 1.2)]);
    idle.windows.get_mut("5m").unwrap().reading = Reading::NoTraffic;
    assert_eq!(judge(slo(99.9, "30d"), &idle).state, SloState::NoTraffic);
}

#[test]
fn no_traffic_no_data_and_errors_are_three_things_and_none_is_healthy() {
    let with = |reading: Reading| {
        let mut all = calm_but(&[]);
        all.windows.get_mut("5m").unwrap().reading = reading;
        judge(slo(99.9, "30d"), &all)
    };
    let idle = with(Reading::NoTraffic);
    assert_eq!((idle.state, idle.burn("5m")), (SloState::NoTraffic, Some(0.0)));
    let nan = with(ratio(f64::NAN));
    assert_eq!(nan.state, SloState::NoTraffic);
    let gone = with(Reading::NoData);
    assert_eq!((gone.state, gone.burn("5m")), (SloState::NoData, None));
    assert_eq!(gone.rules[0].state, RuleState::Unknown);
    let broken = with(Reading::Error("it has 3 series".into()));
    assert_eq!(broken.state, SloState::Error);
    assert!(broken.warnings.iter().any(|w| w.contains("3 series")));
    assert_eq!(with(ratio(f64::INFINITY)).state, SloState::Error);
    assert_eq!(with(Reading::Pending).state, SloState::NoData);
}

#[test]
fn an_slo_is_not_ok_before_the_windows_that_its_rules_hang_on_are_read() {
    let with = |of: &[(&str, Reading)]| judge(slo(99.9, "30d"), &readings(of));
    let began = with(&[("5m", ratio(0.0)), ("1h", ratio(0.0))]);
    assert_eq!((began.state, began.is_waiting()), (SloState::NoData, true));
    assert_eq!(began.words, "waiting for the longer windows");
    // A rule that is quiet over one of its windows does not fire, whatever the other says.
    let quiet = ["5m", "30m", "2h", "6h"].map(|name| (name, ratio(0.0)));
    let decided = with(&quiet);
    assert_eq!((decided.state, decided.is_waiting()), (SloState::Ok, false));
    // A young service has no long windows, and never will have had.
    let young = ["1h", "30m", "2h", "6h", "1d", "3d"].map(|name| (name, Reading::NoData));
    let young = with(&[&[("5m", ratio(0.0))][..], &young].concat());
    assert_eq!((young.state, young.is_waiting()), (SloState::Ok, false));
    // One that is over so far is still open.
    let over = with(&[&quiet[..3], &[("6h", ratio(0.5))]].concat());
    assert!(over.is_waiting(), "3d decides: {:?}", over.state);
}

#[test]
fn a_page_that_loses_its_data_does_not_vanish() {
    let slo = Arc::new(slo(99.9, "30d"));
    let mut memory = LastKnown::default();
    let fired = evaluate(
        Arc::clone(&slo),
        &calm_but(&[("5m", 20.0), ("1h", 15.0)]),
        &memory,
        now(),
    );
    memory.observe(&fired, now().utc);
    let later = now().later(Duration::from_secs(240));
    let mut lost = calm_but(&[]);
    for timed in lost.windows.values_mut() {
        timed.reading = Reading::NoData;
    }
    let report = evaluate(Arc::clone(&slo), &lost, &memory, later);
    assert_eq!(report.state, SloState::NoData);
    assert_eq!(report.last_known, Some((SloState::Page, now().utc)));
    assert!(report.words.contains("page, data lost 4 min"), "{}", report.words);
    memory.observe(&report, later.utc);
    let back = evaluate(Arc::clone(&slo), &calm_but(&[]), &memory, later);
    assert_eq!(back.last_known, None);
    memory.observe(&back, later.utc);
    assert_eq!(
        evaluate(slo, &lost, &memory, later).last_known,
        None,
        "quiet data forgets the page"
    );
}

#[test]
fn the_budget_follows_the_period() {
    let report = judge(slo(99.9, "30d"), &calm_but(&[("30d", 0.6), ("1h", 14.4)]));
    let budget = report.budget.unwrap();
    assert!((budget.remaining - 0.4).abs() < 1e-12);
    assert_eq!(
        (budget.status, budget.policy),
        (BudgetStatus::Healthy, Policy::SlowDown)
    );
    assert!((budget.remaining_minutes - 17.28).abs() < 1e-9);
    assert_eq!(budget.exhausts_in.unwrap().as_secs_f64().round(), 20.0 * 3_600.0);
    assert_eq!(budget.events_left, None);
    assert_eq!(status_for(0.25), BudgetStatus::Warning);
    assert_eq!(status_for(0.1), BudgetStatus::Critical);
    assert_eq!(status_for(0.0), BudgetStatus::Breached);
    assert_eq!(
        (policy_for(0.5), policy_for(0.2)),
        (Policy::SlowDown, Policy::SlowDown)
    );
    assert_eq!(
        (policy_for(0.19), policy_for(0.0)),
        (Policy::Freeze, Policy::Incident)
    );
}

#[test]
fn events_left_and_low_traffic_come_from_the_events_of_the_window() {
    let mut slo = slo(99.0, "30d");
    slo.low_traffic = Some(100.0);
    let few = Reading::Ratio {
        error_ratio: 0.005,
        events: Some(10_000.0),
    };
    let thin = Reading::Ratio {
        error_ratio: 0.5,
        events: Some(4.0),
    };
    let report = judge(slo, &readings(&[("5m", thin), ("30d", few)]));
    assert!((report.budget.as_ref().unwrap().events_left.unwrap() - 50.0).abs() < 1e-9);
    assert_eq!(report.windows[0].low_traffic, Some(4.0));
    assert!(
        report
            .warnings
            .iter()
            .any(|w| w.starts_with("low_traffic: 4 events in 5m"))
    );
}

#[test]
fn linear_exhaustion_needs_budget_and_a_burn_above_one() {
    let month = Duration::from_secs(30 * DAY);
    assert_eq!(
        linear_exhaustion(1.0, month, 14.4),
        Some(Duration::from_secs(50 * 3_600))
    );
    let outage = linear_exhaustion(1.0, month, 1_000.0).unwrap();
    assert!((outage.as_secs_f64() / 60.0 - 43.2).abs() < 1e-6);
    assert_eq!(linear_exhaustion(0.4, month, 1.0), None);
    assert_eq!(linear_exhaustion(0.0, month, 10.0), None);
    assert_eq!(linear_exhaustion(0.4, month, f64::NAN), None);
}

#[test]
fn old_errors_that_leave_the_window_give_budget_back() {
    let month = Duration::from_secs(30 * DAY);
    // Flat spending of half the budget: 30 steps of a day, the oldest about to leave.
    let flat: Vec<(Duration, f64)> = (0..30)
        .rev()
        .map(|day| (Duration::from_secs(day * DAY), 1.0))
        .collect();
    // Burn 2 against a roll-off of 0.5: net 1.5, so 0.5 is gone in a third of the month.
    let RollingExhaustion::In(left) = rolling_exhaustion(0.5, month, 2.0, &flat).unwrap() else {
        panic!("empties")
    };
    assert!((left.as_secs_f64() / DAY as f64 - 10.0).abs() < 0.01, "{left:?}");
    assert_eq!(
        rolling_exhaustion(0.5, month, 0.5, &flat),
        Some(RollingExhaustion::Never)
    );
    assert_eq!(rolling_exhaustion(0.5, month, 2.0, &[]), None);
    // All spent a moment ago: nothing comes back, so it is the linear answer.
    let fresh = [(Duration::from_secs(29 * DAY), 0.0), (Duration::ZERO, 5.0)];
    let RollingExhaustion::In(left) = rolling_exhaustion(0.4, month, 14.4, &fresh).unwrap() else {
        panic!("empties")
    };
    assert!((left.as_secs_f64() - 20.0 * 3_600.0).abs() < 90.0, "{left:?}");
    // All spent at the far end: it comes back at once and more than the linear answer is left.
    let old = [(Duration::from_secs(30 * DAY - 60), 5.0), (Duration::ZERO, 0.0)];
    let RollingExhaustion::In(left) = rolling_exhaustion(0.4, month, 14.4, &old).unwrap() else {
        panic!("empties")
    };
    assert!((left.as_secs_f64() - 50.0 * 3_600.0).abs() < 200.0, "{left:?}");
}

#[test]
fn the_words_say_what_the_readings_support() {
    let mut all = calm_but(&[("5m", 18.0), ("1h", 18.0), ("30d", 0.41)]);
    all.spark = std::iter::repeat_n(0.2, 9)
        .chain(std::iter::repeat_n(18.0, 21))
        .collect();
    all.spark_step = Duration::from_secs(120);
    let report = judge(slo(99.9, "30d"), &all);
    // 0.59 of 30 d at 18× lasts 23 h 36 min.
    assert_eq!(
        report.words,
        "18× normal errors for 42 min; 41% of the month spent; empty at 11-21 02:50 UTC at the 1h burn"
    );
    // what is empty today needs no date
    let soon = judge(
        slo(99.9, "30d"),
        &calm_but(&[("5m", 100.0), ("1h", 100.0), ("30d", 0.41)]),
    );
    assert!(
        soon.words.ends_with("empty at 07:28 UTC at the 1h burn"),
        "{}",
        soon.words
    );
    // the other forecast bears another name
    all.history = (0..30)
        .map(|day| (now().utc - TimeDelta::days(29 - day), 0.000_5))
        .collect();
    let rolling = judge(slo(99.9, "30d"), &all);
    assert!(
        rolling.words.ends_with(" at the 1h burn, old errors leaving"),
        "{}",
        rolling.words
    );
    all.spark.clear();
    let silent = judge(slo(99.9, "30d"), &all);
    assert!(
        silent.words.starts_with("18× normal errors; "),
        "{}",
        silent.words
    );
    // a rule of longer windows fires on: its burn is not that of now
    let past = judge(
        slo(99.9, "30d"),
        &calm_but(&[("5m", 0.3), ("30m", 40.0), ("6h", 20.0), ("30d", 0.41)]),
    );
    assert!(
        past.words
            .starts_with("40× normal errors over 30 min, 0.3× over 5 min; "),
        "{}",
        past.words
    );
}

#[test]
fn a_young_slo_says_how_much_of_its_period_it_has_seen() {
    let mut all = calm_but(&[]);
    all.first_sample = Some(now().utc - TimeDelta::days(2));
    let report = judge(slo(99.9, "30d"), &all);
    assert_eq!(report.covered, Some(Duration::from_secs(2 * DAY)));
    assert!(
        report.warnings.contains(&"young: 2 d of 30 d seen".to_owned()),
        "{:?}",
        report.warnings
    );
}

#[test]
fn the_list_puts_lost_data_right_after_pages() {
    let named = |name: &str, readings: &Readings, memory: &LastKnown| {
        let mut slo = slo(99.9, "30d");
        slo.name = name.to_owned();
        Arc::new(evaluate(Arc::new(slo), readings, memory, now()))
    };
    let fresh = LastKnown::default();
    let mut seen = LastKnown::default();
    seen.observe(&named("x", &calm_but(&[]), &fresh), now().utc);
    let none: Vec<(&str, Reading)> = CALM.iter().map(|(w, _)| (*w, Reading::NoData)).collect();
    let idle: Vec<(&str, Reading)> = CALM.iter().map(|(w, _)| (*w, Reading::NoTraffic)).collect();
    let mut list = vec![
        named("ok", &calm_but(&[]), &fresh),
        named("ok-faster", &calm_but(&[("5m", 0.9)]), &fresh),
        named("starting", &calm_but(&[("5m", 20.0)]), &fresh),
        named("spent", &calm_but(&[("30d", 1.2)]), &fresh),
        named("idle", &readings(&idle), &fresh),
        named("never-seen", &readings(&none), &fresh),
        named("ticket", &calm_but(&[("6h", 2.0), ("3d", 1.5)]), &fresh),
        named("lost", &readings(&none), &seen),
        named("page", &calm_but(&[("5m", 20.0), ("1h", 15.0)]), &fresh),
        named("page-faster", &calm_but(&[("5m", 30.0), ("1h", 15.0)]), &fresh),
    ];
    rank(&mut list);
    let order: Vec<&str> = list.iter().map(|r| r.slo.name.as_str()).collect();
    assert_eq!(
        order,
        [
            "page-faster",
            "page",
            "lost",
            "ticket",
            "never-seen",
            "idle",
            "starting",
            "spent",
            "ok-faster",
            "ok"
        ]
    );
}

#[test]
fn the_json_has_the_promised_fields_and_no_nan() {
    let mut all = calm_but(&[("5m", 21.3), ("1h", 21.4)]);
    all.windows.get_mut("30m").unwrap().reading = Reading::NoData;
    all.windows.get_mut("2h").unwrap().reading = Reading::NoTraffic;
    let board = SloBoard {
        slos: vec![Arc::new(judge(slo(99.9, "30d"), &all))],
        ..SloBoard::default()
    };
    let document = json::report_json("prod", now().utc, &board);
    assert_eq!(document["at"], "2026-11-20T03:14:07Z");
    let one = &document["slos"][0];
    assert_eq!(one["objective"], 0.999);
    assert_eq!(one["period_seconds"], 2_592_000);
    assert_eq!(
        one["windows"]["30m"],
        serde_json::json!({"error_ratio": null, "burn_rate": null, "reason": "no_data"})
    );
    assert_eq!(
        one["windows"]["2h"],
        serde_json::json!({"error_ratio": null, "burn_rate": 0.0, "reason": "no_traffic"})
    );
    assert_eq!(one["state"], "page");
    assert_eq!(one["rules"][0]["state"], "firing");
    assert_eq!(one["rules"][0]["origin"], "default");
    assert_eq!(one["exhausts_rolling"], serde_json::Value::Null);
    assert_eq!(one["last_known_state"], serde_json::Value::Null);
    assert_eq!(one["partial"], false);
    let text = table::report_text(&board);
    assert!(text.contains("page") && text.contains("21.3×"), "{text}");
}

#[test]
fn a_cause_that_hit_every_window_of_every_slo_is_said_once() {
    let cause = "no connection: Connection refused; check the address";
    let mut dead = calm_but(&[]);
    for timed in dead.windows.values_mut() {
        timed.reading = Reading::Error(cause.into());
    }
    let report = judge(slo(99.9, "30d"), &dead);
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    assert!(report.warnings[0].starts_with("5m, 30m, 1h, 2h, 6h, 1d, 3d, 30d: "));
    let error = |path: &str| BackendFailure {
        backend: "metrics".to_owned(),
        message: format!("GET {path}: {cause}"),
    };
    let mut board = SloBoard {
        slos: vec![Arc::new(report.clone()), Arc::new(report)],
        warnings: Vec::new(),
        errors: vec![error("/api/v1/query"), error("/api/v1/query_range")],
    };
    let text = table::report_text(&board);
    assert_eq!(text.matches(cause).count(), 1, "{text}");
    assert!(
        text.contains("  ! 5m, 30m, 1h, 2h, 6h, 1d, 3d, 30d failed\n"),
        "{text}"
    );
    assert!(
        text.ends_with(&format!(
            "error: metrics: GET /api/v1/query, GET /api/v1/query_range: {cause}\n"
        )),
        "{text}"
    );
    // One that is told nowhere else stays where it is.
    board.errors.clear();
    assert!(table::report_text(&board).contains(&format!("30d: {cause}\n")));
}

#[test]
fn text_output_holds_no_escape_sequence() {
    let mut evil = slo(99.9, "30d");
    evil.name = "a\u{1b}[2Jb".to_owned();
    let board = SloBoard {
        slos: vec![Arc::new(judge(evil, &calm_but(&[])))],
        warnings: vec!["x\u{9b}31m".to_owned()],
        errors: Vec::new(),
    };
    assert!(
        !table::report_text(&board)
            .chars()
            .any(|c| c != '\n' && crate::text::is_unsafe(c))
    );
}

#[test]
fn no_burn_stands_for_an_slo_without_data_though_a_longer_window_still_has_some() {
    let of = readings(&[
        ("5m", Reading::NoData),
        ("1h", ratio(0.02)),
        ("30d", ratio(0.001)),
    ]);
    let report = judge(slo(99.9, "30d"), &of);
    assert_eq!(report.state, SloState::NoData);
    assert_eq!(report.burn("1h").map(f64::round), Some(20.0));
    assert_eq!(headline_burn(&report), None);
    let failed = readings(&[("5m", Reading::Error("refused".into())), ("1h", ratio(0.02))]);
    assert_eq!(headline_burn(&judge(slo(99.9, "30d"), &failed)), None);
}
