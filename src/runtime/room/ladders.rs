//! The delays of the policies of pages that nobody took, so that it can be said when the next level is woken.
//!
//! A policy is asked for once in a while, whatever number of its incidents rings; a few at one look, none while
//! the keeper's allowance runs low.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::Keepers;
use crate::app::feed::Feed;
use crate::app::incidents::IncidentBoard;
use crate::domain::incident::{Delays, Incident, Status};
use crate::time::{Clock, Tick};

/// A policy is asked for again after this: delays change rarely.
const KEPT: Duration = Duration::from_secs(600);
/// One that could not be had is left alone for so long.
const RETRY: Duration = Duration::from_secs(120);
/// Asked for at one look: each costs the keeper some requests.
const AT_ONCE: usize = 2;
/// Policies remembered before those that are due again are forgotten.
const MOST: usize = 1_024;

/// Asks whenever the list changed; `stir` is told when something was learnt.
pub(super) async fn learn(
    keepers: Keepers,
    mut board: watch::Receiver<Feed<IncidentBoard>>,
    out: watch::Sender<Arc<Delays>>,
    stir: Arc<Notify>,
    clock: Clock,
) {
    let mut due: BTreeMap<Arc<str>, Tick> = BTreeMap::new();
    board.mark_changed();
    while board.changed().await.is_ok() {
        let Some(listed) = board.borrow_and_update().shared() else {
            continue;
        };
        let mut asked = 0;
        for (policy, incident) in ringing(&listed) {
            let now = clock.tick();
            if asked >= AT_ONCE || due.get(policy).is_some_and(|due| *due > now) {
                continue;
            }
            let Some(keeper) = keepers.of(&incident.id) else {
                continue;
            };
            if !keeper.no_sooner_than().is_zero() {
                continue;
            }
            asked += 1;
            let ladder = keeper.ladder(incident.id.clone()).await;
            due.insert(
                Arc::clone(policy),
                now + if ladder.is_ok() { KEPT } else { RETRY },
            );
            if let Ok(ladder) = ladder
                && out.send_if_modified(|held| Arc::make_mut(held).learn(policy, &ladder))
            {
                stir.notify_one();
            }
        }
        if due.len() > MOST {
            let now = clock.tick();
            due.retain(|_, due| *due > now);
        }
    }
}

/// One incident a policy, of those that nobody took.
fn ringing(listed: &IncidentBoard) -> Vec<(&Arc<str>, &Incident)> {
    let mut seen = BTreeSet::new();
    listed
        .incidents
        .iter()
        .filter(|incident| incident.status == Status::Triggered && incident.merged_into.is_none())
        .filter_map(|incident| Some((&incident.policy.as_ref()?.id, &**incident)))
        .filter(|(policy, _)| seen.insert(Arc::clone(policy)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::sample::Told;
    use super::*;
    use crate::app::feed::{Fetched, Status as FeedStatus};
    use crate::domain::incident::Named;
    use crate::domain::incident::sample;

    fn page(id: &str, policy: &str) -> Incident {
        Incident {
            policy: Some(Named {
                id: policy.into(),
                name: policy.into(),
            }),
            ..sample::incident(id, Status::Triggered)
        }
    }

    fn board(incidents: Vec<Incident>) -> Feed<IncidentBoard> {
        Feed {
            last: Some(Fetched {
                value: Arc::new(IncidentBoard {
                    incidents: incidents.into_iter().map(Arc::new).collect(),
                    ..IncidentBoard::default()
                }),
                at: Tick::ZERO,
            }),
            status: FeedStatus::Idle,
            interval: Duration::from_secs(20),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_policy_of_a_page_is_asked_for_once_in_a_while_and_a_few_at_a_look() {
        let keeper = Arc::new(Told::default());
        let keepers = Keepers {
            all: vec![Arc::clone(&keeper) as Arc<_>],
            local: None,
        };
        let mut taken = page("Q9", "P9");
        taken.status = Status::Acknowledged;
        let storm = vec![
            page("Q1", "P1"),
            page("Q2", "P1"),
            taken,
            page("Q3", "P2"),
            page("Q4", "P3"),
        ];
        let (out, listed) = watch::channel(board(Vec::new()));
        let (delays_out, delays) = watch::channel(Arc::<Delays>::default());
        let clock = Clock::with_tokio(sample::incident("Q1", Status::Triggered).created_at);
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(learn(keepers, listed, delays_out, Arc::default(), clock));
        let look = async |wait: u64| {
            tokio::time::advance(Duration::from_secs(wait)).await;
            out.send_replace(board(storm.clone()));
            // The task runs whenever this one waits.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            keeper.ladders.load(Ordering::Relaxed)
        };
        assert_eq!(look(0).await, 2);
        assert_eq!(look(20).await, 3, "the third with the next look");
        assert_eq!(look(20).await, 3);
        let five = Some(Duration::from_secs(300));
        assert_eq!(delays.borrow().of(&"P3".into(), 1), five);
        assert_eq!(delays.borrow().of(&"P9".into(), 1), None, "somebody has it");
        keeper.scarce.store(30, Ordering::Relaxed);
        assert_eq!(look(600).await, 3, "acts go first");
        keeper.scarce.store(0, Ordering::Relaxed);
        assert_eq!(look(20).await, 5);
    }
}
