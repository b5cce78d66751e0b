//! Which alerts of a board belong to which incidents, asked once for one command.
//!
//! The console's `runtime::room::linker` asks bit by bit and again when something changes; the rule is the same, the
//! domain's.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;

use super::keepers::Keepers;
use crate::backend::incidents::{clues, is_asked_for_alerts};
use crate::domain::alert::{Alert, AlertBoard, Fingerprint, Standing};
use crate::domain::document::Remarks;
use crate::domain::incident::link::{AlertClues, Links, group_key};
use crate::domain::incident::{Incident, Status};

/// Incidents whose alerts are asked for at most: each is a request.
const MOST: usize = 50;

/// The sure links between alerts that nobody has taken and incidents that somebody has. Who did not answer is among the
/// remarks: an alert of theirs may be taken all the same.
pub async fn taken(
    keepers: &Keepers,
    board: &AlertBoard,
    incidents: &[Incident],
    remarks: &mut Remarks,
) -> Links {
    let untaken: Vec<_> = board
        .by_fingerprint
        .values()
        .filter(|alert| alert.standing() == Standing::Unacknowledged)
        .collect();
    let taken: Vec<&Incident> = incidents.iter().filter(|incident| is_taken(incident)).collect();
    links(keepers, board, &untaken, &taken, remarks).await
}

/// The sure links between some alerts of a board and some incidents; who did not answer is among the remarks.
pub async fn links(
    keepers: &Keepers,
    board: &AlertBoard,
    alerts: &[&Arc<Alert>],
    incidents: &[&Incident],
    remarks: &mut Remarks,
) -> Links {
    if alerts.is_empty() || incidents.is_empty() {
        return Links::default();
    }
    let asked: Vec<&Incident> = incidents
        .iter()
        .copied()
        .filter(|incident| is_asked_for_alerts(incident))
        .take(MOST)
        .collect();
    let asking = asked.iter().map(|incident| async {
        let keeper = keepers.all().find(|keeper| *keeper.name() == incident.source)?;
        Some(keeper.alerts(incident.id.clone()).await)
    });
    let mut heard = HashMap::new();
    for (incident, told) in asked.iter().zip(join_all(asking).await) {
        match told {
            Some(Ok(alerts)) => {
                heard.insert(&incident.id, alerts);
            }
            Some(Err(error)) => remarks.errors.push(error.failure()),
            None => {}
        }
    }
    let mut groups: HashMap<Fingerprint, Vec<Arc<str>>> = HashMap::new();
    for group in &board.groups {
        let key = group_key(&group.key);
        for alert in &group.alerts {
            groups
                .entry(alert.occurrence.fingerprint)
                .or_default()
                .push(Arc::clone(&key));
        }
    }
    let incidents: Vec<_> = incidents
        .iter()
        .map(|incident| clues(incident, heard.get(&incident.id).map_or(&[], Vec::as_slice)))
        .collect();
    let alerts = alerts.iter().map(|alert| AlertClues::of(alert, &groups));
    // Of one service is perhaps another trouble, and then it is nobody's yet.
    Links::between(&incidents, alerts, std::iter::empty())
}

/// Whether somebody is on it.
fn is_taken(incident: &Incident) -> bool {
    incident.status.is_open() && incident.status != Status::Triggered
}
