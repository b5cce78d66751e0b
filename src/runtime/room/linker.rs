//! Which alerts and incidents are the same trouble: worked out anew whenever either changes, off the loop.
//!
//! What links them for sure stands in the alerts that the incidents' keeper holds. Those are asked for one
//! incident at a time, the first on the board first, and again only where an incident changed. The rule itself is
//! the domain's ([`crate::domain::incident::link`]). Start at [`Linker::run`].

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::app::feed::Feed;
use crate::app::incidents::IncidentBoard;
use crate::backend::BackendResult;
use crate::backend::incidents::{IncidentAlert, Incidents, clues, is_asked_for_alerts};
use crate::domain::alert::{AlertBoard, AlertSnapshot, Fingerprint};
use crate::domain::incident::link::{AlertClues, IncidentClues, Links, group_key, is_telling};
use crate::domain::incident::{Incident, IncidentId};
use crate::time::{Clock, Tick};

/// Between two questions: an account that has just been opened on a storm is not flooded.
const PACE: Duration = Duration::from_secs(1);
/// How long an incident whose alerts could not be had is left alone.
const AGAIN: Duration = Duration::from_secs(60);
/// Incidents whose alerts are known at once, and alerts of each: the first of the board's order.
const INCIDENTS: usize = 50;
const ALERTS: usize = 200;

/// What the links are made of.
pub(super) struct Linker {
    pub keepers: Vec<Arc<dyn Incidents>>,
    /// `services`: ours to the id or name of theirs.
    pub services: Vec<(String, String)>,
    pub board: watch::Receiver<Feed<IncidentBoard>>,
    pub alerts: watch::Receiver<Arc<AlertBoard>>,
    /// The Alertmanagers' own answers: their groups, however the board is grouped.
    pub sources: Vec<watch::Receiver<Feed<AlertSnapshot>>>,
    pub out: watch::Sender<Arc<Links>>,
    pub clock: Clock,
}

/// By what an incident is known to be the same as when its alerts were asked for.
type Stand = (u32, DateTime<Utc>);

/// What its keeper told of an incident's alerts.
struct Heard {
    stand: Stand,
    alerts: Vec<IncidentAlert>,
    /// After a failure: not asked before.
    not_before: Tick,
}

/// A question under way.
type Asking = BoxFuture<'static, (IncidentId, Stand, BackendResult<Vec<IncidentAlert>>)>;

/// What the linker does next.
enum Next {
    /// It asks.
    Asks(Asking),
    /// Nothing before then.
    At(Tick),
    /// Nothing until something changes.
    Change,
}

fn stand(incident: &Incident) -> Stand {
    (incident.alert_count, incident.changed_at)
}

impl Linker {
    /// Links for ever.
    pub async fn run(mut self) {
        let mut heard: HashMap<IncidentId, Heard> = HashMap::new();
        let mut asking: Option<Asking> = None;
        // No question before then.
        let mut due = self.clock.tick();
        loop {
            let now = self.clock.tick();
            let mut wake = None;
            if asking.is_none() {
                let next = if now < due {
                    Next::At(due)
                } else {
                    self.ask(&heard, now)
                };
                match next {
                    Next::Asks(question) => {
                        asking = Some(question);
                        due = now + PACE;
                    }
                    Next::At(at) => wake = Some(at.since(now)),
                    Next::Change => {}
                }
            }
            let waited = async move {
                match wake {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => pending().await,
                }
            };
            let ended = tokio::select! {
                changed = self.board.changed() => changed.is_err(),
                changed = self.alerts.changed() => changed.is_err(),
                (id, stand, told) = or_never(&mut asking) => {
                    asking = None;
                    self.hear(&mut heard, (id, stand), told);
                    false
                }
                // Only to ask the next: nothing changed.
                () = waited => continue,
            };
            if ended {
                return;
            }
            self.link(&mut heard);
        }
    }

