//! What is kept of going through a runbook: which steps are done, and what is told of it.

use chrono::{DateTime, Utc};

use crate::domain::incident::IncidentId;

/// Whose ticks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicksOf {
    /// What they are kept under: the incident first where there is one, then the alert's firing. A new tick goes to
    /// the first, those of all are shown.
    pub about: Vec<String>,
    /// Which runbook.
    pub runbook: String,
}

/// A step that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    /// The step, by its words.
    pub step: String,
    /// By whom.
    pub actor: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Whether a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is.
    Done,
    /// It is not, after all.
    Open,
}

/// Something done with a runbook, as the timeline tells it and the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Of which incident; nothing = the shift's, told by every incident that takes its service.
    pub incident: Option<IncidentId>,
    /// In words, for the timeline.
    pub text: String,
    /// What it points at.
    pub refs: Vec<(&'static str, String)>,
    /// `tick`, `run`, for the audit log.
    pub action: &'static str,
    /// On what, for the audit log.
    pub target: String,
    /// Why, for the audit log: the step.
    pub why: String,
    /// What came of it, for the audit log.
    pub result: String,
}
