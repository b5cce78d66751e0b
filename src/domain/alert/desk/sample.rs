//! Alerts, snapshots and inputs made up for tests.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Arrangement, Inputs, RulesInput, Settings, SourceInput};
use crate::backend::metrics::{AlertingRule, Firing, RuleAlert, RuleHealth};
use crate::domain::alert::*;
use crate::time::Now;

pub(crate) fn utc() -> DateTime<Utc> {
    "2026-11-20T03:14:07Z".parse().expect("a time")
}

/// Two hours after the start of the process.
pub(crate) fn now() -> Now {
    Now::fixed(utc(), 7_200)
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

pub(crate) fn fingerprint(labels: &Labels) -> Fingerprint {
    let mut hasher = DefaultHasher::new();
    labels.hash(&mut hasher);
    Fingerprint(hasher.finish() >> 32) // eight leading zeros: a prefix that tests know
}

/// Listed as active, fired just now.
pub(crate) fn source_alert(pairs: &[(&str, &str)]) -> SourceAlert {
    let labels = labels(pairs);
    SourceAlert {
        occurrence: Occurrence {
            fingerprint: fingerprint(&labels),
            starts_at: utc(),
        },
        updated_at: utc(),
        ends_at: utc() + TimeDelta::minutes(5),
        state: AlertState::Active,
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
        muted_by: Vec::new(),
        labels,
        annotations: Labels::default(),
        generator_url: Arc::default(),
        receivers: vec!["pager".into()],
    }
}

/// As it stands on a board.
pub(crate) fn alert(pairs: &[(&str, &str)]) -> Alert {
    let board =
        super::Desk::new().arrange(&inputs(vec![source_alert(pairs)]), &Arrangement::default(), now());
    let alert = board.by_fingerprint.values().next().expect("one alert");
    Alert::clone(alert)
}

pub(crate) fn ack(by: &str) -> Ack {
    Ack {
        by: by.into(),
        at: utc(),
        until: utc() + TimeDelta::minutes(15),
        silences: vec![("eu-0".into(), "s1".into())],
        note: "looking".into(),
    }
}

pub(crate) fn silence(id: &str, comment: &str, by: &str, matchers: &str) -> Silence {
    Silence {
        id: id.into(),
        state: SilenceState::Active,
        matchers: matcher::parse_list(matchers).expect("matchers"),
        created_by: by.into(),
        comment: comment.into(),
        starts_at: utc() + TimeDelta::seconds(30),
        ends_at: utc() + TimeDelta::minutes(15),
        updated_at: utc(),
    }
}

/// All in one group by `alertname`, each name its own.
pub(crate) fn snapshot(source: &str, mut alerts: Vec<SourceAlert>, silences: Vec<Silence>) -> AlertSnapshot {
    alerts.sort_by_key(|a| a.occurrence.fingerprint);
    let mut groups: Vec<SourceGroup> = Vec::new();
    for alert in &alerts {
        let key = labels(&[("alertname", alert.labels.value("alertname"))]);
        match groups.iter_mut().find(|g| g.key == key) {
            Some(group) => group.members.push(alert.occurrence.fingerprint),
            None => groups.push(SourceGroup {
                key,
                receiver: "pager".into(),
                members: vec![alert.occurrence.fingerprint],
            }),
        }
    }
    AlertSnapshot {
        source: source.into(),
        cluster: source.into(),
        peers: Vec::new(),
        alerts: alerts.into_iter().map(Arc::new).collect(),
        groups,
        silences: silences.into_iter().map(Arc::new).collect(),
    }
}

pub(crate) fn source(snapshot: AlertSnapshot) -> SourceInput {
    SourceInput {
        name: Arc::clone(&snapshot.source),
        snapshot: Some(Arc::new(snapshot)),
        age: Some(Duration::from_secs(9)),
        interval: Duration::from_secs(15),
        failure: None,
    }
}

pub(crate) fn inputs_of(sources: Vec<SourceInput>) -> Inputs {
    Inputs {
        sources,
        rules: RulesInput::NotConfigured,
        settings: Arc::new(Settings {
            watchdog: Some(matcher::parse_list("alertname=Watchdog").expect("matcher")),
            service_labels: vec!["service".into(), "job".into()],
            identity: "jun@example.com".into(),
        }),
    }
}

/// One source, `eu-0`.
pub(crate) fn inputs(alerts: Vec<SourceAlert>) -> Inputs {
    inputs_of(vec![source(snapshot("eu-0", alerts, Vec::new()))])
}

pub(crate) fn rule(
    name: &str,
    firing: &[&[(&str, &str)]],
    active_for: TimeDelta,
    at: DateTime<Utc>,
) -> AlertingRule {
    AlertingRule {
        name: name.into(),
        query: "up == 0".into(),
        labels: Labels::default(),
        health: RuleHealth::Ok,
        last_evaluation: Some(at),
        hold: Duration::ZERO,
        alerts: firing
            .iter()
            .map(|pairs| RuleAlert {
                labels: labels(pairs),
                firing: Firing::Firing,
                active_at: at - active_for,
            })
            .collect(),
    }
}

pub(crate) fn rules(rules: Vec<AlertingRule>) -> RulesInput {
    RulesInput::Asked {
        source: "metrics".into(),
        rules: Some(Arc::new(rules)),
        age: Some(Duration::from_secs(5)),
        interval: Duration::from_secs(15),
        failure: None,
    }
}
