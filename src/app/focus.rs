//! Where the keys go: panes, details, and how the panes are laid out.

use std::collections::BTreeSet;

use super::case::CaseOf;
use super::effect::WriteUp;
use crate::action::Place;
use crate::domain::alert::Fingerprint;
use crate::domain::incident::IncidentId;
use crate::domain::trace::{Row, TraceId};
use crate::logstore::LineId;

/// A numbered pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaneId {
    /// 1: SLO burn.
    Slo,
    /// 2: alerts.
    Alerts,
    /// 3: log lines.
    Logs,
    /// 4: traces.
    Traces,
    /// 5: incidents, and the timeline of the chosen one.
    Incident,
}

impl PaneId {
    /// All panes, by number.
    pub const ALL: [Self; 5] = [Self::Slo, Self::Alerts, Self::Logs, Self::Traces, Self::Incident];

    /// Its number on the border and on the keyboard.
    pub fn number(self) -> u8 {
        match self {
            Self::Slo => 1,
            Self::Alerts => 2,
            Self::Logs => 3,
            Self::Traces => 4,
            Self::Incident => 5,
        }
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Slo => "SLO burn",
            Self::Alerts => "Alerts",
            Self::Logs => "Logs",
            Self::Traces => "Traces",
            Self::Incident => "Incident",
        }
    }

    /// The place whose keys it takes.
    pub fn place(self) -> Place {
        match self {
            Self::Slo => Place::Slo,
            Self::Alerts => Place::Alerts,
            Self::Logs => Place::Logs,
            Self::Traces => Place::Traces,
            Self::Incident => Place::Incident,
        }
    }
}

/// What is opened over the panes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Detail {
    /// An SLO, by name.
    Slo(String),
    /// An alert.
    Alert(Fingerprint),
    /// The list of silences.
    Silences,
    /// A log line: all of it, and its fields.
    LogLine(LineId),
    /// The patterns of the log lines.
    Patterns,
    /// A trace: its waterfall.
    Trace(TraceId),
    /// A span of a trace.
    Span(TraceId, Row),
    /// What a trace comes down to.
    TraceFacts(TraceId),
    /// A trace beside another: the base, and what is held against it.
    Comparison(TraceId, TraceId),
    /// Which service calls which.
    ServiceGraph,
    /// An incident: its head and its whole timeline, with a cursor.
    Incident(IncidentId),
    /// The outbox: acts that are not over.
    Outbox,
    /// The runbook of an alert.
    Runbook(Fingerprint),
    /// A page of text.
    Page(Page),
    /// A case: what is known around a trouble.
    Case(CaseOf),
}

/// A page of text to be read and copied.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Page {
    /// What was written up.
    WriteUp(WriteUp),
    /// Who is on call, now and next.
    OnCall,
    /// A PromQL query and its answer.
    Query,
    /// Every context at once.
    Contexts,
}

impl Detail {
    /// The incident that it is of, where it is one.
    pub fn incident(&self) -> Option<&IncidentId> {
        if let Self::Incident(id) | Self::Case(CaseOf::Incident(id)) = self {
            Some(id)
        } else {
            None
        }
    }

    /// The alert that it is of, itself or its runbook.
    pub fn alert(&self) -> Option<Fingerprint> {
        if let Self::Alert(fingerprint)
        | Self::Runbook(fingerprint)
        | Self::Case(CaseOf::Alert(fingerprint)) = self
        {
            Some(*fingerprint)
        } else {
            None
        }
    }

    /// The one trace that it is of, whole or in part.
    pub fn trace(&self) -> Option<TraceId> {
        if let Self::Trace(id) | Self::Span(id, _) | Self::TraceFacts(id) = self {
            Some(*id)
        } else {
            None
        }
    }

    /// The place whose keys it takes.
    pub fn place(&self) -> Place {
        match self {
            Self::Slo(_) => Place::Slo,
            Self::Alert(_) => Place::Alerts,
            Self::LogLine(_) => Place::Logs,
            Self::Patterns => Place::Patterns,
            Self::Trace(_) | Self::Span(_, _) | Self::TraceFacts(_) | Self::Comparison(_, _) => Place::Trace,
            Self::Silences => Place::Silences,
            Self::Incident(_) => Place::Incident,
            Self::Outbox => Place::Outbox,
            Self::Case(_) => Place::Case,
            Self::Runbook(_) => Place::Runbook,
            Self::Page(_) | Self::ServiceGraph => Place::List,
        }
    }
}

/// Whether the focused pane has the whole screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zoom {
    /// All panes share it.
    #[default]
    No,
    /// The focused pane alone.
    Yes,
}

/// How the panes are laid out; remembered from session to session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Zoomed.
    pub zoom: Zoom,
    /// Hidden panes; never all of them.
    pub hidden: BTreeSet<PaneId>,
    /// Panes whose backend this context does not have. Not remembered: other contexts may have it.
    pub absent: BTreeSet<PaneId>,
    /// Per cent of the rows of a shared column that the SLO pane has, 20–80.
    pub slo_share: u16,
    /// Per cent of the rows that the incident pane has of the column it shares with the preview, 20–80.
    pub incident_share: u16,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            zoom: Zoom::No,
            hidden: BTreeSet::new(),
            absent: BTreeSet::new(),
            slo_share: 40,
            incident_share: 55,
        }
    }
}

impl Layout {
    /// Panes that are there and not hidden, by number.
    pub fn visible(&self) -> impl Iterator<Item = PaneId> + '_ {
        PaneId::ALL.into_iter().filter(|pane| self.shows(*pane))
    }

    /// Whether it is there and not hidden.
    pub fn shows(&self, pane: PaneId) -> bool {
        !self.hidden.contains(&pane) && !self.absent.contains(&pane)
    }
}
