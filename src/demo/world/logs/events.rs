//! Lines that are said once, where the story has them: rollouts, and pods that start.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};

use super::super::Story;
use super::super::story::{BEGIN, DeployKind, Fate};

/// A line at a moment.
#[derive(Debug)]
pub struct Event {
    /// Which template.
    pub name: &'static str,
    /// Its level.
    pub level: &'static str,
    /// Nanoseconds into its second.
    pub into: i64,
    /// What follows the time.
    said: String,
}

type BySecond = BTreeMap<i64, Vec<Event>>;

impl Event {
    /// Its text: logfmt.
    pub fn text(&self, at: i64) -> String {
        let time = DateTime::from_timestamp_nanos(at).to_rfc3339_opts(SecondsFormat::Millis, true);
        format!("ts={time} level={} {}", self.level, self.said)
    }
}

fn put(all: &mut BySecond, s: f64, name: &'static str, said: String) {
    let into = (s.rem_euclid(1.0) * 1e9) as i64;
    let event = Event {
        name,
        level: "info",
        into,
        said,
    };
    all.entry(s.floor() as i64).or_default().push(event);
}

/// What the deployer says of every rollout.
pub fn of_deployer(story: &Story) -> BySecond {
    let mut all = BySecond::new();
    for fate in &story.fates {
        let mut before = fate.service.version.to_owned();
        for deploy in &fate.deploys {
            let service = fate.service.name;
            let version = &deploy.version;
            let word = match deploy.kind {
                DeployKind::Release => "rollout",
                DeployKind::Rollback => "rollback",
            };
            put(
                &mut all,
                deploy.at - 20.0,
                "rollout started",
                format!("msg=\"{word} started\" service={service} from={before} to={version}"),
            );
            put(
                &mut all,
                deploy.at + 14.0,
                "rollout complete",
                format!("msg=\"{word} complete\" service={service} version={version} pods=2 took=34s"),
            );
            before.clone_from(version);
        }
    }
    all
}

/// What a pod says when it starts.
pub fn of_pod(fate: &Fate, pod: usize) -> BySecond {
    let mut all = BySecond::new();
    for start in fate
        .restarts
        .get(pod)
        .into_iter()
        .flatten()
        .filter(|s| **s > BEGIN)
    {
        let deployed = fate.deploys.iter().rev().find(|deploy| deploy.at <= *start);
        let version = deployed.map_or(fate.service.version, |deploy| &deploy.version);
        put(
            &mut all,
            *start,
            "starting",
            format!(
                "msg=\"starting\" service={} version={version} pid=1",
                fate.service.name
            ),
        );
        if fate.service.pool > 0 {
            put(
                &mut all,
                start + 0.4,
                "pool opened",
                format!(
                    "msg=\"connection pool opened\" pool=primary max={}",
                    fate.service.pool
                ),
            );
        }
    }
    all
}
