//! What happens to local incidents by itself while a console is open: rules declare, levels pass on,
//! notifications go out.
//!
//! Rules and delays run in one console of the journal at a time, the one that holds its watch
//! ([`crate::journal::watches`]); notifications are sent by whichever claims them. What is due is decided by
//! [`crate::domain::incident::watch`]; here it is only asked at the right moments. An idle turn writes nothing
//! but the watch's renewal. A read-only console runs none of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::backend::incidents::local::{House, Look};
use crate::domain::alert::AlertBoard;
use crate::journal::watches::{self, Held, RENEWED, Watcher};
use crate::journal::{Journal, JournalResult};
use crate::notify::Courier;
use crate::time::{Clock, Stamp};

/// After a failure of the journal.
const RETRY: Duration = Duration::from_secs(5);
/// Looked again so soon at the latest, while something is under way.
const SOONEST: Duration = Duration::from_millis(100);

/// Whether what is due by itself is done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watching {
    /// Nothing can come due here.
    Nothing,
    /// By this console.
    Ours,
    /// By another one, for people.
    Theirs(String),
    /// By nobody that is known: the journal failed.
    Failed(String),
}

/// Watches over the local incidents of one context.
pub struct Warden {
    journal: Journal,
    house: Arc<House>,
    courier: Courier,
    clock: Clock,
    watcher: Watcher,
    board: watch::Receiver<Arc<AlertBoard>>,
    held: Option<(Stamp, Stamp)>,
}

impl Warden {
    /// Ready to run. `board` is the alert board of the context.
    pub fn new(
        journal: Journal,
        house: Arc<House>,
        courier: Courier,
        clock: Clock,
        board: watch::Receiver<Arc<AlertBoard>>,
    ) -> Self {
        let pid = std::process::id();
        let born = clock.stamp();
        let watcher = Watcher {
            token: format!("{pid}-{}-{:08x}", born.boot_ms, token_bits()),
            who: format!("{}, pid {pid}", house.identity),
        };
        Self {
            journal,
            house,
            courier,
            clock,
            watcher,
            board,
            held: None,
        }
    }

    /// Runs until it is cancelled, then hands the watch back. `said` is told whenever who watches changes.
    pub async fn run(mut self, ending: CancellationToken, said: watch::Sender<Watching>) {
        let mut changes = self.journal.changes();
        loop {
            changes.borrow_and_update();
            self.board.borrow_and_update();
            let (watching, next) = match self.turn().await {
                Ok(turn) => turn,
                Err(error) => (Watching::Failed(error.to_string()), RETRY),
            };
            said.send_if_modified(|before| {
                let is_new = *before != watching;
                *before = watching;
                is_new
            });
            tokio::select! {
                () = ending.cancelled() => break,
                moved = changes.changed() => if moved.is_err() { break },
                Ok(()) = self.board.changed() => {}
                () = tokio::time::sleep(next.max(SOONEST)) => {}
            }
        }
        let (house, watcher, now) = (self.house, self.watcher, self.clock.stamp());
        // Where that fails it is free within a minute.
        let _ = self
            .journal
            .write(move |tx| watches::hand_back(tx, &house.context, &watcher, &now))
            .await;
    }

    /// One look at what is due; returns who watches, and when to look again at the latest.
    pub async fn turn(&mut self) -> JournalResult<(Watching, Duration)> {
        let watching = self.watch().await?;
        let mut next = RENEWED;
        if let (Watching::Ours, Some((_, watched_since))) = (&watching, self.held) {
            next = next.min(self.do_what_is_due(watched_since).await?);
        }
        if let Some(left) = self.courier.deliver().await? {
            next = next.min(left);
        }
        Ok((watching, next))
    }

    async fn watch(&mut self) -> JournalResult<Watching> {
        if !self.house.acts_by_itself() {
            return Ok(Watching::Nothing);
        }
        let now = self.clock.stamp();
        if self
            .held
            .is_some_and(|(renewed, _)| now.since(&renewed) < RENEWED)
        {
            return Ok(Watching::Ours);
        }
        let house = Arc::clone(&self.house);
        if self.held.is_none() {
            let other = self
                .journal
                .read(move |tx| watches::watching(tx, &house.context, &now))
                .await?;
            if let Some(who) = other {
                return Ok(Watching::Theirs(who));
            }
        }
        let (house, watcher) = (Arc::clone(&self.house), self.watcher.clone());
        self.held = None;
        let held = self
            .journal
            .write(move |tx| watches::hold(tx, &house.context, &watcher, &now))
            .await?;
        Ok(match held {
            Held::Ours { watched_since } => {
                self.held = Some((now, watched_since));
                Watching::Ours
            }
            Held::Theirs { who } => Watching::Theirs(who),
        })
    }

    async fn do_what_is_due(&mut self, watched_since: Stamp) -> JournalResult<Duration> {
        let board = Arc::clone(&self.board.borrow());
        let now = self.clock.stamp();
        let seen = {
            let (house, board) = (Arc::clone(&self.house), Arc::clone(&board));
            self.journal
                .read(move |tx| house.look(tx, believed(&board), &watched_since, &now))
                .await?
        };
        match seen {
            Look::Due => {}
            Look::In(left) => return Ok(left),
            Look::Nothing => return Ok(RENEWED),
        }
        let (house, watcher) = (Arc::clone(&self.house), self.watcher.clone());
        let held = self
            .journal
            .write(move |tx| {
                // Decided anew where nobody else can change it, and only while the watch is ours.
                let held = watches::hold(tx, &house.context, &watcher, &now)?;
                if let Held::Ours { watched_since } = &held {
                    house.turn(tx, believed(&board), watched_since, &now)?;
                }
                Ok(held)
            })
            .await?;
        self.held = match held {
            Held::Ours { watched_since } => Some((now, watched_since)),
            Held::Theirs { .. } => None,
        };
        Ok(SOONEST)
    }
}

/// A board that no source vouches for says nothing.
fn believed(board: &AlertBoard) -> Option<&AlertBoard> {
    board.is_known().then_some(board)
}

/// Tells two consoles of one process apart.
fn token_bits() -> u32 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(()) as u32
}

#[cfg(test)]
#[path = "warden_tests.rs"]
mod tests;
