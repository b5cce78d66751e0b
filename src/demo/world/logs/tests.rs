use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::Scenario;
use super::super::tests::world;
use super::*;
use crate::domain::log::{Level, Nanos};
use crate::domain::pattern::{Bounds, Patterns};

fn logs(scenario: Scenario, seed: u64) -> Logs {
    Logs::new(Arc::new(world(scenario, seed)))
}

/// Every line of some story seconds, with its service and text, oldest first.
fn said(logs: &Logs, seconds: std::ops::Range<i64>) -> Vec<(Line<'_>, &'static str, String)> {
    let mut all = Vec::new();
    for second in seconds {
        for (stream, of) in logs.streams().iter().enumerate() {
            for line in logs.second(stream, second) {
                let text = logs.text(&line);
                all.push((line, of.service, text));
            }
        }
    }
    all.sort_by_key(|(line, _, _)| line.at);
    all
}

#[test]
fn the_same_seed_says_the_same_and_every_line_lies_in_its_second() {
    let (one, again, other) = (
        logs(Scenario::Leak, 7),
        logs(Scenario::Leak, 7),
        logs(Scenario::Leak, 8),
    );
    let texts = |logs: &Logs| -> Vec<(i64, String)> {
        said(logs, -30..0)
            .into_iter()
            .map(|(line, _, text)| (line.at, text))
            .collect()
    };
    assert_eq!(texts(&one), texts(&again));
    assert_ne!(texts(&one), texts(&other));
    for second in [-4_000, -1, 0, 77] {
        for stream in 0..one.streams().len() {
            let lines = one.second(stream, second);
            assert!(lines.iter().all(|line| one.second_of(line.at) == second));
            assert!(lines.is_sorted_by_key(|line| line.at));
        }
    }
}

#[test]
fn checkout_is_denied_connections_when_its_pool_is_dry_and_the_storefront_hears_of_it() {
    let logs = logs(Scenario::Leak, 1);
    let count = |seconds: std::ops::Range<i64>, template: &str| {
        let lines = said(&logs, seconds);
        lines
            .iter()
            .filter(|(line, _, _)| line.template() == template)
            .count()
    };
    assert!(count(-60..0, "pool exhausted") > 200, "42 rps, a fifth of them");
    assert!(count(-3_600 * 3..-3_600 * 3 + 600, "pool exhausted") < 20);
    assert!(
        count(-2_400..-2_340, "connection held") > 5,
        "the leak shows long before the pool is dry"
    );
    assert_eq!(count(-3_400..-3_340, "connection held"), 0);
    let lines = said(&logs, -20..0);
    let traces = |template: &str| -> BTreeSet<u128> {
        let of = lines.iter().filter(|(line, _, _)| line.template() == template);
        of.map(|(line, _, _)| line.trace).collect()
    };
    assert!(!traces("pool exhausted").contains(&0));
    assert_eq!(traces("pool exhausted"), traces("upstream answered 503"));
    assert_eq!(traces("pool exhausted"), traces("retry"));
}

#[test]
fn rollouts_are_in_the_log_of_the_deployer_and_of_the_pods_that_start() {
    let logs = logs(Scenario::Leak, 1);
    let lines = said(&logs, -3_030..-2_970);
    let texts: Vec<&str> = lines
        .iter()
        .filter(|(_, service, text)| *service == DEPLOYER || text.contains("msg=\"starting\""))
        .map(|(_, _, text)| text.split_once(" msg=").map_or("", |(_, said)| said))
        .collect();
    assert_eq!(
        texts,
        [
            "\"rollout started\" service=checkout from=2.3.0 to=2.3.1",
            "\"starting\" service=checkout version=2.3.1 pid=1",
            "\"starting\" service=checkout version=2.3.1 pid=1",
            "\"rollout complete\" service=checkout version=2.3.1 pods=2 took=34s",
        ]
    );
}

#[test]
fn every_form_of_log_is_there() {
    let logs = logs(Scenario::Leak, 1);
    let lines = said(&logs, -60..0);
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
    assert!(
        lines
            .iter()
            .filter(|(_, service, _)| *service == "checkout")
            .all(|(_, _, text)| json(text))
    );
    assert!(
        lines
            .iter()
            .any(|(_, _, text)| text.contains("\n\tat shop.payment"))
    );
    assert!(
        lines
            .iter()
            .any(|(_, _, text)| text.starts_with("ts=") && text.contains(" level="))
    );
    let health = lines
        .iter()
        .filter(|(line, _, _)| line.template() == "health check")
        .count();
    assert!(
        health * 5 > lines.len(),
        "a noisy service: {health} of {}",
        lines.len()
    );
}

#[test]
fn nothing_burns_in_a_calm_world() {
    let logs = logs(Scenario::Calm, 1);
    let lines = said(&logs, -300..0);
    let errors = lines.iter().filter(|(line, _, _)| line.level == "error").count();
    assert!(errors < 60, "{errors} of {}", lines.len());
    assert!(
        lines
            .iter()
            .all(|(line, _, _)| line.template() != "connection held")
    );
}

/// What each voice says is one pattern, and no pattern holds what two voices say.
#[test]
fn the_true_templates_are_found() {
    let logs = logs(Scenario::Leak, 1);
    let mut patterns = Patterns::new(Bounds::default());
    let mut truth: BTreeMap<(&str, &str, String), BTreeMap<u64, u64>> = BTreeMap::new();
    let lines = said(&logs, -600..0);
    for (line, service, text) in &lines {
        let level = Level::ALL
            .into_iter()
            .find(|level| level.word() == line.level)
            .unwrap();
        let id = patterns
            .learn(Nanos(line.at), level, Some(service), text.as_bytes(), b"")
            .unwrap();
        let voice = (*service, line.level, line.template().to_owned());
        *truth.entry(voice).or_default().entry(id.0).or_default() += 1;
    }
    let listed = patterns.list(Nanos(i64::MAX));
    assert_eq!(listed.iter().map(|p| p.count).sum::<u64>(), lines.len() as u64);
    for (voice, ids) in &truth {
        let total: u64 = ids.values().sum();
        let found: Vec<_> = listed.iter().filter(|p| ids.contains_key(&p.id.0)).collect();
        assert_eq!(
            found.len(),
            1,
            "{voice:?}: {:?}",
            found.iter().map(|p| &p.template).collect::<Vec<_>>()
        );
        assert_eq!(found[0].count, total, "{voice:?}: {}", found[0].template);
    }
    assert_eq!(listed.len(), truth.len());
    let templates: BTreeSet<&str> = listed.iter().map(|p| p.template.as_ref()).collect();
    for template in [
        "pool primary exhausted: <num> of <num> connections in use, waited <dur>",
        "retrying order write, attempt <num> of <num> in <dur>",
        "connection <num> held for <dur> without release by applyGiftcard",
        "booked <num> points for member <num>",
        "<ip> - - [<ts>] <q> <num> <num> <q> <q>",
    ] {
        assert!(templates.contains(template), "{template}: {templates:#?}");
    }
}
