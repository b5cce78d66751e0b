//! Which pages are news, and whose: what rings, and what is shown on the desktop, each once.
//!
//! A page is an alert of page severity that fires and that nobody has, or an incident that was triggered for somebody.
//! What fired before the console was opened is no news, however late a backend tells of it. Start at [`News::of_board`].

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;

use super::Model;
use crate::domain::alert::{Alert, AlertBoard, Fingerprint, SeverityRank};
use crate::domain::incident::{Incident, IncidentId, Status};
use crate::time::Now;

/// Whose pages ring the bell and are shown on the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whose {
    /// Mine: those of the policies that I am on duty for; all where nobody says who is on duty.
    #[default]
    Mine,
    /// All.
    All,
    /// Nobody's.
    Nobody,
}

impl Whose {
    /// As the configuration spells them.
    pub const WORDS: [(&'static str, Self); 3] =
        [("mine", Self::Mine), ("all", Self::All), ("off", Self::Nobody)];
}

/// Alerts that began so shortly before the console was opened were told of only afterwards.
const LATELY: TimeDelta = TimeDelta::minutes(1);

/// What was told, so that nothing is told twice.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// Whose.
    pub whose: Whose,
    /// Firings that were told and are still on the board: an alert and when it began.
    alerts: BTreeSet<(Fingerprint, chrono::DateTime<chrono::Utc>)>,
    incidents: BTreeSet<IncidentId>,
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What it is called; not yet safe.
    pub title: String,
    /// The rest; not yet safe.
    pub body: String,
}

impl News {
    /// The pages of a board that came, before it takes the place of the one before.
    pub fn of_board(model: &mut Model, board: &AlertBoard, now: Now) -> Vec<Page> {
        let still = |(fingerprint, _): &(Fingerprint, _)| board.by_fingerprint.contains_key(fingerprint);
        model.news.alerts.retain(still);
        // The first board tells what was there before anybody looked.
        if model.alerts.board.is_none() {
            return Vec::new();
        }
        let new: Vec<Arc<Alert>> = board
            .newly_firing
            .iter()
            .filter_map(|fingerprint| board.by_fingerprint.get(fingerprint))
            .filter(|alert| alert.severity.as_deref().map(SeverityRank::of) == Some(SeverityRank::Critical))
            .filter(|alert| is_news(model, alert) && is_mine(model, alert, now))
            .cloned()
            .collect();
        let new = new.into_iter().filter(|alert| {
            let firing = (alert.occurrence.fingerprint, alert.occurrence.starts_at);
            model.news.alerts.insert(firing)
        });
        new.map(|alert| Page {
            title: format!("{} {}", alert.name, alert.service),
            body: alert.summary().unwrap_or("fires").to_owned(),
        })
        .collect()
    }

    /// The pages of a list of incidents that came: triggered ones that are mine. `before` is what was listed; nothing
    /// where this is the first list.
    pub fn of_incidents(model: &mut Model, before: Option<&BTreeSet<IncidentId>>) -> Vec<Page> {
        let Some(board) = model.incidents.feed.shared() else {
            return Vec::new();
        };
        model.news.incidents.retain(|id| board.incident(id).is_some());
        let Some(before) = before else {
            return Vec::new();
        };
        let new: Vec<Arc<Incident>> = board
            .incidents
            .iter()
            .filter(|incident| incident.status == Status::Triggered && !before.contains(&incident.id))
            .filter(|incident| incident.created_at + LATELY >= model.opened)
            .filter(|incident| match model.news.whose {
                Whose::Nobody => false,
                Whose::All => true,
                Whose::Mine => {
                    incident.assignees.is_empty()
                        || incident.assignees.iter().any(|who| model.is_paged_with(who))
                }
            })
            // Its alert has told of it.
            .filter(|incident| {
                let alerts = model.alerts_of(&incident.id);
                !alerts.iter().any(|(alert, _)| {
                    let firing = (alert.occurrence.fingerprint, alert.occurrence.starts_at);
                    model.news.alerts.contains(&firing)
                })
            })
            .cloned()
            .collect();
        let new = new
            .into_iter()
            .filter(|incident| model.news.incidents.insert(incident.id.clone()));
        new.map(|incident| Page {
            title: super::incidents::short(&incident),
            body: incident.title.to_string(),
        })
        .collect()
    }
}

/// Whether an alert that is told of for the first time began since the console was opened. One that was on the board
/// before, and was silenced or somebody's until now, fires anew for whoever looks.
fn is_news(model: &Model, alert: &Alert) -> bool {
    let fingerprint = alert.occurrence.fingerprint;
    let known = model
        .alerts
        .board
        .as_ref()
        .is_some_and(|board| board.by_fingerprint.contains_key(&fingerprint));
    known || alert.occurrence.starts_at + LATELY >= model.opened
}

/// Whether an alert is mine. In doubt it is: a bell too many costs a glance, one too few a night.
fn is_mine(model: &Model, alert: &Alert, now: Now) -> bool {
    match model.news.whose {
        Whose::Nobody => return false,
        Whose::All => return true,
        Whose::Mine => {}
    }
    let Some(roster) = model.incidents.roster.value() else {
        return true;
    };
    // Whoever never stands in the roster cannot be told by it.
    if !roster.duties.iter().any(|duty| model.is_paged_with(&duty.person)) {
        return true;
    }
    let mine: Vec<_> = roster
        .at(now.utc)
        .filter(|duty| model.is_paged_with(&duty.person))
        .map(|duty| &duty.policy.id)
        .collect();
    let linked = model.meant_by(alert.occurrence.fingerprint);
    let known: Vec<_> = linked
        .iter()
        .filter(|(incident, by)| by.is_sure() && incident.policy.is_some())
        .collect();
    if known.is_empty() {
        return !mine.is_empty();
    }
    known.iter().any(|(incident, _)| {
        let on_duty = incident
            .policy
            .as_ref()
            .is_some_and(|policy| mine.contains(&&policy.id));
        on_duty || incident.assignees.iter().any(|who| model.is_paged_with(who))
    })
}
