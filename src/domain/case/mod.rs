//! A case: what is known around a trouble, on one page, and what it points at.
//!
//! [`Evidence`] goes in, a [`Case`] comes out; nothing is asked here, and no clock is read. What is not known is part
//! of the evidence ([`Known`]) and gets a row that says so. `suspects` ranks, and says how; `rate` tells what
//! came more often than before; `sections` lays the rest out. Text is remote and not yet safe. Start at [`Case::of`].

mod began;
mod evidence;
mod json;
mod rate;
mod related;
mod sections;
mod suspects;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use began::{Began, By};
pub use evidence::{
    Deploy, Deploys, Evidence, Explained, Known, Lines, Of, PatternSeen, Slower, SpanSeen, TraceSeen, Traces,
    Why,
};
pub use json::{case_document, case_text};
pub use rate::{Change, Seen, change};
pub use related::{Relation, related};
pub use suspects::{Numbers, Score, Stands, Suspect};

use crate::domain::alert::Fingerprint;
use crate::domain::incident::IncidentId;
use crate::domain::log::Level;
use crate::domain::trace::TraceId;

/// Tells a moment in the zone of whoever reads it: `03:01Z`.
pub type Clock<'a> = &'a dyn Fn(DateTime<Utc>) -> String;

/// A case, laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What the evidence points at, in the order of its numbers: the likeliest first, when they are given.
    pub suspects: Vec<Suspect>,
    /// Whether they have numbers yet.
    pub are_numbered: bool,
    /// The page.
    pub sections: Vec<Section>,
}

impl Case {
    /// Suspects that are named at most: each has a key.
    pub const MOST_SUSPECTS: usize = 5;

    /// Of what is known.
    pub fn of(evidence: &Evidence, numbers: Numbers<'_>, clock: Clock<'_>) -> Self {
        let likeliest = suspects::of(evidence, clock);
        let first = likeliest.first().map(|suspect| suspect.id.clone());
        let suspects = match numbers {
            Numbers::Awaited | Numbers::Ranked => likeliest,
            Numbers::Held(before) => suspects::held(before, &likeliest),
        };
        let are_numbered = numbers != Numbers::Awaited;
        let mut case = Self {
            suspects,
            are_numbered,
            sections: Vec::new(),
        };
        case.sections = sections::of(evidence, &case, first.as_ref(), clock);
        case
    }

    /// A suspect by its number, from 1.
    pub fn suspect(&self, number: usize) -> Option<&Suspect> {
        let place = number
            .checked_sub(1)
            .filter(|place| self.are_numbered && *place < Self::MOST_SUSPECTS)?;
        self.suspects.get(place)
    }

    /// Every row, in order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    /// A row by its name.
    pub fn row(&self, id: &RowId) -> Option<&Row> {
        self.rows().find(|row| row.id == *id)
    }
}

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What the evidence points at.
    Suspects,
    /// The alert that it is of.
    Alert,
    /// The SLOs of its service.
    Slos,
    /// Log patterns that are new or spiking.
    Logs,
    /// Failed and slow traces.
    Traces,
    /// What was rolled out.
    Deploys,
    /// Alerts of the same trouble, perhaps.
    Related,
    /// Who is on it.
    People,
}

impl Part {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Suspects => "Suspects",
            Self::Alert => "Alert",
            Self::Slos => "SLOs",
            Self::Logs => "Log patterns",
            Self::Traces => "Traces",
            Self::Deploys => "Deploys",
            Self::Related => "Related alerts",
            Self::People => "Who is on it",
        }
    }

    /// As documents name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Suspects => "suspects",
            Self::Alert => "alert",
            Self::Slos => "slos",
            Self::Logs => "log_patterns",
            Self::Traces => "traces",
            Self::Deploys => "deploys",
            Self::Related => "related_alerts",
            Self::People => "people",
        }
    }
}

/// A part of the page with its rows; never without any.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Which.
    pub part: Part,
    /// What it says.
    pub rows: Vec<Row>,
}

/// Names a row for as long as the case is open, whatever comes and goes around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowId(pub Arc<str>);

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub id: RowId,
    /// A word at the left: a number, a time, a state.
    pub lead: String,
    /// What it says. Remote, not yet safe.
    pub text: String,
    /// Bytes of that which name the thing; the rest says what was seen of it.
    pub head: usize,
    /// How it is meant.
    pub tone: Tone,
    /// What it opens.
    pub target: Option<Target>,
}

impl Row {
    /// The name of the row that says that the numbers of suspects are no longer their order.
    pub const REORDERED: &'static str = "suspects/reordered";
}

/// How a row is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// It points at something.
    Strong,
    /// It says what is.
    Plain,
    /// It says that there is nothing.
    Quiet,
    /// It is being asked.
    Looking,
    /// It is not known, and why.
    Unknown,
}

impl Tone {
    /// As documents say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Strong => "suspect",
            Self::Plain => "fact",
            Self::Quiet => "nothing",
            Self::Looking => "looking",
            Self::Unknown => "not_known",
        }
    }
}

/// What a row opens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// An alert.
    Alert(Fingerprint),
    /// Its runbook.
    Runbook(Fingerprint),
    /// An SLO.
    Slo(String),
    /// An incident.
    Incident(IncidentId),
    /// A trace.
    Trace(TraceId),
    /// The traces of a service.
    Traces(Arc<str>),
    /// The lines of a pattern, from its first on.
    Pattern(PatternAt),
    /// The lines of a service around a moment.
    Logs(Arc<str>, DateTime<Utc>),
    /// Who is on call.
    OnCall,
}

/// A pattern, as its lines are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PatternAt {
    /// Of which service.
    pub service: Option<Arc<str>>,
    /// Of which level.
    pub level: Level,
    /// What its lines have in common.
    pub template: Arc<str>,
    /// Its first line.
    pub at: DateTime<Utc>,
}
