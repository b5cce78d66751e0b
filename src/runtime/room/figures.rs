//! What is counted of incidents, kept in the journal: as the list tells it while they are open, and after their
//! end from their whole story, which is read once. Keepers forget.
//!
//! Stories are read behind everything else: a few a look, the newest first, none while the keeper's allowance runs
//! low. Whoever of several consoles comes first reads them for all. Start at [`Figures::keep`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;

use super::Keepers;
use crate::app::feed::{Feed, Status};
use crate::app::incidents::IncidentBoard;
use crate::backend::BackendResult;
use crate::backend::incidents::with_alert_keys;
use crate::domain::incident::{Facts, Incident, IncidentId};
use crate::domain::timeline::Event;
use crate::domain::timeline::scope::Scope;
use crate::journal::{Journal, JournalResult, Tx, events, facts};
use crate::time::{Clock, Tick};

/// Stories read at one look; each costs the keeper some requests.
const STORIES: usize = 2;
/// Incidents without a story that are looked at: those before them wait until these are done.
const LOOKED_AT: u32 = 50;
/// Older ones are left as they are: their keepers may not have their logs any more.
const REACH: TimeDelta = TimeDelta::days(30);
/// One that is not over, or whose story could not be had, is left alone for so long.
const RETRY: Duration = Duration::from_secs(600);

/// Keeps the facts of one context.
pub(super) struct Figures {
    pub journal: Journal,
    pub context: Arc<str>,
    pub keepers: Keepers,
    pub board: watch::Receiver<Feed<IncidentBoard>>,
    pub clock: Clock,
}

/// What came of looking at an incident that is listed as open no more.
enum Ended {
    /// It is over: its facts.
    Whole(Facts),
    /// Its keeper has it no more: what is known is all there will be.
    Gone,
    /// It goes on, or cannot be told now.
    Later,
}

impl Figures {
    /// Keeps them for ever. What cannot be written now is tried with the next change of the list.
    pub async fn keep(mut self) {
        let mut kept: HashMap<IncidentId, Facts> = HashMap::new();
        let mut later: HashMap<IncidentId, Tick> = HashMap::new();
        self.board.mark_changed();
        while self.board.changed().await.is_ok() {
            let (listed, is_whole) = {
                let feed = self.board.borrow_and_update();
                (feed.shared(), feed.status == Status::Idle)
            };
            let Some(listed) = listed else {
                continue;
            };
            let changed = changed(&kept, &listed);
            if !changed.is_empty() && self.write(changed.clone()).await.is_ok() {
                // Only what is still listed: a console that runs for weeks remembers no more than it shows.
                kept.retain(|id, _| listed.incident(id).is_some());
                kept.extend(changed.into_iter().map(|facts| (facts.incident.clone(), facts)));
            }
            // Where a keeper failed, what is not listed need not be over.
            if is_whole {
                self.complete(&listed, &mut later).await;
            }
        }
    }

    async fn write(&self, changed: Vec<Facts>) -> JournalResult<()> {
        let context = Arc::clone(&self.context);
        let keep = move |tx: &Tx<'_>| {
            let mut changed = changed.iter();
            changed.try_for_each(|facts| facts::keep(tx, &context, facts))
        };
        self.journal.write(keep).await
    }

    /// Reads the stories of some that ended.
    async fn complete(&self, listed: &IncidentBoard, later: &mut HashMap<IncidentId, Tick>) {
        let now = self.clock.tick();
        later.retain(|_, due| *due > now);
        let (context, from) = (Arc::clone(&self.context), self.clock.now().utc - REACH);
        let waiting = self
            .journal
            .read(move |tx| facts::without_story(tx, &context, from, LOOKED_AT))
            .await;
        let is_open = |id: &IncidentId| listed.incident(id).is_some_and(|it| it.status.is_open());
        let due = waiting
            .unwrap_or_default()
            .into_iter()
            .filter(|facts| !is_open(&facts.incident) && !later.contains_key(&facts.incident));
        for known in due.take(STORIES).collect::<Vec<_>>() {
            let whole = match self.ended(&known.incident, listed).await {
                Ended::Whole(facts) => facts,
                Ended::Gone => known,
                Ended::Later => {
                    later.insert(known.incident, now + RETRY);
                    continue;
                }
            };
            let (context, id) = (Arc::clone(&self.context), whole.incident.clone());
            let written = self
                .journal
                .write(move |tx| facts::keep_whole(tx, &context, &whole))
                .await;
            if written.is_err() {
                later.insert(id, now + RETRY);
            }
        }
    }

    async fn ended(&self, id: &IncidentId, listed: &IncidentBoard) -> Ended {
        let Some(keeper) = self.keepers.of(id).filter(|it| it.no_sooner_than().is_zero()) else {
            return Ended::Later;
        };
        let found: BackendResult<Option<Arc<Incident>>> = match listed.incident(id) {
            Some(incident) => Ok(Some(Arc::clone(incident))),
            None => keeper.incident(id.clone()).await.map(|found| found.map(Arc::new)),
        };
        let incident = match found {
            Ok(Some(incident)) if !incident.status.is_open() => incident,
            Ok(None) => return Ended::Gone,
            Ok(Some(_)) | Err(_) => return Ended::Later,
        };
        let Ok(mut story) = keeper.story(id.clone()).await else {
            return Ended::Later;
        };
        let incident = with_alert_keys(&*keeper, &incident).await;
        story.events.extend(self.seen(&incident).await);
        story.events.sort_by_key(|event| event.at);
        Ended::Whole(Facts::with_story(&incident, &story))
    }

    /// What consoles of this journal saw of it, its alerts above all.
    async fn seen(&self, incident: &Incident) -> Vec<Event> {
        let scope = Scope::of(incident, self.clock.now().utc);
        let (context, id) = (Arc::clone(&self.context), incident.id.clone());
        let seen = self
            .journal
            .read(move |tx| events::of_story(tx, &context, &id, &scope))
            .await;
        seen.unwrap_or_default()
    }
}

/// The facts of those incidents that are not as they were written last.
fn changed(kept: &HashMap<IncidentId, Facts>, listed: &IncidentBoard) -> Vec<Facts> {
    listed
        .incidents
        .iter()
        .map(|incident| Facts::of(incident))
        .filter(|facts| kept.get(&facts.incident) != Some(facts))
        .collect()
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
