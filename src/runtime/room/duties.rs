//! Who is on call: asked of every keeper of incidents, and kept in the journal for the time when one cannot be
//! asked, so that a console that starts in an outage knows whom to phone.
//!
//! What a keeper told last stands until it tells anew; the roster says of whom it is not fresh. Start at
//! [`Duties::run`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::{BoxFuture, join_all};
use tokio::sync::{Notify, watch};

use crate::app::feed::{Feed, Fetched};
use crate::backend::BackendResult;
use crate::backend::incidents::Incidents;
use crate::domain::incident::local;
use crate::domain::oncall::Roster;
use crate::journal::Journal;
use crate::journal::duties::{self, Told};
use crate::runtime::poller::Poller;
use crate::time::Clock;

/// Who follows is looked for that far ahead.
const AHEAD: TimeDelta = TimeDelta::days(7);
/// What did not change is written again so often, with its new time.
const WRITTEN: TimeDelta = TimeDelta::minutes(5);
/// What each keeper told last, and when that was written down.
type Memory = BTreeMap<Arc<str>, (Told, Option<DateTime<Utc>>)>;

/// Asks for ever.
pub(super) struct Duties {
    pub keepers: Vec<Arc<dyn Incidents>>,
    pub journal: Option<Journal>,
    pub context: Arc<str>,
    pub out: watch::Sender<Feed<Roster>>,
    pub clock: Clock,
}

impl Duties {
    pub async fn run(self) {
        let memory = Mutex::new(self.recall().await);
        self.show_what_is_kept(&memory);
        let poller = Poller {
            out: self.out.clone(),
            health: None,
            wake: Arc::new(Notify::new()),
            stir: Arc::new(Notify::new()),
            clock: self.clock,
        };
        let ask = || -> BoxFuture<'_, BackendResult<Roster>> { Box::pin(self.ask(&memory)) };
        let no_sooner = || {
            let wishes = self.keepers.iter().map(|keeper| keeper.no_sooner_than());
            wishes.max().unwrap_or(Duration::ZERO)
        };
        poller.run_no_sooner(ask, no_sooner).await;
    }

    /// What the keepers told an earlier console.
    async fn recall(&self) -> Memory {
        let Some(journal) = &self.journal else {
            return Memory::new();
        };
        let names: Vec<Arc<str>> = self
            .keepers
            .iter()
            .map(|keeper| Arc::clone(keeper.name()))
            .collect();
        let context = Arc::clone(&self.context);
        let kept = journal.read(move |tx| {
            let mut memory = Memory::new();
            for name in names {
                if let Some(told) = duties::recall(tx, &context, &name)? {
                    let written = Some(told.at);
                    memory.insert(name, (told, written));
                }
            }
            Ok(memory)
        });
        kept.await.unwrap_or_default()
    }

    fn show_what_is_kept(&self, memory: &Mutex<Memory>) {
        let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        if !memory.is_empty() {
            let roster = joined(&memory, Heard::Earlier);
            let at = self.clock.tick();
            self.out.send_modify(|feed| {
                feed.last = Some(Fetched {
                    value: Arc::new(roster),
                    at,
                });
            });
        }
    }

    /// One round over all keepers. An error where one failed and nobody else has anything to tell.
    async fn ask(&self, memory: &Mutex<Memory>) -> BackendResult<Roster> {
        let now = self.clock.now().utc;
        let asked = self.keepers.iter().map(|keeper| async move {
            let answer = keeper.on_call(now, now + AHEAD).await;
            (Arc::clone(keeper.name()), answer)
        });
        let mut silent = Vec::new();
        let mut failure = None;
        let mut heard = false;
        for (name, answer) in join_all(asked).await {
            match answer {
                Ok(roster) => {
                    heard |= !roster.duties.is_empty();
                    let told = Told {
                        at: now,
                        duties: roster.duties,
                        partial: roster.partial,
                    };
                    self.keep(&name, told, memory).await;
                }
                Err(error) => {
                    silent.push((name, error.cause()));
                    failure.get_or_insert(error);
                }
            }
        }
        match failure {
            Some(error) if !heard => Err(error),
            Some(_) | None => {
                let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(joined(&memory, Heard::Now { but: &silent }))
            }
        }
    }

    async fn keep(&self, name: &Arc<str>, told: Told, memory: &Mutex<Memory>) {
        let before = {
            let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.get(name).cloned()
        };
        let stands = before.as_ref().is_some_and(|(before, written)| {
            before.duties == told.duties && written.is_some_and(|at| told.at - at < WRITTEN)
        });
        let mut written = before.and_then(|(_, written)| written);
        // What the configuration says of it is there without its having been asked.
        if !stands
            && **name != *local::SOURCE
            && let Some(journal) = &self.journal
        {
            let (context, name, kept) = (Arc::clone(&self.context), Arc::clone(name), told.clone());
            let kept = journal
                .write(move |tx| duties::keep(tx, &context, &name, &kept))
                .await;
            // A failure shows in the header; the next answer tries again.
            if kept.is_ok() {
                written = Some(told.at);
            }
        }
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(Arc::clone(name), (told, written));
    }
}

