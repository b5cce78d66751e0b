//! When the trouble began, and by what that is known.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::alert::{Alert, AlertState};
use crate::domain::incident::Incident;
use crate::domain::slo::{RuleState, SloReport, SloState};

/// A burn that paused for no longer is one burn: restarts and flapping look like that.
const PAUSE: TimeDelta = TimeDelta::minutes(15);
/// What began so much earlier than what the case is of is another trouble.
const SAME: TimeDelta = TimeDelta::hours(2);

/// When the trouble began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Began {
    /// The moment.
    pub at: DateTime<Utc>,
    /// By what that is known.
    pub by: By,
}

/// By what the beginning of a trouble is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The burn of an SLO began.
    Burn(Arc<str>),
    /// An SLO burned already where what is known of it begins.
    BurnBefore(Arc<str>),
    /// An alert fired.
    Alert(Arc<str>),
    /// An incident was opened.
    Incident,
    /// Nothing began: it is of the present.
    Nothing,
}

impl By {
    /// The word for the present, where nothing began.
    pub(super) const NOW: &'static str = "now";

    /// What happened then: `the burn began`, `HighErrorRate fired`. Names are remote.
    pub fn words(&self) -> String {
        match self {
            Self::Burn(_) => "the burn began".to_owned(),
            Self::BurnBefore(_) => "the burn is first known".to_owned(),
            Self::Alert(name) => format!("{name} fired"),
            Self::Incident => "the incident was opened".to_owned(),
            Self::Nothing => Self::NOW.to_owned(),
        }
    }
}

impl Began {
    /// The earliest of what belongs to the trouble: the start of the alert or the incident that the case is of, that of the
    /// alerts of the same service that still fire, and the burn of its SLOs. What is more than two hours older than
    /// the case's own start is another trouble, unless nothing else tells a start.
    pub fn of(
        own: Option<&Alert>,
        incident: Option<&Incident>,
        same_service: &[&Alert],
        slos: &[&SloReport],
        now: DateTime<Utc>,
    ) -> Self {
        let alert = |alert: &Alert| Self {
            at: alert.occurrence.starts_at,
            by: By::Alert(Arc::clone(&alert.name)),
        };
        let opened = |incident: &Incident| Self {
            at: incident.created_at,
            by: By::Incident,
        };
        let start = own.map(alert).or_else(|| incident.map(opened));
        // One that is silenced or inhibited fires all the same.
        let fires = |alert: &&&Alert| match alert.state {
            AlertState::Active | AlertState::Unprocessed | AlertState::Suppressed => true,
            AlertState::Resolved | AlertState::Gone => false,
        };
        let others = same_service.iter().filter(fires).map(|other| alert(other));
        let burns = slos.iter().filter_map(|report| burn(report));
        let all = start.iter().cloned().chain(incident.map(opened));
        let all = all.chain(others).chain(burns);
        let oldest = start.as_ref().map(|start| start.at - SAME);
        let same = all.filter(|began| oldest.is_none_or(|oldest| oldest <= began.at));
        let first = same.min_by_key(|began| began.at);
        first.unwrap_or(Self {
            at: now,
            by: By::Nothing,
        })
    }

    /// How long ago that is.
    pub fn ago(&self, now: DateTime<Utc>) -> Duration {
        (now - self.at).to_std().unwrap_or_default()
    }
}

/// When the burn of an SLO began that pages or is a ticket, pauses included.
fn burn(report: &SloReport) -> Option<Began> {
    if !matches!(report.state, SloState::Page | SloState::Ticket) {
        return None;
    }
    // One with longer windows fires on when the newest minutes are well again: it is still that burn.
    let firing = report.rules.iter().filter(|rule| rule.state == RuleState::Firing);
    let factor = firing.map(|rule| rule.rule.factor).reduce(f64::max)?;
    let points: Vec<(DateTime<Utc>, f64)> = report
        .spark_at
        .iter()
        .copied()
        .zip(report.spark.iter().copied())
        .collect();
    let mut began = None;
    for (at, rate) in points.iter().rev() {
        if *rate > factor {
            began = Some(*at);
        } else if began.is_some_and(|began| began - *at > PAUSE) {
            break;
        }
    }
    let at = began?;
    let name = Arc::from(report.slo.name.as_str());
    let by = if points.first().is_some_and(|(first, _)| *first == at) {
        By::BurnBefore(name)
    } else {
        By::Burn(name)
    };
    Some(Began { at, by })
}
