//! Who is on call: as PagerDuty says, or worked out from the configuration's rotations.
//!
//! [`rotation`] is one schedule, [`policy`] the people, schedules and policies of a context together.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::incident::{Named, Person};

pub mod json;
pub mod policy;
pub mod rotation;
pub mod table;

pub use policy::{OnCall, Policy, PolicyLevel, Target};
pub use rotation::{Override, Rotation, Schedule, Span};

/// One person's duty on one level of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// The policy.
    pub policy: Named,
    /// From 1.
    pub level: u32,
    /// Who.
    pub person: Person,
    /// The schedule it comes from; nothing where somebody stands on the policy directly.
    pub schedule: Option<Named>,
    /// From; nothing = always.
    pub start: Option<DateTime<Utc>>,
    /// To; nothing = for good.
    pub end: Option<DateTime<Utc>>,
}

impl Duty {
    /// Whether it holds at that moment.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at < end)
    }
}

/// Who is on call, now and next, over all policies; ordered by policy, level, start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// Every duty of the span that was asked for.
    pub duties: Vec<Duty>,
    /// What is missing from the answer, in words.
    pub partial: Option<String>,
    /// When the duties of a policy, by its id, were told last, where that was not just now.
    pub as_of: BTreeMap<Arc<str>, DateTime<Utc>>,
}

impl Roster {
    /// Who is on call at that moment, lowest level first.
    pub fn at(&self, at: DateTime<Utc>) -> impl Iterator<Item = &Duty> {
        self.duties.iter().filter(move |duty| duty.holds(at))
    }
}
