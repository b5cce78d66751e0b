//! The facts that figures are counted from: what the list tells of incidents, completed from their logs.
//!
//! The journal has the facts of incidents whose story was read after their end. For the others everybody's log is
//! read once for all of them; only what began before it is read on its own, a few. What was learnt is kept where
//! there is a journal. Start at [`whole`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::gather::Scene;
use super::keepers::Keepers;
use crate::backend::incidents::{Incidents, LOG_CUT, with_alert_keys};
use crate::domain::document::Remarks;
use crate::domain::incident::{Facts, Incident, IncidentId};
use crate::domain::timeline::scope::Scope;
use crate::domain::timeline::{Event, Timeline};
use crate::journal::facts::{Kept, Rests};
use crate::journal::{Journal, JournalResult, Opening, events, facts};

/// Logs that are read one by one.
const ONE_BY_ONE: usize = 10;
/// What led to an incident began before it did.
const BEFORE: TimeDelta = TimeDelta::hours(1);

/// What the journal knows of a span.
#[derive(Default)]
struct Known {
    facts: BTreeMap<IncidentId, Kept>,
    events: Vec<(Option<IncidentId>, Event)>,
}

/// Everybody's log of one keeper.
struct Log {
    stories: BTreeMap<IncidentId, Vec<Event>>,
    /// It is whole from here on.
    from: DateTime<Utc>,
}

/// The facts of these incidents, as whole as they can be had; what cannot is said.
pub async fn whole(
    scene: &Scene,
    keepers: &Keepers,
    incidents: &[Incident],
    from: DateTime<Utc>,
    remarks: &mut Remarks,
) -> Vec<Facts> {
    let journal = journal(scene, remarks);
    let known = match &journal {
        Some(journal) => known(journal, &scene.context.name, from)
            .await
            .unwrap_or_else(|error| {
                remarks.warnings.push(error.to_string());
                Known::default()
            }),
        None => Known::default(),
    };
    let is_told = |incident: &&Incident| {
        let kept = known.facts.get(&incident.id);
        !incident.status.is_open() && kept.is_some_and(|kept| kept.rests == Rests::OnStory)
    };
    let untold: Vec<&Incident> = incidents.iter().filter(|incident| !is_told(incident)).collect();
    let mut stories = BTreeMap::new();
    for keeper in keepers.all() {
        let theirs: Vec<&Incident> = untold
            .iter()
            .copied()
            .filter(|incident| incident.source == *keeper.name())
            .collect();
        stories.extend(read(keeper, &theirs, from, remarks).await);
    }
    let now = scene.now().utc;
    let mut all = Vec::new();
    let mut learnt = Vec::new();
    let mut asked = 0;
    for incident in incidents {
        let mut told = match stories.remove(&incident.id) {
            Some(mut story) => {
                let keeper = keepers.all().find(|keeper| *keeper.name() == incident.source);
                // Which alerts were its own matters only where some were seen.
                let keyed = match keeper {
                    Some(keeper) if asked < ONE_BY_ONE && !known.events.is_empty() => {
                        asked += 1;
                        with_alert_keys(&**keeper, incident).await
                    }
                    Some(_) | None => incident.clone(),
                };
                story.extend(seen(&known.events, &keyed, now));
                let told = told(&keyed, story);
                if !incident.status.is_open() {
                    learnt.push(told.clone());
                }
                told
            }
            None => Facts::of(incident),
        };
        if let Some(kept) = known.facts.get(&incident.id) {
            complete(&mut told, &kept.facts);
        }
        all.push(told);
    }
    if let Some(journal) = journal {
        // What cannot be kept is read again the next time.
        let _ = keep(&journal, &scene.context.name, learnt).await;
    }
    all
}

/// Keeps the facts of an incident that is over, from its whole story.
pub async fn keep_one(scene: &Scene, incident: &Incident, told: &Facts) {
    if incident.status.is_open() {
        return;
    }
    if let Some(journal) = journal(scene, &mut Remarks::default()) {
        // What cannot be kept is read again the next time.
        let _ = keep(&journal, &scene.context.name, vec![told.clone()]).await;
    }
}

/// The journal, where there is one: reading makes none.
fn journal(scene: &Scene, remarks: &mut Remarks) -> Option<Journal> {
    let opening = Opening::of(&scene.config).filter(|opening| opening.path.exists())?;
    Journal::open(&opening)
        .map_err(|error| remarks.warnings.push(error.to_string()))
        .ok()
}

async fn known(journal: &Journal, context: &str, from: DateTime<Utc>) -> JournalResult<Known> {
    let context = context.to_owned();
    journal
        .read(move |tx| {
            let facts = facts::since(tx, &context, from)?;
            Ok(Known {
                facts: facts
                    .into_iter()
                    .map(|kept| (kept.facts.incident.clone(), kept))
                    .collect(),
                events: events::between(tx, &context, from - BEFORE, DateTime::<Utc>::MAX_UTC)?,
            })
        })
        .await
}

async fn keep(journal: &Journal, context: &str, learnt: Vec<Facts>) -> JournalResult<()> {
    if learnt.is_empty() {
        return Ok(());
    }
    let context = context.to_owned();
    journal
        .write(move |tx| {
            let mut learnt = learnt.iter();
            learnt.try_for_each(|told| facts::keep_whole(tx, &context, told))
        })
        .await
}

