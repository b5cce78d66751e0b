//! Escalation: the levels of a policy, who is on call on each, and how far up an incident has gone.

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
