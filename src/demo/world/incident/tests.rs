//! Every incident is held against its own truth: metrics, alerts, logs, traces and deploys tell one story.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use chrono::TimeZone as _;

use super::*;
use crate::demo::rules::{Rules, Stage};
use crate::demo::world::logs::Logs;
use crate::demo::world::story::MIN;
use crate::demo::world::traces::{Kind, Traces};
use crate::demo::world::{Epoch, Scenario, World};
use crate::domain::drill::Signal;
use crate::domain::trace::json::Findings;

/// Enough to meet most variations of who and where; the worlds are built one after the other.
const SEEDS: [u64; 2] = [1, 2];

/// Rules are dear: each world's are evaluated once for all tests, those of the first seed alone.
static RULED: LazyLock<Vec<(Arc<World>, Rules)>> = LazyLock::new(|| {
    let ruled = |cause| {
        let world = world(cause, SEEDS[0]);
        (Arc::clone(&world), Rules::new(world).unwrap())
    };
    Cause::ALL.map(ruled).into()
});

fn world(cause: Cause, seed: u64) -> Arc<World> {
    Arc::new(World::new(Epoch {
        scenario: Scenario::Drill(cause),
        seed,
        anchor: chrono::Utc.with_ymd_and_hms(2026, 11, 20, 3, 0, 0).unwrap(),
    }))
}

fn every(mut check: impl FnMut(&Arc<World>, &Incident, &str)) {
    for cause in Cause::ALL {
        for seed in SEEDS {
            let world = world(cause, seed);
            let incident = world.story().incident.clone().unwrap();
            check(&world, &incident, &format!("{} {seed}", cause.word()));
        }
    }
}

fn every_ruled(mut check: impl FnMut(&World, &Rules, &Incident, &str)) {
    for (world, rules) in &*RULED {
        let incident = world.story().incident.clone().unwrap();
        check(world, rules, &incident, incident.cause.word());
    }
}

/// Firing alerts at a story second: name, service, severity, instance.
fn firing(rules: &Rules, s: f64) -> Vec<[String; 4]> {
    let state = rules.at(rules.epoch().anchor_seconds() + s);
    let alerts = state.rules.iter().flat_map(|rule| &rule.alerts);
    alerts
        .filter(|alert| alert.stage == Stage::Firing)
        .map(|alert| {
            ["alertname", "service", "severity", "instance"].map(|label| alert.labels.value(label).to_owned())
        })
        .collect()
}

/// Share of a service's requests that fail within a window that ends at a story second.
fn error_ratio(world: &World, service: &str, s: f64, window: f64) -> f64 {
    let (mut bad, mut all) = (0.0, 0.0);
    for series in world.metric("http_requests_total") {
        if series.labels.value("service") != service {
            continue;
        }
        let to = world.anchor() + s;
        let Some(bounds) = series.bounds(to - window, to) else {
            continue;
        };
        let grown = series.value(bounds.last) - series.value(bounds.first)
            + series.reset_correction(bounds.first, bounds.last);
        all += grown;
        if series.labels.value("status_code").starts_with('5') {
            bad += grown;
        }
    }
    bad / all
}

#[test]
fn the_same_seed_makes_the_same_incident_and_seeds_differ_in_who_when_and_how_hard() {
    for cause in Cause::ALL {
        assert_eq!(Incident::new(cause, 5), Incident::new(cause, 5));
        let many: Vec<Incident> = (0..24).map(|seed| Incident::new(cause, seed)).collect();
        let different =
            |told: &dyn Fn(&Incident) -> String| many.iter().map(told).collect::<BTreeSet<_>>().len();
        assert!(different(&|i| i.onset.to_string()) > 8, "{}", cause.word());
        assert!(
            different(&|i| format!("{:?}", i.herrings)) > 3,
            "{}",
            cause.word()
        );
        assert!(different(&|i| i.culprit.to_owned()) > 1, "{}", cause.word());
        assert!(different(&|i| format!("{:?}", i.strikes)) > 2, "{}", cause.word());
    }
}