/// Who has told what is joined.
#[derive(Clone, Copy)]
enum Heard<'a> {
    /// All of them, to an earlier console.
    Earlier,
    /// All of them just now, but these, with why not.
    Now { but: &'a [(Arc<str>, String)] },
}

/// What all keepers told last, as one roster.
fn joined(memory: &Memory, heard: Heard<'_>) -> Roster {
    let mut roster = Roster::default();
    let mut partial: Vec<String> = Vec::new();
    for (name, (told, _)) in memory {
        let silent = match heard {
            Heard::Earlier => true,
            Heard::Now { but } => but.iter().any(|(silent, _)| silent == name),
        };
        if silent {
            let policies = told.duties.iter().map(|duty| Arc::clone(&duty.policy.id));
            roster.as_of.extend(policies.map(|policy| (policy, told.at)));
        }
        roster.duties.extend(told.duties.iter().cloned());
        partial.extend(told.partial.clone());
    }
    if let Heard::Now { but } = heard {
        let words = but
            .iter()
            .map(|(name, why)| format!("{name} cannot be asked: {why}"));
        partial.extend(words);
    }
    roster
        .duties
        .sort_by(|a, b| (&a.policy, a.level, a.start).cmp(&(&b.policy, b.level, b.start)));
    roster.partial = (!partial.is_empty()).then(|| partial.join("; "));
    roster
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::sample::{named, person};
    use crate::domain::oncall::Duty;
    use crate::journal::Opening;
    use crate::runtime::room::sample::Told as Keeper;

    fn duty(policy: &str, level: u32, who: &str) -> Duty {
        Duty {
            policy: named(policy),
            level,
            person: person(who),
            schedule: None,
            start: None,
            end: None,
        }
    }

    fn keeper(name: &str, roster: Option<Vec<Duty>>) -> Arc<Keeper> {
        let keeper = Keeper::called(name);
        *keeper.roster.lock().unwrap() = roster;
        Arc::new(keeper)
    }

    /// One console: what its roster is after the first round.
    async fn console(journal: &Journal, keepers: &[Arc<Keeper>]) -> Feed<Roster> {
        let (out, mut seen) = watch::channel(Feed::new(Duration::from_secs(60)));
        let duties = Duties {
            keepers: keepers
                .iter()
                .map(|keeper| Arc::clone(keeper) as Arc<dyn Incidents>)
                .collect(),
            journal: Some(journal.clone()),
            context: "prod".into(),
            out,
            clock: Clock::start(),
        };
        let rounds = async {
            let over = |feed: &Feed<Roster>| {
                feed.failure().is_some()
                    || feed
                        .value()
                        .is_some_and(|roster| roster.as_of.len() < 2 && roster.duties.len() > 1)
            };
            seen.wait_for(over).await.unwrap().clone()
        };
        tokio::select! {
            () = duties.run() => unreachable!("it asks for ever"),
            feed = rounds => feed,
        }
    }

    #[tokio::test]
    async fn who_to_phone_outlives_the_console_that_asked() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let told = vec![duty("Checkout", 1, "Jun"), duty("Platform", 2, "Mara")];
        let first = console(&journal, &[keeper("incidents", Some(told.clone()))]).await;
        let first = first.value().unwrap();
        assert_eq!((&first.duties, first.as_of.len()), (&told, 0), "just heard");

        let again = console(&journal, &[keeper("incidents", None)]).await;
        assert!(again.failure().is_some(), "it is an outage");
        let roster = again.value().unwrap();
        assert_eq!(roster.duties, told);
        let policy = &told[1].policy.id;
        assert!(roster.as_of.contains_key(policy), "and it says since when");
    }

    #[tokio::test]
    async fn every_keeper_is_asked_and_one_that_fails_takes_nobody_elses_duties_along() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let (theirs, ours) = (duty("Checkout", 1, "Jun"), duty("local", 1, "Sam"));
        let keepers = [
            keeper("incidents", Some(vec![theirs.clone()])),
            keeper("local", Some(vec![ours.clone()])),
        ];
        let both = console(&journal, &keepers).await;
        assert_eq!(both.value().unwrap().duties, [theirs.clone(), ours.clone()]);
        *keepers[0].roster.lock().unwrap() = None;
        let feed = console(&journal, &keepers).await;
        let roster = feed.value().unwrap();
        assert_eq!(roster.duties, [theirs.clone(), ours.clone()]);
        assert!(roster.as_of.contains_key(&theirs.policy.id));
        assert!(!roster.as_of.contains_key(&ours.policy.id));
        assert!(
            roster
                .partial
                .as_deref()
                .unwrap()
                .contains("incidents cannot be asked")
        );
    }
}
