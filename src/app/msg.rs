//! What happened, past tense: everything that can change the model.

use std::sync::Arc;

use super::BackendHealth;
use super::acts::ActId;
use super::feed::Feed;
use super::panes::Firings;
use crate::domain::alert::lease::Lease;
use crate::domain::alert::{AlertBoard, Fingerprint};
use crate::domain::slo::SloBoard;
use crate::terminal::Input;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Msg {
    /// Somebody did something at the terminal.
    Input(Input),
    /// The SLO engine published.
    SloFetched(Feed<SloBoard>),
    /// The desk arranged.
    AlertsArranged(Arc<AlertBoard>),
    /// Health of every backend.
    HealthChanged(Vec<BackendHealth>),
    /// An act came to an end.
    ActFinished {
        /// Its number.
        id: ActId,
        /// How.
        result: ActResult,
    },
    /// What a silence would have hidden of the last hours.
    SilencePast {
        /// The question's number; an older answer is dropped.
        seq: u64,
        /// Alert names with how many label sets, or why it is not known.
        result: Result<Vec<(Arc<str>, usize)>, String>,
    },
    /// When an alert fired during the last day.
    AlertHistory {
        /// Which.
        fingerprint: Fingerprint,
        /// From–to, oldest first, or why it is not known.
        result: Firings,
    },
    /// Words from the runtime: a copy done, a theme that could not be read.
    Said {
        /// How loud.
        level: super::toast::Level,
        /// Safe text.
        text: String,
    },
    /// A deadline of the model has come.
    Timer,
    /// SIGTERM, SIGHUP, or the terminal is gone: end without asking.
    ShutDown,
}

/// How an act ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ActResult {
    /// Done, not known, or refused.
    pub state: ActState,
    /// One line for the toast, safe text.
    pub message: String,
    /// Acknowledgements that this console holds now, made or renewed.
    pub leases: Vec<Lease>,
}

/// How certain the end of an act is; the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActState {
    /// The backend has it.
    Confirmed,
    /// Sent, and nobody knows; said, and looked for again by the next polls.
    Unknown,
    /// Refused, or never sent.
    Failed,
}