#[test]
fn the_same_seed_makes_the_same_world() {
    let told = |seed: u64| -> Vec<String> {
        let world = world(Cause::DiskFull, seed);
        let logs = Logs::new(Arc::clone(&world));
        let mut all: Vec<String> = world
            .series()
            .map(|series| format!("{:?} {:?}", series.labels, series.latest(world.anchor() + 300.5)))
            .collect();
        for stream in 0..logs.streams().len() {
            all.extend(logs.second(stream, 200).iter().map(|line| logs.text(line)));
        }
        all
    };
    assert_eq!(told(5), told(5));
    assert_ne!(told(5), told(6));
}

#[test]
fn nothing_pages_before_and_the_page_comes_soon_after_and_goes_when_it_is_mended() {
    every_ruled(|_, rules, incident, name| {
        let pages = |s: f64| -> Vec<[String; 4]> {
            let all = firing(rules, s);
            all.into_iter().filter(|alert| alert[2] == "critical").collect()
        };
        for s in [-5.0 * MIN, -60.0, 0.0, incident.onset] {
            assert_eq!(pages(s), Vec::<[String; 4]>::new(), "{name} at {s}");
        }
        let woken = pages(incident.onset + 150.0);
        assert!(!woken.is_empty(), "{name}: nobody is paged");
        let struck = incident.struck();
        assert!(
            woken.iter().all(|alert| struck.contains(&alert[1].as_str())),
            "{name}: {woken:?}"
        );
        assert_eq!(
            pages(incident.mended + 8.0 * MIN),
            Vec::<[String; 4]>::new(),
            "{name}"
        );
    });
}

#[test]
fn slos_burn_at_a_paging_pace_and_those_of_others_do_not() {
    every(|world, incident, name| {
        let s = incident.onset + 6.0 * MIN;
        let burning: Vec<&str> = [
            "checkout",
            "payment",
            "storefront",
            "catalog",
            "inventory",
            "shipping",
        ]
        .into_iter()
        .filter(|service| {
            [5.0 * MIN, 60.0 * MIN]
                .into_iter()
                .all(|window| error_ratio(world, service, s, window) > 14.4 * 0.001)
        })
        .collect();
        assert!(!burning.is_empty(), "{name}");
        let struck = incident.struck();
        assert!(
            burning.iter().all(|service| struck.contains(service)),
            "{name}: {burning:?}"
        );
        for service in burning {
            let before = error_ratio(world, service, incident.onset - 5.0, 5.0 * MIN);
            assert!(before < 0.002, "{name}: {service} failed {before} before");
        }
    });
}

