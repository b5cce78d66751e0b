//! How well a backend answers, as every place that says it says it.

use super::widget::words;
use super::{Scene, figures};
use crate::app::BackendHealth;
use crate::app::feed::Status;
use crate::theme::Role;
use crate::time::Now;

/// How well a backend answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Light {
    /// It answers.
    Lit,
    /// It answers, and is asked less often: its allowance runs low.
    Slowed,
    /// It has not answered for the first time yet.
    Waiting,
    /// Its last good answer is too old.
    Stale,
    /// Its last attempt failed.
    Out,
}

impl Light {
    pub(super) fn of(health: &BackendHealth, now: Now) -> Self {
        let age = health.last_good.map(|at| now.tick.since(at));
        match (&health.status, age) {
            (Status::Failed { .. }, _) => Self::Out,
            (Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }, None) => Self::Waiting,
            (Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }, Some(age))
                if age > health.interval * 2 =>
            {
                Self::Stale
            }
            (Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }, Some(_))
                if health.low.is_some() =>
            {
                Self::Slowed
            }
            (Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }, Some(_)) => Self::Lit,
        }
    }

    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Lit => "●",
            Self::Slowed => "◆",
            Self::Waiting => "◇",
            Self::Stale => "○",
            Self::Out => "✗",
        }
    }

    pub(super) fn role(self) -> Role {
        match self {
            Self::Lit => Role::StateOk,
            Self::Waiting => Role::StateBusy,
            Self::Slowed | Self::Stale => Role::StateStale,
            Self::Out => Role::StateFailed,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Lit => "ok",
            Self::Slowed => "slowed",
            Self::Waiting => "waiting",
            Self::Stale => "stale",
            Self::Out => "failed",
        }
    }
}

/// Whether there are backends and none of them answers.
pub(super) fn nobody_answers(scene: Scene) -> bool {
    let health = &scene.model.health;
    let out = |backend| matches!(Light::of(backend, scene.now), Light::Out | Light::Stale);
    !health.is_empty() && health.iter().all(out)
}

/// What of a backend's trouble is said beside its light, what can be done without last.
pub(super) fn trouble(health: &BackendHealth, now: Now) -> Vec<String> {
    let stale = health
        .last_good
        .map(|at| format!(" stale {}", words::stepped(now.tick.since(at))));
    match (Light::of(health, now), &health.status) {
        (Light::Lit, _) => Vec::new(),
        (Light::Slowed, _) => health
            .low
            .map(|low| format!(" {} of {} requests left", low.remaining, low.limit))
            .into_iter()
            .collect(),
        (Light::Waiting, _) => vec![" waiting".to_owned()],
        (Light::Stale, _) => stale.into_iter().collect(),
        (Light::Out, status) => {
            let mut said = vec![stale.unwrap_or_else(|| " down".to_owned())];
            if let Status::Failed { next_try, .. } = status {
                let retry = figures::until(next_try.since(now.tick));
                said.push(format!(", retry in {retry}"));
            }
            said
        }
    }
}
