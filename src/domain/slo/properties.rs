//! What holds for every reading a server can send.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use proptest::prelude::*;

use super::tests::{readings, slo};
use super::*;
use crate::time::Now;

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        Just(Reading::NoTraffic),
        Just(Reading::NoData),
        Just(Reading::Pending),
        Just(Reading::Error("refused".into())),
        (any::<f64>(), proptest::option::of(any::<f64>()))
            .prop_map(|(error_ratio, events)| Reading::Ratio { error_ratio, events }),
        (0.0..1.0f64).prop_map(|error_ratio| Reading::Ratio {
            error_ratio,
            events: Some(1e6)
        }),
    ]
}

const NAMES: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];

proptest! {
    #[test]
    fn nothing_panics_and_nothing_lies(
        all in proptest::collection::vec(reading(), 8),
        history in proptest::collection::vec((0i64..4_000_000, any::<f64>()), 0..40),
        objective in 0.01..99.999f64,
    ) {
        let now = Now::fixed(chrono::DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000), 10_000);
        let of: Vec<(&str, Reading)> = NAMES.iter().copied().zip(all).collect();
        let mut read = readings(&of);
        read.history = history.iter().map(|(age, e)| (now.utc - TimeDelta::seconds(*age), *e)).collect();
        read.spark = history.iter().map(|(_, e)| *e).collect();
        read.spark_step = Duration::from_secs(60);
        let report = evaluate(Arc::new(slo(objective, "30d")), &read, &LastKnown::default(), now);
        let page = report.rules.iter().any(|r| r.state == RuleState::Firing && r.rule.severity == Severity::Page);
        prop_assert_eq!(page, report.state == SloState::Page);
        for line in &report.rules {
            let unknown = [&line.rule.long, &line.rule.short].iter().any(|w| report.burn(w.name()).is_none());
            prop_assert_eq!(unknown, line.state == RuleState::Unknown);
        }
        if let Some(budget) = &report.budget {
            prop_assert!(budget.remaining.is_finite());
            prop_assert!(budget.exhausts_in.is_none() || budget.remaining > 0.0);
        }
        let board = SloBoard { slos: vec![Arc::new(report)], ..SloBoard::default() };
        prop_assert!(!json::report_json("c", now.utc, &board).to_string().contains("NaN"));
        let _ = table::report_text(&board);
    }

    #[test]
    fn letting_old_errors_leave_never_brings_the_end_nearer(
        remaining in 0.001..1.0f64,
        burn in 0.0..2_000.0f64,
        weights in proptest::collection::vec(0.0..100.0f64, 1..60),
    ) {
        let period = Duration::from_secs(2_592_000);
        let step = period.as_secs() / weights.len() as u64;
        let count = weights.len() as u64;
        let history: Vec<(Duration, f64)> = weights
            .iter()
            .zip(0..)
            .map(|(w, i)| (Duration::from_secs((count - 1 - i) * step), *w))
            .collect();
        let rolling = rolling_exhaustion(remaining, period, burn, &history);
        if let (Some(RollingExhaustion::In(late)), Some(linear)) = (rolling, linear_exhaustion(remaining, period, burn)) {
            prop_assert!(late.as_secs_f64() >= linear.as_secs_f64() * 0.999_999, "{late:?} < {linear:?}");
        }
        if burn > 1.001 {
            prop_assert!(matches!(rolling, Some(RollingExhaustion::In(_))), "a burn above 1 empties any window");
        }
    }

    #[test]
    fn more_errors_never_lower_a_state(low in 0.0..1.0f64, more in 0.0..1.0f64) {
        let place = |e: f64| {
            let all: Vec<(&str, Reading)> =
                NAMES.iter().map(|w| (*w, Reading::Ratio { error_ratio: e, events: None })).collect();
            let now = Now::fixed(chrono::DateTime::<Utc>::UNIX_EPOCH, 10_000);
            let report = evaluate(Arc::new(slo(99.0, "30d")), &readings(&all), &LastKnown::default(), now);
            match report.state {
                SloState::Page => 2,
                SloState::Ticket => 1,
                SloState::Error
                | SloState::NoData
                | SloState::NoTraffic
                | SloState::Starting
                | SloState::Spent
                | SloState::Ok => 0,
            }
        };
        prop_assert!(place(low + more) >= place(low));
    }
}
