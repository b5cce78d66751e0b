use std::sync::Arc;

use chrono::{TimeZone, Utc};

use super::*;
use crate::demo::world::{Epoch, Scenario, World};

struct Of(World);

impl Store for Of {
    fn series(&self, name: Option<&str>) -> Vec<Arc<Series>> {
        match name {
            Some(name) => self.0.metric(name).to_vec(),
            None => self.0.series().cloned().collect(),
        }
    }
}

fn store(scenario: Scenario) -> Of {
    Of(World::new(Epoch {
        scenario,
        seed: 1,
        anchor: Utc.with_ymd_and_hms(2026, 11, 20, 3, 0, 0).unwrap(),
    }))
}

fn ask(store: &Of, query: &str, s: f64) -> Value {
    let expr = parse(query).unwrap_or_else(|e| panic!("{query}: {e}"));
    instant(store, &expr, store.0.anchor() + s).unwrap_or_else(|e| panic!("{query}: {e}"))
}

fn points(store: &Of, query: &str, s: f64) -> Vec<Point> {
    match ask(store, query, s) {
        Value::Vector(points) => points,
        other => panic!("{query}: {other:?}"),
    }
}

fn one(store: &Of, query: &str) -> f64 {
    match points(store, query, 0.0).as_slice() {
        [point] => point.value,
        other => panic!("{query}: {other:?}"),
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * b.abs().max(1e-9)
}

#[test]
fn rates_of_a_calm_world_are_what_its_services_promise() {
    let store = store(Scenario::Calm);
    for window in ["1m", "5m", "1h", "6h", "3d", "30d"] {
        let total = one(
            &store,
            &format!("sum(rate(http_requests_total{{service=\"cart\"}}[{window}]))"),
        );
        assert!(near(total, 75.0), "{window}: {total}");
        let ratio = one(
            &store,
            &format!(
                "sum(rate(http_requests_total{{service=\"cart\",status_code=~\"5..\"}}[{window}])) / sum(rate(http_requests_total{{service=\"cart\"}}[{window}]))"
            ),
        );
        assert!(near(ratio, 0.0002), "{window}: {ratio}");
    }
    assert!(near(
        one(&store, "sum(increase(http_requests_total{service=\"cart\"}[1h]))"),
        75.0 * 3600.0
    ));
    assert!(near(
        one(&store, "sum(irate(http_requests_total{service=\"cart\"}[1m]))"),
        75.0
    ));
}

#[test]
fn arithmetic_comparison_and_sets_follow_the_book() {
    let store = store(Scenario::Calm);
    let cases = [
        ("vector(7) % 4", 3.0),
        ("vector(2) ^ 3 ^ 2", 512.0),
        ("vector(3) > bool 4", 0.0),
        ("vector(5) > 4", 5.0),
        ("-vector(5)", -5.0),
        ("vector(1) or vector(2)", 1.0),
        ("round(vector(2.5))", 3.0),
        ("round(vector(2.26), 0.5)", 2.5),
        ("clamp(vector(9), 1, 5)", 5.0),
        ("abs(vector(-1.5)) + ceil(vector(0.2)) + floor(vector(1.9))", 3.5),
        ("count(up{job=\"node\"})", 3.0),
        ("quantile(0.5, up)", 1.0),
        ("sum(topk(2, up{job=\"node\"}))", 2.0),
        ("absent(nope{a=\"b\"})", 1.0),
        ("absent_over_time(nope[5m])", 1.0),
        ("vector(scalar(vector(4)))", 4.0),
        ("count(count_values(\"v\", up))", 2.0),
        (
            "count(up unless up{job=\"node\"}) + count(up and up{job=\"node\"})",
            28.0,
        ),
        ("avg_over_time(vector(4)[5m:1m])", 4.0),
        ("group(up)", 1.0),
    ];
    for (query, expected) in cases {
        assert!(
            near(one(&store, query), expected),
            "{query}: {}",
            one(&store, query)
        );
    }
    assert!(points(&store, "vector(3) > 4", 0.0).is_empty());
    assert_eq!(ask(&store, "1 + 2 * 3", 0.0), Value::Scalar(7.0));
    assert_eq!(ask(&store, "\"hello\"", 0.0), Value::Text("hello".into()));
    assert!(matches!(ask(&store, "time()", 5.0), Value::Scalar(t) if near(t, store.0.anchor() + 5.0)));
}

#[test]
fn labels_come_and_go_as_the_functions_say() {
    let store = store(Scenario::Calm);
    let renamed = points(
        &store,
        "label_replace(vector(1), \"midwatch_slo\", \"x\", \"\", \"\")",
        0.0,
    );
    assert_eq!(renamed[0].labels.value("midwatch_slo"), "x");
    let cut = points(
        &store,
        "label_replace(up{instance=\"node-a:9100\"}, \"host\", \"$1-x\", \"instance\", \"(.*):.*\")",
        0.0,
    );
    assert_eq!(cut[0].labels.value("host"), "node-a-x");
    assert_eq!(cut[0].labels.value("__name__"), "up");
    let joined = points(
        &store,
        "label_join(up{instance=\"node-a:9100\"}, \"k\", \"/\", \"job\", \"instance\")",
        0.0,
    );
    assert_eq!(joined[0].labels.value("k"), "node/node-a:9100");
    let summed = points(&store, "sum by (job) (up)", 0.0);
    assert!(summed.iter().all(|p| p.labels.len() == 1));
    let left = points(
        &store,
        "up{job=\"shop\"} * on (pod) group_left (version) build_info",
        0.0,
    );
    assert!(left.len() == 24 && left.iter().all(|p| !p.labels.value("version").is_empty()));
    assert!(left.iter().all(|p| p.labels.get("__name__").is_none()));
}

#[test]
fn a_quantile_of_buckets_is_interpolated() {
    let store = store(Scenario::Calm);
    let p50 = one(
        &store,
        "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{service=\"cart\"}[5m])))",
    );
    assert!((0.025..0.05).contains(&p50), "median of cart is 30 ms: {p50}");
}

#[test]
fn a_reset_is_bridged_as_prometheus_bridges_it() {
    let store = store(Scenario::Leak);
    let query = "sum(increase(http_requests_total{service=\"checkout\"}[1h]))";
    let flow = one(
        &store,
        "sum(increase(http_request_duration_seconds_count{service=\"storefront\"}[1h])) * 42 / 180",
    );
    let got = one(&store, query);
    assert!(
        (got / flow - 1.0).abs() < 0.05,
        "three restarts lose seconds, not minutes: {got} {flow}"
    );
    assert!(near(
        one(
            &store,
            "max(resets(http_requests_total{service=\"checkout\"}[1h]))"
        ),
        3.0
    ));
}

#[test]
fn no_traffic_is_nan_and_vanished_data_is_empty() {
    let store = store(Scenario::Leak);
    let ratio = |service: &str, window: &str| {
        points(
            &store,
            &format!(
                "sum(rate(http_requests_total{{service=\"{service}\",status_code=~\"5..\"}}[{window}])) / sum(rate(http_requests_total{{service=\"{service}\"}}[{window}]))"
            ),
            0.0,
        )
    };
    assert!(ratio("giftcard", "5m")[0].value.is_nan());
    assert!(ratio("giftcard", "6h")[0].value > 0.0);
    assert!(ratio("loyalty", "5m").is_empty());
    assert_eq!(ratio("loyalty", "1h").len(), 1);
}

#[test]
fn what_cannot_be_read_is_refused_in_the_servers_words() {
    let cases = [
        ("", "1:1: parse error: no expression found in input"),
        ("sum(rate(x[5m])", "1:16: parse error: unclosed left parenthesis"),
        ("foo(up)", "1:1: parse error: unknown function with name \"foo\""),
        (
            "sum(mad_over_time(up[5m]))",
            "1:5: parse error: unknown function with name \"mad_over_time\"",
        ),
    ];
    for (query, message) in cases {
        assert_eq!(parse(query), Err(QueryError::BadData(message.into())), "{query}");
    }
    assert!(parse(&"(".repeat(100_000)).is_err());
    assert!(parse("up{").is_err() && parse("sum(up) by").is_err() && parse("up{a=~\"(\"}").is_err());
}

#[test]
fn many_to_many_is_an_execution_error_that_names_the_series() {
    let store = store(Scenario::Calm);
    let expr = parse("http_requests_total * on(service) http_requests_total").unwrap();
    let error = instant(&store, &expr, store.0.anchor()).unwrap_err();
    assert!(
        matches!(&error, QueryError::Execution(text) if text.starts_with("found duplicate series for the match group {service=")),
        "{error}"
    );
}

#[test]
fn a_range_answer_has_a_point_each_step() {
    let store = store(Scenario::Leak);
    let expr = parse("sum(rate(http_requests_total[5m]))").unwrap();
    let end = store.0.anchor();
    let lines = range(&store, &expr, end - 3600.0, end, 60.0).unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].points.len(), 61);
    assert_eq!(lines[0].points[60].0, end);
}
