use super::*;
use chrono::TimeZone;
use proptest::prelude::*;

pub(super) fn world(scenario: Scenario, seed: u64) -> World {
    World::new(Epoch {
        scenario,
        seed,
        anchor: Utc.with_ymd_and_hms(2026, 11, 20, 3, 0, 0).unwrap(),
    })
}

fn is_counter(series: &Series) -> bool {
    matches!(series.shape, series::Shape::Counter(_))
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let dump = |world: &World| -> Vec<String> {
        world
            .series()
            .map(|s| format!("{:?} {:?}\n", s.labels, s.latest(world.anchor() + 123.456)))
            .collect()
    };
    assert_eq!(dump(&world(Scenario::Leak, 7)), dump(&world(Scenario::Leak, 7)));
    assert_ne!(dump(&world(Scenario::Leak, 7)), dump(&world(Scenario::Leak, 8)));
}

#[test]
fn good_and_bad_answers_add_up_to_the_latency_count() {
    let world = world(Scenario::Leak, 1);
    let t = world.anchor() + 300.0;
    let sum = |metric: &str| -> f64 {
        world
            .metric(metric)
            .iter()
            .filter(|s| s.labels.value("service") == "checkout")
            .filter_map(|s| s.latest(t))
            .map(|(_, v)| v)
            .sum()
    };
    let (requests, timed) = (
        sum("http_requests_total"),
        sum("http_request_duration_seconds_count"),
    );
    assert!((requests / timed - 1.0).abs() < 1e-9, "{requests} {timed}");
}

#[test]
fn a_calm_world_has_constant_rates_for_ever() {
    let world = world(Scenario::Calm, 3);
    for series in world.series().filter(|s| is_counter(s)) {
        let rate = |t: f64| (series.value(t + 150.0) - series.value(t)) / 150.0;
        let (now, later) = (rate(world.anchor()), rate(world.anchor() + 86_400.0));
        assert!(
            (now - later).abs() <= 1e-6 * now.abs(),
            "{:?}: {now} {later}",
            series.labels
        );
    }
}

#[test]
fn a_deploy_is_seen_in_build_info_and_resets_the_counters() {
    let world = world(Scenario::Leak, 1);
    let versions = |s: f64| -> Vec<String> {
        world
            .metric("build_info")
            .iter()
            .filter(|x| x.labels.value("service") == "checkout" && x.latest(world.anchor() + s).is_some())
            .map(|x| x.labels.value("version").to_owned())
            .collect()
    };
    assert_eq!(versions(-3_600.0), ["2.3.0", "2.3.0"]);
    assert_eq!(versions(0.0), ["2.3.1", "2.3.1"]);
    assert_eq!(versions(600.0), ["2.3.0", "2.3.0"]);
    let total = &world.metric("http_requests_total")[0];
    assert!(
        total
            .resets_between(world.anchor() - 86_400.0, world.anchor())
            .count()
            == 0,
        "storefront does not restart"
    );
    let checkout = world
        .metric("http_requests_total")
        .iter()
        .find(|s| s.labels.value("service") == "checkout")
        .unwrap();
    assert_eq!(
        checkout
            .resets_between(world.anchor() - 3_600.0, world.anchor())
            .count(),
        3
    );
}

#[test]
fn a_series_that_vanished_is_stale_at_once_and_still_there_in_the_past() {
    let world = world(Scenario::Leak, 1);
    let series = world
        .metric("http_requests_total")
        .iter()
        .find(|s| s.labels.value("service") == "loyalty")
        .unwrap();
    let gone = world.anchor() - 25.0 * 60.0;
    assert!(series.latest(gone - 1.0).is_some());
    assert!(series.latest(gone + 20.0).is_none());
    assert!(series.bounds(gone + 20.0, world.anchor()).is_none());
    assert!(series.bounds(gone - 300.0, world.anchor()).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counters_grow_except_at_a_reset(seed in 0_u64..8, from in -3_000_000.0_f64..30_000.0, step in 0.1_f64..5_000.0, pick in 0_usize..10_000) {
        let world = world(Scenario::Leak, seed);
        let counters: Vec<_> = world.series().filter(|s| is_counter(s)).collect();
        let series = counters[pick % counters.len()];
        let (a, b) = (world.anchor() + from, world.anchor() + from + step);
        let reset = series.resets_between(a, b).count() > 0
            || series.resets_between(a - 60.0, b + 60.0).count() > 0;
        prop_assert!(series.value(a) >= 0.0);
        prop_assert!(reset || series.value(b) >= series.value(a) - 1e-6);
    }

    #[test]
    fn bounds_agree_with_samples(from in -9_000.0_f64..9_000.0, width in 1.0_f64..4_000.0, pick in 0_usize..10_000) {
        let world = world(Scenario::Leak, 1);
        let all: Vec<_> = world.series().collect();
        let series = all[pick % all.len()];
        let (a, b) = (world.anchor() + from, world.anchor() + from + width);
        let samples = series.samples(a, b, 10_000);
        match series.bounds(a, b) {
            None => prop_assert!(samples.is_empty()),
            Some(bounds) => {
                prop_assert_eq!(samples.len() as u64, bounds.count);
                prop_assert_eq!(samples[0].0, bounds.first);
                prop_assert_eq!(samples[samples.len() - 1].0, bounds.last);
                prop_assert!(bounds.first > a && bounds.last <= b);
            }
        }
    }
}
