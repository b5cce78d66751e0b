//! Escalation: the levels of a policy, who is on call on each, and how far up an incident has gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::local::Missed;
use super::{Named, Person};

/// How far up a policy an incident has gone. Levels count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Certain.
    Known(u32),
    /// One of these: somebody stands on several levels.
    OneOf(Vec<u32>),
    /// Cannot be told.
    #[default]
    Unknown,
}

impl Level {
    /// The level, where it is certain.
    pub fn known(&self) -> Option<u32> {
        match self {
            Self::Known(level) => Some(*level),
            Self::OneOf(_) | Self::Unknown => None,
        }
    }

    /// What it may be, where it is not certain.
    pub fn candidates(&self) -> &[u32] {
        match self {
            Self::OneOf(levels) => levels,
            Self::Known(_) | Self::Unknown => &[],
        }
    }

    /// Whether both are surely not the same level: what cannot be told may be.
    pub fn surely_differs(&self, other: &Self) -> bool {
        let own = match self {
            Self::Known(level) => std::slice::from_ref(level),
            Self::OneOf(levels) => levels,
            Self::Unknown => return false,
        };
        match other {
            Self::Known(level) => !own.contains(level),
            Self::OneOf(levels) => !levels.iter().any(|level| own.contains(level)),
            Self::Unknown => false,
        }
    }

    /// In words: `level 2`, `level 1 or 3?`, `level unknown`.
    pub fn words(&self) -> String {
        match self {
            Self::Known(level) => format!("level {level}"),
            Self::OneOf(levels) => {
                let levels: Vec<String> = levels.iter().map(u32::to_string).collect();
                format!("level {}?", levels.join(" or "))
            }
            Self::Unknown => "level unknown".to_owned(),
        }
    }
}

/// One level of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// From 1.
    pub level: u32,
    /// Minutes until the next level is woken by itself.
    pub delay_minutes: Option<u32>,
    /// Who is on call on it now; empty = nobody, and it must not be chosen.
    pub people: Vec<Person>,
}

/// A policy as it stands for one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// The policy.
    pub policy: Named,
    /// Its levels, lowest first.
    pub rungs: Vec<Rung>,
    /// Where the incident is.
    pub current: Level,
    /// The level that should have been woken while nobody could: the engineer is asked. Local incidents alone.
    pub missed: Option<Missed>,
}

impl Ladder {
    /// The next level with somebody on it, where the present one is certain.
    pub fn next(&self) -> Option<&Rung> {
        let current = self.current.known()?;
        self.rungs
            .iter()
            .find(|rung| rung.level > current && !rung.people.is_empty())
    }

    /// A level by number.
    pub fn rung(&self, level: u32) -> Option<&Rung> {
        self.rungs.iter().find(|rung| rung.level == level)
    }
}

/// How long the levels of policies wait before the next is woken: what is known of it without asking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delays(BTreeMap<(Arc<str>, u32), Duration>);

impl Delays {
    /// Takes in what the ladder of a policy tells; whether that was new.
    pub fn learn(&mut self, policy: &Arc<str>, ladder: &Ladder) -> bool {
        let told: BTreeMap<_, _> = ladder
            .rungs
            .iter()
            .filter_map(|rung| Some((rung.level, rung.delay_minutes?)))
            .map(|(level, minutes)| {
                (
                    (Arc::clone(policy), level),
                    Duration::from_secs(u64::from(minutes) * 60),
                )
            })
            .collect();
        let before = self.0.iter().filter(|((of, _), _)| of == policy);
        let new = !before.eq(told.iter());
        self.0.retain(|(of, _), _| of != policy);
        self.0.extend(told);
        new
    }

    /// That of a level of a policy, by its id.
    pub fn of(&self, policy: &Arc<str>, level: u32) -> Option<Duration> {
        self.0.get(&(Arc::clone(policy), level)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(delays: &[Option<u32>]) -> Ladder {
        let named = Named {
            id: "PEP1".into(),
            name: "primary".into(),
        };
        let rung = |(level, delay_minutes)| Rung {
            level,
            delay_minutes,
            people: Vec::new(),
        };
        Ladder {
            policy: named,
            rungs: (1..).zip(delays.iter().copied()).map(rung).collect(),
            current: Level::Known(1),
            missed: None,
        }
    }

    #[test]
    fn the_delays_of_a_policy_are_what_its_ladder_told_last() {
        let mut delays = Delays::default();
        let policy: Arc<str> = "PEP1".into();
        assert!(delays.learn(&policy, &ladder(&[Some(5), Some(10), None])));
        assert!(!delays.learn(&policy, &ladder(&[Some(5), Some(10), None])));
        let minutes = |delays: &Delays| {
            [1, 2, 3].map(|level| delays.of(&policy, level).map(|delay| delay.as_secs() / 60))
        };
        assert_eq!(minutes(&delays), [Some(5), Some(10), None]);
        assert!(delays.learn(&policy, &ladder(&[Some(7)])), "a level went");
        assert_eq!(minutes(&delays), [Some(7), None, None]);
        assert_eq!(delays.of(&"PEP2".into(), 1), None);
    }
}
