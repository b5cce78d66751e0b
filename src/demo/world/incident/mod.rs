//! One incident as data: whom it strikes, how hard and when, what is written of it, and who is to blame.
//!
//! Everything that tells of it reads this one description: metrics through the [`Fate`]s that it touches
//! ([`Incident::befall`]), logs through its [`Strike`]s and [`Murmur`]s, traces through the strikes' [`Leaf`]s, deploys
//! and restarts through the fates again; alerts, pages and annotations follow from those. `causes` lays the seven kinds
//! out, `herrings` what else is odd that day and means nothing. Which service, when and how hard is the seed's.
//! Start at [`Incident::new`].

mod causes;
mod chain;
mod herrings;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};

use super::flow::{Levels, share};
use super::story::{DeployKind, Fate, PODS, SERVICES};
use super::traces::Place;
use crate::domain::drill::{Cause, Help, Page, Signal, Truth};

pub use chain::{Chain, Hop};

/// The nodes that pods run on; node-c has but one, and is always nearly full.
pub const NODES: [&str; 3] = ["node-a", "node-b", "node-c"];

/// What breaks in the last service of a chain, as its span shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Leaf {
    /// The service itself.
    Itself,
    /// A statement to its database.
    Statement(&'static str),
    /// A command to the shared cache.
    Cache(&'static str),
    /// A key is not in the cache, and the database has no connection left for reading it anew.
    Rebuild,
    /// Somebody outside: host, method and route.
    Outside(&'static str, &'static str, &'static str),
    /// It is not reached at all: who calls it fails.
    Unreached,
}

/// Requests that fail in one way.
#[derive(Debug, Clone, PartialEq)]
pub struct Strike {
    /// Names the template of its line.
    pub name: &'static str,
    /// Which requests.
    pub chain: Chain,
    /// What breaks.
    pub leaf: Leaf,
    /// The exception's type.
    pub kind: &'static str,
    /// Its message and the log's: a phrase.
    pub message: String,
    /// Milliseconds that what breaks takes: from, to.
    pub took: (i64, i64),
    /// Requests a second, all pods together.
    pub rate: Levels,
    /// The pods whose logs tell of it.
    pub pods: Vec<usize>,
}

impl Strike {
    /// The services whose requests fail, the first asked first; the last of them writes the line.
    pub fn failing(&self) -> &'static [Hop] {
        let hops = self.chain.hops();
        match (self.leaf, hops.split_last()) {
            (Leaf::Unreached, Some((_, before))) => before,
            _ => hops,
        }
    }

    /// How many services below the one at a place of [`Strike::failing`] fail too, down to the one that writes the line.
    pub fn below(&self, place: usize) -> u32 {
        let below = self.failing().len().saturating_sub(1 + place);
        u32::try_from(below).unwrap_or(0)
    }

    /// Failing requests of a second that a pod's log tells of.
    pub fn per_pod(&self, pod: usize, s: f64) -> f64 {
        if self.pods.contains(&pod) {
            self.rate.at(s) / self.pods.len() as f64
        } else {
            0.0
        }
    }

    /// Whether those who wait for it wait long.
    fn is_slow(&self) -> bool {
        self.took.0 >= 1_000
    }
}

/// A line that is said beside the requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Murmur {
    /// Names its template.
    pub name: &'static str,
    /// Who says it.
    pub service: &'static str,
    /// Its level.
    pub level: &'static str,
    /// Lines a second, all pods together.
    pub rate: Levels,
    /// What: a phrase.
    pub text: String,
}

/// A node's value over time: points with straight lines between.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Which node.
    pub node: &'static str,
    /// (story second, value), in order.
    pub points: Vec<(f64, f64)>,
}

/// One incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Of which kind.
    pub cause: Cause,
    /// Who is to blame.
    pub culprit: &'static str,
    /// The service whose span is where failures begin.
    pub felt: &'static str,
    /// Where it is plainest to see.
    pub signal: Signal,
    /// What is written there.
    pub sign: String,
    /// In a sentence.
    pub told: String,
    /// Whether it is too much for one person.
    pub help: Help,
    /// Requests begin to fail; story seconds.
    pub onset: f64,
    /// They cease to.
    pub mended: f64,
    /// Whose requests fail.
    pub strikes: Vec<Strike>,
    /// What is said beside.
    pub murmurs: Vec<Murmur>,
    /// Free share of a node's disk.
    pub disk: Option<Course>,
    /// Load of a node.
    pub load: Option<Course>,
    /// The node that is gone from onset to mend.
    pub lost: Option<&'static str>,
    /// What is rolled out: who, when, which version, and where to.
    pub rollouts: Vec<Rollout>,
    /// Traffic of a service while it lasts, relative to its mean.
    pub traffic: Option<(&'static str, f64)>,
    /// A pool that is taken whole while it lasts.
    pub drained: Option<&'static str>,
    /// What else is odd.
    herrings: Vec<herrings::Herring>,
}

