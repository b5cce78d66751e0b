//! What the judge of a drill asks the world: the truth, which traces were broken, what a silence hid.
//!
//! All of it follows from (cause, seed, anchor), so that it is the same wherever it is worked out: the judge needs no
//! server. Start at [`Judge::new`].

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::{moment, seconds};
use super::rules::{INTERVAL, Rules, Stage};
use super::world::flow::mix;
use super::world::incident::{Incident, NODES};
use super::world::story::SERVICES;
use super::world::traces::{Kind, Traces};
use super::world::{Epoch, Scenario, World};
use crate::domain::alert::Matcher;
use crate::domain::alert::matcher::Matchers;
use crate::domain::drill::{Cause, Truth};
use crate::domain::trace_id::TraceId;

/// Knows what was wrong.
pub struct Judge {
    incident: Incident,
    anchor: DateTime<Utc>,
    rules: Rules,
    traces: Traces,
}

/// The kind of incident that a seed draws.
pub fn drawn(seed: u64) -> Cause {
    let [first, ..] = Cause::ALL;
    let at = mix(seed, "which drill") as usize % Cause::ALL.len();
    Cause::ALL.get(at).copied().unwrap_or(first)
}

/// Everybody who can be to blame: the services, then the nodes.
pub fn suspects() -> Vec<&'static str> {
    let services = SERVICES.iter().map(|service| service.name);
    services.chain(NODES).collect()
}

/// When the incident of a kind and seed is mended, where the story begins at `anchor`.
pub fn mended(cause: Cause, seed: u64, anchor: DateTime<Utc>) -> DateTime<Utc> {
    let incident = Incident::new(cause, seed);
    anchor + TimeDelta::milliseconds((incident.mended * 1_000.0) as i64)
}

impl Judge {
    /// Of the incident of a kind that a seed makes.
    pub fn new(cause: Cause, seed: u64, anchor: DateTime<Utc>) -> Result<Self, String> {
        let world = Arc::new(World::new(Epoch {
            scenario: Scenario::Drill(cause),
            seed,
            anchor,
        }));
        Ok(Self {
            incident: Incident::new(cause, seed),
            // The world's seconds are whole ones.
            anchor: moment(world.anchor()),
            rules: Rules::new(Arc::clone(&world)).map_err(|error| error.to_string())?,
            traces: Traces::new(world),
        })
    }

    /// What was wrong.
    pub fn truth(&self) -> Truth {
        self.incident.truth(self.anchor, self.paged())
    }

    /// When the first alert fired that pages, for what the incident strikes.
    fn paged(&self) -> Option<DateTime<Utc>> {
        let (from, to) = (self.incident.onset, self.incident.mended);
        let zero = seconds(self.anchor);
        let steps = ((to - from) / INTERVAL).ceil() as u32;
        (0..=steps).find_map(|step| {
            let state = self.rules.at(zero + from + f64::from(step) * INTERVAL);
            let alerts = state.rules.iter().flat_map(|rule| &rule.alerts);
            alerts
                .filter(|alert| alert.labels.value("severity") == "critical")
                .filter_map(|alert| alert.fired_at)
                .filter(|fired| *fired >= zero + from)
                .min_by(f64::total_cmp)
                .map(moment)
        })
    }

    /// Whether a trace is of a request that the incident broke.
    pub fn is_struck(&self, trace: TraceId) -> bool {
        let found = self.traces.find(u128::from_be_bytes(trace.0));
        found.is_some_and(|request| matches!(request.kind, Kind::Struck(_)))
    }

    /// The services that the incident strikes of whose firing alerts these matchers hide one at a moment.
    pub fn hidden(&self, matchers: &[Matcher], at: DateTime<Utc>) -> Vec<String> {
        let Ok(matchers) = Matchers::compile(matchers) else {
            return Vec::new();
        };
        let struck = self.incident.struck();
        let state = self.rules.at(seconds(at));
        let mut hidden: Vec<String> = state
            .rules
            .iter()
            .flat_map(|rule| &rule.alerts)
            .filter(|alert| alert.stage == Stage::Firing && matchers.is_match(&alert.labels))
            .map(|alert| alert.labels.value("service"))
            .filter(|service| struck.contains(service) || *service == self.incident.culprit)
            .map(str::to_owned)
            .collect();
        hidden.sort();
        hidden.dedup();
        hidden
    }
}
