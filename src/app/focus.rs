//! Where the keys go: panes, details, and how the panes are laid out.

use std::collections::BTreeSet;

use crate::action::Place;
use crate::domain::alert::Fingerprint;
use crate::domain::incident::IncidentId;

/// A numbered pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaneId {
    /// 1: SLO burn.
    Slo,
    /// 2: alerts.
    Alerts,
    /// 5: incidents, and the timeline of the chosen one.
    Incident,
}

impl PaneId {
    /// All panes, by number.
    pub const ALL: [Self; 3] = [Self::Slo, Self::Alerts, Self::Incident];

    /// Its number on the border and on the keyboard.
    pub fn number(self) -> u8 {
        match self {
            Self::Slo => 1,
            Self::Alerts => 2,
            Self::Incident => 5,
        }
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Slo => "SLO burn",
            Self::Alerts => "Alerts",
            Self::Incident => "Incident",
        }
    }

    /// The place whose keys it takes.
    pub fn place(self) -> Place {
        match self {
            Self::Slo => Place::Slo,
            Self::Alerts => Place::Alerts,
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
    /// An incident: its head and its whole timeline, with a cursor.
    Incident(IncidentId),
    /// The outbox: acts that are not over.
    Outbox,
}

impl Detail {
    /// The place whose keys it takes.
    pub fn place(&self) -> Place {
        match self {
            Self::Slo(_) => Place::Slo,
            Self::Alert(_) => Place::Alerts,
            Self::Silences => Place::Silences,
            Self::Incident(_) => Place::Incident,
            Self::Outbox => Place::Outbox,
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
            slo_share: 40,
            incident_share: 55,
        }
    }
}

impl Layout {
    /// Panes that are not hidden, by number.
    pub fn visible(&self) -> impl Iterator<Item = PaneId> + '_ {
        PaneId::ALL.into_iter().filter(|pane| !self.hidden.contains(pane))
    }
}