/// Something that is rolled out.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Of which service.
    pub service: &'static str,
    /// When; story seconds.
    pub at: f64,
    /// Which version.
    pub version: String,
    /// Forward or back.
    pub kind: DeployKind,
}

/// Draws what the seed decides.
#[derive(Debug, Clone, Copy)]
struct Dice {
    seed: u64,
    cause: Cause,
}

impl Dice {
    fn share(self, salt: &str) -> f64 {
        share(self.seed, &format!("{} {salt}", self.cause.word()))
    }

    fn between(self, salt: &str, from: f64, to: f64) -> f64 {
        from + self.share(salt) * (to - from)
    }

    /// Whole seconds.
    fn seconds(self, salt: &str, from: f64, to: f64) -> f64 {
        self.between(salt, from, to).floor()
    }

    fn pick<T: Copy>(self, salt: &str, first: T, others: &[T]) -> T {
        let at = (self.share(salt) * (others.len() + 1) as f64) as usize;
        at.checked_sub(1)
            .and_then(|at| others.get(at))
            .copied()
            .unwrap_or(first)
    }
}

impl Incident {
    /// The incident of a kind that a seed makes.
    pub fn new(cause: Cause, seed: u64) -> Self {
        let mut made = causes::lay_out(Dice { seed, cause });
        herrings::add(&mut made, Dice { seed, cause });
        made
    }

    /// Every service whose requests fail, by name.
    pub fn struck(&self) -> Vec<&'static str> {
        let mut all: Vec<&str> = self
            .strikes
            .iter()
            .flat_map(|strike| strike.failing().iter().map(|hop| hop.service))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Lets it happen to the services.
    pub fn befall(&self, fates: &mut [Fate]) {
        for herring in &self.herrings {
            herring.befall(fates);
        }
        for fate in fates.iter_mut() {
            let name = fate.service.name;
            for strike in &self.strikes {
                if strike.failing().iter().any(|hop| hop.service == name) {
                    let share = strike.rate.times(1.0 / fate.service.rps);
                    fate.struck = fate.struck.plus(&share);
                    if strike.is_slow() {
                        fate.dragged = fate.dragged.plus(&share);
                    }
                }
            }
            fate.errors = fate.errors.plus(&fate.struck);
            fate.slow = fate.slow.plus(&fate.dragged);
            if let Some((_, level)) = self.traffic.filter(|(service, _)| *service == name) {
                fate.traffic.then(self.onset, level);
                fate.traffic.then(self.mended, 1.0);
            }
            if self.drained == Some(name) {
                fate.drain(self.onset, self.mended);
            }
            for rollout in self.rollouts.iter().filter(|rollout| rollout.service == name) {
                fate.deploy(rollout.at, &rollout.version, rollout.kind);
            }
            let gone = |pod: &usize| {
                let place = Place {
                    service: name,
                    pod: *pod,
                };
                self.lost == Some(place.host())
            };
            for pod in (0..PODS).filter(gone) {
                fate.go_dark(pod, self.onset, self.mended);
            }
            let left = (0..PODS).filter(|pod| !gone(pod)).count();
            if (1..PODS).contains(&left) {
                // Those that are left serve everybody.
                let usual = fate.traffic.at(self.onset);
                fate.traffic.then(self.onset, usual * PODS as f64 / left as f64);
                fate.traffic.then(self.mended, usual);
            }
            fate.put_in_order();
        }
    }

    /// What it was, for whoever judges a drill.
    pub fn truth(&self, anchor: DateTime<Utc>, pages: Vec<Page>) -> Truth {
        let first = pages.iter().map(|page| page.at).min();
        let at = |s: f64| anchor + TimeDelta::milliseconds((s * 1_000.0) as i64);
        Truth {
            cause: self.cause,
            culprit: self.culprit.to_owned(),
            felt: self.felt.to_owned(),
            shown_by: [
                Some(self.culprit),
                Some(self.felt),
                self.disk.as_ref().map(|disk| disk.node),
            ]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect(),
            struck: self.struck().into_iter().map(str::to_owned).collect(),
            signal: self.signal,
            sign: self.sign.clone(),
            told: self.told.clone(),
            help: self.help,
            onset: at(self.onset),
            mended: at(self.mended),
            paged: first,
            pages,
        }
    }
}

/// Mean requests a second of a service.
fn rps(name: &str) -> f64 {
    let found = SERVICES.iter().find(|service| service.name == name);
    found.map_or(0.0, |service| service.rps)
}

/// The version that follows another: its last number is one higher.
fn next_version(name: &str) -> String {
    let found = SERVICES.iter().find(|service| service.name == name);
    let version = found.map_or("1.0.0", |service| service.version);
    match version.rsplit_once('.') {
        Some((head, patch)) => format!("{head}.{}", patch.parse::<u32>().unwrap_or(0) + 1),
        None => format!("{version}.1"),
    }
}