/// What their keeper tells of these incidents; those that it does not are left out, and that is said.
async fn read(
    keeper: &Arc<dyn Incidents>,
    incidents: &[&Incident],
    from: DateTime<Utc>,
    remarks: &mut Remarks,
) -> BTreeMap<IncidentId, Vec<Event>> {
    let mut stories = BTreeMap::new();
    if incidents.is_empty() {
        return stories;
    }
    let mut log = match keeper.story_since(from).await {
        Ok(log) => sorted(log, from),
        Err(error) => {
            remarks.errors.push(error.failure());
            return stories;
        }
    };
    let mut left = Vec::new();
    for &incident in incidents {
        if incident.created_at >= log.from {
            let story = log.stories.remove(&incident.id).unwrap_or_default();
            stories.insert(incident.id.clone(), story);
        } else if incident.created_at >= from {
            left.push(incident);
        }
    }
    left.sort_by_key(|incident| std::cmp::Reverse(incident.created_at));
    let mut untold = left.len().saturating_sub(ONE_BY_ONE);
    for incident in left.into_iter().take(ONE_BY_ONE) {
        match keeper.story(incident.id.clone()).await {
            Ok(story) => {
                stories.insert(incident.id.clone(), story.events);
            }
            Err(_) => untold += 1,
        }
    }
    if untold > 0 {
        remarks.partial.push(format!(
            "{}: the logs of {untold} of the oldest were not read: when they were taken and escalated is missing \
             from the figures; ask for a shorter span with --since",
            keeper.name()
        ));
    }
    stories
}

/// Everybody's log by incident, and from when on it is whole.
fn sorted(log: Vec<(IncidentId, Event)>, from: DateTime<Utc>) -> Log {
    let mut sorted = Log {
        stories: BTreeMap::new(),
        from,
    };
    for (id, event) in log {
        if *event.id == *LOG_CUT {
            sorted.from = sorted.from.max(event.at);
        } else {
            sorted.stories.entry(id).or_default().push(event);
        }
    }
    sorted
}

/// What consoles of this journal saw of an incident.
fn seen(events: &[(Option<IncidentId>, Event)], incident: &Incident, now: DateTime<Utc>) -> Vec<Event> {
    let scope = Scope::of(incident, now);
    events
        .iter()
        .filter(|(of, event)| match of {
            Some(of) => *of == incident.id,
            None => scope.takes(event),
        })
        .map(|(_, event)| event.clone())
        .collect()
}

fn told(incident: &Incident, mut story: Vec<Event>) -> Facts {
    story.sort_by_key(|event| event.at);
    let story = Timeline {
        events: story,
        partial: Vec::new(),
    };
    Facts::with_story(incident, &story)
}

/// First moments are the first that anybody knew.
fn complete(told: &mut Facts, kept: &Facts) {
    let first = |one: &mut Option<DateTime<Utc>>, other: Option<DateTime<Utc>>| {
        let known: BTreeSet<DateTime<Utc>> = one.iter().copied().chain(other).collect();
        *one = known.first().copied();
    };
    first(&mut told.acknowledged_at, kept.acknowledged_at);
    first(&mut told.escalated_at, kept.escalated_at);
    first(&mut told.mitigated_at, kept.mitigated_at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::Status;
    use crate::domain::incident::sample::incident;
    use crate::domain::timeline::EventKind;
    use crate::domain::timeline::sample::{at, told as event, with};

    #[test]
    fn a_log_that_breaks_off_is_whole_from_there_on() {
        let cut = Event {
            id: LOG_CUT.into(),
            ..event("R0", 600, EventKind::Other, "", "left out")
        };
        let log = vec![
            ("Q1".into(), cut),
            ("Q1".into(), event("R1", 600, EventKind::Acknowledged, "Sam", "x")),
            ("Q2".into(), event("R2", 700, EventKind::Triggered, "", "x")),
            ("Q2".into(), event("R3", 800, EventKind::Acknowledged, "Sam", "x")),
        ];
        let log = sorted(log, at(0));
        assert_eq!(log.from, at(600));
        assert_eq!((log.stories.len(), log.stories[&"Q2".into()].len()), (2, 2));
    }

    #[test]
    fn what_a_console_saw_of_its_alerts_tells_when_it_was_mitigated() {
        let mut over = incident("Q1", Status::Resolved);
        over.created_at = at(0);
        over.resolved_at = Some(at(900));
        let alert = |seconds, kind| {
            let refs = [("alert", "00f1"), ("service", "checkout")];
            with(event("j", seconds, kind, "", "x"), &refs)
        };
        let kept = [
            (None, alert(-30, EventKind::AlertFired)),
            (None, alert(600, EventKind::AlertResolved)),
            (
                Some("Q2".into()),
                with(
                    event("j", 60, EventKind::StatusUpdate, "", "x"),
                    &[("status", "monitoring")],
                ),
            ),
        ];
        let log = vec![event("R1", 300, EventKind::Escalated, "", "level 2")];
        let story = log.into_iter().chain(seen(&kept, &over, at(1_000))).collect();
        let mut facts = told(&over, story);
        assert_eq!(
            (facts.escalated_at, facts.mitigated_at),
            (Some(at(300)), Some(at(600)))
        );
        let known = Facts {
            escalated_at: Some(at(200)),
            acknowledged_at: Some(at(100)),
            mitigated_at: None,
            ..facts.clone()
        };
        facts.acknowledged_at = None;
        complete(&mut facts, &known);
        assert_eq!(
            (facts.acknowledged_at, facts.escalated_at, facts.mitigated_at),
            (Some(at(100)), Some(at(200)), Some(at(600)))
        );
    }
}
