//! Where the keys go: panes, details, and how the panes are laid out.

use std::collections::BTreeSet;

use crate::action::Place;
use crate::domain::alert::Fingerprint;

/// A numbered pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaneId {
    /// 1: SLO burn.
    Slo,
    /// 2: alerts.
    Alerts,
}

impl PaneId {
    /// All panes, by number.
    pub const ALL: [Self; 2] = [Self::Slo, Self::Alerts];

    /// Its number on the border and on the keyboard.
    pub fn number(self) -> u8 {
        match self {
            Self::Slo => 1,
            Self::Alerts => 2,
        }
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Slo => "SLO burn",
            Self::Alerts => "Alerts",
        }
    }

    /// The place whose keys it takes.
    pub fn place(self) -> Place {
        match self {
            Self::Slo => Place::Slo,
            Self::Alerts => Place::Alerts,
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
}

impl Detail {
    /// The place whose keys it takes.
    pub fn place(&self) -> Place {
        match self {
            Self::Slo(_) => Place::Slo,
            Self::Alert(_) => Place::Alerts,
            Self::Silences => Place::Silences,
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
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            zoom: Zoom::No,
            hidden: BTreeSet::new(),
            slo_share: 40,
        }
    }
}

impl Layout {
    /// Panes that are not hidden, by number.
    pub fn visible(&self) -> impl Iterator<Item = PaneId> + '_ {
        PaneId::ALL.into_iter().filter(|pane| !self.hidden.contains(pane))
    }
}
