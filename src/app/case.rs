//! The state of an open case: what it is of, what was asked for it, and the page as it was last laid out.
//!
//! Alerts, SLOs, incidents and duties are the panes' own feeds. What these do not cover (lines, traces and deploy marks of
//! the time before the beginning) is asked once when the case is opened ([`CaseAsk`]), whatever the panes are turned
//! to, and comes in parts ([`Gathered`]).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::list::ListState;
use crate::domain::alert::Fingerprint;
use crate::domain::case::{Case, Deploys, Known, Lines, RowId, Traces};
use crate::domain::incident::IncidentId;
use crate::time::Tick;

/// What a case is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CaseOf {
    /// An alert.
    Alert(Fingerprint),
    /// An SLO, by name.
    Slo(String),
    /// An incident.
    Incident(IncidentId),
    /// A service: what a log line or a trace names.
    Service(Arc<str>),
}

/// What is asked for a case; answered by `Msg::CaseGathered`, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseAsk {
    /// The question's number; an answer to an older one is dropped.
    pub seq: u64,
    /// Of which service; without one only deploys are asked for.
    pub service: Option<Arc<str>>,
    /// What the log backend calls it.
    pub lines_of: Option<Arc<str>>,
    /// What the trace backend calls it.
    pub traces_of: Option<Arc<str>>,
    /// Around which beginning.
    pub began: DateTime<Utc>,
}

/// A part of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Gathered {
    /// What was rolled out.
    Deploys(Known<Deploys>),
    /// What the lines say.
    Logs(Known<Lines>),
    /// What the traces say.
    Traces(Known<Traces>),
}

/// Whether the suspects of a case have their numbers: these are keys, so they are given once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// Not yet: the likeliest may be among what is still looked for.
    No,
    /// They have, and keep them.
    Yes,
    /// They are given anew, by what is known now.
    Anew,
}

/// An open case.
#[derive(Debug, Clone)]
pub struct OpenCase {
    /// What it is of.
    pub of: CaseOf,
    /// What was asked last.
    pub ask: CaseAsk,
    /// When.
    pub asked: Tick,
    /// When it was opened.
    pub opened: Tick,
    /// Whether its suspects have their numbers.
    pub numbers: Numbered,
    /// What was rolled out.
    pub deploys: Known<Deploys>,
    /// What the lines say.
    pub logs: Known<Lines>,
    /// What the traces say.
    pub traces: Known<Traces>,
    /// The page, as it was last laid out.
    pub case: Arc<Case>,
    /// Its title.
    pub title: String,
    /// Its rows, by name.
    pub rows: Vec<RowId>,
    /// Cursor over them.
    pub list: ListState<RowId>,
}

impl OpenCase {
    /// After so long what was asked is asked again, while somebody looks.
    pub const AGAIN: Duration = Duration::from_secs(60);
    /// Suspects have their numbers when everybody has answered, and after so long whoever has not.
    pub const PATIENCE: Duration = Duration::from_secs(2);

    /// Whether an answer is still on its way.
    pub fn is_looking(&self) -> bool {
        matches!(self.deploys, Known::Looking)
            || matches!(self.logs, Known::Looking)
            || matches!(self.traces, Known::Looking)
    }

    /// Whether somebody did not answer.
    pub fn has_failed(&self) -> bool {
        matches!(self.deploys, Known::Failed(_))
            || matches!(self.logs, Known::Failed(_))
            || matches!(self.traces, Known::Failed(_))
    }

    /// Takes a part of the answer in; one that says why there is none leaves what was known before.
    pub fn take(&mut self, seq: u64, part: Gathered) {
        if seq != self.ask.seq {
            return;
        }
        match part {
            Gathered::Deploys(told) => self.deploys = told,
            Gathered::Logs(told) => self.logs = told,
            Gathered::Traces(told) => self.traces = told,
        }
    }
}
