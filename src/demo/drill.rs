//! What the judge of a drill asks the world: the truth, which traces were broken, what a silence hid.
//!
//! All of it follows from (cause, seed, anchor), so that it is the same wherever it is worked out: the judge needs no
//! server. Start at [`Judge::new`].

use std::collections::BTreeMap;
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
use crate::domain::drill::{Cause, Page, Truth};
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
    services().chain(NODES).collect()
}

/// Every service, by its name.
pub fn services() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|service| service.name)
}

/// From when to when requests fail through the incident of a kind and seed, where the story begins at `anchor`.
pub fn lasts(cause: Cause, seed: u64, anchor: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let incident = Incident::new(cause, seed);
    let at = |s: f64| anchor + TimeDelta::milliseconds((s * 1_000.0) as i64);
    (at(incident.onset), at(incident.mended))
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
        self.incident.truth(self.anchor, self.pages())
    }

    /// When the first alert fired that pages, of each service that the incident strikes or that is to blame.
    fn pages(&self) -> Vec<Page> {
        let (from, to) = (self.incident.onset, self.incident.mended);
        let zero = seconds(self.anchor);
        let steps = ((to - from) / INTERVAL).ceil() as u32;
        let mut own = self.incident.struck();
        own.push(self.incident.culprit);
        let mut first: BTreeMap<String, f64> = BTreeMap::new();
        for step in 0..=steps {
            let state = self.rules.at(zero + from + f64::from(step) * INTERVAL);
            for alert in state.rules.iter().flat_map(|rule| &rule.alerts) {
                let service = alert.labels.value("service");
                let pages = alert.labels.value("severity") == "critical" && own.contains(&service);
                let Some(fired) = alert.fired_at.filter(|at| pages && *at >= zero + from) else {
                    continue;
                };
                let known = first.entry(service.to_owned()).or_insert(fired);
                *known = known.min(fired);
            }
        }
        let pages = first.into_iter().map(|(service, at)| Page {
            at: moment(at),
            service,
        });
        pages.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::matcher::parse_list;

    fn anchor() -> DateTime<Utc> {
        "2026-11-20T03:00:00.700Z".parse().unwrap()
    }

    #[test]
    fn a_judge_knows_the_page_the_broken_traces_and_what_a_silence_hid() {
        let judge = Judge::new(Cause::DependencyTimeout, 4, anchor()).unwrap();
        let truth = judge.truth();
        let paged = truth.paged.unwrap();
        let after = (paged - truth.onset).num_seconds();
        assert!((30..150).contains(&after), "{after} s");
        let (onset, mended) = lasts(Cause::DependencyTimeout, 4, anchor());
        assert!(onset - truth.onset < TimeDelta::seconds(1) && mended - truth.mended < TimeDelta::seconds(1));
        let first = truth.pages.iter().min_by_key(|page| page.at).unwrap();
        assert_eq!(first.at, paged);
        let own = |page: &Page| truth.struck.contains(&page.service) || page.service == truth.culprit;
        assert!(truth.pages.iter().all(own), "{:?}", truth.pages);
        let second = judge.incident.onset as i64 + 120;
        let (mut struck, mut sound) = (0, 0);
        for request in judge.traces.second(second, None) {
            let known = judge.is_struck(TraceId(request.id.to_be_bytes()));
            assert_eq!(
                known,
                matches!(request.kind, Kind::Struck(_)),
                "{:?}",
                request.kind
            );
            struck += usize::from(known);
            sound += usize::from(!known);
        }
        assert!(struck > 2 && sound > 20, "{struck} {sound}");
        assert!(!judge.is_struck(TraceId([7; 16])));
        let hidden = |matchers: &str, at| judge.hidden(&parse_list(matchers).unwrap(), at);
        let then = paged + TimeDelta::minutes(2);
        let all = hidden("severity=\"critical\"", then);
        assert!(
            all.contains(&truth.struck[0]) || all.contains(&truth.culprit),
            "{all:?}"
        );
        assert_eq!(hidden("severity=\"critical\"", truth.onset), Vec::<String>::new());
        assert_eq!(hidden("alertname=\"DiskSpaceLow\"", then), Vec::<String>::new());
    }

    #[test]
    fn every_kind_is_drawn_by_some_seed_and_the_same_seed_draws_the_same() {
        let kinds: std::collections::BTreeSet<Cause> = (0..200).map(drawn).collect();
        assert_eq!(kinds.len(), Cause::ALL.len());
        assert_eq!(drawn(77), drawn(77));
    }

    #[test]
    fn every_culprit_is_among_the_suspects() {
        for cause in Cause::ALL {
            for seed in 0..20 {
                let culprit = Incident::new(cause, seed).culprit;
                assert!(suspects().contains(&culprit), "{culprit}");
            }
        }
    }
}