#[test]
fn the_log_tells_the_sign_from_the_onset_on_and_not_before() {
    every(|world, incident, name| {
        let logs = Logs::new(Arc::clone(world));
        let told = |from: f64| -> Vec<(String, &'static str, String)> {
            let mut all = Vec::new();
            for second in from as i64..from as i64 + 40 {
                for (stream, of) in logs.streams().iter().enumerate() {
                    for line in logs.second(stream, second) {
                        let text = logs.text(&line);
                        all.push((line.template().to_owned(), of.service, text));
                    }
                }
            }
            all
        };
        let (before, during) = (told(incident.onset - 60.0), told(incident.onset + 200.0));
        for strike in &incident.strikes {
            let writer = strike.failing().last().unwrap().service;
            let count = |lines: &[(String, &'static str, String)]| {
                lines
                    .iter()
                    .filter(|(template, _, _)| template == strike.name)
                    .count()
            };
            assert_eq!(count(&before), 0, "{name}: {}", strike.name);
            assert!(count(&during) > 40, "{name}: {} {}", strike.name, count(&during));
            let fixed = strike.message.split('{').next().unwrap();
            let lines: Vec<_> = during
                .iter()
                .filter(|(template, _, _)| template == strike.name)
                .collect();
            assert!(
                lines.iter().all(|(_, service, text)| *service == writer
                    && text.contains(fixed)
                    && !text.contains("{n:")),
                "{name}: {:?}",
                lines[0]
            );
            if writer == "checkout" || writer == "inventory" {
                let (_, _, text) = lines[0];
                assert!(
                    serde_json::from_str::<serde_json::Value>(text).is_ok(),
                    "{name}: {text}"
                );
            }
        }
        for murmur in &incident.murmurs {
            let long = (0..6).flat_map(|n| told(incident.onset + 60.0 + f64::from(n) * 40.0));
            assert!(
                long.into_iter().any(|(template, _, _)| template == murmur.name),
                "{name}: {}",
                murmur.name
            );
        }
    });
}

#[test]
fn failed_traces_have_the_share_that_metrics_have_and_blame_finds_where_it_began() {
    every(|world, incident, name| {
        let traces = Traces::new(Arc::clone(world));
        let logs = Logs::new(Arc::clone(world));
        let (mut struck, mut felt) = (0, 0);
        let seconds = 20;
        let from = incident.onset as i64 + 200;
        for second in from..from + seconds {
            for request in traces.second(second, None) {
                let Kind::Struck(_) = request.kind else { continue };
                struck += 1;
                if struck % 7 != 0 {
                    continue;
                }
                let trace = traces.trace(&request);
                let root = trace.span(0).unwrap();
                assert!(root.failure.is_some(), "{name}: the buyer is told");
                for span in trace.spans() {
                    let of = trace.resource(&span).unwrap().service;
                    assert!(
                        traces
                            .operations()
                            .any(|op| (op.service, op.name, op.kind) == (of, &*span.name, span.kind)),
                        "{name}: {of} {}",
                        span.name
                    );
                    assert!(
                        request
                            .kind
                            .services()
                            .contains(&trace.resource(&span).unwrap().service),
                        "{name}: {}",
                        span.name
                    );
                    assert!(span.end - span.start <= request.longest(), "{name}");
                }
                for line in &request.lines {
                    let of = logs.streams()[line.stream].service;
                    let here = trace
                        .spans()
                        .find(|span| span.id == line.span(of))
                        .unwrap_or_else(|| panic!("{name}: no span of {of}"));
                    assert!((here.start..=here.end).contains(&line.at), "{name}: {of}");
                }
                let found = crate::demo::jaeger::read_back(&trace);
                let findings = Findings::of(&found);
                let origin = &findings.origins.origins[0];
                let strike = &incident.strikes[request.strike().unwrap()];
                assert_eq!(origin.what, strike.kind, "{name}");
                let fixed = strike.message.split('{').next().unwrap();
                assert!(
                    origin.message.as_deref().unwrap_or_default().contains(fixed),
                    "{name}: {origin:?}"
                );
                let writer = strike.failing().last().unwrap().service;
                assert_eq!(&**found.span(origin.row).service, writer, "{name}");
                let broke = found.span(origin.row).id.to_string();
                let named = request
                    .lines
                    .iter()
                    .map(|line| line.span(logs.streams()[line.stream].service));
                assert!(
                    named
                        .map(|span| format!("{span:016x}"))
                        .any(|named| named == broke),
                    "{name}: no line names the span that broke"
                );
                felt += usize::from(writer == incident.felt);
            }
        }
        let expected: f64 = incident
            .strikes
            .iter()
            .map(|strike| strike.rate.at(from as f64 + 5.0))
            .sum();
        let rate = f64::from(struck) / seconds as f64;
        assert!((rate / expected - 1.0).abs() < 0.25, "{name}: {rate} {expected}");
        assert!(felt > 0, "{name}");
    });
}

#[test]
fn before_the_onset_no_trace_is_broken_by_it() {
    every(|world, incident, name| {
        let traces = Traces::new(Arc::clone(world));
        let from = incident.onset as i64 - 30;
        for second in from..from + 29 {
            let broken = traces.second(second, None);
            assert!(
                broken
                    .iter()
                    .all(|request| !matches!(request.kind, Kind::Struck(_))),
                "{name} at {second}"
            );
        }
    });
}

#[test]
fn what_is_plainest_is_there_to_be_seen() {
    every_ruled(|world, rules, incident, name| {
        let fate = world.story().fate(incident.culprit);
        let deploys = fate.map_or(0, |fate| fate.deploys.len());
        match incident.cause {
            Cause::BadDeploy => {
                assert_eq!(incident.signal, Signal::Deploy);
                let deploys = &fate.unwrap().deploys;
                assert!(
                    deploys[0].at < incident.onset && incident.onset - deploys[0].at < 90.0,
                    "{name}"
                );
                assert_eq!(deploys[1].kind, DeployKind::Rollback, "{name}");
            }
            Cause::DiskFull => {
                let low = firing(rules, incident.onset - 60.0);
                let node = incident.disk.as_ref().unwrap().node;
                assert!(
                    low.iter()
                        .any(|alert| alert[0] == "DiskSpaceLow" && alert[3].starts_with(node)),
                    "{name}: {low:?}"
                );
                assert_eq!(deploys, 0, "{name}");
            }
            Cause::RegionLoss => {
                let node = incident.lost.unwrap();
                let down = firing(rules, incident.onset + 180.0);
                let gone = down.iter().filter(|alert| alert[0] == "TargetDown").count();
                assert!(gone > 8, "{name}: {down:?}");
                assert!(
                    down.iter()
                        .any(|alert| alert[0] == "TargetDown" && alert[3].starts_with(node)),
                    "{name}"
                );
            }
            Cause::CacheStampede => {
                let dry = firing(rules, incident.onset + 180.0);
                assert!(
                    dry.iter()
                        .any(|alert| alert[0] == "PoolExhausted" && alert[1] == incident.culprit),
                    "{name}: {dry:?}"
                );
                assert_eq!(deploys, 0, "{name}");
            }
            Cause::CertificateExpiry => {
                let series = world.metric("http_requests_total");
                let rate = |s: f64| -> f64 {
                    let t = world.anchor() + s;
                    series
                        .iter()
                        .filter(|series| series.labels.value("service") == incident.culprit)
                        .map(|series| (series.value(t + 60.0) - series.value(t)) / 60.0)
                        .sum()
                };
                assert!(
                    rate(incident.onset + 60.0) < rate(incident.onset - 120.0) * 0.6,
                    "{name}: calls do not arrive"
                );
                assert_eq!(deploys, 0, "{name}");
            }
            Cause::DependencyTimeout | Cause::NoisyNeighbour => assert_eq!(deploys, 0, "{name}"),
        }
        assert!(incident.mended - incident.onset >= 11.0 * MIN, "{name}");
    });
}

#[test]
fn a_pod_on_a_lost_node_says_and_serves_nothing_until_it_is_back() {
    let world = world(Cause::RegionLoss, 1);
    let incident = world.story().incident.clone().unwrap();
    let node = incident.lost.unwrap();
    let traces = Traces::new(Arc::clone(&world));
    let second = incident.onset as i64 + 60;
    let mut alive = 0;
    for request in traces.second(second, None) {
        let trace = traces.trace(&request);
        for span in trace.spans() {
            let resource = trace.resource(&span).unwrap();
            assert!(
                resource.host != node,
                "{:?}: {} of {}",
                request.kind,
                span.name,
                resource.service
            );
            alive += 1;
        }
    }
    assert!(alive > 200, "{alive}");
    let logs = Logs::new(Arc::clone(&world));
    for (stream, of) in logs.streams().iter().enumerate() {
        let place = Place {
            service: of.service,
            pod: of.pod,
        };
        if place.host() == node && world.story().fate(of.service).is_some() {
            assert!(logs.second(stream, second).is_empty(), "{}", of.service);
            let before = (second - 120..second - 80).any(|second| !logs.second(stream, second).is_empty());
            assert!(before, "{}", of.service);
        }
    }
}