    /// Asks for the alerts of the first incident on the board that changed since they were told; else when there
    /// will be something to ask.
    fn ask(&self, heard: &HashMap<IncidentId, Heard>, now: Tick) -> Next {
        let board = self.board.borrow();
        let Some(board) = board.value() else {
            return Next::Change;
        };
        let not_before = |incident: &Incident| match heard.get(&incident.id) {
            Some(held) => (held.stand != stand(incident)).then_some(held.not_before),
            None => Some(Tick::ZERO),
        };
        let listed = board
            .incidents
            .iter()
            .filter(|incident| is_asked_for_alerts(incident));
        let mut later: Option<Tick> = None;
        for incident in listed.take(INCIDENTS) {
            let Some(at) = not_before(incident) else { continue };
            let named = |keeper: &&Arc<dyn Incidents>| *keeper.name() == incident.source;
            let Some(keeper) = self.keepers.iter().find(named) else {
                continue;
            };
            // Where its allowance runs low, what people ask for comes first.
            let scarce = keeper.no_sooner_than();
            let at = if scarce.is_zero() {
                at
            } else {
                at.max(now + scarce)
            };
            if at <= now {
                let (keeper, id, stand) = (Arc::clone(keeper), incident.id.clone(), stand(incident));
                return Next::Asks(Box::pin(async move {
                    let told = keeper.alerts(id.clone()).await;
                    (id, stand, told)
                }));
            }
            later = Some(later.map_or(at, |known| known.min(at)));
        }
        later.map_or(Next::Change, Next::At)
    }

    fn hear(
        &self,
        heard: &mut HashMap<IncidentId, Heard>,
        (id, stand): (IncidentId, Stand),
        told: BackendResult<Vec<IncidentAlert>>,
    ) {
        let now = self.clock.tick();
        match told {
            Ok(mut alerts) => {
                alerts.truncate(ALERTS);
                for alert in &mut alerts {
                    if !is_telling(&alert.details) {
                        alert.details = Vec::new();
                    }
                }
                heard.insert(
                    id,
                    Heard {
                        stand,
                        alerts,
                        not_before: Tick::ZERO,
                    },
                );
            }
            Err(error) => {
                // What was known stays; `stand` stays behind, so that it is asked again.
                let held = heard.entry(id).or_insert_with(|| Heard {
                    stand: (u32::MAX, DateTime::<Utc>::MIN_UTC),
                    alerts: Vec::new(),
                    not_before: Tick::ZERO,
                });
                held.not_before = now + error.retry_after.unwrap_or(AGAIN).max(AGAIN);
            }
        }
    }

    fn link(&mut self, heard: &mut HashMap<IncidentId, Heard>) {
        let board = self.board.borrow_and_update().shared();
        let alerts = self.alerts.borrow_and_update().clone();
        let Some(board) = board else { return };
        heard.retain(|id, _| board.incident(id).is_some());
        let groups = self.groups();
        let incidents: Vec<IncidentClues<'_>> = board
            .incidents
            .iter()
            .map(|incident| {
                let told = heard
                    .get(&incident.id)
                    .map_or(&[][..], |held| held.alerts.as_slice());
                clues(incident, told)
            })
            .collect();
        let listed = alerts
            .by_fingerprint
            .values()
            .filter(|alert| !alerts.watchdog.contains(&alert.occurrence.fingerprint));
        let listed = listed.map(|alert| AlertClues::of(alert, &groups));
        let services = self
            .services
            .iter()
            .map(|(ours, theirs)| (ours.as_str(), theirs.as_str()));
        let links = Links::between(&incidents, listed, services);
        self.out.send_if_modified(|held| {
            let changed = **held != links;
            if changed {
                *held = Arc::new(links);
            }
            changed
        });
    }

    /// The keys of the groups that each alert is notified in.
    fn groups(&self) -> HashMap<Fingerprint, Vec<Arc<str>>> {
        let mut groups: HashMap<Fingerprint, Vec<Arc<str>>> = HashMap::new();
        for source in &self.sources {
            let Some(snapshot) = source.borrow().shared() else {
                continue;
            };
            for group in &snapshot.groups {
                let key = group_key(&group.key);
                for member in &group.members {
                    let keys = groups.entry(*member).or_default();
                    if !keys.contains(&key) {
                        keys.push(Arc::clone(&key));
                    }
                }
            }
        }
        groups
    }
}

async fn or_never(asking: &mut Option<Asking>) -> (IncidentId, Stand, BackendResult<Vec<IncidentAlert>>) {
    match asking {
        Some(asking) => asking.await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
