//! The simulated shop: services, requests, faults and deploys over time.
//!
//! It knows nothing of HTTP or of query languages. [`story`] says what happens; [`flow`] is the arithmetic of
//! counters in closed form; [`series`] gives samples; `catalogue` gives every metric its series; [`logs`] are
//! what the services write; [`incident`] is what a drill has instead of a story; [`traces`] are the requests that they write of. Everything is
//! a pure function of (seed, scenario, epoch, series, t). Start at [`World`].

mod catalogue;
pub mod flow;
pub mod incident;
pub mod logs;
pub mod series;
pub mod story;
pub mod traces;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use series::Series;
pub use story::{Scenario, Story};

/// What makes one world differ from another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Which story.
    pub scenario: Scenario,
    /// Shifts the unrest in traffic and gauges.
    pub seed: u64,
    /// The story's second zero. Whole seconds are used.
    pub anchor: DateTime<Utc>,
}

/// The shop's metrics.
#[derive(Debug)]
pub struct World {
    epoch: Epoch,
    story: Story,
    by_name: BTreeMap<Arc<str>, Vec<Arc<Series>>>,
}

impl World {
    /// Builds the world of an epoch.
    pub fn new(epoch: Epoch) -> Self {
        let story = Story::new(epoch.scenario, epoch.seed);
        let mut by_name: BTreeMap<Arc<str>, Vec<Arc<Series>>> = BTreeMap::new();
        for series in catalogue::series(&epoch, &story) {
            let name: Arc<str> = series.labels.value("__name__").into();
            by_name.entry(name).or_default().push(Arc::new(series));
        }
        Self {
            epoch,
            story,
            by_name,
        }
    }

    /// Its epoch.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// What happens in it.
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// The anchor in unix seconds.
    pub fn anchor(&self) -> f64 {
        self.epoch.anchor_seconds()
    }

    /// The series of one metric.
    pub fn metric(&self, name: &str) -> &[Arc<Series>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Every series, by metric name.
    pub fn series(&self) -> impl Iterator<Item = &Arc<Series>> {
        self.by_name.values().flatten()
    }
}

impl Epoch {
    /// The anchor in unix seconds.
    pub fn anchor_seconds(&self) -> f64 {
        self.anchor.timestamp() as f64
    }
}

#[cfg(test)]
mod tests;
