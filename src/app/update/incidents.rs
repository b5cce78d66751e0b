//! The incident pane: what was listed, which incident is followed, and acts on it.

use super::say;
use crate::action::Action;
use crate::app::feed::Feed;
use crate::app::incidents::IncidentBoard;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::timeline::Timeline;
use crate::time::Now;

/// Incidents were listed.
pub(super) fn listed(model: &mut Model, feed: Feed<IncidentBoard>) -> Vec<Effect> {
    model.incidents.feed = feed;
    model.incidents.arrange();
    Vec::new()
}

/// A timeline was put together; one that is followed no more is dropped.
pub(super) fn followed(model: &mut Model, incident: &IncidentId, feed: Feed<Timeline>) -> Vec<Effect> {
    if model.incidents.followed.as_ref() == Some(incident) {
        model.incidents.timeline = feed;
    }
    Vec::new()
}

/// The service an incident is about.
pub(super) fn service(incident: &Incident) -> Option<String> {
    incident.service.as_ref().map(|service| service.name.to_string())
}

/// Said of what nobody carries out here.
pub(super) fn not_yet(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    let title = action.row().title;
    say(
        model,
        Level::Info,
        format!("{title} cannot be done from here"),
        now,
    )
}
